/* party-sim-mpi: one world over the ranks of MPI, for worlds that are larger than one
 * machine.  SPDX-License-Identifier: MIT */
#include <mpi.h>
#include <string.h>

#include "base/time.h"
#include "sim/city.h"
#include "sim/memory.h"
#include "sim/mpi/exchange_mpi.h"
#include "sim/tags.h"

static const char usage[] =
    "usage: mpirun -n RANKS party-sim-mpi [--nodes N] [--floods K] [--seed S]\n"
    "                                     [--settle SECONDS] [--net NAME]\n"
    "                                     [--settled 0|1]\n"
    "A world of N nodes over the ranks, in which K messages are flooded; prints the run\n"
    "hash, which is the same for any number of ranks.\n";

struct options {
    struct city_params city;
    int floods;
};

static bool read_number(const char *text, long long max, long long *out)
{
    char *end;

    *out = strtoll(text, &end, 10);
    return end != text && *end == '\0' && *out >= 0 && *out <= max;
}

static bool read_option(const char *name, const char *value, struct options *o)
{
    struct net_params net;
    long long v;

    if (strcmp(name, "--net") == 0) {
        o->city.net = value;
        return net_params_named(value, &net);
    }
    if (!read_number(value, INT32_MAX, &v))
        return false;
    if (strcmp(name, "--nodes") == 0 && v >= 2)
        o->city.nodes = (int)v;
    else if (strcmp(name, "--floods") == 0)
        o->floods = (int)v;
    else if (strcmp(name, "--seed") == 0)
        o->city.seed = (uint64_t)v;
    else if (strcmp(name, "--settled") == 0 && v <= 1)
        o->city.is_settled = v == 1;
    else if (strcmp(name, "--settle") == 0)
        o->city.settle_ns = v * NS_PER_S;
    else
        return false;
    return true;
}

static bool read_options(int argc, char **argv, struct options *o)
{
    *o = (struct options){ .city = city_params_default(), .floods = 10 };
    o->city.nodes = 200;
    o->city.suite = &suite_tags;
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc || !read_option(argv[i], argv[i + 1], o))
            return false;
    }
    return true;
}

static void run(const struct options *o)
{
    struct city *c = memory_new(1, sizeof(*c));
    struct exchange *x = o->city.exchange;
    double begin = MPI_Wtime();
    uint64_t received;
    int64_t reached = 0;
    char hash[RUN_HASH_TEXT];

    city_init(c, &o->city);
    for (int i = 0; i < o->floods; i++)
        reached += city_flood(c, 10 * NS_PER_S);
    run_hash_text(&c->world.hash, hash);
    received = (uint64_t)c->world.counts.received;
    x->sum(x, &received, 1);
    if (x->part == 0)
        printf("%s ranks %d nodes %d floods %d reached %lld received %llu wall %.2f s\n",
               hash, x->part_count, o->city.nodes, o->floods, (long long)reached,
               (unsigned long long)received, MPI_Wtime() - begin);
    city_finish(c);
    free(c);
}

int main(int argc, char **argv)
{
    struct options o;
    int status = 0;

    MPI_Init(&argc, &argv);
    if (read_options(argc, argv, &o)) {
        o.city.exchange = exchange_mpi();
        run(&o);
        o.city.exchange->destroy(o.city.exchange);
    } else {
        fputs(usage, stderr);
        status = 2;
    }
    MPI_Finalize();
    return status;
}
