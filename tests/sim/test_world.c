/* The engine below the experiments: parts, hashes, and what befalls machines and links.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "base/time.h"
#include "sim/city.h"
#include "sim/part.h"
#include "sim/random.h"
#include "sim/tags.h"

#define NODES 40

static struct city_params params(void)
{
    struct city_params p = city_params_default();

    p.nodes = NODES;
    p.suite = &suite_tags;
    p.settle_ns = 20 * NS_PER_S;
    return p;
}

static struct city *begin(const struct city_params *p)
{
    struct city *c = calloc(1, sizeof(*c));

    assert_non_null(c);
    city_init(c, p);
    return c;
}

static void end(struct city *c)
{
    city_finish(c);
    free(c);
}

static bool same_hash(const struct run_hash *a, const struct run_hash *b)
{
    return a->a == b->a && a->b == b->b;
}

/* ---- parts ---- */

static void test_threads_change_nothing(void **state)
{
    static const char *const nets[] = { "uniform", "lan", "40ms" };
    struct run_hash first = { 0 };

    (void)state;
    for (int net = 0; net < 3; net++) {
        for (int threads = 1; threads <= 4; threads++) {
            struct city_params p = params();
            struct city *c;

            p.net = nets[net];
            p.threads = threads;
            c = begin(&p);
            assert_int_equal(c->world.part_count, threads);
            for (int i = 0; i < 3; i++)
                assert_int_equal(city_flood(c, NS_PER_S), NODES);
            if (threads == 1)
                first = c->world.hash;
            assert_true(same_hash(&c->world.hash, &first));
            end(c);
        }
    }
}

/* ---- a world that begins settled ---- */

static void check_settled(const struct city *c)
{
    int peers[OVERLAY_ACTIVE_MAX];
    int degree = c->world.p.node.overlay.active_max / 2 * 2;
    int links = 0;

    for (int i = 0; i < NODES; i++) {
        const struct overlay *o = node_overlay(c->world.nodes[i].node);
        const char *wrong = overlay_check(o);

        if (wrong != NULL)
            print_message("node %d: %s\n", i, wrong);
        assert_null(wrong);
        assert_int_equal(overlay_active(o, peers), world_links(&c->world, i));
        assert_true(o->passive.count >= NODES / 2);
        links += world_links(&c->world, i);
    }
    /* Of so few nodes some are beside each other in two cycles. */
    assert_in_range(links, NODES * degree * 8 / 10, NODES * degree);
}

/* All that the views held of each other's records goes with the nodes. */
static void check_references(struct city *c)
{
    struct world *w = &c->world;

    for (int i = 0; i < NODES; i++)
        world_crash(w, i, true);
    for (int i = 0; i < w->part_count; i++) {
        assert_int_equal(w->parts[i].contacts.count, 0);
        assert_null(contacts_check(&w->parts[i].contacts));
    }
}

static void test_settled_world_is_one(void **state)
{
    struct run_hash first = { 0 };

    (void)state;
    for (int threads = 1; threads <= 3; threads++) {
        struct city_params p = params();
        struct city *c;

        p.threads = threads;
        p.is_settled = true;
        p.passive = 4 * NODES;
        p.settle_ns = 0;
        c = begin(&p);
        check_settled(c);
        assert_true(c->world.counts.dials == 0);
        world_run(&c->world, 20 * NS_PER_S);
        for (int i = 0; i < NODES; i++) /* nobody had to hang up on anybody */
            assert_int_equal(node_overlay(c->world.nodes[i].node)->counts.neighbours_down,
                             0);
        for (int i = 0; i < 3; i++)
            assert_int_equal(city_flood(c, NS_PER_S), NODES);
        first = threads == 1 ? c->world.hash : first;
        assert_true(same_hash(&c->world.hash, &first));
        check_references(c);
        end(c);
    }
}

static void test_hash_says_what_it_covers(void **state)
{
    struct run_hash hashes[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct city_params p = params();
        struct city *c;

        p.hash = (enum world_hash)i;
        c = begin(&p);
        hashes[i] = c->world.hash;
        end(c);
    }
    assert_false(same_hash(&hashes[0], &hashes[1]));
    assert_false(same_hash(&hashes[1], &hashes[2]));
}

/* ---- one fault moves nothing else ---- */

static void ticked(void *context, uint64_t token)
{
    struct city *c = context;

    if (token == 1)
        world_crash(&c->world, NODES - 1, false);
}

/* A node that nobody hears, with or without a crash: all others live the same life. */
static void test_a_fault_far_away_moves_no_draw(void **state)
{
    struct city *runs[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct city_params p = params();

        p.net = "wifi";
        p.settle_ns = 0;
        runs[i] = begin(&p);
        net_cut_host(&runs[i]->world.net, NODES - 1, 0, 3600 * NS_PER_S);
        runs[i]->world.hooks.context = runs[i];
        runs[i]->world.hooks.ticked = ticked;
        if (i == 1)
            world_tick_at(&runs[i]->world, 12 * NS_PER_S, 1);
        world_run(&runs[i]->world, 30 * NS_PER_S);
    }
    for (int i = 0; i < NODES; i++)
        assert_true(same_hash(&runs[0]->world.nodes[i].hash,
                              &runs[1]->world.nodes[i].hash) == (i < NODES - 1));
    end(runs[0]);
    end(runs[1]);
}

/* ---- crashes ---- */

/* Ends of links to a life of a node, as the machines of the others know them. */
static int links_to(const struct city *c, int node, int life)
{
    int links = 0;

    for (int i = 0; i < NODES; i++) {
        const struct link_table *t = c->world.nodes[i].links;

        for (int k = 0; t != NULL && k < t->count; k++)
            links += t->rows[k].state == END_OPEN && t->rows[k].other == (uint32_t)node &&
                     t->rows[k].other_life == life;
    }
    return links;
}

static void test_reset_is_seen_at_once_and_darkness_is_not(void **state)
{
    (void)state;
    for (int is_dark = 0; is_dark < 2; is_dark++) {
        struct city_params p = params();
        struct city *c = begin(&p);
        struct world *w = &c->world;
        int links = links_to(c, 20, 1);

        assert_true(links > 2);
        assert_true(world_links(w, 20) >= links); /* one may be on its way */
        world_crash(w, 20, is_dark != 0);
        assert_false(world_is_up(w, 20));
        assert_int_equal(world_links(w, 20), 0);
        world_run(w, w->now_ns + 199 * NS_PER_MS);
        assert_true(links_to(c, 20, 1) == 0 || is_dark);
        assert_true(links_to(c, 20, 1) == links || !is_dark);
        end(c);
    }
}

static void test_restarted_machine_resets_old_links(void **state)
{
    struct city_params p = params();
    struct city *c = begin(&p);
    struct world *w = &c->world;
    int links = links_to(c, 20, 1);

    (void)state;
    world_crash(w, 20, true);
    world_start(w, 20);
    assert_int_equal(w->nodes[20].life, 2);
    assert_int_equal(links_to(c, 20, 1), links);
    (void)city_flood(c, NS_PER_S); /* whoever passes it on hears that nobody knows him */
    assert_int_equal(links_to(c, 20, 1), 0);
    world_run(w, w->now_ns + 10 * NS_PER_S);
    assert_true(links_to(c, 20, 2) > 0);
    assert_int_equal(city_flood(c, NS_PER_S), NODES);
    end(c);
}

/* ---- pause ---- */

struct pause {
    struct city *city;
    int steps; /* of the node that is paused */
};

static void count_steps(void *context, int node, const struct event *e)
{
    struct pause *pause = context;

    (void)e;
    pause->steps += node == 20;
}

static void test_paused_node_gets_all_at_once(void **state)
{
    struct city_params p = params();
    struct pause pause = { begin(&p), 0 };
    struct world *w = &pause.city->world;
    int links = links_to(pause.city, 20, 1);
    int at_once;

    (void)state;
    w->hooks.context = &pause;
    w->hooks.stepped = count_steps;
    world_pause(w, 20);
    world_run(w, w->now_ns + 300 * NS_PER_MS);
    assert_true(links_to(pause.city, 20, 1) >= links); /* no reset came */
    /* Whoever floods to it may notice that it does not answer. */
    assert_int_equal(city_flood(pause.city, NS_PER_S), NODES - 1);
    assert_int_equal(pause.steps, 0);
    world_resume(w, 20);
    at_once = pause.steps;
    assert_true(at_once > 0);
    assert_int_equal(flood_counts(node_floods(w->nodes[20].node))->admitted, 1);
    world_run(w, w->now_ns + 10 * NS_PER_S);
    assert_true(pause.steps > at_once); /* it lives on */
    assert_int_equal(city_flood(pause.city, NS_PER_S), NODES);
    world_pause(w, 20); /* and dies in a pause: what waits is lost */
    (void)city_flood(pause.city, NS_PER_S);
    world_crash(w, 20, false);
    world_resume(w, 20);
    assert_false(world_is_up(w, 20));
    end(pause.city);
}

/* ---- clocks ---- */

static void test_slow_clock_wakes_on_its_own_time(void **state)
{
    struct clock_model_params clock = { .offset_ns = 77 * NS_PER_S,
                                        .rate_ppb = -90000,
                                        .wander_ppb = 500 };
    struct city_params p = params();
    struct city *c;

    (void)state;
    p.settle_ns = 0;
    c = begin(&p);
    for (int i = 0; i < NODES; i += 2)
        world_set_clock(&c->world, i, &clock);
    world_run(&c->world, 30 * NS_PER_S);
    assert_in_range(world_raw_ns(&c->world, 0), 106 * NS_PER_S, 107 * NS_PER_S);
    assert_int_equal(world_raw_ns(&c->world, 1), 30 * NS_PER_S);
    assert_int_equal(city_flood(c, NS_PER_S), NODES);
    end(c);
}

struct heard_clock {
    struct world *w;
    int64_t error_ns; /* of the last that node 3 was told */
    int told;
};

static void hear_clock(void *context, int node, const struct event *e)
{
    struct heard_clock *h = context;

    if (e->kind != EVENT_SYSTEM_CLOCK || node != 3)
        return;
    h->error_ns = e->u.system_clock.utc_ns - CLOCK_MODEL_UTC_NS - h->w->now_ns;
    h->told++;
}

static void test_system_clock_is_told_and_steps(void **state)
{
    struct city_params p = params();
    struct city *c;
    struct heard_clock heard = { 0 };

    (void)state;
    p.settle_ns = 0;
    c = begin(&p);
    heard.w = &c->world;
    c->world.hooks.context = &heard;
    c->world.hooks.stepped = hear_clock;
    c->world.hooks.set_up = NULL;
    world_run(&c->world, 20 * NS_PER_S);
    assert_int_equal(heard.told, 1); /* at the start, and never again */
    world_crash(&c->world, 3, false);
    c->world.p.clock_period_ns = NS_PER_S;
    world_start(&c->world, 3);
    world_run(&c->world, 30 * NS_PER_S - 1);
    assert_int_equal(heard.told, 11);
    assert_int_equal(heard.error_ns, 0);
    world_step_utc(&c->world, 3, -7 * NS_PER_S);
    world_run(&c->world, 32 * NS_PER_S);
    assert_int_equal(heard.error_ns, -7 * NS_PER_S);
    end(c);
}

/* ---- ticks ---- */

struct order {
    struct world *w;
    int count;
    uint64_t tokens[8];
};

static void note_tick(void *context, uint64_t token)
{
    struct order *o = context;

    assert_true(o->count < 8);
    o->tokens[o->count++] = token;
    if (token == 3)
        world_tick_at(o->w, o->w->now_ns, 4);
    if (token == 9)
        o->w->is_stopped = true;
}

static void test_ticks_keep_their_order(void **state)
{
    static const uint64_t expected[] = { 1, 2, 3, 5, 4, 9 };
    struct city_params p = params();
    struct city *c;
    struct order order = { 0 };

    (void)state;
    p.settle_ns = 0;
    c = begin(&p);
    order.w = &c->world;
    c->world.hooks.context = &order;
    c->world.hooks.set_up = NULL; /* it would take the context for its own */
    c->world.hooks.ticked = note_tick;
    world_tick_at(&c->world, NS_PER_S, 2);
    world_tick_at(&c->world, NS_PER_MS, 1);
    world_tick_at(&c->world, NS_PER_S, 3);
    world_tick_at(&c->world, NS_PER_S, 5);
    world_tick_at(&c->world, 3 * NS_PER_S, 9);
    world_tick_at(&c->world, 4 * NS_PER_S, 10);
    world_run(&c->world, 2 * NS_PER_S);
    assert_int_equal(c->world.now_ns, 2 * NS_PER_S);
    world_run(&c->world, 5 * NS_PER_S);
    assert_int_equal(c->world.now_ns, 3 * NS_PER_S);
    assert_int_equal(order.count, 6);
    for (int i = 0; i < order.count; i++)
        assert_int_equal(order.tokens[i], expected[i]);
    end(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_change_nothing),
        cmocka_unit_test(test_settled_world_is_one),
        cmocka_unit_test(test_hash_says_what_it_covers),
        cmocka_unit_test(test_a_fault_far_away_moves_no_draw),
        cmocka_unit_test(test_reset_is_seen_at_once_and_darkness_is_not),
        cmocka_unit_test(test_restarted_machine_resets_old_links),
        cmocka_unit_test(test_paused_node_gets_all_at_once),
        cmocka_unit_test(test_slow_clock_wakes_on_its_own_time),
        cmocka_unit_test(test_system_clock_is_told_and_steps),
        cmocka_unit_test(test_ticks_keep_their_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
