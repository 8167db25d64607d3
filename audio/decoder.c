/* FLAC files as sound: struct flac_decoder of audio/flac.h.  SPDX-License-Identifier: MIT
 *
 * libFLAC cannot wait for bytes.  When they have not arrived the read callback aborts,
 * and the next call flushes the decoder and seeks back to the frame that is due. */
#include <FLAC/stream_decoder.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "audio/flac.h"
#include "audio/flac_check.h"
#include "audio/xalloc.h"

#define BLOCK_MAX 65535 /* frames in one block, RFC 9639 section 8.2 */
#define LOAD_STEP 65536

struct flac_decoder {
    struct byte_stream stream;
    FLAC__StreamDecoder *flac;
    struct flac_info info;
    bool is_starved;    /* the read callback had to say "not yet" */
    bool is_unreadable; /* the read callback failed */
    bool is_damaged;
    bool must_seek;    /* libFLAC is not at next + pending_count */
    int64_t next;      /* frame that is given next */
    int pending_at;    /* of pending, already given */
    int pending_count; /* frames in pending */
    float weight[FLAC_CHANNELS_MAX][2];
    float pending[2 * BLOCK_MAX];
};

static FLAC__StreamDecoderReadStatus
on_read(const FLAC__StreamDecoder *flac, FLAC__byte buffer[], size_t *bytes, void *ctx)
{
    struct flac_decoder *d = ctx;
    int err = d->stream.read(d->stream.ctx, buffer, bytes);

    (void)flac;
    if (err != ERR_NONE) {
        d->is_starved = err == ERR_AGAIN;
        d->is_unreadable = err != ERR_AGAIN;
        *bytes = 0;
        return FLAC__STREAM_DECODER_READ_STATUS_ABORT;
    }
    return *bytes == 0 ? FLAC__STREAM_DECODER_READ_STATUS_END_OF_STREAM
                       : FLAC__STREAM_DECODER_READ_STATUS_CONTINUE;
}

static FLAC__StreamDecoderSeekStatus on_seek(const FLAC__StreamDecoder *flac,
                                             FLAC__uint64 offset, void *ctx)
{
    struct flac_decoder *d = ctx;

    (void)flac;
    if (offset > INT64_MAX ||
        d->stream.seek(d->stream.ctx, (int64_t)offset) != ERR_NONE) {
        return FLAC__STREAM_DECODER_SEEK_STATUS_ERROR;
    }
    return FLAC__STREAM_DECODER_SEEK_STATUS_OK;
}

static FLAC__StreamDecoderTellStatus on_tell(const FLAC__StreamDecoder *flac,
                                             FLAC__uint64 *offset, void *ctx)
{
    struct flac_decoder *d = ctx;

    (void)flac;
    *offset = (FLAC__uint64)d->stream.tell(d->stream.ctx);
    return FLAC__STREAM_DECODER_TELL_STATUS_OK;
}

static FLAC__StreamDecoderLengthStatus on_length(const FLAC__StreamDecoder *flac,
                                                 FLAC__uint64 *length, void *ctx)
{
    struct flac_decoder *d = ctx;

    (void)flac;
    *length = (FLAC__uint64)d->stream.length(d->stream.ctx);
    return FLAC__STREAM_DECODER_LENGTH_STATUS_OK;
}

static FLAC__bool on_eof(const FLAC__StreamDecoder *flac, void *ctx)
{
    struct flac_decoder *d = ctx;

    (void)flac;
    return d->stream.tell(d->stream.ctx) >= d->stream.length(d->stream.ctx);
}

static void on_metadata(const FLAC__StreamDecoder *flac, const FLAC__StreamMetadata *m,
                        void *ctx)
{
    struct flac_decoder *d = ctx;
    const FLAC__StreamMetadata_StreamInfo *s = &m->data.stream_info;

    (void)flac;
    if (m->type != FLAC__METADATA_TYPE_STREAMINFO) {
        return;
    }
    d->info.rate = (int)s->sample_rate;
    d->info.channels = (int)s->channels;
    d->info.bits = (int)s->bits_per_sample;
    d->info.blocksize_min = (int)s->min_blocksize;
    d->info.blocksize_max = (int)s->max_blocksize;
    d->info.frames = (int64_t)s->total_samples;
}

static void on_error(const FLAC__StreamDecoder *flac,
                     FLAC__StreamDecoderErrorStatus status, void *ctx)
{
    struct flac_decoder *d = ctx;

    (void)flac, (void)status;
    d->is_damaged = true;
}

static bool fits(const struct flac_decoder *d, const FLAC__FrameHeader *h)
{
    return (int)h->channels == d->info.channels && (int)h->sample_rate == d->info.rate &&
           (int)h->bits_per_sample == d->info.bits && h->blocksize <= BLOCK_MAX;
}

static FLAC__StreamDecoderWriteStatus on_write(const FLAC__StreamDecoder *flac,
                                               const FLAC__Frame *frame,
                                               const FLAC__int32 *const buffer[],
                                               void *ctx)
{
    struct flac_decoder *d = ctx;
    int count = (int)frame->header.blocksize;

    (void)flac;
    if (!fits(d, &frame->header)) {
        d->is_damaged = true;
        return FLAC__STREAM_DECODER_WRITE_STATUS_ABORT;
    }
    memset(d->pending, 0, (size_t)count * 2 * sizeof(float));
    for (int c = 0; c < d->info.channels; c++) {
        for (int i = 0; i < count; i++) {
            d->pending[2 * i] += d->weight[c][0] * (float)buffer[c][i];
            d->pending[2 * i + 1] += d->weight[c][1] * (float)buffer[c][i];
        }
    }
    d->pending_at = 0;
    d->pending_count = count;
    return FLAC__STREAM_DECODER_WRITE_STATUS_CONTINUE;
}

/* How much of each channel is heard left and right: 1 for its own side, -3 dB for the
 * middle and the back, nothing of the low-frequency channel; never louder than full
 * scale. Channel order: RFC 9639 section 9.1.3. */
static void set_weights(struct flac_decoder *d)
{
    static const char *const sides[FLAC_CHANNELS_MAX + 1] = {
        "", "M", "LR", "LRC", "LRlr", "LRClr", "LRC-lr", "LRC-clr", "LRC-lrlr",
    };
    const char *side = sides[d->info.channels];
    float scale = (float)ldexp(1.0, 1 - d->info.bits);
    float sum = 0;

    for (int c = 0; c < d->info.channels; c++) {
        float w = side[c] == '-'                   ? 0.0f
                  : strchr("LRM", side[c]) != NULL ? 1.0f
                                                   : 0.70710678f;

        d->weight[c][0] = strchr("Rr", side[c]) != NULL ? 0 : w;
        d->weight[c][1] = strchr("Ll", side[c]) != NULL ? 0 : w;
        sum += d->weight[c][0];
    }
    for (int c = 0; c < d->info.channels; c++) {
        d->weight[c][0] *= scale / sum;
        d->weight[c][1] *= scale / sum;
    }
}

static int failure(const struct flac_decoder *d)
{
    return d->is_starved ? ERR_AGAIN : d->is_unreadable ? ERR_FILE : ERR_CORRUPT;
}

static int open_decoder(struct flac_decoder *d, bool checks_md5)
{
    if (d->flac == NULL || !FLAC__stream_decoder_set_md5_checking(d->flac, checks_md5) ||
        FLAC__stream_decoder_init_stream(d->flac, on_read, on_seek, on_tell, on_length,
                                         on_eof, on_write, on_metadata, on_error,
                                         d) != FLAC__STREAM_DECODER_INIT_STATUS_OK) {
        return ERR_NOMEM;
    }
    if (!FLAC__stream_decoder_process_until_end_of_metadata(d->flac)) {
        return failure(d);
    }
    if (d->is_damaged || !flac_info_is_ok(&d->info)) {
        return ERR_FORMAT;
    }
    set_weights(d);
    return ERR_NONE;
}

static int create(struct flac_decoder **decoder, struct byte_stream *stream,
                  bool checks_md5)
{
    struct flac_decoder *d = xcalloc(1, sizeof(*d));
    int err;

    d->stream = *stream;
    *stream = (struct byte_stream){ .ctx = NULL };
    d->flac = FLAC__stream_decoder_new();
    err = open_decoder(d, checks_md5);
    if (err != ERR_NONE) {
        flac_decoder_destroy(d);
        return err;
    }
    *decoder = d;
    return ERR_NONE;
}

int flac_decoder_create(struct flac_decoder **decoder, struct byte_stream *stream)
{
    return create(decoder, stream, false);
}

const struct flac_info *flac_decoder_info(const struct flac_decoder *d)
{
    return &d->info;
}

int64_t flac_decoder_tell(const struct flac_decoder *d)
{
    return d->next;
}

int flac_decoder_seek(struct flac_decoder *d, int64_t frame)
{
    if (frame < 0 || frame > d->info.frames) {
        return ERR_USAGE;
    }
    d->next = frame;
    d->pending_count = 0;
    d->pending_at = 0;
    d->is_starved = false;
    d->is_damaged = false;
    d->must_seek = true;
    if (frame == d->info.frames) {
        return ERR_NONE;
    }
    if (FLAC__stream_decoder_get_state(d->flac) == FLAC__STREAM_DECODER_ABORTED ||
        FLAC__stream_decoder_get_state(d->flac) == FLAC__STREAM_DECODER_SEEK_ERROR) {
        FLAC__stream_decoder_flush(d->flac);
    }
    if (!FLAC__stream_decoder_seek_absolute(d->flac, (FLAC__uint64)frame)) {
        d->pending_count = 0;
        return failure(d);
    }
    /* Searching may meet what looks like a frame and is none; that is no damage. */
    d->is_damaged = false;
    d->must_seek = false;
    return ERR_NONE;
}

/* Decode one block to pending; at the end of the stream there will be none. */
static int fill(struct flac_decoder *d)
{
    if (d->must_seek) {
        int err = flac_decoder_seek(d, d->next);

        if (err != ERR_NONE || d->pending_count > 0) {
            return err;
        }
    }
    d->pending_count = 0;
    d->pending_at = 0;
    while (d->pending_count == 0) {
        bool is_ok = FLAC__stream_decoder_process_single(d->flac);
        FLAC__StreamDecoderState state = FLAC__stream_decoder_get_state(d->flac);

        if (state == FLAC__STREAM_DECODER_END_OF_STREAM) {
            break;
        }
        /* Once aborted it says yes to everything and does nothing: a loop without end. */
        if (!is_ok || d->is_damaged || state > FLAC__STREAM_DECODER_END_OF_STREAM) {
            d->pending_count = 0;
            d->must_seek = true;
            return failure(d);
        }
    }
    return ERR_NONE;
}

int flac_decoder_read(struct flac_decoder *d, float *frames, int count)
{
    int64_t left = d->info.frames - d->next;
    int n;

    d->is_starved = false;
    if (count <= 0 || left <= 0) {
        return 0;
    }
    if (d->pending_at == d->pending_count) {
        int err = fill(d);

        if (err != ERR_NONE) {
            return err;
        }
        if (d->pending_count == 0) {
            return ERR_CORRUPT; /* the file ends before its length */
        }
    }
    n = d->pending_count - d->pending_at;
    n = n < count ? n : count;
    n = n < left ? n : (int)left;
    memcpy(frames, d->pending + 2 * d->pending_at, (size_t)n * 2 * sizeof(float));
    d->pending_at += n;
    d->next += n;
    return n;
}

void flac_decoder_destroy(struct flac_decoder *d)
{
    if (d == NULL) {
        return;
    }
    if (d->flac != NULL) {
        FLAC__stream_decoder_delete(d->flac);
    }
    byte_stream_close(&d->stream);
    free(d);
}

static int complain(int err, const char *path, const struct flac_decoder *d,
                    char *message, size_t size)
{
    if (err == ERR_FORMAT) {
        snprintf(message, size, "%s: this FLAC file cannot be played: re-encode it",
                 path);
    } else if (err == ERR_FILE) {
        snprintf(message, size, "%s: cannot be read to its end: check the disk", path);
    } else if (d != NULL) {
        int64_t at_s = d->next / d->info.rate;
        int64_t all_s = d->info.frames / d->info.rate;

        snprintf(message, size,
                 "%s: the file is damaged at %d:%02d of %d:%02d: get it again", path,
                 (int)(at_s / 60), (int)(at_s % 60), (int)(all_s / 60),
                 (int)(all_s % 60));
    } else {
        snprintf(message, size, "%s: the file is damaged: get it again", path);
    }
    return err;
}

static int open_path(struct flac_decoder **d, const char *path, bool checks_md5,
                     struct flac_info *info, char *message, size_t size)
{
    struct byte_stream s;
    int err = flac_probe(path, info, message, size);

    if (err == ERR_NONE) {
        err = byte_stream_open_file(&s, path, message, size);
    }
    if (err != ERR_NONE) {
        return err;
    }
    err = create(d, &s, checks_md5);
    return err == ERR_NONE ? err : complain(err, path, NULL, message, size);
}

int flac_verify(const char *path, char *message, size_t size)
{
    struct flac_info info;
    struct flac_decoder *d;
    float *waste;
    int err = open_path(&d, path, true, &info, message, size);
    int n = 1;

    if (err != ERR_NONE) {
        return err;
    }
    waste = xcalloc(LOAD_STEP, 2 * sizeof(float));
    while (n > 0) {
        n = flac_decoder_read(d, waste, LOAD_STEP);
    }
    if (n < 0) {
        err = complain(n, path, d, message, size);
    } else if (!FLAC__stream_decoder_finish(d->flac)) {
        snprintf(message, size,
                 "%s: the file is damaged, its MD5 does not match: get it again", path);
        err = ERR_CORRUPT;
    }
    free(waste);
    flac_decoder_destroy(d);
    return err;
}

int flac_load(const char *path, int64_t frames_max, float **frames,
              struct flac_info *info, char *message, size_t size)
{
    struct flac_decoder *d;
    float *all;
    int64_t at = 0;
    int n = 1;
    int err = open_path(&d, path, false, info, message, size);

    if (err != ERR_NONE) {
        return err;
    }
    if (info->frames > frames_max) {
        flac_decoder_destroy(d);
        snprintf(message, size, "%s: the song is too long", path);
        return ERR_LIMIT;
    }
    all = xcalloc((size_t)info->frames, 2 * sizeof(float));
    while (n > 0) {
        n = flac_decoder_read(d, all + 2 * at, LOAD_STEP);
        at += n > 0 ? n : 0;
    }
    if (n < 0) {
        err = complain(n, path, d, message, size);
        free(all);
    } else {
        *frames = all;
    }
    flac_decoder_destroy(d);
    return err;
}
