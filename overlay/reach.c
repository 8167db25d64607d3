/* SPDX-License-Identifier: MIT */
#include "overlay/reach.h"

#include "overlay/view_private.h"

#define SEEN_ENOUGH 2

struct reach_params reach_params_default(void)
{
    return (struct reach_params){ .misses = 3,
                                  .misses_proven = 16,
                                  .quiet_ns = 3 * NS_PER_S,
                                  .wait_ns = 3 * NS_PER_S,
                                  .retest = 8,
                                  .homes = 2,
                                  .guests_max = 16,
                                  .retry_ns = NS_PER_S,
                                  .looks_max = 6 };
}

static int home_of(const struct overlay *o)
{
    for (int k = 0; k < o->slots.count; k++) {
        if (o->peers[k].is_home)
            return o->peers[k].slot;
    }
    return -1;
}

static int count_homes(const struct overlay *o)
{
    int count = 0;

    for (int k = 0; k < o->slots.count; k++)
        count += o->peers[k].is_home;
    return count;
}

static int count_guests(const struct overlay *o)
{
    int count = 0;

    for (int k = 0; k < o->slots.count; k++)
        count += o->peers[k].is_guest;
    return count;
}

enum reach_class overlay_reach(const struct overlay *o)
{
    const struct hidden *h = o->reach.hidden;

    if (h != NULL && h->seen_count >= SEEN_ENOUGH)
        return REACH_PUNCH;
    return (enum reach_class)o->reach.class;
}

struct addr overlay_outside(const struct overlay *o)
{
    return view_self(o)->addr;
}

/* ---- what others are told ---- */

static void say(struct overlay *o, int peer, struct outbox *out)
{
    struct msg m = { .type = MSG_REACH };

    m.u.reach.addr = view_self(o)->addr;
    m.u.reach.via = view_self(o)->via;
    m.u.reach.is_home = view_peer(o, peer)->is_home;
    outbox_push(out, peer, &m);
}

/* Our record as it is now; who has an older one hears of it. */
static void renew_self(struct overlay *o, struct outbox *out)
{
    const struct hidden *h = o->reach.hidden;
    struct peer_rec self = *view_self(o);
    int home = home_of(o);

    self.via = (struct addr){ .len = 0 };
    if (h != NULL)
        self.addr = h->seen_count >= SEEN_ENOUGH ? h->seen : h->listen;
    if (h != NULL && home >= 0)
        self.via = overlay_rec(o, home)->addr;
    if (addr_equal(&self.addr, &view_self(o)->addr) &&
        addr_equal(&self.via, &view_self(o)->via))
        return;
    view_set_self(o, &self);
    for (int k = 0; k < o->slots.count; k++) {
        say(o, o->peers[k].slot, out);
    }
}

/* ---- what we are ---- */

static void log_class(struct overlay *o, const char *what)
{
    struct text t;

    if (o->log == NULL)
        return;
    t = log_begin(o->log, LOG_INFO, "overlay", "reach");
    log_text(&t, "is", what);
}

static void hide(struct overlay *o, int64_t now_ns)
{
    struct reach *r = &o->reach;

    r->class = REACH_HIDDEN;
    r->hidden = heap_take(o->heap, 1, sizeof(*r->hidden));
    *r->hidden = (struct hidden){ .listen = view_self(o)->addr,
                                  .look = -1,
                                  .retry_ns = now_ns };
    log_class(o, "hidden");
}

static void release(struct overlay *o, int peer, int64_t now_ns)
{
    struct overlay_peer *x = view_peer(o, peer);

    if (x->state == OVERLAY_LINKED && !x->is_home && !x->is_guest)
        x->deadline_ns = now_ns + o->p->linger_ns;
}

static void come_out(struct overlay *o, int64_t now_ns, struct outbox *out)
{
    struct reach *r = &o->reach;
    struct peer_rec self = *view_self(o);

    if (r->class != REACH_OPEN)
        log_class(o, "open");
    r->class = REACH_OPEN;
    r->is_proven = true;
    r->is_waiting = false;
    r->misses = 0;
    if (r->hidden == NULL)
        return;
    self.addr = r->hidden->listen;
    heap_give(o->heap, r->hidden, 1, sizeof(*r->hidden));
    r->hidden = NULL;
    for (int k = 0; k < o->slots.count; k++) {
        if (!o->peers[k].is_home)
            continue;
        o->peers[k].is_home = 0;
        release(o, o->peers[k].slot, now_ns);
    }
    self.via = (struct addr){ .len = 0 };
    view_set_self(o, &self);
    for (int k = 0; k < o->slots.count; k++) {
        say(o, o->peers[k].slot, out);
    }
}

void view_reach_finish(struct overlay *o)
{
    heap_give(o->heap, o->reach.hidden, o->reach.hidden != NULL,
              sizeof(*o->reach.hidden));
    o->reach.hidden = NULL;
}

/* Believed when two hosts say the same, one after the other: a translator that shows each
 * another address may well show one host the same again. */
void overlay_seen(struct overlay *o, const struct addr *seen, const struct addr *by,
                  int64_t now_ns, struct outbox *out)
{
    struct hidden *h = o->reach.hidden;
    bool is_same;

    if (h == NULL || !passive_is_dialable(seen))
        return;
    is_same = h->seen_count > 0 && addr_equal(&h->seen, seen);
    if (is_same && addr_same_ip(&h->seen_by, by))
        return;
    h->seen_count = is_same ? SEEN_ENOUGH : 1;
    h->seen = *seen;
    h->seen_by = *by;
    renew_self(o, out);
    view_plan(o, now_ns);
}

void overlay_reached(struct overlay *o, int64_t now_ns, struct outbox *out)
{
    if (o->p->reach.misses > 0)
        come_out(o, now_ns, out);
}

void overlay_peer_came(struct overlay *o, int peer, enum link_how how, int64_t now_ns,
                       struct outbox *out)
{
    struct overlay_peer *x = view_peer(o, peer);

    o->relayed_count += (how == LINK_RELAYED) - (x->how == LINK_RELAYED);
    x->how = how & 3;
    x->is_open = x->is_dialled && how == LINK_DIRECT;
    if (o->reach.class == REACH_UNKNOWN && o->reach.until_ns == 0)
        o->reach.until_ns = now_ns + o->p->reach.quiet_ns;
    if (o->reach.class == REACH_UNKNOWN)
        view_plan(o, now_ns);
    if (o->reach.hidden == NULL)
        return;
    say(o, peer, out);
    view_plan(o, now_ns);
}

void overlay_again(struct overlay *o, int peer, int64_t now_ns)
{
    const struct dial d = { .purposes = DIAL_NEIGHBOR,
                            .start_ns = now_ns,
                            .deadline_ns = now_ns + o->p->dial_timeout_ns };
    struct peer_rec rec = *overlay_rec(o, peer);

    if (view_peer(o, peer)->state == OVERLAY_ACTIVE)
        (void)dials_add(&o->dials, &rec, &d);
}

/* ---- homes and guests ---- */

void view_reach_home(struct overlay *o, int peer, struct outbox *out)
{
    struct overlay_peer *x = view_peer(o, peer);

    if (o->reach.hidden == NULL || !x->is_open || x->is_home ||
        count_homes(o) >= o->p->reach.homes)
        return;
    x->is_home = 1;
    say(o, peer, out);
    renew_self(o, out);
}

void view_reach_down(struct overlay *o, int64_t now_ns, struct outbox *out)
{
    if (o->reach.hidden == NULL)
        return;
    o->reach.hidden->retry_ns = time_min(o->reach.hidden->retry_ns, now_ns);
    renew_self(o, out);
}

static bool wants_home(const struct overlay *o)
{
    const struct hidden *h = o->reach.hidden;

    return h != NULL &&
           (count_homes(o) < o->p->reach.homes ||
            (h->seen_count < SEEN_ENOUGH && h->looks < o->p->reach.looks_max));
}

static int random_open(struct overlay *o)
{
    int64_t seen = 0;
    int found = -1;

    for (int k = 0; k < o->slots.count; k++) {
        if (o->peers[k].is_open && rng_below(&o->rng, ++seen) == 0)
            found = o->peers[k].slot;
    }
    return found;
}

/* A peer of ours at first, so that there is one at once; then strangers; if there are
 * none, those that the user gave us. */
static void find_home(struct overlay *o, int64_t now_ns, struct outbox *out)
{
    struct peer_rec rec = { .addr = { .len = 0 } };
    int open = random_open(o);
    int i = passive_pick_open(&o->passive, &o->rng);

    if (open >= 0 && home_of(o) < 0)
        view_reach_home(o, open, out);
    if (i >= 0) {
        rec = *passive_rec(&o->passive, i);
    } else if (open >= 0) {
        view_reach_home(o, open, out);
    } else if (o->bootstrap_count > 0) {
        const struct overlay_bootstrap *b =
            &o->bootstraps[rng_below(&o->rng, o->bootstrap_count)];

        if (!b->is_self)
            rec = (struct peer_rec){ .id = b->id, .addr = b->addr };
    }
    if (rec.addr.len > 0)
        view_want(o, &rec, DIAL_HOME, false, now_ns, out);
}

static void look_for_home(struct overlay *o, int64_t now_ns, struct outbox *out)
{
    struct hidden *h = o->reach.hidden;

    h->retry_ns = now_ns + rng_jitter(&o->rng, o->p->reach.retry_ns, 20);
    if (count_homes(o) < o->p->reach.homes)
        find_home(o, now_ns, out);
    if (h->seen_count < SEEN_ENOUGH && h->looks < o->p->reach.looks_max) {
        h->looks++;
        h->look = random_open(o);
    }
}

int overlay_take_look(struct overlay *o)
{
    struct hidden *h = o->reach.hidden;
    int peer = h == NULL ? -1 : h->look;

    if (peer < 0)
        return -1;
    h->look = -1;
    return sparse_has(&o->slots, peer) && view_peer(o, peer)->is_open ? peer : -1;
}

void view_on_reach(struct overlay *o, int peer, const struct msg_reach *m, int64_t now_ns)
{
    struct overlay_peer *x = view_peer(o, peer);
    const struct peer_rec *old = view_rec(o, x);
    struct peer_rec rec = { old->id, m->addr, m->via };
    uint32_t contact = x->contact;
    int i = passive_find(&o->passive, &old->id);

    if (!bucket_small_take(&x->walks, o->p->walk_link, now_ns)) {
        o->counts.limited++;
        return;
    }
    x->is_guest = m->is_home && (x->is_guest || count_guests(o) < o->p->reach.guests_max);
    release(o, peer, now_ns);
    if (old->addr.len > 0) { /* we know better which host it is */
        memcpy(rec.addr.ip, old->addr.ip, sizeof(rec.addr.ip));
        rec.addr.len = old->addr.len;
    }
    if (!view_is_sound(o, peer, &rec))
        return;
    x->contact = contacts_add(o->contacts, &rec);
    contacts_drop(o->contacts, contact);
    if (i >= 0)
        (void)passive_add(&o->passive, &rec, true, &o->rng);
}

/* ---- shuffles as tests ---- */

bool view_reach_may_walk(struct overlay *o, int64_t now_ns, struct outbox *out)
{
    struct hidden *h = o->reach.hidden;
    int i;

    if (h == NULL || ++h->shuffles % o->p->reach.retest == 0)
        return true;
    /* Whoever the walk led to would have to be introduced: go to somebody instead. */
    i = passive_pick_open(&o->passive, &o->rng);
    if (i >= 0)
        view_want(o, passive_rec(&o->passive, i), DIAL_SHUFFLE, false, now_ns, out);
    return i < 0;
}

void view_reach_walks(struct overlay *o, int64_t now_ns)
{
    struct reach *r = &o->reach;

    /* Among newcomers many walks come to nothing. */
    if (o->p->reach.misses == 0 || r->class != REACH_OPEN || r->is_waiting)
        return;
    r->is_waiting = true;
    r->until_ns = now_ns + o->p->reach.wait_ns;
}

void view_reach_spared(struct overlay *o)
{
    o->reach.is_waiting = false;
}

void overlay_spare_test(struct overlay *o)
{
    view_reach_spared(o);
}

static bool wants_test(const struct overlay *o)
{
    const struct reach *r = &o->reach;

    return o->p->reach.misses > 0 && r->class == REACH_UNKNOWN && !r->is_waiting &&
           r->until_ns > 0 && view_self(o)->addr.port > 0;
}

static void ask_test(struct overlay *o, int64_t now_ns, struct outbox *out)
{
    struct msg m = { .type = MSG_MEET };
    int64_t seen = 0;
    int peer = -1;

    for (int k = 0; k < o->slots.count; k++) {
        const struct overlay_peer *x = &o->peers[k];

        if (x->how != LINK_RELAYED && rng_below(&o->rng, ++seen) == 0)
            peer = x->slot;
    }
    o->reach.until_ns = now_ns + o->p->reach.wait_ns;
    if (peer < 0)
        return;
    o->reach.is_waiting = true;
    m.u.meet.kind = MEET_TEST;
    m.u.meet.peer = view_self(o)->id;
    m.u.meet.addr = view_self(o)->addr;
    outbox_push(out, peer, &m);
}

static void miss(struct overlay *o, int64_t now_ns)
{
    struct reach *r = &o->reach;
    int limit = r->is_proven ? o->p->reach.misses_proven : o->p->reach.misses;

    r->is_waiting = false;
    r->misses++;
    if (r->misses >= limit)
        hide(o, now_ns);
}

void view_reach_tick(struct overlay *o, int64_t now_ns, struct outbox *out)
{
    struct reach *r = &o->reach;

    if (r->is_waiting && r->until_ns <= now_ns)
        miss(o, now_ns);
    if (wants_test(o) && r->until_ns <= now_ns)
        ask_test(o, now_ns, out);
    if (!wants_home(o) || r->hidden->retry_ns > now_ns)
        return;
    look_for_home(o, now_ns, out);
}

int64_t view_reach_due(const struct overlay *o)
{
    bool is_due = o->reach.is_waiting || wants_test(o);
    int64_t next = is_due ? o->reach.until_ns : TIME_NEVER;

    return wants_home(o) ? time_min(next, o->reach.hidden->retry_ns) : next;
}
