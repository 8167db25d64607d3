/* SPDX-License-Identifier: MIT */
#include "secure/identity.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

static_assert(IDENTITY_KEY_LEN == crypto_sign_PUBLICKEYBYTES, "of Ed25519");
static_assert(IDENTITY_KEY_LEN == crypto_scalarmult_BYTES, "of X25519");
static_assert(IDENTITY_SIG_LEN == crypto_sign_BYTES, "of Ed25519");
static_assert(crypto_sign_SECRETKEYBYTES == crypto_sign_SEEDBYTES + IDENTITY_KEY_LEN,
              "the library's secret key is the seed and the public key");

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

/* The seed that only signing has. */
static void sign_seed(const uint8_t seed[static SECURE_SEED_LEN],
                      uint8_t out[static crypto_sign_SEEDBYTES])
{
    secure_expand(seed, "identity.sign", out, crypto_sign_SEEDBYTES);
}

void identity_from_seed(struct identity *self, const uint8_t seed[static SECURE_SEED_LEN])
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    uint8_t derived[crypto_sign_SEEDBYTES];

    self->suite = NULL;
    memcpy(self->seed, seed, sizeof self->seed);
    sign_seed(seed, derived);
    crypto_sign_seed_keypair(self->sign_public, secret, derived);
    secure_wipe(derived, sizeof derived);
    secure_wipe(secret, sizeof secret);
    identity_id(self->sign_public, &self->id);
}

void identity_link(const struct identity *self, struct identity_link *keys)
{
    int err;

    secure_expand(self->seed, "identity.link", keys->dh_secret, sizeof keys->dh_secret);
    err = crypto_scalarmult_base(keys->dh_public, keys->dh_secret);
    assert(err == 0); /* a clamped scalar times the base point is never zero */
    sign(self, PROOF_DOMAIN, bytes_of(keys->dh_public, sizeof keys->dh_public),
         keys->proof);
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
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    struct statement s;

    make_statement(&s, domain, msg);
    sign_seed(self->seed, secret);
    memcpy(secret + crypto_sign_SEEDBYTES, self->sign_public, IDENTITY_KEY_LEN);
    crypto_sign_detached(sig, NULL, (const uint8_t *)&s, sizeof s, secret);
    secure_wipe(secret, sizeof secret);
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
