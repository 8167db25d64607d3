/* Who is asked when, who is dead when, and what the round trip is.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "base/rng.h"
#include "overlay/liveness.h"

#define T0 (1000 * NS_PER_S)

struct bench {
    struct liveness l;
    struct outbox out;
    struct liveness_params params;
    struct pool pool;
    struct heap heap;
    uint8_t memory[16384] __attribute__((aligned(16)));
    int64_t now_ns;
    int pings;
    uint32_t seq; /* of the last PING */
};

static void start(struct bench *b)
{
    memset(b, 0, sizeof(*b));
    b->params = liveness_params_default();
    pool_init(&b->pool, b->memory, sizeof(b->memory));
    heap_init(&b->heap, &b->pool);
    liveness_init(&b->l, &b->params, &b->heap);
    b->now_ns = T0;
    liveness_peer_up(&b->l, 3, T0);
}

static void count_pings(struct bench *b)
{
    for (int i = 0; i < b->out.count; i++) {
        struct msg m;

        assert_int_equal(
            msg_decode(bytes_of(b->out.data + b->out.items[i].start, b->out.items[i].len),
                       &m),
            0);
        b->pings += m.type == MSG_PING;
        b->seq = m.u.ping.seq;
    }
    outbox_clear(&b->out);
}

static void run_until(struct bench *b, int64_t ms)
{
    while (liveness_wake_ns(&b->l) <= T0 + ms * NS_PER_MS) {
        b->now_ns = liveness_wake_ns(&b->l);
        liveness_wake(&b->l, b->now_ns, &b->out);
        assert_true(liveness_wake_ns(&b->l) > b->now_ns);
        count_pings(b);
    }
    b->now_ns = T0 + ms * NS_PER_MS;
}

static void pong(struct bench *b, uint32_t seq)
{
    struct msg m = { .type = MSG_PONG, .u.ping = { seq } };

    liveness_receive(&b->l, 3, &m, b->now_ns, &b->out);
}

enum act { RUN, HEARD, PONG };

static void test_script(void **state)
{
    static const struct {
        const char *fact;
        int at_ms;
        enum act act;
        int pings; /* so far */
        bool is_dead;
    } rows[] = {
        { "a new link is measured at once", 0, RUN, 1, false },
        { "the answer", 100, PONG, 1, false },
        { "no need to ask for 5 s", 5099, RUN, 1, false },
        { "then it is asked", 5100, RUN, 2, false },
        { "the answer", 5200, PONG, 2, false },
        { "any message will do", 9000, HEARD, 2, false },
        { "… for 5 s from then", 13999, RUN, 2, false },
        { "then it is asked", 14000, RUN, 3, false },
        { "again after the least time-out", 15000, RUN, 4, false },
        { "a message is an answer too", 15500, HEARD, 4, false },
        { "silence again", 20500, RUN, 5, false },
        { "second", 21500, RUN, 6, false },
        { "third", 22500, RUN, 7, false },
        { "not dead yet", 23499, RUN, 7, false },
        { "dead: 8 s after the last sign of life", 23500, RUN, 7, true },
    };
    struct bench b;
    int peer;

    (void)state;
    start(&b);
    for (int i = 0; i < COUNT(rows); i++) {
        bool is_dead;

        run_until(&b, rows[i].at_ms);
        if (rows[i].act == HEARD)
            liveness_heard(&b.l, 3, b.now_ns);
        if (rows[i].act == PONG)
            pong(&b, b.seq);
        is_dead = liveness_take_dead(&b.l, &peer);
        if (b.pings != rows[i].pings || is_dead != rows[i].is_dead)
            fail_msg("%s: %d pings, dead %d", rows[i].fact, b.pings, is_dead);
    }
    assert_int_equal(peer, 3);
    assert_false(liveness_take_dead(&b.l, &peer)); /* said once */
    assert_true(liveness_wake_ns(&b.l) == TIME_NEVER);
    liveness_heard(&b.l, 3, b.now_ns); /* too late: the link is being closed */
    assert_true(liveness_wake_ns(&b.l) == TIME_NEVER);
    liveness_peer_down(&b.l, 3);
    liveness_peer_up(&b.l, 3, b.now_ns);
    assert_int_equal(liveness_rtt_ns(&b.l, 3), -1); /* another peer may sit there */
    assert_int_equal(b.l.dead, 1);
}

static void test_a_busy_link_is_measured_too(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    for (int ms = 0; ms <= 100000; ms += 100) {
        run_until(&b, ms);
        liveness_heard(&b.l, 3, b.now_ns);
    }
    assert_int_equal(b.pings, 4); /* at 0, 30, 60 and 90 s */
}

static void test_the_time_out_follows_the_rtt(void **state)
{
    static const struct {
        int rtt_ms;
        int timeout_ms;
    } rows[] = {
        { 10, 1000 }, { 250, 1000 }, { 500, 2000 }, { 2000, 8000 }, { 9000, 10000 }
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        struct bench b;
        int64_t asked_ns;

        start(&b);
        run_until(&b, 0);
        b.now_ns = T0 + rows[i].rtt_ms * NS_PER_MS;
        pong(&b, 0);
        assert_int_equal(liveness_rtt_ns(&b.l, 3), rows[i].rtt_ms * NS_PER_MS);
        run_until(&b, rows[i].rtt_ms + 5000);
        asked_ns = b.now_ns;
        assert_int_equal(b.pings, 2);
        assert_int_equal(liveness_wake_ns(&b.l) - asked_ns,
                         rows[i].timeout_ms * NS_PER_MS);
    }
}

static void test_rtt_is_smoothed(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    run_until(&b, 0);
    b.now_ns = T0 + 80 * NS_PER_MS;
    pong(&b, 0);
    pong(&b, 0); /* answered already */
    pong(&b, 1); /* never sent */
    pong(&b, 0xffffffff);
    assert_int_equal(b.l.stray, 3);
    run_until(&b, 5080);
    b.now_ns += 160 * NS_PER_MS;
    pong(&b, 1);
    assert_int_equal(liveness_rtt_ns(&b.l, 3), 90 * NS_PER_MS);
    assert_int_equal(b.l.peers[3].rtt_min_ns, 80 * NS_PER_MS);
    run_until(&b, 10240);
    run_until(&b, 11240); /* two under way: each answer has its own number */
    b.now_ns += 90 * NS_PER_MS;
    pong(&b, 3);
    assert_int_equal(liveness_rtt_ns(&b.l, 3), 90 * NS_PER_MS);
}

/* The process was stopped for a minute while answers lay unread: nobody is condemned. */
static void test_a_late_wake_is_no_verdict(void **state)
{
    struct bench b;
    int peer;

    (void)state;
    start(&b);
    run_until(&b, 3000); /* three tries, the verdict is due at 3 s and a bit */
    b.l.peers[3].next_ns = b.now_ns + NS_PER_MS;
    b.l.peers[3].tries = 3;
    b.l.peers[3].is_dead = false;
    b.l.dead_count = 0;
    b.l.wake_ns = b.l.peers[3].next_ns;
    for (int i = 0; i < 5; i++) {
        b.now_ns += 60 * NS_PER_S;
        liveness_wake(&b.l, b.now_ns, &b.out);
        liveness_wake(&b.l, b.now_ns, &b.out);
        assert_false(liveness_take_dead(&b.l, &peer));
    }
    b.now_ns = liveness_wake_ns(&b.l);
    liveness_wake(&b.l, b.now_ns, &b.out);
    assert_true(liveness_take_dead(&b.l, &peer)); /* still silent when we are in time */
}

static void test_pings_are_answered_at_a_rate(void **state)
{
    struct bench b;
    struct msg m = { .type = MSG_PING, .u.ping = { 77 } };

    (void)state;
    start(&b);
    for (int i = 0; i < 30; i++)
        liveness_receive(&b.l, 3, &m, b.now_ns, &b.out);
    assert_int_equal(b.out.count, 10);
    assert_int_equal(b.l.limited, 20);
    assert_int_equal(msg_decode(bytes_of(b.out.data, b.out.items[0].len), &m), 0);
    assert_int_equal(m.type, MSG_PONG);
    assert_int_equal(m.u.ping.seq, 77);
}

/* Whoever answers within its time-out is never dead; whoever falls silent is, once,
 * within idle + tries * time-out. */
static void silent(uint64_t seed)
{
    struct bench b;
    struct rng r;
    int64_t stops_ms;
    int64_t rtt_ms;
    int peer = -1;

    rng_seed(&r, seed);
    start(&b);
    rtt_ms = 1 + rng_below(&r, 900);
    stops_ms = rtt_ms + rng_below(&r, 60000);
    for (int64_t ms = 0; ms < stops_ms; ms++) {
        int before = b.pings;

        run_until(&b, ms);
        if (b.pings > before) {
            run_until(&b, ms + rtt_ms);
            pong(&b, b.seq);
            ms += rtt_ms;
        }
        assert_false(liveness_take_dead(&b.l, &peer));
    }
    run_until(&b, stops_ms + rtt_ms + 5000 + 3 * (rtt_ms > 250 ? 4 * rtt_ms : 1000));
    assert_true(liveness_take_dead(&b.l, &peer));
    assert_false(liveness_take_dead(&b.l, &peer));
}

static void test_silence_is_found_in_time(void **state)
{
    (void)state;
    for_each_seed(50, silent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_script),
        cmocka_unit_test(test_a_busy_link_is_measured_too),
        cmocka_unit_test(test_the_time_out_follows_the_rtt),
        cmocka_unit_test(test_rtt_is_smoothed),
        cmocka_unit_test(test_a_late_wake_is_no_verdict),
        cmocka_unit_test(test_pings_are_answered_at_a_rate),
        cmocka_unit_test(test_silence_is_found_in_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
