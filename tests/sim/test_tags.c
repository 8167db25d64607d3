/* The suite of tags: it has the lengths of the real one, refuses what that refuses, and
 * the same world takes the same course with either.  SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <stdbool.h>
#include <unistd.h>

#include "sim/experiment.h"
#include "sim/tags.h"

#define FRAME_MAX 200

union memory {
    uint64_t align;
    uint8_t b[2048];
};

/* One end of a link. */
struct side {
    const struct suite *suite;
    struct identity self;
    union memory handshake;
    union memory session;
    union memory datagram;
    struct suite_peer peer;
};

struct course {
    int err;
    int message; /* at which it ended */
    size_t len[3];
};

static void begin(struct side *s, const struct suite *suite, int who, bool is_initiator,
                  const uint8_t *psk)
{
    uint8_t seed[SECURE_SEED_LEN] = { (uint8_t)who };

    assert_true(suite->handshake_size <= sizeof(s->handshake));
    assert_true(suite->session_size <= sizeof(s->session));
    assert_true(suite->datagram_size <= sizeof(s->datagram));
    s->suite = suite;
    suite->identity(&s->self, seed);
    assert_ptr_equal(s->self.suite, suite);
    seed[1] = is_initiator;
    suite->handshake_begin(&s->handshake, is_initiator, &s->self, psk, seed);
}

/* All three messages, with one bit of one of them flipped where flip >= 0. */
static struct course shake(struct side *a, struct side *b, int message, int flip)
{
    struct side *sides[2] = { a, b };
    uint8_t wire[2][LINK_HANDSHAKE_MAX];
    bool is_open[2] = { false, false };
    struct course c = { 0 };
    size_t len = 0;

    for (int i = 0; i < 4; i++) {
        struct side *s = sides[i % 2];
        size_t out = 0;

        c.message = i;
        c.err = s->suite->handshake_next(&s->handshake, bytes_of(wire[(i + 1) % 2], len),
                                         wire[i % 2], &out, &is_open[i % 2]);
        if (c.err != 0)
            return c;
        len = out;
        if (i < 3)
            c.len[i] = len;
        if (i == message && flip >= 0 && (size_t)flip / 8 < len)
            wire[i % 2][flip / 8] ^= (uint8_t)(1u << flip % 8);
    }
    assert_true(is_open[0] && is_open[1] && len == 0);
    for (int i = 0; i < 2; i++)
        sides[i]->suite->handshake_end(&sides[i]->handshake, &sides[i]->session,
                                       &sides[i]->peer);
    return c;
}

static const uint8_t psks[2][LINK_PSK_LEN] = { { 1 }, { 2 } };

static void test_handshakes_are_alike(void **state)
{
    static const struct {
        const char *name;
        int who[2];
        int psk[2]; /* 0: none */
        int err;
        int message;
    } rows[] = {
        { "open", { 1, 2 }, { 0, 0 }, 0, 3 },
        { "a channel", { 1, 2 }, { 1, 1 }, 0, 3 },
        { "another key", { 1, 2 }, { 1, 2 }, ERR_KEY, 1 },
        { "a key against none", { 1, 2 }, { 1, 0 }, ERR_KEY, 1 },
        { "none against a key", { 1, 2 }, { 0, 1 }, ERR_KEY, 1 },
        { "with ourselves", { 1, 1 }, { 0, 0 }, ERR_DENIED, 2 },
    };
    const struct suite *suites[2] = { &suite_real, &suite_tags };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        struct course c[2];

        for (int k = 0; k < 2; k++) {
            struct side s[2];

            for (int j = 0; j < 2; j++)
                begin(&s[j], suites[k], rows[i].who[j], j == 0,
                      rows[i].psk[j] == 0 ? NULL : psks[rows[i].psk[j] - 1]);
            c[k] = shake(&s[0], &s[1], -1, -1);
            if (c[k].err != rows[i].err || c[k].message != rows[i].message)
                fail_msg("%s, %s: %d at %d", rows[i].name, suites[k]->name, c[k].err,
                         c[k].message);
            if (c[k].err != 0)
                continue;
            for (int j = 0; j < 2; j++) {
                assert_memory_equal(s[j].peer.key, s[1 - j].self.sign_public, 32);
                assert_true(node_id_equal(&s[j].peer.id, &s[1 - j].self.id));
                assert_true(s[j].peer.send_id == s[1 - j].peer.receive_id);
            }
            assert_true(s[0].peer.send_id != s[0].peer.receive_id);
        }
        assert_memory_equal(c[0].len, c[1].len, sizeof(c[0].len));
    }
}

static void open_tags(struct side s[2], const uint8_t *psk)
{
    begin(&s[0], &suite_tags, 1, true, psk);
    begin(&s[1], &suite_tags, 2, false, psk);
    assert_int_equal(shake(&s[0], &s[1], -1, -1).err, 0);
}

static void test_every_bit_of_a_handshake_counts(void **state)
{
    (void)state;
    for (int keyed = 0; keyed < 2; keyed++) {
        struct side s[2];
        struct course whole;

        begin(&s[0], &suite_tags, 1, true, keyed ? psks[0] : NULL);
        begin(&s[1], &suite_tags, 2, false, keyed ? psks[0] : NULL);
        whole = shake(&s[0], &s[1], -1, -1);
        for (int m = 0; m < 3; m++) {
            for (int bit = 0; bit < (int)whole.len[m] * 8; bit++) {
                begin(&s[0], &suite_tags, 1, true, keyed ? psks[0] : NULL);
                begin(&s[1], &suite_tags, 2, false, keyed ? psks[0] : NULL);
                assert_int_not_equal(shake(&s[0], &s[1], m, bit).err, 0);
            }
        }
    }
}

static void test_frames(void **state)
{
    uint8_t frame[2][FRAME_MAX];
    uint8_t plain[FRAME_MAX];
    struct side s[2];
    struct side before[2];
    size_t len;

    (void)state;
    assert_true(suite_tags.session_size <= TAGS_SESSION_MAX);
    open_tags(s, psks[0]);
    for (size_t n = 0; n <= 40; n++) {
        memset(plain, (int)n, sizeof(plain));
        assert_int_equal(
            suite_tags.seal(&s[n % 2].session, bytes_of(plain, n), frame[0], 100, &len),
            0);
        assert_int_equal(len, n + LINK_OVERHEAD);
        assert_int_equal(suite_tags.open(&s[1 - n % 2].session, bytes_of(frame[0], len),
                                         frame[1], n, &len),
                         0);
        assert_int_equal(len, n);
        assert_memory_equal(frame[1], plain, n);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(suite_tags.seal(&s[0].session,
                                         bytes_of("abcdefghijklmnopqrs", 19), frame[i],
                                         35, &len),
                         0);
    memcpy(before, s, sizeof(s));
    for (int bit = 0; bit < 35 * 8; bit++) {
        memcpy(s, before, sizeof(s));
        frame[0][bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(suite_tags.open(&s[1].session, bytes_of(frame[0], 35), plain,
                                         sizeof(plain), &len),
                         ERR_MALFORMED);
        frame[0][bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(suite_tags.open(&s[1].session, bytes_of(frame[0], 35), plain,
                                         sizeof(plain), &len),
                         ERR_STATE);
    }
    for (size_t n = 0; n < 35; n++) {
        memcpy(s, before, sizeof(s));
        assert_int_equal(suite_tags.open(&s[1].session, bytes_of(frame[0], n), plain,
                                         sizeof(plain), &len),
                         ERR_MALFORMED);
    }
    memcpy(s, before, sizeof(s)); /* one is missing */
    assert_int_equal(suite_tags.open(&s[1].session, bytes_of(frame[1], 35), plain,
                                     sizeof(plain), &len),
                     ERR_MALFORMED);
    memcpy(s, before, sizeof(s)); /* back to its sender */
    assert_int_equal(suite_tags.open(&s[0].session, bytes_of(frame[0], 35), plain,
                                     sizeof(plain), &len),
                     ERR_MALFORMED);
    memcpy(s, before, sizeof(s));
    assert_int_equal(
        suite_tags.open(&s[1].session, bytes_of(frame[0], 35), plain, 18, &len),
        ERR_LIMIT);
    assert_int_equal(
        suite_tags.open(&s[1].session, bytes_of(frame[0], 35), plain, 19, &len), 0);
    assert_int_equal(suite_tags.open(&s[1].session, bytes_of(frame[0], 35), plain,
                                     sizeof(plain), &len),
                     ERR_MALFORMED); /* twice */
}

static void test_frames_of_other_links(void **state)
{
    uint8_t frame[FRAME_MAX];
    struct side s[2];
    struct side t[2];
    size_t len;

    (void)state;
    open_tags(s, psks[0]);
    open_tags(t, psks[1]);
    assert_int_equal(
        suite_tags.seal(&s[0].session, bytes_of("abcd", 4), frame, FRAME_MAX, &len), 0);
    assert_int_equal(
        suite_tags.open(&t[1].session, bytes_of(frame, len), frame, FRAME_MAX, &len),
        ERR_MALFORMED);
}

static void test_signatures(void **state)
{
    uint8_t seed[SECURE_SEED_LEN] = { 1 };
    uint8_t sig[IDENTITY_SIG_LEN];
    char text[] = "a text that is longer than 16";
    struct bytes msg = bytes_of(text, strlen(text));
    struct identity a;
    struct identity b;

    (void)state;
    suite_tags.identity(&a, seed);
    seed[31] = 1;
    suite_tags.identity(&b, seed);
    assert_false(node_id_equal(&a.id, &b.id));
    suite_tags.sign(&a, "kind.a", msg, sig);
    assert_true(suite_tags.verify(a.sign_public, "kind.a", msg, sig));
    assert_false(suite_tags.verify(b.sign_public, "kind.a", msg, sig));
    assert_false(suite_tags.verify(a.sign_public, "kind.b", msg, sig));
    for (int bit = 0; bit < IDENTITY_SIG_LEN * 8; bit++) {
        sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(suite_tags.verify(a.sign_public, "kind.a", msg, sig));
        sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < msg.len * 8; bit++) {
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
        assert_false(suite_tags.verify(a.sign_public, "kind.a", msg, sig));
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
    }
    suite_tags.sign(&b, "kind.a", msg, sig); /* b may say so, but not for a */
    assert_false(suite_tags.verify(a.sign_public, "kind.a", msg, sig));
}

static void test_hashes(void **state)
{
    uint8_t data[70];
    uint8_t whole[HASH_OUT_MAX];
    uint8_t other[HASH_OUT_MAX];
    struct bytes all = bytes_of(data, sizeof(data));

    (void)state;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 37);
    suite_tags.hash(whole, 64, "kind", &all, 1);
    for (size_t cut = 0; cut <= sizeof(data); cut++) { /* borders do not count */
        struct bytes parts[2] = { bytes_of(data, cut),
                                  bytes_of(data + cut, sizeof(data) - cut) };

        suite_tags.hash(other, 64, "kind", parts, 2);
        assert_memory_equal(whole, other, 64);
    }
    for (size_t len = 0; len < sizeof(data); len++) { /* lengths do */
        all.len = len;
        suite_tags.hash(other, 64, "kind", &all, 1);
        assert_memory_not_equal(whole, other, 16);
    }
    all.len = sizeof(data);
    suite_tags.hash(other, 16, "kind", &all, 1);
    assert_memory_not_equal(whole, other, 16);
    suite_tags.hash(other, 64, "kine", &all, 1);
    assert_memory_not_equal(whole, other, 16);
    for (int bit = 0; bit < (int)sizeof(data) * 8; bit++) {
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        suite_tags.hash(other, 64, "kind", &all, 1);
        assert_memory_not_equal(whole, other, 8);
        assert_memory_not_equal(whole + 8, other + 8, 8);
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    /* Fixed, on every machine. */
    suite_tags.hash(other, 16, "kind", &all, 1);
    assert_true(load_be64(other) == UINT64_C(0x51906737ef98ad64));
}

static void test_datagrams(void **state)
{
    uint8_t sealed[100][FRAME_MAX];
    uint8_t out[FRAME_MAX];
    struct side s[2];
    size_t len;

    (void)state;
    open_tags(s, NULL);
    for (int i = 0; i < 2; i++)
        assert_int_equal(suite_tags.datagram_key(&s[i].session, &s[i].datagram), 0);
    assert_int_equal(suite_tags.datagram_key(&s[0].session, &s[0].datagram), ERR_STATE);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(suite_tags.datagram_seal(&s[0].datagram, bytes_of("abcd", 4),
                                                  sealed[i], FRAME_MAX, &len),
                         0);
        assert_int_equal(len, 4 + DATAGRAM_OVERHEAD);
        assert_true(load_be64(sealed[i]) == s[0].peer.send_id);
    }
    for (int bit = 0; bit < (int)len * 8; bit++) {
        sealed[1][bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(suite_tags.datagram_open(&s[1].datagram,
                                                      bytes_of(sealed[1], len), out,
                                                      FRAME_MAX, &len),
                             0);
        sealed[1][bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    static const struct {
        int which;
        int err;
    } order[] = { { 0, 0 },           { 0, ERR_DENIED },  { 2, 0 },          { 1, 0 },
                  { 1, ERR_DENIED },  { 2, ERR_DENIED },  { 70, 0 },         { 7, 0 },
                  { 6, ERR_DENIED },  { 70, ERR_DENIED }, { 99, 0 },         { 36, 0 },
                  { 35, ERR_DENIED }, { 37, 0 },          { 37, ERR_DENIED } };
    for (int i = 0; i < COUNT(order); i++)
        assert_int_equal(suite_tags.datagram_open(&s[1].datagram,
                                                  bytes_of(sealed[order[i].which], 36),
                                                  out, FRAME_MAX, &len),
                         order[i].err);
    assert_memory_equal(out, "abcd", 4);
}

/* ---- the same world ---- */

#define SEEDS 10

/* What the run prints about each event (when, whose, which kind, how long, how many
 * effects) as a hash. */
static struct run_hash course_of(uint64_t seed, const struct suite *suite,
                                 int64_t *events)
{
    struct experiment_options o = { .suite = suite,
                                    .seed = seed,
                                    .nodes = 6,
                                    .seconds = 60,
                                    .loss_ppm = -1,
                                    .latency_ns = -1,
                                    .jitter_ns = -1,
                                    .faults = -1,
                                    .is_traced = true };
    struct experiment *e = calloc(1, sizeof(*e));
    FILE *trace = tmpfile();
    int out = dup(STDOUT_FILENO);
    static uint8_t block[65536];
    struct run_hash h;
    size_t len;

    assert_true(e != NULL && trace != NULL && out >= 0);
    fflush(stdout);
    assert_true(dup2(fileno(trace), STDOUT_FILENO) >= 0);
    assert_int_equal(experiment_run(e, &o), 0);
    fflush(stdout);
    assert_true(dup2(out, STDOUT_FILENO) >= 0);
    close(out);
    run_hash_init(&h);
    rewind(trace);
    while ((len = fread(block, 1, sizeof(block), trace)) > 0)
        run_hash_bytes(&h, bytes_of(block, len));
    fclose(trace);
    *events = e->world.counts.events;
    experiment_finish(e);
    free(e);
    return h;
}

/* Keys, ids and hashes are real in both, as who has the smaller id decides some things;
 * signatures, handshakes, frames and datagrams are tags in one of them. */
static struct suite mixed;

static void mixed_identity(struct identity *self,
                           const uint8_t seed[static SECURE_SEED_LEN])
{
    identity_from_seed(self, seed);
    self->suite = &mixed;
}

static void test_worlds_take_the_same_course(void **state)
{
    int same = 0;

    (void)state;
    mixed = suite_tags;
    mixed.id = suite_real.id;
    mixed.hash = suite_real.hash;
    mixed.identity = mixed_identity;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        int64_t events[2];
        struct run_hash real = course_of(seed, &suite_real, &events[0]);
        struct run_hash tags = course_of(seed, &mixed, &events[1]);

        same += events[0] == events[1] && real.a == tags.a && real.b == tags.b;
    }
    /* Of two links that both ends dialled at once, the keys of the handshakes decide
     * which one stays; in a few runs that is another one, and all goes another way from
     * there. */
    print_message("%d of %d runs took the same course\n", same, SEEDS);
    assert_true(same >= SEEDS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshakes_are_alike),
        cmocka_unit_test(test_every_bit_of_a_handshake_counts),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_frames_of_other_links),
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_hashes),
        cmocka_unit_test(test_datagrams),
        cmocka_unit_test(test_worlds_take_the_same_course),
    };

    if (secure_init() != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
