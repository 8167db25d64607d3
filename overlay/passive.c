/* SPDX-License-Identifier: MIT */
#include "overlay/passive.h"

#include <assert.h>

#include "base/err.h"
#include "base/time.h"

#define ROOM_FIRST      16
#define TRIALS_STEP     8 /* rows that are taken and given back together */
#define FAIL_FIRST_NS   NS_PER_S
#define REFUSE_FIRST_NS (5 * NS_PER_S)
#define JITTER_PERCENT  20
#define REFUSALS_MAX    15

static_assert(sizeof(struct passive_entry) == 4, "a hundred of them in half a kilobyte");
static_assert(sizeof(struct passive_trial) == 6, "no padding");
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
    assert(v->trial_count == 0);
    heap_give(v->heap, v->list, (size_t)v->room, sizeof(*v->list));
    heap_give(v->heap, v->tags, (size_t)v->room, sizeof(*v->tags));
    heap_give(v->heap, v->trials, (size_t)v->trial_room, sizeof(*v->trials));
    v->list = NULL;
    v->tags = NULL;
    v->trials = NULL;
    v->room = 0;
    v->trial_room = 0;
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
    const uint8_t *from = v->tags;
    size_t left = v->count;

    while (left > 0 && (from = memchr(from, tag_of(id), left)) != NULL) {
        int i = (int)(from - v->tags);

        if (node_id_equal(&passive_rec(v, i)->id, id))
            return i;
        from++;
        left = (size_t)(v->count - i - 1);
    }
    return -1;
}

/* The place of the row of this entry, or of the first one behind it; place or an earlier
 * one is where to begin to look. */
static int trial_place(const struct passive *v, int index, int place)
{
    while (place < v->trial_count && v->trials[place].index < index)
        place++;
    return place;
}

/* What came of trying an entry.  *place: 0 at the start of a loop over ascending ones. */
static const struct passive_trial *trial_next(const struct passive *v, int index,
                                              int *place)
{
    static const struct passive_trial none;

    if (!v->list[index].is_tried)
        return &none;
    *place = trial_place(v, index, *place);
    assert(*place < v->trial_count && v->trials[*place].index == index);
    return &v->trials[*place];
}

static const struct passive_trial *trial_of(const struct passive *v, int index)
{
    int place = 0;

    return trial_next(v, index, &place);
}

static void set_trial_room(struct passive *v, int room)
{
    v->trials = heap_resize(v->heap, v->trials, (size_t)v->trial_room, (size_t)room,
                            sizeof(*v->trials));
    v->trial_room = (uint16_t)room;
}

/* The row of an entry, which it has from now on. */
static struct passive_trial *trial_begin(struct passive *v, int index)
{
    int place = trial_place(v, index, 0);
    struct passive_trial *t;

    if (!v->list[index].is_tried) {
        if (v->trial_count == v->trial_room)
            set_trial_room(v, v->trial_room + TRIALS_STEP);
        t = &v->trials[place];
        memmove(t + 1, t, (size_t)(v->trial_count - place) * sizeof(*t));
        *t = (struct passive_trial){ .index = (uint16_t)index };
        v->trial_count++;
        v->list[index].is_tried = 1;
    }
    return &v->trials[place];
}

/* The entry is as if it had never been tried. */
static void trial_end(struct passive *v, int index)
{
    struct passive_trial *t;
    int place;

    if (!v->list[index].is_tried)
        return;
    place = trial_place(v, index, 0);
    t = &v->trials[place];
    v->trial_count--;
    memmove(t, t + 1, (size_t)(v->trial_count - place) * sizeof(*t));
    v->list[index].is_tried = 0;
    if (v->trial_count + TRIALS_STEP <= v->trial_room)
        set_trial_room(v, v->trial_room - TRIALS_STEP);
}

int passive_fails(const struct passive *v, int index)
{
    return trial_of(v, index)->fails;
}

void passive_reached(struct passive *v, int index)
{
    if (passive_fails(v, index) > 0)
        trial_begin(v, index)->fails = 0;
}

/* HyParView section 4.4: what was sent to the other side of a shuffle goes first. */
static int victim(const struct passive *v, struct rng *rng)
{
    const struct passive_trial *worst = NULL;

    for (int k = 0; k < v->trial_count; k++) {
        const struct passive_trial *t = &v->trials[k];

        if (t->fails > 0 && (worst == NULL || t->fails > worst->fails))
            worst = t;
    }
    if (worst != NULL)
        return worst->index;
    for (int i = 0; i < v->count; i++) {
        if (v->list[i].is_sent)
            return i;
    }
    return (int)rng_below(rng, v->count);
}

static void set_rec(struct passive *v, int index, const struct peer_rec *rec)
{
    uint32_t contact = contacts_add(v->contacts, rec);

    trial_end(v, index);
    v->list[index] = (struct passive_entry){ .contact = contact & (CONTACTS_MAX - 1) };
    v->tags[index] = tag_of(&rec->id);
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
    v->tags = heap_resize(v->heap, v->tags, (size_t)v->room, (size_t)room,
                          sizeof(*v->tags));
    v->room = (uint16_t)room;
}

static int renew(struct passive *v, int index, const struct peer_rec *rec,
                 bool is_first_hand)
{
    const struct peer_rec *was = passive_rec(v, index);
    uint32_t old = v->list[index].contact;

    if ((is_first_hand || passive_fails(v, index) > 0) &&
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
    if (i >= 0 && passive_fails(v, i) == 0)
        return -1;
    if (i >= 0) {
        contacts_drop(v->contacts, v->list[i].contact);
    } else if (v->count < v->max) {
        make_room(v, v->count + 1);
        i = v->count++;
        v->list[i].is_tried = 0;
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
    for (int i = 0; i < taken; i++, v->count++) {
        v->list[v->count] = (struct passive_entry){ .contact = contacts[i] &
                                                               (CONTACTS_MAX - 1) };
        v->tags[v->count] = (uint8_t)tags[i];
    }
    return taken;
}

void passive_remove(struct passive *v, int index)
{
    assert(index >= 0 && index < v->count);
    contacts_drop(v->contacts, v->list[index].contact);
    trial_end(v, index);
    v->count--;
    if (index == v->count)
        return;
    /* The last one comes here, with its row, which is the last as well. */
    if (v->list[v->count].is_tried) {
        struct passive_trial last = *trial_of(v, v->count);

        trial_end(v, v->count);
        last.index = (uint16_t)index;
        *trial_begin(v, index) = last;
        v->list[v->count].is_tried = 1;
    }
    v->list[index] = v->list[v->count];
    v->tags[index] = v->tags[v->count];
}

/* Units from now until the entry may be tried; 0 or less: at once. */
static int wait_of(const struct passive_trial *t, int64_t now_ns)
{
    uint16_t now = (uint16_t)((uint64_t)(now_ns / PASSIVE_UNIT_NS) & UINT16_MAX);

    return t->is_waiting ? (int16_t)(uint16_t)(t->retry - now) : 0;
}

/* The n-th entry that is due and sound (or failing); counts them when n is -1. */
static int due(const struct passive *v, bool is_failing, int64_t now_ns, int64_t n)
{
    int seen = 0;
    int place = 0;

    for (int i = 0; i < v->count; i++) {
        const struct passive_trial *t = trial_next(v, i, &place);

        if ((t->fails > 0) != is_failing || wait_of(t, now_ns) > 0)
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
    int place = 0;

    for (int i = 0; i < v->count; i++) {
        if (trial_next(v, i, &place)->fails > 0 || passive_rec(v, i)->via.len > 0)
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

static int64_t retry_ns(const struct passive_trial *t, int64_t now_ns)
{
    int wait = wait_of(t, now_ns);

    return wait <= 0 ? now_ns : (now_ns / PASSIVE_UNIT_NS + wait) * PASSIVE_UNIT_NS;
}

int64_t passive_retry_ns(const struct passive *v, int index, int64_t now_ns)
{
    return retry_ns(trial_of(v, index), now_ns);
}

int64_t passive_next_ns(const struct passive *v, int64_t now_ns)
{
    int64_t next = TIME_NEVER;

    if (v->trial_count < v->count)
        return now_ns;
    for (int k = 0; k < v->trial_count; k++)
        next = time_min(next, retry_ns(&v->trials[k], now_ns));
    return next;
}

void passive_wait_until(struct passive *v, int index, int64_t at_ns)
{
    struct passive_trial *t = trial_begin(v, index);
    int64_t unit = (at_ns + PASSIVE_UNIT_NS - 1) / PASSIVE_UNIT_NS;

    t->is_waiting = 1;
    t->retry = (uint16_t)((uint64_t)unit & UINT16_MAX);
}

void passive_sweep(struct passive *v, int64_t now_ns)
{
    for (int k = v->trial_count - 1; k >= 0; k--) {
        struct passive_trial *t = &v->trials[k];

        if (wait_of(t, now_ns) <= 0)
            t->is_waiting = 0;
        if (!t->is_waiting && t->fails == 0 && t->refusals == 0)
            trial_end(v, t->index);
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
    struct passive_trial *t = trial_begin(v, index);

    passive_wait_until(v, index, now_ns + back_off(FAIL_FIRST_NS, t->fails, max_ns, rng));
    t->fails = t->fails < UINT8_MAX ? (uint8_t)(t->fails + 1) : t->fails;
}

void passive_refused(struct passive *v, int index, int64_t max_ns, int64_t now_ns,
                     struct rng *rng)
{
    struct passive_trial *t = trial_begin(v, index);
    unsigned times = t->refusals;

    passive_wait_until(v, index,
                       now_ns + back_off(REFUSE_FIRST_NS, (int)times, max_ns, rng));
    t->refusals = (times < REFUSALS_MAX ? times + 1 : times) & REFUSALS_MAX;
    t->fails = 0;
}

void passive_renew_sent(struct passive *v)
{
    for (int i = 0; i < v->count; i++)
        v->list[i].is_sent = 0;
}

void passive_sample(struct passive *v, int count, const struct node_id *not_id,
                    bool is_shuffle, struct rng *rng, struct peer_recs *recs)
{
    int not_index = passive_find(v, not_id);
    int left = not_index < 0 || passive_fails(v, not_index) > 0 ? v->count : v->count - 1;
    int place = 0;

    for (int k = 0; k < v->trial_count; k++)
        left -= v->trials[k].fails > 0;
    /* Selection sampling (Knuth, TAOCP 3.4.2 S): each of the left entries alike. */
    for (int i = 0; i < v->count && count > 0 && recs->count < MSG_RECS_MAX; i++) {
        if (trial_next(v, i, &place)->fails != 0 || i == not_index)
            continue;
        if (rng_below(rng, left--) >= count)
            continue;
        recs->list[recs->count++] = *passive_rec(v, i);
        if (is_shuffle)
            v->list[i].is_sent = 1;
        count--;
    }
}

const char *passive_check(const struct passive *v)
{
    int k = 0;

    if (v->count > v->max || v->count > v->room)
        return "passive view too large";
    for (int i = 0; i < v->count; i++) {
        bool has_row = k < v->trial_count && v->trials[k].index == i;

        if (v->list[i].is_tried != has_row)
            return "a passive entry and its trials differ";
        k += has_row;
    }
    return k == v->trial_count ? NULL : "trials of no passive entry";
}
