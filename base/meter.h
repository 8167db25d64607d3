/* Bytes per second over the last seconds, in eight bytes: a sum that decays.
 * SPDX-License-Identifier: MIT */
#ifndef BASE_METER_H
#define BASE_METER_H

#include <stdint.h>

#include "base/time.h"

#define METER_SPAN_MS 8192 /* what is older than this counts e times less */
#define METER_STEP_MS 256  /* decays no more often, as it is all integers */
#define METER_STEPS   256  /* after so many it is empty */

struct meter {
    uint32_t at_ms; /* decayed until then; wraps */
    uint32_t sum;
};

/* What is left of a sum after so many steps, of each of which 1/32 goes: by the squares
 * of 31/32, in 65,536ths, so that a long silence costs no more than a short one. */
static inline uint32_t meter_left(uint32_t sum, uint32_t steps)
{
    static const uint16_t squares[] = { 63488, 61504, 57720, 50836,
                                        39434, 23728, 8591,  1126 };
    uint64_t left = sum;

    for (int i = 0; steps > 0; i++, steps >>= 1) {
        if ((steps & 1) != 0)
            left = left * squares[i] >> 16;
    }
    return (uint32_t)left;
}

static inline void meter_decay(struct meter *m, int64_t now_ns)
{
    uint32_t now_ms = (uint32_t)(now_ns / NS_PER_MS);
    uint32_t steps = (now_ms - m->at_ms) / METER_STEP_MS;

    if (steps >= METER_STEPS || m->sum == 0) {
        *m = (struct meter){ .at_ms = now_ms };
    } else if (steps > 0) {
        m->sum = meter_left(m->sum, steps);
        m->at_ms += steps * METER_STEP_MS;
    }
}

static inline void meter_add(struct meter *m, uint32_t bytes, int64_t now_ns)
{
    meter_decay(m, now_ns);
    m->sum = m->sum > UINT32_MAX - bytes ? UINT32_MAX : m->sum + bytes;
}

static inline int64_t meter_rate(struct meter m, int64_t now_ns)
{
    meter_decay(&m, now_ns);
    return (int64_t)m.sum * 1000 / METER_SPAN_MS;
}

#endif
