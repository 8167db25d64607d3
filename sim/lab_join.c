/* Networks that grow, change, and come apart.
 *
 * join: many at once through one contact.  churn: nodes die and others come, all the
 * time.  cut: two halves without a way between them, and then with one.
 * nat: machines that cannot be dialled.  SPDX-License-Identifier: MIT */
#include "sim/lab_kinds.h"

#include <string.h>

#include "base/time.h"

#define PPM       1000000
#define STEP_NS   (250 * NS_PER_MS)
#define PER_CYCLE 60 /* s of a shuffle period */
#define HALF_A    1
#define HALF_B    2

static void measure(const struct lab *lab, struct graph_facts *f)
{
    struct graph g;

    lab_graph(lab, &g);
    graph_measure(&g, 1, f);
    graph_finish(&g);
}

static bool is_whole(const struct lab *lab)
{
    struct graph_facts f;

    measure(lab, &f);
    return f.components == 1;
}

/* Run until the overlay is one component, at most for so long; the time it took, or -1.
 */
static int64_t until_whole(struct lab *lab, int64_t limit_ns)
{
    int64_t begin = lab->world.now_ns;

    while (lab->world.now_ns - begin < limit_ns) {
        lab_run(lab, STEP_NS);
        if (is_whole(lab))
            return lab->world.now_ns - begin;
    }
    return -1;
}

/* ---- join ---- */

static void run_join(const struct setup *s, uint64_t seed, struct results *r)
{
    struct lab lab;
    int64_t took;

    lab_make(&lab, s, seed);
    world_start(&lab.world, 0);
    lab_run(&lab, NS_PER_S);
    for (int i = 1; i < s->nodes; i++)
        world_start_at(&lab.world, i,
                       lab.world.now_ns + mul_div(s->start_ns, i, s->nodes));
    took = until_whole(&lab, s->wait_ns);
    results_add(r, "whole", "", took >= 0 ? 1 : 0);
    results_add(r, "took", "s", took < 0 ? (double)s->wait_ns / 1e9 : (double)took / 1e9);
    /* And it stays whole. */
    lab_run(&lab, 30 * NS_PER_S);
    results_add(r, "whole_later", "", is_whole(&lab) ? 1 : 0);
    lab_finish(&lab);
}

static void join_defaults(struct setup *s)
{
    s->nodes = 100;
    s->contacts = 1;
    s->start_ns = 0;
    s->wait_ns = 20 * NS_PER_S;
    s->crypto = CRYPTO_TAGS;
}

static const struct lab_goal join_goals[] = {
    { "whole", LAB_LEAST, false, 1 },
    { "whole_later", LAB_LEAST, false, 1 },
    { "took", LAB_MOST, true, 5 },
    { NULL, LAB_MEAN, false, 0 },
};

const struct lab_kind lab_join = {
    .name = "join",
    .about = "many nodes join at once through one contact",
    .defaults = join_defaults,
    .run = run_join,
    .goals = join_goals,
    .plot = "",
};

/* ---- churn ---- */

/* One node dies, another starts in its place with an empty memory of the network. */
static void exchange_one(struct lab *lab, bool is_silent)
{
    int node = lab_pick(lab);

    world_crash(&lab->world, node, is_silent);
    world_start(&lab->world, node);
}

static void run_churn(const struct setup *s, uint64_t seed, struct results *r)
{
    struct lab lab;
    double reached = 0;
    double least = 100;
    double degree = 1;
    int count = (int)mul_div(s->nodes, s->share_ppm, PPM); /* in each cycle */

    lab_begin(&lab, s, seed);
    lab.world.p.has_no_memory = true;
    count = count < 1 ? 1 : count;
    for (int c = 0; c < s->rounds; c++) {
        struct lab_message m;
        double share;

        for (int i = 0; i < count; i++) {
            exchange_one(&lab, s->is_silent != 0);
            lab_run(&lab, (PER_CYCLE * NS_PER_S - s->wait_ns) / count);
        }
        share = lab_degree_share(&lab, 5);
        degree = share < degree ? share : degree;
        lab_send(&lab, lab_pick(&lab), (int)s->ttl, (int)s->bytes, s->wait_ns, &m);
        reached += 100.0 * m.reached / m.up;
        least = 100.0 * m.reached / m.up < least ? 100.0 * m.reached / m.up : least;
        results_row(r, "reached", c + 1, 100.0 * m.reached / m.up);
        results_row(r, "degree5", c + 1, 100 * share);
    }
    results_add(r, "reached_mean", "%", reached / (double)s->rounds);
    results_add(r, "reached_least", "%", least);
    results_add(r, "degree5_least", "%", 100 * degree);
    lab_finish(&lab);
}

static void churn_defaults(struct setup *s)
{
    s->nodes = 10000;
    s->share_ppm = 5000; /* 50 of 10,000 */
    s->rounds = 100;
    s->settle_ns = 300 * NS_PER_S;
}

static const struct lab_goal churn_goals[] = {
    { "reached_mean", LAB_MEAN, false, 100 },
    { "degree5_least", LAB_LEAST, false, 99.5 },
    { NULL, LAB_MEAN, false, 0 },
};

const struct lab_kind lab_churn = {
    .name = "churn",
    .about = "in every shuffle period some nodes die and as many come",
    .defaults = churn_defaults,
    .run = run_churn,
    .goals = churn_goals,
    .plot = "shuffle period|%|reached degree5",
};

/* ---- cut ---- */

static int half_of(int node)
{
    return node % 2;
}

/* Links between the halves, as a share of all. */
static double cross_share(const struct lab *lab)
{
    int list[OVERLAY_ACTIVE_MAX];
    int64_t all = 0;
    int64_t cross = 0;

    for (int i = 0; i < lab->setup->nodes; i++) {
        int count = world_is_up(&lab->world, i) ? lab_neighbours(lab, i, list) : 0;

        all += count;
        for (int k = 0; k < count; k++)
            cross += half_of(list[k]) != half_of(i);
    }
    return all == 0 ? 0 : 100.0 * (double)cross / (double)all;
}

static void run_cut(const struct setup *s, uint64_t seed, struct results *r)
{
    struct lab lab;
    struct net_cut cut = { HALF_A, HALF_B, 0, 0 };
    struct net_cut back = { HALF_B, HALF_A, 0, 0 };
    int64_t took;

    lab_begin(&lab, s, seed);
    for (int i = 0; i < s->nodes; i++)
        net_set_group(&lab.world.net, i, half_of(i));
    cut.cut_ns = back.cut_ns = lab.world.now_ns;
    cut.heal_ns = back.heal_ns = lab.world.now_ns + 600 * NS_PER_S;
    (void)net_cut_groups(&lab.world.net, &cut);
    (void)net_cut_groups(&lab.world.net, &back);
    lab_run(&lab, 600 * NS_PER_S);
    results_add(r, "cross_cut", "%", cross_share(&lab));
    took = until_whole(&lab, s->wait_ns);
    results_add(r, "took", "s", took < 0 ? (double)s->wait_ns / 1e9 : (double)took / 1e9);
    for (int c = 1; c <= 10; c++) {
        lab_run(&lab, PER_CYCLE * NS_PER_S);
        results_row(r, "cross", c, cross_share(&lab));
        if (c == 5)
            results_add(r, "cross_5", "%", cross_share(&lab));
    }
    lab_finish(&lab);
}

static void cut_defaults(struct setup *s)
{
    s->nodes = 1000;
    s->settle_ns = 600 * NS_PER_S;
    s->wait_ns = 120 * NS_PER_S;
}

static const struct lab_goal cut_goals[] = {
    { "took", LAB_MOST, true, 30 },
    { "cross_5", LAB_LEAST, false, 10 },
    { NULL, LAB_MEAN, false, 0 },
};

const struct lab_kind lab_cut = {
    .name = "cut",
    .about = "two halves that are cut apart for ten minutes, and then not",
    .defaults = cut_defaults,
    .run = run_cut,
    .goals = cut_goals,
    .plot = "shuffle periods after the cut|links between the halves, %|cross",
};

/* ---- nat ---- */

/* Ends of neighbours' links, by how the link came about. */
static void count_links(const struct lab *lab, int64_t ends[3])
{
    for (int i = 0; i < lab->setup->nodes; i++) {
        const struct overlay *o = node_overlay(lab->world.nodes[i].node);

        for (int k = 0; k < o->active_count; k++)
            ends[o->peers[sparse_place(&o->slots, o->active[k])].how]++;
    }
}

/* Machines that take themselves for what they are not, in percent. */
static double share_mistaken(const struct lab *lab)
{
    int count = 0;

    for (int i = 0; i < lab->setup->nodes; i++) {
        const struct overlay *o = node_overlay(lab->world.nodes[i].node);
        enum net_nat nat = net_nat_of(&lab->world.net, i);
        enum reach_class is = overlay_reach(o);

        count += (nat == NET_NAT_NONE && is != REACH_OPEN) ||
                 (nat == NET_NAT_CONE && is != REACH_PUNCH) ||
                 (nat == NET_NAT_SYMMETRIC && is != REACH_HIDDEN);
    }
    return 100.0 * count / (double)lab->setup->nodes;
}

static void run_nat(const struct setup *s, uint64_t seed, struct results *r)
{
    static const char *const names[] = { "direct", "punched", "relayed" };
    struct lab lab;
    struct lab_message m;
    struct graph_facts f;
    int64_t ends[3] = { 0 };
    int64_t all;
    int list[OVERLAY_ACTIVE_MAX];
    int stranded = 0;

    lab_begin(&lab, s, seed);
    measure(&lab, &f);
    for (int i = 0; i < s->nodes; i++)
        stranded += lab_neighbours(&lab, i, list) == 0;
    count_links(&lab, ends);
    all = ends[LINK_DIRECT] + ends[LINK_PUNCHED] + ends[LINK_RELAYED];
    results_add(r, "stranded", "", stranded);
    results_add(r, "components", "", f.components);
    results_add(r, "degree_mean", "", (double)all / (double)s->nodes);
    for (int i = 0; i < 3; i++)
        results_add(r, names[i], "%",
                    100.0 * (double)ends[i] / (double)(all + (all == 0)));
    results_add(r, "direct_punched", "%",
                100.0 * (double)(all - ends[LINK_RELAYED]) / (double)(all + (all == 0)));
    results_add(r, "mistaken", "%", share_mistaken(&lab));
    results_add(r, "dials_failed", "%",
                100.0 * (double)lab.world.counts.dials_failed /
                    (double)(lab.world.counts.dials + (lab.world.counts.dials == 0)));
    lab_send(&lab, lab_pick(&lab), (int)s->ttl, (int)s->bytes, s->wait_ns, &m);
    results_add(r, "reached", "%", 100.0 * m.reached / m.up);
    lab_finish(&lab);
}

static void nat_defaults(struct setup *s)
{
    s->nodes = 1000;
    s->settle_ns = 300 * NS_PER_S;
    s->net.cone_ppm = 500000;
    s->net.symmetric_ppm = 200000;
    s->net.punch_ppm = 700000;
}

static const struct lab_goal nat_goals[] = {
    { "stranded", LAB_MOST, true, 0 },
    { "components", LAB_MOST, true, 1 },
    { "direct_punched", LAB_LEAST, false, 80 },
    { "reached", LAB_LEAST, false, 100 },
    { NULL, LAB_MEAN, false, 0 },
};

const struct lab_kind lab_nat = {
    .name = "nat",
    .about = "half of the machines behind cone NATs, a fifth behind symmetric ones",
    .defaults = nat_defaults,
    .run = run_nat,
    .goals = nat_goals,
    .plot = "",
};
