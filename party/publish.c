/* SPDX-License-Identifier: MIT */
#include "party/publish.h"

#include <assert.h>
#include <string.h>

#include "party/state.h"

static struct bytes text_bytes(const char *s)
{
    return bytes_of(s, strlen(s));
}

/* Append without asking for room. */
static void put(struct party *p, struct entry *e)
{
    party_log_append(&p->log, p->self, e);
    state_apply(p, e);
    p->push_ns = p->now_ns;
}

static void put_found(struct party *p)
{
    struct entry e = { .kind = ENTRY_FOUND };

    memcpy(e.u.found.key, p->founder, KEY_LEN);
    memcpy(e.u.found.nonce, p->call.nonce, sizeof(e.u.found.nonce));
    e.u.found.name = text_bytes(p->call.name);
    put(p, &e);
}

static void put_map(struct party *p, const struct clock_map *m, uint64_t clock_id)
{
    struct entry e = { .kind = ENTRY_MAP };

    e.u.map.clock_id = clock_id;
    e.u.map.raw_ns = m->raw_ref_ns;
    e.u.map.party = m->party_ref;
    e.u.map.rate_ppt = m->rate_ppt;
    e.u.map.bound_ns = m->bound_ns == TIME_NEVER ? UINT64_MAX : (uint64_t)m->bound_ns;
    e.u.map.valid_from = m->valid_from;
    put(p, &e);
}

static void put_member(struct party *p, const struct party_member *m, bool has_left)
{
    char name[MSG_NAME_MAX + 1];
    struct entry e = { .kind = ENTRY_MEMBER };

    memcpy(name, m->name, sizeof(name)); /* m may move when the entry is applied */
    memcpy(e.u.member.key, m->key, KEY_LEN);
    e.u.member.has_left = has_left;
    e.u.member.addr = m->addr;
    e.u.member.name = text_bytes(name);
    put(p, &e);
}

static void put_song(struct party *p, int slot, struct bytes manifest, const uint8_t *sig)
{
    struct entry e = { .kind = ENTRY_SONG };

    e.u.song.slot = (uint8_t)slot;
    e.u.song.manifest = manifest;
    memcpy(e.u.song.sig, sig, SIGNATURE_LEN);
    put(p, &e);
}

static void put_action(struct party *p, const struct timeline_action *a,
                       enum action_verb verb)
{
    struct entry e = { .kind = ENTRY_ACTION };

    e.u.action.verb = verb;
    e.u.action.at = a->at;
    e.u.action.slot = (uint8_t)a->slot;
    e.u.action.frame = (uint64_t)a->frame;
    e.u.action.is_playing = a->is_playing;
    put(p, &e);
}

static void put_council(struct party *p, const struct council *c)
{
    struct entry e = { .kind = ENTRY_COUNCIL };

    e.u.council.count = c->count;
    memcpy(e.u.council.keys, c->keys, sizeof(c->keys));
    put(p, &e);
}

/* Say again all that holds, so that nothing before is needed (party/log.h).  Each of
 * these entries says what everybody knows already and so changes nothing. */
static void put_checkpoint(struct party *p)
{
    struct clock_map maps[2] = { p->maps.map, p->maps.next };
    struct timeline_action actions[TIMELINE_ACTIONS_MAX];
    int map_count = p->maps.has_map + p->maps.has_next;
    struct council council = p->council;
    int action_count = p->timeline.action_count;

    if (action_count > 0) {
        memcpy(actions, p->timeline.actions, sizeof(actions[0]) * (size_t)action_count);
    }
    put_found(p);
    for (int i = 0; i < p->member_count; i++) {
        put_member(p, &p->members[i], false);
    }
    if (council.count > 0) {
        put_council(p, &council);
    }
    for (int i = 0; i < map_count; i++) {
        put_map(p, &maps[i], p->map_clock_id);
    }
    for (int i = 0; i < POOL_SLOTS; i++) {
        const struct party_offer *o = &p->offers[i];

        if (o->len > 0) {
            put_song(p, i, state_manifest(o), o->data);
        }
    }
    for (int i = 0; i < action_count; i++) {
        put_action(p, &actions[i], actions[i].is_playing ? ACTION_JUMP : ACTION_PAUSE);
    }
    assert(!party_log_is_full(&p->log));
}

static void make_room(struct party *p)
{
    if (party_log_is_full(&p->log)) {
        put_checkpoint(p);
    }
}

void publish_found(struct party *p)
{
    make_room(p);
    put_found(p);
}

void publish_map(struct party *p, const struct clock_map *m, uint64_t clock_id)
{
    make_room(p);
    put_map(p, m, clock_id);
}

void publish_member(struct party *p, const struct party_member *m, bool has_left)
{
    make_room(p);
    put_member(p, m, has_left);
}

void publish_song(struct party *p, int slot, struct bytes manifest, const uint8_t *sig)
{
    make_room(p);
    put_song(p, slot, manifest, sig);
}

void publish_action(struct party *p, const struct timeline_action *a,
                    enum action_verb verb)
{
    make_room(p);
    put_action(p, a, verb);
}

void publish_council(struct party *p, const struct council *c)
{
    make_room(p);
    put_council(p, c);
}

void publish_checkpoint(struct party *p)
{
    put_checkpoint(p);
}

void publish_end(struct party *p, struct party_time at)
{
    struct entry e = { .kind = ENTRY_END };

    e.u.end.at = at;
    make_room(p);
    put(p, &e);
}

static void send_beat(struct party *p, int peer, struct outbox *out)
{
    struct msg m = { .type = MSG_PARTY_BEAT };

    m.u.party_beat.party = p->log.party;
    m.u.party_beat.epoch = p->log.epoch;
    m.u.party_beat.seq = p->log.seq;
    memcpy(m.u.party_beat.head, p->log.head, HASH_LEN);
    m.u.party_beat.sent_ns = p->now_ns;
    outbox_push(out, peer, &m);
}

/* Send the next entry to one member.  False when there is none, or no room. */
static bool push_one(struct party *p, int peer, struct outbox *out)
{
    struct party_peer *l = &p->peers[peer];
    struct msg m = { .type = MSG_LOG_ENTRY };
    uint64_t seq = party_log_start(&p->log, l->pushed_seq + 1);
    int64_t dropped = out->dropped;

    if (!l->is_up || !l->is_pushed || !party_log_get(&p->log, seq, &m.u.log_entry)) {
        return false;
    }
    outbox_push(out, peer, &m);
    if (out->dropped != dropped) {
        return false;
    }
    l->pushed_seq = seq;
    if (seq == p->log.seq) {
        send_beat(p, peer, out);
    }
    return true;
}

void publish_push(struct party *p, struct outbox *out)
{
    int sent = 0;
    bool is_moving = true;

    while (is_moving && sent < p->params->push_max) {
        is_moving = false;
        for (int i = 0; i < p->peer_room && sent < p->params->push_max; i++) {
            if (push_one(p, i, out)) {
                is_moving = true;
                sent++;
            }
        }
    }
    p->push_ns = TIME_NEVER;
    for (int i = 0; i < p->peer_room; i++) {
        const struct party_peer *l = &p->peers[i];

        if (l->is_up && l->is_pushed && l->pushed_seq < p->log.seq) {
            p->push_ns = p->now_ns + p->params->push_every_ns;
        }
    }
}

void publish_beats(struct party *p, struct outbox *out)
{
    for (int i = 0; i < p->peer_room; i++) {
        const struct party_peer *l = &p->peers[i];

        if (l->is_up && l->is_pushed && l->pushed_seq == p->log.seq) {
            send_beat(p, i, out);
        }
    }
}
