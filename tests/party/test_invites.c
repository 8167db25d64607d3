/* The calls heard, and the order in which calls give way.  SPDX-License-Identifier: MIT
 */
#include "tests/check.h"

#include "party/invites.h"
#include "party/log.h"
#include "party/priority.h"
#include "secure/hash.h"

#define KEEP_NS (90 * NS_PER_S)

static int setup(void **state)
{
    (void)state;
    return secure_init();
}

/* A call of host number h, its n-th party. */
static struct call call_of(int h, int n, uint8_t key[static KEY_LEN])
{
    struct call c = { .name = bytes_of("kitchen", 7), .host_name = bytes_of("ana", 3) };

    memset(key, h + 1, KEY_LEN);
    c.nonce[0] = (uint8_t)n;
    c.epoch = 1;
    memcpy(c.founder, key, KEY_LEN);
    c.deadline_ms = 30000;
    c.song_count = 1;
    c.songs[0].title = bytes_of("So What", 7);
    party_id_make(&suite_real, key, c.nonce, &c.party);
    return c;
}

static enum invites_result add(struct invites *t, int h, int n, int64_t now_ns)
{
    uint8_t key[KEY_LEN];
    struct call c = call_of(h, n, key);
    struct flood_id f = { { (uint8_t)h, (uint8_t)n } };

    return invites_add(t, &c, key, &f, KEEP_NS, now_ns);
}

#define MAX 16

static _Alignas(16) uint8_t memory[64 * 1024];
static struct pool pool;
static struct heap heap;

static void init(struct invites *t)
{
    pool_init(&pool, memory, sizeof(memory));
    heap_init(&heap, &pool);
    invites_init(t, &suite_real, &heap, MAX);
}

static void test_one_per_party_and_host(void **state)
{
    struct invites t;
    uint8_t key[KEY_LEN];
    struct call c = call_of(0, 0, key);

    (void)state;
    init(&t);
    assert_int_equal(add(&t, 0, 0, 0), INVITES_NEW);
    assert_int_equal(add(&t, 0, 0, 10 * NS_PER_S), INVITES_AGAIN);
    assert_int_equal(t.count, 1);
    assert_int_equal(t.list[0].deadline_ns, 40 * NS_PER_S);
    assert_string_equal(t.list[0].songs[0].title, "So What");
    assert_string_equal(t.list[0].host_name, "ana");
    assert_true(t.list[0].has_route);
    assert_int_equal(add(&t, 0, 1, 0), INVITES_NEW); /* its newer party instead */
    assert_int_equal(t.count, 1);
    assert_null(invites_find(&t, &c.party));
}

static void test_forged(void **state)
{
    struct invites t;
    uint8_t key[KEY_LEN];
    struct call c = call_of(0, 0, key);

    (void)state;
    init(&t);
    key[0] ^= 1;
    assert_int_equal(invites_add(&t, &c, key, NULL, KEEP_NS, 0), INVITES_FORGED);
    key[0] ^= 1;
    c.nonce[1] ^= 1;
    assert_int_equal(invites_add(&t, &c, key, NULL, KEEP_NS, 0), INVITES_FORGED);
    assert_int_equal(t.count, 0);
}

/* The oldest goes, but not the one that was accepted. */
static void test_bounded(void **state)
{
    struct invites t;
    struct party_id kept;

    (void)state;
    init(&t);
    for (int i = 0; i < MAX; i++) {
        assert_int_equal(add(&t, i, 0, i), INVITES_NEW);
    }
    assert_int_equal(t.count, MAX);
    t.list[0].state = INVITE_ACCEPTED;
    kept = t.list[0].party;
    for (int i = 0; i < 3; i++) {
        struct party_id oldest = t.list[1].party;

        assert_int_equal(add(&t, 99 + i, 0, 50), INVITES_NEW);
        assert_int_equal(t.count, MAX);
        assert_null(invites_find(&t, &oldest));
        assert_ptr_equal(invites_find(&t, &kept), &t.list[0]);
    }
    assert_int_equal(t.evicted, 3);
    assert_int_equal(add(&t, 7, 0, 60), INVITES_AGAIN);
    assert_int_equal(t.count, MAX);
    assert_int_equal(invites_wake_ns(&t), 120 * NS_PER_S);
    invites_expire(&t, 120 * NS_PER_S);
    assert_int_equal(t.count, MAX - 1);
    invites_expire(&t, TIME_NEVER - 1);
    assert_int_equal(t.count, 0);
    assert_int_equal(invites_wake_ns(&t), TIME_NEVER);
    assert_true(heap.used == 0);
    add(&t, 1, 0, 0);
    assert_true(heap.used > 0);
    invites_finish(&t);
    assert_true(heap.used == 0);
}

static void test_running(void **state)
{
    struct invites t;
    uint8_t key[KEY_LEN];
    struct call c = call_of(0, 0, key);

    (void)state;
    init(&t);
    c.deadline_ms = 0;
    assert_int_equal(invites_add(&t, &c, key, NULL, KEEP_NS, 0), INVITES_NEW);
    assert_true(t.list[0].is_running);
    assert_int_equal(t.list[0].deadline_ns, TIME_NEVER);
    assert_int_equal(t.list[0].expires_ns, KEEP_NS);
    assert_false(t.list[0].has_route);
}

static void test_pick(void **state)
{
    struct invites t;
    struct invite *v = NULL;
    char text[2 * PARTY_ID_LEN + 2];

    (void)state;
    init(&t);
    assert_int_equal(invites_pick(&t, "", &v), ERR_NOT_FOUND);
    add(&t, 0, 0, 0);
    assert_int_equal(invites_pick(&t, "", &v), 0);
    assert_ptr_equal(v, &t.list[0]);
    add(&t, 1, 0, 0);
    assert_int_equal(invites_pick(&t, "", &v), ERR_USAGE);
    hex_encode(t.list[1].party.b, PARTY_ID_LEN, text);
    for (int len = 2 * PARTY_ID_LEN; len >= 6; len--) {
        text[len] = '\0';
        assert_int_equal(invites_pick(&t, text, &v), 0);
        assert_ptr_equal(v, &t.list[1]);
    }
    text[0] = text[0] == '0' ? '1' : '0';
    assert_int_equal(invites_pick(&t, text, &v), ERR_NOT_FOUND);
    assert_int_equal(invites_pick(&t, "xy", &v), ERR_USAGE);
    assert_int_equal(invites_pick(&t, "000000000000000000000000000000000", &v),
                     ERR_USAGE);
    t.list[0].state = INVITE_DECLINED;
    assert_int_equal(invites_pick(&t, "", &v), 0);
    assert_ptr_equal(v, &t.list[1]);
    invites_remove(&t, &t.list[0].party);
    assert_int_equal(t.count, 1);
}

/* ---- priority ---- */

static const struct priority_row {
    const char *fact;
    struct priority a;
    struct priority b; /* the fitter one */
} priorities[] = {
    { "reach first", { 1, 9, 9, 9 }, { 2, 0, 0, 0 } },
    { "then uplink", { 2, 1, 9, 9 }, { 2, 2, 0, 0 } },
    { "then clock", { 2, 2, 1, 9 }, { 2, 2, 2, 0 } },
    { "then uptime", { 2, 2, 2, 1 }, { 2, 2, 2, 2 } },
    { "no sign trouble", { 127, 0, 0, 0 }, { 255, 0, 0, 0 } },
};

static void test_priority(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(priorities); i++) {
        struct candidate a = { .priority = priorities[i].a };
        struct candidate b = { .priority = priorities[i].b };

        if (candidate_compare(&a, &b) >= 0 || candidate_compare(&b, &a) <= 0) {
            fail_msg("%s", priorities[i].fact);
        }
        assert_int_equal(candidate_compare(&a, &a), 0);
    }
}

/* The lot is a total order, differs by party and epoch, and favours nobody. */
static void test_lot(void **state)
{
    int wins = 0;
    int flips = 0;

    (void)state;
    for (int i = 0; i < 400; i++) {
        struct candidate a = { .party = { { (uint8_t)i, (uint8_t)(i >> 8) } },
                               .epoch = 1 };
        struct candidate b = a;
        int first;

        a.node.b[0] = 1;
        b.node.b[0] = 2;
        first = candidate_compare(&a, &b);
        assert_true(first != 0);
        assert_true((first > 0) == (candidate_compare(&b, &a) < 0));
        wins += first > 0;
        a.epoch = 2;
        b.epoch = 2;
        flips += (candidate_compare(&a, &b) > 0) != (first > 0);
    }
    assert_true(wins > 140 && wins < 260);
    assert_true(flips > 140 && flips < 260);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_per_party_and_host),
        cmocka_unit_test(test_forged),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_running),
        cmocka_unit_test(test_pick),
        cmocka_unit_test(test_priority),
        cmocka_unit_test(test_lot),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
