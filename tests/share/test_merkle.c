/* The names of songs: vectors made by another program, and what a flipped bit does.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "base/rng.h"
#include "share/merkle.h"

#define LEAVES_MAX 64

static uint8_t data[LEAVES_MAX * BLOCK_SIZE];
static uint8_t leaves[LEAVES_MAX * HASH_LEN];
static struct merkle merkle;

static struct song_id name(size_t len, size_t piece)
{
    struct song_id id;

    merkle_init(&merkle, leaves, LEAVES_MAX);
    for (size_t at = 0; at < len; at += piece) {
        size_t n = len - at < piece ? len - at : piece;

        assert_int_equal(merkle_add(&merkle, bytes_of(data + at, n)), 0);
    }
    assert_int_equal(merkle_finish(&merkle, &id), 0);
    assert_int_equal(merkle.bytes, len);
    assert_int_equal(merkle.count, merkle_blocks(len));
    return id;
}

/* Made with hashlib.blake2b of Python: byte i of a song is (7 i + i div 251) mod 256. */
static const struct {
    size_t bytes;
    const char *id;
} vectors[] = {
    { 1, "5f8026ff8dc77be3c94a1cad42a483425b2b556613a3629bdb3da6033a675e2b" },
    { 16383, "7a69758eda280b59004ed34787ab9c7a64e338a68b4fb9dbecd8b727c480c7c8" },
    { 16384, "83aca81a73b56c68e8e5cef054cb6b7454df47250f946773c518377a5d134156" },
    { 16385, "cd4cbc1a3ba69c804090398b7778e4e348c0cfa2243caf3f0798af9145b8ff04" },
    { 32768, "c68bf66cf4958ed08dd5ac6015f8a911f966e57f22b1a243b7a1de9a8d699191" },
    { 49152, "ddd90ea4b7c462580a3c7f507ed3d8726ad5ff8397a7bca8bbd95d74d5ee9147" },
    { 81929, "cf8d903046af480e104894408e2f604a76592709785d9f9af1ebd5a2c40bb33c" },
    { 114688, "b7977192f78f967df909118f7b4dfdc8ab10e8e74ae239fa41c2d9c5e2273728" },
    { 131072, "e0ce03846da05cc13410f6e1e7350f4835cb0ba35d314d23fdc48190386e3685" },
    { 196607, "3fe8b04ba63f89bc19900024ea9692e6b73859969fd6dc56ade08eb8d69eaf70" },
};

static void test_vectors(void **state)
{
    static const size_t pieces[] = { 1000000, BLOCK_SIZE, 4096, 5000, 20000, 1 };

    (void)state;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7 + i / 251);
    for (int v = 0; v < COUNT(vectors); v++) {
        for (int p = 0; p < COUNT(pieces); p++) {
            struct song_id id = name(vectors[v].bytes, pieces[p]);
            char hex[2 * SONG_ID_LEN + 1];

            hex_encode(id.b, SONG_ID_LEN, hex);
            assert_string_equal(hex, vectors[v].id);
        }
    }
}

static void test_sizes(void **state)
{
    static const struct {
        uint64_t bytes;
        int blocks;
        size_t last;
    } cases[] = {
        { 1, 1, 1 },
        { BLOCK_SIZE - 1, 1, BLOCK_SIZE - 1 },
        { BLOCK_SIZE, 1, BLOCK_SIZE },
        { BLOCK_SIZE + 1, 2, 1 },
        { (uint64_t)INT32_MAX * BLOCK_SIZE, INT32_MAX, BLOCK_SIZE },
    };

    (void)state;
    for (int i = 0; i < COUNT(cases); i++) {
        int n = cases[i].blocks;

        assert_int_equal(merkle_blocks(cases[i].bytes), n);
        assert_int_equal(merkle_block_len(cases[i].bytes, n - 1), cases[i].last);
        if (n > 1)
            assert_int_equal(merkle_block_len(cases[i].bytes, 0), BLOCK_SIZE);
        assert_int_equal(merkle_block_len(cases[i].bytes, -1), 0);
        if (n < INT32_MAX)
            assert_int_equal(merkle_block_len(cases[i].bytes, n), 0);
    }
    assert_int_equal(merkle_blocks(0), 0);
    assert_int_equal(merkle_blocks((uint64_t)INT32_MAX * BLOCK_SIZE + 1), 0);
    assert_int_equal(merkle_blocks(UINT64_MAX), 0);
}

static void test_limits(void **state)
{
    struct song_id id;

    (void)state;
    merkle_init(&merkle, leaves, 2);
    assert_int_equal(merkle_finish(&merkle, &id), ERR_FORMAT);
    merkle_init(&merkle, leaves, 2);
    assert_int_equal(merkle_add(&merkle, bytes_of(data, 2 * BLOCK_SIZE)), 0);
    assert_int_equal(merkle_add(&merkle, bytes_of(data, 1)), 0); /* not yet a block */
    assert_int_equal(merkle_finish(&merkle, &id), ERR_LIMIT);
    merkle_init(&merkle, leaves, 2);
    assert_int_equal(merkle_add(&merkle, bytes_of(data, 3 * BLOCK_SIZE)), ERR_LIMIT);
}

/* One flipped bit anywhere is found: in a block by its leaf, in the leaves or the length
 * by the id. */
static void found(uint64_t seed)
{
    struct rng rng;
    struct song_id id;
    struct song_id changed;
    struct bytes all;
    size_t len;
    int bit;

    rng_seed(&rng, seed);
    for (size_t i = 0; i < sizeof(data); i += 8)
        store_be64(data + i, rng_next(&rng));
    len = 1 + (size_t)rng_below(&rng, (int64_t)sizeof(data));
    id = name(len, 1 + (size_t)rng_below(&rng, 40000));
    all = bytes_of(leaves, (size_t)merkle.count * HASH_LEN);
    assert_true(merkle_check_leaves(all, len, &id));

    for (int i = 0; i < merkle.count; i++) {
        uint8_t *block = data + (size_t)i * BLOCK_SIZE;
        size_t n = merkle_block_len(len, i);
        size_t at = (size_t)rng_below(&rng, (int64_t)n);

        assert_true(merkle_check_block(leaves + i * HASH_LEN, block, n));
        assert_false(merkle_check_block(leaves + i * HASH_LEN, block, n - 1));
        block[at] ^= (uint8_t)(1 << rng_below(&rng, 8));
        assert_false(merkle_check_block(leaves + i * HASH_LEN, block, n));
    }
    bit = (int)rng_below(&rng, (int64_t)all.len * 8);
    leaves[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_false(merkle_check_leaves(all, len, &id));
    leaves[bit / 8] ^= (uint8_t)(1 << bit % 8);
    for (int b = 0; b < 64; b++)
        assert_false(merkle_check_leaves(all, len ^ UINT64_C(1) << b, &id));
    changed = id;
    changed.b[bit % SONG_ID_LEN] ^= 1;
    assert_false(merkle_check_leaves(all, len, &changed));
    assert_false(merkle_check_leaves(bytes_of(leaves, all.len - 1), len, &id));
    assert_false(merkle_check_leaves(bytes_of(leaves, all.len + HASH_LEN), len, &id));
    assert_false(merkle_check_leaves(bytes_of(NULL, 0), 0, &id));
}

static void test_flipped_bits_are_found(void **state)
{
    (void)state;
    for_each_seed(60, found);
}

/* A song of one block is not named by its leaf, nor a pair by its node: no bytes can be
 * given out as another level of a tree. */
static void test_levels_differ(void **state)
{
    uint8_t pair[2 * HASH_LEN];
    uint8_t leaf[HASH_LEN];
    struct song_id id = name(BLOCK_SIZE, BLOCK_SIZE);

    (void)state;
    assert_memory_not_equal(id.b, leaves, HASH_LEN);
    memcpy(pair, leaves, HASH_LEN);
    memcpy(pair + HASH_LEN, leaves, HASH_LEN);
    merkle_leaf(bytes_of(pair, sizeof(pair)), leaf);
    memcpy(leaves + HASH_LEN, leaves, HASH_LEN);
    merkle_root(leaves, 2, 2 * BLOCK_SIZE, &id);
    struct song_id fake;

    merkle_root(leaf, 1, 2 * BLOCK_SIZE, &fake);
    assert_false(song_id_equal(&fake, &id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_flipped_bits_are_found),
        cmocka_unit_test(test_levels_differ),
    };

    return secure_init() == 0 ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
