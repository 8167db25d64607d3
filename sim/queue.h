/* What happens next: a binary heap over virtual time.  What falls on the same instant
 * comes in an order that depends on who it is for and whom it is from, never on when it
 * was put in.  SPDX-License-Identifier: MIT */
#ifndef SIM_QUEUE_H
#define SIM_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue_item {
    int64_t at_ns;
    uint32_t to;
    uint32_t from;
    uint64_t number; /* counted by the source */
    void *what;      /* the caller's */
};

/* Zeroed: empty. */
struct queue {
    struct queue_item *items; /* the heap */
    size_t count;
    size_t room;
};

void queue_push(struct queue *q, const struct queue_item *item);

/* Take the earliest out.  False when empty. */
bool queue_pop(struct queue *q, struct queue_item *item);

/* When the earliest is due; TIME_NEVER when empty. */
int64_t queue_next_ns(const struct queue *q);

/* Gives the memory back, not what the items point to. */
void queue_finish(struct queue *q);

#endif
