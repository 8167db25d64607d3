/* The peers worth remembering over restarts: those that were good neighbours.  A mirror
 * of what the node has stored: each change is taken once, as "remember" or "forget".
 * SPDX-License-Identifier: MIT */
#ifndef OVERLAY_KNOWN_H
#define OVERLAY_KNOWN_H

#include "base/arena.h"
#include "wire/msg.h"

struct known_entry {
    struct peer_rec rec;
    int64_t good_ns; /* when it was last a neighbour; -1: in an earlier run */
    bool is_new;     /* the node has not taken it, or its new address, yet */
    bool is_stored;  /* the node has a record of this id */
};

struct known {
    int count;
    int max;
    struct known_entry *list;
    int forget_count; /* stored ones that the node has yet to forget */
    struct peer_rec *forgets;
};

/* Takes its memory from the arena.  Errors: ERR_NOMEM. */
MUST_USE int known_init(struct known *k, int max, struct arena *a);

/* What the node remembers from earlier runs; false when the table is full. */
bool known_load(struct known *k, const struct peer_rec *rec);

/* Remember a peer, in place of the one that was good longest ago when the table is full.
 */
void known_add(struct known *k, const struct peer_rec *rec, int64_t now_ns);

void known_forget(struct known *k, const struct node_id *id);

/* The next change for the node's memory; false when there is none. */
bool known_take(struct known *k, struct peer_rec *rec, bool *is_forget);

#endif
