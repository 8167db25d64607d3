/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <stdbool.h>

#include "base/rng.h"
#include "secure/identity.h"

static void assert_hex(const uint8_t *data, size_t len, const char *wanted)
{
    char text[2 * 64 + 1];

    assert_true(len <= 64);
    hex_encode(data, len, text);
    assert_string_equal(text, wanted);
}

static void make(struct identity *self, int what)
{
    uint8_t seed[SECURE_SEED_LEN] = { (uint8_t)what };

    identity_from_seed(self, seed);
}

/* Computed by another implementation: Python's hashlib. */
static void test_hash(void **state)
{
    const struct bytes whole = bytes_of("one two three", 13);
    const struct bytes parts[] = { bytes_of("one ", 4), bytes_of(NULL, 0),
                                   bytes_of("two three", 9) };
    uint8_t a[64];
    uint8_t b[64];

    (void)state;
    hash_blake2b(a, 32, "party.test", &whole, 1);
    assert_hex(a, 32, "f6de00851864dd9d4cbe8c244d8a5fe97e659dd22393effcffb267e36784b289");
    hash_blake2b(b, 32, "party.test", parts, COUNT(parts));
    assert_memory_equal(a, b, 32);
    hash_blake2b(a, 64, "sixteen letters.", NULL, 0);
    assert_hex(a, 64,
               "dc136d80f9bc99d77736632041f387e643a841482bfb2571a9433bf8301c970f"
               "a7019d157722311dd6dbd816efb56533472cbd2421cc1ee0b857665613992daf");
    hash_blake2b(a, 16, "party.test", &whole, 1);
    assert_memory_not_equal(a, b, 16); /* a shorter hash is no prefix */
}

/* Computed by another implementation: OpenSSL's ChaCha20 on hashlib's key. */
static void test_expand(void **state)
{
    static const uint8_t seed[SECURE_SEED_LEN] = { 1, 2, 3 };
    uint8_t a[80];
    uint8_t b[80];

    (void)state;
    secure_expand(seed, "label", a, sizeof a);
    assert_hex(a, 40,
               "3a880cf6d5f7e3ed28583c0af4a375cfb21b963103724bf62d82f7f58b5d9b52"
               "175940bc267fec41");
    secure_expand(seed, "label", b, 10);
    assert_memory_equal(a, b, 10);
    secure_expand(seed, "labe", b, sizeof b);
    assert_memory_not_equal(a, b, 10);
}

static void test_wipe(void **state)
{
    uint8_t a[4] = { 1, 2, 3, 4 };
    uint8_t zero[4] = { 0 };

    (void)state;
    secure_wipe(a, 3);
    assert_memory_equal(a, zero, 3);
    assert_int_equal(a[3], 4);
    assert_int_equal(secure_init(), 0);
    assert_int_equal(secure_init(), 0);
}

/* Computed by another implementation: OpenSSL. */
static void test_identity_is_fixed(void **state)
{
    struct identity self;
    struct identity_link link;
    struct node_id id;

    (void)state;
    make(&self, 7);
    identity_link(&self, &link);
    assert_hex(self.sign_public, 32,
               "a517c423e613ccf2c8eb7c519524be1d2c97684ca097de30b748ff9f67cb61f5");
    assert_hex(link.dh_public, 32,
               "2db58dbcb7ede7c2e63a4023fde0ba95d01b6c27d4b1737e2bbf69fbbcfe3468");
    assert_hex(self.id.b, 32,
               "e46abc47d397b042c39500e99566d3029f3157de34c6963674f552d9bccd0b6a");
    assert_hex(link.proof, 64,
               "192d3941bc9549e9736dc851a9a4ddfcdbb41ac379b68a6927bf47c87a9cff9f"
               "0843d2e12ba95eb2652eaaf2bd1eab39ed2a302ed1cf891d2db78295e9037400");
    identity_id(self.sign_public, &id);
    assert_true(node_id_equal(&id, &self.id));
}

static void test_identities_differ(void **state)
{
    struct identity a;
    struct identity b;
    struct identity_link links[3];

    (void)state;
    make(&a, 1);
    make(&b, 2);
    identity_link(&a, &links[0]);
    identity_link(&b, &links[1]);
    identity_link(&a, &links[2]);
    assert_memory_not_equal(a.sign_public, b.sign_public, 32);
    assert_memory_not_equal(links[0].dh_public, links[1].dh_public, 32);
    assert_false(node_id_equal(&a.id, &b.id));
    assert_memory_not_equal(links[0].dh_secret, a.seed, 32);
    assert_memory_equal(&links[0], &links[2], sizeof links[0]); /* the same each time */
}

static void test_identity_wipe(void **state)
{
    struct identity self;
    const uint8_t *p = (const uint8_t *)&self;

    (void)state;
    make(&self, 1);
    identity_wipe(&self);
    for (size_t i = 0; i < sizeof self; i++)
        assert_int_equal(p[i], 0);
    identity_wipe(&self);
    identity_wipe(NULL);
}

static void sign_and_check(uint64_t seed)
{
    struct rng rng;
    struct identity self;
    uint8_t msg[300];
    uint8_t sig[IDENTITY_SIG_LEN];
    size_t len;

    rng_seed(&rng, seed);
    make(&self, (int)seed);
    len = (size_t)rng_below(&rng, sizeof msg);
    for (size_t i = 0; i < len; i++)
        msg[i] = (uint8_t)rng_next(&rng);
    sign(&self, "party.test", bytes_of(msg, len), sig);
    assert_true(sign_verify(self.sign_public, "party.test", bytes_of(msg, len), sig));
    for (size_t i = 0; i < len; i += 13) {
        msg[i] ^= 1;
        assert_false(
            sign_verify(self.sign_public, "party.test", bytes_of(msg, len), sig));
        msg[i] ^= 1;
    }
    if (len > 0)
        assert_false(
            sign_verify(self.sign_public, "party.test", bytes_of(msg, len - 1), sig));
}

static void test_signatures_of_many_lengths(void **state)
{
    (void)state;
    for_each_seed(20, sign_and_check);
}

static void test_signature_binds_everything(void **state)
{
    static const char *const other_domains[] = { "party.tes", "party.test2", "Party.test",
                                                 "x" };
    const struct bytes msg = bytes_of("play", 4);
    struct identity self;
    struct identity other;
    uint8_t sig[IDENTITY_SIG_LEN];

    (void)state;
    make(&self, 1);
    make(&other, 2);
    sign(&self, "party.test", msg, sig);
    assert_true(sign_verify(self.sign_public, "party.test", msg, sig));
    assert_false(sign_verify(other.sign_public, "party.test", msg, sig));
    for (int i = 0; i < COUNT(other_domains); i++)
        assert_false(sign_verify(self.sign_public, other_domains[i], msg, sig));
    for (int i = 0; i < IDENTITY_SIG_LEN * 8; i++) {
        sig[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_false(sign_verify(self.sign_public, "party.test", msg, sig));
        sig[i / 8] ^= (uint8_t)(1u << i % 8);
    }
}

/* S + L verifies the same equation; RFC 8032 section 5.1.7 has it refused. */
static void test_signature_has_one_form(void **state)
{
    static const uint8_t order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                       0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                       0,    0,    0,    0,    0,    0,    0,    0,
                                       0,    0,    0,    0,    0,    0,    0,    0x10 };
    const struct bytes msg = bytes_of("play", 4);
    struct identity self;
    uint8_t sig[IDENTITY_SIG_LEN];
    unsigned carry = 0;

    (void)state;
    make(&self, 1);
    sign(&self, "party.test", msg, sig);
    for (int i = 0; i < 32; i++) {
        carry += (unsigned)sig[32 + i] + order[i];
        sig[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_int_equal(carry, 0);
    assert_false(sign_verify(self.sign_public, "party.test", msg, sig));
}

/* With a key of low order, R = 0 · B = the neutral element and S = 0 would pass for many
 * messages. */
static void test_low_order_keys_are_refused(void **state)
{
    static const uint8_t keys[][32] = { { 0 }, { 1 } };
    uint8_t sig[IDENTITY_SIG_LEN] = { 1 };

    (void)state;
    for (int k = 0; k < COUNT(keys); k++) {
        for (int i = 0; i < 32; i++) {
            uint8_t n = (uint8_t)i;

            assert_false(sign_verify(keys[k], "party.test", bytes_of(&n, 1), sig));
        }
    }
}

static void test_proof(void **state)
{
    struct identity self;
    struct identity other;
    struct identity_link mine;
    struct identity_link others;
    uint8_t sig[IDENTITY_SIG_LEN];

    (void)state;
    make(&self, 1);
    make(&other, 2);
    identity_link(&self, &mine);
    identity_link(&other, &others);
    assert_true(identity_check_proof(self.sign_public, mine.dh_public, mine.proof));
    assert_false(identity_check_proof(other.sign_public, mine.dh_public, mine.proof));
    assert_false(identity_check_proof(self.sign_public, others.dh_public, mine.proof));
    assert_false(identity_check_proof(self.sign_public, mine.dh_public, others.proof));
    /* Signed, but as something else. */
    sign(&self, "party.test", bytes_of(mine.dh_public, 32), sig);
    assert_false(identity_check_proof(self.sign_public, mine.dh_public, sig));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_expand),
        cmocka_unit_test(test_wipe),
        cmocka_unit_test(test_identity_is_fixed),
        cmocka_unit_test(test_identities_differ),
        cmocka_unit_test(test_identity_wipe),
        cmocka_unit_test(test_signatures_of_many_lengths),
        cmocka_unit_test(test_signature_binds_everything),
        cmocka_unit_test(test_signature_has_one_form),
        cmocka_unit_test(test_low_order_keys_are_refused),
        cmocka_unit_test(test_proof),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
