/* SPDX-License-Identifier: MIT */
#include "base/deltas.h"

#include <assert.h>
#include <string.h>

#define BYTES_MAX 10 /* of one integer */
#define GRAIN     64 /* the memory grows by so much, and shrinks when twice that is free */

/* Differences are taken modulo 2^64, so that none is out of range. */
static uint64_t zigzag(int64_t from, int64_t to)
{
    uint64_t d = (uint64_t)to - (uint64_t)from;

    return d << 1 ^ (d >> 63 == 0 ? 0 : UINT64_MAX);
}

static int64_t step(int64_t from, uint64_t z)
{
    return (int64_t)((uint64_t)from + (z >> 1 ^ ((z & 1) == 0 ? 0 : UINT64_MAX)));
}

static void set_room(struct deltas *d, struct heap *h, int room)
{
    assert(room <= UINT16_MAX);
    d->bytes = heap_resize(h, d->bytes, d->room, (size_t)room, 1);
    d->room = (uint16_t)room;
}

void deltas_push(struct deltas *d, struct heap *h, const int64_t row[])
{
    uint8_t packed[DELTAS_WIDTH_MAX * BYTES_MAX];
    int len = 0;

    assert(d->width > 0 && d->width <= DELTAS_WIDTH_MAX);
    for (int i = 0; i < d->width; i++) {
        uint64_t z = zigzag(d->last[i], row[i]);

        for (; z >= 0x80; z >>= 7)
            packed[len++] = (uint8_t)(z | 0x80);
        packed[len++] = (uint8_t)z;
        d->last[i] = row[i];
    }
    if (d->len + len > d->room)
        set_room(d, h, (d->len + len + GRAIN - 1) / GRAIN * GRAIN);
    memcpy(d->bytes + d->len, packed, (size_t)len);
    d->len = (uint16_t)(d->len + len);
    d->count++;
}

void deltas_pop(struct deltas *d, struct heap *h)
{
    struct deltas_reader r = deltas_read(d);
    bool is_there = deltas_next(&r);

    assert(is_there);
    if (d->count == 1) {
        deltas_clear(d, h);
        return;
    }
    memcpy(d->before, r.row, sizeof(d->before));
    d->len = (uint16_t)(d->len - r.at);
    d->count--;
    memmove(d->bytes, d->bytes + r.at, d->len);
    if (d->room - d->len >= 2 * GRAIN)
        set_room(d, h, (d->len + GRAIN - 1) / GRAIN * GRAIN);
}

void deltas_amend(struct deltas *d, struct heap *h, const int64_t row[])
{
    struct deltas_reader r = deltas_read(d);

    assert(d->count > 0);
    for (int i = 1; i < d->count; i++)
        (void)deltas_next(&r);
    memcpy(d->last, r.row, sizeof(d->last));
    d->len = (uint16_t)r.at;
    d->count--;
    deltas_push(d, h, row);
}

void deltas_clear(struct deltas *d, struct heap *h)
{
    heap_give(h, d->bytes, d->room, 1);
    *d = (struct deltas){ .width = d->width };
}

struct deltas_reader deltas_read(const struct deltas *d)
{
    struct deltas_reader r = { .deltas = d };

    memcpy(r.row, d->before, sizeof(r.row));
    return r;
}

bool deltas_next(struct deltas_reader *r)
{
    const struct deltas *d = r->deltas;

    if (r->at == d->len)
        return false;
    for (int i = 0; i < d->width; i++) {
        uint64_t z = 0;
        int shift = 0;

        for (; d->bytes[r->at] >= 0x80; shift += 7)
            z |= (uint64_t)(d->bytes[r->at++] & 0x7f) << shift;
        z |= (uint64_t)d->bytes[r->at++] << shift;
        r->row[i] = step(r->row[i], z);
    }
    return true;
}
