/* Getting the leaf hashes of a song, and giving them.
 *
 * The whole layer comes from one peer: it is worth nothing until the last hash is there
 * and the root fits, and if it does not, that peer lied.  SPDX-License-Identifier: MIT */
#ifndef SHARE_FETCH_H
#define SHARE_FETCH_H

#include "share/state.h"

/* Nobody is asked; begin again with the next peer when fetch_continue is called. */
void fetch_reset(struct share_song *g);

/* Ask for what is missing, where it is missing. */
void fetch_continue(struct swarm *s, int song, int64_t now_ns, struct outbox *out);

/* The peer is gone or banned. */
void fetch_forget_peer(struct swarm *s, int peer);

void fetch_serve(struct swarm *s, int peer, const struct msg_leaves_get *m,
                 struct outbox *out);
void fetch_receive(struct swarm *s, int peer, const struct msg_leaves *m, int64_t now_ns,
                   struct outbox *out);

int64_t fetch_wake_ns(const struct swarm *s);
void fetch_wake(struct swarm *s, int64_t now_ns, struct outbox *out);

#endif
