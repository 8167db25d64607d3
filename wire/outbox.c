/* SPDX-License-Identifier: MIT */
#include "wire/outbox.h"

#include <assert.h>

void outbox_clear(struct outbox *o)
{
    o->count = 0;
    o->used = 0;
}

void outbox_push(struct outbox *o, int peer, const struct msg *m)
{
    size_t len = 0;

    assert(peer >= 0);
    if (o->count < OUTBOX_ITEMS_MAX)
        len = msg_encode(m, o->data + o->used, OUTBOX_BYTES_MAX - o->used);
    if (len == 0) {
        o->dropped++;
        return;
    }
    o->items[o->count++] = (struct outbox_item){ peer, o->used, len };
    o->used += len;
}

void outbox_push_ping(struct outbox *o, int peer, enum msg_type type, uint32_t seq)
{
    struct msg m; /* most of it is never looked at */

    assert(type == MSG_PING || type == MSG_PONG);
    m.type = type;
    m.u.ping.seq = seq;
    outbox_push(o, peer, &m);
}

int outbox_push_all(struct outbox *o, const int *peers, int count, int but,
                    const struct msg *m)
{
    const struct outbox_item *first = NULL;
    int sent = 0;

    for (int i = 0; i < count; i++) {
        int before = o->count;

        if (peers[i] == but)
            continue;
        sent++;
        if (first == NULL) {
            outbox_push(o, peers[i], m);
            first = o->count > before ? &o->items[before] : NULL;
        } else if (o->count < OUTBOX_ITEMS_MAX) {
            o->items[o->count++] = (struct outbox_item){ peers[i], first->start,
                                                         first->len };
        } else {
            o->dropped++;
        }
    }
    return sent;
}
