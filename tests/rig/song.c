/* song SECONDS FOLDER: a song for the rig, as FOLDER/song.flac and as FOLDER/song.pcm
 * (the same samples, 48 kHz, 16 bits, stereo, little-endian).
 *
 * Soft noise with a tone that wanders: no window of it is like any other, so a place in
 * it is found to a fraction of a microsecond even in 20 ms, and both channels are the
 * same, so that it travels fast.  SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "audio/render.h"
#include "base/rng.h"

#define RATE        48000
#define SECONDS_MAX 3000
#define NOTE        6000 /* frames */
#define NOISE       600
#define TONE        2500

static int16_t *make(int64_t frames)
{
    int16_t *s = malloc((size_t)frames * sizeof(*s));
    struct rng r;
    double angle = 0;
    double hz = 0;

    if (s == NULL)
        abort();
    rng_seed(&r, 1);
    for (int64_t i = 0; i < frames; i++) {
        double noise = (double)(rng_below(&r, 2 * NOISE + 1) - NOISE);

        if (i % NOTE == 0)
            hz = 220 + (double)rng_below(&r, 440);
        angle = fmod(angle + 2 * 3.14159265358979323846 * hz / RATE, 1000000);
        s[i] = (int16_t)lrint(noise + TONE * sin(angle));
    }
    return s;
}

static int save_pcm(const char *path, const int16_t *s, int64_t frames)
{
    FILE *f = fopen(path, "we");

    for (int64_t i = 0; f != NULL && i < frames; i++) {
        uint16_t v = (uint16_t)s[i];
        const uint8_t both[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)v,
                                  (uint8_t)(v >> 8) };

        if (fwrite(both, 4, 1, f) != 1)
            break;
    }
    return f == NULL || ferror(f) != 0 || fclose(f) != 0 ? -1 : 0;
}

static int save_flac(const char *path, const int16_t *s, int64_t frames)
{
    struct render_spec spec = { RATE, 2, 16, "The rig's song", "Nobody", NULL };
    float *both = malloc((size_t)frames * 2 * sizeof(*both));
    char why[200] = "no memory";
    int err = -1;

    for (int64_t i = 0; both != NULL && i < frames; i++)
        both[2 * i] = both[2 * i + 1] = (float)s[i] / 32768.0f;
    if (both != NULL)
        err = render_flac(path, &spec, both, frames, why, sizeof(why));
    if (err != 0)
        fprintf(stderr, "song: %s\n", why);
    free(both);
    return err;
}

int main(int argc, char **argv)
{
    int seconds = argc == 3 ? atoi(argv[1]) : 0;
    int64_t frames = (int64_t)seconds * RATE;
    char path[4096];
    int16_t *s;
    int err;

    if (seconds < 1 || seconds > SECONDS_MAX) {
        fprintf(stderr, "usage: song SECONDS FOLDER\n");
        return 2;
    }
    s = make(frames);
    snprintf(path, sizeof(path), "%s/song.flac", argv[2]);
    err = save_flac(path, s, frames);
    snprintf(path, sizeof(path), "%s/song.pcm", argv[2]);
    if (err == 0)
        err = save_pcm(path, s, frames);
    free(s);
    return err == 0 ? 0 : 1;
}
