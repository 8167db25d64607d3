/* What a node is told when it is made: how it behaves, that is every constant of every
 * protocol, so that the simulator can vary them and experiments can sweep them; and who
 * it is, where it listens, and whom it joins.  SPDX-License-Identifier: MIT */
#ifndef NODE_PARAMS_H
#define NODE_PARAMS_H

#include "base/addr.h"
#include "clock/params.h"
#include "node/meet.h"
#include "node/relay.h"
#include "overlay/flood.h"
#include "overlay/liveness.h"
#include "overlay/offenders.h"
#include "overlay/tree.h"
#include "overlay/view.h"
#include "party/session.h"
#include "secure/suite.h"
#include "share/swarm.h"

#define NODE_JOINS_MAX   8
#define NODE_SERVERS_MAX 8
#define NODE_PEERS_MAX   128

struct node_params {
    const struct suite *suite; /* cryptography: suite_real */

    int peers_max;             /* slots of the table of links: 64 */
    int64_t handshake_ns;      /* from connection to HELLO: 10 s */
    int64_t idle_link_ns;      /* a link that nobody needs is kept so long: 20 s */
    int64_t rate_period_ns;    /* how often the rate of our crystal is written down */
    int64_t probe_interval_ns; /* to the party's reference, once steady: 1 s */
    int64_t heir_interval_ns;  /* … and to those who may be the next one: 2 s */
    int64_t line_period_ns;    /* the line to party time is renewed so often: 1 s */
    int64_t map_period_ns;     /* the host looks at its map so often: 10 s */
    int64_t stall_ns;          /* a step later than this: we were held up: 250 ms */
    bool is_lab;               /* verbs of experiments are obeyed: false */
    int64_t state_period_ns;   /* watchers hear no more often: 100 ms */

    /* The peers_max of these is that above: see node_params_spread. */
    struct overlay_params overlay;
    struct liveness_params liveness;
    struct flood_params flood;
    struct offender_params offenders;
    struct meet_params meet;
    struct relay_params relay;
    struct tree_params tree;
    struct clock_params clock;
    struct swarm_params swarm;
    struct party_params party;
};

/* The shipped values. */
struct node_params node_params_default(void);

/* One word for all tables that are indexed by peers: to be called once peers_max is
 * settled. */
void node_params_spread(struct node_params *p);

/* One node, as opposed to how all of them behave.  Zeroed: nameless, with nowhere to
 * listen and nobody to join. */
struct node_setup {
    char name[MSG_NAME_MAX + 1];
    struct addr listen;                   /* TCP and UDP; 0.0.0.0 and :: are fine */
    bool has_channel;                     /* false: open to strangers */
    uint8_t channel_psk[SECURE_SEED_LEN]; /* secret */
    int join_count;
    struct addr joins[NODE_JOINS_MAX]; /* first addresses to try */
    int server_count;
    struct addr servers[NODE_SERVERS_MAX]; /* NTP */
};

#endif
