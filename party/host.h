/* The host's side of a party: the call, who joins and leaves, when it starts, what is
 * played.  Only the host appends to the log.  Used by party/session.c.
 * SPDX-License-Identifier: MIT */
#ifndef PARTY_HOST_H
#define PARTY_HOST_H

#include "party/session.h"

/* Begin a party with checked manifests; host_run then floods the call. */
void host_begin(struct party *p, const struct party_host_request *r);

/* We are host of the epoch that this certificate proves, whose first claim was sent at
 * sent_ns: tell all, and carry log and clock on. */
void host_take_over(struct party *p, const struct coord *c, int64_t sent_ns,
                    struct outbox *out);

/* Parts of it, for a fork: party time by our own clock; the role; our call, encoded (0:
 * it does not fit). */
void host_carry_clock_on(struct party *p);
void host_become(struct party *p);
size_t host_encode_call(const struct party *p, uint8_t *out, size_t size);

/* Give the next epoch to this member, and stop to act. */
void host_resign(struct party *p, const struct party_member *to, struct outbox *out);

/* End it for all; who may not act only leaves. */
void host_end(struct party *p, enum close_reason reason, struct outbox *out);

/* Tell all who heard the call that it is over. */
void host_flood_close(struct party *p, enum close_reason reason);

/* Messages from a peer, their party id checked. */
void host_join(struct party *p, int peer, struct bytes name, struct outbox *out);
void host_member_leaves(struct party *p, int peer);
void host_take_status(struct party *p, int peer, const struct msg_party_status *m);
void host_take_get(struct party *p, int peer, uint64_t from_seq);
void host_take_offer(struct party *p, int peer, const struct msg_party_offer *m);
void host_peer_down(struct party *p, int peer);

void host_reply_heard(struct party *p, const struct reply *r);

/* Another call is out.  True when ours is the less fit one and must yield. */
bool host_must_yield(struct party *p, const struct candidate *rival, bool is_running);

void host_set_map(struct party *p, const struct clock_map *map, uint64_t clock_id);

/* Carry out what has become due; at the end of every step. */
void host_run(struct party *p, struct outbox *out);
int64_t host_wake_ns(const struct party *p);

#endif
