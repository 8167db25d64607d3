/* Fuzz the files that describe experiments.  What is refused is refused with its line; of
 * what is accepted every setting can be shown, and means the same when it is read again.
 * fuzz: -max_len=2000
 * SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sim/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool is_true)
{
    if (!is_true)
        abort();
}

static void check_names(const struct setup *s)
{
    char why[SETUP_WHY_MAX];
    char text[SETUP_PATH_MAX];
    char again[SETUP_PATH_MAX];
    struct setup *other = malloc(sizeof(*other));

    need(other != NULL);
    setup_default(other);
    for (int i = 0; i < setup_count(); i++) {
        if (strcmp(setup_name(i), "net.matrix") == 0 ||
            strcmp(setup_name(i), "net.model") == 0)
            continue; /* it changes others */
        setup_get(s, setup_name(i), text, sizeof(text));
        if (text[0] == '\0')
            continue; /* it only sets others */
        need(setup_set(other, setup_name(i), text, why));
        setup_get(other, setup_name(i), again, sizeof(again));
        need(strcmp(text, again) == 0);
    }
    setup_finish(other);
    free(other);
}

static void check_point(const struct spec *s, int64_t point)
{
    char why[SETUP_WHY_MAX] = "";
    struct setup *setup = malloc(sizeof(*setup));

    need(setup != NULL);
    setup_default(setup);
    for (int v = 0; v < s->vary_count; v++)
        need(spec_value(s, point, v)[0] != '\0');
    if (spec_apply(s, point, setup, why))
        check_names(setup);
    else
        need(why[0] != '\0');
    setup_finish(setup);
    free(setup);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[SETUP_WHY_MAX] = "";
    struct spec *s = malloc(sizeof(*s));
    char *text = malloc(size + 1);
    int64_t points;

    need(s != NULL && text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    spec_init(s);
    /* No file of this machine is to be opened. */
    if (strstr(text, "matrix") == NULL) {
        if (spec_read_text(s, "f", text, why)) {
            points = spec_points(s);
            need(points >= 1 && points <= SPEC_POINTS_MAX && s->first <= s->last);
            check_point(s, 0);
            check_point(s, points - 1);
        } else {
            need(strncmp(why, "f:", 2) == 0);
        }
    }
    free(text);
    free(s);
    return 0;
}
