/* SPDX-License-Identifier: MIT */
#include "overlay/seen.h"

#include <assert.h>

#include "base/bytes.h"

#define ROOM_FIRST 4
#define HAND_STEPS 4

static_assert(sizeof(struct seen_row) <= 40, "a row is small");

void seen_init(struct seen *s, int max, uint64_t key)
{
    assert(max > 0);
    *s = (struct seen){ .max = max, .free = -1, .key = key };
}

void seen_finish(struct seen *s, struct heap *h)
{
    heap_give(h, s->rows, (size_t)s->room, sizeof(*s->rows));
    heap_give(h, s->heads, (size_t)s->room, sizeof(*s->heads));
    seen_init(s, s->max, s->key);
}

/* Multiplicative hashing of keyed bytes; Fibonacci's constant (Knuth, TAOCP 6.4). */
static int32_t *chain(const struct seen *s, const struct flood_id *id)
{
    uint64_t x = load_be64(id->b) ^ s->key;

    x = (x ^ x >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    return &s->heads[(x >> 32) & (uint64_t)(s->room - 1)];
}

int32_t seen_find(const struct seen *s, const struct flood_id *id)
{
    if (s->count == 0)
        return -1;
    for (int32_t i = *chain(s, id); i >= 0; i = s->rows[i].next) {
        if (flood_id_equal(&s->rows[i].id, id))
            return i;
    }
    return -1;
}

static void forget(struct seen *s, int32_t index)
{
    struct seen_row *row = &s->rows[index];
    int32_t *link = chain(s, &row->id);

    while (*link != index)
        link = &s->rows[*link].next;
    *link = row->next;
    row->peer = SEEN_FREE;
    row->next = s->free;
    s->free = index;
    s->count--;
}

static bool is_over(const struct seen_row *row, uint32_t route_ms, uint32_t now_ms)
{
    return row->peer != SEEN_FREE && seen_ms_since(now_ms, row->until_ms) >= 0 &&
           seen_ms_since(now_ms, row->born_ms) >= (int32_t)route_ms;
}

static void sweep(struct seen *s, uint32_t route_ms, uint32_t now_ms)
{
    for (int32_t i = 0; i < s->room; i++) {
        if (is_over(&s->rows[i], route_ms, now_ms))
            forget(s, i);
    }
}

void seen_sweep_some(struct seen *s, uint32_t route_ms, uint32_t now_ms)
{
    for (int i = 0; i < HAND_STEPS && i < s->room; i++) {
        s->hand = s->hand + 1 < s->room ? s->hand + 1 : 0;
        if (is_over(&s->rows[s->hand], route_ms, now_ms))
            forget(s, s->hand);
    }
}

/* A table of this room, with all rows in their chains, and of the free ones the first
 * are the first to be used. */
static void resize(struct seen *s, struct heap *h, int room)
{
    size_t old = (size_t)s->room;

    s->rows = heap_resize(h, s->rows, old, (size_t)room, sizeof(*s->rows));
    heap_give(h, s->heads, old, sizeof(*s->heads));
    s->heads = heap_take(h, (size_t)room, sizeof(*s->heads));
    for (int32_t i = s->room; i < room; i++)
        s->rows[i].peer = SEEN_FREE;
    for (int32_t i = 0; i < room; i++)
        s->heads[i] = -1;
    s->room = room;
    s->hand = s->hand < room ? s->hand : 0;
    s->newest = s->newest < room ? s->newest : 0;
    s->free = -1;
    for (int32_t i = room - 1; i >= 0; i--) {
        bool is_free = s->rows[i].peer == SEEN_FREE;
        int32_t *head = is_free ? &s->free : chain(s, &s->rows[i].id);

        s->rows[i].next = *head;
        *head = i;
    }
}

static void grow(struct seen *s, struct heap *h)
{
    resize(s, h, s->room == 0 ? ROOM_FIRST : 2 * s->room);
}

void seen_tidy(struct seen *s, struct heap *h, uint32_t route_ms, uint32_t now_ms)
{
    int room = s->room;
    int32_t last = s->room - 1;

    sweep(s, route_ms, now_ms);
    if (s->count == 0) {
        seen_finish(s, h);
        return;
    }
    if (s->count > room / 4)
        return;
    while (s->rows[last].peer == SEEN_FREE)
        last--;
    while (room > ROOM_FIRST && s->count <= room / 4 && last < room / 2)
        room /= 2;
    resize(s, h, room); /* the same room too: new rows then are among the first */
}

bool seen_make_room(struct seen *s, struct heap *h, uint32_t route_ms, uint32_t now_ms)
{
    if (s->free >= 0 && s->count < s->max)
        return true;
    /* Looks for room at most once in SEEN_SWEEP_NS, so that a full table costs no time.
     */
    if (s->is_swept &&
        seen_ms_since(now_ms, s->swept_ms) < (int32_t)(SEEN_SWEEP_NS / NS_PER_MS)) {
        if (s->count >= s->max)
            return false;
        grow(s, h);
        return true;
    }
    s->is_swept = true;
    s->swept_ms = now_ms;
    sweep(s, route_ms, now_ms);
    if (s->count >= s->max)
        sweep(s, 0, now_ms);
    if (s->count >= s->max)
        return false;
    if (s->free < 0)
        grow(s, h);
    return true;
}

int32_t seen_add(struct seen *s, const struct flood_id *id)
{
    int32_t index = s->free;
    int32_t *head = chain(s, id);
    struct seen_row *row = &s->rows[index];

    assert(index >= 0 && s->count < s->max);
    s->free = row->next;
    *row = (struct seen_row){ .id = *id, .next = *head, .peer = SEEN_OWN };
    *head = index;
    s->newest = index;
    s->count++;
    return index;
}

const char *seen_check(const struct seen *s)
{
    int used = 0;
    int chained = 0;

    for (int32_t i = 0; i < s->room; i++) {
        used += s->rows[i].peer != SEEN_FREE;
        if (s->rows[i].peer != SEEN_FREE && seen_find(s, &s->rows[i].id) != i)
            return "a flood is not in its chain, or twice";
        for (int32_t k = s->heads[i]; k >= 0; k = s->rows[k].next)
            chained++;
    }
    if (used != s->count || chained != s->count || s->count > s->max)
        return "the count of floods is wrong";
    return NULL;
}
