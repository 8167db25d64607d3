/* What is kept of how the outputs are used.  SPDX-License-Identifier: MIT */
#include "tests/daemon/temp.h"

#include "daemon/outputs.h"

static void put_file(const struct temp *t, const char *text)
{
    char path[300];
    FILE *f;

    snprintf(path, sizeof(path), "%s/outputs", t->dir);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void test_without_a_file_nothing_is_late(void **state)
{
    const struct temp *t = *state;
    struct outputs o;
    char message[400];

    assert_int_equal(outputs_load(&o, t->dir, message, sizeof(message)), 0);
    assert_int_equal(o.volume, 100);
    assert_int_equal(outputs_latency_us(&o, "alsa:default", 48000), 0);
}

static void test_what_is_saved_comes_back(void **state)
{
    const struct temp *t = *state;
    struct outputs o;
    struct outputs back;
    char message[400];

    outputs_init(&o);
    o.volume = 35;
    assert_int_equal(outputs_set_latency(&o, "alsa:hw:1,0", 48000, 12500), 0);
    assert_int_equal(outputs_set_latency(&o, "alsa:hw:1,0", 44100, -300), 0);
    assert_int_equal(outputs_set_latency(&o, "alsa:a name with spaces", 48000, 7), 0);
    assert_int_equal(outputs_save(&o, t->dir), 0);
    assert_int_equal(outputs_load(&back, t->dir, message, sizeof(message)), 0);
    assert_int_equal(back.volume, 35);
    assert_int_equal(outputs_latency_us(&back, "alsa:hw:1,0", 48000), 12500);
    assert_int_equal(outputs_latency_us(&back, "alsa:hw:1,0", 44100), -300);
    assert_int_equal(outputs_latency_us(&back, "alsa:a name with spaces", 48000), 7);
    assert_int_equal(outputs_latency_us(&back, "alsa:hw:1", 48000), 0);
}

static void test_set_again_is_set_anew_and_the_oldest_goes(void **state)
{
    struct outputs o;
    char name[20];

    (void)state;
    outputs_init(&o);
    for (int i = 0; i < OUTPUTS_MAX + 3; i++) {
        snprintf(name, sizeof(name), "card%d", i);
        assert_int_equal(outputs_set_latency(&o, "kept", 48000, i), 0);
        assert_int_equal(outputs_set_latency(&o, name, 48000, 1), 0);
    }
    assert_int_equal(o.count, OUTPUTS_MAX);
    assert_int_equal(outputs_latency_us(&o, "kept", 48000), OUTPUTS_MAX + 2);
    assert_int_equal(outputs_latency_us(&o, "card0", 48000), 0);
    assert_int_equal(outputs_latency_us(&o, name, 48000), 1);
}

static void test_bad_files_are_told(void **state)
{
    static const char *const files[] = {
        "volume 101\n",
        "volume -1\n",
        "volume 50 loud\n",
        "latency_us 1 48000\n",
        "latency_us 2000001 48000 card\n",
        "latency_us 5 0 card\n",
        "latency 5 48000 card\n",
        "volume 3\n\1\2\3\n",
    };
    const struct temp *t = *state;
    struct outputs o;
    char message[400];

    for (int i = 0; i < COUNT(files); i++) {
        print_message("%s", files[i]);
        put_file(t, files[i]);
        assert_int_equal(outputs_load(&o, t->dir, message, sizeof(message)), ERR_FORMAT);
        assert_non_null(strstr(message, "line "));
        assert_int_equal(o.volume, 100);
        assert_int_equal(o.count, 0);
    }
}

static void test_out_of_range_is_refused(void **state)
{
    struct outputs o;
    char name[OUTPUTS_DEVICE_MAX + 2];

    (void)state;
    outputs_init(&o);
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(outputs_set_latency(&o, name, 48000, 1), ERR_LIMIT);
    name[sizeof(name) - 2] = '\0';
    assert_int_equal(outputs_set_latency(&o, name, 48000, 1), 0);
    assert_int_equal(outputs_set_latency(&o, "a\nvolume 0", 48000, 1), ERR_LIMIT);
    assert_int_equal(outputs_set_latency(&o, "a", 48000, 2000001), ERR_LIMIT);
    assert_int_equal(o.count, 1);
}

#define WITH_TEMP(f) cmocka_unit_test_setup_teardown(f, temp_setup, temp_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TEMP(test_without_a_file_nothing_is_late),
        WITH_TEMP(test_what_is_saved_comes_back),
        cmocka_unit_test(test_set_again_is_set_anew_and_the_oldest_goes),
        WITH_TEMP(test_bad_files_are_told),
        cmocka_unit_test(test_out_of_range_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
