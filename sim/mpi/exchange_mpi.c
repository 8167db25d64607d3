/* SPDX-License-Identifier: MIT */
#include "sim/mpi/exchange_mpi.h"

#include <assert.h>
#include <limits.h>
#include <mpi.h>
#include <string.h>

#include "base/time.h"
#include "sim/memory.h"

struct ranks {
    struct exchange x;
    int counts_out[WORLD_PARTS_MAX];
    int counts_in[WORLD_PARTS_MAX];
    int places_out[WORLD_PARTS_MAX];
    int places_in[WORLD_PARTS_MAX];
    struct mail out; /* to all, one behind the other */
    struct mail in;
};

static struct ranks *ranks_of(struct exchange *x)
{
    return (struct ranks *)(void *)x; /* its first member */
}

static void make_room(struct mail *m, size_t len)
{
    assert(len < INT_MAX);
    m->len = len;
    if (len <= m->room)
        return;
    m->room = 2 * len;
    m->data = memory_grow(m->data, m->room, 1);
}

static void gather(struct ranks *r, struct world_part *p)
{
    size_t len = 0;

    for (int i = 0; i < r->x.part_count; i++)
        len += p->mail[i].len;
    make_room(&r->out, len);
    len = 0;
    for (int i = 0; i < r->x.part_count; i++) {
        struct mail *m = &p->mail[i];

        if (m->len > 0)
            memcpy(r->out.data + len, m->data, m->len);
        r->counts_out[i] = (int)m->len;
        r->places_out[i] = (int)len;
        len += m->len;
        m->len = 0;
    }
}

static void swap(struct ranks *r)
{
    int len = 0;

    MPI_Alltoall(r->counts_out, 1, MPI_INT, r->counts_in, 1, MPI_INT, MPI_COMM_WORLD);
    for (int i = 0; i < r->x.part_count; i++) {
        r->places_in[i] = len;
        len += r->counts_in[i];
    }
    make_room(&r->in, (size_t)len);
    MPI_Alltoallv(r->out.data, r->counts_out, r->places_out, MPI_BYTE, r->in.data,
                  r->counts_in, r->places_in, MPI_BYTE, MPI_COMM_WORLD);
}

static int64_t meet(struct exchange *x, struct world_part *p)
{
    struct ranks *r = ranks_of(x);
    int64_t next_ns;

    gather(r, p);
    swap(r);
    part_take_mail(p, r->in.data, r->in.len);
    next_ns = wheel_next_ns(&p->wheel);
    MPI_Allreduce(MPI_IN_PLACE, &next_ns, 1, MPI_INT64_T, MPI_MIN, MPI_COMM_WORLD);
    return next_ns;
}

/* Ticks are the same in all ranks, and each runs its own. */
static void wait(struct exchange *x)
{
    (void)x;
}

static void run(struct exchange *x, struct world *w, int64_t until_ns)
{
    part_advance(&w->parts[x->part], until_ns);
}

static void sum(struct exchange *x, uint64_t *words, int count)
{
    (void)x;
    MPI_Allreduce(MPI_IN_PLACE, words, count, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
}

static void destroy(struct exchange *x)
{
    struct ranks *r = ranks_of(x);

    free(r->out.data);
    free(r->in.data);
    free(r);
}

struct exchange *exchange_mpi(void)
{
    struct ranks *r = memory_new(1, sizeof(*r));

    r->x = (struct exchange){
        .meet = meet, .wait = wait, .run = run, .sum = sum, .destroy = destroy
    };
    MPI_Comm_size(MPI_COMM_WORLD, &r->x.part_count);
    MPI_Comm_rank(MPI_COMM_WORLD, &r->x.part);
    if (r->x.part_count > WORLD_PARTS_MAX) {
        fprintf(stderr, "party-sim-mpi: %d ranks, but a world has at most %d parts\n",
                r->x.part_count, WORLD_PARTS_MAX);
        MPI_Abort(MPI_COMM_WORLD, 2);
    }
    return &r->x;
}
