/* The player, as the node sees it: timeline and clock go in, what the card does comes out
 * as EVENT_AUDIO.  SPDX-License-Identifier: MIT */
#ifndef DAEMON_SOUND_H
#define DAEMON_SOUND_H

#include <uv.h>

#include "audio/player.h"
#include "daemon/clockwork.h"
#include "daemon/sink.h"

struct sound;

struct sound_config {
    const char *device; /* "alsa:default", "none", …; see audio/sink.h */
    const struct clockwork *clock;
    int (*open_song)(void *ctx, const struct song_id *song, struct byte_stream *stream);
    void *open_ctx;
};

/* Open the card.  Keeps loop and what config points to.
 * Errors: ERR_USAGE, ERR_AUDIO; message then says what is wrong and what to do. */
MUST_USE int sound_create(struct sound **sound, uv_loop_t *loop,
                          const struct sound_config *config,
                          const struct event_sink *sink, char *message, size_t size);

/* Errors: ERR_MALFORMED, and the old plan stays, when the player refuses it. */
MUST_USE int sound_set_timeline(struct sound *s, const struct timeline_segment *segments,
                                int count, uint32_t version);
void sound_set_clock(struct sound *s, const struct clock_line *line);

/* Silence: both threads end, and the timer closes in the loop.  Ignores NULL. */
void sound_stop(struct sound *s);

/* After the loop has run out.  Ignores NULL. */
void sound_destroy(struct sound *s);

#endif
