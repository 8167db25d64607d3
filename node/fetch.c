/* SPDX-License-Identifier: MIT */
#include "node/fetch.h"

#include <stddef.h>

#include "node/internal.h"

#define LINE        64
#define SESSION_HOT 40 /* of what the suite keeps, which is not known here */

static inline void fetch(const void *from, size_t len)
{
    for (size_t i = 0; i < len; i += LINE)
        __builtin_prefetch((const uint8_t *)from + i);
}

static int find(const struct node *n, uint32_t link)
{
    for (int i = 0; i < n->slot_set.count; i++) {
        if (n->slot_links[i] == link)
            return i;
    }
    return -1;
}

/* Peers come first in all these tables: their rows are at the same place. */
static void fetch_rows(const struct node *n, int i)
{
    const struct floods *f = &n->floods;

    fetch(n->slots[i], offsetof(struct slot, observed));
    if (i < n->liveness.slots.count)
        fetch(&n->liveness.peers[i], sizeof(n->liveness.peers[i]));
    if (i < f->slots.count)
        __builtin_prefetch(&f->links[i]);
    if (f->state == NULL)
        return;
    fetch(f->state, sizeof(*f->state));
    fetch(f->past, sizeof(*f->past));
}

/* What the rows of a link, and those of floods, point to. */
static void fetch_link(const struct node *n, int i)
{
    const struct floods *f = &n->floods;
    const struct flood_traffic *traffic = i < f->slots.count ? f->links[i].traffic : NULL;

    if (n->slots[i]->session != NULL)
        fetch(n->slots[i]->session, SESSION_HOT);
    if (traffic != NULL)
        fetch(traffic, sizeof(*traffic));
    if (f->state == NULL || f->state->seen.room == 0)
        return;
    /* A copy that comes is mostly of the flood that came last. */
    __builtin_prefetch(f->state->seen.heads);
    fetch(&f->state->seen.rows[f->state->seen.newest], sizeof(f->state->seen.rows[0]));
    __builtin_prefetch(f->state->unacked);
}

void node_fetch(struct node_ahead *a, int stage)
{
    const struct node *n = a->node;

    if (stage == 0) {
        fetch(n, offsetof(struct node, contacts));
    } else if (a->link == 0) {
        return;
    } else if (stage == 1) {
        fetch(n->slot_links, n->slot_set.count * sizeof(*n->slot_links));
        fetch(n->slots, n->slot_set.count * sizeof(struct slot *));
    } else if (stage == 2) {
        a->place = find(n, a->link);
        if (a->place >= 0)
            fetch_rows(n, a->place);
    } else if (a->place >= 0 && a->place < n->slot_set.count) {
        fetch_link(n, a->place);
    }
}

void node_fetch_links(const struct node *n)
{
    const struct floods *f = &n->floods;

    for (int i = 0; i < n->slot_set.count; i++)
        fetch(n->slots[i], offsetof(struct slot, observed));
    for (int i = 0; i < f->slots.count; i++) {
        if (f->links[i].traffic != NULL)
            fetch(f->links[i].traffic, sizeof(*f->links[i].traffic));
    }
    for (int i = 0; i < n->liveness.slots.count; i++)
        __builtin_prefetch(&n->liveness.peers[i]);
    for (int i = 0; i < n->slot_set.count; i++) {
        if (n->slots[i]->session != NULL)
            __builtin_prefetch(n->slots[i]->session);
    }
}
