/* What the host of a party commands, and what all of them then play: when it may, what
 * each command does, hours of skipping, checkpoints, the end of the pool.
 * SPDX-License-Identifier: MIT */
#include "tests/party/net.h"

#define S NS_PER_S

static const struct command_row {
    const char *fact;
    struct party_command commands[4]; /* until verb 0; 100 ms apart */
    int want_err;                     /* of the last */
    int slot;                         /* 3 s after */
    int64_t frame_ms;                 /* within 200 ms; -1: any */
    enum party_phase phase;
} commands[] = {
    { "nothing", { { 0 } }, 0, 0, 9000, PARTY_PLAYING },
    { "pause", { { .verb = ACTION_PAUSE } }, 0, 0, 6000, PARTY_PAUSED },
    { "pause twice",
      { { .verb = ACTION_PAUSE }, { .verb = ACTION_PAUSE } },
      ERR_STATE,
      0,
      6000,
      PARTY_PAUSED },
    { "pause and go on, before either took effect",
      { { .verb = ACTION_PAUSE }, { .verb = ACTION_RESUME } },
      0,
      0,
      8900,
      PARTY_PLAYING },
    { "go on while playing",
      { { .verb = ACTION_RESUME } },
      ERR_STATE,
      0,
      9000,
      PARTY_PLAYING },
    { "skip", { { .verb = ACTION_SKIP } }, 0, 1, 2400, PARTY_PLAYING },
    { "two skips are two",
      { { .verb = ACTION_SKIP }, { .verb = ACTION_SKIP } },
      0,
      2,
      2300,
      PARTY_PLAYING },
    { "skip past the last",
      { { .verb = ACTION_SKIP }, { .verb = ACTION_SKIP }, { .verb = ACTION_SKIP } },
      0,
      2,
      20000,
      PARTY_STOPPED },
    { "and no further",
      { { .verb = ACTION_SKIP },
        { .verb = ACTION_SKIP },
        { .verb = ACTION_SKIP },
        { .verb = ACTION_SKIP } },
      ERR_STATE,
      2,
      20000,
      PARTY_STOPPED },
    { "skip while paused stays paused",
      { { .verb = ACTION_PAUSE }, { .verb = ACTION_SKIP } },
      0,
      1,
      0,
      PARTY_PAUSED },
    { "play 3", { { .verb = ACTION_JUMP, .number = 3 } }, 0, 2, 2400, PARTY_PLAYING },
    { "play 0",
      { { .verb = ACTION_JUMP, .number = 0 } },
      ERR_NOT_FOUND,
      0,
      9000,
      PARTY_PLAYING },
    { "play 4 of 3",
      { { .verb = ACTION_JUMP, .number = 4 } },
      ERR_NOT_FOUND,
      0,
      9000,
      PARTY_PLAYING },
    { "seek", { { .verb = ACTION_SEEK, .seek_ms = 15000 } }, 0, 0, 17400, PARTY_PLAYING },
    { "seek on",
      { { .verb = ACTION_SEEK, .seek_ms = 5000, .is_relative = true } },
      0,
      0,
      14000,
      PARTY_PLAYING },
    { "seek back",
      { { .verb = ACTION_SEEK, .seek_ms = -5000, .is_relative = true } },
      0,
      0,
      4000,
      PARTY_PLAYING },
    { "seek back beyond the start",
      { { .verb = ACTION_SEEK, .seek_ms = -500000, .is_relative = true } },
      0,
      0,
      2400,
      PARTY_PLAYING },
    { "seek beyond the end",
      { { .verb = ACTION_SEEK, .seek_ms = INT64_MAX } },
      0,
      1,
      2400,
      PARTY_PLAYING },
    { "seek beyond the start of all",
      { { .verb = ACTION_SEEK, .seek_ms = INT64_MIN } },
      0,
      0,
      2400,
      PARTY_PLAYING },
    { "seek while paused",
      { { .verb = ACTION_PAUSE }, { .verb = ACTION_SEEK, .seek_ms = 1000 } },
      0,
      0,
      1000,
      PARTY_PAUSED },
    { "stop", { { .verb = ACTION_STOP } }, 0, 0, 0, PARTY_STOPPED },
    { "stop and go on",
      { { .verb = ACTION_STOP }, { .verb = ACTION_RESUME } },
      0,
      0,
      2300,
      PARTY_PLAYING },
    { "no action", { { .verb = ACTION_PLAY } }, ERR_USAGE, 0, 9000, PARTY_PLAYING },
};

static void check_command(const struct command_row *r)
{
    struct net *n = net_new(20, 3);
    struct party_answer answer = { 0 };
    struct party_status s;
    int64_t ms;
    int err = 0;

    net_all_on(n);
    n->nodes[0].share_ns = 0;
    assert_int_equal(net_host(n, 0, 3, 2), 0);
    while (net_phase(n, 0) != PARTY_PLAYING || net_status(n, 0).frame < 44100 * 55 / 10) {
        net_run(n, 10 * NS_PER_MS);
    }
    for (int i = 0; i < 4 && r->commands[i].verb != 0; i++) {
        if (i > 0) {
            net_run(n, 100 * NS_PER_MS);
        }
        err = net_act(n, 0, r->commands[i], &answer);
    }
    if (err != r->want_err || (err != 0) != (answer.error != NULL)) {
        fail_msg("%s: err %d", r->fact, err);
    }
    if (err == 0 && answer.seq > 0 &&
        (answer.lead_ns < 500 * NS_PER_MS || answer.seq != net_party(n, 0)->log.seq)) {
        fail_msg("%s: lead %ld", r->fact, (long)answer.lead_ns);
    }
    /* To 3.5 s after the (first) command was given. */
    net_run(n, 3500 * NS_PER_MS - (r->commands[1].verb != 0 ? 100 * NS_PER_MS : 0) -
                   (r->commands[2].verb != 0 ? 100 * NS_PER_MS : 0) -
                   (r->commands[3].verb != 0 ? 100 * NS_PER_MS : 0));
    for (int i = 0; i < 3; i++) {
        s = net_status(n, i);
        ms = s.frame * 1000 / 44100;
        if (s.slot != r->slot || s.phase != r->phase || ms < r->frame_ms - 300 ||
            ms > r->frame_ms + 600) {
            fail_msg("%s: node %d slot %d at %ld ms, phase %d", r->fact, i, s.slot,
                     (long)ms, s.phase);
        }
        assert_true(net_agree(n, 0, i));
    }
}

static void test_commands(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(commands); i++) {
        check_command(&commands[i]);
    }
}

static void test_who_may_command_when(void **state)
{
    struct net *n = net_new(21, 3);
    struct party_command skip = { .verb = ACTION_SKIP };
    struct party_answer answer;

    (void)state;
    net_all_on(n);
    assert_int_equal(net_act(n, 0, skip, NULL), ERR_STATE);
    assert_int_equal(net_leave(n, 0), ERR_STATE);
    assert_int_equal(net_accept(n, 0, ""), ERR_NOT_FOUND);
    assert_int_equal(net_host(n, 0, 0, 2), ERR_USAGE);
    assert_int_equal(net_host(n, 0, 2, 2), 0);
    assert_int_equal(net_host(n, 0, 2, 2), ERR_STATE);
    assert_int_equal(net_act(n, 0, skip, NULL), ERR_STATE);
    net_run(n, 10 * S);
    assert_int_equal(net_act(n, 1, skip, &answer), ERR_DENIED);
    assert_non_null(answer.error);
    assert_non_null(answer.next);
    assert_int_equal(net_host(n, 1, 2, 2), ERR_STATE);
    for (int i = 0; i < 16; i++) {
        assert_int_equal(
            net_act(n, 0, (struct party_command){ .verb = ACTION_STOP }, NULL), 0);
    }
    assert_int_equal(net_act(n, 0, skip, &answer), ERR_LIMIT);
    net_run(n, 3 * S);
    assert_int_equal(net_phase(n, 2), PARTY_STOPPED);
    assert_true(net_agree(n, 0, 2));
}

static void test_a_skip_at_the_end_of_a_song(void **state)
{
    struct net *n = net_new(22, 2);

    (void)state;
    net_all_on(n);
    assert_int_equal(net_host(n, 0, 3, 1), 0);
    while (net_status(n, 0).slot != 0 || net_status(n, 0).frame < 44100 * 198 / 10) {
        net_run(n, 10 * NS_PER_MS);
    }
    /* 200 ms of the first song are left, the lead is longer: the second is meant. */
    assert_int_equal(net_act(n, 0, (struct party_command){ .verb = ACTION_SKIP }, NULL),
                     0);
    net_run(n, 3 * S);
    assert_int_equal(net_status(n, 1).slot, 1);
    assert_true(net_agree(n, 0, 1));
}

static void test_lead_follows_the_slowest(void **state)
{
    static const struct row {
        int64_t latency_ms;
        int64_t lead_ms;
    } rows[] = { { 1, 514 }, { 50, 906 }, { 200, 2106 }, { 400, 3000 } };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        struct net *n = net_new(23, 2);
        struct party_answer a;
        int64_t ms;

        n->latency_ns = rows[i].latency_ms * NS_PER_MS;
        n->jitter_ns = 1500 * NS_PER_US;
        net_all_on(n);
        assert_int_equal(net_host(n, 0, 3, 1), 0);
        net_run(n, 15 * S);
        assert_int_equal(net_act(n, 0, (struct party_command){ .verb = ACTION_SKIP }, &a),
                         0);
        ms = a.lead_ns / NS_PER_MS;
        if (ms < rows[i].lead_ms - 5 || ms > rows[i].lead_ms + 5) {
            fail_msg("latency %ld: lead %ld", (long)rows[i].latency_ms, (long)ms);
        }
    }
}

static void test_hours_of_skipping(void **state)
{
    struct net *n = net_new(25, 5);
    uint64_t checkpoints = 0;
    uint64_t last = 1;

    (void)state;
    n->nodes[0].song_frames = 3600 * 44100;
    for (int i = 0; i < 5; i++) {
        if (i != 3) {
            net_on(n, i, i > 0);
        }
    }
    assert_int_equal(net_host(n, 0, 5, 3), 0);
    net_run(n, 10 * S);
    for (int i = 0; i < 1200; i++) {
        struct party_command c = { .verb = ACTION_JUMP, .number = 1 + i % 5 };

        assert_int_equal(net_act(n, 0, c, NULL), 0);
        net_run(n, 1 * S);
        checkpoints += net_party(n, 0)->log.checkpoint != last;
        last = net_party(n, 0)->log.checkpoint;
        if (i == 300) {
            net_cut(n, 0, 2); /* away for longer than entries are kept */
        }
        if (i == 600) {
            assert_int_equal(net_leave(n, 4), 0); /* which 2 does not hear of */
        }
    }
    assert_true(checkpoints >= 4);
    assert_true(net_agree(n, 0, 1));
    net_heal(n, 0, 2);
    net_on(n, 3, true);
    net_run(n, 62 * S);
    assert_true(net_agree(n, 0, 2));
    assert_true(net_agree(n, 0, 3));
    assert_int_equal(net_party(n, 3)->member_count, 4);
    assert_string_equal(net_status(n, 3).name, "kitchen");
}

/* The host refines UTC: party time goes on for all alike. */
static void test_map_changes(void **state)
{
    struct net *n = net_new(26, 3);
    struct clock_params params = clock_params_default();
    struct clock_map next;
    struct clock_line utc;

    (void)state;
    net_all_on(n);
    assert_int_equal(net_host(n, 0, 5, 2), 0);
    net_run(n, 10 * S);
    utc = (struct clock_line){ .local_ns = net_local(n, 0),
                               .remote_ns = NET_UTC_NS + n->now_ns + 30 * NS_PER_MS,
                               .is_valid = true };
    assert_true(clock_map_refine(party_map(net_party(n, 0)), &utc, &params,
                                 net_local(n, 0), &next));
    outbox_clear(&n->out);
    party_set_host_map(net_party(n, 0), &next, 100, net_local(n, 0), &n->out);
    net_after(n, 0);
    for (int i = 0; i < 10; i++) {
        net_run(n, 500 * NS_PER_MS);
        assert_true(net_agree(n, 0, 1) && net_agree(n, 0, 2));
    }
    assert_int_equal(net_party(n, 1)->maps.map.rate_ppt, next.rate_ppt);
    assert_true(net_party(n, 1)->maps.map.rate_ppt != 0);
}

/* A checkpoint that nothing new follows: who joins then hears what the others hear. */
static void test_checkpoint_keeps_what_plays(void **state)
{
    struct net *n = net_new(32, 3);
    struct clock_map map;

    (void)state;
    n->nodes[0].song_frames = 3600 * 44100;
    net_on(n, 0, false);
    net_on(n, 1, true);
    assert_int_equal(net_host(n, 0, 5, 1), 0);
    net_run(n, 10 * S);
    assert_int_equal(
        net_act(n, 0, (struct party_command){ .verb = ACTION_JUMP, .number = 3 }, NULL),
        0);
    net_run(n, 5 * S);
    for (int i = 0; i < 900; i++) {
        map = *party_map(net_party(n, 0));
        map.rate_ppt = i; /* another one each time, and hardly so */
        outbox_clear(&n->out);
        party_set_host_map(net_party(n, 0), &map, 100, net_local(n, 0), &n->out);
        net_after(n, 0);
        net_run(n, 10 * NS_PER_MS);
    }
    assert_true(net_party(n, 0)->log.checkpoint > 1);
    net_on(n, 2, true);
    net_run(n, 62 * S);
    assert_int_equal(net_phase(n, 2), PARTY_PLAYING);
    assert_int_equal(net_status(n, 2).slot, 2);
    for (int i = 1; i < 3; i++) {
        const struct timeline *t = &net_party(n, i)->timeline;
        const struct timeline *want = &net_party(n, 0)->timeline;

        assert_true(net_agree(n, 0, i));
        assert_int_equal(t->action_count, want->action_count);
        for (int k = 0; k < t->action_count; k++) {
            assert_int_equal(t->actions[k].at.ns, want->actions[k].at.ns);
        }
    }
}

static void test_end_of_the_pool(void **state)
{
    struct net *n = net_new(18, 2);

    (void)state;
    net_all_on(n);
    assert_int_equal(net_host(n, 0, 2, 1), 0);
    net_run(n, 50 * S);
    assert_int_equal(net_phase(n, 1), PARTY_STOPPED);
    assert_int_equal(net_act(n, 0, (struct party_command){ .verb = ACTION_RESUME }, NULL),
                     ERR_STATE);
    assert_int_equal(
        net_act(n, 0, (struct party_command){ .verb = ACTION_JUMP, .number = 2 }, NULL),
        0);
    net_run(n, 10 * S);
    assert_int_equal(net_phase(n, 1), PARTY_PLAYING); /* somebody acted */
    net_run(n, 60 * S);
    assert_int_equal(net_phase(n, 0), PARTY_ENDED);
    assert_int_equal(net_phase(n, 1), PARTY_ENDED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_end_of_the_pool),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_who_may_command_when),
        cmocka_unit_test(test_a_skip_at_the_end_of_a_song),
        cmocka_unit_test(test_lead_follows_the_slowest),
        cmocka_unit_test(test_hours_of_skipping),
        cmocka_unit_test(test_map_changes),
        cmocka_unit_test(test_checkpoint_keeps_what_plays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
