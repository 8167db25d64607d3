/* SPDX-License-Identifier: MIT */
#include "node/meet.h"

#include <assert.h>

#include "node/internal.h"
#include "node/relay.h"

enum meeting_state {
    MEETING_CALLING, /* the node that introduces is dialled */
    MEETING_ASKED,
    MEETING_AWAITED, /* the other end dials us, or is dialled */
    MEETING_SOON,    /* we dial at the deadline */
    MEETING_PUNCHING
};

struct meeting {
    struct peer_rec rec;
    struct addr other; /* as the answer says */
    uint8_t state;     /* enum meeting_state */
    uint8_t tries;
    uint8_t carrier; /* the peer that introduces; not while CALLING */
    bool is_again;   /* a link by way of the carrier stands */
    uint32_t link;   /* PUNCHING */
    int64_t asked_ns;
    int64_t rtt_ns; /* to the other end, by way of the carrier */
    int64_t deadline_ns;
};

/* There only while there are meetings. */
struct meets {
    int count;
    struct meeting list[];
};

struct meet_params meet_params_default(void)
{
    return (struct meet_params){ .meetings_max = 8,
                                 .via_ns = 6 * NS_PER_S,
                                 .answer_ns = 2 * NS_PER_S,
                                 .dialled_ns = 3 * NS_PER_S,
                                 .punch_ns = 2 * NS_PER_S,
                                 .punch_tries = 3,
                                 .rate = { NS_PER_S / 4, 32 },
                                 .dials = { NS_PER_S / 2, 8 } };
}

static size_t size_of(const struct node *n)
{
    return sizeof(struct meets) +
           (size_t)n->params->meet.meetings_max * sizeof(struct meeting);
}

static int find(const struct node *n, const struct node_id *id)
{
    for (int i = 0; n->meets != NULL && i < n->meets->count; i++) {
        if (node_id_equal(&n->meets->list[i].rec.id, id))
            return i;
    }
    return -1;
}

static void end(struct node *n, int index)
{
    struct meets *m = n->meets;

    m->list[index] = m->list[--m->count];
    if (m->count > 0)
        return;
    heap_give(&n->heap, m, 1, size_of(n));
    n->meets = NULL;
}

static void fail(struct node *n, int index)
{
    struct addr addr = n->meets->list[index].rec.addr;
    bool is_again = n->meets->list[index].is_again;

    end(n, index);
    if (is_again)
        return;
    node_stir(n);
    overlay_dial_failed(&n->overlay, &addr, n->now_ns);
}

/* A peer that is at this address, by a link of its own. */
static int peer_at(const struct node *n, const struct addr *addr)
{
    for (int k = 0; k < n->slot_set.count; k++) {
        const struct slot *s = n->slots[k];

        if (s->state == SLOT_UP && s->how != LINK_RELAYED &&
            ((s->is_dialled && addr_equal(&s->remote, addr)) ||
             addr_equal(&slot_rec(n, s)->addr, addr)))
            return s->number;
    }
    return -1;
}

static void say(struct node *n, int peer, enum meet_kind kind, const struct node_id *to)
{
    struct msg m = { .type = MSG_MEET };

    m.u.meet.kind = (uint8_t)kind;
    m.u.meet.peer = *to;
    m.u.meet.addr = overlay_outside(&n->overlay);
    m.u.meet.reach = (uint8_t)overlay_reach(&n->overlay);
    links_say(n, peer, &m);
}

static void ask(struct node *n, struct meeting *m, int carrier)
{
    m->state = MEETING_ASKED;
    m->carrier = (uint8_t)carrier;
    m->asked_ns = n->now_ns;
    m->deadline_ns = n->now_ns + n->params->meet.answer_ns;
    say(n, carrier, MEET_ASK, &m->rec.id);
}

/* A new meeting with somebody with whom there is none; NULL: there are too many. */
static struct meeting *add(struct node *n, const struct peer_rec *rec)
{
    struct meeting *m;

    if (n->meets != NULL && n->meets->count == n->params->meet.meetings_max)
        return NULL;
    if (n->meets == NULL)
        n->meets = heap_take(&n->heap, 1, size_of(n));
    m = &n->meets->list[n->meets->count++];
    *m = (struct meeting){ .rec = *rec,
                           .state = MEETING_CALLING,
                           .deadline_ns = n->now_ns + n->params->meet.via_ns };
    return m;
}

void meet_again(struct node *n, const struct node_id *id, int carrier)
{
    const struct peer_rec rec = { .id = *id };
    struct meeting *m = find(n, id) < 0 ? add(n, &rec) : NULL;

    if (m == NULL)
        return;
    m->is_again = true;
    ask(n, m, carrier);
}

void meet_dial(struct node *n, const struct peer_rec *rec)
{
    static const struct node_id anybody;
    int peer = links_find(n, &rec->id);
    int carrier = peer_at(n, &rec->via);
    struct meeting *m;

    if (peer >= 0) {
        overlay_dial_duplicate(&n->overlay, &rec->addr, peer, n->now_ns, &n->out->outbox);
        return;
    }
    if (find(n, &rec->id) >= 0)
        return; /* that one will tell */
    m = add(n, rec);
    if (m == NULL)
        overlay_dial_failed(&n->overlay, &rec->addr, n->now_ns);
    else if (carrier >= 0)
        ask(n, m, carrier);
    else
        links_dial(n, &rec->via, &anybody); /* m may be gone then */
}

/* The last resort. */
static void relay(struct node *n, int index)
{
    struct meeting m = n->meets->list[index];

    if (m.is_again || !overlay_is_short(&n->overlay) ||
        !relay_open(n, m.carrier, &m.rec)) {
        fail(n, index);
        return;
    }
    end(n, index);
}

static void punch(struct node *n, struct meeting *m)
{
    m->tries++;
    m->state = MEETING_SOON;
    m->deadline_ns = n->now_ns + m->rtt_ns / 2;
    say(n, m->carrier, MEET_NOW, &m->rec.id);
}

static void punch_failed(struct node *n, int index)
{
    struct meeting *m = &n->meets->list[index];

    if (m->tries < n->params->meet.punch_tries)
        punch(n, m);
    else
        relay(n, index);
}

static bool is_hidden(enum reach_class reach)
{
    return reach == REACH_HIDDEN || reach == REACH_PUNCH;
}

static void answered(struct node *n, int index, const struct msg_meet *answer)
{
    struct meeting *m = &n->meets->list[index];
    enum reach_class own = overlay_reach(&n->overlay);

    m->other = answer->addr;
    m->rtt_ns = n->now_ns - m->asked_ns;
    if (is_hidden(own) && is_hidden((enum reach_class)answer->reach)) {
        if (own == REACH_PUNCH && answer->reach == REACH_PUNCH)
            punch(n, m);
        else
            relay(n, index);
        return;
    }
    m->state = MEETING_AWAITED;
    m->deadline_ns = n->now_ns + n->params->meet.dialled_ns;
    if (is_hidden(own))
        links_dial(n, &answer->addr, &m->rec.id); /* m may be gone then */
}

/* ---- what others want ---- */

static bool may_dial(struct node *n, const struct addr *addr)
{
    return addr->len > 0 && addr->port > 0 &&
           bucket_take(&n->meet_dials, n->params->meet.dials, n->now_ns);
}

/* There is no link to this node, or one that others carry. */
static bool is_far(const struct node *n, const struct node_id *id)
{
    int peer = links_find(n, id);

    return peer < 0 || slot_at(n, peer)->how == LINK_RELAYED;
}

/* Somebody wants a link to us: tell how, and dial if it can be dialled. */
static void asked(struct node *n, int peer, const struct msg_meet *m)
{
    say(n, peer, MEET_ANSWER, &m->peer);
    if (!is_hidden((enum reach_class)m->reach) && may_dial(n, &m->addr))
        links_dial(n, &m->addr, &m->peer);
}

static void heard(struct node *n, int peer, const struct msg_meet *m)
{
    int i = find(n, &m->peer);
    bool is_ours = i >= 0 && n->meets->list[i].state != MEETING_CALLING &&
                   n->meets->list[i].carrier == peer;

    switch ((enum meet_kind)m->kind) {
    case MEET_ASK:
        asked(n, peer, m);
        break;
    case MEET_ANSWER:
        if (is_ours && n->meets->list[i].state == MEETING_ASKED)
            answered(n, i, m);
        break;
    case MEET_NOW:
        if (is_far(n, &m->peer) && may_dial(n, &m->addr))
            (void)links_punch(n, &m->addr, true);
        break;
    case MEET_REFUSE:
        if (is_ours && n->meets->list[i].state == MEETING_ASKED)
            fail(n, i);
        else if (i < 0)
            overlay_spare_test(&n->overlay);
        break;
    case MEET_TEST:
        break; /* is not passed on */
    }
}

/* Can this peer be dialled?  It learns that by our dial.  No NAT has reason to let us in
 * at the port that it listens at because of the link that we have. */
static void test(struct node *n, int peer, const struct msg_meet *m)
{
    struct addr addr = slot_at(n, peer)->remote;
    struct msg refuse = { .type = MSG_MEET };

    addr.port = m->addr.port;
    if (may_dial(n, &addr) && links_look(n, &addr, false))
        return;
    refuse.u.meet = *m;
    refuse.u.meet.kind = MEET_REFUSE;
    refuse.u.meet.is_passed = true;
    links_say(n, peer, &refuse);
}

/* A peer says something to another one of ours. */
static void pass_on(struct node *n, int peer, const struct msg_meet *m)
{
    const struct slot *from = slot_at(n, peer);
    int to = links_find(n, &m->peer);
    struct msg copy = { .type = MSG_MEET };

    copy.u.meet = *m;
    copy.u.meet.is_passed = true;
    if (to < 0 || to == peer || slot_at(n, to)->how == LINK_RELAYED) {
        copy.u.meet.kind = MEET_REFUSE;
        if (m->kind == MEET_ASK)
            links_say(n, peer, &copy);
        return;
    }
    copy.u.meet.peer = slot_rec(n, from)->id;
    memcpy(copy.u.meet.addr.ip, from->remote.ip, sizeof(from->remote.ip));
    copy.u.meet.addr.len = from->remote.len;
    links_say(n, to, &copy);
}

void meet_receive(struct node *n, int peer, const struct msg_meet *m)
{
    if (slot_at(n, peer)->how == LINK_RELAYED ||
        !bucket_small_take(&slot_at(n, peer)->meets, n->params->meet.rate, n->now_ns))
        return;
    if (m->is_passed)
        heard(n, peer, m);
    else if (m->kind == MEET_TEST)
        test(n, peer, m);
    else
        pass_on(n, peer, m);
}

/* ---- what becomes of links ---- */

void meet_peer_up(struct node *n, int peer)
{
    const struct slot *s = slot_at(n, peer);
    int i = find(n, &slot_rec(n, s)->id);

    if (i >= 0)
        end(n, i);
    for (i = 0; n->meets != NULL && i < n->meets->count; i++) {
        struct meeting *m = &n->meets->list[i];

        if (m->state == MEETING_CALLING && peer_at(n, &m->rec.via) == peer)
            ask(n, m, peer);
    }
}

void meet_peer_down(struct node *n, int peer)
{
    for (int i = n->meets == NULL ? -1 : n->meets->count - 1; i >= 0; i--) {
        const struct meeting *m = &n->meets->list[i];

        if (m->state != MEETING_CALLING && m->carrier == peer)
            fail(n, i);
        if (n->meets == NULL)
            return;
        i = i < n->meets->count ? i : n->meets->count;
    }
}

void meet_link_failed(struct node *n, uint32_t link, const struct addr *remote)
{
    for (int i = 0; n->meets != NULL && i < n->meets->count; i++) {
        struct meeting *m = &n->meets->list[i];

        if (m->state == MEETING_PUNCHING && m->link == link) {
            m->state = MEETING_SOON; /* or the next word comes with the link's close */
            m->link = 0;
            punch_failed(n, i);
            return;
        }
    }
    meet_dial_failed(n, remote);
}

void meet_dial_failed(struct node *n, const struct addr *addr)
{
    for (int i = n->meets == NULL ? -1 : n->meets->count - 1; i >= 0; i--) {
        const struct meeting *m = &n->meets->list[i];

        if (m->state == MEETING_CALLING && addr_equal(&m->rec.via, addr))
            fail(n, i);
        if (n->meets == NULL)
            return;
        i = i < n->meets->count ? i : n->meets->count;
    }
}

bool meet_needs(const struct node *n, int peer)
{
    for (int i = 0; n->meets != NULL && i < n->meets->count; i++) {
        const struct meeting *m = &n->meets->list[i];

        if (m->state != MEETING_CALLING && m->carrier == peer)
            return true;
    }
    return false;
}

/* ---- time ---- */

static void expire(struct node *n, int index)
{
    struct meeting *m = &n->meets->list[index];

    switch ((enum meeting_state)m->state) {
    case MEETING_CALLING:
    case MEETING_ASKED:
        fail(n, index);
        break;
    case MEETING_AWAITED:
        relay(n, index);
        break;
    case MEETING_SOON:
        m->state = MEETING_PUNCHING;
        m->deadline_ns = n->now_ns + n->params->meet.punch_ns;
        m->link = links_punch(n, &m->other, false);
        if (m->link == 0)
            punch_failed(n, index);
        break;
    case MEETING_PUNCHING:
        links_give_up(n, m->link); /* which fails it */
        break;
    }
}

void meet_wake(struct node *n)
{
    for (int i = n->meets == NULL ? -1 : n->meets->count - 1; i >= 0; i--) {
        if (n->meets->list[i].deadline_ns <= n->now_ns)
            expire(n, i);
        if (n->meets == NULL)
            return;
        i = i < n->meets->count ? i : n->meets->count;
    }
}

int64_t meet_wake_ns(const struct node *n)
{
    int64_t next = TIME_NEVER;

    for (int i = 0; n->meets != NULL && i < n->meets->count; i++)
        next = time_min(next, n->meets->list[i].deadline_ns);
    return next;
}

void meet_finish(struct node *n)
{
    if (n->meets != NULL)
        heap_give(&n->heap, n->meets, 1, size_of(n));
    n->meets = NULL;
}
