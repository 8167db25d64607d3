/* The inside of a node, for the files of node/ only.
 * SPDX-License-Identifier: MIT */
#ifndef NODE_INTERNAL_H
#define NODE_INTERNAL_H

#include "clock/map.h"
#include "clock/utc.h"
#include "base/sparse.h"
#include "overlay/contacts.h"
#include "node/commands.h"
#include "node/company.h"
#include "node/links.h"
#include "node/node.h"
#include "node/probes.h"
#include "node/slots.h"
#include "node/songs.h"
#include "overlay/tree.h"
#include "secure/hash.h"

#define NOTES_MAX 8

/* A line for the user, shown for a while. */
struct note {
    int64_t at_ns;
    char text[160];
};

/* The last dial at the same moment as the other end: who comes from there soon after is
 * no proof that strangers could. */
struct punched {
    int64_t at_ns;
    struct addr there;
};

/* What the player said, where that is more than whether there is a card. */
struct heard_audio {
    struct event_audio a; /* without message */
    char message[160];
};

/* Modulo 2^32. */
struct node_counters {
    uint32_t malformed;         /* frames that did not open or decode */
    uint32_t refused;           /* handshakes that failed */
    uint32_t datagrams_refused; /* of no session, forged or repeated */
    uint32_t bad_signatures;    /* floods and replies */
};

/* Modules that something was done to since they were last asked for their wishes and
 * their next wake: the others are not even looked at, which is most of them in most
 * steps. */
enum stirred {
    STIRRED_OVERLAY = 1,
    STIRRED_FLOODS = 2, /* and trees */
    STIRRED_ALL = 3
};

/* What each step touches stands in front. */
struct node {
    int64_t now_ns;
    int64_t due_ns;      /* we asked to be woken then; TIME_NEVER: we did not */
    struct effects *out; /* of the step that is under way */
    const struct node_params *params;
    struct sparse slot_set;  /* numbers that are taken: see node/slots.h */
    struct slot **slots;     /* of them, from the heap; at most params->peers_max */
    uint32_t *slot_links;    /* … and their links */
    int slot_numbers;        /* from which a new one is taken */
    int choked_count;        /* slots that are choked */
    struct company *company; /* NULL: none, see node/company.h */
    struct tree *tree;       /* NULL while there is none */
    struct meets *meets;     /* NULL: none, see node/meet.h */
    struct relays *relays;   /* NULL: none, see node/relay.h */
    int64_t links_wake_ns;   /* something is due at the slots */
    int64_t links_look_ns;   /* whether they are needed is asked no earlier */
    int64_t judge_ns;        /* when to look at ourselves again */
    int64_t overlay_wake_ns; /* these two as of when they were last stirred */
    int64_t floods_wake_ns;
    uint8_t stirred; /* enum stirred */
    bool has_servers;
    bool is_state_stale;
    bool has_card;             /* a sound card is there and running */
    uint32_t timeline_version; /* as last told to the player */
    struct floods floods;
    struct liveness liveness;
    struct overlay overlay;
    struct invites invites;
    struct heap heap;
    struct contacts *contacts; /* node/fetch.c fetches what stands in front of it */

    struct identity self;
    uint8_t secret[SECURE_SEED_LEN]; /* all other secrets grow from it, one by one */
    struct rng rng;
    char *name; /* from the heap, NUL-terminated */
    struct addr listen;
    struct addr reachable; /* as others see us; the listen one if it is fixed */
    uint8_t *psk;          /* of the channel, from the heap; NULL: open to strangers */
    uint32_t next_link;
    int64_t start_ns;
    uint64_t clock_id; /* of our raw clock */
    int64_t rate_ns;   /* when its rate is to be written down again */
    struct priority priority;
    int note_next; /* of notes */
    struct offenders offenders;
    struct bucket meet_dials; /* that others made us try */
    struct punched *punched;  /* NULL: no such dial so far */
    struct utc utc;

    struct heard_audio *audio; /* as last reported; NULL: a card, or none, and silence */
    int64_t state_ns;          /* when watchers last heard */
    uint64_t digest;           /* of what they were told; see report_digest */

    struct promises *promises; /* made in elections; NULL: there was no party yet */
    struct leaving *leaving;   /* NULL: no command waits for a hand-over */
    struct hosting *hosting;   /* NULL: no host command is under way */
    uint64_t next_token;       /* of imports */
    struct note *notes;        /* a ring of NOTES_MAX; NULL: none */
    struct node_counters counters;
};

/* 32 secret bytes that are never drawn again. */
void node_secret(struct node *n, uint8_t out[static SECURE_SEED_LEN]);
uint64_t node_secret_word(struct node *n);

/* A name, title or message as all our texts are: UTF-8 without control characters, or
 * empty where it is anything else. */
struct bytes node_clean_text(struct bytes text);

/* A line for the user; the same line again within a minute is not repeated. */
void node_note(struct node *n, const char *text);

/* Forget those that are a minute old, or all. */
void node_notes_forget(struct node *n);
void node_notes_drop(struct node *n);

/* Something was done that may concern any module. */
void node_stir(struct node *n);

/* How fit we are as host; see party/priority.h. */
void node_judge(struct node *n);

/* A message of a peer, decoded. */
void node_message(struct node *n, int peer, const struct msg *m);

#endif
