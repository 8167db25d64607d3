/* Floods: how a message reaches all nodes within a number of hops, once each, and how the
 * answers find their way back.
 *
 * Every id is remembered until the flood that it names has expired, so that no copy is
 * ever handled twice; when the memory is full new floods are refused, never valid ids
 * forgotten. Order of the checks, cheap first: hops, time, seen, per-link rate,
 * per-origin rate; then the node checks the signature; only then flood_commit.
 * SPDX-License-Identifier: MIT */
#ifndef OVERLAY_FLOOD_H
#define OVERLAY_FLOOD_H

#include "base/arena.h"
#include "overlay/bucket.h"
#include "wire/outbox.h"

struct flood_params {
    int peers_max;                  /* slots of the node's table of peers: 64 */
    int seen_max;                   /* floods remembered: 4096 */
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

struct flood_seen;
struct flood_origin;
struct flood_link;

struct floods {
    struct flood_params p;
    struct flood_seen *seen; /* seen_max, in chains of the buckets or of the free ones */
    int32_t *buckets;        /* bucket_count heads of chains, -1: empty */
    int bucket_count;        /* a power of two */
    int seen_count;
    int32_t free; /* first free entry, -1: none */
    uint64_t key; /* of the hash, so that nobody can aim at one chain */
    int64_t swept_ns;
    struct bucket node; /* of node_rate */
    struct flood_origin *origins;
    int origin_count;
    struct flood_link *links; /* peers_max */
    uint64_t *answers;        /* answers_max, a ring */
    int answer_next;
    struct flood_counts counts;
};

struct flood_params flood_params_default(void);

/* Takes its memory from the arena.  Errors: ERR_NOMEM. */
MUST_USE int floods_init(struct floods *f, const struct flood_params *p, struct arena *a,
                         uint64_t seed);

/* The link of this slot is gone: its routes too. */
void flood_peer_down(struct floods *f, int peer);

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

/* The invariants: every remembered flood in its chain, counts right.  NULL, or what is
 * wrong. */
const char *floods_check(const struct floods *f);

#endif
