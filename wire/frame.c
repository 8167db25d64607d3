/* SPDX-License-Identifier: MIT */
#include "wire/frame.h"

#include <assert.h>

static size_t head_len(enum frame_kind kind)
{
    return kind == FRAME_LINK ? 2 : 4;
}

static size_t payload_max(enum frame_kind kind)
{
    return kind == FRAME_LINK ? FRAME_LINK_MAX : FRAME_CONTROL_MAX;
}

size_t frame_head(enum frame_kind kind, size_t len, uint8_t to[static FRAME_HEAD_MAX])
{
    assert(len >= 1 && len <= payload_max(kind));
    if (kind == FRAME_LINK)
        store_be16(to, (uint16_t)len);
    else
        store_be32(to, (uint32_t)len);
    return head_len(kind);
}

void frame_reader_init(struct frame_reader *r, enum frame_kind kind, uint8_t *buf,
                       size_t size)
{
    assert(size > head_len(kind));
    *r = (struct frame_reader){ .kind = kind, .buf = buf, .size = size };
}

size_t frame_reader_room(struct frame_reader *r, uint8_t **to)
{
    size_t held = r->end - r->start;

    /* Moving only when half of the buffer is used up keeps the cost per byte constant. */
    if (held == 0 || (r->start > 0 && r->size - r->end < r->size / 2)) {
        memmove(r->buf, r->buf + r->start, held);
        r->start = 0;
        r->end = held;
    }
    *to = r->buf + r->end;
    return r->size - r->end;
}

void frame_reader_commit(struct frame_reader *r, size_t n)
{
    assert(n <= r->size - r->end);
    r->end += n;
}

int frame_reader_next(struct frame_reader *r, struct bytes *frame)
{
    size_t head = head_len(r->kind);
    size_t held = r->end - r->start;
    const uint8_t *p = r->buf + r->start;
    size_t len;

    if (held < head)
        return 0;
    len = r->kind == FRAME_LINK ? load_be16(p) : load_be32(p);
    if (len == 0 || len > payload_max(r->kind) || len > r->size - head)
        return ERR_MALFORMED; /* the head stays where it is, so this repeats */
    if (held - head < len)
        return 0;
    *frame = bytes_of(p + head, len);
    r->start += head + len;
    return 1;
}
