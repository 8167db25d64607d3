/* Is the peer at the other end of a link alive, and how far away is it?
 *
 * Any message counts as a sign of life.  After a silence a PING asks: that of who dialled
 * comes a little earlier, so that one is enough for both.  When the answer is
 * late, phi accrual (base/phi.h) says when that is suspicious; then others are asked
 * (SWIM's indirect probe), and only when nobody has heard of the peer either it is
 * reported dead, once, and the node closes the link.
 *
 * Time in which we ourselves were held up, as the node knows, is nobody's silence: it is
 * taken off, and for a while we are more patient with everybody (the local health of
 * Lifeguard).
 * SPDX-License-Identifier: MIT */
#ifndef OVERLAY_LIVENESS_H
#define OVERLAY_LIVENESS_H

#include "base/sparse.h"
#include "overlay/bucket.h"
#include "base/phi.h"
#include "wire/outbox.h"

/* PINGs whose answers can still be told apart. */
#define LIVENESS_SENT_MAX 2

struct liveness_params {
    int peers_max;                /* slots of the node's table of peers: 64 */
    int64_t idle_ns;              /* a silence of so long is asked about: 10 s */
    int64_t leave_ns;             /* … so much later by who was dialled: 1 s */
    int64_t early_ns;             /* who is due within this is asked too: 500 ms */
    int64_t measure_ns;           /* a PING at least so often, for the RTT: 120 s */
    int64_t timeout_min_ns;       /* of one PING: max(this, timeout_rtts * RTT): 1 s */
    int64_t timeout_max_ns;       /* … but at most this: 10 s */
    int timeout_rtts;             /* 4 */
    int64_t grain_ns;             /* signs of life closer than this are one: 50 ms */
    int phi_suspect_milli;        /* 8000 */
    int64_t suspect_min_ns;       /* no silence shorter than this is suspicious: 8 s */
    int64_t suspect_max_ns;       /* … and every one longer than this is: 20 s */
    int64_t probe_ns;             /* others have so long to answer; 0: none is asked:
                                     1.5 s */
    int probes_max;               /* a peer that only others hear is kept so often: 3 */
    int64_t late_min_ns;          /* an answer is late after max(this, …: 100 ms */
    int late_half_rtts;           /* … so many half RTTs): 3 */
    int health_max;               /* stalls counted: 7 */
    int64_t health_ns;            /* one is forgotten in this time: 10 s */
    struct bucket_rate ping_rate; /* PINGs of a peer that are answered: 2/s, burst 10 */
    struct phi_params phi;
};

/* What is known of a link. */
enum liveness_mood {
    LIVENESS_WELL,    /* heard of late */
    LIVENESS_ASKED,   /* a PING is under way, and late at next_ns */
    LIVENESS_SUSPECT, /* others were asked; dead at next_ns */
    LIVENESS_DEAD,    /* waits for liveness_take_dead */
    LIVENESS_TAKEN    /* the verdict is final */
};

struct liveness_peer {
    int64_t heard_ns;
    int64_t next_ns;                  /* of the next PING, or the verdict */
    uint32_t sent[LIVENESS_SENT_MAX]; /* when PING seq % max left, in 2^10 ns */
    uint32_t rtt;                     /* smoothed, in 2^10 ns */
    struct bucket_small pings;
    uint32_t gap_mean_us;  /* struct phi in few bytes … */
    uint32_t gap_variance; /* … the upper 26 bits and how many are below; us2 */
    uint16_t seq;          /* of the next PING */
    uint8_t gaps;
    uint8_t slot;     /* its number, which the node gives it */
    uint8_t mood;     /* enum liveness_mood */
    uint8_t tries;    /* PINGs since the last sign of life */
    uint8_t vouched;  /* times that others kept it alive since then */
    uint8_t open : 2; /* bit i: sent[i] is not answered yet */
    uint8_t has_rtt : 1;
    uint8_t has_question : 1; /* waits for liveness_take_question */
    uint8_t is_doubted : 1;   /* see liveness_doubt */
    uint8_t is_ours : 1;      /* we dialled it */
    uint8_t is_late : 1;      /* see liveness_late */
};

struct liveness {
    const struct liveness_params *p;
    struct heap *heap;
    struct sparse slots; /* that have a row in peers */
    struct liveness_peer *peers;
    int dead_count;      /* verdicts that wait for liveness_take_dead */
    int question_count;  /* … questions for liveness_take_question */
    int16_t doubt_count; /* peers in doubt, or late */
    bool has_doubts;     /* … and new ones since liveness_take_doubts */
    uint8_t health;      /* stalls of our own of late, 0..health_max */
    uint32_t limited;    /* PINGs over their rate */
    int64_t wake_ns;     /* no deadline is earlier */
    int64_t health_ns;   /* when health last changed */
    uint32_t dead;       /* peers reported so far */
    uint32_t suspected;  /* times that others were asked */
    uint32_t vouched;    /* … and one had heard of it */
    uint32_t stray;      /* PONGs that nobody asked for */
};

struct liveness_params liveness_params_default(void);

/* Keeps p and heap. */
void liveness_init(struct liveness *l, const struct liveness_params *p,
                   struct heap *heap);

/* Gives all memory back. */
void liveness_finish(struct liveness *l);

/* is_ours: we dialled it.  Then it is ours to ask when nothing is said, and a PING with
 * its answer tells both ends; the other one asks when it waits in vain. */
void liveness_peer_up(struct liveness *l, int peer, bool is_ours, int64_t now_ns);
void liveness_peer_down(struct liveness *l, int peer);

/* Something came from the peer. */
void liveness_heard(struct liveness *l, int peer, int64_t now_ns);

/* MSG_PING: answered.  MSG_PONG: measured.  Both count as heard. */
void liveness_receive(struct liveness *l, int peer, const struct msg *m, int64_t now_ns,
                      struct outbox *out);

/* Ask the peer now, unless a PING is under way. */
void liveness_ask(struct liveness *l, int peer, int64_t now_ns, struct outbox *out);

/* The peer should have acknowledged something by now.  It is in doubt until it is heard;
 * that is no verdict, but who has too few neighbours looks for others meanwhile. */
void liveness_doubt(struct liveness *l, int peer);
bool liveness_is_doubted(const struct liveness *l, int peer);

/* The peer could have answered something by now, and has said nothing since: it is late
 * until it is heard.  One alone may just have work to do, and so this means nothing; when
 * many are late at once, the power may be cut where they are. */
void liveness_late(struct liveness *l, int peer);
bool liveness_is_late(const struct liveness *l, int peer);

/* From the question on, so long is no answer late. */
int64_t liveness_late_ns(const struct liveness *l, int peer);

/* True once after there were new doubts, or late ones. */
bool liveness_take_doubts(struct liveness *l);

/* We were held up for so long: answers may lie unread, so nobody is judged by that time.
 */
void liveness_held_up(struct liveness *l, int64_t for_ns, int64_t now_ns);

int64_t liveness_wake_ns(const struct liveness *l);
void liveness_wake(struct liveness *l, int64_t now_ns, struct outbox *out);

/* The next peer that is dead: close its link.  Call until false after each wake. */
bool liveness_take_dead(struct liveness *l, int *peer);

/* The next peer of whom others should be asked whether they hear it. */
bool liveness_take_question(struct liveness *l, int *peer);

/* Somebody has just heard of the peer. */
void liveness_vouch(struct liveness *l, int peer, int64_t now_ns);

/* How suspicious the silence of a peer is: 1000 phi. */
int64_t liveness_phi_milli(const struct liveness *l, int peer, int64_t now_ns);

/* The smoothed round trip (RFC 6298: 1/8 of each sample); -1: not measured yet. */
int64_t liveness_rtt_ns(const struct liveness *l, int peer);

/* When the peer was last heard. */
int64_t liveness_heard_ns(const struct liveness *l, int peer);

#endif
