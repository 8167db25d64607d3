/* SPDX-License-Identifier: MIT */
#include "secure/noise.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "secure/hash.h"
#include "secure/noise_pattern.h"

#define SUITE "_25519_ChaChaPoly_BLAKE2b"

static_assert(NOISE_KEY_LEN == crypto_scalarmult_BYTES, "of X25519");

static void mix_hash(struct noise *n, struct bytes data)
{
    noise_hash_two(bytes_of(n->hash, NOISE_HASH_LEN), data, n->hash);
}

static void mix_key(struct noise *n, struct bytes input)
{
    uint8_t out[2][NOISE_HASH_LEN];

    noise_hkdf(n->chain_key, input, out, 2);
    memcpy(n->chain_key, out[0], NOISE_HASH_LEN);
    noise_cipher_init(&n->cipher, out[1]);
    secure_wipe(out, sizeof out);
}

static void mix_key_and_hash(struct noise *n, struct bytes input)
{
    uint8_t out[3][NOISE_HASH_LEN];

    noise_hkdf(n->chain_key, input, out, 3);
    memcpy(n->chain_key, out[0], NOISE_HASH_LEN);
    mix_hash(n, bytes_of(out[1], NOISE_HASH_LEN));
    noise_cipher_init(&n->cipher, out[2]);
    secure_wipe(out, sizeof out);
}

void noise_wipe(struct noise *n)
{
    secure_wipe(n, sizeof *n);
}

static int die(struct noise *n, int err)
{
    noise_wipe(n);
    return err;
}

/* "Noise_XX_25519_ChaChaPoly_BLAKE2b" is short enough to be its own hash with any of our
 * modifiers (section 5.2: padded with zeros up to HASHLEN). */
static void start_hash(struct noise *n, const char *pattern)
{
    static const char prefix[] = "Noise_";
    size_t used = sizeof prefix - 1;
    size_t len = strlen(pattern);

    assert(used + len + sizeof SUITE - 1 <= NOISE_HASH_LEN);
    memcpy(n->hash, prefix, used);
    memcpy(n->hash + used, pattern, len);
    memcpy(n->hash + used + len, SUITE, sizeof SUITE - 1);
    memcpy(n->chain_key, n->hash, NOISE_HASH_LEN);
}

static int count_bits(unsigned mask)
{
    int n = 0;

    for (; mask != 0; mask &= mask - 1)
        n++;
    return n;
}

static bool has_what_it_needs(const struct noise *n, const struct noise_config *c)
{
    const struct noise_pattern *p = noise_pattern_at(n->pattern);
    bool needs_remote = c->is_initiator ? p->knows_responder : p->knows_initiator;
    bool is_one_way = noise_pattern_messages(p) == 1;
    int psks = count_bits(n->psk_mask);

    if (psks > NOISE_PSKS_MAX || c->psk_count != psks || (psks > 0 && c->psks == NULL))
        return false;
    if (c->ephemeral_secret == NULL && !(is_one_way && !c->is_initiator))
        return false;
    if (noise_pattern_needs_static(p, c->is_initiator) && c->static_secret == NULL)
        return false;
    return !needs_remote || c->remote_static != NULL;
}

static void take_keys(struct noise *n, const struct noise_config *c)
{
    const struct noise_pattern *p = noise_pattern_at(n->pattern);

    if (noise_pattern_needs_static(p, c->is_initiator)) {
        memcpy(n->static_secret, c->static_secret, NOISE_KEY_LEN);
        n->has_static = true;
        if (c->static_public != NULL)
            memcpy(n->static_public, c->static_public, NOISE_KEY_LEN);
        else
            crypto_scalarmult_base(n->static_public, n->static_secret);
    }
    if (c->is_initiator ? p->knows_responder : p->knows_initiator) {
        memcpy(n->remote_static, c->remote_static, NOISE_KEY_LEN);
        n->has_remote_static = true;
    }
    if (c->ephemeral_secret != NULL)
        memcpy(n->ephemeral_secret, c->ephemeral_secret, NOISE_KEY_LEN);
    if (c->psk_count > 0)
        memcpy(n->psks, c->psks, (size_t)c->psk_count * NOISE_KEY_LEN);
}

int noise_init(struct noise *n, const struct noise_config *config)
{
    const struct noise_pattern *p;
    bool is_initiator = config->is_initiator;

    memset(n, 0, sizeof *n);
    if (!noise_pattern_parse(config->pattern, &n->pattern, &n->psk_mask) ||
        !has_what_it_needs(n, config))
        return die(n, ERR_USAGE);
    p = noise_pattern_at(n->pattern);
    n->is_initiator = is_initiator;
    n->state = is_initiator ? NOISE_WRITE : NOISE_READ;
    start_hash(n, config->pattern);
    mix_hash(n, config->prologue); /* an empty one too */
    take_keys(n, config);
    if (p->knows_initiator)
        mix_hash(n, bytes_of(is_initiator ? n->static_public : n->remote_static, 32));
    if (p->knows_responder)
        mix_hash(n, bytes_of(is_initiator ? n->remote_static : n->static_public, 32));
    return 0;
}

/* One DH token.  Which of our keys meets which of theirs depends on who we are. */
static int mix_dh(struct noise *n, enum noise_token token)
{
    bool initiator_static = token == NOISE_SE || token == NOISE_SS;
    bool responder_static = token == NOISE_ES || token == NOISE_SS;
    bool ours = n->is_initiator ? initiator_static : responder_static;
    bool theirs = n->is_initiator ? responder_static : initiator_static;
    uint8_t shared[NOISE_KEY_LEN];
    int err;

    assert(ours ? n->has_static : n->has_ephemeral);
    assert(theirs ? n->has_remote_static : n->has_remote_ephemeral);
    err = crypto_scalarmult(shared, ours ? n->static_secret : n->ephemeral_secret,
                            theirs ? n->remote_static : n->remote_ephemeral);
    if (err == 0)
        mix_key(n, bytes_of(shared, sizeof shared));
    secure_wipe(shared, sizeof shared);
    return err == 0 ? 0 : ERR_MALFORMED; /* all zero: a point of low order */
}

static void mix_psk(struct noise *n)
{
    assert(n->psk_next < NOISE_PSKS_MAX);
    mix_key_and_hash(n, bytes_of(n->psks[n->psk_next], NOISE_KEY_LEN));
    n->psk_next++;
}

static bool has_psk_at(const struct noise *n, int place)
{
    return (n->psk_mask >> place & 1) != 0;
}

/* An ephemeral public key, ours or theirs, as section 9.2 wants it with psks. */
static void mix_ephemeral(struct noise *n, const uint8_t public[static NOISE_KEY_LEN])
{
    mix_hash(n, bytes_of(public, NOISE_KEY_LEN));
    if (n->psk_mask != 0)
        mix_key(n, bytes_of(public, NOISE_KEY_LEN));
}

/* Where a message is being written. */
struct sink {
    uint8_t *out;
    size_t size;
    size_t used;
};

/* EncryptAndHash: data, sealed if there is a key already, to the end of the message. */
static int put_sealed(struct noise *n, struct sink *to, struct bytes data)
{
    size_t tag = n->cipher.has_key ? NOISE_TAG_LEN : 0;
    uint8_t *out = to->out + to->used;
    int err = 0;

    if (data.len > NOISE_MESSAGE_MAX || to->size - to->used < data.len + tag)
        return ERR_LIMIT;
    if (n->cipher.has_key)
        err = noise_encrypt(&n->cipher, bytes_of(n->hash, NOISE_HASH_LEN), data, out);
    else if (data.len > 0)
        memcpy(out, data.data, data.len);
    if (err != 0)
        return err;
    mix_hash(n, bytes_of(out, data.len + tag));
    to->used += data.len + tag;
    return 0;
}

static int put_ephemeral(struct noise *n, struct sink *to)
{
    if (to->size - to->used < NOISE_KEY_LEN)
        return ERR_LIMIT;
    crypto_scalarmult_base(n->ephemeral_public, n->ephemeral_secret);
    n->has_ephemeral = true;
    memcpy(to->out + to->used, n->ephemeral_public, NOISE_KEY_LEN);
    to->used += NOISE_KEY_LEN;
    mix_ephemeral(n, n->ephemeral_public);
    return 0;
}

static int write_token(struct noise *n, struct sink *to, enum noise_token token)
{
    switch (token) {
    case NOISE_E:
        return put_ephemeral(n, to);
    case NOISE_S:
        return put_sealed(n, to, bytes_of(n->static_public, NOISE_KEY_LEN));
    case NOISE_EE:
    case NOISE_ES:
    case NOISE_SE:
    case NOISE_SS:
        return mix_dh(n, token);
    case NOISE_END:
        break;
    }
    assert(false);
    return ERR_INTERNAL;
}

/* After a message the turn passes; after the last one only the keys of the result stay.
 */
static void end_message(struct noise *n)
{
    n->message++;
    if (n->message < noise_pattern_messages(noise_pattern_at(n->pattern))) {
        n->state = n->state == NOISE_WRITE ? NOISE_READ : NOISE_WRITE;
        return;
    }
    n->state = NOISE_DONE;
    secure_wipe(n->static_secret, sizeof n->static_secret);
    secure_wipe(n->ephemeral_secret, sizeof n->ephemeral_secret);
    secure_wipe(n->psks, sizeof n->psks);
    secure_wipe(&n->cipher, sizeof n->cipher);
}

static int write_message(struct noise *n, struct bytes payload, struct sink *to)
{
    const uint8_t *tokens = noise_pattern_at(n->pattern)->messages[n->message];
    int err = 0;

    if (n->message == 0 && has_psk_at(n, 0))
        mix_psk(n);
    for (int i = 0; i < NOISE_PATTERN_TOKENS_MAX && tokens[i] != NOISE_END && err == 0;
         i++)
        err = write_token(n, to, tokens[i]);
    if (err != 0)
        return err;
    if (has_psk_at(n, n->message + 1))
        mix_psk(n);
    return put_sealed(n, to, payload);
}

int noise_write(struct noise *n, struct bytes payload, uint8_t *out, size_t size,
                size_t *len)
{
    struct sink to = { out, size < NOISE_MESSAGE_MAX ? size : NOISE_MESSAGE_MAX, 0 };
    int err;

    if (n->state != NOISE_WRITE)
        return die(n, ERR_STATE);
    err = write_message(n, payload, &to);
    if (err != 0)
        return die(n, err);
    end_message(n);
    *len = to.used;
    return 0;
}

static struct bytes take(struct bytes *from, size_t len)
{
    struct bytes taken = bytes_of(from->data, len);

    assert(len <= from->len);
    from->data += len;
    from->len -= len;
    return taken;
}

/* DecryptAndHash: the next len bytes as they travel, of which the plaintext goes to out.
 */
static int get_sealed(struct noise *n, struct bytes *from, size_t len, uint8_t *out)
{
    struct bytes sealed;

    if (from->len < len)
        return ERR_MALFORMED;
    sealed = take(from, len);
    if (n->cipher.has_key) {
        int err = noise_decrypt(&n->cipher, bytes_of(n->hash, NOISE_HASH_LEN), sealed,
                                out);

        if (err != 0)
            return err;
    } else if (len > 0) {
        memcpy(out, sealed.data, len);
    }
    mix_hash(n, sealed);
    return 0;
}

static int get_ephemeral(struct noise *n, struct bytes *from)
{
    if (from->len < NOISE_KEY_LEN)
        return ERR_MALFORMED;
    memcpy(n->remote_ephemeral, take(from, NOISE_KEY_LEN).data, NOISE_KEY_LEN);
    n->has_remote_ephemeral = true;
    mix_ephemeral(n, n->remote_ephemeral);
    return 0;
}

static int get_static(struct noise *n, struct bytes *from)
{
    size_t len = NOISE_KEY_LEN + (n->cipher.has_key ? NOISE_TAG_LEN : 0);
    int err = get_sealed(n, from, len, n->remote_static);

    n->has_remote_static = err == 0;
    return err;
}

static int read_token(struct noise *n, struct bytes *from, enum noise_token token)
{
    switch (token) {
    case NOISE_E:
        return get_ephemeral(n, from);
    case NOISE_S:
        return get_static(n, from);
    case NOISE_EE:
    case NOISE_ES:
    case NOISE_SE:
    case NOISE_SS:
        return mix_dh(n, token);
    case NOISE_END:
        break;
    }
    assert(false);
    return ERR_INTERNAL;
}

static int read_message(struct noise *n, struct bytes from, struct sink *to)
{
    const uint8_t *tokens = noise_pattern_at(n->pattern)->messages[n->message];
    size_t tag;
    int err = 0;

    if (from.len > NOISE_MESSAGE_MAX)
        return ERR_MALFORMED;
    if (n->message == 0 && has_psk_at(n, 0))
        mix_psk(n);
    for (int i = 0; i < NOISE_PATTERN_TOKENS_MAX && tokens[i] != NOISE_END && err == 0;
         i++)
        err = read_token(n, &from, tokens[i]);
    if (err != 0)
        return err;
    if (has_psk_at(n, n->message + 1))
        mix_psk(n);
    tag = n->cipher.has_key ? NOISE_TAG_LEN : 0;
    if (from.len < tag)
        return ERR_MALFORMED;
    to->used = from.len - tag;
    if (to->used > to->size)
        return ERR_LIMIT;
    return get_sealed(n, &from, from.len, to->out);
}

int noise_read(struct noise *n, struct bytes message, uint8_t *payload, size_t size,
               size_t *len)
{
    struct sink to = { payload, size, 0 };
    int err;

    if (n->state != NOISE_READ)
        return die(n, ERR_STATE);
    err = read_message(n, message, &to);
    if (err != 0)
        return die(n, err);
    end_message(n);
    *len = to.used;
    return 0;
}

const uint8_t *noise_hash(const struct noise *n)
{
    return n->hash;
}

int noise_export(const struct noise *n, const char *label,
                 uint8_t out[static NOISE_KEY_LEN])
{
    const struct bytes parts[] = { bytes_of(n->chain_key, NOISE_HASH_LEN),
                                   bytes_of(n->hash, NOISE_HASH_LEN),
                                   bytes_of(label, strlen(label)) };

    if (n->state != NOISE_DONE)
        return ERR_STATE;
    hash_blake2b(out, NOISE_KEY_LEN, "party.export", parts, COUNT(parts));
    return 0;
}

int noise_split(struct noise *n, struct noise_cipher *send, struct noise_cipher *receive)
{
    uint8_t out[2][NOISE_HASH_LEN];

    if (n->state != NOISE_DONE)
        return ERR_STATE;
    noise_hkdf(n->chain_key, bytes_of(NULL, 0), out, 2);
    noise_cipher_init(n->is_initiator ? send : receive, out[0]);
    noise_cipher_init(n->is_initiator ? receive : send, out[1]);
    secure_wipe(out, sizeof out);
    secure_wipe(n->chain_key, sizeof n->chain_key);
    n->state = NOISE_SPLIT;
    return 0;
}
