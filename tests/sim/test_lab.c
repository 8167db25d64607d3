/* The built-in experiments, small: they meet their goals, and miss them when the rule
 * that they are about is switched off.  SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "sim/lab.h"

/* Run a kind with some things set ("name=value", NULL ends) and one seed. */
static void run(const char *kind, const char *const *set, uint64_t seed,
                struct results *r)
{
    const struct lab_kind *k = lab_kind_find(kind);
    struct setup *s = calloc(1, sizeof(*s));
    char why[SETUP_WHY_MAX];

    assert_non_null(k);
    setup_default(s);
    k->defaults(s);
    for (; *set != NULL; set++) {
        char name[64];
        const char *sign = strchr(*set, '=');

        snprintf(name, sizeof(name), "%.*s", (int)(sign - *set), *set);
        if (!setup_set(s, name, sign + 1, why))
            fail_msg("%s", why);
    }
    *r = (struct results){ 0 };
    k->run(s, seed, r);
    setup_finish(s);
    free(s);
}

static double value_of(const struct results *r, const char *name)
{
    const struct result_figure *f = results_find(r, name);

    if (f == NULL)
        fail_msg("no figure %s", name);
    return f->value;
}

static void need(const struct results *r, const char *name, double least, double most)
{
    double value = value_of(r, name);

    if (!(value >= least && value <= most))
        fail_msg("%s is %g, not %g to %g", name, value, least, most);
}

#define SMALL "nodes=100", "settle=60s", "crypto=tags"

static void test_reach(void **state)
{
    static const char *const set[] = { SMALL, "messages=5", NULL };
    struct results r;
    (void)state;

    run("reach", set, 1, &r);
    need(&r, "whole", 100, 100);
    need(&r, "sends_per_node", 1, 5);
    need(&r, "p99", 50, 260);
    need(&r, "last", 50, 400);
    results_finish(&r);
}

static void test_a_short_ttl_reaches_few(void **state)
{
    static const char *const set[] = { SMALL, "messages=5", "ttl=2", NULL };
    struct results r;
    (void)state;

    run("reach", set, 1, &r);
    need(&r, "whole", 0, 0);
    need(&r, "hops_max", 2, 2);
    results_finish(&r);
}

static void test_lost_segments_stall_links(void **state)
{
    static const char *const none[] = { SMALL, "messages=5", NULL };
    static const char *const some[] = { SMALL, "messages=5", "net.loss=5%", NULL };
    double last[2] = { 0 };
    (void)state;

    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct results a;
        struct results b;

        run("reach", none, seed, &a);
        run("reach", some, seed, &b);
        need(&b, "whole", 100, 100);
        last[0] += value_of(&a, "last");
        last[1] += value_of(&b, "last");
        results_finish(&a);
        results_finish(&b);
    }
    assert_true(last[1] > last[0]);
}

/* Half behind cone NATs, a fifth behind symmetric ones: nobody is left out; without
 * punching others carry more links; and if nobody finds out that it is hidden, some are
 * alone. */
static void test_nat(void **state)
{
    static const char *const set[] = { SMALL, NULL };
    static const char *const no_punch[] = { SMALL, "net.punch=0%", NULL };
    static const char *const no_reach[] = { SMALL, "overlay.reach.misses=0", NULL };
    struct results a;
    struct results b;
    struct results c;
    (void)state;

    run("nat", set, 1, &a);
    need(&a, "stranded", 0, 0);
    need(&a, "components", 1, 1);
    need(&a, "reached", 100, 100);
    need(&a, "direct_punched", 80, 100);
    need(&a, "punched", 10, 100);
    need(&a, "relayed", 1, 20);
    need(&a, "mistaken", 0, 0);
    run("nat", no_punch, 1, &b);
    need(&b, "stranded", 0, 0);
    need(&b, "reached", 100, 100);
    need(&b, "punched", 0, 0);
    assert_true(value_of(&b, "relayed") > value_of(&a, "relayed"));
    run("nat", no_reach, 1, &c);
    need(&c, "stranded", 1, 100);
    results_finish(&a);
    results_finish(&b);
    results_finish(&c);
}

static void test_heal(void **state)
{
    static const char *const set[] = { SMALL, "levels=50% 80%", "messages=5", NULL };
    struct results r;
    (void)state;

    run("heal", set, 1, &r);
    need(&r, "components", 1, 1);
    need(&r, "before", 100, 100);
    need(&r, "first_50", 99.9, 100);
    need(&r, "first_80", 99.5, 100);
    need(&r, "mean_80", 99.9, 100);
    results_finish(&r);
}

/* Nothing answers, and nothing says that it is gone: half a second for each generation of
 * nodes that find out by themselves would be too long. */
static void test_a_power_cut(void **state)
{
    static const char *const set[] = { SMALL,        "levels=50% 80% 90%", "messages=0",
                                       "silent=yes", "wait=2.5s",          NULL };
    struct results r;
    (void)state;

    run("heal", set, 1, &r);
    need(&r, "first_50", 99.9, 100);
    need(&r, "first_80", 99.5, 100);
    need(&r, "first_90", 99, 100);
    need(&r, "first_last_80", 0.1, 1.2);
    results_finish(&r);
}

static void test_without_repairs_it_does_not_heal(void **state)
{
    static const char *const set[] = { SMALL,        "preset=hyparview",
                                       "levels=80%", "messages=0",
                                       "wait=2s",    "flood.has_push=no",
                                       "contacts=1", NULL };
    struct results r;
    (void)state;

    run("heal", set, 1, &r);
    need(&r, "first_80", 0, 90);
    results_finish(&r);
}

static void test_join(void **state)
{
    static const char *const set[] = { "nodes=50", NULL };
    struct results r;
    (void)state;

    run("join", set, 1, &r);
    need(&r, "whole", 1, 1);
    need(&r, "whole_later", 1, 1);
    need(&r, "took", 0, 5);
    results_finish(&r);
}

static void test_churn(void **state)
{
    static const char *const set[] = { SMALL, "rounds=3", "share=2%", NULL };
    struct results r;
    (void)state;

    run("churn", set, 1, &r);
    need(&r, "reached_mean", 100, 100);
    need(&r, "degree5_least", 90, 100);
    results_finish(&r);
}

static void test_attack(void **state)
{
    static const char *const set[] = { SMALL, "messages=5", NULL };
    static const char *const most[] = { SMALL, "messages=5", "share=80%", NULL };
    struct results r;
    (void)state;

    run("attack", set, 1, &r);
    need(&r, "reached_30", 99.9, 100);
    need(&r, "hostile_before", 10, 40);
    results_finish(&r);
    run("attack", most, 1, &r); /* so they are holes */
    need(&r, "reached_80", 0, 90);
    results_finish(&r);
}

static void test_flood(void **state)
{
    static const char *const set[] = { SMALL, "messages=5", "share=3%", NULL };
    static const char *const off[] = { SMALL,
                                       "messages=5",
                                       "share=3%",
                                       "flood.origin_rate.period=0",
                                       "flood.alone_rate.period=0",
                                       NULL };
    struct results r;
    (void)state;

    run("flood", set, 1, &r);
    need(&r, "reached", 100, 100);
    need(&r, "attacks", 400, 3000);
    need(&r, "admitted_per_node", 0, 20);
    results_finish(&r);
    run("flood", off, 1, &r);
    need(&r, "reached", 0, 99);
    results_finish(&r);
}

static void test_detector(void **state)
{
    static const char *const set[] = { SMALL, "rounds=20", NULL };
    struct results r;
    (void)state;

    run("detector", set, 1, &r);
    need(&r, "alone_most", 0, 0);
    need(&r, "reached", 100, 100);
    results_finish(&r);
}

static void test_ring(void **state)
{
    static const char *const set[] = { SMALL, "messages=5", "share=20%", NULL };
    struct results r;
    (void)state;

    run("ring", set, 1, &r);
    need(&r, "near", 100, 100);
    need(&r, "ended", 100, 100);
    need(&r, "extra_most", 0, 1.2);
    results_finish(&r);
}

static void test_tree(void **state)
{
    static const char *const set[] = { SMALL, "rounds=1", NULL };
    struct results r;
    (void)state;

    run("tree", set, 1, &r);
    need(&r, "missed", 0, 0);
    need(&r, "rmr_one", 0, .2);
    results_finish(&r);
}

static void test_runs_repeat(void **state)
{
    static const char *const set[] = { SMALL, "messages=3", NULL };
    struct results a;
    struct results b;
    (void)state;

    run("attack", set, 5, &a);
    run("attack", set, 5, &b);
    assert_int_equal(a.figure_count, b.figure_count);
    for (int i = 0; i < a.figure_count; i++)
        assert_true(a.figures[i].value == b.figures[i].value);
    results_finish(&a);
    results_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reach),
        cmocka_unit_test(test_a_short_ttl_reaches_few),
        cmocka_unit_test(test_lost_segments_stall_links),
        cmocka_unit_test(test_nat),
        cmocka_unit_test(test_heal),
        cmocka_unit_test(test_a_power_cut),
        cmocka_unit_test(test_without_repairs_it_does_not_heal),
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_churn),
        cmocka_unit_test(test_attack),
        cmocka_unit_test(test_flood),
        cmocka_unit_test(test_detector),
        cmocka_unit_test(test_ring),
        cmocka_unit_test(test_tree),
        cmocka_unit_test(test_runs_repeat),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
