/* Finding where in a song a window of sound comes from: the arithmetic under measure.h.
 * All signals are mono at one common rate.  SPDX-License-Identifier: MIT */
#ifndef AUDIO_MATCH_H
#define AUDIO_MATCH_H

#include <stdint.h>

#define MATCH_DECIMATE 8

#define MATCH_CANDIDATES 16

/* A song to search in. */
struct match_song {
    float *mono;
    int64_t frames;
    float *coarse; /* low-passed, every MATCH_DECIMATE-th frame */
    int64_t coarse_frames;
};

struct match {
    int song;     /* -1: none */
    double frame; /* where the window's reference point lies in the song */
    double value; /* normalised correlation, -1..1 */
};

/* Fill coarse from mono.  The caller frees both. */
void match_prepare(struct match_song *s);

/* The best whole-frame place for window (of count frames, its reference point at index
 * ref) within +-reach frames of about. */
struct match match_near(const struct match_song *s, const float *window, int count,
                        double ref, double about, int reach);

/* Places in any song that may be the one, to within MATCH_DECIMATE frames, the likeliest
 * first; song is -1 where there are fewer.  Look at all of them closely. */
void match_anywhere(const struct match_song *songs, int song_count, const float *window,
                    int count, double ref, struct match list[static MATCH_CANDIDATES]);

/* Make what is particular to a place stronger against long tones (two first differences),
 * and take away what is near half the rate, where no interpolator is good.  Song and
 * window must both go through it. */
void match_sharpen(float *mono, int64_t frames);

/* Refine a place below the frame by least squares over place, stretch and gain.  stretch:
 * song frames per window frame, to begin with. */
void match_refine(const struct match_song *s, const float *window, int count, double ref,
                  double stretch, struct match *m);

#endif
