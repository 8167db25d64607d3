/* SPDX-License-Identifier: MIT */
#include "share/merkle.h"

#include <assert.h>

/* Subtrees that can be open at once: one for each power of two below 2^31 leaves. */
#define DEPTH_MAX 32

int merkle_blocks(uint64_t bytes)
{
    uint64_t blocks = bytes / BLOCK_SIZE + (bytes % BLOCK_SIZE != 0 ? 1 : 0);

    return blocks > INT32_MAX ? 0 : (int)blocks;
}

size_t merkle_block_len(uint64_t bytes, int index)
{
    int blocks = merkle_blocks(bytes);

    if (index < 0 || index >= blocks)
        return 0;
    if (index == blocks - 1 && bytes % BLOCK_SIZE != 0)
        return (size_t)(bytes % BLOCK_SIZE);
    return BLOCK_SIZE;
}

void merkle_leaf(struct bytes block, uint8_t leaf[static HASH_LEN])
{
    hash_blake2b(leaf, HASH_LEN, "party.leaf", &block, 1);
}

bool merkle_check_block(const uint8_t *leaf, const uint8_t *data, size_t len)
{
    uint8_t have[HASH_LEN];

    merkle_leaf(bytes_of(data, len), have);
    return memcmp(have, leaf, HASH_LEN) == 0;
}

/* left = H(left || right), in place. */
static void join(uint8_t *left, const uint8_t *right)
{
    struct bytes parts[] = { { left, HASH_LEN }, { right, HASH_LEN } };
    uint8_t node[HASH_LEN];

    hash_blake2b(node, HASH_LEN, "party.merkle", parts, COUNT(parts));
    memcpy(left, node, HASH_LEN);
}

void merkle_root(const uint8_t *leaves, int count, uint64_t bytes, struct song_id *id)
{
    uint8_t stack[DEPTH_MAX][HASH_LEN]; /* tops of whole subtrees, the biggest first */
    uint8_t length[8];
    struct bytes parts[] = { { length, sizeof(length) }, { stack[0], HASH_LEN } };
    int depth = 0;

    assert(count >= 1);
    for (int i = 0; i < count; i++) {
        memcpy(stack[depth++], leaves + (size_t)i * HASH_LEN, HASH_LEN);
        /* As many subtrees of equal size end here as i has trailing ones. */
        for (int n = i; n & 1; n >>= 1) {
            depth--;
            join(stack[depth - 1], stack[depth]);
        }
    }
    /* Odd nodes go up as they are until they meet a left neighbour. */
    while (depth > 1) {
        depth--;
        join(stack[depth - 1], stack[depth]);
    }
    store_be64(length, bytes);
    hash_blake2b(id->b, SONG_ID_LEN, "party.root", parts, COUNT(parts));
}

bool merkle_check_leaves(struct bytes leaves, uint64_t bytes, const struct song_id *id)
{
    int count = merkle_blocks(bytes);
    struct song_id have;

    if (count == 0 || leaves.len != (size_t)count * HASH_LEN)
        return false;
    merkle_root(leaves.data, count, bytes, &have);
    return song_id_equal(&have, id);
}

void merkle_init(struct merkle *m, uint8_t *leaves, int leaves_max)
{
    m->leaves = leaves;
    m->leaves_max = leaves_max;
    m->count = 0;
    m->bytes = 0;
    m->fill = 0;
}

static int add_leaf(struct merkle *m, struct bytes block)
{
    if (m->count >= m->leaves_max)
        return ERR_LIMIT;
    merkle_leaf(block, m->leaves + (size_t)m->count * HASH_LEN);
    m->count++;
    m->bytes += block.len;
    m->fill = 0;
    return 0;
}

int merkle_add(struct merkle *m, struct bytes data)
{
    while (data.len > 0) {
        size_t n = BLOCK_SIZE - m->fill < data.len ? BLOCK_SIZE - m->fill : data.len;
        int err = 0;

        if (n == BLOCK_SIZE) {
            err = add_leaf(m, bytes_of(data.data, n));
        } else {
            memcpy(m->block + m->fill, data.data, n);
            m->fill += n;
            if (m->fill == BLOCK_SIZE)
                err = add_leaf(m, bytes_of(m->block, BLOCK_SIZE));
        }
        if (err != 0)
            return err;
        data.data += n;
        data.len -= n;
    }
    return 0;
}

int merkle_finish(struct merkle *m, struct song_id *id)
{
    if (m->fill > 0) {
        int err = add_leaf(m, bytes_of(m->block, m->fill));

        if (err != 0)
            return err;
    }
    if (m->count == 0)
        return ERR_FORMAT;
    merkle_root(m->leaves, m->count, m->bytes, id);
    return 0;
}
