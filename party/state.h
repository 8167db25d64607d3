/* What host and guest share inside party/: the state that grows from log entries, and the
 * small queues to the node.  Not for other folders.
 * SPDX-License-Identifier: MIT */
#ifndef PARTY_STATE_H
#define PARTY_STATE_H

#include "party/session.h"

/* Forget the party: role, log, members, pool, timeline, maps.  Links that it used are to
 * be hung up; redirect, invites, notes and queues stay. */
void state_clear(struct party *p);

/* Forget what entries have said: before a jump onto a checkpoint. */
void state_forget(struct party *p);

/* Party time goes on as it was known so far, until a new reference is known as well. */
void state_bridge(struct party *p);

/* Where our guests are to go: keep a call as it came, and send it.  False: too long. */
bool state_set_redirect(struct party *p, const struct msg_flood *raw);
void state_send_redirect(const struct party *p, int peer, struct outbox *out);

/* Such a call as somebody sent it to us: signed by its origin, as a flood or, of a party
 * that plays, for the trees, and not our own.  f->body lies in raw. */
bool state_read_call(const struct party *p, const struct msg_flood *raw, struct flood *f,
                     struct call *c);

/* Do we hold leases of more than half of such a council? */
bool state_is_led_by(const struct party *p, const struct council *c);

/* The slot that is heard now; -1: it is not known. */
int state_slot(struct party *p);

/* Songs of our own call: kept for the host that we go to, and forgotten. */
void state_keep_own(struct party *p);
void state_drop_own(struct party *p);

/* The manifest of an offer, without its signature; empty where there is none. */
struct bytes state_manifest(const struct party_offer *o);

/* The party is a fork of no other. */
void state_drop_parent(struct party *p);

/* Carry out one entry that the log has taken. */
void state_apply(struct party *p, const struct entry *e);

/* The party is over here: silence, links hung up; it stays to be shown for a while. */
void state_end(struct party *p);

/* There is a party here, and it has not ended. */
bool state_is_open(const struct party *p);

struct party_member *state_member(struct party *p, const uint8_t key[static KEY_LEN]);
struct party_member *state_member_of(struct party *p, int peer); /* NULL: none */

/* Linked, or oneself, not silent for long, and not about to leave; as the host sees it.
 */
bool state_is_here(const struct party_member *m);

/* Slot of the link to a node, -1 for none. */
int state_peer(const struct party *p, const struct node_id *id);

/* The link is used by the party from now on. */
void state_use_peer(struct party *p, int peer);

/* Hang up a link that the party used. */
void state_hang_up(struct party *p, int peer);

/* Songs of the pool that are whole here, as bits; and whether all is there to play. */
uint64_t state_songs_held(const struct party *p);
bool state_is_ready(struct party *p);

/* Write how we are into our own row of the members. */
void state_update_self(struct party *p);

/* Party time now; false when it is not known. */
bool state_now(struct party *p, struct party_time *now);

/* Nothing has been played yet and nothing is scheduled. */
bool state_is_before_play(const struct party *p);

/* The last song has ended so long ago. */
bool state_is_over_for(struct party *p, int64_t ns);

/* A lease of so long as its holder may count it: the two clocks drift. */
int64_t state_lease_ns(const struct party *p, int64_t lease_ns);

/* Put something into a queue to the node.  When full, the oldest flood gives way, and new
 * replies and dials are dropped; both are counted. */
struct party_flood *state_queue_flood(struct party *p, enum flood_kind kind);
void state_queue_reply(struct party *p, const struct flood_id *flood,
                       const struct reply *r);
void state_queue_dial(struct party *p, const struct addr *addr, const struct node_id *id);

/* A note for the user: the texts, one behind the other; "" for what is not needed. */
void state_note(struct party *p, const char *a, const char *b, const char *c);
void state_forget_note(struct party *p, char **note);

/* A line in the program's log, "party <event> party=…". */
struct text state_log(struct party *p, enum log_level level, const char *event);

#endif
