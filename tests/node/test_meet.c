/* Nodes that cannot be dialled: introduced, relayed, and what others may make of that.
 * SPDX-License-Identifier: MIT */
#include "node/meet.h"
#include "node/relay.h"
#include "tests/node/ask.h"

/* Node 0 is open; 1 and 2 are hidden, and know only it. */
static void hide_two(uint64_t seed)
{
    town_make(3, (uint8_t)seed);
    for (int i = 1; i < 3; i++)
        town.n[i].is_hidden = true;
    town_start_all();
}

/* How the link from one to another came about; -1: there is none. */
static int how(int from, int to)
{
    const struct node *n = town_node(from);
    int peer = links_find(n, node_self(town_node(to)));

    return peer < 0 ? -1 : slot_at(n, peer)->how;
}

static bool is_neighbour(int from, int to)
{
    const struct node *n = town_node(from);
    int peer = links_find(n, node_self(town_node(to)));

    return peer >= 0 && overlay_is_active(&n->overlay, peer);
}

static void test_two_hidden_ones_are_relayed(void **state)
{
    (void)state;
    hide_two(31);
    town_run(60 * S);
    assert_int_equal(overlay_reach(&town_node(0)->overlay), REACH_OPEN);
    for (int i = 1; i < 3; i++) {
        assert_int_equal(overlay_reach(&town_node(i)->overlay), REACH_HIDDEN);
        assert_int_equal(how(i, 0), LINK_DIRECT);
        assert_int_equal(how(i, 3 - i), LINK_RELAYED);
        assert_true(is_neighbour(i, 3 - i));
    }
    assert_int_equal(relay_circuits(town_node(0)), 1);
    /* It lives for as long as it is renewed. */
    town_run(1500 * S);
    assert_int_equal(how(1, 2), LINK_RELAYED);
    assert_int_equal(relay_circuits(town_node(0)), 1);
}

/* The link from one to another breaks. */
static void cut_link(int from, int to)
{
    struct node *n = town_node(from);
    struct event e = { .kind = EVENT_LINK_CLOSED };

    e.u.closed.link = slot_at(n, links_find(n, node_self(town_node(to))))->link;
    e.u.closed.err = ERR_CLOSED;
    town_close(from, e.u.closed.link);
    town_step(from, &e);
}

/* A node says what it would not say by itself. */
static void say(int from, int to, const struct msg *m)
{
    struct node *n = town_node(from);

    n->out = &town_out;
    town_out.count = 0;
    town_out.used = 0;
    links_say(n, links_find(n, node_self(town_node(to))), m);
    n->out = NULL;
    for (int i = 0; i < town_out.count; i++)
        town_carry_out(from, &town_out.list[i]);
}

/* The carrier goes: nothing of it is left at the ends. */
static void test_the_carrier_goes(void **state)
{
    (void)state;
    hide_two(32);
    town_run(60 * S);
    assert_int_equal(how(1, 2), LINK_RELAYED);
    cut_link(1, 0);
    assert_int_equal(how(1, 2), -1);
    assert_null(town_node(1)->relays);
    town_run(S / 10);
    assert_int_equal(how(2, 1), -1);
    assert_int_equal(relay_circuits(town_node(0)), 0);
    town_run(120 * S); /* and all comes back */
    assert_int_equal(how(1, 2), LINK_RELAYED);
}

/* One end goes: the other hears of it, and the carrier forgets. */
static void test_an_end_goes(void **state)
{
    (void)state;
    hide_two(33);
    town_run(60 * S);
    town_stop(2);
    town_run(60 * S);
    assert_int_equal(how(1, 0), LINK_DIRECT);
    assert_null(town_node(0)->relays);
    assert_null(town_node(1)->relays);
}

/* Ports that all see alike: three tries to dial at once, and then a relay. */
static void test_punching_in_vain(void **state)
{
    int64_t opens;

    (void)state;
    town_make(4, 34); /* two open ones, so that two see the port */
    for (int i = 2; i < 4; i++) {
        town.n[i].is_hidden = true;
        town.n[i].port = 5000;
    }
    town_start_all();
    town_run(120 * S);
    opens = town.n[2].opens + town.n[3].opens;
    assert_int_equal(overlay_reach(&town_node(2)->overlay), REACH_PUNCH);
    assert_int_equal(overlay_reach(&town_node(3)->overlay), REACH_PUNCH);
    assert_int_equal(how(2, 3), LINK_RELAYED);
    assert_true(opens >= 6);
}

/* ---- bounds ---- */

static void relay(int from, int to, const struct msg_relay *r)
{
    struct msg m = { .type = MSG_RELAY };

    m.u.relay = *r;
    say(from, to, &m);
}

static void test_a_relay_has_bounds(void **state)
{
    static uint8_t frame[MSG_RELAY_MAX];
    struct msg_relay data = { .kind = RELAY_DATA, .frame = { frame, sizeof(frame) } };
    struct msg_relay open = { .kind = RELAY_OPEN };

    (void)state;
    hide_two(35);
    town_run(60 * S);
    assert_int_equal(relay_circuits(town_node(0)), 1);
    /* To nobody, to itself, to no circuit: nothing comes of it. */
    open.peer = (struct node_id){ { 9 } };
    relay(1, 0, &open);
    open.peer = *node_self(town_node(1));
    relay(1, 0, &open);
    data.peer = *node_self(town_node(0));
    relay(1, 0, &data);
    town_run(S);
    assert_int_equal(relay_circuits(town_node(0)), 1);
    assert_int_equal(how(1, 2), LINK_RELAYED);
    /* More than the rate: the circuit goes.  What it carried did not open either. */
    data.peer = *node_self(town_node(2));
    for (int i = 0; i < 8; i++)
        relay(1, 0, &data);
    town_run(S / 10);
    assert_int_equal(relay_circuits(town_node(0)), 0);
    assert_int_equal(how(2, 1), -1);
    assert_int_equal(how(1, 0), LINK_DIRECT);
}

/* As hide_two, but nothing is relayed. */
static void hide_two_apart(uint64_t seed)
{
    town_make(3, (uint8_t)seed);
    for (int i = 1; i < 3; i++)
        town.n[i].is_hidden = true;
    town.n[0].params.relay.circuits_max = 0;
    town_start_all();
    town_run(60 * S);
}

static void test_no_more_circuits_than_agreed(void **state)
{
    (void)state;
    hide_two_apart(36);
    assert_int_equal(how(1, 2), -1);
    assert_int_equal(relay_circuits(town_node(0)), 0);
    assert_int_equal(how(1, 0), LINK_DIRECT);
}

/* The host in an address is the one that the common peer sees. */
static void test_nobody_makes_others_dial_a_third(void **state)
{
    struct msg m = { .type = MSG_MEET };
    int64_t opens;

    (void)state;
    hide_two_apart(37);
    opens = town.n[2].opens;
    m.u.meet.kind = MEET_ASK;
    m.u.meet.peer = *node_self(town_node(2));
    m.u.meet.addr = (struct addr){ { 192, 0, 2, 1 }, 80, 4 };
    m.u.meet.reach = REACH_OPEN;
    for (int i = 0; i < 100; i++)
        say(1, 0, &m);
    town_run(S);
    assert_false(town.is_elsewhere); /* all dials led to houses of the town */
    assert_in_range(town.n[2].opens - opens, 1, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_hidden_ones_are_relayed),
        cmocka_unit_test(test_the_carrier_goes),
        cmocka_unit_test(test_an_end_goes),
        cmocka_unit_test(test_punching_in_vain),
        cmocka_unit_test(test_a_relay_has_bounds),
        cmocka_unit_test(test_no_more_circuits_than_agreed),
        cmocka_unit_test(test_nobody_makes_others_dial_a_third),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
