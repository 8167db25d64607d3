/* Scripts by chance: a seed stands for a small world and its storms.  Each kind of fault
 * is in half of the scripts (swarm testing: Groce, Zhang, Eide, Chen, Regehr 2012), what
 * happens comes gathered in storms of half a minute, and the constants of the nodes are
 * drawn too: that finds more than anything else.  SPDX-License-Identifier: MIT */
#ifndef SIM_STORM_H
#define SIM_STORM_H

#include "sim/script.h"

struct storm_options {
    int nodes;         /* 0: 3 to 8, by the seed */
    int64_t length_ns; /* 0: two to five minutes, by the seed */
    uint64_t kinds;    /* a bit for each enum script_kind that may happen */
};

void storm_make(struct script *s, uint64_t seed, const struct storm_options *o);

#endif
