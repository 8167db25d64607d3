/* What the node keeps on disk: songs in the store, and its memory.  Everything is asked
 * for here and done on worker threads; the answers come as events.  What concerns songs
 * keeps its order, and so does what is remembered.  SPDX-License-Identifier: MIT */
#ifndef DAEMON_DISK_H
#define DAEMON_DISK_H

#include <uv.h>

#include "audio/stream.h"
#include "daemon/sink.h"

/* Songs that nobody used longest go at the start until the rest is below this. */
#define DISK_STORE_BYTES_MAX (UINT64_C(8) * 1024 * 1024 * 1024)

struct disk;

/* Open store and memory in dir, which is there.  Keeps loop.
 * Errors: ERR_FILE, ERR_DISK; message then says why and what to do.  With 0 it may say
 * what was put aside; else it is empty. */
MUST_USE int disk_open(struct disk **disk, uv_loop_t *loop, const char *dir,
                       const struct event_sink *sink, char *message, size_t size);

/* All that is remembered; disk's. */
const struct memory_item *disk_items(const struct disk *d, int *count);

/* The effects of the same names. */
void disk_import(struct disk *d, uint64_t token, struct bytes path);
void disk_song_open(struct disk *d, const struct song_id *song, uint64_t bytes);
void disk_leaves_store(struct disk *d, const struct song_id *song, struct bytes hashes);
void disk_block_load(struct disk *d, const struct song_id *song, uint32_t index);
void disk_block_store(struct disk *d, const struct song_id *song, uint32_t index,
                      struct bytes data);
void disk_song_drop(struct disk *d, const struct song_id *song);
void disk_remember(struct disk *d, const struct memory_item *item);
void disk_promise(struct disk *d, const struct memory_item *item);

/* A whole song, for the player; ctx is the disk.  From any thread.
 * Errors: ERR_NOT_FOUND, ERR_FILE. */
int disk_open_stream(void *ctx, const struct song_id *song, struct byte_stream *stream);

/* Imports that have not begun are given up; all else is still done. */
void disk_stop(struct disk *d);

/* After the loop has run out.  Ignores NULL. */
void disk_close(struct disk *d);

#endif
