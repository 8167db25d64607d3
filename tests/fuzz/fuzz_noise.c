/* Fuzz all that a stranger can send to a node's sealed links: the three handshake
 * messages, frames and datagrams, with and without a channel key.
 *
 * Byte 0 chooses the stage and whether the rest is the message itself or what is XORed
 * onto a genuine one, so that the fuzzer gets behind the authentication too.  Only the
 * genuine message may ever be taken; anything else that is aborts.
 * SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "secure/link.h"

#define WIRE_MAX 512

enum { HELLO, ANSWER, FINISH, FRAME, DATAGRAM, STAGES };

/* A receiver that waits for its message, and that message. */
struct stage {
    struct link_session session;
    struct datagram_key datagram;
    uint8_t genuine[WIRE_MAX];
    size_t len;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct stage stages[2][STAGES];

static void need(bool is_true)
{
    if (!is_true)
        abort();
}

/* Play one link through and keep what each receiver was before its message came. */
static void record(struct stage s[static STAGES], const uint8_t *psk)
{
    struct link_session sides[2];
    struct datagram_key keys[2];
    size_t len = 0;

    for (int i = 0; i < 2; i++) {
        uint8_t seed[SECURE_SEED_LEN] = { (uint8_t)(1 + i) };
        struct identity self;

        identity_from_seed(&self, seed);
        link_session_init(&sides[i], i == 0, &self, psk, seed);
    }
    for (int i = 0; i < 3; i++) {
        struct bytes in = bytes_of(i == 0 ? NULL : s[i - 1].genuine, len);
        uint8_t out[LINK_HANDSHAKE_MAX];

        need(link_session_next(&sides[i % 2], in, out, &len) == 0);
        memcpy(s[i].genuine, out, len);
        s[i].len = len;
        s[i].session = sides[1 - i % 2];
    }
    need(link_session_next(&sides[1], bytes_of(s[FINISH].genuine, len),
                           (uint8_t[LINK_HANDSHAKE_MAX]){ 0 }, &len) == 0);
    for (int i = 0; i < 2; i++)
        need(link_datagram_key(&sides[i].keys, &keys[i]) == 0);
    s[FRAME].session = sides[1];
    need(link_seal(&sides[0].keys, bytes_of("frame", 5), s[FRAME].genuine, WIRE_MAX,
                   &s[FRAME].len) == 0);
    s[DATAGRAM].datagram = keys[1];
    need(datagram_seal(&keys[0], bytes_of("datagram", 8), s[DATAGRAM].genuine, WIRE_MAX,
                       &s[DATAGRAM].len) == 0);
}

static void setup(void)
{
    static bool is_ready;
    struct channel_key key;

    if (is_ready)
        return;
    need(secure_init() == 0);
    channel_key_derive(bytes_of("kitchen", 7), &key);
    record(stages[0], NULL);
    record(stages[1], key.psk);
    is_ready = true;
}

static void check_handshake(const struct stage *s, struct bytes in, bool is_genuine,
                            bool is_first)
{
    struct link_session session = s->session;
    uint8_t out[LINK_HANDSHAKE_MAX];
    size_t len = 0;
    int err = link_session_next(&session, in, out, &len);

    need(len <= LINK_HANDSHAKE_MAX);
    need(is_genuine ? err == 0 : (is_first || err != 0));
    need(err == 0 || session.state == LINK_DEAD);
    /* The first message may be anybody's, but it opens nothing. */
    need(!is_first || session.state != LINK_OPEN);
}

static void check_frame(const struct stage *s, struct bytes in, bool is_genuine)
{
    struct link_session session = s->session;
    uint8_t out[WIRE_MAX];
    size_t len;
    int err = link_open(&session.keys, in, out, sizeof out, &len);

    need(is_genuine == (err == 0));
    need(err == 0 || !session.keys.is_open);
}

static void check_datagram(const struct stage *s, struct bytes in, bool is_genuine)
{
    struct datagram_key key = s->datagram;
    uint8_t out[WIRE_MAX];
    size_t len;
    int err = datagram_open(&key, in, out, sizeof out, &len);

    need(is_genuine == (err == 0));
    need(key.receive_next == (err == 0 ? 1 : 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t wire[WIRE_MAX];
    const struct stage *s;
    struct bytes in;
    bool is_genuine;
    int which;

    setup();
    if (size == 0 || size > WIRE_MAX)
        return 0;
    which = data[0] % STAGES;
    s = &stages[data[0] >> 7][which];
    in = bytes_of(data + 1, size - 1);
    if ((data[0] & 0x40) != 0) {
        memcpy(wire, s->genuine, s->len);
        for (size_t i = 0; i < in.len && i < s->len; i++)
            wire[i] ^= in.data[i];
        in = bytes_of(wire, s->len);
    }
    is_genuine = bytes_equal(in, bytes_of(s->genuine, s->len));
    switch (which) {
    case HELLO:
        check_handshake(s, in, is_genuine, true);
        break;
    case ANSWER:
    case FINISH:
        check_handshake(s, in, is_genuine, false);
        break;
    case FRAME:
        check_frame(s, in, is_genuine);
        break;
    default:
        check_datagram(s, in, is_genuine);
        break;
    }
    return 0;
}
