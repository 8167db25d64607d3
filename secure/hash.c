/* SPDX-License-Identifier: MIT */
#include "secure/hash.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

static_assert(HASH_OUT_MIN == crypto_generichash_blake2b_BYTES_MIN, "of the library");
static_assert(HASH_OUT_MAX == crypto_generichash_blake2b_BYTES_MAX, "of the library");
static_assert(HASH_DOMAIN_MAX == crypto_generichash_blake2b_PERSONALBYTES, "of BLAKE2b");
static_assert(SECURE_SEED_LEN == crypto_stream_chacha20_ietf_KEYBYTES, "of ChaCha20");

int secure_init(void)
{
    return sodium_init() < 0 ? ERR_INTERNAL : 0;
}

void secure_wipe(void *secret, size_t len)
{
    if (len > 0)
        sodium_memzero(secret, len);
}

void secure_expand(const uint8_t seed[static SECURE_SEED_LEN], const char *label,
                   uint8_t *out, size_t len)
{
    static const uint8_t nonce[crypto_stream_chacha20_ietf_NONCEBYTES] = { 0 };
    const struct bytes parts[] = { bytes_of(seed, SECURE_SEED_LEN),
                                   bytes_of(label, strlen(label)) };
    uint8_t key[crypto_stream_chacha20_ietf_KEYBYTES];

    hash_blake2b(key, sizeof key, "party.expand", parts, COUNT(parts));
    crypto_stream_chacha20_ietf(out, len, nonce, key);
    secure_wipe(key, sizeof key);
}

void hash_blake2b(uint8_t *out, size_t out_len, const char *domain,
                  const struct bytes parts[], int n)
{
    crypto_generichash_blake2b_state state;
    uint8_t personal[HASH_DOMAIN_MAX] = { 0 };
    size_t domain_len = strlen(domain);

    assert(out_len >= HASH_OUT_MIN);
    assert(out_len <= HASH_OUT_MAX);
    assert(domain_len >= 1);
    assert(domain_len <= HASH_DOMAIN_MAX);
    for (size_t i = 0; i < domain_len; i++)
        personal[i] = (uint8_t)domain[i];
    crypto_generichash_blake2b_init_salt_personal(&state, NULL, 0, out_len, NULL,
                                                  personal);
    for (int i = 0; i < n; i++) {
        if (parts[i].len > 0)
            crypto_generichash_blake2b_update(&state, parts[i].data, parts[i].len);
    }
    crypto_generichash_blake2b_final(&state, out, out_len);
    secure_wipe(&state, sizeof state);
}
