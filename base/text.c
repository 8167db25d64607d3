/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <assert.h>
#include <string.h>

void text_init(struct text *t, char *data, size_t size)
{
    assert(size >= 1);
    *t = (struct text){ .data = data, .size = size };
    data[0] = '\0';
}

void text_add_len(struct text *t, const char *s, size_t len)
{
    size_t room = t->size - 1 - t->len;

    if (len > room) {
        len = room;
        t->is_cut = true;
    }
    if (len > 0)
        memcpy(t->data + t->len, s, len);
    t->len += len;
    t->data[t->len] = '\0';
}

void text_add(struct text *t, const char *s)
{
    text_add_len(t, s, strlen(s));
}

/* The digits of value, at least min_digits of them, into the end of buf; their start. */
static char *digits_of(uint64_t value, int min_digits, char buf[static 32])
{
    char *p = buf + 31;

    *p = '\0';
    do {
        *--p = (char)('0' + value % 10);
        value /= 10;
        min_digits--;
    } while (value > 0 || min_digits > 0);
    return p;
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value;
}

void text_add_int(struct text *t, int64_t value)
{
    char buf[32];

    if (value < 0)
        text_add(t, "-");
    text_add(t, digits_of(magnitude(value), 1, buf));
}

void text_add_hex(struct text *t, const uint8_t *data, size_t len)
{
    static const char hex[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        char pair[2] = { hex[data[i] >> 4], hex[data[i] & 15] };

        text_add_len(t, pair, sizeof(pair));
    }
}

void text_copy(char *to, size_t size, const char *s, size_t len)
{
    assert(size >= 1);
    if (len > size - 1) {
        len = size - 1;
        while (len > 0 && ((unsigned char)s[len] & 0xc0) == 0x80)
            len--;
    }
    if (len > 0)
        memcpy(to, s, len);
    to[len] = '\0';
}

/* The length of the well-formed sequence at s, or 0. */
static size_t sequence_len(const unsigned char *s, size_t left)
{
    static const struct {
        unsigned char mask, lead;
        size_t len;
        uint32_t least;
    } forms[] = { { 0xe0, 0xc0, 2, 0x80 },
                  { 0xf0, 0xe0, 3, 0x800 },
                  { 0xf8, 0xf0, 4, 0x10000 } };

    if (s[0] < 0x80)
        return s[0] != 0;
    for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
        uint32_t code = s[0] & (unsigned char)~forms[f].mask;

        if ((s[0] & forms[f].mask) != forms[f].lead)
            continue;
        if (left < forms[f].len)
            return 0;
        for (size_t i = 1; i < forms[f].len; i++) {
            if ((s[i] & 0xc0) != 0x80)
                return 0;
            code = code << 6 | (s[i] & 0x3f);
        }
        if (code < forms[f].least || code > 0x10ffff ||
            (code >= 0xd800 && code <= 0xdfff))
            return 0;
        return forms[f].len;
    }
    return 0;
}

bool text_is_utf8(const char *s, size_t len)
{
    const unsigned char *p = (const unsigned char *)s;

    while (len > 0) {
        size_t n = sequence_len(p, len);

        if (n == 0)
            return false;
        p += n;
        len -= n;
    }
    return true;
}
