/* SPDX-License-Identifier: MIT */
#include "cli/csv.h"

#include <time.h>

#include "base/time.h"
#include "cli/parts.h"
#include "wire/map.h"

#define NAME_MAX_LEN 256

void csv_head(struct text *t)
{
    text_add(t, "time,member,self,host,playing,error_us,bound_us,rate_ppm,dropouts,jumps,"
                "apart_us,apart_bound_us,alarm\r\n");
}

static void put_time(struct text *t, int64_t wall_ns)
{
    time_t s = (time_t)(wall_ns / NS_PER_S);
    struct tm tm;

    gmtime_r(&s, &tm);
    put(t, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
        tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
        (int)(wall_ns % NS_PER_S / NS_PER_MS));
}

/* A name in quotes, each of its own doubled. */
static void put_name(struct text *t, struct bytes name)
{
    char room[NAME_MAX_LEN];
    struct text clean;

    text_init(&clean, room, sizeof(room));
    put_clean(&clean, name);
    text_add(t, ",\"");
    for (size_t i = 0; i < clean.len; i++) {
        if (clean.data[i] == '"')
            text_add(t, "\"");
        text_add_len(t, &clean.data[i], 1);
    }
    text_add(t, "\"");
}

/* A number of thousandths as one with three places; empty when it is not known. */
static void put_thousandths(struct text *t, struct bytes map, const char *key)
{
    int64_t v = map_get_int(map, key, PART_UNKNOWN);

    text_add(t, ",");
    if (v != PART_UNKNOWN)
        put(t, "%.3f", (double)v / 1000);
}

static void put_count(struct text *t, struct bytes map, const char *key)
{
    int64_t v = map_get_int(map, key, PART_UNKNOWN);

    text_add(t, ",");
    if (v != PART_UNKNOWN)
        put(t, "%lld", (long long)v);
}

static void put_flag(struct text *t, struct bytes map, const char *key)
{
    struct bytes item = part_get(map, key);

    text_add(t, ",");
    if (item_kind(item) == CBOR_KIND_BOOL)
        text_add(t, item_bool(item, false) ? "1" : "0");
}

void csv_rows(struct text *t, struct bytes state, int64_t wall_ns)
{
    struct bytes party = part_get(state, "party");
    struct list members;
    struct bytes m;

    list_init_at(&members, party, "members");
    while (list_next(&members, &m)) {
        put_time(t, wall_ns);
        put_name(t, map_get_text(m, "name", ""));
        put_flag(t, m, "self");
        put_flag(t, m, "host");
        put_flag(t, m, "playing");
        put_thousandths(t, m, "phase_ns");
        put_thousandths(t, m, "bound_ns");
        put_thousandths(t, m, "rate_ppb");
        put_count(t, m, "dropouts");
        put_count(t, m, "jumps");
        put_thousandths(t, party, "apart_ns");
        put_thousandths(t, party, "apart_bound_ns");
        put_flag(t, party, "apart_alarm");
        text_add(t, "\r\n");
    }
}
