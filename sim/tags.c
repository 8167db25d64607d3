/* SPDX-License-Identifier: MIT */
#include "sim/tags.h"

#include <assert.h>

#define K0 UINT64_C(0xa0761d6478bd642f)
#define K1 UINT64_C(0xe7037ed1a0b428db)
#define K2 UINT64_C(0x8ebc6af09c88c6e3)
#define K3 UINT64_C(0x589965cc75374cc3)

#define TAG_LEN LINK_OVERHEAD

#define KEY_LEN     IDENTITY_KEY_LEN
#define HELLO_LEN   KEY_LEN             /* of the first message without a psk … */
#define HELLO_KEYED (KEY_LEN + TAG_LEN) /* … and with one */
#define ANSWER_LEN  LINK_HANDSHAKE_MAX
#define FINISH_LEN  (LINK_HANDSHAKE_MAX - KEY_LEN)

/* ---- the hash ---- */

static uint64_t fold(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Two lanes, so that a hash has 128 bits of its own. */
struct lanes {
    uint64_t a;
    uint64_t b;
};

static void absorb(struct lanes *l, uint64_t x, uint64_t y)
{
    l->a = fold(l->a ^ x ^ K0, y ^ K1);
    l->b = fold(l->b ^ y ^ K2, x ^ l->a ^ K3);
}

static void absorb_bytes(struct lanes *l, const uint8_t *p, size_t len)
{
    uint8_t rest[16] = { 0 };

    for (; len >= 16; p += 16, len -= 16)
        absorb(l, load_be64(p), load_be64(p + 8));
    if (len > 0)
        memcpy(rest, p, len);
    absorb(l, load_be64(rest), load_be64(rest + 8) ^ len);
}

/* What out_len bytes of a hash are made from. */
static void squeeze(struct lanes l, uint8_t *out, size_t out_len)
{
    for (uint64_t i = 1; out_len > 0; i++) {
        uint8_t block[16];
        size_t len = out_len < sizeof(block) ? out_len : sizeof(block);

        absorb(&l, i, K2);
        store_be64(block, l.a);
        store_be64(block + 8, l.b);
        memcpy(out, block, len);
        out += len;
        out_len -= len;
    }
}

static struct lanes begin(const char *domain)
{
    struct lanes l = { K1, K2 };

    absorb_bytes(&l, (const uint8_t *)domain, strlen(domain));
    return l;
}

/* As with the real hash, borders of parts do not count: they are put together first. */
static void tags_hash(uint8_t *out, size_t out_len, const char *domain,
                      const struct bytes parts[], int n)
{
    struct lanes l = begin(domain);
    uint8_t block[16];
    size_t used = 0;
    size_t total = 0;

    for (int i = 0; i < n; i++) {
        struct bytes p = parts[i];

        total += p.len;
        for (; used == 0 && p.len >= 16; p = bytes_of(p.data + 16, p.len - 16))
            absorb(&l, load_be64(p.data), load_be64(p.data + 8));
        while (p.len > 0) {
            size_t len = sizeof(block) - used < p.len ? sizeof(block) - used : p.len;

            memcpy(block + used, p.data, len);
            p = bytes_of(p.data + len, p.len - len);
            used += len;
            if (used == sizeof(block)) {
                absorb(&l, load_be64(block), load_be64(block + 8));
                used = 0;
            }
        }
    }
    absorb_bytes(&l, block, used);
    absorb(&l, total, out_len);
    squeeze(l, out, out_len);
}

/* A tag of 16 bytes over bytes, under a key and a number.  Two sums go side by side, as a
 * multiplication takes longer to end than to begin. */
static void make_tag(uint64_t key, uint64_t number, struct bytes in,
                     uint8_t tag[static TAG_LEN])
{
    uint64_t h = fold(key ^ K0, number ^ K1);
    uint64_t g = h ^ K2;
    const uint8_t *p = in.data;
    size_t len = in.len;
    uint8_t rest[32] = { 0 };

    for (; len >= 32; p += 32, len -= 32) {
        h = fold(h ^ load_be64(p), load_be64(p + 8) ^ K1);
        g = fold(g ^ load_be64(p + 16), load_be64(p + 24) ^ K3);
    }
    if (len > 0)
        memcpy(rest, p, len);
    h = fold(h ^ load_be64(rest), load_be64(rest + 8) ^ K1 ^ in.len);
    g = fold(g ^ load_be64(rest + 16), load_be64(rest + 24) ^ K3);
    store_be64(tag, fold(h ^ key, g ^ K2));
    store_be64(tag + 8, fold(g ^ key, h ^ K0));
}

static bool is_tag(uint64_t key, uint64_t number, struct bytes in, const uint8_t *tag)
{
    uint8_t wanted[TAG_LEN];

    make_tag(key, number, in, wanted);
    return memcmp(wanted, tag, TAG_LEN) == 0;
}

/* ---- identities and signatures ---- */

static void tags_id(const uint8_t key[static KEY_LEN], struct node_id *id)
{
    struct lanes l = begin("party.node");

    absorb_bytes(&l, key, KEY_LEN);
    squeeze(l, id->b, NODE_ID_LEN);
}

static void tags_identity(struct identity *self,
                          const uint8_t seed[static SECURE_SEED_LEN])
{
    struct lanes l = begin("identity");

    *self = (struct identity){ .suite = &suite_tags };
    absorb_bytes(&l, seed, SECURE_SEED_LEN);
    squeeze(l, self->sign_public, KEY_LEN);
    tags_id(self->sign_public, &self->id);
}

static void sign_for(const uint8_t key[static KEY_LEN], const char *domain,
                     struct bytes msg, uint8_t sig[static IDENTITY_SIG_LEN])
{
    struct lanes l = begin(domain);

    absorb_bytes(&l, key, KEY_LEN);
    absorb_bytes(&l, msg.data, msg.len);
    squeeze(l, sig, IDENTITY_SIG_LEN);
}

static void tags_sign(const struct identity *self, const char *domain, struct bytes msg,
                      uint8_t sig[static IDENTITY_SIG_LEN])
{
    sign_for(self->sign_public, domain, msg, sig);
}

static bool tags_verify(const uint8_t key[static KEY_LEN], const char *domain,
                        struct bytes msg, const uint8_t sig[static IDENTITY_SIG_LEN])
{
    uint8_t wanted[IDENTITY_SIG_LEN];

    sign_for(key, domain, msg, wanted);
    return memcmp(wanted, sig, IDENTITY_SIG_LEN) == 0;
}

/* ---- the handshake ---- */

/* Each message ends with a tag over all that was said so far; the psk is its key. */
struct handshake {
    bool is_dead;
    bool is_initiator;
    bool has_psk;
    int message; /* the next one, 0..2 */
    uint64_t psk;
    struct lanes said;
    const struct suite *suite; /* of the identity: it makes the ids */
    uint8_t seed[KEY_LEN];
    uint8_t key[KEY_LEN];
    uint8_t remote_key[KEY_LEN];
    struct node_id id;
    struct node_id remote_id;
};

struct session {
    uint64_t secret;
    uint64_t sent;     /* frames */
    uint64_t received; /* frames */
    bool is_open;
    bool is_initiator;
    bool has_datagram; /* the key was taken */
};
static_assert(sizeof(struct session) <= TAGS_SESSION_MAX, "small");

static void tags_begin(void *handshake, bool is_initiator, const struct identity *self,
                       const uint8_t *psk, const uint8_t seed[static SECURE_SEED_LEN])
{
    struct handshake *h = handshake;
    struct lanes l = begin("channel");

    *h = (struct handshake){ .is_initiator = is_initiator, .has_psk = psk != NULL };
    if (psk != NULL)
        absorb_bytes(&l, psk, LINK_PSK_LEN);
    h->psk = l.a;
    h->said = begin("link");
    h->suite = self->suite;
    memcpy(h->seed, seed, KEY_LEN);
    memcpy(h->key, self->sign_public, KEY_LEN);
    h->id = self->id;
}

static size_t message_len(const struct handshake *h)
{
    if (h->message == 0)
        return h->has_psk ? HELLO_KEYED : HELLO_LEN;
    return h->message == 1 ? ANSWER_LEN : FINISH_LEN;
}

/* The first bytes are chance; behind them, in all messages but the first, the key. */
static void write_next(struct handshake *h, uint8_t *out, size_t *out_len)
{
    size_t len = message_len(h);
    bool is_tagged = h->message > 0 || h->has_psk;
    size_t body = is_tagged ? len - TAG_LEN : len;

    memset(out, 0, len);
    memcpy(out, h->seed, KEY_LEN);
    if (h->message > 0)
        memcpy(out + KEY_LEN, h->key, KEY_LEN);
    absorb_bytes(&h->said, out, body);
    if (is_tagged)
        make_tag(h->psk ^ h->said.a, h->said.b, bytes_of(out, body), out + body);
    h->message++;
    *out_len = len;
}

static int read_next(struct handshake *h, struct bytes in)
{
    size_t len = message_len(h);
    bool is_tagged = h->message > 0 || h->has_psk;
    size_t body = is_tagged ? len - TAG_LEN : len;

    if (in.len != len) {
        bool is_other = h->message == 0 && (in.len == HELLO_LEN || in.len == HELLO_KEYED);

        return is_other ? ERR_KEY : ERR_MALFORMED;
    }
    absorb_bytes(&h->said, in.data, body);
    if (is_tagged &&
        !is_tag(h->psk ^ h->said.a, h->said.b, bytes_of(in.data, body), in.data + body))
        return h->message == 2 && !h->has_psk ? ERR_MALFORMED : ERR_KEY;
    if (h->message > 0) {
        memcpy(h->remote_key, in.data + KEY_LEN, KEY_LEN);
        h->suite->id(h->remote_key, &h->remote_id);
        if (node_id_equal(&h->remote_id, &h->id))
            return ERR_DENIED;
    }
    h->message++;
    return 0;
}

static int die(struct handshake *h, int err)
{
    *h = (struct handshake){ .is_dead = true };
    return err;
}

static int tags_next(void *handshake, struct bytes in,
                     uint8_t out[static LINK_HANDSHAKE_MAX], size_t *out_len,
                     bool *is_open)
{
    struct handshake *h = handshake;
    bool is_first = h->is_initiator && h->message == 0;
    int err;

    *is_open = false;
    if (h->is_dead || h->message > 2)
        return die(h, ERR_STATE);
    err = is_first ? (in.len == 0 ? 0 : ERR_MALFORMED) : read_next(h, in);
    if (err != 0)
        return die(h, err);
    *out_len = 0;
    if (h->message <= 2)
        write_next(h, out, out_len);
    *is_open = h->message > 2;
    return 0;
}

/* One key id for each direction, from what both sides have. */
static uint64_t datagram_id_of(uint64_t secret, bool to_responder)
{
    return fold(secret ^ K2, to_responder ? K0 : K1);
}

static void tags_end(void *handshake, void *session, struct suite_peer *peer)
{
    struct handshake *h = handshake;
    struct session *s = session;

    assert(!h->is_dead && h->message > 2);
    *s = (struct session){ .secret = fold(h->said.a ^ h->psk, h->said.b ^ K3),
                           .is_open = true,
                           .is_initiator = h->is_initiator };
    peer->id = h->remote_id;
    memcpy(peer->key, h->remote_key, KEY_LEN);
    peer->send_id = datagram_id_of(s->secret, h->is_initiator);
    peer->receive_id = datagram_id_of(s->secret, !h->is_initiator);
    *h = (struct handshake){ .is_dead = true };
}

/* ---- frames ---- */

/* The number of a frame carries its direction, so that none can be sent back. */
static uint64_t frame_number(uint64_t count, bool is_by_initiator)
{
    return count << 1 | (is_by_initiator ? 1 : 0);
}

static int tags_seal(void *session, struct bytes plain, uint8_t *out, size_t size,
                     size_t *len)
{
    struct session *s = session;

    if (!s->is_open)
        return ERR_STATE;
    if (plain.len > LINK_PLAIN_MAX || size < plain.len + LINK_OVERHEAD)
        return ERR_LIMIT;
    if (out != plain.data && plain.len > 0)
        memcpy(out, plain.data, plain.len);
    make_tag(s->secret, frame_number(s->sent, s->is_initiator), bytes_of(out, plain.len),
             out + plain.len);
    s->sent++;
    *len = plain.len + LINK_OVERHEAD;
    return 0;
}

static int tags_open(void *session, struct bytes frame, uint8_t *out, size_t size,
                     size_t *len)
{
    struct session *s = session;
    size_t body = frame.len - LINK_OVERHEAD;

    if (!s->is_open)
        return ERR_STATE;
    if (frame.len < LINK_OVERHEAD || frame.len > LINK_FRAME_MAX) {
        s->is_open = false;
        return ERR_MALFORMED;
    }
    if (size < body)
        return ERR_LIMIT;
    if (!is_tag(s->secret, frame_number(s->received, !s->is_initiator),
                bytes_of(frame.data, body), frame.data + body)) {
        s->is_open = false;
        return ERR_MALFORMED;
    }
    if (out != frame.data && body > 0)
        memcpy(out, frame.data, body);
    s->received++;
    *len = body;
    return 0;
}

/* ---- datagrams ---- */

#define HEADER_LEN (DATAGRAM_OVERHEAD - TAG_LEN) /* key id and counter */

struct datagram {
    uint64_t secret;
    uint64_t send_id;
    uint64_t receive_id;
    uint64_t sent;
    uint64_t next; /* one more than the highest counter that was opened */
    uint64_t seen; /* bit i: next - 1 - i was */
};

static int tags_datagram_key(void *session, void *datagram)
{
    struct session *s = session;
    struct datagram *d = datagram;

    if (!s->is_open || s->has_datagram)
        return ERR_STATE;
    *d = (struct datagram){ .secret = s->secret,
                            .send_id = datagram_id_of(s->secret, s->is_initiator),
                            .receive_id = datagram_id_of(s->secret, !s->is_initiator) };
    s->has_datagram = true;
    return 0;
}

static int tags_datagram_seal(void *datagram, struct bytes plain, uint8_t *out,
                              size_t size, size_t *len)
{
    struct datagram *d = datagram;

    if (plain.len > DATAGRAM_MAX - DATAGRAM_OVERHEAD ||
        size < plain.len + DATAGRAM_OVERHEAD)
        return ERR_LIMIT;
    if (plain.len > 0)
        memmove(out + HEADER_LEN, plain.data, plain.len);
    store_be64(out, d->send_id);
    store_be64(out + 8, d->sent);
    make_tag(d->secret ^ d->send_id, d->sent, bytes_of(out, HEADER_LEN + plain.len),
             out + HEADER_LEN + plain.len);
    d->sent++;
    *len = plain.len + DATAGRAM_OVERHEAD;
    return 0;
}

/* Opened before, or too far behind the newest to tell. */
static bool is_replay(const struct datagram *d, uint64_t counter)
{
    uint64_t behind;

    if (counter >= d->next)
        return false;
    behind = d->next - 1 - counter;
    return behind >= 64 || (d->seen >> behind & 1) != 0;
}

static void note_counter(struct datagram *d, uint64_t counter)
{
    if (counter < d->next) {
        d->seen |= UINT64_C(1) << (d->next - 1 - counter);
        return;
    }
    d->seen = counter - d->next >= 63 ? 1 : d->seen << (counter + 1 - d->next) | 1;
    d->next = counter + 1;
}

static int tags_datagram_open(void *datagram, struct bytes in, uint8_t *out, size_t size,
                              size_t *len)
{
    struct datagram *d = datagram;
    uint64_t counter;
    uint64_t id;
    size_t body;

    if (!datagram_id(in, &id) || id != d->receive_id)
        return ERR_MALFORMED;
    body = in.len - DATAGRAM_OVERHEAD;
    counter = load_be64(in.data + 8);
    if (size < body)
        return ERR_LIMIT;
    if (counter == UINT64_MAX)
        return ERR_MALFORMED;
    if (is_replay(d, counter))
        return ERR_DENIED;
    if (!is_tag(d->secret ^ id, counter, bytes_of(in.data, HEADER_LEN + body),
                in.data + HEADER_LEN + body))
        return ERR_KEY;
    note_counter(d, counter);
    if (body > 0)
        memmove(out, in.data + HEADER_LEN, body);
    *len = body;
    return 0;
}

const struct suite suite_tags = {
    .name = "tags",
    .handshake_size = sizeof(struct handshake),
    .session_size = sizeof(struct session),
    .datagram_size = sizeof(struct datagram),
    .identity = tags_identity,
    .id = tags_id,
    .sign = tags_sign,
    .verify = tags_verify,
    .hash = tags_hash,
    .handshake_begin = tags_begin,
    .handshake_next = tags_next,
    .handshake_end = tags_end,
    .seal = tags_seal,
    .open = tags_open,
    .datagram_key = tags_datagram_key,
    .datagram_seal = tags_datagram_seal,
    .datagram_open = tags_datagram_open,
};
