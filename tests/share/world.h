/* A small world for swarms: nodes with limited uplinks, latency, disks that take time,
 * and some that misbehave.  Virtual time; nothing here is part of the program.
 *
 * Each node sends its messages to one peer after the other in turn (as TCP shares an
 * uplink), in order for each pair.  SPDX-License-Identifier: MIT */
#ifndef TESTS_SHARE_WORLD_H
#define TESTS_SHARE_WORLD_H

#include "tests/check.h"

#include "base/rng.h"
#include "base/time.h"
#include "secure/hash.h"
#include "share/merkle.h"
#include "share/swarm.h"

#define WORLD_NODES_MAX 40
#define WORLD_SONGS_MAX 5
#define FRAME_OVERHEAD  58 /* IP, TCP, frame length and tag */

enum conduct {
    HONEST,
    LIAR,   /* has everything, sends blocks with a wrong byte */
    MUTE,   /* says it has everything, sends none */
    GARBLER /* says it has everything, sends whatever comes to mind */
};

struct packet {
    struct packet *next;
    int from;
    int to;
    size_t len;
    uint8_t data[];
};

struct lane {
    struct packet *first;
    struct packet *last;
    size_t bytes;
};

struct world_node {
    bool is_alive;
    enum conduct conduct;
    int64_t rate; /* bytes per second up */
    struct swarm swarm;
    void *memory;
    struct pool pool;
    struct heap heap;
    struct swarm_params params;
    struct lane lanes[WORLD_NODES_MAX]; /* by receiver */
    int turn;
    bool is_sending;
    bool *held[WORLD_SONGS_MAX]; /* what is on its disk */
    int64_t wake_ns;             /* of the event under way */
    int64_t sent;                /* payload bytes of blocks */
    int64_t head_ns;             /* when the head of song 0 was there */
    int64_t done_ns;
    int disk_fails; /* so many stores fail from now on */
    size_t lane_peak;
};

enum world_event_kind { SENT, DELIVERED, STORED, LOADED, WOKEN, KILL, REVIVE };

struct world_event {
    int64_t at_ns;
    int64_t order;
    enum world_event_kind kind;
    int node;
    struct packet *packet;
    int song;
    int block;
    bool fails;
};

struct world {
    int64_t now_ns;
    int64_t order;
    int64_t latency_ns;
    int64_t disk_ns;
    int nodes;
    int songs;
    int blocks; /* of each song */
    int head_blocks;
    uint64_t bytes;
    uint8_t *content[WORLD_SONGS_MAX];
    uint8_t *leaves[WORLD_SONGS_MAX];
    struct song_id ids[WORLD_SONGS_MAX];
    struct world_node *node;
    struct rng rng;
    struct log log;
    struct outbox *out;
    int event_count;
    int event_size;
    struct world_event *events;
    int64_t steps;
    int checks; /* look at the invariants after so many steps */
};

/* --- the queue of events: a binary heap -------------------------------------- */

static bool event_before(const struct world_event *a, const struct world_event *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void world_push(struct world *w, struct world_event e)
{
    int i = w->event_count++;

    if (w->event_count > w->event_size) {
        w->event_size = 2 * w->event_size + 1024;
        w->events = realloc(w->events, (size_t)w->event_size * sizeof(e));
        assert_non_null(w->events);
    }
    e.order = w->order++;
    for (; i > 0 && event_before(&e, &w->events[(i - 1) / 2]); i = (i - 1) / 2)
        w->events[i] = w->events[(i - 1) / 2];
    w->events[i] = e;
}

static struct world_event world_pop(struct world *w)
{
    struct world_event top = w->events[0];
    struct world_event last = w->events[--w->event_count];
    int i = 0;

    for (;;) {
        int child = 2 * i + 1;

        if (child >= w->event_count)
            break;
        if (child + 1 < w->event_count &&
            event_before(&w->events[child + 1], &w->events[child]))
            child++;
        if (!event_before(&w->events[child], &last))
            break;
        w->events[i] = w->events[child];
        i = child;
    }
    w->events[i] = last;
    return top;
}

/* --- the network ------------------------------------------------------------- */

static void world_send_next(struct world *w, int from)
{
    struct world_node *n = &w->node[from];

    if (n->is_sending)
        return;
    for (int k = 0; k < w->nodes; k++) {
        int to = (n->turn + k) % w->nodes;
        struct lane *lane = &n->lanes[to];
        struct packet *p = lane->first;

        if (p == NULL)
            continue;
        lane->first = p->next;
        lane->bytes -= p->len;
        n->turn = (to + 1) % w->nodes;
        n->is_sending = true;
        world_push(w, (struct world_event){
                          .at_ns = w->now_ns + mul_div((int64_t)p->len + FRAME_OVERHEAD,
                                                       NS_PER_S, n->rate),
                          .kind = SENT,
                          .node = from,
                          .packet = p });
        return;
    }
}

static void world_send(struct world *w, int from, int to, const uint8_t *data, size_t len)
{
    struct world_node *n = &w->node[from];
    struct lane *lane = &n->lanes[to];
    struct packet *p = malloc(sizeof(*p) + len);

    assert_non_null(p);
    p->next = NULL;
    p->from = from;
    p->to = to;
    p->len = len;
    memcpy(p->data, data, len);
    if (lane->first == NULL)
        lane->first = p;
    else
        lane->last->next = p;
    lane->last = p;
    lane->bytes += len;
    if (lane->bytes > n->lane_peak)
        n->lane_peak = lane->bytes;
    world_send_next(w, from);
}

/* What becomes of a message of a node that is not honest.  False: it is not sent. */
static bool world_spoil(struct world *w, int from, uint8_t *data, size_t len)
{
    struct msg m;

    if (w->node[from].conduct == HONEST || msg_decode(bytes_of(data, len), &m) != 0)
        return true;
    if (w->node[from].conduct == MUTE)
        return m.type != MSG_BLOCK && m.type != MSG_LEAVES;
    if (m.type == MSG_BLOCK || (m.type == MSG_LEAVES && w->node[from].conduct == GARBLER))
        data[len - 1 - (size_t)rng_below(&w->rng, 1000) % (len / 2)] ^= 0x10;
    return true;
}

static void world_garble(struct world *w, int from)
{
    uint8_t junk[64];
    uint8_t wire[MSG_SIZE_MAX];
    struct msg m = { .type = MSG_HAVE };
    int to = (int)rng_below(&w->rng, w->nodes);

    if (to == from || !w->node[to].is_alive)
        return;
    for (size_t i = 0; i < sizeof(junk); i++)
        junk[i] = (uint8_t)rng_next(&w->rng);
    switch (rng_below(&w->rng, 6)) {
    case 0:
        m.u.have.song = w->ids[0];
        m.u.have.bitmap = bytes_of(junk, (size_t)rng_below(&w->rng, sizeof(junk)));
        break;
    case 1:
        m.type = MSG_BLOCK;
        m.u.block.song = w->ids[rng_below(&w->rng, w->songs)];
        m.u.block.index = (uint32_t)rng_below(&w->rng, 2 * w->blocks);
        m.u.block.data = bytes_of(junk, sizeof(junk));
        break;
    case 2:
        m.type = MSG_LEAVES;
        m.u.leaves.song = w->ids[rng_below(&w->rng, w->songs)];
        m.u.leaves.hashes = bytes_of(junk, sizeof(junk));
        break;
    case 3:
        m.type = MSG_LEAVES_GET;
        m.u.leaves_get.song = w->ids[rng_below(&w->rng, w->songs)];
        m.u.leaves_get.first = (uint32_t)rng_next(&w->rng);
        m.u.leaves_get.count = 1 + (uint32_t)rng_below(&w->rng, MSG_LEAVES_MAX);
        break;
    default:
        m.type = MSG_HAVE_BLOCKS + (enum msg_type)rng_below(&w->rng, 5);
        if (m.type == MSG_BLOCK)
            m.type = MSG_WANT;
        m.u.blocks.song = w->ids[rng_below(&w->rng, w->songs)];
        m.u.blocks.count = 1 + (int)rng_below(&w->rng, 8);
        for (int i = 0; i < m.u.blocks.count; i++)
            m.u.blocks.list[i] = (uint32_t)(rng_below(&w->rng, 2) == 0
                                                ? rng_below(&w->rng, w->blocks)
                                                : (int64_t)(rng_next(&w->rng) >> 32));
        break;
    }
    world_send(w, from, to, wire, msg_encode(&m, wire, sizeof(wire)));
}

/* --- a node and its driver --------------------------------------------------- */

static int world_song(const struct world *w, const struct song_id *id)
{
    for (int i = 0; i < w->songs; i++) {
        if (song_id_equal(&w->ids[i], id))
            return i;
    }
    fail_msg("a song that is not in the world");
    return -1;
}

static void world_ship(struct world *w, int from)
{
    struct outbox *o = w->out;

    assert_true(o->dropped == 0);
    for (int i = 0; i < o->count; i++) {
        struct outbox_item *item = &o->items[i];

        if (!w->node[item->peer].is_alive)
            continue;
        if (world_spoil(w, from, o->data + item->start, item->len))
            world_send(w, from, item->peer, o->data + item->start, item->len);
        if (w->node[from].conduct == GARBLER)
            world_garble(w, from);
    }
    outbox_clear(o);
}

/* What the driver does after each call into the swarm. */
static void world_after(struct world *w, int i)
{
    struct world_node *n = &w->node[i];
    struct swarm_block b;
    struct song_id song;
    struct bytes hashes;
    int peer;

    w->steps++;
    while (swarm_take_store(&n->swarm, &b)) {
        int g = world_song(w, &b.song);
        size_t at = (size_t)b.index * BLOCK_SIZE;

        assert_int_equal(b.data.len, merkle_block_len(w->bytes, (int)b.index));
        assert_memory_equal(b.data.data, w->content[g] + at, b.data.len);
        world_push(w, (struct world_event){ .at_ns = w->now_ns + w->disk_ns,
                                            .kind = STORED,
                                            .node = i,
                                            .song = g,
                                            .block = (int)b.index,
                                            .fails = n->disk_fails > 0 });
        n->disk_fails -= n->disk_fails > 0;
    }
    while (swarm_take_load(&n->swarm, &b)) {
        int g = world_song(w, &b.song);

        assert_true(n->held[g][b.index]);
        world_push(w, (struct world_event){ .at_ns = w->now_ns + w->disk_ns,
                                            .kind = LOADED,
                                            .node = i,
                                            .song = g,
                                            .block = (int)b.index });
    }
    while (swarm_take_leaves(&n->swarm, &song, &hashes))
        assert_memory_equal(hashes.data, w->leaves[world_song(w, &song)], hashes.len);
    while (swarm_take_banned(&n->swarm, &peer))
        assert_true(w->node[peer].conduct == LIAR || w->node[peer].conduct == GARBLER);
    world_ship(w, i);
    if (w->checks > 0 && w->steps % w->checks == 0)
        swarm_check(&n->swarm);
    w->log.count = 0;
    if (swarm_wake_ns(&n->swarm) < n->wake_ns) {
        n->wake_ns = swarm_wake_ns(&n->swarm);
        world_push(w, (struct world_event){ .at_ns = n->wake_ns > w->now_ns ? n->wake_ns
                                                                            : w->now_ns,
                                            .kind = WOKEN,
                                            .node = i });
    }
}

static void world_open(struct world *w, int i, int song, bool has_all)
{
    struct world_node *n = &w->node[i];
    uint8_t bitmap[MSG_BITMAP_MAX] = { 0 };
    struct swarm_local local = { .has_all = has_all };
    int held = 0;

    for (int b = 0; b < w->blocks; b++) {
        n->held[song][b] |= has_all;
        held += n->held[song][b];
        if (n->held[song][b])
            bitmap[b / 8] |= (uint8_t)(0x80 >> b % 8);
    }
    if (held > 0)
        local.leaves = bytes_of(w->leaves[song], (size_t)w->blocks * HASH_LEN);
    if (held > 0 && !has_all)
        local.bitmap = bytes_of(bitmap, ((size_t)w->blocks + 7) / 8);
    swarm_opened(&n->swarm, &w->ids[song], &local, w->now_ns, w->out);
    world_after(w, i);
}

static const struct node_id *world_name(int i)
{
    static struct node_id id;

    hash_blake2b(id.b, NODE_ID_LEN, "test.name",
                 &(struct bytes){ (const uint8_t *)&i, sizeof(i) }, 1);
    return &id;
}

/* A node comes up with what its disk holds, and meets all others. */
static void world_start(struct world *w, int i)
{
    struct world_node *n = &w->node[i];
    const size_t size = (size_t)4 << 20;

    n->params = swarm_params_default();
    n->params.song_blocks_max = w->blocks;
    n->params.peers_max = WORLD_NODES_MAX;
    if (n->memory == NULL)
        n->memory = aligned_alloc(64, size);
    assert_non_null(n->memory);
    pool_init(&n->pool, n->memory, size);
    heap_init(&n->heap, &n->pool);
    swarm_init(&n->swarm, &n->params, &n->heap, rng_next(&w->rng), &w->log);
    swarm_set_name(&n->swarm, -1, world_name(i));
    n->is_alive = true;
    n->wake_ns = TIME_NEVER;
    for (int g = 0; g < w->songs; g++) {
        assert_int_equal(swarm_add(&n->swarm, &w->ids[g], w->bytes, 0), 0);
        n->swarm.songs[g].head_blocks = w->head_blocks;
    }
    for (int p = 0; p < w->nodes; p++) {
        if (p == i || !w->node[p].is_alive)
            continue;
        swarm_peer_up(&n->swarm, p, w->now_ns, w->out);
        swarm_set_name(&n->swarm, p, world_name(p));
        world_after(w, i);
        swarm_peer_up(&w->node[p].swarm, i, w->now_ns, w->out);
        swarm_set_name(&w->node[p].swarm, i, world_name(i));
        world_after(w, p);
    }
    for (int g = 0; g < w->songs; g++)
        world_open(w, i, g, n->conduct != HONEST || i == 0);
}

static void world_kill(struct world *w, int i)
{
    struct world_node *n = &w->node[i];

    n->is_alive = false;
    for (int p = 0; p < w->nodes; p++) {
        for (struct packet *k = n->lanes[p].first; k != NULL;) {
            struct packet *next = k->next;

            free(k);
            k = next;
        }
        n->lanes[p] = (struct lane){ NULL, NULL, 0 };
        if (p == i || !w->node[p].is_alive)
            continue;
        swarm_peer_down(&w->node[p].swarm, i, w->now_ns, w->out);
        world_after(w, p);
    }
    free(n->memory);
    n->memory = NULL;
}

static bool world_is_done(const struct world *w, int i)
{
    for (int g = 0; g < w->songs; g++) {
        if (!swarm_is_complete(&w->node[i].swarm, &w->ids[g]))
            return false;
    }
    return true;
}

static void world_note(struct world *w, int i)
{
    struct world_node *n = &w->node[i];
    bool has_head = true;

    for (int b = 0; b < w->head_blocks && n->head_ns == 0; b++)
        has_head = has_head && n->held[0][b];
    if (has_head && n->head_ns == 0)
        n->head_ns = w->now_ns;
    if (n->done_ns == 0 && world_is_done(w, i))
        n->done_ns = w->now_ns;
}

static void world_deliver(struct world *w, struct packet *p)
{
    struct world_node *to = &w->node[p->to];
    struct msg m;

    if (to->is_alive && w->node[p->from].is_alive &&
        msg_decode(bytes_of(p->data, p->len), &m) == 0) {
        swarm_receive(&to->swarm, p->from, &m, w->now_ns, w->out);
        world_after(w, p->to);
    }
    free(p);
}

static void world_sent(struct world *w, int i, struct packet *p)
{
    if (p->len > 1000 && w->node[i].is_alive)
        w->node[i].sent += (int64_t)p->len;
    world_push(w, (struct world_event){ .at_ns = w->now_ns + w->latency_ns,
                                        .kind = DELIVERED,
                                        .node = p->to,
                                        .packet = p });
    w->node[i].is_sending = false;
    world_send_next(w, i);
}

static void world_disk(struct world *w, const struct world_event *e)
{
    struct world_node *n = &w->node[e->node];
    struct swarm_block b = { .song = w->ids[e->song], .index = (uint32_t)e->block };

    if (!n->is_alive)
        return;
    if (e->kind == STORED) {
        b.err = e->fails ? ERR_DISK : 0;
        n->held[e->song][e->block] |= !e->fails;
        swarm_stored(&n->swarm, &b, w->now_ns, w->out);
        world_note(w, e->node);
    } else {
        b.data = bytes_of(w->content[e->song] + (size_t)e->block * BLOCK_SIZE,
                          merkle_block_len(w->bytes, e->block));
        swarm_loaded(&n->swarm, &b, w->now_ns, w->out);
    }
    world_after(w, e->node);
}

/* Carry out one event.  False when there is none, or none before the end. */
static bool world_step(struct world *w, int64_t end_ns)
{
    struct world_event e;

    if (w->event_count == 0 || w->events[0].at_ns > end_ns)
        return false;
    e = world_pop(w);
    w->now_ns = e.at_ns;
    switch (e.kind) {
    case SENT:
        world_sent(w, e.node, e.packet);
        break;
    case DELIVERED:
        world_deliver(w, e.packet);
        break;
    case STORED:
    case LOADED:
        world_disk(w, &e);
        break;
    case WOKEN:
        w->node[e.node].wake_ns = TIME_NEVER;
        if (w->node[e.node].is_alive) {
            swarm_wake(&w->node[e.node].swarm, w->now_ns, w->out);
            world_after(w, e.node);
        }
        break;
    case KILL:
        if (w->node[e.node].is_alive)
            world_kill(w, e.node);
        break;
    case REVIVE:
        if (!w->node[e.node].is_alive)
            world_start(w, e.node);
        break;
    }
    return true;
}

/* --- making and ending it ---------------------------------------------------- */

static void world_init(struct world *w, int nodes, int songs, int blocks, uint64_t seed)
{
    memset(w, 0, sizeof(*w));
    w->nodes = nodes;
    w->songs = songs;
    w->blocks = blocks;
    w->head_blocks = blocks / 4 + 1;
    w->bytes = (uint64_t)blocks * BLOCK_SIZE - 1000; /* the last block is short */
    w->latency_ns = 5 * NS_PER_MS;
    w->disk_ns = NS_PER_MS;
    w->checks = 1;
    w->log.level = LOG_DEBUG;
    rng_seed(&w->rng, seed);
    assert_int_equal(secure_init(), 0);
    w->out = calloc(1, sizeof(*w->out));
    w->node = calloc((size_t)nodes, sizeof(*w->node));
    assert_true(w->out != NULL && w->node != NULL && nodes <= WORLD_NODES_MAX);
    for (int g = 0; g < songs; g++) {
        struct merkle *m = malloc(sizeof(*m));

        w->content[g] = malloc((size_t)blocks * BLOCK_SIZE);
        w->leaves[g] = malloc((size_t)blocks * HASH_LEN);
        assert_true(m != NULL && w->content[g] != NULL && w->leaves[g] != NULL);
        for (size_t i = 0; i < (size_t)blocks * BLOCK_SIZE; i += 8)
            store_be64(w->content[g] + i, rng_next(&w->rng));
        merkle_init(m, w->leaves[g], blocks);
        assert_int_equal(merkle_add(m, bytes_of(w->content[g], w->bytes)), 0);
        assert_int_equal(merkle_finish(m, &w->ids[g]), 0);
        free(m);
    }
    for (int i = 0; i < nodes; i++) {
        w->node[i].rate = 2000000;
        for (int g = 0; g < songs; g++)
            w->node[i].held[g] = calloc((size_t)blocks, sizeof(bool));
    }
}

static void world_finish(struct world *w)
{
    for (int i = 0; i < w->nodes; i++) {
        if (w->node[i].is_alive)
            world_kill(w, i);
        for (int g = 0; g < w->songs; g++)
            free(w->node[i].held[g]);
    }
    while (w->event_count > 0) {
        struct world_event e = world_pop(w);

        if (e.kind == SENT || e.kind == DELIVERED)
            free(e.packet);
    }
    for (int g = 0; g < w->songs; g++) {
        free(w->content[g]);
        free(w->leaves[g]);
    }
    free(w->events);
    free(w->node);
    free(w->out);
}

/* The least time in which the honest members can have everything: the source must send
 * all of it once, and all uplinks together as often as there are members. */
static int64_t world_bound_ns(const struct world *w)
{
    int64_t all = (int64_t)w->bytes * w->songs;
    int64_t rates = 0;
    int64_t needs = 0;
    int64_t once = mul_div(all, NS_PER_S, w->node[0].rate);

    for (int i = 0; i < w->nodes; i++) {
        if (w->node[i].conduct != HONEST)
            continue;
        rates += w->node[i].rate;
        needs += i > 0 ? all : 0;
    }
    needs = mul_div(needs, NS_PER_S, rates);
    return once > needs ? once : needs;
}

#endif
