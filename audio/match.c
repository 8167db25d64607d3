/* See the header.  SPDX-License-Identifier: MIT */
#include "audio/match.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "audio/xalloc.h"
#include "base/bytes.h"

#define LANES      16
#define HALF       16.0
#define TAPS       32  /* of the interpolator */
#define BLOCK      128 /* window frames that share one fraction */
#define STEPS      10  /* of Gauss-Newton */
#define SHARPEN    0.9f
#define WINDOW_MAX 8192
#define PI         3.14159265358979323846

static float dot(const float *a, const float *b, int64_t n)
{
    float sum[LANES] = { 0 };
    float all = 0;
    int64_t i = 0;

    for (; i + LANES <= n; i += LANES) {
        for (int k = 0; k < LANES; k++) {
            sum[k] += a[i + k] * b[i + k];
        }
    }
    for (; i < n; i++) {
        all += a[i] * b[i];
    }
    for (int k = 0; k < LANES; k++) {
        all += sum[k];
    }
    return all;
}

/* Low-pass with a triangle of twice the step and keep every step-th frame: at index i,
 * what is around frame i * step. */
static void decimate(const float *from, int64_t frames, float *to, int64_t count)
{
    const int d = MATCH_DECIMATE;

    for (int64_t i = 0; i < count; i++) {
        float sum = 0;

        for (int k = 1 - d; k < d; k++) {
            int64_t at = i * d + k;

            if (at >= 0 && at < frames) {
                sum += from[at] * (float)(d - (k < 0 ? -k : k));
            }
        }
        to[i] = sum / (float)(d * d);
    }
}

void match_prepare(struct match_song *s)
{
    s->coarse_frames = s->frames / MATCH_DECIMATE;
    s->coarse = xcalloc((size_t)s->coarse_frames, sizeof(float));
    decimate(s->mono, s->frames, s->coarse, s->coarse_frames);
}

/* Correlation of count frames of window with those of song from first on; 0 outside. */
struct match match_near(const struct match_song *s, const float *window, int count,
                        double ref, double about, int reach)
{
    int64_t middle = (int64_t)floor(about - ref + 0.5);
    double window_energy = dot(window, window, count);
    struct match best = { -1, 0, -1 };

    for (int64_t first = middle - reach; first <= middle + reach; first++) {
        double energy;
        double value;

        if (first < 0 || first + count > s->frames) {
            continue;
        }
        energy = dot(s->mono + first, s->mono + first, count);
        if (energy <= 0 || window_energy <= 0) {
            continue;
        }
        value = dot(s->mono + first, window, count) / sqrt(energy * window_energy);
        if (value > best.value) {
            best = (struct match){ 0, (double)first + ref, value };
        }
    }
    return best;
}

/* Keep the best few, best first, but of neighbours only one. */
static void keep(struct match *list, int song, int64_t at, double value)
{
    int i = MATCH_CANDIDATES - 1;

    for (int k = 0; k < MATCH_CANDIDATES; k++) {
        if (list[k].song == song && fabs(list[k].frame - (double)at) <= 2) {
            if (value <= list[k].value) {
                return;
            }
            i = k;
            break;
        }
    }
    if (value <= list[i].value) {
        return;
    }
    for (; i > 0 && list[i - 1].value < value; i--) {
        list[i] = list[i - 1];
    }
    list[i] = (struct match){ song, (double)at, value };
}

static void search_coarse(const struct match_song *s, int song, const float *window,
                          int count, struct match *list)
{
    double energy = dot(s->coarse, s->coarse, count);
    double window_energy = dot(window, window, count);

    for (int64_t at = 0; at + count <= s->coarse_frames; at++) {
        double product = dot(s->coarse + at, window, count);

        if (energy > 1e-9 * count && product > 0) {
            keep(list, song, at, product / sqrt(energy * window_energy));
        }
        if (at + count < s->coarse_frames) {
            energy += (double)s->coarse[at + count] * (double)s->coarse[at + count] -
                      (double)s->coarse[at] * (double)s->coarse[at];
        }
    }
}

void match_anywhere(const struct match_song *songs, int song_count, const float *window,
                    int count, double ref, struct match list[static MATCH_CANDIDATES])
{
    float coarse[WINDOW_MAX / MATCH_DECIMATE];
    int coarse_count = count / MATCH_DECIMATE - 2;

    for (int i = 0; i < MATCH_CANDIDATES; i++) {
        list[i] = (struct match){ -1, 0, 0 };
    }
    /* The outermost would be made from less than a whole triangle. */
    decimate(window + MATCH_DECIMATE, count - MATCH_DECIMATE, coarse, coarse_count);
    coarse[0] = 0;
    for (int i = 0; i < song_count; i++) {
        if (songs[i].coarse_frames > coarse_count) {
            search_coarse(&songs[i], i, coarse, coarse_count, list);
        }
    }
    for (int i = 0; i < MATCH_CANDIDATES; i++) {
        list[i].frame = list[i].frame * MATCH_DECIMATE - MATCH_DECIMATE + ref;
    }
}

/* (1 + z)^4 (1 - SHARPEN z)^2, step by step. */
void match_sharpen(float *mono, int64_t frames)
{
    const float zeros[] = { 0.5f, 0.5f, 0.5f, 0.5f, -SHARPEN, -SHARPEN };

    for (int k = 0; k < COUNT(zeros); k++) {
        float keep_ratio = zeros[k] > 0 ? 0.5f : 1;

        for (int64_t i = frames - 1; i > 0; i--) {
            mono[i] = keep_ratio * mono[i] + zeros[k] * mono[i - 1];
        }
    }
}

/* Taps that give the song at a fraction behind its frame, and its slope there. */
static void make_taps(double fraction, float *value, float *slope)
{
    for (int k = 0; k < TAPS; k++) {
        double x = k + 1 - HALF - fraction; /* song frame k relative to the place */
        double a = PI * x / HALF;
        double w = fabs(x) < HALF ? 0.42 + 0.5 * cos(a) + 0.08 * cos(2 * a) : 0;
        double dw = fabs(x) < HALF ? -PI / HALF * (0.5 * sin(a) + 0.16 * sin(2 * a)) : 0;
        double s = fabs(x) < 1e-9 ? 1 : sin(PI * x) / (PI * x);
        double ds = fabs(x) < 1e-9 ? 0 : (cos(PI * x) - s) / x;

        value[k] = (float)(s * w);
        slope[k] = (float)(-(ds * w + s * dw)); /* by the place, not by the frame */
    }
}

/* Sums of the normal equations: unknown are gain (its product with the other two), place
 * and stretch. */
struct sums {
    double a[3][3];
    double b[3];
    double window_energy;
};

/* Where the window is taken to lie. */
struct guess {
    double place;   /* of its reference point, in the song */
    double ref;     /* index of that in the window */
    double stretch; /* song frames per window frame */
};

static void add_frame(struct sums *n, const double basis[3], double w)
{
    for (int r = 0; r < 3; r++) {
        for (int c = 0; c < 3; c++) {
            n->a[r][c] += basis[r] * basis[c];
        }
        n->b[r] += basis[r] * w;
    }
    n->window_energy += w * w;
}

/* The frames [from, from + BLOCK) of the window. */
static void add_block(const struct match_song *s, const float *window, int from,
                      const struct guess *g, struct sums *n)
{
    double begin = g->place + (from + BLOCK / 2.0 - g->ref) * g->stretch - BLOCK / 2.0;
    int64_t first = (int64_t)floor(begin);
    float value[TAPS];
    float slope[TAPS];

    make_taps(begin - (double)first, value, slope);
    for (int i = 0; i < BLOCK; i++) {
        const float *at = s->mono + first + i + 1 - TAPS / 2;
        double bend = (i - BLOCK / 2.0) * (g->stretch - 1); /* within the block */
        double d = dot(at, slope, TAPS);
        double v = dot(at, value, TAPS) + d * bend;
        double basis[3] = { v, d, d * (from + i - g->ref) / 1000.0 };

        add_frame(n, basis, window[from + i]);
    }
}

static double det3(double m[3][3])
{
    return m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
           m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
           m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
}

/* Cramer's rule.  False: the window does not say. */
static bool solve(const struct sums *n, double x[3])
{
    double m[3][3];
    double whole;

    memcpy(m, n->a, sizeof(m));
    whole = det3(m);
    if (!(fabs(whole) > 1e-30)) {
        return false;
    }
    for (int k = 0; k < 3; k++) {
        memcpy(m, n->a, sizeof(m));
        for (int r = 0; r < 3; r++) {
            m[r][k] = n->b[r];
        }
        x[k] = det3(m) / whole;
    }
    return true;
}

static bool is_inside(const struct match_song *s, const struct guess *g, int count)
{
    double first = g->place - g->ref * g->stretch;
    double last = g->place + (count - g->ref) * g->stretch;

    return first > TAPS + 2 && last < (double)s->frames - TAPS - 2;
}

void match_refine(const struct match_song *s, const float *window, int count, double ref,
                  double stretch, struct match *m)
{
    struct guess g = { m->frame, ref, stretch };

    for (int step = 0; step < STEPS; step++) {
        struct sums n = { .window_energy = 0 };
        double x[3];
        double explained;

        if (!is_inside(s, &g, count)) {
            return;
        }
        for (int from = 0; from + BLOCK <= count; from += BLOCK) {
            add_block(s, window, from, &g, &n);
        }
        if (!solve(&n, x) || x[0] <= 0 || fabs(x[1] / x[0]) > 2 ||
            fabs(x[2] / x[0]) > 1) {
            return;
        }
        g.place += x[1] / x[0];
        g.stretch += x[2] / x[0] / 1000.0;
        explained = x[0] * n.b[0] + x[1] * n.b[1] + x[2] * n.b[2];
        m->frame = g.place;
        m->value = sqrt(fmax(0, fmin(1, explained / n.window_energy)));
        if (fabs(x[1] / x[0]) < 1e-5) {
            return;
        }
    }
}
