/* Where others see us, once we listen on "any".  SPDX-License-Identifier: MIT */
#ifndef NODE_OUTSIDE_H
#define NODE_OUTSIDE_H

struct node;

/* A peer has told in its HELLO where it sees us: one alone may lie, so most decide. */
void outside_learn(struct node *n);

#endif
