/* What the queue holds: an event on its way to a node, or something between nodes.  For
 * the files of the world only.  SPDX-License-Identifier: MIT */
#ifndef SIM_HAPPENING_H
#define SIM_HAPPENING_H

#include "sim/world.h"

#define WORLD_ITSELF UINT32_MAX /* as destination: the experiment */

enum happening_kind {
    HAPPENING_EVENT,   /* event for a node */
    HAPPENING_WAKE,    /* its armed wake */
    HAPPENING_CONNECT, /* the dial of a link reaches the other machine */
    HAPPENING_CLOCK,   /* time to tell the system's clock */
    HAPPENING_AUDIO,   /* time to tell what the sound card does */
    HAPPENING_TICK     /* of the experiment */
};

struct happening {
    enum happening_kind kind;
    uint32_t life;         /* of the node that it is for */
    struct net_link *link; /* that it is about; NULL: none */
    int end;               /* … and the end that it reaches */
    int64_t rx_true_ns;    /* of a datagram */
    uint64_t number;       /* of a wake, or the token of a tick */
    struct event event;
    size_t len;
    uint8_t data[]; /* what event points to */
};

/* A happening with room for len bytes. */
struct happening *happening_new(enum happening_kind kind, size_t len);

/* Put it on the way; the queue takes it. */
void happening_post(struct world *w, struct happening *h, int from, uint32_t to,
                    int64_t at_ns);

/* An event for a node's own self, in its present life. */
void happening_post_self(struct world *w, struct happening *h, int node,
                         int64_t delay_ns);

void link_ref(struct net_link *l);
void link_unref(struct net_link *l);

/* The link side of the world (sim/links.c). */
void links_open(struct world *w, int node, uint32_t id, const struct addr *to);
void links_close(struct world *w, int node, uint32_t id);
void links_send(struct world *w, int node, uint32_t id, struct bytes frame);
void links_connect(struct world *w, struct happening *h);
void links_forget(struct world *w, int node, bool is_dark);

/* True when an event of a link may still be delivered; one that ends it ends it. */
bool links_admit(struct world *w, const struct happening *h);

/* The store side (sim/disk.c). */
void disk_effect(struct world *w, int node, const struct effect *e);
void disk_remember(struct world_node *n, const struct memory_item *item);

#endif
