/* SPDX-License-Identifier: MIT */
#include "sim/results.h"

#include <string.h>

#include "sim/memory.h"

static void *grow(void *list, int *room, size_t size)
{
    *room = *room == 0 ? 32 : 2 * *room;
    list = realloc(list, (size_t)*room * size);
    if (list == NULL)
        abort();
    return list;
}

void results_add(struct results *r, const char *name, const char *unit, double value)
{
    struct result_figure *f;

    if (r->figure_count == r->figure_room)
        r->figures = grow(r->figures, &r->figure_room, sizeof(*r->figures));
    f = &r->figures[r->figure_count++];
    *f = (struct result_figure){ .value = value };
    (void)snprintf(f->name, sizeof(f->name), "%s", name);
    (void)snprintf(f->unit, sizeof(f->unit), "%s", unit);
}

void results_row(struct results *r, const char *series, double x, double y)
{
    struct result_row *row;

    if (r->row_count == r->row_room)
        r->rows = grow(r->rows, &r->row_room, sizeof(*r->rows));
    row = &r->rows[r->row_count++];
    *row = (struct result_row){ .x = x, .y = y };
    (void)snprintf(row->series, sizeof(row->series), "%s", series);
}

const struct result_figure *results_find(const struct results *r, const char *name)
{
    for (int i = 0; i < r->figure_count; i++) {
        if (strcmp(r->figures[i].name, name) == 0)
            return &r->figures[i];
    }
    return NULL;
}

void results_write(const struct results *r, FILE *f)
{
    for (int i = 0; i < r->figure_count; i++)
        (void)fprintf(f, "figure %s %.10g %s\n", r->figures[i].name, r->figures[i].value,
                      r->figures[i].unit[0] != '\0' ? r->figures[i].unit : "-");
    for (int i = 0; i < r->row_count; i++)
        (void)fprintf(f, "row %s %.10g %.10g\n", r->rows[i].series, r->rows[i].x,
                      r->rows[i].y);
}

static bool read_line(struct results *r, const char *line)
{
    char name[RESULT_NAME_MAX];
    char unit[RESULT_UNIT_MAX];
    double x;
    double y;

    if (sscanf(line, "figure %47s %lf %15s", name, &x, unit) == 3) {
        results_add(r, name, strcmp(unit, "-") == 0 ? "" : unit, x);
        return true;
    }
    if (sscanf(line, "row %47s %lf %lf", name, &x, &y) == 3) {
        results_row(r, name, x, y);
        return true;
    }
    return false;
}

bool results_read(struct results *r, FILE *f)
{
    char *line = NULL;
    size_t room = 0;
    bool is_good = true;

    /* The command in the first line may be of any length. */
    while (is_good && getline(&line, &room, f) >= 0)
        is_good = line[0] == '#' || read_line(r, line);
    free(line);
    return is_good;
}

void results_finish(struct results *r)
{
    free(r->figures);
    free(r->rows);
    *r = (struct results){ 0 };
}
