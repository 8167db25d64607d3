/* What playing costs: resampling, decoding, a whole player.
 * SPDX-License-Identifier: MIT
 *
 * bench_audio prints a table.  bench_audio --claim NAME measures one figure and prints it
 * as a line of JSON: player_cpu_percent, resampler_snr_db, resampler_cpu_percent,
 * pair_p99_us. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "audio/capture.h"
#include "audio/flac.h"
#include "audio/measure.h"
#include "audio/player.h"
#include "audio/resample.h"
#include "base/time.h"
#include "tests/audio/sound.h"

#define RATE    48000
#define SECONDS 20
#define PLAY_S  12 /* real time of the player's run */
#define LENGTH  40 /* of the song, s */

static int64_t clock_ns(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int64_t raw_now(void *ctx)
{
    (void)ctx;
    return clock_ns(CLOCK_MONOTONIC_RAW);
}

static int fetch_tone(void *ctx, int64_t frame, int count, float *to)
{
    double w = *(double *)ctx;

    for (int i = 0; i < count; i++) {
        to[2 * i] = (float)sin(w * (double)(frame + i));
        to[2 * i + 1] = to[2 * i];
    }
    return count;
}

static int fetch_nothing(void *ctx, int64_t frame, int count, float *to)
{
    (void)ctx, (void)frame;
    memset(to, 0, (size_t)count * 2 * sizeof(float));
    return count;
}

/* CPU of one core for one stream, percent. */
static double resampler_cpu(enum resample_quality quality, int rate_in)
{
    struct resample_source source = { fetch_nothing, NULL };
    struct resample *r;
    float out[2 * 480];
    int64_t before;
    double spent;

    if (resample_create(&r, quality) != ERR_NONE) {
        return -1;
    }
    before = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < SECONDS * 100; i++) {
        (void)resample_run(r, &source, (double)rate_in / RATE * 1.00004, out, 480);
    }
    spent = (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - before) / 1e9;
    resample_destroy(r);
    return spent / SECONDS * 100;
}

static double resampler_snr(enum resample_quality quality, double hz)
{
    double w = 2 * SOUND_PI * hz / RATE;
    struct resample_source source = { fetch_tone, &w };
    struct resample *r;
    float out[2 * 480];
    double signal = 0;
    double noise = 0;
    double at = 1000.25;

    if (resample_create(&r, quality) != ERR_NONE) {
        return -1;
    }
    resample_start(r, at);
    for (int block = 0; block < 200; block++) {
        double step = 1 + 20e-6;

        (void)resample_run(r, &source, step, out, 480);
        for (int i = 0; i < 480; i++) {
            double s = sin(w * (at + i * step));

            signal += s * s;
            noise += (out[2 * i] - s) * (out[2 * i] - s);
        }
        at += 480 * step;
    }
    resample_destroy(r);
    return 10 * log10(signal / noise);
}

static int open_song(void *ctx, const struct song_id *song, struct byte_stream *s)
{
    char message[200];

    (void)song;
    return byte_stream_open_file(s, ctx, message, sizeof(message));
}

static struct player *start_player(const char *spec, char *path, int64_t start_ns)
{
    struct player_config config = {
        .sink = spec, .now = raw_now, .open_song = open_song, .open_ctx = path
    };
    struct clock_line line = { .is_valid = true };
    struct audio_plan plan = { .version = 1, .count = 1 };
    struct player *p;
    char message[200];

    if (player_create(&p, &config, message, sizeof(message)) != ERR_NONE) {
        fprintf(stderr, "%s\n", message);
        exit(1);
    }
    plan.segments[0] = (struct audio_segment){ start_ns, { { 1 } }, 0, true };
    player_set_clock(p, &line);
    if (player_set_plan(p, &plan) != ERR_NONE) {
        abort();
    }
    return p;
}

struct outcome {
    double cpu_percent; /* one player, of one core */
    double p99_us;
};

/* Two cards 120 ppm apart play a song of 44.1 kHz. */
static struct outcome run_players(void)
{
    char folder[200];
    char specs[2][400];
    struct player *players[2];
    struct capture captures[2];
    struct measure *m;
    struct measure_song song = { sound_make(1, 44100, 44100 * LENGTH), 44100 * LENGTH,
                                 44100 };
    struct timespec pause = { PLAY_S, 0 };
    struct outcome o;
    char *path;
    int64_t before;
    int64_t start_ns;

    sound_make_folder(folder, sizeof(folder));
    path = sound_save(folder, 1, song.frames, 44100, song.count);
    before = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    start_ns = raw_now(NULL) + NS_PER_S;
    for (int i = 0; i < 2; i++) {
        snprintf(specs[i], sizeof(specs[i]), "virtual:ppm=%d,capture=%s/c%d",
                 60 - 120 * i, folder, i);
        players[i] = start_player(specs[i], path, start_ns);
    }
    nanosleep(&pause, NULL);
    for (int i = 0; i < 2; i++) {
        player_destroy(players[i]);
    }
    o.cpu_percent = (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - before) / 1e9 / PLAY_S /
                    2 * 100;
    for (int i = 0; i < 2; i++) {
        if (capture_load(&captures[i], strchr(specs[i], '/')) != ERR_NONE) {
            abort();
        }
    }
    if (measure_create(&m, captures, 2, &song, 1) != ERR_NONE) {
        abort();
    }
    o.p99_us = m->all.p99_us;
    measure_destroy(m);
    capture_finish(&captures[0]);
    capture_finish(&captures[1]);
    sound_remove_folder(folder);
    free(path);
    free((void *)(uintptr_t)song.frames);
    return o;
}

static int claim(const char *name)
{
    double value;
    double goal;
    const char *unit;
    bool must_exceed = false;

    if (strcmp(name, "player_cpu_percent") == 0) {
        value = run_players().cpu_percent;
        goal = 5;
        unit = "% of a core";
    } else if (strcmp(name, "pair_p99_us") == 0) {
        value = run_players().p99_us;
        goal = 30;
        unit = "us";
    } else if (strcmp(name, "resampler_cpu_percent") == 0) {
        value = resampler_cpu(RESAMPLE_MEDIUM, 44100);
        goal = 5;
        unit = "% of a core";
    } else if (strcmp(name, "resampler_snr_db") == 0) {
        value = resampler_snr(RESAMPLE_MEDIUM, 1000);
        goal = 100;
        unit = "dB";
        must_exceed = true;
    } else {
        fprintf(stderr, "bench_audio: no claim \"%s\"\n", name);
        return 2;
    }
    printf("{\"name\":\"%s\",\"value\":%.2f,\"unit\":\"%s\",\"goal\":%.2f,\"ok\":%s}\n",
           name, value, unit, goal,
           (must_exceed ? value >= goal : value <= goal) ? "true" : "false");
    return 0;
}

int main(int argc, char **argv)
{
    static const char *const names[] = { "medium", "fast", "best" };
    struct outcome o;

    if (argc == 3 && strcmp(argv[1], "--claim") == 0) {
        return claim(argv[2]);
    }
    printf("resampler    CPU 44.1k   CPU 48k   SNR 1 kHz  SNR 15 kHz\n");
    for (int q = RESAMPLE_MEDIUM; q <= RESAMPLE_BEST; q++) {
        printf("%-10s %9.2f %% %7.2f %% %8.1f dB %8.1f dB\n", names[q],
               resampler_cpu((enum resample_quality)q, 44100),
               resampler_cpu((enum resample_quality)q, RATE),
               resampler_snr((enum resample_quality)q, 1000),
               resampler_snr((enum resample_quality)q, 15000));
    }
    o = run_players();
    printf("a player (decode, resample, two threads): %.2f %% of a core\n",
           o.cpu_percent);
    printf("two cards 120 ppm apart: p99 %.2f us\n", o.p99_us);
    return 0;
}
