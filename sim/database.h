/* The results of a sweep as an SQLite file, for those who ask questions of many.
 * SPDX-License-Identifier: MIT */
#ifndef SIM_DATABASE_H
#define SIM_DATABASE_H

#include "sim/sweep.h"

/* DIR/results.sqlite, anew: run(id, kind, seed, point, command, version), param(run,
 * name, value), figure(run, name, value, unit), series(run, name, x, y).  all: the
 * results by job.  False, with a line on stderr, when it cannot be written. */
bool database_write(const struct sweep *w, const struct results *all);

#endif
