/* The virtual driver: as many nodes as wanted, each behind the same node_step that the
 * daemon runs, on virtual time.  It is the mirror image of daemon/: what a node wants is
 * carried out against a virtual network, virtual clocks and stores in memory.
 *
 * A world is cut into parts, one for each thread (or each MPI rank); a node belongs to
 * one part.  What happens does not depend on how many there are.  With several, the hooks
 * `stepped` and `replied` are called by all threads at once, and may only look at the
 * node that they are about; ticks are called while all parts stand still, and may do all.
 * SPDX-License-Identifier: MIT */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "node/node.h"
#include "overlay/contacts.h"
#include "sim/clockmodel.h"
#include "sim/hash.h"
#include "sim/net.h"
#include "sim/packet.h"
#include "sim/store.h"
#include "sim/wheel.h"

#define WORLD_REMEMBER_MAX 256
#define WORLD_ITEM_MAX     64
#define WORLD_PARTS_MAX    64

/* What the node told its player, which is all that a sound card would follow. */
struct world_player {
    uint32_t version; /* counts the timelines */
    int count;
    struct timeline_segment segments[TIMELINE_SEGMENTS_MAX];
    bool has_line;
    struct clock_line line;
};

struct link_table;
struct world_more;
struct world_part;
struct exchange;

/* What every event touches: one cache line. */
struct world_node {
    struct node *node; /* NULL: not running */
    struct run_hash hash;
    struct link_table *links; /* NULL: none */
    struct world_more *more;  /* what few nodes need; NULL: not yet */
    int64_t wake_ns;          /* as last asked for, raw; TIME_NEVER: none */
    int64_t armed_ns;         /* the wake in the queue that counts, true time */
    uint32_t number;          /* of what it caused; names the draws too */
    uint16_t life;            /* starts so far */
    bool is_dark : 1;   /* the machine is off: nothing answers, not even a refusal */
    bool is_paused : 1; /* its process is stopped; what comes has to wait */
    bool has_no_sound : 1;
    bool is_audio_due : 1; /* a report is in the queue */
};

/* The disk of a node.  All zero: a good one. */
struct world_disk {
    int64_t mean_ns; /* an order takes so long; 0: as usual */
    int64_t rot_ppm; /* blocks come back damaged, in so many of a million cases */
    bool is_full;    /* what is to be kept is refused, with an error */
    bool is_dead;    /* it takes orders and never answers */
};

struct world_counts {
    int64_t events;
    int64_t frames;
    int64_t frame_bytes;
    int64_t received; /* frames that came to a node */
    int64_t datagrams;
    int64_t datagrams_lost;
    int64_t blocks_stored;
    int64_t bytes_stored;
    int64_t dials;
    int64_t dials_failed;
};

/* What the world tells to whoever runs the experiment.  Any may be NULL. */
struct world_hooks {
    void *context;
    void (*stepped)(void *context, int node, const struct event *e);
    void (*replied)(void *context, int node, uint64_t id, int err, struct bytes body);
    void (*ticked)(void *context, uint64_t token);
    void (*failed)(void *context, int node, const char *what);

    /* Before each start of a node: its setup, and the parameters that it lives by, as the
     * world has them; both may be changed (params to others that outlive the world). */
    void (*set_up)(void *context, int node, struct node_setup *setup,
                   const struct node_params **params);
};

#define WORLD_NTP_MAX 4

/* What the run hash covers. */
enum world_hash {
    WORLD_HASH_ALL,    /* events, effects, and every byte of both */
    WORLD_HASH_EVENTS, /* events and their bytes */
    WORLD_HASH_TIMES   /* which event reached whom when */
};

struct world_params {
    uint64_t seed;
    int node_count;
    int threads; /* 0: one */
    struct net_params net;
    struct node_params node; /* of all */
    struct node_setup setup; /* of all; name and listen are filled in */
    int ntp_count;           /* time servers, 0..WORLD_NTP_MAX */
    unsigned ntp_mute;       /* bit i: server i does not answer */
    int64_t ntp_error_ns[WORLD_NTP_MAX];
    int64_t clock_period_ns; /* nodes hear of the system's clock at the start, and … */
    bool has_no_memory;      /* what a node asks to be remembered is lost */
    enum world_hash hash;    /* … of what it covers; the default is all */
    struct exchange *exchange; /* between processes; NULL: there is one */
    bool is_traced;            /* a line per event on stdout */
    bool is_logged;            /* what the nodes log too */
};

struct world_tick {
    uint64_t token;
    uint64_t number; /* 0: free, and token is the next free one */
};

struct world {
    struct world_params p;
    int64_t now_ns; /* in ticks, and with one part */
    struct net net;
    struct run_hash hash; /* as of the end of world_run */
    struct effects *out;  /* of the last step, with one part */
    struct world_node *nodes;
    uint8_t *arenas; /* node_bytes for each node */
    size_t node_bytes;
    int part_count;
    int part_share; /* nodes of a part; the last may have fewer */
    struct world_part *parts;
    struct exchange *exchange; /* NULL: one part */
    struct store_library library;
    struct world_hooks hooks;
    struct world_counts counts; /* as of the last tick, or the end of world_run */
    int64_t tick_ns;            /* the next tick; TIME_NEVER: none */
    struct wheel ticks;         /* values are places in tick_list */
    struct world_tick *tick_list;
    uint32_t tick_room;
    uint32_t tick_free; /* 1 + place; 0: none */
    uint64_t tick_count;
    bool is_stopped;
};

/* Ready to start nodes; takes memory until world_finish. */
void world_init(struct world *w, const struct world_params *p,
                const struct world_hooks *hooks);
void world_finish(struct world *w);

/* Before its first start: the clock of a node.  One without keeps true time. */
void world_set_clock(struct world *w, int node, const struct clock_model_params *p);

/* The clock of a node, to be read or disturbed; NULL: true time. */
struct clock_model *world_clock(const struct world *w, int node);

/* Start a node, for the first time or again; now, or at an instant (which costs no tick:
 * the way to start a million). */
void world_start(struct world *w, int node);
void world_start_at(struct world *w, int node, int64_t at_ns);

/* End a node at once.  Its links end with a reset; dark: the whole machine, without a
 * word to anybody.  What it remembers and stores stays for the next start. */
void world_crash(struct world *w, int node, bool is_dark);

/* Stop a node's process (SIGSTOP): what comes for it waits, and comes at once when it
 * goes on.  Nothing happens to one that is down. */
void world_pause(struct world *w, int node);
void world_resume(struct world *w, int node);

/* … or, when its clock was stopped too, its whole machine: that slept, is told so, and is
 * wrong by error_ns about how long that was. */
void world_wake_up(struct world *w, int node, int64_t error_ns);

/* The system clock of a node shows another time, from now on, by so much. */
void world_step_utc(struct world *w, int node, int64_t by_ns);

/* From now on a node has this disk.  What a node asked to be remembered, and was not told
 * to be on the disk, is lost when it crashes. */
void world_set_disk(struct world *w, int node, const struct world_disk *disk);

/* A new disk for a node that is down: it remembers nothing, holds no song, and is another
 * one when it starts. */
void world_wipe(struct world *w, int node);

/* All links of a node end with a reset at both ends; or, muted, what is sent on them is
 * lost from now on, and nobody is told: a translator has forgotten them. */
void world_reset_links(struct world *w, int node);
void world_mute_links(struct world *w, int node);

/* Hand a command to a node now: an encoded request.  The id of its reply. */
uint64_t world_command(struct world *w, int node, struct bytes request);

/* The id that the next command to this node will have. */
uint64_t world_next_command(const struct world *w, int node);

/* Have hooks.ticked called with the token at an instant, after all that happens then.
 * With several parts only before world_run and from a tick. */
void world_tick_at(struct world *w, int64_t at_ns, uint64_t token);

/* Go on until an instant, or until stopped. */
void world_run(struct world *w, int64_t until_ns);

/* The run hash of what happened so far, in a tick or between two world_run; with MPI in
 * all ranks at once.  Two runs that went apart are bisected by it. */
void world_hash(struct world *w, struct run_hash *hash);

/* True time as the node's part has it: what hooks must use with several parts. */
int64_t world_now_ns(const struct world *w, int node);

bool world_is_up(const struct world *w, int node);

/* True when this process steps the node: all of them, but for MPI. */
bool world_is_local(const struct world *w, int node);

/* In hooks.stepped: what brought the event to the node.  A thing that was sent is named
 * by who sent it, and is below that node's `number` as of the end of the step that sent
 * it. */
struct world_cause {
    enum { WORLD_TICKED, WORLD_WOKEN, WORLD_SENT } kind;
    int from;
    uint32_t number;
};
struct world_cause world_cause(const struct world *w, int node);

/* As `trace` calls it. */
const char *world_event_name(enum event_kind kind);

/* What its raw clock shows now. */
int64_t world_raw_ns(struct world *w, int node);

/* What the node told its player; never NULL. */
const struct world_player *world_player(const struct world *w, int node);

struct store *world_store(struct world *w, int node);

/* Links that the node has now, in both directions and of all kinds. */
int world_links(const struct world *w, int node);

/* Where a node listens. */
struct addr world_addr(const struct world *w, int node);

/* Addresses of the time servers. */
struct addr world_ntp_addr(int server);

/* Memory of the nodes' own tables and contacts. */
size_t world_node_memory(const struct world *w);

#endif
