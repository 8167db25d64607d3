/* What a node remembers: limits, damage, other versions, sudden death.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "library/memory.h"

static char dir[64];
static char path[80];
static char message[MEMORY_MESSAGE_MAX];

static int remove_one(const char *name, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(name);
}

static int setup(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/party-memory-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/memory.db", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct bytes text(const char *s)
{
    return bytes_of(s, strlen(s));
}

static struct memory *open_memory(void)
{
    struct memory *m = NULL;

    assert_int_equal(memory_open(path, message, sizeof(message), &m), 0);
    return m;
}

static void expect(struct memory *m, const char *key, const char *value)
{
    uint8_t have[100];
    size_t len = 0;

    if (value == NULL) {
        assert_int_equal(memory_get(m, text(key), have, sizeof(have), &len),
                         ERR_NOT_FOUND);
        return;
    }
    assert_int_equal(memory_get(m, text(key), have, sizeof(have), &len), 0);
    assert_int_equal(len, strlen(value));
    assert_memory_equal(have, value, len);
}

static void test_put_get_delete(void **state)
{
    struct memory *m = open_memory();
    uint8_t have[4];
    size_t len = 77;

    (void)state;
    assert_string_equal(message, "");
    expect(m, "a", NULL);
    assert_int_equal(memory_put(m, text("a"), text("one")), 0);
    assert_int_equal(memory_put(m, text("b"), text("three")), 0);
    assert_int_equal(memory_put(m, text("a"), text("two")), 0);
    expect(m, "a", "two");
    assert_int_equal(memory_get(m, text("b"), have, sizeof(have), &len), ERR_LIMIT);
    assert_int_equal(len, 77);
    assert_int_equal(memory_delete(m, text("a")), 0);
    assert_int_equal(memory_delete(m, text("a")), ERR_NOT_FOUND);
    assert_int_equal(memory_put(m, text("b"), text("")), 0); /* empty: forget */
    assert_int_equal(memory_put(m, text("b"), text("")), 0);
    expect(m, "b", NULL);
    assert_int_equal(memory_put(m, text("c"), text("kept")), 0);
    memory_close(m);
    m = open_memory();
    expect(m, "c", "kept");
    memory_close(m);
    memory_close(NULL);
}

static void test_limits(void **state)
{
    static uint8_t big[MEMORY_VALUE_MAX + 1];
    struct memory *m = open_memory();
    size_t len;

    (void)state;
    memset(big, 'x', sizeof(big));
    assert_int_equal(memory_put(m, text(""), text("v")), ERR_LIMIT);
    assert_int_equal(memory_put(m, bytes_of(big, MEMORY_KEY_MAX + 1), text("v")),
                     ERR_LIMIT);
    assert_int_equal(memory_put(m, text("k"), bytes_of(big, sizeof(big))), ERR_LIMIT);
    assert_int_equal(
        memory_put(m, bytes_of(big, MEMORY_KEY_MAX), bytes_of(big, MEMORY_VALUE_MAX)), 0);
    assert_int_equal(memory_get(m, bytes_of(big, MEMORY_KEY_MAX), big, sizeof(big), &len),
                     0);
    assert_int_equal(len, MEMORY_VALUE_MAX);
    memory_close(m);
}

/* Fill the tables behind memory's back, which would take long by single writes. */
static void fill(const char *sql)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static bool count_item(void *context, struct bytes key, struct bytes value)
{
    int *n = context;

    assert_true(key.len > 0 && value.len > 0);
    return ++*n != 10;
}

static bool count_song(void *context, const struct song_row *row)
{
    (void)row;
    ++*(int *)context;
    return true;
}

static void test_number_of_items(void **state)
{
    int n = 0;

    (void)state;
    memory_close(open_memory());
    fill("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4096)"
         " INSERT INTO memory SELECT CAST('k' || i AS BLOB), x'01' FROM n");
    struct memory *m = open_memory();

    assert_int_equal(memory_put(m, text("new"), text("v")), ERR_LIMIT);
    assert_int_equal(memory_put(m, text("k7"), text("v")), 0);
    assert_int_equal(memory_each(m, count_item, &n), 0);
    assert_int_equal(n, 10); /* stopped */
    assert_int_equal(memory_each(m, count_item, &n), 0);
    assert_int_equal(n, 10 + MEMORY_ITEMS_MAX);
    assert_int_equal(memory_delete(m, text("k8")), 0);
    assert_int_equal(memory_put(m, text("new"), text("v")), 0);
    memory_close(m);
}

static struct song_row row_of(int i)
{
    struct song_row r = { .bytes = 1000000,
                          .frames = 44100 * 60,
                          .rate = 44100,
                          .channels = 2,
                          .bits = 16,
                          .state = SONG_STATE_WHOLE,
                          .bytes_held = 1000000,
                          .last_used_s = 1700000000 + i };

    r.id.b[0] = (uint8_t)i;
    r.title = text("Title \xc3\xa9");
    r.artist = text("Artist");
    r.source_path = text("/home/x/\xff.flac"); /* a path need not be UTF-8 */
    return r;
}

struct expected {
    int n;
    int last;
};

static bool check_song(void *context, const struct song_row *r)
{
    struct expected *e = context;
    struct song_row want = row_of(r->id.b[0]);

    assert_true(r->id.b[0] < e->last); /* the newest first */
    e->last = r->id.b[0];
    e->n++;
    assert_int_equal(r->bytes, want.bytes);
    assert_int_equal(r->frames, want.frames);
    assert_int_equal(r->rate, want.rate);
    assert_int_equal(r->channels, want.channels);
    assert_int_equal(r->bits, want.bits);
    assert_int_equal(r->state, want.state);
    assert_int_equal(r->bytes_held, want.bytes_held);
    assert_int_equal(r->last_used_s, want.last_used_s);
    assert_true(bytes_equal(r->title, want.title) && bytes_equal(r->artist, want.artist));
    assert_true(r->album.len == 0 && bytes_equal(r->source_path, want.source_path));
    return true;
}

static void test_songs(void **state)
{
    struct memory *m = open_memory();
    struct song_row r = row_of(3);
    struct expected e = { 0, 256 };

    (void)state;
    r.bytes_held = 5;
    r.state = SONG_STATE_PARTIAL;
    assert_int_equal(songs_put(m, &r), 0);
    for (int i = 1; i <= 5; i++) {
        r = row_of(i);
        assert_int_equal(songs_put(m, &r), 0); /* 3 is replaced */
    }
    assert_int_equal(songs_list(m, check_song, &e), 0);
    assert_int_equal(e.n, 5);
    assert_int_equal(songs_delete(m, &r.id), 0);
    assert_int_equal(songs_delete(m, &r.id), ERR_NOT_FOUND);
    memory_close(m);
    m = open_memory();
    e = (struct expected){ 0, 256 };
    assert_int_equal(songs_list(m, check_song, &e), 0);
    assert_int_equal(e.n, 4);
    memory_close(m);
}

static void test_song_limits(void **state)
{
    static char longest[MEMORY_PATH_MAX + 1];
    struct memory *m = open_memory();
    struct song_row good = row_of(1);
    struct song_row bad[7];

    (void)state;
    memset(longest, 'x', sizeof(longest));
    for (int i = 0; i < COUNT(bad); i++)
        bad[i] = good;
    bad[0].title = bytes_of(longest, MEMORY_TEXT_MAX + 1);
    bad[1].artist = text("\xff");
    bad[2].album = bytes_of("a\0b", 3);
    bad[3].source_path = bytes_of(longest, sizeof(longest));
    bad[4].source_path = bytes_of("a\0b", 3);
    bad[5].bytes = UINT64_MAX;
    bad[6].bytes_held = good.bytes + 1;
    for (int i = 0; i < COUNT(bad); i++)
        assert_int_equal(songs_put(m, &bad[i]), ERR_LIMIT);
    good.source_path = bytes_of(longest, MEMORY_PATH_MAX);
    assert_int_equal(songs_put(m, &good), 0);
    memory_close(m);
}

static void test_number_of_songs(void **state)
{
    struct song_row r = row_of(1);
    int n = 0;

    (void)state;
    memory_close(open_memory());
    fill("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
         " WHERE i < 100000) INSERT INTO songs SELECT CAST(printf('%032d', i) AS BLOB),"
         " 1, 1, 1, 1, 1, 1, 1, i, '', '', '', '' FROM n;"
         "UPDATE songs SET state = 9 WHERE last_used_s = 50;"
         "UPDATE songs SET id = x'0102' WHERE last_used_s = 51;"
         "UPDATE songs SET title = CAST(x'ff' AS TEXT) WHERE last_used_s = 52;");
    struct memory *m = open_memory();

    assert_int_equal(songs_put(m, &r), ERR_LIMIT);
    assert_int_equal(songs_list(m, count_song, &n), 0);
    assert_int_equal(n,
                     MEMORY_SONGS_MAX - 3); /* rows that we never wrote are passed over */
    memory_close(m);
}

static bool exists(const char *ending)
{
    char name[200];

    snprintf(name, sizeof(name), "%s%s", path, ending);
    return access(name, F_OK) == 0;
}

/* Write over part of the file; from the end where at is negative. */
static void spoil(long at, int len, int value)
{
    FILE *f = fopen(path, "r+b");

    assert_non_null(f);
    fseek(f, at, at < 0 ? SEEK_END : SEEK_SET);
    for (int i = 0; i < len; i++)
        fputc(value, f);
    fclose(f);
}

static void test_damage_is_put_aside(void **state)
{
    static const struct {
        const char *name;
        long at;
        int len;
        long truncate; /* -1: no */
    } cases[] = {
        { "no database at all", 0, 4096, -1 },
        { "header", 0, 16, -1 },
        { "schema", 100, 500, -1 },
        { "a table", -4096, 4096, -1 },
        { "cut in the middle", 0, 0, 6000 },
        { "cut in the header", 0, 0, 50 },
    };
    char aside[40];

    (void)state;
    for (int i = 0; i < COUNT(cases); i++) {
        struct memory *m = open_memory();

        for (int k = 0; k < 60; k++) {
            char key[16];

            snprintf(key, sizeof(key), "key%d", k);
            assert_int_equal(memory_put(m, text(key), text(dir)), 0);
        }
        memory_close(m);
        assert_false(exists("-wal"));
        if (cases[i].len > 0)
            spoil(cases[i].at, cases[i].len, 0xa5);
        if (cases[i].truncate >= 0)
            assert_int_equal(truncate(path, cases[i].truncate), 0);
        m = open_memory();
        snprintf(aside, sizeof(aside), ".damaged-%d", i + 1);
        if (strstr(message, aside) == NULL || !exists(aside))
            fail_msg("%s: %s", cases[i].name, message);
        expect(m, "key1", NULL);
        memory_close(m);
    }
}

static void test_other_shapes_are_put_aside(void **state)
{
    struct memory *m;

    (void)state;
    fill("PRAGMA user_version = 2; CREATE TABLE memory(x)");
    m = open_memory();
    assert_non_null(strstr(message, "another version"));
    assert_true(exists(".damaged-1"));
    assert_int_equal(memory_put(m, text("k"), text("v")), 0);
    memory_close(m);
    fill("DROP TABLE songs");
    m = open_memory();
    assert_non_null(strstr(message, "is damaged"));
    expect(m, "k", NULL);
    memory_close(m);
}

static int unwritable(void)
{
    struct memory *m = NULL;

    if (geteuid() == 0 && setuid(65534) != 0)
        return 1;
    if (memory_open(path, message, sizeof(message), &m) != ERR_FILE)
        return 2;
    return message[0] != '\0' ? 0 : 3;
}

static int full(void)
{
    struct rlimit limit = { 60000, 60000 };
    struct memory *m = open_memory();
    int err = 0;

    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 1;
    for (int i = 0; i < 100 && err == 0; i++) {
        char key[16];

        snprintf(key, sizeof(key), "full%d", i);
        err = memory_put(m, text(key), text(dir));
        if (i == 0 && err != 0)
            return 3;
    }
    memory_close(m);
    return err == ERR_DISK || err == ERR_FILE ? 0 : 2;
}

static int in_child(int (*fn)(void))
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(fn());
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_unwritable(void **state)
{
    struct memory *m = open_memory();
    char nowhere[100];

    (void)state;
    assert_int_equal(memory_put(m, text("k"), text("v")), 0);
    memory_close(m);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(dir, 0777), 0);
    assert_int_equal(in_child(unwritable), 0); /* only the file is protected */
    assert_int_equal(chmod(dir, 0555), 0);
    assert_int_equal(in_child(unwritable), 0); /* a database that cannot be written */
    assert_int_equal(chmod(dir, 0700), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(chmod(dir, 0555), 0);
    assert_int_equal(in_child(unwritable), 0); /* … or made */
    assert_int_equal(chmod(dir, 0700), 0);
    snprintf(nowhere, sizeof(nowhere), "%s/no/such/dir.db", dir);
    assert_int_equal(memory_open(nowhere, message, sizeof(message), &m), ERR_FILE);
    assert_non_null(strstr(message, nowhere));
    assert_int_equal(memory_open(dir, message, sizeof(message), &m), ERR_FILE);
}

static void test_full_disk(void **state)
{
    struct memory *m;

    (void)state;
    assert_int_equal(in_child(full), 0);
    m = open_memory();
    assert_string_equal(message, "");
    assert_int_equal(memory_put(m, text("k"), text("v")), 0);
    expect(m, "full0", dir); /* what was acknowledged is there */
    memory_close(m);
}

/* A child that writes and says so, until it is killed in the middle. */
static void test_kill_loses_nothing(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        int fd[2];
        int32_t last = -1;
        int32_t n;
        char have[8] = { 0 };
        size_t len;
        struct memory *m;
        pid_t pid;

        assert_int_equal(pipe(fd), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            m = open_memory();
            for (n = 0;; n++) {
                if (memory_put(m, text("n"), bytes_of(&n, sizeof(n))) != 0 ||
                    write(fd[1], &n, sizeof(n)) != sizeof(n))
                    _exit(1);
            }
        }
        close(fd[1]);
        while (last < 20 + 7 * round && read(fd[0], &n, sizeof(n)) == sizeof(n))
            last = n;
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        while (read(fd[0], &n, sizeof(n)) == sizeof(n))
            last = n;
        close(fd[0]);
        assert_true(last >= 20 + 7 * round);
        m = open_memory();
        assert_string_equal(message, "");
        assert_int_equal(memory_get(m, text("n"), (uint8_t *)have, sizeof(have), &len),
                         0);
        memcpy(&n, have, sizeof(n));
        assert_true(n == last || n == last + 1);
        memory_close(m);
    }
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(test_put_get_delete),      IN_DIR(test_limits),
        IN_DIR(test_number_of_items),     IN_DIR(test_songs),
        IN_DIR(test_song_limits),         IN_DIR(test_number_of_songs),
        IN_DIR(test_damage_is_put_aside), IN_DIR(test_other_shapes_are_put_aside),
        IN_DIR(test_unwritable),          IN_DIR(test_full_disk),
        IN_DIR(test_kill_loses_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
