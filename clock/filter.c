/* SPDX-License-Identifier: MIT */
#include "clock/filter.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "base/kth.h"
#include "base/time.h"
#include "clock/floor.h"

/* 127 years, so UTC until 2096: farther offsets are refused, so that the difference of
 * two cannot overflow. */
#define OFFSET_MAX_NS (4000000000 * NS_PER_S)

/* At most so often are the floors loosened for one sample. */
#define LOOSEN_STEPS 4

/* The rate is taken to lie within so many deviations of what is known of it. */
#define RATE_SDS 3

static_assert(CLOCK_WINDOW_MAX + CLOCK_BUCKETS_MAX <= FLOOR_POINTS_MAX, "all have room");

/* All that is kept, as two floors. */
struct floors {
    struct floor upper;
    struct floor lower;
    double trips[4];    /* s: the shortest round trips, rising; 0 behind the last */
    int64_t trip_least; /* ns */
    int64_t window_trips[CLOCK_WINDOW_MAX]; /* ns: those of the window, in any order */
};

/* One sample, as it is read from the window. */
struct clock_entry {
    int64_t at_ns;
    int64_t upper_ns; /* T2 - T1 */
    int64_t lower_ns; /* T3 - T4 */
};

/* Told by these, rows differ least from one to the next: time, offset and round trip; of
 * a bucket the upper point, how far the lower one is from it, and the round trip. */
#define WINDOW_SPARE 8 /* samples, for jitter of the interval */
#define ENTRY_WIDTH  3
#define BUCKET_WIDTH 5

void clock_filter_init(struct clock_filter *f, const struct clock_params *params,
                       struct heap *heap, const struct clock_prior *prior)
{
    assert(params->window_min >= 4);
    assert(params->window_max <= CLOCK_WINDOW_MAX);
    assert(params->window_min < params->window_max);
    memset(f, 0, sizeof(*f));
    f->params = params;
    f->heap = heap;
    f->window_max = params->window_max;
    f->window.width = ENTRY_WIDTH;
    f->buckets.width = BUCKET_WIDTH;
    f->wander = params->wander;
    f->noise = params->noise_first;
    f->rate_prior_sd = params->prior_sd;
    clock_filter_set_prior(f, prior);
}

void clock_filter_set_prior(struct clock_filter *f, const struct clock_prior *prior)
{
    if (prior != NULL && f->accepted == 0) {
        f->rate_prior = (double)prior->rate_ppt / 1e12;
        f->rate_prior_sd = (double)prior->sd_ppt / 1e12;
        f->rate = f->rate_prior;
    }
}

void clock_filter_set_interval(struct clock_filter *f, int64_t interval_ns)
{
    const struct clock_params *p = f->params;
    int64_t steady = p->window_ns / interval_ns + WINDOW_SPARE;

    f->window_max = (int)time_min(p->window_max, steady);
    if (f->window_max <= p->window_min) {
        f->window_max = p->window_min + 1;
    }
}

void clock_filter_finish(struct clock_filter *f)
{
    deltas_clear(&f->window, f->heap);
    deltas_clear(&f->buckets, f->heap);
}

/* ---- what is kept of the samples ---- */

static bool next_entry(struct deltas_reader *r, struct clock_entry *e)
{
    if (!deltas_next(r)) {
        return false;
    }
    *e = (struct clock_entry){ r->row[0], r->row[1], r->row[1] - r->row[2] };
    return true;
}

static void push_entry(struct clock_filter *f, const struct clock_entry *e)
{
    int64_t row[ENTRY_WIDTH] = { e->at_ns, e->upper_ns, e->upper_ns - e->lower_ns };

    deltas_push(&f->window, f->heap, row);
}

static struct clock_entry oldest_entry(const struct clock_filter *f)
{
    struct deltas_reader r = deltas_read(&f->window);
    struct clock_entry e = { 0 };

    (void)next_entry(&r, &e);
    return e;
}

static int bucket_count(const struct clock_filter *f)
{
    return f->buckets.count + (f->has_open ? 1 : 0);
}

/* The buckets from the oldest on, the open one last: r begins with deltas_read, is_open
 * with f->has_open. */
static bool next_bucket(const struct clock_filter *f, struct deltas_reader *r,
                        bool *is_open, struct clock_bucket *b)
{
    const int64_t *row = r->row;

    if (deltas_next(r)) {
        b->upper = (struct clock_point){ row[0], row[1] };
        b->lower = (struct clock_point){ row[0] + row[2], row[1] - row[3] };
        b->trip_ns = row[4];
        return true;
    }
    if (!*is_open) {
        return false;
    }
    *b = f->open;
    *is_open = false;
    return true;
}

static void push_bucket(struct clock_filter *f, const struct clock_bucket *b)
{
    int64_t row[BUCKET_WIDTH] = { b->upper.at_ns, b->upper.offset_ns,
                                  b->lower.at_ns - b->upper.at_ns,
                                  b->upper.offset_ns - b->lower.offset_ns, b->trip_ns };

    if (f->buckets.count == CLOCK_BUCKETS_MAX - 1) {
        deltas_pop(&f->buckets, f->heap);
    }
    deltas_push(&f->buckets, f->heap, row);
}

/* ---- the line ---- */

static double seconds(int64_t ns)
{
    return (double)ns / 1e9;
}

static int64_t rounded(double x)
{
    if (fabs(x) > 9e18) {
        return x < 0 ? -INT64_MAX : INT64_MAX;
    }
    return (int64_t)(x < 0 ? x - 0.5 : x + 0.5);
}

/* How far two oscillators may have drifted apart from a straight line in age seconds. */
static double wandered(const struct clock_filter *f, double age)
{
    return f->wander * age * sqrt(age);
}

/* Standard deviation of the rate, never taken as better than rate_floor. */
static double rate_sd(const struct clock_filter *f)
{
    double least = f->params->rate_floor;

    return sqrt(f->rate_prior_sd * f->rate_prior_sd + least * least);
}

static bool is_settled(const struct clock_filter *f)
{
    return f->at_ns - f->start_ns >= f->params->settle_ns;
}

static double growth(const struct clock_filter *f)
{
    const struct clock_params *p = f->params;

    return (is_settled(f) ? p->growth : p->growth_first) + 3 * f->rate_prior_sd;
}

static void add_trip(struct floors *all, int64_t trip_ns)
{
    floor_keep_lowest(all->trips, all->upper.count, seconds(trip_ns));
    all->trip_least = time_min(all->trip_least, trip_ns);
}

/* All that is kept, oldest first; read here once for a sample. */
static void gather(const struct clock_filter *f, struct floors *all)
{
    struct deltas_reader window = deltas_read(&f->window);
    struct deltas_reader buckets = deltas_read(&f->buckets);
    bool is_open = f->has_open;
    struct clock_entry e;
    struct clock_bucket b;
    int i = 0;

    all->upper.count = 0;
    all->lower.count = 0;
    all->trip_least = INT64_MAX;
    memset(all->trips, 0, sizeof(all->trips));
    while (next_bucket(f, &buckets, &is_open, &b)) {
        double upper = seconds(f->at_ns - b.upper.at_ns);
        double lower = seconds(f->at_ns - b.lower.at_ns);

        add_trip(all, b.trip_ns);
        floor_add(&all->upper, -upper,
                  seconds(b.upper.offset_ns - f->origin_ns) + wandered(f, upper));
        floor_add(&all->lower, -lower,
                  -seconds(b.lower.offset_ns - f->origin_ns) + wandered(f, lower));
    }
    while (next_entry(&window, &e)) {
        double age = seconds(f->at_ns - e.at_ns);
        double loose = wandered(f, age);

        all->window_trips[i++] = e.upper_ns - e.lower_ns;
        add_trip(all, e.upper_ns - e.lower_ns);
        floor_add(&all->upper, -age, seconds(e.upper_ns - f->origin_ns) + loose);
        floor_add(&all->lower, -age, -seconds(e.lower_ns - f->origin_ns) + loose);
    }
}

/* Scatter of the floors: how far the fourth lowest point lies above the lowest. */
static void update_noise(struct clock_filter *f, const struct floors *all)
{
    double u[4];
    double l[4];
    double noise;

    if (all->upper.count < 4) {
        f->noise = fabs(f->margin);
        return;
    }
    floor_lowest_four(&all->upper, f->rate, u);
    floor_lowest_four(&all->lower, -f->rate, l);
    noise = ((u[3] - u[0]) / 3 + (l[3] - l[0]) / 3) / 2 + f->params->noise_floor;
    f->noise += (all->upper.count < 16 ? 0.5 : 0.1) * (noise - f->noise);
}

/* One Kalman step: the rate of a block of samples, with its deviation, into the prior.
 * Two blocks in a row that contradict it replace it: the oscillator has changed. */
static void fuse_block(struct clock_filter *f, double rate, double sd)
{
    const struct clock_params *p = f->params;
    double dt = seconds(f->at_ns - f->block_ns);
    double var = f->rate_prior_sd * f->rate_prior_sd;
    double miss = rate - f->rate_prior;
    double gain;

    if (f->blocks > 0) {
        var += f->wander * f->wander * dt + p->rate_step * p->rate_step;
    }
    if (f->blocks > 0 && miss * miss > 16 * (var + sd * sd)) {
        f->misfits++;
        if (f->misfits >= 2) {
            f->rate_prior = rate;
            f->rate_prior_sd = sd;
            f->misfits = 0;
        }
    } else {
        gain = var / (var + sd * sd);
        f->rate_prior += gain * miss;
        f->rate_prior_sd = sqrt(var * (1 - gain));
        f->misfits = 0;
    }
    f->blocks++;
    f->block_ns = f->at_ns;
}

/* A fit of the recent samples alone and without the prior, so that what is fused is new.
 * The deviation is three times the half-width: taking the narrowest fit ever seen at its
 * word made one run in 150 go wrong by 19 ms. */
static void learn_rate(struct clock_filter *f, const struct floors *all)
{
    const struct clock_params *p = f->params;
    double needed = f->blocks == 0 ? p->block_first : p->block;
    struct hulls recent;
    double span = seconds(f->at_ns - oldest_entry(f).at_ns);
    double rate;
    double up;
    double down;

    if (f->window.count < p->block_min || span < 0.9 * needed ||
        seconds(f->at_ns - f->block_ns) < needed) {
        return;
    }
    hulls_take(&recent, &all->upper, &all->lower, all->upper.count - f->window.count);
    rate = hulls_best_rate(&recent, p->rate_max, 0, 0);
    up = hulls_width(&recent, rate, p->rate_max, f->noise);
    down = hulls_width(&recent, rate, -p->rate_max, f->noise);
    fuse_block(f, rate, 3 * (up > down ? up : down) + 2e-8);
}

/* Lay the line with the greatest margin. */
static void fit(struct clock_filter *f, struct floors *all, struct hulls *h)
{
    double sd = rate_sd(f);
    double upper;
    double lower;

    gather(f, all);
    hulls_take(h, &all->upper, &all->lower, 0);
    f->rate = hulls_best_rate(h, f->params->rate_max, f->rate_prior,
                              f->noise / (sd * sd));
    upper = hull_least(&h->upper, f->rate);
    lower = hull_least(&h->lower, -f->rate);
    f->offset = (upper - lower) / 2;
    f->margin = (upper + lower) / 2;
}

/* How far the offset may be off at the newest sample: of all lines between the floors the
 * steepest one is highest there, and the flattest one lowest. */
static double reach(const struct clock_filter *f, const struct hulls *h)
{
    double most = RATE_SDS * rate_sd(f);
    double lo = fmax(fmin(f->rate_prior - most, f->rate), -f->params->rate_max);
    double hi = fmin(fmax(f->rate_prior + most, f->rate), f->params->rate_max);
    double above;
    double below;

    if (f->margin <= 0) {
        return -f->margin;
    }
    above = hull_least(&h->upper, hulls_last_rate(h, hi)) - f->offset;
    below = hull_least(&h->lower, -hulls_last_rate(h, lo)) + f->offset;
    return fmax(above, below);
}

/* The margin that the round trips promise, which no wander of the clocks can change: half
 * of the shortest, less what the few shortest ones differ by, since no single packet need
 * have been lucky both ways. */
static double promised_margin(const struct clock_params *p, const struct floors *all)
{
    const double *trips = all->trips;

    return trips[0] / 2 - p->wander_spread * (trips[3] - trips[0]) - p->wander_slack;
}

/* True when no line, whatever its rate, leaves the margin that the round trips promise.
 */
static bool is_torn(const struct clock_filter *f, const struct hulls *h, double least)
{
    const struct clock_params *p = f->params;

    return f->margin < least && f->wander < p->wander_max &&
           f->at_ns - f->start_ns >= p->wander_after_ns &&
           hulls_margin(h, hulls_best_rate(h, p->rate_max, 0, 0)) < least;
}

/* Were the clocks as calm as we take them to be, the gap between the floors could not be
 * much less than the shortest round trip.  If it is, old floors pull the line off: loosen
 * them until it is not.  A laptop that warms up is found out so, and the bound stays
 * true; calm is taken for granted again in the course of wander_decay. */
static void solve(struct clock_filter *f, double dt)
{
    const struct clock_params *p = f->params;
    struct floors all;
    struct hulls hulls;
    double least;

    f->origin_ns = f->window.last[1]; /* the offset of the newest entry */
    f->wander -= (f->wander - p->wander) *
                 (dt < p->wander_decay ? dt / p->wander_decay : 1);
    fit(f, &all, &hulls);
    f->trip_least_ns = all.trip_least;
    f->trip_median_ns = kth_least(all.window_trips, f->window.count, f->window.count / 2);
    least = promised_margin(p, &all);
    for (int i = 0; i < LOOSEN_STEPS && is_torn(f, &hulls, least); i++) {
        f->wander *= 1.25;
        fit(f, &all, &hulls);
    }
    f->reach = reach(f, &hulls);
    update_noise(f, &all);
    learn_rate(f, &all);
}

/* How far the offset may be above the line, and below, by one sample, and by how much the
 * line may be wrong there for noise and wander. */
struct miss {
    double upper;
    double lower;
    double slack;
};

static struct miss miss_of(const struct clock_filter *f, const struct clock_entry *e)
{
    double dt = seconds(e->at_ns - f->at_ns);
    double guess = f->offset + f->rate * dt;

    return (struct miss){
        .upper = seconds(e->upper_ns - f->origin_ns) - guess,
        .lower = seconds(e->lower_ns - f->origin_ns) - guess,
        .slack = f->params->gate + 3 * f->noise + 3 * rate_sd(f) * dt +
                 3 * wandered(f, dt),
    };
}

/* A slow sample after a small step fits the line still, and what came since as well: it
 * must not speak for the line.  A while later the gated ones are forgotten all the same.
 */
static bool leaves_doubt(struct clock_filter *f, const struct miss *m)
{
    return f->streak > 0 && f->unsure++ < f->params->gate_unsure &&
           m->lower <= f->doubt_upper + m->slack && m->upper >= f->doubt_lower - m->slack;
}

/* Much shorter a round trip than any before is a broken stamp, unless more such follow:
 * then the way has become shorter. */
static bool is_short(struct clock_filter *f, const struct clock_entry *e)
{
    const struct clock_params *p = f->params;
    double shorter = seconds(f->trip_least_ns - (e->upper_ns - e->lower_ns));

    if (shorter <= p->gate + p->gate_short * f->noise) {
        f->since_short++;
        return false;
    }
    f->shorts = f->since_short < p->gate_unsure ? f->shorts + 1 : 1;
    f->since_short = 0;
    return f->shorts < p->gate_streak;
}

/* Too many that do not fit, and the remote clock has stepped. */
static bool has_stepped(struct clock_filter *f, const struct miss *m)
{
    f->streak++;
    f->unsure = 0;
    f->doubt_upper = m->upper;
    f->doubt_lower = m->lower;
    return f->streak >= f->params->gate_streak;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

static void start_bucket(struct clock_filter *f, const struct clock_bucket *b)
{
    if (f->has_open) {
        push_bucket(f, &f->open);
    }
    f->open = *b;
    f->has_open = true;
}

/* Keep of an old sample only what is lower, or higher, than the rest of its bucket. */
static void fold(struct clock_filter *f, const struct clock_entry *e)
{
    struct clock_bucket one = {
        .upper = { e->at_ns, e->upper_ns },
        .lower = { e->at_ns, e->lower_ns },
        .trip_ns = e->upper_ns - e->lower_ns,
    };
    struct clock_bucket *b = &f->open;
    int64_t bucket_ns = f->params->bucket_ns;

    if (!f->has_open ||
        floor_div(b->upper.at_ns, bucket_ns) != floor_div(e->at_ns, bucket_ns)) {
        start_bucket(f, &one);
        return;
    }
    b->trip_ns = time_min(b->trip_ns, one.trip_ns);
    if ((double)(one.upper.offset_ns - b->upper.offset_ns) <
        f->rate * (double)(one.upper.at_ns - b->upper.at_ns)) {
        b->upper = one.upper;
    }
    if ((double)(one.lower.offset_ns - b->lower.offset_ns) >
        f->rate * (double)(one.lower.at_ns - b->lower.at_ns)) {
        b->lower = one.lower;
    }
}

static void age_window(struct clock_filter *f, int64_t now_ns)
{
    const struct clock_params *p = f->params;

    while (f->window.count >= p->window_min) {
        struct clock_entry oldest = oldest_entry(f);

        if (now_ns - oldest.at_ns <= p->window_ns && f->window.count < f->window_max) {
            return;
        }
        fold(f, &oldest);
        deltas_pop(&f->window, f->heap);
    }
}

/* Check the stamps, which may be a liar's, and turn them into the two offsets. */
static bool read_sample(const struct clock_filter *f, const struct clock_sample *s,
                        struct clock_entry *out)
{
    struct clock_entry e;
    int64_t held_ns;
    int64_t trip_ns;

    if (__builtin_sub_overflow(s->t2_ns, s->t1_ns, &e.upper_ns) ||
        __builtin_sub_overflow(s->t3_ns, s->t4_ns, &e.lower_ns) ||
        __builtin_sub_overflow(s->t3_ns, s->t2_ns, &held_ns) ||
        __builtin_sub_overflow(s->t4_ns, s->t1_ns, &trip_ns)) {
        return false;
    }
    if (held_ns < 0 || held_ns > trip_ns || trip_ns - held_ns > f->params->rtt_max_ns ||
        e.upper_ns > OFFSET_MAX_NS || e.lower_ns < -OFFSET_MAX_NS) {
        return false;
    }
    e.at_ns = s->t1_ns + trip_ns / 2;
    if (f->window.count > 0 && e.at_ns <= f->at_ns) {
        return false;
    }
    *out = e;
    return true;
}

static void forget_offsets(struct clock_filter *f)
{
    deltas_clear(&f->window, f->heap);
    deltas_clear(&f->buckets, f->heap);
    f->has_open = false;
    f->streak = 0;
    f->noise = f->params->noise_first;
    f->trip_median_ns = 0;
}

enum clock_verdict clock_filter_add(struct clock_filter *f, const struct clock_sample *s)
{
    struct clock_entry e;
    enum clock_verdict verdict = CLOCK_ACCEPTED;
    double dt;

    if (!read_sample(f, s, &e)) {
        f->refused++;
        return CLOCK_REFUSED;
    }
    if (f->window.count >= 4) {
        struct miss m = miss_of(f, &e);

        if (f->window.count >= f->params->window_min && is_short(f, &e)) {
            f->gated++;
            return CLOCK_GATED;
        }
        if (m.upper >= -m.slack && m.lower <= m.slack) {
            f->streak = leaves_doubt(f, &m) ? f->streak : 0;
        } else if (!has_stepped(f, &m)) {
            f->gated++;
            return CLOCK_GATED;
        } else {
            forget_offsets(f);
            f->resets++;
            verdict = CLOCK_RESET;
        }
    }
    age_window(f, e.at_ns);
    if (f->window.count == 0) {
        f->start_ns = e.at_ns;
        if (f->blocks == 0) {
            f->block_ns = e.at_ns;
        }
    }
    dt = f->window.count > 0 ? seconds(e.at_ns - f->at_ns) : 0;
    push_entry(f, &e);
    f->at_ns = e.at_ns;
    f->accepted++;
    solve(f, dt);
    return verdict;
}

void clock_filter_amend(struct clock_filter *f, int64_t at_ns, int64_t late_ns)
{
    int64_t row[ENTRY_WIDTH];

    assert(late_ns >= 0);
    if (f->window.count == 0 || f->at_ns != at_ns) {
        return;
    }
    memcpy(row, f->window.last, sizeof(row));
    row[2] -= late_ns; /* the round trip */
    if (row[2] >= 0) {
        deltas_amend(&f->window, f->heap, row);
        f->trip_least_ns = time_min(f->trip_least_ns, row[2]);
    }
}

void clock_filter_drop(struct clock_filter *f)
{
    forget_offsets(f);
    if (f->rate_prior_sd < f->params->resume_sd) {
        f->rate_prior_sd = f->params->resume_sd;
    }
}

void clock_filter_line(const struct clock_filter *f, struct clock_line *out)
{
    *out = (struct clock_line){ .is_valid = f->window.count > 0 };
    if (!out->is_valid) {
        return;
    }
    out->local_ns = f->at_ns;
    out->remote_ns = f->at_ns + (f->origin_ns + rounded(f->offset * 1e9));
    out->rate_ppt = rounded(f->rate * 1e12);
    out->sigma_ns = rounded(2 * f->noise * 1e9);
    out->bound_ns = rounded((f->reach + 2 * f->noise) * 1e9);
    out->sigma_ppt = rounded(rate_sd(f) * 1e12);
    out->bound_ppt = rounded(growth(f) * 1e12);
}

bool clock_filter_prior(const struct clock_filter *f, struct clock_prior *out)
{
    if (f->blocks == 0) {
        return false;
    }
    out->rate_ppt = rounded(f->rate_prior * 1e12);
    out->sd_ppt = rounded(rate_sd(f) * 1e12);
    return true;
}

/* The round trips of the window in rising order; returns how many. */
static int sorted_trips(const struct clock_filter *f,
                        int64_t trips[static CLOCK_WINDOW_MAX])
{
    struct deltas_reader r = deltas_read(&f->window);
    struct clock_entry e;
    int n = 0;

    while (next_entry(&r, &e)) {
        int64_t trip = e.upper_ns - e.lower_ns;
        int k = n++;

        for (; k > 0 && trips[k - 1] > trip; k--) {
            trips[k] = trips[k - 1];
        }
        trips[k] = trip;
    }
    return n;
}

void clock_filter_stats(const struct clock_filter *f, int64_t now_ns,
                        struct clock_stats *out)
{
    int64_t trips[CLOCK_WINDOW_MAX];
    struct clock_line line;
    int n = sorted_trips(f, trips);

    clock_filter_line(f, &line);
    *out = (struct clock_stats){
        .samples = n,
        .floors = bucket_count(f),
        .accepted = f->accepted,
        .gated = f->gated,
        .refused = f->refused,
        .resets = f->resets,
        .rtt_min_ns = n > 0 ? trips[0] : 0,
        .rtt_median_ns = n > 0 ? trips[n / 2] : 0,
        .rtt_p95_ns = n > 0 ? trips[(n * 95 + 99) / 100 - 1] : 0,
        .sigma_ns = clock_line_sigma_at(&line, now_ns),
        .bound_ns = clock_line_bound_at(&line, now_ns),
        .rate_ppt = rounded(f->rate * 1e12),
        .skew_ppt = rounded(rate_sd(f) * 1e12),
        .age_ns = n > 0 ? now_ns - f->at_ns : 0,
    };
}
