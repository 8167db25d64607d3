/* SPDX-License-Identifier: MIT */
#include "node/links.h"

#include <assert.h>

#include "node/floods.h"
#include "node/internal.h"

static struct slot *slot_of(struct node *n, uint32_t link)
{
    for (int i = 0; i < n->params.peers_max; i++) {
        if (n->slots[i].state != SLOT_FREE && n->slots[i].link == link)
            return &n->slots[i];
    }
    return NULL;
}

static struct slot *slot_free(struct node *n)
{
    for (int i = 0; i < n->params.peers_max; i++) {
        if (n->slots[i].state == SLOT_FREE)
            return &n->slots[i];
    }
    return NULL;
}

static int index_of(const struct node *n, const struct slot *s)
{
    return (int)(s - n->slots);
}

int links_find(const struct node *n, const struct node_id *id)
{
    for (int i = 0; i < n->params.peers_max; i++) {
        const struct slot *s = &n->slots[i];

        if (s->state == SLOT_UP && node_id_equal(&s->rec.id, id))
            return i;
    }
    return -1;
}

/* A link to this address, there or on its way. */
static struct slot *slot_known(struct node *n, const struct addr *addr)
{
    for (int i = 0; i < n->params.peers_max; i++) {
        struct slot *s = &n->slots[i];

        if (s->state == SLOT_FREE)
            continue;
        if (s->is_dialled && addr_equal(&s->remote, addr))
            return s;
        if (s->state == SLOT_UP && addr_equal(&s->rec.addr, addr))
            return s;
    }
    return NULL;
}

void links_dial(struct node *n, const struct addr *addr)
{
    struct slot *s = slot_known(n, addr);
    struct effect *e;

    if (s != NULL) {
        if (s->state == SLOT_UP)
            overlay_dial_duplicate(&n->overlay, addr, index_of(n, s), n->now_ns,
                                   &n->out->outbox);
        return; /* else the dial that is under way will tell */
    }
    s = slot_free(n);
    e = s == NULL || addr->len == 0 || addr->port == 0
            ? NULL
            : effects_add(n->out, EFFECT_LINK_OPEN);
    if (e == NULL) {
        overlay_dial_failed(&n->overlay, addr, n->now_ns);
        return;
    }
    *s = (struct slot){ .state = SLOT_DIALLING,
                        .is_dialled = true,
                        .link = n->next_link,
                        .remote = *addr,
                        .deadline_ns = TIME_NEVER,
                        .idle_ns = n->now_ns };
    n->next_link += 2;
    e->u.open.link = s->link;
    e->u.open.addr = *addr;
}

/* Forget the slot; the modules hear of it when it was a peer. */
static void slot_clear(struct node *n, struct slot *s)
{
    struct outbox *box = &n->out->outbox;
    bool was_up = s->state == SLOT_UP;
    bool was_dial = !was_up && s->is_dialled && !s->is_told;
    struct addr remote = s->remote;
    int peer = index_of(n, s);

    link_session_wipe(&s->session);
    datagram_key_wipe(&s->datagram);
    s->state = SLOT_FREE;
    if (was_dial)
        overlay_dial_failed(&n->overlay, &remote, n->now_ns);
    if (!was_up)
        return;
    overlay_peer_down(&n->overlay, peer, n->now_ns, box);
    liveness_peer_down(&n->liveness, peer);
    flood_peer_down(&n->floods, peer);
    swarm_peer_down(&n->swarm, peer, n->now_ns, box);
    party_peer_down(&n->party, peer, n->now_ns, box);
}

static void slot_close(struct node *n, struct slot *s)
{
    struct effect *e = effects_add(n->out, EFFECT_LINK_CLOSE);

    if (e != NULL)
        e->u.close.link = s->link;
    slot_clear(n, s);
}

void links_drop(struct node *n, int peer)
{
    assert(peer >= 0 && peer < n->params.peers_max);
    if (n->slots[peer].state == SLOT_FREE)
        return;
    links_flush(n); /* a last word comes before the close */
    slot_close(n, &n->slots[peer]);
}

static void send_frame(struct node *n, const struct slot *s, struct bytes frame)
{
    struct effect *e = effects_add(n->out, EFFECT_LINK_SEND);

    if (e == NULL)
        return;
    e->u.send.link = s->link;
    e->u.send.frame = frame;
}

static void send_sealed(struct node *n, struct slot *s, struct bytes plain)
{
    uint8_t *room = effects_room(n->out, plain.len + LINK_OVERHEAD);
    size_t len;

    if (room == NULL)
        return;
    if (link_seal(&s->session, plain, room, plain.len + LINK_OVERHEAD, &len) != 0)
        return;
    send_frame(n, s, bytes_of(room, len));
}

void links_flush(struct node *n)
{
    struct outbox *box = &n->out->outbox;

    for (int i = 0; i < box->count; i++) {
        const struct outbox_item *item = &box->items[i];
        struct slot *s = &n->slots[item->peer];

        if (s->state == SLOT_UP)
            send_sealed(n, s, bytes_of(box->data + item->start, item->len));
    }
    outbox_clear(box);
}

static void send_hello(struct node *n, struct slot *s)
{
    uint8_t plain[256];
    struct msg m = { .type = MSG_HELLO };

    m.u.hello = (struct msg_hello){
        .version = MSG_VERSION,
        .listen = n->params.listen,
        .observed = s->remote,
        .clock_id = n->clock_id,
        .name = bytes_of(n->params.name, strlen(n->params.name)),
    };
    send_sealed(n, s, bytes_of(plain, msg_encode(&m, plain, sizeof(plain))));
}

/* One step of the handshake, with the frame that came or, to begin, none. */
static int shake(struct node *n, struct slot *s, struct bytes in)
{
    uint8_t *out = effects_room(n->out, LINK_HANDSHAKE_MAX);
    size_t len = 0;
    int err;

    if (out == NULL)
        return ERR_LIMIT;
    err = link_session_next(&s->session, in, out, &len);
    if (err != 0)
        return err;
    if (len > 0)
        send_frame(n, s, bytes_of(out, len));
    if (s->session.state != LINK_OPEN)
        return 0;
    err = link_datagram_key(&s->session, &s->datagram);
    if (err != 0)
        return err;
    s->has_datagram = true;
    s->state = SLOT_GREETING;
    send_hello(n, s);
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
        node_note(n,
                  "a node refused us or was refused: its channel key differs from ours; "
                  "give both the same --channel-key-file");
}

void links_opened(struct node *n, uint32_t link, bool is_dialled,
                  const struct addr *remote)
{
    struct slot *s = is_dialled ? slot_of(n, link) : slot_free(n);
    uint8_t seed[SECURE_SEED_LEN];
    int err = 0;

    if (s == NULL) {
        struct effect *e = effects_add(n->out, EFFECT_LINK_CLOSE);

        if (e != NULL)
            e->u.close.link = link;
        return;
    }
    if (!is_dialled)
        *s = (struct slot){ .link = link, .remote = *remote, .idle_ns = n->now_ns };
    s->state = SLOT_SHAKING;
    s->deadline_ns = n->now_ns + n->params.handshake_ns;
    node_secret(n, seed);
    link_session_init(&s->session, is_dialled, &n->self,
                      n->params.has_channel ? n->params.channel_psk : NULL, seed);
    secure_wipe(seed, sizeof(seed));
    if (is_dialled)
        err = shake(n, s, bytes_of(NULL, 0));
    if (err != 0)
        slot_close(n, s);
}

void links_closed(struct node *n, uint32_t link, int err)
{
    struct slot *s = slot_of(n, link);

    if (s == NULL)
        return;
    /* Only the side that cannot read the other learns why: we just see it hang up. */
    if (s->state == SLOT_SHAKING && s->is_dialled && err == ERR_CLOSED)
        complain(n, s, ERR_KEY);
    slot_clear(n, s);
}

/* Of two links to the same node the one dialled by the smaller id stays; of two dialled
 * by the same side, the older.  True when s is to go. */
static bool is_surplus(struct node *n, struct slot *s)
{
    int other = links_find(n, &s->session.remote_id);
    bool is_ours = node_id_compare(&n->self.id, &s->session.remote_id) < 0;

    if (other < 0)
        return false;
    if (n->slots[other].is_dialled == s->is_dialled || s->is_dialled != is_ours) {
        if (s->is_dialled)
            overlay_dial_duplicate(&n->overlay, &s->remote, other, n->now_ns,
                                   &n->out->outbox);
        s->is_told = true;
        return true;
    }
    slot_close(n, &n->slots[other]);
    return false;
}

/* An address that others see us at, once we listen on "any". */
static void learn_self(struct node *n, const struct addr *observed)
{
    if (observed->len == 0 || addr_is_any(observed) || !addr_is_any(&n->params.listen))
        return;
    n->reachable = *observed;
    n->reachable.port = n->params.listen.port;
    party_set_self(&n->party, n->params.name, &n->reachable, &n->priority);
    overlay_set_listen(&n->overlay, &n->reachable);
}

static void greet(struct node *n, struct slot *s, const struct msg_hello *h)
{
    struct outbox *box = &n->out->outbox;
    int peer = index_of(n, s);

    s->rec.id = s->session.remote_id;
    s->rec.addr = h->listen;
    if (addr_is_any(&h->listen) || h->listen.len == 0) {
        s->rec.addr = s->remote;
        s->rec.addr.port = h->listen.port;
    }
    s->clock_id = h->clock_id;
    text_copy(s->name, sizeof(s->name), (const char *)h->name.data, h->name.len);
    s->state = SLOT_UP;
    s->deadline_ns = TIME_NEVER;
    learn_self(n, &h->observed);
    {
        struct text t = log_begin(&n->out->log, LOG_INFO, "link", "up");

        log_id(&t, "peer", s->rec.id.b);
        log_text(&t, "name", s->name);
    }
    liveness_peer_up(&n->liveness, peer, n->now_ns);
    overlay_peer_up(&n->overlay, peer, &s->rec, s->is_dialled ? &s->remote : NULL,
                    n->now_ns, box);
    floods_greet(n, peer);
    party_peer_up(&n->party, peer, &s->rec.id, s->session.remote_public, &s->rec.addr,
                  n->now_ns, box);
}

static void receive_sealed(struct node *n, struct slot *s, struct bytes frame)
{
    int peer = index_of(n, s);
    struct msg m;
    size_t len;

    if (link_open(&s->session, frame, n->plain, sizeof(n->plain), &len) != 0 ||
        msg_decode(bytes_of(n->plain, len), &m) != 0) {
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
    if (m.type != MSG_HELLO || m.u.hello.version != MSG_VERSION || is_surplus(n, s)) {
        slot_close(n, s);
        return;
    }
    greet(n, s, &m.u.hello);
}

void links_received(struct node *n, uint32_t link, struct bytes frame)
{
    struct slot *s = slot_of(n, link);
    int err;

    if (s == NULL || s->state == SLOT_DIALLING)
        return;
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
    complain(n, s, err);
    n->counters.refused++;
    slot_close(n, s);
}

/* A link that neither the overlay nor the party needs goes after a while. */
static void check_use(struct node *n, struct slot *s)
{
    int peer = index_of(n, s);

    if (overlay_needs(&n->overlay, peer) || party_needs_link(&n->party, peer))
        s->idle_ns = TIME_NEVER;
    else if (s->idle_ns == TIME_NEVER)
        s->idle_ns = n->now_ns;
    else if (n->now_ns - s->idle_ns >= n->params.idle_link_ns)
        links_drop(n, peer);
}

void links_wake(struct node *n)
{
    for (int i = 0; i < n->params.peers_max; i++) {
        struct slot *s = &n->slots[i];

        if (s->state == SLOT_UP)
            check_use(n, s);
        else if (s->state != SLOT_FREE && n->now_ns >= s->deadline_ns)
            slot_close(n, s);
    }
}

int64_t links_wake_ns(const struct node *n)
{
    int64_t wake = TIME_NEVER;

    for (int i = 0; i < n->params.peers_max; i++) {
        const struct slot *s = &n->slots[i];

        if (s->state != SLOT_FREE && s->state != SLOT_UP)
            wake = time_min(wake, s->deadline_ns);
        if (s->state == SLOT_UP && s->idle_ns != TIME_NEVER)
            wake = time_min(wake, s->idle_ns + n->params.idle_link_ns);
    }
    return wake;
}
