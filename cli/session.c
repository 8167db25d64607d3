/* SPDX-License-Identifier: MIT */
#include "cli/session.h"

#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/cli.h"
#include "wire/json.h"
#include "wire/map.h"

#define TEXT_MAX (512 * 1024)
#define JSON_MAX (4 * 1024 * 1024)

static int terminal_width(void)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

static bool wants_color(void)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    if (no_color != NULL && no_color[0] != '\0')
        return false;
    return term != NULL && strcmp(term, "dumb") != 0;
}

int session_init(struct session *s, const char *verb)
{
    const char *const *values = s->args.values;

    s->verb = verb;
    s->is_json = values[OPTION_JSON] != NULL;
    s->has_socket = values[OPTION_SOCKET] != NULL;
    s->data_dir = values[OPTION_DATA_DIR];
    s->is_terminal = isatty(STDOUT_FILENO) && !s->is_json;
    s->style.has_color = s->is_terminal && wants_color();
    s->style.has_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    s->style.width = terminal_width();
    return paths_resolve(s->data_dir, values[OPTION_SOCKET], &s->paths);
}

void session_finish(struct session *s)
{
    control_close(s->control);
    s->control = NULL;
    free(s->room);
    s->room = NULL;
}

int session_connect(struct session *s)
{
    control_close(s->control);
    s->control = NULL;
    return control_open(s->paths.control, &s->control);
}

static char *room(size_t size)
{
    char *p = malloc(size);

    if (p == NULL)
        abort();
    return p;
}

void session_print_json(struct bytes body)
{
    struct text t;

    text_init(&t, room(JSON_MAX), JSON_MAX);
    if (json_from_cbor(body, &t) == 0)
        puts(t.data);
    fflush(stdout);
    free(t.data);
}

void session_print_error(int status, const char *what, const char *next)
{
    uint8_t buffer[3 * PATHS_MAX];
    struct cbor_writer w;

    cbor_writer_init(&w, buffer, sizeof(buffer));
    cbor_write_map(&w, 3);
    cbor_write_text(&w, "code");
    cbor_write_int(&w, status);
    cbor_write_text(&w, "next");
    cbor_write_text(&w, next);
    cbor_write_text(&w, "error");
    cbor_write_text(&w, what);
    session_print_json(cbor_written(&w));
}

int cli_complain(int err, const char *what, const char *next)
{
    fprintf(stderr, "party: %s%s%s\n", what, next[0] != '\0' ? "; " : "", next);
    return err_exit_status(err);
}

int session_fail(const struct session *s, int err, const char *what, const char *next)
{
    if (s->is_json)
        session_print_error(err_exit_status(err), what, next);
    return cli_complain(err, what, next);
}

int session_fail_connect(const struct session *s, int err)
{
    char what[PATHS_MAX + 64];

    switch (err) {
    case ERR_NO_NODE:
        return session_fail(s, err, "no node is running here", "start one: party up");
    case ERR_DENIED:
        snprintf(what, sizeof(what), "the node at %s is another user's",
                 s->paths.control);
        return session_fail(s, err, what, "start your own: party up");
    default:
        snprintf(what, sizeof(what), "cannot speak to a node at %s", s->paths.control);
        return session_fail(s, err, what, "name its folder with --data-dir DIR");
    }
}

int session_fail_reply(const struct session *s, int err, struct bytes body)
{
    char what_room[1024];
    char next_room[512];
    struct text what;
    struct text next;

    if (err == ERR_TIMEOUT && body.len == 0)
        return session_fail(s, err, "the node does not answer",
                            "see its log, or end it: party down");
    if (err == ERR_CLOSED && body.len == 0)
        return session_fail(s, err, "the node has gone", "start it again: party up");
    text_init(&what, what_room, sizeof(what_room));
    text_init(&next, next_room, sizeof(next_room));
    put_clean(&what, map_get_text(body, "error", err_text(err)));
    put_clean(&next, map_get_text(body, "next", ""));
    return session_fail(s, err, what.data, next.data);
}

struct text session_text(struct session *s)
{
    struct text t;

    if (s->room == NULL)
        s->room = room(TEXT_MAX);
    text_init(&t, s->room, TEXT_MAX);
    return t;
}

void session_print(const struct text *t)
{
    fwrite(t->data, 1, t->len, stdout);
    fflush(stdout);
}

int session_ask(struct session *s, void (*write)(struct cbor_writer *w, void *ctx),
                void *ctx, struct bytes *body)
{
    int err = session_connect(s);

    if (err != 0)
        return session_fail_connect(s, err);
    if (write == NULL)
        control_verb(s->control, s->verb);
    else
        write(control_request(s->control), ctx);
    err = control_call(s->control, SESSION_TIMEOUT_MS, body);
    return err != 0 ? session_fail_reply(s, err, *body) : 0;
}
