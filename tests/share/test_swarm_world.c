/* The swarm in a small world: everybody gets everything, in about the time that the links
 * allow, whoever lies, is mute, talks nonsense, dies or comes late.
 * SPDX-License-Identifier: MIT */
#include "tests/share/world.h"

#define BLOCKS 200 /* of each of five songs: a pool of 16 MB */

struct scenario {
    const char *name;
    int members;
    int liars;
    int mutes;
    int garblers;
    int kills; /* so many honest members die at a third of the bound, and come back */
    int late;  /* so many come only at half of the bound */
    int slow;  /* so many have a 16th of the uplink */
    int64_t latency_ns;
    int disk_fails;
    int factor_percent_max; /* last one done / bound */
    int host_percent_max;   /* what the host sent / the pool */
    int dup_permille_max;   /* of the blocks that were received */
};

static const struct scenario scenarios[] = {
    { "one member", .members = 1, .latency_ns = 5 * NS_PER_MS, .factor_percent_max = 104,
      .host_percent_max = 101, .dup_permille_max = 0 },
    { "eight members", .members = 8, .latency_ns = 5 * NS_PER_MS,
      .factor_percent_max = 130, .host_percent_max = 130, .dup_permille_max = 5 },
    { "far apart", .members = 8, .latency_ns = 50 * NS_PER_MS, .factor_percent_max = 130,
      .host_percent_max = 130, .dup_permille_max = 5 },
    { "three slow uplinks", .members = 8, .slow = 3, .latency_ns = 20 * NS_PER_MS,
      .factor_percent_max = 230, .host_percent_max = 210, .dup_permille_max = 20 },
    { "twenty members", .members = 20, .latency_ns = 5 * NS_PER_MS,
      .factor_percent_max = 150, .host_percent_max = 150, .dup_permille_max = 5 },
    { "liar, mute, garbler", .members = 8, .liars = 1, .mutes = 1, .garblers = 1,
      .latency_ns = 5 * NS_PER_MS, .factor_percent_max = 140, .host_percent_max = 140,
      .dup_permille_max = 20 },
    { "two die, two late", .members = 8, .kills = 2, .late = 2,
      .latency_ns = 5 * NS_PER_MS, .factor_percent_max = 130, .host_percent_max = 135,
      .dup_permille_max = 20 },
    { "all of it", .members = 8, .liars = 1, .mutes = 1, .garblers = 1, .kills = 2,
      .late = 1, .slow = 1, .latency_ns = 20 * NS_PER_MS, .disk_fails = 3,
      .factor_percent_max = 200, .host_percent_max = 160, .dup_permille_max = 20 },
};

static void prepare(struct world *w, const struct scenario *c, uint64_t seed)
{
    int others = c->liars + c->mutes + c->garblers;
    int64_t bound;

    world_init(w, 1 + c->members + others, 5, BLOCKS, seed);
    w->checks = 257;
    w->latency_ns = c->latency_ns;
    for (int i = 0; i < others; i++) {
        w->node[1 + c->members + i].conduct = i < c->liars              ? LIAR
                                              : i < c->liars + c->mutes ? MUTE
                                                                        : GARBLER;
    }
    for (int i = 0; i < c->slow; i++)
        w->node[1 + i].rate /= 16;
    if (c->disk_fails > 0)
        w->node[c->members].disk_fails = c->disk_fails;
    bound = world_bound_ns(w);
    for (int i = 0; i < w->nodes; i++) {
        bool is_late = i > 0 && i <= c->late;
        bool is_killed = i > c->late && i <= c->late + c->kills;

        world_push(w, (struct world_event){
                          .at_ns = is_late ? bound / 2 : 0, .kind = REVIVE, .node = i });
        if (!is_killed)
            continue;
        world_push(w, (struct world_event){
                          .at_ns = bound / 3 + i * NS_PER_MS, .kind = KILL, .node = i });
        world_push(w, (struct world_event){ .at_ns = bound / 2 + i * NS_PER_MS,
                                            .kind = REVIVE,
                                            .node = i });
    }
}

static const struct scenario *scenario;

static void run(uint64_t seed)
{
    const struct scenario *c = scenario;
    struct world w;
    int64_t bound;
    int64_t last = 0;
    int64_t head = 0;
    int64_t received = 0;
    int64_t duplicates = 0;
    int64_t wrong = 0;
    int64_t timeouts = 0;
    size_t lane = 0;
    int64_t pool;

    prepare(&w, c, seed);
    pool = (int64_t)w.bytes * w.songs;
    bound = world_bound_ns(&w);
    while (world_step(&w, 4 * bound + 20 * NS_PER_S)) {
    }
    for (int i = 1; i <= c->members; i++) {
        const struct world_node *n = &w.node[i];

        if (n->done_ns == 0)
            print_message("seed %d: member %d is not done\n", (int)seed, i);
        assert_true(n->done_ns > 0);
        last = n->done_ns > last ? n->done_ns : last;
        head = n->head_ns > head ? n->head_ns : head;
        received += n->swarm.stats.received;
        duplicates += n->swarm.stats.duplicates;
        wrong += n->swarm.stats.wrong;
        timeouts += n->swarm.stats.timeouts;
        lane = n->lane_peak > lane ? n->lane_peak : lane;
    }
    print_message("%-20s seed %d: %.2f s, bound %.2f (%.2f), head %.2f s; host %.2fx; "
                  "dup %d/%d wrong %d late %d; lane %d KiB; %d steps\n",
                  c->name, (int)seed, (double)last / 1e9, (double)bound / 1e9,
                  (double)last / (double)bound, (double)head / 1e9,
                  (double)w.node[0].sent / (double)pool, (int)duplicates, (int)received,
                  (int)wrong, (int)timeouts, (int)(lane / 1024), (int)w.steps);
    assert_true(last * 100 <= bound * c->factor_percent_max);
    assert_true(w.node[0].sent * 100 <= pool * c->host_percent_max);
    assert_true(lane <=
                66 * (BLOCK_SIZE + 64)); /* what one peer may ask for, and words */
    assert_true(duplicates * 1000 <= received * c->dup_permille_max);
    world_finish(&w);
}

/* Two runs from one seed are the same to the last message. */
static void test_is_deterministic(void **state)
{
    int64_t seen[2][4];

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct world w;

        prepare(&w, &scenarios[COUNT(scenarios) - 1], 5);
        while (world_step(&w, 5 * NS_PER_S)) {
        }
        seen[i][0] = w.steps;
        seen[i][1] = w.node[0].sent;
        seen[i][2] = w.order;
        seen[i][3] = (int64_t)(rng_next(&w.node[0].swarm.rng) >> 1);
        world_finish(&w);
    }
    assert_memory_equal(seen[0], seen[1], sizeof(seen[0]));
}

static void test_scenarios(void **state)
{
    const char *seeds = getenv("SEEDS");

    (void)state;
    for (int i = 0; i < COUNT(scenarios); i++) {
        scenario = &scenarios[i];
        for_each_seed(seeds != NULL ? atoi(seeds) : 2, run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_deterministic),
        cmocka_unit_test(test_scenarios),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
