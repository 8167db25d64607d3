/* SPDX-License-Identifier: MIT */
#include "party/state.h"

#include <assert.h>
#include <string.h>

#include "party/domains.h"

#define MEMBERS_FIRST 4 /* rows of the first table */

void state_forget_note(struct party *p, char **note)
{
    if (*note != NULL) {
        heap_give(p->heap, *note, strlen(*note) + 1, 1);
    }
    *note = NULL;
}

void state_note(struct party *p, const char *a, const char *b, const char *c)
{
    char **note = &p->notes[p->note_count % PARTY_NOTES_MAX];
    char line[PARTY_NOTE_MAX];
    struct text t;

    text_init(&t, line, sizeof(line));
    text_add(&t, a);
    text_add(&t, b);
    text_add(&t, c);
    state_forget_note(p, note);
    *note = heap_take(p->heap, strlen(line) + 1, 1);
    memcpy(*note, line, strlen(line) + 1);
    p->note_count++;
}

struct text state_log(struct party *p, enum log_level level, const char *event)
{
    struct text t;

    if (p->out_log == NULL) {
        text_init(&t, p->no_log, sizeof(p->no_log));
        return t;
    }
    t = log_begin(p->out_log, level, "party", event);
    log_id(&t, "party", p->call.candidate.party.b);
    return t;
}

bool state_is_open(const struct party *p)
{
    return p->phase != PARTY_ENDED && p->phase != PARTY_IDLE;
}

int state_peer(const struct party *p, const struct node_id *id)
{
    for (int i = 0; i < p->peer_room; i++) {
        if (p->peers[i].is_up && node_id_equal(&p->peers[i].id, id)) {
            return i;
        }
    }
    return -1;
}

void state_use_peer(struct party *p, int peer)
{
    p->peers[peer].is_used = true;
    p->peers[peer].is_hangup = false;
}

void state_hang_up(struct party *p, int peer)
{
    struct party_peer *l = &p->peers[peer];

    l->is_hangup = l->is_up && l->is_used;
    l->is_used = false;
    l->is_pushed = false;
    l->keep_ns = p->now_ns;
}

struct party_member *state_member(struct party *p, const uint8_t key[static KEY_LEN])
{
    for (int i = 0; i < p->member_count; i++) {
        if (memcmp(p->members[i].key, key, KEY_LEN) == 0) {
            return &p->members[i];
        }
    }
    return NULL;
}

struct party_member *state_member_of(struct party *p, int peer)
{
    for (int i = 0; i < p->member_count; i++) {
        if (p->members[i].peer == peer && peer >= 0) {
            return &p->members[i];
        }
    }
    return NULL;
}

bool state_is_here(const struct party_member *m)
{
    return m->is_self || (m->peer >= 0 && !m->is_away && !m->is_leaving);
}

struct bytes state_manifest(const struct party_offer *o)
{
    return bytes_of(o->len > 0 ? o->data + SIGNATURE_LEN : NULL, o->len);
}

static void drop_offer(struct party *p, struct party_offer *o)
{
    heap_give(p->heap, o->data, SIGNATURE_LEN + o->len, 1);
    *o = (struct party_offer){ .len = 0 };
}

static void set_offer(struct party *p, int slot, struct bytes manifest,
                      const uint8_t sig[static SIGNATURE_LEN])
{
    struct party_offer *o = &p->offers[slot];

    drop_offer(p, o);
    o->len = manifest.len;
    o->data = heap_take(p->heap, SIGNATURE_LEN + o->len, 1);
    memcpy(o->data, sig, SIGNATURE_LEN);
    memcpy(o->data + SIGNATURE_LEN, manifest.data, manifest.len);
}

/* The three texts of a song, one behind the other in one piece of memory. */
static void set_texts(struct party *p, struct party_song *s, const struct manifest *m)
{
    const struct bytes *texts[] = { &m->title, &m->artist, &m->album };
    char **fields[] = { &s->title, &s->artist, &s->album };
    size_t len = m->title.len + m->artist.len + m->album.len + COUNT(texts);
    char *at = heap_take(p->heap, len, 1);

    s->texts_len = len;
    for (int i = 0; i < COUNT(texts); i++) {
        *fields[i] = at;
        if (texts[i]->len > 0) {
            memcpy(at, texts[i]->data, texts[i]->len);
        }
        at += texts[i]->len + 1;
    }
}

static void drop_song(struct party *p, int slot)
{
    struct party_song *s = &p->pool[slot];

    heap_give(p->heap, s->title, s->texts_len, 1);
    *s = (struct party_song){ .is_set = false };
    drop_offer(p, &p->offers[slot]);
}

void state_forget(struct party *p)
{
    uint32_t version = p->timeline.version;

    heap_give(p->heap, p->members, (size_t)p->member_room, sizeof(p->members[0]));
    p->members = NULL;
    p->member_room = 0;
    p->member_count = 0;
    unison_init(&p->unison);
    for (int i = 0; i < POOL_SLOTS; i++) {
        drop_song(p, i);
    }
    p->is_pool_changed = true;
    timeline_finish(&p->timeline);
    timeline_init(&p->timeline, p->heap);
    p->timeline.version = version + 1;
    party_clock_init(&p->maps);
    p->council.count = 0;
    p->old_council.count = 0;
}

void state_drop_own(struct party *p)
{
    if (p->own == NULL) {
        return;
    }
    for (int i = 0; i < POOL_SLOTS; i++) {
        drop_offer(p, &p->own[i]);
    }
    heap_give(p->heap, p->own, POOL_SLOTS, sizeof(p->own[0]));
    p->own = NULL;
}

void state_drop_parent(struct party *p)
{
    heap_give(p->heap, p->parent, 1, sizeof(*p->parent));
    p->parent = NULL;
}

void state_keep_own(struct party *p)
{
    state_drop_own(p);
    p->own = heap_take(p->heap, POOL_SLOTS, sizeof(p->own[0]));
    memcpy(p->own, p->offers, sizeof(p->offers));
    memset(p->offers, 0, sizeof(p->offers));
}

bool state_set_redirect(struct party *p, const struct msg_flood *raw)
{
    if (raw->inner.len > sizeof(p->redirect->inner)) {
        return false;
    }
    if (p->redirect == NULL) {
        p->redirect = heap_take(p->heap, 1, sizeof(*p->redirect));
    }
    *p->redirect = (struct party_redirect){
        .from = p->log.party,
        .hops = raw->hops,
        .len = raw->inner.len,
    };
    memcpy(p->redirect->inner, raw->inner.data, raw->inner.len);
    memcpy(p->redirect->sig, raw->sig, SIGNATURE_LEN);
    return true;
}

void state_send_redirect(const struct party *p, int peer, struct outbox *out)
{
    const struct party_redirect *r = p->redirect;
    struct msg m = { .type = MSG_PARTY_YIELD };

    m.u.party_yield.party = r->from;
    m.u.party_yield.call.hops = r->hops;
    m.u.party_yield.call.inner = bytes_of(r->inner, r->len);
    memcpy(m.u.party_yield.call.sig, r->sig, SIGNATURE_LEN);
    outbox_push(out, peer, &m);
}

bool state_read_call(const struct party *p, const struct msg_flood *raw, struct flood *f,
                     struct call *c)
{
    const struct suite *suite = p->self->suite;

    return raw->inner.len <= MSG_INNER_MAX && flood_decode(raw->inner, f) == 0 &&
           f->kind == FLOOD_CALL && call_decode(f->body, c) == 0 &&
           memcmp(f->origin, p->self->sign_public, KEY_LEN) != 0 &&
           (suite->verify(f->origin, DOMAIN_FLOOD, raw->inner, raw->sig) ||
            suite->verify(f->origin, DOMAIN_GOSSIP, raw->inner, raw->sig));
}

int state_slot(struct party *p)
{
    struct timeline_position pos;
    struct party_time now;

    if (!state_now(p, &now)) {
        return -1;
    }
    pos = timeline_at(&p->timeline, now);
    return pos.is_playing ? pos.slot : -1;
}

static void hang_up_all(struct party *p)
{
    for (int i = 0; i < p->peer_room; i++) {
        state_hang_up(p, i);
    }
}

void state_clear(struct party *p)
{
    static const struct party_id none;

    hang_up_all(p);
    state_forget(p);
    party_log_reset(&p->log, &none);
    p->role = PARTY_ROLE_NONE;
    p->phase = PARTY_IDLE;
    memset(&p->call, 0, sizeof(p->call));
    memset(&p->ballot, 0, sizeof(p->ballot));
    candidate_stop(p);
    memset(&p->candidacy, 0, sizeof(p->candidacy));
    candidate_stop(p);
    heap_give(p->heap, p->certificate, 1, sizeof(*p->certificate));
    p->certificate = NULL;
    p->is_promise_new = false;
    p->is_promise_kept = false;
    p->is_resigned = false;
    p->is_leaving = false;
    p->map_clock_id = 0;
    p->awake_ns = 0;
    p->is_torn = false;
    p->bridge.is_valid = false;
    p->is_held = false;
    p->beat_ns = 0;
    state_drop_parent(p);
    p->merge_ns = TIME_NEVER;
    p->others_led_ns = p->now_ns;
    p->to_reference.is_valid = false;
    p->rtt_ns = 0;
    p->flood_ns = TIME_NEVER;
    p->push_ns = TIME_NEVER;
    p->join_ns = TIME_NEVER;
    p->tick_ns = TIME_NEVER;
    p->lead_ns = 0;
    p->rival_answers = 0;
    p->ring = 0;
    p->answers = 0;
    p->answered_ns = TIME_NEVER;
    p->is_host_silent = false;
    p->is_in = false;
    p->is_current = false;
    p->get_seq = 0;
    p->get_ns = p->now_ns;
    p->status_held = 0;
    p->status_ready = false;
}

void state_end(struct party *p)
{
    struct timeline_action silence = { .at = { 0 } };

    hang_up_all(p);
    if (timeline_last(&p->timeline) != NULL) {
        (void)timeline_add(&p->timeline, &silence);
    }
    candidate_stop(p);
    state_drop_own(p);
    p->is_held = false;
    p->is_leaving = false;
    p->phase = PARTY_ENDED;
    p->ended_ns = p->now_ns;
    p->join_ns = TIME_NEVER;
    p->flood_ns = TIME_NEVER;
    p->push_ns = TIME_NEVER;
}

void state_bridge(struct party *p)
{
    struct clock_line line = party_line(p, p->now_ns);

    if (line.is_valid && !p->bridge.is_valid) {
        p->bridge = line;
        p->bridge_ns = p->now_ns;
    }
}

static void apply_map(struct party *p, const struct entry *e)
{
    bool is_same_clock = p->maps.has_map && e->u.map.clock_id == p->map_clock_id;
    struct clock_map *known[2] = { &p->maps.map, &p->maps.next };
    struct clock_map m = {
        .map_seq = (uint32_t)e->seq,
        .raw_ref_ns = e->u.map.raw_ns,
        .party_ref = e->u.map.party,
        .rate_ppt = e->u.map.rate_ppt,
        .bound_ns = e->u.map.bound_ns > INT64_MAX ? TIME_NEVER
                                                  : (int64_t)e->u.map.bound_ns,
        .valid_from = e->u.map.valid_from,
    };

    if (!clock_map_is_sane(&m)) {
        p->counts.bad_content++;
        return;
    }
    for (int i = 0; is_same_clock && i < 1 + p->maps.has_next; i++) {
        if (known[i]->raw_ref_ns == m.raw_ref_ns &&
            known[i]->party_ref.ns == m.party_ref.ns &&
            known[i]->rate_ppt == m.rate_ppt) {
            /* Said again by a checkpoint; in a fork the numbers begin anew. */
            known[i]->map_seq = m.map_seq;
            return;
        }
    }
    if (!is_same_clock) {
        if (e->u.map.clock_id != p->map_clock_id) { /* our line is to another clock */
            state_bridge(p);
            p->to_reference.is_valid = false;
        }
        party_clock_adopt(&p->maps, &m);
        p->is_torn = false;
        p->map_clock_id = e->u.map.clock_id;
        p->self->suite->id(p->log.host, &p->map_host);
    } else {
        party_clock_announce(&p->maps, &m);
    }
}

static struct party_member *new_member(struct party *p)
{
    int room = p->member_room == 0 ? MEMBERS_FIRST : 2 * p->member_room;

    if (p->member_count == p->member_room) {
        p->members = heap_resize(p->heap, p->members, (size_t)p->member_room,
                                 (size_t)room, sizeof(p->members[0]));
        p->member_room = room;
    }
    return &p->members[p->member_count++];
}

static void add_member(struct party *p, const struct entry *e)
{
    struct party_member *m = state_member(p, e->u.member.key);

    if (m == NULL) {
        if (p->member_count == PARTY_MEMBERS_MAX) {
            p->counts.full++;
            return;
        }
        m = new_member(p);
        memset(m, 0, sizeof(*m));
        memcpy(m->key, e->u.member.key, KEY_LEN);
        p->self->suite->id(m->key, &m->id);
        m->is_self = node_id_equal(&m->id, &p->self->id);
        m->peer = state_peer(p, &m->id);
        m->sigma_ns = -1;
        m->bound_ns = -1;
        m->sound_ns = TIME_NEVER;
        m->heard_ns = p->now_ns;
    }
    m->is_host = memcmp(m->key, p->log.host, KEY_LEN) == 0;
    m->addr = e->u.member.addr;
    text_copy(m->name, sizeof(m->name), (const char *)e->u.member.name.data,
              e->u.member.name.len);
    if (m->peer >= 0) {
        state_use_peer(p, m->peer);
    }
}

static void remove_member(struct party *p, const struct entry *e)
{
    struct party_member *m = state_member(p, e->u.member.key);
    int i;

    if (m == NULL) {
        return;
    }
    if (m->peer >= 0 && !m->is_host) {
        state_hang_up(p, m->peer);
    }
    i = (int)(m - p->members);
    p->member_count--;
    memmove(m, m + 1, sizeof(*m) * (size_t)(p->member_count - i));
}

static void apply_song(struct party *p, const struct entry *e)
{
    int slot = e->u.song.slot;
    struct bytes in = e->u.song.manifest;
    struct manifest m;
    struct party_song *s;

    if (slot < POOL_SLOTS && in.len > 0 &&
        bytes_equal(state_manifest(&p->offers[slot]), in)) {
        return; /* said again by a checkpoint */
    }
    if (in.len > MSG_ENTRY_MAX || manifest_decode(in, &m) != 0 ||
        !p->self->suite->verify(m.owner, DOMAIN_MANIFEST, in, e->u.song.sig) ||
        !timeline_set_song(&p->timeline, slot, &m.song, m.frames, m.rate)) {
        p->counts.bad_content++;
        return;
    }
    set_offer(p, slot, in, e->u.song.sig);
    s = &p->pool[slot];
    *s = (struct party_song){
        .is_set = true,
        .id = m.song,
        .bytes = m.bytes,
        .frames = m.frames,
        .rate = m.rate,
        .channels = m.channels,
        .bits = m.bits,
    };
    memcpy(s->owner, m.owner, KEY_LEN);
    set_texts(p, s, &m);
    p->is_pool_changed = true;
}

static void apply_action(struct party *p, const struct entry *e)
{
    struct timeline_action a = {
        .at = e->u.action.at,
        .slot = e->u.action.slot,
        .frame = e->u.action.frame > INT64_MAX ? -1 : (int64_t)e->u.action.frame,
        .is_playing = e->u.action.is_playing,
    };

    if (!timeline_add(&p->timeline, &a)) {
        p->counts.bad_content++;
        return;
    }
    if (p->phase == PARTY_SHARING || p->phase == PARTY_CALLING) {
        p->phase = PARTY_PLAYING;
    }
}

/* One that was said again by a checkpoint is not another one. */
static void apply_council(struct party *p, const struct entry *e)
{
    struct council next = { e->u.council.count, e->epoch, e->seq, { { 0 } } };

    memcpy(next.keys, e->u.council.keys, sizeof(next.keys));
    if (next.count != p->council.count ||
        memcmp(next.keys, p->council.keys, (size_t)next.count * KEY_LEN) != 0) {
        p->old_council = p->council;
    }
    p->council = next;
}

void state_apply(struct party *p, const struct entry *e)
{
    switch (e->kind) {
    case ENTRY_FOUND:
        text_copy(p->call.name, sizeof(p->call.name), (const char *)e->u.found.name.data,
                  e->u.found.name.len);
        memcpy(p->founder, e->u.found.key, KEY_LEN);
        memcpy(p->call.nonce, e->u.found.nonce, sizeof(p->call.nonce));
        break;
    case ENTRY_MAP:
        apply_map(p, e);
        break;
    case ENTRY_MEMBER:
        if (e->u.member.has_left) {
            remove_member(p, e);
        } else {
            add_member(p, e);
        }
        break;
    case ENTRY_SONG:
        apply_song(p, e);
        break;
    case ENTRY_ACTION:
        apply_action(p, e);
        break;
    case ENTRY_COUNCIL:
        apply_council(p, e);
        break;
    case ENTRY_END: /* host and guest end in their own ways */
        break;
    }
}

uint64_t state_songs_held(const struct party *p)
{
    uint64_t held = 0;

    for (int i = 0; i < POOL_SLOTS; i++) {
        const struct party_song *s = &p->pool[i];

        if (s->is_set && s->total > 0 && s->held >= s->total) {
            held |= UINT64_C(1) << i;
        }
    }
    return held;
}

bool state_is_ready(struct party *p)
{
    struct clock_line line = party_line(p, p->now_ns);
    int songs = timeline_song_count(&p->timeline);
    uint64_t all = (UINT64_C(1) << songs) - 1;

    return songs > 0 && (state_songs_held(p) & all) == all && line.is_valid &&
           clock_line_sigma_at(&line, p->now_ns) <= p->params->ready_sigma_ns &&
           p->is_audio_ok;
}

void state_update_self(struct party *p)
{
    struct party_member *m = state_member(p, p->self->sign_public);
    struct clock_line line = party_line(p, p->now_ns);

    if (m == NULL) {
        return;
    }
    m->has_status = true;
    m->heard_ns = p->now_ns;
    m->songs_held = state_songs_held(p);
    m->is_ready = state_is_ready(p);
    m->sigma_ns = line.is_valid ? clock_line_sigma_at(&line, p->now_ns) : -1;
    m->bound_ns = line.is_valid ? clock_line_bound_at(&line, p->now_ns) : -1;
    m->rtt_ns = p->rtt_ns;
    unison_take(p, m, &p->sound);
}

bool state_now(struct party *p, struct party_time *now)
{
    struct clock_line line = party_line(p, p->now_ns);

    if (!line.is_valid) {
        return false;
    }
    *now = party_clock_from_local(&line, p->now_ns);
    return true;
}

bool state_is_before_play(const struct party *p)
{
    return timeline_last(&p->timeline) == NULL;
}

bool state_is_over_for(struct party *p, int64_t ns)
{
    struct timeline_position pos;
    struct party_time now;

    if (!state_now(p, &now)) {
        return false;
    }
    pos = timeline_at(&p->timeline, now);
    return pos.is_over && now.ns - pos.segment.at.ns >= ns;
}

int64_t state_lease_ns(const struct party *p, int64_t lease_ns)
{
    return lease_ns - mul_div(lease_ns, 2 * p->params->drift_ppm, 1000000);
}

/* The queue with room for one item more at its end. */
static void *lengthen(struct party *p, void *queue, int *count, size_t size)
{
    ++*count;
    return heap_resize(p->heap, queue, (size_t)*count - 1, (size_t)*count, size);
}

struct party_flood *state_queue_flood(struct party *p, enum flood_kind kind)
{
    struct party_flood *f;

    if (p->flood_count == PARTY_FLOODS_MAX) {
        memmove(&p->floods[0], &p->floods[1],
                sizeof(p->floods[0]) * (size_t)(PARTY_FLOODS_MAX - 1));
        p->counts.full++;
    } else {
        p->floods = lengthen(p, p->floods, &p->flood_count, sizeof(p->floods[0]));
    }
    f = &p->floods[p->flood_count - 1];
    *f = (struct party_flood){
        .kind = kind,
        .ttl = p->ttl,
        .life_s = (uint16_t)p->params->call_life_s,
    };
    return f;
}

void state_queue_reply(struct party *p, const struct flood_id *flood,
                       const struct reply *r)
{
    struct party_reply *q;

    if (p->reply_count == PARTY_REPLIES_MAX) {
        p->counts.full++;
        return;
    }
    p->replies = lengthen(p, p->replies, &p->reply_count, sizeof(p->replies[0]));
    q = &p->replies[p->reply_count - 1];
    q->flood = *flood;
    q->len = reply_encode(r, q->inner, sizeof(q->inner));
    assert(q->len > 0);
}

void state_queue_dial(struct party *p, const struct addr *addr, const struct node_id *id)
{
    if (addr->len == 0 || addr->port == 0 || node_id_equal(id, &p->self->id)) {
        return;
    }
    for (int i = 0; i < p->dial_count; i++) {
        if (node_id_equal(&p->dials[i].id, id)) {
            return;
        }
    }
    if (p->dial_count == PARTY_DIALS_MAX) {
        p->counts.full++;
        return;
    }
    p->dials = lengthen(p, p->dials, &p->dial_count, sizeof(p->dials[0]));
    p->dials[p->dial_count - 1] = (struct party_dial){ *addr, *id };
}
