/* SPDX-License-Identifier: MIT */
#include "overlay/contacts.h"

#include <assert.h>

#define CHUNK         256
#define BUCKETS_FIRST 64

static struct contact *at(const struct contacts *c, uint32_t index)
{
    return &c->chunks[index / CHUNK][index % CHUNK];
}

void contacts_init(struct contacts *c, struct pool *pool, uint64_t key)
{
    *c = (struct contacts){ .key = key, .bucket_count = BUCKETS_FIRST };
    heap_init(&c->heap, pool);
    c->buckets = heap_take(&c->heap, c->bucket_count, sizeof(*c->buckets));
}

/* Ids are hashes already; the key keeps others from choosing the chain. */
static uint32_t bucket_of(const struct contacts *c, const struct node_id *id)
{
    uint64_t h = (load_be64(id->b) ^ c->key) * UINT64_C(0x9e3779b97f4a7c15);

    h = (h ^ h >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
    return (uint32_t)(h >> 32) & (c->bucket_count - 1);
}

static void link_in(struct contacts *c, uint32_t index)
{
    uint32_t *head = &c->buckets[bucket_of(c, &at(c, index)->rec.id)];

    at(c, index)->next = *head;
    *head = index + 1;
}

static void grow_buckets(struct contacts *c)
{
    heap_give(&c->heap, c->buckets, c->bucket_count, sizeof(*c->buckets));
    c->bucket_count *= 2;
    c->buckets = heap_take(&c->heap, c->bucket_count, sizeof(*c->buckets));
    for (uint32_t i = 0; i < c->used; i++) {
        if (at(c, i)->refs > 0)
            link_in(c, i);
    }
}

static uint32_t take_index(struct contacts *c)
{
    uint32_t index = c->used;

    if (c->free > 0) {
        index = c->free - 1;
        c->free = at(c, index)->next;
        return index;
    }
    assert(c->used < CONTACTS_MAX);
    if (index / CHUNK == c->chunk_room) {
        uint32_t room = c->chunk_room == 0 ? 1 : 2 * c->chunk_room;

        c->chunks = heap_resize(&c->heap, c->chunks, c->chunk_room, room,
                                sizeof(struct contact *));
        c->chunk_room = room;
    }
    if (index % CHUNK == 0)
        c->chunks[index / CHUNK] = heap_take(&c->heap, CHUNK, sizeof(struct contact));
    c->used++;
    return index;
}

uint32_t contacts_add(struct contacts *c, const struct peer_rec *rec)
{
    uint32_t i = c->buckets[bucket_of(c, &rec->id)];

    for (; i > 0; i = at(c, i - 1)->next) {
        struct contact *found = at(c, i - 1);

        if (node_id_equal(&found->rec.id, &rec->id) &&
            addr_equal(&found->rec.addr, &rec->addr) &&
            addr_equal(&found->rec.via, &rec->via)) {
            found->refs++;
            return i - 1;
        }
    }
    if (c->count >= c->bucket_count)
        grow_buckets(c);
    i = take_index(c);
    *at(c, i) = (struct contact){ .rec = *rec, .refs = 1 };
    link_in(c, i);
    c->count++;
    return i;
}

void contacts_keep(struct contacts *c, uint32_t index, uint32_t count)
{
    assert(at(c, index)->refs > 0 && count <= UINT32_MAX - at(c, index)->refs);
    at(c, index)->refs += count;
}

void contacts_release(struct contacts *c, uint32_t index, uint32_t count)
{
    struct contact *gone = at(c, index);
    uint32_t *link;

    assert(count > 0 && gone->refs >= count);
    gone->refs -= count;
    if (gone->refs > 0)
        return;
    link = &c->buckets[bucket_of(c, &gone->rec.id)];
    while (*link != index + 1)
        link = &at(c, *link - 1)->next;
    *link = gone->next;
    gone->next = c->free;
    c->free = index + 1;
    c->count--;
}

void contacts_drop(struct contacts *c, uint32_t index)
{
    contacts_release(c, index, 1);
}

const char *contacts_check(const struct contacts *c)
{
    uint32_t chained = 0;
    uint32_t used = 0;

    for (uint32_t i = 0; i < c->used; i++)
        used += at(c, i)->refs > 0;
    for (uint32_t b = 0; b < c->bucket_count; b++) {
        for (uint32_t i = c->buckets[b]; i > 0; i = at(c, i - 1)->next) {
            if (at(c, i - 1)->refs == 0)
                return "a free contact is in a chain";
            if (bucket_of(c, &at(c, i - 1)->rec.id) != b)
                return "a contact is in the wrong chain";
            chained++;
        }
    }
    return used == c->count && chained == c->count ? NULL
                                                   : "the count of contacts is wrong";
}
