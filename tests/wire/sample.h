/* Messages at random, with the extremes more often than chance would have them, for tests
 * and for the fuzzers' first corpus.  Every field is set; what is not used stays zero, so
 * that whole structs can be compared.  SPDX-License-Identifier: MIT */
#ifndef TESTS_WIRE_SAMPLE_H
#define TESTS_WIRE_SAMPLE_H

#include <string.h>

#include "base/rng.h"
#include "wire/msg.h"

/* Every type there is. */
static const enum msg_type sample_types[] = {
    MSG_HELLO,        MSG_PING,          MSG_PONG,         MSG_JOIN,
    MSG_FORWARD_JOIN, MSG_NEIGHBOR,      MSG_NEIGHBOR_ACK, MSG_DISCONNECT,
    MSG_SHUFFLE,      MSG_SHUFFLE_REPLY, MSG_FLOOD,        MSG_REPLY,
    MSG_GOSSIP,       MSG_IHAVE,         MSG_GRAFT,        MSG_PRUNE,
    MSG_PARTY_JOIN,   MSG_PARTY_WELCOME, MSG_PARTY_LEAVE,  MSG_PARTY_BEAT,
    MSG_PARTY_STATUS, MSG_PARTY_YIELD,   MSG_LOG_ENTRY,    MSG_LOG_GET,
    MSG_ELECT,        MSG_ELECT_OK,      MSG_CLAIM,        MSG_GRANT,
    MSG_DENY,         MSG_HANDOVER,      MSG_LEAVES_GET,   MSG_LEAVES,
    MSG_HAVE,         MSG_HAVE_BLOCKS,   MSG_WANT,         MSG_BLOCK,
    MSG_CANCEL,       MSG_REFUSE,        MSG_ISLAND,       MSG_PROBE,
    MSG_PROBE_ACK,    MSG_DIGEST,        MSG_SEEN,         MSG_PULL,
    MSG_REACH,        MSG_MEET,          MSG_RELAY,        MSG_SUMMARY,
    MSG_COORD,        MSG_PARTY_OFFER,   MSG_PARTY_UNISON,
};

/* A source of samples, with the memory that their views point into. */
struct sampler {
    struct rng rng;
    size_t used;
    uint8_t store[64 * 1024];
};

static inline void sampler_init(struct sampler *s, uint64_t seed)
{
    rng_seed(&s->rng, seed);
    s->used = 0;
}

static inline uint64_t sample_uint(struct sampler *s, uint64_t min, uint64_t max)
{
    static const uint64_t edges[] = { 0,          1,          23,         24,
                                      UINT8_MAX,  256,        UINT16_MAX, 65536,
                                      UINT32_MAX, 1ULL << 32, INT64_MAX,  UINT64_MAX };
    uint64_t v = rng_next(&s->rng) >> rng_below(&s->rng, 64);

    switch (rng_below(&s->rng, 5)) {
    case 0:
        return min;
    case 1:
        return max;
    case 2:
        v = edges[rng_below(&s->rng, COUNT(edges))];
        break;
    default:
        break;
    }
    if (v < min)
        return min;
    if (v <= max)
        return v;
    return max - min == UINT64_MAX ? v : min + v % (max - min + 1);
}

static inline int sample_int(struct sampler *s, int min, int max)
{
    return (int)sample_uint(s, (uint64_t)min, (uint64_t)max);
}

static inline int64_t sample_time(struct sampler *s)
{
    int64_t v = (int64_t)sample_uint(s, 0, INT64_MAX);

    return rng_below(&s->rng, 2) ? v : -1 - v;
}

static inline bool sample_bool(struct sampler *s)
{
    return rng_below(&s->rng, 2) != 0;
}

static inline void sample_fill(struct sampler *s, uint8_t *to, size_t len)
{
    for (size_t i = 0; i < len; i++)
        to[i] = (uint8_t)rng_next(&s->rng);
}

static inline struct bytes sample_bytes(struct sampler *s, size_t min, size_t max)
{
    size_t len = (size_t)sample_uint(s, min, max);
    uint8_t *to = s->store + s->used;

    if (s->used + len > sizeof(s->store))
        return bytes_of(s->store, min); /* it is full: share */
    s->used += len;
    sample_fill(s, to, len);
    return bytes_of(to, len);
}

/* Printable UTF-8 of exactly the length that was drawn. */
static inline struct bytes sample_text(struct sampler *s, size_t max)
{
    static const char *const chars[] = { "a", "~", "\"", "\\", " ",
                                         "é", "ß", "ツ", "♫",  "🎵" };
    struct bytes b = sample_bytes(s, 0, max);
    uint8_t *to = s->store + (b.data - s->store);

    for (size_t i = 0; i < b.len;) {
        const char *c = chars[rng_below(&s->rng, COUNT(chars))];

        if (strlen(c) > b.len - i)
            c = "z";
        memcpy(to + i, c, strlen(c));
        i += strlen(c);
    }
    return b;
}

static inline void sample_addr(struct sampler *s, struct addr *a)
{
    static const uint8_t lens[] = { 0, 4, 16 };

    a->len = lens[rng_below(&s->rng, 3)];
    sample_fill(s, a->ip, a->len);
    a->port = (uint16_t)sample_uint(s, 0, UINT16_MAX);
}

static inline void sample_rec(struct sampler *s, struct peer_rec *rec)
{
    sample_fill(s, rec->id.b, NODE_ID_LEN);
    sample_addr(s, &rec->addr);
    rec->via = (struct addr){ .len = 0 };
    if (sample_bool(s))
        sample_addr(s, &rec->via);
    if (rec->via.len == 0)
        rec->via.port = 0;
}

static inline void sample_recs(struct sampler *s, struct peer_recs *recs)
{
    recs->count = sample_int(s, 0, MSG_RECS_MAX);
    for (int i = 0; i < recs->count; i++)
        sample_rec(s, &recs->list[i]);
}

static inline void sample_priority(struct sampler *s, struct priority *p)
{
    p->reach = (uint8_t)sample_uint(s, 0, UINT8_MAX);
    p->uplink = (uint8_t)sample_uint(s, 0, UINT8_MAX);
    p->clock = (uint8_t)sample_uint(s, 0, UINT8_MAX);
    p->uptime = (uint8_t)sample_uint(s, 0, UINT8_MAX);
}

static inline void sample_flood_msg(struct sampler *s, struct msg_flood *f, size_t max)
{
    f->hops = (uint8_t)sample_uint(s, 0, UINT8_MAX);
    f->inner = sample_bytes(s, 1, max);
    sample_fill(s, f->sig, SIGNATURE_LEN);
}

static inline void sample_ids_msg(struct sampler *s, struct msg *m)
{
    struct msg_ids *ids = &m->u.ids;

    if (m->type == MSG_DIGEST) {
        m->u.digest.count = sample_int(s, 1, MSG_IDS_MAX);
        for (int i = 0; i < m->u.digest.count; i++) {
            sample_fill(s, m->u.digest.list[i].id.b, FLOOD_ID_LEN);
            m->u.digest.list[i].age_s = (uint8_t)sample_uint(s, 0, UINT8_MAX);
        }
        return;
    }
    ids->count = sample_int(s, 1, MSG_IDS_MAX);
    for (int i = 0; i < ids->count; i++) {
        sample_fill(s, ids->list[i].b, FLOOD_ID_LEN);
    }
}

static inline void sample_flooding_msg(struct sampler *s, struct msg *m)
{
    switch ((int)m->type) {
    case MSG_GOSSIP:
        sample_flood_msg(s, &m->u.gossip, MSG_GOSSIP_MAX);
        break;
    case MSG_IHAVE:
        m->u.ihave.count = (int)sample_uint(s, 1, MSG_IHAVE_MAX);
        for (int i = 0; i < m->u.ihave.count; i++) {
            sample_fill(s, m->u.ihave.list[i].id.b, FLOOD_ID_LEN);
            m->u.ihave.list[i].hops = (uint8_t)sample_uint(s, 0, UINT8_MAX);
        }
        break;
    case MSG_GRAFT:
        sample_fill(s, m->u.graft.id.b, FLOOD_ID_LEN);
        m->u.graft.is_wanted = sample_bool(s);
        break;
    case MSG_PRUNE:
        sample_fill(s, m->u.prune.origin, KEY_LEN);
        break;
    default:
        sample_ids_msg(s, m);
        break;
    }
}

static inline void sample_hidden_msg(struct sampler *s, struct msg *m)
{
    if (m->type == MSG_REACH) {
        sample_addr(s, &m->u.reach.addr);
        sample_addr(s, &m->u.reach.via);
        m->u.reach.is_home = sample_bool(s);
    } else if (m->type == MSG_SUMMARY) {
        sample_fill(s, m->u.summary.flood.b, FLOOD_ID_LEN);
        m->u.summary.count = (uint32_t)sample_uint(s, 1, MSG_COUNT_MAX);
    } else if (m->type == MSG_MEET) {
        m->u.meet.kind = (uint8_t)sample_uint(s, 0, MEET_TEST);
        sample_fill(s, m->u.meet.peer.b, NODE_ID_LEN);
        sample_addr(s, &m->u.meet.addr);
        m->u.meet.reach = (uint8_t)sample_uint(s, 0, REACH_OPEN);
        m->u.meet.is_passed = sample_bool(s);
    } else {
        m->u.relay.kind = (uint8_t)sample_uint(s, 0, RELAY_CLOSE);
        sample_fill(s, m->u.relay.peer.b, NODE_ID_LEN);
        m->u.relay.frame = bytes_of(NULL, 0);
        if (m->u.relay.kind == RELAY_DATA)
            m->u.relay.frame = sample_bytes(s, 1, MSG_RELAY_MAX);
        m->u.relay.is_passed = sample_bool(s);
    }
}

static inline void sample_overlay_msg(struct sampler *s, struct msg *m)
{
    switch ((int)m->type) {
    case MSG_HELLO:
        m->u.hello.version = (uint32_t)sample_uint(s, 0, UINT32_MAX);
        sample_addr(s, &m->u.hello.listen);
        sample_addr(s, &m->u.hello.observed);
        m->u.hello.clock_id = sample_uint(s, 0, UINT64_MAX);
        m->u.hello.is_alarmed = sample_bool(s);
        m->u.hello.name = sample_text(s, MSG_NAME_MAX);
        break;
    case MSG_PING:
    case MSG_PONG:
        m->u.ping.seq = (uint32_t)sample_uint(s, 0, UINT32_MAX);
        break;
    case MSG_JOIN:
        sample_rec(s, &m->u.join.rec);
        break;
    case MSG_FORWARD_JOIN:
        sample_rec(s, &m->u.forward_join.rec);
        m->u.forward_join.ttl = (uint8_t)sample_uint(s, 0, UINT8_MAX);
        break;
    case MSG_NEIGHBOR:
        m->u.neighbor.is_high_priority = sample_bool(s);
        break;
    case MSG_NEIGHBOR_ACK:
        m->u.neighbor_ack.is_accepted = sample_bool(s);
        sample_recs(s, &m->u.neighbor_ack.recs);
        break;
    case MSG_DISCONNECT:
        m->u.disconnect.reason = (uint8_t)sample_uint(s, 0, DISCONNECT_ABUSE);
        sample_recs(s, &m->u.disconnect.recs);
        break;
    case MSG_SHUFFLE:
        sample_rec(s, &m->u.shuffle.origin);
        m->u.shuffle.ttl = (uint8_t)sample_uint(s, 0, UINT8_MAX);
        sample_recs(s, &m->u.shuffle.recs);
        break;
    case MSG_SHUFFLE_REPLY:
        sample_recs(s, &m->u.shuffle_reply.recs);
        break;
    case MSG_ISLAND:
        m->u.island.tag = sample_uint(s, 0, UINT64_MAX);
        m->u.island.age_s = (uint32_t)sample_uint(s, 0, UINT32_MAX);
        m->u.island.is_question = sample_bool(s);
        break;
    case MSG_PROBE:
        sample_rec(s, &m->u.probe.target);
        m->u.probe.nonce = (uint32_t)sample_uint(s, 0, UINT32_MAX);
        break;
    case MSG_PROBE_ACK:
        m->u.probe_ack.nonce = (uint32_t)sample_uint(s, 0, UINT32_MAX);
        break;
    case MSG_FLOOD:
        sample_flood_msg(s, &m->u.flood, MSG_INNER_MAX);
        break;
    case MSG_REPLY:
        sample_fill(s, m->u.reply.flood.b, FLOOD_ID_LEN);
        m->u.reply.hops = (uint8_t)sample_uint(s, 0, UINT8_MAX);
        m->u.reply.inner = sample_bytes(s, 1, MSG_INNER_MAX);
        sample_fill(s, m->u.reply.sig, SIGNATURE_LEN);
        break;
    }
}

static inline void sample_sound(struct sampler *s, struct msg_sound *sound)
{
    sound->is_playing = sample_bool(s);
    sound->phase_ns = sample_time(s);
    sound->rate_ppb = sample_time(s);
    sound->dropouts = (uint32_t)sample_uint(s, 0, UINT32_MAX);
    sound->jumps = (uint32_t)sample_uint(s, 0, UINT32_MAX);
}

static inline void sample_unison(struct sampler *s, struct msg_party_unison *u)
{
    u->epoch = sample_uint(s, 0, UINT64_MAX);
    u->count = (int)sample_uint(s, 1, MSG_UNISON_MAX);
    for (int i = 0; i < u->count; i++) {
        sample_fill(s, u->list[i].id.b, NODE_ID_LEN);
        u->list[i].bound_ns = sample_uint(s, 0, UINT64_MAX);
        sample_sound(s, &u->list[i].sound);
    }
}

static inline void sample_status(struct sampler *s, struct msg_party_status *p)
{
    p->epoch = sample_uint(s, 0, UINT64_MAX);
    p->seq = sample_uint(s, 0, UINT64_MAX);
    p->songs_held = sample_uint(s, 0, UINT64_MAX);
    p->sigma_ns = sample_uint(s, 0, UINT64_MAX);
    p->bound_ns = sample_uint(s, 0, UINT64_MAX);
    p->rtt_ns = sample_uint(s, 0, UINT64_MAX);
    sample_sound(s, &p->sound);
    p->is_ready = sample_bool(s);
    p->beat_ns = sample_time(s);
}

/* Those messages begin with the party, but LOG_ENTRY. */
static inline void sample_party_msg(struct sampler *s, struct msg *m)
{
    if (m->type != MSG_LOG_ENTRY)
        sample_fill(s, m->u.party_leave.party.b, PARTY_ID_LEN);
    switch ((int)m->type) {
    case MSG_PARTY_JOIN:
        m->u.party_join.name = sample_text(s, MSG_NAME_MAX);
        break;
    case MSG_PARTY_WELCOME:
        m->u.party_welcome.epoch = sample_uint(s, 0, UINT64_MAX);
        m->u.party_welcome.reason = (uint8_t)sample_uint(s, 0, WELCOME_REDIRECT);
        break;
    case MSG_PARTY_BEAT:
        m->u.party_beat.epoch = sample_uint(s, 0, UINT64_MAX);
        m->u.party_beat.seq = sample_uint(s, 0, UINT64_MAX);
        sample_fill(s, m->u.party_beat.head, HASH_LEN);
        m->u.party_beat.sent_ns = sample_time(s);
        break;
    case MSG_PARTY_STATUS:
        sample_status(s, &m->u.party_status);
        break;
    case MSG_PARTY_UNISON:
        sample_unison(s, &m->u.party_unison);
        break;
    case MSG_PARTY_YIELD:
        sample_flood_msg(s, &m->u.party_yield.call, MSG_INNER_MAX);
        break;
    case MSG_LOG_ENTRY:
        m->u.log_entry.inner = sample_bytes(s, 1, MSG_ENTRY_MAX);
        sample_fill(s, m->u.log_entry.sig, SIGNATURE_LEN);
        break;
    case MSG_LOG_GET:
        m->u.log_get.from_seq = sample_uint(s, 0, UINT64_MAX);
        break;
    }
}

static inline void sample_coord(struct sampler *s, struct coord *c)
{
    memset(c, 0, sizeof(*c));
    sample_fill(s, c->party.b, PARTY_ID_LEN);
    c->epoch = sample_uint(s, 0, UINT64_MAX);
    sample_fill(s, c->host, KEY_LEN);
    c->grant_count = sample_int(s, 0, COORD_GRANTS_MAX);
    for (int i = 0; i < c->grant_count; i++) {
        sample_fill(s, c->grants[i].key, KEY_LEN);
        sample_fill(s, c->grants[i].sig, SIGNATURE_LEN);
    }
}

static inline void sample_election_msg(struct sampler *s, struct msg *m)
{
    sample_fill(s, m->u.elect.party.b, PARTY_ID_LEN);
    if (m->type != MSG_PARTY_OFFER)
        m->u.elect.epoch = sample_uint(s, 0,
                                       UINT64_MAX); /* the second field of all others */
    switch ((int)m->type) {
    case MSG_ELECT:
        sample_priority(s, &m->u.elect.priority);
        break;
    case MSG_CLAIM:
        sample_fill(s, m->u.claim.previous, HASH_LEN);
        m->u.claim.at_epoch = sample_uint(s, 0, UINT64_MAX);
        m->u.claim.seq = sample_uint(s, 0, UINT64_MAX);
        m->u.claim.sent_ns = sample_time(s);
        break;
    case MSG_GRANT:
        sample_fill(s, m->u.grant.host, KEY_LEN);
        m->u.grant.lease_ms = (uint32_t)sample_uint(s, 0, UINT32_MAX);
        m->u.grant.claim_ns = sample_time(s);
        sample_fill(s, m->u.grant.sig, SIGNATURE_LEN);
        break;
    case MSG_DENY:
        m->u.deny.highest = sample_uint(s, 0, UINT64_MAX);
        m->u.deny.lease_left_ms = (uint32_t)sample_uint(s, 0, UINT32_MAX);
        m->u.deny.seq = sample_uint(s, 0, UINT64_MAX);
        break;
    case MSG_HANDOVER:
        sample_fill(s, m->u.handover.host, KEY_LEN);
        sample_fill(s, m->u.handover.sig, SIGNATURE_LEN);
        break;
    case MSG_PARTY_OFFER:
        m->u.party_offer.manifest = sample_bytes(s, 1, MSG_ENTRY_MAX);
        sample_fill(s, m->u.party_offer.sig, SIGNATURE_LEN);
        break;
    case MSG_COORD:
        sample_coord(s, &m->u.coord);
        break;
    }
}

static inline void sample_share_msg(struct sampler *s, struct msg *m)
{
    sample_fill(s, m->u.leaves_get.song.b, SONG_ID_LEN); /* first in all of them */
    switch ((int)m->type) {
    case MSG_LEAVES_GET:
        m->u.leaves_get.first = (uint32_t)sample_uint(s, 0, UINT32_MAX);
        m->u.leaves_get.count = (uint32_t)sample_uint(s, 1, MSG_LEAVES_MAX);
        break;
    case MSG_LEAVES:
        m->u.leaves.first = (uint32_t)sample_uint(s, 0, UINT32_MAX);
        m->u.leaves.hashes = sample_bytes(s, HASH_LEN, MSG_LEAVES_MAX * HASH_LEN);
        m->u.leaves.hashes.len -= m->u.leaves.hashes.len % HASH_LEN;
        break;
    case MSG_HAVE:
        m->u.have.has_all = sample_bool(s);
        m->u.have.bitmap = sample_bytes(s, 0, m->u.have.has_all ? 0 : MSG_BITMAP_MAX);
        break;
    case MSG_BLOCK:
        m->u.block.index = (uint32_t)sample_uint(s, 0, UINT32_MAX);
        m->u.block.data = sample_bytes(s, 1, BLOCK_SIZE);
        break;
    default:
        m->u.blocks.count = sample_int(s, 1, MSG_WANT_MAX);
        for (int i = 0; i < m->u.blocks.count; i++)
            m->u.blocks.list[i] = (uint32_t)sample_uint(s, 0, UINT32_MAX);
        break;
    }
}

static inline void sample_msg(struct sampler *s, enum msg_type type, struct msg *m)
{
    memset(m, 0, sizeof(*m));
    m->type = type;
    if (type >= MSG_REACH && type <= MSG_SUMMARY)
        sample_hidden_msg(s, m);
    else if (type >= MSG_DIGEST && type <= MSG_PULL)
        sample_flooding_msg(s, m);
    else if (type < MSG_PARTY_JOIN)
        sample_overlay_msg(s, m);
    else if (type < MSG_ELECT || type == MSG_PARTY_UNISON)
        sample_party_msg(s, m);
    else if (type < MSG_LEAVES_GET)
        sample_election_msg(s, m);
    else
        sample_share_msg(s, m);
}

static inline void sample_flood(struct sampler *s, struct flood *f)
{
    memset(f, 0, sizeof(*f));
    f->kind = (enum flood_kind)sample_int(s, FLOOD_CALL, FLOOD_TEST);
    sample_fill(s, f->origin, KEY_LEN);
    f->created_ms = sample_uint(s, 0, UINT64_MAX);
    f->serial = (uint32_t)sample_uint(s, 0, UINT32_MAX);
    f->ttl = (uint8_t)sample_uint(s, 1, FLOOD_TTL_MAX);
    f->life_s = (uint16_t)sample_uint(s, 0, UINT16_MAX);
    f->body = sample_bytes(s, 1, 900);
}

static inline void sample_call(struct sampler *s, struct call *c)
{
    memset(c, 0, sizeof(*c));
    sample_fill(s, c->party.b, PARTY_ID_LEN);
    sample_fill(s, c->nonce, sizeof(c->nonce));
    c->name = sample_text(s, MSG_NAME_MAX);
    c->host_name = sample_text(s, MSG_NAME_MAX);
    sample_addr(s, &c->addr);
    sample_priority(s, &c->priority);
    c->epoch = sample_uint(s, 1, UINT64_MAX);
    sample_fill(s, c->founder, KEY_LEN);
    c->wanted = (uint8_t)sample_uint(s, 0, UINT8_MAX);
    c->deadline_ms = (uint32_t)sample_uint(s, 0, UINT32_MAX);
    c->song_count = sample_int(s, 0, CALL_SONGS_MAX);
    for (int i = 0; i < c->song_count; i++) {
        sample_fill(s, c->songs[i].id.b, SONG_ID_LEN);
        c->songs[i].bytes = sample_uint(s, 1, MSG_SONG_BYTES_MAX);
        c->songs[i].duration_ms = (uint32_t)sample_uint(s, 0, UINT32_MAX);
        c->songs[i].title = sample_text(s, CALL_TITLE_MAX);
    }
}

static inline void sample_close(struct sampler *s, struct close *c)
{
    memset(c, 0, sizeof(*c));
    sample_fill(s, c->party.b, PARTY_ID_LEN);
    c->reason = (uint8_t)sample_uint(s, CLOSE_CANCELLED, CLOSE_ENDED);
}

static inline void sample_reply(struct sampler *s, struct reply *r)
{
    memset(r, 0, sizeof(*r));
    r->kind = (enum reply_kind)sample_int(s, REPLY_ACCEPT, REPLY_DECLINE);
    sample_fill(s, r->origin, KEY_LEN);
    sample_fill(s, r->party.b, PARTY_ID_LEN);
    sample_addr(s, &r->addr);
    r->name = sample_text(s, MSG_NAME_MAX);
}

static inline void sample_manifest(struct sampler *s, struct manifest *m)
{
    memset(m, 0, sizeof(*m));
    sample_fill(s, m->song.b, SONG_ID_LEN);
    m->bytes = sample_uint(s, 1, MSG_SONG_BYTES_MAX);
    m->frames = sample_uint(s, 1, MSG_FRAMES_MAX);
    m->rate = (uint32_t)sample_uint(s, 1, MSG_RATE_MAX);
    m->channels = (uint8_t)sample_uint(s, 1, 8);
    m->bits = (uint8_t)sample_uint(s, 4, 32);
    sample_fill(s, m->owner, KEY_LEN);
    m->title = sample_text(s, MSG_TITLE_MAX);
    m->artist = sample_text(s, MSG_TITLE_MAX);
    m->album = sample_text(s, MSG_TITLE_MAX);
}

static inline void sample_entry_body(struct sampler *s, struct entry *e)
{
    switch (e->kind) {
    case ENTRY_FOUND:
        sample_fill(s, e->u.found.key, KEY_LEN);
        sample_fill(s, e->u.found.nonce, sizeof(e->u.found.nonce));
        e->u.found.name = sample_text(s, MSG_NAME_MAX);
        break;
    case ENTRY_MAP:
        e->u.map.clock_id = sample_uint(s, 0, UINT64_MAX);
        e->u.map.raw_ns = sample_time(s);
        e->u.map.party.ns = sample_time(s);
        e->u.map.rate_ppt = sample_time(s);
        e->u.map.bound_ns = sample_uint(s, 0, UINT64_MAX);
        e->u.map.valid_from.ns = sample_time(s);
        break;
    case ENTRY_MEMBER:
        e->u.member.has_left = sample_bool(s);
        sample_fill(s, e->u.member.key, KEY_LEN);
        sample_addr(s, &e->u.member.addr);
        e->u.member.name = sample_text(s, MSG_NAME_MAX);
        break;
    case ENTRY_SONG:
        e->u.song.slot = (uint8_t)sample_uint(s, 0, UINT8_MAX);
        e->u.song.manifest = sample_bytes(s, 1, 800);
        sample_fill(s, e->u.song.sig, SIGNATURE_LEN);
        break;
    case ENTRY_ACTION:
        e->u.action.verb = (enum action_verb)sample_int(s, ACTION_PLAY, ACTION_STOP);
        e->u.action.at.ns = sample_time(s);
        e->u.action.slot = (uint8_t)sample_uint(s, 0, UINT8_MAX);
        e->u.action.frame = sample_uint(s, 0, MSG_FRAMES_MAX);
        e->u.action.is_playing = sample_bool(s);
        break;
    case ENTRY_END:
        e->u.end.at.ns = sample_time(s);
        break;
    case ENTRY_COUNCIL:
        e->u.council.count = sample_int(s, 1, COUNCIL_MAX);
        for (int i = 0; i < e->u.council.count; i++)
            sample_fill(s, e->u.council.keys[i], KEY_LEN);
        break;
    }
}

static inline void sample_entry(struct sampler *s, enum entry_kind kind, struct entry *e)
{
    memset(e, 0, sizeof(*e));
    sample_fill(s, e->party.b, PARTY_ID_LEN);
    e->epoch = sample_uint(s, 1, UINT64_MAX);
    e->seq = sample_uint(s, 1, UINT64_MAX);
    sample_fill(s, e->previous, HASH_LEN);
    e->kind = kind;
    sample_entry_body(s, e);
}

#endif
