/* The client of the control socket, against a server that is a script.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/control.h"
#include "wire/map.h"

struct script {
    const char *reply; /* bytes to send after the first request … */
    size_t len;
    bool closes;  /* … and close then; else wait for the client to close */
    size_t piece; /* bytes at a time; 0: all at once */
    int listener;
    uint8_t request[64]; /* what came */
    ssize_t request_len;
};

static char path[64];

static void *serve(void *ctx)
{
    struct script *s = ctx;
    int fd = accept(s->listener, NULL, NULL);
    uint8_t byte;

    s->request_len = read(fd, s->request, sizeof(s->request));
    for (size_t at = 0; at < s->len;) {
        size_t n = s->piece > 0 && s->piece < s->len - at ? s->piece : s->len - at;

        if (send(fd, s->reply + at, n, MSG_NOSIGNAL) != (ssize_t)n)
            break;
        at += n;
    }
    if (!s->closes)
        (void)!read(fd, &byte, 1);
    close(fd);
    return NULL;
}

static void start(struct script *s, pthread_t *thread)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };

    snprintf(path, sizeof(path), "/tmp/party-test-%d.sock", (int)getpid());
    unlink(path);
    strcpy(un.sun_path, path);
    s->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&un, sizeof(un)), 0);
    assert_int_equal(listen(s->listener, 1), 0);
    assert_int_equal(pthread_create(thread, NULL, serve, s), 0);
}

static void finish(struct script *s, pthread_t thread)
{
    pthread_join(thread, NULL);
    close(s->listener);
    unlink(path);
}

static void test_replies(void **state)
{
    static const struct {
        const char *fact;
        const char *reply;
        size_t len;
        bool closes;
        int err;
        bool has_body;
    } rows[] = {
        { "a body", "\0\0\0\6\x82\0\xa1\x61n\1", 10, false, 0, true },
        { "an error of the node", "\0\0\0\3\x82\x23\xa0", 7, false, ERR_USAGE, true },
        { "silence", "", 0, false, ERR_TIMEOUT, false },
        { "half a reply", "\0\0\0\6\x82\0", 6, false, ERR_TIMEOUT, false },
        { "the end", "", 0, true, ERR_CLOSED, false },
        { "the end in the middle", "\0\0\0\6\x82\0", 6, true, ERR_CLOSED, false },
        { "no CBOR", "\0\0\0\1\xff", 5, false, ERR_MALFORMED, false },
        { "no array of two", "\0\0\0\2\x81\0", 6, false, ERR_MALFORMED, false },
        { "the body is no map", "\0\0\0\3\x82\0\0", 7, false, ERR_MALFORMED, false },
        { "an error that is none", "\0\0\0\4\x82\x38\x63\xa0", 8, false, ERR_MALFORMED,
          false },
        { "a positive error", "\0\0\0\3\x82\1\xa0", 7, false, ERR_MALFORMED, false },
        { "longer than 1 MiB", "\0\x20\0\0", 4, false, ERR_MALFORMED, false },
        { "of no length", "\0\0\0\0", 4, false, ERR_MALFORMED, false },
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        for (size_t piece = 0; piece < 2; piece++) {
            struct script s = {
                rows[i].reply, rows[i].len, rows[i].closes, piece, 0, { 0 }, 0
            };
            struct control *c;
            struct bytes body;
            pthread_t thread;

            print_message("%s\n", rows[i].fact);
            start(&s, &thread);
            assert_int_equal(control_open(path, &c), 0);
            control_verb(c, "peers");
            assert_int_equal(
                control_call(c, rows[i].err == ERR_TIMEOUT ? 60 : 10000, &body),
                rows[i].err);
            assert_int_equal(body.len > 0, rows[i].has_body);
            if (rows[i].has_body && rows[i].err == 0)
                assert_int_equal(map_get_int(body, "n", 0), 1);
            control_close(c);
            finish(&s, thread);
            assert_int_equal(s.request_len, 11);
            assert_memory_equal(s.request, "\0\0\0\7\x81\x65peers", 11);
        }
    }
}

/* Two states in one piece: the second is found without another read. */
static void test_stream(void **state)
{
    struct script s = {
        "\0\0\0\6\x82\0\xa1\x61n\1\0\0\0\6\x82\0\xa1\x61n\2", 20, false, 0, 0, { 0 }, 0
    };
    struct control *c;
    struct bytes body;
    pthread_t thread;

    (void)state;
    start(&s, &thread);
    assert_int_equal(control_open(path, &c), 0);
    control_verb(c, "watch");
    assert_int_equal(control_call(c, 1000, &body), 0);
    assert_int_equal(map_get_int(body, "n", 0), 1);
    assert_true(control_has_next(c));
    assert_int_equal(map_get_int(body, "n", 0), 1); /* the view still holds */
    assert_int_equal(control_next(c, 0, &body), 0);
    assert_int_equal(map_get_int(body, "n", 0), 2);
    assert_false(control_has_next(c));
    assert_int_equal(control_next(c, 10, &body), ERR_TIMEOUT);
    control_close(c);
    finish(&s, thread);
}

static void test_nobody(void **state)
{
    struct control *c;
    char longer[200];
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)state;
    assert_int_equal(control_open("/nowhere/control.sock", &c), ERR_NO_NODE);
    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    assert_int_equal(control_open(longer, &c), ERR_FILE);
    /* A file that a dead node left behind. */
    snprintf(path, sizeof(path), "/tmp/party-test-%d.sock", (int)getpid());
    unlink(path);
    strcpy(un.sun_path, path);
    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    close(fd);
    assert_int_equal(control_open(path, &c), ERR_NO_NODE);
    unlink(path);
    control_close(NULL);
}

static void test_too_long_a_request(void **state)
{
    static char text[CONTROL_REQUEST_MAX];
    struct script s = { .closes = true };
    struct control *c;
    struct bytes body;
    pthread_t thread;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    start(&s, &thread);
    assert_int_equal(control_open(path, &c), 0);
    control_verb(c, text);
    assert_int_equal(control_call(c, 1000, &body), ERR_LIMIT);
    control_close(c);
    finish(&s, thread);
    assert_int_equal(s.request_len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replies),
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_too_long_a_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
