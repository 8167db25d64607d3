/* Replies, on the way that their flood came by.  SPDX-License-Identifier: MIT */
#include "overlay/flood_private.h"

#define ANSWERS_FIRST 8

static int route_of(const struct floods *f, const struct seen_row *row, int64_t now_ns)
{
    int32_t route_ms = (int32_t)(f->p->route_ns / NS_PER_MS);

    if (row->peer < 0 || seen_ms_since(seen_ms(now_ns), row->born_ms) >= route_ms ||
        !sparse_has(&f->slots, row->peer) ||
        row->generation != flood_link(f, row->peer)->generation)
        return -1;
    return row->peer;
}

int flood_route(const struct floods *f, const struct flood_id *id, int64_t now_ns)
{
    const struct seen_row *row = flood_row(f, id);

    return row == NULL ? -1 : route_of(f, row, now_ns);
}

/* The bucket of reply_rate in milliseconds.  It does not hold for what is ours. */
static bool is_reply_limited(const struct floods *f, const struct seen_row *row,
                             int64_t now_ns)
{
    int64_t period_ms = f->p->reply_rate.period_ns / NS_PER_MS;
    int64_t owed_ms = seen_ms_since(row->replies_ms, seen_ms(now_ns));

    return row->replies >= f->p->replies_max ||
           (row->peer != SEEN_OWN && owed_ms > (f->p->reply_rate.burst - 1) * period_ms);
}

static void take_reply(const struct floods *f, struct seen_row *row, int64_t now_ns)
{
    uint32_t now_ms = seen_ms(now_ns);

    if (seen_ms_since(row->replies_ms, now_ms) < 0)
        row->replies_ms = now_ms;
    row->replies_ms += (uint32_t)(f->p->reply_rate.period_ns / NS_PER_MS);
    row->replies++;
}

enum flood_reply_verdict flood_reply_probe(struct floods *f, const struct msg_reply *m,
                                           int peer, int64_t now_ns, int *route)
{
    struct flood_counts *c = flood_count(f);
    const struct seen_row *row = flood_row(f, &m->flood);

    *route = -1;
    if (m->hops < 1 || m->hops > f->p->ttl_max) {
        c->replies_bad_hops++;
        return FLOOD_REPLY_BAD_HOPS;
    }
    if (row != NULL)
        *route = route_of(f, row, now_ns);
    /* An answer that comes from where the question came from goes round in circles. */
    if (row == NULL || (row->peer != SEEN_OWN && (*route < 0 || *route == peer))) {
        c->replies_lost++;
        return FLOOD_REPLY_LOST;
    }
    if (!bucket_take(&flood_traffic(f, peer)->replies, f->p->reply_link, now_ns) ||
        is_reply_limited(f, row, now_ns)) {
        c->replies_limited++;
        return FLOOD_REPLY_LIMITED;
    }
    return row->peer == SEEN_OWN ? FLOOD_REPLY_OWN : FLOOD_REPLY_PASS;
}

/* Of one answer of one answerer; 0 stands for none. */
static uint64_t answer_tag(const struct floods *f, const struct flood_id *id,
                           const uint8_t *answerer)
{
    uint64_t a = (load_be64(id->b) ^ f->key) * UINT64_C(0x9e3779b97f4a7c15);
    uint64_t b = (load_be64(answerer) + f->key) * UINT64_C(0xbf58476d1ce4e5b9);

    return (a ^ a >> 29 ^ b ^ b >> 31) | 1;
}

/* There is room for one more, if need be in the place of the oldest. */
static void grow_answers(struct floods *f)
{
    struct flood_state *s = f->state;
    int room = s->answer_room == 0 ? ANSWERS_FIRST : 2 * s->answer_room;

    room = room < f->p->answers_max ? room : f->p->answers_max;
    if (room == s->answer_room) {
        s->answer_next = 0;
        return;
    }
    s->answers = heap_resize(f->heap, s->answers, (size_t)s->answer_room, (size_t)room,
                             sizeof(*s->answers));
    s->answer_room = room;
}

void flood_answers_finish(struct floods *f)
{
    struct flood_state *s = f->state;

    heap_give(f->heap, s->answers, (size_t)s->answer_room, sizeof(*s->answers));
    s->answers = NULL;
    s->answer_room = 0;
    s->answer_next = 0;
    heap_give(f->heap, s->mores, s->mores == NULL ? 0 : FLOOD_MORES, sizeof(*s->mores));
    s->mores = NULL;
    s->more_next = 0;
}

/* The row of a flood, in place of the oldest one when it has none. */
static struct flood_more *more_of(struct floods *f, const struct flood_id *id)
{
    struct flood_state *s = flood_state(f);
    struct flood_more *m;

    if (s->mores == NULL)
        s->mores = heap_take(f->heap, FLOOD_MORES, sizeof(*s->mores));
    for (int i = 0; i < FLOOD_MORES; i++) {
        if (flood_id_equal(&s->mores[i].id, id))
            return &s->mores[i];
    }
    m = &s->mores[s->more_next];
    s->more_next = (s->more_next + 1) % FLOOD_MORES;
    *m = (struct flood_more){ .id = *id };
    return m;
}

void flood_count_more(struct floods *f, const struct flood_id *id, uint32_t count,
                      int64_t now_ns, struct outbox *out)
{
    const struct seen_row *row = flood_row(f, id);
    struct msg m = { .type = MSG_SUMMARY };
    struct flood_more *more;
    int route;

    if (row == NULL)
        return;
    route = route_of(f, row, now_ns);
    if (row->peer != SEEN_OWN && route < 0)
        return;
    more = more_of(f, id);
    more->count += count < MSG_COUNT_MAX - more->count ? count
                                                       : MSG_COUNT_MAX - more->count;
    if (route < 0 || more->count < 2 * more->told || more->count == more->told)
        return;
    m.u.summary.flood = *id;
    m.u.summary.count = more->count - more->told;
    more->told = more->count;
    outbox_push(out, route, &m);
}

uint32_t flood_more(const struct floods *f)
{
    uint32_t count = 0;

    for (int i = 0; f->state != NULL && f->state->mores != NULL && i < FLOOD_MORES; i++) {
        const struct flood_more *m = &f->state->mores[i];
        const struct seen_row *row = m->count == 0 ? NULL : flood_row(f, &m->id);

        count += row != NULL && row->peer == SEEN_OWN ? m->count : 0;
    }
    return count;
}

/* True when this answerer has answered this flood lately; remembers it otherwise. */
static bool has_answered(struct floods *f, const struct flood_id *id,
                         const uint8_t *answerer)
{
    struct flood_state *s = f->state;
    uint64_t tag = answer_tag(f, id, answerer);

    for (int i = 0; i < s->answer_room; i++) {
        if (s->answers[i] == tag)
            return true;
    }
    if (s->answer_next == s->answer_room)
        grow_answers(f);
    s->answers[s->answer_next++] = tag;
    return false;
}

enum flood_reply_verdict flood_reply_commit(struct floods *f, const struct flood_id *id,
                                            const uint8_t *answerer, int64_t now_ns)
{
    struct flood_counts *c = flood_count(f);
    struct seen_row *row = flood_row(f, id);

    if (row == NULL) {
        c->replies_lost++;
        return FLOOD_REPLY_LOST;
    }
    if (is_reply_limited(f, row, now_ns)) {
        c->replies_limited++;
        return FLOOD_REPLY_LIMITED;
    }
    if (has_answered(f, id, answerer)) {
        c->replies_double++;
        return FLOOD_REPLY_DOUBLE;
    }
    take_reply(f, row, now_ns);
    c->replies++;
    return row->peer == SEEN_OWN ? FLOOD_REPLY_OWN : FLOOD_REPLY_PASS;
}

void flood_reply_forward(struct floods *f, const struct msg_reply *m, int route,
                         struct outbox *out)
{
    struct msg copy = { .type = MSG_REPLY };

    if (m->hops >= f->p->ttl_max) {
        flood_count(f)->replies_bad_hops++;
        return;
    }
    copy.u.reply = *m;
    copy.u.reply.hops = (uint8_t)(m->hops + 1);
    outbox_push(out, route, &copy);
}
