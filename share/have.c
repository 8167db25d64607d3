/* SPDX-License-Identifier: MIT */
#include "share/have.h"

#include <assert.h>

#include "base/time.h"
#include "share/bitmap.h"

static void give_map(struct swarm *s, const struct share_song *g, struct share_have *h)
{
    heap_give(s->heap, h->map, (size_t)bitmap_words(g->blocks), sizeof(*h->map));
    h->map = NULL;
}

void have_free(struct swarm *s, int song, int peer)
{
    give_map(s, &s->songs[song], &s->songs[song].have[peer]);
}

bool have_has(const struct share_song *g, const struct share_have *h, int block)
{
    return h->map == NULL ? h->count == g->blocks : bitmap_has(h->map, block);
}

void have_reset(struct swarm *s, int song, int peer)
{
    struct share_song *g = &s->songs[song];
    struct share_have *h = &g->have[peer];

    for (int i = 0; h->count > 0 && i < g->blocks; i++) {
        if (have_has(g, h, i))
            g->copies[i]--;
    }
    have_free(s, song, peer);
    h->count = 0;
    h->has_heard = false;
    h->told_ns = INT64_MIN;
    h->tell_at_ns = TIME_NEVER;
    h->tell_gap_ms = (int32_t)(s->params->tell_retry_ns / NS_PER_MS);
}

void have_drop_announced(struct swarm *s, int song)
{
    struct share_song *g = &s->songs[song];

    heap_give(s->heap, g->announce, (size_t)g->announce_count, sizeof(*g->announce));
    g->announce = NULL;
    g->announce_count = 0;
    g->announce_at_ns = TIME_NEVER;
}

void have_tell(struct swarm *s, int song, int peer, int64_t now_ns, struct outbox *out)
{
    struct share_song *g = &s->songs[song];
    struct share_have *h = &g->have[peer];
    uint8_t wire[MSG_BITMAP_MAX];
    struct msg m = { .type = MSG_HAVE, .u.have.song = g->id };

    assert(g->is_open && s->peers[peer].is_up);
    m.u.have.has_all = g->held_count == g->blocks;
    if (!m.u.have.has_all && g->held_count > 0) {
        bitmap_write(g->held, g->blocks, wire);
        m.u.have.bitmap = bytes_of(wire, bitmap_wire_len(g->blocks));
    }
    if (!share_send(out, peer, &m)) {
        h->tell_at_ns = now_ns + s->params->announce_ns;
        return;
    }
    h->told_ns = now_ns;
    h->tell_at_ns = TIME_NEVER;
    if (!h->has_heard) {
        int64_t gap_ns = h->tell_gap_ms * NS_PER_MS;

        h->tell_at_ns = now_ns + gap_ns;
        h->tell_gap_ms = (int32_t)(time_min(2 * gap_ns, s->params->tell_max_ns) /
                                   NS_PER_MS);
    }
}

void have_tell_all(struct swarm *s, int song, int64_t now_ns, struct outbox *out)
{
    for (int p = 0; p < s->peer_room; p++) {
        if (s->peers[p].is_up)
            have_tell(s, song, p, now_ns, out);
    }
}

static void flush(struct swarm *s, int song, int64_t now_ns, struct outbox *out)
{
    struct share_song *g = &s->songs[song];
    struct msg m = { .type = MSG_HAVE_BLOCKS };

    m.u.blocks.song = g->id;
    m.u.blocks.count = g->announce_count;
    memcpy(m.u.blocks.list, g->announce,
           (size_t)g->announce_count * sizeof(*g->announce));
    have_drop_announced(s, song);
    for (int p = 0; p < s->peer_room; p++) {
        /* What finds no room is made good by a whole HAVE. */
        if (s->peers[p].is_up && !share_send(out, p, &m))
            g->have[p].tell_at_ns = now_ns + s->params->announce_ns;
    }
}

void have_announce(struct swarm *s, int song, int block, int64_t now_ns,
                   struct outbox *out)
{
    struct share_song *g = &s->songs[song];

    if (g->announce_count == 0)
        g->announce_at_ns = now_ns + s->params->announce_ns;
    g->announce = heap_resize(s->heap, g->announce, (size_t)g->announce_count,
                              (size_t)g->announce_count + 1, sizeof(*g->announce));
    g->announce[g->announce_count++] = (uint32_t)block;
    if (g->announce_count == MSG_WANT_MAX || g->held_count == g->blocks)
        flush(s, song, now_ns, out);
}

static void gained(struct swarm *s, struct share_song *g, int peer, int block)
{
    struct share_have *h = &g->have[peer];

    if (have_has(g, h, block))
        return;
    if (h->map == NULL)
        h->map = heap_take(s->heap, (size_t)bitmap_words(g->blocks), sizeof(*h->map));
    bitmap_set(h->map, block);
    h->count++;
    g->copies[block]++;
    if (h->count == g->blocks)
        give_map(s, g, h);
}

void have_lost(struct swarm *s, int song, int peer, int block)
{
    struct share_song *g = &s->songs[song];
    struct share_have *h = &g->have[peer];

    if (!have_has(g, h, block))
        return;
    if (h->map == NULL) {
        h->map = heap_take(s->heap, (size_t)bitmap_words(g->blocks), sizeof(*h->map));
        bitmap_fill(h->map, g->blocks, true);
    }
    bitmap_clear(h->map, block);
    h->count--;
    g->copies[block]--;
    if (h->count == 0)
        give_map(s, g, h);
}

void have_receive(struct swarm *s, int peer, const struct msg_have *m, int64_t now_ns,
                  struct outbox *out)
{
    int song = share_find(s, &m->song);
    struct share_song *g = &s->songs[song < 0 ? 0 : song];
    struct share_have *h;
    bool is_first;

    if (song < 0)
        return; /* not yet ours: it will be told again */
    if (m->bitmap.len > 0 &&
        (m->has_all || !bitmap_wire_is_valid(m->bitmap, g->blocks))) {
        s->stats.dropped++;
        return;
    }
    h = &g->have[peer];
    for (int i = 0; i < g->blocks; i++) {
        if (m->has_all || (m->bitmap.len > 0 && (m->bitmap.data[i / 8] << i % 8 & 0x80)))
            gained(s, g, peer, i);
        else
            have_lost(s, song, peer, i);
    }
    is_first = !h->has_heard;
    h->has_heard = true;
    h->tell_gap_ms = (int32_t)(s->params->tell_retry_ns / NS_PER_MS);
    if (!g->is_open)
        return; /* opening tells all */
    if (is_first || h->told_ns < now_ns - s->params->tell_quiet_ns)
        have_tell(s, song, peer, now_ns, out);
}

void have_receive_blocks(struct swarm *s, int peer, const struct msg_blocks *m)
{
    int song = share_find(s, &m->song);

    if (song < 0)
        return;
    for (int i = 0; i < m->count; i++) {
        if (m->list[i] < (uint32_t)s->songs[song].blocks)
            gained(s, &s->songs[song], peer, (int)m->list[i]);
        else
            s->stats.dropped++;
    }
}

int64_t have_wake_ns(const struct swarm *s)
{
    int64_t wake = TIME_NEVER;

    for (int i = 0; i < s->order_count; i++) {
        const struct share_song *g = &s->songs[s->order[i]];

        wake = time_min(wake, g->announce_at_ns);
        for (int p = 0; p < s->peer_room; p++)
            wake = time_min(wake, g->have[p].tell_at_ns);
    }
    return wake;
}

void have_wake(struct swarm *s, int64_t now_ns, struct outbox *out)
{
    for (int i = 0; i < s->order_count; i++) {
        struct share_song *g = &s->songs[s->order[i]];

        if (g->announce_at_ns <= now_ns)
            flush(s, s->order[i], now_ns, out);
        for (int p = 0; p < s->peer_room; p++) {
            if (g->have[p].tell_at_ns <= now_ns)
                have_tell(s, s->order[i], p, now_ns, out);
        }
    }
}
