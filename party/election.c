/* SPDX-License-Identifier: MIT */
#include "party/election.h"

#include <assert.h>
#include <string.h>

#include "party/domains.h"

#define STATEMENT_LEN (PARTY_ID_LEN + 8 + KEY_LEN)

/* What is signed: party, epoch, host. */
static void statement(const struct party_id *party, uint64_t epoch, const uint8_t *host,
                      uint8_t out[static STATEMENT_LEN])
{
    memcpy(out, party->b, PARTY_ID_LEN);
    store_be64(out + PARTY_ID_LEN, epoch);
    memcpy(out + PARTY_ID_LEN + 8, host, KEY_LEN);
}

void grant_sign(const struct identity *self, const struct party_id *party, uint64_t epoch,
                const uint8_t host[static KEY_LEN], uint8_t sig[static SIGNATURE_LEN])
{
    uint8_t text[STATEMENT_LEN];

    statement(party, epoch, host, text);
    self->suite->sign(self, DOMAIN_GRANT, bytes_of(text, sizeof(text)), sig);
}

bool grant_verify(const struct suite *suite, const uint8_t key[static KEY_LEN],
                  const struct party_id *party, uint64_t epoch,
                  const uint8_t host[static KEY_LEN],
                  const uint8_t sig[static SIGNATURE_LEN])
{
    uint8_t text[STATEMENT_LEN];

    statement(party, epoch, host, text);
    return suite->verify(key, DOMAIN_GRANT, bytes_of(text, sizeof(text)), sig);
}

void handover_sign(const struct identity *self, const struct party_id *party,
                   uint64_t epoch, const uint8_t host[static KEY_LEN],
                   uint8_t sig[static SIGNATURE_LEN])
{
    uint8_t text[STATEMENT_LEN];

    statement(party, epoch, host, text);
    self->suite->sign(self, DOMAIN_HANDOVER, bytes_of(text, sizeof(text)), sig);
}

bool handover_verify(const struct suite *suite, const uint8_t key[static KEY_LEN],
                     const struct msg_handover *m)
{
    uint8_t text[STATEMENT_LEN];

    statement(&m->party, m->epoch, m->host, text);
    return suite->verify(key, DOMAIN_HANDOVER, bytes_of(text, sizeof(text)), m->sig);
}

int council_rank(const struct council *c, const uint8_t key[static KEY_LEN])
{
    for (int i = 0; i < c->count; i++) {
        if (memcmp(c->keys[i], key, KEY_LEN) == 0) {
            return i;
        }
    }
    return -1;
}

static bool is_voter(const uint8_t voters[][KEY_LEN], int count, const uint8_t *key)
{
    for (int i = 0; i < count; i++) {
        if (memcmp(voters[i], key, KEY_LEN) == 0) {
            return true;
        }
    }
    return false;
}

bool coord_verify(const struct suite *suite, const struct coord *c,
                  const uint8_t voters[][KEY_LEN], int voter_count)
{
    assert(c->grant_count >= 0 && c->grant_count <= COORD_GRANTS_MAX);
    if (c->grant_count <= voter_count / 2) {
        return false;
    }
    for (int i = 0; i < c->grant_count; i++) {
        const uint8_t *key = c->grants[i].key;

        if (!is_voter(voters, voter_count, key)) {
            return false;
        }
        for (int k = 0; k < i; k++) {
            if (memcmp(c->grants[k].key, key, KEY_LEN) == 0) {
                return false;
            }
        }
        if (!grant_verify(suite, key, &c->party, c->epoch, c->host, c->grants[i].sig)) {
            return false;
        }
    }
    return true;
}

void ballot_handover(struct ballot *b, const struct msg_handover *m)
{
    if (m->epoch > b->handover_epoch) {
        b->handover_epoch = m->epoch;
        memcpy(b->handover_host, m->host, KEY_LEN);
    }
}

bool ballot_is_handed(const struct ballot *b, uint64_t epoch,
                      const uint8_t host[static KEY_LEN])
{
    return epoch == b->handover_epoch && memcmp(host, b->handover_host, KEY_LEN) == 0;
}

/* Whoever lacks entries that we have, or has others, may not go on without them. */
static bool knows_enough(const struct ballot_claim *c)
{
    if (c->at_epoch != c->our_at_epoch) {
        return c->at_epoch > c->our_at_epoch;
    }
    if (c->seq != c->our_seq) {
        return c->seq > c->our_seq;
    }
    return memcmp(c->previous, c->head, HASH_LEN) == 0;
}

/* A lease binds us to one host; that one may always ask for more. */
static bool is_bound(const struct ballot *b, const struct ballot_claim *c)
{
    bool is_to_another = memcmp(c->host, b->host, KEY_LEN) != 0;

    if (is_to_another && b->epoch > 0 && c->now_ns < b->lease_ns) {
        return true;
    }
    return c->lease_left_ns > 0 && memcmp(c->host, c->present, KEY_LEN) != 0 &&
           !ballot_is_handed(b, c->epoch, c->host);
}

bool ballot_grant(struct ballot *b, const struct ballot_claim *c)
{
    if (c->epoch <= c->current) {
        return false;
    }
    if (c->epoch == b->epoch && memcmp(c->host, b->host, KEY_LEN) == 0) {
        return true; /* the same word, said again as it may have been lost */
    }
    if (c->epoch <= b->epoch || is_bound(b, c) || !knows_enough(c)) {
        return false;
    }
    b->epoch = c->epoch;
    memcpy(b->host, c->host, KEY_LEN);
    return true;
}
