/* What coming steps will touch, fetched into the processor's cache: for a driver that
 * knows a few events ahead whose turn it is.  It changes nothing.  Each stage needs what
 * the one before has fetched, so the driver lets a while pass between them: the first is
 * about the node, then its table of links, then the rows of one link, then what those
 * point to.
 * SPDX-License-Identifier: MIT */
#ifndef NODE_FETCH_H
#define NODE_FETCH_H

#include "node/node.h"

#define NODE_FETCH_STAGES 4

/* A coming step, and what the stages have found out about it. */
struct node_ahead {
    const struct node *node;
    uint32_t link; /* that it is about; 0: none */
    int place;     /* of that link, in tables; -1: it is not there */
};

/* stage: 0..NODE_FETCH_STAGES - 1. */
void node_fetch(struct node_ahead *a, int stage);

/* What saying something to all neighbours will touch, within a step. */
void node_fetch_links(const struct node *n);

#endif
