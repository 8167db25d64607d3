/* The vote: intervals, majorities, means.  SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "base/rng.h"
#include "base/time.h"
#include "clock/select.h"

struct row {
    const char *fact;
    int count;
    int64_t at[5], bound[5];
    bool want;
    int agreeing;
    uint32_t chosen;
    int64_t mean_lo, mean_hi; /* the mean lies between */
};

static const struct row rows[] = {
    { "nobody", 0, { 0 }, { 0 }, false, 0, 0, 0, 0 },
    { "one alone is believed", 1, { 50 }, { 9 }, true, 1, 1, 50, 50 },
    { "two that agree", 2, { 0, 10 }, { 8, 8 }, true, 2, 3, 2, 8 },
    { "two that touch", 2, { 0, 10 }, { 5, 5 }, true, 2, 3, 5, 5 },
    { "two that do not", 2, { 0, 11 }, { 5, 5 }, false, 0, 0, 0, 0 },
    { "one liar of three", 3, { 0, 1, 100 }, { 5, 5, 5 }, true, 2, 3, -4, 5 },
    { "one liar of four", 4, { 0, 100, 1, 2 }, { 5, 5, 5, 5 }, true, 3, 13, -3, 5 },
    { "two of four lie alike", 4, { 0, 0, 50, 50 }, { 5, 5, 5, 5 }, false, 0, 0, 0, 0 },
    { "two of five lie alike",
      5,
      { 0, 50, 1, 50, 2 },
      { 5, 5, 5, 5, 5 },
      true,
      3,
      21,
      0,
      2 },
    { "all differ", 3, { 0, 50, 100 }, { 5, 5, 5 }, false, 0, 0, 0, 0 },
    { "the narrow one weighs most",
      3,
      { 0, 90, -90 },
      { 1, 100, 100 },
      true,
      3,
      7,
      -1,
      1 },
    { "… whatever the others say together",
      3,
      { 0, 60, 60 },
      { 10, 100, 100 },
      true,
      3,
      7,
      1,
      3 },
    { "a mean outside what all hold possible is moved there",
      5,
      { 0, 0, 0, 0, 18 },
      { 10, 10, 10, 10, 10 },
      true,
      5,
      31,
      8,
      8 },
    { "a wide one agrees with everybody, and hides no quarrel",
      3,
      { 0, -60, 60 },
      { 100, 5, 5 },
      true,
      2,
      7,
      -65,
      65 },
    { "exact ones that agree", 3, { 7, 7, 7 }, { 0, 0, 0 }, true, 3, 7, 7, 7 },
    { "one that knows nothing", 2, { 0, 1000 }, { INT64_MAX, 5 }, true, 2, 3, 995, 1005 },
};

static void test_rows(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        const struct row *r = &rows[i];
        struct select_choice c = { .agreeing = -1 };

        print_message("%s\n", r->fact);
        assert_int_equal(select_majority(r->at, r->bound, r->count, &c), r->want);
        if (!r->want) {
            assert_int_equal(c.agreeing, -1);
            continue;
        }
        assert_int_equal(c.agreeing, r->agreeing);
        assert_int_equal(c.chosen, r->chosen);
        assert_true(c.mean_ns >= r->mean_lo && c.mean_ns <= r->mean_hi);
        assert_true(c.bound_ns >= 0);
    }
}

/* As long as more than half are honest and the others agree with nobody, the truth is
 * within the bound, and the order of the candidates does not matter. */
static void check_truth(uint64_t seed)
{
    struct rng r;

    rng_seed(&r, seed);
    for (int run = 0; run < 500; run++) {
        int count = 1 + (int)rng_below(&r, 9);
        int liars = (int)rng_below(&r, (count + 1) / 2);
        int64_t truth = INT64_C(1767225600) * NS_PER_S + rng_below(&r, NS_PER_S);
        int64_t at[SELECT_MAX], bound[SELECT_MAX], back[SELECT_MAX],
            back_bound[SELECT_MAX];
        struct select_choice c;
        struct select_choice d;

        for (int i = 0; i < count; i++) {
            bound[i] = 1 + rng_below(&r, 50 * NS_PER_MS);
            at[i] = truth + rng_below(&r, 2 * bound[i] + 1) - bound[i];
            if (i < liars) {
                at[i] += (i + 1) * NS_PER_S;
            }
            back[count - 1 - i] = at[i];
            back_bound[count - 1 - i] = bound[i];
        }
        assert_true(select_majority(at, bound, count, &c));
        assert_int_equal(c.agreeing, count - liars);
        assert_int_equal(c.chosen, ((UINT32_C(1) << count) - 1) >> liars << liars);
        assert_true(truth >= c.mean_ns - c.bound_ns && truth <= c.mean_ns + c.bound_ns);
        assert_true(select_majority(back, back_bound, count, &d));
        assert_int_equal(c.mean_ns, d.mean_ns);
        assert_int_equal(c.bound_ns, d.bound_ns);
    }
}

static void test_truth(void **state)
{
    (void)state;
    for_each_seed(10, check_truth);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_truth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
