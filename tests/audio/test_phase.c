/* The phase loop in virtual time, against cards that report their position as real ones
 * do. SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <math.h>

#include "audio/phase.h"
#include "base/rng.h"
#include "base/time.h"

#define RATE 48000

/* A card as its driver shows it. */
struct model {
    const char *name;
    int rate;
    double ppm;
    double step; /* frames, may be a fraction: 44.1 at 44100 Hz over USB */
    double jitter_us;
    double wander;   /* of its rate, per sqrt(s) */
    double settle_s; /* the limits hold from then on */
    double p50_us;
    double p99_us;
    double max_us;
    double late_share; /* so many of its stamps lie late, … */
    double late_us;    /* … by up to this */
};

struct course {
    struct phase phase;
    struct servo servo;
    struct phase_params params;
    struct rng rng;
    double now_s;
    double frames; /* true, played */
    double ppm;
    double media_s; /* of music written, up to frame written */
    int64_t written;
    double step; /* of the resampler */
    double origin_s;
    int resyncs;
};

static double uniform(struct rng *r)
{
    return (double)rng_below(r, 1000000001) / 1e9;
}

/* Time passes; the card plays. */
static void pass(struct course *c, const struct model *m, double s)
{
    double kick = (uniform(&c->rng) - 0.5) * sqrt(12) * m->wander * sqrt(s);

    c->ppm += kick * 1e6;
    c->now_s += s;
    c->frames += s * m->rate * (1 + c->ppm * 1e-6);
}

static void read_position(struct course *c, const struct model *m)
{
    double known = floor(floor(c->frames / m->step) * m->step);
    double off_s = (uniform(&c->rng) - 0.5) * 2 * m->jitter_us * 1e-6;

    if (uniform(&c->rng) < m->late_share) {
        off_s += uniform(&c->rng) * m->late_us * 1e-6;
    }
    (void)phase_add(&c->phase, (int64_t)known, (int64_t)((c->now_s + off_s) * 1e9));
}

/* Write up to 0.2 s ahead in chunks, as the engine does: media must be at the instant's
 * own number of seconds.  Returns nothing; c->media_s moves. */
static void fill(struct course *c, const struct model *m)
{
    int64_t until = (int64_t)(c->frames + 0.2 * m->rate);

    while (c->written + 480 <= until) {
        int64_t at_ns = phase_instant(&c->phase, c->written);
        int64_t error = (int64_t)((c->media_s - ((double)at_ns * 1e-9 - c->origin_s)) *
                                  1e9);
        double need = (1 + c->phase.rate_error) / m->rate;

        if (servo_step(&c->servo, error, need, at_ns, &c->step) == SERVO_ANCHOR) {
            c->resyncs++;
            c->media_s = (double)at_ns * 1e-9 - c->origin_s;
            servo_place(&c->servo, at_ns);
            servo_acquire(&c->servo, at_ns);
            continue;
        }
        c->media_s += 480 * c->step;
        c->written += 480;
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static void start(struct course *c, const struct model *m, uint64_t seed)
{
    memset(c, 0, sizeof(*c));
    rng_seed(&c->rng, seed);
    c->params = phase_params_default();
    phase_init(&c->phase, &c->params, m->rate);
    servo_init(&c->servo, &c->params);
    c->now_s = 100;
    c->ppm = m->ppm;
    while (!phase_is_locked(&c->phase)) {
        pass(c, m, 0.007 + 0.006 * uniform(&c->rng));
        read_position(c, m);
    }
    c->written = (int64_t)(c->frames + 0.05 * m->rate);
    c->origin_s = (double)phase_instant(&c->phase, c->written) * 1e-9;
    servo_acquire(&c->servo, phase_instant(&c->phase, c->written));
    servo_place(&c->servo, phase_instant(&c->phase, c->written));
}

/* The truth: at which instant does the frame to be written next leave, and what is it? */
static double true_error_us(const struct course *c, const struct model *m)
{
    double at_s = c->now_s +
                  ((double)c->written - c->frames) / (m->rate * (1 + c->ppm * 1e-6));

    return (c->media_s - (at_s - c->origin_s)) * 1e6;
}

static void run_model(const struct model *m, uint64_t seed)
{
    static double errors[40000];
    struct course c;
    double bias = 0;
    int count = 0;

    start(&c, m, seed);
    for (int i = 0; i < 30000; i++) { /* five minutes */
        pass(&c, m, 0.007 + 0.006 * uniform(&c.rng));
        read_position(&c, m);
        fill(&c, m);
        if (c.now_s > 100 + m->settle_s) {
            errors[count++] = fabs(true_error_us(&c, m));
            bias += true_error_us(&c, m);
        }
    }
    qsort(errors, (size_t)count, sizeof(errors[0]), compare);
    print_message(
        "%-22s seed %d: p50 %5.1f p99 %5.1f max %5.1f bias %5.1f us, granularity %.1f\n",
        m->name, (int)seed, errors[count / 2], errors[count * 99 / 100],
        errors[count - 1], bias / count, c.phase.granularity);
    assert_int_equal(c.resyncs, 0);
    assert_true(fabs(bias / count) <= 20);
    assert_true(errors[count / 2] <= m->p50_us);
    assert_true(errors[count * 99 / 100] <= m->p99_us);
    assert_true(errors[count - 1] <= m->max_us);
}

static const struct model models[] = {
    { "I2S, 35 ppm", RATE, 35, 1, 5, 1e-8, 5, 1.5, 3, 8, 0, 0 },
    { "I2S, -150 ppm", RATE, -150, 1, 5, 1e-8, 5, 1.5, 3, 8, 0, 0 },
    { "64-frame FIFO", RATE, 35, 64, 5, 1e-8, 30, 14, 35, 60, 0, 0 },
    { "USB 1 ms, 48 kHz", RATE, -35, 48, 20, 1e-8, 30, 14, 35, 60, 0, 0 },
    { "USB 1 ms, 44.1 kHz", 44100, 20, 44.1, 20, 1e-8, 30, 14, 35, 60, 0, 0 },
    { "5 ms steps", RATE, 60, 240, 5, 1e-8, 30, 10, 40, 50, 0, 0 },
    { "10 ms steps", RATE, 35, 480, 5, 1e-8, 45, 15, 60, 80, 0, 0 },
    { "21 ms steps", RATE, -60, 1024, 5, 1e-8, 60, 20, 60, 100, 0, 0 },
    { "1 ms, 5 % 1 ms late", RATE, 60, 48, 5, 1e-8, 30, 10, 40, 50, 0.05, 1000 },
    { "5 ms, 10 % 1 ms late", RATE, 60, 240, 5, 1e-8, 30, 20, 50, 60, 0.1, 1000 },
    { "10 ms, 10 % .5 ms late", RATE, 60, 480, 5, 1e-8, 60, 15, 60, 100, 0.1, 500 },
    { "21 ms, 5 % 1 ms late", RATE, 60, 1024, 5, 1e-8, 60, 20, 60, 100, 0.05, 1000 },
    { "1 ms, 100 us to and fro", RATE, -35, 48, 100, 1e-8, 30, 20, 40, 60, 0, 0 },
    { "5 ms, 100 us to and fro", RATE, -35, 240, 100, 1e-8, 30, 20, 40, 60, 0, 0 },
    { "5 ms steps, 44.1 kHz", 44100, 20, 220.5, 20, 1e-8, 30, 20, 60, 80, 0, 0 },
};

static void all_models(uint64_t seed)
{
    for (int i = 0; i < COUNT(models); i++) {
        run_model(&models[i], seed);
    }
}

static void test_cards_are_followed(void **state)
{
    (void)state;
    for_each_seed(6, all_models);
}

/* Where the first music is, 0.1 s after the card has started. */
static void test_first_lock_is_near(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(models); i++) {
        double worst = 0;

        for (uint64_t seed = 1; seed <= 30; seed++) {
            struct course c;

            start(&c, &models[i], seed);
            worst = fmax(worst, fabs(true_error_us(&c, &models[i])));
        }
        print_message("%-22s first lock within %.0f us\n", models[i].name, worst);
        assert_true(worst <= 30 + models[i].step / models[i].rate * 1e6 * 0.4);
    }
}

static void test_granularity_is_found(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(models); i++) {
        for (uint64_t seed = 1; seed <= 20; seed++) {
            struct course c;

            start(&c, &models[i], seed);
            assert_true(fabs(c.phase.granularity - models[i].step) < 0.2);
        }
    }
}

/* A step of the driver's counter is followed after a few readings, one bad one is not. */
static void test_moves_and_outliers(void **state)
{
    const struct model *m = &models[0];
    struct course c;
    int64_t before;
    int moved = 0;

    (void)state;
    start(&c, m, 7);
    for (int i = 0; i < 300; i++) {
        pass(&c, m, 0.007 + 0.006 * uniform(&c.rng));
        read_position(&c, m);
    }
    before = phase_instant(&c.phase, 100000);
    assert_int_equal(
        phase_add(&c.phase, (int64_t)c.frames, (int64_t)(c.now_s * 1e9) + 5 * NS_PER_MS),
        PHASE_DROPPED);
    assert_true(llabs(phase_instant(&c.phase, 100000) - before) < 2000);
    for (int i = 0; i < 20 && moved == 0; i++) {
        pass(&c, m, 0.007 + 0.006 * uniform(&c.rng));
        moved = phase_add(&c.phase, (int64_t)c.frames + 480, (int64_t)(c.now_s * 1e9)) ==
                PHASE_MOVED;
    }
    assert_true(moved);
    assert_int_equal(c.phase.moves, 1);
    assert_true(fabs(phase_frame(&c.phase, (int64_t)(c.now_s * 1e9)) - c.frames - 480) <
                2);
}

static void test_frame_and_instant_are_inverse(void **state)
{
    struct course c;

    (void)state;
    start(&c, &models[0], 3);
    for (int64_t frame = -100000; frame < 1000000; frame += 7777) {
        assert_true(fabs(phase_frame(&c.phase, phase_instant(&c.phase, frame)) -
                         (double)frame) < 1e-4);
    }
}

/* Caps and slew: 500 ppm and 1000 ppm/s while acquiring, 150 and 18 afterwards. */
static void test_servo_is_gentle(void **state)
{
    struct phase_params params = phase_params_default();
    struct servo s;
    double step = 0;
    double last = 1;

    (void)state;
    servo_init(&s, &params);
    servo_acquire(&s, 0);
    servo_place(&s, 0);
    assert_int_equal(servo_step(&s, 0, 1.0, 0, &step), SERVO_GO);
    assert_true(step == 1.0);
    for (int64_t t = 0; t < 20 * NS_PER_S; t += 10 * NS_PER_MS) {
        bool is_acquiring = t < 5 * NS_PER_S;

        assert_int_equal(servo_step(&s, 4 * NS_PER_MS, 1.0, t, &step), SERVO_GO);
        assert_true(fabs(step - last) <= (is_acquiring ? 10.01e-6 : 0.181e-6));
        last = step;
        if (t == 4 * NS_PER_S) {
            assert_true(fabs(step - (1 - 500e-6)) < 1e-9);
        }
    }
    /* (500 - 150) ppm at 18 ppm/s take 19.4 s. */
    for (int64_t t = 20 * NS_PER_S; t < 26 * NS_PER_S; t += 10 * NS_PER_MS) {
        assert_int_equal(servo_step(&s, 4 * NS_PER_MS, 1.0, t, &step), SERVO_GO);
    }
    assert_true(fabs(step - (1 - 150e-6)) < 1e-9);
}

static void test_servo_gives_up_when_far_off(void **state)
{
    struct phase_params params = phase_params_default();
    struct servo s;
    double step;

    (void)state;
    servo_init(&s, &params);
    servo_place(&s, 0);
    assert_int_equal(servo_step(&s, 6 * NS_PER_MS, 1.0, NS_PER_S, &step), SERVO_GO);
    assert_int_equal(
        servo_step(&s, 6 * NS_PER_MS, 1.0, NS_PER_S + 240 * NS_PER_MS, &step), SERVO_GO);
    assert_int_equal(
        servo_step(&s, 6 * NS_PER_MS, 1.0, NS_PER_S + 250 * NS_PER_MS, &step),
        SERVO_ANCHOR);
    servo_place(&s, 22 * NS_PER_S);
    assert_int_equal(servo_step(&s, -21 * NS_PER_MS, 1.0, 22 * NS_PER_S, &step),
                     SERVO_ANCHOR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cards_are_followed),
        cmocka_unit_test(test_first_lock_is_near),
        cmocka_unit_test(test_granularity_is_found),
        cmocka_unit_test(test_moves_and_outliers),
        cmocka_unit_test(test_frame_and_instant_are_inverse),
        cmocka_unit_test(test_servo_is_gentle),
        cmocka_unit_test(test_servo_gives_up_when_far_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
