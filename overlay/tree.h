/* Trees: how what is large or periodic reaches all nodes about once each, over the same
 * neighbours as floods.
 *
 * Along eager links a message is pushed at once; along lazy ones only its id is announced
 * (IHAVE).  Who gets a message twice prunes the second link; who hears of an id and gets
 * no message grafts the link that it heard it from.  So of all links those that are
 * fastest remain: a tree, which mends itself.  Each origin has its own, which
 * makes short ways, but its first messages go everywhere; or one serves all of them.
 *
 * Which ids were seen, their age, rates and signatures are judged as for floods
 * (overlay/flood.h) before a message comes here.  Without messages no memory is held.
 * Source: Leitao, Pereira, Rodrigues, "Epidemic Broadcast Trees" (SRDS 2007), section 3.
 * SPDX-License-Identifier: MIT */
#ifndef OVERLAY_TREE_H
#define OVERLAY_TREE_H

#include "base/pool.h"
#include "overlay/bucket.h"
#include "wire/outbox.h"

#define TREE_PEERS_MAX   128
#define TREE_WORDS       (TREE_PEERS_MAX / 64)
#define TREE_ORIGINS_MAX 16
#define TREE_ITEMS_MAX   64
#define TREE_MISSING_MAX 64
#define TREE_SOURCES_MAX 4 /* neighbours remembered that announced a missing id */

struct tree_params {
    bool is_shared;   /* one tree for all origins: false */
    bool is_off;      /* every message is pushed to all: a flood without end of hops */
    int hops_max;     /* of any message: 64 */
    int64_t batch_ns; /* ids wait so long to be announced together: 20 ms */
    /* Where each message is another's the way along the tree is long, and a neighbour
     * announces well before it comes: at 150 ms 178 of 1,000 payloads came twice in a
     * network of 500, at 600 ms none. */
    int64_t graft_first_ns; /* from the first announcement to the graft: 600 ms … */
    int64_t graft_next_ns;  /* … and from one graft to the next: 80 ms */
    int graft_rtts;         /* … but at least so many round trips for the first: 2 */
    int threshold;          /* a link that is so many hops shorter replaces one: 3 */
    int64_t keep_ns;        /* messages are kept for grafts so long: 30 s */
    size_t bytes_max;       /* … and take at most so much: 128 KiB */
    int64_t origin_ns;      /* a tree without messages is forgotten after: 10 min */
    int grafts_max;         /* of one message, that are answered: 3 by each link */
    struct bucket_rate ihave_rate; /* ids of one link: 200/s, burst 400 */
};

/* The tree of one origin: the neighbours that are not in it. */
struct tree_origin {
    uint8_t key[KEY_LEN];
    int64_t used_ns;
    uint64_t lazy[TREE_WORDS];
};

/* A message that was handled, kept to be grafted. */
struct tree_item {
    struct flood_id id;
    uint8_t origin[KEY_LEN];
    uint8_t sig[SIGNATURE_LEN];
    int64_t since_ns;
    uint8_t hops; /* as received */
    uint8_t grafts;
    uint64_t waiting[TREE_WORDS]; /* lazy neighbours that are to hear of it */
    uint32_t len;
    uint8_t *inner; /* NULL: given up for want of room */
};

/* An id that was announced, and has not come. */
struct tree_missing {
    struct flood_id id;
    int64_t due_ns; /* of the next graft */
    uint8_t next;   /* source to be grafted */
    uint8_t count;
    struct {
        int16_t peer; /* -1: gone */
        uint8_t hops;
    } sources[TREE_SOURCES_MAX];
};

struct tree_counts {
    int64_t sent; /* messages pushed, ids announced, … */
    int64_t announced;
    int64_t grafts;
    int64_t prunes;
    int64_t duplicates;
    int64_t rescued; /* messages that came after a graft */
    int64_t broken;  /* announced, grafted, and never sent */
    int64_t limited;
};

struct tree {
    const struct tree_params *p;
    struct heap *heap;
    uint64_t active[TREE_WORDS]; /* neighbours, by slot */
    int16_t origin_count;
    int16_t item_count;
    int16_t missing_count;
    struct tree_origin *origins; /* TREE_ORIGINS_MAX at most; these three NULL while … */
    struct tree_item *items;     /* … empty; oldest first */
    struct tree_missing *missing; /* in the order of their coming */
    size_t bytes;                 /* of all items */
    int64_t batch_ns; /* when the waiting announcements go out; TIME_NEVER: none wait */
    uint64_t broken[TREE_WORDS]; /* peers for tree_take_broken */
    struct bucket *ihaves;       /* by slot, rows so far */
    int ihave_rows;
    struct tree_counts counts;
};

struct tree_params tree_params_default(void);

/* Keeps params and heap. */
void tree_init(struct tree *t, const struct tree_params *p, struct heap *heap);
void tree_finish(struct tree *t);

/* Who the neighbours are now; after every change of the active view.  A new one is in all
 * trees (eager); one that is gone is in none. */
void tree_set_active(struct tree *t, const int *peers, int count);

/* A message that is new and good, from a neighbour, or our own (peer -1, hops 0): push it
 * on, announce it, keep it. */
void tree_deliver(struct tree *t, const struct flood_id *id,
                  const uint8_t origin[static KEY_LEN], const struct msg_flood *m,
                  int peer, int64_t now_ns, struct outbox *out);

/* A message came, and was over the rate of its origin, or too old: nobody is asked for it
 * any more, and who announced it has kept its word. */
void tree_refused(struct tree *t, const struct flood_id *id);

/* A message that was seen before came again. */
void tree_duplicate(struct tree *t, const uint8_t origin[static KEY_LEN], int peer,
                    struct outbox *out);

/* An id that was not seen yet is announced; rtt_ns of the link, -1 when not known.  False
 * when the link announces too much. */
bool tree_announced(struct tree *t, int peer, const struct flood_id *id, uint8_t hops,
                    int64_t rtt_ns, int64_t now_ns);

void tree_on_graft(struct tree *t, int peer, const struct msg_graft *m,
                   struct outbox *out);
void tree_on_prune(struct tree *t, int peer, const uint8_t origin[static KEY_LEN]);

int64_t tree_wake_ns(const struct tree *t);
void tree_wake(struct tree *t, int64_t now_ns, struct outbox *out);

/* The next peer that announced what it did not send when it was grafted. */
bool tree_take_broken(struct tree *t, int *peer);

/* The invariants.  NULL, or what is wrong. */
const char *tree_check(const struct tree *t);

#endif
