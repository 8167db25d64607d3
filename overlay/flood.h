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
 * that is just falling apart.  All memory comes with the first flood.
 * SPDX-License-Identifier: MIT */
#ifndef OVERLAY_FLOOD_H
#define OVERLAY_FLOOD_H

#include "overlay/bucket.h"
#include "overlay/liveness.h"
#include "overlay/seen.h"
#include "wire/outbox.h"

struct flood_params {
    int peers_max;                  /* slots of the node's table of peers: 64 */
    int seen_max;                   /* floods remembered: 16,384; see flood_seen_needed */
    int origins_max;                /* origins whose rate is known: 256 */
    int answers_max;                /* newest answers known, against doubles: 512 */
    int ttl_max;                    /* hops of any flood or reply: 12 */
    int life_max_s;                 /* of any flood: 150 */
    int64_t skew_ns;                /* tolerated between two UTC clocks: 30 s */
    int64_t route_ns;               /* the way back is known so long: 180 s */
    struct bucket_rate link_rate;   /* unseen floods of one link: 5/s, burst 20 */
    struct bucket_rate origin_rate; /* of one origin: 1 in 10 s, burst 3 */
    struct bucket_rate node_rate;   /* of all: 50/s, burst 200 */
    struct bucket_rate reply_rate;  /* replies of one flood: 10/s, burst 32 */
    struct bucket_rate reply_link;  /* replies of one link: 20/s, burst 64 */
    int replies_max;                /* replies of one flood: 64 */
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

/* Everything that came or went, by what became of it. */
struct flood_counts {
    int64_t admitted;
    int64_t sent; /* copies sent or forwarded */
    int64_t duplicates;
    int64_t bad_hops;
    int64_t expired;
    int64_t link_limited;
    int64_t origin_limited;
    int64_t node_limited;
    int64_t cache_full;
    int64_t replies; /* handled or passed on */
    int64_t replies_lost;
    int64_t replies_double;
    int64_t replies_limited;
    int64_t replies_bad_hops;
};

/* The newest flood that was handled. */
struct flood_newest {
    struct flood_id id;
    int64_t at_ns;
    uint8_t hops; /* as it came; 0: our own, or there was none yet */
};

struct flood_origin;

/* What there is once the first flood has come. */
struct flood_state {
    struct seen seen;
    struct bucket node; /* of node_rate */
    struct flood_origin *origins;
    int origin_count;
    int origin_room;
    uint64_t *answers; /* answers_max, a ring; NULL until the first */
    int answer_next;
    struct flood_newest newest;
    struct flood_counts counts;
};

/* What there is of a link once floods have come on it. */
struct flood_traffic {
    struct bucket floods;
    struct bucket replies;
};

struct flood_link {
    struct flood_traffic *traffic; /* NULL: nothing came yet */
    uint16_t generation;           /* counts the links that this slot has had */
    bool is_up;
};

struct floods {
    const struct flood_params *p;
    struct heap *heap;
    const struct liveness *liveness; /* round trips; NULL: none are known */
    struct flood_state *state;
    struct flood_link *links; /* link_room, grown by flood_peer_up */
    int link_room;
    uint64_t key;
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

/* There is a link in this slot, and it is gone: its routes too. */
void flood_peer_up(struct floods *f, int peer);
void flood_peer_down(struct floods *f, int peer);

/* Has this flood been handled before?  Counts it as a duplicate then; the cheapest
 * question there is, and four of five floods that come need no other. */
bool flood_is_seen(struct floods *f, const struct flood_id *id);

/* May this flood be handled?  FLOOD_NEW is for now: check the signature, then commit.
 * Takes a token of the link, so that bad signatures are limited too; of the origin only
 * commit takes one, so that nobody can spend another's. */
enum flood_verdict flood_probe(struct floods *f, const struct flood_head *h,
                               int64_t now_ns);

/* Remember a flood whose signature is good; without flood_probe for our own.  Handle it
 * only when this is FLOOD_NEW too. */
enum flood_verdict flood_commit(struct floods *f, const struct flood_head *h,
                                int64_t now_ns);

/* Send our own flood (from_peer -1, hops 1) or forward one that came from a peer, to the
 * neighbours but that one, while it may go further.  The copies sent. */
int flood_forward(struct floods *f, const struct msg_flood *m, int ttl, int from_peer,
                  const int *active, int count, struct outbox *out);

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
