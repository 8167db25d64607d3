/* The signed parts of the party log: manifests of songs, and entries.
 * SPDX-License-Identifier: MIT */
#include "wire/codec.h"
#include "wire/msg.h"

static void code_manifest(struct codec *c, struct manifest *m)
{
    codec_array(c, 10);
    codec_fixed(c, m->song.b, SONG_ID_LEN);
    codec_u64_in(c, &m->bytes, 1, MSG_SONG_BYTES_MAX);
    codec_u64_in(c, &m->frames, 1, MSG_FRAMES_MAX);
    codec_u32_in(c, &m->rate, 1, MSG_RATE_MAX);
    codec_u8_in(c, &m->channels, 1, 8);
    codec_u8_in(c, &m->bits, 4, 32);
    codec_fixed(c, m->owner, KEY_LEN);
    codec_text(c, &m->title, MSG_TITLE_MAX);
    codec_text(c, &m->artist, MSG_TITLE_MAX);
    codec_text(c, &m->album, MSG_TITLE_MAX);
}

int manifest_decode(struct bytes in, struct manifest *m)
{
    struct codec c;

    codec_start_reading(&c, in);
    code_manifest(&c, m);
    return codec_finish_reading(&c);
}

size_t manifest_encode(const struct manifest *m, uint8_t *out, size_t size)
{
    struct codec c;
    struct manifest copy = *m;

    codec_start_writing(&c, out, size);
    code_manifest(&c, &copy);
    return codec_finish_writing(&c);
}

static void code_found(struct codec *c, struct entry *e)
{
    codec_array(c, 3);
    codec_fixed(c, e->u.found.key, KEY_LEN);
    codec_fixed(c, e->u.found.nonce, sizeof(e->u.found.nonce));
    codec_text(c, &e->u.found.name, MSG_NAME_MAX);
}

static void code_map(struct codec *c, struct entry *e)
{
    codec_array(c, 6);
    codec_u64(c, &e->u.map.clock_id);
    codec_int(c, &e->u.map.raw_ns);
    codec_int(c, &e->u.map.party.ns);
    codec_int(c, &e->u.map.rate_ppt);
    codec_u64(c, &e->u.map.bound_ns);
    codec_int(c, &e->u.map.valid_from.ns);
}

static void code_member(struct codec *c, struct entry *e)
{
    codec_array(c, 4);
    codec_bool(c, &e->u.member.has_left);
    codec_fixed(c, e->u.member.key, KEY_LEN);
    codec_addr(c, &e->u.member.addr);
    codec_text(c, &e->u.member.name, MSG_NAME_MAX);
}

static void code_song(struct codec *c, struct entry *e)
{
    codec_array(c, 3);
    codec_u8(c, &e->u.song.slot);
    codec_bytes(c, &e->u.song.manifest, 1, MSG_ENTRY_MAX);
    codec_fixed(c, e->u.song.sig, SIGNATURE_LEN);
}

static void code_action(struct codec *c, struct entry *e)
{
    uint8_t verb = c->is_writing ? (uint8_t)e->u.action.verb : 0;

    codec_array(c, 5);
    codec_u8_in(c, &verb, ACTION_PLAY, ACTION_STOP);
    e->u.action.verb = (enum action_verb)verb;
    codec_int(c, &e->u.action.at.ns);
    codec_u8(c, &e->u.action.slot);
    codec_u64_in(c, &e->u.action.frame, 0, MSG_FRAMES_MAX);
    codec_bool(c, &e->u.action.is_playing);
}

static void code_end(struct codec *c, struct entry *e)
{
    codec_array(c, 1);
    codec_int(c, &e->u.end.at.ns);
}

static void code_council(struct codec *c, struct entry *e)
{
    codec_list(c, &e->u.council.count, 1, COUNCIL_MAX);
    for (int i = 0; i < e->u.council.count; i++)
        codec_fixed(c, e->u.council.keys[i], KEY_LEN);
}

static void code_body(struct codec *c, struct entry *e)
{
    switch (e->kind) {
    case ENTRY_FOUND:
        code_found(c, e);
        break;
    case ENTRY_MAP:
        code_map(c, e);
        break;
    case ENTRY_MEMBER:
        code_member(c, e);
        break;
    case ENTRY_SONG:
        code_song(c, e);
        break;
    case ENTRY_ACTION:
        code_action(c, e);
        break;
    case ENTRY_END:
        code_end(c, e);
        break;
    case ENTRY_COUNCIL:
        code_council(c, e);
        break;
    default: /* only after a failure, or of a writer's own making */
        codec_fail(c);
    }
}

static void code_entry(struct codec *c, struct entry *e)
{
    uint8_t kind = c->is_writing ? (uint8_t)e->kind : 0;

    codec_array(c, 6);
    codec_fixed(c, e->party.b, PARTY_ID_LEN);
    codec_u64_in(c, &e->epoch, 1, UINT64_MAX);
    codec_u64_in(c, &e->seq, 1, UINT64_MAX);
    codec_fixed(c, e->previous, HASH_LEN);
    codec_u8_in(c, &kind, ENTRY_FOUND, ENTRY_COUNCIL);
    e->kind = (enum entry_kind)kind;
    code_body(c, e);
}

int entry_decode(struct bytes in, struct entry *e)
{
    struct codec c;

    if (in.len > MSG_ENTRY_MAX)
        return ERR_MALFORMED;
    codec_start_reading(&c, in);
    code_entry(&c, e);
    return codec_finish_reading(&c);
}

size_t entry_encode(const struct entry *e, uint8_t *out, size_t size)
{
    struct codec c;
    struct entry copy = *e;
    size_t len;

    codec_start_writing(&c, out, size);
    code_entry(&c, &copy);
    len = codec_finish_writing(&c);
    return len <= MSG_ENTRY_MAX ? len : 0; /* longer than anybody would take */
}
