/* Whole runs: they end well, they repeat bit for bit, and a world in which something is
 * wrong is found out.  SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "sim/experiment.h"

static struct experiment_options options(uint64_t seed, int nodes)
{
    return (struct experiment_options){ .seed = seed,
                                        .nodes = nodes,
                                        .seconds = 60,
                                        .loss_ppm = -1,
                                        .latency_ns = -1,
                                        .jitter_ns = -1,
                                        .faults = -1 };
}

static struct experiment *run(const struct experiment_options *o, int *status)
{
    struct experiment *e = calloc(1, sizeof(*e));

    assert_non_null(e);
    *status = experiment_run(e, o);
    return e;
}

static void finish(struct experiment *e)
{
    experiment_finish(e);
    free(e);
}

static void run_seed(uint64_t seed)
{
    struct experiment_options o = options(seed, 6);
    int status;
    struct experiment *e = run(&o, &status);

    if (status != 0)
        print_message("seed %llu: %s\n", (unsigned long long)seed, e->check.what);
    assert_int_equal(status, 0);
    assert_true(e->started_ns != TIME_NEVER);
    assert_true(e->members_max >= 3);
    assert_true(e->check.listening > 100);
    assert_int_equal(e->pending_count, 0);
    finish(e);
}

static void test_parties_go_well(void **state)
{
    (void)state;
    for_each_seed(3, run_seed);
}

static void test_runs_repeat(void **state)
{
    struct experiment_options o = options(11, 5);
    struct run_hash hash[3];
    int status;

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct experiment *e;

        o.seed = i < 2 ? 11 : 12;
        e = run(&o, &status);
        hash[i] = e->world.hash;
        finish(e);
    }
    assert_true(hash[0].a == hash[1].a && hash[0].b == hash[1].b);
    assert_true(hash[0].a != hash[2].a && hash[0].b != hash[2].b);
}

static void test_lan_is_within_microseconds(void **state)
{
    struct experiment_options o = options(4, 6);
    struct experiment *e;
    int status;

    (void)state;
    o.net = "lan";
    o.faults = FAULT_CLOCK;
    e = run(&o, &status);
    assert_int_equal(status, 0);
    assert_true(e->check.pairs.count > 1000);
    assert_true(histogram_quantile(&e->check.pairs, 500) < 50000);
    assert_int_equal(e->check.silent, 0);
    finish(e);
}

/* The checks themselves: each row breaks the world behind the nodes' backs. */
static struct experiment *half_way(void)
{
    static struct experiment_options o;
    struct experiment *e;
    int status;

    o = options(4, 5);
    o.net = "lan";
    o.faults = 0;
    e = run(&o, &status);
    assert_int_equal(status, 0);
    return e;
}

static void test_failure_is_kept_and_stops(void **state)
{
    struct experiment *e = half_way();

    (void)state;
    assert_false(e->world.is_stopped);
    check_fail(&e->check, 2, "first");
    check_fail(&e->check, 3, "second");
    assert_true(e->world.is_stopped);
    assert_int_equal(e->check.node, 2);
    assert_string_equal(e->check.what, "first");
    finish(e);
}

static void test_wrong_block_is_not_kept(void **state)
{
    struct experiment *e = half_way();
    struct store *s = world_store(&e->world, 0);
    struct bytes good;
    uint8_t bad[BLOCK_SIZE];

    (void)state;
    good = store_get(world_store(&e->world, e->plan.host), &e->world.library, 0, 0);
    assert_int_equal(good.len, BLOCK_SIZE);
    assert_true(store_put(s, &e->world.library, 0, 0, good));
    memcpy(bad, good.data, sizeof(bad));
    bad[100] ^= 1;
    assert_false(store_put(s, &e->world.library, 0, 0, bytes_of(bad, sizeof(bad))));
    assert_false(store_put(s, &e->world.library, 0, 1, good));
    assert_false(store_put(s, &e->world.library, 0, 100000, good));
    finish(e);
}

static void test_lying_about_holding_is_found(void **state)
{
    struct experiment_options o = options(4, 5);
    struct experiment *e;
    int status;

    (void)state;
    o.net = "lan";
    o.faults = FAULT_DISK; /* a store that swallows all and keeps nothing */
    e = run(&o, &status);
    assert_int_equal(status, 0); /* the node does not claim to hold what it cannot */
    assert_true(e->plan.dead_disk >= 0);
    assert_true(e->check.silent > 0);
    finish(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parties_go_well),
        cmocka_unit_test(test_runs_repeat),
        cmocka_unit_test(test_lan_is_within_microseconds),
        cmocka_unit_test(test_failure_is_kept_and_stops),
        cmocka_unit_test(test_wrong_block_is_not_kept),
        cmocka_unit_test(test_lying_about_holding_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
