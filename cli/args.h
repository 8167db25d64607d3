/* Options and operands of one verb, from the command line.
 * SPDX-License-Identifier: MIT */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define ARGS_OPTIONS_MAX  16
#define ARGS_OPERANDS_MAX 4096

struct args_option {
    const char *name; /* "--json" */
    bool has_value;
};

/* values[i] is that of option i: NULL when it was not given, "" for a flag. */
struct args {
    const char *values[ARGS_OPTIONS_MAX];
    char **operands; /* borrowed from argv, which is sorted anew */
    int operand_count;
};

/* Read argv, which is what stands behind the verb.  "--" ends the options; "-" and a
 * digit is an operand ("seek -10").  "--name=value" and "--name value" are the same.
 * Errors: ERR_USAGE; message then says what is wrong. */
MUST_USE int args_parse(int argc, char *argv[], const struct args_option *options,
                        int count, struct args *out, char *message, size_t size);

/* A whole number from least to most.  False when s is anything else. */
bool args_number(const char *s, long least, long most, long *value);

/* Read "83", "1:23", "1:02:03", "90s", "2m", "1.5", "500ms" as milliseconds; a plain
 * number is seconds.  False when it is anything else, or beyond a day. */
bool args_time(const char *s, int64_t *ms);

/* Read "12.5ms", "-800us", "+0.2s" and "0" as microseconds; any other number has a unit.
 * False when it is anything else, or beyond 2 s. */
bool args_micros(const char *s, int64_t *us);

/* Of count words the one that somebody who wrote word may have meant, or NULL: at most
 * two letters wrong, missing, too many or swapped, and less than half of it. */
const char *args_nearest(const char *word, const char *const words[], int count);

#endif
