/* What others ask of us: a bounded queue for each peer, served in turn, block by block.
 * SPDX-License-Identifier: MIT */
#ifndef SHARE_UPLOADS_H
#define SHARE_UPLOADS_H

#include "share/state.h"
#include "share/swarm.h"

void uploads_want(struct swarm *s, int peer, const struct msg_blocks *m,
                  struct outbox *out);
void uploads_cancel(struct swarm *s, int peer, const struct msg_blocks *m);

/* The next block to load, in turn by peer. */
bool uploads_next(struct swarm *s, struct swarm_block *b);

/* A load is answered.  True when it was asked for. */
bool uploads_end_load(struct swarm *s, const struct swarm_block *b);

/* Send the block to those who wait for it; what does not fit waits for another load. */
void uploads_send(struct swarm *s, int song, int block, struct bytes data,
                  struct outbox *out);

/* Refuse what is queued of a song: one block of it, or all with block -1. */
void uploads_refuse(struct swarm *s, int song, int block, struct outbox *out);

/* Forget what a peer asked for, and give its queue back. */
void uploads_give(struct swarm *s, int peer);

#endif
