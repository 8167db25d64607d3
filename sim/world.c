/* SPDX-License-Identifier: MIT */
#include "sim/world.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/time.h"
#include "sim/happening.h"
#include "sim/memory.h"
#include "sim/random.h"
#include "sim/timeserver.h"

#define POOL_MAX        ((size_t)64 << 30)
#define ARENA_MAX       ((size_t)256 * 1024 * 1024)
#define CLOCK_PERIOD_NS (16 * NS_PER_S)
#define AUDIO_PERIOD_NS NS_PER_S
#define STEPS_PER_MS    2000

/* ---- happenings ---- */

struct happening *happening_new(enum happening_kind kind, size_t len)
{
    struct happening *h = memory_new(1, sizeof(*h) + len);

    h->kind = kind;
    h->len = len;
    return h;
}

void happening_post(struct world *w, struct happening *h, int from, uint32_t to,
                    int64_t at_ns)
{
    struct queue_item item = { at_ns, to, (uint32_t)from, w->nodes[from].happenings++,
                               h };

    assert(at_ns >= w->now_ns);
    queue_push(&w->queue, &item);
}

void happening_post_self(struct world *w, struct happening *h, int node, int64_t delay_ns)
{
    h->life = w->nodes[node].life;
    happening_post(w, h, node, (uint32_t)node, w->now_ns + delay_ns);
}

static void happening_free(struct happening *h)
{
    if (h->link != NULL)
        link_unref(h->link);
    free(h);
}

/* ---- what a node wants ---- */

static void arm_wake(struct world *w, int node)
{
    struct world_node *n = &w->nodes[node];
    struct happening *h;
    int64_t at_ns;

    n->wake_number++;
    if (n->wake_ns == TIME_NEVER)
        return;
    at_ns = clock_model_true(&n->clock, n->wake_ns);
    h = happening_new(HAPPENING_WAKE, 0);
    h->number = n->wake_number;
    happening_post_self(w, h, node, at_ns > w->now_ns ? at_ns - w->now_ns : 0);
}

static void set_wake(struct world *w, int node, int64_t at_ns)
{
    if (w->nodes[node].wake_ns == at_ns)
        return;
    w->nodes[node].wake_ns = at_ns;
    arm_wake(w, node);
}

static void post_datagram(struct world *w, const struct effect *e, int from, int to,
                          int64_t at_ns)
{
    struct world_node *n = &w->nodes[to];
    struct bytes data = e->u.datagram.data;
    struct happening *h = happening_new(HAPPENING_EVENT, data.len);
    int64_t delay_ns = random_exponential(
        random_word(w->p.seed, RANDOM_STACK, (uint64_t)from, w->nodes[from].happenings),
        w->p.net.stack_ns);

    h->event.kind = EVENT_DATAGRAM;
    h->event.u.datagram.socket = DATAGRAM_PEER;
    h->event.u.datagram.from = net_addr(from);
    memcpy(h->data, data.data, data.len);
    h->event.u.datagram.data = bytes_of(h->data, data.len);
    h->rx_true_ns = at_ns;
    h->life = n->life;
    happening_post(w, h, from, (uint32_t)to, at_ns + delay_ns);
}

static void ask_time(struct world *w, int node, const struct effect *e)
{
    struct timeserver_reply r;
    struct happening *h;

    if (!timeserver_ask(w, node, e, &r))
        return;
    h = happening_new(HAPPENING_EVENT, sizeof(r.packet));
    h->event.kind = EVENT_DATAGRAM;
    h->event.u.datagram.socket = DATAGRAM_NTP;
    h->event.u.datagram.from = e->u.datagram.to;
    memcpy(h->data, r.packet, sizeof(r.packet));
    h->event.u.datagram.data = bytes_of(h->data, sizeof(r.packet));
    h->rx_true_ns = r.at_ns;
    happening_post_self(w, h, node, r.at_ns - w->now_ns);
}

static void send_datagram(struct world *w, int node, const struct effect *e)
{
    int64_t at_ns[NET_COPIES_MAX];
    int to = net_host_of(&w->net, &e->u.datagram.to);
    int copies;

    w->counts.datagrams++;
    if (e->u.datagram.socket == DATAGRAM_NTP) {
        ask_time(w, node, e);
        return;
    }
    if (to < 0)
        return;
    copies = net_datagram_ns(&w->net, node, to, e->u.datagram.data.len, w->now_ns, at_ns);
    w->counts.datagrams_lost += copies == 0;
    for (int i = 0; i < copies; i++)
        post_datagram(w, e, node, to, at_ns[i]);
}

static void set_timeline(struct world_player *p, const struct effect *e)
{
    assert(e->u.timeline.count <= TIMELINE_SEGMENTS_MAX);
    p->count = e->u.timeline.count;
    memcpy(p->segments, e->u.timeline.segments,
           (size_t)p->count * sizeof(p->segments[0]));
}

static void hash_effect(struct world *w, const struct effect *e)
{
    struct run_hash *h = &w->hash;

    run_hash_word(h, 0x100 + (uint64_t)e->kind);
    switch (e->kind) {
    case EFFECT_LINK_OPEN:
        run_hash_word(h, e->u.open.link);
        run_hash_bytes(h, bytes_of(e->u.open.addr.ip, sizeof(e->u.open.addr.ip)));
        break;
    case EFFECT_LINK_CLOSE:
        run_hash_word(h, e->u.close.link);
        break;
    case EFFECT_LINK_SEND:
        run_hash_word(h, e->u.send.link);
        run_hash_bytes(h, e->u.send.frame);
        break;
    case EFFECT_DATAGRAM_SEND:
        run_hash_bytes(h, e->u.datagram.data);
        break;
    case EFFECT_SONG_IMPORT:
        run_hash_bytes(h, e->u.import.path);
        break;
    case EFFECT_SONG_OPEN:
    case EFFECT_SONG_DROP:
        run_hash_bytes(h, bytes_of(e->u.song.song.b, SONG_ID_LEN));
        break;
    case EFFECT_LEAVES_STORE:
        run_hash_bytes(h, e->u.leaves.hashes);
        break;
    case EFFECT_BLOCK_LOAD:
    case EFFECT_BLOCK_STORE:
        run_hash_word(h, e->u.block.index);
        run_hash_bytes(h, e->u.block.data);
        break;
    case EFFECT_REMEMBER:
        run_hash_bytes(h, e->u.remember.key);
        run_hash_bytes(h, e->u.remember.value);
        break;
    case EFFECT_TIMELINE:
        run_hash_word(h, e->u.timeline.version);
        for (int i = 0; i < e->u.timeline.count; i++) {
            run_hash_word(h, (uint64_t)e->u.timeline.segments[i].at.ns);
            run_hash_word(h, (uint64_t)e->u.timeline.segments[i].frame);
        }
        break;
    case EFFECT_CLOCK:
        run_hash_word(h, (uint64_t)e->u.clock.local_ns);
        run_hash_word(h, (uint64_t)e->u.clock.remote_ns);
        run_hash_word(h, (uint64_t)e->u.clock.rate_ppt);
        break;
    case EFFECT_REPLY:
        run_hash_word(h, (uint64_t)(int64_t)e->u.reply.err);
        run_hash_bytes(h, e->u.reply.body);
        break;
    case EFFECT_STATE:
        run_hash_bytes(h, e->u.state.body);
        break;
    case EFFECT_WAKE:
        run_hash_word(h, (uint64_t)e->u.wake.at_ns);
        break;
    }
}

static void carry_out(struct world *w, int node, const struct effect *e)
{
    struct world_node *n = &w->nodes[node];

    switch (e->kind) {
    case EFFECT_LINK_OPEN:
        links_open(w, node, e->u.open.link, &e->u.open.addr);
        break;
    case EFFECT_LINK_CLOSE:
        links_close(w, node, e->u.close.link);
        break;
    case EFFECT_LINK_SEND:
        links_send(w, node, e->u.send.link, e->u.send.frame);
        break;
    case EFFECT_DATAGRAM_SEND:
        send_datagram(w, node, e);
        break;
    case EFFECT_SONG_IMPORT:
    case EFFECT_SONG_OPEN:
    case EFFECT_SONG_DROP:
    case EFFECT_LEAVES_STORE:
    case EFFECT_BLOCK_LOAD:
    case EFFECT_BLOCK_STORE:
        disk_effect(w, node, e);
        break;
    case EFFECT_REMEMBER:
        disk_remember(n, &e->u.remember);
        break;
    case EFFECT_TIMELINE:
        set_timeline(&n->player, e);
        break;
    case EFFECT_CLOCK:
        n->player.has_line = true;
        n->player.line = e->u.clock;
        break;
    case EFFECT_REPLY:
        w->hooks.replied(w->hooks.context, node, e->u.reply.id, e->u.reply.err,
                         e->u.reply.body);
        break;
    case EFFECT_STATE:
        break; /* nobody watches */
    case EFFECT_WAKE:
        set_wake(w, node, e->u.wake.at_ns);
        break;
    }
}

/* ---- steps ---- */

static void hash_event(struct world *w, int node, const struct happening *h)
{
    const struct event *e = &h->event;

    run_hash_word(&w->hash, (uint64_t)w->now_ns);
    run_hash_word(&w->hash, (uint64_t)node << 8 | (uint64_t)e->kind);
    run_hash_word(&w->hash, (uint64_t)e->now_ns);
    run_hash_bytes(&w->hash, bytes_of(h->data, h->len));
}

static const char *const event_names[] = {
    "start",   "wake", "opened", "closed", "frame", "datagram",
    "command", "song", "block",  "audio",  "utc",
};

static void trace(const struct world *w, int node, const struct happening *h)
{
    const struct effects *out = w->out;

    if (w->p.is_traced)
        printf("%lld.%09lld node %d %s len=%zu effects=%d\n",
               (long long)(w->now_ns / NS_PER_S), (long long)(w->now_ns % NS_PER_S), node,
               event_names[h->event.kind], h->len, out->count);
    for (int i = 0; w->p.is_logged && i < out->log.count; i++)
        printf("%lld.%06lld node %d %s\n", (long long)(w->now_ns / NS_PER_S),
               (long long)(w->now_ns % NS_PER_S / 1000), node, out->log.lines[i].text);
}

/* A node that wakes itself without end would stop virtual time. */
static void count_step(struct world *w, struct world_node *n, int node)
{
    if (w->now_ns - n->storm_ns >= NS_PER_MS) {
        n->storm_ns = w->now_ns;
        n->steps = 0;
    }
    if (++n->steps > STEPS_PER_MS)
        w->hooks.failed(w->hooks.context, node,
                        "it takes too many steps in a millisecond");
}

static void step(struct world *w, int node, struct happening *h)
{
    struct world_node *n = &w->nodes[node];
    struct effects *out = w->out;

    h->event.now_ns = clock_model_raw(&n->clock, w->now_ns);
    if (h->event.kind == EVENT_DATAGRAM)
        h->event.u.datagram.rx_ns = clock_model_raw(&n->clock, h->rx_true_ns);
    w->counts.events++;
    count_step(w, n, node);
    hash_event(w, node, h);
    node_step(n->node, &h->event, out);
    trace(w, node, h);
    out->log.count = 0;
    for (int i = 0; i < out->count; i++) {
        hash_effect(w, &out->list[i]);
        carry_out(w, node, &out->list[i]);
    }
    w->hooks.stepped(w->hooks.context, node, &h->event);
}

static void tell_clock(struct world *w, int node)
{
    struct world_node *n = &w->nodes[node];
    struct happening *h = happening_new(HAPPENING_EVENT, 0);

    h->event.kind = EVENT_SYSTEM_CLOCK;
    h->event.u.system_clock.utc_ns = clock_model_utc(&n->clock, w->now_ns);
    h->event.u.system_clock.bound_ns = n->clock.p.utc_bound_ns;
    h->event.u.system_clock.is_synchronised = n->clock.p.is_synchronised;
    step(w, node, h);
    happening_free(h);
    happening_post_self(w, happening_new(HAPPENING_CLOCK, 0), node, CLOCK_PERIOD_NS);
}

static void tell_audio(struct world *w, int node)
{
    struct world_node *n = &w->nodes[node];
    struct happening *h = happening_new(HAPPENING_EVENT, 0);

    h->event.kind = EVENT_AUDIO;
    h->event.u.audio.is_open = !n->has_no_sound;
    step(w, node, h);
    happening_free(h);
    happening_post_self(w, happening_new(HAPPENING_AUDIO, 0), node, AUDIO_PERIOD_NS);
}

static void wake(struct world *w, int node, struct happening *h)
{
    struct world_node *n = &w->nodes[node];

    if (h->number != n->wake_number)
        return;
    if (clock_model_raw(&n->clock, w->now_ns) < n->wake_ns) {
        arm_wake(w, node); /* the clock has slowed down since */
        return;
    }
    n->wake_ns = TIME_NEVER;
    h->event.kind = EVENT_WAKE;
    step(w, node, h);
}

static void happen(struct world *w, const struct queue_item *item)
{
    struct happening *h = item->what;
    int node = (int)item->to;

    if (h->kind == HAPPENING_TICK) {
        w->hooks.ticked(w->hooks.context, h->number);
        return;
    }
    if (h->kind == HAPPENING_CONNECT) {
        links_connect(w, h);
        return;
    }
    if (w->nodes[node].node == NULL || h->life != w->nodes[node].life ||
        !links_admit(w, h))
        return;
    switch (h->kind) {
    case HAPPENING_EVENT:
        step(w, node, h);
        break;
    case HAPPENING_WAKE:
        wake(w, node, h);
        break;
    case HAPPENING_CLOCK:
        tell_clock(w, node);
        break;
    case HAPPENING_AUDIO:
        tell_audio(w, node);
        break;
    case HAPPENING_CONNECT:
    case HAPPENING_TICK:
        break;
    }
}

void world_run(struct world *w, int64_t until_ns)
{
    struct queue_item item;

    while (!w->is_stopped && queue_next_ns(&w->queue) <= until_ns) {
        (void)queue_pop(&w->queue, &item);
        assert(item.at_ns >= w->now_ns);
        w->now_ns = item.at_ns;
        happen(w, &item);
        happening_free(item.what);
    }
    if (!w->is_stopped)
        w->now_ns = until_ns;
}

/* ---- nodes ---- */

static struct node_params params_of(const struct world *w, int node)
{
    struct node_params p = w->p.node;
    struct text name;

    text_init(&name, p.name, sizeof(p.name));
    text_add(&name, "node");
    text_add_int(&name, node);
    p.listen = net_addr(node);
    if (node % 2 == 1)
        memset(p.listen.ip, 0, sizeof(p.listen.ip)); /* any */
    for (int i = 0; i < w->p.ntp_count; i++)
        p.servers[p.server_count++] = world_ntp_addr(i);
    return p;
}

static void seeds_of(const struct world *w, int node, struct node_identity *seeds)
{
    for (int i = 0; i < 4; i++) {
        store_be64(seeds->identity_seed + 8 * i,
                   random_word(w->p.seed, RANDOM_IDENTITY, (uint64_t)node, (uint64_t)i));
        store_be64(seeds->entropy + 8 * i,
                   random_word(w->p.seed, RANDOM_IDENTITY, (uint64_t)node,
                               ((uint64_t)w->nodes[node].life << 8) + 16 + (uint64_t)i));
    }
}

static void *map(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (p == MAP_FAILED)
        abort();
    return p;
}

/* The first node tells how much memory one takes. */
static void measure(struct world *w)
{
    struct node_params p = params_of(w, 0);
    struct node_identity seeds = { 0 };
    void *memory = map(ARENA_MAX);
    struct arena a;
    struct node_memory home = { &a, &w->pool, &w->contacts };

    arena_init(&a, memory, ARENA_MAX);
    if (node_create(&home, &p, &seeds) == NULL)
        abort();
    w->node_bytes = a.used;
    munmap(memory, ARENA_MAX);
}

static void create(struct world *w, int node)
{
    struct world_node *n = &w->nodes[node];
    struct node_params p = params_of(w, node);
    struct node_identity seeds;
    struct arena a;
    struct node_memory home = { &a, &w->pool, &w->contacts };

    if (n->memory == NULL)
        n->memory = map(w->node_bytes);
    arena_init(&a, n->memory, w->node_bytes);
    seeds_of(w, node, &seeds);
    n->node = node_create(&home, &p, &seeds);
    assert(n->node != NULL);
}

void world_start(struct world *w, int node)
{
    struct world_node *n = &w->nodes[node];
    struct memory_item items[WORLD_REMEMBER_MAX];
    struct happening *h = happening_new(HAPPENING_EVENT, 0);

    assert(n->node == NULL);
    n->life++;
    n->is_dark = false;
    n->next_link = 1;
    n->wake_ns = TIME_NEVER;
    n->player = (struct world_player){ 0 };
    create(w, node);
    for (int i = 0; i < n->item_count; i++) {
        items[i].key = bytes_of(n->items[i].key, n->items[i].key_len);
        items[i].value = bytes_of(n->items[i].value, n->items[i].value_len);
    }
    h->event.kind = EVENT_START;
    h->event.u.start.items = items;
    h->event.u.start.count = n->item_count;
    step(w, node, h);
    happening_free(h);
    happening_post_self(w, happening_new(HAPPENING_CLOCK, 0), node, NS_PER_MS);
    happening_post_self(w, happening_new(HAPPENING_AUDIO, 0), node, 5 * NS_PER_MS);
}

void world_crash(struct world *w, int node, bool is_dark)
{
    struct world_node *n = &w->nodes[node];

    n->node = NULL;
    n->is_dark = is_dark;
    n->player = (struct world_player){ 0 };
    links_forget(w, node, is_dark);
}

uint64_t world_command(struct world *w, int node, struct bytes request)
{
    struct happening *h = happening_new(HAPPENING_EVENT, request.len);
    uint64_t id = ++w->nodes[node].next_command;

    memcpy(h->data, request.data, request.len);
    h->event.kind = EVENT_COMMAND;
    h->event.u.command.id = id;
    h->event.u.command.request = bytes_of(h->data, request.len);
    step(w, node, h);
    happening_free(h);
    return id;
}

void world_tick_at(struct world *w, int64_t at_ns, uint64_t token)
{
    struct happening *h = happening_new(HAPPENING_TICK, 0);
    struct queue_item item = { at_ns, WORLD_ITSELF, WORLD_ITSELF, w->ticks++, h };

    h->number = token;
    queue_push(&w->queue, &item);
}

bool world_is_up(const struct world *w, int node)
{
    return w->nodes[node].node != NULL;
}

void world_set_clock(struct world *w, int node, const struct clock_model_params *p)
{
    clock_model_init(&w->nodes[node].clock, w->p.seed, (uint64_t)node, p);
}

void world_init(struct world *w, const struct world_params *p,
                const struct world_hooks *hooks)
{
    *w = (struct world){ .p = *p, .hooks = *hooks };
    w->nodes = memory_new((size_t)p->node_count, sizeof(*w->nodes));
    w->out = memory_new(1, sizeof(*w->out));
    w->out->log.level = p->is_logged ? LOG_DEBUG : LOG_ERROR;
    net_init(&w->net, p->seed, &p->net, p->node_count);
    run_hash_init(&w->hash);
    pool_init(&w->pool, map(POOL_MAX), POOL_MAX);
    contacts_init(&w->contacts, &w->pool, p->seed);
    measure(w);
}

void world_finish(struct world *w)
{
    struct queue_item item;

    while (queue_pop(&w->queue, &item))
        happening_free(item.what);
    for (int i = 0; i < w->p.node_count; i++) {
        links_forget(w, i, true);
        if (w->nodes[i].memory != NULL)
            munmap(w->nodes[i].memory, w->node_bytes);
        store_finish(&w->nodes[i].store);
        free(w->nodes[i].items);
    }
    store_finish_library(&w->library);
    queue_finish(&w->queue);
    net_finish(&w->net);
    munmap(w->pool.base, POOL_MAX);
    free(w->nodes);
    free(w->out);
}
