/* Memory of the simulator, which is no part of the core: a failure ends the program.
 * SPDX-License-Identifier: MIT */
#ifndef SIM_MEMORY_H
#define SIM_MEMORY_H

#include <stdio.h>
#include <stdlib.h>

static inline _Noreturn void memory_fail(void)
{
    fputs("party-sim: out of memory\n", stderr);
    abort();
}

/* Zeroed; to be freed. */
static inline void *memory_new(size_t count, size_t size)
{
    void *p = calloc(count > 0 ? count : 1, size > 0 ? size : 1);

    if (p == NULL)
        memory_fail();
    return p;
}

/* The same with room for count items; what is new is not zeroed. */
static inline void *memory_grow(void *old, size_t count, size_t size)
{
    void *p = reallocarray(old, count, size);

    if (p == NULL)
        memory_fail();
    return p;
}

#endif
