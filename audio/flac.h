/* FLAC: what a file is, whether it is whole, its canonical bytes, and its sound.
 *
 * Files are hostile until decoded: everything is bounded, and the decoder reads through
 * struct byte_stream only.  Canonical bytes are "fLaC", STREAMINFO as the only metadata
 * block, and the frames as they are: tags, pictures, padding and seek tables are left
 * out, so that a song keeps its identity when it is tagged anew.  Source: RFC 9639.
 * SPDX-License-Identifier: MIT */
#ifndef AUDIO_FLAC_H
#define AUDIO_FLAC_H

#include <stddef.h>
#include <stdint.h>

#include "audio/stream.h"
#include "base/err.h"

#define FLAC_RATE_MIN     8000
#define FLAC_RATE_MAX     192000
#define FLAC_CHANNELS_MAX 8
#define FLAC_BITS_MIN     4
#define FLAC_BITS_MAX     32
#define FLAC_TAG_MAX      128

/* "fLaC", block header, STREAMINFO: where the frames begin in canonical bytes. */
#define FLAC_CANONICAL_HEAD 42

struct flac_info {
    int rate;     /* frames per second, FLAC_RATE_MIN..MAX */
    int channels; /* 1..FLAC_CHANNELS_MAX */
    int bits;     /* per sample, FLAC_BITS_MIN..MAX */
    int blocksize_min;
    int blocksize_max;
    int64_t frames;       /* in all, > 0 */
    int64_t audio_offset; /* of the first audio frame in this file */
    int64_t file_size;
    uint8_t streaminfo[34];       /* as in the file */
    char title[FLAC_TAG_MAX + 1]; /* UTF-8, cut; "" when there is none */
    char artist[FLAC_TAG_MAX + 1];
    char album[FLAC_TAG_MAX + 1];
};

/* Read the metadata of a file: no audio is decoded.
 * Errors: ERR_FILE (cannot be read, empty), ERR_FORMAT (no FLAC, or beyond the bounds
 * above), ERR_CORRUPT (the metadata ends too early); message says why and what to do. */
MUST_USE int flac_probe(const char *path, struct flac_info *info, char *message,
                        size_t size);

/* The same from a stream, which name (a path or the like) is for the message only. */
MUST_USE int flac_probe_stream(struct byte_stream *s, const char *name,
                               struct flac_info *info, char *message, size_t size);

/* Decode the whole file and compare length and MD5.  Slow: some 0.3 s a song.
 * Errors: as flac_probe; ERR_CORRUPT also for anything that does not decode. */
MUST_USE int flac_verify(const char *path, char *message, size_t size);

/* Write the canonical bytes of path_in to path_out, which is made or replaced.
 * Errors: as flac_probe; ERR_FILE, ERR_DISK when path_out cannot be written. */
MUST_USE int flac_canonical_copy(const char *path_in, const char *path_out, char *message,
                                 size_t size);

/* A decoder to interleaved stereo floats.  Mono is heard from both sides; of more than
 * two channels a plain down-mix is. */
struct flac_decoder;

/* Takes stream, also on failure.  Errors: ERR_FORMAT, ERR_CORRUPT, ERR_FILE; ERR_AGAIN
 * when the head has not arrived yet. */
MUST_USE int flac_decoder_create(struct flac_decoder **decoder,
                                 struct byte_stream *stream);

/* Of the stream that is decoded.  The tags are empty, the offset and size are 0. */
const struct flac_info *flac_decoder_info(const struct flac_decoder *d);

/* The frame that flac_decoder_read gives next. */
int64_t flac_decoder_tell(const struct flac_decoder *d);

/* Go to a frame, 0..frames (frames is the end).  Errors: ERR_AGAIN (not arrived yet: call
 * again), ERR_CORRUPT, ERR_FILE. */
MUST_USE int flac_decoder_seek(struct flac_decoder *d, int64_t frame);

/* Decode up to count frames to frames (2 floats each).  Returns how many, 0 at the end,
 * or an error: ERR_AGAIN when the bytes have not arrived yet (call again), ERR_CORRUPT.
 */
MUST_USE int flac_decoder_read(struct flac_decoder *d, float *frames, int count);

/* Ignores NULL. */
void flac_decoder_destroy(struct flac_decoder *d);

/* Decode a whole file to stereo floats of 2 * info->frames, which the caller frees.
 * Errors: as flac_verify, but no MD5 is compared; ERR_LIMIT beyond frames_max. */
MUST_USE int flac_load(const char *path, int64_t frames_max, float **frames,
                       struct flac_info *info, char *message, size_t size);

#endif
