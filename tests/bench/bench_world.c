/* Floods over real nodes: node_step, the real bytes on the wire, cryptography by tags of
 * the same lengths.
 *
 * bench_world [--settled] NODES [THREADS [FLOODS]] | bench_world --claim NAME
 *
 * Settled: the nodes begin as neighbours (sim/settled.h), instead of finding each other.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/time.h"
#include "sim/city.h"
#include "sim/memory.h"
#include "sim/tags.h"

#define WORK     400000 /* nodes times floods */
#define FLOOD_NS (10 * NS_PER_S)

struct figures {
    double setup_s; /* CPU */
    double cpu_s;   /* CPU, of the floods */
    double wall_s;
    int64_t deliveries;
    double reach;
    size_t node_bytes;
    int64_t rss_bytes;
    struct run_hash hash;
};

static double seconds(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void measure(int nodes, int threads, int floods, bool is_settled,
                    struct figures *f)
{
    struct city *c = memory_new(1, sizeof(*c));
    struct city_params p = city_params_default();
    struct rusage usage;
    int64_t reached = 0;
    int64_t settle_ns;
    double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    double wall;

    p.nodes = nodes;
    p.is_settled = is_settled;
    p.keepalive_ns = 30 * NS_PER_S;
    p.ttl = nodes >= 20000 ? 12 : 10;
    settle_ns = is_settled ? 10 * NS_PER_S : p.settle_ns;
    p.settle_ns = 0;
    p.threads = threads;
    p.suite = &suite_tags;
    p.hash = WORLD_HASH_TIMES;
    city_init(c, &p);
    f->setup_s = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    world_run(&c->world, settle_ns);
    f->deliveries = -c->world.counts.received;
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    wall = seconds(CLOCK_MONOTONIC);
    for (int i = 0; i < floods; i++)
        reached += city_flood(c, FLOOD_NS);
    f->cpu_s = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    f->wall_s = seconds(CLOCK_MONOTONIC) - wall;
    f->deliveries += c->world.counts.received;
    f->reach = (double)reached / nodes / floods;
    f->node_bytes = world_node_memory(&c->world) / (size_t)nodes;
    f->hash = c->world.hash;
    getrusage(RUSAGE_SELF, &usage);
    f->rss_bytes = (int64_t)usage.ru_maxrss * 1024;
    city_finish(c);
    free(c);
}

static void print(int nodes, int threads, int floods, const struct figures *f)
{
    char hash[RUN_HASH_TEXT];

    run_hash_text(&f->hash, hash);
    printf(
        "%7d nodes %d threads %4d floods: %9lld deliveries, reach %.5f, %.3f M per CPU "
        "s (%.2f s, wall %.2f s), set up in %.1f s, %zu bytes per node, %lld MiB, %s\n",
        nodes, threads, floods, (long long)f->deliveries, f->reach,
        (double)f->deliveries / f->cpu_s / 1e6, f->cpu_s, f->wall_s, f->setup_s,
        f->node_bytes, (long long)(f->rss_bytes >> 20), hash);
}

static int floods_of(int nodes)
{
    return nodes >= WORK ? 1 : WORK / nodes;
}

static int say(const char *name, double value, const char *unit, double goal, bool is_ok)
{
    printf(
        "{\"name\":\"%s\",\"value\":%.3f,\"unit\":\"%s\",\"goal\":\"%.1f\",\"ok\":%s}\n",
        name, value, unit, goal, is_ok ? "true" : "false");
    return 0;
}

/* Wall time on one thread by wall time on two, for the same floods and the same hash. */
static int claim_threads(const char *name, int nodes)
{
    struct figures f[2];
    double gain;

    for (int i = 0; i < 2; i++)
        measure(nodes, i + 1, floods_of(nodes), true, &f[i]);
    gain = f[0].wall_s / f[1].wall_s;
    return say(name, gain, "times", 1.7,
               gain >= 1.7 && f[0].hash.a == f[1].hash.a && f[0].hash.b == f[1].hash.b);
}

static int claim_nodes(const char *name, int nodes, double goal)
{
    struct figures f;
    double rate;

    measure(nodes, 1, floods_of(nodes), true, &f);
    print(nodes, 1, floods_of(nodes), &f);
    rate = (double)f.deliveries / f.cpu_s / 1e6;
    return say(name, rate, "M deliveries per CPU s", goal,
               rate >= goal && f.reach > 0.999);
}

static int claim_million(const char *name)
{
    struct figures f;

    measure(1000000, 1, 1, true, &f);
    print(1000000, 1, 1, &f);
    if (strcmp(name, "million_setup") == 0)
        return say(name, f.setup_s, "CPU s", 30, f.setup_s <= 30);
    if (strcmp(name, "million_flood") == 0)
        return say(name, f.cpu_s, "CPU s", 20, f.cpu_s <= 20 && f.reach > 0.999);
    return say(name, (double)(f.rss_bytes >> 20) / 1024, "GiB", 8,
               f.rss_bytes >> 20 <= 8192);
}

static int claim(const char *name)
{
    static const struct {
        const char *name;
        int nodes;
        double goal;
    } claims[] = { { "node_1k", 1000, 1.5 },
                   { "node_10k", 10000, 1.5 },
                   { "node_100k", 100000, 0.7 },
                   { "node_1m", 1000000, 0.7 } };

    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        if (strcmp(name, claims[i].name) == 0)
            return claim_nodes(name, claims[i].nodes, claims[i].goal);
    }
    if (strcmp(name, "threads_100k") == 0)
        return claim_threads(name, 100000);
    if (strcmp(name, "threads_1m") == 0)
        return claim_threads(name, 1000000);
    if (strcmp(name, "million_setup") == 0 || strcmp(name, "million_flood") == 0 ||
        strcmp(name, "million_memory") == 0)
        return claim_million(name);
    fprintf(stderr, "bench_world: no claim \"%s\"\n", name);
    return 2;
}

int main(int argc, char **argv)
{
    bool is_settled = argc >= 2 && strcmp(argv[1], "--settled") == 0;
    int first = is_settled ? 2 : 1;
    struct figures f;

    if (argc == 3 && strcmp(argv[1], "--claim") == 0)
        return claim(argv[2]);
    if (argc > first) {
        int nodes = atoi(argv[first]);
        int threads = argc > first + 1 ? atoi(argv[first + 1]) : 1;
        int floods = argc > first + 2 ? atoi(argv[first + 2])
                                      : floods_of(nodes > 0 ? nodes : 1);

        if (nodes < 2 || threads < 1 || floods < 1) {
            fputs("usage: bench_world [[--settled] NODES [THREADS [FLOODS]] | "
                  "--claim NAME]\n",
                  stderr);
            return 2;
        }
        measure(nodes, threads, floods, is_settled, &f);
        print(nodes, threads, floods, &f);
        return 0;
    }
    for (int nodes = 100; nodes <= 10000; nodes *= 10) {
        measure(nodes, 1, floods_of(nodes), is_settled, &f);
        print(nodes, 1, floods_of(nodes), &f);
    }
    return 0;
}
