/* SPDX-License-Identifier: MIT */
#include "share/bitmap.h"

#include <assert.h>

/* The bits of word w that belong to a map of so many bits. */
static uint64_t word_mask(int bits, int w)
{
    int left = bits - w * 64;

    if (left >= 64)
        return UINT64_MAX;
    return left <= 0 ? 0 : ~(UINT64_MAX >> left);
}

void bitmap_fill(uint64_t *map, int bits, bool value)
{
    for (int w = 0; w < bitmap_words(bits); w++)
        map[w] = value ? word_mask(bits, w) : 0;
}

int bitmap_count(const uint64_t *map, int bits)
{
    int count = 0;

    for (int w = 0; w < bitmap_words(bits); w++)
        count += __builtin_popcountll(map[w] & word_mask(bits, w));
    return count;
}

bool bitmap_wire_is_valid(struct bytes wire, int bits)
{
    if (bits <= 0 || wire.len != bitmap_wire_len(bits))
        return false;
    return bits % 8 == 0 || (wire.data[wire.len - 1] & (0xff >> bits % 8)) == 0;
}

void bitmap_read(uint64_t *map, int bits, struct bytes wire)
{
    assert(wire.len == bitmap_wire_len(bits));
    bitmap_fill(map, bits, false);
    for (size_t i = 0; i < wire.len; i++)
        map[i / 8] |= (uint64_t)wire.data[i] << (56 - 8 * (i % 8));
}

void bitmap_write(const uint64_t *map, int bits, uint8_t *wire)
{
    for (size_t i = 0; i < bitmap_wire_len(bits); i++)
        wire[i] = (uint8_t)(map[i / 8] >> (56 - 8 * (i % 8)));
}
