/* The FLOOD of tests/bench/bench_engine.c on ns-3's event core alone, with its fastest
 * scheduler: what a general simulator costs for each event when the handler does nothing.
 *
 *     ns3_flood_core NODES [FLOODS]
 *
 * Prints: nodes deliveries cpu_s deliveries_per_s bytes_per_node reached.
 * SPDX-License-Identifier: MIT */
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <sys/resource.h>
#include <vector>

#include "ns3/core-module.h"

using namespace ns3;

static const uint32_t PICKS = 4;
static const int64_t PERIOD_NS = 10000000000;

struct ToyNode {
    uint32_t seen = 0;
    std::vector<uint32_t> edges;
};

static std::vector<ToyNode> nodes;
static uint64_t state = 1;
static int64_t deliveries;
static int64_t reached;

/* SplitMix64: the same cheap draws as ours, so that the generators do not decide. */
static uint64_t draw()
{
    uint64_t z = state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint32_t below(uint32_t n)
{
    return (uint32_t)(((unsigned __int128)draw() * n) >> 64);
}

static void receive(uint32_t to, uint32_t from, uint32_t flood);

static void forward(uint32_t self, uint32_t not_to, uint32_t flood)
{
    for (uint32_t to : nodes[self].edges) {
        if (to != not_to)
            Simulator::Schedule(NanoSeconds(10000000 + below(190000000)), &receive, to,
                                self, flood);
    }
}

static void receive(uint32_t to, uint32_t from, uint32_t flood)
{
    deliveries++;
    if (nodes[to].seen >= flood)
        return;
    nodes[to].seen = flood;
    reached++;
    forward(to, from, flood);
}

static void begin(uint32_t flood, uint32_t floods)
{
    uint32_t origin = below((uint32_t)nodes.size());

    nodes[origin].seen = flood;
    reached++;
    forward(origin, origin, flood);
    if (flood < floods)
        Simulator::Schedule(NanoSeconds(PERIOD_NS), &begin, flood + 1, floods);
}

static double cpu_s()
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    uint32_t count = argc > 1 ? (uint32_t)atoi(argv[1]) : 10000;
    uint32_t floods = argc > 2 ? (uint32_t)atoi(argv[2]) : 1000000 / count;
    ObjectFactory scheduler("ns3::PriorityQueueScheduler");
    struct rusage r;
    double begun;
    double took;

    nodes.resize(count);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < PICKS; k++) {
            uint32_t other = below(count);

            if (other == i)
                continue;
            nodes[i].edges.push_back(other);
            nodes[other].edges.push_back(i);
        }
    }
    Simulator::SetScheduler(scheduler);
    Simulator::Schedule(NanoSeconds(0), &begin, 1u, floods < 1 ? 1u : floods);
    begun = cpu_s();
    Simulator::Run();
    took = cpu_s() - begun;
    Simulator::Destroy();
    getrusage(RUSAGE_SELF, &r);
    printf("%u %lld %.3f %.0f %lld %.6f\n", count, (long long)deliveries, took,
           (double)deliveries / took, (long long)r.ru_maxrss * 1024 / count,
           (double)reached / ((double)count * (floods < 1 ? 1 : floods)));
    return 0;
}
