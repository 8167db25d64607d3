/* Capture files: what a simulated card has played, and when it truly left it.
 *
 * Little-endian.  A header of 32 bytes: "PARTYCAP", u32 version 1, u32 rate (frames per
 * second by the card's own crystal), i64 rate error of that crystal in parts per 10^12,
 * u64 zero.  Then records: i64 true raw ns of the first frame, u32 count of frames, u32
 * flags, and count stereo frames of i16.  A record holds while the card runs without a
 * break; a file that is cut off in a record (the player was killed) is good up to there.
 * Written by audio/record.h.  SPDX-License-Identifier: MIT */
#ifndef AUDIO_CAPTURE_H
#define AUDIO_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

#define CAPTURE_HEAD_LEN   32
#define CAPTURE_RECORD_LEN 16
#define CAPTURE_RECORD_MAX 65536              /* frames in one record */
#define CAPTURE_FRAMES_MAX INT64_C(172800000) /* an hour at 48 kHz */
#define CAPTURE_FLAG_BREAK 1u /* the card had stopped before this record */

/* A stretch without a break: frame i left at start_ns + i * 1e9 / rate_true. */
struct capture_run {
    int64_t start_ns; /* true raw time */
    int64_t first;    /* index of its first frame in struct capture's samples */
    int64_t frames;
};

struct capture {
    int rate;         /* nominal */
    int64_t rate_ppt; /* the crystal's error, parts per 10^12; within +-1000 ppm */
    int64_t frames;   /* in all runs */
    float *mono;      /* the mean of both channels, -1..1 */
    int run_count;
    struct capture_run *runs; /* in time order, not overlapping */
    int breaks;               /* how often the card stopped and went on */
    bool is_cut;              /* the last record was not complete */
};

/* Read a capture from memory; capture_finish releases it.
 * Errors: ERR_FORMAT (no capture), ERR_CORRUPT (records out of order or out of bounds),
 * ERR_LIMIT (too long). */
MUST_USE int capture_parse(struct capture *c, struct bytes file);

/* The same from a file.  Errors: also ERR_FILE. */
MUST_USE int capture_load(struct capture *c, const char *path);

/* The fractional index of the frame that left at an instant, counted within the run that
 * is returned by its number; -1 when nothing was playing then. */
int capture_at(const struct capture *c, int64_t true_ns, double *index);

/* Releases the memory; ignores a zeroed struct. */
void capture_finish(struct capture *c);

#endif
