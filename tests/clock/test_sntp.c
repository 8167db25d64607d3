/* SNTP packets: each check of a reply in its own row.  SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "base/time.h"
#include "clock/sntp.h"

#define COOKIE UINT64_C(0x1122334455667788)

/* NTP seconds of 2026-07-01 00:00:00 UTC. */
#define NTP_2026 UINT64_C(3991852800)
#define UTC_2026 (INT64_C(1782864000) * NS_PER_S)

static void good_reply(uint8_t p[static SNTP_LEN])
{
    memset(p, 0, SNTP_LEN);
    p[0] = 4 << 3 | 4;
    p[1] = 2;
    p[2] = 6;
    p[3] = 0xe8;
    store_be32(p + 4, 0x00008000);  /* root delay 0.5 s */
    store_be32(p + 8, 0x00004000);  /* root dispersion 0.25 s */
    store_be32(p + 12, 0xc0000201); /* 192.0.2.1 */
    store_be64(p + 16, (NTP_2026 - 100) << 32);
    store_be64(p + 24, COOKIE);
    store_be64(p + 32, NTP_2026 << 32 | UINT64_C(0x40000000));
    store_be64(p + 40, NTP_2026 << 32 | UINT64_C(0x80000000));
}

static void test_request(void **state)
{
    uint8_t p[SNTP_LEN];

    (void)state;
    sntp_request(COOKIE, p);
    assert_int_equal(p[0], 0x23); /* LI 0, version 4, client */
    for (int i = 1; i < 40; i++) {
        assert_int_equal(p[i], 0);
    }
    assert_int_equal(load_be64(p + 40), COOKIE);
}

static void test_reply(void **state)
{
    uint8_t p[SNTP_LEN + 20] = { 0 };
    struct sntp_reply r;

    (void)state;
    good_reply(p);
    p[0] |= 1 << 6;
    assert_int_equal(sntp_parse(bytes_of(p, sizeof(p)), COOKIE, &r), SNTP_OK);
    assert_int_equal(r.leap, SNTP_LEAP_INSERT);
    assert_int_equal(r.stratum, 2);
    assert_int_equal(r.root_ns, 500 * NS_PER_MS);
    assert_int_equal(r.t2_ns, UTC_2026 + 250 * NS_PER_MS);
    assert_int_equal(r.t3_ns, UTC_2026 + 500 * NS_PER_MS);
    assert_string_equal(r.kod, "");
}

static void test_checks(void **state)
{
    static const struct {
        const char *fact;
        int at;       /* bytes from here … */
        int len;      /* … so many … */
        uint64_t put; /* … are this, big-endian */
        enum sntp_verdict want;
    } cases[] = {
        { "unchanged", 0, 1, 0x24, SNTP_OK },
        { "version 3", 0, 1, 0x1c, SNTP_OK },
        { "version 2", 0, 1, 0x14, SNTP_VERSION },
        { "version 5", 0, 1, 0x2c, SNTP_VERSION },
        { "client mode", 0, 1, 0x23, SNTP_MODE },
        { "symmetric mode", 0, 1, 0x22, SNTP_MODE },
        { "broadcast mode", 0, 1, 0x25, SNTP_MODE },
        { "control mode", 0, 1, 0x26, SNTP_MODE },
        { "another cookie", 24, 8, COOKIE + 1, SNTP_ORIGIN },
        { "no cookie", 24, 8, 0, SNTP_ORIGIN },
        { "unsynchronised", 0, 1, 0xe4, SNTP_LEAP },
        { "leap 61", 0, 1, 0x64, SNTP_OK },
        { "leap 59", 0, 1, 0xa4, SNTP_OK },
        { "stratum 0", 1, 1, 0, SNTP_KOD },
        { "stratum 15", 1, 1, 15, SNTP_OK },
        { "stratum 16", 1, 1, 16, SNTP_STRATUM },
        { "stratum 255", 1, 1, 255, SNTP_STRATUM },
        { "no receive time", 32, 8, 0, SNTP_TIMES },
        { "no transmit time", 40, 8, 0, SNTP_TIMES },
        { "sent before received", 40, 8, NTP_2026 << 32, SNTP_TIMES },
        { "sent as it was received", 40, 8, NTP_2026 << 32 | 0x40000000, SNTP_OK },
        { "root dispersion 1.25 s: 1.5 s in all", 8, 4, 0x00014000, SNTP_OK },
        { "a little more", 8, 4, 0x00014001, SNTP_ROOT },
        { "root delay 2.5 s: 1.5 s in all", 4, 4, 0x00028000, SNTP_OK },
        { "more", 4, 4, 0x00028002, SNTP_ROOT },
        { "root delay negative", 4, 4, 0xffff8000, SNTP_ROOT },
    };
    (void)state;
    for (int i = 0; i < COUNT(cases); i++) {
        uint8_t p[SNTP_LEN];
        struct sntp_reply r = { .stratum = 99 };

        print_message("%s\n", cases[i].fact);
        good_reply(p);
        for (int k = 0; k < cases[i].len; k++) {
            p[cases[i].at + k] = (uint8_t)(cases[i].put >> 8 * (cases[i].len - 1 - k));
        }
        assert_int_equal(sntp_parse(bytes_of(p, SNTP_LEN), COOKIE, &r), cases[i].want);
        assert_true((r.stratum == 99) == (cases[i].want != SNTP_OK));
        assert_true(strlen(sntp_verdict_text(cases[i].want)) > 0);
    }
}

static void test_short(void **state)
{
    uint8_t p[SNTP_LEN];
    struct sntp_reply r;

    (void)state;
    good_reply(p);
    for (size_t len = 0; len < SNTP_LEN; len++) {
        assert_int_equal(sntp_parse(bytes_of(p, len), COOKIE, &r), SNTP_SHORT);
    }
}

static void test_kod(void **state)
{
    static const struct {
        const char *id, *want;
    } cases[] = {
        { "DENY", "DENY" },
        { "RSTR", "RSTR" },
        { "RATE", "RATE" },
        { "\0\1\n ", "????" },
    };
    (void)state;
    for (int i = 0; i < COUNT(cases); i++) {
        uint8_t p[SNTP_LEN];
        struct sntp_reply r;

        good_reply(p);
        p[0] = 0xe4; /* as they come: leap 3 */
        p[1] = 0;
        memcpy(p + 12, cases[i].id, 4);
        assert_int_equal(sntp_parse(bytes_of(p, SNTP_LEN), COOKIE, &r), SNTP_KOD);
        assert_string_equal(r.kod, cases[i].want);
        /* A forged one without the cookie is none. */
        p[24] ^= 1;
        assert_int_equal(sntp_parse(bytes_of(p, SNTP_LEN), COOKIE, &r), SNTP_ORIGIN);
    }
}

static void test_era(void **state)
{
    static const struct {
        const char *fact;
        uint64_t ntp;
        int64_t want_s;
    } cases[] = {
        { "2026", NTP_2026 << 32, 1782864000 },
        { "last second of era 0", UINT64_C(0xffffffff) << 32, 2085978495 },
        { "first second of era 1", 0, 2085978496 },
        { "2050", UINT64_C(438134400) << 32, 2524112896 },
        { "2000", UINT64_C(3155673600) << 32, 946684800 },
        { "1970", UINT64_C(2208988800) << 32, 0 },
    };
    (void)state;
    for (int i = 0; i < COUNT(cases); i++) {
        print_message("%s\n", cases[i].fact);
        assert_int_equal(sntp_time_ns(cases[i].ntp), cases[i].want_s * NS_PER_S);
    }
    assert_int_equal(sntp_time_ns(NTP_2026 << 32 | UINT32_MAX), UTC_2026 + 999999999);
}

/* A reply that crosses into era 1 while the server holds it. */
static void test_era_crossing(void **state)
{
    uint8_t p[SNTP_LEN];
    struct sntp_reply r;

    (void)state;
    good_reply(p);
    store_be64(p + 32, UINT64_C(0xffffffffffffffff));
    store_be64(p + 40, UINT64_C(0x0000000000010000));
    assert_int_equal(sntp_parse(bytes_of(p, SNTP_LEN), COOKIE, &r), SNTP_OK);
    assert_true(r.t3_ns >= r.t2_ns && r.t3_ns - r.t2_ns < 100000);
}

/* Time 0 means "none", also where it would be an instant of 2036. */
static void test_no_receive_time(void **state)
{
    uint8_t p[SNTP_LEN];
    struct sntp_reply r;

    (void)state;
    good_reply(p);
    store_be64(p + 32, 0);
    store_be64(p + 40, UINT64_C(0x0000000100000000));
    assert_int_equal(sntp_parse(bytes_of(p, SNTP_LEN), COOKIE, &r), SNTP_TIMES);
    store_be64(p + 32, 1);
    assert_int_equal(sntp_parse(bytes_of(p, SNTP_LEN), COOKIE, &r), SNTP_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),      cmocka_unit_test(test_reply),
        cmocka_unit_test(test_checks),       cmocka_unit_test(test_short),
        cmocka_unit_test(test_kod),          cmocka_unit_test(test_era),
        cmocka_unit_test(test_era_crossing), cmocka_unit_test(test_no_receive_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
