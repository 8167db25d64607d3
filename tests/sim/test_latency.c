/* The latency models have the distributions that they claim, and the file of a matrix is
 * read or refused with its line.  SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "sim/latency.h"

#define PAIRS 200000

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* p5, p50, p95 and p99 of the one-way latencies in microseconds. */
static void quantiles(const struct latency_params *p, bool is_round_trip, int64_t q[4])
{
    static const int permille[] = { 50, 500, 950, 990 };
    int64_t *ns = calloc(PAIRS, sizeof(*ns));

    for (int i = 0; i < PAIRS; i++) {
        int from = i / 400;
        int to = 1000 + i % 400;

        ns[i] = latency_ns(p, 1, from, to);
        assert_true(ns[i] >= latency_least_ns(p));
        if (is_round_trip)
            ns[i] += latency_ns(p, 1, to, from);
    }
    qsort(ns, PAIRS, sizeof(*ns), compare);
    for (int i = 0; i < 4; i++)
        q[i] = ns[PAIRS / 1000 * permille[i]] / 1000;
    free(ns);
}

static void near(int64_t value, int64_t want, int64_t percent)
{
    if (llabs(value - want) * 100 > want * percent)
        print_message("%lld is not %lld\n", (long long)value, (long long)want);
    assert_true(llabs(value - want) * 100 <= want * percent);
}

static void test_lognormal(void **state)
{
    struct latency_params p;
    int64_t q[4];

    (void)state;
    assert_true(latency_named("40ms", &p));
    quantiles(&p, false, q);
    near(q[0], 14909, 2); /* 40 ms * exp(0.6 * (-1.645, 0, 1.645, 2.326)) */
    near(q[1], 40000, 2);
    near(q[2], 107319, 2);
    near(q[3], 161500, 3);
    assert_true(latency_ns(&p, 1, 2, 3) != latency_ns(&p, 1, 3, 2));
    assert_true(latency_ns(&p, 1, 2, 3) == latency_ns(&p, 1, 2, 3));
    near(latency_least_ns(&p) / 1000, 1093, 1);
}

static void test_world(void **state)
{
    struct latency_params p;
    int64_t q[4];

    (void)state;
    assert_true(latency_named("world", &p));
    quantiles(&p, true, q);
    print_message("world, round trip: p5 %lld p50 %lld p95 %lld p99 %lld us\n",
                  (long long)q[0], (long long)q[1], (long long)q[2], (long long)q[3]);
    near(q[1], 135000, 15);
    assert_true(q[0] > 19000 && q[0] < 60000);
    near(q[2], 325000, 25);
    assert_true(latency_ns(&p, 1, 2, 3) == latency_ns(&p, 1, 3, 2));
    assert_false(latency_named("mars", &p));
}

static void test_uniform(void **state)
{
    struct latency_params p = { .kind = LATENCY_UNIFORM,
                                .min_ns = 10 * NS_PER_MS,
                                .max_ns = 200 * NS_PER_MS };
    int64_t q[4];

    (void)state;
    quantiles(&p, false, q);
    near(q[1], 105000, 2);
    near(q[2], 190500, 2);
    assert_int_equal(latency_least_ns(&p), 10 * NS_PER_MS);
}

static bool read_text(const char *content, struct latency_matrix *m, char *text)
{
    char path[] = "/tmp/party-latency-XXXXXX";
    int fd = mkstemp(path);
    bool is_good;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    close(fd);
    is_good = latency_matrix_read(path, m, text, 200);
    unlink(path);
    return is_good;
}

static void test_matrix(void **state)
{
    static const struct {
        const char *content;
        const char *want; /* NULL: it is good */
    } cases[] = {
        { "# three\n0 1.5 2\n1.5, 0, 3\n\n2\t3\t0 # last\n", NULL },
        { "0 1\n1 0 2\n", ":2: this line has not as many" },
        { "0 1\n", ": fewer lines" },
        { "0 1\n1 0\n2 2\n", ":3: more lines" },
        { "", ": no numbers" },
        { "0 -1\n", ":1: a latency is" },
        { "0 x\n", ":1: a latency is" },
        { "0 1e9\n", ":1: a latency is" },
        { "0 nan\n0 0\n", ":1: a latency is" },
    };
    struct latency_matrix m;
    char text[200];

    (void)state;
    for (int i = 0; i < (int)(sizeof(cases) / sizeof(cases[0])); i++) {
        bool is_good = read_text(cases[i].content, &m, text);

        if (cases[i].want != NULL) {
            assert_false(is_good);
            assert_non_null(strstr(text, cases[i].want));
            continue;
        }
        assert_true(is_good);
        assert_int_equal(m.rows, 3);
        {
            struct latency_params p = { .kind = LATENCY_MATRIX, .matrix = &m };

            assert_int_equal(latency_ns(&p, 1, 0, 1), 1500 * NS_PER_US);
            assert_int_equal(latency_ns(&p, 1, 5, 3), 2 * NS_PER_MS);
        }
        latency_matrix_finish(&m);
    }
    assert_false(latency_matrix_read("/nonexistent", &m, text, 200));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lognormal),
        cmocka_unit_test(test_world),
        cmocka_unit_test(test_uniform),
        cmocka_unit_test(test_matrix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
