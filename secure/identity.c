/* SPDX-License-Identifier: MIT */
#include "secure/identity.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

static_assert(IDENTITY_KEY_LEN == crypto_sign_PUBLICKEYBYTES, "of Ed25519");
static_assert(IDENTITY_KEY_LEN == crypto_scalarmult_BYTES, "of X25519");
static_assert(IDENTITY_SIG_LEN == crypto_sign_BYTES, "of Ed25519");
static_assert(sizeof(((struct identity *)0)->sign_secret) == crypto_sign_SECRETKEYBYTES,
              "of the library");

#define PROOF_DOMAIN "party.link-key"

/* What Ed25519 really signs.  The domain stands in the clear as well as in the hash, so
 * no other program that signs with the same kind of key makes a signature of ours. */
struct statement {
    uint8_t domain[HASH_DOMAIN_MAX];
    uint8_t hash[HASH_OUT_MAX];
};
static_assert(sizeof(struct statement) == 80, "no padding");

static void make_statement(struct statement *s, const char *domain, struct bytes msg)
{
    assert(strlen(domain) <= HASH_DOMAIN_MAX);
    memset(s->domain, 0, sizeof s->domain);
    memcpy(s->domain, domain, strlen(domain));
    hash_blake2b(s->hash, sizeof s->hash, domain, &msg, 1);
}

void identity_from_seed(struct identity *self, const uint8_t seed[static SECURE_SEED_LEN])
{
    uint8_t derived[crypto_sign_SEEDBYTES];
    int err;

    self->suite = NULL;
    secure_expand(seed, "identity.sign", derived, sizeof derived);
    crypto_sign_seed_keypair(self->sign_public, self->sign_secret, derived);
    secure_wipe(derived, sizeof derived);
    secure_expand(seed, "identity.link", self->dh_secret, sizeof self->dh_secret);
    err = crypto_scalarmult_base(self->dh_public, self->dh_secret);
    assert(err == 0); /* a clamped scalar times the base point is never zero */
    identity_id(self->sign_public, &self->id);
    sign(self, PROOF_DOMAIN, bytes_of(self->dh_public, sizeof self->dh_public),
         self->proof);
}

void identity_wipe(struct identity *self)
{
    if (self != NULL)
        secure_wipe(self, sizeof *self);
}

void identity_id(const uint8_t sign_public[static IDENTITY_KEY_LEN], struct node_id *id)
{
    const struct bytes key = bytes_of(sign_public, IDENTITY_KEY_LEN);

    hash_blake2b(id->b, sizeof id->b, "party.node", &key, 1);
}

void sign(const struct identity *self, const char *domain, struct bytes msg,
          uint8_t sig[static IDENTITY_SIG_LEN])
{
    struct statement s;

    make_statement(&s, domain, msg);
    crypto_sign_detached(sig, NULL, (const uint8_t *)&s, sizeof s, self->sign_secret);
}

bool sign_verify(const uint8_t sign_public[static IDENTITY_KEY_LEN], const char *domain,
                 struct bytes msg, const uint8_t sig[static IDENTITY_SIG_LEN])
{
    struct statement s;

    make_statement(&s, domain, msg);
    return crypto_sign_verify_detached(sig, (const uint8_t *)&s, sizeof s, sign_public) ==
           0;
}

bool identity_check_proof(const uint8_t sign_public[static IDENTITY_KEY_LEN],
                          const uint8_t dh_public[static IDENTITY_KEY_LEN],
                          const uint8_t proof[static IDENTITY_SIG_LEN])
{
    return sign_verify(sign_public, PROOF_DOMAIN, bytes_of(dh_public, IDENTITY_KEY_LEN),
                       proof);
}
