/* Bit sets, and which block is picked.  SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "share/bitmap.h"
#include "share/picker.h"

#define BITS_MAX 300

static void bitmaps(uint64_t seed)
{
    uint64_t map[BITS_MAX / 64 + 1];
    uint64_t again[BITS_MAX / 64 + 1];
    uint8_t wire[BITS_MAX / 8 + 1];
    struct rng rng;
    int bits;
    int set = 0;
    bool want[BITS_MAX] = { false };

    rng_seed(&rng, seed);
    bits = 1 + (int)rng_below(&rng, BITS_MAX);
    bitmap_fill(map, bits, true);
    assert_int_equal(bitmap_count(map, bits), bits);
    bitmap_fill(map, bits, false);
    for (int i = 0; i < bits; i++) {
        want[i] = rng_below(&rng, 3) == 0;
        set += want[i];
        if (want[i])
            bitmap_set(map, i);
    }
    assert_int_equal(bitmap_count(map, bits), set);
    bitmap_write(map, bits, wire);
    for (int i = 0; i < bits; i++) {
        assert_int_equal(bitmap_has(map, i), want[i]);
        assert_int_equal(wire[i / 8] >> (7 - i % 8) & 1,
                         want[i]); /* as the protocol says */
    }
    assert_true(bitmap_wire_is_valid(bytes_of(wire, bitmap_wire_len(bits)), bits));
    bitmap_read(again, bits, bytes_of(wire, bitmap_wire_len(bits)));
    assert_memory_equal(map, again, (size_t)bitmap_words(bits) * 8);
    assert_false(bitmap_wire_is_valid(bytes_of(wire, bitmap_wire_len(bits) - 1), bits));
    if (bits % 8 != 0) {
        wire[bits / 8] |= 1;
        assert_false(bitmap_wire_is_valid(bytes_of(wire, bitmap_wire_len(bits)), bits));
    }
    for (int i = 0; i < bits; i++)
        bitmap_clear(map, i);
    assert_int_equal(bitmap_count(map, bits), 0);
}

static void test_bitmaps(void **state)
{
    (void)state;
    for_each_seed(200, bitmaps);
    assert_false(bitmap_wire_is_valid(bytes_of(NULL, 0), 0));
}

/* With the sample as large as the range, the pick is one of the rarest that fit, and
 * there is one whenever there is a candidate. */
static void picks(uint64_t seed)
{
    uint64_t wanted[5] = { 0 };
    uint64_t has[5] = { 0 };
    uint8_t copies[BITS_MAX];
    struct rng rng;
    struct picker_range r = { wanted, has, copies, 0, 1, 0, 0 };
    int best = -1;
    int picked;

    rng_seed(&rng, seed);
    r.first = (int)rng_below(&rng, BITS_MAX);
    r.end = r.first + (int)rng_below(&rng, BITS_MAX - r.first + 1);
    for (int i = 0; i < BITS_MAX; i++) {
        copies[i] = (uint8_t)rng_below(&rng, 6);
        if (rng_below(&rng, 8) == 0)
            bitmap_set(wanted, i);
        if (rng_below(&rng, 4) != 0)
            bitmap_set(has, i);
        if (i >= r.first && i < r.end && bitmap_has(wanted, i) && bitmap_has(has, i) &&
            (best < 0 || copies[i] < best))
            best = copies[i];
    }
    picked = picker_choose(&r, BITS_MAX, &rng);
    if (best < 0) {
        assert_int_equal(picked, -1);
        return;
    }
    assert_true(picked >= r.first && picked < r.end);
    assert_true(bitmap_has(wanted, picked) && bitmap_has(has, picked));
    assert_int_equal(copies[picked], best);
    picked = picker_choose(&r, 1, &rng); /* a small sample still finds one */
    assert_true(picked >= r.first && picked < r.end);
}

static void test_picks(void **state)
{
    (void)state;
    for_each_seed(500, picks);
}

/* The parts of a range do not meet, and together are all of it; none is much too big. */
static void test_parts(void **state)
{
    uint64_t all[5];
    uint8_t copies[BITS_MAX] = { 0 };
    int found = 0;
    struct rng rng;

    (void)state;
    rng_seed(&rng, 1);
    for (int part = 0; part < 5; part++) {
        uint64_t wanted[5];
        struct picker_range r = { wanted, all, copies, part, 5, 0, BITS_MAX };
        int size = 0;
        int picked;

        bitmap_fill(all, BITS_MAX, true);
        bitmap_fill(wanted, BITS_MAX, true);
        while ((picked = picker_choose(&r, 20, &rng)) >= 0) {
            bitmap_clear(wanted, picked);
            assert_int_equal(copies[picked], 0);
            copies[picked] = 1;
            size++;
        }
        assert_in_range(size, 40, 80);
        found += size;
    }
    assert_int_equal(found, BITS_MAX);
}

/* Equally rare blocks are picked about equally often. */
static void test_ties_are_broken_by_chance(void **state)
{
    uint64_t wanted[1];
    uint8_t copies[64] = { 0 };
    int times[64] = { 0 };
    struct picker_range r = { wanted, wanted, copies, 0, 1, 0, 50 };
    struct rng rng;

    (void)state;
    rng_seed(&rng, 7);
    bitmap_fill(wanted, 50, true);
    for (int i = 0; i < 50000; i++)
        times[picker_choose(&r, 64, &rng)]++;
    for (int i = 0; i < 50; i++)
        assert_in_range(times[i], 800, 1200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bitmaps),
        cmocka_unit_test(test_picks),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_ties_are_broken_by_chance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
