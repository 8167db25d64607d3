/* SPDX-License-Identifier: MIT */
#include "daemon/tcp.h"

#include <assert.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/sockaddr.h"
#include "daemon/xalloc.h"
#include "wire/frame.h"

#define BACKLOG     32
#define KEEPALIVE_S 30

enum link_state {
    LINK_DIALLING,
    LINK_SILENT, /* came in, has not sent a whole frame */
    LINK_RUNNING,
    LINK_LINGERING, /* sends its last bytes, and waits for the other end to close */
    LINK_CLOSING    /* its handles are on their way out */
};

struct link {
    struct link *next;
    struct tcp *owner;
    enum link_state state;
    uint32_t id;
    int handles; /* not closed yet: the connection and the timer */
    struct addr remote;
    uv_tcp_t conn;
    uv_timer_t timer; /* of the dial, the first frame, the lingering */
    uv_connect_t connect;
    uv_shutdown_t shutdown;
    struct frame_reader reader;
    uint8_t buffer[FRAME_LINK_BUFFER];
};

struct send {
    uv_write_t request;
    uint32_t link;
    struct tcp *owner;
    uint8_t data[]; /* the head and the frame */
};

struct tcp {
    uv_loop_t *loop;
    struct tcp_params params;
    struct event_sink sink;
    struct link *links; /* newest first */
    uint32_t next_id;   /* odd */
    uv_tcp_t *listener; /* NULL: none; freed when it is closed */
    struct addr listen; /* its address */
};

struct tcp_params tcp_params_default(void)
{
    return (struct tcp_params){ .links_max = 64,
                                .silent_max = 16,
                                .dial_ns = 5 * NS_PER_S,
                                .silent_ns = 5 * NS_PER_S,
                                .linger_ns = 1 * NS_PER_S,
                                .send_queue_max = 4 * 1024 * 1024 };
}

struct tcp *tcp_create(uv_loop_t *loop, const struct tcp_params *params,
                       const struct event_sink *sink)
{
    struct tcp *t = xalloc(sizeof(*t));

    t->loop = loop;
    t->params = *params;
    t->sink = *sink;
    t->next_id = 1;
    return t;
}

static int translate(int status)
{
    switch (status) {
    case UV_EADDRINUSE:
        return ERR_PORT;
    case UV_EACCES:
        return ERR_DENIED;
    case UV_EADDRNOTAVAIL:
    case UV_EAFNOSUPPORT:
    case UV_EHOSTUNREACH:
    case UV_ENETUNREACH:
    case UV_ECONNREFUSED:
        return ERR_UNREACHABLE;
    case UV_ETIMEDOUT:
        return ERR_TIMEOUT;
    default:
        return ERR_CLOSED;
    }
}

/* ---- a link's life ---- */

static void free_when_closed(uv_handle_t *handle)
{
    struct link *l = handle->data;
    struct link **at;

    if (--l->handles > 0)
        return;
    for (at = &l->owner->links; *at != l; at = &(*at)->next)
        ;
    *at = l->next;
    free(l);
}

static void close_now(struct link *l)
{
    if (l->state == LINK_CLOSING)
        return;
    l->state = LINK_CLOSING;
    uv_close((uv_handle_t *)&l->conn, free_when_closed);
    uv_close((uv_handle_t *)&l->timer, free_when_closed);
}

/* Close and say so. */
static void fail(struct link *l, int err)
{
    struct event e = { .kind = EVENT_LINK_CLOSED };
    struct tcp *t = l->owner;

    e.u.closed.link = l->id;
    e.u.closed.err = err;
    if (l->state == LINK_CLOSING)
        return;
    if (l->state == LINK_LINGERING) { /* the node has forgotten it already */
        close_now(l);
        return;
    }
    close_now(l);
    event_sink_post(&t->sink, &e);
}

static void on_timer(uv_timer_t *timer)
{
    struct link *l = timer->data;

    fail(l, ERR_TIMEOUT);
}

static void arm(struct link *l, int64_t after_ns)
{
    uv_update_time(l->owner->loop);
    uv_timer_start(&l->timer, on_timer, (uint64_t)(after_ns / NS_PER_MS), 0);
}

/* A link that is in the list and whose handles are the loop's; NULL when there are too
 * many. */
static struct link *link_new(struct tcp *t, uint32_t id, enum link_state state)
{
    struct link *l;

    if (tcp_count(t) >= t->params.links_max)
        return NULL;
    l = xalloc(sizeof(*l));
    l->owner = t;
    l->id = id;
    l->state = state;
    l->handles = 2;
    l->conn.data = l;
    l->timer.data = l;
    frame_reader_init(&l->reader, FRAME_LINK, l->buffer, sizeof(l->buffer));
    uv_tcp_init(t->loop, &l->conn);
    uv_timer_init(t->loop, &l->timer);
    l->next = t->links;
    t->links = l;
    return l;
}

static struct link *find(struct tcp *t, uint32_t id)
{
    for (struct link *l = t->links; l != NULL; l = l->next) {
        if (l->id == id && l->state < LINK_LINGERING)
            return l;
    }
    return NULL;
}

/* ---- receiving ---- */

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct link *l = handle->data;
    uint8_t *room;
    size_t len = frame_reader_room(&l->reader, &room);

    (void)suggested;
    *buf = uv_buf_init((char *)room, (unsigned)len);
}

static void take_frames(struct link *l)
{
    struct bytes frame;
    int got = 0;

    while (l->state < LINK_LINGERING &&
           (got = frame_reader_next(&l->reader, &frame)) == 1) {
        struct event e = { .kind = EVENT_LINK_RECEIVED };

        if (l->state == LINK_SILENT) {
            l->state = LINK_RUNNING;
            uv_timer_stop(&l->timer);
        }
        e.u.received.link = l->id;
        e.u.received.frame = frame;
        event_sink_post(&l->owner->sink, &e); /* may close l */
    }
    if (got < 0)
        fail(l, ERR_CLOSED);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct link *l = stream->data;

    (void)buf;
    if (n < 0) {
        fail(l, n == UV_EOF ? ERR_CLOSED : translate((int)n));
        return;
    }
    if (l->state == LINK_LINGERING) { /* nobody listens any more: make room */
        frame_reader_init(&l->reader, FRAME_LINK, l->buffer, sizeof(l->buffer));
        return;
    }
    frame_reader_commit(&l->reader, (size_t)n);
    take_frames(l);
}

/* The connection stands: tell the node, and read. */
static void begin(struct link *l, bool is_dialled)
{
    struct event e = { .kind = EVENT_LINK_OPENED };

    uv_tcp_nodelay(&l->conn, 1);
    uv_tcp_keepalive(&l->conn, 1, KEEPALIVE_S);
    e.u.opened.link = l->id;
    e.u.opened.is_dialled = is_dialled;
    e.u.opened.remote = l->remote;
    event_sink_post(&l->owner->sink, &e); /* may close l */
    if (l->state < LINK_LINGERING &&
        uv_read_start((uv_stream_t *)&l->conn, on_room, on_read) != 0)
        fail(l, ERR_CLOSED);
}

/* ---- incoming ---- */

/* Who says nothing must not keep others out: of too many, the oldest goes. */
static void bound_silent(struct tcp *t)
{
    struct link *oldest = NULL;
    int count = 0;

    for (struct link *l = t->links; l != NULL; l = l->next) {
        if (l->state != LINK_SILENT)
            continue;
        oldest = l;
        count++;
    }
    if (oldest != NULL && count >= t->params.silent_max)
        fail(oldest, ERR_LIMIT);
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

/* Take the connection off the listener's hands, only to close it. */
static void accept_and_close(struct tcp *t)
{
    uv_tcp_t *conn = xalloc(sizeof(*conn));

    uv_tcp_init(t->loop, conn);
    (void)uv_accept((uv_stream_t *)t->listener, (uv_stream_t *)conn);
    uv_close((uv_handle_t *)conn, free_handle);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct tcp *t = listener->data;
    struct sockaddr_storage ss;
    int len = sizeof(ss);
    struct link *l;

    if (status != 0)
        return;
    bound_silent(t);
    l = link_new(t, t->next_id, LINK_SILENT);
    if (l == NULL) {
        accept_and_close(t);
        return;
    }
    t->next_id += 2;
    if (uv_accept(listener, (uv_stream_t *)&l->conn) != 0 ||
        uv_tcp_getpeername(&l->conn, (struct sockaddr *)&ss, &len) != 0 ||
        !sockaddr_to_addr((struct sockaddr *)&ss, &l->remote)) {
        close_now(l);
        return;
    }
    arm(l, t->params.silent_ns);
    begin(l, false);
}

/* Let dials leave from the same port.  Said only now, so that another program that
 * listens there, or another node, is found out by bind. */
static void share_port(const uv_tcp_t *listener)
{
    static const int one = 1;
    uv_os_fd_t fd;

    if (uv_fileno((const uv_handle_t *)listener, &fd) == 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
}

static int listen_at(struct tcp *t, struct addr *addr)
{
    struct sockaddr_storage ss;
    struct addr bound;
    int len = (int)sizeof(ss);
    int status;

    if (sockaddr_of(addr, addr->len == 16 ? AF_INET6 : AF_INET, &ss) == 0)
        return UV_EADDRNOTAVAIL;
    status = uv_tcp_bind(t->listener, (struct sockaddr *)&ss, 0);
    /* libuv keeps the news of a taken address for listen(). */
    if (status == 0)
        status = uv_listen((uv_stream_t *)t->listener, BACKLOG, on_connection);
    if (status == 0)
        status = uv_tcp_getsockname(t->listener, (struct sockaddr *)&ss, &len);
    if (status != 0)
        return status;
    if (!sockaddr_to_addr((struct sockaddr *)&ss, &bound))
        return UV_EADDRNOTAVAIL;
    addr->port = bound.port;
    t->listen = *addr;
    share_port(t->listener);
    return 0;
}

int tcp_listen(struct tcp *t, struct addr *addr)
{
    int status;

    assert(t->listener == NULL);
    t->listener = xalloc(sizeof(*t->listener));
    t->listener->data = t;
    uv_tcp_init(t->loop, t->listener);
    status = listen_at(t, addr);
    if (status == 0)
        return 0;
    tcp_unlisten(t);
    return translate(status) == ERR_CLOSED ? ERR_INTERNAL : translate(status);
}

void tcp_unlisten(struct tcp *t)
{
    if (t->listener != NULL)
        uv_close((uv_handle_t *)t->listener, free_handle);
    t->listener = NULL;
}

/* ---- dialling, sending, closing ---- */

static void on_connected(uv_connect_t *request, int status)
{
    struct link *l = request->handle->data;

    if (l->state != LINK_DIALLING)
        return; /* closed meanwhile */
    if (status != 0) {
        fail(l, translate(status) == ERR_CLOSED ? ERR_UNREACHABLE : translate(status));
        return;
    }
    uv_timer_stop(&l->timer);
    l->state = LINK_RUNNING;
    begin(l, true);
}

/* Give a connection that is not open yet the port that we listen at. */
static int bind_to_listen(const struct tcp *t, struct link *l, int family)
{
    static const int one = 1;
    struct addr own = { .port = t->listen.port, .len = family == AF_INET6 ? 16 : 4 };
    struct sockaddr_storage ss;
    socklen_t len;
    int fd;

    if (t->listen.len == own.len)
        memcpy(own.ip, t->listen.ip, sizeof(own.ip));
    len = (socklen_t)sockaddr_of(&own, family, &ss);
    fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (len == 0 || fd < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) != 0 ||
        bind(fd, (struct sockaddr *)&ss, len) != 0 || uv_tcp_open(&l->conn, fd) != 0) {
        if (fd >= 0)
            close(fd);
        return ERR_UNREACHABLE;
    }
    return 0;
}

void tcp_open(struct tcp *t, uint32_t link, const struct addr *addr, bool from_listen)
{
    struct event e = { .kind = EVENT_LINK_CLOSED };
    struct sockaddr_storage ss;
    struct link *l = link_new(t, link, LINK_DIALLING);
    int family = addr->len == 16 ? AF_INET6 : AF_INET;

    if (l == NULL) {
        e.u.closed.link = link;
        e.u.closed.err = ERR_LIMIT;
        event_sink_post(&t->sink, &e);
        return;
    }
    l->remote = *addr;
    if (sockaddr_of(addr, family, &ss) == 0 ||
        (from_listen && t->listener != NULL && bind_to_listen(t, l, family) != 0) ||
        uv_tcp_connect(&l->connect, &l->conn, (struct sockaddr *)&ss, on_connected) !=
            0) {
        fail(l, ERR_UNREACHABLE);
        return;
    }
    arm(l, t->params.dial_ns);
}

static void on_sent(uv_write_t *request, int status)
{
    struct send *s = (struct send *)request;
    struct link *l = status < 0 && status != UV_ECANCELED ? find(s->owner, s->link)
                                                          : NULL;

    if (l != NULL)
        fail(l, translate(status));
    free(s);
}

void tcp_send(struct tcp *t, uint32_t link, struct bytes frame)
{
    struct link *l = find(t, link);
    struct send *s;
    uint8_t head[FRAME_HEAD_MAX];
    size_t head_len;
    size_t waiting;
    uv_buf_t buf;

    if (l == NULL || l->state == LINK_DIALLING || frame.len == 0)
        return;
    assert(frame.len <= FRAME_LINK_MAX);
    head_len = frame_head(FRAME_LINK, frame.len, head);
    waiting = uv_stream_get_write_queue_size((uv_stream_t *)&l->conn);
    if (waiting + head_len + frame.len > t->params.send_queue_max) {
        fail(l, ERR_LIMIT);
        return;
    }
    s = xalloc(sizeof(*s) + head_len + frame.len);
    s->owner = t;
    s->link = link;
    memcpy(s->data, head, head_len);
    memcpy(s->data + head_len, frame.data, frame.len);
    buf = uv_buf_init((char *)s->data, (unsigned)(head_len + frame.len));
    if (uv_write(&s->request, (uv_stream_t *)&l->conn, &buf, 1, on_sent) != 0) {
        free(s);
        fail(l, ERR_CLOSED);
    }
}

/* Our last byte is out.  The other end closes when it has read it: to close first, with
 * bytes of theirs unread, would be a reset that may overtake what we said. */
static void on_shutdown(uv_shutdown_t *request, int status)
{
    struct link *l = request->handle->data;

    if (status < 0)
        close_now(l);
}

static void linger(struct link *l)
{
    bool is_connected = l->state != LINK_DIALLING;

    if (l->state >= LINK_LINGERING)
        return;
    l->state = LINK_LINGERING;
    if (!is_connected ||
        uv_shutdown(&l->shutdown, (uv_stream_t *)&l->conn, on_shutdown) != 0) {
        close_now(l);
        return;
    }
    (void)uv_read_start((uv_stream_t *)&l->conn, on_room, on_read);
    arm(l, l->owner->params.linger_ns);
}

void tcp_close(struct tcp *t, uint32_t link)
{
    struct link *l = find(t, link);

    if (l != NULL)
        linger(l);
}

void tcp_finish(struct tcp *t)
{
    tcp_unlisten(t);
    for (struct link *l = t->links; l != NULL; l = l->next)
        linger(l);
}

int tcp_count(const struct tcp *t)
{
    int count = 0;

    for (const struct link *l = t->links; l != NULL; l = l->next)
        count++;
    return count;
}

void tcp_stop(struct tcp *t)
{
    tcp_unlisten(t);
    for (struct link *l = t->links; l != NULL; l = l->next)
        close_now(l);
}

void tcp_destroy(struct tcp *t)
{
    if (t == NULL)
        return;
    assert(t->links == NULL && t->listener == NULL);
    free(t);
}
