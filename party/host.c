/* SPDX-License-Identifier: MIT */
#include "party/host.h"

#include <assert.h>
#include <string.h>

#include "party/act.h"
#include "party/council.h"
#include "party/domains.h"
#include "party/fork.h"
#include "party/publish.h"
#include "party/state.h"

static struct bytes text_bytes(const char *s)
{
    return bytes_of(s, strlen(s));
}

static const char *name_of(const struct party_member *m)
{
    return m->name[0] != '\0' ? m->name : "a guest";
}

/* ---- the call ---- */

/* How long the call still lasts, for others: while it lasts, calls collide. */
static uint32_t call_left_ms(const struct party *p)
{
    int64_t end_ns = p->phase == PARTY_CALLING ? p->call.deadline_ns : p->ready_at_ns;
    int64_t left_ms = (end_ns - p->now_ns) / NS_PER_MS;

    if (p->phase == PARTY_PLAYING) {
        return 0;
    }
    return left_ms < 1 ? 1 : (uint32_t)left_ms;
}

static void fill_song(const struct party *p, int slot, struct call_song *s,
                      char title[static INVITE_TITLE_MAX + 1])
{
    const struct party_song *from = &p->pool[slot];
    int64_t ms = mul_div((int64_t)from->frames, 1000, from->rate);

    text_copy(title, INVITE_TITLE_MAX + 1, from->title, strlen(from->title));
    s->id = from->id;
    s->bytes = from->bytes;
    s->duration_ms = (uint32_t)ms;
    s->title = text_bytes(title);
}

/* An expanding ring: a call goes a few hops first, and further only when too few answer;
 * most calls are answered by neighbours, and need not be heard by a whole city. */
static int ring_ttl(const struct party *p)
{
    int ttl = p->ttl;

    if (p->phase == PARTY_CALLING && p->ring == 0) {
        ttl = p->params->ring_first_ttl;
    } else if (p->phase == PARTY_CALLING && p->ring == 1) {
        ttl = p->params->ring_second_ttl;
    }
    return ttl == 0 || ttl > p->ttl ? p->ttl : ttl;
}

/* The first one that goes all the way in any case, if need be again: the ring does not
 * shift the rhythm of the call. */
static int64_t first_repeat_ns(const struct party *p)
{
    int64_t at_ns = p->call.began_ns + p->params->call_every_ns;

    return at_ns > p->now_ns ? at_ns : p->now_ns + p->params->call_every_ns;
}

/* When the next flood is due, after one that went so far. */
static int64_t next_flood_ns(struct party *p, int ttl)
{
    int step = p->ring;

    p->ring = ttl < p->ttl ? step + 1 : 2;
    if (p->phase == PARTY_PLAYING) {
        return p->now_ns + p->params->invite_every_ns;
    }
    if (ttl < p->ttl && step < 2) {
        return p->now_ns +
               (step == 0 ? p->params->ring_first_ns : p->params->ring_second_ns);
    }
    return first_repeat_ns(p);
}

size_t host_encode_call(const struct party *p, uint8_t *out, size_t size)
{
    char titles[CALL_SONGS_MAX][INVITE_TITLE_MAX + 1];
    struct call c = {
        .party = p->call.candidate.party,
        .name = text_bytes(p->call.name),
        .host_name = text_bytes(p->name),
        .addr = p->addr,
        .priority = p->call.candidate.priority,
        .epoch = p->log.epoch,
        .wanted = (uint8_t)p->wanted,
        .deadline_ms = call_left_ms(p),
        .song_count = timeline_song_count(&p->timeline),
    };

    memcpy(c.nonce, p->call.nonce, sizeof(c.nonce));
    memcpy(c.founder, p->founder, KEY_LEN);
    for (int i = 0; i < c.song_count; i++) {
        fill_song(p, i, &c.songs[i], titles[i]);
    }
    return call_encode(&c, out, size);
}

static void flood_call(struct party *p)
{
    struct party_flood *f = state_queue_flood(p, FLOOD_CALL);

    f->is_tree = p->phase == PARTY_PLAYING;
    f->ttl = (uint8_t)ring_ttl(p);
    f->len = host_encode_call(p, f->body, sizeof(f->body));
    assert(f->len > 0);
    p->flood_ns = next_flood_ns(p, f->ttl);
}

void host_flood_close(struct party *p, enum close_reason reason)
{
    struct party_flood *f = state_queue_flood(p, FLOOD_CLOSE);
    struct close c = { p->call.candidate.party, (uint8_t)reason };

    f->len = close_encode(&c, f->body, sizeof(f->body));
    assert(f->len > 0);
}

static void add_self(struct party *p)
{
    struct party_member m = { .addr = p->addr };

    memcpy(m.key, p->self->sign_public, KEY_LEN);
    memcpy(m.name, p->name, sizeof(m.name));
    publish_member(p, &m, false);
    state_update_self(p);
}

static void found_council(struct party *p)
{
    struct council c = { .count = 1 };

    memcpy(c.keys[0], p->self->sign_public, KEY_LEN);
    publish_council(p, &c);
}

void host_begin(struct party *p, const struct party_host_request *r)
{
    struct party_call *c = &p->call;

    state_clear(p);
    p->role = PARTY_ROLE_HOST;
    p->phase = PARTY_CALLING;
    p->wanted = r->wanted < 0 ? p->params->wanted : r->wanted;
    p->ttl = (uint8_t)(r->ttl == 0 ? p->params->ttl : r->ttl);
    p->call_ns = r->deadline_ns == 0 ? p->params->call_ns : r->deadline_ns;
    p->ready_ns = r->ready_ns == 0 ? p->params->ready_ns : r->ready_ns;
    store_be64(c->nonce, rng_next(&p->rng));
    store_be64(c->nonce + 8, rng_next(&p->rng));
    memcpy(c->host_key, p->self->sign_public, KEY_LEN);
    memcpy(p->founder, c->host_key, KEY_LEN);
    party_id_make(p->self->suite, c->host_key, c->nonce, &c->candidate.party);
    c->candidate.priority = p->priority;
    c->candidate.epoch = 1;
    c->candidate.node = p->self->id;
    text_copy(c->name, sizeof(c->name), (const char *)r->name.data, r->name.len);
    memcpy(c->host_name, p->name, sizeof(c->host_name));
    c->addr = p->addr;
    c->began_ns = p->now_ns;
    c->deadline_ns = p->now_ns + p->call_ns;
    p->settled_ns = p->now_ns + p->params->settle_ns;
    p->tick_ns = p->now_ns + p->params->tick_ns;
    p->acted_ns = p->now_ns;
    party_log_reset(&p->log, &c->candidate.party);
    publish_found(p);
    add_self(p);
    found_council(p);
    for (int i = 0; i < r->song_count; i++) {
        publish_song(p, i, r->songs[i].manifest, r->songs[i].sig);
    }
    p->flood_ns = p->now_ns;
    state_log(p, LOG_INFO, "call");
}

void host_end(struct party *p, enum close_reason reason, struct outbox *out)
{
    struct party_time now = { 0 };

    if (party_is_acting(p, p->now_ns)) {
        (void)state_now(p, &now);
        publish_end(p, now);
        publish_push(p, out);
        host_flood_close(p, reason);
    } else { /* those who ask for it here are not to think that it has ended */
        p->role = PARTY_ROLE_GUEST;
    }
    state_end(p);
    state_log(p, LOG_INFO, "end");
}

/* ---- from one host to the next ---- */

static void tell_members(struct party *p, const struct msg *m, struct outbox *out)
{
    for (int i = 0; i < p->member_count; i++) {
        const struct party_member *to = &p->members[i];

        if (to->is_self) {
            continue;
        }
        if (to->peer >= 0) {
            council_send(p, to->peer, m, out);
        } else {
            state_queue_dial(p, &to->addr, &to->id);
        }
    }
}

/* The same party time by our own clock: no step, for us or anybody. */
void host_carry_clock_on(struct party *p)
{
    struct clock_line line = party_line(p, p->now_ns);

    if (!p->maps.has_map || !line.is_valid || node_id_equal(&p->map_host, &p->self->id)) {
        return;
    }
    p->maps.map = clock_map_rebase(&p->maps.map, &line, p->now_ns);
    p->maps.has_next = false;
    p->map_clock_id = p->clock_id;
    p->map_host = p->self->id;
    p->to_reference = clock_line_identity();
    p->bridge.is_valid = false;
    p->is_torn = false;
    p->rtt_ns = 0;
}

void host_become(struct party *p)
{
    struct party_call *c = &p->call;

    p->role = PARTY_ROLE_HOST;
    memcpy(c->host_key, p->self->sign_public, KEY_LEN);
    memcpy(c->host_name, p->name, sizeof(c->host_name));
    c->candidate.node = p->self->id;
    c->candidate.priority = p->priority;
    c->addr = p->addr;
    p->wanted = p->params->wanted;
    p->ttl = (uint8_t)p->params->ttl;
    p->ring = 2;
    p->ready_ns = p->params->ready_ns;
    p->ready_at_ns = p->now_ns + p->ready_ns;
    p->settled_ns = p->now_ns;
    p->flood_ns = p->now_ns + p->params->invite_every_ns / 2;
    p->tick_ns = p->now_ns + p->params->tick_ns;
    p->join_ns = TIME_NEVER;
    p->is_host_silent = false;
    p->is_held = false;
    p->acted_ns = p->now_ns;
    p->merge_ns = TIME_NEVER;
}

void host_take_over(struct party *p, const struct coord *c, int64_t sent_ns,
                    struct outbox *out)
{
    int64_t lease_ns = state_lease_ns(p, p->params->grant_lease_ns);
    struct msg m = { .type = MSG_COORD };

    council_obey(p, c);
    host_carry_clock_on(p);
    host_become(p);
    for (int i = 0; i < p->member_count; i++) {
        struct party_member *member = &p->members[i];

        member->is_host = member->is_self;
        member->heard_ns = p->now_ns;
        member->is_away = false;
        member->acked_seq = 0;
        member->lease_ns = 0;
    }
    for (int i = 0; i < c->grant_count; i++) {
        struct party_member *member = state_member(p, c->grants[i].key);

        if (member != NULL) {
            member->lease_ns = sent_ns + lease_ns;
        }
    }
    for (int i = 0; i < p->peer_room; i++) {
        p->peers[i].is_pushed = false;
    }
    publish_checkpoint(p);
    m.u.coord = *c;
    tell_members(p, &m, out);
    state_note(p, "you lead the party now", "", "");
    state_log(p, LOG_INFO, "take over");
}

void host_resign(struct party *p, const struct party_member *to, struct outbox *out)
{
    struct msg m = { .type = MSG_HANDOVER };

    m.u.handover.party = p->log.party;
    m.u.handover.epoch = p->log.epoch + 1;
    memcpy(m.u.handover.host, to->key, KEY_LEN);
    handover_sign(p->self, &p->log.party, p->log.epoch + 1, to->key, m.u.handover.sig);
    publish_push(p, out);
    ballot_handover(&p->ballot, &m.u.handover);
    p->is_resigned = true;
    tell_members(p, &m, out);
    state_log(p, LOG_INFO, "hand over");
}

/* ---- members ---- */

static int guests_here(const struct party *p)
{
    int n = 0;

    for (int i = 0; i < p->member_count; i++) {
        n += !p->members[i].is_self && state_is_here(&p->members[i]);
    }
    return n;
}

static void set_away(struct party *p, struct party_member *m)
{
    if (!m->is_away) {
        m->is_away = true;
        m->away_ns = p->now_ns;
    }
}

static void heard(struct party *p, struct party_member *m)
{
    m->heard_ns = p->now_ns;
    m->is_away = false;
}

static void remove_member(struct party *p, struct party_member *m)
{
    state_note(p, name_of(m), " left", "");
    state_log(p, LOG_INFO, "member left");
    publish_member(p, m, true);
}

/* Who leaves is needed for as long as its voice counts: it gives its seat up first. */
static void release_leavers(struct party *p)
{
    for (int i = p->member_count - 1; i >= 0 && party_is_acting(p, p->now_ns); i--) {
        struct party_member *m = &p->members[i];

        if (m->is_leaving && council_rank(&p->council, m->key) < 0) {
            remove_member(p, m);
        }
    }
}

static void welcome(struct party *p, int peer, enum welcome_reason reason,
                    struct outbox *out)
{
    struct msg m = { .type = MSG_PARTY_WELCOME };

    m.u.party_welcome.party = p->log.party;
    m.u.party_welcome.epoch = p->log.epoch;
    m.u.party_welcome.reason = (uint8_t)reason;
    outbox_push(out, peer, &m);
}

void host_join(struct party *p, int peer, struct bytes name, struct outbox *out)
{
    struct party_peer *l = &p->peers[peer];
    struct party_member *m = state_member(p, l->key);
    struct party_member fresh = { .addr = l->addr };

    if (!state_is_open(p)) {
        welcome(p, peer, WELCOME_ENDED, out);
        return;
    }
    if (m == NULL && p->member_count >= p->params->members_max) {
        welcome(p, peer, WELCOME_FULL, out);
        p->counts.full++;
        return;
    }
    if (m == NULL && !party_is_acting(p, p->now_ns)) {
        return; /* it will ask again */
    }
    if (m == NULL) {
        memcpy(fresh.key, l->key, KEY_LEN);
        text_copy(fresh.name, sizeof(fresh.name), (const char *)name.data, name.len);
        publish_member(p, &fresh, false);
        m = state_member(p, l->key);
        state_note(p, name_of(m), " joined", "");
        state_log(p, LOG_INFO, "member joined");
    }
    heard(p, m);
    m->is_leaving = false;
    l->is_pushed = false; /* until it says by LOG_GET from where on */
    state_use_peer(p, peer);
    welcome(p, peer, WELCOME_OK, out);
}

void host_member_leaves(struct party *p, int peer)
{
    struct party_member *m = state_member_of(p, peer);

    if (m != NULL) {
        m->is_leaving = true;
        council_upkeep(p);
        release_leavers(p);
    }
}

static int64_t claimed_ns(uint64_t v)
{
    return v > INT64_MAX ? -1 : (int64_t)v;
}

/* The lease counts from when the beat was sent that the member says it lives by, and is
 * shorter by what two clocks may drift apart. */
static void take_lease(struct party *p, struct party_member *m,
                       const struct msg_party_status *s)
{
    int64_t lease_ns = s->beat_ns + state_lease_ns(p, p->params->lease_ns);

    if (s->epoch != p->log.epoch) {
        return;
    }
    m->acked_seq = s->seq;
    if (s->beat_ns != 0 && s->beat_ns >= p->awake_ns && s->beat_ns <= p->now_ns &&
        lease_ns > m->lease_ns) {
        m->lease_ns = lease_ns;
    }
}

void host_take_status(struct party *p, int peer, const struct msg_party_status *s)
{
    struct party_member *m = state_member_of(p, peer);

    if (m == NULL) {
        p->counts.not_member++;
        return;
    }
    heard(p, m);
    m->has_status = true;
    m->songs_held = s->songs_held;
    m->is_ready = s->is_ready;
    m->sigma_ns = claimed_ns(s->sigma_ns);
    m->bound_ns = claimed_ns(s->bound_ns);
    m->rtt_ns = claimed_ns(s->rtt_ns);
    unison_take(p, m, &s->sound);
    unison_look(p);
    take_lease(p, m, s);
    council_upkeep(p);
    release_leavers(p);
}

/* A song of one whose call yielded to ours: played behind ours, while there is room. */
void host_take_offer(struct party *p, int peer, const struct msg_party_offer *o)
{
    int slot = timeline_song_count(&p->timeline);
    struct timeline scratch = { 0 };
    struct manifest m;

    if (state_member_of(p, peer) == NULL) {
        p->counts.not_member++;
        return;
    }
    if (manifest_decode(o->manifest, &m) != 0 ||
        memcmp(m.owner, p->peers[peer].key, KEY_LEN) != 0 ||
        !p->self->suite->verify(m.owner, DOMAIN_MANIFEST, o->manifest, o->sig) ||
        !timeline_set_song(&scratch, 0, &m.song, m.frames, m.rate)) {
        p->counts.bad_content++;
        return;
    }
    for (int i = 0; i < slot; i++) {
        if (song_id_equal(&p->pool[i].id, &m.song)) {
            return;
        }
    }
    if (slot < POOL_SLOTS && state_is_before_play(p) && party_is_acting(p, p->now_ns)) {
        publish_song(p, slot, o->manifest, o->sig);
        state_note(p, "a song more, of ", name_of(state_member_of(p, peer)), "");
    }
}

void host_take_get(struct party *p, int peer, uint64_t from_seq)
{
    struct party_peer *l = &p->peers[peer];
    struct party_member *m = state_member_of(p, peer);

    if (m == NULL) {
        p->counts.not_member++;
        return;
    }
    heard(p, m);
    if (l->is_pushed && p->now_ns < l->get_next_ns) {
        return;
    }
    l->get_next_ns = p->now_ns + p->params->get_every_ns / 2;
    l->is_pushed = true;
    l->pushed_seq = from_seq == 0 ? 0 : from_seq - 1;
    if (l->pushed_seq > p->log.seq) {
        l->pushed_seq = p->log.seq;
    }
    p->push_ns = p->now_ns;
}

void host_peer_down(struct party *p, int peer)
{
    struct party_member *m = state_member_of(p, peer);

    if (m != NULL) {
        set_away(p, m);
    }
}

/* Enough have answered: the ring grows no further.  Whoever does not come after all is
 * made up for by the next flood, which goes all the way. */
static void heard_accept(struct party *p)
{
    p->answers++;
    if (p->ring < 2 && p->answers >= p->wanted) {
        p->ring = 2;
        p->flood_ns = first_repeat_ns(p);
    }
}

void host_reply_heard(struct party *p, const struct reply *r)
{
    char name[MSG_NAME_MAX + 1];
    struct node_id id;

    if (!party_id_equal(&r->party, &p->call.candidate.party) || !state_is_open(p)) {
        p->counts.other_party++;
        return;
    }
    p->self->suite->id(r->origin, &id);
    if (r->kind == REPLY_ACCEPT) {
        heard_accept(p);
        if (state_peer(p, &id) < 0) {
            state_queue_dial(p, &r->addr, &id);
        }
        return;
    }
    text_copy(name, sizeof(name), (const char *)r->name.data, r->name.len);
    state_note(p, name[0] != '\0' ? name : "somebody", " declined", "");
}

bool host_must_yield(struct party *p, const struct candidate *rival, bool is_running)
{
    int64_t last_ns = p->call.began_ns + p->params->settle_max_ns;

    /* Only calls collide; a party that plays neither yields nor makes others yield. */
    if (is_running || (p->phase != PARTY_CALLING && p->phase != PARTY_SHARING)) {
        return false;
    }
    if (candidate_compare(&p->call.candidate, rival) < 0) {
        return true;
    }
    p->settled_ns = time_min(p->now_ns + p->params->settle_ns, last_ns);
    /* It may not have heard us (it came to the network late), so say it once more. */
    if (p->rival_answers < p->params->rival_answers_max) {
        p->rival_answers++;
        p->ring = 2; /* wherever it is */
        p->flood_ns = time_min(p->flood_ns, p->now_ns);
    }
    return false;
}

void host_set_map(struct party *p, const struct clock_map *map, uint64_t clock_id)
{
    if (!clock_map_is_sane(map) || !party_is_acting(p, p->now_ns)) {
        return;
    }
    publish_map(p, map, clock_id);
}

/* Who has shown no life for a while is away; who is away for long has left. */
static void tick_members(struct party *p)
{
    for (int i = p->member_count - 1; i >= 0; i--) {
        struct party_member *m = &p->members[i];

        if (m->is_self) {
            continue;
        }
        if (m->peer < 0 || p->now_ns - m->heard_ns >= p->params->member_silent_ns) {
            set_away(p, m);
        }
        if (m->is_away && p->now_ns - m->away_ns >= p->params->member_grace_ns &&
            party_is_acting(p, p->now_ns)) {
            remove_member(p, m);
        }
    }
}

/* ---- start and play ---- */

static void begin_sharing(struct party *p)
{
    p->phase = PARTY_SHARING;
    p->ready_at_ns = p->now_ns + p->ready_ns;
    state_log(p, LOG_INFO, "sharing");
}

static void check_call(struct party *p, struct outbox *out)
{
    int guests = guests_here(p);
    bool is_late = p->now_ns >= p->call.deadline_ns;

    if (is_late && guests == 0 && p->wanted > 0) {
        state_note(p, "the call is over: nobody came.  ",
                   "Call again, or ask your friends to start party", "");
        host_end(p, CLOSE_NOBODY, out);
    } else if (p->now_ns >= p->settled_ns && (is_late || guests >= p->wanted)) {
        begin_sharing(p);
    }
}

static void check_ready(struct party *p, struct outbox *out)
{
    struct timeline_action play = { .slot = 0, .is_playing = true };
    struct party_time now;
    int here = 0;
    int ready = 0;

    state_update_self(p);
    for (int i = 0; i < p->member_count; i++) {
        const struct party_member *m = &p->members[i];

        here += state_is_here(m);
        ready += state_is_here(m) && m->is_ready;
    }
    if (state_now(p, &now) && ready > 0 &&
        (ready == here || p->now_ns >= p->ready_at_ns)) {
        play.at = act_schedule(p, now);
        publish_action(p, &play, ACTION_PLAY);
        p->flood_ns = p->now_ns + p->params->invite_every_ns;
        state_log(p, LOG_INFO, "play");
    } else if (p->now_ns - p->ready_at_ns >= p->params->ready_limit_ns) {
        state_note(p, "nobody got ready in time: see `party status` for songs, clock ",
                   "and sound card of each", "");
        host_end(p, CLOSE_CANCELLED, out);
    }
}

static void tick(struct party *p, struct outbox *out)
{
    tick_members(p);
    state_update_self(p);
    publish_beats(p, out);
    unison_send_round(p, out);
    council_upkeep(p);
    release_leavers(p);
    fork_tick(p, out);
    if (p->role != PARTY_ROLE_HOST) {
        return;
    }
    if (p->phase == PARTY_PLAYING && party_is_acting(p, p->now_ns) &&
        state_is_over_for(p, p->params->end_grace_ns)) {
        state_note(p, "the last song has ended: the party is over", "", "");
        host_end(p, CLOSE_ENDED, out);
    }
}

static void call_and_share(struct party *p, struct outbox *out)
{
    if (p->phase == PARTY_CALLING) {
        check_call(p, out);
    }
    if (p->phase == PARTY_SHARING) {
        check_ready(p, out);
    }
}

void host_run(struct party *p, struct outbox *out)
{
    if (state_is_open(p) && p->now_ns >= p->tick_ns) {
        p->tick_ns = p->now_ns + p->params->tick_ns;
        tick(p, out);
    }
    candidate_run(p, out);
    if (p->role != PARTY_ROLE_HOST) {
        return;
    }
    if (party_is_acting(p, p->now_ns)) {
        call_and_share(p, out);
    }
    if (state_is_open(p) && p->now_ns >= p->flood_ns) {
        flood_call(p); /* who may not act needs just those that come back by it */
    }
    if (state_is_open(p) && p->now_ns >= p->push_ns) {
        publish_push(p, out);
    }
}

static int64_t later(int64_t t_ns, int64_t now_ns)
{
    return t_ns > now_ns ? t_ns : TIME_NEVER;
}

int64_t host_wake_ns(const struct party *p)
{
    int64_t wake_ns;

    if (!state_is_open(p)) {
        return TIME_NEVER;
    }
    wake_ns = time_min(p->tick_ns, time_min(p->flood_ns, p->push_ns));
    /* What has passed without effect is looked at again with the next tick. */
    if (p->phase == PARTY_CALLING) {
        wake_ns = time_min(wake_ns, later(p->call.deadline_ns, p->now_ns));
        wake_ns = time_min(wake_ns, later(p->settled_ns, p->now_ns));
    }
    if (p->phase == PARTY_SHARING) {
        wake_ns = time_min(wake_ns, later(p->ready_at_ns, p->now_ns));
    }
    return time_min(wake_ns, candidate_wake_ns(p));
}
