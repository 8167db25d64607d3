/* All the cryptography that a node uses, as one table of functions, so that a simulation
 * of very many nodes can run the same node on tags that cost next to nothing (the suite
 * of sim/tags.h, which no shipped program has).  Whatever a suite does, its keys, hashes,
 * signatures, frames and datagrams have the lengths of the real ones.
 *
 * What a suite keeps for a link lies in memory of the caller: handshake_size bytes while
 * the handshake is under way, then session_size bytes, and datagram_size bytes once there
 * are datagrams; all aligned for any type, and wiped with secure_wipe in the end.
 * SPDX-License-Identifier: MIT */
#ifndef SECURE_SUITE_H
#define SECURE_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/id.h"
#include "secure/identity.h"
#include "secure/link.h"

/* What a handshake that has ended gives beside the session. */
struct suite_peer {
    struct node_id id;
    uint8_t key[IDENTITY_KEY_LEN]; /* the peer's, that its signatures are checked by */
    uint64_t send_id;    /* key ids of the datagrams that go with the link; both ends */
    uint64_t receive_id; /* … have the same two, crosswise, and nobody else has */
};

struct suite {
    const char *name;
    size_t handshake_size;
    size_t session_size;
    size_t datagram_size;

    /* As identity_from_seed, identity_id, sign, sign_verify and hash_blake2b. */
    void (*identity)(struct identity *self, const uint8_t seed[static SECURE_SEED_LEN]);
    void (*id)(const uint8_t key[static IDENTITY_KEY_LEN], struct node_id *id);
    void (*sign)(const struct identity *self, const char *domain, struct bytes msg,
                 uint8_t sig[static IDENTITY_SIG_LEN]);
    bool (*verify)(const uint8_t key[static IDENTITY_KEY_LEN], const char *domain,
                   struct bytes msg, const uint8_t sig[static IDENTITY_SIG_LEN]);
    void (*hash)(uint8_t *out, size_t out_len, const char *domain,
                 const struct bytes parts[], int n);

    /* As link_session_init and link_session_next; *is_open says that the handshake has
     * ended well, and handshake_end is to be called. */
    void (*handshake_begin)(void *handshake, bool is_initiator,
                            const struct identity *self, const uint8_t *psk,
                            const uint8_t seed[static SECURE_SEED_LEN]);
    int (*handshake_next)(void *handshake, struct bytes in,
                          uint8_t out[static LINK_HANDSHAKE_MAX], size_t *out_len,
                          bool *is_open);
    /* Fill the session and say who is there; the handshake is wiped. */
    void (*handshake_end)(void *handshake, void *session, struct suite_peer *peer);

    /* As link_seal and link_open. */
    int (*seal)(void *session, struct bytes plain, uint8_t *out, size_t size,
                size_t *len);
    int (*open)(void *session, struct bytes frame, uint8_t *out, size_t size,
                size_t *len);

    /* As link_datagram_key, datagram_seal and datagram_open.  The key id is in the first
     * 8 bytes of a datagram (datagram_id). */
    int (*datagram_key)(void *session, void *datagram);
    int (*datagram_seal)(void *datagram, struct bytes plain, uint8_t *out, size_t size,
                         size_t *len);
    int (*datagram_open)(void *datagram, struct bytes in, uint8_t *out, size_t size,
                         size_t *len);
};

/* What ships: Ed25519, Noise XX, ChaCha20-Poly1305, BLAKE2b. */
extern const struct suite suite_real;

#endif
