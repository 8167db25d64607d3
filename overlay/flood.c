/* SPDX-License-Identifier: MIT */
#include "overlay/flood.h"

#include <assert.h>

#include "overlay/flood_private.h"

#define ORIGINS_FIRST 4
#define TIDY_NS       (10 * NS_PER_S)

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
        .forward_max = 12,
        .life_max_s = 150,
        .skew_ns = 30 * NS_PER_S,
        .route_ns = 180 * NS_PER_S,
        .link_rate = { NS_PER_S / 25, 50 },
        .origin_rate = { 10 * NS_PER_S, 5 },
        .node_rate = { NS_PER_S / 50, 200 },
        .alone_rate = { 3 * NS_PER_S, 4 },
        .alone_new = 2,
        .alone_own = 3,
        .alone_fine = 2,
        .unsure_max = 128,
        .reply_rate = { NS_PER_S / 10, 32 },
        .reply_link = { NS_PER_S / 20, 64 },
        .replies_max = 64,
        .has_acks = true,
        .ack_ns = 400 * NS_PER_MS,
        .ack_rtts = 3,
        .dead_waits = 2,
        .has_push = true,
        .recent_ns = 60 * NS_PER_S,
        .repair_ns = 10 * NS_PER_S,
        .greets_all = true,
        .urgent_ns = 5 * NS_PER_S,
        .urgent_max = 4,
        .recent_bytes = 64 * 1024,
        .wanted_max = 64,
        .id_rate = { NS_PER_S / 200, 400 },
        .pull_rate = { NS_PER_S / 50, 128 },
        .check_link = { NS_PER_S / 40, 100 },
        .check_node = { NS_PER_S / 200, 400 },
        .byte_link = { NS_PER_S / 65536, 256 * 1024 },
        .has_scores = true,
        .score_max = 60,
        .score_ns = 10 * NS_PER_S,
        .excess_points = 1,
        .signature_points = 20,
        .broken_points = 5,
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
    *f = (struct floods){
        .p = p, .heap = heap, .key = seed, .wake_ns = TIME_NEVER, .tidy_ns = TIME_NEVER
    };
}

struct flood_state *flood_state(struct floods *f)
{
    if (f->state == NULL) {
        (void)flood_count(f);
        f->state = heap_take(f->heap, 1, sizeof(*f->state));
        seen_init(&f->state->seen, f->p->seen_max, f->key);
        if (f->tidy_ns == TIME_NEVER)
            f->tidy_ns = 0;
    }
    return f->state;
}

struct flood_counts *flood_count(struct floods *f)
{
    if (f->past == NULL)
        f->past = heap_take(f->heap, 1, sizeof(*f->past));
    return &f->past->counts;
}

struct flood_traffic *flood_traffic(struct floods *f, int peer)
{
    struct flood_link *link = flood_link(f, peer);

    if (link->traffic == NULL) {
        link->traffic = heap_take(f->heap, 1, sizeof(*link->traffic));
        flood_alone_begin(f, link, link->traffic);
        if (f->tidy_ns == TIME_NEVER)
            f->tidy_ns = 0;
    }
    return link->traffic;
}

void flood_peer_up(struct floods *f, int peer, int64_t debt_ns, int64_t now_ns)
{
    assert(peer >= 0 && peer < f->p->peers_max);
    f->links = sparse_add(&f->slots, f->heap, f->links, peer, sizeof(*f->links));
    *flood_link(f, peer) = (struct flood_link){ .slot = (uint8_t)peer,
                                                .generation = ++f->generation,
                                                .up_s = (uint32_t)(now_ns / NS_PER_S) };
    if (debt_ns > 0)
        flood_traffic(f, peer)->score.full_ns = debt_ns;
}

void flood_peer_down(struct floods *f, int peer, int64_t now_ns)
{
    struct flood_link *link;

    if (!sparse_has(&f->slots, peer))
        return;
    link = flood_link(f, peer);
    if (link->traffic != NULL) {
        flood_hops_drop(f, peer);
        heap_give(f->heap, link->traffic, 1, sizeof(*link->traffic));
    }
    flood_wanted_drop(f, peer);
    if (link->is_neighbour)
        f->repair_until_ns = now_ns + f->p->repair_ns;
    f->marks -= link->is_dead + link->is_abuser;
    f->links = sparse_remove(&f->slots, f->heap, f->links, peer, sizeof(*f->links));
}

static void finish_state(struct floods *f)
{
    struct flood_state *s = f->state;

    if (s == NULL)
        return;
    flood_hops_tidy(f);
    flood_recent_finish(f);
    flood_answers_finish(f);
    flood_alone_finish(f);
    seen_finish(&s->seen, f->heap);
    heap_give(f->heap, s->origins, (size_t)s->origin_room, sizeof(*s->origins));
    heap_give(f->heap, s, 1, sizeof(*s));
    f->state = NULL;
}

void floods_finish(struct floods *f)
{
    if (f->heap == NULL)
        return;
    while (f->slots.count > 0)
        flood_peer_down(f, f->links[0].slot, 0);
    finish_state(f);
    heap_give(f->heap, f->past, 1, sizeof(*f->past));
    floods_init(f, f->p, f->heap, f->key);
}

const struct flood_counts *flood_counts(const struct floods *f)
{
    static const struct flood_counts none;

    return f->past == NULL ? &none : &f->past->counts;
}

const struct flood_newest *flood_newest(const struct floods *f)
{
    static const struct flood_newest none;

    return f->past == NULL ? &none : &f->past->newest;
}

struct seen_row *flood_row(const struct floods *f, const struct flood_id *id)
{
    int32_t i = f->state == NULL ? -1 : seen_find(&f->state->seen, id);

    return i < 0 ? NULL : &f->state->seen.rows[i];
}

bool flood_knows(const struct floods *f, const struct flood_id *id)
{
    return flood_row(f, id) != NULL;
}

static uint32_t route_ms(const struct floods *f)
{
    return (uint32_t)(f->p->route_ns / NS_PER_MS);
}

static bool has_room(struct floods *f, int64_t now_ns)
{
    if (seen_make_room(&f->state->seen, f->heap, route_ms(f), seen_ms(now_ns)))
        return true;
    f->past->counts.cache_full++;
    return false;
}

static enum flood_verdict check_head(struct floods *f, const struct flood_head *h)
{
    struct flood_counts *c = flood_count(f);
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
    if (flood_row(f, &h->id) == NULL)
        return FLOOD_NEW;
    c->duplicates++;
    return FLOOD_DUPLICATE;
}

static struct flood_origin *find_origin(const struct flood_state *s, const uint8_t *key)
{
    for (int i = 0; i < s->origin_count; i++) {
        if (memcmp(s->origins[i].key, key, KEY_LEN) == 0)
            return &s->origins[i];
    }
    return NULL;
}

static void resize_origins(struct floods *f, int room)
{
    struct flood_state *s = f->state;

    s->origins = heap_resize(f->heap, s->origins, (size_t)s->origin_room, (size_t)room,
                             sizeof(*s->origins));
    s->origin_room = room;
}

static struct flood_origin *new_origin(struct floods *f)
{
    struct flood_state *s = f->state;

    if (s->origin_count == s->origin_room)
        resize_origins(f, s->origin_room == 0 ? ORIGINS_FIRST : 2 * s->origin_room);
    return &s->origins[s->origin_count++];
}

/* Whose bucket is full again says nothing. */
static void tidy_origins(struct floods *f, int64_t now_ns)
{
    struct flood_state *s = f->state;
    int room = s->origin_room;

    for (int i = s->origin_count - 1; i >= 0; i--) {
        if (s->origins[i].bucket.full_ns <= now_ns)
            s->origins[i] = s->origins[--s->origin_count];
    }
    while (room > ORIGINS_FIRST && s->origin_count <= room / 4)
        room /= 2;
    if (s->origin_count == 0)
        room = 0;
    if (room < s->origin_room)
        resize_origins(f, room);
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
    assert(least != NULL);
    *least = (struct flood_origin){ .bucket = { 0 } };
    memcpy(least->key, key, KEY_LEN);
    return least;
}

/* The rates that only a good signature may use up. */
static bool is_within_rates(struct floods *f, const struct flood_head *h, int64_t now_ns)
{
    struct flood_state *s = flood_state(f);
    const struct flood_origin *o = find_origin(s, h->origin);

    if (o != NULL && !bucket_has(&o->bucket, f->p->origin_rate, now_ns)) {
        f->past->counts.origin_limited++;
        return false;
    }
    if (!bucket_has(&s->node, f->p->node_rate, now_ns)) {
        f->past->counts.node_limited++;
        return false;
    }
    return true;
}

enum flood_verdict flood_probe(struct floods *f, const struct flood_head *h,
                               int64_t now_ns)
{
    int other;
    bool is_asked = flood_wanted_take(f, &h->id, h->peer, &other);
    enum flood_verdict verdict = check_head(f, h);

    if (verdict == FLOOD_BAD_HOPS)
        flood_blame(f, h->peer, f->p->signature_points, now_ns);
    if (verdict != FLOOD_NEW)
        return verdict;
    if (!flood_alone_admits(f, h, other, now_ns))
        return FLOOD_LIMITED;
    /* What we asked for costs no token: its sender did not choose when to send it. */
    if (!is_asked &&
        !bucket_take(&flood_traffic(f, h->peer)->floods, f->p->link_rate, now_ns)) {
        f->past->counts.link_limited++;
        flood_blame(f, h->peer, f->p->excess_points, now_ns);
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
    row->peer = (int8_t)(h->peer < 0 ? SEEN_OWN : h->peer);
    flood_alone_charge(f, h, row, now_ns);
    row->generation = h->peer < 0 ? 0 : flood_link(f, h->peer)->generation;
    f->past->newest = (struct flood_newest){ .id = h->id,
                                             .at_ns = now_ns,
                                             .hops = h->peer < 0 ? 0 : h->hops };
}

enum flood_verdict flood_commit(struct floods *f, const struct flood_head *h,
                                int64_t now_ns)
{
    enum flood_verdict verdict = check_head(f, h);
    struct flood_state *s = flood_state(f);

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
    flood_wanted_come(f, &h->id);
    f->past->counts.admitted++;
    return FLOOD_NEW;
}

bool flood_take_bytes(struct floods *f, int peer, size_t len, int64_t now_ns)
{
    struct bucket *b = &flood_traffic(f, peer)->bytes;

    if (!bucket_has(b, f->p->byte_link, now_ns)) {
        flood_count(f)->bytes_limited++;
        flood_blame(f, peer, f->p->excess_points, now_ns);
        return false;
    }
    b->full_ns = (b->full_ns > now_ns ? b->full_ns : now_ns) +
                 (int64_t)len * f->p->byte_link.period_ns;
    return true;
}

bool flood_may_check(struct floods *f, int peer, int64_t now_ns)
{
    struct flood_state *s = flood_state(f);

    if (bucket_take(&flood_traffic(f, peer)->checks, f->p->check_link, now_ns) &&
        bucket_take(&s->checks, f->p->check_node, now_ns))
        return true;
    f->past->counts.unchecked++;
    return false;
}

void flood_blame(struct floods *f, int peer, int points, int64_t now_ns)
{
    struct flood_link *link = flood_link(f, peer);
    struct bucket *b = &flood_traffic(f, peer)->score;

    if (!f->p->has_scores || points == 0)
        return;
    b->full_ns = (b->full_ns > now_ns ? b->full_ns : now_ns) + points * f->p->score_ns;
    if (link->is_abuser || flood_score(f, peer, now_ns) < f->p->score_max)
        return;
    link->is_abuser = true;
    f->marks++;
}

int flood_score(const struct floods *f, int peer, int64_t now_ns)
{
    const struct flood_traffic *t = sparse_has(&f->slots, peer)
                                        ? flood_link(f, peer)->traffic
                                        : NULL;

    if (t == NULL || t->score.full_ns <= now_ns)
        return 0;
    return (int)((t->score.full_ns - now_ns + f->p->score_ns - 1) / f->p->score_ns);
}

bool flood_take_dead(struct floods *f, int *peer)
{
    for (int k = 0; f->marks > 0 && k < f->slots.count; k++) {
        struct flood_link *link = &f->links[k];

        if (!link->is_dead)
            continue;
        link->is_dead = false;
        f->marks--;
        *peer = link->slot;
        return true;
    }
    return false;
}

bool flood_take_abuser(struct floods *f, int *peer)
{
    for (int k = 0; f->marks > 0 && k < f->slots.count; k++) {
        struct flood_link *link = &f->links[k];

        if (!link->is_abuser)
            continue;
        link->is_abuser = false;
        f->marks--;
        *peer = link->slot;
        return true;
    }
    return false;
}

/* Nothing of what came on this link has a bearing on what comes. */
static bool is_quiet(const struct flood_traffic *t, int64_t now_ns)
{
    int64_t full_ns = t->floods.full_ns;
    const struct bucket *others[] = { &t->sends, &t->alone, &t->replies, &t->checks,
                                      &t->bytes, &t->ids,   &t->pulls,   &t->score };

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        full_ns = others[i]->full_ns > full_ns ? others[i]->full_ns : full_ns;
    return full_ns <= now_ns && t->suspect_ns == 0 && t->unacked_count == 0;
}

/* The traffic of links that are quiet goes.  True when there is none left. */
static bool tidy_links(struct floods *f, int64_t now_ns)
{
    bool is_left = false;

    for (int k = 0; k < f->slots.count; k++) {
        struct flood_link *link = &f->links[k];

        if (link->traffic == NULL)
            continue;
        if (is_quiet(link->traffic, now_ns)) {
            heap_give(f->heap, link->traffic, 1, sizeof(*link->traffic));
            link->traffic = NULL;
        }
        is_left = is_left || link->traffic != NULL;
    }
    return !is_left;
}

/* … and the state, when no flood is left in it.  True when there is none left. */
static bool tidy_state(struct floods *f, int64_t now_ns)
{
    struct flood_state *s = f->state;

    if (s == NULL)
        return true;
    flood_recent_forget(f, now_ns);
    flood_hops_tidy(f);
    tidy_origins(f, now_ns);
    seen_tidy(&s->seen, f->heap, route_ms(f), seen_ms(now_ns));
    if (s->seen.count > 0)
        return false;
    flood_answers_finish(f);
    if (s->oldest != NULL || s->origin_count + s->wanted_count > 0 ||
        s->unacked_count + s->suspects > 0 || s->node.full_ns > now_ns ||
        s->checks.full_ns > now_ns)
        return false;
    finish_state(f);
    return true;
}

void flood_tidy(struct floods *f, int64_t now_ns)
{
    bool is_tidy;

    if (now_ns < f->tidy_ns)
        return;
    is_tidy = tidy_links(f, now_ns);
    is_tidy = tidy_state(f, now_ns) && is_tidy;
    f->tidy_ns = is_tidy ? TIME_NEVER : now_ns + TIDY_NS;
}

const char *floods_check(const struct floods *f)
{
    if (f->state == NULL)
        return NULL;
    if (f->state->origin_count > f->p->origins_max)
        return "too many origins";
    if (f->state->wanted_count > f->p->wanted_max ||
        f->state->body_bytes > f->p->recent_bytes)
        return "too many floods are kept or wanted";
    return seen_check(&f->state->seen);
}
