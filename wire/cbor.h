/* Strict, deterministic CBOR (RFC 8949 section 4.2.1), bounded and without allocation.
 *
 * One wrapper over libcbor's streaming decoder and its encoders into caller's buffers.
 * Never use cbor_load here: it allocates what a length field claims.  Accepted are
 * unsigned and negative integers, byte and text strings, definite arrays and maps, false,
 * true and null; refused are tags, floats, indefinite lengths, integers longer than they
 * need be, lengths beyond the bytes left, text that is no UTF-8 or has a NUL, map keys
 * out of order or twice, and depth over CBOR_DEPTH_MAX. SPDX-License-Identifier: MIT */
#ifndef WIRE_CBOR_H
#define WIRE_CBOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

#define CBOR_DEPTH_MAX 8 /* arrays and maps inside one another */

/* A reader remembers its first error: after it every read fails and yields zero or empty,
 * so a decoder may read a whole message and ask once, at the end. */
struct cbor_reader {
    const uint8_t *data;
    size_t len;
    size_t pos;
    bool has_failed;
};

enum cbor_kind {
    CBOR_KIND_NONE, /* the end, or malformed */
    CBOR_KIND_UINT,
    CBOR_KIND_NINT,
    CBOR_KIND_BYTES,
    CBOR_KIND_TEXT,
    CBOR_KIND_ARRAY,
    CBOR_KIND_MAP,
    CBOR_KIND_BOOL,
    CBOR_KIND_NULL
};

/* Start reading in, which it borrows. */
void cbor_reader_init(struct cbor_reader *r, struct bytes in);

/* What stands next, without moving.  Of an array or map the head alone is looked at. */
enum cbor_kind cbor_peek(const struct cbor_reader *r);

/* Each reads one item of that kind, or fails and returns 0, false or empty.  An integer
 * beyond max fails.  Strings are views into the input. */
uint64_t cbor_read_uint(struct cbor_reader *r, uint64_t max);
int64_t cbor_read_int(struct cbor_reader *r); /* full int64 range */
bool cbor_read_bool(struct cbor_reader *r);
void cbor_read_null(struct cbor_reader *r);
struct bytes cbor_read_bytes(struct cbor_reader *r, size_t len_max);
struct bytes cbor_read_text(struct cbor_reader *r, size_t len_max);

/* Read a byte string of exactly len bytes into to. */
void cbor_read_fixed(struct cbor_reader *r, uint8_t *to, size_t len);

/* Read the head of an array or map; its items or pairs follow.  More than max fails, and
 * more than the bytes left can hold.  The order of keys is the caller's to check here. */
int cbor_read_array(struct cbor_reader *r, int max);
int cbor_read_map(struct cbor_reader *r, int max);

/* Pass over one item with all that is in it, which must be in the strict form whole. */
void cbor_skip(struct cbor_reader *r);

/* Mark the reader failed: for a decoder that finds a value out of its range. */
void cbor_fail(struct cbor_reader *r);

/* True when nothing failed and every byte was read. */
bool cbor_is_done(const struct cbor_reader *r);

/* ERR_MALFORMED unless in is one well-formed item in the strict form above, keys of maps
 * in bytewise order and each once. */
MUST_USE int cbor_check(struct bytes in);

/* A writer into the caller's buffer.  What does not fit sets has_overflowed and writes
 * nothing more.  Keys of maps are the caller's to put in bytewise order. */
struct cbor_writer {
    uint8_t *data;
    size_t size;
    size_t len;
    bool has_overflowed;
};

void cbor_writer_init(struct cbor_writer *w, uint8_t *data, size_t size);
void cbor_write_uint(struct cbor_writer *w, uint64_t v);
void cbor_write_int(struct cbor_writer *w, int64_t v);
void cbor_write_bool(struct cbor_writer *w, bool v);
void cbor_write_null(struct cbor_writer *w);
void cbor_write_bytes(struct cbor_writer *w, const void *data, size_t len);
void cbor_write_text(struct cbor_writer *w, const char *s); /* NUL-terminated UTF-8 */
void cbor_write_text_len(struct cbor_writer *w, const char *s, size_t len);
void cbor_write_array(struct cbor_writer *w, int count);
void cbor_write_map(struct cbor_writer *w, int pairs);

/* Append bytes that are CBOR already. */
void cbor_write_raw(struct cbor_writer *w, struct bytes encoded);

/* The bytes written so far; empty when they did not fit. */
struct bytes cbor_written(const struct cbor_writer *w);

#endif
