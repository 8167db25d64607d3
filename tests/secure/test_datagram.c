/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <stdbool.h>

#include "base/rng.h"
#include "secure/datagram.h"

struct pair {
    struct datagram_key a; /* initiator */
    struct datagram_key b;
};

static void start(struct pair *p, int what)
{
    uint8_t secret[32] = { (uint8_t)what };

    datagram_key_init(&p->a, true, secret);
    datagram_key_init(&p->b, false, secret);
}

static void seal_at(struct pair *p, uint64_t counter, uint8_t wire[static 36])
{
    size_t len;

    p->a.send.nonce = counter;
    assert_int_equal(datagram_seal(&p->a, bytes_of("beat", 4), wire, 36, &len), 0);
    assert_int_equal(len, 36);
}

static int open_at(struct pair *p, uint64_t counter)
{
    uint8_t wire[36];
    uint8_t out[4];
    size_t len;
    int err;

    seal_at(p, counter, wire);
    err = datagram_open(&p->b, bytes_of(wire, 36), out, sizeof out, &len);
    if (err == 0) {
        assert_int_equal(len, 4);
        assert_memory_equal(out, "beat", 4);
    }
    return err;
}

static void test_both_directions(void **state)
{
    struct pair p;
    uint8_t wire[100];
    uint8_t out[100];
    uint64_t id;
    size_t len;

    (void)state;
    start(&p, 1);
    assert_true(p.a.send_id == p.b.receive_id);
    assert_true(p.b.send_id == p.a.receive_id);
    assert_true(p.a.send_id != p.b.send_id);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(datagram_seal(&p.a, bytes_of("to b", 4), wire, 36, &len), 0);
        assert_int_equal(len, 4 + DATAGRAM_OVERHEAD);
        assert_true(load_be64(wire) == p.b.receive_id);
        assert_true(load_be64(wire + 8) == (uint64_t)i);
        assert_true(datagram_id(bytes_of(wire, len), &id));
        assert_true(id == p.b.receive_id);
        assert_int_equal(datagram_open(&p.b, bytes_of(wire, len), out, 4, &len), 0);
        assert_memory_equal(out, "to b", 4);
    }
    assert_int_equal(datagram_seal(&p.b, bytes_of(NULL, 0), wire, 32, &len), 0);
    assert_int_equal(datagram_open(&p.a, bytes_of(wire, len), out, 0, &len), 0);
    assert_int_equal(len, 0);
    /* In place, as the header says. */
    memcpy(wire + 16, "in place", 8);
    assert_int_equal(datagram_seal(&p.a, bytes_of(wire + 16, 8), wire, sizeof wire, &len),
                     0);
    assert_int_equal(datagram_open(&p.b, bytes_of(wire, len), wire + 16, 8, &len), 0);
    assert_memory_equal(wire + 16, "in place", 8);
}

#define TOP UINT64_MAX

static void test_replay_window(void **state)
{
    static const struct {
        const char *name;
        struct {
            uint64_t counter;
            int want;
        } steps[8];
        int count;
    } cases[] = {
        { "in order", { { 0, 0 }, { 1, 0 }, { 2, 0 } }, 3 },
        { "a repeat is refused",
          { { 0, 0 }, { 0, ERR_DENIED }, { 1, 0 }, { 0, ERR_DENIED } },
          4 },
        { "overtaken ones are opened once",
          { { 5, 0 }, { 3, 0 }, { 4, 0 }, { 3, ERR_DENIED }, { 5, ERR_DENIED } },
          5 },
        { "the first may come late", { { 9, 0 }, { 0, 0 }, { 0, ERR_DENIED } }, 3 },
        { "the window's last place", { { 1023, 0 }, { 0, 0 }, { 0, ERR_DENIED } }, 3 },
        { "one behind the window", { { 1024, 0 }, { 0, ERR_DENIED }, { 1, 0 } }, 3 },
        { "a jump of a whole window forgets nothing that it should know",
          { { 7, 0 }, { 1031, 0 }, { 7, ERR_DENIED }, { 8, 0 }, { 1031, ERR_DENIED } },
          5 },
        { "a jump just short of a window keeps the bits in it",
          { { 7, 0 },
            { 8, 0 },
            { 1030, 0 },
            { 7, ERR_DENIED },
            { 8, ERR_DENIED },
            { 9, 0 } },
          6 },
        { "a jump of many windows clears all places",
          { { 3, 0 }, { 1 << 20, 0 }, { (1 << 20) - 1021, 0 }, { 3, ERR_DENIED } },
          4 },
        { "a place used before is free for the next round",
          { { 10, 0 }, { 500, 0 }, { 1040, 0 }, { 1034, 0 }, { 1034, ERR_DENIED } },
          5 },
        { "up to the last counter of all",
          { { TOP - 2, 0 }, { TOP - 1, 0 }, { TOP - 1, ERR_DENIED }, { TOP - 3, 0 } },
          4 },
    };
    (void)state;
    for (int i = 0; i < COUNT(cases); i++) {
        struct pair p;

        start(&p, 1);
        for (int s = 0; s < cases[i].count; s++) {
            if (open_at(&p, cases[i].steps[s].counter) != cases[i].steps[s].want)
                fail_msg("%s: step %d", cases[i].name, s);
        }
    }
}

/* Any order, any loss, any repeats: opened exactly if new and within the window. */
static void check_window(uint64_t seed)
{
    static bool seen[4000];
    struct rng rng;
    struct pair p;
    uint64_t next = 0;

    rng_seed(&rng, seed);
    memset(seen, 0, sizeof seen);
    start(&p, 1);
    for (int i = 0; i < 3000; i++) {
        int64_t reach = rng_below(&rng, 100) == 0 ? 1500 : 300;
        int64_t counter = (int64_t)next + rng_below(&rng, reach) - 2 * reach / 3;
        bool is_due;

        if (counter < 0 || counter >= COUNT(seen))
            continue;
        is_due = !seen[counter] && (uint64_t)counter + DATAGRAM_WINDOW >= next;
        assert_int_equal(open_at(&p, (uint64_t)counter), is_due ? 0 : ERR_DENIED);
        seen[counter] = true;
        if ((uint64_t)counter >= next)
            next = (uint64_t)counter + 1;
    }
    assert_true(next > 2 * DATAGRAM_WINDOW);
}

static void test_window_against_model(void **state)
{
    (void)state;
    for_each_seed(20, check_window);
}

static void test_forged_ones_change_nothing(void **state)
{
    struct pair p;
    struct datagram_key before;
    uint8_t wire[37];
    uint8_t out[8];
    size_t len;

    (void)state;
    start(&p, 1);
    assert_int_equal(open_at(&p, 4), 0);
    seal_at(&p, 5, wire);
    before = p.b;
    for (int bit = 0; bit < 36 * 8; bit++) {
        int err;

        wire[bit / 8] ^= (uint8_t)(1u << bit % 8);
        err = datagram_open(&p.b, bytes_of(wire, 36), out, sizeof out, &len);
        if (bit < 64)
            assert_int_equal(err, ERR_MALFORMED); /* the id of nobody here */
        else if (err != ERR_DENIED) /* a counter that looks opened already */
            assert_int_equal(err, ERR_KEY);
        wire[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t n = 0; n < 36; n++)
        assert_int_not_equal(
            datagram_open(&p.b, bytes_of(wire, n), out, sizeof out, &len), 0);
    wire[36] = 0;
    assert_int_equal(datagram_open(&p.b, bytes_of(wire, 37), out, sizeof out, &len),
                     ERR_KEY);
    assert_true(p.b.receive_next == before.receive_next);
    assert_memory_equal(p.b.seen, before.seen, sizeof before.seen);
    assert_int_equal(datagram_open(&p.b, bytes_of(wire, 36), out, sizeof out, &len), 0);
}

static void test_the_last_counter_is_never_used(void **state)
{
    struct pair p;
    uint8_t wire[36];
    uint8_t out[4];
    size_t len;

    (void)state;
    start(&p, 1);
    p.a.send.nonce = UINT64_MAX;
    assert_int_equal(datagram_seal(&p.a, bytes_of("beat", 4), wire, 36, &len), ERR_LIMIT);
    seal_at(&p, 1, wire);
    store_be64(wire + 8, UINT64_MAX);
    assert_int_equal(datagram_open(&p.b, bytes_of(wire, 36), out, 4, &len),
                     ERR_MALFORMED);
    assert_true(p.b.receive_next == 0);
}

static void test_strangers_and_reflections(void **state)
{
    struct pair p;
    struct pair other;
    uint8_t wire[36];
    uint8_t out[4];
    size_t len;

    (void)state;
    start(&p, 1);
    start(&other, 2);
    seal_at(&p, 0, wire);
    assert_int_equal(datagram_open(&p.a, bytes_of(wire, 36), out, 4, &len),
                     ERR_MALFORMED);
    assert_int_equal(datagram_open(&other.b, bytes_of(wire, 36), out, 4, &len),
                     ERR_MALFORMED);
    /* With the right id in front it is still not ours. */
    store_be64(wire, p.a.receive_id);
    assert_int_equal(datagram_open(&p.a, bytes_of(wire, 36), out, 4, &len), ERR_KEY);
}

static void test_limits(void **state)
{
    static uint8_t plain[DATAGRAM_MAX];
    static uint8_t wire[DATAGRAM_MAX + 1];
    struct pair p;
    size_t most = DATAGRAM_MAX - DATAGRAM_OVERHEAD;
    uint64_t id;
    size_t len;

    (void)state;
    start(&p, 1);
    assert_int_equal(datagram_seal(&p.a, bytes_of(plain, 4), wire, 35, &len), ERR_LIMIT);
    assert_int_equal(
        datagram_seal(&p.a, bytes_of(plain, most + 1), wire, sizeof wire, &len),
        ERR_LIMIT);
    assert_int_equal(datagram_seal(&p.a, bytes_of(plain, most), wire, sizeof wire, &len),
                     0);
    assert_true(load_be64(wire + 8) == 0); /* the failures used no counter */
    assert_int_equal(datagram_open(&p.b, bytes_of(wire, len), plain, most - 1, &len),
                     ERR_LIMIT);
    assert_int_equal(datagram_open(&p.b, bytes_of(wire, DATAGRAM_MAX), plain, most, &len),
                     0);
    assert_false(datagram_id(bytes_of(wire, DATAGRAM_MAX + 1), &id));
    assert_false(datagram_id(bytes_of(wire, DATAGRAM_OVERHEAD - 1), &id));
    assert_false(datagram_id(bytes_of(NULL, 0), &id));
}

static void test_wipe(void **state)
{
    struct pair p;
    const uint8_t *bytes = (const uint8_t *)&p.a;
    uint8_t wire[36] = { 0 };
    size_t len;

    (void)state;
    start(&p, 1);
    datagram_key_wipe(&p.a);
    for (size_t i = 0; i < sizeof p.a; i++)
        assert_int_equal(bytes[i], 0);
    assert_int_equal(datagram_seal(&p.a, bytes_of("beat", 4), wire, 36, &len), ERR_STATE);
    assert_int_equal(datagram_open(&p.a, bytes_of(wire, 36), wire, 36, &len), ERR_STATE);
    datagram_key_wipe(&p.a);
    datagram_key_wipe(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_directions),
        cmocka_unit_test(test_replay_window),
        cmocka_unit_test(test_window_against_model),
        cmocka_unit_test(test_forged_ones_change_nothing),
        cmocka_unit_test(test_the_last_counter_is_never_used),
        cmocka_unit_test(test_strangers_and_reflections),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_wipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
