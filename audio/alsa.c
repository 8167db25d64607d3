/* The sink "alsa:DEVICE": a card through alsa-lib.  SPDX-License-Identifier: MIT
 *
 * Position is snd_pcm_status: delay at htstamp, in MONOTONIC_RAW where alsa-lib and
 * driver can, else in MONOTONIC, brought over by reading both clocks at once.  Drivers
 * whose stamps are missing, step back or lie far off are read by snd_pcm_delay between
 * two clock reads. The device is never waited for: it is opened non-blocking, and polled.
 */
#include <alsa/asoundlib.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "audio/sink_kinds.h"
#include "audio/xalloc.h"
#include "base/time.h"

#define BUFFER_US  400000u /* the most that audio/depth.h will ever fill */
#define PERIOD_US  10000u
#define CHUNK      512
#define BAD_STAMPS 64                /* … before stamps are given up */
#define BRACKET_NS (200 * NS_PER_US) /* a reading that took longer is not used */
#define TRIES      3
#define BYTES_MAX  4 /* of one sample */

struct alsa_sink {
    struct sink sink;
    snd_pcm_t *pcm;
    snd_pcm_format_t format;
    clockid_t stamp_clock;
    bool uses_delay; /* the driver's stamps are no good */
    int bad_stamps;
    int64_t last_stamp_ns;
    int64_t period_ns;
    snd_pcm_status_t *status;
    uint8_t bytes[CHUNK * 2 * BYTES_MAX];
};

static struct alsa_sink *of(struct sink *s)
{
    return (struct alsa_sink *)s;
}

static int64_t local_now(const struct alsa_sink *a)
{
    return a->sink.config.now(a->sink.config.now_ctx);
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* An instant of the stamps' clock in local time.  False: interrupted all the time. */
static bool to_local(const struct alsa_sink *a, int64_t stamp_ns, int64_t *local_ns)
{
    int64_t best = BRACKET_NS;
    bool has_any = false;

    for (int i = 0; i < TRIES && best > 2 * NS_PER_US; i++) {
        int64_t before = clock_ns(a->stamp_clock);
        int64_t local = local_now(a);
        int64_t after = clock_ns(a->stamp_clock);

        if (after - before < best) {
            best = after - before;
            *local_ns = local - (before + best / 2 - stamp_ns);
            has_any = true;
        }
    }
    return has_any;
}

/* The driver's own stamp: is it one? */
static bool is_good_stamp(struct alsa_sink *a, int64_t stamp_ns)
{
    int64_t age_ns = clock_ns(a->stamp_clock) - stamp_ns;
    bool is_good = stamp_ns > 0 && stamp_ns >= a->last_stamp_ns && age_ns >= 0 &&
                   age_ns <= 3 * a->period_ns;

    a->last_stamp_ns = stamp_ns;
    if (is_good) {
        a->bad_stamps = 0;
    } else if (++a->bad_stamps >= BAD_STAMPS) {
        a->uses_delay = true;
    }
    return is_good;
}

static void read_by_delay(struct alsa_sink *a, struct sink_status *status)
{
    int64_t before_ns = local_now(a);
    snd_pcm_sframes_t delay;
    int err = snd_pcm_delay(a->pcm, &delay);
    int64_t after_ns = local_now(a);

    status->has_position = err == 0 && after_ns - before_ns <= BRACKET_NS;
    status->delay_frames = delay;
    status->instant_ns = before_ns + (after_ns - before_ns) / 2;
}

static void read_by_stamp(struct alsa_sink *a, struct sink_status *status)
{
    snd_htimestamp_t t;
    int64_t stamp_ns;

    snd_pcm_status_get_htstamp(a->status, &t);
    stamp_ns = (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
    status->delay_frames = snd_pcm_status_get_delay(a->status);
    status->has_position = is_good_stamp(a, stamp_ns) &&
                           to_local(a, stamp_ns, &status->instant_ns);
}

static enum sink_state translate(snd_pcm_state_t state)
{
    if (state == SND_PCM_STATE_RUNNING) {
        return SINK_RUNNING;
    }
    if (state == SND_PCM_STATE_PREPARED) {
        return SINK_PREPARED;
    }
    return state == SND_PCM_STATE_DISCONNECTED ? SINK_GONE : SINK_UNDERRUN;
}

static void alsa_status(struct sink *s, struct sink_status *status)
{
    struct alsa_sink *a = of(s);

    if (snd_pcm_status(a->pcm, a->status) < 0) {
        status->state = SINK_GONE;
        return;
    }
    status->state = translate(snd_pcm_status_get_state(a->status));
    if (status->state != SINK_RUNNING) {
        return;
    }
    if (a->uses_delay) {
        read_by_delay(a, status);
    } else {
        read_by_stamp(a, status);
    }
}

static int alsa_writable(struct sink *s)
{
    snd_pcm_sframes_t n = snd_pcm_avail_update(of(s)->pcm);

    return n < 0 ? 0 : n > s->buffer_frames ? s->buffer_frames : (int)n;
}

static int32_t scaled(float x, int bits)
{
    double most = (double)((INT64_C(1) << (bits - 1)) - 1);
    double y = (double)x * (most + 1);

    return (int32_t)(y > most ? most : y < -most - 1 ? -most - 1 : floor(y + 0.5));
}

static void convert(struct alsa_sink *a, const float *from, int samples)
{
    for (int i = 0; i < samples; i++) {
        if (a->format == SND_PCM_FORMAT_FLOAT) {
            memcpy(a->bytes + 4 * i, &from[i], 4);
        } else if (a->format == SND_PCM_FORMAT_S16) {
            int16_t x = (int16_t)scaled(from[i], 16);

            memcpy(a->bytes + 2 * i, &x, 2);
        } else {
            int32_t x = scaled(from[i], a->format == SND_PCM_FORMAT_S24 ? 24 : 32);

            memcpy(a->bytes + 4 * i, &x, 4);
        }
    }
}

static int alsa_write(struct sink *s, const float *frames, int count)
{
    struct alsa_sink *a = of(s);
    int done = 0;

    while (done < count) {
        int n = count - done < CHUNK ? count - done : CHUNK;
        snd_pcm_sframes_t taken;

        convert(a, frames + 2 * done, 2 * n);
        taken = snd_pcm_writei(a->pcm, a->bytes, (snd_pcm_uframes_t)n);
        if (taken == -EAGAIN) {
            break;
        }
        if (taken < 0) {
            return ERR_AUDIO;
        }
        done += (int)taken;
        if (taken < n) {
            break;
        }
    }
    return done;
}

static int alsa_start(struct sink *s)
{
    of(s)->last_stamp_ns = 0;
    return snd_pcm_start(of(s)->pcm) < 0 ? ERR_AUDIO : ERR_NONE;
}

static int alsa_rewind(struct sink *s, int count)
{
    struct alsa_sink *a = of(s);
    snd_pcm_sframes_t most = snd_pcm_rewindable(a->pcm);
    snd_pcm_sframes_t n = most < count ? most : count;

    if (n <= 0) {
        return 0;
    }
    n = snd_pcm_rewind(a->pcm, (snd_pcm_uframes_t)n);
    return n < 0 ? 0 : (int)n;
}

static int alsa_recover(struct sink *s)
{
    struct alsa_sink *a = of(s);

    /* A card that was suspended cannot always go on; preparing it anew always can. */
    if (snd_pcm_state(a->pcm) == SND_PCM_STATE_SUSPENDED) {
        (void)snd_pcm_resume(a->pcm);
    }
    (void)snd_pcm_drop(a->pcm);
    return snd_pcm_prepare(a->pcm) < 0 ? ERR_AUDIO : ERR_NONE;
}

static void alsa_close(struct sink *s)
{
    struct alsa_sink *a = of(s);

    if (a->pcm != NULL) {
        (void)snd_pcm_drop(a->pcm);
        snd_pcm_close(a->pcm);
    }
    snd_pcm_status_free(a->status);
    free(a);
}

static const struct sink_ops alsa_ops = {
    .status = alsa_status,
    .writable = alsa_writable,
    .write = alsa_write,
    .start = alsa_start,
    .rewind = alsa_rewind,
    .recover = alsa_recover,
    .close = alsa_close,
};

/* The best format that the device has, or an errno. */
static int choose_format(struct alsa_sink *a, snd_pcm_hw_params_t *hw)
{
    static const snd_pcm_format_t formats[] = { SND_PCM_FORMAT_S32, SND_PCM_FORMAT_FLOAT,
                                                SND_PCM_FORMAT_S24, SND_PCM_FORMAT_S16 };

    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (snd_pcm_hw_params_test_format(a->pcm, hw, formats[i]) == 0) {
            a->format = formats[i];
            return snd_pcm_hw_params_set_format(a->pcm, hw, formats[i]);
        }
    }
    return -EINVAL;
}

static int set_hardware(struct alsa_sink *a)
{
    snd_pcm_hw_params_t *hw;
    unsigned rate = (unsigned)a->sink.config.rate;
    unsigned buffer_us = BUFFER_US;
    unsigned period_us = PERIOD_US;
    snd_pcm_uframes_t buffer = 0;
    int err;

    snd_pcm_hw_params_alloca(&hw);
    err = snd_pcm_hw_params_any(a->pcm, hw);
    if (err >= 0) {
        /* alsa-lib must not resample: we do, and we must know the card's frames. */
        (void)snd_pcm_hw_params_set_rate_resample(a->pcm, hw, 0);
        err = snd_pcm_hw_params_set_access(a->pcm, hw, SND_PCM_ACCESS_RW_INTERLEAVED);
    }
    err = err < 0 ? err : choose_format(a, hw);
    err = err < 0 ? err : snd_pcm_hw_params_set_channels(a->pcm, hw, 2);
    err = err < 0 ? err : snd_pcm_hw_params_set_rate_near(a->pcm, hw, &rate, NULL);
    if (err >= 0) {
        /* Wishes only: whatever comes near will do. */
        (void)snd_pcm_hw_params_set_period_time_near(a->pcm, hw, &period_us, NULL);
        (void)snd_pcm_hw_params_set_buffer_time_near(a->pcm, hw, &buffer_us, NULL);
        err = snd_pcm_hw_params(a->pcm, hw);
    }
    err = err < 0 ? err : snd_pcm_hw_params_get_buffer_size(hw, &buffer);
    if (err < 0) {
        return err;
    }
    if (buffer > INT32_MAX / 2 || rate > 192000 || rate < 8000) {
        return -EINVAL;
    }
    (void)snd_pcm_hw_params_get_period_time(hw, &period_us, NULL);
    a->period_ns = period_us * NS_PER_US;
    a->sink.rate = (int)rate;
    a->sink.buffer_frames = (int)buffer;
    return 0;
}

static int set_software(struct alsa_sink *a)
{
    snd_pcm_sw_params_t *sw;
    snd_pcm_uframes_t boundary;
    int err;

    snd_pcm_sw_params_alloca(&sw);
    err = snd_pcm_sw_params_current(a->pcm, sw);
    err = err < 0 ? err : snd_pcm_sw_params_get_boundary(sw, &boundary);
    err = err < 0 ? err : snd_pcm_sw_params_set_start_threshold(a->pcm, sw, boundary);
    err = err < 0 ? err
                  : snd_pcm_sw_params_set_tstamp_mode(a->pcm, sw, SND_PCM_TSTAMP_ENABLE);
    if (err < 0) {
        return err;
    }
    a->stamp_clock = CLOCK_MONOTONIC_RAW;
    err = snd_pcm_sw_params_set_tstamp_type(a->pcm, sw,
                                            SND_PCM_TSTAMP_TYPE_MONOTONIC_RAW);
    if (err >= 0 && snd_pcm_sw_params(a->pcm, sw) == 0) {
        return 0;
    }
    a->stamp_clock = CLOCK_MONOTONIC;
    (void)snd_pcm_sw_params_set_tstamp_type(a->pcm, sw, SND_PCM_TSTAMP_TYPE_MONOTONIC);
    return snd_pcm_sw_params(a->pcm, sw);
}

/* alsa-lib would print its complaints; ours go where the caller wants them. */
__attribute__((format(printf, 5, 6))) static void be_quiet(const char *file, int line,
                                                           const char *function, int err,
                                                           const char *format, ...)
{
    (void)file, (void)line, (void)function, (void)err, (void)format;
}

static const char *remedy(int err)
{
    switch (-err) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
        return "\"aplay -L\" lists what there is, and \"none\" plays without sound";
    case EBUSY:
    case EAGAIN:
        return "another program holds it: close that, or use alsa:default";
    case EACCES:
    case EPERM:
        return "add yourself to the group \"audio\"";
    case EINVAL:
        return "it cannot play stereo as it is: try alsa:plughw:… or alsa:default";
    default:
        return "try alsa:default, or \"none\" to play without sound";
    }
}

int sink_open_alsa(struct sink **sink, const char *argument,
                   const struct sink_config *config, char *message, size_t size)
{
    struct alsa_sink *a;
    int err;

    if (argument[0] == '\0') {
        snprintf(message, size,
                 "alsa: which device is not said; for example alsa:default");
        return ERR_USAGE;
    }
    snd_lib_error_set_handler(be_quiet);
    a = xcalloc(1, sizeof(*a));
    a->sink.ops = &alsa_ops;
    a->sink.config = *config;
    if (snd_pcm_status_malloc(&a->status) < 0) {
        abort();
    }
    err = snd_pcm_open(&a->pcm, argument, SND_PCM_STREAM_PLAYBACK, SND_PCM_NONBLOCK);
    if (err < 0) {
        a->pcm = NULL;
    }
    err = err < 0 ? err : set_hardware(a);
    err = err < 0 ? err : set_software(a);
    err = err < 0 ? err : snd_pcm_prepare(a->pcm);
    if (err < 0) {
        snprintf(message, size, "sound card \"%.40s\": %s; %s", argument,
                 snd_strerror(err), remedy(err));
        alsa_close(&a->sink);
        return ERR_AUDIO;
    }
    *sink = &a->sink;
    return ERR_NONE;
}
