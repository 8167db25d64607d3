/* See the header.  SPDX-License-Identifier: MIT
 *
 * Each tune is a table row: a scale, a row of chords, a tempo and three voices.  The
 * melody is a walk over the scale that returns to its motif, drawn from a fixed seed;
 * bass and chords follow; a shaker of noise keeps time.  Nothing is copied from one bar
 * to the next, so every window of sound is one of a kind. */
#include "demo/tunes.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "audio/render.h"
#include "audio/xalloc.h"
#include "base/bytes.h"
#include "base/rng.h"

#define PI       3.14159265358979323846
#define PARTIALS 6
#define SCALE    7
#define CHORDS   8
#define MOTIF    6
#define PEAK     0.7f

/* How an instrument sounds: the strength of its partials, and how they come and go. */
struct timbre {
    float partial[PARTIALS];
    float attack_s;
    float decay_s; /* to 1/e while it sounds */
    float detune;  /* of a second string, parts of the pitch; 0 for none */
    float breath;  /* noise in the tone */
};

struct style {
    struct tune_info info;
    uint64_t seed;
    float beats_per_s;
    int beats_in_bar;
    float root_hz;      /* of the melody */
    int scale[SCALE];   /* semitones */
    int chords[CHORDS]; /* degrees of the scale, one a bar */
    struct timbre lead;
    struct timbre chord;
    float rest;  /* how often the melody is silent for a note */
    float swing; /* of the second half of a beat, beats */
    float shaker;
};

#define TUNE(title, file, rate, seconds)                                                 \
    {                                                                                    \
        title, "The Party Band", file, rate, (rate) * (seconds)                          \
    }

static const struct style styles[TUNES_COUNT] = {
    { .info = TUNE("Lantern Street", "lantern-street.flac", 44100, 28),
      .seed = 11,
      .beats_per_s = 1.6f,
      .beats_in_bar = 4,
      .root_hz = 293.66f,
      .scale = { 0, 2, 4, 5, 7, 9, 11 },
      .chords = { 0, 4, 5, 3, 0, 2, 3, 4 },
      .lead = { { 1, .5f, .3f, .18f, .1f, .05f }, .004f, .45f, .0015f, 0 },
      .chord = { { 1, .3f, .1f, 0, 0, 0 }, .05f, 1.5f, .002f, 0 },
      .rest = .12f,
      .shaker = .05f },
    { .info = TUNE("Paper Boats", "paper-boats.flac", 48000, 30),
      .seed = 23,
      .beats_per_s = 1.2f,
      .beats_in_bar = 4,
      .root_hz = 440.0f,
      .scale = { 0, 2, 3, 5, 7, 8, 10 },
      .chords = { 0, 5, 2, 6, 0, 3, 5, 4 },
      .lead = { { 1, 0, .35f, 0, .25f, .12f }, .002f, .9f, .0008f, 0 },
      .chord = { { 1, .5f, .25f, .12f, 0, 0 }, .25f, 3.0f, .004f, .02f },
      .rest = .2f,
      .shaker = .03f },
    { .info = TUNE("Copper Rain", "copper-rain.flac", 44100, 26),
      .seed = 37,
      .beats_per_s = 2.1f,
      .beats_in_bar = 4,
      .root_hz = 329.63f,
      .scale = { 0, 2, 3, 5, 7, 9, 10 },
      .chords = { 0, 3, 0, 6, 0, 3, 4, 6 },
      .lead = { { 1, .8f, 0, .4f, 0, .2f }, .008f, .25f, 0, .01f },
      .chord = { { .7f, .7f, .4f, .2f, .1f, .05f }, .006f, .18f, .001f, 0 },
      .rest = .08f,
      .shaker = .09f },
    { .info = TUNE("Night Tram", "night-tram.flac", 48000, 29),
      .seed = 53,
      .beats_per_s = 1.4f,
      .beats_in_bar = 4,
      .root_hz = 261.63f,
      .scale = { 0, 2, 3, 5, 7, 8, 10 },
      .chords = { 0, 3, 6, 2, 5, 1, 4, 0 },
      .lead = { { 1, .15f, .05f, .3f, .02f, .08f }, .003f, .7f, .0012f, 0 },
      .chord = { { 1, .2f, .08f, .04f, 0, 0 }, .02f, .9f, .003f, 0 },
      .rest = .15f,
      .swing = .17f,
      .shaker = .07f },
    { .info = TUNE("Morning Bread", "morning-bread.flac", 48000, 27),
      .seed = 71,
      .beats_per_s = 1.9f,
      .beats_in_bar = 3,
      .root_hz = 392.0f,
      .scale = { 0, 2, 4, 5, 7, 9, 11 },
      .chords = { 0, 0, 3, 4, 5, 1, 4, 0 },
      .lead = { { 1, .12f, .2f, .03f, .05f, 0 }, .03f, 1.6f, 0, .05f },
      .chord = { { 1, .6f, .3f, .2f, .1f, .05f }, .003f, .3f, .001f, 0 },
      .rest = .1f,
      .shaker = .04f },
};

/* One tune in the making. */
struct band {
    const struct style *style;
    struct rng rng;
    float *out; /* stereo */
    int64_t frames;
};

struct note {
    double at_s;
    double length_s;
    double hz;
    float level;
    float pan; /* 0 left to 1 right */
};

/* -1..1, never the same twice. */
static float noise(struct rng *r)
{
    return (float)((double)(rng_next(r) >> 11) / 4503599627370496.0 - 1.0);
}

static bool chance(struct rng *r, float p)
{
    return (float)rng_below(r, 1000000) < p * 1e6f;
}

/* The pitch of a step of the scale; steps beyond it are in other octaves. */
static double pitch(const struct style *s, int step)
{
    int octave = step >= 0 ? step / SCALE : -((SCALE - 1 - step) / SCALE);
    int semitone = s->scale[step - octave * SCALE] + 12 * octave;

    return s->root_hz * pow(2, semitone / 12.0);
}

/* How loud a note is, t seconds after its begin. */
static float envelope(const struct timbre *t, const struct note *n, double at_s)
{
    float rise = (float)(at_s < t->attack_s ? at_s / t->attack_s : 1);
    float fall = expf((float)-at_s / t->decay_s);
    double over_s = at_s - n->length_s;

    return rise * fall * (over_s > 0 ? expf((float)-over_s / 0.06f) : 1);
}

static void play(struct band *b, const struct timbre *t, const struct note *n)
{
    double rate = b->style->info.rate;
    int64_t from = (int64_t)(n->at_s * rate);
    int64_t count = (int64_t)((n->length_s + 0.3) * rate);
    double phase = (double)rng_below(&b->rng, 1000) / 1000;
    double other = (double)rng_below(&b->rng, 1000) / 1000;

    for (int64_t i = 0; i < count && from + i < b->frames; i++) {
        double at_s = (double)i / rate;
        double vibrato = 1 + 0.002 * sin(2 * PI * (5.1 * at_s + other));
        double x = 2 * PI * (n->hz * vibrato * at_s + phase);
        double y = t->detune > 0 ? x * (1 + t->detune) : x;
        float g = n->level * envelope(t, n, at_s);
        float v = t->breath * noise(&b->rng);

        for (int k = 0; k < PARTIALS && n->hz * (k + 1) < 12000; k++) {
            if (t->partial[k] > 0) {
                v += t->partial[k] * (float)sin((k + 1) * ((k & 1) == 0 ? x : y));
            }
        }
        b->out[2 * (from + i)] += v * g * (1 - n->pan);
        b->out[2 * (from + i) + 1] += v * g * n->pan;
    }
}

/* A short breath of noise with a bright edge. */
static void shake(struct band *b, double at_s, float level)
{
    double rate = b->style->info.rate;
    int64_t from = (int64_t)(at_s * rate);
    int64_t count = (int64_t)(0.09 * rate);
    float last = 0;

    for (int64_t i = 0; i < count && from + i < b->frames; i++) {
        float x = noise(&b->rng);
        float v = (x - 0.6f * last) * level * expf((float)-i / (float)(0.022 * rate));

        last = x;
        b->out[2 * (from + i)] += v * 0.9f;
        b->out[2 * (from + i) + 1] += v * 0.7f;
    }
}

static void play_bar_below(struct band *b, int bar, double bar_s, double beat_s)
{
    const struct style *s = b->style;
    int degree = s->chords[bar % CHORDS];

    for (int beat = 0; beat < s->beats_in_bar; beat++) {
        double at_s = bar_s + beat * beat_s;
        int step = beat == 0 || chance(&b->rng, .4f) ? degree : degree + 4;
        struct note bass = { at_s, beat_s * .9, pitch(s, step) / 4, .30f, .5f };
        static const struct timbre low = { { 1, .4f, .1f, 0, 0, 0 }, .01f, .6f, 0, 0 };

        play(b, &low, &bass);
        shake(b, at_s + beat_s / 2 * (1 + (double)s->swing), s->shaker);
        shake(b, at_s, s->shaker * (beat == 1 || beat == 3 ? 1.6f : .7f));
        for (int k = 0; k < 3 && (beat % 2 == 0 || s->beats_in_bar == 3); k++) {
            struct note n = { at_s + .012 * k, beat_s * 1.6, pitch(s, degree + 2 * k) / 2,
                              .07f, .3f + .2f * (float)k };

            play(b, &s->chord, &n);
        }
    }
}

/* The next step of the walk: near the last one, drawn to the chord and to the middle. */
static int walk(struct band *b, int step, int degree, bool is_strong)
{
    static const int moves[] = { -2, -1, -1, 1, 1, 2, 3, -3 };
    int next = step + moves[rng_below(&b->rng, COUNT(moves))];

    if (next > 9 || next < -3) {
        next = step - (next - step);
    }
    if (is_strong && (next - degree + 2 * SCALE) % 2 != 0) {
        next += chance(&b->rng, .5f) ? 1 : -1;
    }
    return next;
}

static void play_melody(struct band *b, double beat_s, double end_s)
{
    const struct style *s = b->style;
    static const float lengths[] = { .5f, .5f, 1, 1, .5f, 1.5f, 2 };
    int motif[MOTIF] = { 0, 2, 4, 2, 3, 1 };
    double beat = 0;
    int step = 2;

    for (int i = 0; i < MOTIF; i++) {
        motif[i] = walk(b, motif[i], 0, i == 0);
    }
    for (int i = 0; beat * beat_s < end_s; i++) {
        int bar = (int)(beat / s->beats_in_bar);
        int degree = s->chords[bar % CHORDS];
        double length = (double)lengths[rng_below(&b->rng, COUNT(lengths))];
        double off = beat - floor(beat) > .4 ? (double)s->swing / 2 : 0;
        struct note n;

        if (bar % 4 == 0 || chance(&b->rng, .25f)) {
            step = motif[i % MOTIF] + (int)rng_below(&b->rng, 2) * 2;
        } else {
            step = walk(b, step, degree, beat - floor(beat) < .1);
        }
        n = (struct note){ (beat + off) * beat_s, length * beat_s * .92, pitch(s, step),
                           .20f + .06f * noise(&b->rng), .5f + .15f * noise(&b->rng) };
        if (!chance(&b->rng, s->rest)) {
            play(b, &s->lead, &n);
        }
        beat += length;
    }
}

/* To one loudness, in from silence and out to it. */
static void finish(struct band *b)
{
    int64_t in = b->style->info.rate / 20;
    int64_t out = b->style->info.rate * 2;
    float most = 1e-9f;

    for (int64_t i = 0; i < 2 * b->frames; i++) {
        most = fmaxf(most, fabsf(b->out[i]));
    }
    for (int64_t i = 0; i < 2 * b->frames; i++) {
        int64_t frame = i / 2;
        int64_t left = b->frames - 1 - frame;
        float g = frame < in ? (float)frame / (float)in : 1;

        b->out[i] *= PEAK / most * g * (left < out ? (float)left / (float)out : 1);
    }
}

const struct tune_info *tunes_info(int index)
{
    return &styles[index].info;
}

int tunes_render(int index, const char *path, char *message, size_t size)
{
    const struct style *s = &styles[index];
    struct band b = { .style = s, .frames = s->info.frames };
    struct render_spec spec = { s->info.rate,   2,           16, s->info.title,
                                s->info.artist, "Five Rooms" };
    double beat_s = 1 / (double)s->beats_per_s;
    double end_s = (double)b.frames / s->info.rate - 1.5;
    int err;

    rng_seed(&b.rng, s->seed);
    b.out = xcalloc((size_t)b.frames, 2 * sizeof(float));
    for (int bar = 0; bar * beat_s * s->beats_in_bar < end_s; bar++) {
        play_bar_below(&b, bar, bar * beat_s * s->beats_in_bar, beat_s);
    }
    play_melody(&b, beat_s, end_s);
    finish(&b);
    err = render_flac(path, &spec, b.out, b.frames, message, size);
    free(b.out);
    return err;
}
