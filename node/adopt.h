/* Links and acquaintances without the messages that lead to them: for simulations that
 * begin with a network which has been up for long.  No shipped program calls it.
 * SPDX-License-Identifier: MIT */
#ifndef NODE_ADOPT_H
#define NODE_ADOPT_H

#include "node/node.h"

/* One end of a link that stands: handshake done, HELLOs exchanged, both neighbours.  The
 * other node must get the same with ends swapped. */
struct node_adoption {
    uint32_t link; /* even where we dialled, as a dial would have named it */
    bool is_dialled;
    struct addr remote;                  /* other end of the connection */
    struct addr listen;                  /* where the peer listens */
    struct addr observed;                /* where it sees us */
    uint8_t peer_seed[SECURE_SEED_LEN];  /* its identity grows from it */
    uint8_t entropy[2][SECURE_SEED_LEN]; /* of the handshake: who dialled, who accepted */
};

/* Before the node's first event.  out is only borrowed, and empty afterwards.  False when
 * there is no slot, or the keys do not fit each other. */
bool node_adopt(struct node *n, const struct node_adoption *a, int64_t now_ns,
                struct effects *out);

/* Other nodes that it has heard of: their records, interned in the node's contacts, as
 * passive_fill takes them. */
int node_acquaint(struct node *n, const uint32_t *contacts, const uint16_t *tags,
                  int count);

#endif
