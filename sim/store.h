/* The songs of a run and who holds which block of them.  Each song exists once, so that
 * a node's store is a bitmap, and what a node stores is compared with the truth.
 * SPDX-License-Identifier: MIT */
#ifndef SIM_STORE_H
#define SIM_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/id.h"

#define STORE_SONGS_MAX 32

struct store_song {
    struct song_id id;
    uint64_t bytes;
    uint8_t *data;
    int blocks;
    uint8_t *leaves; /* blocks * HASH_LEN */
    uint64_t frames;
    uint32_t rate;
    char title[32];
};

/* All songs that there are. */
struct store_library {
    int count;
    struct store_song songs[STORE_SONGS_MAX];
};

/* What one node holds of one song. */
struct store_holding {
    bool has_leaves;
    int held;
    uint8_t *bitmap; /* as in HAVE; NULL: never opened */
};

struct store {
    struct store_holding holdings[STORE_SONGS_MAX]; /* by index in the library */
};

/* Make a song of so many random bytes that lasts for frames; its index, -1 when full. */
int store_make_song(struct store_library *l, uint64_t seed, uint64_t bytes,
                    uint64_t frames, uint32_t rate);

int store_find(const struct store_library *l, const struct song_id *id);
void store_finish_library(struct store_library *l);

/* Make room for a song. */
struct store_holding *store_open(struct store *s, const struct store_library *l,
                                 int song);
void store_hold_all(struct store *s, const struct store_library *l, int song);

/* Keep a block.  False when it is not the block that it claims to be. */
bool store_put(struct store *s, const struct store_library *l, int song, uint32_t index,
               struct bytes data);

/* The data of a block; empty when it is not held. */
struct bytes store_get(const struct store *s, const struct store_library *l, int song,
                       uint32_t index);

bool store_is_whole(const struct store *s, const struct store_library *l, int song);
void store_finish(struct store *s);

#endif
