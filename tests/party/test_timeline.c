/* The timeline: tables of what is heard when, and its properties over seeds, against a
 * plain reading of the rule "the last action of the log that has begun is in force".
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "base/rng.h"
#include "party/timeline.h"
#include "tests/heap.h"

#define S NS_PER_S

static struct song_id song_of(int n)
{
    struct song_id id = { { (uint8_t)n } };

    return id;
}

/* Three songs of 10, 7 and 3 seconds; the second at another rate. */
static struct timeline three_songs(void)
{
    struct timeline t;

    timeline_init(&t, test_heap());
    assert_true(timeline_set_song(&t, 0, &(struct song_id){ { 1 } }, 441000, 44100));
    assert_true(timeline_set_song(&t, 1, &(struct song_id){ { 2 } }, 7 * 48000, 48000));
    assert_true(timeline_set_song(&t, 2, &(struct song_id){ { 3 } }, 3 * 44100, 44100));
    return t;
}

static void add(struct timeline *t, int64_t at_ns, int slot, int64_t frame, bool playing)
{
    struct timeline_action a = { { at_ns }, slot, frame, playing };

    assert_true(timeline_add(t, &a));
}

static const struct position_row {
    const char *fact;
    int action_count;
    struct {
        int64_t at_ms;
        int slot;
        int64_t frame;
        bool is_playing;
    } actions[4];
    int64_t now_ms;
    struct {
        int slot;
        int64_t frame;
        bool is_playing;
        bool is_over;
    } want;
} positions[] = {
    { "nothing before the first",
      1,
      { { 1000, 0, 0, true } },
      999,
      { 0, 0, false, false } },
    { "begins to the ns", 1, { { 1000, 0, 0, true } }, 1000, { 0, 0, true, false } },
    { "runs", 1, { { 1000, 0, 0, true } }, 3000, { 0, 88200, true, false } },
    { "next song, gapless", 1, { { 1000, 0, 0, true } }, 11000, { 1, 0, true, false } },
    { "in the next", 1, { { 1000, 0, 0, true } }, 12000, { 1, 48000, true, false } },
    { "third song", 1, { { 1000, 0, 0, true } }, 18000, { 2, 0, true, false } },
    { "all over", 1, { { 1000, 0, 0, true } }, 21000, { 2, 132300, false, true } },
    { "paused stands",
      2,
      { { 1000, 0, 0, true }, { 3000, 0, 88200, false } },
      90000,
      { 0, 88200, false, false } },
    { "resumed",
      3,
      { { 1000, 0, 0, true }, { 3000, 0, 88200, false }, { 60000, 0, 88200, true } },
      61000,
      { 0, 132300, true, false } },
    { "a later action waits",
      2,
      { { 1000, 0, 0, true }, { 5000, 2, 0, true } },
      4999,
      { 0, 176355, true, false } },
    { "and then holds",
      2,
      { { 1000, 0, 0, true }, { 5000, 2, 0, true } },
      5000,
      { 2, 0, true, false } },
    { "an earlier one supersedes, log order wins",
      3,
      { { 1000, 0, 0, true }, { 5000, 2, 0, true }, { 4000, 1, 0, true } },
      6000,
      { 1, 96000, true, false } },
    { "in the middle of a song",
      1,
      { { 1000, 1, 48000, true } },
      2000,
      { 1, 96000, true, false } },
    { "from its very end",
      1,
      { { 1000, 0, 441000, true } },
      2000,
      { 1, 48000, true, false } },
    { "beyond its end",
      1,
      { { 1000, 0, 999999, true } },
      2000,
      { 1, 48000, true, false } },
    { "skipped past the last",
      1,
      { { 1000, 2, 132300, false } },
      2000,
      { 2, 132300, false, true } },
    { "an empty slot is silent",
      1,
      { { 1000, 4, 0, true } },
      2000,
      { 4, 0, false, false } },
};

static void test_positions(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(positions); i++) {
        const struct position_row *r = &positions[i];
        struct timeline t = three_songs();
        struct timeline_position p;

        for (int k = 0; k < r->action_count; k++) {
            add(&t, r->actions[k].at_ms * NS_PER_MS, r->actions[k].slot,
                r->actions[k].frame, r->actions[k].is_playing);
        }
        p = timeline_at(&t, (struct party_time){ r->now_ms * NS_PER_MS });
        if (p.slot != r->want.slot || p.frame != r->want.frame ||
            p.is_playing != r->want.is_playing || p.is_over != r->want.is_over) {
            fail_msg("%s: slot %d frame %ld playing %d over %d", r->fact, p.slot,
                     (long)p.frame, p.is_playing, p.is_over);
        }
    }
}

static void test_rounding_is_down(void **state)
{
    struct timeline t;
    struct timeline_segment s[4];

    (void)state;
    timeline_init(&t, test_heap()); /* 2 frames at 3 Hz: 666,666,666.67 ns */
    assert_true(timeline_set_song(&t, 0, &(struct song_id){ { 1 } }, 2, 3));
    assert_true(timeline_set_song(&t, 1, &(struct song_id){ { 2 } }, 2, 3));
    add(&t, S, 0, 0, true);
    assert_int_equal(timeline_segments(&t, (struct party_time){ S }, s, 4), 3);
    assert_int_equal(s[1].at.ns, S + 666666666);
    assert_int_equal(s[2].at.ns, S + 2 * 666666666);
    assert_int_equal(timeline_at(&t, (struct party_time){ s[1].at.ns - 1 }).frame, 1);
    assert_int_equal(timeline_at(&t, s[1].at).frame, 0);
}

static void test_segments(void **state)
{
    struct timeline t = three_songs();
    struct timeline_segment s[TIMELINE_SEGMENTS_MAX];
    int n;

    (void)state;
    n = timeline_segments(&t, (struct party_time){ 5 * S }, s, COUNT(s));
    assert_int_equal(n, 1);
    assert_false(s[0].is_playing);
    add(&t, 10 * S, 0, 0, true);
    add(&t, 22 * S, 1, 0, false);
    n = timeline_segments(&t, (struct party_time){ 15 * S }, s, COUNT(s));
    assert_int_equal(n, 3);
    assert_int_equal(s[0].at.ns, 10 * S);
    assert_int_equal(s[1].at.ns, 20 * S);
    assert_true(song_id_equal(&s[1].song, &(struct song_id){ { 2 } }));
    assert_int_equal(s[1].rate, 48000);
    assert_int_equal(s[2].at.ns, 22 * S);
    assert_false(s[2].is_playing);
    assert_int_equal(s[2].song.b[0], 0);
    assert_int_equal(timeline_segments(&t, (struct party_time){ 15 * S }, s, 2), 2);
}

static void test_refuses(void **state)
{
    struct timeline t = three_songs();
    uint32_t version = t.version;
    struct timeline_action bad[] = {
        { { -1 }, 0, 0, true }, { { TIMELINE_AT_MAX_NS + 1 }, 0, 0, true },
        { { S }, -1, 0, true }, { { S }, POOL_SLOTS, 0, true },
        { { S }, 0, -1, true }, { { S }, 0, INT64_MAX, true },
    };

    (void)state;
    for (int i = 0; i < COUNT(bad); i++) {
        assert_false(timeline_add(&t, &bad[i]));
    }
    assert_false(timeline_set_song(&t, 0, &(struct song_id){ { 9 } }, 1, 1));
    assert_false(timeline_set_song(&t, 3, &(struct song_id){ { 9 } }, 0, 44100));
    assert_false(timeline_set_song(&t, 3, &(struct song_id){ { 9 } }, 1, 0));
    assert_false(timeline_set_song(&t, 3, &(struct song_id){ { 9 } }, UINT64_MAX, 44100));
    assert_false(timeline_set_song(&t, 3, &(struct song_id){ { 9 } }, 86401, 1));
    assert_false(timeline_set_song(&t, 3, &(struct song_id){ { 9 } }, 1, 2000000));
    assert_false(timeline_set_song(&t, 5, &(struct song_id){ { 9 } }, 1, 1));
    assert_int_equal(t.version, version);
    /* The latest instant with the longest songs stays in range. */
    for (int i = 3; i < POOL_SLOTS; i++) {
        assert_true(timeline_set_song(&t, i, &(struct song_id){ { 9 } }, 86400, 1));
    }
    add(&t, TIMELINE_AT_MAX_NS, 0, 0, true);
    assert_false(timeline_at(&t, (struct party_time){ INT64_MAX - 1 }).is_playing);
}

static void test_repeats_change_nothing(void **state)
{
    struct timeline t = three_songs();
    struct timeline before;

    (void)state;
    add(&t, S, 0, 0, true);
    add(&t, 2 * S, 1, 0, true);
    add(&t, 3 * S, 2, 0, true);
    before = t;
    add(&t, S, 0, 0, true);
    add(&t, 2 * S, 1, 0, true);
    add(&t, 3 * S, 2, 0, true);
    assert_memory_equal(&before, &t, sizeof(t));
    assert_int_equal(t.actions[0].at.ns, S);
    assert_int_equal(t.actions[2].at.ns, 3 * S);
    assert_int_equal(timeline_pending(&t, (struct party_time){ 2 * S }), 1);
}

static void test_actions_are_bounded(void **state)
{
    struct timeline t = three_songs();

    (void)state;
    for (int i = 0; i < 3 * TIMELINE_ACTIONS_MAX; i++) {
        add(&t, i * S, i % 3, 0, true);
    }
    assert_int_equal(t.action_count, TIMELINE_ACTIONS_MAX);
    assert_int_equal(timeline_last(&t)->at.ns, (3 * TIMELINE_ACTIONS_MAX - 1) * S);
}

/* ---- properties ---- */

#define LOG_MAX 20

struct model {
    int count;
    struct timeline_action log[LOG_MAX];
};

/* The rule, said plainly. */
static struct timeline_position expected(const struct timeline *pool,
                                         const struct model *m, struct party_time now)
{
    struct timeline alone = *pool;
    struct timeline_position there;

    alone.action_count = 0;
    alone.action_room = 0;
    alone.actions = NULL;
    for (int i = m->count - 1; i >= 0; i--) {
        if (m->log[i].at.ns <= now.ns) {
            assert_true(timeline_add(&alone, &m->log[i]));
            break;
        }
    }
    there = timeline_at(&alone, now);
    timeline_finish(&alone);
    return there;
}

static struct timeline random_pool(struct rng *r)
{
    static const uint32_t rates[] = { 44100, 48000, 96000, 8000, 11025, 37799 };
    struct timeline t;
    int songs = 1 + (int)rng_below(r, POOL_SLOTS);

    timeline_init(&t, test_heap());
    for (int i = 0; i < songs; i++) {
        struct song_id id = song_of(i + 1);

        assert_true(timeline_set_song(&t, i, &id, (uint64_t)(1 + rng_below(r, 2000000)),
                                      rates[rng_below(r, COUNT(rates))]));
    }
    return t;
}

static void check_same(uint64_t seed, const struct timeline_position *a,
                       const struct timeline_position *b)
{
    if (a->slot != b->slot || a->frame != b->frame || a->is_playing != b->is_playing ||
        a->is_over != b->is_over || a->segment.at.ns != b->segment.at.ns) {
        fail_msg("seed %lu: slot %d/%d frame %ld/%ld", (unsigned long)seed, a->slot,
                 b->slot, (long)a->frame, (long)b->frame);
    }
}

/* Segments cover time without a hole and say the same as timeline_at. */
static void check_segments(uint64_t seed, const struct timeline *t,
                           struct party_time from, struct party_time now)
{
    struct timeline_segment s[64];
    int n = timeline_segments(t, from, s, COUNT(s));
    struct timeline_position p = timeline_at(t, now);
    int i = 0;

    assert_true(s[0].at.ns <= from.ns);
    while (i + 1 < n && s[i + 1].at.ns <= now.ns) {
        assert_true(s[i + 1].at.ns > s[i].at.ns);
        i++;
    }
    if (s[i].at.ns != p.segment.at.ns || s[i].slot != p.slot ||
        s[i].is_playing != p.is_playing) {
        fail_msg("seed %lu: segment %d of %d", (unsigned long)seed, i, n);
    }
}

static void one_seed(uint64_t seed)
{
    struct rng r;
    struct timeline t;
    struct model m = { 0 };

    rng_seed(&r, seed);
    t = random_pool(&r);
    for (m.count = 0; m.count < LOG_MAX;) {
        struct timeline_action *a = &m.log[m.count++];

        *a = (struct timeline_action){ { rng_below(&r, 60 * S) },
                                       (int)rng_below(&r, POOL_SLOTS),
                                       rng_below(&r, 2000000),
                                       rng_below(&r, 3) > 0 };
        assert_true(timeline_add(&t, a));
        for (int k = 0; k < 40; k++) {
            struct party_time now = { rng_below(&r, 300 * S) };
            struct party_time from = { rng_below(&r, now.ns + 1) };
            struct timeline_position got = timeline_at(&t, now);
            struct timeline_position want = expected(&t, &m, now);

            check_same(seed, &got, &want);
            check_segments(seed, &t, from, now);
            assert_true(got.frame >= 0);
        }
    }
    timeline_finish(&t);
}

static void test_against_the_rule(void **state)
{
    (void)state;
    for_each_seed(200, one_seed);
}

/* Time goes on, and so does the song: never back within one segment. */
static void test_monotone(void **state)
{
    struct timeline t = three_songs();
    struct timeline_position last = { 0 };

    (void)state;
    add(&t, S, 0, 0, true);
    for (int64_t now = S; now < 25 * S; now += 7654321) {
        struct timeline_position p = timeline_at(&t, (struct party_time){ now });

        assert_true(p.slot >= last.slot);
        assert_true(p.slot > last.slot || p.frame >= last.frame);
        last = p;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_positions),
        cmocka_unit_test(test_rounding_is_down),
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_repeats_change_nothing),
        cmocka_unit_test(test_actions_are_bounded),
        cmocka_unit_test(test_against_the_rule),
        cmocka_unit_test(test_monotone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
