/* What a seed stands for: who plays which part, what the network is like, and what goes
 * wrong.  SPDX-License-Identifier: MIT */
#ifndef SIM_PLAN_H
#define SIM_PLAN_H

#include "sim/experiment.h"

/* The plan of these options; the world's parameters follow from it. */
void plan_make(struct plan *p, const struct experiment_options *o);
void plan_world(const struct plan *p, const struct experiment_options *o,
                struct world_params *w);

/* The clock of a node. */
void plan_clock(const struct plan *p, const struct experiment_options *o, int node,
                struct clock_model_params *c);

#endif
