/* The passive view: nodes that we have heard of, as spare neighbours (HyParView section
 * 4.1).  What we learn from trying them stays with the entry: a peer that fails or
 * refuses is tried again later and later, and is not passed on to others meanwhile.
 *
 * An entry takes five bytes, as a city of nodes holds a hundred and twenty each: the
 * record itself is interned, and only those that were tried in vain have more.
 * SPDX-License-Identifier: MIT */
#ifndef OVERLAY_PASSIVE_H
#define OVERLAY_PASSIVE_H

#include "base/rng.h"
#include "overlay/contacts.h"

struct passive_entry {
    uint32_t contact : 26;
    uint32_t is_sent : 1;  /* given away in a shuffle: the first to make room */
    uint32_t is_tried : 1; /* has a row in trials */
};

/* What came of trying an entry: there is none where that is nothing. */
struct passive_trial {
    uint16_t index;         /* of the entry; rows are in the order of it */
    uint16_t retry;         /* in units of PASSIVE_UNIT_NS, modulo 2^16 */
    uint8_t fails;          /* dials that failed in a row */
    uint8_t refusals : 4;   /* requests refused in a row, at most 15 */
    uint8_t is_waiting : 1; /* not to be tried before retry */
};

/* The grain of retries: 2^16 of them are over an hour. */
#define PASSIVE_UNIT_NS (INT64_C(1) << 26)

struct passive {
    uint16_t count;
    uint16_t room; /* of the list */
    uint16_t max;
    uint16_t group_min; /* addresses of one group have one entry, once so many groups are
                      known; 0: the rule is off */
    uint16_t trial_count;
    uint16_t trial_room;
    struct passive_entry *list;
    uint8_t *tags; /* of the ids: contact_tag, cut */
    struct passive_trial *trials;
    struct heap *heap;
    struct contacts *contacts;
};

/* True when the address can be dialled at all: a port, and one host's IP. */
bool passive_is_dialable(const struct addr *a);

/* The group of an address: its IPv4 /16 or IPv6 /32; 0 where groups say nothing of who
 * owns them: private, shared, link-local and loopback addresses. */
uint64_t passive_group(const struct addr *a);

/* Keeps heap and contacts. */
void passive_init(struct passive *v, int max, struct heap *heap,
                  struct contacts *contacts);
void passive_finish(struct passive *v);

/* The index of an id, or -1.  An index is good until the next change. */
int passive_find(const struct passive *v, const struct node_id *id);

/* The record of an entry; valid until the entry is changed or removed. */
const struct peer_rec *passive_rec(const struct passive *v, int index);

/* Add a record, and return its index, or -1 when its address cannot be dialled, or its
 * group of addresses has an entry already.  A full view first loses an entry that fails,
 * then one that was given away, then a random one.  The address of a known id is replaced
 * only at first hand (the peer itself said it) or when the old one fails. */
int passive_add(struct passive *v, const struct peer_rec *rec, bool is_first_hand,
                struct rng *rng);

/* Add records that are interned already and not in the view, until it is full, each with
 * a reference that was the caller's; those that were taken.  tags: contact_tag of each.
 * The records themselves are not looked at.  For worlds that begin settled
 * (overlay/adopt.h). */
int passive_fill(struct passive *v, const uint32_t *contacts, const uint16_t *tags,
                 int count);

void passive_remove(struct passive *v, int index);

/* Dials of an entry that failed in a row; it was reached, so there are none. */
int passive_fails(const struct passive *v, int index);
void passive_reached(struct passive *v, int index);

/* A random entry that may be tried now, sound ones before failing ones; -1: none. */
int passive_pick(const struct passive *v, int64_t now_ns, struct rng *rng);

/* A random sound entry that names nobody to be introduced by; -1: none. */
int passive_pick_open(const struct passive *v, struct rng *rng);

/* When the next entry may be tried; TIME_NEVER when the view is empty. */
int64_t passive_next_ns(const struct passive *v, int64_t now_ns);

/* When an entry may be tried; now_ns at the earliest. */
int64_t passive_retry_ns(const struct passive *v, int index, int64_t now_ns);

/* An entry is not to be tried before this; at most half an hour ahead. */
void passive_wait_until(struct passive *v, int index, int64_t at_ns);

/* Forget the waits that are over.  To be called every few minutes, as instants wrap. */
void passive_sweep(struct passive *v, int64_t now_ns);

/* Count a failed dial: back-off from 1 s, doubled up to max_ns. */
void passive_failed(struct passive *v, int index, int64_t max_ns, int64_t now_ns,
                    struct rng *rng);

/* Count a refusal: back-off from 5 s, doubled up to max_ns. */
void passive_refused(struct passive *v, int index, int64_t max_ns, int64_t now_ns,
                     struct rng *rng);

/* All entries can be given away as if none ever was. */
void passive_renew_sent(struct passive *v);

/* Append up to count random sound entries other than not_id to recs, and mark them as
 * given away when is_shuffle. */
void passive_sample(struct passive *v, int count, const struct node_id *not_id,
                    bool is_shuffle, struct rng *rng, struct peer_recs *recs);

/* The invariants of the table itself.  NULL, or what is wrong. */
const char *passive_check(const struct passive *v);

#endif
