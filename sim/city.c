/* SPDX-License-Identifier: MIT */
#include "sim/city.h"

#include "base/time.h"
#include "sim/exchange.h"
#include "sim/memory.h"
#include "sim/random.h"
#include "sim/settled.h"
#include "wire/cbor.h"

#define JOINS    3               /* nodes that were there before, for each */
#define START_NS (10 * NS_PER_S) /* … of all nodes, spread over this */

struct city_params city_params_default(void)
{
    return (struct city_params){
        .seed = 1,
        .threads = 1,
        .settle_ns = 60 * NS_PER_S,
        .flood_bytes = 64,
        .ttl = 10,
        .passive = 120,
    };
}

static void choose_net(struct net_params *net, const char *name)
{
    if (name == NULL || !net_params_named(name, net))
        *net = (struct net_params){ .latency = { .min_ns = 10 * NS_PER_MS,
                                                 .max_ns = 200 * NS_PER_MS } };
}

static void set_up(void *context, int node, struct node_setup *setup,
                   const struct node_params **params)
{
    const struct city *c = context;

    (void)params;
    for (uint64_t k = 0; k < JOINS && node > 0 && !c->p.is_settled; k++) {
        uint64_t word = random_word(c->p.seed, RANDOM_WORKLOAD, (uint64_t)node, 1 + k);

        setup->joins[setup->join_count++] = world_addr(&c->world,
                                                       (int)random_below(word, node));
    }
}

/* All times of the detector in the same proportion to the silence that is asked about. */
static void set_keepalive(struct liveness_params *l, int64_t keepalive_ns)
{
    int64_t shipped_ns = l->idle_ns;

    l->suspect_min_ns = mul_div(l->suspect_min_ns, keepalive_ns, shipped_ns);
    l->suspect_max_ns = mul_div(l->suspect_max_ns, keepalive_ns, shipped_ns);
    l->phi.mean_first_ns = mul_div(l->phi.mean_first_ns, keepalive_ns, shipped_ns);
    l->measure_ns = l->measure_ns > keepalive_ns ? l->measure_ns : keepalive_ns;
    l->idle_ns = keepalive_ns;
}

void city_init(struct city *c, const struct city_params *p)
{
    struct world_params params = {
        .seed = p->seed,
        .node_count = p->nodes,
        .threads = p->threads,
        .exchange = p->exchange,
        .node = node_params_default(),
        .hash = p->hash,
        .has_no_memory = true,
    };
    struct world_hooks hooks = { .context = c, .set_up = set_up };

    *c = (struct city){ .p = *p };
    choose_net(&params.net, p->net);
    if (p->suite != NULL)
        params.node.suite = p->suite;
    params.node.state_period_ns = TIME_NEVER;
    if (p->keepalive_ns > 0)
        set_keepalive(&params.node.liveness, p->keepalive_ns);
    params.node.is_lab = true;
    world_init(&c->world, &params, &hooks);
    if (p->is_settled &&
        !settled_start(&c->world, &(struct settled_params){
                                      params.node.overlay.active_max / 2, p->passive }))
        memory_fail();
    for (int i = 0; i < p->nodes && !p->is_settled; i++)
        world_start_at(&c->world, i, mul_div(START_NS, i, p->nodes));
    world_run(&c->world, p->settle_ns);
}

void city_finish(struct city *c)
{
    world_finish(&c->world);
}

/* Floods that nodes have handled so far, in all processes. */
static int64_t admitted(const struct city *c)
{
    const struct world *w = &c->world;
    uint64_t sum = 0;

    for (int i = 0; i < c->p.nodes; i++) {
        if (world_is_local(w, i) && world_is_up(w, i))
            sum += (uint64_t)flood_counts(node_floods(w->nodes[i].node))->admitted;
    }
    if (w->exchange != NULL && w->exchange->sum != NULL)
        w->exchange->sum(w->exchange, &sum, 1);
    return (int64_t)sum;
}

int64_t city_flood(struct city *c, int64_t for_ns)
{
    struct world *w = &c->world;
    uint64_t word = random_word(c->p.seed, RANDOM_WORKLOAD, (uint64_t)c->floods++, 0);
    int64_t before = admitted(c);
    uint8_t room[32];
    struct cbor_writer request;

    cbor_writer_init(&request, room, sizeof(room));
    cbor_write_array(&request, 3);
    cbor_write_text(&request, "flood");
    cbor_write_uint(&request, (uint64_t)c->p.ttl);
    cbor_write_uint(&request, (uint64_t)c->p.flood_bytes);
    (void)world_command(w, (int)random_below(word, c->p.nodes), cbor_written(&request));
    world_run(w, w->now_ns + for_ns);
    return admitted(c) - before;
}
