/* What one host may not lose of another's party, as the oracle has it.
 * SPDX-License-Identifier: MIT */
#include "base/time.h"
#include "sim/succession.h"
#include "tests/check.h"

static struct party voter; /* too large for the stack of a test */
static struct party host;

static void test_grants(void **state)
{
    static const struct {
        const char *name;
        uint64_t at_epoch, seq;          /* of the new host */
        uint64_t their_epoch, their_seq; /* of who granted it */
        uint64_t granted;                /* the host leads epoch 3 */
        bool is_loss;
    } list[] = {
        { "as much", 2, 9, 2, 9, 3, false },
        { "more", 2, 9, 2, 8, 3, false },
        { "less", 2, 9, 2, 10, 3, true },
        { "an older epoch's more", 2, 9, 1, 10, 3, false },
        { "a newer epoch's less", 1, 9, 2, 4, 3, true },
        { "granted for another epoch", 2, 9, 2, 10, 4, false },
    };

    (void)state;
    for (int i = 0; i < COUNT(list); i++) {
        struct succession_grant g = { .epoch = 0 };
        struct succession_place had = { list[i].at_epoch, list[i].seq };

        voter.log.at_epoch = list[i].their_epoch;
        voter.log.seq = list[i].their_seq;
        voter.ballot.epoch = list[i].granted;
        voter.ballot.host[0] = host.log.host[0] = 7;
        host.log.epoch = 3;
        succession_note(&g, &voter);
        voter.log.seq = 99; /* what comes after the grant does not count */
        succession_note(&g, &voter);
        if (succession_is_loss(&g, &host, had) != list[i].is_loss)
            fail_msg("%s", list[i].name);
        host.log.host[0] = 8; /* granted to somebody else */
        assert_false(succession_is_loss(&g, &host, had));
    }
}

static void test_time_goes_on(void **state)
{
    struct succession_time t = { .at_ns = 0, .off_ns = 1000, .bound_ns = 20000 };
    struct succession_time next = { .at_ns = NS_PER_S, .off_ns = 31000 };

    (void)state;
    next.bound_ns = 10000;
    assert_true(succession_time_holds(&t, &next));
    next.at_ns += NS_PER_S; /* a clock may be fast by 1.2 ms in that time */
    next.off_ns += 1230 * NS_PER_US;
    assert_false(succession_time_holds(&t, &next));
    next.at_ns += NS_PER_S;
    next.off_ns -= 1210 * NS_PER_US;
    assert_true(succession_time_holds(&t, &next));
    next.off_ns += NS_PER_S;
    next.party.b[0] = 1; /* another party has its own */
    assert_true(succession_time_holds(&t, &next));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grants),
        cmocka_unit_test(test_time_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
