/* SPDX-License-Identifier: MIT */
#include "wire/short.h"

#include <assert.h>

#define SEEN_HEAD 4 /* [21, [id]]: bytes before the id */

static const uint8_t sig_head[] = { 0x58, SIGNATURE_LEN };
static const uint8_t seen_head[] = { 0x82, MSG_SEEN, 0x81, 0x40 + FLOOD_ID_LEN };

static_assert(sizeof(seen_head) == SEEN_HEAD && MSG_SEEN < 24 && FLOOD_ID_LEN < 24,
              "each head is one byte");

/* [2, seq] or [3, seq]. */
static bool read_ping(struct bytes in, struct msg *m)
{
    const uint8_t *p = in.data;

    if (in.len < 3 || p[0] != 0x82 || (p[1] != MSG_PING && p[1] != MSG_PONG))
        return false;
    if (in.len == 3 && p[2] < 24)
        m->u.ping.seq = p[2];
    else if (in.len == 4 && p[2] == 0x18 && p[3] >= 24)
        m->u.ping.seq = p[3];
    else
        return false;
    m->type = (enum msg_type)p[1];
    return true;
}

static size_t write_ping(const struct msg *m, uint8_t *out, size_t size)
{
    uint32_t seq = m->u.ping.seq;

    if (size < 4 || seq > UINT8_MAX)
        return 0;
    out[0] = 0x82;
    out[1] = (uint8_t)m->type;
    out[2] = seq < 24 ? (uint8_t)seq : 0x18;
    out[3] = (uint8_t)seq;
    return seq < 24 ? 3 : 4;
}

/* SEEN of one flood. */
static bool read_seen(struct bytes in, struct msg *m)
{
    if (in.len != SEEN_HEAD + FLOOD_ID_LEN || memcmp(in.data, seen_head, SEEN_HEAD) != 0)
        return false;
    m->type = MSG_SEEN;
    m->u.ids.count = 1;
    memcpy(m->u.ids.list[0].b, in.data + SEEN_HEAD, FLOOD_ID_LEN);
    return true;
}

static size_t write_seen(const struct msg *m, uint8_t *out, size_t size)
{
    if (m->u.ids.count != 1 || size < SEEN_HEAD + FLOOD_ID_LEN)
        return 0;
    memcpy(out, seen_head, SEEN_HEAD);
    memcpy(out + SEEN_HEAD, m->u.ids.list[0].b, FLOOD_ID_LEN);
    return SEEN_HEAD + FLOOD_ID_LEN;
}

/* Most floods are copies.  An hops above 23 has another form; nobody forwards it. */
static bool read_flood(struct bytes in, struct msg *m)
{
    const uint8_t *p = in.data;
    size_t head = 4; /* where inner begins */
    size_t len;

    if (in.len < 8 || p[0] != 0x84 || p[1] != MSG_FLOOD || p[2] > 23)
        return false;
    if (p[3] == 0x59) {
        len = load_be16(p + 4);
        head = 6;
        if (len <= UINT8_MAX || len > MSG_INNER_MAX)
            return false;
    } else if (p[3] == 0x58) {
        len = p[4];
        head = 5;
        if (len < 24)
            return false;
    } else {
        return false;
    }
    if (in.len != head + len + sizeof(sig_head) + SIGNATURE_LEN ||
        memcmp(p + head + len, sig_head, sizeof(sig_head)) != 0)
        return false;
    m->type = MSG_FLOOD;
    m->u.flood.hops = p[2];
    m->u.flood.inner = bytes_of(p + head, len);
    memcpy(m->u.flood.sig, p + head + len + sizeof(sig_head), SIGNATURE_LEN);
    return true;
}

static size_t write_flood(const struct msg *m, uint8_t *out, size_t size)
{
    const struct msg_flood *f = &m->u.flood;
    size_t len = f->inner.len;
    size_t head = len <= UINT8_MAX ? 5 : 6;

    if (f->hops > 23 || len < 24 || len > MSG_INNER_MAX ||
        size < head + len + sizeof(sig_head) + SIGNATURE_LEN)
        return 0;
    out[0] = 0x84;
    out[1] = MSG_FLOOD;
    out[2] = f->hops;
    out[3] = head == 5 ? 0x58 : 0x59;
    if (head == 6)
        store_be16(out + 4, (uint16_t)len);
    else
        out[4] = (uint8_t)len;
    memcpy(out + head, f->inner.data, len);
    memcpy(out + head + len, sig_head, sizeof(sig_head));
    memcpy(out + head + len + sizeof(sig_head), f->sig, SIGNATURE_LEN);
    return head + len + sizeof(sig_head) + SIGNATURE_LEN;
}

bool short_read(struct bytes in, struct msg *m)
{
    return read_flood(in, m) || read_ping(in, m) || read_seen(in, m);
}

size_t short_write(const struct msg *m, uint8_t *out, size_t size)
{
    switch ((int)m->type) {
    case MSG_PING:
    case MSG_PONG:
        return write_ping(m, out, size);
    case MSG_SEEN:
        return write_seen(m, out, size);
    case MSG_FLOOD:
        return write_flood(m, out, size);
    default:
        return 0;
    }
}
