/* The virtual driver: as many nodes as wanted, each behind the same node_step that the
 * daemon runs, on virtual time.  It is the mirror image of daemon/: what a node wants is
 * carried out against a virtual network, virtual clocks and stores in memory.
 * SPDX-License-Identifier: MIT */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "node/node.h"
#include "sim/clockmodel.h"
#include "sim/hash.h"
#include "sim/net.h"
#include "sim/queue.h"
#include "overlay/contacts.h"
#include "sim/store.h"

#define WORLD_REMEMBER_MAX 256
#define WORLD_ITEM_MAX     64

/* What the node told its player, which is all that a sound card would follow. */
struct world_player {
    int count;
    struct timeline_segment segments[TIMELINE_SEGMENTS_MAX];
    bool has_line;
    struct clock_line line;
};

/* A thing remembered over restarts. */
struct world_item {
    uint8_t key[WORLD_ITEM_MAX];
    uint8_t value[WORLD_ITEM_MAX];
    uint8_t key_len;
    uint8_t value_len;
};

struct world_link_ref {
    struct net_link *link;
    int end;
};

struct world_node {
    struct node *node; /* NULL: not running */
    void *memory;
    uint32_t life;      /* starts so far */
    bool is_dark;       /* the machine is off: nothing answers, not even a refusal */
    bool has_dead_disk; /* the store takes orders and never answers */
    bool has_no_sound;
    int64_t rot_ppm; /* chance that a loaded block is damaged */
    struct clock_model clock;
    uint64_t happenings; /* that it caused; names them */
    uint32_t next_link;
    uint64_t next_command;
    int64_t wake_ns;      /* as last asked for, raw; TIME_NEVER: none */
    uint64_t wake_number; /* of the one armed wake; older ones are void */
    int64_t storm_ns;     /* steps are counted … */
    int steps;            /* … from there on, for a millisecond */
    int link_count;
    struct world_link_ref links[NET_LINKS_MAX];
    struct world_player player;
    struct store store;
    int item_count;
    struct world_item *items; /* WORLD_REMEMBER_MAX */
};

struct world_counts {
    int64_t events;
    int64_t frames;
    int64_t frame_bytes;
    int64_t datagrams;
    int64_t datagrams_lost;
    int64_t blocks_stored;
    int64_t bytes_stored;
    int64_t dials;
    int64_t dials_failed;
};

/* What the world tells to whoever runs the experiment. */
struct world_hooks {
    void *context;
    void (*stepped)(void *context, int node, const struct event *e);
    void (*replied)(void *context, int node, uint64_t id, int err, struct bytes body);
    void (*ticked)(void *context, uint64_t token);
    void (*failed)(void *context, int node, const char *what);
};

#define WORLD_NTP_MAX 4

struct world_params {
    uint64_t seed;
    int node_count;
    struct net_params net;
    struct node_params node; /* of all; name and listen are filled in */
    int ntp_count;           /* time servers, 0..WORLD_NTP_MAX */
    int64_t ntp_error_ns[WORLD_NTP_MAX];
    bool is_traced; /* a line per event on stdout */
    bool is_logged; /* what the nodes log too */
};

struct world {
    struct world_params p;
    int64_t now_ns;
    struct queue queue;
    struct net net;
    struct run_hash hash;
    struct effects *out;
    struct world_node *nodes;
    size_t node_bytes; /* of one node's arena */
    struct pool pool;
    struct contacts contacts;
    struct store_library library;
    struct world_hooks hooks;
    struct world_counts counts;
    uint64_t ticks; /* asked for */
    bool is_stopped;
};

/* Ready to start nodes; takes memory until world_finish. */
void world_init(struct world *w, const struct world_params *p,
                const struct world_hooks *hooks);
void world_finish(struct world *w);

/* Before its first start: the clock of a node. */
void world_set_clock(struct world *w, int node, const struct clock_model_params *p);

/* Start a node, for the first time or again. */
void world_start(struct world *w, int node);

/* End a node at once.  Dark: the whole machine, without a word to anybody. */
void world_crash(struct world *w, int node, bool is_dark);

/* Hand a command to a node now: an encoded request.  The id of its reply. */
uint64_t world_command(struct world *w, int node, struct bytes request);

/* Have hooks.ticked called with the token at an instant. */
void world_tick_at(struct world *w, int64_t at_ns, uint64_t token);

/* Go on until an instant, or until stopped. */
void world_run(struct world *w, int64_t until_ns);

bool world_is_up(const struct world *w, int node);

/* Addresses of the time servers. */
struct addr world_ntp_addr(int server);

#endif
