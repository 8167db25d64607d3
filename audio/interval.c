/* See the header.  SPDX-License-Identifier: MIT */
#include "audio/interval.h"

#include <assert.h>
#include <math.h>

#define FAR 8.0 /* sigmas: nothing of a normal curve is left there */

/* e^-x for 0 <= x: halved until a short series does, and squared as often. */
static double decay(double x)
{
    double y = x / 64;
    double e = 1 - y * (1 - y / 2 * (1 - y / 3 * (1 - y / 4 * (1 - y / 5))));

    for (int i = 0; i < 6; i++) {
        e *= e;
    }
    return e;
}

static double density(double x)
{
    return fabs(x) > FAR ? 0 : 0.39894228040143268 * decay(x * x / 2);
}

/* The share of a normal curve below x: Abramowitz and Stegun 26.2.17, good to 7.5e-8. */
static double below(double x)
{
    double t = 1 / (1 + 0.2316419 * fabs(x));
    double tail = density(x) * t *
                  (0.319381530 +
                   t * (-0.356563782 +
                        t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));

    return x < 0 ? tail : 1 - tail;
}

struct interval_news interval_learn(double low, double high, double late_share)
{
    double on_time = 1 - late_share;
    double at_low = on_time * density(low);
    double at_high = density(high);
    double mass = below(high) - on_time * below(low);
    double shift;
    double shrink;

    assert(low < high);
    if (mass < 1e-12) { /* beyond all belief: to the nearer end, and no surer */
        return (struct interval_news){ high < 0 ? high : low, 1 };
    }
    shift = (at_low - at_high) / mass;
    shrink = 1 - shift * shift +
             ((fabs(low) > FAR ? 0 : low * at_low) -
              (fabs(high) > FAR ? 0 : high * at_high)) /
                 mass;
    return (struct interval_news){ shift, shrink < 1e-3 ? 1e-3 : shrink };
}
