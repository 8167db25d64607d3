/* See the header.  SPDX-License-Identifier: MIT */
#include "sim/sound.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/time.h"
#include "sim/random.h"
#include "sim/world.h"

/* As in audio/engine.c and audio/voice.c. */
#define SLACK_NS  (5 * NS_PER_MS)
#define MARGIN_NS (40 * NS_PER_MS)
#define FADE      (SOUND_RATE / 200)
#define DITHER    3 /* tenths of a wake, to either side */

#define STALE_PPM 1000 /* stamps that come late … */
#define STALE_NS  (2 * NS_PER_MS)

struct sound_params sound_params_default(void)
{
    return (struct sound_params){
        .wake_ns = 10 * NS_PER_MS,
        .depth = depth_params_default(),
        .late_ns = 100 * NS_PER_US,
        .stall_ppm = 10,
        .stall_ns = 5 * NS_PER_MS,
        .phase = phase_params_default(),
    };
}

void sound_init(struct sound *s, const struct sound_params *p, uint64_t seed,
                uint64_t node)
{
    static const struct {
        int64_t period;
        int64_t jitter_ns;
    } cards[] = {
        [SOUND_I2S] = { 1, 5 * NS_PER_US },
        [SOUND_HDA] = { 16, 20 * NS_PER_US },
        [SOUND_USB] = { SOUND_RATE / 1000, 100 * NS_PER_US },
        [SOUND_IDEAL] = { 1, 0 },
    };
    int card = p->card == SOUND_MIXED ? SOUND_I2S + (int)(node % 3) : (int)p->card;

    memset(s, 0, sizeof(*s));
    s->p = *p;
    s->seed = seed;
    s->node = node;
    clock_model_init(&s->card, seed ^ UINT64_C(0x5bd1e995), node, &p->crystal);
    s->period = cards[card].period;
    s->jitter_ns = cards[card].jitter_ns;
    depth_init(&s->depth, &p->depth);
    depth_set_card(&s->depth, SOUND_RATE,
                   (int)mul_div(p->depth.most_ns, SOUND_RATE, NS_PER_S), 0);
    phase_init(&s->phase, &p->phase, SOUND_RATE);
    servo_init(&s->servo, &p->phase);
}

static uint64_t word(const struct sound *s, uint64_t what)
{
    return random_word(s->seed, RANDOM_SOUND, s->node << 8 | what, s->wakes);
}

/* Frames of this run that have left, with the fraction. */
static double played(struct sound *s, int64_t true_ns)
{
    int64_t d = clock_model_raw(&s->card, true_ns) - s->start_raw_ns;

    return (double)d * SOUND_RATE / (double)NS_PER_S;
}

/* ---- what has been written ---- */

static const struct sound_block *recall(const struct sound *s, int64_t frame)
{
    for (int64_t i = s->block_count - 1; i >= 0 && i >= s->block_count - SOUND_BLOCKS;
         i--) {
        const struct sound_block *b = &s->blocks[i % SOUND_BLOCKS];

        if (frame >= b->first)
            return frame < b->first + b->count ? b : NULL;
    }
    return NULL;
}

static void forget_from(struct sound *s, int64_t frame)
{
    while (s->block_count > 0) {
        struct sound_block *b = &s->blocks[(s->block_count - 1) % SOUND_BLOCKS];

        if (b->first < frame) {
            b->count = time_min(b->count, frame - b->first);
            return;
        }
        s->block_count--;
    }
}

/* ---- the player ---- */

static double needed_step(const struct sound *s)
{
    return (double)s->rate / SOUND_RATE * (1 + s->phase.rate_error) *
           (1 + (double)s->line.rate_ppt * 1e-12);
}

/* What belongs to a frame. */
struct moment {
    int64_t instant_ns;
    int64_t party_ns;
    int64_t left; /* frames until another segment begins */
    int segment;  /* -1: before the first */
};

static struct moment moment_at(const struct sound *s, int64_t frame)
{
    struct moment m = { .instant_ns = phase_instant(&s->phase, frame),
                        .left = INT64_MAX };

    m.party_ns = clock_line_to_remote(&s->line, m.instant_ns);
    m.segment = audio_plan_at(&s->plan, m.party_ns);
    if (m.segment + 1 < s->plan.count) {
        int64_t next_ns = clock_line_to_local(&s->line,
                                              s->plan.segments[m.segment + 1].party_ns);
        double left = ceil(phase_frame(&s->phase, next_ns)) - (double)frame;

        m.left = left < 1 ? 1 : left > 1e15 ? INT64_MAX : (int64_t)left;
    }
    return m;
}

static bool is_same(const struct audio_segment *a, const struct audio_segment *b)
{
    return a->party_ns == b->party_ns && a->frame == b->frame &&
           a->is_playing == b->is_playing && song_id_equal(&a->song, &b->song);
}

static int64_t error_ns(const struct sound *s, const struct audio_segment *want,
                        int64_t party_ns)
{
    double ahead = (s->position - audio_segment_frame(want, party_ns, s->rate)) / s->rate;

    return (int64_t)(fmax(fmin(ahead, 1e6), -1e6) * (double)NS_PER_S);
}

static bool fits(struct sound *s, const struct moment *m,
                 const struct audio_segment *want)
{
    int64_t off_ns;

    if (!s->is_on || s->must_jump || !want->is_playing ||
        !song_id_equal(&s->segment.song, &want->song))
        return false;
    if (is_same(&s->segment, want))
        return true;
    off_ns = error_ns(s, want, m->party_ns);
    if (off_ns > SLACK_NS || off_ns < -SLACK_NS)
        return false;
    s->segment = *want;
    return true;
}

static void start_voice(struct sound *s, const struct moment *m)
{
    s->is_on = true;
    s->must_jump = false;
    s->segment = s->plan.segments[m->segment];
    s->rate = s->rates[m->segment];
    s->position = audio_segment_frame(&s->segment, m->party_ns, s->rate);
    s->step = needed_step(s);
    s->starts++;
    servo_place(&s->servo, m->instant_ns);
}

/* Write up to so many frames; how many it were. */
static int64_t render(struct sound *s, int64_t most)
{
    static const struct audio_segment nothing;
    struct moment m = moment_at(s, s->written);
    const struct audio_segment *want = m.segment < 0 ? &nothing
                                                     : &s->plan.segments[m.segment];
    int64_t count = time_min(m.left, most);
    struct sound_block *b;

    if (fits(s, &m, want) &&
        servo_step(&s->servo, error_ns(s, want, m.party_ns), needed_step(s), m.instant_ns,
                   &s->step) == SERVO_ANCHOR) {
        s->resyncs++;
        servo_acquire(&s->servo, m.instant_ns);
        s->must_jump = true;
    }
    if (!fits(s, &m, want)) {
        s->is_on = false;
        if (want->is_playing)
            start_voice(s, &m);
    }
    b = &s->blocks[s->block_count++ % SOUND_BLOCKS];
    *b = (struct sound_block){ .first = s->written, .count = count };
    if (s->is_on) {
        b->is_playing = true;
        b->segment = s->segment;
        b->position = s->position;
        b->step = s->step;
        b->rate = s->rate;
        s->most_ratio = fmax(s->most_ratio, fabs(s->step * SOUND_RATE / s->rate - 1));
        s->position += (double)count * s->step;
    }
    return count;
}

static void fill(struct sound *s, int64_t now, int64_t local_ns)
{
    int64_t end = now + depth_frames(&s->depth, local_ns);
    int64_t most = mul_div(s->p.wake_ns * 2, SOUND_RATE, NS_PER_S);

    while (s->written < end) {
        int64_t room = time_min(end - s->written, most);

        if (s->is_locked && s->line.is_valid) {
            s->written += render(s, room);
        } else {
            s->blocks[s->block_count++ % SOUND_BLOCKS] = (struct sound_block){
                .first = s->written, .count = room
            };
            s->written += room;
        }
    }
}

/* Take back what is queued, as something else should sound. */
static void rewind_queue(struct sound *s, int64_t local_ns)
{
    int64_t from = (int64_t)ceil(phase_frame(&s->phase, local_ns + MARGIN_NS));
    const struct sound_block *found = recall(s, from);
    struct sound_block b = found == NULL ? (struct sound_block){ .is_playing = false }
                                         : *found;

    if (s->written - from >= FADE) {
        s->written = from;
        forget_from(s, from);
        s->is_on = b.is_playing;
        s->must_jump = false;
    }
    if (s->written == from && b.is_playing) {
        s->segment = b.segment;
        s->position = b.position + (double)(from - b.first) * b.step;
        s->step = b.step;
        s->rate = b.rate;
        servo_resume(&s->servo, b.step, phase_instant(&s->phase, from));
    }
    if (s->has_clock_moved && s->is_on) {
        s->resyncs++;
        s->must_jump = true;
    }
    s->must_rewind = false;
    s->has_clock_moved = false;
}

/* ---- news ---- */

static void take_clock(struct sound *s, const struct clock_line *line, int64_t local_ns)
{
    if (s->line.is_valid) {
        int64_t moved_ns = clock_line_to_remote(line, local_ns) -
                           clock_line_to_remote(&s->line, local_ns);

        if (moved_ns > SLACK_NS || moved_ns < -SLACK_NS) {
            s->must_rewind = true;
            s->has_clock_moved = true;
            servo_acquire(&s->servo, local_ns);
        }
    } else {
        servo_acquire(&s->servo, local_ns);
    }
    s->line = *line;
}

static void take_plan(struct sound *s, const struct world_player *player,
                      int64_t local_ns)
{
    struct audio_plan plan = { .version = player->version, .count = player->count };

    static_assert(TIMELINE_SEGMENTS_MAX <= AUDIO_SEGMENTS_MAX, "a plan has room");
    for (int i = 0; i < player->count; i++) {
        const struct timeline_segment *t = &player->segments[i];

        plan.segments[i] = (struct audio_segment){ t->at.ns, t->song, t->frame,
                                                   t->is_playing };
        s->rates[i] = (int)t->rate;
    }
    if (s->is_locked && s->line.is_valid)
        s->must_rewind |= audio_plan_differs(
            &s->plan, &plan, clock_line_to_remote(&s->line, local_ns),
            clock_line_to_remote(&s->line, phase_instant(&s->phase, s->written)),
            SOUND_RATE);
    s->plan = plan;
    s->plan_seen = player->version;
}

/* ---- the card ---- */

static void begin_card(struct sound *s, int64_t true_ns, int64_t local_ns)
{
    s->start_raw_ns = clock_model_raw(&s->card, true_ns);
    s->written = 0;
    s->block_count = 0;
    s->is_locked = false;
    s->must_rewind = false;
    s->has_clock_moved = false;
    s->is_on = false;
    s->must_jump = false;
    s->is_asleep = false;
    phase_restart(&s->phase);
    fill(s, 0, local_ns);
}

static void read_position(struct sound *s, int64_t frame, int64_t local_ns)
{
    int64_t stamp_ns = local_ns;

    if (s->jitter_ns > 0)
        stamp_ns += random_between(word(s, 1), -s->jitter_ns, s->jitter_ns);
    if (s->jitter_ns > 0 && random_chance(word(s, 2), STALE_PPM))
        stamp_ns += random_exponential(word(s, 3), STALE_NS);
    (void)phase_add(&s->phase, frame - frame % s->period, stamp_ns);
    if (!s->is_locked && phase_is_locked(&s->phase)) {
        s->is_locked = true;
        s->must_rewind = true;
        servo_acquire(&s->servo, local_ns);
    }
}

static void wake(struct sound *s, struct clock_model *clock,
                 const struct world_player *player, int64_t true_ns)
{
    int64_t local_ns = clock_model_raw(clock, true_ns);
    int64_t now;

    if (player->has_line)
        take_clock(s, &player->line, local_ns);
    else
        s->line.is_valid = s->is_on = false;
    if (player->version != s->plan_seen)
        take_plan(s, player, local_ns);
    if (s->wakes == 0 || s->is_asleep) {
        begin_card(s, true_ns, local_ns);
        return;
    }
    now = (int64_t)floor(played(s, true_ns));
    if (now >= s->written) {
        s->xruns++;
        depth_add_dropout(&s->depth, local_ns);
        begin_card(s, true_ns, local_ns);
        return;
    }
    read_position(s, now, local_ns);
    if (s->must_rewind && s->is_locked && s->line.is_valid)
        rewind_queue(s, local_ns);
    fill(s, now, local_ns);
}

void sound_run(struct sound *s, struct clock_model *clock,
               const struct world_player *player, int64_t true_ns)
{
    int64_t dither_ns = s->p.wake_ns * DITHER / 10;

    if (s->wakes == 0 || s->is_asleep)
        s->wake_ns = true_ns;
    while (s->wake_ns <= true_ns) {
        wake(s, clock, player, s->wake_ns);
        s->wakes++;
        s->wake_ns += s->p.wake_ns + random_between(word(s, 4), -dither_ns, dither_ns) +
                      random_exponential(word(s, 5), s->p.late_ns);
        if (random_chance(word(s, 6), s->p.stall_ppm))
            s->wake_ns += random_exponential(word(s, 7), s->p.stall_ns);
    }
}

void sound_sleep(struct sound *s)
{
    s->is_asleep = true;
}

struct sound_heard sound_at(struct sound *s, int64_t true_ns)
{
    struct sound_heard h = { .is_playing = false };
    const struct sound_block *b;
    double frame;

    if (s->wakes == 0 || s->is_asleep)
        return h;
    frame = played(s, true_ns);
    b = recall(s, (int64_t)floor(frame));
    if (b == NULL || !b->is_playing)
        return h;
    h.is_playing = true;
    h.segment = b->segment;
    h.position = b->position + (frame - (double)b->first) * b->step;
    h.rate = b->rate;
    return h;
}
