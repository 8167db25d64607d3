/* What all verbs share: the options that each has, the connection to the node, and how
 * results and failures are printed.  SPDX-License-Identifier: MIT */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "cli/args.h"
#include "cli/control.h"
#include "cli/put.h"
#include "cli/paths.h"

/* A node answers at once; more than this means that it hangs. */
#define SESSION_TIMEOUT_MS 10000

/* Options that every verb has; its own come behind them in the table. */
enum { OPTION_HELP, OPTION_JSON, OPTION_DATA_DIR, OPTION_SOCKET, OPTION_OWN };

struct session {
    const char *verb;
    struct args args;
    bool is_json;
    bool has_socket;      /* --socket was given */
    const char *data_dir; /* as given, or NULL */
    struct paths paths;
    struct style style;      /* of stdout */
    bool is_terminal;        /* stdout is one */
    struct control *control; /* NULL until session_connect */
    char *room;              /* of session_text; NULL until then */
};

/* Fill s from the common options in s->args.  Errors: ERR_FILE (no home). */
MUST_USE int session_init(struct session *s, const char *verb);
void session_finish(struct session *s);

/* Connect to the node.  Errors: as control_open; nothing is printed. */
MUST_USE int session_connect(struct session *s);

/* Say what went wrong, on stderr in one line and, with --json, on stdout.  Returns the
 * exit status. */
int session_fail(const struct session *s, int err, const char *what, const char *next);

/* The same for a failed session_connect, and for a reply with an error. */
int session_fail_connect(const struct session *s, int err);
int session_fail_reply(const struct session *s, int err, struct bytes body);

/* Print a body as one line of JSON. */
void session_print_json(struct bytes body);

/* An error as one line of JSON on stdout; status is the exit status. */
void session_print_error(int status, const char *what, const char *next);

/* Begin a text to be printed whole with session_print; its room is the session's, and one
 * is made at a time. */
struct text session_text(struct session *s);
void session_print(const struct text *t);

/* Connect, send the request that write makes (NULL: the verb alone), and wait for the
 * reply.  0 with the body, or the exit status: the failure has been told. */
int session_ask(struct session *s, void (*write)(struct cbor_writer *w, void *ctx),
                void *ctx, struct bytes *body);

#endif
