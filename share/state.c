/* SPDX-License-Identifier: MIT */
#include "share/state.h"

#include <assert.h>

int share_find(const struct swarm *s, const struct song_id *id)
{
    for (int i = 0; i < s->order_count; i++) {
        if (song_id_equal(&s->songs[s->order[i]].id, id))
            return s->order[i];
    }
    return -1;
}

bool share_send(struct outbox *out, int peer, const struct msg *m)
{
    int64_t dropped = out->dropped;

    outbox_push(out, peer, m);
    return out->dropped == dropped;
}

void share_list_init(struct share_list *l, struct outbox *out, int peer,
                     enum msg_type type)
{
    l->out = out;
    l->peer = peer;
    l->msg.type = type;
    l->msg.u.blocks.count = 0;
}

void share_list_add(struct share_list *l, const struct song_id *song, int block)
{
    struct msg_blocks *b = &l->msg.u.blocks;

    assert(block >= 0);
    if (b->count == MSG_WANT_MAX || (b->count > 0 && !song_id_equal(&b->song, song)))
        share_list_end(l);
    b->song = *song;
    b->list[b->count++] = (uint32_t)block;
}

void share_list_end(struct share_list *l)
{
    if (l->msg.u.blocks.count > 0)
        outbox_push(l->out, l->peer, &l->msg);
    l->msg.u.blocks.count = 0;
}
