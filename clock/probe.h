/* Peer probes: when to measure another node's raw clock, the datagrams, and the filter.
 *
 * A request is [1, seq, clock_id, pad], its reply [2, seq, clock_id, t2, t3, late_seq,
 * late_ns, pad], in strict CBOR; both are PROBE_LEN bytes, so that they take equally long
 * on the wire.  T1 and T4 never leave the prober.  When a datagram really left is known
 * only afterwards, from the kernel: a reply therefore says by how much the one before it
 * was later than its t3 (interleaved, after RFC 9769).  clock_id is random and new
 * whenever a raw clock starts anew (boot, resume); a change of it drops the history at
 * once.  Sealing is done elsewhere.  SPDX-License-Identifier: MIT */
#ifndef CLOCK_PROBE_H
#define CLOCK_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/rng.h"
#include "clock/filter.h"
#include "clock/params.h"

#define PROBE_LEN             72
#define PROBE_OUTSTANDING_MAX 32       /* bits of prober.open */
#define PROBE_LATE_NS_MAX     50000000 /* a stamp that is later tells of something else */

enum probe_kind { PROBE_REQUEST = 1, PROBE_REPLY = 2 };

struct probe {
    enum probe_kind kind;
    uint32_t seq;
    uint64_t clock_id; /* of the sender's raw clock */
    int64_t t2_ns;     /* replies only: request received, on the sender's raw clock */
    int64_t t3_ns;     /* replies only: reply sent; t3_ns >= t2_ns */
    uint32_t late_seq; /* replies only: the reply to this one left … */
    uint32_t late_ns;  /* … so much later than its t3_ns said, 0..PROBE_LATE_NS_MAX */
};

/* The last reply to one peer, and when it left.  Starts as zeros. */
struct probe_echo {
    uint32_t seq;
    uint32_t late_ns; /* 0: not told, or not at all */
    int64_t t3_ns;
};

/* Write the body of a datagram, padded to PROBE_LEN. */
void probe_encode(const struct probe *p, uint8_t body[static PROBE_LEN]);

/* Errors: ERR_MALFORMED for anything that probe_encode would not have written. */
MUST_USE int probe_decode(struct bytes body, struct probe *out);

/* Answer a request that was received at rx_ns and is answered at tx_ns, both on the own
 * raw clock named clock_id.  The reply says what echo has of the one before, and echo
 * remembers it; seq gets its number.  Errors: ERR_MALFORMED unless it is a request; then
 * the outputs are untouched. */
MUST_USE int probe_answer(struct bytes request, uint64_t clock_id, int64_t rx_ns,
                          int64_t tx_ns, struct probe_echo *echo,
                          uint8_t reply[static PROBE_LEN]);

/* The kernel's transmit stamp of the reply to seq, on the raw clock.  Ignored when it is
 * not the last one, or implausible. */
void probe_echo_sent(struct probe_echo *echo, uint32_t seq, int64_t tx_ns);

/* One peer that is measured.  Embed it; all is private but filter, which may be read. */
struct prober {
    const struct clock_params *params;
    struct clock_filter filter;
    struct rng rng;
    uint64_t clock_id;      /* ours */
    uint64_t peer_clock_id; /* of the last reply, when has_peer */
    bool has_peer;
    int burst_left;      /* probes of the burst still to send */
    uint32_t seq;        /* of the next probe */
    int64_t interval_ns; /* steady: 1 s for the host, 4 s for its deputy */
    int64_t start_ns;    /* of the last burst */
    int64_t wake_ns;     /* when the next probe is due */
    int64_t heard_ns;    /* of the last reply; start_ns before it */
    int64_t sent_count;
    int64_t received_count;
    int64_t stamped_count; /* replies whose transmit stamp came with the next one */
    uint32_t last_seq;     /* of the last reply that was accepted … */
    int64_t last_at_ns;    /* … whose sample is this; 0: none */
    uint32_t open; /* of the newest probes, by seq % so many: not answered yet … */
    int64_t t1_ns[PROBE_OUTSTANDING_MAX]; /* … and when they were sent */
};

/* Start to measure a peer: the first probe is due at now_ns.  interval_ns is the steady
 * time between probes.  Keeps params and heap; draws one number from rng. */
void prober_init(struct prober *p, const struct clock_params *params, struct heap *heap,
                 int64_t interval_ns, struct rng *rng, int64_t now_ns);

/* Give all memory back. */
void prober_finish(struct prober *p);

/* The id of our own raw clock, which requests carry.  A new id (after a suspend) drops
 * the offsets and starts a burst. */
void prober_set_clock_id(struct prober *p, uint64_t clock_id, int64_t now_ns);

/* Change the steady interval: a deputy has become host, or the other way round. */
void prober_set_interval(struct prober *p, int64_t interval_ns, int64_t now_ns);

/* When the next probe is due; never TIME_NEVER. */
int64_t prober_wake_ns(const struct prober *p);

/* True when a probe is due at now_ns: body is to be sent now, and now_ns is its T1; seq
 * is its number, for prober_set_sent. */
bool prober_take(struct prober *p, int64_t now_ns, uint8_t body[static PROBE_LEN],
                 uint32_t *seq);

/* A better T1 for a probe that was taken, from the kernel's transmit stamp.  Ignored when
 * it is answered already or not between its first T1 and a second later. */
void prober_set_sent(struct prober *p, uint32_t seq, int64_t tx_ns);

/* A reply that arrived at rx_ns.  Errors: ERR_MALFORMED; ERR_NOT_FOUND when it answers no
 * outstanding probe (late, repeated or forged); outputs untouched then. */
MUST_USE int prober_receive(struct prober *p, struct bytes reply, int64_t rx_ns,
                            enum clock_verdict *verdict);

/* LOCKED, HOLDOVER or UNSYNCED at now_ns. */
enum clock_state prober_state(const struct prober *p, int64_t now_ns);

#endif
