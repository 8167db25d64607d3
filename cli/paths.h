/* Where things are, by the XDG base directory rules: in one place, for all commands.
 * SPDX-License-Identifier: MIT */
#ifndef CLI_PATHS_H
#define CLI_PATHS_H

#include <stddef.h>

#include "base/err.h"

#define PATHS_MAX 4096

struct paths {
    char data_dir[PATHS_MAX]; /* key, songs, memory */
    char control[PATHS_MAX];  /* the socket */
    char log[PATHS_MAX];      /* of a node in the background */
};

/* Fill p from the environment, or from data_dir and socket where they are not NULL:
 *   data_dir  $XDG_DATA_HOME/party, else ~/.local/share/party
 *   control   data_dir/control.sock when data_dir was named; else
 *             $XDG_RUNTIME_DIR/party/control.sock, else /tmp/party-UID/control.sock
 *   log       data_dir/log when data_dir was named; else $XDG_STATE_HOME/party/log, else
 *             ~/.local/state/party/log
 * Errors: ERR_FILE when no home is known, or a path is too long. */
MUST_USE int paths_resolve(const char *data_dir, const char *socket, struct paths *p);

/* An absolute path for a file of the user, which need not exist.  Errors: ERR_FILE (too
 * long, no working directory). */
MUST_USE int paths_absolute(const char *path, char *out, size_t size);

#endif
