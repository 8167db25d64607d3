/* All that wire/msg.h can decode, in one table: for tests that hold for each of them.
 * SPDX-License-Identifier: MIT */
#ifndef TESTS_WIRE_FORMS_H
#define TESTS_WIRE_FORMS_H

#include "tests/wire/sample.h"
#include "wire/msg.h"

union any {
    struct msg msg;
    struct flood flood;
    struct call call;
    struct close close;
    struct reply reply;
    struct manifest manifest;
    struct entry entry;
};

enum form_kind {
    FORM_MSG,
    FORM_FLOOD,
    FORM_CALL,
    FORM_CLOSE,
    FORM_REPLY,
    FORM_MANIFEST,
    FORM_ENTRY,
    FORM_COUNT
};

static const char *const form_names[] = { "msg",   "flood",    "call", "close",
                                          "reply", "manifest", "entry" };

static inline int form_decode(enum form_kind kind, struct bytes in, union any *a)
{
    switch (kind) {
    case FORM_MSG:
        return msg_decode(in, &a->msg);
    case FORM_FLOOD:
        return flood_decode(in, &a->flood);
    case FORM_CALL:
        return call_decode(in, &a->call);
    case FORM_CLOSE:
        return close_decode(in, &a->close);
    case FORM_REPLY:
        return reply_decode(in, &a->reply);
    case FORM_MANIFEST:
        return manifest_decode(in, &a->manifest);
    case FORM_ENTRY:
        return entry_decode(in, &a->entry);
    default:
        return ERR_MALFORMED;
    }
}

static inline size_t form_encode(enum form_kind kind, const union any *a, uint8_t *out,
                                 size_t size)
{
    switch (kind) {
    case FORM_MSG:
        return msg_encode(&a->msg, out, size);
    case FORM_FLOOD:
        return flood_encode(&a->flood, out, size);
    case FORM_CALL:
        return call_encode(&a->call, out, size);
    case FORM_CLOSE:
        return close_encode(&a->close, out, size);
    case FORM_REPLY:
        return reply_encode(&a->reply, out, size);
    case FORM_MANIFEST:
        return manifest_encode(&a->manifest, out, size);
    case FORM_ENTRY:
        return entry_encode(&a->entry, out, size);
    default:
        return 0;
    }
}

/* A random valid one; n counts through the types of messages and the kinds of entries. */
static inline void form_sample(enum form_kind kind, struct sampler *s, int n,
                               union any *a)
{
    memset(a, 0, sizeof(*a));
    switch (kind) {
    case FORM_MSG:
        sample_msg(s, sample_types[n % COUNT(sample_types)], &a->msg);
        break;
    case FORM_FLOOD:
        sample_flood(s, &a->flood);
        break;
    case FORM_CALL:
        sample_call(s, &a->call);
        break;
    case FORM_CLOSE:
        sample_close(s, &a->close);
        break;
    case FORM_REPLY:
        sample_reply(s, &a->reply);
        break;
    case FORM_MANIFEST:
        sample_manifest(s, &a->manifest);
        break;
    default:
        sample_entry(s, (enum entry_kind)(1 + n % ENTRY_COUNCIL), &a->entry);
        break;
    }
}

static inline int msg_views(struct msg *m, struct bytes *views[static 1])
{
    switch ((int)m->type) {
    case MSG_HELLO:
        views[0] = &m->u.hello.name;
        return 1;
    case MSG_FLOOD:
        views[0] = &m->u.flood.inner;
        return 1;
    case MSG_GOSSIP:
        views[0] = &m->u.gossip.inner;
        return 1;
    case MSG_REPLY:
        views[0] = &m->u.reply.inner;
        return 1;
    case MSG_PARTY_JOIN:
        views[0] = &m->u.party_join.name;
        return 1;
    case MSG_PARTY_YIELD:
        views[0] = &m->u.party_yield.call.inner;
        return 1;
    case MSG_PARTY_OFFER:
        views[0] = &m->u.party_offer.manifest;
        return 1;
    case MSG_LOG_ENTRY:
        views[0] = &m->u.log_entry.inner;
        return 1;
    case MSG_LEAVES:
        views[0] = &m->u.leaves.hashes;
        return 1;
    case MSG_HAVE:
        views[0] = &m->u.have.bitmap;
        return 1;
    case MSG_RELAY:
        views[0] = &m->u.relay.frame;
        return 1;
    case MSG_BLOCK:
        views[0] = &m->u.block.data;
        return 1;
    default:
        return 0;
    }
}

static inline int call_views(struct call *c,
                             struct bytes *views[static 2 + CALL_SONGS_MAX])
{
    views[0] = &c->name;
    views[1] = &c->host_name;
    for (int i = 0; i < c->song_count; i++)
        views[2 + i] = &c->songs[i].title;
    return 2 + c->song_count;
}

static inline int entry_views(struct entry *e, struct bytes *views[static 1])
{
    switch (e->kind) {
    case ENTRY_FOUND:
        views[0] = &e->u.found.name;
        return 1;
    case ENTRY_MEMBER:
        views[0] = &e->u.member.name;
        return 1;
    case ENTRY_SONG:
        views[0] = &e->u.song.manifest;
        return 1;
    default:
        return 0;
    }
}

#define FORM_VIEWS_MAX (2 + CALL_SONGS_MAX)

/* Where the views in it are; their number. */
static inline int form_views(enum form_kind kind, union any *a,
                             struct bytes *views[static FORM_VIEWS_MAX])
{
    switch (kind) {
    case FORM_MSG:
        return msg_views(&a->msg, views);
    case FORM_FLOOD:
        views[0] = &a->flood.body;
        return 1;
    case FORM_CALL:
        return call_views(&a->call, views);
    case FORM_REPLY:
        views[0] = &a->reply.name;
        return 1;
    case FORM_MANIFEST:
        views[0] = &a->manifest.title;
        views[1] = &a->manifest.artist;
        views[2] = &a->manifest.album;
        return 3;
    case FORM_ENTRY:
        return entry_views(&a->entry, views);
    default:
        return 0;
    }
}

#endif
