/* Values as people write them in experiment files and on the command line: numbers with
 * a unit, in fixed point, to integers.  SPDX-License-Identifier: MIT */
#ifndef SIM_VALUE_H
#define SIM_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#define VALUE_TEXT_MAX 64

enum value_kind {
    VALUE_INT,   /* 12 */
    VALUE_TIME,  /* 20ms, 1.5s, 10min, 1h, 250us, 40ns: nanoseconds */
    VALUE_SHARE, /* 1%, 0.5%: millionths */
    VALUE_BYTES, /* 64, 4KiB, 1MiB: bytes */
    VALUE_RATE,  /* 40Mbit, 512kbit: bits per second */
    VALUE_BOOL   /* yes, no */
};

/* Read the whole text as one value.  False when it is none; *why then says what is
 * expected, for a person. */
bool value_parse(enum value_kind kind, const char *text, int64_t *value,
                 const char **why);

/* The shortest way to write it that value_parse reads back. */
void value_format(enum value_kind kind, int64_t value, char text[static VALUE_TEXT_MAX]);

#endif
