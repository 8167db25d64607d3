/* SPDX-License-Identifier: MIT */
#include "sim/spec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/memory.h"

#define TEXT_MAX ((size_t)1 << 20)
#define SEED_MAX 1000000000000

void spec_init(struct spec *s)
{
    *s = (struct spec){ .first = 1, .last = 1 };
}

static bool read_number(const char **at, uint64_t *n)
{
    char *end;

    if (**at < '0' || **at > '9')
        return false;
    errno = 0;
    *n = strtoull(*at, &end, 10);
    *at = end;
    return errno == 0 && *n <= SEED_MAX;
}

bool spec_read_seeds(const char *text, uint64_t *first, uint64_t *last)
{
    uint64_t a;
    uint64_t b;

    if (!read_number(&text, &a))
        return false;
    b = a;
    if (strncmp(text, "..", 2) == 0) {
        text += 2;
        if (!read_number(&text, &b))
            return false;
    }
    if (*text != '\0' || b < a)
        return false;
    *first = a;
    *last = b;
    return true;
}

static bool complain(char *why, const char *what)
{
    (void)snprintf(why, SETUP_WHY_MAX, "%s", what);
    return false;
}

/* Is it a thing that can be set to this? */
static bool try_set(const char *name, const char *value, char *why)
{
    struct setup *setup = memory_new(1, sizeof(*setup));
    bool is_set;

    setup_default(setup);
    is_set = setup_set(setup, name, value, why);
    setup_finish(setup);
    free(setup);
    return is_set;
}

bool spec_set(struct spec *s, const char *name, const char *value,
              char why[static SETUP_WHY_MAX])
{
    struct spec_fixed *f;

    if (strlen(name) >= SPEC_NAME_MAX || strlen(value) >= SPEC_VALUE_MAX)
        return complain(why, "this name or value is too long");
    if (strcmp(name, "kind") == 0) {
        (void)snprintf(s->kind, sizeof(s->kind), "%.63s", value);
        return true;
    }
    if (strcmp(name, "seeds") == 0)
        return spec_read_seeds(value, &s->first, &s->last) ||
               complain(why, "seeds are a number or a range such as 1..20");
    if (!try_set(name, value, why))
        return false;
    if (s->fixed_count == SPEC_FIXED_MAX)
        return complain(why, "more than 64 things are set");
    f = &s->fixed[s->fixed_count++];
    (void)snprintf(f->name, sizeof(f->name), "%s", name);
    (void)snprintf(f->value, sizeof(f->value), "%s", value);
    return true;
}

bool spec_add_vary(struct spec *s, const char *name, const char *values,
                   char why[static SETUP_WHY_MAX])
{
    char copy[SPEC_VALUES_MAX * SPEC_NAME_MAX];
    char *save = NULL;
    struct spec_vary *v;

    if (s->vary_count == SPEC_VARY_MAX)
        return complain(why, "more than 8 things vary");
    if (strlen(name) >= SPEC_NAME_MAX || strlen(values) >= sizeof(copy))
        return complain(why, "this name or list is too long");
    v = &s->vary[s->vary_count];
    *v = (struct spec_vary){ .count = 0 };
    (void)snprintf(v->name, sizeof(v->name), "%s", name);
    (void)snprintf(copy, sizeof(copy), "%s", values);
    for (char *w = strtok_r(copy, " ,\t", &save); w != NULL;
         w = strtok_r(NULL, " ,\t", &save)) {
        if (v->count == SPEC_VALUES_MAX || strlen(w) >= SPEC_NAME_MAX)
            return complain(why, "a list has up to 64 values of up to 63 characters");
        if (!try_set(name, w, why))
            return false;
        (void)snprintf(v->values[v->count++], SPEC_NAME_MAX, "%s", w);
    }
    if (v->count == 0)
        return complain(why, "a list needs at least one value");
    s->vary_count++;
    if (spec_points(s) <= SPEC_POINTS_MAX)
        return true;
    s->vary_count--;
    return complain(why, "more than 100000 combinations");
}

/* ---- the file ---- */

static const char *const sections[] = { "experiment", "net", "node", "vary" };

static char *trim(char *text)
{
    size_t len;

    text += strspn(text, " \t\r");
    len = strlen(text);
    while (len > 0 && strchr(" \t\r", text[len - 1]) != NULL)
        text[--len] = '\0';
    return text;
}

static bool read_section(char *line, int *section, char *why)
{
    size_t len = strlen(line);

    if (len > 2 && line[len - 1] == ']') {
        line[len - 1] = '\0';
        for (int i = 0; i < COUNT(sections); i++) {
            if (strcmp(trim(line + 1), sections[i]) == 0) {
                *section = i;
                return true;
            }
        }
    }
    return complain(why,
                    "no such section; there are [experiment], [net], [node], [vary]");
}

static bool read_entry(struct spec *s, char *line, int section, char *why)
{
    char *sign = strchr(line, '=');
    char full[SPEC_NAME_MAX + 4];
    const char *name;
    const char *value;

    if (section < 0)
        return complain(why, "this stands before the first section; begin with "
                             "[experiment]");
    if (sign == NULL)
        return complain(why, "a line is a [section], or name = value");
    *sign = '\0';
    name = trim(line);
    value = trim(sign + 1);
    if (strlen(name) >= SPEC_NAME_MAX)
        return complain(why, "this name is too long");
    if (section == 3)
        return spec_add_vary(s, name, value, why);
    (void)snprintf(full, sizeof(full), "%s%s", section == 1 ? "net." : "", name);
    return spec_set(s, full, value, why);
}

static bool read_line(struct spec *s, char *line, int *section, char *why)
{
    char *comment = strchr(line, '#');

    if (comment != NULL)
        *comment = '\0';
    line = trim(line);
    if (line[0] == '\0')
        return true;
    if (line[0] == '[')
        return read_section(line, section, why);
    return read_entry(s, line, *section, why);
}

bool spec_read_text(struct spec *s, const char *path, const char *text,
                    char why[static SETUP_WHY_MAX])
{
    char line[SPEC_VALUES_MAX * SPEC_NAME_MAX];
    char what[SETUP_WHY_MAX];
    int section = -1;
    int number = 0;

    for (const char *at = text; *at != '\0'; number++) {
        size_t len = strcspn(at, "\n");
        bool is_long = len >= sizeof(line);

        if (!is_long) {
            memcpy(line, at, len);
            line[len] = '\0';
        }
        if (is_long || !read_line(s, line, &section, what)) {
            (void)snprintf(why, SETUP_WHY_MAX, "%.160s:%d: %.300s", path, number + 1,
                           is_long ? "this line is too long" : what);
            return false;
        }
        at += len + (at[len] == '\n');
    }
    if (s->kind[0] != '\0')
        return true;
    (void)snprintf(why, SETUP_WHY_MAX,
                   "%.160s: it does not say which experiment: kind = reach, …", path);
    return false;
}

bool spec_read(struct spec *s, const char *path, char why[static SETUP_WHY_MAX])
{
    FILE *f = fopen(path, "r");
    char *text;
    size_t len;
    bool is_read;

    if (f == NULL) {
        (void)snprintf(why, SETUP_WHY_MAX, "%.160s: %s", path, strerror(errno));
        return false;
    }
    text = memory_new(1, TEXT_MAX + 1);
    len = fread(text, 1, TEXT_MAX, f);
    (void)fclose(f);
    text[len] = '\0';
    is_read = len < TEXT_MAX && strlen(text) == len
                  ? spec_read_text(s, path, text, why)
                  : complain(why, "this file is too long, or no text");
    free(text);
    return is_read;
}

void spec_print(const struct spec *s, FILE *f)
{
    (void)fprintf(f, "[experiment]\nkind = %s\nseeds = %llu..%llu\n", s->kind,
                  (unsigned long long)s->first, (unsigned long long)s->last);
    for (int i = 0; i < s->fixed_count; i++)
        (void)fprintf(f, "%s = %s\n", s->fixed[i].name, s->fixed[i].value);
    if (s->vary_count > 0)
        (void)fprintf(f, "[vary]\n");
    for (int v = 0; v < s->vary_count; v++) {
        (void)fprintf(f, "%s =", s->vary[v].name);
        for (int i = 0; i < s->vary[v].count; i++)
            (void)fprintf(f, " %s", s->vary[v].values[i]);
        (void)fprintf(f, "\n");
    }
}

bool spec_write(const struct spec *s, const char *path)
{
    FILE *f = fopen(path, "w");
    bool is_good;

    if (f == NULL)
        return false;
    spec_print(s, f);
    is_good = fflush(f) == 0;
    return fclose(f) == 0 && is_good;
}

static bool is_same_vary(const struct spec_vary *a, const struct spec_vary *b)
{
    bool is_same = strcmp(a->name, b->name) == 0 && a->count == b->count;

    for (int i = 0; is_same && i < a->count; i++)
        is_same = strcmp(a->values[i], b->values[i]) == 0;
    return is_same;
}

bool spec_is_same(const struct spec *a, const struct spec *b)
{
    bool is_same = strcmp(a->kind, b->kind) == 0 && a->fixed_count == b->fixed_count &&
                   a->vary_count == b->vary_count;

    for (int i = 0; is_same && i < a->fixed_count; i++)
        is_same = strcmp(a->fixed[i].name, b->fixed[i].name) == 0 &&
                  strcmp(a->fixed[i].value, b->fixed[i].value) == 0;
    for (int v = 0; is_same && v < a->vary_count; v++)
        is_same = is_same_vary(&a->vary[v], &b->vary[v]);
    return is_same;
}

/* ---- points ---- */

int64_t spec_points(const struct spec *s)
{
    int64_t points = 1;

    for (int v = 0; v < s->vary_count; v++)
        points *= s->vary[v].count;
    return points;
}

const char *spec_value(const struct spec *s, int64_t point, int v)
{
    for (int i = s->vary_count - 1; i > v; i--)
        point /= s->vary[i].count;
    return s->vary[v].values[point % s->vary[v].count];
}

bool spec_apply(const struct spec *s, int64_t point, struct setup *setup,
                char why[static SETUP_WHY_MAX])
{
    for (int i = 0; i < s->fixed_count; i++) {
        if (!setup_set(setup, s->fixed[i].name, s->fixed[i].value, why))
            return false;
    }
    for (int v = 0; v < s->vary_count; v++) {
        if (!setup_set(setup, s->vary[v].name, spec_value(s, point, v), why))
            return false;
    }
    return true;
}
