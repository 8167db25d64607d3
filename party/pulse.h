/* The host's heartbeat, as a guest hears it: has the host failed, or is it merely late?
 *
 * phi accrual (base/phi.h) says when a silence is too long for what this link is used to.
 * Then two others are asked whether they hear the host (SWIM's indirect probe), so that
 * the user learns whether it is the host that is slow or the way to it.  Nothing else
 * follows from it: who may host is decided by leases alone (party/council.c).
 * SPDX-License-Identifier: MIT */
#ifndef PARTY_PULSE_H
#define PARTY_PULSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/phi.h"
#include "wire/outbox.h"

struct party;

struct pulse {
    struct phi phi;  /* of the gaps between beats */
    bool is_slow;    /* suspicious since the last beat */
    int asked_by;    /* others have asked us so often since then: they miss it as well */
    int64_t ask_ns;  /* we ask others then; TIME_NEVER: not, or done */
    int64_t told_ns; /* one whom we asked hears it; TIME_NEVER: none since then */
};

enum hearing {
    HEARING_WELL,      /* or we host ourselves */
    HEARING_SLOW,      /* nobody who was asked hears it either */
    HEARING_SLOW_HERE, /* others do */
    HEARING_SILENT     /* for party_params.host_silent_ns */
};

/* Another host: nothing is known of its beats. */
void pulse_begin(struct party *p);

/* The host was heard; before host_heard_ns is set anew. */
void pulse_heard(struct party *p);

/* How long is the silence by now?  With each tick. */
void pulse_look(struct party *p);

/* Ask others, when it is time; and when that is. */
void pulse_run(struct party *p, struct outbox *out);
int64_t pulse_wake_ns(const struct party *p);

/* A member asks whether we hear the host: it is told if so. */
void pulse_asked(struct party *p, int peer, struct outbox *out);

/* One of those that were asked has so much left of its lease to the host. */
void pulse_told(struct party *p, int64_t left_ns);

enum hearing pulse_hearing(const struct party *p);

#endif
