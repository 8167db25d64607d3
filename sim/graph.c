/* SPDX-License-Identifier: MIT */
#include "sim/graph.h"

#include <assert.h>
#include <string.h>

#include "sim/memory.h"

void graph_init(struct graph *g, int count)
{
    assert(count >= 0);
    g->count = count;
    g->is_up = memory_new((size_t)count, sizeof(*g->is_up));
    g->degree = memory_new((size_t)count, sizeof(*g->degree));
    g->edges = memory_new((size_t)count * GRAPH_DEGREE_MAX, sizeof(*g->edges));
}

void graph_finish(struct graph *g)
{
    free(g->is_up);
    free(g->degree);
    free(g->edges);
    *g = (struct graph){ 0 };
}

void graph_add_vertex(struct graph *g, int v)
{
    assert(v >= 0 && v < g->count);
    g->is_up[v] = true;
}

static const int32_t *neighbours(const struct graph *g, int v)
{
    return &g->edges[(size_t)v * GRAPH_DEGREE_MAX];
}

static bool has_edge(const struct graph *g, int a, int b)
{
    for (int i = 0; i < g->degree[a]; i++) {
        if (neighbours(g, a)[i] == b)
            return true;
    }
    return false;
}

bool graph_add_edge(struct graph *g, int a, int b)
{
    assert(g->is_up[a] && g->is_up[b]);
    if (a == b || has_edge(g, a, b))
        return true;
    if (g->degree[a] == GRAPH_DEGREE_MAX || g->degree[b] == GRAPH_DEGREE_MAX)
        return false;
    g->edges[(size_t)a * GRAPH_DEGREE_MAX + (size_t)g->degree[a]++] = b;
    g->edges[(size_t)b * GRAPH_DEGREE_MAX + (size_t)g->degree[b]++] = a;
    return true;
}

/* Breadth first: distance of each vertex that is reached, -1 of others; their number. */
static int flood_from(const struct graph *g, int from, int32_t *distance, int32_t *order)
{
    int head = 0;
    int tail = 0;

    distance[from] = 0;
    order[tail++] = from;
    while (head < tail) {
        int v = order[head++];

        for (int i = 0; i < g->degree[v]; i++) {
            int w = neighbours(g, v)[i];

            if (distance[w] >= 0)
                continue;
            distance[w] = distance[v] + 1;
            order[tail++] = w;
        }
    }
    return tail;
}

static void clear(int32_t *distance, int count)
{
    for (int i = 0; i < count; i++)
        distance[i] = -1;
}

static void find_components(const struct graph *g, int32_t *distance, int32_t *order,
                            struct graph_facts *facts)
{
    clear(distance, g->count);
    for (int v = 0; v < g->count; v++) {
        int size;

        if (!g->is_up[v] || distance[v] >= 0)
            continue;
        size = flood_from(g, v, distance, order);
        facts->components++;
        facts->largest = size > facts->largest ? size : facts->largest;
    }
}

static void find_paths(const struct graph *g, int sources, int32_t *distance,
                       int32_t *order, struct graph_facts *facts)
{
    int step = sources < facts->vertices ? facts->vertices / sources : 1;
    int64_t sum = 0;
    int64_t pairs = 0;
    int seen = 0;

    for (int v = 0; v < g->count; v++) {
        int reached;

        if (!g->is_up[v] || seen++ % step != 0)
            continue;
        clear(distance, g->count);
        reached = flood_from(g, v, distance, order);
        for (int i = 1; i < reached; i++)
            sum += distance[order[i]];
        pairs += reached - 1;
        if (reached > 1 && distance[order[reached - 1]] > facts->path_max)
            facts->path_max = distance[order[reached - 1]];
    }
    facts->path_micro = pairs == 0 ? 0 : sum * 1000000 / pairs;
}

/* Of the pairs of neighbours of a vertex, so many are neighbours themselves. */
static int64_t clustering_of(const struct graph *g, int v)
{
    int64_t pairs = (int64_t)g->degree[v] * (g->degree[v] - 1) / 2;
    int64_t closed = 0;

    for (int i = 0; i < g->degree[v]; i++) {
        for (int k = 0; k < i; k++)
            closed += has_edge(g, neighbours(g, v)[i], neighbours(g, v)[k]);
    }
    return pairs == 0 ? 0 : closed * 1000000000 / pairs;
}

static void count(const struct graph *g, struct graph_facts *facts)
{
    int64_t clustering = 0;

    facts->degree_min = g->count;
    for (int v = 0; v < g->count; v++) {
        if (!g->is_up[v])
            continue;
        facts->vertices++;
        facts->edges += g->degree[v];
        if (g->degree[v] < facts->degree_min)
            facts->degree_min = g->degree[v];
        if (g->degree[v] > facts->degree_max)
            facts->degree_max = g->degree[v];
        clustering += clustering_of(g, v);
    }
    facts->edges /= 2;
    if (facts->vertices == 0)
        facts->degree_min = 0;
    else
        facts->clustering_ppb = clustering / facts->vertices;
}

void graph_measure(const struct graph *g, int sources, struct graph_facts *facts)
{
    int32_t *distance = memory_new((size_t)g->count, sizeof(*distance));
    int32_t *order = memory_new((size_t)g->count, sizeof(*order));

    assert(sources > 0);
    *facts = (struct graph_facts){ 0 };
    count(g, facts);
    find_components(g, distance, order, facts);
    find_paths(g, sources, distance, order, facts);
    free(distance);
    free(order);
}
