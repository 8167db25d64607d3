/* Where the parts of the driver hand in what has happened.  They do not know the node: a
 * test may stand in its place.  SPDX-License-Identifier: MIT */
#ifndef DAEMON_SINK_H
#define DAEMON_SINK_H

#include "node/event.h"

/* Views inside the event are valid during the call; now_ns is filled in behind it. During
 * the call the part that calls may be asked to send and to close. */
struct event_sink {
    void (*post)(void *ctx, struct event *e);
    void *ctx;
};

static inline void event_sink_post(const struct event_sink *s, struct event *e)
{
    s->post(s->ctx, e);
}

#endif
