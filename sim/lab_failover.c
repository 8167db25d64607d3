/* Who leads, when no fault but one befalls a party.
 *
 * The host loses its power again and again: how long until another one may act, and how
 * many messages that takes of those who are left; how long after a planned hand-over.
 * And two who call 100 ms apart: how long until all are in one party, with the one who
 * lost.  SPDX-License-Identifier: MIT */
#include "sim/lab_elect.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "sim/lab_kinds.h"
#include "sim/memory.h"

#define APART_NS (100 * NS_PER_MS) /* from one call to the other */
#define SOON_NS  (2 * NS_PER_S)

/* ---- failover ---- */

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Until a host acts; TIME_NEVER: nobody in a minute. */
static int64_t wait_for_host(struct elect *e)
{
    int64_t from_ns = e->lab.world.now_ns;

    while (e->lab.world.now_ns - from_ns < 60 * NS_PER_S) {
        lab_run(&e->lab, 10 * NS_PER_MS);
        if (elect_acting(e) >= 0)
            return e->lab.world.now_ns - from_ns;
    }
    return TIME_NEVER;
}

static void add_times(struct results *r, const char *p50, const char *most, int64_t *list,
                      int count)
{
    int middle = count / 2;

    qsort(list, (size_t)count, sizeof(list[0]), compare);
    results_add(r, p50, "s", (double)list[middle] / 1e9);
    results_add(r, most, "s", (double)list[count - 1] / 1e9);
}

/* ---- the host goes ---- */

/* What one round has shown. */
struct rounds {
    int64_t *crashes;
    int64_t *handed;
    int64_t *collided;
    double *trips;  /* of the hand-overs: in round trips between those farthest apart */
    double *shares; /* messages for each other one of the council */
    double square;  /* most messages, in squares of its size */
};

/* The size of the council that those who are left live by. */
static int council_size(struct elect *e)
{
    int size = 1;

    for (int i = 0; i < e->lab.setup->nodes; i++) {
        if (elect_is_running(e, i) && elect_party(e, i)->council.count > size)
            size = elect_party(e, i)->council.count;
    }
    return size;
}

/* Between those that are up and farthest apart. */
static int64_t longest_trip_ns(struct elect *e)
{
    const struct net *net = &e->lab.world.net;
    int64_t longest_ns = 1;

    for (int i = 0; i < e->lab.setup->nodes; i++) {
        for (int k = 0; k < i; k++) {
            int64_t ns = net_way_ns(net, i, k) + net_way_ns(net, k, i);

            if (elect_is_running(e, i) && elect_is_running(e, k) && ns > longest_ns)
                longest_ns = ns;
        }
    }
    return longest_ns;
}

static void one_round(struct elect *e, struct rounds *all, int i)
{
    int64_t before;
    double sent;
    int host;
    int size;

    lab_run(&e->lab, 20 * NS_PER_S + lab_draw(&e->lab, NS_PER_S));
    host = elect_acting(e);
    if (host >= 0)
        lab_command(&e->lab, host, "handover", "");
    all->handed[i] = wait_for_host(e);
    all->trips[i] = (double)all->handed[i] / (double)longest_trip_ns(e);
    lab_run(&e->lab, 10 * NS_PER_S + lab_draw(&e->lab, NS_PER_S));
    host = elect_acting(e);
    if (host >= 0)
        world_crash(&e->lab.world, host, true);
    before = e->messages;
    size = council_size(e);
    all->crashes[i] = wait_for_host(e);
    lab_run(&e->lab, NS_PER_S); /* all have heard who */
    sent = (double)(e->messages - before);
    all->shares[i] = size > 1 ? sent / (size - 1) : 0;
    if (sent / (size * size) > all->square)
        all->square = sent / (size * size);
    lab_run(&e->lab, 4 * NS_PER_S);
    if (host >= 0)
        world_start(&e->lab.world, host);
    lab_run(&e->lab, 40 * NS_PER_S); /* it hears the next call, and comes back */
}

/* ---- two calls ---- */

/* Whoever has not called takes the first call that it has heard. */
static void accept_first(struct elect *e, int node)
{
    const struct invites *v = node_invites(e->lab.world.nodes[node].node);
    char hex[2 * PARTY_ID_LEN + 1];

    if (v->count == 0 || elect_party(e, node)->role != PARTY_ROLE_NONE)
        return;
    hex_encode(v->list[0].party.b, PARTY_ID_LEN, hex);
    lab_command(&e->lab, node, "accept", hex);
}

/* All are members of one party, and its host says so. */
static bool is_one_party(struct elect *e)
{
    int64_t nodes = e->lab.setup->nodes;
    int hosts = 0;

    for (int i = 0; i < nodes; i++) {
        const struct party *p = elect_party(e, i);

        if (p->role == PARTY_ROLE_NONE || p->phase == PARTY_ENDED ||
            !party_id_equal(&p->log.party, &elect_party(e, 0)->log.party))
            return false;
        hosts += p->role == PARTY_ROLE_HOST;
        if (p->role == PARTY_ROLE_HOST && p->member_count != nodes)
            return false;
    }
    return hosts == 1;
}

/* From the second call on; TIME_NEVER: not in a minute. */
static int64_t collide(const struct setup *s, uint64_t seed)
{
    struct elect *e = memory_new(1, sizeof(*e));
    struct setup own = *s;
    int last = (int)s->nodes - 1;
    int64_t took_ns = TIME_NEVER;
    int64_t from_ns;

    elect_meet(e, &own, seed);
    lab_call(&e->lab, 0, "elections");
    lab_run(&e->lab, APART_NS);
    from_ns = e->lab.world.now_ns;
    lab_call(&e->lab, last, "elections");
    while (took_ns == TIME_NEVER && e->lab.world.now_ns - from_ns < 60 * NS_PER_S) {
        for (int i = 1; i < last; i++)
            accept_first(e, i);
        lab_run(&e->lab, 10 * NS_PER_MS);
        if (is_one_party(e))
            took_ns = e->lab.world.now_ns - from_ns;
    }
    lab_finish(&e->lab);
    free(e);
    return took_ns;
}

/* ---- all of it ---- */

static void add_collisions(struct results *r, const int64_t *list, int count)
{
    int one = 0;
    int soon = 0;

    for (int i = 0; i < count; i++) {
        one += list[i] != TIME_NEVER;
        soon += list[i] <= SOON_NS;
    }
    results_add(r, "one_party", "%", 100.0 * one / count);
    results_add(r, "one_in_2s", "%", 100.0 * soon / count);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static void run_failover(const struct setup *s, uint64_t seed, struct results *r)
{
    struct elect *e = memory_new(1, sizeof(*e));
    size_t count = (size_t)s->rounds;
    struct rounds all = {
        .crashes = memory_new(count, sizeof(*all.crashes)),
        .handed = memory_new(count, sizeof(*all.handed)),
        .collided = memory_new(count, sizeof(*all.collided)),
        .trips = memory_new(count, sizeof(*all.trips)),
        .shares = memory_new(count, sizeof(*all.shares)),
    };
    struct setup own = *s;

    elect_begin(e, &own, seed);
    for (int i = 0; i < s->rounds; i++) {
        one_round(e, &all, i);
        all.collided[i] = collide(s, seed * count + (uint64_t)i);
        results_row(r, "crash", i + 1, (double)all.crashes[i] / 1e9);
        results_row(r, "handover", i + 1, (double)all.handed[i] / 1e9);
        results_row(r, "collision", i + 1, (double)all.collided[i] / 1e9);
    }
    add_times(r, "crash_p50", "crash_most", all.crashes, (int)s->rounds);
    add_times(r, "handover_p50", "handover_most", all.handed, (int)s->rounds);
    qsort(all.shares, count, sizeof(all.shares[0]), compare_doubles);
    qsort(all.trips, count, sizeof(all.trips[0]), compare_doubles);
    results_add(r, "handover_trips", "RTT", all.trips[count - 1]);
    results_add(r, "messages_p50", "each", all.shares[count / 2]);
    results_add(r, "messages_most", "squares", all.square);
    add_collisions(r, all.collided, (int)s->rounds);
    add_times(r, "collision_p50", "collision_most", all.collided, (int)s->rounds);
    results_add(r, "double_hosts", "steps", (double)e->doubles);
    lab_finish(&e->lab);
    free(all.crashes);
    free(all.handed);
    free(all.collided);
    free(all.trips);
    free(all.shares);
    free(e);
}

static void failover_defaults(struct setup *s)
{
    elect_defaults(s);
    s->rounds = 10;
}

static const struct lab_goal failover_goals[] = {
    { "crash_p50", LAB_MEAN, true, 7 },      { "crash_most", LAB_MOST, true, 8 },
    { "messages_p50", LAB_MEAN, true, 5 },   { "messages_most", LAB_MOST, true, 1 },
    { "handover_trips", LAB_MOST, true, 2 }, { "collision_most", LAB_MOST, true, 2 },
    { "one_party", LAB_LEAST, false, 100 },  { "one_in_2s", LAB_MEAN, false, 99 },
    { "double_hosts", LAB_MOST, true, 0 },   { NULL, LAB_MEAN, false, 0 },
};

const struct lab_kind lab_failover = {
    .name = "failover",
    .about = "the host dies, hands over, or two call at once: how long until one leads",
    .defaults = failover_defaults,
    .run = run_failover,
    .goals = failover_goals,
    .plot = "round|seconds until another host acts|crash|handover|collision",
};
