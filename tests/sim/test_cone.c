/* What led to a step: found backwards, told as text, drawn.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "sim/chart.h"
#include "tests/check.h"

static struct script script = {
    .seed = 3,
    .nodes = 3,
    .net = "lan",
    .length_ns = 60 * NS_PER_S,
    .count = 2,
    .entries = { { .at_ns = 20 * NS_PER_S, .kind = SCRIPT_ORDER, .nodes = 1 },
                 { .at_ns = 10 * NS_PER_S,
                   .for_ns = 15 * NS_PER_S,
                   .kind = SCRIPT_LOSS,
                   .nodes = 4,
                   .by = 10000 } },
};

/* Node 0 gives its party away; what is known of the run until then and for a while. */
static void run(struct cone *c, struct trial_outcome *out)
{
    struct trial_options options = { .cone = c };

    while (strcmp(script_verb((int)script.entries[0].by), "handover") != 0)
        script.entries[0].by++;
    cone_init(c);
    trial_run(&script, &options, out);
    assert_false(out->has_failed);
}

/* The step of a node in which it began to lead. */
static int takeover(const struct cone *c)
{
    for (int i = 0; i < c->count; i++) {
        if (c->steps[i].state.epoch == 2 && c->steps[i].state.is_acting)
            return i;
    }
    return -1;
}

static void test_causes_come_before(void **state)
{
    struct trial_outcome out;
    struct cone c;

    (void)state;
    run(&c, &out);
    for (int i = 0; i < c.count; i++) {
        const struct cone_step *s = &c.steps[i];

        assert_true(s->cause < i && s->before < i && s->changed < i);
        if (s->type != 0) /* a message has a sender, who is somebody else */
            assert_true(s->cause >= 0 && c.steps[s->cause].node != s->node);
        if (s->cause >= 0)
            assert_true(c.steps[s->cause].at_ns <= s->at_ns);
    }
    cone_finish(&c);
}

static bool has(const struct cone *c, const int *steps, int count, const char *what)
{
    char text[SCRIPT_LINE_MAX];

    for (int i = 0; i < count; i++) {
        cone_what(c, steps[i], text);
        if (strcmp(text, what) == 0)
            return true;
    }
    return false;
}

/* The user's word, the host's message and the grants: all that made the new host. */
static void test_what_makes_a_host(void **state)
{
    static const char *const wanted[] = {
        "start", "the user says host", "the user says handover", "HANDOVER", "CLAIM",
        "GRANT", "PARTY_WELCOME"
    };
    struct trial_outcome out;
    int steps[CONE_STEPS_MAX];
    struct cone c;
    int count;
    int end;

    (void)state;
    run(&c, &out);
    end = takeover(&c);
    assert_true(end >= 0);
    c.nodes[c.steps[end].node].last = end;
    count = cone_of(&c, c.steps[end].node, CONE_STEPS_MAX, steps);
    assert_int_equal(steps[count - 1], end);
    for (int i = 1; i < count; i++)
        assert_true(steps[i - 1] < steps[i]);
    for (int i = 0; i < COUNT(wanted); i++) {
        if (!has(&c, steps, count, wanted[i]))
            fail_msg("no %s among %d steps", wanted[i], count);
    }
    assert_false(has(&c, steps, count, "PING"));
    assert_int_equal(cone_of(&c, c.steps[end].node, 5, steps), 5);
    assert_int_equal(steps[4], end); /* the last ones */
    cone_finish(&c);
}

static void test_the_picture(void **state)
{
    struct trial_outcome out;
    int steps[CONE_STEPS_MAX];
    static char svg[1 << 18];
    FILE *file = fmemopen(svg, sizeof(svg), "w");
    struct cone c;
    int count;

    (void)state;
    assert_non_null(file);
    run(&c, &out);
    count = cone_of(&c, takeover(&c) < 0 ? -1 : c.steps[takeover(&c)].node, 40, steps);
    out.has_failed = true;
    (void)snprintf(out.what, sizeof(out.what), "a < b & c");
    chart_write(file, &c, steps, count, &script, &out);
    fclose(file);
    assert_non_null(strstr(svg, "<svg "));
    assert_non_null(strstr(svg, "</svg>"));
    assert_non_null(strstr(svg, ">HANDOVER<"));
    assert_non_null(strstr(svg, ">loss<"));
    assert_non_null(strstr(svg, "a &#60; b &#38; c"));
    assert_null(strstr(svg, "a < b"));
    cone_finish(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_causes_come_before),
        cmocka_unit_test(test_what_makes_a_host),
        cmocka_unit_test(test_the_picture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
