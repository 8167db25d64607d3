/* Links to nodes that cannot be dialled.  Whoever wants one goes to the node that the
 * record names, a peer of both, which passes a few short messages on:
 *
 *   ASK to the hidden node, and its ANSWER.  Who can be dialled is dialled back.  Where
 *   both are hidden, but seen at one address by all whom they dial, the asker says NOW
 * and both dial after half a round trip: two SYNs that cross are a connection, and each
 * NAT takes the other's for an answer.  After punch_tries, or where that cannot be, the
 *   common peer relays (node/relay.h), if the asker is short of neighbours.
 *
 * The host in an address is the one that the common peer sees, so nobody makes others
 * dial a third.  SPDX-License-Identifier: MIT */
#ifndef NODE_MEET_H
#define NODE_MEET_H

#include "overlay/bucket.h"
#include "wire/msg.h"

struct node;
struct meets;

struct meet_params {
    int meetings_max;         /* that a node asks for at a time: 8 */
    int64_t via_ns;           /* until the node that introduces is reached: 6 s */
    int64_t answer_ns;        /* from ASK to ANSWER: 2 s */
    int64_t dialled_ns;       /* until the other end has dialled us: 3 s */
    int64_t punch_ns;         /* for both SYNs to cross: 2 s */
    int punch_tries;          /* 3 */
    struct bucket_rate rate;  /* of messages of one node for all others: 4/s, burst 32 */
    struct bucket_rate dials; /* that others make a node try: 2/s, burst 8 */
};

struct meet_params meet_params_default(void);

/* A link to a node whose record says by whom it is introduced.  It ends as a dial does:
 * in overlay_peer_up, overlay_dial_duplicate or overlay_dial_failed. */
void meet_dial(struct node *n, const struct peer_rec *rec);

/* The same to a node to which carrier relays a link already, so that it need not; nothing
 * comes of a failure. */
void meet_again(struct node *n, const struct node_id *id, int carrier);

void meet_receive(struct node *n, int peer, const struct msg_meet *m);

/* What became of links; remote: the other end as it was dialled. */
void meet_peer_up(struct node *n, int peer);
void meet_peer_down(struct node *n, int peer);
void meet_link_failed(struct node *n, uint32_t link, const struct addr *remote);
void meet_dial_failed(struct node *n, const struct addr *addr);

/* True while this peer is needed to introduce us to somebody. */
bool meet_needs(const struct node *n, int peer);

void meet_wake(struct node *n);
int64_t meet_wake_ns(const struct node *n);

void meet_finish(struct node *n);

#endif
