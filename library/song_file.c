/* SPDX-License-Identifier: MIT */
#include "library/song_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "library/file.h"

/* <hex>.bits: the magic, the song's length (u64), 1 if closed well, 7 zeros,
 * the bitmap. */
#define BITS_MAGIC  "party.b1"
#define BITS_CLEAN  16
#define BITS_HEADER 24

/* --- small things ------------------------------------------------------------ */

void song_file_name(const struct song_id *id, const char *ending,
                    char name[static SONG_FILE_NAME_MAX])
{
    hex_encode(id->b, SONG_ID_LEN, name);
    (void)snprintf(name + 2 * SONG_ID_LEN, SONG_FILE_NAME_MAX - 2 * SONG_ID_LEN, "%s",
                   ending);
}

int song_file_at(int dir_fd, const struct song_id *id, const char *ending, int flags)
{
    char name[SONG_FILE_NAME_MAX];

    song_file_name(id, ending, name);
    return openat(dir_fd, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

int song_file_remove(int dir_fd, const struct song_id *id, const char *ending)
{
    char name[SONG_FILE_NAME_MAX];

    song_file_name(id, ending, name);
    if (unlinkat(dir_fd, name, 0) != 0 && errno != ENOENT)
        return file_err(errno);
    return 0;
}

int64_t song_file_size(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? (int64_t)st.st_size : -1;
}

static bool has_block(const struct song_file *g, int block)
{
    return g->is_whole || (g->bits[block / 8] & (0x80 >> block % 8)) != 0;
}

static size_t block_len(const struct song_file *g, int block)
{
    uint64_t rest = g->bytes - (uint64_t)block * STORE_BLOCK_SIZE;

    return rest < STORE_BLOCK_SIZE ? (size_t)rest : STORE_BLOCK_SIZE;
}

int song_file_blocks(uint64_t bytes)
{
    if (bytes == 0 || bytes > (uint64_t)STORE_BLOCKS_MAX * STORE_BLOCK_SIZE)
        return 0;
    return (int)((bytes - 1) / STORE_BLOCK_SIZE) + 1;
}

uint8_t *song_file_leaves(int dir_fd, const struct song_id *id, int count)
{
    size_t len = (size_t)count * STORE_HASH_LEN;
    int fd = song_file_at(dir_fd, id, ".leaves", O_RDONLY);
    uint8_t *leaves = NULL;

    if (fd < 0)
        return NULL;
    if (song_file_size(fd) == (int64_t)len)
        leaves = malloc(len);
    if (leaves != NULL && file_read_at(fd, leaves, len, 0) != 0) {
        free(leaves);
        leaves = NULL;
    }
    (void)close(fd);
    return leaves;
}

int song_file_write_leaves(int dir_fd, const struct song_id *id, struct bytes hashes)
{
    char name[SONG_FILE_NAME_MAX];

    song_file_name(id, ".leaves", name);
    return file_replace(dir_fd, name, hashes);
}

/* --- growing ----------------------------------------------------------------- */

/* Say in the .bits file whether the bits can be trusted. */
static int mark(struct song_file *g, bool is_clean)
{
    uint8_t flag = is_clean ? 1 : 0;
    int err = file_write_at(g->bits_fd, bytes_of(&flag, 1), BITS_CLEAN);

    if (err == 0)
        err = file_sync(g->bits_fd);
    if (err == 0)
        g->is_dirty = !is_clean;
    return err;
}

/* All blocks are there: from .part to .flac.  The data is synced before the name says
 * that it is whole. */
static int complete(struct song_file *g)
{
    char part[SONG_FILE_NAME_MAX];
    char whole[SONG_FILE_NAME_MAX];
    int err = file_sync(g->fd);

    song_file_name(&g->id, ".part", part);
    song_file_name(&g->id, ".flac", whole);
    if (err == 0 && renameat(g->dir_fd, part, g->dir_fd, whole) != 0)
        err = file_err(errno);
    if (err != 0)
        return err;
    g->is_whole = true;
    (void)close(g->bits_fd);
    g->bits_fd = -1;
    /* The song is whole whatever becomes of the rest: a .bits file that stays is removed
     * with the song. */
    (void)song_file_remove(g->dir_fd, &g->id, ".bits");
    return file_sync(g->dir_fd);
}

static int write_block(struct song_file *g, int block, struct bytes data)
{
    uint8_t *bits = &g->bits[block / 8];
    uint8_t bit = (uint8_t)(0x80 >> block % 8);
    uint8_t before = *bits;
    int err = 0;

    if (!g->is_whole && !g->is_dirty)
        err = mark(g, false);
    if (err == 0)
        err = file_write_at(g->fd, data, (uint64_t)block * STORE_BLOCK_SIZE);
    if (err != 0 || g->is_whole)
        return err == 0 ? file_sync(g->fd) : err; /* a repair */
    *bits |= bit;
    err = file_write_at(g->bits_fd, bytes_of(bits, 1),
                        BITS_HEADER + (uint64_t)(block / 8));
    g->held += (before & bit) == 0 ? 1 : 0;
    if (err == 0 && g->held == g->blocks)
        err = complete(g);
    if (err != 0 && !g->is_whole) {
        *bits &= (uint8_t)~bit;
        g->held--;
    }
    return err;
}

int song_file_read(const struct song_file *g, uint32_t index, uint8_t *data, size_t *len)
{
    size_t want;
    int err;

    if (index >= (uint32_t)g->blocks || !has_block(g, (int)index))
        return ERR_NOT_FOUND;
    want = block_len(g, (int)index);
    err = file_read_at(g->fd, data, want, (uint64_t)index * STORE_BLOCK_SIZE);
    if (err == 0)
        *len = want;
    return err;
}

int song_file_write(struct song_file *g, uint32_t index, struct bytes data)
{
    if (index >= (uint32_t)g->blocks || data.len != block_len(g, (int)index))
        return ERR_LIMIT;
    return write_block(g, (int)index, data);
}

/* Keep only the blocks that are what their leaves say; none without leaves. */
static void rehash(struct song_file *g, const uint8_t *leaves)
{
    uint8_t data[STORE_BLOCK_SIZE];

    for (int i = 0; i < g->blocks; i++) {
        size_t len = block_len(g, i);

        if (!has_block(g, i))
            continue;
        if (leaves != NULL &&
            file_read_at(g->fd, data, len, (uint64_t)i * STORE_BLOCK_SIZE) == 0 &&
            g->check(leaves + (size_t)i * STORE_HASH_LEN, data, len))
            continue;
        g->bits[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
    }
}

static void count_held(struct song_file *g)
{
    g->held = 0;
    for (int i = 0; i < g->blocks; i++)
        g->held += has_block(g, i) ? 1 : 0;
}

/* Read the .bits file.  What is not as we wrote it counts as nothing held. */
static void load_bits(struct song_file *g)
{
    uint8_t head[BITS_HEADER];
    size_t len = ((size_t)g->blocks + 7) / 8;

    g->is_dirty = true;
    memset(g->bits, 0, sizeof(g->bits));
    if (file_read_at(g->bits_fd, head, sizeof(head), 0) != 0 ||
        memcmp(head, BITS_MAGIC, 8) != 0 || load_be64(head + 8) != g->bytes ||
        file_read_at(g->bits_fd, g->bits, len, BITS_HEADER) != 0) {
        memset(g->bits, 0, sizeof(g->bits));
        return;
    }
    if (g->blocks % 8 != 0)
        g->bits[len - 1] &= (uint8_t)(0xff00 >> g->blocks % 8);
    g->is_dirty = head[BITS_CLEAN] != 1;
}

static int save_bits(struct song_file *g)
{
    uint8_t head[BITS_HEADER] = BITS_MAGIC;
    int err;

    store_be64(head + 8, g->bytes);
    err = file_write_at(g->bits_fd, bytes_of(head, sizeof(head)), 0);
    if (err == 0)
        err = file_write_at(g->bits_fd, bytes_of(g->bits, ((size_t)g->blocks + 7) / 8),
                            BITS_HEADER);
    g->is_dirty = true; /* as the file says now */
    return err;
}

/* Reserve the room now, so that a full disk is known before the first block. */
static int reserve(struct song_file *g)
{
    if (song_file_size(g->fd) == (int64_t)g->bytes)
        return 0;
    if (ftruncate(g->fd, (off_t)g->bytes) != 0)
        return file_err(errno);
    if (fallocate(g->fd, 0, 0, (off_t)g->bytes) != 0 && errno != EOPNOTSUPP)
        return file_err(errno);
    return 0;
}

static int open_growing(struct song_file *g, const uint8_t *leaves)
{
    int err;

    g->fd = song_file_at(g->dir_fd, &g->id, ".part", O_RDWR | O_CREAT);
    if (g->fd < 0)
        return file_err(errno);
    g->bits_fd = song_file_at(g->dir_fd, &g->id, ".bits", O_RDWR | O_CREAT);
    if (g->bits_fd < 0)
        return file_err(errno);
    load_bits(g);
    err = reserve(g);
    if (err != 0) {
        (void)song_file_remove(g->dir_fd, &g->id, ".part");
        (void)song_file_remove(g->dir_fd, &g->id, ".bits");
        return err;
    }
    if (g->is_dirty) {
        rehash(g, leaves);
        err = save_bits(g);
    }
    count_held(g);
    if (err == 0 && g->held == g->blocks)
        err = complete(g);
    return err;
}

void song_file_close(struct song_file *g)
{
    if (g->fd >= 0)
        (void)close(g->fd);
    if (g->bits_fd >= 0)
        (void)close(g->bits_fd);
    g->fd = -1;
    g->bits_fd = -1;
}

int song_file_open(struct song_file *g, const uint8_t *leaves)
{
    int err;

    g->is_whole = false;
    g->is_dirty = false;
    g->held = 0;
    g->bits_fd = -1;
    g->fd = song_file_at(g->dir_fd, &g->id, ".flac", O_RDWR);
    if (g->fd >= 0 && song_file_size(g->fd) == (int64_t)g->bytes) {
        g->is_whole = true;
        g->held = g->blocks;
        return 0;
    }
    if (g->fd >= 0) {
        /* The id binds the length, so this is not the song. */
        song_file_close(g);
        err = song_file_remove(g->dir_fd, &g->id, ".flac");
        if (err != 0)
            return err;
    }
    err = open_growing(g, leaves);
    if (err != 0)
        song_file_close(g);
    return err;
}

int song_file_settle(struct song_file *g)
{
    int err = 0;

    if (!g->is_whole && g->held == 0) {
        err = song_file_remove(g->dir_fd, &g->id, ".part");
        if (err == 0)
            err = song_file_remove(g->dir_fd, &g->id, ".bits");
    } else if (!g->is_whole && g->is_dirty) {
        err = file_sync(g->fd);
        if (err == 0)
            err = mark(g, true);
    }
    song_file_close(g);
    return err;
}

int song_file_adopt(struct song_file *g)
{
    int fd = song_file_at(g->dir_fd, &g->id, ".flac", O_RDWR);

    if (fd < 0)
        return file_err(errno);
    song_file_close(g);
    g->fd = fd;
    g->is_whole = true;
    g->held = g->blocks;
    return 0;
}
