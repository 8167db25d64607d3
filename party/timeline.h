/* What is heard when: a pure function of the party log and the party clock.
 *
 * The log's actions are the only input; a song that ends is followed, without a gap, by
 * the next slot of the pool, and silence follows the last.  Integers only: a song that
 * stands at frame f at the instant A ends at A + (frames - f) * 10^9 / rate, rounded down
 * to a nanosecond, and the next begins with its frame 0 at that very instant.  So every
 * node computes the same borders to the nanosecond.
 * SPDX-License-Identifier: MIT */
#ifndef PARTY_TIMELINE_H
#define PARTY_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"
#include "base/pool.h"
#include "base/time.h"

#define TIMELINE_ACTIONS_MAX  32
#define TIMELINE_SEGMENTS_MAX 24
#define POOL_SLOTS            5

/* Limits of what a timeline takes in, so that no instant leaves the range of int64. */
#define TIMELINE_AT_MAX_NS   (INT64_C(7258118400) * NS_PER_S) /* 2200-01-01 */
#define TIMELINE_SONG_MAX_NS (24 * 3600 * NS_PER_S)           /* longest song */
#define TIMELINE_RATE_MAX    1000000                          /* frames a second */

/* From at on, until the next segment begins, this is heard. */
struct timeline_segment {
    struct party_time at;
    int slot;
    struct song_id song; /* zero when silent */
    int64_t frame;       /* of the song at that instant; where it stands when silent */
    uint32_t rate;       /* frames a second of that song */
    bool is_playing;     /* false: silence */
};

/* From at on: slot stands at frame, and moves or not. */
struct timeline_action {
    struct party_time at;
    int slot; /* 0..POOL_SLOTS - 1 */
    int64_t frame;
    bool is_playing;
};

struct timeline_song {
    struct song_id song;
    int64_t frames; /* 0: the slot is empty */
    uint32_t rate;
};

/* Zeroed: no songs, nothing ever heard, and no heap to take an action. */
struct timeline {
    uint32_t version; /* changes with every change of what is heard or may be heard */
    int action_count;
    int action_room;
    struct timeline_action *actions; /* at strictly rising; from the heap */
    struct heap *heap;
    struct timeline_song pool[POOL_SLOTS];
};

/* What is heard at one instant. */
struct timeline_position {
    int slot;
    int64_t frame; /* at that instant, 0..frames of the song */
    bool is_playing;
    bool is_over; /* silent because the last song of the pool has ended */
    struct timeline_segment segment; /* the one that this instant lies in */
};

/* Keeps heap. */
void timeline_init(struct timeline *t, struct heap *heap);

/* Give all memory back. */
void timeline_finish(struct timeline *t);

/* Put a song into a slot that is empty.  False, and nothing changed, when the slot is
 * taken or out of range, or the song has no frames, no rate or is beyond the limits. */
bool timeline_set_song(struct timeline *t, int slot, const struct song_id *song,
                       uint64_t frames, uint32_t rate);

/* Songs from slot 0 on without a hole: those are what can follow each other. */
int timeline_song_count(const struct timeline *t);

/* Take the next action in log order.  One that is earlier than known ones supersedes
 * them; one that the timeline has already, to the bit, changes nothing.  When there is no
 * room the oldest is forgotten.  False, and nothing changed, when it is out of range. */
bool timeline_add(struct timeline *t, const struct timeline_action *a);

/* The newest action, or NULL when there is none. */
const struct timeline_action *timeline_last(const struct timeline *t);

/* Actions that are later than now. */
int timeline_pending(const struct timeline *t, struct party_time now);

/* What is heard at an instant, by all that is in the log now. */
struct timeline_position timeline_at(const struct timeline *t, struct party_time now);

/* What is heard from an instant on, song ends included: the first segment covers from,
 * and the last one holds for ever unless out is full.  The number of segments, 1..max.
 * Before the first action there is silence, in a segment at instant 0.  max must be
 * positive. */
int timeline_segments(const struct timeline *t, struct party_time from,
                      struct timeline_segment out[], int max);

#endif
