/* What an interval teaches, against sums over the whole curve.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <math.h>

#include "audio/interval.h"

static const struct {
    const char *name;
    double low;
    double high;
    double late_share;
} cases[] = {
    { "in the middle of a wide step nothing is learnt", -50, 50, 0 },
    { "just after a step", -100, 0, 0 },
    { "just before a step", 0, 100, 0 },
    { "just before a step, or late", 0, 100, 0.1 },
    { "narrow", -0.01, 0.02, 0 },
    { "contradicted from below, by an early one", -9, -3, 0.1 },
    { "contradicted from above, most likely late", 4, 20, 0.1 },
    { "contradicted from above, and never late", 4, 20, 0 },
};

static void test_moments_are_those_of_the_curve(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(cases); i++) {
        struct interval_news n = interval_learn(cases[i].low, cases[i].high,
                                                cases[i].late_share);
        double mass = 0;
        double first = 0;
        double second = 0;

        for (double x = -12 + 5e-5; x < 12; x += 1e-4) {
            double on_time = x > cases[i].low ? 1 - cases[i].late_share : 0;
            double w = x < cases[i].high
                           ? (on_time + cases[i].late_share) * exp(-x * x / 2)
                           : 0;

            mass += w;
            first += w * x;
            second += w * x * x;
        }
        first /= mass;
        second = second / mass - first * first;
        print_message("%-45s shift %+.4f (%+.4f) shrink %.4f (%.4f)\n", cases[i].name,
                      n.shift, first, n.shrink, second);
        assert_true(fabs(n.shift - first) < 2e-3);
        assert_true(fabs(n.shrink - fmax(second, 1e-3)) < 1e-2);
    }
}

/* Whatever comes, the answer is a belief: finite, and with a variance. */
static void test_nothing_breaks_it(void **state)
{
    static const double ends[] = { -1e30, -1e6, -40, -8.1, -7.9, -1,  0,
                                   1,     7.9,  8.1, 40,   1e6,  1e30 };

    (void)state;
    for (int i = 0; i < COUNT(ends); i++) {
        for (int k = i + 1; k < COUNT(ends); k++) {
            for (int late = 0; late <= 10; late++) {
                struct interval_news n = interval_learn(ends[i], ends[k], late / 10.0);

                assert_true(isfinite(n.shift) && isfinite(n.shrink));
                assert_true(n.shrink > 0 && n.shrink < 100);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moments_are_those_of_the_curve),
        cmocka_unit_test(test_nothing_breaks_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
