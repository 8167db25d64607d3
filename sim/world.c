/* SPDX-License-Identifier: MIT */
#include "sim/world.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

#include "base/time.h"
#include "sim/exchange.h"
#include "sim/memory.h"
#include "sim/part.h"
#include "sim/random.h"

#define REGION_MAX ((size_t)64 << 30)
#define ARENA_MAX  ((size_t)256 * 1024 * 1024)
#define FULL_SLOT                                                                        \
    (INT64_C(1) << 36)  /* nodes times nanoseconds: about a thousand events */
#define HUGE_WORLD 1000 /* nodes from which on large pages pay */

static void *map(const struct world *w, size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (p == MAP_FAILED)
        memory_fail();
    if (w->p.node_count >= HUGE_WORLD)
        (void)madvise(p, size, MADV_HUGEPAGE); /* a wish */
    return p;
}

/* ---- nodes ---- */

static struct node_setup setup_of(const struct world *w, int node)
{
    struct node_setup s = w->p.setup;
    struct text name;

    text_init(&name, s.name, sizeof(s.name));
    text_add(&name, "node");
    text_add_int(&name, node);
    s.listen = world_addr(w, node);
    if (node % 2 == 1)
        memset(s.listen.ip, 0, sizeof(s.listen.ip)); /* any */
    for (int i = 0; i < w->p.ntp_count; i++)
        s.servers[s.server_count++] = world_ntp_addr(i);
    return s;
}

void world_identity_seed(const struct world *w, int node, uint8_t seed[static 32])
{
    const struct world_more *more = w->nodes[node].more;
    uint64_t wipes = more == NULL ? 0 : (uint64_t)more->wipes << 32;

    for (uint64_t i = 0; i < 4; i++)
        store_be64(seed + 8 * i,
                   random_word(w->p.seed, RANDOM_IDENTITY, (uint64_t)node, i + wipes));
}

static void seeds_of(const struct world *w, int node, struct node_identity *seeds)
{
    uint64_t life = w->nodes[node].life;

    world_identity_seed(w, node, seeds->identity_seed);
    for (uint64_t i = 0; i < 4; i++)
        store_be64(seeds->entropy + 8 * i,
                   random_word(w->p.seed, RANDOM_IDENTITY, (uint64_t)node,
                               (life << 8) + 16 + i));
}

/* The first node tells how much memory one takes. */
static void measure(struct world *w, struct world_part *p)
{
    struct node_setup setup = setup_of(w, 0);
    struct node_identity seeds = { 0 };
    void *memory = map(w, ARENA_MAX);
    struct arena a;
    struct node_memory home = { &a, &p->pool, &p->contacts };
    struct node *n;

    arena_init(&a, memory, ARENA_MAX);
    n = node_create(&home, &w->p.node, &setup, &seeds);
    if (n == NULL)
        abort();
    node_destroy(n);
    w->node_bytes = (a.used + 63) & ~(size_t)63;
    munmap(memory, ARENA_MAX);
}

static void create(struct world_part *p, int node)
{
    struct world *w = p->w;
    struct world_node *n = &w->nodes[node];
    struct node_setup setup = setup_of(w, node);
    const struct node_params *params = &w->p.node;
    struct node_identity seeds;
    struct arena a;
    struct node_memory home = { &a, &p->pool, &p->contacts };

    if (w->hooks.set_up != NULL)
        w->hooks.set_up(w->hooks.context, node, &setup, &params);
    arena_init(&a, w->arenas + (size_t)node * w->node_bytes, w->node_bytes);
    seeds_of(w, node, &seeds);
    n->node = node_create(&home, params, &setup, &seeds);
    assert(n->node != NULL);
}

/* Parts stand at different instants within a window; what an experiment does, it does at
 * the instant of its tick. */
static struct world_part *local_part(const struct world *w, int node)
{
    return world_is_local(w, node) ? part_of(w, node) : NULL;
}

void world_create(struct world *w, int node)
{
    struct world_node *n = &w->nodes[node];

    assert(n->node == NULL);
    n->life++;
    n->is_dark = false;
    n->wake_ns = TIME_NEVER;
    n->armed_ns = TIME_NEVER;
    create(part_of(w, node), node);
}

void world_begin(struct world *w, int node)
{
    struct world_part *p = part_of(w, node);
    const struct world_more *more = w->nodes[node].more;
    struct memory_item items[WORLD_REMEMBER_MAX];
    struct event e = { .kind = EVENT_START };

    for (int i = 0; more != NULL && i < more->item_count; i++) {
        const struct world_item *item = &more->items[i];

        items[i].key = bytes_of(item->key, item->key_len);
        items[i].value = bytes_of(item->value, item->value_len);
        e.u.start.count++;
    }
    e.u.start.items = items;
    part_step(p, node, &e, bytes_of(NULL, 0));
    (void)part_post_self(p, PACKET_CLOCK, node, NS_PER_MS, 0);
    (void)part_post_self(p, PACKET_AUDIO, node, 5 * NS_PER_MS, 0);
}

void world_start(struct world *w, int node)
{
    if (local_part(w, node) == NULL)
        return;
    world_create(w, node);
    world_begin(w, node);
}

void world_start_at(struct world *w, int node, int64_t at_ns)
{
    struct world_part *p = local_part(w, node);

    if (p != NULL)
        (void)part_post_self(p, PACKET_START, node, at_ns - p->now_ns, 0);
}

static void drop_held(struct world_part *p, struct world_more *more)
{
    for (int i = 0; i < more->held_count; i++)
        packets_give(&p->packets, more->held[i]);
    more->held_count = 0;
    more->has_missed_wake = false;
}

void world_crash(struct world *w, int node, bool is_dark)
{
    struct world_part *p = local_part(w, node);
    struct world_node *n = &w->nodes[node];

    if (p == NULL)
        return;
    n->is_dark = is_dark;
    if (n->node == NULL)
        return;
    node_destroy(n->node);
    n->node = NULL;
    n->is_paused = false;
    n->is_audio_due = false;
    n->armed_ns = TIME_NEVER;
    if (n->more != NULL) {
        drop_held(p, n->more);
        disk_settle(n->more, p->now_ns, true);
        free(n->more->player);
        n->more->player = NULL;
    }
    links_forget(p, node, is_dark);
}

void world_pause(struct world *w, int node)
{
    struct world_node *n = &w->nodes[node];

    if (!world_is_up(w, node))
        return;
    (void)part_more(n);
    n->is_paused = true;
}

void world_resume(struct world *w, int node)
{
    struct world_part *p = local_part(w, node);
    struct world_node *n = &w->nodes[node];
    uint32_t *held;
    int count;

    if (p == NULL || !n->is_paused)
        return;
    n->is_paused = false;
    held = n->more->held;
    count = n->more->held_count;
    n->more->held = NULL;
    n->more->held_count = n->more->held_room = 0;
    if (n->more->has_missed_wake) {
        n->more->has_missed_wake = false;
        part_arm(p, node);
    }
    for (int i = 0; i < count; i++)
        part_deliver(p, node, held[i]);
    free(held);
}

void world_wake_up(struct world *w, int node, int64_t error_ns)
{
    struct world_part *p = local_part(w, node);
    struct event e = { .kind = EVENT_SLEPT };

    if (p == NULL || !w->nodes[node].is_paused)
        return;
    clock_model_go(world_clock(w, node), error_ns);
    part_step(p, node, &e, bytes_of(NULL, 0));
    part_tell_clock(p, node);
    world_resume(w, node);
}

void world_set_clock(struct world *w, int node, const struct clock_model_params *p)
{
    struct world_more *more = part_more(&w->nodes[node]);

    if (more->clock == NULL)
        more->clock = memory_new(1, sizeof(*more->clock));
    clock_model_init(more->clock, w->p.seed, (uint64_t)node, p);
}

struct clock_model *world_clock(const struct world *w, int node)
{
    const struct world_more *more = w->nodes[node].more;

    return more == NULL ? NULL : more->clock;
}

void world_step_utc(struct world *w, int node, int64_t by_ns)
{
    part_more(&w->nodes[node])->utc_step_ns += by_ns;
}

void world_set_disk(struct world *w, int node, const struct world_disk *disk)
{
    part_more(&w->nodes[node])->disk = *disk;
}

void world_wipe(struct world *w, int node)
{
    struct world_more *more = part_more(&w->nodes[node]);

    assert(w->nodes[node].node == NULL);
    if (more->store != NULL)
        store_finish(more->store);
    free(more->store);
    more->store = NULL;
    more->item_count = 0;
    more->write_count = 0;
    more->wipes++;
}

void world_reset_links(struct world *w, int node)
{
    if (local_part(w, node) != NULL && world_is_up(w, node))
        links_reset(part_of(w, node), node);
}

void world_mute_links(struct world *w, int node)
{
    if (local_part(w, node) != NULL)
        links_mute(part_of(w, node), node);
}

uint64_t world_next_command(const struct world *w, int node)
{
    const struct world_more *more = w->nodes[node].more;

    return more == NULL ? 1 : more->next_command + 1;
}

uint64_t world_command(struct world *w, int node, struct bytes request)
{
    struct world_part *p = local_part(w, node);
    struct event e = { .kind = EVENT_COMMAND };

    if (p == NULL)
        return 0;
    e.u.command.id = ++part_more(&w->nodes[node])->next_command;
    e.u.command.request = request;
    part_step(p, node, &e, request);
    return e.u.command.id;
}

/* ---- ticks ---- */

static bool tick_before(const void *context, uint64_t a, uint64_t b)
{
    const struct world *w = context;

    return w->tick_list[a].number < w->tick_list[b].number;
}

void world_tick_at(struct world *w, int64_t at_ns, uint64_t token)
{
    uint32_t place;

    assert(at_ns >= w->now_ns);
    if (w->tick_free == 0) {
        uint32_t room = w->tick_room == 0 ? 64 : 2 * w->tick_room;

        w->tick_list = memory_grow(w->tick_list, room, sizeof(*w->tick_list));
        for (uint32_t i = room; i > w->tick_room; i--) {
            w->tick_list[i - 1] = (struct world_tick){ .token = w->tick_free };
            w->tick_free = i;
        }
        w->tick_room = room;
    }
    place = w->tick_free - 1;
    w->tick_free = (uint32_t)w->tick_list[place].token;
    w->tick_list[place] = (struct world_tick){ token, ++w->tick_count };
    wheel_push(&w->ticks, at_ns, place);
    w->tick_ns = time_min(w->tick_ns, at_ns);
}

/* ---- looking at it ---- */

int64_t world_now_ns(const struct world *w, int node)
{
    return part_of(w, node)->now_ns;
}

bool world_is_up(const struct world *w, int node)
{
    return w->nodes[node].node != NULL;
}

bool world_is_local(const struct world *w, int node)
{
    return w->exchange == NULL || w->exchange->part < 0 ||
           w->exchange->part == part_of(w, node)->index;
}

int64_t world_raw_ns(struct world *w, int node)
{
    struct world_part *p = part_of(w, node);

    return part_raw_ns(p, node, p->now_ns);
}

const struct world_player *world_player(const struct world *w, int node)
{
    static const struct world_player nothing;
    const struct world_more *more = w->nodes[node].more;

    return more == NULL || more->player == NULL ? &nothing : more->player;
}

struct store *world_store(struct world *w, int node)
{
    struct world_more *more = part_more(&w->nodes[node]);

    if (more->store == NULL)
        more->store = memory_new(1, sizeof(*more->store));
    return more->store;
}

int world_links(const struct world *w, int node)
{
    const struct link_table *t = w->nodes[node].links;

    return t == NULL ? 0 : t->count;
}

struct addr world_addr(const struct world *w, int node)
{
    return net_addr_of(&w->p.net, node);
}

size_t world_node_memory(const struct world *w)
{
    size_t bytes = (size_t)w->p.node_count * (w->node_bytes + sizeof(*w->nodes));

    for (int i = 0; i < w->part_count; i++)
        bytes += w->parts[i].pool.used;
    return bytes;
}

/* ---- begin and end ---- */

/* To a node first its wake, then by the source and by what it counted. */
static bool packet_before(const void *context, uint64_t a, uint64_t b)
{
    const struct world_part *p = context;
    const struct packet *first;
    const struct packet *second;

    if (a >> 32 != b >> 32)
        return a < b;
    if ((uint32_t)a == 0 || (uint32_t)b == 0)
        return (uint32_t)a == 0 && (uint32_t)b != 0;
    first = packets_at(&p->packets, (uint32_t)a);
    second = packets_at(&p->packets, (uint32_t)b);
    return first->from != second->from ? first->from < second->from
                                       : first->number < second->number;
}

/* A small world takes wider slots, so that there is enough in one to be sorted and
 * fetched together; but no wider than a packet's way, or it would come into the slot that
 * is current. */
static int slot_bits_of(const struct world *w)
{
    int64_t least_ns = net_least_ns(&w->p.net);
    int bits = WHEEL_BITS;

    while (bits < WHEEL_BITS_MAX && (int64_t)w->part_share << bits < FULL_SLOT &&
           INT64_C(2) << bits <= least_ns)
        bits++;
    return bits;
}

static void init_part(struct world *w, int index)
{
    struct world_part *p = &w->parts[index];

    p->w = w;
    p->index = index;
    p->first = index * w->part_share;
    p->end = p->first + w->part_share;
    p->end = p->end > w->p.node_count ? w->p.node_count : p->end;
    if (w->exchange != NULL && w->exchange->part >= 0 && w->exchange->part != index)
        return;
    p->out = memory_new(1, sizeof(*p->out));
    p->out->log.level = w->p.is_logged ? LOG_DEBUG : LOG_ERROR;
    p->mail = memory_new((size_t)w->part_count, sizeof(*p->mail));
    ahead_init(&p->ahead);
    wheel_init(&p->wheel, slot_bits_of(w), packet_before, p);
    packets_init(&p->packets, map(w, REGION_MAX), REGION_MAX);
    pool_init(&p->pool, map(w, REGION_MAX), REGION_MAX);
    heap_init(&p->heap, &p->pool);
    contacts_init(&p->contacts, &p->pool, w->p.seed);
    if (w->node_bytes == 0)
        measure(w, p);
}

void world_init(struct world *w, const struct world_params *p,
                const struct world_hooks *hooks)
{
    int threads = p->threads < 1 ? 1 : p->threads;

    *w = (struct world){ .p = *p, .hooks = *hooks, .tick_ns = TIME_NEVER };
    node_params_spread(&w->p.node);
    threads = threads > WORLD_PARTS_MAX ? WORLD_PARTS_MAX : threads;
    threads = threads > p->node_count ? p->node_count : threads;
    w->exchange = p->exchange;
    if (w->exchange == NULL && threads > 1)
        w->exchange = exchange_threads(threads);
    w->part_count = w->exchange == NULL ? 1 : w->exchange->part_count;
    w->part_share = (p->node_count + w->part_count - 1) / w->part_count;
    w->nodes = map(w, (size_t)p->node_count * sizeof(*w->nodes));
    for (int i = 0; i < p->node_count; i++)
        run_hash_init(&w->nodes[i].hash);
    net_init(&w->net, p->seed, &p->net, p->node_count);
    wheel_init(&w->ticks, WHEEL_BITS, tick_before, w);
    w->parts = memory_new((size_t)w->part_count, sizeof(*w->parts));
    for (int i = 0; i < w->part_count; i++)
        init_part(w, i);
    w->arenas = map(w, (size_t)p->node_count * w->node_bytes);
    w->out = w->parts[0].out;
}

void world_hash(struct world *w, struct run_hash *hash)
{
    uint64_t sums[2] = { 0 };

    for (int i = 0; i < w->p.node_count; i++) {
        struct run_hash h = w->nodes[i].hash;

        if (!world_is_local(w, i))
            continue;
        run_hash_word(&h, (uint64_t)i);
        sums[0] += h.a;
        sums[1] += h.b;
    }
    if (w->exchange != NULL && w->exchange->sum != NULL)
        w->exchange->sum(w->exchange, sums, 2);
    *hash = (struct run_hash){ sums[0], sums[1] };
}

void world_run(struct world *w, int64_t until_ns)
{
    if (w->exchange == NULL)
        part_advance(&w->parts[0], until_ns);
    else
        w->exchange->run(w->exchange, w, until_ns);
    world_hash(w, &w->hash);
}

static void finish_part(struct world_part *p)
{
    if (p->out == NULL)
        return;
    for (int i = 0; i < p->w->part_count; i++)
        free(p->mail[i].data);
    free(p->mail);
    free(p->out);
    wheel_finish(&p->wheel);
    munmap(p->packets.base, REGION_MAX);
    munmap(p->pool.base, REGION_MAX);
}

static void finish_more(struct world_more *more)
{
    if (more == NULL)
        return;
    if (more->store != NULL)
        store_finish(more->store);
    free(more->store);
    free(more->clock);
    free(more->player);
    free(more->items);
    free(more->writes);
    free(more->held);
    free(more);
}

void world_finish(struct world *w)
{
    for (int i = 0; i < w->p.node_count; i++)
        finish_more(w->nodes[i].more);
    for (int i = 0; i < w->part_count; i++)
        finish_part(&w->parts[i]);
    if (w->exchange != NULL && w->exchange != w->p.exchange)
        w->exchange->destroy(w->exchange);
    munmap(w->arenas, (size_t)w->p.node_count * w->node_bytes);
    munmap(w->nodes, (size_t)w->p.node_count * sizeof(*w->nodes));
    store_finish_library(&w->library);
    wheel_finish(&w->ticks);
    net_finish(&w->net);
    free(w->tick_list);
    free(w->parts);
}
