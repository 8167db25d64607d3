/* SPDX-License-Identifier: MIT */
#include "node/outside.h"

#include "node/internal.h"

static bool is_loopback(const struct addr *a)
{
    static const uint8_t one[16] = { [15] = 1 };

    return (a->len == 4 && a->ip[0] == 127) ||
           (a->len == 16 && memcmp(a->ip, one, sizeof(one)) == 0);
}

/* The host at which a peer sees us. */
static struct addr seen_by(const struct slot *s)
{
    struct addr a = { .len = s->observed_len };

    memcpy(a.ip, s->observed, sizeof(a.ip));
    return a;
}

/* How many peers see us there; a loopback address is only for who has no other. */
static int votes_for(const struct node *n, const struct addr *a)
{
    int votes = is_loopback(a) ? 0 : NODE_PEERS_MAX;

    for (int k = 0; k < n->slot_set.count; k++) {
        struct addr seen = seen_by(n->slots[k]);

        votes += n->slots[k]->state == SLOT_UP && addr_same_ip(&seen, a);
    }
    return votes;
}

void outside_learn(struct node *n)
{
    struct addr best = { .len = 0 };
    int most;

    if (!addr_is_any(&n->listen))
        return;
    most = n->reachable.len == 0 ? -1 : votes_for(n, &n->reachable);
    for (int k = 0; k < n->slot_set.count; k++) {
        const struct slot *s = n->slots[k];
        struct addr seen = seen_by(s);
        int votes;

        if (s->state != SLOT_UP || seen.len == 0 || addr_is_any(&seen) ||
            addr_same_ip(&seen, &n->reachable))
            continue;
        votes = votes_for(n, &seen);
        if (votes <= most)
            continue;
        best = seen;
        most = votes;
    }
    if (best.len == 0)
        return;
    n->reachable = best;
    n->reachable.port = n->listen.port;
    company_set_self(n);
    overlay_set_listen(&n->overlay, &n->reachable);
}
