/* What one link alone brings: rates that a peer cannot get past by signing each flood
 * with another key, and that do not hold up what passes through the network.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"
#include "tests/heap.h"

#include "overlay/flood.h"

#define T0    (1000 * NS_PER_S)
#define OLD   (T0 + 100 * NS_PER_S)
#define PEERS 6

struct bench {
    struct flood_params p;
    struct floods f;
    struct outbox out;
    uint8_t key[KEY_LEN]; /* of the newest flood */
};

static struct bench b;

static void start(void)
{
    memset(&b, 0, sizeof(b));
    b.p = flood_params_default();
    floods_init(&b.f, &b.p, test_heap(), 1);
    for (int i = 0; i < PEERS; i++)
        flood_peer_up(&b.f, i, 0, T0);
}

static void stop(void)
{
    assert_null(floods_check(&b.f));
    floods_finish(&b.f);
    assert_int_equal(test_heap()->used, 0);
}

/* The flood with this number comes from a peer, each signed by a key of its own; a copy
 * is taken as one. */
static enum flood_verdict come(int n, int peer, bool is_own, int64_t now_ns)
{
    struct flood_head h = { .origin = b.key,
                            .peer = peer,
                            .is_from_origin = is_own,
                            .hops = is_own ? 1 : 2,
                            .ttl = 10,
                            .life_s = 60 };
    enum flood_verdict v;

    store_be64(h.id.b, (uint64_t)n * 0x10001);
    store_be64(b.key, (uint64_t)n);
    outbox_clear(&b.out);
    if (flood_is_seen(&b.f, &h.id, h.hops, peer, &b.out))
        return FLOOD_DUPLICATE;
    v = flood_probe(&b.f, &h, now_ns);
    return v == FLOOD_NEW ? flood_commit(&b.f, &h, now_ns) : v;
}

/* So many that only this peer brings, from number n on; those that were taken. */
static int alone(int n, int count, int peer, int64_t now_ns)
{
    int taken = 0;

    for (int i = 0; i < count; i++)
        taken += come(n + i, peer, false, now_ns) == FLOOD_NEW;
    return taken;
}

static void test_a_link_alone_is_limited(void **state)
{
    (void)state;
    start();
    assert_int_equal(alone(0, 10, 0, T0), 2); /* a new link */
    assert_int_equal(flood_counts(&b.f)->alone_limited, 8);
    assert_int_equal(alone(100, 10, 1, OLD),
                     4); /* an old one; no link pays for another */
    assert_int_equal(flood_counts(&b.f)->link_limited, 0);
    assert_int_equal(flood_score(&b.f, 1, OLD), 0); /* it may be in the same plight */
    stop();
}

/* A neighbour in the stream of another's floods is heard itself. */
static void test_its_own_have_room(void **state)
{
    int own = 0;

    (void)state;
    start();
    assert_int_equal(alone(0, 4, 0, OLD), 4);
    for (int i = 0; i < 5; i++)
        own += come(100 + i, 0, true, OLD) == FLOOD_NEW;
    assert_int_equal(own, 3);
    stop();
}

static void test_what_two_others_bring_is_free(void **state)
{
    static const struct {
        const char *fact;
        int copies[3];
        bool is_free;
    } rows[] = {
        { "two others", { 1, 2, 2 }, true },
        { "one other", { 1, 1, 1 }, false },
        { "the same link again", { 0, 0, 0 }, false },
        { "itself and one other", { 0, 1, 0 }, false },
    };

    (void)state;
    for (int k = 0; k < COUNT(rows); k++) {
        int taken = 0;

        start();
        for (int i = 0; i < 40; i++) {
            taken += come(i, 0, false, OLD) == FLOOD_NEW;
            for (int c = 0; c < 3; c++)
                (void)come(i, rows[k].copies[c], false, OLD);
        }
        if (rows[k].is_free != (taken == 40))
            fail_msg("%s: %d", rows[k].fact, taken);
        stop();
    }
}

static void test_a_second_link_lets_it_in(void **state)
{
    (void)state;
    start();
    assert_int_equal(alone(0, 10, 0, OLD), 4);
    assert_int_equal(alone(100, 10, 1, OLD), 4);
    assert_int_equal(come(9, 0, false, OLD), FLOOD_LIMITED); /* by the same once more */
    assert_int_equal(come(9, 1, false, OLD), FLOOD_NEW);     /* in debt as well */
    assert_int_equal(come(9, 2, false, OLD), FLOOD_DUPLICATE);
    stop();
}

/* Who goes on is not heard at all until it is silent, but for what others bring too. */
static void test_who_goes_on_is_not_heard(void **state)
{
    int64_t now = OLD;
    int n = 0;

    (void)state;
    start();
    for (; n < 1000; now += 10 * NS_PER_MS)
        (void)alone(n++, 1, 0, now);
    assert_int_equal(flood_counts(&b.f)->admitted, 4);
    assert_int_equal(alone(n++, 1, 0, now + 30 * NS_PER_S), 0);
    assert_int_equal(alone(n++, 1, 0, now + 70 * NS_PER_S), 1);
    stop();

    start(); /* a hundred in ten seconds, each of which another brings at last */
    for (now = OLD, n = 0; n < 100; n++, now += NS_PER_S / 10) {
        if (come(n, 0, false, now) == FLOOD_LIMITED)
            assert_int_equal(come(n, 1, false, now), FLOOD_NEW);
    }
    assert_int_equal(alone(200, 1, 0, now + 5 * NS_PER_S), 1);
    stop();
}

static void test_what_two_have_named_is_taken(void **state)
{
    struct msg_digest d = { .count = 1 };

    (void)state;
    start();
    assert_int_equal(alone(0, 10, 0, OLD), 4);
    store_be64(d.list[0].id.b, 100 * 0x10001);
    flood_on_digest(&b.f, 0, &d, OLD, &b.out);
    flood_on_digest(&b.f, 1, &d, OLD, &b.out);
    assert_int_equal(come(100, 0, false, OLD), FLOOD_NEW);
    store_be64(d.list[0].id.b, 101 * 0x10001);
    flood_on_digest(&b.f, 0, &d, OLD, &b.out);
    assert_int_equal(come(101, 0, false, OLD), FLOOD_LIMITED);
    stop();
}

/* A node with one or two links hears all that they bring. */
static void test_with_two_links_nothing_is_charged(void **state)
{
    (void)state;
    start();
    for (int i = 2; i < PEERS; i++)
        flood_peer_down(&b.f, i, T0);
    assert_int_equal(alone(0, 40, 0, OLD), 40);
    flood_peer_up(&b.f, 2, 0, T0);
    assert_int_equal(alone(100, 40, 0, OLD), 4); /* nothing was charged before */
    stop();
}

static void test_the_rule_off(void **state)
{
    (void)state;
    start();
    b.p.alone_rate.period_ns = 0;
    assert_int_equal(alone(0, 40, 0, OLD), 40);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_link_alone_is_limited),
        cmocka_unit_test(test_its_own_have_room),
        cmocka_unit_test(test_what_two_others_bring_is_free),
        cmocka_unit_test(test_a_second_link_lets_it_in),
        cmocka_unit_test(test_who_goes_on_is_not_heard),
        cmocka_unit_test(test_what_two_have_named_is_taken),
        cmocka_unit_test(test_with_two_links_nothing_is_charged),
        cmocka_unit_test(test_the_rule_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
