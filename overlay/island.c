/* Parts of a network that were cut from each other become one again.
 *
 * Every node draws a random tag, and all of an island know the least of them, which its
 * owner confirms now and then.  Each node dials one of the peers that it remembers each
 * minute.  One that was out of reach before, or knows another tag, is beyond a cut that
 * has healed, and becomes a neighbour: if need be by force, within the quota of such
 * slots.  SPDX-License-Identifier: MIT */
#include "overlay/view_private.h"

#include <assert.h>

void view_island_init(struct overlay *o)
{
    o->island.own_tag = rng_next(&o->rng);
    view_island_alone(o);
}

void view_island_alone(struct overlay *o)
{
    o->island.tag = o->island.own_tag;
    o->island.is_news = false;
    o->island.next_ns = TIME_NEVER;
    o->anchor_ns = TIME_NEVER;
}

static bool is_on(const struct overlay *o)
{
    return o->p->anchor_period_ns > 0;
}

static void say(struct overlay *o, int peer, bool is_question, int64_t now_ns,
                struct outbox *out)
{
    const struct island *t = &o->island;
    int64_t age_ns = t->tag == t->own_tag ? 0 : now_ns - t->said_ns;
    struct msg m; /* most of it is never looked at */

    m.type = MSG_ISLAND;
    m.u.island = (struct msg_island){ .tag = t->tag,
                                      .age_s = (uint32_t)(age_ns / NS_PER_S),
                                      .is_question = is_question };
    outbox_push(out, peer, &m);
}

/* When to look at the tag again: to confirm our own, or to see whether another's is. */
static void rest(struct overlay *o, int64_t now_ns)
{
    struct island *t = &o->island;

    t->is_news = false;
    t->next_ns = t->tag == t->own_tag ? now_ns + o->p->island_period_ns
                                      : t->said_ns + o->p->island_age_ns;
}

void view_island_greet(struct overlay *o, int peer, int64_t now_ns, struct outbox *out)
{
    if (!is_on(o))
        return;
    if (o->island.next_ns == TIME_NEVER)
        rest(o, now_ns);
    if (o->anchor_ns == TIME_NEVER)
        o->anchor_ns = now_ns + rng_below(&o->rng, o->p->anchor_period_ns);
    say(o, peer, false, now_ns, out);
}

void view_island_ask(struct overlay *o, int peer, int64_t now_ns, struct outbox *out)
{
    view_peer(o, peer)->is_anchor = 1;
    say(o, peer, true, now_ns, out);
}

void view_merge(struct overlay *o, int peer, int64_t now_ns, struct outbox *out)
{
    struct overlay_peer *x = view_peer(o, peer);

    if (x->state != OVERLAY_LINKED)
        return;
    x->is_merging = 1;
    o->counts.merges++;
    view_ask(o, peer, MSG_NEIGHBOR, true, now_ns, out);
}

/* A tag of a neighbour: the less wins, and of one the younger word of its owner.  The age
 * goes with the tag, so that nobody keeps one alive whose owner is gone. */
static void adopt(struct overlay *o, const struct msg_island *m, int64_t now_ns)
{
    struct island *t = &o->island;
    int64_t said_ns = now_ns - m->age_s * NS_PER_S;

    if (m->tag > t->tag || m->tag == t->own_tag ||
        now_ns - said_ns >= o->p->island_age_ns ||
        (m->tag == t->tag && said_ns - t->said_ns < o->p->island_period_ns / 2))
        return;
    t->tag = m->tag;
    t->said_ns = said_ns;
    /* A little later, as the next may come at once. */
    if (!t->is_news)
        t->next_ns = now_ns + rng_below(&o->rng, o->p->island_hop_ns);
    t->is_news = true;
}

void view_on_island(struct overlay *o, int peer, const struct msg_island *m,
                    int64_t now_ns, struct outbox *out)
{
    struct overlay_peer *x = view_peer(o, peer);
    bool is_asked = x->is_anchor;

    if (!bucket_small_take(&x->walks, o->p->walk_link, now_ns)) {
        o->counts.limited++;
        return;
    }
    if (m->is_question)
        say(o, peer, false, now_ns, out);
    x->is_anchor = 0;
    if (x->state == OVERLAY_ACTIVE && is_on(o))
        adopt(o, m, now_ns);
    else if (is_asked && o->active_count > 0 && m->tag != o->island.tag)
        view_merge(o, peer, now_ns, out);
}

static void renew(struct overlay *o, int64_t now_ns, struct outbox *out)
{
    struct island *t = &o->island;

    if (!t->is_news && t->tag != t->own_tag) /* its owner is gone */
        t->tag = t->own_tag;
    for (int i = 0; i < o->active_count; i++)
        say(o, o->active[i], false, now_ns, out);
    rest(o, now_ns);
}

/* A random remembered peer that is no neighbour, of the lost ones or of all; false when
 * there is none. */
static bool choose_known(struct overlay *o, bool is_lost, struct peer_rec *rec)
{
    int64_t seen = 0;

    for (int i = 0; i < o->known.count; i++) {
        const struct peer_rec *r = known_rec(&o->known, i);

        if (view_is_neighbour(o, &r->id) || (is_lost && !o->known.list[i].is_lost))
            continue;
        seen++;
        if (rng_below(&o->rng, seen) == 0)
            *rec = *r;
    }
    return seen > 0;
}

static void dial_anchor(struct overlay *o, int64_t now_ns, struct outbox *out)
{
    int64_t way = rng_below(&o->rng, 4);
    struct peer_recs recs = { .count = 0 };
    struct peer_rec rec;

    o->anchor_ns = now_ns + rng_jitter(&o->rng, o->p->anchor_period_ns, 20);
    /* Most of all those whose return would tell that a cut has healed. */
    if ((way > 0 && choose_known(o, true, &rec)) ||
        (way > 1 && choose_known(o, false, &rec))) {
        view_want(o, &rec, DIAL_ANCHOR, false, now_ns, out);
        return;
    }
    passive_sample(&o->passive, 1, &view_self(o)->id, false, &o->rng, &recs);
    if (recs.count > 0)
        view_want(o, &recs.list[0], DIAL_ANCHOR, false, now_ns, out);
}

void view_island_tick(struct overlay *o, int64_t now_ns, struct outbox *out)
{
    if (!is_on(o) || o->active_count == 0)
        return;
    if (o->island.next_ns <= now_ns)
        renew(o, now_ns, out);
    if (o->anchor_ns <= now_ns)
        dial_anchor(o, now_ns, out);
}

int64_t view_island_due(const struct overlay *o)
{
    if (!is_on(o) || o->active_count == 0)
        return TIME_NEVER;
    return time_min(o->island.next_ns, o->anchor_ns);
}
