/* The plan as a function of time, and when two plans differ.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <math.h>

#include "audio/plan.h"
#include "base/time.h"

#define T0 INT64_C(1764000000000000000)

static struct song_id song(int i)
{
    struct song_id id = { { (uint8_t)i } };

    return id;
}

/* 0..10 s song 1, 10..20 s silence, from 20 s song 2 at its frame 48000. */
static struct audio_plan plan(void)
{
    return (struct audio_plan){
        .version = 1,
        .count = 3,
        .segments = { { T0, song(1), 0, true },
                      { T0 + 10 * NS_PER_S, song(0), 0, false },
                      { T0 + 20 * NS_PER_S, song(2), 48000, true } },
    };
}

static void test_at(void **state)
{
    static const struct {
        int64_t ms;
        int index;
    } rows[] = { { -1, -1 },   { 0, 0 },     { 9999, 0 },
                 { 10000, 1 }, { 20000, 2 }, { 99999, 2 } };
    struct audio_plan p = plan();
    struct audio_plan empty = { .count = 0 };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        assert_int_equal(audio_plan_at(&p, T0 + rows[i].ms * NS_PER_MS), rows[i].index);
    }
    assert_int_equal(audio_plan_at(&empty, T0), -1);
}

static void test_two_segments_at_one_instant_the_later_counts(void **state)
{
    struct audio_plan p = plan();

    (void)state;
    p.segments[1].party_ns = T0;
    assert_int_equal(audio_plan_at(&p, T0), 1);
}

static void test_frame_keeps_its_fractions_for_days(void **state)
{
    struct audio_segment s = { T0, song(1), 1000, true };

    (void)state;
    assert_true(audio_segment_frame(&s, T0, 44100) == 1000);
    assert_true(audio_segment_frame(&s, T0 + NS_PER_S, 44100) == 45100);
    assert_true(audio_segment_frame(&s, T0 - NS_PER_S / 2, 44100) == 1000 - 22050);
    assert_true(fabs(audio_segment_frame(&s, T0 + 1, 48000) - 1000.000048) < 1e-9);
    assert_true(audio_segment_frame(&s, T0 + 100 * 86400 * NS_PER_S, 48000) ==
                1000 + 48000.0 * 8640000);
}

static void test_check_refuses(void **state)
{
    struct audio_plan good = plan();
    struct audio_plan p = good;

    (void)state;
    assert_true(audio_plan_check(&good));
    p.count = AUDIO_SEGMENTS_MAX + 1;
    assert_false(audio_plan_check(&p));
    p.count = -1;
    assert_false(audio_plan_check(&p));
    p = good;
    p.segments[2].party_ns = T0;
    assert_false(audio_plan_check(&p));
    p = good;
    p.segments[0].frame = -1;
    assert_false(audio_plan_check(&p));
    p = good;
    p.segments[0].frame = INT64_MAX;
    assert_false(audio_plan_check(&p));
    p = good;
    p.segments[2].party_ns = INT64_MAX;
    assert_false(audio_plan_check(&p));
}

static void test_continues(void **state)
{
    struct audio_segment a = { T0, song(1), 0, true };
    struct audio_segment b = { T0 + 3 * NS_PER_S, song(1), 3 * 48000, true };
    struct audio_segment silence = { T0 + 3 * NS_PER_S, song(0), 0, false };

    (void)state;
    assert_true(audio_segment_continues(&a, &b, 48000, NS_PER_MS));
    assert_false(audio_segment_continues(&a, &b, 44100, NS_PER_MS));
    b.frame += 48; /* 1 ms */
    assert_true(audio_segment_continues(&a, &b, 48000, NS_PER_MS));
    b.frame += 1;
    assert_false(audio_segment_continues(&a, &b, 48000, NS_PER_MS));
    b.frame -= 98;
    assert_false(audio_segment_continues(&a, &b, 48000, NS_PER_MS));
    b.frame += 49;
    b.song = song(2);
    assert_false(audio_segment_continues(&a, &b, 48000, NS_PER_MS));
    assert_false(audio_segment_continues(&a, &silence, 48000, NS_PER_MS));
    assert_true(audio_segment_continues(&silence, &silence, 48000, NS_PER_MS));
}

static void test_differs(void **state)
{
    struct audio_plan a = plan();
    struct audio_plan b = plan();

    (void)state;
    b.version = 2;
    assert_false(audio_plan_differs(&a, &b, T0 - NS_PER_S, T0 + 99 * NS_PER_S, 48000));
    b.segments[2].frame = 0;
    assert_false(audio_plan_differs(&a, &b, T0, T0 + 20 * NS_PER_S, 48000));
    assert_true(audio_plan_differs(&a, &b, T0, T0 + 20 * NS_PER_S + 1, 48000));
    b = plan();
    b.segments[1].party_ns += NS_PER_S; /* the pause comes later */
    assert_true(audio_plan_differs(&a, &b, T0, T0 + 10 * NS_PER_S + 1, 48000));
    assert_false(audio_plan_differs(&a, &b, T0, T0 + 10 * NS_PER_S, 48000));
    assert_false(
        audio_plan_differs(&a, &b, T0 + 11 * NS_PER_S, T0 + 30 * NS_PER_S, 48000));
    /* A new segment that says what the old one said. */
    b = plan();
    b.segments[0] = (struct audio_segment){ T0 - NS_PER_S, song(0), 0, false };
    b.segments[1] = a.segments[0];
    b.segments[2] = (struct audio_segment){ T0 + 4 * NS_PER_S, song(1), 4 * 48000, true };
    assert_false(audio_plan_differs(&a, &b, T0 - NS_PER_S, T0 + 9 * NS_PER_S, 48000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at),
        cmocka_unit_test(test_two_segments_at_one_instant_the_later_counts),
        cmocka_unit_test(test_frame_keeps_its_fractions_for_days),
        cmocka_unit_test(test_check_refuses),
        cmocka_unit_test(test_continues),
        cmocka_unit_test(test_differs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
