/* Who is the fitter host: the order in which calls that collide, and candidates of an
 * election, give way to each other.  A total order, so no two nodes ever see it
 * otherwise.
 *
 * Reach, uplink, clock and uptime decide, in this order; then BLAKE2b of (party, epoch,
 * node), which nobody knows before the party exists.
 * Source: Garcia-Molina 1982, for what it is used for.  SPDX-License-Identifier: MIT */
#ifndef PARTY_PRIORITY_H
#define PARTY_PRIORITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"
#include "wire/msg.h"

struct candidate {
    struct priority priority;
    struct party_id party;
    uint64_t epoch;
    struct node_id node;
};

/* Below 0, 0 or above 0: a is less fit than b, is b itself, or is fitter. */
int candidate_compare(const struct candidate *a, const struct candidate *b);

#endif
