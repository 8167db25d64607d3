/* What the node takes from a party and asks of it; declared in party/session.h.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "party/session.h"
#include "party/state.h"

/* The queue without its first item. */
static void *shift(struct party *p, void *queue, int *count, size_t size)
{
    memmove(queue, (uint8_t *)queue + size, size * (size_t)(*count - 1));
    --*count;
    return heap_resize(p->heap, queue, (size_t)*count + 1, (size_t)*count, size);
}

bool party_take_flood(struct party *p, struct party_flood *f)
{
    if (p->flood_count == 0) {
        return false;
    }
    *f = p->floods[0];
    p->floods = shift(p, p->floods, &p->flood_count, sizeof(p->floods[0]));
    return true;
}

bool party_take_reply(struct party *p, struct party_reply *r)
{
    if (p->reply_count == 0) {
        return false;
    }
    *r = p->replies[0];
    p->replies = shift(p, p->replies, &p->reply_count, sizeof(p->replies[0]));
    return true;
}

bool party_take_dial(struct party *p, struct party_dial *d)
{
    if (p->dial_count == 0) {
        return false;
    }
    *d = p->dials[0];
    p->dials = shift(p, p->dials, &p->dial_count, sizeof(p->dials[0]));
    return true;
}

bool party_take_hangup(struct party *p, int *peer)
{
    for (int i = 0; i < p->peer_room; i++) {
        if (p->peers[i].is_up && p->peers[i].is_hangup) {
            p->peers[i].is_hangup = false;
            *peer = i;
            return true;
        }
    }
    return false;
}

bool party_take_pool_change(struct party *p)
{
    bool is_changed = p->is_pool_changed && !p->is_held;

    p->is_pool_changed = p->is_pool_changed && p->is_held;
    return is_changed;
}

bool party_wants_map(const struct party *p)
{
    return p->role == PARTY_ROLE_HOST && state_is_open(p) && !p->maps.has_map;
}

bool party_reference(const struct party *p, struct party_reference *r)
{
    if (!state_is_open(p) || !p->maps.has_map) {
        return false;
    }
    *r = (struct party_reference){
        .is_self = node_id_equal(&p->map_host, &p->self->id),
        .host = p->map_host,
        .peer = -1,
        .clock_id = p->map_clock_id,
    };
    if (!r->is_self) {
        r->peer = state_peer(p, &r->host);
    }
    return true;
}

/* A hash, but of the members it is known. */
static struct node_id id_of(const struct party *p, const uint8_t key[static KEY_LEN])
{
    struct node_id id;

    for (int i = 0; i < p->member_count; i++) {
        if (memcmp(p->members[i].key, key, KEY_LEN) == 0) {
            return p->members[i].id;
        }
    }
    p->self->suite->id(key, &id);
    return id;
}

int party_heirs(const struct party *p, struct party_heir heirs[static PARTY_HEIRS])
{
    int count = 0;

    for (int k = 0; state_is_open(p) && k < p->council.count && count < PARTY_HEIRS;
         k++) {
        struct node_id id = id_of(p, p->council.keys[k]);

        if (!node_id_equal(&id, &p->map_host) && !node_id_equal(&id, &p->self->id)) {
            heirs[count++] = (struct party_heir){ id, state_peer(p, &id) };
        }
    }
    return count;
}

static int leases(const struct party *p, const struct council *c, int64_t now_ns)
{
    int count = 0;

    for (int i = 0; i < p->member_count; i++) {
        const struct party_member *m = &p->members[i];

        if (m->is_self || m->lease_ns > now_ns) {
            count += council_rank(c, m->key) >= 0;
        }
    }
    return count;
}

bool state_is_led_by(const struct party *p, const struct council *c)
{
    return leases(p, c, p->now_ns) > c->count / 2;
}

bool party_is_acting(const struct party *p, int64_t now_ns)
{
    if (p->role != PARTY_ROLE_HOST || !state_is_open(p)) {
        return false;
    }
    if (p->params->is_classic || p->council.count == 0) {
        return true;
    }
    return !p->is_resigned && p->ballot.epoch <= p->log.epoch &&
           leases(p, &p->council, now_ns) > p->council.count / 2;
}

/* The line that went before, while the one to the new host's clock is poor.  It is off by
 * no more than the two are apart and the new one may be wrong. */
static struct clock_line bridged(const struct party *p, const struct clock_line *line,
                                 int64_t now_ns)
{
    int64_t miss_ns = line->is_valid ? clock_line_miss_at(&p->bridge, line, now_ns)
                                     : p->params->bridge_bound_ns;

    return clock_line_widen(&p->bridge, miss_ns);
}

struct clock_line party_line(struct party *p, int64_t now_ns)
{
    struct clock_line line = party_clock_line(&p->maps, &p->to_reference, now_ns);

    line.is_valid = line.is_valid && !p->is_torn;
    if (!p->bridge.is_valid) {
        return line;
    }
    if (!line.is_valid ||
        (clock_line_sigma_at(&line, now_ns) > p->params->bridge_sigma_ns &&
         now_ns - p->bridge_ns < p->params->bridge_ns)) {
        return bridged(p, &line, now_ns);
    }
    p->bridge.is_valid = false;
    return line;
}

bool party_take_promise(struct party *p, struct promise *promise)
{
    if (!p->is_promise_new) {
        return false;
    }
    p->is_promise_new = false;
    *promise = (struct promise){ 0, p->log.party, p->ballot.epoch, p->ballot.obeyed };
    if (p->promises != NULL) {
        *promise = promises_put(p->promises, &p->log.party, p->ballot.epoch,
                                p->ballot.obeyed);
    }
    return true;
}

const struct clock_map *party_map(const struct party *p)
{
    if (p->role != PARTY_ROLE_HOST || !state_is_open(p) || !p->maps.has_map) {
        return NULL;
    }
    return p->maps.has_next ? &p->maps.next : &p->maps.map;
}

uint32_t party_timeline_version(const struct party *p)
{
    return p->is_held ? p->held_version : p->timeline.version;
}

int party_timeline_segments(const struct party *p, struct party_time from,
                            struct timeline_segment out[], int max)
{
    return timeline_segments(&p->timeline, from, out, max);
}

bool party_needs_link(const struct party *p, int peer)
{
    const struct party_peer *l = &p->peers[peer];

    return peer < p->peer_room && l->is_up && state_is_open(p) &&
           (l->is_used || p->now_ns < l->keep_ns);
}

bool party_is_member(const struct party *p, int peer)
{
    if (!state_is_open(p) || peer >= p->peer_room || !p->peers[peer].is_up) {
        return false;
    }
    for (int i = 0; i < p->member_count; i++) {
        if (p->members[i].peer == peer) {
            return true;
        }
    }
    return false;
}

const struct party_song *party_song(const struct party *p, int slot)
{
    return &p->pool[slot];
}

/* What is heard, in one word. */
static enum party_phase audible_phase(const struct party *p,
                                      const struct timeline_position *pos,
                                      struct party_time now)
{
    if (timeline_pending(&p->timeline, now) == p->timeline.action_count) {
        return PARTY_SHARING; /* nothing has begun yet */
    }
    if (pos->is_playing) {
        return PARTY_PLAYING;
    }
    return pos->is_over || (pos->slot == 0 && pos->frame == 0) ? PARTY_STOPPED
                                                               : PARTY_PAUSED;
}

static void fill_position(struct party *p, struct party_status *s)
{
    struct timeline_position pos;
    struct party_time now;

    if (p->phase != PARTY_PLAYING || !state_now(p, &now)) {
        return;
    }
    pos = timeline_at(&p->timeline, now);
    s->phase = audible_phase(p, &pos, now);
    s->has_position = true;
    s->slot = pos.slot;
    s->frame = pos.frame;
    s->rate = p->timeline.pool[pos.slot].rate;
}

void party_status(struct party *p, int64_t now_ns, struct party_status *s)
{
    bool is_calling = p->phase == PARTY_CALLING || p->phase == PARTY_JOINING;

    p->now_ns = now_ns;
    *s = (struct party_status){
        .role = p->role,
        .phase = p->phase,
        .party = &p->call.candidate.party,
        .name = p->call.name,
        .host_name = p->call.host_name,
        .host = &p->call.candidate.node,
        .epoch = p->log.epoch,
        .seq = p->log.seq,
        .left_ns = -1,
        .hearing = pulse_hearing(p),
        .is_acting = party_is_acting(p, now_ns),
        .member_count = p->member_count,
    };
    state_update_self(p);
    s->is_ready = state_is_ready(p);
    if (is_calling && p->call.deadline_ns != TIME_NEVER && p->call.deadline_ns > now_ns) {
        s->left_ns = p->call.deadline_ns - now_ns;
    }
    fill_position(p, s);
}

const char *party_note(const struct party *p, int i)
{
    int64_t oldest = p->note_count > PARTY_NOTES_MAX ? p->note_count - PARTY_NOTES_MAX
                                                     : 0;

    if (i < 0 || oldest + i >= p->note_count) {
        return NULL;
    }
    return p->notes[(oldest + i) % PARTY_NOTES_MAX];
}

static bool check_members(const struct party *p)
{
    for (int i = 0; i < p->member_count; i++) {
        const struct party_member *m = &p->members[i];

        if (m->peer >= p->peer_room || (m->is_self && m->peer >= 0)) {
            return false;
        }
        if (m->peer >= 0 &&
            (!p->peers[m->peer].is_up || !node_id_equal(&p->peers[m->peer].id, &m->id))) {
            return false;
        }
        for (int k = 0; k < i; k++) {
            if (node_id_equal(&p->members[k].id, &m->id)) {
                return false;
            }
        }
    }
    return true;
}

static bool check_timeline(const struct timeline *t)
{
    for (int i = 1; i < t->action_count; i++) {
        if (t->actions[i].at.ns <= t->actions[i - 1].at.ns) {
            return false;
        }
    }
    return t->action_count >= 0 && t->action_count <= TIMELINE_ACTIONS_MAX;
}

bool party_check(const struct party *p)
{
    bool is_host = p->role == PARTY_ROLE_HOST;

    if ((p->phase == PARTY_IDLE) != (p->role == PARTY_ROLE_NONE)) {
        return false;
    }
    if (p->phase == PARTY_JOINING && is_host) {
        return false;
    }
    if (is_host && memcmp(p->log.host, p->self->sign_public, KEY_LEN) != 0) {
        return false;
    }
    return p->member_count >= 0 && p->member_count <= PARTY_MEMBERS_MAX &&
           p->flood_count <= PARTY_FLOODS_MAX && p->reply_count <= PARTY_REPLIES_MAX &&
           p->dial_count <= PARTY_DIALS_MAX && check_members(p) &&
           check_timeline(&p->timeline) && party_log_check(&p->log);
}
