/* TCP as the nodes see it: dials, refusals, ordered frames, and the end of a link behind
 * all that was sent before.  Each end keeps its own row and knows of the other only what
 * packets told it, so the ends of a link may be in different parts of the world.
 * SPDX-License-Identifier: MIT */
#include <assert.h>
#include <string.h>

#include "base/time.h"
#include "sim/part.h"

#define SYN_LEN      60
#define ROWS_LEAST   8
#define ROWS_MAX     192
#define FROM_LISTEN  1   /* err of a dial that comes out of the listening port */
#define ACCEPTED_MAX 128 /* a machine with so many links takes no more */

/* ---- rows ---- */

static size_t table_size(int room)
{
    return sizeof(struct link_table) + (size_t)room * sizeof(struct link_row);
}

static struct link_row *row_add(struct world_part *p, struct world_node *n)
{
    struct link_table *t = n->links;

    if (t == NULL) {
        t = heap_take(&p->heap, 1, table_size(ROWS_LEAST));
        t->room = ROWS_LEAST;
        t->next = 1;
    } else if (t->count == t->room) {
        t = heap_take(&p->heap, 1, table_size(2 * n->links->room));
        memcpy(t, n->links, table_size(n->links->room));
        t->room = (uint8_t)(2 * n->links->room);
        heap_give(&p->heap, n->links, 1, table_size(n->links->room));
    }
    n->links = t;
    return &t->rows[t->count++];
}

static struct link_row *row_find(const struct world_node *n, uint32_t id)
{
    struct link_table *t = n->links;

    if (t != NULL && t->last < t->count && t->rows[t->last].id == id)
        return &t->rows[t->last];
    for (int i = 0; t != NULL && i < t->count; i++) {
        if (t->rows[i].id == id)
            return &t->rows[i];
    }
    return NULL;
}

/* The same, where it was a moment ago. */
static struct link_row *row_near(const struct world_node *n, uint32_t id, uint8_t row)
{
    if (n->links != NULL)
        n->links->last = row;
    return row_find(n, id);
}

static void row_remove(struct world_part *p, struct world_node *n, struct link_row *row)
{
    struct link_table *t = n->links;
    struct link_table *smaller;
    int room = t->room / 2;

    *row = t->rows[--t->count];
    if (room < ROWS_LEAST || t->count > room / 2)
        return;
    smaller = heap_take(&p->heap, 1, table_size(room));
    memcpy(smaller, t, table_size(t->count));
    smaller->room = (uint8_t)room;
    heap_give(&p->heap, t, 1, table_size(t->room));
    n->links = smaller;
}

/* ---- packets ---- */

/* Something for the other end, behind all that is on its way there. */
static struct packet *send(struct world_part *p, enum packet_kind kind, int node,
                           struct link_row *row, size_t len)
{
    struct net_trip trip = { node, (int)row->other, part_number(p, node),
                             len > 0 ? len : SYN_LEN, row->way_ns };
    struct packet *packet;

    row->out_ns = net_frame_ns(&p->w->net, &trip, p->now_ns, row->out_ns);
    packet = part_post(p, kind, &trip, row->out_ns, len);
    packet->link = row->other_id;
    packet->life = row->other_life;
    packet->from_link = row->id;
    packet->row = row->other_row;
    packet->from_row = (uint8_t)(row - p->w->nodes[node].links->rows);
    return packet;
}

/* To who knows no link yet, or one that is none here. */
static struct packet *answer(struct world_part *p, enum packet_kind kind, int node,
                             const struct packet *to, int64_t at_least_ns)
{
    struct net_trip trip = { node, (int)to->from, part_number(p, node), SYN_LEN, 0 };
    int64_t at_ns = net_frame_ns(&p->w->net, &trip, p->now_ns, p->now_ns);
    struct packet *packet;

    if (at_ns < at_least_ns)
        at_ns = at_least_ns;
    packet = part_post(p, kind, &trip, at_ns, 0);
    packet->link = to->from_link;
    packet->life = to->from_life;
    return packet;
}

static void send_close(struct world_part *p, int node, struct link_row *row)
{
    send(p, PACKET_CLOSE, node, row, 0)->err = ERR_CLOSED;
}

static void give_up(struct world_part *p, int node, uint32_t id)
{
    struct packet *packet = part_post_self(p, PACKET_CLOSE, node, NET_DIAL_LIMIT_NS, 0);

    packet->link = id;
    packet->err = ERR_TIMEOUT;
}

/* ---- what a node wants ---- */

void links_open(struct world_part *p, int node, const struct effect *e)
{
    struct world_node *n = &p->w->nodes[node];
    const struct net *net = &p->w->net;
    int host = net_host_of(net, &e->u.open.addr);
    struct net_trip trip = { node, host, part_number(p, node), SYN_LEN, 0 };
    struct link_row *row = row_add(p, n);
    bool is_through = host >= 0 && net_is_reachable(net, node, host);
    bool may_cross = host >= 0 && e->u.open.from_listen && net_may_punch(net, node, host);
    struct packet *packet;
    int64_t at_ns;

    assert(n->links->count <= ROWS_MAX);
    p->counts.dials++;
    *row = (struct link_row){ .id = e->u.open.link, .state = END_DIALLING };
    if (e->u.open.from_listen)
        row->state = END_PUNCHING;
    if (!is_through)
        give_up(p, node, row->id); /* unless it comes about before */
    if (!is_through && !may_cross)
        return;
    row->other = (uint32_t)host;
    trip.way_ns = row->way_ns = net_way_ns(net, node, host);
    at_ns = net_frame_ns(&p->w->net, &trip, p->now_ns, p->now_ns);
    if (at_ns - p->now_ns > NET_DIAL_LIMIT_NS) {
        if (is_through)
            give_up(p, node, row->id);
        return;
    }
    row->out_ns = at_ns;
    packet = part_post(p, PACKET_CONNECT, &trip, at_ns, 0);
    packet->from_link = e->u.open.link;
    packet->err = e->u.open.from_listen ? FROM_LISTEN : 0;
}

void links_fetch(const struct world_node *n)
{
    for (int i = 0; n->links != NULL && i < n->links->count; i++)
        __builtin_prefetch(&n->links->rows[i]);
}

void links_close(struct world_part *p, int node, uint32_t id)
{
    struct world_node *n = &p->w->nodes[node];
    struct link_row *row = row_find(n, id);

    if (row == NULL)
        return;
    if (row->state == END_OPEN)
        send_close(p, node, row);
    row_remove(p, n, row);
}

void links_send(struct world_part *p, int node, uint32_t id, struct bytes frame)
{
    struct link_row *row = row_find(&p->w->nodes[node], id);

    if (row == NULL)
        return;
    p->counts.frames++;
    p->counts.frame_bytes += (int64_t)frame.len;
    if (row->state != END_OPEN)
        return;
    memcpy(send(p, PACKET_FRAME, node, row, frame.len)->data, frame.data, frame.len);
}

void links_forget(struct world_part *p, int node, bool is_dark)
{
    struct world_node *n = &p->w->nodes[node];

    if (n->links == NULL)
        return;
    for (int i = 0; i < n->links->count && !is_dark; i++) {
        if (n->links->rows[i].state >= END_PENDING)
            send_close(p, node, &n->links->rows[i]);
    }
    heap_give(&p->heap, n->links, 1, table_size(n->links->room));
    n->links = NULL;
}

void links_mute(struct world_part *p, int node)
{
    struct world_node *n = &p->w->nodes[node];

    for (int i = n->links == NULL ? 0 : n->links->count; i-- > 0;) {
        if (n->links->rows[i].state == END_OPEN)
            row_remove(p, n, &n->links->rows[i]);
    }
}

void links_adopted(struct world_part *p, int node, const struct link_end *end)
{
    struct world_node *n = &p->w->nodes[node];
    struct link_row *row = row_add(p, n);

    *row = (struct link_row){ .id = end->id,
                              .other = end->other,
                              .other_id = end->other_id,
                              .other_life = 1,
                              .way_ns = net_way_ns(&p->w->net, node, (int)end->other),
                              .state = END_OPEN };
    if (n->links->next <= end->id && end->id % 2 == 1)
        n->links->next = end->id + 2;
}

/* ---- what comes ---- */

/* The node learns of an open link, and then speaks first or second. */
static void opened(struct world_part *p, int node, const struct link_row *row,
                   bool is_dialled, bool is_from_listen)
{
    bool is_seen = is_from_listen &&
                   net_nat_of(&p->w->net, (int)row->other) != NET_NAT_SYMMETRIC;
    struct event e = { .kind = EVENT_LINK_OPENED };

    e.u.opened.link = row->id;
    e.u.opened.is_dialled = is_dialled;
    e.u.opened.remote = net_addr_of(&p->w->net.p, (int)row->other);
    if (!is_dialled && !is_seen)
        e.u.opened.remote.port = (uint16_t)(32768 + row->other_id % 28000);
    part_step(p, node, &e, bytes_of(NULL, 0));
}

/* Both dialled, and this SYN finds the other end's own: that is a connection. */
static bool cross(struct world_part *p, int node, const struct packet *packet)
{
    struct link_table *t = p->w->nodes[node].links;

    for (int i = 0; t != NULL && i < t->count; i++) {
        struct link_row *row = &t->rows[i];

        if (row->state != END_PUNCHING || row->other != packet->from || row->way_ns == 0)
            continue;
        row->state = END_OPEN;
        row->other_id = packet->from_link;
        row->other_life = packet->from_life;
        (void)send(p, PACKET_ACCEPT, node, row, 0);
        opened(p, node, row, true, true);
        return true;
    }
    return false;
}

/* The machine that was dialled answers, refuses, or is not there. */
static void connect_in(struct world_part *p, int node, const struct packet *packet)
{
    struct world_node *n = &p->w->nodes[node];
    struct link_row *row;

    if (n->is_dark) {
        answer(p, PACKET_CLOSE, node, packet, p->now_ns + NET_DIAL_LIMIT_NS)->err =
            ERR_TIMEOUT;
        p->counts.dials_failed++;
        return;
    }
    if (n->node == NULL || (n->links != NULL && n->links->count >= ACCEPTED_MAX)) {
        answer(p, PACKET_CLOSE, node, packet, 0)->err = ERR_UNREACHABLE;
        p->counts.dials_failed++;
        return;
    }
    if (packet->err == FROM_LISTEN && cross(p, node, packet))
        return;
    if (!net_is_reachable(&p->w->net, (int)packet->from, node))
        return; /* a NAT stands before it, and expects nobody */
    row = row_add(p, n);
    *row = (struct link_row){ .id = n->links->next,
                              .other = packet->from,
                              .other_id = packet->from_link,
                              .other_life = packet->from_life,
                              .way_ns = net_way_ns(&p->w->net, node, (int)packet->from),
                              .state = END_PENDING };
    n->links->next += 2;
    (void)send(p, PACKET_ACCEPT, node, row, 0);
}
static void accepted(struct world_part *p, int node, const struct packet *packet)
{
    struct link_row *row = row_find(&p->w->nodes[node], packet->link);
    bool is_from_listen = row != NULL && row->state == END_PUNCHING;

    if (row != NULL && row->state == END_OPEN && row->other_id == packet->from_link)
        return;                                     /* the SYNs have crossed */
    if (row == NULL || row->state > END_PUNCHING) { /* given up since */
        answer(p, PACKET_CLOSE, node, packet, 0)->err = ERR_CLOSED;
        return;
    }
    row->state = END_OPEN;
    row->other_id = packet->from_link;
    row->other_life = packet->from_life;
    send(p, PACKET_ACK, node, row, 0)->err = is_from_listen ? FROM_LISTEN : 0;
    opened(p, node, row, true, is_from_listen);
}

static void closed(struct world_part *p, int node, struct link_row *row, int err)
{
    struct event e = { .kind = EVENT_LINK_CLOSED };
    bool was_known = row->state != END_PENDING;

    e.u.closed.link = row->id;
    e.u.closed.err = err;
    row_remove(p, &p->w->nodes[node], row);
    if (was_known)
        part_step(p, node, &e, bytes_of(NULL, 0));
}

void links_reset(struct world_part *p, int node)
{
    struct world_node *n = &p->w->nodes[node];
    uint32_t ids[ROWS_MAX];
    int count = n->links == NULL ? 0 : n->links->count;

    for (int i = 0; i < count; i++)
        ids[i] = n->links->rows[i].id;
    for (int i = 0; i < count; i++) {
        struct link_row *row = row_find(n, ids[i]); /* the node may have closed it */

        if (row == NULL || row->state != END_OPEN)
            continue;
        send_close(p, node, row);
        closed(p, node, row, ERR_CLOSED);
    }
}

static void received(struct world_part *p, int node, const struct packet *packet)
{
    struct event e = { .kind = EVENT_LINK_RECEIVED };

    p->counts.received++;
    e.u.received.link = packet->link;
    e.u.received.frame = bytes_of(packet->data, packet->len);
    part_step(p, node, &e, e.u.received.frame);
}

void links_deliver(struct world_part *p, int node, const struct packet *packet)
{
    struct world_node *n = &p->w->nodes[node];
    struct link_row *row;

    if (packet->kind == PACKET_CONNECT) {
        connect_in(p, node, packet);
        return;
    }
    if (n->is_dark || n->node == NULL)
        return;
    if (packet->life != n->life) {
        /* A machine that was started anew knows nothing of this link, and says so. */
        if (packet->kind == PACKET_FRAME)
            answer(p, PACKET_CLOSE, node, packet, 0)->err = ERR_CLOSED;
        return;
    }
    if (packet->kind == PACKET_ACCEPT) {
        accepted(p, node, packet);
        return;
    }
    row = row_near(n, packet->link, packet->row);
    if (row == NULL)
        return;
    row->other_row = packet->from_row;
    if (packet->kind == PACKET_CLOSE && (int)packet->from == node &&
        row->state > END_PUNCHING)
        return; /* the dial was not in vain after all */
    p->counts.dials_failed += packet->kind == PACKET_CLOSE && (int)packet->from == node;
    if (packet->kind == PACKET_CLOSE) {
        closed(p, node, row, packet->err);
    } else if (packet->kind == PACKET_ACK && row->state == END_PENDING) {
        row->state = END_OPEN;
        opened(p, node, row, false, packet->err == FROM_LISTEN);
    } else if (packet->kind == PACKET_FRAME && row->state == END_OPEN) {
        received(p, node, packet);
    }
}
