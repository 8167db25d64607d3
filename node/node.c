/* SPDX-License-Identifier: MIT */
#include "node/node.h"

#include <assert.h>

#include "node/commands.h"
#include "node/floods.h"
#include "node/internal.h"
#include "node/meet.h"
#include "node/relay.h"
#include "node/report.h"
#include "node/trees.h"
#include "wire/cbor.h"

#define FLUSHES_MAX     8 /* rounds until the modules want nothing more */
#define PEER_KEY_PREFIX "peer/"

void node_judge(struct node *n)
{
    static const int64_t uptimes_s[] = { 600, 3600, 6 * 3600 };
    static const int64_t bounds_ns[] = { 20 * NS_PER_MS, 5 * NS_PER_MS, NS_PER_MS };
    struct utc_estimate utc;
    bool is_hidden = n->overlay.reach.hidden != NULL;
    struct priority p = { .reach = n->reachable.len > 0 && !is_hidden };

    utc_estimate(&n->utc, n->now_ns, &utc);
    for (int i = 0; i < 3; i++) {
        if ((n->now_ns - n->start_ns) / NS_PER_S >= uptimes_s[i])
            p.uptime++;
        if (utc.is_synchronised && utc.bound_ns < bounds_ns[i])
            p.clock++;
    }
    n->priority = p;
    company_set_self(n);
    if (n->company != NULL)
        n->judge_ns = n->now_ns + n->params->map_period_ns;
}

static void recall(struct node *n, const struct memory_item *item)
{
    size_t prefix = strlen(PEER_KEY_PREFIX);
    struct peer_rec rec = { .via.len = 0 };
    struct cbor_reader r;
    struct bytes ip;

    if (item->key.len != prefix + NODE_ID_LEN ||
        memcmp(item->key.data, PEER_KEY_PREFIX, prefix) != 0)
        return;
    memcpy(rec.id.b, item->key.data + prefix, NODE_ID_LEN);
    cbor_reader_init(&r, item->value);
    if (cbor_read_array(&r, 2) != 2)
        return;
    ip = cbor_read_bytes(&r, sizeof(rec.addr.ip));
    rec.addr = (struct addr){ .port = (uint16_t)cbor_read_uint(&r, UINT16_MAX),
                              .len = (uint8_t)ip.len };
    if (!cbor_is_done(&r) || (ip.len != 4 && ip.len != 16))
        return;
    memcpy(rec.addr.ip, ip.data, ip.len);
    overlay_add_known(&n->overlay, &rec);
}

static void remember(struct node *n, const struct peer_rec *rec, bool is_forget)
{
    uint8_t key[sizeof(PEER_KEY_PREFIX) - 1 + NODE_ID_LEN] = PEER_KEY_PREFIX;
    uint8_t value[32];
    struct cbor_writer w;
    struct effect *e = effects_add(n->out, EFFECT_REMEMBER);

    if (e == NULL)
        return;
    memcpy(key + sizeof(PEER_KEY_PREFIX) - 1, rec->id.b, NODE_ID_LEN);
    cbor_writer_init(&w, value, sizeof(value));
    cbor_write_array(&w, 2);
    cbor_write_bytes(&w, rec->addr.ip, rec->addr.len);
    cbor_write_uint(&w, rec->addr.port);
    e->u.remember.key = effects_copy(n->out, bytes_of(key, sizeof(key)));
    e->u.remember.value = is_forget ? bytes_of(NULL, 0)
                                    : effects_copy(n->out, cbor_written(&w));
}

static void start(struct node *n, const struct event *e)
{
    n->start_ns = n->now_ns;
    for (int i = 0; i < e->u.start.count; i++) {
        recall(n, &e->u.start.items[i]);
        company_recall(n, &e->u.start.items[i]);
        probes_recall(n, &e->u.start.items[i]);
    }
    utc_set_polling(&n->utc, true, n->now_ns);
}

/* What a message may have done to whom: one about a flood that goes to all neighbours is
 * nothing to the others. */
static void stir_for(struct node *n, enum msg_type type)
{
    if (type == MSG_PING || type == MSG_PONG)
        return;
    if (type == MSG_FLOOD || type == MSG_SEEN || type == MSG_DIGEST || type == MSG_PULL)
        n->stirred |= STIRRED_FLOODS;
    else
        node_stir(n);
}

/* What is for, or from, a peer of a peer. */
static void between(struct node *n, int peer, const struct msg *m)
{
    if (m->type == MSG_MEET)
        meet_receive(n, peer, &m->u.meet);
    else
        relay_receive(n, peer, &m->u.relay);
}

static void of_party(struct node *n, int peer, const struct msg *m)
{
    if (m->type >= MSG_LEAVES_GET)
        company_share(n, peer, m);
    else
        company_receive(n, peer, m);
}

void node_message(struct node *n, int peer, const struct msg *m)
{
    struct outbox *box = &n->out->outbox;

    stir_for(n, m->type);
    switch ((int)m->type) {
    case MSG_HELLO:
        break; /* said already */
    case MSG_PING:
    case MSG_PONG:
        liveness_receive(&n->liveness, peer, m, n->now_ns, box);
        break;
    case MSG_JOIN:
    case MSG_FORWARD_JOIN:
    case MSG_NEIGHBOR:
    case MSG_NEIGHBOR_ACK:
    case MSG_DISCONNECT:
    case MSG_SHUFFLE:
    case MSG_SHUFFLE_REPLY:
    case MSG_ISLAND:
    case MSG_PROBE:
    case MSG_PROBE_ACK:
    case MSG_REACH:
        overlay_receive(&n->overlay, peer, m, n->now_ns, box);
        break;
    case MSG_MEET:
    case MSG_RELAY:
        between(n, peer, m);
        break;
    case MSG_FLOOD:
    case MSG_GOSSIP:
        floods_receive(n, peer, m->type == MSG_FLOOD ? &m->u.flood : &m->u.gossip,
                       m->type == MSG_GOSSIP);
        break;
    case MSG_REPLY:
    case MSG_SUMMARY:
    case MSG_DIGEST:
    case MSG_SEEN:
    case MSG_PULL:
    case MSG_IHAVE:
    case MSG_GRAFT:
    case MSG_PRUNE:
        floods_receive_other(n, peer, m);
        break;
    default:
        of_party(n, peer, m);
        break;
    }
}

static bool is_more_than_a_card(const struct event_audio *a)
{
    return a->is_playing || a->phase_ns != 0 || a->rate_ppb != 0 || a->underruns != 0 ||
           a->resyncs != 0 || a->message.len > 0 || a->volume != 100 ||
           a->latency_ns != 0 || a->is_realtime;
}

static void audio(struct node *n, const struct event_audio *a)
{
    struct bytes message = node_clean_text(a->message);
    bool was_playing = n->audio != NULL && n->audio->a.is_playing;

    n->has_card = a->is_open;
    if (n->audio == NULL && is_more_than_a_card(a))
        n->audio = heap_take(&n->heap, 1, sizeof(*n->audio));
    if (n->audio != NULL) {
        if (message.len == 0 && a->message.len > 0)
            message = bytes_of("unknown", 7);
        text_copy(n->audio->message, sizeof(n->audio->message),
                  (const char *)message.data, message.len);
        n->audio->a = *a;
        n->audio->a.message = bytes_of(NULL, 0);
    }
    if (n->company != NULL)
        company_set_audio(n);
    n->is_state_stale |= a->is_playing || was_playing;
}

static void wake_company(struct node *n)
{
    struct company *c = n->company;

    swarm_wake(&c->swarm, n->now_ns, &n->out->outbox);
    links_flush(n);
    party_wake(&c->party, n->now_ns, &n->out->outbox);
}

static void wake(struct node *n)
{
    struct outbox *box = &n->out->outbox;

    /* The outbox is emptied in between: each of them may have a word for every peer. */
    links_wake(n);
    meet_wake(n);
    relay_wake(n);
    flood_tidy(&n->floods, n->now_ns);
    liveness_wake(&n->liveness, n->now_ns, box);
    if (n->floods_wake_ns <= n->now_ns || (n->stirred & STIRRED_FLOODS) != 0) {
        n->stirred |= STIRRED_FLOODS;
        trees_wake(n);
        flood_wake(&n->floods, n->now_ns, box);
    }
    /* Asked anew: liveness and floods may just have raised doubts for it. */
    if (overlay_wake_ns(&n->overlay) <= n->now_ns ||
        (n->stirred & STIRRED_OVERLAY) != 0) {
        n->stirred |= STIRRED_OVERLAY;
        n->overlay.log = &n->out->log;
        overlay_wake(&n->overlay, n->now_ns, box);
    }
    links_flush(n);
    if (n->now_ns >= n->judge_ns) {
        n->judge_ns = TIME_NEVER;
        if (n->company != NULL)
            node_judge(n);
        node_notes_forget(n);
        if (n->notes != NULL)
            n->judge_ns = time_min(n->judge_ns, n->now_ns + n->params->map_period_ns);
    }
    if (n->invites.count > 0)
        invites_expire(&n->invites, n->now_ns);
    if (n->company != NULL)
        wake_company(n);
}

static bool take_party_dial(struct node *n, struct party_dial *dial)
{
    return n->company != NULL && party_take_dial(&n->company->party, dial);
}

static bool take_hangup(struct node *n, int *peer)
{
    return n->company != NULL && party_take_hangup(&n->company->party, peer);
}

static void overlay_dial(struct node *n, const struct addr *addr,
                         const struct node_id *expected)
{
    const struct peer_rec *rec = overlay_dial_rec(&n->overlay, addr, expected);
    struct peer_rec hidden;

    if (rec == NULL || rec->via.len == 0) {
        links_dial(n, addr, expected);
        return;
    }
    hidden = *rec; /* it goes with the dial */
    meet_dial(n, &hidden);
}

static bool flush_overlay(struct node *n)
{
    struct node_id expected;
    struct peer_rec rec;
    struct addr addr;
    bool is_forget;
    bool any = false;
    int peer;

    for (; overlay_take_dial(&n->overlay, &addr, &expected); any = true)
        overlay_dial(n, &addr, &expected);
    for (; overlay_take_drop(&n->overlay, &peer); any = true) {
        if (!links_carry(n, peer))
            links_drop(n, peer);
    }
    peer = overlay_take_look(&n->overlay);
    if (peer >= 0)
        (void)links_look(n, &slot_at(n, peer)->remote, true);
    while (effects_has_room(n->out, 0) &&
           overlay_take_remember(&n->overlay, &rec, &is_forget))
        remember(n, &rec, is_forget);
    return any;
}

/* Dials, drops and records that the modules want.  True when there were any. */
static bool flush_wishes(struct node *n)
{
    bool any = (n->stirred & STIRRED_OVERLAY) != 0 && flush_overlay(n);
    struct party_dial dial;
    int peer;

    for (; take_party_dial(n, &dial); any = true) {
        if (links_find(n, &dial.id) < 0)
            links_dial(n, &dial.addr, &dial.id);
    }
    for (; take_hangup(n, &peer); any = true) {
        if (!overlay_needs(&n->overlay, peer) && !meet_needs(n, peer) &&
            !relay_needs(n, peer))
            links_drop(n, peer);
    }
    for (; liveness_take_dead(&n->liveness, &peer); any = true)
        links_drop(n, peer);
    for (; flood_take_dead(&n->floods, &peer); any = true)
        links_drop(n, peer);
    for (; flood_take_abuser(&n->floods, &peer); any = true)
        floods_cut_off(n, peer);
    return any;
}

/* The player hears of every change of what is to be heard; of a party only once its time
 * is known, and without one of the silence. */
static void publish_timeline(struct node *n)
{
    const struct company *c = n->company;
    struct party_time from = { 0 };
    struct effect *e;

    if (c == NULL || party_timeline_version(&c->party) == n->timeline_version ||
        (c->party.phase != PARTY_IDLE && c->party.phase != PARTY_ENDED &&
         !c->line.is_valid))
        return;
    if (c->line.is_valid)
        from = party_clock_from_local(&c->line, n->now_ns);
    e = effects_add(n->out, EFFECT_TIMELINE);
    if (e == NULL)
        return;
    n->timeline_version = party_timeline_version(&c->party);
    e->u.timeline.segments = n->out->segments;
    e->u.timeline.count = party_timeline_segments(&c->party, from, n->out->segments,
                                                  TIMELINE_SEGMENTS_MAX);
    e->u.timeline.version = n->timeline_version;
    n->is_state_stale = true;
}

static void publish_state(struct node *n)
{
    struct effect *e;
    uint64_t digest;

    if (n->params->state_period_ns == TIME_NEVER)
        return; /* nobody watches */
    digest = report_digest(n);
    n->is_state_stale |= digest != n->digest;
    n->digest = digest;
    if (!n->is_state_stale || n->now_ns - n->state_ns < n->params->state_period_ns)
        return;
    e = effects_add(n->out, EFFECT_STATE);
    if (e == NULL)
        return;
    e->u.state.body = report_state(n);
    n->is_state_stale = false;
    n->state_ns = n->now_ns;
}

static int64_t wake_ns(const struct node *n)
{
    int64_t at = time_min(n->links_wake_ns, probes_wake_ns(n));

    at = time_min(at, time_min(meet_wake_ns(n), relay_wake_ns(n)));
    at = time_min(at, n->overlay_wake_ns);
    at = time_min(at, n->floods_wake_ns);
    at = time_min(at, liveness_wake_ns(&n->liveness));
    if (n->company != NULL)
        at = time_min(at, time_min(swarm_wake_ns(&n->company->swarm),
                                   party_wake_ns(&n->company->party)));
    at = time_min(at, n->judge_ns);
    at = time_min(at, invites_wake_ns(&n->invites));
    if (n->is_state_stale && n->params->state_period_ns != TIME_NEVER)
        at = time_min(at, n->state_ns + n->params->state_period_ns);
    return at;
}

/* Ask those that were stirred when they want to be woken. */
static void settle(struct node *n)
{
    if ((n->stirred & STIRRED_OVERLAY) != 0)
        n->overlay_wake_ns = overlay_wake_ns(&n->overlay);
    if ((n->stirred & STIRRED_FLOODS) != 0)
        n->floods_wake_ns = time_min(flood_wake_ns(&n->floods), trees_wake_ns(n));
    n->stirred = 0;
}

static void flush(struct node *n)
{
    struct effect *e;
    bool again = true;
    bool is_closing;

    for (int round = 0; again && round < FLUSHES_MAX; round++) {
        probes_wake(n);
        floods_flush(n);
        songs_flush(n);
        company_promise(n);
        if (n->leaving != NULL)
            commands_left(n);
        again = flush_wishes(n);
        /* The swarm says less than it could when the outbox is half full. */
        again = again || (n->company != NULL && n->out->outbox.count > 0);
        links_flush(n);
        is_closing = links_close_choked(n);
        again = again || is_closing;
    }
    publish_timeline(n);
    publish_state(n);
    settle(n);
    n->due_ns = again ? n->now_ns : wake_ns(n);
    e = effects_add(n->out, EFFECT_WAKE);
    if (e != NULL)
        e->u.wake.at_ns = n->due_ns;
    else
        n->due_ns = TIME_NEVER;
}

static void dispatch(struct node *n, const struct event *e)
{
    switch (e->kind) {
    case EVENT_START:
        start(n, e);
        break;
    case EVENT_WAKE:
        wake(n);
        break;
    case EVENT_LINK_OPENED:
        links_opened(n, e->u.opened.link, e->u.opened.is_dialled, &e->u.opened.remote);
        break;
    case EVENT_LINK_CLOSED:
        links_closed(n, e->u.closed.link, e->u.closed.err);
        break;
    case EVENT_LINK_RECEIVED:
        links_received(n, e->u.received.link, e->u.received.frame);
        break;
    case EVENT_DATAGRAM:
        probes_datagram(n, e->u.datagram.socket, &e->u.datagram.from, e->u.datagram.data,
                        e->u.datagram.rx_ns);
        break;
    case EVENT_SENT:
        probes_sent(n, e->u.sent.token, e->u.sent.tx_ns);
        break;
    case EVENT_COMMAND:
        commands_run(n, e->u.command.id, e->u.command.request);
        n->is_state_stale = true;
        break;
    case EVENT_SONG:
        songs_event(n, &e->u.song);
        break;
    case EVENT_BLOCK:
        songs_block(n, &e->u.block);
        break;
    case EVENT_AUDIO:
        audio(n, &e->u.audio);
        break;
    case EVENT_SYSTEM_CLOCK:
        probes_system_clock(n, e->u.system_clock.utc_ns, e->u.system_clock.bound_ns,
                            e->u.system_clock.is_synchronised);
        break;
    case EVENT_SLEPT:
        n->clock_id = node_secret_word(n);
        probes_slept(n);
        for (int k = 0; k < n->slot_set.count; k++)
            liveness_ask(&n->liveness, n->slots[k]->number, n->now_ns, &n->out->outbox);
        break;
    case EVENT_PROMISED:
        company_promised(n, e->u.promised.item.value, e->u.promised.err);
        break;
    }
}

void node_stir(struct node *n)
{
    n->stirred = STIRRED_ALL;
    n->overlay.log = &n->out->log;
}

/* A stopped process, a starved one, a machine that slept: what others said meanwhile may
 * lie unread, so that time is nobody's silence. */
static void look_for_stall(struct node *n)
{
    int64_t late_ns = n->now_ns - n->due_ns;

    if (late_ns <= n->params->stall_ns)
        return;
    liveness_held_up(&n->liveness, late_ns, n->now_ns);
    if (n->company != NULL)
        party_held_up(&n->company->party, late_ns, n->now_ns);
}

void node_step(struct node *n, const struct event *e, struct effects *out)
{
    assert(e->now_ns >= n->now_ns); /* drivers never turn time back */
    n->now_ns = e->now_ns;
    n->out = out;
    look_for_stall(n);
    if (e->kind != EVENT_LINK_RECEIVED && e->kind != EVENT_WAKE && e->kind != EVENT_SENT)
        node_stir(n);
    if (n->company != NULL) {
        n->company->party.out_log = &out->log;
        n->company->swarm.log = &out->log;
    }
    out->count = 0;
    out->used = 0;
    outbox_clear(&out->outbox);
    dispatch(n, e);
    flush(n);
    company_retire(n);
    n->out = NULL;
}

const struct party *node_party(const struct node *n)
{
    static const struct party nobody = { .log = { .entries_max = 1, .first = 1 } };

    return n->company == NULL ? &nobody : &n->company->party;
}

const struct overlay *node_overlay(const struct node *n)
{
    return &n->overlay;
}

const struct floods *node_floods(const struct node *n)
{
    return &n->floods;
}

const struct tree *node_tree(const struct node *n)
{
    static const struct tree none;

    return n->tree == NULL ? &none : n->tree;
}

const struct swarm *node_swarm(const struct node *n)
{
    return n->company == NULL ? NULL : &n->company->swarm;
}

const struct invites *node_invites(const struct node *n)
{
    return &n->invites;
}

const struct node_id *node_self(const struct node *n)
{
    return &n->self.id;
}

const struct utc *node_utc(const struct node *n)
{
    return &n->utc;
}

const struct clock_line *node_party_line(const struct node *n)
{
    static const struct clock_line unknown;

    return n->company == NULL ? &unknown : &n->company->line;
}
