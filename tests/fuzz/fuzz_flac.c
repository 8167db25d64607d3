/* Fuzz what reads FLAC files: the metadata, and the decoder through a stream that says
 * "not yet" now and then.
 * fuzz: -max_len=2048
 * SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "audio/flac.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FRAMES   512
#define READS    64
#define AGAIN_AT 7 /* every so many reads */

static struct byte_stream under;
static int reads;

static int read_now_and_then(void *ctx, uint8_t *data, size_t *len)
{
    if (++reads % AGAIN_AT == 0) {
        *len = 0;
        return ERR_AGAIN;
    }
    if (*len > 100) {
        *len = 100;
    }
    return under.read(ctx, data, len);
}

static void decode(struct byte_stream *s)
{
    struct flac_decoder *d;
    float out[2 * FRAMES];
    int err = flac_decoder_create(&d, s);

    assert(s->read == NULL); /* taken */
    if (err != ERR_NONE) {
        return;
    }
    for (int i = 0; i < READS; i++) {
        int64_t before = flac_decoder_tell(d);
        int n = flac_decoder_read(d, out, FRAMES);

        assert(n <= FRAMES && flac_decoder_tell(d) == before + (n > 0 ? n : 0));
        if (n < 0 && n != ERR_AGAIN) {
            break;
        }
        if (i == READS / 2) {
            (void)!flac_decoder_seek(d, flac_decoder_info(d)->frames / 2);
        }
    }
    flac_decoder_destroy(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct byte_stream s;
    struct flac_info info;
    char message[200];
    int err;

    byte_stream_open_memory(&s, data, size);
    err = flac_probe_stream(&s, "x", &info, message, sizeof(message));
    if (err == ERR_NONE) {
        assert(info.audio_offset > 0 && info.audio_offset < (int64_t)size);
        assert(info.rate >= FLAC_RATE_MIN && info.rate <= FLAC_RATE_MAX);
    }
    /* The decoder makes large tables each time: most of what the probe refuses is not
     * worth them, though what it refuses must do no harm there either. */
    if (err != ERR_NONE && size % 16 != 0) {
        byte_stream_close(&s);
        return 0;
    }
    s.seek(s.ctx, 0);
    under = s;
    reads = 0;
    if (size % 2 == 0) {
        s.read = read_now_and_then;
    }
    decode(&s);
    return 0;
}
