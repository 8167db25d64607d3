/* What the files of the view share: active.c (slots and requests), walk.c (joins and
 * shuffles on their way), refill.c (timers, dials, bootstrap), view.c (the rest).
 * SPDX-License-Identifier: MIT */
#ifndef OVERLAY_VIEW_PRIVATE_H
#define OVERLAY_VIEW_PRIVATE_H

#include <assert.h>

#include "overlay/view.h"

/* The row of a peer, who has a slot. */
static inline struct overlay_peer *view_peer(const struct overlay *o, int peer)
{
    assert(sparse_has(&o->slots, peer));
    return &o->peers[sparse_place(&o->slots, peer)];
}

/* The record of a peer's row. */
static inline const struct peer_rec *view_rec(const struct overlay *o,
                                              const struct overlay_peer *x)
{
    return contacts_at(o->contacts, x->contact);
}

static inline const struct peer_rec *view_self(const struct overlay *o)
{
    return contacts_at(o->contacts, o->self);
}

/* --- active.c */

/* Slots that are neither taken nor kept free for somebody who was asked, with those that
 * can be given away: of neighbours in doubt, and by way of another node. */
int view_room(const struct overlay *o);

/* Ask a linked peer for a slot by MSG_JOIN or MSG_NEIGHBOR; nothing when there is no room
 * for it (is_forced: a full view may evict for it) or it was asked already. */
void view_ask(struct overlay *o, int peer, enum msg_type type, bool is_forced,
              int64_t now_ns, struct outbox *out);

/* Decide on a request of a peer; may_force: it may evict for it.  True: it is active. */
bool view_accept(struct overlay *o, int peer, bool may_force, int64_t now_ns,
                 struct outbox *out);

/* Answer a request, with our neighbours, and when it is accepted others as well. */
void view_answer(struct overlay *o, int peer, bool is_accepted, int64_t now_ns,
                 struct outbox *out);

/* True when a walk may end here in a full view: it may evict for the newcomer. */
bool view_may_force(const struct overlay *o, int64_t now_ns);

/* A neighbour is none any more. */
void view_drop(struct overlay *o, int peer, int64_t now_ns);

/* Tell a peer that it is no neighbour (any more); newcomer: who takes its place, or NULL.
 */
void view_say_disconnect(struct overlay *o, int peer, enum disconnect_reason reason,
                         const struct peer_rec *newcomer, struct outbox *out);

/* A peer is no longer active or asked: linked, and kept for a while. */
void view_unlink(struct overlay *o, int peer, int64_t now_ns);

void view_on_neighbor(struct overlay *o, int peer, const struct msg_neighbor *m,
                      int64_t now_ns, struct outbox *out);
void view_on_ack(struct overlay *o, int peer, const struct msg_neighbor_ack *m,
                 int64_t now_ns, struct outbox *out);
void view_on_disconnect(struct overlay *o, int peer, const struct msg_disconnect *m,
                        int64_t now_ns, struct outbox *out);

/* --- alarm.c */

/* True when a neighbour owes us an answer: others should not hear of it by us. */
bool view_is_doubted(const struct overlay *o, int peer);

/* Neighbours in doubt: their slots can be given away.  One of them, or -1. */
int view_doubts(const struct overlay *o);
int view_doubted(const struct overlay *o);

/* Some neighbours may be dead.  A spare is dialled for each before that is known: a
 * message that is under way would wait for it. */
void view_doubt(struct overlay *o, int64_t now_ns);

/* Neighbours that were asked because of an alarm and have not answered yet: they hold
 * their slots, but others are dialled. */
int view_unsure(const struct overlay *o);

/* Fewer neighbours than are needed are sure to be there; … */
bool view_is_short(const struct overlay *o);

/* … because some have just fallen silent: no time is to be lost. */
bool view_is_rushed(const struct overlay *o, int64_t now_ns);

/* So many peers are looked for now. */
int view_wanted(const struct overlay *o, int64_t now_ns);

/* Start to look for who is left, when many have fallen silent; a link has come of it. */
void view_rescue(struct overlay *o, int64_t now_ns, struct outbox *out);
void view_rescued(struct overlay *o, int64_t now_ns);

/* Some of them should have answered by now. */
void view_alarm_tick(struct overlay *o, int64_t now_ns);
int64_t view_alarm_due(const struct overlay *o);

/* --- walk.c */

/* True when it is a neighbour's id. */
bool view_is_neighbour(const struct overlay *o, const struct node_id *id);

/* True when a record that a peer sent may be kept: another node, at an address that we
 * can dial.  Counts it otherwise. */
bool view_is_sound(struct overlay *o, int peer, const struct peer_rec *rec);

/* Put the records that a peer sent into the passive view. */
void view_learn(struct overlay *o, int peer, const struct peer_recs *recs);

/* A random neighbour but not_peer (-1: any) and not not_id (NULL: any); -1: none. */
int view_pick(struct overlay *o, int not_peer, const struct node_id *not_id);

/* Begin a shuffle. */
void view_shuffle(struct overlay *o, int64_t now_ns, struct outbox *out);

/* Exchange records with a linked peer. */
void view_exchange(struct overlay *o, int peer, struct outbox *out);

void view_on_join(struct overlay *o, int peer, const struct msg_join *m, int64_t now_ns,
                  struct outbox *out);
void view_on_forward_join(struct overlay *o, int peer, const struct msg_forward_join *m,
                          int64_t now_ns, struct outbox *out);
void view_on_shuffle(struct overlay *o, int peer, const struct msg_shuffle *m,
                     int64_t now_ns, struct outbox *out);
void view_on_shuffle_reply(struct overlay *o, int peer,
                           const struct msg_shuffle_reply *m);

/* --- check.c */

/* Before a request is refused for want of room, ask those of our neighbours that were
 * silent.  False when there is nobody to be asked. */
bool view_check(struct overlay *o, int peer, bool is_urgent, int64_t now_ns,
                struct outbox *out);

/* The end of a check: drop who did not answer, and decide. */
void view_checked(struct overlay *o, int64_t now_ns, struct outbox *out);

/* Ask others about a silent peer. */
void view_question(struct overlay *o, int peer, struct outbox *out);

void view_on_probe(struct overlay *o, int peer, const struct msg_probe *m, int64_t now_ns,
                   struct outbox *out);
void view_on_probe_ack(struct overlay *o, const struct msg_probe_ack *m, int64_t now_ns);

/* --- island.c */

void view_island_init(struct overlay *o);

/* A new neighbour: tell it our tag. */
void view_island_greet(struct overlay *o, int peer, int64_t now_ns, struct outbox *out);

/* Ask a peer which island it is in. */
void view_island_ask(struct overlay *o, int peer, int64_t now_ns, struct outbox *out);

/* We are alone. */
void view_island_alone(struct overlay *o);

void view_on_island(struct overlay *o, int peer, const struct msg_island *m,
                    int64_t now_ns, struct outbox *out);

/* Pass on and renew the tag, dial an anchor. */
void view_island_tick(struct overlay *o, int64_t now_ns, struct outbox *out);
int64_t view_island_due(const struct overlay *o);

/* Ask a peer of another island for a slot, if need be by force. */
void view_merge(struct overlay *o, int peer, int64_t now_ns, struct outbox *out);

/* --- reach.c */

/* Before a shuffle: false when it need not walk, as records are exchanged otherwise. */
bool view_reach_may_walk(struct overlay *o, int64_t now_ns, struct outbox *out);

/* A shuffle went on a walk that should end in a dial to us; … */
void view_reach_walks(struct overlay *o, int64_t now_ns);

/* … or in no dial, as it came to somebody with a link to us. */
void view_reach_spared(struct overlay *o);

/* Let an open peer introduce others to us, if that is wanted. */
void view_reach_home(struct overlay *o, int peer, struct outbox *out);

/* A peer is gone. */
void view_reach_down(struct overlay *o, int64_t now_ns, struct outbox *out);

void view_on_reach(struct overlay *o, int peer, const struct msg_reach *m,
                   int64_t now_ns);
void view_reach_tick(struct overlay *o, int64_t now_ns, struct outbox *out);
int64_t view_reach_due(const struct overlay *o);
void view_reach_finish(struct overlay *o);

/* --- view.c */

/* Our own record is this from now on. */
void view_set_self(struct overlay *o, const struct peer_rec *self);

/* --- refill.c */

/* Do this with a peer: over its link when there is one, else by a dial. */
void view_want(struct overlay *o, const struct peer_rec *rec, int purposes,
               bool is_forced, int64_t now_ns, struct outbox *out);

/* A link stands: do what it was dialled for. */
void view_carry_out(struct overlay *o, int peer, const struct dial *d, int64_t now_ns,
                    struct outbox *out);

/* Do what is due, and set the next wake: the end of each call from outside. */
void view_settle(struct overlay *o, int64_t now_ns, struct outbox *out);

/* Set the next wake, where there is nothing to do. */
void view_plan(struct overlay *o, int64_t now_ns);

/* A peer refused, or did not answer. */
void view_refused(struct overlay *o, const struct node_id *id, int64_t now_ns);

/* The dial with this index failed. */
void view_dial_failed(struct overlay *o, int index, int64_t now_ns);

/* We have a neighbour again, or none any more, or one less. */
void view_gained(struct overlay *o, int64_t now_ns);
void view_lost(struct overlay *o, int64_t now_ns);

#endif
