/* SPDX-License-Identifier: MIT */
#include "sim/part.h"

#include <assert.h>
#include <string.h>

#include "base/time.h"
#include "sim/exchange.h"
#include "sim/memory.h"

#define AUDIO_PERIOD_NS NS_PER_S

struct world_part *part_of(const struct world *w, int node)
{
    return &w->parts[node / w->part_share];
}

struct world_more *part_more(struct world_node *n)
{
    if (n->more == NULL)
        n->more = memory_new(1, sizeof(*n->more));
    return n->more;
}

int64_t part_raw_ns(struct world_part *p, int node, int64_t true_ns)
{
    const struct world_more *more = p->w->nodes[node].more;

    return more == NULL || more->clock == NULL ? true_ns
                                               : clock_model_raw(more->clock, true_ns);
}

/* ---- what is on its way ---- */

uint32_t part_number(struct world_part *p, int node)
{
    return p->w->nodes[node].number++;
}

static uint64_t place(int node, uint32_t packet)
{
    return (uint64_t)node << 32 | packet;
}

/* Room in the mail to another part. */
static struct packet *write_mail(struct mail *m, int to, int64_t at_ns, size_t len)
{
    size_t size = (sizeof(struct packet) + len + 7) & ~(size_t)7;
    struct mail_head *head;

    if (m->len + sizeof(*head) + size > m->room) {
        m->room = 2 * m->room + sizeof(*head) + size;
        m->data = memory_grow(m->data, m->room, 1);
    }
    head = (struct mail_head *)(void *)(m->data + m->len);
    *head = (struct mail_head){ at_ns, (uint32_t)to, (uint32_t)size };
    m->len += sizeof(*head) + size;
    return (struct packet *)(void *)(head + 1);
}

static void fill(struct packet *packet, enum packet_kind kind,
                 const struct net_trip *trip)
{
    *packet = (struct packet){
        .from = (uint32_t)trip->from,
        .number = trip->number,
        .len = packet->len,
        .kind = (uint8_t)kind,
    };
}

struct packet *part_post(struct world_part *p, enum packet_kind kind,
                         const struct net_trip *trip, int64_t at_ns, size_t len)
{
    struct world *w = p->w;
    int to = trip->to;
    struct packet *packet;
    uint32_t index;

    assert(at_ns >= p->now_ns);
    if (to < p->first || to >= p->end) {
        packet = write_mail(&p->mail[part_of(w, to)->index], to, at_ns, len);
        packet->len = (uint32_t)len;
        fill(packet, kind, trip);
    } else {
        index = packets_take(&p->packets, len);
        packet = packets_at(&p->packets, index);
        fill(packet, kind, trip);
        wheel_push(&p->wheel, at_ns, place(to, index));
    }
    packet->from_life = w->nodes[trip->from].life;
    return packet;
}

struct packet *part_post_self(struct world_part *p, enum packet_kind kind, int node,
                              int64_t delay_ns, size_t len)
{
    struct net_trip trip = { .from = node, .to = node, .number = part_number(p, node) };
    struct packet *packet = part_post(p, kind, &trip, p->now_ns + delay_ns, len);

    packet->life = p->w->nodes[node].life;
    return packet;
}

void part_take_mail(struct world_part *p, const uint8_t *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        struct mail_head head;
        const struct packet *packet;
        uint32_t index;

        memcpy(&head, data + at, sizeof(head));
        packet = (const struct packet *)(const void *)(data + at + sizeof(head));
        index = packets_take(&p->packets, packet->len);
        memcpy(packets_at(&p->packets, index), packet, sizeof(*packet) + packet->len);
        wheel_push(&p->wheel, head.at_ns, place((int)head.to, index));
        at += sizeof(head) + head.size;
    }
}

/* ---- the one wake of a node ---- */

void part_arm(struct world_part *p, int node)
{
    struct world_node *n = &p->w->nodes[node];
    int64_t at_ns = n->wake_ns;

    if (at_ns == TIME_NEVER)
        return;
    if (n->more != NULL && n->more->clock != NULL)
        at_ns = clock_model_true(n->more->clock, at_ns);
    if (at_ns < p->now_ns)
        at_ns = p->now_ns;
    /* One that comes too early asks again; most deadlines are put off, never met. */
    if (n->armed_ns <= at_ns)
        return;
    n->armed_ns = at_ns;
    wheel_push(&p->wheel, at_ns, place(node, 0));
}

static void wake(struct world_part *p, int node)
{
    struct world_node *n = &p->w->nodes[node];
    struct event e = { .kind = EVENT_WAKE };

    if (n->armed_ns != p->now_ns)
        return; /* a later deadline, or an earlier life */
    n->armed_ns = TIME_NEVER;
    if (n->node == NULL || n->wake_ns == TIME_NEVER)
        return;
    if (n->is_paused) {
        n->more->has_missed_wake = true;
        return;
    }
    if (part_raw_ns(p, node, p->now_ns) < n->wake_ns) {
        part_arm(p, node);
        return;
    }
    n->wake_ns = TIME_NEVER;
    part_step(p, node, &e, bytes_of(NULL, 0));
}

/* ---- what comes to a node ---- */

void part_tell_clock(struct world_part *p, int node)
{
    static const struct clock_model truth = { .p = { .is_synchronised = true } };
    const struct world_more *more = p->w->nodes[node].more;
    const struct clock_model *clock = more == NULL || more->clock == NULL ? &truth
                                                                          : more->clock;
    struct event e = { .kind = EVENT_SYSTEM_CLOCK };

    e.u.system_clock.utc_ns = clock_model_utc(clock, p->now_ns);
    if (more != NULL)
        e.u.system_clock.utc_ns += more->utc_step_ns;
    e.u.system_clock.bound_ns = clock->p.utc_bound_ns;
    e.u.system_clock.is_synchronised = clock->p.is_synchronised;
    part_step(p, node, &e, bytes_of(NULL, 0));
}

/* … and again after a while. */
static void tell_clock(struct world_part *p, int node)
{
    if (p->w->p.clock_period_ns > 0)
        (void)part_post_self(p, PACKET_CLOCK, node, p->w->p.clock_period_ns, 0);
    part_tell_clock(p, node);
}

static void tell_audio(struct world_part *p, int node)
{
    struct world_node *n = &p->w->nodes[node];
    struct event e = { .kind = EVENT_AUDIO };

    n->is_audio_due = n->more != NULL && n->more->player != NULL &&
                      n->more->player->count > 0;
    if (n->is_audio_due)
        (void)part_post_self(p, PACKET_AUDIO, node, AUDIO_PERIOD_NS, 0);
    e.u.audio.is_open = !n->has_no_sound;
    e.u.audio.volume = 100;
    part_step(p, node, &e, bytes_of(NULL, 0));
}

static void datagram(struct world_part *p, int node, const struct packet *packet)
{
    struct event e = { .kind = EVENT_DATAGRAM };

    e.u.datagram.data = bytes_of(packet->data, packet->len);
    if (packet->kind == PACKET_TIME) {
        e.u.datagram.socket = DATAGRAM_NTP;
        e.u.datagram.from = world_ntp_addr((int)packet->late_ns);
        e.u.datagram.rx_ns = part_raw_ns(p, node, p->now_ns);
    } else {
        e.u.datagram.socket = DATAGRAM_PEER;
        e.u.datagram.from = net_addr_of(&p->w->net.p, (int)packet->from);
        e.u.datagram.rx_ns = part_raw_ns(p, node, p->now_ns - packet->late_ns);
    }
    part_step(p, node, &e, e.u.datagram.data);
}

static void own_event(struct world_part *p, int node, struct packet *packet)
{
    struct event *e = (struct event *)(void *)packet->data;

    part_step(p, node, e, bytes_of(packet->data + sizeof(*e), packet->len - sizeof(*e)));
}

/* A packet of the network may be for a life that the sender has not heard the end of;
 * what the machine itself has for the node is only for this one. */
static void deliver_packet(struct world_part *p, int node, struct packet *packet)
{
    const struct world_node *n = &p->w->nodes[node];
    enum packet_kind kind = packet->kind;

    if (kind <= PACKET_CLOSE) {
        links_deliver(p, node, packet);
        return;
    }
    if (kind == PACKET_START) {
        if (n->node == NULL)
            world_start(p->w, node);
        return;
    }
    if (n->node == NULL || (kind != PACKET_DATAGRAM && packet->life != n->life))
        return;
    if (kind == PACKET_CLOCK)
        tell_clock(p, node);
    else if (kind == PACKET_AUDIO)
        tell_audio(p, node);
    else if (kind == PACKET_EVENT)
        own_event(p, node, packet);
    else
        datagram(p, node, packet);
}

static void hold(struct world_more *more, uint32_t packet)
{
    if (more->held_count == more->held_room) {
        more->held_room = more->held_room == 0 ? 64 : 2 * more->held_room;
        more->held = memory_grow(more->held, (size_t)more->held_room,
                                 sizeof(*more->held));
    }
    more->held[more->held_count++] = packet;
}

void part_deliver(struct world_part *p, int node, uint32_t index)
{
    struct world_node *n = &p->w->nodes[node];

    p->cause = index;
    if (index == 0) {
        wake(p, node);
        return;
    }
    /* The system of a stopped process goes on to accept connections. */
    if (n->is_paused && packets_at(&p->packets, index)->kind != PACKET_CONNECT) {
        hold(n->more, index);
        return;
    }
    deliver_packet(p, node, packets_at(&p->packets, index));
    packets_give(&p->packets, index);
}

/* ---- time goes on ---- */

void part_run(struct world_part *p, int64_t until_ns)
{
    struct world *w = p->w;
    bool is_alone = w->part_count == 1;
    struct wheel_item item;

    while (!w->is_stopped && wheel_next_ns(&p->wheel) <= time_min(until_ns, w->tick_ns)) {
        ahead_fetch(&p->ahead, &p->wheel, &p->packets, w->nodes);
        (void)wheel_pop(&p->wheel, &item);
        assert(item.at_ns >= p->now_ns);
        p->now_ns = item.at_ns;
        if (is_alone)
            w->now_ns = item.at_ns;
        part_deliver(p, (int)(item.value >> 32), (uint32_t)item.value);
    }
}

/* The counts of all parts of this process. */
static void add_counts(struct world *w)
{
    struct world_counts sum = { 0 };

    for (int i = 0; i < w->part_count; i++) {
        const struct world_counts *c = &w->parts[i].counts;

        sum.events += c->events;
        sum.frames += c->frames;
        sum.frame_bytes += c->frame_bytes;
        sum.received += c->received;
        sum.datagrams += c->datagrams;
        sum.datagrams_lost += c->datagrams_lost;
        sum.blocks_stored += c->blocks_stored;
        sum.bytes_stored += c->bytes_stored;
        sum.dials += c->dials;
        sum.dials_failed += c->dials_failed;
    }
    w->counts = sum;
}

/* All parts stand still, and have done all that was due. */
static void run_tick(struct world *w)
{
    struct wheel_item item;
    struct world_tick *tick;
    uint64_t token;

    (void)wheel_pop(&w->ticks, &item);
    tick = &w->tick_list[item.value];
    token = tick->token;
    *tick = (struct world_tick){ .token = w->tick_free };
    w->tick_free = (uint32_t)item.value + 1;
    w->now_ns = item.at_ns;
    for (int i = 0; i < w->part_count; i++) {
        w->parts[i].now_ns = item.at_ns;
        w->parts[i].cause = CAUSE_NONE;
    }
    add_counts(w);
    w->tick_ns = wheel_next_ns(&w->ticks);
    if (w->hooks.ticked != NULL)
        w->hooks.ticked(w->hooks.context, token);
}

void part_advance(struct world_part *p, int64_t until_ns)
{
    struct world *w = p->w;
    struct exchange *x = w->exchange;
    int64_t least_ns = net_least_ns(&w->p.net);
    bool leads = x == NULL || x->part >= 0 || p->index == 0;

    for (;;) {
        int64_t next_ns = x == NULL ? wheel_next_ns(&p->wheel) : x->meet(x, p);
        int64_t end_ns = until_ns;

        if (w->is_stopped || time_min(next_ns, w->tick_ns) > until_ns)
            break;
        if (w->tick_ns < next_ns) {
            if (x != NULL)
                x->wait(x);
            if (leads)
                run_tick(w);
            continue;
        }
        if (x != NULL)
            end_ns = time_min(until_ns, next_ns + least_ns - 1);
        part_run(p, end_ns);
    }
    if (!w->is_stopped)
        p->now_ns = until_ns;
    if (leads) {
        add_counts(w);
        if (!w->is_stopped)
            w->now_ns = until_ns;
    }
}
