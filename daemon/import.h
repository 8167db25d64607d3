/* A user's file becomes a song of the store: verified whole, stripped to its canonical
 * bytes, hashed, moved in.  Runs on a worker thread.  SPDX-License-Identifier: MIT */
#ifndef DAEMON_IMPORT_H
#define DAEMON_IMPORT_H

#include "audio/flac.h"
#include "library/store.h"

#define IMPORT_MESSAGE_MAX 320

struct import {
    struct song_id song;
    uint64_t bytes; /* canonical */
    struct flac_info info;
    uint8_t *leaves; /* the caller frees it */
    size_t leaves_len;
    char message[IMPORT_MESSAGE_MAX]; /* of a failure: file, why */
};

/* Errors: ERR_FILE, ERR_FORMAT, ERR_CORRUPT, ERR_LIMIT (too long), ERR_DISK; the message
 * is then set and leaves is NULL. */
MUST_USE int import_file(struct store *store, const char *path, struct import *out);

#endif
