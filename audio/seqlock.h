/* A value that one thread writes and others read without ever waiting for it.
 *
 * Every word is atomic, so there is no data race to reason away: a word is stored with
 * release after the sequence turned odd, hence a reader that meets a new word with
 * acquire also sees that the sequence has moved.  Source: Boehm, "Can seqlocks get along
 * with programming language memory models?" (2012), section 4.
 * SPDX-License-Identifier: MIT */
#ifndef AUDIO_SEQLOCK_H
#define AUDIO_SEQLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seqlock;

/* For values of size bytes, zeroes to begin with; seqlock_destroy releases it. */
struct seqlock *seqlock_create(size_t size);
void seqlock_destroy(struct seqlock *l);

/* Store a value.  One writer at a time. */
void seqlock_write(struct seqlock *l, const void *value);

/* How many values have been stored: 0 means none yet. */
uint32_t seqlock_version(const struct seqlock *l);

/* Copy the value.  False, and value is garbage, when writers interfered four times in a
 * row: go on with the last one. */
bool seqlock_read(const struct seqlock *l, void *value);

#endif
