/* SPDX-License-Identifier: MIT */
#include "cli/args.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/time.h"

#define WORD_MAX     24
#define DISTANCE_MAX 2
#define MICROS_MAX   INT64_C(2000000)
#define DAY_MS       INT64_C(86400000)

static int find(const char *arg, const struct args_option *options, int count,
                const char **value)
{
    size_t len = strcspn(arg, "=");

    *value = arg[len] == '=' ? arg + len + 1 : NULL;
    for (int i = 0; i < count; i++) {
        if (strlen(options[i].name) == len && strncmp(arg, options[i].name, len) == 0)
            return i;
    }
    return -1;
}

static bool is_operand(const char *arg)
{
    return arg[0] != '-' || arg[1] == '\0' || (arg[1] >= '0' && arg[1] <= '9');
}

int args_parse(int argc, char *argv[], const struct args_option *options, int count,
               struct args *out, char *message, size_t size)
{
    int kept = 0;
    int i;

    assert(count <= ARGS_OPTIONS_MAX);
    *out = (struct args){ .operands = argv };
    for (i = 0; i < argc; i++) {
        const char *value;
        int o;

        if (strcmp(argv[i], "--") == 0)
            break;
        if (is_operand(argv[i])) {
            argv[kept++] = argv[i];
            continue;
        }
        o = find(strcmp(argv[i], "-h") == 0 ? "--help" : argv[i], options, count, &value);
        if (o < 0) {
            snprintf(message, size, "%s: no such option", argv[i]);
            return ERR_USAGE;
        }
        if (!options[o].has_value && value != NULL) {
            snprintf(message, size, "%s: takes no value", options[o].name);
            return ERR_USAGE;
        }
        if (options[o].has_value && value == NULL && i + 1 == argc) {
            snprintf(message, size, "%s: its value is missing", options[o].name);
            return ERR_USAGE;
        }
        if (options[o].has_value && value == NULL)
            value = argv[++i];
        out->values[o] = value != NULL ? value : "";
    }
    for (i++; i < argc; i++)
        argv[kept++] = argv[i];
    out->operand_count = kept;
    return 0;
}

bool args_number(const char *s, long least, long most, long *value)
{
    char *end;
    long v;

    if (*s < '0' || *s > '9' || strlen(s) > 9)
        return false;
    v = strtol(s, &end, 10);
    if (*end != '\0' || v < least || v > most)
        return false;
    *value = v;
    return true;
}

/* Digits at *s; false when there are none, or too many for a day. */
static bool read_int(const char **s, int64_t *value)
{
    int digits = 0;

    for (*value = 0; **s >= '0' && **s <= '9'; (*s)++) {
        if (++digits > 9)
            return false;
        *value = *value * 10 + (**s - '0');
    }
    return digits > 0;
}

/* ".5" and the like, in thousandths. */
static int64_t read_thousandths(const char **s)
{
    int64_t v = 0;

    if (**s != '.')
        return 0;
    (*s)++;
    for (int64_t unit = 100; **s >= '0' && **s <= '9'; (*s)++, unit /= 10)
        v += unit * (**s - '0');
    return v;
}

static bool read_unit(const char *s, int64_t thousandths, int64_t *ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = { { "", 1000 },   { "s", 1000 },    { "ms", 1 },
                  { "m", 60000 }, { "min", 60000 }, { "h", 3600000 } };

    for (int i = 0; i < COUNT(units); i++) {
        if (strcmp(s, units[i].unit) == 0) {
            *ms = mul_div(thousandths, units[i].ms, 1000);
            return true;
        }
    }
    return false;
}

bool args_time(const char *s, int64_t *ms)
{
    int64_t parts[3];
    int count = 0;
    int64_t out;
    int64_t fraction;

    do {
        if (count == 3 || !read_int(&s, &parts[count]))
            return false;
        if (count > 0 && parts[count] > 59)
            return false;
        count++;
    } while (*s == ':' && *s++ == ':');
    fraction = read_thousandths(&s);
    if (count == 1) {
        if (!read_unit(s, parts[0] * 1000 + fraction, &out))
            return false;
    } else {
        int64_t sum = 0;

        if (*s != '\0')
            return false;
        for (int i = 0; i < count; i++)
            sum = sum * 60 + parts[i];
        out = sum * 1000 + fraction;
    }
    if (out > DAY_MS)
        return false;
    *ms = out;
    return true;
}

bool args_micros(const char *s, int64_t *us)
{
    static const struct {
        const char *unit;
        int64_t us;
    } units[] = { { "us", 1 }, { "ms", 1000 }, { "s", 1000000 } };
    bool is_negative = *s == '-';
    int64_t whole;
    int64_t thousandths;

    s += *s == '-' || *s == '+';
    if (!read_int(&s, &whole))
        return false;
    thousandths = whole * 1000 + read_thousandths(&s);
    if (*s == '\0' && thousandths == 0) {
        *us = 0;
        return true;
    }
    for (int i = 0; i < COUNT(units); i++) {
        int64_t v = mul_div(thousandths, units[i].us, 1000);

        if (strcmp(s, units[i].unit) != 0 || v > MICROS_MAX)
            continue;
        *us = is_negative ? -v : v;
        return true;
    }
    return false;
}

static int min3(int a, int b, int c)
{
    int least = a < b ? a : b;

    return least < c ? least : c;
}

/* Damerau and Levenshtein: letters wrong, missing, too many, or two swapped. */
static int distance(const char *a, const char *b)
{
    int d[WORD_MAX + 1][WORD_MAX + 1];
    int n = (int)strlen(a);
    int m = (int)strlen(b);

    if (n > WORD_MAX || m > WORD_MAX)
        return WORD_MAX;
    for (int i = 0; i <= n; i++)
        d[i][0] = i;
    for (int k = 0; k <= m; k++)
        d[0][k] = k;
    for (int i = 1; i <= n; i++) {
        for (int k = 1; k <= m; k++) {
            int cost = a[i - 1] != b[k - 1];

            d[i][k] = min3(d[i - 1][k] + 1, d[i][k - 1] + 1, d[i - 1][k - 1] + cost);
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
                d[i][k] = min3(d[i][k], d[i - 2][k - 2] + 1, d[i][k]);
        }
    }
    return d[n][m];
}

const char *args_nearest(const char *word, const char *const words[], int count)
{
    const char *best = NULL;
    int best_distance = DISTANCE_MAX + 1;

    for (int i = 0; i < count; i++) {
        int n = distance(word, words[i]);

        if (n < best_distance && 2 * n < (int)strlen(words[i])) {
            best = words[i];
            best_distance = n;
        }
    }
    return best;
}
