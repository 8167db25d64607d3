/* A client of the control socket (docs/control.md): one connection, one request at a
 * time. SPDX-License-Identifier: MIT */
#ifndef CLI_CONTROL_H
#define CLI_CONTROL_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/err.h"
#include "wire/cbor.h"

#define CONTROL_REQUEST_MAX (64 * 1024)

struct control;

/* Connect to the node whose socket is at path.
 * Errors: ERR_NO_NODE (nobody answers there), ERR_DENIED (not ours), ERR_FILE. */
MUST_USE int control_open(const char *path, struct control **control);

/* Ignores NULL. */
void control_close(struct control *c);

/* A writer for the next request, for control_send and control_call: write an array
 * [verb, argument…] into it. */
struct cbor_writer *control_request(struct control *c);

/* The request that is a verb alone. */
void control_verb(struct control *c, const char *verb);

/* Send the request that was written.
 * Errors: ERR_LIMIT (too long), ERR_CLOSED (the node is gone), ERR_TIMEOUT. */
MUST_USE int control_send(struct control *c, int timeout_ms);

/* Wait for the next reply: its error, 0 for none; body is then a view until the next
 * call. With an error of the node's, body says "error" and "next"; with one of our own it
 * is empty: ERR_TIMEOUT, ERR_CLOSED, ERR_MALFORMED.  A timeout below 0 is for ever. */
MUST_USE int control_next(struct control *c, int timeout_ms, struct bytes *body);

/* Send, and wait for the reply. */
MUST_USE int control_call(struct control *c, int timeout_ms, struct bytes *body);

/* The descriptor, for poll(): it is readable when a reply may have come. */
int control_fd(const struct control *c);

/* True when a whole reply lies in the buffer already: poll() would not tell. */
bool control_has_next(struct control *c);

#endif
