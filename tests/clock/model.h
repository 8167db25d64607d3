/* Two clocks and the network between them, for the tests and the bench of the filter.
 *
 * The remote (host) clock is true time; the local one is 50 ppm and 50 ms off and its
 * rate walks at random.  Delays are those of docs/design.md: LAN, Wi-Fi with and without
 * power save, Internet, one without a floor, and the two of tests/rig, which draws them
 * evenly.  Results feed inequalities only.
 * SPDX-License-Identifier: MIT */
#ifndef TESTS_CLOCK_MODEL_H
#define TESTS_CLOCK_MODEL_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/time.h"
#include "clock/filter.h"
#include "clock/probe.h"
#include "tests/heap.h"

#define MODEL_SECONDS_MAX 9000
#define MODEL_FLIGHT_MAX  32
#define MODEL_SONG        600 /* tenths of a second, from the tenth second on */

enum model_network {
    MODEL_LAN,
    MODEL_WIFI,
    MODEL_WIFI_PS,
    MODEL_INTERNET,
    MODEL_GAUSS,
    MODEL_RIG_WIRED,
    MODEL_RIG_WIFI,
    MODEL_NETWORKS
};

static const char *const model_names[MODEL_NETWORKS] = { "LAN",      "Wi-Fi", "Wi-Fi-ps",
                                                         "Internet", "gauss", "rig-wired",
                                                         "rig-wifi" };

/* One run.  Zero means no such event. */
struct model_setup {
    enum model_network network;
    int64_t interval_ns; /* 0: the prober decides; else 8 probes at 100 ms, then this */
    int seconds;
    double wander;      /* per square root of a second; 0 means 1e-8 */
    double rate;        /* of the local clock; 0 means 50 ppm */
    double step;        /* s: the host's clock jumps by this … */
    int step_at;        /* … at this second */
    int congested_from; /* 60..200 ms more on the way back */
    int congested_to;
    int cut_from; /* no packet arrives */
    int cut_to;
    double bad_stamps; /* share of samples with one stamp off by up to 50 ms */
    double ramp;       /* relative: the local rate changes by this over 60 s at step_at */
};

struct model_result {
    double rms, p99, max;    /* us, over the last four fifths of the run */
    double early;            /* us, RMS in 30..60 s */
    double song, song_p99;   /* us, RMS and p99 in 10..70 s: what tests/rig listens to */
    double probes;           /* sent a second in 10..70 s */
    double after;            /* us, greatest error from 10 s after the event on */
    double to_1ms, to_100us; /* s: the error stays below from here on (first 120 s) */
    double recovered;        /* s from step_at until the error stays below 1 ms */
    double bound;            /* us, median */
    int violations;          /* |error| > bound, but for 4 s after a step */
    int64_t samples;
    int64_t resets;
};

struct model_flight {
    int64_t arrives_ns;
    struct clock_sample sample;
    uint8_t body[PROBE_LEN];
};

struct model {
    const struct model_setup *setup;
    struct rng rng;
    double phase[MODEL_SECONDS_MAX + 2]; /* s: local minus true time, each second */
    struct clock_filter alone;           /* used when the prober is not */
    struct prober prober;
    struct probe_echo echo; /* of the host, which has no transmit stamps */
    struct model_flight flights[MODEL_FLIGHT_MAX];
    int flying;
    int64_t send_ns;
    int64_t sent;
};

static inline double model_uniform(struct rng *r)
{
    return ((double)(rng_next(r) >> 11) + 0.5) / 9007199254740992.0;
}

static inline double model_exp(struct rng *r)
{
    return -log(model_uniform(r));
}

static inline double model_normal(struct rng *r)
{
    double radius = sqrt(2 * model_exp(r));

    return radius * cos(2 * 3.14159265358979 * model_uniform(r));
}

/* One way in seconds; down is from the host to us.  Negative: lost. */
static inline double model_delay(struct rng *r, enum model_network n, bool down)
{
    double e = model_exp(r);
    double delay = 0;

    switch (n) {
    case MODEL_LAN:
        return 50e-6 + 10e-6 * e;
    case MODEL_INTERNET:
        return 20e-3 + 1e-3 * e;
    case MODEL_GAUSS:
        return 25e-3 + 1e-3 * model_normal(r);
    case MODEL_RIG_WIRED:
        return 150e-6 + 100e-6 * model_uniform(r);
    case MODEL_RIG_WIFI:
        delay = 5e-3 * model_uniform(r);
        if (model_uniform(r) < 0.06) {
            delay += 100e-3 * model_uniform(r);
        }
        return model_uniform(r) < 0.01 ? -1 : delay;
    case MODEL_WIFI:
    case MODEL_WIFI_PS:
        delay = 2e-3 + (down ? 2e-3 : 1e-3) * e * model_exp(r);
        if (model_uniform(r) < 0.01) {
            delay += 30e-3 * model_exp(r);
        }
        break;
    case MODEL_NETWORKS:
        break;
    }
    if (n == MODEL_WIFI_PS && down && model_uniform(r) < 0.3) {
        delay += 100e-3 * model_uniform(r);
    }
    return n == MODEL_WIFI_PS && model_uniform(r) < 0.05 ? -1 : delay;
}

static inline void model_walk(struct model *m)
{
    const struct model_setup *s = m->setup;
    double rate = s->rate != 0 ? s->rate : 50e-6;
    double wander = s->wander != 0 ? s->wander : 1e-8;

    m->phase[0] = 0.05;
    for (int i = 0; i <= MODEL_SECONDS_MAX; i++) {
        m->phase[i + 1] = m->phase[i] + rate;
        rate += wander * model_normal(&m->rng);
        if (s->ramp != 0 && i >= s->step_at && i < s->step_at + 60) {
            rate += s->ramp / 60;
        }
    }
}

static inline int64_t model_local(const struct model *m, int64_t true_ns)
{
    int64_t k = true_ns / NS_PER_S;
    double part = (double)(true_ns % NS_PER_S) / 1e9;
    double off = m->phase[k] + (m->phase[k + 1] - m->phase[k]) * part;

    return true_ns + llround(off * 1e9);
}

static inline int64_t model_host(const struct model *m, int64_t true_ns)
{
    bool stepped = m->setup->step != 0 && true_ns >= m->setup->step_at * NS_PER_S;

    return true_ns + (stepped ? llround(m->setup->step * 1e9) : 0);
}

static inline bool model_in(int64_t at_ns, int from, int to)
{
    return to > from && at_ns >= from * NS_PER_S && at_ns < to * NS_PER_S;
}

static inline struct clock_filter *model_filter(struct model *m)
{
    return m->setup->interval_ns == 0 ? &m->prober.filter : &m->alone;
}

/* Send one probe at the true instant now_ns; its reply flies unless it is lost. */
static inline void model_send(struct model *m, int64_t now_ns)
{
    const struct model_setup *s = m->setup;
    double up = model_delay(&m->rng, s->network, false);
    double down = model_delay(&m->rng, s->network, true);
    struct model_flight f = { .arrives_ns = 0 };
    int64_t heard_ns;
    uint32_t seq;

    m->sent++;
    f.sample.t1_ns = model_local(m, now_ns);
    if (s->interval_ns == 0 && !prober_take(&m->prober, f.sample.t1_ns, f.body, &seq)) {
        m->sent--;
        return;
    }
    if (up < 0 || down < 0 || model_in(now_ns, s->cut_from, s->cut_to) ||
        m->flying == MODEL_FLIGHT_MAX) {
        return;
    }
    if (model_in(now_ns, s->congested_from, s->congested_to)) {
        down += 60e-3 + 140e-3 * model_uniform(&m->rng);
    }
    heard_ns = now_ns + llround(up * 1e9);
    f.sample.t2_ns = model_host(m, heard_ns);
    f.sample.t3_ns = model_host(m, heard_ns + 20000);
    f.arrives_ns = heard_ns + 20000 + llround(down * 1e9);
    if (s->interval_ns == 0 &&
        probe_answer(bytes_of(f.body, PROBE_LEN), 7, f.sample.t2_ns, f.sample.t3_ns,
                     &m->echo, f.body) != 0) {
        abort();
    }
    m->flights[m->flying++] = f;
}

static inline void model_arrive(struct model *m, int i)
{
    struct model_flight f = m->flights[i];
    int64_t t4_ns = model_local(m, f.arrives_ns);
    enum clock_verdict verdict;

    m->flights[i] = m->flights[--m->flying];
    if (model_uniform(&m->rng) < m->setup->bad_stamps) {
        t4_ns += llround((model_uniform(&m->rng) - 0.5) * 0.1e9);
    }
    f.sample.t4_ns = t4_ns;
    if (m->setup->interval_ns != 0) {
        (void)clock_filter_add(&m->alone, &f.sample);
    } else if (prober_receive(&m->prober, bytes_of(f.body, PROBE_LEN), t4_ns, &verdict) !=
               0) {
        return;
    }
}

static inline void model_plan_send(struct model *m, int64_t now_ns)
{
    int64_t wake_ns;

    if (m->setup->interval_ns != 0) {
        m->send_ns = now_ns + (m->sent < 8 ? 100 * NS_PER_MS : m->setup->interval_ns);
        return;
    }
    /* The prober names a local instant; near enough to true time, and never before it. */
    wake_ns = prober_wake_ns(&m->prober);
    m->send_ns = now_ns + (wake_ns - model_local(m, now_ns)) + 1000;
    if (m->send_ns <= now_ns) {
        m->send_ns = now_ns + NS_PER_MS;
    }
}

/* Carry out all that happens before until_ns. */
static inline void model_advance(struct model *m, int64_t until_ns)
{
    for (;;) {
        int first = -1;

        for (int i = 0; i < m->flying; i++) {
            if (first < 0 || m->flights[i].arrives_ns < m->flights[first].arrives_ns) {
                first = i;
            }
        }
        if (first >= 0 && m->flights[first].arrives_ns <= m->send_ns &&
            m->flights[first].arrives_ns < until_ns) {
            int64_t now_ns = m->flights[first].arrives_ns;

            model_arrive(m, first);
            if (m->setup->interval_ns == 0) {
                model_plan_send(m, now_ns);
            }
        } else if (m->send_ns < until_ns) {
            int64_t now_ns = m->send_ns;

            model_send(m, now_ns);
            model_plan_send(m, now_ns);
        } else {
            return;
        }
    }
}

static inline int model_compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Sorts x. */
static inline double model_median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof(double), model_compare);
    return x[n / 2];
}

/* What one look at the line adds to the result.  t is true time in seconds. */
static inline void model_judge(const struct model *m, double t, double error_us,
                               double bound_us, struct model_result *r)
{
    const struct model_setup *s = m->setup;
    double e = fabs(error_us);
    bool detecting = s->step != 0 && t >= s->step_at && t < s->step_at + 4;

    if (e > bound_us && !detecting) {
        r->violations++;
    }
    if (t < 120 && e >= 1000) {
        r->to_1ms = t + 0.1;
    }
    if (t < 120 && e >= 100) {
        r->to_100us = t + 0.1;
    }
    if (s->step_at > 0 && t >= s->step_at && e >= 1000) {
        r->recovered = t + 0.1 - s->step_at;
    }
    if ((s->step_at > 0 && t > s->step_at + 10) ||
        (s->congested_to > 0 && t > s->congested_from + 10) ||
        (s->cut_to > 0 && t > s->cut_from + 10)) {
        r->after = e > r->after ? e : r->after;
    }
}

static inline void model_run(const struct model_setup *setup,
                             const struct clock_params *params, uint64_t seed,
                             struct model_result *r)
{
    static struct model m;
    static double errors[MODEL_SECONDS_MAX];
    static double bounds[MODEL_SECONDS_MAX];
    int n = 0;
    static double song[MODEL_SONG];
    int64_t sent[2] = { 0, 0 };
    double sum = 0;
    double early = 0;

    memset(&m, 0, sizeof(m));
    memset(r, 0, sizeof(*r));
    m.setup = setup;
    rng_seed(&m.rng, seed);
    model_walk(&m);
    m.send_ns = 0;
    clock_filter_init(&m.alone, params, test_heap(), NULL);
    prober_init(&m.prober, params, test_heap(), NS_PER_S, &m.rng, model_local(&m, 0));
    for (int tenth = 1; tenth < setup->seconds * 10; tenth++) {
        int64_t now_ns = tenth * NS_PER_S / 10;
        int64_t local_ns = model_local(&m, now_ns);
        double t = tenth / 10.0;
        struct clock_line line;
        double error = 1e9;
        double bound = 1e9;

        model_advance(&m, now_ns);
        clock_filter_line(model_filter(&m), &line);
        if (line.is_valid) {
            int64_t remote_ns = clock_line_to_remote(&line, local_ns);

            error = (double)(remote_ns - model_host(&m, now_ns)) / 1e3;
            bound = (double)clock_line_bound_at(&line, local_ns) / 1e3;
        }
        model_judge(&m, t, error, bound, r);
        if (t >= 30 && t < 60) {
            early += error * error / 300;
        }
        if (tenth == 100 || tenth == 100 + MODEL_SONG) {
            sent[tenth > 100] = m.sent;
        }
        if (tenth >= 100 && tenth < 100 + MODEL_SONG) {
            song[tenth - 100] = fabs(error);
            r->song += error * error / MODEL_SONG;
        }
        if (tenth % 10 == 0 && tenth / 10 >= setup->seconds / 5) {
            errors[n] = fabs(error);
            bounds[n++] = bound;
            sum += error * error;
        }
    }
    qsort(errors, (size_t)n, sizeof(double), model_compare);
    qsort(bounds, (size_t)n, sizeof(double), model_compare);
    r->rms = sqrt(sum / n);
    r->p99 = errors[n * 99 / 100];
    r->max = errors[n - 1];
    r->bound = bounds[n / 2];
    r->early = sqrt(early);
    qsort(song, MODEL_SONG, sizeof(double), model_compare);
    r->song = sqrt(r->song);
    r->song_p99 = song[MODEL_SONG * 99 / 100];
    r->probes = (double)(sent[1] - sent[0]) * 10 / MODEL_SONG;
    r->samples = m.sent;
    r->resets = model_filter(&m)->resets;
    clock_filter_finish(&m.alone);
    prober_finish(&m.prober);
}

#endif
