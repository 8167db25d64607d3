/* Bytes of a file that is read, not necessarily complete: what a decoder reads from.  The
 * decoder sees only these calls, so it can run where it may open nothing itself.
 * SPDX-License-Identifier: MIT */
#ifndef AUDIO_STREAM_H
#define AUDIO_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Calls come from one thread at a time.  ctx belongs to whoever made the stream. */
struct byte_stream {
    void *ctx;
    /* Read up to *len bytes; *len becomes what was read, 0 at the end.
     * Errors: ERR_AGAIN when the bytes here have not arrived yet (nothing is read, try
     * later), ERR_FILE. */
    int (*read)(void *ctx, uint8_t *data, size_t *len);
    /* Errors: ERR_FILE. */
    int (*seek)(void *ctx, int64_t offset);
    int64_t (*tell)(void *ctx);
    int64_t (*length)(void *ctx); /* of the whole, arrived or not */
    void (*close)(void *ctx);     /* releases ctx; may be NULL */
};

/* A stream over a file.  Errors: ERR_FILE when it cannot be opened, is no regular file or
 * is empty; then message, of size bytes, says why in one line. */
MUST_USE int byte_stream_open_file(struct byte_stream *s, const char *path, char *message,
                                   size_t size);

/* A stream over bytes that the caller keeps alive and unchanged. */
void byte_stream_open_memory(struct byte_stream *s, const uint8_t *data, size_t len);

/* Closes s and clears it; a cleared stream is ignored. */
void byte_stream_close(struct byte_stream *s);

#endif
