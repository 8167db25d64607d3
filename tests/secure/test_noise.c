/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <stdbool.h>

#include "base/id.h"
#include "base/rng.h"
#include "secure/hash.h"
#include "secure/noise.h"
#include "secure/noise_pattern.h"
#include "tests/secure/noise_vectors.h"

#define SUITE "_25519_ChaChaPoly_BLAKE2b"

/* Hex into bytes; an absent one is empty. */
struct field {
    uint8_t data[512];
    size_t len;
};

static struct field from_hex(const char *hex)
{
    struct field f = { { 0 }, hex == NULL ? 0 : strlen(hex) / 2 };

    assert_true(f.len <= sizeof f.data);
    if (f.len > 0)
        assert_true(hex_decode(hex, strlen(hex), f.data, f.len));
    return f;
}

static struct bytes view(const struct field *f)
{
    return bytes_of(f->data, f->len);
}

static const uint8_t *key_or_null(const struct field *f)
{
    assert_true(f->len == 0 || f->len == 32);
    return f->len == 0 ? NULL : f->data;
}

/* Vectors. */

static void start_side(struct noise *n, const struct vector *v, bool is_initiator)
{
    const char *const *psk_texts = is_initiator ? v->init_psks : v->resp_psks;
    struct field prologue = from_hex(is_initiator ? v->init_prologue : v->resp_prologue);
    struct field own = from_hex(is_initiator ? v->init_static : v->resp_static);
    struct field remote = from_hex(is_initiator ? v->init_remote_static
                                                : v->resp_remote_static);
    struct field ephemeral = from_hex(is_initiator ? v->init_ephemeral
                                                   : v->resp_ephemeral);
    uint8_t psks[VECTOR_PSKS_MAX * 32];
    char pattern[40];
    size_t pattern_len = strlen(v->name) - strlen("Noise_" SUITE);
    int psk_count = 0;
    struct noise_config config;

    assert_true(pattern_len < sizeof pattern);
    memcpy(pattern, v->name + strlen("Noise_"), pattern_len);
    pattern[pattern_len] = '\0';
    for (; psk_count < VECTOR_PSKS_MAX && psk_texts[psk_count] != NULL; psk_count++)
        memcpy(psks + 32 * psk_count, from_hex(psk_texts[psk_count]).data, 32);
    config = (struct noise_config){ .pattern = pattern,
                                    .is_initiator = is_initiator,
                                    .prologue = view(&prologue),
                                    .static_secret = key_or_null(&own),
                                    .remote_static = key_or_null(&remote),
                                    .ephemeral_secret = key_or_null(&ephemeral),
                                    .psks = psks,
                                    .psk_count = psk_count };
    assert_int_equal(noise_init(n, &config), 0);
}

static void check_message(struct noise *from, struct noise *to, struct bytes payload,
                          struct bytes wire)
{
    uint8_t out[512];
    size_t len;

    assert_int_equal(noise_write(from, payload, out, sizeof out, &len), 0);
    assert_true(bytes_equal(bytes_of(out, len), wire));
    assert_int_equal(noise_read(to, wire, out, sizeof out, &len), 0);
    assert_true(bytes_equal(bytes_of(out, len), payload));
}

static void check_transport(struct noise_cipher *from, struct noise_cipher *to,
                            struct bytes payload, struct bytes wire)
{
    uint8_t out[512];

    assert_int_equal(payload.len + NOISE_TAG_LEN, wire.len);
    assert_int_equal(noise_encrypt(from, bytes_of(NULL, 0), payload, out), 0);
    assert_memory_equal(out, wire.data, wire.len);
    assert_int_equal(noise_decrypt(to, bytes_of(NULL, 0), wire, out), 0);
    assert_memory_equal(out, payload.data, payload.len);
}

static void check_hash(const struct vector *v, const struct noise sides[2])
{
    struct field hash = from_hex(v->handshake_hash);

    assert_memory_equal(noise_hash(&sides[0]), noise_hash(&sides[1]), NOISE_HASH_LEN);
    if (hash.len > 0)
        assert_memory_equal(noise_hash(&sides[0]), hash.data, NOISE_HASH_LEN);
}

/* Message i is the initiator's when i is even, or always in a one-way pattern. */
static void run_vector(const struct vector *v)
{
    struct noise sides[2];
    struct noise_cipher send[2];
    struct noise_cipher receive[2];
    int handshakes = 0;
    int transports = 0;

    if (strstr(v->name, SUITE) == NULL)
        return;
    start_side(&sides[0], v, true);
    start_side(&sides[1], v, false);
    for (int i = 0; i < VECTOR_MESSAGES_MAX && v->messages[i].payload != NULL; i++) {
        struct field payload = from_hex(v->messages[i].payload);
        struct field wire = from_hex(v->messages[i].ciphertext);
        bool is_one_way = sides[0].state != NOISE_READ && handshakes == 1;
        int from = is_one_way ? 0 : i % 2;

        if (sides[0].state == NOISE_WRITE || sides[0].state == NOISE_READ) {
            check_message(&sides[from], &sides[1 - from], view(&payload), view(&wire));
            handshakes++;
            continue;
        }
        if (transports++ == 0) {
            check_hash(v, sides);
            assert_int_equal(noise_split(&sides[0], &send[0], &receive[0]), 0);
            assert_int_equal(noise_split(&sides[1], &send[1], &receive[1]), 0);
        }
        check_transport(&send[from], &receive[1 - from], view(&payload), view(&wire));
    }
    assert_true(handshakes > 0);
}

static void test_own_vectors(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(own_vectors); i++)
        run_vector(&own_vectors[i]);
}

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    size_t size = 4 << 20;
    size_t len;

    if (f == NULL)
        return NULL;
    text = malloc(size + 1);
    assert_non_null(text);
    len = fread(text, 1, size, f);
    assert_true(len < size);
    text[len] = '\0';
    fclose(f);
    return text;
}

static int count_of(const char *text, const char *word)
{
    int n = 0;

    for (; (text = strstr(text, word)) != NULL; text++)
        n++;
    return n;
}

/* All vectors of a file, where there is one: cacophony's and snow's are too many to keep.
 */
static void test_file_vectors(void **state)
{
    const char *path = getenv("NOISE_VECTORS");
    char *text = read_file(path != NULL ? path : "../shared/vectors/noise.json");
    int wanted;

    (void)state;
    if (text == NULL) {
        assert_null(path); /* who names a file wants it read */
        skip();
    }
    wanted = count_of(text, "\"protocol_name\"");
    assert_true(wanted > 0);
    assert_int_equal(read_vectors(text, run_vector), wanted);
    print_message("%d vectors\n", wanted);
    free(text);
}

/* Handshakes of our own, with fixed keys. */

struct pair {
    struct noise sides[2]; /* initiator, responder */
};

static void fill(uint8_t key[static 32], int what)
{
    uint8_t seed[32] = { (uint8_t)what };

    secure_expand(seed, "test", key, 32);
}

/* Everything a pattern may ask for; what it does not want it ignores. */
static void start_pair(struct pair *p, const char *pattern, bool same_psk)
{
    uint8_t secrets[2][32];
    uint8_t publics[2][32];
    uint8_t ephemerals[2][32];
    uint8_t psks[2][32];
    int psk_count = count_of(pattern, "psk");

    for (int i = 0; i < 2; i++) {
        fill(secrets[i], 1 + i);
        fill(ephemerals[i], 3 + i);
        fill(psks[i], same_psk ? 5 : 5 + i);
    }
    for (int i = 0; i < 2; i++) {
        struct noise_config config = { .pattern = "XX",
                                       .is_initiator = true,
                                       .static_secret = secrets[i],
                                       .ephemeral_secret = ephemerals[i] };
        struct noise n;

        /* The library is secure/'s alone, so a handshake computes the public halves. */
        assert_int_equal(noise_init(&n, &config), 0);
        memcpy(publics[i], n.static_public, 32);
    }
    for (int i = 0; i < 2; i++) {
        struct noise_config config = { .pattern = pattern,
                                       .is_initiator = i == 0,
                                       .prologue = bytes_of("prologue", 8),
                                       .static_secret = secrets[i],
                                       .remote_static = publics[1 - i],
                                       .ephemeral_secret = ephemerals[i],
                                       .psks = psks[i],
                                       .psk_count = psk_count };

        assert_int_equal(noise_init(&p->sides[i], &config), 0);
    }
}

static bool is_done(const struct noise *n)
{
    return n->state == NOISE_DONE;
}

static void assert_wiped(const void *data, size_t len)
{
    const uint8_t *p = data;

    for (size_t i = 0; i < len; i++)
        assert_int_equal(p[i], 0);
}

/* One message from the writer to the reader, altered on its way. */
static int pass(struct pair *p, int from,
                void (*alter)(uint8_t *wire, size_t *len, int how), int how,
                size_t *wire_len)
{
    uint8_t wire[300];
    uint8_t payload[300];
    size_t len;
    int err = noise_write(&p->sides[from], bytes_of("hi", 2), wire, sizeof wire - 1,
                          wire_len);

    if (err != 0)
        return err;
    len = *wire_len;
    if (alter != NULL)
        alter(wire, &len, how);
    return noise_read(&p->sides[1 - from], bytes_of(wire, len), payload, sizeof payload,
                      &len);
}

/* Go on until both are done, or one refuses. */
static void run_on(struct pair *p, int from)
{
    size_t len;

    while (p->sides[from].state == NOISE_WRITE && pass(p, from, NULL, 0, &len) == 0)
        from = 1 - from;
}

static void flip_bit(uint8_t *wire, size_t *len, int how)
{
    (void)len;
    wire[how / 8] ^= (uint8_t)(1u << how % 8);
}

static void cut_to(uint8_t *wire, size_t *len, int how)
{
    (void)wire;
    *len = (size_t)how;
}

static void make_longer(uint8_t *wire, size_t *len, int how)
{
    wire[*len] = (uint8_t)how;
    *len += 1;
}

/* Alter message number m of the pattern in all ways of one kind.  Whoever received it, or
 * waits for an answer to it, must not finish; the sender of the last has finished before.
 */
static void alter_message(const char *pattern, int m, bool is_last,
                          void (*alter)(uint8_t *wire, size_t *len, int how), int count)
{
    struct pair before;

    start_pair(&before, pattern, true);
    for (int i = 0; i < m; i++) {
        size_t len;

        assert_int_equal(pass(&before, i % 2, NULL, 0, &len), 0);
    }
    for (int how = 0; how < count; how++) {
        struct pair p = before;
        const struct noise *sender = &p.sides[m % 2];
        const struct noise *receiver = &p.sides[1 - m % 2];
        size_t len;

        if (pass(&p, m % 2, alter, how, &len) == 0)
            run_on(&p, 1 - m % 2);
        else
            assert_wiped(receiver, sizeof *receiver);
        if (is_done(receiver) || (is_done(sender) && !is_last))
            fail_msg("%s: message %d altered in way %d was taken", pattern, m + 1, how);
    }
}

static const char *const tampered[] = { "XX", "XXpsk3", "IK", "IKpsk2", "XK", "NNpsk0" };

static void test_altered_messages_are_refused(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(tampered); i++) {
        struct pair p;
        size_t lens[4];
        int n = 0;

        start_pair(&p, tampered[i], true);
        while (!is_done(&p.sides[0])) {
            assert_int_equal(pass(&p, n % 2, NULL, 0, &lens[n]), 0);
            n++;
        }
        assert_true(is_done(&p.sides[1]));
        for (int m = 0; m < n; m++) {
            alter_message(tampered[i], m, m == n - 1, flip_bit, (int)lens[m] * 8);
            alter_message(tampered[i], m, m == n - 1, cut_to, (int)lens[m]);
            alter_message(tampered[i], m, m == n - 1, make_longer, 256);
        }
    }
}

static void test_wrong_psk_is_refused(void **state)
{
    static const char *const patterns[] = { "NNpsk0", "NNpsk2", "XXpsk3", "IKpsk2",
                                            "XKpsk3", "KKpsk0", "Npsk0",  "Xpsk1" };
    (void)state;
    for (int i = 0; i < COUNT(patterns); i++) {
        struct pair p;

        start_pair(&p, patterns[i], true);
        run_on(&p, 0);
        assert_true(is_done(&p.sides[0]) && is_done(&p.sides[1]));
        start_pair(&p, patterns[i], false);
        run_on(&p, 0);
        assert_true(p.sides[0].state == NOISE_DEAD || p.sides[1].state == NOISE_DEAD);
    }
}

static void test_wrong_prologue_is_refused(void **state)
{
    uint8_t key[32];
    const struct noise_config config = { .pattern = "NN", .ephemeral_secret = key };
    struct pair p;

    (void)state;
    fill(key, 4); /* as start_pair has it, so that the prologue is all that differs */
    start_pair(&p, "NN", true);
    assert_int_equal(noise_init(&p.sides[1], &config), 0);
    run_on(&p, 0);
    assert_int_equal(p.sides[0].state, NOISE_DEAD);
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
    struct pair p;
    struct noise_cipher send;
    struct noise_cipher receive;
    uint8_t chain_key[32];

    (void)state;
    start_pair(&p, "XXpsk3", true);
    for (int i = 0; i < 2; i++) {
        uint8_t key[32];

        for (int what = 0; what < 3; what++) {
            fill(key, what == 2 ? 5 : 1 + 2 * what + i);
            assert_true(contains(&p.sides[i], sizeof p.sides[i], key));
        }
    }
    run_on(&p, 0);
    for (int i = 0; i < 2; i++) {
        struct noise *n = &p.sides[i];

        assert_true(is_done(n));
        for (int what = 1; what <= 5; what++) {
            uint8_t key[32];

            fill(key, what);
            assert_false(contains(n, sizeof *n, key));
        }
        assert_wiped(&n->cipher, sizeof n->cipher);
        memcpy(chain_key, n->chain_key, sizeof chain_key);
        assert_int_equal(noise_split(n, &send, &receive), 0);
        assert_false(contains(n, sizeof *n, chain_key));
        assert_false(contains(n, sizeof *n, send.key));
        assert_false(contains(n, sizeof *n, receive.key));
        noise_wipe(n);
        assert_wiped(n, sizeof *n);
    }
}

/* The points whose product with any of our scalars is zero (RFC 7748 section 6.1). */
static const char *const low_order[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

static void test_low_order_points_are_refused(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(low_order); i++) {
        struct field point = from_hex(low_order[i]);
        uint8_t wire[64] = { 0 };
        uint8_t out[200];
        size_t len;
        struct pair p;

        /* As the ephemeral key: at the first DH with it. */
        memcpy(wire, point.data, 32);
        start_pair(&p, "NK", true);
        assert_int_equal(
            noise_read(&p.sides[1], bytes_of(wire, 48), out, sizeof out, &len),
            ERR_MALFORMED);
        assert_wiped(&p.sides[1], sizeof p.sides[1]);
        start_pair(&p, "XX", true);
        assert_int_equal(
            noise_read(&p.sides[1], bytes_of(wire, 32), out, sizeof out, &len), 0);
        assert_int_equal(
            noise_write(&p.sides[1], bytes_of(NULL, 0), out, sizeof out, &len),
            ERR_MALFORMED);
        assert_wiped(&p.sides[1], sizeof p.sides[1]);
        /* As a static key known before. */
        start_pair(&p, "IK", true);
        memcpy(p.sides[0].remote_static, point.data, 32);
        assert_int_equal(
            noise_write(&p.sides[0], bytes_of(NULL, 0), out, sizeof out, &len),
            ERR_MALFORMED);
        assert_wiped(&p.sides[0], sizeof p.sides[0]);
    }
}

static void test_init_refuses(void **state)
{
    static const uint8_t key[64] = { 1 };
    static const struct {
        const char *name;
        struct noise_config config;
    } cases[] = {
        { "no name", { .pattern = "", .ephemeral_secret = key } },
        { "unknown",
          { .pattern = "XXX", .ephemeral_secret = key, .static_secret = key } },
        { "lower case", { .pattern = "nn", .ephemeral_secret = key } },
        { "no digit", { .pattern = "NNpsk", .ephemeral_secret = key, .psks = key } },
        { "no such message",
          { .pattern = "NNpsk3", .ephemeral_secret = key, .psks = key, .psk_count = 1 } },
        { "open end",
          { .pattern = "NNpsk0+",
            .ephemeral_secret = key,
            .psks = key,
            .psk_count = 1 } },
        { "no plus",
          { .pattern = "NNpsk0psk2",
            .ephemeral_secret = key,
            .psks = key,
            .psk_count = 2 } },
        { "twice",
          { .pattern = "NNpsk0+psk0",
            .ephemeral_secret = key,
            .psks = key,
            .psk_count = 2 } },
        { "wrong order",
          { .pattern = "NNpsk2+psk0",
            .ephemeral_secret = key,
            .psks = key,
            .psk_count = 2 } },
        { "psk missing", { .pattern = "NNpsk0", .ephemeral_secret = key } },
        { "psk not asked for",
          { .pattern = "NN", .ephemeral_secret = key, .psks = key, .psk_count = 1 } },
        { "no ephemeral", { .pattern = "NN", .is_initiator = true } },
        { "no static to send", { .pattern = "XX", .ephemeral_secret = key } },
        { "no static that is known",
          { .pattern = "KN", .is_initiator = true, .ephemeral_secret = key } },
        { "no remote static",
          { .pattern = "NK", .is_initiator = true, .ephemeral_secret = key } },
        { "no remote static at the responder",
          { .pattern = "KN", .ephemeral_secret = key } },
    };
    (void)state;
    for (int i = 0; i < COUNT(cases); i++) {
        struct noise n;

        if (noise_init(&n, &cases[i].config) != ERR_USAGE)
            fail_msg("taken: %s", cases[i].name);
        assert_wiped(&n, sizeof n);
    }
}

static void test_out_of_turn_is_deadly(void **state)
{
    struct pair p;
    struct noise_cipher c;
    uint8_t out[200];
    size_t len;

    (void)state;
    start_pair(&p, "XX", true);
    assert_int_equal(noise_split(&p.sides[0], &c, &c), ERR_STATE);
    assert_int_equal(noise_export(&p.sides[0], "x", out), ERR_STATE);
    assert_int_equal(noise_read(&p.sides[0], bytes_of(out, 32), out, sizeof out, &len),
                     ERR_STATE);
    assert_wiped(&p.sides[0], sizeof p.sides[0]);
    assert_int_equal(noise_write(&p.sides[0], bytes_of(NULL, 0), out, sizeof out, &len),
                     ERR_STATE);
    assert_int_equal(noise_write(&p.sides[1], bytes_of(NULL, 0), out, sizeof out, &len),
                     ERR_STATE);
    assert_wiped(&p.sides[1], sizeof p.sides[1]);
    start_pair(&p, "NN", true);
    run_on(&p, 0);
    assert_true(is_done(&p.sides[0]));
    assert_int_equal(noise_write(&p.sides[0], bytes_of(NULL, 0), out, sizeof out, &len),
                     ERR_STATE);
    assert_int_equal(noise_split(&p.sides[0], &c, &c), ERR_STATE);
}

static void test_sizes(void **state)
{
    static uint8_t big[NOISE_MESSAGE_MAX + 1];
    static uint8_t wire[NOISE_MESSAGE_MAX + 1];
    static uint8_t payload[NOISE_MESSAGE_MAX];
    struct pair p;
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (uint8_t)(i * 7);
    /* The largest message there is. */
    start_pair(&p, "NN", true);
    assert_int_equal(noise_write(&p.sides[0], bytes_of(big, NOISE_MESSAGE_MAX - 32), wire,
                                 sizeof wire, &len),
                     0);
    assert_int_equal(len, NOISE_MESSAGE_MAX);
    assert_int_equal(noise_read(&p.sides[1], bytes_of(wire, len), payload,
                                NOISE_MESSAGE_MAX - 32, &len),
                     0);
    assert_int_equal(len, NOISE_MESSAGE_MAX - 32);
    assert_memory_equal(payload, big, len);
    /* One more. */
    start_pair(&p, "NN", true);
    assert_int_equal(noise_write(&p.sides[0], bytes_of(big, NOISE_MESSAGE_MAX - 31), wire,
                                 sizeof wire, &len),
                     ERR_LIMIT);
    assert_wiped(&p.sides[0], sizeof p.sides[0]);
    assert_int_equal(noise_read(&p.sides[1], bytes_of(wire, NOISE_MESSAGE_MAX + 1),
                                payload, sizeof payload, &len),
                     ERR_MALFORMED);
    /* No room for the message, or for its payload. */
    for (size_t room = 0; room < 32 + 48 + 16 + 3; room++) {
        struct bytes load = bytes_of("abc", 3);

        start_pair(&p, "XX", true);
        assert_int_equal(noise_write(&p.sides[0], load, wire, 35, &len), 0);
        assert_int_equal(noise_read(&p.sides[1], bytes_of(wire, 35), payload, 3, &len),
                         0);
        assert_int_equal(noise_write(&p.sides[1], load, wire, room, &len), ERR_LIMIT);
    }
    start_pair(&p, "NN", true);
    assert_int_equal(noise_read(&p.sides[1], bytes_of(wire, 35), payload, 2, &len),
                     ERR_LIMIT);
}

static void test_export_and_rekey(void **state)
{
    struct pair p;
    struct noise_cipher send[2];
    struct noise_cipher receive[2];
    uint8_t keys[4][32];
    uint8_t sealed[32];

    (void)state;
    start_pair(&p, "XX", true);
    run_on(&p, 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(noise_export(&p.sides[i], "one", keys[i]), 0);
        assert_int_equal(noise_export(&p.sides[i], "two", keys[2 + i]), 0);
        assert_int_equal(noise_split(&p.sides[i], &send[i], &receive[i]), 0);
        assert_int_equal(noise_export(&p.sides[i], "one", sealed), ERR_STATE);
    }
    assert_memory_equal(keys[0], keys[1], 32);
    assert_memory_equal(keys[2], keys[3], 32);
    assert_memory_not_equal(keys[0], keys[2], 32);
    assert_memory_not_equal(send[0].key, send[1].key, 32);
    noise_rekey(&send[0]);
    assert_int_equal(
        noise_encrypt(&send[0], bytes_of(NULL, 0), bytes_of("abcd", 4), sealed), 0);
    assert_int_equal(
        noise_decrypt(&receive[1], bytes_of(NULL, 0), bytes_of(sealed, 20), sealed),
        ERR_KEY);
    assert_int_equal(
        noise_encrypt(&send[0], bytes_of(NULL, 0), bytes_of("abcd", 4), sealed), 0);
    noise_rekey(&receive[1]);
    receive[1].nonce = 1;
    assert_int_equal(
        noise_decrypt(&receive[1], bytes_of(NULL, 0), bytes_of(sealed, 20), sealed), 0);
    assert_memory_equal(sealed, "abcd", 4);
}

/* REKEY is the first 32 bytes of ENCRYPT(k, 2^64-1, "", zeros): computed by OpenSSL. */
static void test_rekey_is_fixed(void **state)
{
    static const uint8_t key[32] = { 1 };
    struct field wanted = from_hex(
        "e16dd1ae1b5b0c5881b2b21c51b225b75c73f5ec7e6a55320f603298b4065579");
    struct noise_cipher c;

    (void)state;
    noise_cipher_init(&c, key);
    c.nonce = 9;
    noise_rekey(&c);
    assert_memory_equal(c.key, wanted.data, 32);
    assert_true(c.nonce == 9);
}

static void test_last_nonce_is_never_used(void **state)
{
    struct noise_cipher c;
    uint8_t key[32];
    uint8_t sealed[16];

    (void)state;
    fill(key, 1);
    noise_cipher_init(&c, key);
    c.nonce = UINT64_MAX - 1;
    assert_int_equal(noise_encrypt(&c, bytes_of(NULL, 0), bytes_of(NULL, 0), sealed), 0);
    assert_int_equal(noise_encrypt(&c, bytes_of(NULL, 0), bytes_of(NULL, 0), sealed),
                     ERR_LIMIT);
    assert_int_equal(noise_decrypt(&c, bytes_of(NULL, 0), bytes_of(sealed, 16), sealed),
                     ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_vectors),
        cmocka_unit_test(test_file_vectors),
        cmocka_unit_test(test_altered_messages_are_refused),
        cmocka_unit_test(test_wrong_psk_is_refused),
        cmocka_unit_test(test_wrong_prologue_is_refused),
        cmocka_unit_test(test_secrets_are_wiped),
        cmocka_unit_test(test_low_order_points_are_refused),
        cmocka_unit_test(test_init_refuses),
        cmocka_unit_test(test_out_of_turn_is_deadly),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_export_and_rekey),
        cmocka_unit_test(test_rekey_is_fixed),
        cmocka_unit_test(test_last_nonce_is_never_used),
    };
    if (secure_init() != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
