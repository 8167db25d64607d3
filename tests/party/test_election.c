/* Grants, certificates and the one rule of those who grant.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "base/rng.h"
#include "party/election.h"

#define PEOPLE 8

static struct identity people[PEOPLE];
static uint8_t keys[PEOPLE][KEY_LEN];
static const struct party_id party = { { 1, 2, 3 } };
static const uint8_t head[HASH_LEN] = { 4 };
static const uint8_t other_head[HASH_LEN] = { 5 };

static int setup(void **state)
{
    (void)state;
    if (secure_init() != 0) {
        return -1;
    }
    for (int i = 0; i < PEOPLE; i++) {
        uint8_t seed[32] = { (uint8_t)(i + 1) };

        suite_real.identity(&people[i], seed);
        memcpy(keys[i], people[i].sign_public, KEY_LEN);
    }
    return 0;
}

static struct coord coord_by(const int *voters, int count, int host, uint64_t epoch)
{
    struct coord c = { .party = party, .epoch = epoch, .grant_count = count };

    memcpy(c.host, keys[host], KEY_LEN);
    for (int i = 0; i < count; i++) {
        memcpy(c.grants[i].key, keys[voters[i]], KEY_LEN);
        grant_sign(&people[voters[i]], &party, epoch, keys[host], c.grants[i].sig);
    }
    return c;
}

static void test_certificates(void **state)
{
    static const struct row {
        const char *fact;
        int voters; /* the first so many people */
        int count;
        int who[COORD_GRANTS_MAX];
        bool want;
    } rows[] = {
        { "two of three", 3, 2, { 1, 2 }, true },
        { "all of three", 3, 3, { 0, 1, 2 }, true },
        { "one of three", 3, 1, { 1 }, false },
        { "half of four", 4, 2, { 1, 2 }, false },
        { "three of four", 4, 3, { 1, 2, 3 }, true },
        { "nobody of one", 1, 0, { 0 }, false },
        { "one of one", 1, 1, { 0 }, true },
        { "one of two", 2, 1, { 1 }, false },
        { "one twice", 3, 2, { 1, 1 }, false },
        { "a stranger", 3, 2, { 1, 5 }, false },
        { "a stranger too many", 3, 3, { 1, 2, 5 }, false },
        { "four of seven", 7, 4, { 3, 4, 5, 6 }, true },
        { "three of seven", 7, 3, { 4, 5, 6 }, false },
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        struct coord c = coord_by(rows[i].who, rows[i].count, 1, 2);

        if (coord_verify(&suite_real, &c, (const uint8_t(*)[KEY_LEN])keys,
                         rows[i].voters) != rows[i].want) {
            fail_msg("%s", rows[i].fact);
        }
    }
}

static void test_a_grant_is_for_one_thing(void **state)
{
    int who[2] = { 1, 2 };
    struct coord good = coord_by(who, 2, 1, 2);
    struct coord c = good;

    (void)state;
    assert_true(coord_verify(&suite_real, &c, (const uint8_t(*)[KEY_LEN])keys, 3));
    c.epoch = 3;
    assert_false(coord_verify(&suite_real, &c, (const uint8_t(*)[KEY_LEN])keys, 3));
    c = good;
    c.party.b[0] ^= 1;
    assert_false(coord_verify(&suite_real, &c, (const uint8_t(*)[KEY_LEN])keys, 3));
    c = good;
    memcpy(c.host, keys[2], KEY_LEN);
    assert_false(coord_verify(&suite_real, &c, (const uint8_t(*)[KEY_LEN])keys, 3));
    c = good;
    c.grants[0].sig[0] ^= 1;
    assert_false(coord_verify(&suite_real, &c, (const uint8_t(*)[KEY_LEN])keys, 3));
}

static void test_ballot(void **state)
{
    static const struct row {
        const char *fact;
        uint64_t epoch;
        int host;
        bool is_same_head;
        bool has_lease;
        bool want;
    } rows[] = {
        { "the host is alive", 2, 1, true, true, false },
        { "not our epoch again", 1, 1, true, false, false },
        { "lacks entries", 2, 1, false, false, false },
        { "a good claim", 2, 1, true, false, true },
        { "the same again", 2, 1, true, false, true },
        { "another host of that epoch", 2, 2, true, false, false },
        { "a higher epoch", 4, 2, true, false, true },
        { "one in between", 3, 1, true, false, false },
        { "the first again", 2, 1, true, false, false },
        { "nobody while a lease runs", 9, 2, true, true, false },
    };
    struct ballot b = { 0 };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        struct ballot_claim c = {
            .epoch = rows[i].epoch,
            .host = keys[rows[i].host],
            .previous = rows[i].is_same_head ? head : other_head,
            .current = 1,
            .present = keys[0],
            .head = head,
            .lease_left_ns = rows[i].has_lease ? 1 : 0,
        };

        if (ballot_grant(&b, &c) != rows[i].want) {
            fail_msg("%s", rows[i].fact);
        }
    }
}

static void test_handover(void **state)
{
    struct msg_handover m = { .party = party, .epoch = 2 };
    struct ballot b = { 0 };
    struct ballot_claim c = { .epoch = 2,
                              .host = keys[3],
                              .previous = head,
                              .current = 1,
                              .present = keys[0],
                              .head = head,
                              .lease_left_ns = 5 };

    (void)state;
    memcpy(m.host, keys[3], KEY_LEN);
    handover_sign(&people[0], &party, 2, keys[3], m.sig);
    assert_true(handover_verify(&suite_real, keys[0], &m));
    assert_false(handover_verify(&suite_real, keys[1], &m));
    /* A grant is no handover, nor the other way round. */
    assert_false(grant_verify(&suite_real, keys[0], &party, 2, keys[3], m.sig));
    assert_false(ballot_grant(&b, &c));
    ballot_handover(&b, &m);
    c.host = keys[4];
    assert_false(ballot_grant(&b, &c));
    c.host = keys[3];
    assert_true(ballot_grant(&b, &c));
}

/* Whatever is claimed in whatever order: no two hosts of one epoch get a majority. */
static void one_seed(uint64_t seed)
{
    struct rng r;
    struct ballot ballots[5] = { { 0 } };
    int granted[10][PEOPLE] = { { 0 } };

    rng_seed(&r, seed);
    for (int i = 0; i < 300; i++) {
        int voter = (int)rng_below(&r, 5);
        int host = (int)rng_below(&r, 5);
        uint64_t epoch = (uint64_t)rng_below(&r, 10);
        bool was_new = ballots[voter].epoch != epoch;
        struct ballot_claim c = { .epoch = epoch,
                                  .host = keys[host],
                                  .previous = head,
                                  .current = 1,
                                  .present = keys[5],
                                  .head = head };

        if (ballot_grant(&ballots[voter], &c) && was_new) {
            granted[epoch][host]++;
        }
    }
    for (int e = 0; e < 10; e++) {
        int majorities = 0;

        for (int h = 0; h < PEOPLE; h++) {
            majorities += granted[e][h] > 2;
        }
        if (majorities > 1) {
            fail_msg("seed %lu: epoch %d", (unsigned long)seed, e);
        }
    }
}

static void test_one_host_per_epoch(void **state)
{
    (void)state;
    for_each_seed(200, one_seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_a_grant_is_for_one_thing),
        cmocka_unit_test(test_ballot),
        cmocka_unit_test(test_handover),
        cmocka_unit_test(test_one_host_per_epoch),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
