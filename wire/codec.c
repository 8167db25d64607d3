/* SPDX-License-Identifier: MIT */
#include "wire/codec.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"

void codec_start_reading(struct codec *c, struct bytes in)
{
    *c = (struct codec){ .is_writing = false };
    cbor_reader_init(&c->in, in);
}

void codec_start_writing(struct codec *c, uint8_t *out, size_t size)
{
    *c = (struct codec){ .is_writing = true };
    cbor_writer_init(&c->out, out, size);
}

int codec_finish_reading(const struct codec *c)
{
    assert(!c->is_writing);
    return cbor_is_done(&c->in) ? 0 : ERR_MALFORMED;
}

size_t codec_finish_writing(const struct codec *c)
{
    assert(c->is_writing);
    return cbor_written(&c->out).len;
}

void codec_fail(struct codec *c)
{
    if (c->is_writing)
        c->out.has_overflowed = true;
    else
        cbor_fail(&c->in);
}

void codec_list(struct codec *c, int *count, int min, int max)
{
    if (!c->is_writing)
        *count = cbor_read_array(&c->in, max);
    if (*count < min || *count > max) {
        codec_fail(c);
        *count = 0;
    }
    if (c->is_writing)
        cbor_write_array(&c->out, *count);
}

void codec_array(struct codec *c, int count)
{
    codec_list(c, &count, count, count);
}

void codec_u64_in(struct codec *c, uint64_t *v, uint64_t min, uint64_t max)
{
    if (!c->is_writing)
        *v = cbor_read_uint(&c->in, max);
    if (*v < min || *v > max)
        codec_fail(c);
    if (c->is_writing)
        cbor_write_uint(&c->out, *v);
}

void codec_u64(struct codec *c, uint64_t *v)
{
    codec_u64_in(c, v, 0, UINT64_MAX);
}

void codec_u32_in(struct codec *c, uint32_t *v, uint32_t min, uint32_t max)
{
    uint64_t wide = c->is_writing ? *v : 0;

    codec_u64_in(c, &wide, min, max);
    *v = (uint32_t)wide;
}

void codec_u32(struct codec *c, uint32_t *v)
{
    codec_u32_in(c, v, 0, UINT32_MAX);
}

void codec_u16(struct codec *c, uint16_t *v)
{
    uint64_t wide = c->is_writing ? *v : 0;

    codec_u64_in(c, &wide, 0, UINT16_MAX);
    *v = (uint16_t)wide;
}

void codec_u8_in(struct codec *c, uint8_t *v, uint8_t min, uint8_t max)
{
    uint64_t wide = c->is_writing ? *v : 0;

    codec_u64_in(c, &wide, min, max);
    *v = (uint8_t)wide;
}

void codec_u8(struct codec *c, uint8_t *v)
{
    codec_u8_in(c, v, 0, UINT8_MAX);
}

void codec_int(struct codec *c, int64_t *v)
{
    if (c->is_writing)
        cbor_write_int(&c->out, *v);
    else
        *v = cbor_read_int(&c->in);
}

void codec_bool(struct codec *c, bool *v)
{
    if (c->is_writing)
        cbor_write_bool(&c->out, *v);
    else
        *v = cbor_read_bool(&c->in);
}

void codec_fixed(struct codec *c, uint8_t *data, size_t len)
{
    if (c->is_writing)
        cbor_write_bytes(&c->out, data, len);
    else
        cbor_read_fixed(&c->in, data, len);
}

void codec_bytes(struct codec *c, struct bytes *b, size_t min, size_t max)
{
    if (!c->is_writing)
        *b = cbor_read_bytes(&c->in, max);
    if (b->len < min || b->len > max)
        codec_fail(c);
    else if (c->is_writing)
        cbor_write_bytes(&c->out, b->data, b->len);
}

/* Names go to terminals, so nothing in them may steer one. */
static bool is_printable(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < 0x20 || text.data[i] == 0x7f)
            return false;
    return text_is_utf8((const char *)text.data, text.len);
}

void codec_text(struct codec *c, struct bytes *text, size_t max)
{
    if (!c->is_writing)
        *text = cbor_read_text(&c->in, max);
    if (text->len > max || !is_printable(*text))
        codec_fail(c);
    else if (c->is_writing)
        cbor_write_text_len(&c->out, (const char *)text->data, text->len);
}

void codec_addr(struct codec *c, struct addr *a)
{
    struct bytes ip = { NULL, 0 };

    if (c->is_writing)
        ip = bytes_of(a->ip, a->len);
    else
        *a = (struct addr){ .len = 0 };
    codec_array(c, 2);
    codec_bytes(c, &ip, 0, sizeof(a->ip));
    if (ip.len != 0 && ip.len != 4 && ip.len != 16) {
        codec_fail(c);
    } else if (!c->is_writing && ip.len > 0) {
        memcpy(a->ip, ip.data, ip.len);
        a->len = (uint8_t)ip.len;
    }
    codec_u16(c, &a->port);
}

void codec_priority(struct codec *c, struct priority *p)
{
    codec_array(c, 4);
    codec_u8(c, &p->reach);
    codec_u8(c, &p->uplink);
    codec_u8(c, &p->clock);
    codec_u8(c, &p->uptime);
}

void codec_flood_fields(struct codec *c, struct msg_flood *f, size_t max)
{
    codec_u8(c, &f->hops);
    codec_bytes(c, &f->inner, 1, max);
    codec_fixed(c, f->sig, SIGNATURE_LEN);
}
