/* Links by way of a third node: where two cannot dial each other, a common peer passes
 * the frames of their link on.  The handshake is theirs, so it can read nothing.  It
 * bounds what it does for others: circuits, their rate, and their time, unless they are
 * renewed. An end knows the link by the peer that carries it and the id at the far end.
 *
 * Control traffic only: a frame with a block of a song is too long, and no songs are
 * shared over such a link.  SPDX-License-Identifier: MIT */
#ifndef NODE_RELAY_H
#define NODE_RELAY_H

#include "overlay/bucket.h"
#include "wire/msg.h"

struct node;
struct relays;

struct relay_params {
    int ends_max;     /* relayed links of our own: 8 */
    int circuits_max; /* that we carry for others: 8 */
    int64_t life_ns;  /* of a circuit that is not renewed: 600 s */
    int64_t again_ns; /* until the opener tries to do without; then doubled: 20 s */
    struct bucket_rate rate; /* of a circuit, in KiB: 32/s, burst 64 */
};

struct relay_params relay_params_default(void);

/* Begin a link to a node over a peer of ours; false when there is no room for it. */
bool relay_open(struct node *n, int carrier, const struct peer_rec *rec);

void relay_receive(struct node *n, int peer, const struct msg_relay *m);

/* One frame of a relayed link; false when it cannot be sent. */
bool relay_send(struct node *n, uint32_t link, struct bytes frame);

/* The link is closed by us (the far end hears of it), or is gone. */
void relay_close(struct node *n, uint32_t link);
void relay_forget(struct node *n, uint32_t link);

/* A peer is gone, and all that it carried, or that we carried for it. */
void relay_peer_down(struct node *n, int peer);

/* True when this peer carries a link of ours, or we carry one for it. */
bool relay_needs(const struct node *n, int peer);

/* Links that we carry for others. */
int relay_circuits(const struct node *n);

void relay_wake(struct node *n);
int64_t relay_wake_ns(const struct node *n);

void relay_finish(struct node *n);

#endif
