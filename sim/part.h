/* The inside of a world: one part of it, with the nodes that one thread steps, and what
 * is on its way to them.  For the files of the world only.  SPDX-License-Identifier: MIT
 */
#ifndef SIM_PART_H
#define SIM_PART_H

#include "sim/ahead.h"
#include "sim/world.h"

/* A thing remembered over restarts. */
struct world_item {
    uint8_t key[WORLD_ITEM_MAX];
    uint8_t value[WORLD_ITEM_MAX];
    uint8_t key_len;
    uint8_t value_len;
};

/* … and one that is on its way to the disk. */
struct world_write {
    int64_t at_ns; /* it is there then */
    struct world_item item;
};

/* What few nodes need. */
struct world_more {
    struct clock_model *clock;   /* NULL: true time */
    struct world_player *player; /* NULL: nothing was ever to be played */
    struct store *store;
    struct world_item *items;
    int item_count;
    int item_room;
    uint32_t *held; /* packets that wait while it is paused */
    int held_count;
    int held_room;
    bool has_missed_wake;
    struct world_disk disk;
    struct world_write *writes; /* not on the disk yet, in the order they were made */
    int write_count;
    int write_room;
    uint32_t wipes; /* disks that it has had before this one */
    int64_t utc_step_ns;
    uint64_t next_command;
};

/* One end of a link, as its node's machine knows it. */
enum end_state {
    END_DIALLING,
    END_PUNCHING, /* the same, from the port that the machine listens at */
    END_PENDING,
    END_OPEN
};

struct link_row {
    uint32_t id;    /* as the node here names it: even, or accepted and odd */
    uint32_t other; /* the node there … */
    uint32_t other_id;
    uint16_t other_life;
    uint8_t state;
    uint8_t other_row; /* where it was there, when we heard last */
    int64_t out_ns;    /* the last that went from here comes then */
    int64_t way_ns;    /* net_way_ns to there */
};

struct link_table {
    uint32_t next; /* name of the next link that is accepted */
    uint16_t count;
    uint8_t room;
    uint8_t last; /* the row that something came on last: most answers go there */
    struct link_row rows[];
};

/* Packets for another part, one behind the other: struct mail_head, then the packet. */
struct mail {
    uint8_t *data;
    size_t len;
    size_t room;
};

struct mail_head {
    int64_t at_ns;
    uint32_t to;
    uint32_t size; /* of the packet, header and all */
};

#define STEPS_WATCHED 256
#define CAUSE_NONE    UINT32_MAX

struct step_count {
    int node;
    int steps;
    int64_t ms;
};

struct world_part {
    struct world *w;
    int index;
    int first; /* nodes first..end-1 */
    int end;
    int64_t now_ns;
    uint32_t cause; /* the packet of the event under way; 0: a wake; else CAUSE_NONE */
    struct wheel wheel; /* values: node << 32 | packet; packet 0: its wake */
    struct ahead ahead;
    struct packets packets;
    struct pool pool;
    struct heap heap; /* tables of links */
    struct contacts contacts;
    struct effects *out;
    struct world_counts counts;
    struct mail *mail; /* one for each part */
    struct step_count steps[STEPS_WATCHED];
};

struct world_part *part_of(const struct world *w, int node);

/* Of a node that has none yet too. */
struct world_more *part_more(struct world_node *n);

/* A packet with len bytes from one node to another (or itself), queued; the trip's number
 * was drawn by part_number.  The caller then fills in the rest and the data, at once. */
struct packet *part_post(struct world_part *p, enum packet_kind kind,
                         const struct net_trip *trip, int64_t at_ns, size_t len);
uint32_t part_number(struct world_part *p, int node);

/* The same for a node's own self, in its present life. */
struct packet *part_post_self(struct world_part *p, enum packet_kind kind, int node,
                              int64_t delay_ns, size_t len);

/* Packets from another part. */
void part_take_mail(struct world_part *p, const uint8_t *data, size_t len);

/* Run until an instant, all that happens then included. */
void part_run(struct world_part *p, int64_t until_ns);

/* Bring one to its node: what the queue had for it, packet 0 for a wake. */
void part_deliver(struct world_part *p, int node, uint32_t packet);

/* One event for a node: its step, and all that follows from it (sim/step.c).  data is
 * what the hash takes of it. */
void part_step(struct world_part *p, int node, struct event *e, struct bytes data);

/* What the operating system takes for UTC. */
void part_tell_clock(struct world_part *p, int node);

int64_t part_raw_ns(struct world_part *p, int node, int64_t true_ns);
void part_arm(struct world_part *p, int node);

/* What world_start does, in two steps: make the node of a local part, and let it begin.
 */
void world_create(struct world *w, int node);
void world_begin(struct world *w, int node);

/* What the identity of a node grows from. */
void world_identity_seed(const struct world *w, int node, uint8_t seed[static 32]);

/* The link side (sim/links.c). */
void links_open(struct world_part *p, int node, const struct effect *e);
void links_fetch(const struct world_node *n); /* many frames are to go out */
void links_close(struct world_part *p, int node, uint32_t id);
void links_send(struct world_part *p, int node, uint32_t id, struct bytes frame);
void links_forget(struct world_part *p, int node, bool is_dark);
void links_reset(struct world_part *p, int node);
void links_mute(struct world_part *p, int node);

/* One end of a link that stands, though nobody opened it. */
struct link_end {
    uint32_t id;
    uint32_t other;
    uint32_t other_id;
};
void links_adopted(struct world_part *p, int node, const struct link_end *end);
void links_deliver(struct world_part *p, int node, const struct packet *packet);

/* The store side (sim/disk.c). */
void disk_effect(struct world_part *p, int node, const struct effect *e);
void disk_remember(struct world_part *p, int node, const struct memory_item *item);
void disk_promise(struct world_part *p, int node, const struct memory_item *item);

/* What was under way by now is on the disk; on a crash the rest is lost. */
void disk_settle(struct world_more *more, int64_t now_ns, bool is_crash);

#endif
