/* SPDX-License-Identifier: MIT */
#include "party/timeline.h"

#include <assert.h>
#include <string.h>

#define FRAME_MAX (TIMELINE_SONG_MAX_NS / NS_PER_S * TIMELINE_RATE_MAX)

/* One stretch of an action: within one song, or silence. */
struct leg {
    int64_t at_ns;
    int slot;
    int64_t frame;
    bool is_playing;
    bool is_over;
};

void timeline_init(struct timeline *t, struct heap *heap)
{
    *t = (struct timeline){ .heap = heap };
}

void timeline_finish(struct timeline *t)
{
    heap_give(t->heap, t->actions, (size_t)t->action_room, sizeof(t->actions[0]));
    t->actions = NULL;
    t->action_room = 0;
    t->action_count = 0;
}

static bool has_song(const struct timeline *t, int slot)
{
    return slot < POOL_SLOTS && t->pool[slot].frames > 0;
}

bool timeline_set_song(struct timeline *t, int slot, const struct song_id *song,
                       uint64_t frames, uint32_t rate)
{
    if (slot < 0 || slot >= POOL_SLOTS || has_song(t, slot)) {
        return false;
    }
    if (rate == 0 || rate > TIMELINE_RATE_MAX || frames == 0 || frames > FRAME_MAX) {
        return false;
    }
    if (mul_div((int64_t)frames, NS_PER_S, rate) > TIMELINE_SONG_MAX_NS) {
        return false;
    }
    t->pool[slot] = (struct timeline_song){ *song, (int64_t)frames, rate };
    t->version++;
    return true;
}

int timeline_song_count(const struct timeline *t)
{
    int n = 0;

    while (has_song(t, n)) {
        n++;
    }
    return n;
}

static bool is_same_action(const struct timeline_action *a,
                           const struct timeline_action *b)
{
    return a->at.ns == b->at.ns && a->slot == b->slot && a->frame == b->frame &&
           a->is_playing == b->is_playing;
}

bool timeline_add(struct timeline *t, const struct timeline_action *a)
{
    int keep = 0;

    if (a->at.ns < 0 || a->at.ns > TIMELINE_AT_MAX_NS || a->slot < 0 ||
        a->slot >= POOL_SLOTS || a->frame < 0 || a->frame > FRAME_MAX) {
        return false;
    }
    for (int i = 0; i < t->action_count; i++) {
        if (is_same_action(&t->actions[i], a)) {
            return true;
        }
    }
    while (keep < t->action_count && t->actions[keep].at.ns < a->at.ns) {
        keep++;
    }
    if (keep == TIMELINE_ACTIONS_MAX) {
        memmove(t->actions, t->actions + 1, sizeof(t->actions[0]) * (size_t)(keep - 1));
        keep--;
    }
    if (keep == t->action_room) {
        t->actions = heap_resize(t->heap, t->actions, (size_t)keep, (size_t)keep + 1,
                                 sizeof(t->actions[0]));
        t->action_room = keep + 1;
    }
    t->actions[keep] = *a;
    t->action_count = keep + 1;
    t->version++;
    return true;
}

const struct timeline_action *timeline_last(const struct timeline *t)
{
    return t->action_count > 0 ? &t->actions[t->action_count - 1] : NULL;
}

int timeline_pending(const struct timeline *t, struct party_time now)
{
    int n = 0;

    while (n < t->action_count && t->actions[t->action_count - 1 - n].at.ns > now.ns) {
        n++;
    }
    return n;
}

/* When the leg ends by itself. */
static int64_t leg_end(const struct timeline *t, const struct leg *l)
{
    const struct timeline_song *s = &t->pool[l->slot];

    return l->is_playing ? l->at_ns + mul_div(s->frames - l->frame, NS_PER_S, s->rate)
                         : TIME_NEVER;
}

/* What follows a song that has ended. */
static struct leg leg_next(const struct timeline *t, const struct leg *l)
{
    int64_t end = leg_end(t, l);

    if (has_song(t, l->slot + 1)) {
        return (struct leg){ end, l->slot + 1, 0, true, false };
    }
    return (struct leg){ end, l->slot, t->pool[l->slot].frames, false, true };
}

static struct leg leg_first(const struct timeline *t, const struct timeline_action *a)
{
    const struct timeline_song *s = &t->pool[a->slot];
    struct leg l = { a->at.ns, a->slot, a->frame, a->is_playing, false };

    if (!has_song(t, a->slot)) {
        l.is_playing = false;
        return l;
    }
    if (l.frame > s->frames) {
        l.frame = s->frames;
    }
    l.is_over = !l.is_playing && l.frame == s->frames && !has_song(t, a->slot + 1);
    return l;
}

static struct timeline_segment segment_of(const struct timeline *t, const struct leg *l)
{
    struct timeline_segment s = {
        .at = { l->at_ns },
        .slot = l->slot,
        .frame = l->frame,
        .rate = t->pool[l->slot].rate,
        .is_playing = l->is_playing,
    };

    if (l->is_playing) {
        s.song = t->pool[l->slot].song;
    }
    return s;
}

/* The action in force at an instant, -1 before the first. */
static int action_at(const struct timeline *t, struct party_time now)
{
    return t->action_count - 1 - timeline_pending(t, now);
}

static struct leg leg_at(const struct timeline *t, int action, int64_t now_ns)
{
    struct leg l = { 0, 0, 0, false, false };

    if (action < 0) {
        return l;
    }
    l = leg_first(t, &t->actions[action]);
    while (leg_end(t, &l) <= now_ns) {
        l = leg_next(t, &l);
    }
    return l;
}

struct timeline_position timeline_at(const struct timeline *t, struct party_time now)
{
    struct leg l = leg_at(t, action_at(t, now), now.ns);
    struct timeline_position p = {
        .slot = l.slot,
        .frame = l.frame,
        .is_playing = l.is_playing,
        .is_over = l.is_over,
        .segment = segment_of(t, &l),
    };

    if (l.is_playing) {
        p.frame += mul_div(now.ns - l.at_ns, t->pool[l.slot].rate, NS_PER_S);
    }
    return p;
}

int timeline_segments(const struct timeline *t, struct party_time from,
                      struct timeline_segment out[], int max)
{
    int action = action_at(t, from);
    struct leg l = leg_at(t, action, from.ns);
    int n = 0;

    assert(max > 0);
    while (n < max) {
        bool is_last = action + 1 >= t->action_count;
        int64_t next_ns = is_last ? TIME_NEVER : t->actions[action + 1].at.ns;
        int64_t end_ns = leg_end(t, &l);

        if (end_ns > l.at_ns) { /* an action at the end of its song has no length */
            out[n++] = segment_of(t, &l);
        }
        if (end_ns < next_ns) {
            l = leg_next(t, &l);
        } else if (!is_last) {
            l = leg_first(t, &t->actions[++action]);
        } else {
            break;
        }
    }
    return n;
}
