/* What the user asks of a node: the verbs of docs/control.md.
 * SPDX-License-Identifier: MIT */
#ifndef NODE_COMMANDS_H
#define NODE_COMMANDS_H

#include "base/bytes.h"
#include "party/session.h"

struct node;

/* Commands that wait until the party that we lead is in other hands. */
struct leaving {
    bool is_leave; /* the reply to `leave` is due */
    bool is_down;  /* … and that to `down` */
    uint64_t leave;
    uint64_t down;
};

/* Carry out a request and reply to it, at once or, for `host` and a host's `leave` and
 * `down`, later. */
void commands_run(struct node *n, uint64_t id, struct bytes request);

/* Reply to those of n->leaving, which are there, once it is over. */
void commands_left(struct node *n);

/* Forget them. */
void commands_forget(struct node *n);

/* Reply; an empty body says that there was no room for one. */
void commands_reply(struct node *n, uint64_t id, int err, struct bytes body);

/* Reply with an error: what and why, and what to do next. */
void commands_fail(struct node *n, uint64_t id, int err, struct bytes error,
                   const char *next);

/* Reply with the party that a command was about, or with its error. */
void commands_answer_party(struct node *n, uint64_t id, int err,
                           const struct party_answer *answer);

#endif
