/* The measures of graphs whose measures are known.  SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "sim/graph.h"

static void make(struct graph *g, int count)
{
    graph_init(g, count);
    for (int i = 0; i < count; i++)
        graph_add_vertex(g, i);
}

static void test_ring(void **state)
{
    struct graph_facts f;
    struct graph g;

    (void)state;
    make(&g, 10);
    for (int i = 0; i < 10; i++) {
        assert_true(graph_add_edge(&g, i, (i + 1) % 10));
        assert_true(graph_add_edge(&g, (i + 1) % 10, i)); /* the same */
    }
    graph_measure(&g, 10, &f);
    assert_int_equal(f.vertices, 10);
    assert_int_equal(f.edges, 10);
    assert_int_equal(f.degree_min, 2);
    assert_int_equal(f.degree_max, 2);
    assert_int_equal(f.components, 1);
    assert_int_equal(f.clustering_ppb, 0);
    assert_int_equal(f.path_max, 5);
    assert_int_equal(f.path_micro, 25 * 1000000 / 9); /* 2 (1+2+3+4) + 5 over 9 */
    graph_finish(&g);
}

static void test_clique_and_islands(void **state)
{
    struct graph_facts f;
    struct graph g;

    (void)state;
    graph_init(&g, 9); /* a clique of 5, a pair, one alone, one down */
    for (int i = 0; i < 8; i++)
        graph_add_vertex(&g, i);
    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < i; k++)
            assert_true(graph_add_edge(&g, i, k));
    }
    assert_true(graph_add_edge(&g, 5, 6));
    graph_measure(&g, 100, &f);
    assert_int_equal(f.vertices, 8);
    assert_int_equal(f.components, 3);
    assert_int_equal(f.largest, 5);
    assert_int_equal(f.degree_min, 0);
    assert_int_equal(f.degree_max, 4);
    assert_int_equal(f.clustering_ppb, INT64_C(1000000000) * 5 / 8);
    assert_int_equal(f.path_micro, 1000000);
    graph_finish(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ring),
        cmocka_unit_test(test_clique_and_islands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
