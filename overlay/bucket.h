/* Token buckets, as the one number of the generic cell rate algorithm (ITU-T I.371): the
 * instant at which the bucket would be full again.  All zero is a full bucket.
 * SPDX-License-Identifier: MIT */
#ifndef OVERLAY_BUCKET_H
#define OVERLAY_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct bucket_rate {
    int64_t period_ns; /* one token comes back in this time */
    int burst;         /* tokens of a full bucket, at least 1 */
};

struct bucket {
    int64_t full_ns;
};

static inline bool bucket_has(const struct bucket *b, struct bucket_rate r,
                              int64_t now_ns)
{
    return b->full_ns - now_ns <= (r.burst - 1) * r.period_ns;
}

/* Take one token; false, and nothing changed, when there is none. */
static inline bool bucket_take(struct bucket *b, struct bucket_rate r, int64_t now_ns)
{
    if (!bucket_has(b, r, now_ns))
        return false;
    b->full_ns = (b->full_ns > now_ns ? b->full_ns : now_ns) + r.period_ns;
    return true;
}

#endif
