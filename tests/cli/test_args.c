/* Options, numbers, times, nearest verbs, paths, songs.  SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <sys/stat.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/paths.h"
#include "cli/verbs.h"

enum { JSON, NAME, WAIT, HELP, OPTIONS };

static const struct args_option options[OPTIONS] = {
    { "--json", false }, { "--name", true }, { "--wait", false }, { "--help", false }
};

static char line_copy[256];
static char *line_argv[16];

static int parse(const char *line, struct args *a, char *message)
{
    int argc = 0;

    snprintf(line_copy, sizeof(line_copy), "%s", line);
    for (char *p = strtok(line_copy, " "); p != NULL; p = strtok(NULL, " "))
        line_argv[argc++] = p;
    return args_parse(argc, line_argv, options, OPTIONS, a, message, 100);
}

static void test_parse(void **state)
{
    struct args a;
    char message[100];

    (void)state;
    assert_int_equal(parse("one --name ana two --json -10 - three", &a, message), 0);
    assert_int_equal(a.operand_count, 5);
    assert_string_equal(a.operands[0], "one");
    assert_string_equal(a.operands[1], "two");
    assert_string_equal(a.operands[2], "-10");
    assert_string_equal(a.operands[3], "-");
    assert_string_equal(a.operands[4], "three");
    assert_string_equal(a.values[NAME], "ana");
    assert_non_null(a.values[JSON]);
    assert_null(a.values[WAIT]);
    assert_int_equal(parse("--name=a=b -h", &a, message), 0);
    assert_string_equal(a.values[NAME], "a=b");
    assert_non_null(a.values[HELP]);
    assert_int_equal(parse("--json -- --name --wait --", &a, message), 0);
    assert_int_equal(a.operand_count, 3);
    assert_string_equal(a.operands[0], "--name");
    assert_string_equal(a.operands[2], "--");
    assert_int_equal(parse("", &a, message), 0);
    assert_int_equal(a.operand_count, 0);
}

static void test_refused(void **state)
{
    static const struct {
        const char *line, *says;
    } rows[] = {
        { "--jsn", "--jsn: no such option" },
        { "-x", "-x: no such option" },
        { "--json=1", "--json: takes no value" },
        { "--name", "--name: its value is missing" },
        { "--nam ana", "--nam: no such option" },
        { "--names ana", "--names: no such option" },
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        struct args a;
        char message[100] = "";

        assert_int_equal(parse(rows[i].line, &a, message), ERR_USAGE);
        assert_string_equal(message, rows[i].says);
    }
}

static void test_numbers(void **state)
{
    static const struct {
        const char *s;
        bool is_fine;
        long value;
    } rows[] = { { "1", true, 1 },
                 { "5", true, 5 },
                 { "0", false, 0 },
                 { "6", false, 0 },
                 { "-1", false, 0 },
                 { "+1", false, 0 },
                 { "", false, 0 },
                 { " 1", false, 0 },
                 { "1x", false, 0 },
                 { "0003", true, 3 },
                 { "9999999999999999999", false, 0 } };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        long v = 0;

        print_message("\"%s\"\n", rows[i].s);
        assert_int_equal(args_number(rows[i].s, 1, 5, &v), rows[i].is_fine);
        assert_int_equal(v, rows[i].value);
    }
}

static void test_times(void **state)
{
    static const struct {
        const char *s;
        int64_t ms; /* -1: refused */
    } rows[] = {
        { "83", 83000 },      { "1:23", 83000 },    { "1:02:03", 3723000 },
        { "0:05", 5000 },     { "90s", 90000 },     { "2m", 120000 },
        { "2min", 120000 },   { "1h", 3600000 },    { "500ms", 500 },
        { "1.5", 1500 },      { "1:23.25", 83250 }, { "0.001", 1 },
        { "1.5m", 90000 },    { "0", 0 },           { "75:00", 4500000 },
        { "24h", 86400000 },  { "24:00:01", -1 },   { "", -1 },
        { "x", -1 },          { "1:", -1 },         { ":30", -1 },
        { "1:60", -1 },       { "1:2:3:4", -1 },    { "1:23s", -1 },
        { "-5", -1 },         { "+5", -1 },         { "1 2", -1 },
        { "9999999999", -1 }, { "5 s", -1 },        { "1:-2", -1 },
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        int64_t ms = -1;

        print_message("\"%s\"\n", rows[i].s);
        assert_int_equal(args_time(rows[i].s, &ms), rows[i].ms >= 0);
        assert_int_equal(ms, rows[i].ms);
    }
}

static void test_micros(void **state)
{
    static const struct {
        const char *s;
        int64_t us; /* INT64_MIN: refused */
    } rows[] = {
        { "12.5ms", 12500 },
        { "800us", 800 },
        { "-3ms", -3000 },
        { "+0.2s", 200000 },
        { "0", 0 },
        { "2s", 2000000 },
        { "2001ms", INT64_MIN },
        { "12", INT64_MIN },
        { "", INT64_MIN },
        { "-", INT64_MIN },
        { "5 ms", INT64_MIN },
        { "ms", INT64_MIN },
        { "--5ms", INT64_MIN },
        { "99999999999s", INT64_MIN },
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        int64_t us = INT64_MIN;

        print_message("\"%s\"\n", rows[i].s);
        assert_int_equal(args_micros(rows[i].s, &us), rows[i].us != INT64_MIN);
        assert_int_equal(us, rows[i].us);
    }
}

static void test_nearest(void **state)
{
    static const char *const verbs[] = { "host",  "invites", "accept", "status",
                                         "watch", "skip",    "stop",   "up" };
    static const struct {
        const char *word, *want;
    } rows[] = { { "statsu", "status" },
                 { "stat", "status" },
                 { "hots", "host" },
                 { "ost", "host" },
                 { "invite", "invites" },
                 { "acept", "accept" },
                 { "wacth", "watch" },
                 { "sto", "stop" },
                 { "play", NULL },
                 { "zzz", NULL },
                 { "", NULL },
                 { "pu", NULL },
                 { "a-very-long-word-that-nobody-meant", NULL } };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        const char *got = args_nearest(rows[i].word, verbs, COUNT(verbs));

        print_message("%s\n", rows[i].word);
        if (rows[i].want == NULL)
            assert_null(got);
        else
            assert_string_equal(got, rows[i].want);
    }
}

static void test_paths(void **state)
{
    static struct paths p;
    char expected[64];

    (void)state;
    setenv("HOME", "/home/ana", 1);
    unsetenv("XDG_DATA_HOME");
    unsetenv("XDG_STATE_HOME");
    unsetenv("XDG_RUNTIME_DIR");
    assert_int_equal(paths_resolve(NULL, NULL, &p), 0);
    assert_string_equal(p.data_dir, "/home/ana/.local/share/party");
    assert_string_equal(p.log, "/home/ana/.local/state/party/log");
    snprintf(expected, sizeof(expected), "/tmp/party-%u/control.sock",
             (unsigned)geteuid());
    assert_string_equal(p.control, expected);
    setenv("XDG_DATA_HOME", "/d", 1);
    setenv("XDG_STATE_HOME", "relative is ignored", 1);
    setenv("XDG_RUNTIME_DIR", "/r", 1);
    assert_int_equal(paths_resolve(NULL, NULL, &p), 0);
    assert_string_equal(p.data_dir, "/d/party");
    assert_string_equal(p.log, "/home/ana/.local/state/party/log");
    assert_string_equal(p.control, "/r/party/control.sock");
    assert_int_equal(paths_resolve("/x", NULL, &p), 0);
    assert_string_equal(p.control, "/x/control.sock");
    assert_string_equal(p.log, "/x/log");
    assert_int_equal(paths_resolve("/x", "/y/s", &p), 0);
    assert_string_equal(p.control, "/y/s");
    assert_int_equal(paths_resolve(NULL, "s", &p), 0);
    assert_string_equal(p.control, "s");
}

static void test_absolute(void **state)
{
    char here[256];
    char out[512];
    char want[512];

    (void)state;
    assert_non_null(getcwd(here, sizeof(here)));
    snprintf(want, sizeof(want), "%s/a/b.flac", here);
    assert_int_equal(paths_absolute("a/b.flac", out, sizeof(out)), 0);
    assert_string_equal(out, want);
    assert_int_equal(paths_absolute("./a/b.flac", out, sizeof(out)), 0);
    assert_string_equal(out, want);
    assert_int_equal(paths_absolute("/a/b", out, sizeof(out)), 0);
    assert_string_equal(out, "/a/b");
    assert_int_equal(paths_absolute("/a/b", out, 4), ERR_FILE);
}

static void touch(const char *dir, const char *name)
{
    char path[300];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
}

static void check_songs(char *dir)
{
    static struct song_list list;
    static const char *const names[] = { "b.flac",       "a.FLAC", "notes.txt",
                                         ".hidden.flac", "c.flac", "d.flac",
                                         "f.flac",       "e.flac", ".flac",
                                         "x.flac.part" };
    char message[512];
    char other[300];
    char *both[] = { other, dir };
    char *missing[] = { dir, other };

    assert_int_equal(cli_songs_find(NULL, 0, &list, message, sizeof(message)), ERR_USAGE);
    assert_int_equal(cli_songs_find(&dir, 1, &list, message, sizeof(message)), ERR_FILE);
    assert_non_null(strstr(message, "no FLAC file in this folder"));
    for (int i = 0; i < COUNT(names); i++)
        touch(dir, names[i]);
    assert_int_equal(cli_songs_find(&dir, 1, &list, message, sizeof(message)), 0);
    assert_int_equal(list.found, 6);
    assert_int_equal(list.count, SONGS_OFFERED);
    assert_non_null(strstr(list.paths[0], "/a.FLAC"));
    assert_non_null(strstr(list.paths[4], "/e.flac"));
    /* A file that is named is taken whatever it is called: the node looks inside. */
    snprintf(other, sizeof(other), "%s/notes.txt", dir);
    assert_int_equal(cli_songs_find(both, 2, &list, message, sizeof(message)), 0);
    assert_int_equal(list.found, 7);
    assert_string_equal(list.paths[0], other);
    snprintf(other, sizeof(other), "%s/none.flac", dir);
    assert_int_equal(cli_songs_find(missing, 2, &list, message, sizeof(message)),
                     ERR_FILE);
    assert_non_null(strstr(message, "none.flac: No such file"));
    for (int i = 0; i < COUNT(names); i++) {
        snprintf(other, sizeof(other), "%s/%s", dir, names[i]);
        unlink(other);
    }
}

static void test_songs(void **state)
{
    char dir[] = "/tmp/party-test-XXXXXX";

    (void)state;
    assert_non_null(mkdtemp(dir));
    check_songs(dir);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),   cmocka_unit_test(test_refused),
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_times),
        cmocka_unit_test(test_micros),  cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_paths),   cmocka_unit_test(test_absolute),
        cmocka_unit_test(test_songs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
