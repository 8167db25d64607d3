/* How far sound cards are apart, and how that goes on: for each pair the distribution of
 * the difference, its slope over time, and its changes.  SPDX-License-Identifier: MIT */
#ifndef SIM_PAIRS_H
#define SIM_PAIRS_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/histogram.h"

#define PAIRS_NODES_MAX 16

/* One pair: sums of a line through its differences, and the last of them. */
struct pair {
    int64_t count;
    double x, y, xx, xy; /* hours since the first sample, ns */
    bool has_last;
    int64_t last_ns;
    bool has_mark;
    int64_t mark_ns; /* the difference when pairs_mark was called */
};

/* Zeroed: nothing was seen. */
struct pairs {
    int64_t first_ns;
    bool has_first;
    struct histogram all; /* |difference|, ns */
    int64_t most_ns;      /* … the largest, to the nanosecond */
    int64_t step_ns;      /* the largest change from one sample to the next … */
    int64_t moved_ns;     /* … and from the mark on */
    struct pair list[PAIRS_NODES_MAX][PAIRS_NODES_MAX]; /* of i and j > i */
};

/* At an instant card i is ahead of card j > i by this. */
void pairs_add(struct pairs *p, int i, int j, int64_t at_ns, int64_t ahead_ns);

/* The two cannot be compared now: what comes next is no change of what was before. */
void pairs_break(struct pairs *p, int i, int j);

/* From now on changes are counted from where the pairs are now. */
void pairs_mark(struct pairs *p);

/* The steepest line through the differences of a pair, ns per hour; 0: too few. */
double pairs_slope(const struct pairs *p);

#endif
