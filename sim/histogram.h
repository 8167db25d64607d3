/* A histogram of nonnegative values with 16 steps for each power of two: quantiles to
 * about 6 %, whatever the range.  SPDX-License-Identifier: MIT */
#ifndef SIM_HISTOGRAM_H
#define SIM_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BUCKETS 976

/* Zeroed: empty. */
struct histogram {
    int64_t count;
    int64_t max;
    int64_t buckets[HISTOGRAM_BUCKETS];
};

/* A negative value counts as its absolute value. */
void histogram_add(struct histogram *h, int64_t value);

/* The value that so many of a thousand do not exceed, rounded up to its step; 0 when
 * empty. */
int64_t histogram_quantile(const struct histogram *h, int permille);

#endif
