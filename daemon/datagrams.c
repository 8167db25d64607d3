/* SPDX-License-Identifier: MIT */
#include "daemon/datagrams.h"

#include <assert.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/sockaddr.h"
#include "daemon/xalloc.h"

#define SOCKETS       2
#define DATAGRAM_MAX  1500
#define READS_AT_ONCE 64 /* then other handles have their turn */
#define BUFFER_BYTES  (256 * 1024)
#define STAMPS        64          /* datagrams whose transmit stamp is waited for */
#define STAMP_SLACK   (NS_PER_MS) /* from the stamp to where we can read it */
#define CONTROL_BYTES 256

/* A datagram that was sent: its place is the kernel's count of them. */
struct departure {
    uint64_t token; /* 0: nobody waits */
    int64_t sent_ns;
};

union control {
    struct cmsghdr align;
    char room[CONTROL_BYTES];
};

struct port {
    struct datagrams *owner;
    enum datagram_socket which;
    int fd; /* -1: none */
    int family;
    bool is_polled; /* the handle is the loop's */
    uv_poll_t poll;
    int64_t drained_ns; /* nothing that came before this is still to be read */
    bool has_departures;
    uint32_t sent; /* datagrams since the kernel began to count them */
    struct departure departures[STAMPS]; /* at count % STAMPS */
};

struct datagrams {
    uv_loop_t *loop;
    struct clockwork *clock;
    struct event_sink sink;
    struct port ports[SOCKETS];
    uint8_t buffer[DATAGRAM_MAX];
};

struct datagrams *datagrams_create(uv_loop_t *loop, struct clockwork *clock,
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

/* Ask for stamps of both ways, and to have the datagrams counted from 0 on.  All of it is
 * a wish: without stamps our own clock reading serves. */
static void ask_for_stamps(struct port *p)
{
    int off = 0;
    int on = 1;
    int flags = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_TX_SOFTWARE |
                SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID |
                SOF_TIMESTAMPING_OPT_TSONLY;

    memset(p->departures, 0, sizeof(p->departures));
    p->sent = 0;
    (void)setsockopt(p->fd, SOL_SOCKET, SO_TIMESTAMPING, &off, sizeof(off));
    p->has_departures = setsockopt(p->fd, SOL_SOCKET, SO_TIMESTAMPING, &flags,
                                   sizeof(flags)) == 0;
    if (!p->has_departures)
        (void)setsockopt(p->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
}

static int open_socket(struct port *p, int family, const struct addr *at)
{
    struct sockaddr_storage ss;
    socklen_t len = sockaddr_of(at, family, &ss);
    int off = 0;
    int bytes = BUFFER_BYTES;
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return translate(errno);
    if (family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    if (len == 0 || bind(fd, (struct sockaddr *)&ss, len) != 0) {
        int err = len == 0 ? ERR_UNREACHABLE : translate(errno);

        close(fd);
        return err;
    }
    p->fd = fd;
    p->family = family;
    p->drained_ns = INT64_MIN;
    ask_for_stamps(p);
    return 0;
}

/* The kernel's stamp of a message, of either kind. */
static bool find_stamp(struct msghdr *m, struct timespec *stamp)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        /* Of the three of SCM_TIMESTAMPING the first is the software's. */
        if (c->cmsg_level == SOL_SOCKET &&
            (c->cmsg_type == SCM_TIMESTAMPNS || c->cmsg_type == SCM_TIMESTAMPING)) {
            memcpy(stamp, CMSG_DATA(c), sizeof(*stamp));
            return stamp->tv_sec != 0;
        }
    }
    return false;
}

/* Which datagram a message of the error queue is the transmit stamp of. */
static bool find_count(struct msghdr *m, uint32_t *count)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        struct sock_extended_err e;

        if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
            (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR)) {
            memcpy(&e, CMSG_DATA(c), sizeof(e));
            *count = e.ee_data;
            return e.ee_errno == ENOMSG && e.ee_origin == SO_EE_ORIGIN_TIMESTAMPING &&
                   e.ee_info == SCM_TSTAMP_SND;
        }
    }
    return false;
}

/* A datagram left between our clock readings before sending it and now. */
static void tell_departure(struct port *p, uint32_t count, const struct timespec *stamp)
{
    struct departure *d = &p->departures[count % STAMPS];
    struct event e = { .kind = EVENT_SENT, .u.sent.token = d->token };

    if (p->sent - 1 - count >= STAMPS || d->token == 0)
        return;
    d->token = 0;
    if (clockwork_of_stamp(p->owner->clock, stamp, d->sent_ns, &e.u.sent.tx_ns))
        event_sink_post(&p->owner->sink, &e);
}

/* Read the transmit stamps that are there. */
static void take_stamps(struct port *p)
{
    for (int i = 0; i < STAMPS && p->fd >= 0; i++) {
        union control control;
        struct msghdr m = { .msg_control = &control, .msg_controllen = sizeof(control) };
        struct timespec stamp;
        uint32_t count;

        if (recvmsg(p->fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
            return;
        if (find_stamp(&m, &stamp) && find_count(&m, &count))
            tell_departure(p, count, &stamp);
    }
}

/* One datagram: its length, or -1 when there is none.  *rx_ns is when it came. */
static ssize_t receive_one(struct port *p, struct sockaddr_storage *from, int64_t *rx_ns)
{
    struct datagrams *d = p->owner;
    union control control;
    struct timespec stamp;
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
    if (!find_stamp(&m, &stamp) ||
        !clockwork_of_stamp(d->clock, &stamp, p->drained_ns, rx_ns))
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
        take_stamps(p);
        (void)uv_poll_start(handle, UV_READABLE, on_readable);
    }
    for (int i = 0; i < READS_AT_ONCE && p->fd >= 0; i++) {
        struct sockaddr_storage from;
        struct event e = { .kind = EVENT_DATAGRAM };
        int64_t before_ns = clockwork_now(p->owner->clock) - STAMP_SLACK;
        int64_t rx_ns;
        ssize_t n = receive_one(p, &from, &rx_ns);

        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            p->drained_ns = before_ns;
            return;
        }
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
                    const struct addr *to, struct bytes data, uint64_t token)
{
    struct port *p = &d->ports[which];
    struct sockaddr_storage ss;
    socklen_t len = sockaddr_of(to, p->family, &ss);
    int64_t sent_ns = clockwork_now(d->clock);

    if (p->fd < 0 || len == 0)
        return;
    /* An error that an earlier datagram met is reported here once: then try again. */
    for (int tries = 0; tries < 2; tries++) {
        bool is_full;
        ssize_t n = sendto(p->fd, data.data, data.len, MSG_DONTWAIT | MSG_NOSIGNAL,
                           (struct sockaddr *)&ss, len);

        if (n >= 0) {
            p->departures[p->sent++ % STAMPS] = (struct departure){ token, sent_ns };
            take_stamps(p);
            return;
        }
        is_full = errno == EAGAIN || errno == EWOULDBLOCK;
        /* Whether the kernel has counted this one depends on where it failed. */
        ask_for_stamps(p);
        if (is_full)
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
