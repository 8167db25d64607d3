/* A host that leaves and is still needed: by the next one, for its grant and until the
 * council has no seat of its any more.  Used by party/session.c.
 * SPDX-License-Identifier: MIT */
#ifndef PARTY_LEAD_H
#define PARTY_LEAD_H

#include "party/session.h"

/* Carry out what has become due; at the end of every step. */
void lead_run(struct party *p, struct outbox *out);
int64_t lead_wake_ns(const struct party *p);

#endif
