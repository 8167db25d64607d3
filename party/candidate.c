/* SPDX-License-Identifier: MIT */
#include "party/candidate.h"

#include <assert.h>
#include <string.h>

#include "party/council.h"
#include "party/guest.h"
#include "party/host.h"
#include "party/state.h"

#define DOUBLINGS_MAX 3 /* of the back-off */

static bool is_voter(const struct party *p)
{
    return council_rank(&p->council, p->self->sign_public) >= 0;
}

static bool is_handed_to_us(const struct party *p, uint64_t epoch)
{
    return epoch > p->log.epoch &&
           ballot_is_handed(&p->ballot, epoch, p->self->sign_public);
}

/* A new host carries the old clock on, so it must know it. */
static bool knows_time(struct party *p)
{
    return !p->params->must_know_time || !p->maps.has_map ||
           party_line(p, p->now_ns).is_valid;
}

static bool may_stand(struct party *p)
{
    if (!state_is_open(p) || p->is_leaving || p->phase == PARTY_CALLING ||
        p->phase == PARTY_JOINING || p->log.seq == 0 || !council_may_vote(p) ||
        !knows_time(p)) {
        return false;
    }
    if (is_handed_to_us(p, p->log.epoch + 1)) {
        return true;
    }
    return is_voter(p) && council_lease_left_ns(p) == 0;
}

static void drop_claim(struct party *p)
{
    heap_give(p->heap, p->candidacy.claim, 1, sizeof(*p->candidacy.claim));
    p->candidacy.claim = NULL;
}

void candidate_stop(struct party *p)
{
    drop_claim(p);
    p->candidacy.state = CANDIDACY_NONE;
    p->candidacy.until_ns = TIME_NEVER;
    p->candidacy.resend_ns = TIME_NEVER;
}

void candidate_held_up(struct party *p, int64_t for_ns)
{
    if (p->candidacy.state != CANDIDACY_NONE) {
        p->candidacy.until_ns += for_ns;
    }
}

static void enter(struct party *p, enum candidacy_state state, int64_t for_ns)
{
    p->candidacy.state = state;
    p->candidacy.until_ns = p->now_ns + for_ns;
    p->candidacy.resend_ns = TIME_NEVER;
}

static uint64_t next_epoch(const struct party *p)
{
    uint64_t epoch = p->log.epoch;

    epoch = p->ballot.epoch > epoch ? p->ballot.epoch : epoch;
    epoch = p->candidacy.highest > epoch ? p->candidacy.highest : epoch;
    return epoch + 1;
}

/* Of those who may stand: the silent host is none of them. */
static int our_turn(const struct party *p)
{
    int rank = council_rank(&p->council, p->self->sign_public);
    int host = council_rank(&p->council, p->log.host);

    return rank < 0 ? 0 : rank - (host >= 0 && host < rank);
}

static void begin(struct party *p)
{
    int64_t wait_ns = our_turn(p) * p->params->rank_ns;

    wait_ns += rng_below(&p->rng, p->params->rank_jitter_ns + 1);
    if (p->role == PARTY_ROLE_HOST) { /* perhaps the leases come after all */
        wait_ns += p->params->host_wait_ns;
    }
    enter(p, CANDIDACY_WAITING, wait_ns);
}

static void fail(struct party *p)
{
    int shift = p->candidacy.tries < DOUBLINGS_MAX ? p->candidacy.tries : DOUBLINGS_MAX;
    int64_t wait_ns = p->params->back_off_ns * 3 / 10 +
                      rng_below(&p->rng, p->params->back_off_ns * 12 / 10 + 1);

    drop_claim(p);
    p->candidacy.tries++;
    enter(p, CANDIDACY_WAITING, wait_ns << shift);
}

/* ---- ELECT and CLAIM ---- */

/* Ask those that are fitter, but for the host that we miss.  Their number. */
static int send_elect(struct party *p, struct outbox *out)
{
    struct msg m = { .type = MSG_ELECT };
    int sent = 0;

    m.u.elect.party = p->log.party;
    m.u.elect.epoch = next_epoch(p);
    m.u.elect.priority = p->priority;
    for (int i = 0; i < p->council.count; i++) {
        const struct party_member *to = state_member(p, p->council.keys[i]);

        if (to != NULL && to->is_self) {
            break;
        }
        if (to != NULL && to->peer >= 0 && !to->is_host) {
            council_send(p, to->peer, &m, out);
            sent++;
        }
    }
    return sent;
}

void candidate_ask(struct party *p, struct outbox *out)
{
    (void)send_elect(p, out);
}

static bool has_granted(const struct coord *c, const uint8_t *key)
{
    for (int i = 0; i < c->grant_count; i++) {
        if (memcmp(c->grants[i].key, key, KEY_LEN) == 0) {
            return true;
        }
    }
    return false;
}

static void send_claims(struct party *p, struct outbox *out)
{
    struct msg m = { .type = MSG_CLAIM };

    m.u.claim.party = p->log.party;
    m.u.claim.epoch = p->candidacy.epoch;
    m.u.claim.at_epoch = p->log.at_epoch;
    m.u.claim.seq = p->log.seq;
    m.u.claim.sent_ns = p->now_ns;
    memcpy(m.u.claim.previous, p->log.head, HASH_LEN);
    for (int i = 0; i < p->council.count; i++) {
        const struct party_member *to = state_member(p, p->council.keys[i]);

        if (to == NULL || to->is_self || has_granted(p->candidacy.claim, to->key)) {
            continue;
        }
        if (to->peer >= 0) {
            council_send(p, to->peer, &m, out);
        } else {
            state_queue_dial(p, &to->addr, &to->id);
        }
    }
    p->candidacy.resend_ns = p->now_ns + p->params->claim_every_ns;
}

static void win(struct party *p, struct outbox *out)
{
    struct coord c = *p->candidacy.claim;

    host_take_over(p, &c, p->candidacy.sent_ns, out);
}

/* With our own grant, which is made last, so that who cannot win has promised nothing. */
static void count_grants(struct party *p, struct outbox *out)
{
    struct candidacy *c = &p->candidacy;
    struct ballot_claim own = {
        .epoch = c->epoch,
        .host = p->self->sign_public,
        .previous = p->log.head,
        .current = p->log.epoch,
        .present = p->log.host,
        .head = p->log.head,
        .lease_left_ns = council_lease_left_ns(p),
        .now_ns = p->now_ns,
    };

    if (c->claim->grant_count + is_voter(p) <= p->council.count / 2) {
        return;
    }
    if (!is_voter(p) || p->params->is_classic) {
        win(p, out);
    } else if (ballot_grant(&p->ballot, &own)) {
        enter(p, CANDIDACY_VOTING, p->params->claim_limit_ns);
        p->ballot.obeyed = c->epoch; /* by ourselves, if we win */
        council_promise(p);
    }
}

static void claim(struct party *p, uint64_t epoch, struct outbox *out)
{
    struct candidacy *c = &p->candidacy;

    drop_claim(p);
    c->claim = heap_take(p->heap, 1, sizeof(*c->claim));
    *c->claim = (struct coord){ .party = p->log.party, .epoch = epoch };
    memcpy(c->claim->host, p->self->sign_public, KEY_LEN);
    c->epoch = epoch;
    c->sent_ns = p->now_ns;
    enter(p, CANDIDACY_CLAIMING, p->params->claim_limit_ns);
    state_log(p, LOG_INFO, "claim");
    if (p->params->is_classic) { /* nobody fitter has answered: that is all it takes */
        win(p, out);
        return;
    }
    send_claims(p, out);
    count_grants(p, out);
}

/* ---- answers ---- */

void candidate_take_ok(struct party *p, int peer, const struct msg_elect_ok *m)
{
    (void)peer;
    if (p->candidacy.state != CANDIDACY_ASKING || m->epoch != next_epoch(p)) {
        p->counts.unasked++;
        return;
    }
    enter(p, CANDIDACY_YIELDING, p->params->coord_wait_ns);
}

void candidate_take_grant(struct party *p, int peer, const struct msg_grant *m,
                          struct outbox *out)
{
    struct candidacy *c = &p->candidacy;
    const uint8_t *key = p->peers[peer].key;

    /* The lease is counted from the first claim of this try.  A grant that answers an
     * earlier one of the same epoch, and was long on its way, may be over. */
    if (c->state != CANDIDACY_CLAIMING || m->epoch != c->epoch ||
        m->claim_ns < c->sent_ns || m->claim_ns > p->now_ns ||
        memcmp(m->host, p->self->sign_public, KEY_LEN) != 0) {
        p->counts.unasked++;
        return;
    }
    if (council_rank(&p->council, key) < 0 || has_granted(c->claim, key) ||
        c->claim->grant_count == COORD_GRANTS_MAX ||
        !grant_verify(p->self->suite, key, &m->party, m->epoch, m->host, m->sig)) {
        return;
    }
    memcpy(c->claim->grants[c->claim->grant_count].key, key, KEY_LEN);
    memcpy(c->claim->grants[c->claim->grant_count].sig, m->sig, SIGNATURE_LEN);
    c->claim->grant_count++;
    count_grants(p, out);
}

void candidate_take_deny(struct party *p, int peer, const struct msg_deny *m,
                         struct outbox *out)
{
    struct candidacy *c = &p->candidacy;
    int64_t left_ns = m->lease_left_ms * NS_PER_MS;

    /* One who lives by our epoch may have promised a higher one: we must go there too. */
    if (m->highest > c->highest && m->highest < UINT64_MAX / 2) {
        c->highest = m->highest;
    }
    if (left_ns > 0 && m->highest <= p->log.epoch) {
        p->others_led_ns = p->now_ns;
        pulse_told(p, left_ns);
    }
    if (c->state != CANDIDACY_CLAIMING && c->state != CANDIDACY_ASKING) {
        return;
    }
    if (m->seq > p->log.seq) { /* it knows what we should carry on */
        guest_ask_log(p, peer, out);
    }
    if (c->state == CANDIDACY_CLAIMING && left_ns > 0 && left_ns < NS_PER_S) {
        c->resend_ns = time_min(c->resend_ns, p->now_ns + left_ns + 10 * NS_PER_MS);
    }
}

void candidate_promised(struct party *p, struct outbox *out)
{
    struct candidacy *c = &p->candidacy;
    struct coord *claimed = c->claim;

    if (c->state != CANDIDACY_VOTING || p->ballot.epoch != c->epoch ||
        claimed->grant_count == COORD_GRANTS_MAX) {
        return;
    }
    memcpy(claimed->grants[claimed->grant_count].key, p->self->sign_public, KEY_LEN);
    grant_sign(p->self, &claimed->party, claimed->epoch, claimed->host,
               claimed->grants[claimed->grant_count].sig);
    claimed->grant_count++;
    win(p, out);
}

void candidate_give_way(struct party *p)
{
    if (p->candidacy.state != CANDIDACY_NONE) {
        drop_claim(p);
        enter(p, CANDIDACY_YIELDING, p->params->coord_wait_ns);
    }
}

void candidate_handed(struct party *p, uint64_t epoch, struct outbox *out)
{
    if (may_stand(p) && p->ballot.epoch < epoch) {
        claim(p, epoch, out);
    }
}

/* ---- time ---- */

static void step(struct party *p, struct outbox *out)
{
    switch (p->candidacy.state) {
    case CANDIDACY_NONE:
        begin(p);
        break;
    case CANDIDACY_WAITING:
        if (our_turn(p) > 0 && send_elect(p, out) > 0) {
            enter(p, CANDIDACY_ASKING, p->params->elect_wait_ns);
        } else {
            claim(p, next_epoch(p), out);
        }
        break;
    case CANDIDACY_ASKING:
    case CANDIDACY_YIELDING:
        claim(p, next_epoch(p), out);
        break;
    case CANDIDACY_CLAIMING:
    case CANDIDACY_VOTING:
        fail(p);
        break;
    }
}

void candidate_run(struct party *p, struct outbox *out)
{
    struct candidacy *c = &p->candidacy;

    if (c->state == CANDIDACY_NONE && !may_stand(p)) {
        return;
    }
    if (c->state != CANDIDACY_NONE && c->state != CANDIDACY_VOTING && !may_stand(p)) {
        candidate_stop(p);
        c->tries = 0;
        return;
    }
    if (c->state == CANDIDACY_NONE || p->now_ns >= c->until_ns) {
        step(p, out);
    } else if (c->state == CANDIDACY_CLAIMING && p->now_ns >= c->resend_ns) {
        send_claims(p, out);
    }
}

int64_t candidate_wake_ns(const struct party *p)
{
    const struct candidacy *c = &p->candidacy;
    int64_t due_ns = p->host_heard_ns + p->params->lease_ns;

    if (c->state != CANDIDACY_NONE) {
        return time_min(c->until_ns, c->resend_ns);
    }
    if (p->role != PARTY_ROLE_GUEST || !is_voter(p) || due_ns <= p->now_ns) {
        return TIME_NEVER; /* then it is looked at with each tick */
    }
    return due_ns;
}
