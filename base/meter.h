/* Bytes per second over the last seconds, in eight bytes: a sum that decays.
 * SPDX-License-Identifier: MIT */
#ifndef BASE_METER_H
#define BASE_METER_H

#include <stdint.h>

#include "base/time.h"

#define METER_SPAN_MS 8192 /* what is older than this counts e times less */
#define METER_STEP_MS 256  /* decays no more often, as it is all integers */

struct meter {
    uint32_t at_ms; /* decayed until then; wraps */
    uint32_t sum;
};

static inline void meter_decay(struct meter *m, int64_t now_ns)
{
    uint32_t now_ms = (uint32_t)(now_ns / NS_PER_MS);
    int32_t gone_ms = (int32_t)(now_ms - m->at_ms);

    if (gone_ms >= 8 * METER_SPAN_MS || gone_ms < 0)
        *m = (struct meter){ .at_ms = now_ms };
    for (; gone_ms >= METER_STEP_MS && m->sum > 0; gone_ms -= METER_STEP_MS) {
        m->sum -= m->sum / (METER_SPAN_MS / METER_STEP_MS) + 1;
        m->at_ms += METER_STEP_MS;
    }
    if (m->sum == 0)
        m->at_ms = now_ms;
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
