/* See the header.  SPDX-License-Identifier: MIT */
#include "audio/voice.h"

#include <math.h>
#include <string.h>

#include "audio/feeder.h"
#include "audio/resample.h"
#include "base/time.h"

#define MARGIN_NS  (40 * NS_PER_MS) /* of what is queued, not taken back */
#define SLACK_NS   (5 * NS_PER_MS)  /* nearer places of a song are reached by the servo */
#define IMPROVE_NS (double)(10 * NS_PER_US)
#define SPARE_NS   (100 * NS_PER_MS) /* decoded, beyond what is written at once */
#define START_NS   (10 * NS_PER_MS)  /* a start that is later may be made less late */

static void remember(struct engine *e, const struct engine_block *b)
{
    e->blocks[e->block_count % ENGINE_BLOCKS] = *b;
    e->block_count++;
}

const struct engine_block *voice_recall(const struct engine *e, int64_t frame)
{
    for (int64_t i = e->block_count - 1; i >= 0 && i >= e->block_count - ENGINE_BLOCKS;
         i--) {
        const struct engine_block *b = &e->blocks[i % ENGINE_BLOCKS];

        if (frame >= b->first) {
            return frame < b->first + b->count ? b : NULL;
        }
    }
    return NULL;
}

/* Forget the blocks from a frame on; the one that holds it is cut. */
static void forget_from(struct engine *e, int64_t frame)
{
    while (e->block_count > 0) {
        struct engine_block *b = &e->blocks[(e->block_count - 1) % ENGINE_BLOCKS];

        if (b->first < frame) {
            int64_t count = frame - b->first;

            b->count = count < b->count ? (int)count : b->count;
            return;
        }
        e->block_count--;
    }
}

static int fetch(void *ctx, int64_t frame, int count, float *to)
{
    struct engine *e = ctx;

    return feeder_fetch(e->feeder, e->voice.slot, frame, count, to);
}

void voice_stop(struct engine *e)
{
    e->voice = (struct engine_voice){ .slot = -1 };
}

int voice_rate(const struct engine *e)
{
    return feeder_rate(e->feeder, e->voice.slot);
}

/* Song frames per card frame that keep the music in step: all three clocks enter. */
static double needed_step(const struct engine *e)
{
    return (double)voice_rate(e) / e->sink->rate * (1 + e->phase.rate_error) *
           (1 + (double)e->clock.rate_ppt * 1e-12);
}

/* Put a slot's song in place at a position, to go on from there. */
static void place_voice(struct engine *e, int slot, const struct audio_segment *segment,
                        double position, bool must_fade_in)
{
    e->voice = (struct engine_voice){
        .is_on = true,
        .slot = slot,
        .segment = *segment,
        .faded_in = must_fade_in ? 0 : e->fade_frames,
        .level = must_fade_in ? 0 : 1,
    };
    resample_start(e->resample, position);
    e->voice.step = needed_step(e);
}

bool voice_is_same(const struct audio_segment *a, const struct audio_segment *b)
{
    return a->party_ns == b->party_ns && a->frame == b->frame &&
           a->is_playing == b->is_playing && song_id_equal(&a->song, &b->song);
}

/* How far the music is ahead of where the plan wants it, at a moment. */
static int64_t error_ns(const struct engine *e, const struct engine_moment *m)
{
    double want = audio_segment_frame(&m->want, m->party_ns, voice_rate(e));
    double ahead = (resample_position(e->resample) - want) / voice_rate(e);

    return (int64_t)(fmax(fmin(ahead, 1e6), -1e6) * (double)NS_PER_S);
}

/* Does the voice play what is wanted, or nearly?  Then it takes the plan's new word for
 * it. */
static bool voice_fits(struct engine *e, const struct engine_moment *m)
{
    int64_t off_ns;

    if (!e->voice.is_on || !m->want.is_playing || e->voice.must_jump ||
        !song_id_equal(&e->voice.segment.song, &m->want.song)) {
        return false;
    }
    if (voice_is_same(&e->voice.segment, &m->want)) {
        return true;
    }
    off_ns = error_ns(e, m);
    if (off_ns > SLACK_NS || off_ns < -SLACK_NS) {
        return false;
    }
    e->voice.segment = m->want;
    return true;
}

static bool is_over(const struct engine *e)
{
    return resample_position(e->resample) >=
           (double)feeder_length(e->feeder, e->voice.slot);
}

/* Begin what is wanted, if it is there. */
static void start_voice(struct engine *e, const struct engine_moment *m, int64_t frame)
{
    int slot = feeder_find(e->feeder, &m->want.song, m->party_ns, &m->want,
                           e->depth.ns + SPARE_NS);
    bool is_jump = e->voice.must_jump;
    double position;

    voice_stop(e);
    e->is_waiting = slot < 0;
    if (slot < 0) {
        return;
    }
    /* It may still be made less late; a jump may not: behind what is taken back the voice
     * that is off would sing on, and jump no sooner than now. */
    e->must_rewind |= !is_jump && m->party_ns - m->want.party_ns > START_NS;
    position = audio_segment_frame(&m->want, m->party_ns, feeder_rate(e->feeder, slot));
    place_voice(e, slot, &m->want, position, position >= 1);
    e->voice.begin = frame;
    e->voice.begin_position = position;
    servo_place(&e->servo, m->instant_ns);
}

static struct engine_moment moment_at(const struct engine *e, int64_t frame)
{
    const struct audio_plan *plan = &e->plan;
    struct engine_moment m = { .left = INT64_MAX };
    int i;

    m.instant_ns = phase_instant(&e->phase, frame);
    m.party_ns = clock_line_to_remote(&e->clock, m.instant_ns + e->output.delay_ns);
    i = audio_plan_at(plan, m.party_ns);
    if (i >= 0) {
        m.want = plan->segments[i];
    }
    if (i + 1 < plan->count) {
        int64_t next_ns = clock_line_to_local(&e->clock, plan->segments[i + 1].party_ns) -
                          e->output.delay_ns;
        double left = ceil(phase_frame(&e->phase, next_ns)) - (double)frame;

        m.next = plan->segments[i + 1];
        /* At least one, or rounding could keep us here for ever. */
        m.left = left < 1 ? 1 : left > 1e15 ? INT64_MAX : (int64_t)left;
    }
    return m;
}

/* Does the voice end when the next segment begins? */
static bool ends_there(const struct engine *e, const struct engine_moment *m)
{
    return m->left < INT64_MAX &&
           !audio_segment_continues(&e->voice.segment, &m->next, voice_rate(e), SLACK_NS);
}

/* … and must it be silent by then?  Not when the song is over there by itself: the next
 * may belong to it. */
static bool fades_there(const struct engine *e, const struct engine_moment *m)
{
    double end = audio_segment_frame(&e->voice.segment, m->next.party_ns, voice_rate(e));

    return ends_there(e, m) &&
           (int64_t)end < feeder_length(e->feeder, e->voice.slot) - voice_rate(e) / 100;
}

/* Apply the envelope to count frames of which the first is left frames before a silence.
 */
static void shape(struct engine *e, float *out, int count, int64_t left, bool fades)
{
    struct engine_voice *v = &e->voice;

    for (int i = 0; i < count; i++) {
        int64_t to_go = left - i - 1;
        float g = 1;

        if (v->faded_in < e->fade_frames) {
            g *= e->ramp[v->faded_in++];
        }
        if (fades && to_go < e->fade_frames) {
            g *= e->ramp[to_go];
        }
        if (v->dying > 0) {
            g *= e->ramp[--v->dying];
        }
        v->level = g;
        out[2 * i] *= g;
        out[2 * i + 1] *= g;
    }
}

void voice_be_silent(struct engine *e, int64_t frame, int count, float *out)
{
    remember(e, &(struct engine_block){ .first = frame, .count = count });
    memset(out, 0, (size_t)count * 2 * sizeof(float));
}

/* Make count frames from the voice. */
static void sing(struct engine *e, const struct engine_moment *m, int64_t frame,
                 int count, float *out)
{
    struct resample_source source = { fetch, e };
    double position = resample_position(e->resample);
    bool fades = fades_there(e, m);
    bool ends = ends_there(e, m) && m->left <= count;
    int n = resample_run(e->resample, &source, e->voice.step, out, count);

    remember(e, &(struct engine_block){ frame, count, true, e->voice.slot, position,
                                        e->voice.step, e->voice.begin_position,
                                        e->voice.segment });
    memset(out + 2 * n, 0, (size_t)(count - n) * 2 * sizeof(float));
    shape(e, out, n, m->left, fades);
    if (ends) {
        e->voice.level = 0; /* as planned: nothing to fade */
    }
    if (n < count) {
        e->report.starved++;
        voice_stop(e);
    }
}

/* The voice does not fit.  True when it can still be heard: it then dies first. */
static bool is_dying(struct engine *e)
{
    if (!e->voice.is_on || e->voice.level < 0.01f || is_over(e)) {
        return false;
    }
    if (e->voice.dying == 0) {
        e->voice.dying = e->fade_frames;
    }
    return true;
}

int voice_render(struct engine *e, int64_t frame, int most, float *out)
{
    struct engine_moment m = moment_at(e, frame);
    int count = m.left < most ? (int)m.left : most;

    if (e->voice.dying == 0 && voice_fits(e, &m)) {
        int64_t off_ns = error_ns(e, &m);

        e->report.phase_error_ns = off_ns;
        if (servo_step(&e->servo, off_ns, needed_step(e), m.instant_ns, &e->voice.step) ==
            SERVO_ANCHOR) {
            e->report.resyncs++;
            servo_acquire(&e->servo, m.instant_ns);
            e->voice.must_jump = true;
        }
    }
    if (e->voice.dying > 0 || !voice_fits(e, &m)) {
        if (is_dying(e)) {
            count = count < e->voice.dying ? count : e->voice.dying;
            m.left = INT64_MAX;
        } else if (m.want.is_playing) {
            start_voice(e, &m, frame);
        } else {
            voice_stop(e);
            e->is_waiting = false;
        }
    }
    if (e->voice.is_on) {
        sing(e, &m, frame, count, out);
    } else {
        voice_be_silent(e, frame, count, out);
    }
    return count;
}

void voice_restore(struct engine *e, int64_t frame)
{
    const struct engine_block *found = voice_recall(e, frame);
    struct engine_block b;
    double position;

    b = found != NULL ? *found : (struct engine_block){ .is_playing = false };
    forget_from(e, frame);
    if (!b.is_playing) {
        voice_stop(e);
        return;
    }
    position = b.position + (double)(frame - b.first) * b.step;
    if (!feeder_holds(e->feeder, b.slot, &b.segment.song, position)) {
        voice_stop(e);
        return;
    }
    place_voice(e, b.slot, &b.segment, position, false);
    e->voice.step = b.step;
    servo_resume(&e->servo, b.step, phase_instant(&e->phase, frame));
    e->voice.begin = INT64_MIN; /* long ago: never to be put right */
    e->voice.begin_position = b.begin_position;
}

static int64_t first_that_can_change(const struct engine *e, int64_t now_ns)
{
    return (int64_t)ceil(phase_frame(&e->phase, now_ns + MARGIN_NS));
}

void voice_rewind(struct engine *e, int64_t now_ns)
{
    int64_t count = e->written - first_that_can_change(e, now_ns);
    int taken = count < e->fade_frames ? 0 : sink_rewind(e->sink, (int)count);

    if (taken > 0) {
        e->written -= taken;
        voice_restore(e, e->written);
    }
    if (e->must_jump && e->voice.is_on) {
        e->report.resyncs++;
        e->voice.must_jump = true;
    }
    e->must_rewind = false;
    e->must_jump = false;
}

void voice_look_for_song(struct engine *e, int64_t now_ns)
{
    struct engine_moment m;

    if (!e->is_waiting) {
        return;
    }
    m = moment_at(e, first_that_can_change(e, now_ns));
    if (m.want.is_playing && feeder_find(e->feeder, &m.want.song, m.party_ns, &m.want,
                                         e->depth.ns + SPARE_NS) >= 0) {
        e->must_rewind = true;
    }
}

void voice_improve_start(struct engine *e, int64_t now_ns)
{
    struct engine_moment m;
    double off_s;

    if (!e->voice.is_on || e->voice.begin < first_that_can_change(e, now_ns)) {
        return;
    }
    m = moment_at(e, e->voice.begin);
    off_s = (e->voice.begin_position -
             audio_segment_frame(&e->voice.segment, m.party_ns, voice_rate(e))) /
            voice_rate(e);
    e->must_rewind |= fabs(off_s) * (double)NS_PER_S > IMPROVE_NS;
}
