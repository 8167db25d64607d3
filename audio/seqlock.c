/* See the header.  SPDX-License-Identifier: MIT */
#include "audio/seqlock.h"

#include <stdatomic.h>
#include <string.h>

#include "audio/xalloc.h"

#define TRIES 4

struct seqlock {
    size_t size;
    size_t words;
    _Atomic uint32_t sequence; /* odd while a value is being stored */
    _Atomic uint64_t data[];
};

struct seqlock *seqlock_create(size_t size)
{
    size_t words = (size + sizeof(uint64_t) - 1) / sizeof(uint64_t);
    struct seqlock *l = xcalloc(1, sizeof(*l) + words * sizeof(l->data[0]));

    l->size = size;
    l->words = words;
    return l;
}

void seqlock_destroy(struct seqlock *l)
{
    free(l);
}

void seqlock_write(struct seqlock *l, const void *value)
{
    uint32_t sequence = atomic_load_explicit(&l->sequence, memory_order_relaxed);
    const char *from = value;

    atomic_store_explicit(&l->sequence, sequence + 1, memory_order_relaxed);
    for (size_t i = 0; i < l->words; i++) {
        size_t at = i * sizeof(uint64_t);
        uint64_t word = 0;

        memcpy(&word, from + at,
               l->size - at < sizeof(word) ? l->size - at : sizeof(word));
        atomic_store_explicit(&l->data[i], word, memory_order_release);
    }
    atomic_store_explicit(&l->sequence, sequence + 2, memory_order_release);
}

uint32_t seqlock_version(const struct seqlock *l)
{
    return atomic_load_explicit(&l->sequence, memory_order_acquire) / 2;
}

static bool read_once(const struct seqlock *l, char *to)
{
    uint32_t before = atomic_load_explicit(&l->sequence, memory_order_acquire);

    if (before % 2 != 0) {
        return false;
    }
    for (size_t i = 0; i < l->words; i++) {
        size_t at = i * sizeof(uint64_t);
        uint64_t word = atomic_load_explicit(&l->data[i], memory_order_acquire);

        memcpy(to + at, &word, l->size - at < sizeof(word) ? l->size - at : sizeof(word));
    }
    return atomic_load_explicit(&l->sequence, memory_order_relaxed) == before;
}

bool seqlock_read(const struct seqlock *l, void *value)
{
    for (int i = 0; i < TRIES; i++) {
        if (read_once(l, value)) {
            return true;
        }
    }
    return false;
}
