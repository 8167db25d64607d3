/* SPDX-License-Identifier: MIT */
#include "base/sparse.h"

#include <assert.h>
#include <string.h>

#define FIRST 6 /* rows at first: most nodes have so many neighbours */
#define STEP  2 /* … that are taken at once then */
#define SPARE 3 /* … that are free before some are given back */

static void *resize(struct sparse *s, struct heap *h, void *rows, int room, size_t size)
{
    rows = heap_resize(h, rows, s->room, (size_t)room, size);
    s->room = (uint8_t)room;
    return rows;
}

void *sparse_add(struct sparse *s, struct heap *h, void *rows, int number, size_t size)
{
    int place = sparse_place(s, number);
    uint8_t *row;

    assert(number >= 0 && number < SPARSE_MAX && !sparse_has(s, number));
    if (s->count == s->room)
        rows = resize(s, h, rows, s->room == 0 ? FIRST : s->room + STEP, size);
    row = (uint8_t *)rows + (size_t)place * size;
    memmove(row + size, row, (size_t)(s->count - place) * size);
    memset(row, 0, size);
    s->used[number / 64] |= UINT64_C(1) << number % 64;
    s->count++;
    return rows;
}

void *sparse_remove(struct sparse *s, struct heap *h, void *rows, int number, size_t size)
{
    int place = sparse_place(s, number);
    uint8_t *row = (uint8_t *)rows + (size_t)place * size;
    int room;

    assert(sparse_has(s, number));
    s->used[number / 64] &= ~(UINT64_C(1) << number % 64);
    s->count--;
    memmove(row, row + size, (size_t)(s->count - place) * size);
    if (s->count == 0)
        return resize(s, h, rows, 0, size);
    room = s->count + (s->count & 1);
    room = room < FIRST ? FIRST : room;
    return s->room - room >= SPARE ? resize(s, h, rows, room, size) : rows;
}

void sparse_clear(struct sparse *s, struct heap *h, void *rows, size_t size)
{
    heap_give(h, rows, s->room, size);
    *s = (struct sparse){ .count = 0 };
}
