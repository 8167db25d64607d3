/* The messages themselves, one function each, which both reads and writes (wire/codec.h).
 * SPDX-License-Identifier: MIT */
#include "wire/msg.h"

#include "wire/codec.h"
#include "wire/short.h"

static void code_rec(struct codec *c, struct peer_rec *rec)
{
    int items = c->is_writing && rec->via.len > 0 ? 3 : 2;

    codec_list(c, &items, 2, 3);
    codec_fixed(c, rec->id.b, NODE_ID_LEN);
    codec_addr(c, &rec->addr);
    if (items != 3) {
        rec->via = (struct addr){ .len = 0 };
        return;
    }
    codec_addr(c, &rec->via);
    if (rec->via.len == 0)
        codec_fail(c); /* that has the shorter form */
}

static void code_recs(struct codec *c, struct peer_recs *recs)
{
    codec_list(c, &recs->count, 0, MSG_RECS_MAX);
    for (int i = 0; i < recs->count; i++)
        code_rec(c, &recs->list[i]);
}

static void code_party(struct codec *c, struct party_id *party)
{
    codec_fixed(c, party->b, PARTY_ID_LEN);
}

static void code_song(struct codec *c, struct song_id *song)
{
    codec_fixed(c, song->b, SONG_ID_LEN);
}

static void code_hello(struct codec *c, struct msg *m)
{
    struct msg_hello *h = &m->u.hello;

    codec_u32(c, &h->version);
    codec_addr(c, &h->listen);
    codec_addr(c, &h->observed);
    codec_u64(c, &h->clock_id);
    codec_bool(c, &h->is_alarmed);
    codec_text(c, &h->name, MSG_NAME_MAX);
}

static void code_ping(struct codec *c, struct msg *m)
{
    codec_u32(c, &m->u.ping.seq);
}

static void code_join(struct codec *c, struct msg *m)
{
    code_rec(c, &m->u.join.rec);
}

static void code_forward_join(struct codec *c, struct msg *m)
{
    code_rec(c, &m->u.forward_join.rec);
    codec_u8(c, &m->u.forward_join.ttl);
}

static void code_neighbor(struct codec *c, struct msg *m)
{
    codec_bool(c, &m->u.neighbor.is_high_priority);
}

static void code_neighbor_ack(struct codec *c, struct msg *m)
{
    codec_bool(c, &m->u.neighbor_ack.is_accepted);
    code_recs(c, &m->u.neighbor_ack.recs);
}

static void code_disconnect(struct codec *c, struct msg *m)
{
    codec_u8_in(c, &m->u.disconnect.reason, DISCONNECT_LEAVING, DISCONNECT_ABUSE);
    code_recs(c, &m->u.disconnect.recs);
}

static void code_shuffle(struct codec *c, struct msg *m)
{
    code_rec(c, &m->u.shuffle.origin);
    codec_u8(c, &m->u.shuffle.ttl);
    code_recs(c, &m->u.shuffle.recs);
}

static void code_shuffle_reply(struct codec *c, struct msg *m)
{
    code_recs(c, &m->u.shuffle_reply.recs);
}

static void code_island(struct codec *c, struct msg *m)
{
    codec_u64(c, &m->u.island.tag);
    codec_u32(c, &m->u.island.age_s);
    codec_bool(c, &m->u.island.is_question);
}

static void code_probe(struct codec *c, struct msg *m)
{
    code_rec(c, &m->u.probe.target);
    codec_u32(c, &m->u.probe.nonce);
}

static void code_probe_ack(struct codec *c, struct msg *m)
{
    codec_u32(c, &m->u.probe_ack.nonce);
}

static void code_reach(struct codec *c, struct msg *m)
{
    codec_addr(c, &m->u.reach.addr);
    codec_addr(c, &m->u.reach.via);
    codec_bool(c, &m->u.reach.is_home);
}

static void code_meet(struct codec *c, struct msg *m)
{
    codec_u8_in(c, &m->u.meet.kind, MEET_ASK, MEET_TEST);
    codec_fixed(c, m->u.meet.peer.b, NODE_ID_LEN);
    codec_addr(c, &m->u.meet.addr);
    codec_u8_in(c, &m->u.meet.reach, REACH_UNKNOWN, REACH_OPEN);
    codec_bool(c, &m->u.meet.is_passed);
}

static void code_relay(struct codec *c, struct msg *m)
{
    struct msg_relay *r = &m->u.relay;
    bool has_data;

    codec_u8_in(c, &r->kind, RELAY_OPEN, RELAY_CLOSE);
    codec_fixed(c, r->peer.b, NODE_ID_LEN);
    has_data = r->kind == RELAY_DATA;
    codec_bytes(c, &r->frame, has_data, has_data ? MSG_RELAY_MAX : 0);
    codec_bool(c, &r->is_passed);
}

static void code_summary(struct codec *c, struct msg *m)
{
    codec_fixed(c, m->u.summary.flood.b, FLOOD_ID_LEN);
    codec_u32_in(c, &m->u.summary.count, 1, MSG_COUNT_MAX);
}

static void code_flood(struct codec *c, struct msg *m)
{
    codec_flood_fields(c, &m->u.flood, MSG_INNER_MAX);
}

static void code_reply(struct codec *c, struct msg *m)
{
    codec_fixed(c, m->u.reply.flood.b, FLOOD_ID_LEN);
    codec_u8(c, &m->u.reply.hops);
    codec_bytes(c, &m->u.reply.inner, 1, MSG_INNER_MAX);
    codec_fixed(c, m->u.reply.sig, SIGNATURE_LEN);
}

static void code_digest(struct codec *c, struct msg *m)
{
    struct msg_digest *d = &m->u.digest;

    codec_list(c, &d->count, 1, MSG_IDS_MAX);
    for (int i = 0; i < d->count; i++) {
        codec_array(c, 2);
        codec_fixed(c, d->list[i].id.b, FLOOD_ID_LEN);
        codec_u8(c, &d->list[i].age_s);
    }
}

static void code_ids(struct codec *c, struct msg *m)
{
    struct msg_ids *ids = &m->u.ids;

    codec_list(c, &ids->count, 1, MSG_IDS_MAX);
    for (int i = 0; i < ids->count; i++)
        codec_fixed(c, ids->list[i].b, FLOOD_ID_LEN);
}

static void code_gossip(struct codec *c, struct msg *m)
{
    codec_flood_fields(c, &m->u.gossip, MSG_GOSSIP_MAX);
}

static void code_ihave(struct codec *c, struct msg *m)
{
    struct msg_ihave *h = &m->u.ihave;

    codec_list(c, &h->count, 1, MSG_IHAVE_MAX);
    for (int i = 0; i < h->count; i++) {
        codec_array(c, 2);
        codec_fixed(c, h->list[i].id.b, FLOOD_ID_LEN);
        codec_u8(c, &h->list[i].hops);
    }
}

static void code_graft(struct codec *c, struct msg *m)
{
    codec_fixed(c, m->u.graft.id.b, FLOOD_ID_LEN);
    codec_bool(c, &m->u.graft.is_wanted);
}

static void code_prune(struct codec *c, struct msg *m)
{
    codec_fixed(c, m->u.prune.origin, KEY_LEN);
}

static void code_party_join(struct codec *c, struct msg *m)
{
    code_party(c, &m->u.party_join.party);
    codec_text(c, &m->u.party_join.name, MSG_NAME_MAX);
}

static void code_party_welcome(struct codec *c, struct msg *m)
{
    code_party(c, &m->u.party_welcome.party);
    codec_u64(c, &m->u.party_welcome.epoch);
    codec_u8_in(c, &m->u.party_welcome.reason, WELCOME_OK, WELCOME_REDIRECT);
}

static void code_party_leave(struct codec *c, struct msg *m)
{
    code_party(c, &m->u.party_leave.party);
}

static void code_party_beat(struct codec *c, struct msg *m)
{
    struct msg_party_beat *b = &m->u.party_beat;

    code_party(c, &b->party);
    codec_u64(c, &b->epoch);
    codec_u64(c, &b->seq);
    codec_fixed(c, b->head, HASH_LEN);
    codec_int(c, &b->sent_ns);
}

static void code_sound(struct codec *c, struct msg_sound *s)
{
    codec_array(c, 5);
    codec_bool(c, &s->is_playing);
    codec_int(c, &s->phase_ns);
    codec_int(c, &s->rate_ppb);
    codec_u32(c, &s->dropouts);
    codec_u32(c, &s->jumps);
}

static void code_party_status(struct codec *c, struct msg *m)
{
    struct msg_party_status *s = &m->u.party_status;

    code_party(c, &s->party);
    codec_u64(c, &s->epoch);
    codec_u64(c, &s->seq);
    codec_u64(c, &s->songs_held);
    codec_u64(c, &s->sigma_ns);
    codec_u64(c, &s->bound_ns);
    codec_u64(c, &s->rtt_ns);
    code_sound(c, &s->sound);
    codec_bool(c, &s->is_ready);
    codec_int(c, &s->beat_ns);
}

static void code_party_unison(struct codec *c, struct msg *m)
{
    struct msg_party_unison *u = &m->u.party_unison;

    code_party(c, &u->party);
    codec_u64(c, &u->epoch);
    codec_list(c, &u->count, 1, MSG_UNISON_MAX);
    for (int i = 0; i < u->count; i++) {
        codec_array(c, 3);
        codec_fixed(c, u->list[i].id.b, NODE_ID_LEN);
        codec_u64(c, &u->list[i].bound_ns);
        code_sound(c, &u->list[i].sound);
    }
}

static void code_party_yield(struct codec *c, struct msg *m)
{
    code_party(c, &m->u.party_yield.party);
    codec_array(c, 3);
    codec_flood_fields(c, &m->u.party_yield.call, MSG_INNER_MAX);
}

static void code_party_offer(struct codec *c, struct msg *m)
{
    code_party(c, &m->u.party_offer.party);
    codec_bytes(c, &m->u.party_offer.manifest, 1, MSG_ENTRY_MAX);
    codec_fixed(c, m->u.party_offer.sig, SIGNATURE_LEN);
}

static void code_log_entry(struct codec *c, struct msg *m)
{
    codec_bytes(c, &m->u.log_entry.inner, 1, MSG_ENTRY_MAX);
    codec_fixed(c, m->u.log_entry.sig, SIGNATURE_LEN);
}

static void code_log_get(struct codec *c, struct msg *m)
{
    code_party(c, &m->u.log_get.party);
    codec_u64(c, &m->u.log_get.from_seq);
}

static void code_elect(struct codec *c, struct msg *m)
{
    code_party(c, &m->u.elect.party);
    codec_u64(c, &m->u.elect.epoch);
    codec_priority(c, &m->u.elect.priority);
}

static void code_elect_ok(struct codec *c, struct msg *m)
{
    code_party(c, &m->u.elect_ok.party);
    codec_u64(c, &m->u.elect_ok.epoch);
}

static void code_claim(struct codec *c, struct msg *m)
{
    code_party(c, &m->u.claim.party);
    codec_u64(c, &m->u.claim.epoch);
    codec_fixed(c, m->u.claim.previous, HASH_LEN);
    codec_u64(c, &m->u.claim.at_epoch);
    codec_u64(c, &m->u.claim.seq);
    codec_int(c, &m->u.claim.sent_ns);
}

static void code_grant(struct codec *c, struct msg *m)
{
    struct msg_grant *g = &m->u.grant;

    code_party(c, &g->party);
    codec_u64(c, &g->epoch);
    codec_fixed(c, g->host, KEY_LEN);
    codec_u32(c, &g->lease_ms);
    codec_int(c, &g->claim_ns);
    codec_fixed(c, g->sig, SIGNATURE_LEN);
}

static void code_deny(struct codec *c, struct msg *m)
{
    code_party(c, &m->u.deny.party);
    codec_u64(c, &m->u.deny.epoch);
    codec_u64(c, &m->u.deny.highest);
    codec_u32(c, &m->u.deny.lease_left_ms);
    codec_u64(c, &m->u.deny.seq);
}

static void code_handover(struct codec *c, struct msg *m)
{
    struct msg_handover *h = &m->u.handover;

    code_party(c, &h->party);
    codec_u64(c, &h->epoch);
    codec_fixed(c, h->host, KEY_LEN);
    codec_fixed(c, h->sig, SIGNATURE_LEN);
}

static void code_coord(struct codec *c, struct msg *m)
{
    codec_coord_fields(c, &m->u.coord);
}

static void code_leaves_get(struct codec *c, struct msg *m)
{
    code_song(c, &m->u.leaves_get.song);
    codec_u32(c, &m->u.leaves_get.first);
    codec_u32_in(c, &m->u.leaves_get.count, 1, MSG_LEAVES_MAX);
}

static void code_leaves(struct codec *c, struct msg *m)
{
    struct msg_leaves *l = &m->u.leaves;

    code_song(c, &l->song);
    codec_u32(c, &l->first);
    codec_bytes(c, &l->hashes, HASH_LEN, (size_t)MSG_LEAVES_MAX * HASH_LEN);
    if (l->hashes.len % HASH_LEN != 0)
        codec_fail(c);
}

static void code_have(struct codec *c, struct msg *m)
{
    struct msg_have *h = &m->u.have;

    code_song(c, &h->song);
    codec_bool(c, &h->has_all);
    codec_bytes(c, &h->bitmap, 0, h->has_all ? 0 : MSG_BITMAP_MAX);
}

static void code_blocks(struct codec *c, struct msg *m)
{
    struct msg_blocks *b = &m->u.blocks;

    code_song(c, &b->song);
    codec_list(c, &b->count, 1, MSG_WANT_MAX);
    for (int i = 0; i < b->count; i++)
        codec_u32(c, &b->list[i]);
}

static void code_block(struct codec *c, struct msg *m)
{
    code_song(c, &m->u.block.song);
    codec_u32(c, &m->u.block.index);
    codec_bytes(c, &m->u.block.data, 1, BLOCK_SIZE);
}

/* By type: what stands behind it in the array.  Where code is NULL there is no such type.
 */
static const struct form {
    int fields;
    void (*code)(struct codec *c, struct msg *m);
} forms[] = {
    [MSG_HELLO] = { 6, code_hello },
    [MSG_PING] = { 1, code_ping },
    [MSG_PONG] = { 1, code_ping },
    [MSG_JOIN] = { 1, code_join },
    [MSG_FORWARD_JOIN] = { 2, code_forward_join },
    [MSG_NEIGHBOR] = { 1, code_neighbor },
    [MSG_NEIGHBOR_ACK] = { 2, code_neighbor_ack },
    [MSG_DISCONNECT] = { 2, code_disconnect },
    [MSG_SHUFFLE] = { 3, code_shuffle },
    [MSG_SHUFFLE_REPLY] = { 1, code_shuffle_reply },
    [MSG_FLOOD] = { 3, code_flood },
    [MSG_REPLY] = { 4, code_reply },
    [MSG_ISLAND] = { 3, code_island },
    [MSG_PROBE] = { 2, code_probe },
    [MSG_PROBE_ACK] = { 1, code_probe_ack },
    [MSG_DIGEST] = { 1, code_digest },
    [MSG_GOSSIP] = { 3, code_gossip },
    [MSG_IHAVE] = { 1, code_ihave },
    [MSG_GRAFT] = { 2, code_graft },
    [MSG_PRUNE] = { 1, code_prune },
    [MSG_SEEN] = { 1, code_ids },
    [MSG_PULL] = { 1, code_ids },
    [MSG_REACH] = { 3, code_reach },
    [MSG_MEET] = { 5, code_meet },
    [MSG_RELAY] = { 4, code_relay },
    [MSG_SUMMARY] = { 2, code_summary },
    [MSG_PARTY_JOIN] = { 2, code_party_join },
    [MSG_PARTY_WELCOME] = { 3, code_party_welcome },
    [MSG_PARTY_LEAVE] = { 1, code_party_leave },
    [MSG_PARTY_BEAT] = { 5, code_party_beat },
    [MSG_PARTY_STATUS] = { 10, code_party_status },
    [MSG_PARTY_YIELD] = { 2, code_party_yield },
    [MSG_LOG_ENTRY] = { 2, code_log_entry },
    [MSG_LOG_GET] = { 2, code_log_get },
    [MSG_ELECT] = { 3, code_elect },
    [MSG_ELECT_OK] = { 2, code_elect_ok },
    [MSG_CLAIM] = { 6, code_claim },
    [MSG_GRANT] = { 6, code_grant },
    [MSG_DENY] = { 5, code_deny },
    [MSG_HANDOVER] = { 4, code_handover },
    [MSG_COORD] = { 4, code_coord },
    [MSG_PARTY_OFFER] = { 3, code_party_offer },
    [MSG_PARTY_UNISON] = { 3, code_party_unison },
    [MSG_LEAVES_GET] = { 3, code_leaves_get },
    [MSG_LEAVES] = { 3, code_leaves },
    [MSG_HAVE] = { 3, code_have },
    [MSG_HAVE_BLOCKS] = { 2, code_blocks },
    [MSG_WANT] = { 2, code_blocks },
    [MSG_BLOCK] = { 3, code_block },
    [MSG_CANCEL] = { 2, code_blocks },
    [MSG_REFUSE] = { 2, code_blocks },
};

#define FIELDS_MAX 10

static const struct form *form_of(uint64_t type)
{
    if (type >= (uint64_t)COUNT(forms) || forms[type].code == NULL)
        return NULL;
    return &forms[type];
}

int msg_decode(struct bytes in, struct msg *m)
{
    struct codec c;
    const struct form *form;
    uint64_t type = 0;
    int items = 0;

    if (short_read(in, m))
        return 0;
    if (in.len > MSG_SIZE_MAX)
        return ERR_MALFORMED;
    codec_start_reading(&c, in);
    codec_list(&c, &items, 1, 1 + FIELDS_MAX);
    codec_u64(&c, &type);
    form = form_of(type);
    if (form == NULL || items != 1 + form->fields)
        return ERR_MALFORMED;
    m->type = (enum msg_type)type;
    form->code(&c, m);
    return codec_finish_reading(&c);
}

static size_t write_long(const struct msg *m, uint8_t *out, size_t size)
{
    struct codec c;
    struct msg copy = *m; /* the codec writes where it reads */
    uint64_t type = (uint64_t)m->type;
    const struct form *form = form_of(type);

    if (form == NULL)
        return 0;
    codec_start_writing(&c, out, size);
    codec_array(&c, 1 + form->fields);
    codec_u64(&c, &type);
    form->code(&c, &copy);
    return codec_finish_writing(&c);
}

size_t msg_encode(const struct msg *m, uint8_t *out, size_t size)
{
    size_t len = short_write(m, out, size);

    return len > 0 ? len : write_long(m, out, size);
}
