/* The small worlds of parties that elect: shared by the experiments elect and failover.
 * SPDX-License-Identifier: MIT */
#ifndef SIM_LAB_ELECT_H
#define SIM_LAB_ELECT_H

#include "sim/lab.h"

#define ELECT_NODES_MAX  16
#define ELECT_HOSTS_MAX  512
#define ELECT_GRANTS_MAX 8 /* parties of one node, of which the last grant is kept */

/* Half of them befall a world. */
enum trouble {
    TROUBLE_LOSS,
    TROUBLE_DELAY,
    TROUBLE_CUT,
    TROUBLE_ONE_WAY,
    TROUBLE_PAUSE,
    TROUBLE_CRASH,
    TROUBLE_DRIFT,
    TROUBLE_COMMAND,
    TROUBLE_KINDS
};

/* Who hosts an epoch, as somebody first believed. */
struct seen_host {
    struct party_id party;
    uint64_t epoch;
    uint8_t key[KEY_LEN];
};

/* What a node was last seen to have granted. */
struct seen_grant {
    struct party_id party;
    uint64_t epoch;
    uint8_t host[KEY_LEN];
};

struct elect {
    struct lab lab;                /* first: hooks are given a pointer to it */
    int troubles;                  /* bit by enum trouble */
    int64_t befell[TROUBLE_KINDS]; /* how often; of loss and drift: in how many worlds */
    int64_t alive_ns;              /* somebody was in a party, or called for one */
    int64_t calm_ns[ELECT_NODES_MAX];    /* until then the machine sends late */
    int64_t restart_ns[ELECT_NODES_MAX]; /* TIME_NEVER: it is up */
    int64_t resume_ns[ELECT_NODES_MAX];
    struct seen_grant grants[ELECT_NODES_MAX][ELECT_GRANTS_MAX]; /* the newest first */
    int host_count;
    struct seen_host hosts[ELECT_HOSTS_MAX];
    int64_t doubles;  /* steps with two who act for one party */
    int64_t epochs;   /* epochs that two were taken for host of */
    int64_t regrants; /* (party, epoch) granted to two by one */
    int64_t elections;
    int64_t said[ELECT_NODES_MAX]; /* messages of elections, as each has counted them */
    int64_t messages;              /* … of all, over restarts */
    int alive;                     /* worlds in which there still is a party … */
    int led;                       /* … and somebody leads it */
};

const struct party *elect_party(const struct elect *e, int node);

/* Running, and not paused. */
bool elect_is_running(const struct elect *e, int node);

/* The first node that acts as host; -1: nobody. */
int elect_acting(struct elect *e);

/* Nodes that have met; and a party that plays, with its council, of nodes that take the
 * first call that they hear.  s is changed. */
void elect_meet(struct elect *e, struct setup *s, uint64_t seed);
void elect_begin(struct elect *e, struct setup *s, uint64_t seed);

void elect_defaults(struct setup *s);

#endif
