/* What the core has to say: one line per decision, kept in a bounded buffer that the
 * driver empties after each step.  The core has no file to write to.
 *
 * error: someone must act; warn: we lost something; info: a state changed; debug: why.
 * SPDX-License-Identifier: MIT */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

#include "base/text.h"

#define LOG_LINE_MAX  200
#define LOG_LINES_MAX 32

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log_line {
    enum log_level level;
    char text[LOG_LINE_MAX];
};

struct log {
    enum log_level level; /* lines above it are not kept */
    int count;
    int64_t dropped; /* lines that found the buffer full since the start */
    struct log_line lines[LOG_LINES_MAX];
};

/* Begin a line "module event"; add " key=value" pairs to the text that is returned.  It
 * is never NULL: a line that is not kept goes to a scratch place inside the log. */
struct text log_begin(struct log *l, enum log_level level, const char *module,
                      const char *event);

/* Add " key=value" to a line. */
void log_text(struct text *t, const char *key, const char *value);
void log_int(struct text *t, const char *key, int64_t value);

/* The first four bytes of an id in hex. */
void log_id(struct text *t, const char *key, const uint8_t *id);

#endif
