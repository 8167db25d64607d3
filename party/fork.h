/* Going on without a majority, and coming together again.
 *
 * Whoever has not been led for long makes of what is left a party of its own: a new id,
 * and the same songs, timeline and clock, so that nobody hears it.  A fork that hears of
 * the party that it came from, or of a fitter fork of it, goes back there at the border
 * of a song.  SPDX-License-Identifier: MIT */
#ifndef PARTY_FORK_H
#define PARTY_FORK_H

#include "party/session.h"

/* Fork, or go back, when it is time; at each tick. */
void fork_tick(struct party *p, struct outbox *out);

/* The call of a running party was heard while we host. */
void fork_call_heard(struct party *p, const struct msg_flood *raw,
                     const struct invite *v);

/* A member says that it has made a party of its own, or our host that it goes back. True:
 * we go along. */
bool fork_take_yield(struct party *p, int peer, const struct msg_party_yield *m,
                     struct outbox *out);

#endif
