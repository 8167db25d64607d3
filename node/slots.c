/* SPDX-License-Identifier: MIT */
#include "node/slots.h"

#include "node/internal.h"

#define SLOTS_FIRST 8 /* rows of the first table */
#define SLOTS_SPARE 2 /* that stay when it shrinks */

const struct peer_rec *slot_rec(const struct node *n, const struct slot *s)
{
    return contacts_at(n->contacts, s->contact);
}

const char *slot_name(const struct slot *s)
{
    return s->name == NULL ? "" : s->name;
}

struct slot *slots_of_link(struct node *n, uint32_t link)
{
    for (int i = 0; i < n->slot_count; i++) {
        if (n->slot_links[i] == link && n->slots[i].state != SLOT_FREE)
            return &n->slots[i];
    }
    return NULL;
}

void slots_set(struct node *n, struct slot *s, const struct slot *to)
{
    *s = *to;
    n->slot_links[s - n->slots] = s->link;
}

/* Rows of a table for so many. */
static int rows_for(const struct node *n, int needed)
{
    int rows = SLOTS_FIRST;

    while (rows < needed)
        rows += rows < 16 ? 4 : rows / 2;
    return rows < n->params->peers_max ? rows : n->params->peers_max;
}

static void resize(struct node *n, int rows)
{
    n->slots = heap_resize(&n->heap, n->slots, (size_t)n->slot_count, (size_t)rows,
                           sizeof(*n->slots));
    n->slot_links = heap_resize(&n->heap, n->slot_links, (size_t)n->slot_count,
                                (size_t)rows, sizeof(*n->slot_links));
    n->slot_count = rows;
}

struct slot *slots_free(struct node *n)
{
    int rows = rows_for(n, n->slot_count + 1);

    for (int i = n->slot_count - 1; i >= 0; i--) {
        if (n->slots[i].state == SLOT_FREE)
            return &n->slots[i];
    }
    if (rows == n->slot_count)
        return NULL;
    resize(n, rows);
    return slots_free(n);
}

struct slot *slots_settle(struct node *n, struct slot *s)
{
    for (struct slot *to = n->slots; to < s; to++) {
        if (to->state != SLOT_FREE)
            continue;
        *to = *s;
        *s = (struct slot){ .state = SLOT_FREE };
        n->slot_links[to - n->slots] = to->link;
        n->slot_links[s - n->slots] = 0;
        return to;
    }
    return s;
}

void slots_shrink(struct node *n)
{
    int used = n->slot_count;
    int peers = n->slot_count;
    int rows;

    while (used > 0 && n->slots[used - 1].state == SLOT_FREE)
        used--;
    while (peers > 0 && n->slots[peers - 1].state != SLOT_UP)
        peers--;
    rows = rows_for(n, used + SLOTS_SPARE);
    if (rows < n->slot_count)
        resize(n, rows);
    peers = rows_for(n, peers);
    overlay_shrink(&n->overlay, peers);
    liveness_shrink(&n->liveness, peers);
}
