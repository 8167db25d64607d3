/* The floor line against simulated clocks and networks: the gates of docs/design.md, on
 * fixed seeds, and what a liar or a broken stamp may do.  SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "tests/clock/model.h"

/* A gate: 0 means that it is not asked for. */
struct gate {
    const char *fact;
    struct model_setup setup;
    double rms, max, after, to_1ms, to_100us, recovered; /* us, us, us, s, s, s */
};

#define HZ .interval_ns = NS_PER_S

static const struct gate gates[] = {
    { "LAN, 1 Hz",
      { .network = MODEL_LAN, HZ, .seconds = 3000 },
      1.2,
      15,
      0,
      0.2,
      0.2,
      0 },
    { "Wi-Fi, 1 Hz",
      { .network = MODEL_WIFI, HZ, .seconds = 3000 },
      10,
      60,
      0,
      1.7,
      15,
      0 },
    { "Wi-Fi with power save, 1 Hz",
      { .network = MODEL_WIFI_PS, HZ, .seconds = 3000 },
      40,
      150,
      0,
      1.7,
      0,
      0 },
    { "Internet, 1 Hz",
      { .network = MODEL_INTERNET, HZ, .seconds = 3000 },
      15,
      100,
      0,
      1.7,
      60,
      0 },
    { "no floor at all, 1 Hz",
      { .network = MODEL_GAUSS, HZ, .seconds = 3000 },
      700,
      3000,
      0,
      0,
      0,
      0 },
    { "LAN, prober", { .network = MODEL_LAN, .seconds = 3000 }, 1.2, 15, 0, 0.2, 0.2, 0 },
    { "Wi-Fi, prober",
      { .network = MODEL_WIFI, .seconds = 3000 },
      10,
      60,
      0,
      1.7,
      15,
      0 },
    { "200 ppm apart",
      { .network = MODEL_WIFI, .seconds = 1500, .rate = -200e-6 },
      12,
      60,
      0,
      1.7,
      20,
      0 },
    { "a restless oscillator on a LAN: the bound holds",
      { .network = MODEL_LAN, HZ, .seconds = 6000, .wander = 3e-8 },
      3,
      40,
      0,
      0.2,
      0.2,
      0 },
    { "a restless oscillator on Wi-Fi",
      { .network = MODEL_WIFI, HZ, .seconds = 6000, .wander = 3e-8 },
      30,
      150,
      0,
      1.7,
      0,
      0 },
    { "the host's clock jumps by half a second, 1 Hz",
      { .network = MODEL_WIFI, HZ, .seconds = 1500, .step = 0.5, .step_at = 1000 },
      0,
      0,
      150,
      0,
      0,
      4 },
    { "the host's clock jumps by half a second, prober",
      { .network = MODEL_WIFI, .seconds = 1500, .step = 0.5, .step_at = 1000 },
      0,
      0,
      150,
      0,
      0,
      2 },
    { "… or by 5 ms back",
      { .network = MODEL_WIFI, .seconds = 1500, .step = -0.005, .step_at = 1000 },
      0,
      0,
      150,
      0,
      0,
      4 },
    { "15 minutes of congestion one way",
      { .network = MODEL_WIFI,
        HZ,
        .seconds = 2500,
        .congested_from = 1000,
        .congested_to = 1900 },
      0,
      0,
      600,
      0,
      0,
      0 },
    { "10 minutes without a packet",
      { .network = MODEL_WIFI, HZ, .seconds = 2500, .cut_from = 1000, .cut_to = 1600 },
      0,
      0,
      400,
      0,
      0,
      0 },
    { "the room warms up: 1 ppm within a minute",
      { .network = MODEL_WIFI, HZ, .seconds = 2500, .ramp = 1e-6, .step_at = 1000 },
      0,
      0,
      100,
      0,
      0,
      0 },
    { "Wi-Fi, the host steps 5 ms: soon seen, though slow samples still fit",
      { .network = MODEL_WIFI, .seconds = 1500, .step = 0.005, .step_at = 1000 },
      0,
      0,
      60,
      0,
      0,
      4 },
};

/* Medians of the seeds against the gates; the bound must hold in each run. */
static void test_gates(void **state)
{
    struct clock_params params = clock_params_default();

    (void)state;
    for (int i = 0; i < COUNT(gates); i++) {
        const struct gate *g = &gates[i];
        double rms[3], max[3], after[3], ms[3], us100[3], recovered[3];

        for (int seed = 0; seed < 3; seed++) {
            struct model_result r;

            model_run(&g->setup, &params, (uint64_t)seed + 1, &r);
            rms[seed] = r.rms;
            max[seed] = r.max;
            after[seed] = r.after;
            ms[seed] = r.to_1ms;
            us100[seed] = r.to_100us;
            recovered[seed] = r.recovered;
            assert_int_equal(r.violations, 0);
            assert_int_equal(r.resets, g->setup.step != 0 ? 1 : 0);
        }
        print_message("%s: rms %.2f max %.1f after %.1f us, 1 ms %.1f 100 us %.1f s, "
                      "recovered %.1f s\n",
                      g->fact, model_median(rms, 3), model_median(max, 3),
                      model_median(after, 3), model_median(ms, 3), model_median(us100, 3),
                      model_median(recovered, 3));
        assert_true(g->rms == 0 || model_median(rms, 3) <= g->rms);
        assert_true(g->max == 0 || model_median(max, 3) <= g->max);
        assert_true(g->after == 0 || model_median(after, 3) <= g->after);
        assert_true(g->to_1ms == 0 || model_median(ms, 3) <= g->to_1ms);
        assert_true(g->to_100us == 0 || model_median(us100, 3) <= g->to_100us);
        assert_true(g->recovered == 0 || model_median(recovered, 3) <= g->recovered);
    }
}

/* A sample whose remote is offset_ns ahead, up_ns and down_ns on the way. */
static struct clock_sample sample_at(int64_t at_ns, int64_t offset_ns, int64_t up_ns,
                                     int64_t down_ns)
{
    return (struct clock_sample){ at_ns, at_ns + up_ns + offset_ns,
                                  at_ns + up_ns + offset_ns + 1000,
                                  at_ns + up_ns + down_ns + 1000 };
}

static void feed(struct clock_filter *f, int64_t *at_ns, int n, int64_t offset_ns)
{
    for (int i = 0; i < n; i++, *at_ns += NS_PER_S) {
        struct clock_sample s = sample_at(*at_ns, offset_ns, 100000, 100000);

        assert_int_equal(clock_filter_add(f, &s), CLOCK_ACCEPTED);
    }
}

static void test_one_sample(void **state)
{
    struct clock_params params = clock_params_default();
    struct clock_filter f;
    struct clock_line line;
    struct clock_prior prior = { .rate_ppt = 30 * PPT_PER_PPM,
                                 .sd_ppt = 2 * PPT_PER_PPM };
    struct clock_sample s = sample_at(5000, NS_PER_S, 300, 300);

    (void)state;
    clock_filter_init(&f, &params, test_heap(), &prior);
    clock_filter_line(&f, &line);
    assert_false(line.is_valid);
    assert_false(clock_filter_prior(&f, &prior));
    assert_int_equal(clock_filter_add(&f, &s), CLOCK_ACCEPTED);
    clock_filter_line(&f, &line);
    assert_true(line.is_valid);
    assert_int_equal(line.local_ns, 5800);
    assert_int_equal(line.remote_ns, 5800 + NS_PER_S);
    assert_int_equal(line.rate_ppt, 30 * PPT_PER_PPM);
    assert_true(line.bound_ns >= 300);
    clock_filter_finish(&f);
}

static void test_refused(void **state)
{
    static const struct {
        const char *fact;
        struct clock_sample s;
    } cases[] = {
        { "reply before request", { 2000000000000, 0, 0, 1999999999999 } },
        { "sent there before it was received", { 2000000000000, 10, 9, 2000000001000 } },
        { "held longer than the round trip", { 2000000000000, 0, 2000, 2000000001000 } },
        { "slower than a second", { 2000000000000, 0, 0, 2000000000000 + NS_PER_S + 1 } },
        { "far in the past there",
          { 2000000000000, INT64_MIN, INT64_MIN, 2000000001000 } },
        { "far in the future there",
          { 2000000000000, INT64_MAX, INT64_MAX, 2000000001000 } },
        { "held for ever", { 2000000000000, INT64_MIN, INT64_MAX, 2000000001000 } },
        { "older than the last one", { 900, 1000, 1100, 1200 } },
    };
    struct clock_params params = clock_params_default();
    struct clock_filter f;
    struct clock_line before;
    struct clock_line after;
    int64_t at = NS_PER_S;

    (void)state;
    clock_filter_init(&f, &params, test_heap(), NULL);
    feed(&f, &at, 20, 77);
    clock_filter_line(&f, &before);
    for (int i = 0; i < COUNT(cases); i++) {
        print_message("%s\n", cases[i].fact);
        assert_int_equal(clock_filter_add(&f, &cases[i].s), CLOCK_REFUSED);
    }
    clock_filter_line(&f, &after);
    assert_memory_equal(&before, &after, sizeof(before));
    assert_int_equal(f.refused, COUNT(cases));
    clock_filter_finish(&f);
}

static void test_gate(void **state)
{
    struct clock_params params = clock_params_default();
    struct clock_filter f;
    struct clock_line line;
    struct clock_sample s;
    int64_t at = 0;

    (void)state;
    clock_filter_init(&f, &params, test_heap(), NULL);
    feed(&f, &at, 200, 0);
    for (int i = 0; i < 5; i++) { /* two misfits, then a fit: nothing happens */
        s = sample_at(at += NS_PER_S, NS_PER_S, 100000, 100000);
        assert_int_equal(clock_filter_add(&f, &s), CLOCK_GATED);
        s = sample_at(at += NS_PER_S, NS_PER_S, 100000, 100000);
        assert_int_equal(clock_filter_add(&f, &s), CLOCK_GATED);
        s = sample_at(at += NS_PER_S, 0, 100000, 100000);
        assert_int_equal(clock_filter_add(&f, &s), CLOCK_ACCEPTED);
    }
    /* Delay alone is never a misfit. */
    s = sample_at(at += NS_PER_S, 0, 100000, 900 * NS_PER_MS);
    assert_int_equal(clock_filter_add(&f, &s), CLOCK_ACCEPTED);
    for (int i = 0; i < 3; i++) {
        s = sample_at(at += NS_PER_S, NS_PER_S, 100000, 100000);
        assert_int_equal(clock_filter_add(&f, &s), i < 2 ? CLOCK_GATED : CLOCK_RESET);
    }
    clock_filter_line(&f, &line);
    assert_int_equal(line.remote_ns, line.local_ns + NS_PER_S);
    assert_int_equal(f.resets, 1);
    assert_int_equal(f.gated, 12);
    clock_filter_finish(&f);
}

static void test_drop_keeps_rate(void **state)
{
    struct clock_params params = clock_params_default();
    struct clock_filter f;
    struct clock_prior prior;
    struct clock_line line;
    int64_t at = 0;

    (void)state;
    clock_filter_init(&f, &params, test_heap(), NULL);
    for (int i = 0; i < 300; i++, at += NS_PER_S) {
        struct clock_sample s = sample_at(at, i * 20000, 100000, 100000);

        (void)clock_filter_add(&f, &s);
    }
    assert_true(clock_filter_prior(&f, &prior));
    assert_true(prior.rate_ppt > 19900000 && prior.rate_ppt < 20100000);
    assert_true(prior.sd_ppt < PPT_PER_PPM / 2);
    clock_filter_drop(&f);
    clock_filter_line(&f, &line);
    assert_false(line.is_valid);
    feed(&f, &at, 1, 5);
    clock_filter_line(&f, &line);
    assert_true(line.rate_ppt > 19900000 && line.rate_ppt < 20100000);
    assert_true(clock_filter_prior(&f, &prior));
    assert_true(prior.sd_ppt >= PPT_PER_PPM);
    clock_filter_finish(&f);
}

static void test_stats(void **state)
{
    struct clock_params params = clock_params_default();
    struct clock_filter f;
    struct clock_stats stats;
    int64_t at = 0;

    (void)state;
    clock_filter_init(&f, &params, test_heap(), NULL);
    clock_filter_stats(&f, 0, &stats);
    assert_int_equal(stats.samples, 0);
    assert_int_equal(stats.bound_ns, TIME_NEVER);
    for (int i = 0; i < 100; i++, at += NS_PER_S) {
        struct clock_sample s = sample_at(at, 0, 100000, 100000 + (i * 37 % 100) * 1000);

        (void)clock_filter_add(&f, &s);
    }
    clock_filter_stats(&f, at, &stats);
    assert_int_equal(stats.samples, 100);
    assert_int_equal(stats.accepted, 100);
    assert_int_equal(stats.rtt_min_ns, 200000);
    assert_int_equal(stats.rtt_median_ns, 250000);
    assert_int_equal(stats.rtt_p95_ns, 294000);
    assert_true(stats.sigma_ns > 0 && stats.bound_ns > stats.sigma_ns);
    assert_true(stats.age_ns > 0);
    clock_filter_finish(&f);
}

/* What fit() maximises, by its definition: over all samples, for one rate. */
static double worth(const struct clock_filter *before, const struct clock_filter *f,
                    const struct clock_sample *s, int n, double rate)
{
    double least = f->params->rate_floor;
    double sd2 = before->rate_prior_sd * before->rate_prior_sd + least * least;
    double off = rate - before->rate_prior;
    double upper = 1e9;
    double lower = 1e9;

    for (int i = 0; i < n; i++) {
        int64_t at_ns = s[i].t1_ns + (s[i].t4_ns - s[i].t1_ns) / 2;
        double age = (double)(f->at_ns - at_ns) / 1e9;
        double loose = f->wander * age * sqrt(age);
        double u = (double)(s[i].t2_ns - s[i].t1_ns - f->origin_ns) / 1e9;
        double l = (double)(s[i].t3_ns - s[i].t4_ns - f->origin_ns) / 1e9;

        upper = fmin(upper, u + loose + rate * age);
        lower = fmin(lower, -l + loose - rate * age);
    }
    return (upper + lower) / 2 - before->noise / sd2 * off * off / 2;
}

/* No rate is better than the one that is found, and the median is that of the people. */
static void check_best(uint64_t seed)
{
    struct clock_params params = clock_params_default();
    struct clock_sample samples[60];
    struct clock_filter f;
    struct rng r;
    int64_t at = 0;

    rng_seed(&r, seed);
    clock_filter_init(&f, &params, test_heap(), NULL);
    for (int i = 0; i < COUNT(samples); i++, at += 100000000) {
        struct clock_filter before = f;
        struct clock_stats stats;
        double best;

        samples[i] = sample_at(at, (int64_t)seed * i * 500,
                               100000 + rng_below(&r, 2000000),
                               100000 + rng_below(&r, 2000000));
        assert_int_equal(clock_filter_add(&f, &samples[i]), CLOCK_ACCEPTED);
        best = worth(&before, &f, samples, i + 1, f.rate);
        for (int k = -200; k <= 200; k++) {
            double far = params.rate_max * k / 200;
            double near = f.rate + 1e-9 * k;

            assert_true(worth(&before, &f, samples, i + 1, far) <= best + 1e-12);
            assert_true(worth(&before, &f, samples, i + 1, near) <= best + 1e-12);
        }
        clock_filter_stats(&f, at, &stats);
        assert_int_equal(f.trip_median_ns, stats.rtt_median_ns);
        assert_int_equal(f.trip_least_ns, stats.rtt_min_ns);
    }
    clock_filter_drop(&f);
    assert_int_equal(f.trip_median_ns, 0);
    clock_filter_finish(&f);
}

static void test_best(void **state)
{
    (void)state;
    for_each_seed(5, check_best);
}

/* Whatever stamps a peer makes up, nothing breaks, and the numbers stay in their ranges.
 */
static void check_liar(uint64_t seed)
{
    struct clock_params params = clock_params_default();
    struct clock_filter f;
    struct rng r;
    int64_t at = 0;

    rng_seed(&r, seed);
    clock_filter_init(&f, &params, test_heap(), NULL);
    for (int i = 0; i < 600; i++) {
        int64_t trip = rng_below(&r, NS_PER_S);
        int64_t scale = INT64_C(1) << rng_below(&r, 62);
        int64_t t2 = rng_below(&r, scale) - scale / 2;
        struct clock_sample s = { at, t2, t2 + rng_below(&r, trip + 2), at + trip };
        struct clock_line line;
        struct clock_stats stats;

        (void)clock_filter_add(&f, &s);
        clock_filter_line(&f, &line);
        clock_filter_stats(&f, at, &stats);
        assert_true(!line.is_valid || line.bound_ns >= 0);
        assert_true(!line.is_valid || line.bound_ppt >= 0);
        assert_true(fabs((double)line.rate_ppt) <= params.rate_max * 1e12 + PPT_PER_PPM);
        assert_in_range(stats.samples, 0, CLOCK_WINDOW_MAX);
        assert_in_range(stats.floors, 0, CLOCK_BUCKETS_MAX);
        at += rng_below(&r, 100 * NS_PER_S);
    }
    clock_filter_finish(&f);
    assert_int_equal(test_heap()->used, 0);
}

static void test_liar(void **state)
{
    (void)state;
    for_each_seed(20, check_liar);
}

/* The same samples at another epoch of either clock give the same line there. */
static void check_epoch(uint64_t seed)
{
    static const int64_t shifts[] = { -77777 * NS_PER_S, INT64_C(1) << 55 };
    struct clock_params params = clock_params_default();

    for (int i = 0; i < COUNT(shifts); i++) {
        struct clock_filter a;
        struct clock_filter b;
        struct clock_line x;
        struct clock_line y;
        struct rng r;
        int64_t at = 0;
        int64_t utc = INT64_C(1767225600) * NS_PER_S;

        rng_seed(&r, seed);
        clock_filter_init(&a, &params, test_heap(), NULL);
        clock_filter_init(&b, &params, test_heap(), NULL);
        for (int k = 0; k < 100; k++, at += NS_PER_S) {
            struct clock_sample s = sample_at(at, 0, 50000 + rng_below(&r, 20000),
                                              50000 + rng_below(&r, 20000));
            struct clock_sample moved = { s.t1_ns + shifts[i], s.t2_ns + utc,
                                          s.t3_ns + utc, s.t4_ns + shifts[i] };

            assert_int_equal(clock_filter_add(&a, &s), clock_filter_add(&b, &moved));
        }
        clock_filter_line(&a, &x);
        clock_filter_line(&b, &y);
        assert_int_equal(x.local_ns + shifts[i], y.local_ns);
        assert_int_equal(x.remote_ns + utc, y.remote_ns);
        assert_int_equal(x.rate_ppt, y.rate_ppt);
        assert_int_equal(x.bound_ns, y.bound_ns);
        clock_filter_finish(&a);
        clock_filter_finish(&b);
    }
}

static void test_epoch(void **state)
{
    (void)state;
    for_each_seed(5, check_epoch);
}

/* Of a small step some samples tell nothing, and it takes some luck to see it at all: at
 * worst about four seconds, since nothing speaks for the old line meanwhile. */
static void test_small_steps(void **state)
{
    struct clock_params params = clock_params_default();
    static const struct model_setup setup = {
        .network = MODEL_WIFI, .seconds = 1100, .step = 0.005, .step_at = 1000
    };

    (void)state;
    for (uint64_t seed = 5001; seed <= 5024; seed++) {
        struct model_result r;

        model_run(&setup, &params, seed, &r);
        assert_in_range(r.violations, 0, 2);
        assert_int_equal(r.resets, 1);
        assert_true(r.recovered < 4.2);
    }
}

/* Where nothing says how short a round trip can be, the floors lie close to each other,
 * and a line between them may be off by more than half of their gap: it can be turned. */
static void test_bound_without_floor(void **state)
{
    struct clock_params params = clock_params_default();
    static const struct model_setup setup = { .network = MODEL_RIG_WIFI, .seconds = 600 };
    int violations = 0;

    (void)state;
    for (uint64_t seed = 9001; seed <= 9010; seed++) {
        struct model_result r;

        model_run(&setup, &params, seed, &r);
        violations += r.violations;
    }
    print_message("%d of 60000 beyond the bound\n", violations);
    assert_true(violations < 60);
}

/* A round trip that is much too short is a broken stamp; three are a shorter way. */
static void test_short_trips(void **state)
{
    struct clock_params params = clock_params_default();
    struct clock_filter f;
    struct clock_line line;
    int64_t at_ns = 0;

    (void)state;
    clock_filter_init(&f, &params, test_heap(), NULL);
    for (int i = 0; i < 100; i++, at_ns += NS_PER_S) {
        struct clock_sample s = sample_at(at_ns, 0, 2000000, 2000000);

        assert_int_equal(clock_filter_add(&f, &s), CLOCK_ACCEPTED);
    }
    for (int i = 0; i < 40; i++, at_ns += NS_PER_S) {
        bool is_bad = i % 20 == 5;
        struct clock_sample s = sample_at(at_ns, 0, 2000000, is_bad ? 300000 : 2000000);

        assert_int_equal(clock_filter_add(&f, &s), is_bad ? CLOCK_GATED : CLOCK_ACCEPTED);
    }
    clock_filter_line(&f, &line);
    assert_in_range(line.bound_ns, 1990000, 2100000);
    for (int i = 0; i < 20; i++, at_ns += NS_PER_S) {
        struct clock_sample s = sample_at(at_ns, 0, 800000, 800000);

        assert_int_equal(clock_filter_add(&f, &s), i < 2 ? CLOCK_GATED : CLOCK_ACCEPTED);
    }
    clock_filter_line(&f, &line);
    assert_in_range(line.bound_ns, 790000, 900000);
    assert_in_range(line.remote_ns - line.local_ns + 5000, 0, 10000);
    clock_filter_finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_sample),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_gate),
        cmocka_unit_test(test_drop_keeps_rate),
        cmocka_unit_test(test_stats),
        cmocka_unit_test(test_liar),
        cmocka_unit_test(test_epoch),
        cmocka_unit_test(test_gates),
        cmocka_unit_test(test_small_steps),
        cmocka_unit_test(test_short_trips),
        cmocka_unit_test(test_bound_without_floor),
        cmocka_unit_test(test_best),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
