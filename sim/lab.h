/* The laboratory: what the experiments on the overlay share.  A world of nodes that join
 * and settle, messages that are sent and followed, deaths, and a look from above.
 * SPDX-License-Identifier: MIT */
#ifndef SIM_LAB_H
#define SIM_LAB_H

#include "sim/graph.h"
#include "sim/results.h"
#include "sim/setup.h"
#include "sim/world.h"

struct lab {
    const struct setup *setup;
    uint64_t seed;
    uint64_t draws; /* counts what was drawn so far */
    struct world world;
    int64_t *scratch;            /* a word for each node */
    int64_t hostile_ppm;         /* of the nodes; the contacts are not among them */
    struct node_params *hostile; /* what those live by; NULL: there are none */
};

/* One message, when its time is over. */
struct lab_message {
    int up;         /* nodes that were up … */
    int reached;    /* … and had handled it */
    int64_t sends;  /* copies that were sent */
    int hops_max;   /* on the way to any of them */
    int64_t p50_ns; /* from the sending, of those reached */
    int64_t p99_ns;
    int64_t last_ns;
};

/* What runs and what is a goal of an experiment. */
enum lab_over { LAB_MEAN, LAB_LEAST, LAB_MOST };

struct lab_goal {
    const char *figure;
    enum lab_over over; /* the seeds */
    bool is_at_most;    /* or at least */
    double value;
};

struct lab_kind {
    const char *name;
    const char *about; /* one line */
    void (*defaults)(struct setup *s);
    void (*run)(const struct setup *s, uint64_t seed, struct results *r);
    const struct lab_goal *goals; /* ends with a NULL figure */
    const char *plot; /* series that a picture shows: "x label|y label|series…" */
};

/* All kinds, and one by name (NULL: there is none). */
int lab_kind_count(void);
const struct lab_kind *lab_kind_at(int i);
const struct lab_kind *lab_kind_find(const char *name);

/* Make the world, start all nodes, and let them settle. */
void lab_begin(struct lab *lab, const struct setup *s, uint64_t seed);

/* Make the world only: nothing runs yet. */
void lab_make(struct lab *lab, const struct setup *s, uint64_t seed);
void lab_finish(struct lab *lab);

/* The same, but so many of a million nodes live by other parameters, which worsen makes
 * of the common ones: real nodes that keep other rules. */
void lab_begin_mixed(struct lab *lab, const struct setup *s, uint64_t seed,
                     int64_t hostile_ppm, void (*worsen)(struct node_params *p));
bool lab_is_hostile(const struct lab *lab, int node);

/* Go on for so long. */
void lab_run(struct lab *lab, int64_t for_ns);

/* Uniform in 0..n-1; every call draws anew. */
int64_t lab_draw(struct lab *lab, int64_t n);

/* A node that is up, at random. */
int lab_pick(struct lab *lab);

/* Send a message from a node now (ttl 0: along the trees), run for wait_ns, and see. */
void lab_send(struct lab *lab, int from, int ttl, int bytes, int64_t wait_ns,
              struct lab_message *m);

/* What users do: a verb, with one text or none (NULL); a call for all to come. */
void lab_command(struct lab *lab, int node, const char *verb, const char *argument);
void lab_call(struct lab *lab, int node, const char *name);

/* A node that is up and not hostile. */
int lab_pick_honest(struct lab *lab);

/* Have a node send a message now.  False when it would not. */
bool lab_order(struct lab *lab, int from, int ttl, int bytes, struct flood_id *id);

/* Which of the honest nodes that are up have handled a message so far. */
void lab_look_for(const struct lab *lab, const struct flood_id *id, int64_t sent_ns,
                  struct lab_message *m);

/* True when the node has handled it; in_ns: how long after sent_ns, to the millisecond.
 */
bool lab_has_heard(const struct lab *lab, int node, const struct flood_id *id,
                   int64_t sent_ns, int64_t *in_ns);

/* End so many of a million nodes at this instant, evenly drawn.  Silent: without a reset.
 * The nodes that are left. */
int lab_kill(struct lab *lab, int64_t ppm, bool is_silent);

/* The overlay as a graph of the nodes that are up: links that are neighbours at both
 * ends. */
void lab_graph(const struct lab *lab, struct graph *g);

/* Neighbours of a node as nodes of the world; their number. */
int lab_neighbours(const struct lab *lab, int node, int list[OVERLAY_ACTIVE_MAX]);

/* The share of nodes that are up with at least so many neighbours. */
double lab_degree_share(const struct lab *lab, int degree);

/* What all nodes have counted so far, summed: see struct flood_counts. */
struct lab_floods {
    int64_t admitted;
    int64_t sent;
    int64_t duplicates;
    int64_t link_limited;
    int64_t origin_limited;
    int64_t node_limited;
    int64_t expired;
    int64_t bad_hops;
};

struct lab_floods lab_flood_counts(const struct lab *lab);
struct tree_counts lab_tree_counts(const struct lab *lab);

/* Run each branch in a process of its own that has a copy of this world, and gather their
 * results.  The environment's PARTY_SIM_BRANCHES says how many run side by side: one. */
void lab_fork(void (*run)(struct lab *lab, int branch, struct results *r),
              struct lab *lab, int branches, struct results *r);

#endif
