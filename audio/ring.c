/* See the header.  SPDX-License-Identifier: MIT */
#include "audio/ring.h"

#include <assert.h>
#include <string.h>

static int64_t place(const struct ring *r, int64_t frame)
{
    return frame & (r->capacity - 1); /* right for negative frames too */
}

void ring_init(struct ring *r, float *frames, int64_t capacity)
{
    assert(capacity > 0 && (capacity & (capacity - 1)) == 0);
    r->frames = frames;
    r->capacity = capacity;
    ring_reset(r, 0);
}

void ring_reset(struct ring *r, int64_t frame)
{
    atomic_store_explicit(&r->first, frame, memory_order_relaxed);
    atomic_store_explicit(&r->end, frame, memory_order_release);
}

int64_t ring_first(const struct ring *r)
{
    return atomic_load_explicit(&r->first, memory_order_acquire);
}

int64_t ring_end(const struct ring *r)
{
    return atomic_load_explicit(&r->end, memory_order_acquire);
}

float *ring_room(struct ring *r, int64_t *count)
{
    int64_t end = atomic_load_explicit(&r->end, memory_order_relaxed);
    int64_t room = r->capacity - (end - ring_first(r));
    int64_t to_edge = r->capacity - place(r, end);

    *count = room < to_edge ? room : to_edge;
    return r->frames + 2 * place(r, end);
}

void ring_commit(struct ring *r, int64_t count)
{
    int64_t end = atomic_load_explicit(&r->end, memory_order_relaxed);

    assert(count >= 0 && end + count - ring_first(r) <= r->capacity);
    atomic_store_explicit(&r->end, end + count, memory_order_release);
}

void ring_copy(const struct ring *r, int64_t frame, int64_t count, float *to)
{
    int64_t to_edge = r->capacity - place(r, frame);
    int64_t head = count < to_edge ? count : to_edge;

    assert(frame >= ring_first(r) && frame + count <= ring_end(r));
    memcpy(to, r->frames + 2 * place(r, frame), (size_t)head * 2 * sizeof(float));
    memcpy(to + 2 * head, r->frames, (size_t)(count - head) * 2 * sizeof(float));
}

void ring_drop_to(struct ring *r, int64_t frame)
{
    int64_t end = ring_end(r);
    int64_t to = frame < end ? frame : end;

    if (to > atomic_load_explicit(&r->first, memory_order_relaxed)) {
        atomic_store_explicit(&r->first, to, memory_order_release);
    }
}
