/* The table of contacts: one record for many, and none without a reference.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "base/rng.h"
#include "overlay/contacts.h"

#include <stdlib.h>

#define REGION (1 << 24)
#define HELD   5000

static struct peer_rec rec_of(int64_t n)
{
    struct peer_rec rec = { .addr = { .len = 4, .port = (uint16_t)(n % 3 + 1) } };

    store_be64(rec.id.b, (uint64_t)(n / 3));
    return rec;
}

static void test_random(void **state)
{
    void *region = aligned_alloc(16, REGION);
    struct pool p;
    struct contacts c;
    struct rng r;
    uint32_t *held = calloc(HELD, sizeof(*held));
    int64_t *number = calloc(HELD, sizeof(*number));
    int count = 0;

    (void)state;
    rng_seed(&r, 3);
    pool_init(&p, region, REGION);
    contacts_init(&c, &p, 99);
    for (int i = 0; i < 40000; i++) {
        if (count == HELD || (count > 0 && rng_below(&r, 3) == 0)) {
            int k = (int)rng_below(&r, count);
            struct peer_rec want = rec_of(number[k]);

            assert_memory_equal(&contacts_at(&c, held[k])->id, &want.id, NODE_ID_LEN);
            assert_int_equal(contacts_at(&c, held[k])->addr.port, want.addr.port);
            contacts_drop(&c, held[k]);
            held[k] = held[--count];
            number[k] = number[count];
        } else {
            struct peer_rec rec = rec_of(number[count] = rng_below(&r, 3000));

            held[count++] = contacts_add(&c, &rec);
        }
    }
    assert_null(contacts_check(&c));
    assert_true(c.count <= 3000 && c.used <= 3000);
    while (count > 0)
        contacts_drop(&c, held[--count]);
    assert_int_equal(c.count, 0);
    assert_null(contacts_check(&c));
    free(held);
    free(number);
    free(region);
}

static void test_same_is_shared(void **state)
{
    void *region = aligned_alloc(16, REGION);
    struct peer_rec a = rec_of(0);
    struct peer_rec b = rec_of(1); /* the same id at another address */
    struct pool p;
    struct contacts c;
    uint32_t i;

    (void)state;
    pool_init(&p, region, REGION);
    contacts_init(&c, &p, 1);
    i = contacts_add(&c, &a);
    assert_int_equal(contacts_add(&c, &a), i);
    assert_int_not_equal(contacts_add(&c, &b), i);
    assert_int_equal(c.count, 2);
    contacts_drop(&c, i);
    assert_int_equal(contacts_at(&c, i)->addr.port, a.addr.port);
    free(region);
}

static void test_many_references_at_once(void **state)
{
    void *region = aligned_alloc(16, REGION);
    struct peer_rec a = rec_of(0);
    struct pool p;
    struct contacts c;
    uint32_t i;

    (void)state;
    pool_init(&p, region, REGION);
    contacts_init(&c, &p, 1);
    i = contacts_add(&c, &a);
    contacts_keep(&c, i, 1000);
    contacts_release(&c, i, 999);
    contacts_drop(&c, i);
    assert_int_equal(c.count, 1); /* one is left */
    contacts_release(&c, i, 1);
    assert_int_equal(c.count, 0);
    assert_null(contacts_check(&c));
    free(region);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_same_is_shared),
        cmocka_unit_test(test_many_references_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
