/* A guest's side of a party: the way to the host, what the host says, and going on
 * without it while the link is broken.  Used by party/session.c.
 * SPDX-License-Identifier: MIT */
#ifndef PARTY_GUEST_H
#define PARTY_GUEST_H

#include "party/session.h"

/* Accept this invite, by the user's wish or because our host yielded to it. */
void guest_begin(struct party *p, struct invite *v, struct outbox *out);

/* The call that we are on the way to was flooded again. */
void guest_call_again(struct party *p, const struct invite *v);

/* Leave, and tell the host. */
void guest_leave(struct party *p, struct outbox *out);

/* Tell the host that we are about to leave, and how far we have followed; false when it
 * has not welcomed us yet. */
bool guest_say_leave(struct party *p, struct outbox *out);

/* The host closed the call or the party. */
void guest_closed(struct party *p, enum close_reason reason);

/* Another host has a proved claim to the next epoch: go to it. */
void guest_change_host(struct party *p, const struct party_member *host);

/* Ask a member for what our log lacks; and answer one who asks. */
void guest_ask_log(struct party *p, int peer, struct outbox *out);
void guest_take_get(struct party *p, int peer, uint64_t from_seq, struct outbox *out);

/* Messages, their party id checked. */
void guest_take_welcome(struct party *p, int peer, const struct msg_party_welcome *m,
                        struct outbox *out);
void guest_take_entry(struct party *p, int peer, const struct msg_log_entry *m,
                      struct outbox *out);
void guest_take_unison(struct party *p, int peer, const struct msg_party_unison *m);
void guest_take_beat(struct party *p, int peer, const struct msg_party_beat *m,
                     struct outbox *out);
void guest_take_yield(struct party *p, int peer, const struct msg_party_yield *m,
                      struct outbox *out);

void guest_peer_up(struct party *p, int peer);
void guest_peer_down(struct party *p, int peer);

/* Carry out what has become due, and report changes; at the end of every step. */
void guest_run(struct party *p, struct outbox *out);
int64_t guest_wake_ns(const struct party *p);

#endif
