/* One whole participant as a deterministic state machine: joins overlay, clock, share and
 * party behind one step.  It does no I/O, reads no clock, takes no memory after init, and
 * draws all chance and all secrets from the seeds that it is given.
 * SPDX-License-Identifier: MIT */
#ifndef NODE_NODE_H
#define NODE_NODE_H

#include "base/arena.h"
#include "base/pool.h"
#include "node/event.h"
#include "node/params.h"

struct node;
struct contacts;

/* What a node is, as opposed to how it behaves (struct node_params). */
struct node_identity {
    uint8_t identity_seed[32]; /* kept across restarts: the node's key grows from it */
    uint8_t entropy[32];       /* fresh at each start */
};

/* Where a node lives.  Pool and contacts may serve many nodes of one thread; they must
 * outlive the node. */
struct node_memory {
    struct arena *arena; /* what it takes once */
    struct pool *pool;   /* what comes and goes */
    struct contacts *contacts;
};

/* A node in this memory; NULL when the arena is too small, or libsodium cannot be used.
 * Keeps params, which many nodes may share; copies setup, whose key and the seeds are to
 * be wiped afterwards. */
struct node *node_create(const struct node_memory *memory,
                         const struct node_params *params, const struct node_setup *setup,
                         const struct node_identity *seeds);

/* Carry out one event.  The driver then carries out the effects, in order. */
void node_step(struct node *n, const struct event *e, struct effects *out);

/* Wipe the keys and give all that came from the pool back.  The rest stays the arena's;
 * the node is no more. */
void node_destroy(struct node *n);

/* All that the node holds, in bytes: from the arena, and from the pool as rounded up by
 * it.  Contact records are shared, and not counted. */
size_t node_bytes(const struct node *n);

/* Looks inside for the simulator's invariants and the tests; never changes anything.  The
 * party is an idle one where there is none. */
const struct party *node_party(const struct node *n);
const struct overlay *node_overlay(const struct node *n);
const struct floods *node_floods(const struct node *n);
const struct tree *node_tree(const struct node *n);   /* NULL: none */
const struct swarm *node_swarm(const struct node *n); /* NULL: none */
const struct invites *node_invites(const struct node *n);
const struct node_id *node_self(const struct node *n);

const struct utc *node_utc(const struct node *n);

/* The node's own estimate of party time, as EFFECT_CLOCK last told it. */
const struct clock_line *node_party_line(const struct node *n);

#endif
