/* Messages, floods, replies, manifests and entries: there and back, and what is refused.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "base/id.h"
#include "tests/wire/forms.h"
#include "wire/cbor.h"

static uint8_t buffer[MSG_SIZE_MAX];
static uint8_t again[MSG_SIZE_MAX];
static struct sampler sampler;

/* The worst cases of docs/messages.cddl, head by head. */
#define TEXT_SIZE(len) ((len) < 24 ? 1 + (len) : (len) < 256 ? 2 + (len) : 3 + (len))
#define ADDR_SIZE      (1 + 17 + 3)
#define CALL_SONG_SIZE (1 + 34 + 5 + 5 + TEXT_SIZE(CALL_TITLE_MAX))
#define CALL_SIZE                                                                        \
    (1 + 17 + 17 + 2 * TEXT_SIZE(MSG_NAME_MAX) + ADDR_SIZE + 9 + 9 + 34 + 2 + 5 + 1 +    \
     CALL_SONGS_MAX * CALL_SONG_SIZE)
#define FLOOD_HEAD_SIZE (1 + 1 + 34 + 9 + 5 + 1 + 3 + 3)
#define MANIFEST_SIZE   (1 + 34 + 5 + 9 + 5 + 1 + 2 + 34 + 3 * TEXT_SIZE(MSG_TITLE_MAX))
#define ENTRY_SONG_SIZE (1 + 17 + 9 + 9 + 34 + 1 + 1 + 2 + 3 + MANIFEST_SIZE + 66)
#define REPLY_SIZE      (1 + 1 + 34 + 17 + ADDR_SIZE + TEXT_SIZE(MSG_NAME_MAX))

_Static_assert(FLOOD_HEAD_SIZE + CALL_SIZE <= MSG_INNER_MAX, "a call fits a flood");
_Static_assert(REPLY_SIZE <= MSG_INNER_MAX, "an answer fits a reply");
_Static_assert(ENTRY_SONG_SIZE <= MSG_ENTRY_MAX, "a manifest fits an entry");

static struct bytes text_of(const char *s)
{
    return bytes_of(s, strlen(s));
}

static struct bytes longest(size_t len)
{
    static const char text[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
                               "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
                               "abcdefghijklmnopqrstuvwxyz";

    assert_true(len < sizeof(text));
    return bytes_of(text, len);
}

/* A copy that ends where its allocation ends, for ASan. */
static uint8_t *copy_of(struct bytes b)
{
    uint8_t *copy = malloc(b.len + (b.len == 0));

    memcpy(copy, b.data, b.len);
    return copy;
}

/* a, which was encoded, and b, which was decoded, say the same. */
static bool is_same(enum form_kind kind, union any *a, union any *b)
{
    struct bytes *va[FORM_VIEWS_MAX];
    struct bytes *vb[FORM_VIEWS_MAX];
    int n = form_views(kind, a, va);

    if (form_views(kind, b, vb) != n)
        return false;
    for (int i = 0; i < n; i++) {
        if (!bytes_equal(*va[i], *vb[i]))
            return false;
        *vb[i] = *va[i];
    }
    return memcmp(a, b, sizeof(*a)) == 0;
}

static void check_round_trip(enum form_kind kind, union any *a)
{
    static union any b;
    size_t len = form_encode(kind, a, buffer, sizeof(buffer));
    uint8_t *copy = copy_of(bytes_of(buffer, len));

    assert_true(len > 0);
    assert_int_equal(cbor_check(bytes_of(buffer, len)), 0);
    memset(&b, 0, sizeof(b));
    assert_int_equal(form_decode(kind, bytes_of(copy, len), &b), 0);
    assert_int_equal(form_encode(kind, &b, again, len), len);
    assert_memory_equal(buffer, again, len);
    assert_int_equal(form_encode(kind, &b, again, len - 1), 0);
    assert_int_equal(form_encode(kind, &b, NULL, 0), 0);
    if (!is_same(kind, a, &b))
        fail_msg("%s changes on the way", form_names[kind]);
    free(copy);
}

static void round_trips(uint64_t seed)
{
    static union any a;

    for (int kind = 0; kind < FORM_COUNT; kind++) {
        int rounds = kind == FORM_MSG ? COUNT(sample_types) : ENTRY_COUNCIL;

        for (int n = 0; n < rounds; n++) {
            sampler_init(&sampler, seed * 1000 + (uint64_t)n);
            form_sample((enum form_kind)kind, &sampler, n, &a);
            check_round_trip((enum form_kind)kind, &a);
        }
    }
}

static void test_random_messages_come_back(void **state)
{
    (void)state;
    for_each_seed(200, round_trips);
}

/* Accepted bytes are the only encoding of what they say. */
static bool accepts(enum form_kind kind, struct bytes in)
{
    static union any a;
    uint8_t *copy = copy_of(in);
    bool is_accepted = form_decode(kind, bytes_of(copy, in.len), &a) == 0;

    if (is_accepted) {
        assert_int_equal(form_encode(kind, &a, again, sizeof(again)), in.len);
        assert_memory_equal(again, in.data, in.len);
    }
    free(copy);
    return is_accepted;
}

static void mutate(enum form_kind kind, size_t len, struct rng *rng)
{
    uint8_t *at = buffer + rng_below(rng, (int64_t)(len < 48 ? len : 48));

    switch (rng_below(rng, 4)) {
    case 0:
        *at ^= (uint8_t)(1 << rng_below(rng, 8));
        break;
    case 1:
        *at = (uint8_t)rng_next(rng);
        break;
    case 2: /* one byte less somewhere */
        memmove(at, at + 1, (size_t)(buffer + --len - at));
        break;
    default: /* one byte more somewhere */
        if (len < sizeof(buffer))
            memmove(at + 1, at, (size_t)(buffer + len++ - at));
    }
    (void)accepts(kind, bytes_of(buffer, len));
}

static void mutations(uint64_t seed)
{
    static union any a;

    for (int kind = 0; kind < FORM_COUNT; kind++) {
        size_t len;

        sampler_init(&sampler, seed);
        form_sample((enum form_kind)kind, &sampler, (int)seed, &a);
        len = form_encode((enum form_kind)kind, &a, buffer, sizeof(buffer));
        for (int i = 0; i < 20; i++) {
            size_t cut = (size_t)rng_below(&sampler.rng, (int64_t)len);

            assert_false(accepts((enum form_kind)kind, bytes_of(buffer, cut)));
        }
        for (int i = 0; i < 8; i++) {
            form_encode((enum form_kind)kind, &a, buffer, sizeof(buffer));
            mutate((enum form_kind)kind, len, &sampler.rng);
        }
        /* A whole one with anything behind it is refused. */
        form_encode((enum form_kind)kind, &a, buffer, sizeof(buffer));
        buffer[len] = 0x00;
        assert_false(accepts((enum form_kind)kind, bytes_of(buffer, len + 1)));
    }
}

static void test_mutations_fail_or_are_what_they_say(void **state)
{
    (void)state;
    for_each_seed(1000, mutations);
}

static void test_longest_of_all(void **state)
{
    static union any a;
    struct call call = { .addr.len = 16,
                         .addr.port = 65535,
                         .song_count = CALL_SONGS_MAX };
    struct manifest manifest = { .bytes = MSG_SONG_BYTES_MAX, .frames = MSG_FRAMES_MAX };
    struct reply reply = { .kind = REPLY_DECLINE, .addr.len = 16, .addr.port = 65535 };
    struct flood flood = { .kind = FLOOD_TEST, .created_ms = UINT64_MAX, .ttl = 12 };
    struct entry entry = { .kind = ENTRY_SONG, .epoch = UINT64_MAX, .seq = UINT64_MAX };

    (void)state;
    call.name = call.host_name = longest(MSG_NAME_MAX);
    call.priority = (struct priority){ 255, 255, 255, 255 };
    call.epoch = UINT64_MAX;
    call.wanted = 255;
    call.deadline_ms = UINT32_MAX;
    for (int i = 0; i < CALL_SONGS_MAX; i++)
        call.songs[i] = (struct call_song){ .bytes = MSG_SONG_BYTES_MAX,
                                            .duration_ms = UINT32_MAX,
                                            .title = longest(CALL_TITLE_MAX) };
    flood.life_s = UINT16_MAX;
    flood.serial = UINT32_MAX;
    assert_int_equal(call_encode(&call, again, sizeof(again)), CALL_SIZE);
    flood.body = bytes_of(again, CALL_SIZE);
    assert_int_equal(flood_encode(&flood, buffer, MSG_INNER_MAX),
                     FLOOD_HEAD_SIZE + CALL_SIZE);

    reply.name = longest(MSG_NAME_MAX);
    assert_int_equal(reply_encode(&reply, buffer, MSG_INNER_MAX), REPLY_SIZE);

    manifest.rate = MSG_RATE_MAX;
    manifest.channels = 8;
    manifest.bits = 32;
    manifest.title = manifest.artist = manifest.album = longest(MSG_TITLE_MAX);
    assert_int_equal(manifest_encode(&manifest, again, sizeof(again)), MANIFEST_SIZE);
    entry.u.song.slot = 255;
    entry.u.song.manifest = bytes_of(again, MANIFEST_SIZE);
    assert_int_equal(entry_encode(&entry, buffer, MSG_ENTRY_MAX), ENTRY_SONG_SIZE);

    /* The longest message of each type fits a frame: nothing is near the limit. */
    for (int i = 0; i < COUNT(sample_types); i++)
        for (uint64_t seed = 0; seed < 20; seed++) {
            sampler_init(&sampler, seed);
            form_sample(FORM_MSG, &sampler, i, &a);
            assert_in_range(msg_encode(&a.msg, buffer, MSG_SIZE_MAX), 3, 33000);
        }
}

/* A signed part longer than its limit is neither made nor taken. */
static void test_signed_parts_are_bounded(void **state)
{
    struct flood f = { .kind = FLOOD_CALL, .ttl = 1 };
    struct entry e = { .kind = ENTRY_SONG, .epoch = 1, .seq = 1 };
    size_t len = MSG_INNER_MAX - FLOOD_HEAD_SIZE;

    (void)state;
    memset(again, 0, sizeof(again));
    f.created_ms = UINT64_MAX;
    f.life_s = UINT16_MAX;
    f.serial = UINT32_MAX;
    f.body = bytes_of(again, len);
    assert_int_equal(flood_encode(&f, buffer, sizeof(buffer)), MSG_INNER_MAX);
    assert_int_equal(flood_decode(bytes_of(buffer, MSG_INNER_MAX), &f), 0);
    f.body = bytes_of(again, len + 1);
    assert_int_equal(flood_encode(&f, buffer, sizeof(buffer)), 0);
    assert_int_equal(flood_decode(bytes_of(buffer, MSG_INNER_MAX + 1), &f),
                     ERR_MALFORMED);
    f.kind = FLOOD_TEST;
    assert_int_equal(flood_encode(&f, buffer, sizeof(buffer)), MSG_INNER_MAX + 1);
    assert_int_equal(flood_decode(bytes_of(buffer, MSG_INNER_MAX + 1), &f), 0);
    buffer[1] = FLOOD_CALL;
    assert_int_equal(flood_decode(bytes_of(buffer, MSG_INNER_MAX + 1), &f),
                     ERR_MALFORMED);
    f.kind = FLOOD_TEST;
    f.body = bytes_of(again, MSG_GOSSIP_MAX);
    assert_int_equal(flood_encode(&f, buffer, sizeof(buffer)), 0);

    e.u.song.manifest = bytes_of(again, MSG_ENTRY_MAX - 100);
    assert_int_equal(entry_encode(&e, buffer, sizeof(buffer)), 0);
    assert_int_equal(entry_decode(bytes_of(buffer, MSG_ENTRY_MAX + 1), &e),
                     ERR_MALFORMED);
}

/* Every row breaks one limit of an otherwise good message: it cannot be encoded. */
static void test_encoding_holds_to_the_limits(void **state)
{
    static const char bad_utf8[] = "\xff";
    struct msg m;
    struct manifest good = {
        .bytes = 1, .frames = 1, .rate = 1, .channels = 1, .bits = 4
    };
    struct manifest f;

    (void)state;
    assert_true(manifest_encode(&good, buffer, sizeof(buffer)) > 0);
#define REFUSES_MANIFEST(field, value)                                                   \
    (f = good, f.field = (value),                                                        \
     assert_int_equal(manifest_encode(&f, buffer, sizeof(buffer)), 0))
    REFUSES_MANIFEST(bytes, 0);
    REFUSES_MANIFEST(bytes, MSG_SONG_BYTES_MAX + 1);
    REFUSES_MANIFEST(frames, 0);
    REFUSES_MANIFEST(frames, MSG_FRAMES_MAX + 1);
    REFUSES_MANIFEST(rate, 0);
    REFUSES_MANIFEST(rate, MSG_RATE_MAX + 1);
    REFUSES_MANIFEST(channels, 0);
    REFUSES_MANIFEST(channels, 9);
    REFUSES_MANIFEST(bits, 3);
    REFUSES_MANIFEST(bits, 33);
    REFUSES_MANIFEST(title, longest(MSG_TITLE_MAX + 1));
    REFUSES_MANIFEST(artist, longest(MSG_TITLE_MAX + 1));
    REFUSES_MANIFEST(album, longest(MSG_TITLE_MAX + 1));
    REFUSES_MANIFEST(artist, text_of("a\nb"));
    REFUSES_MANIFEST(album, text_of("\x1b[2J"));
    REFUSES_MANIFEST(album, text_of("\x7f"));
    REFUSES_MANIFEST(album, text_of(bad_utf8));

    memset(&m, 0, sizeof(m));
    m.type = (enum msg_type)30;
    assert_int_equal(msg_encode(&m, buffer, sizeof(buffer)), 0);
    m.type = MSG_WANT; /* an empty list */
    assert_int_equal(msg_encode(&m, buffer, sizeof(buffer)), 0);
    m.u.blocks.count = MSG_WANT_MAX + 1;
    assert_int_equal(msg_encode(&m, buffer, sizeof(buffer)), 0);
    m.u.blocks.count = -1;
    assert_int_equal(msg_encode(&m, buffer, sizeof(buffer)), 0);
    m.type = MSG_SHUFFLE_REPLY;
    m.u.shuffle_reply.recs.count = MSG_RECS_MAX + 1;
    assert_int_equal(msg_encode(&m, buffer, sizeof(buffer)), 0);
}

/* Bytes from hex with spaces; <n> stands for n bytes of 0x11, {n} for n letters. */
static struct bytes expand(const char *hex)
{
    size_t n = 0;

    for (const char *p = hex; *p != '\0';) {
        if (*p == ' ') {
            p++;
        } else if (*p == '<' || *p == '{') {
            uint8_t filler = *p == '<' ? 0x11 : 'a';
            size_t count = (size_t)strtoul(p + 1, (char **)&p, 10);

            memset(buffer + n, filler, count);
            n += count;
            p++;
        } else {
            assert_true(hex_decode(p, 2, buffer + n, 1));
            n++;
            p += 2;
        }
    }
    return bytes_of(buffer, n);
}

#define ID32  "5820<32>"
#define ID16  "50<16>"
#define SIG   "5840<64>"
#define ADDR4 "82 44c0000201 19128b"
#define REC   "82" ID32 ADDR4

/* The bytes of docs/messages.cddl, written out by hand: the format does not drift. */
static const struct {
    enum form_kind kind;
    const char *hex;
} golden[] = {
    { FORM_MSG, "87 01 01" ADDR4 "82 40 00 1b0123456789abcdef f4 63416e6e" },
    { FORM_MSG, "82 02 00" },
    { FORM_MSG, "82 03 1affffffff" },
    { FORM_MSG, "82 04" REC },
    { FORM_MSG, "83 05" REC "06" },
    { FORM_MSG, "82 06 f5" },
    { FORM_MSG, "83 07 f4 81" REC },
    { FORM_MSG, "83 08 03 80" },
    { FORM_MSG, "84 09" REC "06 82" REC REC },
    { FORM_MSG, "82 0a 80" },
    { FORM_MSG, "84 0d 1bffffffffffffffff 1affffffff f4" },
    { FORM_MSG, "84 0d 00 00 f5" },
    { FORM_MSG, "83 0e " REC " 1affffffff" },
    { FORM_MSG, "82 0f 00" },
    { FORM_MSG, "84 0b 01 41ff" SIG },
    { FORM_MSG, "85 0c" ID16 "02 420102" SIG },
    { FORM_MSG, "83 1820" ID16 "60" },
    { FORM_MSG, "84 1821" ID16 "01 04" },
    { FORM_MSG, "82 1822" ID16 },
    { FORM_MSG, "86 1823" ID16 "01 02" ID32 "1b0000000102030405" },
    { FORM_MSG, "8b 1824" ID16
                "01 02 181f 1903e8 1907d0 1a001e8480 85 f5 3903e7 1861 00 02 f5 00" },
    { FORM_MSG, "83 1825" ID16 "83 02 41aa" SIG },
    { FORM_MSG, "83 1826 41aa" SIG },
    { FORM_MSG, "83 1827" ID16 "01" },
    { FORM_MSG, "84 1828" ID16 "02 84 01 02 03 04" },
    { FORM_MSG, "83 1829" ID16 "02" },
    { FORM_MSG, "87 182a" ID16 "02" ID32 "01 09 1a3b9aca00" },
    { FORM_MSG, "87 182b" ID16 "02" ID32 "191388 1a3b9aca00" SIG },
    { FORM_MSG, "86 182c" ID16 "02 03 191388 09" },
    { FORM_MSG, "85 182d" ID16 "03" ID32 SIG },
    { FORM_MSG, "84 182f" ID16 "41aa" SIG },
    { FORM_MSG, "84 1830" ID16 "02 81 83" ID32 "1bffffffffffffffff 85 f4 00 20 01 02" },
    { FORM_MSG, "85 182e" ID16 "02" ID32 "81 82" ID32 SIG },
    { FORM_MSG, "84 1840" ID32 "00 190400" },
    { FORM_MSG, "84 1841" ID32 "190400" ID32 },
    { FORM_MSG, "84 1842" ID32 "f4 4180" },
    { FORM_MSG, "84 1842" ID32 "f5 40" },
    { FORM_MSG, "83 1843" ID32 "81 07" },
    { FORM_MSG, "83 1844" ID32 "82 07 00" },
    { FORM_MSG, "84 1845" ID32 "07 43aabbcc" },
    { FORM_MSG, "83 1846" ID32 "81 07" },
    { FORM_MSG, "83 1847" ID32 "81 07" },
    { FORM_FLOOD, "87 01" ID32 "1b00000193a1b2c3d4 07 08 181e 4100" },
    { FORM_CALL,
      "8b" ID16 ID16 "6161 6162" ADDR4 "84 01 02 03 04 01" ID32 "03 197530 80" },
    { FORM_CALL, "8b" ID16 ID16 "60 60 82 50<16> 00 84 00 00 00 00 01" ID32 "00 00"
                 "81 84" ID32 "1a02000000 1a00030d40 6174" },
    { FORM_CLOSE, "82" ID16 "03" },
    { FORM_REPLY, "85 01" ID32 ID16 ADDR4 "63426f62" },
    { FORM_MANIFEST, "8a" ID32 "1a01000000 1a00a00000 19ac44 02 10" ID32 "6174 6161 60" },
    { FORM_ENTRY, "86" ID16 "01 01" ID32 "01 83" ID32 ID16 "6170" },
    { FORM_ENTRY, "86" ID16 "01 02" ID32 "02 86 05 06 07 28 1bffffffffffffffff 20" },
    { FORM_ENTRY, "86" ID16 "01 03" ID32 "03 84 f4" ID32 ADDR4 "60" },
    { FORM_ENTRY, "86" ID16 "01 04" ID32 "04 83 04 4100" SIG },
    { FORM_ENTRY, "86" ID16 "01 05" ID32 "05 85 07 1b18a1b2c3d4e5f600 00 1a00015888 f5" },
    { FORM_ENTRY, "86" ID16 "01 06" ID32 "06 81 00" },
    { FORM_ENTRY, "86" ID16 "01 07" ID32 "07 82" ID32 ID32 },
};

static void test_bytes_are_those_of_the_document(void **state)
{
    struct msg m;
    struct entry e;
    struct bytes in;

    (void)state;
    for (int i = 0; i < COUNT(golden); i++) {
        in = expand(golden[i].hex);
        if (!accepts(golden[i].kind, in))
            fail_msg("refused: %s %s", form_names[golden[i].kind], golden[i].hex);
    }

    /* Which field is which, where a row could be read two ways. */
    in = expand("8b 1824" ID16 "01 02 03 04 05 06 85 f5 26 07 09 0a f5 08");
    assert_int_equal(msg_decode(in, &m), 0);
    assert_int_equal(m.u.party_status.epoch, 1);
    assert_int_equal(m.u.party_status.seq, 2);
    assert_int_equal(m.u.party_status.songs_held, 3);
    assert_int_equal(m.u.party_status.sigma_ns, 4);
    assert_int_equal(m.u.party_status.bound_ns, 5);
    assert_int_equal(m.u.party_status.rtt_ns, 6);
    assert_true(m.u.party_status.sound.is_playing);
    assert_int_equal(m.u.party_status.sound.phase_ns, -7);
    assert_int_equal(m.u.party_status.sound.rate_ppb, 7);
    assert_int_equal(m.u.party_status.sound.dropouts, 9);
    assert_int_equal(m.u.party_status.sound.jumps, 10);
    assert_true(m.u.party_status.is_ready);
    assert_int_equal(m.u.party_status.beat_ns, 8);

    in = expand("86" ID16 "0a 0b" ID32 "02 86 05 06 07 28 09 0c");
    assert_int_equal(entry_decode(in, &e), 0);
    assert_int_equal(e.epoch, 10);
    assert_int_equal(e.seq, 11);
    assert_int_equal(e.u.map.clock_id, 5);
    assert_int_equal(e.u.map.raw_ns, 6);
    assert_int_equal(e.u.map.party.ns, 7);
    assert_int_equal(e.u.map.rate_ppt, -9);
    assert_int_equal(e.u.map.bound_ns, 9);
    assert_int_equal(e.u.map.valid_from.ns, 12);
}

static void test_refuses_what_breaks_a_limit(void **state)
{
    static const struct {
        enum form_kind kind;
        const char *fact, *hex;
    } rows[] = {
        { FORM_MSG, "nothing", "" },
        { FORM_MSG, "an empty array", "80" },
        { FORM_MSG, "no array", "02" },
        { FORM_MSG, "type 0", "82 00 00" },
        { FORM_MSG, "a type between the blocks", "82 18 1f 00" },
        { FORM_MSG, "a type behind the last", "83 1848" ID32 "81 07" },
        { FORM_MSG, "type 2^32 + 2, which is PING when cut", "82 1b0000000100000002 00" },
        { FORM_MSG, "PING, 23 in two bytes", "82 02 1817" },
        { FORM_MSG, "PONG, 255 in three bytes", "82 03 1900ff" },
        { FORM_MSG, "PING and one byte more", "82 02 05 00" },
        { FORM_MSG, "SEEN of an id that is short",
          "82 15 81 4f 000102030405060708090a0b0c0d0e" },
        { FORM_MSG, "type 2^64-1", "82 1bffffffffffffffff 00" },
        { FORM_MSG, "a negative type", "82 21 00" },
        { FORM_MSG, "a type that is text", "82 6132 00" },
        { FORM_MSG, "a field less", "81 02" },
        { FORM_MSG, "a field more", "83 02 00 00" },
        { FORM_MSG, "a count that promises more", "83 02 00" },
        { FORM_MSG, "a byte behind the end", "82 02 00 00" },
        { FORM_MSG, "a sequence beyond 32 bits", "82 02 1b0000000100000000" },
        { FORM_MSG, "a number where a bool belongs", "82 06 01" },
        { FORM_MSG, "null where a bool belongs", "82 06 f6" },
        { FORM_MSG, "port 65536", "82 04 82" ID32 "82 44c0000201 1a00010000" },
        { FORM_MSG, "a negative port", "82 04 82" ID32 "82 44c0000201 20" },
        { FORM_MSG, "an ip of 5 bytes", "82 04 82" ID32 "82 45c000020100 01" },
        { FORM_MSG, "an ip of 17 bytes", "82 04 82" ID32 "82 51<17> 01" },
        { FORM_MSG, "an address of three items", "82 04 82" ID32 "83 44c0000201 01 01" },
        { FORM_MSG, "an ip as text", "82 04 82" ID32 "82 6431323334 01" },
        { FORM_MSG, "a node id of 31 bytes", "82 04 82 581f<31>" ADDR4 },
        { FORM_MSG, "a node id of 33 bytes", "82 04 82 5821<33>" ADDR4 },
        { FORM_MSG, "ttl 256", "83 05" REC "190100" },
        { FORM_MSG, "17 records",
          "82 0a 91" REC REC REC REC REC REC REC REC REC REC REC REC REC REC REC REC
              REC },
        { FORM_MSG, "a reason for disconnecting that is none", "83 08 04 80" },
        { FORM_MSG, "a name of 65 bytes in HELLO",
          "87 01 01" ADDR4 ADDR4 "00 f5 7841{65}" },
        { FORM_MSG, "a name of 65 bytes", "83 1820" ID16 "7841{65}" },
        { FORM_MSG, "a name with a control character", "83 1820" ID16 "6109" },
        { FORM_MSG, "a name with DEL", "83 1820" ID16 "617f" },
        { FORM_MSG, "a name with an escape sequence", "83 1820" ID16 "641b5b324a" },
        { FORM_MSG, "a name that is no UTF-8", "83 1820" ID16 "61ff" },
        { FORM_MSG, "a name as bytes", "83 1820" ID16 "4161" },
        { FORM_MSG, "an empty flood", "84 0b 01 40" SIG },
        { FORM_MSG, "a flood of 1025 bytes", "84 0b 01 590401 <1025>" SIG },
        { FORM_MSG, "256 hops", "84 0b 190100 41ff" SIG },
        { FORM_MSG, "a signature of 63 bytes", "84 0b 01 41ff 583f<63>" },
        { FORM_MSG, "an empty reply", "85 0c" ID16 "02 40" SIG },
        { FORM_MSG, "a reply of 1025 bytes", "85 0c" ID16 "02 590401 <1025>" SIG },
        { FORM_MSG, "a reason for a welcome that is none", "84 1821" ID16 "01 05" },
        { FORM_MSG, "a call of four items in a yield",
          "83 1825" ID16 "84 02 41aa" SIG "00" },
        { FORM_MSG, "a yield without a call", "83 1825" ID16 "80" },
        { FORM_MSG, "an empty entry", "83 1826 40" SIG },
        { FORM_MSG, "an entry of 1025 bytes", "83 1826 590401 <1025>" SIG },
        { FORM_MSG, "a priority of three", "84 1828" ID16 "02 83 01 02 03" },
        { FORM_MSG, "a priority beyond a byte", "84 1828" ID16 "02 84 190100 02 03 04" },
        { FORM_MSG, "a lease beyond 32 bits",
          "86 182c" ID16 "02 03 1b0000000100000000 09" },
        { FORM_MSG, "no leaves asked for", "84 1840" ID32 "00 00" },
        { FORM_MSG, "1025 leaves asked for", "84 1840" ID32 "00 190401" },
        { FORM_MSG, "no leaves", "84 1841" ID32 "00 40" },
        { FORM_MSG, "leaves and a half", "84 1841" ID32 "00 5830<48>" },
        { FORM_MSG, "1025 leaves", "84 1841" ID32 "00 598020<32800>" },
        { FORM_MSG, "all, and a bitmap", "84 1842" ID32 "f5 4180" },
        { FORM_MSG, "a bitmap of 4097 bytes", "84 1842" ID32 "f4 591001<4097>" },
        { FORM_MSG, "no blocks wanted", "83 1844" ID32 "80" },
        { FORM_MSG, "a block index beyond 32 bits",
          "83 1844" ID32 "81 1b0000000100000000" },
        { FORM_MSG, "65 blocks wanted",
          "83 1844" ID32 "9841"
          "<65>" },
        { FORM_MSG, "an empty block", "84 1845" ID32 "07 40" },
        { FORM_MSG, "a block of 16385 bytes", "84 1845" ID32 "07 594001<16385>" },
        { FORM_FLOOD, "kind 0", "86 00" ID32 "00 01 00 4100" },
        { FORM_FLOOD, "kind 4", "86 04" ID32 "00 01 00 4100" },
        { FORM_FLOOD, "kind 257, a call when cut", "86 190101" ID32 "00 01 00 4100" },
        { FORM_FLOOD, "ttl 0", "86 01" ID32 "00 00 00 4100" },
        { FORM_FLOOD, "ttl 13", "86 01" ID32 "00 0d 00 4100" },
        { FORM_FLOOD, "a life beyond 16 bits", "86 01" ID32 "00 01 1a00010000 4100" },
        { FORM_FLOOD, "no body", "86 01" ID32 "00 01 00 40" },
        { FORM_FLOOD, "a body that is not bytes", "86 01" ID32 "00 01 00 80" },
        { FORM_FLOOD, "created before 1970", "86 01" ID32 "20 01 00 4100" },
        { FORM_CALL, "six songs",
          "8b" ID16 ID16 "60 60" ADDR4 "84 00 00 00 00 01" ID32 "00 00 86 84" ID32
          "01 01 60 84" ID32 "01 01 60 84" ID32 "01 01 60 84" ID32 "01 01 60 84" ID32
          "01 01 60 84" ID32 "01 01 60" },
        { FORM_CALL, "a song of no bytes",
          "8b" ID16 ID16 "60 60" ADDR4 "84 00 00 00 00 01" ID32 "00 00 81 84" ID32
          "00 01 60" },
        { FORM_CALL, "a song of 512 MiB and a byte",
          "8b" ID16 ID16 "60 60" ADDR4 "84 00 00 00 00 01" ID32 "00 00 81 84" ID32
          "1a20000001 01 60" },
        { FORM_CALL, "a title of 49 bytes",
          "8b" ID16 ID16 "60 60" ADDR4 "84 00 00 00 00 01" ID32 "00 00 81 84" ID32 "01 01"
          "7831{49}" },
        { FORM_CALL, "a name of 65 bytes",
          "8b" ID16 ID16 "7841{65} 60" ADDR4 "84 00 00 00 00 01" ID32 "00 00 80" },
        { FORM_CALL, "a host's name of 65 bytes",
          "8b" ID16 ID16 "60 7841{65}" ADDR4 "84 00 00 00 00 01" ID32 "00 00 80" },
        { FORM_REPLY, "a name of 65 bytes", "85 01" ID32 ID16 ADDR4 "7841{65}" },
        { FORM_CALL, "256 wanted",
          "8b" ID16 ID16 "60 60" ADDR4 "84 00 00 00 00 01" ID32 "190100 00 80" },
        { FORM_CLOSE, "a reason that is none", "82" ID16 "04" },
        { FORM_MSG, "eight grants",
          "85 182e" ID16 "02" ID32 "88 82" ID32 SIG "82" ID32 SIG "82" ID32 SIG
          "82" ID32 SIG "82" ID32 SIG "82" ID32 SIG "82" ID32 SIG "82" ID32 SIG },
        { FORM_MSG, "a grant without a signature",
          "85 182e" ID16 "02" ID32 "81 81" ID32 },
        { FORM_REPLY, "kind 0", "85 00" ID32 ID16 ADDR4 "60" },
        { FORM_REPLY, "kind 3", "85 03" ID32 ID16 ADDR4 "60" },
        { FORM_MANIFEST, "rate 0", "8a" ID32 "01 01 00 02 10" ID32 "60 60 60" },
        { FORM_MANIFEST, "rate 2^20",
          "8a" ID32 "01 01 1a00100000 02 10" ID32 "60 60 60" },
        { FORM_MANIFEST, "9 channels", "8a" ID32 "01 01 01 09 10" ID32 "60 60 60" },
        { FORM_MANIFEST, "3 bits", "8a" ID32 "01 01 01 01 03" ID32 "60 60 60" },
        { FORM_MANIFEST, "no frames", "8a" ID32 "01 00 01 01 10" ID32 "60 60 60" },
        { FORM_MANIFEST, "2^36 frames",
          "8a" ID32 "01 1b0000001000000000 01 01 10" ID32 "60 60 60" },
        { FORM_ENTRY, "epoch 0", "86" ID16 "00 01" ID32 "06 81 00" },
        { FORM_ENTRY, "entry 0", "86" ID16 "01 00" ID32 "06 81 00" },
        { FORM_ENTRY, "kind 0", "86" ID16 "01 01" ID32 "00 81 00" },
        { FORM_ENTRY, "kind 8", "86" ID16 "01 01" ID32 "08 81 00" },
        { FORM_ENTRY, "a council of nobody", "86" ID16 "01 01" ID32 "07 80" },
        { FORM_ENTRY, "a council of eight",
          "86" ID16 "01 01" ID32 "07 88" ID32 ID32 ID32 ID32 ID32 ID32 ID32 ID32 },
        { FORM_ENTRY, "a body of another kind", "86" ID16 "01 01" ID32 "05 81 00" },
        { FORM_ENTRY, "verb 0", "86" ID16 "01 01" ID32 "05 85 00 00 00 00 f5" },
        { FORM_ENTRY, "verb 8", "86" ID16 "01 01" ID32 "05 85 08 00 00 00 f5" },
        { FORM_ENTRY, "frame 2^36",
          "86" ID16 "01 01" ID32 "05 85 01 00 00 1b0000001000000000 f5" },
        { FORM_ENTRY, "an instant beyond 63 bits",
          "86" ID16 "01 01" ID32 "06 81 1b8000000000000000" },
        { FORM_ENTRY, "an instant below -2^63",
          "86" ID16 "01 01" ID32 "06 81 3b8000000000000000" },
        { FORM_ENTRY, "a party's name of 65 bytes",
          "86" ID16 "01 01" ID32 "01 83" ID32 ID16 "7841{65}" },
        { FORM_ENTRY, "a member's name of 65 bytes",
          "86" ID16 "01 03" ID32 "03 84 f4" ID32 ADDR4 "7841{65}" },
        { FORM_ENTRY, "more than 1024 bytes in all",
          "86" ID16 "01 04" ID32 "04 83 04 5903e8<1000>" SIG },
        { FORM_ENTRY, "an empty manifest", "86" ID16 "01 01" ID32 "04 83 04 40" SIG },
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++)
        if (accepts(rows[i].kind, expand(rows[i].hex)))
            fail_msg("accepted: %s (%s)", rows[i].fact, form_names[rows[i].kind]);
}

/* The messages that have a short way of their own, with all sizes of heads, are the bytes
 * that the CBOR writer makes of them, and come back. */
static void need_bytes(const struct msg *m, const struct cbor_writer *w)
{
    static uint8_t out[MSG_SIZE_MAX];
    size_t len = msg_encode(m, out, sizeof(out));
    struct msg back;

    assert_int_equal(len, w->len);
    assert_memory_equal(out, w->data, len);
    assert_int_equal(msg_encode(m, out, len - 1), 0);
    assert_int_equal(msg_decode(bytes_of(w->data, w->len), &back), 0);
    assert_int_equal(back.type, m->type);
    assert_int_equal(msg_encode(&back, out, len), len);
    assert_memory_equal(out, w->data, len);
}

static void test_short_ways(void **state)
{
    static const uint32_t seqs[] = { 0, 23, 24, 255, 256, 65535, 65536, UINT32_MAX };
    static const size_t lens[] = { 1, 23, 24, 255, 256, MSG_INNER_MAX };
    static uint8_t room[2 * MSG_INNER_MAX];
    static uint8_t inner[MSG_INNER_MAX] = { 1, 2, 3 };
    struct cbor_writer w;
    struct msg m;

    (void)state;
    for (int i = 0; i < 2 * COUNT(seqs); i++) {
        m.type = i % 2 == 0 ? MSG_PING : MSG_PONG;
        m.u.ping.seq = seqs[i / 2];
        cbor_writer_init(&w, room, sizeof(room));
        cbor_write_array(&w, 2);
        cbor_write_uint(&w, m.type);
        cbor_write_uint(&w, m.u.ping.seq);
        need_bytes(&m, &w);
    }
    for (int count = 1; count <= 2; count++) {
        m = (struct msg){ .type = MSG_SEEN, .u.ids.count = count };
        m.u.ids.list[0].b[3] = 7;
        cbor_writer_init(&w, room, sizeof(room));
        cbor_write_array(&w, 2);
        cbor_write_uint(&w, MSG_SEEN);
        cbor_write_array(&w, count);
        for (int i = 0; i < count; i++)
            cbor_write_bytes(&w, m.u.ids.list[i].b, FLOOD_ID_LEN);
        need_bytes(&m, &w);
    }
    for (int i = 0; i < 2 * COUNT(lens); i++) {
        m = (struct msg){ .type = MSG_FLOOD };
        m.u.flood.hops = i % 2 == 0 ? 23 : 24;
        m.u.flood.inner = bytes_of(inner, lens[i / 2]);
        m.u.flood.sig[0] = 9;
        cbor_writer_init(&w, room, sizeof(room));
        cbor_write_array(&w, 4);
        cbor_write_uint(&w, MSG_FLOOD);
        cbor_write_uint(&w, m.u.flood.hops);
        cbor_write_bytes(&w, inner, lens[i / 2]);
        cbor_write_bytes(&w, m.u.flood.sig, SIGNATURE_LEN);
        need_bytes(&m, &w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_are_those_of_the_document),
        cmocka_unit_test(test_refuses_what_breaks_a_limit),
        cmocka_unit_test(test_encoding_holds_to_the_limits),
        cmocka_unit_test(test_short_ways),
        cmocka_unit_test(test_longest_of_all),
        cmocka_unit_test(test_signed_parts_are_bounded),
        cmocka_unit_test(test_random_messages_come_back),
        cmocka_unit_test(test_mutations_fail_or_are_what_they_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
