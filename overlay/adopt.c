/* SPDX-License-Identifier: MIT */
#include "overlay/adopt.h"

#include "overlay/view_private.h"

void overlay_adopt(struct overlay *o, int peer, bool is_chosen, int64_t now_ns,
                   struct outbox *out)
{
    if (is_chosen)
        view_ask(o, peer, MSG_NEIGHBOR, false, now_ns, out);
    (void)view_accept(o, peer, false, now_ns, out);
    o->peers[peer].asks_open = 0; /* there will be no answer */
}

void overlay_acquaint(struct overlay *o, const struct peer_rec *rec)
{
    (void)passive_add(&o->passive, rec, false, &o->rng);
}
