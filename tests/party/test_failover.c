/* Another host for the same party: after a crash, by a hand-over, through broken links,
 * and none where there is no majority.
 * SPDX-License-Identifier: MIT */
#include "party/council.h"
#include "party/state.h"
#include "tests/party/net.h"

#define S NS_PER_S

static struct net *playing(uint64_t seed, int count)
{
    struct net *n = net_new(seed, count);

    for (int i = 0; i < count; i++) {
        n->nodes[i].song_frames = 600 * 44100;
    }
    net_all_on(n);
    assert_int_equal(net_host(n, 0, 3, count - 1), 0);
    net_run(n, 15 * S);
    assert_int_equal(net_phase(n, 0), PARTY_PLAYING);
    return n;
}

/* The last node that may act; -1: none.  Two of one party are never right. */
static int acting(struct net *n)
{
    int who = -1;

    for (int i = 0; i < n->count; i++) {
        if (!n->nodes[i].is_on || !party_is_acting(net_party(n, i), net_local(n, i))) {
            continue;
        }
        for (int k = 0; k < i; k++) {
            assert_false(
                n->nodes[k].is_on && party_is_acting(net_party(n, k), net_local(n, k)) &&
                party_id_equal(&net_party(n, k)->log.party, &net_party(n, i)->log.party));
        }
        who = i;
    }
    return who;
}

/* Until somebody acts; how long it took, -1: longer than the limit. */
static int64_t wait_for_host(struct net *n, int64_t limit_ns, int *host)
{
    int64_t from_ns = n->now_ns;

    while (n->now_ns - from_ns < limit_ns) {
        *host = acting(n);
        if (*host >= 0) {
            return n->now_ns - from_ns;
        }
        net_run(n, 10 * NS_PER_MS);
    }
    return -1;
}

static int64_t party_ns(struct net *n, int i)
{
    struct clock_line line = party_line(net_party(n, i), net_local(n, i));

    assert_true(line.is_valid);
    return party_clock_from_local(&line, net_local(n, i)).ns;
}

static void test_council_of_a_party(void **state)
{
    static const int sizes[] = { 1, 1, 1, 3, 3, 5, 5, 7, 7 };

    (void)state;
    for (int count = 2; count <= 8; count++) {
        struct net *n = playing((uint64_t)count, count);

        for (int i = 0; i < count; i++) {
            assert_int_equal(net_party(n, i)->council.count, sizes[count]);
        }
        assert_int_equal(
            council_rank(&net_party(n, 1)->council, n->nodes[0].self.sign_public), 0);
        assert_int_equal(acting(n), 0);
    }
}

static void test_crash(void **state)
{
    struct net *n = playing(20, 5);
    struct party_command skip = { .verb = ACTION_SKIP };
    int64_t before_ns[5];
    int64_t at_ns;
    int64_t took_ns;
    int host = -1;

    (void)state;
    at_ns = n->now_ns;
    for (int i = 1; i < 5; i++) {
        before_ns[i] = party_ns(n, i);
    }
    net_kill(n, 0);
    took_ns = wait_for_host(n, 10 * S, &host);
    assert_true(took_ns > 4 * S && took_ns <= 8 * S);
    net_run(n, 2 * S);
    for (int i = 1; i < 5; i++) {
        int64_t off_ns = party_ns(n, i) - before_ns[i] - (n->now_ns - at_ns);

        assert_int_equal(net_party(n, i)->log.epoch, 2);
        assert_true(net_agree(n, host, i));
        assert_true(off_ns > -10 && off_ns < 10); /* the old clock goes on */
        assert_int_equal(net_phase(n, i), PARTY_PLAYING);
        assert_int_equal(net_status(n, i).slot, 0);
    }
    assert_int_equal(net_act(n, host, skip, NULL), 0);
    net_run(n, 2 * S);
    for (int i = 1; i < 5; i++) {
        assert_int_equal(net_status(n, i).slot, 1);
    }
    /* The dead one is put out, and the council fits those who are left. */
    net_run(n, 30 * S);
    assert_int_equal(net_party(n, host)->member_count, 4);
    assert_int_equal(net_party(n, host)->council.count, 3);
}

static void test_hand_over(void **state)
{
    struct net *n = playing(21, 5);
    struct party_answer answer;
    int64_t took_ns;
    int host = -1;
    int err;

    (void)state;
    outbox_clear(&n->out);
    err = party_hand_over(net_party(n, 0), "guest 3", net_local(n, 0), &n->out, &answer);
    net_after(n, 0);
    assert_int_equal(err, 0);
    assert_int_equal(acting(n), -1); /* at once */
    assert_int_equal(net_act(n, 0, (struct party_command){ .verb = ACTION_SKIP }, NULL),
                     ERR_STATE);
    took_ns = wait_for_host(n, 10 * S, &host);
    assert_int_equal(host, 3);
    assert_true(took_ns <= 2 * 2 * (n->latency_ns + n->jitter_ns));
    net_run(n, 2 * S);
    for (int i = 0; i < 5; i++) {
        assert_true(net_agree(n, 3, i));
    }
    assert_int_equal(net_party(n, 0)->role, PARTY_ROLE_GUEST);
    assert_int_equal(net_act(n, 3, (struct party_command){ .verb = ACTION_PAUSE }, NULL),
                     0);
    net_run(n, S);
    assert_int_equal(net_phase(n, 0), PARTY_PAUSED);
}

static void test_hand_over_in_a_party_of_two(void **state)
{
    struct net *n = playing(22, 2);
    struct party_answer answer;
    int host = -1;

    (void)state;
    outbox_clear(&n->out);
    assert_int_equal(
        party_hand_over(net_party(n, 0), "", net_local(n, 0), &n->out, &answer), 0);
    net_after(n, 0);
    assert_true(wait_for_host(n, S, &host) >= 0);
    assert_int_equal(host, 1);
    net_run(n, 2 * S);
    assert_true(net_agree(n, 0, 1));
    /* From now on it decides alone, whatever becomes of the other one. */
    assert_int_equal(net_party(n, 1)->council.count, 1);
    net_kill(n, 0);
    net_run(n, 10 * S);
    assert_int_equal(acting(n), 1);
}

/* It is given away and left behind a moment later: the only one whose grant counts stays
 * until it counts no more. */
static void test_hand_over_and_leave(void **state)
{
    static const int after_ms[] = { 0, 10, 30, 50, 80, 120, 200, 400, 1000, 1900 };

    (void)state;
    for (int i = 0; i < 2 * COUNT(after_ms); i++) {
        struct net *n = playing((uint64_t)(70 + i), 2 + i % 2);
        struct party_id party = net_party(n, 0)->log.party;
        struct party_answer answer;
        int host = -1;

        outbox_clear(&n->out);
        assert_int_equal(
            party_hand_over(net_party(n, 0), "", net_local(n, 0), &n->out, &answer), 0);
        net_after(n, 0);
        net_run(n, after_ms[i / 2] * NS_PER_MS);
        assert_int_equal(net_leave(n, 0), 0);
        net_run(n, 2 * S);
        assert_int_equal(net_phase(n, 0), PARTY_ENDED);
        net_kill(n, 0);
        assert_true(wait_for_host(n, 8 * S, &host) >= 0);
        net_run(n, 40 * S);
        assert_int_equal(acting(n), host);
        assert_true(party_id_equal(&net_party(n, host)->log.party, &party));
    }
}

/* The host leaves in the middle of a song: the others hear nothing of it, and it is not
 * needed by anybody once it has gone. */
static void test_host_leaves(void **state)
{
    (void)state;
    for (int count = 2; count <= 6; count++) {
        struct net *n = playing((uint64_t)(40 + count), count);
        int64_t at_ns = n->now_ns;
        int64_t before_ns = party_ns(n, 1);
        int host = -1;

        assert_int_equal(net_leave(n, 0), 0);
        assert_true(party_is_leaving(net_party(n, 0)));
        assert_int_equal(net_end(n, 0), ERR_STATE);
        while (party_is_leaving(net_party(n, 0))) {
            net_run(n, 10 * NS_PER_MS);
            acting(n); /* never two */
        }
        print_message("a host leaves %d others after %d ms\n", count - 1,
                      (int)((n->now_ns - at_ns) / NS_PER_MS));
        assert_true(n->now_ns - at_ns < net_party(n, 0)->params->leave_ns);
        assert_int_equal(net_phase(n, 0), PARTY_ENDED);
        net_kill(n, 0);
        assert_true(wait_for_host(n, S, &host) == 0);
        net_run(n, 3 * S);
        for (int i = 1; i < count; i++) {
            assert_int_equal(net_phase(n, i), PARTY_PLAYING);
            assert_int_equal(net_party(n, i)->log.epoch, 2);
            assert_int_equal(net_party(n, i)->member_count, count - 1);
            assert_int_equal(
                council_rank(&net_party(n, i)->council, n->nodes[0].self.sign_public),
                -1);
            assert_true(net_agree(n, host, i));
        }
        before_ns += n->now_ns - at_ns;
        assert_true(party_ns(n, 1) - before_ns < 10 && party_ns(n, 1) - before_ns > -10);
        net_run(n, 10 * S); /* longer than any lease that it has given */
        assert_int_equal(acting(n), host);
    }
}

/* One that was given the party and does not take it costs a wait that has an end, and the
 * others then elect. */
static void test_host_leaves_a_dull_heir(void **state)
{
    struct net *n = playing(50, 6);
    int64_t at_ns = n->now_ns;
    int host = -1;
    int heir;

    (void)state;
    heir = net_find(n,
                    &state_member(net_party(n, 0), net_party(n, 0)->council.keys[1])->id);
    net_party(n, heir)->abstain_ns = net_local(n, heir) + 60 * S; /* it never stands */
    assert_int_equal(net_leave(n, 0), 0);
    net_run(n, S);
    assert_int_equal(acting(n), -1);
    net_run(n, 2 * S);
    assert_int_equal(net_phase(n, 0), PARTY_ENDED);
    assert_true(wait_for_host(n, 12 * S, &host) >= 0);
    assert_true(host > 0 && host != heir);
    assert_true(n->now_ns - at_ns > 4 * S);
}

/* A second time it goes at once; and does not come back when the next host calls, though
 * it takes each call that it hears. */
static void test_host_leaves_at_once(void **state)
{
    struct net *n = playing(51, 3);
    int host = -1;

    (void)state;
    assert_int_equal(net_leave(n, 0), 0);
    assert_int_equal(net_leave(n, 0), 0);
    assert_int_equal(net_phase(n, 0), PARTY_ENDED);
    assert_int_equal(net_leave(n, 0), ERR_STATE);
    assert_true(wait_for_host(n, 10 * S, &host) >= 0);
    n->nodes[0].params.is_auto_accept = true;
    net_run(n, 70 * S);
    assert_int_equal(net_phase(n, host), PARTY_PLAYING);
    assert_true(net_party(n, 0)->invites->count > 0); /* it was heard */
    assert_int_not_equal(net_party(n, 0)->role, PARTY_ROLE_GUEST);
    assert_int_equal(net_accept(n, 0, ""), 0);
    net_run(n, 5 * S);
    assert_int_equal(net_phase(n, 0), PARTY_PLAYING);
}

/* With nobody here the party ends; before it plays also with nobody who has the songs. */
static void test_host_leaves_nobody(void **state)
{
    struct net *n = playing(52, 2);

    (void)state;
    assert_int_equal(net_leave(n, 1), 0);
    net_run(n, S);
    assert_int_equal(net_leave(n, 0), 0);
    assert_int_equal(net_phase(n, 0), PARTY_ENDED);
    n = net_new(53, 3);
    n->nodes[1].share_ns = TIME_NEVER;
    n->nodes[2].share_ns = TIME_NEVER;
    net_all_on(n);
    assert_int_equal(net_host(n, 0, 2, 2), 0);
    net_run(n, 8 * S);
    assert_int_equal(net_phase(n, 0), PARTY_SHARING);
    assert_int_equal(net_leave(n, 0), 0);
    net_run(n, S);
    assert_int_equal(net_phase(n, 0), PARTY_ENDED);
    assert_int_equal(net_phase(n, 1), PARTY_ENDED);
}

/* The host is cut off from all: it stops to act before another one does, and obeys that
 * one when it is back. */
static void test_old_host_returns(void **state)
{
    struct net *n = playing(23, 5);
    int host = -1;

    (void)state;
    for (int i = 1; i < 5; i++) {
        net_cut(n, 0, i);
    }
    while (acting(n) == 0) {
        net_run(n, 10 * NS_PER_MS);
    }
    assert_true(wait_for_host(n, 3 * S, &host) >= 0);
    assert_int_not_equal(host, 0);
    net_run(n, 15 * S);
    assert_int_equal(net_phase(n, 0), PARTY_PLAYING);
    for (int i = 1; i < 5; i++) {
        net_heal(n, 0, i);
    }
    net_run(n, 30 * S);
    assert_int_equal(acting(n), host);
    assert_int_equal(net_party(n, 0)->role, PARTY_ROLE_GUEST);
    assert_int_equal(net_party(n, 0)->log.epoch, net_party(n, host)->log.epoch);
    assert_true(net_agree(n, host, 0));
}

/* What the old host wrote and too few have heard of is void. */
static void test_tail_of_the_old_host(void **state)
{
    struct net *n = playing(24, 5);
    struct party_command skip = { .verb = ACTION_SKIP };
    int host = -1;

    (void)state;
    for (int i = 1; i < 5; i++) {
        net_cut(n, 0, i);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(net_act(n, 0, skip, NULL), 0);
        net_run(n, S);
    }
    while (acting(n) == 0) {
        net_run(n, 10 * NS_PER_MS);
    }
    assert_true(wait_for_host(n, 10 * S, &host) >= 0);
    net_run(n, 5 * S);
    for (int i = 1; i < 5; i++) {
        net_heal(n, 0, i);
    }
    net_run(n, 30 * S);
    assert_int_equal(net_single_host(n), host);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(net_status(n, i).slot, 0);
        assert_true(net_agree(n, host, i));
    }
}

/* Nobody acts without a majority; after half a minute those who are left are a party of
 * their own, and nobody hears that. */
static void test_minority(void **state)
{
    struct net *n = playing(25, 5);
    struct party_id before = net_party(n, 3)->log.party;
    uint32_t version = party_timeline_version(net_party(n, 3));
    int64_t ns[5];

    (void)state;
    for (int i = 3; i < 5; i++) {
        ns[i] = party_ns(n, i) - n->now_ns;
    }
    net_kill(n, 0);
    net_kill(n, 1);
    net_kill(n, 2);
    for (int i = 0; i < 45; i++) {
        net_run(n, S);
        assert_true(i < 6 || i > 27 || acting(n) == -1);
    }
    assert_true(net_single_host(n) >= 3);
    assert_true(net_agree(n, 3, 4));
    for (int i = 3; i < 5; i++) {
        int64_t off_ns = party_ns(n, i) - n->now_ns - ns[i];

        assert_false(party_id_equal(&net_party(n, i)->log.party, &before));
        assert_true(off_ns > -10 && off_ns < 10);
        assert_int_equal(net_status(n, i).slot, 0);
        assert_int_equal(net_phase(n, i), PARTY_PLAYING);
    }
    assert_true(party_timeline_version(net_party(n, acting(n))) == version ||
                party_timeline_version(net_party(n, 7 - acting(n))) == version);
}

/* The guest of a party of two is alone, and leads itself. */
static void test_survivor_of_two(void **state)
{
    struct net *n = playing(27, 2);
    struct party_command skip = { .verb = ACTION_SKIP };

    (void)state;
    net_kill(n, 0);
    net_run(n, 35 * S);
    assert_int_equal(acting(n), 1);
    assert_int_equal(net_act(n, 1, skip, NULL), 0);
    net_run(n, S);
    assert_int_equal(net_status(n, 1).slot, 1);
}

/* A network in two: the larger part goes on, the smaller one is a party of its own until
 * it hears of the other again. */
static void test_split_and_merge(void **state)
{
    struct net *n = playing(28, 5);
    struct party_id before = net_party(n, 0)->log.party;

    (void)state;
    for (int a = 0; a < 2; a++) {
        for (int b = 2; b < 5; b++) {
            net_cut(n, a, b);
        }
    }
    net_run(n, 50 * S);
    assert_true(party_id_equal(&net_party(n, 2)->log.party, &before));
    assert_false(party_id_equal(&net_party(n, 0)->log.party, &before));
    assert_true(net_agree(n, 0, 1));
    assert_true(net_agree(n, 2, 3) && net_agree(n, 2, 4));
    for (int a = 0; a < 2; a++) {
        for (int b = 2; b < 5; b++) {
            net_heal(n, a, b);
        }
    }
    net_run(n, 90 * S);
    assert_true(net_single_host(n) >= 2);
    assert_true(party_id_equal(&net_party(n, 0)->log.party, &before));
    for (int i = 0; i < 5; i++) {
        assert_true(net_agree(n, net_single_host(n), i));
    }
}

/* Who restarts grants nothing for a lease, and never what it granted before. */
static void test_restart(void **state)
{
    struct net *n = playing(26, 3);
    struct party *p = net_party(n, 1);
    int host = -1;

    (void)state;
    net_kill(n, 0);
    assert_true(wait_for_host(n, 10 * S, &host) >= 0);
    host = host == 1 ? 2 : 1; /* the other one */
    assert_int_equal(promises_find(&n->nodes[host].promises, &p->log.party).epoch, 2);
    net_run(n, 2 * S); /* and obeys the new host by now, its disk knows */
    assert_int_equal(
        promises_find(&n->nodes[host].promises, &net_party(n, host)->log.party).obeyed,
        2);
    net_kill(n, host);
    net_on(n, host, true);
    net_run(n, 60 * S);
    p = net_party(n, host);
    assert_int_equal(p->role, PARTY_ROLE_GUEST);
    assert_int_equal(p->ballot.epoch, 2);
    assert_int_equal(acting(n), host == 1 ? 2 : 1);
    assert_true(council_may_vote(p));
    p = net_party(n, acting(n)); /* which counts on it as on any other */
    assert_true(state_member(p, n->nodes[host].self.sign_public)->lease_ns >
                net_local(n, acting(n)));
}

/* Who forgot what it had of epoch 2 and has all of epoch 1 again does not vote by that,
 * not when it is told who hosts epoch 2 either: the council may have become another one.
 */
static void test_restart_in_an_old_epoch(void **state)
{
    struct net *n = playing(27, 3);
    struct party *p;
    const uint8_t *other = n->nodes[1].self.sign_public;

    (void)state;
    net_kill(n, 2);
    (void)promises_put(&n->nodes[2].promises, &net_party(n, 0)->log.party, 2, 2);
    net_on(n, 2, true);
    net_run(n, 20 * S);
    p = net_party(n, 2);
    assert_true(net_agree(n, 0, 2));
    assert_true(p->is_current);
    assert_false(council_may_vote(p));
    assert_true(party_log_set_epoch(&p->log, 2, other));
    assert_false(council_may_vote(p));
}

/* Links that break and heal: one host acts in each party, whatever happens, and in the
 * end everybody is led. */
static void one_seed(uint64_t seed)
{
    struct net *n = playing(seed, 5);
    int hosts = 0;

    n->latency_ns = rng_below(&n->rng, 100) * NS_PER_MS + NS_PER_MS;
    n->jitter_ns = rng_below(&n->rng, 200) * NS_PER_MS;
    for (int i = 0; i < 200; i++) {
        int a = (int)rng_below(&n->rng, 5);
        int b = (int)rng_below(&n->rng, 5);

        if (a != b && rng_below(&n->rng, 3) == 0) {
            net_cut(n, a, b);
        } else if (a != b) {
            net_heal(n, a, b);
        }
        net_run(n, rng_below(&n->rng, 1500) * NS_PER_MS);
        (void)acting(n);
    }
    for (int i = 0; i < 25; i++) {
        net_heal(n, i / 5, i % 5);
    }
    net_run(n, 240 * S);
    for (int i = 0; i < 5; i++) {
        const struct party *p = net_party(n, i);
        int host = net_find(n, &p->call.candidate.node);

        assert_true(state_is_open(p));
        assert_true(party_is_acting(net_party(n, host), net_local(n, host)));
        assert_true(net_agree(n, host, i));
        hosts += p->role == PARTY_ROLE_HOST;
    }
    /* A fork of a fork may not find back; that is rare. */
    assert_true(hosts <= 2);
}

static void test_many(void **state)
{
    (void)state;
    for_each_seed(30, one_seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_council_of_a_party),
        cmocka_unit_test(test_crash),
        cmocka_unit_test(test_hand_over),
        cmocka_unit_test(test_hand_over_in_a_party_of_two),
        cmocka_unit_test(test_hand_over_and_leave),
        cmocka_unit_test(test_host_leaves),
        cmocka_unit_test(test_host_leaves_a_dull_heir),
        cmocka_unit_test(test_host_leaves_at_once),
        cmocka_unit_test(test_host_leaves_nobody),
        cmocka_unit_test(test_old_host_returns),
        cmocka_unit_test(test_tail_of_the_old_host),
        cmocka_unit_test(test_minority),
        cmocka_unit_test(test_survivor_of_two),
        cmocka_unit_test(test_split_and_merge),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_restart_in_an_old_epoch),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
