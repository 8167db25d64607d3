/* SPDX-License-Identifier: MIT */
#include "sim/plot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/memory.h"

#define PATH_LEN  512
#define LABEL_LEN 256

struct spot {
    double x;
    double y;
};

static int compare(const void *a, const void *b)
{
    const struct spot *p = a;
    const struct spot *q = b;

    if (p->x != q->x)
        return p->x < q->x ? -1 : 1;
    return (p->y > q->y) - (p->y < q->y);
}

/* All spots of a series at a point, sorted; their number. */
static int gather(const struct sweep *w, const struct results *all, int64_t point,
                  const char *series, struct spot **list)
{
    int count = 0;
    int room = 0;

    *list = NULL;
    for (int64_t j = 0; j < sweep_count(w); j++) {
        if (sweep_point(w, j) != point)
            continue;
        for (int i = 0; i < all[j].row_count; i++) {
            if (strcmp(all[j].rows[i].series, series) != 0)
                continue;
            if (count == room) {
                room = room == 0 ? 256 : 2 * room;
                *list = realloc(*list, (size_t)room * sizeof(**list));
                if (*list == NULL)
                    abort();
            }
            (*list)[count++] = (struct spot){ all[j].rows[i].x, all[j].rows[i].y };
        }
    }
    if (count > 0)
        qsort(*list, (size_t)count, sizeof(**list), compare);
    return count;
}

/* x, median, 5th and 95th percentile of the spots with the same x. */
static void write_block(FILE *f, const struct spot *list, int count)
{
    for (int from = 0, to; from < count; from = to) {
        int n;

        for (to = from; to < count && list[to].x == list[from].x; to++)
            continue;
        n = to - from;
        (void)fprintf(f, "%.10g %.10g %.10g %.10g\n", list[from].x, list[from + n / 2].y,
                      list[from + n * 5 / 100].y, list[from + (n - 1) * 95 / 100].y);
    }
    (void)fprintf(f, "\n\n");
}

/* The n-th part of a text between bars. */
static void part_of(const char *text, int n, char part[static LABEL_LEN])
{
    while (n > 0 && *text != '\0')
        n -= *text++ == '|';
    (void)snprintf(part, LABEL_LEN, "%.*s", (int)strcspn(text, "|"), text);
}

static void title_of(const struct sweep *w, int64_t point, const char *series,
                     char title[static LABEL_LEN])
{
    int len = snprintf(title, LABEL_LEN, "%s", series);

    for (int v = 0; v < w->spec->vary_count && len < LABEL_LEN; v++)
        len += snprintf(title + len, (size_t)(LABEL_LEN - len), ", %s %s",
                        w->spec->vary[v].name, spec_value(w->spec, point, v));
}

static void write_script(const struct sweep *w, FILE *f)
{
    char x[LABEL_LEN];
    char y[LABEL_LEN];

    part_of(w->kind->plot, 0, x);
    part_of(w->kind->plot, 1, y);
    (void)fprintf(f,
                  "# %s\nset terminal svg size 800,500 background 'white'\n"
                  "set output 'plot.svg'\nset title \"%s\" noenhanced\n"
                  "set xlabel \"%s\" noenhanced\nset ylabel \"%s\" noenhanced\nset grid\n"
                  "set key left bottom noenhanced\nplot ",
                  w->command, w->kind->about, x, y);
}

static bool write_all(const struct sweep *w, const struct results *all, FILE *data,
                      FILE *script)
{
    char names[LABEL_LEN];
    char *save = NULL;
    int block = 0;

    write_script(w, script);
    part_of(w->kind->plot, 2, names);
    for (char *s = strtok_r(names, " ", &save); s != NULL;
         s = strtok_r(NULL, " ", &save)) {
        for (int64_t p = 0; p < spec_points(w->spec); p++) {
            struct spot *list;
            int count = gather(w, all, p, s, &list);
            char title[LABEL_LEN];

            title_of(w, p, s, title);
            write_block(data, list, count);
            (void)fprintf(
                script,
                "%s'plot.dat' index %d using 1:3:4 with filledcurves fs "
                "transparent solid 0.2 lc %d notitle, '' index %d using 1:2 with "
                "linespoints lc %d title \"%s\"",
                block > 0 ? ", \\\n    " : "", block, block + 1, block, block + 1, title);
            block++;
            free(list);
        }
    }
    if (strcmp(w->kind->name, "paper") == 0)
        (void)fprintf(script,
                      ", \\\n    'paper.dat' using 1:2 with points pt 6 ps 1.2 lc "
                      "rgb 'black' title \"the paper\"");
    (void)fprintf(script, "\n");
    return block > 0;
}

/* Figure 2 of the paper, as read from it. */
static void write_paper(const struct sweep *w)
{
    static const double points[][2] = { { 10, 100 },  { 20, 100 },  { 30, 100 },
                                        { 40, 100 },  { 50, 100 },  { 60, 99.9 },
                                        { 70, 99.9 }, { 80, 99.9 }, { 90, 99.6 },
                                        { 95, 90.9 } };
    char path[PATH_LEN];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/paper.dat", w->dir);
    f = fopen(path, "w");
    if (f == NULL)
        return;
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
        (void)fprintf(f, "%g %g\n", points[i][0], points[i][1]);
    (void)fclose(f);
}

bool plot_write(const struct sweep *w, const struct results *all)
{
    char path[PATH_LEN];
    char command[PATH_LEN + 64];
    FILE *data;
    FILE *script;

    if (w->kind->plot[0] == '\0')
        return true;
    (void)snprintf(path, sizeof(path), "%s/plot.dat", w->dir);
    data = fopen(path, "w");
    (void)snprintf(path, sizeof(path), "%s/plot.gp", w->dir);
    script = fopen(path, "w");
    if (data != NULL && script != NULL)
        (void)write_all(w, all, data, script);
    else
        (void)fprintf(stderr, "party-sim: %s: %s\n", path, strerror(errno));
    if ((data != NULL && fclose(data) != 0) || (script != NULL && fclose(script) != 0) ||
        data == NULL || script == NULL)
        return false;
    if (strcmp(w->kind->name, "paper") == 0)
        write_paper(w);
    (void)snprintf(
        command, sizeof(command),
        "cd '%s' && command -v gnuplot >/dev/null && gnuplot plot.gp 2>plot.log", w->dir);
    if (strchr(w->dir, '\'') == NULL && system(command) != 0)
        (void)fprintf(stderr,
                      "party-sim: no picture: install gnuplot, then run gnuplot "
                      "plot.gp in %s\n",
                      w->dir);
    return true;
}
