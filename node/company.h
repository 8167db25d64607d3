/* What a node has only while it has to do with a party: the party, the swarm of its
 * songs, and its clock.  Begun when the user or a call gives reason to, given back as a
 * whole when nothing is left of it; a node without company needs none of this memory.
 * SPDX-License-Identifier: MIT */
#ifndef NODE_COMPANY_H
#define NODE_COMPANY_H

#include "clock/probe.h"
#include "node/event.h"
#include "node/songs.h"
#include "party/session.h"
#include "share/swarm.h"

struct node;
struct slot;

/* One who may be host next: its clock is known before it is. */
struct heir {
    struct node_id id;
    struct prober *prober; /* from the heap; NULL: none */
};

struct company {
    struct party party;
    struct swarm swarm;
    struct pooled pool[POOL_SLOTS];

    struct heir heirs[PARTY_HEIRS];
    struct node_id reference; /* whose raw clock the prober measures */
    struct prober *prober;    /* from the heap; NULL: none */
    struct clock_line line;   /* local raw to party time, as last published */
    bool is_line_stale;
    bool has_reference; /* there was one when the line was last looked at */
    int64_t line_wake_ns;
    int64_t map_wake_ns;
};

/* The company, begun where there was none. */
struct company *company_begin(struct node *n);

/* Give it back, whatever state it is in; when nothing is left of it and the driver knows
 * all that it said. */
void company_end(struct node *n);
void company_retire(struct node *n);

/* Without company these know what to say: no, and nothing. */
bool company_needs_link(const struct node *n, int peer);
void company_receive(struct node *n, int peer, const struct msg *m);
void company_share(struct node *n, int peer, const struct msg *m);
void company_flood_heard(struct node *n, const struct flood_id *id,
                         const struct msg_flood *m, const struct flood *f);
void company_peer_down(struct node *n, struct slot *s);

/* What was promised in elections: recalled at the start, written down before it is told,
 * and what follows when it is. */
void company_recall(struct node *n, const struct memory_item *item);
void company_promise(struct node *n);
void company_promised(struct node *n, struct bytes value, int err);

/* Tell the party how our sound is. */
void company_set_audio(struct node *n);

/* Tell the party who we are. */
void company_set_self(struct node *n);

#endif
