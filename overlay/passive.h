/* The passive view: nodes that we have heard of, as spare neighbours (HyParView section
 * 4.1).  What we learn from trying them stays with the entry: a peer that fails or
 * refuses is tried again later and later, and is not passed on to others meanwhile.
 * SPDX-License-Identifier: MIT */
#ifndef OVERLAY_PASSIVE_H
#define OVERLAY_PASSIVE_H

#include "base/arena.h"
#include "base/rng.h"
#include "wire/msg.h"

struct passive_entry {
    struct peer_rec rec;
    int64_t retry_ns; /* not to be tried before */
    uint8_t fails;    /* dials that failed in a row */
    uint8_t refusals; /* requests refused in a row */
    bool is_sent;     /* given away in a shuffle: the first to make room */
};

struct passive {
    int count;
    int max;
    struct passive_entry *list;
};

/* True when the address can be dialled at all: a port, and one host's IP. */
bool passive_is_dialable(const struct addr *a);

/* Takes its memory from the arena.  Errors: ERR_NOMEM. */
MUST_USE int passive_init(struct passive *v, int max, struct arena *a);

/* The index of an id, or -1.  An index is good until the next change. */
int passive_find(const struct passive *v, const struct node_id *id);

/* Add a record, and return its index, or -1 when its address cannot be dialled.  A full
 * view first loses an entry that fails, then one that was given away, then a random one.
 * The address of a known id is replaced only at first hand (the peer itself said it) or
 * when the old one fails. */
int passive_add(struct passive *v, const struct peer_rec *rec, bool is_first_hand,
                struct rng *rng);

void passive_remove(struct passive *v, int index);

/* A random entry that may be tried now, sound ones before failing ones; -1: none. */
int passive_pick(const struct passive *v, int64_t now_ns, struct rng *rng);

/* When the next entry may be tried; TIME_NEVER when the view is empty. */
int64_t passive_next_ns(const struct passive *v);

/* Count a failed dial: back-off from 1 s, doubled up to max_ns. */
void passive_failed(struct passive_entry *e, int64_t max_ns, int64_t now_ns,
                    struct rng *rng);

/* Count a refusal: back-off from 5 s, doubled up to max_ns. */
void passive_refused(struct passive_entry *e, int64_t max_ns, int64_t now_ns,
                     struct rng *rng);

/* Append up to count random sound entries other than not_id to recs, and mark them as
 * given away when is_shuffle. */
void passive_sample(struct passive *v, int count, const struct node_id *not_id,
                    bool is_shuffle, struct rng *rng, struct peer_recs *recs);

#endif
