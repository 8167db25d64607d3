/* SPDX-License-Identifier: MIT */
#include "clock/source.h"

#include <assert.h>
#include <string.h>

#include "base/time.h"

#define START_SPREAD_NS (200 * NS_PER_MS)
#define RATE_RULE_NS    (15 * NS_PER_S) /* RFC 4330 section 10: never more often */
#define LATER_PERCENT   10

void source_init(struct ntp_source *s, const struct clock_params *params,
                 struct heap *heap, const struct addr *addr,
                 const struct clock_prior *prior)
{
    assert(params->poll_min_ns >= RATE_RULE_NS);
    assert(params->poll_resume_ns >= RATE_RULE_NS);
    memset(s, 0, sizeof(*s));
    s->params = params;
    s->addr = *addr;
    s->level_ns = params->poll_min_ns;
    s->step_left = params->poll_step;
    clock_filter_init(&s->filter, params, heap, prior);
}

void source_finish(struct ntp_source *s)
{
    clock_filter_finish(&s->filter);
}

void source_start(struct ntp_source *s, struct rng *rng, int64_t now_ns)
{
    const struct clock_params *p = s->params;
    int64_t earliest_ns = now_ns + rng_below(rng, START_SPREAD_NS);

    if (s->is_stopped) {
        return;
    }
    if (s->sent_count > 0 && now_ns - s->polled_ns < p->poll_resume_ns) {
        earliest_ns = s->polled_ns + p->poll_resume_ns;
    }
    s->wake_ns = earliest_ns;
    /* A server that has complained of our rate gets no second burst. */
    if (!s->is_rate_limited) {
        s->burst_left = p->poll_burst;
        s->level_ns = p->poll_min_ns;
        s->step_left = p->poll_step;
    }
}

void source_resume(struct ntp_source *s, struct rng *rng, int64_t now_ns)
{
    s->cookie = 0;
    clock_filter_drop(&s->filter);
    source_start(s, rng, now_ns);
}

/* The time to the next poll: the level, doubled for each unanswered poll beyond a burst.
 */
static int64_t interval(const struct ntp_source *s)
{
    const struct clock_params *p = s->params;
    int64_t ns = s->level_ns;

    if (s->burst_left > 0) {
        return p->poll_burst_ns;
    }
    for (int i = p->poll_burst; i < s->silent && ns < p->poll_max_ns; i++) {
        ns *= 2;
    }
    return s->level_ns > p->poll_max_ns ? s->level_ns : time_min(ns, p->poll_max_ns);
}

/* Count a poll outside the burst: each poll_step of them double the level. */
static void climb(struct ntp_source *s)
{
    const struct clock_params *p = s->params;

    s->step_left--;
    if (s->step_left > 0) {
        return;
    }
    s->step_left = p->poll_step;
    if (s->level_ns < p->poll_max_ns) {
        s->level_ns = time_min(2 * s->level_ns, p->poll_max_ns);
    }
}

bool source_take(struct ntp_source *s, struct rng *rng, int64_t now_ns,
                 uint8_t packet[static SNTP_LEN])
{
    if (s->is_stopped || now_ns < s->wake_ns) {
        return false;
    }
    if (s->sent_count > 0 && (s->reach & 1) == 0) {
        s->silent++;
    }
    if (s->burst_left > 0) {
        s->burst_left--;
    } else {
        climb(s);
    }
    s->reach = (uint8_t)(s->reach << 1);
    s->sent_count++;
    s->polled_ns = now_ns;
    s->interval_ns = interval(s);
    /* Only ever later, so that no interval is shorter than the rule. */
    s->wake_ns = now_ns + s->interval_ns +
                 rng_below(rng, s->interval_ns / 100 * LATER_PERCENT + 1);
    do {
        s->cookie = rng_next(rng);
    } while (s->cookie == 0);
    sntp_request(s->cookie, packet);
    return true;
}

void source_set_sent(struct ntp_source *s, uint32_t number, int64_t tx_ns)
{
    if (s->cookie != 0 && (uint32_t)s->sent_count == number && tx_ns >= s->polled_ns &&
        tx_ns - s->polled_ns <= NS_PER_S) {
        s->polled_ns = tx_ns;
    }
}

/* RFC 5905 section 7.4: DENY and RSTR end it, RATE raises the interval each time. */
static void obey_kod(struct ntp_source *s, const char *kod, int64_t now_ns)
{
    memcpy(s->kod, kod, sizeof(s->kod));
    if (strcmp(kod, "DENY") == 0 || strcmp(kod, "RSTR") == 0) {
        s->is_stopped = true;
        s->wake_ns = TIME_NEVER;
    } else if (strcmp(kod, "RATE") == 0) {
        s->burst_left = 0;
        s->level_ns = time_min(2 * s->level_ns, s->params->poll_rate_max_ns);
        s->is_rate_limited = true;
        s->interval_ns = interval(s);
        if (s->wake_ns < now_ns + s->interval_ns) {
            s->wake_ns = now_ns + s->interval_ns;
        }
    }
}

bool source_receive(struct ntp_source *s, struct bytes packet, int64_t rx_ns,
                    int64_t now_ns)
{
    struct sntp_reply r = { .kod = "" };
    struct clock_sample sample;
    enum clock_verdict verdict;
    enum sntp_verdict answer;

    if (s->cookie == 0 || s->is_stopped) {
        return false;
    }
    answer = sntp_parse(packet, s->cookie, &r);
    if (answer <= SNTP_ORIGIN && answer != SNTP_OK) {
        return false; /* not the server's: leave the request open */
    }
    s->cookie = 0;
    s->verdict = answer;
    if (answer != SNTP_OK) {
        if (answer == SNTP_KOD) {
            obey_kod(s, r.kod, now_ns);
        }
        return false;
    }
    sample = (struct clock_sample){ s->polled_ns, r.t2_ns, r.t3_ns, rx_ns };
    verdict = clock_filter_add(&s->filter, &sample);
    if (verdict == CLOCK_REFUSED) {
        return false;
    }
    s->reach |= 1;
    s->silent = 0;
    s->received_count++;
    if (verdict == CLOCK_GATED) {
        return false;
    }
    s->stratum = r.stratum;
    s->leap = r.leap;
    s->root_ns = r.root_ns;
    return true;
}

bool source_is_usable(const struct ntp_source *s, int64_t now_ns)
{
    const struct clock_params *p = s->params;
    int64_t slowest_ns = s->interval_ns > p->poll_max_ns ? s->interval_ns
                                                         : p->poll_max_ns;

    return !s->is_stopped && s->filter.window.count > 0 &&
           s->silent < p->poll_unreachable && now_ns - s->filter.at_ns < 4 * slowest_ns;
}

void source_line(const struct ntp_source *s, struct clock_line *out)
{
    clock_filter_line(&s->filter, out);
    out->bound_ns += s->root_ns;
}
