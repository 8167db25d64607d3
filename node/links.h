/* The table of links: dialling, the Noise handshake, HELLO, and the sealed frames between
 * that and the modules.  A slot of the table is what the modules call a peer.
 * SPDX-License-Identifier: MIT */
#ifndef NODE_LINKS_H
#define NODE_LINKS_H

#include "base/meter.h"
#include "node/event.h"
#include "overlay/bucket.h"
#include "secure/suite.h"

struct node;

enum slot_state {
    SLOT_DIALLING, /* the driver opens the connection */
    SLOT_SHAKING,  /* the handshake is under way */
    SLOT_GREETING, /* sealed; the peer's HELLO is awaited */
    SLOT_UP        /* a peer, known to the modules */
};

struct slot {
    uint8_t number;       /* its own, by which the modules know the peer */
    uint8_t observed_len; /* of the IP below; 0: none */
    uint8_t state : 2;    /* enum slot_state */
    bool is_dialled : 1;
    bool is_sharing : 1;  /* a member of the party, known to the swarm */
    bool is_told : 1;     /* the overlay knows already what became of this dial */
    bool is_choked : 1;   /* a frame found no room: nothing more is sent, it is closed */
    uint8_t how : 2;      /* enum link_how */
    bool is_second : 1;   /* PUNCHED: both dial, and the other end speaks first */
    bool from_listen : 1; /* dialled out of the port that we listen at */
    bool is_look : 1;     /* see links_look */
    uint32_t link;
    uint32_t contact;         /* its id and where it listens; valid when up: slot_rec */
    struct bucket_small asks; /* JOINs that get an answer, where there is no party */
    /* What the suite keeps, from the node's heap; NULL where there is none now. */
    void *session;
    void *more;     /* SHAKING: of the handshake; UP: of the datagrams */
    int64_t at_ns;  /* DIALLING: since then; SHAKING, GREETING: until then, TIME_NEVER:
                       for ever; UP: nobody has needed it since, TIME_NEVER: needed */
    uint64_t to_us; /* key id of its datagrams; valid from greeting on */
    uint64_t link_name;        /* what both ends call the link; valid from greeting on */
    uint64_t clock_id;         /* of the peer's raw clock; valid when up */
    char *name;                /* as its HELLO has it, from the heap; NULL: none */
    struct bucket_small meets; /* what it may have passed on; see node/meet.h */
    struct meter in;           /* bytes of frames that came … */
    struct meter out;          /* … and went */
    struct addr remote; /* other end of the connection; while dialling, the wanted one */
    uint8_t observed[16];          /* the IP at which the peer sees us; valid when up */
    uint8_t key[IDENTITY_KEY_LEN]; /* of the peer; valid from greeting on */
};

/* Who is at the other end of a link that is up, or of which the modules are told that it
 * is no more. */
const struct peer_rec *slot_rec(const struct node *n, const struct slot *s);
const char *slot_name(const struct slot *s);

/* Open a link to an address, unless one is there or on its way, or the table is full.
 * id is who should answer; all zero: whoever does. */
void links_dial(struct node *n, const struct addr *addr, const struct node_id *id);

/* Dial somebody who dials us at the same moment; is_second: he speaks first.  The link,
 * or 0 when there is no room for it. */
uint32_t links_punch(struct node *n, const struct addr *addr, bool is_second);

/* Dial an address only for the sake of the dial: what comes of it is closed when the
 * other end has said HELLO.  from_listen: it tells where it sees our listening port.
 * False when there is no room. */
bool links_look(struct node *n, const struct addr *addr, bool from_listen);

/* A dial that took too long; as if it had failed. */
void links_give_up(struct node *n, uint32_t link);

/* A slot for a link by way of another node, whose handshake links_begin then starts; NULL
 * when there is none. */
struct slot *links_relayed(struct node *n, const struct addr *remote, bool is_dialled);
void links_begin(struct node *n, struct slot *s);

/* Send one message to a peer at once, and not by the outbox. */
void links_say(struct node *n, int peer, const struct msg *m);

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

/* Close what took too long, and what nobody needs; next at n->links_wake_ns. */
void links_wake(struct node *n);

/* The state of the datagrams that go with a link, made at the first need; NULL when there
 * can be none. */
void *links_datagram(struct node *n, struct slot *s);

/* When the last reply to a probe of this peer left: beside that state, which must be
 * there. */
struct probe_echo *links_echo(const struct node *n, struct slot *s);

/* True when others than the overlay need this link: the party, an introduction, a link
 * that is relayed over it. */
bool links_carry(const struct node *n, int peer);

/* The peer with this id, or -1. */
int links_find(const struct node *n, const struct node_id *id);

/* For node/adopt.c: a slot for a link that nobody opened, NULL when there is none; … */
struct slot *links_adopt(struct node *n, uint32_t link, const struct addr *remote);

/* … the handshake has ended; … */
void links_agreed(struct slot *s, const struct suite_peer *peer, bool is_dialled);

/* … and the peer has said HELLO: it is up, from now on with another number. */
void links_greeted(struct node *n, struct slot *s, const struct node_id *id,
                   const struct msg_hello *h);

#endif
