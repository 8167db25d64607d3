/* SPDX-License-Identifier: MIT */
#include "party/priority.h"

#include "party/domains.h"
#include "secure/hash.h"

static void lot(const struct candidate *c, uint8_t hash[static HASH_LEN])
{
    uint8_t epoch[8];
    struct bytes parts[3] = {
        bytes_of(c->party.b, PARTY_ID_LEN),
        bytes_of(epoch, sizeof(epoch)),
        bytes_of(c->node.b, NODE_ID_LEN),
    };

    store_be64(epoch, c->epoch);
    hash_blake2b(hash, HASH_LEN, DOMAIN_PRIORITY, parts, COUNT(parts));
}

int candidate_compare(const struct candidate *a, const struct candidate *b)
{
    const struct priority *x = &a->priority;
    const struct priority *y = &b->priority;
    uint8_t lot_a[HASH_LEN];
    uint8_t lot_b[HASH_LEN];

    if (x->reach != y->reach) {
        return x->reach - y->reach;
    }
    if (x->uplink != y->uplink) {
        return x->uplink - y->uplink;
    }
    if (x->clock != y->clock) {
        return x->clock - y->clock;
    }
    if (x->uptime != y->uptime) {
        return x->uptime - y->uptime;
    }
    lot(a, lot_a);
    lot(b, lot_b);
    return memcmp(lot_a, lot_b, HASH_LEN);
}
