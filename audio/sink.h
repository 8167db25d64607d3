/* Sinks: where the frames go.  One small interface, three kinds:
 *
 *   alsa:DEVICE    a card through alsa-lib; "alsa:default", "alsa:hw:0,0",
 * "alsa:plughw:1" none           keeps time like a card without any error, and is not
 * heard virtual:K=V,…  a simulated card for tests, see audio/virtual.c for the keys
 *
 * A sink never blocks.  Whoever writes it waits by sleeping, at instants that are not
 * those of the card's periods: readings of the position are then spread over its
 * granularity. Called from one thread at a time.  SPDX-License-Identifier: MIT */
#ifndef AUDIO_SINK_H
#define AUDIO_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum sink_state {
    SINK_PREPARED, /* takes frames, does not play them yet */
    SINK_RUNNING,
    SINK_UNDERRUN, /* ran dry, or was suspended: sink_recover, then fill and start again
                    */
    SINK_GONE,     /* unplugged or broken: close and open again */
};

/* One reading of the position: at instant_ns the card plays the frame that lies
 * delay_frames before the end of what was written. */
struct sink_status {
    enum sink_state state;
    bool has_position; /* false: no reading this time (the next four mean nothing) */
    int64_t delay_frames;
    int64_t instant_ns; /* local raw time, of the now() that was given at open */
};

struct sink_config {
    int64_t (*now)(void *ctx); /* local raw time */
    void *now_ctx;
    int rate; /* wished; the card may have another */
    /* True time, by which simulated cards play; NULL: CLOCK_MONOTONIC_RAW as it is.  A
     * test sets it to let hours pass in seconds. */
    int64_t (*true_now)(void *ctx);
    void *true_ctx;
};

struct sink;

/* What a kind of sink has to offer; each returns an enum err or a count. */
struct sink_ops {
    void (*status)(struct sink *s, struct sink_status *status);
    int (*writable)(struct sink *s);
    int (*write)(struct sink *s, const float *frames, int count);
    int (*start)(struct sink *s);
    int (*rewind)(struct sink *s, int count);
    int (*recover)(struct sink *s);
    void (*close)(struct sink *s);
};

/* The head of every kind's own struct. */
struct sink {
    const struct sink_ops *ops;
    struct sink_config config;
    int rate;          /* frames per second that the card says it has */
    int buffer_frames; /* how much it takes at most */
};

/* Open the sink that spec names; the caller closes it.
 * Errors: ERR_USAGE for a spec that cannot be understood, ERR_AUDIO when there is no such
 * device or it refuses; message (of size bytes) says why and what to do, in one line. */
MUST_USE int sink_open(struct sink **sink, const char *spec,
                       const struct sink_config *config, char *message, size_t size);

void sink_status(struct sink *s, struct sink_status *status);

/* How many frames can be written now; 0 also when it is not in a state to take any. */
int sink_writable(struct sink *s);

/* Write stereo frames, interleaved, -1..1 (more is clipped).  Returns how many were
 * taken, or a negative error: ERR_AUDIO, and sink_status tells which. */
MUST_USE int sink_write(struct sink *s, const float *frames, int count);

/* Begin to play what was written.  Errors: ERR_AUDIO. */
MUST_USE int sink_start(struct sink *s);

/* Take back up to count frames of the end of what was written, to write others in their
 * place.  Returns how many were taken back; 0 where the card cannot. */
int sink_rewind(struct sink *s, int count);

/* After an underrun: drop what is left and be SINK_PREPARED again.  Errors: ERR_AUDIO. */
MUST_USE int sink_recover(struct sink *s);

/* Ignores NULL. */
void sink_close(struct sink *s);

#endif
