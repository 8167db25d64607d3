/* Hints to the processor: with very many nodes what a step touches lies in memory that
 * nobody has looked at for long.  A driver that knows which steps come soon fetches it
 * stage by stage, each some steps after the one before, as each follows pointers that the
 * one before has fetched.  A processor has few lines under way at a time, so what most
 * steps do not touch is not asked for.  Changes nothing.  SPDX-License-Identifier: MIT */
#ifndef NODE_FETCH_H
#define NODE_FETCH_H

#include "node/node.h"

#define NODE_FETCH_STAGES 4

/* link: that the next event is about; 0: none.  stage: 0..NODE_FETCH_STAGES - 1. */
void node_fetch(const struct node *n, uint32_t link, int stage);

#endif
