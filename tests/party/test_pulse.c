/* The host's heartbeat: slow for all, slow for one, late and not dead.
 * SPDX-License-Identifier: MIT */
#include "tests/party/net.h"

#define S NS_PER_S

static struct net *playing(uint64_t seed, int count)
{
    struct net *n = net_new(seed, count);

    for (int i = 0; i < count; i++) {
        n->nodes[i].song_frames = 600 * 44100;
    }
    net_all_on(n);
    assert_int_equal(net_host(n, 0, 1, count - 1), 0);
    net_run(n, 20 * S);
    assert_int_equal(net_phase(n, 0), PARTY_PLAYING);
    return n;
}

static int64_t said(struct net *n)
{
    int64_t sum = 0;

    for (int i = 0; i < n->count; i++) {
        sum += net_party(n, i)->counts.elected;
    }
    return sum;
}

/* A dead host is slow for everybody, and nobody claims to hear it. */
static void test_slow_for_all(void **state)
{
    struct net *n = playing(1, 5);
    int64_t before = said(n);

    (void)state;
    for (int i = 1; i < 5; i++) {
        assert_int_equal(net_status(n, i).hearing, HEARING_WELL);
    }
    net_kill(n, 0);
    net_run(n, 2 * S);
    for (int i = 1; i < 5; i++) {
        assert_int_equal(net_status(n, i).hearing, HEARING_WELL);
    }
    net_run(n, 5 * S / 2);
    for (int i = 1; i < 5; i++) {
        assert_int_equal(net_status(n, i).hearing, HEARING_SLOW);
        assert_int_equal(net_party(n, i)->log.epoch, 1); /* its lease still runs */
    }
    assert_in_range(said(n) - before, 1, 8); /* questions without an answer */
    net_run(n, 8 * S);
    for (int i = 1; i < 5; i++) {
        assert_int_equal(net_status(n, i).hearing, HEARING_WELL); /* the next one */
        assert_int_equal(net_party(n, i)->log.epoch, 2);
    }
}

/* Where only the way of one is broken, it learns from others that the host lives. */
static void test_slow_for_one(void **state)
{
    struct net *n = playing(2, 4);

    (void)state;
    net_cut(n, 0, 2);
    net_run(n, 5 * S);
    assert_int_equal(net_status(n, 2).hearing, HEARING_SLOW_HERE);
    assert_int_equal(net_status(n, 1).hearing, HEARING_WELL);
    net_run(n, 8 * S);
    assert_int_equal(net_status(n, 2).hearing, HEARING_SILENT);
    net_heal(n, 0, 2);
    net_run(n, 15 * S);
    assert_int_equal(net_status(n, 2).hearing, HEARING_WELL);
    assert_int_equal(net_party(n, 2)->log.epoch, 1); /* nobody was elected */
}

/* Beats that come two seconds late are no dead host: slow, and well again. */
static void test_late_and_not_dead(void **state)
{
    struct net *n = playing(3, 3);
    bool was_slow = false;

    (void)state;
    n->latency_ns = 12 * S / 5;
    for (int i = 0; i < 60; i++) {
        net_run(n, S / 10);
        was_slow |= net_status(n, 1).hearing == HEARING_SLOW;
    }
    assert_true(was_slow);
    assert_int_equal(net_status(n, 1).hearing, HEARING_WELL);
    n->latency_ns = 20 * NS_PER_MS;
    net_run(n, 10 * S);
    assert_int_equal(net_party(n, 1)->log.epoch, 1);
    assert_int_equal(net_status(n, 1).hearing, HEARING_WELL);
}

/* How long the host of a party was silent when a guest found that too long. */
static int64_t slow_after_ns(int64_t jitter_ns)
{
    struct net *n = playing(4, 3);
    int64_t heard_ns = 0;

    n->jitter_ns = jitter_ns;
    net_run(n, 120 * S);
    assert_int_equal(net_party(n, 1)->log.epoch, 1);
    net_kill(n, 0);
    while (net_status(n, 1).hearing == HEARING_WELL) {
        heard_ns = net_party(n, 1)->host_heard_ns;
        assert_true(net_local(n, 1) - heard_ns < 20 * S);
        net_run(n, 10 * NS_PER_MS);
    }
    return net_local(n, 1) - heard_ns;
}

/* Who is used to gaps waits longer; a tick is the grain. */
static void test_used_to_gaps(void **state)
{
    (void)state;
    assert_in_range(slow_after_ns(5 * NS_PER_MS), 5 * S / 2, 7 * S / 2 + S / 10);
    assert_in_range(slow_after_ns(1500 * NS_PER_MS), 37 * S / 10, 6 * S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_for_all),
        cmocka_unit_test(test_slow_for_one),
        cmocka_unit_test(test_late_and_not_dead),
        cmocka_unit_test(test_used_to_gaps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
