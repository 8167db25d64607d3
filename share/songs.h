/* The songs of a swarm: which there are, in what order they will be played, and what the
 * local store holds of them.  SPDX-License-Identifier: MIT */
#ifndef SHARE_SONGS_H
#define SHARE_SONGS_H

#include "share/state.h"
#include "share/swarm.h"

/* As swarm_add and swarm_set_order. */
MUST_USE int songs_add(struct swarm *s, const struct song_id *song, uint64_t bytes,
                       uint32_t duration_ms);
void songs_set_order(struct swarm *s, const struct song_id *songs, int count);

/* Give up all that goes on about a song, and forget what is held of it. */
void songs_close(struct swarm *s, int slot, struct outbox *out);

/* Take over what the store holds of a closed song; only verified leaves make it worth
 * anything. */
void songs_open(struct swarm *s, int slot, const struct swarm_local *local);

/* Close it and forget that it was there. */
void songs_remove(struct swarm *s, int slot, struct outbox *out);

/* Give the tables of a song back. */
void songs_give(struct swarm *s, int slot);

#endif
