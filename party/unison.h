/* Unison: how far apart the members' sounds are, as far as they know it themselves.
 *
 * Each member tells the host, with its status, what its player believes: how far the
 * sound at its card is off the plan.  The host passes that on to all, some members every
 * second, so everybody can tell who is off, and is told when ears would notice.  Links
 * are authenticated, so it is the host's word; but whatever is said here is shown and
 * nothing is done by it.  It is belief, not measurement: a driver that is wrong about its
 * card is wrong here, and by how much the clocks may be off is said beside it.
 * SPDX-License-Identifier: MIT */
#ifndef PARTY_UNISON_H
#define PARTY_UNISON_H

#include "base/id.h"
#include "wire/outbox.h"

struct party;
struct party_member;

struct unison {
    int64_t apart_ns;   /* between the two farthest apart; -1: fewer than two play */
    int64_t bound_ns;   /* … and how wrong that can be by the clocks of these two */
    struct node_id off; /* who is farthest from the middle one, … */
    int64_t off_ns;     /* … ahead of it by this */
    bool is_alarm;      /* ears notice */
    int64_t since_ns;   /* local: since when is_alarm has been wrong; TIME_NEVER */
    int next;           /* host: of members, whom the next round begins with */
};

void unison_init(struct unison *u);

/* True when a member's sound is known and not too old. */
bool unison_is_told(const struct party *p, const struct party_member *m);

/* A member has said how its sound is: bounded, and taken. */
void unison_take(struct party *p, struct party_member *m, const struct msg_sound *s);

/* The host's round, on a guest. */
void unison_take_round(struct party *p, const struct msg_party_unison *m);

/* The next round, to all members; nothing while nobody plays. */
void unison_send_round(struct party *p, struct outbox *out);

/* Look who is off, and tell the user when ears begin to notice. */
void unison_look(struct party *p);

#endif
