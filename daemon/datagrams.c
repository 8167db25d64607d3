/* SPDX-License-Identifier: MIT */
#include "daemon/datagrams.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/sockaddr.h"
#include "daemon/xalloc.h"

#define SOCKETS       2
#define DATAGRAM_MAX  1500
#define READS_AT_ONCE 64 /* then other handles have their turn */
#define BUFFER_BYTES  (256 * 1024)

struct port {
    struct datagrams *owner;
    enum datagram_socket which;
    int fd; /* -1: none */
    int family;
    bool is_polled; /* the handle is the loop's */
    uv_poll_t poll;
};

struct datagrams {
    uv_loop_t *loop;
    const struct clockwork *clock;
    struct event_sink sink;
    struct port ports[SOCKETS];
    uint8_t buffer[DATAGRAM_MAX];
};

struct datagrams *datagrams_create(uv_loop_t *loop, const struct clockwork *clock,
                                   const struct event_sink *sink)
{
    struct datagrams *d = xalloc(sizeof(*d));

    d->loop = loop;
    d->clock = clock;
    d->sink = *sink;
    for (int i = 0; i < SOCKETS; i++) {
        d->ports[i].owner = d;
        d->ports[i].which = (enum datagram_socket)i;
        d->ports[i].fd = -1;
    }
    return d;
}

static int translate(int error)
{
    if (error == EADDRINUSE)
        return ERR_PORT;
    if (error == EACCES)
        return ERR_DENIED;
    if (error == EADDRNOTAVAIL || error == EAFNOSUPPORT)
        return ERR_UNREACHABLE;
    return ERR_INTERNAL;
}

static int open_socket(struct port *p, int family, const struct addr *at)
{
    struct sockaddr_storage ss;
    socklen_t len = sockaddr_of(at, family, &ss);
    int on = 1;
    int off = 0;
    int bytes = BUFFER_BYTES;
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return translate(errno);
    if (family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    /* All of these are wishes: without stamps our own clock reading serves. */
    (void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    if (len == 0 || bind(fd, (struct sockaddr *)&ss, len) != 0) {
        int err = len == 0 ? ERR_UNREACHABLE : translate(errno);

        close(fd);
        return err;
    }
    p->fd = fd;
    p->family = family;
    return 0;
}

/* One datagram: its length, or -1 when there is none.  *rx_ns is when it came. */
static ssize_t receive_one(struct port *p, struct sockaddr_storage *from, int64_t *rx_ns)
{
    struct datagrams *d = p->owner;
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(struct timespec)) + 64];
    } control;
    struct iovec iov = { .iov_base = d->buffer, .iov_len = sizeof(d->buffer) };
    struct msghdr m = { .msg_name = from,
                        .msg_namelen = sizeof(*from),
                        .msg_iov = &iov,
                        .msg_iovlen = 1,
                        .msg_control = &control,
                        .msg_controllen = sizeof(control) };
    ssize_t n;

    do
        n = recvmsg(p->fd, &m, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -1;
    *rx_ns = INT64_MIN;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c)) {
        struct timespec stamp;

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
            continue;
        memcpy(&stamp, CMSG_DATA(c), sizeof(stamp));
        *rx_ns = clockwork_of_stamp(d->clock, &stamp);
    }
    if (*rx_ns == INT64_MIN)
        *rx_ns = clockwork_now(d->clock);
    /* Longer than any of ours: its cut rest is of no use. */
    return m.msg_flags & MSG_TRUNC ? 0 : n;
}

static void on_readable(uv_poll_t *handle, int status, int events)
{
    struct port *p = handle->data;

    (void)events;
    if (status < 0) {
        /* libuv stops to poll when an earlier send met an error: clear it, go on. */
        int error;
        socklen_t len = sizeof(error);

        (void)getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &len);
        (void)uv_poll_start(handle, UV_READABLE, on_readable);
    }
    for (int i = 0; i < READS_AT_ONCE && p->fd >= 0; i++) {
        struct sockaddr_storage from;
        struct event e = { .kind = EVENT_DATAGRAM };
        int64_t rx_ns;
        ssize_t n = receive_one(p, &from, &rx_ns);

        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n <= 0)
            continue;
        if (!sockaddr_to_addr((struct sockaddr *)&from, &e.u.datagram.from))
            continue;
        e.u.datagram.socket = p->which;
        e.u.datagram.data = bytes_of(p->owner->buffer, (size_t)n);
        e.u.datagram.rx_ns = rx_ns;
        event_sink_post(&p->owner->sink, &e);
    }
}

static int start(struct port *p)
{
    if (uv_poll_init(p->owner->loop, &p->poll, p->fd) != 0)
        return ERR_INTERNAL;
    p->is_polled = true;
    p->poll.data = p;
    return uv_poll_start(&p->poll, UV_READABLE, on_readable) == 0 ? 0 : ERR_INTERNAL;
}

int datagrams_bind(struct datagrams *d, const struct addr *listen)
{
    struct port *peer = &d->ports[DATAGRAM_PEER];
    struct port *ntp = &d->ports[DATAGRAM_NTP];
    struct addr any4 = { .len = 4 };
    struct addr any6 = { .len = 16 };
    int err = open_socket(peer, listen->len == 16 ? AF_INET6 : AF_INET, listen);

    /* Time servers may have addresses of either kind; not every machine has IPv6. */
    if (err == 0 && open_socket(ntp, AF_INET6, &any6) != 0)
        err = open_socket(ntp, AF_INET, &any4);
    if (err == 0)
        err = start(peer);
    if (err == 0)
        err = start(ntp);
    return err;
}

void datagrams_send(struct datagrams *d, enum datagram_socket which,
                    const struct addr *to, struct bytes data)
{
    struct port *p = &d->ports[which];
    struct sockaddr_storage ss;
    socklen_t len = sockaddr_of(to, p->family, &ss);

    if (p->fd < 0 || len == 0)
        return;
    /* An error that an earlier datagram met is reported here once: then try again. */
    for (int tries = 0; tries < 2; tries++) {
        ssize_t n = sendto(p->fd, data.data, data.len, MSG_DONTWAIT | MSG_NOSIGNAL,
                           (struct sockaddr *)&ss, len);

        if (n >= 0 || errno == EAGAIN || errno == EWOULDBLOCK)
            return;
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct port *p = handle->data;

    p->is_polled = false;
}

void datagrams_stop(struct datagrams *d)
{
    for (int i = 0; i < SOCKETS; i++) {
        struct port *p = &d->ports[i];

        if (p->is_polled && !uv_is_closing((uv_handle_t *)&p->poll))
            uv_close((uv_handle_t *)&p->poll, on_closed);
        if (p->fd >= 0)
            close(p->fd);
        p->fd = -1;
    }
}

void datagrams_destroy(struct datagrams *d)
{
    if (d == NULL)
        return;
    for (int i = 0; i < SOCKETS; i++)
        assert(!d->ports[i].is_polled);
    free(d);
}
