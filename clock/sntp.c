/* SPDX-License-Identifier: MIT */
#include "clock/sntp.h"

#include <assert.h>
#include <string.h>

#include "base/time.h"

/* Offsets in the packet (RFC 5905 section 7.3). */
#define AT_STRATUM    1
#define AT_ROOT_DELAY 4
#define AT_ROOT_DISP  8
#define AT_REFERENCE  12
#define AT_ORIGIN     24
#define AT_RECEIVE    32
#define AT_TRANSMIT   40

#define MODE_CLIENT    3
#define MODE_SERVER    4
#define VERSION        4
#define LEAP_UNSYNCED  3
#define STRATUM_MAX    15
#define ROOT_NS_MAX    (1500 * NS_PER_MS)
#define SECONDS_1970   INT64_C(2208988800) /* since 1900 */
#define SECONDS_OF_ERA (INT64_C(1) << 32)

/* 2026-01-01 UTC.  Timestamps are taken to lie within 68 years of it. */
#define PIVOT_S INT64_C(1767225600)

void sntp_request(uint64_t cookie, uint8_t packet[static SNTP_LEN])
{
    assert(cookie != 0);
    memset(packet, 0, SNTP_LEN);
    packet[0] = VERSION << 3 | MODE_CLIENT;
    store_be64(packet + AT_TRANSMIT, cookie);
}

int64_t sntp_time_ns(uint64_t ntp)
{
    int64_t s = (int64_t)(ntp >> 32) - SECONDS_1970;
    int64_t ns = (int64_t)(((ntp & UINT32_MAX) * (uint64_t)NS_PER_S) >> 32);

    while (s < PIVOT_S - SECONDS_OF_ERA / 2) {
        s += SECONDS_OF_ERA;
    }
    return s * NS_PER_S + ns;
}

/* NTP short format: 16 bits of seconds, 16 of fraction. */
static int64_t short_ns(const uint8_t *p)
{
    return (int64_t)(((uint64_t)load_be32(p) * (uint64_t)NS_PER_S) >> 16);
}

static void read_kod(const uint8_t *p, char kod[static SNTP_KOD_LEN + 1])
{
    for (int i = 0; i < SNTP_KOD_LEN; i++) {
        kod[i] = (char)(p[i] > ' ' && p[i] <= '~' ? p[i] : '?');
    }
    kod[SNTP_KOD_LEN] = '\0';
}

/* Everything up to whether this is an answer to our request at all. */
static enum sntp_verdict check_origin(struct bytes packet, uint64_t cookie)
{
    int version;

    if (packet.len < SNTP_LEN) {
        return SNTP_SHORT;
    }
    version = packet.data[0] >> 3 & 7;
    if (version != VERSION && version != VERSION - 1) {
        return SNTP_VERSION;
    }
    if ((packet.data[0] & 7) != MODE_SERVER) {
        return SNTP_MODE;
    }
    return load_be64(packet.data + AT_ORIGIN) == cookie ? SNTP_OK : SNTP_ORIGIN;
}

enum sntp_verdict sntp_parse(struct bytes packet, uint64_t cookie, struct sntp_reply *out)
{
    enum sntp_verdict verdict = check_origin(packet, cookie);
    struct sntp_reply r = { .kod = "" };
    const uint8_t *p = packet.data;
    int leap;

    if (verdict != SNTP_OK) {
        return verdict;
    }
    leap = p[0] >> 6;
    r.stratum = p[AT_STRATUM];
    if (r.stratum == 0) {
        read_kod(p + AT_REFERENCE, out->kod);
        return SNTP_KOD;
    }
    if (leap == LEAP_UNSYNCED) {
        return SNTP_LEAP;
    }
    if (r.stratum > STRATUM_MAX) {
        return SNTP_STRATUM;
    }
    r.leap = (enum sntp_leap)leap;
    r.t2_ns = sntp_time_ns(load_be64(p + AT_RECEIVE));
    r.t3_ns = sntp_time_ns(load_be64(p + AT_TRANSMIT));
    if (load_be64(p + AT_RECEIVE) == 0 || load_be64(p + AT_TRANSMIT) == 0 ||
        r.t3_ns < r.t2_ns) {
        return SNTP_TIMES;
    }
    r.root_ns = short_ns(p + AT_ROOT_DELAY) / 2 + short_ns(p + AT_ROOT_DISP);
    if (r.root_ns > ROOT_NS_MAX) {
        return SNTP_ROOT;
    }
    *out = r;
    return SNTP_OK;
}

const char *sntp_verdict_text(enum sntp_verdict v)
{
    static const char *const texts[] = {
        [SNTP_OK] = "ok",
        [SNTP_SHORT] = "too short",
        [SNTP_VERSION] = "wrong version",
        [SNTP_MODE] = "no answer",
        [SNTP_ORIGIN] = "bad origin",
        [SNTP_KOD] = "kiss of death",
        [SNTP_LEAP] = "unsynchronised",
        [SNTP_STRATUM] = "bad stratum",
        [SNTP_TIMES] = "bad times",
        [SNTP_ROOT] = "root too far",
    };

    assert((int)v >= 0 && (int)v < COUNT(texts));
    return texts[v];
}
