/* Maps from the host's raw clock to party time: announced, taken over, heard of late.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "clock/map.h"

/* Map i holds from 10 i s on, at i * 50 ppm, and goes on where the one before stood. */
static struct clock_map map_of(int i)
{
    struct clock_map m = { .map_seq = 1 };

    m.party_ref.ns = INT64_C(1790000000) * NS_PER_S;
    for (int k = 1; k <= i; k++) {
        int64_t raw_ns = k * 10 * NS_PER_S;
        struct clock_line line = clock_map_line(&m);

        m.party_ref.ns = clock_line_to_remote(&line, raw_ns);
        m.valid_from = m.party_ref;
        m.raw_ref_ns = raw_ns;
        m.rate_ppt = k * 50 * PPT_PER_PPM;
        m.map_seq++;
    }
    return m;
}

static int64_t party_ns(struct party_clock *p, int64_t raw_ns)
{
    struct clock_line host = clock_line_identity();
    struct clock_line line = party_clock_line(p, &host, raw_ns);

    assert_true(line.is_valid);
    return clock_line_to_remote(&line, raw_ns);
}

static void test_takes_over_at_its_instant(void **state)
{
    struct clock_map first = map_of(0);
    struct clock_map second = map_of(1);
    struct clock_line a = clock_map_line(&first);
    struct clock_line b = clock_map_line(&second);
    struct party_clock p;

    (void)state;
    party_clock_init(&p);
    party_clock_announce(&p, &first);
    party_clock_announce(&p, &second);
    assert_int_equal(party_ns(&p, 9 * NS_PER_S), clock_line_to_remote(&a, 9 * NS_PER_S));
    assert_int_equal(party_ns(&p, 20 * NS_PER_S),
                     clock_line_to_remote(&b, 20 * NS_PER_S));
}

/* Who hears of all maps at once reads the clock as one who heard of each in time, but for
 * the instants before the last but one, which are over. */
static void test_heard_of_all_at_once(void **state)
{
    struct party_clock in_time;
    struct party_clock late;

    (void)state;
    party_clock_init(&in_time);
    party_clock_init(&late);
    for (int i = 0; i < 5; i++) {
        struct clock_map m = map_of(i);

        party_clock_announce(&in_time, &m);
        party_clock_announce(&late, &m);
        (void)party_ns(&in_time, i * 10 * NS_PER_S + NS_PER_S);
    }
    for (int64_t ns = 41 * NS_PER_S; ns < 50 * NS_PER_S; ns += NS_PER_S)
        assert_int_equal(party_ns(&late, ns), party_ns(&in_time, ns));
}

/* The same, 2 s before the last map takes over: the one before it is in force. */
static void test_the_one_before_is_in_force(void **state)
{
    struct clock_map third = map_of(3);
    struct clock_line truth = clock_map_line(&third);
    struct party_clock late;

    (void)state;
    party_clock_init(&late);
    for (int i = 0; i < 5; i++) {
        struct clock_map m = map_of(i);

        party_clock_announce(&late, &m);
    }
    assert_int_equal(party_ns(&late, 38 * NS_PER_S),
                     clock_line_to_remote(&truth, 38 * NS_PER_S));
}

static void test_old_ones_are_ignored(void **state)
{
    struct clock_map first = map_of(1);
    struct clock_map second = map_of(2);
    struct party_clock p;

    (void)state;
    party_clock_init(&p);
    party_clock_announce(&p, &second);
    party_clock_announce(&p, &first);
    assert_false(p.has_next);
    assert_int_equal(p.map.map_seq, second.map_seq);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_takes_over_at_its_instant),
        cmocka_unit_test(test_heard_of_all_at_once),
        cmocka_unit_test(test_the_one_before_is_in_force),
        cmocka_unit_test(test_old_ones_are_ignored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
