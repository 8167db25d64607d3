/* How much is written ahead.  SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "audio/depth.h"
#include "base/time.h"

#define RATE 48000
#define MS   (RATE / 1000)

static void start(struct depth *d, int capacity_ms)
{
    struct depth_params params = depth_params_default();

    depth_init(d, &params);
    depth_set_card(d, RATE, capacity_ms * MS, 0);
}

static void test_two_dropouts_within_a_minute_double_it(void **state)
{
    struct depth d;

    (void)state;
    start(&d, 1000);
    assert_int_equal(depth_frames(&d, 0), 200 * MS);
    depth_add_dropout(&d, 10 * NS_PER_S);
    assert_int_equal(depth_frames(&d, 10 * NS_PER_S), 200 * MS);
    depth_add_dropout(&d, 71 * NS_PER_S);
    assert_int_equal(depth_frames(&d, 71 * NS_PER_S), 200 * MS);
    depth_add_dropout(&d, 130 * NS_PER_S);
    assert_int_equal(depth_frames(&d, 130 * NS_PER_S), 400 * MS);
    depth_add_dropout(&d, 140 * NS_PER_S);
    depth_add_dropout(&d, 150 * NS_PER_S);
    assert_int_equal(depth_frames(&d, 150 * NS_PER_S), 400 * MS); /* the most */
}

static void test_calm_halves_it(void **state)
{
    struct depth d;

    (void)state;
    start(&d, 1000);
    depth_add_dropout(&d, 0);
    depth_add_dropout(&d, NS_PER_S);
    assert_int_equal(depth_frames(&d, 600 * NS_PER_S), 400 * MS);
    assert_int_equal(depth_frames(&d, 601 * NS_PER_S), 200 * MS);
    assert_int_equal(depth_frames(&d, 5000 * NS_PER_S), 200 * MS);
}

static void test_a_small_card_is_filled_and_the_lesson_kept(void **state)
{
    struct depth d;

    (void)state;
    start(&d, 120);
    assert_int_equal(depth_frames(&d, 0), 120 * MS);
    depth_add_dropout(&d, 0);
    depth_add_dropout(&d, NS_PER_S);
    assert_int_equal(depth_frames(&d, NS_PER_S), 120 * MS);
    depth_set_card(&d, 2 * RATE, 2000 * MS, 2 * NS_PER_S);
    assert_int_equal(depth_frames(&d, 2 * NS_PER_S), 2 * 400 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_dropouts_within_a_minute_double_it),
        cmocka_unit_test(test_calm_halves_it),
        cmocka_unit_test(test_a_small_card_is_filled_and_the_lesson_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
