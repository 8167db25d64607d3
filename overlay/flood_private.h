/* What the files of the floods share: flood.c (what may come in), flood_reply.c
 * (replies), flood_hop.c (copies sent, and their answers), flood_alone.c (what one link
 * alone brings), flood_recent.c (what is kept for others). SPDX-License-Identifier: MIT
 */
#ifndef OVERLAY_FLOOD_PRIVATE_H
#define OVERLAY_FLOOD_PRIVATE_H

#include <assert.h>

#include "overlay/flood.h"

/* --- flood.c */

/* The link of a peer, who has one. */
static inline struct flood_link *flood_link(const struct floods *f, int peer)
{
    assert(sparse_has(&f->slots, peer));
    return &f->links[sparse_place(&f->slots, peer)];
}

/* The memory that comes with the first flood. */
struct flood_state *flood_state(struct floods *f);

/* … and with the first one on this link, which is up. */
struct flood_traffic *flood_traffic(struct floods *f, int peer);

/* What is counted, whether or not there is a flood. */
struct flood_counts *flood_count(struct floods *f);

/* Forget the answers to floods that are over. */
void flood_answers_finish(struct floods *f);

/* NULL: not seen. */
struct seen_row *flood_row(const struct floods *f, const struct flood_id *id);

/* --- flood_hop.c */

/* How long a peer may take to answer. */
int64_t flood_patience_ns(const struct floods *f, int peer);

/* A copy of the flood in this row was sent to a peer, who owes an answer. */
void flood_hop_sent(struct floods *f, int32_t row, int peer, int64_t now_ns);

/* One thing less waits for an answer: no deadline is earlier than the first of the rest.
 * What is asked for has deadlines of its own, and a link that is suspected is rare: while
 * there are any, a wake may be in vain. */
void flood_settled(struct floods *f);

/* Tell a peer that we have this flood. */
void flood_say_seen(int peer, const struct flood_id *id, struct outbox *out);

/* A link is gone, and what was sent on it. */
void flood_hops_drop(struct floods *f, int peer);

/* The memory of copies that wait goes when none does. */
void flood_hops_tidy(struct floods *f);

/* --- flood_alone.c */

/* The traffic of a link begins. */
void flood_alone_begin(const struct floods *f, const struct flood_link *link,
                       struct flood_traffic *t);

/* May this flood of a peer be handled?  other: a peer that has named it, or -1. */
bool flood_alone_admits(struct floods *f, const struct flood_head *h, int other,
                        int64_t now_ns);

/* It is handled, and this is its row. */
void flood_alone_charge(struct floods *f, const struct flood_head *h,
                        struct seen_row *row, int64_t now_ns);

/* Another peer brings it as well, or the same one again. */
void flood_alone_copy(struct floods *f, struct seen_row *row, int peer);
void flood_alone_finish(struct floods *f);

/* --- flood_recent.c */

/* Keep a copy, for those who ask. */
void flood_recent_keep(struct floods *f, const struct msg_flood *m,
                       const struct flood_head *h, int64_t now_ns);

/* What came first at its last hop comes from a peer with fewer hops: name it to the other
 * neighbours. */
void flood_recent_name(struct floods *f, struct seen_row *row, const struct flood_id *id,
                       int hops, int peer, struct outbox *out);

/* Tell a peer what is fresh. */
void flood_offer(struct floods *f, int peer, int64_t now_ns, struct outbox *out);

/* Forget what is no longer fresh. */
void flood_recent_forget(struct floods *f, int64_t now_ns);
void flood_recent_finish(struct floods *f);

/* Ask a peer for floods that it named, but those that are seen or asked for. */
void flood_want(struct floods *f, int peer, const struct msg_ids *ids, int64_t now_ns,
                struct outbox *out);

/* A flood comes from a peer.  True when we had asked that one for it; other: another peer
 * that named it, -1: nobody did. */
bool flood_wanted_take(struct floods *f, const struct flood_id *id, int peer, int *other);

/* It was accepted, from whomever. */
void flood_wanted_come(struct floods *f, const struct flood_id *id);

/* A link is gone: others who named the same are asked. */
void flood_wanted_drop(struct floods *f, int peer);

/* Ask others for what did not come in time.  The next deadline. */
int64_t flood_wanted_wake(struct floods *f, int64_t now_ns, struct outbox *out);

#endif
