/* SPDX-License-Identifier: MIT */
#include "node/trees.h"

#include "node/internal.h"

static void announced(struct node *n, int peer, const struct msg_ihave *h)
{
    int64_t rtt_ns = liveness_rtt_ns(&n->liveness, peer);

    for (int i = 0; i < h->count; i++) {
        if (!flood_is_seen(&n->floods, &h->list[i].id))
            (void)tree_announced(&n->tree, peer, &h->list[i].id, h->list[i].hops, rtt_ns,
                                 n->now_ns);
    }
}

void trees_receive(struct node *n, int peer, const struct msg *m)
{
    if (m->type == MSG_IHAVE)
        announced(n, peer, &m->u.ihave);
    else if (m->type == MSG_GRAFT)
        tree_on_graft(&n->tree, peer, &m->u.graft, &n->out->outbox);
    else
        tree_on_prune(&n->tree, peer, m->u.prune.origin);
}

void trees_follow(struct node *n)
{
    const struct overlay_counts *c = &n->overlay.counts;
    int peers[OVERLAY_ACTIVE_MAX];

    if (c->neighbours_up + c->neighbours_down == n->active_changes)
        return;
    n->active_changes = c->neighbours_up + c->neighbours_down;
    tree_set_active(&n->tree, peers, overlay_active(&n->overlay, peers));
}

void trees_wake(struct node *n)
{
    int peer;

    tree_wake(&n->tree, n->now_ns, &n->out->outbox);
    while (tree_take_broken(&n->tree, &peer))
        n->counters.broken_promises++;
}
