/* Calls that collide: two, three or four at once, whatever the latencies, become one
 * party with one host.  SPDX-License-Identifier: MIT */
#include "tests/party/net.h"

#define S NS_PER_S

/* The caller that the rule must choose. */
static int fittest(struct net *n, int callers)
{
    int best = 0;

    for (int i = 1; i < callers; i++) {
        if (candidate_compare(&net_party(n, i)->call.candidate,
                              &net_party(n, best)->call.candidate) > 0) {
            best = i;
        }
    }
    return best;
}

/* The first `callers` nodes call within spread_ns; the others accept what they hear. */
static void collide(uint64_t seed, int callers, int nodes, int64_t spread_ns)
{
    struct net *n = net_new(seed, nodes);
    int want;
    int host;

    n->latency_ns = NS_PER_MS + rng_below(&n->rng, 100 * NS_PER_MS);
    n->jitter_ns = 1 + rng_below(&n->rng, 300 * NS_PER_MS);
    for (int i = 0; i < nodes; i++) {
        n->nodes[i].song_frames = 300 * 44100;
        n->nodes[i].share_ns = rng_below(&n->rng, 500 * NS_PER_MS);
        net_on(n, i, i >= callers);
    }
    for (int i = 0; i < callers; i++) {
        if (net_host(n, i, 3, 2) != 0) {
            fail_msg("seed %lu", (unsigned long)seed);
        }
        net_run(n, rng_below(&n->rng, spread_ns));
    }
    /* All called before they heard of each other: then the fittest must win. */
    want = spread_ns <= NS_PER_MS ? fittest(n, callers) : -1;
    net_run(n, 30 * S);
    host = net_single_host(n);
    if (host < 0 || (want >= 0 && host != want)) {
        for (int i = 0; i < nodes; i++) {
            print_error("node %d role %d phase %d party %02x\n", i, net_party(n, i)->role,
                        net_party(n, i)->phase,
                        net_party(n, i)->call.candidate.party.b[0]);
        }
        fail_msg("seed %lu: host %d, not %d", (unsigned long)seed, host, want);
    }
    for (int i = 0; i < nodes; i++) {
        if (!net_agree(n, host, i) || net_phase(n, i) != PARTY_PLAYING) {
            fail_msg("seed %lu: node %d does not agree", (unsigned long)seed, i);
        }
    }
    assert_int_equal(net_party(n, host)->member_count, nodes);
    /* Three songs of the winner, and two of those of the others. */
    if (want >= 0) {
        assert_int_equal(timeline_song_count(&net_party(n, host)->timeline), 5);
    }
}

static void two_at_once(uint64_t seed)
{
    collide(seed, 2, 5, NS_PER_MS);
}

static void two_soon(uint64_t seed)
{
    collide(seed, 2, 6, S);
}

static void three_at_once(uint64_t seed)
{
    collide(seed, 3, 7, NS_PER_MS);
}

static void three_soon(uint64_t seed)
{
    collide(seed, 3, 7, 400 * NS_PER_MS);
}

static void four_and_nobody_else(uint64_t seed)
{
    collide(seed, 4, 4, 100 * NS_PER_MS);
}

static void test_two(void **state)
{
    (void)state;
    for_each_seed(200, two_at_once);
    for_each_seed(200, two_soon);
}

static void test_three(void **state)
{
    (void)state;
    for_each_seed(200, three_at_once);
    for_each_seed(200, three_soon);
}

static void test_four(void **state)
{
    (void)state;
    for_each_seed(100, four_and_nobody_else);
}

/* The winner hears the loser's call, but the loser never the winner's first one: it is
 * told again. */
static void test_heard_one_way(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct net *n = net_new(seed, 3);
        int winner;

        for (int i = 0; i < 3; i++) {
            n->nodes[i].song_frames = 300 * 44100;
            net_on(n, i, i == 2);
        }
        n->cut[0][1] = true; /* what 0 floods first does not reach 1 */
        assert_int_equal(net_host(n, 0, 1, 2), 0);
        n->cut[0][1] = false;
        net_run(n, 30 * NS_PER_MS);
        assert_int_equal(net_host(n, 1, 1, 2), 0);
        winner = fittest(n, 2);
        net_run(n, 5 * S); /* sooner than the next flood */
        assert_int_equal(net_single_host(n), winner);
    }
}

/* Who hears a fitter call before it calls itself need not call at all; but one that the
 * user declined is no rival. */
static void test_called_after_hearing(void **state)
{
    int joined = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        bool is_declined = seed > 20;
        struct net *n = net_new(seed, 2);
        struct party_answer answer;

        net_on(n, 0, false);
        net_on(n, 1, false);
        assert_int_equal(net_host(n, 0, 1, 1), 0);
        net_run(n, S);
        if (is_declined) {
            assert_int_equal(party_decline(net_party(n, 1), "", net_local(n, 1), &answer),
                             0);
        }
        assert_int_equal(net_host(n, 1, 1, 1), 0);
        joined += net_party(n, 1)->role == PARTY_ROLE_GUEST;
        assert_true(!is_declined || net_party(n, 1)->role == PARTY_ROLE_HOST);
        net_run(n, 10 * S);
        assert_true(is_declined || net_single_host(n) >= 0);
    }
    assert_true(joined > 3 && joined < 17);
}

/* A party that plays gives way to nobody, and takes no caller over. */
static void test_who_plays_stays(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct net *n = net_new(seed, 4);

        for (int i = 0; i < 4; i++) {
            n->nodes[i].song_frames = 300 * 44100;
        }
        net_on(n, 0, false);
        net_on(n, 1, true);
        assert_int_equal(net_host(n, 0, 1, 1), 0);
        net_run(n, 10 * S);
        net_on(n, 2, false); /* hear only the second call, for now */
        net_on(n, 3, true);
        assert_int_equal(net_host(n, 2, 1, 1), 0);
        net_run(n, 70 * S);
        assert_int_equal(net_party(n, 0)->role, PARTY_ROLE_HOST);
        assert_int_equal(net_phase(n, 0), PARTY_PLAYING);
        assert_int_equal(net_party(n, 2)->role, PARTY_ROLE_HOST);
        assert_int_equal(net_phase(n, 2), PARTY_PLAYING);
        assert_true(net_agree(n, 0, 1) && net_agree(n, 2, 3));
    }
}

/* A guest of the loser who missed the word on a link that stayed is told again. */
static void test_told_again(void **state)
{
    struct net *n = net_new(6, 4);
    struct msg m = { .type = MSG_PARTY_STATUS };
    struct msg answer;
    struct party *loser;

    (void)state;
    for (int i = 0; i < 4; i++) {
        n->nodes[i].song_frames = 300 * 44100;
        net_on(n, i, i == 2);
    }
    assert_int_equal(net_host(n, 0, 1, 2), 0);
    assert_int_equal(net_host(n, 1, 1, 2), 0);
    net_run(n, 5 * S);
    loser = net_party(n, net_party(n, 0)->role == PARTY_ROLE_HOST ? 1 : 0);
    assert_true(loser->redirect != NULL);
    net_up(n, 3, net_find(n, &loser->self->id));
    m.u.party_status.party = loser->redirect->from;
    outbox_clear(&n->out);
    party_receive(loser, 3, &m, loser->now_ns, &n->out);
    assert_int_equal(n->out.count, 1);
    assert_int_equal(msg_decode(bytes_of(n->out.data, n->out.items[0].len), &answer), 0);
    assert_int_equal(answer.type, MSG_PARTY_YIELD);
    outbox_clear(&n->out);
    party_receive(loser, 3, &m, loser->now_ns, &n->out);
    assert_int_equal(n->out.count, 0); /* not as often as somebody likes */
}

/* One who comes to the loser after it yielded is sent on. */
static void test_late_for_the_loser(void **state)
{
    struct net *n = net_new(5, 4);
    int winner;
    int loser;

    (void)state;
    for (int i = 0; i < 4; i++) {
        n->nodes[i].song_frames = 300 * 44100;
        net_on(n, i, i == 2);
    }
    assert_int_equal(net_host(n, 0, 1, 2), 0);
    assert_int_equal(net_host(n, 1, 1, 2), 0);
    winner = fittest(n, 2);
    loser = 1 - winner;
    net_run(n, 25 * NS_PER_MS); /* 3 has heard of it, and accepts just before … */
    while (net_party(n, 3)->invites->count < 2) {
        net_run(n, NS_PER_MS);
        assert_true(n->now_ns < S);
    }
    for (int i = 0; i < net_party(n, 3)->invites->count; i++) {
        struct invite *k = &net_party(n, 3)->invites->list[i];

        if (node_id_equal(&k->host, &n->nodes[loser].self.id)) {
            char id[2 * PARTY_ID_LEN + 1];

            hex_encode(k->party.b, PARTY_ID_LEN, id);
            assert_int_equal(net_accept(n, 3, id), 0);
            break;
        }
    }
    assert_int_equal(net_party(n, 3)->role, PARTY_ROLE_GUEST);
    net_run(n, 20 * S);
    assert_int_equal(net_single_host(n), winner);
    assert_true(net_agree(n, winner, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two),
        cmocka_unit_test(test_three),
        cmocka_unit_test(test_four),
        cmocka_unit_test(test_heard_one_way),
        cmocka_unit_test(test_called_after_hearing),
        cmocka_unit_test(test_who_plays_stays),
        cmocka_unit_test(test_told_again),
        cmocka_unit_test(test_late_for_the_loser),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
