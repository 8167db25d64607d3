/* SPDX-License-Identifier: MIT */
#include "daemon/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/xalloc.h"
#include "share/merkle.h"

#define CHUNK (64 * 1024)

static int feed(struct merkle *m, int fd)
{
    uint8_t *chunk = xalloc(CHUNK);
    ssize_t n;
    int err = 0;

    while (err == 0 && (n = read(fd, chunk, CHUNK)) != 0) {
        if (n > 0)
            err = merkle_add(m, bytes_of(chunk, (size_t)n));
        else if (errno != EINTR)
            err = ERR_FILE;
    }
    free(chunk);
    return err;
}

/* Hash a canonical file: its id, its length, its leaves. */
static int hash_file(const char *path, struct import *out)
{
    struct merkle m;
    struct stat st;
    int count;
    int err = ERR_FILE;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return ERR_FILE;
    if (fstat(fd, &st) == 0) {
        count = merkle_blocks((uint64_t)st.st_size);
        err = count == 0 || count > STORE_BLOCKS_MAX ? ERR_LIMIT : 0;
    }
    if (err == 0) {
        out->leaves = xalloc((size_t)count * HASH_LEN);
        merkle_init(&m, out->leaves, count);
        err = feed(&m, fd);
        if (err == 0)
            err = merkle_finish(&m, &out->song);
    }
    close(fd);
    if (err != 0) {
        free(out->leaves);
        out->leaves = NULL;
        return err;
    }
    out->bytes = m.bytes;
    out->leaves_len = (size_t)m.count * HASH_LEN;
    return 0;
}

/* What the store cannot do is no fault of the file. */
static int complain(struct import *out, const char *path, int err)
{
    const char *what = "cannot be copied into the store";

    if (err == ERR_DISK)
        what = "no room left to copy it into the store";
    else if (err == ERR_LIMIT)
        what = "is longer than 512 MiB";
    snprintf(out->message, sizeof(out->message), "%s: %s", path, what);
    return err;
}

int import_file(struct store *store, const char *path, struct import *out)
{
    char temp[STORE_PATH_MAX];
    int fd;
    int err;

    memset(out, 0, sizeof(*out));
    err = flac_probe(path, &out->info, out->message, sizeof(out->message));
    if (err == 0)
        err = flac_verify(path, out->message, sizeof(out->message));
    if (err != 0)
        return err;
    err = store_temp(store, temp, sizeof(temp), &fd);
    if (err != 0)
        return complain(out, path, err);
    close(fd);
    err = flac_canonical_copy(path, temp, out->message, sizeof(out->message));
    if (err == 0) {
        err = hash_file(temp, out);
        if (err == 0)
            err = store_import(store, temp, &out->song,
                               bytes_of(out->leaves, out->leaves_len));
        if (err != 0)
            err = complain(out, path, err);
    } else if (err == ERR_DISK) {
        err = complain(out, path, err);
    }
    if (err == 0)
        return 0;
    (void)unlink(temp);
    free(out->leaves);
    out->leaves = NULL;
    return err;
}
