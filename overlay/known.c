/* SPDX-License-Identifier: MIT */
#include "overlay/known.h"

#include <assert.h>

int known_init(struct known *k, int max, struct arena *a)
{
    assert(max > 0);
    *k = (struct known){ .max = max };
    k->list = arena_take(a, (size_t)max, sizeof(*k->list));
    k->forgets = arena_take(a, (size_t)max, sizeof(*k->forgets));
    return k->list == NULL || k->forgets == NULL ? ERR_NOMEM : 0;
}

static int find(const struct known *k, const struct node_id *id)
{
    for (int i = 0; i < k->count; i++) {
        if (node_id_equal(&k->list[i].rec.id, id))
            return i;
    }
    return -1;
}

static int oldest(const struct known *k)
{
    int found = 0;

    for (int i = 1; i < k->count; i++) {
        if (k->list[i].good_ns < k->list[found].good_ns)
            found = i;
    }
    return found;
}

/* What is stored, here or among the forgets, was once all in the list: so it fits. */
static void drop(struct known *k, int index)
{
    if (k->list[index].is_stored) {
        assert(k->forget_count < k->max);
        k->forgets[k->forget_count++] = k->list[index].rec;
    }
    k->list[index] = k->list[--k->count];
}

bool known_load(struct known *k, const struct peer_rec *rec)
{
    if (find(k, &rec->id) >= 0)
        return true;
    if (k->count >= k->max)
        return false;
    k->list[k->count++] = (struct known_entry){ .rec = *rec,
                                                .good_ns = -1,
                                                .is_stored = true };
    return true;
}

void known_add(struct known *k, const struct peer_rec *rec, int64_t now_ns)
{
    int i = find(k, &rec->id);
    struct known_entry *e;

    if (i < 0) {
        if (k->count >= k->max)
            drop(k, oldest(k));
        i = k->count++;
        k->list[i] = (struct known_entry){ .is_new = true };
    }
    e = &k->list[i];
    e->is_new = e->is_new || !addr_equal(&e->rec.addr, &rec->addr);
    e->rec = *rec;
    e->good_ns = now_ns;
}

void known_forget(struct known *k, const struct node_id *id)
{
    int i = find(k, id);

    if (i >= 0)
        drop(k, i);
}

bool known_take(struct known *k, struct peer_rec *rec, bool *is_forget)
{
    /* First what is to be forgotten: what is remembered anew stays so. */
    *is_forget = k->forget_count > 0;
    if (*is_forget) {
        *rec = k->forgets[--k->forget_count];
        return true;
    }
    for (int i = 0; i < k->count; i++) {
        struct known_entry *e = &k->list[i];

        if (e->is_new) {
            e->is_new = false;
            e->is_stored = true;
            *rec = e->rec;
            return true;
        }
    }
    return false;
}
