/* Who our neighbours are: a small symmetric active view over live links, and a larger
 * passive view of spare records.
 *
 * HyParView (Leitao, Pereira, Rodrigues, DSN 2007), with what its users learnt since: a
 * peer becomes a neighbour only after its NEIGHBOR_ACK; only some slots can be taken by
 * force; who evicts tells the evicted one who took the place, so that the newcomer splits
 * a link and nobody loses a neighbour.  Links and signatures are the node's affair: what
 * comes in here is from a peer whose id is proven.  SPDX-License-Identifier: MIT */
#ifndef OVERLAY_VIEW_H
#define OVERLAY_VIEW_H

#include "base/log.h"
#include "base/rng.h"
#include "base/sparse.h"
#include "overlay/bucket.h"
#include "overlay/dial.h"
#include "overlay/known.h"
#include "overlay/liveness.h"
#include "overlay/passive.h"
#include "overlay/reach.h"
#include "wire/outbox.h"

#define OVERLAY_ACTIVE_MAX     16 /* highest active_max */
#define OVERLAY_BOOTSTRAPS_MAX 16

struct overlay_params {
    int peers_max;   /* slots of the node's table of peers: 64 */
    int active_max;  /* neighbours: 6 */
    int active_low;  /* below it the view is refilled in haste: 4 */
    int active_need; /* below it, when refused for long, a slot is asked for with high
                        priority: 5 */
    int forced_max;  /* slots that can be taken by force: 2 … */
    int forced_old;  /* … and once no longer young: 1 */
    struct bucket_rate forced_rate; /* … and how often: 1 in 30 s, burst forced_max */
    bool has_split;                 /* who is evicted is told who took its place: true */
    bool tells_accepted;            /* who accepts names its neighbours, and not only who
                                       refuses: true */
    int64_t join_gap_ns;        /* a full contact evicts for one JOIN in this time: 2 s */
    int passive_max;            /* 120 */
    int passive_eager;          /* below it every walk leaves its record: 30 */
    int passive_fails_max;      /* dials in a row until a record is dropped: 250 */
    int join_walk;              /* ARWL, hops of a FORWARD_JOIN: 6 */
    int passive_walk;           /* PRWL, hops left when it leaves its record: 3 */
    int shuffle_walk;           /* hops of a SHUFFLE: 6 */
    int shuffle_active;         /* ka, records of neighbours in it: 3 */
    int shuffle_passive;        /* kp, records of the passive view in it: 12 */
    int64_t shuffle_period_ns;  /* 60 s, +-20 % */
    int64_t shuffle_young_ns;   /* the period while young or after losses: 15 s */
    int64_t shuffle_first_ns;   /* the first one, doubled up to the period: 1 s */
    int closed_shuffles;        /* shuffles without a sign of others: a closed group: 6 */
    int64_t young_ns;           /* young until so long after the first neighbour: 5 min */
    int64_t ask_timeout_ns;     /* for a NEIGHBOR_ACK; later ones still count: 2 s */
    int64_t dial_timeout_ns;    /* 15 s */
    int dials_max;              /* in flight: 64 */
    int dials_refill;           /* … of them to refill the view: 4 */
    int dials_haste;            /* … or so many below active_low: 48 */
    int64_t dial_patience_ns;   /* a dial that takes longer than max(this, 2 RTTs of our
                                   neighbours) does not hold up others: 100 ms */
    int64_t refill_wait_ns;     /* between two tries, doubled by each refusal: 10 ms */
    int64_t refill_alone_ns;    /* … up to this without any neighbour: 50 ms */
    int64_t refill_haste_ns;    /* … or up to this below active_low: 2 s */
    int64_t refill_calm_ns;     /* … or up to this: 30 s */
    int64_t retry_max_ns;       /* back-off of a failing record: 300 s */
    int64_t retry_share_ns;     /* … but at most this for each record held: 5 s */
    int64_t bootstrap_first_ns; /* between two dials to a given address: 0.5 s … */
    int bootstrap_quick;        /* … so often; then the time doubles: 6 */
    int64_t isolated_max_ns;    /* … and of all while there is no neighbour: 60 s */
    int64_t linger_ns;          /* a link that is done with is kept so long: 0.5 s */
    int64_t linger_new_ns;      /* … and one that nothing was asked on yet: 10 s */
    int64_t good_ns;            /* a neighbour for so long is remembered: 60 s */
    int64_t good_first_ns;      /* … and the first good_few of them so soon: 3 s */
    int good_few;               /* 4 */
    int known_max;              /* remembered peers: 64 */
    /* Who asks while the view is full is answered when those of our neighbours that
     * were silent for check_fresh_ns have been asked, and the dead are gone.  0: off. */
    int64_t check_fresh_ns; /* 2 s */
    int64_t check_min_ns;   /* an answer has max(this, 3 RTT) … */
    int64_t check_max_ns;   /* … or, if that is more, max(this, 2 RTT): 200, 400 ms */
    bool has_doubts; /* a neighbour that owes an acknowledgement holds no slot: true */
    struct bucket_rate alarm_rate; /* alarms of others that are looked into: 1 in 30 s,
                                      burst 2 */
    int rescue_links;  /* when many of ours fall silent so many others are met: 10 */
    int64_t rescue_ns; /* … within this time: 3 s; … */
    struct bucket_rate rescue_rate; /* … and so often: 1 in 30 s, burst 2 */
    /* Slots for peers of our own choice, and the oldest good links, are not to be had
     * by force.  0: off. */
    int chosen_min;         /* 3 */
    int64_t chosen_wait_ns; /* a free slot is kept so long for our own choice: 10 s */
    int pinned;             /* 2 */
    int group_min;          /* one peer of each group of addresses in each view,
                               once so many groups are known: 3; 0: off */
    int learn_max;          /* new records of one peer in one period that a full
                               passive view takes: 2; 0: any number */
    /* A remembered peer is dialled now and then; if it was out of reach before, or
     * is in another island, it becomes a neighbour, if need be by force.  0: off. */
    int64_t anchor_period_ns; /* 60 s, +-20 % */
    int64_t island_period_ns; /* the owner of a tag says so again: 100 s */
    int64_t island_age_ns;    /* a tag not confirmed for so long is void: 300 s */
    int64_t island_hop_ns;    /* a tag is passed on within this time: 1 s */
    struct reach_params reach;
    int probe_helpers;            /* others who are asked about a silent peer: 3 */
    struct bucket_rate join_link; /* JOIN and NEIGHBOR of one link: 1/s, burst 4 */
    struct bucket_rate join_node; /* JOINs walked on for all: 10/s, burst 40 */
    struct bucket_rate
        walk_link; /* FORWARD_JOIN, ISLAND, PROBE of one link: 4/s, burst 16 */
    struct bucket_rate shuffle_link; /* SHUFFLEs of one link: 1 in 5 s, burst 6 */
};

enum overlay_state {
    OVERLAY_LINKED, /* a peer, but no neighbour */
    OVERLAY_ASKED,  /* … that was asked to become one: a slot is kept free for it */
    OVERLAY_ACTIVE  /* a neighbour */
};

/* A link, as the overlay sees it. */
struct overlay_peer {
    uint32_t contact;          /* id, and where it listens */
    uint16_t tag;              /* of the id: contact_tag */
    uint8_t asks_open : 4;     /* our requests that it has not answered yet */
    uint8_t asks_void : 4;     /* … of which the first ones no longer count */
    uint8_t slot;              /* its number, which the node gives it */
    uint8_t learned;           /* records taken from it in this period */
    uint8_t is_dialled : 1;    /* by us */
    uint8_t is_forced : 1;     /* ASKED: may cost one of ours; ACTIVE: came by force */
    uint8_t is_remembered : 1; /* as a good neighbour */
    uint8_t is_drop : 1;       /* waits for overlay_take_drop */
    uint8_t has_shuffled : 1;  /* we await its SHUFFLE_REPLY */
    uint8_t is_waiting : 1;    /* its NEIGHBOR is answered when the check is over */
    uint8_t is_urgent : 1;     /* … and is of high priority */
    uint8_t is_checked : 1;    /* it has to answer the PING of a check */
    uint8_t is_chosen : 1;     /* we asked it for a slot */
    uint8_t is_anchor : 1;     /* we await its ISLAND, to compare */
    uint8_t is_new : 1;        /* nothing was asked on this link yet */
    uint8_t is_merging : 1;    /* we ask it so that two islands become one */
    uint8_t is_unsure : 1;     /* it was asked for life in the alarm that is on */
    uint8_t state : 2;         /* enum overlay_state */
    uint8_t how : 2;           /* enum link_how */
    uint8_t is_open : 1;       /* a plain dial of ours got through to it */
    uint8_t is_home : 1;       /* it introduces others to us … */
    uint8_t is_guest : 1;      /* … or we others to it */
    struct bucket_small joins;
    struct bucket_small walks;
    struct bucket_small shuffles;
    int64_t since_ns;    /* when the state began */
    int64_t deadline_ns; /* ASKED: of the answer; LINKED: end of lingering */
};

/* An address given by the user. */
struct overlay_bootstrap {
    struct addr addr;
    bool is_met;  /* it needs no dial while we have neighbours */
    bool is_self; /* our own address: never dialled */
    int tries;
    struct node_id id; /* who answered there; zero: nobody yet */
    int64_t next_ns;
};

/* In which part of the network we are. */
struct island {
    uint64_t own_tag;
    uint64_t tag;    /* the least that we have heard of; our own without neighbours */
    int64_t said_ns; /* when its owner last confirmed it */
    int64_t next_ns; /* of passing it on, or of looking at it again */
    bool is_news;    /* to be passed on at next_ns */
};

/* What happened so far; for `party status` and the tests. */
struct overlay_counts {
    uint32_t neighbours_up;
    uint32_t neighbours_down;
    uint32_t evicted; /* neighbours that we evicted */
    uint32_t refused; /* requests that we refused */
    uint32_t dials;
    uint32_t dials_failed;
    uint32_t limited;     /* messages over their rate */
    uint32_t stray;       /* messages that did not fit the state */
    uint32_t bad_records; /* records that name us, or no host */
    uint32_t checks;      /* of neighbours, before one is refused … */
    uint32_t check_dead;  /* … and neighbours that they found dead */
    uint32_t merges;      /* peers of other islands that we asked */
    uint32_t alarms;      /* of others, looked into */
    uint32_t rescues;     /* times that most of ours were silent */
};

struct overlay {
    const struct overlay_params *p;
    struct heap *heap;
    struct contacts *contacts;
    struct log *log;           /* NULL: silent.  The node sets it before each step. */
    struct liveness *liveness; /* of the same peers; NULL: nobody is asked for life */
    struct sparse slots;       /* that have a row in peers */
    struct overlay_peer *peers;
    uint8_t active[OVERLAY_ACTIVE_MAX]; /* the neighbours' slots, ascending */
    int active_count;
    int asked_count;   /* ASKED ones with a slot kept free */
    int forced_count;  /* ACTIVE ones that came by force */
    int relayed_count; /* links by way of another node */
    int drop_count;    /* links that wait for overlay_take_drop */
    int64_t wake_ns;   /* the next deadline */
    struct rng rng;
    uint32_t self;       /* our contact */
    uint32_t probe_salt; /* of the nonces of our PROBEs */
    struct passive passive;
    struct dials dials;
    struct known known;
    uint8_t bootstrap_count;
    uint8_t rescue_left; /* so many more are to answer in a rescue */
    bool is_contested;   /* a slot of ours was taken since the last shuffle but one … */
    bool was_contested;
    int quiet_shuffles; /* own ones since a sign of a node beyond our neighbours */
    struct overlay_bootstrap *bootstraps; /* bootstrap_count of them */
    struct bucket forced;
    struct bucket joins;
    int64_t join_ns;        /* the last JOIN that we took; -1: none */
    int64_t refill_ns;      /* no try to refill before */
    int64_t refill_wait_ns; /* grows with refusals */
    int64_t shuffle_ns;     /* the next one; TIME_NEVER without neighbours */
    int64_t shuffle_wait_ns;
    int64_t young_until_ns;
    int64_t lost_ns;  /* when the last neighbour but one went down */
    int64_t check_ns; /* end of such a check; TIME_NEVER: none */
    int64_t alarm_ns; /* when somebody raised an alarm; TIME_NEVER: none is on */
    struct bucket_small alarms;
    struct bucket_small rescues;
    int64_t rescue_until_ns; /* so long we look for who is left */
    int64_t anchor_ns;       /* of the next dial to an anchor */
    struct island island;
    struct reach reach;
    struct overlay_counts counts;
};

struct overlay_params overlay_params_default(void);

/* Keeps p, heap and contacts.  self->addr is where we listen (an IP of 0.0.0.0 or :: is
 * fine); port 0: nowhere. */
void overlay_init(struct overlay *o, const struct overlay_params *p, struct heap *heap,
                  struct contacts *contacts, const struct peer_rec *self, uint64_t seed);

/* Gives all memory back. */
void overlay_finish(struct overlay *o);

/* We now listen there. */
void overlay_set_listen(struct overlay *o, const struct addr *listen);

/* An address of `--join`, dialled until it answers, 1..60 s apart, and again whenever we
 * have no neighbour.  False when there are OVERLAY_BOOTSTRAPS_MAX, or it is no address.
 */
bool overlay_add_bootstrap(struct overlay *o, const struct addr *a);
bool overlay_is_bootstrap(const struct overlay *o, const struct addr *a);

/* A peer remembered from an earlier run.  False when it was ignored. */
bool overlay_add_known(struct overlay *o, const struct peer_rec *rec);

/* A link is ready.  rec: its proven id, and where it listens, with the IP that we see it
 * at in the place of "any"; port 0 when it does not listen.  dialled: the address that we
 * had dialled, NULL when the peer dialled us.  Of two links to one id the node keeps one.
 */
void overlay_peer_up(struct overlay *o, int peer, const struct peer_rec *rec,
                     const struct addr *dialled, int64_t now_ns, struct outbox *out);

/* How the link of this peer came about: to be said once, right after overlay_peer_up. */
void overlay_peer_came(struct overlay *o, int peer, enum link_how how, int64_t now_ns,
                       struct outbox *out);

/* Somebody has dialled us, and was not asked to do so at the same moment as we. */
void overlay_reached(struct overlay *o, int64_t now_ns, struct outbox *out);

/* Where a host sees our listening port. */
void overlay_seen(struct overlay *o, const struct addr *seen, const struct addr *by,
                  int64_t now_ns, struct outbox *out);

/* Another link to this peer takes the place of this one: if it is a neighbour, it will be
 * asked again. */
void overlay_again(struct overlay *o, int peer, int64_t now_ns);

/* The link is gone; nothing of it may be used after the call. */
void overlay_peer_down(struct overlay *o, int peer, int64_t now_ns, struct outbox *out);

/* One of MSG_JOIN … MSG_SHUFFLE_REPLY, MSG_ISLAND, MSG_PROBE, MSG_PROBE_ACK, MSG_REACH.
 */
void overlay_receive(struct overlay *o, int peer, const struct msg *m, int64_t now_ns,
                     struct outbox *out);

/* How a dial ended when not by overlay_peer_up: it failed (or the peer was not the
 * expected one, or the node has no room for a link); … */
void overlay_dial_failed(struct overlay *o, const struct addr *a, int64_t now_ns);

/* … it led to this peer, to whom another link stands; … */
void overlay_dial_duplicate(struct overlay *o, const struct addr *a, int peer,
                            int64_t now_ns, struct outbox *out);

/* … or it led to ourselves. */
void overlay_dial_self(struct overlay *o, const struct addr *a);

/* A peer whom we just met says that many of its neighbours fell silent at once: ours are
 * asked whether they live, and meanwhile others are dialled.  Nobody loses a slot by it
 * who answers. */
void overlay_alarm(struct overlay *o, int64_t now_ns, struct outbox *out);

/* The same of our own neighbours, by what we know ourselves. */
bool overlay_is_alarmed(const struct overlay *o);

/* The deadlines.  overlay_wake may come late, early or twice. */
int64_t overlay_wake_ns(const struct overlay *o);
void overlay_wake(struct overlay *o, int64_t now_ns, struct outbox *out);

/* Say good-bye to all neighbours; the node then closes. */
void overlay_leave(struct overlay *o, int64_t now_ns, struct outbox *out);

/* What the overlay wants of the node; after each call above, call each until false.
 * take_dial: open a link to an address; expected is the id that must answer, all zero for
 * whoever does.  It ends in exactly one of peer_up, dial_failed, _duplicate, _self. */
bool overlay_take_dial(struct overlay *o, struct addr *a, struct node_id *expected);

/* A dial that takes longer than this may have to make room for others. */
int64_t overlay_dial_patience_ns(const struct overlay *o);
/* The record that a dial is for, by its address and id; NULL: there is no such dial. */
const struct peer_rec *overlay_dial_rec(const struct overlay *o, const struct addr *a,
                                        const struct node_id *id);

/* What we know of how dials from outside reach us; and where our listening port is seen,
 * as far as that is known. */
enum reach_class overlay_reach(const struct overlay *o);
struct addr overlay_outside(const struct overlay *o);

/* Nobody will dial us for the test that we asked for: it says nothing. */
void overlay_spare_test(struct overlay *o);

/* A peer to be dialled once more, from our listening port, to see where it sees that (the
 * link itself is not needed); -1: none.  To be called as overlay_take_dial is. */
int overlay_take_look(struct overlay *o);

/* True while a link by way of another node is better than none. */
bool overlay_is_short(const struct overlay *o);

/* A link that the overlay no longer needs: close it, unless something else needs it. */
bool overlay_take_drop(struct overlay *o, int *peer);

/* A change of what is to be remembered for the next run: at most known_max records. */
bool overlay_take_remember(struct overlay *o, struct peer_rec *rec, bool *is_forget);

/* True while the overlay wants this link; when something else stops needing a link for
 * which this is false, the node closes it. */
bool overlay_needs(const struct overlay *o, int peer);

bool overlay_is_active(const struct overlay *o, int peer);

/* … that has its slot by force. */
bool overlay_is_forced(const struct overlay *o, int peer);

/* The id of the peer in a slot, and where it listens; valid while it is there. */
const struct peer_rec *overlay_rec(const struct overlay *o, int peer);

/* True when the dial to this address is for one id alone, and for another one. */
bool overlay_dials_other(const struct overlay *o, const struct addr *a,
                         const struct node_id *id);

/* The neighbours' slots in ascending order; peers holds OVERLAY_ACTIVE_MAX. */
int overlay_active(const struct overlay *o, int *peers);

/* The slot of a peer, or -1. */
int overlay_find(const struct overlay *o, const struct node_id *id);

/* The invariants: sizes, counts, no id twice, never ourselves, views disjoint.  NULL, or
 * what is wrong. */
const char *overlay_check(const struct overlay *o);

#endif
