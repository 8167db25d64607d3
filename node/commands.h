/* What the user asks of a node: the verbs of docs/control.md.
 * SPDX-License-Identifier: MIT */
#ifndef NODE_COMMANDS_H
#define NODE_COMMANDS_H

#include "base/bytes.h"
#include "party/session.h"

struct node;

/* Carry out a request and reply to it, at once or, for `host`, later. */
void commands_run(struct node *n, uint64_t id, struct bytes request);

/* Reply; an empty body says that there was no room for one. */
void commands_reply(struct node *n, uint64_t id, int err, struct bytes body);

/* Reply with an error: what and why, and what to do next. */
void commands_fail(struct node *n, uint64_t id, int err, struct bytes error,
                   const char *next);

/* Reply with the party that a command was about, or with its error. */
void commands_answer_party(struct node *n, uint64_t id, int err,
                           const struct party_answer *answer);

#endif
