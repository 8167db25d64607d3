/* The virtual network: how long a frame or a datagram takes from one node to another, if
 * it comes at all, and the TCP-like links, reliable and ordered, between them.  Pure
 * arithmetic; who schedules is sim/world.c.  SPDX-License-Identifier: MIT */
#ifndef SIM_NET_H
#define SIM_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "sim/latency.h"

#define NET_PORT          4747
#define NET_DIAL_LIMIT_NS INT64_C(5000000000)
#define NET_COPIES_MAX    2

#define NET_GROUPS_MAX 64
#define NET_CUTS_MAX   64
#define NET_JAMS_MAX   16

/* What stands between a machine and the network: nothing; a translator that shows all the
 * world one address for each port behind it, and lets in who was just dialled from there;
 * or one that shows everybody another address. */
enum net_nat { NET_NAT_NONE, NET_NAT_CONE, NET_NAT_SYMMETRIC };

/* One way, between two nodes.  Rates of chance are of a million. */
struct net_params {
    struct latency_params latency; /* fixed for each pair … */
    int64_t skew_percent;          /* … the ways there and back differ by up to this */
    int64_t delay_ns;              /* added to the way of all that is sent */
    int64_t jitter_ns;             /* mean; exponential */
    int64_t spread_ns; /* uniform, this much sooner or later; never before its time */
    int64_t spike_ppm; /* now and then a packet waits (power saving, full queues) … */
    int64_t spike_min_ns; /* … at least this long … */
    int64_t spike_ns;     /* … and this much longer on average */
    int64_t loss_ppm;
    int64_t duplicate_ppm;
    int64_t uplink_bps;    /* 0: no limit */
    int64_t slow_ppm;      /* of the machines, whose uplink is … */
    int64_t slow_bps;      /* … only this */
    int64_t retransmit_ns; /* TCP: a lost last segment costs so long, doubled */
    int64_t stack_ns;      /* mean, from the card to the program */
    int64_t cone_ppm;      /* of the machines that are behind a NAT of this kind … */
    int64_t symmetric_ppm; /* … or of that one */
    int64_t punch_ppm;     /* pairs behind cone NATs whose SYNs may cross */
    int address_groups;    /* machine n is in /16 number n modulo this; 0: all in 10/8 */
};

/* The fixed names: "lan", "wifi", "internet", "40ms" (log-normal, nothing else), "world";
 * and the networks that players are measured on: "wired", "wifi-rig", "wifi-ps" (stations
 * that sleep).  False for another. */
bool net_params_named(const char *name, struct net_params *p);

struct net_host {
    struct net_params *weather; /* of what is sent from here; NULL: as everywhere */
    int64_t uplink_ns;          /* what was sent so far has left by then */
    int64_t cut_ns;             /* nothing comes through from here … */
    int64_t heal_ns;            /* … until here; equal: never */
    uint8_t group;              /* that cuts between groups go by */
};

/* A cut between groups of machines, one way. */
struct net_cut {
    uint64_t from_groups; /* a bit for each */
    uint64_t to_groups;
    int64_t cut_ns;
    int64_t heal_ns;
};

/* A full queue on the ways between groups of machines, one way: every packet waits. */
struct net_jam {
    uint64_t from_groups; /* a bit for each */
    uint64_t to_groups;
    int64_t begin_ns;
    int64_t end_ns;
    int64_t least_ns; /* … so long at least, and at most */
    int64_t most_ns;
};

struct net {
    struct net_params p;
    uint64_t seed;
    int host_count;
    bool has_cuts;
    int cut_count;
    struct net_cut cuts[NET_CUTS_MAX];
    int jam_count;
    struct net_jam jams[NET_JAMS_MAX];
    struct net_host *hosts;
};

/* Something that goes from one machine to another. */
struct net_trip {
    int from;
    int to;
    uint32_t number; /* of what the sender sends; names the draws */
    size_t len;
    int64_t way_ns; /* net_way_ns of the two, when it is known; otherwise 0 */
};

/* Takes memory for the hosts; net_finish gives it back. */
void net_init(struct net *n, uint64_t seed, const struct net_params *p, int host_count);
void net_finish(struct net *n);

/* The address of a host, and back; -1 for an address of nobody. */
struct addr net_addr_of(const struct net_params *p, int host);
int net_host_of(const struct net *n, const struct addr *addr);

/* … where all are in 10/8. */
struct addr net_addr(int host);

/* The fixed part of the way from one to another. */
int64_t net_way_ns(const struct net *n, int from, int to);

/* Nothing comes from one machine to another sooner; positive. */
int64_t net_least_ns(const struct net_params *p);

enum net_nat net_nat_of(const struct net *n, int host);

/* Does a dial get through from one machine to another, as far as NATs are concerned?  And
 * if both dial at the same moment, from the ports that they listen at? */
bool net_is_reachable(const struct net *n, int from, int to);
bool net_may_punch(const struct net *n, int from, int to);

/* Cut a machine off, between two instants. */
void net_cut_host(struct net *n, int host, int64_t cut_ns, int64_t heal_ns);

/* What a machine sends fares by these from now on (all but latency, NATs and groups);
 * NULL: as the net's own again.  A copy is taken. */
void net_set_weather(struct net *n, int host, const struct net_params *weather);

/* Put a machine in a group, 0..NET_GROUPS_MAX-1; all begin in 0. */
void net_set_group(struct net *n, int host, int group);

/* Cut all ways from groups to groups, each a bit; from_groups to_groups swapped is the
 * other direction.  False when there are too many cuts. */
bool net_cut_groups(struct net *n, const struct net_cut *cut);

/* Make room for others: cuts that are over now are void. */
void net_forget_cuts(struct net *n, int64_t now_ns);

/* False when there are too many jams. */
bool net_jam_groups(struct net *n, const struct net_jam *jam);

/* When a frame that is sent now comes, at the earliest just after after_ns. */
int64_t net_frame_ns(struct net *n, const struct net_trip *t, int64_t now_ns,
                     int64_t after_ns);

/* When a datagram that is sent now comes: no time, one or two; their number. */
int net_datagram_ns(struct net *n, const struct net_trip *t, int64_t now_ns,
                    int64_t at_ns[static NET_COPIES_MAX]);

#endif
