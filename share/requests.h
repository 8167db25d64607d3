/* What we ask of others: how many blocks at once, of whom, and what when they do not
 * come.
 *
 * Queues are kept short (a quarter of a second of what the peer sends, and a round trip),
 * so that what members ask for stays visible as a need that others can serve.  A block is
 * asked of one peer at a time; only the last ones of a song, when they are late, of a
 * second. Source: delivery rate as in BBR (Cardwell 2016), time-outs as in RFC 6298.
 * SPDX-License-Identifier: MIT */
#ifndef SHARE_REQUESTS_H
#define SHARE_REQUESTS_H

#include "share/state.h"

/* Ask everybody for as much as it may be asked for. */
void requests_fill(struct swarm *s, int64_t now_ns, struct outbox *out);

/* A block came, good or bad: what was asked of this peer for it is answered.  True when
 * it had been asked for.  If it was the only one asked, the block is in no state then:
 * the caller puts it into wanted or storing. */
bool requests_answered(struct swarm *s, int peer, int song, int block, int64_t now_ns);

/* True when somebody is asked for the block. */
bool requests_is_asked(const struct swarm *s, int song, int block);

/* The block is here: cancel what others were asked for it. */
void requests_cancel(struct swarm *s, int song, int block, struct outbox *out);

/* A block goes (back) into wanted. */
void requests_want(struct share_song *g, int block);

void requests_refused(struct swarm *s, int peer, const struct msg_blocks *m,
                      int64_t now_ns);

/* The peer sent something that is wrong; the last strike bans it. */
void requests_strike(struct swarm *s, int peer, struct outbox *out);

/* Never ask this peer again. */
void requests_ban(struct swarm *s, int peer, const char *why, struct outbox *out);

/* Give up what was asked of a peer (song -1: everything), with CANCEL when out is given.
 */
void requests_release(struct swarm *s, int peer, int song, struct outbox *out);

int64_t requests_wake_ns(const struct swarm *s, int64_t now_ns);
void requests_wake(struct swarm *s, int64_t now_ns, struct outbox *out);

/* Give the queue of a peer back, of whom nothing is asked. */
void requests_give(struct swarm *s, int peer);

#endif
