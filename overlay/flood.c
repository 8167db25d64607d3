/* SPDX-License-Identifier: MIT */
#include "overlay/flood.h"

#include <assert.h>

#include "overlay/flood_private.h"

#define ROOM_FIRST 8

struct flood_origin {
    uint8_t key[KEY_LEN];
    struct bucket bucket;
};

struct flood_params flood_params_default(void)
{
    return (struct flood_params){
        .peers_max = 64,
        .seen_max = 16384,
        .origins_max = 256,
        .answers_max = 512,
        .ttl_max = 12,
        .life_max_s = 150,
        .skew_ns = 30 * NS_PER_S,
        .route_ns = 180 * NS_PER_S,
        .link_rate = { NS_PER_S / 5, 20 },
        .origin_rate = { 10 * NS_PER_S, 3 },
        .node_rate = { NS_PER_S / 50, 200 },
        .reply_rate = { NS_PER_S / 10, 32 },
        .reply_link = { NS_PER_S / 20, 64 },
        .replies_max = 64,
    };
}

int64_t flood_seen_needed(const struct flood_params *p)
{
    int64_t stay_ns = p->life_max_s * NS_PER_S + 2 * p->skew_ns + SEEN_SWEEP_NS;

    return p->node_rate.burst + stay_ns / p->node_rate.period_ns + 1;
}

void floods_init(struct floods *f, const struct flood_params *p, struct heap *heap,
                 uint64_t seed)
{
    assert(p->peers_max > 0 && p->seen_max > 0 && p->origins_max > 0);
    assert(p->answers_max > 0 && p->ttl_max > 0 && p->ttl_max < UINT8_MAX);
    *f = (struct floods){ .p = p, .heap = heap, .key = seed };
}

struct flood_state *flood_state(struct floods *f)
{
    if (f->state == NULL) {
        f->state = heap_take(f->heap, 1, sizeof(*f->state));
        seen_init(&f->state->seen, f->p->seen_max, f->key);
    }
    return f->state;
}

struct flood_traffic *flood_traffic(struct floods *f, int peer)
{
    struct flood_link *link = &f->links[peer];

    assert(peer >= 0 && peer < f->link_room && link->is_up);
    if (link->traffic == NULL)
        link->traffic = heap_take(f->heap, 1, sizeof(*link->traffic));
    return link->traffic;
}

void flood_peer_up(struct floods *f, int peer)
{
    int room = f->link_room == 0 ? ROOM_FIRST : f->link_room;

    assert(peer >= 0 && peer < f->p->peers_max);
    while (room <= peer)
        room *= 2;
    if (room > f->link_room) {
        f->links = heap_resize(f->heap, f->links, (size_t)f->link_room, (size_t)room,
                               sizeof(*f->links));
        f->link_room = room;
    }
    f->links[peer].is_up = true;
}

void flood_peer_down(struct floods *f, int peer)
{
    struct flood_link *link = &f->links[peer];

    if (peer >= f->link_room)
        return;
    heap_give(f->heap, link->traffic, 1, sizeof(*link->traffic));
    *link = (struct flood_link){ .generation = (uint16_t)(link->generation + 1) };
}

void floods_finish(struct floods *f)
{
    struct flood_state *s = f->state;

    for (int i = 0; i < f->link_room; i++)
        flood_peer_down(f, i);
    heap_give(f->heap, f->links, (size_t)f->link_room, sizeof(*f->links));
    if (s != NULL) {
        seen_finish(&s->seen, f->heap);
        heap_give(f->heap, s->origins, (size_t)s->origin_room, sizeof(*s->origins));
        if (s->answers != NULL)
            heap_give(f->heap, s->answers, (size_t)f->p->answers_max,
                      sizeof(*s->answers));
        heap_give(f->heap, s, 1, sizeof(*s));
    }
    floods_init(f, f->p, f->heap, f->key);
}

const struct flood_counts *flood_counts(const struct floods *f)
{
    static const struct flood_counts none;

    return f->state == NULL ? &none : &f->state->counts;
}

const struct flood_newest *flood_newest(const struct floods *f)
{
    static const struct flood_newest none;

    return f->state == NULL ? &none : &f->state->newest;
}

bool flood_is_seen(struct floods *f, const struct flood_id *id)
{
    if (f->state == NULL || seen_find(&f->state->seen, id) < 0)
        return false;
    f->state->counts.duplicates++;
    return true;
}

static uint32_t route_ms(const struct floods *f)
{
    return (uint32_t)(f->p->route_ns / NS_PER_MS);
}

static bool has_room(struct floods *f, int64_t now_ns)
{
    if (seen_make_room(&f->state->seen, f->heap, route_ms(f), seen_ms(now_ns)))
        return true;
    f->state->counts.cache_full++;
    return false;
}

static enum flood_verdict check_head(struct floods *f, const struct flood_head *h)
{
    struct flood_counts *c = &flood_state(f)->counts;
    int64_t life_ns = h->life_s * NS_PER_S;

    if (h->ttl < 1 || (h->ttl > f->p->ttl_max && !h->is_tree) || h->hops < 1 ||
        h->hops > h->ttl || (h->hops == 1 && h->peer >= 0 && !h->is_from_origin)) {
        c->bad_hops++;
        return FLOOD_BAD_HOPS;
    }
    if (h->life_s > f->p->life_max_s || h->age_ns > life_ns ||
        h->age_ns < -f->p->skew_ns) {
        c->expired++;
        return FLOOD_EXPIRED;
    }
    return flood_is_seen(f, &h->id) ? FLOOD_DUPLICATE : FLOOD_NEW;
}

static struct flood_origin *find_origin(const struct flood_state *s, const uint8_t *key)
{
    for (int i = 0; i < s->origin_count; i++) {
        if (memcmp(s->origins[i].key, key, KEY_LEN) == 0)
            return &s->origins[i];
    }
    return NULL;
}

static struct flood_origin *new_origin(struct floods *f)
{
    struct flood_state *s = f->state;
    int room = s->origin_room == 0 ? ROOM_FIRST : 2 * s->origin_room;

    if (s->origin_count == s->origin_room) {
        s->origins = heap_resize(f->heap, s->origins, (size_t)s->origin_room,
                                 (size_t)room, sizeof(*s->origins));
        s->origin_room = room;
    }
    return &s->origins[s->origin_count++];
}

/* The entry of an origin: one whose bucket is full again says nothing and is free to be
 * used; in a full table the one that is the least in debt goes.  node_rate sees to it
 * that nobody can empty the table within one origin_rate period. */
static struct flood_origin *take_origin(struct floods *f, const uint8_t *key,
                                        int64_t now_ns)
{
    struct flood_state *s = f->state;
    struct flood_origin *o = find_origin(s, key);
    struct flood_origin *least = NULL;

    if (o != NULL)
        return o;
    for (int i = 0; i < s->origin_count; i++) {
        if (least == NULL || s->origins[i].bucket.full_ns < least->bucket.full_ns)
            least = &s->origins[i];
    }
    if (s->origin_count < f->p->origins_max &&
        (least == NULL || least->bucket.full_ns > now_ns))
        least = new_origin(f);
    *least = (struct flood_origin){ .bucket = { 0 } };
    memcpy(least->key, key, KEY_LEN);
    return least;
}

/* The rates that only a good signature may use up. */
static bool is_within_rates(struct floods *f, const struct flood_head *h, int64_t now_ns)
{
    struct flood_state *s = f->state;
    const struct flood_origin *o = find_origin(s, h->origin);

    if (o != NULL && !bucket_has(&o->bucket, f->p->origin_rate, now_ns)) {
        s->counts.origin_limited++;
        return false;
    }
    if (!bucket_has(&s->node, f->p->node_rate, now_ns)) {
        s->counts.node_limited++;
        return false;
    }
    return true;
}

enum flood_verdict flood_probe(struct floods *f, const struct flood_head *h,
                               int64_t now_ns)
{
    enum flood_verdict verdict = check_head(f, h);

    if (verdict != FLOOD_NEW)
        return verdict;
    if (!bucket_take(&flood_traffic(f, h->peer)->floods, f->p->link_rate, now_ns)) {
        f->state->counts.link_limited++;
        return FLOOD_LIMITED;
    }
    if (!is_within_rates(f, h, now_ns) || !has_room(f, now_ns))
        return FLOOD_LIMITED;
    return FLOOD_NEW;
}

static void remember(struct floods *f, const struct flood_head *h, int64_t now_ns)
{
    struct flood_state *s = f->state;
    struct seen_row *row = &s->seen.rows[seen_add(&s->seen, &h->id)];
    int64_t stay_ns = h->life_s * NS_PER_S - h->age_ns + f->p->skew_ns;

    row->born_ms = seen_ms(now_ns);
    row->until_ms = seen_ms(now_ns + stay_ns) + 1;
    row->replies_ms = row->born_ms;
    row->hops = h->hops;
    row->ttl = h->ttl;
    row->peer = (int16_t)(h->peer < 0 ? SEEN_OWN : h->peer);
    row->generation = h->peer < 0 ? 0 : f->links[h->peer].generation;
    s->newest = (struct flood_newest){ .id = h->id,
                                       .at_ns = now_ns,
                                       .hops = h->peer < 0 ? 0 : h->hops };
}

enum flood_verdict flood_commit(struct floods *f, const struct flood_head *h,
                                int64_t now_ns)
{
    enum flood_verdict verdict = check_head(f, h);
    struct flood_state *s = f->state;

    assert(h->peer < f->p->peers_max);
    if (verdict != FLOOD_NEW)
        return verdict;
    if (h->peer >= 0 && !is_within_rates(f, h, now_ns))
        return FLOOD_LIMITED;
    seen_sweep_some(&s->seen, route_ms(f), seen_ms(now_ns));
    if (!has_room(f, now_ns))
        return FLOOD_LIMITED;
    if (h->peer >= 0) {
        (void)bucket_take(&take_origin(f, h->origin, now_ns)->bucket, f->p->origin_rate,
                          now_ns);
        (void)bucket_take(&s->node, f->p->node_rate, now_ns);
    }
    remember(f, h, now_ns);
    s->counts.admitted++;
    return FLOOD_NEW;
}

int flood_forward(struct floods *f, const struct msg_flood *m, int ttl, int from_peer,
                  const int *active, int count, struct outbox *out)
{
    struct msg copy = { .type = MSG_FLOOD };
    int sent;

    copy.u.flood = *m;
    if (from_peer >= 0) {
        if (m->hops >= ttl || m->hops >= f->p->ttl_max)
            return 0;
        copy.u.flood.hops = (uint8_t)(m->hops + 1);
    }
    sent = outbox_push_all(out, active, count, from_peer, &copy);
    flood_state(f)->counts.sent += sent;
    return sent;
}

static int route_of(const struct floods *f, const struct seen_row *row, int64_t now_ns)
{
    if (row->peer < 0 ||
        seen_ms_since(seen_ms(now_ns), row->born_ms) >= (int32_t)route_ms(f) ||
        row->generation != f->links[row->peer].generation)
        return -1;
    return row->peer;
}

static struct seen_row *find(const struct floods *f, const struct flood_id *id)
{
    int32_t i = f->state == NULL ? -1 : seen_find(&f->state->seen, id);

    return i < 0 ? NULL : &f->state->seen.rows[i];
}

int flood_route(const struct floods *f, const struct flood_id *id, int64_t now_ns)
{
    const struct seen_row *row = find(f, id);

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
    struct flood_counts *c = &flood_state(f)->counts;
    const struct seen_row *row = find(f, &m->flood);

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

/* True when this answerer has answered this flood lately; remembers it otherwise. */
static bool has_answered(struct floods *f, const struct flood_id *id,
                         const uint8_t *answerer)
{
    struct flood_state *s = f->state;
    uint64_t tag = answer_tag(f, id, answerer);

    if (s->answers == NULL)
        s->answers = heap_take(f->heap, (size_t)f->p->answers_max, sizeof(*s->answers));
    for (int i = 0; i < f->p->answers_max; i++) {
        if (s->answers[i] == tag)
            return true;
    }
    s->answers[s->answer_next] = tag;
    s->answer_next = (s->answer_next + 1) % f->p->answers_max;
    return false;
}

enum flood_reply_verdict flood_reply_commit(struct floods *f, const struct flood_id *id,
                                            const uint8_t *answerer, int64_t now_ns)
{
    struct flood_counts *c = &flood_state(f)->counts;
    struct seen_row *row = find(f, id);

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
        flood_state(f)->counts.replies_bad_hops++;
        return;
    }
    copy.u.reply = *m;
    copy.u.reply.hops = (uint8_t)(m->hops + 1);
    outbox_push(out, route, &copy);
}

const char *floods_check(const struct floods *f)
{
    if (f->state == NULL)
        return NULL;
    if (f->state->origin_count > f->p->origins_max)
        return "too many origins";
    return seen_check(&f->state->seen);
}
