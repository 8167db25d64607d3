/* See the header.  SPDX-License-Identifier: MIT */
#include "audio/engine.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "audio/voice.h"
#include "base/time.h"

#define CARD_RATE   48000 /* wished of the card */
#define FADE_NS     (5 * NS_PER_MS)
#define WAKE_NS     (10 * NS_PER_MS)
#define DITHER_NS   (3 * NS_PER_MS)  /* so that readings are not in step with the card */
#define SLACK_NS    (5 * NS_PER_MS)  /* steps of the clock that the servo can follow */
#define START_NS    (10 * NS_PER_MS) /* a segment that begins later than that is late */
#define BACKOFF_MIN (200 * NS_PER_MS)
#define BACKOFF_MAX (2 * NS_PER_S)
#define GAIN_S      0.02f /* from silence to full */
#define SPARE       4096  /* song frames kept behind what could be taken back */

static int64_t local_now(const struct engine *e)
{
    return e->config.now(e->config.now_ctx);
}

static void apply_gain(struct engine *e, float *out, int count)
{
    float wanted = (float)e->output.gain;
    float most = 1.0f / (GAIN_S * (float)e->sink->rate);

    for (int i = 0; i < count; i++) {
        float d = wanted - e->gain;

        e->gain += d > most ? most : d < -most ? -most : d;
        out[2 * i] *= e->gain;
        out[2 * i + 1] *= e->gain;
    }
}

/* May the plan be played, or is silence all that can be written? */
static bool is_ready(const struct engine *e)
{
    return e->is_locked && e->clock.is_valid;
}

/* ---- news ---- */

static void take_plan(struct engine *e, int64_t now_ns)
{
    uint32_t version = seqlock_version(e->plan_lock);
    struct audio_plan plan;

    if (version == e->plan_seen || !seqlock_read(e->plan_lock, &plan)) {
        return;
    }
    if (is_ready(e)) {
        int64_t from_ns = clock_line_to_remote(&e->clock, now_ns);
        int64_t until_ns = clock_line_to_remote(&e->clock,
                                                phase_instant(&e->phase, e->written));

        e->must_rewind |= audio_plan_differs(&e->plan, &plan,
                                             from_ns + e->output.delay_ns,
                                             until_ns + e->output.delay_ns, 48000);
    }
    e->plan = plan;
    e->plan_seen = version;
    e->report.plan_version = plan.version;
}

static void take_clock(struct engine *e, int64_t now_ns)
{
    uint32_t version = seqlock_version(e->clock_lock);
    struct clock_line line;
    int64_t moved_ns;
    bool goes_on;

    if (version == e->clock_seen || !seqlock_read(e->clock_lock, &line)) {
        return;
    }
    goes_on = e->clock.is_valid && line.is_valid;
    moved_ns = goes_on ? clock_line_to_remote(&line, now_ns) -
                             clock_line_to_remote(&e->clock, now_ns)
                       : TIME_NEVER;
    if (moved_ns > SLACK_NS || moved_ns < -SLACK_NS) {
        e->must_rewind = true;
        e->must_jump = goes_on;
        servo_acquire(&e->servo, now_ns);
    }
    e->clock = line;
    e->clock_seen = version;
    if (!line.is_valid) {
        voice_stop(e);
    }
}

static void take_output(struct engine *e)
{
    uint32_t version = seqlock_version(e->output_lock);
    struct audio_output output;
    int64_t moved_ns;
    bool is_far;

    if (version == e->output_seen || !seqlock_read(e->output_lock, &output)) {
        return;
    }
    moved_ns = output.delay_ns - e->output.delay_ns;
    is_far = moved_ns > SLACK_NS || moved_ns < -SLACK_NS;
    e->must_rewind |= is_far;
    e->must_jump |= is_far;
    e->output = output;
    e->output_seen = version;
    e->report.delay_ns = output.delay_ns;
}

/* ---- the card ---- */

static void note_error(struct engine *e, const char *text)
{
    snprintf(e->report.error, sizeof(e->report.error), "%s", text);
}

/* The card is about to start, or starts again: frames count from 0. */
static void begin_card(struct engine *e)
{
    e->written = 0;
    e->block_count = 0;
    e->is_locked = false;
    e->must_rewind = false;
    e->must_jump = false;
    phase_restart(&e->phase);
    voice_stop(e);
}

static void set_up_card(struct engine *e, int64_t now_ns)
{
    e->fade_frames = (int)(FADE_NS * e->sink->rate / NS_PER_S);
    assert(e->fade_frames > 0 && e->fade_frames <= 1024);
    for (int i = 0; i < e->fade_frames; i++) {
        double x = (i + 0.5) / e->fade_frames;

        e->ramp[i] = (float)(0.5 - 0.5 * cos(x * 3.14159265358979323846));
    }
    phase_init(&e->phase, &e->params, e->sink->rate);
    servo_init(&e->servo, &e->params);
    depth_set_card(&e->depth, e->sink->rate, e->sink->buffer_frames, now_ns);
    e->report.card_rate = e->sink->rate;
    begin_card(e);
}

static void lose_card(struct engine *e, int64_t now_ns)
{
    sink_close(e->sink);
    e->sink = NULL;
    e->is_locked = false;
    voice_stop(e);
    e->report.device_losses++;
    e->backoff_ns = BACKOFF_MIN;
    e->retry_ns = now_ns + e->backoff_ns;
    note_error(e, "the sound card is gone; it is tried again until it is back");
}

static int open_card(struct engine *e, char *message, size_t size)
{
    const struct player_config *c = &e->config;
    struct sink_config config = { c->now, c->now_ctx, CARD_RATE, c->true_now,
                                  c->true_ctx };

    return sink_open(&e->sink, e->spec, &config, message, size);
}

static void reopen_card(struct engine *e, int64_t now_ns)
{
    char message[AUDIO_MESSAGE_MAX] = "";

    if (now_ns < e->retry_ns) {
        return;
    }
    if (open_card(e, message, sizeof(message)) != ERR_NONE) {
        e->sink = NULL;
        e->backoff_ns = time_min(2 * e->backoff_ns, BACKOFF_MAX);
        e->retry_ns = now_ns + e->backoff_ns;
        note_error(e, message);
        return;
    }
    e->report.error[0] = '\0';
    set_up_card(e, now_ns);
}

/* How much is to be written.  Until the card's line is known it is silence, of which
 * there need not be more than the least. */
static int missing_frames(struct engine *e, int64_t now_ns)
{
    int wanted = depth_frames(&e->depth, now_ns);
    int64_t least = mul_div(e->depth.params.least_ns, e->sink->rate, NS_PER_S);
    int writable = sink_writable(e->sink);

    if (!e->is_locked && wanted > least) {
        wanted = (int)least;
    }
    return writable - (e->sink->buffer_frames - wanted);
}

/* Write until enough is written.  False: the card does not take it. */
static bool fill_card(struct engine *e, int64_t now_ns)
{
    int room = missing_frames(e, now_ns);

    while (room > 0) {
        int count = room < ENGINE_CHUNK ? room : ENGINE_CHUNK;
        int taken;

        if (is_ready(e)) {
            for (int done = 0; done < count;) {
                done += voice_render(e, e->written + done, count - done,
                                     e->out + 2 * done);
            }
            apply_gain(e, e->out, count);
        } else {
            voice_be_silent(e, e->written, count, e->out);
        }
        taken = sink_write(e->sink, e->out, count);
        if (taken < 0) {
            return false;
        }
        e->written += taken;
        if (taken < count) {
            /* Not what it had promised: make the rest anew next time. */
            voice_restore(e, e->written);
            break;
        }
        room -= count;
    }
    return true;
}

static void start_card(struct engine *e, int64_t now_ns)
{
    begin_card(e);
    if (!fill_card(e, now_ns) || sink_start(e->sink) != ERR_NONE) {
        lose_card(e, now_ns);
    }
}

static void recover_card(struct engine *e, int64_t now_ns)
{
    e->report.underruns++;
    depth_add_dropout(&e->depth, now_ns);
    if (sink_recover(e->sink) != ERR_NONE) {
        lose_card(e, now_ns);
        return;
    }
    start_card(e, now_ns);
}

static void serve_running_card(struct engine *e, const struct sink_status *status,
                               int64_t now_ns)
{
    if (status->has_position) {
        (void)phase_add(&e->phase, e->written - status->delay_frames, status->instant_ns);
    }
    if (!e->is_locked && phase_is_locked(&e->phase)) {
        e->is_locked = true;
        e->must_rewind = true;
        servo_acquire(&e->servo, now_ns);
    }
    if (is_ready(e)) {
        voice_look_for_song(e, now_ns);
        voice_improve_start(e, now_ns);
        if (e->must_rewind) {
            voice_rewind(e, now_ns);
        }
    }
    if (!fill_card(e, now_ns)) {
        return; /* the next status says why */
    }
    if (e->voice.is_on) {
        int64_t back = (int64_t)(depth_frames(&e->depth, now_ns) * e->voice.step) +
                       SPARE + resample_lead(e->voice.step);

        /* A song of a high rate may not have room for all of it: then less can be taken
         * back. */
        back = back < FEEDER_FRAMES / 4 ? back : FEEDER_FRAMES / 4;
        feeder_drop_to(e->feeder, e->voice.slot,
                       (int64_t)resample_position(e->resample) - back);
    }
}

static void serve_card(struct engine *e, int64_t now_ns)
{
    struct sink_status status;

    sink_status(e->sink, &status);
    switch (status.state) {
    case SINK_PREPARED:
        start_card(e, now_ns);
        break;
    case SINK_RUNNING:
        serve_running_card(e, &status, now_ns);
        break;
    case SINK_UNDERRUN:
        recover_card(e, now_ns);
        break;
    case SINK_GONE:
        lose_card(e, now_ns);
        break;
    }
}

/* ---- report ---- */

static enum player_state state_of(const struct engine *e)
{
    if (e->sink == NULL) {
        return PLAYER_NO_DEVICE;
    }
    if (!e->is_locked) {
        return PLAYER_LOCKING;
    }
    if (!e->clock.is_valid) {
        return PLAYER_NO_CLOCK;
    }
    return e->voice.is_on  ? PLAYER_PLAYING
           : e->is_waiting ? PLAYER_WAITING
                           : PLAYER_SILENT;
}

/* A segment is heard for the first time: did it begin as late as that?  What begins anew
 * within a segment (the card ran dry, the servo jumped) does not count. */
static void count_late(struct engine *e, const struct engine_block *b)
{
    double late_s = (b->begin_position - (double)b->segment.frame) /
                    feeder_rate(e->feeder, b->slot);

    if (!voice_is_same(&e->heard, &b->segment)) {
        e->report.late_starts += late_s * (double)NS_PER_S > (double)START_NS;
        e->heard = b->segment;
    }
}

static void publish(struct engine *e, int64_t now_ns)
{
    struct audio_report *r = &e->report;
    const struct engine_block *b = NULL;

    r->state = state_of(e);
    r->instant_ns = now_ns;
    r->card_sigma_ns = -1;
    r->depth_ns = e->depth.ns;
    if (e->sink != NULL && e->is_locked) {
        int64_t frame = (int64_t)floor(phase_frame(&e->phase, now_ns));

        b = voice_recall(e, frame);
        r->card_ppb = (int64_t)(-e->phase.rate_error * 1e9);
        r->card_sigma_ns = (int64_t)(sqrt(e->phase.p_offset) * 1e9);
        if (b != NULL && b->is_playing) {
            int64_t at_ns = phase_instant(&e->phase, frame);

            r->instant_ns = at_ns;
            r->frame = (int64_t)floor(b->position + (double)(frame - b->first) * b->step);
            r->song = b->segment.song;
            count_late(e, b);
        }
    }
    r->is_playing = b != NULL && b->is_playing;
    if (!r->is_playing) {
        memset(&r->song, 0, sizeof(r->song));
        r->frame = 0;
    }
    if (e->sink != NULL && e->voice.is_on) {
        r->song_rate = voice_rate(e);
        r->ratio_ppb = (int64_t)((e->voice.step * e->sink->rate / r->song_rate - 1) *
                                 1e9);
    }
    seqlock_write(e->report_lock, r);
}

/* ---- the whole ---- */

int engine_init(struct engine *e, const struct player_config *config,
                struct feeder *feeder, char *message, size_t size)
{
    struct depth_params depth = depth_params_default();
    int64_t now_ns;
    int err;

    e->config = *config;
    e->feeder = feeder;
    e->params = phase_params_default();
    e->gain = 1;
    e->output.gain = 1;
    now_ns = local_now(e);
    rng_seed(&e->rng, (uint64_t)now_ns);
    depth_init(&e->depth, &depth);
    if (snprintf(e->spec, sizeof(e->spec), "%s", config->sink) >= (int)sizeof(e->spec)) {
        snprintf(message, size, "the name of the sound output is too long");
        return ERR_USAGE;
    }
    err = resample_create(&e->resample, config->quality == PLAYER_QUALITY_FAST
                                            ? RESAMPLE_FAST
                                            : RESAMPLE_MEDIUM);
    if (err == ERR_NONE) {
        err = open_card(e, message, size);
    }
    if (err != ERR_NONE) {
        e->sink = NULL;
        return err;
    }
    set_up_card(e, now_ns);
    publish(e, now_ns);
    return ERR_NONE;
}

int64_t engine_wake(struct engine *e)
{
    int64_t now_ns = local_now(e);

    take_clock(e, now_ns);
    take_plan(e, now_ns);
    take_output(e);
    if (e->sink == NULL) {
        reopen_card(e, now_ns);
    } else {
        serve_card(e, now_ns);
    }
    feeder_yield(e->feeder, e->voice.is_on ? e->voice.slot : -1);
    publish(e, now_ns);
    return WAKE_NS - DITHER_NS + rng_below(&e->rng, 2 * DITHER_NS);
}

void engine_finish(struct engine *e)
{
    sink_close(e->sink);
    resample_destroy(e->resample);
    e->sink = NULL;
    e->resample = NULL;
}
