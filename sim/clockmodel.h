/* The clocks of one virtual machine: a raw clock that starts anywhere and runs a little
 * wrong, and an operating system that believes to know UTC.  True time is virtual time,
 * in nanoseconds from 0.  The rate is constant within 16 s and then walks a little, and
 * follows the temperature: by day and night, and where a ramp is set.  The crystal of a
 * sound card is one of these too (sim/sound.h).  SPDX-License-Identifier: MIT */
#ifndef SIM_CLOCKMODEL_H
#define SIM_CLOCKMODEL_H

#include <stdbool.h>
#include <stdint.h>

/* UTC at true time 0. */
#define CLOCK_MODEL_UTC_NS (INT64_C(1790000000) * 1000000000)

struct clock_model_params {
    int64_t offset_ns;  /* of the raw clock at true time 0; not negative */
    int64_t rate_ppb;   /* it runs faster than true time by this */
    int64_t wander_ppb; /* largest change of the rate every 16 s */
    int64_t daily_ppb;  /* so much faster at noon than at midnight, linear between */
    int64_t utc_error_ns;
    int64_t utc_bound_ns;
    bool is_synchronised;
};

struct clock_model {
    struct clock_model_params p;
    uint64_t seed;
    uint64_t node;
    int64_t segment; /* number of the 16 s that the next three are of */
    int64_t begin_true_ns;
    int64_t begin_raw_ns;
    int64_t rate_ppb;
    int64_t ramp_ppb; /* of warming up, in all … */
    int64_t ramp_begin_ns;
    int64_t ramp_end_ns;
    bool is_stopped; /* the machine sleeps, and the raw clock with it … */
    int64_t stopped_raw_ns;
};

void clock_model_init(struct clock_model *m, uint64_t seed, uint64_t node,
                      const struct clock_model_params *p);

/* What the raw clock shows.  True time may go back by less than a second. */
int64_t clock_model_raw(struct clock_model *m, int64_t true_ns);

/* About when the raw clock will show this: never too late by more than a nanosecond, and
 * early only by as much as the rate changes until then. */
int64_t clock_model_true(const struct clock_model *m, int64_t raw_ns);

/* From true time begin_ns to end_ns, the future, the rate rises by so much for good. */
void clock_model_ramp(struct clock_model *m, int64_t begin_ns, int64_t end_ns,
                      int64_t ppb);

/* Suspend to RAM: the raw clock stands still, and goes on with the time that has passed,
 * as the machine believes: wrong by error_ns, which is less. */
void clock_model_stop(struct clock_model *m, int64_t true_ns);
void clock_model_go(struct clock_model *m, int64_t error_ns);

/* What the operating system takes for UTC. */
int64_t clock_model_utc(const struct clock_model *m, int64_t true_ns);

#endif
