/* SPDX-License-Identifier: MIT */
#include "cli/control.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "wire/frame.h"

struct control {
    int fd;
    struct cbor_writer writer;
    struct frame_reader reader;
    bool is_ready;      /* next holds a reply that was not given out yet */
    struct bytes ready; /* that reply */
    uint8_t request[FRAME_HEAD_MAX + CONTROL_REQUEST_MAX]; /* the head first */
    uint8_t buffer[FRAME_CONTROL_BUFFER];
};

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / NS_PER_MS;
}

static int translate(int error)
{
    if (error == ENOENT || error == ECONNREFUSED || error == ENOTDIR)
        return ERR_NO_NODE;
    if (error == EACCES || error == EPERM)
        return ERR_DENIED;
    return ERR_FILE;
}

int control_open(const char *path, struct control **control)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct control *c;
    int fd;

    if (strlen(path) >= sizeof(un.sun_path))
        return ERR_FILE;
    memcpy(un.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return ERR_FILE;
    if (connect(fd, (struct sockaddr *)&un, sizeof(un)) != 0) {
        int err = translate(errno);

        close(fd);
        return err;
    }
    c = calloc(1, sizeof(*c));
    if (c == NULL)
        abort();
    c->fd = fd;
    frame_reader_init(&c->reader, FRAME_CONTROL, c->buffer, sizeof(c->buffer));
    *control = c;
    return 0;
}

void control_close(struct control *c)
{
    if (c == NULL)
        return;
    close(c->fd);
    free(c);
}

struct cbor_writer *control_request(struct control *c)
{
    cbor_writer_init(&c->writer, c->request + FRAME_HEAD_MAX, CONTROL_REQUEST_MAX);
    return &c->writer;
}

void control_verb(struct control *c, const char *verb)
{
    struct cbor_writer *w = control_request(c);

    cbor_write_array(w, 1);
    cbor_write_text(w, verb);
}

/* Wait until the socket is ready for events, at most until deadline_ms (below 0: for
 * ever). */
static int wait_for(const struct control *c, short events, int64_t deadline_ms)
{
    for (;;) {
        struct pollfd p = { .fd = c->fd, .events = events };
        int64_t left = deadline_ms < 0 ? -1 : deadline_ms - now_ms();
        int n;

        if (deadline_ms >= 0 && left < 0)
            return ERR_TIMEOUT;
        n = poll(&p, 1, (int)left);
        if (n > 0)
            return 0;
        if (n == 0)
            return ERR_TIMEOUT;
        if (errno != EINTR)
            return ERR_CLOSED;
    }
}

static int64_t deadline(int timeout_ms)
{
    return timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
}

static int send_all(struct control *c, struct bytes b, int64_t deadline_ms)
{
    while (b.len > 0) {
        int err = wait_for(c, POLLOUT, deadline_ms);
        ssize_t n;

        if (err != 0)
            return err;
        n = send(c->fd, b.data, b.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n < 0)
            return ERR_CLOSED;
        b = bytes_of(b.data + n, b.len - (size_t)n);
    }
    return 0;
}

int control_send(struct control *c, int timeout_ms)
{
    struct bytes request = cbor_written(&c->writer);

    if (request.len == 0)
        return ERR_LIMIT;
    (void)frame_head(FRAME_CONTROL, request.len, c->request);
    return send_all(c, bytes_of(c->request, FRAME_HEAD_MAX + request.len),
                    deadline(timeout_ms));
}

/* Look for a whole reply in what has come. */
static int look(struct control *c)
{
    int got;

    if (c->is_ready)
        return 0;
    got = frame_reader_next(&c->reader, &c->ready);
    if (got < 0)
        return ERR_MALFORMED;
    c->is_ready = got == 1;
    return 0;
}

bool control_has_next(struct control *c)
{
    return look(c) != 0 || c->is_ready;
}

int control_fd(const struct control *c)
{
    return c->fd;
}

static int receive(struct control *c, int64_t deadline_ms)
{
    uint8_t *room;
    size_t len;
    ssize_t n;
    int err = wait_for(c, POLLIN, deadline_ms);

    if (err != 0)
        return err;
    len = frame_reader_room(&c->reader, &room);
    n = recv(c->fd, room, len, MSG_DONTWAIT);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (n <= 0)
        return ERR_CLOSED;
    frame_reader_commit(&c->reader, (size_t)n);
    return 0;
}

static int split(struct bytes reply, struct bytes *body)
{
    struct cbor_reader r;
    int64_t err;

    if (cbor_check(reply) != 0)
        return ERR_MALFORMED;
    cbor_reader_init(&r, reply);
    if (cbor_read_array(&r, 2) != 2)
        return ERR_MALFORMED;
    err = cbor_read_int(&r);
    if (r.has_failed || cbor_peek(&r) != CBOR_KIND_MAP || err > 0 || err <= -ERR_COUNT)
        return ERR_MALFORMED;
    *body = bytes_of(reply.data + r.pos, reply.len - r.pos);
    return (int)err;
}

int control_next(struct control *c, int timeout_ms, struct bytes *body)
{
    int64_t until_ms = deadline(timeout_ms);
    int err = look(c);

    *body = bytes_of(NULL, 0);
    while (err == 0 && !c->is_ready) {
        err = receive(c, until_ms);
        if (err == 0)
            err = look(c);
    }
    if (err != 0)
        return err;
    c->is_ready = false;
    err = split(c->ready, body);
    return err;
}

int control_call(struct control *c, int timeout_ms, struct bytes *body)
{
    int err = control_send(c, timeout_ms);

    *body = bytes_of(NULL, 0);
    /* A node that is full says so, and does not wait for the request. */
    return err != 0 && err != ERR_CLOSED ? err : control_next(c, timeout_ms, body);
}
