/* SPDX-License-Identifier: MIT */
#include "clock/line.h"

#include <assert.h>

#include "base/time.h"

/* Instants may come from a peer, so every sum is made in 128 bits and cut at the end. */
__extension__ typedef __int128 wide;

static int64_t cut(wide x)
{
    if (x > INT64_MAX) {
        return INT64_MAX;
    }
    return x < -INT64_MAX ? -INT64_MAX : (int64_t)x;
}

/* Rounded to nearest, so that there and back again stays within 1 ns. */
static wide divide(wide a, wide den)
{
    return a >= 0 ? (a + den / 2) / den : -((-a + den / 2) / den);
}

struct clock_line clock_line_identity(void)
{
    return (struct clock_line){ .is_valid = true };
}

int64_t clock_line_to_remote(const struct clock_line *l, int64_t local_ns)
{
    wide d = (wide)local_ns - l->local_ns;

    assert(l->is_valid);
    return cut(l->remote_ns + d + divide(d * l->rate_ppt, PPT_ONE));
}

int64_t clock_line_to_local(const struct clock_line *l, int64_t remote_ns)
{
    wide d = (wide)remote_ns - l->remote_ns;

    assert(l->is_valid);
    assert(l->rate_ppt > -PPT_ONE / 2);
    return cut(l->local_ns + divide(d * PPT_ONE, (wide)PPT_ONE + l->rate_ppt));
}

static int64_t grown(const struct clock_line *l, int64_t error_ns, int64_t growth_ppt,
                     int64_t local_ns)
{
    wide d = (wide)local_ns - l->local_ns;

    if (!l->is_valid) {
        return TIME_NEVER;
    }
    return cut(error_ns + divide((d < 0 ? -d : d) * growth_ppt, PPT_ONE));
}

int64_t clock_line_bound_at(const struct clock_line *l, int64_t local_ns)
{
    return grown(l, l->bound_ns, l->bound_ppt, local_ns);
}

int64_t clock_line_sigma_at(const struct clock_line *l, int64_t local_ns)
{
    return grown(l, l->sigma_ns, l->sigma_ppt, local_ns);
}

struct clock_line clock_line_widen(const struct clock_line *l, int64_t by_ns)
{
    struct clock_line wider = *l;

    wider.bound_ns = cut((wide)l->bound_ns + by_ns);
    return wider;
}

int64_t clock_line_miss_at(const struct clock_line *l, const struct clock_line *by,
                           int64_t local_ns)
{
    wide apart = (wide)clock_line_to_remote(l, local_ns) -
                 clock_line_to_remote(by, local_ns);

    return cut((apart < 0 ? -apart : apart) + clock_line_bound_at(by, local_ns));
}

struct clock_line clock_line_compose(const struct clock_line *ab,
                                     const struct clock_line *bc)
{
    wide rate;

    if (!ab->is_valid || !bc->is_valid) {
        return (struct clock_line){ .is_valid = false };
    }
    rate = (wide)ab->rate_ppt + bc->rate_ppt +
           divide((wide)ab->rate_ppt * bc->rate_ppt, PPT_ONE);
    return (struct clock_line){
        .local_ns = ab->local_ns,
        .remote_ns = clock_line_to_remote(bc, ab->remote_ns),
        .rate_ppt = cut(rate),
        .sigma_ns = cut((wide)ab->sigma_ns + clock_line_sigma_at(bc, ab->remote_ns)),
        .bound_ns = cut((wide)ab->bound_ns + clock_line_bound_at(bc, ab->remote_ns)),
        .sigma_ppt = cut((wide)ab->sigma_ppt + bc->sigma_ppt),
        .bound_ppt = cut((wide)ab->bound_ppt + bc->bound_ppt),
        .is_valid = true,
    };
}

enum clock_state clock_line_state(const struct clock_line *l,
                                  const struct clock_params *params, int64_t interval_ns,
                                  int64_t now_ns)
{
    wide silence = (wide)now_ns - l->local_ns;
    wide patience = (wide)interval_ns * params->holdover_missed;

    if (!l->is_valid) {
        return CLOCK_UNSYNCED;
    }
    if (interval_ns == TIME_NEVER) {
        return CLOCK_LOCKED;
    }
    /* What counts is how much was lost in silence: a long path has a wide bound from the
     * start, and is still as good as it ever was. */
    if (clock_line_bound_at(l, now_ns) - l->bound_ns > params->unsynced_ns) {
        return CLOCK_UNSYNCED;
    }
    if (patience < params->holdover_min_ns) {
        patience = params->holdover_min_ns;
    }
    return silence > patience ? CLOCK_HOLDOVER : CLOCK_LOCKED;
}
