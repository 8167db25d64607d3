/* SPDX-License-Identifier: MIT */
#include "base/pool.h"

#include <assert.h>
#include <string.h>

#define GRAIN      16
#define LINEAR     32 /* classes of GRAIN bytes more each: up to 512 bytes */
#define PER_OCTAVE 8  /* … then so many for each doubling */

/* The class of a size, and the size that its blocks have. */
static int class_of(size_t len, size_t *block)
{
    size_t units = (len + GRAIN - 1) / GRAIN;
    size_t low = (size_t)LINEAR * GRAIN; /* the octave begins behind it */
    int octave = 0;

    if (units <= LINEAR) {
        *block = units * GRAIN;
        return (int)units - 1;
    }
    while (len > 2 * low) {
        low *= 2;
        octave++;
    }
    units = (len - low + low / PER_OCTAVE - 1) / (low / PER_OCTAVE); /* 1..PER_OCTAVE */
    *block = low + units * (low / PER_OCTAVE);
    return LINEAR + octave * PER_OCTAVE + (int)units - 1;
}

void pool_init(struct pool *p, void *region, size_t size)
{
    assert((uintptr_t)region % GRAIN == 0);
    *p = (struct pool){ .base = region, .size = size };
}

void heap_init(struct heap *h, struct pool *p)
{
    *h = (struct heap){ .pool = p };
}

void *heap_take(struct heap *h, size_t count, size_t size)
{
    struct pool *p = h->pool;
    size_t block;
    void *taken;
    int class;

    if (count == 0 || size == 0)
        return NULL;
    assert(count <= p->size / size);
    class = class_of(count * size, &block);
    assert(class < POOL_CLASSES);
    taken = p->free[class];
    if (taken != NULL) {
        memcpy(&p->free[class], taken, sizeof(void *));
        __builtin_prefetch(p->free[class], 1); /* the next one taken will be read */
    } else {
        assert(block <= p->size - p->used);
        taken = p->base + p->used;
        p->used += block;
    }
    h->used += block;
    memset(taken, 0, count * size);
    return taken;
}

void heap_give(struct heap *h, void *memory, size_t count, size_t size)
{
    struct pool *p = h->pool;
    size_t block;
    int class;

    if (memory == NULL)
        return;
    class = class_of(count * size, &block);
    assert(h->used >= block);
    h->used -= block;
    memcpy(memory, &p->free[class], sizeof(void *));
    p->free[class] = memory;
}

void *heap_resize(struct heap *h, void *memory, size_t old_count, size_t count,
                  size_t size)
{
    size_t kept = old_count < count ? old_count : count;
    size_t old_block = 0;
    size_t block = 0;
    void *grown;

    if (memory != NULL && count > 0 &&
        class_of(old_count * size, &old_block) == class_of(count * size, &block)) {
        if (count > old_count)
            memset((uint8_t *)memory + old_count * size, 0, (count - old_count) * size);
        return memory;
    }
    grown = heap_take(h, count, size);
    if (memory != NULL && kept > 0)
        memcpy(grown, memory, kept * size);
    heap_give(h, memory, old_count, size);
    return grown;
}
