/* Walks: a JOIN is forwarded along random neighbours until it comes to rest where the
 * newcomer gets a slot (HyParView section 4.3); a SHUFFLE likewise, and the two ends then
 * exchange records directly (section 4.4).  Only the origin's record walks: the lists
 * would cost each node on the way a kilobyte.  SPDX-License-Identifier: MIT */
#include "overlay/view_private.h"

#include <assert.h>

static bool is_loopback(const struct addr *a)
{
    static const uint8_t one[16] = { [15] = 1 };

    return a->len == 4 ? a->ip[0] == 127 : a->len == 16 && memcmp(a->ip, one, 16) == 0;
}

/* Nobody from outside may make us knock at this machine's own services. */
static bool may_name(const struct overlay *o, int peer, const struct addr *a)
{
    return passive_is_dialable(a) &&
           (!is_loopback(a) || is_loopback(&overlay_rec(o, peer)->addr));
}

bool view_is_sound(struct overlay *o, int peer, const struct peer_rec *rec)
{
    if (node_id_equal(&rec->id, &view_self(o)->id))
        return false;
    if (may_name(o, peer, &rec->addr) && !node_id_is_zero(&rec->id) &&
        (rec->via.len == 0 || may_name(o, peer, &rec->via)))
        return true;
    o->counts.bad_records++;
    return false;
}

bool view_is_neighbour(const struct overlay *o, const struct node_id *id)
{
    uint16_t tag = contact_tag(id);

    for (int i = 0; i < o->active_count; i++) {
        if (view_peer(o, o->active[i])->tag == tag &&
            node_id_equal(&overlay_rec(o, o->active[i])->id, id))
            return true;
    }
    return false;
}

static void learn_one(struct overlay *o, int peer, const struct peer_rec *rec)
{
    struct overlay_peer *x = view_peer(o, peer);
    bool is_full = o->passive.count >= o->passive.max && o->p->learn_max > 0;

    if (!view_is_sound(o, peer, rec) || view_is_neighbour(o, &rec->id))
        return;
    /* Nobody replaces what we know by what he says. */
    if (is_full && passive_find(&o->passive, &rec->id) < 0) {
        if (x->learned >= o->p->learn_max)
            return;
        x->learned++;
    }
    (void)passive_add(&o->passive, rec, false, &o->rng);
}

void view_learn(struct overlay *o, int peer, const struct peer_recs *recs)
{
    assert(recs->count >= 0 && recs->count <= MSG_RECS_MAX);
    for (int i = 0; i < recs->count; i++)
        learn_one(o, peer, &recs->list[i]);
}

int view_pick(struct overlay *o, int not_peer, const struct node_id *not_id)
{
    int list[OVERLAY_ACTIVE_MAX];
    int count = 0;

    for (int i = 0; i < o->active_count; i++) {
        int peer = o->active[i];

        if (peer != not_peer &&
            (not_id == NULL || !node_id_equal(&overlay_rec(o, peer)->id, not_id)))
            list[count++] = peer;
    }
    return count == 0 ? -1 : list[rng_below(&o->rng, count)];
}

void view_on_join(struct overlay *o, int peer, const struct msg_join *m, int64_t now_ns,
                  struct outbox *out)
{
    struct overlay_peer *x = view_peer(o, peer);
    struct msg walk = { .type = MSG_FORWARD_JOIN };
    bool is_new = x->state != OVERLAY_ACTIVE;
    bool may_force = o->join_ns < 0 || now_ns - o->join_ns >= o->p->join_gap_ns;

    if (!node_id_equal(&m->rec.id, &view_rec(o, x)->id) ||
        !bucket_small_take(&x->joins, o->p->join_link, now_ns)) {
        o->counts.limited++;
        view_answer(o, peer, !is_new, now_ns, out);
        return;
    }
    /* A full contact sends those who come in a crowd on to others. */
    if (view_accept(o, peer, may_force, now_ns, out)) {
        o->join_ns = now_ns;
        view_answer(o, peer, true, now_ns, out);
    } else {
        view_answer(o, peer, false, now_ns, out);
    }
    if (!is_new || !passive_is_dialable(&view_rec(o, x)->addr) ||
        !bucket_take(&o->joins, o->p->join_node, now_ns))
        return;
    walk.u.forward_join.rec = *view_rec(o, x);
    walk.u.forward_join.ttl = (uint8_t)o->p->join_walk;
    for (int i = 0; i < o->active_count; i++) {
        if (o->active[i] != peer)
            outbox_push(out, o->active[i], &walk);
    }
}

/* The walk ends here: the newcomer gets a slot, if need be a forced one. */
static void take_in(struct overlay *o, const struct peer_rec *rec, int64_t now_ns,
                    struct outbox *out)
{
    bool has_room = view_room(o) - dials_slots(&o->dials) > 0;

    if (view_is_neighbour(o, &rec->id))
        return;
    if (has_room || view_may_force(o, now_ns))
        view_want(o, rec, DIAL_NEIGHBOR, !has_room, now_ns, out);
}

void view_on_forward_join(struct overlay *o, int peer, const struct msg_forward_join *m,
                          int64_t now_ns, struct outbox *out)
{
    struct overlay_peer *x = view_peer(o, peer);
    struct msg walk = { .type = MSG_FORWARD_JOIN };
    int ttl = m->ttl < o->p->join_walk ? m->ttl : o->p->join_walk;
    int next;

    if (x->state != OVERLAY_ACTIVE) {
        o->counts.stray++;
        return;
    }
    if (!bucket_small_take(&x->walks, o->p->walk_link, now_ns)) {
        o->counts.limited++;
        return;
    }
    if (!view_is_sound(o, peer, &m->rec))
        return;
    if (ttl == o->p->passive_walk || o->passive.count < o->p->passive_eager)
        learn_one(o, peer, &m->rec);
    next = ttl > 0 ? view_pick(o, peer, &m->rec.id) : -1;
    if (next < 0) {
        take_in(o, &m->rec, now_ns, out);
        return;
    }
    walk.u.forward_join.rec = m->rec;
    walk.u.forward_join.ttl = (uint8_t)(ttl - 1);
    outbox_push(out, next, &walk);
}

/* ka random neighbours and kp others, for a peer that is not among them. */
static void choose_recs(struct overlay *o, int peer, struct peer_recs *recs)
{
    int left = 0;
    int want = o->p->shuffle_active;
    bool is_eligible[OVERLAY_ACTIVE_MAX] = { false };
    int active[OVERLAY_ACTIVE_MAX];
    int count = overlay_active(o, active);

    for (int i = 0; i < count; i++) {
        is_eligible[i] = active[i] != peer &&
                         passive_is_dialable(&overlay_rec(o, active[i])->addr);
        left += is_eligible[i];
    }
    for (int i = 0; i < count && want > 0; i++) {
        if (!is_eligible[i] || rng_below(&o->rng, left--) >= want)
            continue;
        recs->list[recs->count++] = *overlay_rec(o, active[i]);
        want--;
    }
    passive_renew_sent(&o->passive);
    passive_sample(&o->passive, o->p->shuffle_passive, &overlay_rec(o, peer)->id, true,
                   &o->rng, recs);
}

void view_exchange(struct overlay *o, int peer, struct outbox *out)
{
    struct msg m = { .type = MSG_SHUFFLE };

    m.u.shuffle.origin = *view_self(o);
    choose_recs(o, peer, &m.u.shuffle.recs);
    view_peer(o, peer)->has_shuffled = true;
    outbox_push(out, peer, &m);
}

void view_shuffle(struct overlay *o, int64_t now_ns, struct outbox *out)
{
    struct msg m = { .type = MSG_SHUFFLE };
    int peer = view_pick(o, -1, NULL);

    if (peer < 0)
        return;
    if (o->active_count == 1) { /* nowhere to walk on to */
        view_exchange(o, peer, out);
        return;
    }
    m.u.shuffle.origin = *view_self(o);
    m.u.shuffle.origin.via = (struct addr){ .len = 0 };
    m.u.shuffle.ttl = (uint8_t)o->p->shuffle_walk;
    view_peer(o, peer)->has_shuffled = true;
    outbox_push(out, peer, &m);
    view_reach_walks(o, now_ns);
}

/* The walk of a shuffle ends here. */
static void answer_shuffle(struct overlay *o, int peer, const struct peer_rec *origin,
                           const struct peer_recs *recs, int64_t now_ns,
                           struct outbox *out)
{
    struct overlay_peer *x = view_peer(o, peer);
    struct msg m = { .type = MSG_SHUFFLE_REPLY };

    assert(origin != NULL);
    if (!node_id_equal(&origin->id, &view_rec(o, x)->id)) {
        view_want(o, origin, DIAL_SHUFFLE, false, now_ns, out);
        return;
    }
    choose_recs(o, peer, &m.u.shuffle_reply.recs);
    view_learn(o, peer, recs);
    outbox_push(out, peer, &m);
    if (x->state == OVERLAY_LINKED)
        view_unlink(o, peer, now_ns);
}

void view_on_shuffle(struct overlay *o, int peer, const struct msg_shuffle *m,
                     int64_t now_ns, struct outbox *out)
{
    struct overlay_peer *x = view_peer(o, peer);
    bool is_direct = node_id_equal(&m->origin.id, &view_rec(o, x)->id);
    const struct peer_rec *origin = is_direct ? view_rec(o, x) : &m->origin;
    struct msg walk = { .type = MSG_SHUFFLE };
    int ttl = m->ttl < o->p->shuffle_walk ? m->ttl : o->p->shuffle_walk;
    int next;

    if (x->state != OVERLAY_ACTIVE && (!is_direct || ttl > 0)) {
        o->counts.stray++;
        return;
    }
    if (!bucket_small_take(&x->shuffles, o->p->shuffle_link, now_ns)) {
        o->counts.limited++;
        return;
    }
    /* Who shuffles directly may well not listen anywhere. */
    if (!is_direct && !view_is_sound(o, peer, origin))
        return;
    if (!view_is_neighbour(o, &origin->id))
        o->quiet_shuffles = 0;
    if (is_direct && ttl == 0)
        view_reach_spared(o);
    next = ttl > 0 ? view_pick(o, peer, &origin->id) : -1;
    if (next < 0) {
        answer_shuffle(o, peer, origin, &m->recs, now_ns, out);
        return;
    }
    if (!passive_is_dialable(&origin->addr))
        return;
    walk.u.shuffle.origin = *origin;
    walk.u.shuffle.ttl = (uint8_t)(ttl - 1);
    outbox_push(out, next, &walk);
}

void view_on_shuffle_reply(struct overlay *o, int peer, const struct msg_shuffle_reply *m)
{
    struct overlay_peer *x = view_peer(o, peer);

    if (!x->has_shuffled) {
        o->counts.stray++;
        return;
    }
    x->has_shuffled = false;
    view_reach_spared(o);
    view_learn(o, peer, &m->recs);
}
