/* A modelled sound card and its player, in virtual time: what leaves the card at a true
 * instant is arithmetic, so that two cards are compared by truth and by no belief.
 *
 * The card has a crystal of its own (sim/clockmodel.h); its position is read in steps of
 * its period, with stamps that are wrong by its jitter and now and then come late.  The
 * player is audio/engine.c without samples: the same filter, servo, plan and rules, where
 * to a frame belongs what, one block of frames for each wake.  It wakes as the engine
 * does, or more rarely, which only gives its filter fewer readings: so a month costs
 * minutes (tests/sim/test_sound.c holds it against the engine).  Not modelled: samples,
 * decoding, songs that are not there, fades, a card's unknown delay behind its position.
 * SPDX-License-Identifier: MIT */
#ifndef SIM_SOUND_H
#define SIM_SOUND_H

#include <stdbool.h>
#include <stdint.h>

#include "audio/depth.h"
#include "audio/phase.h"
#include "audio/plan.h"
#include "clock/line.h"
#include "sim/clockmodel.h"

struct world_player;

#define SOUND_RATE   48000
#define SOUND_BLOCKS 64

/* What cards there are: each node has one of them, in turn, or all have the same. */
enum sound_card { SOUND_MIXED, SOUND_I2S, SOUND_HDA, SOUND_USB, SOUND_IDEAL };

struct sound_params {
    enum sound_card card;
    int64_t wake_ns;           /* the player wakes so often: 10 ms */
    struct depth_params depth; /* how much is kept written */
    int64_t late_ns;           /* mean: a wake comes so late */
    int64_t stall_ppm; /* wakes that come much later, in a machine that is busy … */
    int64_t stall_ns;  /* … by this on average */
    struct phase_params phase;
    struct clock_model_params crystal;
};

/* Frames that have been written, of one position and step of the song. */
struct sound_block {
    int64_t first;
    int64_t count;
    bool is_playing;
    struct audio_segment segment;
    double position;
    double step;
    int rate; /* of the song */
};

/* What leaves a card at an instant. */
struct sound_heard {
    bool is_playing;
    struct audio_segment segment; /* the one that it was played by */
    double position;              /* of the song, in its frames */
    int rate;                     /* of the song */
};

struct sound {
    struct sound_params p;
    uint64_t seed;
    uint64_t node;
    struct clock_model card;
    int64_t period;
    int64_t jitter_ns;
    struct depth depth;

    int64_t wake_ns; /* true time of the next wake; 0: it has not begun */
    uint64_t wakes;
    bool is_asleep;       /* suspended */
    int64_t start_raw_ns; /* of this run, by the card's crystal */
    int64_t written;
    bool is_locked;
    bool must_rewind;
    bool has_clock_moved; /* by more than the servo should make good */
    int64_t block_count;
    struct sound_block blocks[SOUND_BLOCKS];

    struct phase phase;
    struct servo servo;
    struct clock_line line;
    uint32_t plan_seen;
    struct audio_plan plan;
    int rates[AUDIO_SEGMENTS_MAX];
    bool is_on;     /* the voice: what goes on being played */
    bool must_jump; /* off by so much that it is to be put in place */
    struct audio_segment segment;
    double position;
    double step;
    int rate;

    int64_t xruns;
    int64_t resyncs;   /* the servo has given up, and jumped */
    int64_t starts;    /* of a voice: once for each jump that was planned */
    double most_ratio; /* of the step against the nominal one, |1 - it| at most */
};

struct sound_params sound_params_default(void);

/* A card that is not running yet. */
void sound_init(struct sound *s, const struct sound_params *p, uint64_t seed,
                uint64_t node);

/* All wakes up to a true instant.  clock is the node's own; player what it was told. */
void sound_run(struct sound *s, struct clock_model *clock,
               const struct world_player *player, int64_t true_ns);

/* The machine sleeps: the card stops.  sound_run wakes it up again. */
void sound_sleep(struct sound *s);

/* What leaves the card at a true instant, no more than a wake ago. */
struct sound_heard sound_at(struct sound *s, int64_t true_ns);

#endif
