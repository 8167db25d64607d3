/* Nodes that keep other rules than the rest.
 *
 * attack: black holes, which behave well but pass no flood on.  flood: some send a
 * hundred signed floods each second, under their own names or each under another.
 * The hostile nodes are real nodes with other parameters; --set flood.has_scores=no and
 * the rates switch off what holds them. SPDX-License-Identifier: MIT */
#include "sim/lab_kinds.h"

#include <stdio.h>

#include "base/time.h"
#include "sim/lab_enemy.h"

#define PPM         1000000
#define ATTACK_STEP (10 * NS_PER_MS) /* no attacker sends more than once in it */

/* ---- attack ---- */

static void make_hole(struct node_params *p)
{
    p->flood.forward_max = 0; /* what comes is taken and acknowledged */
    p->flood.has_push = false;
    p->flood.has_scores = false;
}

/* Of the neighbours of honest nodes, those that are hostile. */
static double hostile_share(const struct lab *lab)
{
    int list[OVERLAY_ACTIVE_MAX];
    int all = 0;
    int bad = 0;

    for (int i = 0; i < lab->setup->nodes; i++) {
        int count;

        if (!world_is_up(&lab->world, i) || lab_is_hostile(lab, i))
            continue;
        count = lab_neighbours(lab, i, list);
        all += count;
        for (int k = 0; k < count; k++)
            bad += lab_is_hostile(lab, list[k]);
    }
    return all == 0 ? 0 : 100.0 * bad / all;
}

static void one_message(struct lab *lab, int64_t run_ns, struct lab_message *m)
{
    int64_t sent_ns = lab->world.now_ns;
    struct flood_id id;

    while (!lab_order(lab, lab_pick_honest(lab), (int)lab->setup->ttl,
                      (int)lab->setup->bytes, &id))
        continue;
    lab_run(lab, run_ns);
    lab_look_for(lab, &id, sent_ns, m);
}

static void run_attack(const struct setup *s, uint64_t seed, struct results *r)
{
    struct lab lab;
    double sum = 0;
    double least = 100;
    char name[RESULT_NAME_MAX];

    lab_begin_mixed(&lab, s, seed, s->share_ppm, make_hole);
    results_add(r, "hostile_before", "%", hostile_share(&lab));
    for (int i = 0; i < s->messages; i++) {
        struct lab_message m;
        double reached;

        one_message(&lab, s->gap_ns, &m);
        reached = 100.0 * m.reached / m.up;
        sum += reached;
        least = reached < least ? reached : least;
        results_row(r, "reached", i + 1, reached);
    }
    (void)snprintf(name, sizeof(name), "reached_%lld", (long long)(s->share_ppm / 10000));
    results_add(r, name, "%", sum / (double)s->messages);
    results_add(r, "reached_least", "%", least);
    results_add(r, "hostile_after", "%", hostile_share(&lab));
    lab_finish(&lab);
}

static void attack_defaults(struct setup *s)
{
    s->share_ppm = 300000;
    s->messages = 50;
    s->gap_ns = 2 * NS_PER_S;
}

static const struct lab_goal attack_goals[] = {
    { "reached_10", LAB_MEAN, false, 99.99 },
    { "reached_30", LAB_MEAN, false, 99.9 },
    { "reached_50", LAB_MEAN, false, 98 },
    { NULL, LAB_MEAN, false, 0 },
};

const struct lab_kind lab_attack = {
    .name = "attack",
    .about = "a share of the nodes passes no flood on, and behaves well otherwise",
    .defaults = attack_defaults,
    .run = run_attack,
    .goals = attack_goals,
    .plot = "message|honest nodes reached, %|reached",
};

/* ---- flood ---- */

static void lift_limits(struct node_params *p)
{
    struct bucket_rate none = { 1, 1000000 };

    p->flood.origin_rate = p->flood.link_rate = p->flood.node_rate = none;
    p->flood.alone_rate.period_ns = 0;
    p->flood.seen_max = 1 << 20;
    p->flood.has_scores = false;
}

/* A flood of an origin that nobody has heard of before. */
static bool send_as_another(struct lab *lab, int from)
{
    struct enemy_flood f;

    enemy_make_flood(lab, (uint64_t)lab->draws, (int)lab->setup->ttl,
                     (int)lab->setup->bytes, &f);
    return enemy_say_all(lab, from, &f.msg) > 0;
}

/* All hostile nodes send one flood each. */
static int64_t volley(struct lab *lab)
{
    const struct setup *s = lab->setup;
    int64_t sent = 0;

    for (int i = 0; i < s->nodes; i++) {
        struct flood_id id;

        if (!lab_is_hostile(lab, i) || !world_is_up(&lab->world, i))
            continue;
        if (s->is_fresh)
            sent += send_as_another(lab, i);
        else
            sent += lab_order(lab, i, (int)s->ttl, (int)s->bytes, &id);
    }
    return sent;
}

/* … at the pace of the attackers. */
static int64_t storm(struct lab *lab, int64_t for_ns)
{
    int64_t sent = 0;

    for (int64_t t = 0; t < for_ns; t += ATTACK_STEP) {
        if (lab->world.now_ns % lab->setup->pace_ns < ATTACK_STEP)
            sent += volley(lab);
        lab_run(lab, ATTACK_STEP);
    }
    return sent;
}

struct storm_sum {
    double p99_ms;
    double reached;
    int64_t attacks;
};

static void messages_in(struct lab *lab, bool is_storm, struct storm_sum *sum)
{
    const struct setup *s = lab->setup;

    *sum = (struct storm_sum){ .attacks = 0 };
    for (int i = 0; i < s->messages; i++) {
        int64_t sent_ns = lab->world.now_ns;
        struct lab_message m = { 0 };
        struct flood_id id;
        bool is_sent = lab_order(lab, lab_pick_honest(lab), (int)s->ttl, (int)s->bytes,
                                 &id);

        if (is_storm)
            sum->attacks += storm(lab, s->gap_ns);
        else
            lab_run(lab, s->gap_ns);
        if (is_sent)
            lab_look_for(lab, &id, sent_ns, &m);
        sum->p99_ms += (double)m.p99_ns / 1e6 / (double)s->messages;
        sum->reached += m.up == 0 ? 0 : 100.0 * m.reached / m.up / (double)s->messages;
    }
}

static void run_flood(const struct setup *s, uint64_t seed, struct results *r)
{
    struct storm_sum calm;
    struct storm_sum under;
    struct lab_floods before;
    struct lab_floods after;
    int64_t bytes;
    double links = (double)(s->nodes * s->node.overlay.active_max);
    struct lab lab;

    lab_begin_mixed(&lab, s, seed, s->share_ppm, lift_limits);
    messages_in(&lab, false, &calm);
    before = lab_flood_counts(&lab);
    bytes = lab.world.counts.frame_bytes;
    messages_in(&lab, true, &under);
    after = lab_flood_counts(&lab);
    bytes = lab.world.counts.frame_bytes - bytes;
    results_add(r, "p99_calm", "ms", calm.p99_ms);
    results_add(r, "p99", "ms", under.p99_ms);
    results_add(r, "p99_rise", "%",
                calm.p99_ms > 0 ? 100 * (under.p99_ms / calm.p99_ms - 1) : 0);
    results_add(r, "reached", "%", under.reached);
    results_add(r, "attacks", "", (double)under.attacks);
    results_add(r, "admitted_per_node", "1/s",
                (double)(after.admitted - before.admitted) * 1e9 /
                    ((double)s->nodes * (double)s->messages * (double)s->gap_ns));
    results_add(r, "link_bytes", "B/s",
                (double)bytes * 1e9 / (links * (double)s->messages * (double)s->gap_ns));
    lab_finish(&lab);
}

static void flood_defaults(struct setup *s)
{
    s->share_ppm = 10000;
    s->pace_ns = ATTACK_STEP;
    s->messages = 20;
    s->gap_ns = NS_PER_S;
}

static const struct lab_goal flood_goals[] = {
    { "p99_rise", LAB_MEAN, true, 20 },
    { "link_bytes", LAB_MOST, true, 64000 },
    { "reached", LAB_MEAN, false, 99.9 },
    { NULL, LAB_MEAN, false, 0 },
};

const struct lab_kind lab_flood = {
    .name = "flood",
    .about = "a hundredth of the nodes send 100 signed floods each second",
    .defaults = flood_defaults,
    .run = run_flood,
    .goals = flood_goals,
    .plot = "",
};
