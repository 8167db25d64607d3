/* Contact records, each kept once: views and links hold an index of four bytes instead of
 * the record.  In the daemon one node uses a table; in the simulator all nodes of one
 * thread share one, as they would otherwise hold a hundred copies of the same records.
 *
 * A contact is an id at an address: the same id at another address is another contact, so
 * a node learns nothing from what others store.  Indices depend on who came first, and
 * must not decide anything.  SPDX-License-Identifier: MIT */
#ifndef OVERLAY_CONTACTS_H
#define OVERLAY_CONTACTS_H

#include <stdbool.h>

#include "base/pool.h"
#include "wire/msg.h"

#define CONTACTS_MAX (1 << 26)

struct contact {
    struct peer_rec rec;
    uint32_t refs; /* 0: free, and next is the next free one */
    uint32_t next; /* 1 + index of the next in its chain, 0: last */
};

struct contacts {
    struct heap heap;
    struct contact **chunks; /* so that records never move */
    uint32_t chunk_room;
    uint32_t used;     /* indices that were ever handed out */
    uint32_t free;     /* 1 + the first free index, 0: none */
    uint32_t count;    /* that are referred to */
    uint32_t *buckets; /* 1 + index of the first in the chain */
    uint32_t bucket_count;
    uint64_t key; /* of the hash, so that nobody can aim at one chain */
};

/* Keeps pool. */
void contacts_init(struct contacts *c, struct pool *pool, uint64_t key);

/* The index of a record, new or not, with one reference more: the caller's, to be given
 * back by contacts_drop. */
uint32_t contacts_add(struct contacts *c, const struct peer_rec *rec);

/* So many references more, so many less, one less. */
void contacts_keep(struct contacts *c, uint32_t index, uint32_t count);
void contacts_release(struct contacts *c, uint32_t index, uint32_t count);
void contacts_drop(struct contacts *c, uint32_t index);

/* Valid while there is a reference. */
static inline const struct peer_rec *contacts_at(const struct contacts *c, uint32_t index)
{
    return &c->chunks[index >> 8][index & 255].rec;
}

/* A few bits of an id, to be kept beside the index: two ids with different tags differ,
 * and the table needs no look. */
static inline uint16_t contact_tag(const struct node_id *id)
{
    return load_be16(id->b + 6);
}

/* The invariants.  NULL, or what is wrong. */
const char *contacts_check(const struct contacts *c);

#endif
