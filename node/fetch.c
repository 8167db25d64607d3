/* SPDX-License-Identifier: MIT */
#include "node/fetch.h"

#include <stddef.h>

#include "node/internal.h"

#define LINE        64
#define SESSION_HOT 40 /* of what the suite keeps, which is not known here */

static void fetch(const void *from, size_t len)
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

/* What the rows of a link point to. */
static void fetch_link(const struct node *n, int i)
{
    const struct flood_traffic *traffic = NULL;

    if (n->slots[i]->session != NULL)
        fetch(n->slots[i]->session, SESSION_HOT);
    if (i < n->floods.slots.count)
        traffic = n->floods.links[i].traffic;
    if (traffic != NULL)
        fetch(traffic, sizeof(*traffic));
}

void node_fetch(const struct node *n, uint32_t link, int stage)
{
    int i;

    if (stage == 0) {
        fetch(n, offsetof(struct node, contacts));
        return;
    }
    if (link == 0)
        return;
    if (stage == 1) {
        fetch(n->slot_links, n->slot_set.count * sizeof(*n->slot_links));
        fetch(n->slots, n->slot_set.count * sizeof(struct slot *));
        return;
    }
    i = find(n, link);
    if (i < 0)
        return;
    if (stage == 3) {
        fetch_link(n, i);
        return;
    }
    /* Peers come first in all these tables: their rows are at the same place. */
    fetch(n->slots[i], sizeof(*n->slots[i]));
    if (i < n->liveness.slots.count)
        fetch(&n->liveness.peers[i], sizeof(n->liveness.peers[i]));
    if (i < n->floods.slots.count)
        fetch(&n->floods.links[i], sizeof(n->floods.links[i]));
    if (n->floods.state != NULL)
        fetch(n->floods.state, sizeof(*n->floods.state));
}
