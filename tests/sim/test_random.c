/* Draws, the run hash and the histogram of the simulator.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "base/time.h"
#include "sim/hash.h"
#include "sim/histogram.h"
#include "sim/random.h"

static void test_draws_are_pinned(void **state)
{
    (void)state;
    /* Every pinned seed hangs on these. */
    assert_true(random_word(1, RANDOM_PLAN, 2, 3) == UINT64_C(16411140652971669952));
    assert_int_equal(random_exponential(random_word(1, RANDOM_JITTER, 2, 3), NS_PER_S),
                     1671485650);
    assert_true(random_word(1, RANDOM_PLAN, 2, 3) != random_word(2, RANDOM_PLAN, 2, 3));
    assert_true(random_word(1, RANDOM_PLAN, 2, 3) != random_word(1, RANDOM_PATH, 2, 3));
    assert_true(random_word(1, RANDOM_PLAN, 2, 3) != random_word(1, RANDOM_PLAN, 3, 2));
    assert_int_equal(random_below(0, 7), 0);
    assert_int_equal(random_below(UINT64_MAX, 7), 6);
    assert_int_equal(random_between(UINT64_MAX, -3, 3), 3);
    assert_int_equal(random_exponential(UINT64_MAX, NS_PER_S), 0);
}

static void test_exponential_has_its_mean(void **state)
{
    const int n = 200000;
    int64_t sum = 0;
    int above = 0;

    (void)state;
    for (int i = 0; i < n; i++) {
        int64_t v = random_exponential(random_word(5, RANDOM_JITTER, 0, (uint64_t)i),
                                       NS_PER_MS);

        assert_true(v >= 0 && v <= 45 * NS_PER_MS);
        sum += v;
        above += v > NS_PER_MS;
    }
    assert_in_range(sum / n, 990000, 1010000);
    assert_in_range(above, n * 360 / 1000, n * 376 / 1000); /* 1 / e = 0.368 */
}

static void test_uniform_covers_all(void **state)
{
    int seen[10] = { 0 };

    (void)state;
    for (int i = 0; i < 10000; i++)
        seen[random_below(random_word(9, RANDOM_LOSS, (uint64_t)i, 0), 10)]++;
    for (int i = 0; i < 10; i++)
        assert_in_range(seen[i], 900, 1100);
}

static void test_hash_feels_every_bit(void **state)
{
    uint8_t data[37] = { 0 };
    struct run_hash plain;
    struct run_hash h;

    (void)state;
    run_hash_init(&plain);
    run_hash_bytes(&plain, bytes_of(data, sizeof(data)));
    for (int bit = 0; bit < 37 * 8; bit++) {
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        run_hash_init(&h);
        run_hash_bytes(&h, bytes_of(data, sizeof(data)));
        assert_true(h.a != plain.a && h.b != plain.b);
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    run_hash_init(&h); /* and the length */
    run_hash_bytes(&h, bytes_of(data, sizeof(data) - 1));
    assert_true(h.a != plain.a);
}

static void test_histogram_quantiles(void **state)
{
    struct histogram h = { 0 };

    (void)state;
    assert_int_equal(histogram_quantile(&h, 500), 0);
    for (int64_t v = 1; v <= 100000; v++)
        histogram_add(&h, v % 2 == 0 ? v : -v);
    assert_int_equal(h.max, 100000);
    assert_in_range(histogram_quantile(&h, 500), 50000, 53200);
    assert_in_range(histogram_quantile(&h, 990), 99000, 100000);
    assert_int_equal(histogram_quantile(&h, 1000), 100000);
    histogram_add(&h, INT64_MIN);
    assert_true(h.max == INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_draws_are_pinned),
        cmocka_unit_test(test_exponential_has_its_mean),
        cmocka_unit_test(test_uniform_covers_all),
        cmocka_unit_test(test_hash_feels_every_bit),
        cmocka_unit_test(test_histogram_quantiles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
