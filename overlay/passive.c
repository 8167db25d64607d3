/* SPDX-License-Identifier: MIT */
#include "overlay/passive.h"

#include <assert.h>

#include "base/err.h"
#include "base/time.h"

#define ROOM_FIRST      16
#define FAIL_FIRST_NS   NS_PER_S
#define REFUSE_FIRST_NS (5 * NS_PER_S)
#define JITTER_PERCENT  20
#define REFUSALS_MAX    15

static_assert(sizeof(struct passive_entry) == 8, "a hundred of them in a kilobyte");
static_assert(CONTACTS_MAX <= 1 << 26, "an index fits into the entry");

bool passive_is_dialable(const struct addr *a)
{
    if (a->port == 0 || addr_is_any(a))
        return false;
    if (a->len == 4)
        return a->ip[0] != 0 && a->ip[0] < 224;
    return a->len == 16 && a->ip[0] != 0xff;
}

static bool is_private4(const uint8_t *ip)
{
    return ip[0] == 10 || ip[0] == 127 || (ip[0] == 172 && (ip[1] & 0xf0) == 16) ||
           (ip[0] == 192 && ip[1] == 168) || (ip[0] == 169 && ip[1] == 254) ||
           (ip[0] == 100 && (ip[1] & 0xc0) == 64);
}

uint64_t passive_group(const struct addr *a)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    const uint8_t *ip = a->ip;

    if (a->len == 16 && memcmp(ip, mapped, sizeof(mapped)) == 0)
        ip += sizeof(mapped);
    else if (a->len == 16)
        return (ip[0] & 0xe0) == 0x20 ? UINT64_C(1) << 32 | load_be32(ip) : 0;
    return a->len == 0 || is_private4(ip) ? 0 : UINT64_C(1) << 33 | load_be16(ip);
}

void passive_init(struct passive *v, int max, struct heap *heap,
                  struct contacts *contacts)
{
    assert(max > 0 && max <= UINT16_MAX);
    *v = (struct passive){ .max = (uint16_t)max, .heap = heap, .contacts = contacts };
}

void passive_finish(struct passive *v)
{
    while (v->count > 0)
        passive_remove(v, v->count - 1);
    heap_give(v->heap, v->list, (size_t)v->room, sizeof(*v->list));
    v->list = NULL;
    v->room = 0;
}

const struct peer_rec *passive_rec(const struct passive *v, int index)
{
    assert(index >= 0 && index < v->count);
    return contacts_at(v->contacts, v->list[index].contact);
}

static uint8_t tag_of(const struct node_id *id)
{
    return (uint8_t)contact_tag(id);
}

int passive_find(const struct passive *v, const struct node_id *id)
{
    uint8_t tag = tag_of(id);

    for (int i = 0; i < v->count; i++) {
        if (v->list[i].tag == tag && node_id_equal(&passive_rec(v, i)->id, id))
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

static void set_rec(struct passive *v, int index, const struct peer_rec *rec)
{
    uint32_t contact = contacts_add(v->contacts, rec);

    v->list[index] = (struct passive_entry){ .contact = contact & (CONTACTS_MAX - 1),
                                             .tag = tag_of(&rec->id) };
}

/* Of the table, for so many. */
static void make_room(struct passive *v, int count)
{
    int room = v->room == 0 ? ROOM_FIRST : v->room;

    while (room < count)
        room *= 2;
    room = room < v->max ? room : v->max;
    if (room == v->room)
        return;
    v->list = heap_resize(v->heap, v->list, (size_t)v->room, (size_t)room,
                          sizeof(*v->list));
    v->room = (uint16_t)room;
}

static int renew(struct passive *v, int index, const struct peer_rec *rec,
                 bool is_first_hand)
{
    const struct passive_entry *e = &v->list[index];
    const struct peer_rec *was = passive_rec(v, index);
    uint32_t old = e->contact;

    if ((is_first_hand || e->fails > 0) &&
        (!addr_equal(&was->addr, &rec->addr) || !addr_equal(&was->via, &rec->via))) {
        set_rec(v, index, rec);
        contacts_drop(v->contacts, old);
    }
    return index;
}

/* Who owns a block of addresses is one voice among many.  The entry of the same
 * group, -1: there is none, or too few groups are known for the rule. */
static int rival(const struct passive *v, const struct addr *a)
{
    uint64_t group = v->group_min == 0 ? 0 : passive_group(a);
    uint64_t first = group;
    uint64_t second = group;
    int groups = 0;
    int found = -1;

    for (int i = 0; i < v->count && group != 0; i++) {
        uint64_t other = passive_group(&passive_rec(v, i)->addr);

        if (other == group)
            found = i;
        if (other == group || other == first || other == second)
            continue;
        second = first;
        first = other;
        groups++; /* at least so many: more than three are all the same to the rule */
    }
    return groups + 1 >= v->group_min ? found : -1;
}

int passive_add(struct passive *v, const struct peer_rec *rec, bool is_first_hand,
                struct rng *rng)
{
    int i = passive_find(v, &rec->id);

    if (!passive_is_dialable(&rec->addr))
        return -1;
    if (i >= 0)
        return renew(v, i, rec, is_first_hand);
    i = rival(v, &rec->addr);
    if (i >= 0 && v->list[i].fails == 0)
        return -1;
    if (i >= 0) {
        contacts_drop(v->contacts, v->list[i].contact);
    } else if (v->count < v->max) {
        make_room(v, v->count + 1);
        i = v->count++;
    } else {
        i = victim(v, rng);
        contacts_drop(v->contacts, v->list[i].contact);
    }
    set_rec(v, i, rec);
    return i;
}

int passive_fill(struct passive *v, const uint32_t *contacts, const uint16_t *tags,
                 int count)
{
    int taken = v->max - v->count;

    taken = taken < count ? taken : count;
    make_room(v, v->count + taken);
    for (int i = 0; i < taken; i++)
        v->list[v->count++] = (struct passive_entry){
            .contact = contacts[i] & (CONTACTS_MAX - 1),
            .tag = (uint8_t)tags[i],
        };
    return taken;
}

void passive_remove(struct passive *v, int index)
{
    assert(index >= 0 && index < v->count);
    contacts_drop(v->contacts, v->list[index].contact);
    v->list[index] = v->list[--v->count];
}

/* Units from now until the entry may be tried; 0 or less: at once. */
static int wait_of(const struct passive_entry *e, int64_t now_ns)
{
    uint16_t now = (uint16_t)((uint64_t)(now_ns / PASSIVE_UNIT_NS) & UINT16_MAX);

    return e->is_waiting ? (int16_t)(uint16_t)(e->retry - now) : 0;
}

/* The n-th entry that is due and sound (or failing); counts them when n is -1. */
static int due(const struct passive *v, bool is_failing, int64_t now_ns, int64_t n)
{
    int seen = 0;

    for (int i = 0; i < v->count; i++) {
        const struct passive_entry *e = &v->list[i];

        if ((e->fails > 0) != is_failing || wait_of(e, now_ns) > 0)
            continue;
        if (seen == n)
            return i;
        seen++;
    }
    return seen;
}

int passive_pick_open(const struct passive *v, struct rng *rng)
{
    int64_t seen = 0;
    int found = -1;

    for (int i = 0; i < v->count; i++) {
        if (v->list[i].fails > 0 || passive_rec(v, i)->via.len > 0)
            continue;
        seen++;
        if (rng_below(rng, seen) == 0)
            found = i;
    }
    return found;
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

int64_t passive_retry_ns(const struct passive *v, int index, int64_t now_ns)
{
    int wait = wait_of(&v->list[index], now_ns);

    return wait <= 0 ? now_ns : (now_ns / PASSIVE_UNIT_NS + wait) * PASSIVE_UNIT_NS;
}

int64_t passive_next_ns(const struct passive *v, int64_t now_ns)
{
    int64_t next = TIME_NEVER;

    for (int i = 0; i < v->count; i++)
        next = time_min(next, passive_retry_ns(v, i, now_ns));
    return next;
}

void passive_wait_until(struct passive *v, int index, int64_t at_ns)
{
    struct passive_entry *e = &v->list[index];
    int64_t unit = (at_ns + PASSIVE_UNIT_NS - 1) / PASSIVE_UNIT_NS;

    e->is_waiting = 1;
    e->retry = (uint16_t)((uint64_t)unit & UINT16_MAX);
}

void passive_sweep(struct passive *v, int64_t now_ns)
{
    for (int i = 0; i < v->count; i++) {
        if (wait_of(&v->list[i], now_ns) <= 0)
            v->list[i].is_waiting = 0;
    }
}

static int64_t back_off(int64_t first_ns, int times, int64_t max_ns, struct rng *rng)
{
    int64_t wait = first_ns << (times < 16 ? times : 16);

    return rng_jitter(rng, time_min(wait, max_ns), JITTER_PERCENT);
}

void passive_failed(struct passive *v, int index, int64_t max_ns, int64_t now_ns,
                    struct rng *rng)
{
    struct passive_entry *e = &v->list[index];

    passive_wait_until(v, index, now_ns + back_off(FAIL_FIRST_NS, e->fails, max_ns, rng));
    e->fails = e->fails < UINT8_MAX ? (uint8_t)(e->fails + 1) : e->fails;
}

void passive_refused(struct passive *v, int index, int64_t max_ns, int64_t now_ns,
                     struct rng *rng)
{
    struct passive_entry *e = &v->list[index];
    unsigned times = e->refusals;

    passive_wait_until(v, index,
                       now_ns + back_off(REFUSE_FIRST_NS, (int)times, max_ns, rng));
    e->refusals = (times < REFUSALS_MAX ? times + 1 : times) & REFUSALS_MAX;
    e->fails = 0;
}

void passive_sample(struct passive *v, int count, const struct node_id *not_id,
                    bool is_shuffle, struct rng *rng, struct peer_recs *recs)
{
    int not_index = passive_find(v, not_id);
    int left = 0;

    for (int i = 0; i < v->count; i++)
        left += v->list[i].fails == 0 && i != not_index;
    /* Selection sampling (Knuth, TAOCP 3.4.2 S): each of the left entries alike. */
    for (int i = 0; i < v->count && count > 0 && recs->count < MSG_RECS_MAX; i++) {
        struct passive_entry *e = &v->list[i];

        if (e->fails != 0 || i == not_index)
            continue;
        if (rng_below(rng, left--) >= count)
            continue;
        recs->list[recs->count++] = *passive_rec(v, i);
        if (is_shuffle)
            e->is_sent = 1;
        count--;
    }
}
