/* How much memory a node holds, by simulation with tags in place of ciphers: an idle one
 * with full views, and a member of a party of eight with five songs of four blocks each
 * (a block of a song costs 34 bytes).  Contact records are not counted: nodes of one
 * machine share them, and an own copy of all of them costs 60 bytes each.
 *
 *     bench_node [--claim NAME]
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "node/internal.h"
#include "sim/city.h"
#include "sim/experiment.h"
#include "sim/memory.h"
#include "sim/tags.h"

#define NODES     400
#define SETTLE_NS (1800 * NS_PER_S)
#define MEMBERS   8
#define SEEDS_MAX 20

/* Three clocks at the most. */
static size_t clock_bytes(const struct company *c)
{
    size_t sum = 0;

    for (int i = -1; i < PARTY_HEIRS; i++) {
        const struct prober *p = i < 0 ? c->prober : c->heirs[i].prober;

        if (p != NULL)
            sum += sizeof(*p) + p->filter.window.room + p->filter.buckets.room;
    }
    return sum;
}

/* The songs of the party, as they are signed, and their texts. */
static size_t offer_bytes(const struct party *p)
{
    size_t sum = 0;

    for (int i = 0; i < POOL_SLOTS; i++)
        sum += p->offers[i].len + SIGNATURE_LEN + p->pool[i].texts_len;
    return sum;
}

static size_t swarm_bytes(const struct swarm *s)
{
    size_t sum = sizeof(*s) + (size_t)s->peer_room * sizeof(*s->peers) +
                 (size_t)s->load_count * sizeof(*s->loads);

    for (int i = 0; i < s->order_count; i++) {
        const struct share_song *g = &s->songs[s->order[i]];
        size_t words = (size_t)(g->blocks + 63) / 64;

        sum += (size_t)s->peer_room * sizeof(*g->have) + 3 * words * sizeof(uint64_t) +
               (size_t)g->blocks * (HASH_LEN + 1) +
               (size_t)g->announce_count * sizeof(*g->announce);
        for (int p = 0; p < s->peer_room; p++)
            sum += g->have[p].map == NULL ? 0 : words * sizeof(uint64_t);
    }
    for (int p = 0; p < s->peer_room; p++)
        sum += (size_t)s->peers[p].request_room * sizeof(*s->peers[p].requests) +
               (size_t)s->peers[p].upload_room * sizeof(*s->peers[p].uploads);
    return sum;
}

/* Where the bytes of a member are, without what an idle node has as well. */
static void print_company(const struct company *c)
{
    const struct party *p = &c->party;
    size_t members = (size_t)p->member_room * sizeof(*p->members) +
                     (size_t)p->peer_room * sizeof(*p->peers);
    size_t log = p->log.slots_room * sizeof(*p->log.slots) + p->log.bytes_room;

    printf("  the company %zu: party %zu, swarm %zu\n", sizeof(*c), sizeof(*p),
           sizeof(c->swarm));
    printf("  members and links %zu, log %zu, songs' offers %zu, clocks %zu, swarm %zu\n",
           members, log, offer_bytes(p), clock_bytes(c), swarm_bytes(&c->swarm));
}

/* Where the bytes of a node are. */
static void print_parts(const struct node *n)
{
    size_t up = n->liveness.slots.room;
    size_t tables = n->slot_set.room * (sizeof(*n->slots) + sizeof(*n->slot_links)) +
                    n->overlay.slots.room * sizeof(*n->overlay.peers) +
                    up * sizeof(*n->liveness.peers) +
                    n->floods.slots.room * sizeof(*n->floods.links);
    size_t slots = n->slot_set.count *
                   (sizeof(**n->slots) + n->params->suite->session_size);
    const struct passive *v = &n->overlay.passive;
    size_t passive = v->room * (sizeof(*v->list) + sizeof(*v->tags)) +
                     v->trial_room * sizeof(*v->trials);

    printf("  the node %zu, %d slots with sessions %zu, tables by peer %zu, passive view "
           "%zu, the rest %zu\n",
           sizeof(*n), n->slot_set.count, slots, tables, passive,
           node_bytes(n) - sizeof(*n) - slots - tables - passive);
}

/* The largest of the nodes whose views are full, half an hour after the nodes of a city
 * came together, or in one that begins settled. */
static size_t views_bytes(bool is_settled, int *full)
{
    struct city *c = memory_new(1, sizeof(*c));
    struct city_params p = city_params_default();
    const struct node *largest = NULL;
    size_t most = 0;

    p.nodes = NODES;
    p.suite = &suite_tags;
    p.is_settled = is_settled;
    p.settle_ns = is_settled ? NS_PER_S : SETTLE_NS;
    p.hash = WORLD_HASH_TIMES;
    city_init(c, &p);
    *full = 0;
    for (int i = 0; i < NODES; i++) {
        const struct node *n = c->world.nodes[i].node;
        const struct overlay *o = node_overlay(n);
        int active[OVERLAY_ACTIVE_MAX];
        size_t bytes = node_bytes(n);

        if (o->passive.count < o->p->passive_max * 9 / 10 ||
            overlay_active(o, active) < o->p->active_max)
            continue;
        ++*full;
        largest = bytes > most ? n : largest;
        most = bytes > most ? bytes : most;
    }
    if (largest != NULL)
        print_parts(largest);
    city_finish(c);
    free(c);
    return most;
}

/* Settled, and with what came of finding each other. */
static size_t idle_bytes(int *full)
{
    int grown;
    size_t most = views_bytes(false, &grown);

    printf("half an hour after joining: up to %zu bytes (%d nodes)\n", most, grown);
    return views_bytes(true, full);
}

/* The largest member at the end, and where its bytes are. */
static void print_largest(const struct world *w)
{
    const struct node *largest = w->nodes[0].node;

    for (int i = 1; i < MEMBERS; i++) {
        if (node_bytes(w->nodes[i].node) > node_bytes(largest))
            largest = w->nodes[i].node;
    }
    printf("at the end: %zu bytes\n", node_bytes(largest));
    print_parts(largest);
    if (largest->company != NULL)
        print_company(largest->company);
}

/* The largest member that there ever was while music played, of a party of eight. */
static size_t member_bytes(int *seen)
{
    size_t most = 0;

    *seen = 0;
    for (uint64_t seed = 1; most == 0 && seed <= SEEDS_MAX; seed++) {
        struct experiment *e = memory_new(1, sizeof(*e));
        struct experiment_options o = { .suite = &suite_tags,
                                        .seed = seed,
                                        .nodes = MEMBERS,
                                        .seconds = 150,
                                        .net = "lan",
                                        .loss_ppm = -1,
                                        .latency_ns = -1,
                                        .jitter_ns = -1,
                                        .song_kib = 64 };

        if (experiment_run(e, &o) != 0)
            fprintf(stderr, "bench_node: %s\n", e->check.what);
        else if (e->members_max == MEMBERS)
            most = e->check.member_bytes;
        if (most > 0)
            print_largest(&e->world);
        *seen = e->members_max;
        experiment_finish(e);
        free(e);
    }
    return most;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        size_t goal;
        size_t (*measure)(int *seen);
        const char *seen;
    } claims[] = { { "idle-node-bytes", 4096, idle_bytes, "nodes with full views" },
                   { "member-bytes", 16384, member_bytes, "members" } };
    bool is_known = argc == 1;

    if (argc != 1 && (argc != 3 || strcmp(argv[1], "--claim") != 0)) {
        fputs("usage: bench_node [--claim NAME]\n", stderr);
        return 2;
    }
    for (int i = 0; i < COUNT(claims); i++) {
        size_t bytes;
        int seen;

        if (argc == 3 && strcmp(argv[2], claims[i].name) != 0)
            continue;
        is_known = true;
        bytes = claims[i].measure(&seen);
        printf("%s: the largest of %d %s\n", claims[i].name, seen, claims[i].seen);
        printf("{\"name\":\"%s\",\"value\":%zu,\"unit\":\"bytes\",\"goal\":\"<=%zu\","
               "\"ok\":%s}\n",
               claims[i].name, bytes, claims[i].goal,
               bytes > 0 && bytes <= claims[i].goal ? "true" : "false");
    }
    return is_known ? 0 : 2;
}
