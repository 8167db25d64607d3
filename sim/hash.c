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

void run_hash_bytes(struct run_hash *h, struct bytes data)
{
    size_t i = 0;
    uint64_t tail = 0;

    run_hash_word(h, data.len);
    for (; i + 8 <= data.len; i += 8)
        run_hash_word(h, load_be64(data.data + i));
    for (; i < data.len; i++)
        tail = tail << 8 | data.data[i];
    run_hash_word(h, tail);
}

void run_hash_text(const struct run_hash *h, char text[static RUN_HASH_TEXT])
{
    uint8_t bytes[16];

    store_be64(bytes, h->a);
    store_be64(bytes + 8, h->b);
    hex_encode(bytes, sizeof(bytes), text);
}
