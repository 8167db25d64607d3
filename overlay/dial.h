/* The dials that the overlay has asked for: what for, and until when it waits.
 * A bounded table, there only while there are dials; the node takes each dial once and
 * reports how it ended.  SPDX-License-Identifier: MIT */
#ifndef OVERLAY_DIAL_H
#define OVERLAY_DIAL_H

#include "overlay/contacts.h"

/* What to do when the link stands; bits of struct dial.purposes. */
enum dial_purpose {
    DIAL_JOIN = 1,     /* ask for a slot as a newcomer */
    DIAL_NEIGHBOR = 2, /* ask for a slot */
    DIAL_SHUFFLE = 4,  /* exchange records */
    DIAL_ANCHOR = 8,   /* ask which island it is in */
    DIAL_PROBE = 16,   /* tell somebody that it is alive */
    DIAL_HOME = 32     /* let it introduce others to us */
};

struct dial {
    uint32_t contact; /* an id all zero: whoever answers (a bootstrap address) */
    uint8_t purposes;
    bool is_forced; /* the slot asked for may cost one of our forced ones */
    bool is_taken;  /* the node has it */
    bool is_back;   /* ANCHOR: it was out of reach before */
    uint8_t asker;  /* PROBE: the slot of who wants to know … */
    uint32_t nonce; /* … and how it called the question */
    int64_t start_ns;
    int64_t deadline_ns;
};

struct dials {
    struct heap *heap;
    struct contacts *contacts;
    struct dial *list;
    uint16_t count;
    uint16_t room;
    uint16_t max;
    uint16_t taken_count; /* dials that the node has */
};

/* Keeps heap and contacts. */
void dials_init(struct dials *d, int max, struct heap *heap, struct contacts *contacts);
void dials_finish(struct dials *d);

/* Add a dial, or its purposes to the one already there.  False when the table is full.
 * Its contact is set from rec. */
bool dials_add(struct dials *d, const struct peer_rec *rec, const struct dial *dial);

/* Valid until the dial is removed. */
const struct peer_rec *dials_rec(const struct dials *d, int index);

/* The dial to an address, or to a known id; -1: none. */
int dials_find_addr(const struct dials *d, const struct addr *a);
int dials_find_id(const struct dials *d, const struct node_id *id);

void dials_remove(struct dials *d, int index);

/* The next one that the node has not taken yet, now taken; -1: none. */
int dials_take(struct dials *d);

/* How many ask for a slot of the active view that is to be free for them. */
int dials_slots(const struct dials *d);

/* The first deadline. */
int64_t dials_next_ns(const struct dials *d);

bool node_id_is_zero(const struct node_id *id);

#endif
