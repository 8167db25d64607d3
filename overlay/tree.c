/* SPDX-License-Identifier: MIT */
#include "overlay/tree.h"

#include <assert.h>

#include "base/time.h"

struct tree_params tree_params_default(void)
{
    return (struct tree_params){
        .is_shared = false,
        .hops_max = 64,
        .batch_ns = 20 * NS_PER_MS,
        .graft_first_ns = 600 * NS_PER_MS,
        .graft_next_ns = 80 * NS_PER_MS,
        .graft_rtts = 2,
        .threshold = 3,
        .keep_ns = 30 * NS_PER_S,
        .bytes_max = 128 * 1024,
        .origin_ns = 600 * NS_PER_S,
        .grafts_max = 12,
        .ihave_rate = { NS_PER_S / 200, 400 },
    };
}

void tree_init(struct tree *t, const struct tree_params *p, struct heap *heap)
{
    assert(p->hops_max > 0 && p->hops_max <= UINT8_MAX && p->bytes_max >= MSG_GOSSIP_MAX);
    *t = (struct tree){ .p = p, .heap = heap, .batch_ns = TIME_NEVER };
}

/* ---- sets of peers ---- */

static bool has(const uint64_t *set, int peer)
{
    return (set[peer / 64] >> (peer % 64) & 1) != 0;
}

static void add(uint64_t *set, int peer)
{
    set[peer / 64] |= UINT64_C(1) << (peer % 64);
}

static void take(uint64_t *set, int peer)
{
    set[peer / 64] &= ~(UINT64_C(1) << (peer % 64));
}

/* The next peer of the set from here on; -1 behind the last. */
static int next_of(const uint64_t *set, int from)
{
    for (int i = from; i < TREE_PEERS_MAX; i++) {
        if (set[i / 64] >> (i % 64) == 0)
            i |= 63;
        else if (has(set, i))
            return i;
    }
    return -1;
}

/* ---- tables ---- */

static struct tree_item *find_item(const struct tree *t, const struct flood_id *id)
{
    for (int i = t->item_count - 1; i >= 0; i--) {
        if (flood_id_equal(&t->items[i].id, id))
            return &t->items[i];
    }
    return NULL;
}

static int find_missing(const struct tree *t, const struct flood_id *id)
{
    for (int i = 0; i < t->missing_count; i++) {
        if (flood_id_equal(&t->missing[i].id, id))
            return i;
    }
    return -1;
}

static struct tree_origin *find_origin(const struct tree *t, const uint8_t *key)
{
    for (int i = 0; i < t->origin_count; i++) {
        if (memcmp(t->origins[i].key, key, KEY_LEN) == 0)
            return &t->origins[i];
    }
    return NULL;
}

/* Whose tree leads an origin's messages. */
static const uint8_t *root_of(const struct tree *t, const uint8_t *origin)
{
    static const uint8_t everybody[KEY_LEN];

    return t->p->is_shared ? everybody : origin;
}

/* The tree of an origin, if need be in the place of the one that was used longest ago. */
static struct tree_origin *take_origin(struct tree *t, const uint8_t *key)
{
    struct tree_origin *o = find_origin(t, key);

    if (o != NULL)
        return o;
    if (t->origin_count < TREE_ORIGINS_MAX) {
        t->origins = heap_resize(t->heap, t->origins, (size_t)t->origin_count,
                                 (size_t)t->origin_count + 1, sizeof(*t->origins));
        o = &t->origins[t->origin_count++];
    } else {
        o = &t->origins[0];
        for (int i = 1; i < t->origin_count; i++) {
            if (t->origins[i].used_ns < o->used_ns)
                o = &t->origins[i];
        }
    }
    *o = (struct tree_origin){ .used_ns = 0 };
    memcpy(o->key, key, KEY_LEN);
    return o;
}

static void set_origins(struct tree *t, int count)
{
    t->origins = heap_resize(t->heap, t->origins, (size_t)t->origin_count, (size_t)count,
                             sizeof(*t->origins));
    t->origin_count = (int16_t)count;
}

static void set_items(struct tree *t, int count)
{
    t->items = heap_resize(t->heap, t->items, (size_t)t->item_count, (size_t)count,
                           sizeof(*t->items));
    t->item_count = (int16_t)count;
}

static void set_missing(struct tree *t, int count)
{
    t->missing = heap_resize(t->heap, t->missing, (size_t)t->missing_count, (size_t)count,
                             sizeof(*t->missing));
    t->missing_count = (int16_t)count;
}

static void empty_item(struct tree *t, struct tree_item *item)
{
    heap_give(t->heap, item->inner, item->len, 1);
    t->bytes -= item->inner == NULL ? 0 : item->len;
    item->inner = NULL;
}

static void drop_items(struct tree *t, int first)
{
    if (first == 0)
        return;
    for (int i = 0; i < first; i++)
        empty_item(t, &t->items[i]);
    memmove(t->items, t->items + first,
            (size_t)(t->item_count - first) * sizeof(*t->items));
    set_items(t, t->item_count - first);
}

static void drop_missing(struct tree *t, int index)
{
    memmove(t->missing + index, t->missing + index + 1,
            (size_t)(t->missing_count - index - 1) * sizeof(*t->missing));
    set_missing(t, t->missing_count - 1);
}

void tree_finish(struct tree *t)
{
    if (t->heap == NULL)
        return;
    drop_items(t, t->item_count);
    set_missing(t, 0);
    set_origins(t, 0);
    heap_give(t->heap, t->ihaves, (size_t)t->ihave_rows, sizeof(*t->ihaves));
    *t = (struct tree){ .batch_ns = TIME_NEVER };
}

/* ---- neighbours ---- */

static void forget_peer(struct tree *t, int peer)
{
    for (int i = 0; i < t->origin_count; i++)
        take(t->origins[i].lazy, peer);
    for (int i = 0; i < t->item_count; i++)
        take(t->items[i].waiting, peer);
    for (int i = 0; i < t->missing_count; i++) {
        for (int k = 0; k < t->missing[i].count; k++) {
            if (t->missing[i].sources[k].peer == peer)
                t->missing[i].sources[k].peer = -1;
        }
    }
    take(t->broken, peer);
    if (peer < t->ihave_rows)
        t->ihaves[peer] = (struct bucket){ 0 };
}

void tree_set_active(struct tree *t, const int *peers, int count)
{
    uint64_t active[TREE_WORDS] = { 0 };

    for (int i = 0; i < count; i++)
        add(active, peers[i]);
    for (int w = 0; w < TREE_WORDS; w++) {
        uint64_t changed = active[w] ^ t->active[w];

        for (int b = 0; changed != 0 && b < 64; b++) {
            if ((changed >> b & 1) != 0)
                forget_peer(t, w * 64 + b);
        }
    }
    memcpy(t->active, active, sizeof(active));
}

/* ---- messages ---- */

static void send_prune(struct tree *t, int peer, const uint8_t *origin,
                       struct outbox *out)
{
    struct msg m = { .type = MSG_PRUNE };

    memcpy(m.u.prune.origin, origin, KEY_LEN);
    outbox_push(out, peer, &m);
    t->counts.prunes++;
}

static void send_graft(struct tree *t, int peer, const struct flood_id *id,
                       bool is_wanted, struct outbox *out)
{
    struct msg m = { .type = MSG_GRAFT };

    m.u.graft.id = *id;
    m.u.graft.is_wanted = is_wanted;
    outbox_push(out, peer, &m);
    t->counts.grafts++;
}

static void send_item(struct tree *t, const struct tree_item *item, int peer,
                      struct outbox *out)
{
    struct msg m = { .type = MSG_GOSSIP };

    m.u.gossip.hops = (uint8_t)(item->hops + 1);
    m.u.gossip.inner = bytes_of(item->inner, item->len);
    memcpy(m.u.gossip.sig, item->sig, SIGNATURE_LEN);
    outbox_push(out, peer, &m);
    t->counts.sent++;
}

/* The paper's Optimization: somebody announced this before it came, and is much nearer to
 * the origin than who sent it. */
static void optimise(struct tree *t, const struct tree_missing *x, struct tree_origin *o,
                     const struct msg_flood *m, int peer, struct outbox *out)
{
    for (int i = 0; i < x->count; i++) {
        int source = x->sources[i].peer;

        if (source < 0 || source == peer ||
            m->hops - (x->sources[i].hops + 1) < t->p->threshold)
            continue;
        take(o->lazy, source);
        send_graft(t, source, &x->id, false, out);
        add(o->lazy, peer);
        send_prune(t, peer, o->key, out);
        return;
    }
}

/* It came: nobody needs to be grafted for it any more. */
static void settle(struct tree *t, const struct flood_id *id, struct tree_origin *o,
                   const struct msg_flood *m, int peer, struct outbox *out)
{
    int i = find_missing(t, id);

    if (i < 0)
        return;
    t->counts.rescued += t->missing[i].next > 0;
    if (peer >= 0 && t->missing[i].next == 0)
        optimise(t, &t->missing[i], o, m, peer, out);
    drop_missing(t, i);
}

static struct tree_item *keep(struct tree *t, const struct flood_id *id,
                              const uint8_t *origin, const struct msg_flood *m, int peer,
                              int64_t now_ns)
{
    struct tree_item *item;

    if (t->item_count == TREE_ITEMS_MAX)
        drop_items(t, 1);
    for (int i = 0; t->bytes + m->inner.len > t->p->bytes_max; i++)
        empty_item(t, &t->items[i]);
    set_items(t, t->item_count + 1);
    item = &t->items[t->item_count - 1];
    *item = (struct tree_item){ .id = *id,
                                .since_ns = now_ns,
                                .hops = peer < 0 ? 0 : m->hops,
                                .len = (uint32_t)m->inner.len,
                                .inner = heap_take(t->heap, m->inner.len, 1) };
    memcpy(item->origin, origin, KEY_LEN);
    memcpy(item->sig, m->sig, SIGNATURE_LEN);
    memcpy(item->inner, m->inner.data, m->inner.len);
    t->bytes += m->inner.len;
    return item;
}

/* Push it on along the tree, and let the others hear of it soon. */
static void push(struct tree *t, struct tree_item *item, const struct tree_origin *o,
                 int peer, int64_t now_ns, struct outbox *out)
{
    if (item->hops >= t->p->hops_max)
        return;
    for (int i = next_of(t->active, 0); i >= 0; i = next_of(t->active, i + 1)) {
        if (i == peer)
            continue;
        if (!has(o->lazy, i)) {
            send_item(t, item, i, out);
        } else {
            add(item->waiting, i);
            t->batch_ns = time_min(t->batch_ns, now_ns + t->p->batch_ns);
        }
    }
}

void tree_deliver(struct tree *t, const struct flood_id *id,
                  const uint8_t origin[static KEY_LEN], const struct msg_flood *m,
                  int peer, int64_t now_ns, struct outbox *out)
{
    struct tree_origin *o = take_origin(t, root_of(t, origin));

    assert(m->inner.len > 0 && m->inner.len <= MSG_GOSSIP_MAX);
    o->used_ns = now_ns;
    if (peer >= 0)
        take(o->lazy, peer);
    push(t, keep(t, id, origin, m, peer, now_ns), o, peer, now_ns, out);
    settle(t, id, o, m, peer, out);
}

void tree_refused(struct tree *t, const struct flood_id *id)
{
    int i = find_missing(t, id);

    if (i >= 0)
        drop_missing(t, i);
}

void tree_duplicate(struct tree *t, const uint8_t origin[static KEY_LEN], int peer,
                    struct outbox *out)
{
    struct tree_origin *o = find_origin(t, root_of(t, origin));

    t->counts.duplicates++;
    if (o == NULL || t->p->is_off || !has(t->active, peer))
        return;
    add(o->lazy, peer);
    send_prune(t, peer, origin, out);
}

static bool may_announce(struct tree *t, int peer, int64_t now_ns)
{
    if (peer >= t->ihave_rows) {
        int rows = peer < 8 ? 8 : TREE_PEERS_MAX;

        t->ihaves = heap_resize(t->heap, t->ihaves, (size_t)t->ihave_rows, (size_t)rows,
                                sizeof(*t->ihaves));
        t->ihave_rows = rows;
    }
    return bucket_take(&t->ihaves[peer], t->p->ihave_rate, now_ns);
}

bool tree_announced(struct tree *t, int peer, const struct flood_id *id, uint8_t hops,
                    int64_t rtt_ns, int64_t now_ns)
{
    int i = find_missing(t, id);
    int64_t wait_ns = t->p->graft_first_ns;
    struct tree_missing *x;

    assert(peer >= 0 && peer < TREE_PEERS_MAX);
    if (!has(t->active, peer) || find_item(t, id) != NULL)
        return true;
    if (!may_announce(t, peer, now_ns) ||
        (i < 0 && t->missing_count == TREE_MISSING_MAX)) {
        t->counts.limited++;
        return false;
    }
    if (i < 0) {
        if (rtt_ns > 0 && rtt_ns * t->p->graft_rtts > wait_ns)
            wait_ns = rtt_ns * t->p->graft_rtts;
        set_missing(t, t->missing_count + 1);
        i = t->missing_count - 1;
        t->missing[i] = (struct tree_missing){ .id = *id, .due_ns = now_ns + wait_ns };
    }
    x = &t->missing[i];
    if (x->count < TREE_SOURCES_MAX) {
        x->sources[x->count].peer = (int16_t)peer;
        x->sources[x->count++].hops = hops;
    }
    return true;
}

void tree_on_graft(struct tree *t, int peer, const struct msg_graft *m,
                   struct outbox *out)
{
    struct tree_item *item = find_item(t, &m->id);
    struct tree_origin *o = item == NULL ? NULL
                                         : find_origin(t, root_of(t, item->origin));

    if (o == NULL || !has(t->active, peer))
        return;
    take(o->lazy, peer);
    take(item->waiting, peer);
    if (!m->is_wanted)
        return;
    if (item->inner == NULL || item->grafts >= t->p->grafts_max) {
        t->counts.limited++;
        return;
    }
    item->grafts++;
    send_item(t, item, peer, out);
}

void tree_on_prune(struct tree *t, int peer, const uint8_t origin[static KEY_LEN])
{
    struct tree_origin *o = find_origin(t, root_of(t, origin));

    if (o != NULL && has(t->active, peer))
        add(o->lazy, peer);
}

/* ---- time ---- */

int64_t tree_wake_ns(const struct tree *t)
{
    int64_t wake = t->batch_ns;

    for (int i = 0; i < t->missing_count; i++)
        wake = time_min(wake, t->missing[i].due_ns);
    if (t->item_count > 0)
        wake = time_min(wake, t->items[0].since_ns + t->p->keep_ns);
    for (int i = 0; i < t->origin_count; i++)
        wake = time_min(wake, t->origins[i].used_ns + t->p->origin_ns);
    return wake;
}

static void announce(struct tree *t, int peer, struct outbox *out)
{
    struct msg m = { .type = MSG_IHAVE };
    struct msg_ihave *h = &m.u.ihave;

    for (int i = 0; i < t->item_count; i++) {
        if (!has(t->items[i].waiting, peer))
            continue;
        take(t->items[i].waiting, peer);
        h->list[h->count].id = t->items[i].id;
        h->list[h->count++].hops = t->items[i].hops;
        t->counts.announced++;
        if (h->count == MSG_IHAVE_MAX) {
            outbox_push(out, peer, &m);
            h->count = 0;
        }
    }
    if (h->count > 0)
        outbox_push(out, peer, &m);
}

/* Ask the next one that announced it; when all were asked in vain, give up.  True when
 * the entry is still there. */
static bool graft_next(struct tree *t, int index, int64_t now_ns, struct outbox *out)
{
    struct tree_missing *x = &t->missing[index];

    while (x->next < x->count && x->sources[x->next].peer < 0)
        x->next++;
    if (x->next < x->count) {
        send_graft(t, x->sources[x->next++].peer, &x->id, true, out);
        x->due_ns = now_ns + t->p->graft_next_ns;
        if (x->next == x->count) /* the last one gets the time of the first */
            x->due_ns = now_ns + 4 * t->p->graft_first_ns;
        return true;
    }
    for (int k = 0; k < x->count; k++) {
        if (x->sources[k].peer >= 0)
            add(t->broken, x->sources[k].peer);
    }
    t->counts.broken++;
    drop_missing(t, index);
    return false;
}

static void forget_old(struct tree *t, int64_t now_ns)
{
    int old = 0;

    while (old < t->item_count && t->items[old].since_ns + t->p->keep_ns <= now_ns)
        old++;
    if (old > 0)
        drop_items(t, old);
    for (int i = t->origin_count - 1; i >= 0; i--) {
        if (t->origins[i].used_ns + t->p->origin_ns > now_ns)
            continue;
        t->origins[i] = t->origins[t->origin_count - 1];
        set_origins(t, t->origin_count - 1);
    }
}

void tree_wake(struct tree *t, int64_t now_ns, struct outbox *out)
{
    if (now_ns >= t->batch_ns) {
        t->batch_ns = TIME_NEVER;
        for (int i = next_of(t->active, 0); i >= 0; i = next_of(t->active, i + 1))
            announce(t, i, out);
    }
    for (int i = 0; i < t->missing_count;) {
        if (t->missing[i].due_ns > now_ns || graft_next(t, i, now_ns, out))
            i++;
    }
    forget_old(t, now_ns);
}

bool tree_take_broken(struct tree *t, int *peer)
{
    *peer = next_of(t->broken, 0);
    if (*peer < 0)
        return false;
    take(t->broken, *peer);
    return true;
}

const char *tree_check(const struct tree *t)
{
    size_t bytes = 0;

    if (t->item_count > TREE_ITEMS_MAX || t->missing_count > TREE_MISSING_MAX ||
        t->origin_count > TREE_ORIGINS_MAX)
        return "a table of the trees is too long";
    for (int i = 0; i < t->item_count; i++) {
        bytes += t->items[i].inner == NULL ? 0 : t->items[i].len;
        if (i > 0 && t->items[i].since_ns < t->items[i - 1].since_ns)
            return "the messages of the trees are out of order";
    }
    for (int i = 0; i < t->missing_count; i++) {
        if (find_item(t, &t->missing[i].id) != NULL)
            return "a message is both kept and missing";
    }
    return bytes == t->bytes && bytes <= t->p->bytes_max ? NULL
                                                         : "bytes of the trees are wrong";
}
