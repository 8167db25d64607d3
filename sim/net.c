/* SPDX-License-Identifier: MIT */
#include "sim/net.h"

#include <assert.h>
#include <string.h>

#include "base/time.h"
#include "sim/memory.h"
#include "sim/random.h"

#define SEGMENT_LEN 1400
#define PUBLIC_NET  20 /* the first of the first bytes of addresses in groups */
#define LEAST_NS    (10 * NS_PER_US) /* whatever is drawn, a packet takes so long */

bool net_params_named(const char *name, struct net_params *p)
{
    static const struct {
        const char *name;
        struct net_params p;
    } list[] = {
        { "lan",
          { .latency = { .min_ns = 60 * NS_PER_US, .max_ns = 300 * NS_PER_US },
            .jitter_ns = 20 * NS_PER_US,
            .spike_ppm = 1000,
            .spike_ns = 500 * NS_PER_US,
            .uplink_bps = INT64_C(1000000000),
            .retransmit_ns = 200 * NS_PER_MS,
            .stack_ns = 15 * NS_PER_US } },
        { "wifi",
          { .latency = { .min_ns = 800 * NS_PER_US, .max_ns = 2 * NS_PER_MS },
            .jitter_ns = 700 * NS_PER_US,
            .spike_ppm = 20000,
            .spike_ns = 15 * NS_PER_MS,
            .loss_ppm = 2000,
            .duplicate_ppm = 500,
            .uplink_bps = INT64_C(60000000),
            .retransmit_ns = 200 * NS_PER_MS,
            .stack_ns = 30 * NS_PER_US } },
        { "internet",
          { .latency = { .min_ns = 5 * NS_PER_MS, .max_ns = 60 * NS_PER_MS },
            .skew_percent = 5,
            .jitter_ns = NS_PER_MS,
            .spike_ppm = 10000,
            .spike_ns = 20 * NS_PER_MS,
            .loss_ppm = 3000,
            .duplicate_ppm = 500,
            .uplink_bps = INT64_C(40000000),
            .retransmit_ns = 250 * NS_PER_MS,
            .stack_ns = 30 * NS_PER_US } },
        { "wired",
          { .latency = { .min_ns = 200 * NS_PER_US, .max_ns = 200 * NS_PER_US },
            .spread_ns = 50 * NS_PER_US,
            .uplink_bps = INT64_C(1000000000),
            .retransmit_ns = 200 * NS_PER_MS,
            .stack_ns = 15 * NS_PER_US } },
        { "wifi-rig",
          { .latency = { .min_ns = 2 * NS_PER_MS, .max_ns = 2 * NS_PER_MS },
            .spread_ns = 3 * NS_PER_MS,
            .spike_ppm = 60000,
            .spike_min_ns = 100 * NS_PER_MS,
            .loss_ppm = 10000,
            .uplink_bps = INT64_C(60000000),
            .retransmit_ns = 200 * NS_PER_MS,
            .stack_ns = 30 * NS_PER_US } },
        { "wifi-ps",
          { .latency = { .min_ns = 2 * NS_PER_MS, .max_ns = 2 * NS_PER_MS },
            .jitter_ns = NS_PER_MS,
            .spike_ppm = 300000,
            .spike_ns = 50 * NS_PER_MS,
            .loss_ppm = 50000,
            .uplink_bps = INT64_C(60000000),
            .retransmit_ns = 200 * NS_PER_MS,
            .stack_ns = 30 * NS_PER_US } },
    };

    *p = (struct net_params){ .retransmit_ns = 200 * NS_PER_MS };
    if (latency_named(name, &p->latency))
        return true;
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        if (strcmp(name, list[i].name) == 0) {
            *p = list[i].p;
            return true;
        }
    }
    return false;
}

void net_init(struct net *n, uint64_t seed, const struct net_params *p, int host_count)
{
    *n = (struct net){ .p = *p, .seed = seed, .host_count = host_count };
    n->hosts = memory_new((size_t)host_count, sizeof(*n->hosts));
}

void net_finish(struct net *n)
{
    for (int i = 0; i < n->host_count; i++)
        free(n->hosts[i].weather);
    free(n->hosts);
    n->hosts = NULL;
}

struct addr net_addr(int host)
{
    int number = host + 1;

    return (struct addr){
        .ip = { 10, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number },
        .port = NET_PORT,
        .len = 4,
    };
}

struct addr net_addr_of(const struct net_params *p, int host)
{
    int group;
    int number;

    if (p->address_groups == 0)
        return net_addr(host);
    group = host % p->address_groups;
    number = host / p->address_groups + 1;
    return (struct addr){
        .ip = { (uint8_t)(PUBLIC_NET + (group >> 8)), (uint8_t)group,
                (uint8_t)(number >> 8), (uint8_t)number },
        .port = NET_PORT,
        .len = 4,
    };
}

int net_host_of(const struct net *n, const struct addr *addr)
{
    int groups = n->p.address_groups;
    int host;

    if (addr->len != 4 || addr->port != NET_PORT)
        return -1;
    if (groups == 0) {
        host = (addr->ip[1] << 16 | addr->ip[2] << 8 | addr->ip[3]) - 1;
        return addr->ip[0] == 10 && host >= 0 && host < n->host_count ? host : -1;
    }
    if (addr->ip[0] < PUBLIC_NET)
        return -1;
    host = ((addr->ip[2] << 8 | addr->ip[3]) - 1) * groups +
           ((addr->ip[0] - PUBLIC_NET) << 8 | addr->ip[1]);
    if (host < 0 || host >= n->host_count)
        return -1;
    return net_addr_of(&n->p, host).ip[1] == addr->ip[1] ? host : -1;
}

int64_t net_way_ns(const struct net *n, int from, int to)
{
    int64_t base = latency_ns(&n->p.latency, n->seed, from, to);
    uint64_t word;

    if (n->p.skew_percent == 0)
        return base;
    word = random_word(n->seed, RANDOM_PATH, ~(uint64_t)from, (uint64_t)to);
    return base +
           mul_div(base, random_between(word, 0, n->p.skew_percent * 1000), 100000);
}

int64_t net_least_ns(const struct net_params *p)
{
    int64_t way_ns = latency_least_ns(&p->latency);
    int64_t least = way_ns - p->spread_ns;

    if (p->spread_ns > 0 && least < LEAST_NS)
        least = time_min(way_ns, LEAST_NS);
    return least > 0 ? least : 1;
}

/* ---- NATs and cuts ---- */

enum net_nat net_nat_of(const struct net *n, int host)
{
    int64_t ppm;

    if (n->p.cone_ppm == 0 && n->p.symmetric_ppm == 0)
        return NET_NAT_NONE;
    ppm = random_below(random_word(n->seed, RANDOM_NAT, (uint64_t)host, 0), 1000000);
    if (ppm < n->p.cone_ppm)
        return NET_NAT_CONE;
    return ppm < n->p.cone_ppm + n->p.symmetric_ppm ? NET_NAT_SYMMETRIC : NET_NAT_NONE;
}

bool net_is_reachable(const struct net *n, int from, int to)
{
    (void)from; /* a translator asks nobody who he is */
    return net_nat_of(n, to) == NET_NAT_NONE;
}

bool net_may_punch(const struct net *n, int from, int to)
{
    uint64_t low = (uint64_t)(from < to ? from : to);
    uint64_t high = (uint64_t)(from < to ? to : from);

    if (net_nat_of(n, from) == NET_NAT_SYMMETRIC ||
        net_nat_of(n, to) == NET_NAT_SYMMETRIC)
        return false;
    /* Some translators answer a SYN that they do not expect with a reset. */
    return random_chance(random_word(n->seed, RANDOM_NAT, low << 32 | high, 1),
                         n->p.punch_ppm);
}

void net_cut_host(struct net *n, int host, int64_t cut_ns, int64_t heal_ns)
{
    n->has_cuts = true;
    n->hosts[host].cut_ns = cut_ns;
    n->hosts[host].heal_ns = heal_ns;
}

void net_set_group(struct net *n, int host, int group)
{
    assert(group >= 0 && group < NET_GROUPS_MAX);
    n->hosts[host].group = (uint8_t)group;
}

bool net_cut_groups(struct net *n, const struct net_cut *cut)
{
    if (n->cut_count == NET_CUTS_MAX)
        return false;
    n->has_cuts = true;
    n->cuts[n->cut_count++] = *cut;
    return true;
}

void net_forget_cuts(struct net *n, int64_t now_ns)
{
    int kept = 0;

    for (int i = 0; i < n->cut_count; i++) {
        if (n->cuts[i].heal_ns > now_ns)
            n->cuts[kept++] = n->cuts[i];
    }
    n->cut_count = kept;
}

/* When the cut that is between two hosts now is over; 0: there is none. */
static int64_t heal_ns(const struct net *n, int from, int to, int64_t now_ns)
{
    const struct net_host *a = &n->hosts[from];
    const struct net_host *b = &n->hosts[to];
    int64_t heal = 0;

    if (!n->has_cuts)
        return 0;
    if (now_ns >= a->cut_ns && now_ns < a->heal_ns)
        heal = a->heal_ns;
    if (now_ns >= b->cut_ns && now_ns < b->heal_ns && b->heal_ns > heal)
        heal = b->heal_ns;
    for (int i = 0; i < n->cut_count; i++) {
        const struct net_cut *c = &n->cuts[i];

        if (now_ns >= c->cut_ns && now_ns < c->heal_ns && c->heal_ns > heal &&
            (c->from_groups >> a->group & 1) != 0 && (c->to_groups >> b->group & 1) != 0)
            heal = c->heal_ns;
    }
    return heal;
}

/* ---- how long it takes ---- */

void net_set_weather(struct net *n, int host, const struct net_params *weather)
{
    struct net_host *h = &n->hosts[host];

    if (weather == NULL) {
        free(h->weather);
        h->weather = NULL;
        return;
    }
    if (h->weather == NULL)
        h->weather = memory_new(1, sizeof(*h->weather));
    *h->weather = *weather;
}

/* What a packet from this host fares by. */
static const struct net_params *weather(const struct net *n, int host)
{
    const struct net_host *h = &n->hosts[host];

    return h->weather != NULL ? h->weather : &n->p;
}

static int64_t jitter_ns(const struct net *n, uint64_t from, uint64_t packet)
{
    const struct net_params *p = weather(n, (int)from);
    uint64_t spike;
    int64_t ns = p->delay_ns;

    if (p->jitter_ns > 0)
        ns += random_exponential(random_word(n->seed, RANDOM_JITTER, from, packet),
                                 p->jitter_ns);
    if (p->spike_ppm == 0)
        return ns;
    spike = random_word(n->seed, RANDOM_JITTER, from, ~packet);
    if (random_chance(spike, p->spike_ppm))
        ns += p->spike_min_ns +
              random_exponential(spike * UINT64_C(0x9e3779b97f4a7c15), p->spike_ns);
    return ns;
}

/* The way, as this packet finds it. */
static int64_t spread_way_ns(const struct net *n, uint64_t from, uint64_t packet,
                             int64_t way_ns)
{
    int64_t spread_ns = weather(n, (int)from)->spread_ns;
    uint64_t word;
    int64_t ns;

    if (spread_ns == 0)
        return way_ns;
    word = random_word(n->seed, RANDOM_JITTER, ~from, packet);
    ns = way_ns + random_between(word, -spread_ns, spread_ns);
    return ns > LEAST_NS ? ns : time_min(way_ns, LEAST_NS);
}

bool net_jam_groups(struct net *n, const struct net_jam *jam)
{
    assert(jam->least_ns <= jam->most_ns);
    if (n->jam_count == NET_JAMS_MAX)
        return false;
    n->jams[n->jam_count++] = *jam;
    return true;
}

/* What full queues add. */
static int64_t jam_ns(const struct net *n, const struct net_trip *t, int64_t now_ns)
{
    uint64_t f = (uint64_t)t->from;
    int64_t ns = 0;

    for (int i = 0; i < n->jam_count; i++) {
        const struct net_jam *j = &n->jams[i];

        if (now_ns >= j->begin_ns && now_ns < j->end_ns &&
            (j->from_groups >> n->hosts[t->from].group & 1) != 0 &&
            (j->to_groups >> n->hosts[t->to].group & 1) != 0)
            ns += random_between(
                random_word(n->seed, RANDOM_JITTER, ~f, ~(uint64_t)t->number),
                j->least_ns, j->most_ns);
    }
    return ns;
}

/* From now until the last bit has left the host, behind what it sends already. */
static int64_t uplink_ns(struct net *n, int from, size_t len, int64_t now_ns)
{
    struct net_host *h = &n->hosts[from];
    const struct net_params *p = weather(n, from);
    int64_t bps = p->uplink_bps;
    int64_t begin;

    if (p->slow_ppm > 0 &&
        random_chance(random_word(n->seed, RANDOM_NAT, (uint64_t)from, UINT64_MAX),
                      p->slow_ppm))
        bps = p->slow_bps;
    if (bps == 0)
        return 0;
    begin = h->uplink_ns > now_ns ? h->uplink_ns : now_ns;
    h->uplink_ns = begin + mul_div((int64_t)len + 54, 8 * NS_PER_S, bps);
    return h->uplink_ns - now_ns;
}

/* What losses cost a TCP frame: a segment in the middle is sent again after a round trip,
 * the last one after a time-out, which doubles. */
static int64_t repair_ns(const struct net *n, uint64_t from, uint64_t packet, size_t len,
                         int64_t way_ns)
{
    const struct net_params *p = weather(n, (int)from);
    int64_t segments = (int64_t)(len / SEGMENT_LEN);
    int64_t wait_ns = p->retransmit_ns;
    int64_t ns = 0;
    uint64_t middle;
    uint64_t word;

    if (p->loss_ppm == 0)
        return 0;
    word = random_word(n->seed, RANDOM_LOSS, from, packet);
    middle = random_word(n->seed, RANDOM_LOSS, ~from, packet);
    for (int i = 0; i < 6 && random_chance(word, p->loss_ppm); i++) {
        ns += wait_ns;
        wait_ns *= 2;
        word = random_word(n->seed, RANDOM_LOSS, word, packet);
    }
    if (ns == 0 && random_chance(middle, segments * p->loss_ppm))
        ns = 2 * way_ns;
    return ns;
}

int64_t net_frame_ns(struct net *n, const struct net_trip *t, int64_t now_ns,
                     int64_t after_ns)
{
    uint64_t f = (uint64_t)t->from;
    int64_t way_ns = t->way_ns > 0 ? t->way_ns : net_way_ns(n, t->from, t->to);
    int64_t at = now_ns + uplink_ns(n, t->from, t->len, now_ns) +
                 spread_way_ns(n, f, t->number, way_ns) + jitter_ns(n, f, t->number) +
                 repair_ns(n, f, t->number, t->len, way_ns) + jam_ns(n, t, now_ns);
    int64_t heal = heal_ns(n, t->from, t->to, now_ns);

    /* The time-out has doubled all the while, so the next try comes up to as much later.
     */
    if (heal > 0)
        at += (heal - now_ns) +
              random_below(random_word(n->seed, RANDOM_LOSS, t->number, f),
                           heal - now_ns);
    return at > after_ns ? at : after_ns + 1;
}

int net_datagram_ns(struct net *n, const struct net_trip *t, int64_t now_ns,
                    int64_t at_ns[static NET_COPIES_MAX])
{
    const struct net_params *p = weather(n, t->from);
    uint64_t f = (uint64_t)t->from;
    int64_t start = now_ns + uplink_ns(n, t->from, t->len, now_ns) +
                    spread_way_ns(n, f, t->number, net_way_ns(n, t->from, t->to)) +
                    jam_ns(n, t, now_ns);
    int copies = 1;

    if (heal_ns(n, t->from, t->to, now_ns) > 0 ||
        random_chance(random_word(n->seed, RANDOM_LOSS, f, t->number), p->loss_ppm))
        return 0;
    if (random_chance(random_word(n->seed, RANDOM_DUPLICATE, f, t->number),
                      p->duplicate_ppm))
        copies = 2;
    at_ns[0] = start + jitter_ns(n, f, t->number);
    at_ns[1] = start + jitter_ns(n, f, t->number | UINT64_C(1) << 63);
    return copies;
}
