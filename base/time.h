/* Time as the whole program speaks it: int64 nanoseconds, nothing else.
 *
 * Local time is the node's own raw monotonic clock (CLOCK_MONOTONIC_RAW in the daemon,
 * virtual in the simulator).  Party time is a type of its own, so that mixing the two
 * clocks does not compile.  SPDX-License-Identifier: MIT */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include <stdint.h>

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)

/* Later than every instant: "no deadline". */
#define TIME_NEVER INT64_MAX

/* An instant of the party clock: nanoseconds since 1970 without leap seconds, as the
 * party's reference node knows UTC.  Only clock/line.h converts it to local time. */
struct party_time {
    int64_t ns;
};

/* The earlier of two instants or deadlines. */
static inline int64_t time_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* a * num / den without overflow in between, rounded toward zero.  den must not be 0, and
 * the result must fit. */
static inline int64_t mul_div(int64_t a, int64_t num, int64_t den)
{
    __extension__ typedef __int128 wide;

    return (int64_t)((wide)a * num / den);
}

/* The root of a number that is not negative, rounded down. */
static inline int64_t root_floor(int64_t x)
{
    int64_t r = 0;

    for (int64_t bit = INT64_C(1) << 31; bit > 0; bit >>= 1) {
        if ((r + bit) <= INT64_C(3037000499) && (r + bit) * (r + bit) <= x)
            r += bit;
    }
    return r;
}

#endif
