/* The measurement: what did each card truly emit at each instant, and how far were they
 * apart?  Found from captures alone, by correlating them with the songs: no player's own
 * belief enters.  Every 100 ms of true time, in a window of 4096 frames, the song and the
 * position in it are searched (normalised cross-correlation), and the position is refined
 * below the sample by least squares.  SPDX-License-Identifier: MIT */
#ifndef AUDIO_MEASURE_H
#define AUDIO_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

#include "audio/capture.h"
#include "base/err.h"

#define MEASURE_GRID_NS   INT64_C(100000000)
#define MEASURE_WINDOW    4096 /* frames of the card */
#define MEASURE_LEAST     512
#define MEASURE_SONGS_MAX 64
#define MEASURE_CARDS_MAX 32

enum measure_state {
    MEASURE_ABSENT,  /* the card did not run */
    MEASURE_SILENT,  /* it ran, and nothing was to be heard */
    MEASURE_MUSIC,   /* song and frame are known */
    MEASURE_UNKNOWN, /* sound that is no stretch of any song: a jump, a fade, a fault */
};

/* One window of one card. */
struct measure_point {
    enum measure_state state;
    bool is_clean; /* so were its neighbours, and it goes on where they are */
    int song;      /* MEASURE_MUSIC: index into the songs, else -1 */
    double frame;  /* at the instant, frames of the song at its own rate */
    double match;  /* normalised correlation, 0..1 */
};

struct measure_song {
    const float *frames; /* stereo, interleaved; borrowed while measuring */
    int64_t count;
    int rate;
};

/* Distances in microseconds between what two cards emitted at the same instant. */
struct measure_spread {
    double p50_us;
    double p99_us;
    double max_us;
    int64_t max_at_ns;  /* true raw time of the largest */
    int64_t windows;    /* that were compared */
    int64_t mismatches; /* both clean, but different songs */
    int64_t lone;       /* clean, but one was silent or absent while the other played */
};

struct measure {
    int cards;
    int64_t first_ns; /* true raw time of point 0; point k is MEASURE_GRID_NS * k later */
    int64_t points;   /* per card */
    struct measure_point *at;     /* [card * points + k] */
    struct measure_spread *pairs; /* [a * cards + b], a < b */
    struct measure_spread all;    /* over every pair */
    double *played_s;             /* per card: seconds of music */
    int *jumps;                   /* per card: clean stretches of music that did not go on
                                   * where the one before was (skips, seeks, pauses, faults) */
};

/* Measure count captures against songs; measure_destroy releases the result.
 * Errors: ERR_USAGE for counts or rates out of range, ERR_LIMIT for more than an hour. */
MUST_USE int measure_create(struct measure **m, const struct capture *captures, int count,
                            const struct measure_song *songs, int song_count);

/* The same with windows of another length, MEASURE_LEAST to MEASURE_WINDOW frames:
 * shorter ones tell more of players that drop and repeat samples, and need a song like
 * noise. */
MUST_USE int measure_create_fine(struct measure **m, const struct capture *captures,
                                 int count, const struct measure_song *songs,
                                 int song_count, int window);

/* The point of a card nearest to an instant; NULL outside of the measurement. */
const struct measure_point *measure_at(const struct measure *m, int card,
                                       int64_t true_ns);

/* Ignores NULL. */
void measure_destroy(struct measure *m);

#endif
