/* What was flooded in the last minute, kept for neighbours that come later: a flood that
 * is sent while half of the network dies gets over every link that is made afterwards.
 * SPDX-License-Identifier: MIT */
#include <assert.h>

#include "overlay/flood_private.h"

#define ROOM_FIRST 8

/* As it is to be sent: hops is one more than it came with, and may be one too many. */
struct flood_body {
    struct flood_body *next; /* the next younger one */
    struct flood_id id;
    int64_t born_ns;
    uint8_t sig[SIGNATURE_LEN];
    uint8_t hops;
    uint8_t ttl;
    uint16_t len;
    uint8_t inner[];
};

struct flood_wanted {
    struct flood_id id;
    int64_t due_ns;
    int16_t peer;  /* was asked */
    int16_t other; /* named it too; -1: nobody did */
};

/* ---- what is kept */

static void forget_oldest(struct floods *f)
{
    struct flood_state *s = f->state;
    struct flood_body *b = s->oldest;

    s->oldest = b->next;
    if (s->oldest == NULL)
        s->newest_body = NULL;
    s->body_bytes -= sizeof(*b) + b->len;
    heap_give(f->heap, b, 1, sizeof(*b) + b->len);
}

void flood_recent_forget(struct floods *f, int64_t now_ns)
{
    struct flood_state *s = f->state;

    while (s->oldest != NULL && now_ns - s->oldest->born_ns >= f->p->recent_ns)
        forget_oldest(f);
}

void flood_recent_finish(struct floods *f)
{
    struct flood_state *s = f->state;

    while (s->oldest != NULL)
        forget_oldest(f);
    heap_give(f->heap, s->wanted, (size_t)s->wanted_room, sizeof(*s->wanted));
}

void flood_recent_keep(struct floods *f, const struct msg_flood *m,
                       const struct flood_head *h, int64_t now_ns)
{
    struct flood_state *s = f->state;
    size_t size = sizeof(struct flood_body) + m->inner.len;
    struct flood_body *b;

    flood_recent_forget(f, now_ns);
    if (!f->p->has_push || size > f->p->recent_bytes)
        return;
    while (s->body_bytes + size > f->p->recent_bytes)
        forget_oldest(f);
    b = heap_take(f->heap, 1, size);
    b->id = h->id;
    b->born_ns = now_ns;
    b->hops = m->hops;
    b->ttl = h->ttl;
    b->len = (uint16_t)m->inner.len;
    memcpy(b->sig, m->sig, SIGNATURE_LEN);
    memcpy(b->inner, m->inner.data, m->inner.len);
    if (s->newest_body == NULL)
        s->oldest = b;
    else
        s->newest_body->next = b;
    s->newest_body = b;
    s->body_bytes += size;
}

static struct flood_body *find_body(const struct floods *f, const struct flood_id *id)
{
    for (struct flood_body *b = f->state->oldest; b != NULL; b = b->next) {
        if (flood_id_equal(&b->id, id))
            return b;
    }
    return NULL;
}

static bool may_go(const struct floods *f, const struct flood_body *b)
{
    return b->hops <= b->ttl && b->hops <= f->p->forward_max;
}

static bool is_urgent(const struct floods *f, const struct flood_body *b, int64_t now_ns)
{
    return may_go(f, b) && now_ns - b->born_ns < f->p->urgent_ns;
}

/* It goes as it came, with one hop more.  The copy is valid as long as the body is. */
static void say(const struct flood_body *b, struct msg *copy)
{
    *copy = (struct msg){ .type = MSG_FLOOD };
    copy->u.flood.hops = b->hops;
    copy->u.flood.inner = bytes_of(b->inner, b->len);
    memcpy(copy->u.flood.sig, b->sig, SIGNATURE_LEN);
}

void flood_offer(struct floods *f, int peer, int64_t now_ns, struct outbox *out)
{
    struct msg m; /* most of it is never looked at */
    struct msg_digest *d = &m.u.digest;

    if (f->state == NULL || !f->p->has_push)
        return;
    m.type = MSG_DIGEST;
    d->count = 0;
    flood_recent_forget(f, now_ns);
    for (const struct flood_body *b = f->state->oldest; b != NULL; b = b->next) {
        int64_t age_s = (now_ns - b->born_ns) / NS_PER_S;

        if (!may_go(f, b))
            continue;
        if (d->count == MSG_IDS_MAX) {
            memmove(&d->list[0], &d->list[1], sizeof(d->list) - sizeof(d->list[0]));
            d->count--; /* the oldest does without */
        }
        d->list[d->count].id = b->id;
        d->list[d->count++].age_s = (uint8_t)(age_s < UINT8_MAX ? age_s : UINT8_MAX);
    }
    if (d->count > 0)
        outbox_push(out, peer, &m);
}

/* The copy that comes first has often made more hops than it had to, and where it has
 * used up all of them it ends; yet some whom we alone could tell may be within the reach
 * of the flood.  Few are, so that it is named rather than sent. */
void flood_recent_name(struct floods *f, struct seen_row *row, const struct flood_id *id,
                       int hops, int peer, struct outbox *out)
{
    struct flood_body *b = find_body(f, id);

    if (b == NULL || hops < 1 || hops >= f->p->forward_max)
        return;
    row->hops = (uint8_t)hops;
    b->hops = (uint8_t)(hops + 1);
    for (int k = 0; k < f->slots.count; k++) {
        const struct flood_link *link = &f->links[k];

        if (!link->is_neighbour || link->slot == peer || (int)link->slot == row->peer)
            continue;
        flood_say_seen(link->slot, id, out);
        f->past->counts.held++;
    }
}

bool flood_fresh(const struct floods *f, int index, int64_t now_ns, struct msg *copy)
{
    const struct flood_state *s = f->state;
    int count = 0;
    int skip;

    if (s == NULL || !f->p->has_push || now_ns >= f->repair_until_ns)
        return false;
    for (const struct flood_body *b = s->oldest; b != NULL; b = b->next)
        count += is_urgent(f, b, now_ns);
    skip = count - f->p->urgent_max + index;
    if (index >= count || index >= f->p->urgent_max)
        return false;
    for (const struct flood_body *b = s->oldest; b != NULL; b = b->next) {
        if (is_urgent(f, b, now_ns) && skip-- <= 0) {
            say(b, copy);
            return true;
        }
    }
    return false;
}

void flood_alarm(struct floods *f, int64_t now_ns)
{
    f->repair_until_ns = now_ns + f->p->repair_ns;
}

void flood_greet(struct floods *f, int peer, int64_t now_ns, struct outbox *out)
{
    if (f->p->greets_all || now_ns < f->repair_until_ns)
        flood_offer(f, peer, now_ns, out);
}

void flood_on_pull(struct floods *f, int peer, const struct msg_ids *m, int64_t now_ns,
                   struct outbox *out)
{
    struct flood_state *s = flood_state(f);
    struct flood_traffic *t = flood_traffic(f, peer);

    flood_recent_forget(f, now_ns);
    for (int i = 0; i < m->count; i++) {
        const struct flood_body *b = find_body(f, &m->list[i]);
        struct msg copy;

        if (b == NULL || !may_go(f, b))
            continue;
        if (!bucket_take(&t->pulls, f->p->pull_rate, now_ns)) {
            f->past->counts.ids_limited++;
            flood_blame(f, peer, f->p->excess_points, now_ns);
            return;
        }
        say(b, &copy);
        outbox_push(out, peer, &copy);
        flood_hop_sent(f, seen_find(&s->seen, &b->id), peer, now_ns);
        f->past->counts.pushed++;
    }
}

/* ---- what is wanted */

static struct flood_wanted *find_wanted(const struct floods *f, const struct flood_id *id)
{
    for (int i = 0; f->state != NULL && i < f->state->wanted_count; i++) {
        if (flood_id_equal(&f->state->wanted[i].id, id))
            return &f->state->wanted[i];
    }
    return NULL;
}

static void remove_wanted(struct floods *f, struct flood_wanted *w)
{
    struct flood_state *s = f->state;

    *w = s->wanted[--s->wanted_count];
    flood_settled(f);
    if (s->wanted_count > 0)
        return;
    heap_give(f->heap, s->wanted, (size_t)s->wanted_room, sizeof(*s->wanted));
    s->wanted = NULL;
    s->wanted_room = 0;
}

bool flood_wanted_take(struct floods *f, const struct flood_id *id, int peer, int *other)
{
    struct flood_wanted *w = find_wanted(f, id);

    *other = -1;
    if (w == NULL || w->peer != peer)
        return false;
    *other = w->other;
    remove_wanted(f, w);
    return true;
}

void flood_wanted_come(struct floods *f, const struct flood_id *id)
{
    struct flood_wanted *w = find_wanted(f, id);

    if (w != NULL)
        remove_wanted(f, w);
}

void flood_wanted_drop(struct floods *f, int peer)
{
    for (int i = 0; f->state != NULL && i < f->state->wanted_count; i++) {
        struct flood_wanted *w = &f->state->wanted[i];

        if (w->other == peer)
            w->other = -1;
        if (w->peer != peer)
            continue;
        w->peer = -1;
        w->due_ns = 0;
        f->wake_ns = 0;
    }
}

/* True when it is to be asked for at once. */
static bool add_wanted(struct floods *f, int peer, const struct flood_id *id,
                       int64_t now_ns)
{
    struct flood_state *s = f->state;
    struct flood_wanted *w = find_wanted(f, id);
    int room = s->wanted_room == 0 ? ROOM_FIRST : 2 * s->wanted_room;

    if (w != NULL) {
        if (w->peer != peer)
            w->other = (int16_t)peer;
        return false;
    }
    if (s->wanted_count == f->p->wanted_max)
        return false;
    if (s->wanted_count == s->wanted_room) {
        s->wanted = heap_resize(f->heap, s->wanted, (size_t)s->wanted_room, (size_t)room,
                                sizeof(*s->wanted));
        s->wanted_room = room;
    }
    w = &s->wanted[s->wanted_count++];
    *w = (struct flood_wanted){ .id = *id,
                                .due_ns = now_ns + flood_patience_ns(f, peer),
                                .peer = (int16_t)peer,
                                .other = -1 };
    f->wake_ns = time_min(f->wake_ns, w->due_ns);
    return true;
}

void flood_want(struct floods *f, int peer, const struct msg_ids *ids, int64_t now_ns,
                struct outbox *out)
{
    struct flood_state *s = flood_state(f);
    struct flood_traffic *t = flood_traffic(f, peer);
    struct msg m = { .type = MSG_PULL };

    if (!f->p->has_push)
        return;
    for (int i = 0; i < ids->count; i++) {
        if (!bucket_take(&t->ids, f->p->id_rate, now_ns)) {
            f->past->counts.ids_limited++;
            flood_blame(f, peer, f->p->excess_points, now_ns);
            break;
        }
        if (seen_find(&s->seen, &ids->list[i]) < 0 &&
            add_wanted(f, peer, &ids->list[i], now_ns))
            m.u.ids.list[m.u.ids.count++] = ids->list[i];
    }
    if (m.u.ids.count > 0)
        outbox_push(out, peer, &m);
}

void flood_on_digest(struct floods *f, int peer, const struct msg_digest *m,
                     int64_t now_ns, struct outbox *out)
{
    struct msg_ids ids = { .count = 0 };

    for (int i = 0; i < m->count; i++) {
        if (m->list[i].age_s * NS_PER_S <= f->p->recent_ns)
            ids.list[ids.count++] = m->list[i].id;
    }
    flood_want(f, peer, &ids, now_ns, out);
}

int64_t flood_wanted_wake(struct floods *f, int64_t now_ns, struct outbox *out)
{
    struct flood_state *s = f->state;
    int64_t wake = TIME_NEVER;

    for (int i = s == NULL ? -1 : s->wanted_count - 1; i >= 0; i--) {
        struct flood_wanted *w = &s->wanted[i];
        struct msg_ids again = { .count = 1, .list[0] = w->id };
        int other = w->other;

        if (now_ns < w->due_ns) {
            wake = time_min(wake, w->due_ns);
            continue;
        }
        if (w->peer >= 0) {
            f->past->counts.broken++;
            flood_blame(f, w->peer, f->p->broken_points, now_ns);
        }
        remove_wanted(f, w);
        if (other >= 0)
            flood_want(f, other, &again, now_ns, out);
    }
    return time_min(wake, f->wake_ns);
}
