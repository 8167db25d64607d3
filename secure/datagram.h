/* Sealed datagrams between two nodes that have a link: each stands alone, may be lost,
 * repeated or overtaken, and is opened at most once.
 *
 *    0   8  key id, big-endian: by it the receiver finds the session
 *    8   8  counter, big-endian: 0, 1, 2 … in each direction, never repeated
 *   16   n  ciphertext of ChaCha20-Poly1305 (RFC 8439)
 *   16+n 16  its tag
 *
 * The nonce is 4 zero bytes and the counter, little-endian; the associated data are the
 * first 16 bytes.
 * Source: the replay window is that of RFC 6479.  SPDX-License-Identifier: MIT */
#ifndef SECURE_DATAGRAM_H
#define SECURE_DATAGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "secure/noise_cipher.h"

#define DATAGRAM_OVERHEAD 32    /* bytes more than the plaintext */
#define DATAGRAM_MAX      65507 /* bytes of one, sealed: what UDP over IPv4 carries */
#define DATAGRAM_WINDOW   1024  /* how far behind the newest one may come and be opened */

struct datagram_key {
    uint64_t send_id;            /* key id of what we send */
    uint64_t receive_id;         /* key id of what we receive: index sessions by it */
    struct noise_cipher send;    /* its nonce is the counter of the next one */
    struct noise_cipher receive; /* its nonce is set for each */
    uint64_t receive_next; /* one more than the highest counter opened; 0: none yet */
    uint64_t seen[DATAGRAM_WINDOW / 64]; /* bit counter % WINDOW: opened already */
};

/* Both directions from one secret of the handshake that both sides have. */
void datagram_key_init(struct datagram_key *k, bool is_initiator,
                       const uint8_t secret[static 32]);

/* The two key ids that datagram_key_init will give, before the keys are needed. */
void datagram_ids(bool is_initiator, const uint8_t secret[static 32], uint64_t *send_id,
                  uint64_t *receive_id);
void datagram_key_wipe(struct datagram_key *k);

/* The key id that a datagram carries.  False when its length is that of none. */
bool datagram_id(struct bytes in, uint64_t *id);

/* Seal plain: plain.len + DATAGRAM_OVERHEAD bytes into out.  plain may stand at out + 16
 * already, or must not overlap.  Errors: ERR_LIMIT when it does not fit into size or
 * DATAGRAM_MAX or the counter is used up, ERR_STATE when k is wiped. */
MUST_USE int datagram_seal(struct datagram_key *k, struct bytes plain, uint8_t *out,
                           size_t size, size_t *len);

/* Open one, in.len - DATAGRAM_OVERHEAD bytes into out.  A failure forgets and
 * remembers nothing, so forged ones do no harm.  Errors: ERR_MALFORMED for a wrong length
 * or key id, ERR_DENIED for a replay or one behind the window, ERR_KEY when it is not
 * authentic, ERR_LIMIT when the plaintext does not fit into size, ERR_STATE when k is
 * wiped. */
MUST_USE int datagram_open(struct datagram_key *k, struct bytes in, uint8_t *out,
                           size_t size, size_t *len);

#endif
