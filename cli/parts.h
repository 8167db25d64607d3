/* Pieces that the pictures of a reply share.  SPDX-License-Identifier: MIT */
#ifndef CLI_PARTS_H
#define CLI_PARTS_H

#include "cli/put.h"

#define PART_NAME_COLUMNS  22
#define PART_TITLE_COLUMNS 34
#define PART_UNKNOWN       INT64_MIN /* of a number that a reply does not have */

/* The value of a key, encoded; empty when there is none. */
struct bytes part_get(struct bytes map, const char *key);

/* True when the text is s. */
bool part_is(struct bytes text, const char *s);

/* Items of the array under a key. */
int part_count(struct bytes map, const char *key);

/* What separates, and what stands for "not known". */
const char *part_dot(const struct style *s);
const char *part_none(const struct style *s);

/* "s", but not of one. */
const char *part_plural(int64_t n);

/* The nanoseconds under a key. */
void part_put_known_ns(struct text *t, const struct style *s, struct bytes map,
                       const char *key);

/* Song number slot of a party's pool, or empty. */
struct bytes part_song(struct bytes party, int64_t slot);

void part_put_title(struct text *t, const struct style *s, struct bytes song, int width);

/* The word that begins a line: "clock ". */
void part_put_label(struct text *t, const struct style *s, const char *label);

/* The line about the clock: "locked to the host, +-60 us, … UTC +-2 ms". */
void part_put_clock(struct text *t, const struct style *s, struct bytes clock);

#endif
