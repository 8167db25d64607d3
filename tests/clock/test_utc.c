/* UTC from simulated NTP servers: manners, liars, votes, the system clock.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <math.h>

#include "base/time.h"
#include "clock/utc.h"
#include "tests/heap.h"

#define EPOCH_NS    (INT64_C(1767225600) * NS_PER_S)
#define POLLS_MAX   400
#define FLIGHT_MAX  32
#define SERVERS_MAX 5

struct server {
    int64_t lie_ns;   /* how far its clock is off … */
    int64_t lie_from; /* … from here on */
    int64_t up_ns, down_ns, jitter_ns;
    const char *kod; /* sent instead of the time, from kod_from on */
    int64_t kod_from;
    int64_t silent_from, silent_to;
    uint32_t root_dispersion; /* as in the packet: s * 65536 */
    int leap;
    int polls;
    int64_t polled_ns[POLLS_MAX];
};

struct flight {
    int64_t arrives_ns;
    int server;
    uint8_t packet[SNTP_LEN];
};

/* The world's time is the local raw clock; UTC runs 40 ppm slower. */
struct world {
    struct clock_params params;
    struct utc utc;
    struct rng rng;
    struct pool pool;
    struct heap heap;
    _Alignas(16) uint8_t memory[SERVERS_MAX * 16384];
    struct server servers[SERVERS_MAX];
    struct addr addrs[SERVERS_MAX];
    int count;
    int64_t now_ns;
    struct flight flights[FLIGHT_MAX];
    int flying;
    int64_t worst_ns; /* |error| of the estimate, while it is synchronised */
    int violations;   /* of its bound */
    int64_t first_ns; /* when it was first synchronised; -1: never */
};

static int64_t utc_of(int64_t raw_ns)
{
    return EPOCH_NS + raw_ns - raw_ns / 25000;
}

static uint64_t ntp_of(int64_t utc_ns)
{
    uint64_t s = (uint64_t)(utc_ns / NS_PER_S) + UINT64_C(2208988800);
    uint64_t f = ((uint64_t)(utc_ns % NS_PER_S) << 32) / (uint64_t)NS_PER_S;

    return s << 32 | f;
}

static void world_start(struct world *w, int count, uint64_t seed)
{
    struct utc_config config = { .servers = w->addrs, .count = count };

    memset(w, 0, sizeof(*w));
    w->params = clock_params_default();
    rng_seed(&w->rng, seed);
    pool_init(&w->pool, w->memory, sizeof(w->memory));
    heap_init(&w->heap, &w->pool);
    w->count = count;
    w->first_ns = -1;
    for (int i = 0; i < count; i++) {
        w->addrs[i] = (struct addr){ .ip = { 192, 0, 2, (uint8_t)(i + 1) },
                                     .port = SNTP_PORT,
                                     .len = 4 };
        w->servers[i].up_ns = 5 * NS_PER_MS + rng_below(&w->rng, 30 * NS_PER_MS);
        w->servers[i].down_ns = w->servers[i].up_ns;
        w->servers[i].jitter_ns = NS_PER_MS;
    }
    assert_int_equal(utc_init(&w->utc, &w->params, &config, &w->heap, &w->rng, 0), 0);
    utc_set_polling(&w->utc, true, 0);
}

static void respond(struct world *w, int i, const uint8_t *request)
{
    struct server *s = &w->servers[i];
    struct flight *f = &w->flights[w->flying];
    int64_t up = s->up_ns + rng_below(&w->rng, s->jitter_ns);
    int64_t down = s->down_ns + rng_below(&w->rng, s->jitter_ns);
    int64_t there = utc_of(w->now_ns + up) + (w->now_ns >= s->lie_from ? s->lie_ns : 0);

    assert_true(s->polls < POLLS_MAX);
    s->polled_ns[s->polls++] = w->now_ns;
    if (w->now_ns >= s->silent_from && w->now_ns < s->silent_to) {
        return;
    }
    assert_true(w->flying < FLIGHT_MAX);
    w->flying++;
    memset(f, 0, sizeof(*f));
    f->server = i;
    f->arrives_ns = w->now_ns + up + down;
    f->packet[0] = (uint8_t)(s->leap << 6 | 4 << 3 | 4);
    f->packet[1] = 2;
    store_be32(f->packet + 8, s->root_dispersion);
    memcpy(f->packet + 24, request + 40, 8);
    store_be64(f->packet + 32, ntp_of(there));
    store_be64(f->packet + 40, ntp_of(there + 20000));
    if (s->kod != NULL && w->now_ns >= s->kod_from) {
        f->packet[0] = 0xe4;
        f->packet[1] = 0;
        memcpy(f->packet + 12, s->kod, 4);
    }
}

static void judge(struct world *w)
{
    struct utc_estimate e;
    int64_t error;

    utc_estimate(&w->utc, w->now_ns, &e);
    if (!e.is_synchronised) {
        return;
    }
    if (w->first_ns < 0) {
        w->first_ns = w->now_ns;
    }
    error = llabs(clock_line_to_remote(&e.line, w->now_ns) - utc_of(w->now_ns));
    w->worst_ns = error > w->worst_ns ? error : w->worst_ns;
    w->violations += error > e.bound_ns;
}

static void deliver(struct world *w, int k)
{
    struct flight f = w->flights[k];

    w->flights[k] = w->flights[--w->flying];
    (void)utc_receive(&w->utc, &w->addrs[f.server], bytes_of(f.packet, SNTP_LEN),
                      w->now_ns, w->now_ns);
    judge(w);
}

/* Carry out all that happens before until_ns. */
static void run(struct world *w, int64_t until_ns)
{
    for (;;) {
        int64_t next_ns = utc_wake_ns(&w->utc);
        int first = -1;
        struct utc_request r;

        for (int k = 0; k < w->flying; k++) {
            if (w->flights[k].arrives_ns <= next_ns) {
                next_ns = w->flights[k].arrives_ns;
                first = k;
            }
        }
        if (next_ns >= until_ns) {
            break;
        }
        assert_true(next_ns >= w->now_ns);
        w->now_ns = next_ns;
        if (first >= 0) {
            deliver(w, first);
            continue;
        }
        judge(w);
        utc_wake(&w->utc, w->now_ns);
        while (utc_take_request(&w->utc, w->now_ns, &r)) {
            respond(w, r.to.ip[3] - 1, r.packet);
        }
        assert_true(utc_wake_ns(&w->utc) > w->now_ns);
    }
    w->now_ns = until_ns;
    judge(w);
}

static struct utc_estimate estimate(const struct world *w)
{
    struct utc_estimate e;

    utc_estimate(&w->utc, w->now_ns, &e);
    return e;
}

/* Policy A over a day: 4 polls 2 s apart, 64 s x 8, doubling each 8 polls to 1024 s. */
static void check_manners(uint64_t seed)
{
    static struct world w;

    world_start(&w, 4, seed);
    run(&w, 86400 * NS_PER_S);
    for (int i = 0; i < 4; i++) {
        const struct server *s = &w.servers[i];

        assert_true(s->polled_ns[0] < 200 * NS_PER_MS);
        assert_in_range(s->polls, 95, 115);
        for (int k = 1; k < s->polls; k++) {
            int64_t gap = s->polled_ns[k] - s->polled_ns[k - 1];
            int64_t rule = k < 4    ? 2
                           : k < 12 ? 64
                           : k < 20 ? 128
                           : k < 28 ? 256
                           : k < 36 ? 512
                                    : 1024;

            assert_true(gap >= rule * NS_PER_S);
            assert_true(gap <= rule * NS_PER_S * 11 / 10 + 1);
        }
    }
    assert_int_equal(w.violations, 0);
    assert_true(w.worst_ns < 10 * NS_PER_MS);
    assert_true(w.first_ns <= 5 * NS_PER_S);
    assert_int_equal(estimate(&w).state, CLOCK_LOCKED);
    assert_int_equal(estimate(&w).agreeing, 4);
    assert_true(estimate(&w).bound_ns < 100 * NS_PER_MS);
}

static void test_manners(void **state)
{
    (void)state;
    for_each_seed(5, check_manners);
}

/* A silent server is asked ever less often, and counts no more after 8 polls. */
static void test_silence(void **state)
{
    static struct world w;
    struct utc_source_info info;
    const struct server *s = &w.servers[2];

    (void)state;
    world_start(&w, 4, 1);
    w.servers[2].silent_to = INT64_MAX;
    w.servers[3].silent_from = 3600 * NS_PER_S;
    w.servers[3].silent_to = 30000 * NS_PER_S;
    run(&w, 3600 * NS_PER_S);
    for (int k = 4; k < s->polls; k++) {
        assert_true(s->polled_ns[k] - s->polled_ns[k - 1] >= 64 * NS_PER_S);
    }
    assert_in_range(s->polls, 8, 14);
    utc_source_info(&w.utc, 2, w.now_ns, &info);
    assert_int_equal(info.verdict, UTC_SOURCE_WAITING);
    assert_int_equal(info.reach, 0);
    assert_int_equal(estimate(&w).voting, 3);
    run(&w, 20000 * NS_PER_S);
    utc_source_info(&w.utc, 3, w.now_ns, &info);
    assert_int_equal(info.verdict, UTC_SOURCE_STALE);
    assert_int_equal(estimate(&w).voting, 2);
    run(&w, 40000 * NS_PER_S);
    utc_source_info(&w.utc, 3, w.now_ns, &info);
    assert_int_equal(info.verdict, UTC_SOURCE_OK);
    assert_int_equal(w.violations, 0);
}

/* Eight polls without an answer in the first minutes: no more votes from there. */
static void test_unreachable(void **state)
{
    static struct world w;
    struct utc_source_info info;

    (void)state;
    world_start(&w, 3, 1);
    w.servers[2].silent_from = 5 * NS_PER_S;
    w.servers[2].silent_to = INT64_MAX;
    run(&w, 400 * NS_PER_S);
    assert_int_equal(estimate(&w).voting, 3);
    run(&w, 3600 * NS_PER_S);
    assert_int_equal(estimate(&w).voting, 2);
    utc_source_info(&w.utc, 2, w.now_ns, &info);
    assert_int_equal(info.verdict, UTC_SOURCE_STALE);
}

/* A server that is far from its own reference has that much wider a bound. */
static void test_root_distance(void **state)
{
    static struct world w;
    struct utc_source_info info;

    (void)state;
    world_start(&w, 1, 1);
    w.servers[0].root_dispersion = 65536 / 2;
    run(&w, 60 * NS_PER_S);
    utc_source_info(&w.utc, 0, w.now_ns, &info);
    assert_true(info.bound_ns > 500 * NS_PER_MS);
    assert_true(estimate(&w).bound_ns > 500 * NS_PER_MS);
    assert_true(info.stats.bound_ns < 100 * NS_PER_MS);
}

static void test_kod(void **state)
{
    static const struct {
        const char *kod;
        bool stops;
    } cases[] = { { "DENY", true }, { "RSTR", true }, { "RATE", false } };

    (void)state;
    for (int i = 0; i < COUNT(cases); i++) {
        static struct world w;
        struct server *s = &w.servers[1];
        struct utc_source_info info;
        int64_t last = 0;

        print_message("%s\n", cases[i].kod);
        world_start(&w, 4, 1);
        s->kod = cases[i].kod;
        run(&w, 200000 * NS_PER_S);
        utc_source_info(&w.utc, 1, w.now_ns, &info);
        assert_string_equal(info.kod, cases[i].kod);
        assert_int_equal(info.packet, SNTP_KOD);
        if (cases[i].stops) {
            assert_int_equal(s->polls, 1);
            assert_int_equal(info.verdict, UTC_SOURCE_STOPPED);
        } else {
            /* No burst, and each interval twice the one before, to 16384 s. */
            for (int k = 1; k < s->polls; k++) {
                int64_t gap = s->polled_ns[k] - s->polled_ns[k - 1];

                assert_true(gap >= 128 * NS_PER_S);
                assert_true(gap >= time_min(last * 3 / 2, 16384 * NS_PER_S));
                last = gap;
            }
            assert_in_range(s->polls, 8, 25);
        }
        assert_int_equal(estimate(&w).voting, 3);
        assert_int_equal(w.violations, 0);
    }
}

static void test_liars(void **state)
{
    static const struct {
        const char *fact;
        int count;
        int64_t lies_ms[SERVERS_MAX];
        int64_t worst_ms; /* of our error */
        bool is_decided;
    } cases[] = {
        { "all honest", 4, { 0, 0, 0, 0 }, 6, true },
        { "one of four lies by a quarter second", 4, { 0, 250, 0, 0 }, 6, true },
        { "one of four lies by an hour", 4, { 0, 0, 0, -3600000 }, 6, true },
        { "two of four lie alike: nobody is believed", 4, { 0, 300, 300, 0 }, 0, false },
        { "two of five lie alike", 5, { 300, 0, 300, 0, 0 }, 6, true },
        { "one of three lies", 3, { 0, 0, -500 }, 6, true },
        { "one of two lies: nobody is believed", 2, { 0, 500 }, 0, false },
        { "a lie inside the bounds biases a little", 4, { 0, 10, 0, 0 }, 10, true },
        { "one alone is believed", 1, { 0 }, 6, true },
    };
    (void)state;
    for (int i = 0; i < COUNT(cases); i++) {
        static struct world w;

        print_message("%s\n", cases[i].fact);
        world_start(&w, cases[i].count, 3);
        for (int k = 0; k < cases[i].count; k++) {
            w.servers[k].lie_ns = cases[i].lies_ms[k] * NS_PER_MS;
        }
        run(&w, 4 * 3600 * NS_PER_S);
        assert_int_equal(w.violations, 0);
        assert_int_equal(w.first_ns >= 0, cases[i].is_decided);
        assert_int_equal(estimate(&w).state,
                         cases[i].is_decided ? CLOCK_LOCKED : CLOCK_UNSYNCED);
        assert_true(w.worst_ns <= cases[i].worst_ms * NS_PER_MS);
    }
}

/* Two of four begin to lie later: the last good answer is held over, and stays true. */
static void test_holdover(void **state)
{
    static struct world w;
    struct utc_source_info info;
    struct utc_estimate e;

    (void)state;
    world_start(&w, 4, 5);
    w.servers[0].lie_ns = w.servers[1].lie_ns = NS_PER_S;
    w.servers[0].lie_from = w.servers[1].lie_from = 2 * 3600 * NS_PER_S;
    run(&w, 2 * 3600 * NS_PER_S);
    assert_int_equal(estimate(&w).state, CLOCK_LOCKED);
    run(&w, 8 * 3600 * NS_PER_S);
    e = estimate(&w);
    assert_int_equal(e.state, CLOCK_HOLDOVER);
    assert_true(e.is_synchronised);
    assert_int_equal(w.violations, 0);
    assert_true(w.worst_ns < 100 * NS_PER_MS);
    utc_source_info(&w.utc, 0, w.now_ns, &info);
    assert_true(info.stats.resets > 0);
    /* One of them repents: three of four decide. */
    w.servers[1].lie_ns = 0;
    run(&w, 14 * 3600 * NS_PER_S);
    assert_int_equal(estimate(&w).state, CLOCK_LOCKED);
    utc_source_info(&w.utc, 0, w.now_ns, &info);
    assert_int_equal(info.verdict, UTC_SOURCE_FALSE);
    assert_true(llabs(info.offset_ns - NS_PER_S) < 50 * NS_PER_MS);
    assert_int_equal(w.violations, 0);
}

static void test_os(void **state)
{
    static struct world w;
    struct utc_estimate e;

    (void)state;
    /* Nothing else: an undisciplined system clock is better than nothing, and says so. */
    world_start(&w, 0, 1);
    run(&w, NS_PER_S);
    assert_false(estimate(&w).line.is_valid);
    assert_int_equal(utc_wake_ns(&w.utc), TIME_NEVER);
    utc_set_os(&w.utc, w.now_ns, utc_of(w.now_ns) + 7 * NS_PER_S, NS_PER_S, false);
    e = estimate(&w);
    assert_true(e.line.is_valid);
    assert_false(e.is_synchronised);
    assert_int_equal(e.state, CLOCK_UNSYNCED);
    assert_true(e.bound_ns >= 3600 * NS_PER_S);
    /* It is disciplined now: a source with its bound, and its rate is learnt. */
    for (int i = 0; i < 10; i++) {
        run(&w, w.now_ns + 60 * NS_PER_S);
        utc_set_os(&w.utc, w.now_ns, utc_of(w.now_ns) + NS_PER_MS, 5 * NS_PER_MS, true);
    }
    e = estimate(&w);
    assert_int_equal(e.state, CLOCK_LOCKED);
    assert_int_equal(e.bound_ns, 5 * NS_PER_MS);
    assert_true(llabs(e.line.rate_ppt + 40 * PPT_PER_PPM) < PPT_PER_PPM);
    assert_int_equal(w.violations, 0);
    /* The driver reads it no more: held over. */
    run(&w, w.now_ns + 700 * NS_PER_S);
    assert_int_equal(estimate(&w).state, CLOCK_HOLDOVER);
    assert_int_equal(w.violations, 0);
}

/* A system clock that lies is outvoted like any other, and a step of it harms nobody. */
static void test_os_outvoted(void **state)
{
    static struct world w;

    (void)state;
    world_start(&w, 3, 1);
    run(&w, 600 * NS_PER_S);
    utc_set_os(&w.utc, w.now_ns, utc_of(w.now_ns) + NS_PER_S, NS_PER_MS, true);
    assert_int_equal(estimate(&w).voting, 4);
    assert_int_equal(estimate(&w).agreeing, 3);
    assert_int_equal(estimate(&w).state, CLOCK_LOCKED);
    run(&w, 660 * NS_PER_S);
    utc_set_os(&w.utc, w.now_ns, utc_of(w.now_ns) - 1000 * NS_PER_S, NS_PER_MS, true);
    run(&w, 720 * NS_PER_S);
    utc_set_os(&w.utc, w.now_ns, utc_of(w.now_ns), NS_PER_MS, true);
    assert_int_equal(estimate(&w).agreeing, 4);
    assert_true(estimate(&w).bound_ns < 2 * NS_PER_MS);
    assert_int_equal(w.violations, 0);
}

/* No answer is published before all sources have answered, or four seconds. */
static void test_first_answer(void **state)
{
    static struct world w;

    (void)state;
    world_start(&w, 4, 1);
    w.servers[0].lie_ns = 10 * NS_PER_S; /* the quickest answers first, and lies */
    w.servers[0].up_ns = w.servers[0].down_ns = 1000;
    w.servers[1].silent_to = w.servers[2].silent_to = w.servers[3].silent_to = 3 *
                                                                               NS_PER_S;
    run(&w, 3900 * NS_PER_MS);
    assert_false(estimate(&w).line.is_valid);
    world_start(&w, 4, 1);
    w.servers[1].silent_to = w.servers[2].silent_to = w.servers[3].silent_to = INT64_MAX;
    run(&w, 3900 * NS_PER_MS);
    assert_false(estimate(&w).line.is_valid);
    run(&w, 4100 * NS_PER_MS);
    assert_true(estimate(&w).is_synchronised);
}

static void test_strangers(void **state)
{
    static struct world w;
    struct addr other = { .ip = { 203, 0, 113, 9 }, .port = SNTP_PORT, .len = 4 };
    struct utc_request r;
    uint8_t packet[SNTP_LEN];

    (void)state;
    world_start(&w, 1, 1);
    w.now_ns = NS_PER_S;
    assert_true(utc_take_request(&w.utc, w.now_ns, &r));
    assert_false(utc_take_request(&w.utc, w.now_ns, &r));
    respond(&w, 0, r.packet);
    packet[0] = w.flights[0].packet[0];
    /* From elsewhere, or with another cookie: ignored, and the request stays open. */
    assert_false(utc_receive(&w.utc, &other, bytes_of(w.flights[0].packet, SNTP_LEN),
                             w.now_ns + 80 * NS_PER_MS, w.now_ns));
    memcpy(packet, w.flights[0].packet, SNTP_LEN);
    packet[24] ^= 1;
    assert_false(utc_receive(&w.utc, &r.to, bytes_of(packet, SNTP_LEN),
                             w.now_ns + 80 * NS_PER_MS, w.now_ns));
    packet[24] ^= 1;
    assert_true(utc_receive(&w.utc, &r.to, bytes_of(packet, SNTP_LEN),
                            w.now_ns + 80 * NS_PER_MS, w.now_ns));
    /* Once. */
    assert_false(utc_receive(&w.utc, &r.to, bytes_of(packet, SNTP_LEN),
                             w.now_ns + 81 * NS_PER_MS, w.now_ns));
}

/* What the last run learnt of the crystal spares the minute in which nobody is asked: and
 * damage on the disk is no knowledge. */
static void test_remembered_rate(void **state)
{
    static const struct clock_prior damaged[] = {
        { 0, 0 },
        { 0, -5 },
        { 0, INT64_MAX },
        { INT64_MIN, PPT_PER_PPM },
        { 451 * PPT_PER_PPM, PPT_PER_PPM },
    };
    struct clock_prior good = { -40 * PPT_PER_PPM, 1000 };
    static struct world w;
    int64_t worst[2];

    (void)state;
    for (int k = 0; k < 2; k++) {
        world_start(&w, 4, 3);
        if (k == 1) {
            utc_set_prior(&w.utc, &good);
        }
        for (int i = 0; i < COUNT(damaged); i++) {
            utc_set_prior(&w.utc, &damaged[i]);
        }
        run(&w, 8 * NS_PER_S);
        w.worst_ns = 0;
        run(&w, 64 * NS_PER_S);
        worst[k] = w.worst_ns;
        assert_int_equal(w.violations, 0);
        /* A run of its own knows better than any memory. */
        utc_set_prior(&w.utc, &(struct clock_prior){ 200 * PPT_PER_PPM, 1000 });
        w.worst_ns = 0;
        run(&w, 72 * NS_PER_S);
        assert_true(w.worst_ns <= worst[k] + NS_PER_MS);
    }
    print_message("worst error between two polls: %lld us, with memory %lld us\n",
                  (long long)(worst[0] / 1000), (long long)(worst[1] / 1000));
    assert_true(worst[1] < worst[0] / 2 && worst[1] < NS_PER_MS);
}

/* After a suspend nothing of the old offset is left, and the rules still hold. */
static void test_resume(void **state)
{
    static struct world w;
    struct clock_prior prior;
    int polls;

    (void)state;
    world_start(&w, 4, 1);
    run(&w, 7200 * NS_PER_S);
    assert_true(utc_prior(&w.utc, &prior));
    assert_true(llabs(prior.rate_ppt + 40 * PPT_PER_PPM) < 2 * PPT_PER_PPM);
    utc_resume(&w.utc, w.now_ns);
    assert_false(estimate(&w).line.is_valid);
    polls = w.servers[0].polls;
    run(&w, w.now_ns + 90 * NS_PER_S);
    assert_int_equal(estimate(&w).state, CLOCK_LOCKED);
    assert_in_range(w.servers[0].polls, polls + 4, polls + 5);
    utc_resume(&w.utc, w.now_ns);
    run(&w, w.now_ns + 10 * NS_PER_S);
    for (int i = 0; i < 4; i++) {
        const struct server *s = &w.servers[i];

        for (int k = 4; k < s->polls; k++) {
            int64_t gap = s->polled_ns[k] - s->polled_ns[k - 1];

            assert_true(gap >= 64 * NS_PER_S || (k > polls && k < polls + 4));
        }
    }
    assert_int_equal(w.violations, 0);
}

/* Who need not ask does not; who begins again asks with a burst. */
static void test_polling(void **state)
{
    static struct world w;
    int polls;

    (void)state;
    world_start(&w, 4, 1);
    run(&w, 1000 * NS_PER_S);
    utc_set_polling(&w.utc, false, w.now_ns);
    polls = w.servers[0].polls;
    run(&w, 30000 * NS_PER_S);
    assert_int_equal(w.servers[0].polls, polls);
    assert_int_equal(estimate(&w).state, CLOCK_HOLDOVER);
    utc_set_polling(&w.utc, true, w.now_ns);
    run(&w, 30010 * NS_PER_S);
    assert_int_equal(w.servers[0].polls, polls + 4);
    assert_int_equal(estimate(&w).state, CLOCK_LOCKED);
    assert_int_equal(w.violations, 0);
}

static void test_leap(void **state)
{
    static struct world w;

    (void)state;
    world_start(&w, 4, 1);
    w.servers[0].leap = w.servers[1].leap = SNTP_LEAP_INSERT;
    run(&w, 100 * NS_PER_S);
    assert_int_equal(estimate(&w).leap, SNTP_LEAP_NONE);
    w.servers[2].leap = SNTP_LEAP_INSERT;
    run(&w, 300 * NS_PER_S);
    assert_int_equal(estimate(&w).leap, SNTP_LEAP_INSERT);
}

static void test_init(void **state)
{
    struct clock_params params = clock_params_default();
    struct addr addrs[UTC_SOURCES_MAX + 1] = { { .len = 4, .port = 1 },
                                               { .len = 4, .port = 2 },
                                               { .len = 4, .port = 1 } };
    struct utc_config config = { .servers = addrs, .count = 3 };
    struct rng rng;
    struct utc u;

    (void)state;
    rng_seed(&rng, 1);
    assert_int_equal(utc_init(&u, &params, &config, test_heap(), &rng, 0), 0);
    assert_int_equal(u.count, 2); /* each once */
    utc_finish(&u, test_heap());
    assert_int_equal(test_heap()->used, 0);
    config.count = UTC_SOURCES_MAX + 1;
    assert_int_equal(utc_init(&u, &params, &config, test_heap(), &rng, 0), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manners),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_kod),
        cmocka_unit_test(test_liars),
        cmocka_unit_test(test_holdover),
        cmocka_unit_test(test_os),
        cmocka_unit_test(test_os_outvoted),
        cmocka_unit_test(test_first_answer),
        cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_remembered_rate),
        cmocka_unit_test(test_polling),
        cmocka_unit_test(test_leap),
        cmocka_unit_test(test_init),
        cmocka_unit_test(test_unreachable),
        cmocka_unit_test(test_root_distance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
