/* Resampling with a ratio that may change with every block, and a position that is known.
 *
 * Output frame k lies exactly at the position start + sum of the steps before it: the
 * filter's delay is inside, and fractions of frames at the start are honoured.
 * Wraps libsamplerate's sinc converters.  SPDX-License-Identifier: MIT */
#ifndef AUDIO_RESAMPLE_H
#define AUDIO_RESAMPLE_H

#include <stdint.h>

#include "base/err.h"

enum resample_quality { RESAMPLE_MEDIUM, RESAMPLE_FAST, RESAMPLE_BEST };

/* Steps that are served: input frames per output frame. */
#define RESAMPLE_STEP_MIN (1.0 / 32)
#define RESAMPLE_STEP_MAX 32.0

/* Where input comes from: copy stereo frames [frame, frame + count) to to, with zeros for
 * what lies outside of the song.  Returns how many there are now, from the first on. */
struct resample_source {
    int (*fetch)(void *ctx, int64_t frame, int count, float *to);
    void *ctx;
};

struct resample;

/* Errors: ERR_NOMEM. */
MUST_USE int resample_create(struct resample **r, enum resample_quality quality);

/* The next output frame is to be the input at position, which counts in input frames. */
void resample_start(struct resample *r, double position);

/* The input position of the next output frame. */
double resample_position(const struct resample *r);

/* How many input frames before a position are looked at when starting there. */
int resample_lead(double step);

/* Make up to count stereo frames, each step input frames after the one before.  Returns
 * how many; fewer only when the source had no more for now.  Allocates nothing. */
int resample_run(struct resample *r, const struct resample_source *source, double step,
                 float *to, int count);

/* Ignores NULL. */
void resample_destroy(struct resample *r);

#endif
