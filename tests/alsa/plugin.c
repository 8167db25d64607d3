/* An ALSA card that is not there: an external I/O plugin with a crystal of its own, which
 * writes down what it plays and when that truly left it (audio/capture.h).  With it,
 * "alsa:DEVICE" runs through alsa-lib as it is, on machines without sound.
 * SPDX-License-Identifier: MIT
 *
 * Put this into a file, and its path into ALSA_CONFIG_PATH; "alsa:card1" is then the
 * card:
 *
 *   pcm_type.partytest { lib "/…/libasound_module_pcm_partytest.so" }
 *   pcm.card1 {
 *       type partytest
 *       ppm "40"                  # its crystal runs fast by that; a string
 *       rate 48000                # the only one that it has
 *       capture "/tmp/card1.cap"  # gone on with if it is there
 *       period 1                  # its position is known in steps of so many frames
 *       latency 0                 # frames between it and the loudspeaker, which it tells
 *   }
 *
 * As with DMA, alsa-lib owns the ring of samples, and the card takes from it what has
 * played since it was last asked; so rewinding works as it does on hardware. */
#define PIC 1 /* what alsa-lib wants to be told of a shared object */
#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>

#include "audio/card.h"

#define FRAMES_MIN 64
#define FRAMES_MAX 65536

struct fake {
    snd_pcm_ioplug_t io;
    struct card card;
    int64_t played;  /* of this run */
    int64_t period;  /* granularity of the position */
    int64_t latency; /* frames that have left the ring and are not heard yet */
    bool is_running;
};

static int16_t sample_at(const struct fake *f, const snd_pcm_channel_area_t *area,
                         int64_t at)
{
    const uint8_t *p = (const uint8_t *)area->addr + area->first / 8 +
                       (size_t)(at % (int64_t)f->io.buffer_size) * (area->step / 8);
    int32_t wide;
    int16_t narrow;
    float real;

    switch (f->io.format) {
    case SND_PCM_FORMAT_S16:
        memcpy(&narrow, p, sizeof(narrow));
        return narrow;
    case SND_PCM_FORMAT_FLOAT:
        memcpy(&real, p, sizeof(real));
        real *= 32768.0f;
        return (int16_t)(real > 32767 ? 32767 : real < -32768 ? -32768 : lrintf(real));
    default:
        memcpy(&wide, p, sizeof(wide));
        return (int16_t)(wide >> 16);
    }
}

/* Play up to now.  False: it ran dry. */
static bool advance(struct fake *f)
{
    const snd_pcm_channel_area_t *areas = snd_pcm_ioplug_mmap_areas(&f->io);
    int64_t written = (int64_t)f->io.appl_ptr;
    int64_t until = card_frames(&f->card, card_true_ns());
    bool is_dry = until >= written;

    for (until = is_dry ? written : until; f->played < until; f->played++) {
        card_play(&f->card, sample_at(f, &areas[0], f->played),
                  sample_at(f, &areas[1], f->played));
    }
    if (is_dry) {
        card_flush(&f->card);
    }
    return !is_dry;
}

static int on_start(snd_pcm_ioplug_t *io)
{
    struct fake *f = io->private_data;

    card_start(&f->card, card_true_ns());
    f->is_running = true;
    return 0;
}

static int on_stop(snd_pcm_ioplug_t *io)
{
    struct fake *f = io->private_data;

    card_flush(&f->card);
    f->is_running = false;
    return 0;
}

static int on_prepare(snd_pcm_ioplug_t *io)
{
    struct fake *f = io->private_data;

    card_flush(&f->card);
    f->is_running = false;
    f->played = 0;
    return 0;
}

static int64_t known(const struct fake *f)
{
    return f->played - f->played % f->period;
}

static snd_pcm_sframes_t on_pointer(snd_pcm_ioplug_t *io)
{
    struct fake *f = io->private_data;

    if (f->is_running && !advance(f)) {
        f->is_running = false;
        return -EPIPE;
    }
    return (snd_pcm_sframes_t)(known(f) % (int64_t)io->buffer_size);
}

static int on_delay(snd_pcm_ioplug_t *io, snd_pcm_sframes_t *delay)
{
    struct fake *f = io->private_data;
    int64_t played = f->is_running ? card_frames(&f->card, card_true_ns()) : f->played;

    *delay = (snd_pcm_sframes_t)((int64_t)io->appl_ptr - (played - played % f->period) +
                                 f->latency);
    return 0;
}

static int on_hw_params(snd_pcm_ioplug_t *io, snd_pcm_hw_params_t *params)
{
    struct itimerspec t = { .it_interval = { 0, 0 } };
    int64_t ns = (int64_t)io->period_size * NS_PER_S / io->rate;

    (void)params;
    t.it_interval.tv_sec = t.it_value.tv_sec = ns / NS_PER_S;
    t.it_interval.tv_nsec = t.it_value.tv_nsec = ns % NS_PER_S;
    return timerfd_settime(io->poll_fd, 0, &t, NULL) < 0 ? -errno : 0;
}

static int on_poll(snd_pcm_ioplug_t *io, struct pollfd *fds, unsigned count,
                   unsigned short *revents)
{
    uint64_t ticks;

    *revents = 0;
    if (count > 0 && (fds[0].revents & POLLIN) != 0 &&
        read(fds[0].fd, &ticks, sizeof(ticks)) == sizeof(ticks) &&
        (snd_pcm_uframes_t)snd_pcm_avail_update(io->pcm) >= io->period_size) {
        *revents = POLLOUT;
    }
    return 0;
}

static int on_close(snd_pcm_ioplug_t *io)
{
    struct fake *f = io->private_data;

    card_close(&f->card);
    close(io->poll_fd);
    free(f);
    return 0;
}

static const snd_pcm_ioplug_callback_t callbacks = {
    .start = on_start,
    .stop = on_stop,
    .pointer = on_pointer,
    .close = on_close,
    .hw_params = on_hw_params,
    .prepare = on_prepare,
    .poll_revents = on_poll,
    .delay = on_delay,
};

static int constrain(snd_pcm_ioplug_t *io, unsigned rate)
{
    static const unsigned access[] = { SND_PCM_ACCESS_RW_INTERLEAVED,
                                       SND_PCM_ACCESS_MMAP_INTERLEAVED };
    static const unsigned formats[] = { SND_PCM_FORMAT_S16, SND_PCM_FORMAT_S32,
                                        SND_PCM_FORMAT_FLOAT };
    int err = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_ACCESS, 2, access);

    if (err >= 0) {
        err = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_FORMAT, 3, formats);
    }
    if (err >= 0) {
        err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_CHANNELS, 2, 2);
    }
    if (err >= 0) {
        err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_RATE, rate, rate);
    }
    if (err >= 0) {
        err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIOD_BYTES,
                                              FRAMES_MIN * 4, FRAMES_MAX * 4);
    }
    if (err >= 0) {
        err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIODS, 2, 256);
    }
    return err < 0 ? err
                   : snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_BUFFER_BYTES,
                                                     FRAMES_MIN * 8, FRAMES_MAX * 8);
}

struct options {
    const char *capture;
    double ppm;
    int64_t rate;
    int64_t period;
    int64_t latency;
};

static int parse(snd_config_t *conf, struct options *o)
{
    snd_config_iterator_t i;
    snd_config_iterator_t next;

    snd_config_for_each(i, next, conf)
    {
        snd_config_t *n = snd_config_iterator_entry(i);
        const char *id = "";
        const char *text = "";
        long value = 0; /* alsa-lib's */

        snd_config_get_id(n, &id);
        if (strcmp(id, "ppm") == 0 && snd_config_get_string(n, &text) >= 0) {
            o->ppm = strtod(text, NULL);
        } else if (strcmp(id, "capture") == 0) {
            snd_config_get_string(n, &o->capture);
        } else if (strcmp(id, "rate") == 0 && snd_config_get_integer(n, &value) >= 0) {
            o->rate = value;
        } else if (strcmp(id, "period") == 0 && snd_config_get_integer(n, &value) >= 0) {
            o->period = value;
        } else if (strcmp(id, "latency") == 0 && snd_config_get_integer(n, &value) >= 0) {
            o->latency = value;
        } else if (strcmp(id, "type") != 0 && strcmp(id, "comment") != 0 &&
                   strcmp(id, "hint") != 0) {
            SNDERR("partytest: unknown setting %s", id);
            return -EINVAL;
        }
    }
    return o->rate < 8000 || o->rate > 192000 || o->period < 1 || o->ppm < -1000 ||
                   o->ppm > 1000 || o->latency < 0 || o->latency > o->rate
               ? -EINVAL
               : 0;
}

static int create(struct fake *f, snd_pcm_t **pcm, const char *name,
                  const struct options *o, snd_pcm_stream_t stream, int mode)
{
    int err;

    if (!card_open(&f->card, o->capture, (int)o->rate, (int64_t)(o->ppm * 1e6))) {
        return -errno;
    }
    f->period = o->period;
    f->latency = o->latency;
    f->card.delay_ns = (int64_t)((double)o->latency / card_speed(&f->card));
    f->io.version = SND_PCM_IOPLUG_VERSION;
    f->io.name = "simulated card";
    f->io.mmap_rw = 1;
    f->io.callback = &callbacks;
    f->io.private_data = f;
    f->io.poll_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    f->io.poll_events = POLLIN;
    if (f->io.poll_fd < 0) {
        return -errno;
    }
    err = snd_pcm_ioplug_create(&f->io, name, stream, mode);
    if (err < 0) {
        close(f->io.poll_fd);
        return err;
    }
    err = constrain(&f->io, (unsigned)o->rate);
    if (err < 0) {
        snd_pcm_ioplug_delete(&f->io); /* calls on_close, which frees f */
        return err;
    }
    *pcm = f->io.pcm;
    return 1;
}

SND_PCM_PLUGIN_DEFINE_FUNC(partytest)
{
    struct options o = { .rate = 48000, .period = 1 };
    struct fake *f;
    int err = parse(conf, &o);

    (void)root;
    if (err < 0) {
        return err;
    }
    if (stream != SND_PCM_STREAM_PLAYBACK) {
        return -EINVAL;
    }
    f = calloc(1, sizeof(*f));
    if (f == NULL) {
        return -ENOMEM;
    }
    err = create(f, pcmp, name, &o, stream, mode);
    if (err <= 0 && *pcmp == NULL && f->io.pcm == NULL) {
        card_close(&f->card);
        free(f);
    }
    return err < 0 ? err : 0;
}

SND_PCM_PLUGIN_SYMBOL(partytest);
