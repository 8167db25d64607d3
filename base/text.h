/* Text built in the caller's buffer: what printf would do, for code that must not use it,
 * and always bounded and NUL-terminated.  SPDX-License-Identifier: MIT */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A text under construction.  What does not fit is cut, and is_cut says so. */
struct text {
    char *data;
    size_t size; /* of data, the NUL included; at least 1 */
    size_t len;  /* without the NUL */
    bool is_cut;
};

/* Start an empty text in data, which it borrows. */
void text_init(struct text *t, char *data, size_t size);

void text_add(struct text *t, const char *s);
void text_add_len(struct text *t, const char *s, size_t len);
void text_add_int(struct text *t, int64_t value);

void text_add_hex(struct text *t, const uint8_t *data, size_t len);

/* Copy s, cut to size - 1 bytes at a UTF-8 border, and end it with a NUL. */
void text_copy(char *to, size_t size, const char *s, size_t len);

/* True when the bytes are well-formed UTF-8 without NUL (RFC 3629). */
bool text_is_utf8(const char *s, size_t len);

#endif
