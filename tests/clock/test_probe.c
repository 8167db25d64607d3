/* The probe's datagrams and its schedule.  SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "base/time.h"
#include "clock/probe.h"
#include "tests/heap.h"

static void test_known_bytes(void **state)
{
    static const uint8_t head[] = { 0x88, 0x02, 0x18, 0x64, 0x1b, 0x01, 0x02, 0x03,
                                    0x04, 0x05, 0x06, 0x07, 0x08, 0x20, 0x19, 0x03,
                                    0xe8, 0x18, 0x63, 0x19, 0x02, 0x00, 0x58 };
    struct probe p = {
        PROBE_REPLY, 100, UINT64_C(0x0102030405060708), -1, 1000, 99, 512
    };
    uint8_t body[PROBE_LEN];

    (void)state;
    probe_encode(&p, body);
    assert_memory_equal(body, head, sizeof(head));
    assert_int_equal(body[sizeof(head)], PROBE_LEN - sizeof(head) - 1);
    for (int i = sizeof(head) + 1; i < PROBE_LEN; i++) {
        assert_int_equal(body[i], 0);
    }
}

static void test_round_trip(void **state)
{
    static const struct probe probes[] = {
        { PROBE_REQUEST, 0, 0, 0, 0, 0, 0 },
        { PROBE_REQUEST, UINT32_MAX, UINT64_MAX, 0, 0, 0, 0 },
        { PROBE_REPLY, 0, 0, 0, 0, 0, 0 },
        { PROBE_REPLY, UINT32_MAX, UINT64_MAX, INT64_MAX, INT64_MAX, UINT32_MAX,
          PROBE_LATE_NS_MAX },
        { PROBE_REPLY, 70000, 300, INT64_MIN, INT64_MIN, 1, 0 },
        { PROBE_REPLY, 23, 24, -24, 255, 0, 70000 },
        { PROBE_REPLY, 256, 65536, 65535, 4294967296, 65536, 24 },
    };
    (void)state;
    for (int i = 0; i < COUNT(probes); i++) {
        uint8_t body[PROBE_LEN];
        struct probe out;

        probe_encode(&probes[i], body);
        assert_int_equal(probe_decode(bytes_of(body, PROBE_LEN), &out), 0);
        assert_int_equal(out.kind, probes[i].kind);
        assert_int_equal(out.seq, probes[i].seq);
        assert_int_equal(out.clock_id, probes[i].clock_id);
        assert_int_equal(out.t2_ns, probes[i].t2_ns);
        assert_int_equal(out.t3_ns, probes[i].t3_ns);
        assert_int_equal(out.late_seq, probes[i].late_seq);
        assert_int_equal(out.late_ns, probes[i].late_ns);
    }
}

static void test_refuses(void **state)
{
    static const struct {
        const char *fact;
        int at;
        uint8_t byte;
    } cases[] = {
        { "kind 0", 1, 0x00 },
        { "kind 3", 1, 0x03 },
        { "a request with stamps", 1, 0x01 },
        { "one item less", 0, 0x87 },
        { "one item more", 0, 0x89 },
        { "a map", 0, 0xa8 },
        { "negative sequence", 2, 0x20 },
        { "sent before it was received", 4, 0x18 },
        { "late by text", 6, 0x60 },
        { "the pad is text", 7, 0x78 },
        { "the pad is not zero", PROBE_LEN - 1, 1 },
    };
    struct probe p = { PROBE_REPLY, 1, 2, 3, 4, 5, 6 };
    struct probe out = { .seq = 99 };
    uint8_t body[PROBE_LEN + 1] = { 0 };

    (void)state;
    probe_encode(&p, body);
    assert_int_equal(probe_decode(bytes_of(body, PROBE_LEN - 1), &out), ERR_MALFORMED);
    assert_int_equal(probe_decode(bytes_of(body, PROBE_LEN + 1), &out), ERR_MALFORMED);
    assert_int_equal(probe_decode(bytes_of(NULL, 0), &out), ERR_MALFORMED);
    for (int i = 0; i < COUNT(cases); i++) {
        print_message("%s\n", cases[i].fact);
        probe_encode(&p, body);
        body[cases[i].at] = cases[i].byte;
        assert_int_equal(probe_decode(bytes_of(body, PROBE_LEN), &out), ERR_MALFORMED);
    }
    /* Later than any stamp can be: the same bytes but for the lateness. */
    p.late_ns = PROBE_LATE_NS_MAX + 1;
    probe_encode(&p, body);
    assert_int_equal(probe_decode(bytes_of(body, PROBE_LEN), &out), ERR_MALFORMED);
    assert_int_equal(out.seq, 99);
}

/* Every byte matters: no single change is taken for the same probe. */
static void check_flips(uint64_t seed)
{
    struct rng r;

    rng_seed(&r, seed);
    for (int i = 0; i < 2000; i++) {
        struct probe p = {
            PROBE_REPLY, (uint32_t)rng_next(&r), rng_next(&r), 5, 6, 7, 8
        };
        struct probe out;
        uint8_t body[PROBE_LEN];

        probe_encode(&p, body);
        body[rng_below(&r, PROBE_LEN)] ^= (uint8_t)(1 << rng_below(&r, 8));
        if (probe_decode(bytes_of(body, PROBE_LEN), &out) == 0) {
            assert_true(out.seq != p.seq || out.clock_id != p.clock_id ||
                        out.t2_ns != 5 || out.t3_ns != 6 || out.late_seq != 7 ||
                        out.late_ns != 8);
        }
    }
}

static void test_flips(void **state)
{
    (void)state;
    for_each_seed(5, check_flips);
}

/* A peer that answers each probe after 200 us each way. */
struct peer {
    struct prober p;
    struct rng rng;
    struct clock_params params;
    struct probe_echo echo;
    uint64_t clock_id;
    int64_t offset_ns;
    int64_t late_ns; /* its replies leave so much later than it says */
    int64_t now_ns;
    int sent;
};

static void peer_init(struct peer *peer, int64_t interval_ns)
{
    memset(peer, 0, sizeof(*peer));
    peer->params = clock_params_default();
    rng_seed(&peer->rng, 1);
    peer->clock_id = 7;
    prober_init(&peer->p, &peer->params, test_heap(), interval_ns, &peer->rng, 0);
    prober_set_clock_id(&peer->p, 3, 0);
}

static enum clock_verdict answer(struct peer *peer, const uint8_t *request)
{
    uint8_t reply[PROBE_LEN];
    enum clock_verdict verdict = CLOCK_REFUSED;
    int64_t there = peer->now_ns + 200000 + peer->offset_ns;

    assert_int_equal(probe_answer(bytes_of(request, PROBE_LEN), peer->clock_id, there,
                                  there + 10000, &peer->echo, reply),
                     0);
    if (peer->late_ns > 0) {
        probe_echo_sent(&peer->echo, peer->echo.seq, there + 10000 + peer->late_ns);
    }
    assert_int_equal(prober_receive(&peer->p, bytes_of(reply, PROBE_LEN),
                                    peer->now_ns + 410000 + peer->late_ns, &verdict),
                     0);
    return verdict;
}

/* Run until an instant, waking exactly when asked; counts the probes sent. */
static int run(struct peer *peer, int64_t until_ns, bool is_answering)
{
    int sent = 0;

    while (prober_wake_ns(&peer->p) < until_ns) {
        uint8_t body[PROBE_LEN];
        uint32_t seq;

        peer->now_ns = prober_wake_ns(&peer->p);
        assert_true(prober_take(&peer->p, peer->now_ns, body, &seq));
        assert_false(prober_take(&peer->p, peer->now_ns, body, &seq));
        assert_true(prober_wake_ns(&peer->p) > peer->now_ns);
        sent++;
        if (is_answering) {
            (void)answer(peer, body);
        }
    }
    peer->now_ns = until_ns;
    return sent;
}

static void test_schedule(void **state)
{
    struct peer peer;

    (void)state;
    peer_init(&peer, NS_PER_S);
    assert_in_range(run(&peer, 3200 * NS_PER_MS, true), 60, 69); /* burst of 64 */
    assert_in_range(run(&peer, 15 * NS_PER_S, true), 105, 131);  /* 10 Hz */
    assert_in_range(run(&peer, 30 * NS_PER_S, true), 93, 115);   /* 5 Hz at 30 s, */
    assert_in_range(run(&peer, 60 * NS_PER_S, true), 93, 115);   /* 2.5 at a minute, */
    assert_in_range(run(&peer, 130 * NS_PER_S, true), 104, 129); /* … */
    (void)run(&peer, 150 * NS_PER_S, true);
    assert_in_range(run(&peer, 250 * NS_PER_S, true), 90, 111); /* 1 Hz */
    assert_int_equal(prober_state(&peer.p, peer.now_ns), CLOCK_LOCKED);
    assert_int_equal(prober_state(&peer.p, peer.now_ns + 7 * NS_PER_S), CLOCK_HOLDOVER);
    /* A deputy is probed every 4 s. */
    prober_set_interval(&peer.p, 4 * NS_PER_S, peer.now_ns);
    assert_in_range(run(&peer, 650 * NS_PER_S, true), 90, 112);
    assert_in_range(peer.p.filter.window.count, 27, 33); /* two minutes of them */
    /* It becomes host: the next probe comes within a second. */
    prober_set_interval(&peer.p, NS_PER_S, peer.now_ns);
    assert_true(prober_wake_ns(&peer.p) <= peer.now_ns + NS_PER_S);
    prober_finish(&peer.p);
}

/* A deputy is asked as densely at first, but no more of that is kept than it has room for
 * later on. */
static void test_deputy(void **state)
{
    struct peer peer;

    (void)state;
    peer_init(&peer, 4 * NS_PER_S);
    assert_in_range(run(&peer, 3200 * NS_PER_MS, true), 60, 69);
    assert_in_range(peer.p.filter.window.count, 30, 40);
    assert_int_equal(prober_state(&peer.p, peer.now_ns), CLOCK_LOCKED);
    prober_finish(&peer.p);
}

static void test_silent_peer(void **state)
{
    struct peer peer;

    (void)state;
    peer_init(&peer, NS_PER_S);
    (void)run(&peer, 150 * NS_PER_S, false);
    assert_in_range(run(&peer, 250 * NS_PER_S, false), 90, 111);
    assert_int_equal(prober_state(&peer.p, peer.now_ns), CLOCK_UNSYNCED);
    prober_finish(&peer.p);
}

static void test_step(void **state)
{
    struct peer peer;
    uint8_t body[PROBE_LEN];
    uint32_t seq;

    (void)state;
    peer_init(&peer, NS_PER_S);
    (void)run(&peer, 100 * NS_PER_S, true);
    peer.offset_ns = NS_PER_S;
    for (int i = 0; i < 3; i++) {
        int64_t before = peer.now_ns;

        peer.now_ns = prober_wake_ns(&peer.p);
        assert_true(i == 0 || peer.now_ns <= before + 120 * NS_PER_MS);
        assert_true(prober_take(&peer.p, peer.now_ns, body, &seq));
        assert_int_equal(answer(&peer, body), i < 2 ? CLOCK_GATED : CLOCK_RESET);
    }
    /* … and a burst follows. */
    assert_in_range(run(&peer, peer.now_ns + 1500 * NS_PER_MS, true), 27, 34);
    prober_finish(&peer.p);
}

static void test_new_clock(void **state)
{
    struct peer peer;

    (void)state;
    peer_init(&peer, NS_PER_S);
    (void)run(&peer, 100 * NS_PER_S, true);
    assert_true(peer.p.filter.window.count > 50);
    peer.clock_id++;
    peer.offset_ns = -40 * NS_PER_S;
    /* The first reply drops the history, and the sample starts a new one. */
    (void)run(&peer, prober_wake_ns(&peer.p) + 1, true);
    assert_int_equal(peer.p.filter.window.count, 1);
    assert_int_equal(peer.p.filter.resets, 0);
    assert_in_range(run(&peer, peer.now_ns + 1500 * NS_PER_MS, true), 27, 34);
    /* Our own clock started anew. */
    prober_set_clock_id(&peer.p, 3, peer.now_ns);
    assert_true(peer.p.filter.window.count > 1);
    prober_set_clock_id(&peer.p, 4, peer.now_ns);
    assert_int_equal(peer.p.filter.window.count, 0);
    assert_int_equal(prober_wake_ns(&peer.p), peer.now_ns);
    prober_finish(&peer.p);
}

static void test_matching(void **state)
{
    struct peer peer;
    enum clock_verdict verdict;
    uint8_t body[PROBE_LEN];
    uint8_t reply[PROBE_LEN];
    struct clock_line line;
    struct probe_echo echo = { 0 };
    struct probe p;
    uint32_t seq;

    (void)state;
    peer_init(&peer, NS_PER_S);
    assert_true(prober_take(&peer.p, 0, body, &seq));
    assert_int_equal(probe_answer(bytes_of(body, PROBE_LEN), 7, 500, 600, &echo, reply),
                     0);
    /* Our own request sent back is no answer, nor is a wrong sequence, nor a repetition.
     */
    assert_int_equal(prober_receive(&peer.p, bytes_of(body, PROBE_LEN), 1000, &verdict),
                     ERR_MALFORMED);
    assert_int_equal(probe_answer(bytes_of(reply, PROBE_LEN), 7, 1, 2, &echo, body),
                     ERR_MALFORMED);
    assert_int_equal(probe_decode(bytes_of(reply, PROBE_LEN), &p), 0);
    assert_int_equal(p.seq, seq);
    assert_int_equal(echo.seq, seq);
    p.seq += PROBE_OUTSTANDING_MAX;
    probe_encode(&p, body);
    assert_int_equal(prober_receive(&peer.p, bytes_of(body, PROBE_LEN), 1000, &verdict),
                     ERR_NOT_FOUND);
    /* The kernel's transmit stamp: only a plausible one is taken. */
    prober_set_sent(&peer.p, p.seq - PROBE_OUTSTANDING_MAX, 300);
    prober_set_sent(&peer.p, p.seq - PROBE_OUTSTANDING_MAX, -5);
    prober_set_sent(&peer.p, p.seq - PROBE_OUTSTANDING_MAX, 2 * NS_PER_S);
    prober_set_sent(&peer.p, p.seq, 900);
    assert_int_equal(prober_receive(&peer.p, bytes_of(reply, PROBE_LEN), 1000, &verdict),
                     0);
    assert_int_equal(verdict, CLOCK_ACCEPTED);
    clock_filter_line(&peer.p.filter, &line);
    assert_int_equal(line.local_ns, 650);
    assert_int_equal(line.remote_ns, 650 - 100); /* between 200 above and 400 below */
    assert_int_equal(prober_receive(&peer.p, bytes_of(reply, PROBE_LEN), 1100, &verdict),
                     ERR_NOT_FOUND);
    prober_finish(&peer.p);
}

/* The peer's replies leave 150 us after their T3, and its kernel says so afterwards: with
 * the next reply the floor is where it would be without. */
static void test_late(void **state)
{
    struct peer peer;
    struct clock_line plain;
    struct clock_line stamped;
    struct deltas_reader rows;
    int64_t received;

    (void)state;
    peer_init(&peer, NS_PER_S);
    (void)run(&peer, 40 * NS_PER_S, true);
    clock_filter_line(&peer.p.filter, &plain);
    assert_int_equal(peer.p.stamped_count, 0);
    prober_finish(&peer.p);

    peer_init(&peer, NS_PER_S);
    peer.late_ns = 150000;
    (void)run(&peer, 40 * NS_PER_S, true);
    clock_filter_line(&peer.p.filter, &stamped);
    received = peer.p.received_count;
    assert_int_equal(peer.p.stamped_count, received - 1);
    rows = deltas_read(&peer.p.filter.window);
    for (int i = 1; deltas_next(&rows); i++) {
        /* All but the newest, whose stamp has not come yet. */
        assert_int_equal(rows.row[2], i < peer.p.filter.window.count ? 400000 : 550000);
    }
    assert_in_range(stamped.bound_ns, plain.bound_ns - 5000, plain.bound_ns + 5000);
    prober_finish(&peer.p);
}

/* What the kernel cannot have meant, and what a lying peer may say of its lateness. */
static void test_late_lies(void **state)
{
    struct probe_echo echo = { .seq = 5, .t3_ns = 1000 };
    struct peer peer;
    struct clock_filter before;
    const int64_t *trip = &peer.p.filter.window.last[2];

    (void)state;
    probe_echo_sent(&echo, 4, 2000);
    probe_echo_sent(&echo, 5, 1000);
    probe_echo_sent(&echo, 5, 999);
    probe_echo_sent(&echo, 5, INT64_MIN);
    probe_echo_sent(&echo, 5, 1001 + PROBE_LATE_NS_MAX);
    assert_int_equal(echo.late_ns, 0);
    probe_echo_sent(&echo, 5, 1000 + PROBE_LATE_NS_MAX);
    assert_int_equal(echo.late_ns, PROBE_LATE_NS_MAX);

    peer_init(&peer, NS_PER_S);
    (void)run(&peer, 2 * NS_PER_S, true);
    before = peer.p.filter;
    /* Later than it can have come: as if nothing had been said.  Not the last sample: the
     * same. */
    clock_filter_amend(&peer.p.filter, before.at_ns, 400001);
    clock_filter_amend(&peer.p.filter, before.at_ns - 1, 7);
    assert_memory_equal(&peer.p.filter, &before, sizeof(before));
    /* At most to where a T3 of that moment would have put it: not above the upper one. */
    clock_filter_amend(&peer.p.filter, before.at_ns, 400000);
    assert_int_equal(trip[0], 0);
    clock_filter_amend(&peer.p.filter, before.at_ns, 1);
    assert_int_equal(trip[0], 0);
    clock_filter_drop(&peer.p.filter);
    clock_filter_amend(&peer.p.filter, before.at_ns, 1);
    assert_int_equal(peer.p.filter.window.count, 0);
    prober_finish(&peer.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_bytes), cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_refuses),     cmocka_unit_test(test_flips),
        cmocka_unit_test(test_schedule),    cmocka_unit_test(test_deputy),
        cmocka_unit_test(test_silent_peer), cmocka_unit_test(test_step),
        cmocka_unit_test(test_new_clock),   cmocka_unit_test(test_matching),
        cmocka_unit_test(test_late),        cmocka_unit_test(test_late_lies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
