/* How far and how fast messages come when nothing is wrong, and what they cost.
 *
 * reach: floods.  tree: large or periodic messages along trees.  idle: what a
 * node costs that does nothing.  SPDX-License-Identifier: MIT */
#include "sim/lab_kinds.h"

#include "base/time.h"

/* ---- reach ---- */

static void run_reach(const struct setup *s, uint64_t seed, struct results *r)
{
    struct lab lab;
    double sends = 0;
    double p50 = 0;
    double p99 = 0;
    double last = 0;
    int whole = 0;
    int hops = 0;

    lab_begin(&lab, s, seed);
    for (int i = 0; i < s->messages; i++) {
        struct lab_message m;

        lab_send(&lab, lab_pick(&lab), (int)s->ttl, (int)s->bytes, s->gap_ns, &m);
        whole += m.reached == m.up;
        sends += (double)m.sends / m.up;
        p50 += (double)m.p50_ns / 1e6;
        p99 += (double)m.p99_ns / 1e6;
        last = (double)m.last_ns / 1e6 > last ? (double)m.last_ns / 1e6 : last;
        hops = m.hops_max > hops ? m.hops_max : hops;
        results_row(r, "p99", i + 1, (double)m.p99_ns / 1e6);
        results_row(r, "reached", i + 1, 100.0 * m.reached / m.up);
    }
    results_add(r, "whole", "%", 100.0 * whole / (double)s->messages);
    results_add(r, "sends_per_node", "", sends / (double)s->messages);
    results_add(r, "p50", "ms", p50 / (double)s->messages);
    results_add(r, "p99", "ms", p99 / (double)s->messages);
    results_add(r, "last", "ms", last);
    results_add(r, "hops_max", "hops", hops);
    lab_finish(&lab);
}

static void reach_defaults(struct setup *s)
{
    s->nodes = 10000;
    s->messages = 100;
    s->gap_ns = 2 * NS_PER_S;
}

static const struct lab_goal reach_goals[] = {
    { "whole", LAB_MEAN, false, 99.9 }, { "sends_per_node", LAB_MEAN, true, 4.9 },
    { "p99", LAB_MEAN, true, 260 },     { "last", LAB_MOST, true, 400 },
    { NULL, LAB_MEAN, false, 0 },
};

const struct lab_kind lab_reach = {
    .name = "reach",
    .about = "floods in a network at peace: reach, cost, time",
    .defaults = reach_defaults,
    .run = run_reach,
    .goals = reach_goals,
    .plot = "message|ms until 99 % have it|p99",
};

/* ---- tree ---- */

static double redundancy(struct lab *lab, int from, int bytes, struct lab_message *m)
{
    int64_t before = lab_tree_counts(lab).sent;
    int64_t payloads;

    lab_send(lab, from, 0, bytes, lab->setup->gap_ns, m);
    payloads = lab_tree_counts(lab).sent - before;
    return (double)payloads / (double)(m->up - 1) - 1;
}

/* Rounds of messages from one origin, then from many in turn; the last round counts. */
static void run_tree(const struct setup *s, uint64_t seed, struct results *r)
{
    struct lab lab;
    int senders[10];
    int missed = 0;
    double rmr = 0;
    struct lab_message m = { 0 };
    int hops = 0;

    lab_begin(&lab, s, seed);
    for (int i = 0; i < 10; i++)
        senders[i] = lab_pick(&lab);
    for (int i = 0; i < s->rounds + 3; i++) {
        rmr = redundancy(&lab, senders[0], (int)s->bytes, &m);
        missed += m.up - m.reached;
        results_row(r, "one", i + 1, rmr);
    }
    results_add(r, "rmr_one", "", rmr);
    results_add(r, "ldh_one", "hops", m.hops_max);
    results_add(r, "p99_one", "ms", (double)m.p99_ns / 1e6);
    for (int k = 0; k < s->rounds + 3; k++) {
        rmr = 0;
        for (int i = 1; i < 10; i++) {
            rmr += redundancy(&lab, senders[i], (int)s->bytes, &m) / 9;
            missed += m.up - m.reached;
            hops = m.hops_max > hops ? m.hops_max : hops;
        }
        results_row(r, "many", k + 1, rmr);
    }
    results_add(r, "rmr_many", "", rmr);
    results_add(r, "ldh_many", "hops", hops);
    results_add(r, "missed", "", missed);
    lab_finish(&lab);
}

static void tree_defaults(struct setup *s)
{
    s->nodes = 10000;
    s->bytes = 1200;
    s->rounds = 3;
    s->gap_ns = 11 * NS_PER_S; /* beyond the rate of one origin */
}

static const struct lab_goal tree_goals[] = {
    { "rmr_one", LAB_MEAN, true, .01 }, { "rmr_many", LAB_MEAN, true, .05 },
    { "ldh_one", LAB_MOST, true, 12 },  { "ldh_many", LAB_MOST, true, 21 },
    { "missed", LAB_MOST, true, 0 },    { NULL, LAB_MEAN, false, 0 },
};

const struct lab_kind lab_tree = {
    .name = "tree",
    .about = "large or periodic messages along trees: redundancy, depth",
    .defaults = tree_defaults,
    .run = run_tree,
    .goals = tree_goals,
    .plot = "round|payloads beyond one for each node, relative|one many",
};

/* ---- idle ---- */

static void run_idle(const struct setup *s, uint64_t seed, struct results *r)
{
    struct lab lab;
    int64_t bytes;
    int64_t frames;
    double node_seconds = (double)s->nodes * (double)s->wait_ns / 1e9;

    lab_begin(&lab, s, seed);
    bytes = lab.world.counts.frame_bytes;
    frames = lab.world.counts.frames;
    lab_run(&lab, s->wait_ns);
    bytes = lab.world.counts.frame_bytes - bytes;
    frames = lab.world.counts.frames - frames;
    /* A frame goes with a length of 2 bytes; TCP and IP cost 52 more for each segment,
     * and as much for its acknowledgement. */
    results_add(r, "bytes_per_s", "B/s", (double)(bytes + 2 * frames) / node_seconds);
    results_add(r, "bytes_per_s_ip", "B/s",
                (double)(bytes + 106 * frames) / node_seconds);
    results_add(r, "frames_per_s", "", (double)frames / node_seconds);
    results_add(r, "memory", "B",
                (double)world_node_memory(&lab.world) / (double)s->nodes);
    lab_finish(&lab);
}

static void idle_defaults(struct setup *s)
{
    s->nodes = 1000;
    s->settle_ns = 900 * NS_PER_S;
    s->wait_ns = 600 * NS_PER_S;
}

static const struct lab_goal idle_goals[] = {
    { "bytes_per_s", LAB_MEAN, true, 300 },
    { NULL, LAB_MEAN, false, 0 },
};

const struct lab_kind lab_idle = {
    .name = "idle",
    .about = "what a node sends and holds that does nothing",
    .defaults = idle_defaults,
    .run = run_idle,
    .goals = idle_goals,
    .plot = "",
};
