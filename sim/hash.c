/* SPDX-License-Identifier: MIT */
#include "sim/hash.h"

#include "base/id.h"

void run_hash_init(struct run_hash *h)
{
    h->a = UINT64_C(0x243f6a8885a308d3);
    h->b = UINT64_C(0x13198a2e03707344);
}

void run_hash_word(struct run_hash *h, uint64_t word)
{
    h->a = (h->a ^ word) * UINT64_C(0x9fb21c651e98df25);
    h->a ^= h->a >> 32;
    h->b = (h->b + word) * UINT64_C(0xd6e8feb86659fd93);
    h->b ^= (h->b >> 29) + h->a;
}

/* Sixteen bytes at once: a product of 128 bits, each half into one word. */
static void add_pair(struct run_hash *h, uint64_t x, uint64_t y)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)(x ^ h->a ^ UINT64_C(0xa0761d6478bd642f)) *
                   (y ^ h->b ^ UINT64_C(0xe7037ed1a0b428db));

    h->a += (uint64_t)product ^ y;
    h->b = (h->b << 23 | h->b >> 41) ^ ((uint64_t)(product >> 64) + x);
}

void run_hash_bytes(struct run_hash *h, struct bytes data)
{
    size_t i = 0;
    uint64_t tail[2] = { 0 };

    for (; i + 16 <= data.len; i += 16)
        add_pair(h, load_be64(data.data + i), load_be64(data.data + i + 8));
    for (int k = 0; i < data.len; i++, k++)
        tail[k / 8] = tail[k / 8] << 8 | data.data[i];
    if (data.len % 16 > 0)
        add_pair(h, tail[0], tail[1]);
    run_hash_word(h, data.len);
}

void run_hash_text(const struct run_hash *h, char text[static RUN_HASH_TEXT])
{
    uint8_t bytes[16];

    store_be64(bytes, h->a);
    store_be64(bytes + 8, h->b);
    hex_encode(bytes, sizeof(bytes), text);
}
