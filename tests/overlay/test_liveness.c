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
    liveness_peer_up(&b->l, 3, true, T0);
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

/* Time goes by, and the peer answers each PING after rtt_ms. */
static void run_answered(struct bench *b, int64_t until_ms, int64_t rtt_ms)
{
    for (int64_t at_ms = (b->now_ns - T0) / NS_PER_MS; at_ms < until_ms; at_ms++) {
        int before = b->pings;

        run_until(b, at_ms);
        if (b->pings == before)
            continue;
        at_ms += rtt_ms;
        run_until(b, at_ms);
        pong(b, b->seq);
    }
}

enum act { RUN, HEARD, PONG };

static void test_script(void **state)
{
    static const struct {
        const char *fact;
        int at_ms;
        enum act act;
        int pings; /* so far */
        bool is_asked;
        bool is_dead;
    } rows[] = {
        { "a new link is measured at once", 0, RUN, 1, false, false },
        { "the answer", 100, PONG, 1, false, false },
        { "no need to ask for 10 s", 10099, RUN, 1, false, false },
        { "then it is asked", 10100, RUN, 2, false, false },
        { "the answer", 10200, PONG, 2, false, false },
        { "any message will do", 15000, HEARD, 2, false, false },
        { "… for 10 s from then", 24999, RUN, 2, false, false },
        { "then it is asked", 25000, RUN, 3, false, false },
        { "again after the least time-out", 26000, RUN, 4, false, false },
        { "a message is an answer too", 26500, HEARD, 4, false, false },
        { "silence again", 36500, RUN, 5, false, false },
        { "second", 37500, RUN, 6, false, false },
        { "at the latest after 20 s others are asked", 46500, RUN, 15, true, false },
        { "they have 1.5 s", 47999, RUN, 15, false, false },
        { "dead", 48000, RUN, 15, false, true },
    };
    struct bench b;
    int peer;

    (void)state;
    start(&b);
    b.params.phi_suspect_milli = PHI_MILLI_MAX +
                                 1; /* only the length of silence counts */
    for (int i = 0; i < COUNT(rows); i++) {
        bool is_asked;
        bool is_dead;

        run_until(&b, rows[i].at_ms);
        if (rows[i].act == HEARD)
            liveness_heard(&b.l, 3, b.now_ns);
        if (rows[i].act == PONG)
            pong(&b, b.seq);
        is_asked = liveness_take_question(&b.l, &peer);
        is_dead = liveness_take_dead(&b.l, &peer);
        if (b.pings != rows[i].pings || is_dead != rows[i].is_dead ||
            is_asked != rows[i].is_asked)
            fail_msg("%s: %d pings, asked %d, dead %d", rows[i].fact, b.pings, is_asked,
                     is_dead);
    }
    assert_int_equal(peer, 3);
    assert_false(liveness_take_dead(&b.l, &peer)); /* said once */
    run_until(&b, 100000);
    assert_true(liveness_wake_ns(&b.l) == TIME_NEVER);
    liveness_heard(&b.l, 3, b.now_ns); /* too late: the link is being closed */
    assert_true(liveness_wake_ns(&b.l) == TIME_NEVER);
    liveness_peer_down(&b.l, 3);
    liveness_peer_up(&b.l, 3, true, b.now_ns);
    assert_int_equal(liveness_rtt_ns(&b.l, 3), -1); /* another peer may sit there */
    assert_int_equal(b.l.dead, 1);
    liveness_finish(&b.l);
    assert_int_equal(b.heap.used, 0);
}

/* When the peer was reported after it fell silent, in ms. */
static int64_t reported(struct bench *b)
{
    int64_t from_ms = (b->now_ns - T0) / NS_PER_MS;
    int peer;

    for (int64_t ms = from_ms; ms < from_ms + 60000; ms += 10) {
        run_until(b, ms);
        if (liveness_take_dead(&b->l, &peer))
            return ms - from_ms;
    }
    return -1;
}

/* A peer that was regular is suspected early, one that was not later. */
/* Two peers: of an answer, of talk, and of a peer that is gone, nothing is left for which
 * we would be woken. */
static void test_nobody_is_woken_for_what_is_over(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    run_until(&b, 0);
    assert_int_equal(liveness_wake_ns(&b.l), T0 + b.params.timeout_min_ns);
    b.now_ns = T0 + 20 * NS_PER_MS;
    pong(&b, b.seq);
    assert_int_equal(liveness_wake_ns(&b.l), b.now_ns + b.params.idle_ns);
    liveness_peer_up(&b.l, 5, true, b.now_ns);
    assert_int_equal(liveness_wake_ns(&b.l), b.now_ns);
    liveness_peer_down(&b.l, 5);
    assert_int_equal(liveness_wake_ns(&b.l), b.now_ns + b.params.idle_ns);
    for (int s = 1; s <= 15; s++) {
        run_until(&b, 1000 * s);
        liveness_heard(&b.l, 3, b.now_ns);
    }
    assert_int_equal(liveness_wake_ns(&b.l), T0 + 10 * NS_PER_S + b.params.idle_ns);
    liveness_finish(&b.l);
}

static void test_suspicion_follows_the_habits(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    for (int ms = 0; ms <= 2000000; ms += 1000) {
        run_until(&b, ms);
        liveness_heard(&b.l, 3, b.now_ns);
    }
    assert_in_range(liveness_phi_milli(&b.l, 3, b.now_ns + 900 * NS_PER_MS), 0, 500);
    assert_in_range(liveness_phi_milli(&b.l, 3, b.now_ns + 1600 * NS_PER_MS), 8000,
                    10000);
    assert_in_range(reported(&b), 12400, 12600); /* asked at 10 s, late at 11 s */
    start(&b);
    for (int ms = 0; ms <= 2000000; ms += ms / 1000 % 8 == 7 ? 9000 : 1000) {
        run_until(&b, ms);
        liveness_heard(&b.l, 3, b.now_ns);
    }
    assert_true(liveness_phi_milli(&b.l, 3, b.now_ns + 11 * NS_PER_S) < 8000);
    assert_in_range(reported(&b), 13000, 21600);
}

/* Others hear it: then the link is kept, but not for ever. */
static void test_others_can_vouch(void **state)
{
    struct bench b;
    int vouched = 0;
    int peer;

    (void)state;
    start(&b);
    run_answered(&b, 30000, 10);
    for (int ms = 30000; ms < 120000; ms += 10) {
        run_until(&b, ms);
        if (liveness_take_question(&b.l, &peer)) {
            assert_int_equal(peer, 3);
            liveness_vouch(&b.l, 3, b.now_ns);
            vouched++;
        }
        if (liveness_take_dead(&b.l, &peer))
            break;
    }
    assert_int_equal(vouched, 4);
    assert_int_equal(b.l.vouched, 3);
    assert_int_equal(b.l.dead, 1);
}

/* Without others to ask the verdict comes at once. */
static void test_probing_can_be_switched_off(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    b.params.probe_ns = 0;
    for (int ms = 0; ms <= 100000; ms += 1000) {
        run_until(&b, ms);
        liveness_heard(&b.l, 3, b.now_ns);
    }
    assert_in_range(reported(&b), 10900, 11100);
    assert_int_equal(b.l.suspected, 0);
}

static void test_a_busy_link_is_measured_too(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    for (int ms = 0; ms <= 400000; ms += 100) {
        run_until(&b, ms);
        liveness_heard(&b.l, 3, b.now_ns);
    }
    assert_int_equal(b.pings, 4); /* at 0, 120, 240 and 360 s */
}

/* Hand what one end has said to the other, without delay. */
static void exchange(struct bench *from, struct bench *to)
{
    for (int i = 0; i < from->out.count; i++) {
        const struct outbox_item *item = &from->out.items[i];
        struct msg m;

        assert_int_equal(
            msg_decode(bytes_of(from->out.data + item->start, item->len), &m), 0);
        from->pings += m.type == MSG_PING;
        liveness_receive(&to->l, 3, &m, to->now_ns, &to->out);
    }
    outbox_clear(&from->out);
}

/* On a quiet link only who dialled asks; the other end measures now and then, and asks
 * when the first one has stopped. */
static void test_one_end_asks_for_both(void **state)
{
    static struct bench ours;
    static struct bench theirs;

    (void)state;
    start(&ours);
    start(&theirs);
    liveness_peer_down(&theirs.l, 3);
    liveness_peer_up(&theirs.l, 3, false, T0);
    for (int ms = 0; ms <= 600000; ms += 50) {
        ours.now_ns = theirs.now_ns = T0 + ms * NS_PER_MS;
        liveness_wake(&ours.l, ours.now_ns, &ours.out);
        liveness_wake(&theirs.l, theirs.now_ns, &theirs.out);
        exchange(&ours, &theirs);
        exchange(&theirs, &ours);
        exchange(&ours, &theirs);
    }
    assert_in_range(ours.pings, 55, 62);
    assert_in_range(theirs.pings, 4, 6); /* 120 s apart */
    assert_int_equal(ours.l.dead + theirs.l.dead, 0);
    theirs.pings = 0;
    run_until(&theirs, 600000 + 10500); /* heard at 600 s at the latest */
    run_until(&theirs, 600000 + 11500);
    assert_true(theirs.pings > 0);
}

/* Deadlines that are close to each other cost one wake. */
static void test_who_is_due_soon_is_asked_too(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    liveness_peer_up(&b.l, 4, true, T0);
    run_until(&b, 0);
    for (int peer = 3; peer <= 4; peer++) {
        struct msg m = { .type = MSG_PONG };

        liveness_receive(&b.l, peer, &m, b.now_ns, &b.out);
        b.now_ns += 400 * NS_PER_MS;
    }
    b.pings = 0;
    run_until(&b, 10100); /* the one at 10.0 s takes that at 10.4 s along */
    assert_int_equal(b.pings, 2);
}

static bool is_near(int64_t ns, int64_t ms)
{
    return ns <= ms * NS_PER_MS && ns > ms * NS_PER_MS - 4096;
}

static void test_the_time_out_follows_the_rtt(void **state)
{
    static const struct {
        int rtt_ms;
        int timeout_ms;
    } rows[] = {
        { 10, 1000 }, { 240, 1000 }, { 500, 2000 }, { 2000, 8000 }, { 9000, 10000 }
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        struct bench b;
        int64_t asked_ns;

        start(&b);
        b.params.timeout_min_ns = NS_PER_S;
        run_until(&b, 0);
        b.now_ns = T0 + rows[i].rtt_ms * NS_PER_MS;
        pong(&b, b.seq);
        assert_true(is_near(liveness_rtt_ns(&b.l, 3), rows[i].rtt_ms));
        run_until(&b, rows[i].rtt_ms + 10000);
        asked_ns = b.now_ns;
        assert_int_equal(b.pings, 2);
        assert_in_range(b.l.peers[0].next_ns - asked_ns,
                        rows[i].timeout_ms * NS_PER_MS - 20000,
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
    run_until(&b, 10080);
    b.now_ns += 160 * NS_PER_MS;
    pong(&b, 1);
    assert_true(is_near(liveness_rtt_ns(&b.l, 3), 90));
    run_until(&b, 20240);
    run_until(&b, 21240); /* two under way: each answer has its own number */
    b.now_ns += 90 * NS_PER_MS;
    pong(&b, 3);
    assert_true(is_near(liveness_rtt_ns(&b.l, 3), 90));
}

/* The process was stopped for a minute while answers lay unread: nobody is condemned, and
 * for a while we are more patient. */
static void test_a_late_wake_is_no_verdict(void **state)
{
    struct bench b;
    int peer;

    (void)state;
    start(&b);
    run_answered(&b, 5000, 10);
    run_until(&b, 12000);
    for (int i = 1; i <= 5; i++) {
        b.now_ns = liveness_wake_ns(&b.l) + 60 * NS_PER_S;
        liveness_held_up(&b.l, 60 * NS_PER_S, b.now_ns);
        liveness_wake(&b.l, b.now_ns, &b.out);
        liveness_wake(&b.l, b.now_ns, &b.out);
        assert_false(liveness_take_dead(&b.l, &peer));
        assert_false(liveness_take_question(&b.l, &peer));
        assert_int_equal(b.l.health, i);
    }
    while (!liveness_take_dead(&b.l, &peer)) { /* still silent when we are in time */
        b.now_ns = liveness_wake_ns(&b.l);
        assert_true(b.now_ns < T0 + 1000 * NS_PER_S);
        liveness_wake(&b.l, b.now_ns, &b.out);
    }
    for (int i = 0; i < 40; i++) {
        liveness_peer_down(&b.l, 3);
        liveness_peer_up(&b.l, 3, true, b.now_ns);
        run_until(&b, (b.now_ns - T0) / NS_PER_MS + 5000);
        b.now_ns += 5 * NS_PER_S;
    }
    assert_in_range(b.l.health, 0, 7);
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

/* Whoever answers within its time-out is never dead; whoever falls silent is, once, at
 * the latest after suspect_max, a time-out, and the answers of others. */
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
    stops_ms = rtt_ms + rng_below(&r, 200000);
    run_answered(&b, stops_ms, rtt_ms);
    assert_false(liveness_take_dead(&b.l, &peer));
    assert_int_equal(b.l.suspected, 0);
    run_until(&b, stops_ms + rtt_ms + 21500 + 4 * rtt_ms);
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
        cmocka_unit_test(test_nobody_is_woken_for_what_is_over),
        cmocka_unit_test(test_suspicion_follows_the_habits),
        cmocka_unit_test(test_others_can_vouch),
        cmocka_unit_test(test_probing_can_be_switched_off),
        cmocka_unit_test(test_a_busy_link_is_measured_too),
        cmocka_unit_test(test_one_end_asks_for_both),
        cmocka_unit_test(test_who_is_due_soon_is_asked_too),
        cmocka_unit_test(test_the_time_out_follows_the_rtt),
        cmocka_unit_test(test_rtt_is_smoothed),
        cmocka_unit_test(test_a_late_wake_is_no_verdict),
        cmocka_unit_test(test_pings_are_answered_at_a_rate),
        cmocka_unit_test(test_silence_is_found_in_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
