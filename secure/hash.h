/* Hashes, and the few small words that everything secret here is built from.
 *
 * One hash for the whole program: BLAKE2b (RFC 7693), always with a personalisation, so
 * that two kinds of things never share a hash.  No call reads the system's randomness:
 * all that is secret grows from 32 bytes that the driver gives.  Source:
 * libsodium 1.0.18. SPDX-License-Identifier: MIT */
#ifndef SECURE_HASH_H
#define SECURE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

#define HASH_OUT_MIN    16 /* bytes of a hash; take a prefix for less */
#define HASH_OUT_MAX    64
#define HASH_DOMAIN_MAX 16 /* characters of a domain */

#define SECURE_SEED_LEN 32

/* Make the library ready; once at the start of the program, harmless if repeated.
 * Errors: ERR_INTERNAL when the library cannot be used on this machine. */
MUST_USE int secure_init(void);

/* Overwrite a secret with zeros, which no compiler takes away. */
void secure_wipe(void *secret, size_t len);

/* Grow len bytes from a seed.  Different labels give independent bytes, the same label
 * gives the same ones. */
void secure_expand(const uint8_t seed[static SECURE_SEED_LEN], const char *label,
                   uint8_t *out, size_t len);

/* BLAKE2b of the n parts, one after the other, with the domain (1..HASH_DOMAIN_MAX
 * characters, zero-padded to 16 bytes) as personalisation.  out_len is HASH_OUT_MIN ..
 * HASH_OUT_MAX and is part of what is hashed.  The borders of the parts are not: put a
 * length in front where that matters. */
void hash_blake2b(uint8_t *out, size_t out_len, const char *domain,
                  const struct bytes parts[], int n);

#endif
