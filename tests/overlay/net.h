/* A small network of overlays in virtual time: links that deliver in order after a
 * latency, dials that succeed, fail, or meet nobody, nodes that die loudly or silently,
 * and cuts. Deterministic: one seed, one run.  SPDX-License-Identifier: MIT */
#ifndef TESTS_OVERLAY_NET_H
#define TESTS_OVERLAY_NET_H

#include "tests/check.h"

#include <sys/mman.h>

#include "overlay/flood.h"
#include "overlay/liveness.h"
#include "overlay/view.h"

#define NET_PEERS_MAX 64
#define NET_BYTES     ((size_t)1 << 30)

enum net_kind { NET_MESSAGE, NET_CLOSE, NET_DIALLED };

struct net_event {
    int64_t at_ns;
    uint64_t order;
    enum net_kind kind;
    int node;         /* to whom it happens */
    int link;         /* MESSAGE, CLOSE */
    struct addr addr; /* DIALLED */
    struct node_id expected;
    size_t len;
    uint8_t *data;
};

struct net_link {
    int node[2]; /* -1: this end is closed */
    int slot[2];
};

struct net_node {
    bool is_up;
    bool is_deaf;   /* nobody can dial it */
    bool is_silent; /* died without a word: links stay, nothing comes */
    int group;      /* nodes of different groups do not reach each other */
    struct peer_rec rec;
    struct overlay overlay;
    struct liveness liveness;
    struct floods floods;
    struct overlay_params params;
    struct liveness_params liveness_params;
    struct heap heap;
    int link[NET_PEERS_MAX]; /* by slot; -1: free */
    int64_t wake_ns;
    int handled;       /* floods that its handler saw */
    int last_handled;  /* number of the last one */
    int handled_again; /* … that it had seen before: never */
    int replies;       /* that came back to it */
    bool is_answering; /* floods */
};

struct net {
    int count;
    int64_t now_ns;
    uint64_t seed;
    uint64_t order;
    struct rng rng;
    struct net_node *nodes;
    int64_t *wakes; /* of the nodes, side by side, as they are searched at each event */
    struct net_link *links;
    int link_count;
    int link_room;
    struct net_event *heap;
    int heap_count;
    int heap_max;
    bool has_liveness;
    int check_every; /* overlay_check after each n-th event */
    int64_t events;
    int64_t flood_copies;
    int cut_off;      /* links closed by the floods */
    int loss_percent; /* of messages: breaks what TCP promises */
    struct pool pool;
    struct contacts contacts;
    void *region;
    struct flood_params flood_params;
    struct outbox out;
};

/* ---- the queue ---- */

static inline bool net_before(const struct net_event *a, const struct net_event *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static inline void net_post(struct net *n, struct net_event e)
{
    int i = n->heap_count++;

    if (n->heap_count > n->heap_max) {
        n->heap_max = n->heap_max * 2 + 1024;
        n->heap = realloc(n->heap, (size_t)n->heap_max * sizeof(*n->heap));
        assert_non_null(n->heap);
    }
    e.order = n->order++;
    for (; i > 0 && net_before(&e, &n->heap[(i - 1) / 2]); i = (i - 1) / 2)
        n->heap[i] = n->heap[(i - 1) / 2];
    n->heap[i] = e;
}

static inline struct net_event net_pop(struct net *n)
{
    struct net_event top = n->heap[0];
    struct net_event last = n->heap[--n->heap_count];
    int i = 0;

    for (;;) {
        int k = 2 * i + 1;

        if (k >= n->heap_count)
            break;
        if (k + 1 < n->heap_count && net_before(&n->heap[k + 1], &n->heap[k]))
            k++;
        if (!net_before(&n->heap[k], &last))
            break;
        n->heap[i] = n->heap[k];
        i = k;
    }
    n->heap[i] = last;
    return top;
}

/* ---- nodes ---- */

static inline void net_set_wake(struct net *n, int node, int64_t at_ns)
{
    n->nodes[node].wake_ns = at_ns;
    n->wakes[node] = at_ns;
}

static inline struct addr net_addr(int node)
{
    return (struct addr){ .ip = { 10, 1, (uint8_t)(node >> 8), (uint8_t)node },
                          .port = 4747,
                          .len = 4 };
}

static inline struct node_id net_id(uint64_t seed, int node)
{
    struct node_id id;
    struct rng r;

    rng_seed(&r, seed * 100003 + (uint64_t)node);
    for (int i = 0; i < NODE_ID_LEN; i++)
        id.b[i] = (uint8_t)rng_next(&r);
    return id;
}

static inline int net_by_addr(const struct net *n, const struct addr *a)
{
    int node = a->ip[2] << 8 | a->ip[3];
    struct addr same = net_addr(node);

    return node < n->count && addr_equal(a, &same) ? node : -1;
}

/* 5..45 ms one way, the same for each pair. */
static inline int64_t net_latency(const struct net *n, int a, int b)
{
    uint64_t x = n->seed * 7919 + (uint64_t)(a < b ? a * 4096 + b : b * 4096 + a);
    struct rng r;

    rng_seed(&r, x);
    return 5 * NS_PER_MS + rng_below(&r, 40 * NS_PER_MS);
}

static inline bool net_reach(const struct net *n, int a, int b)
{
    return n->nodes[a].is_up && n->nodes[b].is_up &&
           n->nodes[a].group == n->nodes[b].group;
}

/* What the node held is given back, to the byte. */
static inline void net_finish(struct net *n, int node)
{
    struct net_node *x = &n->nodes[node];

    if (x->heap.pool == NULL)
        return;
    overlay_finish(&x->overlay);
    liveness_finish(&x->liveness);
    floods_finish(&x->floods);
    assert_int_equal(x->heap.used, 0);
    x->heap.pool = NULL;
}

static inline void net_boot(struct net *n, int node, const struct overlay_params *p)
{
    struct net_node *x = &n->nodes[node];
    uint64_t seed = rng_next(&n->rng);

    net_finish(n, node);
    x->params = *p;
    x->liveness_params = liveness_params_default();
    x->liveness_params.peers_max = p->peers_max;
    x->rec = (struct peer_rec){ .id = net_id(n->seed, node), .addr = net_addr(node) };
    heap_init(&x->heap, &n->pool);
    overlay_init(&x->overlay, &x->params, &x->heap, &n->contacts, &x->rec, seed);
    liveness_init(&x->liveness, &x->liveness_params, &x->heap);
    floods_init(&x->floods, &n->flood_params, &x->heap, seed);
    x->floods.liveness = &x->liveness;
    x->overlay.liveness = &x->liveness;
    x->is_up = true;
    x->is_silent = false;
    net_set_wake(n, node, n->now_ns);
    x->last_handled = -1;
    for (int i = 0; i < NET_PEERS_MAX; i++)
        x->link[i] = -1;
}

static inline struct net *net_new(int count, uint64_t seed)
{
    struct net *n = calloc(1, sizeof(*n));

    assert_non_null(n);
    n->count = count;
    n->seed = seed;
    n->now_ns = 1000 * NS_PER_S;
    n->check_every = 1;
    rng_seed(&n->rng, seed);
    n->flood_params = flood_params_default();
    n->flood_params.seen_max = 256;
    n->region = mmap(NULL, NET_BYTES, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(n->region != MAP_FAILED);
    pool_init(&n->pool, n->region, NET_BYTES);
    contacts_init(&n->contacts, &n->pool, seed);
    n->nodes = calloc((size_t)count, sizeof(*n->nodes));
    n->wakes = calloc((size_t)count, sizeof(*n->wakes));
    assert_true(n->nodes != NULL && n->wakes != NULL);
    for (int i = 0; i < count; i++)
        net_set_wake(n, i, TIME_NEVER);
    return n;
}

static inline void net_free(struct net *n)
{
    for (int i = 0; i < n->count; i++)
        net_finish(n, i);
    assert_int_equal(n->contacts.count, 0);
    munmap(n->region, NET_BYTES);
    while (n->heap_count > 0)
        free(net_pop(n).data);
    free(n->nodes);
    free(n->links);
    free(n->wakes);
    free(n->heap);
    free(n);
}

/* ---- what one call of a node leads to ---- */

static inline void net_flush(struct net *n, int node);

static inline int net_free_slot(const struct net_node *x)
{
    for (int i = 0; i < x->overlay.p->peers_max; i++) {
        if (x->link[i] < 0)
            return i;
    }
    return -1;
}

static inline int net_end(const struct net_link *l, int node)
{
    return l->node[0] == node ? 0 : 1;
}

/* This end is closed: tell the node. */
static inline void net_end_down(struct net *n, int link, int end)
{
    struct net_link *l = &n->links[link];
    int node = l->node[end];
    struct net_node *x;

    if (node < 0)
        return;
    x = &n->nodes[node];
    l->node[end] = -1;
    x->link[l->slot[end]] = -1;
    if (!x->is_up)
        return;
    overlay_peer_down(&x->overlay, l->slot[end], n->now_ns, &n->out);
    liveness_peer_down(&x->liveness, l->slot[end]);
    flood_peer_down(&x->floods, l->slot[end], n->now_ns);
    net_flush(n, node);
}

/* A node closes one of its links; the other end hears of it later. */
static inline void net_close(struct net *n, int node, int slot)
{
    int link = n->nodes[node].link[slot];
    struct net_link *l = &n->links[link];
    int end = net_end(l, node);
    int other = l->node[!end];

    if (other >= 0 && net_reach(n, node, other))
        net_post(n, (struct net_event){ .at_ns = n->now_ns + net_latency(n, node, other),
                                        .kind = NET_CLOSE,
                                        .node = other,
                                        .link = link });
    net_end_down(n, link, end);
}

static inline void net_link_up(struct net *n, int from, int to, const struct addr *addr)
{
    struct net_node *x[2] = { &n->nodes[from], &n->nodes[to] };
    struct net_link *l;

    if (n->link_count == n->link_room) {
        n->link_room = 2 * n->link_room + 1024;
        n->links = realloc(n->links, (size_t)n->link_room * sizeof(*n->links));
        assert_non_null(n->links);
    }
    l = &n->links[n->link_count];
    for (int e = 0; e < 2; e++) {
        l->node[e] = e == 0 ? from : to;
        l->slot[e] = net_free_slot(x[e]);
        x[e]->link[l->slot[e]] = n->link_count;
    }
    n->link_count++;
    for (int e = 0; e < 2; e++) {
        liveness_peer_up(&x[e]->liveness, l->slot[e], e == 0, n->now_ns);
        flood_peer_up(&x[e]->floods, l->slot[e], 0, n->now_ns);
        overlay_peer_up(&x[e]->overlay, l->slot[e], &x[!e]->rec, e == 0 ? addr : NULL,
                        n->now_ns, &n->out);
        if (e == 1)
            overlay_reached(&x[e]->overlay, n->now_ns, &n->out);
        overlay_peer_came(&x[e]->overlay, l->slot[e], LINK_DIRECT, n->now_ns, &n->out);
        flood_greet(&x[e]->floods, l->slot[e], n->now_ns, &n->out);
        net_flush(n, l->node[e]);
    }
}

/* A dial ends. */
static inline void net_dialled(struct net *n, const struct net_event *e)
{
    struct net_node *x = &n->nodes[e->node];
    int to = net_by_addr(n, &e->addr);

    if (to == e->node) {
        overlay_dial_self(&x->overlay, &e->addr);
    } else if (to < 0 || !net_reach(n, e->node, to) || n->nodes[to].is_deaf ||
               net_free_slot(x) < 0 || net_free_slot(&n->nodes[to]) < 0 ||
               (!node_id_is_zero(&e->expected) &&
                !node_id_equal(&e->expected, &n->nodes[to].rec.id))) {
        overlay_dial_failed(&x->overlay, &e->addr, n->now_ns);
    } else {
        int there = overlay_find(&x->overlay, &n->nodes[to].rec.id);

        if (there >= 0) {
            overlay_dial_duplicate(&x->overlay, &e->addr, there, n->now_ns, &n->out);
        } else if (overlay_find(&n->nodes[to].overlay, &x->rec.id) >= 0) {
            overlay_dial_failed(&x->overlay, &e->addr, n->now_ns);
        } else {
            net_link_up(n, e->node, to, &e->addr);
        }
    }
    net_flush(n, e->node);
}

static inline void net_send(struct net *n, int node, const struct outbox_item *item)
{
    struct net_node *x = &n->nodes[node];
    int link = x->link[item->peer];
    int end;
    int to;
    struct net_event e = { .kind = NET_MESSAGE, .link = link, .len = item->len };

    assert_true(link >= 0);
    end = net_end(&n->links[link], node);
    to = n->links[link].node[!end];
    if (to < 0 || !net_reach(n, node, to))
        return;
    if (n->loss_percent > 0 && rng_below(&n->rng, 100) < n->loss_percent)
        return;
    e.node = to;
    e.at_ns = n->now_ns + net_latency(n, node, to);
    e.data = malloc(item->len);
    memcpy(e.data, n->out.data + item->start, item->len);
    net_post(n, e);
}

/* The neighbours have changed. */
static inline void net_greet(struct net *n, struct net_node *x)
{
    const struct overlay_counts *c = &x->overlay.counts;
    uint32_t version = (uint32_t)(c->neighbours_up + c->neighbours_down);
    int active[OVERLAY_ACTIVE_MAX];

    if (version == x->floods.active_version)
        return;
    x->floods.active_version = version;
    flood_set_active(&x->floods, active, overlay_active(&x->overlay, active), n->now_ns,
                     &n->out);
}

/* Carry out what the node wants after a call. */
static inline void net_flush(struct net *n, int node)
{
    struct net_node *x = &n->nodes[node];
    struct addr addr;
    struct node_id expected;
    int peer;

    assert_int_equal(n->out.dropped, 0);
    net_greet(n, x);
    for (int i = 0; i < n->out.count; i++)
        net_send(n, node, &n->out.items[i]);
    outbox_clear(&n->out);
    while (overlay_take_dial(&x->overlay, &addr, &expected)) {
        int to = net_by_addr(n, &addr);
        /* A host that is there refuses at once; nobody answers for one that is not. */
        int64_t wait = to < 0 ? 5 * NS_PER_S : 3 * net_latency(n, node, to);

        if (to >= 0 && n->nodes[to].group != x->group)
            wait = 5 * NS_PER_S;
        net_post(n, (struct net_event){ .at_ns = n->now_ns + wait,
                                        .kind = NET_DIALLED,
                                        .node = node,
                                        .addr = addr,
                                        .expected = expected });
    }
    while (liveness_take_dead(&x->liveness, &peer))
        net_close(n, node, peer);
    while (overlay_take_drop(&x->overlay, &peer))
        net_close(n, node, peer);
    while (flood_take_dead(&x->floods, &peer) || flood_take_abuser(&x->floods, &peer)) {
        n->cut_off++;
        net_close(n, node, peer);
    }
    x->wake_ns = time_min(overlay_wake_ns(&x->overlay), flood_wake_ns(&x->floods));
    if (n->has_liveness)
        x->wake_ns = time_min(x->wake_ns, liveness_wake_ns(&x->liveness));
    net_set_wake(n, node, x->wake_ns);
    if (n->check_every > 0 && n->events % n->check_every == 0) {
        const char *wrong = overlay_check(&x->overlay);

        if (wrong != NULL)
            fail_msg("seed %d node %d: %s", (int)n->seed, node, wrong);
    }
}

/* ---- floods ---- */

static inline struct flood_id net_flood_id(struct bytes inner)
{
    struct flood_id id;
    struct rng r;
    uint64_t h = UINT64_C(1469598103934665603);

    for (size_t i = 0; i < inner.len; i++)
        h = (h ^ inner.data[i]) * UINT64_C(1099511628211);
    rng_seed(&r, h);
    store_be64(id.b, rng_next(&r));
    store_be64(id.b + 8, rng_next(&r));
    return id;
}

static inline void net_answer(struct net *n, int node, const struct flood_id *id)
{
    struct net_node *x = &n->nodes[node];
    struct msg_reply r = { .flood = *id, .inner = bytes_of("answer", 6) };
    int route = flood_route(&x->floods, id, n->now_ns);

    assert_true(route >= 0);
    flood_reply_forward(&x->floods, &r, route, &n->out);
}

static inline void net_on_flood(struct net *n, int node, int slot, const struct msg *m)
{
    struct net_node *x = &n->nodes[node];
    struct flood f;
    struct flood_head h = { .peer = slot, .hops = m->u.flood.hops };
    int active[OVERLAY_ACTIVE_MAX];

    n->flood_copies++;
    assert_int_equal(flood_decode(m->u.flood.inner, &f), 0);
    h.id = net_flood_id(m->u.flood.inner);
    h.origin = f.origin;
    h.is_from_origin = memcmp(f.origin, overlay_rec(&x->overlay, slot)->id.b, KEY_LEN) ==
                       0;
    h.ttl = f.ttl;
    h.life_s = f.life_s;
    if (flood_is_seen(&x->floods, &h.id, h.hops, slot, &n->out) ||
        flood_probe(&x->floods, &h, n->now_ns) != FLOOD_NEW ||
        flood_commit(&x->floods, &h, n->now_ns) != FLOOD_NEW)
        return;
    x->handled++;
    x->handled_again += x->last_handled == (int)f.created_ms;
    x->last_handled = (int)f.created_ms;
    flood_forward(&x->floods, &m->u.flood, &h, active,
                  overlay_active(&x->overlay, active), n->now_ns, &n->out);
    if (x->is_answering)
        net_answer(n, node, &h.id);
}

static inline void net_on_reply(struct net *n, int node, int slot, const struct msg *m)
{
    struct net_node *x = &n->nodes[node];
    enum flood_reply_verdict v;
    int route;
    uint8_t answerer[KEY_LEN] = { 0 };

    memcpy(answerer, m->u.reply.sig, KEY_LEN);
    v = flood_reply_probe(&x->floods, &m->u.reply, slot, n->now_ns, &route);
    if (v == FLOOD_REPLY_OWN)
        x->replies++;
    else if (v == FLOOD_REPLY_PASS)
        flood_reply_forward(&x->floods, &m->u.reply, route, &n->out);
}

/* Flood from a node; number tells floods apart.  The copies that it sent itself. */
static inline int net_flood(struct net *n, int node, int number, int ttl)
{
    struct net_node *x = &n->nodes[node];
    struct flood f = { .kind = FLOOD_CALL,
                       .created_ms = (uint64_t)number,
                       .ttl = (uint8_t)ttl,
                       .life_s = 60,
                       .body = bytes_of("\x80", 1) };
    uint8_t inner[MSG_INNER_MAX];
    struct msg_flood m = { .hops = 1 };
    struct flood_head h = {
        .peer = -1, .is_from_origin = true, .hops = 1, .ttl = (uint8_t)ttl, .life_s = 60
    };
    int active[OVERLAY_ACTIVE_MAX];
    int sent;

    memcpy(f.origin, x->rec.id.b, KEY_LEN);
    m.inner = bytes_of(inner, flood_encode(&f, inner, sizeof(inner)));
    assert_true(m.inner.len > 0);
    h.id = net_flood_id(m.inner);
    h.origin = f.origin;
    assert_int_equal(flood_commit(&x->floods, &h, n->now_ns), FLOOD_NEW);
    sent = flood_forward(&x->floods, &m, &h, active, overlay_active(&x->overlay, active),
                         n->now_ns, &n->out);
    net_flush(n, node);
    return sent;
}

/* ---- the loop ---- */

static inline void net_deliver(struct net *n, struct net_event *e)
{
    struct net_node *x = &n->nodes[e->node];
    struct net_link *l = &n->links[e->link];
    int end = net_end(l, e->node);
    int slot = l->slot[end];
    struct msg m;

    if (l->node[end] != e->node || !x->is_up || x->is_silent)
        return;
    assert_int_equal(msg_decode(bytes_of(e->data, e->len), &m), 0);
    liveness_heard(&x->liveness, slot, n->now_ns);
    if (m.type == MSG_PING || m.type == MSG_PONG)
        liveness_receive(&x->liveness, slot, &m, n->now_ns, &n->out);
    else if (m.type == MSG_FLOOD)
        net_on_flood(n, e->node, slot, &m);
    else if (m.type == MSG_REPLY)
        net_on_reply(n, e->node, slot, &m);
    else if (m.type == MSG_DIGEST)
        flood_on_digest(&x->floods, slot, &m.u.digest, n->now_ns, &n->out);
    else if (m.type == MSG_SEEN)
        flood_on_seen(&x->floods, slot, &m.u.ids, n->now_ns, &n->out);
    else if (m.type == MSG_PULL)
        flood_on_pull(&x->floods, slot, &m.u.ids, n->now_ns, &n->out);
    else
        overlay_receive(&x->overlay, slot, &m, n->now_ns, &n->out);
    net_flush(n, e->node);
}

static inline void net_handle(struct net *n, struct net_event *e)
{
    n->events++;
    if (e->kind == NET_MESSAGE)
        net_deliver(n, e);
    else if (e->kind == NET_CLOSE)
        net_end_down(n, e->link, net_end(&n->links[e->link], e->node));
    else if (n->nodes[e->node].is_up && !n->nodes[e->node].is_silent)
        net_dialled(n, e);
    free(e->data);
}

static inline int net_next_wake(const struct net *n)
{
    int best = 0;

    for (int i = 1; i < n->count; i++)
        best = n->wakes[i] < n->wakes[best] ? i : best;
    return best;
}

static inline void net_run_until(struct net *n, int64_t until_ns)
{
    for (;;) {
        int node = net_next_wake(n);
        struct net_node *x = &n->nodes[node];
        int64_t wake = x->wake_ns;

        if (n->heap_count > 0 && n->heap[0].at_ns <= time_min(wake, until_ns)) {
            struct net_event e = net_pop(n);

            n->now_ns = e.at_ns;
            net_handle(n, &e);
        } else if (wake <= until_ns) {
            n->now_ns = wake > n->now_ns ? wake : n->now_ns;
            if (n->has_liveness)
                liveness_wake(&x->liveness, n->now_ns, &n->out);
            flood_wake(&x->floods, n->now_ns, &n->out);
            overlay_wake(&x->overlay, n->now_ns, &n->out);
            net_flush(n, node);
            assert_true(x->wake_ns > n->now_ns);
        } else {
            break;
        }
    }
    n->now_ns = until_ns;
}

static inline void net_run(struct net *n, int64_t ns)
{
    net_run_until(n, n->now_ns + ns);
}

/* Loudly: every other end sees a reset.  Silently: nothing. */
static inline void net_kill(struct net *n, int node, bool is_silent)
{
    struct net_node *x = &n->nodes[node];

    net_set_wake(n, node, TIME_NEVER);
    if (is_silent) {
        x->is_silent = true;
        x->group = -1 - node;
        return;
    }
    for (int s = 0; s < NET_PEERS_MAX; s++) {
        if (x->link[s] >= 0) {
            struct net_link *l = &n->links[x->link[s]];
            int end = net_end(l, node);
            int other = l->node[!end];

            if (other >= 0)
                net_post(n, (struct net_event){ .at_ns = n->now_ns +
                                                         net_latency(n, node, other),
                                                .kind = NET_CLOSE,
                                                .node = other,
                                                .link = x->link[s] });
            l->node[end] = -1;
            x->link[s] = -1;
        }
    }
    x->is_up = false;
}

/* ---- what the network looks like ---- */

static inline bool net_is_live(const struct net *n, int node)
{
    return n->nodes[node].is_up && !n->nodes[node].is_silent;
}

/* The node behind a slot, or -1. */
static inline int net_other(const struct net *n, int node, int slot)
{
    const struct net_link *l = &n->links[n->nodes[node].link[slot]];

    return l->node[!net_end(l, node)];
}

static inline bool net_has_neighbour(const struct net *n, int a, int b)
{
    const struct net_node *x = &n->nodes[a];

    for (int s = 0; s < NET_PEERS_MAX; s++) {
        if (x->link[s] >= 0 && overlay_is_active(&x->overlay, s) &&
            net_other(n, a, s) == b)
            return true;
    }
    return false;
}

/* Components of the live nodes, by links of the active view that both ends agree on. */
static inline int net_components(const struct net *n)
{
    int *mark = calloc((size_t)n->count, sizeof(*mark));
    int *stack = malloc((size_t)n->count * sizeof(*stack));
    int components = 0;

    for (int i = 0; i < n->count; i++) {
        int top = 0;

        if (!net_is_live(n, i) || mark[i])
            continue;
        components++;
        mark[i] = 1;
        stack[top++] = i;
        while (top > 0) {
            int a = stack[--top];

            for (int s = 0; s < NET_PEERS_MAX; s++) {
                int b;

                if (n->nodes[a].link[s] < 0 ||
                    !overlay_is_active(&n->nodes[a].overlay, s))
                    continue;
                b = net_other(n, a, s);
                if (b < 0 || mark[b] || !net_is_live(n, b) || !net_has_neighbour(n, b, a))
                    continue;
                mark[b] = 1;
                stack[top++] = b;
            }
        }
    }
    free(mark);
    free(stack);
    return components;
}

/* Active links that only one end believes in. */
static inline int net_asymmetric(const struct net *n)
{
    int count = 0;

    for (int i = 0; i < n->count; i++) {
        for (int s = 0; s < NET_PEERS_MAX && net_is_live(n, i); s++) {
            if (n->nodes[i].link[s] < 0 || !overlay_is_active(&n->nodes[i].overlay, s))
                continue;
            int b = net_other(n, i, s);

            count += b < 0 || !net_has_neighbour(n, b, i);
        }
    }
    return count;
}

/* How many live nodes have fewer than so many neighbours. */
static inline int net_below(const struct net *n, int degree)
{
    int count = 0;

    for (int i = 0; i < n->count; i++)
        count += net_is_live(n, i) && n->nodes[i].overlay.active_count < degree;
    return count;
}

static inline int net_live(const struct net *n)
{
    int count = 0;

    for (int i = 0; i < n->count; i++)
        count += net_is_live(n, i);
    return count;
}

#endif
