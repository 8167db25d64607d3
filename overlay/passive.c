/* SPDX-License-Identifier: MIT */
#include "overlay/passive.h"

#include <assert.h>

#define FAIL_FIRST_NS   NS_PER_S
#define REFUSE_FIRST_NS (5 * NS_PER_S)
#define JITTER_PERCENT  20

bool passive_is_dialable(const struct addr *a)
{
    if (a->port == 0 || addr_is_any(a))
        return false;
    if (a->len == 4)
        return a->ip[0] != 0 && a->ip[0] < 224;
    return a->len == 16 && a->ip[0] != 0xff;
}

int passive_init(struct passive *v, int max, struct arena *a)
{
    assert(max > 0);
    *v = (struct passive){ .max = max };
    v->list = arena_take(a, (size_t)max, sizeof(*v->list));
    return v->list == NULL ? ERR_NOMEM : 0;
}

int passive_find(const struct passive *v, const struct node_id *id)
{
    for (int i = 0; i < v->count; i++) {
        if (node_id_equal(&v->list[i].rec.id, id))
            return i;
    }
    return -1;
}

/* HyParView section 4.4: what was sent to the other side of a shuffle goes first. */
static int victim(const struct passive *v, struct rng *rng)
{
    int worst = -1;
    int sent = -1;

    for (int i = 0; i < v->count; i++) {
        const struct passive_entry *e = &v->list[i];

        if (e->fails > 0 && (worst < 0 || e->fails > v->list[worst].fails))
            worst = i;
        if (e->is_sent && sent < 0)
            sent = i;
    }
    if (worst >= 0)
        return worst;
    return sent >= 0 ? sent : (int)rng_below(rng, v->count);
}

int passive_add(struct passive *v, const struct peer_rec *rec, bool is_first_hand,
                struct rng *rng)
{
    int i = passive_find(v, &rec->id);

    if (!passive_is_dialable(&rec->addr))
        return -1;
    if (i >= 0) {
        struct passive_entry *e = &v->list[i];

        if ((is_first_hand || e->fails > 0) && !addr_equal(&e->rec.addr, &rec->addr)) {
            e->rec.addr = rec->addr;
            e->fails = 0;
            e->retry_ns = 0;
        }
        return i;
    }
    i = v->count < v->max ? v->count++ : victim(v, rng);
    v->list[i] = (struct passive_entry){ .rec = *rec };
    return i;
}

void passive_remove(struct passive *v, int index)
{
    assert(index >= 0 && index < v->count);
    v->list[index] = v->list[--v->count];
}

/* The n-th entry that is due and sound (or failing); counts them when n is -1. */
static int due(const struct passive *v, bool is_failing, int64_t now_ns, int64_t n)
{
    int seen = 0;

    for (int i = 0; i < v->count; i++) {
        const struct passive_entry *e = &v->list[i];

        if ((e->fails > 0) != is_failing || e->retry_ns > now_ns)
            continue;
        if (seen == n)
            return i;
        seen++;
    }
    return seen;
}

int passive_pick(const struct passive *v, int64_t now_ns, struct rng *rng)
{
    for (int is_failing = 0; is_failing < 2; is_failing++) {
        int count = due(v, is_failing, now_ns, -1);

        if (count > 0)
            return due(v, is_failing, now_ns, rng_below(rng, count));
    }
    return -1;
}

int64_t passive_next_ns(const struct passive *v)
{
    int64_t next = TIME_NEVER;

    for (int i = 0; i < v->count; i++)
        next = time_min(next, v->list[i].retry_ns);
    return next;
}

static int64_t back_off(int64_t first_ns, int times, int64_t max_ns, struct rng *rng)
{
    int64_t wait = first_ns << (times < 16 ? times : 16);

    return rng_jitter(rng, time_min(wait, max_ns), JITTER_PERCENT);
}

void passive_failed(struct passive_entry *e, int64_t max_ns, int64_t now_ns,
                    struct rng *rng)
{
    e->retry_ns = now_ns + back_off(FAIL_FIRST_NS, e->fails, max_ns, rng);
    e->fails = e->fails < UINT8_MAX ? (uint8_t)(e->fails + 1) : e->fails;
}

void passive_refused(struct passive_entry *e, int64_t max_ns, int64_t now_ns,
                     struct rng *rng)
{
    e->retry_ns = now_ns + back_off(REFUSE_FIRST_NS, e->refusals, max_ns, rng);
    e->refusals = e->refusals < UINT8_MAX ? (uint8_t)(e->refusals + 1) : e->refusals;
    e->fails = 0;
}

void passive_sample(struct passive *v, int count, const struct node_id *not_id,
                    bool is_shuffle, struct rng *rng, struct peer_recs *recs)
{
    int left = 0;

    for (int i = 0; i < v->count; i++) {
        const struct passive_entry *e = &v->list[i];

        left += e->fails == 0 && !node_id_equal(&e->rec.id, not_id);
    }
    /* Selection sampling (Knuth, TAOCP 3.4.2 S): each of the left entries alike. */
    for (int i = 0; i < v->count && count > 0 && recs->count < MSG_RECS_MAX; i++) {
        struct passive_entry *e = &v->list[i];

        if (e->fails != 0 || node_id_equal(&e->rec.id, not_id))
            continue;
        if (rng_below(rng, left--) >= count)
            continue;
        recs->list[recs->count++] = e->rec;
        e->is_sent = e->is_sent || is_shuffle;
        count--;
    }
}
