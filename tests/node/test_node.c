/* Links of a whole node: handshake, HELLO, duplicates, ourselves, time-outs, garbage; its
 * memory; how often it wakes; that it is deterministic.  SPDX-License-Identifier: MIT */
#include "tests/node/ask.h"

static void test_two_nodes_become_peers(void **state)
{
    (void)state;
    town_make(2, 1);
    town_start_all();
    town_run(S);
    for (int i = 0; i < 2; i++) {
        const struct node *n = town_node(i);
        const struct slot *s = n->slots[0];

        assert_int_equal(town_links(i), 1);
        assert_int_equal(town_slots(i), 1);
        assert_true(node_id_equal(&slot_rec(n, s)->id, node_self(town_node(1 - i))));
        assert_true(s->is_dialled == (i == 1));
        assert_int_equal(s->name[0], 'b' - i);
        assert_true(overlay_is_active(&n->overlay, 0));
        assert_int_equal(n->counters.malformed + n->counters.refused, 0);
    }
    town_run(40 * S); /* in the first silence, or at last after half a minute */
    for (int i = 0; i < 2; i++)
        assert_in_range(liveness_rtt_ns(&town_node(i)->liveness, 0),
                        2 * TOWN_DELAY - 2048, 2 * TOWN_DELAY);
}

/* What stays when one of the two has another channel key, or none. */
static void test_another_channel_key(void **state)
{
    static const struct {
        bool has_key[2];
        uint8_t key[2];
    } rows[] = { { { true, true }, { 1, 2 } },
                 { { true, false }, { 1, 0 } },
                 { { false, true }, { 0, 1 } } };

    (void)state;
    for (int r = 0; r < COUNT(rows); r++) {
        town_make(2, 2);
        for (int i = 0; i < 2; i++) {
            town.n[i].setup.has_channel = rows[r].has_key[i];
            town.n[i].setup.channel_psk[0] = rows[r].key[i];
        }
        town_start_all();
        town_run(S);
        assert_int_equal(town_links(0) + town_links(1), 0);
        assert_int_equal(town_slots(0), 0);
        assert_true(town_has_note(1, "channel key"));
        assert_true(town_node(0)->counters.refused + town_node(1)->counters.refused > 0);
    }
}

static void test_the_same_channel_key(void **state)
{
    (void)state;
    town_make(2, 3);
    for (int i = 0; i < 2; i++) {
        town.n[i].setup.has_channel = true;
        town.n[i].setup.channel_psk[0] = 7;
    }
    town_start_all();
    town_run(S);
    assert_int_equal(town_links(0), 1);
    assert_int_equal(town_links(1), 1);
    assert_false(town_has_note(1, "channel key"));
}

/* Both dial at the same instant: on both sides the same one of the two links stays. */
static void test_duplicates_become_one(void **state)
{
    (void)state;
    for (uint8_t seed = 1; seed <= 6; seed++) {
        bool is_first_smaller;

        town_make(2, seed);
        town.n[0].setup.join_count = 1;
        town.n[0].setup.joins[0] = town_addr(1);
        town_start_all();
        town_run(S);
        assert_true(town.n[0].opens >= 1 && town.n[1].opens >= 1);
        assert_int_equal(town_links(0), 1);
        assert_int_equal(town_links(1), 1);
        assert_int_equal(town_slots(0) + town_slots(1), 2);
        is_first_smaller = node_id_compare(node_self(town_node(0)),
                                           node_self(town_node(1))) < 0;
        for (int k = 0; k < town_slots(0); k++) {
            const struct slot *s = town_node(0)->slots[k];

            assert_true(s->state != SLOT_UP || s->is_dialled == is_first_smaller);
        }
        town_run(60 * S);
        assert_int_equal(town_links(0), 1);
        assert_int_equal(town_node(0)->overlay.active_count, 1);
        assert_int_equal(town_node(1)->overlay.active_count, 1);
    }
}

/* Two addresses lead to one node: both dials come from the same side. */
static void test_two_dials_of_one_side(void **state)
{
    (void)state;
    for (uint8_t seed = 1; seed <= 6; seed++) {
        struct addr other = { { 10, 0, 0, 1 }, 4747, 4 };

        town_make(2, seed);
        town_start_all();
        town_run(S);
        assert_int_equal(town_links(1), 1);
        /* The same address under the IPv6 form that no table knows as the same. */
        other.port = 4747;
        town_node(1)->slots[0]->remote.port = 1;
        town_out.count = 0;
        town_node(1)->out = &town_out;
        links_dial(town_node(1), &other, &(struct node_id){ { 0 } });
        for (int i = 0; i < town_out.count; i++)
            town_carry_out(1, &town_out.list[i]);
        town_run(S);
        assert_int_equal(town_slots(0), 1);
        assert_int_equal(town_slots(1), 1);
        assert_int_equal(town_links(0), 1);
        assert_int_equal(town_links(1), 1);
    }
}

/* A node that lost power comes back at once: its new link is not turned away for the sake
 * of the old one, which nobody answers on any more. */
static void test_a_restarted_peer_is_let_in(void **state)
{
    (void)state;
    for (uint8_t seed = 1; seed <= 6; seed++) {
        town_make(2, seed);
        town_start_all();
        town_run(S);
        town.n[1].is_running = false;
        for (int i = 0; i < town.wires; i++) /* no word of it to the other end */
            town.wire[i].is_up[town.wire[i].node[0] == 1 ? 0 : 1] = false;
        town.n[1].seeds.entropy[5]++;
        town_start(1);
        town_equip(1);
        town_run(S);
        assert_int_equal(town_links(1), 1);
        assert_int_equal(town_links(0), 1);
        assert_true(town_node(0)->slots[0]->clock_id == town_node(1)->clock_id);
    }
}

static void test_our_own_address(void **state)
{
    (void)state;
    town_make(2, 5);
    town.n[1].setup.joins[0] = town_addr(1);
    town_start_all();
    town_run(30 * S);
    assert_int_equal(town_slots(1), 0);
    assert_int_equal(town.n[1].opens, 1); /* once is enough to know */
    assert_false(town_has_note(1, "channel key"));
    assert_int_equal(town_node(1)->counters.refused, 0);
}

static void test_nobody_is_there(void **state)
{
    (void)state;
    town_make(2, 6);
    town_start(1);
    town_run(30 * S);
    assert_true(town_has_note(1, "10.0.0.1:4747 does not answer"));
    assert_true(town.n[1].opens >= 3 && town.n[1].opens < 15);
    town_start(0); /* it was only late */
    town_run(90 * S);
    assert_int_equal(town_links(1), 1);
    assert_false(town_has_note(1, "does not answer"));
}

static void test_a_silent_handshake_times_out(void **state)
{
    (void)state;
    town_make(2, 7);
    town.n[0].is_mute = true;
    town_start(1);
    town_run(9 * S);
    assert_int_equal(town_slots(1), 1);
    assert_int_equal(town_node(1)->slots[0]->state, SLOT_SHAKING);
    town_run(2 * S);
    assert_true(town_node(1)->overlay.counts.dials_failed >= 1);
}

static void dial_in(int node, uint32_t link)
{
    struct event e = { .kind = EVENT_LINK_OPENED };

    e.u.opened.link = link;
    e.u.opened.remote = (struct addr){ { 10, 9, 9, 9 }, 999, 4 };
    town_step(node, &e);
}

static void test_half_open_links_time_out(void **state)
{
    (void)state;
    town_make(1, 8);
    town_start(0);
    for (uint32_t link = 1; link < 11; link += 2)
        dial_in(0, link);
    assert_int_equal(town_slots(0), 5);
    town_run(9 * S);
    assert_int_equal(town_slots(0), 5);
    town_run(2 * S);
    assert_int_equal(town_slots(0), 0);
}

/* Connections that come to nothing do not keep others out; those that had no time yet do
 * not make way. */
static void test_half_open_links_make_way(void **state)
{
    (void)state;
    town_make(2, 9);
    town_start(0);
    for (uint32_t link = 10001; link < 10001 + 2 * 8; link += 2)
        dial_in(0, link);
    assert_int_equal(town_slots(0), 8);
    town_start(1);
    town_run(S);
    assert_int_equal(town_links(0), 0);
    town_run(3 * S);
    assert_int_equal(town_links(0), 1);
    assert_int_equal(town_links(1), 1);
}

/* The third finds no place among the neighbours of the first, which keeps the link for a
 * while, as its party might want it. */
static void test_a_link_that_nobody_needs_is_closed(void **state)
{
    (void)state;
    town_make(3, 10);
    town.n[0].params.overlay.active_max = 1;
    town.n[0].params.overlay.active_low = 1;
    town.n[0].params.overlay.forced_max = 0;
    town.n[0].params.overlay.forced_old = 0;
    town.n[0].params.party.call_ns = 300 * S;
    for (int i = 0; i < 3; i++)
        town.n[i].params.overlay.anchor_period_ns = 0;
    town.n[2].params.overlay.linger_ns = 3600 * S; /* it does not hang up itself */
    town_start(0);
    town_equip(0);
    town_start(1);
    town_run(2 * S);
    assert_int_equal(town_host(0, 1, 3)->err, 0);
    town_start(2);
    town_run(9 * S);
    assert_int_equal(town_links(0), 2);
    assert_int_equal(town_node(0)->overlay.active_count, 1);
    town_run(26 * S);
    assert_int_equal(town_links(0), 1);
}

/* A bent frame costs the link that it came on, and no other. */
static void test_garbage_closes_its_link_only(void **state)
{
    struct event e = { .kind = EVENT_LINK_RECEIVED };
    uint8_t junk[100] = { 1, 2, 3 };
    uint32_t link = 0;
    int others = 0;

    (void)state;
    town_make(3, 11);
    town_start_all();
    town_run(3 * S);
    assert_int_equal(town_links(0), 2);
    for (int k = 0; k < town_slots(0); k++) {
        const struct slot *s = town_node(0)->slots[k];

        if (s->state == SLOT_UP &&
            node_id_equal(&slot_rec(town_node(0), s)->id, node_self(town_node(1))))
            link = s->link;
    }
    e.u.received.link = link;
    e.u.received.frame = bytes_of(junk, sizeof(junk));
    town_step(0, &e);
    for (int k = 0; k < town_slots(0); k++) {
        assert_true(town_node(0)->slots[k]->link != link);
        others += town_node(0)->slots[k]->state == SLOT_UP;
    }
    assert_int_equal(others, 1);
    assert_int_equal(town_node(0)->counters.malformed, 1);
    town_step(0, &e); /* what was on its way meanwhile */
    assert_int_equal(town_node(0)->counters.malformed, 1);
    town_run(10 * S); /* and they find each other again */
    assert_int_equal(town_links(0), 2);
}

static void test_a_bent_handshake(void **state)
{
    (void)state;
    town_make(2, 12);
    town_start(0);
    town.is_damaging = true;
    town_start(1);
    town_run(NS_PER_S / 2);
    assert_int_equal(town_slots(0), 0);
    assert_int_equal(town_links(1), 0);
    town_run(10 * S);
    assert_int_equal(town_links(1), 1);
}

/* After a frame that found no room nothing is sent that the other end would have to take
 * for a forgery: the link goes, its slot is free, and it comes back. */
static void test_a_full_step_closes_the_link(void **state)
{
    struct node *n;
    struct msg m = { .type = MSG_PING };
    int sends = 0;
    int closes = 0;

    (void)state;
    town_make(2, 13);
    town_start_all();
    town_run(S);
    n = town_node(0);
    n->out = &town_out;
    town_out.used = 0;
    town_out.count = EFFECTS_MAX - EFFECTS_RESERVE - 2;
    memset(town_out.list, 0, sizeof(town_out.list));
    for (int i = 0; i < EFFECTS_MAX; i++)
        town_out.list[i].kind = EFFECT_DATAGRAM_SEND;
    outbox_clear(&town_out.outbox);
    for (int i = 0; i < 5; i++)
        outbox_push(&town_out.outbox, 0, &m);
    town_out.dropped = 0;
    links_flush(n);
    assert_int_equal(town_out.dropped, 1);
    assert_true(n->slots[0]->is_choked);
    assert_true(links_close_choked(n));
    assert_false(links_close_choked(n));
    for (int i = 0; i < town_out.count; i++) {
        sends += town_out.list[i].kind == EFFECT_LINK_SEND;
        closes += town_out.list[i].kind == EFFECT_LINK_CLOSE;
    }
    assert_int_equal(sends, 2);
    assert_int_equal(closes, 1);
    assert_int_equal(town_slots(0), 0);
    for (int i = 0; i < town_out.count; i++)
        town_carry_out(0, &town_out.list[i]);
    town_run(5 * S);
    assert_int_equal(town_links(0), 1);
    assert_int_equal(town_node(1)->counters.malformed, 0);
}

/* Where others see us: most decide, whether the one that lies comes first or last. */
static void test_where_others_see_us(void **state)
{
    static const int orders[2][3] = { { 3, 1, 2 }, { 1, 2, 3 } };

    (void)state;
    for (int o = 0; o < 2; o++) {
        town_make(4, 14);
        town.n[0].setup.listen = (struct addr){ { 0 }, 4747, 4 };
        town_start(0);
        for (int i = 0; i < 3; i++) {
            int who = orders[o][i];

            town_start(who);
            town_run(2 * TOWN_DELAY + NS_PER_MS);
            if (who == 3) /* what its HELLO will say */
                town_node(3)->slots[town_slots(3) - 1]->remote.ip[3] = 77;
            town_run(S);
        }
        assert_int_equal(town_links(0), 3);
        assert_int_equal(town_node(0)->reachable.port, 4747);
        assert_int_equal(town_node(0)->reachable.ip[3], 1);
    }
}

/* A peer that claims to listen where another one does keeps nobody from dialling that. */
static void test_a_claimed_address_stops_no_dial(void **state)
{
    struct peer_rec rec;
    struct addr a;
    int64_t opens;

    (void)state;
    town_make(3, 15);
    town_start(0);
    town_start(1);
    town_run(S);
    a = town_addr(2);
    rec = *slot_rec(town_node(1), town_node(1)->slots[0]);
    rec.addr = a;
    town_node(1)->slots[0]->contact = contacts_add(town_node(1)->contacts, &rec);
    opens = town.n[1].opens;
    town_out.count = 0;
    town_node(1)->out = &town_out;
    links_dial(town_node(1), &a, &(struct node_id){ { 9 } });
    for (int i = 0; i < town_out.count; i++)
        town_carry_out(1, &town_out.list[i]);
    assert_int_equal(town.n[1].opens, opens + 1);
}

static void test_good_peers_are_remembered(void **state)
{
    (void)state;
    town_make(2, 16);
    town_start_all();
    town_run(70 * S);
    assert_int_equal(town.n[0].kept_count, 1);
    assert_int_equal(town.n[1].kept_count, 1);
    assert_int_equal(town.n[1].kept[0].key_len, 5 + NODE_ID_LEN);
    assert_memory_equal(town.n[1].kept[0].key, "peer/", 5);
    assert_true(town.n[1].kept[0].value_len > 0);
    assert_int_equal(
        cbor_check(bytes_of(town.n[1].kept[0].value, town.n[1].kept[0].value_len)), 0);
    town_stop(1);
    town_run(S);
    town.n[1].setup.join_count = 0; /* only its memory leads it back */
    town.n[1].seeds.entropy[7]++;
    town_start(1);
    town_run(5 * S);
    assert_int_equal(town_links(1), 1);
}

static void test_what_is_recalled_may_be_damaged(void **state)
{
    static const struct {
        const char *key;
        size_t key_len;
        const char *value;
        size_t value_len;
    } rows[] = {
        { "peer/", 5, "\x82\x44\x0a\x00\x00\x01\x19\x12\x8b", 9 },
        { "song/0123456789abcdef0123456789abcdef", 37, "", 0 },
        { "clock-rate", 10, "", 0 },
        { "clock-rate", 10, "\x81\x01", 2 },
        { "clock-rate", 10, "\x82\x20\x00", 3 },
        { "clock-rate", 10, "\x82\x1b\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11 },
        { "peer/0123456789abcdef0123456789abcdef", 37, "", 0 },
        { "peer/0123456789abcdef0123456789abcdef", 37, "\x82\x44\x0a\x00", 4 },
        { "peer/0123456789abcdef0123456789abcdef", 37, "\x81\x44\x0a\x00\x00\x01\x01",
          7 },
        { "peer/0123456789abcdef0123456789abcdef", 37, "\x82\x43\x0a\x00\x00\x01", 6 },
        { "peer/0123456789abcdef0123456789abcdef", 37, "\x82\x44\x0a\x00\x00\x01\x00",
          7 },
    };

    (void)state;
    town_make(1, 17);
    town.n[0].kept_count = COUNT(rows);
    for (int i = 0; i < COUNT(rows); i++) {
        struct town_kept *k = &town.n[0].kept[i];

        k->key_len = rows[i].key_len;
        k->value_len = rows[i].value_len;
        memcpy(k->key, rows[i].key, k->key_len);
        memcpy(k->value, rows[i].value, k->value_len);
    }
    town_start(0);
    assert_int_equal(town_node(0)->overlay.passive.count, 0);
}

/* A node that has nothing to do sleeps. */
static void test_an_idle_node_sleeps(void **state)
{
    (void)state;
    town_make(3, 18);
    town_start_all();
    town_run(600 * S);
    for (int i = 0; i < 3; i++)
        town.n[i].wakes = 0;
    town_run(100 * S);
    for (int i = 0; i < 3; i++) {
        print_message("idle, two neighbours: %lld wakes in 100 s\n",
                      (long long)town.n[i].wakes);
        assert_true(town.n[i].wakes > 0 && town.n[i].wakes <= 100);
    }
    town_make(2, 18);
    town_start(1);
    town_run(600 * S);
    town.n[1].wakes = 0;
    town_run(100 * S);
    print_message("idle, alone: %lld wakes in 100 s\n", (long long)town.n[1].wakes);
    assert_true(town.n[1].wakes <= 100);
}

static uint64_t run_hash(uint8_t seed)
{
    uint64_t hash = 0;

    town_make(3, seed);
    town_start_all();
    town_run(2 * S);
    (void)town_host(0, 2, 1);
    town_run(2 * S);
    (void)town_accept(1);
    town_run(20 * S);
    for (int i = 0; i < 3; i++)
        hash = town_mix(hash, &town.n[i].hash, sizeof(hash));
    return hash;
}

static void test_same_seeds_same_bytes(void **state)
{
    uint64_t first = run_hash(19);

    (void)state;
    assert_true(first == run_hash(19));
    assert_true(first != run_hash(20));
}

/* From what a node holds now nobody learns what it drew before. */
static void test_secrets_leave_no_trace(void **state)
{
    uint8_t first[SECURE_SEED_LEN];
    uint8_t second[SECURE_SEED_LEN];
    uint8_t before[SECURE_SEED_LEN];
    struct node *n;

    (void)state;
    town_make(1, 21);
    town_start(0);
    n = town_node(0);
    memcpy(before, n->secret, sizeof(before));
    node_secret(n, first);
    assert_memory_not_equal(before, n->secret, sizeof(before));
    node_secret(n, second);
    assert_memory_not_equal(first, second, sizeof(first));
    node_destroy(n);
    memset(before, 0, sizeof(before));
    assert_memory_equal(n->secret, before, sizeof(before));
    assert_memory_equal(n->self.seed, before, sizeof(before));
}

/* Too small an arena leaves nothing behind, and a node that ends gives all back. */
static void test_memory_comes_back(void **state)
{
    struct town_node *t = &town.n[0];
    struct node *n = NULL;

    (void)state;
    town_make(2, 23);
    node_params_spread(&t->params);
    pool_init(&t->pool, t->memory + TOWN_MEMORY, TOWN_POOL);
    contacts_init(&t->contacts, &t->pool, 1);
    t->setup.has_channel = true;
    for (size_t size = 1024; n == NULL; size *= 2) {
        assert_true(size <= TOWN_MEMORY);
        memset(t->memory, 0xa5, TOWN_MEMORY);
        arena_init(&t->arena, t->memory, size);
        n = node_create(&(struct node_memory){ &t->arena, &t->pool, &t->contacts },
                        &t->params, &t->setup, &t->seeds);
    }
    assert_true(node_bytes(n) == t->arena.used + n->heap.used);
    node_destroy(n);
    assert_true(n->heap.used == 0);
    assert_int_equal(t->contacts.count, 0);
}

static void test_a_name_that_cannot_be_sent(void **state)
{
    static const char *const names[] = { "a\nb", "\xff", "\xc3" };

    (void)state;
    for (int i = 0; i < COUNT(names); i++) {
        town_make(2, 22);
        memcpy(town.n[1].setup.name, names[i], strlen(names[i]) + 1);
        town_start_all();
        town_run(S);
        assert_int_equal(town_links(0), 1);
        assert_string_equal(slot_name(town_node(0)->slots[0]), "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_nodes_become_peers),
        cmocka_unit_test(test_another_channel_key),
        cmocka_unit_test(test_the_same_channel_key),
        cmocka_unit_test(test_duplicates_become_one),
        cmocka_unit_test(test_two_dials_of_one_side),
        cmocka_unit_test(test_a_restarted_peer_is_let_in),
        cmocka_unit_test(test_our_own_address),
        cmocka_unit_test(test_nobody_is_there),
        cmocka_unit_test(test_a_silent_handshake_times_out),
        cmocka_unit_test(test_half_open_links_time_out),
        cmocka_unit_test(test_half_open_links_make_way),
        cmocka_unit_test(test_a_link_that_nobody_needs_is_closed),
        cmocka_unit_test(test_garbage_closes_its_link_only),
        cmocka_unit_test(test_a_bent_handshake),
        cmocka_unit_test(test_a_full_step_closes_the_link),
        cmocka_unit_test(test_where_others_see_us),
        cmocka_unit_test(test_a_claimed_address_stops_no_dial),
        cmocka_unit_test(test_good_peers_are_remembered),
        cmocka_unit_test(test_what_is_recalled_may_be_damaged),
        cmocka_unit_test(test_an_idle_node_sleeps),
        cmocka_unit_test(test_same_seeds_same_bytes),
        cmocka_unit_test(test_secrets_leave_no_trace),
        cmocka_unit_test(test_memory_comes_back),
        cmocka_unit_test(test_a_name_that_cannot_be_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
