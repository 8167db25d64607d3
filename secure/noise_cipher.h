/* The keyed parts of Noise: sealing with a counted nonce, and the hash and key derivation
 * that a handshake runs on.  secure/noise.h makes the keys, secure/link.h and
 * secure/datagram.h use them.
 * Source: Noise revision 34, sections 4.2, 4.3, 5.1; RFC 8439; RFC 2104.
 * SPDX-License-Identifier: MIT */
#ifndef SECURE_NOISE_CIPHER_H
#define SECURE_NOISE_CIPHER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

#define NOISE_KEY_LEN     32
#define NOISE_HASH_LEN    64
#define NOISE_TAG_LEN     16
#define NOISE_MESSAGE_MAX 65535 /* bytes of one message, handshake or transport */

/* One direction (the spec's CipherState).  The nonce counts messages. */
struct noise_cipher {
    bool has_key;
    uint8_t key[NOISE_KEY_LEN];
    uint64_t nonce; /* of the next message; 2^64-1 is never used */
};

/* Start to use a key, with the counter at 0. */
void noise_cipher_init(struct noise_cipher *c, const uint8_t key[static NOISE_KEY_LEN]);

/* Seal plain with the associated data ad: plain.len + NOISE_TAG_LEN bytes into out, which
 * may be plain.data itself.  Errors: ERR_LIMIT when the counter is used up or plain is
 * longer than fits into NOISE_MESSAGE_MAX. */
MUST_USE int noise_encrypt(struct noise_cipher *c, struct bytes ad, struct bytes plain,
                           uint8_t *out);

/* Open sealed: sealed.len - NOISE_TAG_LEN bytes into out, which may be sealed.data
 * itself.  Errors: ERR_MALFORMED for an impossible length, ERR_KEY when it is not
 * authentic (out is zeroed, the counter stays), ERR_LIMIT when the counter is used up. */
MUST_USE int noise_decrypt(struct noise_cipher *c, struct bytes ad, struct bytes sealed,
                           uint8_t *out);

/* Replace the key by one that the old key gives and that does not lead back
 * (section 4.2). */
void noise_rekey(struct noise_cipher *c);

/* HASH(a || b): plain BLAKE2b-512.  out may be part of the input. */
void noise_hash_two(struct bytes a, struct bytes b, uint8_t out[static NOISE_HASH_LEN]);

/* n (2 or 3) outputs from a chaining key and some input, which may be empty. */
void noise_hkdf(const uint8_t chain_key[static NOISE_HASH_LEN], struct bytes input,
                uint8_t out[][NOISE_HASH_LEN], int n);

#endif
