/* Walks and shuffles, the records that they bring, and any messages in any order.
 * SPDX-License-Identifier: MIT */
#include "tests/overlay/bench.h"

static void test_forward_join(void **state)
{
    struct bench b;
    struct msg m;
    int next;

    (void)state;
    start(&b);
    fill(&b);
    get_walk(&b, 0, 50, 6);
    next = sent(&b, MSG_FORWARD_JOIN, -1, &m);
    assert_in_range(next, 1, 5);
    assert_int_equal(m.u.forward_join.ttl, 5);
    get_walk(&b, 0, 51, 255); /* nobody makes a walk longer than ours */
    assert_in_range(sent(&b, MSG_FORWARD_JOIN, -1, &m), 1, 5);
    assert_int_equal(m.u.forward_join.ttl, 5);
    get_walk(&b, 0, 52, 0); /* it ends here, where the view is full: by force */
    assert_int_equal(sent(&b, MSG_FORWARD_JOIN, -1, &m), -1);
    assert_int_equal(dialled(&b), 52);
    get_walk(&b, 0, SELF, 0);
    get_walk(&b, 0, 3, 0); /* a neighbour already */
    assert_int_equal(dialled(&b), -1);
    up(&b, 9);
    get_walk(&b, 9, 53, 0); /* only neighbours may send walks */
    assert_int_equal(dialled(&b), -1);
    assert_int_equal(b.o.counts.stray, 1);
    stop(&b);
}

static void test_walk_ends_by_force_only_when_accepted(void **state)
{
    struct bench b;
    struct peer_rec rec = rec_of(52);

    (void)state;
    start(&b);
    fill(&b);
    get_walk(&b, 0, 52, 0);
    assert_int_equal(dialled(&b), 52);
    overlay_peer_up(&b.o, 20, &rec, &rec.addr, b.now_ns, &b.out);
    assert_true(is_sent(&b, MSG_NEIGHBOR, 20));
    assert_int_equal(b.o.active_count, 6);
    assert_int_equal(evicted(&b, 52), -1);
    get_ack(&b, 20, true);
    assert_in_range(evicted(&b, 52), 0, 5);
    assert_true(overlay_is_active(&b.o, 20));
    assert_int_equal(b.o.forced_count, 1);
    stop(&b);
}

static void test_records_that_are_not_kept(void **state)
{
    static const struct {
        const char *fact;
        struct addr addr;
    } rows[] = {
        { "no port", { { 10, 0, 0, 9 }, 0, 4 } },
        { "no address", { { 0 }, 4747, 0 } },
        { "any host", { { 0 }, 4747, 4 } },
        { "any host, IPv6", { { 0 }, 4747, 16 } },
        { "this network", { { 0, 1, 2, 3 }, 4747, 4 } },
        { "multicast", { { 224, 0, 0, 1 }, 4747, 4 } },
        { "broadcast", { { 255, 255, 255, 255 }, 4747, 4 } },
        { "multicast, IPv6", { { 0xff, 2 }, 4747, 16 } },
        { "our loopback, from afar", { { 127, 0, 0, 1 }, 4747, 4 } },
        { "our loopback, IPv6", { { [15] = 1 }, 4747, 16 } },
    };
    struct bench b;

    (void)state;
    start(&b);
    fill(&b);
    b.o.peers[0].has_shuffled = true;
    for (int i = 0; i < COUNT(rows); i++) {
        struct msg m = { .type = MSG_SHUFFLE_REPLY };

        b.o.peers[0].has_shuffled = true;
        m.u.shuffle_reply.recs.count = 2;
        m.u.shuffle_reply.recs.list[0].id = id_of(100 + i);
        m.u.shuffle_reply.recs.list[0].addr = rows[i].addr;
        m.u.shuffle_reply.recs.list[1] = rec_of(SELF);
        get(&b, 0, &m);
        if (b.o.passive.count != 0)
            fail_msg("%s", rows[i].fact);
        assert_int_equal(b.o.counts.bad_records, i + 1);
    }
    stop(&b);
}

static void test_shuffle(void **state)
{
    struct bench b;
    struct msg m = { .type = MSG_SHUFFLE };
    struct msg r;

    (void)state;
    start(&b);
    fill(&b);
    m.u.shuffle.origin = rec_of(60);
    m.u.shuffle.ttl = 3;
    m.u.shuffle.recs.count = 1;
    m.u.shuffle.recs.list[0] = rec_of(61);
    get(&b, 0, &m); /* walks on, without its list */
    assert_in_range(sent(&b, MSG_SHUFFLE, -1, &r), 1, 5);
    assert_int_equal(r.u.shuffle.ttl, 2);
    assert_int_equal(r.u.shuffle.recs.count, 0);
    m.u.shuffle.ttl = 0;
    get(&b, 0, &m); /* ends here: we go to the origin itself */
    assert_int_equal(dialled(&b), 60);
    m.u.shuffle.origin = rec_of(7);
    up(&b, 7);
    get(&b, 7, &m); /* an exchange with a stranger */
    assert_int_equal(sent(&b, MSG_SHUFFLE_REPLY, 7, &r), 7);
    assert_int_equal(r.u.shuffle_reply.recs.count, 3);
    assert_int_equal(passive_rec(&b.o.passive, b.o.passive.count - 1)->addr.ip[3], 61);
    m.u.shuffle.origin = rec_of(62);
    get(&b, 7, &m); /* … who may not send walks of others */
    assert_int_equal(b.o.counts.stray, 1);
    m = (struct msg){ .type = MSG_SHUFFLE_REPLY };
    get(&b, 1, &m);
    assert_int_equal(b.o.counts.stray, 2);
    stop(&b);
}

static void test_an_any_address_is_completed(void **state)
{
    struct bench b;
    struct msg m = { .type = MSG_SHUFFLE };
    struct addr any = { { 0 }, 4747, 4 };
    struct msg r;

    (void)state;
    start(&b);
    fill(&b);
    m.u.shuffle.origin = rec_of(0);
    m.u.shuffle.origin.addr = any;
    m.u.shuffle.ttl = 3;
    get(&b, 0, &m);
    assert_in_range(sent(&b, MSG_SHUFFLE, -1, &r), 1, 5);
    assert_true(addr_equal(&r.u.shuffle.origin.addr, &overlay_rec(&b.o, 0)->addr));
    stop(&b);
}

/* Any message, in any order, from anybody: the invariants hold, nothing overflows, and
 * what is said stays in proportion to what was asked. */

static struct peer_rec any_rec(struct rng *r)
{
    struct peer_rec rec = rec_of((int)rng_below(r, 300));

    if (rng_below(r, 10) == 0)
        rec = rec_of(SELF);
    if (rng_below(r, 10) == 0)
        rec.addr.port = 0;
    if (rng_below(r, 10) == 0)
        rec.addr = (struct addr){ { 0 }, 4747, 4 };
    return rec;
}

static void any_recs(struct rng *r, struct peer_recs *recs)
{
    recs->count = (int)rng_below(r, MSG_RECS_MAX + 1);
    for (int i = 0; i < recs->count; i++)
        recs->list[i] = any_rec(r);
}

static struct msg any_msg(struct rng *r)
{
    static const enum msg_type types[] = {
        MSG_JOIN,    MSG_FORWARD_JOIN,  MSG_NEIGHBOR, MSG_NEIGHBOR_ACK, MSG_DISCONNECT,
        MSG_SHUFFLE, MSG_SHUFFLE_REPLY, MSG_ISLAND,   MSG_PROBE,        MSG_PROBE_ACK,
    };
    struct msg m = { .type = types[rng_below(r, COUNT(types))] };

    if (m.type == MSG_JOIN) {
        m.u.join.rec = any_rec(r);
    } else if (m.type == MSG_FORWARD_JOIN) {
        m.u.forward_join.rec = any_rec(r);
        m.u.forward_join.ttl = (uint8_t)rng_next(r);
    } else if (m.type == MSG_NEIGHBOR) {
        m.u.neighbor.is_high_priority = rng_below(r, 2) == 0;
    } else if (m.type == MSG_NEIGHBOR_ACK) {
        m.u.neighbor_ack.is_accepted = rng_below(r, 2) == 0;
        any_recs(r, &m.u.neighbor_ack.recs);
    } else if (m.type == MSG_DISCONNECT) {
        m.u.disconnect.reason = (uint8_t)rng_below(r, 4);
        any_recs(r, &m.u.disconnect.recs);
    } else if (m.type == MSG_SHUFFLE) {
        m.u.shuffle.origin = any_rec(r);
        m.u.shuffle.ttl = (uint8_t)rng_below(r, 10);
        any_recs(r, &m.u.shuffle.recs);
    } else if (m.type == MSG_ISLAND) {
        m.u.island.tag = rng_next(r) >> rng_below(r, 64);
        m.u.island.age_s = (uint32_t)rng_next(r) >> rng_below(r, 32);
        m.u.island.is_question = rng_below(r, 2) == 0;
    } else if (m.type == MSG_PROBE) {
        m.u.probe.target = any_rec(r);
    } else if (m.type == MSG_PROBE_ACK) {
        m.u.probe_ack.nonce = (uint32_t)rng_next(r);
    } else {
        any_recs(r, &m.u.shuffle_reply.recs);
    }
    return m;
}

static void any_peer_event(struct bench *b, struct rng *r)
{
    int peer = (int)rng_below(r, b->o.p->peers_max);
    bool is_up = sparse_has(&b->o.slots, peer);
    struct peer_rec rec = any_rec(r);
    struct node_id self = id_of(SELF);

    if (is_up && rng_below(r, 20) == 0) {
        down(b, peer);
    } else if (is_up) {
        struct msg m = any_msg(r);

        if (m.type == MSG_JOIN && rng_below(r, 2) == 0)
            m.u.join.rec = *overlay_rec(&b->o, peer);
        if (m.type == MSG_SHUFFLE && rng_below(r, 2) == 0)
            m.u.shuffle.origin = *overlay_rec(&b->o, peer);
        overlay_receive(&b->o, peer, &m, b->now_ns, &b->out);
    } else if (!node_id_equal(&rec.id, &self)) {
        overlay_peer_up(&b->o, peer, &rec, rng_below(r, 2) == 0 ? &rec.addr : NULL,
                        b->now_ns, &b->out);
    }
}

static void any_events(uint64_t seed)
{
    struct bench b;
    struct rng r;
    struct addr a;
    struct node_id id;
    struct peer_rec rec;
    bool is_forget;
    int peer;

    start(&b);
    rng_seed(&r, seed);
    a = rec_of(5).addr;
    overlay_add_bootstrap(&b.o, &a);
    for (int i = 0; i < 3000; i++) {
        const char *wrong;

        b.now_ns += rng_below(&r, rng_below(&r, 10) == 0 ? 5 * NS_PER_S : NS_PER_S / 10);
        any_peer_event(&b, &r);
        if (rng_below(&r, 3) == 0)
            overlay_wake(&b.o, b.now_ns, &b.out);
        while (overlay_take_dial(&b.o, &a, &id)) {
            if (rng_below(&r, 2) == 0)
                overlay_dial_failed(&b.o, &a, b.now_ns);
        }
        while (overlay_take_drop(&b.o, &peer))
            assert_false(overlay_needs(&b.o, peer));
        while (overlay_take_remember(&b.o, &rec, &is_forget)) {
        }
        wrong = overlay_check(&b.o);
        if (wrong != NULL)
            fail_msg("seed %d step %d: %s", (int)seed, i, wrong);
        assert_in_range(b.out.count, 0, 24);
        for (int k = 0; k < b.out.count; k++)
            assert_true(sparse_has(&b.o.slots, b.out.items[k].peer));
        outbox_clear(&b.out);
    }
    stop(&b);
}

static void test_any_order_of_any_messages(void **state)
{
    (void)state;
    for_each_seed(40, any_events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward_join),
        cmocka_unit_test(test_walk_ends_by_force_only_when_accepted),
        cmocka_unit_test(test_records_that_are_not_kept),
        cmocka_unit_test(test_shuffle),
        cmocka_unit_test(test_an_any_address_is_completed),
        cmocka_unit_test(test_any_order_of_any_messages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
