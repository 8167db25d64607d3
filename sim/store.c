/* SPDX-License-Identifier: MIT */
#include "sim/store.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "share/merkle.h"
#include "sim/memory.h"
#include "sim/random.h"

static void fill(struct store_song *s, uint64_t seed, uint64_t song)
{
    for (uint64_t i = 0; i < s->bytes; i += 8) {
        uint64_t word = random_word(seed, RANDOM_SONG, song, i);
        uint8_t bytes[8];

        store_be64(bytes, word);
        memcpy(s->data + i, bytes, s->bytes - i < 8 ? s->bytes - i : 8);
    }
}

int store_make_song(struct store_library *l, uint64_t seed, uint64_t bytes,
                    uint64_t frames, uint32_t rate)
{
    struct store_song *s = &l->songs[l->count];
    struct text title;

    if (l->count == STORE_SONGS_MAX)
        return -1;
    s->bytes = bytes;
    s->blocks = merkle_blocks(bytes);
    s->data = memory_new(1, bytes);
    s->leaves = memory_new((size_t)s->blocks, HASH_LEN);
    s->frames = frames;
    s->rate = rate;
    fill(s, seed, (uint64_t)l->count);
    for (int i = 0; i < s->blocks; i++)
        merkle_leaf(
            bytes_of(s->data + (size_t)i * BLOCK_SIZE, merkle_block_len(bytes, i)),
            s->leaves + (size_t)i * HASH_LEN);
    merkle_root(s->leaves, s->blocks, bytes, &s->id);
    text_init(&title, s->title, sizeof(s->title));
    text_add(&title, "Song ");
    text_add_int(&title, l->count + 1);
    return l->count++;
}

int store_find(const struct store_library *l, const struct song_id *id)
{
    for (int i = 0; i < l->count; i++) {
        if (song_id_equal(&l->songs[i].id, id))
            return i;
    }
    return -1;
}

void store_finish_library(struct store_library *l)
{
    for (int i = 0; i < l->count; i++) {
        free(l->songs[i].data);
        free(l->songs[i].leaves);
    }
    l->count = 0;
}

static size_t bitmap_len(const struct store_library *l, int song)
{
    return ((size_t)l->songs[song].blocks + 7) / 8;
}

struct store_holding *store_open(struct store *s, const struct store_library *l, int song)
{
    struct store_holding *h = &s->holdings[song];

    if (h->bitmap == NULL)
        h->bitmap = memory_new(1, bitmap_len(l, song));
    return h;
}

void store_hold_all(struct store *s, const struct store_library *l, int song)
{
    struct store_holding *h = store_open(s, l, song);

    h->has_leaves = true;
    h->held = l->songs[song].blocks;
    for (int i = 0; i < h->held; i++)
        h->bitmap[i / 8] |= (uint8_t)(0x80 >> i % 8);
}

bool store_put(struct store *s, const struct store_library *l, int song, uint32_t index,
               struct bytes data)
{
    const struct store_song *truth = &l->songs[song];
    struct store_holding *h = store_open(s, l, song);
    uint8_t bit = (uint8_t)(0x80 >> index % 8);

    if (index >= (uint32_t)truth->blocks ||
        data.len != merkle_block_len(truth->bytes, (int)index) ||
        memcmp(data.data, truth->data + (size_t)index * BLOCK_SIZE, data.len) != 0)
        return false;
    h->held += (h->bitmap[index / 8] & bit) == 0;
    h->bitmap[index / 8] |= bit;
    return true;
}

struct bytes store_get(const struct store *s, const struct store_library *l, int song,
                       uint32_t index)
{
    const struct store_song *truth = &l->songs[song];
    const struct store_holding *h = &s->holdings[song];

    if (h->bitmap == NULL || index >= (uint32_t)truth->blocks ||
        (h->bitmap[index / 8] & 0x80 >> index % 8) == 0)
        return bytes_of(NULL, 0);
    return bytes_of(truth->data + (size_t)index * BLOCK_SIZE,
                    merkle_block_len(truth->bytes, (int)index));
}

bool store_is_whole(const struct store *s, const struct store_library *l, int song)
{
    return s->holdings[song].bitmap != NULL &&
           s->holdings[song].held == l->songs[song].blocks;
}

void store_finish(struct store *s)
{
    for (int i = 0; i < STORE_SONGS_MAX; i++) {
        free(s->holdings[i].bitmap);
        s->holdings[i].bitmap = NULL;
    }
}
