/* A peer that has shaken hands with a node and then sends whatever it likes: every
 * message of the protocol, in any order, to a node that hosts a party and is its
 * neighbour.  The node must neither crash nor break an invariant.
 *
 * The input is a sequence of records: one byte of kind, two of length, and the bytes of a
 * message, sealed here before the node gets it.  Bits 0 and 1 of the kind let time pass;
 * with bit 2 the id of a party, which stands first in all messages of one, becomes that
 * of the node's own party, whatever its secrets have made of that.
 * SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>

#include "node/internal.h"
#include "share/merkle.h"
#include "wire/cbor.h"

#define MEMORY_SIZE (8 * 1024 * 1024)
#define POOL_SIZE   (1024 * 1024)
#define SONG_BYTES  40000
#define SONG_BLOCKS 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A world of one node and the attacker's end of its one link, as it is after HELLO. */
static struct {
    uint8_t *memory;
    uint8_t *saved;
    size_t used;
    struct node *node;
    struct link_session session;
    struct link_session saved_session;
    struct identity attacker;
} world;
static struct effects out;

/* Two songs: all of the first is here, nothing but the leaves of the second. */
static struct {
    struct song_id id;
    uint8_t leaves[SONG_BLOCKS * HASH_LEN];
    uint8_t data[SONG_BYTES];
} songs[2];

static void make_songs(void)
{
    for (int k = 0; k < 2; k++) {
        memset(songs[k].data, k, SONG_BYTES);
        for (int b = 0; b < SONG_BLOCKS; b++)
            merkle_leaf(
                bytes_of(songs[k].data + b * BLOCK_SIZE, merkle_block_len(SONG_BYTES, b)),
                songs[k].leaves + b * HASH_LEN);
        merkle_root(songs[k].leaves, SONG_BLOCKS, SONG_BYTES, &songs[k].id);
    }
}

static void step(const struct event *e);

/* What the store would say to the first thing that the last step asked it for. */
static void answer(int64_t now_ns)
{
    struct event e = { .now_ns = now_ns };

    for (int i = 0; i < out.count && e.kind == EVENT_START; i++) {
        const struct effect *x = &out.list[i];
        bool is_first = song_id_equal(&x->u.block.song, &songs[0].id);

        if (x->kind == EFFECT_SONG_OPEN) {
            e.kind = EVENT_SONG;
            e.u.song.what = SONG_OPENED;
            e.u.song.song = x->u.song.song;
            e.u.song.has_all = song_id_equal(&x->u.song.song, &songs[0].id);
            e.u.song.leaves = bytes_of(songs[!e.u.song.has_all].leaves,
                                       sizeof(songs[0].leaves));
        } else if (x->kind == EFFECT_BLOCK_LOAD || x->kind == EFFECT_BLOCK_STORE) {
            e.kind = EVENT_BLOCK;
            e.u.block.what = x->kind == EFFECT_BLOCK_LOAD ? BLOCK_LOADED : BLOCK_STORED;
            e.u.block.song = x->u.block.song;
            e.u.block.index = x->u.block.index;
            if (x->kind == EFFECT_BLOCK_LOAD)
                e.u.block.data = bytes_of(
                    songs[!is_first].data + x->u.block.index * BLOCK_SIZE,
                    merkle_block_len(SONG_BYTES, (int)x->u.block.index));
        }
    }
    if (e.kind != EVENT_START)
        step(&e);
}

static void step(const struct event *e)
{
    node_step(world.node, e, &out);
    assert(out.dropped == 0);
    assert(overlay_check(&world.node->overlay) == NULL);
    assert(floods_check(&world.node->floods) == NULL);
    assert(party_check(node_party(world.node)));
    if (node_swarm(world.node) != NULL)
        swarm_check(node_swarm(world.node));
    out.log.count = 0;
}

static struct bytes sent_frame(void)
{
    for (int i = 0; i < out.count; i++) {
        if (out.list[i].kind == EFFECT_LINK_SEND)
            return out.list[i].u.send.frame;
    }
    abort();
}

static struct event received(struct bytes frame, int64_t now_ns)
{
    struct event e = { .kind = EVENT_LINK_RECEIVED, .now_ns = now_ns };

    e.u.received.link = 1;
    e.u.received.frame = frame;
    return e;
}

static void send_message(struct bytes plain, int64_t now_ns)
{
    static uint8_t frame[LINK_FRAME_MAX];
    struct event e;
    size_t len;

    if (link_seal(&world.session.keys, plain, frame, sizeof(frame), &len) != 0)
        return;
    e = received(bytes_of(frame, len), now_ns);
    step(&e);
}

/* Dial in, shake hands, say hello. */
static void connect_attacker(void)
{
    static const uint8_t seed[32] = { 7 };
    static uint8_t frame[LINK_HANDSHAKE_MAX];
    struct event e = { .kind = EVENT_LINK_OPENED, .now_ns = NS_PER_S };
    struct msg hello = { .type = MSG_HELLO };
    uint8_t plain[256];
    size_t len;

    e.u.opened.link = 1;
    e.u.opened.remote = (struct addr){ { 127, 0, 0, 9 }, 4747, 4 };
    step(&e);
    suite_real.identity(&world.attacker, seed);
    link_session_init(&world.session, true, &world.attacker, NULL, seed);
    if (link_session_next(&world.session, bytes_of(NULL, 0), frame, &len) != 0)
        abort();
    e = received(bytes_of(frame, len), NS_PER_S);
    step(&e);
    if (link_session_next(&world.session, sent_frame(), frame, &len) != 0)
        abort();
    e = received(bytes_of(frame, len), NS_PER_S);
    step(&e);
    hello.u.hello.version = MSG_VERSION;
    hello.u.hello.listen = (struct addr){ { 127, 0, 0, 9 }, 4747, 4 };
    hello.u.hello.name = bytes_of("mallory", 7);
    send_message(bytes_of(plain, msg_encode(&hello, plain, sizeof(plain))), NS_PER_S);
    assert(world.node->slot_set.count > 0 && world.node->slots[0]->state == SLOT_UP);
}

/* The second song is one that its owner imported elsewhere. */
static void host_party(void)
{
    static const uint8_t request[] = "\x87\x64host\x61p\x82\x61x\x61y\x03\x00\x00\x00";
    struct event e = { .kind = EVENT_SYSTEM_CLOCK, .now_ns = NS_PER_S };

    e.u.system_clock.utc_ns = INT64_C(1700000000) * NS_PER_S;
    e.u.system_clock.bound_ns = NS_PER_MS;
    e.u.system_clock.is_synchronised = true;
    step(&e);
    e = (struct event){ .kind = EVENT_COMMAND, .now_ns = NS_PER_S };
    e.u.command.request = bytes_of(request, sizeof(request) - 1);
    step(&e);
    for (uint64_t k = 0; k < 2; k++) {
        e = (struct event){ .kind = EVENT_SONG, .now_ns = NS_PER_S };
        e.u.song = (struct event_song){ .what = SONG_IMPORTED,
                                        .token = 1 + k,
                                        .song = songs[k].id,
                                        .bytes = SONG_BYTES,
                                        .frames = 441000,
                                        .rate = 44100,
                                        .channels = 2,
                                        .bits = 16,
                                        .title = { (const uint8_t *)"t", 1 } };
        step(&e);
    }
    assert(node_party(world.node)->role == PARTY_ROLE_HOST);
    for (int k = 0; k < 2; k++) {
        struct effects *o = &out;

        assert(swarm_has(node_swarm(world.node), &songs[k].id));
        o->count = 1;
        o->list[0].kind = EFFECT_SONG_OPEN;
        o->list[0].u.song.song = songs[k].id;
        answer(NS_PER_S);
    }
    assert(swarm_is_complete(node_swarm(world.node), &songs[0].id));
    assert(!swarm_is_complete(node_swarm(world.node), &songs[1].id));
}

static void build(void)
{
    static struct node_params params;
    struct node_setup setup = { 0 };
    struct node_identity seeds = { { 1 }, { 2 } };
    struct event e = { .kind = EVENT_START };
    struct contacts *contacts;
    struct pool *pool;
    struct arena a;

    make_songs();
    params = node_params_default();
    params.peers_max = 4;
    params.flood.seen_max = 64;
    params.flood.origins_max = 16;
    params.swarm.song_blocks_max = 16;
    params.overlay.passive_max = 16;
    node_params_spread(&params);
    world.memory = aligned_alloc(64, MEMORY_SIZE);
    arena_init(&a, world.memory, MEMORY_SIZE);
    /* All in the one block that is put back before each input. */
    pool = arena_take(&a, 1, sizeof(*pool));
    contacts = arena_take(&a, 1, sizeof(*contacts));
    pool_init(pool, arena_take(&a, 1, POOL_SIZE), POOL_SIZE);
    contacts_init(contacts, pool, 1);
    world.node = node_create(&(struct node_memory){ &a, pool, contacts }, &params, &setup,
                             &seeds);
    assert(world.node != NULL);
    world.used = a.used;
    step(&e);
    connect_attacker();
    host_party();
    world.saved = malloc(world.used);
    memcpy(world.saved, world.memory, world.used);
    world.saved_session = world.session;
}

/* [type above 23, party id, …]. */
static struct bytes name_our_party(struct bytes m)
{
    static uint8_t copy[LINK_FRAME_MAX];
    const size_t at = 4;

    if (m.len < at + PARTY_ID_LEN || m.len > sizeof(copy))
        return m;
    memcpy(copy, m.data, m.len);
    memcpy(copy + at, node_party(world.node)->log.party.b, PARTY_ID_LEN);
    return bytes_of(copy, m.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t now_ns = 2 * NS_PER_S;

    if (world.memory == NULL)
        build();
    memcpy(world.memory, world.saved, world.used);
    world.session = world.saved_session;
    for (int i = 0; i < 32 && size >= 3; i++) {
        size_t len = load_be16(data + 1);
        struct event wake = { .kind = EVENT_WAKE };
        uint8_t kind = data[0] & 3;
        bool is_ours = (data[0] & 4) != 0;

        data += 3;
        size -= 3;
        len = len < size ? len : size;
        now_ns += kind == 1 ? NS_PER_MS : kind == 2 ? NS_PER_S : 0;
        now_ns += kind == 3 ? 20 * NS_PER_S : 0;
        if (world.node->slot_set.count > 0 && world.node->slots[0]->state == SLOT_UP) {
            struct bytes m = bytes_of(data, len);

            send_message(is_ours ? name_our_party(m) : m, now_ns);
            answer(now_ns);
        }
        wake.now_ns = now_ns;
        step(&wake);
        data += len;
        size -= len;
    }
    return 0;
}
