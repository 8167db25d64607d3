/* Every constant of the clock, so that the simulator can vary them and experiments can
 * sweep them.  The defaults are the shipped values; docs/design.md says where each was
 * measured.  SPDX-License-Identifier: MIT */
#ifndef CLOCK_PARAMS_H
#define CLOCK_PARAMS_H

#include <stdint.h>

/* Rates are parts per 10^12 outside the filter: 1 ppm is 10^6 of them. */
#define PPT_PER_PPM INT64_C(1000000)
#define PPT_ONE     INT64_C(1000000000000)

struct clock_params {
    /* The floor-line filter (clock/filter.h).  Seconds and relative rates, as doubles. */
    int64_t window_ns;    /* older samples are folded into buckets */
    int64_t bucket_ns;    /* one lowest and one highest point is kept for each */
    int window_min;       /* samples that stay, however old; at least 4 */
    int window_max;       /* at most CLOCK_WINDOW_MAX */
    int gate_streak;      /* misfits in a row that mean the remote clock has stepped */
    int gate_unsure;      /* … though so many between them fit both before and after */
    int block_min;        /* samples that a frequency fit needs */
    double wander;        /* random walk of the rate, per root second: at least … */
    double wander_max;    /* … and at most */
    double wander_decay;  /* s in which a higher wander is forgotten */
    double wander_spread; /* so many times the scatter of the shortest trips … */
    double wander_slack;  /* … and so many s are no sign of more wander */
    double rate_max;      /* relative rates beyond +- this are not looked for */
    double prior_sd;      /* of the rate, when nothing is known */
    double resume_sd;     /* of the rate, after the remote or we have slept */
    double rate_floor;    /* the rate is never taken as better known than this */
    double rate_step;     /* how much the rate may have moved between two blocks */
    double noise_first;   /* s: noise before the first sample */
    double noise_floor;   /* s: stamps are no better than this */
    double gate;          /* s: a misfit of less is never gated */
    double gate_short;  /* so many times the noise, and a gate, shorter: a broken stamp */
    double block_first; /* s of history before the first frequency fit */
    double block;       /* s between the later ones */
    double growth;      /* of the bound while nothing is heard, relative */
    double growth_first; /* the same while less than settle_ns of history exists */
    int64_t settle_ns;
    int64_t wander_after_ns; /* more wander is looked for after so much history */
    int64_t rtt_max_ns;      /* a slower answer is refused */

    /* States (clock/line.h). */
    int64_t holdover_min_ns; /* silence shorter than this is never holdover */
    int64_t holdover_missed; /* … nor is one of fewer intervals than this */
    int64_t unsynced_ns;     /* holdover ends when the bound has grown by this */

    /* Peer probes (clock/probe.h). */
    int probe_burst;        /* probes of the first burst */
    int64_t probe_burst_ns; /* … and the time between them */
    int probe_fast_factor;  /* so much more often than steadily, at first; the time … */
    int64_t probe_ease_ns; /* … between them grows with age, to the steady one at this */
    int probe_jitter_percent;

    /* UTC (clock/source.h, clock/utc.h). */
    int poll_burst;            /* requests of the first burst to a server */
    int poll_step;             /* polls before the interval doubles */
    int poll_unreachable;      /* unanswered polls in a row: the server counts no more */
    int64_t poll_burst_ns;     /* RFC 5905 section 13.2: 2 s */
    int64_t poll_min_ns;       /* first interval after the burst */
    int64_t poll_max_ns;       /* last interval */
    int64_t poll_rate_max_ns;  /* as far as a server's RATE can drive us */
    int64_t poll_resume_ns;    /* a second burst comes no sooner after the last poll */
    int64_t utc_first_wait_ns; /* UTC is not declared before all answered or this */
    int64_t utc_bound_max_ns;  /* beyond it we do not know UTC */
    int64_t os_unsynced_ns;    /* bound of a system clock that nobody disciplines */
    int64_t os_age_max_ns;     /* a reading of the system clock counts for so long */

    /* The host's map (clock/map.h). */
    int64_t map_lead_ns;    /* a new map is announced so long before it holds */
    int64_t map_slew_ppt;   /* party time is steered to UTC no faster than this */
    int64_t map_horizon_ns; /* … and so as to reach it in about this time */
    int64_t map_offset_ns;  /* party time this near to UTC is near enough */
};

/* The shipped values. */
struct clock_params clock_params_default(void);

#endif
