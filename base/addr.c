/* SPDX-License-Identifier: MIT */
#include "base/addr.h"

#include <string.h>

#include "base/bytes.h"
#include "base/text.h"

bool addr_same_ip(const struct addr *a, const struct addr *b)
{
    return a->len == b->len && memcmp(a->ip, b->ip, a->len) == 0;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
    return a->port == b->port && addr_same_ip(a, b);
}

bool addr_is_any(const struct addr *a)
{
    for (int i = 0; i < a->len; i++) {
        if (a->ip[i] != 0)
            return false;
    }
    return a->len > 0;
}

static void add_ip4(struct text *t, const uint8_t ip[static 4])
{
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            text_add(t, ".");
        text_add_int(t, ip[i]);
    }
}

static void add_hex16(struct text *t, unsigned value)
{
    static const char hex[] = "0123456789abcdef";
    bool started = false;

    for (int shift = 12; shift >= 0; shift -= 4) {
        unsigned nibble = value >> shift & 15;

        if (nibble == 0 && !started && shift > 0)
            continue;
        started = true;
        text_add_len(t, &hex[nibble], 1);
    }
}

/* RFC 5952: the longest run of two or more zero groups becomes "::". */
static void add_ip6(struct text *t, const uint8_t ip[static 16])
{
    int best = 8;
    int best_len = 1;

    for (int i = 0; i < 8; i++) {
        int n = 0;

        while (i + n < 8 && load_be16(ip + 2 * (i + n)) == 0)
            n++;
        if (n > best_len) {
            best = i;
            best_len = n;
        }
    }
    for (int i = 0; i < 8; i++) {
        if (i == best) {
            text_add(t, "::");
            i += best_len - 1;
            continue;
        }
        if (i > 0 && i != best + best_len)
            text_add(t, ":");
        add_hex16(t, load_be16(ip + 2 * i));
    }
}

void addr_format(const struct addr *a, char text[static ADDR_TEXT_MAX])
{
    struct text t;

    text_init(&t, text, ADDR_TEXT_MAX);
    if (a->len == 4) {
        add_ip4(&t, a->ip);
    } else if (a->len == 16) {
        text_add(&t, "[");
        add_ip6(&t, a->ip);
        text_add(&t, "]");
    } else {
        text_add(&t, "-");
        return;
    }
    text_add(&t, ":");
    text_add_int(&t, a->port);
}

/* Read a decimal number of at most max; the byte behind it, or NULL. */
static const char *read_number(const char *s, int max, int *value)
{
    int v = 0;
    int digits = 0;

    for (; *s >= '0' && *s <= '9' && digits < 6; s++, digits++)
        v = v * 10 + (*s - '0');
    if (digits == 0 || v > max)
        return NULL;
    *value = v;
    return s;
}

static const char *read_ip4(const char *s, uint8_t ip[static 4])
{
    for (int i = 0; i < 4; i++) {
        int v;

        if (i > 0 && *s++ != '.')
            return NULL;
        s = read_number(s, 255, &v);
        if (s == NULL)
            return NULL;
        ip[i] = (uint8_t)v;
    }
    return s;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static const char *read_group(const char *s, uint8_t to[static 2])
{
    unsigned v = 0;
    int digits = 0;

    for (; hex_digit(*s) >= 0 && digits < 4; s++, digits++)
        v = v << 4 | (unsigned)hex_digit(*s);
    store_be16(to, (uint16_t)v);
    return digits == 0 ? NULL : s;
}

/* Up to the closing bracket; groups before "::" stay in front, the others move behind. */
static const char *read_ip6(const char *s, uint8_t ip[static 16])
{
    uint8_t got[16] = { 0 };
    int n = 0;
    int gap = -1;

    if (s[0] == ':' && s[1] != ':')
        return NULL;
    while (*s != ']') {
        if (s[0] == ':' && s[1] == ':') {
            if (gap >= 0)
                return NULL;
            gap = n;
            s += 2;
            continue;
        }
        if (n == 8)
            return NULL;
        s = read_group(s, got + 2 * n);
        if (s == NULL || (*s != ':' && *s != ']'))
            return NULL;
        n++;
        if (s[0] == ':' && s[1] != ':' && hex_digit(*++s) < 0)
            return NULL;
    }
    if (gap < 0 ? n != 8 : n > 7)
        return NULL;
    if (gap < 0)
        gap = n;
    memset(ip, 0, 16);
    memcpy(ip, got, (size_t)gap * 2);
    memcpy(ip + 16 - 2 * (n - gap), got + 2 * gap, (size_t)(n - gap) * 2);
    return s;
}

int addr_parse(const char *text, uint16_t port, struct addr *a)
{
    struct addr result = { .port = port };
    const char *s = text;
    int value;

    if (*s == '[') {
        result.len = 16;
        s = read_ip6(s + 1, result.ip);
        if (s != NULL)
            s++;
    } else {
        result.len = 4;
        s = read_ip4(s, result.ip);
    }
    if (s != NULL && *s == ':') {
        s = read_number(s + 1, 65535, &value);
        if (s != NULL)
            result.port = (uint16_t)value;
    }
    if (s == NULL || *s != '\0')
        return ERR_USAGE;
    *a = result;
    return 0;
}
