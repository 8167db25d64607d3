/* The virtual network: how long a frame or a datagram takes from one node to another, if
 * it comes at all, and the TCP-like links, reliable and ordered, between them.  Pure
 * arithmetic; who schedules is sim/world.c.  SPDX-License-Identifier: MIT */
#ifndef SIM_NET_H
#define SIM_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define NET_PORT          4747
#define NET_DIAL_LIMIT_NS INT64_C(5000000000)
#define NET_COPIES_MAX    2
#define NET_LINKS_MAX     192 /* ends of links that one node has at once */

/* One way, between two nodes.  Rates of chance are of a million. */
struct net_params {
    int64_t base_min_ns; /* fixed for each pair … */
    int64_t base_max_ns;
    int64_t skew_percent; /* … the ways there and back differ by up to this */
    int64_t jitter_ns;    /* mean; exponential */
    int64_t spike_ppm;    /* now and then a packet waits … */
    int64_t spike_ns;     /* … this long on average (power saving, full queues) */
    int64_t loss_ppm;
    int64_t duplicate_ppm;
    int64_t uplink_bps;    /* 0: no limit */
    int64_t retransmit_ns; /* TCP: a lost last segment costs so long, doubled */
    int64_t stack_ns;      /* mean, from the card to the program */
};

/* The fixed names: "lan", "wifi", "internet".  False for another. */
bool net_params_named(const char *name, struct net_params *p);

struct net_host {
    int64_t uplink_ns; /* what was sent so far has left by then */
    uint64_t packets;  /* sent; names the draws */
    int64_t cut_ns;    /* nothing comes through from here … */
    int64_t heal_ns;   /* … until here; equal: never */
};

struct net {
    struct net_params p;
    uint64_t seed;
    int host_count;
    struct net_host *hosts;
};

/* Takes memory for the hosts; net_finish gives it back. */
void net_init(struct net *n, uint64_t seed, const struct net_params *p, int host_count);
void net_finish(struct net *n);

/* The address of a host, and back; -1 for an address of nobody. */
struct addr net_addr(int host);
int net_host_of(const struct net *n, const struct addr *addr);

/* When a frame that is sent now comes, at the earliest just after after_ns. */
int64_t net_frame_ns(struct net *n, int from, int to, size_t len, int64_t now_ns,
                     int64_t after_ns);

/* When a datagram that is sent now comes: no time, one or two; their number. */
int net_datagram_ns(struct net *n, int from, int to, size_t len, int64_t now_ns,
                    int64_t at_ns[static NET_COPIES_MAX]);

/* One end of a link. */
struct net_end {
    uint32_t host;
    uint32_t life; /* of the node there */
    uint32_t id;   /* as that node names it */
    bool is_open;
    int64_t busy_ns; /* the last that is on its way to this end comes then */
};

struct net_link {
    struct net_end end[2]; /* 0: who dialled */
    bool is_accepted;
    int refs; /* open ends, and happenings that mean it */
};

#endif
