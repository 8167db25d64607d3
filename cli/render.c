/* SPDX-License-Identifier: MIT */
#include "cli/render.h"

#include "base/time.h"
#include "cli/parts.h"
#include "cli/table.h"
#include "wire/map.h"

/* ---- the party ---- */

/* Percent of the pool that is here; 0 when nothing is known yet. */
static int pool_percent(struct bytes party)
{
    struct list pool;
    struct bytes song;
    int64_t held = 0;
    int64_t total = 0;

    list_init_at(&pool, party, "pool");
    while (list_next(&pool, &song)) {
        int64_t blocks = map_get_int(song, "total", 0);

        /* Until its hashes have come a song has no total: count it as not here. */
        total += blocks > 0 ? blocks : map_get_int(song, "bytes", 0) / 16384 + 1;
        held += map_get_int(song, "held", 0);
    }
    if (total <= 0 || held < 0)
        return 0;
    return held >= total ? 100 : (int)(mul_div(held, 100, total));
}

/* "playing 2/5 Two - B  0:41/3:00" and the like. */
static void put_phase(struct text *t, const struct style *s, struct bytes party)
{
    struct bytes phase = map_get_text(party, "phase", "?");
    int64_t left = map_get_int(party, "left_ms", -1);

    if (part_is(phase, "calling")) {
        text_add(t, "waiting for guests");
        if (left >= 0) {
            text_add(t, ", ");
            put_clock(t, left);
            text_add(t, " left");
        }
    } else if (part_is(phase, "sharing")) {
        put(t, "getting ready, %d %% of the songs are here", pool_percent(party));
    } else if (part_is(phase, "joining")) {
        text_add(t, "on the way to the host");
    } else if (part_is(phase, "ended")) {
        text_add(t, "the party is over");
    } else {
        put_clean(t, phase);
    }
    (void)s;
}

/* True once there is something to be heard, or to go on with. */
static bool is_on_stage(struct bytes party)
{
    static const char *const phases[] = { "playing", "paused", "stopped" };
    struct bytes phase = map_get_text(party, "phase", "");

    for (int i = 0; i < COUNT(phases); i++) {
        if (part_is(phase, phases[i]))
            return true;
    }
    return false;
}

static void put_song_line(struct text *t, const struct style *s, struct bytes party,
                          int width)
{
    int64_t slot = map_get_int(party, "slot", -1);
    int64_t position = map_get_int(party, "position_ms", -1);
    struct bytes song = part_song(party, slot);
    struct bytes artist = map_get_text(song, "artist", "");

    if (slot < 0 || song.len == 0 || !is_on_stage(party))
        return;
    put(t, " %d/%d  ", (int)slot + 1, part_count(party, "pool"));
    part_put_title(t, s, song, width);
    if (artist.len > 0) {
        text_add(t, s->has_utf8 ? " — " : " - ");
        put_cut(t, s, artist, width / 2);
    }
    if (position >= 0) {
        text_add(t, "  ");
        put_clock(t, position);
        text_add(t, "/");
        put_clock(t, map_get_int(song, "duration_ms", 0));
    }
}

/* The host, and how it is heard when that is not well. */
static void put_host(struct text *t, const struct style *s, struct bytes party)
{
    struct bytes hearing = map_get_text(party, "hearing", "");

    text_add(t, "host ");
    put_cut(t, s, map_get_text(party, "host", "?"), PART_NAME_COLUMNS);
    if (part_is(hearing, "slow"))
        text_add(t, " (slow)");
    else if (part_is(hearing, "slow-here"))
        text_add(t, " (slow here; others hear it)");
    else if (part_is(hearing, "silent"))
        text_add(t, " (silent)");
}

static void put_headline(struct text *t, const struct style *s, struct bytes party)
{
    int members = part_count(party, "members");
    int64_t more = map_get_int(party, "more", 0);

    put_paint(t, s, PAINT_BOLD);
    put_cut(t, s, map_get_text(party, "name", "?"), 40);
    put_paint(t, s, PAINT_NONE);
    text_add(t, part_dot(s));
    if (part_is(map_get_text(party, "role", ""), "host"))
        text_add(t, "you are the host");
    else
        put_host(t, s, party);
    put(t, "%s%d member%s", part_dot(s), members, part_plural(members));
    if (more > 0)
        put(t, " and %d more who answered", (int)more);
    text_add(t, "\n");
    put_paint(t, s, PAINT_GOOD);
    put_phase(t, s, party);
    put_song_line(t, s, party, PART_TITLE_COLUMNS);
    put_paint(t, s, PAINT_NONE);
    text_add(t, "\n");
}

static void put_bar(struct text *t, const struct style *s, struct bytes party)
{
    struct bytes song = part_song(party, map_get_int(party, "slot", -1));
    int64_t position = map_get_int(party, "position_ms", -1);
    int64_t length = map_get_int(song, "duration_ms", 0);
    int width = s->width > 84 ? 80 : s->width - 4;
    int64_t full;

    if (position < 0 || length <= 0 || width < 10)
        return;
    full = mul_div(position < length ? position : length, width, length);
    for (int i = 0; i < width; i++) {
        const char *on = s->has_utf8 ? "━" : "=";
        const char *off = s->has_utf8 ? "─" : "-";

        text_add(t, i < full ? on : off);
    }
    text_add(t, "\n");
}

static void put_pool(struct text *t, const struct style *s, struct bytes party)
{
    static const char *const heads[] = { "", ">#", "SONG", "ARTIST", ">LENGTH", ">HERE" };
    struct table table;
    struct list pool;
    struct bytes song;
    int64_t playing = map_get_int(party, "slot", -1);

    table_init(&table, heads, COUNT(heads));
    list_init_at(&pool, party, "pool");
    while (list_next(&pool, &song)) {
        int64_t slot = map_get_int(song, "slot", 0);
        int64_t total = map_get_int(song, "total", 0);

        text_add(table_cell(&table), slot == playing ? ">" : "");
        put(table_cell(&table), "%d", (int)slot + 1);
        part_put_title(table_cell(&table), s, song, PART_TITLE_COLUMNS);
        put_cut(table_cell(&table), s, map_get_text(song, "artist", ""),
                PART_NAME_COLUMNS);
        put_clock(table_cell(&table), map_get_int(song, "duration_ms", 0));
        if (total > 0)
            put(table_cell(&table), "%d %%",
                (int)mul_div(map_get_int(song, "held", 0), 100, total));
        else
            text_add(table_cell(&table), "0 %");
    }
    text_add(t, "\n");
    table_put(&table, t, s, 0);
}

/* Only the host hears what the others have. */
static bool is_reported(struct bytes member)
{
    return item_kind(part_get(member, "ready")) == CBOR_KIND_BOOL;
}

static const char *member_state(struct bytes party, struct bytes member)
{
    if (!map_get_bool(member, "here", true))
        return "away";
    if (part_is(map_get_text(party, "phase", ""), "playing") &&
        !map_get_bool(member, "playing", true))
        return "silent";
    if (!is_reported(member))
        return "here";
    return map_get_bool(member, "ready", false) ? "ready" : "getting ready";
}

static void put_off(struct text *t, const struct style *s, struct bytes party)
{
    int64_t off = map_get_int(party, "apart_off_ns", 0);

    put_cut(t, s, map_get_text(party, "apart_who", "?"), PART_NAME_COLUMNS);
    text_add(t, " ");
    put_ns(t, s, off < 0 ? -off : off);
    text_add(t, off < 0 ? " behind" : " ahead");
}

/* How far apart all are, and whose word that is. */
static void put_unison(struct text *t, const struct style *s, struct bytes party)
{
    int64_t apart = map_get_int(party, "apart_ns", PART_UNKNOWN);
    bool is_alarm = map_get_bool(party, "apart_alarm", false);

    if (apart == PART_UNKNOWN)
        return;
    put_paint(t, s, is_alarm ? PAINT_BAD : PAINT_NONE);
    text_add(t, is_alarm ? "EARS NOTICE: " : "All ");
    text_add(t, "within ");
    put_ns(t, s, apart);
    text_add(t, ", as the players believe (");
    put_off(t, s, party);
    text_add(t, s->has_utf8 ? "); clocks measured to ±" : "); clocks measured to +-");
    part_put_known_ns(t, s, party, "apart_bound_ns");
    put_paint(t, s, PAINT_NONE);
    text_add(t, "\n");
}

static void put_members(struct text *t, const struct style *s, struct bytes party)
{
    static const char *const heads[] = { "WHO",      ">ROUND TRIP", ">ERROR",
                                         ">+-BOUND", ">SONGS",      "STATE" };
    struct table table;
    struct list members;
    struct bytes m;
    int songs = part_count(party, "pool");

    table_init(&table, heads, COUNT(heads));
    list_init_at(&members, party, "members");
    while (list_next(&members, &m)) {
        bool is_host = map_get_bool(m, "host", false);
        struct text *cell = table_cell(&table);

        put_cut(cell, s, map_get_text(m, "name", "?"), PART_NAME_COLUMNS);
        if (is_host)
            text_add(cell, " (host)");
        part_put_known_ns(table_cell(&table), s, m, "rtt_ns");
        cell = table_cell(&table);
        if (map_get_int(m, "phase_ns", PART_UNKNOWN) == PART_UNKNOWN)
            text_add(cell, part_none(s));
        else
            put_error(cell, s, map_get_int(m, "phase_ns", 0));
        part_put_known_ns(table_cell(&table), s, m, "bound_ns");
        cell = table_cell(&table);
        if (is_reported(m))
            put(cell, "%d/%d", (int)map_get_int(m, "held", 0), songs);
        else
            text_add(cell, part_none(s));
        text_add(table_cell(&table), member_state(party, m));
    }
    text_add(t, "\n");
    table_put(&table, t, s, 0);
    put_unison(t, s, party);
}

static void put_no_party(struct text *t, const struct style *s, struct bytes state)
{
    int64_t invites = map_get_int(state, "invites", 0);

    put_paint(t, s, PAINT_BOLD);
    text_add(t, "No party.");
    put_paint(t, s, PAINT_NONE);
    if (invites > 0)
        put(t, "  %d invitation%s: party invites, then party accept\n", (int)invites,
            part_plural(invites));
    else
        text_add(t, "  Start one: party host SONG.flac ...\n");
}

/* ---- this node ---- */

/* How the card runs: what is known of it, and what the user has said. */
static void put_card(struct text *t, const struct style *s, struct bytes audio)
{
    int64_t volume = map_get_int(audio, "volume", 100);
    int64_t latency = map_get_int(audio, "latency_ns", 0);

    part_put_label(t, s, "card");
    if (map_get_int(audio, "sigma_ns", PART_UNKNOWN) != PART_UNKNOWN) {
        put(t, "crystal %+.1f ppm, music %+.1f ppm",
            (double)map_get_int(audio, "card_ppb", 0) / 1000,
            (double)map_get_int(audio, "rate_ppb", 0) / 1000);
        text_add(t, part_dot(s));
    }
    put(t, "%d ms ahead", (int)(map_get_int(audio, "depth_ns", 0) / NS_PER_MS));
    if (volume != 100)
        put(t, "%svolume %d %%", part_dot(s), (int)volume);
    if (latency != 0)
        put(t, "%slatency %+g ms", part_dot(s), (double)latency / NS_PER_MS);
    if (!map_get_bool(audio, "realtime", false))
        put(t, "%sordinary priority", part_dot(s));
    text_add(t, "\n");
}

static void put_sound(struct text *t, const struct style *s, struct bytes state)
{
    struct bytes audio = part_get(state, "audio");
    struct bytes error = map_get_text(audio, "error", "");
    int64_t underruns = map_get_int(audio, "underruns", 0);
    int64_t resyncs = map_get_int(audio, "resyncs", 0);

    part_put_label(t, s, "sound");
    if (error.len > 0 || !map_get_bool(audio, "card", false)) {
        put_paint(t, s, PAINT_BAD);
        text_add(t, "none: ");
        put_clean(t, error.len > 0 ? error : bytes_of("no sound card", 13));
        put_paint(t, s, PAINT_NONE);
    } else if (map_get_bool(audio, "playing", false)) {
        text_add(t, "playing, ");
        put_error(t, s, map_get_int(audio, "phase_ns", 0));
        text_add(t, " off, as it believes");
    } else {
        text_add(t, "ready");
    }
    if (underruns > 0)
        put(t, "%s%d dropout%s", part_dot(s), (int)underruns, part_plural(underruns));
    if (resyncs > 0)
        put(t, "%s%d jump%s", part_dot(s), (int)resyncs, part_plural(resyncs));
    text_add(t, "\n");
    if (map_get_bool(audio, "card", false) && map_get_int(audio, "depth_ns", 0) > 0)
        put_card(t, s, audio);
}

static void put_node(struct text *t, const struct style *s, struct bytes state)
{
    struct bytes node = part_get(state, "node");
    int64_t peers = map_get_int(node, "peers", 0);

    part_put_label(t, s, "node");
    put_cut(t, s, map_get_text(node, "name", "?"), 40);
    text_add(t, part_dot(s));
    put_clean(t, map_get_text(node, "listen", "?"));
    put(t, "%s%d neighbour%s", part_dot(s), (int)peers, part_plural(peers));
    if (map_get_int(node, "passive", 0) > 0)
        put(t, ", %d known", (int)map_get_int(node, "passive", 0));
    if (map_get_int(node, "offenders", 0) > 0)
        put(t, ", %d kept away", (int)map_get_int(node, "offenders", 0));
    if (map_get_bool(node, "private", false))
        put(t, "%sclosed channel", part_dot(s));
    put(t, "%sup ", part_dot(s));
    put_span(t, map_get_int(node, "uptime_ms", 0));
    text_add(t, "\n");
}

static void put_notes(struct text *t, const struct style *s, struct bytes state)
{
    struct list notes;
    struct bytes note;

    list_init_at(&notes, state, "notes");
    while (list_next(&notes, &note)) {
        part_put_label(t, s, "note");
        put_clean(t, item_text(note, ""));
        text_add(t, "\n");
    }
}

static void put_state(struct text *t, const struct style *s, struct bytes state,
                      bool has_bar)
{
    struct bytes party = part_get(state, "party");

    if (item_kind(party) == CBOR_KIND_MAP) {
        put_headline(t, s, party);
        if (has_bar)
            put_bar(t, s, party);
        put_pool(t, s, party);
        put_members(t, s, party);
    } else {
        put_no_party(t, s, state);
    }
    text_add(t, "\n");
    put_sound(t, s, state);
    part_put_clock(t, s, part_get(state, "clock"));
    put_node(t, s, state);
    put_notes(t, s, state);
}

void render_status(struct text *t, const struct style *s, struct bytes state)
{
    put_state(t, s, state, false);
}

void render_watch(struct text *t, const struct style *s, struct bytes state)
{
    put_state(t, s, state, true);
    if (part_count(state, "peers") > 0) {
        text_add(t, "\n");
        render_links(t, s, state);
    }
}

/* ---- lines ---- */

void render_line(struct text *t, const struct style *s, struct bytes state)
{
    struct bytes party = part_get(state, "party");
    struct bytes audio = part_get(state, "audio");

    if (item_kind(party) != CBOR_KIND_MAP) {
        put(t, "no party%s%d invitations", part_dot(s),
            (int)map_get_int(state, "invites", 0));
    } else {
        put_cut(t, s, map_get_text(party, "name", "?"), 40);
        text_add(t, part_dot(s));
        put_phase(t, s, party);
        put_song_line(t, s, party, PART_TITLE_COLUMNS);
        put(t, "%s%d members%s", part_dot(s), part_count(party, "members"), part_dot(s));
        put_host(t, s, party);
        if (map_get_bool(audio, "playing", false)) {
            put(t, "%serror ", part_dot(s));
            put_error(t, s, map_get_int(audio, "phase_ns", 0));
        }
        if (map_get_bool(party, "apart_alarm", false)) {
            put(t, "%sEARS NOTICE: ", part_dot(s));
            put_off(t, s, party);
        }
    }
    text_add(t, "\n");
}

void render_key(struct text *key, struct bytes state)
{
    struct bytes party = part_get(state, "party");
    struct bytes audio = part_get(state, "audio");
    struct list members;
    struct bytes m;

    put_clean(key, map_get_text(party, "id", "none"));
    put(key, "/%d/%d/%d/", (int)map_get_int(state, "invites", 0),
        (int)map_get_int(party, "seq", 0), (int)map_get_int(party, "slot", -1));
    put_clean(key, map_get_text(party, "phase", ""));
    text_add(key, "/");
    put_clean(key, map_get_text(party, "hearing", ""));
    put(key, "/%d/%d/%d", map_get_bool(party, "apart_alarm", false),
        map_get_bool(audio, "playing", false), pool_percent(party) / 25);
    list_init_at(&members, party, "members");
    while (list_next(&members, &m)) {
        text_add(key, "/");
        put_clean(key, map_get_text(m, "name", ""));
        put(key, "%d%d", map_get_bool(m, "here", false), map_get_bool(m, "host", false));
    }
}
