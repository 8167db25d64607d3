/* Elections: many small worlds, each a party of real nodes on a network and machines that
 * a random choice of faults befalls: loss up to 30 %, delays up to 5 s, cuts between
 * groups, one way and both, that overlap, pauses up to a minute, crashes and restarts
 * with the disk as it was, clocks that drift by up to 1 %, hand-overs and commands.
 * Looked at after every step: how many act as host of one party, whom an epoch was
 * granted to.  With rule=classic (the bully as it stands, without epochs' certificates,
 * grants and leases) the same faults show two hosts.
 *
 * Clocks are probed once a second from the start, as elections ask of them no more than
 * to be known: what the filters cost otherwise would be three quarters of all.
 * SPDX-License-Identifier: MIT */
#include "sim/lab_elect.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "sim/lab_kinds.h"
#include "sim/memory.h"
#include "sim/random.h"

#define CALL_NS  (4 * NS_PER_S)
#define BEGIN_NS (14 * NS_PER_S) /* the party is there, and its council */
#define QUIET_NS (70 * NS_PER_S) /* after the last fault, until one must act */
#define TICK_NS  (100 * NS_PER_MS)
#define AGAIN_NS                                                                         \
    (10 * NS_PER_S) /* nobody is in a party any more: until somebody calls               \
                     */
#define RATE   44100
#define SONG_S 10000

#define SLOWEST_NS (5 * NS_PER_S) /* all that a machine sends takes so much longer … */
#define HALVINGS   8              /* … or a half of it, a quarter … */

static const char *const trouble_names[TROUBLE_KINDS] = {
    [TROUBLE_LOSS] = "lossy",     [TROUBLE_DELAY] = "slowed",
    [TROUBLE_CUT] = "cut_off",    [TROUBLE_ONE_WAY] = "cut_one_way",
    [TROUBLE_PAUSE] = "paused",   [TROUBLE_CRASH] = "crashed",
    [TROUBLE_DRIFT] = "drifting", [TROUBLE_COMMAND] = "commanded",
};

const struct party *elect_party(const struct elect *e, int node)
{
    return node_party(e->lab.world.nodes[node].node);
}

bool elect_is_running(const struct elect *e, int node)
{
    return world_is_up(&e->lab.world, node) && !e->lab.world.nodes[node].is_paused;
}

static bool acts(struct elect *e, int node)
{
    return elect_is_running(e, node) &&
           party_is_acting(elect_party(e, node), world_raw_ns(&e->lab.world, node));
}

/* The one that acts, the first of them; -1: nobody. */
int elect_acting(struct elect *e)
{
    for (int i = 0; i < e->lab.setup->nodes; i++) {
        if (acts(e, i))
            return i;
    }
    return -1;
}

/* ---- the oracle ---- */

static void look_at_host(struct elect *e, const struct party_log *l)
{
    struct seen_host *h;

    if (l->epoch == 0)
        return;
    for (int i = e->host_count - 1; i >= 0; i--) {
        h = &e->hosts[i];
        if (h->epoch != l->epoch || !party_id_equal(&h->party, &l->party))
            continue;
        e->epochs += memcmp(h->key, l->host, KEY_LEN) != 0;
        return;
    }
    if (e->host_count == ELECT_HOSTS_MAX) /* the oldest is of no interest any more */
        memmove(e->hosts, e->hosts + 1, (size_t)--e->host_count * sizeof(*h));
    h = &e->hosts[e->host_count++];
    h->party = l->party;
    h->epoch = l->epoch;
    memcpy(h->key, l->host, KEY_LEN);
    e->elections += l->epoch > 1;
}

/* What this node was last seen to grant in this party; the oldest place if it never was.
 */
static struct seen_grant *grant_of(struct elect *e, int node, const struct party_id *id)
{
    struct seen_grant *list = e->grants[node];
    int i = 0;

    while (i < ELECT_GRANTS_MAX - 1 && !party_id_equal(&list[i].party, id))
        i++;
    if (i > 0) {
        struct seen_grant found = list[i];

        memmove(list + 1, list, (size_t)i * sizeof(*list));
        list[0] = found;
    }
    return &list[0];
}

static void look_at_grant(struct elect *e, int node, const struct party *p)
{
    static const uint8_t nobody[KEY_LEN];
    struct seen_grant *g;

    /* What is remembered from before a restart is an epoch without a host. */
    if (p->ballot.epoch == 0 || memcmp(p->ballot.host, nobody, KEY_LEN) == 0)
        return;
    g = grant_of(e, node, &p->log.party);
    if (party_id_equal(&g->party, &p->log.party)) {
        e->regrants += p->ballot.epoch < g->epoch ||
                       (p->ballot.epoch == g->epoch &&
                        memcmp(p->ballot.host, g->host, KEY_LEN) != 0);
    }
    g->party = p->log.party;
    g->epoch = p->ballot.epoch;
    memcpy(g->host, p->ballot.host, KEY_LEN);
}

static void count_messages(struct elect *e, int node, int64_t said)
{
    e->messages += said >= e->said[node] ? said - e->said[node] : said;
    e->said[node] = said;
}

static void stepped(void *context, int node, const struct event *event)
{
    struct elect *e = context;
    const struct party *p = elect_party(e, node);

    (void)event;
    look_at_host(e, &p->log);
    look_at_grant(e, node, p);
    count_messages(e, node, p->counts.elected);
    if (!acts(e, node))
        return;
    for (int i = 0; i < e->lab.setup->nodes; i++) {
        e->doubles += i != node && acts(e, i) &&
                      party_id_equal(&elect_party(e, i)->log.party, &p->log.party);
    }
}

/* ---- the world ---- */

/* Does this world know this kind of trouble? */
static bool has(const struct elect *e, enum trouble kind)
{
    return (e->troubles >> kind & 1) != 0;
}

static void set_clocks(struct elect *e)
{
    int64_t most_ppb = has(e, TROUBLE_DRIFT) ? 10000000 : 100000;

    for (int i = 0; i < e->lab.setup->nodes; i++) {
        uint64_t word = random_word(e->lab.seed, RANDOM_CLOCK, (uint64_t)i, 1u << 31);
        struct clock_model_params c = {
            .offset_ns = (i + 1) * 1000 * NS_PER_S,
            .rate_ppb = random_between(word, -most_ppb, most_ppb),
            .utc_bound_ns = 5 * NS_PER_MS,
            .is_synchronised = true,
        };

        world_set_clock(&e->lab.world, i, &c);
    }
}

void elect_meet(struct elect *e, struct setup *s, uint64_t seed)
{
    struct lab *lab = &e->lab;

    if (has(e, TROUBLE_LOSS))
        s->net.loss_ppm = random_between(random_word(seed, RANDOM_PLAN, 1, 0), 0, 300000);
    if (has(e, TROUBLE_DELAY)) {
        s->net.spike_ppm = random_between(random_word(seed, RANDOM_PLAN, 2, 0), 0, 50000);
        s->net.spike_ns = random_between(random_word(seed, RANDOM_PLAN, 3, 0),
                                         10 * NS_PER_MS, NS_PER_S);
        s->net.jitter_ns = random_between(random_word(seed, RANDOM_PLAN, 4, 0), 0,
                                          200 * NS_PER_MS);
    }
    /* Who starts anew comes back soon, or late. */
    s->node.party.invite_every_ns = random_between(random_word(seed, RANDOM_PLAN, 5, 0),
                                                   NS_PER_S / 2, 20 * NS_PER_S);
    s->node.party.must_know_time = !has(e, TROUBLE_DRIFT);
    s->node.state_period_ns = TIME_NEVER;
    s->node.clock.probe_burst = 4;
    s->node.clock.probe_fast_factor = 1;
    lab_make(lab, s, seed);
    lab->world.hooks.stepped = stepped;
    (void)store_make_song(&lab->world.library, seed, 20000, (uint64_t)SONG_S * RATE,
                          RATE);
    set_clocks(e);
    for (int i = 0; i < s->nodes; i++) {
        e->restart_ns[i] = TIME_NEVER;
        e->resume_ns[i] = TIME_NEVER;
        e->calm_ns[i] = TIME_NEVER;
        world_start_at(&lab->world, i, i * 20 * NS_PER_MS);
    }
    lab_run(lab, CALL_NS);
}

void elect_begin(struct elect *e, struct setup *s, uint64_t seed)
{
    s->node.party.is_auto_accept = true;
    elect_meet(e, s, seed);
    lab_call(&e->lab, 0, "elections");
    lab_run(&e->lab, BEGIN_NS - CALL_NS);
}

/* ---- elect: faults ---- */

static void cut(struct elect *e, int64_t last_ns, bool is_one_way)
{
    struct net *net = &e->lab.world.net;
    int64_t now_ns = e->lab.world.now_ns;
    struct net_cut c = { .from_groups = 0 };
    struct net_cut back;

    for (int i = 0; i < e->lab.setup->nodes; i++) {
        uint64_t bit = UINT64_C(1) << i;

        c.from_groups |= lab_draw(&e->lab, 2) != 0 ? bit : 0;
    }
    c.to_groups = ~c.from_groups;
    c.cut_ns = now_ns + 1;
    c.heal_ns = time_min(now_ns + NS_PER_S + lab_draw(&e->lab, 40 * NS_PER_S), last_ns);
    net_forget_cuts(net, now_ns);
    if (c.heal_ns <= c.cut_ns || !net_cut_groups(net, &c))
        return;
    e->befell[is_one_way ? TROUBLE_ONE_WAY : TROUBLE_CUT]++;
    if (is_one_way)
        return;
    back = c;
    back.from_groups = c.to_groups;
    back.to_groups = c.from_groups;
    (void)net_cut_groups(net, &back);
}

/* What this machine sends is late for a while, TCP's segments and all. */
static void slow(struct elect *e, int node, int64_t last_ns)
{
    struct net_params weather = e->lab.world.net.p;
    int64_t for_ns = NS_PER_S + lab_draw(&e->lab, 40 * NS_PER_S);

    weather.delay_ns = SLOWEST_NS >> lab_draw(&e->lab, HALVINGS);
    net_set_weather(&e->lab.world.net, node, &weather);
    e->calm_ns[node] = time_min(e->lab.world.now_ns + for_ns, last_ns);
    e->befell[TROUBLE_DELAY]++;
}

static void crash(struct elect *e, int node)
{
    if (e->restart_ns[node] != TIME_NEVER || e->resume_ns[node] != TIME_NEVER)
        return;
    world_crash(&e->lab.world, node, lab_draw(&e->lab, 2) != 0);
    e->befell[TROUBLE_CRASH]++;
    e->restart_ns[node] = e->lab.world.now_ns + NS_PER_S / 10 +
                          lab_draw(&e->lab, 20 * NS_PER_S);
}

static void pause_node(struct elect *e, int node)
{
    if (e->restart_ns[node] != TIME_NEVER || e->resume_ns[node] != TIME_NEVER)
        return;
    world_pause(&e->lab.world, node);
    e->befell[TROUBLE_PAUSE]++;
    e->resume_ns[node] = e->lab.world.now_ns + NS_PER_S +
                         lab_draw(&e->lab, 59 * NS_PER_S);
}

/* What the host is told by its user; any node may be asked, most will refuse. */
static void order(struct elect *e, int node)
{
    if (!elect_is_running(e, node))
        return;
    e->befell[TROUBLE_COMMAND]++;
    if (elect_party(e, node)->phase == PARTY_IDLE ||
        elect_party(e, node)->phase == PARTY_ENDED)
        lab_command(&e->lab, node, "accept", ""); /* who left comes back */
    else if (lab_draw(&e->lab, 3) == 0)
        lab_command(&e->lab, node, "handover", "");
    else if (lab_draw(&e->lab, 3) == 0)
        lab_command(&e->lab, node, "leave", NULL);
    else
        lab_command(&e->lab, node, lab_draw(&e->lab, 2) == 0 ? "pause" : "resume", NULL);
}

static void trouble(struct elect *e, int64_t last_ns)
{
    int node = (int)lab_draw(&e->lab, e->lab.setup->nodes);
    int host = elect_acting(e);
    enum trouble kind = (enum trouble)lab_draw(&e->lab, TROUBLE_KINDS);

    if (host >= 0 && lab_draw(&e->lab, 2) == 0)
        node = host; /* what befalls the host is what matters */
    if (!has(e, kind))
        return;
    switch (kind) {
    case TROUBLE_CUT:
    case TROUBLE_ONE_WAY:
        cut(e, last_ns, kind == TROUBLE_ONE_WAY);
        break;
    case TROUBLE_DELAY:
        slow(e, node, last_ns);
        break;
    case TROUBLE_PAUSE:
        pause_node(e, node);
        break;
    case TROUBLE_CRASH:
        crash(e, node);
        break;
    case TROUBLE_COMMAND:
        order(e, node);
        break;
    case TROUBLE_LOSS: /* these two are there from the beginning */
    case TROUBLE_DRIFT:
    case TROUBLE_KINDS:
        break;
    }
}

static void recover(struct elect *e, bool is_last)
{
    for (int i = 0; i < e->lab.setup->nodes; i++) {
        if (e->restart_ns[i] != TIME_NEVER &&
            (is_last || e->lab.world.now_ns >= e->restart_ns[i])) {
            world_start(&e->lab.world, i);
            e->restart_ns[i] = TIME_NEVER;
        }
        if (e->resume_ns[i] != TIME_NEVER &&
            (is_last || e->lab.world.now_ns >= e->resume_ns[i])) {
            world_resume(&e->lab.world, i);
            e->resume_ns[i] = TIME_NEVER;
        }
        if (e->lab.world.now_ns >= e->calm_ns[i]) {
            net_set_weather(&e->lab.world.net, i, NULL);
            e->calm_ns[i] = TIME_NEVER;
        }
    }
}

/* Somebody still knows of a party: where all have started anew there is none to lead. */
static bool is_alive(struct elect *e)
{
    for (int i = 0; i < e->lab.setup->nodes; i++) {
        if (world_is_up(&e->lab.world, i) && (elect_party(e, i)->phase == PARTY_PLAYING ||
                                              elect_party(e, i)->phase == PARTY_SHARING))
            return true;
    }
    return false;
}

/* Where nobody is in a party for long, somebody calls. */
static void call_again(struct elect *e)
{
    int64_t now_ns = e->lab.world.now_ns;
    int node = (int)lab_draw(&e->lab, e->lab.setup->nodes);

    if (is_alive(e))
        e->alive_ns = now_ns;
    if (now_ns - e->alive_ns >= AGAIN_NS && elect_is_running(e, node)) {
        lab_call(&e->lab, node, "elections");
        e->alive_ns = now_ns;
    }
}

static void one_world(const struct setup *s, uint64_t seed, struct elect *sum)
{
    struct elect *e = memory_new(1, sizeof(*e));
    struct setup own = *s;
    int64_t last_ns;

    e->troubles = (int)(random_word(seed, RANDOM_PLAN, 0, 0) &
                        ((1 << TROUBLE_KINDS) - 1));
    elect_begin(e, &own, seed);
    for (int i = 0; i < s->nodes; i++)
        net_set_group(&e->lab.world.net, i, i);
    e->alive_ns = e->lab.world.now_ns;
    last_ns = e->lab.world.now_ns + s->wait_ns;
    while (e->lab.world.now_ns < last_ns) {
        if (lab_draw(&e->lab, s->gap_ns) < TICK_NS)
            trouble(e, last_ns);
        recover(e, false);
        call_again(e);
        lab_run(&e->lab, TICK_NS);
    }
    recover(e, true);
    lab_run(&e->lab, QUIET_NS);
    sum->alive += is_alive(e);
    sum->led += is_alive(e) && elect_acting(e) >= 0;
    sum->doubles += e->doubles;
    sum->epochs += e->epochs;
    sum->regrants += e->regrants;
    sum->elections += e->elections;
    sum->messages += e->messages;
    e->befell[TROUBLE_LOSS] = has(e, TROUBLE_LOSS);
    e->befell[TROUBLE_DRIFT] = has(e, TROUBLE_DRIFT);
    for (int kind = 0; kind < TROUBLE_KINDS; kind++)
        sum->befell[kind] += e->befell[kind];
    lab_finish(&e->lab);
    free(e);
}

static void run_elect(const struct setup *s, uint64_t seed, struct results *r)
{
    struct elect *sum = memory_new(1, sizeof(*sum));
    int bad = 0;

    for (int i = 0; i < s->rounds; i++) {
        uint64_t world = seed * (uint64_t)s->rounds + (uint64_t)i;
        int64_t before = sum->doubles + sum->epochs + sum->regrants;

        one_world(s, world, sum);
        if (sum->doubles + sum->epochs + sum->regrants > before) {
            bad++;
            results_row(r, "bad_world", (double)world, 1);
        }
    }
    results_add(r, "worlds", "", (double)s->rounds);
    results_add(r, "elections", "", (double)sum->elections);
    results_add(r, "messages", "",
                sum->elections == 0 ? 0 : (double)sum->messages / (double)sum->elections);
    results_add(r, "double_hosts", "steps", (double)sum->doubles);
    results_add(r, "double_epochs", "steps", (double)sum->epochs);
    results_add(r, "regrants", "", (double)sum->regrants);
    results_add(r, "bad_worlds", "", bad);
    results_add(r, "alive", "", sum->alive);
    results_add(r, "led", "%", sum->alive == 0 ? 100 : 100.0 * sum->led / sum->alive);
    for (int kind = 0; kind < TROUBLE_KINDS; kind++)
        results_add(r, trouble_names[kind], "", (double)sum->befell[kind]);
    free(sum);
}

void elect_defaults(struct setup *s)
{
    s->nodes = 5;
    s->contacts = 1;
    s->crypto = CRYPTO_TAGS;
    s->rounds = 100;
    s->wait_ns = 300 * NS_PER_S;
    s->gap_ns = 3 * NS_PER_S;
}

static const struct lab_goal elect_goals[] = {
    { "double_hosts", LAB_MOST, true, 0 }, { "double_epochs", LAB_MOST, true, 0 },
    { "regrants", LAB_MOST, true, 0 },     { "led", LAB_MEAN, false, 85 },
    { NULL, LAB_MEAN, false, 0 },
};

const struct lab_kind lab_elect = {
    .name = "elect",
    .about = "parties under all kinds of faults: never two hosts at one instant",
    .defaults = elect_defaults,
    .run = run_elect,
    .goals = elect_goals,
    .plot = "",
};
