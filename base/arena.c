/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <string.h>

void arena_init(struct arena *a, void *memory, size_t size)
{
    *a = (struct arena){ .base = memory, .size = size };
    assert((uintptr_t)memory % alignof(max_align_t) == 0);
}

void *arena_take(struct arena *a, size_t count, size_t size)
{
    size_t align = alignof(max_align_t);
    size_t bytes;
    void *result;

    if (size != 0 && count > (SIZE_MAX / 2) / size)
        return NULL;
    bytes = (count * size + align - 1) / align * align;
    if (a->base == NULL) {
        a->used += bytes;
        return NULL;
    }
    if (bytes > a->size - a->used)
        return NULL;
    result = a->base + a->used;
    a->used += bytes;
    memset(result, 0, bytes);
    return result;
}
