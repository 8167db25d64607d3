/* The feeder: the decode thread.  From plan and clock it works out which songs will be
 * needed from where (what plays now, and the next starts), decodes them ahead into a few
 * slots, and hands these to the audio thread, which takes frames without waiting.
 * SPDX-License-Identifier: MIT */
#ifndef AUDIO_FEEDER_H
#define AUDIO_FEEDER_H

#include <stdbool.h>
#include <stdint.h>

#include "audio/player.h"
#include "audio/seqlock.h"

#define FEEDER_SLOTS 4

/* Frames in a slot: 2.7 s at 48 kHz. */
#define FEEDER_FRAMES (INT64_C(1) << 17)

struct feeder;

/* A feeder without its thread.  plan holds a struct audio_plan, clock a struct
 * clock_line, output a struct audio_output; all must outlive the feeder, as must what
 * config points to. */
struct feeder *feeder_create(const struct player_config *config,
                             const struct seqlock *plan, const struct seqlock *clock,
                             const struct seqlock *output);

/* Start the thread.  Errors: ERR_LIMIT. */
MUST_USE int feeder_start(struct feeder *f);

/* One round of what the thread does; true when there is more to do at once.  For tests in
 * virtual time, which start no thread. */
bool feeder_work(struct feeder *f);

/* Have the decoded sound stay in memory.  False where that is not allowed. */
bool feeder_keep_resident(struct feeder *f);

/* Stop the thread, if it was started.  Ignores NULL. */
void feeder_destroy(struct feeder *f);

/* The last error, one line, "" for none yet.  Any thread. */
void feeder_error(struct feeder *f, char text[static AUDIO_MESSAGE_MAX]);

/* The rest is for the audio thread alone. */

/* The slot from which a song can be played at a position now, with ahead_ns of it there,
 * or -1. */
int feeder_find(struct feeder *f, const struct song_id *song, int64_t party_ns,
                const struct audio_segment *segment, int64_t ahead_ns);

/* True when a slot (still) holds a song from a position on. */
bool feeder_holds(struct feeder *f, int slot, const struct song_id *song,
                  double position);

int feeder_rate(struct feeder *f, int slot);

/* Frames in the song of a slot. */
int64_t feeder_length(struct feeder *f, int slot);

/* Copy frames [frame, frame + count) of the slot's song, with zeros outside of the song.
 * Returns how many there are, from the first on. */
int feeder_fetch(struct feeder *f, int slot, int64_t frame, int count, float *to);

/* Frames of a slot before this one will not be asked for again. */
void feeder_drop_to(struct feeder *f, int slot, int64_t frame);

/* Once a wake: the slot in use is this one (or -1), others may be taken away. */
void feeder_yield(struct feeder *f, int slot_in_use);

#endif
