/* Numbers, times and names as a person reads them.
 *
 * Everything goes into a struct text, so that a screen is made whole before it is shown.
 * What came from other people is cleaned: it must not steer the terminal.
 * SPDX-License-Identifier: MIT */
#ifndef CLI_PUT_H
#define CLI_PUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/text.h"

/* What the terminal can show. */
struct style {
    bool has_color;
    bool has_utf8; /* false: only ASCII of our own */
    int width;     /* columns */
};

enum paint { PAINT_NONE, PAINT_BOLD, PAINT_DIM, PAINT_GOOD, PAINT_BAD };

/* printf to the end of t. */
__attribute__((format(printf, 2, 3))) void put(struct text *t, const char *format, ...);

/* Begin or, with PAINT_NONE, end a colour; nothing where there is none. */
void put_paint(struct text *t, const struct style *s, enum paint paint);

/* Text of somebody else's: control characters become "?". */
void put_clean(struct text *t, struct bytes text);

/* The same, cut to at most width columns, with "…" where something was cut. */
void put_cut(struct text *t, const struct style *s, struct bytes text, int width);

/* Columns that a text takes. */
int put_columns(const char *s, size_t len);

/* 67,000 is "1:07", 3,723,000 is "1:02:03". */
void put_clock(struct text *t, int64_t ms);

/* How long: "45 s", "12 min", "3 h 5 min", "2 d 4 h". */
void put_span(struct text *t, int64_t ms);

/* A duration with the unit that suits it: "850 ns", "12 µs", "1.3 ms", "2.10 s". */
void put_ns(struct text *t, const struct style *s, int64_t ns);

/* The same with its sign: "+12 µs". */
void put_error(struct text *t, const struct style *s, int64_t ns);

#endif
