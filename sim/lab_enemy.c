/* SPDX-License-Identifier: MIT */
#include "sim/lab_enemy.h"

#include <assert.h>
#include <string.h>

#include "base/time.h"
#include "party/domains.h"
#include "sim/clockmodel.h"
#include "sim/memory.h"
#include "sim/random.h"
#include "wire/cbor.h"

#define LIFE_S 60

void enemy_dial(struct lab *lab, int from, int to)
{
    struct addr a = net_addr_of(&lab->world.p.net, to);
    struct cbor_writer w;
    uint8_t room[64];

    cbor_writer_init(&w, room, sizeof(room));
    cbor_write_array(&w, 3);
    cbor_write_text(&w, "dial");
    cbor_write_bytes(&w, a.ip, a.len);
    cbor_write_uint(&w, a.port);
    (void)world_command(&lab->world, from, cbor_written(&w));
}

static void say(struct lab *lab, int from, const struct node_id *to, const struct msg *m)
{
    uint8_t encoded[2 * MSG_INNER_MAX];
    uint8_t room[sizeof(encoded) + 64];
    struct cbor_writer w;
    size_t len = msg_encode(m, encoded, sizeof(encoded));

    assert(len > 0);
    cbor_writer_init(&w, room, sizeof(room));
    cbor_write_array(&w, 3);
    cbor_write_text(&w, "say");
    cbor_write_bytes(&w, to->b, sizeof(to->b));
    cbor_write_bytes(&w, encoded, len);
    (void)world_command(&lab->world, from, cbor_written(&w));
}

static const struct overlay *overlay_of(const struct lab *lab, int node)
{
    return node_overlay(lab->world.nodes[node].node);
}

bool enemy_say(struct lab *lab, int from, int to, const struct msg *m)
{
    const struct node_id *id = node_self(lab->world.nodes[to].node);

    if (overlay_find(overlay_of(lab, from), id) < 0)
        return false;
    say(lab, from, id, m);
    return true;
}

int enemy_say_all(struct lab *lab, int from, const struct msg *m)
{
    struct node_id ids[OVERLAY_ACTIVE_MAX];
    int peers[OVERLAY_ACTIVE_MAX];
    int count = overlay_active(overlay_of(lab, from), peers);

    for (int i = 0; i < count; i++)
        ids[i] = overlay_rec(overlay_of(lab, from), peers[i])->id;
    for (int i = 0; i < count; i++)
        say(lab, from, &ids[i], m);
    return count;
}

void enemy_make_flood(struct lab *lab, uint64_t origin, int ttl, int bytes,
                      struct enemy_flood *f)
{
    static const uint8_t nothing[MSG_INNER_MAX];
    const struct suite *suite = lab->world.p.node.suite;
    uint64_t word = random_word(lab->seed, RANDOM_WORKLOAD, origin, 3);
    uint8_t seed[SECURE_SEED_LEN] = { 0 };
    struct identity self;
    struct flood plain = {
        .kind = FLOOD_TEST,
        .created_ms = (uint64_t)((CLOCK_MODEL_UTC_NS + lab->world.now_ns) / NS_PER_MS),
        .serial = (uint32_t)lab->draws++,
        .ttl = (uint8_t)ttl,
        .life_s = LIFE_S,
        .body = bytes_of(nothing, (size_t)bytes),
    };

    memcpy(seed, &word, sizeof(word));
    suite->identity(&self, seed);
    memcpy(plain.origin, self.sign_public, KEY_LEN);
    f->msg = (struct msg){ .type = MSG_FLOOD };
    f->msg.u.flood.hops = 2;
    f->msg.u.flood.inner = bytes_of(f->inner,
                                    flood_encode(&plain, f->inner, sizeof(f->inner)));
    assert(f->msg.u.flood.inner.len > 0);
    suite->sign(&self, DOMAIN_FLOOD, f->msg.u.flood.inner, f->msg.u.flood.sig);
    identity_wipe(&self);
}

int enemy_list(const struct lab *lab, int **list)
{
    int nodes = (int)lab->setup->nodes;
    int count = 0;

    *list = memory_new((size_t)nodes, sizeof(**list));
    for (int i = 0; i < nodes; i++) {
        if (lab_is_hostile(lab, i) && world_is_up(&lab->world, i))
            (*list)[count++] = i;
    }
    return count;
}
