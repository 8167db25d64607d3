/* Floods and the replies to them: signing ours, checking others', passing both on.
 * SPDX-License-Identifier: MIT */
#ifndef NODE_FLOODS_H
#define NODE_FLOODS_H

#include "wire/msg.h"

struct node;
struct slot;

/* MSG_FLOOD (or, is_tree, MSG_GOSSIP), and MSG_REPLY, MSG_DIGEST … MSG_PULL, from a
 * peer. */
void floods_receive(struct node *n, int peer, const struct msg_flood *m, bool is_tree);
void floods_receive_other(struct node *n, int peer, const struct msg *m);

/* A peer is there, and has missed what was flooded before; and it is gone. */
void floods_peer_up(struct node *n, int peer);
void floods_peer_down(struct node *n, const struct slot *s);

/* It has too many points: say why, and close its link for a while. */
void floods_cut_off(struct node *n, int peer);

/* Flood a test message with a body of so many bytes, or with ttl 0 send it along the
 * trees.  False when it is too long. */
bool floods_test(struct node *n, int ttl, int bytes);

/* Sign and send what the party wants flooded or answered. */
void floods_flush(struct node *n);

#endif
