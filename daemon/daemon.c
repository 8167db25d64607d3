/* SPDX-License-Identifier: MIT */
#include "daemon/daemon.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/driver.h"
#include "daemon/xalloc.h"

#define SYSTEM_CLOCK_MS 16000
#define GOODBYE_TICK_MS 10
#define GOODBYE_TICKS   150 /* 1.5 s, then whoever does not read is left behind */
#define LEAVE_TICKS     300 /* 3 s: a party that we host goes into other hands */

/* ---- stepping ---- */

static void step_at(struct driver *d, struct event *e, int64_t now_ns)
{
    /* What the system takes for UTC was asked for a moment ago. */
    if (e->kind == EVENT_SYSTEM_CLOCK)
        e->u.system_clock.utc_ns += now_ns - e->now_ns;
    d->now_ns = now_ns;
    e->now_ns = now_ns;
    d->is_stepping = true;
    node_step(d->node, e, d->effects);
    driver_carry_out(d);
    d->is_stepping = false;
}

/* What the system takes for UTC, and when it was asked. */
static void ask_system(struct driver *d, struct event *e)
{
    struct clockwork_system s;

    clockwork_ask_system(&d->clock, &s);
    *e = (struct event){ .kind = EVENT_SYSTEM_CLOCK, .now_ns = s.local_ns };
    e->u.system_clock.utc_ns = s.utc_ns;
    e->u.system_clock.bound_ns = s.bound_ns;
    e->u.system_clock.is_synchronised = s.is_synchronised;
}

/* Before anything else that the node is told after a sleep of the machine. */
static void tell_nap(struct driver *d, int64_t now_ns)
{
    struct event slept = { .kind = EVENT_SLEPT };
    struct event system;

    driver_log(d, LOG_WARN, "driver slept seconds=%.3f",
               (double)(now_ns - d->now_ns) / NS_PER_S);
    step_at(d, &slept, now_ns);
    ask_system(d, &system);
    event_queue_push(&d->queue, &system);
}

static void step(struct driver *d, struct event *e)
{
    int64_t now_ns = clockwork_now(&d->clock);
    uint32_t naps = clockwork_naps(&d->clock);

    if (now_ns < d->now_ns)
        now_ns = d->now_ns;
    if (naps != d->naps) {
        d->naps = naps;
        tell_nap(d, now_ns);
    }
    step_at(d, e, now_ns);
}

/* The node has said good-bye: let that out, answer, and end. */
static void drain(struct driver *d)
{
    static const uint8_t nothing[] = { 0xa0 }; /* {} */

    if (d->phase != DRIVER_LEAVING)
        return;
    d->phase = DRIVER_DRAINING;
    d->goodbye_ticks = 0;
    tcp_finish(d->tcp);
    if (d->down_id != 0)
        server_reply(d->server, d->down_id, 0, bytes_of(nothing, sizeof(nothing)));
    server_finish(d->server);
}

void driver_post(void *driver, struct event *e)
{
    struct driver *d = driver;

    if (d->phase >= DRIVER_DRAINING || d->node == NULL)
        return;
    if (d->is_stepping) {
        event_queue_push(&d->queue, e);
        return;
    }
    step(d, e);
    while ((e = event_queue_first(&d->queue)) != NULL) {
        if (d->phase < DRIVER_DRAINING)
            step(d, e);
        event_queue_pop(&d->queue);
    }
    if (d->has_left)
        drain(d);
}

static void on_system_clock(uv_timer_t *timer)
{
    struct driver *d = timer->data;
    struct event e;

    ask_system(d, &e);
    driver_post(d, &e);
}

/* ---- going ---- */

static void close_handle(void *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* Everything closes; uv_run returns when it has, and when the workers are done. */
static void stop(struct driver *d)
{
    if (d->phase == DRIVER_STOPPED)
        return;
    d->phase = DRIVER_STOPPED;
    if (d->tcp != NULL)
        tcp_stop(d->tcp);
    if (d->datagrams != NULL)
        datagrams_stop(d->datagrams);
    if (d->server != NULL)
        server_stop(d->server);
    if (d->disk != NULL)
        disk_stop(d->disk);
    sound_stop(d->sound);
    if (!d->has_handles)
        return;
    close_handle(&d->wake);
    close_handle(&d->system_clock);
    close_handle(&d->goodbye);
    close_handle(&d->interrupt);
    close_handle(&d->terminate);
}

static void on_goodbye(uv_timer_t *timer)
{
    struct driver *d = timer->data;

    d->goodbye_ticks++;
    if (d->phase == DRIVER_LEAVING && d->goodbye_ticks > LEAVE_TICKS)
        drain(d);
    if (d->phase == DRIVER_DRAINING &&
        (tcp_count(d->tcp) == 0 || d->goodbye_ticks > GOODBYE_TICKS))
        stop(d);
}

void driver_go(struct driver *d, uint64_t down_id)
{
    static const uint8_t request[] = { 0x81, 0x64, 'd', 'o', 'w', 'n' };
    struct event e = { .kind = EVENT_COMMAND };

    if (d->phase != DRIVER_RUNNING) {
        if (down_id == 0)
            stop(d);
        return;
    }
    driver_log(d, LOG_INFO, "driver going");
    d->phase = DRIVER_LEAVING;
    d->down_id = down_id;
    if (down_id != 0)
        d->down_fd = server_hold(d->server, down_id);
    uv_timer_start(&d->goodbye, on_goodbye, GOODBYE_TICK_MS, GOODBYE_TICK_MS);
    e.u.command.id = DRIVER_DOWN_ID;
    e.u.command.request = bytes_of(request, sizeof(request));
    driver_post(d, &e);
}

static void on_signal(uv_signal_t *signal, int number)
{
    (void)number;
    driver_go(signal->data, 0);
}

/* ---- a run ---- */

static void begin(struct driver *d)
{
    struct event e = { .kind = EVENT_START };
    char listen[ADDR_TEXT_MAX];

    uv_timer_init(&d->loop, &d->wake);
    uv_timer_init(&d->loop, &d->system_clock);
    uv_timer_init(&d->loop, &d->goodbye);
    uv_signal_init(&d->loop, &d->interrupt);
    uv_signal_init(&d->loop, &d->terminate);
    d->wake.data = d;
    d->system_clock.data = d;
    d->goodbye.data = d;
    d->interrupt.data = d;
    d->terminate.data = d;
    d->has_handles = true;
    uv_signal_start(&d->interrupt, on_signal, SIGINT);
    uv_signal_start(&d->terminate, on_signal, SIGTERM);
    addr_format(&d->listen, listen);
    driver_log(d, LOG_INFO, "driver up listen=%s control=%s", listen,
               d->config->control_path);
    e.u.start.items = disk_items(d->disk, &e.u.start.count);
    driver_post(d, &e);
    uv_timer_start(&d->system_clock, on_system_clock, SYSTEM_CLOCK_MS, SYSTEM_CLOCK_MS);
    on_system_clock(&d->system_clock);
}

static void finish(struct driver *d)
{
    stop(d);
    if (d->has_loop) {
        int status;

        uv_run(&d->loop, UV_RUN_DEFAULT);
        status = uv_loop_close(&d->loop);
        assert(status == 0); /* every handle was closed */
    }
    server_destroy(d->server);
    sound_destroy(d->sound);
    disk_close(d->disk);
    datagrams_destroy(d->datagrams);
    tcp_destroy(d->tcp);
    if (d->node != NULL)
        node_destroy(d->node);
    while (event_queue_first(&d->queue) != NULL)
        event_queue_pop(&d->queue);
    free(d->memory);
    driver_unmap(d);
    free(d->effects);
    datadir_close(&d->datadir);
    if (d->down_fd >= 0)
        close(d->down_fd);
    free(d);
}

int daemon_run(const struct daemon_config *config)
{
    char message[DRIVER_MESSAGE_MAX] = "";
    struct driver *d = xalloc(sizeof(*d));
    int err;

    signal(SIGPIPE, SIG_IGN);
    umask(077); /* what a node writes is its user's alone */
    setvbuf(stderr, NULL, _IOLBF, 0);
    d->config = config;
    d->clock = config->clock;
    clockwork_start(&d->clock);
    d->datadir.lock_fd = -1;
    d->down_fd = -1;
    d->wake_ns = TIME_NEVER;
    d->now_ns = INT64_MIN;
    if (uv_loop_init(&d->loop) == 0)
        d->has_loop = true;
    err = d->has_loop ? driver_start(d, message, sizeof(message)) : ERR_INTERNAL;
    if (err == 0) {
        begin(d);
        uv_run(&d->loop, UV_RUN_DEFAULT);
    } else {
        fprintf(stderr, "party: %s\n", message[0] != '\0' ? message : err_text(err));
    }
    finish(d);
    return err_exit_status(err);
}
