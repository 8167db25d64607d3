/* The failure detector over a synthetic week of the link between Japan and Switzerland
 * that Hayashibara et al. measured (2004): 0.4 % of the beats lost, in 814 bursts, 48 of
 * them longer than 2.5 s, one of 109 s; round trips of 283 ms +- 27 ms.
 *
 *     bench_detector [--weeks N] [--claim NAME]
 *
 * Beats leave each second.  Suspected: phi >= 8 and silent for 2.5 s.  Others are then
 * asked for 1.5 s; failed: no word by then, and silent for the lease of 6 s.  A fixed
 * time-out of 2.6 s stands beside it.  With --claim the last line is JSON.
 * SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/rng.h"
#include "base/time.h"
#include "base/phi.h"

#define WEEK_S      604800
#define BURSTS      814
#define LONG_BURSTS 47
#define LONGEST_MS  109300
#define SUSPECT_NS  (2500 * NS_PER_MS)
#define ASK_NS      (1500 * NS_PER_MS)
#define LEASE_NS    (6 * NS_PER_S)
#define FIXED_NS    (2600 * NS_PER_MS)
#define CRASH_EVERY 97 /* beats between the crashes that are tried */
#define CRASHES_MAX (WEEK_S / CRASH_EVERY + 1)

struct week {
    bool is_lost[WEEK_S];
    int64_t arrival_ns[WEEK_S];
};

struct result {
    int64_t suspects;
    int64_t fixed;       /* time-outs of the fixed rule */
    int64_t false_short; /* failures declared in silences of up to 6 s */
    int64_t false_long;  /* … in longer ones, where the lease has run out */
    int64_t crash_p99_ms;
    int64_t crash_max_ms;
};

static void lose(struct week *w, struct rng *r, int64_t burst_ms)
{
    int64_t from_ms = rng_below(r, (int64_t)WEEK_S * 1000 - burst_ms);

    for (int64_t s = (from_ms + 999) / 1000; s * 1000 < from_ms + burst_ms; s++)
        w->is_lost[s] = true;
}

/* One way: half of 283 ms, nearly normal with 27 / sqrt 2 ms, as the sum of 12 draws. */
static int64_t one_way_ns(struct rng *r)
{
    int64_t us = 141500;

    for (int i = 0; i < 12; i++)
        us += rng_below(r, 38184) - 19092;
    return us * NS_PER_US;
}

static void make_week(struct week *w, uint64_t seed)
{
    struct rng r;

    rng_seed(&r, seed);
    memset(w, 0, sizeof(*w));
    lose(w, &r, LONGEST_MS);
    for (int i = 0; i < LONG_BURSTS; i++) /* from 2.6 to 26 s, the shorter the likelier */
        lose(w, &r, 2600 + rng_below(&r, 1 + rng_below(&r, 23400)));
    for (int i = 0; i < BURSTS - LONG_BURSTS - 1; i++)
        lose(w, &r, 100 + rng_below(&r, 2500));
    for (int64_t s = 0; s < WEEK_S; s++)
        w->arrival_ns[s] = s * NS_PER_S + one_way_ns(&r);
}

static int64_t suspected_after_ns(const struct phi *p, const struct phi_params *params)
{
    int64_t lo = SUSPECT_NS;
    int64_t hi = WEEK_S * NS_PER_S;

    while (lo < hi) { /* the shortest silence with phi 8 */
        int64_t ns = lo + (hi - lo) / 2;

        if (phi_milli(p, params, ns, 0) >= 8000)
            hi = ns;
        else
            lo = ns + 1;
    }
    return lo;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void judge_gap(const struct phi *p, const struct phi_params *params, int64_t gap,
                      struct result *out)
{
    int64_t suspected = suspected_after_ns(p, params);
    int64_t failed = suspected + ASK_NS > LEASE_NS ? suspected + ASK_NS : LEASE_NS;

    out->suspects += gap > suspected;
    out->fixed += gap > FIXED_NS;
    if (gap > failed && gap <= LEASE_NS)
        out->false_short++;
    if (gap > failed && gap > LEASE_NS)
        out->false_long++;
}

static void run_week(uint64_t seed, struct result *out)
{
    static struct week w;
    static int64_t crashes[CRASHES_MAX];
    struct phi_params params = phi_params_default();
    struct phi p;
    int64_t last = -1;
    int count = 0;

    *out = (struct result){ 0 };
    make_week(&w, seed);
    phi_init(&p, &params);
    for (int64_t s = 0; s < WEEK_S; s++) {
        if (w.is_lost[s])
            continue;
        if (last >= 0) {
            judge_gap(&p, &params, w.arrival_ns[s] - last, out);
            phi_add(&p, &params, w.arrival_ns[s] - last);
        }
        last = w.arrival_ns[s];
        /* Had the host died at some instant before the next beat: */
        if (s % CRASH_EVERY == 0 && s > 300) {
            int64_t crash = s * NS_PER_S + (s * 7919 % 1000) * NS_PER_MS;

            crashes[count++] = last + suspected_after_ns(&p, &params) + ASK_NS - crash;
        }
    }
    qsort(crashes, (size_t)count, sizeof(crashes[0]), compare);
    out->crash_p99_ms = crashes[count * 99 / 100] / NS_PER_MS;
    out->crash_max_ms = crashes[count - 1] / NS_PER_MS;
}

static const struct claim {
    const char *name;
    const char *unit;
    double goal;
} claims[] = {
    { "detector-false-failovers", "per link-week", 1 },
    { "detector-crash-p99-s", "s", 5 },
};

static double value_of(const char *name, int weeks)
{
    double value = 0;

    for (int i = 0; i < weeks; i++) {
        struct result r;
        double v;

        run_week((uint64_t)i + 1, &r);
        v = strcmp(name, claims[0].name) == 0 ? (double)r.false_short
                                              : (double)r.crash_p99_ms / 1000;
        value = v > value ? v : value;
    }
    return value;
}

static int check_claim(const char *name, int weeks)
{
    for (int i = 0; i < COUNT(claims); i++) {
        double value;

        if (strcmp(claims[i].name, name) != 0)
            continue;
        value = value_of(name, weeks);
        printf("{\"name\":\"%s\",\"value\":%.3f,\"unit\":\"%s\",\"goal\":%g,\"ok\":%s}\n",
               name, value, claims[i].unit, claims[i].goal,
               value <= claims[i].goal ? "true" : "false");
        return value <= claims[i].goal ? 0 : 1;
    }
    fprintf(stderr, "bench_detector: no claim \"%s\"\n", name);
    return 2;
}

int main(int argc, char **argv)
{
    const char *claim = NULL;
    int weeks = 5;

    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--weeks") == 0)
            weeks = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--claim") == 0)
            claim = argv[i + 1];
    }
    if (weeks < 1 || weeks > 1000) {
        fprintf(stderr, "bench_detector: --weeks is 1 to 1000\n");
        return 2;
    }
    if (claim != NULL)
        return check_claim(claim, weeks);
    printf("%4s %9s %12s %14s %14s %12s %12s\n", "week", "suspects", "fixed 2.6 s",
           "failed, <=6 s", "failed, >6 s", "crash p99", "crash max");
    for (int i = 0; i < weeks; i++) {
        struct result r;

        run_week((uint64_t)i + 1, &r);
        printf("%4d %9lld %12lld %14lld %14lld %9lld ms %9lld ms\n", i + 1,
               (long long)r.suspects, (long long)r.fixed, (long long)r.false_short,
               (long long)r.false_long, (long long)r.crash_p99_ms,
               (long long)r.crash_max_ms);
    }
    return 0;
}
