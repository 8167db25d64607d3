/* What the next events of a part will touch, fetched while those before them run: nearly
 * all the time of a large world goes by in waiting for memory.  For the world only.
 * SPDX-License-Identifier: MIT */
#ifndef SIM_AHEAD_H
#define SIM_AHEAD_H

#include "node/fetch.h"
#include "sim/packet.h"
#include "sim/wheel.h"

#define AHEAD_EVENTS 32 /* a power of two, and more than are looked at ahead */

struct world_node;

struct ahead_event {
    const struct world_node *at;
    const struct packet *packet; /* NULL: a wake */
    int64_t at_ns;
    struct node_ahead node; /* without one there is nothing to fetch */
};

struct ahead {
    int64_t slot; /* of the wheel, that it is about … */
    size_t next;  /* … and the place in its run that was prepared last, plus one */
    struct ahead_event events[AHEAD_EVENTS];
};

void ahead_init(struct ahead *a);

/* Before each pop. */
void ahead_fetch(struct ahead *a, const struct wheel *wheel,
                 const struct packets *packets, const struct world_node *nodes);

#endif
