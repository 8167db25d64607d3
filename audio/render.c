/* See the header.  SPDX-License-Identifier: MIT */
#include "audio/render.h"

#include <FLAC/metadata.h>
#include <FLAC/stream_encoder.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"

#define STEP         4096 /* frames given to the encoder at once */
#define CHANNELS_MAX 8
#define LEVEL        5

static bool add_tag(FLAC__StreamMetadata *tags, const char *name, const char *value)
{
    FLAC__StreamMetadata_VorbisComment_Entry entry;

    return value == NULL ||
           (FLAC__metadata_object_vorbiscomment_entry_from_name_value_pair(&entry, name,
                                                                           value) &&
            FLAC__metadata_object_vorbiscomment_append_comment(tags, entry, false));
}

static int32_t quantize(float x, int bits)
{
    double most = (double)((INT64_C(1) << (bits - 1)) - 1);
    double y = floor((double)x * (most + 1) + 0.5);

    return (int32_t)(y > most ? most : y < -most - 1 ? -most - 1 : y);
}

static bool encode(FLAC__StreamEncoder *e, const struct render_spec *spec,
                   const float *samples, int64_t frames)
{
    FLAC__int32 block[STEP * CHANNELS_MAX];

    for (int64_t at = 0; at < frames; at += STEP) {
        int n = frames - at < STEP ? (int)(frames - at) : STEP;

        for (int i = 0; i < n * spec->channels; i++) {
            block[i] = quantize(samples[at * spec->channels + i], spec->bits);
        }
        if (!FLAC__stream_encoder_process_interleaved(e, block, (uint32_t)n)) {
            return false;
        }
    }
    return true;
}

static int write_file(FLAC__StreamEncoder *e, FLAC__StreamMetadata *tags,
                      const char *path, const struct render_spec *spec,
                      const float *samples, int64_t frames)
{
    bool is_ready = add_tag(tags, "TITLE", spec->title) &&
                    add_tag(tags, "ARTIST", spec->artist) &&
                    add_tag(tags, "ALBUM", spec->album) &&
                    FLAC__stream_encoder_set_channels(e, (uint32_t)spec->channels) &&
                    FLAC__stream_encoder_set_bits_per_sample(e, (uint32_t)spec->bits) &&
                    FLAC__stream_encoder_set_sample_rate(e, (uint32_t)spec->rate) &&
                    FLAC__stream_encoder_set_compression_level(e, LEVEL) &&
                    FLAC__stream_encoder_set_total_samples_estimate(
                        e, (FLAC__uint64)frames) &&
                    FLAC__stream_encoder_set_metadata(e, &tags, 1);
    bool is_written;

    if (!is_ready) {
        return ERR_USAGE;
    }
    errno = 0;
    if (FLAC__stream_encoder_init_file(e, path, NULL, NULL) !=
        FLAC__STREAM_ENCODER_INIT_STATUS_OK) {
        return errno == 0 ? ERR_USAGE : ERR_FILE;
    }
    is_written = encode(e, spec, samples, frames);
    is_written = FLAC__stream_encoder_finish(e) && is_written;
    return is_written                           ? ERR_NONE
           : errno == ENOSPC || errno == EDQUOT ? ERR_DISK
                                                : ERR_FILE;
}

static void explain(int err, const char *path, int error, char *message, size_t size)
{
    if (err == ERR_USAGE) {
        snprintf(message, size, "%s: FLAC cannot hold this kind of sound", path);
    } else {
        snprintf(message, size, "%s: cannot be written: %s: check the path and the space",
                 path, strerror(error));
    }
}

int render_flac(const char *path, const struct render_spec *spec, const float *samples,
                int64_t frames, char *message, size_t size)
{
    FLAC__StreamEncoder *e = FLAC__stream_encoder_new();
    FLAC__StreamMetadata *tags = FLAC__metadata_object_new(
        FLAC__METADATA_TYPE_VORBIS_COMMENT);
    int err = ERR_NOMEM;

    if (spec->channels < 1 || spec->channels > CHANNELS_MAX || spec->bits < 8 ||
        spec->bits > 24 || frames <= 0) {
        err = ERR_USAGE;
    } else if (e != NULL && tags != NULL) {
        err = write_file(e, tags, path, spec, samples, frames);
    }
    if (err != ERR_NONE) {
        explain(err, path, errno, message, size);
    }
    if (tags != NULL) {
        FLAC__metadata_object_delete(tags);
    }
    if (e != NULL) {
        FLAC__stream_encoder_delete(e);
    }
    return err;
}
