/* The commands that the driver answers itself, as they are no matter of the party's: how
 * loud, and how late, this machine's own sound is.  SPDX-License-Identifier: MIT */
#ifndef DAEMON_ANSWERS_H
#define DAEMON_ANSWERS_H

#include "daemon/server.h"
#include "daemon/sound.h"

/* Answer a request when it is such a command; false when it is not. */
bool answers_give(struct server *server, struct sound *sound, uint64_t id,
                  struct bytes request);

#endif
