/* SPDX-License-Identifier: MIT */
#include "sim/clockmodel.h"

#include "base/time.h"
#include "sim/random.h"

#define SEGMENT_NS (16 * NS_PER_S)

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

static void next_segment(struct clock_model *m)
{
    int64_t end_ns = m->begin_true_ns + SEGMENT_NS;
    uint64_t word;

    m->begin_raw_ns = raw_at(m, end_ns);
    m->begin_true_ns = end_ns;
    m->segment++;
    word = random_word(m->seed, RANDOM_CLOCK, m->node, (uint64_t)m->segment);
    m->rate_ppb += random_between(word, -m->p.wander_ppb, m->p.wander_ppb);
}

int64_t clock_model_raw(struct clock_model *m, int64_t true_ns)
{
    while (true_ns - m->begin_true_ns >= SEGMENT_NS)
        next_segment(m);
    return raw_at(m, true_ns);
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
