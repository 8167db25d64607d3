/* See the header.  SPDX-License-Identifier: MIT
 *
 * The filter is a Kalman filter of two states, phase and rate of the card, predicted by
 * the count of frames; what a coarse card says is not a place with a noise but a stretch
 * of time (audio/interval.h).  The controller is u = need * (1 - e / tau): the need is
 * the feed-forward that an integrator would have to find, so there is nothing to wind up.
 */
#include "audio/phase.h"

#include <limits.h>
#include <math.h>
#include <stddef.h>

#include "audio/interval.h"
#include "base/time.h"

/* The least readings that decide about granularity: they are there when the line is
 * locked. */
#define ROUND_MIN 9

/* Until the line is locked its granularity is not known: a reading may be this wrong. */
#define FIRST_S 3e-3

/* A reading of a coarse card from before it can have been counts this much more than one
 * that may only be late. */
#define COARSE_WEIGHT 4

#define SQRT_12 3.4641016151377544 /* of a step: the sigma of an even spread over it */

/* Steps smaller than this are not worth a correction. */
#define GRANULARITY_MIN 8

/* Readings that lie within this part of a 1 ms frame come from one: USB delivers by it.
 */
#define USB_FRAMES_PER_S 1000
#define USB_SPREAD       0.08

struct phase_params phase_params_default(void)
{
    return (struct phase_params){
        .offset_walk = 1e-14,
        .rate_walk = 4e-15,
        .rate_sigma = 100e-6,
        .jitter_s = 5e-6,
        .gate = 6,
        .gate_count = 8,
        .coarse_jitter_s = 60e-6,
        .late_share = 0.1,
        .lock_readings = 10,
        .lock_coarse = 16,
        .lock_most = PHASE_ROUND,
        .lock_s = 300e-6,
        .tau_fast_s = 1.5,
        .tau_s = 8,
        .acquire_ns = 5 * NS_PER_S,
        .cap = 150e-6,
        .cap_fast = 500e-6,
        .fast_ns = 200 * NS_PER_US,
        .slew_per_s = 18e-6,
        .slew_fast_per_s = 1000e-6,
        .anchor_ns = 5 * NS_PER_MS,
        .anchor_wait_ns = 250 * NS_PER_MS,
        .anchor_now_ns = 20 * NS_PER_MS,
    };
}

static double frame_ns(const struct phase *p)
{
    return (double)NS_PER_S / p->rate * (1 + p->rate_error);
}

static void begin_round(struct phase *p, int64_t frame)
{
    p->origin = frame;
    p->divisor = 0;
    p->divisor_usb = 0;
    p->round = 0;
    p->circle[0] = p->circle[2] = 2;
    p->circle[1] = p->circle[3] = -2;
}

void phase_init(struct phase *p, const struct phase_params *params, int rate)
{
    *p = (struct phase){ .params = *params, .rate = rate, .granularity = 1 };
    p->p_rate = params->rate_sigma * params->rate_sigma;
    begin_round(p, 0);
}

void phase_restart(struct phase *p)
{
    p->readings = 0;
    p->is_locked = false;
    p->dropped_in_a_row = 0;
    p->p_cross = 0;
}

static int64_t common_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;

        a = b;
        b = rest;
    }
    return a < 0 ? -a : a;
}

static double fraction(double x)
{
    return x - floor(x);
}

/* What step do the readings of this round come in?  0: too early to say. */
static double find_granularity(const struct phase *p)
{
    double frames = (double)p->rate / USB_FRAMES_PER_S;
    double spread = p->circle[1] - p->circle[0];
    double other = p->circle[3] - p->circle[2];

    if (p->round < ROUND_MIN || p->divisor == 0 || p->divisor_usb == 0) {
        return 0;
    }
    if (p->divisor >= GRANULARITY_MIN) {
        return (double)p->divisor;
    }
    return spread < USB_SPREAD || other < USB_SPREAD ? frames * (double)p->divisor_usb
                                                     : 1;
}

/* A reading is stale by something between nothing and a step: half of one on average.
 * Steps that are no whole number of frames are rounded down on top of that. */
static double stale_frames(const struct phase *p)
{
    double g = p->granularity;

    return g / 2 + (g > floor(g) ? 0.5 : 0);
}

/* The line from a first reading on: anywhere in its step. */
static void place_line(struct phase *p, int64_t frame, int64_t instant_ns)
{
    double step_s = p->granularity / p->rate / SQRT_12;

    p->frame = frame;
    p->instant_ns = instant_ns;
    p->part_ns = -stale_frames(p) * frame_ns(p);
    p->p_offset = p->granularity > 1 ? step_s * step_s : FIRST_S * FIRST_S;
    p->p_cross = 0;
    p->noise = 0;
    p->readings = 1;
    p->dropped_in_a_row = 0;
}

/* Move the line's anchor to a frame, and let the uncertainty grow on the way. */
static void predict(struct phase *p, int64_t frame)
{
    double ns = p->part_ns + (double)(frame - p->frame) * frame_ns(p);
    double whole = floor(ns);
    double dt = (double)(frame - p->frame) / p->rate;

    p->frame = frame;
    p->instant_ns += (int64_t)whole;
    p->part_ns = ns - whole;
    if (dt <= 0) {
        return; /* the card stands still: nothing new about its rate */
    }
    p->p_offset += 2 * dt * p->p_cross + dt * dt * p->p_rate +
                   p->params.offset_walk * dt + p->params.rate_walk * dt * dt * dt / 3;
    p->p_cross += dt * p->p_rate + p->params.rate_walk * dt * dt / 2;
    p->p_rate += p->params.rate_walk * dt;
}

/* Variance of a fine card's reading: what frames and the timer explain, or what is seen.
 */
static double reading_noise(const struct phase *p)
{
    double frame_s = 1.0 / p->rate / SQRT_12;
    double sigma = phase_is_locked(p) ? frame_s + p->params.jitter_s : FIRST_S;

    return sigma * sigma > p->noise ? sigma * sigma : p->noise;
}

static void correct(struct phase *p, double off_s, double noise)
{
    double gain_offset = p->p_offset / (p->p_offset + noise);
    double gain_rate = p->p_cross / (p->p_offset + noise);

    p->part_ns += gain_offset * off_s * (double)NS_PER_S;
    p->rate_error += gain_rate * off_s;
    p->p_rate -= gain_rate * p->p_cross;
    p->p_cross -= gain_offset * p->p_cross;
    p->p_offset -= gain_offset * p->p_offset;
}

/* The belief about the card's phase is news.shift sigmas off; sigma is of what was seen.
 */
static void learn(struct phase *p, struct interval_news news, double sigma)
{
    double gain_offset = p->p_offset / sigma;
    double gain_rate = p->p_cross / sigma;
    double taken = 1 - news.shrink;

    p->part_ns += gain_offset * news.shift * (double)NS_PER_S;
    p->rate_error += gain_rate * news.shift;
    p->p_rate -= taken * gain_rate * gain_rate;
    p->p_cross -= taken * gain_rate * gain_offset;
    p->p_offset -= taken * gain_offset * gain_offset;
}

/* How far a reading's own instant lies behind the line's, s. */
static double distance_s(const struct phase *p, int64_t instant_ns)
{
    return ((double)(instant_ns - p->instant_ns) - p->part_ns) / (double)NS_PER_S;
}

/* A reading that is not believed has been seen: are there too many of them? */
static enum phase_result disbelieve(struct phase *p, int weight, int most)
{
    p->dropped_in_a_row += weight;
    return p->dropped_in_a_row < most ? PHASE_DROPPED : PHASE_MOVED;
}

/* A card without steps: its readings are wrong to both sides alike. */
static enum phase_result take_fine(struct phase *p, int64_t instant_ns)
{
    double noise = reading_noise(p);
    double off_s = distance_s(p, instant_ns) -
                   stale_frames(p) * frame_ns(p) / (double)NS_PER_S;

    if (fabs(off_s) > p->params.gate * sqrt(p->p_offset + noise)) {
        return disbelieve(p, 1, p->params.gate_count);
    }
    p->dropped_in_a_row = 0;
    if (phase_is_locked(p)) {
        p->noise += (off_s * off_s - p->p_offset - p->noise) / PHASE_ROUND;
    }
    correct(p, off_s, noise);
    return PHASE_TAKEN;
}

/* A card that moves in steps: it has reached this frame, and not yet the next step.  A
 * line that is wrong by part of a step contradicts only some of the readings, so each
 * that fits makes up for a quarter of one that cannot be, or for one that may be late. */
static enum phase_result take_coarse(struct phase *p, int64_t instant_ns)
{
    double noise = p->params.coarse_jitter_s * p->params.coarse_jitter_s;
    double sigma = sqrt(p->p_offset + noise);
    double high = distance_s(p, instant_ns) / sigma;
    double low = high - p->granularity * frame_ns(p) / (double)NS_PER_S / sigma;
    struct interval_news news;

    if (p->granularity > floor(p->granularity)) { /* steps are rounded down */
        high -= frame_ns(p) / 2 / (double)NS_PER_S / sigma;
        low -= frame_ns(p) / 2 / (double)NS_PER_S / sigma;
    }
    if (high < -p->params.gate) {
        return disbelieve(p, COARSE_WEIGHT, COARSE_WEIGHT * p->params.gate_count);
    }
    if (low > p->params.gate) {
        return disbelieve(p, 1, COARSE_WEIGHT * p->params.gate_count);
    }
    p->dropped_in_a_row -= p->dropped_in_a_row > 0;
    news = interval_learn(low, high, p->params.late_share);
    learn(p, news, sigma);
    return PHASE_TAKEN;
}

static enum phase_result take(struct phase *p, int64_t frame, int64_t instant_ns)
{
    predict(p, frame);
    return p->granularity > 1 ? take_coarse(p, instant_ns) : take_fine(p, instant_ns);
}

/* The readings of this round, taken anew by what is now known of their steps. */
static void take_again(struct phase *p)
{
    int64_t frame = p->frame;
    int readings = p->readings;

    if (p->readings == p->round) { /* all that ever was: the rate is from them too */
        p->rate_error = p->first_rate_error;
        p->p_rate = p->first_p_rate;
    }
    place_line(p, p->kept[0].frame, p->kept[0].instant_ns);
    for (int i = 1; i < p->round; i++) {
        p->readings++;
        (void)take(p, p->kept[i].frame, p->kept[i].instant_ns);
    }
    predict(p, frame);
    p->readings = readings;
    p->dropped_in_a_row = 0;
}

/* Learn the granularity; when it is not what was thought, what was made of this round's
 * readings is made anew. */
static void watch_steps(struct phase *p, int64_t frame, int64_t instant_ns)
{
    double place = fraction((double)(frame - p->origin) * USB_FRAMES_PER_S / p->rate);
    double turned = fraction(place + 0.5);
    double found;

    p->divisor = common_divisor(p->divisor, frame - p->origin);
    p->divisor_usb = common_divisor(
        p->divisor_usb,
        (int64_t)floor((double)(frame - p->origin) * USB_FRAMES_PER_S / p->rate + 0.5));
    p->circle[0] = fmin(p->circle[0], place);
    p->circle[1] = fmax(p->circle[1], place);
    p->circle[2] = fmin(p->circle[2], turned);
    p->circle[3] = fmax(p->circle[3], turned);
    p->kept[p->round++] = (struct phase_reading){ frame, instant_ns };
    found = find_granularity(p);
    if (found > 0 && found != p->granularity &&
        (found < p->granularity || p->round >= PHASE_ROUND ||
         (!p->is_locked && p->round >= ROUND_MIN))) {
        p->granularity = found;
        take_again(p);
    }
    if (p->round >= PHASE_ROUND) {
        begin_round(p, frame);
    }
}

static void begin_line(struct phase *p, int64_t frame, int64_t instant_ns)
{
    p->first_rate_error = p->rate_error;
    p->first_p_rate = p->p_rate;
    place_line(p, frame, instant_ns);
    begin_round(p, frame);
    watch_steps(p, frame, instant_ns);
}

/* Are there readings enough for a line? */
static bool is_known(const struct phase *p)
{
    const struct phase_params *q = &p->params;

    if (p->granularity == 1) {
        return p->readings >= q->lock_readings;
    }
    return p->readings >= q->lock_most ||
           (p->readings >= q->lock_coarse && p->p_offset <= q->lock_s * q->lock_s);
}

enum phase_result phase_add(struct phase *p, int64_t frame, int64_t instant_ns)
{
    enum phase_result result;

    if (p->readings == 0) {
        begin_line(p, frame, instant_ns);
        return PHASE_TAKEN;
    }
    result = take(p, frame, instant_ns);
    if (result == PHASE_MOVED) {
        p->moves++;
        begin_line(p, frame, instant_ns);
    }
    if (result != PHASE_TAKEN) {
        return result;
    }
    p->readings += p->readings < INT_MAX;
    watch_steps(p, frame, instant_ns);
    if (!p->is_locked && is_known(p)) {
        p->is_locked = true;
        if (p->granularity == 1) {
            /* A plain mean so far; now it is known how good the readings are. */
            p->p_offset = reading_noise(p) / p->readings;
            p->p_cross = 0;
        }
    }
    return PHASE_TAKEN;
}

bool phase_is_locked(const struct phase *p)
{
    return p->is_locked;
}

int64_t phase_instant(const struct phase *p, int64_t frame)
{
    return p->instant_ns +
           (int64_t)floor(p->part_ns + (double)(frame - p->frame) * frame_ns(p) + 0.5);
}

double phase_frame(const struct phase *p, int64_t instant_ns)
{
    return (double)p->frame +
           ((double)(instant_ns - p->instant_ns) - p->part_ns) / frame_ns(p);
}

void servo_init(struct servo *s, const struct phase_params *params)
{
    *s = (struct servo){ .params = *params,
                         .acquired_ns = INT64_MIN,
                         .bad_ns = TIME_NEVER };
}

void servo_acquire(struct servo *s, int64_t now_ns)
{
    s->acquired_ns = now_ns + s->params.acquire_ns;
}

void servo_place(struct servo *s, int64_t instant_ns)
{
    s->has_step = false;
    s->bad_ns = TIME_NEVER;
    s->last_ns = instant_ns;
}

void servo_resume(struct servo *s, double step, int64_t instant_ns)
{
    servo_place(s, instant_ns);
    s->has_step = true;
    s->step = step;
}

static double limit(double x, double least, double most)
{
    return x < least ? least : x > most ? most : x;
}

static bool must_anchor(struct servo *s, int64_t error_ns, int64_t instant_ns)
{
    int64_t size_ns = error_ns < 0 ? -error_ns : error_ns;

    if (size_ns <= s->params.anchor_ns) {
        s->bad_ns = TIME_NEVER;
        return false;
    }
    if (s->bad_ns == TIME_NEVER) {
        s->bad_ns = instant_ns;
    }
    return size_ns > s->params.anchor_now_ns ||
           instant_ns - s->bad_ns >= s->params.anchor_wait_ns;
}

enum servo_verdict servo_step(struct servo *s, int64_t error_ns, double need,
                              int64_t instant_ns, double *step)
{
    const struct phase_params *q = &s->params;
    bool is_acquiring = instant_ns < s->acquired_ns;
    double tau_s = is_acquiring ? q->tau_fast_s : q->tau_s;
    int64_t size_ns = error_ns < 0 ? -error_ns : error_ns;
    double cap = is_acquiring && size_ns > q->fast_ns ? q->cap_fast : q->cap;
    double pull = limit((double)error_ns / (double)NS_PER_S / tau_s, -cap, cap);
    double wanted = need * (1 - pull);

    if (must_anchor(s, error_ns, instant_ns)) {
        return SERVO_ANCHOR;
    }
    if (s->has_step) {
        double dt = (double)(instant_ns - s->last_ns) / (double)NS_PER_S;
        double slew = (is_acquiring ? q->slew_fast_per_s : q->slew_per_s) *
                      limit(dt, 0, 1);

        wanted = limit(wanted, s->step * (1 - slew), s->step * (1 + slew));
    }
    s->has_step = true;
    s->step = wanted;
    s->last_ns = instant_ns;
    *step = wanted;
    return SERVO_GO;
}
