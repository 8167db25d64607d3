/* Memory that comes and goes: blocks by size class from one region, for what a node needs
 * only while it has a peer more, a party, or a tree.
 *
 * The driver gives one region for all the nodes that it steps (one thread each); every
 * node counts what it holds in a heap of its own.  All tables have named limits, so the
 * most that a node can hold is known, and the driver gives a region that cannot run out:
 * to find it empty is a fault of the program, not of a peer.
 * SPDX-License-Identifier: MIT */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stddef.h>
#include <stdint.h>

#define POOL_CLASSES 160

struct pool {
    uint8_t *base;
    size_t size;
    size_t used;              /* handed out at least once */
    void *free[POOL_CLASSES]; /* given back, by class */
};

/* What one node holds. */
struct heap {
    struct pool *pool;
    size_t used; /* bytes, as rounded up to their classes */
};

/* Keeps the region, aligned to 16 bytes, which may be a mapping that grows as it is
 * touched. */
void pool_init(struct pool *p, void *region, size_t size);

void heap_init(struct heap *h, struct pool *p);

/* Zeroed room for count items of size bytes, aligned for any type; NULL for none. */
void *heap_take(struct heap *h, size_t count, size_t size);

/* Give back what was taken with this count and size.  NULL is fine. */
void heap_give(struct heap *h, void *memory, size_t count, size_t size);

/* The same items in a table of more or fewer: new ones are zeroed.  The old memory is
 * given back; pointers into it are void. */
void *heap_resize(struct heap *h, void *memory, size_t old_count, size_t count,
                  size_t size);

#endif
