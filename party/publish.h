/* The host's pen: entries for the log, checkpoints when it is full, and how entries reach
 * the members.  Used by party/host.c and party/act.c.  SPDX-License-Identifier: MIT */
#ifndef PARTY_PUBLISH_H
#define PARTY_PUBLISH_H

#include "party/session.h"

/* Append one entry, sign it and carry it out here; members get it by publish_push.
 * A checkpoint goes before it when the log is full. */
void publish_found(struct party *p);
void publish_map(struct party *p, const struct clock_map *m, uint64_t clock_id);
void publish_member(struct party *p, const struct party_member *m, bool has_left);
void publish_song(struct party *p, int slot, struct bytes manifest, const uint8_t *sig);
void publish_action(struct party *p, const struct timeline_action *a,
                    enum action_verb verb);
void publish_council(struct party *p, const struct council *c);
void publish_end(struct party *p, struct party_time at);

/* Say again all that holds: the first words of a new host. */
void publish_checkpoint(struct party *p);

/* Send what members lack, one entry for each in turn; sets push_ns, when to go on. */
void publish_push(struct party *p, struct outbox *out);

/* Tell the members that have all where the log stands. */
void publish_beats(struct party *p, struct outbox *out);

#endif
