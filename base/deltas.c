/* SPDX-License-Identifier: MIT */
#include "base/deltas.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"

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

static int64_t step_back(int64_t to, uint64_t z)
{
    return (int64_t)((uint64_t)to - (z >> 1 ^ ((z & 1) == 0 ? 0 : UINT64_MAX)));
}

/* One integer of the packed ones, byte for byte. */
static uint64_t unpack_any(const uint8_t *bytes, int *at)
{
    uint64_t z = 0;
    int shift = 0;

    for (; bytes[*at] >= 0x80; shift += 7)
        z |= (uint64_t)(bytes[(*at)++] & 0x7f) << shift;
    return z | (uint64_t)bytes[(*at)++] << shift;
}

/* The same without a branch for each byte, where eight may be read and it takes no more:
 * filters read their whole window for every sample. */
static uint64_t unpack(const struct deltas *d, int *at)
{
    uint64_t x;
    uint64_t ends;
    int last; /* bit at which the last byte ends */

    if (*at + 8 > d->len)
        return unpack_any(d->bytes, at);
    x = load_le64(d->bytes + *at);
    ends = ~x & UINT64_C(0x8080808080808080);
    if (ends == 0)
        return unpack_any(d->bytes, at);
    last = __builtin_ctzll(ends);
    *at += last / 8 + 1;
    x &= UINT64_MAX >> (63 - last) & UINT64_C(0x7f7f7f7f7f7f7f7f);
    x = (x & UINT64_C(0x007f007f007f007f)) | (x & UINT64_C(0x7f007f007f007f00)) >> 1;
    x = (x & UINT64_C(0x00003fff00003fff)) | (x & UINT64_C(0x3fff00003fff0000)) >> 2;
    return (x & 0x0fffffff) | (x & UINT64_C(0x0fffffff00000000)) >> 4;
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

/* Where the bytes of the newest row begin: the last of each integer is below 0x80. */
static int newest_begin(const struct deltas *d)
{
    int at = d->len;

    for (int i = 0; i < d->width; i++) {
        for (at--; at > 0 && d->bytes[at - 1] >= 0x80; at--) {
        }
    }
    return at;
}

void deltas_amend(struct deltas *d, struct heap *h, const int64_t row[])
{
    int begin = newest_begin(d);
    int at = begin;

    assert(d->count > 0);
    for (int i = 0; i < d->width; i++)
        d->last[i] = step_back(d->last[i], unpack(d, &at));
    d->len = (uint16_t)begin;
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
    int at = r->at;

    if (at == d->len)
        return false;
    for (int i = 0; i < d->width; i++)
        r->row[i] = step(r->row[i], unpack(d, &at));
    r->at = at;
    return true;
}
