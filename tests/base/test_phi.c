/* phi against the table of the exact formula, and what it learns.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <stdlib.h>

#include "base/rng.h"
#include "base/time.h"
#include "base/phi.h"

#define MS NS_PER_MS

/* mean 1 s: the silence in ms at which phi is 1, 3, 5, 8, 12 (normal quantiles). */
static const struct {
    int64_t sigma_ms;
    int64_t silence_ms[5];
} rows[] = {
    { 100, { 1128, 1309, 1426, 1561, 1703 } },
    { 250, { 1320, 1773, 2066, 2403, 2759 } },
    { 500, { 1641, 2545, 3132, 3806, 4517 } },
    { 1000, { 2282, 4090, 5265, 6612, 8034 } },
};

static void test_table(void **state)
{
    static const int64_t phis[] = { 1000, 3000, 5000, 8000, 12000 };
    struct phi_params params = phi_params_default();

    (void)state;
    for (int r = 0; r < COUNT(rows); r++) {
        struct phi p;

        params.sigma_first_ns = rows[r].sigma_ms * MS;
        phi_init(&p, &params);
        for (int i = 0; i < COUNT(phis); i++) {
            int64_t t = rows[r].silence_ms[i] * MS;

            assert_true(llabs(phi_milli(&p, &params, t, 0) - phis[i]) <= 30);
        }
    }
}

/* The longer the silence, the more suspicious; to a limit. */
static void test_rises(void **state)
{
    struct phi_params params = phi_params_default();
    struct phi p;
    int64_t last = 0;

    (void)state;
    phi_init(&p, &params);
    for (int64_t t = 0; t < 20000 * MS; t += 2 * MS) {
        int64_t milli = phi_milli(&p, &params, t, 0);

        assert_true(milli >= last && milli <= PHI_MILLI_MAX);
        last = milli;
    }
    assert_int_equal(phi_milli(&p, &params, TIME_NEVER, 0), PHI_MILLI_MAX);
    assert_int_equal(phi_milli(&p, &params, 0, 0), 0);
}

static void test_learns(void **state)
{
    struct phi_params params = phi_params_default();
    struct phi p;
    struct rng r;

    (void)state;
    rng_seed(&r, 1);
    phi_init(&p, &params);
    for (int i = 0; i < 2000; i++) /* uniform: deviation 3 s / sqrt(12) */
        phi_add(&p, &params, 8500 * MS + rng_below(&r, 3000 * MS));
    assert_true(llabs(p.mean_ns - 10000 * MS) < 200 * MS);
    assert_true(llabs(root_floor(p.variance_us2) - 866025) < 90000);
    /* It forgets: other gaps take over. */
    for (int i = 0; i < 2000; i++)
        phi_add(&p, &params, 1000 * MS);
    assert_true(llabs(p.mean_ns - 1000 * MS) < 10 * MS);
    assert_true(phi_milli(&p, &params, 1700 * MS, 0) > 8000);
    /* A floor for a link with a long round trip. */
    assert_true(phi_milli(&p, &params, 1700 * MS, 1000 * MS) < 1000);
    phi_add(&p, &params, INT64_MAX);
    phi_add(&p, &params, -5);
    assert_true(p.mean_ns > 0 && p.variance_us2 > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_rises),
        cmocka_unit_test(test_learns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
