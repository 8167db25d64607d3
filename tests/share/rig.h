/* A rig for the tests of the swarm: one swarm, and peers that say exactly what the test
 * wants; what goes out, when, to whom.  SPDX-License-Identifier: MIT */
#ifndef TESTS_SHARE_RIG_H
#define TESTS_SHARE_RIG_H

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

static inline int make_songs(void **state)
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

static inline struct swarm_params small(void)
{
    struct swarm_params p = swarm_params_default();

    p.songs_max = 2;
    p.song_blocks_max = BLOCKS;
    p.peers_max = PEERS;
    p.head_blocks = 8;
    return p;
}

static inline void start(const struct swarm_params *p)
{
    params = *p;
    pool_init(&pool, memory, sizeof(memory));
    heap_init(&heap, &pool);
    swarm_init(&swarm, &params, &heap, 1, &core_log);
}

static inline int begin(void **state)
{
    struct swarm_params p = small();

    (void)state;
    now = NS_PER_S;
    memset(&out, 0, sizeof(out));
    memset(&core_log, 0, sizeof(core_log));
    start(&p);
    return 0;
}

static inline int end(void **state)
{
    (void)state;
    swarm_check(&swarm);
    return out.dropped == 0 ? 0 : -1;
}

/* --- saying ------------------------------------------------------------------ */

static inline struct bytes block(int song, int i)
{
    return bytes_of(content[song] + (size_t)i * BLOCK_SIZE, merkle_block_len(BYTES, i));
}

static inline void add(int song)
{
    assert_int_equal(swarm_add(&swarm, &songs[song], BYTES, 0), 0);
}

static inline void open_with(int song, bool has_leaves, bool has_all)
{
    struct swarm_local local = { .has_all = has_all };

    if (has_leaves)
        local.leaves = bytes_of(leaves[song], sizeof(leaves[song]));
    swarm_opened(&swarm, &songs[song], &local, now, &out);
}

static inline void up(int peer)
{
    swarm_peer_up(&swarm, peer, now, &out);
}

static inline void hear(int peer, struct msg m)
{
    swarm_receive(&swarm, peer, &m, now, &out);
}

static inline void hear_have(int peer, int song, bool has_all, struct bytes bitmap)
{
    struct msg m = { .type = MSG_HAVE };

    m.u.have.song = songs[song];
    m.u.have.has_all = has_all;
    m.u.have.bitmap = bitmap;
    hear(peer, m);
}

static inline void hear_list(int peer, enum msg_type type, int song, int count,
                             const uint32_t *list)
{
    struct msg m = { .type = type };

    m.u.blocks.song = songs[song];
    m.u.blocks.count = count;
    memcpy(m.u.blocks.list, list, (size_t)count * sizeof(*list));
    hear(peer, m);
}

static inline void hear_block(int peer, int song, int i, struct bytes data)
{
    struct msg m = { .type = MSG_BLOCK };

    m.u.block.song = songs[song];
    m.u.block.index = (uint32_t)i;
    m.u.block.data = data;
    hear(peer, m);
}

static inline void hear_leaves(int peer, int song, const uint8_t *hashes)
{
    struct msg m = { .type = MSG_LEAVES };

    m.u.leaves.song = songs[song];
    m.u.leaves.hashes = bytes_of(hashes, BLOCKS * HASH_LEN);
    hear(peer, m);
}

/* --- hearing ----------------------------------------------------------------- */

/* The next message of this type to the peer, which is taken from the outbox. */
static inline bool take(int peer, enum msg_type type, struct msg *m)
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
static inline int take_list(int peer, enum msg_type type, uint32_t *list)
{
    struct msg m;
    int n = 0;

    while (take(peer, type, &m)) {
        for (int i = 0; i < m.u.blocks.count; i++)
            list[n++] = m.u.blocks.list[i];
    }
    return n;
}

static inline int wanted(int peer, uint32_t *list)
{
    return take_list(peer, MSG_WANT, list);
}

static inline void quiet(void)
{
    outbox_clear(&out);
}

static inline void wake_at(int64_t at)
{
    assert_true(at >= now);
    now = at;
    swarm_wake(&swarm, now, &out);
}

/* Let time pass, with all wakes on the way. */
static inline void pass(int64_t until)
{
    while (swarm_wake_ns(&swarm) <= until)
        wake_at(swarm_wake_ns(&swarm) > now ? swarm_wake_ns(&swarm) : now);
    wake_at(until);
}

static inline void store(int err)
{
    struct swarm_block b;

    assert_true(swarm_take_store(&swarm, &b));
    b.err = err;
    swarm_stored(&swarm, &b, now, &out);
}

static inline int held(int song)
{
    int have;
    int total;

    swarm_progress(&swarm, &songs[song], &have, &total);
    assert_int_equal(total, BLOCKS);
    return have;
}

/* A song that is open, with its leaves, and peers 0..n-1 that have all of it. */
static inline void fetching(int peers)
{
    add(0);
    open_with(0, true, false);
    for (int p = 0; p < peers; p++)
        up(p);
    quiet();
    for (int p = 0; p < peers; p++)
        hear_have(p, 0, true, bytes_of(NULL, 0));
}

static inline void give(const struct swarm_block *b, struct bytes data, int err)
{
    struct swarm_block answer = *b;

    answer.data = data;
    answer.err = err;
    swarm_loaded(&swarm, &answer, now, &out);
}

static inline void seeding(int peers)
{
    add(0);
    open_with(0, true, true);
    for (int p = 0; p < peers; p++)
        up(p);
    quiet();
}

#define RIG(test) cmocka_unit_test_setup_teardown(test, begin, end)

#endif
