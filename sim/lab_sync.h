/* Parties that play, and how far their sound cards are apart: shared by the experiments
 * on sync and by what befalls them.  SPDX-License-Identifier: MIT */
#ifndef SIM_LAB_SYNC_H
#define SIM_LAB_SYNC_H

#include "sim/lab.h"
#include "sim/pairs.h"
#include "sim/sound.h"

#define SYNC_NODES_MAX PAIRS_NODES_MAX

/* One node, as heard from outside. */
struct sync_node {
    struct sound sound;
    int64_t first_ns; /* it is heard for the first time; 0: not yet */
    int64_t off_ns;   /* … and was far from party time then, for the last time */
    bool is_out;      /* what befalls it is its own affair: no pair of it counts */
    bool is_asleep;   /* suspended */
    bool has_error;
    int64_t error_ns; /* it is ahead of party time by this */
};

/* What is claimed, and whether it holds. */
struct sync_bound {
    int64_t samples;
    int64_t broken;
    int64_t worst_ns; /* by which one did not hold */
};

struct sync {
    struct lab lab; /* first: hooks are given a pointer to it */
    struct sync_node nodes[SYNC_NODES_MAX];
    int64_t jump_ns;  /* the next seek; TIME_NEVER: none */
    bool is_counting; /* the start is over */

    /* Party time as it is: by the raw clock of the map's host. */
    int reference; /* -1: nobody yet */
    uint64_t epoch;
    struct clock_line truth;

    struct pairs pairs;
    struct histogram cards;  /* |what was played against the own line|, ns */
    struct histogram clocks; /* |the own line against party time|, ns */
    struct sync_bound party;
    struct sync_bound utc;
    int64_t compared; /* pairs at instants … */
    int64_t apart;    /* … that were not at the same place of a song at all */

    /* What befalls them (sim/lab_abuse.c). */
    struct node_params lying; /* what the liar lives by */
    int victim;               /* -1: none */
    int64_t begin_ns;
    int64_t end_ns;
    int64_t marked_ns;   /* it has begun */
    int64_t back_ns;     /* the victim was far from party time, for the last time */
    int64_t believed_ns; /* a liar's word was counted with for so long */
};

/* The time server that lies, and how many there are where UTC is what it is about. */
#define SYNC_LIAR    3
#define SYNC_SERVERS 4

/* How far from party time is far. */
#define SYNC_FAR_NS (100 * NS_PER_US)

/* Who hosts now; -1: nobody. */
int sync_host(struct sync *y);

/* Before the nodes start, and while they play: what abuse asks for.  abuse_prepare says
 * when it is over. */
void abuse_prepare(struct sync *y, int64_t begin_ns);
void abuse_tick(struct sync *y);

/* What it has shown. */
void abuse_results(struct sync *y, struct results *r);

#endif
