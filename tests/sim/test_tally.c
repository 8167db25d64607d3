/* What many seeds came to: added up, kept in a file, gone on with.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "sim/tally.h"
#include "tests/check.h"

static struct script script; /* too large for the stack of a test */

static void add(struct tally *t, uint64_t seed, bool has_failed)
{
    struct trial_outcome out = { .has_failed = has_failed, .elections = 2, .members = 3 };

    out.begun[SCRIPT_ROT] = 5;
    out.at_ns = 7 * NS_PER_S;
    script.seed = seed;
    script.length_ns = 60 * NS_PER_S;
    tally_add(t, &script, &out);
    t->next = seed + 1;
}

static void test_kept_in_a_file(void **state)
{
    char path[] = "/tmp/test_tally.XXXXXX";
    struct tally t = { .storm = { .kinds = UINT64_C(1) << SCRIPT_ROT, .nodes = 4 } };
    struct tally again = { .storm = t.storm };
    char why[SETUP_WHY_MAX] = "";
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    add(&t, 4000000000, true);
    add(&t, 4000000001, false);
    t.wall_ms = 1500;
    assert_true(tally_write(&t, path));
    assert_true(tally_read(&again, path, why));
    assert_int_equal(again.next, 4000000002);
    assert_int_equal(again.seeds, 2);
    assert_int_equal(again.failed, 1);
    assert_int_equal(again.elections, 4);
    assert_int_equal(again.members, 6);
    assert_int_equal(again.begun[SCRIPT_ROT], 10);
    assert_int_equal(again.wall_ms, 1500);
    assert_int_equal(again.party_s, 720);
    assert_int_equal(again.failures.row_count, 1);
    assert_true(again.failures.rows[0].x == 4e9);
    add(&again, 4000000002, true);
    assert_int_equal(again.failures.row_count, 2);
    tally_finish(&t);
    tally_finish(&again);
    unlink(path);
}

static void test_what_is_refused(void **state)
{
    char path[] = "/tmp/test_tally.XXXXXX";
    struct tally t = { .storm = { .kinds = 1 } };
    struct tally other = { .storm = { .kinds = 3 } };
    char why[SETUP_WHY_MAX] = "";
    int fd = mkstemp(path);

    (void)state;
    assert_true(write(fd, "nonsense\n", 9) == 9);
    close(fd);
    assert_false(tally_read(&t, path, why));
    assert_non_null(strstr(why, "not by party-sim swarm"));
    assert_true(tally_write(&t, path));
    assert_false(tally_read(&other, path, why));
    assert_non_null(strstr(why, "other options"));
    unlink(path);
    assert_true(tally_read(&t, path, why)); /* none yet */
    assert_int_equal(t.seeds, 0);
    assert_false(tally_write(&t, "/nowhere/at/all"));
}

static void test_silent_kinds(void **state)
{
    struct tally t = { .storm = { .kinds = 3 } };

    (void)state;
    assert_int_equal(tally_silent_kinds(&t), 2);
    t.begun[1] = 1;
    t.begun[5] = 1;
    assert_int_equal(tally_silent_kinds(&t), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept_in_a_file),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_silent_kinds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
