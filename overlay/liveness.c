/* SPDX-License-Identifier: MIT */
#include "overlay/liveness.h"

#include <assert.h>

#define UNIT_BITS 10 /* of sent and rtt */

#define VARIANCE_BITS 26

static_assert(sizeof(struct liveness_peer) <= 48, "a link costs little");

struct liveness_params liveness_params_default(void)
{
    return (struct liveness_params){
        .peers_max = 64,
        .idle_ns = 10 * NS_PER_S,
        .leave_ns = NS_PER_S,
        .early_ns = NS_PER_S / 2,
        .measure_ns = 120 * NS_PER_S,
        .timeout_min_ns = NS_PER_S,
        .timeout_max_ns = 10 * NS_PER_S,
        .timeout_rtts = 4,
        .grain_ns = 50 * NS_PER_MS,
        .phi_suspect_milli = 8000,
        .suspect_min_ns = 8 * NS_PER_S,
        .suspect_max_ns = 20 * NS_PER_S,
        .probe_ns = 1500 * NS_PER_MS,
        .probes_max = 3,
        .late_min_ns = 100 * NS_PER_MS,
        .late_half_rtts = 3,
        .health_max = 7,
        .health_ns = 10 * NS_PER_S,
        .ping_rate = { NS_PER_S / 2, 10 },
        .phi = { .window = 200,
                 .mean_first_ns = 10 * NS_PER_S,
                 .sigma_first_ns = NS_PER_S / 2,
                 .sigma_min_ns = 100 * NS_PER_MS },
    };
}

void liveness_init(struct liveness *l, const struct liveness_params *p, struct heap *heap)
{
    assert(p->peers_max > 0 && p->idle_ns > 0 && p->measure_ns > 0);
    assert(p->timeout_min_ns > 0 && p->timeout_max_ns >= p->timeout_min_ns);
    assert(p->phi.window < UINT8_MAX && p->suspect_min_ns <= p->suspect_max_ns &&
           p->health_max >= 0 && p->health_max <= UINT8_MAX);
    *l = (struct liveness){ .p = p, .heap = heap, .wake_ns = TIME_NEVER };
}

void liveness_finish(struct liveness *l)
{
    sparse_clear(&l->slots, l->heap, l->peers, sizeof(*l->peers));
    *l = (struct liveness){ .wake_ns = TIME_NEVER };
}

/* NULL: no peer in this slot. */
static struct liveness_peer *find(const struct liveness *l, int peer)
{
    return sparse_has(&l->slots, peer) ? &l->peers[sparse_place(&l->slots, peer)] : NULL;
}

static struct liveness_peer *at(const struct liveness *l, int peer)
{
    assert(sparse_has(&l->slots, peer));
    return &l->peers[sparse_place(&l->slots, peer)];
}

static bool is_up(const struct liveness_peer *x)
{
    return x->mood != LIVENESS_DEAD && x->mood != LIVENESS_TAKEN;
}

static void set_next(struct liveness *l, struct liveness_peer *x, int64_t at_ns)
{
    x->next_ns = at_ns;
    l->wake_ns = time_min(l->wake_ns, at_ns);
}

static void find_wake(struct liveness *l)
{
    l->wake_ns = TIME_NEVER;
    for (int k = 0; k < l->slots.count; k++) {
        if (is_up(&l->peers[k]))
            l->wake_ns = time_min(l->wake_ns, l->peers[k].next_ns);
    }
}

/* A deadline is no more.  The next wake is for the first of the rest, and not in vain. */
static void unset_next(struct liveness *l, struct liveness_peer *x)
{
    bool was_first = x->next_ns <= l->wake_ns;

    x->next_ns = TIME_NEVER;
    if (was_first)
        find_wake(l);
}

/* Each change of mood passes here, so that the counts are right. */
static void set_mood(struct liveness *l, struct liveness_peer *x, enum liveness_mood mood)
{
    l->dead_count += (mood == LIVENESS_DEAD) - (x->mood == LIVENESS_DEAD);
    if (mood != LIVENESS_SUSPECT && x->has_question) {
        l->question_count--;
        x->has_question = 0;
    }
    x->mood = (uint8_t)mood;
}

static void trust(struct liveness *l, struct liveness_peer *x)
{
    l->doubt_count = (int16_t)(l->doubt_count - (x->is_doubted || x->is_late));
    x->is_doubted = 0;
    x->is_late = 0;
}

void liveness_peer_up(struct liveness *l, int peer, bool is_ours, int64_t now_ns)
{
    struct liveness_peer *x;

    assert(peer >= 0 && peer < l->p->peers_max);
    l->peers = sparse_add(&l->slots, l->heap, l->peers, peer, sizeof(*l->peers));
    x = at(l, peer);
    *x = (struct liveness_peer){ .slot = (uint8_t)peer,
                                 .mood = LIVENESS_WELL,
                                 .heard_ns = now_ns,
                                 .is_ours = is_ours };
    set_next(l, x, now_ns); /* measure at once */
}

void liveness_peer_down(struct liveness *l, int peer)
{
    struct liveness_peer *x = at(l, peer);

    trust(l, x);
    set_mood(l, x, LIVENESS_TAKEN);
    unset_next(l, x);
    l->peers = sparse_remove(&l->slots, l->heap, l->peers, peer, sizeof(*l->peers));
}

static uint32_t unit_of(int64_t ns)
{
    return (uint32_t)((uint64_t)ns >> UNIT_BITS);
}

/* How long ago the newest PING left. */
static int64_t asked_ago_ns(const struct liveness_peer *x, int64_t now_ns)
{
    uint32_t sent = x->sent[(x->seq - 1U) % LIVENESS_SENT_MAX];

    return (int64_t)(uint32_t)(unit_of(now_ns) - sent) << UNIT_BITS;
}

static int64_t quiet_until(const struct liveness *l, const struct liveness_peer *x,
                           int64_t now_ns)
{
    int64_t leave_ns = x->is_ours ? 0 : l->p->leave_ns;

    return time_min(x->heard_ns + l->p->idle_ns + leave_ns,
                    now_ns + l->p->measure_ns - asked_ago_ns(x, now_ns));
}

/* A number that is not negative, in 32 bits: its upper VARIANCE_BITS, and how many are
 * missing below them.  A root in each sample would cost more than all the rest of it. */
static uint32_t pack_variance(int64_t v)
{
    int below = 64 - VARIANCE_BITS - __builtin_clzll((uint64_t)v | 1);

    if (below <= 0)
        return (uint32_t)v << 6;
    return (uint32_t)(v >> below) << 6 | (uint32_t)below;
}

static int64_t unpack_variance(uint32_t packed)
{
    return (int64_t)((uint64_t)(packed >> 6) << (packed & 63));
}

static struct phi unpack(const struct liveness *l, const struct liveness_peer *x)
{
    struct phi p;

    phi_init(&p, &l->p->phi);
    if (x->gaps > 0)
        p = (struct phi){ .mean_ns = x->gap_mean_us * NS_PER_US,
                          .variance_us2 = unpack_variance(x->gap_variance),
                          .gaps = x->gaps };
    return p;
}

static void sample(struct liveness *l, struct liveness_peer *x, int64_t gap_ns)
{
    struct phi p = unpack(l, x);

    phi_add(&p, &l->p->phi, gap_ns);
    x->gap_mean_us = (uint32_t)time_min(p.mean_ns / NS_PER_US, UINT32_MAX);
    x->gap_variance = pack_variance(p.variance_us2);
    x->gaps = (uint8_t)time_min(p.gaps, UINT8_MAX);
}

void liveness_heard(struct liveness *l, int peer, int64_t now_ns)
{
    struct liveness_peer *x = find(l, peer);
    int64_t silence_ns;

    if (x == NULL || x->mood == LIVENESS_TAKEN)
        return;
    silence_ns = now_ns - x->heard_ns;
    x->heard_ns = now_ns;
    if (silence_ns >= l->p->grain_ns)
        sample(l, x, silence_ns);
    trust(l, x);
    if (x->mood == LIVENESS_WELL)
        return; /* its deadline is looked at when it comes */
    set_mood(l, x, LIVENESS_WELL);
    x->tries = 0;
    x->vouched = 0;
    unset_next(l, x);
    set_next(l, x, quiet_until(l, x, now_ns));
}

static int64_t rtts(const struct liveness_peer *x, int times)
{
    return x->has_rtt ? ((int64_t)x->rtt << UNIT_BITS) * times : 0;
}

static int64_t max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t timeout_ns(const struct liveness *l, const struct liveness_peer *x)
{
    int64_t wait = max(rtts(x, l->p->timeout_rtts), l->p->timeout_min_ns);

    return time_min(wait, l->p->timeout_max_ns);
}

static int64_t patient(const struct liveness *l, int64_t ns)
{
    return ns * (1 + l->health);
}

static void ping(struct liveness *l, int peer, int64_t now_ns, struct outbox *out)
{
    struct liveness_peer *x = at(l, peer);
    unsigned place = x->seq % LIVENESS_SENT_MAX;

    x->sent[place] = unit_of(now_ns);
    x->open = (x->open | 1U << place) & 3U;
    outbox_push_ping(out, peer, MSG_PING, x->seq++);
    x->tries = x->tries < UINT8_MAX ? (uint8_t)(x->tries + 1) : x->tries;
}

/* Smoothed as by RFC 6298 section 2.  An answer to any of the last PINGs counts: each has
 * a number of its own, so there is no doubt which one it answers. */
static void measure(struct liveness *l, struct liveness_peer *x, uint32_t seq,
                    int64_t now_ns)
{
    unsigned place = seq % LIVENESS_SENT_MAX;
    uint32_t newest = (uint32_t)x->seq + UINT16_MAX; /* one before the next */
    uint32_t took;

    if (((newest - seq) & UINT16_MAX) >= LIVENESS_SENT_MAX || seq > UINT16_MAX ||
        (x->open >> place & 1U) == 0) {
        l->stray++;
        return;
    }
    took = unit_of(now_ns) - x->sent[place];
    x->open = (uint8_t)(x->open & ~(1U << place)) & 3U;
    x->rtt = x->has_rtt ? (uint32_t)(x->rtt + ((int64_t)took - x->rtt) / 8) : took;
    x->has_rtt = 1;
}

void liveness_receive(struct liveness *l, int peer, const struct msg *m, int64_t now_ns,
                      struct outbox *out)
{
    struct liveness_peer *x = find(l, peer);

    if (x == NULL)
        return;
    liveness_heard(l, peer, now_ns);
    if (m->type == MSG_PING) {
        if (bucket_small_take(&x->pings, l->p->ping_rate, now_ns))
            outbox_push_ping(out, peer, MSG_PONG, m->u.ping.seq);
        else
            l->limited++;
    } else if (m->type == MSG_PONG) {
        measure(l, x, m->u.ping.seq, now_ns);
    }
}

void liveness_ask(struct liveness *l, int peer, int64_t now_ns, struct outbox *out)
{
    struct liveness_peer *x = find(l, peer);

    if (x == NULL || x->mood != LIVENESS_WELL)
        return;
    ping(l, peer, now_ns, out);
    set_mood(l, x, LIVENESS_ASKED);
    unset_next(l, x);
    set_next(l, x, now_ns + patient(l, timeout_ns(l, x)));
}

void liveness_doubt(struct liveness *l, int peer)
{
    struct liveness_peer *x = find(l, peer);

    if (x == NULL || !is_up(x) || x->is_doubted)
        return;
    l->doubt_count = (int16_t)(l->doubt_count + !x->is_late);
    x->is_doubted = 1;
    l->has_doubts = true;
}

bool liveness_is_doubted(const struct liveness *l, int peer)
{
    const struct liveness_peer *x = find(l, peer);

    return x != NULL && x->is_doubted;
}

void liveness_late(struct liveness *l, int peer)
{
    struct liveness_peer *x = find(l, peer);

    if (x == NULL || !is_up(x) || x->is_late)
        return;
    l->doubt_count = (int16_t)(l->doubt_count + !x->is_doubted);
    x->is_late = 1;
    l->has_doubts = true;
}

bool liveness_is_late(const struct liveness *l, int peer)
{
    const struct liveness_peer *x = find(l, peer);

    return x != NULL && x->is_late;
}

int64_t liveness_late_ns(const struct liveness *l, int peer)
{
    const struct liveness_peer *x = find(l, peer);

    return max(x == NULL ? 0 : rtts(x, l->p->late_half_rtts) / 2, l->p->late_min_ns);
}

bool liveness_take_doubts(struct liveness *l)
{
    bool had = l->has_doubts;

    l->has_doubts = false;
    return had;
}

void liveness_held_up(struct liveness *l, int64_t for_ns, int64_t now_ns)
{
    if (l->health < l->p->health_max)
        l->health++;
    l->health_ns = now_ns;
    for (int k = 0; k < l->slots.count; k++) {
        struct liveness_peer *x = &l->peers[k];

        if (!is_up(x))
            continue;
        x->heard_ns = time_min(now_ns, x->heard_ns + for_ns);
        if (x->mood != LIVENESS_WELL)
            x->next_ns = max(x->next_ns, now_ns + timeout_ns(l, x));
    }
}

int64_t liveness_wake_ns(const struct liveness *l)
{
    return l->wake_ns;
}

int64_t liveness_phi_milli(const struct liveness *l, int peer, int64_t now_ns)
{
    const struct liveness_peer *x = at(l, peer);
    struct phi p = unpack(l, x);

    return phi_milli(&p, &l->p->phi, now_ns - x->heard_ns, rtts(x, 2) / 4);
}

static bool is_suspicious(const struct liveness *l, int peer, int64_t now_ns)
{
    int64_t silence_ns = now_ns - at(l, peer)->heard_ns;

    if (silence_ns < patient(l, l->p->suspect_min_ns))
        return false;
    return silence_ns >= patient(l, l->p->suspect_max_ns) ||
           liveness_phi_milli(l, peer, now_ns) >= l->p->phi_suspect_milli;
}

static void die(struct liveness *l, struct liveness_peer *x)
{
    set_mood(l, x, LIVENESS_DEAD);
    l->dead++;
}

/* The answer to a PING is late. */
static void wait_on(struct liveness *l, int peer, int64_t now_ns, struct outbox *out)
{
    struct liveness_peer *x = at(l, peer);

    if (!is_suspicious(l, peer, now_ns)) {
        ping(l, peer, now_ns, out);
        set_next(l, x, now_ns + timeout_ns(l, x));
    } else if (l->p->probe_ns == 0) {
        die(l, x);
    } else {
        ping(l, peer, now_ns, out);
        set_mood(l, x, LIVENESS_SUSPECT);
        x->has_question = 1;
        l->question_count++;
        l->suspected++;
        set_next(l, x, now_ns + patient(l, l->p->probe_ns));
    }
}

static void expire(struct liveness *l, struct liveness_peer *x, int64_t now_ns,
                   struct outbox *out)
{
    switch ((enum liveness_mood)x->mood) {
    case LIVENESS_WELL:
        liveness_ask(l, x->slot, now_ns, out);
        break;
    case LIVENESS_ASKED:
        wait_on(l, x->slot, now_ns, out);
        break;
    case LIVENESS_SUSPECT:
        die(l, x);
        break;
    case LIVENESS_DEAD:
    case LIVENESS_TAKEN:
        break;
    }
}

static void recover(struct liveness *l, int64_t now_ns)
{
    if (l->health == 0 || now_ns - l->health_ns < l->p->health_ns)
        return;
    l->health--;
    l->health_ns = now_ns;
}

/* Who will be asked soon is asked together with others: one wake for all, instead of one
 * for each. */
static bool is_due(const struct liveness *l, const struct liveness_peer *x,
                   int64_t now_ns)
{
    if (x->mood == LIVENESS_WELL)
        now_ns += l->p->early_ns;
    return is_up(x) && x->next_ns <= now_ns;
}

void liveness_wake(struct liveness *l, int64_t now_ns, struct outbox *out)
{
    if (l->wake_ns > now_ns)
        return;
    recover(l, now_ns);
    for (int k = 0; k < l->slots.count; k++) {
        struct liveness_peer *x = &l->peers[k];

        /* What was heard has put it off; so the next wake is no earlier than it must. */
        if (x->mood == LIVENESS_WELL && x->seq > 0)
            x->next_ns = quiet_until(l, x, now_ns);
        if (is_due(l, x, now_ns))
            expire(l, x, now_ns, out);
    }
    find_wake(l);
}

bool liveness_take_dead(struct liveness *l, int *peer)
{
    for (int k = 0; k < l->slots.count && l->dead_count > 0; k++) {
        struct liveness_peer *x = &l->peers[k];

        if (x->mood == LIVENESS_DEAD) {
            set_mood(l, x, LIVENESS_TAKEN);
            *peer = x->slot;
            return true;
        }
    }
    return false;
}

bool liveness_take_question(struct liveness *l, int *peer)
{
    for (int k = 0; k < l->slots.count && l->question_count > 0; k++) {
        struct liveness_peer *x = &l->peers[k];

        if (x->has_question) {
            x->has_question = 0;
            l->question_count--;
            *peer = x->slot;
            return true;
        }
    }
    return false;
}

void liveness_vouch(struct liveness *l, int peer, int64_t now_ns)
{
    struct liveness_peer *x = find(l, peer);

    if (x == NULL || x->mood != LIVENESS_SUSPECT || x->vouched >= l->p->probes_max)
        return;
    /* Only the way between us is cut: a link that is of no use for long still goes. */
    x->vouched++;
    l->vouched++;
    set_mood(l, x, LIVENESS_ASKED);
    set_next(l, x, now_ns + patient(l, l->p->suspect_min_ns));
}

int64_t liveness_rtt_ns(const struct liveness *l, int peer)
{
    const struct liveness_peer *x = find(l, peer);

    return x != NULL && is_up(x) && x->has_rtt ? rtts(x, 1) : -1;
}

int64_t liveness_heard_ns(const struct liveness *l, int peer)
{
    return at(l, peer)->heard_ns;
}
