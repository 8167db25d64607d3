/* Neighbours that fall silent, one or most of them, and what a peer's word of it does.
 * SPDX-License-Identifier: MIT */
#include "tests/overlay/bench.h"

#define MS NS_PER_MS

static struct bench b;
static struct liveness_params lp;
static struct liveness l;
static struct heap heap;

/* Six neighbours, silent for ten seconds, of 80 ms round trip; records of 100 others. */
static void start_alone(void)
{
    start(&b);
    heap_init(&heap, &b.pool);
    lp = liveness_params_default();
    liveness_init(&l, &lp, &heap);
    for (int n = 0; n < 6; n++) {
        liveness_peer_up(&l, n, true, T0);
        l.peers[n].has_rtt = 1;
        l.peers[n].rtt = 80 * MS >> 10;
    }
    fill(&b);
    b.o.liveness = &l;
    for (int n = 100; n < 200; n++) {
        struct peer_rec rec = rec_of(n);

        (void)passive_add(&b.o.passive, &rec, false, &b.o.rng);
    }
    b.now_ns = T0 + 10 * NS_PER_S;
    pass(&b, 0);
    while (dialled(&b) >= 0) {
    }
    outbox_clear(&b.out);
}

static void stop_all(void)
{
    liveness_finish(&l);
    assert_int_equal(heap.used, 0);
    stop(&b);
}

static int dial_all(void)
{
    int count = 0;

    while (dialled(&b) >= 0)
        count++;
    return count;
}

static int count_sent(enum msg_type type)
{
    int count = 0;

    while (is_sent(&b, type, -1))
        count++;
    return count;
}

/* Somebody new, heard just now. */
static void come(int n)
{
    liveness_peer_up(&l, n, true, b.now_ns);
    up(&b, n);
}

static void alarm_now(void)
{
    overlay_alarm(&b.o, b.now_ns, &b.out);
}

static void test_a_word_makes_ask_and_dial(void **state)
{
    (void)state;
    start_alone();
    liveness_heard(&l, 5, b.now_ns - NS_PER_S);
    alarm_now();
    assert_int_equal(count_sent(MSG_PING), 5); /* one was heard */
    assert_in_range(dial_all(), 20, 48);       /* at once */
    assert_false(overlay_is_alarmed(&b.o));    /* we know nothing ourselves */
    assert_int_equal(b.o.active_count, 6);
    stop_all();
}

static void test_who_answers_keeps_its_slot(void **state)
{
    (void)state;
    start_alone();
    alarm_now();
    (void)dial_all();
    b.now_ns += 80 * MS;
    for (int n = 0; n < 6; n++)
        liveness_heard(&l, n, b.now_ns);
    pass(&b, NS_PER_S);
    assert_int_equal(dial_all(), 0);
    assert_false(overlay_is_alarmed(&b.o));
    come(7); /* somebody comes of the dials, and finds no room */
    get_neighbor(&b, 7, false);
    assert_false(was_accepted(&b, 7));
    assert_int_equal(b.o.active_count, 6);
    stop_all();
}

/* The places of those that do not answer are for who does; the word went round that fast
 * because each who is met hears it. */
static void test_silence_is_what_costs_a_slot(void **state)
{
    (void)state;
    start_alone();
    alarm_now();
    b.now_ns += 80 * MS;
    liveness_heard(&l, 0, b.now_ns);
    pass(&b, 39 * MS);
    assert_false(overlay_is_alarmed(&b.o));
    pass(&b, 2 * MS);
    assert_true(overlay_is_alarmed(&b.o)); /* 1.5 RTT */
    come(10);
    get_neighbor(&b, 10, false);
    assert_true(was_accepted(&b, 10));
    assert_true(overlay_is_active(&b.o, 0)); /* it was another that had to go */
    assert_true(overlay_is_active(&b.o, 10));
    assert_int_equal(b.o.active_count, 6);
    stop_all();
}

/* A few that are late may have work to do. */
static void test_a_few_are_no_disaster(void **state)
{
    static const struct {
        int late;
        bool is_alarmed;
        int room;
    } rows[] = { { 1, false, 0 }, { 3, false, 0 }, { 4, true, 4 }, { 6, true, 6 } };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        start_alone();
        for (int n = 0; n < rows[i].late; n++)
            liveness_late(&l, n);
        pass(&b, MS);
        assert_int_equal(overlay_is_alarmed(&b.o), rows[i].is_alarmed);
        assert_int_equal(dial_all() > 0, rows[i].is_alarmed);
        come(7);
        get_neighbor(&b, 7, false);
        if (rows[i].room > 0)
            assert_true(was_accepted(&b, 7));
        else
            assert_false(is_sent(&b, MSG_NEIGHBOR_ACK, 7)); /* they are asked first */
        stop_all();
    }
}

static void test_words_are_limited(void **state)
{
    (void)state;
    start_alone();
    for (int i = 0; i < 60; i++) {
        alarm_now();
        pass(&b, 80 * MS);
        for (int n = 0; n < 6; n++)
            liveness_heard(&l, n, b.now_ns);
        pass(&b, 3 * NS_PER_S - 80 * MS);
        (void)dial_all();
        outbox_clear(&b.out);
    }
    assert_in_range(b.o.counts.alarms, 4, 2 + 180 / 30);
    stop_all();
}

/* Dials to the dead make room for others, and all records are tried soon. */
static void test_all_records_are_tried_soon(void **state)
{
    int dials = 0;

    (void)state;
    start_alone();
    for (int n = 0; n < 6; n++)
        liveness_late(&l, n);
    for (int i = 0; i < 60; i++) {
        pass(&b, 10 * MS);
        dials += dial_all();
        assert_true(b.o.dials.count <= b.params.dials_haste);
    }
    assert_true(dials >= 100);
    stop_all();
}

/* More are met than there are slots, so that what is under way gets around; then it is
 * enough. */
static void test_a_rescue_ends(void **state)
{
    struct addr a;
    struct node_id id;
    int n = 10;

    (void)state;
    start_alone();
    for (int i = 0; i < 6; i++)
        liveness_late(&l, i);
    pass(&b, MS);
    while (overlay_take_dial(&b.o, &a, &id) && n < 30) {
        struct peer_rec rec = { .id = id, .addr = a };

        liveness_peer_up(&l, n, true, b.now_ns);
        overlay_peer_up(&b.o, n++, &rec, &a, b.now_ns, &b.out);
        outbox_clear(&b.out);
    }
    assert_int_equal(n, 30); /* those dials were made at once */
    assert_int_equal(b.o.rescue_left, 0);
    (void)dial_all();
    pass(&b, 500 * MS);
    assert_int_equal(dial_all(), 0); /* six were asked, and ten more met */
    stop_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_word_makes_ask_and_dial),
        cmocka_unit_test(test_who_answers_keeps_its_slot),
        cmocka_unit_test(test_silence_is_what_costs_a_slot),
        cmocka_unit_test(test_a_few_are_no_disaster),
        cmocka_unit_test(test_words_are_limited),
        cmocka_unit_test(test_all_records_are_tried_soon),
        cmocka_unit_test(test_a_rescue_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
