/* SPDX-License-Identifier: MIT */
#include "sim/order.h"

#include <assert.h>

#include "base/text.h"

void order_begin(struct order *o, const char *verb, int arguments)
{
    cbor_writer_init(&o->w, o->room, sizeof(o->room));
    cbor_write_array(&o->w, 1 + arguments);
    cbor_write_text(&o->w, verb);
}

void order_say(struct order *o, const char *verb, const char *argument)
{
    order_begin(o, verb, argument == NULL ? 0 : 1);
    if (argument != NULL)
        cbor_write_text(&o->w, argument);
}

void order_call(struct order *o, const struct order_host *h)
{
    order_begin(o, "host", 6);
    cbor_write_text(&o->w, h->name);
    cbor_write_array(&o->w, h->songs);
    for (int i = 0; i < h->songs; i++) {
        char path[16];
        struct text t;

        text_init(&t, path, sizeof(path));
        text_add(&t, "song:");
        text_add_int(&t, (h->first_song + i) % h->library);
        cbor_write_text(&o->w, path);
    }
    cbor_write_uint(&o->w, (uint64_t)h->wanted);
    cbor_write_uint(&o->w, (uint64_t)h->call_ms);
    cbor_write_uint(&o->w, (uint64_t)h->ready_ms);
    cbor_write_uint(&o->w, (uint64_t)h->ttl);
}

struct bytes order_request(const struct order *o)
{
    assert(!o->w.has_overflowed);
    return cbor_written(&o->w);
}
