/* What a node has promised in elections, over restarts: in each of the last parties, the
 * highest epoch that it granted, and the highest whose host it took for one.  The second
 * is what it must not forget as a voter: whoever lacks entries of that epoch may not be
 * granted by it, though it has the entries no more.  Pure; the node writes each down
 * before it is told. SPDX-License-Identifier: MIT */
#ifndef PARTY_PROMISES_H
#define PARTY_PROMISES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"

#define PROMISES_MAX 16 /* parties; the one that was promised in longest ago goes */

struct promise {
    int slot; /* 0..PROMISES_MAX - 1, where it is remembered */
    struct party_id party;
    uint64_t epoch;  /* granted; 0: none */
    uint64_t obeyed; /* 0: none */
};

/* Zeroed: none. */
struct promises {
    int next;
    struct {
        struct party_id party;
        uint64_t epoch;
        uint64_t obeyed; /* both 0: the slot is free */
    } list[PROMISES_MAX];
};

/* What is remembered of a party; both epochs 0: nothing. */
struct promise promises_find(const struct promises *t, const struct party_id *party);

/* Remember more.  What is to be written down, slot included. */
struct promise promises_put(struct promises *t, const struct party_id *party,
                            uint64_t epoch, uint64_t obeyed);

/* At the start: what was written down. */
void promises_recall(struct promises *t, const struct promise *p);

#endif
