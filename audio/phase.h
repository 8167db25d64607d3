/* Where the card is, and how fast the music must run to be where it should be.
 *
 * struct phase is a filter: from readings "frame n is at the DAC at instant t", which are
 * stale, coarse and jittery, it learns the line that the card's frames follow in local
 * time.  Cards that move in steps are followed by the ends of their steps
 * (audio/interval.h). struct servo is the controller: from the distance of the music to
 * its plan it gives the step of the resampler, without the ear noticing. Pure, no libm
 * beyond sqrt. The filter knows nothing of the controller: the card's line does not
 * depend on what is written, so there is no delay inside the loop.
 * SPDX-License-Identifier: MIT */
#ifndef AUDIO_PHASE_H
#define AUDIO_PHASE_H

#include <stdbool.h>
#include <stdint.h>

struct phase_params {
    double offset_walk; /* variance of the card's phase, s^2 per s */
    double rate_walk;   /* variance of the card's rate, per s */
    double rate_sigma;  /* what is known of the rate before the first reading */
    double jitter_s;    /* of the instants, at least */
    double gate;        /* readings farther off than this many sigmas are dropped */
    int gate_count;     /* … unless this many come in a row: the card has moved */
    double
        coarse_jitter_s; /* as jitter_s, of cards that move in steps: USB is not exact */
    double late_share;   /* so many of their instants may lie late, 0..1 */
    int lock_readings;   /* so many make a line; of a coarse card, so many … */
    int lock_coarse;     /* … at least, until it is known to lock_s … */
    int lock_most;       /* … or there are so many */
    double lock_s;       /* sigma of its phase */
    double tau_fast_s;   /* of the controller, while acquiring */
    double tau_s;        /* afterwards */
    int64_t acquire_ns;  /* for how long it is acquiring */
    double cap;          /* largest correction */
    double cap_fast;     /* … while acquiring, when the error exceeds fast_ns */
    int64_t fast_ns;
    double slew_per_s;      /* how fast the step may change */
    double slew_fast_per_s; /* … while acquiring */
    int64_t anchor_ns;      /* an error beyond it … */
    int64_t anchor_wait_ns; /* … for this long means: jump */
    int64_t anchor_now_ns;  /* an error beyond this: jump at once */
};

struct phase_params phase_params_default(void);

enum phase_result {
    PHASE_TAKEN,
    PHASE_DROPPED, /* too far off to be believed */
    PHASE_MOVED,   /* the card has moved: the line was started anew from this reading */
};

/* Readings in a round of looking for granularity. */
#define PHASE_ROUND 64

struct phase_reading {
    int64_t frame;
    int64_t instant_ns;
};

struct phase {
    struct phase_params params;
    int rate;           /* nominal, frames per second */
    int64_t frame;      /* of the last reading … */
    int64_t instant_ns; /* … and its instant by the line, … */
    double part_ns;     /* … with the fraction, +-1 */
    double rate_error;  /* a frame lasts (1 + rate_error) / rate: > 0 means a slow card */
    double p_offset;    /* covariances: s^2, s, 1 */
    double p_cross;
    double p_rate;
    double noise;         /* variance of the readings as seen, s^2 */
    int readings;         /* since the start or the last move, up to INT_MAX */
    bool is_locked;       /* the line may be used */
    int dropped_in_a_row; /* of a coarse card: weighed, see phase.c */
    int64_t moves;

    /* Granularity: readings of many cards come in steps of a FIFO or of a USB frame. */
    int64_t origin;      /* frame that steps are counted from */
    int64_t divisor;     /* greatest common divisor of the steps of this round */
    int64_t divisor_usb; /* the same of the steps in 1 ms frames */
    double circle[4]; /* least and largest place in a 1 ms frame, seen from two sides */
    int round;        /* readings in this round … */
    struct phase_reading kept[PHASE_ROUND]; /* … and these are they */
    double granularity;                     /* frames per step; 1 when there is none */
    double first_rate_error; /* what was known of the rate when the line began … */
    double first_p_rate;     /* … and how well */
};

/* rate > 0, in frames per second. */
void phase_init(struct phase *p, const struct phase_params *params, int rate);

/* The card was stopped and starts again: forget where it is, but not how fast. */
void phase_restart(struct phase *p);

/* One reading: at instant_ns, frame was the last that the card is known to have reached.
 * Readings must not be taken in step with the card's periods, or their granularity (and
 * so how stale they are) cannot be seen: spread them by some milliseconds. */
enum phase_result phase_add(struct phase *p, int64_t frame, int64_t instant_ns);

/* True once the line may be used. */
bool phase_is_locked(const struct phase *p);

/* The instant at which a frame is (or was, or will be) at the DAC.  Only with a reading.
 */
int64_t phase_instant(const struct phase *p, int64_t frame);

/* The same, turned round: the fractional frame that is at the DAC at an instant. */
double phase_frame(const struct phase *p, int64_t instant_ns);

enum servo_verdict {
    SERVO_GO,     /* use the step */
    SERVO_ANCHOR, /* too far off: fade, jump to the right place, servo_place */
};

struct servo {
    struct phase_params params;
    bool has_step;
    double step;         /* last one: input frames per output frame */
    int64_t acquired_ns; /* acquiring ends then */
    int64_t bad_ns; /* since when the error is beyond anchor_ns; TIME_NEVER: it is not */
    int64_t last_ns;
};

void servo_init(struct servo *s, const struct phase_params *params);

/* The card's line or the clock's is new, and will get better in the next seconds: follow
 * it more closely until then. */
void servo_acquire(struct servo *s, int64_t now_ns);

/* The music has just been put where it belongs, at the frame that sounds at instant_ns.
 */
void servo_place(struct servo *s, int64_t instant_ns);

/* Go on from an earlier place, where step was in use. */
void servo_resume(struct servo *s, double step, int64_t instant_ns);

/* The step for the frames from instant_ns (when they sound) on.
 * error_ns: the music is this much ahead of the plan there.  need: the step that would
 * keep it there for ever, from the card's line and the clock's. */
enum servo_verdict servo_step(struct servo *s, int64_t error_ns, double need,
                              int64_t instant_ns, double *step);

#endif
