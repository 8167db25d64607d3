/* A queue of rows of a few integers that differ little from one row to the next: each is
 * kept as what it differs by, in as many bytes as that takes (LEB128, zigzag), in memory
 * that follows the length.  Any integers are kept exactly.  Rows are read from the oldest
 * on.
 *
 * The owner passes the heap, always the same.
 * SPDX-License-Identifier: MIT */
#ifndef BASE_DELTAS_H
#define BASE_DELTAS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"

#define DELTAS_WIDTH_MAX 5 /* integers in a row */

/* Zeroed but for width: empty. */
struct deltas {
    uint8_t *bytes; /* from the heap */
    uint16_t room;
    uint16_t len;
    uint16_t count;                   /* rows */
    uint8_t width;                    /* 1..DELTAS_WIDTH_MAX */
    int64_t before[DELTAS_WIDTH_MAX]; /* the first row differs from this … */
    int64_t last[DELTAS_WIDTH_MAX];   /* … and this is the newest */
};

/* Where a reader stands. */
struct deltas_reader {
    const struct deltas *deltas;
    int at; /* of the next row in bytes */
    int64_t row[DELTAS_WIDTH_MAX];
};

/* Add a row of width integers behind the others. */
void deltas_push(struct deltas *d, struct heap *h, const int64_t row[]);

/* Forget the oldest row; there must be one. */
void deltas_pop(struct deltas *d, struct heap *h);

/* Put another row in place of the newest; there must be one. */
void deltas_amend(struct deltas *d, struct heap *h, const int64_t row[]);

/* Forget all, and give the memory back. */
void deltas_clear(struct deltas *d, struct heap *h);

/* Read from the oldest row on: false behind the newest, else r->row is the next one.
 * Void after a push, a pop or a clear. */
struct deltas_reader deltas_read(const struct deltas *d);
bool deltas_next(struct deltas_reader *r);

#endif
