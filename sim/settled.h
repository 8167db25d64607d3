/* A world that begins settled: all nodes up at once, each with its neighbours and its
 * passive view, as if they had found each other long ago.  The links are those of random
 * cycles through all nodes, so every node has the same number of them and all are
 * connected; sessions are made by the real handshake, but nothing of it is sent.
 *
 * What it leaves out is how the nodes come together, which takes most of the time of a
 * large run: for experiments on that, use world_start.  SPDX-License-Identifier: MIT */
#ifndef SIM_SETTLED_H
#define SIM_SETTLED_H

#include "sim/world.h"

#define SETTLED_CYCLES_MAX  8
#define SETTLED_PASSIVE_MAX 256

struct settled_params {
    int cycles;  /* each gives a node two neighbours; at most active_max / 2 */
    int passive; /* records of random nodes in each passive view */
};

/* Start all nodes now, at the beginning of a world.  False when handshakes fail. */
bool settled_start(struct world *w, const struct settled_params *p);

#endif
