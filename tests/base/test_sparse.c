/* Sparse tables: every number keeps its row whatever comes and goes, and memory follows
 * what is in use.  SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "base/rng.h"
#include "base/sparse.h"

#include <stdlib.h>

#define REGION (1 << 20)

struct bench {
    uint8_t *region;
    struct pool pool;
    struct heap heap;
    struct sparse set;
    uint32_t *rows;
};

static void start(struct bench *b)
{
    *b = (struct bench){ .region = aligned_alloc(16, REGION) };
    pool_init(&b->pool, b->region, REGION);
    heap_init(&b->heap, &b->pool);
}

static void add(struct bench *b, int number)
{
    b->rows = sparse_add(&b->set, &b->heap, b->rows, number, sizeof(*b->rows));
    assert_int_equal(b->rows[sparse_place(&b->set, number)], 0);
}

static void take_out(struct bench *b, int number)
{
    b->rows = sparse_remove(&b->set, &b->heap, b->rows, number, sizeof(*b->rows));
}

static void test_any_order(void **state)
{
    uint32_t is[SPARSE_MAX] = { 0 };
    struct bench b;
    struct rng r;

    (void)state;
    start(&b);
    rng_seed(&r, 3);
    for (uint32_t i = 1; i < 30000; i++) {
        /* Busy times and quiet ones. */
        bool is_add = rng_below(&r, 8) < (i % 2000 < 1000 ? 6 : 2);
        int number = (int)rng_below(&r, SPARSE_MAX);
        int seen = 0;
        int last = -1;

        if (is_add && is[number] == 0) {
            add(&b, number);
            b.rows[sparse_place(&b.set, number)] = is[number] = i;
        } else if (!is_add && is[number] != 0) {
            take_out(&b, number);
            is[number] = 0;
        }
        for (int k = sparse_next(&b.set, 0); k >= 0; k = sparse_next(&b.set, k + 1)) {
            assert_true(k > last);
            assert_int_equal(sparse_place(&b.set, k), seen++);
            assert_int_equal(b.rows[sparse_place(&b.set, k)], is[k]);
            last = k;
        }
        assert_int_equal(seen, b.set.count);
        for (int k = -1; k <= SPARSE_MAX; k++)
            assert_true(sparse_has(&b.set, k) ==
                        (k >= 0 && k < SPARSE_MAX && is[k] != 0));
    }
    sparse_clear(&b.set, &b.heap, b.rows, sizeof(*b.rows));
    assert_int_equal(b.heap.used, 0);
    free(b.region);
}

static void test_memory_follows_use(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    for (int i = 0; i < 64; i++)
        add(&b, i);
    assert_true(b.heap.used >= 64 * sizeof(*b.rows));
    for (int i = 0; i < 64; i++) {
        if (i % 10 != 3) /* these stay, the last of them among the last */
            take_out(&b, i);
    }
    assert_int_equal(b.set.count, 7);
    assert_in_range(b.heap.used, 7 * sizeof(*b.rows), 12 * sizeof(*b.rows));
    for (int i = 3; i < 64; i += 10)
        take_out(&b, i);
    assert_null(b.rows);
    assert_int_equal(b.heap.used, 0);
    free(b.region);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_memory_follows_use),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
