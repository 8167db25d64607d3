/* The folder that a node keeps its things in: made at the first start, locked against a
 * second node, and home of the key that the node is known by.
 * SPDX-License-Identifier: MIT */
#ifndef DAEMON_DATADIR_H
#define DAEMON_DATADIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define DATADIR_KEY_LEN 32

struct datadir {
    int lock_fd;                   /* held while the node runs */
    bool is_new;                   /* the key was made just now */
    uint8_t seed[DATADIR_KEY_LEN]; /* wipe it after use */
};

/* Make path and what leads to it (0700) as needed, lock it, and read or make its key
 * (file "key", 0600).  Errors: ERR_FILE (cannot be made, written or read), ERR_DISK,
 * ERR_PORT (another node has it), ERR_KEY (the key file is not one); message then says
 * what, why and what to do. */
MUST_USE int datadir_open(struct datadir *d, const char *path, char *message,
                          size_t size);

/* Give up the lock and wipe the key. */
void datadir_close(struct datadir *d);

/* Make a folder and what leads to it, mode 0700.  Errors: ERR_FILE, with errno. */
MUST_USE int datadir_make(const char *path);

/* Read the key of a closed channel: 32 bytes, or 64 hex digits and white space.
 * Errors: ERR_FILE (cannot be read), ERR_KEY (is no key); message as above. */
MUST_USE int datadir_read_channel_key(const char *path, uint8_t key[DATADIR_KEY_LEN],
                                      char *message, size_t size);

#endif
