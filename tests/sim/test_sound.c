/* The modelled sound card: against arithmetic, and against the engine that ships.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "base/time.h"
#include "sim/sound.h"
#include "sim/world.h"
#include "tests/audio/stage.h"

#define TICK_NS (10 * NS_PER_MS)

/* A player whose clock is known without an error; party time is true time. */
struct room {
    struct clock_model clock;
    struct world_player player;
    struct sound sound;
    int64_t now_ns;
    bool is_heard;
    double error_us; /* what is heard is ahead of party time by this */
};

static struct room room;

static struct sound_params quiet(enum sound_card card, int64_t crystal_ppb)
{
    struct sound_params p = sound_params_default();

    p.card = card;
    p.stall_ppm = 0;
    p.crystal = (struct clock_model_params){ .offset_ns = 7 * NS_PER_S,
                                             .rate_ppb = crystal_ppb };
    return p;
}

static void enter(const struct sound_params *p, int64_t clock_ppb, uint64_t seed)
{
    struct clock_model_params clock = { .offset_ns = 3000 * NS_PER_S,
                                        .rate_ppb = clock_ppb };

    memset(&room, 0, sizeof(room));
    clock_model_init(&room.clock, seed, 1, &clock);
    sound_init(&room.sound, p, seed, 0);
    room.player.line.rate_ppt = -mul_div(clock_ppb * 1000, NS_PER_S,
                                         NS_PER_S + clock_ppb);
    room.player.line.local_ns = clock_model_raw(&room.clock, 0);
    room.player.line.is_valid = true;
}

/* Song 1 from its begin, from an instant on. */
static void play_at(int64_t at_ns)
{
    room.player.version++;
    room.player.count = 1;
    room.player.segments[0] = (struct timeline_segment){
        .at = { at_ns }, .song = { { 1 } }, .rate = 44100, .is_playing = true
    };
}

static void hear(void)
{
    struct sound_heard h = sound_at(&room.sound, room.now_ns);

    room.is_heard = h.is_playing;
    if (h.is_playing)
        room.error_us = (h.position -
                         audio_segment_frame(&h.segment, room.now_ns, h.rate)) /
                        h.rate * 1e6;
}

static void run_until(int64_t at_ns)
{
    while (room.now_ns < at_ns) {
        room.now_ns += TICK_NS;
        sound_run(&room.sound, &room.clock, &room.player, room.now_ns);
        hear();
    }
}

static void enter_playing(const struct sound_params *p, int64_t clock_ppb, uint64_t seed)
{
    enter(p, clock_ppb, seed);
    room.player.has_line = true;
    play_at(NS_PER_S);
}

static void test_frames_leave_when_the_crystal_says(void **state)
{
    struct sound_params p = quiet(SOUND_IDEAL, 80000);
    struct sound_heard a;
    struct sound_heard b;

    (void)state;
    p.wake_ns = NS_PER_S / 10;
    enter_playing(&p, 0, 1);
    run_until(60 * NS_PER_S);
    a = sound_at(&room.sound, room.now_ns);
    b = sound_at(&room.sound, room.now_ns + NS_PER_MS);
    /* In a true millisecond 48 frames leave and 80 ppm of them more, each of one step. */
    assert_true(fabs((b.position - a.position) / (48 * 1.00008 * room.sound.step) - 1) <
                1e-7);
    /* … and so the player must read the song more slowly by as much. */
    assert_true(fabs(room.sound.step * 48000 / 44100 * 1.00008 - 1) < 1e-6);
    assert_true(fabs(room.error_us) < 1);
}

/* A card that knows its place in steps, with stamps that are off and now and then late,
 * is where it should be on average, whatever its crystal and the machine's do. */
static void test_steps_and_late_stamps_do_not_bias(void **state)
{
    static const struct {
        enum sound_card card;
        int64_t crystal_ppb;
        int64_t clock_ppb;
        double mean_us;
        double most_us;
    } cases[] = {
        { SOUND_IDEAL, -60000, 60000, 0.1, 1 },
        { SOUND_I2S, 60000, -60000, 5, 15 },
        { SOUND_HDA, 37000, 0, 10, 25 },
        { SOUND_USB, -60000, 100000, 15, 60 },
    };

    (void)state;
    for (int i = 0; i < COUNT(cases); i++) {
        struct sound_params p = quiet(cases[i].card, cases[i].crystal_ppb);
        double sum = 0;
        double most = 0;
        int count = 0;

        enter_playing(&p, cases[i].clock_ppb, (uint64_t)i + 1);
        run_until(60 * NS_PER_S);
        while (room.now_ns < 300 * NS_PER_S) {
            run_until(room.now_ns + TICK_NS);
            assert_true(room.is_heard);
            sum += room.error_us;
            most = fmax(most, fabs(room.error_us));
            count++;
        }
        printf("card %d: mean %.2f us, most %.2f us\n", (int)cases[i].card, sum / count,
               most);
        assert_true(fabs(sum / count) <= cases[i].mean_us);
        assert_true(most <= cases[i].most_us);
        assert_int_equal(room.sound.xruns, 0);
        assert_int_equal(room.sound.resyncs, 0);
    }
}

static void test_a_clock_that_comes_late_is_met_in_the_middle(void **state)
{
    struct sound_params p = quiet(SOUND_HDA, 60000);

    (void)state;
    enter(&p, -60000, 3);
    play_at(NS_PER_S);
    run_until(20 * NS_PER_S);
    assert_true(room.sound.is_locked);
    assert_false(room.is_heard);
    room.player.has_line = true;
    run_until(20 * NS_PER_S + 500 * NS_PER_MS);
    assert_true(room.is_heard);
    assert_int_equal(room.sound.starts, 1);
    assert_true(fabs(room.error_us) < 500);
    run_until(25 * NS_PER_S);
    assert_true(fabs(room.error_us) < 100);
}

static void test_a_card_that_runs_dry_is_counted_and_comes_back(void **state)
{
    struct sound_params p = quiet(SOUND_HDA, 60000);

    (void)state;
    enter_playing(&p, 0, 4);
    run_until(60 * NS_PER_S);
    assert_int_equal(room.sound.xruns, 0);
    room.sound.wake_ns = 61 * NS_PER_S; /* the machine was busy */
    run_until(61 * NS_PER_S - TICK_NS);
    assert_false(room.is_heard);
    run_until(61 * NS_PER_S + 300 * NS_PER_MS);
    assert_int_equal(room.sound.xruns, 1);
    assert_true(room.is_heard);
    assert_true(fabs(room.error_us) < 100);
    run_until(120 * NS_PER_S);
    assert_int_equal(room.sound.xruns, 1);
}

static void test_stalls_beyond_the_buffer_run_it_dry(void **state)
{
    struct sound_params p = quiet(SOUND_I2S, 0);

    (void)state;
    p.stall_ppm = 1000;
    p.stall_ns = 2 * p.depth.most_ns;
    enter_playing(&p, 0, 5);
    run_until(120 * NS_PER_S);
    assert_in_range(room.sound.xruns, 2, 12);
}

static void test_a_machine_that_sleeps_is_silent_and_comes_back(void **state)
{
    struct sound_params p = quiet(SOUND_I2S, -60000);

    (void)state;
    enter_playing(&p, 0, 6);
    run_until(60 * NS_PER_S);
    sound_sleep(&room.sound);
    hear();
    assert_false(room.is_heard);
    room.now_ns += 30 * NS_PER_S;
    run_until(91 * NS_PER_S);
    assert_true(room.is_heard);
    assert_int_equal(room.sound.xruns, 0);
    assert_true(fabs(room.error_us) < 100);
}

static void test_a_step_of_the_clock_is_jumped(void **state)
{
    struct sound_params p = quiet(SOUND_I2S, 0);

    (void)state;
    enter_playing(&p, 0, 7);
    run_until(60 * NS_PER_S);
    room.player.line.remote_ns += NS_PER_S;
    run_until(60 * NS_PER_S + 80 * NS_PER_MS); /* what was queued is taken back */
    assert_int_equal(room.sound.resyncs, 1);
    assert_true(fabs(room.error_us - 1e6) < 100);
}

/* ---- against the engine ---- */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return x < y ? -1 : x > y;
}

#define HEARD 1600

/* Errors of the engine's samples, 5 s after its start and on, each 10 ms, sorted. */
static void hear_engine(const char *card, double errors[HEARD])
{
    static struct stage s;
    struct actor *a;
    struct tape t;

    stage_open(&s, 25);
    a = stage_enter(&s, 0, card);
    a->clock_ppb = -60000;
    stage_set_clock(a, 0);
    stage_play(a, STAGE_EPOCH + NS_PER_S);
    stage_run_until(&s, STAGE_EPOCH + 23 * NS_PER_S);
    t = stage_tape(a);
    for (int i = 0; i < HEARD; i++) {
        int64_t at_ns = STAGE_EPOCH + 6 * NS_PER_S + i * TICK_NS;

        errors[i] = fabs(
            tape_error_us(&t, tape_at(&t, at_ns), 0, STAGE_EPOCH + NS_PER_S));
    }
    tape_free(&t);
    stage_close(&s);
    qsort(errors, HEARD, sizeof(errors[0]), by_size);
}

static void hear_model(enum sound_card card, uint64_t seed, double errors[HEARD])
{
    struct sound_params p = quiet(card, 60000);

    enter_playing(&p, -60000, seed);
    run_until(6 * NS_PER_S);
    for (int i = 0; i < HEARD; i++) {
        run_until(room.now_ns + TICK_NS);
        errors[i] = fabs(room.error_us);
    }
    qsort(errors, HEARD, sizeof(errors[0]), by_size);
}

/* The engine and the model on the same kind of card are off by as much. */
static void test_the_model_is_as_good_as_the_engine(void **state)
{
    static const struct {
        enum sound_card card;
        const char *engine;
        double slack_us;
    } cases[] = {
        { SOUND_IDEAL, "ppm=60", 1.5 },
        { SOUND_I2S, "ppm=60,jitter_us=5", 3 },
        { SOUND_HDA, "ppm=60,period=16,jitter_us=20", 10 },
        { SOUND_USB, "ppm=60,period=48,jitter_us=100", 40 },
    };
    static double engine[HEARD];
    static double model[HEARD];

    (void)state;
    for (int i = 0; i < COUNT(cases); i++) {
        hear_engine(cases[i].engine, engine);
        hear_model(cases[i].card, (uint64_t)i + 1, model);
        printf("%s: engine p50 %.2f us, p99 %.2f; model %.2f, %.2f\n", cases[i].engine,
               engine[HEARD / 2], engine[HEARD * 99 / 100], model[HEARD / 2],
               model[HEARD * 99 / 100]);
        assert_true(fabs(engine[HEARD / 2] - model[HEARD / 2]) <= cases[i].slack_us);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_leave_when_the_crystal_says),
        cmocka_unit_test(test_steps_and_late_stamps_do_not_bias),
        cmocka_unit_test(test_a_clock_that_comes_late_is_met_in_the_middle),
        cmocka_unit_test(test_a_card_that_runs_dry_is_counted_and_comes_back),
        cmocka_unit_test(test_stalls_beyond_the_buffer_run_it_dry),
        cmocka_unit_test(test_a_machine_that_sleeps_is_silent_and_comes_back),
        cmocka_unit_test(test_a_step_of_the_clock_is_jumped),
        cmocka_unit_test(test_the_model_is_as_good_as_the_engine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
