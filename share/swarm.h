/* The swarm: which block of which song to ask whom for, and what to give to others.
 *
 * Members of a party fetch the songs of the pool from everybody who has blocks of them,
 * verified block by block against the leaf hashes, which are verified against the song
 * id. Blocks live with the driver: the swarm says what to load and store, and is told
 * when that has happened.  Peers are slots of the node's peer table.  After every call
 * that takes an outbox, empty the swarm_take_ functions (call each until it returns
 * false) before the next call.  SPDX-License-Identifier: MIT */
#ifndef SHARE_SWARM_H
#define SHARE_SWARM_H

#include "base/err.h"
#include "share/params.h"
#include "share/state.h"
#include "wire/msg.h"
#include "wire/outbox.h"

/* A block on its way from or to the store. */
struct swarm_block {
    struct song_id song;
    uint32_t index;
    int err;           /* of swarm_loaded and swarm_stored: 0 or why not */
    struct bytes data; /* of swarm_loaded and swarm_take_store */
};

/* What the local store holds of a song. */
struct swarm_local {
    struct bytes leaves; /* all leaf hashes, or empty */
    struct bytes bitmap; /* as in HAVE; empty: none, or all with has_all */
    bool has_all;
};

/* An empty swarm.  Keeps params and heap, which its tables grow from, and log, which may
 * not be NULL. */
void swarm_init(struct swarm *s, const struct swarm_params *params, struct heap *heap,
                uint64_t seed, struct log *log);

/* Give all memory back. */
void swarm_finish(struct swarm *s);

/* Share this song from now on, last in play order; the caller then opens it in the store
 * and says swarm_opened.  duration_ms tells how much 15 seconds of it are; 0: not known.
 * Errors: ERR_LIMIT when there are too many songs or it is empty or too long, ERR_STATE
 * when it is shared already (nothing changes then). */
MUST_USE int swarm_add(struct swarm *s, const struct song_id *song, uint64_t bytes,
                       uint32_t duration_ms);

/* The play order: these songs first, in this order, the others behind them in the order
 * that they had.  Unknown ids are passed over. */
void swarm_set_order(struct swarm *s, const struct song_id *songs, int count);

/* The store has opened the song.  Leaves that do not match the id, or none, mean that
 * nothing is held.  May be said again: then it replaces what was known. */
void swarm_opened(struct swarm *s, const struct song_id *song,
                  const struct swarm_local *local, int64_t now_ns, struct outbox *out);

/* Share it no longer.  Unknown songs do no harm. */
void swarm_remove(struct swarm *s, const struct song_id *song, int64_t now_ns,
                  struct outbox *out);

/* A member of the party is there in this slot; what we hold is told to it. */
void swarm_peer_up(struct swarm *s, int peer, int64_t now_ns, struct outbox *out);

/* Who this is, after swarm_peer_up; with peer -1 who we are.  Members that know each
 * other's names divide among them what they ask of the host, so that it sends less twice;
 * without names all works, but slower. */
void swarm_set_name(struct swarm *s, int peer, const struct node_id *id);

/* It is gone; the slot may then be used for another.  Harmless if it was not up. */
void swarm_peer_down(struct swarm *s, int peer, int64_t now_ns, struct outbox *out);

/* A message MSG_LEAVES_GET .. MSG_REFUSE.  From a peer that is not up it is dropped. */
void swarm_receive(struct swarm *s, int peer, const struct msg *m, int64_t now_ns,
                   struct outbox *out);

/* A block that a peer wants and that we hold: load it and say swarm_loaded. */
bool swarm_take_load(struct swarm *s, struct swarm_block *b);

/* It was loaded (b->data), or could not be (b->err): sends it to those who wait for it.
 * A block that is unreadable or wrong is no longer held, and fetched anew. */
void swarm_loaded(struct swarm *s, const struct swarm_block *b, int64_t now_ns,
                  struct outbox *out);

/* A verified block to be stored; then say swarm_stored.  b->data is a view into the
 * message of the last swarm_receive and must be used before the next call. */
bool swarm_take_store(struct swarm *s, struct swarm_block *b);

/* It was stored (only now is it held and announced), or could not be (b->err). */
void swarm_stored(struct swarm *s, const struct swarm_block *b, int64_t now_ns,
                  struct outbox *out);

/* The whole leaf layer of a song was verified: store it (before its blocks).  hashes is a
 * view that lives until the song is removed. */
bool swarm_take_leaves(struct swarm *s, struct song_id *song, struct bytes *hashes);

/* A peer that sent wrong data too often and is never asked again while it is up. */
bool swarm_take_banned(struct swarm *s, int *peer);

/* When swarm_wake is next due; TIME_NEVER when there is nothing to wait for. */
int64_t swarm_wake_ns(const struct swarm *s);
void swarm_wake(struct swarm *s, int64_t now_ns, struct outbox *out);

/* Is the song shared here?  Are all of its blocks held? */
bool swarm_has(const struct swarm *s, const struct song_id *song);
bool swarm_is_complete(const struct swarm *s, const struct song_id *song);

/* Blocks held and in all; both 0 for an unknown song. */
void swarm_progress(const struct swarm *s, const struct song_id *song, int *held,
                    int *total);

/* Asserts what must be true of the state; for tests and the simulator, never needed. */
void swarm_check(const struct swarm *s);

#endif
