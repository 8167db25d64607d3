/* SPDX-License-Identifier: MIT */
#include "daemon/clockwork.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/timex.h>

#include "base/time.h"

#define NAP_MIN_NS  (10 * NS_PER_MS) /* what is less is no sleep */
#define START_TRIES 10

/* RAW and REAL read together are good to half of this, or the best of so many tries. */
#define BRACKET_NS    1000
#define BRACKET_TRIES 8

/* Read a decimal number as value * 10^places; the byte behind it, or NULL. */
static const char *read_fixed(const char *s, int places, int64_t *value)
{
    bool is_negative = *s == '-';
    int64_t v = 0;
    int digits = 0;

    if (*s == '-' || *s == '+')
        s++;
    for (; *s >= '0' && *s <= '9' && digits < 12; s++, digits++)
        v = v * 10 + (*s - '0');
    if (digits == 0)
        return NULL;
    if (*s == '.' && places > 0)
        s++;
    else if (*s == '.')
        return NULL;
    for (; places > 0; places--) {
        int digit = *s >= '0' && *s <= '9' ? *s++ - '0' : 0;

        v = v * 10 + digit;
    }
    *value = is_negative ? -v : v;
    return s;
}

static bool within(int64_t value, int64_t limit)
{
    return value >= -limit && value <= limit;
}

int clockwork_parse(const char *text, struct clockwork *c)
{
    struct clockwork out = { 0 };
    bool has_ppm = false;
    bool has_offset = false;
    bool has_stop = false;
    const char *s = text;

    for (;;) {
        int64_t value;

        if (strncmp(s, "ppm=", 4) == 0 && !has_ppm) {
            s = read_fixed(s + 4, 3, &value);
            if (s == NULL || !within(value, CLOCKWORK_PPM_MAX * INT64_C(1000)))
                return ERR_USAGE;
            out.rate_ppb = value;
            has_ppm = true;
        } else if (strncmp(s, "offset_ms=", 10) == 0 && !has_offset) {
            s = read_fixed(s + 10, 0, &value);
            if (s == NULL || !within(value, CLOCKWORK_OFFSET_MS_MAX))
                return ERR_USAGE;
            out.offset_ns = value * NS_PER_MS;
            has_offset = true;
        } else if (strncmp(s, "stop_ms=", 8) == 0 && !has_stop) {
            s = read_fixed(s + 8, 0, &value);
            if (s == NULL || !within(value, CLOCKWORK_STOP_NS / NS_PER_MS))
                return ERR_USAGE;
            out.stop_ns = value * NS_PER_MS;
            has_stop = true;
        } else {
            return ERR_USAGE;
        }
        if (*s == '\0')
            break;
        if (*s++ != ',')
            return ERR_USAGE;
    }
    *c = out;
    return 0;
}

int64_t clockwork_of_raw(const struct clockwork *c, int64_t raw_ns)
{
    return raw_ns + atomic_load(&c->slept_ns) + c->offset_ns +
           mul_div(raw_ns, c->rate_ppb, NS_PER_S);
}

static int64_t timespec_ns(const struct timespec *t)
{
    return (int64_t)t->tv_sec * NS_PER_S + t->tv_nsec;
}

static int64_t read_clock(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return timespec_ns(&t);
}

/* BOOTTIME less MONOTONIC, which changes while the machine sleeps and at no other time.
 * False when there is no such clock, or when we were interrupted between the two. */
static bool read_apart(int64_t *apart_ns)
{
    struct timespec boot;
    int64_t before = read_clock(CLOCK_MONOTONIC);
    int64_t after;

    if (clock_gettime(CLOCK_BOOTTIME, &boot) != 0)
        return false;
    after = read_clock(CLOCK_MONOTONIC);
    *apart_ns = timespec_ns(&boot) - before - (after - before) / 2;
    return after - before < NAP_MIN_NS / 2;
}

void clockwork_start(struct clockwork *c)
{
    int64_t apart_ns;

    for (int i = 0; i < START_TRIES; i++) {
        if (read_apart(&apart_ns)) {
            c->apart_ns = apart_ns;
            break;
        }
    }
    atomic_store(&c->seen_ns, read_clock(CLOCK_MONOTONIC_RAW));
}

/* Several threads may see it; the first of them counts it. */
static void add_nap(struct clockwork *c, int64_t known_ns, int64_t slept_ns)
{
    if (atomic_compare_exchange_strong(&c->slept_ns, &known_ns, slept_ns))
        atomic_fetch_add(&c->naps, 1);
}

static void look_for_nap(struct clockwork *c, int64_t raw_ns)
{
    int64_t known_ns = atomic_load(&c->slept_ns);
    int64_t apart_ns;

    if (c->stop_ns != 0) {
        if (raw_ns - atomic_exchange(&c->seen_ns, raw_ns) >= CLOCKWORK_STOP_NS)
            add_nap(c, known_ns, known_ns + c->stop_ns);
        return;
    }
    if (read_apart(&apart_ns) && apart_ns - c->apart_ns - known_ns >= NAP_MIN_NS)
        add_nap(c, known_ns, apart_ns - c->apart_ns);
}

int64_t clockwork_now(struct clockwork *c)
{
    int64_t raw_ns = read_clock(CLOCK_MONOTONIC_RAW);

    look_for_nap(c, raw_ns);
    return clockwork_of_raw(c, raw_ns);
}

uint32_t clockwork_naps(const struct clockwork *c)
{
    return atomic_load(&c->naps);
}

bool clockwork_stamp_to_raw(int64_t stamp_ns, int64_t real_ns, int64_t raw_ns,
                            int64_t *out)
{
    int64_t age;

    if (__builtin_sub_overflow(real_ns, stamp_ns, &age) || age < 0 ||
        age > CLOCKWORK_STAMP_AGE_MAX_NS)
        return false;
    *out = raw_ns - age;
    return true;
}

/* RAW, REAL, RAW: the middle of the two raw readings belongs to the real one.  Who is
 * interrupted between them tries again: half of what lies between them is the error, and
 * one that is early by it would tell of a round trip that never was so short. */
static void bracket(struct clockwork *c, int64_t *raw_ns, int64_t *real_ns)
{
    int64_t apart = INT64_MAX;
    int64_t after = read_clock(CLOCK_MONOTONIC_RAW);

    for (int i = 0; i < BRACKET_TRIES && apart > BRACKET_NS; i++) {
        int64_t before = after;
        int64_t real = read_clock(CLOCK_REALTIME);

        after = read_clock(CLOCK_MONOTONIC_RAW);
        if (after - before < apart) {
            apart = after - before;
            *raw_ns = before + apart / 2;
            *real_ns = real;
        }
    }
    look_for_nap(c, after);
}

bool clockwork_of_stamp(struct clockwork *c, const struct timespec *stamp,
                        int64_t earliest_ns, int64_t *out)
{
    int64_t raw_ns;
    int64_t real_ns;
    int64_t local_ns;

    bracket(c, &raw_ns, &real_ns);
    if (!clockwork_stamp_to_raw(timespec_ns(stamp), real_ns, raw_ns, &raw_ns))
        return false;
    local_ns = clockwork_of_raw(c, raw_ns);
    if (local_ns < earliest_ns)
        return false;
    *out = local_ns;
    return true;
}

void clockwork_ask_system(struct clockwork *c, struct clockwork_system *s)
{
    struct timex tx;
    int state;
    int64_t raw_ns;

    memset(&tx, 0, sizeof(tx)); /* modes = 0: ask, change nothing */
    state = adjtimex(&tx);
    bracket(c, &raw_ns, &s->utc_ns);
    s->local_ns = clockwork_of_raw(c, raw_ns);
    s->is_synchronised = state >= 0 && state != TIME_ERROR && !(tx.status & STA_UNSYNC);
    s->bound_ns = s->is_synchronised ? (int64_t)tx.maxerror * NS_PER_US : 0;
}
