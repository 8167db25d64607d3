/* SPDX-License-Identifier: MIT */
#include "sim/value.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

struct unit {
    enum value_kind kind;
    const char *name;
    int64_t scale;
};

/* Of each kind the largest first: so values are written. */
static const struct unit units[] = {
    { VALUE_INT, "", 1 },
    { VALUE_TIME, "d", INT64_C(86400000000000) },
    { VALUE_TIME, "h", INT64_C(3600000000000) },
    { VALUE_TIME, "min", INT64_C(60000000000) },
    { VALUE_TIME, "s", 1000000000 },
    { VALUE_TIME, "ms", 1000000 },
    { VALUE_TIME, "us", 1000 },
    { VALUE_TIME, "ns", 1 },
    { VALUE_SHARE, "%", 10000 },
    { VALUE_SHARE, "ppm", 1 },
    { VALUE_BYTES, "MiB", 1048576 },
    { VALUE_BYTES, "KiB", 1024 },
    { VALUE_BYTES, "", 1 },
    { VALUE_RATE, "Gbit", 1000000000 },
    { VALUE_RATE, "Mbit", 1000000 },
    { VALUE_RATE, "kbit", 1000 },
    { VALUE_RATE, "bit", 1 },
};

static const char *const expected[] = {
    [VALUE_INT] = "a whole number",
    [VALUE_TIME] = "a time with its unit, such as 20ms, 1.5s or 10min",
    [VALUE_SHARE] = "a share, such as 0.5%",
    [VALUE_BYTES] = "a number of bytes, such as 64 or 4KiB",
    [VALUE_RATE] = "a rate, such as 40Mbit",
    [VALUE_BOOL] = "yes or no",
};

static bool parse_bool(const char *text, int64_t *value)
{
    *value = strcmp(text, "yes") == 0 || strcmp(text, "true") == 0 ||
             strcmp(text, "on") == 0 || strcmp(text, "1") == 0;
    return *value != 0 || strcmp(text, "no") == 0 || strcmp(text, "false") == 0 ||
           strcmp(text, "off") == 0 || strcmp(text, "0") == 0;
}

/* Digits, a point and digits: whole + fraction / 10^places. */
static bool parse_digits(const char **at, int64_t *whole, int64_t *fraction, int *places)
{
    const char *begin = *at;

    *whole = *fraction = *places = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        if (*whole > (INT64_MAX - 9) / 10)
            return false;
        *whole = *whole * 10 + (**at - '0');
    }
    if (*at == begin)
        return false;
    if (**at != '.')
        return true;
    for ((*at)++; **at >= '0' && **at <= '9' && *places < 9; (*at)++) {
        *fraction = *fraction * 10 + (**at - '0');
        (*places)++;
    }
    return *places > 0;
}

static bool scale(int64_t whole, int64_t fraction, int places, int64_t unit,
                  int64_t *value)
{
    __extension__ typedef __int128 wide;
    wide sum = (wide)whole * unit;
    wide part = (wide)fraction * unit;

    for (int i = 0; i < places; i++) {
        if (part % 10 != 0)
            return false; /* finer than the least unit */
        part /= 10;
    }
    sum += part;
    if (sum > INT64_MAX)
        return false;
    *value = (int64_t)sum;
    return true;
}

bool value_parse(enum value_kind kind, const char *text, int64_t *value, const char **why)
{
    const char *at = text;
    bool is_negative = *at == '-';
    int64_t whole;
    int64_t fraction;
    int places;

    *why = expected[kind];
    if (kind == VALUE_BOOL)
        return parse_bool(text, value);
    if (kind == VALUE_TIME && strcmp(text, "never") == 0) {
        *value = INT64_MAX;
        return true;
    }
    at += is_negative;
    if (!parse_digits(&at, &whole, &fraction, &places))
        return false;
    if (whole == 0 && fraction == 0 && *at == '\0') { /* 0 needs no unit */
        *value = 0;
        return true;
    }
    for (int i = 0; i < COUNT(units); i++) {
        if (units[i].kind != kind || strcmp(units[i].name, at) != 0)
            continue;
        if (!scale(whole, fraction, places, units[i].scale, value))
            return false;
        *value = is_negative ? -*value : *value;
        return true;
    }
    return false;
}

void value_format(enum value_kind kind, int64_t value, char text[static VALUE_TEXT_MAX])
{
    if (kind == VALUE_BOOL) {
        (void)snprintf(text, VALUE_TEXT_MAX, "%s", value != 0 ? "yes" : "no");
        return;
    }
    if (kind == VALUE_TIME && value == INT64_MAX) {
        (void)snprintf(text, VALUE_TEXT_MAX, "never");
        return;
    }
    for (int i = 0; i < COUNT(units); i++) {
        if (units[i].kind != kind || value % units[i].scale != 0)
            continue;
        (void)snprintf(text, VALUE_TEXT_MAX, "%lld%s",
                       (long long)(value / units[i].scale),
                       value == 0 ? "" : units[i].name);
        return;
    }
}
