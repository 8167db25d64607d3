/* Copies of floods sent to neighbours, and the answers to them: a peer whose power was
 * cut closes no connection, and TCP takes what is sent to it for minutes.  So each copy
 * must be answered on its link, by a copy that crosses it or by SEEN; else a PING asks,
 * and after two more waits the link counts as dead: a process that gets no time for a
 * second is not.  SPDX-License-Identifier: MIT */
#include <assert.h>

#include "overlay/flood_private.h"

#define UNACKED_FIRST 8 /* of all links */
#define EXCUSE_NS     (10 * NS_PER_MS)

struct flood_unacked {
    int64_t due_ns;
    int32_t row;   /* of the table of seen floods; outlives this entry by far */
    uint8_t peer;  /* it was sent to */
    uint8_t stage; /* enum flood_stage */
};

/* What the deadline of a copy is. */
enum flood_stage {
    STAGE_SENT,    /* then its answer is late */
    STAGE_EXCUSED, /* the same, put off once as we came late ourselves */
    STAGE_LATE     /* then it is overdue */
};

int64_t flood_patience_ns(const struct floods *f, int peer)
{
    int64_t rtt_ns = f->liveness == NULL ? -1 : liveness_rtt_ns(f->liveness, peer);

    return rtt_ns * f->p->ack_rtts > f->p->ack_ns ? rtt_ns * f->p->ack_rtts
                                                  : f->p->ack_ns;
}

/* An answer is late, before it is overdue. */
static int64_t late_ns(const struct floods *f, int peer)
{
    int64_t patience_ns = flood_patience_ns(f, peer);

    return f->liveness == NULL
               ? patience_ns
               : time_min(liveness_late_ns(f->liveness, peer), patience_ns);
}

void flood_settled(struct floods *f)
{
    const struct flood_state *s = f->state;

    if (s->suspects + s->wanted_count > 0)
        return;
    f->wake_ns = TIME_NEVER;
    for (int i = 0; i < s->unacked_count; i++)
        f->wake_ns = time_min(f->wake_ns, s->unacked[i].due_ns);
}

static void remove_unacked(struct floods *f, int index)
{
    struct flood_state *s = f->state;

    flood_link(f, s->unacked[index].peer)->traffic->unacked_count--;
    s->unacked[index] = s->unacked[--s->unacked_count];
}

void flood_hops_tidy(struct floods *f)
{
    struct flood_state *s = f->state;

    if (s->unacked_count > 0)
        return;
    heap_give(f->heap, s->unacked, (size_t)s->unacked_room, sizeof(*s->unacked));
    s->unacked = NULL;
    s->unacked_room = 0;
}

void flood_hops_drop(struct floods *f, int peer)
{
    struct flood_traffic *t = flood_link(f, peer)->traffic;

    for (int i = t->unacked_count == 0 ? 0 : f->state->unacked_count; i-- > 0;) {
        if (f->state->unacked[i].peer == peer)
            remove_unacked(f, i);
    }
    if (t->suspect_ns != 0)
        f->state->suspects--;
    t->suspect_ns = 0;
    if (f->state != NULL)
        flood_settled(f);
}

void flood_hop_sent(struct floods *f, int32_t row, int peer, int64_t now_ns)
{
    struct flood_traffic *t = flood_traffic(f, peer);
    struct flood_state *s = f->state;
    int64_t due_ns = now_ns + late_ns(f, peer);
    int room = s->unacked_room == 0 ? UNACKED_FIRST : 2 * s->unacked_room;

    if (!f->p->has_acks || t->unacked_count == FLOOD_UNACKED_MAX)
        return; /* the others tell enough */
    if (s->unacked_count == s->unacked_room) {
        s->unacked = heap_resize(f->heap, s->unacked, (size_t)s->unacked_room,
                                 (size_t)room, sizeof(*s->unacked));
        s->unacked_room = room;
    }
    t->unacked_count++;
    s->unacked[s->unacked_count++] = (struct flood_unacked){
        .due_ns = due_ns, .row = row, .peer = (uint8_t)peer, .stage = STAGE_SENT
    };
    f->wake_ns = time_min(f->wake_ns, due_ns);
}

/* The peer has this flood.  True when we had sent it there. */
static bool acknowledge(struct floods *f, int peer, int32_t row)
{
    const struct flood_state *s = f->state;

    for (int i = 0; i < s->unacked_count; i++) {
        int64_t due_ns = s->unacked[i].due_ns;

        if (s->unacked[i].row != row || s->unacked[i].peer != peer)
            continue;
        remove_unacked(f, i);
        if (due_ns <= f->wake_ns)
            flood_settled(f);
        return true;
    }
    return false;
}

void flood_say_seen(int peer, const struct flood_id *id, struct outbox *out)
{
    struct msg m; /* most of it is never looked at */

    m.type = MSG_SEEN;
    m.u.ids.count = 1;
    m.u.ids.list[0] = *id;
    outbox_push(out, peer, &m);
}

bool flood_is_seen(struct floods *f, const struct flood_id *id, int hops, int peer,
                   struct outbox *out)
{
    struct seen_row *row = flood_row(f, id);

    if (row == NULL)
        return false;
    f->past->counts.duplicates++;
    flood_alone_copy(f, row, peer);
    if (row->hops == row->ttl && hops < row->ttl)
        flood_recent_name(f, row, id, hops, peer, out);
    /* Where our own copy crosses this one, each is the answer to the other. */
    if (f->p->has_acks && !acknowledge(f, peer, (int32_t)(row - f->state->seen.rows)))
        flood_say_seen(peer, id, out);
    return true;
}

void flood_refuse(const struct floods *f, const struct flood_id *id, int peer,
                  struct outbox *out)
{
    if (f->p->has_acks)
        flood_say_seen(peer, id, out);
}

void flood_on_seen(struct floods *f, int peer, const struct msg_ids *m, int64_t now_ns,
                   struct outbox *out)
{
    struct flood_state *s = flood_state(f);
    struct msg_ids unknown;

    unknown.count = 0;
    for (int i = 0; i < m->count; i++) {
        int32_t row = seen_find(&s->seen, &m->list[i]);

        if (row >= 0)
            (void)acknowledge(f, peer, row);
        else
            unknown.list[unknown.count++] = m->list[i];
    }
    if (unknown.count > 0)
        flood_want(f, peer, &unknown, now_ns, out);
}

/* To those neighbours whose rate allows it; the others hear only that we have it.  They
 * would take it for an attack, and drop it. */
static int send_copies(struct floods *f, const struct msg *copy,
                       const struct flood_head *h, const int *active, int count,
                       int64_t now_ns, struct outbox *out)
{
    int to[OUTBOX_PEERS_MAX];
    int sent = 0;
    int32_t row = seen_find(&f->state->seen, &h->id);

    for (int i = 0; i < count; i++) {
        if (active[i] == h->peer)
            continue;
        if (bucket_take(&flood_traffic(f, active[i])->sends, f->p->link_rate, now_ns)) {
            to[sent++] = active[i];
            flood_hop_sent(f, row, active[i], now_ns);
        } else {
            flood_say_seen(active[i], &h->id, out);
            f->past->counts.held++;
        }
    }
    return outbox_push_all(out, to, sent, -1, copy);
}

int flood_forward(struct floods *f, const struct msg_flood *m, const struct flood_head *h,
                  const int *active, int count, int64_t now_ns, struct outbox *out)
{
    struct msg copy;
    int sent = 0;

    assert(count <= OUTBOX_PEERS_MAX);
    copy.type = MSG_FLOOD;
    copy.u.flood = *m;
    if (h->peer >= 0)
        copy.u.flood.hops = (uint8_t)(m->hops + 1);
    if (h->peer < 0 || (m->hops < h->ttl && m->hops < f->p->forward_max)) {
        sent = send_copies(f, &copy, h, active, count, now_ns, out);
    }
    flood_recent_keep(f, &copy.u.flood, h, now_ns);
    if (h->peer >= 0 && f->p->has_acks)
        flood_say_seen(h->peer, &h->id, out);
    f->past->counts.sent += (uint32_t)sent;
    return sent;
}

void flood_set_active(struct floods *f, const int *active, int count, int64_t now_ns,
                      struct outbox *out)
{
    uint64_t is_active[2] = { 0 };

    for (int i = 0; i < count; i++)
        is_active[active[i] / 64] |= UINT64_C(1) << active[i] % 64;
    for (int k = 0; k < f->slots.count; k++) {
        struct flood_link *link = &f->links[k];
        bool is_now = (is_active[link->slot / 64] >> link->slot % 64 & 1) != 0;

        if (is_now && !link->is_neighbour)
            flood_offer(f, link->slot, now_ns, out);
        link->is_neighbour = is_now;
    }
}

/* A copy got no answer in time.  A peer that was heard meanwhile is just not answering;
 * its link is as good as before. */
static void suspect(struct floods *f, int peer, int64_t now_ns, struct outbox *out)
{
    struct flood_traffic *t = flood_link(f, peer)->traffic;
    int64_t patience_ns = flood_patience_ns(f, peer);

    f->past->counts.unanswered++;
    if (t->suspect_ns != 0 || f->liveness == NULL ||
        now_ns - liveness_heard_ns(f->liveness, peer) < patience_ns)
        return;
    liveness_doubt(f->liveness, peer);
    t->pinged_ns = now_ns;
    t->suspect_ns = now_ns + f->p->dead_waits * patience_ns;
    f->state->suspects++;
    outbox_push_ping(out, peer, MSG_PING, UINT32_MAX);
}

static void look_at_suspect(struct floods *f, int peer, int64_t now_ns)
{
    struct flood_link *link = flood_link(f, peer);
    struct flood_traffic *t = link->traffic;
    bool is_heard = liveness_heard_ns(f->liveness, peer) > t->pinged_ns;

    if (t->suspect_ns == 0 || (!is_heard && now_ns < t->suspect_ns))
        return;
    if (!is_heard && now_ns - t->suspect_ns > flood_patience_ns(f, peer)) {
        t->suspect_ns = now_ns + flood_patience_ns(f, peer);
        return; /* this process was stopped: the answer may wait to be read */
    }
    t->suspect_ns = 0;
    f->state->suspects--;
    if (is_heard || link->is_dead)
        return;
    link->is_dead = true;
    f->marks++;
    f->past->counts.silent++;
}

static void set_due(struct floods *f, struct flood_unacked *u, enum flood_stage stage,
                    int64_t due_ns)
{
    u->stage = (uint8_t)stage;
    u->due_ns = due_ns;
    f->wake_ns = time_min(f->wake_ns, due_ns);
}

/* The first deadline of a copy.  False when the other one has passed as well. */
static bool be_late(struct floods *f, struct flood_unacked *u, int64_t now_ns)
{
    int64_t early_ns = late_ns(f, u->peer);
    int64_t left_ns = flood_patience_ns(f, u->peer) - early_ns;
    int64_t since_ns = now_ns - u->due_ns;

    if (since_ns >= left_ns)
        return false;
    if (u->stage == STAGE_SENT && since_ns > EXCUSE_NS) {
        set_due(f, u, STAGE_EXCUSED, now_ns + EXCUSE_NS);
        return true; /* the answer may wait to be read */
    }
    set_due(f, u, STAGE_LATE, now_ns + left_ns - since_ns);
    if (now_ns - liveness_heard_ns(f->liveness, u->peer) < early_ns)
        return true;
    liveness_late(f->liveness, u->peer);
    flood_alarm(f, now_ns);
    return true;
}

static void look_at_copies(struct floods *f, int64_t now_ns, struct outbox *out)
{
    struct flood_state *s = f->state;

    for (int i = s->unacked_count - 1; i >= 0; i--) {
        struct flood_unacked *u = &s->unacked[i];
        int peer = u->peer;

        if (u->due_ns > now_ns) {
            f->wake_ns = time_min(f->wake_ns, u->due_ns);
            continue;
        }
        if (u->stage != STAGE_LATE && f->liveness != NULL && be_late(f, u, now_ns))
            continue;
        remove_unacked(f, i);
        suspect(f, peer, now_ns, out);
    }
}

int64_t flood_wake_ns(const struct floods *f)
{
    return f->wake_ns;
}

void flood_wake(struct floods *f, int64_t now_ns, struct outbox *out)
{
    if (now_ns < f->wake_ns)
        return;
    f->wake_ns = TIME_NEVER;
    if (f->state == NULL)
        return;
    for (int k = 0; k < f->slots.count && f->state->suspects > 0; k++) {
        if (f->links[k].traffic != NULL)
            look_at_suspect(f, f->links[k].slot, now_ns);
    }
    look_at_copies(f, now_ns, out);
    for (int k = 0; k < f->slots.count && f->state->suspects > 0; k++) {
        const struct flood_traffic *t = f->links[k].traffic;

        if (t != NULL && t->suspect_ns != 0)
            f->wake_ns = time_min(f->wake_ns, t->suspect_ns);
    }
    f->wake_ns = time_min(f->wake_ns, flood_wanted_wake(f, now_ns, out));
}
