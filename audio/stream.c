/* See the header.  SPDX-License-Identifier: MIT */
#include "audio/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audio/xalloc.h"

struct file {
    int fd;
    int64_t at;
    int64_t length;
};

static int file_read(void *ctx, uint8_t *data, size_t *len)
{
    struct file *f = ctx;
    ssize_t n = pread(f->fd, data, *len, (off_t)f->at);

    if (n < 0) {
        return ERR_FILE;
    }
    f->at += n;
    *len = (size_t)n;
    return ERR_NONE;
}

static int file_seek(void *ctx, int64_t offset)
{
    struct file *f = ctx;

    if (offset < 0 || offset > f->length) {
        return ERR_FILE;
    }
    f->at = offset;
    return ERR_NONE;
}

static int64_t file_tell(void *ctx)
{
    return ((struct file *)ctx)->at;
}

static int64_t file_length(void *ctx)
{
    return ((struct file *)ctx)->length;
}

static void file_close(void *ctx)
{
    close(((struct file *)ctx)->fd);
    free(ctx);
}

/* Open for reading; 0 or an errno.  Never waits for a pipe, never opens a device. */
static int open_regular(const char *path, int *fd, int64_t *length)
{
    struct stat st;
    int error = 0;

    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0) {
        return errno;
    }
    if (fstat(*fd, &st) != 0) {
        error = errno;
    } else if (S_ISDIR(st.st_mode)) {
        error = EISDIR;
    } else if (!S_ISREG(st.st_mode)) {
        error = EINVAL;
    } else {
        *length = (int64_t)st.st_size;
    }
    if (error != 0) {
        close(*fd);
    }
    return error;
}

int byte_stream_open_file(struct byte_stream *s, const char *path, char *message,
                          size_t size)
{
    int fd = -1;
    int64_t length = 0;
    int error = open_regular(path, &fd, &length);
    struct file *f;

    if (error != 0) {
        snprintf(message, size,
                 "%s: cannot be read: %s: check the path and who may read it", path,
                 strerror(error));
        return ERR_FILE;
    }
    if (length == 0) {
        snprintf(message, size, "%s: the file is empty: get it again", path);
        close(fd);
        return ERR_FILE;
    }
    f = xcalloc(1, sizeof(*f));
    f->fd = fd;
    f->length = length;
    *s = (struct byte_stream){
        f, file_read, file_seek, file_tell, file_length, file_close
    };
    return ERR_NONE;
}

struct memory {
    const uint8_t *data;
    size_t len;
    size_t at;
};

static int memory_read(void *ctx, uint8_t *data, size_t *len)
{
    struct memory *m = ctx;
    size_t left = m->len - m->at;

    if (*len > left) {
        *len = left;
    }
    if (*len > 0) {
        memcpy(data, m->data + m->at, *len);
    }
    m->at += *len;
    return ERR_NONE;
}

static int memory_seek(void *ctx, int64_t offset)
{
    struct memory *m = ctx;

    if (offset < 0 || (uint64_t)offset > m->len) {
        return ERR_FILE;
    }
    m->at = (size_t)offset;
    return ERR_NONE;
}

static int64_t memory_tell(void *ctx)
{
    return (int64_t)((struct memory *)ctx)->at;
}

static int64_t memory_length(void *ctx)
{
    return (int64_t)((struct memory *)ctx)->len;
}

void byte_stream_open_memory(struct byte_stream *s, const uint8_t *data, size_t len)
{
    struct memory *m = xcalloc(1, sizeof(*m));

    m->data = data;
    m->len = len;
    *s = (struct byte_stream){ m,           memory_read,   memory_seek,
                               memory_tell, memory_length, free };
}

void byte_stream_close(struct byte_stream *s)
{
    if (s->close != NULL) {
        s->close(s->ctx);
    }
    *s = (struct byte_stream){ .ctx = NULL };
}
