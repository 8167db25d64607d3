/* The voice: the part of the engine that makes frames.  It knows what belongs to the
 * frame of a number, plays it, starts, fades and jumps, remembers what it has written,
 * and can take the end of that back.  SPDX-License-Identifier: MIT */
#ifndef AUDIO_VOICE_H
#define AUDIO_VOICE_H

#include <stdbool.h>
#include <stdint.h>

#include "audio/engine.h"

/* Make up to most frames (2 floats each) from a number on; returns how many, at least 1.
 * Only with a locked card and a valid clock. */
int voice_render(struct engine *e, int64_t frame, int most, float *out);

/* Make count frames of silence, and remember them. */
void voice_be_silent(struct engine *e, int64_t frame, int count, float *out);

/* Play nothing from here on. */
void voice_stop(struct engine *e);

/* Frames per second of the song that is playing; only while one is. */
int voice_rate(const struct engine *e);

/* What was written as a frame, or NULL when it is not remembered. */
const struct engine_block *voice_recall(const struct engine *e, int64_t frame);

/* Be where the voice was when it wrote a frame, and forget what was written since. */
void voice_restore(struct engine *e, int64_t frame);

/* Take back from the card what can be, and be ready to write it anew. */
void voice_rewind(struct engine *e, int64_t now_ns);

/* A song that was waited for has come: what is queued is silence, and need not be. */
void voice_look_for_song(struct engine *e, int64_t now_ns);

/* Music that is queued but has not begun yet can still be put right, when more is known
 * of the card than when it was written: at the first start that is only some readings. */
void voice_improve_start(struct engine *e, int64_t now_ns);

/* True when both are the same segment of a plan. */
bool voice_is_same(const struct audio_segment *a, const struct audio_segment *b);

#endif
