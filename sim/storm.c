/* SPDX-License-Identifier: MIT */
#include "sim/storm.h"

#include <string.h>

#include "base/bytes.h"
#include "base/time.h"
#include "sim/knobs.h"
#include "sim/random.h"

#define STORM_NS     (30 * NS_PER_S)
#define FIRST_NS     (2 * NS_PER_S)
#define STORMS_MAX   4
#define STORM_LEAST  4 /* things that happen in one … */
#define STORM_MOST   14
#define ENTRY_NS_MIN (NS_PER_S / 2)
#define ENTRY_NS_MAX (40 * NS_PER_S)
#define STEEPER      2 /* a constant is up to so many times larger or smaller */
#define SERVERS      4
#define STEP_NS      (10 * NS_PER_MS) /* instants are multiples of it, for who reads them */

/* Constants that a world may have otherwise and must still be right. */
static const char *const knobs[] = {
    "party.lease",         "party.grant_lease",  "party.host_silent", "party.elect_wait",
    "party.coord_wait",    "party.claim_every",  "party.claim_limit", "party.back_off",
    "party.member_silent", "party.invite_every", "party.lead_min",    "party.join_every",
    "party.fork",          "party.rank",         "party.push_every",  "party.leave",
    "party.mesh_every",    "handshake",
};

/* A stream of draws of one script. */
struct dice {
    uint64_t seed;
    uint64_t count;
};

static int64_t between(struct dice *d, int64_t from, int64_t to)
{
    return random_between(random_word(d->seed, RANDOM_FAULT, d->count++, 77), from, to);
}

/* Even over the logarithm: 1 to 2 is as likely as 50 to 100. */
static int64_t log_between(struct dice *d, int64_t from, int64_t to)
{
    int doublings = 0;
    int64_t low;

    while (from << (doublings + 1) <= to)
        doublings++;
    low = from << between(d, 0, doublings);
    return between(d, low, 2 * low < to ? 2 * low : to);
}

static int64_t round_to(int64_t ns, int64_t step_ns)
{
    return ns < step_ns ? step_ns : ns - ns % step_ns;
}

static void set_knobs(struct script *s, struct dice *d)
{
    struct node_params shipped = node_params_default();

    for (int i = 0; i < COUNT(knobs); i++) {
        struct script_set *set = &s->sets[s->set_count];
        char text[VALUE_TEXT_MAX];
        int knob = knob_find(knobs[i]);
        const char *why;
        int64_t ns;

        if (knob < 0 || between(d, 0, 2) > 0)
            continue;
        knob_get(&shipped, knob, text);
        if (!value_parse(VALUE_TIME, text, &ns, &why) || ns <= 0 || ns == TIME_NEVER)
            continue;
        ns = log_between(d, ns / STEEPER, ns * STEEPER);
        value_format(VALUE_TIME, round_to(ns, NS_PER_MS), text);
        (void)snprintf(set->name, sizeof(set->name), "%s", knobs[i]);
        (void)snprintf(set->value, sizeof(set->value), "%.48s", text);
        s->set_count++;
    }
}

static int64_t draw_value(struct dice *d, const struct script_about *a,
                          enum script_kind kind)
{
    int64_t least = a->least;
    int64_t most = a->most;
    int64_t value;

    if (kind == SCRIPT_DRIFT)
        return between(d, least, most);
    if (kind == SCRIPT_CLOCK_STEP || kind == SCRIPT_LYING_SERVER) {
        value = log_between(d, NS_PER_MS, 3600 * NS_PER_S);
        value = round_to(value, NS_PER_MS);
        return between(d, 0, 1) == 0 ? value : -value;
    }
    if (a->value == VALUE_TIME) {
        least = least > 5 * NS_PER_MS ? least : 5 * NS_PER_MS;
        most = most < 5 * NS_PER_S ? most : 5 * NS_PER_S;
        return round_to(log_between(d, least, most), NS_PER_MS);
    }
    if (a->value == VALUE_SHARE)
        return round_to(log_between(d, 10000, most < 400000 ? most : 400000), 10000);
    return round_to(log_between(d, 16000, 4000000), 1000);
}

/* The users' words: mostly those of a host, seldom that the party ends. */
static int64_t draw_verb(struct dice *d)
{
    int64_t verb = between(d, 0, script_verb_count() - 1);

    return strcmp(script_verb((int)verb), "end") == 0 && between(d, 0, 3) > 0 ? 0 : verb;
}

static uint32_t draw_nodes(struct dice *d, int count, bool is_one)
{
    uint32_t all = (UINT32_C(1) << count) - 1;
    uint32_t some = UINT32_C(1) << between(d, 0, count - 1);

    if (!is_one && between(d, 0, 2) == 0)
        some |= (uint32_t)between(d, 1, all);
    return some == all && count > 1 && !is_one && between(d, 0, 3) > 0
               ? all & ~UINT32_C(1)
               : some;
}

static void add_entry(struct script *s, struct dice *d, enum script_kind kind,
                      int64_t at_ns)
{
    const struct script_about *a = script_about((int)kind);
    struct script_entry *e = &s->entries[s->count];
    int64_t left_ns;

    *e = (struct script_entry){ .kind = kind };
    e->at_ns = round_to(at_ns, STEP_NS);
    left_ns = s->length_ns - e->at_ns;
    e->nodes = draw_nodes(d, a->who == SCRIPT_SERVERS ? SERVERS : s->nodes,
                          a->who == SCRIPT_ONE);
    if (kind == SCRIPT_START)
        e->nodes &= ~UINT32_C(1); /* the host of the first party is there */
    if (kind == SCRIPT_SKEW || kind == SCRIPT_DRIFT)
        e->at_ns = 0;
    if (a->by == SCRIPT_VALUE)
        e->by = draw_value(d, a, kind);
    else if (a->by == SCRIPT_VERB)
        e->by = draw_verb(d);
    else if (a->by == SCRIPT_OTHERS)
        e->by = draw_nodes(d, s->nodes, kind == SCRIPT_PAIR);
    if (a->has_length)
        e->for_ns = round_to(log_between(d, ENTRY_NS_MIN, ENTRY_NS_MAX), STEP_NS);
    if (e->for_ns > left_ns)
        e->for_ns = left_ns;
    if (e->nodes != 0 && (e->for_ns > 0 || !a->has_length))
        s->count++;
}

static void add_storm(struct script *s, struct dice *d, const enum script_kind *kinds,
                      int kind_count)
{
    int64_t begin_ns = between(d, FIRST_NS, s->length_ns - STORM_NS);
    int64_t things = between(d, STORM_LEAST, STORM_MOST);

    for (int64_t i = 0; i < things && s->count < SCRIPT_ENTRIES_MAX; i++)
        add_entry(s, d, kinds[between(d, 0, kind_count - 1)],
                  begin_ns + between(d, 0, STORM_NS - NS_PER_S));
}

void storm_make(struct script *s, uint64_t seed, const struct storm_options *o)
{
    static const char *const nets[] = { "lan", "wifi", "internet" };
    struct dice d = { .seed = seed };
    enum script_kind kinds[SCRIPT_KINDS];
    int kind_count = 0;
    int64_t storms;

    *s = (struct script){ .seed = seed };
    s->nodes = (int)between(&d, 3, 8);
    s->nodes = o->nodes > 0 ? o->nodes : s->nodes;
    s->length_ns = between(&d, 12, 30) * 10 * NS_PER_S;
    s->length_ns = o->length_ns > 0 ? o->length_ns : s->length_ns;
    (void)snprintf(s->net, sizeof(s->net), "%s", nets[between(&d, 0, 2)]);
    set_knobs(s, &d);
    for (int kind = 0; kind < SCRIPT_KINDS; kind++) {
        if (between(&d, 0, 1) == 0 && (o->kinds >> kind & 1) != 0)
            kinds[kind_count++] = (enum script_kind)kind;
    }
    storms = between(&d, 1, STORMS_MAX);
    for (int64_t i = 0; i < storms && kind_count > 0; i++)
        add_storm(s, &d, kinds, kind_count);
}
