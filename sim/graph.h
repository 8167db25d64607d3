/* What an overlay looks like from above: degrees, components, clustering, the length of
 * shortest paths.  Source of the measures: HyParView (Leitao, Pereira, Rodrigues 2007),
 * section 5.4 and table 1.  SPDX-License-Identifier: MIT */
#ifndef SIM_GRAPH_H
#define SIM_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#define GRAPH_DEGREE_MAX 64

/* Undirected, without loops or double edges; vertices that are down have no edges and
 * are not counted. */
struct graph {
    int count;
    bool *is_up;
    int *degree;
    int32_t *edges; /* GRAPH_DEGREE_MAX places for each vertex */
};

struct graph_facts {
    int vertices; /* that are up */
    int64_t edges;
    int degree_min;
    int degree_max;
    int components;
    int largest;            /* vertices of the largest component */
    int64_t clustering_ppb; /* mean of the local coefficients */
    int64_t path_micro; /* mean length of shortest paths, in millionths of a hop … */
    int path_max;       /* … and the longest, between the pairs that were looked at */
};

/* Memory for so many vertices, all down. */
void graph_init(struct graph *g, int count);
void graph_finish(struct graph *g);

void graph_add_vertex(struct graph *g, int v);

/* An edge; again, or in the other direction, it changes nothing.  Both ends must be up.
 * Edges beyond GRAPH_DEGREE_MAX are left out; false then. */
bool graph_add_edge(struct graph *g, int a, int b);

/* Measure; shortest paths from so many vertices, evenly chosen (all, when there are no
 * more). */
void graph_measure(const struct graph *g, int sources, struct graph_facts *facts);

#endif
