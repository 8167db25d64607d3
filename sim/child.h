/* A trial in a process of its own: that the program dies is an outcome too, and several
 * run side by side.  SPDX-License-Identifier: MIT */
#ifndef SIM_CHILD_H
#define SIM_CHILD_H

#include <sys/types.h>

#include "sim/trial.h"

struct child {
    pid_t pid; /* 0: none */
    int fd;    /* readable when it is done */
};

/* Begin to run a script; s may change after the call. */
void child_begin(struct child *c, const struct script *s);

/* Wait for it.  What came of it is in out. */
void child_end(struct child *c, struct trial_outcome *out);

/* A monotonic clock of the machine, for limits on the work. */
int64_t child_wall_ns(void);

#endif
