/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <stdbool.h>

#include "base/rng.h"
#include "secure/link.h"

struct pair {
    struct link_session sides[2]; /* initiator, responder */
};

static void make_identity(struct identity *self, int what)
{
    uint8_t seed[SECURE_SEED_LEN] = { (uint8_t)what };

    identity_from_seed(self, seed);
}

/* A side of a link: what names the identity, text the channel, NULL for none. */
static void start_side(struct link_session *s, bool is_initiator, int what,
                       const char *text)
{
    uint8_t seed[SECURE_SEED_LEN] = { (uint8_t)(what + 100) };
    struct identity self;
    struct channel_key key;

    make_identity(&self, what);
    if (text != NULL)
        channel_key_derive(bytes_of(text, strlen(text)), &key);
    link_session_init(s, is_initiator, &self, text != NULL ? key.psk : NULL, seed);
}

static void start_pair(struct pair *p, const char *text_a, const char *text_b)
{
    start_side(&p->sides[0], true, 1, text_a);
    start_side(&p->sides[1], false, 2, text_b);
}

static void assert_wiped(const void *data, size_t len)
{
    const uint8_t *p = data;

    for (size_t i = 0; i < len; i++)
        assert_int_equal(p[i], 0);
}

/* Step the handshake until nobody has anything to send or one refuses; the error, and
 * which message (1..3) met it. */
static int run(struct pair *p, int *message)
{
    uint8_t wires[2][LINK_HANDSHAKE_MAX];
    size_t len = 0;

    for (int i = 0; i < 4; i++) {
        int err = link_session_next(&p->sides[i % 2], bytes_of(wires[(i + 1) % 2], len),
                                    wires[i % 2], &len);

        *message = i;
        if (err != 0 || len == 0)
            return err;
    }
    fail_msg("the handshake has no end");
    return ERR_INTERNAL;
}

static void open_pair(struct pair *p, const char *text)
{
    int message;

    start_pair(p, text, text);
    assert_int_equal(run(p, &message), 0);
    assert_int_equal(message, 3);
    assert_int_equal(p->sides[0].state, LINK_OPEN);
    assert_int_equal(p->sides[1].state, LINK_OPEN);
}

static const char *const channels[] = { NULL, "kitchen" };

static void test_both_learn_who_the_other_is(void **state)
{
    (void)state;
    for (int c = 0; c < COUNT(channels); c++) {
        struct identity ids[2];
        struct pair p;

        make_identity(&ids[0], 1);
        make_identity(&ids[1], 2);
        open_pair(&p, channels[c]);
        for (int i = 0; i < 2; i++) {
            assert_memory_equal(p.sides[i].remote_public, ids[1 - i].sign_public, 32);
            assert_true(node_id_equal(&p.sides[i].remote_id, &ids[1 - i].id));
        }
    }
}

static void test_channel_key(void **state)
{
    struct channel_key a;
    struct channel_key b;

    (void)state;
    channel_key_derive(bytes_of("kitchen", 7), &a);
    channel_key_derive(bytes_of("kitchen", 7), &b);
    assert_memory_equal(&a, &b, sizeof a);
    channel_key_derive(bytes_of("kitchen ", 8), &b);
    assert_memory_not_equal(a.psk, b.psk, sizeof a.psk);
    assert_memory_not_equal(a.tag, b.tag, sizeof a.tag);
    assert_memory_not_equal(a.tag, a.psk, sizeof a.tag);
    channel_key_derive(bytes_of(NULL, 0), &b);
}

/* The bytes that three releases from now must still understand: any change here is a new
 * version of the protocol.  Computed by another implementation: Python over OpenSSL. */
static void test_bytes_are_fixed(void **state)
{
    static const char *const wanted[] = {
        "18fe28651fcbdfd641fcbbe354335e3cf4b5235f96d6190f3d68d071737f78d8",
        "4ddf2d8ce32749e9073fa55e052df6eb38f5c88a8dacc8878803a6005f06c0ad",
    };
    (void)state;
    for (int c = 0; c < COUNT(channels); c++) {
        uint8_t all[3 * LINK_HANDSHAKE_MAX + 64];
        uint8_t hash[32];
        char text[65];
        struct datagram_key datagram;
        struct bytes whole;
        struct pair p;
        size_t used = 0;
        size_t len = 0;

        start_pair(&p, channels[c], channels[c]);
        for (int i = 0; i < 3; i++) {
            uint8_t *wire = all + used;

            assert_int_equal(
                link_session_next(&p.sides[i % 2], bytes_of(wire - len, len), wire, &len),
                0);
            used += len;
        }
        assert_int_equal(used, c == 0 ? 32 + 192 + 160 : 48 + 192 + 160);
        assert_int_equal(
            link_seal(&p.sides[0].keys, bytes_of("x", 1), all + used, 17, &len), 0);
        used += len;
        assert_int_equal(link_datagram_key(&p.sides[0].keys, &datagram), 0);
        assert_int_equal(datagram_seal(&datagram, bytes_of("x", 1), all + used, 33, &len),
                         0);
        used += len;
        whole = bytes_of(all, used);
        hash_blake2b(hash, sizeof hash, "test", &whole, 1);
        hex_encode(hash, sizeof hash, text);
        assert_string_equal(text, wanted[c]);
    }
}

static void test_other_channels_are_told_apart(void **state)
{
    static const struct {
        const char *name, *a, *b;
        int message; /* that was refused */
    } cases[] = {
        { "another key", "kitchen", "cellar", 1 },
        { "a key against none", "kitchen", NULL, 1 },
        { "none against a key", NULL, "kitchen", 1 },
        { "one letter", "kitchen", "kitchem", 1 },
        { "an empty key is a key", "", NULL, 1 },
    };
    (void)state;
    for (int i = 0; i < COUNT(cases); i++) {
        struct pair p;
        int message;

        start_pair(&p, cases[i].a, cases[i].b);
        if (run(&p, &message) != ERR_KEY || message != cases[i].message)
            fail_msg("%s: not refused at message %d", cases[i].name, cases[i].message);
        assert_wiped(&p.sides[1], sizeof p.sides[1]);
    }
}

/* A peer that is made by hand, so that it may lie. */
struct liar {
    struct noise noise;
    uint8_t payload[LINK_PAYLOAD_LEN];
};

static void start_liar(struct liar *l, bool is_initiator, const char *pattern,
                       struct bytes prologue, const uint8_t *psk)
{
    static const uint8_t ephemeral[32] = { 42 };
    struct identity self;
    struct identity_link keys;

    make_identity(&self, 3);
    identity_link(&self, &keys);
    assert_int_equal(
        noise_init(&l->noise, &(struct noise_config){ .pattern = pattern,
                                                      .is_initiator = is_initiator,
                                                      .prologue = prologue,
                                                      .static_secret = keys.dh_secret,
                                                      .ephemeral_secret = ephemeral,
                                                      .psks = psk,
                                                      .psk_count = psk != NULL }),
        0);
    memcpy(l->payload, self.sign_public, 32);
    memcpy(l->payload + 32, keys.proof, 64);
    identity_wipe(&self);
}

/* The liar speaks until the honest side has said what it thinks of it. */
static int meet_liar(struct link_session *honest, struct liar *l, size_t payload_len)
{
    bool begins = !honest->is_initiator;
    uint8_t wire[400];
    uint8_t answer[LINK_HANDSHAKE_MAX];
    uint8_t payload[LINK_PAYLOAD_LEN];
    struct bytes claim = bytes_of(l->payload, payload_len);
    size_t len;
    int err;

    if (begins)
        assert_int_equal(
            noise_write(&l->noise, bytes_of(NULL, 0), wire, sizeof wire, &len), 0);
    err = link_session_next(honest, bytes_of(wire, begins ? len : 0), answer, &len);
    if (err != 0)
        return err;
    assert_int_equal(
        noise_read(&l->noise, bytes_of(answer, len), payload, sizeof payload, &len), 0);
    assert_int_equal(noise_write(&l->noise, claim, wire, sizeof wire, &len), 0);
    return link_session_next(honest, bytes_of(wire, len), answer, &len);
}

static const uint8_t own_prologue[15] = "party/1";

static void test_lies_are_refused(void **state)
{
    struct identity victim;
    struct identity_link stolen;

    (void)state;
    make_identity(&victim, 2);
    identity_link(&victim, &stolen);
    for (int begins = 0; begins < 2; begins++) {
        for (int lie = 0; lie < 5; lie++) {
            static const int wanted[] = { 0, ERR_MALFORMED, ERR_MALFORMED, ERR_MALFORMED,
                                          ERR_MALFORMED };
            struct link_session honest;
            struct liar l;
            size_t payload_len = LINK_PAYLOAD_LEN;

            start_side(&honest, !begins, 1, NULL);
            start_liar(&l, begins, "XX", bytes_of(own_prologue, sizeof own_prologue),
                       NULL);
            if (lie == 1) { /* another's key and proof: but not another's X25519 key */
                memcpy(l.payload, victim.sign_public, 32);
                memcpy(l.payload + 32, stolen.proof, 64);
            } else if (lie == 2) { /* another's key with our proof */
                memcpy(l.payload, victim.sign_public, 32);
            } else if (lie == 3) {
                payload_len--;
            } else if (lie == 4) {
                payload_len = 0;
            }
            assert_int_equal(meet_liar(&honest, &l, payload_len), wanted[lie]);
            if (wanted[lie] != 0)
                assert_wiped(&honest, sizeof honest);
            else
                assert_int_equal(honest.state, LINK_OPEN);
        }
    }
}

/* Key compromise impersonation: who has stolen our static keys can be us, but cannot be
 * somebody else towards us; for that it would need the other's X25519 secret. */
static void test_stolen_keys_do_not_make_others(void **state)
{
    struct identity self;
    struct identity friend;
    struct identity_link stolen;
    struct identity_link known;
    struct link_session honest;
    struct liar l;
    const struct noise_config config = { .pattern = "XX",
                                         .is_initiator = true,
                                         .prologue = bytes_of(own_prologue, 15),
                                         .static_secret = stolen.dh_secret,
                                         .static_public = known.dh_public,
                                         .ephemeral_secret = stolen.dh_secret };

    (void)state;
    make_identity(&self, 1);
    make_identity(&friend, 2);
    identity_link(&self, &stolen);
    identity_link(&friend, &known);
    start_side(&honest, false, 1, NULL);
    assert_int_equal(noise_init(&l.noise, &config), 0);
    memcpy(l.payload, friend.sign_public, 32);
    memcpy(l.payload + 32, known.proof, 64);
    assert_int_equal(meet_liar(&honest, &l, LINK_PAYLOAD_LEN), ERR_MALFORMED);
}

static void test_other_versions_are_told_apart(void **state)
{
    uint8_t prologue[15] = "party/2";
    struct channel_key key;
    struct link_session honest;
    struct liar l;
    uint8_t wire[200];
    uint8_t out[LINK_HANDSHAKE_MAX];
    size_t len;

    (void)state;
    /* Without a key the first message is all in the clear: the initiator finds out. */
    start_side(&honest, true, 1, NULL);
    start_liar(&l, false, "XX", bytes_of(prologue, sizeof prologue), NULL);
    assert_int_equal(link_session_next(&honest, bytes_of(NULL, 0), out, &len), 0);
    assert_int_equal(noise_read(&l.noise, bytes_of(out, len), wire, sizeof wire, &len),
                     0);
    assert_int_equal(noise_write(&l.noise, bytes_of(l.payload, 96), wire, 192, &len), 0);
    assert_int_equal(link_session_next(&honest, bytes_of(wire, len), out, &len), ERR_KEY);
    /* With one, the responder does. */
    channel_key_derive(bytes_of("kitchen", 7), &key);
    memcpy(prologue + 7, key.tag, sizeof key.tag);
    start_side(&honest, false, 1, "kitchen");
    start_liar(&l, true, "XXpsk3", bytes_of(prologue, sizeof prologue), key.psk);
    assert_int_equal(noise_write(&l.noise, bytes_of(NULL, 0), wire, sizeof wire, &len),
                     0);
    assert_int_equal(link_session_next(&honest, bytes_of(wire, len), out, &len), ERR_KEY);
}

/* Knowing the tag, but not the psk, lets a stranger come as far as message 3. */
static void test_the_tag_alone_opens_nothing(void **state)
{
    uint8_t prologue[15] = "party/1";
    uint8_t wrong[32] = { 1 };
    struct channel_key key;
    struct link_session honest;
    struct liar l;

    (void)state;
    channel_key_derive(bytes_of("kitchen", 7), &key);
    memcpy(prologue + 7, key.tag, sizeof key.tag);
    start_side(&honest, false, 1, "kitchen");
    start_liar(&l, true, "XXpsk3", bytes_of(prologue, sizeof prologue), wrong);
    assert_int_equal(meet_liar(&honest, &l, LINK_PAYLOAD_LEN), ERR_KEY);
    assert_wiped(&honest, sizeof honest);
    start_side(&honest, false, 1, "kitchen");
    start_liar(&l, true, "XXpsk3", bytes_of(prologue, sizeof prologue), key.psk);
    assert_int_equal(meet_liar(&honest, &l, LINK_PAYLOAD_LEN), 0);
}

static void test_our_own_id_is_denied(void **state)
{
    (void)state;
    for (int c = 0; c < COUNT(channels); c++) {
        struct pair p;
        int message;

        start_side(&p.sides[0], true, 1, channels[c]);
        start_side(&p.sides[1], false, 1, channels[c]);
        assert_int_equal(run(&p, &message), ERR_DENIED);
        assert_int_equal(message, 2);
        assert_wiped(&p.sides[0], sizeof p.sides[0]);
    }
}

/* Message m of a good handshake (0..2), and the side that is to read it. */
static size_t reach(struct pair *p, const char *text, int m, uint8_t wire[static 400])
{
    size_t len = 0;

    start_pair(p, text, text);
    for (int i = 0; i <= m; i++) {
        uint8_t out[LINK_HANDSHAKE_MAX];

        assert_int_equal(
            link_session_next(&p->sides[i % 2], bytes_of(wire, len), out, &len), 0);
        memcpy(wire, out, len);
    }
    return len;
}

/* Give one side a message; the other may go on from its answer.  Neither may be open on a
 * handshake that was tampered with, but for the initiator that has sent message 3. */
static int give(struct pair *p, int m, struct bytes wire)
{
    uint8_t out[LINK_HANDSHAKE_MAX];
    size_t len;
    int err = link_session_next(&p->sides[1 - m % 2], wire, out, &len);

    if (err == 0 && m == 0)
        err = link_session_next(&p->sides[0], bytes_of(out, len), out, &len);
    assert_int_not_equal(p->sides[1].state, LINK_OPEN);
    if (m < 2)
        assert_int_not_equal(p->sides[0].state, LINK_OPEN);
    return err;
}

static void test_altered_handshakes_are_refused(void **state)
{
    (void)state;
    for (int c = 0; c < COUNT(channels); c++) {
        for (int m = 0; m < 3; m++) {
            uint8_t wire[400];
            struct pair before;
            size_t len = reach(&before, channels[c], m, wire);

            for (size_t bit = 0; bit < 8 * len; bit++) {
                struct pair p = before;
                int err;

                wire[bit / 8] ^= (uint8_t)(1u << bit % 8);
                err = give(&p, m, bytes_of(wire, len));
                /* Only a key can explain it, as far as the reader can tell; in the last
                 * message without a key not even that. */
                assert_int_equal(err, c == 0 && m == 2 ? ERR_MALFORMED : ERR_KEY);
                wire[bit / 8] ^= (uint8_t)(1u << bit % 8);
            }
        }
    }
}

static void test_wrong_lengths_are_malformed(void **state)
{
    (void)state;
    for (int c = 0; c < COUNT(channels); c++) {
        for (int m = 0; m < 3; m++) {
            uint8_t wire[400] = { 0 };
            struct pair before;
            size_t len = reach(&before, channels[c], m, wire);

            for (size_t n = 0; n < sizeof wire; n++) {
                struct pair p = before;
                bool is_other_kind = m == 0 && n == (c == 0 ? 48 : 32);

                if (n == len)
                    continue;
                assert_int_equal(give(&p, m, bytes_of(wire, n)),
                                 is_other_kind ? ERR_KEY : ERR_MALFORMED);
                assert_wiped(&p.sides[1 - m % 2], sizeof p.sides[0]);
            }
        }
    }
}

static void test_low_order_ephemeral_is_malformed(void **state)
{
    static const uint8_t zero[32] = { 0 };
    struct link_session s;
    uint8_t out[LINK_HANDSHAKE_MAX];
    size_t len;

    (void)state;
    start_side(&s, false, 1, NULL);
    assert_int_equal(link_session_next(&s, bytes_of(zero, 32), out, &len), ERR_MALFORMED);
    assert_wiped(&s, sizeof s);
}

static void test_no_message_comes_back(void **state)
{
    uint8_t seed[SECURE_SEED_LEN] = { 77 };
    uint8_t hello[400];
    uint8_t finish[400];
    uint8_t out[LINK_HANDSHAKE_MAX];
    struct identity self;
    struct link_session fresh;
    struct pair p;
    size_t hello_len = reach(&p, NULL, 0, hello);
    size_t finish_len;
    size_t len;

    (void)state;
    /* The initiator's own message as its answer. */
    assert_int_equal(
        link_session_next(&p.sides[0], bytes_of(hello, hello_len), out, &len),
        ERR_MALFORMED);
    /* Both messages of a recorded initiator, to a responder with a fresh ephemeral key.
     */
    finish_len = reach(&p, NULL, 2, finish);
    make_identity(&self, 2);
    link_session_init(&fresh, false, &self, NULL, seed);
    assert_int_equal(link_session_next(&fresh, bytes_of(hello, hello_len), out, &len), 0);
    assert_int_equal(link_session_next(&fresh, bytes_of(finish, finish_len), out, &len),
                     ERR_MALFORMED);
    assert_wiped(&fresh, sizeof fresh);
}

static bool contains(const void *data, size_t len, const uint8_t secret[static 32])
{
    const uint8_t *p = data;

    for (size_t i = 0; i + 32 <= len; i++) {
        if (memcmp(p + i, secret, 32) == 0)
            return true;
    }
    return false;
}

static void test_secrets_are_wiped(void **state)
{
    struct channel_key key;
    struct datagram_key datagram;
    struct pair p;

    (void)state;
    channel_key_derive(bytes_of("kitchen", 7), &key);
    start_pair(&p, "kitchen", "kitchen");
    assert_true(contains(&p.sides[0], sizeof p.sides[0], key.psk));
    open_pair(&p, "kitchen");
    for (int i = 0; i < 2; i++) {
        struct link_session *s = &p.sides[i];
        struct identity self;
        struct identity_link keys;
        uint8_t export_key[32];
        uint8_t signing[32];

        make_identity(&self, 1 + i);
        identity_link(&self, &keys);
        secure_expand(self.seed, "identity.sign", signing, sizeof signing);
        assert_false(contains(s, sizeof *s, key.psk));
        assert_false(contains(s, sizeof *s, keys.dh_secret));
        assert_false(contains(s, sizeof *s, signing));
        assert_wiped(&s->noise, sizeof s->noise);
        memcpy(export_key, s->keys.export_key, 32);
        assert_int_equal(link_datagram_key(&s->keys, &datagram), 0);
        assert_false(contains(s, sizeof *s, export_key));
        assert_false(contains(s, sizeof *s, datagram.send.key));
        link_session_wipe(s);
        assert_wiped(s, sizeof *s);
    }
    link_session_wipe(&p.sides[0]);
    link_session_wipe(NULL);
}

/* Frames. */

static void test_frames_both_ways(void **state)
{
    static const size_t lens[] = { 0, 1, 17, 1400, LINK_PLAIN_MAX };
    static uint8_t plain[LINK_PLAIN_MAX];
    static uint8_t frame[LINK_FRAME_MAX];
    static uint8_t out[LINK_PLAIN_MAX];
    struct pair p;

    (void)state;
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = (uint8_t)(i * 31);
    open_pair(&p, NULL);
    for (int i = 0; i < 2 * COUNT(lens); i++) {
        size_t wanted = lens[i / 2];
        size_t len;

        assert_int_equal(link_seal(&p.sides[i % 2].keys, bytes_of(plain, wanted), frame,
                                   wanted + LINK_OVERHEAD, &len),
                         0);
        assert_int_equal(len, wanted + LINK_OVERHEAD);
        assert_int_equal(
            link_open(&p.sides[1 - i % 2].keys, bytes_of(frame, len), out, wanted, &len),
            0);
        assert_int_equal(len, wanted);
        assert_memory_equal(out, plain, wanted);
    }
}

static void test_frames_in_place(void **state)
{
    uint8_t buffer[40] = "some words";
    struct pair p;
    size_t len;

    (void)state;
    open_pair(&p, NULL);
    assert_int_equal(
        link_seal(&p.sides[0].keys, bytes_of(buffer, 10), buffer, sizeof buffer, &len),
        0);
    assert_memory_not_equal(buffer, "some words", 10);
    assert_int_equal(link_open(&p.sides[1].keys, bytes_of(buffer, len), buffer, 10, &len),
                     0);
    assert_memory_equal(buffer, "some words", 10);
}

static void test_limits_change_nothing(void **state)
{
    static uint8_t big[LINK_FRAME_MAX + 1];
    uint8_t frame[20];
    uint8_t out[4];
    struct pair p;
    size_t len;

    (void)state;
    open_pair(&p, NULL);
    assert_int_equal(link_seal(&p.sides[0].keys, bytes_of("abcd", 4), frame, 19, &len),
                     ERR_LIMIT);
    assert_int_equal(link_seal(&p.sides[0].keys, bytes_of(big, LINK_PLAIN_MAX + 1), big,
                               sizeof big, &len),
                     ERR_LIMIT);
    assert_int_equal(link_seal(&p.sides[0].keys, bytes_of("abcd", 4), frame, 20, &len),
                     0);
    assert_int_equal(link_open(&p.sides[1].keys, bytes_of(frame, 20), out, 3, &len),
                     ERR_LIMIT);
    assert_int_equal(link_open(&p.sides[1].keys, bytes_of(frame, 20), out, 4, &len), 0);
}

static int open_frame(struct link_session *s, const uint8_t *frame, size_t frame_len)
{
    static uint8_t out[LINK_FRAME_MAX];
    size_t len;

    return link_open(&s->keys, bytes_of(frame, frame_len), out, sizeof out, &len);
}

static void test_bad_frames_are_deadly(void **state)
{
    static uint8_t big[LINK_FRAME_MAX + 1];
    uint8_t frames[2][20];
    struct pair before;
    struct pair p;
    size_t len;

    (void)state;
    open_pair(&before, "kitchen");
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            link_seal(&before.sides[0].keys, bytes_of("abcd", 4), frames[i], 20, &len),
            0);
    for (int bit = 0; bit < 160; bit++) {
        p = before;
        frames[0][bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(open_frame(&p.sides[1], frames[0], 20), ERR_MALFORMED);
        assert_wiped(&p.sides[1].keys, sizeof p.sides[1].keys);
        frames[0][bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(open_frame(&p.sides[1], frames[0], 20), ERR_STATE);
    }
    for (size_t n = 0; n < 20; n++) {
        p = before;
        assert_int_equal(open_frame(&p.sides[1], frames[0], n), ERR_MALFORMED);
    }
    p = before; /* too long */
    assert_int_equal(open_frame(&p.sides[1], big, sizeof big), ERR_MALFORMED);
    p = before; /* one is missing */
    assert_int_equal(open_frame(&p.sides[1], frames[1], 20), ERR_MALFORMED);
    p = before; /* back to its sender */
    assert_int_equal(open_frame(&p.sides[0], frames[0], 20), ERR_MALFORMED);
    p = before; /* twice */
    assert_int_equal(open_frame(&p.sides[1], frames[0], 20), 0);
    assert_int_equal(open_frame(&p.sides[1], frames[0], 20), ERR_MALFORMED);
    p = before; /* and all is well without such things */
    assert_int_equal(open_frame(&p.sides[1], frames[0], 20), 0);
    assert_int_equal(open_frame(&p.sides[1], frames[1], 20), 0);
}

static void test_nothing_works_at_the_wrong_time(void **state)
{
    uint8_t buffer[LINK_HANDSHAKE_MAX] = { 0 };
    struct datagram_key datagram;
    struct pair p;
    size_t len;

    (void)state;
    start_pair(&p, NULL, NULL);
    assert_int_equal(link_seal(&p.sides[0].keys, bytes_of("x", 1), buffer, 17, &len),
                     ERR_STATE);
    assert_int_equal(link_open(&p.sides[0].keys, bytes_of(buffer, 17), buffer, 1, &len),
                     ERR_STATE);
    assert_int_equal(link_datagram_key(&p.sides[0].keys, &datagram), ERR_STATE);
    assert_int_equal(link_session_next(&p.sides[0], bytes_of(buffer, 1), buffer, &len),
                     ERR_MALFORMED); /* the initiator begins */
    assert_int_equal(link_session_next(&p.sides[1], bytes_of(NULL, 0), buffer, &len),
                     ERR_MALFORMED); /* the responder does not */
    assert_int_equal(link_session_next(&p.sides[1], bytes_of(buffer, 32), buffer, &len),
                     ERR_STATE);
    open_pair(&p, NULL);
    assert_int_equal(link_session_next(&p.sides[0], bytes_of(buffer, 32), buffer, &len),
                     ERR_STATE);
}

/* Both directions change their key after 2^20 frames, and only then. */
static void test_rekey(void **state)
{
    (void)state;
    for (int from = 0; from < 2; from++) {
        struct pair p;
        struct noise_cipher *send = &p.sides[from].keys.send;
        struct noise_cipher *receive = &p.sides[1 - from].keys.receive;
        uint8_t first[32];
        uint8_t second[32];

        open_pair(&p, NULL);
        memcpy(first, send->key, 32);
        for (int round = 1; round <= 2; round++) {
            send->nonce = receive->nonce = (uint64_t)round * LINK_REKEY_EVERY - 3;
            for (int i = 0; i < 6; i++) {
                uint8_t frame[17];
                size_t len;

                assert_int_equal(link_seal(&p.sides[from].keys, bytes_of("x", 1), frame,
                                           sizeof frame, &len),
                                 0);
                assert_int_equal(open_frame(&p.sides[1 - from], frame, len), 0);
                assert_int_equal(memcmp(send->key, first, 32) != 0, i >= 2);
            }
            assert_memory_equal(send->key, receive->key, 32);
            memcpy(second, send->key, 32);
            memcpy(first, second, 32);
        }
        assert_memory_not_equal(p.sides[from].keys.receive.key, second, 32);
    }
}

static void test_datagram_keys(void **state)
{
    struct datagram_key a;
    struct datagram_key b;
    struct pair p;
    uint8_t wire[40];
    uint8_t out[8];
    size_t len;

    (void)state;
    open_pair(&p, "kitchen");
    assert_int_equal(link_datagram_key(&p.sides[0].keys, &a), 0);
    assert_int_equal(link_datagram_key(&p.sides[1].keys, &b), 0);
    assert_int_equal(datagram_seal(&a, bytes_of("ping", 4), wire, sizeof wire, &len), 0);
    assert_int_equal(datagram_open(&b, bytes_of(wire, len), out, sizeof out, &len), 0);
    assert_int_equal(datagram_seal(&b, bytes_of("pong", 4), wire, sizeof wire, &len), 0);
    assert_int_equal(datagram_open(&a, bytes_of(wire, len), out, sizeof out, &len), 0);
    assert_memory_equal(out, "pong", 4);
    assert_int_equal(link_datagram_key(&p.sides[0].keys, &a), ERR_STATE); /* taken */
}

/* Two links of the same two nodes have nothing in common. */
static void test_links_differ_by_their_seed(void **state)
{
    uint8_t seed[SECURE_SEED_LEN] = { 55 };
    struct datagram_key keys[2];
    struct identity self;
    struct pair p[2];
    int message;

    (void)state;
    make_identity(&self, 1);
    start_pair(&p[0], NULL, NULL);
    start_pair(&p[1], NULL, NULL);
    link_session_init(&p[1].sides[0], true, &self, NULL, seed);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(run(&p[i], &message), 0);
        assert_int_equal(link_datagram_key(&p[i].sides[0].keys, &keys[i]), 0);
    }
    assert_memory_not_equal(p[0].sides[0].keys.send.key, p[1].sides[0].keys.send.key, 32);
    assert_memory_not_equal(p[0].sides[0].keys.receive.key,
                            p[1].sides[0].keys.receive.key, 32);
    assert_memory_not_equal(keys[0].send.key, keys[1].send.key, 32);
    assert_true(keys[0].send_id != keys[1].send_id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_learn_who_the_other_is),
        cmocka_unit_test(test_channel_key),
        cmocka_unit_test(test_bytes_are_fixed),
        cmocka_unit_test(test_other_channels_are_told_apart),
        cmocka_unit_test(test_lies_are_refused),
        cmocka_unit_test(test_stolen_keys_do_not_make_others),
        cmocka_unit_test(test_other_versions_are_told_apart),
        cmocka_unit_test(test_the_tag_alone_opens_nothing),
        cmocka_unit_test(test_our_own_id_is_denied),
        cmocka_unit_test(test_altered_handshakes_are_refused),
        cmocka_unit_test(test_wrong_lengths_are_malformed),
        cmocka_unit_test(test_low_order_ephemeral_is_malformed),
        cmocka_unit_test(test_no_message_comes_back),
        cmocka_unit_test(test_secrets_are_wiped),
        cmocka_unit_test(test_frames_both_ways),
        cmocka_unit_test(test_frames_in_place),
        cmocka_unit_test(test_limits_change_nothing),
        cmocka_unit_test(test_bad_frames_are_deadly),
        cmocka_unit_test(test_nothing_works_at_the_wrong_time),
        cmocka_unit_test(test_rekey),
        cmocka_unit_test(test_datagram_keys),
        cmocka_unit_test(test_links_differ_by_their_seed),
    };
    if (secure_init() != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
