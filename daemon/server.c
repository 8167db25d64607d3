/* SPDX-License-Identifier: MIT */
#include "daemon/server.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/datadir.h"
#include "daemon/xalloc.h"
#include "wire/cbor.h"
#include "wire/frame.h"

#define BACKLOG     8
#define PUSH_NS     (100 * NS_PER_MS)
#define QUEUE_MAX   FRAME_CONTROL_MAX /* bytes that a slow client may leave unread */
#define VERB_MAX    16
#define REPLY_EXTRA 16 /* what [err, body] adds to the body */

struct client {
    struct client *next;
    struct server *owner;
    uv_pipe_t pipe;
    bool is_closing;
    bool is_finishing; /* to be closed when all is sent */
    bool is_watching;
    bool will_watch;     /* the reply under way is the first of a watch */
    uint64_t pending_id; /* the command under way; 0: none */
    struct frame_reader reader;
    uint8_t *buffer; /* taken with the first byte that comes */
};

struct push {
    uv_write_t request;
    uint8_t data[];
};

struct server {
    uv_loop_t *loop;
    struct server_config config;
    struct client *clients;
    uint64_t last_id;
    bool is_listening; /* the handle is the loop's */
    bool has_timer;
    uv_pipe_t listener;
    uv_timer_t timer;   /* until the next state may be pushed */
    uint64_t pushed_ns; /* when the last one was */
    uint8_t *state;     /* the newest, not pushed yet; NULL: none */
    size_t state_len;
};

struct server *server_create(uv_loop_t *loop, const struct server_config *config)
{
    struct server *s = xalloc(sizeof(*s));

    s->loop = loop;
    s->config = *config;
    uv_timer_init(loop, &s->timer);
    s->timer.data = s;
    s->has_timer = true;
    return s;
}

/* ---- clients ---- */

static void on_client_closed(uv_handle_t *handle)
{
    struct client *c = handle->data;
    struct client **at;

    for (at = &c->owner->clients; *at != c; at = &(*at)->next)
        ;
    *at = c->next;
    free(c->buffer);
    free(c);
}

static void client_close(struct client *c)
{
    if (c->is_closing)
        return;
    c->is_closing = true;
    c->pending_id = 0;
    c->is_watching = false;
    uv_close((uv_handle_t *)&c->pipe, on_client_closed);
}

static size_t queued(const struct client *c)
{
    return uv_stream_get_write_queue_size((const uv_stream_t *)&c->pipe);
}

static void on_sent(uv_write_t *request, int status)
{
    struct client *c = request->handle->data;

    free(request);
    if (status < 0 || (c->is_finishing && queued(c) == 0))
        client_close(c);
}

static void client_send(struct client *c, int err, struct bytes body)
{
    uint8_t head[FRAME_HEAD_MAX];
    size_t size = FRAME_HEAD_MAX + REPLY_EXTRA + body.len;
    size_t head_len;
    struct push *p;
    struct cbor_writer w;
    uv_buf_t buf;

    if (c->is_closing)
        return;
    if (queued(c) + size > QUEUE_MAX) {
        client_close(c);
        return;
    }
    p = xalloc(sizeof(*p) + size);
    cbor_writer_init(&w, p->data + FRAME_HEAD_MAX, size - FRAME_HEAD_MAX);
    cbor_write_array(&w, 2);
    cbor_write_int(&w, err);
    cbor_write_raw(&w, body);
    assert(!w.has_overflowed);
    head_len = frame_head(FRAME_CONTROL, w.len, head);
    assert(head_len == FRAME_HEAD_MAX);
    memcpy(p->data, head, head_len);
    buf = uv_buf_init((char *)p->data, (unsigned)(head_len + w.len));
    if (uv_write(&p->request, (uv_stream_t *)&c->pipe, &buf, 1, on_sent) != 0) {
        free(p);
        client_close(c);
    }
}

static void send_error(struct client *c, int err, const char *error, const char *next)
{
    uint8_t body[512];
    struct cbor_writer w;

    cbor_writer_init(&w, body, sizeof(body));
    cbor_write_map(&w, 2);
    cbor_write_text(&w, "next");
    cbor_write_text(&w, next);
    cbor_write_text(&w, "error");
    cbor_write_text(&w, error);
    client_send(c, err, cbor_written(&w));
}

/* ---- requests ---- */

static bool is_verb(struct bytes verb, const char *name)
{
    return bytes_equal(verb, bytes_of(name, strlen(name)));
}

static void command(struct client *c, struct bytes request)
{
    struct event e = { .kind = EVENT_COMMAND };

    e.u.command.id = c->pending_id;
    e.u.command.request = request;
    event_sink_post(&c->owner->config.sink, &e); /* the reply may come during the call */
}

static void take_request(struct client *c, struct bytes request)
{
    static const uint8_t status[] = { 0x81, 0x66, 's', 't', 'a', 't', 'u', 's' };
    struct server *s = c->owner;
    struct cbor_reader r;
    struct bytes verb;

    cbor_reader_init(&r, request);
    (void)cbor_read_array(&r, INT16_MAX);
    verb = cbor_read_text(&r, VERB_MAX);
    if (r.has_failed || cbor_check(request) != 0) {
        send_error(c, ERR_MALFORMED, "the request is malformed",
                   "see docs/control.md for what the node understands");
        return;
    }
    c->pending_id = ++s->last_id;
    if (is_verb(verb, "watch")) {
        c->will_watch = true;
        command(c, bytes_of(status, sizeof(status)));
    } else if (!s->config.answer(s->config.answer_ctx, c->pending_id, request)) {
        command(c, request);
    }
}

/* One request after another, for as long as none waits for its reply. */
static void take_requests(struct client *c)
{
    struct bytes frame;
    int got = 0;

    if (c->buffer == NULL)
        return;
    while (!c->is_closing && c->pending_id == 0 &&
           (got = frame_reader_next(&c->reader, &frame)) == 1) {
        if (c->is_watching) /* nothing is due any more */
            client_close(c);
        else
            take_request(c, frame);
    }
    if (got < 0)
        client_close(c);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct client *c = handle->data;
    uint8_t *room;
    size_t len;

    (void)suggested;
    if (c->buffer == NULL) {
        c->buffer = xalloc(FRAME_CONTROL_BUFFER);
        frame_reader_init(&c->reader, FRAME_CONTROL, c->buffer, FRAME_CONTROL_BUFFER);
    }
    len = frame_reader_room(&c->reader, &room);
    *buf = uv_buf_init((char *)room, (unsigned)len);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct client *c = stream->data;

    (void)buf;
    if (n < 0) {
        client_close(c);
        return;
    }
    frame_reader_commit(&c->reader, (size_t)n);
    take_requests(c);
    /* Who writes on while a reply is due has to wait with the rest. */
    if (!c->is_closing && c->pending_id != 0)
        uv_read_stop(stream);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct server *s = listener->data;
    struct client *c;
    int count = 0;

    if (status != 0)
        return;
    for (c = s->clients; c != NULL; c = c->next)
        count++;
    c = xalloc(sizeof(*c));
    c->owner = s;
    c->next = s->clients;
    s->clients = c;
    uv_pipe_init(s->loop, &c->pipe, 0);
    c->pipe.data = c;
    if (uv_accept(listener, (uv_stream_t *)&c->pipe) != 0) {
        client_close(c);
    } else if (count >= SERVER_CLIENTS_MAX) {
        c->is_finishing = true;
        send_error(c, ERR_LIMIT, "too many programs are speaking to the node",
                   "end some, such as party watch");
    } else if (uv_read_start((uv_stream_t *)&c->pipe, on_room, on_read) != 0) {
        client_close(c);
    }
}

/* ---- listening ---- */

/* Make the folder of the socket, and see that nobody else may put things there. */
static int prepare_folder(const char *path, char *message, size_t size)
{
    char folder[PATH_MAX];
    struct stat st;
    const char *slash = strrchr(path, '/');

    if (slash == NULL || slash == path)
        return 0;
    snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
    if (datadir_make(folder) != 0 || stat(folder, &st) != 0) {
        snprintf(message, size,
                 "control socket %s: %s; set XDG_RUNTIME_DIR to a folder of yours", path,
                 strerror(errno));
        return ERR_FILE;
    }
    if (st.st_uid == geteuid() && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0)
        return 0;
    snprintf(
        message, size,
        "control socket %s: others may write to its folder; set XDG_RUNTIME_DIR to a "
        "folder of yours",
        path);
    return ERR_FILE;
}

/* Does a node answer at the socket file?  A dead one's file is removed. */
static int clear_stale(const struct sockaddr_un *un, char *message, size_t size)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int status;
    int error;
    struct stat st;

    if (fd < 0)
        return ERR_INTERNAL;
    status = connect(fd, (const struct sockaddr *)un, sizeof(*un));
    error = errno;
    close(fd);
    if (status == 0 || error == EAGAIN) {
        snprintf(
            message, size,
            "control socket %s: another node answers there; use that one, or stop it "
            "with \"party down\"",
            un->sun_path);
        return ERR_PORT;
    }
    if (error == ECONNREFUSED && lstat(un->sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
        (void)unlink(un->sun_path);
    return 0;
}

int server_listen(struct server *s, const char *path, char *message, size_t size)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    int status;
    int err;

    if (strlen(path) >= sizeof(un.sun_path)) {
        snprintf(
            message, size,
            "control socket %s: the name is too long for a socket (107 bytes); choose "
            "a shorter --data-dir",
            path);
        return ERR_FILE;
    }
    memcpy(un.sun_path, path, strlen(path) + 1);
    err = prepare_folder(path, message, size);
    if (err == 0)
        err = clear_stale(&un, message, size);
    if (err != 0)
        return err;
    uv_pipe_init(s->loop, &s->listener, 0);
    s->listener.data = s;
    s->is_listening = true;
    status = uv_pipe_bind(&s->listener, path);
    if (status == 0 && chmod(path, 0600) != 0)
        status = -errno;
    if (status == 0)
        status = uv_listen((uv_stream_t *)&s->listener, BACKLOG, on_connection);
    if (status == 0)
        return 0;
    snprintf(message, size,
             "control socket %s: %s; remove what is there, or choose another "
             "--data-dir",
             path, uv_strerror(status));
    return ERR_FILE;
}

/* ---- replies and states ---- */

void server_reply(struct server *s, uint64_t id, int err, struct bytes body)
{
    assert(id != 0);
    for (struct client *c = s->clients; c != NULL; c = c->next) {
        if (c->is_closing || c->pending_id != id)
            continue;
        c->pending_id = 0;
        c->is_watching = c->will_watch && err == 0;
        c->will_watch = false;
        client_send(c, err, body);
        if (c->is_closing)
            return;
        take_requests(c);
        if (!c->is_closing && c->pending_id == 0)
            (void)uv_read_start((uv_stream_t *)&c->pipe, on_room, on_read);
        return;
    }
}

int server_hold(const struct server *s, uint64_t id)
{
    for (const struct client *c = s->clients; c != NULL; c = c->next) {
        uv_os_fd_t fd;

        if (!c->is_closing && c->pending_id == id &&
            uv_fileno((const uv_handle_t *)&c->pipe, &fd) == 0)
            return fcntl(fd, F_DUPFD_CLOEXEC, 0);
    }
    return -1;
}

int server_watchers(const struct server *s)
{
    int count = 0;

    for (const struct client *c = s->clients; c != NULL; c = c->next)
        count += c->is_watching;
    return count;
}

static void push_state(struct server *s)
{
    struct bytes body = bytes_of(s->state, s->state_len);

    for (struct client *c = s->clients; c != NULL; c = c->next) {
        if (c->is_watching)
            client_send(c, 0, body);
    }
    free(s->state);
    s->state = NULL;
    s->pushed_ns = uv_hrtime();
}

static void on_push(uv_timer_t *timer)
{
    struct server *s = timer->data;

    if (s->state != NULL)
        push_state(s);
}

void server_state(struct server *s, struct bytes body)
{
    uint64_t since;

    if (server_watchers(s) == 0)
        return;
    free(s->state);
    s->state = xalloc(body.len);
    memcpy(s->state, body.data, body.len);
    s->state_len = body.len;
    since = uv_hrtime() - s->pushed_ns;
    if (since >= (uint64_t)PUSH_NS)
        push_state(s);
    else if (!uv_is_active((uv_handle_t *)&s->timer))
        uv_timer_start(&s->timer, on_push, ((uint64_t)PUSH_NS - since) / NS_PER_MS + 1,
                       0);
}

/* ---- the end ---- */

static void on_listener_closed(uv_handle_t *handle)
{
    struct server *s = handle->data;

    s->is_listening = false;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct server *s = handle->data;

    s->has_timer = false;
}

void server_finish(struct server *s)
{
    if (s->is_listening && !uv_is_closing((uv_handle_t *)&s->listener))
        uv_close((uv_handle_t *)&s->listener, on_listener_closed);
    for (struct client *c = s->clients; c != NULL; c = c->next) {
        if (queued(c) == 0)
            client_close(c);
        c->is_finishing = true;
    }
}

void server_stop(struct server *s)
{
    server_finish(s);
    for (struct client *c = s->clients; c != NULL; c = c->next)
        client_close(c);
    if (s->has_timer && !uv_is_closing((uv_handle_t *)&s->timer))
        uv_close((uv_handle_t *)&s->timer, on_timer_closed);
}

void server_destroy(struct server *s)
{
    if (s == NULL)
        return;
    assert(s->clients == NULL && !s->is_listening && !s->has_timer);
    free(s->state);
    free(s);
}
