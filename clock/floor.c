/* SPDX-License-Identifier: MIT */
#include "clock/floor.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>

/* A range of rates is halved this often: +-450 ppm to less than 10^-13. */
#define RATE_STEPS  36
#define WIDTH_STEPS 20

/* Newton's steps along a concave line of few corners: each ends on another edge. */
#define CORNERS_MAX 32

void floor_add(struct floor *f, double x, double y)
{
    assert(f->count < FLOOR_POINTS_MAX);
    f->points[f->count++] = (struct floor_point){ x, y };
}

static double height(const struct floor_point *e, double rate)
{
    return e->y - rate * e->x;
}

void floor_keep_lowest(double low[static 4], int count, double value)
{
    int k = count < 4 ? count : 3;

    if (count >= 4 && value >= low[3]) {
        return;
    }
    for (; k > 0 && low[k - 1] > value; k--) {
        low[k] = low[k - 1];
    }
    low[k] = value;
}

void floor_lowest_four(const struct floor *f, double rate, double out[static 4])
{
    assert(f->count >= 4);
    for (int i = 0; i < f->count; i++) {
        floor_keep_lowest(out, i, height(&f->points[i], rate));
    }
}

/* Is b below the straight line from a to c? */
static bool is_below(const struct floor_point *b, const struct floor_point *a,
                     const struct floor_point *c)
{
    return (b->y - a->y) * (c->x - a->x) < (c->y - a->y) * (b->x - a->x);
}

/* The lower hull, by Andrew's monotone chain. */
static void take_hull(const struct floor *all, int first, struct floor *hull)
{
    assert(first < all->count);
    hull->points[0] = all->points[first];
    hull->count = 1;
    for (int i = first + 1; i < all->count; i++) {
        const struct floor_point *e = &all->points[i];

        while (hull->count >= 2 && !is_below(&hull->points[hull->count - 1],
                                             &hull->points[hull->count - 2], e)) {
            hull->count--;
        }
        hull->points[hull->count++] = *e;
    }
}

void hulls_take(struct hulls *h, const struct floor *upper, const struct floor *lower,
                int first)
{
    take_hull(upper, first, &h->upper);
    take_hull(lower, first, &h->lower);
}

/* Which points of a hull are looked at. */
struct span {
    int first;
    int last;
};

static struct span whole(const struct floor *hull)
{
    return (struct span){ 0, hull->count - 1 };
}

static int lowest(const struct floor *hull, struct span s, double rate)
{
    int best = s.first;
    double least = height(&hull->points[best], rate);

    for (int i = s.first + 1; i <= s.last; i++) {
        double h = height(&hull->points[i], rate);

        if (h < least) {
            least = h;
            best = i;
        }
    }
    return best;
}

double hull_least(const struct floor *hull, double rate)
{
    return height(&hull->points[lowest(hull, whole(hull), rate)], rate);
}

double hulls_margin(const struct hulls *h, double rate)
{
    return (hull_least(&h->upper, rate) + hull_least(&h->lower, -rate)) / 2;
}

/* What is maximised is concave, so its slope tells on which side the best rate lies.  The
 * higher the rate, the newer is the lowest point of the uppers, and the older that of the
 * lowers: those on the other side need not be looked at again. */
double hulls_best_rate(const struct hulls *h, double limit, double centre,
                       double stiffness)
{
    struct span upper = whole(&h->upper);
    struct span lower = whole(&h->lower);
    double lo = -limit;
    double hi = limit;

    for (int i = 0; i < RATE_STEPS; i++) {
        double rate = (lo + hi) / 2;
        int u = lowest(&h->upper, upper, rate);
        int l = lowest(&h->lower, lower, -rate);
        double gap = h->lower.points[l].x - h->upper.points[u].x;

        if (gap / 2 - stiffness * (rate - centre) > 0) {
            lo = rate;
            upper.first = u;
            lower.last = l;
        } else {
            hi = rate;
            upper.last = u;
            lower.first = l;
        }
    }
    return (lo + hi) / 2;
}

double hulls_last_rate(const struct hulls *h, double rate)
{
    for (int i = 0; i < CORNERS_MAX; i++) {
        const struct floor_point *u =
            &h->upper.points[lowest(&h->upper, whole(&h->upper), rate)];
        const struct floor_point *l =
            &h->lower.points[lowest(&h->lower, whole(&h->lower), -rate)];
        double gap = height(u, rate) + height(l, -rate);

        if (gap >= 0 || l->x == u->x) {
            break;
        }
        rate -= gap / (l->x - u->x);
    }
    return rate;
}

double hulls_width(const struct hulls *h, double rate, double limit, double noise)
{
    double least = hulls_margin(h, rate) - noise;
    double lo = 0;
    double hi = fabs(limit);

    for (int i = 0; i < WIDTH_STEPS; i++) {
        double d = (lo + hi) / 2;

        if (hulls_margin(h, limit < 0 ? rate - d : rate + d) >= least) {
            lo = d;
        } else {
            hi = d;
        }
    }
    return hi;
}
