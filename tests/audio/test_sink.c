/* Sinks: what their names mean, and the simulated card against the true clock.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <math.h>
#include <time.h>

#include "audio/capture.h"
#include "audio/sink.h"
#include "base/err.h"
#include "base/time.h"
#include "tests/audio/sound.h"

static int64_t raw_now(void *ctx)
{
    struct timespec t;

    (void)ctx;
    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static const struct sink_config config = { raw_now, NULL, 48000, NULL, NULL };

static void pause_ms(int ms)
{
    struct timespec t = { 0, ms * NS_PER_MS };

    nanosleep(&t, NULL);
}

static void test_names(void **state)
{
    static const struct {
        const char *spec;
        int err;
        const char *says;
    } rows[] = {
        { "none", ERR_NONE, "" },
        { "none:", ERR_NONE, "" },
        { "none:x", ERR_USAGE, "no argument" },
        { "", ERR_USAGE, "alsa:DEVICE" },
        { "jack", ERR_USAGE, "\"jack\"" },
        { "alsa", ERR_USAGE, "which device" },
        { "alsa:no_such_card", ERR_AUDIO, "aplay -L" },
        { "virtual", ERR_NONE, "" },
        { "virtual:", ERR_NONE, "" },
        { "virtual:ppm=-12.5,rate=44100,period=64,jitter_us=10,buffer_ms=100,seed=3",
          ERR_NONE, "" },
        { "virtual:ppm", ERR_USAGE, "\"ppm\"" },
        { "virtual:ppm=", ERR_USAGE, "ppm=" },
        { "virtual:ppm=1001", ERR_USAGE, "ppm=1001" },
        { "virtual:ppm=nan", ERR_USAGE, "ppm=nan" },
        { "virtual:rate=48000x", ERR_USAGE, "rate" },
        { "virtual:volume=11", ERR_USAGE, "volume=11" },
        { "virtual:capture=/no/such/folder/x", ERR_AUDIO, "No such file" },
        { "virtual:plug=/no/such/file", ERR_AUDIO, "plug it in" },
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        char message[200] = "";
        struct sink *s = NULL;
        int err = sink_open(&s, rows[i].spec, &config, message, sizeof(message));

        if (err != rows[i].err || strstr(message, rows[i].says) == NULL) {
            print_message("%s: %d \"%s\"\n", rows[i].spec, err, message);
        }
        assert_int_equal(err, rows[i].err);
        assert_non_null(strstr(message, rows[i].says));
        assert_null(strchr(message, '\n'));
        sink_close(s);
    }
}

static struct sink *open_virtual(const char *spec)
{
    char message[200];
    struct sink *s;

    assert_int_equal(sink_open(&s, spec, &config, message, sizeof(message)), 0);
    return s;
}

/* Frame k of this has the value k / 32768 on the left. */
static int write_ramp(struct sink *s, int from, int count)
{
    float block[2 * 480];
    int done = 0;

    while (done < count) {
        int n = count - done < 480 ? count - done : 480;
        int taken;

        for (int i = 0; i < n; i++) {
            block[2 * i] = (float)((from + done + i) % 30000) / 32768.0f;
            block[2 * i + 1] = 0;
        }
        taken = sink_write(s, block, n);
        if (taken <= 0) {
            return done;
        }
        done += taken;
    }
    return done;
}

static void test_virtual_card_keeps_its_own_time(void **state)
{
    static const double ppms[] = { 0, 500, -900 };

    (void)state;
    for (int i = 0; i < COUNT(ppms); i++) {
        char spec[100];
        struct sink *s;
        struct sink_status a;
        struct sink_status b;
        double frames;
        double want;

        snprintf(spec, sizeof(spec), "virtual:buffer_ms=1000,ppm=%g", ppms[i]);
        s = open_virtual(spec);
        assert_int_equal(sink_writable(s), 48000);
        assert_int_equal(write_ramp(s, 0, 50000), 48000);
        sink_status(s, &a);
        assert_int_equal(a.state, SINK_PREPARED);
        assert_int_equal(sink_start(s), 0);
        sink_status(s, &a);
        pause_ms(250);
        sink_status(s, &b);
        assert_true(a.has_position && b.has_position);
        frames = (double)(a.delay_frames - b.delay_frames);
        want = (double)(b.instant_ns - a.instant_ns) * 48e-6 * (1 + ppms[i] * 1e-6);
        assert_true(fabs(frames - want) < 1.5);
        sink_close(s);
    }
}

static void test_virtual_card_runs_dry_and_recovers(void **state)
{
    struct sink *s = open_virtual("virtual:buffer_ms=100");
    struct sink_status status;
    float one[2] = { 0, 0 };

    (void)state;
    write_ramp(s, 0, 480);
    assert_int_equal(sink_start(s), 0);
    pause_ms(30);
    sink_status(s, &status);
    assert_int_equal(status.state, SINK_UNDERRUN);
    assert_int_equal(sink_write(s, one, 1), ERR_AUDIO);
    assert_int_equal(sink_writable(s), 0);
    assert_int_equal(sink_recover(s), 0);
    assert_int_equal(sink_writable(s), 4800);
    assert_int_equal(write_ramp(s, 0, 4800), 4800);
    assert_int_equal(sink_start(s), 0);
    sink_status(s, &status);
    assert_int_equal(status.state, SINK_RUNNING);
    sink_close(s);
}

static void test_rewind_replaces_what_was_written(void **state)
{
    char folder[200];
    char spec[300];
    struct sink *s;
    struct capture c;
    int taken;

    (void)state;
    sound_make_folder(folder, sizeof(folder));
    snprintf(spec, sizeof(spec), "virtual:buffer_ms=200,capture=%s/c", folder);
    s = open_virtual(spec);
    write_ramp(s, 0, 9600);
    assert_int_equal(sink_start(s), 0);
    taken = sink_rewind(s, 4800);
    assert_int_equal(taken, 4800);
    assert_int_equal(write_ramp(s, 20000, 4800), 4800);
    pause_ms(230);
    sink_close(s);
    snprintf(spec, sizeof(spec), "%s/c", folder);
    assert_int_equal(capture_load(&c, spec), 0);
    assert_int_equal(c.frames, 9600);
    assert_true(fabsf(c.mono[4799] - 4799 / 65536.0f) < 1e-6f);
    assert_true(fabsf(c.mono[4800] - 20000 / 65536.0f) < 1e-6f);
    capture_finish(&c);
    sound_remove_folder(folder);
}

static void test_position_has_the_granularity_asked_for(void **state)
{
    struct sink *s = open_virtual("virtual:period=64,buffer_ms=500");

    (void)state;
    write_ramp(s, 0, 24000);
    assert_int_equal(sink_start(s), 0);
    for (int i = 0; i < 10; i++) {
        struct sink_status status;

        pause_ms(7);
        sink_status(s, &status);
        assert_int_equal((24000 - status.delay_frames) % 64, 0);
        assert_true(status.delay_frames < 24000);
    }
    sink_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_virtual_card_keeps_its_own_time),
        cmocka_unit_test(test_virtual_card_runs_dry_and_recovers),
        cmocka_unit_test(test_rewind_replaces_what_was_written),
        cmocka_unit_test(test_position_has_the_granularity_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
