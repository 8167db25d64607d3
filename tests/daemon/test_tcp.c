/* Links over loopback: two ends in one loop, with a node that only writes down what
 * happened.  SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/tcp.h"

#define SEEN_MAX 512

/* One end: its links, and what its node was told. */
struct end {
    struct tcp *tcp;
    int opened, closed, received;
    uint32_t link; /* of the newest that opened */
    struct addr remote;
    int err; /* of the newest that closed */
    size_t bytes;
    uint8_t last[64];
    bool closes_at_once;
    bool echoes;
};

struct world {
    uv_loop_t loop;
    struct end a, b;
    struct addr addr; /* of a */
};

static void post(void *ctx, struct event *e)
{
    struct end *end = ctx;

    if (e->kind == EVENT_LINK_OPENED) {
        end->opened++;
        end->link = e->u.opened.link;
        end->remote = e->u.opened.remote;
        if (end->closes_at_once)
            tcp_close(end->tcp, end->link);
    } else if (e->kind == EVENT_LINK_CLOSED) {
        end->closed++;
        end->err = e->u.closed.err;
    } else if (e->kind == EVENT_LINK_RECEIVED) {
        struct bytes f = e->u.received.frame;

        end->received++;
        end->bytes += f.len;
        memcpy(end->last, f.data, f.len < sizeof(end->last) ? f.len : sizeof(end->last));
        if (end->echoes)
            tcp_send(end->tcp, e->u.received.link, f);
    }
}

static void end_create(struct world *w, struct end *end, const struct tcp_params *params)
{
    const struct event_sink sink = { post, end };

    end->tcp = tcp_create(&w->loop, params, &sink);
}

static struct world *world_create(const struct tcp_params *params)
{
    struct world *w = calloc(1, sizeof(*w));

    assert_int_equal(uv_loop_init(&w->loop), 0);
    end_create(w, &w->a, params);
    end_create(w, &w->b, params);
    assert_int_equal(addr_parse("127.0.0.1:0", 0, &w->addr), 0);
    assert_int_equal(tcp_listen(w->a.tcp, &w->addr), 0);
    assert_int_not_equal(w->addr.port, 0);
    return w;
}

static void world_destroy(struct world *w)
{
    tcp_stop(w->a.tcp);
    tcp_stop(w->b.tcp);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->loop), 0);
    tcp_destroy(w->a.tcp);
    tcp_destroy(w->b.tcp);
    free(w);
}

/* Let the loop run until *what is at least want; every wait here ends by an event. */
static void until(struct world *w, const int *what, int want)
{
    for (int i = 0; i < 100000 && *what < want; i++)
        uv_run(&w->loop, UV_RUN_ONCE);
    assert_true(*what >= want);
}

static void connect_both(struct world *w)
{
    tcp_open(w->b.tcp, 2, &w->addr, false);
    until(w, &w->b.opened, 1);
    until(w, &w->a.opened, 1);
    assert_int_equal(w->b.link, 2);
    assert_int_equal(w->a.link % 2, 1);
}

static struct bytes text(const char *s)
{
    return bytes_of(s, strlen(s));
}

static void test_there_and_back(void **state)
{
    struct tcp_params params = tcp_params_default();
    struct world *w = world_create(&params);
    static uint8_t big[65535];

    (void)state;
    w->a.echoes = true;
    connect_both(w);
    tcp_send(w->b.tcp, 2, text("hello"));
    until(w, &w->b.received, 1);
    assert_memory_equal(w->b.last, "hello", 5);
    memset(big, 7, sizeof(big));
    for (int i = 0; i < 20; i++)
        tcp_send(w->b.tcp, 2, bytes_of(big, sizeof(big) - (size_t)i));
    until(w, &w->b.received, 21);
    assert_int_equal(w->b.bytes, 5 + 20 * 65535 - 190);
    tcp_send(w->b.tcp, 99, text("nobody")); /* ignored */
    world_destroy(w);
}

static void test_last_words(void **state)
{
    struct tcp_params params = tcp_params_default();
    struct world *w = world_create(&params);

    (void)state;
    connect_both(w);
    /* a has said something that b has not read when b closes: no reset may follow. */
    tcp_send(w->a.tcp, w->a.link, text("unread"));
    for (int i = 0; i < 50; i++)
        tcp_send(w->b.tcp, 2, text("bye"));
    tcp_close(w->b.tcp, 2);
    tcp_send(w->b.tcp, 2, text("too late"));
    until(w, &w->a.closed, 1);
    assert_int_equal(w->a.received, 50);
    assert_int_equal(w->a.err, ERR_CLOSED);
    while (tcp_count(w->b.tcp) > 0)
        uv_run(&w->loop, UV_RUN_ONCE);
    assert_int_equal(w->b.closed, 0); /* its node closed it, and need not be told */
    world_destroy(w);
}

static void test_close_in_the_event(void **state)
{
    struct tcp_params params = tcp_params_default();
    struct world *w = world_create(&params);

    (void)state;
    w->a.closes_at_once = true;
    tcp_open(w->b.tcp, 2, &w->addr, false);
    until(w, &w->b.closed, 1);
    assert_int_equal(w->a.received, 0);
    world_destroy(w);
}

/* Dials may leave from the port that is listened at, and nobody else may listen there. */
static void test_out_of_the_listening_port(void **state)
{
    struct tcp_params params = tcp_params_default();
    struct world *w = world_create(&params);
    struct addr b;
    struct addr again;

    (void)state;
    assert_int_equal(addr_parse("127.0.0.1:0", 0, &b), 0);
    assert_int_equal(tcp_listen(w->b.tcp, &b), 0);
    tcp_open(w->b.tcp, 2, &w->addr, true);
    until(w, &w->b.opened, 1);
    until(w, &w->a.opened, 1);
    assert_int_equal(w->a.remote.port, b.port);
    /* The same way twice cannot be. */
    tcp_open(w->b.tcp, 4, &w->addr, true);
    until(w, &w->b.closed, 1);
    /* It still listens. */
    tcp_open(w->a.tcp, 6, &b, false);
    until(w, &w->a.opened, 2);
    until(w, &w->b.opened, 2);
    tcp_unlisten(w->a.tcp);
    uv_run(&w->loop, UV_RUN_NOWAIT);
    again = b;
    assert_int_equal(tcp_listen(w->a.tcp, &again), ERR_PORT);
    world_destroy(w);
}

static void test_nobody_there(void **state)
{
    struct tcp_params params = tcp_params_default();
    struct world *w = world_create(&params);

    (void)state;
    tcp_unlisten(w->a.tcp);
    uv_run(&w->loop, UV_RUN_NOWAIT);
    tcp_open(w->b.tcp, 2, &w->addr, false);
    until(w, &w->b.closed, 1);
    assert_int_equal(w->b.err, ERR_UNREACHABLE);
    assert_int_equal(w->b.opened, 0);
    world_destroy(w);
}

static void test_a_taken_port(void **state)
{
    struct tcp_params params = tcp_params_default();
    struct world *w = world_create(&params);
    struct addr same = w->addr;
    struct addr foreign = { .ip = { 192, 0, 2, 1 }, .len = 4, .port = 1 };

    (void)state;
    assert_int_equal(tcp_listen(w->b.tcp, &same), ERR_PORT);
    assert_int_equal(tcp_listen(w->b.tcp, &foreign), ERR_UNREACHABLE);
    same.port = 0;
    assert_int_equal(tcp_listen(w->b.tcp, &same), 0);
    world_destroy(w);
}

/* b does not read: what waits for it is bounded, and then it is dropped. */
static void test_a_slow_peer(void **state)
{
    struct tcp_params params = tcp_params_default();
    struct world *w;
    static uint8_t big[65535] = { 1 };
    int sent = 0;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in in = { .sin_family = AF_INET };

    (void)state;
    params.send_queue_max = 300000;
    w = world_create(&params);
    in.sin_port = htons(w->addr.port);
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    until(w, &w->a.opened, 1);
    for (; sent < 10000 && w->a.closed == 0; sent++)
        tcp_send(w->a.tcp, w->a.link, bytes_of(big, sizeof(big)));
    assert_int_equal(w->a.closed, 1);
    assert_int_equal(w->a.err, ERR_LIMIT);
    assert_true(sent < 250); /* that much the kernel may hold as well */
    close(fd);
    world_destroy(w);
}

/* A length of zero cannot be read on from. */
static void test_malformed(void **state)
{
    struct tcp_params params = tcp_params_default();
    struct world *w = world_create(&params);
    struct sockaddr_in in = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    (void)state;
    in.sin_port = htons(w->addr.port);
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    assert_int_equal(write(fd, "\0\3abc\0\0", 7), 7);
    until(w, &w->a.closed, 1);
    assert_int_equal(w->a.received, 1);
    assert_memory_equal(w->a.last, "abc", 3);
    close(fd);
    world_destroy(w);
}

/* Those who connect and say nothing: the oldest goes when there are too many, and each
 * after a while. */
static void test_the_silent(void **state)
{
    struct tcp_params params = tcp_params_default();
    struct world *w;
    struct sockaddr_in in = { .sin_family = AF_INET };
    int fds[5];

    (void)state;
    params.silent_max = 3;
    params.silent_ns = 50 * NS_PER_MS;
    w = world_create(&params);
    in.sin_port = htons(w->addr.port);
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < 5; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(fds[i], (struct sockaddr *)&in, sizeof(in)), 0);
        if (i == 2)
            assert_int_equal(write(fds[i], "\0\1x", 3), 3); /* this one speaks */
        until(w, &w->a.opened, i + 1);
        assert_int_equal(w->a.link, 2 * i + 1); /* odd: the driver's numbers */
        if (i == 2)
            until(w, &w->a.received, 1);
    }
    assert_int_equal(w->a.closed, 1);
    assert_int_equal(w->a.err, ERR_LIMIT);
    until(w, &w->a.closed, 4);
    assert_int_equal(w->a.err, ERR_TIMEOUT);
    assert_int_equal(write(fds[2], "\0\1y", 3), 3); /* who spoke stays */
    until(w, &w->a.received, 2);
    assert_int_equal(w->a.closed, 4);
    for (int i = 0; i < 5; i++)
        close(fds[i]);
    world_destroy(w);
}

static void test_too_many(void **state)
{
    struct tcp_params params = tcp_params_default();
    struct world *w;

    (void)state;
    params.links_max = 2;
    w = world_create(&params);
    for (uint32_t i = 1; i <= 3; i++)
        tcp_open(w->b.tcp, 2 * i, &w->addr, false);
    assert_int_equal(w->b.closed, 1); /* at once: the third of its own */
    assert_int_equal(w->b.err, ERR_LIMIT);
    until(w, &w->b.opened, 2);
    until(w, &w->a.opened, 2);
    world_destroy(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_last_words),
        cmocka_unit_test(test_close_in_the_event),
        cmocka_unit_test(test_out_of_the_listening_port),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_a_taken_port),
        cmocka_unit_test(test_a_slow_peer),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_the_silent),
        cmocka_unit_test(test_too_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
