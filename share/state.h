/* What a swarm knows: songs, peers, requests, uploads.  The modules of this folder work
 * on it; from outside only share/swarm.h is used, and this is for looking.
 *
 * Each block of an open song is in exactly one state: wanted, asked (in some peer's
 * requests), storing, or held.  SPDX-License-Identifier: MIT */
#ifndef SHARE_STATE_H
#define SHARE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/id.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/rng.h"
#include "share/params.h"
#include "wire/msg.h"
#include "wire/outbox.h"

/* What one peer has of one song, and what we told each other. */
struct share_have {
    int64_t told_ns;     /* our last HAVE to it; INT64_MIN: none */
    int64_t tell_at_ns;  /* the next; TIME_NEVER: none is owed */
    uint64_t *map;       /* from the heap; NULL: it has none, or all */
    int32_t tell_gap_ms; /* from one HAVE to the next, while it does not answer */
    uint16_t count;      /* of blocks that it has */
    bool has_heard;      /* a HAVE of this song came from it */
};

/* The leaf layer being fetched, whole, from one peer: only so is the liar known. */
struct share_leaves {
    int peer;            /* -1: nobody is asked */
    int received;        /* leaves 0..received-1 are here */
    int asked;           /* … and 0..asked-1 were asked for */
    int64_t deadline_ns; /* TIME_NEVER when nobody is asked */
    int last_peer;       /* the one that was asked before, so that they take turns */
};

struct share_song {
    bool is_used;
    bool is_open;     /* the store has said what it holds */
    bool has_leaves;  /* verified against the id */
    bool owes_leaves; /* … and not yet handed to the store */
    struct song_id id;
    uint64_t bytes;
    int blocks;
    int head_blocks;
    int wanted_count;
    int asked_count; /* blocks in somebody's requests, each counted once */
    int storing_count;
    int held_count;
    int doubled;            /* requests of blocks that were asked for already */
    int doubled_ever;       /* … since the song was opened */
    int64_t retry_ns;       /* nothing is asked before this (disk errors) */
    int64_t announce_at_ns; /* TIME_NEVER when announce_count is 0 */
    int announce_count;
    uint32_t *announce; /* so many of them; at most MSG_WANT_MAX */
    struct share_leaves fetch;
    /* All of these from the heap, while the song is used. */
    uint8_t *leaves; /* blocks * HASH_LEN */
    uint64_t *wanted;
    uint64_t *storing;
    uint64_t *held;
    uint8_t *copies;         /* by block: peers that have it */
    struct share_have *have; /* by peer, peer_room of them */
};

struct share_request {
    int song;
    int block;
    int64_t sent_ns;
    int64_t delivered; /* the peer's blocks at that time: for the rate */
};

struct share_upload {
    int song;
    int block;
};

struct share_peer {
    bool is_up;
    bool is_banned;
    bool owes_ban; /* not yet taken by swarm_take_banned */
    int strikes;
    uint64_t name; /* of its id; 0: not known */

    /* What we ask of it. */
    int request_count;
    int sent_count; /* the first so many of the requests are on the wire */
    int request_room;
    struct share_request *requests; /* oldest first */
    int failures;                   /* time-outs and refusals since the last block */
    int64_t hold_ns;                /* nothing is asked before this */
    int64_t progress_ns;            /* last block that was asked for and came */
    int64_t delivered;              /* blocks that were asked for and came */
    int64_t rate;                   /* bytes per second, smoothed; 0: not known */
    int64_t latency_ns;             /* smoothed, from WANT to BLOCK; 0: not known */
    int64_t latency_var_ns;
    int64_t latency_min_ns;

    /* What it asks of us. */
    int upload_count;
    int upload_room;
    struct share_upload *uploads; /* oldest first */
};

struct share_load {
    struct song_id song;
    int block;
};

struct swarm;

/* The slot of the song with this id, or -1. */
int share_find(const struct swarm *s, const struct song_id *id);

/* Encode m for the peer.  False when the outbox is full. */
bool share_send(struct outbox *out, int peer, const struct msg *m);

/* Collects block numbers of one song into as many messages of one type as are needed. */
struct share_list {
    struct outbox *out;
    int peer;
    struct msg msg;
};

void share_list_init(struct share_list *l, struct outbox *out, int peer,
                     enum msg_type type);

/* Add a block; what is there goes out first when it is full or of another song. */
void share_list_add(struct share_list *l, const struct song_id *song, int block);

/* Send what is left. */
void share_list_end(struct share_list *l);

/* Counted since the start, for tests, status and experiments. */
struct swarm_stats {
    int64_t received;   /* good blocks taken */
    int64_t duplicates; /* blocks that we had already */
    int64_t wrong;      /* blocks and leaves that did not match */
    int64_t timeouts;   /* requests that were given up */
    int64_t refused;    /* requests that a peer refused */
    int64_t sent;       /* blocks uploaded */
    int64_t dropped; /* messages that made no sense, came from a stranger, or too many */
};

struct swarm {
    const struct swarm_params *params;
    struct heap *heap;
    struct rng rng;
    uint64_t name; /* of our own id; 0: not known */
    struct log *log;
    struct swarm_stats stats;
    int64_t wake_ns;
    int64_t fill_ns; /* requests could not be sent for want of room: try again */

    struct share_song songs[SWARM_SONGS_MAX];
    int order[SWARM_SONGS_MAX]; /* songs in play order */
    int order_count;
    int peer_room;
    struct share_peer *peers; /* rows for those that have been up */
    int request_total;
    int storing_total;
    int upload_turn; /* the peer whose uploads are looked at first */
    int load_count;
    struct share_load *loads; /* so many of them; at most loads_max */

    /* One verified block on its way to the store: a view of the caller's bytes. */
    bool has_store;
    int store_song;
    int store_block;
    struct bytes store_data;
};

#endif
