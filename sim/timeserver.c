/* SPDX-License-Identifier: MIT */
#include "sim/timeserver.h"

#include <string.h>

#include "base/time.h"
#include "sim/random.h"

#define WAY_NS           (8 * NS_PER_MS)
#define WAY_JITTER_NS    NS_PER_MS
#define NTP_UNIX_SECONDS INT64_C(2208988800)

struct addr world_ntp_addr(int server)
{
    return (struct addr){ .ip = { 10, 255, 255, (uint8_t)(server + 1) },
                          .port = SNTP_PORT,
                          .len = 4 };
}

static void put_time(uint8_t *to, int64_t utc_ns)
{
    int64_t rest = utc_ns % NS_PER_S;

    store_be32(to, (uint32_t)(utc_ns / NS_PER_S + NTP_UNIX_SECONDS));
    store_be32(to + 4, (uint32_t)((rest << 32) / NS_PER_S));
}

bool timeserver_ask(struct world_part *p, int node, const struct effect *e,
                    struct timeserver_reply *r)
{
    struct world *w = p->w;
    const struct addr *to = &e->u.datagram.to;
    struct bytes request = e->u.datagram.data;
    int server = to->ip[3] - 1;
    uint64_t packet = part_number(p, node);
    uint64_t there = random_word(w->p.seed, RANDOM_UTC, (uint64_t)node, 2 * packet);
    uint64_t back = random_word(w->p.seed, RANDOM_UTC, (uint64_t)node, 2 * packet + 1);
    int64_t at_ns = p->now_ns + WAY_NS + random_exponential(there, WAY_JITTER_NS);
    int64_t utc_ns;

    if (server < 0 || server >= w->p.ntp_count || request.len < SNTP_LEN ||
        (w->p.ntp_mute >> server & 1) != 0 ||
        random_chance(there ^ back, w->p.net.loss_ppm))
        return false;
    utc_ns = CLOCK_MODEL_UTC_NS + at_ns + w->p.ntp_error_ns[server];
    memset(r->packet, 0, sizeof(r->packet));
    r->packet[0] = 4 << 3 | 4; /* version 4, a server's answer */
    r->packet[1] = 2;          /* stratum */
    r->packet[3] = 0xec;       /* precision: 2^-20 s */
    store_be32(r->packet + 4, (1 << 16) / 1000);
    put_time(r->packet + 16, utc_ns - NS_PER_S);
    memcpy(r->packet + 24, request.data + 40, 8);
    put_time(r->packet + 32, utc_ns);
    put_time(r->packet + 40, utc_ns + 20 * NS_PER_US);
    r->at_ns = at_ns + 20 * NS_PER_US + WAY_NS + random_exponential(back, WAY_JITTER_NS);
    return true;
}
