/* Lines and maps: conversions, composition, growth, states, and the host's map.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "base/rng.h"
#include "clock/line.h"
#include "clock/map.h"

static const int64_t utc_2026 = INT64_C(1767225600) * NS_PER_S;

static void test_conversion(void **state)
{
    static const struct {
        const char *fact;
        struct clock_line line;
        int64_t local, remote;
    } cases[] = {
        { "identity", { .is_valid = true }, 12345, 12345 },
        { "offset only",
          { .local_ns = 100, .remote_ns = 1000, .is_valid = true },
          105,
          1005 },
        { "before the anchor",
          { .local_ns = 100, .remote_ns = 1000, .is_valid = true },
          -5,
          895 },
        { "50 ppm faster: 50 us in a second",
          { .rate_ppt = 50 * PPT_PER_PPM, .is_valid = true },
          NS_PER_S,
          NS_PER_S + 50000 },
        { "50 ppm slower, backwards",
          { .rate_ppt = -50 * PPT_PER_PPM, .is_valid = true },
          -NS_PER_S,
          -NS_PER_S + 50000 },
        { "a year at 100 ppm",
          { .rate_ppt = 100 * PPT_PER_PPM, .is_valid = true },
          INT64_C(31536000) * NS_PER_S,
          INT64_C(31536000) * NS_PER_S + INT64_C(3153600) * NS_PER_MS },
    };
    (void)state;
    for (int i = 0; i < COUNT(cases); i++) {
        print_message("%s\n", cases[i].fact);
        assert_int_equal(clock_line_to_remote(&cases[i].line, cases[i].local),
                         cases[i].remote);
        assert_int_equal(clock_line_to_local(&cases[i].line, cases[i].remote),
                         cases[i].local);
    }
}

static struct clock_line random_line(struct rng *r)
{
    return (struct clock_line){
        .local_ns = rng_below(r, INT64_C(1) << 55),
        .remote_ns = utc_2026 + rng_below(r, INT64_C(1) << 55),
        .rate_ppt = rng_below(r, 500 * PPT_PER_PPM) - 250 * PPT_PER_PPM,
        .sigma_ns = rng_below(r, NS_PER_MS),
        .bound_ns = rng_below(r, 10 * NS_PER_MS),
        .sigma_ppt = rng_below(r, PPT_PER_PPM),
        .bound_ppt = rng_below(r, 10 * PPT_PER_PPM),
        .is_valid = true,
    };
}

static void assert_near(int64_t a, int64_t b, int64_t tolerance)
{
    assert_true(a - b <= tolerance && b - a <= tolerance);
}

/* There and back, and composition agree with each other. */
static void check_algebra(uint64_t seed)
{
    struct rng r;

    rng_seed(&r, seed);
    for (int i = 0; i < 200; i++) {
        struct clock_line ab = random_line(&r);
        struct clock_line bc = random_line(&r);
        int64_t local = ab.local_ns + rng_below(&r, INT64_C(1) << 53) -
                        (INT64_C(1) << 52);
        int64_t there = clock_line_to_remote(&ab, local);
        struct clock_line ac;

        assert_near(clock_line_to_local(&ab, there), local, 1);
        bc.local_ns = ab.remote_ns + rng_below(&r, NS_PER_S);
        ac = clock_line_compose(&ab, &bc);
        assert_near(clock_line_to_remote(&ac, local), clock_line_to_remote(&bc, there),
                    4600);
        assert_true(ac.bound_ns >= ab.bound_ns + bc.bound_ns);
        assert_true(clock_line_bound_at(&ac, local) >= clock_line_bound_at(&ab, local));
    }
}

static void test_algebra(void **state)
{
    (void)state;
    for_each_seed(20, check_algebra);
}

/* Instants from a peer may be anything: no overflow (UBSan watches), order is kept. */
static void test_extremes(void **state)
{
    static const int64_t instants[] = { INT64_MIN, -INT64_MAX, INT64_MIN / 2, -1,
                                        0,         1,          INT64_MAX / 2, INT64_MAX };
    struct clock_line l = { .local_ns = INT64_C(1) << 61,
                            .remote_ns = utc_2026,
                            .rate_ppt = 250 * PPT_PER_PPM,
                            .bound_ns = 5,
                            .bound_ppt = PPT_ONE,
                            .is_valid = true };

    (void)state;
    for (int sign = 1; sign >= -1; sign -= 2) {
        l.rate_ppt *= sign;
        for (int i = 1; i < COUNT(instants); i++) {
            assert_true(clock_line_to_remote(&l, instants[i]) >=
                        clock_line_to_remote(&l, instants[i - 1]));
            assert_true(clock_line_to_local(&l, instants[i]) >=
                        clock_line_to_local(&l, instants[i - 1]));
            assert_true(clock_line_bound_at(&l, instants[i]) >= 5);
        }
    }
    assert_int_equal(clock_line_to_remote(&l, INT64_MIN), -INT64_MAX);
    l.is_valid = false;
    assert_int_equal(clock_line_bound_at(&l, 0), TIME_NEVER);
    assert_int_equal(clock_line_sigma_at(&l, 0), TIME_NEVER);
    assert_false(clock_line_compose(&l, &l).is_valid);
}

static void test_bound_grows(void **state)
{
    struct clock_line l = { .local_ns = NS_PER_S,
                            .bound_ns = 1000,
                            .sigma_ns = 10,
                            .bound_ppt = PPT_PER_PPM,
                            .sigma_ppt = 2 * PPT_PER_PPM,
                            .is_valid = true };

    (void)state;
    assert_int_equal(clock_line_bound_at(&l, NS_PER_S), 1000);
    assert_int_equal(clock_line_bound_at(&l, 11 * NS_PER_S), 11000);
    assert_int_equal(clock_line_bound_at(&l, -9 * NS_PER_S), 11000);
    assert_int_equal(clock_line_sigma_at(&l, 11 * NS_PER_S), 20010);
}

static void test_states(void **state)
{
    struct clock_params params = clock_params_default();
    static const struct {
        const char *fact;
        bool is_valid;
        int64_t bound_ns, bound_ppt, interval_ns, age_ns;
        enum clock_state want;
    } cases[] = {
        { "never measured", false, 0, 0, NS_PER_S, 0, CLOCK_UNSYNCED },
        { "fresh", true, 1000, 0, NS_PER_S, 0, CLOCK_LOCKED },
        { "5 s are no holdover at 1 Hz", true, 1000, 0, NS_PER_S, 5 * NS_PER_S,
          CLOCK_LOCKED },
        { "more are", true, 1000, 0, NS_PER_S, 5 * NS_PER_S + 1, CLOCK_HOLDOVER },
        { "three intervals of 4 s are none", true, 1000, 0, 4 * NS_PER_S, 12 * NS_PER_S,
          CLOCK_LOCKED },
        { "more than three are", true, 1000, 0, 4 * NS_PER_S, 12 * NS_PER_S + 1,
          CLOCK_HOLDOVER },
        { "a long path alone does no harm", true, 90 * NS_PER_MS, PPT_PER_PPM, NS_PER_S,
          NS_PER_S, CLOCK_LOCKED },
        { "20 ms lost in silence are too much", true, 1000, 10 * PPT_PER_PPM, NS_PER_S,
          2001 * NS_PER_S, CLOCK_UNSYNCED },
        { "less are not", true, 1000, 10 * PPT_PER_PPM, NS_PER_S, 1999 * NS_PER_S,
          CLOCK_HOLDOVER },
        { "nobody needs to ask", true, 0, 0, TIME_NEVER, INT64_MAX / 4, CLOCK_LOCKED },
    };
    (void)state;
    for (int i = 0; i < COUNT(cases); i++) {
        struct clock_line l = { .local_ns = 77,
                                .bound_ns = cases[i].bound_ns,
                                .bound_ppt = cases[i].bound_ppt,
                                .is_valid = cases[i].is_valid };

        print_message("%s\n", cases[i].fact);
        assert_int_equal(
            clock_line_state(&l, &params, cases[i].interval_ns, 77 + cases[i].age_ns),
            cases[i].want);
    }
}

static const struct clock_map sane = {
    .map_seq = 3,
    .raw_ref_ns = 5 * NS_PER_S,
    .party_ref = { INT64_C(1767225600) * NS_PER_S },
    .rate_ppt = 12 * PPT_PER_PPM,
    .bound_ns = NS_PER_MS,
    .valid_from = { INT64_C(1767225600) * NS_PER_S },
};

static void test_map_sane(void **state)
{
    struct {
        const char *fact;
        struct clock_map map;
        bool want;
    } cases[] = {
        { "an honest one", sane, true },     { "bound unknown", sane, true },
        { "too fast", sane, false },         { "too slow", sane, false },
        { "negative bound", sane, false },   { "before 1970", sane, false },
        { "after 2200", sane, false },       { "valid never", sane, false },
        { "raw out of range", sane, false }, { "raw far below", sane, false },
    };
    (void)state;
    cases[1].map.bound_ns = TIME_NEVER;
    cases[2].map.rate_ppt = 1001 * PPT_PER_PPM;
    cases[3].map.rate_ppt = INT64_MIN;
    cases[4].map.bound_ns = -1;
    cases[5].map.party_ref.ns = -1;
    cases[6].map.party_ref.ns = INT64_MAX;
    cases[7].map.valid_from.ns = INT64_MIN;
    cases[8].map.raw_ref_ns = INT64_MAX;
    cases[9].map.raw_ref_ns = INT64_MIN;
    for (int i = 0; i < COUNT(cases); i++) {
        print_message("%s\n", cases[i].fact);
        assert_int_equal(clock_map_is_sane(&cases[i].map), cases[i].want);
    }
}

/* Host and guest agree on party time to within the guest's line to the host. */
static void test_guest_and_host(void **state)
{
    struct clock_line identity = clock_line_identity();
    struct clock_line to_host = { .local_ns = 900,
                                  .remote_ns = 5 * NS_PER_S,
                                  .rate_ppt = -31 * PPT_PER_PPM,
                                  .bound_ns = 42,
                                  .is_valid = true };
    struct party_clock host;
    struct party_clock guest;
    struct clock_line on_host;
    struct clock_line on_guest;
    struct party_time t = { sane.party_ref.ns + 100 * NS_PER_S };
    int64_t raw;

    (void)state;
    party_clock_init(&host);
    party_clock_init(&guest);
    assert_false(party_clock_line(&host, &identity, 0).is_valid);
    party_clock_announce(&host, &sane);
    party_clock_adopt(&guest, &sane);
    on_host = party_clock_line(&host, &identity, 0);
    on_guest = party_clock_line(&guest, &to_host, 0);
    assert_int_equal(on_guest.bound_ns, 42);
    raw = party_clock_to_local(&on_host, t);
    assert_near(clock_line_to_remote(&to_host, party_clock_to_local(&on_guest, t)), raw,
                2);
    assert_int_equal(party_clock_from_local(&on_host, raw).ns, t.ns);
    to_host.is_valid = false;
    assert_false(party_clock_line(&guest, &to_host, 0).is_valid);
}

/* The host learns UTC better: party time bends, it never steps, and arrives. */
static void test_refine(void **state)
{
    struct clock_params params = clock_params_default();
    struct clock_line identity = clock_line_identity();
    struct clock_line utc = { .remote_ns = utc_2026,
                              .rate_ppt = 40 * PPT_PER_PPM,
                              .bound_ns = 17 * NS_PER_MS,
                              .is_valid = true };
    struct clock_map map = clock_map_first(&utc, 0);
    struct clock_map next;
    struct party_clock p;
    struct clock_line before;
    struct clock_line after;
    int published = 0;

    (void)state;
    assert_int_equal(map.map_seq, 1);
    assert_false(clock_map_refine(&map, &utc, &params, NS_PER_S, &next));
    utc.remote_ns += 3 * NS_PER_MS; /* we were 3 ms slow, and 2 ppm off */
    utc.rate_ppt += 2 * PPT_PER_PPM;
    party_clock_init(&p);
    party_clock_adopt(&p, &map);
    for (int64_t now = 0; now < 3600 * NS_PER_S; now += NS_PER_S) {
        if (!p.has_next && clock_map_refine(&p.map, &utc, &params, now, &next)) {
            assert_true(clock_map_is_sane(&next));
            assert_int_equal(next.map_seq, p.map.map_seq + 1);
            assert_true(next.raw_ref_ns >= now + params.map_lead_ns);
            assert_true(next.rate_ppt <= utc.rate_ppt + params.map_slew_ppt);
            party_clock_announce(&p, &next);
            published++;
        }
        before = party_clock_line(&p, &identity, now);
        after = party_clock_line(&p, &identity, now + NS_PER_S);
        assert_near(clock_line_to_remote(&after, now + NS_PER_S) -
                        clock_line_to_remote(&before, now + NS_PER_S),
                    0, 40000);
    }
    assert_near(clock_line_to_remote(&after, 3600 * NS_PER_S),
                clock_line_to_remote(&utc, 3600 * NS_PER_S), params.map_offset_ns);
    assert_in_range(published, 2, 12);
    utc.is_valid = false;
    assert_false(clock_map_refine(&map, &utc, &params, 0, &next));
}

static void test_announce_order(void **state)
{
    struct clock_line identity = clock_line_identity();
    struct party_clock p;
    struct clock_map old = sane;
    struct clock_map next = sane;
    struct clock_line line;

    (void)state;
    party_clock_init(&p);
    party_clock_announce(&p, &sane);
    old.map_seq = 2;
    old.rate_ppt = 0;
    party_clock_announce(&p, &old);
    assert_false(p.has_next);
    next.map_seq = 4;
    next.rate_ppt = 13 * PPT_PER_PPM;
    next.valid_from.ns += 10 * NS_PER_S;
    party_clock_announce(&p, &next);
    party_clock_announce(&p, &next);
    line = party_clock_line(&p, &identity, 14 * NS_PER_S);
    assert_int_equal(line.rate_ppt, sane.rate_ppt);
    line = party_clock_line(&p, &identity, 16 * NS_PER_S);
    assert_int_equal(line.rate_ppt, next.rate_ppt);
    assert_false(p.has_next);
}

/* A new host publishes the same party time on its own raw clock. */
static void test_rebase(void **state)
{
    struct clock_line to_host = { .local_ns = 123 * NS_PER_S,
                                  .remote_ns = 5 * NS_PER_S,
                                  .rate_ppt = 55 * PPT_PER_PPM,
                                  .is_valid = true };
    struct clock_line map = clock_map_line(&sane);
    struct clock_line party = clock_line_compose(&to_host, &map);
    struct clock_map mine = clock_map_rebase(&sane, &party, 500 * NS_PER_S);
    struct clock_line rebased = clock_map_line(&mine);

    (void)state;
    assert_int_equal(mine.map_seq, 4);
    assert_int_equal(mine.valid_from.ns, clock_line_to_remote(&party, 500 * NS_PER_S));
    for (int64_t at = 0; at < 1000 * NS_PER_S; at += 33 * NS_PER_S) {
        assert_near(clock_line_to_remote(&rebased, at), clock_line_to_remote(&party, at),
                    1);
    }
}

/* What stands in for a better line may be off by the two's distance, and by the other's
 * own bound; nothing overflows, whatever a host says. */
static void test_stand_in(void **state)
{
    struct clock_line old = { .remote_ns = 1000, .bound_ns = 5, .is_valid = true };
    struct clock_line new = { .remote_ns = 1300, .bound_ns = 40, .is_valid = true };
    struct clock_line far = { .remote_ns = INT64_MIN,
                              .bound_ns = INT64_MAX,
                              .is_valid = true };

    (void)state;
    assert_int_equal(clock_line_miss_at(&old, &new, 77), 340);
    assert_int_equal(clock_line_miss_at(&new, &old, 77), 305);
    assert_int_equal(clock_line_widen(&old, 340).bound_ns, 345);
    assert_int_equal(clock_line_widen(&old, 340).remote_ns, old.remote_ns);
    assert_int_equal(clock_line_miss_at(&old, &far, 0), INT64_MAX);
    assert_int_equal(clock_line_widen(&far, INT64_MAX).bound_ns, INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conversion),     cmocka_unit_test(test_algebra),
        cmocka_unit_test(test_extremes),       cmocka_unit_test(test_bound_grows),
        cmocka_unit_test(test_states),         cmocka_unit_test(test_map_sane),
        cmocka_unit_test(test_guest_and_host), cmocka_unit_test(test_refine),
        cmocka_unit_test(test_announce_order), cmocka_unit_test(test_rebase),
        cmocka_unit_test(test_stand_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
