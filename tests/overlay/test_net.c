/* The overlay as a whole: does the network become one, stay one, heal, and carry floods?
 * SPDX-License-Identifier: MIT */
#include "tests/overlay/net.h"

static struct overlay_params params(void)
{
    return overlay_params_default();
}

static void boot_join(struct net *n, int node, int contact)
{
    struct overlay_params p = params();
    struct addr a = net_addr(contact);

    net_boot(n, node, &p);
    if (contact != node)
        assert_true(overlay_add_bootstrap(&n->nodes[node].overlay, &a));
}

static void show(struct net *n, const char *what)
{
    if (getenv("SHOW") != NULL)
        printf(
            "%s seed %d: live %d components %d asym %d <1 %d <2 %d <4 %d <6 %d links %d "
            "events %d\n",
            what, (int)n->seed, net_live(n), net_components(n), net_asymmetric(n),
            net_below(n, 1), net_below(n, 2), net_below(n, 4), net_below(n, 6),
            n->link_count, (int)n->events);
}

/* A network is one, and both ends of each link agree, but for what is under way. */
static void assert_sound(struct net *n, const char *what)
{
    for (int i = 0; i < 10 && net_asymmetric(n) != 0; i++)
        net_run(n, NS_PER_S / 5);
    show(n, what);
    if (net_components(n) != 1 || net_asymmetric(n) != 0)
        fail_msg("%s, seed %d: %d components, %d one-sided", what, (int)n->seed,
                 net_components(n), net_asymmetric(n));
}

static void assert_degrees(struct net *n, int full_percent)
{
    assert_int_equal(net_below(n, 2), 0);
    assert_in_range(net_below(n, 4) * 100, 0, net_live(n));
    assert_in_range(net_below(n, 6) * 100, 0, net_live(n) * (100 - full_percent));
}

static struct net *all_at_once(int count, uint64_t seed, int64_t wait_ns, int check_every)
{
    struct net *n = net_new(count, seed);

    n->check_every = check_every;
    for (int i = 0; i < count; i++)
        boot_join(n, i, 0);
    net_run(n, wait_ns);
    show(n, "at once");
    assert_int_equal(net_components(n), 1);
    return n;
}

static void test_few_all_know_all(void **state)
{
    (void)state;
    for (int count = 2; count <= 7; count++) {
        for (uint64_t seed = 1; seed <= 20; seed++) {
            struct net *n = all_at_once(count, seed, 5 * NS_PER_S, 1);

            assert_sound(n, "few");
            assert_int_equal(net_below(n, count - 1), 0);
            net_free(n);
        }
    }
}

static void at_once_few(uint64_t seed)
{
    struct net *n = all_at_once(8 + (int)(seed % 50), seed, 5 * NS_PER_S, 1);

    net_run(n, 60 * NS_PER_S);
    assert_sound(n, "at once, later");
    assert_int_equal(net_below(n, 2), 0);
    net_free(n);
}

/* 200 are more than the contact has slots for links: the others have to come again. */
static void at_once_many(uint64_t seed)
{
    struct net *n = all_at_once(200, seed, 15 * NS_PER_S, 64);

    net_run(n, 120 * NS_PER_S);
    assert_sound(n, "at once, later");
    assert_degrees(n, 90);
    net_free(n);
}

static void test_join_at_once(void **state)
{
    (void)state;
    for_each_seed(50, at_once_few);
    for_each_seed(3, at_once_many);
}

/* How long nodes have been without a neighbour, in calls in a row. */
static void watch_isolated(const struct net *n, int *streak, int max)
{
    for (int i = 0; i < n->count; i++) {
        if (net_is_live(n, i) && n->nodes[i].overlay.active_count == 0)
            streak[i]++;
        else
            streak[i] = 0;
        assert_in_range(streak[i], 0, max);
    }
}

static struct net *grown(int count, uint64_t seed)
{
    struct net *n = net_new(count, seed);
    int streak[200] = { 0 };

    n->check_every = 64;
    for (int i = 0; i < n->count; i++) {
        boot_join(n, i, 0);
        net_run(n, NS_PER_S / 2);
        watch_isolated(n, streak, 10); /* 5 s */
    }
    net_run(n, 60 * NS_PER_S);
    assert_sound(n, "one by one");
    return n;
}

static void one_by_one(uint64_t seed)
{
    struct net *n = grown(200, seed);

    assert_degrees(n, 90);
    net_free(n);
}

static void test_join_one_by_one(void **state)
{
    (void)state;
    for_each_seed(3, one_by_one);
}

static void joined_by_a_chain(uint64_t seed)
{
    struct net *n = net_new(20, seed);

    for (int i = n->count - 1; i >= 0; i--) { /* nobody's contact is up yet */
        boot_join(n, i, i == 0 ? 1 : i - 1);
        net_run(n, NS_PER_S);
    }
    net_run(n, 70 * NS_PER_S);
    assert_sound(n, "chain");
    net_free(n);
}

static void test_contacts_come_later(void **state)
{
    (void)state;
    for_each_seed(40, joined_by_a_chain);
}

static void test_join_is_retried_for_ever(void **state)
{
    struct net *n = net_new(2, 5);

    (void)state;
    boot_join(n, 0, 1); /* node 1 is not there */
    net_run(n, 3600 * NS_PER_S);
    /* 1, 2, 4 … 60 s apart, +-20 %, and 5 s until each is known to have failed. */
    assert_in_range(n->nodes[0].overlay.counts.dials, 50, 90);
    boot_join(n, 1, 1);
    net_run(n, 75 * NS_PER_S);
    assert_sound(n, "late contact");
    assert_true(net_has_neighbour(n, 0, 1));
    net_free(n);
}

static void killed(uint64_t seed, bool is_silent)
{
    struct net *n = grown(100, seed);

    n->has_liveness = is_silent;
    for (int i = 0; i < n->count && is_silent; i++)
        net_set_wake(n, i, n->now_ns); /* the timers of liveness were not counted */
    net_run(n, is_silent ? 10 * NS_PER_S : 0);
    for (int i = 0; i < 30; i++) {
        int node = (int)rng_below(&n->rng, n->count);

        if (net_is_live(n, node))
            net_kill(n, node, is_silent);
        else
            i--;
    }
    net_run(n, is_silent ? 12 * NS_PER_S : 3 * NS_PER_S);
    show(n, "killed 30 %");
    assert_int_equal(net_components(n), 1);
    net_run(n, 60 * NS_PER_S);
    assert_sound(n, "killed 30 %, later");
    assert_degrees(n, 85);
    net_free(n);
}

static void killed_loudly(uint64_t seed)
{
    killed(seed, false);
}

static void killed_silently(uint64_t seed)
{
    killed(seed, true);
}

static void test_heals(void **state)
{
    (void)state;
    for_each_seed(5, killed_loudly);
    for_each_seed(5, killed_silently);
}

static void churning(uint64_t seed)
{
    struct net *n = grown(60, seed);
    int streak[200] = { 0 };

    for (int round = 0; round < 40; round++) {
        int node = 1 + (int)rng_below(&n->rng, n->count - 1);

        if (net_is_live(n, node))
            net_kill(n, node, false);
        else
            boot_join(n, node, 0);
        net_run(n, NS_PER_S);
        watch_isolated(n, streak, 5);
    }
    net_run(n, 30 * NS_PER_S);
    assert_sound(n, "churn");
    net_free(n);
}

static void test_churn(void **state)
{
    (void)state;
    for_each_seed(5, churning);
}

/* A cut closes all links across it; the two halves stay whole, and later they are one. */
static void cut_and_healed(uint64_t seed)
{
    struct net *n = all_at_once(7, seed, 10 * NS_PER_S, 1);

    for (int i = 0; i < n->count; i++)
        n->nodes[i].group = i % 2;
    for (int i = 0; i < n->link_count; i++) {
        const struct net_link *l = &n->links[i];

        for (int e = 0; e < 2; e++) {
            if (l->node[0] >= 0 && l->node[1] >= 0 && (l->node[0] + l->node[1]) % 2 == 1)
                net_post(n, (struct net_event){ .at_ns = n->now_ns,
                                                .kind = NET_CLOSE,
                                                .node = l->node[e],
                                                .link = i });
        }
    }
    net_run(n, 600 * NS_PER_S);
    assert_int_equal(net_components(n), 2);
    for (int i = 0; i < n->count; i++)
        n->nodes[i].group = 0;
    net_run(n, 45 * NS_PER_S);
    assert_sound(n, "healed");
    assert_int_equal(net_below(n, 6), 0);
    net_free(n);
}

static void test_small_cut_heals(void **state)
{
    (void)state;
    for_each_seed(5, cut_and_healed);
}

static void restarted(uint64_t seed)
{
    struct net *n = all_at_once(12, seed, 90 * NS_PER_S, 1);
    struct peer_rec known[64];
    struct peer_rec rec;
    struct overlay_params p = params();
    bool is_forget;
    int count = 0;

    while (overlay_take_remember(&n->nodes[3].overlay, &rec, &is_forget)) {
        assert_false(is_forget);
        known[count++] = rec;
    }
    assert_in_range(count, 4, 12);
    net_kill(n, 3, false);
    net_kill(n, 0, false); /* the contact of all */
    net_run(n, 10 * NS_PER_S);
    net_boot(n, 3, &p); /* without --join */
    for (int i = 0; i < count; i++)
        assert_int_equal(overlay_add_known(&n->nodes[3].overlay, &known[i]), true);
    net_run(n, 5 * NS_PER_S);
    assert_sound(n, "restarted");
    net_free(n);
}

static void test_remembered_peers_suffice(void **state)
{
    (void)state;
    for_each_seed(10, restarted);
}

/* Half of the nodes cannot be dialled: they dial. */
static void deaf(uint64_t seed)
{
    struct net *n = net_new(40, seed);

    for (int i = 1; i < n->count; i += 2)
        n->nodes[i].is_deaf = true;
    for (int i = 0; i < n->count; i++)
        boot_join(n, i, 0);
    net_run(n, 90 * NS_PER_S);
    assert_sound(n, "deaf");
    /* There are fewer slots than wanted, so one loses its last but one now and then. */
    for (int i = 0; i < 20 && net_below(n, 2) > 0; i++)
        net_run(n, NS_PER_S);
    assert_int_equal(net_below(n, 2), 0);
    net_free(n);
}

static void test_nodes_behind_walls(void **state)
{
    (void)state;
    for_each_seed(5, deaf);
}

static void flooded(uint64_t seed)
{
    struct net *n = grown(200, seed);
    int copies_max = n->count * 6 - (n->count - 1);

    for (int number = 0; number < 3; number++) {
        int origin = (int)rng_below(&n->rng, n->count);
        int answers = 0;

        for (int i = 0; i < n->count; i++) {
            n->nodes[i].handled = 0;
            n->nodes[i].is_answering = i % 7 == 0 && i != origin;
            answers += n->nodes[i].is_answering;
        }
        n->flood_copies = 0;
        n->nodes[origin].replies = 0;
        net_flood(n, origin, number, 10);
        net_run(n, 2 * NS_PER_S);
        for (int i = 0; i < n->count; i++) {
            assert_int_equal(n->nodes[i].handled, i != origin);
            assert_null(floods_check(&n->nodes[i].floods));
        }
        /* Each node sends to its neighbours but the one that it got it from. */
        assert_in_range(n->flood_copies, n->count - 1, copies_max);
        assert_int_equal(n->nodes[origin].replies, answers);
        net_run(n, 20 * NS_PER_S);
    }
    net_free(n);
}

static void test_flood_reaches_all_once(void **state)
{
    (void)state;
    for_each_seed(3, flooded);
}

static void test_flood_stops_at_its_ttl(void **state)
{
    struct net *n = grown(200, 4);
    static const int horizon[] = { 6, 6 + 30, 6 + 30 + 150, 199 };
    int before = 0;

    (void)state;
    for (int ttl = 1; ttl <= 4; ttl++) {
        int reached = 0;

        net_flood(n, 7, ttl, ttl);
        net_run(n, 2 * NS_PER_S);
        for (int i = 0; i < n->count; i++)
            reached += n->nodes[i].last_handled == ttl;
        assert_true(ttl > 1 || reached == n->nodes[7].overlay.active_count);
        assert_in_range(reached, before + 1, horizon[ttl - 1]);
        before = reached;
        net_run(n, 20 * NS_PER_S);
    }
    net_free(n);
}

/* Most nodes die, and a millisecond later, before anybody knows of it, a survivor floods.
 * How many of a thousand survivors that reached in this time. */
static int reach_after_crash(uint64_t seed, bool is_silent, bool has_acks, bool has_push,
                             int64_t wait_ns)
{
    struct net *n = grown(200, seed);
    int origin = 0;
    int live = 0;
    int reached = 0;

    n->check_every = 0;
    n->has_liveness = true;
    n->flood_params.has_acks = has_acks;
    n->flood_params.has_push = has_push;
    for (int i = 0; i < n->count; i++) {
        if (rng_below(&n->rng, 100) < 80)
            net_kill(n, i, is_silent);
    }
    while (!net_is_live(n, origin))
        origin++;
    net_run(n, NS_PER_MS);
    net_flood(n, origin, 1, 12);
    net_run(n, wait_ns);
    for (int i = 0; i < n->count; i++) {
        live += net_is_live(n, i);
        reached += net_is_live(n, i) && (i == origin || n->nodes[i].handled > 0);
        assert_int_equal(n->nodes[i].handled_again, 0);
        assert_null(floods_check(&n->nodes[i].floods));
    }
    net_free(n);
    return reached * 1000 / live;
}

/* Connections that break are seen at once; what matters is that new links carry on what
 * was flooded before.  Where power fails no connection breaks, and only the missing
 * answers tell; a dial to a dead node then takes its time to fail. */
static void test_the_first_flood_after_a_crash(void **state)
{
    int without_push = 0;
    int with_acks = 0;
    int without_acks = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        assert_in_range(reach_after_crash(seed, false, true, true, 3 * NS_PER_S), 990,
                        1000);
        assert_in_range(reach_after_crash(seed, true, true, true, 12 * NS_PER_S), 950,
                        1000);
        without_push += reach_after_crash(seed, false, true, false, 3 * NS_PER_S);
        with_acks += reach_after_crash(seed, true, true, true, 3 * NS_PER_S);
        without_acks += reach_after_crash(seed, true, false, true, 3 * NS_PER_S);
    }
    printf("of 5000: without push %d; 3 s after power fails with acks %d, without %d\n",
           without_push, with_acks, without_acks);
    assert_in_range(without_push, 0, 4800);
    assert_true(with_acks > without_acks + 200);
}

/* Messages get lost, as TCP would never have it: what holds are each node's invariants,
 * and no call ever asks for a wake that has passed. */
static void lossy(uint64_t seed)
{
    struct net *n = net_new(20, seed);

    n->loss_percent = 5 + (int)(seed % 40);
    for (int i = 0; i < n->count; i++)
        boot_join(n, i, (int)rng_below(&n->rng, n->count));
    for (int round = 0; round < 60; round++) {
        int node = (int)rng_below(&n->rng, n->count);
        int slot = (int)rng_below(&n->rng, NET_PEERS_MAX);

        if (net_is_live(n, node) && n->nodes[node].link[slot] >= 0)
            net_close(n, node, slot);
        if (round % 10 == 0 && net_is_live(n, node))
            net_kill(n, node, false);
        else if (!net_is_live(n, node))
            boot_join(n, node, 0);
        net_run(n, NS_PER_S);
    }
    net_free(n);
}

static void test_invariants_hold_under_loss(void **state)
{
    (void)state;
    for_each_seed(30, lossy);
}

static uint64_t digest(uint64_t seed)
{
    struct net *n = all_at_once(30, seed, 20 * NS_PER_S, 0);
    uint64_t h = (uint64_t)n->events;

    for (int i = 0; i < n->count; i++) {
        const struct overlay *o = &n->nodes[i].overlay;

        h = h * 1000003 + (uint64_t)o->counts.dials * 31 + (uint64_t)o->active_count;
        h = h * 1000003 + rng_next(&n->nodes[i].overlay.rng);
    }
    net_free(n);
    return h;
}

static void test_same_seed_same_run(void **state)
{
    (void)state;
    assert_true(digest(1) == digest(1));
    assert_true(digest(1) != digest(2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few_all_know_all),
        cmocka_unit_test(test_join_at_once),
        cmocka_unit_test(test_join_one_by_one),
        cmocka_unit_test(test_contacts_come_later),
        cmocka_unit_test(test_join_is_retried_for_ever),
        cmocka_unit_test(test_heals),
        cmocka_unit_test(test_churn),
        cmocka_unit_test(test_small_cut_heals),
        cmocka_unit_test(test_remembered_peers_suffice),
        cmocka_unit_test(test_nodes_behind_walls),
        cmocka_unit_test(test_flood_reaches_all_once),
        cmocka_unit_test(test_flood_stops_at_its_ttl),
        cmocka_unit_test(test_the_first_flood_after_a_crash),
        cmocka_unit_test(test_invariants_hold_under_loss),
        cmocka_unit_test(test_same_seed_same_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
