/* Frames out of a stream, whatever its pieces.  SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "base/rng.h"
#include "wire/frame.h"

static uint8_t stream[4 * 1024 * 1024];
static uint8_t buffer[FRAME_CONTROL_BUFFER];

/* Put stream[from..to] into r, as far as there is room; how much it took. */
static size_t feed(struct frame_reader *r, size_t from, size_t to)
{
    uint8_t *at;
    size_t room = frame_reader_room(r, &at);
    size_t n = to - from < room ? to - from : room;

    assert_true(at >= buffer && at + room <= buffer + r->size);
    memcpy(at, stream + from, n);
    frame_reader_commit(r, n);
    return n;
}

static size_t put_frame(enum frame_kind kind, size_t at, size_t len, uint8_t fill)
{
    uint8_t head[FRAME_HEAD_MAX];
    size_t n = frame_head(kind, len, head);

    memcpy(stream + at, head, n);
    memset(stream + at + n, fill, len);
    return at + n + len;
}

static void test_heads_are_big_endian(void **state)
{
    uint8_t head[FRAME_HEAD_MAX];

    (void)state;
    assert_int_equal(frame_head(FRAME_LINK, 1, head), 2);
    assert_memory_equal(head, "\x00\x01", 2);
    assert_int_equal(frame_head(FRAME_LINK, 0x1234, head), 2);
    assert_memory_equal(head, "\x12\x34", 2);
    assert_int_equal(frame_head(FRAME_CONTROL, FRAME_CONTROL_MAX, head), 4);
    assert_memory_equal(head, "\x00\x10\x00\x00", 4);
}

static void test_bad_lengths_end_the_stream(void **state)
{
    static const struct {
        const char *fact;
        enum frame_kind kind;
        size_t size; /* of the buffer */
        size_t len;
        const char *bytes;
        int result;
    } rows[] = {
        { "no bytes", FRAME_LINK, FRAME_LINK_BUFFER, 0, "", 0 },
        { "half a head", FRAME_LINK, FRAME_LINK_BUFFER, 1, "\x00", 0 },
        { "length 0", FRAME_LINK, FRAME_LINK_BUFFER, 2, "\x00\x00", ERR_MALFORMED },
        { "length 1", FRAME_LINK, FRAME_LINK_BUFFER, 3, "\x00\x01x", 1 },
        { "longest, not yet come", FRAME_LINK, FRAME_LINK_BUFFER, 2, "\xff\xff", 0 },
        { "longer than the buffer", FRAME_LINK, 102, 2, "\x00\x65", ERR_MALFORMED },
        { "as long as the buffer", FRAME_LINK, 102, 2, "\x00\x64", 0 },
        { "half a head", FRAME_CONTROL, FRAME_CONTROL_BUFFER, 3, "\x00\x00\x00", 0 },
        { "length 0", FRAME_CONTROL, FRAME_CONTROL_BUFFER, 4, "\x00\x00\x00\x00",
          ERR_MALFORMED },
        { "1 MiB", FRAME_CONTROL, FRAME_CONTROL_BUFFER, 4, "\x00\x10\x00\x00", 0 },
        { "1 MiB and 1", FRAME_CONTROL, sizeof(buffer), 4, "\x00\x10\x00\x01",
          ERR_MALFORMED },
        { "4 GiB", FRAME_CONTROL, FRAME_CONTROL_BUFFER, 4, "\xff\xff\xff\xff",
          ERR_MALFORMED },
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        struct frame_reader r;
        struct bytes frame;

        frame_reader_init(&r, rows[i].kind, buffer, rows[i].size);
        memcpy(stream, rows[i].bytes, rows[i].len);
        assert_int_equal(feed(&r, 0, rows[i].len), rows[i].len);
        if (frame_reader_next(&r, &frame) != rows[i].result)
            fail_msg("row %d: %s", i, rows[i].fact);
        if (rows[i].result != ERR_MALFORMED)
            continue;
        /* A good frame behind it changes nothing. */
        feed(&r, 0, put_frame(rows[i].kind, 0, 1, 'x'));
        assert_int_equal(frame_reader_next(&r, &frame), ERR_MALFORMED);
    }
}

/* The longest control frame is taken only by a buffer that could not hold one more. */
static void test_limit_of_control_holds_in_any_buffer(void **state)
{
    static uint8_t big[FRAME_CONTROL_BUFFER + 100];
    struct frame_reader r;
    struct bytes frame;
    uint8_t *at;

    (void)state;
    frame_reader_init(&r, FRAME_CONTROL, big, sizeof(big));
    assert_true(frame_reader_room(&r, &at) == sizeof(big));
    memcpy(at, "\x00\x10\x00\x01", 4);
    frame_reader_commit(&r, 4);
    assert_int_equal(frame_reader_next(&r, &frame), ERR_MALFORMED);
}

/* Frames of all lengths through pieces of all sizes come out as they went in. */
static void random_stream(uint64_t seed)
{
    enum frame_kind kind = seed % 2 == 0 ? FRAME_LINK : FRAME_CONTROL;
    size_t head = kind == FRAME_LINK ? 2 : 4;
    size_t size = seed % 3 == 0 ? FRAME_LINK_BUFFER : 300;
    size_t lens[200];
    size_t total = 0;
    size_t done = 0;
    size_t piece;
    int got = 0;
    struct frame_reader r;
    struct rng rng;

    rng_seed(&rng, seed);
    piece = (size_t)1 << rng_below(&rng, 18);
    for (int i = 0; i < COUNT(lens); i++) {
        lens[i] = 1 + (size_t)rng_below(&rng, (int64_t)(size - head)) % 5000;
        if (rng_below(&rng, 50) == 0)
            lens[i] = size - head;
        total = put_frame(kind, total, lens[i], (uint8_t)i);
    }
    frame_reader_init(&r, kind, buffer, size);
    while (done < total) {
        size_t want = (size_t)rng_below(&rng, (int64_t)piece) + 1;
        struct bytes frame;
        int result;
        size_t n = feed(&r, done, done + want < total ? done + want : total);

        assert_true(n > 0);
        done += n;
        while ((result = frame_reader_next(&r, &frame)) == 1) {
            assert_in_range(got, 0, COUNT(lens) - 1);
            assert_int_equal(frame.len, lens[got]);
            assert_int_equal(frame.data[0], (uint8_t)got);
            assert_int_equal(frame.data[frame.len - 1], (uint8_t)got);
            got++;
        }
        assert_int_equal(result, 0);
    }
    assert_int_equal(got, COUNT(lens));
    assert_int_equal(r.start, r.end);
}

static void test_streams_in_pieces(void **state)
{
    (void)state;
    for_each_seed(120, random_stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads_are_big_endian),
        cmocka_unit_test(test_bad_lengths_end_the_stream),
        cmocka_unit_test(test_limit_of_control_holds_in_any_buffer),
        cmocka_unit_test(test_streams_in_pieces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
