/* SPDX-License-Identifier: MIT */
#include "share/picker.h"

#include <assert.h>
#include <stdbool.h>

#include "share/bitmap.h"

struct choice {
    int best;  /* -1: none yet */
    int ties;  /* candidates as rare as best */
    int seen;  /* candidates looked at */
    int limit; /* … at most */
};

/* The same for all members, and unlike anything else about the blocks (SplitMix64). */
static int part_of(int block, int parts)
{
    uint64_t x = (uint64_t)block * UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return (int)((x >> 33) % (uint64_t)parts);
}

static void consider(struct choice *c, const struct picker_range *r, int block,
                     struct rng *rng)
{
    if (r->parts > 1 && part_of(block, r->parts) != r->part)
        return;
    c->seen++;
    if (c->best < 0 || r->copies[block] < r->copies[c->best]) {
        c->best = block;
        c->ties = 1;
    } else if (r->copies[block] == r->copies[c->best]) {
        c->ties++;
        if (rng_below(rng, c->ties) == 0)
            c->best = block;
    }
}

/* Look at the candidates among first..end-1. */
static void scan(struct choice *c, const struct picker_range *r, int first, int end,
                 struct rng *rng)
{
    for (int block = first; block < end && c->seen < c->limit;) {
        int w = block / 64;
        uint64_t bits = r->wanted[w] & (UINT64_MAX >> block % 64);

        bits &= r->has == NULL ? UINT64_MAX : r->has[w];

        for (; bits != 0 && c->seen < c->limit; bits &= bits - 1) {
            int lowest = 63 - __builtin_ctzll(bits);

            if (w * 64 + lowest >= first && w * 64 + lowest < end)
                consider(c, r, w * 64 + lowest, rng);
        }
        block = (w + 1) * 64;
    }
}

int picker_choose(const struct picker_range *range, int sample, struct rng *rng)
{
    struct choice c = { .best = -1, .limit = sample };
    int start;

    assert(range->first >= 0 && sample > 0 && range->parts > 0);
    if (range->first >= range->end)
        return -1;
    start = range->first + (int)rng_below(rng, range->end - range->first);
    scan(&c, range, start, range->end, rng);
    scan(&c, range, range->first, start, rng);
    return c.best;
}
