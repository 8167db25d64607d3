/* The rules of the active view: who gets a slot, who keeps it, and who is looked for.
 * SPDX-License-Identifier: MIT */
#include "tests/overlay/bench.h"

#include "overlay/liveness.h"

static void test_room_is_given_to_who_asks(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    up(&b, 0);
    assert_false(overlay_is_active(&b.o, 0));
    /* Nobody else is known, so we ask it at once; it asks as well. */
    assert_true(is_sent(&b, MSG_NEIGHBOR, 0));
    get_neighbor(&b, 0, false);
    assert_true(was_accepted(&b, 0));
    assert_true(overlay_is_active(&b.o, 0));
    get_ack(&b, 0, true);
    assert_true(overlay_is_active(&b.o, 0));
    stop(&b);
}

static void test_neighbour_only_after_the_ack(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    up(&b, 0);
    assert_true(is_sent(&b, MSG_NEIGHBOR, 0));
    assert_int_equal(b.o.peers[0].state, OVERLAY_ASKED);
    assert_int_equal(b.o.active_count, 0);
    get_ack(&b, 0, true);
    assert_int_equal(b.o.active_count, 1);
    stop(&b);
}

static void test_full_refuses_and_names_its_neighbours(void **state)
{
    struct bench b;
    struct msg m;

    (void)state;
    start(&b);
    fill(&b);
    up(&b, 6);
    get_neighbor(&b, 6, false);
    assert_int_equal(sent(&b, MSG_NEIGHBOR_ACK, 6, &m), 6);
    assert_false(m.u.neighbor_ack.is_accepted);
    assert_int_equal(m.u.neighbor_ack.recs.count, 6);
    for (int i = 0; i < 6; i++) {
        struct node_id id = id_of(i);

        assert_true(node_id_equal(&m.u.neighbor_ack.recs.list[i].id, &id));
    }
    stop(&b);
}

/* Its neighbours, who may become those of the newcomer too, and spare records. */
static void test_who_accepts_names_others(void **state)
{
    struct peer_rec spare = rec_of(20);

    (void)state;
    for (int tells = 0; tells <= 1; tells++) {
        struct bench b;
        struct msg m;
        struct peer_recs *recs = &m.u.neighbor_ack.recs;

        start(&b);
        b.params.tells_accepted = tells != 0;
        up(&b, 0);
        get_ack(&b, 0, true);
        (void)passive_add(&b.o.passive, &spare, false, &b.o.rng);
        up(&b, 1);
        get_neighbor(&b, 1, false);
        assert_int_equal(sent(&b, MSG_NEIGHBOR_ACK, 1, &m), 1);
        assert_true(m.u.neighbor_ack.is_accepted);
        assert_int_equal(recs->count, 1 + tells);
        assert_true(node_id_equal(&recs->list[tells].id, &spare.id));
        stop(&b);
    }
}

static void test_force_has_a_quota(void **state)
{
    struct bench b;
    int victim;

    (void)state;
    start(&b);
    fill(&b);
    for (int n = 6; n < 9; n++)
        up(&b, n);
    get_neighbor(&b, 6, true);
    assert_true(was_accepted(&b, 6));
    assert_in_range(evicted(&b, 6), 0, 5);
    get_neighbor(&b, 7, true);
    assert_true(was_accepted(&b, 7));
    assert_in_range(evicted(&b, 7), 0, 5);
    assert_int_equal(b.o.forced_count, 2);
    get_neighbor(&b, 8, true); /* the second within 30 s was the last */
    assert_false(was_accepted(&b, 8));
    assert_int_equal(evicted(&b, 8), -1);
    pass(&b, 31 * NS_PER_S);
    get_neighbor(&b, 8, true); /* now it may, but only one that came by force has to go */
    assert_true(was_accepted(&b, 8));
    victim = evicted(&b, 8);
    assert_in_range(victim, 6, 7);
    assert_int_equal(b.o.forced_count, 2);
    assert_int_equal(b.o.counts.evicted, 3);
    stop(&b);
}

static void test_attackers_never_get_more_than_the_quota(void **state)
{
    struct bench b;
    int honest = 0;

    (void)state;
    start(&b);
    fill(&b);
    for (int n = 6; n < 46; n++)
        up(&b, n);
    for (int round = 0; round < 600; round++) {
        for (int n = 6; n < 46; n++) {
            get_neighbor(&b, n, true);
            outbox_clear(&b.out);
        }
        pass(&b, NS_PER_S);
        while (dialled(&b) >= 0) {
        }
    }
    for (int n = 0; n < 6; n++)
        honest += overlay_is_active(&b.o, n);
    assert_int_equal(honest, 4);
    stop(&b);
}

static void test_a_full_contact_sends_a_crowd_on(void **state)
{
    struct bench b;
    struct msg m;
    int walks = 0;

    (void)state;
    start(&b);
    fill(&b);
    up(&b, 6);
    up(&b, 7);
    get_join(&b, 6);
    assert_true(was_accepted(&b, 6)); /* the first one evicts */
    assert_in_range(evicted(&b, 6), 0, 5);
    outbox_clear(&b.out);
    get_join(&b, 7);
    assert_false(was_accepted(&b, 7)); /* the next within 2 s walks on */
    assert_int_equal(evicted(&b, 7), -1);
    while (sent(&b, MSG_FORWARD_JOIN, -1, &m) >= 0) {
        struct node_id id = id_of(7);

        assert_true(node_id_equal(&m.u.forward_join.rec.id, &id));
        assert_int_equal(m.u.forward_join.ttl, 6);
        walks++;
    }
    assert_int_equal(walks, 6);
    stop(&b);
}

static void test_a_join_for_somebody_else_is_refused(void **state)
{
    struct bench b;
    struct msg m = { .type = MSG_JOIN, .u.join = { rec_of(77) } };

    (void)state;
    start(&b);
    fill(&b);
    up(&b, 6);
    get(&b, 6, &m);
    assert_false(was_accepted(&b, 6));
    assert_false(is_sent(&b, MSG_FORWARD_JOIN, -1));
    stop(&b);
}

static void test_requests_have_a_rate(void **state)
{
    struct bench b;
    int yes = 0;

    (void)state;
    start(&b);
    fill(&b);
    up(&b, 6);
    down(&b, 0);
    outbox_clear(&b.out);
    for (int i = 0; i < 6; i++)
        get_join(&b, 6);
    for (int i = 0; i < 6; i++)
        yes += was_accepted(&b, 6); /* each is answered once, with what is the case */
    assert_int_equal(yes, 6);
    assert_int_equal(b.o.counts.limited, 2);
    stop(&b);
}

static void test_an_ack_that_nobody_asked_for(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    up(&b, 0);
    assert_true(is_sent(&b, MSG_NEIGHBOR, 0));
    get_ack(&b, 0, false);
    assert_int_equal(b.o.counts.stray, 0);
    get_ack(&b, 0, true); /* one answer to one request */
    assert_int_equal(b.o.counts.stray, 1);
    assert_false(overlay_is_active(&b.o, 0));
    stop(&b);
}

static void test_a_late_ack(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    up(&b, 0);
    assert_true(is_sent(&b, MSG_NEIGHBOR, 0));
    pass(&b, 2 * NS_PER_S);
    assert_int_equal(b.o.peers[0].state, OVERLAY_LINKED); /* not answered in time */
    get_ack(&b, 0, true);
    assert_true(overlay_is_active(&b.o, 0)); /* room is still there */
    up(&b, 1);
    assert_true(is_sent(&b, MSG_NEIGHBOR, 1));
    pass(&b, 2 * NS_PER_S);
    for (int n = 2; n < 7; n++) {
        up(&b, n);
        get_neighbor(&b, n, false);
    }
    outbox_clear(&b.out);
    get_ack(&b, 1, true); /* too late: it must not believe that it is a neighbour */
    assert_false(overlay_is_active(&b.o, 1));
    assert_true(is_sent(&b, MSG_DISCONNECT, 1));
    stop(&b);
}

/* We ask; the peer asks as well, so it is active at once; then we evict it.  Its answer
 * to our request, sent before it heard of that, must not make it active again. */
static void test_answers_before_our_disconnect_are_void(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    up(&b, 0);
    assert_true(is_sent(&b, MSG_NEIGHBOR, 0));
    get_neighbor(&b, 0, false);
    assert_true(overlay_is_active(&b.o, 0));
    overlay_leave(&b.o, b.now_ns, &b.out);
    assert_true(is_sent(&b, MSG_DISCONNECT, 0));
    get_ack(&b, 0, true);
    assert_false(overlay_is_active(&b.o, 0));
    stop(&b);
}

/* Only the answer to the last request tells how the peer sees us now. */
static void test_the_last_answer_counts(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    up(&b, 0);
    pass(&b, 60 * NS_PER_S); /* asked again and again, over the same link */
    assert_in_range(b.o.peers[0].asks_open, 2, 3);
    while (b.o.peers[0].asks_open > 1) {
        get_ack(&b, 0, true);
        assert_false(overlay_is_active(&b.o, 0));
    }
    get_ack(&b, 0, false);
    assert_false(overlay_is_active(&b.o, 0));
    stop(&b);
}

static void test_disconnect(void **state)
{
    struct bench b;
    struct msg m = { .type = MSG_DISCONNECT,
                     .u.disconnect = { .reason = DISCONNECT_EVICTED, .recs.count = 2 } };
    struct node_id id = id_of(0);

    (void)state;
    start(&b);
    fill(&b);
    get_disconnect(&b, 0, DISCONNECT_LEAVING);
    assert_false(overlay_is_active(&b.o, 0));
    assert_int_equal(passive_find(&b.o.passive, &id), -1);
    assert_int_equal(dialled(&b), -1);
    m.u.disconnect.recs.list[0] = rec_of(40);
    m.u.disconnect.recs.list[1] = rec_of(41);
    get(&b, 1, &m); /* evicted: we go to who took our place */
    assert_int_equal(dialled(&b), 40);
    id = id_of(1);
    assert_true(passive_find(&b.o.passive, &id) >= 0);
    get_disconnect(&b, 1, DISCONNECT_LEAVING);
    assert_int_equal(b.o.counts.stray, 1); /* it was none any more */
    stop(&b);
}

static void test_bootstrap_backs_off(void **state)
{
    struct bench b;
    struct addr a = rec_of(70).addr;
    int64_t last_ns;

    (void)state;
    start(&b);
    assert_true(overlay_add_bootstrap(&b.o, &a));
    assert_true(overlay_add_bootstrap(&b.o, &a)); /* twice is once */
    assert_int_equal(b.o.bootstrap_count, 1);
    last_ns = b.now_ns;
    for (int i = 0; i < 20; i++) {
        int64_t wait_ns = i == 0 ? 0
                                 : NS_PER_S / 2 << (i < 6       ? 0
                                                    : i - 6 < 7 ? i - 6
                                                                : 7);

        while (b.o.dials.count == 0 || b.o.dials.list[0].is_taken)
            pass(&b, 10 * NS_PER_MS);
        wait_ns = wait_ns > 60 * NS_PER_S ? 60 * NS_PER_S : wait_ns;
        assert_in_range(b.now_ns - last_ns, wait_ns * 4 / 5,
                        wait_ns * 6 / 5 + 20 * NS_PER_MS);
        assert_int_equal(dialled(&b), 70);
        last_ns = b.now_ns;
        overlay_dial_failed(&b.o, &a, b.now_ns);
    }
    while (b.o.dials.count == 0)
        pass(&b, NS_PER_S);
    overlay_dial_self(&b.o, &a); /* it was ourselves all the time */
    pass(&b, 3600 * NS_PER_S);
    assert_int_equal(b.o.dials.count, 0);
    stop(&b);
}

static void test_join_by_a_link_that_stands(void **state)
{
    struct bench b;
    struct addr a = rec_of(0).addr;

    (void)state;
    start(&b);
    overlay_add_bootstrap(&b.o, &a);
    overlay_wake(&b.o, b.now_ns, &b.out);
    assert_int_equal(dialled(&b), 0);
    up(&b, 0); /* it dialled us at the same time, and the node keeps that link */
    outbox_clear(&b.out);
    get_neighbor(&b, 0, false);
    overlay_dial_duplicate(&b.o, &a, 0, b.now_ns, &b.out);
    assert_int_equal(b.o.dials.count, 0);
    assert_true(b.o.bootstraps[0].is_met);
    stop(&b);
}

/* Its only neighbour goes; what it knows besides was not to be tried for an hour. */
static void lose_the_only_neighbour(struct bench *b)
{
    struct addr a = rec_of(70).addr;
    struct peer_rec known = rec_of(80);

    overlay_add_bootstrap(&b->o, &a);
    overlay_wake(&b->o, b->now_ns, &b->out);
    assert_int_equal(dialled(b), 70);
    overlay_peer_up(&b->o, 40, &(struct peer_rec){ .id = id_of(70), .addr = a }, &a,
                    b->now_ns, &b->out);
    assert_true(is_sent(b, MSG_JOIN, 40));
    get_ack(b, 40, true);
    pass(b, 100 * NS_PER_S);
    b->o.bootstraps[0].next_ns = b->now_ns + 3600 * NS_PER_S;
    assert_int_equal(b->o.dials.count,
                     0); /* with a neighbour the address is left alone */
    overlay_add_known(&b->o, &known);
    for (int i = 0; i < b->o.passive.count; i++)
        passive_wait_until(&b->o.passive, i, b->now_ns + 1800 * NS_PER_S);
    down(b, 40);
    assert_int_equal(b->o.active_count, 0);
}

static void test_isolated_tries_its_records(void **state)
{
    struct bench b;
    bool is_tried = false;
    int n;

    (void)state;
    start(&b);
    lose_the_only_neighbour(&b);
    b.o.bootstraps[0].is_self = true; /* it is not dialled */
    pass(&b, NS_PER_S);
    while ((n = dialled(&b)) >= 0)
        is_tried = is_tried || n == 80;
    assert_true(is_tried);
    stop(&b);
}

static void test_isolated_tries_its_bootstrap(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    lose_the_only_neighbour(&b);
    while (b.o.passive.count > 0)
        passive_remove(&b.o.passive, 0);
    dials_finish(&b.o.dials);
    pass(&b, NS_PER_S);
    assert_int_equal(dialled(&b), 70);
    stop(&b);
}

static void test_a_dial_without_an_end_has_failed(void **state)
{
    struct bench b;
    struct peer_rec known = rec_of(80);

    (void)state;
    start(&b);
    overlay_add_known(&b.o, &known);
    pass(&b, NS_PER_S);
    assert_int_equal(dialled(&b), 80);
    pass(&b, 15 * NS_PER_S);
    assert_int_equal(b.o.counts.dials_failed, 1);
    assert_int_equal(passive_fails(&b.o.passive, 0), 1);
    stop(&b);
}

/* Six neighbours, one record of somebody else, and maybe walks from beyond; the peer that
 * is dialled within 90 s, or -1. */
static int opened(struct bench *b, bool has_others)
{
    struct peer_rec known = rec_of(80);
    struct msg m = { .type = MSG_SHUFFLE };
    struct overlay_params p = overlay_params_default();

    p.anchor_period_ns = 0;
    p.reach.misses = 0;
    start_with(b, &p);
    fill(b);
    overlay_add_known(&b->o, &known);
    m.u.shuffle.ttl = 3;
    for (int s = 0; s < 90; s++) {
        int n = dialled(b);

        if (n >= 0)
            return n;
        m.u.shuffle.origin = rec_of(has_others ? 90 : 1);
        if (s % 6 == 0)
            get(b, 0, &m);
        pass(b, NS_PER_S);
        outbox_clear(&b->out);
    }
    return -1;
}

static void test_a_closed_group_opens_itself(void **state)
{
    struct bench b;
    struct peer_rec known = rec_of(80);
    struct msg m;

    (void)state;
    assert_int_equal(opened(&b, true), -1);
    stop(&b);
    assert_int_equal(opened(&b, false), 80);
    overlay_peer_up(&b.o, 20, &known, &known.addr, b.now_ns, &b.out);
    assert_int_equal(sent(&b, MSG_NEIGHBOR, 20, &m), 20);
    assert_true(m.u.neighbor.is_high_priority); /* the others may be full as well */
    get_ack(&b, 20, true);
    assert_true(overlay_is_active(&b.o, 20));
    assert_int_equal(b.o.active_count, 6);
    stop(&b);
}

static void test_a_second_link_to_the_same_id(void **state)
{
    struct bench b;
    struct peer_rec rec = rec_of(2);
    int peer;

    (void)state;
    start(&b);
    fill(&b);
    overlay_peer_up(&b.o, 30, &rec, NULL, b.now_ns, &b.out);
    get_neighbor(&b, 30, false); /* it would not ask if the old link still stood */
    assert_true(overlay_is_active(&b.o, 30));
    assert_false(overlay_is_active(&b.o, 2));
    assert_int_equal(b.o.active_count, 6);
    assert_true(overlay_take_drop(&b.o, &peer));
    assert_int_equal(peer, 2);
    stop(&b);
}

static void test_links_without_purpose_are_dropped(void **state)
{
    struct bench b;
    int peer;

    (void)state;
    start(&b);
    fill(&b);
    up(&b, 6);
    assert_true(overlay_needs(&b.o, 6)); /* it may want something */
    pass(&b, 9 * NS_PER_S);
    assert_false(overlay_take_drop(&b.o, &peer));
    pass(&b, 2 * NS_PER_S);
    assert_true(overlay_take_drop(&b.o, &peer));
    assert_int_equal(peer, 6);
    assert_false(overlay_take_drop(&b.o, &peer)); /* said once */
    assert_false(overlay_needs(&b.o, 6));
    assert_true(overlay_needs(&b.o, 0));
    stop(&b);
}

static void test_good_neighbours_are_remembered(void **state)
{
    struct bench b;
    struct overlay_params p = overlay_params_default();
    struct peer_rec rec;
    bool is_forget;

    (void)state;
    p.known_max = 3;
    p.good_few = 0;
    p.anchor_period_ns = 0;
    start_with(&b, &p);
    for (int n = 0; n < 4; n++) {
        up(&b, n);
        get_neighbor(&b, n, false);
        pass(&b, NS_PER_S);
    }
    outbox_clear(&b.out);
    pass(&b, 50 * NS_PER_S);
    assert_false(overlay_take_remember(&b.o, &rec, &is_forget));
    pass(&b, 8 * NS_PER_S + NS_PER_S / 2);
    for (int n = 0; n < 3; n++) {
        assert_true(overlay_take_remember(&b.o, &rec, &is_forget));
        assert_false(is_forget);
        assert_int_equal(rec.addr.ip[3], n);
    }
    pass(&b, 2 * NS_PER_S); /* the fourth takes the place of the first */
    assert_true(overlay_take_remember(&b.o, &rec, &is_forget));
    assert_true(is_forget && rec.addr.ip[3] == 0);
    assert_true(overlay_take_remember(&b.o, &rec, &is_forget));
    assert_true(!is_forget && rec.addr.ip[3] == 3);
    assert_false(overlay_take_remember(&b.o, &rec, &is_forget));
    stop(&b);
}

/* Six neighbours, silent for a minute; somebody asks for a slot, and those of the mask
 * answer the PING in time.  True when the request was accepted; -1: no answer yet. */
static int checked(unsigned alive, int64_t fresh_ns, uint32_t *dead)
{
    struct bench b;
    struct heap heap;
    struct liveness l;
    struct liveness_params lp = liveness_params_default();
    struct overlay_params p = overlay_params_default();
    struct msg m;
    int accepted = -1;

    p.check_fresh_ns = fresh_ns;
    p.anchor_period_ns = 0;
    start_with(&b, &p);
    heap_init(&heap, &b.pool);
    liveness_init(&l, &lp, &heap);
    b.o.liveness = &l;
    for (int n = 0; n < 7; n++)
        liveness_peer_up(&l, n, true, b.now_ns);
    fill(&b);
    pass(&b, 5 * NS_PER_S);
    outbox_clear(&b.out);
    up(&b, 6);
    get_neighbor(&b, 6, false);
    if (sent(&b, MSG_NEIGHBOR_ACK, 6, &m) >= 0)
        accepted = m.u.neighbor_ack.is_accepted;
    for (int n = 0; n < 6 && accepted < 0; n++) {
        assert_true(is_sent(&b, MSG_PING, n));
        if ((alive >> n & 1) != 0)
            liveness_heard(&l, n, b.now_ns + 50 * NS_PER_MS);
    }
    if (accepted < 0) {
        pass(&b, 399 * NS_PER_MS);
        assert_false(is_sent(&b, MSG_NEIGHBOR_ACK, 6));
        pass(&b, 2 * NS_PER_MS);
        assert_int_equal(sent(&b, MSG_NEIGHBOR_ACK, 6, &m), 6);
        accepted = m.u.neighbor_ack.is_accepted;
    }
    *dead = b.o.counts.check_dead;
    liveness_finish(&l);
    b.o.liveness = NULL;
    stop(&b);
    return accepted;
}

/* A view that is full of the dead is not full. */
static void test_silent_neighbours_are_asked_before_a_refusal(void **state)
{
    uint32_t dead;

    (void)state;
    assert_int_equal(checked(0x3f, 2 * NS_PER_S, &dead), 0);
    assert_int_equal(dead, 0);
    assert_int_equal(checked(0x3e, 2 * NS_PER_S, &dead), 1);
    assert_int_equal(dead, 1);
    assert_int_equal(checked(0, 2 * NS_PER_S, &dead), 1);
    assert_int_equal(dead, 6);
    assert_int_equal(checked(0, 0, &dead), 0); /* without the rule it is refused */
}

/* A neighbour asks whether we hear somebody. */
static void test_probes_are_answered_for_the_living(void **state)
{
    struct bench b;
    struct msg m = { .type = MSG_PROBE };
    struct peer_rec rec = rec_of(50);
    struct msg r;

    (void)state;
    start(&b);
    fill(&b);
    m.u.probe.target = rec;
    m.u.probe.nonce = 77;
    get(&b, 0, &m);
    assert_false(is_sent(&b, MSG_PROBE_ACK, 0)); /* we have to see for ourselves */
    assert_int_equal(dialled(&b), 50);
    overlay_peer_up(&b.o, 20, &rec, &rec.addr, b.now_ns, &b.out);
    assert_int_equal(sent(&b, MSG_PROBE_ACK, 0, &r), 0);
    assert_int_equal(r.u.probe_ack.nonce, 77);
    up(&b, 9);
    m.u.probe.target = rec_of(51);
    get(&b, 9, &m); /* strangers make nobody dial */
    assert_int_equal(dialled(&b), -1);
    stop(&b);
}

/* What a node in a quiet city holds: six neighbours, 120 records, its best peers. */
static void test_memory_of_an_idle_node(void **state)
{
    struct bench b;
    struct heap heap;
    struct liveness l;
    struct liveness_params lp = liveness_params_default();
    size_t bytes;

    (void)state;
    start(&b);
    heap_init(&heap, &b.pool);
    liveness_init(&l, &lp, &heap);
    fill(&b);
    for (int n = 0; n < 6; n++)
        liveness_peer_up(&l, n, true, b.now_ns);
    for (int n = 100; n < 300; n++) {
        struct peer_rec rec = rec_of(n);

        (void)passive_add(&b.o.passive, &rec, false, &b.o.rng);
    }
    pass(&b, 300 * NS_PER_S);
    assert_int_equal(b.o.passive.count, 120);
    dials_finish(&b.o.dials); /* they come and go */
    bytes = sizeof(b.o) + b.heap.used + sizeof(l) + heap.used;
    printf("overlay %zu + %zu, liveness %zu + %zu: %zu bytes\n", sizeof(b.o), b.heap.used,
           sizeof(l), heap.used, bytes);
    assert_in_range(bytes, 1, 2384);
    liveness_finish(&l);
    assert_int_equal(heap.used, 0);
    stop(&b);
}

/* The same wakes, early, late and twice, lead to the same neighbours. */
static void test_wakes_do_no_harm(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    fill(&b);
    for (int i = 0; i < 100; i++) {
        overlay_wake(&b.o, b.now_ns, &b.out);
        overlay_wake(&b.o, b.now_ns + NS_PER_MS, &b.out);
    }
    assert_int_equal(b.out.count, 0);
    overlay_wake(&b.o, b.now_ns + 3600 * NS_PER_S, &b.out); /* an hour late */
    assert_int_equal(b.o.active_count, 6);
    assert_int_equal(b.out.count, 7); /* one shuffle, and our tag to each neighbour */
    stop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_room_is_given_to_who_asks),
        cmocka_unit_test(test_neighbour_only_after_the_ack),
        cmocka_unit_test(test_full_refuses_and_names_its_neighbours),
        cmocka_unit_test(test_who_accepts_names_others),
        cmocka_unit_test(test_force_has_a_quota),
        cmocka_unit_test(test_attackers_never_get_more_than_the_quota),
        cmocka_unit_test(test_a_full_contact_sends_a_crowd_on),
        cmocka_unit_test(test_a_join_for_somebody_else_is_refused),
        cmocka_unit_test(test_requests_have_a_rate),
        cmocka_unit_test(test_an_ack_that_nobody_asked_for),
        cmocka_unit_test(test_a_late_ack),
        cmocka_unit_test(test_answers_before_our_disconnect_are_void),
        cmocka_unit_test(test_the_last_answer_counts),
        cmocka_unit_test(test_disconnect),
        cmocka_unit_test(test_bootstrap_backs_off),
        cmocka_unit_test(test_join_by_a_link_that_stands),
        cmocka_unit_test(test_isolated_tries_its_records),
        cmocka_unit_test(test_isolated_tries_its_bootstrap),
        cmocka_unit_test(test_a_dial_without_an_end_has_failed),
        cmocka_unit_test(test_a_closed_group_opens_itself),
        cmocka_unit_test(test_a_second_link_to_the_same_id),
        cmocka_unit_test(test_links_without_purpose_are_dropped),
        cmocka_unit_test(test_good_neighbours_are_remembered),
        cmocka_unit_test(test_silent_neighbours_are_asked_before_a_refusal),
        cmocka_unit_test(test_probes_are_answered_for_the_living),
        cmocka_unit_test(test_memory_of_an_idle_node),
        cmocka_unit_test(test_wakes_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
