/* One step of one node: the event goes in, and what the node wants is carried out.
 * SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/time.h"
#include "sim/memory.h"
#include "sim/part.h"
#include "sim/random.h"
#include "sim/timeserver.h"

#define STEPS_PER_MS    2000
#define FRAMES_FEW      3
#define AUDIO_PERIOD_NS NS_PER_S

/* ---- datagrams ---- */

static void post_datagram(struct world_part *p, const struct effect *e,
                          const struct net_trip *t, int64_t at_ns)
{
    struct world *w = p->w;
    struct net_trip trip = { .from = t->from,
                             .to = t->to,
                             .number = part_number(p, t->from) };
    struct bytes data = e->u.datagram.data;
    struct packet *packet;
    int64_t late_ns = 0;

    if (w->p.net.stack_ns > 0)
        late_ns = random_exponential(
            random_word(w->p.seed, RANDOM_STACK, (uint64_t)t->from, trip.number),
            w->p.net.stack_ns);
    packet = part_post(p, PACKET_DATAGRAM, &trip, at_ns + late_ns, data.len);
    packet->late_ns = (uint32_t)late_ns;
    memcpy(packet->data, data.data, data.len);
}

static void ask_time(struct world_part *p, int node, const struct effect *e)
{
    struct timeserver_reply r;
    struct packet *packet;

    if (!timeserver_ask(p, node, e, &r))
        return;
    packet = part_post_self(p, PACKET_TIME, node, r.at_ns - p->now_ns, sizeof(r.packet));
    packet->late_ns = (uint32_t)e->u.datagram.to.ip[3] - 1;
    memcpy(packet->data, r.packet, sizeof(r.packet));
}

static void send_datagram(struct world_part *p, int node, const struct effect *e)
{
    struct world *w = p->w;
    int64_t at_ns[NET_COPIES_MAX];
    struct net_trip trip = { .from = node, .len = e->u.datagram.data.len };
    int copies;

    p->counts.datagrams++;
    if (e->u.datagram.socket == DATAGRAM_NTP) {
        ask_time(p, node, e);
        return;
    }
    trip.to = net_host_of(&w->net, &e->u.datagram.to);
    if (trip.to < 0)
        return;
    trip.number = part_number(p, node);
    copies = net_datagram_ns(&w->net, &trip, p->now_ns, at_ns);
    p->counts.datagrams_lost += copies == 0;
    for (int i = 0; i < copies; i++)
        post_datagram(p, e, &trip, at_ns[i]);
}

/* ---- the player ---- */

static struct world_player *player_of(struct world_node *n)
{
    struct world_more *more = part_more(n);

    if (more->player == NULL)
        more->player = memory_new(1, sizeof(*more->player));
    return more->player;
}

static void set_timeline(struct world_part *p, int node, const struct effect *e)
{
    struct world_node *n = &p->w->nodes[node];
    struct world_player *player;

    if (e->u.timeline.count == 0 && (n->more == NULL || n->more->player == NULL))
        return;
    assert(e->u.timeline.count <= TIMELINE_SEGMENTS_MAX);
    player = player_of(n);
    player->version++;
    player->count = e->u.timeline.count;
    memcpy(player->segments, e->u.timeline.segments,
           (size_t)player->count * sizeof(player->segments[0]));
    if (player->count > 0 && !n->is_audio_due) {
        n->is_audio_due = true;
        (void)part_post_self(p, PACKET_AUDIO, node, AUDIO_PERIOD_NS, 0);
    }
}

static void set_line(struct world_part *p, int node, const struct effect *e)
{
    struct world_player *player = player_of(&p->w->nodes[node]);

    player->has_line = e->u.clock.is_valid;
    player->line = e->u.clock;
}

/* ---- the run hash ---- */

static void hash_effect(struct run_hash *h, const struct effect *e)
{
    run_hash_word(h, 0x100 + (uint64_t)e->kind);
    switch (e->kind) {
    case EFFECT_LINK_OPEN:
        run_hash_word(h, e->u.open.link);
        run_hash_bytes(h, bytes_of(e->u.open.addr.ip, sizeof(e->u.open.addr.ip)));
        break;
    case EFFECT_LINK_CLOSE:
        run_hash_word(h, e->u.close.link);
        break;
    case EFFECT_LINK_SEND:
        run_hash_word(h, e->u.send.link);
        run_hash_bytes(h, e->u.send.frame);
        break;
    case EFFECT_DATAGRAM_SEND:
        run_hash_bytes(h, e->u.datagram.data);
        break;
    case EFFECT_SONG_IMPORT:
        run_hash_bytes(h, e->u.import.path);
        break;
    case EFFECT_SONG_OPEN:
    case EFFECT_SONG_DROP:
        run_hash_bytes(h, bytes_of(e->u.song.song.b, SONG_ID_LEN));
        break;
    case EFFECT_LEAVES_STORE:
        run_hash_bytes(h, e->u.leaves.hashes);
        break;
    case EFFECT_BLOCK_LOAD:
    case EFFECT_BLOCK_STORE:
        run_hash_word(h, e->u.block.index);
        run_hash_bytes(h, e->u.block.data);
        break;
    case EFFECT_REMEMBER:
    case EFFECT_PROMISE:
        run_hash_bytes(h, e->u.remember.key);
        run_hash_bytes(h, e->u.remember.value);
        break;
    case EFFECT_TIMELINE:
        run_hash_word(h, e->u.timeline.version);
        for (int i = 0; i < e->u.timeline.count; i++) {
            run_hash_word(h, (uint64_t)e->u.timeline.segments[i].at.ns);
            run_hash_word(h, (uint64_t)e->u.timeline.segments[i].frame);
        }
        break;
    case EFFECT_CLOCK:
        run_hash_word(h, (uint64_t)e->u.clock.local_ns);
        run_hash_word(h, (uint64_t)e->u.clock.remote_ns);
        run_hash_word(h, (uint64_t)e->u.clock.rate_ppt);
        break;
    case EFFECT_REPLY:
        run_hash_word(h, (uint64_t)(int64_t)e->u.reply.err);
        run_hash_bytes(h, e->u.reply.body);
        break;
    case EFFECT_STATE:
        run_hash_bytes(h, e->u.state.body);
        break;
    case EFFECT_WAKE:
        run_hash_word(h, (uint64_t)e->u.wake.at_ns);
        break;
    }
}

static void hash_event(struct world_part *p, struct run_hash *h, const struct event *e,
                       struct bytes data)
{
    run_hash_word(h, (uint64_t)p->now_ns << 4 | (uint64_t)e->kind);
    if (p->w->p.hash == WORLD_HASH_TIMES)
        return;
    run_hash_word(h, (uint64_t)e->now_ns);
    run_hash_bytes(h, data);
}

/* ---- effects ---- */

static void reply(struct world_part *p, int node, const struct effect *e)
{
    const struct world_hooks *hooks = &p->w->hooks;

    if (hooks->replied != NULL)
        hooks->replied(hooks->context, node, e->u.reply.id, e->u.reply.err,
                       e->u.reply.body);
}

static void set_wake(struct world_part *p, int node, int64_t at_ns)
{
    struct world_node *n = &p->w->nodes[node];

    if (n->wake_ns == at_ns)
        return;
    n->wake_ns = at_ns;
    part_arm(p, node);
}

static void carry_out(struct world_part *p, int node, const struct effect *e)
{
    switch (e->kind) {
    case EFFECT_LINK_OPEN:
        links_open(p, node, e);
        break;
    case EFFECT_LINK_CLOSE:
        links_close(p, node, e->u.close.link);
        break;
    case EFFECT_LINK_SEND:
        links_send(p, node, e->u.send.link, e->u.send.frame);
        break;
    case EFFECT_DATAGRAM_SEND:
        send_datagram(p, node, e);
        break;
    case EFFECT_SONG_IMPORT:
    case EFFECT_SONG_OPEN:
    case EFFECT_SONG_DROP:
    case EFFECT_LEAVES_STORE:
    case EFFECT_BLOCK_LOAD:
    case EFFECT_BLOCK_STORE:
        disk_effect(p, node, e);
        break;
    case EFFECT_REMEMBER:
        disk_remember(p, node, &e->u.remember);
        break;
    case EFFECT_PROMISE:
        disk_promise(p, node, &e->u.remember);
        break;
    case EFFECT_TIMELINE:
        set_timeline(p, node, e);
        break;
    case EFFECT_CLOCK:
        set_line(p, node, e);
        break;
    case EFFECT_REPLY:
        reply(p, node, e);
        break;
    case EFFECT_STATE:
        break; /* nobody watches */
    case EFFECT_WAKE:
        set_wake(p, node, e->u.wake.at_ns);
        break;
    }
}

/* ---- the step ---- */

static const char *const event_names[] = {
    "start",   "wake", "opened", "closed", "frame", "datagram", "sent",
    "command", "song", "block",  "audio",  "utc",   "slept",    "promised",
};

static_assert(COUNT(event_names) == EVENT_PROMISED + 1, "each event has a name");

const char *world_event_name(enum event_kind kind)
{
    return event_names[kind];
}

struct world_cause world_cause(const struct world *w, int node)
{
    const struct world_part *p = part_of(w, node);
    const struct packet *packet;

    if (p->cause == CAUSE_NONE)
        return (struct world_cause){ WORLD_TICKED, node, 0 };
    if (p->cause == 0)
        return (struct world_cause){ WORLD_WOKEN, node, 0 };
    packet = packets_at(&p->packets, p->cause);
    return (struct world_cause){ WORLD_SENT, (int)packet->from, packet->number };
}

static void trace(const struct world_part *p, int node, const struct event *e, size_t len)
{
    const struct effects *out = p->out;
    long long s = (long long)(p->now_ns / NS_PER_S);

    if (p->w->p.is_traced)
        printf("%lld.%09lld node %d %s len=%zu effects=%d\n", s,
               (long long)(p->now_ns % NS_PER_S), node, world_event_name(e->kind), len,
               out->count);
    for (int i = 0; p->w->p.is_logged && i < out->log.count; i++)
        printf("%lld.%06lld node %d %s\n", s, (long long)(p->now_ns % NS_PER_S / 1000),
               node, out->log.lines[i].text);
}

/* A node that wakes itself without end would stop virtual time. */
static void count_step(struct world_part *p, int node)
{
    struct step_count *s = &p->steps[node % STEPS_WATCHED];
    int64_t ms = p->now_ns / NS_PER_MS;

    if (s->node != node || s->ms != ms)
        *s = (struct step_count){ .node = node, .ms = ms };
    if (++s->steps > STEPS_PER_MS && p->w->hooks.failed != NULL)
        p->w->hooks.failed(p->w->hooks.context, node,
                           "it takes too many steps in a millisecond");
}

void part_step(struct world_part *p, int node, struct event *e, struct bytes data)
{
    struct world *w = p->w;
    struct world_node *n = &w->nodes[node];
    struct effects *out = p->out;

    e->now_ns = part_raw_ns(p, node, p->now_ns);
    p->counts.events++;
    count_step(p, node);
    hash_event(p, &n->hash, e, data);
    node_step(n->node, e, out);
    if (w->p.is_traced || w->p.is_logged)
        trace(p, node, e, data.len);
    out->log.count = 0;
    if (out->count > FRAMES_FEW)
        links_fetch(n);
    for (int i = 0; i < out->count; i++) {
        if (w->p.hash == WORLD_HASH_ALL)
            hash_effect(&n->hash, &out->list[i]);
        carry_out(p, node, &out->list[i]);
    }
    if (w->hooks.stepped != NULL)
        w->hooks.stepped(w->hooks.context, node, e);
}
