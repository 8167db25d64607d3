/* Jobs that leave files: what is there is not run again, what is missing is, and the
 * results come out as tables.  SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <sqlite3.h>
#include <unistd.h>

#include "sim/output.h"
#include "sim/sweep.h"

/* ten times the seed and the ttl; dies with seed 99 */
static void count(const struct setup *s, uint64_t seed, struct results *r)
{
    if (seed == 99)
        _exit(7);
    results_add(r, "sum", "apples", 10 * (double)seed + (double)s->ttl);
    results_add(r, "ratio", "", 1.0 / 3);
    results_row(r, "line", 1, (double)seed);
    results_row(r, "line", 2, (double)s->ttl);
}

static void nothing(struct setup *s)
{
    (void)s;
}

static const struct lab_goal goals[] = {
    { "sum", LAB_LEAST, false, 14 },
    { "sum", LAB_MOST, true, 36 },
    { NULL, LAB_MEAN, false, 0 },
};

static const struct lab_kind counting = { .name = "counting",
                                          .about = "sums",
                                          .defaults = nothing,
                                          .run = count,
                                          .goals = goals,
                                          .plot = "" };

struct fixture {
    char dir[64];
    char command[1000]; /* as long as they get with many options */
    struct spec spec;
    struct sweep sweep;
};

static void begin(struct fixture *f, uint64_t last)
{
    char why[SETUP_WHY_MAX];

    memset(f->command, 'x', sizeof(f->command) - 1);
    memcpy(f->command, "the test ", 9);
    f->command[sizeof(f->command) - 1] = '\0';
    strcpy(f->dir, "/tmp/test_sweep-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    spec_init(&f->spec);
    f->spec.first = 1;
    f->spec.last = last;
    assert_true(spec_set(&f->spec, "kind", "counting", why));
    assert_true(spec_add_vary(&f->spec, "ttl", "4 6", why));
    f->sweep = (struct sweep){ .spec = &f->spec,
                               .kind = &counting,
                               .dir = f->dir,
                               .command = f->command,
                               .jobs = 3,
                               .is_quiet = true };
}

static void end(struct fixture *f)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -rf %s", f->dir);
    assert_int_equal(system(command), 0);
}

static void path_in(const struct fixture *f, const char *name, char path[static 128])
{
    snprintf(path, 128, "%s/%s", f->dir, name);
}

static void put(const struct fixture *f, const char *name, const char *text)
{
    char path[128];
    FILE *file;

    path_in(f, name, path);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static double figure(const struct fixture *f, int64_t job, const char *name)
{
    struct results r = { 0 };
    double value;

    assert_true(sweep_read(&f->sweep, job, &r));
    assert_non_null(results_find(&r, name));
    value = results_find(&r, name)->value;
    results_finish(&r);
    return value;
}

static void test_all_jobs_run(void **state)
{
    struct fixture f;
    (void)state;

    begin(&f, 3);
    assert_int_equal(sweep_count(&f.sweep), 6);
    assert_int_equal(sweep_done(&f.sweep), 0);
    assert_int_equal(sweep_run(&f.sweep), 0);
    assert_int_equal(sweep_done(&f.sweep), 6);
    for (int64_t j = 0; j < 6; j++) {
        double ttl = sweep_point(&f.sweep, j) == 0 ? 4 : 6;

        assert_true(figure(&f, j, "sum") == 10 * (double)sweep_seed(&f.sweep, j) + ttl);
    }
    assert_int_equal(output_goals(&f.sweep, false), 0);
    end(&f);
}

static void test_only_what_is_missing_runs(void **state)
{
    struct fixture f;
    char path[128];
    (void)state;

    begin(&f, 2);
    assert_int_equal(sweep_run(&f.sweep), 0);
    put(&f, "job-0-seed-1.txt", "figure sum 13 -\n"); /* as if found earlier */
    path_in(&f, "job-1-seed-2.txt", path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(sweep_done(&f.sweep), 3);
    f.spec.last = 4; /* and more seeds */
    assert_int_equal(sweep_run(&f.sweep), 0);
    assert_int_equal(sweep_done(&f.sweep), 8);
    assert_true(figure(&f, 0, "sum") == 13);
    assert_true(figure(&f, 3, "sum") == 26);
    assert_true(figure(&f, 7, "sum") == 46);
    assert_int_equal(output_goals(&f.sweep, false), 3); /* 13 < 14, and 44, 46 > 36 */
    end(&f);
}

static void test_a_run_that_dies_is_counted(void **state)
{
    struct fixture f;
    (void)state;

    begin(&f, 2);
    f.spec.first = 98;
    f.spec.last = 99;
    assert_int_equal(sweep_run(&f.sweep), 2);
    assert_int_equal(sweep_done(&f.sweep), 2);
    end(&f);
}

static void test_a_directory_belongs_to_one_experiment(void **state)
{
    struct fixture f;
    char why[SETUP_WHY_MAX];
    (void)state;

    begin(&f, 2);
    assert_true(sweep_take_dir(&f.sweep));
    f.spec.last = 5;
    assert_true(sweep_take_dir(&f.sweep));
    assert_true(spec_set(&f.spec, "nodes", "7", why));
    assert_false(sweep_take_dir(&f.sweep));
    end(&f);
}

static void expect_line(const struct fixture *f, const char *name, int number,
                        const char *want)
{
    char path[128];
    char line[1100] = "";
    FILE *file;

    path_in(f, name, path);
    file = fopen(path, "r");
    assert_non_null(file);
    for (int i = 0; i < number; i++)
        assert_non_null(fgets(line, sizeof(line), file));
    fclose(file);
    line[strcspn(line, "\n")] = '\0';
    if (strncmp(line, want, strlen(want)) != 0)
        fail_msg("%s:%d is \"%s\", not \"%s\"", name, number, line, want);
}

static void test_tables(void **state)
{
    char first[1010];
    struct fixture f;
    char path[128];
    sqlite3 *db;
    sqlite3_stmt *q;
    (void)state;

    begin(&f, 3);
    assert_int_equal(sweep_run(&f.sweep), 0);
    assert_true(output_files(&f.sweep));
    (void)snprintf(first, sizeof(first), "# %s", f.command);
    expect_line(&f, "runs.csv", 1, first);
    expect_line(&f, "runs.csv", 2, "kind,seed,ttl,sum,ratio,wall_s");
    expect_line(&f, "runs.csv", 3, "counting,1,4,14,0.3333333333,");
    expect_line(&f, "runs.csv", 8, "counting,3,6,36,");
    expect_line(&f, "rows.csv", 4, "counting,1,4,line,2,4");
    path_in(&f, "results.sqlite", path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db,
                           "SELECT sum(f.value) FROM figure f JOIN param p ON "
                           "f.run = p.run WHERE f.name = 'sum' AND p.name = 'ttl' "
                           "AND p.value = '6'",
                           -1, &q, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    assert_true(sqlite3_column_double(q, 0) == 16 + 26 + 36);
    sqlite3_finalize(q);
    sqlite3_close(db);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_jobs_run),
        cmocka_unit_test(test_only_what_is_missing_runs),
        cmocka_unit_test(test_a_run_that_dies_is_counted),
        cmocka_unit_test(test_a_directory_belongs_to_one_experiment),
        cmocka_unit_test(test_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
