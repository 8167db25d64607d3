/* The experiment "party": nodes find each other, one calls, some accept, the songs are
 * shared, and the host then does with the music what hosts do, while machines and
 * networks do what they do.  The seed decides what goes wrong.
 * SPDX-License-Identifier: MIT */
#ifndef SIM_EXPERIMENT_H
#define SIM_EXPERIMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/check.h"
#include "sim/world.h"

enum fault {
    FAULT_LATE = 1 << 0,    /* a guest comes when the music plays */
    FAULT_LEAVE = 1 << 1,   /* a guest leaves and comes back */
    FAULT_CRASH = 1 << 2,   /* a guest's program ends */
    FAULT_DARK = 1 << 3,    /* a guest's machine loses its power */
    FAULT_RESTART = 1 << 4, /* the crashed one starts again, and accepts again */
    FAULT_DISK = 1 << 5,    /* a guest's store never answers */
    FAULT_CLOCK = 1 << 6,   /* clocks run wrong by up to 100 ppm, UTC by some ms */
    FAULT_LIAR = 1 << 7,    /* there are time servers, and one of them lies */
    FAULT_CUT = 1 << 8,     /* a guest's network is gone for some seconds */
    FAULT_ROT = 1 << 9      /* a guest's disk gives back damaged blocks */
};
#define FAULT_KINDS 10

/* "late", "leave" …; NULL beyond FAULT_KINDS. */
const char *fault_name(int bit);

struct experiment_options {
    const struct suite *suite; /* cryptography; NULL: the real one */
    uint64_t seed;
    int nodes;
    int seconds;      /* 0: as needed */
    const char *net;  /* "lan", "wifi", "internet"; NULL: by the seed */
    int64_t loss_ppm; /* these three: -1: as the net has it */
    int64_t latency_ns;
    int64_t jitter_ns;
    int faults;   /* of enum fault; -1: by the seed */
    int song_kib; /* bytes of a song: 0: by the seed */
    bool is_traced;
    bool is_logged;
};

/* What the seed stands for, once the options have had their say. */
struct plan {
    const char *net;
    struct net_params params;
    int faults;
    int host;
    int guests; /* who accept the call, besides the ones below */
    int late;   /* -1, or the node that this befalls */
    int leaver;
    int victim; /* of crash or power loss */
    int dead_disk;
    int cut;
    int rot;
    int64_t host_ns;  /* the call */
    int64_t quiet_ns; /* nothing is done from here on … */
    int64_t agree_ns; /* … and by then all agree */
    int64_t leave_ns; /* the host ends the party */
    int64_t end_ns;
};

#define EXPERIMENT_PENDING_MAX 64

struct pending {
    int node;
    uint64_t id;
    int64_t limit_ns;
};

struct guest {
    bool is_wanted;    /* accepts what it hears of */
    bool is_expected;  /* has accepted, and nothing took it away since */
    bool is_accepting; /* about to */
    int64_t accepted_ns;
    int64_t from_ns; /* accepts no earlier */
};

struct experiment {
    struct experiment_options options;
    struct plan plan;
    struct world world;
    struct check check;
    struct guest *guests;
    int pending_count;
    struct pending pending[EXPERIMENT_PENDING_MAX];
    int64_t started_ns; /* the music began; TIME_NEVER: never */
    int64_t call_reach; /* nodes that heard of the call */
    int members_max;
    int commands; /* that the host gave */
    int commands_done;
    int accepts;
};

/* Run it from begin to end.  0, or 1 when an invariant was violated (e->check has it). */
int experiment_run(struct experiment *e, const struct experiment_options *options);
void experiment_finish(struct experiment *e);

#endif
