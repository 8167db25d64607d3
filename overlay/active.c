/* The active view: who asks whom for a slot, who gets one, who has to go.
 *
 * Links deliver in order, and every request is answered once.  So both ends agree when
 * all is quiet: who accepts is active at once, who asked is active when the answer to its
 * last request comes; an answer that it no longer wants it takes back by DISCONNECT;
 * answers to requests older than its own DISCONNECT do not count.
 * SPDX-License-Identifier: MIT */
#include "overlay/view_private.h"

#include <assert.h>

#define ASKS_OPEN_MAX   3
#define ACK_RECS        8 /* of the passive view */
#define DISCONNECT_RECS 8

/* Who gives up its slot to whoever wants it: a neighbour that should have acknowledged a
 * flood by now, or one by way of another node; -1: nobody. */
static int spare(const struct overlay *o)
{
    int doubted = view_doubted(o);

    for (int i = 0; i < o->active_count && doubted < 0; i++) {
        if (view_peer(o, o->active[i])->how == LINK_RELAYED)
            return o->active[i];
    }
    return doubted;
}

static int relayed_neighbours(const struct overlay *o)
{
    int count = 0;

    for (int i = 0; i < o->active_count && o->relayed_count > 0; i++)
        count += view_peer(o, o->active[i])->how == LINK_RELAYED;
    return count;
}

int view_room(const struct overlay *o)
{
    return o->p->active_max - o->active_count - o->asked_count + view_doubts(o) +
           relayed_neighbours(o);
}

/* Slots that this peer could have: a link by way of another node takes none of its kind.
 */
static int room_for(const struct overlay *o, int peer)
{
    return view_room(o) -
           (view_peer(o, peer)->how == LINK_RELAYED ? relayed_neighbours(o) : 0);
}

/* A slot of our own choice, as far as the rule is on. */
static int chosen_count(const struct overlay *o)
{
    int count = 0;

    for (int i = 0; i < o->active_count; i++)
        count += view_peer(o, o->active[i])->is_chosen;
    return count;
}

static void count_state(struct overlay *o, const struct overlay_peer *x, int by)
{
    if (x->state == OVERLAY_ACTIVE) {
        o->active_count += by;
        o->forced_count += x->is_forced ? by : 0;
    }
    if (x->state == OVERLAY_ASKED)
        o->asked_count += x->is_forced ? 0 : by;
}

/* The list of neighbours' slots stays in ascending order. */
static void list_active(struct overlay *o, int peer)
{
    int i = o->active_count;

    assert(i < OVERLAY_ACTIVE_MAX);
    for (; i > 0 && o->active[i - 1] > peer; i--)
        o->active[i] = o->active[i - 1];
    o->active[i] = (uint8_t)peer;
}

static void unlist_active(struct overlay *o, int peer)
{
    int i = 0;

    while (o->active[i] != peer)
        i++;
    for (; i + 1 < o->active_count; i++)
        o->active[i] = o->active[i + 1];
}

static void set_state(struct overlay *o, int peer, enum overlay_state state,
                      bool is_forced, int64_t now_ns)
{
    struct overlay_peer *x = view_peer(o, peer);

    if (x->state == OVERLAY_ACTIVE)
        unlist_active(o, peer);
    if (state == OVERLAY_ACTIVE)
        list_active(o, peer);
    count_state(o, x, -1);
    x->state = (unsigned)state & 3U;
    x->is_forced = is_forced;
    x->since_ns = now_ns;
    x->deadline_ns = TIME_NEVER;
    o->drop_count -= x->is_drop;
    x->is_drop = false;
    x->is_new = 0;
    count_state(o, x, 1);
}

void view_unlink(struct overlay *o, int peer, int64_t now_ns)
{
    set_state(o, peer, OVERLAY_LINKED, false, now_ns);
    view_peer(o, peer)->deadline_ns = now_ns + o->p->linger_ns;
    view_peer(o, peer)->is_chosen = 0;
    view_peer(o, peer)->is_checked = 0;
}

/* HyParView asks with high priority when it has no neighbour at all.  We do also when
 * there are too few and everybody refuses, or a newcomer to a full network would stay at
 * one; when we are two short, have been refused for long, and slots are not so rare that
 * we would only take them from each other; and when our neighbours and we are a closed
 * group. */
static bool is_needy(const struct overlay *o)
{
    bool is_refused = o->refill_wait_ns >= o->p->refill_haste_ns;

    return o->active_count == 0 || o->quiet_shuffles >= o->p->closed_shuffles ||
           (o->active_count < o->p->active_low && is_refused) ||
           (o->active_count < o->p->active_need &&
            o->refill_wait_ns >= o->p->refill_calm_ns && !o->is_contested);
}

/* Another slot of the same id that is a neighbour, or -1. */
static int twin(const struct overlay *o, int peer)
{
    for (int k = 0; k < o->active_count; k++) {
        int i = o->active[k];

        if (i != peer && view_peer(o, i)->tag == view_peer(o, peer)->tag &&
            node_id_equal(&overlay_rec(o, i)->id, &overlay_rec(o, peer)->id))
            return i;
    }
    return -1;
}

static void log_neighbour(struct overlay *o, const char *event, int peer)
{
    struct text t;

    if (o->log == NULL)
        return;
    t = log_begin(o->log, LOG_INFO, "overlay", event);
    log_id(&t, "peer", overlay_rec(o, peer)->id.b);
    log_int(&t, "neighbours", o->active_count);
}

static void activate(struct overlay *o, int peer, bool is_forced, int64_t now_ns,
                     struct outbox *out)
{
    int old = passive_find(&o->passive, &overlay_rec(o, peer)->id);

    if (o->active_count == o->p->active_max) {
        int gone = spare(o);

        assert(gone >= 0);
        view_say_disconnect(o, gone, DISCONNECT_EVICTED, overlay_rec(o, peer), out);
        view_drop(o, gone, now_ns);
    }
    set_state(o, peer, OVERLAY_ACTIVE, is_forced, now_ns);
    if (old >= 0)
        passive_remove(&o->passive, old);
    o->counts.neighbours_up++;
    view_gained(o, now_ns);
    view_island_greet(o, peer, now_ns, out);
    log_neighbour(o, "neighbour-up", peer);
}

void view_drop(struct overlay *o, int peer, int64_t now_ns)
{
    struct overlay_peer *x = view_peer(o, peer);

    assert(x->state == OVERLAY_ACTIVE);
    if (x->is_remembered)
        known_add(&o->known, view_rec(o, x), now_ns - x->since_ns, now_ns);
    view_unlink(o, peer, now_ns);
    (void)passive_add(&o->passive, view_rec(o, x), true, &o->rng);
    o->counts.neighbours_down++;
    view_lost(o, now_ns);
    log_neighbour(o, "neighbour-down", peer);
}

/* Who has to go gets records to go on with, first of all of who took the place. */
void view_say_disconnect(struct overlay *o, int peer, enum disconnect_reason reason,
                         const struct peer_rec *newcomer, struct outbox *out)
{
    struct overlay_peer *x = view_peer(o, peer);
    struct msg m = { .type = MSG_DISCONNECT };

    m.u.disconnect.reason = (uint8_t)reason;
    if (newcomer != NULL && o->p->has_split && passive_is_dialable(&newcomer->addr))
        m.u.disconnect.recs.list[m.u.disconnect.recs.count++] = *newcomer;
    passive_sample(&o->passive, DISCONNECT_RECS, &view_rec(o, x)->id, false, &o->rng,
                   &m.u.disconnect.recs);
    x->asks_void = x->asks_open;
    outbox_push(out, peer, &m);
}

bool view_may_force(const struct overlay *o, int64_t now_ns)
{
    return o->p->forced_max > 0 && bucket_has(&o->forced, o->p->forced_rate, now_ns);
}

/* The oldest good links stay, whoever comes. */
static bool is_pinned(const struct overlay *o, int peer, int64_t now_ns)
{
    const struct overlay_peer *x = view_peer(o, peer);
    int older = 0;

    if (o->p->pinned == 0 || x->is_forced || now_ns - x->since_ns < o->p->good_ns)
        return false;
    for (int i = 0; i < o->active_count; i++) {
        const struct overlay_peer *y = view_peer(o, o->active[i]);

        older += !y->is_forced && (y->since_ns < x->since_ns ||
                                   (y->since_ns == x->since_ns && o->active[i] < peer));
    }
    return older < o->p->pinned;
}

/* Forced slots are few, and when they are taken only they can be taken again. */
static int choose_victim(struct overlay *o, int64_t now_ns)
{
    int most = now_ns < o->young_until_ns ? o->p->forced_max : o->p->forced_old;
    bool is_forced = o->forced_count >= most;
    bool keeps_chosen = chosen_count(o) <= o->p->chosen_min && !is_forced;
    int list[OVERLAY_ACTIVE_MAX];
    int count = 0;

    for (int i = 0; i < o->active_count; i++) {
        const struct overlay_peer *x = view_peer(o, o->active[i]);

        if (x->is_forced == is_forced && !(keeps_chosen && x->is_chosen) &&
            !is_pinned(o, o->active[i], now_ns))
            list[count++] = o->active[i];
    }
    return count == 0 ? -1 : list[rng_below(&o->rng, count)];
}

static bool make_room(struct overlay *o, const struct peer_rec *newcomer, int64_t now_ns,
                      struct outbox *out)
{
    int victim;

    if (!view_may_force(o, now_ns))
        return false;
    victim = choose_victim(o, now_ns);
    if (victim < 0)
        return false;
    (void)bucket_take(&o->forced, o->p->forced_rate, now_ns);
    view_say_disconnect(o, victim, DISCONNECT_EVICTED, newcomer, out);
    view_drop(o, victim, now_ns);
    view_refused(o, &overlay_rec(o, victim)->id, now_ns);
    o->counts.evicted++;
    return true;
}

/* A neighbour in the same group of addresses, while we know of enough others. */
static bool is_crowded(const struct overlay *o, int peer)
{
    uint64_t group = passive_group(&overlay_rec(o, peer)->addr);

    if (o->p->group_min == 0 || group == 0 || o->active_count < o->p->group_min)
        return false;
    for (int i = 0; i < o->active_count; i++) {
        if (o->active[i] != peer &&
            passive_group(&overlay_rec(o, o->active[i])->addr) == group)
            return true;
    }
    return false;
}

void view_ask(struct overlay *o, int peer, enum msg_type type, bool is_forced,
              int64_t now_ns, struct outbox *out)
{
    struct overlay_peer *x = view_peer(o, peer);
    struct msg m = { .type = type };

    assert(type == MSG_JOIN || type == MSG_NEIGHBOR);
    if (x->state != OVERLAY_LINKED || x->asks_open >= ASKS_OPEN_MAX ||
        twin(o, peer) >= 0 || is_crowded(o, peer))
        return;
    if (room_for(o, peer) > 0)
        is_forced = false;
    else if (!is_forced)
        return;
    if (type == MSG_JOIN)
        m.u.join.rec = *view_self(o);
    else
        m.u.neighbor.is_high_priority = is_needy(o) || x->is_merging;
    x->is_merging = 0;
    set_state(o, peer, OVERLAY_ASKED, is_forced, now_ns);
    x->is_chosen = 1;
    x->deadline_ns = now_ns + o->p->ask_timeout_ns;
    x->asks_open++;
    outbox_push(out, peer, &m);
}

/* Of the last slots some are for peers of our own choice, for as long as we know
 * enough of them and have not looked for one in vain. */
static bool is_welcome(const struct overlay *o, int64_t now_ns)
{
    int others = o->active_count - chosen_count(o);

    return o->p->chosen_min == 0 || view_room(o) <= 0 ||
           o->active_count < o->p->active_low ||
           others < o->p->active_max - o->p->chosen_min ||
           o->passive.count < o->p->passive_eager ||
           now_ns - o->lost_ns >= o->p->chosen_wait_ns;
}

bool view_accept(struct overlay *o, int peer, bool may_force, int64_t now_ns,
                 struct outbox *out)
{
    struct overlay_peer *x = view_peer(o, peer);
    bool is_forced = false;
    int old = twin(o, peer);

    if (x->state == OVERLAY_ACTIVE)
        return true;
    if (old >= 0) { /* it would not ask if that link still stood */
        view_drop(o, old, now_ns);
        view_peer(o, old)->deadline_ns = now_ns;
    }
    if (x->state == OVERLAY_ASKED && x->is_forced)
        view_unlink(o, peer, now_ns);
    if (is_crowded(o, peer) || (x->state != OVERLAY_ASKED && !is_welcome(o, now_ns)))
        return false;
    /* A slot that was free because of a doubt is not, once the doubt is over. */
    if ((x->state != OVERLAY_ASKED && room_for(o, peer) <= 0) ||
        room_for(o, peer) + o->asked_count <= 0) {
        is_forced = may_force && o->active_count == o->p->active_max &&
                    make_room(o, view_rec(o, x), now_ns, out);
        if (!is_forced)
            return false;
    }
    activate(o, peer, is_forced, now_ns, out);
    return true;
}

void view_answer(struct overlay *o, int peer, bool is_accepted, int64_t now_ns,
                 struct outbox *out)
{
    struct msg m = { .type = MSG_NEIGHBOR_ACK };
    struct peer_recs *recs = &m.u.neighbor_ack.recs;
    bool is_told = !is_accepted || o->p->tells_accepted;

    /* Neighbours are all in our component of the network: whoever has no link to it yet
     * gets its first one there, and not to somebody who waits as well.  After a disaster
     * whoever has one gets others that live; the price is triangles. */
    for (int i = 0; is_told && i < o->active_count && recs->count < MSG_RECS_MAX; i++) {
        const struct peer_rec *rec = overlay_rec(o, o->active[i]);

        if (o->active[i] != peer && passive_is_dialable(&rec->addr) &&
            !view_is_doubted(o, o->active[i]))
            recs->list[recs->count++] = *rec;
    }
    if (is_accepted)
        passive_sample(&o->passive, ACK_RECS, &overlay_rec(o, peer)->id, false, &o->rng,
                       recs);
    else
        o->counts.refused++;
    if (view_peer(o, peer)->state == OVERLAY_LINKED)
        view_unlink(o, peer, now_ns);
    m.u.neighbor_ack.is_accepted = is_accepted;
    outbox_push(out, peer, &m);
}

void view_on_neighbor(struct overlay *o, int peer, const struct msg_neighbor *m,
                      int64_t now_ns, struct outbox *out)
{
    struct overlay_peer *x = view_peer(o, peer);
    bool is_accepted = x->state == OVERLAY_ACTIVE;

    if (!bucket_small_take(&x->joins, o->p->join_link, now_ns))
        o->counts.limited++;
    else if (!is_accepted && x->state != OVERLAY_ASKED && room_for(o, peer) <= 0 &&
             view_check(o, peer, m->is_high_priority, now_ns, out))
        return;
    else
        is_accepted = view_accept(o, peer, m->is_high_priority, now_ns, out);
    view_answer(o, peer, is_accepted, now_ns, out);
}

/* The peer counts us among its neighbours now. */
static void settle(struct overlay *o, int peer, int64_t now_ns, struct outbox *out)
{
    struct overlay_peer *x = view_peer(o, peer);
    bool may_force = x->state == OVERLAY_ASKED && x->is_forced;

    if (x->state == OVERLAY_ACTIVE)
        return;
    view_unlink(o, peer, now_ns);
    if (twin(o, peer) < 0) {
        if (room_for(o, peer) > 0) {
            activate(o, peer, false, now_ns, out);
            return;
        }
        if (may_force && o->active_count == o->p->active_max &&
            make_room(o, view_rec(o, x), now_ns, out)) {
            activate(o, peer, true, now_ns, out);
            return;
        }
    }
    view_say_disconnect(o, peer, DISCONNECT_EVICTED, NULL, out);
}

void view_on_ack(struct overlay *o, int peer, const struct msg_neighbor_ack *m,
                 int64_t now_ns, struct outbox *out)
{
    struct overlay_peer *x = view_peer(o, peer);

    if (x->asks_open == 0) {
        o->counts.stray++;
        return;
    }
    view_learn(o, peer, &m->recs);
    x->asks_open--;
    if (x->asks_void > 0) {
        x->asks_void--;
        return;
    }
    if (x->asks_open > 0)
        return;
    if (m->is_accepted) {
        settle(o, peer, now_ns, out);
    } else if (x->state == OVERLAY_ASKED) {
        view_unlink(o, peer, now_ns);
        view_refused(o, &view_rec(o, x)->id, now_ns);
    }
}

void view_on_disconnect(struct overlay *o, int peer, const struct msg_disconnect *m,
                        int64_t now_ns, struct outbox *out)
{
    struct overlay_peer *x = view_peer(o, peer);
    const struct peer_rec *first = &m->recs.list[0];

    if (x->state != OVERLAY_ACTIVE) {
        o->counts.stray++;
        return;
    }
    view_drop(o, peer, now_ns);
    o->is_contested = o->is_contested || m->reason == DISCONNECT_EVICTED;
    view_learn(o, peer, &m->recs);
    view_refused(o, &view_rec(o, x)->id, now_ns);
    if (m->reason == DISCONNECT_LEAVING || m->reason == DISCONNECT_ABUSE) {
        int i = passive_find(&o->passive, &view_rec(o, x)->id);

        if (i >= 0)
            passive_remove(&o->passive, i);
        return;
    }
    if (m->reason == DISCONNECT_EVICTED && m->recs.count > 0 && view_room(o) > 0 &&
        view_is_sound(o, peer, first))
        view_want(o, first, DIAL_NEIGHBOR, false, now_ns, out);
}
