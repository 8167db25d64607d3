/* Searching in rings: a request goes 3 hops far, then 5, then 10, until enough have heard
 * it who care.  SPDX-License-Identifier: MIT */
#include "sim/lab_kinds.h"

#include "base/bytes.h"
#include "base/time.h"
#include "sim/random.h"

#define PPM    1000000
#define WANTED 3 /* members that answer; then the search ends */

struct ring {
    int ttl;
    int64_t wait_ns; /* for answers, until the next is sent */
};

static const struct ring rings[] = { { 3, 400 * NS_PER_MS },
                                     { 5, 800 * NS_PER_MS },
                                     { 10, 2 * NS_PER_S } };

/* Members of the channel, other than the one who asks, that have heard of it. */
static int members(const struct lab *lab, int from, uint64_t search,
                   const struct flood_id *id, int64_t sent_ns)
{
    int64_t in_ns;
    int count = 0;

    for (int i = 0; i < lab->setup->nodes; i++) {
        uint64_t word = random_word(lab->seed, RANDOM_WORKLOAD, (uint64_t)i,
                                    1000 + search);

        count += i != from && random_below(word, PPM) < lab->setup->share_ppm &&
                 lab_has_heard(lab, i, id, sent_ns, &in_ns);
    }
    return count;
}

struct search {
    int ttl; /* of the ring that ended it; 0: none did */
    int64_t took_ns;
    int64_t sends;
};

static void search(struct lab *lab, uint64_t number, struct search *out)
{
    int from = lab_pick(lab);
    int64_t begin_ns = lab->world.now_ns;
    int64_t sends = lab_flood_counts(lab).sent;

    *out = (struct search){ .ttl = 0 };
    for (int i = 0; i < COUNT(rings) && out->ttl == 0; i++) {
        int64_t sent_ns = lab->world.now_ns;
        struct flood_id id;

        if (!lab_order(lab, from, rings[i].ttl, (int)lab->setup->bytes, &id))
            break;
        out->took_ns = sent_ns - begin_ns;
        lab_run(lab, rings[i].wait_ns);
        if (members(lab, from, number, &id, sent_ns) >= WANTED)
            out->ttl = rings[i].ttl;
    }
    out->sends = lab_flood_counts(lab).sent - sends;
}

static void run_ring(const struct setup *s, uint64_t seed, struct results *r)
{
    struct lab lab;
    int near = 0;
    int ended = 0;
    double sends = 0;
    int64_t extra_ns = 0;

    lab_begin(&lab, s, seed);
    for (int i = 0; i < s->messages; i++) {
        struct search x;

        search(&lab, (uint64_t)i, &x);
        ended += x.ttl > 0;
        near += x.ttl > 0 && x.ttl <= 5;
        sends += (double)x.sends / (double)s->nodes;
        extra_ns = x.took_ns > extra_ns ? x.took_ns : extra_ns;
        results_row(r, "ttl", i + 1, x.ttl);
        lab_run(&lab, s->gap_ns);
    }
    results_add(r, "near", "%", 100.0 * near / (double)s->messages);
    results_add(r, "ended", "%", 100.0 * ended / (double)s->messages);
    results_add(r, "sends_per_node", "", sends / (double)s->messages);
    results_add(r, "extra_most", "s", (double)extra_ns / 1e9);
    lab_finish(&lab);
}

static void ring_defaults(struct setup *s)
{
    s->nodes = 10000;
    s->share_ppm = 20000;
    s->messages = 100;
    s->gap_ns = NS_PER_S;
}

static const struct lab_goal ring_goals[] = {
    { "near", LAB_MEAN, false, 90 },
    { "sends_per_node", LAB_MEAN, true, .5 },
    { "extra_most", LAB_MOST, true, 1.2 },
    { NULL, LAB_MEAN, false, 0 },
};

const struct lab_kind lab_ring = {
    .name = "ring",
    .about = "a request to a small group, sent in widening rings",
    .defaults = ring_defaults,
    .run = run_ring,
    .goals = ring_goals,
    .plot = "search|hops that were needed|ttl",
};
