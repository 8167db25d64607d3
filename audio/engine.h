/* The engine: all that the audio thread does, one wake at a time.
 *
 * Every frame that is written has a number; the card's line (audio/phase.h) says at which
 * instant it will sound, the clock line which party time that is, the plan which frame of
 * which song belongs there.  So what to write is a function of the frame's number, at the
 * start, after an underrun, a jump or a device that came back: there is no other rule.
 * SPDX-License-Identifier: MIT */
#ifndef AUDIO_ENGINE_H
#define AUDIO_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "audio/depth.h"
#include "audio/feeder.h"
#include "audio/phase.h"
#include "audio/player.h"
#include "audio/resample.h"
#include "audio/seqlock.h"
#include "audio/sink.h"
#include "base/rng.h"

#define ENGINE_CHUNK  480 /* frames made at once */
#define ENGINE_BLOCKS 512 /* remembered: more than any buffer holds */

/* A stretch of written frames with one position and step: what has been promised to the
 * card.  Says what is at the DAC, and where to go on after taking frames back. */
struct engine_block {
    int64_t first; /* number of its first frame */
    int count;
    bool is_playing;
    int slot;
    double position; /* of the song, at first */
    double step;
    double begin_position; /* of the voice, where it began */
    struct audio_segment segment;
};

/* What is being played into the card. */
struct engine_voice {
    bool is_on;
    bool must_jump; /* the servo has given up on it */
    int slot;
    struct audio_segment segment; /* of the plan, that it was put in place by */
    int64_t begin;                /* number of its first frame … */
    double begin_position;        /* … and the position that it was given */
    int faded_in; /* frames of the fade-in that are done; fade_frames: all */
    int dying;    /* frames left of a fade-out that was not planned; 0: it lives */
    float level;  /* of the envelope at its last frame */
    double step;
};

/* What belongs to a frame that is about to be written. */
struct engine_moment {
    int64_t instant_ns; /* local, at the DAC */
    int64_t party_ns;   /* at the ear */
    int64_t left;       /* frames until the next segment begins */
    struct audio_segment want;
    struct audio_segment next; /* valid when left < INT64_MAX */
};

struct engine {
    struct player_config config;
    char spec[512];
    struct sink *sink; /* NULL while the device is gone */
    struct feeder *feeder;
    struct resample *resample;
    const struct seqlock *plan_lock;
    const struct seqlock *clock_lock;
    const struct seqlock *output_lock;
    struct seqlock *report_lock;

    struct rng rng;
    struct phase phase;
    struct servo servo;
    struct phase_params params;
    struct audio_plan plan;
    uint32_t plan_seen; /* version of the seqlock, not of the plan */
    struct clock_line clock;
    uint32_t clock_seen;
    struct audio_output output;
    uint32_t output_seen;
    struct depth depth;
    bool must_rewind; /* what is queued is no longer what should sound */
    bool must_jump;   /* … as the voice is far off since the clock moved */

    int64_t
        written; /* number of the next frame; counts from 0 at every start of the card */
    bool is_locked;
    struct engine_voice voice;
    bool is_waiting;            /* for a song that is not there yet */
    struct audio_segment heard; /* the last segment that has reached the DAC */
    struct engine_block blocks[ENGINE_BLOCKS];
    int64_t block_count; /* ever; the newest is at (block_count - 1) % ENGINE_BLOCKS */
    float gain;
    int64_t retry_ns; /* the device is opened again then */
    int64_t backoff_ns;

    int fade_frames;
    float ramp[1024]; /* 0 to 1 */
    float out[2 * ENGINE_CHUNK];
    struct audio_report report;
};

/* Open the sink and what else is needed.  The seqlocks and the feeder are borrowed.
 * Errors: as player_create. */
MUST_USE int engine_init(struct engine *e, const struct player_config *config,
                         struct feeder *feeder, char *message, size_t size);

/* Do what is due.  Returns after how many ns to call again. */
int64_t engine_wake(struct engine *e);

void engine_finish(struct engine *e);

#endif
