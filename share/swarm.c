/* SPDX-License-Identifier: MIT */
#include "share/swarm.h"

#include <assert.h>

#include "base/time.h"
#include "share/bitmap.h"
#include "share/fetch.h"
#include "share/have.h"
#include "share/merkle.h"
#include "share/requests.h"
#include "share/songs.h"
#include "share/uploads.h"

#define PEERS_FIRST 8 /* rows of the first table of peers */

void swarm_init(struct swarm *s, const struct swarm_params *params, struct heap *heap,
                uint64_t seed, struct log *log)
{
    assert(params->songs_max >= 1 && params->songs_max <= SWARM_SONGS_MAX);
    assert(params->peers_max >= 1 && params->peers_max <= SWARM_PEERS_MAX);
    assert(params->song_blocks_max >= 1 && params->song_blocks_max <= MSG_BITMAP_MAX * 8);
    assert(params->pipeline_first >= 1 && params->pipeline_first <= params->pipeline_max);
    memset(s, 0, sizeof(*s));
    s->params = params;
    s->heap = heap;
    s->log = log;
    s->wake_ns = TIME_NEVER;
    s->fill_ns = TIME_NEVER;
    rng_seed(&s->rng, seed);
}

void swarm_finish(struct swarm *s)
{
    while (s->order_count > 0) {
        int slot = s->order[--s->order_count];

        for (int p = 0; p < s->peer_room; p++)
            have_free(s, slot, p);
        songs_give(s, slot);
    }
    for (int p = 0; p < s->peer_room; p++) {
        requests_give(s, p);
        uploads_give(s, p);
    }
    heap_give(s->heap, s->peers, (size_t)s->peer_room, sizeof(*s->peers));
    heap_give(s->heap, s->loads, (size_t)s->load_count, sizeof(*s->loads));
}

/* The table of peers, and that of what they have of each song, grow for this one. */
static void make_row(struct swarm *s, int peer)
{
    int room = s->peer_room == 0 ? PEERS_FIRST : s->peer_room;
    int old = s->peer_room;

    while (room <= peer)
        room *= 2;
    room = room < s->params->peers_max ? room : s->params->peers_max;
    if (room <= old)
        return;
    s->peers = heap_resize(s->heap, s->peers, (size_t)old, (size_t)room,
                           sizeof(*s->peers));
    s->peer_room = room;
    for (int i = 0; i < s->order_count; i++) {
        struct share_song *g = &s->songs[s->order[i]];

        g->have = heap_resize(s->heap, g->have, (size_t)old, (size_t)room,
                              sizeof(*g->have));
        for (int p = old; p < room; p++)
            have_reset(s, s->order[i], p);
    }
}

/* --- the steps around every call --------------------------------------------- */

/* A verified block that the caller did not take is wanted again. */
static void begin(struct swarm *s)
{
    struct share_song *g = &s->songs[s->store_song];

    if (!s->has_store)
        return;
    s->has_store = false;
    bitmap_clear(g->storing, s->store_block);
    g->storing_count--;
    s->storing_total--;
    requests_want(g, s->store_block);
    s->fill_ns = 0;
    s->wake_ns = 0;
}

static void end(struct swarm *s, int64_t now_ns)
{
    s->wake_ns = time_min(have_wake_ns(s), fetch_wake_ns(s));
    s->wake_ns = time_min(s->wake_ns, requests_wake_ns(s, now_ns));
}

/* --- songs ------------------------------------------------------------------- */

int swarm_add(struct swarm *s, const struct song_id *song, uint64_t bytes,
              uint32_t duration_ms)
{
    return songs_add(s, song, bytes, duration_ms);
}

void swarm_set_order(struct swarm *s, const struct song_id *songs, int count)
{
    songs_set_order(s, songs, count);
}

void swarm_opened(struct swarm *s, const struct song_id *song,
                  const struct swarm_local *local, int64_t now_ns, struct outbox *out)
{
    int slot = share_find(s, song);

    begin(s);
    if (slot < 0)
        return;
    songs_close(s, slot, out);
    songs_open(s, slot, local);
    have_tell_all(s, slot, now_ns, out);
    fetch_continue(s, slot, now_ns, out);
    requests_fill(s, now_ns, out);
    end(s, now_ns);
}

void swarm_remove(struct swarm *s, const struct song_id *song, int64_t now_ns,
                  struct outbox *out)
{
    int slot = share_find(s, song);

    begin(s);
    if (slot < 0)
        return;
    songs_remove(s, slot, out);
    requests_fill(s, now_ns, out);
    end(s, now_ns);
}

/* --- peers ------------------------------------------------------------------- */

void swarm_peer_up(struct swarm *s, int peer, int64_t now_ns, struct outbox *out)
{
    struct share_peer *p;

    assert(peer >= 0 && peer < s->params->peers_max);
    begin(s);
    make_row(s, peer);
    p = &s->peers[peer];
    if (p->is_up)
        return;
    *p = (struct share_peer){ .is_up = true, .progress_ns = now_ns };
    for (int i = 0; i < s->order_count; i++) {
        if (s->songs[s->order[i]].is_open)
            have_tell(s, s->order[i], peer, now_ns, out);
    }
    end(s, now_ns);
}

void swarm_set_name(struct swarm *s, int peer, const struct node_id *id)
{
    uint64_t name = load_be64(id->b);

    assert(peer >= -1 && peer < s->params->peers_max);
    if (peer < 0)
        s->name = name;
    else if (peer < s->peer_room && s->peers[peer].is_up)
        s->peers[peer].name = name;
}

void swarm_peer_down(struct swarm *s, int peer, int64_t now_ns, struct outbox *out)
{
    struct share_peer *p;

    assert(peer >= 0 && peer < s->params->peers_max);
    begin(s);
    if (peer >= s->peer_room || !s->peers[peer].is_up)
        return;
    p = &s->peers[peer];
    requests_release(s, peer, -1, NULL);
    p->is_up = false;
    p->owes_ban = false;
    requests_give(s, peer);
    uploads_give(s, peer);
    p->hold_ns = 0;
    for (int i = 0; i < s->order_count; i++)
        have_reset(s, s->order[i], peer);
    fetch_forget_peer(s, peer);
    for (int i = 0; i < s->order_count; i++)
        fetch_continue(s, s->order[i], now_ns, out);
    requests_fill(s, now_ns, out);
    end(s, now_ns);
}

bool swarm_take_banned(struct swarm *s, int *peer)
{
    for (int p = 0; p < s->peer_room; p++) {
        if (s->peers[p].owes_ban) {
            s->peers[p].owes_ban = false;
            *peer = p;
            return true;
        }
    }
    return false;
}

/* --- messages ---------------------------------------------------------------- */

/* Hand a verified block to the store; from now on it is storing. */
static void store(struct swarm *s, int song, int block, struct bytes data)
{
    struct share_song *g = &s->songs[song];

    assert(!s->has_store);
    if (bitmap_has(g->wanted, block)) {
        bitmap_clear(g->wanted, block);
        g->wanted_count--;
    }
    bitmap_set(g->storing, block);
    g->storing_count++;
    s->storing_total++;
    s->has_store = true;
    s->store_song = song;
    s->store_block = block;
    s->store_data = data;
}

static void receive_block(struct swarm *s, int peer, const struct msg_block *m,
                          int64_t now_ns, struct outbox *out)
{
    int song = share_find(s, &m->song);
    struct share_song *g = &s->songs[song < 0 ? 0 : song];
    int block;
    bool was_asked;

    if (song < 0 || m->index >= (uint32_t)g->blocks || s->peers[peer].is_banned) {
        s->stats.dropped++;
        return;
    }
    block = (int)m->index;
    was_asked = requests_answered(s, peer, song, block, now_ns);
    if (!g->has_leaves || bitmap_has(g->held, block) || bitmap_has(g->storing, block)) {
        s->stats.duplicates++;
        return;
    }
    if (m->data.len != merkle_block_len(g->bytes, block) ||
        !merkle_check_block(g->leaves + (size_t)block * HASH_LEN, m->data.data,
                            m->data.len)) {
        if (was_asked && !requests_is_asked(s, song, block))
            requests_want(g, block);
        requests_strike(s, peer, out);
        return;
    }
    requests_cancel(s, song, block, out);
    s->stats.received++;
    store(s, song, block, m->data);
}

static void dispatch(struct swarm *s, int peer, const struct msg *m, int64_t now_ns,
                     struct outbox *out)
{
    if (m->type == MSG_LEAVES_GET)
        fetch_serve(s, peer, &m->u.leaves_get, out);
    else if (m->type == MSG_LEAVES)
        fetch_receive(s, peer, &m->u.leaves, now_ns, out);
    else if (m->type == MSG_HAVE)
        have_receive(s, peer, &m->u.have, now_ns, out);
    else if (m->type == MSG_HAVE_BLOCKS)
        have_receive_blocks(s, peer, &m->u.blocks);
    else if (m->type == MSG_WANT)
        uploads_want(s, peer, &m->u.blocks, out);
    else if (m->type == MSG_BLOCK)
        receive_block(s, peer, &m->u.block, now_ns, out);
    else if (m->type == MSG_CANCEL)
        uploads_cancel(s, peer, &m->u.blocks);
    else if (m->type == MSG_REFUSE)
        requests_refused(s, peer, &m->u.blocks, now_ns);
    else
        s->stats.dropped++;
}

void swarm_receive(struct swarm *s, int peer, const struct msg *m, int64_t now_ns,
                   struct outbox *out)
{
    assert(peer >= 0 && peer < s->params->peers_max);
    begin(s);
    if (peer >= s->peer_room || !s->peers[peer].is_up) {
        s->stats.dropped++;
        return;
    }
    dispatch(s, peer, m, now_ns, out);
    for (int i = 0; i < s->order_count; i++)
        fetch_continue(s, s->order[i], now_ns, out);
    requests_fill(s, now_ns, out);
    end(s, now_ns);
}

/* --- the store --------------------------------------------------------------- */

bool swarm_take_load(struct swarm *s, struct swarm_block *b)
{
    return uploads_next(s, b);
}

/* A block that we thought we held is not there: others are told when they ask. */
static void lose(struct swarm *s, int song, int block, struct outbox *out)
{
    struct share_song *g = &s->songs[song];
    struct text line = log_begin(s->log, LOG_WARN, "share", "block lost");

    log_id(&line, "song", g->id.b);
    log_int(&line, "block", block);
    bitmap_clear(g->held, block);
    g->held_count--;
    requests_want(g, block);
    uploads_refuse(s, song, block, out);
}

void swarm_loaded(struct swarm *s, const struct swarm_block *b, int64_t now_ns,
                  struct outbox *out)
{
    int song = share_find(s, &b->song);
    struct share_song *g = &s->songs[song < 0 ? 0 : song];
    int block;

    begin(s);
    if (!uploads_end_load(s, b) || song < 0)
        return;
    block = (int)b->index;
    if (block >= g->blocks || !bitmap_has(g->held, block)) {
        uploads_refuse(s, song, block, out);
        return;
    }
    if (b->err == 0 && b->data.len == merkle_block_len(g->bytes, block) &&
        merkle_check_block(g->leaves + (size_t)block * HASH_LEN, b->data.data,
                           b->data.len)) {
        uploads_send(s, song, block, b->data, out);
        return;
    }
    lose(s, song, block, out);
    requests_fill(s, now_ns, out);
    end(s, now_ns);
}

bool swarm_take_store(struct swarm *s, struct swarm_block *b)
{
    if (!s->has_store)
        return false;
    s->has_store = false;
    *b = (struct swarm_block){ .song = s->songs[s->store_song].id,
                               .index = (uint32_t)s->store_block,
                               .data = s->store_data };
    return true;
}

void swarm_stored(struct swarm *s, const struct swarm_block *b, int64_t now_ns,
                  struct outbox *out)
{
    int song = share_find(s, &b->song);
    struct share_song *g = &s->songs[song < 0 ? 0 : song];
    int block;

    begin(s);
    if (song < 0 || b->index >= (uint32_t)g->blocks ||
        !bitmap_has(g->storing, (int)b->index))
        return; /* of a song that was removed meanwhile */
    block = (int)b->index;
    bitmap_clear(g->storing, block);
    g->storing_count--;
    s->storing_total--;
    if (b->err != 0) {
        requests_want(g, block);
        g->retry_ns = now_ns + s->params->store_retry_ns;
    } else {
        bitmap_set(g->held, block);
        g->held_count++;
        have_announce(s, song, block, now_ns, out);
    }
    if (g->held_count == g->blocks) {
        struct text line = log_begin(s->log, LOG_INFO, "share", "song complete");

        log_id(&line, "song", g->id.b);
        log_int(&line, "blocks", g->blocks);
    }
    requests_fill(s, now_ns, out);
    end(s, now_ns);
}

bool swarm_take_leaves(struct swarm *s, struct song_id *song, struct bytes *hashes)
{
    for (int i = 0; i < s->order_count; i++) {
        struct share_song *g = &s->songs[s->order[i]];

        if (!g->owes_leaves)
            continue;
        g->owes_leaves = false;
        *song = g->id;
        *hashes = bytes_of(g->leaves, (size_t)g->blocks * HASH_LEN);
        return true;
    }
    return false;
}

/* --- time, and looking ------------------------------------------------------- */

int64_t swarm_wake_ns(const struct swarm *s)
{
    return s->wake_ns;
}

void swarm_wake(struct swarm *s, int64_t now_ns, struct outbox *out)
{
    begin(s);
    if (now_ns < s->wake_ns)
        return;
    have_wake(s, now_ns, out);
    fetch_wake(s, now_ns, out);
    requests_wake(s, now_ns, out);
    end(s, now_ns);
}

bool swarm_has(const struct swarm *s, const struct song_id *song)
{
    return share_find(s, song) >= 0;
}

bool swarm_is_complete(const struct swarm *s, const struct song_id *song)
{
    int slot = share_find(s, song);

    return slot >= 0 && s->songs[slot].held_count == s->songs[slot].blocks;
}

void swarm_progress(const struct swarm *s, const struct song_id *song, int *held,
                    int *total)
{
    int slot = share_find(s, song);

    *held = slot < 0 ? 0 : s->songs[slot].held_count;
    *total = slot < 0 ? 0 : s->songs[slot].blocks;
}
