/* What a link owes and is owed: answers to what was sent on it, what is fresh when it is
 * new, its rates, and the points of who sends what is bad.  SPDX-License-Identifier: MIT
 */
#include "tests/check.h"
#include "tests/heap.h"

#include "overlay/flood.h"

#define T0    (1000 * NS_PER_S)
#define MS    NS_PER_MS
#define PEERS 8

struct bench {
    struct flood_params p;
    struct liveness_params lp;
    struct floods f;
    struct liveness l;
    struct outbox out;
};

static struct bench b;
static const uint8_t origin[KEY_LEN];
static const int active[] = { 0, 1, 2 };

static void start(void)
{
    memset(&b, 0, sizeof(b));
    b.p = flood_params_default();
    b.lp = liveness_params_default();
    b.p.origin_rate = (struct bucket_rate){ 1, 1000 };
    b.p.alone_rate.period_ns = 0;
    liveness_init(&b.l, &b.lp, test_heap());
    floods_init(&b.f, &b.p, test_heap(), 1);
    b.f.liveness = &b.l;
    for (int i = 0; i < PEERS; i++) {
        flood_peer_up(&b.f, i, 0, T0);
        liveness_peer_up(&b.l, i, true, T0);
    }
}

static void stop(void)
{
    assert_null(floods_check(&b.f));
    floods_finish(&b.f);
    liveness_finish(&b.l);
    assert_int_equal(test_heap()->used, 0);
}

static struct flood_head head_of(int n, int peer)
{
    struct flood_head h = {
        .origin = origin, .peer = peer, .hops = 2, .ttl = 10, .life_s = 60
    };

    store_be64(h.id.b, (uint64_t)n);
    return h;
}

/* It comes from a peer (or is ours) and is forwarded to the other two of three. */
static enum flood_verdict arrive_after(int hops, int n, int peer, int64_t now)
{
    struct flood_head h = head_of(n, peer);
    struct msg_flood m = { .hops = (uint8_t)hops, .inner = bytes_of("inner", 5) };
    enum flood_verdict v = FLOOD_NEW;

    h.hops = m.hops;
    if (peer >= 0)
        v = flood_probe(&b.f, &h, now);
    if (v == FLOOD_NEW)
        v = flood_commit(&b.f, &h, now);
    if (v == FLOOD_NEW)
        (void)flood_forward(&b.f, &m, &h, active, COUNT(active), now, &b.out);
    return v;
}

static enum flood_verdict arrive(int n, int peer, int64_t now)
{
    return arrive_after(2, n, peer, now);
}

/* The messages of a type for a peer, -1: for any, in the outbox; it is emptied when all
 * are asked for. */
static int said(enum msg_type type, int peer)
{
    int count = 0;

    for (int i = 0; i < b.out.count; i++) {
        static struct msg m;

        assert_int_equal(
            msg_decode(bytes_of(b.out.data + b.out.items[i].start, b.out.items[i].len),
                       &m),
            0);
        count += m.type == type && (peer < 0 || b.out.items[i].peer == peer);
    }
    return count;
}

static struct msg_ids ids_of(int first, int count)
{
    struct msg_ids ids = { .count = count };

    for (int i = 0; i < count; i++)
        store_be64(ids.list[i].b, (uint64_t)(first + i));
    return ids;
}

static struct msg_digest digest_of(int first, int count)
{
    struct msg_digest d = { .count = count };

    for (int i = 0; i < count; i++)
        store_be64(d.list[i].id.b, (uint64_t)(first + i));
    return d;
}

/* ---- answers */

static void test_every_copy_is_answered(void **state)
{
    struct flood_head h = head_of(1, 0);

    (void)state;
    start();
    assert_int_equal(arrive(1, 0, T0), FLOOD_NEW);
    assert_int_equal(said(MSG_FLOOD, -1), 2);
    assert_int_equal(said(MSG_SEEN, 0), 1); /* it will get no copy of ours */
    assert_int_equal(b.f.state->unacked_count, 2);
    outbox_clear(&b.out);
    assert_true(flood_is_seen(&b.f, &h.id, 3, 1, &b.out)); /* crosses ours: an answer */
    assert_int_equal(b.out.count, 0);
    assert_int_equal(b.f.state->unacked_count, 1);
    assert_true(flood_is_seen(&b.f, &h.id, 3, 5, &b.out)); /* one that we sent nothing */
    assert_int_equal(said(MSG_SEEN, 5), 1);
    flood_on_seen(&b.f, 2, &(struct msg_ids){ .count = 1, .list[0] = h.id }, T0, &b.out);
    assert_int_equal(b.f.state->unacked_count, 0);
    assert_int_equal(flood_wake_ns(&b.f), TIME_NEVER);
    stop();
}

/* The deadline is that of the first copy that is still not answered. */
static void test_an_answer_puts_the_deadline_off(void **state)
{
    struct flood_head first = head_of(1, 0);
    int64_t later = T0 + 30 * NS_PER_MS;
    int64_t patience_ns;

    (void)state;
    start();
    assert_int_equal(arrive(1, 0, T0), FLOOD_NEW);
    patience_ns = flood_wake_ns(&b.f) - T0;
    assert_true(patience_ns > 0);
    assert_int_equal(arrive(2, 0, later), FLOOD_NEW);
    assert_int_equal(flood_wake_ns(&b.f), T0 + patience_ns);
    for (int peer = 1; peer <= 2; peer++) {
        assert_int_equal(flood_wake_ns(&b.f), T0 + patience_ns);
        assert_true(flood_is_seen(&b.f, &first.id, 3, peer, &b.out));
    }
    assert_int_equal(flood_wake_ns(&b.f), later + patience_ns);
    stop();
}

/* The way of the first copy was fast and long; by a shorter one the flood may go on. */
static void test_the_first_copy_may_have_come_far(void **state)
{
    struct flood_head h = head_of(1, 0);
    struct msg_ids ids = ids_of(1, 1);
    struct msg m;

    (void)state;
    start();
    flood_set_active(&b.f, active, COUNT(active), T0, &b.out);
    assert_int_equal(arrive_after(h.ttl, 1, 0, T0), FLOOD_NEW);
    flood_on_pull(&b.f, 2, &ids, T0, &b.out);
    flood_greet(&b.f, 3, T0, &b.out);
    assert_int_equal(said(MSG_FLOOD, -1) + said(MSG_DIGEST, -1), 0);
    assert_true(flood_is_seen(&b.f, &h.id, h.ttl, 1, &b.out)); /* no shorter */
    assert_int_equal(said(MSG_SEEN, 2), 0);
    assert_true(flood_is_seen(&b.f, &h.id, 7, 1, &b.out));
    assert_int_equal(said(MSG_SEEN, 2), 1);
    assert_int_equal(said(MSG_SEEN, 0), 1); /* of the first copy: an answer */
    assert_true(flood_is_seen(&b.f, &h.id, 5, 3, &b.out)); /* once is enough */
    assert_int_equal(said(MSG_SEEN, 2), 1);
    outbox_clear(&b.out);
    flood_on_pull(&b.f, 2, &ids, T0, &b.out);
    assert_int_equal(said(MSG_FLOOD, 2), 1);
    assert_int_equal(msg_decode(bytes_of(b.out.data, b.out.items[0].len), &m), 0);
    assert_int_equal(m.u.flood.hops, 8);
    stop();
}

/* Runs the deadlines up to an instant; the peer that is found dead, or -1. */
static int run(int64_t until)
{
    int dead = -1;

    for (int guard = 0; flood_wake_ns(&b.f) <= until && guard < 100; guard++)
        flood_wake(&b.f, flood_wake_ns(&b.f), &b.out);
    (void)flood_take_dead(&b.f, &dead);
    return dead;
}

static void test_silence_is_noticed(void **state)
{
    static const struct {
        const char *fact;
        int heard_ms; /* after the flood; -1: never */
        int rtt_ms;
        int dead_ms; /* when it is given up; -1: never */
        int pings;
    } rows[] = {
        { "nothing comes", -1, -1, 1200, 1 },
        { "something else comes in time", 100, -1, -1, 0 },
        { "the PING is answered", 500, -1, -1, 1 },
        { "a long way, and nothing comes", -1, 300, 2700, 1 },
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        struct msg_ids one = ids_of(1, 1);
        int dead = -1;

        start();
        b.l.peers[1].has_rtt = rows[i].rtt_ms >= 0;
        b.l.peers[1].rtt = rows[i].rtt_ms < 0 ? 0 : (uint32_t)(rows[i].rtt_ms * MS >> 10);
        assert_int_equal(arrive(1, -1, T0 + 10 * NS_PER_S), FLOOD_NEW);
        flood_on_seen(&b.f, 0, &one, T0 + 10 * NS_PER_S, &b.out);
        flood_on_seen(&b.f, 2, &one, T0 + 10 * NS_PER_S, &b.out);
        for (int ms = 1; ms < 4000 && dead < 0; ms++) {
            if (ms == rows[i].heard_ms)
                liveness_heard(&b.l, 1, T0 + 10 * NS_PER_S + ms * MS);
            dead = run(T0 + 10 * NS_PER_S + ms * MS) < 0 ? -1 : ms;
        }
        if (abs(dead - rows[i].dead_ms) > 2 || said(MSG_PING, 1) != rows[i].pings)
            fail_msg("%s: at %d ms, %d pings", rows[i].fact, dead, said(MSG_PING, 1));
        stop();
    }
}

static void test_a_late_wake_is_no_verdict(void **state)
{
    int peer;

    (void)state;
    start();
    assert_int_equal(arrive(1, -1, T0 + 10 * NS_PER_S), FLOOD_NEW);
    flood_wake(&b.f, T0 + 11 * NS_PER_S, &b.out);
    assert_int_equal(said(MSG_PING, -1), 3);
    flood_wake(&b.f, T0 + 60 * NS_PER_S, &b.out); /* we were stopped */
    assert_false(flood_take_dead(&b.f, &peer));
    assert_int_equal(run(T0 + 62 * NS_PER_S), 0);
    stop();
}

/* Long before it is a verdict, an answer is late: after 1.5 RTT, or 100 ms. */
static void test_an_answer_is_late_early(void **state)
{
    static const struct {
        const char *fact;
        int rtt_ms;
        int wake_ms;
        int heard_ms;
        bool is_late;
    } rows[] = {
        { "not yet", 80, 118, 0, false },
        { "a round trip and a half", 80, 121, 0, true },
        { "a short way", 10, 99, 0, false },
        { "100 ms", 10, 101, 0, true },
        { "a long way", 300, 448, 0, false },
        { "as late as can be", 300, 451, 0, true },
        { "it says something", 80, 121, 100, false },
        { "we come late ourselves", 80, 180, 0, false },
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        int64_t then = T0 + 10 * NS_PER_S;

        start();
        b.l.peers[1].has_rtt = 1;
        b.l.peers[1].rtt = (uint32_t)(rows[i].rtt_ms * MS >> 10);
        assert_int_equal(arrive(1, -1, then), FLOOD_NEW);
        if (rows[i].heard_ms > 0)
            liveness_heard(&b.l, 1, then + rows[i].heard_ms * MS);
        (void)flood_wake_ns(&b.f);
        flood_wake(&b.f, then + rows[i].wake_ms * MS, &b.out);
        if (liveness_is_late(&b.l, 1) != rows[i].is_late)
            fail_msg("%s", rows[i].fact);
        assert_int_equal(said(MSG_PING, 1), 0);
        if (rows[i].wake_ms == 180) { /* … but not for ever */
            flood_wake(&b.f, then + 192 * MS, &b.out);
            assert_true(liveness_is_late(&b.l, 1));
        }
        stop();
    }
}

/* Then what has just come goes to whom we dial unasked: the newest few. */
static void test_what_is_urgent_is_sent_unasked(void **state)
{
    struct msg m;

    (void)state;
    start();
    for (int n = 1; n <= 6; n++)
        assert_int_equal(arrive(n, 0, T0 + (n < 3 ? 0 : 4 * NS_PER_S)), FLOOD_NEW);
    assert_false(flood_fresh(&b.f, 0, T0 + 4 * NS_PER_S, &m)); /* all is well */
    flood_alarm(&b.f, T0 + 4 * NS_PER_S);
    for (int i = 0; i < 4; i++) {
        struct flood_head h = head_of(i + 3, 0);

        assert_true(flood_fresh(&b.f, i, T0 + 4 * NS_PER_S, &m));
        assert_int_equal(m.type, MSG_FLOOD);
        assert_int_equal(m.u.flood.hops, h.hops + 1);
        assert_int_equal(m.u.flood.inner.len, 5);
    }
    assert_false(flood_fresh(&b.f, 4, T0 + 4 * NS_PER_S, &m));
    assert_true(flood_fresh(&b.f, 3, T0 + 8 * NS_PER_S, &m));
    assert_false(flood_fresh(&b.f, 0, T0 + 9 * NS_PER_S, &m)); /* old news */
    stop();
}

/* ---- what is fresh */

static void test_a_new_neighbour_is_told(void **state)
{
    static const int more[] = { 0, 1, 2, 6 };

    (void)state;
    start();
    flood_set_active(&b.f, active, 3, T0, &b.out);
    assert_int_equal(b.out.count, 0); /* there is nothing to tell */
    assert_int_equal(arrive(1, 0, T0), FLOOD_NEW);
    assert_int_equal(arrive(2, -1, T0 + 30 * NS_PER_S), FLOOD_NEW);
    outbox_clear(&b.out);
    flood_set_active(&b.f, more, 4, T0 + 40 * NS_PER_S, &b.out);
    assert_int_equal(said(MSG_DIGEST, 6), 1);
    assert_int_equal(b.out.count, 1);
    flood_on_pull(&b.f, 6, &(struct msg_ids){ .count = 0 }, T0 + 40 * NS_PER_S, &b.out);
    outbox_clear(&b.out);
    {
        struct msg_ids both = ids_of(1, 2);

        flood_on_pull(&b.f, 6, &both, T0 + 40 * NS_PER_S, &b.out);
        assert_int_equal(said(MSG_FLOOD, 6), 2);
        outbox_clear(&b.out);
        flood_on_pull(&b.f, 6, &both, T0 + 59 * NS_PER_S, &b.out);
        assert_int_equal(said(MSG_FLOOD, 6), 2);
        outbox_clear(&b.out);
        flood_wake(&b.f, T0 + 60 * NS_PER_S, &b.out); /* the first is a minute old */
        outbox_clear(&b.out);
        flood_on_pull(&b.f, 6, &both, T0 + 60 * NS_PER_S, &b.out);
        assert_int_equal(said(MSG_FLOOD, 6), 1);
    }
    stop();
}

/* After the loss of a neighbour every new link is told, else only neighbours. */
static void test_every_link_is_told(void **state)
{
    (void)state;
    start();
    flood_greet(&b.f, 6, T0, &b.out);
    assert_int_equal(b.out.count, 0); /* there is nothing to tell */
    assert_int_equal(arrive(1, 0, T0), FLOOD_NEW);
    outbox_clear(&b.out);
    flood_greet(&b.f, 6, T0 + 59 * NS_PER_S, &b.out);
    assert_int_equal(said(MSG_DIGEST, 6), 1);
    outbox_clear(&b.out);
    flood_greet(&b.f, 6, T0 + 60 * NS_PER_S, &b.out); /* it is no longer fresh */
    assert_int_equal(b.out.count, 0);
    stop();
}

static void test_links_are_told_while_we_mend(void **state)
{
    (void)state;
    start();
    b.p.greets_all = false;
    flood_set_active(&b.f, active, 3, T0, &b.out);
    assert_int_equal(arrive(1, 0, T0), FLOOD_NEW);
    outbox_clear(&b.out);
    flood_greet(&b.f, 6, T0 + NS_PER_S, &b.out);
    assert_int_equal(b.out.count, 0);
    flood_peer_down(&b.f, 6, T0 + NS_PER_S); /* no neighbour */
    flood_peer_up(&b.f, 6, 0, T0);
    flood_greet(&b.f, 6, T0 + NS_PER_S, &b.out);
    assert_int_equal(b.out.count, 0);
    flood_peer_down(&b.f, 1, T0 + NS_PER_S);
    flood_greet(&b.f, 6, T0 + 2 * NS_PER_S, &b.out);
    assert_int_equal(said(MSG_DIGEST, 6), 1);
    outbox_clear(&b.out);
    flood_greet(&b.f, 6, T0 + 11 * NS_PER_S, &b.out);
    assert_int_equal(b.out.count, 0);
    stop();
}

static void test_what_is_named_is_asked_for_once(void **state)
{
    struct msg_digest d = digest_of(1, 3);

    (void)state;
    start();
    assert_int_equal(arrive(1, 0, T0), FLOOD_NEW);
    outbox_clear(&b.out);
    flood_on_digest(&b.f, 4, &d, T0, &b.out);
    assert_int_equal(said(MSG_PULL, 4), 1);
    assert_int_equal(b.f.state->wanted_count, 2);
    flood_on_digest(&b.f, 5, &d, T0, &b.out);
    assert_int_equal(b.out.count, 1);
    assert_int_equal(arrive(2, 4, T0 + 100 * MS), FLOOD_NEW);
    assert_int_equal(b.f.state->wanted_count, 1);
    outbox_clear(&b.out);
    (void)run(T0 + 400 * MS); /* the other one does not come: the next is asked */
    assert_int_equal(said(MSG_PULL, 5), 1);
    assert_int_equal(flood_score(&b.f, 4, T0 + 400 * MS), 5);
    assert_int_equal(flood_counts(&b.f)->broken, 1);
    flood_peer_down(&b.f, 5, T0 + 500 * MS);
    (void)run(T0 + 900 * MS);
    assert_int_equal(b.f.state->wanted_count, 0);
    stop();
}

/* What was asked for needs no token of the link. */
static void test_what_was_asked_for_is_not_limited(void **state)
{
    struct msg_digest d = digest_of(1, 60);
    int got = 0;

    (void)state;
    start();
    flood_on_digest(&b.f, 4, &d, T0, &b.out);
    for (int i = 1; i <= 120; i++)
        got += arrive(i, 4, T0) == FLOOD_NEW;
    assert_int_equal(got, 60 + 50);
    assert_int_equal(flood_score(&b.f, 4, T0), 10);
    stop();
}

/* ---- rates of what we send */

/* What goes beyond the rate of a link is only named there, so that who forwards much is
 * never taken for an attacker; the neighbour asks for it. */
static void test_the_rate_is_kept_by_the_sender(void **state)
{
    struct msg_ids last = ids_of(60, 1);

    (void)state;
    start();
    for (int i = 1; i <= 60; i++) {
        assert_int_equal(arrive(i, i <= 30 ? 6 : 7, T0), FLOOD_NEW);
        if (i == 50)
            outbox_clear(&b.out);
    }
    assert_int_equal(said(MSG_FLOOD, 1), 0);
    assert_int_equal(said(MSG_SEEN, 1), 10);
    assert_int_equal(flood_counts(&b.f)->held, 3 * 10);
    outbox_clear(&b.out);
    flood_on_pull(&b.f, 1, &last, T0, &b.out);
    assert_int_equal(said(MSG_FLOOD, 1), 1);
    stop();
}

static void test_pulls_are_limited(void **state)
{
    struct msg_ids one = ids_of(1, 1);

    (void)state;
    start();
    assert_int_equal(arrive(1, 0, T0), FLOOD_NEW);
    outbox_clear(&b.out);
    for (int i = 0; i < 200; i++)
        flood_on_pull(&b.f, 4, &one, T0, &b.out);
    assert_int_equal(said(MSG_FLOOD, 4), 128);
    assert_int_equal(flood_score(&b.f, 4, T0), 72);
    stop();
}

/* ---- points */

static void test_points(void **state)
{
    int peer;

    (void)state;
    start();
    flood_blame(&b.f, 3, 20, T0);
    flood_blame(&b.f, 3, 20, T0);
    assert_int_equal(flood_score(&b.f, 3, T0), 40);
    assert_int_equal(flood_score(&b.f, 3, T0 + 100 * NS_PER_S), 30);
    assert_false(flood_take_abuser(&b.f, &peer));
    flood_blame(&b.f, 3, 20, T0 + 100 * NS_PER_S);
    assert_false(flood_take_abuser(&b.f, &peer));
    flood_blame(&b.f, 3, 20, T0 + 100 * NS_PER_S); /* 70 */
    assert_true(flood_take_abuser(&b.f, &peer));
    assert_int_equal(peer, 3);
    assert_false(flood_take_abuser(&b.f, &peer));
    flood_peer_down(&b.f, 3, T0);
    flood_peer_up(&b.f, 3, T0 + 150 * NS_PER_S, T0); /* 15 points from earlier */
    assert_int_equal(flood_score(&b.f, 3, T0), 15);
    b.p.has_scores = false;
    flood_blame(&b.f, 4, 100, T0);
    assert_false(flood_take_abuser(&b.f, &peer));
    stop();
}

static void test_who_sends_what_cannot_be_is_cut_off(void **state)
{
    int peer = -1;

    (void)state;
    start();
    for (int i = 1; i <= 3; i++) {
        struct flood_head h = head_of(i, 4);

        h.hops = 11;
        assert_int_equal(flood_probe(&b.f, &h, T0), FLOOD_BAD_HOPS);
        assert_int_equal(flood_take_abuser(&b.f, &peer), i == 3);
    }
    assert_int_equal(peer, 4);
    stop();
}

static void test_checks_and_bytes_are_limited(void **state)
{
    int checks = 0;
    int all = 0;
    int messages = 0;

    (void)state;
    start();
    for (int i = 0; i < 1000; i++)
        checks += flood_may_check(&b.f, 4, T0);
    for (int i = 0; i < 1000; i++)
        all += flood_may_check(&b.f, i % PEERS, T0);
    assert_int_equal(checks, 100);
    assert_int_equal(all + checks, 400);
    for (int i = 0; i < 1000; i++)
        messages += flood_take_bytes(&b.f, 5, 1024, T0);
    assert_in_range(messages, 256, 257);
    for (int s = 1; s <= 10; s++) {
        messages = 0;
        for (int i = 0; i < 1000; i++)
            messages += flood_take_bytes(&b.f, 5, 1024, T0 + s * NS_PER_S);
        assert_in_range(messages, 63, 65);
    }
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_copy_is_answered),
        cmocka_unit_test(test_an_answer_puts_the_deadline_off),
        cmocka_unit_test(test_the_first_copy_may_have_come_far),
        cmocka_unit_test(test_silence_is_noticed),
        cmocka_unit_test(test_a_late_wake_is_no_verdict),
        cmocka_unit_test(test_an_answer_is_late_early),
        cmocka_unit_test(test_what_is_urgent_is_sent_unasked),
        cmocka_unit_test(test_a_new_neighbour_is_told),
        cmocka_unit_test(test_every_link_is_told),
        cmocka_unit_test(test_links_are_told_while_we_mend),
        cmocka_unit_test(test_what_is_named_is_asked_for_once),
        cmocka_unit_test(test_what_was_asked_for_is_not_limited),
        cmocka_unit_test(test_the_rate_is_kept_by_the_sender),
        cmocka_unit_test(test_pulls_are_limited),
        cmocka_unit_test(test_points),
        cmocka_unit_test(test_who_sends_what_cannot_be_is_cut_off),
        cmocka_unit_test(test_checks_and_bytes_are_limited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
