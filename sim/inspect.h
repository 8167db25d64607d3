/* Looks into a world that has settled: is it the same each time, what does the overlay
 * look like, what happened.  SPDX-License-Identifier: MIT */
#ifndef SIM_INSPECT_H
#define SIM_INSPECT_H

#include "sim/setup.h"

/* What lines of a trace are wanted. */
struct inspect {
    const char *node;  /* NULL: any */
    const char *event; /* "frame", "wake" …; NULL: any */
    const char *from;  /* seconds of virtual time; NULL: from the start */
    const char *to;
};

/* "check", "graph" or "trace". */
bool inspect_has(const char *verb);

/* One of --node, --event, --from, --to: taken.  False for another option. */
bool inspect_option(struct inspect *i, const char *option, const char *value);

/* Carry it out for each seed; the exit status. */
int inspect_run(const char *verb, const struct inspect *i, struct setup *s,
                uint64_t first, uint64_t last, const char *dir);

#endif
