/* The options of `party node`.  SPDX-License-Identifier: MIT */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include <stddef.h>

#include "daemon/daemon.h"

/* What holds where nothing is said; name is user@host. */
void options_default(struct daemon_config *config);

/* Read the options behind `party node`; config holds the defaults and borrows the texts.
 * data_dir and control_path stay as they are unless --data-dir is given.
 * Errors: ERR_USAGE; message then says which option, what is wrong, and what is right. */
MUST_USE int options_parse(int argc, char *const argv[], struct daemon_config *config,
                           char *message, size_t size);

/* The text of `party node --help`. */
const char *options_help(void);

#endif
