/* Write a FLAC file from samples in memory, with tags.
 * SPDX-License-Identifier: MIT */
#ifndef AUDIO_RENDER_H
#define AUDIO_RENDER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct render_spec {
    int rate;
    int channels;      /* 1..8 */
    int bits;          /* 8, 16 or 24 */
    const char *title; /* UTF-8; NULL for no such tag */
    const char *artist;
    const char *album;
};

/* Write samples (-1..1, interleaved, frames * channels of them; more is clipped) to path,
 * which is made or replaced.  The same samples give the same bytes.
 * Errors: ERR_FILE, ERR_DISK, ERR_USAGE; message says why in one line. */
MUST_USE int render_flac(const char *path, const struct render_spec *spec,
                         const float *samples, int64_t frames, char *message,
                         size_t size);

#endif
