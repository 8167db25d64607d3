/* SPDX-License-Identifier: MIT */
#include "node/trees.h"

#include "node/internal.h"

struct tree *trees_take(struct node *n)
{
    int active[OVERLAY_ACTIVE_MAX];

    if (n->tree == NULL) {
        n->tree = heap_take(&n->heap, 1, sizeof(*n->tree));
        tree_init(n->tree, &n->params->tree, &n->heap);
        tree_set_active(n->tree, active, overlay_active(&n->overlay, active));
    }
    return n->tree;
}

void trees_set_active(struct node *n, const int *active, int count)
{
    if (n->tree != NULL)
        tree_set_active(n->tree, active, count);
}

static void announced(struct node *n, int peer, const struct msg_ihave *h)
{
    int64_t rtt_ns = liveness_rtt_ns(&n->liveness, peer);

    for (int i = 0; i < h->count; i++) {
        if (!flood_knows(&n->floods, &h->list[i].id))
            (void)tree_announced(trees_take(n), peer, &h->list[i].id, h->list[i].hops,
                                 rtt_ns, n->now_ns);
    }
}

void trees_receive(struct node *n, int peer, const struct msg *m)
{
    if (m->type == MSG_IHAVE)
        announced(n, peer, &m->u.ihave);
    else if (n->tree == NULL)
        return; /* of something that is long over */
    else if (m->type == MSG_GRAFT)
        tree_on_graft(n->tree, peer, &m->u.graft, &n->out->outbox);
    else
        tree_on_prune(n->tree, peer, m->u.prune.origin);
}

int64_t trees_wake_ns(const struct node *n)
{
    return n->tree == NULL ? TIME_NEVER : tree_wake_ns(n->tree);
}

void trees_finish(struct node *n)
{
    if (n->tree == NULL)
        return;
    tree_finish(n->tree);
    heap_give(&n->heap, n->tree, 1, sizeof(*n->tree));
    n->tree = NULL;
}

void trees_wake(struct node *n)
{
    const struct tree *t = n->tree;
    int peer;

    if (t == NULL)
        return;
    tree_wake(n->tree, n->now_ns, &n->out->outbox);
    while (tree_take_broken(n->tree, &peer))
        flood_blame(&n->floods, peer, n->params->flood.broken_points, n->now_ns);
    if (t->origin_count + t->item_count + t->missing_count == 0)
        trees_finish(n);
}
