/* The control socket, with a node that answers as it is told.
 * SPDX-License-Identifier: MIT */
#include "tests/daemon/temp.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "daemon/server.h"
#include "wire/cbor.h"

struct world {
    uv_loop_t loop;
    struct server *server;
    struct temp *temp;
    char path[128];
    int commands;
    uint64_t ids[64];
    char verbs[64][32];
    bool answers; /* at once, in the event */
    uint64_t down_id;
};

static const uint8_t empty_map[] = { 0xa0 };

static void post(void *ctx, struct event *e)
{
    struct world *w = ctx;
    struct cbor_reader r;
    struct bytes verb;

    assert_int_equal(e->kind, EVENT_COMMAND);
    cbor_reader_init(&r, e->u.command.request);
    cbor_read_array(&r, 16);
    verb = cbor_read_text(&r, 31);
    memcpy(w->verbs[w->commands], verb.data, verb.len);
    w->ids[w->commands++] = e->u.command.id;
    if (w->answers)
        server_reply(w->server, e->u.command.id, 0, bytes_of(empty_map, 1));
}

/* What the driver answers itself: one verb, by and by. */
static bool answer(void *ctx, uint64_t id, struct bytes request)
{
    static const uint8_t down[] = { 0x81, 0x64, 'd', 'o', 'w', 'n' };
    struct world *w = ctx;

    if (!bytes_equal(request, bytes_of(down, sizeof(down))))
        return false;
    w->down_id = id;
    return true;
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    const struct server_config config = { { post, w }, answer, w };
    char message[300];
    void *temp;

    temp_setup(&temp);
    w->temp = temp;
    uv_loop_init(&w->loop);
    snprintf(w->path, sizeof(w->path), "%s/sub/control.sock", w->temp->dir);
    w->server = server_create(&w->loop, &config);
    if (server_listen(w->server, w->path, message, sizeof(message)) != 0)
        fail_msg("%s", message);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    void *temp = w->temp;
    struct stat st;

    server_stop(w->server);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->loop), 0);
    server_destroy(w->server);
    assert_int_equal(lstat(w->path, &st), -1); /* the file is gone */
    free(w);
    return temp_teardown(&temp);
}

static int connect_to(const char *path)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strcpy(un.sun_path, path);
    assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static void run(struct world *w)
{
    for (int i = 0; i < 20; i++)
        uv_run(&w->loop, UV_RUN_NOWAIT);
}

/* Send a request that is a verb alone. */
static void ask(struct world *w, int fd, const char *verb)
{
    uint8_t frame[64] = { 0, 0, 0, 0 };
    struct cbor_writer c;

    cbor_writer_init(&c, frame + 4, sizeof(frame) - 4);
    cbor_write_array(&c, 1);
    cbor_write_text(&c, verb);
    frame[3] = (uint8_t)c.len;
    assert_int_equal(write(fd, frame, 4 + c.len), 4 + c.len);
    run(w);
}

/* The bytes that have come, or -1 for none, 0 for the end. */
static ssize_t got(int fd, uint8_t *data, size_t size)
{
    return read(fd, data, size);
}

static void expect(int fd, const void *frame, size_t len)
{
    uint8_t data[256];

    assert_int_equal(got(fd, data, sizeof(data)), len);
    assert_memory_equal(data, frame, len);
}

static void expect_nothing(int fd)
{
    uint8_t data[256];

    assert_int_equal(got(fd, data, sizeof(data)), -1);
    assert_int_equal(errno, EAGAIN);
}

#define EMPTY_REPLY "\0\0\0\3\x82\0\xa0"

static void test_question_and_answer(void **state)
{
    struct world *w = *state;
    int fd = connect_to(w->path);

    ask(w, fd, "status");
    assert_int_equal(w->commands, 1);
    assert_string_equal(w->verbs[0], "status");
    expect_nothing(fd);
    server_reply(w->server, w->ids[0], ERR_STATE, bytes_of(empty_map, 1));
    run(w);
    expect(fd, "\0\0\0\3\x82\x34\xa0", 7); /* ERR_STATE is -21 */
    w->answers = true;
    ask(w, fd, "peers");
    expect(fd, EMPTY_REPLY, 7);
    close(fd);
    run(w);
}

/* Two requests in one piece are two requests. */
static void test_in_one_piece(void **state)
{
    static const char two[] = "\0\0\0\6\x81\x64skip\0\0\0\6\x81\x64stop";
    struct world *w = *state;
    int fd = connect_to(w->path);

    assert_int_equal(write(fd, two, 20), 20);
    run(w);
    assert_int_equal(w->commands, 1);
    server_reply(w->server, w->ids[0], 0, bytes_of(empty_map, 1));
    assert_int_equal(w->commands, 2);
    assert_string_equal(w->verbs[1], "stop");
    server_reply(w->server, w->ids[1], 0, bytes_of(empty_map, 1));
    run(w);
    expect(fd, EMPTY_REPLY EMPTY_REPLY, 14);
    close(fd);
    run(w);
}

/* A connection has one command under way; others wait for it, other connections do not.
 */
static void test_order(void **state)
{
    struct world *w = *state;
    int slow = connect_to(w->path);
    int quick = connect_to(w->path);

    ask(w, slow, "host");
    ask(w, slow, "status");
    ask(w, quick, "peers");
    assert_int_equal(w->commands, 2);
    server_reply(w->server, w->ids[1], 0, bytes_of(empty_map, 1));
    run(w);
    expect(quick, EMPTY_REPLY, 7);
    expect_nothing(slow);
    server_reply(w->server, w->ids[0], 0, bytes_of(empty_map, 1));
    run(w);
    assert_int_equal(w->commands, 3);
    assert_string_equal(w->verbs[2], "status");
    server_reply(w->server, w->ids[2], 0, bytes_of(empty_map, 1));
    run(w);
    expect(slow, EMPTY_REPLY EMPTY_REPLY, 14); /* both, in order */
    close(slow);
    close(quick);
    run(w);
}

static void test_refused(void **state)
{
    static const struct {
        const char *fact;
        const char *frame;
        size_t len;
        bool is_answered; /* else the connection ends */
    } rows[] = {
        { "no CBOR", "\0\0\0\1\xff", 5, true },
        { "no array", "\0\0\0\1\xa0", 5, true },
        { "an empty array", "\0\0\0\1\x80", 5, true },
        { "the verb is no text", "\0\0\0\2\x81\1", 6, true },
        { "bytes behind", "\0\0\0\4\x81\x61s\0", 8, true },
        { "no length", "\0\0\0\0", 4, false },
        { "longer than 1 MiB", "\0\x10\0\1", 4, false },
    };
    struct world *w = *state;

    for (int i = 0; i < COUNT(rows); i++) {
        int fd = connect_to(w->path);
        uint8_t data[512];
        ssize_t n;

        print_message("%s\n", rows[i].fact);
        assert_int_equal(write(fd, rows[i].frame, rows[i].len), rows[i].len);
        run(w);
        n = got(fd, data, sizeof(data));
        if (rows[i].is_answered)
            assert_true(n > 20 && data[4] == 0x82 && data[5] != 0);
        else
            assert_int_equal(n, 0);
        close(fd);
        run(w);
    }
    assert_int_equal(w->commands, 0);
}

static void test_watch(void **state)
{
    static const uint8_t one[] = { 0xa1, 0x61, 'n', 1 };
    static const uint8_t two[] = { 0xa1, 0x61, 'n', 2 };
    static const uint8_t three[] = { 0xa1, 0x61, 'n', 3 };
    struct world *w = *state;
    int fd = connect_to(w->path);

    server_state(w->server, bytes_of(one, 4)); /* nobody watches */
    ask(w, fd, "watch");
    assert_string_equal(w->verbs[0], "status");
    server_state(w->server, bytes_of(one, 4)); /* not before its first reply */
    server_reply(w->server, w->ids[0], 0, bytes_of(one, 4));
    assert_int_equal(server_watchers(w->server), 1);
    run(w);
    expect(fd, "\0\0\0\6\x82\0\xa1\x61n\1", 10);
    /* The first goes out at once; of those within 0.1 s only the newest, then. */
    server_state(w->server, bytes_of(one, 4));
    run(w);
    expect(fd, "\0\0\0\6\x82\0\xa1\x61n\1", 10);
    server_state(w->server, bytes_of(two, 4));
    server_state(w->server, bytes_of(three, 4));
    run(w);
    expect_nothing(fd);
    uv_run(&w->loop, UV_RUN_ONCE); /* waits for the timer */
    run(w);
    expect(fd, "\0\0\0\6\x82\0\xa1\x61n\3", 10);
    close(fd);
    run(w);
    assert_int_equal(server_watchers(w->server), 0);
}

/* Who does not read is dropped; the others are not harmed. */
static void test_slow_watcher(void **state)
{
    struct world *w = *state;
    size_t len = 700000;
    uint8_t *body = calloc(1, len);
    struct cbor_writer c;
    int fd = connect_to(w->path);

    cbor_writer_init(&c, body, len);
    cbor_write_map(&c, 1);
    cbor_write_text(&c, "b");
    cbor_write_bytes(&c, body + 350000, 340000);
    ask(w, fd, "watch");
    server_reply(w->server, w->ids[0], 0, bytes_of(empty_map, 1));
    for (int i = 0; i < 100 && server_watchers(w->server) == 1; i++) {
        server_state(w->server, cbor_written(&c));
        uv_run(&w->loop, UV_RUN_ONCE);
    }
    assert_int_equal(server_watchers(w->server), 0);
    close(fd);
    free(body);
    run(w);
}

static void test_driver_answers_by_and_by(void **state)
{
    struct world *w = *state;
    int fd = connect_to(w->path);
    int held;

    ask(w, fd, "down");
    assert_int_equal(w->commands, 0);
    assert_int_not_equal(w->down_id, 0);
    held = server_hold(w->server, w->down_id);
    assert_true(held >= 0);
    server_reply(w->server, w->down_id, 0, bytes_of(empty_map, 1));
    server_finish(w->server);
    run(w);
    expect(fd, EMPTY_REPLY, 7);
    expect_nothing(fd); /* no end yet: it is held */
    close(held);
    assert_int_equal(got(fd, (uint8_t[1]){ 0 }, 1), 0);
    close(fd);
}

static void test_too_many(void **state)
{
    struct world *w = *state;
    int fds[SERVER_CLIENTS_MAX + 1];
    uint8_t data[256];

    w->answers = true;
    for (int i = 0; i <= SERVER_CLIENTS_MAX; i++) {
        fds[i] = connect_to(w->path);
        run(w);
    }
    assert_true(got(fds[SERVER_CLIENTS_MAX], data, sizeof(data)) > 20);
    assert_memory_equal(data + 4, "\x82\x22", 2); /* ERR_LIMIT is -3 */
    assert_int_equal(got(fds[SERVER_CLIENTS_MAX], data, 1), 0);
    ask(w, fds[0], "status");
    expect(fds[0], EMPTY_REPLY, 7);
    for (int i = 0; i <= SERVER_CLIENTS_MAX; i++)
        close(fds[i]);
    run(w);
    fds[0] = connect_to(w->path);
    run(w);
    ask(w, fds[0], "status");
    expect(fds[0], EMPTY_REPLY, 7);
    close(fds[0]);
    run(w);
}

/* A client that goes while its command is under way: the reply finds nobody. */
static void test_gone(void **state)
{
    struct world *w = *state;
    int fd = connect_to(w->path);

    ask(w, fd, "host");
    close(fd);
    run(w);
    server_reply(w->server, w->ids[0], 0, bytes_of(empty_map, 1));
    run(w);
}

static void test_socket_file(void **state)
{
    struct world *w = *state;
    const struct server_config config = { { post, w }, answer, w };
    struct server *second = server_create(&w->loop, &config);
    char message[300] = "";
    char path[128];
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct stat st;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_int_equal(stat(w->path, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(server_listen(second, w->path, message, sizeof(message)), ERR_PORT);
    assert_non_null(strstr(message, w->path));
    /* What a dead node left is replaced … */
    snprintf(path, sizeof(path), "%s/stale", w->temp->dir);
    strcpy(un.sun_path, path);
    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    close(fd);
    assert_int_equal(server_listen(second, path, message, sizeof(message)), 0);
    server_stop(second);
    run(w);
    server_destroy(second);
    /* … but nothing else is. */
    temp_write(path, "mine", 4);
    second = server_create(&w->loop, &config);
    assert_int_equal(server_listen(second, path, message, sizeof(message)), ERR_FILE);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 4);
    server_stop(second);
    run(w);
    server_destroy(second);
}

static void test_bad_folders(void **state)
{
    struct world *w = *state;
    const struct server_config config = { { post, w }, answer, w };
    char message[400] = "";
    char path[200];
    struct server *s = server_create(&w->loop, &config);

    snprintf(path, sizeof(path), "%s/%0100d/s", w->temp->dir, 1);
    assert_int_equal(server_listen(s, path, message, sizeof(message)), ERR_FILE);
    assert_non_null(strstr(message, "too long"));
    snprintf(path, sizeof(path), "%s/open", w->temp->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chmod(path, 0777), 0);
    strcat(path, "/s");
    assert_int_equal(server_listen(s, path, message, sizeof(message)), ERR_FILE);
    assert_non_null(strstr(message, "others may write"));
    server_stop(s);
    run(w);
    server_destroy(s);
}

#define IN_WORLD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(test_in_one_piece),
        IN_WORLD(test_question_and_answer),
        IN_WORLD(test_order),
        IN_WORLD(test_refused),
        IN_WORLD(test_watch),
        IN_WORLD(test_slow_watcher),
        IN_WORLD(test_driver_answers_by_and_by),
        IN_WORLD(test_too_many),
        IN_WORLD(test_gone),
        IN_WORLD(test_socket_file),
        IN_WORLD(test_bad_folders),
    };

    signal(SIGPIPE, SIG_IGN); /* as the node does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
