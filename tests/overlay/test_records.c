/* The tables under the view: token buckets, passive view, dials, remembered peers.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "base/rng.h"
#include "overlay/bucket.h"
#include "overlay/dial.h"
#include "overlay/known.h"
#include "overlay/passive.h"

static uint8_t memory[1 << 16] __attribute__((aligned(16)));
static struct pool pool;
static struct heap heap;
static struct contacts contacts;

static void fresh_memory(void)
{
    pool_init(&pool, memory, sizeof(memory));
    heap_init(&heap, &pool);
    contacts_init(&contacts, &pool, 1);
}

static void assert_all_given_back(void)
{
    assert_int_equal(heap.used, 0);
    assert_int_equal(contacts.count, 0);
    assert_null(contacts_check(&contacts));
}

static struct peer_rec rec_of(int n)
{
    struct peer_rec rec = { .addr = { { 10, 0, 0, (uint8_t)n }, 4747, 4 } };

    rec.id.b[31] = (uint8_t)(n + 1);
    return rec;
}

static void test_bucket(void **state)
{
    static const struct {
        const char *fact;
        int64_t at_ms;
        int asked;
        int got;
    } rows[] = {
        { "a full bucket gives its burst", 0, 10, 4 },
        { "an empty one nothing", 999, 3, 0 },
        { "one token comes back in a period", 1000, 3, 1 },
        { "what is not used is saved", 3000, 3, 2 },
        { "… up to the burst", 60000, 10, 4 },
    };
    struct bucket_rate rate = { NS_PER_S, 4 };
    struct bucket b = { 0 };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        int got = 0;

        for (int k = 0; k < rows[i].asked; k++) {
            int64_t now = 5000 * NS_PER_S + rows[i].at_ms * NS_PER_MS;
            bool has = bucket_has(&b, rate, now);

            assert_int_equal(bucket_take(&b, rate, now), has);
            got += has;
        }
        if (got != rows[i].got)
            fail_msg("%s: %d", rows[i].fact, got);
    }
}

static void passive_new(struct passive *v, int max, struct rng *rng)
{
    fresh_memory();
    passive_init(v, max, &heap, &contacts);
    rng_seed(rng, 1);
}

/* A dial of this entry failed, and it may be tried again. */
static void fail_dial(struct passive *v, int index, struct rng *rng)
{
    passive_failed(v, index, NS_PER_S, 0, rng);
    passive_wait_until(v, index, 0);
}

/* What came of trying an entry stays with it, whatever comes and goes around it. */
static void test_passive_trials_follow(void **state)
{
    struct passive v;
    struct rng rng;
    int fails[40] = { 0 };

    (void)state;
    passive_new(&v, 24, &rng);
    for (int step = 0; step < 20000; step++) {
        int n = (int)rng_below(&rng, 40);
        struct peer_rec rec = rec_of(n);
        int i = passive_find(&v, &rec.id);
        int what = (int)rng_below(&rng, 8);

        if (i < 0 && v.count < 24) {
            passive_add(&v, &rec, false, &rng);
            fails[n] = 0;
        } else if (i >= 0 && what < 3) {
            passive_failed(&v, i, NS_PER_S, step * NS_PER_S, &rng);
            fails[n]++;
        } else if (i >= 0 && what == 3) {
            passive_refused(&v, i, NS_PER_S, step * NS_PER_S, &rng);
            fails[n] = 0;
        } else if (i >= 0 && what == 4) {
            passive_reached(&v, i);
            fails[n] = 0;
        } else if (i >= 0 && what < 7) {
            passive_remove(&v, i);
        } else if (step % 4 == 0) {
            passive_sweep(&v, step * NS_PER_S);
        }
        assert_null(passive_check(&v));
        i = passive_find(&v, &rec.id);
        if (i >= 0)
            assert_int_equal(passive_fails(&v, i), fails[n]);
    }
    for (int i = 0; i < v.count; i++)
        passive_reached(&v, i);
    passive_finish(&v);
    assert_all_given_back();
}

static void test_passive_makes_room(void **state)
{
    struct passive v;
    struct rng rng;
    struct peer_recs recs = { 0 };
    struct peer_rec rec;

    (void)state;
    passive_new(&v, 4, &rng);
    for (int n = 0; n < 4; n++) {
        rec = rec_of(n);
        assert_int_equal(passive_add(&v, &rec, false, &rng), n);
    }
    v.list[2].is_sent = true;
    passive_failed(&v, 1, NS_PER_S, 0, &rng);
    rec = rec_of(10); /* in the place of the one that failed */
    assert_int_equal(passive_add(&v, &rec, false, &rng), 1);
    rec = rec_of(11); /* … then of the one that was given away */
    assert_int_equal(passive_add(&v, &rec, false, &rng), 2);
    rec = rec_of(12); /* … then of any */
    assert_in_range(passive_add(&v, &rec, false, &rng), 0, 3);
    assert_int_equal(v.count, 4);
    passive_sample(&v, 16, &rec.id, true, &rng, &recs);
    assert_int_equal(recs.count, 3); /* all but the one named */
    passive_finish(&v);
    assert_all_given_back();
}

static void test_passive_address_changes(void **state)
{
    struct passive v;
    struct rng rng;
    struct peer_rec rec = rec_of(1);

    (void)state;
    passive_new(&v, 4, &rng);
    passive_add(&v, &rec, false, &rng);
    rec.addr.port = 1;
    passive_add(&v, &rec, false, &rng);
    assert_int_equal(passive_rec(&v, 0)->addr.port, 4747); /* hearsay */
    passive_failed(&v, 0, NS_PER_S, 0, &rng);
    passive_add(&v, &rec, false, &rng);
    assert_int_equal(passive_rec(&v, 0)->addr.port, 1); /* … better than what fails */
    assert_int_equal(passive_fails(&v, 0), 0);
    rec.addr.port = 2;
    passive_add(&v, &rec, true, &rng);
    assert_int_equal(passive_rec(&v, 0)->addr.port, 2); /* it says so itself */
    assert_int_equal(v.count, 1);
}

static void test_passive_backs_off(void **state)
{
    struct passive v;
    struct rng rng;
    struct peer_rec rec = rec_of(1);
    int64_t max = 60 * NS_PER_S;
    int64_t now = 100 * PASSIVE_UNIT_NS;

    (void)state;
    passive_new(&v, 4, &rng);
    passive_add(&v, &rec, false, &rng);
    for (int i = 0; i < 300; i++) {
        int64_t want = i < 6 ? NS_PER_S << i : max;

        passive_failed(&v, 0, max, now, &rng);
        assert_in_range(passive_retry_ns(&v, 0, now) - now, want * 4 / 5,
                        want * 6 / 5 + PASSIVE_UNIT_NS);
    }
    assert_int_equal(passive_fails(&v, 0), 255);
    for (int i = 0; i < 300; i++) {
        int64_t want = i < 4 ? 5 * NS_PER_S << i : max;

        passive_refused(&v, 0, max, now, &rng);
        assert_in_range(passive_retry_ns(&v, 0, now) - now, want * 4 / 5,
                        want * 6 / 5 + PASSIVE_UNIT_NS);
    }
    assert_int_equal(passive_fails(&v, 0), 0); /* who refuses is alive */
}

/* Instants of retries wrap after an hour: who is swept now and then is right for ever. */
static void test_passive_waits_do_not_come_back(void **state)
{
    struct passive v;
    struct rng rng;
    struct peer_rec rec = rec_of(1);

    (void)state;
    passive_new(&v, 4, &rng);
    passive_add(&v, &rec, false, &rng);
    passive_wait_until(&v, 0, 1000 * NS_PER_S);
    for (int64_t s = 0; s < 40000; s += 300) {
        assert_int_equal(passive_pick(&v, s * NS_PER_S, &rng), s >= 1000 ? 0 : -1);
        passive_sweep(&v, s * NS_PER_S);
    }
    assert_int_equal(passive_pick(&v, 5000 * NS_PER_S, &rng), 0);
}

static void test_passive_picks_sound_ones_first(void **state)
{
    struct passive v;
    struct rng rng;
    int seen[3] = { 0 };

    (void)state;
    passive_new(&v, 4, &rng);
    assert_int_equal(passive_pick(&v, 0, &rng), -1);
    assert_true(passive_next_ns(&v, 0) == TIME_NEVER);
    for (int n = 0; n < 3; n++) {
        struct peer_rec rec = rec_of(n);

        passive_add(&v, &rec, false, &rng);
    }
    for (int i = 0; i < 300; i++)
        seen[passive_pick(&v, 0, &rng)]++;
    for (int n = 0; n < 3; n++)
        assert_in_range(seen[n], 60, 140);
    fail_dial(&v, 0, &rng);
    passive_wait_until(&v, 1, 50 * NS_PER_S);
    assert_int_equal(passive_pick(&v, 0, &rng), 2);
    passive_wait_until(&v, 2, 60 * NS_PER_S);
    assert_int_equal(passive_pick(&v, 0, &rng), 0); /* failing, but due */
    passive_wait_until(&v, 0, 70 * NS_PER_S);
    assert_int_equal(passive_pick(&v, 49 * NS_PER_S, &rng), -1);
    assert_in_range(passive_next_ns(&v, 0), 50 * NS_PER_S,
                    50 * NS_PER_S + PASSIVE_UNIT_NS);
    assert_int_equal(passive_pick(&v, 50 * NS_PER_S + PASSIVE_UNIT_NS, &rng), 1);
}

static void test_groups_of_addresses(void **state)
{
    static const struct {
        const char *fact;
        struct addr a;
        struct addr b;
        bool is_one;
    } rows[] = {
        { "one /16", { { 8, 8, 1, 1 }, 1, 4 }, { { 8, 8, 200, 9 }, 2, 4 }, true },
        { "two of them", { { 8, 8, 1, 1 }, 1, 4 }, { { 8, 9, 1, 1 }, 1, 4 }, false },
        { "one /32",
          { { 0x20, 1, 2, 3, 4 }, 1, 16 },
          { { 0x20, 1, 2, 3, 5 }, 1, 16 },
          true },
        { "two", { { 0x20, 1, 2, 3 }, 1, 16 }, { { 0x20, 1, 2, 4 }, 1, 16 }, false },
        { "mapped IPv4",
          { { [10] = 0xff, [11] = 0xff, [12] = 8, [13] = 8 }, 1, 16 },
          { { 8, 8, 3, 3 }, 1, 4 },
          true },
    };
    static const struct addr private[] = {
        { { 10, 1, 2, 3 }, 1, 4 },    { { 192, 168, 1, 1 }, 1, 4 },
        { { 172, 31, 1, 1 }, 1, 4 },  { { 127, 0, 0, 1 }, 1, 4 },
        { { 169, 254, 1, 1 }, 1, 4 }, { { 100, 64, 0, 1 }, 1, 4 },
        { { 0xfe, 0x80, 1 }, 1, 16 }, { { 0xfd, 1 }, 1, 16 },
        { { [15] = 1 }, 1, 16 },
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        if ((passive_group(&rows[i].a) == passive_group(&rows[i].b)) != rows[i].is_one ||
            passive_group(&rows[i].a) == 0)
            fail_msg("%s", rows[i].fact);
    }
    for (int i = 0; i < COUNT(private); i++)
        assert_true(passive_group(&private[i]) == 0);
}

/* However many addresses an attacker has in one block, the view holds one of them. */
static void test_one_entry_of_each_group(void **state)
{
    struct passive v;
    struct rng rng;
    struct peer_rec rec;

    (void)state;
    for (int group_min = 0; group_min <= 3; group_min += 3) {
        passive_new(&v, 50, &rng);
        v.group_min = (uint16_t)group_min;
        for (int n = 0; n < 60; n++) {
            rec = rec_of(n);
            rec.addr.ip[0] = 8;
            rec.addr.ip[1] = (uint8_t)(n < 30 ? 100 + n : 7); /* 30 nets, one with 30 */
            passive_add(&v, &rec, false, &rng);
        }
        assert_int_equal(v.count, group_min == 0 ? 50 : 31);
        passive_failed(&v, 30 % v.count, NS_PER_S, 0, &rng);
        rec.id.b[0] = 99;
        passive_add(&v, &rec, false, &rng); /* in the place of one that fails */
        assert_int_equal(v.count, group_min == 0 ? 50 : 31);
        assert_true(passive_find(&v, &rec.id) >= 0);
        passive_finish(&v);
        assert_all_given_back();
    }
    passive_new(&v, 50, &rng);
    v.group_min = 3;
    for (int n = 0; n < 20; n++) { /* all that we know is one university: no rule */
        rec = rec_of(n);
        rec.addr.ip[0] = (uint8_t)(n % 2 == 0 ? 8 : 9);
        passive_add(&v, &rec, false, &rng);
    }
    assert_int_equal(v.count, 20);
    passive_finish(&v);
}

static void test_sample_is_fair_and_sound(void **state)
{
    struct passive v;
    struct rng rng;
    int seen[20] = { 0 };
    struct node_id none = { { 0 } };

    (void)state;
    passive_new(&v, 20, &rng);
    for (int n = 0; n < 20; n++) {
        struct peer_rec rec = rec_of(n);

        passive_add(&v, &rec, false, &rng);
    }
    fail_dial(&v, 7, &rng);
    for (int i = 0; i < 1000; i++) {
        struct peer_recs recs = { 0 };

        passive_sample(&v, 5, &none, false, &rng, &recs);
        assert_int_equal(recs.count, 5);
        for (int k = 0; k < 5; k++)
            seen[recs.list[k].addr.ip[3]]++;
    }
    for (int n = 0; n < 20; n++) {
        if (n == 7)
            assert_int_equal(seen[n], 0);
        else
            assert_in_range(seen[n], 200, 330); /* 263 on average */
    }
}

static void test_dials(void **state)
{
    struct dials d;
    struct peer_rec rec = rec_of(1);
    struct dial x = { .purposes = DIAL_SHUFFLE, .deadline_ns = 9 };

    (void)state;
    fresh_memory();
    dials_init(&d, 2, &heap, &contacts);
    assert_true(dials_next_ns(&d) == TIME_NEVER);
    assert_true(dials_add(&d, &rec, &x));
    assert_int_equal(dials_slots(&d), 0);
    x.purposes = DIAL_NEIGHBOR;
    rec.addr.port = 99;
    assert_true(dials_add(&d, &rec, &x)); /* the same id: one dial for both */
    assert_int_equal(d.count, 1);
    assert_int_equal(d.list[0].purposes, DIAL_SHUFFLE | DIAL_NEIGHBOR);
    assert_int_equal(dials_slots(&d), 1);
    x = (struct dial){ .purposes = DIAL_JOIN, .is_forced = true, .deadline_ns = 5 };
    rec = (struct peer_rec){ .addr = rec_of(2).addr };
    assert_true(dials_add(&d, &rec, &x)); /* for whoever answers */
    assert_true(dials_add(&d, &rec, &x));
    assert_int_equal(d.count, 2);
    assert_int_equal(dials_slots(&d), 1);
    assert_int_equal(dials_next_ns(&d), 5);
    rec.addr = rec_of(3).addr;
    assert_false(dials_add(&d, &rec, &x));
    assert_int_equal(dials_take(&d), 0);
    assert_int_equal(dials_take(&d), 1);
    assert_int_equal(dials_take(&d), -1);
    dials_remove(&d, 0);
    assert_int_equal(dials_find_addr(&d, &dials_rec(&d, 0)->addr), 0);
    assert_int_equal(dials_find_id(&d, &dials_rec(&d, 0)->id), -1); /* names nobody */
    assert_int_equal(dials_take(&d), -1);
    dials_remove(&d, 0);
    assert_all_given_back(); /* at once: most nodes have no dial most of the time */
}

/* Whatever is added and forgotten: what the node has stored in the end is the table. */
static void mirrored(uint64_t seed)
{
    struct known k;
    struct rng r;
    bool stored[40] = { false };

    fresh_memory();
    known_init(&k, 8, &heap, &contacts);
    rng_seed(&r, seed);
    for (int n = 0; n < 5; n++) {
        struct peer_rec rec = rec_of(n);

        stored[n] = known_load(&k, &rec);
    }
    for (int i = 0; i < 500; i++) {
        struct peer_rec rec = rec_of((int)rng_below(&r, 40));
        bool is_forget;
        int held = 0;

        if (rng_below(&r, 3) > 0)
            known_add(&k, &rec, 0, i * NS_PER_S);
        else
            known_forget(&k, &rec.id);
        if (rng_below(&r, 2) == 0)
            continue; /* the node takes two at once now and then */
        while (known_take(&k, &rec, &is_forget))
            stored[rec.addr.ip[3]] = !is_forget;
        for (int n = 0; n < 40; n++)
            held += stored[n];
        assert_int_equal(held, k.count);
        assert_in_range(k.count, 0, 8);
    }
    known_finish(&k);
    assert_all_given_back();
}

/* Those that stayed longest survive any number of newer ones. */
static void test_anchors_stay(void **state)
{
    struct known k;

    (void)state;
    fresh_memory();
    known_init(&k, 20, &heap, &contacts);
    for (int n = 0; n < 8; n++) {
        struct peer_rec rec = rec_of(n);

        known_add(&k, &rec, 3600 * NS_PER_S, NS_PER_S);
    }
    for (int n = 8; n < 200; n++) {
        struct peer_rec rec = rec_of(n);

        known_add(&k, &rec, 60 * NS_PER_S, n * NS_PER_S);
    }
    assert_int_equal(k.count, 20);
    for (int n = 0; n < 8; n++) {
        bool is_there = false;

        for (int i = 0; i < k.count; i++)
            is_there = is_there || known_rec(&k, i)->addr.ip[3] == n;
        assert_true(is_there);
    }
    known_finish(&k);
    assert_all_given_back();
}

static void test_small_bucket(void **state)
{
    struct bucket_rate rate = { NS_PER_S, 4 };
    struct bucket_small b = { 0 };
    int64_t now = 0;

    (void)state;
    for (int days = 0; days < 400; days++) {
        int got = 0;

        for (int i = 0; i < 10; i++)
            got += bucket_small_take(&b, rate, now);
        if (got != 4)
            fail_msg("day %d: %d", days, got);
        assert_false(bucket_small_take(&b, rate, now + 900 * NS_PER_MS));
        assert_true(bucket_small_take(&b, rate, now + 1002 * NS_PER_MS));
        now += 86399 * NS_PER_S + 777 * NS_PER_MS;
    }
}

static void test_known_is_mirrored(void **state)
{
    (void)state;
    for_each_seed(50, mirrored);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bucket),
        cmocka_unit_test(test_passive_trials_follow),
        cmocka_unit_test(test_passive_makes_room),
        cmocka_unit_test(test_passive_address_changes),
        cmocka_unit_test(test_passive_backs_off),
        cmocka_unit_test(test_passive_waits_do_not_come_back),
        cmocka_unit_test(test_passive_picks_sound_ones_first),
        cmocka_unit_test(test_groups_of_addresses),
        cmocka_unit_test(test_one_entry_of_each_group),
        cmocka_unit_test(test_sample_is_fair_and_sound),
        cmocka_unit_test(test_dials),
        cmocka_unit_test(test_known_is_mirrored),
        cmocka_unit_test(test_anchors_stay),
        cmocka_unit_test(test_small_bucket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
