/* The block store: songs on disk, whole or growing block by block.
 *
 *   <dir>/songs/<hex id>.flac    whole and synced; the canonical bytes, nothing else
 *   <dir>/songs/<hex id>.leaves  the leaf hashes, one after the other
 *   <dir>/songs/<hex id>.part    growing
 *   <dir>/songs/<hex id>.bits    which of its blocks are there, written after the data
 *   <dir>/songs/import-*.tmp     being made; removed when the store is opened
 *
 * A song that was closed well is trusted when it is opened again; after a crash each
 * block is hashed again.  Every call may come from any thread; two calls for one song
 * take turns. SPDX-License-Identifier: MIT */
#ifndef LIBRARY_STORE_H
#define LIBRARY_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/id.h"

#define STORE_BLOCK_SIZE 16384
#define STORE_BLOCKS_MAX 32768
#define STORE_HASH_LEN   32
#define STORE_OPEN_MAX   64 /* songs open at once */
#define STORE_PATH_MAX   4096

struct store;

/* What the store holds of a song.  A whole song whose leaves are lost has has_all without
 * leaves: they can be made again from the file.  leaves and bitmap are the caller's, who
 * gives them back with store_holding_finish. */
struct store_holding {
    bool has_all;
    int held;          /* blocks */
    uint8_t *leaves;   /* all leaf hashes, or NULL */
    size_t leaves_len; /* bytes */
    uint8_t *bitmap;   /* block i is bit i, most significant first; NULL with has_all */
    size_t bitmap_len; /* bytes */
};

/* Open the store in dir, which is made if need be (0700), and remove left-overs of
 * imports.  check says whether data is the block of a leaf hash (share/merkle.h has it);
 * it is called from any thread.  Errors: ERR_FILE, ERR_DISK, ERR_NOMEM; errno says more.
 */
MUST_USE int store_open(const char *dir,
                        bool (*check)(const uint8_t *leaf, const uint8_t *data,
                                      size_t len),
                        struct store **store);

/* Closes all songs too, as store_song_close does.  No other call may be running.  NULL is
 * fine. */
void store_close(struct store *store);

/* Look a song up, or make room for it, and say what is there.  Must be closed as often as
 * it was opened.  Errors: ERR_DISK (no room), ERR_FILE, ERR_LIMIT (empty, too long, or
 * too many open), ERR_STATE (open with another length), ERR_NOMEM. */
MUST_USE int store_song_open(struct store *store, const struct song_id *song,
                             uint64_t bytes, struct store_holding *holding);

void store_holding_finish(struct store_holding *holding);

/* Write down that the song is as it should be, and close it.  ERR_NOT_FOUND when it is
 * not open, ERR_DISK, ERR_FILE. */
MUST_USE int store_song_close(struct store *store, const struct song_id *song);

/* Read a block of an open song into data, which has room for STORE_BLOCK_SIZE bytes.
 * Errors: ERR_NOT_FOUND (not open or not held), ERR_FILE, ERR_CORRUPT (the file is
 * short). */
MUST_USE int store_block_read(struct store *store, const struct song_id *song,
                              uint32_t index, uint8_t *data, size_t *len);

/* Write a verified block of an open song.  The last one completes it: synced, renamed to
 * .flac.  A block of a whole song may be written again, to repair it.
 * Errors: ERR_NOT_FOUND (not open), ERR_LIMIT (no such block or the wrong length),
 * ERR_DISK, ERR_FILE. */
MUST_USE int store_block_write(struct store *store, const struct song_id *song,
                               uint32_t index, struct bytes data);

/* Write the verified leaf hashes of an open song, synced and whole or not at all.
 * Errors: ERR_NOT_FOUND, ERR_LIMIT (wrong length), ERR_DISK, ERR_FILE. */
MUST_USE int store_leaves_write(struct store *store, const struct song_id *song,
                                struct bytes hashes);

/* Read the leaf hashes of any song into hashes, at most size bytes.  Errors:
 * ERR_NOT_FOUND, ERR_LIMIT (size), ERR_FILE. */
MUST_USE int store_leaves_read(struct store *store, const struct song_id *song,
                               uint8_t *hashes, size_t size, size_t *len);

/* The path of a whole song.  Errors: ERR_NOT_FOUND, ERR_LIMIT (size). */
MUST_USE int store_path(struct store *store, const struct song_id *song, char *path,
                        size_t size);

/* A new, empty file in the store's directory, in which a song may be made for
 * store_import; the caller has the descriptor.  Errors: ERR_FILE, ERR_DISK, ERR_LIMIT
 * (size). */
MUST_USE int store_temp(struct store *store, char *path, size_t size, int *fd);

/* Take a canonical file that was made elsewhere as this song: it is moved into the store
 * (copied and removed where it lies on another file system), with its leaf hashes.  A
 * song that is whole already stays and the file is removed; one that is open and growing
 * becomes whole.  Errors: ERR_FILE, ERR_DISK, ERR_LIMIT (leaves do not fit the size),
 * ERR_STATE (open with another length). */
MUST_USE int store_import(struct store *store, const char *path,
                          const struct song_id *song, struct bytes leaves);

/* Remove a song that is not open, whole or not.  Errors: ERR_STATE (open), ERR_FILE. */
MUST_USE int store_song_remove(struct store *store, const struct song_id *song);

#endif
