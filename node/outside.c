/* SPDX-License-Identifier: MIT */
#include "node/outside.h"

#include "node/internal.h"

static bool is_loopback(const struct addr *a)
{
    static const uint8_t one[16] = { [15] = 1 };

    return (a->len == 4 && a->ip[0] == 127) ||
           (a->len == 16 && memcmp(a->ip, one, sizeof(one)) == 0);
}

/* How many peers see us there; a loopback address is only for who has no other. */
static int votes_for(const struct node *n, const struct addr *a)
{
    int votes = is_loopback(a) ? 0 : NODE_PEERS_MAX;

    for (int k = 0; k < n->slot_set.count; k++) {
        const struct slot *s = n->slots[k];

        votes += s->state == SLOT_UP && addr_same_ip(&s->observed, a);
    }
    return votes;
}

void outside_learn(struct node *n)
{
    const struct addr *best = &n->reachable;
    int most = best->len == 0 ? -1 : votes_for(n, best);

    if (!addr_is_any(&n->listen))
        return;
    for (int k = 0; k < n->slot_set.count; k++) {
        const struct slot *s = n->slots[k];
        int votes = s->state == SLOT_UP ? votes_for(n, &s->observed) : -1;

        if (votes <= most || s->observed.len == 0 || addr_is_any(&s->observed))
            continue;
        best = &s->observed;
        most = votes;
    }
    if (best == &n->reachable)
        return;
    n->reachable = *best;
    n->reachable.port = n->listen.port;
    company_set_self(n);
    overlay_set_listen(&n->overlay, &n->reachable);
}
