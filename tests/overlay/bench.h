/* One overlay on a bench: the test plays all its peers and the clock.
 * SPDX-License-Identifier: MIT */
#ifndef TESTS_OVERLAY_BENCH_H
#define TESTS_OVERLAY_BENCH_H

#include "tests/check.h"

#include "overlay/view.h"

#define T0 (1000 * NS_PER_S)

struct bench {
    struct overlay o;
    struct outbox out;
    struct pool pool;
    struct heap heap;
    struct contacts contacts;
    struct overlay_params params;
    void *memory;
    int64_t now_ns;
};

static inline struct node_id id_of(int n)
{
    struct node_id id = { { 0 } };

    store_be32(id.b, (uint32_t)n + 1);
    return id;
}

static inline struct peer_rec rec_of(int n)
{
    return (struct peer_rec){
        .id = id_of(n),
        .addr = { .ip = { 10, 0, (uint8_t)(n >> 8), (uint8_t)n }, .port = 4747, .len = 4 }
    };
}

#define SELF        999
#define BENCH_BYTES (1 << 20)

static inline void start_with(struct bench *b, const struct overlay_params *p)
{
    struct peer_rec self = rec_of(SELF);

    memset(b, 0, sizeof(*b));
    b->now_ns = T0;
    b->params = *p;
    b->memory = aligned_alloc(16, BENCH_BYTES);
    pool_init(&b->pool, b->memory, BENCH_BYTES);
    heap_init(&b->heap, &b->pool);
    contacts_init(&b->contacts, &b->pool, 7);
    overlay_init(&b->o, &b->params, &b->heap, &b->contacts, &self, 1);
}

static inline void start(struct bench *b)
{
    struct overlay_params p = overlay_params_default();

    p.reach.misses = 0; /* nobody is dialled on the bench: see test_reach.c */
    start_with(b, &p);
}

static inline void stop(struct bench *b)
{
    assert_null(overlay_check(&b->o));
    assert_int_equal(b->out.dropped, 0);
    overlay_finish(&b->o);
    assert_int_equal(b->heap.used, 0);
    assert_int_equal(b->contacts.count, 0);
    free(b->memory);
}

/* Peer n of the test sits in slot n. */
static inline void up(struct bench *b, int n)
{
    struct peer_rec rec = rec_of(n);

    overlay_peer_up(&b->o, n, &rec, NULL, b->now_ns, &b->out);
}

static inline void down(struct bench *b, int n)
{
    overlay_peer_down(&b->o, n, b->now_ns, &b->out);
}

static inline void get(struct bench *b, int n, const struct msg *m)
{
    overlay_receive(&b->o, n, m, b->now_ns, &b->out);
    assert_null(overlay_check(&b->o));
}

static inline void get_neighbor(struct bench *b, int n, bool is_high)
{
    struct msg m = { .type = MSG_NEIGHBOR, .u.neighbor = { is_high } };

    get(b, n, &m);
}

static inline void get_ack(struct bench *b, int n, bool is_accepted)
{
    struct msg m = { .type = MSG_NEIGHBOR_ACK, .u.neighbor_ack = { is_accepted, { 0 } } };

    get(b, n, &m);
}

static inline void get_join(struct bench *b, int n)
{
    struct msg m = { .type = MSG_JOIN, .u.join = { rec_of(n) } };

    get(b, n, &m);
}

static inline void get_disconnect(struct bench *b, int n, enum disconnect_reason reason)
{
    struct msg m = { .type = MSG_DISCONNECT, .u.disconnect = { (uint8_t)reason, { 0 } } };

    get(b, n, &m);
}

static inline void get_walk(struct bench *b, int from, int who, int ttl)
{
    struct msg m = { .type = MSG_FORWARD_JOIN };

    m.u.forward_join.rec = rec_of(who);
    m.u.forward_join.ttl = (uint8_t)ttl;
    get(b, from, &m);
}

/* The next message of a type to a peer (-1: any) that is not taken yet; its receiver. */
static inline int sent(struct bench *b, enum msg_type type, int peer, struct msg *m)
{
    for (int i = 0; i < b->out.count; i++) {
        struct outbox_item *item = &b->out.items[i];

        if (item->len == 0 || (peer >= 0 && item->peer != peer))
            continue;
        assert_int_equal(msg_decode(bytes_of(b->out.data + item->start, item->len), m),
                         0);
        if (m->type != type)
            continue;
        item->len = 0;
        return item->peer;
    }
    return -1;
}

static inline bool is_sent(struct bench *b, enum msg_type type, int peer)
{
    struct msg m;

    return sent(b, type, peer, &m) >= 0;
}

static inline bool was_accepted(struct bench *b, int peer)
{
    struct msg m;

    assert_int_equal(sent(b, MSG_NEIGHBOR_ACK, peer, &m), peer);
    return m.u.neighbor_ack.is_accepted;
}

/* Let time go by, wake by wake. */
static inline void pass(struct bench *b, int64_t ns)
{
    int64_t end = b->now_ns + ns;

    while (overlay_wake_ns(&b->o) <= end) {
        int64_t at = overlay_wake_ns(&b->o);

        b->now_ns = at > b->now_ns ? at : b->now_ns;
        overlay_wake(&b->o, b->now_ns, &b->out);
        assert_null(overlay_check(&b->o));
        assert_true(overlay_wake_ns(&b->o) > b->now_ns);
    }
    b->now_ns = end;
}

static inline int dialled(struct bench *b)
{
    struct addr a;
    struct node_id id;

    return overlay_take_dial(&b->o, &a, &id) ? a.ip[2] << 8 | a.ip[3] : -1;
}

/* Peers 0..5 are the neighbours. */
static inline void fill(struct bench *b)
{
    for (int n = 0; n < 6; n++) {
        up(b, n);
        get_neighbor(b, n, false);
        assert_true(was_accepted(b, n));
    }
    assert_int_equal(b->o.active_count, 6);
    outbox_clear(&b->out);
}

/* The peer that was evicted, and told first of who took its place; -1: none. */
static inline int evicted(struct bench *b, int newcomer)
{
    struct msg m;
    struct node_id id = id_of(newcomer);
    int peer = sent(b, MSG_DISCONNECT, -1, &m);

    if (peer < 0)
        return -1;
    assert_int_equal(m.u.disconnect.reason, DISCONNECT_EVICTED);
    assert_true(m.u.disconnect.recs.count > 0);
    assert_true(node_id_equal(&m.u.disconnect.recs.list[0].id, &id));
    assert_false(overlay_is_active(&b->o, peer));
    return peer;
}

#endif
