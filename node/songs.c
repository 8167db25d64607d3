/* SPDX-License-Identifier: MIT */
#include "node/songs.h"

#include "node/commands.h"
#include "node/internal.h"
#include "party/domains.h"

#define LEAVES_LEN_MAX ((size_t)MSG_BITMAP_MAX * 8 * HASH_LEN) /* 1 MiB */

void songs_import(struct node *n, const struct bytes paths[], int count)
{
    struct hosting *h = n->hosting;

    h->count = count;
    h->done = 0;
    h->token = n->next_token;
    n->next_token += (uint64_t)count;
    for (int i = 0; i < count; i++) {
        struct effect *e = effects_add(n->out, EFFECT_SONG_IMPORT);

        h->songs[i].is_done = false;
        if (e == NULL)
            continue;
        e->u.import.token = h->token + (uint64_t)i;
        e->u.import.path = effects_copy(n->out, paths[i]);
    }
}

static void start_party(struct node *n)
{
    struct hosting *h = n->hosting;
    struct party_host_request r = { .name = bytes_of(h->name, strlen(h->name)),
                                    .song_count = h->count,
                                    .wanted = h->wanted,
                                    .deadline_ns = h->deadline_ns,
                                    .ready_ns = h->ready_ns,
                                    .ttl = h->ttl };
    struct party_answer answer = { 0 };
    int err;

    for (int i = 0; i < h->count; i++) {
        r.songs[i].manifest = bytes_of(h->songs[i].manifest, h->songs[i].len);
        r.songs[i].sig = h->songs[i].sig;
    }
    n->hosting = NULL;
    err = party_host(&company_begin(n)->party, &r, n->now_ns, &n->out->outbox, &answer);
    commands_answer_party(n, h->command, err, &answer);
    heap_give(&n->heap, h, 1, sizeof(*h));
}

void songs_forget(struct node *n)
{
    heap_give(&n->heap, n->hosting, 1, sizeof(*n->hosting));
    n->hosting = NULL;
}

static const char *remedy(int err)
{
    switch (err) {
    case ERR_DISK:
        return "make room where the data directory is";
    case ERR_LIMIT:
        return "choose a shorter song";
    default:
        return "leave the file out, or give a sound FLAC file";
    }
}

/* One song of the wanted party was read, or could not be. */
static void imported(struct node *n, const struct event_song *e)
{
    struct hosting *h = n->hosting;
    uint64_t i;
    struct manifest m = { .song = e->song,
                          .bytes = e->bytes,
                          .frames = e->frames,
                          .rate = e->rate,
                          .channels = e->channels,
                          .bits = e->bits,
                          .title = e->title,
                          .artist = e->artist,
                          .album = e->album };

    if (h == NULL)
        return; /* of a command that has failed since */
    i = e->token - h->token;
    if (i >= (uint64_t)h->count || h->songs[i].is_done)
        return; /* of one before */
    if (e->err != 0) {
        commands_fail(n, h->command, e->err, e->message, remedy(e->err));
        songs_forget(n);
        return;
    }
    memcpy(m.owner, n->self.sign_public, KEY_LEN);
    h->songs[i].len = manifest_encode(&m, h->songs[i].manifest, MSG_ENTRY_MAX);
    n->params->suite->sign(&n->self, DOMAIN_MANIFEST,
                           bytes_of(h->songs[i].manifest, h->songs[i].len),
                           h->songs[i].sig);
    h->songs[i].is_done = true;
    h->done++;
    if (h->done == h->count)
        start_party(n);
}

static void opened(struct node *n, const struct event_song *e)
{
    struct swarm_local local = { e->leaves, e->bitmap, e->has_all };
    char text[160];
    struct text t;

    if (n->company == NULL || !swarm_has(&n->company->swarm, &e->song))
        return; /* dropped since */
    if (e->err == 0) {
        swarm_opened(&n->company->swarm, &e->song, &local, n->now_ns, &n->out->outbox);
        return;
    }
    text_init(&t, text, sizeof(text));
    text_add(&t, "a song of the party cannot be kept here: ");
    text_add(&t, err_text(e->err));
    text_add(&t, "; make room in the data directory and join again");
    node_note(n, text);
}

void songs_event(struct node *n, const struct event_song *e)
{
    switch (e->what) {
    case SONG_IMPORTED:
        imported(n, e);
        break;
    case SONG_OPENED:
        opened(n, e);
        break;
    }
}

void songs_block(struct node *n, const struct event_block *e)
{
    struct swarm_block b = { e->song, e->index, e->err, e->data };

    if (n->company == NULL)
        return; /* of a party that is over */
    if (e->what == BLOCK_LOADED) {
        swarm_loaded(&n->company->swarm, &b, n->now_ns, &n->out->outbox);
        return;
    }
    if (e->err == ERR_DISK)
        node_note(n, "the disk is full: songs cannot be stored; make room in the data "
                     "directory");
    swarm_stored(&n->company->swarm, &b, n->now_ns, &n->out->outbox);
}

static void song_effect(struct node *n, enum effect_kind kind, const struct song_id *song,
                        uint64_t bytes)
{
    struct effect *e = effects_add(n->out, kind);

    if (e == NULL)
        return;
    e->u.song.song = *song;
    e->u.song.bytes = bytes;
}

/* The same song may be in two slots, or move from one to another. */
static bool is_in_pool(const struct node *n, const struct song_id *song)
{
    for (int slot = 0; slot < POOL_SLOTS; slot++) {
        const struct party_song *s = party_song(&n->company->party, slot);

        if (s->is_set && song_id_equal(&s->id, song))
            return true;
    }
    return false;
}

static void pool_remove(struct node *n, struct pooled *p)
{
    p->is_set = false;
    if (is_in_pool(n, &p->song) || !swarm_has(&n->company->swarm, &p->song))
        return;
    swarm_remove(&n->company->swarm, &p->song, n->now_ns, &n->out->outbox);
    song_effect(n, EFFECT_SONG_DROP, &p->song, 0);
    links_flush(n); /* each may have a word for every peer */
}

static void pool_add(struct node *n, struct pooled *p, const struct party_song *s)
{
    int64_t ms = s->rate == 0 ? 0 : mul_div((int64_t)s->frames, 1000, s->rate);
    int err = swarm_add(&n->company->swarm, &s->id, s->bytes,
                        ms > 0 && ms < UINT32_MAX ? (uint32_t)ms : 0);

    if (err != 0 && err != ERR_STATE) {
        node_note(n, "a song of the party is too long to be shared here");
        return;
    }
    *p = (struct pooled){ .is_set = true, .song = s->id, .held = -1 };
    if (err == 0)
        song_effect(n, EFFECT_SONG_OPEN, &s->id, s->bytes);
}

/* The pool of the party is what the swarm shares. */
static void follow_pool(struct node *n)
{
    struct song_id order[POOL_SLOTS];
    int count = 0;

    for (int slot = 0; slot < POOL_SLOTS; slot++) {
        const struct party_song *s = party_song(&n->company->party, slot);
        struct pooled *p = &n->company->pool[slot];

        if (p->is_set && (!s->is_set || !song_id_equal(&p->song, &s->id)))
            pool_remove(n, p);
    }
    for (int slot = 0; slot < POOL_SLOTS; slot++) {
        const struct party_song *s = party_song(&n->company->party, slot);
        struct pooled *p = &n->company->pool[slot];

        if (s->is_set && !p->is_set)
            pool_add(n, p, s);
        if (!p->is_set)
            continue;
        order[count++] = p->song;
        p->held = -1; /* a new party with the same song has to be told again */
    }
    swarm_set_order(&n->company->swarm, order, count);
}

/* Songs are shared with the members of the party, and with nobody else. */
static void follow_members(struct node *n)
{
    for (int k = 0; k < n->slot_set.count; k++) {
        struct slot *s = n->slots[k];
        int i = s->number;
        bool is_member = s->state == SLOT_UP && s->how != LINK_RELAYED &&
                         party_is_member(&n->company->party, i);

        if (is_member == s->is_sharing)
            continue;
        s->is_sharing = is_member;
        if (n->out->outbox.count > OUTBOX_ITEMS_MAX / 2)
            links_flush(n); /* each may be told of every song */
        if (!is_member) {
            swarm_peer_down(&n->company->swarm, i, n->now_ns, &n->out->outbox);
            continue;
        }
        swarm_peer_up(&n->company->swarm, i, n->now_ns, &n->out->outbox);
        swarm_set_name(&n->company->swarm, i, &slot_rec(n, s)->id);
    }
}

static void report_progress(struct node *n)
{
    for (int slot = 0; slot < POOL_SLOTS; slot++) {
        struct pooled *p = &n->company->pool[slot];
        int held;
        int total;

        if (!p->is_set)
            continue;
        swarm_progress(&n->company->swarm, &p->song, &held, &total);
        if (held == p->held && total == p->total)
            continue;
        p->held = held;
        p->total = total;
        party_set_song_progress(&n->company->party, slot, held, total, n->now_ns,
                                &n->out->outbox);
    }
}

static void store_and_load(struct node *n)
{
    struct swarm_block b;
    struct song_id song;
    struct bytes hashes;
    struct effect *e;

    /* Copied, as the song may be dropped before the step ends. */
    while (effects_has_room(n->out, LEAVES_LEN_MAX) &&
           swarm_take_leaves(&n->company->swarm, &song, &hashes)) {
        e = effects_add(n->out, EFFECT_LEAVES_STORE);
        if (e == NULL)
            return;
        e->u.leaves.song = song;
        e->u.leaves.hashes = effects_copy(n->out, hashes);
    }
    /* What is not taken stays with the swarm, which wants the block again. */
    while (effects_has_room(n->out, BLOCK_SIZE) &&
           swarm_take_store(&n->company->swarm, &b)) {
        e = effects_add(n->out, EFFECT_BLOCK_STORE);
        if (e == NULL)
            return;
        e->u.block.song = b.song;
        e->u.block.index = b.index;
        e->u.block.data = effects_copy(n->out, b.data);
    }
    while (effects_has_room(n->out, 0) && swarm_take_load(&n->company->swarm, &b)) {
        e = effects_add(n->out, EFFECT_BLOCK_LOAD);
        if (e == NULL)
            return;
        e->u.block.song = b.song;
        e->u.block.index = b.index;
        e->u.block.data = bytes_of(NULL, 0);
    }
}

void songs_flush(struct node *n)
{
    int peer;

    if (n->company == NULL)
        return;
    store_and_load(n); /* before the swarm is called again */
    if (party_take_pool_change(&n->company->party))
        follow_pool(n);
    follow_members(n);
    store_and_load(n);
    report_progress(n);
    while (swarm_take_banned(&n->company->swarm, &peer)) {
        struct text t = log_begin(&n->out->log, LOG_WARN, "share", "banned");

        log_id(&t, "peer", slot_rec(n, slot_at(n, peer))->id.b);
    }
}
