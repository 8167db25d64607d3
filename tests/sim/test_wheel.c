/* The wheel against the plainest queue that there is: the same order, whatever is pushed.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "base/time.h"
#include "sim/hash.h"
#include "sim/random.h"
#include "sim/wheel.h"

/* ---- the oracle: a binary heap ---- */

struct heap_queue {
    struct wheel_item *items;
    size_t count;
    size_t room;
};

static bool value_before(const void *context, uint64_t a, uint64_t b)
{
    (void)context;
    return a < b;
}

static bool comes_before(const struct wheel_item *a, const struct wheel_item *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->value < b->value;
}

static void queue_push(struct heap_queue *q, int64_t at_ns, uint64_t value)
{
    struct wheel_item item = { at_ns, value };
    size_t i;

    if (q->count == q->room) {
        q->room = q->room == 0 ? 1024 : 2 * q->room;
        q->items = realloc(q->items, q->room * sizeof(*q->items));
        assert_non_null(q->items);
    }
    for (i = q->count++; i > 0 && comes_before(&item, &q->items[(i - 1) / 2]);
         i = (i - 1) / 2)
        q->items[i] = q->items[(i - 1) / 2];
    q->items[i] = item;
}

static bool queue_pop(struct heap_queue *q, struct wheel_item *item)
{
    struct wheel_item last;
    size_t i = 0;

    if (q->count == 0)
        return false;
    *item = q->items[0];
    last = q->items[--q->count];
    for (size_t child; (child = 2 * i + 1) < q->count; i = child) {
        if (child + 1 < q->count && comes_before(&q->items[child + 1], &q->items[child]))
            child++;
        if (!comes_before(&q->items[child], &last))
            break;
        q->items[i] = q->items[child];
    }
    q->items[i] = last;
    return true;
}

/* ---- the same workload on both ---- */

struct load {
    const char *name;
    int pending;      /* pushed at the start */
    int64_t least_ns; /* delays from here … */
    int64_t most_ns;  /* … to here */
    int64_t far_ns;   /* one in 64 waits so long; 0: none */
    int64_t grain_ns; /* instants are multiples of it */
};

static int64_t delay(const struct load *l, uint64_t seed, uint64_t n)
{
    uint64_t word = random_word(seed, RANDOM_PLAN, n, 1);

    if (l->far_ns > 0 && word % 64 == 0)
        return random_below(random_word(seed, RANDOM_PLAN, n, 2), l->far_ns);
    return random_between(word, l->least_ns, l->most_ns);
}

static void run_load(const struct load *l, int slot_bits, uint64_t seed)
{
    struct wheel *w = calloc(1, sizeof(*w));
    struct heap_queue q = { 0 };
    struct run_hash hashes[2];
    uint64_t pushed = 0;
    uint64_t pops = 0;

    assert_non_null(w);
    wheel_init(w, slot_bits, value_before, NULL);
    run_hash_init(&hashes[0]);
    run_hash_init(&hashes[1]);
    for (int64_t now = 0;; pops++) {
        struct wheel_item a;
        struct wheel_item b;
        int births = pops == 0 ? l->pending
                               : (int)(random_word(seed, RANDOM_LOSS, pops, 0) % 3);

        for (int i = 0; i < births && pushed < 30000; i++) {
            int64_t at = (now + delay(l, seed, pushed)) / l->grain_ns * l->grain_ns;
            uint64_t value = random_word(seed, RANDOM_DISK, pushed++, 0);

            at = at < now ? now : at;
            wheel_push(w, at, value);
            queue_push(&q, at, value);
        }
        assert_int_equal(w->count, q.count);
        assert_true(wheel_next_ns(w) == (q.count > 0 ? q.items[0].at_ns : TIME_NEVER));
        if (!queue_pop(&q, &b)) {
            assert_false(wheel_pop(w, &a));
            break;
        }
        assert_true(wheel_pop(w, &a));
        if (a.at_ns != b.at_ns || a.value != b.value)
            print_message("%s, seed %llu, push %llu\n", l->name, (unsigned long long)seed,
                          (unsigned long long)pushed);
        assert_true(a.at_ns == b.at_ns && a.value == b.value);
        run_hash_word(&hashes[0], a.value ^ (uint64_t)a.at_ns);
        run_hash_word(&hashes[1], b.value ^ (uint64_t)b.at_ns);
        now = a.at_ns;
    }
    assert_true(hashes[0].a == hashes[1].a && hashes[0].b == hashes[1].b);
    assert_true(pushed > (uint64_t)l->pending);
    wheel_finish(w);
    free(w);
    free(q.items);
}

static void run_loads(uint64_t seed)
{
    static const struct load loads[] = {
        { "network", 1000, 10 * NS_PER_MS, 200 * NS_PER_MS, 0, 1 },
        { "one slot", 500, 0, 1000, 0, 1 },
        { "all at once", 6000, 0, 0, 0, 1 },
        { "ties", 3000, 0, 400 * NS_PER_MS, 0, 100 * NS_PER_MS },
        { "dense", 9000, 0, 3 * NS_PER_MS, 0, 1 },
        { "keepalives", 500, 0, 60 * NS_PER_S, 0, 1 },
        { "hours", 200, 0, NS_PER_S, 20 * 3600 * NS_PER_S, 1 },
        { "weeks", 40, 0, 3600 * NS_PER_S, 60 * 24 * 3600 * NS_PER_S, 1 },
        { "edges", 300, 0, 40000 * NS_PER_S, 0, INT64_C(1) << 32 },
    };

    for (size_t i = 0; i < (size_t)COUNT(loads); i++)
        run_load(&loads[i], WHEEL_BITS + (int)(seed % (WHEEL_BITS_MAX - WHEEL_BITS + 1)),
                 seed);
}

static void test_same_order_as_a_heap(void **state)
{
    (void)state;
    for_each_seed(5, run_loads);
}

/* What looks at the next instant makes its slot current; more may come before it. */
static void test_push_before_what_was_looked_at(void **state)
{
    static const uint64_t order[] = { 2, 1, 3 };
    static const int64_t firsts[] = { 5 * NS_PER_S, 30000 * NS_PER_S };
    struct wheel *w = calloc(1, sizeof(*w));
    struct wheel_item item;

    (void)state;
    assert_non_null(w);
    for (int i = 0; i < 2; i++) {
        wheel_init(w, WHEEL_BITS, value_before, NULL);
        wheel_push(w, firsts[i], 1);
        assert_int_equal(wheel_next_ns(w), firsts[i]);
        wheel_push(w, 3, 2);
        wheel_push(w, 2 * firsts[i], 3);
        for (uint64_t expected = 0; expected < COUNT(order); expected++) {
            assert_true(wheel_pop(w, &item));
            assert_int_equal(item.value, order[expected]);
        }
        assert_false(wheel_pop(w, &item));
        wheel_finish(w);
    }
    free(w);
}

static void test_view_ahead(void **state)
{
    struct wheel *w = calloc(1, sizeof(*w));
    struct wheel_item item;
    uint64_t value;

    (void)state;
    assert_non_null(w);
    wheel_init(w, WHEEL_BITS, value_before, NULL);
    for (uint64_t i = 0; i < 100; i++)
        wheel_push(w, (int64_t)(1000 - 10 * i), i);
    assert_false(wheel_ahead(w, 0, &value));
    assert_true(wheel_pop(w, &item));
    assert_int_equal(item.value, 99);
    assert_true(wheel_ahead(w, 8, &value));
    assert_int_equal(value, 90);
    assert_false(wheel_ahead(w, 99, &value));
    wheel_finish(w);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_order_as_a_heap),
        cmocka_unit_test(test_push_before_what_was_looked_at),
        cmocka_unit_test(test_view_ahead),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
