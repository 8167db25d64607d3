/* Who is off, as all members learn it, and when they are told.
 * SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "tests/party/net.h"

#define S  NS_PER_S
#define US NS_PER_US

static struct net *playing(uint64_t seed, int count)
{
    struct net *n = net_new(seed, count);

    for (int i = 0; i < count; i++) {
        n->nodes[i].song_frames = 300 * 44100;
        net_on(n, i, i > 0);
    }
    assert_int_equal(net_host(n, 0, 3, count - 1), 0);
    net_run(n, 15 * S);
    for (int i = 0; i < count; i++) {
        assert_int_equal(net_phase(n, i), PARTY_PLAYING);
    }
    return n;
}

/* Players report four times a second; so for some seconds, with these phases. */
static void play(struct net *n, const int64_t *phase_us, int seconds)
{
    for (int k = 0; k < 4 * seconds; k++) {
        for (int i = 0; i < n->count; i++) {
            n->nodes[i].sound.is_playing = true;
            n->nodes[i].sound.phase_ns = phase_us[i] * US;
            net_tell_sound(n, i);
        }
        net_run(n, S / 4);
    }
}

static const struct unison *unison(struct net *n, int i)
{
    return &net_party(n, i)->unison;
}

static const char *note_of(struct net *n, int i)
{
    const char *last = "";

    for (int k = 0; party_note(net_party(n, i), k) != NULL; k++) {
        last = party_note(net_party(n, i), k);
    }
    return last;
}

static void test_all_members_know_who_is_off(void **state)
{
    static const int64_t phases[] = { 10, -30, 400, 20 };
    struct net *n = playing(1, 4);

    (void)state;
    play(n, phases, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(unison(n, i)->apart_ns, 430 * US);
        assert_true(node_id_equal(&unison(n, i)->off, &n->nodes[2].self.id));
        assert_int_equal(unison(n, i)->off_ns, 390 * US);
        assert_false(unison(n, i)->is_alarm);
        assert_true(unison(n, i)->bound_ns >= 0);
    }
}

static void test_ears_are_told_after_a_second_and_once(void **state)
{
    static const int64_t near[] = { 10, -30, 400, 20 };
    static const int64_t far[] = { 10, -30, -1400, 20 };
    struct net *n = playing(2, 4);

    (void)state;
    play(n, near, 3);
    play(n, far, 1);
    assert_false(unison(n, 2)->is_alarm);
    play(n, far, 3);
    for (int i = 0; i < 4; i++) {
        assert_true(unison(n, i)->is_alarm);
        assert_non_null(strstr(note_of(n, i), "guest 2 is behind the others"));
    }
    play(n, near, 3);
    for (int i = 0; i < 4; i++) {
        assert_false(unison(n, i)->is_alarm);
    }
}

static void test_a_short_error_is_not_told(void **state)
{
    static const int64_t near[] = { 0, 0, 0 };
    static const int64_t far[] = { 0, 5000, 0 };
    struct net *n = playing(3, 3);

    (void)state;
    for (int k = 0; k < 3; k++) {
        play(n, near, 3);
        n->nodes[1].sound.phase_ns = 5000 * US;
        net_tell_sound(n, 1);
        net_run(n, S / 4);
    }
    play(n, near, 2);
    for (int i = 0; i < 3; i++) {
        assert_null(strstr(note_of(n, i), "ears notice"));
    }
    play(n, far, 4);
    assert_non_null(strstr(note_of(n, 0), "guest 1 is ahead of the others"));
}

static void test_of_two_the_one_off_the_plan_is_named(void **state)
{
    static const int64_t host_off[] = { 2000, 3 };
    static const int64_t guest_off[] = { 4, -2000 };
    struct net *n = playing(4, 2);

    (void)state;
    play(n, host_off, 3);
    for (int i = 0; i < 2; i++) {
        assert_true(node_id_equal(&unison(n, i)->off, &n->nodes[0].self.id));
        assert_int_equal(unison(n, i)->off_ns, 1997 * US);
    }
    play(n, guest_off, 3);
    for (int i = 0; i < 2; i++) {
        assert_true(node_id_equal(&unison(n, i)->off, &n->nodes[1].self.id));
        assert_int_equal(unison(n, i)->off_ns, -2004 * US);
    }
}

/* Who does not play, or is not heard of any more, is left out. */
static void test_who_is_silent_does_not_count(void **state)
{
    static const int64_t phases[] = { 10, -30, 5000, 20 };
    struct net *n = playing(5, 4);

    (void)state;
    play(n, phases, 3);
    n->nodes[2].sound.is_playing = false;
    net_tell_sound(n, 2);
    net_run(n, 3 * S);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(unison(n, i)->apart_ns, 50 * US);
    }
    for (int i = 0; i < 4; i++) {
        n->nodes[i].sound.is_playing = false;
        net_tell_sound(n, i);
    }
    net_run(n, 10 * S);
    for (int i = 0; i < 4; i++) {
        net_tell_sound(n, i);
        assert_int_equal(unison(n, i)->apart_ns, -1);
    }
}

/* A liar can be shown as what he says, and nothing worse. */
static void test_a_liar_is_only_shown(void **state)
{
    struct net *n = playing(6, 3);

    (void)state;
    n->nodes[1].sound = (struct msg_sound){ true, INT64_MIN, INT64_MIN, UINT32_MAX, 1 };
    n->nodes[2].sound = (struct msg_sound){ true, INT64_MAX, INT64_MAX, 1, UINT32_MAX };
    for (int k = 0; k < 12; k++) {
        for (int i = 0; i < 3; i++) {
            net_tell_sound(n, i);
        }
        net_run(n, S / 4);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(unison(n, i)->apart_ns, 7200 * S);
        assert_int_equal(net_phase(n, i), PARTY_PLAYING);
    }
}

/* More members than a round has room for: each has its turn. */
static void test_rounds_reach_everybody(void **state)
{
    struct net *n = playing(7, NET_NODES_MAX);
    int64_t phases[NET_NODES_MAX] = { 0 };
    int known = 0;

    (void)state;
    play(n, phases, 4);
    for (int i = 0; i < net_party(n, 1)->member_count; i++) {
        known += unison_is_told(net_party(n, 1), &net_party(n, 1)->members[i]);
    }
    assert_int_equal(known, NET_NODES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_members_know_who_is_off),
        cmocka_unit_test(test_ears_are_told_after_a_second_and_once),
        cmocka_unit_test(test_a_short_error_is_not_told),
        cmocka_unit_test(test_of_two_the_one_off_the_plan_is_named),
        cmocka_unit_test(test_who_is_silent_does_not_count),
        cmocka_unit_test(test_a_liar_is_only_shown),
        cmocka_unit_test(test_rounds_reach_everybody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
