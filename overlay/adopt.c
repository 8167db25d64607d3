/* SPDX-License-Identifier: MIT */
#include "overlay/adopt.h"

#include "overlay/view_private.h"

void overlay_adopt(struct overlay *o, int peer, bool is_chosen, int64_t now_ns,
                   struct outbox *out)
{
    if (is_chosen)
        view_ask(o, peer, MSG_NEIGHBOR, false, now_ns, out);
    (void)view_accept(o, peer, false, now_ns, out);
    view_peer(o, peer)->asks_open = 0; /* there will be no answer */
    o->young_until_ns = now_ns;        /* it has been a neighbour for long */
    o->shuffle_wait_ns = o->p->shuffle_period_ns;
    o->shuffle_ns = now_ns + rng_below(&o->rng, o->p->shuffle_period_ns);
    if (o->p->anchor_period_ns == 0)
        return;
    /* What we would have told each other about islands is told first of all; only then
     * can they be compared. */
    o->island.next_ns = now_ns + rng_below(&o->rng, o->p->island_hop_ns);
    o->anchor_ns = now_ns + o->p->anchor_period_ns +
                   rng_below(&o->rng, o->p->anchor_period_ns);
}

int overlay_acquaint(struct overlay *o, const uint32_t *contacts, const uint16_t *tags,
                     int count)
{
    return passive_fill(&o->passive, contacts, tags, count);
}
