/* Party time: the host's published map from its raw clock, and its use by everybody.
 *
 *     party = party_ref + d + d * rate_ppt / 10^12,  d = host raw - raw_ref_ns
 *
 * A guest reads the host's raw clock through its filter, and party time from that through
 * the map, so guests never move apart when the host refines UTC.  A map is announced
 * ahead of time and holds from one instant on for all.  The host never steps party time:
 * each map goes on where the last one stood, at a slightly other rate.
 * SPDX-License-Identifier: MIT */
#ifndef CLOCK_MAP_H
#define CLOCK_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "clock/line.h"
#include "clock/params.h"

struct clock_map {
    uint32_t map_seq;             /* rises with each map of a party */
    int64_t raw_ref_ns;           /* on the host's raw clock */
    struct party_time party_ref;  /* party time at raw_ref_ns */
    int64_t rate_ppt;             /* party time runs faster than the host by this */
    int64_t bound_ns;             /* of party time against UTC, at valid_from */
    struct party_time valid_from; /* the map before it holds until then */
};

/* False for values that no honest host publishes: rates beyond 1000 ppm, negative bounds,
 * instants outside 1970..2200.  Every map from a peer goes through this first. */
bool clock_map_is_sane(const struct clock_map *m);

/* The map as a line from the host's raw clock to party time.  Its bound is 0: party time
 * is what the map says.  How far that is from UTC is bound_ns. */
struct clock_line clock_map_line(const struct clock_map *m);

/* The first map of a party, map_seq 1, from the host's line to UTC at now_ns. */
struct clock_map clock_map_first(const struct clock_line *utc, int64_t now_ns);

/* The next map of the same host: party time goes on without a step and is steered to utc
 * by at most map_slew_ppt, from map_lead_ns after now_ns on.  False, and next untouched,
 * when old is good enough as it is, or utc is not valid. */
bool clock_map_refine(const struct clock_map *old, const struct clock_line *utc,
                      const struct clock_params *params, int64_t now_ns,
                      struct clock_map *next);

/* The same party time on another node's raw clock: what a new host publishes.  party is
 * that node's own line from its raw clock to party time; the map holds at once. */
struct clock_map clock_map_rebase(const struct clock_map *old,
                                  const struct clock_line *party, int64_t now_ns);

/* The maps of one host, in force and announced. */
struct party_clock {
    bool has_map;
    bool has_next;
    struct clock_map map;
    struct clock_map next;
};

/* No map: party_clock_line yields nothing. */
void party_clock_init(struct party_clock *p);

/* Take a map as in force at once: on joining, and when another node becomes host. */
void party_clock_adopt(struct party_clock *p, const struct clock_map *m);

/* Take the next map of the same host; it replaces the other at its valid_from.  One that
 * is not newer than the newest known is ignored.  A clock without a map adopts it. */
void party_clock_announce(struct party_clock *p, const struct clock_map *m);

/* The line from the local raw clock to party time at now_ns, where host is the line to
 * the host's raw clock (clock_line_identity on the host).  Switches maps when it is time.
 * Not valid without a map or a valid host line. */
struct clock_line party_clock_line(struct party_clock *p, const struct clock_line *host,
                                   int64_t now_ns);

/* Party time cannot be mixed up with local time: these two convert.  l is a valid line
 * from party_clock_line. */
int64_t party_clock_to_local(const struct clock_line *l, struct party_time t);
struct party_time party_clock_from_local(const struct clock_line *l, int64_t local_ns);

#endif
