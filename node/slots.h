/* The table of slots itself: rows that come and go, and which of them a link has.  What
 * happens on the links is in node/links.h.  SPDX-License-Identifier: MIT */
#ifndef NODE_SLOTS_H
#define NODE_SLOTS_H

#include "node/links.h"

/* The slot of a link, or NULL. */
struct slot *slots_of_link(struct node *n, uint32_t link);

/* The slot is for this link from now on. */
void slots_set(struct node *n, struct slot *s, const struct slot *to);

/* A free one, the last: the first ones are for peers, so that the tables of the modules
 * stay small.  The table grows for it; pointers to other slots are void then.  NULL: it
 * is full. */
struct slot *slots_free(struct node *n);

/* The first free slot for one that becomes a peer, whom the modules know by it. */
struct slot *slots_settle(struct node *n, struct slot *s);

/* Give rows at the end back, here and in the modules. */
void slots_shrink(struct node *n);

#endif
