/* Messages on their way out of one step: the pure modules push them here, the node seals
 * and sends them in the same order.  The memory belongs to the driver and is shared by
 * all nodes of a simulation.  SPDX-License-Identifier: MIT */
#ifndef WIRE_OUTBOX_H
#define WIRE_OUTBOX_H

#include "wire/msg.h"

#define OUTBOX_PEERS_MAX 128 /* slots of a node's table of peers */
#define OUTBOX_ITEMS_MAX 256
#define OUTBOX_BYTES_MAX (1024 * 1024)

struct outbox_item {
    int peer; /* slot of the peer in the node's table */
    size_t start;
    size_t len;
};

struct outbox {
    int count;
    size_t used;
    int64_t dropped; /* messages that found the box full */
    struct outbox_item items[OUTBOX_ITEMS_MAX];
    uint8_t data[OUTBOX_BYTES_MAX];
};

/* Forget all that is in it; the count of dropped ones stays. */
void outbox_clear(struct outbox *o);

/* Encode m for the peer.  A message that finds no room is dropped and counted. */
void outbox_push(struct outbox *o, int peer, const struct msg *m);

/* A PING or PONG, the most frequent of all. */
void outbox_push_ping(struct outbox *o, int peer, enum msg_type type, uint32_t seq);

/* The same message for all these peers but one (-1: for all); it is encoded once.  The
 * peers that it is for. */
int outbox_push_all(struct outbox *o, const int *peers, int count, int but,
                    const struct msg *m);

#endif
