/* A stage: players on simulated cards, in virtual time, and what left those cards.
 *
 * The songs are pairs of a cosine (left) and a sine (right) of one low frequency: the
 * angle of any one captured frame says which place of the song it is, to some tens of
 * nanoseconds, and within half a period of where it should be.  So an error, a ratio and
 * a missing sample are arithmetic on the capture; nothing that a player believes enters.
 * Party time is true time.  Nothing runs beside the test: the same run gives the same
 * samples.  Test code.  SPDX-License-Identifier: MIT */
#ifndef TESTS_AUDIO_STAGE_H
#define TESTS_AUDIO_STAGE_H

#include <string.h>

#include "audio/capture.h"
#include "audio/card.h"
#include "audio/engine.h"
#include "base/time.h"
#include "tests/audio/sound.h"

#define STAGE_ACTORS 4
#define STAGE_RATE   48000    /* of the songs */
#define STAGE_HZ     125      /* of song 0: places are told apart within +-4 ms */
#define STAGE_LOUD   0.5      /* amplitude */
#define STAGE_SILENT 1e-3     /* softer than that is silence */
#define STAGE_EPOCH  NS_PER_S /* the first instant */

struct stage;

/* A player with the machine's clock that it runs on. */
struct actor {
    struct stage *stage;
    bool is_up;
    int64_t clock_offset_ns; /* local time: true time and this, … */
    int64_t clock_ppb;       /* … running fast by that */
    int64_t wake_ns;         /* true time */
    char spec[600];
    char capture[300];
    struct engine engine;
    struct seqlock *plan;
    struct seqlock *clock;
    struct seqlock *output;
    struct seqlock *report;
};

struct stage {
    int64_t now_ns; /* true time */
    char folder[200];
    char *paths[2];
    struct actor actors[STAGE_ACTORS];
};

static inline int64_t stage_true_now(void *ctx)
{
    return ((const struct stage *)ctx)->now_ns;
}

static inline int64_t stage_local_now(void *ctx)
{
    const struct actor *a = ctx;
    int64_t t = a->stage->now_ns;

    return t + a->clock_offset_ns + mul_div(t, a->clock_ppb, NS_PER_S);
}

static inline struct song_id stage_song(int i)
{
    return (struct song_id){ { (uint8_t)(i + 1) } };
}

static inline int stage_open_song(void *ctx, const struct song_id *id,
                                  struct byte_stream *s)
{
    const struct actor *a = ctx;
    char message[200];

    return byte_stream_open_file(s, a->stage->paths[id->b[0] - 1], message,
                                 sizeof(message));
}

/* The line that an ideal clock filter would give, shifted by off_ns. */
static inline void stage_set_clock(struct actor *a, int64_t off_ns)
{
    struct clock_line line = {
        .local_ns = stage_local_now(a),
        .remote_ns = a->stage->now_ns + off_ns,
        .rate_ppt = -mul_div(a->clock_ppb * 1000, NS_PER_S, NS_PER_S + a->clock_ppb),
        .is_valid = true,
    };

    seqlock_write(a->clock, &line);
}

/* The time is not known any more. */
static inline void stage_lose_clock(struct actor *a)
{
    struct clock_line none = { .is_valid = false };

    seqlock_write(a->clock, &none);
}

static inline void stage_set_plan(struct actor *a, const struct audio_plan *plan)
{
    seqlock_write(a->plan, plan);
}

/* Song 0 from its begin, from an instant on. */
static inline void stage_play(struct actor *a, int64_t at_ns)
{
    struct audio_plan plan = { .version = 1, .count = 1 };

    plan.segments[0] = (struct audio_segment){ at_ns, stage_song(0), 0, true };
    stage_set_plan(a, &plan);
}

static inline void stage_open(struct stage *s, int seconds)
{
    int64_t frames = (int64_t)seconds * STAGE_RATE;
    float *sound = calloc((size_t)frames, 2 * sizeof(float));

    memset(s, 0, sizeof(*s));
    s->now_ns = STAGE_EPOCH;
    sound_make_folder(s->folder, sizeof(s->folder));
    for (int k = 0; k < 2; k++) {
        double w = 2 * SOUND_PI * STAGE_HZ * (k + 1) / STAGE_RATE;

        for (int64_t i = 0; i < frames; i++) {
            sound[2 * i] = (float)(STAGE_LOUD * cos(w * (double)i));
            sound[2 * i + 1] = (float)(STAGE_LOUD * sin(w * (double)i));
        }
        s->paths[k] = sound_save(s->folder, (uint64_t)k, sound, STAGE_RATE, frames);
    }
    free(sound);
}

/* A player on a card with these options (audio/virtual.c) comes in. */
static inline struct actor *stage_enter(struct stage *s, int i, const char *options)
{
    struct actor *a = &s->actors[i];
    struct player_config config = { .sink = a->spec,
                                    .now = stage_local_now,
                                    .now_ctx = a,
                                    .open_song = stage_open_song,
                                    .open_ctx = a,
                                    .true_now = stage_true_now,
                                    .true_ctx = s };
    char message[200];

    a->stage = s;
    a->is_up = true;
    a->wake_ns = s->now_ns;
    snprintf(a->capture, sizeof(a->capture), "%.200s/card%d", s->folder, i);
    if (snprintf(a->spec, sizeof(a->spec), "virtual:%s,capture=%.200s/card%d", options,
                 s->folder, i) >= (int)sizeof(a->spec)) {
        abort();
    }
    a->plan = seqlock_create(sizeof(struct audio_plan));
    a->clock = seqlock_create(sizeof(struct clock_line));
    a->output = seqlock_create(sizeof(struct audio_output));
    a->report = seqlock_create(sizeof(struct audio_report));
    a->engine.plan_lock = a->plan;
    a->engine.clock_lock = a->clock;
    a->engine.output_lock = a->output;
    a->engine.report_lock = a->report;
    if (engine_init(&a->engine, &config,
                    feeder_create(&config, a->plan, a->clock, a->output), message,
                    sizeof(message)) != ERR_NONE) {
        fprintf(stderr, "%s\n", message);
        abort();
    }
    return a;
}

/* Let time pass.  An actor whose wake_ns was put off by hand sleeps until then. */
static inline void stage_run_until(struct stage *s, int64_t until_ns)
{
    for (;;) {
        struct actor *next = NULL;

        for (int i = 0; i < STAGE_ACTORS; i++) {
            struct actor *a = &s->actors[i];

            if (a->is_up && (next == NULL || a->wake_ns < next->wake_ns)) {
                next = a;
            }
        }
        if (next == NULL || next->wake_ns > until_ns) {
            s->now_ns = until_ns;
            return;
        }
        s->now_ns = next->wake_ns > s->now_ns ? next->wake_ns : s->now_ns;
        while (feeder_work(next->engine.feeder)) {
        }
        next->wake_ns = s->now_ns + engine_wake(&next->engine);
    }
}

/* The curtain: captures are complete from here on. */
static inline void stage_leave(struct actor *a)
{
    if (!a->is_up) {
        return;
    }
    a->is_up = false;
    engine_finish(&a->engine);
    feeder_destroy(a->engine.feeder);
    seqlock_destroy(a->plan);
    seqlock_destroy(a->clock);
    seqlock_destroy(a->output);
    seqlock_destroy(a->report);
}

static inline void stage_close(struct stage *s)
{
    for (int i = 0; i < STAGE_ACTORS; i++) {
        stage_leave(&s->actors[i]);
    }
    free(s->paths[0]);
    free(s->paths[1]);
    sound_remove_folder(s->folder);
}

/* ---- what left a card ---- */

struct tape {
    int64_t count;
    int64_t *true_ns; /* of each frame */
    float *loud;      /* amplitude, 0..1 */
    float *angle;     /* of the pair, radians */
};

static inline uint8_t *stage_read(const char *path, int64_t *size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data;

    if (f == NULL || fseek(f, 0, SEEK_END) != 0) {
        abort();
    }
    *size = ftell(f);
    rewind(f);
    data = malloc((size_t)*size);
    if (fread(data, 1, (size_t)*size, f) != (size_t)*size) {
        abort();
    }
    fclose(f);
    return data;
}

static inline void tape_add(struct tape *t, const uint8_t *record, int64_t count,
                            double frame_ns)
{
    int64_t first_ns = (int64_t)card_load(record, 8);

    for (int64_t i = 0; i < count; i++, t->count++) {
        const uint8_t *p = record + CARD_RECORD_HEAD + 4 * i;
        float l = (float)(int16_t)card_load(p, 2) / 32768.0f;
        float r = (float)(int16_t)card_load(p + 2, 2) / 32768.0f;

        t->true_ns[t->count] = first_ns + llrint((double)i * frame_ns);
        t->loud[t->count] = hypotf(l, r);
        t->angle[t->count] = atan2f(r, l);
    }
}

/* Read what an actor's card has emitted; tape_free releases it. */
static inline struct tape stage_tape(struct actor *a)
{
    struct tape t = { .count = 0 };
    int64_t size;
    uint8_t *data;
    double rate;

    stage_leave(a);
    data = stage_read(a->capture, &size);
    rate = (double)card_load(data + 12, 4) *
           (1 + (double)(int64_t)card_load(data + 16, 8) * 1e-12);
    t.true_ns = calloc((size_t)size / 4, sizeof(*t.true_ns));
    t.loud = calloc((size_t)size / 4, sizeof(*t.loud));
    t.angle = calloc((size_t)size / 4, sizeof(*t.angle));
    for (int64_t at = CARD_HEAD; at + CARD_RECORD_HEAD <= size;) {
        int64_t count = (int64_t)card_load(data + at + 8, 4);

        tape_add(&t, data + at, count, 1e9 / rate);
        at += CARD_RECORD_HEAD + 4 * count;
    }
    free(data);
    return t;
}

static inline void tape_free(struct tape *t)
{
    free(t->true_ns);
    free(t->loud);
    free(t->angle);
}

static inline bool tape_is_silent(const struct tape *t, int64_t i)
{
    return t->loud[i] < STAGE_SILENT;
}

/* The first frame at or after an instant; count when there is none. */
static inline int64_t tape_at(const struct tape *t, int64_t true_ns)
{
    int64_t low = 0;
    int64_t high = t->count;

    while (low < high) {
        int64_t mid = (low + high) / 2;

        if (t->true_ns[mid] < true_ns) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

/* The first sound from an instant on; count when there is none. */
static inline int64_t tape_sound(const struct tape *t, int64_t true_ns)
{
    int64_t i = tape_at(t, true_ns);

    while (i < t->count && tape_is_silent(t, i)) {
        i++;
    }
    return i;
}

/* How far frame i is ahead of song number song begun at begin_ns, in microseconds. */
static inline double tape_error_us(const struct tape *t, int64_t i, int song,
                                   int64_t begin_ns)
{
    double hz = STAGE_HZ * (song + 1);
    double turns = t->angle[i] / (2 * SOUND_PI) -
                   (double)(t->true_ns[i] - begin_ns) / 1e9 * hz;

    return (turns - floor(turns + 0.5)) / hz * 1e6;
}

#endif
