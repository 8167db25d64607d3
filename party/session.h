/* The life of a party on one node, as host or as guest: call, accept, collide, share, get
 * ready, play, leave.  One party at a time.
 *
 * Pure: what peers and the user do comes in by calls, messages go out by the outbox,
 * everything else is pulled with party_take_…() after each call, until it says false.
 * Nothing from a peer is believed because of who sent it: entries, calls and songs carry
 * signatures, the rest counts only from the host or a member of this very party.
 * Source: docs/design.md section 4.  SPDX-License-Identifier: MIT */
#ifndef PARTY_SESSION_H
#define PARTY_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "base/pool.h"
#include "base/rng.h"
#include "clock/map.h"
#include "party/candidate.h"
#include "party/election.h"
#include "party/invites.h"
#include "party/log.h"
#include "party/params.h"
#include "party/priority.h"
#include "party/promises.h"
#include "party/pulse.h"
#include "party/timeline.h"
#include "party/unison.h"
#include "wire/outbox.h"

#define PARTY_MEMBERS_MAX 64
#define PARTY_NOTES_MAX   8
#define PARTY_NOTE_MAX    160 /* bytes of a note, with NUL */
#define PARTY_FLOODS_MAX  4
#define PARTY_REPLIES_MAX 4
#define PARTY_DIALS_MAX   8

enum party_role { PARTY_ROLE_NONE, PARTY_ROLE_HOST, PARTY_ROLE_GUEST };

enum party_phase {
    PARTY_IDLE,
    PARTY_CALLING, /* host: waiting for guests */
    PARTY_JOINING, /* guest: on the way to the host */
    PARTY_SHARING, /* nothing played yet: songs and clocks get ready */
    PARTY_PLAYING,
    PARTY_PAUSED,
    PARTY_STOPPED, /* by the user, or the last song has ended */
    PARTY_ENDED
};

/* One who takes part.  What only the host hears of others is 0, or -1, on guests. */
struct party_member {
    uint8_t key[KEY_LEN];
    struct node_id id;
    struct addr addr;
    char name[MSG_NAME_MAX + 1];
    bool is_host;
    bool is_self;
    int peer;            /* its link; -1: none */
    bool is_leaving;     /* the host was told so; it is not here any more */
    bool has_status;     /* the host has heard a status, below; true for oneself */
    uint64_t songs_held; /* bit s: the song of slot s is whole */
    bool is_ready;
    int64_t sigma_ns; /* -1: no clock */
    int64_t bound_ns;
    int64_t rtt_ns;
    struct msg_sound sound; /* as it or the host told; see party/unison.h */
    int64_t sound_ns;       /* local: when; TIME_NEVER: not yet */
    int64_t heard_ns;       /* local: last sign of life, by the host's side only */
    bool is_away;           /* no link, or silent for long */
    int64_t away_ns;        /* local: since when */
    int64_t lease_ns;       /* local: until then it takes nobody else for host */
    uint64_t acked_seq;     /* entries of this epoch that it has */
};

/* What is in a slot of the pool.  Texts are NUL-terminated. */
struct party_song {
    bool is_set;
    struct song_id id;
    uint64_t bytes;
    uint64_t frames;
    uint32_t rate;
    uint8_t channels;
    uint8_t bits;
    uint8_t owner[KEY_LEN];
    size_t texts_len; /* of the three, side by side in the heap, with their NULs */
    char *title;      /* NULL when not set */
    char *artist;
    char *album;
    int64_t held;  /* blocks here, as told by party_set_song_progress */
    int64_t total; /* 0: not known yet */
};

/* Messages and inputs that were dropped, by why. */
struct party_counts {
    int64_t not_member;  /* from somebody who is not in the party */
    int64_t other_party; /* names another party */
    int64_t not_host;    /* says what only the host may say */
    int64_t bad_content; /* signed, but of no meaning: slot, map, manifest, … */
    int64_t bad_yield;   /* YIELD to a call that is forged or less fit */
    int64_t old_epoch;
    int64_t forks;   /* the host's head is not ours at the same number */
    int64_t unasked; /* an answer to what was never asked */
    int64_t full;    /* a bounded table had no room */
    int64_t elected; /* messages of elections that we sent */
};

/* One link that the node has, by its slot. */
struct party_peer {
    bool is_up;
    bool is_used;   /* this party needs the link, or did until hang-up */
    bool is_hangup; /* it does not any more: taken by party_take_hangup */
    bool is_pushed; /* host: this member asked for the log; gets what is appended */
    struct node_id id;
    uint8_t key[KEY_LEN];
    struct addr addr;
    uint64_t pushed_seq;   /* newest entry that was sent to it */
    int64_t join_next_ns;  /* JOINs before this are ignored */
    int64_t get_next_ns;   /* so are LOG_GETs */
    int64_t refer_next_ns; /* a certificate is shown no sooner */
    int64_t keep_ns;       /* may be on the way to us: needed until then */
};

struct party_flood {
    enum flood_kind kind;
    bool is_tree; /* it comes again and again: along the trees */
    uint8_t ttl;
    uint16_t life_s;
    size_t len;
    uint8_t body[MSG_INNER_MAX];
};

/* The signed part of a reply and the flood that it answers; the node signs it
 * (DOMAIN_REPLY) and sends it on the reverse path. */
struct party_reply {
    struct flood_id flood;
    size_t len;
    uint8_t inner[MSG_INNER_MAX];
};

struct party_dial {
    struct addr addr;
    struct node_id id;
};

/* The call that this node is host or guest of. */
struct party_call {
    struct candidate candidate;
    uint8_t host_key[KEY_LEN];
    uint8_t nonce[16]; /* as in the id of the party */
    char name[MSG_NAME_MAX + 1];
    char host_name[MSG_NAME_MAX + 1];
    struct addr addr; /* of the host */
    struct flood_id flood;
    bool has_route;
    int64_t began_ns;
    int64_t deadline_ns;
};

/* Where a party that yielded has gone: for those who still come to it. */
struct party_redirect {
    struct party_id from;
    uint8_t hops;
    size_t len;
    uint8_t inner[MSG_INNER_MAX];
    uint8_t sig[SIGNATURE_LEN];
};

/* A manifest as signed. */
struct party_offer {
    size_t len;    /* of the manifest; 0: none */
    uint8_t *data; /* signature and manifest, from the heap */
};

/* The party that this one was made of; see party/fork.h. */
struct party_parent {
    struct party_id party;
    struct council council;
};

/* Fields are for reading by tests, the simulator's invariants and status; the functions
 * below change them. */
struct party {
    const struct party_params *params;
    const struct identity *self;
    struct heap *heap;
    struct log *out_log; /* NULL: none */
    char no_log[1];
    struct rng rng;
    char name[MSG_NAME_MAX + 1];
    struct addr addr;
    struct priority priority;
    uint64_t clock_id;  /* of our raw clock */
    int64_t abstain_ns; /* no grants and no leases before: we may have given some */
    int64_t awake_ns;   /* beats that we sent earlier are worth no lease */
    bool is_torn;       /* we slept, and the party's time is by our clock of before */
    struct promises *promises; /* the node's; NULL: nothing is remembered */

    struct invites *invites;         /* the node's */
    struct party_redirect *redirect; /* NULL: none */
    struct party_counts counts;
    int64_t now_ns; /* of the last call */

    enum party_role role;
    enum party_phase phase; /* IDLE, CALLING, JOINING, SHARING, PLAYING or ENDED */
    struct party_call call;
    struct party_log log;
    struct timeline timeline;
    struct party_song pool[POOL_SLOTS];
    struct party_offer offers[POOL_SLOTS]; /* manifests as signed, for checkpoints */
    struct party_offer *own; /* POOL_SLOTS of our call that yielded: for the winner */
    bool is_pool_changed;
    int member_count;
    int member_room;
    struct party_member *members; /* in the order of joining */
    int peer_room;
    struct party_peer *peers; /* by peer; rows for those that have been up */

    /* Clock. */
    struct party_clock maps;
    uint64_t map_clock_id;
    struct node_id map_host;        /* whose raw clock that is */
    struct clock_line to_reference; /* local raw to raw of the reference */
    int64_t rtt_ns;
    bool is_audio_ok;
    struct msg_sound sound; /* our own */
    struct unison unison;

    /* Host. */
    int wanted;
    uint8_t ttl;
    int64_t call_ns;
    int64_t ready_ns;
    int64_t settled_ns;  /* sharing begins no earlier */
    int64_t flood_ns;    /* next flood of the call */
    int64_t ready_at_ns; /* who is not ready by then is not waited for */
    int64_t push_ns;     /* next push of entries; TIME_NEVER: all are sent */
    int64_t lead_ns;     /* of the newest action */
    int rival_answers;   /* extra floods of our call, as others called too */
    int ring;            /* step of the ring: 0, 1; 2: all the way */
    int answers;         /* accepts that were heard, since the call began */

    /* Guest. */
    int64_t answered_ns;   /* when we last accepted; TIME_NEVER: not yet */
    int64_t join_ns;       /* next JOIN or dial; TIME_NEVER when on the link */
    int64_t join_limit_ns; /* JOINING ends then */
    int64_t dial_wait_ns;
    int64_t get_ns;   /* no LOG_GET before this … */
    uint64_t get_seq; /* … unless the log has grown beyond this */
    int64_t host_heard_ns;
    bool is_host_silent;
    struct pulse pulse;
    bool is_in;          /* WELCOME came on the present link */
    bool is_current;     /* … and the whole log of then */
    int64_t mesh_ns;     /* next look for links to other guests */
    int64_t reported_ns; /* our last status */
    int64_t beat_ns;     /* sent_ns of the newest beat, by the host's clock; 0: none */
    struct clock_line
        bridge;        /* local raw to party time, while a new host's is measured */
    int64_t bridge_ns; /* when it began */
    bool is_held; /* a checkpoint is being read: what was known holds until its end */
    uint32_t held_version;

    /* Who is host next. */
    uint8_t founder[KEY_LEN];
    struct council council;
    struct council old_council; /* the one before: a certificate may be by it */
    struct ballot ballot;
    bool has_been_current; /* since we joined we had all that a host had, of an epoch
                              that is none before the highest obeyed */
    bool is_promise_new;   /* the ballot waits to be taken and written down … */
    bool is_promise_kept;  /* … and is on the disk */
    struct candidacy candidacy;
    struct coord *certificate; /* of the epoch that we obey; from the heap; NULL: none */
    int64_t acted_ns;          /* host: it acted then */
    int64_t others_led_ns;     /* a member told us that it hears the host */
    struct party_parent *parent; /* from the heap; NULL: none */
    struct party_id merge_to;
    int64_t merge_ns; /* host: goes back there then, at the latest; TIME_NEVER: no */
    int merge_slot;   /* … or when another song is played */
    bool is_resigned; /* host: it has given the next epoch away */
    bool is_leaving;  /* … and goes, once nobody needs it any more … */
    bool has_said_so; /* … which the new host was told */
    int64_t leave_ns; /* next look at that */
    int64_t leave_limit_ns; /* it goes then in any case */

    int64_t tick_ns;
    int64_t ended_ns;     /* when it ended; only in PARTY_ENDED */
    uint64_t status_held; /* as last sent */
    bool status_ready;

    /* Waiting to be taken. */
    int flood_count;
    struct party_flood *floods; /* so many of this and the next two, from the heap */
    int reply_count;
    struct party_reply *replies;
    int dial_count;
    struct party_dial *dials;
    int64_t note_count; /* since the start; the newest is notes[(note_count - 1) % MAX] */
    char *notes[PARTY_NOTES_MAX]; /* from the heap, NUL-terminated */
};

/* What a command did, or why not: error and next are static texts for a person. */
struct party_answer {
    struct party_id party;
    struct party_time at;
    int64_t lead_ns;
    uint64_t seq;
    int slot;
    int64_t frame;
    bool is_playing;
    const char *error; /* NULL when it was done */
    const char *next;
};

/* Begin with no party.  Keeps params, heap, invites and self. */
void party_init(struct party *p, const struct party_params *params, struct heap *heap,
                struct invites *invites, const struct identity *self, uint64_t seed);

/* Give all memory back. */
void party_finish(struct party *p);

/* No party any more, and nothing left to be taken: it may be finished, and begun anew
 * when there is reason to. */
bool party_is_over(const struct party *p);

/* ---- what the node tells -------------------------------------------------------- */

/* Where log lines go from now on; keeps log.  NULL: nowhere. */
void party_set_log(struct party *p, struct log *log);

/* Who we are to others: name, where we listen, how fit as host.  Any time.  A name that
 * is no clean text is left out. */
void party_set_self(struct party *p, const char *name, const struct addr *addr,
                    const struct priority *priority);

/* A link with a finished HELLO; addr is where that node listens.  The key is proved. */
void party_peer_up(struct party *p, int peer, const struct node_id *id,
                   const uint8_t key[static KEY_LEN], const struct addr *addr,
                   int64_t now_ns, struct outbox *out);
void party_peer_down(struct party *p, int peer, int64_t now_ns, struct outbox *out);

/* The answer to a JOIN where there is no party at all. */
void party_refuse(const struct msg_party_join *m, int peer, struct outbox *out);

/* A message of types 32..47 from a peer that is up. */
void party_receive(struct party *p, int peer, const struct msg *m, int64_t now_ns,
                   struct outbox *out);

/* A flood from another node, its signature and limits checked.  raw is as it came, f what
 * raw->inner says.  Each id once. */
void party_flood_heard(struct party *p, const struct flood_id *id,
                       const struct msg_flood *raw, const struct flood *f, int64_t now_ns,
                       struct outbox *out);

/* A reply to a flood of ours, its signature checked. */
void party_reply_heard(struct party *p, const struct reply *r, int64_t now_ns);

/* Blocks here of the song in a slot. */
void party_set_song_progress(struct party *p, int slot, int64_t held, int64_t total,
                             int64_t now_ns, struct outbox *out);

/* Host: the map from our raw clock, named clock_id, to party time: at the start (see
 * party_wants_map) and whenever it changes. */
void party_set_host_map(struct party *p, const struct clock_map *map, uint64_t clock_id,
                        int64_t now_ns, struct outbox *out);

/* Our line to the raw clock of the party's reference (see party_reference), and the round
 * trip to it; the identity and 0 on the host.  Whenever it changes. */
void party_set_clock(struct party *p, const struct clock_line *to_reference,
                     int64_t rtt_ns, int64_t now_ns, struct outbox *out);

/* Whether sound comes out here, or none is wanted, and how far it is off. */
void party_set_audio(struct party *p, bool is_ok, const struct msg_sound *sound,
                     int64_t now_ns, struct outbox *out);

/* What outlives the node's run: keeps promises.  clock_id names our raw clock; what was
 * promised before the node started at start_ns may still bind it. */
void party_set_memory(struct party *p, struct promises *promises, uint64_t clock_id,
                      int64_t start_ns);

/* What party_take_promise gave is on the disk; not kept: it could not be written. */
void party_promised(struct party *p, const struct promise *promise, bool is_kept,
                    int64_t now_ns, struct outbox *out);

/* Our process was held up for so long: nobody else was silent meanwhile, as what they
 * said may lie unread. */
void party_held_up(struct party *p, int64_t for_ns, int64_t now_ns);

/* The machine slept: our raw clock is another one now, named clock_id, and how far it is
 * off all others is not known.  See party/sleep.h. */
void party_slept(struct party *p, uint64_t clock_id, int64_t now_ns);

/* The next deadline, TIME_NEVER for none; and carry out what is due. */
int64_t party_wake_ns(const struct party *p);
void party_wake(struct party *p, int64_t now_ns, struct outbox *out);

/* ---- what the user wants ----------------------------------------------------------
 * All answer 0 or an error, whose text is in *answer. */

struct party_host_request {
    struct bytes name; /* text */
    int song_count;    /* 1..CALL_SONGS_MAX */
    struct {
        struct bytes manifest;
        const uint8_t *sig; /* SIGNATURE_LEN bytes, the owner's */
    } songs[CALL_SONGS_MAX];
    int wanted; /* guests that start it at once; 0: start alone; below: default */
    int64_t deadline_ns; /* from now; 0: default */
    int64_t ready_ns;    /* … after sharing began; 0: default */
    int ttl;             /* 1..12; 0: default */
};

MUST_USE int party_host(struct party *p, const struct party_host_request *r,
                        int64_t now_ns, struct outbox *out, struct party_answer *answer);

/* prefix: the first hex digits of the party id, or "" for the only invite. */
MUST_USE int party_accept(struct party *p, const char *prefix, int64_t now_ns,
                          struct outbox *out, struct party_answer *answer);
MUST_USE int party_decline(struct party *p, const char *prefix, int64_t now_ns,
                           struct party_answer *answer);

/* Of a host: the fittest of those who are here leads on, and it may take a moment until
 * this node has left; a second time it leaves at once.  With nobody else here the party
 * ends. */
MUST_USE int party_leave(struct party *p, int64_t now_ns, struct outbox *out,
                         struct party_answer *answer);

/* A host that leaves is still needed: for its grant, or its seat in the council. */
bool party_is_leaving(const struct party *p);

/* Host only: the party ends for all. */
MUST_USE int party_end(struct party *p, int64_t now_ns, struct outbox *out,
                       struct party_answer *answer);

struct party_command {
    enum action_verb verb; /* all but ACTION_PLAY */
    int number;            /* JUMP: song of the pool, from 1 */
    int64_t seek_ms;       /* SEEK */
    bool is_relative;      /* SEEK: to where it stands then */
};

/* Host only: pause, resume, skip, jump, seek, stop. */
MUST_USE int party_act(struct party *p, const struct party_command *c, int64_t now_ns,
                       struct outbox *out, struct party_answer *answer);

/* Host only: give the party to the member with this name, or to the fittest for "". */
MUST_USE int party_hand_over(struct party *p, const char *name, int64_t now_ns,
                             struct outbox *out, struct party_answer *answer);

/* ---- what the node takes, until false ---------------------------------------------- */

bool party_take_flood(struct party *p, struct party_flood *f);
bool party_take_reply(struct party *p, struct party_reply *r);
bool party_take_dial(struct party *p, struct party_dial *d);

/* A link that the party needs no more; after what was pushed to the outbox so far. */
bool party_take_hangup(struct party *p, int *peer);

/* A promise that must be on the disk before it is told: answer with party_promised. */
bool party_take_promise(struct party *p, struct promise *promise);

/* True once after each change of which songs are in the pool: fetch them, and tell the
 * progress of all of them (again). */
bool party_take_pool_change(struct party *p);

/* ---- what the node asks ------------------------------------------------------------ */

/* Host without a map: party_set_host_map is wanted. */
bool party_wants_map(const struct party *p);

/* Whose raw clock party time is counted by.  False outside a party, or before its map is
 * known. */
struct party_reference {
    bool is_self;
    struct node_id host;
    int peer; /* link to it; -1: none, or is_self */
    uint64_t clock_id;
};
bool party_reference(const struct party *p, struct party_reference *r);

/* Whose clocks should be known as well, as they may be host next; returns how many. */
#define PARTY_HEIRS 2
struct party_heir {
    struct node_id id;
    int peer; /* link to it; -1: none */
};
int party_heirs(const struct party *p, struct party_heir heirs[static PARTY_HEIRS]);

/* True while this node may append to the log: it holds the leases of a majority. */
bool party_is_acting(const struct party *p, int64_t now_ns);

/* Local raw to party time now; not valid without a map or a clock. */
struct clock_line party_line(struct party *p, int64_t now_ns);

/* Host: the newest map that it published; NULL without one. */
const struct clock_map *party_map(const struct party *p);

/* What to play: a new version means new segments. */
uint32_t party_timeline_version(const struct party *p);
int party_timeline_segments(const struct party *p, struct party_time from,
                            struct timeline_segment out[], int max);

/* The link must stay (host, member, or one who is joining). */
bool party_needs_link(const struct party *p, int peer);

/* The peer is a member of our party (host included): share songs with it. */
bool party_is_member(const struct party *p, int peer);

/* The song of a slot; its is_set is false when the slot is empty. */
const struct party_song *party_song(const struct party *p, int slot);

/* What to show.  Texts and ids point into p. */
struct party_status {
    enum party_role role;
    enum party_phase phase; /* any */
    const struct party_id *party;
    const char *name;
    const char *host_name;
    const struct node_id *host;
    uint64_t epoch;
    uint64_t seq;
    bool has_position; /* slot, frame, rate: the clock is known */
    int slot;
    int64_t frame;
    uint32_t rate;
    int64_t left_ns;      /* to the deadline of the call; -1: none, or over */
    enum hearing hearing; /* guest: of the host; the music goes on in any case */
    bool is_acting;       /* host: it may act */
    bool is_ready;        /* oneself */
    int member_count;
};
void party_status(struct party *p, int64_t now_ns, struct party_status *s);

/* The newest notes for the user, oldest first: i from 0; NULL behind the last. */
const char *party_note(const struct party *p, int i);

/* Invariants, for tests and the simulator. */
bool party_check(const struct party *p);

#endif
