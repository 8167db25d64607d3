/* SPDX-License-Identifier: MIT */
#include "secure/link.h"

#include <assert.h>
#include <string.h>

#define VERSION "party/1"

/* Lengths of the messages on the wire; with a psk the empty payload of the first is
 * sealed too.  A side that expects the one and gets the other met a peer with another
 * key. */
#define HELLO_LEN     NOISE_KEY_LEN
#define HELLO_PSK_LEN (NOISE_KEY_LEN + NOISE_TAG_LEN)
#define SEALED_KEY    (NOISE_KEY_LEN + NOISE_TAG_LEN)
#define SEALED_LOAD   (LINK_PAYLOAD_LEN + NOISE_TAG_LEN)
#define ANSWER_LEN    (NOISE_KEY_LEN + SEALED_KEY + SEALED_LOAD)
#define FINISH_LEN    (SEALED_KEY + SEALED_LOAD)
static_assert(ANSWER_LEN == LINK_HANDSHAKE_MAX, "the longest");

static void make_tag(const uint8_t psk[static LINK_PSK_LEN],
                     uint8_t tag[static LINK_TAG_LEN])
{
    const struct bytes part = bytes_of(psk, LINK_PSK_LEN);
    uint8_t hash[HASH_OUT_MIN];

    hash_blake2b(hash, sizeof hash, "party.tag", &part, 1);
    memcpy(tag, hash, LINK_TAG_LEN);
}

void channel_key_derive(struct bytes text, struct channel_key *key)
{
    hash_blake2b(key->psk, sizeof key->psk, "party.channel", &text, 1);
    make_tag(key->psk, key->tag);
}

void link_session_init(struct link_session *s, bool is_initiator,
                       const struct identity *self, const uint8_t *psk,
                       const uint8_t ephemeral_seed[static SECURE_SEED_LEN])
{
    uint8_t ephemeral[NOISE_KEY_LEN];
    uint8_t prologue[sizeof VERSION - 1 + LINK_TAG_LEN] = VERSION;
    struct identity_link keys;
    int err;

    memset(s, 0, sizeof *s);
    identity_link(self, &keys);
    if (psk != NULL)
        make_tag(psk, prologue + sizeof VERSION - 1);
    secure_expand(ephemeral_seed, "link.ephemeral", ephemeral, sizeof ephemeral);
    err = noise_init(&s->noise, &(struct noise_config){
                                    .pattern = psk != NULL ? "XXpsk3" : "XX",
                                    .is_initiator = is_initiator,
                                    .prologue = bytes_of(prologue, sizeof prologue),
                                    .static_secret = keys.dh_secret,
                                    .static_public = keys.dh_public,
                                    .ephemeral_secret = ephemeral,
                                    .psks = psk,
                                    .psk_count = psk != NULL ? 1 : 0,
                                });
    secure_wipe(ephemeral, sizeof ephemeral);
    assert(err == 0); /* all that the pattern asks for is given */
    s->is_initiator = is_initiator;
    s->has_psk = psk != NULL;
    memcpy(s->payload, self->sign_public, IDENTITY_KEY_LEN);
    memcpy(s->payload + IDENTITY_KEY_LEN, keys.proof, IDENTITY_SIG_LEN);
    secure_wipe(&keys, sizeof keys);
    s->self_id = self->id;
    s->state = LINK_HANDSHAKE;
}

void link_session_wipe(struct link_session *s)
{
    if (s != NULL)
        secure_wipe(s, sizeof *s);
}

static int die(struct link_session *s, int err)
{
    link_session_wipe(s);
    return err;
}

/* Believe who the peer says it is only if its Ed25519 key vouches for the static key that
 * this very handshake was made with. */
static int meet_peer(struct link_session *s,
                     const uint8_t payload[static LINK_PAYLOAD_LEN])
{
    assert(s->noise.has_remote_static);
    if (!identity_check_proof(payload, s->noise.remote_static,
                              payload + IDENTITY_KEY_LEN))
        return ERR_MALFORMED;
    memcpy(s->remote_public, payload, IDENTITY_KEY_LEN);
    identity_id(s->remote_public, &s->remote_id);
    return node_id_equal(&s->remote_id, &s->self_id) ? ERR_DENIED : 0;
}

static int read_hello(struct link_session *s, struct bytes in)
{
    size_t wanted = s->has_psk ? HELLO_PSK_LEN : HELLO_LEN;
    size_t other = s->has_psk ? HELLO_LEN : HELLO_PSK_LEN;
    uint8_t nothing[1];
    size_t len;

    if (in.len != wanted)
        return in.len == other ? ERR_KEY : ERR_MALFORMED;
    return noise_read(&s->noise, in, nothing, 0, &len);
}

static int read_peer(struct link_session *s, struct bytes in, size_t wanted)
{
    uint8_t payload[LINK_PAYLOAD_LEN];
    size_t len;
    int err;

    if (in.len != wanted)
        return ERR_MALFORMED;
    err = noise_read(&s->noise, in, payload, sizeof payload, &len);
    return err != 0 ? err : meet_peer(s, payload);
}

static int write_next(struct link_session *s, struct bytes payload, uint8_t *out,
                      size_t *out_len)
{
    return noise_write(&s->noise, payload, out, LINK_HANDSHAKE_MAX, out_len);
}

static int finish(struct link_session *s)
{
    int err = noise_export(&s->noise, "datagram", s->keys.export_key);

    if (err == 0)
        err = noise_split(&s->noise, &s->keys.send, &s->keys.receive);
    if (err != 0)
        return err;
    noise_wipe(&s->noise);
    s->keys.is_open = true;
    s->keys.is_initiator = s->is_initiator;
    s->keys.has_export = true;
    s->state = LINK_OPEN;
    return 0;
}

static int next_of_initiator(struct link_session *s, struct bytes in, uint8_t *out,
                             size_t *out_len)
{
    int err;

    if (s->noise.message == 0) {
        if (in.len != 0)
            return ERR_MALFORMED;
        return write_next(s, bytes_of(NULL, 0), out, out_len);
    }
    err = read_peer(s, in, ANSWER_LEN);
    if (err == 0)
        err = write_next(s, bytes_of(s->payload, sizeof s->payload), out, out_len);
    return err != 0 ? err : finish(s);
}

static int next_of_responder(struct link_session *s, struct bytes in, uint8_t *out,
                             size_t *out_len)
{
    int err;

    if (s->noise.message == 0) {
        err = read_hello(s, in);
        if (err != 0)
            return err;
        return write_next(s, bytes_of(s->payload, sizeof s->payload), out, out_len);
    }
    err = read_peer(s, in, FINISH_LEN);
    /* Both agreed on the prologue already: without a psk only damage is left. */
    if (err == ERR_KEY && !s->has_psk)
        err = ERR_MALFORMED;
    return err != 0 ? err : finish(s);
}

int link_session_next(struct link_session *s, struct bytes in,
                      uint8_t out[static LINK_HANDSHAKE_MAX], size_t *out_len)
{
    size_t len = 0;
    int err;

    if (s->state != LINK_HANDSHAKE)
        return die(s, ERR_STATE);
    if (s->is_initiator)
        err = next_of_initiator(s, in, out, &len);
    else
        err = next_of_responder(s, in, out, &len);
    if (err != 0)
        return die(s, err);
    *out_len = len;
    return 0;
}

/* Both sides count the same frames, so both change the key at the same one. */
static void rekey_when_due(struct noise_cipher *c)
{
    if (c->nonce % LINK_REKEY_EVERY == 0)
        noise_rekey(c);
}

int link_seal(struct link_keys *k, struct bytes plain, uint8_t *out, size_t size,
              size_t *len)
{
    int err;

    if (!k->is_open)
        return ERR_STATE;
    if (plain.len > LINK_PLAIN_MAX || size < plain.len + LINK_OVERHEAD)
        return ERR_LIMIT;
    err = noise_encrypt(&k->send, bytes_of(NULL, 0), plain, out);
    if (err != 0)
        return err;
    rekey_when_due(&k->send);
    *len = plain.len + LINK_OVERHEAD;
    return 0;
}

static int die_open(struct link_keys *k)
{
    secure_wipe(k, sizeof *k);
    return ERR_MALFORMED;
}

int link_open(struct link_keys *k, struct bytes frame, uint8_t *out, size_t size,
              size_t *len)
{
    if (!k->is_open)
        return ERR_STATE;
    if (frame.len < LINK_OVERHEAD || frame.len > LINK_FRAME_MAX)
        return die_open(k);
    if (size < frame.len - LINK_OVERHEAD)
        return ERR_LIMIT;
    if (noise_decrypt(&k->receive, bytes_of(NULL, 0), frame, out) != 0)
        return die_open(k);
    rekey_when_due(&k->receive);
    *len = frame.len - LINK_OVERHEAD;
    return 0;
}

int link_datagram_key(struct link_keys *k, struct datagram_key *datagram)
{
    if (!k->is_open || !k->has_export)
        return ERR_STATE;
    datagram_key_init(datagram, k->is_initiator, k->export_key);
    secure_wipe(k->export_key, sizeof k->export_key);
    k->has_export = false;
    return 0;
}
