/* Datagrams over loopback, and when the kernel says that they came.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "base/time.h"
#include "daemon/datagrams.h"

struct end {
    struct datagrams *datagrams;
    int count;
    enum datagram_socket socket;
    struct addr from;
    int64_t rx_ns;
    int sent; /* transmit stamps, and the last of them */
    uint64_t token;
    int64_t tx_ns;
    size_t len;
    uint8_t data[1600];
};

struct world {
    uv_loop_t loop;
    struct clockwork clock;
    struct end a, b;
    struct addr addr; /* of a */
};

static void post(void *ctx, struct event *e)
{
    struct end *end = ctx;

    if (e->kind == EVENT_SENT) {
        end->sent++;
        end->token = e->u.sent.token;
        end->tx_ns = e->u.sent.tx_ns;
        return;
    }
    assert_int_equal(e->kind, EVENT_DATAGRAM);
    end->count++;
    end->socket = e->u.datagram.socket;
    end->from = e->u.datagram.from;
    end->rx_ns = e->u.datagram.rx_ns;
    end->len = e->u.datagram.data.len;
    memcpy(end->data, e->u.datagram.data.data, end->len);
}

/* Bind an end to a free port of an address; the port that it took. */
static uint16_t open_end(struct world *w, struct end *end, const char *ip)
{
    const struct event_sink sink = { post, end };
    static uint16_t next_port = 20000;
    struct addr addr;
    int err = ERR_PORT;

    end->datagrams = datagrams_create(&w->loop, &w->clock, &sink);
    for (int i = 0; i < 100 && err == ERR_PORT; i++) {
        assert_int_equal(addr_parse(ip, ++next_port, &addr), 0);
        err = datagrams_bind(end->datagrams, &addr);
    }
    assert_int_equal(err, 0);
    return addr.port;
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    uv_loop_init(&w->loop);
    assert_int_equal(clockwork_parse("ppm=500,offset_ms=60000", &w->clock), 0);
    assert_int_equal(addr_parse("127.0.0.1", 0, &w->addr), 0);
    w->addr.port = open_end(w, &w->a, "127.0.0.1");
    open_end(w, &w->b, "127.0.0.1");
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    datagrams_stop(w->a.datagrams);
    datagrams_stop(w->b.datagrams);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->loop), 0);
    datagrams_destroy(w->a.datagrams);
    datagrams_destroy(w->b.datagrams);
    free(w);
    return 0;
}

static void until(struct world *w, const int *what, int want)
{
    for (int i = 0; i < 1000 && *what < want; i++)
        uv_run(&w->loop, UV_RUN_ONCE);
    assert_int_equal(*what, want);
}

static void test_there_and_back(void **state)
{
    struct world *w = *state;

    datagrams_send(w->b.datagrams, DATAGRAM_PEER, &w->addr, bytes_of("ping", 4), 0);
    until(w, &w->a.count, 1);
    assert_int_equal(w->a.socket, DATAGRAM_PEER);
    assert_int_equal(w->a.len, 4);
    assert_memory_equal(w->a.data, "ping", 4);
    assert_int_equal(w->a.from.len, 4);
    datagrams_send(w->a.datagrams, DATAGRAM_PEER, &w->a.from, bytes_of("pong", 4), 0);
    until(w, &w->b.count, 1);
    assert_true(addr_equal(&w->b.from, &w->addr));
}

/* Time servers are asked from another port, and answer there. */
static void test_two_sockets(void **state)
{
    struct world *w = *state;
    uint16_t peer_port;

    datagrams_send(w->b.datagrams, DATAGRAM_PEER, &w->addr, bytes_of("p", 1), 0);
    until(w, &w->a.count, 1);
    peer_port = w->a.from.port;
    datagrams_send(w->b.datagrams, DATAGRAM_NTP, &w->addr, bytes_of("n", 1), 0);
    until(w, &w->a.count, 2);
    assert_int_equal(w->a.from.len, 4); /* plain, though the socket may be an IPv6 one */
    assert_int_not_equal(w->a.from.port, peer_port);
    datagrams_send(w->a.datagrams, DATAGRAM_PEER, &w->a.from, bytes_of("answer", 6), 0);
    until(w, &w->b.count, 1);
    assert_int_equal(w->b.socket, DATAGRAM_NTP);
}

/* The stamp is of the arrival, not of our reading it 5 ms later, and on the local clock.
 * The kernel begins to stamp a little after it is asked to: then once more. */
static void test_stamps(void **state)
{
    struct world *w = *state;
    int64_t before;
    int64_t after;
    int tries = 0;

    do {
        w->a.count = 0;
        before = clockwork_now(&w->clock);
        datagrams_send(w->b.datagrams, DATAGRAM_PEER, &w->addr, bytes_of("x", 1), 0);
        after = clockwork_now(&w->clock);
        while (clockwork_now(&w->clock) < after + 5 * NS_PER_MS)
            ;
        until(w, &w->a.count, 1);
    } while (w->a.rx_ns >= after + 4 * NS_PER_MS && ++tries < 1000);
    assert_true(w->a.rx_ns > before - 200 * NS_PER_US);
    assert_true(w->a.rx_ns < after + 4 * NS_PER_MS);
}

/* The kernel says when each left, under the name that it was given; also after one that
 * could not be sent, which it may have counted.  A stamp that does not fit, as we were
 * held up meanwhile, is not told; that is rare. */
static void test_departures(void **state)
{
    struct world *w = *state;
    static uint8_t big[70000];
    int64_t before = clockwork_now(&w->clock);
    int missed = 0;

    for (int i = 1; i <= 200; i++) {
        int told = w->b.sent;

        if (i == 100)
            datagrams_send(w->b.datagrams, DATAGRAM_PEER, &w->addr,
                           bytes_of(big, sizeof(big)), 77);
        datagrams_send(w->b.datagrams, DATAGRAM_PEER, &w->addr, bytes_of("x", 1),
                       (uint64_t)i % 4 == 0 ? 0 : (uint64_t)i << 40);
        if (w->b.sent == told) {
            missed += i % 4 != 0;
            continue;
        }
        assert_int_equal(w->b.sent, told + 1);
        assert_true(i % 4 != 0 && w->b.token == (uint64_t)i << 40);
        assert_true(w->b.tx_ns >= before && w->b.tx_ns <= clockwork_now(&w->clock));
        before = w->b.tx_ns;
    }
    assert_true(missed < 40);
    assert_int_equal(w->a.sent, 0);
    until(w, &w->a.count, 200);
}

/* Sending to nobody, too much, or another kind of address costs nothing else. */
static void test_in_vain(void **state)
{
    struct world *w = *state;
    static uint8_t big[70000];
    struct addr closed = w->addr;
    struct addr v6 = { .len = 16, .port = 9, .ip = { [15] = 1 } };
    struct addr none = { .len = 0 };

    closed.port = 1;
    for (int i = 0; i < 5; i++)
        datagrams_send(w->b.datagrams, DATAGRAM_PEER, &closed, bytes_of("x", 1), 0);
    datagrams_send(w->b.datagrams, DATAGRAM_PEER, &v6, bytes_of("x", 1), 0);
    datagrams_send(w->b.datagrams, DATAGRAM_PEER, &none, bytes_of("x", 1), 0);
    datagrams_send(w->b.datagrams, DATAGRAM_PEER, &w->addr, bytes_of(big, sizeof(big)),
                   0);
    datagrams_send(w->b.datagrams, DATAGRAM_PEER, &w->addr, bytes_of(big, 1501), 0);
    datagrams_send(w->b.datagrams, DATAGRAM_PEER, &w->addr, bytes_of(big, 0), 0);
    datagrams_send(w->b.datagrams, DATAGRAM_PEER, &w->addr, bytes_of("y", 1), 0);
    until(w, &w->a.count, 1);
    assert_int_equal(w->a.data[0], 'y');
}

static void test_taken(void **state)
{
    struct world *w = *state;
    const struct event_sink sink = { post, &w->b };
    struct addr foreign = { .ip = { 192, 0, 2, 1 }, .len = 4, .port = 30000 };
    struct datagrams *d = datagrams_create(&w->loop, &w->clock, &sink);

    assert_int_equal(datagrams_bind(d, &w->addr), ERR_PORT);
    assert_int_equal(datagrams_bind(d, &foreign), ERR_UNREACHABLE);
    datagrams_stop(d);
    datagrams_destroy(d);
}

#define IN_WORLD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(test_there_and_back), IN_WORLD(test_two_sockets),
        IN_WORLD(test_stamps),         IN_WORLD(test_in_vain),
        IN_WORLD(test_taken),          IN_WORLD(test_departures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
