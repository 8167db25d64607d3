/* The node's folder: key, lock, channel key.  SPDX-License-Identifier: MIT */
#include "tests/daemon/temp.h"

#include <sys/wait.h>

#include "daemon/datadir.h"

static void test_first_start(void **state)
{
    char dir[256];
    char key[300];
    char message[300] = "";
    struct datadir d;
    struct stat st;

    snprintf(dir, sizeof(dir), "%s", temp_path(*state, "a/b/party"));
    assert_int_equal(datadir_open(&d, dir, message, sizeof(message)), 0);
    assert_true(d.is_new);
    snprintf(key, sizeof(key), "%s/key", dir);
    assert_int_equal(stat(key, &st), 0);
    assert_int_equal(st.st_size, DATADIR_KEY_LEN);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    datadir_close(&d);
}

static void test_the_key_stays(void **state)
{
    uint8_t zero[DATADIR_KEY_LEN] = { 0 };
    uint8_t seed[DATADIR_KEY_LEN];
    char message[300];
    struct temp *t = *state;
    struct datadir d;

    assert_int_equal(datadir_open(&d, t->dir, message, sizeof(message)), 0);
    memcpy(seed, d.seed, sizeof(seed));
    assert_memory_not_equal(seed, zero, sizeof(seed));
    datadir_close(&d);
    assert_memory_equal(d.seed, zero, sizeof(zero));
    assert_int_equal(datadir_open(&d, t->dir, message, sizeof(message)), 0);
    assert_false(d.is_new);
    assert_memory_equal(d.seed, seed, sizeof(seed));
    datadir_close(&d);
}

/* flock is per open file: a second process, and a second open in this one, are refused.
 */
static void test_two_nodes(void **state)
{
    char message[300] = "";
    char pid[32];
    struct temp *t = *state;
    struct datadir a;
    struct datadir b;

    assert_int_equal(datadir_open(&a, t->dir, message, sizeof(message)), 0);
    assert_int_equal(datadir_open(&b, t->dir, message, sizeof(message)), ERR_PORT);
    snprintf(pid, sizeof(pid), "(process %d)", (int)getpid());
    assert_non_null(strstr(message, pid));
    assert_non_null(strstr(message, "--data-dir"));
    datadir_close(&a);
    assert_int_equal(datadir_open(&b, t->dir, message, sizeof(message)), 0);
    datadir_close(&b);
}

/* A node that was killed leaves no lock behind. */
static void test_a_killed_node(void **state)
{
    char message[300];
    struct temp *t = *state;
    struct datadir d;
    pid_t child = fork();
    int status;

    if (child == 0)
        _exit(datadir_open(&d, t->dir, message, sizeof(message)) == 0 ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(datadir_open(&d, t->dir, message, sizeof(message)), 0);
    assert_false(d.is_new);
    datadir_close(&d);
}

static void test_bad_keys(void **state)
{
    static const struct {
        const char *fact;
        size_t len;
    } rows[] = {
        { "empty", 0 }, { "short", 31 }, { "long", 33 }, { "much too long", 5000 }
    };
    struct temp *t = *state;
    char junk[5000];

    memset(junk, 'x', sizeof(junk));
    for (int i = 0; i < COUNT(rows); i++) {
        char message[300] = "";
        struct datadir d;

        print_message("%s\n", rows[i].fact);
        temp_write(temp_path(t, "key"), junk, rows[i].len);
        assert_int_equal(datadir_open(&d, t->dir, message, sizeof(message)), ERR_KEY);
        assert_non_null(strstr(message, "32 bytes"));
        assert_int_equal(d.lock_fd, -1);
    }
}

static void test_impossible_folders(void **state)
{
    char message[300];
    char path[256];
    struct temp *t = *state;
    struct datadir d;

    temp_write(temp_path(t, "file"), "x", 1);
    snprintf(path, sizeof(path), "%s", temp_path(t, "file"));
    assert_int_equal(datadir_open(&d, path, message, sizeof(message)), ERR_FILE);
    snprintf(path, sizeof(path), "%s", temp_path(t, "file/below"));
    assert_int_equal(datadir_open(&d, path, message, sizeof(message)), ERR_FILE);
    assert_non_null(strstr(message, "Not a directory"));
    assert_int_equal(datadir_open(&d, "/proc/none", message, sizeof(message)), ERR_FILE);
    assert_non_null(strstr(message, "--data-dir"));
}

static void test_channel_keys(void **state)
{
#define HEX32 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
    static const uint8_t want[32] = { 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                      11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                      22, 23, 24, 25, 26, 27, 28, 29, 30, 31 };
    static const struct {
        const char *fact;
        const char *text;
        size_t len;
        int err;
    } rows[] = {
        { "hex", HEX32, 64, 0 },
        { "as openssl writes it", HEX32 "\n", 65, 0 },
        { "white space behind", HEX32 " \r\n", 67, 0 },
        { "32 bytes as they are", (const char *)want, 32, 0 },
        { "a digit less", HEX32, 63, ERR_KEY },
        { "a digit more", HEX32 "0", 65, ERR_KEY },
        { "no hex", "x" HEX32, 64, ERR_KEY },
        { "empty", "", 0, ERR_KEY },
        { "a word is no key", "friday\n", 7, ERR_KEY },
    };

    for (int i = 0; i < COUNT(rows); i++) {
        uint8_t key[32];
        char message[300];

        print_message("%s\n", rows[i].fact);
        temp_write(temp_path(*state, "channel"), rows[i].text, rows[i].len);
        assert_int_equal(datadir_read_channel_key(temp_path(*state, "channel"), key,
                                                  message, sizeof(message)),
                         rows[i].err);
        if (rows[i].err == 0)
            assert_memory_equal(key, want, 32);
        else
            assert_non_null(strstr(message, "64 hex digits"));
    }
}

static void test_no_channel_key(void **state)
{
    uint8_t key[32];
    char message[300];

    assert_int_equal(datadir_read_channel_key(temp_path(*state, "none"), key, message,
                                              sizeof(message)),
                     ERR_FILE);
    assert_non_null(strstr(message, "No such file"));
}

#define WITH_TEMP(f) cmocka_unit_test_setup_teardown(f, temp_setup, temp_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TEMP(test_first_start),  WITH_TEMP(test_the_key_stays),
        WITH_TEMP(test_two_nodes),    WITH_TEMP(test_a_killed_node),
        WITH_TEMP(test_bad_keys),     WITH_TEMP(test_impossible_folders),
        WITH_TEMP(test_channel_keys), WITH_TEMP(test_no_channel_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
