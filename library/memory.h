/* What a node remembers from one run to the next: keys and values of the node, and the
 * songs that it knows, in one sqlite database.
 *
 * Written through to the disk before a call returns (WAL, synchronous=FULL), so a node
 * that was killed finds all that it was told.  A damaged database is put aside and begun
 * afresh. All calls come from one thread at a time.  SPDX-License-Identifier: MIT */
#ifndef LIBRARY_MEMORY_H
#define LIBRARY_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/id.h"

#define MEMORY_KEY_MAX     256   /* bytes */
#define MEMORY_VALUE_MAX   65536 /* bytes */
#define MEMORY_ITEMS_MAX   4096
#define MEMORY_SONGS_MAX   100000
#define MEMORY_TEXT_MAX    128  /* bytes of a title, artist or album, without NUL */
#define MEMORY_PATH_MAX    4095 /* bytes of a path, without NUL */
#define MEMORY_MESSAGE_MAX 256

struct memory;

/* Open or make the database at path.  message (at least 1 byte) is made empty, or says in
 * one line what went wrong or what was put aside (then the result is 0 and the database
 * is new).  Errors: ERR_FILE (cannot be opened or written), ERR_DISK, ERR_NOMEM. */
MUST_USE int memory_open(const char *path, char *message, size_t size,
                         struct memory **memory);

/* NULL is fine. */
void memory_close(struct memory *memory);

/* Remember value under key, in place of what was there; an empty value forgets the key.
 * Errors: ERR_LIMIT (sizes, or too many keys), ERR_DISK, ERR_FILE, ERR_CORRUPT. */
MUST_USE int memory_put(struct memory *memory, struct bytes key, struct bytes value);

/* Read a value into value.  Errors: ERR_NOT_FOUND, ERR_LIMIT (size), ERR_DISK, ERR_FILE,
 * ERR_CORRUPT. */
MUST_USE int memory_get(struct memory *memory, struct bytes key, uint8_t *value,
                        size_t size, size_t *len);

/* Forget a key.  Errors: ERR_NOT_FOUND, ERR_DISK, ERR_FILE, ERR_CORRUPT. */
MUST_USE int memory_delete(struct memory *memory, struct bytes key);

/* Everything that is remembered, in order of the keys.  The views live during the call
 * back only, which may not use memory; it returns false to stop.  Errors: ERR_FILE,
 * ERR_DISK, ERR_CORRUPT. */
MUST_USE int memory_each(struct memory *memory,
                         bool (*visit)(void *context, struct bytes key,
                                       struct bytes value),
                         void *context);

enum song_state {
    SONG_STATE_PARTIAL = 0, /* some blocks are in the store */
    SONG_STATE_WHOLE = 1,   /* the store has all of it */
    SONG_STATE_GONE = 2     /* evicted; known only by name */
};

/* One song.  The texts are UTF-8 without NUL, borrowed; empty where not known. */
struct song_row {
    struct song_id id;
    uint64_t bytes;
    uint64_t frames;
    uint32_t rate;
    uint8_t channels;
    uint8_t bits;
    enum song_state state;
    uint64_t bytes_held;
    int64_t last_used_s; /* UTC */
    struct bytes title;
    struct bytes artist;
    struct bytes album;
    struct bytes source_path; /* the user's file that it was made from; empty: a peer's */
};

/* Write a song in place of what was there.  Errors: ERR_LIMIT (texts or numbers too long,
 * or too many songs), ERR_DISK, ERR_FILE, ERR_CORRUPT. */
MUST_USE int songs_put(struct memory *memory, const struct song_row *row);

/* All songs, the one that was used last first.  As memory_each. */
MUST_USE int songs_list(struct memory *memory,
                        bool (*visit)(void *context, const struct song_row *row),
                        void *context);

/* Forget a song.  Errors: ERR_NOT_FOUND, ERR_DISK, ERR_FILE, ERR_CORRUPT. */
MUST_USE int songs_delete(struct memory *memory, const struct song_id *id);

#endif
