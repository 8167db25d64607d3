/* See the header.  SPDX-License-Identifier: MIT */
#include "audio/plan.h"

#include "base/time.h"

/* Beyond any song, and far from where doubles of frames lose their fractions. */
#define FRAME_MAX (INT64_C(1) << 40)

/* Instants within +-146 years of 1970 can be subtracted without a thought. */
#define PARTY_NS_MAX (INT64_MAX / 2)

bool audio_plan_check(const struct audio_plan *plan)
{
    if (plan->count < 0 || plan->count > AUDIO_SEGMENTS_MAX) {
        return false;
    }
    for (int i = 0; i < plan->count; i++) {
        const struct audio_segment *s = &plan->segments[i];

        if (s->party_ns > PARTY_NS_MAX || s->party_ns < -PARTY_NS_MAX) {
            return false;
        }
        if (i > 0 && s->party_ns < plan->segments[i - 1].party_ns) {
            return false;
        }
        if (s->is_playing && (s->frame < 0 || s->frame > FRAME_MAX)) {
            return false;
        }
    }
    return true;
}

int audio_plan_at(const struct audio_plan *plan, int64_t party_ns)
{
    int i = plan->count - 1;

    while (i >= 0 && plan->segments[i].party_ns > party_ns) {
        i--;
    }
    return i;
}

double audio_segment_frame(const struct audio_segment *s, int64_t party_ns, int rate)
{
    /* Split, so that the product stays exact over days. */
    int64_t d = party_ns - s->party_ns;
    int64_t seconds = d / NS_PER_S;
    double rest = (double)(d % NS_PER_S) * (double)rate / (double)NS_PER_S;

    return (double)s->frame + (double)seconds * (double)rate + rest;
}

bool audio_segment_continues(const struct audio_segment *a, const struct audio_segment *b,
                             int rate, int64_t slack_ns)
{
    double apart;

    if (!a->is_playing || !b->is_playing) {
        return a->is_playing == b->is_playing;
    }
    if (!song_id_equal(&a->song, &b->song)) {
        return false;
    }
    apart = (audio_segment_frame(a, b->party_ns, rate) - (double)b->frame) / rate;
    return apart * (double)NS_PER_S <= (double)slack_ns &&
           apart * (double)NS_PER_S >= -(double)slack_ns;
}

static bool differ_at(const struct audio_plan *a, const struct audio_plan *b,
                      int64_t party_ns, int rate)
{
    static const struct audio_segment silence = { .is_playing = false };
    int i = audio_plan_at(a, party_ns);
    int j = audio_plan_at(b, party_ns);

    return !audio_segment_continues(i < 0 ? &silence : &a->segments[i],
                                    j < 0 ? &silence : &b->segments[j], rate, NS_PER_MS);
}

bool audio_plan_differs(const struct audio_plan *a, const struct audio_plan *b,
                        int64_t from_ns, int64_t to_ns, int rate)
{
    const struct audio_plan *plans[2] = { a, b };

    if (from_ns < to_ns && differ_at(a, b, from_ns, rate)) {
        return true;
    }
    for (int p = 0; p < 2; p++) {
        for (int i = 0; i < plans[p]->count; i++) {
            int64_t at_ns = plans[p]->segments[i].party_ns;

            if (at_ns > from_ns && at_ns < to_ns && differ_at(a, b, at_ns, rate)) {
                return true;
            }
        }
    }
    return false;
}
