/* Two floors: the points of many samples, that bound an offset from above and from below,
 * and the straight lines that fit between them.
 *
 * The points of one direction are turned so that the floor is the lowest of y - rate * x:
 * those from above as they are, those from below with their sign (and that of the rate)
 * changed.  Pure geometry; times in seconds.  SPDX-License-Identifier: MIT */
#ifndef CLOCK_FLOOR_H
#define CLOCK_FLOOR_H

#define FLOOR_POINTS_MAX 188

struct floor_point {
    double x; /* s, relative to the newest sample: never positive */
    double y; /* s, loosened for its age */
};

struct floor {
    int count;
    struct floor_point points[FLOOR_POINTS_MAX]; /* x rising */
};

/* Of each floor only the points that can be the lowest at some rate. */
struct hulls {
    struct floor upper;
    struct floor lower;
};

/* Behind all others; fewer than FLOOR_POINTS_MAX are there. */
void floor_add(struct floor *f, double x, double y);

/* The four lowest y - rate * x, lowest first, of at least as many. */
void floor_lowest_four(const struct floor *f, double rate, double out[static 4]);

/* Sort a value into the lowest four so far, of count values before it. */
void floor_keep_lowest(double low[static 4], int count, double value);

/* The hulls of the points from first on, of which there are as many in both. */
void hulls_take(struct hulls *h, const struct floor *upper, const struct floor *lower,
                int first);

/* The lowest y - rate * x of a hull. */
double hull_least(const struct floor *hull, double rate);

/* Half the gap between the two floors at this rate. */
double hulls_margin(const struct hulls *h, double rate);

/* The rate, of -limit to limit, that maximises margin - stiffness * (rate - centre)^2
 * / 2.
 */
double hulls_best_rate(const struct hulls *h, double limit, double centre,
                       double stiffness);

/* The first rate from here inwards at which the floors do not cross; some rate between
 * here and the other end must be such a one. */
double hulls_last_rate(const struct hulls *h, double rate);

/* How far the rate can be turned towards limit, a signed distance, before the margin is
 * smaller by noise. */
double hulls_width(const struct hulls *h, double rate, double limit, double noise);

#endif
