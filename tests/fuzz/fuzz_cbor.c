/* Fuzz the CBOR reader and what stands on it.  Byte 0 chooses: a whole item is checked,
 * copied item by item and printed; or the readers are called at random; or the input is
 * looked into as a map and a list; or it is a stream of frames.
 * fuzz: -max_len=256
 * SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "wire/cbor.h"
#include "wire/frame.h"
#include "wire/json.h"
#include "wire/map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool is_true)
{
    if (!is_true)
        abort();
}

/* Read one item and write it again.  Ends at the first failure, or at too deep a one. */
static void copy_item(struct cbor_reader *r, struct cbor_writer *w, int depth)
{
    struct bytes b;
    int n;

    if (r->has_failed || depth > CBOR_DEPTH_MAX) {
        cbor_fail(r);
        return;
    }
    switch (cbor_peek(r)) {
    case CBOR_KIND_UINT:
        cbor_write_uint(w, cbor_read_uint(r, UINT64_MAX));
        break;
    case CBOR_KIND_NINT:
        cbor_write_int(w, cbor_read_int(r));
        break;
    case CBOR_KIND_BYTES:
        b = cbor_read_bytes(r, SIZE_MAX);
        cbor_write_bytes(w, b.data, b.len);
        break;
    case CBOR_KIND_TEXT:
        b = cbor_read_text(r, SIZE_MAX);
        cbor_write_text_len(w, (const char *)b.data, b.len);
        break;
    case CBOR_KIND_ARRAY:
        n = cbor_read_array(r, INT32_MAX);
        cbor_write_array(w, n);
        for (int i = 0; i < n && !r->has_failed; i++)
            copy_item(r, w, depth + 1);
        break;
    case CBOR_KIND_MAP:
        n = cbor_read_map(r, INT32_MAX);
        cbor_write_map(w, n);
        for (int i = 0; i < 2 * n && !r->has_failed; i++)
            copy_item(r, w, depth + 1);
        break;
    case CBOR_KIND_BOOL:
        cbor_write_bool(w, cbor_read_bool(r));
        break;
    case CBOR_KIND_NULL:
        cbor_read_null(r);
        cbor_write_null(w);
        break;
    case CBOR_KIND_NONE:
        cbor_fail(r);
        break;
    }
}

static void fuzz_item(struct bytes in)
{
    struct cbor_reader r;
    struct cbor_writer w;
    uint8_t *out = malloc(in.len + 1);
    char *json = malloc(6 * in.len + 64);
    struct text t;
    int result;

    need(out != NULL && json != NULL);
    cbor_reader_init(&r, in);
    cbor_writer_init(&w, out, in.len);
    copy_item(&r, &w, 0);
    text_init(&t, json, 6 * in.len + 64);
    result = json_from_cbor(in, &t);
    if (cbor_check(in) == 0) {
        /* Only an integer below int64 is strict and not ours to read. */
        need(r.has_failed || cbor_is_done(&r));
        need(r.has_failed || bytes_equal(cbor_written(&w), in));
        need(result == 0 || result == ERR_MALFORMED);
        need(result != 0 || (!r.has_failed && text_is_utf8(json, t.len)));
    } else {
        need(result == ERR_MALFORMED);
    }
    text_init(&t, json, 1 + in.len / 2);
    (void)!json_from_cbor(in, &t);
    free(out);
    free(json);
}

/* The input is the script and the data: each byte in the first half calls one reader. */
static void fuzz_readers(struct bytes in)
{
    struct cbor_reader r;
    uint8_t fixed[16];
    size_t half = in.len / 2;

    cbor_reader_init(&r, bytes_of(in.data + half, in.len - half));
    for (size_t i = 0; i < half && !r.has_failed; i++) {
        size_t max = (size_t)in.data[i] >> 3;

        switch (in.data[i] & 7) {
        case 0:
            need(cbor_read_uint(&r, max) <= max);
            break;
        case 1:
            (void)cbor_read_int(&r);
            break;
        case 2:
            need(cbor_read_bytes(&r, max).len <= max);
            break;
        case 3:
            need(cbor_read_text(&r, max).len <= max);
            break;
        case 4:
            need(cbor_read_array(&r, (int)max) <= (int)max);
            break;
        case 5:
            need(cbor_read_map(&r, (int)max) <= (int)max);
            break;
        case 6:
            cbor_read_fixed(&r, fixed, max & 15);
            break;
        default:
            cbor_skip(&r);
            break;
        }
        need(r.pos <= r.len);
    }
}

static void fuzz_map(struct bytes in)
{
    struct bytes item;
    struct list l;
    int items = 0;

    if (map_find(in, "a", &item))
        need(item_kind(item) != CBOR_KIND_NONE && cbor_check(item) == 0);
    (void)map_get_int(in, "b", 0);
    (void)map_get_bool(in, "c", false);
    need(map_get_text(in, "d", "").len <= in.len);
    list_init_at(&l, in, "e");
    while (list_next(&l, &item))
        need(cbor_check(item) == 0);
    list_init(&l, in);
    while (list_next(&l, &item))
        items++;
    need((size_t)items <= in.len);
}

/* Pieces are as long as the bytes of the input say; no frame is empty or too long. */
static void fuzz_frames(struct bytes in, enum frame_kind kind)
{
    uint8_t buffer[64];
    struct frame_reader r;
    struct bytes frame;
    int result = 0;

    frame_reader_init(&r, kind, buffer, sizeof(buffer));
    for (size_t done = 0; done < in.len && result == 0;) {
        uint8_t *to;
        size_t n = frame_reader_room(&r, &to);
        size_t piece = (size_t)in.data[done] % 16 + 1;

        need(n > 0 && to >= buffer && to + n <= buffer + sizeof(buffer));
        if (n > piece)
            n = piece;
        if (n > in.len - done)
            n = in.len - done;
        memcpy(to, in.data + done, n);
        frame_reader_commit(&r, n);
        done += n;
        while ((result = frame_reader_next(&r, &frame)) == 1)
            need(frame.len >= 1 && frame.data + frame.len <= buffer + sizeof(buffer));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in;

    if (size == 0)
        return 0;
    in = bytes_of(data + 1, size - 1);
    switch (data[0] % 5) {
    case 0:
        fuzz_item(in);
        break;
    case 1:
        fuzz_readers(in);
        break;
    case 2:
        fuzz_map(in);
        break;
    case 3:
        fuzz_frames(in, FRAME_LINK);
        break;
    default:
        fuzz_frames(in, FRAME_CONTROL);
        break;
    }
    return 0;
}
