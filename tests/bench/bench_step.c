/* What one step of a node costs: six neighbours hand it flood after flood, each once as
 * the first and five times as what it has seen.  Cryptography is by tags.  Medians over
 * all floods, of the time of one step on this machine, caches warm.
 *
 *     bench_step [--claim NAME]
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "node/internal.h"
#include "party/domains.h"
#include "sim/tags.h"

#define PEERS     6
#define NODES     (PEERS + 1) /* the first is the one that is measured */
#define ARENA     ((size_t)64 * 1024)
#define POOL      ((size_t)64 << 20)
#define WIRES     64
#define QUEUE     4096
#define FLOODS    20000
#define PERIOD_NS (500 * NS_PER_MS)
#define BODY_LEN  64

/* A link: its number at both ends. */
struct wire {
    int node[2];
    uint32_t link[2];
};

struct parcel {
    int to;
    struct event e;
    uint8_t data[512];
};

static struct {
    int64_t now_ns;
    struct node *nodes[NODES];
    int64_t wake_ns[NODES];
    struct wire wires[WIRES];
    int wire_count;
    uint32_t next_link;
    struct parcel queue[QUEUE];
    int head;
    int tail;
} town;
static struct effects out;
static struct node_params params;

static struct addr addr_of(int node)
{
    return (struct addr){ { 10, (uint8_t)node, 0, 1 }, 4747, 4 };
}

static struct parcel *post(int to, enum event_kind kind)
{
    struct parcel *p = &town.queue[town.tail++ % QUEUE];

    if (town.tail - town.head > QUEUE)
        abort();
    p->to = to;
    p->e = (struct event){ .kind = kind };
    return p;
}

static void open_link(int node, const struct effect *e)
{
    struct wire *w = &town.wires[town.wire_count];
    struct parcel *p;
    int to = 0;

    while (to < NODES && memcmp(e->u.open.addr.ip, addr_of(to).ip, 4) != 0)
        to++;
    if (to == NODES || town.wire_count == WIRES)
        return;
    town.wire_count++;
    *w = (struct wire){ { node, to }, { e->u.open.link, town.next_link } };
    town.next_link += 2;
    for (int end = 0; end < 2; end++) {
        p = post(w->node[end], EVENT_LINK_OPENED);
        p->e.u.opened.link = w->link[end];
        p->e.u.opened.is_dialled = end == 0;
        p->e.u.opened.remote = addr_of(w->node[1 - end]);
    }
}

static void send(int node, const struct effect *e)
{
    for (int i = 0; i < town.wire_count; i++) {
        const struct wire *w = &town.wires[i];

        for (int end = 0; end < 2; end++) {
            struct parcel *p;

            if (w->node[end] != node || w->link[end] != e->u.send.link ||
                e->u.send.frame.len > sizeof(p->data))
                continue;
            p = post(w->node[1 - end], EVENT_LINK_RECEIVED);
            memcpy(p->data, e->u.send.frame.data, e->u.send.frame.len);
            p->e.u.received.link = w->link[1 - end];
            p->e.u.received.frame = bytes_of(p->data, e->u.send.frame.len);
        }
    }
}

static void step(int node, struct event *e)
{
    e->now_ns = town.now_ns;
    node_step(town.nodes[node], e, &out);
    out.log.count = 0;
}

static void carry_out(int node)
{
    for (int i = 0; i < out.count; i++) {
        const struct effect *e = &out.list[i];

        if (e->kind == EFFECT_LINK_OPEN)
            open_link(node, e);
        else if (e->kind == EFFECT_LINK_SEND)
            send(node, e);
        else if (e->kind == EFFECT_WAKE)
            town.wake_ns[node] = e->u.wake.at_ns;
    }
}

/* All that is due by then; what is sent arrives at once. */
static void run(int64_t until_ns)
{
    for (;;) {
        int next = 0;

        while (town.head < town.tail) {
            struct parcel *p = &town.queue[town.head++ % QUEUE];

            step(p->to, &p->e);
            carry_out(p->to);
        }
        for (int i = 0; i < NODES; i++)
            next = town.wake_ns[i] < town.wake_ns[next] ? i : next;
        if (town.wake_ns[next] > until_ns)
            break;
        if (town.wake_ns[next] > town.now_ns)
            town.now_ns = town.wake_ns[next];
        town.wake_ns[next] = TIME_NEVER;
        step(next, &(struct event){ .kind = EVENT_WAKE });
        carry_out(next);
    }
    town.now_ns = until_ns;
}

static void note_wake(void)
{
    for (int i = 0; i < out.count; i++) {
        if (out.list[i].kind == EFFECT_WAKE)
            town.wake_ns[0] = out.list[i].u.wake.at_ns;
    }
}

/* The peers are puppets from now on: only the measured node wakes, and nobody hears what
 * it says. */
static void advance(int64_t until_ns)
{
    while (town.wake_ns[0] <= until_ns) {
        if (town.wake_ns[0] > town.now_ns)
            town.now_ns = town.wake_ns[0];
        step(0, &(struct event){ .kind = EVENT_WAKE });
        note_wake();
    }
    town.now_ns = until_ns;
}

static void make_nodes(void)
{
    static struct pool pool;
    static struct contacts contacts;

    params = node_params_default();
    params.suite = &suite_tags;
    params.state_period_ns = TIME_NEVER;
    node_params_spread(&params);
    pool_init(&pool, aligned_alloc(64, POOL), POOL);
    contacts_init(&contacts, &pool, 1);
    town.next_link = 1;
    for (int i = 0; i < NODES; i++)
        town.wake_ns[i] = TIME_NEVER;
    for (int i = 0; i < NODES; i++) {
        struct node_setup setup = { .listen = addr_of(i), .join_count = i > 0 };
        struct node_identity seeds = { { (uint8_t)i, 1 }, { (uint8_t)i, 2 } };
        struct arena arena;

        setup.joins[0] = addr_of(0);
        arena_init(&arena, aligned_alloc(64, ARENA), ARENA);
        town.nodes[i] = node_create(&(struct node_memory){ &arena, &pool, &contacts },
                                    &params, &setup, &seeds);
        if (town.nodes[i] == NULL)
            abort();
        step(i, &(struct event){ .kind = EVENT_START });
        carry_out(i);
        run(town.now_ns + NS_PER_S);
    }
    run(60 * NS_PER_S);
}

/* The link of a peer to the measured node, and its slot there. */
static struct slot *slot_of_peer(int peer, uint32_t *link)
{
    for (int i = 0; i < town.wire_count; i++) {
        const struct wire *w = &town.wires[i];

        for (int end = 0; end < 2; end++) {
            struct node *n = town.nodes[peer];

            if (w->node[end] != peer || w->node[1 - end] != 0)
                continue;
            for (int k = 0; k < n->slot_set.count; k++) {
                if (n->slots[k]->state == SLOT_UP && n->slots[k]->link == w->link[end]) {
                    *link = w->link[1 - end];
                    return n->slots[k];
                }
            }
        }
    }
    return NULL;
}

/* A flood of somebody far away. */
static size_t make_flood(int number, uint8_t *plain, size_t size)
{
    static uint8_t inner[MSG_INNER_MAX];
    static const uint8_t body[BODY_LEN];
    uint8_t seed[SECURE_SEED_LEN] = { 0 };
    struct msg m = { .type = MSG_FLOOD };
    struct flood f = { .kind = FLOOD_TEST,
                       .serial = (uint32_t)number,
                       .ttl = 10,
                       .life_s = 60,
                       .body = bytes_of(body, sizeof(body)) };
    struct identity origin;

    store_be64(seed, (uint64_t)number + 1000);
    suite_tags.identity(&origin, seed);
    memcpy(f.origin, origin.sign_public, KEY_LEN);
    m.u.flood.hops = 3;
    m.u.flood.inner = bytes_of(inner, flood_encode(&f, inner, sizeof(inner)));
    suite_tags.sign(&origin, DOMAIN_FLOOD, m.u.flood.inner, m.u.flood.sig);
    return msg_encode(&m, plain, size);
}

static int64_t clock_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* Hand a message over on a peer's link; the time that the step took, -1: no link. */
static int64_t hand(int peer, struct bytes plain)
{
    static uint8_t frame[1024];
    struct event e = { .kind = EVENT_LINK_RECEIVED };
    struct slot *s = slot_of_peer(peer, &e.u.received.link);
    int64_t began_ns;
    size_t len;

    if (s == NULL || suite_tags.seal(s->session, plain, frame, sizeof(frame), &len) != 0)
        return -1;
    e.u.received.frame = bytes_of(frame, len);
    began_ns = clock_ns();
    step(0, &e);
    began_ns = clock_ns() - began_ns;
    note_wake();
    return began_ns;
}

static int64_t took_first[FLOODS];
static int64_t took_again[FLOODS * PEERS];

static int compare(const void *a, const void *b)
{
    const int64_t *x = a;
    const int64_t *y = b;

    return (*x > *y) - (*x < *y);
}

static int64_t median(int64_t *list, int count)
{
    qsort(list, (size_t)count, sizeof(*list), compare);
    return count == 0 ? 0 : list[count / 2];
}

/* What the clock itself costs. */
static int64_t idle_ns(void)
{
    static int64_t list[1001];

    for (int i = 0; i < COUNT(list); i++) {
        int64_t began_ns = clock_ns();

        list[i] = clock_ns() - began_ns;
    }
    return median(list, COUNT(list));
}

static void measure(int64_t *first_ns, int64_t *again_ns)
{
    int firsts = 0;
    int agains = 0;
    int64_t idle = idle_ns();
    int64_t admitted;

    make_nodes();
    admitted = flood_counts(node_floods(town.nodes[0]))->admitted;
    for (int i = 0; i < FLOODS; i++) {
        static uint8_t plain[MSG_INNER_MAX + 256];
        size_t len = make_flood(i, plain, sizeof(plain));

        for (int k = 0; k < PEERS; k++) {
            int64_t took = hand(1 + (i + k) % PEERS, bytes_of(plain, len));

            if (took < 0)
                continue;
            if (k == 0)
                took_first[firsts++] = took - idle;
            else
                took_again[agains++] = took - idle;
        }
        advance(town.now_ns + PERIOD_NS);
    }
    admitted = flood_counts(node_floods(town.nodes[0]))->admitted - admitted;
    if (admitted < FLOODS * 9 / 10 || firsts < FLOODS * 9 / 10)
        fprintf(stderr, "bench_step: only %lld of %d floods were taken\n",
                (long long)admitted, FLOODS);
    *first_ns = median(took_first, firsts);
    *again_ns = median(took_again, agains);
}

static void print(const char *name, int64_t value, int64_t goal)
{
    printf("{\"name\":\"%s\",\"value\":%lld,\"unit\":\"ns\",\"goal\":\"<=%lld\",\"ok\":%"
           "s}\n",
           name, (long long)value, (long long)goal,
           value > 0 && value <= goal ? "true" : "false");
}

int main(int argc, char **argv)
{
    const char *only = argc == 3 && strcmp(argv[1], "--claim") == 0 ? argv[2] : NULL;
    bool is_first = only == NULL || strcmp(only, "step-first-ns") == 0;
    bool is_again = only == NULL || strcmp(only, "step-again-ns") == 0;
    int64_t first_ns;
    int64_t again_ns;

    if ((argc != 1 && only == NULL) || (!is_first && !is_again)) {
        fputs("usage: bench_step [--claim step-first-ns|step-again-ns]\n", stderr);
        return 2;
    }
    measure(&first_ns, &again_ns);
    if (is_first)
        print("step-first-ns", first_ns, 3000);
    if (is_again)
        print("step-again-ns", again_ns, 600);
    return 0;
}
