/* The party's log: numbered entries, each chained to the one before and signed by the
 * host of its epoch.  Who holds the log knows the party.
 *
 * party id = BLAKE2b-128("party.id", founder's key || nonce), so the id itself proves who
 * hosts epoch 1.  chain(n) = BLAKE2b-256("party.chain", chain(n-1) || inner(n)), chain(0)
 * is zero; an entry carries chain(n-1) inside its signature.
 *
 * Kept are the newest entries, in a ring of bounded size.  So that a party can last for
 * ever the host now and then writes a checkpoint: an ENTRY_FOUND in the middle of the
 * log, with the same founder and nonce, and after it, again, all that still holds.
 * Nothing before a checkpoint is needed to know the party: who lacks the entries between
 * may jump onto it, and only there; what the chain was before it is then the host's
 * signed word.  A new host begins its epoch with a checkpoint, which takes the place of
 * what the host before it wrote from that number on and too few had heard of.
 * SPDX-License-Identifier: MIT */
#ifndef PARTY_LOG_H
#define PARTY_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"
#include "base/pool.h"
#include "secure/suite.h"
#include "wire/msg.h"

/* The least room with which a full checkpoint and as much again fits. */
#define PARTY_LOG_ENTRIES_MIN 256
#define PARTY_LOG_BYTES_MIN   (96 * 1024)

enum party_log_result {
    LOG_APPLIED,   /* the next entry: act upon it */
    LOG_JUMPED,    /* a checkpoint further on: forget what was known, begin here */
    LOG_DUPLICATE, /* had it already, or it is older than all that is kept */
    LOG_GAP,       /* entries are missing before it: LOG_GET from head + 1 */
    LOG_MALFORMED, /* no entry, or not of this party */
    LOG_OLD_EPOCH, /* of an epoch below the one that is obeyed */
    LOG_NO_HOST,   /* of an epoch above it, whose host is not proved */
    LOG_BAD_SIGNATURE,
    LOG_BAD_CHAIN,    /* signed, but does not follow what we hold */
    LOG_EQUIVOCATION, /* signed, and another one than what we hold under this number */
    LOG_RESULTS
};

struct party_log_slot {
    uint32_t start; /* of signature and inner in the bytes */
    uint32_t len;   /* both together */
};

struct party_log {
    const struct suite *suite;
    struct party_id party;
    uint64_t epoch;              /* the one that is obeyed; 0: no founder known yet */
    uint8_t host[KEY_LEN];       /* who may append in it */
    uint64_t seq;                /* of the newest entry; 0: empty */
    uint64_t at_epoch;           /* in which that one was written; 0: empty */
    uint8_t head[HASH_LEN];      /* chain hash behind it */
    uint64_t checkpoint;         /* seq of the newest ENTRY_FOUND; 0: none */
    uint64_t first;              /* oldest entry that is kept; seq + 1 when empty */
    int64_t counts[LOG_RESULTS]; /* what party_log_receive answered, by result */

    struct heap *heap;
    int entries_max;
    uint32_t bytes_max;
    uint32_t end;                 /* where the newest entry ends in bytes */
    struct party_log_slot *slots; /* entry seq is in slot seq % entries_max */
    uint8_t *bytes;
    uint32_t slots_room; /* slots and bytes that there are so far */
    uint32_t bytes_room;
};

/* The party that a founder makes with a nonce. */
void party_id_make(const struct suite *suite, const uint8_t key[static KEY_LEN],
                   const uint8_t nonce[static 16], struct party_id *id);

/* Keeps suite and heap; memory is taken as entries come.  The limits are raised to the
 * least ones above. */
void party_log_init(struct party_log *l, const struct suite *suite, struct heap *heap,
                    int entries_max, int bytes_max);
void party_log_finish(struct party_log *l);

/* Begin an empty log of a party.  The counts go on. */
void party_log_reset(struct party_log *l, const struct party_id *party);

/* Host only: number, chain, sign and keep an entry; e needs kind and body, the rest is
 * filled in.  The first entry of a log must be ENTRY_FOUND with the host's own key. */
void party_log_append(struct party_log *l, const struct identity *self, struct entry *e);

/* True when the host should write a checkpoint before the next entry. */
bool party_log_is_full(const struct party_log *l);

/* Take an entry from a peer.  With LOG_APPLIED and LOG_JUMPED *e is the entry, its views
 * into inner. */
enum party_log_result party_log_receive(struct party_log *l, struct bytes inner,
                                        const uint8_t sig[static SIGNATURE_LEN],
                                        struct entry *e);

/* The entry with this number, its view valid until the next append or receive.  False
 * when it is not kept. */
bool party_log_get(const struct party_log *l, uint64_t seq, struct msg_log_entry *m);

/* Where who wants entries from `from` on must begin: from itself where it is kept, else
 * the newest checkpoint. */
uint64_t party_log_start(const struct party_log *l, uint64_t from);

/* Obey a higher epoch from now on; the caller has checked its certificate.  False, and
 * nothing changed, when the epoch is not higher. */
bool party_log_set_epoch(struct party_log *l, uint64_t epoch,
                         const uint8_t host[static KEY_LEN]);

/* Begin an empty log with the word of the present host of a higher epoch than the first:
 * who comes late takes the invite for it. */
void party_log_trust(struct party_log *l, uint64_t epoch,
                     const uint8_t host[static KEY_LEN]);

/* True when the host of the present epoch has written in what we hold. */
bool party_log_is_of_epoch(const struct party_log *l);

/* Invariants, for tests and the simulator. */
bool party_log_check(const struct party_log *l);

#endif
