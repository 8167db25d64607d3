/* Which block to ask a peer for: the place where a scheduler can be changed.
 *
 * The picker sees one range of one song at a time (the swarm goes through the ranges in
 * play order: head of the first song, its rest, the other songs) and takes the rarest
 * block of a random sample, so that members of a party fetch different ones and exchange
 * them. Source: BEP 3 and Legout 2006 (rarest first).  SPDX-License-Identifier: MIT */
#ifndef SHARE_PICKER_H
#define SHARE_PICKER_H

#include <stdint.h>

#include "base/rng.h"

struct picker_range {
    const uint64_t *wanted; /* blocks that are neither held, asked for nor being stored */
    const uint64_t *has;    /* what the peer has; NULL: all */
    const uint8_t *copies;  /* by block: how many peers have it */
    int part;               /* of the blocks, spread over so many parts by a hash, only */
    int parts;              /* … this part is looked at; parts 1: all of them */
    int first;              /* the range is first..end-1 */
    int end;
};

/* The block to ask for, or -1 when the peer has none that is wanted in this range.  At
 * most sample candidates behind a random place are looked at. */
int picker_choose(const struct picker_range *range, int sample, struct rng *rng);

#endif
