/* SPDX-License-Identifier: MIT */
#include "library/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int file_err(int error_number)
{
    switch (error_number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return ERR_DISK;
    case ENOMEM:
        return ERR_NOMEM;
    default:
        return ERR_FILE;
    }
}

int file_read_at(int fd, void *data, size_t len, uint64_t offset)
{
    uint8_t *to = data;

    while (len > 0) {
        ssize_t n = pread(fd, to, len, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ERR_FILE;
        if (n == 0)
            return ERR_CORRUPT;
        to += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

int file_write_at(int fd, struct bytes data, uint64_t offset)
{
    while (data.len > 0) {
        ssize_t n = pwrite(fd, data.data, data.len, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return file_err(errno);
        data.data += n;
        data.len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

int file_sync(int fd)
{
    return fsync(fd) == 0 ? 0 : file_err(errno);
}

int file_replace(int dir_fd, const char *name, struct bytes data)
{
    char temp[300];
    int fd;
    int err;

    if (snprintf(temp, sizeof(temp), "%s.tmp", name) >= (int)sizeof(temp))
        return ERR_FILE;
    fd = openat(dir_fd, temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return file_err(errno);
    err = file_write_at(fd, data, 0);
    if (err == 0)
        err = file_sync(fd);
    if (close(fd) != 0 && err == 0)
        err = file_err(errno);
    if (err == 0 && renameat(dir_fd, temp, dir_fd, name) != 0)
        err = file_err(errno);
    if (err != 0) {
        (void)unlinkat(dir_fd, temp, 0);
        return err;
    }
    return file_sync(dir_fd);
}

int file_copy(int from_fd, int to_fd)
{
    uint8_t buffer[65536];
    uint64_t offset = 0;

    for (;;) {
        ssize_t n = pread(from_fd, buffer, sizeof(buffer), (off_t)offset);
        int err;

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return file_err(errno);
        if (n == 0)
            return file_sync(to_fd);
        err = file_write_at(to_fd, bytes_of(buffer, (size_t)n), offset);
        if (err != 0)
            return err;
        offset += (uint64_t)n;
    }
}
