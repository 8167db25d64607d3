/* SPDX-License-Identifier: MIT */
#include "overlay/dial.h"

#include <assert.h>

#include "base/time.h"

#define ROOM_FIRST 4

bool node_id_is_zero(const struct node_id *id)
{
    static const struct node_id zero;

    return node_id_equal(id, &zero);
}

void dials_init(struct dials *d, int max, struct heap *heap, struct contacts *contacts)
{
    assert(max > 0 && max <= UINT16_MAX);
    *d = (struct dials){ .max = (uint16_t)max, .heap = heap, .contacts = contacts };
}

void dials_finish(struct dials *d)
{
    while (d->count > 0)
        dials_remove(d, d->count - 1);
}

const struct peer_rec *dials_rec(const struct dials *d, int index)
{
    assert(index >= 0 && index < d->count);
    return contacts_at(d->contacts, d->list[index].contact);
}

int dials_find_addr(const struct dials *d, const struct addr *a)
{
    for (int i = 0; i < d->count; i++) {
        if (addr_equal(&dials_rec(d, i)->addr, a))
            return i;
    }
    return -1;
}

int dials_find_id(const struct dials *d, const struct node_id *id)
{
    if (d->count == 0 || node_id_is_zero(id))
        return -1;
    for (int i = 0; i < d->count; i++) {
        if (node_id_equal(&dials_rec(d, i)->id, id))
            return i;
    }
    return -1;
}

static void grow(struct dials *d)
{
    int room = d->room == 0 ? ROOM_FIRST : 2 * d->room;

    room = room < d->max ? room : d->max;
    d->list = heap_resize(d->heap, d->list, (size_t)d->room, (size_t)room,
                          sizeof(*d->list));
    d->room = (uint16_t)room;
}

bool dials_add(struct dials *d, const struct peer_rec *rec, const struct dial *dial)
{
    int i = dials_find_id(d, &rec->id);

    if (i < 0 && rec->via.len == 0) /* behind one NAT many may have one address */
        i = dials_find_addr(d, &rec->addr);
    if (i >= 0) {
        d->list[i].purposes |= dial->purposes;
        d->list[i].is_forced = d->list[i].is_forced || dial->is_forced;
        d->list[i].is_back = d->list[i].is_back || dial->is_back;
        if ((dial->purposes & DIAL_PROBE) != 0) {
            d->list[i].asker = dial->asker;
            d->list[i].nonce = dial->nonce;
        }
        return true;
    }
    if (d->count >= d->max)
        return false;
    if (d->count == d->room)
        grow(d);
    d->list[d->count] = *dial;
    d->list[d->count].is_taken = false;
    d->list[d->count++].contact = contacts_add(d->contacts, rec);
    return true;
}

void dials_remove(struct dials *d, int index)
{
    assert(index >= 0 && index < d->count);
    contacts_drop(d->contacts, d->list[index].contact);
    d->taken_count = (uint16_t)(d->taken_count - d->list[index].is_taken);
    d->list[index] = d->list[--d->count];
    if (d->count > 0)
        return;
    heap_give(d->heap, d->list, (size_t)d->room, sizeof(*d->list));
    d->list = NULL;
    d->room = 0;
}

int dials_take(struct dials *d)
{
    if (d->taken_count == d->count)
        return -1;
    for (int i = 0; i < d->count; i++) {
        if (!d->list[i].is_taken) {
            d->list[i].is_taken = true;
            d->taken_count++;
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
