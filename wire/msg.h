/* Every message between nodes, as C structs and as bytes.
 *
 * A message is a CBOR array [type, field…] inside one sealed frame of a link;
 * docs/protocol.md gives the limits and who sends what when, docs/messages.cddl the form.
 * Decoding is strict: what does not have exactly this form, or would not encode to the
 * same bytes, is ERR_MALFORMED. Views inside a decoded message point into the input and
 * live as long as it does. SPDX-License-Identifier: MIT */
#ifndef WIRE_MSG_H
#define WIRE_MSG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/id.h"
#include "base/time.h"

#define MSG_VERSION    1
#define MSG_SIZE_MAX   (64 * 1024 - 64) /* plaintext of one frame */
#define MSG_NAME_MAX   64  /* bytes of a person's or party's name, without NUL */
#define MSG_TITLE_MAX  128 /* bytes of a title, artist or album */
#define MSG_RECS_MAX   16
#define MSG_WANT_MAX   64
#define MSG_LEAVES_MAX 1024 /* leaf hashes in one message */
#define MSG_BITMAP_MAX 4096 /* bytes: 32,768 blocks of 16 KiB are 512 MiB */
#define MSG_INNER_MAX  1024 /* signed part of a flood or reply */
#define MSG_GOSSIP_MAX 8192 /* signed part of a gossip */
#define MSG_RELAY_MAX  9216 /* a sealed frame that is relayed: a gossip, but no block */
#define MSG_IHAVE_MAX  32   /* ids in one message */
#define MSG_IDS_MAX    64   /* of floods in one message */
#define MSG_ENTRY_MAX  1024 /* signed part of a log entry */
#define MSG_UNISON_MAX 16   /* members in one round */
#define MSG_COUNT_MAX  1000000 /* answers in a summary */
#define FLOOD_TTL_MAX  12
#define CALL_TITLE_MAX 48 /* bytes of a song's title in a call */

/* A song has at most as many blocks as a bitmap has bits, and frames and rate at most as
 * FLAC can say (36 and 20 bits). */
#define MSG_SONG_BYTES_MAX ((uint64_t)MSG_BITMAP_MAX * 8 * BLOCK_SIZE)
#define MSG_FRAMES_MAX     ((UINT64_C(1) << 36) - 1)
#define MSG_RATE_MAX       ((1 << 20) - 1)

#define BLOCK_SIZE    16384
#define KEY_LEN       32 /* Ed25519 public key */
#define SIGNATURE_LEN 64
#define HASH_LEN      32

enum msg_type {
    MSG_HELLO = 1,
    MSG_PING = 2,
    MSG_PONG = 3,
    MSG_JOIN = 4,
    MSG_FORWARD_JOIN = 5,
    MSG_NEIGHBOR = 6,
    MSG_NEIGHBOR_ACK = 7,
    MSG_DISCONNECT = 8,
    MSG_SHUFFLE = 9,
    MSG_SHUFFLE_REPLY = 10,
    MSG_FLOOD = 11,
    MSG_REPLY = 12,
    MSG_ISLAND = 13,
    MSG_PROBE = 14,
    MSG_PROBE_ACK = 15,
    MSG_DIGEST = 16,
    MSG_GOSSIP = 17,
    MSG_IHAVE = 18,
    MSG_GRAFT = 19,
    MSG_PRUNE = 20,
    MSG_SEEN = 21,
    MSG_PULL = 22,
    MSG_REACH = 23,
    MSG_MEET = 24,
    MSG_RELAY = 25,
    MSG_SUMMARY = 26,
    MSG_PARTY_JOIN = 32,
    MSG_PARTY_WELCOME = 33,
    MSG_PARTY_LEAVE = 34,
    MSG_PARTY_BEAT = 35,
    MSG_PARTY_STATUS = 36,
    MSG_PARTY_YIELD = 37,
    MSG_LOG_ENTRY = 38,
    MSG_LOG_GET = 39,
    MSG_ELECT = 40,
    MSG_ELECT_OK = 41,
    MSG_CLAIM = 42,
    MSG_GRANT = 43,
    MSG_DENY = 44,
    MSG_HANDOVER = 45,
    MSG_COORD = 46,
    MSG_PARTY_OFFER = 47,
    MSG_PARTY_UNISON = 48,
    MSG_LEAVES_GET = 64,
    MSG_LEAVES = 65,
    MSG_HAVE = 66,
    MSG_HAVE_BLOCKS = 67,
    MSG_WANT = 68,
    MSG_BLOCK = 69,
    MSG_CANCEL = 70,
    MSG_REFUSE = 71
};

/* Where a node can be reached.  An address of 0.0.0.0 or :: stands for "the host that you
 * see me from, at this port".  Who cannot be dialled from outside names a node that can,
 * and that will introduce others to it. */
struct peer_rec {
    struct node_id id;
    struct addr addr;
    struct addr via; /* of who introduces; len 0: dial addr */
};

struct peer_recs {
    int count; /* 0..MSG_RECS_MAX */
    struct peer_rec list[MSG_RECS_MAX];
};

/* First message of both sides after the handshake. */
struct msg_hello {
    uint32_t version;
    struct addr listen;   /* where the sender listens */
    struct addr observed; /* where the sender sees the receiver; len 0 if unknown */
    uint64_t clock_id;    /* names the sender's raw clock; new at each boot or reset */
    bool is_alarmed;      /* many of the sender's neighbours have just fallen silent */
    struct bytes name;    /* text, up to MSG_NAME_MAX */
};

struct msg_ping {
    uint32_t seq;
};

struct msg_join {
    struct peer_rec rec;
};

struct msg_forward_join {
    struct peer_rec rec;
    uint8_t ttl;
};

struct msg_neighbor {
    bool is_high_priority; /* the sender is short of neighbours and was refused by all */
};

struct msg_neighbor_ack {
    bool is_accepted;
    struct peer_recs recs;
};

enum disconnect_reason {
    DISCONNECT_LEAVING = 0,
    DISCONNECT_EVICTED = 1,
    DISCONNECT_SLOW = 2,
    DISCONNECT_ABUSE = 3
};

struct msg_disconnect {
    uint8_t reason; /* enum disconnect_reason */
    struct peer_recs recs;
};

struct msg_shuffle {
    struct peer_rec origin;
    uint8_t ttl;
    struct peer_recs recs;
};

struct msg_shuffle_reply {
    struct peer_recs recs;
};

/* Which part of the network the sender is in: the least of the random tags of all whom it
 * has heard of. */
struct msg_island {
    uint64_t tag;
    uint32_t age_s;   /* since the owner of the tag said that it lives */
    bool is_question; /* answer with yours */
};

/* Do you hear of this node?  Answered only when you do. */
struct msg_probe {
    struct peer_rec target;
    uint32_t nonce;
};

struct msg_probe_ack {
    uint32_t nonce;
};

/* Where I can be reached from now on; by the peer, of itself. */
struct msg_reach {
    struct addr addr;
    struct addr via; /* as in a record */
    bool is_home;    /* you are one of those who introduce others to me: keep this link */
};

enum meet_kind {
    MEET_ASK = 0,    /* I would have a link to you */
    MEET_ANSWER = 1, /* this is how you get one */
    MEET_NOW = 2,    /* we both dial, now */
    MEET_REFUSE = 3, /* no such peer here, or no dial for the test */
    MEET_TEST = 4    /* dial me, so that I see whether that can be (peer: myself) */
};

/* How a node stands to dials from outside. */
enum reach_class {
    REACH_UNKNOWN = 0, /* it has not found out */
    REACH_HIDDEN = 1,  /* nobody gets through, or only with luck */
    REACH_PUNCH = 2,   /* who is dialled by it at the same moment does */
    REACH_OPEN = 3     /* strangers do */
};

/* To a peer of the one that it is sent to, or, passed on by that one, from such a peer.
 */
struct msg_meet {
    uint8_t kind; /* enum meet_kind */
    struct node_id peer;
    struct addr addr; /* of who says it; the host as who passes it on sees it */
    uint8_t reach;    /* enum reach_class, of who says it */
    bool is_passed;   /* peer is who says it, and not who shall hear it */
};

enum relay_kind { RELAY_OPEN = 0, RELAY_DATA = 1, RELAY_CLOSE = 2 };

/* One frame of a link to a peer of the one that it is sent to; or, passed on, from it.
 * OPEN also renews. */
struct msg_relay {
    uint8_t kind; /* enum relay_kind */
    struct node_id peer;
    struct bytes frame; /* DATA: 1..MSG_RELAY_MAX, else empty */
    bool is_passed;     /* as above */
};

/* A flooded message.  Its id is BLAKE2b-128 of inner (domain "party.flood"); inner is one
 * encoded struct flood, sig is the origin's over it. */
struct msg_flood {
    uint8_t hops; /* 1 from the origin, one more at each forward; at most flood.ttl */
    struct bytes inner;
    uint8_t sig[SIGNATURE_LEN];
};

/* An answer to a flood, on its reverse path.  inner is one encoded struct reply. */
struct msg_reply {
    struct flood_id flood;
    uint8_t hops;
    struct bytes inner;
    uint8_t sig[SIGNATURE_LEN];
};

/* So many more answers to a flood came than are passed on, since the last summary. */
struct msg_summary {
    struct flood_id flood;
    uint32_t count; /* 1..MSG_COUNT_MAX */
};

/* What the sender has handled in the last minute, on a new link. */
struct msg_digest {
    int count; /* 1..MSG_IDS_MAX */
    struct {
        struct flood_id id;
        uint8_t age_s;
    } list[MSG_IDS_MAX];
};

/* MSG_SEEN: I have these floods, and will not send them on this link unless asked.
 * MSG_PULL: send me these. */
struct msg_ids {
    int count; /* 1..MSG_IDS_MAX */
    struct flood_id list[MSG_IDS_MAX];
};

/* What is large or periodic goes along trees (overlay/tree.h): the fields of a flood,
 * with more room. */

/* "I have these": to neighbours along whom no tree leads. */
struct msg_ihave {
    int count; /* 1..MSG_IHAVE_MAX */
    struct {
        struct flood_id id;
        uint8_t hops; /* that it had come when the sender got it */
    } list[MSG_IHAVE_MAX];
};

/* "Send me this (if I want it still), and all that follows from its origin." */
struct msg_graft {
    struct flood_id id;
    bool is_wanted;
};

/* "Send me no more of this origin's: I have it from others." */
struct msg_prune {
    uint8_t origin[KEY_LEN];
};

struct msg_party_join {
    struct party_id party;
    struct bytes name;
};

enum welcome_reason {
    WELCOME_OK = 0,
    WELCOME_FULL = 1,
    WELCOME_ENDED = 2,
    WELCOME_UNKNOWN = 3, /* no such party here */
    WELCOME_REDIRECT = 4 /* the party yielded to another; a PARTY_YIELD follows */
};

struct msg_party_welcome {
    struct party_id party;
    uint64_t epoch;
    uint8_t reason; /* enum welcome_reason */
};

struct msg_party_leave {
    struct party_id party;
};

/* The host to its members, once a second and after each entry. */
struct msg_party_beat {
    struct party_id party;
    uint64_t epoch;
    uint64_t seq;           /* of the newest entry */
    uint8_t head[HASH_LEN]; /* chain hash behind that entry */
    int64_t sent_ns;        /* the host's raw clock; the answer says it back */
};

/* What a player believes of its own sound. */
struct msg_sound {
    bool is_playing;   /* a song is leaving the card: phase and rate count */
    int64_t phase_ns;  /* ahead of the plan, at the DAC */
    int64_t rate_ppb;  /* by which the music is resampled */
    uint32_t dropouts; /* the card ran dry, since the node's start */
    uint32_t jumps;    /* too far off to be drawn back, since the node's start */
};

/* A member to the host, on every change and once a second. */
struct msg_party_status {
    struct party_id party;
    uint64_t epoch;
    uint64_t seq;        /* newest entry applied */
    uint64_t songs_held; /* bit s: the song of pool slot s is whole and verified */
    uint64_t sigma_ns;   /* statistical clock error against the host, or UINT64_MAX */
    uint64_t bound_ns;   /* hard bound of it; UINT64_MAX: no clock */
    uint64_t rtt_ns;     /* to the host, of the clock probes */
    struct msg_sound sound;
    bool is_ready;   /* songs, clock and sound card will do */
    int64_t beat_ns; /* sent_ns of the newest beat that this one lives by; 0: none */
};

/* The host to its members, once a second while it plays: how the sound of some of them
 * is, as they told it.  All members' turn comes round. */
struct msg_party_unison {
    struct party_id party;
    uint64_t epoch;
    int count; /* 1..MSG_UNISON_MAX */
    struct {
        struct node_id id;
        uint64_t bound_ns; /* of its clock against the host's; UINT64_MAX: no clock */
        struct msg_sound sound;
    } list[MSG_UNISON_MAX];
};

/* A caller that lost a collision, to those who accepted it: go there instead. */
struct msg_party_yield {
    struct party_id party; /* the sender's own, given up */
    struct msg_flood call; /* the winner's call, whole */
};

/* A caller that gave its call up, to the host that it went to: a song of its own. */
struct msg_party_offer {
    struct party_id party; /* the host's */
    struct bytes manifest; /* encoded struct manifest */
    uint8_t sig[SIGNATURE_LEN];
};

/* One signed entry of the party log.  inner is one encoded struct entry. */
struct msg_log_entry {
    struct bytes inner;
    uint8_t sig[SIGNATURE_LEN];
};

struct msg_log_get {
    struct party_id party;
    uint64_t from_seq;
};

/* How fit a node is to be host: compared field by field, bigger wins; last the hash of
 * party, epoch and node id.  See docs/protocol.md. */
struct priority {
    uint8_t reach;
    uint8_t uplink;
    uint8_t clock;
    uint8_t uptime;
};

struct msg_elect {
    struct party_id party;
    uint64_t epoch;
    struct priority priority;
};

struct msg_elect_ok {
    struct party_id party;
    uint64_t epoch;
};

struct msg_claim {
    struct party_id party;
    uint64_t epoch;
    uint8_t
        previous[HASH_LEN]; /* chain hash of the log that the claimant would carry on */
    uint64_t at_epoch;      /* of its newest entry … */
    uint64_t seq;           /* … and its number */
    int64_t sent_ns;        /* by the claimant's clock */
};

struct msg_grant {
    struct party_id party;
    uint64_t epoch;
    uint8_t host[KEY_LEN];
    uint32_t lease_ms;
    int64_t claim_ns;           /* sent_ns of the newest CLAIM that it answers */
    uint8_t sig[SIGNATURE_LEN]; /* the grantor's, over (party, epoch, host) */
};

struct msg_deny {
    struct party_id party;
    uint64_t epoch;
    uint64_t highest;       /* that the sender granted or obeys */
    uint32_t lease_left_ms; /* of the sender's to the present host */
    uint64_t seq;           /* of the sender's newest entry */
};

struct msg_handover {
    struct party_id party;
    uint64_t epoch; /* the next one */
    uint8_t host[KEY_LEN];
    uint8_t sig[SIGNATURE_LEN]; /* the present host's, over (party, epoch, host) */
};

/* MSG_COORD: who hosts this epoch, with the grants that prove it. */
#define COUNCIL_MAX      7
#define COORD_GRANTS_MAX COUNCIL_MAX

struct coord {
    struct party_id party;
    uint64_t epoch;
    uint8_t host[KEY_LEN];
    int grant_count;
    struct {
        uint8_t key[KEY_LEN];
        uint8_t sig[SIGNATURE_LEN];
    } grants[COORD_GRANTS_MAX];
};

struct msg_leaves_get {
    struct song_id song;
    uint32_t first;
    uint32_t count; /* 1..MSG_LEAVES_MAX */
};

struct msg_leaves {
    struct song_id song;
    uint32_t first;
    struct bytes hashes; /* count * HASH_LEN, count 1..MSG_LEAVES_MAX */
};

/* All that the sender has of a song: bit i of the bitmap (most significant first) is
 * block i.  With has_all the bitmap is empty: "all of it". */
struct msg_have {
    struct song_id song;
    bool has_all;
    struct bytes bitmap;
};

/* A list of blocks; used by HAVE_BLOCKS, WANT, CANCEL and REFUSE. */
struct msg_blocks {
    struct song_id song;
    int count; /* 1..MSG_WANT_MAX */
    uint32_t list[MSG_WANT_MAX];
};

struct msg_block {
    struct song_id song;
    uint32_t index;
    struct bytes data; /* 1..BLOCK_SIZE bytes */
};

struct msg {
    enum msg_type type;
    union {
        struct msg_hello hello;
        struct msg_ping ping; /* and PONG */
        struct msg_join join;
        struct msg_forward_join forward_join;
        struct msg_neighbor neighbor;
        struct msg_neighbor_ack neighbor_ack;
        struct msg_disconnect disconnect;
        struct msg_shuffle shuffle;
        struct msg_shuffle_reply shuffle_reply;
        struct msg_island island;
        struct msg_probe probe;
        struct msg_probe_ack probe_ack;
        struct msg_reach reach;
        struct msg_meet meet;
        struct msg_relay relay;
        struct msg_summary summary;
        struct msg_flood flood;
        struct msg_reply reply;
        struct msg_digest digest;
        struct msg_ids ids;
        struct msg_flood gossip; /* inner of up to MSG_GOSSIP_MAX */
        struct msg_ihave ihave;
        struct msg_graft graft;
        struct msg_prune prune;
        struct msg_party_join party_join;
        struct msg_party_welcome party_welcome;
        struct msg_party_leave party_leave;
        struct msg_party_beat party_beat;
        struct msg_party_status party_status;
        struct msg_party_yield party_yield;
        struct msg_party_offer party_offer;
        struct msg_party_unison party_unison;
        struct msg_log_entry log_entry;
        struct msg_log_get log_get;
        struct msg_elect elect;
        struct msg_elect_ok elect_ok;
        struct msg_claim claim;
        struct msg_grant grant;
        struct msg_deny deny;
        struct msg_handover handover;
        struct coord coord;
        struct msg_leaves_get leaves_get;
        struct msg_leaves leaves;
        struct msg_have have;
        struct msg_blocks blocks;
        struct msg_block block;
    } u;
};

/* Decode one message.  Errors: ERR_MALFORMED, and *m is then undefined. */
MUST_USE int msg_decode(struct bytes in, struct msg *m);

/* Encode into out; the bytes written, or 0 when size is too small or a field breaks the
 * limit that decoding would hold it to.  MSG_SIZE_MAX is always enough.  All encoders
 * below do the same. */
size_t msg_encode(const struct msg *m, uint8_t *out, size_t size);

/* The signed part of a flood. */
enum flood_kind {
    FLOOD_CALL = 1,
    FLOOD_CLOSE = 2,
    FLOOD_TEST = 3 /* any bytes; measured by experiments, else ignored */
};

struct flood {
    enum flood_kind kind;
    uint8_t origin[KEY_LEN];
    uint64_t created_ms; /* UTC; 0 when the origin's clock is not synchronised */
    uint32_t serial;     /* any, so that the same body can be flooded again */
    uint8_t ttl;         /* hops that it may go, 1..FLOOD_TTL_MAX */
    uint16_t life_s;     /* dropped when older than this */
    struct bytes body;   /* encoded struct call, … by kind */
};

/* Up to MSG_GOSSIP_MAX bytes; a FLOOD has room for MSG_INNER_MAX. */
MUST_USE int flood_decode(struct bytes in, struct flood *f);
size_t flood_encode(const struct flood *f, uint8_t *out, size_t size);

/* FLOOD_CALL: come to my party. */
#define CALL_SONGS_MAX 5

struct call_song {
    struct song_id id;
    uint64_t bytes; /* 1..MSG_SONG_BYTES_MAX */
    uint32_t duration_ms;
    struct bytes title; /* text, cut to CALL_TITLE_MAX so that a call stays small */
};

struct call {
    struct party_id party;
    uint8_t nonce[16]; /* party = BLAKE2b-128("party.id", founder || nonce) */
    struct bytes name; /* of the party */
    struct bytes host_name;
    struct addr addr; /* where the host listens */
    struct priority priority;
    uint64_t epoch;           /* that the origin hosts; 1: it is the founder */
    uint8_t founder[KEY_LEN]; /* as in the id of the party */
    uint8_t wanted;           /* accepts that start it at once */
    uint32_t deadline_ms;     /* from now on, as it was sent */
    int song_count;
    struct call_song songs[CALL_SONGS_MAX];
};

MUST_USE int call_decode(struct bytes in, struct call *c);
size_t call_encode(const struct call *c, uint8_t *out, size_t size);

/* FLOOD_CLOSE: this call is over. */
enum close_reason {
    CLOSE_CANCELLED = 0,
    CLOSE_YIELDED = 1,
    CLOSE_NOBODY = 2,
    CLOSE_ENDED = 3
};

struct close {
    struct party_id party;
    uint8_t reason; /* enum close_reason */
};

MUST_USE int close_decode(struct bytes in, struct close *c);
size_t close_encode(const struct close *c, uint8_t *out, size_t size);

/* The signed part of a reply: an ACCEPT or DECLINE of a call. */
enum reply_kind { REPLY_ACCEPT = 1, REPLY_DECLINE = 2 };

struct reply {
    enum reply_kind kind;
    uint8_t origin[KEY_LEN]; /* who answers */
    struct party_id party;
    struct addr addr; /* where the answerer listens */
    struct bytes name;
};

MUST_USE int reply_decode(struct bytes in, struct reply *r);
size_t reply_encode(const struct reply *r, uint8_t *out, size_t size);

/* What a song is, as its owner signed it. */
struct manifest {
    struct song_id song;
    uint64_t bytes;   /* of the canonical FLAC, 1..MSG_SONG_BYTES_MAX */
    uint64_t frames;  /* sample frames, 1..MSG_FRAMES_MAX */
    uint32_t rate;    /* Hz, 1..MSG_RATE_MAX */
    uint8_t channels; /* 1..8 */
    uint8_t bits;     /* 4..32 */
    uint8_t owner[KEY_LEN];
    struct bytes title; /* texts, up to MSG_TITLE_MAX */
    struct bytes artist;
    struct bytes album;
};

MUST_USE int manifest_decode(struct bytes in, struct manifest *m);
size_t manifest_encode(const struct manifest *m, uint8_t *out, size_t size);

/* The signed part of a log entry. */
enum entry_kind {
    ENTRY_FOUND = 1,  /* first of all: the party's name and founder */
    ENTRY_MAP = 2,    /* host's raw clock to party time */
    ENTRY_MEMBER = 3, /* somebody joined or left */
    ENTRY_SONG = 4,   /* what is in a slot of the pool */
    ENTRY_ACTION = 5, /* from this instant on this is heard */
    ENTRY_END = 6,    /* the party is over */
    ENTRY_COUNCIL = 7 /* whose grants count for the next epoch */
};

enum action_verb {
    ACTION_PLAY = 1,
    ACTION_PAUSE = 2,
    ACTION_RESUME = 3,
    ACTION_SKIP = 4,
    ACTION_JUMP = 5,
    ACTION_SEEK = 6,
    ACTION_STOP = 7
};

struct entry {
    struct party_id party;
    uint64_t epoch;             /* from 1 */
    uint64_t seq;               /* from 1, over all epochs, without gap */
    uint8_t previous[HASH_LEN]; /* chain hash behind entry seq - 1; zero for the first */
    enum entry_kind kind;
    union {
        struct {
            uint8_t key[KEY_LEN]; /* the founder, host of epoch 1 */
            uint8_t nonce[16];
            struct bytes name;
        } found;
        struct {
            uint64_t clock_id; /* of the raw clock that it maps */
            int64_t raw_ns;
            struct party_time party;
            int64_t rate_ppt;
            uint64_t bound_ns; /* of party time against UTC; UINT64_MAX: not known */
            struct party_time valid_from;
        } map;
        struct {
            bool has_left;
            uint8_t key[KEY_LEN];
            struct addr addr;
            struct bytes name;
        } member;
        struct {
            uint8_t slot;
            struct bytes manifest; /* encoded struct manifest */
            uint8_t sig[SIGNATURE_LEN];
        } song;
        struct {
            enum action_verb verb;
            struct party_time at;
            uint8_t slot;
            uint64_t frame;  /* of the song at that instant, 0..MSG_FRAMES_MAX */
            bool is_playing; /* from then on */
        } action;
        struct {
            struct party_time at;
        } end;
        struct {
            int count; /* 1..COUNCIL_MAX, the fittest first */
            uint8_t keys[COUNCIL_MAX][KEY_LEN];
        } council;
    } u;
};

MUST_USE int entry_decode(struct bytes in, struct entry *e);
size_t entry_encode(const struct entry *e, uint8_t *out, size_t size);

#endif
