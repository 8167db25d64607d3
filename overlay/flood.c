/* SPDX-License-Identifier: MIT */
#include "overlay/flood.h"

#include <assert.h>

#define SWEEP_NS NS_PER_S

struct flood_seen {
    struct flood_id id;
    int64_t until_ns; /* a copy might still be taken for a new one: not to be forgotten */
    int64_t route_ns; /* the way back is good until then */
    struct bucket replies;
    int32_t next;        /* in its chain, or of the free ones; -1: last */
    int32_t peer;        /* it came from; -1: our own; -2: this entry is free */
    uint32_t generation; /* of the peer's slot */
    int32_t reply_count;
};

struct flood_origin {
    uint8_t key[KEY_LEN];
    struct bucket bucket;
};

struct flood_link {
    uint32_t generation; /* counts the links that this slot has had */
    struct bucket floods;
    struct bucket replies;
};

enum { PEER_OWN = -1, PEER_FREE = -2 };

struct flood_params flood_params_default(void)
{
    return (struct flood_params){
        .peers_max = 64,
        .seen_max = 4096,
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

int floods_init(struct floods *f, const struct flood_params *p, struct arena *a,
                uint64_t seed)
{
    assert(p->peers_max > 0 && p->seen_max > 0 && p->origins_max > 0);
    assert(p->answers_max > 0 && p->ttl_max > 0 && p->ttl_max < UINT8_MAX);
    *f = (struct floods){
        .p = *p, .key = seed, .swept_ns = INT64_MIN, .bucket_count = 1
    };
    while (f->bucket_count < p->seen_max)
        f->bucket_count *= 2;
    f->seen = arena_take(a, (size_t)p->seen_max, sizeof(*f->seen));
    f->buckets = arena_take(a, (size_t)f->bucket_count, sizeof(*f->buckets));
    f->origins = arena_take(a, (size_t)p->origins_max, sizeof(*f->origins));
    f->links = arena_take(a, (size_t)p->peers_max, sizeof(*f->links));
    f->answers = arena_take(a, (size_t)p->answers_max, sizeof(*f->answers));
    if (f->seen == NULL || f->buckets == NULL || f->origins == NULL || f->links == NULL ||
        f->answers == NULL)
        return ERR_NOMEM;
    for (int i = 0; i < p->seen_max; i++) {
        f->seen[i].peer = PEER_FREE;
        f->seen[i].next = i + 1 < p->seen_max ? i + 1 : -1;
    }
    for (int i = 0; i < f->bucket_count; i++)
        f->buckets[i] = -1;
    return 0;
}

void flood_peer_down(struct floods *f, int peer)
{
    struct flood_link *link = &f->links[peer];

    assert(peer >= 0 && peer < f->p.peers_max);
    *link = (struct flood_link){ .generation = link->generation + 1 };
}

/* Multiplicative hashing of keyed bytes; Fibonacci's constant (Knuth, TAOCP 6.4). */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    return x ^ x >> 32;
}

static int32_t *chain(const struct floods *f, const struct flood_id *id)
{
    uint64_t h = mix(load_be64(id->b) ^ f->key);

    return &f->buckets[h & (uint64_t)(f->bucket_count - 1)];
}

static struct flood_seen *find(const struct floods *f, const struct flood_id *id)
{
    for (int32_t i = *chain(f, id); i >= 0; i = f->seen[i].next) {
        if (flood_id_equal(&f->seen[i].id, id))
            return &f->seen[i];
    }
    return NULL;
}

static void forget(struct floods *f, int32_t index)
{
    struct flood_seen *s = &f->seen[index];
    int32_t *link = chain(f, &s->id);

    while (*link != index)
        link = &f->seen[*link].next;
    *link = s->next;
    s->peer = PEER_FREE;
    s->next = f->free;
    f->free = index;
    f->seen_count--;
}

static void sweep(struct floods *f, bool is_hard, int64_t now_ns)
{
    for (int32_t i = 0; i < f->p.seen_max; i++) {
        const struct flood_seen *s = &f->seen[i];

        if (s->peer != PEER_FREE && s->until_ns <= now_ns &&
            (is_hard || s->route_ns <= now_ns))
            forget(f, i);
    }
}

/* A valid id is never forgotten for a new one; a way back is, when there is no other
 * room. Looks for room at most once in SWEEP_NS, so that a full memory costs no time. */
static bool has_room(struct floods *f, int64_t now_ns)
{
    if (f->free >= 0)
        return true;
    if (f->swept_ns != INT64_MIN && now_ns - f->swept_ns < SWEEP_NS)
        return false;
    f->swept_ns = now_ns;
    sweep(f, false, now_ns);
    if (f->free < 0)
        sweep(f, true, now_ns);
    return f->free >= 0;
}

static enum flood_verdict check_head(struct floods *f, const struct flood_head *h)
{
    int64_t life_ns = h->life_s * NS_PER_S;

    if (h->ttl < 1 || h->ttl > f->p.ttl_max || h->hops < 1 || h->hops > h->ttl ||
        (h->hops == 1 && h->peer >= 0 && !h->is_from_origin)) {
        f->counts.bad_hops++;
        return FLOOD_BAD_HOPS;
    }
    if (h->life_s > f->p.life_max_s || h->age_ns > life_ns || h->age_ns < -f->p.skew_ns) {
        f->counts.expired++;
        return FLOOD_EXPIRED;
    }
    if (find(f, &h->id) != NULL) {
        f->counts.duplicates++;
        return FLOOD_DUPLICATE;
    }
    return FLOOD_NEW;
}

static struct flood_origin *find_origin(const struct floods *f, const uint8_t *key)
{
    for (int i = 0; i < f->origin_count; i++) {
        if (memcmp(f->origins[i].key, key, KEY_LEN) == 0)
            return &f->origins[i];
    }
    return NULL;
}

/* The entry of an origin, if need be in the place of the one whose bucket is the fullest.
 * node_rate sees to it that nobody can empty the table within one origin_rate period. */
static struct flood_origin *take_origin(struct floods *f, const uint8_t *key)
{
    struct flood_origin *o = find_origin(f, key);

    if (o != NULL)
        return o;
    if (f->origin_count < f->p.origins_max) {
        o = &f->origins[f->origin_count++];
    } else {
        o = &f->origins[0];
        for (int i = 1; i < f->origin_count; i++) {
            if (f->origins[i].bucket.full_ns < o->bucket.full_ns)
                o = &f->origins[i];
        }
    }
    *o = (struct flood_origin){ .bucket = { 0 } };
    memcpy(o->key, key, KEY_LEN);
    return o;
}

/* The rates that only a good signature may use up. */
static bool is_within_rates(struct floods *f, const struct flood_head *h, int64_t now_ns)
{
    const struct flood_origin *o = find_origin(f, h->origin);

    if (o != NULL && !bucket_has(&o->bucket, f->p.origin_rate, now_ns)) {
        f->counts.origin_limited++;
        return false;
    }
    if (!bucket_has(&f->node, f->p.node_rate, now_ns)) {
        f->counts.node_limited++;
        return false;
    }
    return true;
}

enum flood_verdict flood_probe(struct floods *f, const struct flood_head *h,
                               int64_t now_ns)
{
    enum flood_verdict verdict = check_head(f, h);

    assert(h->peer >= 0 && h->peer < f->p.peers_max);
    if (verdict != FLOOD_NEW)
        return verdict;
    if (!bucket_take(&f->links[h->peer].floods, f->p.link_rate, now_ns)) {
        f->counts.link_limited++;
        return FLOOD_LIMITED;
    }
    if (!is_within_rates(f, h, now_ns))
        return FLOOD_LIMITED;
    if (!has_room(f, now_ns)) {
        f->counts.cache_full++;
        return FLOOD_LIMITED;
    }
    return FLOOD_NEW;
}

static void remember(struct floods *f, const struct flood_head *h, int64_t now_ns)
{
    int32_t index = f->free;
    int32_t *head = chain(f, &h->id);
    struct flood_seen *s = &f->seen[index];

    f->free = s->next;
    *s = (struct flood_seen){
        .id = h->id,
        .until_ns = now_ns + h->life_s * NS_PER_S - h->age_ns + f->p.skew_ns,
        .route_ns = now_ns + f->p.route_ns,
        .next = *head,
        .peer = h->peer < 0 ? PEER_OWN : h->peer,
        .generation = h->peer < 0 ? 0 : f->links[h->peer].generation
    };
    *head = index;
    f->seen_count++;
}

enum flood_verdict flood_commit(struct floods *f, const struct flood_head *h,
                                int64_t now_ns)
{
    enum flood_verdict verdict = check_head(f, h);

    assert(h->peer < f->p.peers_max);
    if (verdict != FLOOD_NEW)
        return verdict;
    if (h->peer >= 0 && !is_within_rates(f, h, now_ns))
        return FLOOD_LIMITED;
    if (!has_room(f, now_ns)) {
        f->counts.cache_full++;
        return FLOOD_LIMITED;
    }
    if (h->peer >= 0) {
        (void)bucket_take(&take_origin(f, h->origin)->bucket, f->p.origin_rate, now_ns);
        (void)bucket_take(&f->node, f->p.node_rate, now_ns);
    }
    remember(f, h, now_ns);
    f->counts.admitted++;
    return FLOOD_NEW;
}

int flood_forward(struct floods *f, const struct msg_flood *m, int ttl, int from_peer,
                  const int *active, int count, struct outbox *out)
{
    struct msg copy = { .type = MSG_FLOOD, .u.flood = *m };
    int sent = 0;

    if (from_peer >= 0) {
        if (m->hops >= ttl || m->hops >= f->p.ttl_max)
            return 0;
        copy.u.flood.hops = (uint8_t)(m->hops + 1);
    }
    for (int i = 0; i < count; i++) {
        if (active[i] == from_peer)
            continue;
        outbox_push(out, active[i], &copy);
        sent++;
    }
    f->counts.sent += sent;
    return sent;
}

static int route_of(const struct floods *f, const struct flood_seen *s, int64_t now_ns)
{
    if (s->peer < 0 || s->route_ns <= now_ns ||
        s->generation != f->links[s->peer].generation)
        return -1;
    return s->peer;
}

int flood_route(const struct floods *f, const struct flood_id *id, int64_t now_ns)
{
    const struct flood_seen *s = find(f, id);

    return s == NULL ? -1 : route_of(f, s, now_ns);
}

static bool is_reply_limited(const struct floods *f, const struct flood_seen *s,
                             int64_t now_ns)
{
    return s->reply_count >= f->p.replies_max ||
           (s->peer != PEER_OWN && !bucket_has(&s->replies, f->p.reply_rate, now_ns));
}

enum flood_reply_verdict flood_reply_probe(struct floods *f, const struct msg_reply *m,
                                           int peer, int64_t now_ns, int *route)
{
    const struct flood_seen *s = find(f, &m->flood);

    assert(peer >= 0 && peer < f->p.peers_max);
    *route = -1;
    if (m->hops < 1 || m->hops > f->p.ttl_max) {
        f->counts.replies_bad_hops++;
        return FLOOD_REPLY_BAD_HOPS;
    }
    if (s != NULL)
        *route = route_of(f, s, now_ns);
    /* An answer that comes from where the question came from goes round in circles. */
    if (s == NULL || (s->peer != PEER_OWN && (*route < 0 || *route == peer))) {
        f->counts.replies_lost++;
        return FLOOD_REPLY_LOST;
    }
    if (!bucket_take(&f->links[peer].replies, f->p.reply_link, now_ns) ||
        is_reply_limited(f, s, now_ns)) {
        f->counts.replies_limited++;
        return FLOOD_REPLY_LIMITED;
    }
    return s->peer == PEER_OWN ? FLOOD_REPLY_OWN : FLOOD_REPLY_PASS;
}

/* True when this answerer has answered this flood lately; remembers it otherwise. */
static bool has_answered(struct floods *f, const struct flood_id *id,
                         const uint8_t *answerer)
{
    uint64_t tag = mix(load_be64(id->b) ^ f->key) ^ mix(load_be64(answerer) + f->key);

    for (int i = 0; i < f->p.answers_max; i++) {
        if (f->answers[i] == tag)
            return true;
    }
    f->answers[f->answer_next] = tag;
    f->answer_next = (f->answer_next + 1) % f->p.answers_max;
    return false;
}

enum flood_reply_verdict flood_reply_commit(struct floods *f, const struct flood_id *id,
                                            const uint8_t *answerer, int64_t now_ns)
{
    struct flood_seen *s = find(f, id);

    if (s == NULL) {
        f->counts.replies_lost++;
        return FLOOD_REPLY_LOST;
    }
    if (is_reply_limited(f, s, now_ns)) {
        f->counts.replies_limited++;
        return FLOOD_REPLY_LIMITED;
    }
    if (has_answered(f, id, answerer)) {
        f->counts.replies_double++;
        return FLOOD_REPLY_DOUBLE;
    }
    s->reply_count++;
    (void)bucket_take(&s->replies, f->p.reply_rate, now_ns);
    f->counts.replies++;
    return s->peer == PEER_OWN ? FLOOD_REPLY_OWN : FLOOD_REPLY_PASS;
}

void flood_reply_forward(struct floods *f, const struct msg_reply *m, int route,
                         struct outbox *out)
{
    struct msg copy = { .type = MSG_REPLY, .u.reply = *m };

    if (m->hops >= f->p.ttl_max) {
        f->counts.replies_bad_hops++;
        return;
    }
    copy.u.reply.hops = (uint8_t)(m->hops + 1);
    outbox_push(out, route, &copy);
}

const char *floods_check(const struct floods *f)
{
    int used = 0;
    int chained = 0;

    for (int i = 0; i < f->p.seen_max; i++) {
        used += f->seen[i].peer != PEER_FREE;
        if (f->seen[i].peer != PEER_FREE && find(f, &f->seen[i].id) != &f->seen[i])
            return "a flood is not in its chain, or twice";
    }
    for (int i = 0; i < f->bucket_count; i++) {
        for (int32_t k = f->buckets[i]; k >= 0; k = f->seen[k].next)
            chained++;
    }
    if (used != f->seen_count || chained != f->seen_count)
        return "the count of floods is wrong";
    return f->origin_count > f->p.origins_max ? "too many origins" : NULL;
}
