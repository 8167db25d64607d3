/* Five short tunes of our own, made of oscillators and noise: something to play where
 * there is no music, and for the tests to tell apart.  No stretch of any of them sounds
 * like any other stretch, so that a recording says where in which tune it is.
 * SPDX-License-Identifier: MIT */
#ifndef DEMO_TUNES_H
#define DEMO_TUNES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define TUNES_COUNT 5

struct tune_info {
    const char *title;
    const char *artist;
    const char *file_name; /* "lantern-street.flac" */
    int rate;
    int64_t frames;
};

/* index 0..TUNES_COUNT-1. */
const struct tune_info *tunes_info(int index);

/* Write tune index as 16-bit stereo FLAC to path; takes about 0.2 s.  The same bytes
 * every time.  Errors: as render_flac. */
MUST_USE int tunes_render(int index, const char *path, char *message, size_t size);

#endif
