/* The ring and the seqlock, between two threads.  SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <pthread.h>
#include <sched.h>

#include "audio/ring.h"
#include "audio/seqlock.h"

#define CAPACITY 256
#define VALUES   500000
#define FRAMES   200000

static void test_fill_and_step_back(void **state)
{
    static float memory[2 * CAPACITY];
    float out[2 * CAPACITY];
    struct ring r;
    int64_t room;
    float *to;

    (void)state;
    ring_init(&r, memory, CAPACITY);
    ring_reset(&r, -100);
    to = ring_room(&r, &room);
    while (room > 0) {
        for (int64_t i = 0; i < room; i++) {
            to[2 * i] = (float)(ring_end(&r) + i);
            to[2 * i + 1] = -to[2 * i];
        }
        ring_commit(&r, room);
        to = ring_room(&r, &room);
    }
    assert_int_equal(ring_first(&r), -100);
    assert_int_equal(ring_end(&r), -100 + CAPACITY);
    ring_copy(&r, -50, 100, out);
    for (int i = 0; i < 100; i++) {
        assert_true(out[2 * i] == (float)(i - 50) && out[2 * i + 1] == (float)(50 - i));
    }
    ring_drop_to(&r, 10);
    ring_drop_to(&r, -20); /* backward: nothing */
    assert_int_equal(ring_first(&r), 10);
    (void)ring_room(&r, &room);
    assert_true(room > 0 && room <= 110);
    ring_drop_to(&r, 100000); /* beyond what there is: to its end */
    assert_int_equal(ring_first(&r), ring_end(&r));
}

static void *write_frames(void *arg)
{
    struct ring *r = arg;

    while (ring_end(r) < FRAMES) {
        int64_t room;
        float *to = ring_room(r, &room);

        if (room > 37) {
            room = 37;
        }
        for (int64_t i = 0; i < room; i++) {
            to[2 * i] = (float)((ring_end(r) + i) % 1000);
            to[2 * i + 1] = 1;
        }
        ring_commit(r, room);
        if (room == 0) {
            sched_yield();
        }
    }
    return NULL;
}

static void test_two_threads(void **state)
{
    static float memory[2 * CAPACITY];
    static struct ring r;
    pthread_t writer;
    int64_t at = 0;
    int64_t wrong = 0;

    (void)state;
    ring_init(&r, memory, CAPACITY);
    pthread_create(&writer, NULL, write_frames, &r);
    while (at < FRAMES) {
        float out[2 * 50];
        int64_t count = ring_end(&r) - at;

        count = count > 50 ? 50 : count;
        ring_copy(&r, at, count, out);
        for (int64_t i = 0; i < count; i++) {
            wrong += out[2 * i] != (float)((at + i) % 1000) || out[2 * i + 1] != 1;
        }
        at += count;
        ring_drop_to(&r, at - 60);
        if (count == 0) {
            sched_yield();
        }
    }
    pthread_join(writer, NULL);
    assert_int_equal(wrong, 0);
}

struct value {
    int64_t n[40];
    char tail[3];
};

static void *write_values(void *arg)
{
    for (int64_t k = 1; k <= VALUES; k++) {
        struct value v;

        for (int i = 0; i < 40; i++) {
            v.n[i] = k;
        }
        memset(v.tail, (int)(k % 100), sizeof(v.tail));
        seqlock_write(arg, &v);
    }
    return NULL;
}

static void test_seqlock_is_never_torn(void **state)
{
    struct seqlock *l = seqlock_create(sizeof(struct value));
    struct value v = { .n = { 0 } };
    pthread_t writer;
    int64_t last = 0;
    int torn = 0;

    (void)state;
    assert_int_equal(seqlock_version(l), 0);
    pthread_create(&writer, NULL, write_values, l);
    while (last < VALUES) {
        if (!seqlock_read(l, &v)) {
            continue;
        }
        for (int i = 0; i < 40; i++) {
            torn += v.n[i] != v.n[0];
        }
        torn += v.tail[2] != (char)(v.n[0] % 100) || v.n[0] < last;
        last = v.n[0];
    }
    pthread_join(writer, NULL);
    assert_int_equal(torn, 0);
    assert_int_equal(seqlock_version(l), VALUES);
    seqlock_destroy(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fill_and_step_back),
        cmocka_unit_test(test_two_threads),
        cmocka_unit_test(test_seqlock_is_never_torn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
