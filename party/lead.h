/* A host that leaves and is still needed: by the next one, for its grant and until the
 * council has no seat of its any more.  Used by party/session.c.
 * SPDX-License-Identifier: MIT */
#ifndef PARTY_LEAD_H
#define PARTY_LEAD_H

#include "party/session.h"

/* The fittest that is here, better a ready one; NULL: there is nobody, or nothing of the
 * party yet. */
const struct party_member *lead_heir(struct party *p);

/* Carry out what has become due; at the end of every step. */
void lead_run(struct party *p, struct outbox *out);
int64_t lead_wake_ns(const struct party *p);

#endif
