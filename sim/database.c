/* SPDX-License-Identifier: MIT */
#include "sim/database.h"

#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#include "sim/version.h"

static const char schema[] =
    "PRAGMA synchronous = OFF; BEGIN;"
    "CREATE TABLE run(id INTEGER PRIMARY KEY, kind TEXT, seed INTEGER, point INTEGER,"
    " command TEXT, version TEXT);"
    "CREATE TABLE param(run INTEGER REFERENCES run, name TEXT, value TEXT);"
    "CREATE TABLE figure(run INTEGER REFERENCES run, name TEXT, value REAL, unit TEXT);"
    "CREATE TABLE series(run INTEGER REFERENCES run, name TEXT, x REAL, y REAL);";

struct writer {
    sqlite3 *db;
    sqlite3_stmt *run;
    sqlite3_stmt *param;
    sqlite3_stmt *figure;
    sqlite3_stmt *series;
};

static bool open_all(struct writer *x, const char *path)
{
    return sqlite3_open(path, &x->db) == SQLITE_OK &&
           sqlite3_exec(x->db, schema, NULL, NULL, NULL) == SQLITE_OK &&
           sqlite3_prepare_v2(x->db, "INSERT INTO run VALUES(?,?,?,?,?,?)", -1, &x->run,
                              NULL) == SQLITE_OK &&
           sqlite3_prepare_v2(x->db, "INSERT INTO param VALUES(?,?,?)", -1, &x->param,
                              NULL) == SQLITE_OK &&
           sqlite3_prepare_v2(x->db, "INSERT INTO figure VALUES(?,?,?,?)", -1, &x->figure,
                              NULL) == SQLITE_OK &&
           sqlite3_prepare_v2(x->db, "INSERT INTO series VALUES(?,?,?,?)", -1, &x->series,
                              NULL) == SQLITE_OK;
}

static bool step(sqlite3_stmt *s)
{
    return sqlite3_step(s) == SQLITE_DONE && sqlite3_reset(s) == SQLITE_OK;
}

static bool text(sqlite3_stmt *s, int column, const char *value)
{
    return sqlite3_bind_text(s, column, value, -1, SQLITE_TRANSIENT) == SQLITE_OK;
}

static bool write_params(struct writer *x, const struct sweep *w, int64_t job)
{
    bool is_good = true;

    for (int i = 0; i < w->spec->fixed_count && is_good; i++) {
        (void)sqlite3_bind_int64(x->param, 1, job);
        is_good = text(x->param, 2, w->spec->fixed[i].name) &&
                  text(x->param, 3, w->spec->fixed[i].value) && step(x->param);
    }
    for (int v = 0; v < w->spec->vary_count && is_good; v++) {
        (void)sqlite3_bind_int64(x->param, 1, job);
        is_good = text(x->param, 2, w->spec->vary[v].name) &&
                  text(x->param, 3, spec_value(w->spec, sweep_point(w, job), v)) &&
                  step(x->param);
    }
    return is_good;
}

static bool write_results(struct writer *x, int64_t job, const struct results *r)
{
    bool is_good = true;

    for (int i = 0; i < r->figure_count && is_good; i++) {
        (void)sqlite3_bind_int64(x->figure, 1, job);
        (void)sqlite3_bind_double(x->figure, 3, r->figures[i].value);
        is_good = text(x->figure, 2, r->figures[i].name) &&
                  text(x->figure, 4, r->figures[i].unit) && step(x->figure);
    }
    for (int i = 0; i < r->row_count && is_good; i++) {
        (void)sqlite3_bind_int64(x->series, 1, job);
        (void)sqlite3_bind_double(x->series, 3, r->rows[i].x);
        (void)sqlite3_bind_double(x->series, 4, r->rows[i].y);
        is_good = text(x->series, 2, r->rows[i].series) && step(x->series);
    }
    return is_good;
}

static bool write_run(struct writer *x, const struct sweep *w, int64_t job,
                      const struct results *r)
{
    (void)sqlite3_bind_int64(x->run, 1, job);
    (void)sqlite3_bind_int64(x->run, 3, (int64_t)sweep_seed(w, job));
    (void)sqlite3_bind_int64(x->run, 4, sweep_point(w, job));
    return text(x->run, 2, w->kind->name) && text(x->run, 5, w->command) &&
           text(x->run, 6, SIM_VERSION) && step(x->run) && write_params(x, w, job) &&
           write_results(x, job, r);
}

bool database_write(const struct sweep *w, const struct results *all)
{
    struct writer x = { 0 };
    char path[512];
    bool is_good;

    (void)snprintf(path, sizeof(path), "%s/results.sqlite", w->dir);
    (void)unlink(path);
    is_good = open_all(&x, path);
    for (int64_t j = 0; is_good && j < sweep_count(w); j++)
        is_good = all[j].figure_count == 0 || write_run(&x, w, j, &all[j]);
    is_good = is_good && sqlite3_exec(x.db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
    if (!is_good)
        (void)fprintf(stderr, "party-sim: %s: %s\n", path, sqlite3_errmsg(x.db));
    (void)sqlite3_finalize(x.run);
    (void)sqlite3_finalize(x.param);
    (void)sqlite3_finalize(x.figure);
    (void)sqlite3_finalize(x.series);
    (void)sqlite3_close(x.db);
    return is_good;
}
