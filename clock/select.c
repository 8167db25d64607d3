/* SPDX-License-Identifier: MIT */
#include "clock/select.h"

#include <assert.h>

#include "base/time.h"

/* 18 years: wider is no opinion, and sums of two cannot overflow. */
#define BOUND_NS_MAX (INT64_C(1) << 59)

/* Weights are (WEIGHT_ONE * least bound / bound)^2. */
#define WEIGHT_ONE 1024

__extension__ typedef __int128 wide;

struct interval {
    int64_t lo;
    int64_t hi;
};

static struct interval interval_of(int64_t at_ns, int64_t bound_ns)
{
    int64_t b = time_min(bound_ns, BOUND_NS_MAX);

    assert(bound_ns >= 0);
    return (struct interval){ at_ns - b, at_ns + b };
}

/* How many contain x; the least of their ends goes to hi. */
static int depth(const struct interval *in, int count, int64_t x, int64_t *hi)
{
    int n = 0;

    *hi = INT64_MAX;
    for (int i = 0; i < count; i++) {
        if (in[i].lo <= x && x <= in[i].hi) {
            n++;
            *hi = time_min(*hi, in[i].hi);
        }
    }
    return n;
}

/* The deepest overlap starts where some interval starts.  When several are equally deep,
 * the truth may be in any, so all that lies between them is kept. */
static int deepest(const struct interval *in, int count, struct interval *out)
{
    int best = 0;

    for (int i = 0; i < count; i++) {
        int64_t hi;
        int n = depth(in, count, in[i].lo, &hi);

        if (n > best) {
            best = n;
            *out = (struct interval){ in[i].lo, hi };
        } else if (n == best) {
            out->lo = time_min(out->lo, in[i].lo);
            out->hi = out->hi > hi ? out->hi : hi;
        }
    }
    return best;
}

static int64_t clamp(int64_t x, struct interval in)
{
    if (x < in.lo) {
        return in.lo;
    }
    return x > in.hi ? in.hi : x;
}

/* Mean of the chosen, weighted 1 / bound^2, as an offset from the middle of core. */
static int64_t weighted_mean(const int64_t *at_ns, const int64_t *bound_ns, int count,
                             uint32_t chosen, struct interval core)
{
    int64_t middle = core.lo + (core.hi - core.lo) / 2;
    int64_t least = BOUND_NS_MAX;
    int64_t weights = 0;
    wide sum = 0;

    for (int i = 0; i < count; i++) {
        if ((chosen >> i & 1) != 0) {
            least = time_min(least, bound_ns[i]);
        }
    }
    for (int i = 0; i < count; i++) {
        int64_t w;

        if ((chosen >> i & 1) != 0) {
            w = mul_div(least + 1, WEIGHT_ONE, time_min(bound_ns[i], BOUND_NS_MAX) + 1);
            weights += w * w;
            sum += (wide)(at_ns[i] - middle) * w * w;
        }
    }
    assert(weights > 0);
    return middle + (int64_t)(sum / weights);
}

bool select_majority(const int64_t *at_ns, const int64_t *bound_ns, int count,
                     struct select_choice *out)
{
    struct interval in[SELECT_MAX];
    struct interval core = { 0, 0 };
    uint32_t chosen = 0;
    int agreeing;

    assert(count >= 0 && count <= SELECT_MAX);
    for (int i = 0; i < count; i++) {
        in[i] = interval_of(at_ns[i], bound_ns[i]);
    }
    agreeing = deepest(in, count, &core);
    if (2 * agreeing <= count) {
        return false;
    }
    for (int i = 0; i < count; i++) {
        if (in[i].lo <= core.hi && in[i].hi >= core.lo) {
            chosen |= UINT32_C(1) << i;
        }
    }
    out->agreeing = agreeing;
    out->chosen = chosen;
    out->mean_ns = clamp(weighted_mean(at_ns, bound_ns, count, chosen, core), core);
    out->bound_ns = core.hi - out->mean_ns > out->mean_ns - core.lo
                        ? core.hi - out->mean_ns
                        : out->mean_ns - core.lo;
    return true;
}
