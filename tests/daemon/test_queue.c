/* Events that wait, and jobs in lanes.  SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "daemon/lane.h"
#include "daemon/queue.h"

static void test_order(void **state)
{
    struct event_queue q = { 0 };

    (void)state;
    assert_null(event_queue_first(&q));
    for (uint32_t i = 0; i < 100; i++) {
        struct event e = { .kind = EVENT_LINK_CLOSED };

        e.u.closed.link = i;
        event_queue_push(&q, &e);
        if (i % 3 == 2)
            event_queue_pop(&q);
    }
    for (uint32_t i = 33; i < 100; i++) {
        assert_int_equal(event_queue_first(&q)->u.closed.link, i);
        event_queue_pop(&q);
    }
    assert_null(event_queue_first(&q));
}

/* What the views of an event point to may be gone when its turn comes. */
static void test_views_are_copied(void **state)
{
    struct event_queue q = { 0 };
    char a[] = "title";
    char b[] = "leaves";
    struct event e = { .kind = EVENT_SONG };
    struct event *out;

    (void)state;
    e.u.song.title = bytes_of(a, 5);
    e.u.song.leaves = bytes_of(b, 6);
    event_queue_push(&q, &e);
    e = (struct event){ .kind = EVENT_COMMAND };
    e.u.command.request = bytes_of(a, 3);
    event_queue_push(&q, &e);
    memset(a, 'x', sizeof(a));
    memset(b, 'x', sizeof(b));
    out = event_queue_first(&q);
    assert_true(bytes_equal(out->u.song.title, bytes_of("title", 5)));
    assert_true(bytes_equal(out->u.song.leaves, bytes_of("leaves", 6)));
    assert_int_equal(out->u.song.album.len, 0);
    event_queue_pop(&q);
    assert_true(
        bytes_equal(event_queue_first(&q)->u.command.request, bytes_of("tit", 3)));
    event_queue_pop(&q);
}

struct tick {
    struct job job;
    int *order; /* of the lane; only its worker writes */
    int number;
    int place; /* at which it ran */
    int *done;
};

static void run_tick(struct job *job)
{
    struct tick *t = (struct tick *)job;

    t->place = (*t->order)++;
}

static void tick_done(struct job *job)
{
    struct tick *t = (struct tick *)job;

    assert_int_equal(t->place, t->number);
    assert_int_equal(*t->done, t->number);
    (*t->done)++;
    free(t);
}

/* Two lanes, batches of 1 and of 7: each keeps its order, and the loop ends by itself. */
static void test_lanes(void **state)
{
    static const int batches[2] = { 1, 7 };
    struct lane lanes[2];
    int order[2] = { 0, 0 };
    int done[2] = { 0, 0 };
    uv_loop_t loop;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    for (int i = 0; i < 2; i++)
        lane_init(&lanes[i], &loop, batches[i]);
    for (int n = 0; n < 200; n++) {
        struct tick *t = calloc(1, sizeof(*t));
        int i = n % 2;

        t->job.run = run_tick;
        t->job.done = tick_done;
        t->order = &order[i];
        t->number = n / 2;
        t->done = &done[i];
        lane_submit(&lanes[i], &t->job);
        if (n == 150)
            uv_run(&loop, UV_RUN_NOWAIT);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(done[i], 100);
        assert_int_equal(lane_count(&lanes[i]), 0);
    }
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_views_are_copied),
        cmocka_unit_test(test_lanes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
