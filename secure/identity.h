/* Who a node is: one Ed25519 key that signs, one X25519 key that opens links, both grown
 * from one seed, and the id that others know it by.  Signatures name what kind of object
 * they are for, so that none can be shown as another.
 * Source: RFC 8032, RFC 7748.  SPDX-License-Identifier: MIT */
#ifndef SECURE_IDENTITY_H
#define SECURE_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/id.h"
#include "secure/hash.h"

#define IDENTITY_KEY_LEN 32 /* a public key, Ed25519 or X25519 */
#define IDENTITY_SIG_LEN 64

struct suite;

struct identity {
    const struct suite *suite; /* that it was made by, see secure/suite.h; NULL: none */
    uint8_t seed[SECURE_SEED_LEN];         /* all secrets grow from it, each time */
    uint8_t sign_public[IDENTITY_KEY_LEN]; /* Ed25519: what others store */
    struct node_id id;                     /* BLAKE2b-256 of sign_public */
};

/* What opens links; to be wiped when a handshake has it. */
struct identity_link {
    uint8_t dh_secret[32];               /* X25519: static key of the links */
    uint8_t dh_public[IDENTITY_KEY_LEN]; /* X25519 */
    uint8_t proof[IDENTITY_SIG_LEN];     /* sign_public says that dh_public is its own */
};

/* Grow the whole identity from 32 secret bytes; the same seed gives the same identity. */
void identity_from_seed(struct identity *self,
                        const uint8_t seed[static SECURE_SEED_LEN]);

/* The keys of its links, the same each time.  They are grown anew for each handshake
 * (one X25519 multiplication, one signature), so that no node holds them. */
void identity_link(const struct identity *self, struct identity_link *keys);

/* Forget it.  NULL and a zeroed struct are fine. */
void identity_wipe(struct identity *self);

/* The id of the node with this Ed25519 key: BLAKE2b-256, domain "party.node". */
void identity_id(const uint8_t sign_public[static IDENTITY_KEY_LEN], struct node_id *id);

/* Sign msg as an object of one kind.  domain is 1..HASH_DOMAIN_MAX characters and differs
 * for each kind of object.  The Ed25519 message is 80 bytes: the domain, zero-padded to
 * 16, and BLAKE2b-512 of msg with that domain; so msg may have any length. */
void sign(const struct identity *self, const char *domain, struct bytes msg,
          uint8_t sig[static IDENTITY_SIG_LEN]);

/* True when the holder of sign_public signed msg as this kind of object.  False for
 * anything else: low-order or non-canonical keys and signatures too. */
bool sign_verify(const uint8_t sign_public[static IDENTITY_KEY_LEN], const char *domain,
                 struct bytes msg, const uint8_t sig[static IDENTITY_SIG_LEN]);

/* True when proof is what the holder of sign_public has in struct identity_link for
 * dh_public.
 */
bool identity_check_proof(const uint8_t sign_public[static IDENTITY_KEY_LEN],
                          const uint8_t dh_public[static IDENTITY_KEY_LEN],
                          const uint8_t proof[static IDENTITY_SIG_LEN]);

#endif
