/* What a person sees, from the CBOR that a node sends.  SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "cli/csv.h"
#include "cli/render.h"
#include "cli/table.h"
#include "wire/cbor.h"

static const struct style ascii = { false, false, 80 };
static const struct style rich = { true, true, 80 };

static uint8_t encoded[8192];
static char shown[8192];

/* ---- a small language for replies: JSON without commas, text in single quotes ---- */

#define ITEMS_MAX 20

static const char *write_item(struct cbor_writer *w, const char *p);

static const char *blanks(const char *p)
{
    while (*p == ' ')
        p++;
    return p;
}

static const char *write_text(struct cbor_writer *w, const char *p)
{
    const char *end = strchr(p, '\'');

    cbor_write_text_len(w, p, (size_t)(end - p));
    return end + 1;
}

/* What stands between brackets, as encoded items. */
static const char *read_items(const char *p, struct cbor_writer *w, struct bytes *items,
                              int *count)
{
    for (p = blanks(p); *p != ']' && *p != '}'; (*count)++) {
        size_t at = w->len;

        assert_true(*count < 2 * ITEMS_MAX);
        p = blanks(write_item(w, p));
        items[*count] = bytes_of(w->data + at, w->len - at);
    }
    return p + 1;
}

/* Pairs go by their encoded keys, as the strict form wants. */
static int compare_keys(const void *a, const void *b)
{
    const struct bytes *x = a;
    const struct bytes *y = b;
    int order = memcmp(x->data, y->data, x->len < y->len ? x->len : y->len);

    return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

static const char *write_group(struct cbor_writer *w, const char *p)
{
    uint8_t scratch[4096];
    struct bytes items[2 * ITEMS_MAX];
    struct cbor_writer inner;
    bool is_map = *p == '{';
    int count = 0;

    cbor_writer_init(&inner, scratch, sizeof(scratch));
    p = read_items(p + 1, &inner, items, &count);
    if (is_map)
        qsort(items, (size_t)count / 2, 2 * sizeof(items[0]), compare_keys);
    if (is_map)
        cbor_write_map(w, count / 2);
    else
        cbor_write_array(w, count);
    for (int i = 0; i < count; i++)
        cbor_write_raw(w, items[i]);
    return p;
}

static const char *write_item(struct cbor_writer *w, const char *p)
{
    char *end;

    p = blanks(p);
    if (*p == '\'')
        return write_text(w, p + 1);
    if (*p == '{' || *p == '[')
        return write_group(w, p);
    if (*p == 'T' || *p == 'F') {
        cbor_write_bool(w, *p == 'T');
        return p + 1;
    }
    if (*p == 'N') {
        cbor_write_null(w);
        return p + 1;
    }
    cbor_write_int(w, strtoll(p, &end, 10));
    assert_ptr_not_equal(end, p);
    return end;
}

static struct bytes body(const char *source)
{
    struct cbor_writer w;

    cbor_writer_init(&w, encoded, sizeof(encoded));
    write_item(&w, source);
    assert_false(w.has_overflowed);
    assert_int_equal(cbor_check(cbor_written(&w)), 0);
    return cbor_written(&w);
}

static struct text begin(void)
{
    struct text t;

    text_init(&t, shown, sizeof(shown));
    return t;
}

/* ---- goldens ---- */

static const char playing[] =
    "{'node' {'id' 'aa' 'name' 'bo@desk' 'peers' 1 'listen' '10.0.0.2:4747' 'private' T"
    "         'uptime_ms' 754000}"
    " 'audio' {'card' T 'song' 1 'error' N 'playing' T 'resyncs' 1 'phase_ns' -12345"
    "          'underruns' 0 'volume' 70 'card_ppb' 25100 'rate_ppb' -12000"
    "          'sigma_ns' 3000 'depth_ns' 200000000 'latency_ns' 12500000"
    "          'realtime' F}"
    " 'clock' {'role' 'guest' 'state' 'locked' 'rtt_ns' 612000 'bound_ns' 60000"
    "          'utc_state' 'synchronised' 'utc_bound_ns' 2100000}"
    " 'notes' ['ana joined']"
    " 'party' {'id' '00ff' 'seq' 7 'host' 'ana' 'name' 'Friday'"
    "   'pool' [{'held' 10 'slot' 0 'total' 10 'title' 'One' 'artist' 'A' 'bytes' 1"
    "            'rate' 48000 'duration_ms' 201000}"
    "           {'held' 5 'slot' 1 'total' 20 'title' 'Two' 'artist' '' 'bytes' 1"
    "            'rate' 44100 'duration_ms' 180000}]"
    "   'role' 'guest' 'slot' 1 'phase' 'playing' 'left_ms' N"
    "   'members' [{'name' 'ana' 'host' T 'here' T 'held' N 'ready' N 'rtt_ns' N"
    "               'self' F 'playing' T 'bound_ns' 0 'phase_ns' 20000 'rate_ppb' 0"
    "               'dropouts' 0 'jumps' 0}"
    "              {'name' 'bo@desk' 'host' F 'here' T 'held' 1 'ready' T 'rtt_ns' 612000"
    "               'bound_ns' 60000 'phase_ns' -12345}"
    "              {'name' 'cy' 'host' F 'here' F 'held' 1 'ready' T 'rtt_ns' 612000"
    "               'bound_ns' 60000 'phase_ns' 1500000}]"
    "   'apart_ns' 32345 'apart_who' 'bo@desk' 'apart_alarm' F 'position_ms' 41000"
    "   'apart_off_ns' -32345 'apart_bound_ns' 60000}"
    " 'invites' 0}";

static void test_status(void **state)
{
    struct text t = begin();

    (void)state;
    render_status(&t, &ascii, body(playing));
    assert_string_equal(
        t.data, "Friday, host ana, 3 members\n"
                "playing 2/2  Two  0:41/3:00\n"
                "\n"
                "   #  SONG  ARTIST  LENGTH   HERE\n"
                "   1  One   A         3:21  100 %\n"
                ">  2  Two             3:00   25 %\n"
                "\n"
                "WHO         ROUND TRIP    ERROR  +-BOUND  SONGS  STATE\n"
                "ana (host)           -   +20 us     0 ns      -  here\n"
                "bo@desk         612 us   -12 us    60 us    1/2  ready\n"
                "cy              612 us  +1.5 ms    60 us    1/2  away\n"
                "All within 32 us, as the players believe (bo@desk 32 us behind); "
                "clocks measured to +-60 us\n"
                "\n"
                "sound playing, -12 us off, as it believes, 1 jump\n"
                "card  crystal +25.1 ppm, music -12.0 ppm, 200 ms ahead, "
                "volume 70 %, latency +12.5 ms, ordinary priority\n"
                "clock locked to the host, +-60 us, round trip 612 us, UTC +-2.1 ms\n"
                "node  bo@desk, 10.0.0.2:4747, 1 neighbour, closed channel, up 12 min\n"
                "note  ana joined\n");
}

static void test_watch(void **state)
{
    struct text t = begin();

    (void)state;
    render_watch(&t, &rich, body(playing));
    assert_non_null(strstr(t.data, "\033[1mFriday\033[0m · host ana · 3 members"));
    /* 76 columns, 41 s of 180 s: 17 of them. */
    assert_non_null(strstr(t.data, "━━━━━━━━━━━━━━━━━─"));
    assert_null(strstr(t.data, "━━━━━━━━━━━━━━━━━━─"));
    assert_non_null(strstr(t.data, "-12 µs off"));
}

static void test_no_party(void **state)
{
    struct text t = begin();

    (void)state;
    render_status(&t, &ascii,
                  body("{'node' {'name' 'ana' 'peers' 0 'listen' '0.0.0.0:4747'"
                       " 'private' F 'uptime_ms' 5000}"
                       " 'audio' {'card' F 'error' 'card gone'}"
                       " 'clock' {'role' 'alone' 'utc_state' 'none'}"
                       " 'notes' [] 'party' N 'invites' 2}"));
    assert_string_equal(t.data,
                        "No party.  2 invitations: party invites, then party accept\n"
                        "\n"
                        "sound none: card gone\n"
                        "clock UTC not known yet\n"
                        "node  ana, 0.0.0.0:4747, 0 neighbours, up 5 s\n");
}

static void test_ears_notice(void **state)
{
    const char *source =
        "{'audio' {} 'party' {'name' 'P' 'phase' 'playing' 'members' ["
        " {'name' 'ana' 'here' T 'ready' N 'playing' T 'bound_ns' 0 'phase_ns' 0}"
        " {'name' 'bo' 'here' T 'ready' N 'playing' T 'bound_ns' 9 'phase_ns' 1800000}"
        " {'name' 'cy' 'here' T 'ready' T 'playing' F 'bound_ns' 9}]"
        " 'apart_ns' 1800000 'apart_who' 'bo' 'apart_alarm' T"
        " 'apart_off_ns' 1800000 'apart_bound_ns' 9}}";
    struct text t = begin();

    (void)state;
    render_status(&t, &ascii, body(source));
    assert_non_null(strstr(t.data, "EARS NOTICE: within 1.8 ms, as the players believe "
                                   "(bo 1.8 ms ahead); clocks measured to +-9 ns\n"));
    assert_non_null(strstr(t.data, "silent"));
    t = begin();
    render_line(&t, &ascii, body(source));
    assert_non_null(strstr(t.data, "EARS NOTICE: bo 1.8 ms ahead"));
}

static void test_csv(void **state)
{
    struct text t = begin();

    (void)state;
    csv_head(&t);
    csv_rows(
        &t,
        body("{'party' {'members' ["
             " {'name' 'a\"b' 'self' T 'host' T 'playing' T 'bound_ns' 0"
             "  'phase_ns' -12345 'rate_ppb' 25100 'dropouts' 1 'jumps' 0}"
             " {'name' 'cy' 'self' F 'host' F 'playing' N 'bound_ns' N 'phase_ns' N}]"
             " 'apart_ns' 20000 'apart_alarm' F 'apart_bound_ns' 60000}}"),
        INT64_C(1764000000123000000));
    assert_string_equal(
        t.data, "time,member,self,host,playing,error_us,bound_us,rate_ppm,dropouts,jumps,"
                "apart_us,apart_bound_us,alarm\r\n"
                "2025-11-24T16:00:00.123Z,\"a\"\"b\",1,1,1,-12.345,0.000,25.100,1,0,20."
                "000,60.000,0"
                "\r\n"
                "2025-11-24T16:00:00.123Z,\"cy\",0,0,,,,,,,20.000,60.000,0\r\n");
    t = begin();
    csv_rows(&t, body("{'party' N}"), 0);
    assert_int_equal(t.len, 0);
}

/* Every phase has its words. */
static void test_phases(void **state)
{
    static const struct {
        const char *phase, *extra, *want;
    } rows[] = {
        { "calling", "'left_ms' 42000", "waiting for guests, 0:42 left" },
        { "calling", "'left_ms' N", "waiting for guests" },
        { "joining", "'left_ms' N", "on the way to the host" },
        { "sharing", "'pool' [{'held' 1 'total' 4} {'held' 2 'total' 4}]",
          "getting ready, 37 % of the songs are here" },
        { "paused", "'left_ms' N", "paused" },
        { "paused", "'host' 'bo' 'hearing' 'well'", "host bo\n" },
        { "paused", "'host' 'bo' 'hearing' 'slow'", "host bo (slow)" },
        { "paused", "'host' 'bo' 'hearing' 'slow-here'",
          "host bo (slow here; others hear it)" },
        { "paused", "'host' 'bo' 'hearing' 'silent'", "host bo (silent)" },
        { "ended", "'left_ms' N", "the party is over" },
        { "unheard-of", "'left_ms' N", "unheard-of" },
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        struct text t = begin();
        char source[300];

        print_message("%s\n", rows[i].phase);
        snprintf(source, sizeof(source),
                 "{'audio' {} 'party' {'name' 'P' 'role' 'host' 'phase' '%s' %s}}",
                 rows[i].phase, rows[i].extra);
        render_line(&t, &ascii, body(source));
        assert_non_null(strstr(t.data, rows[i].want));
    }
}

/* Names come from other people: they must not steer the terminal. */
static void test_hostile_names(void **state)
{
    static const struct {
        const char *fact, *name;
        size_t len;
        const char *want;
    } rows[] = {
        { "escape", "a\033[2Jb", 6, "a?[2Jb" },
        { "carriage return", "a\rb", 3, "a?b" },
        { "C1, which some terminals obey", "a\xc2\x9b\x32Jb", 6, "a?2Jb" },
        { "turning the line round",
          "a\xe2\x80\xae"
          "b",
          5, "a?b" },
        { "broken UTF-8",
          "a\xff"
          "b",
          3, "a?b" },
        { "cut UTF-8", "a\xe2\x80", 3, "a??" },
        { "a name as it is", "J\xc3\xbcrgen", 7, "J\xc3\xbcrgen" },
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        struct text t = begin();

        print_message("%s\n", rows[i].fact);
        put_clean(&t, bytes_of(rows[i].name, rows[i].len));
        assert_string_equal(t.data, rows[i].want);
        t = begin();
        put_cut(&t, &rich, bytes_of(rows[i].name, rows[i].len), 3);
        assert_null(strchr(t.data, '\033'));
        assert_true(put_columns(t.data, t.len) <= 3);
    }
}

/* Bodies that have nothing, or something else, in every place are shown all the same. */
static void test_strange_bodies(void **state)
{
    static const char *const rows[] = {
        "{}",
        "[]",
        "0",
        "N",
        "{'party' {} 'audio' [] 'clock' 3}",
        "{'party' {'pool' [1 {} 'x'] 'members' [N {'name' 5}] 'slot' 0 'position_ms' 1}}",
        "{'party' {'pool' {'a' 1} 'slot' -5 'phase' 7 'left_ms' 'x'}}",
        "{'peers' [1 {}] 'sources' [{}] 'invites' [{'songs' [1 2]} 4] 'clock' {}}",
        ("{'party' {'pool' [{'slot' 0 'held' -9 'total' -3 'bytes' -1 'duration_ms' -1}]"
         " 'slot' 0 'position_ms' 9223372036854775807}}"),
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        struct bytes b = body(rows[i]);
        struct text t = begin();

        render_status(&t, &ascii, b);
        render_watch(&t, &ascii, b);
        render_line(&t, &ascii, b);
        render_key(&t, b);
        render_peers(&t, &ascii, b);
        render_clock(&t, &ascii, b);
        render_invites(&t, &ascii, b);
        render_action(&t, &ascii, "skip", b, b);
        csv_rows(&t, b, 0);
        assert_true(t.len > 0 && !t.is_cut);
    }
}

static void test_peers(void **state)
{
    struct text t = begin();

    (void)state;
    render_peers(&t, &ascii, body("{'peers' []}"));
    assert_non_null(strstr(t.data, "party up --join HOST"));
    t = begin();
    render_peers(&t, &ascii,
                 body("{'peers' [{'id' '0123456789' 'addr' '1.2.3.4:5' 'name' 'ana'"
                      " 'score' 0 'rtt_ns' 84000 'dialled' T 'in_rate' 87"
                      " 'out_rate' 1234 'neighbour' T}"
                      " {'id' 'ff' 'addr' '[::1]:5' 'name' 'bo' 'score' 21 'forced' T"
                      " 'rtt_ns' N 'dialled' F 'in_rate' 0 'out_rate' 0"
                      " 'neighbour' F}] 'passive' [{} {} {}]"
                      " 'offenders' [{'id' 'abcdef0123' 'addr' '9.9.9.9:1'"
                      " 'left_ms' 599000}]}"));
    assert_string_equal(t.data,
                        "WHO  ID        ADDRESS    ROUND TRIP      IN       OUT  LINK\n"
                        "ana  01234567  1.2.3.4:5       84 us  87 B/s  1.2 kB/s  "
                        "neighbour, dialled\n"
                        "bo   ff        [::1]:5             -   0 B/s     0 B/s  "
                        "party only, came in by force, 21 points against it\n"
                        "\n3 more nodes are known, to take the place of neighbours that "
                        "go\n"
                        "\nKEPT AWAY  ADDRESS     FOR\n"
                        "abcdef01   9.9.9.9:1  9:59\n");
}

static void test_clock(void **state)
{
    struct text t = begin();

    (void)state;
    render_clock(&t, &ascii,
                 body("{'clock' {'role' 'guest' 'state' 'holdover' 'rtt_ns' 1000000"
                      " 'samples' 21 'bound_ns' 58000 'rate_ppb' -27450 'sigma_ns' 900"
                      " 'skew_ppb' 210 'grade' 'D' 'leap' 'insert'"
                      " 'utc_state' 'unsynchronised'}"
                      " 'sources' [{'addr' '1.2.3.4:123' 'state' 'ok' 'poll_s' 128"
                      " 'offset_ns' -2500000 'bound_ns' 9000000 'stratum' 2 'why' 'RATE'"
                      " 'rtt_ns' 17000000 'rate_ppb' 12340 'skew_ppb' 300}"
                      " {'addr' 'system' 'state' 'unreachable' 'poll_s' 16 'offset_ns' N"
                      " 'bound_ns' N 'stratum' 0 'why' 'unsynchronised' 'rtt_ns' N"
                      " 'rate_ppb' 0 'skew_ppb' 500000}]}"));
    assert_string_equal(
        t.data,
        "clock running on: the host is not heard, +-58 us, round trip 1.0 ms, UTC as "
        "this "
        "machine has it, not synchronised\n"
        "grade D\n"
        "      21 probes, sigma 900 ns, the host's crystal runs -27.45 ppm +- 0.21 "
        "against ours\n"
        "      a leap second comes at the end of the month: UTC will have one\n"
        "\n"
        "SOURCE        OFFSET  +-BOUND  ROUND TRIP       RATE  STRATUM  ASKED EVERY  "
        "STATE\n"
        "1.2.3.4:123  -2.5 ms   9.0 ms       17 ms  +12.3 ppm        2        128 s  "
        "ok: RATE\n"
        "system             -        -           -          -        0         16 s  "
        "not synchronised\n");
}

static void test_invites(void **state)
{
    struct text t = begin();

    (void)state;
    render_invites(&t, &ascii, body("{'invites' []}"));
    assert_non_null(strstr(t.data, "No invitation."));
    t = begin();
    render_invites(&t, &ascii,
                   body("{'invites' [{'id' 'c3b7fc40aa' 'host' 'ana' 'left_ms' 29000"
                        " 'name' 'Friday' 'songs' ['One' 'Two, with a very long title'"
                        " 'Three'] 'members' 2} {'id' 'aa' 'left_ms' N 'songs' []}]}"));
    assert_string_equal(
        t.data,
        "ID        PARTY   HOST  MEMBERS  LEFT  SONGS\n"
        "c3b7fc40  Friday  ana         2  0:29  One, Two, with a very long title,~\n"
        "aa        ?       ?           0     -  \n"
        "\n"
        "next: party accept ID, or party decline ID\n");
}

static void test_action(void **state)
{
    static uint8_t action[256];
    struct bytes a = body("{'seq' 3 'slot' 1 'frame' 441000 'lead_ms' 480 'playing' T}");
    struct text t = begin();

    (void)state;
    memcpy(action, a.data, a.len);
    render_action(&t, &ascii, "seek", bytes_of(action, a.len), body(playing));
    assert_string_equal(t.data, "seek: Two from 0:10, everywhere in 0.5 s\n");
    t = begin();
    render_action(&t, &ascii, "stop", bytes_of(action, a.len), bytes_of(NULL, 0));
    assert_string_equal(t.data, "stop: everywhere in 0.5 s\n");
}

/* Positions and errors alone are no news; everything else is. */
static void test_key(void **state)
{
    static const struct {
        const char *from, *to;
        bool is_news;
    } rows[] = { { "'position_ms' 41000", "'position_ms' 42000", false },
                 { "'phase_ns' -12345", "'phase_ns' -12346", false },
                 { "'uptime_ms' 754000", "'uptime_ms' 755000", false },
                 { "'seq' 7", "'seq' 8", true },
                 { "'seq' 7", "'seq' 7 'hearing' 'slow'", true },
                 { "'slot' 1 'phase'", "'slot' 0 'phase'", true },
                 { "'phase' 'playing'", "'phase' 'paused'", true },
                 { "'here' F", "'here' T", true },
                 { "'playing' T", "'playing' F", true },
                 { "'invites' 0", "'invites' 1", true } };
    char before[1000];

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        char source[4096];
        const char *at = strstr(playing, rows[i].from);
        struct text t = begin();

        print_message("%s\n", rows[i].from);
        assert_non_null(at);
        render_key(&t, body(playing));
        snprintf(before, sizeof(before), "%s", t.data);
        snprintf(source, sizeof(source), "%.*s%s%s", (int)(at - playing), playing,
                 rows[i].to, at + strlen(rows[i].from));
        t = begin();
        render_key(&t, body(source));
        assert_int_equal(strcmp(t.data, before) != 0, rows[i].is_news);
    }
}

static void test_numbers(void **state)
{
    static const struct {
        int64_t ns;
        const char *want;
    } rows[] = {
        { 0, "0 ns" },           { -999, "-999 ns" },       { 1000, "1.0 us" },
        { 9949, "9.9 us" },      { 9950, "10 us" },         { 999400, "999 us" },
        { 999500, "1.0 ms" },    { 12345678, "12 ms" },     { 999499999, "999 ms" },
        { 999500000, "1.00 s" }, { -2100000000, "-2.10 s" }
    };
    static const struct {
        int64_t ms;
        const char *want;
    } clocks[] = { { 0, "0:00" },     { -5, "0:00" },       { 59999, "0:59" },
                   { 67000, "1:07" }, { 3599999, "59:59" }, { 3723000, "1:02:03" } };
    static const struct {
        int64_t ms;
        const char *want;
    } spans[] = { { 45000, "45 s" },
                  { 119999, "119 s" },
                  { 120000, "2 min" },
                  { 11100000, "3 h 5 min" },
                  { 187200000, "2 d 4 h" } };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        struct text t = begin();

        put_ns(&t, &ascii, rows[i].ns);
        assert_string_equal(t.data, rows[i].want);
    }
    for (int i = 0; i < COUNT(clocks); i++) {
        struct text t = begin();

        put_clock(&t, clocks[i].ms);
        assert_string_equal(t.data, clocks[i].want);
    }
    for (int i = 0; i < COUNT(spans); i++) {
        struct text t = begin();

        put_span(&t, spans[i].ms);
        assert_string_equal(t.data, spans[i].want);
    }
}

/* More rows than there is room for are left out, and nothing else happens. */
static void test_long_table(void **state)
{
    static const char *const heads[] = { "A", ">B" };
    static struct table table;
    struct text t = begin();
    int lines = 0;

    (void)state;
    table_init(&table, heads, 2);
    for (int i = 0; i < 1000; i++) {
        put(table_cell(&table), "%d", i);
        put(table_cell(&table), "%d", -i);
    }
    table_put(&table, &t, &ascii, 2);
    for (const char *p = t.data; (p = strchr(p, '\n')) != NULL; p++)
        lines++;
    assert_int_equal(lines, TABLE_ROWS_MAX - 1);
    assert_non_null(strstr(t.data, "  0       0\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status),        cmocka_unit_test(test_watch),
        cmocka_unit_test(test_no_party),      cmocka_unit_test(test_ears_notice),
        cmocka_unit_test(test_csv),           cmocka_unit_test(test_phases),
        cmocka_unit_test(test_hostile_names), cmocka_unit_test(test_strange_bodies),
        cmocka_unit_test(test_peers),         cmocka_unit_test(test_clock),
        cmocka_unit_test(test_invites),       cmocka_unit_test(test_action),
        cmocka_unit_test(test_key),           cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_long_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
