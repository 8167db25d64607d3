/* The life of a party among a few nodes: the start rules, getting ready, late comers,
 * broken links, a host that dies.  SPDX-License-Identifier: MIT */
#include "tests/party/net.h"

#define S NS_PER_S

static void test_starts_when_enough_came(void **state)
{
    struct net *n = net_new(1, 4);

    (void)state;
    net_all_on(n);
    assert_int_equal(net_host(n, 0, 3, 3), 0);
    assert_int_equal(net_phase(n, 0), PARTY_CALLING);
    net_run(n, S);
    assert_int_equal(net_phase(n, 0), PARTY_CALLING); /* not settled yet */
    net_run(n, S);
    assert_int_equal(net_phase(n, 0), PARTY_SHARING);
    net_run(n, 2 * S);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(net_phase(n, i), PARTY_PLAYING);
        assert_true(net_agree(n, 0, i));
        assert_int_equal(net_party(n, i)->member_count, 4);
        assert_int_equal(timeline_song_count(&net_party(n, i)->timeline), 3);
    }
    assert_string_equal(net_status(n, 2).name, "kitchen");
    assert_string_equal(net_status(n, 2).host_name, "guest 0");
    assert_string_equal(party_song(net_party(n, 2), 1)->title, "So What");
}

static void test_starts_at_the_deadline_with_one(void **state)
{
    struct net *n = net_new(2, 2);

    (void)state;
    net_all_on(n);
    assert_int_equal(net_host(n, 0, 1, 3), 0);
    net_run(n, 29 * S);
    assert_int_equal(net_phase(n, 0), PARTY_CALLING);
    assert_true(net_status(n, 0).left_ns <= S && net_status(n, 0).left_ns > 0);
    net_run(n, 2 * S);
    assert_int_equal(net_phase(n, 0), PARTY_PLAYING);
    assert_true(net_agree(n, 0, 1));
}

static void test_ends_when_nobody_came(void **state)
{
    struct net *n = net_new(3, 3);

    (void)state;
    for (int i = 0; i < 3; i++) {
        net_on(n, i, false);
    }
    assert_int_equal(net_host(n, 0, 1, -1), 0);
    net_run(n, 29 * S);
    assert_int_equal(net_party(n, 1)->invites->count, 1);
    net_run(n, 2 * S);
    assert_int_equal(net_phase(n, 0), PARTY_ENDED);
    assert_non_null(strstr(party_note(net_party(n, 0), 0), "nobody came"));
    assert_null(party_note(net_party(n, 0), 1));
    assert_int_equal(net_party(n, 1)->invites->count, 0);
    net_run(n, 61 * S);
    assert_int_equal(net_phase(n, 0), PARTY_IDLE);
    assert_int_equal(party_wake_ns(net_party(n, 0)), TIME_NEVER);
}

static void test_alone_if_wanted(void **state)
{
    struct net *n = net_new(4, 1);

    (void)state;
    net_all_on(n);
    assert_int_equal(net_host(n, 0, 2, 0), 0);
    net_run(n, 3 * S);
    assert_int_equal(net_phase(n, 0), PARTY_PLAYING);
}

static void test_people_who_come_late_hear_the_call(void **state)
{
    struct net *n = net_new(5, 2);

    (void)state;
    net_on(n, 0, false);
    assert_int_equal(net_host(n, 0, 1, 1), 0);
    net_run(n, 5 * S);
    net_on(n, 1, true);
    net_run(n, 8 * S); /* the next flood is at 10 s */
    assert_int_equal(net_phase(n, 1), PARTY_PLAYING);
}

/* The call goes a few hops first, and further while too few answer. */
static void test_expanding_ring(void **state)
{
    static const struct {
        int ttl;
        int64_t at_ns;
    } alone[] = { { 3, 0 }, { 5, 400 }, { 10, 1200 }, { 10, 10000 }, { 10, 20000 } };
    struct net *n = net_new(7, 3);
    int64_t began;

    (void)state;
    net_on(n, 0, false);
    began = n->now_ns;
    assert_int_equal(net_host(n, 0, 1, 1), 0);
    net_run(n, 25 * S);
    assert_int_equal(n->flood_count, COUNT(alone));
    for (int i = 0; i < COUNT(alone); i++) {
        assert_int_equal(n->floods[i].ttl, alone[i].ttl);
        assert_in_range(n->floods[i].at_ns - began, alone[i].at_ns * NS_PER_MS,
                        alone[i].at_ns * NS_PER_MS + 10 * NS_PER_MS);
    }
    n = net_new(8, 3);
    net_all_on(n);
    began = n->now_ns;
    assert_int_equal(net_host(n, 0, 1, 2), 0); /* both answer the first one */
    net_run(n, 5 * S);
    assert_int_equal(n->flood_count, 1);
    assert_int_equal(n->floods[0].ttl, 3);
    assert_int_equal(net_party(n, 0)->member_count, 3);
}

static void test_one_never_ready_guest(void **state)
{
    struct net *n = net_new(6, 4);

    (void)state;
    n->nodes[2].share_ns = TIME_NEVER;
    net_all_on(n);
    assert_int_equal(net_host(n, 0, 2, 3), 0);
    net_run(n, 60 * S);
    assert_int_equal(net_phase(n, 0), PARTY_SHARING);
    net_run(n, 3 * S);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(net_phase(n, i), PARTY_PLAYING);
        assert_true(net_agree(n, 0, i));
    }
    assert_false(net_status(n, 2).is_ready);
    assert_true(net_status(n, 1).is_ready);
}

static void test_nobody_ready_ends(void **state)
{
    struct net *n = net_new(7, 2);

    (void)state;
    n->nodes[0].has_sound = false;
    n->nodes[1].has_sound = false;
    net_all_on(n);
    assert_int_equal(net_host(n, 0, 1, 1), 0);
    net_run(n, 600 * S);
    assert_int_equal(net_phase(n, 0), PARTY_SHARING);
    net_run(n, 63 * S);
    assert_int_equal(net_phase(n, 0), PARTY_ENDED);
    assert_int_equal(net_phase(n, 1), PARTY_ENDED);
}

static void test_a_host_without_sound(void **state)
{
    struct net *n = net_new(8, 3);

    (void)state;
    n->nodes[0].has_sound = false;
    net_all_on(n);
    assert_int_equal(net_host(n, 0, 1, 2), 0);
    net_run(n, 65 * S);
    assert_int_equal(net_phase(n, 1), PARTY_PLAYING);
}

static void test_late_comer(void **state)
{
    struct net *n = net_new(9, 4);

    (void)state;
    for (int i = 0; i < 3; i++) {
        net_on(n, i, i > 0);
    }
    assert_int_equal(net_host(n, 0, 5, 2), 0);
    net_run(n, 30 * S);
    net_act(n, 0, (struct party_command){ .verb = ACTION_SKIP }, NULL);
    net_on(n, 3, true);
    net_run(n, 40 * S); /* invites go on while it plays */
    assert_int_equal(net_phase(n, 3), PARTY_PLAYING);
    assert_true(net_agree(n, 0, 3));
    assert_true(net_agree(n, 1, 3));
    assert_int_equal(net_party(n, 1)->member_count, 4);
}

static void test_leave_and_return(void **state)
{
    struct net *n = net_new(10, 3);

    (void)state;
    net_all_on(n);
    assert_int_equal(net_host(n, 0, 5, 2), 0);
    net_run(n, 10 * S);
    assert_int_equal(net_leave(n, 1), 0);
    net_run(n, S);
    assert_int_equal(net_phase(n, 1), PARTY_ENDED);
    assert_int_equal(net_party(n, 0)->member_count, 2);
    assert_int_equal(net_party(n, 2)->member_count, 2);
    net_run(n, 20 * S);
    assert_int_equal(net_phase(n, 1), PARTY_ENDED); /* it left: not drawn in again */
    assert_int_equal(net_leave(n, 1), ERR_STATE);
    assert_int_equal(net_accept(n, 1, ""), 0);
    net_run(n, 2 * S);
    assert_int_equal(net_phase(n, 1), PARTY_PLAYING);
    assert_int_equal(net_party(n, 0)->member_count, 3);
    assert_true(net_agree(n, 0, 1));
}

static void test_host_ends(void **state)
{
    struct net *n = net_new(11, 4);

    (void)state;
    net_all_on(n);
    assert_int_equal(net_host(n, 0, 2, 3), 0);
    net_run(n, 10 * S);
    assert_int_equal(net_end(n, 1), ERR_DENIED);
    assert_int_equal(net_end(n, 0), 0);
    assert_int_equal(net_end(n, 0), ERR_STATE);
    net_run(n, S);
    for (int i = 0; i < 4; i++) {
        struct timeline_segment s;

        assert_int_equal(net_phase(n, i), PARTY_ENDED);
        assert_int_equal(net_party(n, i)->invites->count, 0);
        assert_int_equal(party_timeline_segments(
                             net_party(n, i), (struct party_time){ NET_UTC_NS }, &s, 1),
                         1);
        assert_false(s.is_playing);
        for (int k = 0; k < 4; k++) {
            assert_false(n->up[i][k]); /* links are hung up */
        }
    }
}

static void test_member_that_dies(void **state)
{
    struct net *n = net_new(12, 4);

    (void)state;
    net_all_on(n);
    assert_int_equal(net_host(n, 0, 5, 3), 0);
    net_run(n, 10 * S);
    net_kill(n, 3);
    net_run(n, 10 * S);
    assert_int_equal(net_party(n, 1)->member_count, 4);
    net_run(n, 8 * S);
    assert_int_equal(net_party(n, 1)->member_count, 3);
    assert_true(net_agree(n, 0, 1) && net_agree(n, 0, 2));
}

static void test_member_that_falls_silent(void **state)
{
    struct net *n = net_new(13, 3);

    (void)state;
    net_all_on(n);
    assert_int_equal(net_host(n, 0, 5, 2), 0);
    net_run(n, 10 * S);
    n->nodes[2].is_on = false; /* hangs: its links stay */
    net_run(n, 23 * S);
    assert_int_equal(net_party(n, 0)->member_count, 3);
    net_run(n, 4 * S);
    assert_int_equal(net_party(n, 0)->member_count, 2);
    n->nodes[2].is_on = true;
    net_run(n, 5 * S);
    assert_int_equal(net_party(n, 0)->member_count, 3);
    assert_true(net_agree(n, 0, 2));
}

static void test_broken_link_heals(void **state)
{
    struct net *n = net_new(14, 3);
    struct party_command skip = { .verb = ACTION_SKIP };

    (void)state;
    net_all_on(n);
    assert_int_equal(net_host(n, 0, 5, 2), 0);
    net_run(n, 10 * S);
    net_cut(n, 0, 2);
    net_run(n, 2 * S);
    assert_int_equal(net_act(n, 0, skip, NULL), 0);
    net_run(n, 2 * S);
    assert_int_equal(net_phase(n, 2), PARTY_PLAYING); /* it plays what it knows */
    assert_int_equal(net_status(n, 2).slot, 0);
    assert_int_equal(net_status(n, 1).slot, 1);
    /* When its lease is over it would be host, and hears from the third one of both. */
    net_run(n, 4 * S);
    assert_int_equal(net_status(n, 2).slot, 1);
    assert_int_equal(net_party(n, 2)->log.epoch, 1);
    net_heal(n, 0, 2);
    net_run(n, 9 * S);
    assert_int_equal(net_status(n, 2).slot, 1);
    assert_true(net_agree(n, 0, 2));
    assert_int_equal(net_party(n, 0)->member_count, 3);
}

static void test_link_broken_for_long(void **state)
{
    struct net *n = net_new(15, 3);

    (void)state;
    net_all_on(n);
    assert_int_equal(net_host(n, 0, 5, 2), 0);
    net_run(n, 10 * S);
    net_cut(n, 0, 2);
    net_run(n, 30 * S);
    assert_int_equal(net_party(n, 0)->member_count, 2);
    assert_int_equal(net_status(n, 2).hearing, HEARING_SILENT);
    assert_int_equal(net_phase(n, 2), PARTY_PLAYING);
    net_heal(n, 0, 2);
    net_run(n, 20 * S);
    assert_int_equal(net_status(n, 2).hearing, HEARING_WELL);
    assert_int_equal(net_party(n, 0)->member_count, 3);
    assert_true(net_agree(n, 0, 2));
}

static void test_dead_host(void **state)
{
    struct net *n = net_new(16, 3);

    (void)state;
    net_all_on(n);
    assert_int_equal(net_host(n, 0, 3, 2), 0); /* three songs of 20 s */
    net_run(n, 10 * S);
    net_kill(n, 0);
    net_run(n, 40 * S);
    assert_int_equal(net_party(n, 1)->log.epoch, 2); /* another one leads it */
    assert_int_equal(net_phase(n, 1), PARTY_PLAYING);
    assert_int_equal(net_status(n, 1).slot, 2);
    assert_true(net_agree(n, 1, 2));
    net_run(n, 50 * S);
    assert_int_equal(net_phase(n, 1), PARTY_ENDED);
    assert_int_equal(net_phase(n, 2), PARTY_ENDED);
}

static void test_host_that_starts_anew(void **state)
{
    struct net *n = net_new(17, 2);

    (void)state;
    net_all_on(n);
    assert_int_equal(net_host(n, 0, 2, 1), 0);
    net_run(n, 10 * S);
    net_kill(n, 0);
    net_run(n, S);
    net_on(n, 0, false); /* and knows nothing any more */
    net_run(n, 20 * S);
    assert_int_equal(net_phase(n, 1), PARTY_PLAYING);
    assert_int_equal(net_status(n, 1).hearing, HEARING_SILENT);
    net_run(n, 60 * S);
    assert_int_equal(net_phase(n, 1), PARTY_ENDED);
}

/* ---- limits ---- */

static void test_full_party(void **state)
{
    struct net *n = net_new(24, 4);
    struct party_params params = party_params_default();

    (void)state;
    params.members_max = 3;
    net_on_with(n, 0, &params);
    for (int i = 1; i < 4; i++) {
        net_on(n, i, true);
    }
    assert_int_equal(net_host(n, 0, 2, 2), 0);
    net_run(n, 9 * S);
    assert_int_equal(net_party(n, 0)->member_count, 3);
    assert_int_equal((net_phase(n, 1) == PARTY_PLAYING) +
                         (net_phase(n, 2) == PARTY_PLAYING) +
                         (net_phase(n, 3) == PARTY_PLAYING),
                     2);
}

static void test_decline(void **state)
{
    struct net *n = net_new(27, 3);
    struct party_answer answer;
    char id[2 * PARTY_ID_LEN + 1];

    (void)state;
    for (int i = 0; i < 3; i++) {
        net_on(n, i, false);
    }
    assert_int_equal(net_host(n, 0, 5, 1), 0);
    hex_encode(net_party(n, 0)->log.party.b, PARTY_ID_LEN, id);
    net_run(n, S);
    assert_int_equal(party_decline(net_party(n, 1), "", net_local(n, 1), &answer), 0);
    net_after(n, 1);
    net_run(n, S);
    assert_non_null(strstr(party_note(net_party(n, 0), 0), "declined"));
    assert_int_equal(party_decline(net_party(n, 1), "", net_local(n, 1), &answer),
                     ERR_NOT_FOUND);
    net_run(n, 10 * S);
    assert_int_equal(net_accept(n, 2, ""), 0);
    net_run(n, 5 * S);
    assert_int_equal(net_phase(n, 2), PARTY_PLAYING);
    assert_int_equal(net_phase(n, 1), PARTY_IDLE);
    assert_int_equal(net_accept(n, 1, id), 0); /* by its id, having thought again */
    net_run(n, 5 * S);
    assert_int_equal(net_phase(n, 1), PARTY_PLAYING);
}

static void test_unreachable_host(void **state)
{
    struct net *n = net_new(28, 2);

    (void)state;
    net_all_on(n);
    assert_int_equal(net_host(n, 0, 1, 1), 0);
    net_run(n, 10 * NS_PER_MS);
    n->nodes[0].is_on = false;
    net_run(n, 5 * S);
    assert_int_equal(net_phase(n, 1), PARTY_JOINING);
    net_run(n, 30 * S);
    assert_int_equal(net_phase(n, 1), PARTY_ENDED);
    assert_non_null(strstr(party_note(net_party(n, 1), 0), "cannot be reached"));
}

/* Names are the user's, so anything may be in them; what is no text goes to nobody. */
static void test_names(void **state)
{
    static const struct row {
        const char *name;
        int want;
    } rows[] = {
        { "", 0 },
        { "k\xc3\xbc"
          "che",
          0 },
        { "a\nb", ERR_USAGE },
        { "\x1b[2J", ERR_USAGE },
        { "\xff\xfe", ERR_USAGE },
    };

    (void)state;
    for (int i = 0; i < COUNT(rows); i++) {
        struct net *n = net_new(31, 2);
        struct party_host_request r = { .song_count = 1, .wanted = 1 };
        struct addr addr = net_addr(0);
        struct party_answer answer;
        uint8_t manifest[MSG_ENTRY_MAX];
        uint8_t sig[SIGNATURE_LEN];

        net_all_on(n);
        r.name = bytes_of(rows[i].name, strlen(rows[i].name));
        r.songs[0].manifest = bytes_of(manifest, net_manifest(n, 0, 0, manifest, sig));
        r.songs[0].sig = sig;
        party_set_self(net_party(n, 0), rows[i].name, &addr, &(struct priority){ 0 });
        outbox_clear(&n->out);
        assert_int_equal(
            party_host(net_party(n, 0), &r, net_local(n, 0), &n->out, &answer),
            rows[i].want);
        net_after(n, 0);
        net_run(n, 5 * S);
        assert_int_equal(net_phase(n, 1), rows[i].want == 0 ? PARTY_PLAYING : PARTY_IDLE);
    }
}

/* Guests also link to each other, so that songs need not all come from the host. */
static void test_mesh(void **state)
{
    struct net *n = net_new(29, 8);

    (void)state;
    net_all_on(n);
    assert_int_equal(net_host(n, 0, 1, 7), 0);
    net_run(n, 20 * S);
    for (int i = 1; i < 8; i++) {
        int links = 0;

        for (int k = 1; k < 8; k++) {
            links += n->up[i][k];
            assert_true(!n->up[i][k] || party_is_member(net_party(n, i), k));
        }
        assert_true(links >= 4);
        assert_true(party_needs_link(net_party(n, i), 0));
    }
}

/* A quiet party costs little, and never spins. */
static void test_idle_cost(void **state)
{
    struct net *n = net_new(30, 3);
    int64_t wakes;
    int64_t sent;

    (void)state;
    for (int i = 0; i < 3; i++) {
        n->nodes[i].song_frames = 600 * 44100;
    }
    net_all_on(n);
    assert_int_equal(net_host(n, 0, 2, 2), 0);
    net_run(n, 20 * S);
    wakes = n->nodes[0].wakes + n->nodes[1].wakes;
    sent = n->sent;
    net_run(n, 100 * S);
    assert_true(n->nodes[0].wakes + n->nodes[1].wakes - wakes < 300);
    assert_true(n->sent - sent < 450);
}

/* Loss of whole links at random, and latency: in the end all agree. */
static void one_rough_seed(uint64_t seed)
{
    struct net *n = net_new(seed, 5);

    n->latency_ns = NS_PER_MS + rng_below(&n->rng, 150 * NS_PER_MS);
    n->jitter_ns = 1 + rng_below(&n->rng, 200 * NS_PER_MS);
    for (int i = 0; i < 5; i++) {
        n->nodes[i].song_frames = 120 * 44100;
    }
    net_all_on(n);
    assert_int_equal(net_host(n, 0, 5, 2), 0);
    for (int i = 0; i < 60; i++) {
        int a = (int)rng_below(&n->rng, 5);
        int b = (int)rng_below(&n->rng, 5);

        if (a != b && rng_below(&n->rng, 3) == 0) {
            net_cut(n, a, b);
        } else {
            net_heal(n, a, b);
        }
        if (rng_below(&n->rng, 3) == 0) {
            struct party_command c = { .verb = ACTION_JUMP,
                                       .number = 1 + (int)rng_below(&n->rng, 5) };

            (void)net_act(n, 0, c, NULL);
        }
        net_run(n, rng_below(&n->rng, 3 * S));
    }
    memset(n->cut, 0, sizeof(n->cut));
    net_run(n, 130 * S); /* a fork hears the next call, and goes back after its song */
    for (int i = 0; i < 5; i++) {
        if (!net_agree(n, 0, i) || net_party(n, 0)->phase != PARTY_PLAYING) {
            fail_msg("seed %lu: node %d phase %d role %d seq %ld/%ld",
                     (unsigned long)seed, i, net_phase(n, i), net_party(n, i)->role,
                     (long)net_party(n, i)->log.seq, (long)net_party(n, 0)->log.seq);
        }
    }
}

static void test_rough_weather(void **state)
{
    (void)state;
    for_each_seed(60, one_rough_seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_starts_when_enough_came),
        cmocka_unit_test(test_starts_at_the_deadline_with_one),
        cmocka_unit_test(test_ends_when_nobody_came),
        cmocka_unit_test(test_alone_if_wanted),
        cmocka_unit_test(test_people_who_come_late_hear_the_call),
        cmocka_unit_test(test_expanding_ring),
        cmocka_unit_test(test_one_never_ready_guest),
        cmocka_unit_test(test_nobody_ready_ends),
        cmocka_unit_test(test_a_host_without_sound),
        cmocka_unit_test(test_late_comer),
        cmocka_unit_test(test_leave_and_return),
        cmocka_unit_test(test_host_ends),
        cmocka_unit_test(test_member_that_dies),
        cmocka_unit_test(test_member_that_falls_silent),
        cmocka_unit_test(test_broken_link_heals),
        cmocka_unit_test(test_link_broken_for_long),
        cmocka_unit_test(test_dead_host),
        cmocka_unit_test(test_host_that_starts_anew),
        cmocka_unit_test(test_full_party),
        cmocka_unit_test(test_decline),
        cmocka_unit_test(test_unreachable_host),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_mesh),
        cmocka_unit_test(test_idle_cost),
        cmocka_unit_test(test_rough_weather),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
