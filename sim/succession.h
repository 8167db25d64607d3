/* What a party may not lose from one host to the next: the entries that those who granted
 * the new one had, and its time.  Source: docs/design.md section 5: what was acknowledged
 * is not lost; no step for anybody.  SPDX-License-Identifier: MIT */
#ifndef SIM_SUCCESSION_H
#define SIM_SUCCESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "party/session.h"

/* How far a log goes. */
struct succession_place {
    uint64_t at_epoch; /* of the newest entry, and its number */
    uint64_t seq;
};

/* What a node had when it granted its newest epoch; of its present disk. */
struct succession_grant {
    struct party_id party;
    uint64_t epoch;
    uint8_t host[KEY_LEN];
    struct succession_place place;
};

/* Party time against true time, as the party's host last had it. */
struct succession_time {
    struct party_id party;
    uint64_t epoch;
    int64_t at_ns; /* true */
    int64_t off_ns;
    int64_t bound_ns;
};

/* After each step of a node: what it has promised. */
void succession_note(struct succession_grant *g, const struct party *p);

/* Does a host that had so much when its epoch began lack what this one had when it
 * granted that epoch? */
bool succession_is_loss(const struct succession_grant *g, const struct party *host,
                        struct succession_place had);

/* The host of the party has this party time now; the next host of it is to carry that on.
 * False when it has made a step. */
bool succession_time_holds(struct succession_time *t, const struct succession_time *now);

#endif
