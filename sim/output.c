/* SPDX-License-Identifier: MIT */
#include "sim/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/database.h"
#include "sim/memory.h"
#include "sim/plot.h"

/* One figure over all runs of a point. */
struct summary {
    int count;
    double sum;
    double least;
    double most;
};

static struct results *read_all(const struct sweep *w)
{
    int64_t count = sweep_count(w);
    struct results *all = memory_new((size_t)count, sizeof(*all));

    for (int64_t i = 0; i < count; i++)
        (void)sweep_read(w, i, &all[i]);
    return all;
}

static void finish_all(const struct sweep *w, struct results *all)
{
    for (int64_t i = 0; i < sweep_count(w); i++)
        results_finish(&all[i]);
    free(all);
}

/* point -1: of all points. */
static struct summary summarise(const struct sweep *w, const struct results *all,
                                int64_t point, const char *figure)
{
    struct summary s = { 0 };

    for (int64_t i = 0; i < sweep_count(w); i++) {
        const struct result_figure *f = results_find(&all[i], figure);

        if (f == NULL || (point >= 0 && sweep_point(w, i) != point))
            continue;
        s.least = s.count == 0 || f->value < s.least ? f->value : s.least;
        s.most = s.count == 0 || f->value > s.most ? f->value : s.most;
        s.sum += f->value;
        s.count++;
    }
    return s;
}

static double over(const struct summary *s, enum lab_over how)
{
    if (how == LAB_LEAST)
        return s->least;
    return how == LAB_MOST ? s->most : s->sum / s->count;
}

static bool is_met(const struct lab_goal *g, double value)
{
    return g->is_at_most ? value <= g->value + 1e-9 : value >= g->value - 1e-9;
}

/* The first run of a point that has figures: it names them all. */
static const struct results *sample(const struct sweep *w, const struct results *all,
                                    int64_t point)
{
    for (int64_t i = 0; i < sweep_count(w); i++) {
        if (sweep_point(w, i) == point && all[i].figure_count > 0)
            return &all[i];
    }
    return NULL;
}

static void show_point(const struct sweep *w, int64_t point)
{
    for (int v = 0; v < w->spec->vary_count; v++)
        printf("%s%s = %s", v > 0 ? ", " : "", w->spec->vary[v].name,
               spec_value(w->spec, point, v));
    if (w->spec->vary_count > 0)
        printf("\n");
}

void output_table(const struct sweep *w)
{
    struct results *all = read_all(w);

    printf("%-24s %12s %12s %12s  %s\n", w->kind->name, "mean", "least", "most", "unit");
    for (int64_t p = 0; p < spec_points(w->spec); p++) {
        const struct results *first = sample(w, all, p);

        show_point(w, p);
        for (int i = 0; first != NULL && i < first->figure_count; i++) {
            const struct result_figure *f = &first->figures[i];
            struct summary s = summarise(w, all, p, f->name);

            printf("%-24s %12.6g %12.6g %12.6g  %s\n", f->name, s.sum / s.count, s.least,
                   s.most, f->unit);
        }
    }
    finish_all(w, all);
}

static int point_goals(const struct sweep *w, const struct results *all, int64_t point,
                       bool is_shown)
{
    static const char *const names[] = { "mean", "least", "most" };
    int missed = 0;

    for (const struct lab_goal *g = w->kind->goals; g->figure != NULL; g++) {
        struct summary s = summarise(w, all, point, g->figure);
        double value = s.count == 0 ? 0 : over(&s, g->over);

        if (s.count == 0)
            continue;
        missed += !is_met(g, value);
        if (is_shown)
            printf("%s %s of %s is %.6g, the goal is %s %g\n",
                   is_met(g, value) ? "ok    " : "MISSED", names[g->over], g->figure,
                   value, g->is_at_most ? "at most" : "at least", g->value);
    }
    return missed;
}

int output_goals(const struct sweep *w, bool is_shown)
{
    struct results *all = read_all(w);
    int missed = 0;

    for (int64_t p = 0; p < spec_points(w->spec); p++) {
        if (is_shown)
            show_point(w, p);
        missed += point_goals(w, all, p, is_shown);
    }
    finish_all(w, all);
    return missed;
}

int output_claim(const struct sweep *w, const char *figure, const char *name)
{
    struct results *all;
    int status = 2;

    for (const struct lab_goal *g = w->kind->goals; g->figure != NULL; g++) {
        struct summary s;
        double value;
        const struct results *first;
        const struct result_figure *f;

        if (strcmp(g->figure, figure) != 0)
            continue;
        all = read_all(w);
        s = summarise(w, all, -1, figure);
        value = s.count == 0 ? -1 : over(&s, g->over);
        first = sample(w, all, 0);
        f = first == NULL ? NULL : results_find(first, figure);
        status = s.count > 0 && is_met(g, value) ? 0 : 1;
        printf("{\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\",\"goal\":%g,\"ok\":%s}\n",
               name, value, f == NULL ? "" : f->unit, g->value,
               status == 0 ? "true" : "false");
        finish_all(w, all);
    }
    return status;
}

static void json_figures(const struct sweep *w, const struct results *all, int64_t point)
{
    const struct results *first = sample(w, all, point);

    printf("{\"vary\":{");
    for (int v = 0; v < w->spec->vary_count; v++)
        printf("%s\"%s\":\"%s\"", v > 0 ? "," : "", w->spec->vary[v].name,
               spec_value(w->spec, point, v));
    printf("},\"figures\":{");
    for (int i = 0; first != NULL && i < first->figure_count; i++) {
        struct summary s = summarise(w, all, point, first->figures[i].name);

        printf("%s\"%s\":{\"mean\":%.10g,\"least\":%.10g,\"most\":%.10g,\"unit\":\"%s\"}",
               i > 0 ? "," : "", first->figures[i].name, s.sum / s.count, s.least, s.most,
               first->figures[i].unit);
    }
    printf("}}");
}

void output_json(const struct sweep *w)
{
    struct results *all = read_all(w);

    printf(
        "{\"kind\":\"%s\",\"seeds\":[%llu,%llu],\"runs\":%lld,\"done\":%lld,\"points\":[",
        w->kind->name, (unsigned long long)w->spec->first,
        (unsigned long long)w->spec->last, (long long)sweep_count(w),
        (long long)sweep_done(w));
    for (int64_t p = 0; p < spec_points(w->spec); p++) {
        printf("%s", p > 0 ? "," : "");
        json_figures(w, all, p);
    }
    finish_all(w, all);
    printf("],\"goals_missed\":%d}\n", output_goals(w, false));
}

/* ---- files ---- */

static FILE *create(const struct sweep *w, const char *name)
{
    char path[512];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", w->dir, name);
    f = fopen(path, "w");
    if (f == NULL)
        (void)fprintf(stderr, "party-sim: %s: %s\n", path, strerror(errno));
    return f;
}

static void write_keys(const struct sweep *w, FILE *f, int64_t job)
{
    (void)fprintf(f, "%s,%llu", w->kind->name, (unsigned long long)sweep_seed(w, job));
    for (int v = 0; v < w->spec->vary_count; v++)
        (void)fprintf(f, ",%s", spec_value(w->spec, sweep_point(w, job), v));
}

static void write_head(const struct sweep *w, FILE *f)
{
    (void)fprintf(f, "# %s\nkind,seed", w->command);
    for (int v = 0; v < w->spec->vary_count; v++)
        (void)fprintf(f, ",%s", w->spec->vary[v].name);
}

static bool write_runs(const struct sweep *w, const struct results *all)
{
    const struct results *names = NULL;
    FILE *f = create(w, "runs.csv");

    if (f == NULL)
        return false;
    for (int64_t p = 0; names == NULL && p < spec_points(w->spec); p++)
        names = sample(w, all, p);
    write_head(w, f);
    for (int i = 0; names != NULL && i < names->figure_count; i++)
        (void)fprintf(f, ",%s", names->figures[i].name);
    (void)fprintf(f, "\n");
    for (int64_t j = 0; j < sweep_count(w); j++) {
        if (all[j].figure_count == 0 || names == NULL)
            continue;
        write_keys(w, f, j);
        for (int i = 0; i < names->figure_count; i++) {
            const struct result_figure *x = results_find(&all[j], names->figures[i].name);

            if (x == NULL)
                (void)fprintf(f, ",");
            else
                (void)fprintf(f, ",%.10g", x->value);
        }
        (void)fprintf(f, "\n");
    }
    return fclose(f) == 0;
}

static bool write_rows(const struct sweep *w, const struct results *all)
{
    FILE *f = create(w, "rows.csv");

    if (f == NULL)
        return false;
    write_head(w, f);
    (void)fprintf(f, ",series,x,y\n");
    for (int64_t j = 0; j < sweep_count(w); j++) {
        for (int i = 0; i < all[j].row_count; i++) {
            write_keys(w, f, j);
            (void)fprintf(f, ",%s,%.10g,%.10g\n", all[j].rows[i].series, all[j].rows[i].x,
                          all[j].rows[i].y);
        }
    }
    return fclose(f) == 0;
}

bool output_files(const struct sweep *w)
{
    struct results *all = read_all(w);
    bool is_good = write_runs(w, all) && write_rows(w, all) && database_write(w, all) &&
                   plot_write(w, all);

    finish_all(w, all);
    return is_good;
}
