/* The tree of this node (overlay/tree.h), which comes with the first message and goes
 * when it holds nothing any more: its neighbours, and the small messages that shape it.
 * What is sent along it comes and goes by node/floods.c.  SPDX-License-Identifier: MIT */
#ifndef NODE_TREES_H
#define NODE_TREES_H

#include "wire/msg.h"

struct node;
struct tree;

/* The tree, new or not. */
struct tree *trees_take(struct node *n);

/* MSG_IHAVE, MSG_GRAFT or MSG_PRUNE from a peer. */
void trees_receive(struct node *n, int peer, const struct msg *m);

/* Who the neighbours are now. */
void trees_set_active(struct node *n, const int *active, int count);

int64_t trees_wake_ns(const struct node *n);
void trees_wake(struct node *n);

/* Give the memory back. */
void trees_finish(struct node *n);

#endif
