/* Time inside the node: datagrams in and out, UTC, and the line to the party clock.
 * SPDX-License-Identifier: MIT */
#ifndef NODE_PROBES_H
#define NODE_PROBES_H

#include "node/event.h"

struct node;
struct prober;

/* What was remembered of the rate of our crystal. */
void probes_recall(struct node *n, const struct memory_item *item);

/* When a datagram with that token left. */
void probes_sent(struct node *n, uint64_t token, int64_t tx_ns);

/* A datagram of a peer (a probe or its reply, sealed) or of a time server. */
void probes_datagram(struct node *n, enum datagram_socket socket, const struct addr *from,
                     struct bytes data, int64_t rx_ns);

/* What the operating system's clock shows. */
void probes_system_clock(struct node *n, int64_t utc_ns, int64_t bound_ns,
                         bool is_synchronised);

/* The machine slept, and n->clock_id is new: how far others are off is not known. */
void probes_slept(struct node *n);

/* Send what is due, follow the party's reference, and publish the line when it changed.
 */
void probes_wake(struct node *n);
int64_t probes_wake_ns(const struct node *n);

/* Measure a peer's clock no longer: gives the prober back, *p is NULL then. */
void probes_end(struct node *n, struct prober **p);

#endif
