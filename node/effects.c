/* SPDX-License-Identifier: MIT */
#include "node/event.h"

#include <assert.h>

bool effects_has_room(const struct effects *e, size_t len)
{
    return e->count < EFFECTS_MAX - EFFECTS_RESERVE &&
           e->used <= EFFECTS_BYTES_MAX - EFFECTS_BYTES_RESERVE &&
           len <= EFFECTS_BYTES_MAX - EFFECTS_BYTES_RESERVE - e->used;
}

struct effect *effects_add(struct effects *e, enum effect_kind kind)
{
    struct effect *added;

    if (e->count == EFFECTS_MAX) {
        e->dropped++;
        return NULL;
    }
    added = &e->list[e->count++];
    added->kind = kind;
    return added;
}

uint8_t *effects_room(struct effects *e, size_t len)
{
    uint8_t *room = e->data + e->used;

    assert(e->used <= sizeof(e->data));
    if (len > sizeof(e->data) - e->used) {
        e->dropped++;
        return NULL;
    }
    e->used += len;
    return room;
}

struct bytes effects_copy(struct effects *e, struct bytes b)
{
    uint8_t *room = effects_room(e, b.len);

    if (room == NULL || b.len == 0)
        return bytes_of(NULL, 0);
    memcpy(room, b.data, b.len);
    return bytes_of(room, b.len);
}
