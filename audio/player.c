/* See the header.  SPDX-License-Identifier: MIT */
#include "audio/player.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "audio/engine.h"
#include "audio/feeder.h"
#include "audio/seqlock.h"
#include "audio/xalloc.h"
#include "base/time.h"

#define REALTIME_PRIORITY 10

struct player {
    struct seqlock *plan;
    struct seqlock *clock;
    struct seqlock *report;
    struct feeder *feeder;
    struct engine *engine;
    pthread_t thread;
    bool has_thread;
    atomic_bool must_stop;
};

static void ask_for_realtime(void)
{
    struct sched_param param = { .sched_priority = REALTIME_PRIORITY };

    /* Refused to most users; the card's buffer then has to do. */
    (void)pthread_setschedparam(pthread_self(), SCHED_FIFO, &param);
}

static void *run(void *arg)
{
    struct player *p = arg;

    if (p->engine->config.wants_realtime) {
        ask_for_realtime();
    }
    while (!atomic_load(&p->must_stop)) {
        struct timespec pause = { 0, engine_wake(p->engine) };

        nanosleep(&pause, NULL);
    }
    return NULL;
}

static int start(struct player *p, const struct player_config *config, char *message,
                 size_t size)
{
    int err = feeder_create(&p->feeder, config, p->plan, p->clock);

    if (err != ERR_NONE) {
        return err;
    }
    p->engine = xcalloc(1, sizeof(*p->engine));
    p->engine->plan_lock = p->plan;
    p->engine->clock_lock = p->clock;
    p->engine->report_lock = p->report;
    err = engine_init(p->engine, config, p->feeder, message, size);
    if (err != ERR_NONE) {
        return err;
    }
    if (pthread_create(&p->thread, NULL, run, p) != 0) {
        return ERR_LIMIT;
    }
    p->has_thread = true;
    return ERR_NONE;
}

int player_create(struct player **player, const struct player_config *config,
                  char *message, size_t size)
{
    struct player *p = xcalloc(1, sizeof(*p));
    int err;

    p->plan = seqlock_create(sizeof(struct audio_plan));
    p->clock = seqlock_create(sizeof(struct clock_line));
    p->report = seqlock_create(sizeof(struct audio_report));
    err = start(p, config, message, size);
    if (err != ERR_NONE) {
        player_destroy(p);
        return err;
    }
    *player = p;
    return ERR_NONE;
}

int player_set_plan(struct player *player, const struct audio_plan *plan)
{
    if (!audio_plan_check(plan)) {
        return ERR_MALFORMED;
    }
    seqlock_write(player->plan, plan);
    return ERR_NONE;
}

void player_set_clock(struct player *player, const struct clock_line *line)
{
    if (line->is_valid) {
        seqlock_write(player->clock, line);
    }
}

void player_set_gain(struct player *player, double gain)
{
    float g = (float)(gain >= 0 ? gain <= 1 ? gain : 1 : 0);

    atomic_store_explicit(&player->engine->gain_wanted, g, memory_order_relaxed);
}

void player_report(struct player *player, struct audio_report *report)
{
    char error[AUDIO_MESSAGE_MAX];

    while (!seqlock_read(player->report, report)) {
        sched_yield();
    }
    feeder_error(player->feeder, error);
    if (report->error[0] == '\0') {
        memcpy(report->error, error, sizeof(error));
    }
}

void player_destroy(struct player *player)
{
    if (player == NULL) {
        return;
    }
    if (player->has_thread) {
        atomic_store(&player->must_stop, true);
        pthread_join(player->thread, NULL);
    }
    if (player->engine != NULL) {
        engine_finish(player->engine);
    }
    feeder_destroy(player->feeder);
    free(player->engine);
    seqlock_destroy(player->plan);
    seqlock_destroy(player->clock);
    seqlock_destroy(player->report);
    free(player);
}
