/* The local clock and its test error.  SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "base/rng.h"
#include "base/time.h"
#include "daemon/clockwork.h"

static void test_parse(void **state)
{
    static const struct {
        const char *fact;
        const char *text;
        int err;
        int64_t rate_ppb, offset_ns, stop_ns;
    } rows[] = {
        { "a crystal alone", "ppm=40", 0, 40000, 0, 0 },
        { "an epoch alone", "offset_ms=1500", 0, 0, 1500000000, 0 },
        { "both", "ppm=-12.5,offset_ms=-3000", 0, -12500, -3000000000, 0 },
        { "in any order", "offset_ms=7,ppm=0.001", 0, 1, 7000000, 0 },
        { "what a sleep costs", "stop_ms=-137", 0, 0, 0, -137000000 },
        { "as long as a sleep", "stop_ms=3001", ERR_USAGE, 0, 0, 0 },
        { "a plus is fine", "ppm=+3", 0, 3000, 0, 0 },
        { "the limit", "ppm=1000", 0, 1000000, 0, 0 },
        { "beyond it", "ppm=1000.001", ERR_USAGE, 0, 0, 0 },
        { "empty", "", ERR_USAGE, 0, 0, 0 },
        { "no number", "ppm=", ERR_USAGE, 0, 0, 0 },
        { "a sign is no number", "ppm=-", ERR_USAGE, 0, 0, 0 },
        { "twice", "ppm=1,ppm=2", ERR_USAGE, 0, 0, 0 },
        { "another key", "ppb=1", ERR_USAGE, 0, 0, 0 },
        { "a tail", "ppm=1,", ERR_USAGE, 0, 0, 0 },
        { "a word behind", "ppm=1x", ERR_USAGE, 0, 0, 0 },
        { "parts of a millisecond", "offset_ms=1.5", ERR_USAGE, 0, 0, 0 },
        { "too many digits", "offset_ms=1234567890123", ERR_USAGE, 0, 0, 0 },
        { "finer than a ppb", "ppm=0.0001", ERR_USAGE, 0, 0, 0 },
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        struct clockwork c = { .offset_ns = 77, .rate_ppb = 78, .stop_ns = 79 };

        print_message("%s\n", rows[i].fact);
        assert_int_equal(clockwork_parse(rows[i].text, &c), rows[i].err);
        assert_int_equal(c.rate_ppb, rows[i].err ? 78 : rows[i].rate_ppb);
        assert_int_equal(c.offset_ns, rows[i].err ? 77 : rows[i].offset_ns);
        assert_int_equal(c.stop_ns, rows[i].err ? 79 : rows[i].stop_ns);
    }
}

static void test_conversion(void **state)
{
    struct clockwork none = { .offset_ns = 0 };
    struct clockwork fast = { .offset_ns = -3 * NS_PER_S, .rate_ppb = 40000 };

    (void)state;
    assert_int_equal(clockwork_of_raw(&none, INT64_C(123456789012345)),
                     INT64_C(123456789012345));
    /* 40 ppm of a day are 3.456 s. */
    assert_int_equal(clockwork_of_raw(&fast, 86400 * NS_PER_S),
                     86400 * NS_PER_S - 3 * NS_PER_S + INT64_C(3456000000));
}

/* The local clock never goes back, and runs at its rate, at every error. */
static void is_a_clock(uint64_t seed)
{
    struct rng r;
    struct clockwork c;
    int64_t raw;

    rng_seed(&r, seed);
    c.rate_ppb = rng_below(&r, 2000001) - 1000000;
    c.offset_ns = rng_below(&r, 2000000) * NS_PER_MS - 1000000 * NS_PER_MS;
    raw = rng_below(&r, INT64_C(1) << 55);
    for (int i = 0; i < 1000; i++) {
        int64_t step = rng_below(&r, NS_PER_S);
        int64_t moved = clockwork_of_raw(&c, raw + step) - clockwork_of_raw(&c, raw);
        int64_t want = step + mul_div(step, c.rate_ppb, NS_PER_S);

        assert_in_range(moved - want + 2, 0, 4);
        assert_true(moved >= 0);
        raw += step;
    }
}

static void test_is_a_clock(void **state)
{
    (void)state;
    for_each_seed(50, is_a_clock);
}

static void test_stamps(void **state)
{
    static const struct {
        const char *fact;
        int64_t stamp, real, raw, want;
    } rows[] = {
        { "a young stamp is that much before now", 1000000, 1003000, 500000, 497000 },
        { "a stamp of this instant", 1000, 1000, 7, 7 },
        { "the oldest that is believed", 0, CLOCKWORK_STAMP_AGE_MAX_NS, 900000000,
          800000000 },
        { "older: the clock was set forward", 0, CLOCKWORK_STAMP_AGE_MAX_NS + 1, 42, 42 },
        { "from the future: it was set back", 2000, 1999, 42, 42 },
        { "no overflow", INT64_MIN, INT64_MAX, 42, 42 },
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        int64_t at = 42;

        print_message("%s\n", rows[i].fact);
        assert_int_equal(
            clockwork_stamp_to_raw(rows[i].stamp, rows[i].real, rows[i].raw, &at),
            rows[i].want != 42);
        assert_int_equal(at, rows[i].want);
    }
}

static void test_real_stamp(void **state)
{
    struct clockwork c = { .offset_ns = 5 * NS_PER_S, .rate_ppb = -100000 };
    struct timespec stamp;
    int64_t before;
    int64_t after;
    int64_t at;

    (void)state;
    before = clockwork_now(&c);
    clock_gettime(CLOCK_REALTIME, &stamp);
    after = clockwork_now(&c);
    assert_true(clockwork_of_stamp(&c, &stamp, before - 50 * NS_PER_US, &at));
    assert_false(clockwork_of_stamp(&c, &stamp, after + 50 * NS_PER_US, &at));
    /* A stamp lies where it was taken; the two clocks may drift by a microsecond. */
    assert_true(at >= before - 50 * NS_PER_US && at <= after + 50 * NS_PER_US);
}

/* BOOTTIME went on while MONOTONIC stood: that is added, once, and told. */
static void test_nap(void **state)
{
    struct clockwork c = { .offset_ns = 0 };
    int64_t slept_ns = 90 * NS_PER_S;
    int64_t before;
    int64_t after;

    (void)state;
    clockwork_start(&c);
    before = clockwork_now(&c);
    assert_int_equal(clockwork_naps(&c), 0);
    c.apart_ns -= 5 * NS_PER_MS; /* less than any sleep */
    (void)clockwork_now(&c);
    assert_int_equal(clockwork_naps(&c), 0);
    c.apart_ns += 5 * NS_PER_MS - slept_ns;
    for (int i = 0; i < 3; i++) {
        after = clockwork_now(&c) - slept_ns;
        assert_int_equal(clockwork_naps(&c), 1);
        assert_true(after >= before - NS_PER_MS && after < before + NS_PER_S);
    }
}

/* What the system says of a moment in front of which we slept is of the new clock. */
static void test_asked_after_a_nap(void **state)
{
    struct clockwork c = { .offset_ns = 0 };
    struct clockwork_system s;

    (void)state;
    clockwork_start(&c);
    c.apart_ns -= 90 * NS_PER_S;
    clockwork_ask_system(&c, &s);
    assert_int_equal(clockwork_naps(&c), 1);
    assert_true(clockwork_now(&c) - s.local_ns < NS_PER_S);
}

/* In tests a stopped process is a machine that slept, and is wrong about how long. */
static void test_stop(void **state)
{
    struct clockwork c = { .offset_ns = 0, .stop_ns = 137 * NS_PER_MS };
    int64_t before;
    int64_t after;

    (void)state;
    clockwork_start(&c);
    before = clockwork_now(&c);
    assert_int_equal(clockwork_naps(&c), 0);
    c.seen_ns -= CLOCKWORK_STOP_NS;
    after = clockwork_now(&c);
    assert_int_equal(clockwork_naps(&c), 1);
    assert_true(after - before >= c.stop_ns && after - before < c.stop_ns + NS_PER_S);
}

static void test_system(void **state)
{
    struct clockwork c = { .offset_ns = 9 * NS_PER_S };
    struct clockwork_system s;
    struct timespec real;

    (void)state;
    clockwork_ask_system(&c, &s);
    clock_gettime(CLOCK_REALTIME, &real);
    assert_true((int64_t)real.tv_sec * NS_PER_S + real.tv_nsec - s.utc_ns < NS_PER_S);
    assert_true(clockwork_now(&c) - s.local_ns < NS_PER_S);
    assert_true(s.is_synchronised ? s.bound_ns > 0 : s.bound_ns == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_conversion),
        cmocka_unit_test(test_is_a_clock),
        cmocka_unit_test(test_stamps),
        cmocka_unit_test(test_real_stamp),
        cmocka_unit_test(test_nap),
        cmocka_unit_test(test_asked_after_a_nap),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_system),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
