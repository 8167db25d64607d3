/* SPDX-License-Identifier: MIT */
#include "party/council.h"

#include <string.h>

#include "party/guest.h"
#include "party/host.h"
#include "party/publish.h"
#include "party/state.h"

void council_send(struct party *p, int peer, const struct msg *m, struct outbox *out)
{
    p->counts.elected++;
    outbox_push(out, peer, m);
}

int64_t council_lease_left_ns(const struct party *p)
{
    int64_t left_ns = p->host_heard_ns + p->params->lease_ns - p->now_ns;

    if (p->role == PARTY_ROLE_HOST) { /* it knows by itself whether it acts */
        return party_is_acting(p, p->now_ns) ? p->params->lease_ns : 0;
    }
    if (p->now_ns < p->abstain_ns) {
        left_ns = p->abstain_ns - p->now_ns;
    }
    return left_ns > 0 ? left_ns : 0;
}

bool council_may_vote(const struct party *p)
{
    return p->now_ns >= p->abstain_ns && p->log.epoch >= p->ballot.obeyed &&
           (p->has_been_current || p->role == PARTY_ROLE_HOST);
}

void council_deny(struct party *p, int peer, uint64_t epoch, struct outbox *out)
{
    uint64_t highest = p->ballot.epoch > p->log.epoch ? p->ballot.epoch : p->log.epoch;
    int64_t left_ns = council_lease_left_ns(p);
    struct msg m = { .type = MSG_DENY };

    if (p->ballot.epoch > 0 && p->ballot.lease_ns - p->now_ns > left_ns) {
        left_ns = p->ballot.lease_ns - p->now_ns;
    }
    m.u.deny.party = p->log.party;
    m.u.deny.epoch = epoch;
    m.u.deny.highest = highest;
    m.u.deny.lease_left_ms = (uint32_t)(left_ns / NS_PER_MS);
    m.u.deny.seq = p->log.seq;
    council_send(p, peer, &m, out);
}

void council_refer(struct party *p, int peer, uint64_t epoch, struct outbox *out)
{
    struct msg m = { .type = MSG_COORD };

    if (epoch < p->log.epoch && p->certificate != NULL) {
        m.u.coord = *p->certificate;
        council_send(p, peer, &m, out);
    }
}

/* ---- who votes ---- */

/* Is the one at this peer fitter than we, by the order that the host has signed? */
static bool is_fitter(const struct party *p, int peer)
{
    int they = council_rank(&p->council, p->peers[peer].key);
    int we = council_rank(&p->council, p->self->sign_public);

    return they >= 0 && (we < 0 || they < we);
}

/* Who was put out for its silence asks as well, whether there is a host: it is told. */
static void take_elect(struct party *p, int peer, const struct msg_elect *m,
                       struct outbox *out)
{
    struct msg ok = { .type = MSG_ELECT_OK };

    if (m->epoch == 0) {
        pulse_asked(p, peer, out);
    } else if (m->epoch <= p->log.epoch || council_lease_left_ns(p) > 0) {
        council_deny(p, peer, m->epoch, out);
    } else if (state_member_of(p, peer) != NULL && !is_fitter(p, peer) &&
               council_rank(&p->council, p->self->sign_public) >= 0) {
        ok.u.elect_ok.party = m->party;
        ok.u.elect_ok.epoch = m->epoch;
        council_send(p, peer, &ok, out);
    }
}

static void send_grant(struct party *p, int peer, struct outbox *out)
{
    struct msg g = { .type = MSG_GRANT };

    g.u.grant.party = p->log.party;
    g.u.grant.epoch = p->ballot.epoch;
    memcpy(g.u.grant.host, p->ballot.host, KEY_LEN);
    g.u.grant.claim_ns = p->ballot.claim_ns;
    g.u.grant.lease_ms = (uint32_t)(p->params->grant_lease_ns / NS_PER_MS);
    grant_sign(p->self, &p->log.party, p->ballot.epoch, p->ballot.host, g.u.grant.sig);
    p->ballot.lease_ns = p->now_ns + p->params->grant_lease_ns;
    council_send(p, peer, &g, out);
}

static bool may_claim(const struct party *p, int peer, const struct msg_claim *m)
{
    const uint8_t *key = p->peers[peer].key;

    return council_rank(&p->council, key) >= 0 ||
           council_rank(&p->old_council, key) >= 0 ||
           ballot_is_handed(&p->ballot, m->epoch, key);
}

static void take_claim(struct party *p, int peer, const struct msg_claim *m,
                       struct outbox *out)
{
    bool is_again = m->epoch == p->ballot.epoch;
    struct ballot_claim claim = {
        .epoch = m->epoch,
        .host = p->peers[peer].key,
        .previous = m->previous,
        .at_epoch = m->at_epoch,
        .seq = m->seq,
        .current = p->log.epoch,
        .present = p->log.host,
        .head = p->log.head,
        .our_at_epoch = p->log.at_epoch,
        .our_seq = p->log.seq,
        .lease_left_ns = council_lease_left_ns(p),
        .now_ns = p->now_ns,
    };

    if (council_rank(&p->council, p->self->sign_public) < 0 || !council_may_vote(p) ||
        !may_claim(p, peer, m) ||
        (p->role == PARTY_ROLE_HOST && party_is_acting(p, p->now_ns)) ||
        !ballot_grant(&p->ballot, &claim)) {
        council_deny(p, peer, m->epoch, out);
        return;
    }
    p->ballot.claim_ns = m->sent_ns;
    if (!is_again) {
        candidate_give_way(p);
        council_promise(p);
    } else if (p->is_promise_kept) {
        send_grant(p, peer, out);
    } else {
        council_promise(p);
    }
}

void council_promise(struct party *p)
{
    p->ballot.lease_ns = p->now_ns + p->params->grant_lease_ns;
    p->is_promise_kept = false;
    p->is_promise_new = true;
}

void council_promised(struct party *p, struct outbox *out)
{
    const struct party_member *m = state_member(p, p->ballot.host);

    p->is_promise_kept = true;
    if (m != NULL && m->is_self) {
        candidate_promised(p, out);
        council_upkeep(p); /* our own voice counts from now on */
    } else if (m != NULL && m->peer >= 0 && p->ballot.epoch > p->log.epoch) {
        send_grant(p, m->peer, out);
    }
}

/* A claim may be there before the word of the host: who votes is shown it by us. */
static void show_handover(struct party *p, const struct msg_handover *m,
                          struct outbox *out)
{
    struct msg copy = { .type = MSG_HANDOVER, .u.handover = *m };

    for (int i = 0; i < p->council.count; i++) {
        const struct party_member *to = state_member(p, p->council.keys[i]);

        if (to != NULL && to->peer >= 0 && !to->is_host) {
            council_send(p, to->peer, &copy, out);
        }
    }
}

static void take_handover(struct party *p, const struct msg_handover *m,
                          struct outbox *out)
{
    bool is_new = m->epoch > p->ballot.handover_epoch;

    if (m->epoch != p->log.epoch + 1 ||
        !handover_verify(p->self->suite, p->log.host, m)) {
        p->counts.not_host++;
        return;
    }
    ballot_handover(&p->ballot, m);
    if (is_new && memcmp(m->host, p->self->sign_public, KEY_LEN) == 0) {
        show_handover(p, m, out);
        candidate_handed(p, m->epoch, out);
    }
}

void council_receive(struct party *p, int peer, const struct msg *m, struct outbox *out)
{
    if (p->phase == PARTY_ENDED || (state_member_of(p, peer) == NULL &&
                                    m->type != MSG_COORD && m->type != MSG_ELECT)) {
        p->counts.not_member++;
        return;
    }
    switch ((int)m->type) {
    case MSG_ELECT:
        take_elect(p, peer, &m->u.elect, out);
        break;
    case MSG_CLAIM:
        take_claim(p, peer, &m->u.claim, out);
        break;
    case MSG_HANDOVER:
        take_handover(p, &m->u.handover, out);
        break;
    case MSG_ELECT_OK:
        candidate_take_ok(p, peer, &m->u.elect_ok);
        break;
    case MSG_GRANT:
        candidate_take_grant(p, peer, &m->u.grant, out);
        break;
    case MSG_DENY:
        candidate_take_deny(p, peer, &m->u.deny, out);
        break;
    default: /* COORD */
        council_coord(p, peer, &m->u.coord, out);
        break;
    }
}

/* ---- who hosts ---- */

static bool is_proved_by(const struct party *p, const struct coord *c,
                         const struct council *voters)
{
    return voters->count > 0 &&
           coord_verify(p->self->suite, c, (const uint8_t(*)[KEY_LEN])voters->keys,
                        voters->count);
}

static bool is_proved(const struct party *p, const struct coord *c)
{
    return p->params->is_classic || is_proved_by(p, c, &p->council) ||
           is_proved_by(p, c, &p->old_council);
}

void council_obey(struct party *p, const struct coord *c)
{
    (void)party_log_set_epoch(&p->log, c->epoch, c->host);
    if (p->certificate == NULL) {
        p->certificate = heap_take(p->heap, 1, sizeof(*p->certificate));
    }
    *p->certificate = *c;
    candidate_stop(p);
    p->candidacy.tries = 0;
    p->is_resigned = false;
    council_note_epoch(p);
}

void council_note_epoch(struct party *p)
{
    if (p->log.epoch > 1 && p->ballot.obeyed < p->log.epoch) {
        p->ballot.obeyed = p->log.epoch;
        p->is_promise_kept = false;
        p->is_promise_new = true;
    }
}

void council_coord(struct party *p, int peer, const struct coord *c, struct outbox *out)
{
    const struct party_member *host = state_member(p, c->host);

    if (c->epoch <= p->log.epoch) {
        p->counts.old_epoch++;
        return;
    }
    if (host == NULL || host->is_self || !is_proved(p, c)) {
        p->counts.not_host++;
        /* Perhaps the council has changed since the entries that we have. */
        if (state_member_of(p, peer) != NULL) {
            guest_ask_log(p, peer, out);
        }
        return;
    }
    council_obey(p, c);
    guest_change_host(p, host);
    state_note(p, "now leads the party: ", host->name, "");
    state_log(p, LOG_INFO, "new host");
}

/* ---- the seats ---- */

/* How fit a member is to be host, by what the host itself has measured: bigger is
 * fitter. */
static int fitness(const struct party_member *m)
{
    int points = m->is_ready ? 8 : 0;

    points += m->rtt_ns < 20 * NS_PER_MS ? 4 : m->rtt_ns < 80 * NS_PER_MS ? 2 : 0;
    points += m->sigma_ns >= 0 && m->sigma_ns < NS_PER_MS ? 1 : 0;
    return points;
}

/* The first of two is the fitter one; the host is the fittest.  Where what was measured
 * is the same, a hash decides that nobody could choose. */
static bool is_before(struct party *p, const uint8_t *a, const uint8_t *b)
{
    const struct party_member *x = state_member(p, a);
    const struct party_member *y = state_member(p, b);
    struct candidate cx = { .party = p->log.party, .epoch = p->log.epoch };
    struct candidate cy = cx;

    if (x == NULL || y == NULL) {
        return y == NULL && x != NULL;
    }
    if (x->is_self != y->is_self) {
        return x->is_self;
    }
    if (fitness(x) != fitness(y)) {
        return fitness(x) > fitness(y);
    }
    cx.node = x->id;
    cy.node = y->id;
    return candidate_compare(&cx, &cy) > 0;
}

static void sort(struct party *p, struct council *c)
{
    for (int i = 1; i < c->count; i++) {
        for (int k = i; k > 0 && is_before(p, c->keys[k], c->keys[k - 1]); k--) {
            uint8_t key[KEY_LEN];

            memcpy(key, c->keys[k], KEY_LEN);
            memcpy(c->keys[k], c->keys[k - 1], KEY_LEN);
            memcpy(c->keys[k - 1], key, KEY_LEN);
        }
    }
}

static bool has_acked(struct party *p, const uint8_t *key)
{
    const struct party_member *m = state_member(p, key);

    return m != NULL &&
           (m->is_self || (m->lease_ns > p->now_ns && m->acked_seq >= p->council.seq));
}

/* A majority of the newest council knows of it, in this epoch. */
static bool is_settled(struct party *p)
{
    int acks = 0;

    for (int i = 0; i < p->council.count; i++) {
        acks += has_acked(p, p->council.keys[i]);
    }
    return p->council.epoch == p->log.epoch && acks > p->council.count / 2;
}

/* The largest odd number of those who are here, and no more than seats. */
static int seats_wanted(const struct party *p)
{
    int here = 0;

    for (int i = 0; i < p->member_count; i++) {
        here += state_is_here(&p->members[i]);
    }
    here = here < p->params->council_max ? here : p->params->council_max;
    return here % 2 == 1 || here == 0 ? here : here - 1;
}

/* One who is not here any more, or the least fit of too many; -1: all may stay. */
static int seat_to_empty(struct party *p, int wanted)
{
    for (int i = p->council.count - 1; i >= 0; i--) {
        const struct party_member *m = state_member(p, p->council.keys[i]);

        if (m == NULL || !state_is_here(m)) {
            return i;
        }
    }
    return p->council.count > wanted ? p->council.count - 1 : -1;
}

static const struct party_member *newcomer(struct party *p)
{
    const struct party_member *best = state_member(p, p->self->sign_public);

    if (best != NULL && council_rank(&p->council, best->key) < 0) {
        if (!p->is_promise_kept && p->log.epoch > 1) {
            return NULL; /* its own voice counts once it cannot forget it */
        }
        return best; /* the host, if it was given the party without a seat */
    }
    best = NULL;
    for (int i = 0; i < p->member_count; i++) {
        const struct party_member *m = &p->members[i];

        if (council_rank(&p->council, m->key) < 0 && state_is_here(m) &&
            has_acked(p, m->key) && (best == NULL || is_before(p, m->key, best->key))) {
            best = m;
        }
    }
    return best;
}

void council_upkeep(struct party *p)
{
    struct council next = p->council;
    const struct party_member *m;
    bool is_seated = council_rank(&p->council, p->self->sign_public) >= 0;
    int wanted = seats_wanted(p);
    int gone;

    if (!party_is_acting(p, p->now_ns) || !is_settled(p)) {
        return;
    }
    if (!is_seated) { /* one seat more, so that it gets one, before another loses its */
        wanted = p->council.count < COUNCIL_MAX ? p->council.count + 1 : COUNCIL_MAX - 1;
    }
    sort(p, &next);
    gone = is_seated || p->council.count >= wanted ? seat_to_empty(p, wanted) : -1;
    m = gone < 0 && next.count < wanted ? newcomer(p) : NULL;
    if (gone >= 0) {
        gone = council_rank(&next, p->council.keys[gone]);
        memmove(next.keys[gone], next.keys[gone + 1],
                (size_t)(next.count - gone - 1) * KEY_LEN);
        next.count--;
        if (!state_is_led_by(p, &next)) {
            return; /* who goes is needed until the others' leases are here */
        }
    } else if (m != NULL) {
        memcpy(next.keys[next.count++], m->key, KEY_LEN);
        sort(p, &next);
    } else {
        return;
    }
    publish_council(p, &next);
}
