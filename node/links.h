/* The table of links: dialling, the Noise handshake, HELLO, and the sealed frames between
 * that and the modules.  A slot of the table is what the modules call a peer.
 * SPDX-License-Identifier: MIT */
#ifndef NODE_LINKS_H
#define NODE_LINKS_H

#include "node/event.h"
#include "secure/suite.h"

struct node;

enum slot_state {
    SLOT_FREE,
    SLOT_DIALLING, /* the driver opens the connection */
    SLOT_SHAKING,  /* the handshake is under way */
    SLOT_GREETING, /* sealed; the peer's HELLO is awaited */
    SLOT_UP        /* a peer, known to the modules */
};

struct slot {
    enum slot_state state;
    bool is_dialled;
    bool is_sharing; /* a member of the party, known to the swarm */
    bool is_told;    /* the overlay knows already what became of this dial */
    bool is_choked;  /* a frame found no room: nothing more is sent, and it is closed */
    uint32_t link;
    struct addr remote;  /* other end of the connection; while dialling, the wanted one */
    int64_t deadline_ns; /* until HELLO; TIME_NEVER once up */
    int64_t idle_ns;     /* nobody has needed it since; TIME_NEVER: needed */
    /* What the suite keeps, from the node's heap; NULL where there is none now. */
    void *handshake;
    void *session;
    void *datagram;
    struct suite_peer peer; /* valid from greeting on */
    struct peer_rec rec;    /* id and where it listens; valid when up */
    struct addr observed;   /* where the peer sees us; valid when up */
    uint64_t clock_id;
    int64_t ask_ns; /* JOINs before this get no answer, where there is no party */
    char name[MSG_NAME_MAX + 1];
};

/* Open a link to an address, unless one is there or on its way, or the table is full.
 * id is who should answer; all zero: whoever does. */
void links_dial(struct node *n, const struct addr *addr, const struct node_id *id);

void links_opened(struct node *n, uint32_t link, bool is_dialled,
                  const struct addr *remote);
void links_closed(struct node *n, uint32_t link, int err);
void links_received(struct node *n, uint32_t link, struct bytes frame);

/* Close a link after what was sent on it, and tell the modules if it was a peer. */
void links_drop(struct node *n, int peer);

/* Seal and send what the modules pushed into the outbox. */
void links_flush(struct node *n);

/* Close the links on which a frame found no room: what the modules said must arrive, or
 * the peer be gone.  True when there were any. */
bool links_close_choked(struct node *n);

/* Give all the memory of the slots back, wiped. */
void links_wipe(struct node *n);

/* Close what took too long, and what nobody needs. */
void links_wake(struct node *n);
int64_t links_wake_ns(const struct node *n);

/* The state of the datagrams that go with a link, made at the first need; NULL when there
 * can be none. */
void *links_datagram(struct node *n, struct slot *s);

/* The peer with this id, or -1. */
int links_find(const struct node *n, const struct node_id *id);

#endif
