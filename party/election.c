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

bool ballot_grant(struct ballot *b, const struct ballot_claim *c)
{
    bool is_again = c->epoch == b->epoch && memcmp(c->host, b->host, KEY_LEN) == 0;
    bool is_handed = c->epoch == b->handover_epoch &&
                     memcmp(c->host, b->handover_host, KEY_LEN) == 0;

    if (c->epoch <= c->current) {
        return false;
    }
    if (is_again) { /* the same word, said again as it may have been lost */
        return true;
    }
    if (c->epoch <= b->epoch || (c->lease_left_ns > 0 && !is_handed)) {
        return false;
    }
    /* Whoever lacks entries that we have, or has others, may not go on without them. */
    if (memcmp(c->previous, c->head, HASH_LEN) != 0) {
        return false;
    }
    b->epoch = c->epoch;
    memcpy(b->host, c->host, KEY_LEN);
    return true;
}
