/* The sealed TCP link between two nodes: three handshake messages, after which each side
 * knows the other's Ed25519 key, then frames that nobody else can read, change or repeat.
 *
 * Noise XX, or XXpsk3 on a channel that has a key.  The prologue is "party/1" and the tag
 * of the channel (zero without a key).  The tag never travels.  Message 1 has no payload;
 * those of messages 2 and 3 are the sender's Ed25519 key and its proof
 * (secure/identity.h).  What is between the frames on the wire is the caller's affair.
 * Source: Noise revision 34, sections 7.5, 9, 11.3.  SPDX-License-Identifier: MIT */
#ifndef SECURE_LINK_H
#define SECURE_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/id.h"
#include "secure/datagram.h"
#include "secure/identity.h"
#include "secure/noise.h"

#define LINK_FRAME_MAX     65535 /* bytes of a sealed frame */
#define LINK_OVERHEAD      16    /* bytes more than the plaintext */
#define LINK_PLAIN_MAX     (LINK_FRAME_MAX - LINK_OVERHEAD)
#define LINK_HANDSHAKE_MAX 192        /* bytes of the longest handshake message */
#define LINK_REKEY_EVERY   (1u << 20) /* frames in one direction under one key */
#define LINK_PSK_LEN       32
#define LINK_TAG_LEN       8
#define LINK_PAYLOAD_LEN   (IDENTITY_KEY_LEN + IDENTITY_SIG_LEN)

/* What a channel's key text becomes.  Anyone who holds the tag, or records a handshake,
 * can try texts against it at full speed: a key text needs 128 bits of chance, not a
 * word. */
struct channel_key {
    uint8_t psk[LINK_PSK_LEN]; /* secret */
    uint8_t tag[LINK_TAG_LEN]; /* names the channel among those who have its key */
};

/* text is taken as it is, to the byte, and may have any length. */
void channel_key_derive(struct bytes text, struct channel_key *key);

/* All that an open link needs.  Zeroed: not open. */
struct link_keys {
    struct noise_cipher send;
    struct noise_cipher receive;
    uint8_t export_key[NOISE_KEY_LEN]; /* of the datagram keys, until they are taken */
    bool is_open;
    bool is_initiator;
    bool has_export;
};

enum link_state { LINK_DEAD = 0, LINK_HANDSHAKE, LINK_OPEN };

struct link_session {
    enum link_state state;
    bool is_initiator;
    bool has_psk;
    struct noise noise;
    struct link_keys keys;             /* valid once open */
    uint8_t payload[LINK_PAYLOAD_LEN]; /* our key and its proof */
    struct node_id self_id;
    struct node_id remote_id;                /* valid once open */
    uint8_t remote_public[IDENTITY_KEY_LEN]; /* Ed25519; valid once open */
};

/* Begin a link.  psk is channel_key.psk, or NULL without a channel key.  ephemeral_seed
 * is 32 secret bytes that are never used for another link. */
void link_session_init(struct link_session *s, bool is_initiator,
                       const struct identity *self, const uint8_t *psk,
                       const uint8_t ephemeral_seed[static SECURE_SEED_LEN]);

/* Drive the handshake: give it each frame that came, send what is in out[0..*out_len) if
 * *out_len > 0, until s->state is LINK_OPEN.  The initiator begins with an empty in;
 * nobody else ever passes one.  Frames that come once it is open belong to link_open.
 * Errors, all deadly (close the link): ERR_KEY when the peer has another channel key, one
 * where we have none or none where we have one, or another version; ERR_DENIED when the
 * peer has our own id; ERR_MALFORMED for anything else that is no handshake of ours;
 * ERR_STATE when none is under way.  Garbage of exactly the right length looks like a
 * wrong key, and is ERR_KEY. */
MUST_USE int link_session_next(struct link_session *s, struct bytes in,
                               uint8_t out[static LINK_HANDSHAKE_MAX], size_t *out_len);

/* Seal one frame: plain.len + LINK_OVERHEAD bytes into out, which may be plain.data
 * itself. Errors: ERR_STATE when not open, ERR_LIMIT (nothing changes) when it does not
 * fit into size or LINK_FRAME_MAX. */
MUST_USE int link_seal(struct link_keys *k, struct bytes plain, uint8_t *out, size_t size,
                       size_t *len);

/* Open the next frame: frame.len - LINK_OVERHEAD bytes into out, which may be frame.data
 * itself.  Errors: ERR_STATE when not open; ERR_LIMIT (nothing changes) when the
 * plaintext does not fit into size; ERR_MALFORMED, deadly, for a frame that is forged,
 * damaged, repeated or out of order. */
MUST_USE int link_open(struct link_keys *k, struct bytes frame, uint8_t *out, size_t size,
                       size_t *len);

/* The datagram keys that go with an open link.  They can be taken once: a second pair
 * would repeat its counters under the same keys.  Errors: ERR_STATE when not open or
 * taken. */
MUST_USE int link_datagram_key(struct link_keys *k, struct datagram_key *datagram);

/* Forget everything; the session is dead then.  NULL and a zeroed struct are fine. */
void link_session_wipe(struct link_session *s);

#endif
