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

/* The same in half the room, to the millisecond.  The instant is kept modulo 2^32, which
 * is no loss: a bucket is never further from full than its burst. */
struct bucket_small {
    uint32_t full;
};

#define BUCKET_UNIT_BITS 20 /* 2^20 ns: about a millisecond */

/* How far the bucket is from full; 0: it is full, or was so long ago that the instant
 * has wrapped. */
static inline uint32_t bucket_small_debt(const struct bucket_small *b,
                                         struct bucket_rate r, int64_t now_ns)
{
    uint32_t debt = b->full - (uint32_t)(now_ns >> BUCKET_UNIT_BITS);

    return (int64_t)debt > (r.burst * r.period_ns >> BUCKET_UNIT_BITS) ? 0 : debt;
}

static inline bool bucket_small_take(struct bucket_small *b, struct bucket_rate r,
                                     int64_t now_ns)
{
    uint32_t debt = bucket_small_debt(b, r, now_ns);

    if ((int64_t)debt > ((r.burst - 1) * r.period_ns >> BUCKET_UNIT_BITS))
        return false;
    b->full = (uint32_t)(now_ns >> BUCKET_UNIT_BITS) + debt +
              (uint32_t)(r.period_ns >> BUCKET_UNIT_BITS);
    return true;
}

#endif
