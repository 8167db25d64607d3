/* The player: puts frame n of song s at the loudspeaker at the instant that the plan
 * names, and holds it there although every card has a crystal of its own.
 *
 * One thread owns the card: it takes plan and clock by seqlock and decoded frames from
 * lock-free rings, and never allocates, locks or reads files.  A second one decodes, and
 * has the next segment's start ready before it is due.  The calls below may come from any
 * one thread.  SPDX-License-Identifier: MIT */
#ifndef AUDIO_PLAYER_H
#define AUDIO_PLAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audio/plan.h"
#include "audio/stream.h"
#include "base/err.h"
#include "base/id.h"
#include "base/time.h"
#include "clock/line.h"

#define AUDIO_MESSAGE_MAX 160

enum player_state {
    PLAYER_LOCKING, /* the card runs, its position is being learned (about 0.1 s) */
    PLAYER_SILENT,  /* the plan asks for silence, or there is none */
    PLAYER_PLAYING,
    PLAYER_WAITING,   /* the plan asks for a song that is not there, or not decoded yet */
    PLAYER_NO_CLOCK,  /* no valid clock line has been given yet */
    PLAYER_NO_DEVICE, /* the card is gone; it is tried again every 0.2 to 2 s */
};

enum player_quality { PLAYER_QUALITY_MEDIUM, PLAYER_QUALITY_FAST };

struct player_config {
    /* "alsa:DEVICE", "none" or "virtual:key=value,…"; see audio/sink.h. */
    const char *sink;
    /* Local raw time: the clock that the clock line's local side is in.  Must be callable
     * from any thread. */
    int64_t (*now)(void *ctx);
    void *now_ctx;
    /* Open a song's canonical FLAC bytes.  Called on the decode thread; any error but
     * ERR_NONE is tried again every 0.25 s for as long as the plan wants the song. */
    int (*open_song)(void *ctx, const struct song_id *song, struct byte_stream *stream);
    void *open_ctx;
    enum player_quality quality;
    bool wants_realtime; /* ask for SCHED_FIFO and locked memory, where allowed */
    /* Of simulated cards, see struct sink_config; NULL but in tests. */
    int64_t (*true_now)(void *ctx);
    void *true_ctx;
};

#define AUDIO_DELAY_MAX_NS (2 * NS_PER_S)

/* How a card is used: the user's wish, for the machine's own ears only. */
struct audio_output {
    double gain; /* 0 to 1, linear; reached without a click */
    /* How late the sound comes out behind what the driver knows (amplifier, radio, air):
     * positive, and the card is played to that much earlier.  Within
     * +-AUDIO_DELAY_MAX_NS. */
    int64_t delay_ns;
};

/* What the player does now.  What it believes, that is: audio/measure.h tells the truth.
 */
struct audio_report {
    enum player_state state;
    struct song_id song;    /* at the DAC; zero unless is_playing */
    bool is_playing;        /* sound of song is at the DAC */
    int64_t frame;          /* of the song at the DAC, at its own rate … */
    int64_t instant_ns;     /* … at this local instant */
    int song_rate;          /* frames per second of the song, 0 if unknown */
    int card_rate;          /* nominal, of the card */
    int64_t phase_error_ns; /* what is written next is this much ahead of the plan */
    int64_t ratio_ppb;      /* correction of the resampler, parts per 10^9 */
    int64_t card_ppb;       /* the card's own rate error against local raw time */
    int64_t card_sigma_ns;  /* how well its position is known; -1: not yet */
    int64_t depth_ns;       /* sound that is kept written ahead */
    int64_t delay_ns;       /* of struct audio_output, as in force */
    bool is_realtime;       /* the audio thread has SCHED_FIFO … */
    bool is_resident;       /* … and its memory is not paged out */
    int64_t underruns;      /* the card ran dry */
    int64_t resyncs;        /* hard re-anchors by the phase loop; rare */
    int64_t late_starts;    /* segments that could not start at their instant */
    int64_t starved;        /* the decoder did not keep up */
    int64_t device_losses;
    uint32_t plan_version;         /* the newest that the audio thread has taken */
    char error[AUDIO_MESSAGE_MAX]; /* the last error, one line, "" for none yet */
};

struct player;

/* Open the sink and start both threads.  Keeps the function pointers and contexts of
 * config. Errors: ERR_USAGE when the sink's name cannot be understood, ERR_AUDIO when the
 * device cannot be opened; message (of size bytes) then says what is wrong and what to
 * do. */
MUST_USE int player_create(struct player **player, const struct player_config *config,
                           char *message, size_t size);

/* Take a copy of the plan; it counts from the next wake of the audio thread (10 ms). What
 * it says of the past is made up for at once: the player jumps to the right frame.
 * Errors: ERR_MALFORMED, and the old plan stays, when audio_plan_check refuses it. */
MUST_USE int player_set_plan(struct player *player, const struct audio_plan *plan);

/* Take a copy of the line local raw -> party time.  Without a valid one there is silence:
 * before the first, and after a sleep of the machine. */
void player_set_clock(struct player *player, const struct clock_line *line);

/* Set how the card is used; starts with full volume and no delay.  Errors: ERR_MALFORMED,
 * and nothing changes, for values out of range. */
MUST_USE int player_set_output(struct player *player, const struct audio_output *output);

void player_report(struct player *player, struct audio_report *report);

/* Stop both threads, close the sink.  Ignores NULL. */
void player_destroy(struct player *player);

#endif
