/* What a swarm asks for, of whom, and whom it believes.  SPDX-License-Identifier: MIT */
#include "tests/share/rig.h"

static void test_limits(void **state)
{
    struct song_id third = { { 9 } };
    int have = 7;
    int total = 7;

    (void)state;
    assert_int_equal(swarm_add(&swarm, &songs[0], 0, 0), ERR_LIMIT);
    assert_int_equal(swarm_add(&swarm, &songs[0], (uint64_t)BLOCKS * BLOCK_SIZE + 1, 0),
                     ERR_LIMIT);
    add(0);
    assert_int_equal(swarm_add(&swarm, &songs[0], BYTES, 0), ERR_STATE);
    add(1);
    assert_int_equal(swarm_add(&swarm, &third, BYTES, 0), ERR_LIMIT);
    swarm_progress(&swarm, &third, &have, &total);
    assert_true(have == 0 && total == 0 && !swarm_has(&swarm, &third));
    swarm_remove(&swarm, &third, now, &out);
    swarm_remove(&swarm, &songs[0], now, &out);
    assert_false(swarm_has(&swarm, &songs[0]));
    assert_int_equal(swarm_add(&swarm, &third, BYTES, 0), 0);
    swarm_finish(&swarm);
    assert_true(heap.used == 0);
    assert_int_equal(begin(NULL), 0);
    assert_true(swarm_wake_ns(&swarm) == TIME_NEVER);
}

static void test_from_nothing_to_everything(void **state)
{
    uint32_t list[BLOCKS];
    struct song_id song;
    struct bytes hashes;
    struct msg m;
    int n;

    (void)state;
    add(0);
    up(2);
    assert_false(take(2, MSG_HAVE, &m)); /* the store has not spoken yet */
    open_with(0, false, false);
    assert_true(take(2, MSG_HAVE, &m) && !m.u.have.has_all && m.u.have.bitmap.len == 0);
    hear_have(2, 0, true, bytes_of(NULL, 0));
    assert_true(take(2, MSG_LEAVES_GET, &m));
    assert_true(m.u.leaves_get.first == 0 && m.u.leaves_get.count == BLOCKS);
    assert_int_equal(wanted(2, list), 0); /* nothing can be checked yet */
    hear_leaves(2, 0, leaves[0]);
    assert_true(swarm_take_leaves(&swarm, &song, &hashes));
    assert_true(song_id_equal(&song, &songs[0]));
    assert_memory_equal(hashes.data, leaves[0], sizeof(leaves[0]));
    assert_false(swarm_take_leaves(&swarm, &song, &hashes));
    n = wanted(2, list);
    assert_int_equal(n, 4);
    for (int i = 0; i < n; i++)
        assert_true(list[i] < 8); /* the head first */
    for (int k = 0; k < BLOCKS; k++) {
        now += 10 * MS;
        hear_block(2, 0, (int)list[0], block(0, (int)list[0]));
        assert_int_equal(held(0), k); /* not before it is stored */
        store(0);
        assert_int_equal(held(0), k + 1);
        memmove(list, list + 1, sizeof(list) - sizeof(list[0]));
        n += wanted(2, list + n - 1) - 1;
        assert_true(n <= 64 && (n > 0 || k == BLOCKS - 1));
    }
    assert_true(swarm_is_complete(&swarm, &songs[0]));
    assert_int_equal(swarm.stats.received, BLOCKS);
    assert_int_equal(swarm.stats.duplicates, 0);
}

static void test_stored_blocks_are_announced(void **state)
{
    uint32_t list[BLOCKS];
    uint32_t told[BLOCKS];

    (void)state;
    fetching(2);
    assert_true(wanted(0, list) > 1);
    quiet();
    hear_block(0, 0, (int)list[0], block(0, (int)list[0]));
    assert_int_equal(take_list(1, MSG_HAVE_BLOCKS, told), 0);
    store(0);
    hear_block(0, 0, (int)list[1], block(0, (int)list[1]));
    store(0);
    pass(now + 10 * MS); /* in one batch */
    for (int p = 0; p < 2; p++) {
        assert_int_equal(take_list(p, MSG_HAVE_BLOCKS, told), 2);
        assert_true(told[0] == list[0] && told[1] == list[1]);
    }
}

static void test_false_leaves_ban(void **state)
{
    uint8_t bad[BLOCKS * HASH_LEN];
    struct msg m;
    struct song_id song;
    struct bytes hashes;
    int asked = -1;
    int peer = -1;

    (void)state;
    add(0);
    open_with(0, false, false);
    up(0);
    up(1);
    hear_have(0, 0, true, bytes_of(NULL, 0));
    hear_have(1, 0, true, bytes_of(NULL, 0));
    for (int p = 0; p < 2; p++)
        asked = take(p, MSG_LEAVES_GET, &m) ? p : asked;
    assert_true(asked >= 0);
    memcpy(bad, leaves[0], sizeof(bad));
    bad[1000] ^= 1;
    hear_leaves(1 - asked, 0, leaves[0]); /* was not asked */
    assert_false(swarm_take_leaves(&swarm, &song, &hashes));
    hear_leaves(asked, 0, bad);
    assert_true(swarm_take_banned(&swarm, &peer));
    assert_int_equal(peer, asked);
    assert_false(swarm_take_banned(&swarm, &peer));
    assert_true(take(1 - asked, MSG_LEAVES_GET, &m)); /* the other is asked at once */
    hear_leaves(1 - asked, 0, leaves[0]);
    assert_true(swarm_take_leaves(&swarm, &song, &hashes));
}

static void test_silent_leaf_source_is_replaced(void **state)
{
    struct msg m;
    int asked[3] = { 0 };

    (void)state;
    add(0);
    open_with(0, false, false);
    for (int p = 0; p < 3; p++) {
        up(p);
        hear_have(p, 0, true, bytes_of(NULL, 0));
    }
    pass(now + 9500 * MS); /* four times: they take turns */
    for (int p = 0; p < 3; p++) {
        while (take(p, MSG_LEAVES_GET, &m))
            asked[p]++;
        assert_in_range(asked[p], 1, 2);
    }
    assert_int_equal(asked[0] + asked[1] + asked[2], 4);
}

static void test_wrong_blocks_ban(void **state)
{
    static uint8_t bad[BLOCK_SIZE];
    uint32_t list[BLOCKS];
    struct swarm_block b;
    int peer;

    (void)state;
    fetching(1);
    for (int strike = 1; strike <= 3; strike++) {
        assert_false(swarm_take_banned(&swarm, &peer));
        assert_true(wanted(0, list) > 0);
        memcpy(bad, block(0, (int)list[0]).data, BLOCK_SIZE);
        bad[strike * 5000] ^= 0x80;
        quiet();
        hear_block(0, 0, (int)list[0], bytes_of(bad, BLOCK_SIZE));
        assert_false(swarm_take_store(&swarm, &b));
    }
    assert_true(swarm_take_banned(&swarm, &peer) && peer == 0);
    quiet();
    pass(now + 100 * NS_PER_S);
    hear_have(0, 0, true, bytes_of(NULL, 0));
    assert_int_equal(wanted(0, list), 0);
    hear_block(0, 0, 1, block(0, 1)); /* not even a good one */
    assert_false(swarm_take_store(&swarm, &b));
    swarm_peer_down(&swarm, 0, now, &out);
    up(0); /* another peer in this slot */
    hear_have(0, 0, true, bytes_of(NULL, 0));
    assert_true(wanted(0, list) > 0);
}

static void test_wrong_length_is_a_wrong_block(void **state)
{
    uint32_t list[BLOCKS];
    struct swarm_block b;

    (void)state;
    fetching(1);
    assert_true(wanted(0, list) > 0);
    hear_block(0, 0, (int)list[0], bytes_of(content[0], 5));
    assert_false(swarm_take_store(&swarm, &b));
    assert_int_equal(swarm.stats.wrong, 1);
    hear_block(0, 0, BLOCKS, block(0, 0));
    assert_int_equal(swarm.stats.dropped, 1);
}

static void test_unasked_good_block_is_taken(void **state)
{
    uint32_t list[BLOCKS];
    struct swarm_block b;
    int n;

    (void)state;
    fetching(2);
    n = wanted(0, list);
    assert_true(n > 0);
    quiet();
    hear_block(1, 0, (int)list[0], block(0, (int)list[0])); /* asked of 0, comes from 1 */
    assert_int_equal(take_list(0, MSG_CANCEL, list + n), 1);
    assert_int_equal(list[n], list[0]);
    store(0);
    hear_block(0, 0, (int)list[0], block(0, (int)list[0])); /* too late */
    assert_false(swarm_take_store(&swarm, &b));
    assert_int_equal(swarm.stats.duplicates, 1);
}

static void test_silence_is_asked_elsewhere(void **state)
{
    uint32_t mute[BLOCKS];
    uint32_t other[BLOCKS];
    uint32_t cancelled[BLOCKS];
    int64_t start;
    int n;

    (void)state;
    fetching(1);
    start = now;
    n = wanted(0, mute);
    assert_int_equal(n, 4);
    wake_at(start + 3 * NS_PER_S - 1);
    assert_int_equal(take_list(0, MSG_CANCEL, cancelled), 0);
    wake_at(start + 3 * NS_PER_S);
    assert_int_equal(take_list(0, MSG_CANCEL, cancelled), n);
    assert_int_equal(wanted(0, other), 0); /* left alone for a second */
    wake_at(now + NS_PER_S);
    assert_int_equal(wanted(0, other), 1); /* then one, to see */
    up(1);
    quiet();
    hear_have(1, 0, true, bytes_of(NULL, 0));
    assert_int_equal(wanted(1, other), 4);
    wake_at(now + 3 * NS_PER_S); /* again nothing: two seconds */
    assert_int_equal(take_list(0, MSG_CANCEL, cancelled), 1);
    wake_at(now + 2 * NS_PER_S - 1);
    assert_int_equal(wanted(0, other), 0);
    wake_at(now + 1);
    n = wanted(0, other);
    assert_int_equal(n, 1);
    hear_block(0, 0, (int)other[0], block(0, (int)other[0]));
    store(0);
    assert_true(wanted(0, other) > 1); /* it is back */
}

static void test_refusal_is_asked_elsewhere(void **state)
{
    uint32_t list[BLOCKS];
    uint32_t again[BLOCKS];
    int n;

    (void)state;
    fetching(1);
    n = wanted(0, list);
    hear_list(0, MSG_REFUSE, 0, n, list);
    assert_int_equal(wanted(0, again), 0);
    assert_int_equal(swarm.stats.refused, n);
    for (int i = 0; i < n; i++)
        assert_int_equal(swarm.songs[0].copies[list[i]], 0); /* it does not have them */
    pass(now + NS_PER_S);
    assert_int_equal(wanted(0, again), 1);
    for (int i = 0; i < n; i++)
        assert_true(again[0] != list[i]);
}

static void test_last_blocks_are_doubled(void **state)
{
    uint8_t all_but_two[(BLOCKS + 7) / 8];
    struct swarm_local local = { bytes_of(leaves[0], sizeof(leaves[0])),
                                 bytes_of(all_but_two, sizeof(all_but_two)), false };
    uint32_t list[2][BLOCKS];
    int first;

    (void)state;
    memset(all_but_two, 0xff, sizeof(all_but_two));
    all_but_two[2] = 0x7e; /* 16 and 23 are missing */
    add(0);
    swarm_opened(&swarm, &songs[0], &local, now, &out);
    assert_int_equal(held(0), BLOCKS - 2);
    up(0);
    up(1);
    hear_have(0, 0, true, bytes_of(NULL, 0));
    assert_int_equal(wanted(0, list[0]), 2);
    hear_have(1, 0, true, bytes_of(NULL, 0));
    assert_int_equal(wanted(1, list[1]), 0);
    wake_at(now + 300 * MS - 1);
    assert_int_equal(wanted(1, list[1]), 0);
    wake_at(now + 1);
    assert_int_equal(wanted(1, list[1]), 2);
    swarm_check(&swarm);
    first = (int)list[0][0];
    hear_block(1, 0, first, block(0, first));
    assert_int_equal(take_list(0, MSG_CANCEL, list[0]), 1);
    store(0);
    hear_block(0, 0, 16 + 23 - first, block(0, 16 + 23 - first));
    assert_int_equal(take_list(1, MSG_CANCEL, list[0]), 1);
    store(0);
    assert_true(swarm_is_complete(&swarm, &songs[0]));
    assert_int_equal(swarm.songs[0].doubled, 0);
    assert_int_equal(swarm.songs[0].doubled_ever, 2);
}

static void test_nothing_is_asked_three_times(void **state)
{
    uint8_t missing[] = { 0xff, 0xff, 0x7e, 0xff, 0xff }; /* 16 and 23 */
    uint8_t has_16[] = { 0, 0, 0x80, 0, 0 };
    uint8_t has_23[] = { 0, 0, 0x01, 0, 0 };
    struct swarm_local local = { bytes_of(leaves[0], sizeof(leaves[0])),
                                 bytes_of(missing, sizeof(missing)), false };
    uint32_t list[BLOCKS];
    int asked = 0;

    (void)state;
    add(0);
    swarm_opened(&swarm, &songs[0], &local, now, &out);
    for (int p = 0; p < 4; p++)
        up(p);
    for (int p = 0; p < 3; p++)
        hear_have(p, 0, false, bytes_of(has_16, sizeof(has_16)));
    wake_at(now + 250 * MS);
    hear_have(3, 0, false, bytes_of(has_23, sizeof(has_23)));
    wake_at(now + 50 * MS); /* block 16 is late now, 23 is not */
    wake_at(now + 50 * MS);
    hear_have(3, 0, false, bytes_of(has_23, sizeof(has_23)));
    for (int p = 0; p < 3; p++)
        asked += wanted(p, list);
    assert_int_equal(asked, 2);
    assert_int_equal(wanted(3, list), 1);
}

static void test_lost_peer_is_replaced(void **state)
{
    uint32_t list[BLOCKS];

    (void)state;
    fetching(2);
    assert_int_equal(wanted(0, list) + wanted(1, list), 8);
    up(0); /* it is up already: nothing changes */
    swarm_check(&swarm);
    assert_int_equal(swarm.request_total, 8);
    swarm_peer_down(&swarm, 0, now, &out);
    assert_int_equal(swarm.request_total, 4);
    assert_int_equal(swarm.songs[0].copies[0], 1);
    swarm_peer_down(&swarm, 0, now, &out);
    swarm_check(&swarm);
}

static void test_full_disk_waits(void **state)
{
    uint32_t list[BLOCKS];

    (void)state;
    fetching(1);
    assert_true(wanted(0, list) > 3);
    now += 500 * MS; /* a slow peer, of which little is asked */
    hear_block(0, 0, (int)list[0], block(0, (int)list[0]));
    quiet();
    store(ERR_DISK);
    assert_int_equal(held(0), 0);
    assert_int_equal(wanted(0, list + 4), 0);
    assert_true(swarm_wake_ns(&swarm) < TIME_NEVER);
    for (int i = 1; i < 4; i++) { /* what was under way may still come */
        hear_block(0, 0, (int)list[i], block(0, (int)list[i]));
        store(0);
    }
    assert_int_equal(held(0), 3);
    assert_int_equal(wanted(0, list), 0);
    pass(now + 10 * NS_PER_S);
    assert_true(wanted(0, list) > 0);
}

static void test_block_that_nobody_took(void **state)
{
    uint32_t list[BLOCKS];
    struct swarm_block b;

    (void)state;
    fetching(1);
    assert_true(wanted(0, list) > 0);
    hear_block(0, 0, (int)list[0], block(0, (int)list[0]));
    swarm_wake(&swarm, now, &out); /* the view is gone now */
    assert_false(swarm_take_store(&swarm, &b));
    swarm_check(&swarm);
    assert_int_equal(swarm.storing_total, 0);
}

static void test_play_order(void **state)
{
    struct song_id order[3] = { { { 77 } }, songs[1], songs[1] };
    struct msg m;

    (void)state;
    add(0);
    add(1);
    swarm_set_order(&swarm, order, 3); /* an unknown one and a repeat do no harm */
    open_with(0, true, false);
    open_with(1, true, false);
    up(0);
    hear_have(0, 1, true, bytes_of(NULL, 0));
    assert_true(take(0, MSG_WANT, &m) && song_id_equal(&m.u.blocks.song, &songs[1]));
    for (int i = 0; i < m.u.blocks.count; i++)
        assert_true(m.u.blocks.list[i] < 8);
    swarm_set_order(&swarm, songs, 1);
    hear_have(0, 0, true, bytes_of(NULL, 0));
    hear_block(0, 1, (int)m.u.blocks.list[0], block(1, (int)m.u.blocks.list[0]));
    store(0);
    assert_true(take(0, MSG_WANT, &m) && song_id_equal(&m.u.blocks.song, &songs[0]));
}

static void test_have_is_told_until_it_is_answered(void **state)
{
    struct msg m;
    int told = 0;

    (void)state;
    add(0);
    open_with(0, true, true);
    up(0);
    assert_true(take(0, MSG_HAVE, &m) && m.u.have.has_all && m.u.have.bitmap.len == 0);
    pass(now + 100 * NS_PER_S);
    while (take(0, MSG_HAVE, &m))
        told++;
    assert_int_equal(told, 5); /* after 3, 9, 21, 45 and 75 seconds */
    hear_have(0, 0, false, bytes_of(NULL, 0));
    assert_true(take(0, MSG_HAVE, &m)); /* it may have asked because it does not know */
    pass(now + 100 * NS_PER_S);
    assert_false(take(0, MSG_HAVE, &m));
    hear_have(0, 0, false, bytes_of(NULL, 0)); /* it has opened the song anew */
    assert_true(take(0, MSG_HAVE, &m));
    hear_have(0, 0, false, bytes_of(NULL, 0));
    assert_false(take(0, MSG_HAVE, &m)); /* two seconds of quiet: no ping-pong */
}

static void test_bitmap_of_a_have(void **state)
{
    static const uint8_t bitmap[(BLOCKS + 7) / 8] = { 0x20, 0, 0x01, 0, 0 };
    uint32_t list[BLOCKS];

    (void)state;
    fetching(0);
    up(0);
    hear_have(0, 0, false, bytes_of(bitmap, sizeof(bitmap)));
    assert_int_equal(wanted(0, list), 2);
    assert_true(list[0] == 2 &&
                list[1] == 23); /* most significant bit first, head first */
    hear_have(0, 0, false, bytes_of(NULL, 0)); /* it has none any more */
    assert_int_equal(swarm.songs[0].have[0].count, 0);
}

static void test_malformed_haves(void **state)
{
    static const uint8_t ones[64] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    uint32_t beyond[] = { BLOCKS, UINT32_MAX, 3 };

    (void)state;
    fetching(0);
    up(0);
    hear_have(0, 0, false, bytes_of(ones, 4));
    hear_have(0, 0, false, bytes_of(ones, 6));
    hear_have(0, 0, true, bytes_of(ones, 5));
    assert_int_equal(swarm.stats.dropped, 3);
    assert_int_equal(swarm.songs[0].have[0].count, 0);
    hear_list(0, MSG_HAVE_BLOCKS, 0, 3, beyond);
    assert_int_equal(swarm.songs[0].have[0].count, 1);
    hear_have(0, 1, true, bytes_of(NULL, 0)); /* a song that we do not share (yet) */
    hear_have(3, 0, true, bytes_of(NULL, 0)); /* a peer that is not up */
    assert_int_equal(swarm.songs[0].have[3].count, 0);
}

/* Members with names take their own parts of what the host has. */
static void test_members_divide_the_work(void **state)
{
    uint32_t first[BLOCKS];
    uint64_t asked = 0;
    int n[2];

    (void)state;
    for (int who = 0; who < 2; who++) {
        struct node_id names[2] = { { { 1, 2, 3 } }, { { 9, 8, 7 } } };

        assert_int_equal(begin(NULL), 0);
        params.pipeline_first = 12;
        add(0);
        open_with(0, true, false);
        swarm_set_name(&swarm, -1, &names[who]);
        up(1);
        swarm_set_name(&swarm, 1, &names[1 - who]);
        hear_have(1, 0, false, bytes_of(NULL, 0)); /* the other member */
        up(0);
        quiet();
        hear_have(0, 0, true, bytes_of(NULL, 0)); /* the host */
        n[who] = wanted(0, first);
        assert_int_equal(n[who], 12);
        for (int i = 0; i < n[who]; i++) {
            assert_false(asked >> first[i] & 1);
            asked |= UINT64_C(1) << first[i];
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(test_limits),
        RIG(test_from_nothing_to_everything),
        RIG(test_stored_blocks_are_announced),
        RIG(test_false_leaves_ban),
        RIG(test_silent_leaf_source_is_replaced),
        RIG(test_wrong_blocks_ban),
        RIG(test_wrong_length_is_a_wrong_block),
        RIG(test_unasked_good_block_is_taken),
        RIG(test_silence_is_asked_elsewhere),
        RIG(test_refusal_is_asked_elsewhere),
        RIG(test_last_blocks_are_doubled),
        RIG(test_nothing_is_asked_three_times),
        RIG(test_lost_peer_is_replaced),
        RIG(test_full_disk_waits),
        RIG(test_block_that_nobody_took),
        RIG(test_play_order),
        RIG(test_have_is_told_until_it_is_answered),
        RIG(test_bitmap_of_a_have),
        RIG(test_malformed_haves),
        RIG(test_members_divide_the_work),
    };

    if (secure_init() != 0)
        return 1;
    return cmocka_run_group_tests(tests, make_songs, NULL);
}
