/* Scripts of what goes wrong: read, written, made by a seed, run, made small; and those
 * that once found something.  SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <string.h>

#include "base/bytes.h"
#include "base/time.h"
#include "sim/child.h"
#include "sim/shrink.h"
#include "sim/storm.h"
#include "tests/check.h"

#define SCRIPTS "tests/sim/scripts"

static struct script script; /* too large for the stack of a test */
static struct script other;

static bool read_text(struct script *s, const char *text, char *why)
{
    FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    bool is_read;

    assert_non_null(file);
    is_read = script_read(s, file, why);
    fclose(file);
    return is_read;
}

static const char every_kind[] =
    "party-sim script 1\nseed = 5\nnodes = 5\nnet = wifi\nlength = 80s\n"
    "set party.lease = 5s\n"
    "at 0 drift nodes 1 by -40\nat 0 skew nodes 2\nat 30s start nodes 4\n"
    "at 8s loss nodes 1 by 10% for 5s\nat 8s duplicate nodes 1 by 10% for 5s\n"
    "at 8s reorder nodes 1 by 20ms for 5s\nat 8s spikes nodes 2 by 100ms for 5s\n"
    "at 8s slow nodes 3 by 50ms for 5s\nat 8s squeeze nodes 3 by 100kbit for 5s\n"
    "at 15s halves nodes 1,2 for 2s\nat 18s one-way nodes 1 for 2s\n"
    "at 20s isolate nodes 2 for 2s\nat 22s bridge nodes 0 by 1 for 2s\n"
    "at 24s pair nodes 1 by 2 for 2s\nat 26s flap nodes 3 by 500ms for 2s\n"
    "at 28s reset nodes 1\nat 28s rebind nodes 2\nat 33s pause nodes 1 for 1s\n"
    "at 34s stall nodes 1 by 100ms for 1s\nat 36s crash nodes 2 for 1s\n"
    "at 38s power nodes 3 for 1s\nat 40s wipe nodes 3 for 1s\n"
    "at 3s slow-disk nodes 1 by 100ms for 2s\nat 3s full-disk nodes 2 for 2s\n"
    "at 3s dead-disk nodes 3 for 2s\nat 3s rot nodes 0 by 20% for 2s\n"
    "at 46s mute nodes 2 for 2s\nat 40s clock-step nodes 1 by -1h for 10s\n"
    "at 1s lying-server nodes 0 by 10s for 20s\nat 1s deaf-servers nodes 1,2 for 20s\n"
    "at 50s calls nodes 1,2\nat 52s order nodes 0 by skip\n";

static void test_every_kind_happens(void **state)
{
    struct trial_options options = { .is_told = false };
    struct trial_outcome out;
    struct trial_outcome again;
    char why[SETUP_WHY_MAX] = "";

    (void)state;
    assert_true(read_text(&script, every_kind, why));
    trial_run(&script, &options, &out);
    assert_string_equal(out.what, "");
    for (int i = 0; i < SCRIPT_KINDS; i++)
        assert_int_equal(out.begun[i], 1);
    assert_true(out.members >= 4);
    trial_run(&script, &options, &again);
    assert_memory_equal(&out.hash, &again.hash, sizeof(out.hash));
}

/* Each kind alone changes the run. */
static void test_every_kind_matters(void **state)
{
    struct trial_options options = { .is_told = false };
    struct trial_outcome quiet;
    struct trial_outcome out;
    char why[SETUP_WHY_MAX] = "";

    (void)state;
    assert_true(read_text(&script, every_kind, why));
    script.set_count = 0;
    script.length_ns = 60 * NS_PER_S;
    other = script;
    other.count = 0;
    trial_run(&other, &options, &quiet);
    for (int i = 0; i < script.count; i++) {
        enum script_kind kind = script.entries[i].kind;

        /* Without constants of its own a world is not otherwise, and with time servers
         * nobody goes by the machine's clock. */
        if (kind == SCRIPT_SKEW || kind == SCRIPT_CLOCK_STEP)
            continue;
        other.count = 1;
        other.entries[0] = script.entries[i];
        trial_run(&other, &options, &out);
        if (memcmp(&out.hash, &quiet.hash, sizeof(out.hash)) == 0)
            fail_msg("%s changes nothing", script_about((int)kind)->name);
    }
}

static void test_written_and_read(void **state)
{
    struct storm_options o = { .kinds = (UINT64_C(1) << SCRIPT_KINDS) - 1 };
    char text[32768];
    char again[sizeof(text)];
    char why[SETUP_WHY_MAX] = "";
    FILE *file;

    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        storm_make(&script, seed, &o);
        file = fmemopen(text, sizeof(text), "w");
        script_write(&script, file);
        fclose(file);
        if (!read_text(&other, text, why))
            fail_msg("seed %llu: %s", (unsigned long long)seed, why);
        file = fmemopen(again, sizeof(again), "w");
        script_write(&other, file);
        fclose(file);
        assert_string_equal(text, again);
    }
}

static void test_complaints(void **state)
{
    static const struct {
        const char *text;
        const char *why;
    } list[] = {
        { "nodes = 5\n", "begins with" },
        { "party-sim script 1\nnodes = 99\n", "out of range" },
        { "party-sim script 1\nnet = moon\n", "no such network" },
        { "party-sim script 1\nset party.leese = 3s\n", "no constant" },
        { "party-sim script 1\nset party.lease\n", "it goes" },
        { "party-sim script 1\nat 3s frogs nodes 1\n", "nothing that can happen: frogs" },
        { "party-sim script 1\nat 3s loss nodes 1 by 10%\n", "lacks \"for\"" },
        { "party-sim script 1\nat 3s loss nodes 1 for 10s\n", "lacks \"by\"" },
        { "party-sim script 1\nat 3s loss by 1% for 10s\n", "lacks \"nodes\"" },
        { "party-sim script 1\nat 3s loss nodes 7 by 1% for 10s\n", "nodes are numbers" },
        { "party-sim script 1\nat 3s loss nodes 1 by 95% for 10s\n", "out of range" },
        { "party-sim script 1\nat 3s pause nodes 1 for 10h\n", "ends too late" },
        { "party-sim script 1\nat 3s reset nodes 1 for 1s\n", "no length" },
        { "party-sim script 1\nat 3s reset nodes 1 by 1s\n", "takes no" },
        { "party-sim script 1\nat 3s flap nodes 1,2 by 1s for 3s\n", "one node only" },
        { "party-sim script 1\nat 3s order nodes 1 by sing\n", "no such order" },
        { "party-sim script 1\nat 3s reset nodes\n", "ends too early" },
    };
    char why[SETUP_WHY_MAX] = "";

    (void)state;
    for (int i = 0; i < COUNT(list); i++) {
        assert_false(read_text(&script, list[i].text, why));
        if (strstr(why, list[i].why) == NULL)
            fail_msg("%s: says \"%s\"", list[i].text, why);
    }
}

/* The classic bully shows two hosts when the network is cut; of all that happens beside,
 * only that is left. */
static void test_made_small(void **state)
{
    static const char text[] =
        "party-sim script 1\nseed = 3\nnodes = 5\nnet = lan\nlength = 90s\n"
        "set party.is_classic = yes\nset party.lead_min = 600ms\n"
        "at 12s loss nodes 3 by 5% for 5s\nat 15s mute nodes 2 for 5s\n"
        "at 20s halves nodes 0,1 for 40s\nat 21s order nodes 0 by skip\n"
        "at 30s rot nodes 4 by 5% for 9s\n";
    struct trial_outcome out;
    struct child child;
    char why[SETUP_WHY_MAX] = "";

    (void)state;
    assert_true(read_text(&script, text, why));
    child_begin(&child, &script);
    child_end(&child, &out);
    assert_true(out.has_failed);
    shrink_script(&script, &out, 60 * NS_PER_S);
    assert_int_equal(script.count, 1);
    assert_int_equal(script.entries[0].kind, SCRIPT_HALVES);
    assert_int_equal(script.set_count, 1);
}

static void test_found_before(void **state)
{
    struct trial_options options = { .is_told = false };
    struct trial_outcome out;
    char why[SETUP_WHY_MAX] = "";
    struct dirent *d;
    DIR *dir = opendir(SCRIPTS);
    int count = 0;

    (void)state;
    assert_non_null(dir);
    while ((d = readdir(dir)) != NULL) {
        char path[300];
        FILE *file;

        if (strstr(d->d_name, ".script") == NULL)
            continue;
        (void)snprintf(path, sizeof(path), SCRIPTS "/%.200s", d->d_name);
        file = fopen(path, "r");
        assert_non_null(file);
        if (!script_read(&script, file, why))
            fail_msg("%s: %s", path, why);
        fclose(file);
        trial_run(&script, &options, &out);
        if (out.has_failed)
            fail_msg("%s: %s", path, out.what);
        count++;
    }
    closedir(dir);
    assert_true(count > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_happens),
        cmocka_unit_test(test_every_kind_matters),
        cmocka_unit_test(test_written_and_read),
        cmocka_unit_test(test_complaints),
        cmocka_unit_test(test_made_small),
        cmocka_unit_test(test_found_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
