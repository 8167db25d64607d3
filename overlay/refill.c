/* How the active view is kept full: dials, the passive view, the addresses given by the
 * user, and what to do when there is no neighbour at all.
 * SPDX-License-Identifier: MIT */
#include "overlay/view_private.h"

#include <assert.h>

#define RETRY_SHARES_MIN 3

/* Who asked for this peer hears that it lives. */
static void vouch(struct overlay *o, const struct dial *d, struct outbox *out)
{
    struct msg m = { .type = MSG_PROBE_ACK, .u.probe_ack = { d->nonce } };

    if (overlay_is_active(o, d->asker))
        outbox_push(out, d->asker, &m);
}

/* A remembered peer answers: was it out of reach before, or is it in another island? */
static void meet_anchor(struct overlay *o, int peer, bool is_back, int64_t now_ns,
                        struct outbox *out)
{
    if (view_peer(o, peer)->state != OVERLAY_LINKED || o->active_count == 0)
        return;
    if (is_back)
        view_merge(o, peer, now_ns, out);
    else
        view_island_ask(o, peer, now_ns, out);
}

void view_carry_out(struct overlay *o, int peer, const struct dial *d, int64_t now_ns,
                    struct outbox *out)
{
    struct overlay_peer *x = view_peer(o, peer);

    if ((d->purposes & DIAL_JOIN) != 0)
        view_ask(o, peer, MSG_JOIN, true, now_ns, out);
    else if ((d->purposes & DIAL_NEIGHBOR) != 0)
        view_ask(o, peer, MSG_NEIGHBOR, d->is_forced, now_ns, out);
    if ((d->purposes & DIAL_SHUFFLE) != 0)
        view_exchange(o, peer, out);
    if ((d->purposes & DIAL_PROBE) != 0)
        vouch(o, d, out);
    if ((d->purposes & DIAL_HOME) != 0)
        view_reach_home(o, peer, out);
    if ((d->purposes & DIAL_ANCHOR) != 0)
        meet_anchor(o, peer, d->is_back, now_ns, out);
    if (x->state == OVERLAY_LINKED)
        view_unlink(o, peer, now_ns);
}

void view_want(struct overlay *o, const struct peer_rec *rec, int purposes,
               bool is_forced, int64_t now_ns, struct outbox *out)
{
    struct dial d = { .purposes = (uint8_t)purposes,
                      .is_forced = is_forced,
                      .start_ns = now_ns,
                      .deadline_ns = now_ns + o->p->dial_timeout_ns };
    int peer = node_id_is_zero(&rec->id) ? -1 : overlay_find(o, &rec->id);

    assert(passive_is_dialable(&rec->addr));
    if (peer >= 0)
        view_carry_out(o, peer, &d, now_ns, out);
    else
        (void)dials_add(&o->dials, rec, &d);
}

void view_refused(struct overlay *o, const struct node_id *id, int64_t now_ns)
{
    int64_t max = o->p->refill_calm_ns;
    int i = passive_find(&o->passive, id);

    /* Each refusal names the neighbours of who refused: a newcomer finds its way by them
     * to where there is room, so it should walk on quickly. */
    if (o->active_count == 0)
        max = o->p->refill_alone_ns;
    else if (o->active_count < o->p->active_low)
        max = o->p->refill_haste_ns;
    o->refill_wait_ns = time_min(2 * o->refill_wait_ns, max);
    if (i >= 0)
        passive_refused(&o->passive, i, o->p->isolated_max_ns, now_ns, &o->rng);
}

static int64_t bootstrap_wait(struct overlay *o, const struct overlay_bootstrap *b)
{
    /* A contact of many who join at once has room again in a moment: no doubling yet. */
    int doublings = (b->tries < 16 ? b->tries : 16) - o->p->bootstrap_quick;
    int64_t wait = o->p->bootstrap_first_ns << (doublings > 0 ? doublings : 0);

    return rng_jitter(&o->rng, time_min(wait, o->p->isolated_max_ns), 20);
}

static void bootstrap_failed(struct overlay *o, const struct addr *a, int64_t now_ns)
{
    for (int i = 0; i < o->bootstrap_count; i++) {
        struct overlay_bootstrap *b = &o->bootstraps[i];

        if (addr_equal(&b->addr, a))
            b->next_ns = now_ns + bootstrap_wait(o, b);
    }
}

/* The longest back-off of a failing record: the fewer records, the sooner each is tried
 * again, so that a small network that was cut is soon one again. */
static int64_t retry_max_ns(const struct overlay *o)
{
    int shares = o->passive.count > RETRY_SHARES_MIN ? o->passive.count
                                                     : RETRY_SHARES_MIN;
    int64_t max = o->active_count == 0 ? o->p->isolated_max_ns : o->p->retry_max_ns;

    return time_min(max, shares * o->p->retry_share_ns);
}

void view_dial_failed(struct overlay *o, int index, int64_t now_ns)
{
    struct peer_rec rec = *dials_rec(&o->dials, index);
    int i;

    dials_remove(&o->dials, index);
    o->counts.dials_failed++;
    bootstrap_failed(o, &rec.addr, now_ns);
    (void)known_dialled(&o->known, &rec.id, true);
    i = passive_find(&o->passive, &rec.id);
    if (i < 0)
        return;
    passive_failed(&o->passive, i, retry_max_ns(o), now_ns, &o->rng);
    if (o->active_count > 0 && passive_fails(&o->passive, i) >= o->p->passive_fails_max) {
        passive_remove(&o->passive, i);
        known_forget(&o->known, &rec.id);
    }
}

void view_gained(struct overlay *o, int64_t now_ns)
{
    o->refill_wait_ns = o->p->refill_wait_ns;
    if (o->shuffle_ns == TIME_NEVER) {
        o->young_until_ns = now_ns + o->p->young_ns;
        o->quiet_shuffles = 0;
        o->shuffle_wait_ns = o->p->shuffle_first_ns;
        o->shuffle_ns = now_ns + rng_jitter(&o->rng, o->shuffle_wait_ns, 20);
    }
    for (int i = 0; i < o->bootstrap_count; i++) {
        if (o->bootstraps[i].is_met)
            o->bootstraps[i].tries = 0;
    }
}

/* Try everything that we know again, and never give up. */
static void isolated(struct overlay *o, int64_t now_ns)
{
    int64_t soon_ns = now_ns + NS_PER_S;

    if (o->log != NULL)
        (void)log_begin(o->log, LOG_WARN, "overlay", "isolated");
    o->shuffle_ns = TIME_NEVER;
    view_island_alone(o);
    for (int i = 0; i < o->passive.count; i++) {
        int64_t at_ns = now_ns + rng_below(&o->rng, NS_PER_S);

        if (passive_retry_ns(&o->passive, i, now_ns) > at_ns)
            passive_wait_until(&o->passive, i, at_ns);
    }
    for (int i = 0; i < o->bootstrap_count; i++) {
        struct overlay_bootstrap *b = &o->bootstraps[i];

        b->tries = 0;
        b->next_ns = time_min(b->next_ns, soon_ns);
    }
}

void view_lost(struct overlay *o, int64_t now_ns)
{
    o->refill_ns = now_ns;
    o->refill_wait_ns = o->p->refill_wait_ns;
    if (o->active_count == 0) {
        isolated(o, now_ns);
        return;
    }
    if (o->lost_ns >= 0 && now_ns - o->lost_ns < o->p->shuffle_period_ns) {
        o->young_until_ns = now_ns + o->p->young_ns;
        o->shuffle_wait_ns = time_min(o->shuffle_wait_ns, o->p->shuffle_young_ns);
        o->shuffle_ns = time_min(o->shuffle_ns,
                                 now_ns + rng_jitter(&o->rng, o->shuffle_wait_ns, 20));
    }
    o->lost_ns = now_ns;
}

/* Dials for a slot that have not taken long yet: what takes longer is likely to come to
 * nothing, and does not hold up others while we are short of neighbours.  next_ns: when
 * the first of them has taken long.  oldest: of those that have, -1 for none. */
static int young_dials(const struct overlay *o, int64_t now_ns, int64_t *next_ns,
                       int *oldest)
{
    int64_t patience_ns = overlay_dial_patience_ns(o);
    int count = 0;

    *next_ns = TIME_NEVER;
    *oldest = -1;
    for (int i = 0; i < o->dials.count; i++) {
        const struct dial *d = &o->dials.list[i];
        int64_t old_ns = d->start_ns + patience_ns;

        if (d->is_forced || d->purposes != DIAL_NEIGHBOR)
            continue;
        if (old_ns > now_ns) {
            count++;
            *next_ns = time_min(*next_ns, old_ns);
        } else if (*oldest < 0 || d->start_ns < o->dials.list[*oldest].start_ns) {
            *oldest = i;
        }
    }
    return count;
}

/* From when on there is room for another dial: now, later, or never. */
static int64_t refill_room_ns(const struct overlay *o, int64_t now_ns)
{
    bool is_hasty = view_is_short(o) || view_is_rushed(o, now_ns);
    int room = view_wanted(o, now_ns);
    int64_t next_ns;
    int oldest;
    int young;

    if (room <= 0 || (!is_hasty && o->dials.count >= o->dials.max))
        return TIME_NEVER;
    if (!is_hasty)
        return o->dials.count < o->p->dials_refill && room > dials_slots(&o->dials)
                   ? now_ns
                   : TIME_NEVER;
    young = young_dials(o, now_ns, &next_ns, &oldest);
    if (o->dials.count >= o->p->dials_haste && oldest < 0)
        return next_ns;
    return young < o->p->dials_haste && young < 8 * room ? now_ns : next_ns;
}

/* In haste who has not answered yet makes room for others.  Should it still answer, it is
 * as welcome. */
static void give_up_oldest(struct overlay *o, int64_t now_ns)
{
    int64_t next_ns;
    int oldest;

    if (o->dials.count < o->p->dials_haste)
        return;
    (void)young_dials(o, now_ns, &next_ns, &oldest);
    if (oldest >= 0)
        view_dial_failed(o, oldest, now_ns);
}

static void refill(struct overlay *o, int64_t now_ns, struct outbox *out)
{
    while ((o->refill_ns <= now_ns || view_is_rushed(o, now_ns)) &&
           refill_room_ns(o, now_ns) <= now_ns) {
        int i = passive_pick(&o->passive, now_ns, &o->rng);
        struct peer_rec rec;

        if (i < 0)
            return;
        rec = *passive_rec(&o->passive, i);
        give_up_oldest(o, now_ns);
        /* Until the outcome is known; then it is set anew or the entry goes. */
        passive_wait_until(&o->passive, i,
                           now_ns + o->p->dial_timeout_ns + o->p->ask_timeout_ns);
        o->refill_ns = now_ns + rng_jitter(&o->rng, o->refill_wait_ns, 20);
        view_want(o, &rec, DIAL_NEIGHBOR, false, now_ns, out);
    }
}

static int64_t refill_due(const struct overlay *o, int64_t now_ns)
{
    int64_t next = refill_room_ns(o, now_ns);
    int64_t due;

    if (next == TIME_NEVER)
        return TIME_NEVER;
    due = passive_next_ns(&o->passive, now_ns);
    next = next > due ? next : due;
    return next > o->refill_ns || view_is_rushed(o, now_ns) ? next : o->refill_ns;
}

static int64_t bootstrap_due(const struct overlay *o, const struct overlay_bootstrap *b)
{
    if (b->is_self || (b->is_met && o->active_count > 0) ||
        dials_find_addr(&o->dials, &b->addr) >= 0)
        return TIME_NEVER;
    return b->next_ns;
}

static void try_bootstraps(struct overlay *o, int64_t now_ns, struct outbox *out)
{
    for (int i = 0; i < o->bootstrap_count; i++) {
        struct overlay_bootstrap *b = &o->bootstraps[i];
        struct peer_rec rec = { .id = b->id, .addr = b->addr };

        if (bootstrap_due(o, b) > now_ns)
            continue;
        b->tries++;
        b->next_ns = now_ns + bootstrap_wait(o, b);
        /* Who lives there may be another one since: dial for whoever answers. */
        if (overlay_find(o, &b->id) < 0)
            rec.id = (struct node_id){ { 0 } };
        view_want(o, &rec, DIAL_JOIN, true, now_ns, out);
    }
}

/* So long a neighbour is one to be remembered; the first few of them sooner, so that a
 * young network that is started anew finds itself again. */
static int64_t good_ns(const struct overlay *o)
{
    return o->known.count < o->p->good_few ? o->p->good_first_ns : o->p->good_ns;
}

/* Who must be introduced is nobody to begin with. */
static bool is_memorable(const struct peer_rec *rec)
{
    return passive_is_dialable(&rec->addr) && rec->via.len == 0;
}

static void expire_peer(struct overlay *o, struct overlay_peer *x, int64_t now_ns)
{
    if (x->state == OVERLAY_ASKED && x->deadline_ns <= now_ns) {
        view_unlink(o, x->slot, now_ns);
        view_refused(o, &view_rec(o, x)->id, now_ns);
    }
    if (x->state == OVERLAY_LINKED && x->deadline_ns <= now_ns) {
        bool is_kept = x->is_home || x->is_guest;

        o->drop_count += !x->is_drop && !is_kept;
        x->is_drop = !is_kept;
        x->deadline_ns = TIME_NEVER;
    }
    if (x->state == OVERLAY_ACTIVE && !x->is_remembered &&
        x->since_ns + good_ns(o) <= now_ns && is_memorable(view_rec(o, x))) {
        x->is_remembered = true;
        known_add(&o->known, view_rec(o, x), now_ns - x->since_ns, now_ns);
    }
}

/* When there is something to do about a peer, if it is before next: its record, which is
 * far from all else, is looked at for no other reason. */
static int64_t peer_due(const struct overlay *o, const struct overlay_peer *x,
                        int64_t next)
{
    int64_t good = x->since_ns + good_ns(o);

    if (x->state == OVERLAY_ACTIVE && !x->is_remembered && good < next &&
        is_memorable(view_rec(o, x)))
        next = good;
    return time_min(next, x->deadline_ns);
}

/* In a group of active_max + 1 or fewer everybody may be everybody's neighbour, with no
 * slot left for the rest of the network: then no walk ever comes from beyond our
 * neighbours. Who notices that, and knows of others, makes a link to one of them by
 * force. */
static void open_group(struct overlay *o, int64_t now_ns, struct outbox *out)
{
    struct peer_recs recs = { .count = 0 };

    if (++o->quiet_shuffles < o->p->closed_shuffles)
        return;
    passive_sample(&o->passive, 1, &view_self(o)->id, false, &o->rng, &recs);
    if (recs.count > 0)
        view_want(o, &recs.list[0], DIAL_NEIGHBOR, view_room(o) <= 0, now_ns, out);
}

static void shuffle(struct overlay *o, int64_t now_ns, struct outbox *out)
{
    int64_t period = now_ns < o->young_until_ns ? o->p->shuffle_young_ns
                                                : o->p->shuffle_period_ns;

    o->shuffle_wait_ns = time_min(2 * o->shuffle_wait_ns, period);
    o->shuffle_ns = now_ns + rng_jitter(&o->rng, o->shuffle_wait_ns, 20);
    passive_sweep(&o->passive, now_ns);
    o->is_contested = o->is_contested && !o->was_contested;
    o->was_contested = o->is_contested;
    for (int k = 0; k < o->slots.count; k++)
        o->peers[k].learned = 0;
    if (view_reach_may_walk(o, now_ns, out))
        view_shuffle(o, now_ns, out);
    open_group(o, now_ns, out);
}

void view_plan(struct overlay *o, int64_t now_ns)
{
    int64_t next = time_min(o->shuffle_ns, refill_due(o, now_ns));

    for (int k = 0; k < o->slots.count; k++)
        next = peer_due(o, &o->peers[k], next);
    for (int i = 0; i < o->bootstrap_count; i++)
        next = time_min(next, bootstrap_due(o, &o->bootstraps[i]));
    next = time_min(next, time_min(o->check_ns, view_island_due(o)));
    next = time_min(next, time_min(view_alarm_due(o), view_reach_due(o)));
    o->wake_ns = time_min(next, dials_next_ns(&o->dials));
}

void view_settle(struct overlay *o, int64_t now_ns, struct outbox *out)
{
    for (int k = 0; k < o->slots.count; k++)
        expire_peer(o, &o->peers[k], now_ns);
    for (int i = o->dials.count - 1; i >= 0; i--) {
        if (o->dials.list[i].deadline_ns <= now_ns)
            view_dial_failed(o, i, now_ns);
    }
    if (o->check_ns <= now_ns)
        view_checked(o, now_ns, out);
    view_alarm_tick(o, now_ns);
    view_rescue(o, now_ns, out);
    try_bootstraps(o, now_ns, out);
    refill(o, now_ns, out);
    view_island_tick(o, now_ns, out);
    view_reach_tick(o, now_ns, out);
    if (o->shuffle_ns <= now_ns)
        shuffle(o, now_ns, out);
    view_plan(o, now_ns);
}

void overlay_wake(struct overlay *o, int64_t now_ns, struct outbox *out)
{
    int peer;

    while (o->liveness != NULL && liveness_take_question(o->liveness, &peer))
        view_question(o, peer, out);
    if (o->liveness != NULL && liveness_take_doubts(o->liveness))
        view_doubt(o, now_ns);
    if (o->wake_ns <= now_ns)
        view_settle(o, now_ns, out);
}

int64_t overlay_wake_ns(const struct overlay *o)
{
    if (o->liveness != NULL &&
        (o->liveness->has_doubts || o->liveness->question_count > 0))
        return 0; /* at once */
    return o->wake_ns;
}
