/* What a party loses while the machine sleeps: the raw clock stood meanwhile, and what
 * the operating system adds for that may be wrong by a second.  Leases that others gave
 * are void, promises to others begin anew, the party's time is measured again.
 *
 * A host whose clock the party runs on gives the party away as soon as it may act: the
 * others still have the time that it has lost, and hear nothing of it.  Used by
 * party/session.c; party_slept is declared in party/session.h.
 * SPDX-License-Identifier: MIT */
#ifndef PARTY_SLEEP_H
#define PARTY_SLEEP_H

#include "party/session.h"

/* No grants and no leases for as long as one that is forgotten could hold. */
void sleep_abstain(struct party *p, int64_t from_ns);

/* Carry out what has become due; at the end of every step. */
void sleep_run(struct party *p, struct outbox *out);

#endif
