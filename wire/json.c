/* SPDX-License-Identifier: MIT */
#include "wire/json.h"

#include "wire/cbor.h"

/* At c: a control character of n bytes, and its code; 0 when it is none. */
static size_t control_at(const uint8_t *c, size_t left, uint8_t *code)
{
    if (c[0] < 0x20 || c[0] == 0x7f) {
        *code = c[0];
        return 1;
    }
    if (c[0] == 0xc2 && left >= 2 && c[1] < 0xa0) { /* U+0080..U+009F */
        *code = c[1];
        return 2;
    }
    return 0;
}

static void add_string(struct text *t, struct bytes s)
{
    size_t done = 0; /* what was added, or escaped, before this */
    size_t i = 0;

    text_add(t, "\"");
    while (i < s.len) {
        uint8_t code = 0;
        size_t n = control_at(s.data + i, s.len - i, &code);
        bool is_marked = s.data[i] == '"' || s.data[i] == '\\';

        if (n == 0 && !is_marked) {
            i++;
            continue;
        }
        text_add_len(t, (const char *)s.data + done, i - done);
        if (n > 0) {
            text_add(t, "\\u00");
            text_add_hex(t, &code, 1);
            i += n;
            done = i;
        } else {
            text_add(t, "\\");
            done = i; /* the character itself goes with what follows */
            i++;
        }
    }
    if (s.len > 0)
        text_add_len(t, (const char *)s.data + done, s.len - done);
    text_add(t, "\"");
}

static void add_uint(struct text *t, uint64_t v)
{
    if (v >= 10)
        text_add_int(t, (int64_t)(v / 10));
    text_add_int(t, (int64_t)(v % 10));
}

/* All of uint64 and int64.  CBOR goes further down, but nothing of ours does. */
static void add_number(struct text *t, struct cbor_reader *r)
{
    if (cbor_peek(r) == CBOR_KIND_UINT)
        add_uint(t, cbor_read_uint(r, UINT64_MAX));
    else
        text_add_int(t, cbor_read_int(r));
}

static void add_item(struct text *t, struct cbor_reader *r);

static void add_array(struct text *t, struct cbor_reader *r)
{
    int count = cbor_read_array(r, INT32_MAX);

    text_add(t, "[");
    for (int i = 0; i < count && !r->has_failed && !t->is_cut; i++) {
        if (i > 0)
            text_add(t, ",");
        add_item(t, r);
    }
    text_add(t, "]");
}

static void add_map(struct text *t, struct cbor_reader *r)
{
    int pairs = cbor_read_map(r, INT32_MAX);

    text_add(t, "{");
    for (int i = 0; i < pairs && !r->has_failed && !t->is_cut; i++) {
        if (i > 0)
            text_add(t, ",");
        add_string(t, cbor_read_text(r, SIZE_MAX));
        text_add(t, ":");
        add_item(t, r);
    }
    text_add(t, "}");
}

/* The input has passed cbor_check, which bounds the depth of this recursion. */
static void add_item(struct text *t, struct cbor_reader *r)
{
    struct bytes b;

    switch (cbor_peek(r)) {
    case CBOR_KIND_UINT:
    case CBOR_KIND_NINT:
        add_number(t, r);
        break;
    case CBOR_KIND_BYTES:
        b = cbor_read_bytes(r, SIZE_MAX);
        text_add(t, "\"");
        text_add_hex(t, b.data, b.len);
        text_add(t, "\"");
        break;
    case CBOR_KIND_TEXT:
        add_string(t, cbor_read_text(r, SIZE_MAX));
        break;
    case CBOR_KIND_ARRAY:
        add_array(t, r);
        break;
    case CBOR_KIND_MAP:
        add_map(t, r);
        break;
    case CBOR_KIND_BOOL:
        text_add(t, cbor_read_bool(r) ? "true" : "false");
        break;
    case CBOR_KIND_NULL:
        cbor_read_null(r);
        text_add(t, "null");
        break;
    case CBOR_KIND_NONE:
        cbor_fail(r);
        break;
    }
}

int json_from_cbor(struct bytes item, struct text *t)
{
    struct cbor_reader r;

    if (cbor_check(item) != 0)
        return ERR_MALFORMED;
    cbor_reader_init(&r, item);
    add_item(t, &r);
    if (r.has_failed)
        return ERR_MALFORMED;
    return t->is_cut ? ERR_LIMIT : 0;
}
