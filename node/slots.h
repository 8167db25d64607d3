/* The table of slots itself: which there are, and which of them a link has.  A slot has a
 * number, by which the modules know its peer, and stays where it is for as long as it
 * has one.  What happens on the links is in node/links.h.
 * SPDX-License-Identifier: MIT */
#ifndef NODE_SLOTS_H
#define NODE_SLOTS_H

#include "node/links.h"

/* The slot of a peer (or of who is to be one), and whether there is one of this number.
 */
struct slot *slot_at(const struct node *n, int peer);
bool slot_is_taken(const struct node *n, int peer);

/* The first number from this one on that is taken; -1: none. */
int slots_next(const struct node *n, int peer);

/* The slot of a link, or NULL. */
struct slot *slots_of_link(struct node *n, uint32_t link);

/* A slot like this one, with a free number, the last: the first ones are for peers.
 * NULL: all are taken. */
struct slot *slots_add(struct node *n, const struct slot *like);
bool slots_are_full(const struct node *n);

/* Its number is free; the slot itself is the caller's until slots_give. */
void slots_remove(struct node *n, struct slot *s);
void slots_give(struct node *n, struct slot *s);

/* The first free number for one that becomes a peer, whom the modules know by it. */
void slots_settle(struct node *n, struct slot *s);

/* Numbers at the end are used no more, until they are needed. */
void slots_shrink(struct node *n);

#endif
