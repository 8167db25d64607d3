/* SPDX-License-Identifier: MIT */
#include "cli/put.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "base/time.h"

void put(struct text *t, const char *format, ...)
{
    char line[1024];
    va_list args;
    int n;

    va_start(args, format);
    /* clang-tidy 14 forgets va_start in every file but its first. */
    n = vsnprintf(line, sizeof(line), format, args); // NOLINT(clang-analyzer-valist.*)
    va_end(args);
    if (n > 0)
        text_add(t, line);
}

void put_paint(struct text *t, const struct style *s, enum paint paint)
{
    static const char *const codes[] = { "\033[0m", "\033[1m", "\033[2m", "\033[32m",
                                         "\033[33m" };

    if (s->has_color)
        text_add(t, codes[paint]);
}

/* Decode the UTF-8 character at s; its bytes, at least 1.  What is none is "?". */
static size_t next_char(const unsigned char *s, size_t left, uint32_t *code)
{
    size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc0 ? 2 : 1;
    uint32_t c = len == 1 ? s[0] : s[0] & (0xffu >> (len + 1));

    *code = '?';
    if (len > left)
        return 1;
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 1;
        c = c << 6 | (s[i] & 0x3f);
    }
    if (len > 1 || s[0] < 0x80)
        *code = c;
    return len;
}

/* Control characters, and those that turn the direction of a line. */
static bool is_steering(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200e && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static int width_of(uint32_t c)
{
    int w = c < 0x80 ? 1 : wcwidth((wchar_t)c);

    return w < 0 ? 1 : w;
}

int put_columns(const char *s, size_t len)
{
    const unsigned char *p = (const unsigned char *)s;
    int sum = 0;

    while (len > 0) {
        uint32_t c;
        size_t n = next_char(p, len, &c);

        if (c == 0x1b) { /* a colour of our own takes no room */
            while (n < len && p[n - 1] != 'm')
                n++;
        } else {
            sum += width_of(c);
        }
        p += n;
        len -= n;
    }
    return sum;
}

static void put_char(struct text *t, const unsigned char *p, size_t n, uint32_t c)
{
    if (is_steering(c) || (c == '?' && n == 1))
        text_add(t, "?");
    else
        text_add_len(t, (const char *)p, n);
}

void put_clean(struct text *t, struct bytes text)
{
    for (size_t i = 0; i < text.len;) {
        uint32_t c;
        size_t n = next_char(text.data + i, text.len - i, &c);

        put_char(t, text.data + i, n, c);
        i += n;
    }
}

/* Columns that put_clean fills. */
static int clean_columns(struct bytes text)
{
    int sum = 0;

    for (size_t i = 0; i < text.len;) {
        uint32_t c;

        i += next_char(text.data + i, text.len - i, &c);
        sum += is_steering(c) ? 1 : width_of(c);
    }
    return sum;
}

void put_cut(struct text *t, const struct style *s, struct bytes text, int width)
{
    const char *dots = s->has_utf8 ? "…" : "~";
    int left = width;

    if (clean_columns(text) <= width) {
        put_clean(t, text);
        return;
    }
    for (size_t i = 0; i < text.len;) {
        uint32_t c;
        size_t n = next_char(text.data + i, text.len - i, &c);
        int w = is_steering(c) ? 1 : width_of(c);

        if (w > left - 1)
            break;
        left -= w;
        put_char(t, text.data + i, n, c);
        i += n;
    }
    text_add(t, dots);
}

void put_clock(struct text *t, int64_t ms)
{
    int64_t s = ms / 1000;

    if (ms < 0)
        s = 0;
    if (s >= 3600)
        put(t, "%d:%02d:%02d", (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
    else
        put(t, "%d:%02d", (int)(s / 60), (int)(s % 60));
}

void put_span(struct text *t, int64_t ms)
{
    int64_t s = ms / 1000;

    if (s < 120)
        put(t, "%d s", (int)s);
    else if (s < 2 * 3600)
        put(t, "%d min", (int)(s / 60));
    else if (s < 48 * 3600)
        put(t, "%d h %d min", (int)(s / 3600), (int)(s / 60 % 60));
    else
        put(t, "%d d %d h", (int)(s / 86400), (int)(s / 3600 % 24));
}

void put_ns(struct text *t, const struct style *s, int64_t ns)
{
    const char *micro = s->has_utf8 ? "µs" : "us";
    double v = (double)ns;
    double size = v < 0 ? -v : v;

    if (size < 999.5)
        put(t, "%d ns", (int)ns);
    else if (size < 9950)
        put(t, "%.1f %s", v / 1e3, micro);
    else if (size < 999.5e3)
        put(t, "%.0f %s", v / 1e3, micro);
    else if (size < 9.95e6)
        put(t, "%.1f ms", v / 1e6);
    else if (size < 999.5e6)
        put(t, "%.0f ms", v / 1e6);
    else
        put(t, "%.2f s", v / 1e9);
}

void put_error(struct text *t, const struct style *s, int64_t ns)
{
    if (ns >= 0)
        text_add(t, "+");
    put_ns(t, s, ns);
}
