/* One heap for tests that need some: what is taken is to be given back.
 * SPDX-License-Identifier: MIT */
#ifndef TESTS_HEAP_H
#define TESTS_HEAP_H

#include "base/pool.h"

#define TEST_HEAP_BYTES (1 << 20)

static inline struct heap *test_heap(void)
{
    static _Alignas(16) uint8_t region[TEST_HEAP_BYTES];
    static struct pool pool;
    static struct heap heap;

    if (heap.pool == NULL) {
        pool_init(&pool, region, sizeof(region));
        heap_init(&heap, &pool);
    }
    return &heap;
}

#endif
