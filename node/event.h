/* What goes into a node and what comes out: the boundary between the deterministic core
 * and the two drivers, daemon/ (real) and sim/ (virtual).
 *
 * Values only, no callbacks.  A view inside an event is valid during the step; a view
 * inside an effect is valid until the next step.  Times are nanoseconds of the node's own
 * raw clock.  SPDX-License-Identifier: MIT */
#ifndef NODE_EVENT_H
#define NODE_EVENT_H

#include "base/addr.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/id.h"
#include "base/log.h"
#include "base/time.h"
#include "clock/line.h"
#include "party/timeline.h"
#include "wire/outbox.h"

enum event_kind {
    EVENT_START,         /* once, first: what the node remembers from earlier runs */
    EVENT_WAKE,          /* the instant of the last wake effect has come */
    EVENT_LINK_OPENED,   /* a TCP connection stands */
    EVENT_LINK_CLOSED,   /* … is gone, or could not be opened */
    EVENT_LINK_RECEIVED, /* one whole frame */
    EVENT_DATAGRAM,      /* one UDP datagram, with the kernel's receive time */
    EVENT_SENT,          /* when a datagram with a token really left */
    EVENT_COMMAND,       /* the user wants something */
    EVENT_SONG,          /* a song was imported or opened, or could not be */
    EVENT_BLOCK,         /* a block was loaded or stored, or could not be */
    EVENT_AUDIO,         /* what the sound card is doing */
    EVENT_SYSTEM_CLOCK,  /* what the operating system thinks the time is */
    EVENT_SLEPT,         /* the machine was suspended: see now_ns */
    EVENT_PROMISED       /* a promise is on the disk, or could not be written */
};

/* One thing that the node asked to be remembered (EFFECT_REMEMBER). */
struct memory_item {
    struct bytes key;
    struct bytes value;
};

enum datagram_socket {
    DATAGRAM_PEER, /* bound to the listen port: peers */
    DATAGRAM_NTP   /* an ephemeral port: time servers (RFC 9109) */
};

enum song_event { SONG_IMPORTED, SONG_OPENED };

/* Of an import all fields; of an open only what the store holds. */
struct event_song {
    enum song_event what;
    int err;              /* 0, or why not; message then says it to a person */
    struct bytes message; /* text */
    uint64_t token;       /* of the import; 0 otherwise */
    struct song_id song;
    uint64_t bytes;
    uint64_t frames;
    uint32_t rate;
    uint8_t channels;
    uint8_t bits;
    struct bytes title;
    struct bytes artist;
    struct bytes album;
    struct bytes leaves; /* all leaf hashes, or empty when the store lacks them */
    struct bytes bitmap; /* blocks held, as in HAVE; empty: none */
    bool has_all;
};

enum block_event { BLOCK_LOADED, BLOCK_STORED };

struct event_block {
    enum block_event what;
    int err; /* 0; ERR_DISK, ERR_FILE, … */
    struct song_id song;
    uint32_t index;
    struct bytes data; /* of a load */
};

struct event_audio {
    bool is_open;        /* a card is there and running */
    bool is_playing;     /* a song is leaving it */
    struct song_id song; /* … this one */
    int64_t frame;       /* at the DAC at instant_ns */
    int64_t instant_ns;  /* local raw clock */
    int64_t phase_ns;    /* frame minus what the timeline wants, as the player sees it */
    int64_t rate_ppb;    /* correction of the resampler */
    int64_t underruns;   /* since the start */
    int64_t resyncs;     /* hard re-anchors since the start */
    int64_t card_ppb;    /* the card's own rate error against our raw clock */
    int64_t card_sigma_ns; /* how well its position is known; -1: not yet */
    int64_t depth_ns;      /* sound that is kept written ahead */
    int64_t latency_ns;    /* behind the card, as the user has measured it */
    int volume;            /* percent */
    bool is_realtime;      /* its thread goes before all others, … */
    bool is_resident;      /* … and its memory is not paged out */
    struct bytes message;  /* why there is no sound; empty if there is */
};

struct event {
    enum event_kind kind;
    int64_t now_ns; /* never less than at the step before; the time that the machine slept
                     * is in it, but may be wrong by a second */
    union {
        struct {
            const struct memory_item *items;
            int count;
        } start;
        struct {
            uint32_t link;
            bool is_dialled; /* we asked for it by EFFECT_LINK_OPEN */
            struct addr remote;
        } opened;
        struct {
            uint32_t link;
            int err; /* ERR_CLOSED, ERR_UNREACHABLE, ERR_TIMEOUT, ERR_LIMIT (too slow) */
        } closed;
        struct {
            uint32_t link;
            struct bytes frame;
        } received;
        struct {
            enum datagram_socket socket;
            struct addr from;
            struct bytes data;
            int64_t rx_ns;
        } datagram;
        struct {
            uint64_t token; /* of the effect */
            int64_t tx_ns; /* the kernel's transmit stamp; never told where it has none */
        } sent;
        struct {
            uint64_t id;          /* names the reply */
            struct bytes request; /* CBOR array [verb, argument…], docs/control.md */
        } command;
        struct event_song song;
        struct event_block block;
        struct event_audio audio;
        struct {
            int64_t utc_ns; /* at now_ns */
            int64_t bound_ns;
            bool is_synchronised;
        } system_clock;
        struct {
            struct memory_item item;
            int err;
        } promised;
    } u;
};

enum effect_kind {
    EFFECT_LINK_OPEN,
    EFFECT_LINK_CLOSE, /* after what was sent before it */
    EFFECT_LINK_SEND,
    EFFECT_DATAGRAM_SEND,
    EFFECT_SONG_IMPORT,  /* read, verify and hash a file; answered by SONG_IMPORTED */
    EFFECT_SONG_OPEN,    /* make room for, or look up, a song; answered by SONG_OPENED */
    EFFECT_LEAVES_STORE, /* the verified leaf hashes of an open song */
    EFFECT_BLOCK_LOAD,   /* answered by BLOCK_LOADED */
    EFFECT_BLOCK_STORE,  /* a verified block; answered by BLOCK_STORED */
    EFFECT_SONG_DROP,    /* no longer needed by the party; the store may evict it */
    EFFECT_REMEMBER,     /* a key and a value for the next start; empty value: forget */
    EFFECT_TIMELINE,     /* what to play when, for the player */
    EFFECT_CLOCK,        /* local raw clock to party time, for the player */
    EFFECT_REPLY,        /* to a command */
    EFFECT_STATE,  /* to whoever watches: the same CBOR map as of the command status */
    EFFECT_WAKE,   /* send EVENT_WAKE at this instant; replaces the one before */
    EFFECT_PROMISE /* as REMEMBER, and answered by PROMISED when it is on the disk */
};

struct effect {
    enum effect_kind kind;
    union {
        struct {
            uint32_t link; /* even numbers are the node's, odd ones the driver's */
            struct addr addr;
            bool from_listen; /* out of the port that we listen at, if that can be */
        } open;
        struct {
            uint32_t link;
        } close;
        struct {
            uint32_t link;
            struct bytes frame;
        } send;
        struct {
            enum datagram_socket socket;
            struct addr to;
            struct bytes data;
            uint64_t token; /* EVENT_SENT is wanted under this name; 0: it is not */
        } datagram;
        struct {
            uint64_t token;
            struct bytes path;
        } import;
        struct {
            struct song_id song;
            uint64_t bytes;
        } song; /* OPEN and DROP */
        struct {
            struct song_id song;
            struct bytes hashes;
        } leaves;
        struct {
            struct song_id song;
            uint32_t index;
            struct bytes data; /* of a store */
        } block;
        struct memory_item remember; /* PROMISE, too */
        struct {
            const struct timeline_segment *segments;
            int count;
            uint32_t version;
        } timeline;
        struct clock_line clock; /* not valid: the time is lost, be silent */
        struct {
            uint64_t id;
            int err;
            struct bytes body; /* CBOR map */
        } reply;
        struct {
            struct bytes body;
        } state;
        struct {
            int64_t at_ns; /* TIME_NEVER: no need */
        } wake;
    } u;
};

#define EFFECTS_MAX       1024
#define EFFECTS_BYTES_MAX (2 * 1024 * 1024)

/* What frames and blocks may not take: a close of every link, and what the user and the
 * player must be told, find room whatever was sent before. */
#define EFFECTS_RESERVE       192
#define EFFECTS_BYTES_RESERVE (256 * 1024)

/* The output of one step.  Belongs to the driver, which may use one for all its nodes. */
struct effects {
    int count;
    size_t used;
    int64_t dropped; /* effects that found no room, since the start; must stay 0 */
    struct effect list[EFFECTS_MAX];
    struct outbox outbox; /* empty after a step: the node turned it into LINK_SEND */
    struct log log;       /* the driver empties it by setting count to 0 */
    struct timeline_segment segments[TIMELINE_SEGMENTS_MAX]; /* of EFFECT_TIMELINE */
    uint8_t plain[MSG_SIZE_MAX + 64]; /* the frame that is being received */
    uint8_t data[EFFECTS_BYTES_MAX];
};

/* True while one more effect with len bytes fits in front of the reserve. */
bool effects_has_room(const struct effects *e, size_t len);

/* The next effect to fill, or NULL (and counted) when the list is full. */
struct effect *effects_add(struct effects *e, enum effect_kind kind);

/* Room for len bytes that live until the next step, or NULL. */
uint8_t *effects_room(struct effects *e, size_t len);

/* Copy bytes into the effects; empty when there is no room. */
struct bytes effects_copy(struct effects *e, struct bytes b);

#endif
