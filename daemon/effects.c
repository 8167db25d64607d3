/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>

#include "daemon/driver.h"

static const char *const level_names[] = { "error", "warn", "info", "debug" };

void driver_log(const struct driver *d, enum log_level level, const char *format, ...)
{
    char line[512];
    va_list args;

    if (level > d->config->log_level)
        return;
    va_start(args, format);
    /* clang-tidy 14 forgets va_start in every file but its first. */
    vsnprintf(line, sizeof(line), format, args); // NOLINT(clang-analyzer-valist.*)
    va_end(args);
    fprintf(stderr, "%s %s\n", level_names[level], line);
}

static void write_log(struct driver *d)
{
    struct log *l = &d->effects->log;
    int64_t dropped = d->effects->dropped + d->effects->outbox.dropped + l->dropped;

    for (int i = 0; i < l->count; i++)
        fprintf(stderr, "%s %s\n", level_names[l->lines[i].level], l->lines[i].text);
    l->count = 0;
    if (dropped == d->dropped)
        return;
    driver_log(d, LOG_WARN, "driver overflow effects=%lld messages=%lld lines=%lld",
               (long long)d->effects->dropped, (long long)d->effects->outbox.dropped,
               (long long)l->dropped);
    d->dropped = dropped;
}

static void on_wake(uv_timer_t *timer);

static void arm_wake(struct driver *d)
{
    int64_t left_ns = d->wake_ns - clockwork_now(&d->clock);

    if (left_ns < 0)
        left_ns = 0;
    uv_update_time(&d->loop);
    uv_timer_start(&d->wake, on_wake, (uint64_t)((left_ns + NS_PER_MS - 1) / NS_PER_MS),
                   0);
}

static void on_wake(uv_timer_t *timer)
{
    struct driver *d = timer->data;
    struct event e = { .kind = EVENT_WAKE };

    if (clockwork_now(&d->clock) < d->wake_ns)
        arm_wake(d); /* libuv's clock is not ours */
    else
        driver_post(d, &e);
}

static void set_wake(struct driver *d, int64_t at_ns)
{
    d->wake_ns = at_ns;
    if (at_ns == TIME_NEVER)
        uv_timer_stop(&d->wake);
    else
        arm_wake(d);
}

static void reply(struct driver *d, const struct effect *e)
{
    if (e->u.reply.id == DRIVER_DOWN_ID)
        d->has_left = true; /* what it has to say comes behind this reply */
    else
        server_reply(d->server, e->u.reply.id, e->u.reply.err, e->u.reply.body);
}

static void set_timeline(struct driver *d, const struct effect *e)
{
    int err = sound_set_timeline(d->sound, e->u.timeline.segments, e->u.timeline.count,
                                 e->u.timeline.version);

    if (err != 0)
        driver_log(d, LOG_ERROR, "driver timeline-refused count=%d version=%u",
                   e->u.timeline.count, (unsigned)e->u.timeline.version);
}

static void carry_out_song(struct driver *d, const struct effect *e)
{
    switch ((int)e->kind) {
    case EFFECT_SONG_IMPORT:
        disk_import(d->disk, e->u.import.token, e->u.import.path);
        break;
    case EFFECT_SONG_OPEN:
        disk_song_open(d->disk, &e->u.song.song, e->u.song.bytes);
        break;
    case EFFECT_LEAVES_STORE:
        disk_leaves_store(d->disk, &e->u.leaves.song, e->u.leaves.hashes);
        break;
    case EFFECT_BLOCK_LOAD:
        disk_block_load(d->disk, &e->u.block.song, e->u.block.index);
        break;
    case EFFECT_BLOCK_STORE:
        disk_block_store(d->disk, &e->u.block.song, e->u.block.index, e->u.block.data);
        break;
    case EFFECT_SONG_DROP:
        disk_song_drop(d->disk, &e->u.song.song);
        break;
    default:
        break;
    }
}

static void carry_out(struct driver *d, const struct effect *e)
{
    switch (e->kind) {
    case EFFECT_LINK_OPEN:
        tcp_open(d->tcp, e->u.open.link, &e->u.open.addr, e->u.open.from_listen);
        break;
    case EFFECT_LINK_CLOSE:
        tcp_close(d->tcp, e->u.close.link);
        break;
    case EFFECT_LINK_SEND:
        tcp_send(d->tcp, e->u.send.link, e->u.send.frame);
        break;
    case EFFECT_DATAGRAM_SEND:
        break; /* gone already */
    case EFFECT_SONG_IMPORT:
    case EFFECT_SONG_OPEN:
    case EFFECT_LEAVES_STORE:
    case EFFECT_BLOCK_LOAD:
    case EFFECT_BLOCK_STORE:
    case EFFECT_SONG_DROP:
        carry_out_song(d, e);
        break;
    case EFFECT_REMEMBER:
        disk_remember(d->disk, &e->u.remember);
        break;
    case EFFECT_PROMISE:
        disk_promise(d->disk, &e->u.remember);
        break;
    case EFFECT_TIMELINE:
        set_timeline(d, e);
        break;
    case EFFECT_CLOCK:
        sound_set_clock(d->sound, &e->u.clock);
        break;
    case EFFECT_REPLY:
        reply(d, e);
        break;
    case EFFECT_STATE:
        server_state(d->server, e->u.state.body);
        break;
    case EFFECT_WAKE:
        set_wake(d, e->u.wake.at_ns);
        break;
    }
}

void driver_carry_out(struct driver *d)
{
    const struct effects *out = d->effects;

    /* Clock probes first: they carry the instant of this step, and each microsecond until
     * they leave makes their round trip longer than it was. */
    for (int i = 0; i < out->count; i++) {
        const struct effect *e = &out->list[i];

        if (e->kind == EFFECT_DATAGRAM_SEND)
            datagrams_send(d->datagrams, e->u.datagram.socket, &e->u.datagram.to,
                           e->u.datagram.data, e->u.datagram.token);
    }
    for (int i = 0; i < out->count; i++)
        carry_out(d, &out->list[i]);
    write_log(d);
}
