/* UTC from several sources: NTP servers, the operating system's clock, and a vote.
 *
 * Each source says "UTC is x +- b".  Marzullo's intersection finds the instant that most
 * agree upon; without a majority the last answer is held over.  Only nodes that need UTC
 * first-hand poll (the host, perhaps its deputy); utc_set_polling says so.  The machine's
 * clock is read by the driver and never set.
 * Source: Marzullo 1984; RFC 5905 section 11.2.1; RFC 8633 section 3.2.
 * SPDX-License-Identifier: MIT */
#ifndef CLOCK_UTC_H
#define CLOCK_UTC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/rng.h"
#include "clock/line.h"
#include "clock/select.h"
#include "clock/source.h"

#define UTC_SOURCES_MAX 8

struct utc_config {
    const struct addr *servers;      /* may be NULL when count is 0; copied, each once */
    int count;                       /* 0..UTC_SOURCES_MAX */
    const struct clock_prior *prior; /* of UTC against the raw clock; NULL: unknown */
};

/* The operating system's clock as the driver last read it. */
struct utc_os {
    bool has_line;
    bool is_synchronised;
    struct clock_line line;
    bool has_rate;
    int64_t base_local_ns, base_utc_ns; /* where its rate is measured from */
};

struct utc {
    const struct clock_params *params;
    struct rng *rng;            /* of the servers; NULL where there are none */
    struct ntp_source *sources; /* count of them; both from the heap */
    int count;
    bool is_polling;
    bool is_decided;     /* the last selection found a majority */
    bool is_last_resort; /* line is that of an undisciplined system clock */
    int agreeing;        /* sources of the last majority, the system clock included */
    int voting;          /* sources that were asked for their opinion */
    uint32_t chosen;     /* bit i: server i was in the majority; bit count: the system */
    enum sntp_leap leap; /* as the majority announces it */
    int64_t start_ns;    /* polling began */
    int64_t review_ns;   /* when the selection is to be made again */
    struct clock_line line; /* the last good answer */
    struct utc_os os;
};

/* What is known of UTC at an instant. */
struct utc_estimate {
    struct clock_line line; /* local raw to UTC; not valid when nothing at all is known */
    enum clock_state state;
    bool is_synchronised; /* false: only an undisciplined clock, or held over too long */
    int64_t bound_ns;     /* at the asked instant; TIME_NEVER without a line */
    int agreeing, voting;
    enum sntp_leap leap;
};

enum utc_verdict {
    UTC_SOURCE_WAITING, /* no answer yet */
    UTC_SOURCE_OK,
    UTC_SOURCE_FALSE,  /* outvoted */
    UTC_SOURCE_STALE,  /* answers no more */
    UTC_SOURCE_STOPPED /* told us to go away */
};

/* For people: one row of the table of `party clock`. */
struct utc_source_info {
    struct addr addr;
    enum utc_verdict verdict;
    enum sntp_verdict packet;   /* the last packet */
    char kod[SNTP_KOD_LEN + 1]; /* last kiss of death; empty: none */
    int stratum;
    uint8_t reach;
    int64_t interval_ns;
    int64_t offset_ns; /* against our UTC, at now_ns; 0 when either is unknown */
    int64_t bound_ns;  /* TIME_NEVER when unknown */
    struct clock_stats stats;
};

/* Start at now_ns, not polling.  Takes the sources from the heap; keeps params;
 * draws one number from rng.  Errors: ERR_LIMIT when count is out of range. */
MUST_USE int utc_init(struct utc *u, const struct clock_params *params,
                      const struct utc_config *config, struct heap *heap, struct rng *rng,
                      int64_t now_ns);

/* Give all memory back, to the heap that it is from. */
void utc_finish(struct utc *u, struct heap *heap);

/* What the last run knew of the rate, as utc_prior told it, but from a disk: what cannot
 * be is ignored, and the crystal may be warmer now, so it is never taken as better known
 * than resume_sd.  For servers that have not answered yet. */
void utc_set_prior(struct utc *u, const struct clock_prior *prior);

/* Begin or stop asking servers. */
void utc_set_polling(struct utc *u, bool is_polling, int64_t now_ns);

/* A reading of the system clock: os_utc_ns was shown at now_ns.  Synchronised: a source
 * with that bound (the kernel's maxerror).  Otherwise a last resort. */
void utc_set_os(struct utc *u, int64_t now_ns, int64_t os_utc_ns, int64_t bound_ns,
                bool is_synchronised);

/* The machine has slept: offsets are void, the rate is kept. */
void utc_resume(struct utc *u, int64_t now_ns);

/* When utc_wake and utc_take_request want to be called; TIME_NEVER for not at all. */
int64_t utc_wake_ns(const struct utc *u);

/* Look again at what has aged. */
void utc_wake(struct utc *u, int64_t now_ns);

/* A request that is to be sent now, to whom, and its name for utc_set_sent: T1 is the
 * instant of taking it. */
struct utc_request {
    struct addr to;
    uint8_t packet[SNTP_LEN];
    int source;
    uint32_t number;
};

/* Call until it says false. */
bool utc_take_request(struct utc *u, int64_t now_ns, struct utc_request *out);

/* The kernel's transmit stamp of a request; whatever is not outstanding is ignored. */
void utc_set_sent(struct utc *u, int source, uint32_t number, int64_t tx_ns);

/* A datagram that arrived on the NTP socket at rx_ns.  True when the estimate may have
 * changed.  Packets of strangers are ignored. */
bool utc_receive(struct utc *u, const struct addr *from, struct bytes packet,
                 int64_t rx_ns, int64_t now_ns);

/* UTC at now_ns. */
void utc_estimate(const struct utc *u, int64_t now_ns, struct utc_estimate *out);

/* The rate of UTC against the raw clock, to be saved for the next run.  False when it is
 * not known better than a fresh start. */
bool utc_prior(const struct utc *u, struct clock_prior *out);

/* Row i of 0..count-1. */
void utc_source_info(const struct utc *u, int i, int64_t now_ns,
                     struct utc_source_info *out);

#endif
