/* Standing for election: when the host's lease is over, one of the council after the
 * other asks those that are fitter (ELECT), then claims the next epoch (CLAIM), and hosts
 * it once a majority has granted it (COORD).  The rules that keep it safe are those of
 * the others, in party/council.c; here is only what makes it quick. Source: Garcia-Molina
 * 1982, fenced as docs/design.md says. SPDX-License-Identifier: MIT */
#ifndef PARTY_CANDIDATE_H
#define PARTY_CANDIDATE_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/outbox.h"

struct party;

enum candidacy_state {
    CANDIDACY_NONE,
    CANDIDACY_WAITING,  /* for its turn, or for another try */
    CANDIDACY_ASKING,   /* whether somebody fitter stands */
    CANDIDACY_YIELDING, /* to somebody fitter, who should be host soon */
    CANDIDACY_CLAIMING,
    CANDIDACY_VOTING /* the others suffice with our own grant, which is being written */
};

struct candidacy {
    enum candidacy_state state;
    uint64_t epoch;      /* that is claimed */
    uint64_t highest;    /* epoch that somebody has granted, as we were told */
    int64_t until_ns;    /* of the state */
    int64_t resend_ns;   /* of CLAIM */
    int64_t sent_ns;     /* first CLAIM of this epoch */
    int tries;           /* in a row */
    struct coord *claim; /* grants so far; from the heap; NULL: none */
};

/* We were held up for so long: an answer may lie unread. */
void candidate_held_up(struct party *p, int64_t for_ns);

/* Not a candidate any more; gives its memory back. */
void candidate_stop(struct party *p);

/* Carry out what is due; at the end of every step.  And the next deadline. */
void candidate_run(struct party *p, struct outbox *out);
int64_t candidate_wake_ns(const struct party *p);

/* Answers to what it asked: messages of a member, the party id checked. */
void candidate_take_ok(struct party *p, int peer, const struct msg_elect_ok *m);
void candidate_take_grant(struct party *p, int peer, const struct msg_grant *m,
                          struct outbox *out);
void candidate_take_deny(struct party *p, int peer, const struct msg_deny *m,
                         struct outbox *out);

/* Ask those of the council whether they hear the host: they answer DENY if so. */
void candidate_ask(struct party *p, struct outbox *out);

/* Our own promise is on the disk. */
void candidate_promised(struct party *p, struct outbox *out);

/* Somebody fitter stands, or the host gave the party to us. */
void candidate_give_way(struct party *p);
void candidate_handed(struct party *p, uint64_t epoch, struct outbox *out);

#endif
