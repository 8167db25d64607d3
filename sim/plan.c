/* SPDX-License-Identifier: MIT */
#include "sim/plan.h"

#include <assert.h>

#include "base/bytes.h"
#include "base/time.h"
#include "sim/random.h"

#define QUIET_NS      (10 * NS_PER_S)
#define GUESTS_MAX    40
#define SMALL_WORLD   64 /* above it, nodes get smaller tables */
#define SECONDS_LEAST 60

static const char *const fault_names[FAULT_KINDS] = {
    "late", "leave", "crash", "dark", "restart", "disk", "clock", "liar", "cut", "rot",
};

const char *fault_name(int bit)
{
    return bit >= 0 && bit < FAULT_KINDS ? fault_names[bit] : NULL;
}

static uint64_t draw(const struct experiment_options *o, uint64_t what)
{
    return random_word(o->seed, RANDOM_PLAN, what, 0);
}

static void choose_net(struct plan *p, const struct experiment_options *o)
{
    static const char *const names[] = { "lan", "wifi", "internet" };

    p->net = o->net != NULL ? o->net : names[random_below(draw(o, 1), 3)];
    if (!net_params_named(p->net, &p->params))
        assert(false); /* main has checked the name */
    if (o->net == NULL && random_chance(draw(o, 2), 300000))
        p->params.loss_ppm = random_below(draw(o, 3), 50000);
    if (o->loss_ppm >= 0)
        p->params.loss_ppm = o->loss_ppm;
    if (o->latency_ns >= 0) {
        p->params.latency.min_ns = o->latency_ns;
        p->params.latency.max_ns = o->latency_ns;
        p->params.skew_percent = 0;
    }
    if (o->jitter_ns >= 0) {
        p->params.jitter_ns = o->jitter_ns;
        p->params.spike_ppm = 0;
    }
}

static void choose_faults(struct plan *p, const struct experiment_options *o)
{
    p->faults = o->faults;
    if (o->faults >= 0)
        return;
    p->faults = (int)random_below(draw(o, 4), 1 << FAULT_KINDS) | FAULT_CLOCK;
    if (p->faults & FAULT_DARK)
        p->faults &= ~FAULT_CRASH;
}

/* Parts are played by the last nodes, as far as a host and three guests are left; the
 * first nodes are the contacts of the others. */
static void choose_parts(struct plan *p, const struct experiment_options *o)
{
    const struct {
        int faults;
        int *node;
    } parts[] = {
        { FAULT_CUT, &p->cut },
        { FAULT_LATE, &p->late },
        { FAULT_CRASH | FAULT_DARK, &p->victim },
        { FAULT_LEAVE, &p->leaver },
        { FAULT_DISK, &p->dead_disk },
        { FAULT_ROT, &p->rot },
    };
    int next = o->nodes - 1;

    for (int i = 0; i < COUNT(parts); i++) {
        *parts[i].node = -1;
        if ((p->faults & parts[i].faults) == 0)
            continue;
        if (next > 3)
            *parts[i].node = next--;
        else
            p->faults &= ~parts[i].faults;
    }
    p->host = (int)random_below(draw(o, 5), next + 1);
    p->guests = o->nodes > GUESTS_MAX ? GUESTS_MAX : o->nodes;
}

void plan_make(struct plan *p, const struct experiment_options *o)
{
    int64_t seconds = o->seconds > 0 ? o->seconds : 75 + o->nodes / 20;

    seconds = seconds < SECONDS_LEAST ? SECONDS_LEAST : seconds;
    choose_net(p, o);
    choose_faults(p, o);
    choose_parts(p, o);
    p->host_ns = (6 + o->nodes / 40) * NS_PER_S;
    p->end_ns = seconds * NS_PER_S;
    p->leave_ns = p->end_ns - 8 * NS_PER_S;
    p->agree_ns = p->leave_ns - 2 * NS_PER_S;
    p->quiet_ns = p->agree_ns - QUIET_NS;
}

void plan_world(const struct plan *p, const struct experiment_options *o,
                struct world_params *w)
{
    *w = (struct world_params){
        .seed = o->seed,
        .node_count = o->nodes,
        .net = p->params,
        .node = node_params_default(),
        .is_traced = o->is_traced,
        .is_logged = o->is_logged,
        .clock_period_ns = 16 * NS_PER_S,
    };
    if (o->suite != NULL)
        w->node.suite = o->suite;
    w->node.swarm.song_blocks_max = 1024;
    w->node.state_period_ns = o->nodes > SMALL_WORLD ? TIME_NEVER : NS_PER_S;
    if (o->nodes > SMALL_WORLD) {
        w->node.flood.seen_max = 256;
        w->node.flood.origins_max = 64;
        w->node.swarm.song_blocks_max = 256;
    }
    if (p->faults & FAULT_LIAR) {
        w->ntp_count = 4;
        for (int i = 0; i < 3; i++)
            w->ntp_error_ns[i] = random_between(draw(o, 20 + (uint64_t)i), -NS_PER_MS / 2,
                                                NS_PER_MS / 2);
        w->ntp_error_ns[3] = 700 * NS_PER_MS;
    }
}

void plan_clock(const struct plan *p, const struct experiment_options *o, int node,
                struct clock_model_params *c)
{
    uint64_t n = (uint64_t)node;
    int64_t bound = random_between(random_word(o->seed, RANDOM_UTC, n, 0), NS_PER_MS,
                                   20 * NS_PER_MS);

    *c = (struct clock_model_params){
        .offset_ns = random_below(random_word(o->seed, RANDOM_CLOCK, n, 1u << 30),
                                  30 * 24 * 3600 * NS_PER_S),
        .utc_bound_ns = bound,
        .is_synchronised = true,
    };
    if ((p->faults & FAULT_CLOCK) == 0)
        return;
    c->rate_ppb = random_between(random_word(o->seed, RANDOM_CLOCK, n, 1u << 31), -100000,
                                 100000);
    c->wander_ppb = 10;
    c->utc_error_ns = random_between(random_word(o->seed, RANDOM_UTC, n, 1),
                                     -bound * 4 / 5, bound * 4 / 5);
    /* One in four machines was never set: only its clock's own word for UTC. */
    if (node != p->host &&
        random_chance(random_word(o->seed, RANDOM_UTC, n, 2), 250000)) {
        c->is_synchronised = false;
        c->utc_error_ns = random_between(random_word(o->seed, RANDOM_UTC, n, 3),
                                         -600 * NS_PER_S, 600 * NS_PER_S);
    }
}
