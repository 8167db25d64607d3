/* What a node shows of itself: the maps of docs/control.md, encoded.  Views that live
 * until the next step; empty when there is no room.  SPDX-License-Identifier: MIT */
#ifndef NODE_REPORT_H
#define NODE_REPORT_H

#include "base/bytes.h"

struct node;

struct bytes report_state(struct node *n);

/* A number that changes with what a watcher would want to see at once. */
uint64_t report_digest(struct node *n);
struct bytes report_peers(struct node *n);
struct bytes report_clock(struct node *n);
struct bytes report_invites(struct node *n);

/* For experiments: what was counted of floods, and the newest one. */
struct bytes report_floods(struct node *n);

#endif
