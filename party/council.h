/* What a member answers to those who want to host the next epoch, and what it does when
 * one of them has proved it.  The rules are in party/election.h.  Used by
 * party/session.c. SPDX-License-Identifier: MIT */
#ifndef PARTY_COUNCIL_H
#define PARTY_COUNCIL_H

#include "party/session.h"

/* ELECT, CLAIM, HANDOVER, COORD and their answers, the party id checked. */
void council_receive(struct party *p, int peer, const struct msg *m, struct outbox *out);

/* Say one of these, and count it. */
void council_send(struct party *p, int peer, const struct msg *m, struct outbox *out);

/* Say what we have granted, and what is left of our lease to the host. */
void council_deny(struct party *p, int peer, uint64_t epoch, struct outbox *out);

/* A COORD: obey the host that it proves, if it does.  peer: who showed it. */
void council_coord(struct party *p, int peer, const struct coord *c, struct outbox *out);

/* Show the certificate of our epoch to one who lives in an older one. */
void council_refer(struct party *p, int peer, uint64_t epoch, struct outbox *out);

/* Of our leases: how long nobody but the present host may be granted. */
int64_t council_lease_left_ns(const struct party *p);

/* May we vote, and give leases?  Not while we may have forgotten what we voted for: in
 * another run, or before we left and came back. */
bool council_may_vote(const struct party *p);

/* Ask for a promise to be written down, and what follows when it is. */
void council_promise(struct party *p);
void council_promised(struct party *p, struct outbox *out);

/* Host: keep the council as large as the party and of those who are here, one seat at a
 * time, each when a majority knows of the one before. */
void council_upkeep(struct party *p);

/* The epoch that we live in is to be remembered before we give a lease in it. */
void council_note_epoch(struct party *p);

/* Obey this epoch and host from now on; c, its certificate, is kept as a copy. */
void council_obey(struct party *p, const struct coord *c);

#endif
