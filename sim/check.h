/* What must always be true of a party, whatever the network and the machines do.  Looked
 * at after every step and, for what is heard, on a grid of true time.  The first
 * violation is kept and ends the run.  Source: docs/design.md section 5.
 * SPDX-License-Identifier: MIT */
#ifndef SIM_CHECK_H
#define SIM_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/histogram.h"
#include "sim/succession.h"
#include "sim/world.h"

#define CHECK_TEXT_MAX  160
#define CHECK_TIMES_MAX 32 /* parties beyond that are not looked at */

/* One entry of a log as somebody first held it; number 0: who hosts the epoch. */
struct check_entry {
    struct party_id party;
    uint64_t epoch;
    uint64_t seq;
    struct run_hash hash;
};

/* What a node was last seen to hold. */
struct check_node {
    struct party_id party;
    uint64_t epoch;
    uint64_t seq;
    uint64_t at_epoch; /* of the newest entry */
    uint32_t life;
    enum party_phase phase;
    int64_t bound_ns; /* of party time, when it was last a guest */
    struct succession_grant grant;
};

struct check {
    struct world *world;
    bool has_failed;
    int64_t at_ns;
    int node; /* -1: none in particular */
    char what[CHECK_TEXT_MAX];

    struct check_node *nodes;
    int entry_count;
    int entry_room;
    struct check_entry *entries;
    int time_count; /* parties whose time was looked at */
    struct succession_time times[CHECK_TIMES_MAX];
    int64_t steps;
    size_t member_bytes; /* the most that a node held while music played */
    int64_t every;       /* the costly checks are made in one of so many steps */

    /* What was heard, and how well. */
    int64_t actions;         /* action entries taken by nodes */
    int64_t late;            /* … after their instant */
    int64_t late_max_ns;     /* … at the most so long after it */
    struct histogram pairs;  /* |difference| of two sound cards, ns */
    struct histogram truth;  /* |difference| of one and party time, ns */
    struct histogram bounds; /* bounds that were claimed, ns */
    int64_t bound_violations;
    int64_t double_hosts; /* steps with two who act for one party */
    int64_t listening;    /* member-instants with sound */
    int64_t silent;       /* … without, though something should be heard */
    int64_t behind;       /* … with another piece than the host's timeline has */
};

void check_init(struct check *c, struct world *w);
void check_finish(struct check *c);

/* Keep the first violation, and stop the world. */
void check_fail(struct check *c, int node, const char *what);

/* After a step of a node. */
void check_step(struct check *c, int node);

/* On the grid, before the next: what guests claim to know of party time. */
void check_bounds(struct check *c);

/* All that is heard at this true instant in the party that this node hosts. */
void check_sound(struct check *c, int host);

/* After a time of quiet: those with is_expected[i] are guests of the host, and agree. */
void check_agreement(struct check *c, int host, const bool *is_expected);

/* At the end: floods went to each node at most once, in at most so many messages. */
void check_floods(struct check *c, int host);

#endif
