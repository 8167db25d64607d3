/* One description of a message that both reads and writes it.
 *
 * A codec stands over a cbor_reader or a cbor_writer.  Each codec_* call below carries
 * one value across, in the direction of the codec, and applies the same limit both ways:
 * what we would refuse we cannot send.  The first failure sticks, as in cbor.h; a value
 * read after it is zero or empty.  Private to wire/.  SPDX-License-Identifier: MIT */
#ifndef WIRE_CODEC_H
#define WIRE_CODEC_H

#include "base/addr.h"
#include "wire/cbor.h"
#include "wire/msg.h"

struct codec {
    bool is_writing;
    struct cbor_reader in;
    struct cbor_writer out;
};

void codec_start_reading(struct codec *c, struct bytes in);
void codec_start_writing(struct codec *c, uint8_t *out, size_t size);

/* 0 when all of the input was read and nothing failed, else ERR_MALFORMED. */
MUST_USE int codec_finish_reading(const struct codec *c);

/* The bytes written, 0 when they did not fit or a value broke its limit. */
size_t codec_finish_writing(const struct codec *c);

/* A value is out of its range. */
void codec_fail(struct codec *c);

/* The head of an array of exactly count items. */
void codec_array(struct codec *c, int count);

/* The head of an array of min..max items; their number is *count, 0 after a failure. */
void codec_list(struct codec *c, int *count, int min, int max);

/* Unsigned integers: any value of the type, or only min..max. */
void codec_u64(struct codec *c, uint64_t *v);
void codec_u64_in(struct codec *c, uint64_t *v, uint64_t min, uint64_t max);
void codec_u32(struct codec *c, uint32_t *v);
void codec_u32_in(struct codec *c, uint32_t *v, uint32_t min, uint32_t max);
void codec_u16(struct codec *c, uint16_t *v);
void codec_u8(struct codec *c, uint8_t *v);
void codec_u8_in(struct codec *c, uint8_t *v, uint8_t min, uint8_t max);

void codec_int(struct codec *c, int64_t *v);
void codec_bool(struct codec *c, bool *v);

/* A byte string of exactly len bytes. */
void codec_fixed(struct codec *c, uint8_t *data, size_t len);

/* A byte string of min..max bytes, a view. */
void codec_bytes(struct codec *c, struct bytes *b, size_t min, size_t max);

/* Text of up to max bytes: UTF-8 without control characters (below U+0020, U+007F). */
void codec_text(struct codec *c, struct bytes *text, size_t max);

/* [ip, port], ip of 0, 4 or 16 bytes. */
void codec_addr(struct codec *c, struct addr *a);

/* [reach, uplink, clock, uptime] */
void codec_priority(struct codec *c, struct priority *p);

/* [party, epoch, host, grants] without the head. */
void codec_coord_fields(struct codec *c, struct coord *coord);

/* [hops, inner, sig] without the head: the fields of a FLOOD; inner of up to max. */
void codec_flood_fields(struct codec *c, struct msg_flood *f, size_t max);

#endif
