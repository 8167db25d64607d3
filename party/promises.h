/* What a node has promised in elections, over restarts: the highest epoch that it granted
 * in each of the last parties.  Pure; the node writes each down before it is told.
 * SPDX-License-Identifier: MIT */
#ifndef PARTY_PROMISES_H
#define PARTY_PROMISES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"

#define PROMISES_MAX 16 /* parties; the one that was promised in longest ago goes */

struct promise {
    int slot; /* 0..PROMISES_MAX - 1, where it is remembered */
    struct party_id party;
    uint64_t epoch;
};

/* Zeroed: none. */
struct promises {
    int next;
    struct {
        struct party_id party;
        uint64_t epoch; /* 0: the slot is free */
    } list[PROMISES_MAX];
};

/* Highest epoch granted in a party; 0: none is remembered. */
uint64_t promises_find(const struct promises *t, const struct party_id *party);

/* Remember one.  What is to be written down, slot included. */
struct promise promises_put(struct promises *t, const struct party_id *party,
                            uint64_t epoch);

/* At the start: what was written down. */
void promises_recall(struct promises *t, const struct promise *p);

#endif
