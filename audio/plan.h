/* The plan: what must be heard when.  A short list of segments in party time, made by the
 * party's timeline and carried out by the player.  What is to sound at an instant is a
 * pure function of the plan, so a player that is late, or comes late, knows where to
 * jump. SPDX-License-Identifier: MIT */
#ifndef AUDIO_PLAN_H
#define AUDIO_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"

#define AUDIO_SEGMENTS_MAX 24

/* One stretch of music or of silence.  It holds until the next segment begins. */
struct audio_segment {
    int64_t party_ns;    /* instant at which it begins at the DAC, party time */
    struct song_id song; /* zero and without meaning when !is_playing */
    int64_t frame;       /* of the song, at its own rate, at that instant; >= 0 */
    bool is_playing;     /* false: silence */
};

/* Segments in time order; the first covers the present.  Before the first is silence. */
struct audio_plan {
    uint32_t version; /* changes with every change of the plan */
    int count;        /* 0..AUDIO_SEGMENTS_MAX */
    struct audio_segment segments[AUDIO_SEGMENTS_MAX];
};

/* True when count, order and frames are in range; a player refuses any other plan. */
bool audio_plan_check(const struct audio_plan *plan);

/* The index of the segment that holds at an instant, or -1 before the first. */
int audio_plan_at(const struct audio_plan *plan, int64_t party_ns);

/* The position in the song, in frames of rate per second, that segment s asks for at an
 * instant.  Fractions count: that is what the resampler is for. */
double audio_segment_frame(const struct audio_segment *s, int64_t party_ns, int rate);

/* True when b goes on where a is: same song, within slack_ns of the same place (or both
 * silent).  Independent of the song's rate as long as both are given the same one. */
bool audio_segment_continues(const struct audio_segment *a, const struct audio_segment *b,
                             int rate, int64_t slack_ns);

/* True when the two plans ask for different sound at some instant of [from_ns, to_ns).
 * rate is that of the songs (any plausible one will do). */
bool audio_plan_differs(const struct audio_plan *a, const struct audio_plan *b,
                        int64_t from_ns, int64_t to_ns, int rate);

#endif
