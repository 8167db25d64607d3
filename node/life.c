/* How a node begins and ends.  SPDX-License-Identifier: MIT */
#include <assert.h>

#include "node/commands.h"
#include "node/internal.h"
#include "node/meet.h"
#include "node/node.h"
#include "node/relay.h"
#include "node/trees.h"

struct node_params node_params_default(void)
{
    return (struct node_params){
        .suite = &suite_real,
        .peers_max = 64,
        .handshake_ns = 10 * NS_PER_S,
        .idle_link_ns = 20 * NS_PER_S,
        .rate_period_ns = 600 * NS_PER_S,
        .probe_interval_ns = NS_PER_S,
        .heir_interval_ns = 2 * NS_PER_S,
        .line_period_ns = NS_PER_S,
        .map_period_ns = 10 * NS_PER_S,
        .stall_ns = 250 * NS_PER_MS,
        .state_period_ns = 100 * NS_PER_MS,
        .overlay = overlay_params_default(),
        .liveness = liveness_params_default(),
        .flood = flood_params_default(),
        .offenders = offender_params_default(),
        .meet = meet_params_default(),
        .relay = relay_params_default(),
        .tree = tree_params_default(),
        .clock = clock_params_default(),
        .swarm = swarm_params_default(),
        .party = party_params_default(),
    };
}

void node_secret(struct node *n, uint8_t out[static SECURE_SEED_LEN])
{
    uint8_t grown[2 * SECURE_SEED_LEN];
    struct bytes secret = bytes_of(n->secret, sizeof(n->secret));

    /* Each draw replaces the secret, so that from a node's memory nobody can tell what
     * was drawn before: neither the keys of past links. */
    n->params->suite->hash(grown, sizeof(grown), "party.secret", &secret, 1);
    memcpy(n->secret, grown, SECURE_SEED_LEN);
    memcpy(out, grown + SECURE_SEED_LEN, SECURE_SEED_LEN);
    secure_wipe(grown, sizeof(grown));
}

uint64_t node_secret_word(struct node *n)
{
    uint8_t bytes[SECURE_SEED_LEN];
    uint64_t word;

    node_secret(n, bytes);
    word = load_be64(bytes);
    secure_wipe(bytes, sizeof(bytes));
    return word;
}

void node_params_spread(struct node_params *p)
{
    p->overlay.peers_max = p->peers_max;
    p->liveness.peers_max = p->peers_max;
    p->flood.peers_max = p->peers_max;
    p->swarm.peers_max = p->peers_max;
    p->party.peers_max = p->peers_max;
}

static int init_modules(struct node *n, const struct node_setup *setup)
{
    const struct node_params *p = n->params;
    struct peer_rec self = { .id = n->self.id, .addr = n->listen };
    struct utc_config utc = { .servers = setup->servers, .count = setup->server_count };

    overlay_init(&n->overlay, &p->overlay, &n->heap, n->contacts, &self,
                 node_secret_word(n));
    for (int i = 0; i < setup->join_count; i++)
        overlay_add_bootstrap(&n->overlay, &setup->joins[i]);
    liveness_init(&n->liveness, &p->liveness, &n->heap);
    floods_init(&n->floods, &p->flood, &n->heap, node_secret_word(n));
    offenders_init(&n->offenders, &p->offenders, &n->heap);
    invites_init(&n->invites, p->suite, &n->heap, p->party.invites_max);
    if (utc_init(&n->utc, &p->clock, &utc, &n->heap, &n->rng, 0) != 0)
        return ERR_LIMIT;
    n->has_servers = n->utc.count > 0;
    n->floods.liveness = &n->liveness;
    n->overlay.liveness = &n->liveness;
    return 0;
}

/* What a node keeps of its setup. */
static void take_setup(struct node *n, const struct node_setup *setup)
{
    struct bytes name = bytes_of(setup->name, strnlen(setup->name, MSG_NAME_MAX));

    name = node_clean_text(name); /* another would keep us from every HELLO */
    n->name = heap_take(&n->heap, name.len + 1, 1);
    if (name.len > 0)
        memcpy(n->name, name.data, name.len);
    n->listen = setup->listen;
    n->reachable = setup->listen;
    if (addr_is_any(&n->reachable))
        n->reachable.len = 0;
    if (!setup->has_channel)
        return;
    n->psk = heap_take(&n->heap, 1, LINK_PSK_LEN);
    memcpy(n->psk, setup->channel_psk, LINK_PSK_LEN);
}

static int init(struct node *n, const struct node_setup *setup,
                const struct node_identity *seeds)
{
    memcpy(n->secret, seeds->entropy, sizeof(n->secret));
    n->params->suite->identity(&n->self, seeds->identity_seed);
    take_setup(n, setup);
    rng_seed(&n->rng, node_secret_word(n));
    n->clock_id = node_secret_word(n);
    n->rate_ns = INT64_MIN;
    n->next_link = 2;
    n->next_token = 1;
    n->judge_ns = TIME_NEVER;
    n->due_ns = TIME_NEVER;
    n->links_wake_ns = TIME_NEVER;
    return init_modules(n, setup);
}

static void wipe_keys(struct node *n)
{
    links_wipe(n);
    identity_wipe(&n->self);
    secure_wipe(n->secret, sizeof(n->secret));
    if (n->psk != NULL)
        secure_wipe(n->psk, LINK_PSK_LEN);
    heap_give(&n->heap, n->psk, 1, LINK_PSK_LEN);
    n->psk = NULL;
}

static void give_setup(struct node *n)
{
    heap_give(&n->heap, n->name, strlen(n->name) + 1, 1);
}

struct node *node_create(const struct node_memory *memory,
                         const struct node_params *params, const struct node_setup *setup,
                         const struct node_identity *seeds)
{
    struct node *n;

    assert(params->peers_max > 0 && params->peers_max <= NODE_PEERS_MAX);
    assert(params->overlay.peers_max == params->peers_max); /* node_params_spread */
    if (secure_init() != 0)
        return NULL;
    n = arena_take(memory->arena, 1, sizeof(*n));
    if (n == NULL)
        return NULL;
    heap_init(&n->heap, memory->pool);
    n->contacts = memory->contacts;
    n->params = params;
    if (init(n, setup, seeds) == 0)
        return n;
    node_destroy(n);
    return NULL;
}

void node_destroy(struct node *n)
{
    wipe_keys(n);
    company_end(n);
    meet_finish(n);
    relay_finish(n);
    songs_forget(n);
    commands_forget(n);
    node_notes_drop(n);
    heap_give(&n->heap, n->punched, 1, sizeof(*n->punched));
    invites_finish(&n->invites);
    heap_give(&n->heap, n->audio, 1, sizeof(*n->audio));
    trees_finish(n);
    offenders_finish(&n->offenders);
    floods_finish(&n->floods);
    liveness_finish(&n->liveness);
    overlay_finish(&n->overlay);
    utc_finish(&n->utc, &n->heap);
    heap_give(&n->heap, n->promises, 1, sizeof(*n->promises));
    give_setup(n);
    assert(n->heap.used == 0);
}

size_t node_bytes(const struct node *n)
{
    struct arena own = { .base = NULL };

    (void)arena_take(&own, 1, sizeof(*n)); /* without a base it only counts */
    return own.used + n->heap.used;
}
