/* Hands for the hostile nodes of an experiment: they dial whom they like and say what no
 * honest node says, signed or not.  SPDX-License-Identifier: MIT */
#ifndef SIM_LAB_ENEMY_H
#define SIM_LAB_ENEMY_H

#include "sim/lab.h"
#include "wire/msg.h"

/* Open a link from a hostile node to another one. */
void enemy_dial(struct lab *lab, int from, int to);

/* Send a message to a node.  False when there is no link to it. */
bool enemy_say(struct lab *lab, int from, int to, const struct msg *m);

/* … to all neighbours of the hostile node; how many there were. */
int enemy_say_all(struct lab *lab, int from, const struct msg *m);

/* A flood as its origin would make it: signed by a key that grows from origin. */
struct enemy_flood {
    uint8_t inner[MSG_INNER_MAX];
    struct msg msg; /* MSG_FLOOD, hops 2: as if it came from elsewhere */
};

void enemy_make_flood(struct lab *lab, uint64_t origin, int ttl, int bytes,
                      struct enemy_flood *f);

/* The hostile nodes that are up, as a list from the heap (free it); their number. */
int enemy_list(const struct lab *lab, int **list);

#endif
