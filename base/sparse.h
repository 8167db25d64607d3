/* Tables by a small number, of which only the rows in use take memory: a set of the
 * numbers, and the rows side by side in ascending order.  A number keeps its meaning
 * whatever comes and goes; a pointer into the rows is void after the next add or remove.
 *
 * The owner declares the rows by their type, with the set beside them.
 * SPDX-License-Identifier: MIT */
#ifndef BASE_SPARSE_H
#define BASE_SPARSE_H

#include <stdbool.h>

#include "base/pool.h"

#define SPARSE_MAX 128 /* numbers 0..SPARSE_MAX-1 */

/* Zeroed: empty. */
struct sparse {
    uint64_t used[SPARSE_MAX / 64];
    uint8_t count;
    uint8_t room; /* rows that there is memory for */
};

static inline bool sparse_has(const struct sparse *s, int number)
{
    return number >= 0 && number < SPARSE_MAX &&
           (s->used[number / 64] >> number % 64 & 1) != 0;
}

/* Ones in a word (Hacker's Delight, 5-1): the plainest processors have no instruction. */
static inline int sparse_ones(uint64_t x)
{
    x -= x >> 1 & UINT64_C(0x5555555555555555);
    x = (x & UINT64_C(0x3333333333333333)) + (x >> 2 & UINT64_C(0x3333333333333333));
    x = (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (int)(x * UINT64_C(0x0101010101010101) >> 56);
}

/* Where the row of this number is, or would be: the rows of smaller ones.  Mostly all of
 * them are in use, as numbers are given from below. */
static inline int sparse_place(const struct sparse *s, int number)
{
    uint64_t below = (UINT64_C(1) << (unsigned)number % 64) - 1;

    if (number >= 64)
        return sparse_ones(s->used[0]) + sparse_ones(s->used[1] & below);
    return (s->used[0] & below) == below ? number : sparse_ones(s->used[0] & below);
}

/* The first number in use from this one on; -1: none.  So a loop over all of them is
 * for (int i = sparse_next(s, 0); i >= 0; i = sparse_next(s, i + 1)). */
static inline int sparse_next(const struct sparse *s, int number)
{
    for (int word = number / 64; word < SPARSE_MAX / 64; word++) {
        uint64_t left = s->used[word];

        if (word == number / 64)
            left &= ~((UINT64_C(1) << (unsigned)number % 64) - 1);
        if (left != 0)
            return 64 * word + __builtin_ctzll(left);
    }
    return -1;
}

/* A zeroed row of size bytes for a number that has none.  The rows as they are now. */
void *sparse_add(struct sparse *s, struct heap *h, void *rows, int number, size_t size);

/* The row of this number is no more.  The rows as they are now, NULL for none. */
void *sparse_remove(struct sparse *s, struct heap *h, void *rows, int number,
                    size_t size);

/* All rows are no more. */
void sparse_clear(struct sparse *s, struct heap *h, void *rows, size_t size);

#endif
