/* An experiment is a list of jobs: one for each combination of what varies, and seed.
 * Each runs in a process of its own and leaves a file, which appears only when it is
 * complete; a job whose file is there is not run again.  So a sweep that was stopped goes
 * on, and many machines can share one.  SPDX-License-Identifier: MIT */
#ifndef SIM_SWEEP_H
#define SIM_SWEEP_H

#include "sim/lab.h"
#include "sim/spec.h"

struct sweep {
    const struct spec *spec;
    const struct lab_kind *kind;
    const char *dir;     /* where the jobs' files go */
    const char *command; /* what made it, for the records */
    int jobs;            /* side by side */
    bool is_quiet;       /* no progress on stderr */
};

/* Jobs in all, and which point and seed one is. */
int64_t sweep_count(const struct sweep *w);
int64_t sweep_point(const struct sweep *w, int64_t job);
uint64_t sweep_seed(const struct sweep *w, int64_t job);

/* What a directory of results was made from is in a file of this name in it. */
#define SWEEP_SPEC_FILE "experiment.exp"

/* Make the directory this sweep's own: results of another experiment are not mixed with
 * these.  False, with a line on stderr, when it has such, or cannot be written to. */
bool sweep_take_dir(const struct sweep *w);

/* Run one job here, unless its file is there.  0, or 1 with a line on stderr. */
int sweep_run_job(const struct sweep *w, int64_t job);

/* Run all that are missing.  The number of those that failed. */
int sweep_run(const struct sweep *w);

/* Read what a job found.  False when it has no file. */
bool sweep_read(const struct sweep *w, int64_t job, struct results *r);

/* How many have a file. */
int64_t sweep_done(const struct sweep *w);

#endif
