/* SPDX-License-Identifier: MIT */
#include "share/songs.h"

#include <assert.h>

#include "base/time.h"
#include "share/bitmap.h"
#include "share/fetch.h"
#include "share/have.h"
#include "share/merkle.h"
#include "share/requests.h"
#include "share/uploads.h"

static int free_slot(const struct swarm *s)
{
    for (int i = 0; i < s->params->songs_max; i++) {
        if (!s->songs[i].is_used)
            return i;
    }
    return -1;
}

static int head_of(const struct swarm *s, uint64_t bytes, uint32_t duration_ms)
{
    int blocks = merkle_blocks(bytes);
    int64_t head = s->params->head_blocks;

    if (duration_ms > 0) {
        head = mul_div((int64_t)bytes, s->params->head_ns / NS_PER_MS, duration_ms);
        head = head / BLOCK_SIZE + 1;
    }
    return head < blocks ? (int)head : blocks;
}

/* Its tables, all by block but have. */
static void take(struct swarm *s, struct share_song *g)
{
    size_t blocks = (size_t)g->blocks;
    size_t words = (size_t)bitmap_words(g->blocks);

    g->leaves = heap_take(s->heap, blocks, HASH_LEN);
    g->copies = heap_take(s->heap, blocks, 1);
    g->wanted = heap_take(s->heap, words, sizeof(uint64_t));
    g->storing = heap_take(s->heap, words, sizeof(uint64_t));
    g->held = heap_take(s->heap, words, sizeof(uint64_t));
    g->have = heap_take(s->heap, (size_t)s->peer_room, sizeof(*g->have));
}

void songs_give(struct swarm *s, int slot)
{
    struct share_song *g = &s->songs[slot];
    size_t blocks = (size_t)g->blocks;
    size_t words = (size_t)bitmap_words(g->blocks);

    heap_give(s->heap, g->leaves, blocks, HASH_LEN);
    heap_give(s->heap, g->copies, blocks, 1);
    heap_give(s->heap, g->wanted, words, sizeof(uint64_t));
    heap_give(s->heap, g->storing, words, sizeof(uint64_t));
    heap_give(s->heap, g->held, words, sizeof(uint64_t));
    heap_give(s->heap, g->have, (size_t)s->peer_room, sizeof(*g->have));
    have_drop_announced(s, slot);
    memset(g, 0, sizeof(*g));
}

int songs_add(struct swarm *s, const struct song_id *song, uint64_t bytes,
              uint32_t duration_ms)
{
    int slot = free_slot(s);
    int blocks = merkle_blocks(bytes);
    struct share_song *g;

    if (share_find(s, song) >= 0)
        return ERR_STATE;
    if (slot < 0 || blocks == 0 || blocks > s->params->song_blocks_max)
        return ERR_LIMIT;
    g = &s->songs[slot];
    *g = (struct share_song){
        .is_used = true, .id = *song, .bytes = bytes, .blocks = blocks
    };
    take(s, g);
    g->head_blocks = head_of(s, bytes, duration_ms);
    g->announce_at_ns = TIME_NEVER;
    g->fetch.last_peer = (int)rng_below(&s->rng, s->params->peers_max);
    fetch_reset(g);
    for (int p = 0; p < s->peer_room; p++)
        have_reset(s, slot, p);
    s->order[s->order_count++] = slot;
    return 0;
}

void songs_set_order(struct swarm *s, const struct song_id *songs, int count)
{
    int done = 0;

    for (int i = 0; i < count; i++) {
        int slot = share_find(s, &songs[i]);
        int at = 0;

        while (slot >= 0 && s->order[at] != slot)
            at++;
        if (slot < 0 || at < done)
            continue;
        for (; at > done; at--)
            s->order[at] = s->order[at - 1];
        s->order[done++] = slot;
    }
}

void songs_close(struct swarm *s, int slot, struct outbox *out)
{
    struct share_song *g = &s->songs[slot];

    for (int p = 0; p < s->peer_room; p++)
        requests_release(s, p, slot, out);
    s->storing_total -= g->storing_count;
    bitmap_fill(g->wanted, g->blocks, false);
    bitmap_fill(g->storing, g->blocks, false);
    bitmap_fill(g->held, g->blocks, false);
    g->wanted_count = 0;
    g->storing_count = 0;
    g->held_count = 0;
    g->doubled_ever = 0;
    have_drop_announced(s, slot);
    g->retry_ns = 0;
    g->is_open = false;
    assert(g->asked_count == 0 && g->doubled == 0);
}

void songs_open(struct swarm *s, int slot, const struct swarm_local *local)
{
    struct share_song *g = &s->songs[slot];
    bool has_bitmap = bitmap_wire_is_valid(local->bitmap, g->blocks);

    bitmap_fill(g->wanted, g->blocks, true);
    if (local->leaves.len > 0 && merkle_check_leaves(local->leaves, g->bytes, &g->id)) {
        memcpy(g->leaves, local->leaves.data, local->leaves.len);
        g->has_leaves = true;
        g->owes_leaves = false;
        fetch_reset(g);
        if (local->has_all)
            bitmap_fill(g->held, g->blocks, true);
        else if (has_bitmap)
            bitmap_read(g->held, g->blocks, local->bitmap);
    } else if (g->has_leaves) {
        g->owes_leaves = true; /* the store has lost them */
    }
    for (int w = 0; w < bitmap_words(g->blocks); w++)
        g->wanted[w] &= ~g->held[w];
    g->held_count = bitmap_count(g->held, g->blocks);
    g->wanted_count = g->blocks - g->held_count;
    g->is_open = true;
}

void songs_remove(struct swarm *s, int slot, struct outbox *out)
{
    int at = 0;

    uploads_refuse(s, slot, -1, out);
    songs_close(s, slot, out);
    fetch_reset(&s->songs[slot]);
    for (int p = 0; p < s->peer_room; p++)
        have_reset(s, slot, p);
    while (s->order[at] != slot)
        at++;
    s->order_count--;
    for (; at < s->order_count; at++)
        s->order[at] = s->order[at + 1];
    songs_give(s, slot);
}
