/* The memory of the pure modules: one block, given by the driver, cut at init and never
 * given back.  After init no step can fail for want of memory.
 * SPDX-License-Identifier: MIT */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct arena {
    uint8_t *base;
    size_t size;
    size_t used;
};

/* Keeps memory, which must outlive all that is cut from it. */
void arena_init(struct arena *a, void *memory, size_t size);

/* Zeroed room for count items of size bytes, aligned for any type; NULL when it does not
 * fit.  With base NULL nothing is handed out and only used grows: that is how a module
 * measures what its init will need. */
void *arena_take(struct arena *a, size_t count, size_t size);

#endif
