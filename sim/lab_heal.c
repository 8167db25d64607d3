/* What is left of an overlay when most of its nodes die at once.
 *
 * heal: the first message right after the crash, the mean of many, and how many shuffle
 * periods it takes until a message reaches as many as before (HyParView section 5,
 * figures 2 to 4).  With preset hyparview: the paper's own figures, with table 1 measured
 * before the crash. SPDX-License-Identifier: MIT */
#include "sim/lab_kinds.h"

#include <stdio.h>

#include "base/time.h"

#define PATH_SOURCES 200
#define TIME_STEPS   100

static void level_name(char *name, size_t size, const char *what, int64_t ppm)
{
    (void)snprintf(name, size, "%s_%lld", what, (long long)(ppm / 10000));
}

static double percent(const struct lab_message *m)
{
    return m->up == 0 ? 0 : 100.0 * m->reached / m->up;
}

/* The share that it had reached by then, for a hundred instants; and when it had reached
 * half of those that are left. */
static void reach_over_time(const struct lab *lab, int64_t level,
                            const struct lab_message *m, struct results *r)
{
    char name[RESULT_NAME_MAX];
    int half;
    int reached = 0;

    level_name(name, sizeof(name), "reach", level);
    for (int step = 1; step <= TIME_STEPS; step++) {
        int64_t at_ns = mul_div(lab->setup->wait_ns, step, TIME_STEPS);

        while (reached < m->reached && lab->scratch[reached] <= at_ns)
            reached++;
        results_row(r, name, (double)at_ns / 1e9, 100.0 * reached / m->up);
    }
    if (2 * m->reached < m->up)
        return;
    half = m->up > 1 ? m->up / 2 - 1 : 0;
    level_name(name, sizeof(name), "first_half", level);
    results_add(r, name, "s", (double)lab->scratch[half] / 1e9);
}

/* What the first message reaches within so long, from what the nodes say. */
static void first_message(struct lab *lab, int64_t level, struct results *r)
{
    const struct setup *s = lab->setup;
    struct lab_message m;
    char name[RESULT_NAME_MAX];

    lab_run(lab, NS_PER_MS);
    lab_send(lab, lab_pick(lab), (int)s->ttl, (int)s->bytes, s->wait_ns, &m);
    level_name(name, sizeof(name), "first", level);
    results_add(r, name, "%", percent(&m));
    results_row(r, "first", (double)level / 10000, percent(&m));
    level_name(name, sizeof(name), "first_last", level);
    results_add(r, name, "s", (double)m.last_ns / 1e9);
    reach_over_time(lab, level, &m, r);
}

static void many_messages(struct lab *lab, int64_t level, struct results *r)
{
    const struct setup *s = lab->setup;
    double sum = 0;
    double least = 100;
    char name[RESULT_NAME_MAX];
    char series[RESULT_NAME_MAX];

    level_name(series, sizeof(series), "message", level);
    for (int i = 0; i < s->messages; i++) {
        struct lab_message m;

        lab_send(lab, lab_pick(lab), (int)s->ttl, (int)s->bytes, s->gap_ns, &m);
        sum += percent(&m);
        least = percent(&m) < least ? percent(&m) : least;
        if (i < 100)
            results_row(r, series, i + 2, percent(&m));
    }
    if (s->messages == 0)
        return;
    level_name(name, sizeof(name), "mean", level);
    results_add(r, name, "%", sum / (double)s->messages);
    results_row(r, "mean", (double)level / 10000, sum / (double)s->messages);
    level_name(name, sizeof(name), "least", level);
    results_add(r, name, "%", least);
}

static void branch(struct lab *lab, int number, struct results *r)
{
    int64_t level = lab->setup->levels_ppm[number];

    (void)lab_kill(lab, level, lab->setup->is_silent != 0);
    first_message(lab, level, r);
    many_messages(lab, level, r);
}

static void look(struct lab *lab, struct results *r)
{
    struct graph g;
    struct graph_facts f;

    lab_graph(lab, &g);
    graph_measure(&g, PATH_SOURCES, &f);
    graph_finish(&g);
    results_add(r, "components", "", f.components);
    results_add(r, "degree_mean", "", 2.0 * (double)f.edges / f.vertices);
    results_add(r, "degree_full_share", "%",
                100 * lab_degree_share(lab, lab->setup->node.overlay.active_max));
    results_add(r, "clustering", "", (double)f.clustering_ppb / 1e9);
    results_add(r, "path_mean", "hops", (double)f.path_micro / 1e6);
}

static void run(const struct setup *s, uint64_t seed, struct results *r)
{
    struct lab lab;
    struct lab_message m;

    lab_begin(&lab, s, seed);
    look(&lab, r);
    lab_send(&lab, lab_pick(&lab), (int)s->ttl, (int)s->bytes, s->wait_ns, &m);
    results_add(r, "before", "%", percent(&m));
    results_add(r, "hops_max", "hops", m.hops_max);
    lab_fork(branch, &lab, s->level_count, r);
    lab_finish(&lab);
}

static void defaults(struct setup *s)
{
    static const int64_t levels[] = { 500000, 600000, 700000, 800000, 900000, 950000 };

    s->nodes = 10000;
    s->settle_ns = 600 * NS_PER_S;
    s->start_ns = 60 * NS_PER_S;
    s->messages = 100;
    s->gap_ns = 500 * NS_PER_MS;
    s->wait_ns = 10 * NS_PER_S;
    s->level_count = 6;
    for (int i = 0; i < s->level_count; i++)
        s->levels_ppm[i] = levels[i];
}

static const struct lab_goal goals[] = {
    { "first_50", LAB_MEAN, false, 99.9 }, { "first_60", LAB_MEAN, false, 99.9 },
    { "first_70", LAB_MEAN, false, 99.7 }, { "first_80", LAB_MEAN, false, 99.5 },
    { "first_90", LAB_MEAN, false, 99 },   { "first_95", LAB_MEAN, false, 97 },
    { "mean_80", LAB_MEAN, false, 99.99 }, { "mean_90", LAB_MEAN, false, 99.9 },
    { "mean_95", LAB_MEAN, false, 99.5 },  { "first_last_80", LAB_MOST, true, 2.5 },
    { NULL, LAB_MEAN, false, 0 },
};

const struct lab_kind lab_heal = {
    .name = "heal",
    .about = "most nodes die at once: what do the next messages reach?",
    .defaults = defaults,
    .run = run,
    .goals = goals,
    .plot = "nodes that died, %|nodes reached, %|first mean",
};

/* ---- the paper ---- */

/* The paper's simulator has no time but cycles: here one takes ten minutes, a hop 40 ms,
 * and nobody looks whether the others live. */
static const char *const as_paper[][2] = {
    { "net.model", "uniform" },           { "net.latency_min", "40ms" },
    { "net.latency_max", "40ms" },        { "overlay.shuffle_period", "10min" },
    { "overlay.shuffle_young", "10min" }, { "overlay.shuffle_first", "10min" },
    { "liveness.measure", "24h" },        { "liveness.idle", "24h" },
    { "liveness.suspect_min", "48h" },    { "liveness.suspect_max", "48h" },
    { "overlay.island_period", "24h" },   { "overlay.island_age", "48h" },
};

static void paper_defaults(struct setup *s)
{
    char why[SETUP_WHY_MAX];

    defaults(s);
    (void)setup_set(s, "preset", "hyparview", why);
    (void)setup_set(s, "levels", "10% 20% 30% 40% 50% 60% 70% 80% 90% 95%", why);
    for (int i = 0; i < COUNT(as_paper); i++)
        (void)setup_set(s, as_paper[i][0], as_paper[i][1], why);
    s->contacts = 1;
    s->messages = 1000;
    s->gap_ns = 500 * NS_PER_MS; /* all of them within a cycle */
    s->ttl = 12;
    s->start_ns = 36000 * NS_PER_S;     /* one after the other */
    s->settle_ns = 50 * 600 * NS_PER_S; /* 50 cycles */
}

static const struct lab_goal paper_goals[] = {
    { "mean_10", LAB_MEAN, false, 99 },
    { "mean_20", LAB_MEAN, false, 99 },
    { "mean_30", LAB_MEAN, false, 99 },
    { "mean_40", LAB_MEAN, false, 99 },
    { "mean_50", LAB_MEAN, false, 99 },
    { "mean_60", LAB_MEAN, false, 98.9 },
    { "mean_70", LAB_MEAN, false, 98.9 },
    { "mean_80", LAB_MEAN, false, 98.9 },
    { "mean_90", LAB_MEAN, false, 98.6 },
    { "mean_95", LAB_MEAN, false, 87.9 },
    { "clustering", LAB_MEAN, true, .0011 },
    { "clustering", LAB_MEAN, false, .0007 },
    { "path_mean", LAB_MEAN, true, 6.44 },
    { "path_mean", LAB_MEAN, false, 6.34 },
    { NULL, LAB_MEAN, false, 0 },
};

const struct lab_kind lab_paper = {
    .name = "paper",
    .about = "HyParView as its paper has it: figure 2 and table 1",
    .defaults = paper_defaults,
    .run = run,
    .goals = paper_goals,
    .plot = "nodes that died, %|nodes reached, %|mean",
};
