/* Memory of the simulator, which is no part of the core: a failure ends the program.
 * SPDX-License-Identifier: MIT */
#ifndef SIM_MEMORY_H
#define SIM_MEMORY_H

#include <stdio.h>
#include <stdlib.h>

/* Zeroed; to be freed. */
static inline void *memory_new(size_t count, size_t size)
{
    void *p = calloc(count > 0 ? count : 1, size > 0 ? size : 1);

    if (p == NULL) {
        fputs("party-sim: out of memory\n", stderr);
        abort();
    }
    return p;
}

#endif
