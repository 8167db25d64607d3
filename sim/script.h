/* What befalls a small world, as a text that people read and change: who there is, which
 * constants the nodes live by, and what goes wrong when.  With it, and nothing else, a
 * run is repeated; a seed of `party-sim swarm` only writes one (sim/storm.h).
 *
 *     party-sim script 1
 *     seed = 937
 *     nodes = 5
 *     net = wifi
 *     seconds = 300
 *     set party.lease = 3s
 *     at 12.5s loss nodes 1,3 by 12% for 9.8s
 *     at 30s   order nodes 2 by skip
 *
 * SPDX-License-Identifier: MIT */
#ifndef SIM_SCRIPT_H
#define SIM_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/setup.h"

#define SCRIPT_NODES_MAX   16
#define SCRIPT_ENTRIES_MAX 256
#define SCRIPT_SETS_MAX    32
#define SCRIPT_LINE_MAX    256

enum script_kind {
    /* What these nodes send … */
    SCRIPT_LOSS,
    SCRIPT_DUPLICATE,
    SCRIPT_REORDER,
    SCRIPT_SPIKES,
    SCRIPT_SLOW,
    SCRIPT_SQUEEZE,
    /* Ways that are cut. */
    SCRIPT_HALVES,
    SCRIPT_ONE_WAY,
    SCRIPT_ISOLATE,
    SCRIPT_BRIDGE,
    SCRIPT_PAIR,
    SCRIPT_FLAP,
    SCRIPT_RESET,
    SCRIPT_REBIND,
    /* Machines. */
    SCRIPT_PAUSE,
    SCRIPT_STALL,
    SCRIPT_CRASH,
    SCRIPT_POWER,
    SCRIPT_WIPE,
    SCRIPT_START,
    SCRIPT_SLOW_DISK,
    SCRIPT_FULL_DISK,
    SCRIPT_DEAD_DISK,
    SCRIPT_ROT,
    SCRIPT_MUTE,
    /* Time. */
    SCRIPT_CLOCK_STEP,
    SCRIPT_DRIFT,
    SCRIPT_LYING_SERVER,
    SCRIPT_DEAF_SERVERS,
    SCRIPT_SKEW,
    /* People. */
    SCRIPT_CALLS,
    SCRIPT_ORDER,
    SCRIPT_KINDS
};

/* Who is meant by "nodes", and what "by" is. */
enum script_who { SCRIPT_SOME, SCRIPT_ONE, SCRIPT_SERVERS };
enum script_by { SCRIPT_NOTHING, SCRIPT_VALUE, SCRIPT_VERB, SCRIPT_OTHERS };

struct script_about {
    const char *name;
    enum script_who who;
    enum script_by by;
    enum value_kind value; /* of a SCRIPT_VALUE … */
    int64_t least, most;   /* … which lies between these */
    bool has_length;       /* "for" says how long */
    const char *words;
};

/* What an entry of this kind is; NULL beyond SCRIPT_KINDS. */
const struct script_about *script_about(int kind);

struct script_entry {
    int64_t at_ns;
    int64_t for_ns; /* 0 for what has no length */
    enum script_kind kind;
    uint32_t nodes; /* a bit for each */
    int64_t by;     /* a value, the number of a verb, or a bit for each of the others */
};

struct script_set {
    char name[SETUP_WHY_MAX / 8];
    char value[SETUP_WHY_MAX / 8];
};

struct script {
    uint64_t seed;
    int nodes; /* 2..SCRIPT_NODES_MAX */
    char net[16];
    int64_t length_ns; /* all of it is over by then, and calm begins */
    int set_count;
    struct script_set sets[SCRIPT_SETS_MAX];
    int count;
    struct script_entry entries[SCRIPT_ENTRIES_MAX];
};

/* The verbs of SCRIPT_ORDER: their number, and the name of one. */
int script_verb_count(void);
const char *script_verb(int verb);

/* Read one from a file.  False when it is none; why then names the line and what is wrong
 * with it. */
bool script_read(struct script *s, FILE *file, char why[static SETUP_WHY_MAX]);

void script_write(const struct script *s, FILE *file);

/* One entry as a line, without its end. */
void script_line(const struct script_entry *e, char line[static SCRIPT_LINE_MAX]);

#endif
