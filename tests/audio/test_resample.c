/* Where the resampler puts each frame, and how clean it is.  SPDX-License-Identifier: MIT
 */
#include "tests/check.h"

#include <math.h>

#include "audio/resample.h"

#define PI    3.14159265358979323846
#define BLOCK 480

/* A sine on the left and its cosine on the right, defined for every frame. */
struct tone {
    double w;      /* radians per input frame */
    int64_t limit; /* no frames from here on, for now */
};

static int fetch_tone(void *ctx, int64_t frame, int count, float *to)
{
    const struct tone *t = ctx;
    int n = 0;

    for (; n < count && frame + n < t->limit; n++) {
        to[2 * n] = (float)sin(t->w * (double)(frame + n));
        to[2 * n + 1] = (float)cos(t->w * (double)(frame + n));
    }
    return n;
}

struct result {
    double late_us; /* largest shift of the tone against where it belongs */
    double snr_db;
};

/* Play a tone of hz from a fractional position, with a step that wanders by ppm. */
static struct result play(enum resample_quality quality, int rate_in, int rate_out,
                          double hz, double position, double ppm)
{
    struct tone t = { 2 * PI * hz / rate_in, INT64_MAX };
    struct resample_source source = { fetch_tone, &t };
    struct resample *r;
    float out[2 * BLOCK];
    double noise = 0;
    double signal = 0;
    double worst = 0;
    double at = position;

    assert_int_equal(resample_create(&r, quality), 0);
    resample_start(r, position);
    for (int block = 0; block < 200; block++) {
        double step = (double)rate_in / rate_out * (1 + ppm * 1e-6 * sin(block * 0.1));
        double dot = 0;
        double cross = 0;

        assert_int_equal(resample_run(r, &source, step, out, BLOCK), BLOCK);
        for (int i = 0; i < BLOCK; i++) {
            double a = t.w * (at + i * step);
            double s = sin(a);
            double c = cos(a);

            noise += (out[2 * i] - s) * (out[2 * i] - s);
            signal += s * s;
            dot += out[2 * i] * s + out[2 * i + 1] * c;
            cross += out[2 * i] * c - out[2 * i + 1] * s;
        }
        worst = fmax(worst, fabs(atan2(cross, dot) / t.w / rate_in * 1e6));
        at += BLOCK * step;
        assert_true(fabs(at - resample_position(r)) < 1e-6);
    }
    resample_destroy(r);
    return (struct result){ worst, 10 * log10(signal / noise) };
}

static void test_positions_are_exact(void **state)
{
    static const struct {
        const char *name;
        enum resample_quality quality;
        int in;
        int out;
        double hz;
        double position;
        double ppm;
        double snr_db;
    } rows[] = {
        { "same rate", RESAMPLE_MEDIUM, 48000, 48000, 1000, 0, 0, 110 },
        { "40 ppm", RESAMPLE_MEDIUM, 48000, 48000, 1000, 5000.25, 40, 110 },
        { "40 ppm, high", RESAMPLE_MEDIUM, 48000, 48000, 15000, 777.77, 40, 95 },
        { "500 ppm", RESAMPLE_MEDIUM, 48000, 48000, 997, 123456.789, 500, 110 },
        { "44.1 to 48", RESAMPLE_MEDIUM, 44100, 48000, 1000, 1000.5, 60, 100 },
        { "48 to 44.1", RESAMPLE_MEDIUM, 48000, 44100, 1000, 1000.5, 60, 100 },
        { "192 to 48", RESAMPLE_MEDIUM, 192000, 48000, 1000, 9.99, 60, 90 },
        { "8 to 48", RESAMPLE_MEDIUM, 8000, 48000, 440, 31.4159, 60, 90 },
        { "fast", RESAMPLE_FAST, 44100, 48000, 1000, 1000.001, 60, 90 },
        { "far out", RESAMPLE_MEDIUM, 48000, 48000, 1000, 1e9 + 0.5, 60, 80 },
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        struct result r = play(rows[i].quality, rows[i].in, rows[i].out, rows[i].hz,
                               rows[i].position, rows[i].ppm);

        print_message("%-14s %6.3f us, %.1f dB\n", rows[i].name, r.late_us, r.snr_db);
        assert_true(r.late_us <= 0.5);
        assert_true(r.snr_db >= rows[i].snr_db);
    }
}

static int fetch_impulse(void *ctx, int64_t frame, int count, float *to)
{
    memset(to, 0, (size_t)count * 2 * sizeof(float));
    for (int i = 0; i < count; i++) {
        if (frame + i == *(int64_t *)ctx) {
            to[2 * i] = 1;
        }
    }
    return count;
}

/* An impulse between two frames of the output has its centre of gravity there. */
static void test_impulse_is_where_it_belongs(void **state)
{
    (void)state;
    for (double fraction = 0.05; fraction < 1; fraction += 0.1) {
        int64_t where = 10000;
        struct resample_source source = { fetch_impulse, &where };
        struct resample *r;
        float out[2 * 200];
        double sum = 0;
        double moment = 0;

        assert_int_equal(resample_create(&r, RESAMPLE_MEDIUM), 0);
        resample_start(r, (double)where - 100 + fraction);
        assert_int_equal(resample_run(r, &source, 1.0, out, 200), 200);
        for (int i = 0; i < 200; i++) {
            sum += out[2 * i];
            moment += i * out[2 * i];
        }
        assert_true(fabs(moment / sum - (100 - fraction)) < 0.024); /* 0.5 us */
        resample_destroy(r);
    }
}

static void test_start_of_song_is_not_lost(void **state)
{
    int64_t where = 0;
    struct resample_source source = { fetch_impulse, &where };
    struct resample *r;
    float out[2 * 64];

    (void)state;
    assert_int_equal(resample_create(&r, RESAMPLE_MEDIUM), 0);
    resample_start(r, 0);
    assert_int_equal(resample_run(r, &source, 1.0, out, 64), 64);
    assert_true(out[0] > 0.9f);
    assert_true(fabsf(out[2 * 20]) < 0.05f);
    resample_destroy(r);
}

static void test_starved_then_goes_on_in_place(void **state)
{
    struct tone t = { 0.13, 5000 };
    struct resample_source source = { fetch_tone, &t };
    struct resample *r;
    float out[2 * 1000];
    int n;

    (void)state;
    assert_int_equal(resample_create(&r, RESAMPLE_MEDIUM), 0);
    resample_start(r, 4500.5);
    n = resample_run(r, &source, 1.0, out, 1000);
    assert_true(n > 400 && n < 500);
    assert_true(resample_position(r) == 4500.5 + n);
    t.limit = INT64_MAX;
    assert_int_equal(resample_run(r, &source, 1.0, out + 2 * n, 1000 - n), 1000 - n);
    for (int i = 0; i < 1000; i++) {
        assert_true(fabs(out[2 * i] - sin(0.13 * (4500.5 + i))) < 1e-4);
    }
    resample_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_positions_are_exact),
        cmocka_unit_test(test_impulse_is_where_it_belongs),
        cmocka_unit_test(test_start_of_song_is_not_lost),
        cmocka_unit_test(test_starved_then_goes_on_in_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
