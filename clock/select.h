/* Whom to believe: the intersection of intervals that most sources share.
 *
 * Marzullo's algorithm with a majority demanded, then a mean weighted by 1 / bound^2 and
 * clamped to the intersection.  Source: Marzullo 1984; RFC 5905 section 11.2.1.
 * SPDX-License-Identifier: MIT */
#ifndef CLOCK_SELECT_H
#define CLOCK_SELECT_H

#include <stdbool.h>
#include <stdint.h>

#define SELECT_MAX 16

struct select_choice {
    int agreeing;    /* how many hold the answer possible */
    uint32_t chosen; /* bit i: candidate i is one of them */
    int64_t mean_ns;
    int64_t bound_ns; /* to the farther end of the intersection */
};

/* Find the instant that most candidates agree upon: candidate i holds at_ns[i] to be true
 * within bound_ns[i] (not negative).  False, and out untouched, when no more than half of
 * the count (0..SELECT_MAX) agree. */
bool select_majority(const int64_t *at_ns, const int64_t *bound_ns, int count,
                     struct select_choice *out);

#endif
