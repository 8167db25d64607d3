/* The links: one TCP listener, and the connections that came in or were dialled, each a
 * stream of frames.  Everything is bounded: connections, those that have not said
 * anything yet, the wait for a dial, and what waits to be sent.
 * SPDX-License-Identifier: MIT */
#ifndef DAEMON_TCP_H
#define DAEMON_TCP_H

#include <uv.h>

#include "daemon/sink.h"

struct tcp_params {
    int links_max;         /* in both directions together */
    int silent_max;        /* incoming ones that have not sent a whole frame yet */
    int64_t dial_ns;       /* for a connection to stand */
    int64_t silent_ns;     /* for the first frame of an incoming one */
    int64_t linger_ns;     /* for the last bytes to be read at a close */
    size_t send_queue_max; /* bytes on their way in one link; a slower peer is dropped */
};

struct tcp_params tcp_params_default(void);

struct tcp;

/* Keeps loop. */
struct tcp *tcp_create(uv_loop_t *loop, const struct tcp_params *params,
                       const struct event_sink *sink);

/* Listen at addr; a port of 0 becomes the one that was taken.  Connections are accepted
 * once the loop runs.  Errors: ERR_PORT (taken), ERR_DENIED, ERR_UNREACHABLE (no such
 * address here), ERR_INTERNAL. */
MUST_USE int tcp_listen(struct tcp *t, struct addr *addr);

/* Give the address back, so that tcp_listen may try another. */
void tcp_unlisten(struct tcp *t);

/* Dial; answered by LINK_OPENED or LINK_CLOSED, the latter perhaps during the call.
 * from_listen: out of the port that we listen at, if we do; who dials us at the same
 * moment and from where we dial, gets one connection with us. */
void tcp_open(struct tcp *t, uint32_t link, const struct addr *addr, bool from_listen);

/* Send one frame, copied.  A link that is not there any more is ignored. */
void tcp_send(struct tcp *t, uint32_t link, struct bytes frame);

/* Close once what was sent has been read, or after linger_ns.  No event follows. */
void tcp_close(struct tcp *t, uint32_t link);

/* Close every link like tcp_close and stop to listen. */
void tcp_finish(struct tcp *t);

/* Number of links, with those that have something to send or wait to be closed. */
int tcp_count(const struct tcp *t);

/* Close all at once; the handles close in the loop. */
void tcp_stop(struct tcp *t);

/* After the loop has run out.  Ignores NULL. */
void tcp_destroy(struct tcp *t);

#endif
