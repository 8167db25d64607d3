/* Events that came while the effects of another were being carried out: the node is never
 * stepped from within.  SPDX-License-Identifier: MIT */
#ifndef DAEMON_QUEUE_H
#define DAEMON_QUEUE_H

#include "node/event.h"

struct queued;

/* First in, first out; unbounded, but emptied after each step. */
struct event_queue {
    struct queued *first;
    struct queued *newest;
};

/* Append a copy, with all that its views point to.  Not for EVENT_START. */
void event_queue_push(struct event_queue *q, const struct event *e);

/* The oldest, NULL when there is none.  Valid until event_queue_pop. */
struct event *event_queue_first(struct event_queue *q);
void event_queue_pop(struct event_queue *q);

#endif
