/* What a swarm gives to others, and what becomes of blocks and songs that are bad or
 * gone. SPDX-License-Identifier: MIT */
#include "tests/share/rig.h"

static void test_one_load_serves_all(void **state)
{
    uint32_t index = 11;
    struct swarm_block b;
    struct msg m;

    (void)state;
    seeding(3);
    for (int p = 0; p < 3; p++)
        hear_list(p, MSG_WANT, 0, 1, &index);
    assert_true(swarm_take_load(&swarm, &b));
    assert_int_equal(b.index, 11);
    assert_false(swarm_take_load(&swarm, &b));
    give(&b, block(0, 11), 0);
    for (int p = 0; p < 3; p++) {
        assert_true(take(p, MSG_BLOCK, &m));
        assert_true(bytes_equal(m.u.block.data, block(0, 11)));
    }
    give(&b, block(0, 11), 0); /* was not asked for */
    assert_false(take(0, MSG_BLOCK, &m));
    assert_int_equal(swarm.stats.sent, 3);
}

static void test_uploads_take_turns(void **state)
{
    uint32_t list[BLOCKS];
    uint32_t last = 39;
    struct swarm_block b[9];
    int of_second = -1;

    (void)state;
    seeding(2);
    for (int i = 0; i < 30; i++)
        list[i] = (uint32_t)i;
    hear_list(0, MSG_WANT, 0, 30, list);
    hear_list(0, MSG_WANT, 0, 30, list); /* asked twice, queued once */
    assert_int_equal(swarm.peers[0].upload_count, 30);
    hear_list(1, MSG_WANT, 0, 1, &last);
    for (int i = 0; i < 8; i++) {
        assert_true(swarm_take_load(&swarm, &b[i]));
        of_second = b[i].index == last ? i : of_second;
    }
    assert_false(swarm_take_load(&swarm, &b[8])); /* eight at once */
    assert_in_range(of_second, 0, 1);             /* not behind the thirty */
    give(&b[0], block(0, (int)b[0].index), 0);
    assert_true(swarm_take_load(&swarm, &b[8]));
}

static void test_upload_queue_is_bounded(void **state)
{
    struct swarm_params p = small();
    uint32_t list[BLOCKS];

    (void)state;
    p.upload_queue_max = 10;
    start(&p);
    seeding(1);
    for (int i = 0; i < BLOCKS; i++)
        list[i] = (uint32_t)i;
    hear_list(0, MSG_WANT, 0, BLOCKS, list);
    assert_int_equal(swarm.peers[0].upload_count, 10);
    assert_int_equal(swarm.stats.dropped, BLOCKS - 10);
}

static void test_what_we_lack_is_refused(void **state)
{
    uint8_t bitmap[(BLOCKS + 7) / 8] = { 0x80 }; /* block 0 only */
    struct swarm_local local = { bytes_of(leaves[0], sizeof(leaves[0])),
                                 bytes_of(bitmap, sizeof(bitmap)), false };
    uint32_t list[] = { 0, 1, BLOCKS, UINT32_MAX };
    uint32_t refused[8];
    struct swarm_block b;

    (void)state;
    add(0);
    up(0);
    hear_list(0, MSG_WANT, 0, 1, list); /* not open yet */
    assert_int_equal(take_list(0, MSG_REFUSE, refused), 1);
    swarm_opened(&swarm, &songs[0], &local, now, &out);
    hear_list(0, MSG_WANT, 0, 4, list);
    assert_int_equal(take_list(0, MSG_REFUSE, refused), 3);
    assert_true(refused[0] == 1 && refused[1] == BLOCKS && refused[2] == UINT32_MAX);
    hear_list(0, MSG_WANT, 1, 2, list); /* no such song */
    assert_int_equal(take_list(0, MSG_REFUSE, refused), 2);
    assert_true(swarm_take_load(&swarm, &b) && b.index == 0);
    assert_false(swarm_take_load(&swarm, &b));
}

static void test_cancelled_uploads_are_not_sent(void **state)
{
    uint32_t list[] = { 3, 4 };
    uint32_t odd[] = { UINT32_MAX, BLOCKS, 3 };
    struct swarm_block b;
    struct msg m;

    (void)state;
    seeding(1);
    hear_list(0, MSG_WANT, 0, 2, list);
    assert_true(swarm_take_load(&swarm, &b) && b.index == 3);
    hear_list(0, MSG_CANCEL, 0, 3, odd);
    give(&b, block(0, 3), 0);
    assert_false(take(0, MSG_BLOCK, &m));
    assert_true(swarm_take_load(&swarm, &b) && b.index == 4);
}

static void test_damaged_disk_is_repaired(void **state)
{
    static uint8_t bad[BLOCK_SIZE];
    static const struct {
        int err;
        size_t len;
    } cases[] = { { ERR_FILE, 0 }, { 0, BLOCK_SIZE }, { 0, 100 } };

    (void)state;
    seeding(2);
    hear_have(1, 0, true, bytes_of(NULL, 0));
    for (int i = 0; i < COUNT(cases); i++) {
        uint32_t index = (uint32_t)i;
        uint32_t list[4];
        struct swarm_block b;

        hear_list(0, MSG_WANT, 0, 1, &index);
        assert_true(swarm_take_load(&swarm, &b));
        give(&b, bytes_of(bad, cases[i].len), cases[i].err);
        assert_int_equal(take_list(0, MSG_REFUSE, list), 1);
        assert_false(swarm_is_complete(&swarm, &songs[0]));
        assert_int_equal(wanted(1, list), 1); /* fetched anew */
        assert_int_equal(list[0], i);
        hear_block(1, 0, i, block(0, i));
        store(0);
        assert_true(swarm_is_complete(&swarm, &songs[0]));
    }
}

static void test_removed_song_is_forgotten(void **state)
{
    uint32_t list[BLOCKS];
    uint32_t index = 2;
    uint8_t bitmap[(BLOCKS + 7) / 8] = { 0xf0 };
    struct swarm_local local = { bytes_of(leaves[0], sizeof(leaves[0])),
                                 bytes_of(bitmap, sizeof(bitmap)), false };
    struct swarm_block load;
    struct swarm_block kept;
    int n;

    (void)state;
    add(0);
    swarm_opened(&swarm, &songs[0], &local, now, &out);
    up(0);
    hear_have(0, 0, true, bytes_of(NULL, 0));
    n = wanted(0, list);
    hear_list(0, MSG_WANT, 0, 1, &index);
    assert_true(swarm_take_load(&swarm, &load));
    hear_block(0, 0, (int)list[0], block(0, (int)list[0]));
    assert_true(swarm_take_store(&swarm, &kept));
    n += wanted(0, list) - 1;
    swarm_remove(&swarm, &songs[0], now, &out);
    assert_int_equal(take_list(0, MSG_CANCEL, list), n);
    assert_int_equal(take_list(0, MSG_REFUSE, list), 1);
    swarm_stored(&swarm, &kept, now, &out); /* answers that come too late */
    give(&load, block(0, 2), 0);
    assert_int_equal(swarm.load_count + swarm.storing_total + swarm.request_total, 0);
    quiet();
    add(1);
    open_with(1, true, false);
    swarm_check(&swarm);
    assert_int_equal(wanted(0, list), 0); /* what the peer had was another song */
}

static void test_leaves_are_served(void **state)
{
    struct msg get = { .type = MSG_LEAVES_GET };
    struct msg m;

    (void)state;
    seeding(1);
    get.u.leaves_get.song = songs[0];
    get.u.leaves_get.first = 30;
    get.u.leaves_get.count = 1000;
    hear(0, get);
    assert_true(take(0, MSG_LEAVES, &m));
    assert_int_equal(m.u.leaves.first, 30);
    assert_int_equal(m.u.leaves.hashes.len, (BLOCKS - 30) * HASH_LEN);
    assert_memory_equal(m.u.leaves.hashes.data, leaves[0] + 30 * HASH_LEN,
                        (BLOCKS - 30) * HASH_LEN);
    get.u.leaves_get.first = BLOCKS;
    hear(0, get);
    get.u.leaves_get.first = UINT32_MAX;
    hear(0, get);
    get.u.leaves_get.song = songs[1];
    hear(0, get);
    assert_false(take(0, MSG_LEAVES, &m));
}

static void test_opened_with_false_leaves_holds_nothing(void **state)
{
    uint8_t bad[BLOCKS * HASH_LEN];
    struct swarm_local local = { bytes_of(bad, sizeof(bad)), { NULL, 0 }, true };

    (void)state;
    memcpy(bad, leaves[0], sizeof(bad));
    bad[7] ^= 1;
    add(0);
    swarm_opened(&swarm, &songs[0], &local, now, &out);
    assert_int_equal(held(0), 0);
    open_with(0, true, true); /* said again, rightly */
    assert_true(swarm_is_complete(&swarm, &songs[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(test_one_load_serves_all),
        RIG(test_uploads_take_turns),
        RIG(test_upload_queue_is_bounded),
        RIG(test_what_we_lack_is_refused),
        RIG(test_cancelled_uploads_are_not_sent),
        RIG(test_damaged_disk_is_repaired),
        RIG(test_removed_song_is_forgotten),
        RIG(test_leaves_are_served),
        RIG(test_opened_with_false_leaves_holds_nothing),
    };

    if (secure_init() != 0)
        return 1;
    return cmocka_run_group_tests(tests, make_songs, NULL);
}
