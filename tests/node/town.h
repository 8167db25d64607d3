/* A few real nodes on one table, driven by node_step alone: links are queues of frames,
 * datagrams take a fixed time, songs and blocks are answered from memory.  Each node has
 * a raw clock of its own.  Checked after every step: the invariants of the modules, that
 * nothing was dropped, and that what is shown is strict CBOR.
 * SPDX-License-Identifier: MIT */
#ifndef TESTS_NODE_TOWN_H
#define TESTS_NODE_TOWN_H

#include "node/internal.h"
#include "node/trees.h"
#include "share/merkle.h"
#include "tests/check.h"
#include "wire/cbor.h"

#define TOWN_MAX     4
#define TOWN_MEMORY  ((size_t)12 * 1024 * 1024)
#define TOWN_POOL    ((size_t)4 * 1024 * 1024)
#define TOWN_ITEMS   8192
#define TOWN_WIRES   512
#define TOWN_SONGS   8 /* that there are: the files /song/0 … /song/7 */
#define TOWN_BLOCKS  4
#define TOWN_REPLIES 64
#define TOWN_KEPT    16
#define TOWN_DELAY   (2 * NS_PER_MS)
#define S            NS_PER_S

struct town_song {
    struct song_id id;
    uint64_t bytes;
    uint8_t leaves[TOWN_BLOCKS * HASH_LEN];
    uint8_t data[TOWN_BLOCKS * BLOCK_SIZE];
};

struct town_wire {
    bool is_up[2];
    int node[2]; /* the dialler, the dialled */
    uint32_t link[2];
};

struct town_kept {
    uint8_t key[64];
    size_t key_len;
    uint8_t value[64];
    size_t value_len;
};

struct town_reply {
    uint64_t id;
    int err;
    size_t len;
    uint8_t body[16 * 1024];
};

struct town_node {
    bool is_running; /* false: nothing listens there */
    bool is_mute;    /* TCP answers, and nobody behind it ever says a word */
    bool is_hidden;  /* no dial gets through to it */
    uint16_t port;   /* that others see its listening port at; 0: each another */
    struct node *node;
    uint8_t *memory;
    struct arena arena;
    struct pool pool;
    struct contacts contacts;
    struct node_params params;
    struct node_setup setup;
    struct node_identity seeds;
    int64_t offset_ns; /* raw clock minus the town's time */
    int64_t wake_ns;   /* raw */
    int64_t resume_ns; /* its process is stopped until this instant of the town … */
    int64_t read_ns;   /* … and then reads what has come */
    int64_t wakes;
    int64_t states;
    int64_t drops;            /* of songs */
    int64_t opens;            /* links that it dialled */
    uint64_t hash;            /* of all effects */
    uint32_t has[TOWN_SONGS]; /* bit b: block b is stored */
    bool has_leaves[TOWN_SONGS];
    int kept_count;
    struct town_kept kept[TOWN_KEPT];
    int replies;
    struct town_reply reply[TOWN_REPLIES]; /* the newest, a ring */
    int segments;
    struct timeline_segment segment[TIMELINE_SEGMENTS_MAX];
    struct clock_line line;
};

struct town_item {
    int64_t at_ns;
    uint64_t order;
    int node;
    struct event e;
    uint8_t *data;
};

static struct {
    int64_t now_ns;
    int count;
    struct town_node n[TOWN_MAX];
    struct town_song song[TOWN_SONGS];
    int wires;
    struct town_wire wire[TOWN_WIRES];
    uint32_t next_link;
    int items;
    uint64_t order;
    struct town_item item[TOWN_ITEMS];
    uint64_t next_command;
    bool is_damaging;  /* the next frame on a wire is bent */
    bool is_elsewhere; /* somebody has dialled a host that is none of the town's */
    bool is_choking;   /* too much is sent at once, and that is what is looked at */
} town;
static struct effects town_out;

/* ---- songs ---- */

static inline void town_songs(void)
{
    for (int k = 0; k < TOWN_SONGS; k++) {
        struct town_song *s = &town.song[k];
        int blocks;

        s->bytes = 40000 + 3000 * (uint64_t)k;
        blocks = merkle_blocks(s->bytes);
        for (size_t i = 0; i < s->bytes; i++)
            s->data[i] = (uint8_t)(i * 7 + i / 251 + (size_t)k);
        for (int b = 0; b < blocks; b++)
            merkle_leaf(bytes_of(s->data + b * BLOCK_SIZE, merkle_block_len(s->bytes, b)),
                        s->leaves + b * HASH_LEN);
        merkle_root(s->leaves, blocks, s->bytes, &s->id);
    }
}

static inline int town_song_of(const struct song_id *id)
{
    for (int k = 0; k < TOWN_SONGS; k++) {
        if (song_id_equal(&town.song[k].id, id))
            return k;
    }
    fail_msg("an effect names no song of the town");
    return -1;
}

/* ---- what is on its way ---- */

static inline int64_t town_later(int64_t a_ns, int64_t b_ns)
{
    return a_ns > b_ns ? a_ns : b_ns;
}

static inline struct event *town_post(int node, int64_t after_ns, enum event_kind kind,
                                      struct bytes data)
{
    struct town_item *i = &town.item[town.items++];

    assert_true(town.items < TOWN_ITEMS);
    *i = (struct town_item){ .at_ns = town_later(town.now_ns + after_ns,
                                                 town.n[node].read_ns),
                             .order = town.order++,
                             .node = node };
    i->e.kind = kind;
    i->data = malloc(data.len + 1);
    if (data.len > 0)
        memcpy(i->data, data.data, data.len);
    return &i->e;
}

static inline struct bytes town_newest_data(size_t len)
{
    return bytes_of(town.item[town.items - 1].data, len);
}

static inline struct addr town_addr(int node)
{
    return (struct addr){ { 10, 0, 0, (uint8_t)(node + 1) }, 4747, 4 };
}

static inline int town_at(const struct addr *a)
{
    for (int i = 0; i < town.count; i++) {
        struct addr there = town_addr(i);

        if (addr_equal(&there, a))
            return i;
    }
    return -1;
}

static inline struct town_wire *town_wire_of(int node, uint32_t link, int *end)
{
    for (int i = 0; i < town.wires; i++) {
        struct town_wire *w = &town.wire[i];

        for (*end = 0; *end < 2; ++*end) {
            if (w->is_up[*end] && w->node[*end] == node && w->link[*end] == link)
                return w;
        }
    }
    return NULL;
}

static inline void town_open(int node, const struct effect *e)
{
    int to = town_at(&e->u.open.addr);
    struct town_wire *w = &town.wire[town.wires];
    struct event *opened;
    struct addr host = e->u.open.addr;

    host.port = town_addr(0).port;
    town.is_elsewhere = town.is_elsewhere || town_at(&host) < 0;
    town.n[node].opens++;
    if (to < 0 || town.n[to].is_hidden ||
        !(town.n[to].is_running || town.n[to].is_mute)) {
        struct event *closed = town_post(node, 2 * TOWN_DELAY, EVENT_LINK_CLOSED,
                                         bytes_of(NULL, 0));

        closed->u.closed.link = e->u.open.link;
        closed->u.closed.err = ERR_UNREACHABLE;
        return;
    }
    assert_true(town.wires++ < TOWN_WIRES);
    *w = (struct town_wire){ { true, true },
                             { node, to },
                             { e->u.open.link, town.next_link } };
    town.next_link += 2;
    opened = town_post(node, 2 * TOWN_DELAY, EVENT_LINK_OPENED, bytes_of(NULL, 0));
    opened->u.opened.link = w->link[0];
    opened->u.opened.is_dialled = true;
    opened->u.opened.remote = e->u.open.addr;
    if (town.n[to].is_mute)
        return;
    opened = town_post(to, TOWN_DELAY, EVENT_LINK_OPENED, bytes_of(NULL, 0));
    opened->u.opened.link = w->link[1];
    opened->u.opened.remote = town_addr(node);
    opened->u.opened.remote.port = (uint16_t)(40000 + town.wires);
    if (e->u.open.from_listen && town.n[node].port > 0)
        opened->u.opened.remote.port = town.n[node].port;
}

static inline void town_close(int node, uint32_t link)
{
    int end;
    struct town_wire *w = town_wire_of(node, link, &end);
    struct event *closed;

    if (w == NULL)
        return;
    w->is_up[end] = false;
    if (!w->is_up[1 - end] || !town.n[w->node[1 - end]].is_running)
        return;
    closed = town_post(w->node[1 - end], TOWN_DELAY, EVENT_LINK_CLOSED,
                       bytes_of(NULL, 0));
    closed->u.closed.link = w->link[1 - end];
    closed->u.closed.err = ERR_CLOSED;
}

static inline void town_send(int node, uint32_t link, struct bytes frame)
{
    int end;
    struct town_wire *w = town_wire_of(node, link, &end);
    struct event *e;

    assert_non_null(w); /* nothing is sent on a link that is gone */
    assert_true(frame.len >= 1 && frame.len <= 65535);
    if (!w->is_up[1 - end] || !town.n[w->node[1 - end]].is_running)
        return;
    e = town_post(w->node[1 - end], TOWN_DELAY, EVENT_LINK_RECEIVED, frame);
    e->u.received.link = w->link[1 - end];
    e->u.received.frame = town_newest_data(frame.len);
    if (town.is_damaging) {
        town.item[town.items - 1].data[frame.len / 2] ^= 1;
        town.is_damaging = false;
    }
}

static inline void town_datagram(int node, const struct effect *e)
{
    int to = town_at(&e->u.datagram.to);
    struct event *d;

    if (e->u.datagram.socket == DATAGRAM_NTP || to < 0 || !town.n[to].is_running)
        return;
    d = town_post(to, TOWN_DELAY, EVENT_DATAGRAM, e->u.datagram.data);
    d->u.datagram.socket = DATAGRAM_PEER;
    d->u.datagram.from = town_addr(node);
    d->u.datagram.data = town_newest_data(e->u.datagram.data.len);
    d->u.datagram.rx_ns = town.now_ns + TOWN_DELAY + town.n[to].offset_ns;
}

static inline void town_import(int node, const struct effect *e)
{
    struct bytes path = e->u.import.path;
    struct event *done = town_post(node, TOWN_DELAY, EVENT_SONG, bytes_of(NULL, 0));
    struct event_song *s = &done->u.song;
    int k = path.len > 0 ? path.data[path.len - 1] - '0' : -1;

    *s = (struct event_song){ .what = SONG_IMPORTED, .token = e->u.import.token };
    if (k < 0 || k >= TOWN_SONGS) {
        s->err = ERR_FORMAT;
        s->message = bytes_of("/song/x: not a FLAC file", 24);
        return;
    }
    s->song = town.song[k].id;
    s->bytes = town.song[k].bytes;
    s->frames = 60 * 44100;
    s->rate = 44100;
    s->channels = 2;
    s->bits = 16;
    s->title = bytes_of("Naima", 5);
    s->artist = bytes_of("J. C.", 5);
    town.n[node].has[k] = (1u << merkle_blocks(town.song[k].bytes)) - 1;
    town.n[node].has_leaves[k] = true;
}

static inline void town_open_song(int node, const struct effect *e)
{
    struct town_node *n = &town.n[node];
    int k = town_song_of(&e->u.song.song);
    int blocks = merkle_blocks(town.song[k].bytes);
    uint8_t bitmap[1] = { 0 };
    struct event *done;

    assert_true(e->u.song.bytes == town.song[k].bytes);
    for (int b = 0; b < blocks; b++)
        bitmap[0] |= (uint8_t)((n->has[k] >> b & 1) << (7 - b));
    done = town_post(node, TOWN_DELAY, EVENT_SONG, bytes_of(bitmap, 1));
    done->u.song = (struct event_song){ .what = SONG_OPENED,
                                        .song = town.song[k].id,
                                        .bytes = town.song[k].bytes,
                                        .bitmap = town_newest_data(1) };
    if (n->has_leaves[k])
        done->u.song.leaves = bytes_of(town.song[k].leaves, (size_t)blocks * HASH_LEN);
    done->u.song.has_all = n->has[k] == (1u << blocks) - 1;
}

static inline void town_block(int node, const struct effect *e)
{
    struct town_node *n = &town.n[node];
    int k = town_song_of(&e->u.block.song);
    int b = (int)e->u.block.index;
    size_t len = merkle_block_len(town.song[k].bytes, b);
    bool is_load = e->kind == EFFECT_BLOCK_LOAD;
    struct event *done;

    assert_true(len > 0);
    if (!is_load) {
        assert_int_equal(e->u.block.data.len, len);
        assert_memory_equal(e->u.block.data.data, town.song[k].data + b * BLOCK_SIZE,
                            len);
        n->has[k] |= 1u << b;
    } else {
        assert_true((n->has[k] >> b & 1) != 0);
    }
    done = town_post(node, TOWN_DELAY, EVENT_BLOCK, bytes_of(NULL, 0));
    done->u.block = (struct event_block){ .what = is_load ? BLOCK_LOADED : BLOCK_STORED,
                                          .song = e->u.block.song,
                                          .index = e->u.block.index };
    if (is_load)
        done->u.block.data = bytes_of(town.song[k].data + b * BLOCK_SIZE, len);
}

static inline void town_leaves(int node, const struct effect *e)
{
    int k = town_song_of(&e->u.leaves.song);

    assert_int_equal(e->u.leaves.hashes.len,
                     merkle_blocks(town.song[k].bytes) * HASH_LEN);
    assert_memory_equal(e->u.leaves.hashes.data, town.song[k].leaves,
                        e->u.leaves.hashes.len);
    town.n[node].has_leaves[k] = true;
}

static inline void town_remember(struct town_node *n, const struct memory_item *m)
{
    struct town_kept *k = NULL;

    assert_true(m->key.len <= sizeof(k->key) && m->value.len <= sizeof(k->value));
    for (int i = 0; i < n->kept_count; i++) {
        if (bytes_equal(bytes_of(n->kept[i].key, n->kept[i].key_len), m->key))
            k = &n->kept[i];
    }
    if (k == NULL) {
        assert_true(n->kept_count < TOWN_KEPT);
        k = &n->kept[n->kept_count++];
    }
    memcpy(k->key, m->key.data, m->key.len);
    k->key_len = m->key.len;
    if (m->value.len > 0)
        memcpy(k->value, m->value.data, m->value.len);
    k->value_len = m->value.len;
}

static inline void town_promise(int node, const struct effect *e)
{
    struct event *done;

    town_remember(&town.n[node], &e->u.remember);
    done = town_post(node, TOWN_DELAY, EVENT_PROMISED, e->u.remember.value);
    done->u.promised.item.value = town_newest_data(e->u.remember.value.len);
    done->u.promised.item.key = done->u.promised.item.value;
    done->u.promised.err = 0;
}

static inline void town_replied(struct town_node *n, const struct effect *e)
{
    struct town_reply *r = &n->reply[n->replies++ % TOWN_REPLIES];

    assert_int_equal(cbor_check(e->u.reply.body), 0);
    assert_true(e->u.reply.body.len <= sizeof(r->body));
    r->id = e->u.reply.id;
    r->err = e->u.reply.err;
    r->len = e->u.reply.body.len;
    memcpy(r->body, e->u.reply.body.data, r->len);
}

static inline void town_carry_out(int node, const struct effect *e)
{
    struct town_node *n = &town.n[node];

    switch (e->kind) {
    case EFFECT_LINK_OPEN:
        town_open(node, e);
        break;
    case EFFECT_LINK_CLOSE:
        town_close(node, e->u.close.link);
        break;
    case EFFECT_LINK_SEND:
        town_send(node, e->u.send.link, e->u.send.frame);
        break;
    case EFFECT_DATAGRAM_SEND:
        town_datagram(node, e);
        break;
    case EFFECT_SONG_IMPORT:
        town_import(node, e);
        break;
    case EFFECT_SONG_OPEN:
        town_open_song(node, e);
        break;
    case EFFECT_LEAVES_STORE:
        town_leaves(node, e);
        break;
    case EFFECT_BLOCK_LOAD:
    case EFFECT_BLOCK_STORE:
        town_block(node, e);
        break;
    case EFFECT_SONG_DROP:
        (void)town_song_of(&e->u.song.song);
        n->drops++;
        break;
    case EFFECT_REMEMBER:
        town_remember(n, &e->u.remember);
        break;
    case EFFECT_PROMISE:
        town_promise(node, e);
        break;
    case EFFECT_TIMELINE:
        n->segments = e->u.timeline.count;
        memcpy(n->segment, e->u.timeline.segments,
               sizeof(n->segment[0]) * (size_t)n->segments);
        break;
    case EFFECT_CLOCK:
        n->line = e->u.clock;
        break;
    case EFFECT_REPLY:
        town_replied(n, e);
        break;
    case EFFECT_STATE:
        assert_int_equal(cbor_check(e->u.state.body), 0);
        n->states++;
        break;
    case EFFECT_WAKE:
        n->wake_ns = e->u.wake.at_ns;
        break;
    }
}

static inline uint64_t town_mix(uint64_t h, const void *data, size_t len)
{
    const uint8_t *p = data;

    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    return h;
}

static inline uint64_t town_hash(uint64_t h, const struct effect *e)
{
    h = town_mix(h, &e->kind, sizeof(e->kind));
    switch ((int)e->kind) {
    case EFFECT_LINK_SEND:
        return town_mix(h, e->u.send.frame.data, e->u.send.frame.len);
    case EFFECT_DATAGRAM_SEND:
        return town_mix(h, e->u.datagram.data.data, e->u.datagram.data.len);
    case EFFECT_REPLY:
        return town_mix(h, e->u.reply.body.data, e->u.reply.body.len);
    case EFFECT_STATE:
        return town_mix(h, e->u.state.body.data, e->u.state.body.len);
    case EFFECT_WAKE:
        return town_mix(h, &e->u.wake.at_ns, sizeof(e->u.wake.at_ns));
    default:
        return h;
    }
}

/* ---- steps ---- */

static inline void town_step(int node, struct event *e)
{
    struct town_node *n = &town.n[node];
    int wakes = 0;

    e->now_ns = town.now_ns + n->offset_ns;
    town_out.dropped = 0;
    town_out.outbox.dropped = 0;
    node_step(n->node, e, &town_out);
    if (!town.is_choking) {
        assert_int_equal(town_out.dropped, 0);
        assert_int_equal(town_out.outbox.dropped, 0);
    }
    /* Nobody's wish or deadline was overlooked. */
    assert_true(n->node->overlay_wake_ns <= overlay_wake_ns(&n->node->overlay));
    assert_true(n->node->floods_wake_ns <= flood_wake_ns(&n->node->floods));
    assert_true(n->node->floods_wake_ns <= trees_wake_ns(n->node));
    assert_int_equal(n->node->overlay.dials.taken_count, n->node->overlay.dials.count);
    assert_int_equal(n->node->overlay.drop_count, 0);
    assert_null(overlay_check(&n->node->overlay));
    assert_null(floods_check(&n->node->floods));
    assert_true(party_check(node_party(n->node)));
    if (node_swarm(n->node) != NULL)
        swarm_check(node_swarm(n->node));
    for (int i = 0; getenv("TOWN_LOG") != NULL && i < town_out.log.count; i++)
        print_message("%8.3f %d %s\n", (double)town.now_ns / 1e9, node,
                      town_out.log.lines[i].text);
    town_out.log.count = 0;
    for (int i = 0; i < town_out.count; i++) {
        wakes += town_out.list[i].kind == EFFECT_WAKE;
        n->hash = town_hash(n->hash, &town_out.list[i]);
        town_carry_out(node, &town_out.list[i]);
    }
    assert_int_equal(wakes, 1);
}

static inline void town_start(int node)
{
    static struct memory_item items[TOWN_KEPT];
    struct town_node *n = &town.n[node];
    struct event e = { .kind = EVENT_START };
    struct node_memory home;

    arena_init(&n->arena, n->memory, TOWN_MEMORY);
    memset(n->memory, 0, TOWN_MEMORY);
    home = (struct node_memory){ &n->arena, &n->pool, &n->contacts };
    pool_init(&n->pool, n->memory + TOWN_MEMORY, TOWN_POOL);
    contacts_init(&n->contacts, &n->pool, 1);
    node_params_spread(&n->params);
    n->node = node_create(&home, &n->params, &n->setup, &n->seeds);
    assert_non_null(n->node);
    n->is_running = true;
    n->wake_ns = TIME_NEVER;
    for (int i = 0; i < n->kept_count; i++) {
        items[i].key = bytes_of(n->kept[i].key, n->kept[i].key_len);
        items[i].value = bytes_of(n->kept[i].value, n->kept[i].value_len);
    }
    e.u.start.items = items;
    e.u.start.count = n->kept_count;
    town_step(node, &e);
}

/* A node without its operating system and its sound card is no party guest. */
static inline void town_equip(int node)
{
    struct event e = { .kind = EVENT_SYSTEM_CLOCK };

    e.u.system_clock.utc_ns = INT64_C(1790000000) * S + town.now_ns;
    e.u.system_clock.bound_ns = NS_PER_MS;
    e.u.system_clock.is_synchronised = true;
    town_step(node, &e);
    e = (struct event){ .kind = EVENT_AUDIO };
    e.u.audio.is_open = true;
    e.u.audio.instant_ns = town.now_ns + town.n[node].offset_ns;
    town_step(node, &e);
}

static inline void town_stop(int node)
{
    struct town_node *n = &town.n[node];

    n->is_running = false;
    for (int i = 0; i < town.wires; i++) {
        for (int end = 0; end < 2; end++) {
            if (town.wire[i].node[end] == node && town.wire[i].is_up[end])
                town_close(node, town.wire[i].link[end]);
        }
    }
    for (int i = 0; i < town.items; i++) {
        if (town.item[i].node == node)
            town.item[i].node = -1;
    }
    node_destroy(n->node);
}

/* Its process gets no time for so long; what comes meanwhile is read later, and behind
 * the timers that are due, as event loops do. */
static inline void town_pause(int node, int64_t for_ns)
{
    town.n[node].resume_ns = town.now_ns + for_ns;
    town.n[node].read_ns = town.n[node].resume_ns + 1;
    for (int i = 0; i < town.items; i++) {
        if (town.item[i].node == node)
            town.item[i].at_ns = town_later(town.item[i].at_ns, town.n[node].read_ns);
    }
}

/* The next thing that happens until then; false when there is none. */
static inline bool town_next(int64_t until_ns)
{
    struct town_item item = { .at_ns = until_ns + 1, .node = -1 };
    int first = -1;

    for (int i = 0; i < town.items; i++) {
        const struct town_item *x = &town.item[i];

        if (x->at_ns < item.at_ns ||
            (x->at_ns == item.at_ns && first >= 0 && x->order < town.item[first].order)) {
            first = i;
            item = *x;
        }
    }
    for (int i = 0; i < town.count; i++) {
        const struct town_node *n = &town.n[i];
        int64_t at_ns = n->wake_ns == TIME_NEVER
                            ? TIME_NEVER
                            : town_later(n->wake_ns - n->offset_ns, n->resume_ns);

        if (n->is_running && at_ns < item.at_ns) {
            first = -1;
            item = (struct town_item){ .at_ns = at_ns, .node = i };
            item.e.kind = EVENT_WAKE;
        }
    }
    if (item.at_ns > until_ns)
        return false;
    if (first >= 0)
        town.item[first] = town.item[--town.items];
    if (item.at_ns > town.now_ns)
        town.now_ns = item.at_ns;
    if (item.node >= 0) {
        town.n[item.node].wakes += item.e.kind == EVENT_WAKE;
        town_step(item.node, &item.e);
    }
    free(item.data);
    return true;
}

static inline void town_run(int64_t for_ns)
{
    int64_t until_ns = town.now_ns + for_ns;

    for (int64_t steps = 0; town_next(until_ns); steps++)
        assert_true(steps < 3000000); /* it would never end */
    town.now_ns = until_ns;
}

/* Its machine sleeps for so long, and is wrong by error_ns about how long that was. */
static inline void town_sleep(int node, int64_t for_ns, int64_t error_ns)
{
    struct event e = { .kind = EVENT_SLEPT };

    town_pause(node, for_ns);
    town_run(for_ns - 1);
    town.n[node].offset_ns += error_ns;
    town_step(node, &e);
}

/* ---- making one ---- */

static inline void town_params(struct node_params *p)
{
    *p = node_params_default();
    p->peers_max = 8;
    p->flood.seen_max = 128;
    p->flood.origins_max = 32;
    p->swarm.song_blocks_max = 16;
    p->overlay.passive_max = 16;
}

static inline void town_clear(void)
{
    for (int i = 0; i < town.items; i++)
        free(town.item[i].data);
    for (int i = 0; i < TOWN_MAX; i++)
        free(town.n[i].memory);
    memset(&town, 0, sizeof(town));
}

/* Nodes that do not run yet; node i joins node 0.  Their params may be changed until they
 * are started. */
static inline void town_make(int count, uint8_t seed)
{
    town_clear();
    town.count = count;
    town.next_link = 1;
    town.now_ns = S;
    town_out.log.level = LOG_DEBUG;
    assert_int_equal(secure_init(), 0);
    town_songs();
    for (int i = 0; i < count; i++) {
        struct town_node *n = &town.n[i];

        n->memory = aligned_alloc(64, TOWN_MEMORY + TOWN_POOL);
        n->seeds = (struct node_identity){ { seed, (uint8_t)(i + 1) },
                                           { seed, (uint8_t)(i + 1), 1 } };
        n->offset_ns = (i + 1) * 1000 * S + i * 12345;
        town_params(&n->params);
        n->setup.name[0] = (char)('a' + i);
        n->setup.listen = town_addr(i);
        if (i > 0) {
            n->setup.join_count = 1;
            n->setup.joins[0] = town_addr(0);
        }
    }
}

static inline void town_start_all(void)
{
    for (int i = 0; i < town.count; i++) {
        town_start(i);
        town_equip(i);
    }
}

#endif
