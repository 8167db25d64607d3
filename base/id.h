/* The names of things: nodes, songs, parties, floods.  All are hashes or random, all are
 * plain values that can be compared and copied.  SPDX-License-Identifier: MIT */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define NODE_ID_LEN  32
#define SONG_ID_LEN  32
#define PARTY_ID_LEN 16
#define FLOOD_ID_LEN 16

/* BLAKE2b-256 of the node's Ed25519 public key. */
struct node_id {
    uint8_t b[NODE_ID_LEN];
};

/* The Merkle root of the song's canonical FLAC bytes (share/merkle.h). */
struct song_id {
    uint8_t b[SONG_ID_LEN];
};

/* BLAKE2b-128 of the creator's public key and a nonce. */
struct party_id {
    uint8_t b[PARTY_ID_LEN];
};

/* BLAKE2b-128 of a flooded message's signed part. */
struct flood_id {
    uint8_t b[FLOOD_ID_LEN];
};

static inline int node_id_compare(const struct node_id *a, const struct node_id *b)
{
    return memcmp(a->b, b->b, NODE_ID_LEN);
}

static inline bool node_id_equal(const struct node_id *a, const struct node_id *b)
{
    return node_id_compare(a, b) == 0;
}

static inline bool song_id_equal(const struct song_id *a, const struct song_id *b)
{
    return memcmp(a->b, b->b, SONG_ID_LEN) == 0;
}

static inline bool party_id_equal(const struct party_id *a, const struct party_id *b)
{
    return memcmp(a->b, b->b, PARTY_ID_LEN) == 0;
}

static inline bool flood_id_equal(const struct flood_id *a, const struct flood_id *b)
{
    return memcmp(a->b, b->b, FLOOD_ID_LEN) == 0;
}

/* Write len bytes as 2*len lower-case hex digits and a NUL into text. */
void hex_encode(const uint8_t *data, size_t len, char *text);

/* Read exactly 2*len hex digits.  False, and data untouched, when text is anything else.
 */
bool hex_decode(const char *text, size_t text_len, uint8_t *data, size_t len);

#endif
