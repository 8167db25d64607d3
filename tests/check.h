/* What every cmocka program of ours includes, in the order that cmocka wants.
 * SPDX-License-Identifier: MIT */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

/* Run fn(seed) for seeds 1..n, or for SEED from the environment alone; the seed is
 * printed first, so that a failure names it. */
static inline void for_each_seed(int n, void (*fn)(uint64_t seed))
{
    const char *only = getenv("SEED");

    if (only != NULL) {
        fn(strtoull(only, NULL, 10));
        return;
    }
    for (int i = 1; i <= n; i++) {
        printf("seed %d\n", i);
        fn((uint64_t)i);
    }
}

#endif
