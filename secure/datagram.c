/* SPDX-License-Identifier: MIT */
#include "secure/datagram.h"

#include <assert.h>
#include <string.h>

#include "secure/hash.h"

#define HEADER_LEN 16
static_assert(HEADER_LEN + NOISE_TAG_LEN == DATAGRAM_OVERHEAD, "as the layout says");
static_assert(DATAGRAM_WINDOW % 64 == 0, "whole words");

/* One direction: its key and, in clear on the wire, its id. */
static void grow(const uint8_t secret[static 32], const char *label,
                 struct noise_cipher *c, uint64_t *id)
{
    uint8_t grown[NOISE_KEY_LEN + 8];

    secure_expand(secret, label, grown, sizeof grown);
    noise_cipher_init(c, grown);
    *id = load_be64(grown + NOISE_KEY_LEN);
    secure_wipe(grown, sizeof grown);
}

void datagram_key_init(struct datagram_key *k, bool is_initiator,
                       const uint8_t secret[static 32])
{
    const char *to_responder = "datagram to responder";
    const char *to_initiator = "datagram to initiator";

    memset(k, 0, sizeof *k);
    grow(secret, is_initiator ? to_responder : to_initiator, &k->send, &k->send_id);
    grow(secret, is_initiator ? to_initiator : to_responder, &k->receive, &k->receive_id);
}

void datagram_ids(bool is_initiator, const uint8_t secret[static 32], uint64_t *send_id,
                  uint64_t *receive_id)
{
    struct datagram_key k;

    datagram_key_init(&k, is_initiator, secret);
    *send_id = k.send_id;
    *receive_id = k.receive_id;
    datagram_key_wipe(&k);
}

void datagram_key_wipe(struct datagram_key *k)
{
    if (k != NULL)
        secure_wipe(k, sizeof *k);
}

bool datagram_id(struct bytes in, uint64_t *id)
{
    if (in.len < DATAGRAM_OVERHEAD || in.len > DATAGRAM_MAX)
        return false;
    *id = load_be64(in.data);
    return true;
}

int datagram_seal(struct datagram_key *k, struct bytes plain, uint8_t *out, size_t size,
                  size_t *len)
{
    uint8_t header[HEADER_LEN];
    int err;

    if (!k->send.has_key)
        return ERR_STATE;
    if (plain.len > DATAGRAM_MAX - DATAGRAM_OVERHEAD ||
        size < plain.len + DATAGRAM_OVERHEAD)
        return ERR_LIMIT;
    store_be64(header, k->send_id);
    store_be64(header + 8, k->send.nonce);
    err = noise_encrypt(&k->send, bytes_of(header, sizeof header), plain,
                        out + HEADER_LEN);
    if (err != 0)
        return err;
    memcpy(out, header, sizeof header);
    *len = plain.len + DATAGRAM_OVERHEAD;
    return 0;
}

static uint64_t bit_of(uint64_t counter)
{
    return UINT64_C(1) << (counter % 64);
}

static uint64_t *word_of(struct datagram_key *k, uint64_t counter)
{
    return &k->seen[counter % DATAGRAM_WINDOW / 64];
}

static bool is_replay(struct datagram_key *k, uint64_t counter)
{
    if (counter >= k->receive_next)
        return false;
    if (k->receive_next - counter > DATAGRAM_WINDOW)
        return true;
    return (*word_of(k, counter) & bit_of(counter)) != 0;
}

/* Mark an authentic counter; the bits between the old newest and it are unseen ones. */
static void remember(struct datagram_key *k, uint64_t counter)
{
    if (counter >= k->receive_next) {
        if (counter - k->receive_next >= DATAGRAM_WINDOW) {
            memset(k->seen, 0, sizeof k->seen);
        } else {
            for (uint64_t c = k->receive_next; c < counter; c++)
                *word_of(k, c) &= ~bit_of(c);
        }
        k->receive_next = counter + 1;
    }
    *word_of(k, counter) |= bit_of(counter);
}

int datagram_open(struct datagram_key *k, struct bytes in, uint8_t *out, size_t size,
                  size_t *len)
{
    uint64_t counter;
    uint64_t id;
    int err;

    if (!k->receive.has_key)
        return ERR_STATE;
    if (!datagram_id(in, &id) || id != k->receive_id)
        return ERR_MALFORMED;
    if (size < in.len - DATAGRAM_OVERHEAD)
        return ERR_LIMIT;
    counter = load_be64(in.data + 8);
    if (counter == UINT64_MAX)
        return ERR_MALFORMED; /* is never sent, and one more than it would wrap */
    if (is_replay(k, counter))
        return ERR_DENIED;
    k->receive.nonce = counter;
    err = noise_decrypt(&k->receive, bytes_of(in.data, HEADER_LEN),
                        bytes_of(in.data + HEADER_LEN, in.len - HEADER_LEN), out);
    if (err != 0)
        return err;
    remember(k, counter);
    *len = in.len - DATAGRAM_OVERHEAD;
    return 0;
}
