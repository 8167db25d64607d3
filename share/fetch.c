/* SPDX-License-Identifier: MIT */
#include "share/fetch.h"

#include <assert.h>

#include "base/time.h"
#include "share/merkle.h"
#include "share/requests.h"

void fetch_reset(struct share_song *g)
{
    g->fetch.peer = -1;
    g->fetch.received = 0;
    g->fetch.asked = 0;
    g->fetch.deadline_ns = TIME_NEVER;
}

/* The next peer in turn that has blocks of the song, and so its leaves; or -1. */
static int next_source(const struct swarm *s, const struct share_song *g)
{
    int peers = s->params->peers_max;

    for (int n = 1; n <= peers; n++) {
        int peer = (g->fetch.last_peer + n) % peers;

        if (peer < s->peer_room && s->peers[peer].is_up && !s->peers[peer].is_banned &&
            g->have[peer].count > 0)
            return peer;
    }
    return -1;
}

static int chunk(const struct share_song *g, int first)
{
    int left = g->blocks - first;

    return left < MSG_LEAVES_MAX ? left : MSG_LEAVES_MAX;
}

void fetch_continue(struct swarm *s, int song, int64_t now_ns, struct outbox *out)
{
    struct share_song *g = &s->songs[song];
    struct share_leaves *f = &g->fetch;

    if (!g->is_open || g->has_leaves)
        return;
    if (f->peer < 0) {
        f->peer = next_source(s, g);
        if (f->peer < 0)
            return;
        f->last_peer = f->peer;
        f->deadline_ns = now_ns + s->params->leaves_timeout_ns;
    }
    while (f->asked < g->blocks &&
           f->asked < f->received + s->params->leaves_window * MSG_LEAVES_MAX) {
        struct msg m = { .type = MSG_LEAVES_GET };

        m.u.leaves_get.song = g->id;
        m.u.leaves_get.first = (uint32_t)f->asked;
        m.u.leaves_get.count = (uint32_t)chunk(g, f->asked);
        if (!share_send(out, f->peer, &m))
            return; /* the deadline brings us back */
        f->asked += chunk(g, f->asked);
    }
}

void fetch_forget_peer(struct swarm *s, int peer)
{
    for (int i = 0; i < s->order_count; i++) {
        struct share_song *g = &s->songs[s->order[i]];

        if (g->fetch.peer == peer)
            fetch_reset(g);
    }
}

void fetch_serve(struct swarm *s, int peer, const struct msg_leaves_get *m,
                 struct outbox *out)
{
    int song = share_find(s, &m->song);
    const struct share_song *g = &s->songs[song < 0 ? 0 : song];
    struct msg reply = { .type = MSG_LEAVES };
    uint32_t count = m->count;

    if (song < 0 || !g->has_leaves || m->first >= (uint32_t)g->blocks || count == 0) {
        s->stats.dropped++;
        return;
    }
    if (count > (uint32_t)chunk(g, (int)m->first))
        count = (uint32_t)chunk(g, (int)m->first);
    reply.u.leaves.song = g->id;
    reply.u.leaves.first = m->first;
    reply.u.leaves.hashes = bytes_of(g->leaves + (size_t)m->first * HASH_LEN,
                                     (size_t)count * HASH_LEN);
    outbox_push(out, peer, &reply);
}

static void finish(struct swarm *s, struct share_song *g, struct outbox *out)
{
    struct bytes leaves = bytes_of(g->leaves, (size_t)g->blocks * HASH_LEN);
    int peer = g->fetch.peer;

    if (!merkle_check_leaves(leaves, g->bytes, &g->id)) {
        s->stats.wrong++;
        requests_ban(s, peer, "leaves", out);
        return;
    }
    g->has_leaves = true;
    g->owes_leaves = true;
    fetch_reset(g);
}

void fetch_receive(struct swarm *s, int peer, const struct msg_leaves *m, int64_t now_ns,
                   struct outbox *out)
{
    int song = share_find(s, &m->song);
    struct share_song *g = &s->songs[song < 0 ? 0 : song];
    struct share_leaves *f = &g->fetch;
    size_t len;

    if (song < 0 || f->peer != peer || m->first != (uint32_t)f->received) {
        s->stats.dropped++;
        return;
    }
    len = (size_t)chunk(g, f->received) * HASH_LEN;
    if (m->hashes.len != len) {
        s->stats.dropped++;
        return;
    }
    memcpy(g->leaves + (size_t)f->received * HASH_LEN, m->hashes.data, len);
    f->received += chunk(g, f->received);
    f->asked = f->asked > f->received ? f->asked : f->received;
    f->deadline_ns = now_ns + s->params->leaves_timeout_ns;
    if (f->received == g->blocks)
        finish(s, g, out);
    fetch_continue(s, song, now_ns, out);
}

int64_t fetch_wake_ns(const struct swarm *s)
{
    int64_t wake = TIME_NEVER;

    for (int i = 0; i < s->order_count; i++)
        wake = time_min(wake, s->songs[s->order[i]].fetch.deadline_ns);
    return wake;
}

void fetch_wake(struct swarm *s, int64_t now_ns, struct outbox *out)
{
    for (int i = 0; i < s->order_count; i++) {
        struct share_song *g = &s->songs[s->order[i]];

        if (g->fetch.deadline_ns > now_ns)
            continue;
        fetch_reset(g);
        fetch_continue(s, s->order[i], now_ns, out);
    }
}
