/* Chance for the core: xoshiro256** (Blackman, Vigna 2018), seeded by the driver, never
 * for secrets.  The same seed gives the same draws everywhere.
 * SPDX-License-Identifier: MIT */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t s[4];
};

/* Any seed will do, 0 too: it is spread by SplitMix64. */
void rng_seed(struct rng *r, uint64_t seed);

uint64_t rng_next(struct rng *r);

/* Uniform in 0..n-1, without bias; n must be positive. */
int64_t rng_below(struct rng *r, int64_t n);

/* ns spread uniformly by +-percent, for timers that must not beat together. */
int64_t rng_jitter(struct rng *r, int64_t ns, int percent);

#endif
