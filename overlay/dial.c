/* SPDX-License-Identifier: MIT */
#include "overlay/dial.h"

#include <assert.h>

bool node_id_is_zero(const struct node_id *id)
{
    static const struct node_id zero;

    return node_id_equal(id, &zero);
}

int dials_init(struct dials *d, int max, struct arena *a)
{
    assert(max > 0);
    *d = (struct dials){ .max = max };
    d->list = arena_take(a, (size_t)max, sizeof(*d->list));
    return d->list == NULL ? ERR_NOMEM : 0;
}

int dials_find_addr(const struct dials *d, const struct addr *a)
{
    for (int i = 0; i < d->count; i++) {
        if (addr_equal(&d->list[i].addr, a))
            return i;
    }
    return -1;
}

int dials_find_id(const struct dials *d, const struct node_id *id)
{
    if (node_id_is_zero(id))
        return -1;
    for (int i = 0; i < d->count; i++) {
        if (node_id_equal(&d->list[i].id, id))
            return i;
    }
    return -1;
}

bool dials_add(struct dials *d, const struct dial *dial)
{
    int i = dials_find_id(d, &dial->id);

    if (i < 0)
        i = dials_find_addr(d, &dial->addr);
    if (i >= 0) {
        d->list[i].purposes |= dial->purposes;
        d->list[i].is_forced = d->list[i].is_forced || dial->is_forced;
        return true;
    }
    if (d->count >= d->max)
        return false;
    d->list[d->count++] = *dial;
    return true;
}

void dials_remove(struct dials *d, int index)
{
    assert(index >= 0 && index < d->count);
    d->list[index] = d->list[--d->count];
}

int dials_take(struct dials *d)
{
    for (int i = 0; i < d->count; i++) {
        if (!d->list[i].is_taken) {
            d->list[i].is_taken = true;
            return i;
        }
    }
    return -1;
}

int dials_slots(const struct dials *d)
{
    int slots = 0;

    for (int i = 0; i < d->count; i++) {
        const struct dial *dial = &d->list[i];

        slots += !dial->is_forced && (dial->purposes & (DIAL_JOIN | DIAL_NEIGHBOR)) != 0;
    }
    return slots;
}

int64_t dials_next_ns(const struct dials *d)
{
    int64_t next = TIME_NEVER;

    for (int i = 0; i < d->count; i++)
        next = time_min(next, d->list[i].deadline_ns);
    return next;
}
