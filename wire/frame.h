/* Frames on a stream: a big-endian length and that many bytes.
 *
 * Links between nodes have two bytes of length, the control socket has four, at most 1
 * MiB. The reader takes the stream in pieces of any size into the caller's buffer and
 * gives it back frame by frame.  SPDX-License-Identifier: MIT */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

enum frame_kind { FRAME_LINK, FRAME_CONTROL };

#define FRAME_LINK_MAX    65535         /* payload */
#define FRAME_CONTROL_MAX (1024 * 1024) /* payload */
#define FRAME_HEAD_MAX    4

/* A buffer of this size takes every frame of its kind. */
#define FRAME_LINK_BUFFER    (FRAME_LINK_MAX + 2)
#define FRAME_CONTROL_BUFFER (FRAME_CONTROL_MAX + 4)

/* Bytes start..end of the buffer have come and were not given out yet. */
struct frame_reader {
    enum frame_kind kind;
    uint8_t *buf;
    size_t size;
    size_t start;
    size_t end;
};

/* Write the head of a frame with len bytes of payload into to; its size, 2 or 4.  len
 * must be 1..FRAME_LINK_MAX or FRAME_CONTROL_MAX. */
size_t frame_head(enum frame_kind kind, size_t len, uint8_t to[static FRAME_HEAD_MAX]);

/* Start reading into buf, which it keeps.  A smaller buffer than above lowers the longest
 * frame that is taken; it must hold a head and one byte. */
void frame_reader_init(struct frame_reader *r, enum frame_kind kind, uint8_t *buf,
                       size_t size);

/* Where the next bytes of the stream go, and how many may.  Moves what is buffered, so
 * frames given out before are gone.  At least 1 whenever frame_reader_next said 0. */
size_t frame_reader_room(struct frame_reader *r, uint8_t **to);

/* n bytes were put there. */
void frame_reader_commit(struct frame_reader *r, size_t n);

/* 1 and the next frame's payload, a view until frame_reader_room is called; 0 when more
 * bytes must come first.  Errors: ERR_MALFORMED when the length is 0 or too long, and
 * then always: the stream cannot be read on. */
MUST_USE int frame_reader_next(struct frame_reader *r, struct bytes *frame);

#endif
