/* SPDX-License-Identifier: MIT */
#include "library/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "library/file.h"
#include "library/song_file.h"

/* An open song.  file is guarded by lock, the rest by the store's. */
struct song {
    bool is_used;
    int opens; /* store_song_open less store_song_close */
    int users; /* calls that are at work on it */
    pthread_mutex_t lock;
    struct song_file file;
};

struct store {
    char *dir; /* of the songs */
    int dir_fd;
    bool (*check)(const uint8_t *leaf, const uint8_t *data, size_t len);
    pthread_mutex_t lock; /* the table; opening, closing, importing, removing */
    pthread_cond_t idle;  /* some song has no users any more */
    struct song songs[STORE_OPEN_MAX];
};

/* --- the table --------------------------------------------------------------- */

/* The song's entry, or NULL.  The store is locked. */
static struct song *find(struct store *s, const struct song_id *id)
{
    for (int i = 0; i < STORE_OPEN_MAX; i++) {
        if (s->songs[i].is_used && song_id_equal(&s->songs[i].file.id, id))
            return &s->songs[i];
    }
    return NULL;
}

/* The song's entry, locked, or NULL when it is not open. */
static struct song *acquire(struct store *s, const struct song_id *id)
{
    struct song *g;

    pthread_mutex_lock(&s->lock);
    g = find(s, id);
    if (g != NULL)
        g->users++;
    pthread_mutex_unlock(&s->lock);
    if (g != NULL)
        pthread_mutex_lock(&g->lock);
    return g;
}

static void release(struct store *s, struct song *g)
{
    pthread_mutex_unlock(&g->lock);
    pthread_mutex_lock(&s->lock);
    g->users--;
    pthread_cond_broadcast(&s->idle);
    pthread_mutex_unlock(&s->lock);
}

/* --- leaves ------------------------------------------------------------------ */

int store_leaves_write(struct store *s, const struct song_id *id, struct bytes hashes)
{
    struct song *g = acquire(s, id);
    int err = ERR_LIMIT;

    if (g == NULL)
        return ERR_NOT_FOUND;
    if (hashes.len == (size_t)g->file.blocks * STORE_HASH_LEN)
        err = song_file_write_leaves(s->dir_fd, id, hashes);
    release(s, g);
    return err;
}

int store_leaves_read(struct store *s, const struct song_id *id, uint8_t *hashes,
                      size_t size, size_t *len)
{
    int fd = song_file_at(s->dir_fd, id, ".leaves", O_RDONLY);
    int64_t bytes;
    int err = 0;

    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : file_err(errno);
    bytes = song_file_size(fd);
    if (bytes <= 0 || bytes % STORE_HASH_LEN != 0)
        err = ERR_FILE;
    else if ((uint64_t)bytes > size)
        err = ERR_LIMIT;
    else
        err = file_read_at(fd, hashes, (size_t)bytes, 0) == 0 ? 0 : ERR_FILE;
    (void)close(fd);
    if (err == 0)
        *len = (size_t)bytes;
    return err;
}

/* --- blocks ------------------------------------------------------------------ */

int store_block_write(struct store *s, const struct song_id *id, uint32_t index,
                      struct bytes data)
{
    struct song *g = acquire(s, id);
    int err;

    if (g == NULL)
        return ERR_NOT_FOUND;
    err = song_file_write(&g->file, index, data);
    release(s, g);
    return err;
}

int store_block_read(struct store *s, const struct song_id *id, uint32_t index,
                     uint8_t *data, size_t *len)
{
    struct song *g = acquire(s, id);
    int err;

    if (g == NULL)
        return ERR_NOT_FOUND;
    err = song_file_read(&g->file, index, data, len);
    release(s, g);
    return err;
}

/* --- opening and closing ----------------------------------------------------- */

static struct song *new_entry(struct store *s, const struct song_id *id, uint64_t bytes)
{
    for (int i = 0; i < STORE_OPEN_MAX; i++) {
        struct song *g = &s->songs[i];

        if (g->is_used)
            continue;
        g->file.id = *id;
        g->file.bytes = bytes;
        g->file.blocks = song_file_blocks(bytes);
        g->file.dir_fd = s->dir_fd;
        g->file.check = s->check;
        g->opens = 0;
        g->users = 0;
        return g;
    }
    return NULL;
}

/* Takes leaves. */
static int describe(const struct song *g, uint8_t *leaves, struct store_holding *h)
{
    *h = (struct store_holding){ .has_all = g->file.is_whole,
                                 .held = g->file.held,
                                 .leaves = leaves,
                                 .leaves_len = (size_t)g->file.blocks * STORE_HASH_LEN };
    if (leaves == NULL)
        h->leaves_len = 0;
    if (g->file.is_whole)
        return 0;
    h->bitmap_len = ((size_t)g->file.blocks + 7) / 8;
    h->bitmap = malloc(h->bitmap_len);
    if (h->bitmap == NULL) {
        store_holding_finish(h);
        return ERR_NOMEM;
    }
    memcpy(h->bitmap, g->file.bits, h->bitmap_len);
    return 0;
}

int store_song_open(struct store *s, const struct song_id *id, uint64_t bytes,
                    struct store_holding *holding)
{
    struct song *g;
    uint8_t *leaves;
    int err = 0;

    if (song_file_blocks(bytes) == 0)
        return ERR_LIMIT;
    pthread_mutex_lock(&s->lock);
    leaves = song_file_leaves(s->dir_fd, id, song_file_blocks(bytes));
    g = find(s, id);
    if (g != NULL && g->file.bytes != bytes)
        err = ERR_STATE;
    if (g == NULL) {
        g = new_entry(s, id, bytes);
        err = g == NULL ? ERR_LIMIT : song_file_open(&g->file, leaves);
        if (err == 0)
            g->is_used = true;
    }
    if (err == 0) {
        pthread_mutex_lock(&g->lock);
        err = describe(g, leaves, holding);
        pthread_mutex_unlock(&g->lock);
        leaves = NULL;
        g->opens += err == 0 ? 1 : 0;
        if (g->opens == 0) {
            song_file_close(&g->file);
            g->is_used = false;
        }
    }
    pthread_mutex_unlock(&s->lock);
    free(leaves);
    return err;
}

void store_holding_finish(struct store_holding *h)
{
    if (h == NULL)
        return;
    free(h->leaves);
    free(h->bitmap);
    *h = (struct store_holding){ 0 };
}

int store_song_close(struct store *s, const struct song_id *id)
{
    struct song *g;
    int err = 0;

    pthread_mutex_lock(&s->lock);
    g = find(s, id);
    if (g == NULL)
        err = ERR_NOT_FOUND;
    else if (--g->opens == 0) {
        while (g->users > 0)
            pthread_cond_wait(&s->idle, &s->lock);
        /* Somebody may have opened it again, or closed it, while we waited. */
        if (g->is_used && g->opens == 0) {
            err = song_file_settle(&g->file);
            g->is_used = false;
        }
    }
    pthread_mutex_unlock(&s->lock);
    return err;
}

/* --- the store itself -------------------------------------------------------- */

/* Remove what an import that was cut short has left. */
static void sweep(const struct store *s)
{
    DIR *dir = opendir(s->dir);
    struct dirent *e;

    if (dir == NULL)
        return;
    while ((e = readdir(dir)) != NULL) {
        size_t len = strlen(e->d_name);

        if (len > 4 && strcmp(e->d_name + len - 4, ".tmp") == 0)
            (void)unlinkat(s->dir_fd, e->d_name, 0);
    }
    (void)closedir(dir);
}

static int make_dirs(const char *dir, char **songs)
{
    size_t size = strlen(dir) + sizeof("/songs");

    if (size > STORE_PATH_MAX - SONG_FILE_NAME_MAX - 8)
        return ERR_FILE;
    *songs = malloc(size);
    if (*songs == NULL)
        return ERR_NOMEM;
    (void)snprintf(*songs, size, "%s/songs", dir);
    if ((mkdir(dir, 0700) != 0 && errno != EEXIST) ||
        (mkdir(*songs, 0700) != 0 && errno != EEXIST))
        return file_err(errno);
    return 0;
}

int store_open(const char *dir,
               bool (*check)(const uint8_t *leaf, const uint8_t *data, size_t len),
               struct store **store)
{
    struct store *s = calloc(1, sizeof(*s));
    int err;

    if (s == NULL)
        return ERR_NOMEM;
    err = make_dirs(dir, &s->dir);
    s->dir_fd = err == 0 ? open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (err == 0 && s->dir_fd < 0)
        err = file_err(errno);
    if (err == 0 && faccessat(s->dir_fd, ".", R_OK | W_OK | X_OK, AT_EACCESS) != 0)
        err = file_err(errno);
    if (err != 0) {
        int saved = errno;

        if (s->dir_fd >= 0)
            (void)close(s->dir_fd);
        free(s->dir);
        free(s);
        errno = saved;
        return err;
    }
    s->check = check;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->idle, NULL);
    for (int i = 0; i < STORE_OPEN_MAX; i++) {
        pthread_mutex_init(&s->songs[i].lock, NULL);
        s->songs[i].file.fd = -1;
        s->songs[i].file.bits_fd = -1;
    }
    sweep(s);
    *store = s;
    return 0;
}

void store_close(struct store *s)
{
    if (s == NULL)
        return;
    for (int i = 0; i < STORE_OPEN_MAX; i++) {
        if (s->songs[i].is_used)
            (void)song_file_settle(&s->songs[i].file);
        pthread_mutex_destroy(&s->songs[i].lock);
    }
    pthread_cond_destroy(&s->idle);
    pthread_mutex_destroy(&s->lock);
    (void)close(s->dir_fd);
    free(s->dir);
    free(s);
}

int store_path(struct store *s, const struct song_id *id, char *path, size_t size)
{
    char name[SONG_FILE_NAME_MAX];
    struct stat st;
    int n;

    song_file_name(id, ".flac", name);
    if (fstatat(s->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
        return ERR_NOT_FOUND;
    n = snprintf(path, size, "%s/%s", s->dir, name);
    return n >= 0 && (size_t)n < size ? 0 : ERR_LIMIT;
}

int store_temp(struct store *s, char *path, size_t size, int *fd)
{
    int n = snprintf(path, size, "%s/import-XXXXXX.tmp", s->dir);

    if (n < 0 || (size_t)n >= size)
        return ERR_LIMIT;
    *fd = mkostemps(path, 4, O_CLOEXEC);
    return *fd >= 0 ? 0 : file_err(errno);
}

/* Bring the file at path into the store's directory under this name. */
static int move_in(struct store *s, const char *path, int fd, const char *name)
{
    char temp[STORE_PATH_MAX];
    int temp_fd;
    int err = file_sync(fd);

    if (err != 0)
        return err;
    if (renameat(AT_FDCWD, path, s->dir_fd, name) == 0)
        return file_sync(s->dir_fd);
    if (errno != EXDEV)
        return file_err(errno);
    err = store_temp(s, temp, sizeof(temp), &temp_fd);
    if (err != 0)
        return err;
    err = file_copy(fd, temp_fd);
    if (close(temp_fd) != 0 && err == 0)
        err = file_err(errno);
    if (err == 0 && renameat(AT_FDCWD, temp, s->dir_fd, name) != 0)
        err = file_err(errno);
    if (err != 0) {
        (void)unlink(temp);
        return err;
    }
    (void)unlink(path);
    return file_sync(s->dir_fd);
}

/* The store is locked, fd is the file at path. */
static int import_locked(struct store *s, const char *path, int fd,
                         const struct song_id *id, struct bytes leaves)
{
    struct song *g = find(s, id);
    int64_t bytes = song_file_size(fd);
    char name[SONG_FILE_NAME_MAX];
    struct stat st;
    int err;

    if (bytes <= 0 ||
        leaves.len != (size_t)song_file_blocks((uint64_t)bytes) * STORE_HASH_LEN ||
        leaves.len == 0)
        return ERR_LIMIT;
    if (g != NULL && g->file.bytes != (uint64_t)bytes)
        return ERR_STATE;
    song_file_name(id, ".flac", name);
    err = song_file_write_leaves(s->dir_fd, id, leaves);
    if (err != 0)
        return err;
    if (fstatat(s->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size == bytes)
        return unlink(path) == 0 ? 0 : file_err(errno);
    err = move_in(s, path, fd, name);
    if (err == 0 && g != NULL) {
        pthread_mutex_lock(&g->lock);
        err = song_file_adopt(&g->file);
        pthread_mutex_unlock(&g->lock);
    }
    if (err == 0)
        err = song_file_remove(s->dir_fd, id, ".part");
    if (err == 0)
        err = song_file_remove(s->dir_fd, id, ".bits");
    return err;
}

int store_import(struct store *s, const char *path, const struct song_id *id,
                 struct bytes leaves)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int err;

    if (fd < 0)
        return file_err(errno);
    pthread_mutex_lock(&s->lock);
    err = import_locked(s, path, fd, id, leaves);
    pthread_mutex_unlock(&s->lock);
    (void)close(fd);
    return err;
}

int store_song_remove(struct store *s, const struct song_id *id)
{
    static const char *const endings[] = { ".flac", ".part", ".bits", ".leaves" };
    int err = 0;

    pthread_mutex_lock(&s->lock);
    if (find(s, id) != NULL)
        err = ERR_STATE;
    for (int i = 0; err == 0 && i < COUNT(endings); i++)
        err = song_file_remove(s->dir_fd, id, endings[i]);
    pthread_mutex_unlock(&s->lock);
    return err;
}
