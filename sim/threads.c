/* The parts of a world as threads of this process.  SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/time.h"
#include "sim/exchange.h"
#include "sim/memory.h"

#define SPINS 4000 /* … until the processor is left to others */

struct threads {
    struct exchange x;
    atomic_int arrived;
    atomic_int round;
    _Alignas(64) atomic_llong next_ns[WORLD_PARTS_MAX];
};

struct thread_job {
    struct world_part *part;
    int64_t until_ns;
};

static struct threads *threads_of(struct exchange *x)
{
    return (struct threads *)(void *)x; /* its first member */
}

static void wait(struct exchange *x)
{
    struct threads *t = threads_of(x);
    int round = atomic_load_explicit(&t->round, memory_order_acquire);

    if (atomic_fetch_add(&t->arrived, 1) + 1 == x->part_count) {
        atomic_store(&t->arrived, 0);
        atomic_store(&t->round, round + 1);
        return;
    }
    for (int i = 0; atomic_load_explicit(&t->round, memory_order_acquire) == round; i++) {
        if (i >= SPINS)
            sched_yield();
    }
}

static int64_t meet(struct exchange *x, struct world_part *p)
{
    struct threads *t = threads_of(x);
    struct world *w = p->w;
    int64_t next_ns;

    wait(x);
    for (int i = 0; i < x->part_count; i++) {
        struct mail *m = &w->parts[i].mail[p->index];

        part_take_mail(p, m->data, m->len);
        m->len = 0;
    }
    atomic_store_explicit(&t->next_ns[p->index], wheel_next_ns(&p->wheel),
                          memory_order_relaxed);
    wait(x);
    next_ns = TIME_NEVER;
    for (int i = 0; i < x->part_count; i++)
        next_ns = time_min(next_ns,
                           atomic_load_explicit(&t->next_ns[i], memory_order_relaxed));
    return next_ns;
}

static void *run_part(void *context)
{
    struct thread_job *job = context;

    part_advance(job->part, job->until_ns);
    return NULL;
}

static void run(struct exchange *x, struct world *w, int64_t until_ns)
{
    pthread_t threads[WORLD_PARTS_MAX];
    struct thread_job jobs[WORLD_PARTS_MAX];

    for (int i = 1; i < x->part_count; i++) {
        jobs[i] = (struct thread_job){ &w->parts[i], until_ns };
        if (pthread_create(&threads[i], NULL, run_part, &jobs[i]) != 0)
            memory_fail();
    }
    part_advance(&w->parts[0], until_ns);
    for (int i = 1; i < x->part_count; i++)
        pthread_join(threads[i], NULL);
}

static void destroy(struct exchange *x)
{
    free(threads_of(x));
}

struct exchange *exchange_threads(int part_count)
{
    struct threads *t = memory_new(1, sizeof(*t));

    t->x = (struct exchange){ .part_count = part_count,
                              .part = -1,
                              .meet = meet,
                              .wait = wait,
                              .run = run,
                              .destroy = destroy };
    return &t->x;
}
