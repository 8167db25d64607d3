/* What led to one step of a small world: the messages, timers and users' words, backwards
 * from it (its causal cone; Lamport 1978).  Every step is noted with the one that caused
 * it; of what a node did before by itself only those steps count in which the party on it
 * became another one.  SPDX-License-Identifier: MIT */
#ifndef SIM_CONE_H
#define SIM_CONE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/script.h"
#include "sim/world.h"

#define CONE_VERB_MAX  12
#define CONE_STEPS_MAX 512 /* that are shown at most */

/* The party on a node, in short. */
struct cone_state {
    uint8_t role;
    uint8_t phase;
    uint8_t candidacy;
    uint8_t council; /* its seats */
    bool is_acting;
    uint16_t party; /* the first bytes of its id */
    uint32_t epoch;
    uint32_t seq;
};

struct cone_step {
    int64_t at_ns; /* true time */
    int node;
    int cause;         /* the step that sent what came, or asked to be woken; -1: none */
    int before;        /* this node's step before it; -1: none */
    int changed;       /* … and the last one before it in which the party changed */
    uint32_t sent_end; /* what the node had sent by its end */
    uint8_t event;     /* enum event_kind */
    uint8_t type;      /* enum msg_type of a frame; 0: unknown, or no frame */
    bool is_change;
    char verb[CONE_VERB_MAX]; /* of a command */
    struct cone_state state;  /* after it */
};

struct cone {
    struct cone_step *steps;
    int count;
    int room;
    struct cone_node {
        int last; /* step, as the next two; -1: none */
        int changed;
        int armer; /* asked for the wake that is next */
        int64_t wake_ns;
    } nodes[SCRIPT_NODES_MAX];
};

/* Of the nodes of one world; takes memory until cone_finish. */
void cone_init(struct cone *c);
void cone_finish(struct cone *c);

/* After a step, from hooks.stepped. */
void cone_note(struct cone *c, const struct world *w, int node, const struct event *e);

/* The steps that led to the last one of this node (-1: of all), that one included, in
 * order of time; at most max, the last ones.  Their number. */
int cone_of(const struct cone *c, int node, int max, int steps[]);

/* Step i of a cone as a line of text, without its end. */
void cone_line(const struct cone *c, int step, char line[static SCRIPT_LINE_MAX]);

/* What came, in a word or two, and what the party is now. */
void cone_what(const struct cone *c, int step, char text[static SCRIPT_LINE_MAX]);
void cone_state_text(const struct cone_state *s, char text[static SCRIPT_LINE_MAX]);

/* A cone and what the script does meanwhile, as text. */
void cone_print(const struct cone *c, const int steps[], int count,
                const struct script *s);

#endif
