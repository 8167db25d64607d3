/* The phi accrual failure detector: how unlikely is a silence of this length, given the
 * gaps between earlier signs of life?  phi is -log10 of the chance that the next sign
 * comes even later: 1 is one mistake in ten, 8 one in a hundred million.
 *
 * Pure arithmetic in integers.  Mean and variance are kept with weights that forget (the
 * last window gaps count most), not in a list: 24 bytes for a link.
 * Source: Hayashibara, Defago, Yared, Katayama 2004 (IS-RR-2004-010), section 4.
 * SPDX-License-Identifier: MIT */
#ifndef BASE_PHI_H
#define BASE_PHI_H

#include <stdint.h>

#define PHI_MILLI_MAX 32750 /* of 12 sigma; no silence is judged higher */

struct phi_params {
    int window;             /* gaps that count: 200 */
    int64_t mean_first_ns;  /* believed before there are any: 1 s … */
    int64_t sigma_first_ns; /* … and their deviation: 0.5 s */
    int64_t sigma_min_ns;   /* the deviation is never taken for less: 100 ms */
};

struct phi {
    int64_t mean_ns;
    int64_t variance_us2; /* in square microseconds */
    int64_t gaps;         /* seen so far, up to window */
};

struct phi_params phi_params_default(void);

void phi_init(struct phi *p, const struct phi_params *params);

/* A sign of life came so long after the one before; what of it was our own stall must be
 * taken off before. */
void phi_add(struct phi *p, const struct phi_params *params, int64_t gap_ns);

/* phi of a silence, in thousandths.  sigma_min_ns: of this link, when its round trip asks
 * for more than the params say; 0 otherwise. */
int64_t phi_milli(const struct phi *p, const struct phi_params *params,
                  int64_t silence_ns, int64_t sigma_min_ns);

#endif
