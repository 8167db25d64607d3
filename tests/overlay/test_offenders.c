/* Who was cut off: by id and by group of addresses, for a time, in a bounded table.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "overlay/offenders.h"

#define T0        (1000 * NS_PER_S)
#define POOL_SIZE (1 << 20)

struct bench {
    struct offender_params p;
    struct pool pool;
    struct heap heap;
    struct offenders o;
    void *memory;
};

static void start(struct bench *b)
{
    memset(b, 0, sizeof(*b));
    b->p = offender_params_default();
    b->memory = aligned_alloc(16, POOL_SIZE);
    assert_non_null(b->memory);
    pool_init(&b->pool, b->memory, POOL_SIZE);
    heap_init(&b->heap, &b->pool);
    offenders_init(&b->o, &b->p, &b->heap);
}

static void stop(struct bench *b)
{
    offenders_finish(&b->o);
    assert_int_equal(b->heap.used, 0);
    free(b->memory);
}

static struct peer_rec rec_at(int id, const char *addr)
{
    struct peer_rec rec = { .id.b = { (uint8_t)id, (uint8_t)(id >> 8), 1 } };

    if (addr_parse(addr, 4747, &rec.addr) != 0)
        fail_msg("%s", addr);
    return rec;
}

static void test_who_is_banned(void **state)
{
    static const struct {
        const char *fact;
        const char *banned;
        int id;
        const char *addr;
        bool is_banned;
    } rows[] = {
        { "the same id elsewhere", "8.8.8.8", 1, "9.9.9.9", true },
        { "another id there", "8.8.8.8", 2, "8.8.8.8", true },
        { "another id next door", "8.8.8.8", 2, "8.8.8.255", true },
        { "another id in the next group", "8.8.8.8", 2, "8.8.9.8", false },
        { "a private address has no group", "10.0.0.1", 2, "10.0.0.2", false },
        { "… nor has one behind a provider", "100.64.1.1", 2, "100.64.1.2", false },
        { "… nor this machine", "127.0.0.1", 2, "127.0.0.1", false },
        { "IPv6, the same /48", "[2001:db8:1::1]", 2, "[2001:db8:1:9::5]", true },
        { "IPv6, another /48", "[2001:db8:1::1]", 2, "[2001:db8:2::1]", false },
        { "IPv6, unique local", "[fd00::1]", 2, "[fd00::2]", false },
        { "another family", "8.8.8.8", 2, "[808:808::1]", false },
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        struct bench b;
        struct peer_rec banned = rec_at(1, rows[i].banned);
        struct peer_rec other = rec_at(rows[i].id, rows[i].addr);

        start(&b);
        assert_int_equal(offenders_left_ns(&b.o, &other, T0), 0);
        offenders_ban(&b.o, &banned, T0);
        if ((offenders_left_ns(&b.o, &other, T0 + 599 * NS_PER_S) > 0) !=
            rows[i].is_banned)
            fail_msg("%s", rows[i].fact);
        assert_int_equal(offenders_left_ns(&b.o, &other, T0 + 600 * NS_PER_S), 0);
        stop(&b);
    }
}

static void test_points_are_found_again(void **state)
{
    struct bench b;
    struct peer_rec rec = rec_at(1, "8.8.8.8");
    struct peer_rec other = rec_at(2, "8.8.8.8");

    (void)state;
    start(&b);
    offenders_remember(&b.o, &rec, T0 + 300 * NS_PER_S, T0);
    assert_int_equal(offenders_debt_ns(&b.o, &rec.id), T0 + 300 * NS_PER_S);
    assert_int_equal(offenders_debt_ns(&b.o, &other.id), 0);
    assert_int_equal(offenders_left_ns(&b.o, &rec, T0), 0); /* no ban */
    stop(&b);
}

/* Of more than the table holds those stay who have the most time left. */
static void test_the_table_is_bounded(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    for (int i = 0; i < 100; i++) {
        struct peer_rec rec = rec_at(i, "10.0.0.1");

        offenders_ban(&b.o, &rec, T0 + i * NS_PER_S);
        assert_in_range(b.o.count, 1, 32);
    }
    for (int i = 0; i < 100; i++) {
        struct peer_rec rec = rec_at(i, "10.0.0.1");

        assert_int_equal(offenders_left_ns(&b.o, &rec, T0 + 100 * NS_PER_S) > 0, i >= 68);
    }
    offenders_ban(&b.o, &(struct peer_rec){ .id.b = { 7 } }, T0 + 3000 * NS_PER_S);
    assert_int_equal(b.o.count, 1); /* what is over goes */
    stop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_is_banned),
        cmocka_unit_test(test_points_are_found_again),
        cmocka_unit_test(test_the_table_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
