/* SPDX-License-Identifier: MIT */
#include "daemon/sound.h"

#include <assert.h>

#include "daemon/xalloc.h"

#define LOOK_MS      50 /* how often the report is looked at */
#define LOOKS_A_TELL 5  /* and, changed or not, told */

struct sound {
    struct player *player;
    struct clockwork *clock;
    struct event_sink sink;
    struct audio_report told;
    const char *device;
    const char *folder;
    struct outputs outputs;
    int rate;  /* of the card, for which the output is set */
    int looks; /* since it was told */
    bool has_timer;
    uv_timer_t timer;
};

static int64_t now(void *ctx)
{
    return clockwork_now(ctx);
}

static void tell(struct sound *s, const struct audio_report *r)
{
    struct event e = { .kind = EVENT_AUDIO };
    struct event_audio *a = &e.u.audio;

    a->is_open = r->state != PLAYER_NO_DEVICE;
    a->is_playing = r->is_playing;
    a->song = r->song;
    a->frame = r->frame;
    a->instant_ns = r->instant_ns;
    a->phase_ns = r->phase_error_ns;
    a->rate_ppb = r->ratio_ppb;
    a->underruns = r->underruns;
    a->resyncs = r->resyncs;
    a->card_ppb = r->card_ppb;
    a->card_sigma_ns = r->card_sigma_ns;
    a->depth_ns = r->depth_ns;
    a->latency_ns = r->delay_ns;
    a->volume = s->outputs.volume;
    a->is_realtime = r->is_realtime;
    a->is_resident = r->is_resident;
    /* Old news are no reason for silence. */
    a->message = bytes_of(r->error, a->is_open ? 0 : strlen(r->error));
    s->told = *r;
    s->looks = 0;
    event_sink_post(&s->sink, &e);
}

static bool has_changed(const struct audio_report *a, const struct audio_report *b)
{
    return a->state != b->state || a->is_playing != b->is_playing ||
           !song_id_equal(&a->song, &b->song) || a->underruns != b->underruns ||
           a->resyncs != b->resyncs || a->device_losses != b->device_losses;
}

/* Have the player use the card as the user wants this one used. */
static void use_output(struct sound *s)
{
    int64_t latency_us = outputs_latency_us(&s->outputs, s->device, s->rate);
    double loud = s->outputs.volume / 100.0;
    struct audio_output o = { .gain = loud * loud * loud,
                              .delay_ns = latency_us * NS_PER_US };
    int err = player_set_output(s->player, &o);

    assert(err == 0); /* outputs.h keeps the bounds */
}

static void on_look(uv_timer_t *timer)
{
    struct sound *s = timer->data;
    struct audio_report r;

    player_report(s->player, &r);
    if (r.card_rate != s->rate) { /* another card may have been plugged in */
        s->rate = r.card_rate;
        use_output(s);
    }
    if (++s->looks >= LOOKS_A_TELL || has_changed(&r, &s->told))
        tell(s, &r);
}

int sound_create(struct sound **sound, uv_loop_t *loop, const struct sound_config *config,
                 const struct event_sink *sink, char *message, size_t size)
{
    struct player_config pc = {
        .sink = config->device,
        .now = now,
        .now_ctx = config->clock,
        .open_song = config->open_song,
        .open_ctx = config->open_ctx,
        .quality = PLAYER_QUALITY_MEDIUM,
        .wants_realtime = true,
    };
    struct sound *s = xalloc(sizeof(*s));
    struct audio_report r;
    int err = player_create(&s->player, &pc, message, size);

    if (err != 0) {
        free(s);
        return err;
    }
    s->clock = config->clock;
    s->sink = *sink;
    s->device = config->device;
    s->folder = config->folder;
    message[0] = '\0';
    (void)!outputs_load(&s->outputs, s->folder, message, size);
    player_report(s->player, &r);
    s->rate = r.card_rate;
    use_output(s);
    s->looks = LOOKS_A_TELL; /* the first look is told */
    uv_timer_init(loop, &s->timer);
    s->has_timer = true;
    s->timer.data = s;
    uv_timer_start(&s->timer, on_look, 0, LOOK_MS);
    *sound = s;
    return 0;
}

int sound_set_timeline(struct sound *s, const struct timeline_segment *segments,
                       int count, uint32_t version)
{
    struct audio_plan plan = { .version = version, .count = count };

    if (count < 0 || count > AUDIO_SEGMENTS_MAX)
        return ERR_MALFORMED;
    for (int i = 0; i < count; i++) {
        plan.segments[i].party_ns = segments[i].at.ns;
        plan.segments[i].song = segments[i].song;
        plan.segments[i].frame = segments[i].frame;
        plan.segments[i].is_playing = segments[i].is_playing;
    }
    return player_set_plan(s->player, &plan);
}

void sound_set_clock(struct sound *s, const struct clock_line *line)
{
    player_set_clock(s->player, line);
}

void sound_output(const struct sound *s, struct sound_output *o)
{
    *o = (struct sound_output){
        .device = s->device,
        .rate = s->rate,
        .volume = s->outputs.volume,
        .latency_us = outputs_latency_us(&s->outputs, s->device, s->rate),
    };
}

int sound_set_volume(struct sound *s, int percent)
{
    if (percent < 0 || percent > 100)
        return ERR_LIMIT;
    s->outputs.volume = percent;
    use_output(s);
    return outputs_save(&s->outputs, s->folder);
}

int sound_set_latency(struct sound *s, int64_t latency_us)
{
    int err = outputs_set_latency(&s->outputs, s->device, s->rate, latency_us);

    if (err != 0)
        return err;
    use_output(s);
    return outputs_save(&s->outputs, s->folder);
}

static void on_closed(uv_handle_t *handle)
{
    struct sound *s = handle->data;

    s->has_timer = false;
}

void sound_stop(struct sound *s)
{
    if (s == NULL || s->player == NULL)
        return;
    player_destroy(s->player);
    s->player = NULL;
    uv_close((uv_handle_t *)&s->timer, on_closed);
}

void sound_destroy(struct sound *s)
{
    if (s == NULL)
        return;
    assert(!s->has_timer);
    free(s);
}
