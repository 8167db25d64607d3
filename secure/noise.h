/* The handshakes of the Noise Protocol Framework, suite 25519_ChaChaPoly_BLAKE2b, driven
 * by tables: every one-way, fundamental and deferred pattern, with psk0..psk4.
 *
 * All state is in the caller's struct and no randomness is read: the ephemeral key is
 * given. After any failure the struct is dead: wiped, and every later call fails. Source:
 * noiseprotocol.org/noise.html, revision 34.  SPDX-License-Identifier: MIT */
#ifndef SECURE_NOISE_H
#define SECURE_NOISE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "secure/noise_cipher.h"

#define NOISE_PSKS_MAX 4

enum noise_state {
    NOISE_DEAD = 0,
    NOISE_WRITE, /* noise_write is next */
    NOISE_READ,  /* noise_read is next */
    NOISE_DONE,  /* noise_export and noise_split may be called */
    NOISE_SPLIT  /* only noise_hash is left */
};

struct noise {
    enum noise_state state;
    bool is_initiator;
    uint8_t pattern;  /* row of secure/noise_pattern.h */
    uint8_t psk_mask; /* bit i: modifier psk<i> */
    uint8_t message;  /* index of the next one */
    uint8_t psk_next;
    bool has_static, has_remote_static, has_ephemeral, has_remote_ephemeral;
    uint8_t hash[NOISE_HASH_LEN];      /* h, public */
    uint8_t chain_key[NOISE_HASH_LEN]; /* ck */
    struct noise_cipher cipher;
    uint8_t static_secret[NOISE_KEY_LEN];
    uint8_t static_public[NOISE_KEY_LEN];
    uint8_t ephemeral_secret[NOISE_KEY_LEN];
    uint8_t ephemeral_public[NOISE_KEY_LEN];
    uint8_t
        remote_static[NOISE_KEY_LEN]; /* valid with has_remote_static; kept to the end */
    uint8_t remote_ephemeral[NOISE_KEY_LEN];
    uint8_t psks[NOISE_PSKS_MAX][NOISE_KEY_LEN];
};

/* What a handshake starts from; borrowed for noise_init only.  A key that the pattern
 * does not ask for may be NULL, and is ignored when it is not. */
struct noise_config {
    const char *pattern; /* "XX", "IKpsk2", "XXpsk0+psk3" */
    bool is_initiator;
    struct bytes prologue;           /* what both sides must agree on; may be empty */
    const uint8_t *static_secret;    /* 32 bytes */
    const uint8_t *static_public;    /* its public half; NULL: computed */
    const uint8_t *remote_static;    /* the peer's, where it is known before */
    const uint8_t *ephemeral_secret; /* 32 bytes, used for this one handshake only */
    const uint8_t *psks; /* psk_count * 32 bytes, in the order of the modifiers */
    int psk_count;
};

/* Errors: ERR_USAGE for an unknown pattern, a missing key or the wrong number of psks. */
MUST_USE int noise_init(struct noise *n, const struct noise_config *config);

/* Write the next handshake message with this payload (may be empty) into out, at most
 * size bytes, not overlapping the payload. Errors, all deadly: ERR_STATE out of turn,
 * ERR_LIMIT when it does not fit into size or NOISE_MESSAGE_MAX, ERR_MALFORMED when the
 * peer's key is of low order. */
MUST_USE int noise_write(struct noise *n, struct bytes payload, uint8_t *out, size_t size,
                         size_t *len);

/* Read the peer's next handshake message; its payload goes into payload, at most size
 * bytes. Errors, all deadly: ERR_STATE out of turn, ERR_LIMIT when the payload does not
 * fit, ERR_MALFORMED for a wrong length or a low-order key, ERR_KEY when it does not
 * decrypt. */
MUST_USE int noise_read(struct noise *n, struct bytes message, uint8_t *payload,
                        size_t size, size_t *len);

/* The handshake hash h: the same on both sides, different for each handshake, not secret.
 * All zero once dead. */
const uint8_t *noise_hash(const struct noise *n);

/* A further 32-byte secret of this handshake, one for each label; between the last
 * message and noise_split.  Errors: ERR_STATE at any other time. */
MUST_USE int noise_export(const struct noise *n, const char *label,
                          uint8_t out[static NOISE_KEY_LEN]);

/* End the handshake: the keys to send and to receive with, and all secrets of n are
 * wiped. A one-way pattern uses only the initiator's direction. Errors: ERR_STATE unless
 * the handshake is done. */
MUST_USE int noise_split(struct noise *n, struct noise_cipher *send,
                         struct noise_cipher *receive);

/* Forget everything; the struct is dead then. */
void noise_wipe(struct noise *n);

#endif
