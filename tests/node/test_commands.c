/* Every verb of docs/control.md, in every state of a node: strict CBOR with the keys that
 * the page promises, in order; and every malformed request is answered by an error.
 * SPDX-License-Identifier: MIT */
#include "node/commands.h"
#include "tests/node/ask.h"

/* ---- the maps of docs/control.md ---- */

static void read_map(struct cbor_reader *r, const char *const keys[], int count,
                     void (*value)(struct cbor_reader *r, const char *key))
{
    assert_int_equal(cbor_peek(r), CBOR_KIND_MAP);
    assert_int_equal(cbor_read_map(r, 32), count);
    for (int i = 0; i < count; i++) {
        struct bytes key = cbor_read_text(r, 32);

        assert_true(bytes_equal(key, bytes_of(keys[i], strlen(keys[i]))));
        if (value != NULL)
            value(r, keys[i]);
        else
            cbor_skip(r);
    }
    assert_false(r->has_failed);
}

/* The kinds of value that a key of this name has wherever it stands. */
static void check_value(struct cbor_reader *r, const char *key)
{
    static const char *const texts[] = { "name",  "addr",  "host_name", "state",
                                         "role",  "phase", "title",     "artist",
                                         "album", "id",    "listen",    "utc_state",
                                         "next",  "error", "how",       "hearing" };
    static const char *const flags[] = { "private", "card",    "playing", "here",
                                         "ready",   "running", "dialled", "neighbour",
                                         "forced",  "acting" };
    enum cbor_kind kind = cbor_peek(r);
    size_t len = strlen(key);

    for (int i = 0; i < COUNT(texts); i++) {
        if (strcmp(key, texts[i]) == 0)
            assert_true(kind == CBOR_KIND_TEXT ||
                        (kind == CBOR_KIND_NULL && strcmp(key, "error") == 0));
    }
    for (int i = 0; i < COUNT(flags); i++) {
        if (strcmp(key, flags[i]) == 0)
            assert_true(kind == CBOR_KIND_BOOL || kind == CBOR_KIND_NULL);
    }
    if (len > 3 &&
        (strcmp(key + len - 3, "_ns") == 0 || strcmp(key + len - 3, "_ms") == 0))
        assert_true(kind == CBOR_KIND_UINT || kind == CBOR_KIND_NINT ||
                    kind == CBOR_KIND_NULL);
    cbor_skip(r);
}

static void read_list(struct cbor_reader *r, const char *const keys[], int count)
{
    int items;

    assert_int_equal(cbor_peek(r), CBOR_KIND_ARRAY);
    items = cbor_read_array(r, 128);
    for (int i = 0; i < items; i++)
        read_map(r, keys, count, check_value);
}

static const char *const node_keys[] = {
    "id",      "name",    "links",   "peers",    "reach",     "listen",
    "in_rate", "passive", "private", "out_rate", "offenders", "uptime_ms"
};
static const char *const audio_keys[] = { "card",     "song",      "error",
                                          "volume",   "playing",   "resyncs",
                                          "card_ppb", "depth_ns",  "phase_ns",
                                          "rate_ppb", "realtime",  "resident",
                                          "sigma_ns", "underruns", "latency_ns" };
static const char *const clock_keys[] = {
    "leap",    "role",     "grade",    "state",    "resets",   "rtt_ns",    "utc_ns",
    "samples", "bound_ns", "rate_ppb", "sigma_ns", "skew_ppb", "utc_state", "utc_bound_ns"
};
static const char *const source_keys[] = { "why",      "addr",     "reach",    "state",
                                           "poll_s",   "rtt_ns",   "stratum",  "bound_ns",
                                           "rate_ppb", "skew_ppb", "offset_ns" };
static const char *const peer_keys[] = { "id",      "how",      "addr",     "name",
                                         "score",   "forced",   "rtt_ns",   "dialled",
                                         "in_rate", "out_rate", "neighbour" };
static const char *const spare_keys[] = { "id", "addr", "fails" };
static const char *const offender_keys[] = { "id", "addr", "left_ms" };
static const char *const invite_keys[] = { "id",    "host",    "name",
                                           "songs", "left_ms", "running" };
static const char *const party_keys[] = {
    "id",        "seq",         "host",        "more",         "name",
    "pool",      "role",        "slot",        "epoch",        "phase",
    "acting",    "hearing",     "left_ms",     "members",      "apart_ns",
    "apart_who", "apart_alarm", "position_ms", "apart_off_ns", "apart_bound_ns"
};
static const char *const song_keys[] = { "id",    "bits",   "held",       "rate",
                                         "slot",  "album",  "bytes",      "title",
                                         "total", "artist", "duration_ms" };
static const char *const member_keys[] = {
    "id",       "addr",     "held",     "here",    "host",    "name",
    "self",     "jumps",    "ready",    "rtt_ns",  "playing", "bound_ns",
    "dropouts", "phase_ns", "rate_ppb", "sigma_ns"
};
static const char *const action_keys[] = { "seq",   "slot",    "at_ns",
                                           "frame", "lead_ms", "playing" };
static const char *const state_keys[] = { "node",  "audio", "clock",  "notes",
                                          "party", "peers", "invites" };

static void party_value(struct cbor_reader *r, const char *key)
{
    if (strcmp(key, "pool") == 0)
        read_list(r, song_keys, COUNT(song_keys));
    else if (strcmp(key, "members") == 0)
        read_list(r, member_keys, COUNT(member_keys));
    else
        check_value(r, strcmp(key, "host") == 0 ? "name" : key);
}

static void state_value(struct cbor_reader *r, const char *key)
{
    if (strcmp(key, "node") == 0)
        read_map(r, node_keys, COUNT(node_keys), check_value);
    else if (strcmp(key, "audio") == 0)
        read_map(r, audio_keys, COUNT(audio_keys), check_value);
    else if (strcmp(key, "clock") == 0)
        read_map(r, clock_keys, COUNT(clock_keys), check_value);
    else if (strcmp(key, "party") == 0 && cbor_peek(r) != CBOR_KIND_NULL)
        read_map(r, party_keys, COUNT(party_keys), party_value);
    else if (strcmp(key, "peers") == 0)
        read_list(r, peer_keys, COUNT(peer_keys));
    else
        cbor_skip(r);
}

static void clock_value(struct cbor_reader *r, const char *key)
{
    if (strcmp(key, "clock") == 0)
        read_map(r, clock_keys, COUNT(clock_keys), check_value);
    else
        read_list(r, source_keys, COUNT(source_keys));
}

static void peers_value(struct cbor_reader *r, const char *key)
{
    if (strcmp(key, "peers") == 0)
        read_list(r, peer_keys, COUNT(peer_keys));
    else if (strcmp(key, "passive") == 0)
        read_list(r, spare_keys, COUNT(spare_keys));
    else if (strcmp(key, "reach") == 0)
        cbor_skip(r);
    else
        read_list(r, offender_keys, COUNT(offender_keys));
}

static void invite_value(struct cbor_reader *r, const char *key)
{
    check_value(r, strcmp(key, "host") == 0 ? "name" : key);
}

static void invites_value(struct cbor_reader *r, const char *key)
{
    int items = cbor_read_array(r, 64);

    (void)key;
    for (int i = 0; i < items; i++)
        read_map(r, invite_keys, COUNT(invite_keys), invite_value);
}

static void check_body(const struct town_reply *a, const char *const keys[], int count,
                       void (*value)(struct cbor_reader *r, const char *key))
{
    struct cbor_reader r;

    assert_int_equal(a->err, 0);
    cbor_reader_init(&r, bytes_of(a->body, a->len));
    read_map(&r, keys, count, value);
    assert_true(cbor_is_done(&r));
}

static void check_error(const struct town_reply *a)
{
    static const char *const keys[] = { "next", "error" };
    struct cbor_reader r;

    assert_true(a->err < 0 && a->err > -ERR_COUNT);
    cbor_reader_init(&r, bytes_of(a->body, a->len));
    read_map(&r, keys, 2, check_value);
    assert_true(cbor_is_done(&r));
}

/* ---- the verbs that only show ---- */

static void check_shown(int node)
{
    static const char *const clock_reply[] = { "clock", "sources" };
    static const char *const peers_reply[] = { "peers", "reach", "passive", "offenders" };
    static const char *const invites_reply[] = { "invites" };

    check_body(town_say(node, "status"), state_keys, COUNT(state_keys), state_value);
    check_body(town_say(node, "watch"), state_keys, COUNT(state_keys), state_value);
    check_body(town_say(node, "clock"), clock_reply, 2, clock_value);
    check_body(town_say(node, "peers"), peers_reply, 4, peers_value);
    check_body(town_say(node, "invites"), invites_reply, 1, invites_value);
}

static const struct town_reply *say_play(int node, uint64_t number)
{
    uint8_t request[32];
    struct cbor_writer w;

    cbor_writer_init(&w, request, sizeof(request));
    cbor_write_array(&w, 2);
    cbor_write_text(&w, "play");
    cbor_write_uint(&w, number);
    return town_ask(node, cbor_written(&w));
}

static const struct town_reply *say_seek(int node, int64_t ms, bool is_relative)
{
    uint8_t request[32];
    struct cbor_writer w;

    cbor_writer_init(&w, request, sizeof(request));
    cbor_write_array(&w, 3);
    cbor_write_text(&w, "seek");
    cbor_write_int(&w, ms);
    cbor_write_bool(&w, is_relative);
    return town_ask(node, cbor_written(&w));
}

static const struct town_reply *say_hand_over(int node, const char *name)
{
    uint8_t request[64];
    struct cbor_writer w;

    cbor_writer_init(&w, request, sizeof(request));
    cbor_write_array(&w, 2);
    cbor_write_text(&w, "handover");
    cbor_write_text(&w, name);
    return town_ask(node, cbor_written(&w));
}

static const char *const actions[] = { "skip", "pause", "resume", "stop" };

static void check_actions_fail(int node, int err)
{
    for (int i = 0; i < COUNT(actions); i++) {
        const struct town_reply *a = town_say(node, actions[i]);

        check_error(a);
        assert_int_equal(a->err, err);
    }
    check_error(say_play(node, 1));
    check_error(say_seek(node, 1000, false));
}

static const char *const party_reply[] = { "party" };

static void check_party_reply(const struct town_reply *a)
{
    check_body(a, party_reply, 1, check_value);
    assert_int_equal(a->body[1 + 6], 0x78); /* 32 hex digits */
    assert_int_equal(a->body[1 + 6 + 1], 32);
    assert_int_equal(a->len, 1 + 6 + 2 + 32);
}

static const uint8_t decline[] = "\x82\x67"
                                 "decline\x60";

static void test_idle(void **state)
{
    (void)state;
    town_make(2, 41);
    town_start(0);
    check_shown(0); /* with no clock, no peer, no card */
    town_start(1);
    town_equip(0);
    town_equip(1);
    town_run(2 * S);
    check_shown(0);
    check_actions_fail(0, ERR_STATE);
    check_error(town_say(0, "leave"));
    check_error(town_accept(0));
    check_error(town_ask(0, bytes_of(decline, sizeof(decline) - 1)));
}

/* One party from its call to its end, each state looked at on both sides. */
static void test_a_party(void **state)
{
    (void)state;
    town_make(3, 42);
    town_start_all();
    town_run(3 * S);
    check_party_reply(town_host(0, 3, 2));
    town_run(S);
    assert_int_equal(town_phase(0), PARTY_CALLING);
    check_shown(0);
    check_shown(1); /* with an invite */
    check_error(town_host(0, 1, 1));
    check_actions_fail(0, ERR_STATE);
    check_party_reply(town_ask(2, bytes_of(decline, sizeof(decline) - 1)));
    check_party_reply(town_accept(1));
    check_shown(1);
    town_run(S);
    check_error(town_host(1, 1, 1));
    check_actions_fail(1, ERR_DENIED);
    check_shown(1);
    town_run(60 * S);
    assert_int_equal(town_phase(0), PARTY_PLAYING);
    check_shown(0);
    check_shown(1);
    check_actions_fail(1, ERR_DENIED);
    for (int i = 0; i < COUNT(actions); i++) {
        check_body(town_say(0, actions[i]), action_keys, COUNT(action_keys), check_value);
        town_run(5 * S);
        check_shown(0);
        check_shown(1);
    }
    check_body(say_play(0, 2), action_keys, COUNT(action_keys), check_value);
    town_run(5 * S);
    check_body(say_seek(0, -1000, true), action_keys, COUNT(action_keys), check_value);
    check_error(say_play(0, 4));
    check_error(say_play(0, 0));
    check_error(say_play(0, 1001));
    check_error(say_seek(0, INT64_MAX, true));
    check_error(say_seek(0, INT64_MIN, false));
    check_error(say_hand_over(1, ""));
    check_error(say_hand_over(0, "nobody"));
    for (int i = 0; i < 2; i++) { /* there and back */
        check_party_reply(say_hand_over(i, ""));
        check_error(say_hand_over(i, ""));
        town_run(5 * S);
        assert_int_equal(node_party(town.n[1 - i].node)->role, PARTY_ROLE_HOST);
        check_body(say_play(1 - i, 1), action_keys, COUNT(action_keys), check_value);
        check_shown(i);
        check_shown(1 - i);
    }
    check_party_reply(town_say(1, "leave"));
    check_shown(1);
    check_error(town_say(1, "leave"));
    check_error(town_say(1, "end"));
    check_party_reply(town_say(0, "end"));
    town_run(S);
    assert_int_equal(town_phase(0), PARTY_ENDED);
    check_shown(0);
    check_shown(1);
    check_actions_fail(0, ERR_STATE);
    check_party_reply(town_host(0, 1, 1)); /* the next one */
}

static void test_down(void **state)
{
    const struct town_reply *a;

    (void)state;
    town_make(2, 43);
    town_start_all();
    town_run(3 * S);
    check_party_reply(town_host(0, 1, 1));
    a = town_say(0, "down");
    assert_int_equal(a->err, 0);
    assert_int_equal(a->len, 1);
    assert_int_equal(a->body[0], 0xa0);
    town_run(2 * TOWN_DELAY); /* the driver would end it now */
    assert_int_equal(town_node(0)->overlay.counts.neighbours_down, 1);
    assert_int_equal(town_node(1)->overlay.counts.neighbours_down, 1);
    assert_int_equal(town_phase(0), PARTY_ENDED);
}

/* A host that leaves, or goes, is answered when another one leads: in a moment. */
static void test_leave_of_a_host(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        int64_t at_ns;

        town_make(3, 46);
        town_start_all();
        town_run(3 * S);
        check_party_reply(town_host(0, 2, 2));
        town_run(S);
        check_party_reply(town_accept(1));
        check_party_reply(town_accept(2));
        town_run(30 * S);
        assert_int_equal(town_phase(0), PARTY_PLAYING);
        at_ns = town.now_ns;
        if (i == 0)
            check_party_reply(town_say(0, "leave"));
        else
            assert_int_equal(town_say(0, "down")->err, 0);
        assert_true(town.now_ns > at_ns); /* not within the same step */
        assert_null(town_node(0)->leaving);
        town_run(3 * S);
        assert_int_equal(town_phase(0), PARTY_ENDED);
        assert_int_equal(town_phase(1), PARTY_PLAYING);
        assert_int_equal(town_phase(2), PARTY_PLAYING);
        assert_int_equal(node_party(town_node(1))->log.epoch, 2);
        assert_int_equal(node_party(town_node(1))->member_count, 2);
        assert_int_equal(town_node(0)->overlay.counts.neighbours_down, i == 0 ? 0 : 2);
    }
}

static void test_malformed_requests(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        int err;
    } rows[] = {
        { "", 0, ERR_MALFORMED },
        { "\xff", 1, ERR_MALFORMED },
        { "\x81\x66"
          "statu",
          7, ERR_MALFORMED }, /* cut off */
        { "\x81\x78\x06"
          "status",
          9, ERR_MALFORMED }, /* not the shortest */
        { "\x81\x66"
          "status\x00",
          9, ERR_MALFORMED }, /* something behind it */
        { "\x9f\x66"
          "status\xff",
          9, ERR_MALFORMED }, /* no definite length */
        { "\xa0", 1, ERR_USAGE },
        { "\x80", 1, ERR_USAGE },
        { "\x66"
          "status",
          7, ERR_USAGE },
        { "\x81\x46"
          "status",
          8, ERR_USAGE }, /* bytes, no text */
        { "\x81\x01", 2, ERR_USAGE },
        { "\x81\x65"
          "dance",
          7, ERR_USAGE },
        { "\x82\x66"
          "status\x00",
          9, ERR_USAGE }, /* one too many */
        { "\x81\x66"
          "accept",
          8, ERR_USAGE }, /* one too few */
        { "\x82\x66"
          "accept\x01",
          9, ERR_USAGE },
        { "\x82\x67"
          "decline\x40",
          10, ERR_USAGE },
        { "\x82\x64"
          "play\x61"
          "1",
          8, ERR_USAGE },
        { "\x82\x64"
          "play\x20",
          7, ERR_USAGE },
        { "\x83\x64"
          "seek\x00\x00",
          8, ERR_USAGE },
        { "\x83\x64"
          "seek\xf5\x00",
          8, ERR_USAGE },
        { "\x87\x64host\x61p\x80\x01\x00\x00\x00", 13, ERR_USAGE }, /* no song */
        { "\x87\x64host\x61p\x81\x01\x01\x00\x00\x00", 14, ERR_USAGE },
        { "\x87\x64host\x61p\x81\x61/\x20\x00\x00\x00", 15, ERR_USAGE },
        { "\x87\x64host\x61p\x81\x61/\x18\x41\x00\x00\x00", 16, ERR_USAGE },
        { "\x87\x64host\x61p\x81\x61/\x01\x00\x00\x0d", 15, ERR_USAGE }, /* TTL 13 */
        { "\x87\x64host\x61p\x81\x61/\x01\x00\xf6\x00", 15, ERR_USAGE },
        { "\x87\x64host\x61p\x86\x60\x60\x60\x60\x60\x60\x01\x00\x00\x00", 19,
          ERR_USAGE },
    };

    (void)state;
    town_make(1, 44);
    town_start(0);
    for (int i = 0; i < COUNT(rows); i++) {
        const struct town_reply *a = town_ask(0, bytes_of(rows[i].bytes, rows[i].len));

        check_error(a);
        if (a->err != rows[i].err)
            fail_msg("row %d: %d", i, a->err);
    }
    assert_false(town_node(0)->hosting != NULL);
}

/* Any prefix and any one changed byte of a good request is answered, once. */
static void test_damaged_requests(void **state)
{
    static const uint8_t good[] =
        "\x87\x64host\x61p\x82\x67/song/0\x67/song/x\x01\x00\x00"
        "\x00";
    uint8_t request[sizeof(good)];

    (void)state;
    town_make(1, 45);
    town_start(0);
    for (size_t len = 0; len < sizeof(good) - 1; len++)
        check_error(town_ask(0, bytes_of(good, len)));
    for (size_t i = 0; i < sizeof(good) - 1; i++) {
        for (int bit = 0; bit < 8; bit++) {
            const struct town_reply *a;

            memcpy(request, good, sizeof(request));
            request[i] ^= (uint8_t)(1 << bit);
            a = town_ask(0, bytes_of(request, sizeof(request) - 1));
            if (a->err != 0)
                check_error(a);
            else
                check_party_reply(town_say(0, "leave"));
        }
    }
}

/* A song that cannot be read fails the whole command, once, in words; then all is as
 * before.  Whatever the driver says stays text. */
static void test_a_song_that_is_none(void **state)
{
    static const uint8_t request[] = "\x87\x64host\x61p\x82\x67/song/x\x67/song/0\x01\x00"
                                     "\x00\x00";
    static const char *const messages[] = { "", "a\x1b[2J", "\xff\xfe" };
    struct event e = { .kind = EVENT_COMMAND };

    (void)state;
    town_make(1, 46);
    town_start(0);
    town_equip(0);
    check_error(town_ask(0, bytes_of(request, sizeof(request) - 1)));
    town_run(S);
    assert_int_equal(town_phase(0), PARTY_IDLE);
    for (int i = 0; i < COUNT(messages); i++) {
        e = (struct event){ .kind = EVENT_COMMAND };
        e.u.command.request = bytes_of(request, sizeof(request) - 1);
        town_step(0, &e);
        e = (struct event){ .kind = EVENT_SONG };
        e.u.song.what = SONG_IMPORTED;
        e.u.song.token = town_node(0)->hosting->token;
        e.u.song.err = ERR_FILE;
        e.u.song.message = bytes_of(messages[i], strlen(messages[i]));
        town_step(0, &e);
        check_error(&town.n[0].reply[(town.n[0].replies - 1) % TOWN_REPLIES]);
        town_run(S);
        e = (struct event){ .kind = EVENT_AUDIO };
        e.u.audio.message = bytes_of(messages[i], strlen(messages[i]));
        town_step(0, &e);
        check_shown(0);
    }
    check_party_reply(town_host(0, 1, 0));
}

/* A reply always comes, also when there is no room for what it should say. */
static void test_a_reply_without_room(void **state)
{
    struct node *n;

    (void)state;
    town_make(1, 47);
    town_start(0);
    n = town_node(0);
    n->out = &town_out;
    town_out.count = 0;
    town_out.used = sizeof(town_out.data);
    commands_run(n, 5,
                 bytes_of("\x81\x66"
                          "status",
                          8));
    assert_int_equal(town_out.count, 1);
    assert_int_equal(town_out.list[0].kind, EFFECT_REPLY);
    assert_int_equal(town_out.list[0].u.reply.err, ERR_LIMIT);
    assert_int_equal(cbor_check(town_out.list[0].u.reply.body), 0);
}

static const struct town_reply *say_lab(int node, const char *verb, int first, int second)
{
    uint8_t request[32];
    struct cbor_writer w;

    cbor_writer_init(&w, request, sizeof(request));
    cbor_write_array(&w, second < 0 ? 2 : 3);
    cbor_write_text(&w, verb);
    cbor_write_int(&w, first);
    if (second >= 0)
        cbor_write_int(&w, second);
    return town_ask(node, cbor_written(&w));
}

/* A test flood reaches all, once each, and does nothing; only a laboratory sends one. */
static void test_lab(void **state)
{
    static const int bad[][2] = { { 0, 9000 }, { 13, 1 },   { 1, 0 },
                                  { -1, 1 },   { 1, 1025 }, { 1, 1000 } };
    static const char *const floods[] = { "id",     "hops",     "sent",      "at_ns",
                                          "now_ns", "admitted", "duplicates" };
    const struct flood_newest *newest;

    (void)state;
    town_make(4, 46);
    town.n[1].params.is_lab = true;
    town_start_all();
    town_run(10 * S);
    assert_int_equal(say_lab(0, "flood", 10, 100)->err, ERR_DENIED);
    assert_int_equal(town_say(0, "floods")->err, ERR_DENIED);
    for (int i = 0; i < COUNT(bad); i++)
        assert_int_equal(say_lab(1, "flood", bad[i][0], bad[i][1])->err, ERR_USAGE);
    assert_int_equal(say_lab(1, "flood", 10, 900)->err, 0);
    town_run(S);
    check_body(town_say(1, "floods"), floods, COUNT(floods), check_value);
    newest = flood_newest(node_floods(town_node(1)));
    assert_int_equal(newest->hops, 0);
    for (int i = 0; i < town.count; i++) {
        const struct floods *f = node_floods(town_node(i));

        assert_int_equal(flood_counts(f)->admitted, 1);
        assert_true(flood_id_equal(&flood_newest(f)->id, &newest->id));
        assert_true(i == 1 || flood_newest(f)->hops > 0);
        assert_true(i == 1 || flood_newest(f)->at_ns > 0);
        assert_int_equal(town_phase(i), PARTY_IDLE);
    }
    /* With TTL 0 it goes along the trees, where a long one finds room. */
    assert_int_equal(say_lab(1, "flood", 0, 5000)->err, 0);
    town_run(S);
    for (int i = 0; i < town.count; i++) {
        assert_int_equal(flood_counts(node_floods(town_node(i)))->admitted, 2);
        assert_non_null(town_node(i)->tree);
    }
    town_run(700 * S); /* an unused tree goes */
    for (int i = 0; i < town.count; i++)
        assert_null(town_node(i)->tree);
}

static const struct town_reply *say_to(int node, const char *verb, struct bytes first,
                                       struct bytes second)
{
    uint8_t request[128];
    struct cbor_writer w;

    cbor_writer_init(&w, request, sizeof(request));
    cbor_write_array(&w, 3);
    cbor_write_text(&w, verb);
    cbor_write_bytes(&w, first.data, first.len);
    if (second.len == 0)
        cbor_write_uint(&w, 4711);
    else
        cbor_write_bytes(&w, second.data, second.len);
    return town_ask(node, cbor_written(&w));
}

/* A laboratory dials whom it is told to, and says what it is told to. */
static void test_lab_says(void **state)
{
    struct msg m = { .type = MSG_DISCONNECT };
    struct bytes id;
    uint8_t encoded[64];
    struct bytes text;

    (void)state;
    town_make(2, 48);
    town.n[1].params.is_lab = true;
    town_start_all();
    town_run(10 * S);
    id = bytes_of(node_self(town_node(0))->b, NODE_ID_LEN);
    text = bytes_of(encoded, msg_encode(&m, encoded, sizeof(encoded)));
    assert_int_equal(say_to(0, "say", id, text)->err, ERR_DENIED);
    assert_int_equal(say_to(1, "say", id, bytes_of(encoded, 1))->err, ERR_USAGE);
    assert_int_equal(
        say_to(1, "say", bytes_of(node_self(town_node(1))->b, NODE_ID_LEN), text)->err,
        ERR_STATE);
    assert_int_equal(node_overlay(town_node(0))->active_count, 1);
    assert_int_equal(say_to(1, "say", id, text)->err, 0);
    town_run(S / 20);
    assert_int_equal(node_overlay(town_node(0))->counts.neighbours_down, 1);
    assert_int_equal(say_to(1, "dial", bytes_of(encoded, 3), bytes_of(NULL, 0))->err,
                     ERR_USAGE);
    assert_int_equal(say_to(1, "dial", bytes_of(encoded, 4), bytes_of(NULL, 0))->err, 0);
}

/* Who floods what is not signed as it says is cut off at the third one, kept away for ten
 * minutes, and comes back then; nothing of it is acted on or passed on. */
static void test_a_forger_is_cut_off(void **state)
{
    struct node *x;

    (void)state;
    town_make(3, 47);
    town.n[1].params.is_lab = true;
    town_start_all();
    town_run(10 * S);
    town_node(1)->self.seed[0] ^= 1;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(town_node(0)->offenders.count, 0);
        assert_int_equal(say_lab(1, "flood", 10, 100)->err, 0);
        town_run(S);
    }
    for (int i = 0; i < 3; i += 2) {
        x = town_node(i);
        assert_int_equal(x->counters.bad_signatures, 3);
        assert_int_equal(flood_counts(&x->floods)->admitted, 0);
        assert_int_equal(flood_counts(&x->floods)->sent, 0);
        assert_int_equal(x->offenders.count, 1);
        assert_int_equal(x->overlay.active_count, 1);
    }
    check_shown(0);                  /* with an offender */
    town_node(1)->self.seed[0] ^= 1; /* who it is to be when it comes back */
    town_run(500 * S);
    assert_int_equal(town_node(1)->overlay.active_count, 0);
    town_run(400 * S);
    assert_int_equal(town_node(1)->overlay.active_count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_a_party),
        cmocka_unit_test(test_down),
        cmocka_unit_test(test_leave_of_a_host),
        cmocka_unit_test(test_lab),
        cmocka_unit_test(test_lab_says),
        cmocka_unit_test(test_a_forger_is_cut_off),
        cmocka_unit_test(test_malformed_requests),
        cmocka_unit_test(test_damaged_requests),
        cmocka_unit_test(test_a_song_that_is_none),
        cmocka_unit_test(test_a_reply_without_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
