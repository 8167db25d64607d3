/* SPDX-License-Identifier: MIT */
#include "base/rng.h"

#include <assert.h>

static uint64_t rotate(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

void rng_seed(struct rng *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        uint64_t z;

        seed += UINT64_C(0x9e3779b97f4a7c15);
        z = seed;
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        r->s[i] = z ^ z >> 31;
    }
}

uint64_t rng_next(struct rng *r)
{
    uint64_t *s = r->s;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

int64_t rng_below(struct rng *r, int64_t n)
{
    uint64_t range = (uint64_t)n;
    uint64_t limit = UINT64_MAX - UINT64_MAX % range;
    uint64_t x;

    assert(n > 0);
    do {
        x = rng_next(r);
    } while (x >= limit);
    return (int64_t)(x % range);
}

int64_t rng_jitter(struct rng *r, int64_t ns, int percent)
{
    int64_t spread = ns / 100 * percent;

    assert(percent >= 0 && percent <= 100);
    return spread <= 0 ? ns : ns - spread + rng_below(r, 2 * spread + 1);
}
