/* SPDX-License-Identifier: MIT */
#include "party/fork.h"

#include <assert.h>
#include <string.h>

#include "party/council.h"
#include "party/domains.h"
#include "party/guest.h"
#include "party/host.h"
#include "party/publish.h"
#include "party/state.h"

/* Since when nobody has led us, ourselves included, or others whom we can ask. */
static int64_t led_ns(const struct party *p)
{
    int64_t own_ns = p->role == PARTY_ROLE_HOST ? p->acted_ns : p->host_heard_ns;

    return own_ns > p->others_led_ns ? own_ns : p->others_led_ns;
}

/* Those who can be reached and stand before us in the council, or by their key, fork
 * first; we go along with them. */
static int turn(const struct party *p)
{
    int we = council_rank(&p->council, p->self->sign_public);
    int before = 0;

    for (int i = 0; i < p->member_count; i++) {
        const struct party_member *m = &p->members[i];
        int they = council_rank(&p->council, m->key);

        if (m->is_self || m->peer < 0 || m->is_host) {
            continue;
        }
        if (they == we) { /* neither has a seat */
            before += memcmp(m->key, p->self->sign_public, KEY_LEN) < 0;
        } else {
            before += they >= 0 && (we < 0 || they < we);
        }
    }
    return before;
}

/* Who was told of a new host and then heard nothing of its log waits twice as long for
 * it, and goes on with the log of the one before. */
static bool may_fork(struct party *p)
{
    int64_t wait_ns = p->params->fork_ns + turn(p) * p->params->fork_turn_ns;

    if (!party_log_is_of_epoch(&p->log)) {
        wait_ns *= 2;
    }
    return state_is_open(p) && p->phase == PARTY_PLAYING && !p->is_held &&
           p->log.seq > 0 && p->now_ns - led_ns(p) >= wait_ns &&
           !party_is_acting(p, p->now_ns) && p->offers[0].len > 0 &&
           p->member_count > 0 &&
           (!p->params->must_know_time || party_line(p, p->now_ns).is_valid);
}

/* ---- to fork ---- */

/* We may have been put out, by a host that is gone by now. */
static void keep_only_self(struct party *p)
{
    const struct party_member *known = state_member(p, p->self->sign_public);
    struct party_member self = { .addr = p->addr,
                                 .id = p->self->id,
                                 .is_self = true,
                                 .peer = -1,
                                 .sigma_ns = -1,
                                 .bound_ns = -1,
                                 .sound_ns = TIME_NEVER };

    memcpy(self.key, p->self->sign_public, KEY_LEN);
    memcpy(self.name, p->name, sizeof(self.name));
    if (known != NULL) {
        self = *known;
    }
    p->members[0] = self;
    p->member_count = 1;
}

static void new_id(struct party *p)
{
    struct party_call *c = &p->call;

    store_be64(c->nonce, rng_next(&p->rng));
    store_be64(c->nonce + 8, rng_next(&p->rng));
    memcpy(p->founder, p->self->sign_public, KEY_LEN);
    party_id_make(p->self->suite, p->founder, c->nonce, &c->candidate.party);
    party_log_reset(&p->log, &c->candidate.party);
}

static void forget_elections(struct party *p)
{
    candidate_stop(p);
    memset(&p->ballot, 0, sizeof(p->ballot));
    heap_give(p->heap, p->certificate, 1, sizeof(*p->certificate));
    p->certificate = NULL;
    p->is_promise_new = false;
    p->is_promise_kept = false;
    p->is_resigned = false;
    p->old_council.count = 0;
    p->council = (struct council){ .count = 1 };
    memcpy(p->council.keys[0], p->self->sign_public, KEY_LEN);
}

/* Our call as a flood would carry it, for those who are asked directly. */
static bool sign_call(struct party *p, uint8_t inner[static MSG_INNER_MAX],
                      struct msg_flood *raw)
{
    uint8_t body[MSG_INNER_MAX];
    struct flood f = { .kind = FLOOD_CALL, .ttl = 1, .life_s = 1 };
    size_t len;

    f.body = bytes_of(body, host_encode_call(p, body, sizeof(body)));
    memcpy(f.origin, p->self->sign_public, KEY_LEN);
    len = flood_encode(&f, inner, MSG_INNER_MAX);
    if (len == 0) {
        return false;
    }
    raw->hops = 1;
    raw->inner = bytes_of(inner, len);
    p->self->suite->sign(p->self, DOMAIN_FLOOD, raw->inner, raw->sig);
    return true;
}

static void do_fork(struct party *p, struct outbox *out)
{
    struct msg m = { .type = MSG_PARTY_YIELD };
    uint8_t inner[MSG_INNER_MAX];
    int peers[PARTY_MEMBERS_MAX];
    int count = 0;

    for (int i = 0; i < p->member_count; i++) {
        if (p->members[i].peer >= 0) {
            peers[count++] = p->members[i].peer;
        }
    }
    if (p->parent == NULL) { /* a fork of a fork is one of the first */
        p->parent = heap_take(p->heap, 1, sizeof(*p->parent));
        *p->parent = (struct party_parent){ p->log.party, p->council };
    }
    m.u.party_yield.party = p->log.party;
    host_carry_clock_on(p);
    keep_only_self(p);
    new_id(p);
    forget_elections(p);
    host_become(p);
    p->flood_ns = p->now_ns + p->params->tick_ns;
    publish_checkpoint(p);
    state_update_self(p);
    for (int i = 0; i < count; i++) {
        if (sign_call(p, inner, &m.u.party_yield.call)) {
            outbox_push(out, peers[i], &m);
        }
    }
    state_note(p, "nobody leads the party any more: it goes on as one of your own", "",
               "");
    state_log(p, LOG_INFO, "fork");
}

/* ---- to come together ---- */

/* The party that ours came from, or another fork of it that is fitter. */
static bool is_kin(const struct party *p, const struct invite *v)
{
    struct candidate rival = { v->priority, v->party, 1, v->host };

    if (p->parent == NULL || party_id_equal(&v->party, &p->log.party)) {
        return false;
    }
    if (party_id_equal(&v->party, &p->parent->party)) {
        return true;
    }
    return council_rank(&p->parent->council, v->host_key) >= 0 &&
           candidate_compare(&p->call.candidate, &rival) < 0;
}

void fork_call_heard(struct party *p, const struct msg_flood *raw, const struct invite *v)
{
    if (p->merge_ns != TIME_NEVER || !is_kin(p, v) || !state_set_redirect(p, raw)) {
        return;
    }
    p->merge_to = v->party;
    p->merge_ns = p->now_ns + p->params->merge_ns;
    p->merge_slot = p->timeline.action_count > 0 ? state_slot(p) : -1;
    state_note(p, "found again: ", v->name, "; back there after this song");
}

static void merge(struct party *p, struct invite *v, struct outbox *out)
{
    for (int i = 0; i < p->peer_room; i++) {
        if (p->peers[i].is_up && p->peers[i].is_used) {
            state_send_redirect(p, i, out);
        }
    }
    host_flood_close(p, CLOSE_YIELDED);
    state_log(p, LOG_INFO, "merge");
    guest_begin(p, v, out);
}

/* A flood may come where no link does: nothing is given up before there is one. */
static void try_merge(struct party *p, struct outbox *out)
{
    struct invite *v = invites_find(p->invites, &p->merge_to);
    int peer = v == NULL ? -1 : state_peer(p, &v->host);

    if (v == NULL) { /* it was closed, or not heard again */
        p->merge_ns = TIME_NEVER;
    } else if (peer < 0) {
        state_queue_dial(p, &v->addr, &v->host);
    } else if (p->now_ns >= p->merge_ns || state_slot(p) != p->merge_slot) {
        merge(p, v, out);
    } else {
        state_use_peer(p, peer);
    }
}

void fork_tick(struct party *p, struct outbox *out)
{
    if (p->role == PARTY_ROLE_HOST && party_is_acting(p, p->now_ns)) {
        p->acted_ns = p->now_ns;
    }
    if (p->merge_ns != TIME_NEVER && p->role == PARTY_ROLE_HOST) {
        try_merge(p, out);
    } else if (p->params->fork_ns > 0 && may_fork(p)) {
        do_fork(p, out);
    } else if (p->role == PARTY_ROLE_GUEST && p->phase == PARTY_PLAYING &&
               p->now_ns - led_ns(p) >= p->params->fork_ns / 2) {
        candidate_ask(p, out);
    }
}

/* ---- to go along ---- */

/* What is played stays as it is until the other party's log is here. */
static void move(struct party *p, struct invite *v, struct outbox *out)
{
    struct clock_line line = party_line(p, p->now_ns);
    uint32_t version = party_timeline_version(p);
    bool was_playing = p->phase == PARTY_PLAYING;
    struct party_parent parent = { p->log.party, p->council };

    if (p->parent != NULL) {
        parent = *p->parent;
    }
    guest_begin(p, v, out);
    p->parent = heap_take(p->heap, 1, sizeof(*p->parent));
    *p->parent = parent;
    if (was_playing && line.is_valid) {
        p->bridge = line;
        p->bridge_ns = p->now_ns;
        p->is_held = true;
        p->held_version = version;
    }
}

static struct invite *invite_to(struct party *p, const struct call *c,
                                const struct flood *f)
{
    if (invites_find(p->invites, &c->party) == NULL) {
        (void)invites_add(p->invites, c, f->origin, NULL, p->params->invite_keep_ns,
                          p->now_ns);
    }
    return invites_find(p->invites, &c->party);
}

/* A party of its own, by one whom we take for host, or while we miss one. */
static bool is_fork_of_ours(const struct party *p, int peer, const struct flood *f,
                            const struct call *c)
{
    bool is_hosts = memcmp(p->peers[peer].key, p->call.host_key, KEY_LEN) == 0;

    return c->epoch == 1 && memcmp(f->origin, p->peers[peer].key, KEY_LEN) == 0 &&
           (is_hosts || p->now_ns - led_ns(p) >= p->params->fork_ns / 2);
}

/* Our host gives its party up for one that plays already: a fork goes back. */
static bool is_way_back(const struct party *p, int peer, const struct call *c)
{
    return memcmp(p->peers[peer].key, p->call.host_key, KEY_LEN) == 0 &&
           c->deadline_ms == 0;
}

bool fork_take_yield(struct party *p, int peer, const struct msg_party_yield *m,
                     struct outbox *out)
{
    struct invite *v;
    struct flood f;
    struct call c;
    bool is_fork;

    if (state_is_before_play(p) || state_member_of(p, peer) == NULL ||
        !state_read_call(p, &m->call, &f, &c)) {
        return false;
    }
    is_fork = is_fork_of_ours(p, peer, &f, &c);
    if (!is_fork && !is_way_back(p, peer, &c)) {
        return false;
    }
    v = invite_to(p, &c, &f);
    if (v == NULL) {
        return false;
    }
    state_note(p, p->call.name, " goes on with ", v->host_name);
    move(p, v, out);
    if (!is_fork) {
        state_drop_parent(p); /* it is one party again */
    }
    return true;
}
