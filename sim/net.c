/* SPDX-License-Identifier: MIT */
#include "sim/net.h"

#include <string.h>

#include "base/time.h"
#include "sim/memory.h"
#include "sim/random.h"

#define SEGMENT_LEN 1400

bool net_params_named(const char *name, struct net_params *p)
{
    static const struct {
        const char *name;
        struct net_params p;
    } list[] = {
        { "lan",
          { .base_min_ns = 60 * NS_PER_US,
            .base_max_ns = 300 * NS_PER_US,
            .jitter_ns = 20 * NS_PER_US,
            .spike_ppm = 1000,
            .spike_ns = 500 * NS_PER_US,
            .uplink_bps = INT64_C(1000000000),
            .retransmit_ns = 200 * NS_PER_MS,
            .stack_ns = 15 * NS_PER_US } },
        { "wifi",
          { .base_min_ns = 800 * NS_PER_US,
            .base_max_ns = 2 * NS_PER_MS,
            .jitter_ns = 700 * NS_PER_US,
            .spike_ppm = 20000,
            .spike_ns = 15 * NS_PER_MS,
            .loss_ppm = 2000,
            .duplicate_ppm = 500,
            .uplink_bps = INT64_C(60000000),
            .retransmit_ns = 200 * NS_PER_MS,
            .stack_ns = 30 * NS_PER_US } },
        { "internet",
          { .base_min_ns = 5 * NS_PER_MS,
            .base_max_ns = 60 * NS_PER_MS,
            .skew_percent = 5,
            .jitter_ns = NS_PER_MS,
            .spike_ppm = 10000,
            .spike_ns = 20 * NS_PER_MS,
            .loss_ppm = 3000,
            .duplicate_ppm = 500,
            .uplink_bps = INT64_C(40000000),
            .retransmit_ns = 250 * NS_PER_MS,
            .stack_ns = 30 * NS_PER_US } },
    };

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

int net_host_of(const struct net *n, const struct addr *addr)
{
    int number = addr->ip[1] << 16 | addr->ip[2] << 8 | addr->ip[3];

    if (addr->len != 4 || addr->ip[0] != 10 || addr->port != NET_PORT || number < 1 ||
        number > n->host_count)
        return -1;
    return number - 1;
}

/* The fixed part of the way from one to another; both ways are much alike. */
static int64_t base_ns(const struct net *n, int from, int to)
{
    uint64_t low = (uint64_t)(from < to ? from : to);
    uint64_t high = (uint64_t)(from < to ? to : from);
    int64_t base = random_between(random_word(n->seed, RANDOM_PATH, low, high),
                                  n->p.base_min_ns, n->p.base_max_ns);
    uint64_t word = random_word(n->seed, RANDOM_PATH, ~(uint64_t)from, (uint64_t)to);

    return base +
           mul_div(base, random_between(word, 0, n->p.skew_percent * 1000), 100000);
}

static int64_t jitter_ns(const struct net *n, uint64_t from, uint64_t packet)
{
    uint64_t spike = random_word(n->seed, RANDOM_JITTER, from, ~packet);
    int64_t ns = random_exponential(random_word(n->seed, RANDOM_JITTER, from, packet),
                                    n->p.jitter_ns);

    if (random_chance(spike, n->p.spike_ppm))
        ns += random_exponential(spike * UINT64_C(0x9e3779b97f4a7c15), n->p.spike_ns);
    return ns;
}

/* From now until the last bit has left the host, behind what it sends already. */
static int64_t uplink_ns(struct net *n, int from, size_t len, int64_t now_ns)
{
    struct net_host *h = &n->hosts[from];
    int64_t begin = h->uplink_ns > now_ns ? h->uplink_ns : now_ns;

    if (n->p.uplink_bps == 0)
        return 0;
    h->uplink_ns = begin + mul_div((int64_t)len + 54, 8 * NS_PER_S, n->p.uplink_bps);
    return h->uplink_ns - now_ns;
}

/* When the cut that two hosts are in now is over; 0: they are in none. */
static int64_t heal_ns(const struct net *n, int from, int to, int64_t now_ns)
{
    const struct net_host *a = &n->hosts[from];
    const struct net_host *b = &n->hosts[to];
    int64_t heal = 0;

    if (now_ns >= a->cut_ns && now_ns < a->heal_ns)
        heal = a->heal_ns;
    if (now_ns >= b->cut_ns && now_ns < b->heal_ns && b->heal_ns > heal)
        heal = b->heal_ns;
    return heal;
}

/* What losses cost a TCP frame: a segment in the middle is sent again after a round trip,
 * the last one after a time-out, which doubles. */
static int64_t repair_ns(const struct net *n, uint64_t from, uint64_t packet, size_t len,
                         int64_t way_ns)
{
    int64_t segments = (int64_t)(len / SEGMENT_LEN);
    int64_t wait_ns = n->p.retransmit_ns;
    int64_t ns = 0;
    uint64_t word = random_word(n->seed, RANDOM_LOSS, from, packet);
    uint64_t middle = random_word(n->seed, RANDOM_LOSS, ~from, packet);

    for (int i = 0; i < 6 && random_chance(word, n->p.loss_ppm); i++) {
        ns += wait_ns;
        wait_ns *= 2;
        word = random_word(n->seed, RANDOM_LOSS, word, packet);
    }
    if (ns == 0 && random_chance(middle, segments * n->p.loss_ppm))
        ns = 2 * way_ns;
    return ns;
}

int64_t net_frame_ns(struct net *n, int from, int to, size_t len, int64_t now_ns,
                     int64_t after_ns)
{
    uint64_t packet = n->hosts[from].packets++;
    int64_t way_ns = base_ns(n, from, to);
    int64_t at = now_ns + uplink_ns(n, from, len, now_ns) + way_ns +
                 jitter_ns(n, (uint64_t)from, packet) +
                 repair_ns(n, (uint64_t)from, packet, len, way_ns);
    int64_t heal = heal_ns(n, from, to, now_ns);

    /* The time-out has doubled all the while, so the next try comes up to as much later.
     */
    if (heal > 0)
        at += (heal - now_ns) +
              random_below(random_word(n->seed, RANDOM_LOSS, packet, (uint64_t)from),
                           heal - now_ns);
    return at > after_ns ? at : after_ns + 1;
}

int net_datagram_ns(struct net *n, int from, int to, size_t len, int64_t now_ns,
                    int64_t at_ns[static NET_COPIES_MAX])
{
    uint64_t packet = n->hosts[from].packets++;
    uint64_t f = (uint64_t)from;
    int64_t start = now_ns + uplink_ns(n, from, len, now_ns) + base_ns(n, from, to);
    int copies = 1;

    if (heal_ns(n, from, to, now_ns) > 0 ||
        random_chance(random_word(n->seed, RANDOM_LOSS, f, packet), n->p.loss_ppm))
        return 0;
    if (random_chance(random_word(n->seed, RANDOM_DUPLICATE, f, packet),
                      n->p.duplicate_ppm))
        copies = 2;
    at_ns[0] = start + jitter_ns(n, f, packet);
    at_ns[1] = start + jitter_ns(n, f, packet | UINT64_C(1) << 63);
    return copies;
}
