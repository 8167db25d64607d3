/* The signed parts of floods and replies.  SPDX-License-Identifier: MIT */
#include "wire/codec.h"
#include "wire/msg.h"

/* What its signed part may be long: only what goes over a tree may be more than small. */
static size_t inner_max(enum flood_kind kind)
{
    return kind == FLOOD_TEST ? MSG_GOSSIP_MAX : MSG_INNER_MAX;
}

static void code_flood(struct codec *c, struct flood *f)
{
    uint8_t kind = c->is_writing ? (uint8_t)f->kind : 0;

    codec_array(c, 7);
    codec_u8_in(c, &kind, FLOOD_CALL, FLOOD_TEST);
    f->kind = (enum flood_kind)kind;
    codec_fixed(c, f->origin, KEY_LEN);
    codec_u64(c, &f->created_ms);
    codec_u32(c, &f->serial);
    codec_u8_in(c, &f->ttl, 1, FLOOD_TTL_MAX);
    codec_u16(c, &f->life_s);
    codec_bytes(c, &f->body, 1, MSG_GOSSIP_MAX);
}

int flood_decode(struct bytes in, struct flood *f)
{
    struct codec c;

    if (in.len > MSG_GOSSIP_MAX)
        return ERR_MALFORMED;
    codec_start_reading(&c, in);
    code_flood(&c, f);
    if (codec_finish_reading(&c) != 0 || in.len > inner_max(f->kind))
        return ERR_MALFORMED;
    return 0;
}

/* An encoding longer than max is none: nobody would take it. */
static size_t bounded(size_t len, size_t max)
{
    return len <= max ? len : 0;
}

size_t flood_encode(const struct flood *f, uint8_t *out, size_t size)
{
    struct codec c;
    struct flood copy = *f;

    codec_start_writing(&c, out, size);
    code_flood(&c, &copy);
    return bounded(codec_finish_writing(&c), inner_max(f->kind));
}

static void code_call_song(struct codec *c, struct call_song *s)
{
    codec_array(c, 4);
    codec_fixed(c, s->id.b, SONG_ID_LEN);
    codec_u64_in(c, &s->bytes, 1, MSG_SONG_BYTES_MAX);
    codec_u32(c, &s->duration_ms);
    codec_text(c, &s->title, CALL_TITLE_MAX);
}

static void code_call(struct codec *c, struct call *call)
{
    codec_array(c, 11);
    codec_fixed(c, call->party.b, PARTY_ID_LEN);
    codec_fixed(c, call->nonce, sizeof(call->nonce));
    codec_text(c, &call->name, MSG_NAME_MAX);
    codec_text(c, &call->host_name, MSG_NAME_MAX);
    codec_addr(c, &call->addr);
    codec_priority(c, &call->priority);
    codec_u64_in(c, &call->epoch, 1, UINT64_MAX);
    codec_fixed(c, call->founder, KEY_LEN);
    codec_u8(c, &call->wanted);
    codec_u32(c, &call->deadline_ms);
    codec_list(c, &call->song_count, 0, CALL_SONGS_MAX);
    for (int i = 0; i < call->song_count; i++)
        code_call_song(c, &call->songs[i]);
}

int call_decode(struct bytes in, struct call *call)
{
    struct codec c;

    codec_start_reading(&c, in);
    code_call(&c, call);
    return codec_finish_reading(&c);
}

size_t call_encode(const struct call *call, uint8_t *out, size_t size)
{
    struct codec c;
    struct call copy = *call;

    codec_start_writing(&c, out, size);
    code_call(&c, &copy);
    return codec_finish_writing(&c);
}

static void code_close(struct codec *c, struct close *close)
{
    codec_array(c, 2);
    codec_fixed(c, close->party.b, PARTY_ID_LEN);
    codec_u8_in(c, &close->reason, CLOSE_CANCELLED, CLOSE_ENDED);
}

int close_decode(struct bytes in, struct close *close)
{
    struct codec c;

    codec_start_reading(&c, in);
    code_close(&c, close);
    return codec_finish_reading(&c);
}

size_t close_encode(const struct close *close, uint8_t *out, size_t size)
{
    struct codec c;
    struct close copy = *close;

    codec_start_writing(&c, out, size);
    code_close(&c, &copy);
    return codec_finish_writing(&c);
}

void codec_coord_fields(struct codec *c, struct coord *coord)
{
    codec_fixed(c, coord->party.b, PARTY_ID_LEN);
    codec_u64(c, &coord->epoch);
    codec_fixed(c, coord->host, KEY_LEN);
    codec_list(c, &coord->grant_count, 0, COORD_GRANTS_MAX);
    for (int i = 0; i < coord->grant_count; i++) {
        codec_array(c, 2);
        codec_fixed(c, coord->grants[i].key, KEY_LEN);
        codec_fixed(c, coord->grants[i].sig, SIGNATURE_LEN);
    }
}

static void code_reply(struct codec *c, struct reply *r)
{
    uint8_t kind = c->is_writing ? (uint8_t)r->kind : 0;

    codec_array(c, 5);
    codec_u8_in(c, &kind, REPLY_ACCEPT, REPLY_DECLINE);
    r->kind = (enum reply_kind)kind;
    codec_fixed(c, r->origin, KEY_LEN);
    codec_fixed(c, r->party.b, PARTY_ID_LEN);
    codec_addr(c, &r->addr);
    codec_text(c, &r->name, MSG_NAME_MAX);
}

int reply_decode(struct bytes in, struct reply *r)
{
    struct codec c;

    codec_start_reading(&c, in);
    code_reply(&c, r);
    return codec_finish_reading(&c);
}

size_t reply_encode(const struct reply *r, uint8_t *out, size_t size)
{
    struct codec c;
    struct reply copy = *r;

    codec_start_writing(&c, out, size);
    code_reply(&c, &copy);
    return codec_finish_writing(&c);
}
