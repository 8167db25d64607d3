/* Decoded frames on their way from the decode thread to the audio thread, without locks.
 *
 * One writer, one reader.  Frames are named by their place in the song, not by their
 * place in memory: the ring holds [first, end).  The reader lets go of frames late, so
 * that it can step back.  SPDX-License-Identifier: MIT */
#ifndef AUDIO_RING_H
#define AUDIO_RING_H

#include <stdatomic.h>
#include <stdint.h>

struct ring {
    float *frames; /* stereo, interleaved */
    int64_t capacity;
    _Atomic int64_t first; /* moved by the reader */
    _Atomic int64_t end;   /* moved by the writer */
};

/* Keeps frames: room for capacity stereo frames, a power of two. */
void ring_init(struct ring *r, float *frames, int64_t capacity);

/* Empty the ring, to go on at a frame (may be negative).  Only while nobody reads. */
void ring_reset(struct ring *r, int64_t frame);

/* Any thread; each side may know less than there is, never more. */
int64_t ring_first(const struct ring *r);
int64_t ring_end(const struct ring *r);

/* Writer: where the next frames go, and how many fit there in one piece (0: it is full).
 */
float *ring_room(struct ring *r, int64_t *count);

/* Writer: count frames have been put where ring_room said. */
void ring_commit(struct ring *r, int64_t count);

/* Reader: copy frames [frame, frame + count), all of which the ring must hold. */
void ring_copy(const struct ring *r, int64_t frame, int64_t count, float *to);

/* Reader: frames before this one are no longer needed.  Never moves backward. */
void ring_drop_to(struct ring *r, int64_t frame);

#endif
