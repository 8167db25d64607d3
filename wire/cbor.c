/* Strict CBOR over libcbor's streaming decoder and its encoders (see the header).
 *
 * libcbor 0.8 accepts more than we do: tags, floats, indefinite lengths, and integers and
 * lengths longer than they need be.  So the first byte of an item is judged here before
 * libcbor sees it, and the size of the head after.  SPDX-License-Identifier: MIT */
#include "wire/cbor.h"

#include <assert.h>
#include <string.h>

#include <cbor.h>

#include "base/text.h"

/* One item as it stands in the input.  Of an array or map it is the head alone. */
struct item {
    enum cbor_kind kind;
    uint64_t value;      /* of an integer: n, or -1 - n; else the count or length */
    struct bytes string; /* the content of a string */
    size_t size;         /* bytes of the item, of an array or map its head's */
};

static void take_uint8(void *to, uint8_t v)
{
    *(struct item *)to = (struct item){ .kind = CBOR_KIND_UINT, .value = v };
}

static void take_uint16(void *to, uint16_t v)
{
    *(struct item *)to = (struct item){ .kind = CBOR_KIND_UINT, .value = v };
}

static void take_uint32(void *to, uint32_t v)
{
    *(struct item *)to = (struct item){ .kind = CBOR_KIND_UINT, .value = v };
}

static void take_uint64(void *to, uint64_t v)
{
    *(struct item *)to = (struct item){ .kind = CBOR_KIND_UINT, .value = v };
}

static void take_nint8(void *to, uint8_t v)
{
    *(struct item *)to = (struct item){ .kind = CBOR_KIND_NINT, .value = v };
}

static void take_nint16(void *to, uint16_t v)
{
    *(struct item *)to = (struct item){ .kind = CBOR_KIND_NINT, .value = v };
}

static void take_nint32(void *to, uint32_t v)
{
    *(struct item *)to = (struct item){ .kind = CBOR_KIND_NINT, .value = v };
}

static void take_nint64(void *to, uint64_t v)
{
    *(struct item *)to = (struct item){ .kind = CBOR_KIND_NINT, .value = v };
}

static void take_bytes(void *to, cbor_data data, size_t len)
{
    *(struct item *)to = (struct item){ CBOR_KIND_BYTES, len, bytes_of(data, len), 0 };
}

static void take_text(void *to, cbor_data data, size_t len)
{
    *(struct item *)to = (struct item){ CBOR_KIND_TEXT, len, bytes_of(data, len), 0 };
}

static void take_array(void *to, size_t count)
{
    *(struct item *)to = (struct item){ .kind = CBOR_KIND_ARRAY, .value = count };
}

static void take_map(void *to, size_t pairs)
{
    *(struct item *)to = (struct item){ .kind = CBOR_KIND_MAP, .value = pairs };
}

static void take_null(void *to)
{
    *(struct item *)to = (struct item){ .kind = CBOR_KIND_NULL };
}

static void take_bool(void *to, bool v)
{
    *(struct item *)to = (struct item){ .kind = CBOR_KIND_BOOL, .value = v };
}

/* What we never accept goes to libcbor's own idle callbacks and leaves KIND_NONE. */
static const struct cbor_callbacks callbacks = {
    .uint8 = take_uint8,
    .uint16 = take_uint16,
    .uint32 = take_uint32,
    .uint64 = take_uint64,
    .negint8 = take_nint8,
    .negint16 = take_nint16,
    .negint32 = take_nint32,
    .negint64 = take_nint64,
    .byte_string_start = cbor_null_byte_string_start_callback,
    .byte_string = take_bytes,
    .string = take_text,
    .string_start = cbor_null_string_start_callback,
    .indef_array_start = cbor_null_indef_array_start_callback,
    .array_start = take_array,
    .indef_map_start = cbor_null_indef_map_start_callback,
    .map_start = take_map,
    .tag = cbor_null_tag_callback,
    .float2 = cbor_null_float2_callback,
    .float4 = cbor_null_float4_callback,
    .float8 = cbor_null_float8_callback,
    .undefined = cbor_null_undefined_callback,
    .null = take_null,
    .boolean = take_bool,
    .indef_break = cbor_null_indef_break_callback,
};

/* True when an item of ours may begin with this byte. */
static bool is_first_byte(uint8_t b)
{
    int major = b >> 5;

    if (major == 6)
        return false; /* tags */
    if (major == 7)
        return b >= 0xf4 && b <= 0xf6; /* false, true, null; no floats, no break */
    return (b & 0x1f) <= 27; /* 28..30 are reserved, 31 is an indefinite length */
}

/* Bytes of the shortest head that carries value (RFC 8949 section 4.2.1). */
static size_t head_size(uint64_t value)
{
    if (value < 24)
        return 1;
    if (value <= UINT8_MAX)
        return 2;
    if (value <= UINT16_MAX)
        return 3;
    return value <= UINT32_MAX ? 5 : 9;
}

/* Every item is at least one byte, so a count beyond the bytes left is a lie. */
static bool is_count_possible(const struct item *it, size_t left)
{
    if (it->kind == CBOR_KIND_ARRAY)
        return it->value <= left;
    if (it->kind == CBOR_KIND_MAP)
        return it->value <= left / 2;
    return true;
}

/* Look at the item at r's place.  False when there is none, or not in our form. */
static bool look(const struct cbor_reader *r, struct item *it)
{
    size_t left = r->len - r->pos;
    struct cbor_decoder_result result;

    assert(r->pos <= r->len);
    *it = (struct item){ .kind = CBOR_KIND_NONE };
    if (r->has_failed || left == 0 || !is_first_byte(r->data[r->pos]))
        return false;
    result = cbor_stream_decode(r->data + r->pos, left, &callbacks, it);
    if (result.status != CBOR_DECODER_FINISHED || it->kind == CBOR_KIND_NONE ||
        result.read > left || it->string.len > result.read)
        return false;
    it->size = result.read;
    if (it->kind != CBOR_KIND_BOOL && it->size - it->string.len != head_size(it->value))
        return false;
    if (it->kind == CBOR_KIND_TEXT &&
        !text_is_utf8((const char *)it->string.data, it->string.len))
        return false;
    return is_count_possible(it, left - it->size);
}

/* Take the next item, which must be of that kind. */
static bool take(struct cbor_reader *r, enum cbor_kind kind, struct item *it)
{
    if (!look(r, it) || it->kind != kind) {
        *it = (struct item){ .kind = CBOR_KIND_NONE };
        r->has_failed = true;
        return false;
    }
    r->pos += it->size;
    return true;
}

void cbor_reader_init(struct cbor_reader *r, struct bytes in)
{
    *r = (struct cbor_reader){ .data = in.data, .len = in.len };
}

enum cbor_kind cbor_peek(const struct cbor_reader *r)
{
    struct item it;

    return look(r, &it) ? it.kind : CBOR_KIND_NONE;
}

uint64_t cbor_read_uint(struct cbor_reader *r, uint64_t max)
{
    struct item it;

    if (!take(r, CBOR_KIND_UINT, &it))
        return 0;
    if (it.value > max) {
        r->has_failed = true;
        return 0;
    }
    return it.value;
}

int64_t cbor_read_int(struct cbor_reader *r)
{
    struct item it;

    if (cbor_peek(r) != CBOR_KIND_NINT)
        return (int64_t)cbor_read_uint(r, INT64_MAX);
    if (!take(r, CBOR_KIND_NINT, &it))
        return 0;
    if (it.value > INT64_MAX) {
        r->has_failed = true;
        return 0;
    }
    return -1 - (int64_t)it.value;
}

bool cbor_read_bool(struct cbor_reader *r)
{
    struct item it;

    return take(r, CBOR_KIND_BOOL, &it) && it.value != 0;
}

void cbor_read_null(struct cbor_reader *r)
{
    struct item it;

    take(r, CBOR_KIND_NULL, &it);
}

static struct bytes read_string(struct cbor_reader *r, enum cbor_kind kind,
                                size_t len_max)
{
    struct item it;

    if (!take(r, kind, &it))
        return bytes_of(NULL, 0);
    if (it.string.len > len_max) {
        r->has_failed = true;
        return bytes_of(NULL, 0);
    }
    return it.string;
}

struct bytes cbor_read_bytes(struct cbor_reader *r, size_t len_max)
{
    return read_string(r, CBOR_KIND_BYTES, len_max);
}

struct bytes cbor_read_text(struct cbor_reader *r, size_t len_max)
{
    return read_string(r, CBOR_KIND_TEXT, len_max);
}

void cbor_read_fixed(struct cbor_reader *r, uint8_t *to, size_t len)
{
    struct bytes b = cbor_read_bytes(r, len);

    if (b.len != len) {
        r->has_failed = true;
        memset(to, 0, len);
    } else if (len > 0) {
        memcpy(to, b.data, len);
    }
}

static int read_head(struct cbor_reader *r, enum cbor_kind kind, int max)
{
    struct item it;

    assert(max >= 0);
    if (!take(r, kind, &it))
        return 0;
    if (it.value > (uint64_t)max) {
        r->has_failed = true;
        return 0;
    }
    return (int)it.value;
}

int cbor_read_array(struct cbor_reader *r, int max)
{
    return read_head(r, CBOR_KIND_ARRAY, max);
}

int cbor_read_map(struct cbor_reader *r, int max)
{
    return read_head(r, CBOR_KIND_MAP, max);
}

static void skip_item(struct cbor_reader *r, int depth);

/* Bytewise order of two encoded keys (RFC 8949 section 4.2.1). */
static bool is_before(struct bytes a, struct bytes b)
{
    size_t both = a.len < b.len ? a.len : b.len;
    int order = memcmp(a.data, b.data, both);

    return order < 0 || (order == 0 && a.len < b.len);
}

static void skip_pairs(struct cbor_reader *r, uint64_t pairs, int depth)
{
    struct bytes previous = { NULL, 0 };

    for (uint64_t i = 0; i < pairs && !r->has_failed; i++) {
        size_t start = r->pos;
        struct bytes key;

        skip_item(r, depth);
        key = bytes_of(r->data + start, r->pos - start);
        if (r->has_failed || (i > 0 && !is_before(previous, key))) {
            r->has_failed = true;
            return;
        }
        previous = key;
        skip_item(r, depth);
    }
}

/* depth: arrays and maps around this item.  It bounds the recursion. */
static void skip_item(struct cbor_reader *r, int depth)
{
    struct item it;

    if (!look(r, &it)) {
        r->has_failed = true;
        return;
    }
    r->pos += it.size;
    if (it.kind != CBOR_KIND_ARRAY && it.kind != CBOR_KIND_MAP)
        return;
    if (depth >= CBOR_DEPTH_MAX) {
        r->has_failed = true;
    } else if (it.kind == CBOR_KIND_MAP) {
        skip_pairs(r, it.value, depth + 1);
    } else {
        for (uint64_t i = 0; i < it.value && !r->has_failed; i++)
            skip_item(r, depth + 1);
    }
}

void cbor_skip(struct cbor_reader *r)
{
    skip_item(r, 0);
}

void cbor_fail(struct cbor_reader *r)
{
    r->has_failed = true;
}

bool cbor_is_done(const struct cbor_reader *r)
{
    return !r->has_failed && r->pos == r->len;
}

int cbor_check(struct bytes in)
{
    struct cbor_reader r;

    cbor_reader_init(&r, in);
    cbor_skip(&r);
    return cbor_is_done(&r) ? 0 : ERR_MALFORMED;
}

void cbor_writer_init(struct cbor_writer *w, uint8_t *data, size_t size)
{
    *w = (struct cbor_writer){ .data = data, .size = size };
}

/* Encode an item of that kind into to; of strings, arrays and maps the head alone.  The
 * bytes written, 0 when they do not fit. */
static size_t encode(enum cbor_kind kind, uint64_t v, uint8_t *to, size_t size)
{
    switch (kind) {
    case CBOR_KIND_UINT:
        return cbor_encode_uint(v, to, size);
    case CBOR_KIND_NINT:
        return cbor_encode_negint(v, to, size);
    case CBOR_KIND_BYTES:
        return cbor_encode_bytestring_start((size_t)v, to, size);
    case CBOR_KIND_TEXT:
        return cbor_encode_string_start((size_t)v, to, size);
    case CBOR_KIND_ARRAY:
        return cbor_encode_array_start((size_t)v, to, size);
    case CBOR_KIND_MAP:
        return cbor_encode_map_start((size_t)v, to, size);
    case CBOR_KIND_BOOL:
        return cbor_encode_bool(v != 0, to, size);
    case CBOR_KIND_NULL:
        return cbor_encode_null(to, size);
    case CBOR_KIND_NONE:
        break;
    }
    return 0;
}

static void write_head(struct cbor_writer *w, enum cbor_kind kind, uint64_t v)
{
    size_t n = 0;

    assert(w->len <= w->size);
    if (!w->has_overflowed && w->len < w->size)
        n = encode(kind, v, w->data + w->len, w->size - w->len);
    if (n == 0)
        w->has_overflowed = true;
    w->len += n;
}

void cbor_write_raw(struct cbor_writer *w, struct bytes encoded)
{
    if (w->has_overflowed || encoded.len > w->size - w->len) {
        w->has_overflowed = true;
        return;
    }
    if (encoded.len > 0)
        memcpy(w->data + w->len, encoded.data, encoded.len);
    w->len += encoded.len;
}

void cbor_write_uint(struct cbor_writer *w, uint64_t v)
{
    write_head(w, CBOR_KIND_UINT, v);
}

void cbor_write_int(struct cbor_writer *w, int64_t v)
{
    if (v < 0)
        write_head(w, CBOR_KIND_NINT, ~(uint64_t)v); /* -1 - v */
    else
        write_head(w, CBOR_KIND_UINT, (uint64_t)v);
}

void cbor_write_bool(struct cbor_writer *w, bool v)
{
    write_head(w, CBOR_KIND_BOOL, v);
}

void cbor_write_null(struct cbor_writer *w)
{
    write_head(w, CBOR_KIND_NULL, 0);
}

void cbor_write_bytes(struct cbor_writer *w, const void *data, size_t len)
{
    write_head(w, CBOR_KIND_BYTES, len);
    cbor_write_raw(w, bytes_of(data, len));
}

void cbor_write_text(struct cbor_writer *w, const char *s)
{
    cbor_write_text_len(w, s, strlen(s));
}

void cbor_write_text_len(struct cbor_writer *w, const char *s, size_t len)
{
    write_head(w, CBOR_KIND_TEXT, len);
    cbor_write_raw(w, bytes_of(s, len));
}

void cbor_write_array(struct cbor_writer *w, int count)
{
    assert(count >= 0);
    write_head(w, CBOR_KIND_ARRAY, (uint64_t)count);
}

void cbor_write_map(struct cbor_writer *w, int pairs)
{
    assert(pairs >= 0);
    write_head(w, CBOR_KIND_MAP, (uint64_t)pairs);
}

struct bytes cbor_written(const struct cbor_writer *w)
{
    return w->has_overflowed ? bytes_of(NULL, 0) : bytes_of(w->data, w->len);
}
