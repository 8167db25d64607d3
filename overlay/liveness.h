/* Is the peer at the other end of a link alive, and how far away is it?
 *
 * Any message counts as a sign of life.  After a silence a PING asks; when a few of them
 * stay unanswered the peer is reported dead, once, and the node closes the link.  A late
 * wake (this process was stopped) is no verdict: it asks once more.
 * SPDX-License-Identifier: MIT */
#ifndef OVERLAY_LIVENESS_H
#define OVERLAY_LIVENESS_H

#include "base/pool.h"
#include "overlay/bucket.h"
#include "wire/outbox.h"

/* PINGs whose answers can still be told apart. */
#define LIVENESS_SENT_MAX 4

struct liveness_params {
    int peers_max;                /* slots of the node's table of peers: 64 */
    int64_t idle_ns;              /* a silence of so long is asked about: 5 s */
    int64_t measure_ns;           /* a PING at least so often, for the RTT: 30 s */
    int64_t timeout_min_ns;       /* of one PING: max(this, timeout_rtts * RTT): 1 s */
    int64_t timeout_max_ns;       /* … but at most this: 10 s */
    int timeout_rtts;             /* 4 */
    int tries;                    /* PINGs without a sign of life: 3 */
    struct bucket_rate ping_rate; /* PINGs of a peer that are answered: 2/s, burst 10 */
};

struct liveness_peer {
    bool is_up;
    bool is_dead;  /* waits for liveness_take_dead, or was taken: */
    bool is_taken; /* the verdict is final */
    int tries;     /* PINGs since the last sign of life */
    uint32_t seq;  /* of the next PING */
    int64_t
        sent_ns[LIVENESS_SENT_MAX]; /* when PING seq % max left; -1: answered, or none */
    int64_t heard_ns;
    int64_t asked_ns;   /* the last PING */
    int64_t next_ns;    /* of the next PING, or the verdict */
    int64_t rtt_ns;     /* smoothed; -1: not measured yet */
    int64_t rtt_min_ns; /* the least of all; -1: not measured yet */
    struct bucket pings;
};

struct liveness {
    const struct liveness_params *p;
    struct heap *heap;
    struct liveness_peer *peers; /* by slot, room of them */
    int room;
    int dead_count;  /* verdicts that wait for liveness_take_dead */
    int64_t wake_ns; /* no deadline is earlier */
    int64_t dead;    /* peers reported so far */
    int64_t stray;   /* PONGs that nobody asked for */
    int64_t limited; /* PINGs over their rate */
};

struct liveness_params liveness_params_default(void);

/* Keeps p and heap. */
void liveness_init(struct liveness *l, const struct liveness_params *p,
                   struct heap *heap);

/* Gives all memory back. */
void liveness_finish(struct liveness *l);

void liveness_peer_up(struct liveness *l, int peer, int64_t now_ns);
void liveness_peer_down(struct liveness *l, int peer);

/* Something came from the peer. */
void liveness_heard(struct liveness *l, int peer, int64_t now_ns);

/* MSG_PING: answered.  MSG_PONG: measured.  Both count as heard. */
void liveness_receive(struct liveness *l, int peer, const struct msg *m, int64_t now_ns,
                      struct outbox *out);

int64_t liveness_wake_ns(const struct liveness *l);
void liveness_wake(struct liveness *l, int64_t now_ns, struct outbox *out);

/* The next peer that is dead: close its link.  Call until false after each wake. */
bool liveness_take_dead(struct liveness *l, int *peer);

/* The smoothed round trip (RFC 6298: 1/8 of each sample); -1: not measured yet. */
int64_t liveness_rtt_ns(const struct liveness *l, int peer);

/* When the peer was last heard. */
int64_t liveness_heard_ns(const struct liveness *l, int peer);

#endif
