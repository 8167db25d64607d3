/* SPDX-License-Identifier: MIT */
#include "node/relay.h"

#include <assert.h>

#include "node/internal.h"
#include "node/meet.h"

#define KIB 1024

/* A link of ours that a peer carries. */
struct end {
    uint32_t link;
    uint8_t carrier;
    bool is_opener; /* it renews */
    struct node_id far;
    int64_t renew_ns;
    int64_t again_ns;   /* of the next try to do without */
    int64_t again_wait; /* … and the wait after it */
};

/* What we carry, between two peers. */
struct circuit {
    uint8_t peers[2];
    int64_t until_ns;
    struct bucket bucket; /* KiB */
};

/* There only while there is something in it: ends, and behind them circuits. */
struct relays {
    int end_count;
    int circuit_count;
    struct end *ends;
    struct circuit *circuits;
};

struct relay_params relay_params_default(void)
{
    return (struct relay_params){ .ends_max = 8,
                                  .circuits_max = 8,
                                  .life_ns = 600 * NS_PER_S,
                                  .again_ns = 20 * NS_PER_S,
                                  .rate = { NS_PER_S / 32, 64 } };
}

static struct relays *make(struct node *n)
{
    const struct relay_params *p = &n->params->relay;
    struct relays *r = n->relays;

    if (r != NULL)
        return r;
    r = heap_take(&n->heap, 1, sizeof(*r));
    *r = (struct relays){ .end_count = 0 };
    r->ends = heap_take(&n->heap, (size_t)p->ends_max, sizeof(*r->ends));
    r->circuits = heap_take(&n->heap, (size_t)p->circuits_max, sizeof(*r->circuits));
    n->relays = r;
    return r;
}

void relay_finish(struct node *n)
{
    const struct relay_params *p = &n->params->relay;
    struct relays *r = n->relays;

    if (r == NULL)
        return;
    heap_give(&n->heap, r->ends, (size_t)p->ends_max, sizeof(*r->ends));
    heap_give(&n->heap, r->circuits, (size_t)p->circuits_max, sizeof(*r->circuits));
    heap_give(&n->heap, r, 1, sizeof(*r));
    n->relays = NULL;
}

static void shrink(struct node *n)
{
    if (n->relays->end_count == 0 && n->relays->circuit_count == 0)
        relay_finish(n);
}

static void say(struct node *n, int peer, enum relay_kind kind, const struct node_id *id,
                bool is_passed)
{
    struct msg m = { .type = MSG_RELAY };

    m.u.relay.kind = (uint8_t)kind;
    m.u.relay.peer = *id;
    m.u.relay.is_passed = is_passed;
    links_say(n, peer, &m);
}

/* ---- our own links ---- */

static int end_of_link(const struct node *n, uint32_t link)
{
    for (int i = 0; n->relays != NULL && i < n->relays->end_count; i++) {
        if (n->relays->ends[i].link == link)
            return i;
    }
    return -1;
}

static int end_to(const struct node *n, int carrier, const struct node_id *far)
{
    for (int i = 0; n->relays != NULL && i < n->relays->end_count; i++) {
        const struct end *e = &n->relays->ends[i];

        if (e->carrier == carrier && node_id_equal(&e->far, far))
            return i;
    }
    return -1;
}

/* A slot and an end for it; NULL when there is no room. */
static struct slot *add_end(struct node *n, int carrier, const struct node_id *far,
                            const struct addr *remote, bool is_opener)
{
    int64_t renew_ns = is_opener ? n->now_ns + n->params->relay.life_ns / 2 : TIME_NEVER;
    struct slot *s;
    struct relays *r;

    if (n->relays != NULL && n->relays->end_count == n->params->relay.ends_max)
        return NULL;
    s = links_relayed(n, remote, is_opener);
    if (s == NULL)
        return NULL;
    r = make(n);
    r->ends[r->end_count++] = (struct end){ .link = s->link,
                                            .carrier = (uint8_t)carrier,
                                            .is_opener = is_opener,
                                            .far = *far,
                                            .renew_ns = renew_ns,
                                            .again_ns = TIME_NEVER,
                                            .again_wait = n->params->relay.again_ns };
    if (is_opener)
        r->ends[r->end_count - 1].again_ns = n->now_ns + n->params->relay.again_ns;
    return s;
}

bool relay_open(struct node *n, int carrier, const struct peer_rec *rec)
{
    struct slot *s;

    if (!slot_is_taken(n, carrier) || slot_at(n, carrier)->state != SLOT_UP ||
        end_to(n, carrier, &rec->id) >= 0)
        return false;
    s = add_end(n, carrier, &rec->id, &rec->addr, true);
    /* A slot for it may have cost the carrier its own. */
    if (s == NULL)
        return false;
    say(n, carrier, RELAY_OPEN, &rec->id, false);
    links_begin(n, s);
    return true;
}

bool relay_send(struct node *n, uint32_t link, struct bytes frame)
{
    int i = end_of_link(n, link);
    struct msg m = { .type = MSG_RELAY };

    if (i < 0 || frame.len > MSG_RELAY_MAX)
        return false;
    m.u.relay.kind = RELAY_DATA;
    m.u.relay.peer = n->relays->ends[i].far;
    m.u.relay.frame = frame;
    links_say(n, n->relays->ends[i].carrier, &m);
    return true;
}

void relay_forget(struct node *n, uint32_t link)
{
    int i = end_of_link(n, link);

    if (i < 0)
        return;
    n->relays->ends[i] = n->relays->ends[--n->relays->end_count];
    shrink(n);
}

void relay_close(struct node *n, uint32_t link)
{
    int i = end_of_link(n, link);

    if (i < 0)
        return;
    say(n, n->relays->ends[i].carrier, RELAY_CLOSE, &n->relays->ends[i].far, false);
    relay_forget(n, link);
}

/* Something from the far end. */
static void arrived(struct node *n, int peer, const struct msg_relay *m)
{
    static const struct addr nowhere;
    uint8_t frame[MSG_RELAY_MAX]; /* it lies where the next one is opened */
    int i = end_to(n, peer, &m->peer);
    struct slot *s;

    if (m->kind == RELAY_OPEN) {
        s = i < 0 ? add_end(n, peer, &m->peer, &nowhere, false) : NULL;
        if (s != NULL)
            links_begin(n, s);
        else if (i < 0)
            say(n, peer, RELAY_CLOSE, &m->peer, false);
        return;
    }
    if (i < 0) {
        if (m->kind == RELAY_DATA)
            say(n, peer, RELAY_CLOSE, &m->peer, false);
        return;
    }
    if (m->kind == RELAY_CLOSE) {
        links_closed(n, n->relays->ends[i].link, ERR_CLOSED);
        return;
    }
    memcpy(frame, m->frame.data, m->frame.len);
    links_received(n, n->relays->ends[i].link, bytes_of(frame, m->frame.len));
}

/* ---- what we carry ---- */

static int circuit_of(const struct node *n, int a, int b)
{
    for (int i = 0; n->relays != NULL && i < n->relays->circuit_count; i++) {
        const uint8_t *peers = n->relays->circuits[i].peers;

        if ((peers[0] == a && peers[1] == b) || (peers[0] == b && peers[1] == a))
            return i;
    }
    return -1;
}

static void remove_circuit(struct node *n, int index)
{
    n->relays->circuits[index] = n->relays->circuits[--n->relays->circuit_count];
    shrink(n);
}

/* Both ends hear of it, but for one that is gone. */
static void end_circuit(struct node *n, int index, int gone)
{
    struct circuit c = n->relays->circuits[index];

    remove_circuit(n, index);
    for (int k = 0; k < 2; k++) {
        const struct slot *other = slot_at(n, c.peers[1 - k]);

        if (c.peers[k] != gone && slot_at(n, c.peers[k])->state == SLOT_UP)
            say(n, c.peers[k], RELAY_CLOSE, &slot_rec(n, other)->id, true);
    }
}

/* A circuit from one peer to another: a new one, or one that is renewed. */
static bool renew(struct node *n, int from, int to)
{
    int i = circuit_of(n, from, to);
    struct relays *r;

    if (i < 0 && relay_circuits(n) >= n->params->relay.circuits_max)
        return false;
    r = make(n);
    if (i < 0) {
        i = r->circuit_count++;
        r->circuits[i] = (struct circuit){ .peers = { (uint8_t)from, (uint8_t)to } };
    }
    r->circuits[i].until_ns = n->now_ns + n->params->relay.life_ns;
    return true;
}

static bool has_rate(struct node *n, struct circuit *c, size_t len)
{
    for (size_t kib = 0; kib <= len / KIB; kib++) {
        if (!bucket_take(&c->bucket, n->params->relay.rate, n->now_ns))
            return false;
    }
    return true;
}

static void pass_on(struct node *n, int peer, const struct msg_relay *m)
{
    int to = links_find(n, &m->peer);
    struct msg copy = { .type = MSG_RELAY };
    int i;

    if (to < 0 || to == peer || slot_at(n, to)->how == LINK_RELAYED ||
        (m->kind == RELAY_OPEN && !renew(n, peer, to))) {
        if (m->kind != RELAY_CLOSE)
            say(n, peer, RELAY_CLOSE, &m->peer, true);
        return;
    }
    i = circuit_of(n, peer, to);
    if (i < 0) {
        if (m->kind == RELAY_DATA)
            say(n, peer, RELAY_CLOSE, &m->peer, true);
        return;
    }
    if (m->kind == RELAY_DATA && !has_rate(n, &n->relays->circuits[i], m->frame.len)) {
        end_circuit(n, i, -1);
        return;
    }
    if (m->kind == RELAY_CLOSE)
        remove_circuit(n, i);
    copy.u.relay = *m;
    copy.u.relay.peer = slot_rec(n, slot_at(n, peer))->id;
    copy.u.relay.is_passed = true;
    links_say(n, to, &copy);
}

void relay_receive(struct node *n, int peer, const struct msg_relay *m)
{
    if (slot_at(n, peer)->how == LINK_RELAYED)
        return; /* one by way of another would be without end */
    if (m->is_passed)
        arrived(n, peer, m);
    else
        pass_on(n, peer, m);
}

/* ---- */

void relay_peer_down(struct node *n, int peer)
{
    for (int i = 0; n->relays != NULL && i < n->relays->circuit_count;) {
        const uint8_t *peers = n->relays->circuits[i].peers;

        if (peers[0] == peer || peers[1] == peer)
            end_circuit(n, i, peer);
        else
            i++;
    }
    for (int i = 0; n->relays != NULL && i < n->relays->end_count;) {
        if (n->relays->ends[i].carrier != peer) {
            i++;
            continue;
        }
        links_closed(n, n->relays->ends[i].link, ERR_CLOSED);
        i = 0;
    }
}

bool relay_needs(const struct node *n, int peer)
{
    const struct relays *r = n->relays;

    for (int i = 0; r != NULL && i < r->circuit_count; i++) {
        if (r->circuits[i].peers[0] == peer || r->circuits[i].peers[1] == peer)
            return true;
    }
    for (int i = 0; r != NULL && i < r->end_count; i++) {
        if (r->ends[i].carrier == peer)
            return true;
    }
    return false;
}

int relay_circuits(const struct node *n)
{
    return n->relays == NULL ? 0 : n->relays->circuit_count;
}

/* Since the link was made we, or the far end, may have learnt where our ports are seen.
 */
static void try_again(struct node *n, struct end *e)
{
    e->again_ns = n->now_ns + e->again_wait;
    e->again_wait = time_min(2 * e->again_wait, n->params->relay.life_ns);
    if (overlay_reach(&n->overlay) == REACH_PUNCH)
        meet_again(n, &e->far, e->carrier);
}

void relay_wake(struct node *n)
{
    for (int i = 0; n->relays != NULL && i < n->relays->end_count; i++) {
        struct end *e = &n->relays->ends[i];

        if (e->again_ns <= n->now_ns)
            try_again(n, e);
        if (e->renew_ns > n->now_ns)
            continue;
        e->renew_ns = n->now_ns + n->params->relay.life_ns / 2;
        say(n, e->carrier, RELAY_OPEN, &e->far, false);
    }
    for (int i = 0; n->relays != NULL && i < n->relays->circuit_count;) {
        if (n->relays->circuits[i].until_ns <= n->now_ns)
            end_circuit(n, i, -1);
        else
            i++;
    }
}

int64_t relay_wake_ns(const struct node *n)
{
    int64_t next = TIME_NEVER;

    for (int i = 0; n->relays != NULL && i < n->relays->end_count; i++)
        next = time_min(
            next, time_min(n->relays->ends[i].renew_ns, n->relays->ends[i].again_ns));
    for (int i = 0; n->relays != NULL && i < n->relays->circuit_count; i++)
        next = time_min(next, n->relays->circuits[i].until_ns);
    return next;
}
