/* A clock line: how one clock is read from another, as far as it is known.
 *
 *     remote = remote_ns + d + d * rate_ppt / 10^12,  d = local - local_ns
 *
 * Plain integers that can be copied, compared and published through a seqlock.  No result
 * ever overflows: what does not fit is cut to the range of int64.
 * SPDX-License-Identifier: MIT */
#ifndef CLOCK_LINE_H
#define CLOCK_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "clock/params.h"

struct clock_line {
    int64_t local_ns;  /* where the line is anchored: when the remote was last measured */
    int64_t remote_ns; /* what the remote clock showed then */
    int64_t rate_ppt;  /* the remote runs faster than the local by this */
    int64_t sigma_ns;  /* statistical error at the anchor */
    int64_t
        bound_ns; /* the error is never larger, at the anchor, unequal paths included */
    int64_t sigma_ppt; /* growth of sigma with the distance from the anchor */
    int64_t bound_ppt; /* growth of the bound */
    bool is_valid;
};

/* LOCKED: measured lately.  HOLDOVER: not heard for a while, running on the last line.
 * UNSYNCED: never measured, or held over for too long to be trusted. */
enum clock_state { CLOCK_UNSYNCED, CLOCK_HOLDOVER, CLOCK_LOCKED };

/* A clock read by itself: no error, no growth.  The host's line to its own raw clock. */
struct clock_line clock_line_identity(void);

/* Both ways.  There and back again is exact to 1 ns.  The line must be valid. */
int64_t clock_line_to_remote(const struct clock_line *l, int64_t local_ns);
int64_t clock_line_to_local(const struct clock_line *l, int64_t remote_ns);

/* The error bound, and the statistical error, at another local instant.  TIME_NEVER for a
 * line that is not valid. */
int64_t clock_line_bound_at(const struct clock_line *l, int64_t local_ns);
int64_t clock_line_sigma_at(const struct clock_line *l, int64_t local_ns);

/* The line with so much added to its bound. */
struct clock_line clock_line_widen(const struct clock_line *l, int64_t by_ns);

/* How far a line may be off at a local instant, judged by another: what they are apart,
 * and the bound of the other.  Both must be valid. */
int64_t clock_line_miss_at(const struct clock_line *l, const struct clock_line *by,
                           int64_t local_ns);

/* The line from a to c, given those from a to b and from b to c.  Errors add up; it stays
 * anchored where the first one is.  Not valid unless both are. */
struct clock_line clock_line_compose(const struct clock_line *ab,
                                     const struct clock_line *bc);

/* The state at now_ns of a line whose remote is asked every interval_ns.  TIME_NEVER as
 * the interval says that nobody needs to ask (the host itself). */
enum clock_state clock_line_state(const struct clock_line *l,
                                  const struct clock_params *params, int64_t interval_ns,
                                  int64_t now_ns);

#endif
