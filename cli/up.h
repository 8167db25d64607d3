/* Starting a node in the background.  SPDX-License-Identifier: MIT */
#ifndef CLI_UP_H
#define CLI_UP_H

#include <stdbool.h>

#include "cli/session.h"

struct up {
    bool is_first; /* the node had no key before */
    int pid;
    char error[PATHS_MAX +
               256]; /* of a failure: what the node said, one line, without "party: " */
};

/* Start `party node` with these options, and wait until it answers at s->paths.control.
 * Returns 0, or an exit status: up->error then says what and why. */
int up_start(struct session *s, int argc, char *const argv[], struct up *up);

/* Tell of a failed up_start, like session_fail.  Returns status. */
int up_fail(const struct session *s, const struct up *up, int status);

/* `party up`: argv as for `party node`, with --json as well. */
int up_run(int argc, char *argv[]);

#endif
