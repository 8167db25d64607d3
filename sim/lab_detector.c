/* Nodes that get no time: is anybody healthy given up because of them?
 *
 * detector: a share of the machines works for 100 ms of every second, for five minutes.
 * SPDX-License-Identifier: MIT */
#include "sim/lab_kinds.h"

#include "base/time.h"

#define PPM     1000000
#define WORK_NS (100 * NS_PER_MS)

static bool is_starved(const struct lab *lab, int node)
{
    return node % 100 < 100 * lab->setup->share_ppm / PPM;
}

static void set_starved(struct lab *lab, bool is_paused)
{
    for (int i = 0; i < lab->setup->nodes; i++) {
        if (!is_starved(lab, i))
            continue;
        if (is_paused)
            world_pause(&lab->world, i);
        else
            world_resume(&lab->world, i);
    }
}

/* Healthy nodes without a healthy neighbour. */
static int alone(const struct lab *lab)
{
    int list[OVERLAY_ACTIVE_MAX];
    int count = 0;

    for (int i = 0; i < lab->setup->nodes; i++) {
        int n = is_starved(lab, i) ? 0 : lab_neighbours(lab, i, list);
        bool has_any = is_starved(lab, i);

        for (int k = 0; k < n; k++)
            has_any = has_any || !is_starved(lab, list[k]);
        count += !has_any;
    }
    return count;
}

static int64_t losses(const struct lab *lab)
{
    int64_t sum = 0;

    for (int i = 0; i < lab->setup->nodes; i++) {
        if (!is_starved(lab, i))
            sum += node_overlay(lab->world.nodes[i].node)->counts.neighbours_down;
    }
    return sum;
}

static double healthy_reached(struct lab *lab)
{
    const struct setup *s = lab->setup;
    int64_t sent_ns = lab->world.now_ns;
    struct flood_id id;
    int64_t in_ns;
    int reached = 0;
    int all = 0;
    int from;

    do {
        from = lab_pick(lab);
    } while (is_starved(lab, from) ||
             !lab_order(lab, from, (int)s->ttl, (int)s->bytes, &id));
    lab_run(lab, s->wait_ns);
    for (int i = 0; i < s->nodes; i++) {
        if (is_starved(lab, i))
            continue;
        all++;
        reached += lab_has_heard(lab, i, &id, sent_ns, &in_ns);
    }
    return 100.0 * reached / all;
}

static void run_detector(const struct setup *s, uint64_t seed, struct results *r)
{
    struct lab lab;
    int64_t before;
    int most = 0;
    int healthy = 0;

    lab_begin(&lab, s, seed);
    before = losses(&lab);
    for (int t = 0; t < s->rounds; t++) {
        int n;

        lab_run(&lab, WORK_NS);
        set_starved(&lab, true);
        lab_run(&lab, NS_PER_S - WORK_NS);
        set_starved(&lab, false);
        n = alone(&lab);
        most = n > most ? n : most;
        results_row(r, "alone", t + 1, n);
    }
    for (int i = 0; i < s->nodes; i++)
        healthy += !is_starved(&lab, i);
    results_add(r, "alone_most", "", most);
    results_add(r, "links_lost", "1/min",
                (double)(losses(&lab) - before) * 60 / (healthy * (double)s->rounds));
    set_starved(&lab, true);
    results_add(r, "reached", "%", healthy_reached(&lab));
    set_starved(&lab, false);
    lab_finish(&lab);
}

static void detector_defaults(struct setup *s)
{
    s->nodes = 100;
    s->share_ppm = 100000;
    s->rounds = 300;
    s->wait_ns = 3 * NS_PER_S;
}

static const struct lab_goal detector_goals[] = {
    { "alone_most", LAB_MOST, true, 0 },
    { "reached", LAB_LEAST, false, 100 },
    { NULL, LAB_MEAN, false, 0 },
};

const struct lab_kind lab_detector = {
    .name = "detector",
    .about = "a tenth of the machines work for 100 ms of each second",
    .defaults = detector_defaults,
    .run = run_detector,
    .goals = detector_goals,
    .plot = "second|healthy nodes without a healthy neighbour|alone",
};
