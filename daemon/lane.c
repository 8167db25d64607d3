/* SPDX-License-Identifier: MIT */
#include "daemon/lane.h"

#include <assert.h>
#include <stddef.h>

void lane_init(struct lane *l, uv_loop_t *loop, int batch_max)
{
    assert(batch_max > 0);
    *l = (struct lane){ .loop = loop, .batch_max = batch_max };
    l->last = &l->first;
    l->work.data = l;
}

/* On the worker: l->running is its own until on_done. */
static void on_work(uv_work_t *work)
{
    struct lane *l = work->data;

    for (struct job *j = l->running; j != NULL; j = j->next)
        j->run(j);
}

static void begin(struct lane *l);

static void on_done(uv_work_t *work, int status)
{
    struct lane *l = work->data;
    struct job *j = l->running;

    (void)status; /* nothing is ever cancelled */
    l->running = NULL;
    begin(l);
    while (j != NULL) {
        struct job *next = j->next;

        l->count--;
        j->done(j);
        j = next;
    }
}

/* Hand what waits to a worker. */
static void begin(struct lane *l)
{
    struct job *end = l->first;
    int status;

    if (l->running != NULL || end == NULL)
        return;
    for (int i = 1; i < l->batch_max && end->next != NULL; i++)
        end = end->next;
    l->running = l->first;
    l->first = end->next;
    end->next = NULL;
    if (l->first == NULL)
        l->last = &l->first;
    status = uv_queue_work(l->loop, &l->work, on_work, on_done);
    assert(status == 0); /* it fails only without a callback */
}

void lane_submit(struct lane *l, struct job *job)
{
    job->next = NULL;
    *l->last = job;
    l->last = &job->next;
    l->count++;
    begin(l);
}

int lane_count(const struct lane *l)
{
    return l->count;
}
