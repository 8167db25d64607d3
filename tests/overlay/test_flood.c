/* Floods: hops, time, duplicates, rates, the bound of the memory, and the way back.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "base/rng.h"
#include "overlay/flood.h"

#define T0 (1000 * NS_PER_S)

#define POOL_SIZE (4 << 20)

struct bench {
    struct flood_params p;
    struct pool pool;
    struct heap heap;
    struct floods f;
    struct outbox out;
    void *memory;
};

static void start_with(struct bench *b, const struct flood_params *p)
{
    memset(b, 0, sizeof(*b));
    b->p = *p;
    b->memory = aligned_alloc(16, POOL_SIZE);
    assert_non_null(b->memory);
    pool_init(&b->pool, b->memory, POOL_SIZE);
    heap_init(&b->heap, &b->pool);
    floods_init(&b->f, &b->p, &b->heap, 1);
    for (int i = 0; i < p->peers_max; i++)
        flood_peer_up(&b->f, i, 0, T0);
}

/* As shipped, but a link alone may bring any number: that is
 * tests/overlay/test_flood_alone.c.
 */
static struct flood_params params(void)
{
    struct flood_params p = flood_params_default();

    p.alone_rate.period_ns = 0;
    return p;
}

static void start(struct bench *b)
{
    struct flood_params p = params();

    start_with(b, &p);
}

static void stop(struct bench *b)
{
    assert_null(floods_check(&b->f));
    floods_finish(&b->f);
    assert_int_equal(b->heap.used, 0);
    free(b->memory);
}

static uint8_t origin[KEY_LEN];

/* A flood that is fine, from a peer that is not its origin. */
static struct flood_head head_of(int n)
{
    struct flood_head h = {
        .origin = origin, .peer = 1, .hops = 2, .ttl = 10, .life_s = 60
    };

    store_be64(h.id.b, (uint64_t)n * 0x10001);
    return h;
}

static const struct flood_id *id_of(int n)
{
    static struct flood_head h;

    h = head_of(n);
    return &h.id;
}

static enum flood_verdict admit(struct bench *b, const struct flood_head *h, int64_t now)
{
    enum flood_verdict v = h->peer < 0 ? FLOOD_NEW : flood_probe(&b->f, h, now);

    return v == FLOOD_NEW ? flood_commit(&b->f, h, now) : v;
}

static void test_hops_and_time(void **state)
{
    static const struct {
        const char *fact;
        int hops;
        int ttl;
        bool is_from_origin;
        int life_s;
        int age_s;
        enum flood_verdict want;
    } rows[] = {
        { "one in the middle of its way", 2, 10, false, 60, 0, FLOOD_NEW },
        { "the first hop, from the origin", 1, 10, true, 60, 0, FLOOD_NEW },
        { "the first hop, from another", 1, 10, false, 60, 0, FLOOD_BAD_HOPS },
        { "no hop", 0, 10, true, 60, 0, FLOOD_BAD_HOPS },
        { "the last hop", 10, 10, false, 60, 0, FLOOD_NEW },
        { "one too far", 11, 10, false, 60, 0, FLOOD_BAD_HOPS },
        { "the highest TTL", 2, 12, false, 60, 0, FLOOD_NEW },
        { "a higher one", 2, 13, false, 60, 0, FLOOD_BAD_HOPS },
        { "no TTL", 1, 0, true, 60, 0, FLOOD_BAD_HOPS },
        { "the longest life", 2, 10, false, 150, 0, FLOOD_NEW },
        { "a longer one", 2, 10, false, 151, 0, FLOOD_EXPIRED },
        { "at the end of its life", 2, 10, false, 60, 60, FLOOD_NEW },
        { "past it", 2, 10, false, 60, 61, FLOOD_EXPIRED },
        { "a little from the future", 2, 10, false, 60, -30, FLOOD_NEW },
        { "from the future", 2, 10, false, 60, -31, FLOOD_EXPIRED },
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        struct bench b;
        struct flood_head h = head_of(1);

        start(&b);
        h.hops = (uint8_t)rows[i].hops;
        h.ttl = (uint8_t)rows[i].ttl;
        h.is_from_origin = rows[i].is_from_origin;
        h.life_s = (uint16_t)rows[i].life_s;
        h.age_ns = rows[i].age_s * NS_PER_S;
        if (admit(&b, &h, T0) != rows[i].want)
            fail_msg("%s", rows[i].fact);
        assert_true(flood_knows(&b.f, &h.id) == (rows[i].want == FLOOD_NEW));
        stop(&b);
    }
}

static void test_a_copy_is_never_new(void **state)
{
    struct bench b;
    struct flood_head h = head_of(1);
    int64_t ends_ns = T0 + (60 + 30) * NS_PER_S;

    (void)state;
    start(&b);
    assert_int_equal(flood_probe(&b.f, &h, T0), FLOOD_NEW);
    assert_int_equal(flood_probe(&b.f, &h, T0), FLOOD_NEW); /* not yet committed */
    assert_int_equal(flood_commit(&b.f, &h, T0), FLOOD_NEW);
    assert_int_equal(flood_commit(&b.f, &h, T0), FLOOD_DUPLICATE);
    for (int64_t now = T0; now < ends_ns; now += NS_PER_S) {
        h.age_ns = now - T0 <= 60 * NS_PER_S ? now - T0 : 60 * NS_PER_S;
        h.peer = 2;
        assert_int_equal(flood_probe(&b.f, &h, now), FLOOD_DUPLICATE);
    }
    stop(&b);
}

/* The memory is full: new ones are refused as long as the old ones could come again, and
 * are taken as soon as they cannot. */
static void test_full_memory_refuses_new_ones(void **state)
{
    struct bench b;
    struct flood_params p = params();

    (void)state;
    p.seen_max = 100;
    p.origin_rate = p.link_rate = p.node_rate = (struct bucket_rate){ 1, 1000 };
    start_with(&b, &p);
    for (int i = 0; i < 150; i++) {
        struct flood_head h = head_of(i);

        h.life_s = (uint16_t)(i < 50 ? 60 : 120);
        assert_int_equal(admit(&b, &h, T0 + i), i < 100 ? FLOOD_NEW : FLOOD_LIMITED);
    }
    assert_int_equal(flood_counts(&b.f)->cache_full, 50);
    assert_int_equal(b.f.state->seen.count, 100);
    for (int i = 0; i < 100; i++) {
        struct flood_head h = head_of(i);

        assert_int_equal(admit(&b, &h, T0 + 89 * NS_PER_S), FLOOD_DUPLICATE);
    }
    for (int i = 200; i < 300; i++) { /* the first 50 are over; their ways back go too */
        struct flood_head h = head_of(i);

        assert_int_equal(admit(&b, &h, T0 + 92 * NS_PER_S),
                         i < 250 ? FLOOD_NEW : FLOOD_LIMITED);
    }
    for (int i = 50; i < 100; i++) {
        struct flood_head h = head_of(i);

        assert_int_equal(admit(&b, &h, T0 + 149 * NS_PER_S), FLOOD_DUPLICATE);
    }
    stop(&b);
}

static void test_rates(void **state)
{
    struct bench b;
    struct flood_head h;
    uint8_t other[KEY_LEN] = { 7 };

    (void)state;
    start(&b);
    for (int i = 0; i < 7; i++) { /* one origin: burst 5 */
        h = head_of(i);
        assert_int_equal(admit(&b, &h, T0), i < 5 ? FLOOD_NEW : FLOOD_LIMITED);
    }
    assert_int_equal(flood_counts(&b.f)->origin_limited, 2);
    h = head_of(7);
    assert_int_equal(admit(&b, &h, T0 + 9 * NS_PER_S), FLOOD_LIMITED);
    assert_int_equal(admit(&b, &h, T0 + 10 * NS_PER_S), FLOOD_NEW);
    h = head_of(8);
    h.origin = other; /* another origin is not concerned */
    assert_int_equal(admit(&b, &h, T0 + 10 * NS_PER_S), FLOOD_NEW);
    stop(&b);

    start(&b);
    for (int i = 0; i < 60; i++) { /* one link: burst 50, good or bad */
        h = head_of(i);
        assert_int_equal(flood_probe(&b.f, &h, T0), i < 50 ? FLOOD_NEW : FLOOD_LIMITED);
    }
    assert_int_equal(flood_counts(&b.f)->link_limited, 10);
    h.peer =
        2; /* the other links are not concerned, nor is the origin: no good signature */
    assert_int_equal(admit(&b, &h, T0), FLOOD_NEW);
    flood_peer_down(&b.f, 1, T0); /* a new link in the slot starts afresh */
    flood_peer_up(&b.f, 1, 0, T0);
    h = head_of(70);
    assert_int_equal(flood_probe(&b.f, &h, T0), FLOOD_NEW);
    stop(&b);
}

static void test_node_rate(void **state)
{
    struct bench b;
    int got = 0;

    (void)state;
    start(&b);
    for (int i = 0; i < 400; i++) {
        struct flood_head h = head_of(i);
        uint8_t key[KEY_LEN] = { (uint8_t)i, (uint8_t)(i >> 8) };

        h.origin = key;
        h.peer = i % 40;
        got += admit(&b, &h, T0) == FLOOD_NEW;
    }
    assert_int_equal(got, 200);
    assert_int_equal(flood_counts(&b.f)->node_limited, 200);
    assert_int_equal(b.f.state->origin_count, 200);
    stop(&b);
}

/* More origins than the table holds: the ones least in debt are forgotten, so that who
 * floods without end stays limited. */
static void test_origins_are_bounded(void **state)
{
    struct bench b;
    struct flood_params p = params();
    int noisy = 0;
    int n = 0;

    (void)state;
    p.origins_max = 16;
    p.link_rate = p.node_rate = (struct bucket_rate){ 1, 1000 };
    start_with(&b, &p);
    for (int s = 0; s < 100; s++) {
        for (int i = 0; i < 3; i++) {
            struct flood_head h = head_of(n++);
            uint8_t key[KEY_LEN] = { (uint8_t)s, 1 };

            h.origin = i == 0 ? key : origin;
            noisy += admit(&b, &h, T0 + s * NS_PER_S) == FLOOD_NEW && i > 0;
        }
        assert_in_range(b.f.state->origin_count, 1, 16);
    }
    assert_in_range(noisy, 12, 15); /* 5 and one each 10 s */
    stop(&b);
}

static void test_forward(void **state)
{
    static const struct {
        const char *fact;
        int from;
        int hops;
        int ttl;
        int sent;
        int hops_sent;
    } rows[] = {
        { "our own goes to all", -1, 1, 10, 4, 1 },
        { "another's to all but whom it came from", 5, 1, 10, 3, 2 },
        { "from a link that is no neighbour", 9, 3, 10, 4, 4 },
        { "the last hop goes nowhere", 5, 10, 10, 0, 0 },
        { "… nor beyond the network's limit", 5, 12, 12, 0, 0 },
    };
    static const int active[] = { 2, 3, 5, 8 };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        struct bench b;
        struct flood f = {
            .kind = FLOOD_CALL, .ttl = 10, .life_s = 60, .body = bytes_of("\x80", 1)
        };
        uint8_t inner[MSG_INNER_MAX];
        struct msg_flood m = { .hops = (uint8_t)rows[i].hops };
        struct flood_head h = head_of(1);

        start(&b);
        h.peer = rows[i].from;
        h.hops = m.hops;
        h.ttl = (uint8_t)rows[i].ttl;
        m.inner = bytes_of(inner, flood_encode(&f, inner, sizeof(inner)));
        (void)flood_commit(&b.f, &h, T0);
        if (flood_forward(&b.f, &m, &h, active, 4, T0, &b.out) != rows[i].sent)
            fail_msg("%s", rows[i].fact);
        assert_int_equal(b.out.count, rows[i].sent + (rows[i].from >= 0));
        assert_int_equal(flood_counts(&b.f)->sent, rows[i].sent);
        for (int k = 0; k < rows[i].sent; k++) {
            struct msg got;

            assert_int_equal(msg_decode(bytes_of(b.out.data + b.out.items[k].start,
                                                 b.out.items[k].len),
                                        &got),
                             0);
            assert_int_equal(got.u.flood.hops, rows[i].hops_sent);
            assert_true(bytes_equal(got.u.flood.inner, m.inner));
            assert_int_not_equal(b.out.items[k].peer, rows[i].from);
        }
        stop(&b);
    }
}

static void test_the_way_back(void **state)
{
    struct bench b;
    struct flood_head h = head_of(1);
    struct flood_head own = head_of(2);
    struct flood_head unknown = head_of(3);

    (void)state;
    start(&b);
    own.peer = -1;
    own.hops = 1;
    assert_int_equal(admit(&b, &h, T0), FLOOD_NEW);
    assert_int_equal(admit(&b, &own, T0), FLOOD_NEW);
    assert_int_equal(flood_route(&b.f, &h.id, T0), 1);
    assert_int_equal(flood_route(&b.f, &own.id, T0), -1);
    assert_int_equal(flood_route(&b.f, &unknown.id, T0), -1);
    assert_int_equal(flood_route(&b.f, &h.id, T0 + 179 * NS_PER_S), 1);
    assert_int_equal(flood_route(&b.f, &h.id, T0 + 180 * NS_PER_S), -1);
    flood_peer_down(&b.f, 1, T0);
    assert_int_equal(flood_route(&b.f, &h.id, T0), -1); /* the slot is another's now */
    stop(&b);
}

static struct msg_reply reply_to(const struct flood_head *h, int hops)
{
    return (struct msg_reply){ .flood = h->id,
                               .hops = (uint8_t)hops,
                               .inner = bytes_of("answer", 6) };
}

static void test_replies(void **state)
{
    struct bench b;
    struct flood_head h = head_of(1);
    struct flood_head own = head_of(2);
    struct flood_head unknown = head_of(3);
    int route;

    (void)state;
    own.peer = -1;
    own.hops = 1;
    start(&b);
    assert_int_equal(admit(&b, &h, T0), FLOOD_NEW);
    assert_int_equal(admit(&b, &own, T0), FLOOD_NEW);
    struct {
        const char *fact;
        struct msg_reply m;
        int peer;
        enum flood_reply_verdict want;
        int route;
    } rows[] = {
        { "to the peer that the flood came from", reply_to(&h, 1), 4, FLOOD_REPLY_PASS,
          1 },
        { "to ourselves", reply_to(&own, 3), 4, FLOOD_REPLY_OWN, -1 },
        { "to a flood that we do not know", reply_to(&unknown, 1), 4, FLOOD_REPLY_LOST,
          -1 },
        { "back where it comes from", reply_to(&h, 1), 1, FLOOD_REPLY_LOST, 1 },
        { "no hop", reply_to(&h, 0), 4, FLOOD_REPLY_BAD_HOPS, -1 },
        { "the last hop", reply_to(&h, 12), 4, FLOOD_REPLY_PASS, 1 },
        { "too many hops", reply_to(&h, 13), 4, FLOOD_REPLY_BAD_HOPS, -1 },
    };

    for (int i = 0; i < COUNT(rows); i++) {
        enum flood_reply_verdict v = flood_reply_probe(&b.f, &rows[i].m, rows[i].peer, T0,
                                                       &route);

        if (v != rows[i].want || route != rows[i].route)
            fail_msg("%s: %d, route %d", rows[i].fact, (int)v, route);
    }
    flood_reply_forward(&b.f, &rows[0].m, 1, &b.out);
    assert_int_equal(b.out.count, 1);
    flood_reply_forward(&b.f, &rows[5].m, 1, &b.out); /* it has come to its end */
    assert_int_equal(b.out.count, 1);
    stop(&b);
}

static void answerer_key(int n, uint8_t key[KEY_LEN])
{
    memset(key, 0, KEY_LEN);
    store_be32(key, (uint32_t)n);
}

/* n answers at once; how many are passed on. */
static int answered(struct bench *b, const struct flood_head *h, int from, int n,
                    int64_t now_ns)
{
    int passed = 0;

    for (int i = 0; i < n; i++) {
        struct msg_reply m = reply_to(h, 2);
        uint8_t key[KEY_LEN];
        int route;
        enum flood_reply_verdict v = flood_reply_probe(&b->f, &m, 4 + i % 40, now_ns,
                                                       &route);

        if (v != FLOOD_REPLY_OWN && v != FLOOD_REPLY_PASS)
            continue;
        answerer_key(from + i, key);
        v = flood_reply_commit(&b->f, &h->id, key, now_ns);
        passed += v == FLOOD_REPLY_OWN || v == FLOOD_REPLY_PASS;
    }
    return passed;
}

static void test_replies_do_not_implode(void **state)
{
    struct bench b;
    struct flood_head h = head_of(1);
    struct flood_head own = head_of(2);

    (void)state;
    own.peer = -1;
    own.hops = 1;
    start(&b);
    admit(&b, &h, T0);
    admit(&b, &own, T0);
    assert_int_equal(answered(&b, &h, 0, 100, T0), 32);
    assert_int_equal(answered(&b, &h, 100, 100, T0 + NS_PER_S), 10);
    assert_int_equal(answered(&b, &h, 200, 100, T0 + 60 * NS_PER_S), 64 - 42);
    assert_int_equal(answered(&b, &own, 0, 100, T0 + 60 * NS_PER_S),
                     64); /* ours: only the cap */
    assert_int_equal(answered(&b, &own, 100, 100, T0 + 90 * NS_PER_S), 0);
    stop(&b);
}

static void test_each_answers_once(void **state)
{
    struct bench b;
    struct flood_head h = head_of(1);
    struct flood_head own = head_of(2);

    (void)state;
    own.peer = -1;
    own.hops = 1;
    start(&b);
    admit(&b, &h, T0);
    admit(&b, &own, T0);
    assert_int_equal(answered(&b, &h, 0, 5, T0), 5);
    assert_int_equal(answered(&b, &h, 0, 6, T0), 1);
    assert_int_equal(flood_counts(&b.f)->replies_double, 5);
    assert_int_equal(answered(&b, &own, 0, 5, T0), 5); /* another flood, another answer */
    stop(&b);
}

static void test_one_link_cannot_answer_for_all(void **state)
{
    struct bench b;
    struct flood_head h = head_of(1);
    struct msg_reply m = reply_to(&h, 2);
    int route;

    (void)state;
    start(&b);
    admit(&b, &h, T0);
    for (int i = 0; i < 70; i++) /* with bad signatures: nothing is ever committed */
        assert_int_equal(flood_reply_probe(&b.f, &m, 4, T0, &route),
                         i < 64 ? FLOOD_REPLY_PASS : FLOOD_REPLY_LIMITED);
    assert_int_equal(flood_reply_probe(&b.f, &m, 5, T0, &route), FLOOD_REPLY_PASS);
    stop(&b);
}

/* What is told of answers that are only counted: at each doubling, and never too much. */
static void test_more_answers_are_counted(void **state)
{
    static struct outbox out;
    struct bench b;
    struct flood_head h = head_of(1);
    struct flood_head own = head_of(2);
    struct flood_head unknown = head_of(3);
    uint32_t told = 0;

    (void)state;
    own.peer = -1;
    own.hops = 1;
    start(&b);
    admit(&b, &h, T0);
    admit(&b, &own, T0);
    outbox_clear(&out);
    for (int i = 0; i < 100; i++)
        flood_count_more(&b.f, &h.id, 1, T0, &out);
    assert_int_equal(out.count, 7); /* 1, 2, 4 … 64 */
    for (int i = 0; i < out.count; i++) {
        struct msg m;

        assert_int_equal(
            msg_decode(bytes_of(out.data + out.items[i].start, out.items[i].len), &m), 0);
        assert_int_equal(m.type, MSG_SUMMARY);
        assert_int_equal(out.items[i].peer, 1);
        told += m.u.summary.count;
    }
    assert_int_equal(told, 64);
    assert_int_equal(flood_more(&b.f), 0); /* of others */
    outbox_clear(&out);
    flood_count_more(&b.f, &unknown.id, 5, T0, &out);
    flood_count_more(&b.f, &own.id, 30, T0, &out);
    flood_count_more(&b.f, &own.id, 12, T0, &out);
    assert_int_equal(out.count, 0);
    assert_int_equal(flood_more(&b.f), 42);
    flood_count_more(&b.f, &own.id, MSG_COUNT_MAX, T0, &out);
    flood_count_more(&b.f, &own.id, MSG_COUNT_MAX, T0, &out);
    assert_int_equal(flood_more(&b.f), MSG_COUNT_MAX);
    stop(&b);
}

/* Anything, in any order: the memory stays within its bound and consistent, and nothing
 * is handled twice while it could be. */
static void any_floods(uint64_t seed)
{
    struct bench b;
    struct flood_params p = params();
    struct rng r;
    int64_t now = T0;
    int64_t until[300] = { 0 };

    p.seen_max = 64;
    p.origins_max = 8;
    p.link_rate = (struct bucket_rate){ NS_PER_MS, 100 };
    start_with(&b, &p);
    rng_seed(&r, seed);
    for (int i = 0; i < 5000; i++) {
        int n = (int)rng_below(&r, 300);
        struct flood_head h = head_of(n);
        uint8_t key[KEY_LEN] = { (uint8_t)rng_below(&r, 20) };

        now += rng_below(&r, NS_PER_S);
        h.origin = key;
        h.peer = (int)rng_below(&r, 65) - 1;
        h.hops = (uint8_t)(h.peer < 0 ? 1 : rng_below(&r, 14));
        h.is_from_origin = h.hops == 1;
        h.life_s = (uint16_t)rng_below(&r, 160);
        h.age_ns = rng_below(&r, 60 * NS_PER_S) - 10 * NS_PER_S;
        if (admit(&b, &h, now) == FLOOD_NEW) {
            assert_true(until[n] <= now);
            until[n] = now + h.life_s * NS_PER_S - h.age_ns;
        }
        if (rng_below(&r, 10) == 0) {
            int slot = (int)rng_below(&r, 64);

            flood_peer_down(&b.f, slot, now);
            flood_peer_up(&b.f, slot, 0, now);
        }
        if (rng_below(&r, 5) == 0)
            flood_tidy(&b.f, now);
        assert_in_range(flood_route(&b.f, &h.id, now) + 1, 0, 64);
        assert_in_range(b.f.state == NULL ? 0 : b.f.state->seen.count, 0, 64);
        if (i % 50 == 0)
            assert_null(floods_check(&b.f));
    }
    assert_true(flood_counts(&b.f)->cache_full > 0 && flood_counts(&b.f)->admitted > 500);
    stop(&b);
}

static void test_any_order(void **state)
{
    (void)state;
    for_each_seed(20, any_floods);
}

/* The shipped limits: no flood that may come is ever refused for want of room, and none
 * that could come again is forgotten.  There are twice as many as the node may take, each
 * as long-lived as can be. */
static void test_memory_follows_from_the_rates(void **state)
{
    struct bench b;
    struct flood_params p = params();
    int64_t until_ns = T0 + 500 * NS_PER_S;
    int n = 0;

    (void)state;
    assert_in_range(p.seen_max, flood_seen_needed(&p), 2 * flood_seen_needed(&p));
    p.seen_max = (int)flood_seen_needed(&p);
    start_with(&b, &p);
    for (int64_t now = T0; now < until_ns; now += 10 * NS_PER_MS) {
        struct flood_head h = head_of(n++);
        uint8_t key[KEY_LEN] = { 0 };

        store_be64(key, (uint64_t)n);
        h.origin = key;
        h.peer = n % 64;
        h.life_s = 150;
        h.age_ns = -30 * NS_PER_S;
        (void)admit(&b, &h, now);
    }
    assert_int_equal(flood_counts(&b.f)->cache_full, 0);
    assert_in_range(flood_counts(&b.f)->admitted, 25000, 25300);
    assert_in_range(b.f.state->seen.count, 10000, flood_seen_needed(&p));
    stop(&b);
}

/* Floods of a minute, 20 a second by as many origins; then one that is answered. */
static void storm(struct bench *b, int64_t now)
{
    struct msg_flood m = { .hops = 2, .inner = bytes_of("inner", 5) };
    const int active[] = { 0, 1, 2 };
    struct flood_head h;

    for (int i = 0; i < 1200; i++) {
        uint8_t key[KEY_LEN] = { 0 };

        h = head_of(1000 + i);
        store_be64(key, (uint64_t)i);
        h.origin = key;
        h.peer = i % 6;
        now += NS_PER_S / 20;
        assert_int_equal(admit(b, &h, now), FLOOD_NEW);
        flood_forward(&b->f, &m, &h, active, 3, now, &b->out);
        outbox_clear(&b->out);
        for (int peer = 0; peer < 3; peer++)
            flood_is_seen(&b->f, &h.id, h.hops, peer, &b->out);
        outbox_clear(&b->out);
    }
    for (uint8_t k = 0; k < 60; k++) {
        uint8_t key[KEY_LEN] = { k };

        flood_reply_commit(&b->f, &h.id, key, now + k * NS_PER_S / 10);
    }
}

/* A node that only has neighbours holds next to nothing, memory comes with use, and goes
 * when it is over: at once what was for seconds, and what is remembered when it is void.
 */
static void test_memory_comes_and_goes_with_floods(void **state)
{
    struct bench b;
    struct flood_head h = head_of(1);
    struct flood_params p = params();
    size_t idle;
    size_t most;

    (void)state;
    p.peers_max = 6;
    start_with(&b, &p);
    idle = b.heap.used;
    assert_in_range(sizeof(struct floods) + idle, 1, 400);
    assert_int_equal(admit(&b, &h, T0), FLOOD_NEW);
    assert_in_range(b.heap.used, idle + 1, idle + 1024);
    storm(&b, T0);
    most = b.heap.used;
    assert_true(most > 100000);
    flood_tidy(&b.f, T0 + 61 * NS_PER_S);
    assert_true(b.f.state->seen.count > 1000);
    /* One more, so that the table is needed when all the others are over. */
    h = head_of(2);
    assert_int_equal(admit(&b, &h, T0 + 230 * NS_PER_S), FLOOD_NEW);
    for (int i = 0; i < 3; i++)
        flood_tidy(&b.f, T0 + (260 + 20 * i) * NS_PER_S);
    assert_true(flood_knows(&b.f, &h.id));
    assert_int_equal(flood_route(&b.f, &h.id, T0 + 300 * NS_PER_S), 1);
    assert_true(b.heap.used < most / 2);
    flood_tidy(&b.f, T0 + 420 * NS_PER_S);
    assert_null(b.f.state);
    assert_in_range(b.heap.used, idle, idle + 128); /* what was counted */
    assert_int_equal(b.f.tidy_ns, TIME_NEVER);
    assert_int_equal(flood_counts(&b.f)->admitted, 1202);
    stop(&b);
}

/* Rows that stay keep their index, and the table shrinks once none is in its upper half.
 */
static void test_a_table_that_shrinks(void **state)
{
    struct bench b;
    struct seen s;
    int32_t kept[2];

    (void)state;
    start(&b);
    seen_init(&s, 4096, 5);
    for (int i = 0; i < 1000; i++) {
        struct flood_head h = head_of(i);
        int32_t row;

        assert_true(seen_make_room(&s, &b.heap, 0, 0));
        row = seen_add(&s, &h.id);
        s.rows[row].until_ms = i == 3 || i == 900 ? 5000 : i == 700 ? 3000 : 1000;
        if (i == 3 || i == 900)
            kept[i == 900] = row;
    }
    assert_int_equal(s.room, 1024);
    seen_tidy(&s, &b.heap, 0, 2000);
    assert_int_equal(s.count, 3);
    assert_int_equal(s.room, 1024);
    assert_int_equal(seen_find(&s, id_of(900)), kept[1]);
    s.rows[kept[1]].until_ms = 3000;
    assert_true(seen_make_room(&s, &b.heap, 0, 2000));
    assert_int_equal(seen_add(&s, id_of(5000)), 0); /* among the first */
    s.rows[0].until_ms = 5000;
    seen_tidy(&s, &b.heap, 0, 4000);
    assert_int_equal(s.count, 2);
    assert_int_equal(s.room, 4);
    assert_int_equal(seen_find(&s, id_of(3)), kept[0]);
    assert_null(seen_check(&s));
    seen_tidy(&s, &b.heap, 0, 6000);
    assert_int_equal(s.room, 0);
    stop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hops_and_time),
        cmocka_unit_test(test_a_copy_is_never_new),
        cmocka_unit_test(test_full_memory_refuses_new_ones),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_node_rate),
        cmocka_unit_test(test_origins_are_bounded),
        cmocka_unit_test(test_forward),
        cmocka_unit_test(test_the_way_back),
        cmocka_unit_test(test_replies),
        cmocka_unit_test(test_more_answers_are_counted),
        cmocka_unit_test(test_replies_do_not_implode),
        cmocka_unit_test(test_each_answers_once),
        cmocka_unit_test(test_one_link_cannot_answer_for_all),
        cmocka_unit_test(test_memory_follows_from_the_rates),
        cmocka_unit_test(test_memory_comes_and_goes_with_floods),
        cmocka_unit_test(test_a_table_that_shrinks),
        cmocka_unit_test(test_any_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
