/* SPDX-License-Identifier: MIT */
#include "cli/parts.h"

#include <string.h>

#include "wire/map.h"

struct bytes part_get(struct bytes map, const char *key)
{
    struct bytes item;

    (void)map_find(map, key, &item);
    return item;
}

bool part_is(struct bytes text, const char *s)
{
    return bytes_equal(text, bytes_of(s, strlen(s)));
}

const char *part_dot(const struct style *s)
{
    return s->has_utf8 ? " · " : ", ";
}

const char *part_none(const struct style *s)
{
    return s->has_utf8 ? "–" : "-";
}

const char *part_plural(int64_t n)
{
    return n == 1 ? "" : "s";
}

void part_put_known_ns(struct text *t, const struct style *s, struct bytes map,
                       const char *key)
{
    int64_t v = map_get_int(map, key, PART_UNKNOWN);

    if (v == PART_UNKNOWN)
        text_add(t, part_none(s));
    else
        put_ns(t, s, v);
}

/* Song number slot of the pool, or empty. */
struct bytes part_song(struct bytes party, int64_t slot)
{
    struct list pool;
    struct bytes song;

    list_init_at(&pool, party, "pool");
    while (list_next(&pool, &song)) {
        if (map_get_int(song, "slot", -1) == slot)
            return song;
    }
    return bytes_of(NULL, 0);
}

int part_count(struct bytes map, const char *key)
{
    struct list l;
    struct bytes item;
    int n = 0;

    list_init_at(&l, map, key);
    while (list_next(&l, &item))
        n++;
    return n;
}

void part_put_title(struct text *t, const struct style *s, struct bytes song, int width)
{
    struct bytes title = map_get_text(song, "title", "");

    if (title.len == 0)
        title = bytes_of("(no title)", 10);
    put_cut(t, s, title, width);
}

void part_put_label(struct text *t, const struct style *s, const char *label)
{
    put_paint(t, s, PAINT_DIM);
    put(t, "%-6s", label);
    put_paint(t, s, PAINT_NONE);
}

/* "locked to the host, ±60 µs, round trip 0.6 ms". */
static void put_party_clock(struct text *t, const struct style *s, struct bytes clock)
{
    struct bytes role = map_get_text(clock, "role", "alone");
    struct bytes state = map_get_text(clock, "state", "unsynced");

    if (part_is(role, "alone"))
        return;
    if (part_is(role, "host")) {
        text_add(t, "this node sets the party's time");
    } else if (part_is(state, "locked")) {
        text_add(t, "locked to the host");
    } else if (part_is(state, "holdover")) {
        text_add(t, "running on: the host is not heard");
    } else {
        text_add(t, "not in time with the host yet");
    }
    if (part_is(role, "guest") &&
        map_get_int(clock, "bound_ns", PART_UNKNOWN) != PART_UNKNOWN) {
        text_add(t, s->has_utf8 ? ", ±" : ", +-");
        part_put_known_ns(t, s, clock, "bound_ns");
        text_add(t, ", round trip ");
        part_put_known_ns(t, s, clock, "rtt_ns");
    }
    text_add(t, part_dot(s));
}

void part_put_clock(struct text *t, const struct style *s, struct bytes clock)
{
    struct bytes utc = map_get_text(clock, "utc_state", "none");

    part_put_label(t, s, "clock");
    put_party_clock(t, s, clock);
    if (part_is(utc, "synchronised")) {
        text_add(t, s->has_utf8 ? "UTC ±" : "UTC +-");
        part_put_known_ns(t, s, clock, "utc_bound_ns");
    } else if (part_is(utc, "unsynchronised")) {
        text_add(t, "UTC as this machine has it, not synchronised");
    } else {
        text_add(t, "UTC not known yet");
    }
    text_add(t, "\n");
}
