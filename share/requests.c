/* SPDX-License-Identifier: MIT */
#include "share/requests.h"

#include <assert.h>

#include "base/time.h"
#include "share/bitmap.h"
#include "share/fetch.h"
#include "share/have.h"
#include "share/picker.h"

#define REQUESTS_FIRST 8 /* rows of the first queue */

/* --- the state of a block ---------------------------------------------------- */

void requests_want(struct share_song *g, int block)
{
    assert(!bitmap_has(g->wanted, block));
    bitmap_set(g->wanted, block);
    g->wanted_count++;
}

/* The place of a block in a peer's requests, or -1. */
static int asked_of(const struct share_peer *p, int song, int block)
{
    for (int i = 0; i < p->request_count; i++) {
        if (p->requests[i].song == song && p->requests[i].block == block)
            return i;
    }
    return -1;
}

bool requests_is_asked(const struct swarm *s, int song, int block)
{
    for (int p = 0; p < s->peer_room; p++) {
        if (asked_of(&s->peers[p], song, block) >= 0)
            return true;
    }
    return false;
}

static void append(struct swarm *s, int peer, int song, int block, int64_t now_ns)
{
    struct share_peer *p = &s->peers[peer];

    assert(p->request_count < s->params->pipeline_max);
    if (p->request_count == p->request_room) {
        int room = p->request_room == 0 ? REQUESTS_FIRST : 2 * p->request_room;

        p->requests = heap_resize(s->heap, p->requests, (size_t)p->request_room,
                                  (size_t)room, sizeof(*p->requests));
        p->request_room = room;
    }
    p->requests[p->request_count++] = (struct share_request){
        .song = song, .block = block, .sent_ns = now_ns, .delivered = p->delivered
    };
    s->request_total++;
}

/* Take one request away.  True when nobody else is asked for its block, which then is in
 * no state. */
static bool take_away(struct swarm *s, int peer, int i)
{
    struct share_peer *p = &s->peers[peer];
    struct share_request r = p->requests[i];
    struct share_song *g = &s->songs[r.song];

    assert(i >= 0 && i < p->request_count);
    p->request_count--;
    memmove(&p->requests[i], &p->requests[i + 1],
            (size_t)(p->request_count - i) * sizeof(p->requests[0]));
    if (i < p->sent_count)
        p->sent_count--;
    s->request_total--;
    if (g->doubled > 0 && requests_is_asked(s, r.song, r.block)) {
        g->doubled--;
        return false;
    }
    g->asked_count--;
    return true;
}

/* Take one request away, and want its block again. */
static void give_up(struct swarm *s, int peer, int i)
{
    struct share_request r = s->peers[peer].requests[i];

    if (take_away(s, peer, i))
        requests_want(&s->songs[r.song], r.block);
}

void requests_release(struct swarm *s, int peer, int song, struct outbox *out)
{
    struct share_peer *p = &s->peers[peer];
    struct share_list cancel;

    share_list_init(&cancel, out, peer, MSG_CANCEL);
    for (int i = p->request_count - 1; i >= 0; i--) {
        struct share_request r = p->requests[i];

        if (song >= 0 && r.song != song)
            continue;
        if (out != NULL && i < p->sent_count)
            share_list_add(&cancel, &s->songs[r.song].id, r.block);
        give_up(s, peer, i);
    }
    share_list_end(&cancel);
}

void requests_give(struct swarm *s, int peer)
{
    struct share_peer *p = &s->peers[peer];

    heap_give(s->heap, p->requests, (size_t)p->request_room, sizeof(*p->requests));
    p->requests = NULL;
    p->request_room = 0;
    p->request_count = 0;
}

void requests_cancel(struct swarm *s, int song, int block, struct outbox *out)
{
    for (int peer = 0; peer < s->peer_room; peer++) {
        int i = asked_of(&s->peers[peer], song, block);
        struct share_list cancel;

        if (i < 0)
            continue;
        (void)take_away(s, peer, i);
        share_list_init(&cancel, out, peer, MSG_CANCEL);
        share_list_add(&cancel, &s->songs[song].id, block);
        share_list_end(&cancel);
    }
}

/* --- what a peer can do ------------------------------------------------------ */

/* RFC 6298, with the time from WANT to BLOCK for the round trip. */
static void measure(struct share_peer *p, const struct share_request *r, int64_t now_ns)
{
    int64_t took = now_ns > r->sent_ns ? now_ns - r->sent_ns : 1;
    int64_t blocks = p->delivered - r->delivered;
    int64_t rate = mul_div(blocks * BLOCK_SIZE, NS_PER_S, took);

    if (p->latency_ns == 0) {
        p->latency_ns = took;
        p->latency_var_ns = took / 2;
        p->latency_min_ns = took;
        p->rate = rate;
        return;
    }
    int64_t off = took > p->latency_ns ? took - p->latency_ns : p->latency_ns - took;

    p->latency_var_ns += (off - p->latency_var_ns) / 4;
    p->latency_ns += (took - p->latency_ns) / 8;
    p->latency_min_ns = time_min(p->latency_min_ns, took);
    p->rate += (rate - p->rate) / 8;
}

bool requests_answered(struct swarm *s, int peer, int song, int block, int64_t now_ns)
{
    struct share_peer *p = &s->peers[peer];
    int i = asked_of(p, song, block);

    if (i < 0)
        return false;
    struct share_request r = p->requests[i];

    (void)take_away(s, peer, i);
    p->delivered++;
    p->progress_ns = now_ns;
    p->failures = 0;
    measure(p, &r, now_ns);
    return true;
}

/* How many blocks may be asked of it at once. */
static int depth(const struct swarm *s, const struct share_peer *p, int64_t now_ns)
{
    int64_t n;
    int64_t wait;

    if (!p->is_up || p->is_banned || p->hold_ns > now_ns)
        return 0;
    if (p->failures > 0)
        return 1; /* on probation until a block comes */
    /* A quarter more than a round trip lets a long line fill, as each step asks for more.
     */
    wait = p->latency_min_ns + p->latency_min_ns / 4;
    if (wait < s->params->pipeline_ns)
        wait = s->params->pipeline_ns;
    n = mul_div(p->rate, wait, NS_PER_S);
    n = n / BLOCK_SIZE + 1;
    if (p->rate == 0)
        return s->params->pipeline_first;
    return n > s->params->pipeline_max ? s->params->pipeline_max : (int)n;
}

/* Leave it alone for a while, each time for longer. */
static void hold(struct swarm *s, struct share_peer *p, int64_t now_ns)
{
    int64_t wait = s->params->hold_first_ns;

    for (int i = 0; i < p->failures && wait < s->params->hold_max_ns; i++)
        wait *= 2;
    p->failures++;
    p->hold_ns = now_ns + time_min(wait, s->params->hold_max_ns);
}

/* --- asking ------------------------------------------------------------------ */

static bool can_ask(const struct share_song *g, int64_t now_ns)
{
    return g->is_open && g->has_leaves && g->retry_ns <= now_ns;
}

/* A stretch of the play order: the head of the first song, its rest, the other songs. */
struct stretch {
    int song;
    int first;
    int end;
};

/* Stretch k of the play order.  False when there are no more. */
static bool get_stretch(const struct swarm *s, int k, struct stretch *t)
{
    const struct share_song *g;

    if (k > s->order_count || s->order_count == 0)
        return false;
    t->song = s->order[k == 0 ? 0 : k - 1];
    g = &s->songs[t->song];
    t->first = k == 1 ? g->head_blocks : 0;
    t->end = k == 0 ? g->head_blocks : g->blocks;
    return true;
}

/* What a picker may choose from in this stretch: anything that the peer has. */
static struct picker_range range_of(const struct swarm *s, int peer,
                                    const struct stretch *t)
{
    const struct share_song *g = &s->songs[t->song];

    return (struct picker_range){ .wanted = g->wanted,
                                  .has = g->have[peer].map,
                                  .copies = g->copies,
                                  .parts = 1,
                                  .first = t->first,
                                  .end = t->end };
}

/* Our place among the members that fetch this song, by name. */
static void set_part(const struct swarm *s, const struct share_song *g,
                     struct picker_range *r)
{
    for (int i = 0; i < s->peer_room && s->name != 0; i++) {
        const struct share_peer *p = &s->peers[i];

        if (!p->is_up || p->is_banned || p->failures > 0 || p->name == 0 ||
            !g->have[i].has_heard || g->have[i].count == g->blocks)
            continue;
        r->parts++;
        r->part += p->name < s->name ? 1 : 0;
    }
}

/* The block to ask the peer for in stretch k, or -1; with is_own only of the part that
 * falls to us. */
static int choose(struct swarm *s, int peer, int k, bool is_own, int64_t now_ns)
{
    struct stretch t;
    const struct share_song *g;
    struct picker_range r;

    if (!get_stretch(s, k, &t))
        return -1;
    g = &s->songs[t.song];
    if (!can_ask(g, now_ns) || g->wanted_count == 0 || g->have[peer].count == 0)
        return -1;
    r = range_of(s, peer, &t);
    if (is_own)
        set_part(s, g, &r);
    return picker_choose(&r, s->params->pick_sample, &s->rng);
}

/* Find the block to ask the peer for; the stretch, or -1 when it has nothing that is
 * wanted.
 *
 * Each member first takes its own part of what is wanted, one stretch ahead, so that they
 * seldom ask the host for the same: what it sends twice it sends later, and the rest can
 * be had from the others. */
static int find_block(struct swarm *s, int peer, int64_t now_ns, int *block)
{
    for (int k = 0; k <= s->order_count; k++) {
        for (int ahead = 0; ahead <= 1; ahead++) {
            *block = choose(s, peer, k + ahead, true, now_ns);
            if (*block >= 0)
                return k + ahead;
        }
        *block = choose(s, peer, k, false, now_ns);
        if (*block >= 0)
            return k;
    }
    return -1;
}

/* Ask the peer for one block more.  False when it has none that is wanted. */
static bool ask_one(struct swarm *s, int peer, int64_t now_ns)
{
    struct stretch t = { 0 };
    int block;
    int k = find_block(s, peer, now_ns, &block);

    if (k < 0 || !get_stretch(s, k, &t))
        return false;
    bitmap_clear(s->songs[t.song].wanted, block);
    s->songs[t.song].wanted_count--;
    s->songs[t.song].asked_count++;
    append(s, peer, t.song, block, now_ns);
    return true;
}

/* The peer with the shortest queue for what it can do, of those that are not in idle;
 * ties are broken by chance, so that not all members turn to the same one.  -1: all are
 * busy. */
static int least_queued(struct swarm *s, const uint64_t *idle, int64_t now_ns)
{
    int best = -1;
    int64_t best_depth = 1;
    int64_t best_count = 0;
    int ties = 0;

    for (int i = 0; i < s->peer_room; i++) {
        const struct share_peer *p = &s->peers[i];
        int64_t d = bitmap_has(idle, i) ? 0 : depth(s, p, now_ns);
        int64_t order;

        if (p->request_count >= d)
            continue;
        order = p->request_count * best_depth - best_count * d;
        ties = best < 0 || order < 0 ? 1 : ties + (order == 0 ? 1 : 0);
        if (best < 0 || order < 0 || (order == 0 && rng_below(&s->rng, ties) == 0)) {
            best = i;
            best_depth = d;
            best_count = p->request_count;
        }
    }
    return best;
}

/* When a request of the peer counts as late enough to ask another. */
static int64_t late_ns(const struct swarm *s, const struct share_peer *p,
                       const struct share_request *r)
{
    int64_t usual = 2 * p->latency_ns;

    return r->sent_ns + (usual > s->params->endgame_ns ? usual : s->params->endgame_ns);
}

static bool in_endgame(const struct swarm *s, const struct share_song *g, int64_t now_ns)
{
    int budget = g->blocks * s->params->endgame_percent / 100;

    return can_ask(g, now_ns) && g->wanted_count == 0 && g->asked_count > g->doubled &&
           g->doubled_ever < (budget > 2 ? budget : 2);
}

/* Ask a second peer for a block that is late at the first. */
static void ask_again(struct swarm *s, int song, int block, int64_t now_ns)
{
    struct share_song *g = &s->songs[song];
    uint64_t unfit[(SWARM_PEERS_MAX + 63) / 64] = { 0 };
    int peer;

    for (int p = 0; p < s->peer_room; p++) {
        if (!have_has(g, &g->have[p], block))
            bitmap_set(unfit, p);
        else if (asked_of(&s->peers[p], song, block) >= 0 || s->peers[p].failures > 0)
            bitmap_set(unfit, p);
    }
    peer = least_queued(s, unfit, now_ns);
    if (peer < 0)
        return;
    append(s, peer, song, block, now_ns);
    g->doubled++;
    g->doubled_ever++;
}

static bool is_doubled(const struct swarm *s, const struct share_request *r)
{
    int count = 0;

    for (int p = 0; p < s->peer_room && s->songs[r->song].doubled > 0; p++)
        count += asked_of(&s->peers[p], r->song, r->block) >= 0 ? 1 : 0;
    return count > 1;
}

static void endgame(struct swarm *s, int song, int64_t now_ns)
{
    for (int i = 0; i < s->peer_room; i++) {
        const struct share_peer *p = &s->peers[i];

        for (int n = 0; n < p->request_count; n++) {
            const struct share_request *r = &p->requests[n];

            if (!in_endgame(s, &s->songs[song], now_ns))
                return;
            if (r->song == song && late_ns(s, p, r) <= now_ns && !is_doubled(s, r))
                ask_again(s, song, r->block, now_ns);
        }
    }
}

/* Put on the wire what was added to the requests. */
static void send_wants(struct swarm *s, struct outbox *out)
{
    for (int i = 0; i < s->peer_room; i++) {
        struct share_peer *p = &s->peers[i];
        struct share_list want;

        share_list_init(&want, out, i, MSG_WANT);
        for (; p->sent_count < p->request_count; p->sent_count++) {
            const struct share_request *r = &p->requests[p->sent_count];

            share_list_add(&want, &s->songs[r->song].id, r->block);
        }
        share_list_end(&want);
    }
}

void requests_fill(struct swarm *s, int64_t now_ns, struct outbox *out)
{
    uint64_t idle[(SWARM_PEERS_MAX + 63) / 64] = { 0 };
    /* Half of the box is left to others.  A request is at most one message of 1 KiB. */
    int room = OUTBOX_ITEMS_MAX / 2 - out->count;
    int wanted = 0;

    static_assert(OUTBOX_BYTES_MAX / 2 >= OUTBOX_ITEMS_MAX / 2 * 1024, "room for WANTs");
    if (out->used > OUTBOX_BYTES_MAX / 2)
        room = 0;
    if (room <= 0) {
        s->fill_ns = now_ns + s->params->announce_ns;
        return;
    }
    s->fill_ns = TIME_NEVER;
    for (int i = 0; i < s->order_count; i++) {
        if (can_ask(&s->songs[s->order[i]], now_ns))
            wanted += s->songs[s->order[i]].wanted_count;
        if (in_endgame(s, &s->songs[s->order[i]], now_ns) && room > OUTBOX_ITEMS_MAX / 4)
            endgame(s, s->order[i], now_ns);
    }
    while (wanted > 0 && s->request_total < s->params->requests_max &&
           s->storing_total < s->params->stores_max) {
        int peer = least_queued(s, idle, now_ns);

        if (peer < 0)
            break;
        if (!ask_one(s, peer, now_ns)) {
            bitmap_set(idle, peer);
            continue;
        }
        wanted--;
        if (--room <= 0) {
            s->fill_ns = now_ns + 1;
            break;
        }
    }
    send_wants(s, out);
}

/* --- when they do not come --------------------------------------------------- */

void requests_refused(struct swarm *s, int peer, const struct msg_blocks *m,
                      int64_t now_ns)
{
    struct share_peer *p = &s->peers[peer];
    int song = share_find(s, &m->song);
    int hits = 0;

    for (int i = 0; i < m->count && song >= 0; i++) {
        int at;

        if (m->list[i] >= (uint32_t)s->songs[song].blocks)
            continue;
        have_lost(s, song, peer, (int)m->list[i]);
        at = asked_of(p, song, (int)m->list[i]);
        if (at >= 0) {
            give_up(s, peer, at);
            hits++;
        }
    }
    s->stats.refused += hits;
    if (hits > 0)
        hold(s, p, now_ns);
}

void requests_ban(struct swarm *s, int peer, const char *why, struct outbox *out)
{
    struct share_peer *p = &s->peers[peer];
    struct text line;

    if (p->is_banned)
        return;
    p->is_banned = true;
    p->owes_ban = true;
    requests_release(s, peer, -1, out);
    fetch_forget_peer(s, peer);
    line = log_begin(s->log, LOG_WARN, "share", "peer sends wrong data");
    log_int(&line, "peer", peer);
    log_text(&line, "what", why);
}

void requests_strike(struct swarm *s, int peer, struct outbox *out)
{
    s->stats.wrong++;
    if (++s->peers[peer].strikes >= s->params->strikes_max)
        requests_ban(s, peer, "block", out);
}

static int64_t timeout(const struct swarm *s, const struct share_peer *p)
{
    int64_t t = p->latency_ns + 4 * p->latency_var_ns;

    if (p->latency_ns == 0)
        return s->params->timeout_first_ns;
    if (t < s->params->timeout_min_ns)
        return s->params->timeout_min_ns;
    return time_min(t, s->params->timeout_max_ns);
}

/* When nothing at all has come from the peer for too long. */
static int64_t silent_ns(const struct swarm *s, const struct share_peer *p)
{
    int64_t since = p->requests[0].sent_ns;

    return (since > p->progress_ns ? since : p->progress_ns) + timeout(s, p);
}

/* When its oldest request was passed over for too long, while others were answered. */
static int64_t skipped_ns(const struct swarm *s, const struct share_peer *p)
{
    return p->requests[0].sent_ns + 3 * timeout(s, p);
}

/* The next moment at which an endgame request may be needed. */
static int64_t endgame_wake_ns(const struct swarm *s, int64_t now_ns)
{
    int64_t wake = TIME_NEVER;
    uint32_t ending = 0;

    for (int i = 0; i < s->order_count; i++) {
        if (in_endgame(s, &s->songs[s->order[i]], now_ns))
            ending |= UINT32_C(1) << s->order[i];
    }
    for (int i = 0; i < s->peer_room && ending != 0; i++) {
        const struct share_peer *p = &s->peers[i];

        for (int n = 0; n < p->request_count; n++) {
            int64_t at = late_ns(s, p, &p->requests[n]);

            if ((ending >> p->requests[n].song & 1) && at > now_ns)
                wake = time_min(wake, at);
        }
    }
    return wake;
}

int64_t requests_wake_ns(const struct swarm *s, int64_t now_ns)
{
    int64_t wake = time_min(s->fill_ns, endgame_wake_ns(s, now_ns));

    for (int i = 0; i < s->peer_room; i++) {
        const struct share_peer *p = &s->peers[i];

        if (p->request_count > 0)
            wake = time_min(wake, time_min(silent_ns(s, p), skipped_ns(s, p)));
        if (p->hold_ns > now_ns)
            wake = time_min(wake, p->hold_ns);
    }
    for (int i = 0; i < s->order_count; i++) {
        if (s->songs[s->order[i]].retry_ns > now_ns)
            wake = time_min(wake, s->songs[s->order[i]].retry_ns);
    }
    return wake;
}

void requests_wake(struct swarm *s, int64_t now_ns, struct outbox *out)
{
    for (int i = 0; i < s->peer_room; i++) {
        struct share_peer *p = &s->peers[i];

        if (p->request_count > 0 && silent_ns(s, p) <= now_ns) {
            s->stats.timeouts += p->request_count;
            requests_release(s, i, -1, out);
            hold(s, p, now_ns);
        }
        while (p->request_count > 0 && skipped_ns(s, p) <= now_ns) {
            struct share_request r = p->requests[0];
            struct share_list cancel;

            s->stats.timeouts++;
            share_list_init(&cancel, out, i, MSG_CANCEL);
            share_list_add(&cancel, &s->songs[r.song].id, r.block);
            share_list_end(&cancel);
            give_up(s, i, 0);
        }
    }
    requests_fill(s, now_ns, out);
}
