/* The block store on a real file system: whole songs, growing ones, crashes, damage, full
 * disks, threads.  SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "library/store.h"

#define BLOCKS 21
#define BYTES  ((uint64_t)20 * STORE_BLOCK_SIZE + 123)

static char dir[64];
static uint8_t content[BLOCKS * STORE_BLOCK_SIZE];
static uint8_t leaves[BLOCKS * STORE_HASH_LEN];
static const struct song_id song = { { 0xab, 1, 2 } };
static const struct song_id other = { { 0xcd, 3 } };

/* A toy hash: the store does not care which. */
static void toy_leaf(const uint8_t *data, size_t len, uint8_t *leaf)
{
    uint64_t h[4] = { 1, 2, 3, len };

    for (size_t i = 0; i < len; i++)
        h[i % 4] = (h[i % 4] ^ data[i]) * UINT64_C(0x100000001b3);
    memcpy(leaf, h, STORE_HASH_LEN);
}

static bool toy_check(const uint8_t *leaf, const uint8_t *data, size_t len)
{
    uint8_t have[STORE_HASH_LEN];

    toy_leaf(data, len, have);
    return memcmp(have, leaf, STORE_HASH_LEN) == 0;
}

static struct bytes block(int i)
{
    size_t at = (size_t)i * STORE_BLOCK_SIZE;

    return bytes_of(content + at, i == BLOCKS - 1 ? 123 : STORE_BLOCK_SIZE);
}

static struct bytes all_leaves(void)
{
    return bytes_of(leaves, sizeof(leaves));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int setup(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/party-store-XXXXXX");
    for (size_t i = 0; i < sizeof(content); i++)
        content[i] = (uint8_t)(i * 31 + (i >> 9));
    for (int i = 0; i < BLOCKS; i++)
        toy_leaf(block(i).data, block(i).len, leaves + i * STORE_HASH_LEN);
    return mkdtemp(dir) != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct store *open_store(void)
{
    struct store *s = NULL;

    assert_int_equal(store_open(dir, toy_check, &s), 0);
    return s;
}

/* Open the song and say how many blocks the store holds; -1 for all. */
static int open_song(struct store *s, const struct song_id *id)
{
    struct store_holding h;
    int held;

    assert_int_equal(store_song_open(s, id, BYTES, &h), 0);
    held = h.has_all ? -1 : h.held;
    store_holding_finish(&h);
    return held;
}

static const char *file_of(const char *ending)
{
    static char path[300];
    char hex[2 * SONG_ID_LEN + 1];

    hex_encode(song.b, SONG_ID_LEN, hex);
    snprintf(path, sizeof(path), "%s/songs/%s%s", dir, hex, ending);
    return path;
}

static bool exists(const char *ending)
{
    return access(file_of(ending), F_OK) == 0;
}

static void write_blocks(struct store *s, int first, int end)
{
    for (int i = first; i < end; i++)
        assert_int_equal(store_block_write(s, &song, (uint32_t)i, block(i)), 0);
}

static void check_blocks(struct store *s, int first, int end)
{
    uint8_t data[STORE_BLOCK_SIZE];
    size_t len;

    for (int i = first; i < end; i++) {
        assert_int_equal(store_block_read(s, &song, (uint32_t)i, data, &len), 0);
        assert_int_equal(len, block(i).len);
        assert_memory_equal(data, block(i).data, len);
    }
}

static void patch(const char *ending, off_t at, const void *data, size_t len)
{
    int fd = open(file_of(ending), O_WRONLY);

    assert_true(fd >= 0 && pwrite(fd, data, len, at) == (ssize_t)len && close(fd) == 0);
}

static void test_song_becomes_whole(void **state)
{
    struct store *s = open_store();
    uint8_t data[STORE_BLOCK_SIZE];
    char path[300];
    size_t len;
    struct stat st;

    (void)state;
    assert_int_equal(open_song(s, &song), 0);
    assert_int_equal(store_leaves_write(s, &song, all_leaves()), 0);
    assert_int_equal(store_block_read(s, &song, 3, data, &len), ERR_NOT_FOUND);
    assert_int_equal(store_path(s, &song, path, sizeof(path)), ERR_NOT_FOUND);
    write_blocks(s, 1, BLOCKS);
    assert_true(exists(".part") && exists(".bits") && !exists(".flac"));
    write_blocks(s, 0, 1);
    assert_true(!exists(".part") && !exists(".bits") && exists(".flac"));
    check_blocks(s, 0, BLOCKS);
    assert_int_equal(store_path(s, &song, path, sizeof(path)), 0);
    assert_string_equal(path, file_of(".flac"));
    assert_true(stat(path, &st) == 0 && (uint64_t)st.st_size == BYTES);
    assert_int_equal(store_path(s, &song, path, 20), ERR_LIMIT);
    assert_int_equal(store_song_close(s, &song), 0);
    store_close(s);
    s = open_store();
    assert_int_equal(open_song(s, &song), -1);
    check_blocks(s, 0, BLOCKS);
    store_close(s);
}

static void test_usage_is_checked(void **state)
{
    struct store *s = open_store();
    struct store_holding h;
    uint8_t data[STORE_BLOCK_SIZE];
    size_t len;

    (void)state;
    assert_int_equal(store_block_write(s, &song, 0, block(0)), ERR_NOT_FOUND);
    assert_int_equal(store_block_read(s, &song, 0, data, &len), ERR_NOT_FOUND);
    assert_int_equal(store_leaves_write(s, &song, all_leaves()), ERR_NOT_FOUND);
    assert_int_equal(store_song_close(s, &song), ERR_NOT_FOUND);
    assert_int_equal(store_song_open(s, &song, 0, &h), ERR_LIMIT);
    assert_int_equal(store_song_open(s, &song, UINT64_MAX, &h), ERR_LIMIT);
    assert_int_equal(open_song(s, &song), 0);
    assert_int_equal(store_song_open(s, &song, BYTES + 1, &h), ERR_STATE);
    assert_int_equal(store_block_write(s, &song, BLOCKS, block(0)), ERR_LIMIT);
    assert_int_equal(store_block_write(s, &song, UINT32_MAX, block(0)), ERR_LIMIT);
    assert_int_equal(store_block_write(s, &song, 0, block(BLOCKS - 1)), ERR_LIMIT);
    assert_int_equal(store_block_write(s, &song, BLOCKS - 1, block(0)), ERR_LIMIT);
    assert_int_equal(store_leaves_write(s, &song, bytes_of(leaves, 32)), ERR_LIMIT);
    assert_int_equal(store_song_remove(s, &song), ERR_STATE);
    assert_int_equal(open_song(s, &song), 0); /* twice open, twice closed */
    assert_int_equal(store_song_close(s, &song), 0);
    write_blocks(s, 0, 2);
    assert_int_equal(store_song_close(s, &song), 0);
    assert_int_equal(store_song_close(s, &song), ERR_NOT_FOUND);
    assert_int_equal(store_song_remove(s, &song), 0);
    assert_true(!exists(".part") && !exists(".bits"));
    assert_int_equal(store_song_remove(s, &song), 0);
    store_close(s);
    store_close(NULL);
}

static void test_open_songs_are_bounded(void **state)
{
    struct store *s = open_store();
    struct store_holding h;
    struct song_id id = song;

    (void)state;
    for (int i = 0; i < STORE_OPEN_MAX; i++) {
        id.b[31] = (uint8_t)i;
        assert_int_equal(store_song_open(s, &id, 1, &h), 0);
        store_holding_finish(&h);
    }
    id.b[31] = STORE_OPEN_MAX;
    assert_int_equal(store_song_open(s, &id, 1, &h), ERR_LIMIT);
    id.b[31] = 0;
    assert_int_equal(store_song_close(s, &id), 0);
    id.b[31] = STORE_OPEN_MAX;
    assert_int_equal(store_song_open(s, &id, 1, &h), 0);
    store_holding_finish(&h);
    store_close(s);
}

static void test_leaves(void **state)
{
    struct store *s = open_store();
    struct store_holding h;
    uint8_t read[sizeof(leaves)];
    size_t len = 0;

    (void)state;
    assert_int_equal(store_leaves_read(s, &song, read, sizeof(read), &len),
                     ERR_NOT_FOUND);
    assert_int_equal(open_song(s, &song), 0);
    assert_int_equal(store_leaves_write(s, &song, all_leaves()), 0);
    assert_int_equal(store_leaves_read(s, &song, read, 32, &len), ERR_LIMIT);
    assert_int_equal(store_leaves_read(s, &song, read, sizeof(read), &len), 0);
    assert_int_equal(len, sizeof(leaves));
    assert_memory_equal(read, leaves, len);
    assert_int_equal(store_song_close(s, &song), 0);
    assert_int_equal(store_song_open(s, &song, BYTES, &h), 0);
    assert_int_equal(h.leaves_len, sizeof(leaves));
    assert_memory_equal(h.leaves, leaves, sizeof(leaves));
    store_holding_finish(&h);
    assert_int_equal(store_song_close(s, &song), 0);
    assert_int_equal(truncate(file_of(".leaves"), 31), 0);
    assert_int_equal(store_leaves_read(s, &song, read, sizeof(read), &len), ERR_FILE);
    assert_int_equal(store_song_open(s, &song, BYTES, &h), 0);
    assert_null(h.leaves);
    store_holding_finish(&h);
    store_close(s);
}

static void test_resume_after_close_trusts(void **state)
{
    struct store *s = open_store();
    struct store_holding h;

    (void)state;
    assert_int_equal(open_song(s, &song), 0);
    write_blocks(s, 4, 9);
    store_close(s);
    s = open_store();
    assert_int_equal(store_song_open(s, &song, BYTES, &h), 0);
    assert_int_equal(h.held, 5); /* though there are no leaves to check them by */
    assert_int_equal(h.bitmap_len, 3);
    assert_memory_equal(h.bitmap, "\x0f\x80\x00", 3);
    store_holding_finish(&h);
    check_blocks(s, 4, 9);
    store_close(s);
}

/* What a child has written that is killed in the middle: no close, no sync. */
static void crash_after(int first, int end, bool has_leaves)
{
    int pipe_fd[2];
    char c;
    pid_t pid;

    assert_int_equal(pipe(pipe_fd), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct store *s = open_store();

        (void)open_song(s, &song);
        if (has_leaves)
            assert_int_equal(store_leaves_write(s, &song, all_leaves()), 0);
        write_blocks(s, first, end);
        if (write(pipe_fd[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    close(pipe_fd[1]);
    assert_int_equal(read(pipe_fd[0], &c, 1), 1);
    close(pipe_fd[0]);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void test_crash_hashes_again(void **state)
{
    struct store *s;
    struct store_holding h;

    (void)state;
    crash_after(2, 12, true);
    patch(".part", 5 * STORE_BLOCK_SIZE + 77, "?", 1);
    patch(".bits", 24 + 2, "\xff", 1); /* blocks 16..20 and three that do not exist */
    s = open_store();
    assert_int_equal(store_song_open(s, &song, BYTES, &h), 0);
    assert_int_equal(h.held, 9);
    assert_memory_equal(h.bitmap, "\x3b\xf0\x00", 3);
    store_holding_finish(&h);
    write_blocks(s, 0, 2);
    write_blocks(s, 5, 6);
    write_blocks(s, 12, BLOCKS);
    assert_true(exists(".flac"));
    check_blocks(s, 0, BLOCKS);
    store_close(s);
}

static void test_crash_after_a_good_close(void **state)
{
    struct store *s = open_store();

    (void)state;
    assert_int_equal(open_song(s, &song), 0);
    assert_int_equal(store_leaves_write(s, &song, all_leaves()), 0);
    write_blocks(s, 0, 3);
    store_close(s);
    crash_after(3, 6, true);
    patch(".part", STORE_BLOCK_SIZE + 9, "?", 1);
    s = open_store();
    assert_int_equal(open_song(s, &song), 5);
    store_close(s);
}

static void test_crash_without_leaves_holds_nothing(void **state)
{
    struct store *s;

    (void)state;
    crash_after(0, 10, false);
    s = open_store();
    assert_int_equal(open_song(s, &song), 0);
    store_close(s);
    assert_false(exists(".part")); /* closed with nothing in it */
}

static void test_crash_before_the_rename(void **state)
{
    struct store *s;

    (void)state;
    crash_after(0, BLOCKS - 1, true);
    patch(".part", 20 * STORE_BLOCK_SIZE, block(20).data, block(20).len);
    patch(".bits", 24 + 2, "\xf8", 1);
    s = open_store();
    assert_int_equal(open_song(s, &song), -1);
    assert_true(exists(".flac") && !exists(".part"));
    store_close(s);
}

static void test_damaged_bits(void **state)
{
    static const struct {
        const char *name;
        off_t at;
        const char *data;
        size_t len;
    } cases[] = {
        { "magic", 0, "PARTY.b1", 8 },
        { "length", 8, "\0\0\0\0\0\0\0\1", 8 },
    };

    (void)state;
    for (int i = 0; i < COUNT(cases); i++) {
        struct store *s = open_store();

        (void)open_song(s, &song);
        assert_int_equal(store_leaves_write(s, &song, all_leaves()), 0);
        write_blocks(s, 0, 3);
        store_close(s);
        patch(".bits", cases[i].at, cases[i].data, cases[i].len);
        s = open_store();
        assert_int_equal(open_song(s, &song), 0);
        store_close(s);
    }
}

static void test_short_files(void **state)
{
    struct store *s = open_store();
    uint8_t data[STORE_BLOCK_SIZE];
    size_t len;

    (void)state;
    (void)open_song(s, &song);
    assert_int_equal(store_leaves_write(s, &song, all_leaves()), 0);
    write_blocks(s, 0, BLOCKS);
    assert_int_equal(truncate(file_of(".flac"), 5 * STORE_BLOCK_SIZE + 10), 0);
    assert_int_equal(store_block_read(s, &song, 4, data, &len), 0);
    assert_int_equal(store_block_read(s, &song, 5, data, &len), ERR_CORRUPT);
    write_blocks(s, 5, BLOCKS); /* repaired in place */
    check_blocks(s, 0, BLOCKS);
    store_close(s);
    assert_int_equal(truncate(file_of(".flac"), 7), 0);
    s = open_store();
    assert_int_equal(open_song(s, &song), 0); /* not the song: begun anew */
    store_close(s);
}

static void make_file(struct store *s, char *path, size_t size)
{
    int fd;

    assert_int_equal(store_temp(s, path, size, &fd), 0);
    assert_int_equal(write(fd, content, BYTES), BYTES);
    close(fd);
}

static void test_import(void **state)
{
    struct store *s = open_store();
    char path[300];
    uint8_t read[sizeof(leaves)];
    size_t len;

    (void)state;
    make_file(s, path, sizeof(path));
    assert_int_equal(store_import(s, path, &song, bytes_of(leaves, 32)), ERR_LIMIT);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(store_import(s, path, &song, all_leaves()), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(open_song(s, &song), -1);
    check_blocks(s, 0, BLOCKS);
    assert_int_equal(store_leaves_read(s, &song, read, sizeof(read), &len), 0);
    make_file(s, path, sizeof(path)); /* again: nothing to do */
    assert_int_equal(store_import(s, path, &song, all_leaves()), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(store_import(s, "/nowhere/at/all", &other, all_leaves()), ERR_FILE);
    store_close(s);
}

static void test_import_of_a_growing_song(void **state)
{
    struct store *s = open_store();
    char path[300];

    (void)state;
    assert_int_equal(open_song(s, &song), 0);
    write_blocks(s, 3, 6);
    make_file(s, path, sizeof(path));
    assert_int_equal(store_import(s, path, &song, all_leaves()), 0);
    check_blocks(s, 0, BLOCKS);
    assert_true(exists(".flac") && !exists(".part") && !exists(".bits"));
    assert_int_equal(store_song_close(s, &song), 0);
    store_close(s);
}

static void test_import_from_another_file_system(void **state)
{
    char path[] = "/dev/shm/party-import-XXXXXX";
    struct store *s = open_store();
    int fd = mkstemp(path);
    struct stat here;
    struct stat there;

    (void)state;
    if (fd < 0 || stat("/dev/shm", &there) != 0 || stat(dir, &here) != 0 ||
        here.st_dev == there.st_dev) {
        print_message("no second file system here\n");
        store_close(s);
        skip();
    }
    assert_int_equal(write(fd, content, BYTES), BYTES);
    close(fd);
    assert_int_equal(store_import(s, path, &song, all_leaves()), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(open_song(s, &song), -1);
    check_blocks(s, 0, BLOCKS);
    store_close(s);
}

static void test_leftovers_are_swept(void **state)
{
    struct store *s = open_store();
    char path[300];
    int fd;

    (void)state;
    assert_int_equal(store_temp(s, path, 10, &fd), ERR_LIMIT);
    make_file(s, path, sizeof(path));
    store_close(s);
    assert_int_equal(access(path, F_OK), 0);
    store_close(open_store());
    assert_int_equal(access(path, F_OK), -1);
}

/* Run fn in a child; its exit status is what it returns. */
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

/* A limit on the size of files fails as a full disk does: at the reservation, or later.
 */
static int full_disk(void)
{
    struct rlimit limit = { 10 * STORE_BLOCK_SIZE, 10 * STORE_BLOCK_SIZE };
    struct store *s = open_store();
    struct store_holding h;
    int err;

    (void)open_song(s, &other); /* reserved while there was room */
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 1;
    if (store_song_open(s, &song, BYTES, &h) != ERR_DISK || exists(".part"))
        return 2;
    if (store_block_write(s, &other, 3, block(3)) != 0)
        return 3;
    if (store_block_write(s, &other, 12, block(12)) != ERR_DISK)
        return 4;
    limit.rlim_cur = limit.rlim_max = 8;
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 5;
    err = store_leaves_write(s, &other, all_leaves());
    return err == ERR_DISK ? 0 : 6;
}

static void test_full_disk(void **state)
{
    struct store *s;

    (void)state;
    assert_int_equal(in_child(full_disk), 0);
    s = open_store(); /* and it works again */
    assert_int_equal(open_song(s, &song), 0);
    write_blocks(s, 0, BLOCKS);
    check_blocks(s, 0, BLOCKS);
    store_close(s);
}

static int unwritable(void)
{
    struct store *s = NULL;

    if (geteuid() == 0 && setuid(65534) != 0)
        return 1;
    return store_open(dir, toy_check, &s) == ERR_FILE ? 0 : 2;
}

static void test_unwritable_directory(void **state)
{
    struct store *s = NULL;
    char path[80];

    (void)state;
    snprintf(path, sizeof(path), "%s/songs", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chmod(path, 0500), 0);
    assert_int_equal(chmod(dir, 0555), 0);
    assert_int_equal(in_child(unwritable), 0);
    assert_int_equal(chmod(dir, 0700), 0);
    assert_int_equal(chmod(path, 0700), 0);
    assert_int_equal(store_open("/proc/nowhere", toy_check, &s), ERR_FILE);
}

static struct store *shared;

static void *write_share(void *argument)
{
    int which = *(int *)argument;
    uint8_t data[STORE_BLOCK_SIZE];
    size_t len;

    for (int i = 0; i < BLOCKS; i++) {
        int b = (i * 5 + which) % BLOCKS; /* all blocks, in another order each */
        int err;

        if (store_block_write(shared, which % 2 ? &song : &other, (uint32_t)b, block(b)))
            return argument;
        err = store_block_read(shared, &song, (uint32_t)b, data, &len);
        if (err == 0 && memcmp(data, block(b).data, len) != 0)
            return argument;
        if (err != 0 && err != ERR_NOT_FOUND)
            return argument;
        if (open_song(shared, &song) < -1 || store_song_close(shared, &song) != 0)
            return argument;
    }
    return NULL;
}

static void test_threads(void **state)
{
    int which[4] = { 0, 1, 2, 3 };
    pthread_t threads[4];

    (void)state;
    shared = open_store();
    (void)open_song(shared, &song);
    (void)open_song(shared, &other);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_share, &which[i]), 0);
    for (int i = 0; i < 4; i++) {
        void *failed = NULL;

        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    check_blocks(shared, 0, BLOCKS);
    assert_true(exists(".flac"));
    store_close(shared);
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(test_song_becomes_whole),
        IN_DIR(test_usage_is_checked),
        IN_DIR(test_open_songs_are_bounded),
        IN_DIR(test_leaves),
        IN_DIR(test_resume_after_close_trusts),
        IN_DIR(test_crash_hashes_again),
        IN_DIR(test_crash_after_a_good_close),
        IN_DIR(test_crash_without_leaves_holds_nothing),
        IN_DIR(test_crash_before_the_rename),
        IN_DIR(test_damaged_bits),
        IN_DIR(test_short_files),
        IN_DIR(test_import),
        IN_DIR(test_import_of_a_growing_song),
        IN_DIR(test_import_from_another_file_system),
        IN_DIR(test_leftovers_are_swept),
        IN_DIR(test_full_disk),
        IN_DIR(test_unwritable_directory),
        IN_DIR(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
