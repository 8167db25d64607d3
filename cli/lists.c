/* SPDX-License-Identifier: MIT */
#include "cli/render.h"

#include "base/time.h"
#include "cli/parts.h"
#include "cli/table.h"
#include "wire/map.h"

static void put_rate(struct text *t, int64_t rate)
{
    if (rate < 1000)
        put(t, "%d B/s", (int)rate);
    else
        put(t, "%.1f kB/s", (double)rate / 1e3);
}

/* How the link is used, and who opened it. */
static void put_link(struct text *t, struct bytes peer)
{
    int64_t score = map_get_int(peer, "score", 0);
    struct bytes how = map_get_text(peer, "how", "direct");

    put(t, "%s, %s", map_get_bool(peer, "neighbour", false) ? "neighbour" : "party only",
        map_get_bool(peer, "dialled", false) ? "dialled" : "came in");
    if (!part_is(how, "direct")) {
        text_add(t, ", ");
        put_clean(t, how);
    }
    if (map_get_bool(peer, "forced", false))
        text_add(t, " by force");
    if (score > 0)
        put(t, ", %d point%s against it", (int)score, part_plural(score));
}

void render_links(struct text *t, const struct style *s, struct bytes body)
{
    static const char *const heads[] = { "WHO", "ID",   "ADDRESS", ">ROUND TRIP",
                                         ">IN", ">OUT", "LINK" };
    struct table table;
    struct list peers;
    struct bytes p;

    table_init(&table, heads, COUNT(heads));
    list_init_at(&peers, body, "peers");
    while (list_next(&peers, &p)) {
        struct bytes id = map_get_text(p, "id", "");

        put_cut(table_cell(&table), s, map_get_text(p, "name", "?"), PART_NAME_COLUMNS);
        put_clean(table_cell(&table), bytes_of(id.data, id.len < 8 ? id.len : 8));
        put_clean(table_cell(&table), map_get_text(p, "addr", "?"));
        part_put_known_ns(table_cell(&table), s, p, "rtt_ns");
        put_rate(table_cell(&table), map_get_int(p, "in_rate", 0));
        put_rate(table_cell(&table), map_get_int(p, "out_rate", 0));
        put_link(table_cell(&table), p);
    }
    table_put(&table, t, s, 0);
}

static void put_offenders(struct text *t, const struct style *s, struct bytes body)
{
    static const char *const heads[] = { "KEPT AWAY", "ADDRESS", ">FOR" };
    struct table table;
    struct list offenders;
    struct bytes o;

    table_init(&table, heads, COUNT(heads));
    list_init_at(&offenders, body, "offenders");
    while (list_next(&offenders, &o)) {
        struct bytes id = map_get_text(o, "id", "");

        put_clean(table_cell(&table), bytes_of(id.data, id.len < 8 ? id.len : 8));
        put_clean(table_cell(&table), map_get_text(o, "addr", "?"));
        put_clock(table_cell(&table), map_get_int(o, "left_ms", 0));
    }
    text_add(t, "\n");
    table_put(&table, t, s, 0);
}

/* Whoever wonders why others must be asked first. */
static void put_reach(struct text *t, struct bytes body)
{
    struct bytes reach = map_get_text(body, "reach", "");

    if (part_is(reach, "hidden") || part_is(reach, "punch"))
        put(t,
            "\nOther nodes cannot dial this one: %s.  A router that forwards its port "
            "would help\n",
            part_is(reach, "punch") ? "both dial at the same moment"
                                    : "links may go by way of others");
}

void render_peers(struct text *t, const struct style *s, struct bytes body)
{
    int spare = part_count(body, "passive");

    if (part_count(body, "peers") == 0)
        text_add(t, "No other node is connected.  Name one to get in by: party up --join "
                    "HOST\n");
    else
        render_links(t, s, body);
    if (spare > 0)
        put(t, "\n%d more node%s known, to take the place of neighbours that go\n", spare,
            spare == 1 ? " is" : "s are");
    put_reach(t, body);
    if (part_count(body, "offenders") > 0)
        put_offenders(t, s, body);
}

/* "+12.3 ppm": once it is known well enough to be worth telling. */
static void put_source_rate(struct text *t, const struct style *s, struct bytes source)
{
    int64_t skew = map_get_int(source, "skew_ppb", PART_UNKNOWN);

    if (skew == PART_UNKNOWN || skew > 20000)
        text_add(t, part_none(s));
    else
        put(t, "%+.1f ppm", (double)map_get_int(source, "rate_ppb", 0) / 1e3);
}

static void put_source_poll(struct text *t, const struct style *s, int64_t poll_s)
{
    if (poll_s == 0)
        text_add(t, part_none(s));
    else
        put(t, "%d s", (int)poll_s);
}

/* The system's clock is always within reach; what it lacks is a source of its own. */
static void put_source_state(struct text *t, struct bytes source)
{
    struct bytes state = map_get_text(source, "state", "?");
    struct bytes why = map_get_text(source, "why", "");

    if (part_is(map_get_text(source, "addr", ""), "system") &&
        part_is(state, "unreachable"))
        text_add(t, "not synchronised");
    else
        put_clean(t, state);
    if (why.len == 0 || part_is(map_get_text(source, "addr", ""), "system"))
        return;
    text_add(t, ": ");
    put_clean(t, why);
}

void render_clock(struct text *t, const struct style *s, struct bytes body)
{
    static const char *const heads[] = { "SOURCE",       ">OFFSET", ">+-BOUND",
                                         ">ROUND TRIP",  ">RATE",   ">STRATUM",
                                         ">ASKED EVERY", "STATE" };
    struct bytes clock = part_get(body, "clock");
    struct table table;
    struct list sources;
    struct bytes source;
    double rate = (double)map_get_int(clock, "rate_ppb", 0);

    part_put_clock(t, s, clock);
    if (map_get_text(clock, "grade", "").len > 0) {
        part_put_label(t, s, "grade");
        put_clean(t, map_get_text(clock, "grade", ""));
        text_add(t, "\n");
    }
    if (map_get_int(clock, "sigma_ns", PART_UNKNOWN) != PART_UNKNOWN &&
        part_is(map_get_text(clock, "role", ""), "guest")) {
        part_put_label(t, s, "");
        put(t, "%d probes, sigma ", (int)map_get_int(clock, "samples", 0));
        part_put_known_ns(t, s, clock, "sigma_ns");
        put(t, ", the host's crystal runs %+.2f ppm ", rate / 1e3);
        put(t, s->has_utf8 ? "± %.2f against ours\n" : "+- %.2f against ours\n",
            (double)map_get_int(clock, "skew_ppb", 0) / 1e3);
    }
    if (!part_is(map_get_text(clock, "leap", "none"), "none")) {
        part_put_label(t, s, "");
        put(t, "a leap second comes at the end of the month: UTC will %s one\n",
            part_is(map_get_text(clock, "leap", ""), "insert") ? "have" : "lack");
    }
    text_add(t, "\n");
    table_init(&table, heads, COUNT(heads));
    list_init_at(&sources, body, "sources");
    while (list_next(&sources, &source)) {
        int64_t offset = map_get_int(source, "offset_ns", PART_UNKNOWN);

        put_clean(table_cell(&table), map_get_text(source, "addr", "?"));
        if (offset == PART_UNKNOWN)
            text_add(table_cell(&table), part_none(s));
        else
            put_error(table_cell(&table), s, offset);
        part_put_known_ns(table_cell(&table), s, source, "bound_ns");
        part_put_known_ns(table_cell(&table), s, source, "rtt_ns");
        put_source_rate(table_cell(&table), s, source);
        put(table_cell(&table), "%d", (int)map_get_int(source, "stratum", 0));
        put_source_poll(table_cell(&table), s, map_get_int(source, "poll_s", 0));
        put_source_state(table_cell(&table), source);
    }
    table_put(&table, t, s, 0);
}

static void put_titles(struct text *t, const struct style *s, struct bytes invite)
{
    struct list songs;
    struct bytes title;
    char buffer[1024];
    struct text all;

    text_init(&all, buffer, sizeof(buffer));
    list_init_at(&songs, invite, "songs");
    while (list_next(&songs, &title)) {
        if (all.len > 0)
            text_add(&all, ", ");
        put_clean(&all, item_text(title, ""));
    }
    put_cut(t, s, bytes_of(all.data, all.len), PART_TITLE_COLUMNS);
}

void render_invites(struct text *t, const struct style *s, struct bytes body)
{
    static const char *const heads[] = { "ID",       "PARTY", "HOST",
                                         ">MEMBERS", ">LEFT", "SONGS" };
    struct table table;
    struct list invites;
    struct bytes v;

    if (part_count(body, "invites") == 0) {
        text_add(t, "No invitation.  They come by themselves when somebody near runs: "
                    "party host SONG.flac\n");
        return;
    }
    table_init(&table, heads, COUNT(heads));
    list_init_at(&invites, body, "invites");
    while (list_next(&invites, &v)) {
        struct bytes id = map_get_text(v, "id", "");
        int64_t left = map_get_int(v, "left_ms", PART_UNKNOWN);

        put_clean(table_cell(&table), bytes_of(id.data, id.len < 8 ? id.len : 8));
        put_cut(table_cell(&table), s, map_get_text(v, "name", "?"), PART_NAME_COLUMNS);
        put_cut(table_cell(&table), s, map_get_text(v, "host", "?"), PART_NAME_COLUMNS);
        put(table_cell(&table), "%d", (int)map_get_int(v, "members", 0));
        if (left == PART_UNKNOWN)
            text_add(table_cell(&table), part_none(s));
        else
            put_clock(table_cell(&table), left);
        put_titles(table_cell(&table), s, v);
    }
    table_put(&table, t, s, 0);
    text_add(t, "\nnext: party accept ID, or party decline ID\n");
}

void render_action(struct text *t, const struct style *s, const char *verb,
                   struct bytes action, struct bytes state)
{
    struct bytes song = part_song(part_get(state, "party"),
                                  map_get_int(action, "slot", -1));
    int64_t rate = map_get_int(song, "rate", 0);
    int64_t frame = map_get_int(action, "frame", 0);

    put(t, "%s: ", verb);
    if (song.len > 0) {
        part_put_title(t, s, song, PART_TITLE_COLUMNS);
        if (rate > 0) {
            text_add(t,
                     map_get_bool(action, "playing", false) ? " from " : " stands at ");
            put_clock(t, mul_div(frame, 1000, rate));
        }
        text_add(t, ", ");
    }
    put(t, "everywhere in %.1f s\n", (double)map_get_int(action, "lead_ms", 0) / 1e3);
}
