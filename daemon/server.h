/* The control socket: commands in, replies and states out, as docs/control.md says.
 *
 * A connection has one command under way at a time, so its replies keep its order.
 * "watch" is handled here; what the driver does not answer itself is the node's.
 * SPDX-License-Identifier: MIT */
#ifndef DAEMON_SERVER_H
#define DAEMON_SERVER_H

#include <uv.h>

#include "daemon/sink.h"

#define SERVER_CLIENTS_MAX 32

struct server;

struct server_config {
    struct event_sink sink; /* takes the commands */
    /* A command that the driver answers itself, by server_reply to id; false: it is the
     * node's. */
    bool (*answer)(void *ctx, uint64_t id, struct bytes request);
    void *answer_ctx;
};

/* Keeps loop. */
struct server *server_create(uv_loop_t *loop, const struct server_config *config);

/* Listen at path, a socket file of mode 0600, in a folder that is made as needed.  What a
 * dead node left there is replaced.
 * Errors: ERR_PORT (a live node answers there), ERR_FILE; message says what to do. */
MUST_USE int server_listen(struct server *s, const char *path, char *message,
                           size_t size);

/* Answer a command.  body is a CBOR map, copied.  Unknown ids are ignored: the client may
 * have gone. */
void server_reply(struct server *s, uint64_t id, int err, struct bytes body);

/* The state, for those who watch: sent at once or, when they had one within 0.1 s, then.
 */
void server_state(struct server *s, struct bytes body);

/* A descriptor of the connection that awaits this reply, for the caller to close: until
 * then the client sees no end of it.  -1 when it has gone. */
int server_hold(const struct server *s, uint64_t id);

/* How many watch. */
int server_watchers(const struct server *s);

/* Close the socket to new clients, and the old ones when their replies have gone out. */
void server_finish(struct server *s);

/* Close all at once; the handles close in the loop. */
void server_stop(struct server *s);

/* After the loop has run out.  Ignores NULL. */
void server_destroy(struct server *s);

#endif
