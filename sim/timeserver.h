/* Virtual time servers: they answer SNTP requests with UTC and an error of their own.
 * SPDX-License-Identifier: MIT */
#ifndef SIM_TIMESERVER_H
#define SIM_TIMESERVER_H

#include "clock/sntp.h"
#include "sim/part.h"

struct timeserver_reply {
    int64_t at_ns; /* true time when it comes back */
    uint8_t packet[SNTP_LEN];
};

/* What becomes of a request that a node sends now.  False when no reply comes. */
bool timeserver_ask(struct world_part *p, int node, const struct effect *e,
                    struct timeserver_reply *r);

#endif
