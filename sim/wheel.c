/* SPDX-License-Identifier: MIT */
#include "sim/wheel.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "sim/memory.h"

#define LEVEL_BITS  12
#define CHUNK_ITEMS 63
#define BLOCK_ITEMS 256 /* chunks that are taken at once */
#define SORT_SMALL  40  /* below it, insertion is quickest … */
#define SORT_MEDIUM 2048
#define EARLY       (WHEEL_SLOTS / 2)

struct wheel_chunk {
    struct wheel_chunk *next;
    size_t count;
    struct wheel_item items[CHUNK_ITEMS];
};

struct wheel_block {
    struct wheel_block *next;
    struct wheel_chunk chunks[BLOCK_ITEMS];
};

static_assert(WHEEL_SLOTS == 1 << LEVEL_BITS, "a level is addressed by its bits");

void wheel_init(struct wheel *w, int slot_bits, wheel_order *is_before,
                const void *context)
{
    assert(slot_bits >= WHEEL_BITS && slot_bits <= WHEEL_BITS_MAX);
    *w = (struct wheel){ .is_before = is_before,
                         .context = context,
                         .slot_bits = slot_bits,
                         .slot = -1,
                         .later_ns = TIME_NEVER };
}

void wheel_finish(struct wheel *w)
{
    while (w->blocks != NULL) {
        struct wheel_block *b = w->blocks;

        w->blocks = b->next;
        free(b);
    }
    free(w->run.items);
    free(w->side.items);
    free(w->spare.items);
    *w = (struct wheel){ .later_ns = TIME_NEVER };
}

/* ---- chunks ---- */

static void take_block(struct wheel *w)
{
    struct wheel_block *b = malloc(sizeof(*b));

    if (b == NULL)
        memory_fail();
    b->next = w->blocks;
    w->blocks = b;
    for (int i = BLOCK_ITEMS - 1; i >= 0; i--) {
        b->chunks[i].next = w->free;
        w->free = &b->chunks[i];
    }
}

static void chunk_add(struct wheel *w, struct wheel_chunk **list, struct wheel_item item)
{
    struct wheel_chunk *c = *list;

    if (c == NULL || c->count == CHUNK_ITEMS) {
        if (w->free == NULL)
            take_block(w);
        c = w->free;
        w->free = c->next;
        c->next = *list;
        c->count = 0;
        *list = c;
    }
    c->items[c->count++] = item;
}

static void chunk_give(struct wheel *w, struct wheel_chunk *c)
{
    c->next = w->free;
    w->free = c;
}

static void level_add(struct wheel *w, struct wheel_level *l, int64_t slot,
                      struct wheel_item item)
{
    int i = (int)(slot & (WHEEL_SLOTS - 1));

    if (l->slots[i] == NULL)
        l->used[i / 64] |= UINT64_C(1) << i % 64;
    chunk_add(w, &l->slots[i], item);
}

static struct wheel_chunk *level_take(struct wheel_level *l, int64_t slot)
{
    int i = (int)(slot & (WHEEL_SLOTS - 1));
    struct wheel_chunk *c = l->slots[i];

    l->slots[i] = NULL;
    l->used[i / 64] &= ~(UINT64_C(1) << i % 64);
    return c;
}

/* The first used slot from index from to the end of the level; -1: none. */
static int level_next(const struct wheel_level *l, int from)
{
    uint64_t word;

    if (from >= WHEEL_SLOTS)
        return -1;
    word = l->used[from / 64] & ~UINT64_C(0) << from % 64;
    for (int i = from / 64;;) {
        if (word != 0)
            return i * 64 + __builtin_ctzll(word);
        if (++i == WHEEL_SLOTS / 64)
            return -1;
        word = l->used[i];
    }
}

static void list_room(struct wheel_list *l, size_t count)
{
    if (count <= l->room)
        return;
    while (l->room < count)
        l->room = l->room == 0 ? 1024 : 2 * l->room;
    l->items = memory_grow(l->items, l->room, sizeof(*l->items));
}

/* ---- the heap beside the current slot ---- */

static bool is_before(const struct wheel *w, const struct wheel_item *a,
                      const struct wheel_item *b)
{
    if (a->at_ns != b->at_ns)
        return a->at_ns < b->at_ns;
    return w->is_before(w->context, a->value, b->value);
}

static void side_push(struct wheel *w, struct wheel_item item)
{
    struct wheel_list *s = &w->side;
    size_t i;

    list_room(s, s->count + 1);
    for (i = s->count++; i > 0; i = (i - 1) / 2) {
        if (!is_before(w, &item, &s->items[(i - 1) / 2]))
            break;
        s->items[i] = s->items[(i - 1) / 2];
    }
    s->items[i] = item;
}

static struct wheel_item side_pop(struct wheel *w)
{
    struct wheel_list *s = &w->side;
    struct wheel_item first = s->items[0];
    struct wheel_item last = s->items[--s->count];
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= s->count)
            break;
        if (child + 1 < s->count && is_before(w, &s->items[child + 1], &s->items[child]))
            child++;
        if (!is_before(w, &s->items[child], &last))
            break;
        s->items[i] = s->items[child];
        i = child;
    }
    s->items[i] = last;
    return first;
}

/* ---- sorting the slot that becomes current ---- */

static void sort_insert(struct wheel_item *a, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct wheel_item item = a[i];
        size_t k = i;

        for (; k > 0 && a[k - 1].at_ns > item.at_ns; k--)
            a[k] = a[k - 1];
        a[k] = item;
    }
}

/* One pass of a radix sort, stable: by so many bits from shift on. */
static void sort_pass(struct wheel_item *to, const struct wheel_item *from, size_t count,
                      int shift, int bits)
{
    uint32_t starts[1024];
    int64_t mask = (INT64_C(1) << bits) - 1;
    uint32_t sum = 0;

    assert(bits <= 10);
    memset(starts, 0, sizeof(starts[0]) << bits);
    for (size_t i = 0; i < count; i++)
        starts[from[i].at_ns >> shift & mask]++;
    for (int64_t i = 0; i <= mask; i++) {
        uint32_t n = starts[i];

        starts[i] = sum;
        sum += n;
    }
    for (size_t i = 0; i < count; i++)
        to[starts[from[i].at_ns >> shift & mask]++] = from[i];
}

static void swap_lists(struct wheel_list *a, struct wheel_list *b)
{
    struct wheel_list c = *a;

    *a = *b;
    *b = c;
}

/* Items of the same instant, by the caller's comparison: a merge of halves. */
static void sort_equal(const struct wheel *w, struct wheel_item *a, size_t count,
                       struct wheel_item *spare)
{
    size_t half = count / 2;
    size_t left = 0;
    size_t right = half;

    if (count < 2)
        return;
    sort_equal(w, a, half, spare);
    sort_equal(w, a + half, count - half, spare);
    memcpy(spare, a, half * sizeof(*a));
    for (size_t i = 0; left < half && i < count; i++) {
        if (right == count ||
            !w->is_before(w->context, a[right].value, spare[left].value))
            a[i] = spare[left++];
        else
            a[i] = a[right++];
    }
}

static void sort_run(struct wheel *w)
{
    struct wheel_list *run = &w->run;
    int bits = run->count < SORT_MEDIUM ? 7 : 10;
    size_t end;

    list_room(&w->spare, run->room);
    if (run->count < SORT_SMALL) {
        sort_insert(run->items, run->count);
    } else {
        for (int shift = 0; shift < w->slot_bits; shift += bits) {
            sort_pass(w->spare.items, run->items, run->count, shift,
                      w->slot_bits - shift < bits ? w->slot_bits - shift : bits);
            w->spare.count = run->count;
            swap_lists(run, &w->spare);
        }
    }
    for (size_t i = 0; i + 1 < run->count; i = end) {
        end = i + 1;
        while (end < run->count && run->items[end].at_ns == run->items[i].at_ns)
            end++;
        if (end > i + 1)
            sort_equal(w, run->items + i, end - i, w->spare.items);
    }
}

/* ---- time goes on ---- */

static void load(struct wheel *w, int64_t slot)
{
    struct wheel_chunk *c = level_take(&w->inner, slot);

    w->slot = slot;
    w->run.count = 0;
    w->run_at = 0;
    while (c != NULL) {
        struct wheel_chunk *next = c->next;

        list_room(&w->run, w->run.count + c->count);
        memcpy(w->run.items + w->run.count, c->items, c->count * sizeof(c->items[0]));
        w->run.count += c->count;
        chunk_give(w, c);
        c = next;
    }
    sort_run(w);
}

/* Into the slot that is right for an item now. */
static void place(struct wheel *w, struct wheel_item item)
{
    int64_t slot = item.at_ns >> w->slot_bits;

    if (slot <= w->slot) {
        side_push(w, item);
        return;
    }
    if (slot - w->slot <= WHEEL_SLOTS) {
        level_add(w, &w->inner, slot, item);
        return;
    }
    slot >>= LEVEL_BITS;
    if (slot - w->outer_at < WHEEL_SLOTS) {
        level_add(w, &w->outer, slot, item);
        return;
    }
    w->later_ns = time_min(w->later_ns, item.at_ns);
    chunk_add(w, &w->later, item);
}

static void place_all(struct wheel *w, struct wheel_chunk *c)
{
    while (c != NULL) {
        struct wheel_chunk *next = c->next;

        for (size_t i = 0; i < c->count; i++)
            place(w, c->items[i]);
        chunk_give(w, c);
        c = next;
    }
}

/* Stand before an outer slot, its items and what was beyond all in their places. */
static void enter_outer(struct wheel *w, int64_t outer)
{
    struct wheel_chunk *later = w->later;

    w->outer_at = outer;
    w->slot = (outer << LEVEL_BITS) - 1;
    place_all(w, level_take(&w->outer, outer));
    if (later == NULL || (w->later_ns >> (w->slot_bits + LEVEL_BITS)) > outer + EARLY)
        return;
    w->later = NULL;
    w->later_ns = TIME_NEVER;
    place_all(w, later);
}

/* The outer slot that comes next when the rest of this one is empty. */
static int64_t next_outer(const struct wheel *w)
{
    int64_t now = w->outer_at;
    int64_t next = INT64_MAX;
    int at = (int)(now & (WHEEL_SLOTS - 1));
    int found;

    if (level_next(&w->inner, 0) >= 0)
        return now + 1;
    found = level_next(&w->outer, at + 1);
    if (found >= 0) {
        next = now + found - at;
    } else {
        found = level_next(&w->outer, 0);
        if (found >= 0)
            next = now + found - at + WHEEL_SLOTS;
    }
    if (w->later != NULL)
        next = time_min(next, w->later_ns >> (w->slot_bits + LEVEL_BITS));
    assert(next != INT64_MAX); /* the caller has counted */
    return next;
}

/* Make the next slot that is not empty current; there is one. */
static void advance(struct wheel *w)
{
    int64_t from = w->slot + 1 - (w->outer_at << LEVEL_BITS);
    int found = level_next(&w->inner, (int)from);

    while (found < 0) {
        enter_outer(w, next_outer(w));
        found = level_next(&w->inner, 0);
    }
    load(w, (w->outer_at << LEVEL_BITS) + found);
}

void wheel_push(struct wheel *w, int64_t at_ns, uint64_t value)
{
    assert(at_ns >= 0);
    w->count++;
    place(w, (struct wheel_item){ at_ns, value });
}

/* True when what comes next is in the heap beside the slot.  Not empty. */
static bool is_side_next(struct wheel *w)
{
    if (w->run_at == w->run.count && w->side.count == 0)
        advance(w);
    if (w->run_at == w->run.count)
        return true;
    return w->side.count > 0 && is_before(w, &w->side.items[0], &w->run.items[w->run_at]);
}

bool wheel_pop(struct wheel *w, struct wheel_item *item)
{
    if (w->count == 0)
        return false;
    if (is_side_next(w))
        *item = side_pop(w);
    else
        *item = w->run.items[w->run_at++];
    w->count--;
    return true;
}

int64_t wheel_next_ns(struct wheel *w)
{
    if (w->count == 0)
        return TIME_NEVER;
    return is_side_next(w) ? w->side.items[0].at_ns : w->run.items[w->run_at].at_ns;
}
