/* A party of whole nodes: call, accept, share, play, late comers, the same song twice, a
 * checkpoint, the end; and how often nodes wake meanwhile.  SPDX-License-Identifier: MIT
 */
#include "tests/node/ask.h"

static int64_t party_now(int node)
{
    const struct clock_line *l = node_party_line(town_node(node));

    assert_true(l->is_valid);
    return party_clock_from_local(l, town.now_ns + town.n[node].offset_ns).ns;
}

/* What the player of a node was told is heard at this instant of party time. */
static const struct timeline_segment *heard(int node, int64_t party_ns)
{
    const struct timeline_segment *found = NULL;
    const struct town_node *n = &town.n[node];

    for (int i = 0; i < n->segments; i++) {
        if (n->segment[i].at.ns <= party_ns)
            found = &n->segment[i];
    }
    return found;
}

static void assert_same_music(int a, int b)
{
    int64_t t = party_now(a);
    const struct timeline_segment *x = heard(a, t);
    const struct timeline_segment *y = heard(b, t);

    assert_non_null(x);
    assert_non_null(y);
    assert_true(x->is_playing && y->is_playing);
    assert_int_equal(x->slot, y->slot);
    assert_true(x->at.ns - x->frame * NS_PER_S / 44100 ==
                y->at.ns - y->frame * NS_PER_S / 44100);
    /* Links without jitter: the two lines can hardly differ. */
    assert_true(llabs(party_now(a) - party_now(b)) < 20 * NS_PER_US);
}

static void join(int node)
{
    for (int i = 0; i < 10 && node_invites(town_node(node))->count == 0; i++)
        town_run(S);
    assert_int_equal(town_accept(node)->err, 0);
}

static void begin(int count, uint8_t seed, int songs)
{
    town_make(count, seed);
    town_start_all();
    town_run(3 * S);
    assert_int_equal(town_host(0, songs, 1)->err, 0);
    assert_int_equal(town_phase(0), PARTY_CALLING);
    join(1);
    town_run(15 * S);
    assert_int_equal(town_phase(0), PARTY_PLAYING);
    assert_int_equal(town_phase(1), PARTY_PLAYING);
}

static void test_two_nodes_play(void **state)
{
    (void)state;
    begin(2, 31, 3);
    for (int k = 0; k < 3; k++) {
        int blocks = merkle_blocks(town.song[k].bytes);

        assert_int_equal(town.n[1].has[k], (1 << blocks) - 1);
        assert_true(town.n[1].has_leaves[k]);
        assert_int_equal(party_song(node_party(town_node(1)), k)->held, blocks);
    }
    assert_same_music(0, 1);
    assert_int_equal(node_party(town_node(1))->members[1].is_self, true);
    town_run(60 * S); /* into the second song */
    assert_same_music(0, 1);
    assert_int_equal(heard(1, party_now(1))->slot, 1);
    town_run(120 * S); /* the last one ends, and the party with it */
    assert_int_equal(town_phase(1), PARTY_STOPPED);
    assert_false(heard(1, party_now(1))->is_playing);
    town_run(40 * S);
    assert_int_equal(town_phase(0), PARTY_ENDED);
    assert_int_equal(town_phase(1), PARTY_ENDED);
    assert_int_equal(town.n[1].segments, 1);
    assert_false(town.n[1].segment[0].is_playing);
    town_run(120 * S);
    assert_int_equal(town_phase(0), PARTY_IDLE);
    assert_false(node_party_line(town_node(0))->is_valid);
}

/* A guest that is cut off cannot know where to the host steers meanwhile: its bound says
 * so, and the host's own does not grow. */
static void test_bound_of_silence(void **state)
{
    const struct clock_line *guest;
    int64_t at_ns;
    int64_t steered_ns;

    (void)state;
    begin(2, 37, 2);
    guest = node_party_line(town_node(1));
    at_ns = guest->local_ns;
    steered_ns = mul_div(60 * S, 2 * clock_params_default().map_slew_ppt, PPT_ONE);
    assert_true(clock_line_bound_at(guest, at_ns + 60 * S) -
                    clock_line_bound_at(guest, at_ns) >=
                steered_ns);
    assert_int_equal(node_party_line(town_node(0))->bound_ppt, 0);
}

static void test_late_comer(void **state)
{
    (void)state;
    begin(3, 32, 2);
    town_run(10 * S);
    join(2);
    town_run(15 * S);
    assert_int_equal(town_phase(2), PARTY_PLAYING);
    assert_same_music(0, 2);
    assert_same_music(1, 2);
    assert_int_equal(town.n[2].has[1], (1 << merkle_blocks(town.song[1].bytes)) - 1);
    assert_int_equal(node_party(town_node(0))->member_count, 3);
}

/* A node that starts while a party plays has heard no call: the announcement tells it,
 * once a period, and it can come. */
static void test_a_party_is_announced(void **state)
{
    (void)state;
    town_make(3, 48);
    town_start(0);
    town_equip(0);
    town_start(1);
    town_equip(1);
    town_run(3 * S);
    assert_int_equal(town_host(0, 5, 1)->err, 0);
    join(1);
    town_run(80 * S); /* what was flooded is forgotten */
    assert_int_equal(town_phase(0), PARTY_PLAYING);
    town_start(2);
    town_equip(2);
    town_run(31 * S);
    assert_int_equal(node_invites(town_node(2))->count, 1);
    assert_true(node_invites(town_node(2))->list[0].is_running);
    join(2);
    town_run(20 * S);
    assert_int_equal(town_phase(2), PARTY_PLAYING);
    assert_same_music(0, 2);
}

/* Whatever the node of a guest had before, a new party has its own time and music. */
static void test_one_party_after_the_other(void **state)
{
    (void)state;
    begin(3, 33, 1);
    assert_int_equal(town_say(1, "leave")->err, 0);
    town_run(2 * S);
    assert_false(town.n[1].segment[0].is_playing);
    assert_int_equal(town_say(0, "leave")->err, 0);
    town_run(2 * S);
    assert_int_equal(town_host(2, 2, 1)->err, 0);
    join(1);
    town_run(15 * S);
    assert_int_equal(town_phase(1), PARTY_PLAYING);
    assert_same_music(2, 1);
    assert_int_equal(town.n[1].segment[0].slot, 0);
}

/* A host may like a song so much that it is in the pool twice. */
static void test_the_same_song_twice(void **state)
{
    static const uint8_t request[] = "\x87\x64host\x61p\x82\x67/song/2\x67/song/2\x01"
                                     "\x00\x00\x00";

    (void)state;
    town_make(2, 34);
    town_start_all();
    town_run(3 * S);
    assert_int_equal(town_ask(0, bytes_of(request, sizeof(request) - 1))->err, 0);
    join(1);
    town_run(15 * S);
    assert_int_equal(town_phase(1), PARTY_PLAYING);
    for (int slot = 0; slot < 2; slot++)
        assert_int_equal(party_song(node_party(town_node(1)), slot)->held,
                         merkle_blocks(town.song[2].bytes));
    assert_int_equal(town_say(1, "leave")->err, 0);
    town_run(70 * S); /* so long it is shown */
    assert_int_equal(town.n[1].drops, 1);
    assert_null(town_node(1)->company); /* nothing is left of it */
}

/* The party forgets its pool when it jumps onto a checkpoint, and wants to be told of the
 * songs again, though nothing has changed about them. */
static void test_progress_is_told_again(void **state)
{
    struct party *p;

    (void)state;
    begin(2, 35, 2);
    p = &town_node(1)->company->party;
    p->pool[0].held = 0;
    p->pool[1].held = 0;
    p->is_pool_changed = true;
    town_run(S);
    assert_int_equal(p->pool[0].held, merkle_blocks(town.song[0].bytes));
    assert_int_equal(p->pool[1].held, merkle_blocks(town.song[1].bytes));
}

/* A song that leaves one slot and enters another stays what it is here. */
static void test_a_song_changes_its_slot(void **state)
{
    struct party *p;
    struct party_song first;

    (void)state;
    begin(2, 36, 2);
    p = &town_node(1)->company->party;
    first = p->pool[0];
    p->pool[0] = p->pool[1];
    p->pool[1] = first;
    p->is_pool_changed = true;
    town_run(S);
    assert_true(swarm_is_complete(node_swarm(town_node(1)), &town.song[0].id));
    assert_true(swarm_is_complete(node_swarm(town_node(1)), &town.song[1].id));
    assert_int_equal(p->pool[1].held, merkle_blocks(town.song[0].bytes));
    assert_int_equal(town.n[1].drops, 0);
}

static void count_wakes(int seconds)
{
    for (int i = 0; i < town.count; i++)
        town.n[i].wakes = 0;
    town_run(seconds * S);
    for (int i = 0; i < town.count; i++) {
        print_message("playing, node %d: %lld wakes in %d s\n", i,
                      (long long)town.n[i].wakes, seconds);
        assert_true(town.n[i].wakes <= 20 * seconds);
    }
}

static void test_wakes_while_playing(void **state)
{
    (void)state;
    begin(3, 37, 5);
    join(2);
    town_run(30 * S);
    count_wakes(100);
    assert_int_equal(town_say(0, "pause")->err, 0);
    town_run(5 * S);
    count_wakes(20);
}

/* The host's clock line changes with each of its answers; the watchers hear of what they
 * would want to see, no more often than they asked for. */
static void test_watchers(void **state)
{
    int64_t before;

    (void)state;
    begin(3, 38, 2);
    town_run(20 * S);
    before = town.n[1].states;
    join(2);
    town_run(S);
    assert_true(town.n[1].states > before); /* one more member */
    assert_true(town.n[1].states - before <= 21);
    town_run(30 * S);
    before = town.n[0].states;
    town_stop(2);
    town_run(S / 2);
    assert_true(town.n[0].states > before);
}

/* Of a host that is gone without a word the guest notices, and the music goes on. */
static void test_the_host_is_gone(void **state)
{
    (void)state;
    begin(2, 39, 3);
    town_run(2 * S);
    town_stop(0);
    town_run(60 * S);
    assert_int_equal(town_phase(1), PARTY_PLAYING);
    assert_int_equal(heard(1, party_now(1))->slot, 1);
    assert_int_equal(town_say(1, "status")->err, 0);
    town_run(200 * S);
    assert_true(town_phase(1) == PARTY_ENDED || town_phase(1) == PARTY_IDLE);
}

/* A process that was stopped has heard nothing meanwhile, and that is not the host's
 * silence: it makes no party of its own. */
static void test_a_stopped_guest_does_not_fork(void **state)
{
    struct party_id party;

    (void)state;
    begin(2, 45, 3);
    party = node_party(town_node(1))->log.party;
    town_pause(1, 50 * S);
    town_run(50 * S + 2);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(node_party(town_node(1))->role, PARTY_ROLE_GUEST);
        assert_true(party_id_equal(&node_party(town_node(1))->log.party, &party));
        town_run(S / 10);
    }
    assert_int_equal(node_party(town_node(0))->member_count, 2); /* and is back */
    assert_true(node_party(town_node(1))->is_current);
    assert_same_music(0, 1);
}

/* A stopped host finds its guests where it left them, if they did not go on without it.
 */
static void test_a_stopped_host_keeps_its_guests(void **state)
{
    (void)state;
    begin(2, 46, 3);
    town_pause(0, 16 * S); /* too short for the guest to close the link */
    town_run(16 * S);      /* its timers have run, and nothing is read yet */
    assert_false(node_party(town_node(0))->members[1].is_away);
    town_run(5 * S);
    assert_int_equal(node_party(town_node(0))->member_count, 2);
    assert_same_music(0, 1);
}

/* What the last one refuses, as its origin speaks too often for it, the others announce
 * and pass on; they are not to be blamed for what it does not take. */
static void test_who_passes_on_is_not_blamed(void **state)
{
    const struct node *last;

    (void)state;
    town_make(4, 44);
    for (int i = 0; i < 4; i++) {
        town.n[i].params.party.invite_every_ns = S;
        town.n[i].params.flood.origin_rate = (struct bucket_rate){ S / 10, 100 };
    }
    town.n[3].params.flood.origin_rate = (struct bucket_rate){ 600 * S, 20 };
    town_start_all();
    town_run(3 * S);
    assert_int_equal(town_host(0, 2, 1)->err, 0);
    join(1);
    town_run(90 * S);
    last = town_node(3);
    assert_true(flood_counts(&last->floods)->origin_limited > 10);
    assert_int_equal(last->tree->counts.broken, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_nodes_play),
        cmocka_unit_test(test_who_passes_on_is_not_blamed),
        cmocka_unit_test(test_late_comer),
        cmocka_unit_test(test_bound_of_silence),
        cmocka_unit_test(test_a_party_is_announced),
        cmocka_unit_test(test_one_party_after_the_other),
        cmocka_unit_test(test_the_same_song_twice),
        cmocka_unit_test(test_progress_is_told_again),
        cmocka_unit_test(test_a_song_changes_its_slot),
        cmocka_unit_test(test_wakes_while_playing),
        cmocka_unit_test(test_watchers),
        cmocka_unit_test(test_the_host_is_gone),
        cmocka_unit_test(test_a_stopped_guest_does_not_fork),
        cmocka_unit_test(test_a_stopped_host_keeps_its_guests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
