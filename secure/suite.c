/* SPDX-License-Identifier: MIT */
#include "secure/suite.h"

#include <assert.h>

static void real_identity(struct identity *self,
                          const uint8_t seed[static SECURE_SEED_LEN])
{
    identity_from_seed(self, seed);
    self->suite = &suite_real;
}

static void real_begin(void *handshake, bool is_initiator, const struct identity *self,
                       const uint8_t *psk, const uint8_t seed[static SECURE_SEED_LEN])
{
    link_session_init(handshake, is_initiator, self, psk, seed);
}

static int real_next(void *handshake, struct bytes in,
                     uint8_t out[static LINK_HANDSHAKE_MAX], size_t *out_len,
                     bool *is_open)
{
    struct link_session *s = handshake;
    int err = link_session_next(s, in, out, out_len);

    *is_open = err == 0 && s->state == LINK_OPEN;
    return err;
}

static void real_end(void *handshake, void *session, struct suite_peer *peer)
{
    struct link_session *s = handshake;
    struct link_keys *keys = session;

    assert(s->state == LINK_OPEN);
    *keys = s->keys;
    peer->id = s->remote_id;
    memcpy(peer->key, s->remote_public, IDENTITY_KEY_LEN);
    datagram_ids(keys->is_initiator, keys->export_key, &peer->send_id, &peer->receive_id);
    link_session_wipe(s);
}

static int real_seal(void *session, struct bytes plain, uint8_t *out, size_t size,
                     size_t *len)
{
    return link_seal(session, plain, out, size, len);
}

static int real_open(void *session, struct bytes frame, uint8_t *out, size_t size,
                     size_t *len)
{
    return link_open(session, frame, out, size, len);
}

static int real_datagram_key(void *session, void *datagram)
{
    return link_datagram_key(session, datagram);
}

static int real_datagram_seal(void *datagram, struct bytes plain, uint8_t *out,
                              size_t size, size_t *len)
{
    return datagram_seal(datagram, plain, out, size, len);
}

static int real_datagram_open(void *datagram, struct bytes in, uint8_t *out, size_t size,
                              size_t *len)
{
    return datagram_open(datagram, in, out, size, len);
}

const struct suite suite_real = {
    .name = "real",
    .handshake_size = sizeof(struct link_session),
    .session_size = sizeof(struct link_keys),
    .datagram_size = sizeof(struct datagram_key),
    .identity = real_identity,
    .id = identity_id,
    .sign = sign,
    .verify = sign_verify,
    .hash = hash_blake2b,
    .handshake_begin = real_begin,
    .handshake_next = real_next,
    .handshake_end = real_end,
    .seal = real_seal,
    .open = real_open,
    .datagram_key = real_datagram_key,
    .datagram_seal = real_datagram_seal,
    .datagram_open = real_datagram_open,
};
