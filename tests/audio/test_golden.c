/* What is audible at T: whole players in virtual time, judged by the samples that left
 * their cards.  SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "tests/audio/stage.h"

#define MS NS_PER_MS
#define S  NS_PER_S

static struct stage stage;

/* The rate at which the song was played about frame i, by a line through what was emitted
 * within +-0.5 s, against the song's own: ppm. */
static double rate_ppm(const struct tape *t, int64_t i, int64_t begin_ns)
{
    int64_t reach = STAGE_RATE / 2;
    double middle = tape_error_us(t, i, 0, begin_ns);
    double xy = 0;
    double xx = 0;

    for (int64_t k = -reach; k <= reach; k += 16) {
        double x = (double)(t->true_ns[i + k] - t->true_ns[i]) / 1e9;

        xy += x * (tape_error_us(t, i + k, 0, begin_ns) - middle);
        xx += x * x;
    }
    return xy / xx;
}

/* The song begins at full height, out of nothing: the resampler rings about that edge for
 * a millisecond, as it must. */
#define EDGE (STAGE_RATE / 1000)

/* No frame of [from, until) is missing, repeated or out of place by more than a
 * microsecond against the one before: a frame is 21. */
static void check_unbroken(const struct tape *t, int64_t from, int64_t until,
                           int64_t begin_ns)
{
    double last = tape_error_us(t, from, 0, begin_ns);

    for (int64_t i = from + 1; i < until; i++) {
        double e = tape_error_us(t, i, 0, begin_ns);

        if (fabs(e - last) > 1 || t->loud[i] < 0.4f) {
            print_message("at %.3f s: %.2f us, then %.2f us, loud %.3f\n",
                          (double)(t->true_ns[i] - begin_ns) / 1e9, last, e, t->loud[i]);
        }
        assert_true(fabs(e - last) <= 1);
        assert_true(t->loud[i] > 0.4f);
        last = e;
    }
}

static double worst_us(const struct tape *t, int64_t from_ns, int64_t until_ns,
                       int64_t begin_ns)
{
    double worst = 0;

    for (int64_t i = tape_at(t, from_ns); i < tape_at(t, until_ns); i++) {
        worst = fmax(worst, fabs(tape_error_us(t, i, 0, begin_ns)));
    }
    return worst;
}

static const struct kind {
    const char *options;
    int begin_ms;    /* of the song, after the card is opened: a coarse one locks late */
    double first_us; /* of the first audible frame */
    double later_us; /* from five seconds on */
} kinds[] = {
    { "ppm=0", 600, 12, 3 },
    { "ppm=60", 600, 30, 3 },
    { "ppm=-60,jitter_us=20", 600, 30, 10 },
    { "ppm=25,period=48", 600, 300, 60 },
    { "ppm=-40,period=64,rate=44100", 600, 400, 60 },
    { "ppm=60,period=240", 1000, 300, 60 },
    { "ppm=-60,period=480", 1000, 600, 100 },
    { "ppm=60,period=1024", 1000, 800, 100 },
};

/* The first frame leaves at its instant, as loud as it is written, and the rate that
 * follows is no warble: at most 500 ppm off for the first five seconds. */
static void test_first_frame_is_in_its_place(void **state)
{
    (void)state;
    for (int k = 0; k < COUNT(kinds); k++) {
        int64_t begin = STAGE_EPOCH + kinds[k].begin_ms * MS;
        struct actor *a;
        struct tape t;
        int64_t i;

        stage_open(&stage, 15);
        stage.actors[0].clock_offset_ns = 3 * S;
        stage.actors[0].clock_ppb = 40000;
        a = stage_enter(&stage, 0, kinds[k].options);
        stage_set_clock(a, 0);
        stage_play(a, begin);
        stage_run_until(&stage, begin + 10 * S);
        assert_int_equal(a->engine.report.resyncs, 0);
        t = stage_tape(a);
        i = tape_sound(&t, 0);
        print_message(
            "%-30s first sound %+.1f us off, begins %+.1f us, from 5 s on %.1f\n",
            kinds[k].options, (double)(t.true_ns[i] - begin) / 1e3,
            tape_error_us(&t, i, 0, begin),
            worst_us(&t, begin + 5 * S, begin + 9 * S, begin));
        assert_true(fabs(tape_error_us(&t, i, 0, begin)) <= kinds[k].first_us);
        assert_true(llabs(t.true_ns[i] - begin) <= kinds[k].first_us * 1e3 + 25e3);
        assert_true(t.loud[i] > 0.4f);
        check_unbroken(&t, i + EDGE, tape_at(&t, begin + 9 * S), begin);
        for (int64_t at = begin + 600 * MS; at < begin + 9 * S; at += 100 * MS) {
            assert_true(fabs(rate_ppm(&t, tape_at(&t, at), begin)) <= 500);
        }
        assert_true(worst_us(&t, begin + 5 * S, begin + 9 * S, begin) <=
                    kinds[k].later_us);
        tape_free(&t);
        stage_close(&stage);
    }
}

/* The clock's line moves with every probe, by 100 us to and fro, and once by 800 us for
 * good: no frame is dropped or repeated, the rate stays within 150 ppm of what the card
 * needs, and changes by 20 ppm in a second at most. */
static void test_nothing_is_lost_while_the_clock_jumps(void **state)
{
    int64_t begin = STAGE_EPOCH + 500 * MS;
    struct rng rng;
    struct actor *a;
    struct tape t;
    double most = 0;
    double steepest = 0;

    (void)state;
    rng_seed(&rng, 3);
    stage_open(&stage, 65);
    a = stage_enter(&stage, 0, "ppm=-60,jitter_us=20");
    stage_set_clock(a, 0);
    stage_play(a, begin);
    for (int64_t at = 0; at < 60 * S; at += 250 * MS) {
        int64_t off = rng_below(&rng, 200 * NS_PER_US) - 100 * NS_PER_US;

        stage_run_until(&stage, begin + at);
        stage_set_clock(a, off + (at > 20 * S ? 800 * NS_PER_US : 0));
    }
    assert_int_equal(a->engine.report.resyncs, 0);
    t = stage_tape(a);
    check_unbroken(&t, tape_sound(&t, 0) + EDGE, tape_at(&t, begin + 59 * S), begin);
    for (int64_t at = begin + 6 * S; at < begin + 58 * S; at += 500 * MS) {
        double r = rate_ppm(&t, tape_at(&t, at), begin);
        double later = rate_ppm(&t, tape_at(&t, at + S), begin);

        most = fmax(most, fabs(r));
        steepest = fmax(steepest, fabs(later - r));
    }
    print_message("rate within %.1f ppm, steepest %.2f ppm/s, at the end %.1f us\n", most,
                  steepest, tape_error_us(&t, tape_at(&t, begin + 59 * S), 0, begin));
    assert_true(most <= 150 && most > 50);
    assert_true(steepest <= 20 && steepest > 5);
    assert_true(fabs(tape_error_us(&t, tape_at(&t, begin + 59 * S), 0, begin) - 800) <
                100);
    tape_free(&t);
    stage_close(&stage);
}

/* A card runs dry: back within 100 us after 300 ms, and nobody else hears of it. */
static void test_underrun_is_rejoined_and_is_nobody_elses(void **state)
{
    int64_t begin = STAGE_EPOCH + 500 * MS;
    struct tape t[2];
    int64_t dry;
    int64_t back;

    (void)state;
    stage_open(&stage, 15);
    for (int i = 0; i < 2; i++) {
        struct actor *a = stage_enter(&stage, i, i == 0 ? "ppm=30,xrun_at=6" : "ppm=-30");

        stage_set_clock(a, 0);
        stage_play(a, begin);
    }
    stage_run_until(&stage, begin + 10 * S);
    assert_int_equal(stage.actors[0].engine.report.underruns, 1);
    t[0] = stage_tape(&stage.actors[0]);
    t[1] = stage_tape(&stage.actors[1]);
    dry = tape_at(&t[0], begin + 5 * S);
    while (t[0].true_ns[dry + 1] - t[0].true_ns[dry] < MS) {
        dry++;
    }
    back = tape_sound(&t[0], t[0].true_ns[dry] + MS);
    print_message("away for %.1f ms, back %.1f us off\n",
                  (double)(t[0].true_ns[back] - t[0].true_ns[dry]) / 1e6,
                  tape_error_us(&t[0], back, 0, begin));
    assert_true(t[0].true_ns[back] - t[0].true_ns[dry] <= 300 * MS);
    assert_true(worst_us(&t[0], t[0].true_ns[back], begin + 9 * S, begin) <= 100);
    check_unbroken(&t[1], tape_sound(&t[1], 0) + EDGE, tape_at(&t[1], begin + 9 * S),
                   begin);
    assert_true(worst_us(&t[1], begin + 5 * S, begin + 9 * S, begin) <= 3);
    tape_free(&t[0]);
    tape_free(&t[1]);
    stage_close(&stage);
}

/* Somebody comes in the middle of a song: heard within 0.8 s, its first frame within
 * 500 us, from five seconds on within 100 us. */
static void test_late_joiner_is_in_its_place(void **state)
{
    (void)state;
    for (int k = 0; k < COUNT(kinds); k++) {
        int64_t begin = STAGE_EPOCH - 7 * S;
        struct actor *a;
        struct tape t;
        int64_t i;

        stage_open(&stage, 20);
        a = stage_enter(&stage, 0, kinds[k].options);
        stage_set_clock(a, 0);
        stage_play(a, begin);
        stage_run_until(&stage, STAGE_EPOCH + 10 * S);
        t = stage_tape(a);
        i = tape_sound(&t, 0);
        print_message("%-30s heard after %.0f ms, %.1f us off; from 5 s on %.1f us\n",
                      kinds[k].options, (double)(t.true_ns[i] - STAGE_EPOCH) / 1e6,
                      tape_error_us(&t, i, 0, begin),
                      worst_us(&t, t.true_ns[i] + 5 * S, STAGE_EPOCH + 9 * S, begin));
        assert_true(t.true_ns[i] - STAGE_EPOCH <= 800 * MS);
        assert_true(fabs(tape_error_us(&t, i, 0, begin)) <= 500);
        assert_true(worst_us(&t, t.true_ns[i] + 5 * S, STAGE_EPOCH + 9 * S, begin) <=
                    100);
        tape_free(&t);
        stage_close(&stage);
    }
}

static void touch(const char *path)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fclose(f);
}

/* The card is pulled out for 3 s: back in its place within 2 s after it is there. */
static void test_lost_card_is_taken_up_again(void **state)
{
    int64_t begin = STAGE_EPOCH + 500 * MS;
    char plug[300];
    char options[400];
    struct actor *a;
    struct tape t;
    int64_t i;

    (void)state;
    stage_open(&stage, 20);
    snprintf(plug, sizeof(plug), "%s/plug", stage.folder);
    snprintf(options, sizeof(options), "ppm=45,plug=%s", plug);
    touch(plug);
    a = stage_enter(&stage, 0, options);
    stage_set_clock(a, 0);
    stage_play(a, begin);
    stage_run_until(&stage, begin + 6 * S);
    assert_int_equal(unlink(plug), 0);
    stage_run_until(&stage, begin + 9 * S);
    assert_int_equal(a->engine.report.state, PLAYER_NO_DEVICE);
    touch(plug);
    stage_run_until(&stage, begin + 14 * S);
    assert_int_equal(a->engine.report.device_losses, 1);
    t = stage_tape(a);
    i = tape_sound(&t, begin + 9 * S);
    print_message("heard %.0f ms after it is back, %.1f us off\n",
                  (double)(t.true_ns[i] - begin - 9 * S) / 1e6,
                  tape_error_us(&t, i, 0, begin));
    assert_true(t.true_ns[i] - begin - 9 * S <= 2 * S);
    assert_true(worst_us(&t, t.true_ns[i], begin + 13 * S, begin) <= 100);
    tape_free(&t);
    stage_close(&stage);
}

/* The audio thread sleeps for 260 ms, three times: twice the card runs dry, the third
 * time there is enough written ahead. */
static void test_two_dropouts_make_the_buffer_deeper(void **state)
{
    int64_t begin = STAGE_EPOCH + 500 * MS;
    struct actor *a;

    (void)state;
    stage_open(&stage, 30);
    a = stage_enter(&stage, 0, "ppm=10,buffer_ms=1000");
    stage_set_clock(a, 0);
    stage_play(a, begin);
    for (int k = 1; k <= 3; k++) {
        stage_run_until(&stage, begin + k * 5 * S);
        a->wake_ns = stage.now_ns + 260 * MS;
        stage_run_until(&stage, stage.now_ns + S);
        assert_int_equal(a->engine.report.underruns, k < 3 ? k : 2);
    }
    assert_int_equal(a->engine.report.depth_ns, 400 * MS);
    stage_close(&stage);
}

/* What comes after the card makes the sound 30 ms late: it has to leave 30 ms earlier.
 */
static void test_delay_makes_it_play_earlier(void **state)
{
    int64_t begin = STAGE_EPOCH + 600 * MS;
    struct audio_output output = { .gain = 0.25, .delay_ns = 30 * MS };
    struct actor *a;
    struct tape t;
    int64_t i;

    (void)state;
    stage_open(&stage, 15);
    a = stage_enter(&stage, 0, "ppm=20");
    seqlock_write(a->output, &output);
    stage_set_clock(a, 0);
    stage_play(a, begin);
    stage_run_until(&stage, begin + 8 * S);
    assert_int_equal(a->engine.report.delay_ns, 30 * MS);
    /* Set while it plays: 30 ms are a jump, made once. */
    output.delay_ns = 0;
    seqlock_write(a->output, &output);
    stage_run_until(&stage, begin + 13 * S);
    assert_int_equal(a->engine.report.resyncs, 1);
    t = stage_tape(a);
    i = tape_sound(&t, 0);
    assert_true(llabs(t.true_ns[i] - (begin - 30 * MS)) < 50 * NS_PER_US);
    assert_true(worst_us(&t, begin + 5 * S, begin + 7 * S, begin - 30 * MS) < 10);
    assert_true(worst_us(&t, begin + 9 * S, begin + 12 * S, begin) < 100);
    assert_true(fabsf(t.loud[tape_at(&t, begin + 6 * S)] - 0.125f) < 1e-3f);
    tape_free(&t);
    stage_close(&stage);
}

/* A clock that turns out to be 15 ms off: one fade, one jump, in its place at once. */
static void test_clock_far_off_is_one_jump(void **state)
{
    int64_t begin = STAGE_EPOCH + 500 * MS;
    struct actor *a;
    struct tape t;

    (void)state;
    stage_open(&stage, 20);
    a = stage_enter(&stage, 0, "ppm=-20");
    stage_set_clock(a, 0);
    stage_play(a, begin);
    stage_run_until(&stage, begin + 6 * S);
    stage_set_clock(a, 15 * MS);
    stage_run_until(&stage, begin + 9 * S);
    assert_int_equal(a->engine.report.resyncs, 1);
    t = stage_tape(a);
    assert_true(worst_us(&t, begin + 5 * S, begin + 6 * S, begin) < 5);
    assert_true(worst_us(&t, begin + 7 * S, begin + 8 * S, begin - 15 * MS) < 5);
    tape_free(&t);
    stage_close(&stage);
}

/* Without the time there is silence, and with it the music is in its place again. */
static void test_lost_clock_is_silence(void **state)
{
    int64_t begin = STAGE_EPOCH + 500 * MS;
    struct actor *a;
    struct tape t;

    (void)state;
    stage_open(&stage, 20);
    a = stage_enter(&stage, 0, "ppm=30");
    stage_set_clock(a, 0);
    stage_play(a, begin);
    stage_run_until(&stage, begin + 4 * S);
    stage_lose_clock(a);
    stage_run_until(&stage, begin + 7 * S);
    assert_int_equal(a->engine.report.state, PLAYER_NO_CLOCK);
    stage_set_clock(a, 0);
    stage_run_until(&stage, begin + 10 * S);
    assert_int_equal(a->engine.report.state, PLAYER_PLAYING);
    t = stage_tape(a);
    assert_true(worst_us(&t, begin + 2 * S, begin + 4 * S, begin) < 5);
    for (int64_t k = tape_at(&t, begin + 5 * S); k < tape_at(&t, begin + 7 * S); k++)
        assert_true(t.loud[k] == 0);
    assert_true(worst_us(&t, begin + 8 * S, begin + 9 * S, begin) < 5);
    tape_free(&t);
    stage_close(&stage);
}

/* One song follows another in the plan: the rate that was found stays. */
static void test_next_song_is_not_acquired_anew(void **state)
{
    int64_t begin = STAGE_EPOCH + 500 * MS;
    struct audio_plan plan = { .version = 1, .count = 2 };
    struct actor *a;
    struct tape t;
    int64_t i;

    (void)state;
    stage_open(&stage, 10);
    a = stage_enter(&stage, 0, "ppm=50");
    stage_set_clock(a, 0);
    plan.segments[0] = (struct audio_segment){ begin, stage_song(0), 0, true };
    plan.segments[1] = (struct audio_segment){ begin + 10 * S, stage_song(1), 0, true };
    stage_set_plan(a, &plan);
    stage_run_until(&stage, begin + 9 * S + 900 * MS);
    stage_set_clock(a, 300 * NS_PER_US);
    stage_run_until(&stage, begin + 15 * S);
    t = stage_tape(a);
    i = tape_at(&t, begin + 10 * S + 500 * NS_PER_US);
    for (int64_t k = i; k < tape_at(&t, begin + 14 * S); k++) {
        double e = tape_error_us(&t, k, 1, begin + 10 * S);

        /* It begins by the clock's newest word, or, where it was written before that, is
         * drawn there gently. */
        assert_true(e > -10 && e < 310);
        assert_true(t.loud[k] > 0.4f);
    }
    tape_free(&t);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_frame_is_in_its_place),
        cmocka_unit_test(test_nothing_is_lost_while_the_clock_jumps),
        cmocka_unit_test(test_underrun_is_rejoined_and_is_nobody_elses),
        cmocka_unit_test(test_late_joiner_is_in_its_place),
        cmocka_unit_test(test_lost_card_is_taken_up_again),
        cmocka_unit_test(test_two_dropouts_make_the_buffer_deeper),
        cmocka_unit_test(test_delay_makes_it_play_earlier),
        cmocka_unit_test(test_clock_far_off_is_one_jump),
        cmocka_unit_test(test_lost_clock_is_silence),
        cmocka_unit_test(test_next_song_is_not_acquired_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
