/* Songs for the audio tests: chords that never repeat over soft noise.  Test code.
 * SPDX-License-Identifier: MIT */
#ifndef TESTS_AUDIO_SOUND_H
#define TESTS_AUDIO_SOUND_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "audio/render.h"
#include "base/rng.h"

#define SOUND_PI 3.14159265358979323846

/* Stereo floats of a song, which the caller frees. */
static inline float *sound_make(uint64_t seed, int rate, int64_t frames)
{
    float *s = calloc((size_t)frames, 2 * sizeof(float));
    struct rng r;
    int64_t at = 0;

    rng_seed(&r, seed);
    while (at < frames) {
        int64_t length = rate / 10 + rng_below(&r, rate / 3);
        double a = 2 * SOUND_PI * (double)(150 + rng_below(&r, 600)) / rate;
        double b = 2 * SOUND_PI * (double)(500 + rng_below(&r, 3000)) / rate;

        for (int64_t i = 0; i < length && at + i < frames; i++) {
            double fall = exp(-(double)i / rate * 4);
            double x = 0.25 * sin(a * (double)i) + 0.12 * fall * sin(b * (double)i);
            double n = ((double)rng_below(&r, 2001) - 1000) / 1000 * 0.03;

            s[2 * (at + i)] = (float)(x + n);
            s[2 * (at + i) + 1] = (float)(0.8 * x - n * 0.5);
        }
        at += length;
    }
    return s;
}

/* Write it to a file of the test's folder, named by seed, and return its path, which the
 * caller frees; 16 bits. */
static inline char *sound_save(const char *folder, uint64_t seed, const float *samples,
                               int rate, int64_t frames)
{
    struct render_spec spec = { rate, 2, 16, "Test", "Nobody", NULL };
    char message[200];
    char *path = malloc(400);

    snprintf(path, 400, "%s/song%d.flac", folder, (int)seed);
    if (render_flac(path, &spec, samples, frames, message, sizeof(message)) != 0) {
        fprintf(stderr, "%s\n", message);
        abort();
    }
    return path;
}

/* A folder of its own for a test; sound_remove_folder deletes it with what is in it. */
static inline void sound_make_folder(char *folder, size_t size)
{
    snprintf(folder, size, "%s/party-audio-XXXXXX",
             getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    if (mkdtemp(folder) == NULL) {
        perror(folder);
        abort();
    }
}

static inline void sound_remove_folder(const char *folder)
{
    char command[500];

    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    if (system(command) != 0) {
        perror(command);
    }
}

#endif
