/* What people write: values with units, the constants of the nodes by name, experiment
 * files and what is wrong with them.  SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <unistd.h>

#include "base/time.h"
#include "sim/knobs.h"
#include "sim/lab.h"
#include "sim/spec.h"
#include "sim/verbs.h"

static void test_values(void **state)
{
    static const struct {
        enum value_kind kind;
        const char *text;
        int64_t value;
        bool is_good;
    } rows[] = {
        { VALUE_INT, "12", 12, true },
        { VALUE_INT, "-3", -3, true },
        { VALUE_INT, "1.5", 0, false },
        { VALUE_INT, "", 0, false },
        { VALUE_INT, "922337203685477580", 922337203685477580, true },
        { VALUE_INT, "9223372036854775808", 0, false },
        { VALUE_TIME, "20ms", 20 * NS_PER_MS, true },
        { VALUE_TIME, "1.5s", 1500 * NS_PER_MS, true },
        { VALUE_TIME, "10min", 600 * NS_PER_S, true },
        { VALUE_TIME, "0", 0, true },
        { VALUE_TIME, "20", 0, false },
        { VALUE_TIME, "20 ms", 0, false },
        { VALUE_TIME, "0.5ns", 0, false },
        { VALUE_TIME, "never", INT64_MAX, true },
        { VALUE_TIME, "9999999999h", 0, false },
        { VALUE_SHARE, "0.5%", 5000, true },
        { VALUE_SHARE, "1", 0, false },
        { VALUE_BYTES, "4KiB", 4096, true },
        { VALUE_BYTES, "4KB", 0, false },
        { VALUE_RATE, "40Mbit", 40000000, true },
        { VALUE_BOOL, "yes", 1, true },
        { VALUE_BOOL, "off", 0, true },
        { VALUE_BOOL, "maybe", 0, false },
    };
    (void)state;

    for (int i = 0; i < COUNT(rows); i++) {
        const char *why = NULL;
        char text[VALUE_TEXT_MAX];
        int64_t value = 0;
        int64_t again = 0;
        bool is_good = value_parse(rows[i].kind, rows[i].text, &value, &why);

        if (is_good != rows[i].is_good || (is_good && value != rows[i].value))
            fail_msg("\"%s\" is %d, %lld", rows[i].text, is_good, (long long)value);
        assert_non_null(why);
        if (!is_good)
            continue;
        value_format(rows[i].kind, value, text);
        assert_true(value_parse(rows[i].kind, text, &again, &why));
        assert_int_equal(value, again);
    }
}

/* What is shown of a constant can be set, and setting one changes no other. */
static void test_knobs(void **state)
{
    struct node_params p = node_params_default();
    const char *why;
    (void)state;

    assert_true(knobs_count() > 200);
    for (int k = 0; k < knobs_count(); k++) {
        struct node_params own = p;
        char value[SPEC_VALUE_MAX];
        char other[SPEC_VALUE_MAX];

        assert_int_equal(knob_find(knob_name(k)), k);
        knob_get(&p, k, value);
        if (!knob_set(&own, k, value, &why))
            fail_msg("%s cannot be \"%s\": %s", knob_name(k), value, why);
        assert_memory_equal(&own, &p, sizeof(p));
        (void)knob_set(&own, k, knob_kind(k) == VALUE_BOOL ? "no" : "0", &why);
        for (int i = 0; i < knobs_count(); i++) {
            if (i == k)
                continue;
            knob_get(&p, i, value);
            knob_get(&own, i, other);
            assert_string_equal(value, other);
        }
    }
    assert_int_equal(knob_find("overlay.no_such_thing"), -1);
    assert_true(knob_find("overlay.active_max") >= 0);
    assert_true(knob_find("overlay.shuffle_period") >= 0);
}

static void test_errors(void **state)
{
    static const struct {
        const char *text;
        const char *why; /* in the message */
    } rows[] = {
        { "", "which experiment" },
        { "[experiment]\nnodes = 10\n", "which experiment" },
        { "nodes = 10\n", "f:1: " },
        { "[experiment]\nkind = reach\nnodes\n", "f:3: " },
        { "[experiment]\nkind = reach\nnodez = 10\n", "f:3: there is no \"nodez\"" },
        { "[experiment]\nnodes = ten\n", "f:2: nodes cannot be \"ten\"" },
        { "[experiment]\nnodes = 1\n", "from 2 to 4000000" },
        { "[experiment]\ngap = 20\n", "with its unit" },
        { "[experiment]\nseeds = 5..1\n", "range such as" },
        { "[nowhere]\n", "f:1: no such section" },
        { "[net\n", "no such section" },
        { "[net]\nloss = 60%\n", "f:2: net.loss cannot be \"60%\"" },
        { "[net]\nmodel = moon\n", "40ms, world" },
        { "[node]\noverlay.active_max = many\n", "overlay.active_max cannot be" },
        { "[vary]\nttl =\n", "at least one value" },
        { "[vary]\nttl = 3 x\n", "ttl cannot be \"x\"" },
        { "[experiment]\nlevels = 100%\n", "shares below 100%" },
        { "[experiment]\ncrypto = none\n", "auto, real or tags" },
    };
    (void)state;

    for (int i = 0; i < COUNT(rows); i++) {
        char why[SETUP_WHY_MAX] = "";
        struct spec s;

        spec_init(&s);
        if (spec_read_text(&s, "f", rows[i].text, why) ||
            strstr(why, rows[i].why) == NULL)
            fail_msg("of \"%s\" it says \"%s\"", rows[i].text, why);
    }
}

static const char good[] = "# all there is\n"
                           "[experiment]\n"
                           "  kind = reach   # which\n"
                           "seeds = 3..7\r\n"
                           "nodes = 50\n"
                           "\n"
                           "[net]\nloss = 1.5%\nlatency = 20ms\n"
                           "[node]\noverlay.active_max = 5\n"
                           "[vary]\nttl = 4, 6 8\nnet.jitter = 0 5ms";

static void test_file(void **state)
{
    char why[SETUP_WHY_MAX];
    struct spec s;
    struct setup *setup = calloc(1, sizeof(*setup));
    (void)state;

    spec_init(&s);
    if (!spec_read_text(&s, "f", good, why))
        fail_msg("%s", why);
    assert_string_equal(s.kind, "reach");
    assert_int_equal(s.first, 3);
    assert_int_equal(s.last, 7);
    assert_int_equal(spec_points(&s), 6);
    assert_string_equal(spec_value(&s, 0, 0), "4");
    assert_string_equal(spec_value(&s, 1, 1), "5ms");
    assert_string_equal(spec_value(&s, 5, 0), "8");
    setup_default(setup);
    assert_true(spec_apply(&s, 3, setup, why));
    assert_int_equal(setup->nodes, 50);
    assert_int_equal(setup->net.loss_ppm, 15000);
    assert_int_equal(setup->net.latency.median_ns, 20 * NS_PER_MS);
    assert_int_equal(setup->node.overlay.active_max, 5);
    assert_int_equal(setup->ttl, 6);
    assert_int_equal(setup->net.jitter_ns, 5 * NS_PER_MS);
    setup_finish(setup);
    free(setup);
}

static void test_written_is_read(void **state)
{
    char path[] = "/tmp/test_spec-XXXXXX";
    int fd = mkstemp(path);
    char why[SETUP_WHY_MAX];
    struct spec a;
    struct spec b;
    (void)state;

    spec_init(&a);
    spec_init(&b);
    assert_true(fd >= 0 && spec_read_text(&a, "f", good, why));
    assert_true(spec_write(&a, path));
    if (!spec_read(&b, path, why))
        fail_msg("%s", why);
    assert_true(spec_is_same(&a, &b));
    assert_int_equal(b.first, 3);
    assert_int_equal(b.last, 7);
    b.last = 9;
    assert_true(spec_is_same(&a, &b));
    assert_true(spec_set(&b, "nodes", "51", why));
    assert_false(spec_is_same(&a, &b));
    close(fd);
    unlink(path);
}

static void test_what_is_shown_can_be_set(void **state)
{
    struct setup *setup = calloc(1, sizeof(*setup));
    (void)state;

    for (int k = 0; k < lab_kind_count(); k++) {
        setup_default(setup);
        lab_kind_at(k)->defaults(setup);
        for (int i = 0; i < setup_count(); i++) {
            char text[SETUP_PATH_MAX];
            char why[SETUP_WHY_MAX];

            setup_get(setup, setup_name(i), text, sizeof(text));
            if (text[0] != '\0' && !setup_set(setup, setup_name(i), text, why))
                fail_msg("%s: %s", lab_kind_at(k)->name, why);
        }
        setup_finish(setup);
    }
    free(setup);
}

static void test_kinds_have_names_of_their_own(void **state)
{
    (void)state;

    for (int k = 0; k < lab_kind_count(); k++) {
        const char *name = lab_kind_at(k)->name;

        if (verb_is_own(name))
            fail_msg("%s is a verb of party-sim", name);
        assert_ptr_equal(lab_kind_find(name), lab_kind_at(k));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_knobs),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_written_is_read),
        cmocka_unit_test(test_kinds_have_names_of_their_own),
        cmocka_unit_test(test_what_is_shown_can_be_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
