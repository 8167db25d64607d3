/* Can we be dialled from outside?  Nobody believes himself: a newcomer that no stranger
 * has dialled asks peers to dial it; later, the walk of each shuffle
 * ends in a dial to its origin (overlay/walk.c).  A node to whom none of a few such dials
 * comes is hidden behind a NAT.  It then keeps links to two nodes that can be dialled,
 * its homes; its record names one of them, who introduces others to it (node/meet.h). Its
 * dials go out from the port that it listens at: where two peers see them come from one
 * and the same address, it can be dialled there by whoever it dials at the same moment.
 * SPDX-License-Identifier: MIT */
#ifndef OVERLAY_REACH_H
#define OVERLAY_REACH_H

#include "base/pool.h"
#include "wire/msg.h"

struct reach_params {
    int misses;        /* tests in a row that no dial followed: 3; 0: off */
    int misses_proven; /* … or shuffles of a node that was dialled before: 16 */
    int64_t quiet_ns;  /* after the first link a test is asked for: 3 s */
    int64_t wait_ns;   /* for the dial: 3 s */
    int retest;        /* of a hidden node's shuffles each so manieth walks: 8 */
    int homes;         /* 2 */
    int guests_max;    /* for whom we are a home: 16 */
    int64_t retry_ns;  /* between two tries to find a home: 1 s */
    int looks_max;     /* links to learn where we are seen: 6 */
};

/* How a link came about. */
enum link_how { LINK_DIRECT, LINK_PUNCHED, LINK_RELAYED };

/* Of a hidden node only. */
struct hidden {
    struct addr listen;  /* our address as it is, or as we thought */
    struct addr seen;    /* where the last peer saw our listening port … */
    struct addr seen_by; /* … that host … */
    int seen_count;      /* … and others before it; 2: that is where it is */
    int looks;
    int look; /* a peer to be dialled once more, to see; -1: none */
    int shuffles;
    int64_t retry_ns;
};

struct reach {
    uint8_t class; /* enum reach_class but PUNCH: see overlay_reach */
    uint8_t misses;
    bool is_proven;        /* strangers got through, once */
    bool is_waiting;       /* for the dial that follows a shuffle … */
    int64_t until_ns;      /* … until then; if not, of the next test, 0: not yet set */
    struct hidden *hidden; /* from the heap; NULL: we are not */
};

struct reach_params reach_params_default(void);

#endif
