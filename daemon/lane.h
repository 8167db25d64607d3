/* A lane: jobs for libuv's worker threads, one after another and in order.  Different
 * lanes run side by side.  All calls, and done(), are on the loop's thread; only run() is
 * not, and it sees nothing but its job.  SPDX-License-Identifier: MIT */
#ifndef DAEMON_LANE_H
#define DAEMON_LANE_H

#include <stdbool.h>
#include <uv.h>

/* The first member of a struct with what the job needs and finds. */
struct job {
    struct job *next;
    void (*run)(struct job *job);  /* on a worker thread */
    void (*done)(struct job *job); /* afterwards, on the loop's thread; frees the job */
};

struct lane {
    uv_loop_t *loop;
    struct job *first; /* waiting */
    struct job **last;
    struct job *running; /* a list: what the worker has in hand */
    int count;           /* of both */
    int batch_max;       /* jobs that are taken, and reported, together */
    uv_work_t work;
};

/* Keeps loop.  The lane must stay where it is.  A batch above 1 is for many small jobs.
 */
void lane_init(struct lane *l, uv_loop_t *loop, int batch_max);

/* Takes job.  What is in a lane when the loop ends is still run: uv_run waits for it. */
void lane_submit(struct lane *l, struct job *job);

/* Jobs that are not done yet. */
int lane_count(const struct lane *l);

#endif
