/* The files of one song in the store's directory (library/store.h names them), without
 * any locking: library/store.c sees to that.  SPDX-License-Identifier: MIT */
#ifndef LIBRARY_SONG_FILE_H
#define LIBRARY_SONG_FILE_H

#include "library/store.h"

#define SONG_FILE_NAME_MAX (2 * SONG_ID_LEN + 16)

struct song_file {
    int dir_fd; /* borrowed */
    bool (*check)(const uint8_t *leaf, const uint8_t *data, size_t len);
    struct song_id id;
    uint64_t bytes;
    int blocks;
    int held;
    bool is_whole;
    bool is_dirty; /* written to since it was last marked clean */
    int fd;        /* of .flac or .part; -1 when closed */
    int bits_fd;   /* -1 when closed or whole */
    uint8_t bits[STORE_BLOCKS_MAX / 8];
};

/* Blocks of a song of so many bytes; 0 when it is empty or too long. */
int song_file_blocks(uint64_t bytes);

/* The name of one of the song's files; open it (as openat); remove it, where one that is
 * not there is as good; and the size of an open one, -1 when it is no plain file. */
void song_file_name(const struct song_id *id, const char *ending,
                    char name[static SONG_FILE_NAME_MAX]);
int song_file_at(int dir_fd, const struct song_id *id, const char *ending, int flags);
int song_file_remove(int dir_fd, const struct song_id *id, const char *ending);
int64_t song_file_size(int fd);

/* All leaves of a song, of which there must be count, to be freed by the caller; or NULL.
 */
uint8_t *song_file_leaves(int dir_fd, const struct song_id *id, int count);
MUST_USE int song_file_write_leaves(int dir_fd, const struct song_id *id,
                                    struct bytes hashes);

/* Open the files of a song, of which dir_fd, check, id, bytes and blocks are set.  leaves
 * may be NULL; they are for what has to be hashed again. */
MUST_USE int song_file_open(struct song_file *g, const uint8_t *leaves);

/* Errors as store_block_read and store_block_write. */
MUST_USE int song_file_read(const struct song_file *g, uint32_t index, uint8_t *data,
                            size_t *len);
MUST_USE int song_file_write(struct song_file *g, uint32_t index, struct bytes data);

/* The song has become whole by an import: go on with that file. */
MUST_USE int song_file_adopt(struct song_file *g);

/* Leave the files as they should be found again, and close them. */
int song_file_settle(struct song_file *g);

/* Close them as they are. */
void song_file_close(struct song_file *g);

#endif
