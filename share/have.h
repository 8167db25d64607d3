/* Who has what: telling it, hearing it, counting it.
 *
 * Each side sends all that it has of a song once (HAVE), and then what comes to it, in
 * batches (HAVE_BLOCKS).  A HAVE can get lost, as the peer may not yet share the song: it
 * is told again until the peer's own has come.  SPDX-License-Identifier: MIT */
#ifndef SHARE_HAVE_H
#define SHARE_HAVE_H

#include "share/state.h"

/* Forget what a peer has of a song, and what was told to it. */
void have_reset(struct swarm *s, int song, int peer);

/* Does the peer have this block? */
bool have_has(const struct share_song *g, const struct share_have *h, int block);

/* Give back the map of what a peer has of a song. */
void have_free(struct swarm *s, int song, int peer);

/* Tell all that we hold of an open song to a peer, or to all that are up. */
void have_tell(struct swarm *s, int song, int peer, int64_t now_ns, struct outbox *out);
void have_tell_all(struct swarm *s, int song, int64_t now_ns, struct outbox *out);

/* A block was stored: it goes out with the next batch. */
void have_announce(struct swarm *s, int song, int block, int64_t now_ns,
                   struct outbox *out);

/* What waits for the next batch is not told. */
void have_drop_announced(struct swarm *s, int song);

/* The peer does not have this block (any more). */
void have_lost(struct swarm *s, int song, int peer, int block);

void have_receive(struct swarm *s, int peer, const struct msg_have *m, int64_t now_ns,
                  struct outbox *out);
void have_receive_blocks(struct swarm *s, int peer, const struct msg_blocks *m);

int64_t have_wake_ns(const struct swarm *s);
void have_wake(struct swarm *s, int64_t now_ns, struct outbox *out);

#endif
