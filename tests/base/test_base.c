/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "base/meter.h"
#include "base/addr.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/id.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/text.h"
#include "base/time.h"

static void test_addr_round_trip(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        { "127.0.0.1:4747", "127.0.0.1:4747" },
        { "10.0.0.1", "10.0.0.1:99" },
        { "[::1]:1", "[::1]:1" },
        { "[2001:DB8:0:0:1:0:0:1]", "[2001:db8::1:0:0:1]:99" },
        { "[::]:5", "[::]:5" },
        { "[fe80::]:5", "[fe80::]:5" },
        { "[1:2:3:4:5:6:7:8]:65535", "[1:2:3:4:5:6:7:8]:65535" },
    };
    (void)state;
    for (int i = 0; i < COUNT(cases); i++) {
        struct addr a;
        char text[ADDR_TEXT_MAX];

        assert_int_equal(addr_parse(cases[i].in, 99, &a), 0);
        addr_format(&a, text);
        assert_string_equal(text, cases[i].out);
    }
}

static void test_addr_refuses(void **state)
{
    static const char *const bad[] = {
        "",          "1.2.3",     "256.1.1.1",          "1.2.3.4:", "1.2.3.4:70000",
        "1.2.3.4x",  "[::1",      "[1::2::3]",          "[1:2:3]",  "[:1]",
        "[12345::]", "localhost", "[1:2:3:4:5:6:7:8:9]"
    };
    (void)state;
    for (int i = 0; i < COUNT(bad); i++) {
        struct addr a = { .port = 7 };

        assert_int_equal(addr_parse(bad[i], 99, &a), ERR_USAGE);
        assert_int_equal(a.port, 7);
    }
}

static void test_text(void **state)
{
    char buf[16];
    struct text t;

    (void)state;
    text_init(&t, buf, sizeof(buf));
    text_add_int(&t, -1234567);
    assert_string_equal(buf, "-1234567");
    text_init(&t, buf, sizeof(buf));
    text_add(&t, "at ");
    text_add_int(&t, INT64_MIN);
    assert_string_equal(buf, "at -92233720368");
    assert_true(t.is_cut);
    text_copy(buf, 4, "a\xc3\xa4\xc3\xa4", 5);
    assert_string_equal(buf, "a\xc3\xa4");
    text_copy(buf, 3, "a\xc3\xa4", 3);
    assert_string_equal(buf, "a");
}

static void test_utf8(void **state)
{
    static const struct {
        const char *s;
        size_t len;
        bool ok;
    } cases[] = {
        { "plain", 5, true },
        { "\xc3\xa4", 2, true },
        { "\xc0\x80", 2, false },
        { "\xed\xa0\x80", 3, false },
        { "\xf4\x90\x80\x80", 4, false },
        { "\xe2\x82", 2, false },
        { "a\0b", 3, false },
        { "\xff", 1, false },
        { "\xf0\x9f\x8e\xb5", 4, true },
    };
    (void)state;
    for (int i = 0; i < COUNT(cases); i++)
        assert_int_equal(text_is_utf8(cases[i].s, cases[i].len), cases[i].ok);
}

static void test_arena(void **state)
{
    _Alignas(16) uint8_t memory[64];
    struct arena a;

    (void)state;
    arena_init(&a, memory, sizeof(memory));
    assert_non_null(arena_take(&a, 3, 7));
    assert_non_null(arena_take(&a, 1, 32));
    assert_null(arena_take(&a, 1, 1));
    assert_null(arena_take(&a, SIZE_MAX, 2));
    arena_init(&a, NULL, 0);
    assert_null(arena_take(&a, 100, 10));
    assert_int_equal(a.used, 1008);
}

static void test_rng_is_fixed(void **state)
{
    struct rng r;

    (void)state;
    rng_seed(&r, 1);
    uint64_t first = rng_next(&r);
    rng_seed(&r, 1);
    assert_true(rng_next(&r) == first);
    for (int i = 0; i < 1000; i++) {
        assert_in_range(rng_below(&r, 7), 0, 6);
        assert_in_range(rng_jitter(&r, 1000, 20), 800, 1200);
    }
}

static void test_log_is_bounded(void **state)
{
    static struct log l = { .level = LOG_INFO };

    (void)state;
    for (int i = 0; i < 100; i++) {
        struct text t = log_begin(&l, LOG_INFO, "test", "line");
        log_int(&t, "i", i);
    }
    struct text t = log_begin(&l, LOG_DEBUG, "test", "not kept");
    log_text(&t, "a", "b");
    assert_int_equal(l.count, LOG_LINES_MAX - 1);
    assert_int_equal(l.dropped, 100 - (LOG_LINES_MAX - 1));
    assert_string_equal(l.lines[3].text, "test line i=3");
}

static void test_errors_have_texts(void **state)
{
    (void)state;
    assert_string_equal(err_text(ERR_KEY), "wrong channel key");
    assert_int_equal(err_exit_status(ERR_PORT), 10);
    assert_int_equal(err_exit_status(-1000), 1);
    assert_int_equal(err_exit_status(5), 1);
}

static void test_hex(void **state)
{
    uint8_t b[2] = { 1, 2 };
    char text[5];

    (void)state;
    assert_false(hex_decode("0g00", 4, b, 2));
    assert_int_equal(b[0], 1);
    assert_true(hex_decode("aB01", 4, b, 2));
    hex_encode(b, 2, text);
    assert_string_equal(text, "ab01");
}

static void test_mul_div(void **state)
{
    (void)state;
    assert_true(mul_div(INT64_C(4000000000000000000), 3, 4) ==
                INT64_C(3000000000000000000));
    assert_true(mul_div(-7, 1, 2) == -3);
}

/* What comes at a steady rate is seen as that rate, and forgotten when it stops. */
static void test_meter(void **state)
{
    struct meter m = { 0 };
    int64_t now = (int64_t)UINT32_MAX * NS_PER_MS - 20 * NS_PER_S; /* over the wrap */

    (void)state;
    for (int i = 0; i < 4000; i++, now += 10 * NS_PER_MS)
        meter_add(&m, 100, now);
    assert_in_range(meter_rate(m, now), 9500, 10500);
    assert_in_range(meter_rate(m, now + 8192 * NS_PER_MS), 3000, 4200);
    assert_int_equal(meter_rate(m, now + 300 * NS_PER_S), 0);
    m = (struct meter){ 0 };
    meter_add(&m, 20, NS_PER_S);
    assert_int_equal(meter_rate(m, 40 * NS_PER_S), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meter),
        cmocka_unit_test(test_addr_round_trip),
        cmocka_unit_test(test_addr_refuses),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_rng_is_fixed),
        cmocka_unit_test(test_log_is_bounded),
        cmocka_unit_test(test_errors_have_texts),
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_mul_div),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
