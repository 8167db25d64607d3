/* What is reported of pairs of cards, from differences that are known.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "base/time.h"
#include "sim/pairs.h"

#define SAMPLE_NS (10 * NS_PER_S)

static struct pairs p;

static int forget(void **state)
{
    (void)state;
    memset(&p, 0, sizeof(p));
    return 0;
}

/* Within what the histogram rounds by. */
static void expect_about(int64_t seen, int64_t want)
{
    assert_in_range(seen, want - want / 8, want + want / 8);
}

static void test_quantiles_are_those_of_all_pairs(void **state)
{
    (void)state;
    for (int k = 0; k < 1000; k++) {
        pairs_add(&p, 0, 1, k * SAMPLE_NS, 1000 * (k + 1));   /* 1 to 1000 us */
        pairs_add(&p, 2, 15, k * SAMPLE_NS, -1000 * (k + 1)); /* … the other way */
    }
    expect_about(histogram_quantile(&p.all, 500), 500000);
    expect_about(histogram_quantile(&p.all, 990), 990000);
    assert_int_equal(p.most_ns, 1000000);
}

static void test_slope_is_of_the_steepest_pair(void **state)
{
    (void)state;
    for (int k = 0; k <= 360; k++) { /* an hour */
        int64_t at_ns = 77 * NS_PER_S + k * SAMPLE_NS;
        int64_t noise_ns = k % 2 == 0 ? 40000 : -40000;

        pairs_add(&p, 0, 1, at_ns, 5000 + 10 * k); /* 3.6 us an hour */
        pairs_add(&p, 0, 2, at_ns, -20 * k);       /* 7.2, the other way */
        pairs_add(&p, 1, 2, at_ns, noise_ns);      /* large, and goes nowhere */
    }
    assert_in_range((int64_t)(pairs_slope(&p) + 0.5), 7190, 7210);
}

static void test_few_samples_have_no_slope(void **state)
{
    (void)state;
    for (int k = 0; k < 99; k++)
        pairs_add(&p, 0, 1, k * SAMPLE_NS, 1000 * k);
    assert_true(pairs_slope(&p) == 0);
    pairs_add(&p, 0, 1, 99 * SAMPLE_NS, 99000);
    assert_in_range((int64_t)(pairs_slope(&p) + 0.5), 359990, 360010);
}

static void test_changes_count_from_the_mark(void **state)
{
    (void)state;
    pairs_add(&p, 0, 1, 1, 0);
    pairs_add(&p, 0, 1, 2, 900);
    assert_int_equal(p.step_ns, 900);
    pairs_mark(&p);
    assert_int_equal(p.step_ns, 0);
    pairs_add(&p, 0, 1, 3, 700);
    pairs_add(&p, 0, 1, 4, 500);
    assert_int_equal(p.step_ns, 200);
    assert_int_equal(p.moved_ns, 400); /* from 900 */
    pairs_add(&p, 0, 2, 5, 5000);      /* was not there at the mark */
    assert_int_equal(p.moved_ns, 400);
}

static void test_a_break_is_no_change(void **state)
{
    (void)state;
    pairs_add(&p, 0, 1, 1, 100);
    pairs_break(&p, 0, 1);
    pairs_add(&p, 0, 1, 2, 90000);
    assert_int_equal(p.step_ns, 0);
    pairs_add(&p, 0, 1, 3, 90050);
    assert_int_equal(p.step_ns, 50);
    assert_int_equal(p.most_ns, 90050);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_quantiles_are_those_of_all_pairs, forget),
        cmocka_unit_test_setup(test_slope_is_of_the_steepest_pair, forget),
        cmocka_unit_test_setup(test_few_samples_have_no_slope, forget),
        cmocka_unit_test_setup(test_changes_count_from_the_mark, forget),
        cmocka_unit_test_setup(test_a_break_is_no_change, forget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
