/* What a member answers to those who want to host the next epoch, and what it does when
 * one of them has proved it.  The rules are in party/election.h.  Used by
 * party/session.c. SPDX-License-Identifier: MIT */
#ifndef PARTY_COUNCIL_H
#define PARTY_COUNCIL_H

#include "party/session.h"

/* Of larger parties the first members, as many as a certificate has room for, vote. */
#define COUNCIL_MAX COORD_GRANTS_MAX

/* ELECT, CLAIM, HANDOVER and their answers, the party id checked. */
void council_receive(struct party *p, int peer, const struct msg *m, struct outbox *out);

/* A COORD: obey the host that it proves, if it does. */
void council_coord(struct party *p, const struct coord *c);

#endif
