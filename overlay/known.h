/* The peers worth remembering over restarts: those that were good neighbours.  A mirror
 * of what the node has stored: each change is taken once, as "remember" or "forget".
 * SPDX-License-Identifier: MIT */
#ifndef OVERLAY_KNOWN_H
#define OVERLAY_KNOWN_H

#include "overlay/contacts.h"

/* Those with the longest time as our neighbour are not replaced by newer ones. */
#define KNOWN_ANCHORS 8

struct known_entry {
    uint32_t contact;
    uint32_t good_s : 29; /* when it was last a neighbour, plus 1; 0: in an earlier run */
    uint32_t is_lost : 1; /* the last dial to it failed */
    uint32_t is_new : 1;  /* the node has not taken it, or its new address, yet */
    uint32_t is_stored : 1; /* the node has a record of this id */
    uint32_t stay_s;        /* the longest time that it was a neighbour */
};

struct known {
    struct heap *heap;
    struct contacts *contacts;
    struct known_entry *list;
    uint32_t *forgets; /* contacts of stored ones that the node has yet to forget */
    uint16_t count;
    uint16_t room;
    uint16_t max;
    uint16_t forget_count;
    uint16_t forget_room;
    uint16_t new_count; /* entries that are new */
};

/* Keeps heap and contacts. */
void known_init(struct known *k, int max, struct heap *heap, struct contacts *contacts);
void known_finish(struct known *k);

/* What the node remembers from earlier runs; false when the table is full. */
bool known_load(struct known *k, const struct peer_rec *rec);

/* Remember a peer that has been a neighbour for stay_ns by now, in place of the one that
 * was good longest ago, and is no anchor, when the table is full. */
void known_add(struct known *k, const struct peer_rec *rec, int64_t stay_ns,
               int64_t now_ns);

void known_forget(struct known *k, const struct node_id *id);

/* How the last dial to a peer ended; true when it is remembered, and was lost before. */
bool known_dialled(struct known *k, const struct node_id *id, bool is_lost);

const struct peer_rec *known_rec(const struct known *k, int index);

/* The next change for the node's memory; false when there is none. */
bool known_take(struct known *k, struct peer_rec *rec, bool *is_forget);

#endif
