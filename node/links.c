/* SPDX-License-Identifier: MIT */
#include "node/links.h"

#include <assert.h>

#include "node/floods.h"
#include "node/internal.h"
#include "node/meet.h"
#include "node/outside.h"
#include "node/relay.h"

#define FLOOD_FRAME_MAX (MSG_INNER_MAX + 128)
#define LOOKS           4 /* at what nobody needs, in the time that it is kept */

int links_find(const struct node *n, const struct node_id *id)
{
    for (int k = 0; k < n->slot_set.count; k++) {
        const struct slot *s = n->slots[k];

        if (s->state == SLOT_UP && node_id_equal(&slot_rec(n, s)->id, id))
            return s->number;
    }
    return -1;
}

/* A link that we dialled to this address, there or on its way.  Where a peer says that it
 * listens does not count: it could keep us from dialling somebody else. */
static struct slot *slot_dialled(struct node *n, const struct addr *addr)
{
    for (int k = 0; k < n->slot_set.count; k++) {
        struct slot *s = n->slots[k];

        if (s->is_dialled && addr_equal(&s->remote, addr))
            return s;
    }
    return NULL;
}

bool links_carry(const struct node *n, int peer)
{
    return company_needs_link(n, peer) || meet_needs(n, peer) || relay_needs(n, peer);
}

/* What deserves a slot less than a new link does: of the handshakes of others that have
 * had their time the oldest, or a peer that nobody needs.  So nobody keeps others out by
 * connections that come to nothing, while honest ones, who need a few round trips, are
 * left to finish. */
static bool is_expendable(const struct node *n, const struct slot *s)
{
    int64_t patience_ns = n->params->handshake_ns / 8;

    if (s->state == SLOT_DIALLING) /* nobody may be there: others come first */
        return n->now_ns - s->at_ns >= overlay_dial_patience_ns(&n->overlay);
    if (s->state == SLOT_SHAKING || s->state == SLOT_GREETING)
        return !s->is_dialled &&
               n->now_ns - (s->at_ns - n->params->handshake_ns) >= patience_ns;
    return s->state == SLOT_UP && !overlay_needs(&n->overlay, s->number) &&
           !links_carry(n, s->number);
}

/* Whose slot a new link may have when all are taken, or NULL. */
static struct slot *expendable(const struct node *n)
{
    struct slot *oldest = NULL;

    for (int k = 0; k < n->slot_set.count; k++) {
        struct slot *s = n->slots[k];

        if (s->state != SLOT_UP && is_expendable(n, s) &&
            (oldest == NULL || s->at_ns < oldest->at_ns))
            oldest = s;
    }
    for (int k = 0; oldest == NULL && k < n->slot_set.count; k++) {
        if (is_expendable(n, n->slots[k]))
            oldest = n->slots[k];
    }
    return oldest;
}

/* True when there is a slot for a new link, or could be made. */
static bool slot_make_room(struct node *n)
{
    struct slot *gone = slots_are_full(n) ? expendable(n) : NULL;

    if (gone != NULL)
        links_drop(n, gone->number);
    return !slots_are_full(n);
}

struct slot *links_adopt(struct node *n, uint32_t link, const struct addr *remote)
{
    return slots_add(n, &(struct slot){ .state = SLOT_GREETING,
                                        .link = link,
                                        .remote = *remote,
                                        .at_ns = TIME_NEVER });
}

/* The links want to be looked at then. */
static void due(struct node *n, int64_t at_ns)
{
    n->links_wake_ns = time_min(n->links_wake_ns, at_ns);
}

/* The link that is being opened; 0: it could not be. */
static uint32_t open_link(struct node *n, struct slot *as, const struct node_id *id)
{
    const struct peer_rec to = { .id = *id, .addr = as->remote };
    bool can_dial = to.addr.len > 0 && to.addr.port > 0 && effects_has_room(n->out, 0) &&
                    offenders_left_ns(&n->offenders, &to, n->now_ns) == 0;
    bool has_room = can_dial && slot_make_room(n);
    struct effect *e = has_room ? effects_add(n->out, EFFECT_LINK_OPEN) : NULL;

    if (e == NULL)
        return 0;
    as->state = SLOT_DIALLING;
    as->is_dialled = true;
    as->link = n->next_link;
    as->at_ns = n->now_ns;
    n->next_link += 2;
    (void)slots_add(n, as);
    e->u.open.link = as->link;
    e->u.open.addr = as->remote;
    e->u.open.from_listen = as->from_listen;
    return as->link;
}

/* Who cannot be dialled shows others where its port is seen, and keeps the way to it
 * open. */
static void dial(struct node *n, const struct addr *addr, const struct node_id *id)
{
    enum reach_class reach = overlay_reach(&n->overlay);
    struct slot as = { .remote = *addr,
                       .from_listen = reach == REACH_HIDDEN || reach == REACH_PUNCH };

    if (open_link(n, &as, id) != 0)
        return;
    overlay_dial_failed(&n->overlay, addr, n->now_ns);
    meet_dial_failed(n, addr);
}

bool links_look(struct node *n, const struct addr *addr, bool from_listen)
{
    static const struct node_id anybody;
    struct slot as = {
        .remote = *addr, .is_told = true, .is_look = true, .from_listen = from_listen
    };

    node_stir(n);
    return open_link(n, &as, &anybody) != 0;
}

uint32_t links_punch(struct node *n, const struct addr *addr, bool is_second)
{
    static const struct node_id anybody;
    struct slot as = { .remote = *addr,
                       .how = LINK_PUNCHED,
                       .is_second = is_second,
                       .is_told = true,
                       .from_listen = true };

    node_stir(n);
    if (n->punched == NULL)
        n->punched = heap_take(&n->heap, 1, sizeof(*n->punched));
    *n->punched = (struct punched){ n->now_ns, *addr };
    return open_link(n, &as, &anybody);
}

struct slot *links_relayed(struct node *n, const struct addr *remote, bool is_dialled)
{
    struct slot like = { .state = SLOT_SHAKING,
                         .how = LINK_RELAYED,
                         .is_dialled = is_dialled,
                         .link = n->next_link,
                         .remote = *remote,
                         .at_ns = n->now_ns + n->params->handshake_ns };

    if (!slot_make_room(n))
        return NULL;
    n->next_link += 2;
    return slots_add(n, &like);
}

void links_dial(struct node *n, const struct addr *addr, const struct node_id *id)
{
    bool is_for_one = !node_id_is_zero(id);
    int peer = is_for_one ? links_find(n, id) : -1;
    struct slot *s = peer < 0 ? slot_dialled(n, addr) : NULL;

    node_stir(n);
    if (s == NULL && peer < 0) {
        dial(n, addr, id);
        return;
    }
    if (s != NULL && s->state != SLOT_UP)
        return; /* the dial that is under way will tell */
    if (s != NULL && is_for_one)
        overlay_dial_failed(&n->overlay, addr, n->now_ns); /* another one lives there */
    else
        overlay_dial_duplicate(&n->overlay, addr, peer < 0 ? s->number : peer, n->now_ns,
                               &n->out->outbox);
}

static void log_down(struct node *n, const struct slot *s)
{
    struct text t = log_begin(&n->out->log, LOG_INFO, "link", "down");

    log_id(&t, "peer", slot_rec(n, s)->id.b);
}

static void give_wiped(struct node *n, void *memory, size_t size)
{
    if (memory != NULL)
        secure_wipe(memory, size);
    heap_give(&n->heap, memory, 1, size);
}

/* The state of the datagrams, and behind it the echo of the probes. */
static size_t datagram_size(const struct node *n)
{
    assert(n->params->suite->datagram_size % _Alignof(struct probe_echo) == 0);
    return n->params->suite->datagram_size + sizeof(struct probe_echo);
}

static void forget_keys(struct node *n, struct slot *s)
{
    const struct suite *suite = n->params->suite;

    give_wiped(n, s->session, suite->session_size);
    give_wiped(n, s->more,
               s->state == SLOT_SHAKING ? suite->handshake_size : datagram_size(n));
    s->session = NULL;
    s->more = NULL;
}

static void forget_peer(struct node *n, struct slot *s)
{
    contacts_drop(n->contacts, s->contact);
    if (s->name != NULL)
        heap_give(&n->heap, s->name, strlen(s->name) + 1, 1);
    s->name = NULL;
}

void links_wipe(struct node *n)
{
    while (n->slot_set.count > 0) {
        struct slot *s = n->slots[0];

        forget_keys(n, s);
        if (s->state == SLOT_UP)
            forget_peer(n, s);
        slots_remove(n, s);
        slots_give(n, s);
    }
}

void *links_datagram(struct node *n, struct slot *s)
{
    const struct suite *suite = n->params->suite;

    if (s->more != NULL || s->state != SLOT_UP)
        return s->more;
    s->more = heap_take(&n->heap, 1, datagram_size(n));
    if (suite->datagram_key(s->session, s->more) != 0) {
        heap_give(&n->heap, s->more, 1, datagram_size(n));
        s->more = NULL;
    }
    return s->more;
}

struct probe_echo *links_echo(const struct node *n, struct slot *s)
{
    assert(s->state == SLOT_UP && s->more != NULL);
    return (struct probe_echo *)(void *)((uint8_t *)s->more +
                                         n->params->suite->datagram_size);
}

/* Forget the slot; the modules hear of it when it was a peer. */
static void slot_clear(struct node *n, struct slot *s)
{
    struct outbox *box = &n->out->outbox;
    bool was_up = s->state == SLOT_UP;
    bool was_dial = !was_up && s->is_dialled && !s->is_told;
    struct addr remote = s->remote;
    uint32_t link = s->link;
    int peer = s->number;

    node_stir(n);
    if (was_up) { /* while its record is there */
        relay_peer_down(n, peer);
        meet_peer_down(n, peer);
    }
    forget_keys(n, s);
    if (was_up)
        log_down(n, s);
    slots_remove(n, s);
    n->choked_count -= s->is_choked;
    if (s->how == LINK_RELAYED)
        relay_forget(n, link);
    if (was_dial)
        overlay_dial_failed(&n->overlay, &remote, n->now_ns);
    if (was_up) {
        overlay_peer_down(&n->overlay, peer, n->now_ns, box);
        liveness_peer_down(&n->liveness, peer);
        floods_peer_down(n, s);
        company_peer_down(n, s);
        forget_peer(n, s);
    } else {
        meet_link_failed(n, link, &remote);
    }
    slots_give(n, s);
}

static void slot_close(struct node *n, struct slot *s)
{
    struct effect *e = NULL;

    if (s->how == LINK_RELAYED)
        relay_close(n, s->link);
    else
        e = effects_add(n->out, EFFECT_LINK_CLOSE);
    if (e != NULL)
        e->u.close.link = s->link;
    slot_clear(n, s);
}

void links_give_up(struct node *n, uint32_t link)
{
    struct slot *s = slots_of_link(n, link);

    if (s != NULL)
        slot_close(n, s);
}

void links_drop(struct node *n, int peer)
{
    if (!slot_is_taken(n, peer))
        return;
    links_flush(n); /* a last word comes before the close */
    slot_close(n, slot_at(n, peer));
}

static void choke(struct node *n, struct slot *s)
{
    if (s->is_choked)
        return;
    s->is_choked = true;
    n->choked_count++;
}

static void send_frame(struct node *n, struct slot *s, struct bytes frame)
{
    struct effect *e;

    meter_add(&s->out, (uint32_t)frame.len, n->now_ns);
    if (s->how == LINK_RELAYED) {
        if (!relay_send(n, s->link, frame))
            choke(n, s);
        return;
    }
    e = effects_add(n->out, EFFECT_LINK_SEND);
    assert(e != NULL); /* effects_has_room was asked */
    e->u.send.link = s->link;
    e->u.send.frame = frame;
}

/* Both ends count frames, and the modules count on all of them: after one that finds no
 * room there is no other, and the link goes. */
static void send_sealed(struct node *n, struct slot *s, struct bytes plain)
{
    size_t size = plain.len + LINK_OVERHEAD;
    uint8_t *room;
    size_t len;

    if (s->is_choked)
        return;
    if (!effects_has_room(n->out, size)) {
        n->out->dropped++;
        choke(n, s);
        return;
    }
    room = effects_room(n->out, size);
    if (n->params->suite->seal(s->session, plain, room, size, &len) == 0)
        send_frame(n, s, bytes_of(room, len));
    else
        choke(n, s);
}

void links_say(struct node *n, int peer, const struct msg *m)
{
    uint8_t plain[MSG_RELAY_MAX + 128];
    size_t len = msg_encode(m, plain, sizeof(plain));

    assert(len > 0);
    if (slot_is_taken(n, peer) && slot_at(n, peer)->state == SLOT_UP)
        send_sealed(n, slot_at(n, peer), bytes_of(plain, len));
}

bool links_close_choked(struct node *n)
{
    bool any = false;

    for (int i = slots_next(n, 0); i >= 0 && n->choked_count > 0;
         i = slots_next(n, i + 1)) {
        if (!slot_at(n, i)->is_choked)
            continue;
        any = true;
        slot_close(n, slot_at(n, i));
    }
    return any;
}

void links_flush(struct node *n)
{
    struct outbox *box = &n->out->outbox;

    for (int i = 0; i < box->count; i++) {
        const struct outbox_item *item = &box->items[i];

        if (slot_is_taken(n, item->peer) && slot_at(n, item->peer)->state == SLOT_UP)
            send_sealed(n, slot_at(n, item->peer),
                        bytes_of(box->data + item->start, item->len));
    }
    outbox_clear(box);
}

static void send_hello(struct node *n, struct slot *s)
{
    static const struct addr nowhere;
    uint8_t plain[256];
    struct msg m = { .type = MSG_HELLO };

    m.u.hello = (struct msg_hello){
        .version = MSG_VERSION,
        .listen = n->listen,
        .observed = s->how == LINK_RELAYED ? nowhere : s->remote,
        .clock_id = n->clock_id,
        .is_alarmed = overlay_is_alarmed(&n->overlay),
        .name = bytes_of(n->name, strlen(n->name)),
    };
    send_sealed(n, s, bytes_of(plain, msg_encode(&m, plain, sizeof(plain))));
}

/* Where neighbours have just fallen silent there is no time for questions: what is fresh
 * goes right behind our HELLO, before the peer has said its own. */
static void send_fresh(struct node *n, struct slot *s)
{
    uint8_t plain[FLOOD_FRAME_MAX];
    struct msg m;

    for (int i = 0; flood_fresh(&n->floods, i, n->now_ns, &m); i++)
        send_sealed(n, s, bytes_of(plain, msg_encode(&m, plain, sizeof(plain))));
}

void links_agreed(struct slot *s, const struct suite_peer *peer, bool is_dialled)
{
    memcpy(s->key, peer->key, sizeof(s->key));
    s->to_us = peer->receive_id;
    s->link_name = is_dialled ? peer->send_id : peer->receive_id;
}

/* One step of the handshake, with the frame that came or, to begin, none. */
static int shake(struct node *n, struct slot *s, struct bytes in)
{
    const struct suite *suite = n->params->suite;
    struct suite_peer p;
    uint8_t *out;
    size_t len = 0;
    bool is_open;
    int err;

    if (!effects_has_room(n->out, LINK_HANDSHAKE_MAX))
        return ERR_LIMIT;
    out = effects_room(n->out, LINK_HANDSHAKE_MAX);
    err = suite->handshake_next(s->more, in, out, &len, &is_open);
    if (err != 0)
        return err;
    if (len > 0)
        send_frame(n, s, bytes_of(out, len));
    if (!is_open)
        return 0;
    s->session = heap_take(&n->heap, 1, suite->session_size);
    suite->handshake_end(s->more, s->session, &p);
    links_agreed(s, &p, s->is_dialled);
    heap_give(&n->heap, s->more, 1, suite->handshake_size);
    s->more = NULL;
    s->state = SLOT_GREETING;
    if (!s->is_look)
        send_hello(n, s);
    if (!s->is_look && s->is_dialled)
        send_fresh(n, s);
    if (!s->is_dialled && s->how == LINK_DIRECT)
        overlay_reached(&n->overlay, n->now_ns, &n->out->outbox);
    return 0;
}

/* Why a link came to nothing, where a person can act upon it. */
static void complain(struct node *n, const struct slot *s, int err)
{
    char addr[ADDR_TEXT_MAX];
    struct text t = log_begin(&n->out->log, LOG_WARN, "link", "refused");

    addr_format(&s->remote, addr);
    log_text(&t, "peer", addr);
    log_text(&t, "why", err_text(err));
    if (err == ERR_KEY && s->is_dialled)
        node_note(n, "a node refused us or was refused: its channel key differs from "
                     "ours (give both the same --channel-key-file), or it has no room");
}

/* Nobody answered: a person wants to know it of an address of his own that gets us
 * nowhere. */
static void miss(struct node *n, const struct addr *to)
{
    int active[OVERLAY_ACTIVE_MAX];
    char addr[ADDR_TEXT_MAX];
    char why[sizeof(n->notes[0].text)];
    struct text t;

    if (!overlay_is_bootstrap(&n->overlay, to) || overlay_active(&n->overlay, active) > 0)
        return;
    addr_format(to, addr);
    text_init(&t, why, sizeof(why));
    text_add(&t, addr);
    text_add(&t, " does not answer; start a node there, or name another with --join");
    node_note(n, why);
}

void links_begin(struct node *n, struct slot *s)
{
    uint8_t seed[SECURE_SEED_LEN];

    s->state = SLOT_SHAKING;
    s->at_ns = n->now_ns + n->params->handshake_ns;
    due(n, s->at_ns);
    node_secret(n, seed);
    s->more = heap_take(&n->heap, 1, n->params->suite->handshake_size);
    n->params->suite->handshake_begin(s->more, s->is_dialled, &n->self, n->psk, seed);
    secure_wipe(seed, sizeof(seed));
    if (s->is_dialled && shake(n, s, bytes_of(NULL, 0)) != 0)
        slot_close(n, s);
}

void links_opened(struct node *n, uint32_t link, bool is_dialled,
                  const struct addr *remote)
{
    struct slot *s = is_dialled ? slots_of_link(n, link) : NULL;
    bool is_punched = n->punched != NULL &&
                      n->now_ns - n->punched->at_ns < n->params->handshake_ns &&
                      addr_same_ip(remote, &n->punched->there);

    if (!is_dialled && slot_make_room(n))
        s = slots_add(n, &(struct slot){ .link = link,
                                         .how = is_punched ? LINK_PUNCHED : LINK_DIRECT,
                                         .remote = *remote });

    if (s == NULL || (is_dialled && s->state != SLOT_DIALLING)) {
        struct effect *e = effects_add(n->out, EFFECT_LINK_CLOSE);

        if (e != NULL)
            e->u.close.link = link;
        return;
    }
    if (s->is_second)
        s->is_dialled = false;
    links_begin(n, s);
}

void links_closed(struct node *n, uint32_t link, int err)
{
    struct slot *s = slots_of_link(n, link);

    if (s == NULL)
        return;
    /* Only the side that cannot read the other learns why: we just see it hang up. */
    if (s->state == SLOT_SHAKING && s->is_dialled && err == ERR_CLOSED)
        complain(n, s, ERR_KEY);
    if (s->state == SLOT_DIALLING)
        miss(n, &s->remote);
    slot_clear(n, s);
}

/* Somebody answered where the overlay had dialled for somebody else. */
static bool is_mistaken(const struct node *n, const struct slot *s,
                        const struct node_id *id)
{
    return s->is_dialled && overlay_dials_other(&n->overlay, &s->remote, id);
}

/* A link of one's own is better than one that others carry; of two alike the one dialled
 * by the smaller id stays (is_ours: that is us); of two dialled by the same side the one
 * with the smaller name.  Both ends see it alike, in whatever order the links come up.  A
 * node that has started anew knows only the new one. */
static bool outranks(const struct slot *s, uint64_t clock_id, const struct slot *old,
                     bool is_ours)
{
    if (clock_id != old->clock_id)
        return true;
    if ((s->how == LINK_RELAYED) != (old->how == LINK_RELAYED))
        return old->how == LINK_RELAYED;
    if (s->is_dialled != old->is_dialled)
        return s->is_dialled == is_ours;
    return s->link_name < old->link_name;
}

/* True when there is a better link to the same node; a worse one is closed. */
static bool is_surplus(struct node *n, struct slot *s, const struct node_id *id,
                       uint64_t clock_id)
{
    int other = links_find(n, id);
    bool is_ours = node_id_compare(&n->self.id, id) < 0;

    if (other < 0)
        return false;
    if (outranks(s, clock_id, slot_at(n, other), is_ours)) {
        if (s->is_dialled && s->how != slot_at(n, other)->how)
            overlay_again(&n->overlay, other, n->now_ns);
        slot_close(n, slot_at(n, other));
        return false;
    }
    if (s->is_dialled && !is_mistaken(n, s, id)) {
        overlay_dial_duplicate(&n->overlay, &s->remote, other, n->now_ns,
                               &n->out->outbox);
        s->is_told = true;
    }
    return true;
}

/* Whom we have met, and where it listens. */
static void meet(struct node *n, struct slot *s, const struct node_id *id,
                 const struct msg_hello *h)
{
    struct peer_rec rec = { .id = *id, .addr = h->listen };

    if (addr_is_any(&h->listen) || h->listen.len == 0) {
        rec.addr = s->remote;
        rec.addr.port = h->listen.port;
    }
    s->contact = contacts_add(n->contacts, &rec);
    s->observed_len = h->observed.len;
    memcpy(s->observed, h->observed.ip, sizeof(s->observed));
    s->clock_id = h->clock_id;
    if (h->name.len > 0) {
        s->name = heap_take(&n->heap, h->name.len + 1, 1);
        memcpy(s->name, h->name.data, h->name.len);
    }
    s->state = SLOT_UP;
    s->at_ns = n->now_ns;
    due(n, n->now_ns + n->params->idle_link_ns);
}

static void log_up(struct node *n, const struct slot *s)
{
    struct text t = log_begin(&n->out->log, LOG_INFO, "link", "up");

    log_id(&t, "peer", slot_rec(n, s)->id.b);
    log_text(&t, "name", slot_name(s));
}

void links_greeted(struct node *n, struct slot *s, const struct node_id *id,
                   const struct msg_hello *h)
{
    struct outbox *box = &n->out->outbox;
    const struct addr *dialled;
    const struct peer_rec *rec;
    int peer;

    slots_settle(n, s);
    peer = s->number;
    dialled = s->is_dialled ? &s->remote : NULL;
    meet(n, s, id, h);
    rec = slot_rec(n, s);
    outside_learn(n);
    log_up(n, s);
    liveness_peer_up(&n->liveness, peer, s->is_dialled, n->now_ns);
    if (is_mistaken(n, s, id)) {
        overlay_dial_failed(&n->overlay, &s->remote, n->now_ns);
        dialled = NULL;
    }
    overlay_peer_up(&n->overlay, peer, rec, dialled, n->now_ns, box);
    overlay_peer_came(&n->overlay, peer, (enum link_how)s->how, n->now_ns, box);
    meet_peer_up(n, peer);
    floods_peer_up(n, peer);
    if (h->is_alarmed) {
        flood_alarm(&n->floods, n->now_ns);
        overlay_alarm(&n->overlay, n->now_ns, box);
    }
    if (n->company != NULL)
        party_peer_up(&n->company->party, peer, &rec->id, s->key, &rec->addr, n->now_ns,
                      box);
}

/* It was cut off a while ago, or lives next door to one that was. */
static bool is_banned(const struct node *n, const struct slot *s,
                      const struct node_id *id)
{
    const struct peer_rec rec = { .id = *id, .addr = s->remote };

    return offenders_left_ns(&n->offenders, &rec, n->now_ns) > 0;
}

static void receive_sealed(struct node *n, struct slot *s, struct bytes frame)
{
    int peer = s->number;
    struct node_id id;
    struct msg m;
    size_t len;

    meter_add(&s->in, (uint32_t)frame.len, n->now_ns);
    if (n->params->suite->open(s->session, frame, n->out->plain, sizeof(n->out->plain),
                               &len) != 0 ||
        msg_decode(bytes_of(n->out->plain, len), &m) != 0) {
        complain(n, s, ERR_MALFORMED);
        n->counters.malformed++;
        slot_close(n, s);
        return;
    }
    if (s->state == SLOT_UP) {
        liveness_heard(&n->liveness, peer, n->now_ns);
        node_message(n, peer, &m);
        return;
    }
    if (m.type != MSG_HELLO || m.u.hello.version != MSG_VERSION) {
        complain(n, s, ERR_MALFORMED);
        n->counters.refused++;
        slot_close(n, s);
        return;
    }
    n->params->suite->id(s->key, &id);
    if (s->from_listen && s->how == LINK_DIRECT)
        overlay_seen(&n->overlay, &m.u.hello.observed, &s->remote, n->now_ns,
                     &n->out->outbox);
    if (s->is_look || is_banned(n, s, &id) || is_surplus(n, s, &id, m.u.hello.clock_id)) {
        slot_close(n, s);
        return;
    }
    links_greeted(n, s, &id, &m.u.hello);
    liveness_ask(&n->liveness, s->number, n->now_ns, &n->out->outbox); /* due at once */
}

void links_received(struct node *n, uint32_t link, struct bytes frame)
{
    struct slot *s = slots_of_link(n, link);
    int err;

    if (s == NULL || s->state == SLOT_DIALLING)
        return;
    if (s->state != SLOT_UP)
        node_stir(n);
    if (s->state != SLOT_SHAKING) {
        receive_sealed(n, s, frame);
        return;
    }
    err = frame.len == 0 ? ERR_MALFORMED : shake(n, s, frame);
    if (err == 0)
        return;
    if (err == ERR_DENIED && s->is_dialled) {
        overlay_dial_self(&n->overlay, &s->remote);
        s->is_told = true;
    }
    /* Two that dial each other from where they listen may both want to speak first. */
    if (err != ERR_DENIED && !s->from_listen)
        complain(n, s, err);
    n->counters.refused += err != ERR_DENIED;
    slot_close(n, s);
}

/* A link that neither the overlay nor the party needs goes after a while. */
static void check_use(struct node *n, struct slot *s)
{
    int peer = s->number;

    if (overlay_needs(&n->overlay, peer) || links_carry(n, peer))
        s->at_ns = TIME_NEVER;
    else if (s->at_ns == TIME_NEVER)
        s->at_ns = n->now_ns;
    else if (n->now_ns - s->at_ns >= n->params->idle_link_ns)
        links_drop(n, peer);
}

/* Looked at when something is due, and now and then: a node is woken often anyway. */
void links_wake(struct node *n)
{
    if (n->now_ns < n->links_wake_ns && n->now_ns < n->links_look_ns)
        return;
    n->links_look_ns = n->now_ns + n->params->idle_link_ns / LOOKS;
    n->links_wake_ns = TIME_NEVER;
    for (int i = slots_next(n, 0); i >= 0; i = slots_next(n, i + 1)) {
        struct slot *s = slot_at(n, i);

        if (s->state == SLOT_UP)
            check_use(n, s);
        else if (s->state != SLOT_DIALLING && n->now_ns >= s->at_ns)
            slot_close(n, s);
        if (!slot_is_taken(n, i) || s->state == SLOT_DIALLING || s->at_ns == TIME_NEVER)
            continue;
        due(n, s->at_ns + (s->state == SLOT_UP ? n->params->idle_link_ns : 0));
    }
    slots_shrink(n);
}
