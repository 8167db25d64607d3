/* What an experiment is run with: its size, its network, every constant of the nodes, and
 * the few numbers that are its own.  All by name, so that a file, the command line and a
 * sweep set the same things in the same way.  SPDX-License-Identifier: MIT */
#ifndef SIM_SETUP_H
#define SIM_SETUP_H

#include <stdbool.h>
#include <stdint.h>

#include "node/params.h"
#include "sim/net.h"
#include "sim/sound.h"
#include "sim/value.h"

#define SETUP_PATH_MAX   256
#define SETUP_LEVELS_MAX 16
#define SETUP_WHY_MAX    512

enum setup_crypto { CRYPTO_AUTO, CRYPTO_REAL, CRYPTO_TAGS };

/* What befalls those who play in time (sim/lab_abuse.c). */
enum sync_abuse {
    ABUSE_NONE,
    ABUSE_STEP,
    ABUSE_LIAR_SERVER,
    ABUSE_LIAR_PEER,
    ABUSE_LIAR_HEIR,
    ABUSE_LIAR_HOST,
    ABUSE_SUSPEND,
    ABUSE_SUSPEND_HOST,
    ABUSE_JAM,
    ABUSE_JAM_LONG,
    ABUSE_RAMP,
    ABUSE_CRASH
};

/* Above so many nodes CRYPTO_AUTO means tags. */
#define SETUP_REAL_NODES_MAX 200

struct setup {
    int64_t nodes;
    int64_t threads;
    int64_t contacts;  /* addresses that every node is given to join through */
    int64_t start_ns;  /* all nodes start within this */
    int64_t settle_ns; /* then nothing is done for so long */
    int64_t messages;
    int64_t gap_ns;  /* between two messages */
    int64_t wait_ns; /* after a message, until it is judged */
    int64_t ttl;
    int64_t bytes;     /* of a message */
    int64_t is_fresh;  /* attackers sign each flood with another key */
    int64_t pace_ns;   /* … and send one in this time */
    int64_t is_silent; /* who dies loses its power: no reset reaches anybody */
    int64_t share_ppm; /* of the nodes that something befalls: attackers, members, … */
    int64_t rounds;
    int64_t servers;      /* time servers that all nodes ask */
    int64_t length_ns;    /* for so long it is listened */
    int64_t sample_ns;    /* so often all cards are compared */
    int64_t jump_ns;      /* so often somebody seeks; 0: never */
    int64_t crystal_ppm;  /* every clock and card is off by up to this */
    int64_t wander_ppb;   /* … and changes by up to this every 16 s … */
    int64_t daily_ppb;    /* … and by up to this from midnight to noon */
    int64_t stall_ppm;    /* wakes of players that come much later … */
    int64_t stall_ns;     /* … by this on average */
    int64_t wake_ns;      /* of players */
    int64_t buffer_ns;    /* kept written ahead */
    enum sound_card card; /* what cards there are */
    enum sync_abuse abuse;
    int level_count;
    int64_t levels_ppm[SETUP_LEVELS_MAX]; /* of the nodes that die */
    bool has_full_hash; /* the run hash covers every byte, not only who heard when */
    enum setup_crypto crypto;
    char net_name[32];
    char matrix_path[SETUP_PATH_MAX];
    struct latency_matrix matrix; /* read from there */
    struct net_params net;
    struct node_params node;
};

/* The shipped nodes on log-normal links of 40 ms. */
void setup_default(struct setup *s);
void setup_finish(struct setup *s);

/* Set one thing: "nodes", "net.loss", "overlay.active_max" …  False when there is no such
 * name or it cannot have this value; why then says what is wrong and what is allowed. */
bool setup_set(struct setup *s, const char *name, const char *text,
               char why[static SETUP_WHY_MAX]);

/* The value of a thing as text; "" for an unknown name. */
void setup_get(const struct setup *s, const char *name, char *text, int size);

/* All names that setup_set knows beside the constants of the nodes (sim/knobs.h). */
int setup_count(void);
const char *setup_name(int i);
const char *setup_about(int i);

/* The suite that the nodes will use. */
const struct suite *setup_suite(const struct setup *s);

#endif
