/* SPDX-License-Identifier: MIT */
#include "daemon/datadir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/id.h"

/* Room to tell a key from something longer. */
#define KEY_FILE_MAX 256

int datadir_make(const char *path)
{
    char part[PATH_MAX];
    size_t len = strlen(path);

    if (len == 0 || len >= sizeof(part)) {
        errno = ENAMETOOLONG;
        return ERR_FILE;
    }
    memcpy(part, path, len + 1);
    for (char *p = part + 1; *p != '\0'; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return ERR_FILE;
        *p = '/';
    }
    if (mkdir(part, 0700) == 0)
        return 0;
    if (errno != EEXIST)
        return ERR_FILE;
    struct stat st;

    if (stat(part, &st) != 0)
        return ERR_FILE;
    if (!S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        return ERR_FILE;
    }
    return 0;
}

static int disk_error(void)
{
    return errno == ENOSPC || errno == EDQUOT ? ERR_DISK : ERR_FILE;
}

static int lock(struct datadir *d, const char *path, char *message, size_t size)
{
    char file[PATH_MAX];
    char pid[24] = { 0 };
    int fd;

    snprintf(file, sizeof(file), "%s/lock", path);
    fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        int err = disk_error();

        snprintf(message, size,
                 "data directory %s: %s; make it writable, or choose another with "
                 "--data-dir DIR",
                 path, strerror(errno));
        return err;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (read(fd, pid, sizeof(pid) - 1) <= 0)
            snprintf(pid, sizeof(pid), "?");
        pid[strcspn(pid, "\n")] = '\0';
        snprintf(message, size,
                 "data directory %s: in use by another node (process %s); use that one, "
                 "stop it with \"party down\", or choose another with --data-dir DIR",
                 path, pid);
        close(fd);
        return ERR_PORT;
    }
    int n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());

    /* The number is for people only; the lock is what counts. */
    if (ftruncate(fd, 0) == 0 && pwrite(fd, pid, (size_t)n, 0) != n)
        (void)ftruncate(fd, 0);
    d->lock_fd = fd;
    return 0;
}

/* Write a new key so that a crash leaves either none or a whole one. */
static int make_key(const char *file, uint8_t seed[DATADIR_KEY_LEN])
{
    char part[PATH_MAX + 8];
    int fd;
    int err = ERR_FILE;

    if (getrandom(seed, DATADIR_KEY_LEN, 0) != DATADIR_KEY_LEN)
        return ERR_INTERNAL;
    snprintf(part, sizeof(part), "%s.part", file);
    if (unlink(part) != 0 && errno != ENOENT)
        return ERR_FILE;
    fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return disk_error();
    if (write(fd, seed, DATADIR_KEY_LEN) != DATADIR_KEY_LEN || fsync(fd) != 0)
        err = disk_error();
    else
        err = 0;
    if (close(fd) != 0 && err == 0)
        err = disk_error();
    if (err == 0 && rename(part, file) != 0)
        err = disk_error();
    return err;
}

/* Read a small file whole: its length, at most size, or a negative error. */
static int read_small(const char *file, uint8_t *data, size_t size)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    size_t len = 0;
    ssize_t n = 0;

    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_FILE;
    while (len < size && (n = read(fd, data + len, size - len)) > 0)
        len += (size_t)n;
    int saved = errno;

    close(fd);
    errno = saved;
    return n < 0 ? ERR_FILE : (int)len;
}

static int load_key(struct datadir *d, const char *path, char *message, size_t size)
{
    char file[PATH_MAX];
    uint8_t data[KEY_FILE_MAX];
    int n;

    snprintf(file, sizeof(file), "%s/key", path);
    n = read_small(file, data, sizeof(data));
    if (n == ERR_NOT_FOUND) {
        int err = make_key(file, d->seed);

        d->is_new = err == 0;
        if (err != 0)
            snprintf(message, size,
                     "key file %s: cannot be written: %s; make room, or choose another "
                     "place with --data-dir DIR",
                     file, strerror(errno));
        return err;
    }
    if (n == DATADIR_KEY_LEN)
        memcpy(d->seed, data, DATADIR_KEY_LEN);
    explicit_bzero(data, sizeof(data));
    if (n == DATADIR_KEY_LEN)
        return 0;
    if (n < 0) {
        snprintf(message, size, "key file %s: %s; make it readable", file,
                 strerror(errno));
        return ERR_FILE;
    }
    snprintf(message, size,
             "key file %s: is not a key of 32 bytes; move it away, and the node starts "
             "with a new identity",
             file);
    return ERR_KEY;
}

int datadir_open(struct datadir *d, const char *path, char *message, size_t size)
{
    int err;

    *d = (struct datadir){ .lock_fd = -1 };
    if (strlen(path) > PATH_MAX - 64) {
        snprintf(message, size,
                 "data directory: the name is too long; choose another "
                 "with --data-dir DIR");
        return ERR_FILE;
    }
    if (datadir_make(path) != 0) {
        err = disk_error();
        snprintf(message, size,
                 "data directory %s: cannot be made: %s; choose another with "
                 "--data-dir DIR",
                 path, strerror(errno));
        return err;
    }
    err = lock(d, path, message, size);
    if (err == 0)
        err = load_key(d, path, message, size);
    if (err != 0)
        datadir_close(d);
    return err;
}

void datadir_close(struct datadir *d)
{
    if (d->lock_fd >= 0)
        close(d->lock_fd);
    d->lock_fd = -1;
    explicit_bzero(d->seed, sizeof(d->seed));
}

static bool is_white(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

int datadir_read_channel_key(const char *path, uint8_t key[DATADIR_KEY_LEN],
                             char *message, size_t size)
{
    uint8_t data[KEY_FILE_MAX];
    int n = read_small(path, data, sizeof(data));
    int err = 0;

    if (n < 0) {
        snprintf(message, size,
                 "channel key %s: %s; name a readable file with --channel-key-file", path,
                 strerror(errno));
        return ERR_FILE;
    }
    size_t len = (size_t)n;

    if (len == DATADIR_KEY_LEN) {
        memcpy(key, data, DATADIR_KEY_LEN);
    } else {
        while (len > 0 && is_white(data[len - 1]))
            len--;
        if (!hex_decode((const char *)data, len, key, DATADIR_KEY_LEN)) {
            snprintf(message, size,
                     "channel key %s: is neither 32 bytes nor 64 hex digits; make one "
                     "with \"openssl rand -hex 32\", and give it to all who may join",
                     path);
            err = ERR_KEY;
        }
    }
    explicit_bzero(data, sizeof(data));
    return err;
}
