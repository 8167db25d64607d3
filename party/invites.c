/* SPDX-License-Identifier: MIT */
#include "party/invites.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "party/log.h"

#define ROOM_FIRST 1 /* rows of the first list */

void invites_init(struct invites *t, const struct suite *suite, struct heap *heap,
                  int max)
{
    assert(max >= 2); /* one may be the accepted one, which stays */
    memset(t, 0, sizeof(*t));
    t->suite = suite;
    t->heap = heap;
    t->max = max;
}

static void resize(struct invites *t, int room)
{
    t->list = heap_resize(t->heap, t->list, (size_t)t->room, (size_t)room,
                          sizeof(t->list[0]));
    t->room = room;
}

void invites_finish(struct invites *t)
{
    t->count = 0;
    resize(t, 0);
}

static void remove_at(struct invites *t, int i)
{
    t->count--;
    memmove(&t->list[i], &t->list[i + 1], sizeof(t->list[0]) * (size_t)(t->count - i));
    if (t->count == 0) {
        resize(t, 0);
    }
}

/* A new row at the end. */
static struct invite *append(struct invites *t)
{
    if (t->count == t->max) {
        remove_at(t, t->list[0].state == INVITE_ACCEPTED ? 1 : 0);
        t->evicted++;
    }
    if (t->count == t->room) {
        int room = t->room == 0 ? ROOM_FIRST : 2 * t->room;

        resize(t, room < t->max ? room : t->max);
    }
    memset(&t->list[t->count], 0, sizeof(t->list[0]));
    return &t->list[t->count++];
}

struct invite *invites_find(struct invites *t, const struct party_id *party)
{
    for (int i = 0; i < t->count; i++) {
        if (party_id_equal(&t->list[i].party, party)) {
            return &t->list[i];
        }
    }
    return NULL;
}

static void remove_of_host(struct invites *t, const uint8_t key[static KEY_LEN])
{
    for (int i = t->count - 1; i >= 0; i--) {
        if (memcmp(t->list[i].host_key, key, KEY_LEN) == 0) {
            remove_at(t, i);
        }
    }
}

static void copy_songs(struct invite *v, const struct call *c)
{
    v->song_count = c->song_count;
    for (int i = 0; i < c->song_count; i++) {
        const struct call_song *from = &c->songs[i];
        struct invite_song *to = &v->songs[i];

        to->id = from->id;
        to->bytes = from->bytes;
        to->duration_ms = from->duration_ms;
        text_copy(to->title, sizeof(to->title), (const char *)from->title.data,
                  from->title.len);
    }
}

static void update(struct invite *v, const struct call *c, const struct flood_id *flood,
                   int64_t keep_ns, int64_t now_ns)
{
    int64_t end_ns = now_ns + c->deadline_ms * NS_PER_MS;

    text_copy(v->name, sizeof(v->name), (const char *)c->name.data, c->name.len);
    text_copy(v->host_name, sizeof(v->host_name), (const char *)c->host_name.data,
              c->host_name.len);
    v->addr = c->addr;
    v->priority = c->priority;
    if (flood != NULL) {
        v->has_route = true;
        v->flood = *flood;
    }
    v->is_running = c->deadline_ms == 0;
    v->deadline_ns = v->is_running ? TIME_NEVER : end_ns;
    v->expires_ns = end_ns + keep_ns;
    copy_songs(v, c);
}

enum invites_result invites_add(struct invites *t, const struct call *c,
                                const uint8_t origin[static KEY_LEN],
                                const struct flood_id *flood, int64_t keep_ns,
                                int64_t now_ns)
{
    struct invite *v = invites_find(t, &c->party);
    struct party_id id;

    party_id_make(t->suite, c->founder, c->nonce, &id);
    if (!party_id_equal(&id, &c->party) ||
        (c->epoch == 1 && memcmp(c->founder, origin, KEY_LEN) != 0)) {
        return INVITES_FORGED;
    }
    if (v != NULL && c->epoch < v->epoch) {
        return INVITES_BAD; /* a host that was followed by another */
    }
    if (v != NULL) {
        v->epoch = c->epoch;
        memcpy(v->host_key, origin, KEY_LEN);
        t->suite->id(origin, &v->host);
        update(v, c, flood, keep_ns, now_ns);
        return INVITES_AGAIN;
    }
    remove_of_host(t, origin);
    v = append(t);
    v->state = party_id_equal(&c->party, &t->left) ? INVITE_LEFT : INVITE_OPEN;
    v->party = c->party;
    v->epoch = c->epoch;
    memcpy(v->host_key, origin, KEY_LEN);
    t->suite->id(origin, &v->host);
    update(v, c, flood, keep_ns, now_ns);
    return INVITES_NEW;
}

enum invites_result invites_call_heard(struct invites *t, const struct flood_id *id,
                                       const struct flood *f, int64_t keep_ns,
                                       int64_t now_ns, struct invite **found)
{
    enum invites_result result;
    struct call c;

    *found = NULL;
    if (call_decode(f->body, &c) != 0) {
        return INVITES_BAD;
    }
    result = invites_add(t, &c, f->origin, id, keep_ns, now_ns);
    if (result <= INVITES_AGAIN) {
        *found = invites_find(t, &c.party);
    }
    return result;
}

void invites_close_heard(struct invites *t, const struct close *c,
                         const uint8_t origin[static KEY_LEN])
{
    const struct invite *v = invites_find(t, &c->party);

    if (v != NULL && memcmp(v->host_key, origin, KEY_LEN) == 0) {
        invites_remove(t, &c->party);
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Does the id begin with these digits?  len is at most two for each byte of it. */
static bool has_prefix(const struct party_id *id, const char *prefix, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int nibble = i % 2 == 0 ? id->b[i / 2] >> 4 : id->b[i / 2] & 15;

        if (hex_digit(prefix[i]) != nibble) {
            return false;
        }
    }
    return true;
}

int invites_pick(struct invites *t, const char *prefix, struct invite **found)
{
    size_t len = strlen(prefix);
    struct invite *match = NULL;

    if (len > 2 * PARTY_ID_LEN) {
        return ERR_USAGE;
    }
    for (size_t i = 0; i < len; i++) {
        if (hex_digit(prefix[i]) < 0) {
            return ERR_USAGE;
        }
    }
    for (int i = 0; i < t->count; i++) {
        struct invite *v = &t->list[i];

        if (!has_prefix(&v->party, prefix, len) ||
            (len == 0 && v->state == INVITE_DECLINED)) {
            continue;
        }
        if (match != NULL) {
            return ERR_USAGE;
        }
        match = v;
    }
    if (match == NULL) {
        return ERR_NOT_FOUND;
    }
    *found = match;
    return 0;
}

void invites_remove(struct invites *t, const struct party_id *party)
{
    const struct invite *v = invites_find(t, party);

    if (v != NULL) {
        remove_at(t, (int)(v - t->list));
    }
}

void invites_expire(struct invites *t, int64_t now_ns)
{
    for (int i = t->count - 1; i >= 0; i--) {
        if (now_ns >= t->list[i].expires_ns) {
            remove_at(t, i);
        }
    }
}

int64_t invites_wake_ns(const struct invites *t)
{
    int64_t wake_ns = TIME_NEVER;

    for (int i = 0; i < t->count; i++) {
        wake_ns = time_min(wake_ns, t->list[i].expires_ns);
    }
    return wake_ns;
}
