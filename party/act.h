/* What the user of the host wants played: each command becomes one action, computed from
 * where the timeline will stand when it takes effect.  Used by party/session.c and
 * party/host.c.  SPDX-License-Identifier: MIT */
#ifndef PARTY_ACT_H
#define PARTY_ACT_H

#include "party/session.h"

/* When an action that is made now takes effect: as far ahead as the slowest member needs
 * to hear of it in time, and after every action that is known. */
struct party_time act_schedule(struct party *p, struct party_time now);

/* Carry out a command of the host's user. */
int act(struct party *p, const struct party_command *c, struct party_answer *answer);

/* A command that cannot be done: what to say.  Returns err. */
int answer_error(struct party_answer *a, int err, const char *error, const char *next);

#endif
