/* The pool: blocks never overlap, come back zeroed, and are counted.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "base/pool.h"
#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

#define REGION (1 << 22)
#define BLOCKS 200

static void test_sizes(void **state)
{
    uint8_t *region = aligned_alloc(16, REGION);
    struct pool p;
    struct heap h;

    (void)state;
    pool_init(&p, region, REGION);
    heap_init(&h, &p);
    for (size_t len = 1; len < 70000; len += len < 2000 ? 1 : 97) {
        size_t used = h.used;
        uint8_t *m = heap_take(&h, 1, len);

        assert_true(h.used - used >= len);
        assert_true(len < 16 || h.used - used <= len + len / 8 + 16);
        assert_true((uintptr_t)m % 16 == 0);
        heap_give(&h, m, 1, len);
        assert_int_equal(h.used, used);
    }
    assert_null(heap_take(&h, 0, 8));
    free(region);
}

/* Random takes, gives and resizes: every block keeps its own bytes. */
static void test_random(void **state)
{
    uint8_t *region = aligned_alloc(16, REGION);
    struct {
        uint8_t *m;
        size_t len;
        uint8_t mark;
    } b[BLOCKS] = { { 0 } };
    struct pool p;
    struct heap h;
    struct rng r;

    (void)state;
    rng_seed(&r, 7);
    memset(region, 0xa5, REGION);
    pool_init(&p, region, REGION);
    heap_init(&h, &p);
    for (int i = 0; i < 20000; i++) {
        int k = (int)rng_below(&r, BLOCKS);
        size_t len = (size_t)rng_below(&r, 3000) + 1;
        size_t kept = b[k].len < len ? b[k].len : len;
        uint8_t *m = heap_resize(&h, b[k].m, b[k].len, len, 1);

        for (size_t n = 0; n < kept; n++)
            assert_int_equal(m[n], b[k].mark);
        for (size_t n = kept; n < len; n++)
            assert_int_equal(m[n], 0);
        b[k].m = m;
        b[k].len = len;
        b[k].mark = (uint8_t)i;
        memset(m, b[k].mark, len);
        if (i % 3 == 0) {
            heap_give(&h, m, len, 1);
            b[k].m = NULL;
            b[k].len = 0;
        }
    }
    for (int k = 0; k < BLOCKS; k++)
        heap_give(&h, b[k].m, b[k].len, 1);
    assert_int_equal(h.used, 0);
    free(region);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
