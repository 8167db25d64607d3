/* SPDX-License-Identifier: MIT */
#include "party/session.h"

#include <assert.h>
#include <string.h>

#include "party/act.h"
#include "party/council.h"
#include "party/domains.h"
#include "party/fork.h"
#include "party/guest.h"
#include "party/host.h"
#include "party/lead.h"
#include "party/sleep.h"
#include "party/state.h"

#define PEERS_FIRST 8 /* rows of the first table */

void party_init(struct party *p, const struct party_params *params, struct heap *heap,
                struct invites *invites, const struct identity *self, uint64_t seed)
{
    memset(p, 0, sizeof(*p));
    p->params = params;
    assert(params->peers_max > 0);
    assert(params->members_max > 0 && params->members_max <= PARTY_MEMBERS_MAX);
    p->self = self;
    p->heap = heap;
    p->invites = invites;
    rng_seed(&p->rng, seed);
    unison_init(&p->unison);
    party_log_init(&p->log, self->suite, heap, params->log_entries_max,
                   params->log_bytes_max);
    timeline_init(&p->timeline, heap);
    state_clear(p);
    p->is_pool_changed = false;
}

void party_finish(struct party *p)
{
    state_clear(p);
    state_drop_own(p);
    party_log_finish(&p->log);
    heap_give(p->heap, p->peers, (size_t)p->peer_room, sizeof(p->peers[0]));
    heap_give(p->heap, p->redirect, 1, sizeof(*p->redirect));
    heap_give(p->heap, p->floods, (size_t)p->flood_count, sizeof(p->floods[0]));
    heap_give(p->heap, p->replies, (size_t)p->reply_count, sizeof(p->replies[0]));
    heap_give(p->heap, p->dials, (size_t)p->dial_count, sizeof(p->dials[0]));
    for (int i = 0; i < PARTY_NOTES_MAX; i++) {
        state_forget_note(p, &p->notes[i]);
    }
}

bool party_is_over(const struct party *p)
{
    for (int i = 0; i < p->peer_room; i++) {
        if (p->peers[i].is_up && p->peers[i].is_hangup) {
            return false;
        }
    }
    return p->phase == PARTY_IDLE && p->flood_count == 0 && p->reply_count == 0 &&
           p->dial_count == 0 && !p->is_pool_changed;
}

static void run(struct party *p, struct outbox *out)
{
    if (p->role == PARTY_ROLE_HOST) {
        host_run(p, out);
    } else if (p->role == PARTY_ROLE_GUEST) {
        guest_run(p, out);
    }
    lead_run(p, out);
    sleep_run(p, out);
}

/* ---- what the node tells ---- */

void party_set_log(struct party *p, struct log *log)
{
    p->out_log = log;
}

/* Would others take this name?  Asked of the encoder, which knows the rule. */
static bool is_sendable(struct bytes name)
{
    struct reply r = { .kind = REPLY_DECLINE, .name = name };
    uint8_t scratch[512];

    return reply_encode(&r, scratch, sizeof(scratch)) > 0;
}

void party_set_self(struct party *p, const char *name, const struct addr *addr,
                    const struct priority *priority)
{
    text_copy(p->name, sizeof(p->name), name, strlen(name));
    if (!is_sendable(bytes_of(p->name, strlen(p->name)))) {
        p->name[0] = '\0';
    }
    p->addr = *addr;
    p->priority = *priority;
}

/* The row of a peer; the table grows for it. */
static struct party_peer *peer_row(struct party *p, int peer)
{
    int room = p->peer_room == 0 ? PEERS_FIRST : p->peer_room;

    assert(peer >= 0 && peer < p->params->peers_max);
    while (room <= peer) {
        room *= 2;
    }
    room = room < p->params->peers_max ? room : p->params->peers_max;
    if (room > p->peer_room) {
        p->peers = heap_resize(p->heap, p->peers, (size_t)p->peer_room, (size_t)room,
                               sizeof(p->peers[0]));
        p->peer_room = room;
    }
    return &p->peers[peer];
}

void party_peer_up(struct party *p, int peer, const struct node_id *id,
                   const uint8_t key[static KEY_LEN], const struct addr *addr,
                   int64_t now_ns, struct outbox *out)
{
    struct party_peer *l = peer_row(p, peer);

    p->now_ns = now_ns;
    *l = (struct party_peer){ .is_up = true, .id = *id, .addr = *addr };
    memcpy(l->key, key, KEY_LEN);
    l->join_next_ns = now_ns;
    l->get_next_ns = now_ns;
    l->refer_next_ns = now_ns;
    l->keep_ns = state_is_open(p) ? now_ns + p->params->keep_link_ns : now_ns;
    if (state_is_open(p)) {
        struct party_member *m = state_member(p, key);

        if (m != NULL && !m->is_self) {
            m->peer = peer;
            m->heard_ns = now_ns;
            state_use_peer(p, peer);
            if (p->role == PARTY_ROLE_HOST) { /* it may not know yet that we are */
                council_refer(p, peer, p->log.epoch - 1, out);
            }
        }
    }
    if (p->role == PARTY_ROLE_GUEST) {
        guest_peer_up(p, peer);
    }
    run(p, out);
}

void party_peer_down(struct party *p, int peer, int64_t now_ns, struct outbox *out)
{
    struct party_member *m = state_member_of(p, peer);

    if (peer >= p->peer_room) {
        return; /* it came before the party, and was not told */
    }
    p->now_ns = now_ns;
    if (p->role == PARTY_ROLE_HOST) {
        host_peer_down(p, peer);
    } else if (p->role == PARTY_ROLE_GUEST) {
        guest_peer_down(p, peer);
    }
    if (m != NULL) {
        m->peer = -1;
    }
    p->peers[peer] = (struct party_peer){ .is_up = false };
    run(p, out);
}

static void send_welcome(const struct party_id *party, int peer,
                         enum welcome_reason reason, struct outbox *out)
{
    struct msg m = { .type = MSG_PARTY_WELCOME };

    m.u.party_welcome.party = *party;
    m.u.party_welcome.epoch = 1;
    m.u.party_welcome.reason = (uint8_t)reason;
    outbox_push(out, peer, &m);
}

void party_refuse(const struct msg_party_join *m, int peer, struct outbox *out)
{
    send_welcome(&m->party, peer, WELCOME_UNKNOWN, out);
}

/* Not more often than an honest node would ask who hosts what. */
static bool may_ask(const struct party *p, struct party_peer *l)
{
    if (p->now_ns < l->join_next_ns) {
        return false;
    }
    l->join_next_ns = p->now_ns + p->params->join_every_ns / 4;
    return true;
}

static void take_join(struct party *p, int peer, const struct msg_party_join *m,
                      struct outbox *out)
{
    struct party_peer *l = &p->peers[peer];

    if (!may_ask(p, l)) {
        return;
    }
    if (p->role == PARTY_ROLE_HOST && party_id_equal(&m->party, &p->log.party)) {
        host_join(p, peer, m->name, out);
    } else if (state_is_open(p) && party_id_equal(&m->party, &p->log.party)) {
        council_refer(p, peer, 1, out); /* there was a time when it was our party */
        send_welcome(&m->party, peer, WELCOME_UNKNOWN, out);
    } else if (p->redirect != NULL && party_id_equal(&m->party, &p->redirect->from)) {
        send_welcome(&m->party, peer, WELCOME_REDIRECT, out);
        state_send_redirect(p, peer, out);
    } else {
        send_welcome(&m->party, peer, WELCOME_UNKNOWN, out);
    }
}

/* A message of a party that is not ours.  A guest of the call that we gave up, who has
 * not heard of it, is sent on. */
static void take_stray(struct party *p, int peer, const struct msg *m,
                       const struct party_id *party, struct outbox *out)
{
    p->counts.other_party++;
    if (m->type == MSG_PARTY_STATUS && p->redirect != NULL &&
        party_id_equal(party, &p->redirect->from) && may_ask(p, &p->peers[peer])) {
        state_send_redirect(p, peer, out);
    }
}

/* The party that a message names; NULL for one that names none. */
static const struct party_id *named_party(const struct msg *m)
{
    switch ((int)m->type) {
    case MSG_PARTY_WELCOME:
        return &m->u.party_welcome.party;
    case MSG_PARTY_LEAVE:
        return &m->u.party_leave.party;
    case MSG_PARTY_BEAT:
        return &m->u.party_beat.party;
    case MSG_PARTY_STATUS:
        return &m->u.party_status.party;
    case MSG_PARTY_YIELD:
        return &m->u.party_yield.party;
    case MSG_LOG_GET:
        return &m->u.log_get.party;
    case MSG_ELECT:
        return &m->u.elect.party;
    case MSG_ELECT_OK:
        return &m->u.elect_ok.party;
    case MSG_CLAIM:
        return &m->u.claim.party;
    case MSG_GRANT:
        return &m->u.grant.party;
    case MSG_DENY:
        return &m->u.deny.party;
    case MSG_HANDOVER:
        return &m->u.handover.party;
    case MSG_COORD:
        return &m->u.coord.party;
    case MSG_PARTY_OFFER:
        return &m->u.party_offer.party;
    case MSG_PARTY_UNISON:
        return &m->u.party_unison.party;
    default:
        return NULL;
    }
}

static void guest_receive(struct party *p, int peer, const struct msg *m,
                          struct outbox *out)
{
    switch ((int)m->type) {
    case MSG_PARTY_WELCOME:
        guest_take_welcome(p, peer, &m->u.party_welcome, out);
        break;
    case MSG_PARTY_BEAT:
        guest_take_beat(p, peer, &m->u.party_beat, out);
        break;
    case MSG_PARTY_UNISON:
        guest_take_unison(p, peer, &m->u.party_unison);
        break;
    case MSG_PARTY_YIELD:
        guest_take_yield(p, peer, &m->u.party_yield, out);
        break;
    case MSG_LOG_ENTRY:
        guest_take_entry(p, peer, &m->u.log_entry, out);
        break;
    case MSG_LOG_GET:
        guest_take_get(p, peer, m->u.log_get.from_seq, out);
        break;
    default: /* STATUS, LEAVE: for the host */
        p->counts.not_host++;
        break;
    }
}

static void host_receive(struct party *p, int peer, const struct msg *m,
                         struct outbox *out)
{
    switch ((int)m->type) {
    case MSG_PARTY_LEAVE:
        host_member_leaves(p, peer);
        break;
    case MSG_PARTY_STATUS:
        host_take_status(p, peer, &m->u.party_status);
        break;
    case MSG_LOG_GET:
        host_take_get(p, peer, m->u.log_get.from_seq);
        break;
    case MSG_PARTY_YIELD: /* of one that has forked while nobody led us */
        if (party_is_acting(p, p->now_ns) ||
            !fork_take_yield(p, peer, &m->u.party_yield, out)) {
            p->counts.not_host++;
        }
        break;
    case MSG_PARTY_OFFER:
        host_take_offer(p, peer, &m->u.party_offer);
        break;
    case MSG_LOG_ENTRY: /* what we should carry on, or have carried on */
        guest_take_entry(p, peer, &m->u.log_entry, out);
        break;
    default: /* what only a host says: not to us */
        p->counts.not_host++;
        break;
    }
}

/* The epoch that the sender lives in, as far as a message tells; UINT64_MAX: it does not.
 */
static uint64_t epoch_of_sender(const struct msg *m)
{
    switch ((int)m->type) {
    case MSG_PARTY_BEAT:
        return m->u.party_beat.epoch;
    case MSG_PARTY_STATUS:
        return m->u.party_status.epoch;
    case MSG_PARTY_UNISON:
        return m->u.party_unison.epoch;
    case MSG_ELECT:
        return m->u.elect.epoch > 0 ? m->u.elect.epoch - 1 : UINT64_MAX;
    case MSG_CLAIM:
        return m->u.claim.epoch - (m->u.claim.epoch > 0);
    default:
        return UINT64_MAX;
    }
}

/* One who lives in an older epoch, perhaps as its host, is shown who hosts the present
 * one; member or not, as it may have been put out for its silence.  What a stranger asks
 * for says nothing of the epoch that it lives in: a DENY told it of a higher one. */
static void refer(struct party *p, int peer, const struct msg *m, struct outbox *out)
{
    struct party_peer *l = &p->peers[peer];
    bool is_put_out = m->type == MSG_ELECT && state_member_of(p, peer) == NULL;
    uint64_t epoch = is_put_out ? 0 : epoch_of_sender(m);

    if (epoch >= p->log.epoch || p->now_ns < l->refer_next_ns) {
        return;
    }
    l->refer_next_ns = p->now_ns + p->params->join_every_ns / 4;
    council_refer(p, peer, epoch, out);
}

void party_receive(struct party *p, int peer, const struct msg *m, int64_t now_ns,
                   struct outbox *out)
{
    const struct party_id *party = named_party(m);

    assert(peer >= 0 && peer < p->peer_room && p->peers[peer].is_up);
    p->now_ns = now_ns;
    if (m->type == MSG_PARTY_JOIN) {
        take_join(p, peer, &m->u.party_join, out);
    } else if (!state_is_open(p) ||
               (party != NULL && !party_id_equal(party, &p->log.party))) {
        take_stray(p, peer, m, party, out);
    } else {
        refer(p, peer, m, out);
        if (m->type >= MSG_ELECT && m->type <= MSG_COORD) {
            council_receive(p, peer, m, out);
        } else if (p->role == PARTY_ROLE_HOST) {
            host_receive(p, peer, m, out);
        } else {
            guest_receive(p, peer, m, out);
        }
    }
    run(p, out);
}

/* Give our own call up for a fitter one, and go there with all who came to us. */
static void yield(struct party *p, const struct msg_flood *raw, struct invite *winner,
                  struct outbox *out)
{
    if (!state_set_redirect(p, raw)) {
        return;
    }
    for (int i = 0; i < p->peer_room; i++) {
        if (p->peers[i].is_up && p->peers[i].is_used) {
            state_send_redirect(p, i, out);
        }
    }
    host_flood_close(p, CLOSE_YIELDED);
    state_note(p, "two called at once: now part of ", winner->name, "");
    state_log(p, LOG_INFO, "yield");
    state_keep_own(p);
    guest_begin(p, winner, out);
}

/* Two calls are out, ours and this one.  One that the user turned down is no rival. */
static bool must_yield_to(struct party *p, const struct invite *v)
{
    struct candidate rival = { v->priority, v->party, 1, v->host };

    return (v->state == INVITE_OPEN || v->state == INVITE_ACCEPTED) &&
           host_must_yield(p, &rival, v->is_running || v->deadline_ns <= p->now_ns);
}

static void call_heard(struct party *p, const struct flood_id *id,
                       const struct msg_flood *raw, const struct flood *f,
                       struct outbox *out)
{
    struct invite *v;

    if (memcmp(f->origin, p->self->sign_public, KEY_LEN) == 0 ||
        invites_call_heard(p->invites, id, f, p->params->invite_keep_ns, p->now_ns, &v) >
            INVITES_AGAIN) {
        p->counts.bad_content++;
        return;
    }
    if (p->role == PARTY_ROLE_HOST && state_is_open(p)) {
        if (must_yield_to(p, v)) {
            yield(p, raw, v, out);
        } else if (v->is_running) {
            fork_call_heard(p, raw, v);
        }
    } else if (state_is_open(p)) {
        if (party_id_equal(&v->party, &p->call.candidate.party)) {
            guest_call_again(p, v);
        }
    } else if (p->params->is_auto_accept && v->state == INVITE_OPEN) {
        guest_begin(p, v, out);
    }
}

static void close_heard(struct party *p, const struct flood *f)
{
    struct close c;

    if (close_decode(f->body, &c) != 0) {
        p->counts.bad_content++;
        return;
    }
    invites_close_heard(p->invites, &c, f->origin);
    if (p->role == PARTY_ROLE_GUEST && state_is_open(p) &&
        party_id_equal(&c.party, &p->call.candidate.party) &&
        memcmp(p->call.host_key, f->origin, KEY_LEN) == 0) {
        guest_closed(p, (enum close_reason)c.reason);
    }
}

void party_flood_heard(struct party *p, const struct flood_id *id,
                       const struct msg_flood *raw, const struct flood *f, int64_t now_ns,
                       struct outbox *out)
{
    p->now_ns = now_ns;
    switch (f->kind) {
    case FLOOD_TEST:
        break;
    case FLOOD_CALL:
        call_heard(p, id, raw, f, out);
        break;
    case FLOOD_CLOSE:
        close_heard(p, f);
        break;
    }
    run(p, out);
}

void party_reply_heard(struct party *p, const struct reply *r, int64_t now_ns)
{
    p->now_ns = now_ns;
    if (p->role == PARTY_ROLE_HOST) {
        host_reply_heard(p, r);
    }
}

void party_set_song_progress(struct party *p, int slot, int64_t held, int64_t total,
                             int64_t now_ns, struct outbox *out)
{
    p->now_ns = now_ns;
    assert(slot >= 0 && slot < POOL_SLOTS);
    p->pool[slot].held = held;
    p->pool[slot].total = total;
    run(p, out);
}

void party_set_host_map(struct party *p, const struct clock_map *map, uint64_t clock_id,
                        int64_t now_ns, struct outbox *out)
{
    p->now_ns = now_ns;
    if (p->role == PARTY_ROLE_HOST) {
        host_set_map(p, map, clock_id);
        host_run(p, out);
    }
}

void party_set_clock(struct party *p, const struct clock_line *to_reference,
                     int64_t rtt_ns, int64_t now_ns, struct outbox *out)
{
    p->now_ns = now_ns;
    if (!to_reference->is_valid) { /* its clock began anew: the old line goes on */
        state_bridge(p);
    }
    p->to_reference = *to_reference;
    p->rtt_ns = rtt_ns < 0 ? 0 : rtt_ns;
    run(p, out);
}

void party_set_audio(struct party *p, bool is_ok, const struct msg_sound *sound,
                     int64_t now_ns, struct outbox *out)
{
    p->now_ns = now_ns;
    p->is_audio_ok = is_ok;
    p->sound = *sound;
    state_update_self(p);
    unison_look(p);
    run(p, out);
}

void party_set_memory(struct party *p, struct promises *promises, uint64_t clock_id,
                      int64_t start_ns)
{
    p->promises = promises;
    p->clock_id = clock_id;
    sleep_abstain(p, start_ns);
}

void party_promised(struct party *p, const struct promise *promise, bool is_kept,
                    int64_t now_ns, struct outbox *out)
{
    p->now_ns = now_ns;
    if (is_kept && state_is_open(p) && party_id_equal(&promise->party, &p->log.party) &&
        promise->epoch >= p->ballot.epoch && promise->obeyed >= p->ballot.obeyed) {
        council_promised(p, out);
    }
    run(p, out);
}

/* When an announced map begins to hold; a moment later, as that is rounded. */
static int64_t map_wake_ns(const struct party *p)
{
    struct clock_line map = clock_map_line(&p->maps.map);
    struct clock_line line;

    if (!state_is_open(p) || !p->maps.has_next || !p->to_reference.is_valid) {
        return TIME_NEVER;
    }
    line = clock_line_compose(&p->to_reference, &map);
    return party_clock_to_local(&line, p->maps.next.valid_from) + NS_PER_US;
}

/* Later by so much, but not in the future. */
static void postpone(int64_t *at_ns, int64_t by_ns, int64_t now_ns)
{
    *at_ns = time_min(*at_ns + by_ns, now_ns);
}

/* What others let pass in silence, and what we wait for them to say; not what we have
 * given, or hold from them: a lease is over when it is over. */
void party_held_up(struct party *p, int64_t for_ns, int64_t now_ns)
{
    p->now_ns = now_ns;
    if (p->role == PARTY_ROLE_NONE) {
        return;
    }
    postpone(&p->host_heard_ns, for_ns, now_ns);
    postpone(&p->others_led_ns, for_ns, now_ns);
    postpone(&p->acted_ns, for_ns, now_ns);
    for (int i = 0; i < p->member_count; i++) {
        postpone(&p->members[i].heard_ns, for_ns, now_ns);
        postpone(&p->members[i].away_ns, for_ns, now_ns);
    }
    p->join_limit_ns += for_ns;
    candidate_held_up(p, for_ns);
}

int64_t party_wake_ns(const struct party *p)
{
    int64_t wake_ns = map_wake_ns(p);

    if (p->phase == PARTY_ENDED) {
        return time_min(wake_ns, p->ended_ns + p->params->ended_keep_ns);
    }
    wake_ns = time_min(wake_ns, lead_wake_ns(p));
    if (p->role == PARTY_ROLE_HOST) {
        return time_min(wake_ns, host_wake_ns(p));
    }
    return p->role == PARTY_ROLE_GUEST ? time_min(wake_ns, guest_wake_ns(p)) : wake_ns;
}

void party_wake(struct party *p, int64_t now_ns, struct outbox *out)
{
    p->now_ns = now_ns;
    if (p->phase == PARTY_ENDED && now_ns >= p->ended_ns + p->params->ended_keep_ns) {
        state_clear(p);
    }
    (void)party_line(p, now_ns);
    run(p, out);
}

/* ---- what the user wants ---- */

static int already_in(struct party_answer *answer)
{
    return answer_error(answer, ERR_STATE, "there is a party here already",
                        "leave it first with `party leave`");
}

static int check_songs(const struct party *p, const struct party_host_request *r,
                       struct party_answer *answer)
{
    struct manifest m;

    if (r->song_count < 1 || r->song_count > CALL_SONGS_MAX) {
        return answer_error(answer, ERR_USAGE, "a party needs one to five songs",
                            "name them: `party host SONG…`");
    }
    for (int i = 0; i < r->song_count; i++) {
        struct timeline scratch = { 0 };
        struct bytes in = r->songs[i].manifest;

        if (in.len > MSG_ENTRY_MAX || manifest_decode(in, &m) != 0 ||
            !p->self->suite->verify(m.owner, DOMAIN_MANIFEST, in, r->songs[i].sig) ||
            !timeline_set_song(&scratch, 0, &m.song, m.frames, m.rate)) {
            return answer_error(answer, ERR_CORRUPT, "a song cannot be offered",
                                "try it with another file");
        }
    }
    return 0;
}

/* A fitter call was heard before we called: there is no need to call at all. */
static void join_rival(struct party *p, struct outbox *out)
{
    for (int i = 0; i < p->invites->count; i++) {
        struct invite *v = &p->invites->list[i];

        if (must_yield_to(p, v)) {
            state_note(p, "there is a call already: now part of ", v->name, "");
            state_keep_own(p);
            guest_begin(p, v, out);
            return;
        }
    }
}

int party_host(struct party *p, const struct party_host_request *r, int64_t now_ns,
               struct outbox *out, struct party_answer *answer)
{
    int err;

    *answer = (struct party_answer){ 0 };
    p->now_ns = now_ns;
    if (state_is_open(p)) {
        return already_in(answer);
    }
    if (r->name.len > MSG_NAME_MAX || r->wanted >= p->params->members_max || r->ttl < 0 ||
        r->ttl > 12 || r->deadline_ns < 0 || r->deadline_ns > 24 * 3600 * NS_PER_S ||
        r->ready_ns < 0 || r->ready_ns > 24 * 3600 * NS_PER_S) {
        return answer_error(answer, ERR_USAGE, "out of range",
                            "`party host --help` gives the limits");
    }
    if (!is_sendable(r->name)) {
        return answer_error(answer, ERR_USAGE, "the name has characters that are no text",
                            "choose another with --name");
    }
    err = check_songs(p, r, answer);
    if (err != 0) {
        return err;
    }
    host_begin(p, r);
    join_rival(p, out);
    run(p, out);
    answer->party = p->log.party;
    return 0;
}

static int pick_error(struct party_answer *answer, int err, const char *prefix)
{
    if (err == ERR_USAGE) {
        return answer_error(answer, err, "that fits several invites, or none",
                            "give more digits; `party invites` lists them");
    }
    return answer_error(answer, err,
                        prefix[0] == '\0' ? "there is no invite" : "no such invite",
                        "`party invites` lists the calls that were heard");
}

int party_accept(struct party *p, const char *prefix, int64_t now_ns, struct outbox *out,
                 struct party_answer *answer)
{
    struct invite *v;
    int err;

    *answer = (struct party_answer){ 0 };
    p->now_ns = now_ns;
    invites_expire(p->invites, now_ns);
    err = invites_pick(p->invites, prefix, &v);
    if (err != 0) {
        return pick_error(answer, err, prefix);
    }
    answer->party = v->party;
    if (state_is_open(p)) {
        return party_id_equal(&v->party, &p->log.party) ? 0 : already_in(answer);
    }
    guest_begin(p, v, out);
    return 0;
}

int party_decline(struct party *p, const char *prefix, int64_t now_ns,
                  struct party_answer *answer)
{
    struct reply r = { .kind = REPLY_DECLINE };
    struct invite *v;
    int err;

    *answer = (struct party_answer){ 0 };
    p->now_ns = now_ns;
    invites_expire(p->invites, now_ns);
    err = invites_pick(p->invites, prefix, &v);
    if (err != 0) {
        return pick_error(answer, err, prefix);
    }
    answer->party = v->party;
    if (state_is_open(p) && party_id_equal(&v->party, &p->log.party)) {
        return answer_error(answer, ERR_STATE, "you are in this party already",
                            "leave it with `party leave`");
    }
    if (v->has_route && v->state != INVITE_DECLINED) {
        memcpy(r.origin, p->self->sign_public, KEY_LEN);
        r.party = v->party;
        r.addr = p->addr;
        r.name = bytes_of(p->name, strlen(p->name));
        state_queue_reply(p, &v->flood, &r);
    }
    v->state = INVITE_DECLINED;
    return 0;
}
