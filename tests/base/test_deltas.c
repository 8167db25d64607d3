/* Queues of differences: whatever integers go in come out again, oldest first, and the
 * memory follows the length.  SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "base/deltas.h"
#include "base/rng.h"
#include "tests/heap.h"

#define ROWS_MAX 150

struct model {
    int64_t rows[ROWS_MAX][DELTAS_WIDTH_MAX];
    int count;
};

static void check_same(const struct deltas *d, const struct model *m)
{
    struct deltas_reader r = deltas_read(d);

    assert_int_equal(d->count, m->count);
    for (int i = 0; i < m->count; i++) {
        assert_true(deltas_next(&r));
        assert_memory_equal(r.row, m->rows[i], d->width * sizeof(int64_t));
    }
    assert_false(deltas_next(&r));
    if (m->count > 0)
        assert_memory_equal(d->last, m->rows[m->count - 1], d->width * sizeof(int64_t));
}

/* Mostly near the row before, now and then anything at all. */
static void draw(struct rng *r, const struct model *m, int width, int64_t *row)
{
    static const int64_t ends[] = { INT64_MIN, -1, 0, 1, INT64_MAX };

    for (int i = 0; i < width; i++) {
        int64_t before = m->count > 0 ? m->rows[m->count - 1][i] : 0;
        int64_t kind = rng_below(r, 10);

        if (kind == 0)
            row[i] = ends[rng_below(r, COUNT(ends))];
        else if (kind == 1)
            row[i] = (int64_t)rng_next(r);
        else
            row[i] = (int64_t)((uint64_t)before + (rng_next(r) >> (24 + 6 * kind % 40)) -
                               1000);
    }
}

static void check_random(uint64_t seed)
{
    struct deltas d = { .width = (uint8_t)(1 + seed % DELTAS_WIDTH_MAX) };
    struct model m = { .count = 0 };
    struct rng r;

    rng_seed(&r, seed);
    for (int i = 0; i < 2000; i++) {
        bool is_push = rng_below(&r, 8) < (i % 500 < 250 ? 6 : 2);

        if (is_push && m.count < ROWS_MAX) {
            draw(&r, &m, d.width, m.rows[m.count]);
            deltas_push(&d, test_heap(), m.rows[m.count++]);
        } else if (!is_push && m.count > 0) {
            deltas_pop(&d, test_heap());
            memmove(m.rows[0], m.rows[1], sizeof(m.rows[0]) * (size_t)--m.count);
        }
        if (m.count > 0 && rng_below(&r, 4) == 0) {
            draw(&r, &m, d.width, m.rows[m.count - 1]);
            deltas_amend(&d, test_heap(), m.rows[m.count - 1]);
        }
        check_same(&d, &m);
    }
    deltas_clear(&d, test_heap());
    assert_int_equal(test_heap()->used, 0);
}

static void test_random(void **state)
{
    (void)state;
    for_each_seed(10, check_random);
}

/* What a clock filter keeps: samples a second apart, offsets and trips within 100 us. */
static void test_memory(void **state)
{
    struct deltas d = { .width = 3 };
    struct rng r;

    (void)state;
    rng_seed(&r, 1);
    for (int i = 0; i < 1000; i++) {
        int64_t row[] = { i * INT64_C(1000000000) + rng_below(&r, 100000000),
                          INT64_C(1767225600000000000) + rng_below(&r, 100000),
                          200000 + rng_below(&r, 100000) };

        deltas_push(&d, test_heap(), row);
        if (d.count > 120)
            deltas_pop(&d, test_heap());
    }
    assert_true(test_heap()->used <= 120 * 12 + 128);
    while (d.count > 10)
        deltas_pop(&d, test_heap());
    assert_true(test_heap()->used <= 10 * 12 + 128);
    deltas_pop(&d, test_heap());
    deltas_clear(&d, test_heap());
    assert_int_equal(test_heap()->used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
