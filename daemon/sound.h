/* The player, as the node sees it: timeline and clock go in, what the card does comes out
 * as EVENT_AUDIO.  SPDX-License-Identifier: MIT */
#ifndef DAEMON_SOUND_H
#define DAEMON_SOUND_H

#include <uv.h>

#include "audio/player.h"
#include "daemon/clockwork.h"
#include "daemon/outputs.h"
#include "daemon/sink.h"

struct sound;

struct sound_config {
    const char *device; /* "alsa:default", "none", …; see audio/sink.h */
    const char *folder; /* where it keeps how the device is used */
    struct clockwork *clock;
    int (*open_song)(void *ctx, const struct song_id *song, struct byte_stream *stream);
    void *open_ctx;
};

/* Open the card.  Keeps loop and what config points to.
 * Errors: ERR_USAGE, ERR_AUDIO; message then says what is wrong and what to do.  Without
 * an error it says what of the file "outputs" could not be read, or is left alone. */
MUST_USE int sound_create(struct sound **sound, uv_loop_t *loop,
                          const struct sound_config *config,
                          const struct event_sink *sink, char *message, size_t size);

/* Errors: ERR_MALFORMED, and the old plan stays, when the player refuses it. */
MUST_USE int sound_set_timeline(struct sound *s, const struct timeline_segment *segments,
                                int count, uint32_t version);
void sound_set_clock(struct sound *s, const struct clock_line *line);

/* How the card is used now. */
struct sound_output {
    const char *device;
    int rate;   /* that it runs at, frames per second */
    int volume; /* percent, 0..100: as loud as its cube, since the ear hears by ratios */
    int64_t latency_us; /* of this device at this rate */
};

void sound_output(const struct sound *s, struct sound_output *o);

/* For now, and for the next start.  Errors: ERR_FILE (it is so now, but could not be
 * kept), ERR_LIMIT (out of range; nothing has changed). */
MUST_USE int sound_set_volume(struct sound *s, int percent);
MUST_USE int sound_set_latency(struct sound *s, int64_t latency_us);

/* Silence: both threads end, and the timer closes in the loop.  Ignores NULL. */
void sound_stop(struct sound *s);

/* After the loop has run out.  Ignores NULL. */
void sound_destroy(struct sound *s);

#endif
