/* twins SONG.flac COUNT SECONDS DEVICE-PREFIX: COUNT players of one process, which have
 * one clock and one plan, play through alsa:PREFIX0, alsa:PREFIX1 …  What their cards are
 * apart by is what the cards, the machine's scheduling and the measurement add: no
 * network and no second clock are in it.  Prints "playing" when they have been started.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "audio/player.h"
#include "base/time.h"

#define PLAYERS_MAX 32
#define LEAD_NS     NS_PER_S

static int64_t raw_now(void *ctx)
{
    struct timespec t;

    (void)ctx;
    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int open_song(void *ctx, const struct song_id *song, struct byte_stream *s)
{
    char message[200];

    (void)song;
    return byte_stream_open_file(s, ctx, message, sizeof(message));
}

static struct player *start(const char *device, char *song, int64_t at_ns)
{
    struct player_config config = { .sink = device,
                                    .now = raw_now,
                                    .open_song = open_song,
                                    .open_ctx = song,
                                    .wants_realtime = true };
    struct clock_line line = { .is_valid = true };
    struct audio_plan plan = { .version = 1, .count = 1 };
    struct player *p;
    char message[200];

    if (player_create(&p, &config, message, sizeof(message)) != ERR_NONE) {
        fprintf(stderr, "twins: %s\n", message);
        exit(1);
    }
    plan.segments[0] = (struct audio_segment){ at_ns, { { 1 } }, 0, true };
    player_set_clock(p, &line);
    if (player_set_plan(p, &plan) != ERR_NONE)
        abort();
    return p;
}

int main(int argc, char **argv)
{
    int count = argc == 5 ? atoi(argv[2]) : 0;
    struct timespec pause = { argc == 5 ? atoi(argv[3]) : 0, 0 };
    static char devices[PLAYERS_MAX][64]; /* kept by the players */
    static struct player *players[PLAYERS_MAX];
    int64_t at_ns = raw_now(NULL) + LEAD_NS;

    if (count < 1 || count > PLAYERS_MAX || pause.tv_sec < 1) {
        fprintf(stderr, "usage: twins SONG.flac COUNT SECONDS PREFIX\n");
        return 2;
    }
    for (int i = 0; i < count; i++) {
        snprintf(devices[i], sizeof(devices[i]), "alsa:%.40s%d", argv[4], i);
        players[i] = start(devices[i], argv[1], at_ns);
    }
    puts("playing");
    fflush(stdout);
    nanosleep(&pause, NULL);
    for (int i = 0; i < count; i++)
        player_destroy(players[i]);
    return 0;
}
