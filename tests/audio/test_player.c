/* The player, whole: several cards with crystals of their own, one of them on a local
 * clock that is wrong, carry out one plan; their captures are compared.  Takes real
 * seconds. SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <time.h>

#include "audio/capture.h"
#include "audio/flac.h"
#include "audio/measure.h"
#include "audio/player.h"
#include "base/time.h"
#include "tests/audio/sound.h"

#define CARDS  6
#define SONGS  2
#define LENGTH 15 /* of a song, s */
#define EPOCH  INT64_C(1764000000000000000)
#define LATE   3 /* card that joins in the middle */
#define CUT    4 /* card that runs dry once */
#define PLUG   5 /* card that is unplugged for a moment */

/* A local clock that runs wrong, and the truth. */
struct local_clock {
    int64_t offset_ns;
    int64_t error_ppb;
    int64_t origin_ns;
};

struct card {
    struct local_clock clock;
    struct player *player;
    char capture[300];
    char spec[1000];
};

static char folder[200];
static char plug[300];
static char *paths[SONGS];
static float *sounds[SONGS];
static const int rates[SONGS] = { 44100, 48000 };
static struct card cards[CARDS];
static struct card border; /* plays the end of one song and the begin of the next */
static struct capture border_capture;
static struct measure *measured;
static int breaks[CARDS];
static int64_t resyncs[CARDS];
static int64_t losses[CARDS];
static int64_t late_starts[CARDS];
static int64_t t0; /* true time of the first start */

static int64_t true_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int64_t local_now(void *ctx)
{
    const struct local_clock *c = ctx;
    int64_t d = true_now() - c->origin_ns;

    return c->origin_ns + c->offset_ns + d + mul_div(d, c->error_ppb, NS_PER_S);
}

static struct clock_line line_of(const struct local_clock *c)
{
    return (struct clock_line){
        .local_ns = c->origin_ns + c->offset_ns,
        .remote_ns = EPOCH,
        .rate_ppt = -mul_div(c->error_ppb * 1000, NS_PER_S, NS_PER_S + c->error_ppb),
        .is_valid = true,
    };
}

static int64_t to_party(int64_t true_ns)
{
    return EPOCH + true_ns - cards[0].clock.origin_ns;
}

static struct song_id song(int i)
{
    struct song_id id = { { (uint8_t)(i + 1) } };

    return id;
}

static int open_song(void *ctx, const struct song_id *id, struct byte_stream *s)
{
    char message[200];

    (void)ctx;
    if (id->b[0] < 1 || id->b[0] > SONGS) {
        return ERR_NOT_FOUND;
    }
    return byte_stream_open_file(s, paths[id->b[0] - 1], message, sizeof(message));
}

static void sleep_until(int64_t true_ns)
{
    while (true_now() < true_ns) {
        struct timespec t = { 0, 5 * NS_PER_MS };

        nanosleep(&t, NULL);
    }
}

static void make_plug(void)
{
    FILE *f;

    snprintf(plug, sizeof(plug), "%s/plug", folder);
    f = fopen(plug, "w");
    assert_non_null(f);
    fclose(f);
}

static void start(struct card *c, int i, const char *options, int64_t offset_ns,
                  int64_t error_ppb)
{
    char message[200] = "";
    struct player_config config = {
        .sink = c->spec, .now = local_now, .now_ctx = &c->clock, .open_song = open_song
    };
    struct clock_line line;

    c->clock = (struct local_clock){ offset_ns, error_ppb, cards[0].clock.origin_ns };
    snprintf(c->capture, sizeof(c->capture), "%s/card%d", folder, i);
    snprintf(c->spec, sizeof(c->spec), "virtual:buffer_ms=400,%s,capture=%s/card%d",
             options, folder, i);
    line = line_of(&c->clock);
    assert_int_equal(player_create(&c->player, &config, message, sizeof(message)), 0);
    player_set_clock(c->player, &line);
}

static void start_card(int i, const char *options, int64_t offset_ns, int64_t error_ppb)
{
    start(&cards[i], i, options, offset_ns, error_ppb);
}

static void add(struct audio_plan *p, int64_t true_ns, int which, int64_t frame,
                bool plays)
{
    p->segments[p->count++] = (struct audio_segment){ to_party(true_ns), song(which),
                                                      frame, plays };
    p->version++;
}

static void set_plan(const struct audio_plan *p)
{
    for (int i = 0; i < CARDS; i++) {
        if (cards[i].player != NULL) {
            assert_int_equal(player_set_plan(cards[i].player, p), 0);
        }
    }
}

/* One second of A's end, then B, which begins where A is over. */
static void play_border(void)
{
    struct audio_plan p = { .version = 1 };

    start(&border, CARDS, "ppm=-45", 0, 0);
    add(&p, t0, 0, rates[0] * (LENGTH - 1), true);
    add(&p, t0 + NS_PER_S, 1, 0, true);
    assert_int_equal(player_set_plan(border.player, &p), 0);
}

/* Start A at 0; skip to B's frame 96000 at 1.5 s, told 0.25 s ahead; pause at 2.6 s;
 * resume at 3.2 s; at 4.3 s say that a seek to A's frame 441000 has been made 0.3 s ago.
 */
static void play_scenario(void)
{
    struct audio_plan p = { .version = 1 };

    t0 = true_now() + 500 * NS_PER_MS;
    add(&p, t0, 0, 0, true);
    set_plan(&p);
    play_border();
    sleep_until(t0 + 700 * NS_PER_MS);
    start_card(LATE, "ppm=25,period=48", 5 * NS_PER_S, 0);
    set_plan(&p);
    sleep_until(t0 + 1250 * NS_PER_MS);
    add(&p, t0 + 1500 * NS_PER_MS, 1, 96000, true);
    set_plan(&p);
    sleep_until(t0 + 2000 * NS_PER_MS);
    add(&p, t0 + 2600 * NS_PER_MS, 0, 0, false);
    add(&p, t0 + 3200 * NS_PER_MS, 1, 96000 + 52800, true);
    set_plan(&p);
    sleep_until(t0 + 4300 * NS_PER_MS);
    add(&p, t0 + 4000 * NS_PER_MS, 0, 441000, true);
    set_plan(&p);
    sleep_until(t0 + 4900 * NS_PER_MS);
    assert_int_equal(unlink(plug), 0);
    sleep_until(t0 + 5000 * NS_PER_MS);
    make_plug();
    sleep_until(t0 + 6000 * NS_PER_MS);
}

static int run_all(void **state)
{
    struct capture captures[CARDS];
    struct measure_song songs[SONGS];
    char options[400];

    (void)state;
    sound_make_folder(folder, sizeof(folder));
    for (int i = 0; i < SONGS; i++) {
        sounds[i] = sound_make((uint64_t)i + 1, rates[i], rates[i] * LENGTH);
        paths[i] = sound_save(folder, (uint64_t)i, sounds[i], rates[i],
                              rates[i] * LENGTH);
        songs[i] = (struct measure_song){ sounds[i], rates[i] * LENGTH, rates[i] };
    }
    cards[0].clock.origin_ns = true_now();
    start_card(0, "ppm=60", 0, 0);
    start_card(1, "ppm=-60,jitter_us=20,seed=5", -3 * NS_PER_S, 80000);
    start_card(2, "ppm=10,period=64,rate=44100", 0, -40000);
    start_card(CUT, "ppm=-30,xrun_at=5.4", 0, 0);
    make_plug();
    snprintf(options, sizeof(options), "ppm=5,plug=%s", plug);
    start_card(PLUG, options, 0, 0);
    play_scenario();
    for (int i = 0; i < CARDS; i++) {
        struct audio_report r;

        player_report(cards[i].player, &r);
        print_message("card %d: error %d ns, ratio %d ppb, card %d ppb, underruns %d, "
                      "resyncs %d, late %d, starved %d, %s\n",
                      i, (int)r.phase_error_ns, (int)r.ratio_ppb, (int)r.card_ppb,
                      (int)r.underruns, (int)r.resyncs, (int)r.late_starts,
                      (int)r.starved, r.error);
        resyncs[i] = r.resyncs;
        losses[i] = r.device_losses;
        late_starts[i] = r.late_starts;
        player_destroy(cards[i].player);
        assert_int_equal(capture_load(&captures[i], cards[i].capture), 0);
        breaks[i] = captures[i].breaks;
    }
    player_destroy(border.player);
    assert_int_equal(capture_load(&border_capture, border.capture), 0);
    assert_int_equal(measure_create(&measured, captures, CARDS, songs, SONGS), 0);
    for (int i = 0; i < CARDS; i++) {
        capture_finish(&captures[i]);
    }
    return 0;
}

static int clean_up(void **state)
{
    (void)state;
    measure_destroy(measured);
    capture_finish(&border_capture);
    for (int i = 0; i < SONGS; i++) {
        free(paths[i]);
        free(sounds[i]);
    }
    sound_remove_folder(folder);
    return 0;
}

/* What a card truly emitted at an instant after t0, and how far that is from a plan's
 * frame at its begin, in microseconds. */
static const struct measure_point *at(int card, int64_t ms)
{
    const struct measure_point *p = measure_at(measured, card, t0 + ms * NS_PER_MS);

    assert_non_null(p);
    return p;
}

static double off_us(int card, int64_t ms, int which, int64_t frame, int64_t begin_ms)
{
    const struct measure_point *p = at(card, ms);
    int64_t k = p - &measured->at[card * measured->points];
    int64_t true_ns = measured->first_ns + k * MEASURE_GRID_NS;
    double seconds = (double)(true_ns - t0 - begin_ms * NS_PER_MS) / 1e9;

    if (p->state != MEASURE_MUSIC || p->song != which) {
        print_message("card %d at %d ms: state %d, song %d\n", card, (int)ms, p->state,
                      p->song);
        return 1e9;
    }
    return (p->frame - (double)frame) / rates[which] * 1e6 - seconds * 1e6;
}

/* What is known of a card's place: fine ones to the frame, coarse ones less so. */
static double allowed_us(int card)
{
    return card == 2 || card == LATE ? 500 : 60;
}

static void check_place(int64_t ms, int which, int64_t frame, int64_t begin_ms,
                        int cards_in)
{
    for (int i = 0; i < CARDS; i++) {
        if ((cards_in >> i & 1) != 0) {
            double off = off_us(i, ms, which, frame, begin_ms);

            print_message("card %d at %4d ms: %.1f us\n", i, (int)ms, off);
            assert_true(fabs(off) <= allowed_us(i));
        }
    }
}

static void test_start_is_exact(void **state)
{
    (void)state;
    check_place(200, 0, 0, 0, 0x37);
}

static void test_late_joiner_is_at_the_right_frame(void **state)
{
    (void)state;
    check_place(1300, 0, 0, 0, 0x3f);
}

static void test_skip_is_exact_and_for_all(void **state)
{
    (void)state;
    check_place(1350, 0, 0, 0, 0x3f);
    check_place(1700, 1, 96000, 1500, 0x3f);
}

static void test_pause_is_silent_and_resume_exact(void **state)
{
    (void)state;
    for (int i = 0; i < CARDS; i++) {
        assert_int_equal(at(i, 2900)->state, MEASURE_SILENT);
    }
    check_place(3400, 1, 96000 + 52800, 3200, 0x3f);
}

static void test_plan_of_the_past_is_caught_up_with(void **state)
{
    (void)state;
    check_place(4600, 0, 441000, 4000, 0x3f);
}

static void test_underrun_and_lost_card_are_rejoined(void **state)
{
    (void)state;
    check_place(5700, 0, 441000, 4000, 0x3f);
    assert_int_equal(losses[PLUG], 1);
    assert_int_equal(measured->jumps[CUT], measured->jumps[0]);
    assert_int_equal(measured->jumps[PLUG], measured->jumps[0]);
}

static void test_cards_stay_together(void **state)
{
    (void)state;
    assert_int_equal(measured->all.mismatches, 0);
    for (int a = 0; a < CARDS; a++) {
        for (int b = a + 1; b < CARDS; b++) {
            const struct measure_spread *s = &measured->pairs[a * CARDS + b];
            double allowed = fmax(allowed_us(a), allowed_us(b));

            print_message("%d-%d: p50 %.1f p99 %.1f max %.1f us, %d windows\n", a, b,
                          s->p50_us, s->p99_us, s->max_us, (int)s->windows);
            assert_true(s->windows > 20);
            assert_true(s->p99_us <= allowed);
        }
    }
}

static void test_gaps_are_only_where_they_were_made(void **state)
{
    (void)state;
    for (int i = 0; i < CARDS; i++) {
        assert_int_equal(resyncs[i], 0);
        /* The seek that was told too late; the joiner's first. */
        assert_int_equal(late_starts[i], i == LATE ? 2 : 1);
        assert_int_equal(breaks[i], i == CUT || i == PLUG ? 1 : 0);
    }
}

static double level(const float *mono, int stride, int64_t count)
{
    double sum = 0;

    for (int64_t i = 0; i < count; i++) {
        double x = stride == 1 ? mono[i] : (mono[2 * i] + mono[2 * i + 1]) / 2;

        sum += x * x;
    }
    return sqrt(sum / (double)count);
}

/* The last 4 ms of the one song and the first of the next are as loud as they are in the
 * songs: nothing is faded, nothing is left out. */
static void test_songs_follow_without_a_gap(void **state)
{
    double index;
    int run = capture_at(&border_capture, t0 + NS_PER_S, &index);
    const float *at;

    (void)state;
    assert_true(run >= 0);
    at = border_capture.mono + border_capture.runs[run].first + (int64_t)index;
    {
        double end = level(at - 192, 1, 192);
        double begin = level(at + 1, 1, 192);
        double want_end = level(sounds[0] + 2 * (rates[0] * LENGTH - 176), 2, 176);
        double want_begin = level(sounds[1], 2, 192);

        print_message("end %.4f of %.4f, begin %.4f of %.4f\n", end, want_end, begin,
                      want_begin);
        assert_true(fabs(end / want_end - 1) < 0.1);
        assert_true(fabs(begin / want_begin - 1) < 0.1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start_is_exact),
        cmocka_unit_test(test_late_joiner_is_at_the_right_frame),
        cmocka_unit_test(test_skip_is_exact_and_for_all),
        cmocka_unit_test(test_pause_is_silent_and_resume_exact),
        cmocka_unit_test(test_plan_of_the_past_is_caught_up_with),
        cmocka_unit_test(test_underrun_and_lost_card_are_rejoined),
        cmocka_unit_test(test_cards_stay_together),
        cmocka_unit_test(test_songs_follow_without_a_gap),
        cmocka_unit_test(test_gaps_are_only_where_they_were_made),
    };

    return cmocka_run_group_tests(tests, run_all, clean_up);
}
