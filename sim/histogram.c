/* SPDX-License-Identifier: MIT */
#include "sim/histogram.h"

#define SUB_BITS 4
#define SUBS     (1 << SUB_BITS)

static int bucket_of(uint64_t v)
{
    int shift;

    if (v < SUBS)
        return (int)v;
    shift = 63 - __builtin_clzll(v) - SUB_BITS;
    return (shift + 1) * SUBS + (int)(v >> shift) - SUBS;
}

static int64_t top_of(int bucket)
{
    int shift = bucket / SUBS - 1;

    if (bucket < SUBS)
        return bucket;
    return (((int64_t)(bucket % SUBS) + SUBS + 1) << shift) - 1;
}

void histogram_add(struct histogram *h, int64_t value)
{
    if (value < 0)
        value = value == INT64_MIN ? INT64_MAX : -value;
    h->count++;
    h->max = value > h->max ? value : h->max;
    h->buckets[bucket_of((uint64_t)value)]++;
}

int64_t histogram_quantile(const struct histogram *h, int permille)
{
    int64_t wanted = (h->count * permille + 999) / 1000;
    int64_t seen = 0;

    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen >= wanted && seen > 0)
            return top_of(i) < h->max ? top_of(i) : h->max;
    }
    return 0;
}
