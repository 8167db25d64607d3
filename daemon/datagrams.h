/* The two UDP sockets: one bound to the listen port for peers, one on a port of its own
 * for time servers, so that a time server's answer cannot be forged by a peer who only
 * knows our port (RFC 9109).  Times of receiving and of sending are the kernel's where it
 * gives them; its stamps are of the system's clock, which may be set at any time, so one
 * that cannot be true is not believed.
 * SPDX-License-Identifier: MIT */
#ifndef DAEMON_DATAGRAMS_H
#define DAEMON_DATAGRAMS_H

#include <uv.h>

#include "daemon/clockwork.h"
#include "daemon/sink.h"

struct datagrams;

/* Keeps loop and clock. */
struct datagrams *datagrams_create(uv_loop_t *loop, struct clockwork *clock,
                                   const struct event_sink *sink);

/* Bind the peers' socket to listen, and the other to any port, and start to receive.
 * Errors: ERR_PORT (taken), ERR_DENIED, ERR_UNREACHABLE (no such address here),
 * ERR_INTERNAL. */
MUST_USE int datagrams_bind(struct datagrams *d, const struct addr *listen);

/* Send at once or not at all: what the kernel has no room for is lost, as on the way.
 * When it left is told by EVENT_SENT with the token, if that is not 0 and the kernel
 * knows. */
void datagrams_send(struct datagrams *d, enum datagram_socket which,
                    const struct addr *to, struct bytes data, uint64_t token);

/* Stop receiving; the handles close in the loop. */
void datagrams_stop(struct datagrams *d);

/* After the loop has run out.  Ignores NULL. */
void datagrams_destroy(struct datagrams *d);

#endif
