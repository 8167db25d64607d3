/* A simulated card: for tests, and (without any error) the sink "none".
 * SPDX-License-Identifier: MIT
 *
 * Keys, separated by commas:
 *   ppm=40         its crystal runs fast by that; -1000 to 1000, decimals allowed
 *   rate=48000     nominal frames per second
 *   capture=FILE   what it plays, with true instants (audio/capture.h); gone on with if
 * it is there.  FILE cannot contain a comma period=48      its position is known in steps
 * of so many frames jitter_us=20   instants of readings are wrong by up to that
 *   buffer_ms=200  how much it takes
 *   xrun_at=5      it runs dry once, that many seconds after its first start
 *   plug=FILE      it is plugged in while FILE exists
 *   seed=1         of the jitter
 *
 * It has no thread: what has been played since the last call is worked out at each call,
 * by true time, and not by the clock that the node was given. */
#include <errno.h>
#include <stdio.h>

#include "audio/card.h"
#include "audio/sink_kinds.h"
#include "audio/xalloc.h"
#include "base/rng.h"

#define PATH_LEN 512
#define KEY_MAX  16
#define TRIES    5

struct virtual_card {
    struct sink sink;
    struct card card;
    struct rng rng;
    enum sink_state state;
    int64_t period;
    int64_t jitter_ns;
    int64_t xrun_at_ns; /* true time, once started; TIME_NEVER */
    int64_t xrun_after_ns;
    int64_t written; /* in this run */
    int64_t played;  /* in this run */
    char plug[PATH_LEN];
    float *ring;
};

struct options {
    double ppm;
    double rate;
    double period;
    double jitter_us;
    double buffer_ms;
    double xrun_at;
    double seed;
    char capture[PATH_LEN];
    char plug[PATH_LEN];
};

static struct virtual_card *of(struct sink *s)
{
    return (struct virtual_card *)s;
}

static int16_t to_s16(float x)
{
    float scaled = x * 32768.0f;

    return (int16_t)(scaled > 32767.0f    ? 32767
                     : scaled < -32768.0f ? -32768
                                          : lrintf(scaled));
}

static int64_t true_now(const struct virtual_card *v)
{
    const struct sink_config *c = &v->sink.config;

    return c->true_now != NULL ? c->true_now(c->true_ctx) : card_true_ns();
}

static void play_to(struct virtual_card *v, int64_t frame)
{
    while (v->played < frame) {
        const float *f = v->ring + 2 * (v->played % v->sink.buffer_frames);

        card_play(&v->card, to_s16(f[0]), to_s16(f[1]));
        v->played++;
    }
}

/* Work out what has happened up to an instant. */
static void advance(struct virtual_card *v, int64_t true_ns)
{
    int64_t frame;

    if (v->plug[0] != '\0' && access(v->plug, F_OK) != 0) {
        v->state = SINK_GONE;
    }
    if (v->state != SINK_RUNNING) {
        return;
    }
    if (true_ns >= v->xrun_at_ns) {
        v->xrun_at_ns = TIME_NEVER;
        v->written = v->played;
    }
    frame = card_frames(&v->card, true_ns);
    if (frame >= v->written) {
        frame = v->written;
        v->state = SINK_UNDERRUN;
    }
    play_to(v, frame);
    if (v->state == SINK_UNDERRUN) {
        card_flush(&v->card);
    }
}

/* One instant on both clocks, by the narrowest of a few brackets. */
static void read_clocks(const struct virtual_card *v, int64_t *true_ns, int64_t *local_ns)
{
    int64_t best = TIME_NEVER;

    for (int i = 0; i < TRIES && best > 2 * NS_PER_US; i++) {
        int64_t before = true_now(v);
        int64_t local = v->sink.config.now(v->sink.config.now_ctx);
        int64_t after = true_now(v);

        if (after - before < best) {
            best = after - before;
            *true_ns = before + best / 2;
            *local_ns = local;
        }
    }
}

static void virtual_status(struct sink *s, struct sink_status *status)
{
    struct virtual_card *v = of(s);
    int64_t true_ns = 0;
    int64_t local_ns = 0;

    read_clocks(v, &true_ns, &local_ns);
    advance(v, true_ns);
    status->state = v->state;
    status->has_position = v->state == SINK_RUNNING;
    status->delay_frames = v->written - (v->played - v->played % v->period);
    status->instant_ns = local_ns;
    if (v->jitter_ns > 0) {
        status->instant_ns += rng_below(&v->rng, 2 * v->jitter_ns) - v->jitter_ns;
    }
}

static int virtual_writable(struct sink *s)
{
    struct virtual_card *v = of(s);

    if (v->state != SINK_PREPARED && v->state != SINK_RUNNING) {
        return 0;
    }
    return s->buffer_frames - (int)(v->written - v->played);
}

static int virtual_write(struct sink *s, const float *frames, int count)
{
    struct virtual_card *v = of(s);
    int room;

    advance(v, true_now(v));
    if (v->state != SINK_PREPARED && v->state != SINK_RUNNING) {
        return ERR_AUDIO;
    }
    room = virtual_writable(s);
    count = count < room ? count : room;
    for (int i = 0; i < count; i++) {
        memcpy(v->ring + 2 * (v->written % s->buffer_frames), frames + 2 * i,
               2 * sizeof(float));
        v->written++;
    }
    return count;
}

static int virtual_start(struct sink *s)
{
    struct virtual_card *v = of(s);

    if (v->state != SINK_PREPARED) {
        return ERR_AUDIO;
    }
    card_start(&v->card, true_now(v));
    v->state = SINK_RUNNING;
    if (v->xrun_after_ns > 0) {
        v->xrun_at_ns = v->card.start_ns + v->xrun_after_ns;
        v->xrun_after_ns = 0;
    }
    return ERR_NONE;
}

static int virtual_rewind(struct sink *s, int count)
{
    struct virtual_card *v = of(s);
    int queued;

    advance(v, true_now(v));
    if (v->state != SINK_RUNNING) {
        return 0;
    }
    queued = (int)(v->written - v->played);
    count = count < queued ? count : queued;
    v->written -= count;
    return count;
}

static int virtual_recover(struct sink *s)
{
    struct virtual_card *v = of(s);

    if (v->state == SINK_GONE) {
        return ERR_AUDIO;
    }
    card_flush(&v->card);
    v->state = SINK_PREPARED;
    v->written = 0;
    v->played = 0;
    return ERR_NONE;
}

static void virtual_close(struct sink *s)
{
    struct virtual_card *v = of(s);

    advance(v, true_now(v));
    card_close(&v->card);
    free(v->ring);
    free(v);
}

static const struct sink_ops virtual_ops = {
    .status = virtual_status,
    .writable = virtual_writable,
    .write = virtual_write,
    .start = virtual_start,
    .rewind = virtual_rewind,
    .recover = virtual_recover,
    .close = virtual_close,
};

/* The value of one key, len bytes of it.  False: no such key, or out of its range. */
static bool set_option(struct options *o, const char *key, const char *value, size_t len)
{
    const struct {
        const char *key;
        double *to;
        double least;
        double most;
    } numbers[] = {
        { "ppm", &o->ppm, -1000, 1000 },
        { "rate", &o->rate, 8000, 192000 },
        { "period", &o->period, 1, 4096 },
        { "jitter_us", &o->jitter_us, 0, 5000 },
        { "buffer_ms", &o->buffer_ms, 40, 2000 },
        { "xrun_at", &o->xrun_at, 0, 1e6 },
        { "seed", &o->seed, 0, 1e15 },
    };
    char text[PATH_LEN];
    char *end;

    snprintf(text, sizeof(text), "%.*s", (int)len, value);
    if (len == 0 || len >= PATH_LEN) {
        return false;
    }
    if (strcmp(key, "capture") == 0 || strcmp(key, "plug") == 0) {
        memcpy(key[0] == 'c' ? o->capture : o->plug, text, len + 1);
        return true;
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (strcmp(key, numbers[i].key) == 0) {
            double x = strtod(text, &end);

            *numbers[i].to = x;
            return *end == '\0' && x >= numbers[i].least && x <= numbers[i].most;
        }
    }
    return false;
}

static int parse(struct options *o, const char *argument, char *message, size_t size)
{
    const char *p = argument;

    while (*p != '\0') {
        size_t len = strcspn(p, ",");
        size_t key_len = strcspn(p, "=,");
        char key[KEY_MAX];

        snprintf(key, sizeof(key), "%.*s", (int)key_len, p);
        if (key_len >= len || key_len >= sizeof(key) ||
            !set_option(o, key, p + key_len + 1, len - key_len - 1)) {
            snprintf(
                message, size,
                "virtual sound card: \"%.*s\" is no setting of it: ppm, rate, capture, "
                "period, jitter_us, buffer_ms, xrun_at, plug or seed",
                (int)(len < 40 ? len : 40), p);
            return ERR_USAGE;
        }
        p += len;
        p += *p == ',';
    }
    return ERR_NONE;
}

int sink_open_virtual(struct sink **sink, const char *argument,
                      const struct sink_config *config, char *message, size_t size)
{
    struct options o = { .rate = config->rate, .period = 1, .buffer_ms = 200, .seed = 1 };
    struct virtual_card *v;
    int err = parse(&o, argument, message, size);

    if (err != ERR_NONE) {
        return err;
    }
    if (o.plug[0] != '\0' && access(o.plug, F_OK) != 0) {
        snprintf(message, size, "virtual sound card: %.80s is not there: plug it in",
                 o.plug);
        return ERR_AUDIO;
    }
    v = xcalloc(1, sizeof(*v));
    v->sink.ops = &virtual_ops;
    v->sink.config = *config;
    v->sink.rate = (int)o.rate;
    v->sink.buffer_frames = (int)(o.rate * o.buffer_ms / 1000);
    v->period = (int64_t)o.period;
    v->jitter_ns = (int64_t)(o.jitter_us * 1000);
    v->xrun_after_ns = (int64_t)(o.xrun_at * (double)NS_PER_S);
    v->xrun_at_ns = TIME_NEVER;
    rng_seed(&v->rng, (uint64_t)o.seed);
    memcpy(v->plug, o.plug, sizeof(v->plug));
    if (!card_open(&v->card, o.capture, v->sink.rate, (int64_t)(o.ppm * 1e6))) {
        snprintf(message, size, "%.80s: %s: choose another capture file", o.capture,
                 strerror(errno));
        card_close(&v->card);
        free(v);
        return ERR_AUDIO;
    }
    v->ring = xcalloc((size_t)v->sink.buffer_frames, 2 * sizeof(float));
    *sink = &v->sink;
    return ERR_NONE;
}
