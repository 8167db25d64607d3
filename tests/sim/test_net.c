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

static struct net make_of(const struct net_params *p, int hosts)
{
    struct net n;

    net_init(&n, 7, p, hosts);
    return n;
}

static void test_addresses_in_groups(void **state)
{
    struct net_params p = { .address_groups = 700 };
    struct net n = make_of(&p, 2000);

    (void)state;
    for (int i = 0; i < 2000; i++) {
        struct addr a = net_addr_of(&p, i);
        struct addr b = net_addr_of(&p, (i + 1) % 2000);

        assert_int_equal(net_host_of(&n, &a), i);
        assert_true(a.ip[0] != 10);
        assert_memory_not_equal(a.ip, b.ip, 2); /* another /16 */
        b = net_addr_of(&p, i + 2000);          /* nobody's */
        assert_int_equal(net_host_of(&n, &b), -1);
        a.ip[0] = 10;
        assert_int_equal(net_host_of(&n, &a), -1);
    }
    net_finish(&n);
}

static void test_cut_between_groups_is_one_way(void **state)
{
    struct net_params p = { .latency = { .min_ns = NS_PER_MS, .max_ns = NS_PER_MS } };
    struct net n = make_of(&p, 4);
    struct net_cut cut = { 1 << 0, 1 << 3, NS_PER_S, 2 * NS_PER_S };
    int64_t at[NET_COPIES_MAX];

    (void)state;
    net_set_group(&n, 2, 3);
    net_set_group(&n, 3, 3);
    assert_true(net_cut_groups(&n, &cut));
    assert_int_equal(datagram(&n, 0, 2, NS_PER_S - 1, at), 1);
    assert_int_equal(datagram(&n, 0, 2, NS_PER_S, at), 0);
    assert_int_equal(datagram(&n, 2, 0, NS_PER_S, at), 1);
    assert_int_equal(datagram(&n, 0, 1, NS_PER_S, at), 1);
    assert_int_equal(datagram(&n, 2, 3, NS_PER_S, at), 1);
    assert_int_equal(datagram(&n, 0, 2, 2 * NS_PER_S, at), 1);
    for (int i = 1; i < NET_CUTS_MAX; i++)
        assert_true(net_cut_groups(&n, &cut));
    assert_false(net_cut_groups(&n, &cut));
    net_finish(&n);
}

static int64_t way_ns(struct net *n, int from, int to, int64_t now_ns)
{
    int64_t at[NET_COPIES_MAX];

    assert_int_equal(datagram(n, from, to, now_ns, at), 1);
    return at[0] - now_ns;
}

/* Queues fill one way: for some, for a time, for datagrams and for frames alike. */
static void test_jams_are_one_way(void **state)
{
    struct net_params p = { .latency = { .min_ns = NS_PER_MS, .max_ns = NS_PER_MS } };
    struct net n = make_of(&p, 4);
    struct net_jam jam = { 1 << 1,       ~(UINT64_C(1) << 2), NS_PER_S,
                           2 * NS_PER_S, 60 * NS_PER_MS,      200 * NS_PER_MS };
    int64_t least = INT64_MAX;
    int64_t most = 0;

    (void)state;
    for (int i = 0; i < 4; i++)
        net_set_group(&n, i, i);
    assert_true(net_jam_groups(&n, &jam));
    for (int i = 0; i < 1000; i++) {
        int64_t ns = way_ns(&n, 1, 0, NS_PER_S + i * NS_PER_US);

        least = time_min(least, ns);
        most = ns > most ? ns : most;
    }
    assert_in_range(least, 61 * NS_PER_MS, 62 * NS_PER_MS);
    assert_in_range(most, 200 * NS_PER_MS, 201 * NS_PER_MS);
    assert_true(frame(&n, 1, 0, 80, NS_PER_S, 0) >= NS_PER_S + 61 * NS_PER_MS);
    assert_int_equal(way_ns(&n, 0, 1, NS_PER_S), NS_PER_MS);     /* back */
    assert_int_equal(way_ns(&n, 1, 2, NS_PER_S), NS_PER_MS);     /* to another */
    assert_int_equal(way_ns(&n, 1, 0, NS_PER_S - 1), NS_PER_MS); /* before */
    assert_int_equal(way_ns(&n, 1, 0, 2 * NS_PER_S), NS_PER_MS); /* after */
    for (int i = 1; i < NET_JAMS_MAX; i++)
        assert_true(net_jam_groups(&n, &jam));
    assert_false(net_jam_groups(&n, &jam));
    net_finish(&n);
}

static void test_spread_is_even_and_spikes_have_a_least(void **state)
{
    struct net_params p = { .latency = { .min_ns = NS_PER_MS, .max_ns = NS_PER_MS },
                            .spread_ns = 500 * NS_PER_US };
    struct net n = make_of(&p, 2);
    int64_t sum = 0;
    int spikes = 0;

    (void)state;
    for (int i = 0; i < 10000; i++) {
        int64_t ns = way_ns(&n, 0, 1, i * NS_PER_MS);

        assert_in_range(ns, 500 * NS_PER_US, 1500 * NS_PER_US);
        sum += ns;
    }
    assert_in_range(sum / 10000, 985 * NS_PER_US, 1015 * NS_PER_US);
    n.p.spike_ppm = 100000;
    n.p.spike_min_ns = 100 * NS_PER_MS;
    for (int i = 0; i < 10000; i++) {
        int64_t ns = way_ns(&n, 0, 1, i * NS_PER_MS);

        spikes += ns >= 100 * NS_PER_MS;
        assert_true(ns <= 1500 * NS_PER_US || ns >= 100 * NS_PER_MS);
    }
    assert_in_range(spikes, 900, 1100);
    n.p.spike_ppm = 0;
    n.p.spread_ns = 3 * NS_PER_MS; /* more than the way: nothing comes before it went */
    for (int i = 0; i < 1000; i++)
        assert_true(way_ns(&n, 0, 1, i * NS_PER_MS) > 0);
    net_finish(&n);
}

static void test_nat_kinds(void **state)
{
    struct net_params p = { .cone_ppm = 300000,
                            .symmetric_ppm = 200000,
                            .punch_ppm = 600000 };
    struct net n = make_of(&p, 1000);
    int kinds[3] = { 0 };
    int tries[3][3] = { 0 };
    int crossed[3][3] = { 0 };

    (void)state;
    for (int i = 0; i < 1000; i++)
        kinds[net_nat_of(&n, i)]++;
    assert_in_range(kinds[NET_NAT_CONE], 250, 350);
    assert_in_range(kinds[NET_NAT_SYMMETRIC], 160, 240);
    for (int i = 0; i < 90000; i++) {
        int a = i % 1000;
        int b = i * 7 / 1000 % 1000;
        enum net_nat from = net_nat_of(&n, a);
        enum net_nat to = net_nat_of(&n, b);

        tries[from][to]++;
        crossed[from][to] += net_may_punch(&n, a, b);
        assert_int_equal(net_may_punch(&n, a, b), net_may_punch(&n, b, a));
        assert_int_equal(net_is_reachable(&n, a, b), to == NET_NAT_NONE);
    }
    assert_in_range(crossed[NET_NAT_CONE][NET_NAT_CONE],
                    tries[NET_NAT_CONE][NET_NAT_CONE] * 55 / 100,
                    tries[NET_NAT_CONE][NET_NAT_CONE] * 65 / 100);
    for (int other = 0; other < 3; other++) {
        assert_int_equal(crossed[NET_NAT_SYMMETRIC][other], 0);
        assert_int_equal(crossed[other][NET_NAT_SYMMETRIC], 0);
    }
    net_finish(&n);
}

static void test_slow_uplinks(void **state)
{
    struct net_params p = { .uplink_bps = INT64_C(1000000000),
                            .slow_ppm = 250000,
                            .slow_bps = 1000000 };
    struct net n = make_of(&p, 400);
    int slow = 0;

    (void)state;
    for (int i = 0; i < 400; i++) {
        struct net_trip t = { i, (i + 1) % 400, 0, 12446, 0 }; /* 12,500 bytes, framed */
        int64_t at = net_frame_ns(&n, &t, 0, 0);

        slow += at >= 100 * NS_PER_MS;
        assert_true(at <= NS_PER_MS || at >= 100 * NS_PER_MS);
    }
    assert_in_range(slow, 70, 130);
    net_finish(&n);
}

/* What parts of a world rely on. */
static void test_nothing_is_faster_than_the_least(void **state)
{
    static const char *const names[] = { "lan",   "wifi",  "internet", "40ms",
                                         "world", "wired", "wifi-rig", "wifi-ps" };

    (void)state;
    for (int i = 0; i < COUNT(names); i++) {
        struct net_params p;
        struct net n;
        int64_t least;
        int64_t seen = INT64_MAX;

        assert_true(net_params_named(names[i], &p));
        least = net_least_ns(&p);
        assert_true(least > 0);
        n = make_of(&p, 300);
        for (uint32_t k = 0; k < 20000; k++) {
            struct net_trip t = { (int)(k % 300), (int)(k / 300 * 7 % 300), k, 1, 0 };

            if (t.from != t.to)
                seen = time_min(seen, net_frame_ns(&n, &t, 0, 0));
        }
        assert_true(seen >= least);
        net_finish(&n);
    }
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

/* What a raw clock gains in a time, ns, beyond that time. */
static int64_t gain_ns(struct clock_model *m, int64_t from_ns, int64_t to_ns)
{
    int64_t raw_ns = clock_model_raw(m, from_ns);

    return clock_model_raw(m, to_ns) - raw_ns - (to_ns - from_ns);
}

static void test_clock_warms_up_for_good(void **state)
{
    struct clock_model_params p = { .rate_ppb = 5000 };
    struct clock_model m;

    (void)state;
    clock_model_init(&m, 1, 1, &p);
    clock_model_ramp(&m, 160 * NS_PER_S, 320 * NS_PER_S, 1000);
    assert_int_equal(gain_ns(&m, 0, 160 * NS_PER_S), 160 * 5000);
    (void)clock_model_raw(&m, 336 * NS_PER_S);
    assert_in_range(gain_ns(&m, 336 * NS_PER_S, 436 * NS_PER_S), 599000, 601000);
}

static void test_clock_follows_the_day(void **state)
{
    struct clock_model_params p = { .daily_ppb = 2000 };
    struct clock_model m;
    int64_t hour_ns = 3600 * NS_PER_S;

    (void)state;
    clock_model_init(&m, 1, 1, &p);
    assert_in_range(gain_ns(&m, 0, hour_ns), 0, 3600 * 200);
    assert_in_range(gain_ns(&m, 12 * hour_ns, 12 * hour_ns + 60 * NS_PER_S), 60 * 1950,
                    60 * 2000);
    assert_in_range(gain_ns(&m, 24 * hour_ns, 24 * hour_ns + 60 * NS_PER_S), 0, 60 * 50);
}

static void test_clock_of_a_machine_that_sleeps_stands_still(void **state)
{
    struct clock_model_params p = { .rate_ppb = 100000 };
    struct clock_model m;
    int64_t raw_ns;

    (void)state;
    clock_model_init(&m, 1, 1, &p);
    raw_ns = clock_model_raw(&m, 50 * NS_PER_S);
    clock_model_stop(&m, 50 * NS_PER_S);
    assert_int_equal(clock_model_raw(&m, 79 * NS_PER_S), raw_ns);
    clock_model_go(&m, -300 * NS_PER_MS);
    assert_in_range(clock_model_raw(&m, 80 * NS_PER_S) - raw_ns, 29702999990,
                    29703000010);
    assert_in_range(clock_model_raw(&m, 90 * NS_PER_S) - raw_ns, 39703999990,
                    39704000010);
    assert_int_equal(clock_model_utc(&m, 90 * NS_PER_S),
                     CLOCK_MODEL_UTC_NS + 90 * NS_PER_S);
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
        cmocka_unit_test(test_addresses_in_groups),
        cmocka_unit_test(test_cut_between_groups_is_one_way),
        cmocka_unit_test(test_jams_are_one_way),
        cmocka_unit_test(test_spread_is_even_and_spikes_have_a_least),
        cmocka_unit_test(test_nat_kinds),
        cmocka_unit_test(test_slow_uplinks),
        cmocka_unit_test(test_nothing_is_faster_than_the_least),
        cmocka_unit_test(test_clock_rate_and_inverse),
        cmocka_unit_test(test_clock_wanders_and_never_goes_back),
        cmocka_unit_test(test_clock_warms_up_for_good),
        cmocka_unit_test(test_clock_follows_the_day),
        cmocka_unit_test(test_clock_of_a_machine_that_sleeps_stands_still),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
