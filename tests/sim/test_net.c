/* The virtual network and the virtual clocks.  SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "base/time.h"
#include "sim/clockmodel.h"
#include "sim/net.h"

static struct net make(const char *name, int64_t loss_ppm)
{
    struct net_params p;
    struct net n;

    assert_true(net_params_named(name, &p));
    p.loss_ppm = loss_ppm;
    net_init(&n, 7, &p, 4);
    return n;
}

static uint32_t numbers[4];

static int64_t frame(struct net *n, int from, int to, size_t len, int64_t now_ns,
                     int64_t after_ns)
{
    struct net_trip t = { from, to, numbers[from]++, len, 0 };

    return net_frame_ns(n, &t, now_ns, after_ns);
}

static int datagram(struct net *n, int from, int to, int64_t now_ns, int64_t at_ns[])
{
    struct net_trip t = { from, to, numbers[from]++, 80, 0 };

    return net_datagram_ns(n, &t, now_ns, at_ns);
}

static void test_addresses(void **state)
{
    struct net n = make("lan", 0);
    struct addr a = net_addr(3);

    (void)state;
    assert_int_equal(net_host_of(&n, &a), 3);
    a.port = 1;
    assert_int_equal(net_host_of(&n, &a), -1);
    a = net_addr(4); /* there are four: 0 to 3 */
    assert_int_equal(net_host_of(&n, &a), -1);
    assert_false(net_params_named("moon", &(struct net_params){ 0 }));
    net_finish(&n);
}

static void test_frames_keep_their_order(void **state)
{
    struct net n = make("wifi", 50000);
    int64_t last = 0;
    int64_t worst = 0;

    (void)state;
    for (int i = 0; i < 2000; i++) {
        int64_t now = i * NS_PER_MS;
        int64_t at = frame(&n, 0, 1, 200, now, last);

        assert_true(at > now && at > last);
        worst = at - now > worst ? at - now : worst;
        last = at;
    }
    assert_true(worst >= n.p.retransmit_ns); /* a loss has cost a time-out */
    net_finish(&n);
}

static void test_datagrams_get_lost_and_doubled(void **state)
{
    struct net n = make("wifi", 100000);
    int64_t at[NET_COPIES_MAX];
    int copies[3] = { 0 };

    (void)state;
    n.p.duplicate_ppm = 100000;
    for (int i = 0; i < 10000; i++)
        copies[datagram(&n, 0, 1, i * NS_PER_MS, at)]++;
    assert_in_range(copies[0], 850, 1150);
    assert_in_range(copies[2], 750, 1050);
    net_finish(&n);
}

static void test_cut_and_heal(void **state)
{
    struct net n = make("lan", 0);
    int64_t at[NET_COPIES_MAX];

    (void)state;
    net_cut_host(&n, 1, 10 * NS_PER_S, 20 * NS_PER_S);
    assert_int_equal(datagram(&n, 0, 1, 9 * NS_PER_S, at), 1);
    assert_int_equal(datagram(&n, 0, 1, 15 * NS_PER_S, at), 0);
    assert_int_equal(datagram(&n, 1, 0, 15 * NS_PER_S, at), 0);
    assert_int_equal(datagram(&n, 0, 2, 15 * NS_PER_S, at), 1);
    assert_true(frame(&n, 0, 1, 80, 15 * NS_PER_S, 0) >= 20 * NS_PER_S);
    assert_true(frame(&n, 0, 2, 80, 15 * NS_PER_S, 0) < 16 * NS_PER_S);
    net_finish(&n);
}

static void test_uplink_is_a_bottleneck(void **state)
{
    struct net n = make("lan", 0);
    int64_t at = 0;

    (void)state;
    n.p.uplink_bps = 8000000; /* 1 MB/s */
    for (int i = 0; i < 100; i++)
        at = frame(&n, 0, 1, 10000, 0, at);
    assert_in_range(at, NS_PER_S, NS_PER_S + 20 * NS_PER_MS);
    net_finish(&n);
}

static void test_one_draw_moves_no_other(void **state)
{
    struct net a = make("wifi", 20000);
    struct net b = make("wifi", 20000);

    (void)state;
    for (int i = 0; i < 100; i++) /* what host 2 sends is nothing to host 0 */
        (void)frame(&b, 2, 3, 500, i, 0);
    for (uint32_t i = 0; i < 100; i++) {
        struct net_trip t = { 0, 1, i, 500, 0 };

        assert_int_equal(net_frame_ns(&a, &t, i * NS_PER_MS, 0),
                         net_frame_ns(&b, &t, i * NS_PER_MS, 0));
    }
    net_finish(&a);
    net_finish(&b);
}

static void test_clock_rate_and_inverse(void **state)
{
    static const int64_t rates[] = { 0, 100000, -100000, 37 };

    (void)state;
    for (int i = 0; i < 4; i++) {
        struct clock_model_params p = { .offset_ns = 5 * NS_PER_S, .rate_ppb = rates[i] };
        struct clock_model m;

        clock_model_init(&m, 1, 2, &p);
        assert_int_equal(clock_model_raw(&m, 0), 5 * NS_PER_S);
        assert_in_range(
            clock_model_raw(&m, 1000 * NS_PER_S) - 1005 * NS_PER_S + 200000000,
            200000000 + rates[i] * 1000 - 100, 200000000 + rates[i] * 1000 + 100);
        for (int64_t raw = 1005 * NS_PER_S; raw < 1006 * NS_PER_S; raw += 123456789) {
            int64_t at = clock_model_true(&m, raw);

            assert_true(clock_model_raw(&m, at) >= raw);
            assert_true(clock_model_raw(&m, at - 2) < raw);
        }
    }
}

static void test_clock_wanders_and_never_goes_back(void **state)
{
    struct clock_model_params p = { .rate_ppb = -100000, .wander_ppb = 1000 };
    struct clock_model m;
    int64_t last = -1;

    (void)state;
    clock_model_init(&m, 3, 1, &p);
    for (int64_t t = 0; t < 600 * NS_PER_S; t += 77777777) {
        int64_t raw = clock_model_raw(&m, t);

        assert_true(raw > last);
        last = raw;
    }
    assert_true(m.rate_ppb != p.rate_ppb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_frames_keep_their_order),
        cmocka_unit_test(test_datagrams_get_lost_and_doubled),
        cmocka_unit_test(test_cut_and_heal),
        cmocka_unit_test(test_uplink_is_a_bottleneck),
        cmocka_unit_test(test_one_draw_moves_no_other),
        cmocka_unit_test(test_clock_rate_and_inverse),
        cmocka_unit_test(test_clock_wanders_and_never_goes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
