/* SPDX-License-Identifier: MIT */
#include "sim/queue.h"

#include "base/time.h"
#include "sim/memory.h"

static bool is_before(const struct queue_item *a, const struct queue_item *b)
{
    if (a->at_ns != b->at_ns)
        return a->at_ns < b->at_ns;
    if (a->to != b->to)
        return a->to < b->to;
    if (a->from != b->from)
        return a->from < b->from;
    return a->number < b->number;
}

static void grow(struct queue *q)
{
    q->room = q->room == 0 ? 1024 : 2 * q->room;
    q->items = realloc(q->items, q->room * sizeof(*q->items));
    if (q->items == NULL)
        abort();
}

void queue_push(struct queue *q, const struct queue_item *item)
{
    size_t i;

    if (q->count == q->room)
        grow(q);
    for (i = q->count++; i > 0; i = (i - 1) / 2) {
        if (!is_before(item, &q->items[(i - 1) / 2]))
            break;
        q->items[i] = q->items[(i - 1) / 2];
    }
    q->items[i] = *item;
}

bool queue_pop(struct queue *q, struct queue_item *item)
{
    struct queue_item last;
    size_t i = 0;

    if (q->count == 0)
        return false;
    *item = q->items[0];
    last = q->items[--q->count];
    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= q->count)
            break;
        if (child + 1 < q->count && is_before(&q->items[child + 1], &q->items[child]))
            child++;
        if (!is_before(&q->items[child], &last))
            break;
        q->items[i] = q->items[child];
        i = child;
    }
    if (q->count > 0)
        q->items[i] = last;
    return true;
}

int64_t queue_next_ns(const struct queue *q)
{
    return q->count == 0 ? TIME_NEVER : q->items[0].at_ns;
}

void queue_finish(struct queue *q)
{
    free(q->items);
    *q = (struct queue){ 0 };
}
