/* SNTP version 4 packets, as a client needs them (RFC 4330, RFC 5905).
 *
 * The transmit timestamp of a request is a random cookie: the reply has to return it, so
 * that nobody off the path can answer, and nothing of our clock is given away.  Every
 * check of RFC 4330 section 5 and RFC 5905 section 8 is made here.
 * SPDX-License-Identifier: MIT */
#ifndef CLOCK_SNTP_H
#define CLOCK_SNTP_H

#include <stdint.h>

#include "base/bytes.h"

#define SNTP_LEN     48
#define SNTP_KOD_LEN 4
#define SNTP_PORT    123

/* Why a packet was taken or not.  The checks are made in this order. */
enum sntp_verdict {
    SNTP_OK,
    SNTP_SHORT,   /* fewer than 48 bytes */
    SNTP_VERSION, /* neither 3 nor 4 */
    SNTP_MODE,    /* no server's answer */
    SNTP_ORIGIN,  /* the cookie is not ours */
    SNTP_KOD,     /* kiss of death: kod says which */
    SNTP_LEAP,    /* leap indicator 3: the server is not synchronised */
    SNTP_STRATUM, /* not 1..15 */
    SNTP_TIMES,   /* no transmit or receive time, or sent before it was received */
    SNTP_ROOT     /* the server is farther than 1.5 s from its reference */
};

enum sntp_leap { SNTP_LEAP_NONE, SNTP_LEAP_INSERT, SNTP_LEAP_DELETE };

struct sntp_reply {
    enum sntp_leap leap;
    int stratum;
    char
        kod[SNTP_KOD_LEN + 1]; /* printable ASCII; empty unless the verdict is SNTP_KOD */
    int64_t root_ns;           /* root delay / 2 + root dispersion */
    int64_t t2_ns;             /* request received, UTC since 1970 */
    int64_t t3_ns;             /* reply sent, UTC since 1970 */
};

/* Write a request that carries the cookie, which must not be 0. */
void sntp_request(uint64_t cookie, uint8_t packet[static SNTP_LEN]);

/* Read and check a reply.  On SNTP_OK all of out but kod is set; on SNTP_KOD kod alone
 * is; otherwise out is untouched.  Bytes behind the first 48 are ignored. */
enum sntp_verdict sntp_parse(struct bytes packet, uint64_t cookie,
                             struct sntp_reply *out);

/* Nanoseconds since 1970 of a 64-bit NTP timestamp, taken in the era of 136 years that
 * lies around 2026, so that 2036 is passed without harm. */
int64_t sntp_time_ns(uint64_t ntp);

/* "ok", "bad origin" …: one or two words. */
const char *sntp_verdict_text(enum sntp_verdict v);

#endif
