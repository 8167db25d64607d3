/* SPDX-License-Identifier: MIT */
#include "overlay/known.h"

#include <assert.h>

#include "base/time.h"

#define ROOM_FIRST 8
#define GOOD_S_MAX ((1 << 29) - 1)

void known_init(struct known *k, int max, struct heap *heap, struct contacts *contacts)
{
    assert(max > 0 && max <= UINT16_MAX);
    *k = (struct known){ .max = (uint16_t)max, .heap = heap, .contacts = contacts };
}

void known_finish(struct known *k)
{
    for (int i = 0; i < k->count; i++)
        contacts_drop(k->contacts, k->list[i].contact);
    for (int i = 0; i < k->forget_count; i++)
        contacts_drop(k->contacts, k->forgets[i]);
    heap_give(k->heap, k->list, (size_t)k->room, sizeof(*k->list));
    heap_give(k->heap, k->forgets, (size_t)k->forget_room, sizeof(*k->forgets));
    *k = (struct known){ .max = k->max, .heap = k->heap, .contacts = k->contacts };
}

const struct peer_rec *known_rec(const struct known *k, int index)
{
    assert(index >= 0 && index < k->count);
    return contacts_at(k->contacts, k->list[index].contact);
}

static int find(const struct known *k, const struct node_id *id)
{
    for (int i = 0; i < k->count; i++) {
        if (node_id_equal(&known_rec(k, i)->id, id))
            return i;
    }
    return -1;
}

/* How many stayed longer than this one. */
static int rank(const struct known *k, int index)
{
    int longer = 0;

    for (int i = 0; i < k->count; i++)
        longer += k->list[i].stay_s > k->list[index].stay_s ||
                  (k->list[i].stay_s == k->list[index].stay_s && i < index);
    return longer;
}

/* The one to be replaced: of those that are no anchors the one good longest ago. */
static int oldest(const struct known *k)
{
    int anchors = k->max > 2 * KNOWN_ANCHORS ? KNOWN_ANCHORS : 0;
    int found = -1;

    for (int i = 0; i < k->count; i++) {
        if (rank(k, i) >= anchors &&
            (found < 0 || k->list[i].good_s < k->list[found].good_s))
            found = i;
    }
    assert(found >= 0);
    return found;
}

static void *grown(struct known *k, void *list, uint16_t *room, size_t size)
{
    uint16_t old = *room;

    *room = (uint16_t)(old == 0 ? ROOM_FIRST : 2 * old);
    return heap_resize(k->heap, list, (size_t)old, (size_t)*room, size);
}

static void drop(struct known *k, int index)
{
    struct known_entry *e = &k->list[index];

    k->new_count = (uint16_t)(k->new_count - e->is_new);
    if (e->is_stored) {
        if (k->forget_count == k->forget_room)
            k->forgets = grown(k, k->forgets, &k->forget_room, sizeof(*k->forgets));
        k->forgets[k->forget_count++] = e->contact;
    } else {
        contacts_drop(k->contacts, e->contact);
    }
    *e = k->list[--k->count];
}

static struct known_entry *append(struct known *k, const struct peer_rec *rec)
{
    struct known_entry *e;

    if (k->count == k->room)
        k->list = grown(k, k->list, &k->room, sizeof(*k->list));
    e = &k->list[k->count++];
    *e = (struct known_entry){ .contact = contacts_add(k->contacts, rec) };
    return e;
}

bool known_load(struct known *k, const struct peer_rec *rec)
{
    if (find(k, &rec->id) >= 0)
        return true;
    if (k->count >= k->max)
        return false;
    append(k, rec)->is_stored = 1;
    return true;
}

static void set_new(struct known *k, struct known_entry *e)
{
    k->new_count = (uint16_t)(k->new_count + !e->is_new);
    e->is_new = 1;
}

void known_add(struct known *k, const struct peer_rec *rec, int64_t stay_ns,
               int64_t now_ns)
{
    int i = find(k, &rec->id);
    int64_t good_s = time_min(now_ns / NS_PER_S + 1, GOOD_S_MAX);
    uint32_t stay_s = (uint32_t)time_min(stay_ns / NS_PER_S, UINT32_MAX);
    struct known_entry *e;

    if (i < 0) {
        /* What is stored, in the list or to be forgotten, was once all in the list. */
        if (k->count >= k->max)
            drop(k, oldest(k));
        e = append(k, rec);
        set_new(k, e);
    } else {
        e = &k->list[i];
    }
    if (!addr_equal(&contacts_at(k->contacts, e->contact)->addr, &rec->addr)) {
        uint32_t old = e->contact;

        e->contact = contacts_add(k->contacts, rec);
        contacts_drop(k->contacts, old);
        set_new(k, e);
    }
    e->good_s = (uint32_t)good_s & GOOD_S_MAX;
    e->stay_s = stay_s > e->stay_s ? stay_s : e->stay_s;
}

void known_forget(struct known *k, const struct node_id *id)
{
    int i = find(k, id);

    if (i >= 0)
        drop(k, i);
}

bool known_dialled(struct known *k, const struct node_id *id, bool is_lost)
{
    int i = find(k, id);
    bool was_lost = i >= 0 && k->list[i].is_lost;

    if (i >= 0)
        k->list[i].is_lost = is_lost;
    return was_lost;
}

static void take_forget(struct known *k, struct peer_rec *rec)
{
    uint32_t contact = k->forgets[--k->forget_count];

    *rec = *contacts_at(k->contacts, contact);
    contacts_drop(k->contacts, contact);
    if (k->forget_count > 0)
        return;
    heap_give(k->heap, k->forgets, (size_t)k->forget_room, sizeof(*k->forgets));
    k->forgets = NULL;
    k->forget_room = 0;
}

bool known_take(struct known *k, struct peer_rec *rec, bool *is_forget)
{
    /* First what is to be forgotten: what is remembered anew stays so. */
    *is_forget = k->forget_count > 0;
    if (*is_forget) {
        take_forget(k, rec);
        return true;
    }
    for (int i = 0; i < k->count && k->new_count > 0; i++) {
        struct known_entry *e = &k->list[i];

        if (e->is_new) {
            e->is_new = 0;
            e->is_stored = 1;
            k->new_count--;
            *rec = *known_rec(k, i);
            return true;
        }
    }
    return false;
}
