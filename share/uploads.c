/* SPDX-License-Identifier: MIT */
#include "share/uploads.h"

#include <assert.h>

#include "share/bitmap.h"

#define UPLOADS_FIRST 8 /* rows of the first queue */

/* The place of a block in a peer's queue, or -1. */
static int queued(const struct share_peer *p, int song, int block)
{
    for (int i = 0; i < p->upload_count; i++) {
        if (p->uploads[i].song == song && p->uploads[i].block == block)
            return i;
    }
    return -1;
}

static void unqueue(struct share_peer *p, int i)
{
    assert(i >= 0 && i < p->upload_count);
    p->upload_count--;
    memmove(&p->uploads[i], &p->uploads[i + 1],
            (size_t)(p->upload_count - i) * sizeof(p->uploads[0]));
}

/* Queue one block.  False when we do not have it. */
static bool want_one(struct swarm *s, int song, int peer, uint32_t index)
{
    struct share_peer *p = &s->peers[peer];
    const struct share_song *g = &s->songs[song < 0 ? 0 : song];

    if (song < 0 || !g->has_leaves || index >= (uint32_t)g->blocks ||
        !bitmap_has(g->held, (int)index))
        return false;
    if (queued(p, song, (int)index) >= 0)
        return true;
    if (p->upload_count == s->params->upload_queue_max) {
        s->stats.dropped++; /* it asks for more than it may: it can ask again */
        return true;
    }
    if (p->upload_count == p->upload_room) {
        int room = p->upload_room == 0 ? UPLOADS_FIRST : 2 * p->upload_room;

        p->uploads = heap_resize(s->heap, p->uploads, (size_t)p->upload_room,
                                 (size_t)room, sizeof(*p->uploads));
        p->upload_room = room;
    }
    p->uploads[p->upload_count++] = (struct share_upload){ song, (int)index };
    return true;
}

void uploads_want(struct swarm *s, int peer, const struct msg_blocks *m,
                  struct outbox *out)
{
    int song = share_find(s, &m->song);
    struct msg refuse = { .type = MSG_REFUSE, .u.blocks.song = m->song };
    struct msg_blocks *r = &refuse.u.blocks;

    for (int i = 0; i < m->count; i++) {
        if (!want_one(s, song, peer, m->list[i]))
            r->list[r->count++] = m->list[i];
    }
    if (r->count > 0)
        outbox_push(out, peer, &refuse);
}

void uploads_cancel(struct swarm *s, int peer, const struct msg_blocks *m)
{
    struct share_peer *p = &s->peers[peer];
    int song = share_find(s, &m->song);

    for (int i = 0; i < m->count && song >= 0; i++) {
        int at = m->list[i] > INT32_MAX ? -1 : queued(p, song, (int)m->list[i]);

        if (at >= 0)
            unqueue(p, at);
    }
}

static bool is_loading(const struct swarm *s, const struct share_upload *u)
{
    for (int i = 0; i < s->load_count; i++) {
        if (s->loads[i].block == u->block &&
            song_id_equal(&s->loads[i].song, &s->songs[u->song].id))
            return true;
    }
    return false;
}

void uploads_give(struct swarm *s, int peer)
{
    struct share_peer *p = &s->peers[peer];

    heap_give(s->heap, p->uploads, (size_t)p->upload_room, sizeof(*p->uploads));
    p->uploads = NULL;
    p->upload_room = 0;
    p->upload_count = 0;
}

bool uploads_next(struct swarm *s, struct swarm_block *b)
{
    int peers = s->peer_room;

    if (s->load_count == s->params->loads_max)
        return false;
    for (int n = 0; n < peers; n++) {
        int peer = (s->upload_turn + n) % peers;
        const struct share_peer *p = &s->peers[peer];

        for (int i = 0; i < p->upload_count; i++) {
            const struct share_upload *u = &p->uploads[i];

            if (is_loading(s, u))
                continue;
            *b = (struct swarm_block){ .song = s->songs[u->song].id,
                                       .index = (uint32_t)u->block };
            s->loads = heap_resize(s->heap, s->loads, (size_t)s->load_count,
                                   (size_t)s->load_count + 1, sizeof(*s->loads));
            s->loads[s->load_count++] = (struct share_load){ b->song, u->block };
            s->upload_turn = (peer + 1) % peers;
            return true;
        }
    }
    return false;
}

bool uploads_end_load(struct swarm *s, const struct swarm_block *b)
{
    for (int i = 0; i < s->load_count; i++) {
        if ((uint32_t)s->loads[i].block == b->index &&
            song_id_equal(&s->loads[i].song, &b->song)) {
            s->loads[i] = s->loads[--s->load_count];
            s->loads = heap_resize(s->heap, s->loads, (size_t)s->load_count + 1,
                                   (size_t)s->load_count, sizeof(*s->loads));
            return true;
        }
    }
    return false;
}

void uploads_send(struct swarm *s, int song, int block, struct bytes data,
                  struct outbox *out)
{
    struct msg m = { .type = MSG_BLOCK };
    int peers = s->peer_room;
    int sent = 0;

    m.u.block.song = s->songs[song].id;
    m.u.block.index = (uint32_t)block;
    m.u.block.data = data;
    for (int n = 0; n < peers && sent < s->params->fanout_max; n++) {
        int peer = (s->upload_turn + n) % peers;
        int at = queued(&s->peers[peer], song, block);

        if (at < 0)
            continue;
        if (!share_send(out, peer, &m))
            return;
        unqueue(&s->peers[peer], at);
        s->stats.sent++;
        sent++;
    }
}

void uploads_refuse(struct swarm *s, int song, int block, struct outbox *out)
{
    for (int peer = 0; peer < s->peer_room; peer++) {
        struct share_peer *p = &s->peers[peer];
        struct share_list refused;
        int kept = 0;

        share_list_init(&refused, out, peer, MSG_REFUSE);
        for (int i = 0; i < p->upload_count; i++) {
            struct share_upload u = p->uploads[i];

            if (u.song == song && (block < 0 || u.block == block))
                share_list_add(&refused, &s->songs[song].id, u.block);
            else
                p->uploads[kept++] = u;
        }
        p->upload_count = kept;
        share_list_end(&refused);
    }
}
