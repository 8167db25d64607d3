/* SPDX-License-Identifier: MIT */
#include "sim/pairs.h"

#include <assert.h>
#include <math.h>

#include "base/time.h"

#define NS_PER_HOUR 3.6e12
#define SLOPE_MIN   100 /* samples */

static int64_t size_of(int64_t ns)
{
    return ns < 0 ? -ns : ns;
}

void pairs_add(struct pairs *p, int i, int j, int64_t at_ns, int64_t ahead_ns)
{
    struct pair *q = &p->list[i][j];
    double x;

    assert(i >= 0 && i < j && j < PAIRS_NODES_MAX);
    if (!p->has_first)
        p->first_ns = at_ns;
    p->has_first = true;
    x = (double)(at_ns - p->first_ns) / NS_PER_HOUR;
    q->count++;
    q->x += x;
    q->y += (double)ahead_ns;
    q->xx += x * x;
    q->xy += x * (double)ahead_ns;
    histogram_add(&p->all, ahead_ns);
    if (size_of(ahead_ns) > p->most_ns)
        p->most_ns = size_of(ahead_ns);
    if (q->has_last && size_of(ahead_ns - q->last_ns) > p->step_ns)
        p->step_ns = size_of(ahead_ns - q->last_ns);
    if (q->has_mark && size_of(ahead_ns - q->mark_ns) > p->moved_ns)
        p->moved_ns = size_of(ahead_ns - q->mark_ns);
    q->has_last = true;
    q->last_ns = ahead_ns;
}

void pairs_break(struct pairs *p, int i, int j)
{
    p->list[i][j].has_last = false;
}

void pairs_mark(struct pairs *p)
{
    p->moved_ns = 0;
    p->step_ns = 0;
    for (int i = 0; i < PAIRS_NODES_MAX; i++) {
        for (int j = i + 1; j < PAIRS_NODES_MAX; j++) {
            p->list[i][j].has_mark = p->list[i][j].has_last;
            p->list[i][j].mark_ns = p->list[i][j].last_ns;
        }
    }
}

double pairs_slope(const struct pairs *p)
{
    double most = 0;

    for (int i = 0; i < PAIRS_NODES_MAX; i++) {
        for (int j = i + 1; j < PAIRS_NODES_MAX; j++) {
            const struct pair *q = &p->list[i][j];
            double n = (double)q->count;
            double spread = n * q->xx - q->x * q->x;

            if (q->count >= SLOPE_MIN && spread > 0)
                most = fmax(most, fabs((n * q->xy - q->x * q->y) / spread));
        }
    }
    return most;
}
