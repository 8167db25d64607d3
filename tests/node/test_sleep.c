/* A machine sleeps in the middle of a party: its clock is off by an unknown amount then,
 * and what it was promised has run out.  SPDX-License-Identifier: MIT */
#include "party/host.h"
#include "tests/node/ask.h"

static struct party *party_of(int node)
{
    return (struct party *)(uintptr_t)node_party(town_node(node));
}

/* How far party time is ahead of the town's, as this node has it. */
static int64_t party_offset(int node)
{
    const struct clock_line *l = node_party_line(town_node(node));

    assert_true(l->is_valid);
    return party_clock_from_local(l, town.now_ns + town.n[node].offset_ns).ns -
           town.now_ns;
}

static void begin(int count, uint8_t seed)
{
    town_make(count, seed);
    town_start_all();
    town_run(3 * S);
    assert_int_equal(town_host(0, 3, count - 1)->err, 0);
    for (int i = 1; i < count; i++) {
        for (int k = 0; k < 10 && node_invites(town_node(i))->count == 0; k++)
            town_run(S);
        assert_int_equal(town_accept(i)->err, 0);
    }
    town_run(25 * S);
    for (int i = 0; i < count; i++)
        assert_int_equal(town_phase(i), PARTY_PLAYING);
}

static void assert_same_time(int a, int b, int64_t within_ns)
{
    assert_true(llabs(party_offset(a) - party_offset(b)) < within_ns);
}

static int host_among(int count)
{
    int host = -1;

    for (int i = 0; i < count; i++) {
        if (party_of(i)->role == PARTY_ROLE_HOST) {
            assert_int_equal(host, -1);
            host = i;
        }
    }
    return host;
}

/* Its player is silent until the time is known again, and the others hear nothing. */
static void test_a_guest_sleeps(void **state)
{
    int64_t before_ns;
    uint64_t clock_id;

    (void)state;
    begin(3, 61);
    before_ns = party_offset(0);
    clock_id = town_node(2)->clock_id;
    town_sleep(2, 4 * S, 300 * NS_PER_MS);
    assert_false(town.n[2].line.is_valid);
    assert_true(town_node(2)->clock_id != clock_id);
    town_run(3 * S);
    assert_true(town.n[2].line.is_valid);
    assert_same_time(0, 2, 20 * NS_PER_US);
    assert_int_equal(party_of(2)->role, PARTY_ROLE_GUEST);
    assert_int_equal(party_of(0)->role, PARTY_ROLE_HOST);
    assert_true(llabs(party_offset(0) - before_ns) < 20 * NS_PER_US);
}

/* A host's clock that slept is no party's clock: who still has the time leads on, and
 * nobody's time steps.  Meanwhile the host decides nothing on old leases. */
static void host_sleeps(int count, uint8_t seed, int64_t for_ns, int64_t error_ns)
{
    int64_t before_ns;
    int64_t from_ns;

    begin(count, seed);
    before_ns = party_offset(1);
    town_sleep(0, for_ns, error_ns);
    from_ns = town.now_ns;
    assert_false(town.n[0].line.is_valid);
    assert_false(party_is_acting(party_of(0), town.now_ns + town.n[0].offset_ns));
    while (town.now_ns < from_ns + 20 * S) {
        town_run(S / 10);
        for (int i = 1; i < count; i++)
            assert_true(llabs(party_offset(i) - before_ns) < 20 * NS_PER_US);
    }
    assert_true(host_among(count) > 0);
    for (int i = 1; i < count; i++)
        assert_same_time(0, i, 20 * NS_PER_US);
    assert_false(party_of(0)->is_torn);
    assert_true(party_of(0)->is_current);
    assert_int_equal(town_phase(0), PARTY_PLAYING);
}

static void test_a_host_naps(void **state)
{
    (void)state;
    host_sleeps(3, 62, 2 * S, 300 * NS_PER_MS);
    town_clear();
    host_sleeps(4, 63, 3 * S, -400 * NS_PER_MS);
}

static void test_a_host_of_two_naps(void **state)
{
    (void)state;
    host_sleeps(2, 64, 2 * S, 300 * NS_PER_MS);
}

/* … so long that the others have elected another one. */
static void test_a_host_sleeps(void **state)
{
    (void)state;
    host_sleeps(3, 65, 16 * S, -900 * NS_PER_MS);
}

/* Beats of before the sleep are worth no lease, however late the answers come. */
static void test_old_beats_do_not_count(void **state)
{
    struct msg_party_status status = { 0 };
    struct party *p;
    int64_t now_ns;

    (void)state;
    begin(3, 66);
    p = party_of(0);
    status.epoch = p->log.epoch;
    status.seq = p->log.seq;
    now_ns = town.now_ns + town.n[0].offset_ns;
    assert_true(party_is_acting(p, now_ns));
    town_sleep(0, NS_PER_MS, 0);
    now_ns = town.now_ns + town.n[0].offset_ns;
    for (int i = 0; i < p->member_count; i++)
        assert_int_equal(p->members[i].lease_ns, 0);
    for (int i = 0; i < p->member_count; i++) { /* what was under way comes */
        status.beat_ns = now_ns - NS_PER_MS;
        if (!p->members[i].is_self)
            host_take_status(p, p->members[i].peer, &status);
    }
    assert_false(party_is_acting(p, now_ns));
    for (int i = 0; i < p->member_count; i++) {
        status.beat_ns = now_ns;
        if (!p->members[i].is_self)
            host_take_status(p, p->members[i].peer, &status);
    }
    assert_true(party_is_acting(p, now_ns));
}

/* With nobody else there party time is what this clock says. */
static void test_alone(void **state)
{
    (void)state;
    town_make(1, 67);
    town_start_all();
    town_run(S);
    assert_int_equal(town_host(0, 3, 0)->err, 0);
    town_run(15 * S);
    assert_int_equal(town_phase(0), PARTY_PLAYING);
    town_sleep(0, 5 * S, 100 * NS_PER_MS);
    town_run(3 * S);
    assert_true(town.n[0].line.is_valid);
    assert_int_equal(town_phase(0), PARTY_PLAYING);
    assert_int_equal(party_of(0)->map_clock_id, town_node(0)->clock_id);
}

static int tear_down(void **state)
{
    (void)state;
    town_clear();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_a_guest_sleeps, tear_down),
        cmocka_unit_test_teardown(test_a_host_naps, tear_down),
        cmocka_unit_test_teardown(test_a_host_of_two_naps, tear_down),
        cmocka_unit_test_teardown(test_a_host_sleeps, tear_down),
        cmocka_unit_test_teardown(test_old_beats_do_not_count, tear_down),
        cmocka_unit_test_teardown(test_alone, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
