/* Floods: how a message reaches all nodes within a number of hops, once each, and how the
 * answers find their way back.
 *
 * Every id is remembered until the flood that it names has expired, so that no copy is
 * ever handled twice; when the memory is full new floods are refused, never valid ids
 * forgotten. Order of the checks, cheap first: seen, hops, time, per-link rate,
 * per-origin rate; then the node checks the signature; only then flood_commit.
 *
 * What is sent on a link must be answered there (hop acknowledgement), and what is fresh
 * is offered on each new link (overlay/recent.h), so that a flood gets through a network
 * that is just falling apart.  All memory comes with floods, and goes when they are over.
 * SPDX-License-Identifier: MIT */
#ifndef OVERLAY_FLOOD_H
#define OVERLAY_FLOOD_H

#include "base/sparse.h"
#include "overlay/bucket.h"
#include "overlay/liveness.h"
#include "overlay/seen.h"
#include "wire/outbox.h"

/* Most copies sent on one link that wait for their answer. */
#define FLOOD_UNACKED_MAX 16

struct flood_params {
    int peers_max;                  /* slots of the node's table of peers: 64 */
    int seen_max;                   /* floods remembered: 16,384; see flood_seen_needed */
    int origins_max;                /* origins whose rate is known: 256 */
    int answers_max;                /* newest answers known, against doubles: 512 */
    int ttl_max;                    /* hops of any flood or reply: 12 */
    int forward_max;                /* a flood that made so many hops is not passed on; 0
                                       makes a black hole: 12 */
    int life_max_s;                 /* of any flood: 150 */
    int64_t skew_ns;                /* tolerated between two UTC clocks: 30 s */
    int64_t route_ns;               /* the way back is known so long: 180 s */
    struct bucket_rate link_rate;   /* unseen floods of one link: 25/s, burst 50 */
    struct bucket_rate origin_rate; /* of one origin: 1 in 10 s, burst 5 */
    struct bucket_rate node_rate;   /* of all: 50/s, burst 200 */

    struct bucket_rate alone_rate; /* floods that one link brings and no two others: 1 in
                                      3 s, burst 4; a period of 0: any number */
    int alone_new;                 /* … so many of a new link: 2 */
    int alone_own;  /* … and so many more that its peer signed itself: 3 */
    int alone_fine; /* … and so many beyond it count as one: 2 */
    int unsure_max; /* ids of floods that wait for a second link: 128 */

    struct bucket_rate reply_rate; /* replies of one flood: 10/s, burst 32 */
    struct bucket_rate reply_link; /* replies of one link: 20/s, burst 64 */
    int replies_max;               /* replies of one flood: 64 */

    bool has_acks;  /* what is sent on a link must be answered there: true */
    int64_t ack_ns; /* … within max(this, ack_rtts * RTT): 400 ms */
    int ack_rtts;   /* so many round trips, where they are long: 3 */
    int dead_waits; /* then a PING has so many times as long: 2 */

    bool has_push;     /* what is fresh is offered on each new link: true */
    int64_t recent_ns; /* fresh is what is younger: 60 s */
    int64_t repair_ns; /* after the loss of a neighbour all new links count, not only new
                          neighbours: 10 s */
    bool greets_all;   /* … and else too, so that what a hole has swallowed comes late
                          rather than never: true */
    int64_t urgent_ns; /* in repair what is younger than this is sent unasked … */
    int urgent_max;    /* … on links that we dial, but so many at most: 5 s, 4 */
    size_t recent_bytes;          /* what is kept for it at most: 64 KiB */
    int wanted_max;               /* ids asked for and not come yet: 64 */
    struct bucket_rate id_rate;   /* ids of one link: 200/s, burst 400 */
    struct bucket_rate pull_rate; /* floods asked for by one link: 50/s, burst 128 */

    struct bucket_rate check_link; /* signatures checked for one link: 40/s, burst 100 */
    struct bucket_rate check_node; /* … and for all: 200/s, burst 400 */
    struct bucket_rate byte_link;  /* bytes of one link: 64 KiB/s, burst 256 KiB */

    bool has_scores;      /* offenders are cut off: true */
    int score_max;        /* points at which a link is cut off: 60 */
    int64_t score_ns;     /* one point is forgiven in this time: 10 s */
    int excess_points;    /* for each message over a rate: 1 */
    int signature_points; /* … that fails its cheap checks or its signature: 20 */
    int broken_points;    /* … that was announced, asked for and not sent: 5 */
};

/* What the overlay must know of a flood. */
struct flood_head {
    struct flood_id id;
    const uint8_t *origin; /* KEY_LEN bytes */
    int peer;              /* it came from; -1: it is our own */
    bool is_from_origin;   /* … and that peer is the origin itself */
    bool is_tree;          /* it goes along a tree: ttl is the most that those allow */
    uint8_t hops;          /* as received; 1 for our own */
    uint8_t ttl;
    uint16_t life_s;
    int64_t age_ns; /* UTC now minus its created_ms; 0 when either is not known */
};

enum flood_verdict {
    FLOOD_NEW,       /* handle and forward it (after the signature and flood_commit) */
    FLOOD_DUPLICATE, /* seen before */
    FLOOD_LIMITED,   /* over a rate, or no room to remember it */
    FLOOD_EXPIRED,   /* too old, from the future, or meant to live too long */
    FLOOD_BAD_HOPS   /* a count of hops that cannot be */
};

enum flood_reply_verdict {
    FLOOD_REPLY_OWN,     /* the flood was ours: handle the reply */
    FLOOD_REPLY_PASS,    /* send it on to the peer *route */
    FLOOD_REPLY_LOST,    /* no such flood, or the way back is gone */
    FLOOD_REPLY_DOUBLE,  /* this answerer has answered before (commit only) */
    FLOOD_REPLY_LIMITED, /* over a rate or a cap */
    FLOOD_REPLY_BAD_HOPS
};

/* Everything that came or went, by what became of it; modulo 2^32. */
struct flood_counts {
    uint32_t admitted;
    uint32_t sent;       /* copies sent or forwarded */
    uint32_t held;       /* … not sent, only named: the link's rate was used up, or the
                            copy that came first was at its last hop */
    uint32_t pushed;     /* … sent because a peer asked for them */
    uint32_t unanswered; /* copies that got no answer in time */
    uint32_t silent;     /* links that were found dead by it */
    uint32_t broken;     /* floods that a peer named and did not send */
    uint32_t unchecked;  /* dropped as too many signatures were to be checked */
    uint32_t bytes_limited;
    uint32_t ids_limited;
    uint32_t duplicates;
    uint32_t bad_hops;
    uint32_t expired;
    uint32_t link_limited;
    uint32_t origin_limited;
    uint32_t node_limited;
    uint32_t alone_limited; /* one link alone brought it, that has brought too many */
    uint32_t cache_full;
    uint32_t replies; /* handled or passed on */
    uint32_t replies_lost;
    uint32_t replies_double;
    uint32_t replies_limited;
    uint32_t replies_bad_hops;
};

/* The newest flood that was handled. */
struct flood_newest {
    struct flood_id id;
    int64_t at_ns;
    uint8_t hops; /* as it came; 0: our own, or there was none yet */
};

struct flood_origin;
struct flood_body;
struct flood_wanted;
struct flood_unsure;
struct flood_unacked;

/* What is left of floods that are long over. */
struct flood_past {
    struct flood_newest newest;
    struct flood_counts counts;
};

#define FLOOD_MORES 4

/* Answers to a flood that are only counted. */
struct flood_more {
    struct flood_id id;
    uint32_t count;
    uint32_t told; /* … to whom the flood came from */
};

/* What there is while floods are remembered. */
struct flood_state {
    struct seen seen;
    struct bucket node;          /* of node_rate */
    struct flood_unsure *unsure; /* unsure_max, the newest ones a ring; NULL: none */
    int unsure_count;
    int unsure_next;
    struct flood_origin *origins;
    int origin_count;
    int origin_room;
    uint64_t *answers; /* answer_room of them, at answers_max a ring; NULL: none */
    int answer_room;
    int answer_next;
    struct flood_more *mores; /* FLOOD_MORES of them; NULL: none */
    int more_next;            /* the oldest */
    struct bucket checks;
    struct flood_body *oldest; /* what is kept to be sent again; NULL: nothing */
    struct flood_body *newest_body;
    size_t body_bytes;
    struct flood_wanted *wanted; /* wanted_room of them */
    int wanted_count;
    int wanted_room;
    struct flood_unacked *unacked; /* copies that wait for an answer, on all links */
    int unacked_count;
    int unacked_room;
    int suspects;
};

/* What there is of a link once floods have come on it. */
struct flood_traffic {
    struct bucket floods; /* from it */
    struct bucket sends;  /* to it */
    struct bucket alone;  /* what no two others brought too */
    struct bucket replies;
    struct bucket checks;
    struct bucket bytes;
    struct bucket ids;
    struct bucket pulls;
    struct bucket score;   /* its debt: a token for each point */
    int64_t suspect_ns;    /* dead, unless it is heard before; 0: not suspected */
    int64_t pinged_ns;     /* when the suspicion began */
    uint8_t unacked_count; /* copies sent to it that wait for an answer */
};

struct flood_link {
    struct flood_traffic *traffic; /* NULL: nothing came yet, or of late */
    uint32_t up_s;                 /* when it began */
    uint16_t generation;           /* tells it from other links that the slot had */
    uint8_t slot;                  /* its number, which the node gives it */
    bool is_neighbour : 1;         /* and was greeted as one */
    bool is_dead : 1;              /* waits for flood_take_dead */
    bool is_abuser : 1;            /* waits for flood_take_abuser */
};

struct floods {
    const struct flood_params *p;
    struct heap *heap;
    struct liveness *liveness; /* round trips; NULL: none are known */
    struct flood_state *state; /* NULL: no flood is remembered */
    struct flood_past *past;   /* NULL: there never was one */
    struct sparse slots;       /* that have a row in links */
    struct flood_link *links;
    uint16_t generation; /* of the newest link */
    uint64_t key;
    int64_t wake_ns;         /* no deadline is earlier */
    int64_t repair_until_ns; /* every new link is offered what is fresh */
    int64_t tidy_ns;         /* when to look what is over; TIME_NEVER: there is nothing */
    int marks;               /* links that are dead or abusers */
    uint32_t active_version; /* the caller's, of its last flood_set_active */
};

struct flood_params flood_params_default(void);

/* The floods that can be valid at once, so that seen_max must not be less: what node_rate
 * lets in during the longest that a row may stay, which is
 * burst + (life_max_s + 2 skew + SEEN_SWEEP_NS) / period. */
int64_t flood_seen_needed(const struct flood_params *p);

/* Keeps p and the heap. */
void floods_init(struct floods *f, const struct flood_params *p, struct heap *heap,
                 uint64_t seed);
void floods_finish(struct floods *f);

/* There is a link in this slot, whose points from earlier links are forgiven at debt_ns
 * (0: it has none); and it is gone: its routes too. */
void flood_peer_up(struct floods *f, int peer, int64_t debt_ns, int64_t now_ns);
void flood_peer_down(struct floods *f, int peer, int64_t now_ns);

/* Has this flood, that came from a peer after so many hops, been handled before?  Then it
 * is counted and answered; the cheapest question there is, and four of five floods that
 * come need no other.  Where the first copy was at its last hop and this one is not, the
 * neighbours hear that we have the flood, and may ask for it. */
bool flood_is_seen(struct floods *f, const struct flood_id *id, int hops, int peer,
                   struct outbox *out);

/* A flood of a peer is not handled, for there are too many: it is answered all the same,
 * as who does not answer counts as dead. */
void flood_refuse(const struct floods *f, const struct flood_id *id, int peer,
                  struct outbox *out);

/* The same question without an answer: for what goes over trees. */
bool flood_knows(const struct floods *f, const struct flood_id *id);

/* So many bytes came on a link.  False: over the rate, drop them. */
bool flood_take_bytes(struct floods *f, int peer, size_t len, int64_t now_ns);

/* A signature is to be checked for a link.  False: over the rate, drop the message. */
bool flood_may_check(struct floods *f, int peer, int64_t now_ns);

/* Points against a link.  At score_max it waits for flood_take_abuser. */
void flood_blame(struct floods *f, int peer, int points, int64_t now_ns);

/* The points against a link now. */
int flood_score(const struct floods *f, int peer, int64_t now_ns);

/* May this flood be handled?  FLOOD_NEW is for now: check the signature, then commit.
 * Takes a token of the link, so that bad signatures are limited too; of the origin only
 * commit takes one, so that nobody can spend another's. */
enum flood_verdict flood_probe(struct floods *f, const struct flood_head *h,
                               int64_t now_ns);

/* Remember a flood whose signature is good; without flood_probe for our own.  Handle it
 * only when this is FLOOD_NEW too. */
enum flood_verdict flood_commit(struct floods *f, const struct flood_head *h,
                                int64_t now_ns);

/* Send our own flood (peer -1, hops 1) or forward one that came from a peer, once it is
 * committed, to the neighbours but that one, while it may go further; and keep it for
 * those who come later.  The copies sent. */
int flood_forward(struct floods *f, const struct msg_flood *m, const struct flood_head *h,
                  const int *active, int count, int64_t now_ns, struct outbox *out);

/* A link is new: offer what is fresh to this peer. */
void flood_greet(struct floods *f, int peer, int64_t now_ns, struct outbox *out);

/* What goes unasked to a peer that we have dialled in haste: the copy with this index,
 * valid until the next call that changes anything.  False: there are no more. */
bool flood_fresh(const struct floods *f, int index, int64_t now_ns, struct msg *copy);

/* Neighbours may just have died: from now on it counts as after a loss. */
void flood_alarm(struct floods *f, int64_t now_ns);

/* Who the neighbours are now, when they have changed: new ones are greeted. */
void flood_set_active(struct floods *f, const int *active, int count, int64_t now_ns,
                      struct outbox *out);

/* MSG_DIGEST, MSG_SEEN and MSG_PULL. */
void flood_on_digest(struct floods *f, int peer, const struct msg_digest *m,
                     int64_t now_ns, struct outbox *out);
void flood_on_seen(struct floods *f, int peer, const struct msg_ids *m, int64_t now_ns,
                   struct outbox *out);
void flood_on_pull(struct floods *f, int peer, const struct msg_ids *m, int64_t now_ns,
                   struct outbox *out);

/* The deadlines.  flood_wake may come late, early or twice. */
int64_t flood_wake_ns(const struct floods *f);
void flood_wake(struct floods *f, int64_t now_ns, struct outbox *out);

/* Give back the memory of what is over.  It changes nothing else, so that nobody has to
 * be woken for it: to be called whenever the node is awake anyway. */
void flood_tidy(struct floods *f, int64_t now_ns);

/* The next peer that did not answer, or that has too many points: close its link.  Call
 * until false after each step. */
bool flood_take_dead(struct floods *f, int *peer);
bool flood_take_abuser(struct floods *f, int *peer);

/* The peer that a flood came from: the way back to its origin.  -1: unknown, gone, or our
 * own. */
int flood_route(const struct floods *f, const struct flood_id *id, int64_t now_ns);

/* May this reply be handled or passed on?  OWN and PASS are for now: check its signature,
 * then commit. */
enum flood_reply_verdict flood_reply_probe(struct floods *f, const struct msg_reply *m,
                                           int peer, int64_t now_ns, int *route);

/* Count a reply whose signature is good.  answerer: KEY_LEN bytes.  FLOOD_REPLY_OWN or
 * _PASS: go ahead. */
enum flood_reply_verdict flood_reply_commit(struct floods *f, const struct flood_id *id,
                                            const uint8_t *answerer, int64_t now_ns);

/* Answers that a probe found LIMITED, or that a peer has counted (MSG_SUMMARY): they are
 * counted, and whom the flood came from hears of it each time their number has doubled.
 */
void flood_count_more(struct floods *f, const struct flood_id *id, uint32_t count,
                      int64_t now_ns, struct outbox *out);

/* So many, at least, have answered our own floods beyond those that came. */
uint32_t flood_more(const struct floods *f);

/* Pass a reply on to its route; to send our own, hops is 0 in m. */
void flood_reply_forward(struct floods *f, const struct msg_reply *m, int route,
                         struct outbox *out);

/* All that was counted, and the newest flood; all zero before the first one. */
const struct flood_counts *flood_counts(const struct floods *f);
const struct flood_newest *flood_newest(const struct floods *f);

/* The invariants: every remembered flood in its chain, counts right.  NULL, or what is
 * wrong. */
const char *floods_check(const struct floods *f);

#endif
