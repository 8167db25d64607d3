/* The trees of this node (overlay/tree.h): their neighbours, and the small messages that
 * shape them.  What is sent along them comes and goes by node/floods.c.
 * SPDX-License-Identifier: MIT */
#ifndef NODE_TREES_H
#define NODE_TREES_H

#include "wire/msg.h"

struct node;

/* MSG_IHAVE, MSG_GRAFT or MSG_PRUNE from a peer. */
void trees_receive(struct node *n, int peer, const struct msg *m);

/* The active view may have changed. */
void trees_follow(struct node *n);

void trees_wake(struct node *n);

#endif
