/* Bit sets over blocks: 64-bit words, bit 0 most significant, so that eight bytes of the
 * wire form are one big-endian word.  SPDX-License-Identifier: MIT */
#ifndef SHARE_BITMAP_H
#define SHARE_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

static inline int bitmap_words(int bits)
{
    return (bits + 63) / 64;
}

static inline uint64_t bitmap_mask(int bit)
{
    return UINT64_C(1) << (63 - bit % 64);
}

static inline bool bitmap_has(const uint64_t *map, int bit)
{
    return (map[bit / 64] & bitmap_mask(bit)) != 0;
}

static inline void bitmap_set(uint64_t *map, int bit)
{
    map[bit / 64] |= bitmap_mask(bit);
}

static inline void bitmap_clear(uint64_t *map, int bit)
{
    map[bit / 64] &= ~bitmap_mask(bit);
}

/* Empty, or all of the first bits. */
void bitmap_fill(uint64_t *map, int bits, bool value);

/* How many of the bits are set. */
int bitmap_count(const uint64_t *map, int bits);

/* Bytes of the wire form. */
static inline size_t bitmap_wire_len(int bits)
{
    return (size_t)(bits + 7) / 8;
}

/* True when wire is a bitmap of exactly so many bits, with nothing set behind them. */
bool bitmap_wire_is_valid(struct bytes wire, int bits);

/* Read and write the wire form; wire must be valid, or have room. */
void bitmap_read(uint64_t *map, int bits, struct bytes wire);
void bitmap_write(const uint64_t *map, int bits, uint8_t *wire);

#endif
