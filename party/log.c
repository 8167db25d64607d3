/* SPDX-License-Identifier: MIT */
#include "party/log.h"

#include <assert.h>
#include <string.h>

#include "party/domains.h"

#define SLOTS_FIRST 32 /* of the first tables */
#define BYTES_FIRST 1024

void party_id_make(const struct suite *suite, const uint8_t key[static KEY_LEN],
                   const uint8_t nonce[static 16], struct party_id *id)
{
    struct bytes parts[2] = { bytes_of(key, KEY_LEN), bytes_of(nonce, 16) };

    suite->hash(id->b, PARTY_ID_LEN, DOMAIN_PARTY_ID, parts, COUNT(parts));
}

void party_log_init(struct party_log *l, const struct suite *suite, struct heap *heap,
                    int entries_max, int bytes_max)
{
    *l = (struct party_log){ .suite = suite, .heap = heap, .first = 1 };
    l->entries_max = entries_max > PARTY_LOG_ENTRIES_MIN ? entries_max
                                                         : PARTY_LOG_ENTRIES_MIN;
    l->bytes_max = (uint32_t)(bytes_max > PARTY_LOG_BYTES_MIN ? bytes_max
                                                              : PARTY_LOG_BYTES_MIN);
}

void party_log_finish(struct party_log *l)
{
    heap_give(l->heap, l->slots, l->slots_room, sizeof(l->slots[0]));
    heap_give(l->heap, l->bytes, l->bytes_room, 1);
    l->slots = NULL;
    l->bytes = NULL;
    l->slots_room = 0;
    l->bytes_room = 0;
}

void party_log_reset(struct party_log *l, const struct party_id *party)
{
    struct party_log fresh;

    party_log_finish(l);
    party_log_init(&fresh, l->suite, l->heap, l->entries_max, (int)l->bytes_max);
    fresh.party = *party;
    memcpy(fresh.counts, l->counts, sizeof(l->counts));
    *l = fresh;
}

/* A table that has room for `needed`: a quarter more each time. */
static uint32_t grown(uint32_t room, uint32_t first, uint32_t needed, uint32_t max)
{
    while (room < needed)
        room += room / 4 > first ? room / 4 : first;
    return room < max ? room : max;
}

/* Memory for a slot, and for bytes up to an end. */
static void grow(struct party_log *l, uint64_t seq, uint32_t end)
{
    uint32_t index = (uint32_t)(seq % (uint64_t)l->entries_max);
    uint32_t slots = grown(l->slots_room, SLOTS_FIRST, index + 1,
                           (uint32_t)l->entries_max);
    uint32_t bytes = grown(l->bytes_room, BYTES_FIRST, end, l->bytes_max);

    if (slots > l->slots_room) {
        l->slots = heap_resize(l->heap, l->slots, l->slots_room, slots,
                               sizeof(l->slots[0]));
        l->slots_room = slots;
    }
    if (bytes > l->bytes_room) {
        l->bytes = heap_resize(l->heap, l->bytes, l->bytes_room, bytes, 1);
        l->bytes_room = bytes;
    }
}

static struct party_log_slot *slot_of(const struct party_log *l, uint64_t seq)
{
    return &l->slots[seq % (uint64_t)l->entries_max];
}

static bool is_kept(const struct party_log *l, uint64_t seq)
{
    return seq >= l->first && seq <= l->seq;
}

/* Find len bytes in one piece behind the newest entry, forgetting old entries for it. */
static uint32_t make_room(struct party_log *l, uint32_t len)
{
    assert(len <= l->bytes_max / 2);
    for (; l->first <= l->seq; l->first++) {
        uint32_t oldest = slot_of(l, l->first)->start;

        if (l->seq + 1 - l->first == (uint64_t)l->entries_max) {
            continue;
        }
        if (l->end > oldest) { /* in use: oldest..end */
            if (l->bytes_max - l->end >= len) {
                return l->end;
            }
            if (oldest >= len) {
                return 0;
            }
        } else if (oldest - l->end >= len) { /* in use: all but end..oldest */
            return l->end;
        }
    }
    return 0;
}

/* Keep an entry that was found good as number seq + 1. */
static void keep(struct party_log *l, struct bytes inner, const uint8_t *sig,
                 const uint8_t previous[static HASH_LEN])
{
    uint32_t len = (uint32_t)(SIGNATURE_LEN + inner.len);
    uint32_t start = make_room(l, len);
    struct bytes parts[2] = { bytes_of(previous, HASH_LEN), inner };
    uint8_t head[HASH_LEN];

    grow(l, l->seq + 1, start + len);
    memcpy(l->bytes + start, sig, SIGNATURE_LEN);
    memcpy(l->bytes + start + SIGNATURE_LEN, inner.data, inner.len);
    l->end = start + len;
    l->seq++;
    l->at_epoch = l->epoch;
    *slot_of(l, l->seq) = (struct party_log_slot){ start, len };
    l->suite->hash(head, HASH_LEN, DOMAIN_CHAIN, parts, COUNT(parts));
    memcpy(l->head, head, HASH_LEN);
}

void party_log_append(struct party_log *l, const struct identity *self, struct entry *e)
{
    uint8_t inner[MSG_ENTRY_MAX];
    uint8_t sig[SIGNATURE_LEN];
    size_t len;

    if (l->epoch == 0) {
        assert(e->kind == ENTRY_FOUND);
        l->epoch = 1;
        memcpy(l->host, self->sign_public, KEY_LEN);
    }
    assert(memcmp(l->host, self->sign_public, KEY_LEN) == 0);
    e->party = l->party;
    e->epoch = l->epoch;
    e->seq = l->seq + 1;
    memcpy(e->previous, l->head, HASH_LEN);
    len = entry_encode(e, inner, sizeof(inner));
    assert(len > 0);
    self->suite->sign(self, DOMAIN_ENTRY, bytes_of(inner, len), sig);
    keep(l, bytes_of(inner, len), sig, e->previous);
    if (e->kind == ENTRY_FOUND) {
        l->checkpoint = e->seq;
    }
}

bool party_log_is_full(const struct party_log *l)
{
    uint64_t entries = l->seq + 1 - l->checkpoint;
    uint32_t used;

    if (l->seq == 0) {
        return false;
    }
    if (!is_kept(l, l->checkpoint) || entries > (uint64_t)l->entries_max / 2) {
        return true;
    }
    used = (l->end + l->bytes_max - slot_of(l, l->checkpoint)->start) % l->bytes_max;
    return used > l->bytes_max / 2;
}

bool party_log_get(const struct party_log *l, uint64_t seq, struct msg_log_entry *m)
{
    const struct party_log_slot *s;

    if (!is_kept(l, seq)) {
        return false;
    }
    s = slot_of(l, seq);
    memcpy(m->sig, l->bytes + s->start, SIGNATURE_LEN);
    m->inner = bytes_of(l->bytes + s->start + SIGNATURE_LEN,
                        s->len - (uint32_t)SIGNATURE_LEN);
    return true;
}

uint64_t party_log_start(const struct party_log *l, uint64_t from)
{
    return is_kept(l, from) || from > l->seq ? from : l->checkpoint;
}

bool party_log_set_epoch(struct party_log *l, uint64_t epoch,
                         const uint8_t host[static KEY_LEN])
{
    if (epoch <= l->epoch) {
        return false;
    }
    l->epoch = epoch;
    memcpy(l->host, host, KEY_LEN);
    return true;
}

void party_log_trust(struct party_log *l, uint64_t epoch,
                     const uint8_t host[static KEY_LEN])
{
    assert(l->seq == 0);
    l->epoch = epoch;
    memcpy(l->host, host, KEY_LEN);
}

bool party_log_is_of_epoch(const struct party_log *l)
{
    return l->at_epoch == l->epoch;
}

static bool names_party(const struct party_log *l, const struct entry *e)
{
    struct party_id id;

    if (!party_id_equal(&e->party, &l->party)) {
        return false;
    }
    if (e->kind != ENTRY_FOUND) {
        return true;
    }
    party_id_make(l->suite, e->u.found.key, e->u.found.nonce, &id);
    return party_id_equal(&id, &l->party);
}

/* Is e of the epoch that we obey, and whose signature must it bear? */
static enum party_log_result check_epoch(const struct party_log *l, const struct entry *e,
                                         const uint8_t **host)
{
    if (l->epoch == 0) { /* nothing known yet: the first word is the founder's */
        *host = e->u.found.key;
        if (e->kind != ENTRY_FOUND) {
            return LOG_GAP;
        }
        return e->epoch == 1 ? LOG_APPLIED : LOG_NO_HOST;
    }
    *host = l->host;
    if (e->epoch < l->epoch) {
        return LOG_OLD_EPOCH;
    }
    return e->epoch == l->epoch ? LOG_APPLIED : LOG_NO_HOST;
}

/* The first word of a new host.  What the one before it wrote under this number and those
 * behind it is void. */
static bool begins_epoch(const struct party_log *l, const struct entry *e)
{
    return e->kind == ENTRY_FOUND && e->epoch == l->epoch && l->at_epoch < l->epoch;
}

/* Where does e, whose signature is good, stand to what we hold? */
static enum party_log_result check_place(const struct party_log *l, const struct entry *e)
{
    if (e->seq <= l->seq) {
        return begins_epoch(l, e) ? LOG_JUMPED : LOG_EQUIVOCATION;
    }
    if (e->seq > l->seq + 1) {
        return LOG_JUMPED;
    }
    if (begins_epoch(l, e) && memcmp(e->previous, l->head, HASH_LEN) != 0) {
        return LOG_JUMPED;
    }
    return memcmp(e->previous, l->head, HASH_LEN) == 0 ? LOG_APPLIED : LOG_BAD_CHAIN;
}

static enum party_log_result judge(const struct party_log *l, struct bytes inner,
                                   const uint8_t *sig, struct entry *e)
{
    struct msg_log_entry own;
    const uint8_t *host;
    enum party_log_result result;

    if (inner.len > MSG_ENTRY_MAX || entry_decode(inner, e) != 0 || !names_party(l, e) ||
        e->seq == 0 || e->epoch == 0) {
        return LOG_MALFORMED;
    }
    if (e->seq <= l->seq && !begins_epoch(l, e) &&
        (!party_log_get(l, e->seq, &own) || bytes_equal(own.inner, inner))) {
        return LOG_DUPLICATE;
    }
    result = check_epoch(l, e, &host);
    if (result != LOG_APPLIED) {
        return result;
    }
    if (e->kind != ENTRY_FOUND &&
        (e->seq > l->seq + 1 || (l->seq > 0 && l->at_epoch < l->epoch))) {
        return LOG_GAP;
    }
    if (!l->suite->verify(host, DOMAIN_ENTRY, inner, sig)) {
        return LOG_BAD_SIGNATURE;
    }
    return check_place(l, e);
}

enum party_log_result party_log_receive(struct party_log *l, struct bytes inner,
                                        const uint8_t sig[static SIGNATURE_LEN],
                                        struct entry *e)
{
    enum party_log_result result = judge(l, inner, sig, e);

    l->counts[result]++;
    if (result != LOG_APPLIED && result != LOG_JUMPED) {
        return result;
    }
    if (l->epoch == 0) {
        l->epoch = e->epoch;
        memcpy(l->host, e->u.found.key, KEY_LEN);
    }
    if (result == LOG_JUMPED) { /* what was kept does not connect: begin anew */
        l->seq = e->seq - 1;
        l->first = e->seq;
        l->end = 0;
    }
    keep(l, inner, sig, e->previous);
    if (e->kind == ENTRY_FOUND) {
        l->checkpoint = e->seq;
    }
    return result;
}

bool party_log_check(const struct party_log *l)
{
    if (l->first > l->seq + 1 || l->end > l->bytes_max ||
        l->seq + 1 - l->first > (uint64_t)l->entries_max) {
        return false;
    }
    for (uint64_t i = l->first; i <= l->seq; i++) {
        const struct party_log_slot *s = slot_of(l, i);

        if (s->start + s->len > l->bytes_room || s->len <= SIGNATURE_LEN) {
            return false;
        }
    }
    return l->checkpoint <= l->seq && (l->seq == 0 || l->epoch > 0);
}
