/* The world of tests/system/test_city.sh in the simulator: so many nodes that all come in
 * by the first one, and floods, one after the other, each from another node.
 *
 *     bench_city [--nodes N] [--calls K] [--latency-us L] [--stack-us S] [--gap-ms G]
 *                [--settle-ms T] [--spacing-ms P] [--seed S]
 *
 * A line of JSON for each flood: who was reached, copies sent, milliseconds to the nodes
 * on average, and to the last one.  SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "overlay/flood.h"
#include "sim/world.h"
#include "wire/cbor.h"

#define NODES_MAX 1000
#define TTL       10
#define BYTES     300

enum tick { TICK_START, TICK_FLOOD, TICK_TELL };

static struct city {
    int64_t nodes, calls, latency_us, stack_us, gap_ms, settle_ms, spacing_ms, seed;
    struct world world;
    struct flood_id id; /* of the flood that is under way */
    int call;
    int64_t begin_ns;
    int64_t sent_before;
    int64_t heard_ns[NODES_MAX]; /* since it began; -1: not heard */
} city = { .nodes = 50,
           .calls = 20,
           .latency_us = 20000,
           .stack_us = 0,
           .gap_ms = 2000,
           .settle_ms = 30000,
           .spacing_ms = 250,
           .seed = 1 };

static const struct floods *floods_of(int node)
{
    return node_floods(city.world.nodes[node].node);
}

static int64_t sent(void)
{
    int64_t sum = 0;

    for (int i = 0; i < city.nodes; i++)
        sum += flood_counts(floods_of(i))->sent;
    return sum;
}

static void tick_at(int64_t at_ns, enum tick what, int which)
{
    world_tick_at(&city.world, at_ns, (uint64_t)what << 32 | (uint64_t)which);
}

/* The origins take turns, far apart in the order of coming. */
static int origin_of(int call)
{
    return (int)((call * 7 + 3) % city.nodes);
}

static void begin_flood(int call)
{
    uint8_t request[32];
    struct cbor_writer w;
    int origin = origin_of(call);

    city.call = call;
    city.begin_ns = city.world.now_ns;
    city.sent_before = sent();
    for (int i = 0; i < city.nodes; i++)
        city.heard_ns[i] = -1;
    cbor_writer_init(&w, request, sizeof(request));
    cbor_write_array(&w, 3);
    cbor_write_text(&w, "flood");
    cbor_write_uint(&w, TTL);
    cbor_write_uint(&w, BYTES);
    (void)world_command(&city.world, origin, cbor_written(&w));
    city.id = flood_newest(floods_of(origin))->id;
    city.heard_ns[origin] = 0;
}

static void tell_flood(void)
{
    int reached = 0;
    int64_t sum_ns = 0;
    int64_t last_ns = 0;

    for (int i = 0; i < city.nodes; i++) {
        if (city.heard_ns[i] < 0)
            continue;
        reached++;
        sum_ns += city.heard_ns[i];
        if (city.heard_ns[i] > last_ns)
            last_ns = city.heard_ns[i];
    }
    printf(
        "{\"origin\":%d,\"reached\":%d,\"sent\":%lld,\"mean_ms\":%.3f,\"last_ms\":%.3f}"
        "\n",
        origin_of(city.call), reached, (long long)(sent() - city.sent_before),
        reached < 2 ? 0 : (double)sum_ns / 1e6 / (reached - 1), (double)last_ns / 1e6);
}

static void ticked(void *context, uint64_t token)
{
    int which = (int)(uint32_t)token;

    (void)context;
    switch ((enum tick)(token >> 32)) {
    case TICK_START:
        world_start(&city.world, which);
        break;
    case TICK_FLOOD:
        begin_flood(which);
        break;
    case TICK_TELL:
        tell_flood();
        break;
    }
}

static void stepped(void *context, int node, const struct event *e)
{
    const struct flood_newest *newest = flood_newest(floods_of(node));

    (void)context;
    (void)e;
    if (city.begin_ns > 0 && city.heard_ns[node] < 0 &&
        flood_id_equal(&newest->id, &city.id))
        city.heard_ns[node] = world_now_ns(&city.world, node) - city.begin_ns;
}

static void replied(void *context, int node, uint64_t id, int err, struct bytes body)
{
    (void)context;
    (void)id;
    (void)body;
    if (err != 0) {
        fprintf(stderr, "bench_city: node %d refuses a flood: %s\n", node, err_text(err));
        exit(1);
    }
}

static void failed(void *context, int node, const char *what)
{
    (void)context;
    fprintf(stderr, "bench_city: node %d: %s\n", node, what);
    exit(1);
}

static void run(void)
{
    struct world_hooks hooks = {
        .stepped = stepped, .replied = replied, .ticked = ticked, .failed = failed
    };
    struct world_params p = { .seed = (uint64_t)city.seed,
                              .node = node_params_default() };
    struct clock_model_params clock = { .is_synchronised = true,
                                        .utc_bound_ns = NS_PER_MS };
    int64_t settled_ns = (city.nodes * city.spacing_ms + city.settle_ms) * NS_PER_MS;

    p.node_count = (int)city.nodes;
    p.net.latency.min_ns = p.net.latency.max_ns = city.latency_us * NS_PER_US;
    p.net.retransmit_ns = 200 * NS_PER_MS;
    p.net.stack_ns = city.stack_us * NS_PER_US;
    p.node.is_lab = true;
    p.setup.join_count = 1;
    p.setup.joins[0] = net_addr(0);
    world_init(&city.world, &p, &hooks);
    for (int i = 0; i < city.nodes; i++) {
        world_set_clock(&city.world, i, &clock);
        tick_at(NS_PER_MS + i * city.spacing_ms * NS_PER_MS, TICK_START, i);
    }
    for (int i = 0; i < city.calls; i++) {
        int64_t at_ns = settled_ns + i * city.gap_ms * NS_PER_MS;

        tick_at(at_ns, TICK_FLOOD, i);
        tick_at(at_ns + (city.gap_ms - 1) * NS_PER_MS, TICK_TELL, i);
    }
    world_run(&city.world, settled_ns + city.calls * city.gap_ms * NS_PER_MS);
    world_finish(&city.world);
}

int main(int argc, char **argv)
{
    const struct {
        const char *name;
        int64_t *value;
    } options[] = {
        { "--nodes", &city.nodes },           { "--calls", &city.calls },
        { "--latency-us", &city.latency_us }, { "--stack-us", &city.stack_us },
        { "--gap-ms", &city.gap_ms },         { "--settle-ms", &city.settle_ms },
        { "--spacing-ms", &city.spacing_ms }, { "--seed", &city.seed },
    };

    for (int i = 1; i < argc; i += 2) {
        size_t k = 0;

        while (k < COUNT(options) && strcmp(options[k].name, argv[i]) != 0)
            k++;
        if (k == COUNT(options) || i + 1 == argc) {
            fprintf(stderr, "bench_city: bad option: %s\n", argv[i]);
            return 2;
        }
        *options[k].value = strtoll(argv[i + 1], NULL, 10);
    }
    if (city.nodes < 2 || city.nodes > NODES_MAX || city.gap_ms < 2) {
        fprintf(stderr, "bench_city: 2 to %d nodes, a gap of 2 ms or more\n", NODES_MAX);
        return 2;
    }
    run();
    return 0;
}
