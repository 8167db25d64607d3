/* See the header.  SPDX-License-Identifier: MIT
 *
 * A slot belongs to the decode thread while FREE.  It is filled, then published as READY
 * and from then on shared through its ring.  To get it back the decode thread sets
 * is_unwanted; the audio thread, when it does not use the slot, answers with FREE. */
#include "audio/feeder.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "audio/flac.h"
#include "audio/resample.h"
#include "audio/ring.h"
#include "audio/xalloc.h"
#include "base/time.h"

#define WANTS_MAX 3
#define IDLE_NS   (10 * NS_PER_MS)
#define RETRY_NS  (250 * NS_PER_MS)
#define AHEAD_NS  (20 * NS_PER_S) /* a start that is nearer is prepared */
#define CHUNK     8192 /* frames decoded before the wants are looked at again */

/* Frames that are decoded before the wanted one: the resampler's past, and what a
 * position may be off by. */
#define LEAD_NS (30 * NS_PER_MS)

/* No start waits for more: a slot cannot hold it beside what was played. */
#define READY_MAX (FEEDER_FRAMES / 4 * 3)

/* A segment that goes on where the one before does needs nothing prepared. */
#define SLACK_NS (5 * NS_PER_MS)

enum slot_state { SLOT_FREE, SLOT_READY };

struct slot {
    _Atomic int state;
    _Atomic bool is_unwanted;
    _Atomic int64_t end; /* no frames from here on: the length, or where it broke */
    struct ring ring;
    struct song_id song; /* this and the next two do not change while READY */
    int rate;
    int64_t length;
    struct flac_decoder *decoder; /* decode thread only, as the rest */
    bool is_broken;
    float *memory;
};

/* A place that will be needed. */
struct want {
    struct song_id song;
    const struct audio_segment *segment;
    int64_t party_ns; /* first instant of it that matters */
};

struct feeder {
    struct player_config config;
    const struct seqlock *plan_lock;
    const struct seqlock *clock_lock;
    const struct seqlock *output_lock;
    struct seqlock *error_lock;
    pthread_t thread;
    bool has_thread;
    atomic_bool must_stop;
    _Atomic int slot_in_use; /* by the audio thread, -1 for none */
    struct slot slots[FEEDER_SLOTS];
    struct audio_plan plan; /* decode thread's copies */
    struct clock_line clock;
    struct song_id failed; /* song that could not be opened … */
    int64_t retry_ns;      /* … until then it is not tried again; 0: none failed */
};

static void set_error(struct feeder *f, const struct song_id *song, int err)
{
    char text[AUDIO_MESSAGE_MAX] = "";
    char name[9];

    hex_encode(song->b, 4, name);
    snprintf(text, sizeof(text), "song %s: %s", name, err_text(err));
    seqlock_write(f->error_lock, text);
}

void feeder_error(struct feeder *f, char text[static AUDIO_MESSAGE_MAX])
{
    char copy[AUDIO_MESSAGE_MAX];

    text[0] = '\0';
    if (seqlock_read(f->error_lock, copy)) {
        memcpy(text, copy, AUDIO_MESSAGE_MAX);
    }
}

static int64_t lead_frames(int rate)
{
    return LEAD_NS * rate / NS_PER_S + resample_lead(rate / 8000.0);
}

/* Does the slot hold the frame, its lead included, or will it without anybody's doing? */
static bool covers(const struct slot *s, const struct want *w)
{
    double at = audio_segment_frame(w->segment, w->party_ns, s->rate);
    int64_t first = ring_first(&s->ring);
    int64_t from = (int64_t)at - resample_lead(s->rate / 8000.0);

    return atomic_load(&s->state) == SLOT_READY && song_id_equal(&s->song, &w->song) &&
           first <= (from > 0 ? from : 0) &&
           ((int64_t)at < first + FEEDER_FRAMES - s->rate / 4 || at >= (double)s->length);
}

/* What is needed, most urgent first.  Returns how many. */
static int list_wants(const struct feeder *f, int64_t party_ns, struct want *wants)
{
    const struct audio_plan *plan = &f->plan;
    int now = audio_plan_at(plan, party_ns);
    int count = 0;

    for (int i = now < 0 ? 0 : now; i < plan->count && count < WANTS_MAX; i++) {
        const struct audio_segment *s = &plan->segments[i];
        int64_t from_ns = i == now ? party_ns : s->party_ns;

        if (from_ns - party_ns > AHEAD_NS) {
            break;
        }
        if (!s->is_playing ||
            (i > 0 && i > now && audio_segment_continues(s - 1, s, 48000, SLACK_NS))) {
            continue;
        }
        wants[count++] = (struct want){ s->song, s, from_ns };
    }
    return count;
}

/* The number of a slot that can be filled anew, or -1 for now; one is then asked for. */
static int find_free(struct feeder *f, const struct want *wants, int count)
{
    int victim = -1;

    for (int i = 0; i < FEEDER_SLOTS; i++) {
        const struct slot *s = &f->slots[i];
        bool is_needed = false;

        if (atomic_load(&s->state) == SLOT_FREE) {
            return i;
        }
        for (int k = 0; k < count; k++) {
            is_needed = is_needed || covers(s, &wants[k]);
        }
        if (!is_needed && (victim < 0 || atomic_load(&f->slot_in_use) != i)) {
            victim = i;
        }
    }
    if (victim >= 0) {
        atomic_store(&f->slots[victim].is_unwanted, true);
    }
    return -1;
}

static int open_decoder(struct feeder *f, const struct want *w, struct flac_decoder **d)
{
    struct byte_stream stream = { .ctx = NULL };
    int err = f->config.open_song(f->config.open_ctx, &w->song, &stream);

    return err != ERR_NONE ? err : flac_decoder_create(d, &stream);
}

/* Open the song and go to the place.  On success the slot is READY, with nothing in it.
 */
static int prepare(struct feeder *f, struct slot *s, const struct want *w)
{
    struct flac_decoder *d;
    const struct flac_info *info;
    double at;
    int64_t from;
    int err = open_decoder(f, w, &d);

    if (err != ERR_NONE) {
        return err;
    }
    info = flac_decoder_info(d);
    at = audio_segment_frame(w->segment, w->party_ns, info->rate);
    from = at > (double)info->frames ? info->frames
                                     : (int64_t)at - lead_frames(info->rate);
    from = from > 0 ? from : 0;
    err = from == 0 ? ERR_NONE : flac_decoder_seek(d, from);
    if (err != ERR_NONE) {
        flac_decoder_destroy(d);
        return err;
    }
    flac_decoder_destroy(s->decoder); /* of the song that was here before */
    s->decoder = d;
    s->is_broken = false;
    atomic_store(&s->is_unwanted, false);
    s->song = w->song;
    s->rate = info->rate;
    s->length = info->frames;
    atomic_store(&s->end, info->frames);
    ring_reset(&s->ring, from);
    atomic_store(&s->state, SLOT_READY);
    return ERR_NONE;
}

/* See to it that a place has a slot.  NULL when it has none yet. */
static struct slot *provide(struct feeder *f, const struct want *wants, int count,
                            int which, int64_t now_ns)
{
    const struct want *w = &wants[which];
    int slot;
    int err;

    for (int i = 0; i < FEEDER_SLOTS; i++) {
        if (covers(&f->slots[i], w)) {
            atomic_store(&f->slots[i].is_unwanted, false);
            return &f->slots[i];
        }
    }
    if (f->retry_ns > now_ns && song_id_equal(&f->failed, &w->song)) {
        return NULL;
    }
    slot = find_free(f, wants, count);
    if (slot < 0) {
        return NULL;
    }
    err = prepare(f, &f->slots[slot], w);
    if (err != ERR_NONE) {
        f->failed = w->song;
        f->retry_ns = now_ns + RETRY_NS;
        set_error(f, &w->song, err);
        return NULL;
    }
    return &f->slots[slot];
}

/* Decode a chunk.  True when there is more to do. */
static bool decode(struct feeder *f, struct slot *s)
{
    int64_t room;
    float *to = ring_room(&s->ring, &room);
    int n;

    if (room == 0 || s->is_broken || ring_end(&s->ring) >= s->length) {
        return false;
    }
    n = flac_decoder_read(s->decoder, to, room < CHUNK ? (int)room : CHUNK);
    if (n > 0) {
        ring_commit(&s->ring, n);
        return true;
    }
    if (n != ERR_AGAIN) {
        s->is_broken = true;
        atomic_store(&s->end, ring_end(&s->ring));
        set_error(f, &s->song, n == 0 ? ERR_CORRUPT : n);
    }
    return false;
}

bool feeder_work(struct feeder *f)
{
    struct want wants[WANTS_MAX];
    struct audio_output output = { .delay_ns = 0 };
    int64_t now_ns = f->config.now(f->config.now_ctx);
    int count;

    if (seqlock_version(f->plan_lock) == 0 || seqlock_version(f->clock_lock) == 0 ||
        !seqlock_read(f->plan_lock, &f->plan) ||
        !seqlock_read(f->clock_lock, &f->clock) || !f->clock.is_valid) {
        return false;
    }
    (void)seqlock_read(f->output_lock, &output);
    count = list_wants(f, clock_line_to_remote(&f->clock, now_ns + output.delay_ns),
                       wants);
    for (int i = 0; i < count; i++) {
        struct slot *s = provide(f, wants, count, i, now_ns);

        if (s != NULL && decode(f, s)) {
            return true; /* the most urgent first, until it is full */
        }
    }
    return false;
}

static void *run(void *arg)
{
    struct feeder *f = arg;
    struct timespec pause = { 0, IDLE_NS };

    while (!atomic_load(&f->must_stop)) {
        if (!feeder_work(f)) {
            nanosleep(&pause, NULL);
        }
    }
    return NULL;
}

static void release(struct feeder *f)
{
    for (int i = 0; i < FEEDER_SLOTS; i++) {
        flac_decoder_destroy(f->slots[i].decoder);
        free(f->slots[i].memory);
    }
    seqlock_destroy(f->error_lock);
    free(f);
}

struct feeder *feeder_create(const struct player_config *config,
                             const struct seqlock *plan, const struct seqlock *clock,
                             const struct seqlock *output)
{
    struct feeder *f = xcalloc(1, sizeof(*f));

    f->config = *config;
    f->plan_lock = plan;
    f->clock_lock = clock;
    f->output_lock = output;
    f->error_lock = seqlock_create(AUDIO_MESSAGE_MAX);
    atomic_store(&f->slot_in_use, -1);
    for (int i = 0; i < FEEDER_SLOTS; i++) {
        f->slots[i].memory = xcalloc((size_t)FEEDER_FRAMES, 2 * sizeof(float));
        f->slots[i].rate = 48000;
        ring_init(&f->slots[i].ring, f->slots[i].memory, FEEDER_FRAMES);
    }
    return f;
}

int feeder_start(struct feeder *f)
{
    f->has_thread = pthread_create(&f->thread, NULL, run, f) == 0;
    return f->has_thread ? ERR_NONE : ERR_LIMIT;
}

bool feeder_keep_resident(struct feeder *f)
{
    size_t size = (size_t)FEEDER_FRAMES * 2 * sizeof(float);

    for (int i = 0; i < FEEDER_SLOTS; i++) {
        if (mlock2(f->slots[i].memory, size, MLOCK_ONFAULT) != 0) {
            return false;
        }
    }
    return true;
}

void feeder_destroy(struct feeder *f)
{
    if (f == NULL) {
        return;
    }
    if (f->has_thread) {
        atomic_store(&f->must_stop, true);
        pthread_join(f->thread, NULL);
    }
    release(f);
}

bool feeder_holds(struct feeder *f, int slot, const struct song_id *song, double position)
{
    const struct slot *s = &f->slots[slot];
    int64_t from;

    if (atomic_load(&s->state) != SLOT_READY || !song_id_equal(&s->song, song)) {
        return false;
    }
    from = (int64_t)position - resample_lead(s->rate / 8000.0);
    return ring_first(&s->ring) <= (from > 0 ? from : 0);
}

int feeder_find(struct feeder *f, const struct song_id *song, int64_t party_ns,
                const struct audio_segment *segment, int64_t ahead_ns)
{
    for (int i = 0; i < FEEDER_SLOTS; i++) {
        const struct slot *s = &f->slots[i];
        int64_t ready;
        int64_t ahead;
        double at;

        if (atomic_load(&s->state) != SLOT_READY || !song_id_equal(&s->song, song)) {
            continue;
        }
        ahead = time_min(mul_div(ahead_ns, s->rate, NS_PER_S), READY_MAX);
        at = audio_segment_frame(segment, party_ns, s->rate);
        ready = ring_end(&s->ring);
        if (feeder_holds(f, i, song, at) &&
            (ready >= atomic_load(&s->end) || ready - (int64_t)at > ahead)) {
            return i;
        }
    }
    return -1;
}

int feeder_rate(struct feeder *f, int slot)
{
    return f->slots[slot].rate;
}

int64_t feeder_length(struct feeder *f, int slot)
{
    return f->slots[slot].length;
}

int feeder_fetch(struct feeder *f, int slot, int64_t frame, int count, float *to)
{
    const struct slot *s = &f->slots[slot];
    int64_t end = atomic_load(&s->end);
    int64_t first = ring_first(&s->ring);
    int64_t ready = ring_end(&s->ring);
    int64_t from = frame > first ? frame : first;
    int64_t until = frame + count < ready ? frame + count : ready;

    memset(to, 0, (size_t)count * 2 * sizeof(float));
    if (from < until) {
        ring_copy(&s->ring, from, until - from, to + 2 * (from - frame));
    }
    if (frame + count <= ready || ready >= end) {
        return count;
    }
    return until > frame ? (int)(until - frame) : 0;
}

void feeder_drop_to(struct feeder *f, int slot, int64_t frame)
{
    ring_drop_to(&f->slots[slot].ring, frame);
}

void feeder_yield(struct feeder *f, int slot_in_use)
{
    atomic_store(&f->slot_in_use, slot_in_use);
    for (int i = 0; i < FEEDER_SLOTS; i++) {
        struct slot *s = &f->slots[i];

        if (i != slot_in_use && atomic_load(&s->is_unwanted) &&
            atomic_load(&s->state) == SLOT_READY) {
            atomic_store(&s->state, SLOT_FREE);
        }
    }
}
