/* Who is alive?  Who asks for a slot while our view is full is not refused before
 * those of our neighbours that were silent have been asked; otherwise nodes full of dead
 * neighbours refuse each other, and after a mass crash the first message reaches nobody.
 * And PROBE: whether others hear a peer that we do not (SWIM section 4.1).
 * SPDX-License-Identifier: MIT */
#include "overlay/view_private.h"

#include <assert.h>

#define HEARD_NS (8 * NS_PER_S) /* heard so long ago is alive, to who asks by PROBE */

static int64_t max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* How long a neighbour may take to answer. */
static int64_t wait_for(const struct overlay *o, int peer)
{
    int64_t rtt_ns = liveness_rtt_ns(o->liveness, peer);

    if (rtt_ns < 0)
        return o->p->check_max_ns;
    return time_min(max(o->p->check_min_ns, 3 * rtt_ns),
                    max(o->p->check_max_ns, 2 * rtt_ns));
}

static bool is_silent(const struct overlay *o, int peer, int64_t now_ns)
{
    return now_ns - liveness_heard_ns(o->liveness, peer) > o->p->check_fresh_ns;
}

/* Ask all who were silent; when they must have answered, TIME_NEVER when there are none.
 */
static int64_t ask_silent(struct overlay *o, int64_t now_ns, struct outbox *out)
{
    int64_t wait_ns = -1;

    for (int i = 0; i < o->active_count; i++) {
        int peer = o->active[i];

        if (!is_silent(o, peer, now_ns))
            continue;
        view_peer(o, peer)->is_checked = 1;
        liveness_ask(o->liveness, peer, now_ns, out);
        wait_ns = max(wait_ns, wait_for(o, peer));
    }
    return wait_ns < 0 ? TIME_NEVER : now_ns + wait_ns;
}

bool view_check(struct overlay *o, int peer, bool is_urgent, int64_t now_ns,
                struct outbox *out)
{
    struct overlay_peer *x = view_peer(o, peer);

    if (o->liveness == NULL || o->p->check_fresh_ns == 0 || x->is_waiting)
        return false;
    if (o->check_ns == TIME_NEVER) {
        o->check_ns = ask_silent(o, now_ns, out);
        if (o->check_ns == TIME_NEVER)
            return false;
        o->counts.checks++;
    }
    x->is_waiting = 1;
    x->is_urgent = is_urgent;
    return true;
}

static void drop_silent(struct overlay *o, int64_t now_ns, struct outbox *out)
{
    for (int i = o->active_count - 1; i >= 0; i--) {
        int peer = o->active[i];
        struct overlay_peer *x = view_peer(o, peer);
        int known;

        if (!x->is_checked)
            continue;
        x->is_checked = 0;
        if (!is_silent(o, peer, now_ns))
            continue;
        o->counts.check_dead++;
        view_say_disconnect(o, peer, DISCONNECT_EVICTED, NULL, out);
        view_drop(o, peer, now_ns);
        known = passive_find(&o->passive, &view_rec(o, x)->id);
        if (known >= 0)
            passive_failed(&o->passive, known, o->p->isolated_max_ns, now_ns, &o->rng);
    }
}

void view_checked(struct overlay *o, int64_t now_ns, struct outbox *out)
{
    /* We come late ourselves: the answers may lie unread. */
    if (now_ns - o->check_ns > o->p->check_max_ns) {
        o->check_ns = now_ns + o->p->check_max_ns;
        return;
    }
    o->check_ns = TIME_NEVER;
    drop_silent(o, now_ns, out);
    for (int k = 0; k < o->slots.count; k++) {
        struct overlay_peer *x = &o->peers[k];
        int peer = x->slot;

        if (!x->is_waiting)
            continue;
        x->is_waiting = 0;
        view_answer(o, peer, view_accept(o, peer, x->is_urgent, now_ns, out), now_ns,
                    out);
    }
}

void view_question(struct overlay *o, int peer, struct outbox *out)
{
    struct msg m = { .type = MSG_PROBE };
    int left = o->active_count;
    int want = o->p->probe_helpers;

    if (!sparse_has(&o->slots, peer))
        return;
    m.u.probe.target = *overlay_rec(o, peer);
    if (!passive_is_dialable(&m.u.probe.target.addr))
        return;
    o->probe_salt = (uint32_t)rng_next(&o->rng) & 0xffffff;
    m.u.probe.nonce = o->probe_salt << 8 | (uint32_t)peer;
    for (int i = 0; i < o->active_count && want > 0; i++, left--) {
        if (o->active[i] == peer || rng_below(&o->rng, left) >= want)
            continue;
        outbox_push(out, o->active[i], &m);
        want--;
    }
}

void view_on_probe(struct overlay *o, int peer, const struct msg_probe *m, int64_t now_ns,
                   struct outbox *out)
{
    struct overlay_peer *x = view_peer(o, peer);
    int target = overlay_find(o, &m->target.id);
    struct dial d = { .purposes = DIAL_PROBE,
                      .asker = (uint8_t)peer,
                      .nonce = m->nonce,
                      .start_ns = now_ns,
                      .deadline_ns = now_ns + o->p->dial_timeout_ns };
    struct msg ack = { .type = MSG_PROBE_ACK, .u.probe_ack = { m->nonce } };

    if (x->state != OVERLAY_ACTIVE ||
        !bucket_small_take(&x->walks, o->p->walk_link, now_ns)) {
        o->counts.limited++;
        return;
    }
    if (!view_is_sound(o, peer, &m->target))
        return;
    if (target < 0)
        (void)dials_add(&o->dials, &m->target, &d);
    else if (o->liveness != NULL &&
             now_ns - liveness_heard_ns(o->liveness, target) < HEARD_NS)
        outbox_push(out, peer, &ack);
}

void view_on_probe_ack(struct overlay *o, const struct msg_probe_ack *m, int64_t now_ns)
{
    int peer = (int)(m->nonce & 0xff);

    if (o->liveness == NULL || m->nonce >> 8 != o->probe_salt ||
        !sparse_has(&o->slots, peer)) {
        o->counts.stray++;
        return;
    }
    liveness_vouch(o->liveness, peer, now_ns);
}
