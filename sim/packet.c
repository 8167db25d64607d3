/* SPDX-License-Identifier: MIT */
#include "sim/packet.h"

#include <assert.h>
#include <string.h>

#include "sim/memory.h"

#define GRAIN      32
#define LINEAR     32 /* classes of GRAIN bytes more each: up to 1 KiB */
#define PER_OCTAVE 4  /* … then so many for each doubling */

static_assert(sizeof(struct packet) == GRAIN, "a header is one grain");

void packets_init(struct packets *p, void *region, size_t size)
{
    assert((uintptr_t)region % GRAIN == 0);
    *p = (struct packets){ .base = region, .size = size, .used = GRAIN };
}

/* The class of a packet with so many bytes, and the size of its block. */
static int class_of(size_t len, size_t *block)
{
    size_t units = (sizeof(struct packet) + len + GRAIN - 1) / GRAIN;
    size_t low = LINEAR;
    size_t step;
    int octave = 0;

    if (units <= LINEAR) {
        *block = units * GRAIN;
        return (int)units - 1;
    }
    for (; units > 2 * low; low *= 2)
        octave++;
    step = low / PER_OCTAVE;
    units = (units - low + step - 1) / step; /* 1..PER_OCTAVE */
    *block = (low + units * step) * GRAIN;
    return LINEAR + octave * PER_OCTAVE + (int)units - 1;
}

uint32_t packets_take(struct packets *p, size_t len)
{
    size_t block;
    int class = class_of(len, &block);
    uint32_t index;

    assert(class < PACKET_CLASSES);
    index = p->free[class];
    if (index != 0) {
        p->free[class] = packets_at(p, index)->from;
        __builtin_prefetch(packets_at(p, p->free[class]), 1); /* it is taken next */
    } else {
        if (block > p->size - p->used || p->used / GRAIN > UINT32_MAX)
            memory_fail();
        index = (uint32_t)(p->used / GRAIN);
        p->used += block;
    }
    packets_at(p, index)->len = (uint32_t)len;
    return index;
}

void packets_give(struct packets *p, uint32_t index)
{
    struct packet *packet = packets_at(p, index);
    size_t block;
    int class = class_of(packet->len, &block);

    packet->from = p->free[class];
    p->free[class] = index;
}
