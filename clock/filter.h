/* The floor line: the offset and rate of one remote clock from four-timestamp samples.
 *
 * Each sample bounds the offset from above (T2 - T1: the offset and the way there) and
 * from below (T3 - T4: the offset less the way back).  The filter lays a line with the
 * greatest margin between all of them, older ones loosened by how far two oscillators may
 * have wandered since, with a prior on the rate.  Delay that comes and goes, and a sample
 * with only one good direction, therefore cost nothing; unequal least delays stay in the
 * bound. After Moon, Skelly, Towsley (INFOCOM 1999) and Geng et al. (Huygens, NSDI 2018).
 * SPDX-License-Identifier: MIT */
#ifndef CLOCK_FILTER_H
#define CLOCK_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/deltas.h"
#include "clock/line.h"
#include "clock/params.h"

#define CLOCK_WINDOW_MAX  128
#define CLOCK_BUCKETS_MAX 60

/* One exchange.  t1 and t4 are on the local raw clock, t2 and t3 on the remote one. */
struct clock_sample {
    int64_t t1_ns; /* request sent */
    int64_t t2_ns; /* request received there */
    int64_t t3_ns; /* reply sent there */
    int64_t t4_ns; /* reply received */
};

/* What is known of the relative rate beforehand: from the last run, or from the kernel.
 */
struct clock_prior {
    int64_t rate_ppt;
    int64_t sd_ppt; /* positive */
};

enum clock_verdict {
    CLOCK_ACCEPTED,
    CLOCK_GATED,  /* does not fit: ignored; more such in a row will mean a step */
    CLOCK_RESET,  /* the remote has stepped: the history was dropped and starts here */
    CLOCK_REFUSED /* impossible stamps, an older sample, or too long a round trip */
};

struct clock_point {
    int64_t at_ns;     /* middle of the exchange, local raw */
    int64_t offset_ns; /* remote minus local that it allows at most, or at least */
};

/* The points that all lie in one bucket_ns. */
struct clock_bucket {
    struct clock_point upper;
    struct clock_point lower;
    int64_t trip_ns; /* shortest round trip */
};

/* All of it is private to filter.c; it lies here so that it can be embedded.  What is
 * kept of the samples comes from the heap. */
struct clock_filter {
    const struct clock_params *params;
    struct heap *heap;
    struct deltas window;     /* rows of struct clock_entry, in filter.c */
    struct deltas buckets;    /* rows of struct clock_bucket, all but the newest … */
    struct clock_bucket open; /* … which is this, where has_open */
    bool has_open;
    int window_max;     /* samples in the window; no more than params->window_max */
    int streak;         /* gated samples, with none between them that contradicts them */
    int unsure;         /* samples since the last of these */
    double doubt_upper; /* s: the offset that the last of these allows at most … */
    double doubt_lower; /* … and at least, both against the line */
    int shorts;         /* gated for too short a round trip, one soon after the other */
    int since_short;    /* samples since the last of these */
    int misfits;        /* frequency blocks in a row that contradict the prior */
    int blocks;         /* frequency blocks fused so far */
    int64_t at_ns;      /* the last accepted sample: anchor of the line */
    int64_t start_ns;   /* the first sample since the last reset */
    int64_t block_ns;   /* when the last block was fused */
    int64_t trip_median_ns; /* of the window; 0 without samples */
    int64_t trip_least_ns;  /* the shortest round trip of all that is kept */
    int64_t origin_ns;      /* offset that the doubles below are relative to */
    double offset;          /* s, at at_ns */
    double rate;            /* remote against local, relative */
    double margin;          /* s: half the gap between the two floors */
    double reach;           /* s: how far a line between the floors may be off at at_ns */
    double noise;           /* s: how scattered the floors are */
    double wander;     /* as in params, or more when the floors contradict each other */
    double rate_prior; /* fused from the blocks */
    double rate_prior_sd;
    int64_t accepted, gated, refused, resets; /* counted since init */
};

/* For people: how the samples of the window look. */
struct clock_stats {
    int samples; /* in the window */
    int floors;  /* older points kept */
    int64_t accepted, gated, refused, resets;
    int64_t rtt_min_ns, rtt_median_ns, rtt_p95_ns; /* 0 without samples */
    int64_t sigma_ns, bound_ns;                    /* at now_ns; TIME_NEVER if unknown */
    int64_t rate_ppt, skew_ppt; /* the rate, and how well it is known */
    int64_t age_ns;             /* of the last accepted sample */
};

/* Start with no history.  Keeps params and heap, which must outlive the filter.  prior
 * may be NULL: 0 +- prior_sd then. */
void clock_filter_init(struct clock_filter *f, const struct clock_params *params,
                       struct heap *heap, const struct clock_prior *prior);

/* As the prior of init, which may be NULL; ignored once there was a sample. */
void clock_filter_set_prior(struct clock_filter *f, const struct clock_prior *prior);

/* Keep no more samples than those of a window at this steady interval, and a few: a
 * remote that is asked seldom needs no room for those of its first burst. */
void clock_filter_set_interval(struct clock_filter *f, int64_t interval_ns);

/* Give all memory back. */
void clock_filter_finish(struct clock_filter *f);

/* Feed one sample.  All eight words may come from a liar: they are checked. */
enum clock_verdict clock_filter_add(struct clock_filter *f, const struct clock_sample *s);

/* The reply of the sample accepted last, which is at_ns, left late_ns later than its t3
 * said: its lower bound is the better for it.  Ignored when that sample is not there any
 * more, or when it would have been sent after it came. */
void clock_filter_amend(struct clock_filter *f, int64_t at_ns, int64_t late_ns);

/* Forget the offsets but keep the rate, known to resume_sd: after a suspend, or when the
 * remote says that its clock has started anew. */
void clock_filter_drop(struct clock_filter *f);

/* The line to the remote clock, anchored at the last accepted sample.  It only changes
 * when a sample is accepted.  Not valid before the first. */
void clock_filter_line(const struct clock_filter *f, struct clock_line *out);

/* The rate as a prior for the next run.  False before the first block was fused. */
bool clock_filter_prior(const struct clock_filter *f, struct clock_prior *out);

void clock_filter_stats(const struct clock_filter *f, int64_t now_ns,
                        struct clock_stats *out);

#endif
