/* Who finds out that nobody can dial it, and what it tells others.
 * SPDX-License-Identifier: MIT */
#include "tests/overlay/bench.h"

static bool is_at(const struct addr *a, int n)
{
    struct addr there = rec_of(n).addr;

    return addr_equal(a, &there);
}

static void start_here(struct bench *b)
{
    struct overlay_params p = overlay_params_default();

    p.anchor_period_ns = 0;
    start_with(b, &p);
}

/* We dial peer n; it is a neighbour from then on. */
static void dial_up(struct bench *b, int n)
{
    struct peer_rec rec = rec_of(n);

    overlay_peer_up(&b->o, n, &rec, &rec.addr, b->now_ns, &b->out);
    overlay_peer_came(&b->o, n, LINK_DIRECT, b->now_ns, &b->out);
    get_neighbor(b, n, false);
    assert_true(was_accepted(b, n));
}

static bool is_test(struct bench *b)
{
    struct msg m;

    return sent(b, MSG_MEET, -1, &m) >= 0 && m.u.meet.kind == MEET_TEST;
}

/* Nobody dials us for so many seconds; the tests that were asked for. */
static int wait_in_vain(struct bench *b, int seconds, bool is_spared)
{
    int tests = 0;

    for (int s = 0; s < seconds; s++) {
        pass(b, NS_PER_S);
        tests += is_test(b);
        if (is_spared)
            overlay_spare_test(&b->o);
        outbox_clear(&b->out);
    }
    return tests;
}

static void hide(struct bench *b)
{
    start_here(b);
    dial_up(b, 0);
    (void)wait_in_vain(b, 20, false);
    assert_int_equal(overlay_reach(&b->o), REACH_HIDDEN);
}

static void test_a_stranger_comes(void **state)
{
    struct bench b;
    struct peer_rec rec = rec_of(1);

    (void)state;
    start_here(&b);
    dial_up(&b, 0);
    assert_int_equal(overlay_reach(&b.o), REACH_UNKNOWN);
    /* A link that both dialled, or another carries, says nothing. */
    overlay_peer_up(&b.o, 1, &rec, NULL, b.now_ns, &b.out);
    overlay_peer_came(&b.o, 1, LINK_PUNCHED, b.now_ns, &b.out);
    rec = rec_of(2);
    overlay_peer_up(&b.o, 2, &rec, NULL, b.now_ns, &b.out);
    overlay_peer_came(&b.o, 2, LINK_RELAYED, b.now_ns, &b.out);
    assert_int_equal(overlay_reach(&b.o), REACH_UNKNOWN);
    rec = rec_of(3);
    overlay_peer_up(&b.o, 3, &rec, NULL, b.now_ns, &b.out);
    overlay_reached(&b.o, b.now_ns, &b.out);
    overlay_peer_came(&b.o, 3, LINK_DIRECT, b.now_ns, &b.out);
    assert_int_equal(overlay_reach(&b.o), REACH_OPEN);
    assert_int_equal(wait_in_vain(&b, 10, false), 0);
    stop(&b);
}

static void test_nobody_comes(void **state)
{
    struct bench b;

    (void)state;
    start_here(&b);
    dial_up(&b, 0);
    assert_int_equal(wait_in_vain(&b, 2, false), 0);
    assert_in_range(wait_in_vain(&b, 20, false), 1, 6);
    assert_int_equal(overlay_reach(&b.o), REACH_HIDDEN);
    stop(&b);
    /* Who hears that nobody will dial does not know more than before. */
    start_here(&b);
    dial_up(&b, 0);
    assert_in_range(wait_in_vain(&b, 60, true), 10, 25);
    assert_int_equal(overlay_reach(&b.o), REACH_UNKNOWN);
    stop(&b);
}

static void test_a_hidden_node_has_a_home(void **state)
{
    struct bench b;
    struct peer_rec rec = rec_of(1);
    struct msg m;

    (void)state;
    start_here(&b);
    dial_up(&b, 0);
    while (overlay_reach(&b.o) == REACH_UNKNOWN) {
        outbox_clear(&b.out);
        pass(&b, NS_PER_S / 4);
    }
    pass(&b, 2 * NS_PER_S);
    for (bool is_home = false; !is_home; is_home = m.u.reach.is_home)
        assert_int_equal(sent(&b, MSG_REACH, 0, &m), 0);
    while (m.u.reach.via.len == 0)
        assert_int_equal(sent(&b, MSG_REACH, 0, &m), 0);
    assert_true(is_at(&m.u.reach.via, 0));
    assert_true(is_at(&m.u.reach.addr, SELF));
    /* A new peer hears of it; one that is no home is not needed. */
    overlay_peer_up(&b.o, 1, &rec, &rec.addr, b.now_ns, &b.out);
    overlay_peer_came(&b.o, 1, LINK_DIRECT, b.now_ns, &b.out);
    assert_int_equal(sent(&b, MSG_REACH, 1, &m), 1);
    assert_true(is_at(&m.u.reach.via, 0));
    /* The home goes: another takes its place. */
    pass(&b, 2 * NS_PER_S);
    outbox_clear(&b.out);
    down(&b, 0);
    pass(&b, 2 * NS_PER_S);
    do
        assert_int_equal(sent(&b, MSG_REACH, 1, &m), 1);
    while (!is_at(&m.u.reach.via, 1));
    assert_true(overlay_needs(&b.o, 1));
    /* A stranger gets through after all. */
    rec = rec_of(2);
    overlay_peer_up(&b.o, 2, &rec, NULL, b.now_ns, &b.out);
    outbox_clear(&b.out);
    overlay_reached(&b.o, b.now_ns, &b.out);
    overlay_peer_came(&b.o, 2, LINK_DIRECT, b.now_ns, &b.out);
    assert_int_equal(overlay_reach(&b.o), REACH_OPEN);
    assert_int_equal(sent(&b, MSG_REACH, 1, &m), 1);
    assert_int_equal(m.u.reach.via.len, 0);
    stop(&b);
}

static void test_where_the_port_is_seen(void **state)
{
    static const struct {
        int seen[3];
        int by[3];
        enum reach_class is;
    } rows[] = {
        { { 1, 1, 0 }, { 1, 2, 0 }, REACH_PUNCH },
        { { 1, 1, 1 }, { 1, 1, 1 }, REACH_HIDDEN }, /* one host may see always the same */
        { { 1, 2, 3 }, { 1, 2, 3 }, REACH_HIDDEN },
        { { 1, 2, 2 }, { 1, 2, 3 }, REACH_PUNCH },
        { { 1, 1, 2 }, { 1, 2, 3 }, REACH_HIDDEN }, /* not any more */
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        struct bench b;

        hide(&b);
        for (int k = 0; k < 3 && rows[i].by[k] > 0; k++) {
            struct addr seen = rec_of(500).addr;
            struct addr by = rec_of(rows[i].by[k]).addr;

            seen.port = (uint16_t)(40000 + rows[i].seen[k]);
            overlay_seen(&b.o, &seen, &by, b.now_ns, &b.out);
        }
        assert_int_equal(overlay_reach(&b.o), rows[i].is);
        assert_int_equal(overlay_outside(&b.o).port >= 40000, rows[i].is == REACH_PUNCH);
        stop(&b);
    }
}

static void say_reach(struct bench *b, int n, const struct addr *a,
                      const struct addr *via, bool is_home)
{
    struct msg m = { .type = MSG_REACH };

    m.u.reach.addr = *a;
    m.u.reach.via = *via;
    m.u.reach.is_home = is_home;
    get(b, n, &m);
}

static void test_what_others_say(void **state)
{
    static const struct addr loopback = { { 127, 0, 0, 1 }, 22, 4 };
    struct addr nowhere = { .len = 0 };
    struct addr elsewhere = { { 192, 0, 2, 1 }, 6000, 4 };
    struct addr via = rec_of(90).addr;
    struct bench b;
    int guests = 0;

    (void)state;
    start(&b);
    for (int n = 0; n < 20; n++)
        up(&b, n);
    say_reach(&b, 0, &elsewhere, &via, false);
    assert_true(addr_equal(&overlay_rec(&b.o, 0)->via, &via));
    assert_int_equal(overlay_rec(&b.o, 0)->addr.port, 6000);
    assert_int_equal(overlay_rec(&b.o, 0)->addr.ip[0], 10);
    say_reach(&b, 0, &elsewhere, &loopback, false);
    assert_true(addr_equal(&overlay_rec(&b.o, 0)->via, &via));
    say_reach(&b, 0, &elsewhere, &nowhere, false);
    assert_int_equal(overlay_rec(&b.o, 0)->via.len, 0);
    /* A home to some, not to all. */
    for (int n = 0; n < 20; n++)
        say_reach(&b, n, &elsewhere, &via, true);
    pass(&b, 60 * NS_PER_S);
    for (int n = 0; n < 20; n++)
        guests += overlay_needs(&b.o, n);
    assert_int_equal(guests, b.params.reach.guests_max);
    for (int n = 0; n < 20; n++)
        say_reach(&b, n, &elsewhere, &via, false);
    pass(&b, 60 * NS_PER_S);
    for (int n = 0; n < 20; n++)
        assert_false(overlay_needs(&b.o, n));
    stop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stranger_comes),
        cmocka_unit_test(test_nobody_comes),
        cmocka_unit_test(test_a_hidden_node_has_a_home),
        cmocka_unit_test(test_where_the_port_is_seen),
        cmocka_unit_test(test_what_others_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
