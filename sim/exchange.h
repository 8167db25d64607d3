/* How the parts of a world go on together: conservative windows.  All parts know when the
 * next event of any of them is due; nothing that one sends reaches another sooner than
 * the least latency after that, so each may run so far alone.  Then they meet, hand over
 * what they sent to each other, and agree on the next window.  Two ways to meet: threads
 * of one process (sim/threads.c) and MPI ranks (sim/mpi.c).  SPDX-License-Identifier: MIT
 */
#ifndef SIM_EXCHANGE_H
#define SIM_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/part.h"

struct exchange {
    int part_count;
    int part; /* the one that this process has; -1: all of them */

    /* Called by every part: deliver what the others sent to it, and learn when the next
     * event of any part is due. */
    int64_t (*meet)(struct exchange *x, struct world_part *p);

    /* Called by every part around a tick: all are done with what they did. */
    void (*wait)(struct exchange *x);

    /* Run every part of this process to an instant (part_advance), and come back. */
    void (*run)(struct exchange *x, struct world *w, int64_t until_ns);

    /* The sum of each word over all processes; NULL: there is one process. */
    void (*sum)(struct exchange *x, uint64_t *words, int count);

    void (*destroy)(struct exchange *x);
};

/* Threads of this process, one for each part. */
struct exchange *exchange_threads(int part_count);

/* Go on until an instant, meeting the others on the way; ticks are run by part 0 of the
 * process. */
void part_advance(struct world_part *p, int64_t until_ns);

#endif
