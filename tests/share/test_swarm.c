/* One swarm, and peers that say exactly what the test wants: what goes out, when, to
 * whom. SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "base/time.h"
#include "secure/hash.h"
#include "share/merkle.h"
#include "share/swarm.h"

#define BLOCKS 40
#define PEERS  6
#define BYTES  ((uint64_t)(BLOCKS - 1) * BLOCK_SIZE + 777)
#define MS     NS_PER_MS

static uint8_t content[2][BLOCKS * BLOCK_SIZE];
static uint8_t leaves[2][BLOCKS * HASH_LEN];
static struct song_id songs[2];

static struct swarm swarm;
static struct outbox out;
static struct log core_log;
static int64_t now;
static _Alignas(16) uint8_t memory[1 << 20];
static struct pool pool;
static struct heap heap;
static struct swarm_params params; /* of the swarm */

static int make_songs(void **state)
{
    static struct merkle m;

    (void)state;
    for (int g = 0; g < 2; g++) {
        for (size_t i = 0; i < sizeof(content[g]); i++)
            content[g][i] = (uint8_t)(i * 13 + i / 255 + (size_t)g);
        merkle_init(&m, leaves[g], BLOCKS);
        if (merkle_add(&m, bytes_of(content[g], BYTES)) != 0 ||
            merkle_finish(&m, &songs[g]) != 0)
            return -1;
    }
    return 0;
}

static struct swarm_params small(void)
{
    struct swarm_params p = swarm_params_default();

    p.songs_max = 2;
    p.song_blocks_max = BLOCKS;
    p.peers_max = PEERS;
    p.head_blocks = 8;
    return p;
}

static void start(const struct swarm_params *p)
{
    params = *p;
    pool_init(&pool, memory, sizeof(memory));
    heap_init(&heap, &pool);
    swarm_init(&swarm, &params, &heap, 1, &core_log);
}

static int begin(void **state)
{
    struct swarm_params p = small();

    (void)state;
    now = NS_PER_S;
    memset(&out, 0, sizeof(out));
    memset(&core_log, 0, sizeof(core_log));
    start(&p);
    return 0;
}

static int end(void **state)
{
    (void)state;
    swarm_check(&swarm);
    return out.dropped == 0 ? 0 : -1;
}

/* --- saying ------------------------------------------------------------------ */

static struct bytes block(int song, int i)
{
    return bytes_of(content[song] + (size_t)i * BLOCK_SIZE, merkle_block_len(BYTES, i));
}

static void add(int song)
{
    assert_int_equal(swarm_add(&swarm, &songs[song], BYTES, 0), 0);
}

static void open_with(int song, bool has_leaves, bool has_all)
{
    struct swarm_local local = { .has_all = has_all };

    if (has_leaves)
        local.leaves = bytes_of(leaves[song], sizeof(leaves[song]));
    swarm_opened(&swarm, &songs[song], &local, now, &out);
}

static void up(int peer)
{
    swarm_peer_up(&swarm, peer, now, &out);
}

static void hear(int peer, struct msg m)
{
    swarm_receive(&swarm, peer, &m, now, &out);
}

static void hear_have(int peer, int song, bool has_all, struct bytes bitmap)
{
    struct msg m = { .type = MSG_HAVE };

    m.u.have.song = songs[song];
    m.u.have.has_all = has_all;
    m.u.have.bitmap = bitmap;
    hear(peer, m);
}

static void hear_list(int peer, enum msg_type type, int song, int count,
                      const uint32_t *list)
{
    struct msg m = { .type = type };

    m.u.blocks.song = songs[song];
    m.u.blocks.count = count;
    memcpy(m.u.blocks.list, list, (size_t)count * sizeof(*list));
    hear(peer, m);
}

static void hear_block(int peer, int song, int i, struct bytes data)
{
    struct msg m = { .type = MSG_BLOCK };

    m.u.block.song = songs[song];
    m.u.block.index = (uint32_t)i;
    m.u.block.data = data;
    hear(peer, m);
}

static void hear_leaves(int peer, int song, const uint8_t *hashes)
{
    struct msg m = { .type = MSG_LEAVES };

    m.u.leaves.song = songs[song];
    m.u.leaves.hashes = bytes_of(hashes, BLOCKS * HASH_LEN);
    hear(peer, m);
}

/* --- hearing ----------------------------------------------------------------- */

/* The next message of this type to the peer, which is taken from the outbox. */
static bool take(int peer, enum msg_type type, struct msg *m)
{
    for (int i = 0; i < out.count; i++) {
        struct outbox_item *item = &out.items[i];

        if (item->peer != peer)
            continue;
        assert_int_equal(msg_decode(bytes_of(out.data + item->start, item->len), m), 0);
        if (m->type != type)
            continue;
        item->peer = 1000; /* taken */
        return true;
    }
    return false;
}

/* All block numbers in messages of this type to the peer; how many. */
static int take_list(int peer, enum msg_type type, uint32_t *list)
{
    struct msg m;
    int n = 0;

    while (take(peer, type, &m)) {
        for (int i = 0; i < m.u.blocks.count; i++)
            list[n++] = m.u.blocks.list[i];
    }
    return n;
}

static int wanted(int peer, uint32_t *list)
{
    return take_list(peer, MSG_WANT, list);
}

static void quiet(void)
{
    outbox_clear(&out);
}

static void wake_at(int64_t at)
{
    assert_true(at >= now);
    now = at;
    swarm_wake(&swarm, now, &out);
}

/* Let time pass, with all wakes on the way. */
static void pass(int64_t until)
{
    while (swarm_wake_ns(&swarm) <= until)
        wake_at(swarm_wake_ns(&swarm) > now ? swarm_wake_ns(&swarm) : now);
    wake_at(until);
}

static void store(int err)
{
    struct swarm_block b;

    assert_true(swarm_take_store(&swarm, &b));
    b.err = err;
    swarm_stored(&swarm, &b, now, &out);
}

static int held(int song)
{
    int have;
    int total;

    swarm_progress(&swarm, &songs[song], &have, &total);
    assert_int_equal(total, BLOCKS);
    return have;
}

/* A song that is open, with its leaves, and peers 0..n-1 that have all of it. */
static void fetching(int peers)
{
    add(0);
    open_with(0, true, false);
    for (int p = 0; p < peers; p++)
        up(p);
    quiet();
    for (int p = 0; p < peers; p++)
        hear_have(p, 0, true, bytes_of(NULL, 0));
}

/* --- the tests --------------------------------------------------------------- */

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

/* --- uploads ----------------------------------------------------------------- */

static void give(const struct swarm_block *b, struct bytes data, int err)
{
    struct swarm_block answer = *b;

    answer.data = data;
    answer.err = err;
    swarm_loaded(&swarm, &answer, now, &out);
}

static void seeding(int peers)
{
    add(0);
    open_with(0, true, true);
    for (int p = 0; p < peers; p++)
        up(p);
    quiet();
}

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

#define RIG(test) cmocka_unit_test_setup_teardown(test, begin, end)

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
        RIG(test_one_load_serves_all),
        RIG(test_uploads_take_turns),
        RIG(test_upload_queue_is_bounded),
        RIG(test_what_we_lack_is_refused),
        RIG(test_cancelled_uploads_are_not_sent),
        RIG(test_damaged_disk_is_repaired),
        RIG(test_removed_song_is_forgotten),
        RIG(test_leaves_are_served),
        RIG(test_opened_with_false_leaves_holds_nothing),
        RIG(test_members_divide_the_work),
    };

    if (secure_init() != 0)
        return 1;
    return cmocka_run_group_tests(tests, make_songs, NULL);
}
