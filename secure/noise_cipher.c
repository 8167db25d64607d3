/* SPDX-License-Identifier: MIT */
#include "secure/noise_cipher.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "secure/hash.h"

#define BLOCK_LEN 128 /* of BLAKE2b, for HMAC */

static_assert(NOISE_HASH_LEN == crypto_generichash_blake2b_BYTES_MAX, "of BLAKE2b");
static_assert(NOISE_TAG_LEN == crypto_aead_chacha20poly1305_ietf_ABYTES, "of the AEAD");

void noise_cipher_init(struct noise_cipher *c, const uint8_t key[static NOISE_KEY_LEN])
{
    memcpy(c->key, key, NOISE_KEY_LEN);
    c->nonce = 0;
    c->has_key = true;
}

static void make_nonce(uint8_t nonce[static 12], uint64_t counter)
{
    memset(nonce, 0, 4);
    for (int i = 0; i < 8; i++)
        nonce[4 + i] = (uint8_t)(counter >> (8 * i));
}

int noise_encrypt(struct noise_cipher *c, struct bytes ad, struct bytes plain,
                  uint8_t *out)
{
    uint8_t nonce[12];

    assert(c->has_key);
    if (c->nonce == UINT64_MAX || plain.len > NOISE_MESSAGE_MAX - NOISE_TAG_LEN)
        return ERR_LIMIT;
    make_nonce(nonce, c->nonce);
    crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, plain.data, plain.len, ad.data,
                                              ad.len, NULL, nonce, c->key);
    c->nonce++;
    return 0;
}

int noise_decrypt(struct noise_cipher *c, struct bytes ad, struct bytes sealed,
                  uint8_t *out)
{
    uint8_t nonce[12];

    assert(c->has_key);
    if (sealed.len < NOISE_TAG_LEN || sealed.len > NOISE_MESSAGE_MAX)
        return ERR_MALFORMED;
    if (c->nonce == UINT64_MAX)
        return ERR_LIMIT;
    make_nonce(nonce, c->nonce);
    if (crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed.data,
                                                  sealed.len, ad.data, ad.len, nonce,
                                                  c->key) != 0)
        return ERR_KEY;
    c->nonce++;
    return 0;
}

void noise_rekey(struct noise_cipher *c)
{
    static const uint8_t zeros[NOISE_KEY_LEN] = { 0 };
    uint8_t nonce[12];
    uint8_t out[NOISE_KEY_LEN + NOISE_TAG_LEN];

    assert(c->has_key);
    make_nonce(nonce, UINT64_MAX);
    crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, zeros, sizeof zeros, NULL, 0,
                                              NULL, nonce, c->key);
    memcpy(c->key, out, sizeof c->key);
    secure_wipe(out, sizeof out);
}

void noise_hash_two(struct bytes a, struct bytes b, uint8_t out[static NOISE_HASH_LEN])
{
    crypto_generichash_blake2b_state state;

    crypto_generichash_blake2b_init(&state, NULL, 0, NOISE_HASH_LEN);
    if (a.len > 0)
        crypto_generichash_blake2b_update(&state, a.data, a.len);
    if (b.len > 0)
        crypto_generichash_blake2b_update(&state, b.data, b.len);
    crypto_generichash_blake2b_final(&state, out, NOISE_HASH_LEN);
    secure_wipe(&state, sizeof state);
}

/* HMAC (RFC 2104) over BLAKE2b-512, which is not the keyed mode of BLAKE2b. */
static void hmac(const uint8_t key[static NOISE_HASH_LEN], struct bytes data,
                 uint8_t out[static NOISE_HASH_LEN])
{
    uint8_t pad[BLOCK_LEN];
    uint8_t inner[NOISE_HASH_LEN];

    memset(pad, 0x36, sizeof pad);
    for (int i = 0; i < NOISE_HASH_LEN; i++)
        pad[i] ^= key[i];
    noise_hash_two(bytes_of(pad, sizeof pad), data, inner);
    for (int i = 0; i < BLOCK_LEN; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    noise_hash_two(bytes_of(pad, sizeof pad), bytes_of(inner, sizeof inner), out);
    secure_wipe(pad, sizeof pad);
    secure_wipe(inner, sizeof inner);
}

void noise_hkdf(const uint8_t chain_key[static NOISE_HASH_LEN], struct bytes input,
                uint8_t out[][NOISE_HASH_LEN], int n)
{
    uint8_t temp[NOISE_HASH_LEN];
    uint8_t block[NOISE_HASH_LEN + 1];

    hmac(chain_key, input, temp);
    for (int i = 0; i < n; i++) {
        size_t before = i == 0 ? 0 : NOISE_HASH_LEN;

        if (i > 0)
            memcpy(block, out[i - 1], before);
        block[before] = (uint8_t)(i + 1);
        hmac(temp, bytes_of(block, before + 1), out[i]);
    }
    secure_wipe(temp, sizeof temp);
    secure_wipe(block, sizeof block);
}
