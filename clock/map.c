/* SPDX-License-Identifier: MIT */
#include "clock/map.h"

#include <assert.h>

/* 2200-01-01, and fifty years of a raw clock: sums of the two stay within int64. */
#define PARTY_NS_MAX  (INT64_C(7258118400) * NS_PER_S)
#define RAW_NS_MAX    (INT64_C(3155760000) * NS_PER_S / 2)
#define RATE_PPT_MAX  (1000 * PPT_PER_PPM)
#define BOUND_NS_MAX  (INT64_MAX / 2)
#define BEHIND_NS_MAX (3600 * NS_PER_S)

static bool is_instant(struct party_time t)
{
    return t.ns >= 0 && t.ns <= PARTY_NS_MAX;
}

bool clock_map_is_sane(const struct clock_map *m)
{
    return m->rate_ppt >= -RATE_PPT_MAX && m->rate_ppt <= RATE_PPT_MAX &&
           m->bound_ns >= 0 && m->raw_ref_ns >= -RAW_NS_MAX &&
           m->raw_ref_ns <= RAW_NS_MAX && is_instant(m->party_ref) &&
           is_instant(m->valid_from);
}

struct clock_line clock_map_line(const struct clock_map *m)
{
    return (struct clock_line){
        .local_ns = m->raw_ref_ns,
        .remote_ns = m->party_ref.ns,
        .rate_ppt = m->rate_ppt,
        .is_valid = true,
    };
}

struct clock_map clock_map_first(const struct clock_line *utc, int64_t now_ns)
{
    struct party_time now;

    assert(utc->is_valid);
    now.ns = clock_line_to_remote(utc, now_ns);
    return (struct clock_map){
        .map_seq = 1,
        .raw_ref_ns = now_ns,
        .party_ref = now,
        .rate_ppt = utc->rate_ppt,
        .bound_ns = clock_line_bound_at(utc, now_ns),
        .valid_from = now,
    };
}

static int64_t clamp(int64_t x, int64_t limit)
{
    if (x > limit) {
        return limit;
    }
    return x < -limit ? -limit : x;
}

static int64_t magnitude(int64_t x)
{
    return x < 0 ? -x : x;
}

/* By how much faster than UTC party time should run to reach it: not at all when it is
 * near, else so as to be there within the horizon. */
static int64_t wanted_slew(int64_t behind_ns, const struct clock_params *params)
{
    if (magnitude(behind_ns) < params->map_offset_ns) {
        return 0;
    }
    return clamp(mul_div(behind_ns, PPT_ONE, params->map_horizon_ns),
                 params->map_slew_ppt);
}

/* Every map is an entry that all members must get, so one is kept while it leads near
 * enough: when near UTC, as long as it does not leave it within the horizon; when far,
 * while its slew is about the wanted one. */
static bool is_good_enough(int64_t behind_ns, int64_t slew_ppt, int64_t wanted_ppt,
                           const struct clock_params *params)
{
    int64_t moved_ns = mul_div(slew_ppt, params->map_horizon_ns, PPT_ONE);

    if (wanted_ppt == 0) {
        return magnitude(behind_ns - moved_ns) <= 2 * params->map_offset_ns;
    }
    return magnitude(wanted_ppt - slew_ppt) <= magnitude(wanted_ppt) / 2;
}

bool clock_map_refine(const struct clock_map *old, const struct clock_line *utc,
                      const struct clock_params *params, int64_t now_ns,
                      struct clock_map *next)
{
    struct clock_line line = clock_map_line(old);
    int64_t at_ns = now_ns + params->map_lead_ns;
    int64_t bound_ns;
    int64_t behind_ns;
    int64_t slew_ppt;
    struct party_time at;

    if (!utc->is_valid) {
        return false;
    }
    at.ns = clock_line_to_remote(&line, at_ns);
    behind_ns = clamp(clock_line_to_remote(utc, at_ns) - at.ns, BEHIND_NS_MAX);
    slew_ppt = wanted_slew(behind_ns, params);
    if (is_good_enough(behind_ns, old->rate_ppt - utc->rate_ppt, slew_ppt, params)) {
        return false;
    }
    bound_ns = clock_line_bound_at(utc, at_ns);
    *next = (struct clock_map){
        .map_seq = old->map_seq + 1,
        .raw_ref_ns = at_ns,
        .party_ref = at,
        .rate_ppt = utc->rate_ppt + slew_ppt,
        .bound_ns = time_min(bound_ns, BOUND_NS_MAX) + magnitude(behind_ns),
        .valid_from = at,
    };
    return true;
}

struct clock_map clock_map_rebase(const struct clock_map *old,
                                  const struct clock_line *party, int64_t now_ns)
{
    struct party_time now = party_clock_from_local(party, now_ns);

    return (struct clock_map){
        .map_seq = old->map_seq + 1,
        .raw_ref_ns = now_ns,
        .party_ref = now,
        .rate_ppt = party->rate_ppt,
        .bound_ns = old->bound_ns,
        .valid_from = now,
    };
}

void party_clock_init(struct party_clock *p)
{
    *p = (struct party_clock){ .has_map = false };
}

void party_clock_adopt(struct party_clock *p, const struct clock_map *m)
{
    *p = (struct party_clock){ .has_map = true, .map = *m };
}

void party_clock_announce(struct party_clock *p, const struct clock_map *m)
{
    const struct clock_map *newest = p->has_next ? &p->next : &p->map;

    if (!p->has_map) {
        party_clock_adopt(p, m);
    } else if (m->map_seq > newest->map_seq) {
        /* A host announces one map at a time: the one before is in force by now, and who
         * hears of both at once, having come late, must not stay with what was before. */
        if (p->has_next && p->next.valid_from.ns < m->valid_from.ns) {
            p->map = p->next;
        }
        p->has_next = true;
        p->next = *m;
    }
}

struct clock_line party_clock_line(struct party_clock *p, const struct clock_line *host,
                                   int64_t now_ns)
{
    struct clock_line map = clock_map_line(&p->map);
    struct clock_line line;

    if (!p->has_map || !host->is_valid) {
        return (struct clock_line){ .is_valid = false };
    }
    line = clock_line_compose(host, &map);
    if (p->has_next && clock_line_to_remote(&line, now_ns) >= p->next.valid_from.ns) {
        p->map = p->next;
        p->has_next = false;
        map = clock_map_line(&p->map);
        line = clock_line_compose(host, &map);
    }
    return line;
}

int64_t party_clock_to_local(const struct clock_line *l, struct party_time t)
{
    return clock_line_to_local(l, t.ns);
}

struct party_time party_clock_from_local(const struct clock_line *l, int64_t local_ns)
{
    return (struct party_time){ clock_line_to_remote(l, local_ns) };
}
