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
