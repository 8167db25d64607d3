/* The local clock of a node: CLOCK_MONOTONIC_RAW, and the time that the machine slept.
 *
 * local = raw + slept_ns + offset_ns + raw * rate_ppb / 10^9.  The raw clock stands while
 * the machine is suspended, and promises that others rely upon do not: so that time is
 * added, as CLOCK_BOOTTIME has it.  That may be wrong by as much as the clock that
 * counted meanwhile, up to a second; clockwork_naps tells that it happened, as the offset
 * to every other clock is lost.
 *
 * offset_ns and rate_ppb are zero but in demos and tests, where they stand for another
 * start of counting and another crystal: five nodes of one machine then disagree as five
 * machines do.  Every instant that the node or the player sees comes through here.
 * SPDX-License-Identifier: MIT */
#ifndef DAEMON_CLOCKWORK_H
#define DAEMON_CLOCKWORK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/err.h"

#define CLOCKWORK_PPM_MAX       1000
#define CLOCKWORK_OFFSET_MS_MAX INT64_C(100000000)

/* A kernel stamp older than this at its reading is not believed. */
#define CLOCKWORK_STAMP_AGE_MAX_NS INT64_C(100000000)

/* A stop of the process of this or more is a sleep, where a test error says so. */
#define CLOCKWORK_STOP_NS (3 * INT64_C(1000000000))

struct clockwork {
    int64_t offset_ns;
    int64_t rate_ppb; /* runs faster than the raw clock by this */
    int64_t stop_ns;  /* after a stop of the process it is off by this; 0: it is not */

    int64_t apart_ns; /* BOOTTIME less MONOTONIC, at the start */
    _Atomic int64_t slept_ns;
    _Atomic int64_t seen_ns; /* raw, as last read; only with stop_ns */
    _Atomic uint32_t naps;
};

/* Read "ppm=40.5,offset_ms=-3000,stop_ms=137", in any order, each at most once.
 * Errors: ERR_USAGE when it is anything else, or beyond the limits above. */
MUST_USE int clockwork_parse(const char *text, struct clockwork *c);

/* Once, before the first reading: sleep counts from now on. */
void clockwork_start(struct clockwork *c);

int64_t clockwork_of_raw(const struct clockwork *c, int64_t raw_ns);

/* The local clock now.  From any thread. */
int64_t clockwork_now(struct clockwork *c);

/* How often the machine has slept, as of the last reading.  From any thread. */
uint32_t clockwork_naps(const struct clockwork *c);

/* The raw instant of a kernel stamp (CLOCK_REALTIME), given both clocks read at one
 * instant.  False, and out untouched, for a stamp from the future, or too old: the
 * system's clock was set meanwhile. */
bool clockwork_stamp_to_raw(int64_t stamp_ns, int64_t real_ns, int64_t raw_ns,
                            int64_t *out);

/* The local instant of a kernel stamp that was just read, which must lie in earliest_ns
 * .. now: a clock that was set by little is found out so.  False, and out untouched, when
 * the stamp cannot be believed. */
bool clockwork_of_stamp(struct clockwork *c, const struct timespec *stamp,
                        int64_t earliest_ns, int64_t *out);

/* What the operating system takes for UTC. */
struct clockwork_system {
    int64_t local_ns; /* the instant at which it was asked */
    int64_t utc_ns;
    int64_t bound_ns; /* its error, as the kernel states it; 0 when unsynchronised */
    bool is_synchronised;
};

void clockwork_ask_system(struct clockwork *c, struct clockwork_system *s);

#endif
