/* Who may host the next epoch: grants, the certificate that a majority of them makes, and
 * the one rule of those who grant.
 *
 * The council is named by an entry of the log.  One of it grants at most one host for
 * each (party, epoch), epochs only rise, and never while its lease to another runs,
 * unless the present host signed a HANDOVER.  So two hosts of one epoch would need two
 * majorities, which share a member; and who acts by the leases of a majority acts alone.
 * Source: the fenced bully of docs/design.md.  SPDX-License-Identifier: MIT */
#ifndef PARTY_ELECTION_H
#define PARTY_ELECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"
#include "base/time.h"
#include "secure/suite.h"
#include "wire/msg.h"

/* Whose grants count, the fittest first; zeroed: nobody's. */
struct council {
    int count;
    uint64_t epoch; /* of the entry that names it */
    uint64_t seq;
    uint8_t keys[COUNCIL_MAX][KEY_LEN];
};

/* Place of a key in it; -1: none. */
int council_rank(const struct council *c, const uint8_t key[static KEY_LEN]);

/* What a member of one party has promised.  Zeroed: nothing. */
struct ballot {
    uint64_t epoch; /* highest that was granted; 0: none */
    uint8_t host[KEY_LEN];
    uint64_t handover_epoch; /* the present host gave this epoch away; 0: no */
    uint8_t handover_host[KEY_LEN];
    int64_t lease_ns; /* no other is granted before, by the local clock */
    int64_t claim_ns; /* when its newest CLAIM was sent, by that host's clock */
    uint64_t obeyed;  /* highest epoch whose host was taken for one, in any run */
};

/* Who asks, and what the asked one knows. */
struct ballot_claim {
    uint64_t epoch;          /* claimed */
    const uint8_t *host;     /* claimant's key, KEY_LEN bytes */
    const uint8_t *previous; /* head of the claimant's log, HASH_LEN bytes */
    uint64_t at_epoch;       /* of the newest entry there, and its number */
    uint64_t seq;
    uint64_t current;       /* epoch that we obey */
    const uint8_t *present; /* its host, KEY_LEN bytes */
    const uint8_t *head;    /* of our log, HASH_LEN bytes */
    uint64_t our_at_epoch;
    uint64_t our_seq;
    int64_t lease_left_ns; /* of our lease to the present host; 0: it is over */
    int64_t now_ns;
};

/* Sign the grant of (party, epoch) to host. */
void grant_sign(const struct identity *self, const struct party_id *party, uint64_t epoch,
                const uint8_t host[static KEY_LEN], uint8_t sig[static SIGNATURE_LEN]);

bool grant_verify(const struct suite *suite, const uint8_t key[static KEY_LEN],
                  const struct party_id *party, uint64_t epoch,
                  const uint8_t host[static KEY_LEN],
                  const uint8_t sig[static SIGNATURE_LEN]);

/* The same for a HANDOVER, signed by the host that resigns. */
void handover_sign(const struct identity *self, const struct party_id *party,
                   uint64_t epoch, const uint8_t host[static KEY_LEN],
                   uint8_t sig[static SIGNATURE_LEN]);
bool handover_verify(const struct suite *suite, const uint8_t key[static KEY_LEN],
                     const struct msg_handover *m);

/* True when more than half of the voters signed for this host, each counted once, and
 * nobody else's grant is in it. */
bool coord_verify(const struct suite *suite, const struct coord *c,
                  const uint8_t voters[][KEY_LEN], int voter_count);

/* Remember a HANDOVER that was found good. */
void ballot_handover(struct ballot *b, const struct msg_handover *m);

/* Does the present host give this epoch to this one? */
bool ballot_is_handed(const struct ballot *b, uint64_t epoch,
                      const uint8_t host[static KEY_LEN]);

/* May this claim be granted?  If so the promise is made; it is not to be told before it
 * is on the disk. */
bool ballot_grant(struct ballot *b, const struct ballot_claim *c);

#endif
