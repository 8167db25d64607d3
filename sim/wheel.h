/* What happens next: a lazy wheel of two levels over virtual time.
 *
 * A push appends 16 bytes to the slot of its instant (a millisecond wide, or a few where
 * little happens in one); a slot is sorted only when it becomes current, so that an event
 * costs about the same with a thousand and with ten million pending.  What is pushed into
 * the current slot goes to a small heap beside it.  The sorted slot is also a view ahead:
 * wheel_ahead tells what comes soon, so that its memory can be fetched.
 *
 * Items of the same instant come in the order that the caller's comparison says, never in
 * the order in which they were pushed.  SPDX-License-Identifier: MIT */
#ifndef SIM_WHEEL_H
#define SIM_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WHEEL_SLOTS    4096
#define WHEEL_BITS     20 /* slots of 2^20 ns are right for most … */
#define WHEEL_BITS_MAX 24

struct wheel_item {
    int64_t at_ns; /* not negative */
    uint64_t value;
};

/* Of two values of the same instant: does a come before b? */
typedef bool wheel_order(const void *context, uint64_t a, uint64_t b);

struct wheel_chunk;
struct wheel_block;

struct wheel_level {
    struct wheel_chunk *slots[WHEEL_SLOTS];
    uint64_t used[WHEEL_SLOTS / 64]; /* a bit for each slot that is not empty */
};

struct wheel_list {
    struct wheel_item *items;
    size_t count;
    size_t room;
};

struct wheel {
    wheel_order *is_before;
    const void *context;
    int slot_bits;
    size_t count;
    int64_t slot;           /* the current one; all before it are over */
    int64_t outer_at;       /* the outer slot that the current one is of, or before */
    struct wheel_list run;  /* its items, sorted … */
    size_t run_at;          /* … and how many of them are out */
    struct wheel_list side; /* a heap: pushed since it became current */
    struct wheel_list spare;
    struct wheel_level inner;  /* slots of 2^slot_bits ns */
    struct wheel_level outer;  /* … WHEEL_SLOTS times as wide */
    struct wheel_chunk *later; /* beyond the outer slots … */
    int64_t later_ns;          /* … and the first of them */
    struct wheel_chunk *free;
    struct wheel_block *blocks;
};

/* Keeps context.  Takes memory as it grows, until wheel_finish.  slot_bits: slots are
 * 2^slot_bits ns wide, WHEEL_BITS..WHEEL_BITS_MAX; what comes does not depend on it.  A
 * slot should hold some hundred items, and be no wider than the time from most pushes to
 * their instants. */
void wheel_init(struct wheel *w, int slot_bits, wheel_order *is_before,
                const void *context);
void wheel_finish(struct wheel *w);

/* An instant before what was popped last is allowed, and comes next. */
void wheel_push(struct wheel *w, int64_t at_ns, uint64_t value);

/* Take the earliest out.  False when empty. */
bool wheel_pop(struct wheel *w, struct wheel_item *item);

/* When the earliest is due; TIME_NEVER when empty. */
int64_t wheel_next_ns(struct wheel *w);

/* A guess at what will be popped k pops from now; false when there is none. */
static inline bool wheel_ahead(const struct wheel *w, size_t k, uint64_t *value)
{
    if (w->run_at + k >= w->run.count)
        return false;
    *value = w->run.items[w->run_at + k].value;
    return true;
}

#endif
