/* SPDX-License-Identifier: MIT */
#include "sim/knobs.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/knobs_table.h"

#define NAME_MAX_LEN 64

enum knob_type { KNOB_INT, KNOB_INT64, KNOB_NS, KNOB_BOOL, KNOB_SIZE, KNOB_DOUBLE };

static const struct knob {
    const char *name;
    size_t offset;
    enum knob_type type;
    const char *about;
} knobs[] = {
#define ROW(name, field, type, about)                                                    \
    { name, offsetof(struct node_params, field), type, about },
    KNOBS_TABLE(ROW)
#undef ROW
};

int knobs_count(void)
{
    return COUNT(knobs);
}

/* Times are shown without "_ns", as their values carry a unit; unless another has that
 * name. */
static size_t shown_len(const struct knob *k)
{
    size_t len = strlen(k->name);

    if (k->type != KNOB_NS)
        return len;
    for (int i = 0; i < COUNT(knobs); i++) {
        if (strlen(knobs[i].name) == len - 3 &&
            strncmp(knobs[i].name, k->name, len - 3) == 0)
            return len;
    }
    return len - 3;
}

const char *knob_name(int knob)
{
    static char name[NAME_MAX_LEN];

    (void)snprintf(name, sizeof(name), "%.*s", (int)shown_len(&knobs[knob]),
                   knobs[knob].name);
    return name;
}

const char *knob_about(int knob)
{
    return knobs[knob].about;
}

enum value_kind knob_kind(int knob)
{
    if (knobs[knob].type == KNOB_NS)
        return VALUE_TIME;
    if (knobs[knob].type == KNOB_BOOL)
        return VALUE_BOOL;
    return knobs[knob].type == KNOB_SIZE ? VALUE_BYTES : VALUE_INT;
}

int knob_find(const char *name)
{
    size_t len = strlen(name);

    for (int i = 0; i < COUNT(knobs); i++) {
        if (strncmp(name, knobs[i].name, len) == 0 &&
            (knobs[i].name[len] == '\0' || shown_len(&knobs[i]) == len))
            return i;
    }
    return -1;
}

static bool set_double(double *at, const char *text, const char **why)
{
    char *end;
    double value = strtod(text, &end);

    *why = "a number";
    if (end == text || *end != '\0' || !(value >= 0 && value <= 1e12))
        return false;
    *at = value;
    return true;
}

bool knob_set(struct node_params *params, int knob, const char *text, const char **why)
{
    const struct knob *k = &knobs[knob];
    char *at = (char *)params + k->offset;
    int64_t value;

    if (k->type == KNOB_DOUBLE)
        return set_double((double *)(void *)at, text, why);
    if (!value_parse(knob_kind(knob), text, &value, why))
        return false;
    *why = "a value that is not negative, and not that large";
    if (value < 0 || (k->type == KNOB_INT && value > INT_MAX))
        return false;
    if (k->type == KNOB_BOOL)
        *(bool *)at = value != 0;
    else if (k->type == KNOB_INT)
        *(int *)(void *)at = (int)value;
    else if (k->type == KNOB_SIZE)
        *(size_t *)(void *)at = (size_t)value;
    else
        *(int64_t *)(void *)at = value;
    return true;
}

void knob_get(const struct node_params *params, int knob,
              char text[static VALUE_TEXT_MAX])
{
    const struct knob *k = &knobs[knob];
    const char *at = (const char *)params + k->offset;
    int64_t value = 0;

    if (k->type == KNOB_DOUBLE) {
        (void)snprintf(text, VALUE_TEXT_MAX, "%g", *(const double *)(const void *)at);
        return;
    }
    if (k->type == KNOB_BOOL)
        value = *(const bool *)at;
    else if (k->type == KNOB_INT)
        value = *(const int *)(const void *)at;
    else if (k->type == KNOB_SIZE)
        value = (int64_t) * (const size_t *)(const void *)at;
    else
        value = *(const int64_t *)(const void *)at;
    value_format(knob_kind(knob), value, text);
}
