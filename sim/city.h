/* The workload that engine and node are measured by: nodes that join through nodes
 * that came before them, settle, and flood small messages to all, one after the other.
 * The same commands in every process, so that it also runs over MPI ranks.
 * SPDX-License-Identifier: MIT */
#ifndef SIM_CITY_H
#define SIM_CITY_H

#include "sim/world.h"

struct city_params {
    int64_t keepalive_ns; /* a link is silent for so long at most; 0: as shipped */
    bool is_settled;      /* it begins as sim/settled.h makes it … */
    int passive;          /* … with so many records in each passive view: 120 */
    uint64_t seed;
    int nodes;
    int threads;
    struct exchange *exchange; /* NULL: none */
    const struct suite *suite; /* cryptography; NULL: the real one */
    const char *net;           /* a name of net_params_named; NULL: "uniform" */
    enum world_hash hash;
    int64_t settle_ns; /* from the first start to the first flood */
    int flood_bytes;   /* of the message: 64 */
    int ttl;           /* 10 */
};

struct city {
    struct city_params p;
    struct world world;
    int64_t floods;
    int64_t admitted; /* floods that nodes handled, before the last one */
};

struct city_params city_params_default(void);

/* Make the world, and run it until it has settled. */
void city_init(struct city *c, const struct city_params *p);
void city_finish(struct city *c);

/* Flood from a node drawn by the seed, and run until for_ns later.  The nodes that it
 * reached, in all processes. */
int64_t city_flood(struct city *c, int64_t for_ns);

#endif
