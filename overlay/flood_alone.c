/* Who makes the floods that a link brings, when each is signed by another key, so that no
 * rate of an origin holds them?
 *
 * What passes through the network comes to a node by several links: neighbours that have
 * it from elsewhere send it before they hear that we have it too.  What a peer made
 * itself comes by its link alone, whomever it names as the origin.  So each flood is
 * charged to the link that brought it first, and given back when two others bring it as
 * well.  A link that is so much in debt is not believed alone: what it brings waits for a
 * second link that brings the same.  So a peer injects no more than one origin may, and
 * what passes is not held up.
 *
 * Where there are no three links, no two others can bring anything, and nothing is
 * charged.  Such a link stays: cut off, its peer would begin anew elsewhere.
 * SPDX-License-Identifier: MIT */
#include "overlay/flood_private.h"

/* Who else brought a flood: struct seen_row. */
enum { OTHER_NONE = -1, OTHER_ENOUGH = -2 };

struct flood_unsure {
    struct flood_id id;
    int peer; /* brought it; -1: and others too */
};

static bool can_be_vouched(const struct floods *f)
{
    return f->slots.count >= 3;
}

/* What the peer signed itself has more room in the same bucket. */
static struct bucket_rate rate_of(const struct floods *f, bool is_own)
{
    struct bucket_rate r = f->p->alone_rate;

    r.burst += is_own ? f->p->alone_own : 0;
    return r;
}

void flood_alone_begin(const struct floods *f, const struct flood_link *link,
                       struct flood_traffic *t)
{
    int used = f->p->alone_rate.burst - f->p->alone_new;

    t->alone.full_ns = link->up_s * NS_PER_S + used * f->p->alone_rate.period_ns;
}

static int64_t fine_ns(const struct floods *f)
{
    return f->p->alone_rate.period_ns / f->p->alone_fine;
}

/* The debt of a link in which it does not get deeper. */
static int64_t debt_max_ns(const struct floods *f)
{
    return 2 * rate_of(f, true).burst * f->p->alone_rate.period_ns;
}

/* What is offered by a link in debt counts a little: who goes on is heard no more. */
static void fine(struct floods *f, int peer, int64_t now_ns)
{
    struct bucket *b = &flood_traffic(f, peer)->alone;

    b->full_ns = time_min(b->full_ns + fine_ns(f), now_ns + debt_max_ns(f));
}

static void give_back(struct floods *f, int peer, int64_t amount_ns)
{
    struct flood_link *link = sparse_has(&f->slots, peer) ? flood_link(f, peer) : NULL;

    if (link != NULL && link->traffic != NULL)
        link->traffic->alone.full_ns -= amount_ns;
}

static struct flood_unsure *find_unsure(const struct flood_state *s,
                                        const struct flood_id *id)
{
    for (int i = 0; i < s->unsure_count; i++) {
        if (flood_id_equal(&s->unsure[i].id, id))
            return &s->unsure[i];
    }
    return NULL;
}

static void add_unsure(struct floods *f, const struct flood_head *h)
{
    struct flood_state *s = f->state;

    if (s->unsure == NULL)
        s->unsure = heap_take(f->heap, (size_t)f->p->unsure_max, sizeof(*s->unsure));
    s->unsure[s->unsure_next] = (struct flood_unsure){ h->id, h->peer };
    s->unsure_next = (s->unsure_next + 1) % f->p->unsure_max;
    if (s->unsure_count < f->p->unsure_max)
        s->unsure_count++;
}

bool flood_alone_admits(struct floods *f, const struct flood_head *h, int other,
                        int64_t now_ns)
{
    struct flood_state *s = flood_state(f);
    const struct bucket *b = &flood_traffic(f, h->peer)->alone;
    struct flood_unsure *u = find_unsure(s, &h->id);

    if (u != NULL && u->peer != h->peer) {
        if (u->peer >= 0)
            give_back(f, u->peer, fine_ns(f));
        u->peer = -1;
        return true;
    }
    if (h->is_tree || other >= 0 || !can_be_vouched(f) ||
        bucket_has(b, rate_of(f, h->is_from_origin), now_ns))
        return true;
    if (u == NULL) {
        add_unsure(f, h);
        fine(f, h->peer, now_ns);
    }
    f->past->counts.alone_limited++;
    return false;
}

void flood_alone_charge(struct floods *f, const struct flood_head *h,
                        struct seen_row *row, int64_t now_ns)
{
    bool is_charged = h->peer >= 0 && !h->is_tree && can_be_vouched(f) &&
                      bucket_take(&flood_traffic(f, h->peer)->alone,
                                  rate_of(f, h->is_from_origin), now_ns);

    row->other = is_charged ? OTHER_NONE : OTHER_ENOUGH;
}

void flood_alone_copy(struct floods *f, struct seen_row *row, int peer)
{
    if (row->other == OTHER_ENOUGH || peer == row->peer || peer == row->other)
        return;
    if (row->other == OTHER_NONE) {
        row->other = (int8_t)peer;
        return;
    }
    row->other = OTHER_ENOUGH;
    if (sparse_has(&f->slots, row->peer) &&
        flood_link(f, row->peer)->generation == row->generation)
        give_back(f, row->peer, f->p->alone_rate.period_ns);
}

void flood_alone_finish(struct floods *f)
{
    struct flood_state *s = f->state;

    heap_give(f->heap, s->unsure, (size_t)f->p->unsure_max, sizeof(*s->unsure));
    s->unsure = NULL;
}
