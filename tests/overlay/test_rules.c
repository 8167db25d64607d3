/* What each rule of the membership is for, as a scenario with a limit; and that without
 * the rule the same scenario misses it.  SPDX-License-Identifier: MIT */
#include "tests/overlay/net.h"

static void boot_join(struct net *n, int node, int contact,
                      const struct overlay_params *p)
{
    struct addr a = net_addr(contact);

    net_boot(n, node, p);
    if (contact != node)
        assert_true(overlay_add_bootstrap(&n->nodes[node].overlay, &a));
}

/* ---- many join at once through one contact */

static void join_at_once(uint64_t seed)
{
    struct overlay_params p = overlay_params_default();
    int count = 9 + (int)(seed * 7 % 192);
    struct net *n = net_new(count, seed);

    n->check_every = 256;
    for (int i = 0; i < count; i++)
        boot_join(n, i, 0, &p);
    net_run(n, 5 * NS_PER_S);
    if (net_components(n) != 1)
        fail_msg("seed %d: %d nodes, %d components after 5 s", (int)seed, count,
                 net_components(n));
    net_free(n);
}

static void test_join_at_once(void **state)
{
    const char *seeds = getenv("SEEDS");

    (void)state;
    for_each_seed(seeds == NULL ? 50 : atoi(seeds), join_at_once);
}

/* ---- a cut heals */

static struct net *grown(int count, uint64_t seed, const struct overlay_params *p,
                         int64_t settle_ns)
{
    struct net *n = net_new(count, seed);

    n->check_every = 256;
    n->has_liveness = true;
    for (int i = 0; i < n->count; i++) {
        boot_join(n, i, 0, p);
        net_run(n, NS_PER_S / 20);
    }
    net_run(n, settle_ns);
    assert_int_equal(net_components(n), 1);
    return n;
}

/* Links of the active view from one group to the other, in percent of all. */
static int crossing_percent(const struct net *n, int border)
{
    int crossing = 0;
    int all = 0;

    for (int i = 0; i < n->count; i++) {
        for (int s = 0; s < NET_PEERS_MAX; s++) {
            int other;

            if (n->nodes[i].link[s] < 0 || !overlay_is_active(&n->nodes[i].overlay, s))
                continue;
            other = net_other(n, i, s);
            all++;
            crossing += other >= 0 && (other < border) != (i < border);
        }
    }
    return all == 0 ? 0 : 100 * crossing / all;
}

struct cut {
    int count;
    int border; /* nodes below it are cut from those above */
    int cut_s;
    int merged_s;         /* after the end of the cut; -1: not in 60 s */
    int crossing_percent; /* 5 cycles later */
};

/* Nodes 0..border-1 and the others do not reach each other for a while: silently, as when
 * a cable is cut. */
static void cut_and_heal(struct cut *c, uint64_t seed, const struct overlay_params *p)
{
    struct net *n = grown(c->count, seed, p, 120 * NS_PER_S);

    for (int i = 0; i < c->border; i++)
        n->nodes[i].group = 1;
    net_run(n, c->cut_s * NS_PER_S);
    for (int i = 0; i < c->border; i++)
        n->nodes[i].group = 0;
    c->merged_s = -1;
    for (int s = 0; s <= 60 && c->merged_s < 0; s++) {
        if (net_components(n) == 1)
            c->merged_s = s;
        net_run(n, NS_PER_S);
    }
    net_run(n, 300 * NS_PER_S);
    c->crossing_percent = crossing_percent(n, c->border);
    net_free(n);
}

static const struct cut cuts[] = {
    { 200, 100, 600, 30, 10 }, { 200, 20, 600, 30, 1 }, { 200, 2, 600, 30, 0 },
    { 200, 100, 60, 30, 4 },   { 200, 100, 20, 30, 1 }, { 40, 20, 600, 30, 10 },
    { 16, 8, 600, 30, 10 },    { 16, 8, 30, 30, 1 },    { 9, 1, 100, 30, 0 },
};

static void cuts_heal(uint64_t seed)
{
    struct overlay_params p = overlay_params_default();

    for (int i = 0; i < COUNT(cuts); i++) {
        struct cut c = cuts[i];

        cut_and_heal(&c, seed, &p);
        if (getenv("SHOW") != NULL)
            printf("%d nodes, %d cut off for %d s: merged after %d s, %d %% cross\n",
                   c.count, c.border, c.cut_s, c.merged_s, c.crossing_percent);
        if (c.merged_s < 0 || c.merged_s > cuts[i].merged_s ||
            c.crossing_percent < cuts[i].crossing_percent)
            fail_msg("seed %d, %d nodes, %d cut off for %d s: merged after %d s, %d %%",
                     (int)seed, c.count, c.border, c.cut_s, c.merged_s,
                     c.crossing_percent);
    }
}

static void test_cuts_heal(void **state)
{
    (void)state;
    for_each_seed(2, cuts_heal);
}

static void cut_without_anchors(uint64_t seed)
{
    struct overlay_params p = overlay_params_default();
    struct cut c = { .count = 200, .border = 100, .cut_s = 600 };

    p.anchor_period_ns = 0;
    cut_and_heal(&c, seed, &p);
    if (getenv("SHOW") != NULL)
        printf("without anchors: merged after %d s, %d %% cross\n", c.merged_s,
               c.crossing_percent);
    assert_true(c.merged_s < 0 || c.merged_s > 30);
}

static void test_cuts_stay_without_anchors(void **state)
{
    (void)state;
    for_each_seed(2, cut_without_anchors);
}

/* ---- islands that never knew each other */

/* Two networks; a few nodes of one hear of a node of the other.  Seconds until they are
 * one, -1: not in three minutes. */
static int islands(uint64_t seed, const struct overlay_params *p)
{
    struct net *n = net_new(100, seed);
    int merged_s = -1;

    n->check_every = 256;
    for (int i = 0; i < n->count; i++)
        boot_join(n, i, i < 50 ? 0 : 50, p);
    net_run(n, 120 * NS_PER_S);
    assert_int_equal(net_components(n), 2);
    for (int i = 10; i < 15; i++)
        assert_true(overlay_add_known(&n->nodes[i].overlay, &n->nodes[60 + i].rec));
    for (int s = 0; s < 180 && merged_s < 0; s++) {
        if (net_components(n) == 1)
            merged_s = s;
        net_run(n, NS_PER_S);
    }
    net_free(n);
    return merged_s;
}

static void islands_merge(uint64_t seed)
{
    struct overlay_params p = overlay_params_default();
    int with_s = islands(seed, &p);
    int without_s;

    p.anchor_period_ns = 0;
    without_s = islands(seed, &p);
    if (getenv("SHOW") != NULL)
        printf("islands: %d s, without anchors %d s\n", with_s, without_s);
    assert_in_range(with_s, 0, 120);
    assert_int_equal(without_s, -1);
}

static void test_islands_find_each_other(void **state)
{
    (void)state;
    for_each_seed(3, islands_merge);
}

/* ---- attackers */

#define HONEST    100
#define ATTACKERS 11

struct attack {
    bool is_high; /* asks with high priority */
    int asks;     /* of each attacker in six rounds of a second */
    int churn;    /* honest nodes that start anew in each round */
    int eclipsed; /* honest nodes with no other neighbours than attackers */
    int share;    /* of the slots of honest nodes, percent */
};

/* An attacker asks an honest node for a slot, over a link that it opens if need be. */
static void attack_one(struct net *n, int attacker, int target, bool is_high)
{
    struct net_node *x = &n->nodes[attacker];
    struct node_id id = n->nodes[target].rec.id;
    int slot = overlay_find(&x->overlay, &id);
    struct msg m = { .type = MSG_NEIGHBOR, .u.neighbor = { is_high } };

    if (slot < 0 && net_free_slot(x) >= 0 && net_free_slot(&n->nodes[target]) >= 0 &&
        overlay_find(&n->nodes[target].overlay, &x->rec.id) < 0) {
        net_link_up(n, attacker, target, &n->nodes[target].rec.addr);
        slot = overlay_find(&x->overlay, &id);
    }
    if (slot < 0)
        return;
    outbox_push(&n->out, slot, &m);
    net_flush(n, attacker);
}

static void count_attacked(const struct net *n, struct attack *a)
{
    int slots = 0;
    int taken = 0;

    for (int i = 0; i < HONEST; i++) {
        int own = 0;

        for (int s = 0; s < NET_PEERS_MAX; s++) {
            if (n->nodes[i].link[s] >= 0 && overlay_is_active(&n->nodes[i].overlay, s))
                own += net_other(n, i, s) >= HONEST;
        }
        slots += n->nodes[i].overlay.active_count;
        taken += own;
        a->eclipsed += own > 0 && own == n->nodes[i].overlay.active_count;
    }
    a->share = 100 * taken / slots;
}

static void attacked(struct attack *a, uint64_t seed, const struct overlay_params *p)
{
    struct net *n = net_new(HONEST + ATTACKERS, seed);
    struct overlay_params bad = *p;

    bad.linger_ns = 36000 * NS_PER_S;
    bad.linger_new_ns = 36000 * NS_PER_S;
    bad.anchor_period_ns = 0;
    n->check_every = 0;
    n->has_liveness = true;
    for (int i = 0; i < n->count; i++) {
        boot_join(n, i, 0, i < HONEST ? p : &bad);
        net_run(n, NS_PER_S / 20);
    }
    net_run(n, 120 * NS_PER_S);
    for (int round = 0; round < 900; round++) {
        for (int k = 0; k < a->churn; k++) {
            int node = 1 + (int)rng_below(&n->rng, HONEST - 1);

            net_kill(n, node, false);
            boot_join(n, node, 0, p);
        }
        for (int i = HONEST; i < n->count; i++) {
            for (int k = 0; k < a->asks; k++) {
                if (rng_below(&n->rng, 6) == 0)
                    attack_one(n, i, (int)rng_below(&n->rng, HONEST), a->is_high);
            }
        }
        net_run(n, NS_PER_S);
    }
    count_attacked(n, a);
    net_free(n);
}

static void forced(uint64_t seed)
{
    struct overlay_params p = overlay_params_default();
    struct attack with = { .is_high = true, .asks = 1 };
    struct attack without = { .is_high = true, .asks = 1 };

    attacked(&with, seed, &p);
    p.forced_max = p.forced_old = p.active_max;
    p.forced_rate = (struct bucket_rate){ 1, 1 };
    p.chosen_min = 0;
    p.pinned = 0;
    attacked(&without, seed, &p);
    if (getenv("SHOW") != NULL)
        printf("forced: eclipsed %d, share %d %%; without the quota %d, %d %%\n",
               with.eclipsed, with.share, without.eclipsed, without.share);
    assert_int_equal(with.eclipsed, 0);
    assert_in_range(with.share, 0, 42);
    assert_in_range(without.share, with.share + 10, 100);
    assert_true(without.eclipsed > 0);
}

static void test_forced_slots_have_a_quota(void **state)
{
    (void)state;
    for_each_seed(2, forced);
}

static void asked(uint64_t seed)
{
    struct overlay_params p = overlay_params_default();
    struct attack with = { .churn = 1, .asks = 18 };
    struct attack without = { .churn = 1, .asks = 18 };

    attacked(&with, seed, &p);
    p.chosen_min = 0;
    attacked(&without, seed, &p);
    if (getenv("SHOW") != NULL)
        printf("asked: eclipsed %d, share %d %%; without own slots %d, %d %%\n",
               with.eclipsed, with.share, without.eclipsed, without.share);
    assert_in_range(with.share, 0, without.share - 4);
}

static void test_some_slots_are_our_own_choice(void **state)
{
    (void)state;
    for_each_seed(2, asked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_join_at_once),
        cmocka_unit_test(test_cuts_heal),
        cmocka_unit_test(test_cuts_stay_without_anchors),
        cmocka_unit_test(test_islands_find_each_other),
        cmocka_unit_test(test_forced_slots_have_a_quota),
        cmocka_unit_test(test_some_slots_are_our_own_choice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
