/* See the header.  SPDX-License-Identifier: MIT */
#include "audio/player.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
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
    struct seqlock *output;
    struct seqlock *report;
    struct feeder *feeder;
    struct engine *engine;
    pthread_t thread;
    bool has_thread;
    atomic_bool must_stop;
};

/* Refused to most users; the card's buffer then has to do, and the report says so. */
static void ask_for_realtime(struct player *p)
{
    struct sched_param param = { .sched_priority = REALTIME_PRIORITY };
    struct engine *e = p->engine;

    e->report.is_realtime = pthread_setschedparam(pthread_self(), SCHED_FIFO, &param) ==
                            0;
    /* What is touched from now on stays; to lock it all at once would take the slots'
     * memory before there is a song. */
    e->report.is_resident = mlock2(e, sizeof(*e), MLOCK_ONFAULT) == 0 &&
                            feeder_keep_resident(p->feeder);
}

static void *run(void *arg)
{
    struct player *p = arg;

    if (p->engine->config.wants_realtime) {
        ask_for_realtime(p);
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
    int err;

    p->feeder = feeder_create(config, p->plan, p->clock, p->output);
    p->engine = xcalloc(1, sizeof(*p->engine));
    p->engine->plan_lock = p->plan;
    p->engine->clock_lock = p->clock;
    p->engine->output_lock = p->output;
    p->engine->report_lock = p->report;
    err = engine_init(p->engine, config, p->feeder, message, size);
    err = err == ERR_NONE ? feeder_start(p->feeder) : err;
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
    p->output = seqlock_create(sizeof(struct audio_output));
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
    seqlock_write(player->clock, line);
}

int player_set_output(struct player *player, const struct audio_output *output)
{
    if (!(output->gain >= 0 && output->gain <= 1) ||
        output->delay_ns > AUDIO_DELAY_MAX_NS || output->delay_ns < -AUDIO_DELAY_MAX_NS) {
        return ERR_MALFORMED;
    }
    seqlock_write(player->output, output);
    return ERR_NONE;
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
    seqlock_destroy(player->output);
    seqlock_destroy(player->report);
    free(player);
}
