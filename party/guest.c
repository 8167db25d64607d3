/* SPDX-License-Identifier: MIT */
#include "party/guest.h"

#include <string.h>

#include "party/council.h"
#include "party/domains.h"
#include "party/fork.h"
#include "party/publish.h"
#include "party/state.h"

static bool is_host_peer(const struct party *p, int peer)
{
    return memcmp(p->peers[peer].key, p->call.host_key, KEY_LEN) == 0;
}

static int host_peer(const struct party *p)
{
    return state_peer(p, &p->call.candidate.node);
}

static void host_heard(struct party *p)
{
    pulse_heard(p);
    p->host_heard_ns = p->now_ns;
    if (p->is_host_silent) {
        p->is_host_silent = false;
        state_note(p, "the host is back", "", "");
    }
}

/* ---- on the way ---- */

static void queue_accept(struct party *p)
{
    struct reply r = {
        .kind = REPLY_ACCEPT,
        .party = p->call.candidate.party,
        .addr = p->addr,
        .name = bytes_of(p->name, strlen(p->name)),
    };
    bool is_due = p->answered_ns == TIME_NEVER ||
                  p->now_ns - p->answered_ns >= p->params->answer_every_ns;

    if (!p->call.has_route || !is_due) {
        return;
    }
    p->answered_ns = p->now_ns;
    memcpy(r.origin, p->self->sign_public, KEY_LEN);
    state_queue_reply(p, &p->call.flood, &r);
}

static void send_join(struct party *p, int peer, struct outbox *out)
{
    struct msg m = { .type = MSG_PARTY_JOIN };

    m.u.party_join.party = p->call.candidate.party;
    m.u.party_join.name = bytes_of(p->name, strlen(p->name));
    outbox_push(out, peer, &m);
    state_use_peer(p, peer);
}

static void try_join(struct party *p, struct outbox *out)
{
    int peer = host_peer(p);

    if (peer >= 0) {
        send_join(p, peer, out);
        p->join_ns = p->now_ns + p->params->join_every_ns;
        return;
    }
    state_queue_dial(p, &p->call.addr, &p->call.candidate.node);
    p->join_ns = p->now_ns + rng_jitter(&p->rng, p->dial_wait_ns, 20);
    p->dial_wait_ns = time_min(2 * p->dial_wait_ns, p->params->dial_max_ns);
}

static void fill_call(struct party_call *c, const struct invite *v, int64_t now_ns)
{
    c->candidate = (struct candidate){ v->priority, v->party, 1, v->host };
    memcpy(c->host_key, v->host_key, KEY_LEN);
    memcpy(c->name, v->name, sizeof(c->name));
    memcpy(c->host_name, v->host_name, sizeof(c->host_name));
    c->addr = v->addr;
    c->flood = v->flood;
    c->has_route = v->has_route;
    c->began_ns = now_ns;
    c->deadline_ns = v->deadline_ns;
}

void guest_begin(struct party *p, struct invite *v, struct outbox *out)
{
    state_clear(p);
    v->state = INVITE_ACCEPTED;
    p->role = PARTY_ROLE_GUEST;
    p->phase = PARTY_JOINING;
    fill_call(&p->call, v, p->now_ns);
    party_log_reset(&p->log, &v->party);
    if (v->epoch > 1) {
        party_log_trust(&p->log, v->epoch, v->host_key);
    }
    if (p->promises != NULL) {
        struct promise promise = promises_find(p->promises, &v->party);

        p->ballot.epoch = promise.epoch;
        p->ballot.obeyed = promise.obeyed;
        if (promise.epoch > 0 || promise.obeyed > 0) { /* and what we promised just now */
            p->is_promise_new = true; /* to be told once more that the disk has it */
            p->abstain_ns = p->abstain_ns > p->now_ns + p->params->lease_ns
                                ? p->abstain_ns
                                : p->now_ns + p->params->lease_ns;
        }
    }
    p->has_been_current = false;
    p->join_limit_ns = p->now_ns + p->params->join_limit_ns;
    p->dial_wait_ns = p->params->dial_first_ns;
    p->join_ns = p->now_ns;
    p->host_heard_ns = p->now_ns;
    pulse_begin(p);
    p->mesh_ns = p->now_ns + p->params->mesh_every_ns;
    p->tick_ns = p->now_ns + p->params->tick_ns;
    queue_accept(p);
    state_log(p, LOG_INFO, "accept");
    guest_run(p, out);
}

void guest_call_again(struct party *p, const struct invite *v)
{
    p->call.deadline_ns = v->deadline_ns;
    p->call.flood = v->flood;
    p->call.has_route = v->has_route;
    if (v->addr.len > 0) {
        p->call.addr = v->addr;
    }
    if (p->phase == PARTY_JOINING) {
        queue_accept(p); /* the one before may have been lost */
    }
}

/* It cannot be: show why, and leave the invite as the user may want it next. */
static void give_up(struct party *p, const char *why, bool is_gone)
{
    struct invite *v = invites_find(p->invites, &p->call.candidate.party);

    if (is_gone) {
        invites_remove(p->invites, &p->call.candidate.party);
    } else if (v != NULL && v->state == INVITE_ACCEPTED) {
        v->state = INVITE_OPEN;
    }
    state_note(p, p->call.name, ": ", why);
    state_log(p, LOG_INFO, "over");
    state_end(p);
}

static void send_leave(const struct party *p, int peer, struct outbox *out)
{
    struct msg m = { .type = MSG_PARTY_LEAVE };

    m.u.party_leave.party = p->call.candidate.party;
    if (peer >= 0) {
        outbox_push(out, peer, &m);
    }
}

void guest_leave(struct party *p, struct outbox *out)
{
    struct invite *v = invites_find(p->invites, &p->call.candidate.party);

    send_leave(p, host_peer(p), out);
    if (v != NULL) {
        v->state = INVITE_LEFT;
    }
    state_log(p, LOG_INFO, "leave");
    state_end(p);
}

void guest_closed(struct party *p, enum close_reason reason)
{
    static const char *const why[] = {
        [CLOSE_CANCELLED] = "the host called it off",
        [CLOSE_NOBODY] = "too few came",
        [CLOSE_ENDED] = "the party is over",
    };

    /* A host that yielded tells us on the link where to go. */
    if (state_is_open(p) && reason != CLOSE_YIELDED) {
        give_up(p, why[reason], true);
    }
}

void guest_change_host(struct party *p, const struct party_member *host)
{
    memcpy(p->call.host_key, host->key, KEY_LEN);
    memcpy(p->call.host_name, host->name, sizeof(p->call.host_name));
    p->call.candidate.node = host->id;
    p->call.addr = host->addr;
    for (int i = 0; i < p->member_count; i++) {
        p->members[i].is_host = &p->members[i] == host;
    }
    p->role = PARTY_ROLE_GUEST;
    if (p->phase == PARTY_CALLING || p->phase == PARTY_JOINING) {
        p->phase = PARTY_SHARING;
    }
    p->beat_ns = 0;
    p->is_in = false;
    p->is_current = false;
    p->flood_ns = TIME_NEVER;
    p->push_ns = TIME_NEVER;
    p->join_ns = p->now_ns;
    p->dial_wait_ns = p->params->dial_first_ns;
    p->host_heard_ns = p->now_ns;
    pulse_begin(p);
    p->mesh_ns = p->now_ns + p->params->mesh_every_ns;
    p->get_ns = p->now_ns;
    p->get_seq = 0;
    if (p->is_host_silent) {
        p->is_host_silent = false;
    }
}

/* ---- what the host says ---- */

/* Where a new host begins may be before what we have of the one before it: when asking on
 * did not help, ask for all. */
void guest_ask_log(struct party *p, int peer, struct outbox *out)
{
    bool is_stuck = p->get_seq == p->log.seq && !party_log_is_of_epoch(&p->log);
    struct msg m = { .type = MSG_LOG_GET };

    if (p->now_ns < p->get_ns && p->get_seq == p->log.seq) {
        return;
    }
    p->get_ns = p->now_ns + p->params->get_every_ns;
    p->get_seq = p->log.seq;
    m.u.log_get.party = p->log.party;
    m.u.log_get.from_seq = is_stuck ? 1 : p->log.seq + 1;
    outbox_push(out, peer, &m);
}

/* That we obey this host is on the disk: what we say of its log now binds us in any run.
 */
static bool is_bound(const struct party *p)
{
    return p->log.epoch <= 1 || (p->ballot.obeyed >= p->log.epoch && p->is_promise_kept);
}

/* The beat that our lease to the host counts from; 0 when we give it none, as we promised
 * another one more, or may have and do not know. */
static int64_t lives_by(const struct party *p)
{
    return p->ballot.epoch <= p->log.epoch && council_may_vote(p) && is_bound(p)
               ? p->beat_ns
               : 0;
}

static void report(struct party *p, struct outbox *out)
{
    struct msg m = { .type = MSG_PARTY_STATUS };
    struct msg_party_status *s = &m.u.party_status;
    struct clock_line line = party_line(p, p->now_ns);
    int peer = host_peer(p);

    p->status_held = state_songs_held(p);
    p->status_ready = state_is_ready(p);
    s->party = p->log.party;
    s->epoch = p->log.epoch;
    s->seq = party_log_is_of_epoch(&p->log) && is_bound(p) ? p->log.seq : 0;
    s->songs_held = p->status_held;
    s->sigma_ns = UINT64_MAX;
    s->bound_ns = UINT64_MAX;
    if (line.is_valid) {
        s->sigma_ns = (uint64_t)clock_line_sigma_at(&line, p->now_ns);
        s->bound_ns = (uint64_t)clock_line_bound_at(&line, p->now_ns);
    }
    s->rtt_ns = (uint64_t)p->rtt_ns;
    s->sound = p->sound;
    s->is_ready = p->status_ready;
    s->beat_ns = lives_by(p);
    p->reported_ns = p->now_ns;
    if (peer >= 0) {
        outbox_push(out, peer, &m);
    }
}

bool guest_say_leave(struct party *p, struct outbox *out)
{
    if (!p->is_in) {
        return false;
    }
    if (!p->has_said_so) {
        send_leave(p, host_peer(p), out);
    }
    report(p, out);
    return true;
}

/* What we would have played, had our call not yielded. */
static void offer_own(struct party *p, int peer, struct outbox *out)
{
    struct msg m = { .type = MSG_PARTY_OFFER };

    m.u.party_offer.party = p->log.party;
    for (int i = 0; i < POOL_SLOTS && p->own != NULL; i++) {
        const struct party_offer *o = &p->own[i];

        if (o->len > 0) {
            m.u.party_offer.manifest = state_manifest(o);
            memcpy(m.u.party_offer.sig, o->data, SIGNATURE_LEN);
            outbox_push(out, peer, &m);
        }
    }
    state_drop_own(p);
}

static void welcome_ok(struct party *p, int peer, struct outbox *out)
{
    if (p->phase == PARTY_JOINING) {
        p->phase = PARTY_SHARING;
        state_note(p, "joined ", p->call.name, "");
        state_log(p, LOG_INFO, "joined");
    }
    host_heard(p);
    p->is_in = true;
    p->is_current = false;
    p->join_ns = TIME_NEVER;
    p->dial_wait_ns = p->params->dial_first_ns;
    p->get_ns = p->now_ns; /* a new link: ask at once */
    guest_ask_log(p, peer, out);
    report(p, out);
    offer_own(p, peer, out);
}

/* The one whose call we accepted says on its link which epoch it leads by now: it may
 * have led an earlier one too when it called, and what came between we could not check.
 */
static void trust_welcome(struct party *p, uint64_t epoch)
{
    if (p->log.seq == 0 && epoch > 1 && epoch > p->log.epoch) {
        party_log_trust(&p->log, epoch, p->call.host_key);
    }
}

void guest_take_welcome(struct party *p, int peer, const struct msg_party_welcome *m,
                        struct outbox *out)
{
    bool is_new = p->phase == PARTY_JOINING;

    if (!is_host_peer(p, peer) || !state_is_open(p)) {
        p->counts.not_host++;
        return;
    }
    switch ((enum welcome_reason)m->reason) {
    case WELCOME_OK:
        trust_welcome(p, m->epoch);
        if (!p->is_in) {
            welcome_ok(p, peer, out);
        }
        break;
    case WELCOME_ENDED:
        give_up(p, "the party is over", true);
        break;
    case WELCOME_FULL:
    case WELCOME_UNKNOWN:
        if (is_new) {
            give_up(p,
                    m->reason == WELCOME_FULL ? "it is full" : "it is not there any more",
                    m->reason == WELCOME_UNKNOWN);
        } else { /* it lost us, or itself; what is scheduled goes on, so ask again later
                  */
            p->join_ns = p->now_ns + p->params->dial_max_ns;
        }
        break;
    case WELCOME_REDIRECT: /* a YIELD follows */
        break;
    }
}

/* A change of the members, for the user; not while an old log is read. */
static void note_member(struct party *p, const struct entry *e)
{
    char name[MSG_NAME_MAX + 1];
    bool is_known = state_member(p, e->u.member.key) != NULL;

    if (!p->is_current || is_known != e->u.member.has_left) {
        return;
    }
    text_copy(name, sizeof(name), (const char *)e->u.member.name.data,
              e->u.member.name.len);
    state_note(p, name[0] != '\0' ? name : "a guest",
               e->u.member.has_left ? " left" : " joined", "");
}

/* Until the checkpoint is read to its end, what is played stays as it was. */
static void hold(struct party *p)
{
    if (p->phase == PARTY_PLAYING) {
        state_bridge(p);
        p->held_version = party_timeline_version(p);
        p->is_held = true;
    }
}

static void apply(struct party *p, const struct entry *e, bool is_jump)
{
    if (is_jump) {
        hold(p);
        state_forget(p);
    }
    if (e->kind == ENTRY_MEMBER) {
        note_member(p, e);
    }
    state_apply(p, e);
    if (e->kind == ENTRY_END) {
        give_up(p, "the party is over", true);
    } else if (e->kind == ENTRY_MEMBER && e->u.member.has_left && p->is_current &&
               memcmp(e->u.member.key, p->self->sign_public, KEY_LEN) == 0) {
        p->is_in = false; /* the host thinks that we have gone, but here we are */
        p->join_ns = p->now_ns;
    }
}

void guest_take_entry(struct party *p, int peer, const struct msg_log_entry *m,
                      struct outbox *out)
{
    struct entry e;
    enum party_log_result result;

    if (!is_host_peer(p, peer) && state_member_of(p, peer) == NULL) {
        p->counts.not_member++;
        return;
    }
    if (!state_is_open(p) || (!p->is_in && p->log.seq == 0)) {
        return;
    }
    result = party_log_receive(&p->log, m->inner, m->sig, &e);
    switch (result) {
    case LOG_APPLIED:
    case LOG_JUMPED:
        if (is_host_peer(p, peer)) {
            host_heard(p);
        }
        apply(p, &e, result == LOG_JUMPED);
        break;
    case LOG_GAP:
        guest_ask_log(p, peer, out);
        break;
    case LOG_EQUIVOCATION:
    case LOG_BAD_CHAIN:
        p->counts.forks++;
        state_log(p, LOG_WARN, "the host contradicts itself");
        break;
    case LOG_DUPLICATE:
    case LOG_MALFORMED:
    case LOG_OLD_EPOCH:
    case LOG_NO_HOST:
    case LOG_BAD_SIGNATURE:
    case LOG_RESULTS:
        break; /* counted by the log */
    }
}

void guest_take_beat(struct party *p, int peer, const struct msg_party_beat *m,
                     struct outbox *out)
{
    bool is_news = m->sent_ns != p->beat_ns;

    if (m->epoch < p->log.epoch) {
        p->counts.old_epoch++;
        return;
    }
    if (!is_host_peer(p, peer) || !p->is_in || m->epoch > p->log.epoch) {
        p->counts.not_host++;
        return;
    }
    host_heard(p);
    p->beat_ns = m->sent_ns;
    if (m->seq > p->log.seq || !party_log_is_of_epoch(&p->log)) {
        guest_ask_log(p, peer, out);
    } else if (m->seq == p->log.seq && memcmp(m->head, p->log.head, HASH_LEN) != 0) {
        p->counts.forks++;
        state_log(p, LOG_WARN, "the host's log is another one");
    } else if (m->seq == p->log.seq && (!p->is_current || p->is_held)) {
        p->is_current = true;
        if (p->log.epoch >= p->ballot.obeyed) { /* one before lacks what we forgot */
            p->has_been_current = true;
        }
        p->is_held = false;
        council_note_epoch(p); /* one that came late takes it from its invite */
        if (state_member(p, p->self->sign_public) == NULL) {
            p->is_in = false; /* it says that we left: come again */
            p->join_ns = p->now_ns;
        }
    }
    if (is_news && p->now_ns - p->reported_ns >= p->params->tick_ns / 4) {
        report(p, out);
    }
}

void guest_take_unison(struct party *p, int peer, const struct msg_party_unison *m)
{
    if (m->epoch < p->log.epoch) {
        p->counts.old_epoch++;
    } else if (!is_host_peer(p, peer) || !p->is_in || m->epoch > p->log.epoch) {
        p->counts.not_host++;
    } else {
        unison_take_round(p, m);
    }
}

void guest_take_get(struct party *p, int peer, uint64_t from_seq, struct outbox *out)
{
    struct party_peer *l = &p->peers[peer];
    struct msg m = { .type = MSG_LOG_ENTRY };
    uint64_t seq = party_log_start(&p->log, from_seq);

    /* Whoever was put out for its silence must learn from somebody what has become of the
     * party, or it could check no certificate. */
    if (p->now_ns < l->get_next_ns) {
        return;
    }
    l->get_next_ns = p->now_ns + p->params->get_every_ns / 2;
    for (int i = 0; i < p->params->push_max; i++) {
        if (!party_log_get(&p->log, seq + (uint64_t)i, &m.u.log_entry)) {
            break;
        }
        outbox_push(out, peer, &m);
    }
}

/* What the winner's call says, if it is one, and fitter than ours. */
static bool read_yield(const struct party *p, const struct msg_flood *raw,
                       struct flood *f, struct call *c)
{
    struct candidate winner = { .epoch = 1 };

    if (!state_read_call(p, raw, f, c)) {
        return false;
    }
    winner.priority = c->priority;
    winner.party = c->party;
    p->self->suite->id(f->origin, &winner.node);
    return candidate_compare(&winner, &p->call.candidate) > 0;
}

void guest_take_yield(struct party *p, int peer, const struct msg_party_yield *m,
                      struct outbox *out)
{
    struct flood f;
    struct call c;
    struct invite *v;

    if (p->is_leaving || fork_take_yield(p, peer, m, out)) {
        return;
    }
    if (!is_host_peer(p, peer) || !state_is_open(p)) {
        p->counts.not_host++;
        return;
    }
    /* Each yield goes to a strictly fitter call, so a chain of them ends. */
    if (!state_is_before_play(p) || !read_yield(p, &m->call, &f, &c)) {
        p->counts.bad_yield++;
        return;
    }
    invites_remove(p->invites, &p->call.candidate.party);
    if (invites_find(p->invites, &c.party) == NULL) {
        (void)invites_add(p->invites, &c, f.origin, NULL, p->params->invite_keep_ns,
                          p->now_ns);
    }
    v = invites_find(p->invites, &c.party);
    if (v == NULL) { /* forged: not that founder's party id */
        p->counts.bad_yield++;
        return;
    }
    if (v->state == INVITE_DECLINED || v->state == INVITE_LEFT) {
        give_up(p, "it went over to one that you declined", true);
        return;
    }
    state_note(p, p->call.name, " is now part of ", v->name);
    guest_begin(p, v, out);
}

/* Ask the host to be let in, at once. */
static void knock(struct party *p)
{
    p->is_in = false;
    p->is_current = false;
    p->join_ns = p->now_ns;
}

void guest_peer_up(struct party *p, int peer)
{
    if (state_is_open(p) && is_host_peer(p, peer)) {
        knock(p);
    }
}

void guest_peer_down(struct party *p, int peer)
{
    if (state_is_open(p) && is_host_peer(p, peer)) {
        p->is_in = false;
        p->is_current = false;
        p->dial_wait_ns = p->params->dial_first_ns;
        p->join_ns = p->now_ns + rng_jitter(&p->rng, p->params->dial_first_ns / 2, 20);
    }
}

/* ---- time ---- */

static bool is_playing(struct party *p)
{
    struct party_time now;

    return state_now(p, &now) && timeline_at(&p->timeline, now).is_playing;
}

/* Links to all that may be host next, whose clocks are measured and who are asked for
 * grants without a delay; and some to other guests, so that songs need not all come from
 * the host. */
static void mesh(struct party *p)
{
    int candidates[PARTY_MEMBERS_MAX];
    int count = 0;
    int linked = 0;

    p->mesh_ns = p->now_ns + p->params->mesh_every_ns;
    for (int i = 0; i < p->member_count; i++) {
        const struct party_member *m = &p->members[i];

        if (m->is_self || m->is_host) {
            continue;
        }
        if (m->peer >= 0) {
            linked++;
        } else if (council_rank(&p->council, m->key) >= 0) {
            state_queue_dial(p, &m->addr, &m->id);
        } else {
            candidates[count++] = i;
        }
    }
    if (linked < p->params->mesh_links && count > 0) {
        const struct party_member *m = &p->members[candidates[rng_below(&p->rng, count)]];

        state_queue_dial(p, &m->addr, &m->id);
    }
}

static void tick(struct party *p, struct outbox *out)
{
    int64_t silence_ns = p->now_ns - p->host_heard_ns;

    state_update_self(p);
    if (p->is_in && p->now_ns - p->reported_ns >= p->params->tick_ns / 2) {
        report(p, out); /* or a beat was answered just now */
    }
    if (p->phase == PARTY_JOINING) {
        return;
    }
    fork_tick(p, out);
    if (p->role != PARTY_ROLE_GUEST) {
        return;
    }
    pulse_look(p);
    if (silence_ns >= p->params->host_silent_ns && !p->is_host_silent) {
        p->is_host_silent = true;
        state_note(p, "the host is silent: what is scheduled plays on", "", "");
        state_log(p, LOG_WARN, "host silent");
        if (p->is_in) { /* it may have lost us, though the link stands */
            knock(p);
        }
    }
    if (silence_ns >= p->params->host_gone_ns && !is_playing(p)) {
        give_up(p, "the host is gone", true);
    }
}

void guest_run(struct party *p, struct outbox *out)
{
    if (state_is_open(p) && p->now_ns >= p->tick_ns) {
        p->tick_ns = p->now_ns + p->params->tick_ns;
        tick(p, out);
    }
    if (p->phase == PARTY_JOINING && p->now_ns >= p->join_limit_ns) {
        give_up(p, "the host cannot be reached", false);
    }
    pulse_run(p, out);
    candidate_run(p, out);
    if (p->role != PARTY_ROLE_GUEST) {
        return;
    }
    if (state_is_open(p) && p->now_ns >= p->join_ns) {
        try_join(p, out);
    }
    if (state_is_open(p) && p->phase != PARTY_JOINING && p->now_ns >= p->mesh_ns) {
        mesh(p);
    }
    if (state_is_open(p) && p->is_in &&
        (p->status_held != state_songs_held(p) || p->status_ready != state_is_ready(p))) {
        report(p, out);
    }
}

int64_t guest_wake_ns(const struct party *p)
{
    int64_t wake_ns;

    if (!state_is_open(p)) {
        return TIME_NEVER;
    }
    wake_ns = time_min(p->tick_ns, p->join_ns);
    if (p->phase == PARTY_JOINING) {
        wake_ns = time_min(wake_ns, p->join_limit_ns);
    }
    wake_ns = time_min(wake_ns, time_min(candidate_wake_ns(p), pulse_wake_ns(p)));
    return p->phase != PARTY_JOINING ? time_min(wake_ns, p->mesh_ns) : wake_ns;
}
