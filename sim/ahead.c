/* SPDX-License-Identifier: MIT */
#include "sim/ahead.h"

#include <assert.h>

#include "base/time.h"
#include "sim/part.h"

#define STEP     1 /* events between one stage and the next: more crowd the nearest cache */
#define DATA_MAX 512 /* of a packet; the processor sees by then where it goes on */
#define STAGES   (1 + NODE_FETCH_STAGES)

static_assert(STEP * STAGES < AHEAD_EVENTS, "an event keeps its place till its turn");

void ahead_init(struct ahead *a)
{
    *a = (struct ahead){ .slot = -1 };
}

/* The first stage: the event itself, and whom it is for. */
static void meet(struct ahead_event *e, const struct wheel_item *item,
                 const struct packets *packets, const struct world_node *nodes)
{
    uint32_t index = (uint32_t)item->value;

    e->at = &nodes[item->value >> 32];
    e->packet = index == 0 ? NULL : packets_at(packets, index);
    e->at_ns = item->at_ns;
    __builtin_prefetch(e->at);
    if (e->packet != NULL)
        __builtin_prefetch(e->packet);
}

/* Most wakes that come were put off meanwhile. */
static bool is_in_vain(const struct ahead_event *e)
{
    const struct world_node *n = e->at;

    return n->node == NULL ||
           (e->packet == NULL && (n->armed_ns != e->at_ns || n->wake_ns == TIME_NEVER));
}

/* The second: what the first has brought tells who it is about. */
static void look(struct ahead_event *e)
{
    e->node = (struct node_ahead){ .node = is_in_vain(e) ? NULL : e->at->node };
    if (e->node.node == NULL)
        return;
    __builtin_prefetch(e->at->links);
    if (e->packet == NULL)
        return;
    e->node.link = e->packet->link;
    for (uint32_t i = 32; i < e->packet->len && i < DATA_MAX; i += 64)
        __builtin_prefetch(&e->packet->data[i]);
}

static void fetch(struct ahead_event *e, int stage)
{
    if (stage == 1)
        look(e);
    if (e->node.node == NULL || e->node.node != e->at->node)
        return; /* nothing to be done, or it has just stopped */
    if (stage == 2 && e->at->links != NULL && e->packet != NULL)
        __builtin_prefetch(&e->at->links->rows[e->packet->row]);
    node_fetch(&e->node, stage - 1);
}

static void prepare(struct ahead *a, const struct wheel *wheel, size_t place, int stage,
                    const struct packets *packets, const struct world_node *nodes)
{
    struct ahead_event *e = &a->events[place % AHEAD_EVENTS];

    if (place >= wheel->run.count)
        return;
    if (stage == 0)
        meet(e, &wheel->run.items[place], packets, nodes);
    else
        fetch(e, stage);
}

void ahead_fetch(struct ahead *a, const struct wheel *wheel,
                 const struct packets *packets, const struct world_node *nodes)
{
    size_t next = wheel->run_at;

    if (a->slot == wheel->slot && a->next == next + 1)
        return; /* what came between was pushed since */
    for (int stage = 0; stage < STAGES; stage++) {
        size_t place = next + (size_t)(STAGES - stage) * STEP;
        size_t first = a->slot == wheel->slot ? place : next;

        /* Of a slot that has just become current all at once: one wait for many. */
        for (; first <= place; first++)
            prepare(a, wheel, first, stage, packets, nodes);
    }
    a->slot = wheel->slot;
    a->next = next + 1;
}
