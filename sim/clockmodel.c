/* SPDX-License-Identifier: MIT */
#include "sim/clockmodel.h"

#include "base/time.h"
#include "sim/random.h"

#define SEGMENT_NS (16 * NS_PER_S)
#define DAY_NS     (86400 * NS_PER_S)

void clock_model_init(struct clock_model *m, uint64_t seed, uint64_t node,
                      const struct clock_model_params *p)
{
    *m = (struct clock_model){
        .p = *p,
        .seed = seed,
        .node = node,
        .begin_raw_ns = p->offset_ns,
        .rate_ppb = p->rate_ppb,
    };
}

static int64_t raw_at(const struct clock_model *m, int64_t true_ns)
{
    int64_t d = true_ns - m->begin_true_ns;

    return m->begin_raw_ns + d + mul_div(d, m->rate_ppb, NS_PER_S);
}

/* How much faster the temperature makes it: a triangle over the day, and the ramp. */
static int64_t warmth_ppb(const struct clock_model *m, int64_t true_ns)
{
    int64_t hour_ns = true_ns % DAY_NS;
    int64_t ppb = 0;

    if (hour_ns > DAY_NS / 2)
        hour_ns = DAY_NS - hour_ns;
    if (m->p.daily_ppb != 0)
        ppb = mul_div(hour_ns, m->p.daily_ppb, DAY_NS / 2);
    if (m->ramp_end_ns > m->ramp_begin_ns && true_ns > m->ramp_begin_ns)
        ppb += mul_div(time_min(true_ns, m->ramp_end_ns) - m->ramp_begin_ns, m->ramp_ppb,
                       m->ramp_end_ns - m->ramp_begin_ns);
    return ppb;
}

static void next_segment(struct clock_model *m)
{
    int64_t before_ppb = warmth_ppb(m, m->begin_true_ns);
    int64_t end_ns = m->begin_true_ns + SEGMENT_NS;
    uint64_t word;

    m->begin_raw_ns = raw_at(m, end_ns);
    m->begin_true_ns = end_ns;
    m->segment++;
    word = random_word(m->seed, RANDOM_CLOCK, m->node, (uint64_t)m->segment);
    m->rate_ppb += random_between(word, -m->p.wander_ppb, m->p.wander_ppb) +
                   warmth_ppb(m, end_ns) - before_ppb;
}

int64_t clock_model_raw(struct clock_model *m, int64_t true_ns)
{
    while (true_ns - m->begin_true_ns >= SEGMENT_NS)
        next_segment(m);
    return m->is_stopped ? m->stopped_raw_ns : raw_at(m, true_ns);
}

void clock_model_ramp(struct clock_model *m, int64_t begin_ns, int64_t end_ns,
                      int64_t ppb)
{
    m->ramp_begin_ns = begin_ns;
    m->ramp_end_ns = end_ns;
    m->ramp_ppb = ppb;
}

void clock_model_stop(struct clock_model *m, int64_t true_ns)
{
    m->stopped_raw_ns = clock_model_raw(m, true_ns);
    m->is_stopped = true;
}

void clock_model_go(struct clock_model *m, int64_t error_ns)
{
    m->is_stopped = false;
    m->begin_raw_ns += error_ns;
}

int64_t clock_model_true(const struct clock_model *m, int64_t raw_ns)
{
    int64_t d = raw_ns - m->begin_raw_ns;
    int64_t guess = m->begin_true_ns + mul_div(d, NS_PER_S, NS_PER_S + m->rate_ppb);

    return raw_at(m, guess) < raw_ns ? guess + 1 : guess;
}

int64_t clock_model_utc(const struct clock_model *m, int64_t true_ns)
{
    return CLOCK_MODEL_UTC_NS + true_ns + m->p.utc_error_ns;
}
