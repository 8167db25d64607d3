/* One NTP server: when to ask it, what it answered, how far it is to be believed.
 *
 * The schedule keeps to the rules for public servers: 4 requests 2 s apart, then every 64
 * s, doubling each 8 polls to 1024 s; DENY and RSTR end it, RATE doubles the interval,
 * silence backs off (RFC 4330 section 10, RFC 5905 section 7.4).  Jitter only ever
 * lengthens. SPDX-License-Identifier: MIT */
#ifndef CLOCK_SOURCE_H
#define CLOCK_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/rng.h"
#include "clock/filter.h"
#include "clock/params.h"
#include "clock/sntp.h"

struct ntp_source {
    const struct clock_params *params;
    struct addr addr;
    struct clock_filter filter; /* local raw against UTC */
    uint64_t cookie;            /* of the outstanding request; 0: none */
    int64_t polled_ns;          /* last request: its T1; only with sent_count > 0 */
    int64_t wake_ns;            /* next poll; TIME_NEVER once stopped */
    int64_t interval_ns;        /* from the last poll to the next, without jitter */
    int64_t level_ns;           /* interval after the burst, while answers come */
    bool is_rate_limited;       /* RATE was received: no more bursts */
    int64_t root_ns;            /* of the last good reply */
    int64_t sent_count;
    int64_t received_count; /* good replies */
    int burst_left;
    int step_left; /* polls until the interval doubles */
    int silent;    /* unanswered polls in a row */
    uint8_t reach; /* one bit for each of the last 8 polls, newest lowest: answered? */
    int stratum;   /* of the last good reply; 0: none yet */
    enum sntp_leap leap;
    enum sntp_verdict verdict;  /* of the last packet */
    char kod[SNTP_KOD_LEN + 1]; /* of the last kiss of death; empty: none */
    bool is_stopped;            /* DENY or RSTR: never asked again */
};

/* A source that nothing is known of: start it.  Keeps params and heap. */
void source_init(struct ntp_source *s, const struct clock_params *params,
                 struct heap *heap, const struct addr *addr,
                 const struct clock_prior *prior);

/* Give all memory back. */
void source_finish(struct ntp_source *s);

/* Ask, or ask anew after a pause: the first request is due within 200 ms.  With a burst,
 * when the last poll is poll_resume_ns old, or as soon as that is so. */
void source_start(struct ntp_source *s, struct rng *rng, int64_t now_ns);

/* After a suspend: drop the offsets, keep the rate, and start. */
void source_resume(struct ntp_source *s, struct rng *rng, int64_t now_ns);

/* True when a request is due: packet is to be sent to addr now. */
bool source_take(struct ntp_source *s, struct rng *rng, int64_t now_ns,
                 uint8_t packet[static SNTP_LEN]);

/* The kernel's transmit stamp of request number (sent_count after it was taken): a better
 * T1.  Ignored when it is not outstanding, or not within a second after its first T1. */
void source_set_sent(struct ntp_source *s, uint32_t number, int64_t tx_ns);

/* A packet from addr, received at rx_ns.  True when the filter took a sample from it, so
 * that the selection is to be made again. */
bool source_receive(struct ntp_source *s, struct bytes packet, int64_t rx_ns,
                    int64_t now_ns);

/* True while it takes part in the selection: it has a sample, and answered lately. */
bool source_is_usable(const struct ntp_source *s, int64_t now_ns);

/* Its line from the local raw clock to UTC, bound with the server's own error. */
void source_line(const struct ntp_source *s, struct clock_line *out);

#endif
