/* SPDX-License-Identifier: MIT */
#include "clock/utc.h"

#include <assert.h>
#include <string.h>

#include "base/time.h"

#define REVIEW_NS     (64 * NS_PER_S)
#define OS_RATE_NS    (16 * NS_PER_S) /* readings closer than this tell no rate */
#define OS_BASE_NS    (600 * NS_PER_S)
#define OS_STEP_NS    (2 * NS_PER_MS)
#define OS_RATE_MAX   (500 * PPT_PER_PPM)
#define OS_GROWTH_PPT (15 * PPT_PER_PPM)

static bool has_server(const struct utc *u, const struct addr *addr)
{
    for (int i = 0; i < u->count; i++) {
        if (addr_equal(&u->sources[i].addr, addr)) {
            return true;
        }
    }
    return false;
}

int utc_init(struct utc *u, const struct clock_params *params,
             const struct utc_config *config, struct heap *heap, struct rng *rng,
             int64_t now_ns)
{
    uint64_t seed;

    memset(u, 0, sizeof(*u));
    if (config->count < 0 || config->count > UTC_SOURCES_MAX) {
        return ERR_LIMIT;
    }
    u->params = params;
    u->start_ns = now_ns;
    u->review_ns = TIME_NEVER;
    seed = rng_next(rng);
    if (config->count == 0) {
        return 0;
    }
    u->rng = heap_take(heap, 1, sizeof(*u->rng));
    rng_seed(u->rng, seed);
    for (int i = 0; i < config->count; i++) {
        /* Nobody is asked twice, nor has two votes. */
        if (!has_server(u, &config->servers[i])) {
            u->sources = heap_resize(heap, u->sources, (size_t)u->count,
                                     (size_t)u->count + 1, sizeof(*u->sources));
            source_init(&u->sources[u->count], params, heap, &config->servers[i],
                        config->prior);
            source_start(&u->sources[u->count], u->rng, now_ns);
            u->count++;
        }
    }
    return 0;
}

void utc_finish(struct utc *u, struct heap *heap)
{
    for (int i = 0; i < u->count; i++) {
        source_finish(&u->sources[i]);
    }
    heap_give(heap, u->sources, (size_t)u->count, sizeof(*u->sources));
    heap_give(heap, u->rng, 1, sizeof(*u->rng));
}

static bool os_votes(const struct utc *u, int64_t now_ns)
{
    const struct utc_os *os = &u->os;

    return os->has_line && os->is_synchronised &&
           now_ns - os->line.local_ns <= u->params->os_age_max_ns;
}

struct ballot {
    int count;
    uint32_t names[SELECT_MAX]; /* bit of utc.chosen that stands for the voter */
    struct clock_line lines[SELECT_MAX];
    int64_t at_ns[SELECT_MAX];
    int64_t bound_ns[SELECT_MAX];
};

static void add_vote(struct ballot *b, int name, const struct clock_line *line,
                     int64_t now_ns)
{
    assert(b->count < SELECT_MAX);
    b->names[b->count] = UINT32_C(1) << name;
    b->lines[b->count] = *line;
    b->at_ns[b->count] = clock_line_to_remote(line, now_ns);
    b->bound_ns[b->count] = clock_line_bound_at(line, now_ns);
    b->count++;
}

static void collect(const struct utc *u, int64_t now_ns, struct ballot *b)
{
    b->count = 0;
    for (int i = 0; i < u->count; i++) {
        struct clock_line line;

        if (source_is_usable(&u->sources[i], now_ns)) {
            source_line(&u->sources[i], &line);
            add_vote(b, i, &line, now_ns);
        }
    }
    if (os_votes(u, now_ns)) {
        add_vote(b, u->count, &u->os.line, now_ns);
    }
}

/* Liars that answer first could not be told from the truth, so the first answer waits for
 * all the sources, or a little while. */
static bool is_too_early(const struct utc *u, int voting, int64_t now_ns)
{
    bool was_decided = u->line.is_valid && !u->is_last_resort;
    int wanted = u->count + (os_votes(u, now_ns) ? 1 : 0);

    return !was_decided && voting < wanted &&
           now_ns - u->start_ns < u->params->utc_first_wait_ns;
}

/* The offset is what they agree upon; the rate is that of whoever knows it best. */
static void elect(struct utc *u, const struct ballot *b, const struct select_choice *c,
                  int64_t now_ns)
{
    const struct clock_line *best = NULL;

    u->chosen = 0;
    for (int i = 0; i < b->count; i++) {
        if ((c->chosen >> i & 1) == 0) {
            continue;
        }
        u->chosen |= b->names[i];
        if (best == NULL || b->lines[i].bound_ppt < best->bound_ppt) {
            best = &b->lines[i];
        }
    }
    assert(best != NULL);
    u->line = (struct clock_line){
        .local_ns = now_ns,
        .remote_ns = c->mean_ns,
        .rate_ppt = best->rate_ppt,
        .sigma_ns = time_min(clock_line_sigma_at(best, now_ns), c->bound_ns),
        .bound_ns = c->bound_ns,
        .sigma_ppt = best->sigma_ppt,
        .bound_ppt = best->bound_ppt,
        .is_valid = true,
    };
    u->agreeing = c->agreeing;
    u->is_last_resort = false;
}

/* A leap second is honoured only when most of the chosen servers announce it. */
static enum sntp_leap count_leap(const struct utc *u)
{
    int votes[SNTP_LEAP_DELETE + 1] = { 0 };
    int servers = 0;

    for (int i = 0; i < u->count; i++) {
        if ((u->chosen >> i & 1) != 0) {
            servers++;
            votes[u->sources[i].leap]++;
        }
    }
    for (int leap = SNTP_LEAP_INSERT; leap <= SNTP_LEAP_DELETE; leap++) {
        if (2 * votes[leap] > servers) {
            return (enum sntp_leap)leap;
        }
    }
    return SNTP_LEAP_NONE;
}

static void review(struct utc *u, int64_t now_ns)
{
    struct ballot b;
    struct select_choice choice;
    int64_t first_ns = u->start_ns + u->params->utc_first_wait_ns;

    u->review_ns = now_ns < first_ns ? first_ns : now_ns + REVIEW_NS;
    if (u->count == 0 && !u->os.has_line) {
        u->review_ns = TIME_NEVER;
    }
    collect(u, now_ns, &b);
    u->voting = b.count;
    u->is_decided = false;
    if (is_too_early(u, b.count, now_ns)) {
        return;
    }
    if (select_majority(b.at_ns, b.bound_ns, b.count, &choice)) {
        elect(u, &b, &choice, now_ns);
        u->leap = count_leap(u);
        u->is_decided = true;
    } else if (u->os.has_line && (!u->line.is_valid || u->is_last_resort)) {
        u->line = u->os.line;
        u->line.bound_ns = u->params->os_unsynced_ns;
        u->is_last_resort = true;
        u->agreeing = 0;
        u->chosen = 0;
    }
}

void utc_set_prior(struct utc *u, const struct clock_prior *prior)
{
    int64_t rate_max_ppt = (int64_t)(u->params->rate_max * 1e12);
    int64_t least_ppt = (int64_t)(u->params->resume_sd * 1e12);
    struct clock_prior p = *prior;

    if (p.rate_ppt > rate_max_ppt || p.rate_ppt < -rate_max_ppt || p.sd_ppt <= 0 ||
        p.sd_ppt > rate_max_ppt) {
        return;
    }
    p.sd_ppt = p.sd_ppt < least_ppt ? least_ppt : p.sd_ppt;
    for (int i = 0; i < u->count; i++) {
        clock_filter_set_prior(&u->sources[i].filter, &p);
    }
}

void utc_set_polling(struct utc *u, bool is_polling, int64_t now_ns)
{
    if (is_polling && !u->is_polling) {
        for (int i = 0; i < u->count; i++) {
            if (u->sources[i].wake_ns <= now_ns) {
                source_start(&u->sources[i], u->rng, now_ns);
            }
        }
        u->start_ns = now_ns;
        u->review_ns = now_ns;
    }
    u->is_polling = is_polling;
}

/* The rate of the system clock is measured between its readings; a step starts anew. */
static void learn_os_rate(struct utc_os *os, int64_t now_ns, int64_t os_utc_ns)
{
    int64_t span_ns = now_ns - os->base_local_ns;
    int64_t moved_ns;

    if (span_ns < OS_RATE_NS) {
        return;
    }
    moved_ns = os_utc_ns - os->base_utc_ns - span_ns;
    os->line.rate_ppt = mul_div(moved_ns, PPT_ONE, span_ns);
    if (os->line.rate_ppt > OS_RATE_MAX || os->line.rate_ppt < -OS_RATE_MAX) {
        os->line.rate_ppt = os->line.rate_ppt > 0 ? OS_RATE_MAX : -OS_RATE_MAX;
    }
    os->has_rate = true;
    if (span_ns > OS_BASE_NS) {
        os->base_local_ns = now_ns;
        os->base_utc_ns = os_utc_ns;
    }
}

static bool os_has_stepped(const struct utc_os *os, int64_t now_ns, int64_t os_utc_ns)
{
    int64_t guess_ns = clock_line_to_remote(&os->line, now_ns);
    int64_t slack_ns = OS_STEP_NS +
                       mul_div(now_ns - os->line.local_ns, OS_RATE_MAX, PPT_ONE);

    return os_utc_ns > guess_ns + slack_ns || os_utc_ns < guess_ns - slack_ns;
}

void utc_set_os(struct utc *u, int64_t now_ns, int64_t os_utc_ns, int64_t bound_ns,
                bool is_synchronised)
{
    struct utc_os *os = &u->os;

    assert(bound_ns >= 0);
    if (!os->has_line || now_ns <= os->line.local_ns ||
        os_has_stepped(os, now_ns, os_utc_ns)) {
        *os = (struct utc_os){ .base_local_ns = now_ns, .base_utc_ns = os_utc_ns };
    } else {
        learn_os_rate(os, now_ns, os_utc_ns);
    }
    os->has_line = true;
    os->is_synchronised = is_synchronised;
    os->line = (struct clock_line){
        .local_ns = now_ns,
        .remote_ns = os_utc_ns,
        .rate_ppt = os->line.rate_ppt,
        .sigma_ns = bound_ns,
        .bound_ns = bound_ns,
        .sigma_ppt = OS_GROWTH_PPT,
        .bound_ppt = os->has_rate ? OS_GROWTH_PPT : OS_RATE_MAX,
        .is_valid = true,
    };
    review(u, now_ns);
}

void utc_resume(struct utc *u, int64_t now_ns)
{
    for (int i = 0; i < u->count; i++) {
        source_resume(&u->sources[i], u->rng, now_ns);
    }
    u->os = (struct utc_os){ .has_line = false };
    u->line = (struct clock_line){ .is_valid = false };
    u->is_last_resort = false;
    u->is_decided = false;
    u->agreeing = 0;
    u->chosen = 0;
    u->start_ns = now_ns;
    u->review_ns = now_ns;
}

int64_t utc_wake_ns(const struct utc *u)
{
    int64_t wake_ns = u->review_ns;

    for (int i = 0; u->is_polling && i < u->count; i++) {
        wake_ns = time_min(wake_ns, u->sources[i].wake_ns);
    }
    return wake_ns;
}

void utc_wake(struct utc *u, int64_t now_ns)
{
    if (now_ns >= u->review_ns) {
        review(u, now_ns);
    }
}

bool utc_take_request(struct utc *u, int64_t now_ns, struct utc_request *out)
{
    for (int i = 0; u->is_polling && i < u->count; i++) {
        if (source_take(&u->sources[i], u->rng, now_ns, out->packet)) {
            out->to = u->sources[i].addr;
            out->source = i;
            out->number = (uint32_t)u->sources[i].sent_count;
            return true;
        }
    }
    return false;
}

void utc_set_sent(struct utc *u, int source, uint32_t number, int64_t tx_ns)
{
    if (source >= 0 && source < u->count) {
        source_set_sent(&u->sources[source], number, tx_ns);
    }
}

bool utc_receive(struct utc *u, const struct addr *from, struct bytes packet,
                 int64_t rx_ns, int64_t now_ns)
{
    for (int i = 0; i < u->count; i++) {
        struct ntp_source *s = &u->sources[i];

        if (addr_equal(&s->addr, from) && source_receive(s, packet, rx_ns, now_ns)) {
            review(u, now_ns);
            return true;
        }
    }
    return false;
}

static enum clock_state state_at(const struct utc *u, int64_t bound_ns)
{
    if (!u->line.is_valid || u->is_last_resort ||
        bound_ns > u->params->utc_bound_max_ns) {
        return CLOCK_UNSYNCED;
    }
    return u->is_decided ? CLOCK_LOCKED : CLOCK_HOLDOVER;
}

void utc_estimate(const struct utc *u, int64_t now_ns, struct utc_estimate *out)
{
    *out = (struct utc_estimate){
        .line = u->line,
        .bound_ns = clock_line_bound_at(&u->line, now_ns),
        .agreeing = u->agreeing,
        .voting = u->voting,
        .leap = u->leap,
    };
    out->state = state_at(u, out->bound_ns);
    out->is_synchronised = out->state != CLOCK_UNSYNCED;
}

bool utc_prior(const struct utc *u, struct clock_prior *out)
{
    bool has_prior = false;

    for (int i = 0; i < u->count; i++) {
        struct clock_prior p;

        if ((u->chosen >> i & 1) != 0 && clock_filter_prior(&u->sources[i].filter, &p) &&
            (!has_prior || p.sd_ppt < out->sd_ppt)) {
            *out = p;
            has_prior = true;
        }
    }
    return has_prior;
}

static enum utc_verdict verdict_of(const struct utc *u, int i, int64_t now_ns)
{
    const struct ntp_source *s = &u->sources[i];

    if (s->is_stopped) {
        return UTC_SOURCE_STOPPED;
    }
    if (s->received_count == 0) {
        return UTC_SOURCE_WAITING;
    }
    if (!source_is_usable(s, now_ns)) {
        return UTC_SOURCE_STALE;
    }
    return (u->chosen >> i & 1) != 0 ? UTC_SOURCE_OK : UTC_SOURCE_FALSE;
}

void utc_source_info(const struct utc *u, int i, int64_t now_ns,
                     struct utc_source_info *out)
{
    const struct ntp_source *s = &u->sources[i];
    struct clock_line line;

    assert(i >= 0 && i < u->count);
    source_line(s, &line);
    *out = (struct utc_source_info){
        .addr = s->addr,
        .verdict = verdict_of(u, i, now_ns),
        .packet = s->verdict,
        .stratum = s->stratum,
        .reach = s->reach,
        .interval_ns = s->interval_ns,
        .bound_ns = clock_line_bound_at(&line, now_ns),
    };
    memcpy(out->kod, s->kod, sizeof(out->kod));
    if (line.is_valid && u->line.is_valid) {
        out->offset_ns = clock_line_to_remote(&line, now_ns) -
                         clock_line_to_remote(&u->line, now_ns);
    }
    clock_filter_stats(&s->filter, now_ns, &out->stats);
}
