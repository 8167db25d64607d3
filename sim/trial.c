/* SPDX-License-Identifier: MIT */
#include "sim/trial.h"

#include <ctype.h>
#include <string.h>

#include "base/time.h"
#include "sim/knobs.h"
#include "sim/memory.h"
#include "sim/order.h"
#include "sim/random.h"
#include "sim/tags.h"

#define CALL_NS      (4 * NS_PER_S) /* node 0 calls … */
#define START_GAP_NS (50 * NS_PER_MS)
#define GRID_NS      (500 * NS_PER_MS)
#define SPIKE_PPM    50000
#define SERVERS      4
#define CONTACTS     2
#define RATE         44100
#define SKEW_PPB     20000 /* of the clocks, at most */

enum tick { TICK_BEGIN, TICK_END, TICK_TOGGLE, TICK_GRID, TICK_CALL, TICK_CALM };

struct trial {
    const struct script *script;
    struct trial_options options;
    struct trial_outcome *out;
    struct world world;
    struct check check;
    struct node_params shipped; /* what skewed nodes live by */
    uint32_t skewed;
    uint32_t late; /* not started before the script says so */
    bool is_active[SCRIPT_ENTRIES_MAX];
    bool is_off[SCRIPT_ENTRIES_MAX]; /* of what goes on and off: now it does not hold */
    uint32_t wiped;                  /* at the last look at the script */
    struct told {
        uint64_t epoch;
        int phase;
        int role;
    } told[SCRIPT_NODES_MAX];
};

static const struct party *party_of(const struct trial *t, int node)
{
    return node_party(t->world.nodes[node].node);
}

static bool runs(const struct trial *t, int node)
{
    return world_is_up(&t->world, node) && !t->world.nodes[node].is_paused;
}

static void tick_at(struct trial *t, int64_t at_ns, enum tick what, int entry)
{
    world_tick_at(&t->world, at_ns, (uint64_t)what << 32 | (uint64_t)entry);
}

/* ---- what users say ---- */

static void say(struct trial *t, int node, const struct order *o)
{
    (void)world_command(&t->world, node, order_request(o));
}

static void call(struct trial *t, int node)
{
    struct order o;

    order_call(&o, &(struct order_host){ .name = "storm",
                                         .first_song = node,
                                         .songs = POOL_SLOTS,
                                         .library = POOL_SLOTS,
                                         .wanted = t->script->nodes / 2,
                                         .call_ms = 5000,
                                         .ready_ms = 3000,
                                         .ttl = 8 });
    say(t, node, &o);
}

static void order(struct trial *t, int node, const char *verb)
{
    struct order o;

    if (strcmp(verb, "host") == 0) {
        call(t, node);
        return;
    }
    if (strcmp(verb, "play") == 0) {
        order_begin(&o, verb, 1);
        cbor_write_uint(&o.w, 2);
    } else if (strcmp(verb, "seek") == 0) {
        order_begin(&o, verb, 2);
        cbor_write_int(&o.w, 5000);
        cbor_write_bool(&o.w, true);
    } else {
        bool has_argument = strcmp(verb, "handover") == 0 || strcmp(verb, "accept") == 0;

        order_say(&o, verb, has_argument ? "" : NULL);
    }
    say(t, node, &o);
}

/* ---- what the script says of a node at this moment ---- */

static bool holds(const struct trial *t, int entry, int node)
{
    return t->is_active[entry] && !t->is_off[entry] &&
           (t->script->entries[entry].nodes >> node & 1) != 0;
}

static void set_weather(struct trial *t, int node)
{
    struct net_params p = t->world.net.p;
    bool is_changed = false;

    for (int i = 0; i < t->script->count; i++) {
        const struct script_entry *e = &t->script->entries[i];

        if (!holds(t, i, node) || e->kind > SCRIPT_SQUEEZE)
            continue;
        is_changed = true;
        if (e->kind == SCRIPT_LOSS)
            p.loss_ppm = e->by;
        else if (e->kind == SCRIPT_DUPLICATE)
            p.duplicate_ppm = e->by;
        else if (e->kind == SCRIPT_REORDER)
            p.jitter_ns = e->by;
        else if (e->kind == SCRIPT_SLOW)
            p.delay_ns = e->by;
        else if (e->kind == SCRIPT_SQUEEZE)
            p.uplink_bps = e->by;
        if (e->kind == SCRIPT_SPIKES) {
            p.spike_ppm = SPIKE_PPM;
            p.spike_ns = e->by;
        }
    }
    net_set_weather(&t->world.net, node, is_changed ? &p : NULL);
}

static void set_disk(struct trial *t, int node)
{
    struct world_disk disk = { .mean_ns = 0 };

    for (int i = 0; i < t->script->count; i++) {
        const struct script_entry *e = &t->script->entries[i];

        if (!holds(t, i, node))
            continue;
        if (e->kind == SCRIPT_SLOW_DISK)
            disk.mean_ns = e->by;
        else if (e->kind == SCRIPT_ROT)
            disk.rot_ppm = e->by;
        disk.is_full |= e->kind == SCRIPT_FULL_DISK;
        disk.is_dead |= e->kind == SCRIPT_DEAD_DISK;
    }
    world_set_disk(&t->world, node, &disk);
}

/* Up, down or stopped. */
static void set_machine(struct trial *t, int node)
{
    bool is_down = (t->late >> node & 1) != 0;
    bool is_dark = is_down;
    bool is_wiped = false;
    bool is_paused = false;
    bool is_mute = false;

    for (int i = 0; i < t->script->count; i++) {
        enum script_kind kind = t->script->entries[i].kind;

        if (!holds(t, i, node))
            continue;
        is_down |= kind == SCRIPT_CRASH || kind == SCRIPT_POWER || kind == SCRIPT_WIPE;
        is_dark |= kind == SCRIPT_POWER || kind == SCRIPT_WIPE;
        is_wiped |= kind == SCRIPT_WIPE;
        is_paused |= kind == SCRIPT_PAUSE || kind == SCRIPT_STALL;
        is_mute |= kind == SCRIPT_MUTE;
    }
    t->world.nodes[node].has_no_sound = is_mute;
    if (is_down && (world_is_up(&t->world, node) || is_dark))
        world_crash(&t->world, node, is_dark);
    if (is_wiped && (t->wiped >> node & 1) == 0)
        world_wipe(&t->world, node);
    t->wiped = (t->wiped & ~(UINT32_C(1) << node)) | (uint32_t)is_wiped << node;
    if (!is_down && !world_is_up(&t->world, node))
        world_start(&t->world, node);
    if (is_paused && !is_down)
        world_pause(&t->world, node);
    else
        world_resume(&t->world, node);
}

/* ---- entries ---- */

static void cut(struct trial *t, uint64_t from, uint64_t to, int64_t for_ns)
{
    struct net_cut c = { from, to, t->world.now_ns + 1, t->world.now_ns + for_ns };

    net_forget_cuts(&t->world.net, t->world.now_ns);
    (void)net_cut_groups(&t->world.net, &c);
}

static void cut_both(struct trial *t, uint64_t a, uint64_t b, int64_t for_ns)
{
    cut(t, a, b, for_ns);
    cut(t, b, a, for_ns);
}

static void begin_cut(struct trial *t, const struct script_entry *e)
{
    uint64_t all = (UINT64_C(1) << t->script->nodes) - 1;
    uint64_t these = e->nodes;

    switch ((int)e->kind) {
    case SCRIPT_HALVES:
        cut_both(t, these, all & ~these, e->for_ns);
        break;
    case SCRIPT_ONE_WAY:
        cut(t, these, all & ~these, e->for_ns);
        break;
    case SCRIPT_BRIDGE:
    case SCRIPT_PAIR:
        cut_both(t, these, (uint64_t)e->by & ~these, e->for_ns);
        break;
    case SCRIPT_ISOLATE:
        for (int i = 0; i < t->script->nodes; i++) {
            if ((these >> i & 1) != 0)
                cut_both(t, UINT64_C(1) << i, all & ~(UINT64_C(1) << i), e->for_ns);
        }
        break;
    default:
        break;
    }
}

/* What happens at once to each of its nodes. */
static void befall(struct trial *t, const struct script_entry *e, int node, int sign)
{
    struct world *w = &t->world;

    switch ((int)e->kind) {
    case SCRIPT_RESET:
        if (runs(t, node))
            world_reset_links(w, node);
        break;
    case SCRIPT_REBIND:
        world_mute_links(w, node);
        break;
    case SCRIPT_CLOCK_STEP:
        world_step_utc(w, node, sign * e->by);
        break;
    case SCRIPT_START:
        t->late &= ~(UINT32_C(1) << node);
        break;
    case SCRIPT_CALLS:
        if (runs(t, node))
            call(t, node);
        break;
    case SCRIPT_ORDER:
        if (runs(t, node))
            order(t, node, script_verb((int)e->by));
        break;
    default:
        break;
    }
}

static void set_servers(struct trial *t)
{
    struct world_params *p = &t->world.p;

    p->ntp_mute = 0;
    for (int k = 0; k < SERVERS; k++)
        p->ntp_error_ns[k] = 0;
    for (int i = 0; i < t->script->count; i++) {
        const struct script_entry *e = &t->script->entries[i];

        if (!t->is_active[i])
            continue;
        if (e->kind == SCRIPT_DEAF_SERVERS)
            p->ntp_mute |= e->nodes;
        for (int k = 0; k < SERVERS && e->kind == SCRIPT_LYING_SERVER; k++) {
            if ((e->nodes >> k & 1) != 0)
                p->ntp_error_ns[k] = e->by;
        }
    }
}

static void tell_entry(const struct trial *t, int entry, bool is_end)
{
    char line[SCRIPT_LINE_MAX];

    if (!t->options.is_told)
        return;
    script_line(&t->script->entries[entry], line);
    printf("%10.3f s  %s %s\n", (double)t->world.now_ns / 1e9, is_end ? "over: " : "",
           line);
}

/* Everything about all nodes as the script has it now. */
static void look(struct trial *t)
{
    set_servers(t);
    for (int i = 0; i < t->script->nodes && !t->check.has_failed; i++) {
        set_weather(t, i);
        set_disk(t, i);
        set_machine(t, i);
    }
}

static void begin_entry(struct trial *t, int entry)
{
    const struct script_entry *e = &t->script->entries[entry];

    tell_entry(t, entry, false);
    t->out->begun[e->kind]++;
    t->is_active[entry] = script_about((int)e->kind)->has_length;
    begin_cut(t, e);
    for (int i = 0; i < t->script->nodes; i++) {
        if ((e->nodes >> i & 1) != 0 && script_about((int)e->kind)->who != SCRIPT_SERVERS)
            befall(t, e, i, 1);
    }
    if (e->for_ns > 0)
        tick_at(t, t->world.now_ns + e->for_ns, TICK_END, entry);
    if (e->kind == SCRIPT_STALL || e->kind == SCRIPT_FLAP)
        tick_at(t, t->world.now_ns, TICK_TOGGLE, entry);
    look(t);
}

static void end_entry(struct trial *t, int entry)
{
    const struct script_entry *e = &t->script->entries[entry];

    if (!t->is_active[entry])
        return;
    tell_entry(t, entry, true);
    t->is_active[entry] = false;
    for (int i = 0; i < t->script->nodes; i++) {
        if ((e->nodes >> i & 1) != 0 && script_about((int)e->kind)->who != SCRIPT_SERVERS)
            befall(t, e, i, -1);
    }
    look(t);
}

static void toggle(struct trial *t, int entry)
{
    const struct script_entry *e = &t->script->entries[entry];

    if (!t->is_active[entry])
        return;
    if (e->kind == SCRIPT_FLAP) {
        struct script_entry alone = { .kind = SCRIPT_ISOLATE,
                                      .nodes = e->nodes,
                                      .for_ns = e->by };

        begin_cut(t, &alone);
        tick_at(t, t->world.now_ns + 2 * e->by, TICK_TOGGLE, entry);
        return;
    }
    t->is_off[entry] = !t->is_off[entry];
    tick_at(t, t->world.now_ns + e->by, TICK_TOGGLE, entry);
    look(t);
}

static void calm(struct trial *t)
{
    for (int i = 0; i < t->script->count; i++)
        end_entry(t, i);
    t->late = 0;
    look(t);
    if (t->options.is_told)
        printf("%10.3f s  calm\n", (double)t->world.now_ns / 1e9);
}

/* ---- hooks ---- */

static void tell_party(struct trial *t, int node)
{
    static const char *const phases[] = { "idle",    "calling", "joining", "sharing",
                                          "playing", "paused",  "stopped", "ended" };
    static const char *const roles[] = { "nobody", "host", "guest" };
    const struct party *p = party_of(t, node);
    struct told now = { p->log.epoch, (int)p->phase, (int)p->role };
    struct told *before = &t->told[node];

    if (now.epoch == before->epoch && now.phase == before->phase &&
        now.role == before->role)
        return;
    printf("%10.3f s  node %d: %s, %s, party %02x%02x, epoch %llu\n",
           (double)t->world.now_ns / 1e9, node, roles[now.role], phases[now.phase],
           p->log.party.b[0], p->log.party.b[1], (unsigned long long)now.epoch);
    *before = now;
}

static void stepped(void *context, int node, const struct event *event)
{
    struct trial *t = context;

    if (t->options.cone != NULL)
        cone_note(t->options.cone, &t->world, node, event);
    check_step(&t->check, node);
    if (t->options.is_told)
        tell_party(t, node);
}

static void failed(void *context, int node, const char *what)
{
    check_fail(&((struct trial *)context)->check, node, what);
}

static void grid(struct trial *t)
{
    check_bounds(&t->check);
    for (int i = 0; i < t->script->nodes && !t->check.has_failed; i++) {
        if (runs(t, i) && party_is_acting(party_of(t, i), world_raw_ns(&t->world, i)))
            check_sound(&t->check, i);
    }
    tick_at(t, t->world.now_ns + GRID_NS, TICK_GRID, 0);
}

static void ticked(void *context, uint64_t token)
{
    struct trial *t = context;
    int entry = (int)(uint32_t)token;

    switch ((enum tick)(token >> 32)) {
    case TICK_BEGIN:
        begin_entry(t, entry);
        break;
    case TICK_END:
        end_entry(t, entry);
        break;
    case TICK_TOGGLE:
        toggle(t, entry);
        break;
    case TICK_GRID:
        grid(t);
        break;
    case TICK_CALL:
        if (runs(t, 0))
            call(t, 0);
        break;
    case TICK_CALM:
        calm(t);
        break;
    }
}

static void set_up(void *context, int node, struct node_setup *setup,
                   const struct node_params **params)
{
    const struct trial *t = context;

    (void)setup;
    if ((t->skewed >> node & 1) != 0)
        *params = &t->shipped;
}

/* ---- the verdict ---- */

static bool is_member(const struct party *p)
{
    return p->role != PARTY_ROLE_NONE && p->phase >= PARTY_SHARING &&
           p->phase != PARTY_ENDED;
}

/* Who leads the party of a node; -1: nobody. */
static int leader(struct trial *t, int node)
{
    for (int i = 0; i < t->script->nodes; i++) {
        if (party_id_equal(&party_of(t, i)->log.party, &party_of(t, node)->log.party) &&
            party_is_acting(party_of(t, i), world_raw_ns(&t->world, i)))
            return i;
    }
    return -1;
}

/* All are connected and it has been quiet: a party has one host, and its members agree.
 */
static void judge_end(struct trial *t)
{
    for (int i = 0; i < t->script->nodes && !t->check.has_failed; i++) {
        const struct party *p = party_of(t, i);
        const struct party *hp;
        int host;

        if (!is_member(p))
            continue;
        host = leader(t, i);
        if (host < 0) {
            check_fail(&t->check, i, "connected and quiet, but nobody leads its party");
            return;
        }
        hp = party_of(t, host);
        t->out->parties += i == host;
        t->out->members++;
        if (p->log.epoch != hp->log.epoch || p->log.seq != hp->log.seq ||
            memcmp(p->log.head, hp->log.head, HASH_LEN) != 0)
            check_fail(&t->check, i,
                       "connected and quiet, but its log is not the host's");
    }
}

static void make_world(struct trial *t)
{
    const struct script *s = t->script;
    struct world_hooks hooks = { t, stepped, NULL, ticked, failed, set_up };
    struct world_params p = {
        .seed = s->seed,
        .node_count = s->nodes,
        .node = node_params_default(),
        .ntp_count = SERVERS,
        .clock_period_ns = 16 * NS_PER_S,
        .hash = WORLD_HASH_EVENTS,
        .is_traced = t->options.is_traced,
        .is_logged = t->options.is_logged,
    };
    const char *why;

    (void)net_params_named(s->net, &p.net);
    p.node.suite = &suite_tags;
    p.node.party.is_auto_accept = true;
    p.node.state_period_ns = TIME_NEVER;
    p.node.swarm.song_blocks_max = 64;
    t->shipped = p.node;
    node_params_spread(&t->shipped);
    for (int i = 0; i < s->set_count; i++)
        (void)knob_set(&p.node, knob_find(s->sets[i].name), s->sets[i].value, &why);
    t->shipped.party.lease_ns = p.node.party.lease_ns; /* what all must agree about */
    t->shipped.party.grant_lease_ns = p.node.party.grant_lease_ns;
    for (int i = 0; i < CONTACTS && i < s->nodes; i++)
        p.setup.joins[p.setup.join_count++] = net_addr(i);
    world_init(&t->world, &p, &hooks);
    check_init(&t->check, &t->world);
    for (int i = 0; i < POOL_SLOTS; i++) {
        int64_t seconds = random_between(
            random_word(s->seed, RANDOM_SONG, ~UINT64_C(0), (uint64_t)i), 60, 180);

        (void)store_make_song(&t->world.library, s->seed, 20000 + 40000 * (uint64_t)i,
                              (uint64_t)seconds * RATE, RATE);
    }
}

static int64_t rate_ppb(const struct script *s, int node)
{
    uint64_t word = random_word(s->seed, RANDOM_CLOCK, (uint64_t)node, 1u << 31);

    for (int i = 0; i < s->count; i++) {
        if (s->entries[i].kind == SCRIPT_DRIFT && (s->entries[i].nodes >> node & 1) != 0)
            return s->entries[i].by * 1000;
    }
    return random_between(word, -SKEW_PPB, SKEW_PPB);
}

static void start(struct trial *t)
{
    const struct script *s = t->script;

    for (int i = 0; i < s->count; i++) {
        if (s->entries[i].kind == SCRIPT_START)
            t->late |= s->entries[i].nodes;
        if (s->entries[i].kind == SCRIPT_SKEW)
            t->skewed |= s->entries[i].nodes;
        tick_at(t, s->entries[i].at_ns, TICK_BEGIN, i);
    }
    for (int i = 0; i < s->nodes; i++) {
        struct clock_model_params c = {
            .offset_ns = (i + 1) * 1000 * NS_PER_S,
            .rate_ppb = rate_ppb(s, i),
            .wander_ppb = 10,
            .utc_bound_ns = 5 * NS_PER_MS,
            .is_synchronised = true,
        };

        world_set_clock(&t->world, i, &c);
        net_set_group(&t->world.net, i, i);
        if ((t->late >> i & 1) == 0)
            world_start_at(&t->world, i, i * START_GAP_NS);
    }
    tick_at(t, CALL_NS, TICK_CALL, 0);
    tick_at(t, CALL_NS, TICK_GRID, 0);
    tick_at(t, s->length_ns, TICK_CALM, 0);
}

void trial_run(const struct script *s, const struct trial_options *o,
               struct trial_outcome *out)
{
    struct trial *t = memory_new(1, sizeof(*t));

    *out = (struct trial_outcome){ .node = -1 };
    t->script = s;
    t->options = *o;
    t->out = out;
    make_world(t);
    start(t);
    world_run(&t->world, s->length_ns + TRIAL_CALM_NS);
    if (!t->check.has_failed)
        judge_end(t);
    out->has_failed = t->check.has_failed;
    out->node = t->check.node;
    out->at_ns = t->check.at_ns;
    (void)snprintf(out->what, sizeof(out->what), "%s", t->check.what);
    for (int i = 0; i < t->check.entry_count; i++)
        out->elections += t->check.entries[i].seq == 0 && t->check.entries[i].epoch > 1;
    out->hash = t->world.hash;
    check_finish(&t->check);
    world_finish(&t->world);
    free(t);
}

bool trial_is_same(const struct trial_outcome *a, const struct trial_outcome *b)
{
    const char *p = a->what;
    const char *q = b->what;

    for (; a->has_failed == b->has_failed; p++, q++) {
        while (isdigit((unsigned char)*p) || *p == '-')
            p++;
        while (isdigit((unsigned char)*q) || *q == '-')
            q++;
        if (*p != *q)
            return false;
        if (*p == '\0')
            return true;
    }
    return false;
}
