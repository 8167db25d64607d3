/* SPDX-License-Identifier: MIT */
#include "overlay/view_private.h"

#include <assert.h>

struct overlay_params overlay_params_default(void)
{
    return (struct overlay_params){
        .peers_max = 64,
        .active_max = 6,
        .active_low = 4,
        .active_need = 5,
        .forced_max = 2,
        .forced_old = 1,
        .forced_rate = { 30 * NS_PER_S, 2 },
        .has_split = true,
        .tells_accepted = true,
        .join_gap_ns = 2 * NS_PER_S,
        .passive_max = 120,
        .passive_eager = 30,
        .passive_fails_max = 250,
        .join_walk = 6,
        .passive_walk = 3,
        .shuffle_walk = 6,
        .shuffle_active = 3,
        .shuffle_passive = 12,
        .shuffle_period_ns = 60 * NS_PER_S,
        .shuffle_young_ns = 15 * NS_PER_S,
        .shuffle_first_ns = NS_PER_S,
        .closed_shuffles = 6,
        .young_ns = 300 * NS_PER_S,
        .ask_timeout_ns = 2 * NS_PER_S,
        .dial_timeout_ns = 15 * NS_PER_S,
        .dials_max = 64,
        .dials_refill = 4,
        .dials_haste = 48,
        .dial_patience_ns = 100 * NS_PER_MS,
        .refill_wait_ns = 10 * NS_PER_MS,
        .refill_alone_ns = 50 * NS_PER_MS,
        .refill_haste_ns = 2 * NS_PER_S,
        .refill_calm_ns = 30 * NS_PER_S,
        .retry_max_ns = 300 * NS_PER_S,
        .retry_share_ns = 5 * NS_PER_S,
        .bootstrap_first_ns = NS_PER_S / 2,
        .bootstrap_quick = 6,
        .isolated_max_ns = 60 * NS_PER_S,
        .linger_ns = NS_PER_S / 2,
        .linger_new_ns = 10 * NS_PER_S,
        .good_ns = 60 * NS_PER_S,
        .good_first_ns = 3 * NS_PER_S,
        .good_few = 4,
        .known_max = 64,
        .check_fresh_ns = 2 * NS_PER_S,
        .check_min_ns = 200 * NS_PER_MS,
        .check_max_ns = 400 * NS_PER_MS,
        .has_doubts = true,
        .alarm_rate = { 30 * NS_PER_S, 2 },
        .rescue_links = 10,
        .rescue_ns = 3 * NS_PER_S,
        .rescue_rate = { 30 * NS_PER_S, 2 },
        .chosen_min = 3,
        .chosen_wait_ns = 10 * NS_PER_S,
        .pinned = 2,
        .group_min = 3,
        .learn_max = 2,
        .anchor_period_ns = 60 * NS_PER_S,
        .island_period_ns = 100 * NS_PER_S,
        .island_age_ns = 300 * NS_PER_S,
        .island_hop_ns = NS_PER_S,
        .reach = reach_params_default(),
        .probe_helpers = 3,
        .join_link = { NS_PER_S, 4 },
        .join_node = { NS_PER_S / 10, 40 },
        .walk_link = { NS_PER_S / 4, 16 },
        .shuffle_link = { 5 * NS_PER_S, 6 },
    };
}

static void check_params(const struct overlay_params *p)
{
    assert(p->peers_max > 0 && p->active_max > 0);
    assert(p->active_max <= OVERLAY_ACTIVE_MAX && p->active_low <= p->active_max);
    assert(p->forced_old >= 0 && p->forced_old <= p->forced_max &&
           p->forced_max <= p->active_max);
    assert(p->join_walk >= 0 && p->join_walk <= UINT8_MAX);
    assert(p->shuffle_walk >= 0 && p->shuffle_walk <= UINT8_MAX);
    assert(p->shuffle_active + p->shuffle_passive <= MSG_RECS_MAX);
    assert(p->dials_refill <= p->dials_max && p->refill_wait_ns > 0);
    assert(p->group_min <= 4); /* see passive.c */
    assert(p->peers_max <= UINT8_MAX && p->learn_max < UINT8_MAX);
}

void overlay_init(struct overlay *o, const struct overlay_params *p, struct heap *heap,
                  struct contacts *contacts, const struct peer_rec *self, uint64_t seed)
{
    check_params(p);
    *o = (struct overlay){ .p = p, .heap = heap, .contacts = contacts };
    o->self = contacts_add(contacts, self);
    rng_seed(&o->rng, seed);
    o->join_ns = -1;
    o->lost_ns = -1;
    o->refill_wait_ns = p->refill_wait_ns;
    o->shuffle_ns = TIME_NEVER;
    o->wake_ns = TIME_NEVER;
    o->check_ns = TIME_NEVER;
    o->alarm_ns = TIME_NEVER;
    view_island_init(o);
    passive_init(&o->passive, p->passive_max, heap, contacts);
    o->passive.group_min = (uint16_t)p->group_min;
    dials_init(&o->dials, p->dials_max, heap, contacts);
    known_init(&o->known, p->known_max, heap, contacts);
}

void overlay_finish(struct overlay *o)
{
    contacts_drop(o->contacts, o->self);
    for (int k = 0; k < o->slots.count; k++)
        contacts_drop(o->contacts, o->peers[k].contact);
    sparse_clear(&o->slots, o->heap, o->peers, sizeof(*o->peers));
    heap_give(o->heap, o->bootstraps, (size_t)o->bootstrap_count, sizeof(*o->bootstraps));
    view_reach_finish(o);
    passive_finish(&o->passive);
    dials_finish(&o->dials);
    known_finish(&o->known);
    *o = (struct overlay){ .wake_ns = TIME_NEVER };
}

void view_set_self(struct overlay *o, const struct peer_rec *self)
{
    uint32_t old = o->self;

    o->self = contacts_add(o->contacts, self);
    contacts_drop(o->contacts, old);
}

void overlay_set_listen(struct overlay *o, const struct addr *listen)
{
    struct peer_rec self = { .id = view_self(o)->id, .addr = *listen };

    if (o->reach.hidden != NULL)
        o->reach.hidden->listen = *listen; /* others know us by another one */
    else
        view_set_self(o, &self);
}

static struct overlay_bootstrap *find_bootstrap(const struct overlay *o,
                                                const struct addr *a)
{
    for (int i = 0; i < o->bootstrap_count; i++) {
        if (addr_equal(&o->bootstraps[i].addr, a))
            return &o->bootstraps[i];
    }
    return NULL;
}

bool overlay_is_bootstrap(const struct overlay *o, const struct addr *a)
{
    return find_bootstrap(o, a) != NULL;
}

bool overlay_add_bootstrap(struct overlay *o, const struct addr *a)
{
    if (!passive_is_dialable(a))
        return false;
    if (find_bootstrap(o, a) != NULL)
        return true;
    if (o->bootstrap_count >= OVERLAY_BOOTSTRAPS_MAX)
        return false;
    o->bootstraps = heap_resize(o->heap, o->bootstraps, (size_t)o->bootstrap_count,
                                (size_t)o->bootstrap_count + 1, sizeof(*o->bootstraps));
    o->bootstraps[o->bootstrap_count++] = (struct overlay_bootstrap){ .addr = *a };
    o->wake_ns = 0; /* at once */
    return true;
}

bool overlay_add_known(struct overlay *o, const struct peer_rec *rec)
{
    int peer = overlay_find(o, &rec->id);

    if (node_id_equal(&rec->id, &view_self(o)->id) || node_id_is_zero(&rec->id) ||
        !passive_is_dialable(&rec->addr) || !known_load(&o->known, rec))
        return false;
    if (peer < 0 || view_peer(o, peer)->state != OVERLAY_ACTIVE)
        (void)passive_add(&o->passive, rec, false, &o->rng);
    o->wake_ns = 0; /* at once */
    return true;
}

/* Take the dial with this index out of the table, and add what it was for to d. */
static void collect(struct overlay *o, int index, struct dial *d)
{
    const struct dial *from;

    if (index < 0)
        return;
    from = &o->dials.list[index];
    d->purposes |= from->purposes;
    d->is_forced = d->is_forced || from->is_forced;
    d->is_back = d->is_back || from->is_back;
    if ((from->purposes & DIAL_PROBE) != 0) {
        d->asker = from->asker;
        d->nonce = from->nonce;
    }
    dials_remove(&o->dials, index);
}

/* Somebody answered at the address that we dialled. */
static void met(struct overlay *o, const struct addr *a, const struct node_id *id)
{
    struct overlay_bootstrap *b = find_bootstrap(o, a);

    if (b != NULL) {
        b->is_met = true;
        b->id = *id;
    }
}

static void reached(struct overlay *o, int peer, const struct addr *dialled,
                    int64_t now_ns, struct outbox *out)
{
    const struct node_id *id = &overlay_rec(o, peer)->id;
    struct dial d = { .purposes = 0 };
    int i = passive_find(&o->passive, id);

    if (i >= 0)
        passive_reached(&o->passive, i);
    d.is_back = known_dialled(&o->known, id, false);
    if (dialled != NULL) {
        met(o, dialled, id);
        collect(o, dials_find_addr(&o->dials, dialled), &d);
    }
    collect(o, dials_find_id(&o->dials, id), &d);
    if (dialled != NULL && d.purposes == 0 && view_is_rushed(o, now_ns))
        d.purposes = DIAL_NEIGHBOR; /* it was given up too soon */
    view_rescued(o, now_ns);
    if (d.purposes != 0)
        view_carry_out(o, peer, &d, now_ns, out);
    view_settle(o, now_ns, out);
}

void overlay_peer_up(struct overlay *o, int peer, const struct peer_rec *rec,
                     const struct addr *dialled, int64_t now_ns, struct outbox *out)
{
    int old = overlay_find(o, &rec->id);
    struct overlay_peer *x;

    assert(!node_id_equal(&rec->id, &view_self(o)->id));
    assert(peer >= 0 && peer < o->p->peers_max);
    o->peers = sparse_add(&o->slots, o->heap, o->peers, peer, sizeof(*o->peers));
    x = view_peer(o, peer);
    *x = (struct overlay_peer){ .slot = (uint8_t)peer,
                                .contact = contacts_add(o->contacts, rec),
                                .tag = contact_tag(&rec->id),
                                .state = OVERLAY_LINKED,
                                .is_dialled = dialled != NULL,
                                .is_new = 1,
                                .since_ns = now_ns,
                                .deadline_ns = now_ns + o->p->linger_new_ns };
    if (old < 0 || view_peer(o, old)->state != OVERLAY_ACTIVE)
        (void)passive_add(&o->passive, rec, true, &o->rng);
    reached(o, peer, dialled, now_ns, out);
}

void overlay_dial_duplicate(struct overlay *o, const struct addr *a, int peer,
                            int64_t now_ns, struct outbox *out)
{
    assert(sparse_has(&o->slots, peer));
    reached(o, peer, a, now_ns, out);
}

void overlay_dial_failed(struct overlay *o, const struct addr *a, int64_t now_ns)
{
    int i = dials_find_addr(&o->dials, a);

    if (i < 0)
        return;
    view_dial_failed(o, i, now_ns);
    view_plan(o, now_ns);
}

void overlay_dial_self(struct overlay *o, const struct addr *a)
{
    struct overlay_bootstrap *b = find_bootstrap(o, a);
    int i = dials_find_addr(&o->dials, a);
    int wrong;

    if (b != NULL)
        b->is_self = true;
    if (i < 0)
        return;
    /* A record with our address under another id is wrong. */
    wrong = passive_find(&o->passive, &dials_rec(&o->dials, i)->id);
    if (wrong >= 0)
        passive_remove(&o->passive, wrong);
    dials_remove(&o->dials, i);
    o->wake_ns = 0; /* at once */
}

void overlay_peer_down(struct overlay *o, int peer, int64_t now_ns, struct outbox *out)
{
    struct overlay_peer *x = view_peer(o, peer);
    struct node_id id = view_rec(o, x)->id;
    bool was_active = x->state == OVERLAY_ACTIVE;
    bool was_asked = x->state == OVERLAY_ASKED;
    int i;

    if (was_active)
        view_drop(o, peer, now_ns);
    else
        view_unlink(o, peer, now_ns);
    o->relayed_count -= x->how == LINK_RELAYED;
    contacts_drop(o->contacts, x->contact);
    o->peers = sparse_remove(&o->slots, o->heap, o->peers, peer, sizeof(*o->peers));
    i = passive_find(&o->passive, &id);
    if (was_asked)
        view_refused(o, &id, now_ns);
    else if (was_active && i >= 0)
        passive_failed(&o->passive, i, o->p->isolated_max_ns, now_ns, &o->rng);
    view_reach_down(o, now_ns, out);
    view_settle(o, now_ns, out);
}

void overlay_receive(struct overlay *o, int peer, const struct msg *m, int64_t now_ns,
                     struct outbox *out)
{
    assert(sparse_has(&o->slots, peer));
    if (m->type == MSG_JOIN)
        view_on_join(o, peer, &m->u.join, now_ns, out);
    else if (m->type == MSG_FORWARD_JOIN)
        view_on_forward_join(o, peer, &m->u.forward_join, now_ns, out);
    else if (m->type == MSG_NEIGHBOR)
        view_on_neighbor(o, peer, &m->u.neighbor, now_ns, out);
    else if (m->type == MSG_NEIGHBOR_ACK)
        view_on_ack(o, peer, &m->u.neighbor_ack, now_ns, out);
    else if (m->type == MSG_DISCONNECT)
        view_on_disconnect(o, peer, &m->u.disconnect, now_ns, out);
    else if (m->type == MSG_SHUFFLE)
        view_on_shuffle(o, peer, &m->u.shuffle, now_ns, out);
    else if (m->type == MSG_SHUFFLE_REPLY)
        view_on_shuffle_reply(o, peer, &m->u.shuffle_reply);
    else if (m->type == MSG_ISLAND)
        view_on_island(o, peer, &m->u.island, now_ns, out);
    else if (m->type == MSG_PROBE)
        view_on_probe(o, peer, &m->u.probe, now_ns, out);
    else if (m->type == MSG_PROBE_ACK)
        view_on_probe_ack(o, &m->u.probe_ack, now_ns);
    else if (m->type == MSG_REACH)
        view_on_reach(o, peer, &m->u.reach, now_ns);
    else
        o->counts.stray++;
    view_settle(o, now_ns, out);
}

void overlay_leave(struct overlay *o, int64_t now_ns, struct outbox *out)
{
    for (int i = 0; i < o->active_count; i++)
        view_say_disconnect(o, o->active[i], DISCONNECT_LEAVING, NULL, out);
    while (o->active_count > 0)
        view_drop(o, o->active[0], now_ns);
    view_plan(o, now_ns);
}

bool overlay_take_dial(struct overlay *o, struct addr *a, struct node_id *expected)
{
    int i = dials_take(&o->dials);

    if (i < 0)
        return false;
    *a = dials_rec(&o->dials, i)->addr;
    *expected = dials_rec(&o->dials, i)->id;
    o->counts.dials++;
    return true;
}

const struct peer_rec *overlay_dial_rec(const struct overlay *o, const struct addr *a,
                                        const struct node_id *id)
{
    int i = dials_find_id(&o->dials, id);

    if (i < 0)
        i = dials_find_addr(&o->dials, a);
    return i < 0 ? NULL : dials_rec(&o->dials, i);
}

bool overlay_is_short(const struct overlay *o)
{
    return o->active_count - view_doubts(o) < o->p->active_low;
}

bool overlay_take_drop(struct overlay *o, int *peer)
{
    for (int k = 0; k < o->slots.count && o->drop_count > 0; k++) {
        struct overlay_peer *x = &o->peers[k];

        if (x->state == OVERLAY_LINKED && x->is_drop) {
            x->is_drop = false;
            o->drop_count--;
            *peer = x->slot;
            return true;
        }
    }
    return false;
}

bool overlay_take_remember(struct overlay *o, struct peer_rec *rec, bool *is_forget)
{
    return known_take(&o->known, rec, is_forget);
}

bool overlay_needs(const struct overlay *o, int peer)
{
    const struct overlay_peer *x;

    if (!sparse_has(&o->slots, peer))
        return false;
    x = view_peer(o, peer);
    if (x->state != OVERLAY_LINKED || x->is_home || x->is_guest)
        return true;
    /* One that only lingers makes room for others: a contact of many who join at once
     * has a slot for each of them only for a moment. */
    return x->deadline_ns != TIME_NEVER &&
           (x->is_new || x->has_shuffled || x->is_anchor || x->is_waiting ||
            x->asks_open > 0);
}

bool overlay_is_active(const struct overlay *o, int peer)
{
    return sparse_has(&o->slots, peer) && view_peer(o, peer)->state == OVERLAY_ACTIVE;
}

bool overlay_is_forced(const struct overlay *o, int peer)
{
    return overlay_is_active(o, peer) && view_peer(o, peer)->is_forced;
}

int overlay_active(const struct overlay *o, int *peers)
{
    for (int i = 0; i < o->active_count; i++)
        peers[i] = o->active[i];
    return o->active_count;
}

const struct peer_rec *overlay_rec(const struct overlay *o, int peer)
{
    assert(sparse_has(&o->slots, peer));
    return view_rec(o, view_peer(o, peer));
}

bool overlay_dials_other(const struct overlay *o, const struct addr *a,
                         const struct node_id *id)
{
    int i = dials_find_addr(&o->dials, a);
    const struct node_id *expected = i < 0 ? id : &dials_rec(&o->dials, i)->id;

    return !node_id_is_zero(expected) && !node_id_equal(expected, id);
}

int overlay_find(const struct overlay *o, const struct node_id *id)
{
    uint16_t tag = contact_tag(id);
    const struct overlay_peer *found = NULL;

    for (int k = 0; k < o->slots.count; k++) {
        const struct overlay_peer *x = &o->peers[k];

        if (x->tag == tag && node_id_equal(&view_rec(o, x)->id, id) &&
            (found == NULL || x->state > found->state))
            found = x;
    }
    return found == NULL ? -1 : found->slot;
}
