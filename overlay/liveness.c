/* SPDX-License-Identifier: MIT */
#include "overlay/liveness.h"

#include <assert.h>

#define ROOM_FIRST 8

struct liveness_params liveness_params_default(void)
{
    return (struct liveness_params){
        .peers_max = 64,
        .idle_ns = 5 * NS_PER_S,
        .measure_ns = 30 * NS_PER_S,
        .timeout_min_ns = NS_PER_S,
        .timeout_max_ns = 10 * NS_PER_S,
        .timeout_rtts = 4,
        .tries = 3,
        .ping_rate = { NS_PER_S / 2, 10 },
    };
}

void liveness_init(struct liveness *l, const struct liveness_params *p, struct heap *heap)
{
    assert(p->peers_max > 0 && p->tries > 0 && p->idle_ns > 0 && p->measure_ns > 0);
    assert(p->timeout_min_ns > 0 && p->timeout_max_ns >= p->timeout_min_ns);
    *l = (struct liveness){ .p = p, .heap = heap, .wake_ns = TIME_NEVER };
}

void liveness_finish(struct liveness *l)
{
    heap_give(l->heap, l->peers, (size_t)l->room, sizeof(*l->peers));
    *l = (struct liveness){ .wake_ns = TIME_NEVER };
}

static struct liveness_peer *at(const struct liveness *l, int peer)
{
    assert(peer >= 0 && peer < l->room);
    return &l->peers[peer];
}

static void make_row(struct liveness *l, int peer)
{
    int room = l->room;

    assert(peer >= 0 && peer < l->p->peers_max);
    while (room <= peer)
        room = room == 0 ? ROOM_FIRST : 2 * room;
    if (room == l->room)
        return;
    l->peers = heap_resize(l->heap, l->peers, (size_t)l->room, (size_t)room,
                           sizeof(*l->peers));
    l->room = room;
}

void liveness_peer_up(struct liveness *l, int peer, int64_t now_ns)
{
    struct liveness_peer *x;

    make_row(l, peer);
    x = at(l, peer);
    assert(!x->is_up);
    l->wake_ns = time_min(l->wake_ns, now_ns);
    *x = (struct liveness_peer){ .is_up = true,
                                 .heard_ns = now_ns,
                                 .next_ns = now_ns, /* measure at once */
                                 .asked_ns = now_ns,
                                 .rtt_ns = -1,
                                 .rtt_min_ns = -1 };
    for (int i = 0; i < LIVENESS_SENT_MAX; i++)
        x->sent_ns[i] = -1;
}

void liveness_peer_down(struct liveness *l, int peer)
{
    l->dead_count -= at(l, peer)->is_dead && !at(l, peer)->is_taken;
    *at(l, peer) = (struct liveness_peer){ .is_up = false };
}

static int64_t quiet_until(const struct liveness *l, const struct liveness_peer *x)
{
    return time_min(x->heard_ns + l->p->idle_ns, x->asked_ns + l->p->measure_ns);
}

void liveness_heard(struct liveness *l, int peer, int64_t now_ns)
{
    struct liveness_peer *x = at(l, peer);

    if (!x->is_up || x->is_taken)
        return;
    x->heard_ns = now_ns;
    x->tries = 0;
    l->dead_count -= x->is_dead;
    x->is_dead = false;
    x->next_ns = quiet_until(l, x);
    l->wake_ns = time_min(l->wake_ns, x->next_ns);
}

static int64_t timeout_ns(const struct liveness *l, const struct liveness_peer *x)
{
    int64_t wait = x->rtt_ns < l->p->timeout_max_ns ? x->rtt_ns * l->p->timeout_rtts
                                                    : l->p->timeout_max_ns;

    if (wait < l->p->timeout_min_ns)
        return l->p->timeout_min_ns;
    return time_min(wait, l->p->timeout_max_ns);
}

static void ping(struct liveness *l, int peer, int64_t now_ns, struct outbox *out)
{
    struct liveness_peer *x = at(l, peer);
    struct msg m = { .type = MSG_PING };

    x->sent_ns[x->seq % LIVENESS_SENT_MAX] = now_ns;
    m.u.ping.seq = x->seq++;
    x->asked_ns = now_ns;
    x->next_ns = now_ns + timeout_ns(l, x);
    outbox_push(out, peer, &m);
}

/* Smoothed as by RFC 6298 section 2.  An answer to any of the last PINGs counts: each has
 * a number of its own, so there is no doubt which one it answers. */
static void measure(struct liveness *l, struct liveness_peer *x, uint32_t seq,
                    int64_t now_ns)
{
    int64_t *sent = &x->sent_ns[seq % LIVENESS_SENT_MAX];
    int64_t sample;

    if ((uint32_t)(x->seq - 1 - seq) >= LIVENESS_SENT_MAX || *sent < 0) {
        l->stray++;
        return;
    }
    sample = now_ns - *sent;
    *sent = -1;
    x->rtt_ns = x->rtt_ns < 0 ? sample : x->rtt_ns + (sample - x->rtt_ns) / 8;
    x->rtt_min_ns = x->rtt_min_ns < 0 ? sample : time_min(x->rtt_min_ns, sample);
}

void liveness_receive(struct liveness *l, int peer, const struct msg *m, int64_t now_ns,
                      struct outbox *out)
{
    struct liveness_peer *x = at(l, peer);

    if (!x->is_up)
        return;
    liveness_heard(l, peer, now_ns);
    if (m->type == MSG_PING) {
        struct msg pong = { .type = MSG_PONG, .u.ping = m->u.ping };

        if (bucket_take(&x->pings, l->p->ping_rate, now_ns))
            outbox_push(out, peer, &pong);
        else
            l->limited++;
    } else if (m->type == MSG_PONG) {
        measure(l, x, m->u.ping.seq, now_ns);
    }
}

int64_t liveness_wake_ns(const struct liveness *l)
{
    return l->wake_ns;
}

static void plan(struct liveness *l)
{
    l->wake_ns = TIME_NEVER;
    for (int i = 0; i < l->room; i++) {
        if (l->peers[i].is_up && !l->peers[i].is_dead)
            l->wake_ns = time_min(l->wake_ns, l->peers[i].next_ns);
    }
}

void liveness_wake(struct liveness *l, int64_t now_ns, struct outbox *out)
{
    if (l->wake_ns > now_ns)
        return;
    for (int i = 0; i < l->room; i++) {
        struct liveness_peer *x = &l->peers[i];
        /* We were held up: the answer may lie unread, so nobody is judged now. */
        bool is_late = now_ns - x->next_ns > l->p->timeout_min_ns;

        if (!x->is_up || x->is_dead || x->next_ns > now_ns)
            continue;
        if (x->tries >= l->p->tries && !is_late) {
            x->is_dead = true;
            l->dead_count++;
            l->dead++;
            continue;
        }
        if (x->tries < l->p->tries)
            x->tries++;
        ping(l, i, now_ns, out);
    }
    plan(l);
}

bool liveness_take_dead(struct liveness *l, int *peer)
{
    for (int i = 0; i < l->room && l->dead_count > 0; i++) {
        if (l->peers[i].is_dead && !l->peers[i].is_taken) {
            l->peers[i].is_taken = true;
            l->dead_count--;
            *peer = i;
            return true;
        }
    }
    return false;
}

int64_t liveness_rtt_ns(const struct liveness *l, int peer)
{
    const struct liveness_peer *x = at(l, peer);

    return x->is_up ? x->rtt_ns : -1;
}

int64_t liveness_heard_ns(const struct liveness *l, int peer)
{
    return at(l, peer)->heard_ns;
}
