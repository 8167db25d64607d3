/* The capture reader, and the measurement against captures whose truth is known.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <math.h>
#include <time.h>

#include "audio/capture.h"
#include "audio/card.h"
#include "audio/measure.h"
#include "audio/resample.h"
#include "tests/audio/sound.h"

#define SONGS  3
#define LENGTH 12 /* seconds of a song */
#define BLOCK  480
#define BEGIN  INT64_C(5000123456789)

static char folder[200];
static float *sounds[SONGS];
static const int rates[SONGS] = { 48000, 44100, 48000 };
static struct measure_song songs[SONGS];

static int set_up(void **state)
{
    (void)state;
    sound_make_folder(folder, sizeof(folder));
    for (int i = 0; i < SONGS; i++) {
        sounds[i] = sound_make((uint64_t)i + 50, rates[i], rates[i] * LENGTH);
        songs[i] = (struct measure_song){ sounds[i], rates[i] * LENGTH, rates[i] };
    }
    return 0;
}

static int clean_up(void **state)
{
    (void)state;
    for (int i = 0; i < SONGS; i++) {
        free(sounds[i]);
    }
    sound_remove_folder(folder);
    return 0;
}

/* ---- the reader ---- */

static size_t make_head(uint8_t *p, int rate, int64_t ppt)
{
    memset(p, 0, CAPTURE_HEAD_LEN);
    memcpy(p, "PARTYCAP", 8);
    card_store(p + 8, 1, 4);
    card_store(p + 12, (uint64_t)rate, 4);
    card_store(p + 16, (uint64_t)ppt, 8);
    return CAPTURE_HEAD_LEN;
}

static size_t add_record(uint8_t *p, size_t at, int64_t ns, int frames, uint32_t flags)
{
    card_store(p + at, (uint64_t)ns, 8);
    card_store(p + at + 8, (uint64_t)frames, 4);
    card_store(p + at + 12, flags, 4);
    for (int i = 0; i < frames; i++) {
        card_store(p + at + 16 + 4 * i, (uint16_t)(int16_t)(100 + i), 2);
        card_store(p + at + 18 + 4 * i, (uint16_t)(int16_t)(-50 - i), 2);
    }
    return at + 16 + 4 * (size_t)frames;
}

static void test_reader_joins_and_breaks(void **state)
{
    static uint8_t file[8000];
    struct capture c;
    double x;
    size_t len = make_head(file, 48000, 0);

    (void)state;
    len = add_record(file, len, 1000000000, 480, 1);
    len = add_record(file, len, 1010000000, 240, 0); /* goes on */
    len = add_record(file, len, 1100000000, 100, 1); /* after a break */
    assert_int_equal(capture_parse(&c, bytes_of(file, len)), 0);
    assert_int_equal(c.run_count, 2);
    assert_int_equal(c.breaks, 1);
    assert_int_equal(c.frames, 820);
    assert_int_equal(c.runs[0].frames, 720);
    assert_false(c.is_cut);
    assert_true(fabsf(c.mono[1] - (101 - 51) / 65536.0f) < 1e-9f);
    assert_int_equal(capture_at(&c, 1012500000, &x), 0);
    assert_true(fabs(x - 600) < 1e-3);
    assert_int_equal(capture_at(&c, 1050000000, &x), -1);
    assert_int_equal(capture_at(&c, 1101000000, &x), 1);
    assert_true(fabs(x - 48) < 1e-3);
    capture_finish(&c);
    /* Every cut is good up to there. */
    for (size_t cut = CAPTURE_HEAD_LEN; cut < len; cut++) {
        assert_int_equal(capture_parse(&c, bytes_of(file, cut)), 0);
        capture_finish(&c);
    }
}

static void test_reader_refuses(void **state)
{
    static uint8_t file[4000];
    struct capture c;
    size_t len;

    (void)state;
    make_head(file, 48000, 0);
    for (size_t cut = 0; cut < CAPTURE_HEAD_LEN; cut++) {
        assert_int_equal(capture_parse(&c, bytes_of(file, cut)), ERR_FORMAT);
    }
    file[0] = 'p';
    assert_int_equal(capture_parse(&c, bytes_of(file, CAPTURE_HEAD_LEN)), ERR_FORMAT);
    make_head(file, 0, 0);
    assert_int_equal(capture_parse(&c, bytes_of(file, CAPTURE_HEAD_LEN)), ERR_FORMAT);
    make_head(file, 48000, INT64_MIN);
    assert_int_equal(capture_parse(&c, bytes_of(file, CAPTURE_HEAD_LEN)), ERR_FORMAT);
    len = make_head(file, 48000, 0);
    len = add_record(file, len, 1000000000, 480, 1);
    len = add_record(file, len, 1005000000, 48, 1); /* before the first has ended */
    assert_int_equal(capture_parse(&c, bytes_of(file, len)), ERR_CORRUPT);
    len = add_record(file, make_head(file, 48000, 0), -5, 48, 1);
    assert_int_equal(capture_parse(&c, bytes_of(file, len)), ERR_CORRUPT);
    len = add_record(file, make_head(file, 48000, 0), 5, 48, 1);
    card_store(file + CAPTURE_HEAD_LEN + 8, 0xffffffff, 4);
    assert_int_equal(capture_parse(&c, bytes_of(file, len)), ERR_CORRUPT);
}

static void test_writer_goes_on_after_a_crash(void **state)
{
    char path[300];
    struct card card;
    struct capture c;
    int64_t now = card_true_ns() - NS_PER_S;

    (void)state;
    snprintf(path, sizeof(path), "%s/crash", folder);
    assert_true(card_open(&card, path, 48000, 1000000));
    card_start(&card, now);
    for (int i = 0; i < 6000; i++) {
        card_play(&card, 1, 1);
    }
    close(card.fd); /* killed: what was buffered is lost */
    {
        FILE *f = fopen(path, "ab");

        fwrite("half a record", 1, 13, f);
        fclose(f);
    }
    assert_true(card_open(&card, path, 48000, 1000000));
    card_start(&card, now + NS_PER_S / 2);
    for (int i = 0; i < 100; i++) {
        card_play(&card, 1, 1);
    }
    card_close(&card);
    assert_int_equal(capture_load(&c, path), 0);
    assert_int_equal(c.run_count, 2);
    assert_int_equal(c.frames, CARD_RECORD_FRAMES + 100);
    assert_int_equal(c.breaks, 1);
    capture_finish(&c);
    /* Another card's file is not gone on with. */
    assert_true(card_open(&card, path, 44100, 1000000));
    card_close(&card);
    assert_int_equal(capture_load(&c, path), 0);
    assert_int_equal(c.frames, 0);
    capture_finish(&c);
}

/* ---- the measurement ---- */

/* What a made-up card plays: a stretch of a song, or silence (song -1). */
struct part {
    double from_s; /* after BEGIN */
    int song;
    double position_s; /* in the song, at from_s */
};

static int fetch_sound(void *ctx, int64_t frame, int count, float *to)
{
    const struct measure_song *s = ctx;

    for (int i = 0; i < count; i++) {
        bool is_in = frame + i >= 0 && frame + i < s->count;

        to[2 * i] = is_in ? s->frames[2 * (frame + i)] : 0;
        to[2 * i + 1] = is_in ? s->frames[2 * (frame + i) + 1] : 0;
    }
    return count;
}

static void play_part(struct card *card, const struct part *p, double until_s,
                      double late_us, float gain)
{
    double true_rate = card->rate * (1 + (double)card->rate_ppt * 1e-12);
    int64_t from = (int64_t)ceil(p->from_s * true_rate);
    int64_t count = (int64_t)ceil(until_s * true_rate) - from;
    struct resample *r;
    float out[2 * BLOCK];

    if (p->song < 0) {
        for (int64_t i = 0; i < count; i++) {
            card_play(card, 0, 0);
        }
        return;
    }
    {
        struct measure_song *s = &songs[p->song];
        struct resample_source source = { fetch_sound, s };
        double at_s = p->position_s + (double)from / true_rate - p->from_s -
                      late_us * 1e-6;

        assert_int_equal(resample_create(&r, RESAMPLE_MEDIUM), 0);
        resample_start(r, at_s * s->rate);
        for (int64_t done = 0; done < count; done += BLOCK) {
            int n = count - done < BLOCK ? (int)(count - done) : BLOCK;

            assert_int_equal(resample_run(r, &source, s->rate / true_rate, out, n), n);
            for (int i = 0; i < n; i++) {
                card_play(card, (int16_t)lrintf(out[2 * i] * gain * 32767),
                          (int16_t)lrintf(out[2 * i + 1] * gain * 32767));
            }
        }
        resample_destroy(r);
    }
}

static struct capture make_capture(int number, int rate, double ppm, double late_us,
                                   float gain, const struct part *parts, int count,
                                   double end_s)
{
    char path[300];
    struct card card;
    struct capture c;

    snprintf(path, sizeof(path), "%s/made%d", folder, number);
    unlink(path);
    assert_true(card_open(&card, path, rate, (int64_t)(ppm * 1e6)));
    card_start(&card, BEGIN);
    for (int i = 0; i < count; i++) {
        play_part(&card, &parts[i], i + 1 < count ? parts[i + 1].from_s : end_s, late_us,
                  gain);
    }
    card_close(&card);
    assert_int_equal(capture_load(&c, path), 0);
    return c;
}

static double between_us(const struct measure *m, int a, int b)
{
    return m->pairs[a * m->cards + b].p50_us;
}

static void test_known_distances_are_found(void **state)
{
    static const struct part one[] = { { 0, -1, 0 }, { 0.35, 0, 2.0 } };
    static const struct part other[] = { { 0, -1, 0 }, { 0.35, 1, 4.0 } };
    static const struct {
        int rate;
        double ppm;
        double late_us;
        float gain;
    } cards[] = { { 48000, 0, 0, 1 },
                  { 48000, 60, 37.3, 0.5f },
                  { 48000, -250, -120.7, 1 },
                  { 44100, 15, 3500, 0.1f } };

    (void)state;
    for (int song = 0; song < 2; song++) {
        struct capture c[COUNT(cards)];
        struct measure *m;

        for (int i = 0; i < COUNT(cards); i++) {
            c[i] = make_capture(i, cards[i].rate, cards[i].ppm, cards[i].late_us,
                                cards[i].gain, song == 0 ? one : other, 2, 3.0);
        }
        assert_int_equal(measure_create(&m, c, COUNT(cards), songs, SONGS), 0);
        for (int a = 0; a < COUNT(cards); a++) {
            for (int b = a + 1; b < COUNT(cards); b++) {
                const struct measure_spread *s = &m->pairs[a * m->cards + b];
                double want = fabs(cards[a].late_us - cards[b].late_us);

                print_message(
                    "song %d, %d-%d: want %.1f, p50 %.3f p99 %.3f max %.3f us\n", song, a,
                    b, want, s->p50_us, s->p99_us, s->max_us);
                assert_true(s->windows >= 22);
                assert_true(fabs(s->p50_us - want) < 1);
                assert_true(fabs(s->max_us - want) < 1);
            }
        }
        assert_int_equal(m->all.mismatches, 0);
        assert_int_equal(m->all.lone, 0);
        assert_true(m->played_s[0] > 2.4 && m->played_s[0] < 2.8);
        measure_destroy(m);
        for (int i = 0; i < COUNT(cards); i++) {
            capture_finish(&c[i]);
        }
    }
}

/* A skip, a pause and a seek, at the same instants on both. */
static void test_timeline_and_actions(void **state)
{
    static const struct part parts[] = { { 0, 0, 1.0 },
                                         { 1.03, 1, 0.5 },
                                         { 2.0, -1, 0 },
                                         { 2.77, 1, 1.47 },
                                         { 3.5, 1, 7.0 } };
    struct capture c[2];
    struct measure *m;
    const struct measure_point *p;

    (void)state;
    c[0] = make_capture(0, 48000, 50, 0, 1, parts, COUNT(parts), 4.5);
    c[1] = make_capture(1, 48000, -50, 20, 1, parts, COUNT(parts), 4.5);
    assert_int_equal(measure_create(&m, c, 2, songs, SONGS), 0);
    assert_true(fabs(between_us(m, 0, 1) - 20) < 1);
    assert_true(m->all.max_us < 21);
    assert_true(m->all.windows > 25);
    assert_int_equal(m->all.mismatches, 0);
    assert_int_equal(m->all.lone, 0);
    assert_int_equal(m->jumps[0], 3);
    p = measure_at(m, 0, BEGIN + 1500 * NS_PER_MS);
    assert_int_equal(p->state, MEASURE_MUSIC);
    assert_int_equal(p->song, 1);
    p = measure_at(m, 1, BEGIN + 2400 * NS_PER_MS);
    assert_int_equal(p->state, MEASURE_SILENT);
    assert_true(p->is_clean);
    p = measure_at(m, 1, BEGIN + 4000 * NS_PER_MS);
    {
        int64_t k = p - &m->at[m->points];
        double at_s = (double)(m->first_ns + k * MEASURE_GRID_NS - BEGIN) / 1e9;

        assert_int_equal(p->song, 1);
        assert_true(fabs(p->frame / 44100 - (at_s - 3.5 + 7.0)) < 25e-6);
    }
    assert_null(measure_at(m, 0, BEGIN - NS_PER_S));
    assert_null(measure_at(m, 0, BEGIN + 60 * NS_PER_S));
    measure_destroy(m);
    capture_finish(&c[0]);
    capture_finish(&c[1]);
}

/* Right after an action one card may be a moment later than another: that is no fault. */
static void test_windows_beside_an_action_are_left_out(void **state)
{
    static const struct part early[] = { { 0, 0, 1.0 }, { 1.0115, 1, 3.0 } };
    static const struct part late[] = { { 0, 0, 1.0 }, { 1.1415, 1, 3.13 } };
    struct capture c[2];
    struct measure *m;

    (void)state;
    c[0] = make_capture(0, 48000, 0, 0, 1, early, 2, 2.0);
    c[1] = make_capture(1, 48000, 0, 0, 1, late, 2, 2.0);
    assert_int_equal(measure_create(&m, c, 2, songs, SONGS), 0);
    assert_int_equal(m->all.mismatches, 0);
    assert_true(m->all.windows >= 12);
    assert_true(m->all.max_us < 1);
    measure_destroy(m);
    capture_finish(&c[0]);
    capture_finish(&c[1]);
}

static void test_faults_are_counted(void **state)
{
    static const struct part right[] = { { 0, 0, 1.0 } };
    static const struct part wrong[] = { { 0, 0, 1.0 }, { 1.0, 2, 3.0 }, { 2.0, -1, 0 } };
    static const struct part away[] = { { 0, 0, 1.0 }, { 1.0, 0, 2.05 } };
    struct capture c[3];
    struct measure *m;

    (void)state;
    c[0] = make_capture(0, 48000, 0, 0, 1, right, 1, 3.0);
    c[1] = make_capture(1, 48000, 0, 0, 1, wrong, 3, 3.0);
    c[2] = make_capture(2, 48000, 0, 0, 1, away, 2, 3.0);
    assert_int_equal(measure_create(&m, c, 3, songs, SONGS), 0);
    assert_true(m->pairs[1].mismatches >= 6);          /* another song */
    assert_true(m->pairs[1].lone >= 6);                /* silent alone */
    assert_true(fabs(m->pairs[2].max_us - 50000) < 5); /* 50 ms ahead */
    assert_true(m->pairs[2].p50_us > 49000);
    assert_int_equal(m->pairs[2].mismatches, 0);
    assert_int_equal(m->jumps[0], 0);
    assert_int_equal(m->jumps[2], 1);
    measure_destroy(m);
    for (int i = 0; i < 3; i++) {
        capture_finish(&c[i]);
    }
}

static void test_noise_is_unknown(void **state)
{
    char path[300];
    struct card card;
    struct capture c;
    struct measure *m;
    struct rng r;

    (void)state;
    rng_seed(&r, 1);
    snprintf(path, sizeof(path), "%s/noise", folder);
    assert_true(card_open(&card, path, 48000, 0));
    card_start(&card, BEGIN);
    for (int i = 0; i < 96000; i++) {
        card_play(&card, (int16_t)rng_below(&r, 20000), (int16_t)rng_below(&r, 20000));
    }
    card_close(&card);
    assert_int_equal(capture_load(&c, path), 0);
    assert_int_equal(measure_create(&m, &c, 1, songs, SONGS), 0);
    for (int64_t k = 1; k + 1 < m->points; k++) {
        assert_int_equal(m->at[k].state, MEASURE_UNKNOWN);
    }
    assert_true(m->played_s[0] == 0);
    measure_destroy(m);
    capture_finish(&c);
}

static void test_nothing_is_no_crash(void **state)
{
    struct capture none = { .rate = 48000 };
    struct measure *m;

    (void)state;
    assert_int_equal(measure_create(&m, &none, 1, songs, SONGS), 0);
    assert_int_equal(m->all.windows, 0);
    measure_destroy(m);
    assert_int_equal(measure_create(&m, &none, 0, songs, SONGS), ERR_USAGE);
    assert_int_equal(measure_create(&m, &none, 1, songs, 0), ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader_joins_and_breaks),
        cmocka_unit_test(test_reader_refuses),
        cmocka_unit_test(test_writer_goes_on_after_a_crash),
        cmocka_unit_test(test_known_distances_are_found),
        cmocka_unit_test(test_timeline_and_actions),
        cmocka_unit_test(test_windows_beside_an_action_are_left_out),
        cmocka_unit_test(test_faults_are_counted),
        cmocka_unit_test(test_noise_is_unknown),
        cmocka_unit_test(test_nothing_is_no_crash),
    };

    return cmocka_run_group_tests(tests, set_up, clean_up);
}
