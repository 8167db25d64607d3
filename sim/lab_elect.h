/* The small worlds of parties that elect: shared by the experiments elect and failover.
 * SPDX-License-Identifier: MIT */
#ifndef SIM_LAB_ELECT_H
#define SIM_LAB_ELECT_H

#include "sim/lab.h"

#define ELECT_NODES_MAX 16
#define ELECT_HOSTS_MAX 512

enum trouble {
    TROUBLE_LOSS = 1,
    TROUBLE_DELAY = 2,
    TROUBLE_CUT = 4,
    TROUBLE_PAUSE = 8,
    TROUBLE_CRASH = 16,
    TROUBLE_DRIFT = 32,
    TROUBLE_COMMAND = 64,
    TROUBLE_ALL = 127
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
    struct lab lab; /* first: hooks are given a pointer to it */
    int troubles;
    int64_t restart_ns[ELECT_NODES_MAX]; /* TIME_NEVER: it is up */
    int64_t resume_ns[ELECT_NODES_MAX];
    struct seen_grant grants[ELECT_NODES_MAX];
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

/* What users do: a verb, with one text or none (NULL); a call for all to come. */
void elect_command(struct elect *e, int node, const char *verb, const char *argument);
void elect_call(struct elect *e, int node);

/* Nodes that have met; and a party that plays, with its council, of nodes that take the
 * first call that they hear.  s is changed. */
void elect_meet(struct elect *e, struct setup *s, uint64_t seed);
void elect_begin(struct elect *e, struct setup *s, uint64_t seed);

void elect_defaults(struct setup *s);

#endif
