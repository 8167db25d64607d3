/* SPDX-License-Identifier: MIT */
#include "base/phi.h"

#include <assert.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/time.h"

#define STEPS 4 /* of the table, for each sigma */

/* One long silence must not make the detector blind for the next: it counts as one of so
 * many sigmas.  (A gap of 109 s in beats of 1 s had put phi 8 at 44 s.) */
#define OUTLIER_SIGMAS 6

#define ROOT_MAX INT64_C(3037000499) /* of what fits 63 bits; in microseconds 50 min */

/* -1000 log10(1 - Phi(z)) for z = 0, 1/4 .. 12.  Between them a line is right within 3.4.
 */
static const int32_t tail_milli[12 * STEPS + 1] = {
    301,   397,   511,   645,   800,   976,   1175,  1397,  1643,         1913,
    2207,  2526,  2870,  3239,  3633,  4053,  4499,  4971,  5469,         5993,
    6543,  7119,  7721,  8350,  9006,  9688,  10396, 11131, 11893,        12681,
    13496, 14338, 15206, 16101, 17023, 17972, 18947, 19950, 20979,        22035,
    23118, 24228, 25365, 26528, 27719, 28936, 30181, 31452, PHI_MILLI_MAX
};

struct phi_params phi_params_default(void)
{
    return (struct phi_params){
        .window = 200,
        .mean_first_ns = NS_PER_S,
        .sigma_first_ns = NS_PER_S / 2,
        .sigma_min_ns = 100 * NS_PER_MS,
    };
}

void phi_init(struct phi *p, const struct phi_params *params)
{
    int64_t sigma_us = params->sigma_first_ns / NS_PER_US;

    assert(params->window > 0 && params->sigma_min_ns > 0);
    *p = (struct phi){ .mean_ns = params->mean_first_ns,
                       .variance_us2 = sigma_us * sigma_us };
}

static int64_t sigma_of(const struct phi *p, const struct phi_params *params,
                        int64_t sigma_min_ns)
{
    int64_t sigma = root_floor(p->variance_us2) * NS_PER_US;

    sigma = sigma > params->sigma_min_ns ? sigma : params->sigma_min_ns;
    return sigma > sigma_min_ns ? sigma : sigma_min_ns;
}

/* At most so far from the mean.  This is asked with nearly every message, so the root is
 * drawn only for an outlier. */
static int64_t bounded(const struct phi *p, const struct phi_params *params,
                       int64_t gap_ns)
{
    int64_t gap = gap_ns < 0 ? 0 : gap_ns;
    int64_t far_us = (gap - p->mean_ns) / NS_PER_US / OUTLIER_SIGMAS;

    if (gap - p->mean_ns <= OUTLIER_SIGMAS * params->sigma_min_ns ||
        (far_us < ROOT_MAX && far_us * far_us < p->variance_us2))
        return gap;
    return time_min(gap, p->mean_ns + OUTLIER_SIGMAS * sigma_of(p, params, 0));
}

void phi_add(struct phi *p, const struct phi_params *params, int64_t gap_ns)
{
    int64_t gap = bounded(p, params, gap_ns);
    int64_t distance_us = time_min(llabs(gap - p->mean_ns) / NS_PER_US, ROOT_MAX);
    int64_t square = distance_us * distance_us;
    int64_t weight;

    if (p->gaps < params->window)
        p->gaps++;
    /* What was believed at first counts as one gap. */
    weight = p->gaps + 1;
    p->mean_ns += (gap - p->mean_ns) / weight;
    /* West 1979: exact for equal weights, and the usual decay behind the window. */
    p->variance_us2 += (square - square / weight - p->variance_us2) / weight;
}

int64_t phi_milli(const struct phi *p, const struct phi_params *params,
                  int64_t silence_ns, int64_t sigma_min_ns)
{
    int64_t sigma = sigma_of(p, params, sigma_min_ns);
    int64_t steps; /* of the table, in 65,536ths */
    int64_t i;

    if (silence_ns <= p->mean_ns)
        return 0;
    if (silence_ns - p->mean_ns >= 12 * sigma)
        return PHI_MILLI_MAX;
    steps = mul_div(silence_ns - p->mean_ns, STEPS * 65536, sigma);
    i = steps >> 16;
    assert(i >= 0 && i + 1 < COUNT(tail_milli));
    return tail_milli[i] + ((tail_milli[i + 1] - tail_milli[i]) * (steps & 0xffff) >> 16);
}
