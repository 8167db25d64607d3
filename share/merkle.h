/* The name of a song: a Merkle tree over its canonical bytes, in blocks of 16 KiB.
 *
 * leaf = H("party.leaf", block), node = H("party.merkle", left || right), an odd node
 * goes up as it is, id = H("party.root", u64be length || top), H = BLAKE2b-256.  Whoever
 * has the leaves and the id can check each block alone, and knows the length. Source: BEP
 * 52, with BLAKE2b and the length in the root.  SPDX-License-Identifier: MIT */
#ifndef SHARE_MERKLE_H
#define SHARE_MERKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/id.h"
#include "secure/hash.h"
#include "wire/msg.h"

/* Blocks of a song of so many bytes; 0 for an empty or impossibly long one (over
 * INT32_MAX blocks). */
int merkle_blocks(uint64_t bytes);

/* Bytes of block index: BLOCK_SIZE for all but the last.  0 when there is no such block.
 */
size_t merkle_block_len(uint64_t bytes, int index);

/* The hash of one block's data. */
void merkle_leaf(struct bytes block, uint8_t leaf[static HASH_LEN]);

/* True when data is the block of this leaf.  Also the check callback of a block store. */
bool merkle_check_block(const uint8_t *leaf, const uint8_t *data, size_t len);

/* The id of a song of so many bytes with these count >= 1 leaves, one after the other. */
void merkle_root(const uint8_t *leaves, int count, uint64_t bytes, struct song_id *id);

/* True when leaves are all the leaf hashes of the song with this id and length. */
bool merkle_check_leaves(struct bytes leaves, uint64_t bytes, const struct song_id *id);

/* The leaves of a song under construction, fed with its bytes in pieces of any size. */
struct merkle {
    uint8_t *leaves; /* borrowed: room for leaves_max hashes */
    int leaves_max;
    int count;      /* whole leaves so far */
    uint64_t bytes; /* in whole leaves; all that was fed after merkle_finish */
    size_t fill;    /* bytes of the block that is being filled */
    uint8_t block[BLOCK_SIZE];
};

/* Start; keeps leaves, which holds leaves_max * HASH_LEN bytes. */
void merkle_init(struct merkle *m, uint8_t *leaves, int leaves_max);

/* Feed the next bytes.  Errors: ERR_LIMIT when the song has more blocks than leaves_max;
 * nothing more may then be done with m. */
MUST_USE int merkle_add(struct merkle *m, struct bytes data);

/* End: the last leaf is made, m->count and m->bytes are final, and the song has its id.
 * Errors: ERR_FORMAT when nothing was fed, ERR_LIMIT as merkle_add. */
MUST_USE int merkle_finish(struct merkle *m, struct song_id *id);

#endif
