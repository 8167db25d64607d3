/* Who was cut off for what it sent, and for how long: its id, and where its address says
 * where it lives the neighbourhood of that too, so that a new id helps nobody.
 * Points of a link are kept by overlay/flood.h; who leaves with many finds them again.
 * SPDX-License-Identifier: MIT */
#ifndef OVERLAY_OFFENDERS_H
#define OVERLAY_OFFENDERS_H

#include "base/pool.h"
#include "wire/msg.h"

struct offender_params {
    int max;           /* remembered: 32; of more the one with the least time left goes */
    int64_t ban_ns;    /* who has too many points is kept away for: 10 min */
    int group_bits_v4; /* addresses that agree in so many bits are one group: 24 … */
    int group_bits_v6; /* … 48.  Private addresses and loopback have no groups. */
    int remember_min;  /* points that are remembered when a link goes: 20 */
};

struct offender {
    struct node_id id;
    struct addr addr;
    int64_t until_ns; /* banned until then; 0: only its points are remembered */
    int64_t debt_ns;  /* its points are forgiven at that instant */
};

struct offenders {
    const struct offender_params *p;
    struct heap *heap;
    struct offender *rows;
    int count;
};

struct offender_params offender_params_default(void);

/* Keeps p and heap. */
void offenders_init(struct offenders *o, const struct offender_params *p,
                    struct heap *heap);
void offenders_finish(struct offenders *o);

void offenders_ban(struct offenders *o, const struct peer_rec *rec, int64_t now_ns);

/* How long it is still banned, for its id or its group: 0 if it is not.  rec->id may be
 * all zero, when only the address is known. */
int64_t offenders_left_ns(const struct offenders *o, const struct peer_rec *rec,
                          int64_t now_ns);

/* A link goes; its points are forgiven at debt_ns. */
void offenders_remember(struct offenders *o, const struct peer_rec *rec, int64_t debt_ns,
                        int64_t now_ns);

/* When the points of this peer will be forgiven; at most now when it has none. */
int64_t offenders_debt_ns(const struct offenders *o, const struct node_id *id);

#endif
