/* Does everybody hear the same at the same instant?  A party of real nodes on modelled
 * networks, each with a clock, a sound card and a crystal for each (sim/sound.h).  What
 * has left the cards is compared at one true instant after the other: no belief of a node
 * enters.  SPDX-License-Identifier: MIT */
#include "sim/lab_sync.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "clock/utc.h"
#include "sim/lab_kinds.h"
#include "sim/memory.h"
#include "sim/order.h"
#include "sim/random.h"

#define CALL_NS     (4 * NS_PER_S)
#define WARM_NS     (90 * NS_PER_S) /* from the first start to what counts */
#define FAULT_NS    (180 * NS_PER_S)
#define RATE        44100
#define SONG_S      86399
#define APART_NS    (500 * NS_PER_MS)
#define CLOCK_NS    (16 * NS_PER_S) /* nodes read the system's clock so often */
#define ROUNDING_NS 10              /* of what is no bound but our own arithmetic */
#define START_OFF   (5 * NS_PER_MS) /* of the system's clocks, and their bound */

/* ---- the world ---- */

static struct clock_model_params crystal(const struct setup *s, uint64_t seed, int node,
                                         uint64_t which)
{
    uint64_t word = random_word(seed, RANDOM_SOUND, (uint64_t)node, which);
    int64_t ppb = s->crystal_ppm * 1000;

    return (struct clock_model_params){
        .offset_ns = (node + 1) * 1000 * NS_PER_S,
        .rate_ppb = random_between(word, -ppb, ppb),
        .wander_ppb = s->wander_ppb,
        .daily_ppb = random_between(word >> 7, -s->daily_ppb, s->daily_ppb),
        .utc_error_ns = random_between(word >> 13, -START_OFF, START_OFF),
        .utc_bound_ns = START_OFF,
        .is_synchronised = true,
    };
}

static void make(struct sync *y, const struct setup *s, uint64_t seed)
{
    struct lab *lab = &y->lab;

    lab_make(lab, s, seed);
    lab->world.p.clock_period_ns = CLOCK_NS;
    (void)store_make_song(&lab->world.library, seed, 20000, (uint64_t)SONG_S * RATE,
                          RATE);
    for (int i = 0; i < s->nodes; i++) {
        struct clock_model_params clock = crystal(s, seed, i, 1);
        struct sound_params sound = {
            .card = s->card,
            .wake_ns = s->wake_ns,
            .depth = sound_params_default().depth,
            .late_ns = sound_params_default().late_ns,
            .stall_ppm = s->stall_ppm,
            .stall_ns = s->stall_ns,
            .phase = phase_params_default(),
            .crystal = crystal(s, seed, i, 2),
        };

        sound.depth.least_ns = s->buffer_ns;
        sound.depth.most_ns = 2 * s->buffer_ns;
        world_set_clock(&lab->world, i, &clock);
        sound_init(&y->nodes[i].sound, &sound, seed, (uint64_t)i);
        net_set_group(&lab->world.net, i, i);
    }
    y->reference = -1;
    y->victim = -1;
    y->jump_ns = s->jump_ns == 0 ? TIME_NEVER : WARM_NS + s->jump_ns;
}

static void seek_start(struct lab *lab, int node)
{
    struct order o;

    order_begin(&o, "seek", 2);
    cbor_write_uint(&o.w, 0);
    cbor_write_bool(&o.w, false);
    (void)world_command(&lab->world, node, order_request(&o));
}

static bool is_playing(const struct sync *y, int node)
{
    return world_is_up(&y->lab.world, node) && !y->nodes[node].is_asleep;
}

static const struct party *party_of(const struct sync *y, int node)
{
    return node_party(y->lab.world.nodes[node].node);
}

int sync_host(struct sync *y)
{
    for (int i = 0; i < y->lab.setup->nodes; i++) {
        if (is_playing(y, i) &&
            party_is_acting(party_of(y, i), world_raw_ns(&y->lab.world, i)))
            return i;
    }
    return -1;
}

/* ---- what is true ---- */

/* The map's host reads party time off its own raw clock, without an error. */
static void find_truth(struct sync *y)
{
    for (int i = 0; i < y->lab.setup->nodes; i++) {
        struct party_reference r;
        const struct clock_line *line;

        if (!is_playing(y, i) || !party_reference(party_of(y, i), &r) || !r.is_self ||
            party_of(y, i)->log.epoch < y->epoch)
            continue;
        line = node_party_line(y->lab.world.nodes[i].node);
        if (!line->is_valid)
            continue;
        y->reference = i;
        y->epoch = party_of(y, i)->log.epoch;
        y->truth = *line;
    }
}

/* Party time goes on while the reference sleeps. */
static int64_t true_party_ns(struct sync *y)
{
    struct clock_model clock = *world_clock(&y->lab.world, y->reference);

    clock.is_stopped = false;
    return clock_line_to_remote(&y->truth, clock_model_raw(&clock, y->lab.world.now_ns));
}

static void judge(struct sync_bound *b, int64_t off_ns, int64_t bound_ns)
{
    int64_t size_ns = off_ns < 0 ? -off_ns : off_ns;

    b->samples++;
    if (bound_ns >= TIME_NEVER - ROUNDING_NS || size_ns <= bound_ns + ROUNDING_NS)
        return;
    b->broken++;
    if (size_ns - bound_ns > b->worst_ns)
        b->worst_ns = size_ns - bound_ns;
}

static void judge_utc(struct sync *y, int node, int64_t raw_ns)
{
    struct utc_estimate e;

    utc_estimate(node_utc(y->lab.world.nodes[node].node), raw_ns, &e);
    if (e.line.is_valid && e.is_synchronised)
        judge(&y->utc,
              clock_line_to_remote(&e.line, raw_ns) -
                  (CLOCK_MODEL_UTC_NS + y->lab.world.now_ns),
              e.bound_ns);
}

/* ---- what is heard ---- */

/* How far a card is ahead of where party time wants it. */
static int64_t ahead_ns(const struct sound_heard *h, int64_t party_ns)
{
    double want = audio_segment_frame(&h->segment, party_ns, h->rate);

    return (int64_t)((h->position - want) / h->rate * (double)NS_PER_S);
}

static void look_at(struct sync *y, int node, const struct sound_heard *h)
{
    struct sync_node *n = &y->nodes[node];
    int64_t now_ns = y->lab.world.now_ns;
    int64_t raw_ns = world_raw_ns(&y->lab.world, node);
    int64_t truth_ns = true_party_ns(y);
    int64_t line_off_ns;

    n->has_error = false;
    if (!h->is_playing || !n->sound.line.is_valid)
        return;
    line_off_ns = clock_line_to_remote(&n->sound.line, raw_ns) - truth_ns;
    n->has_error = true;
    n->error_ns = ahead_ns(h, truth_ns);
    if (n->first_ns == 0)
        n->first_ns = now_ns;
    if (n->error_ns > SYNC_FAR_NS || n->error_ns < -SYNC_FAR_NS) {
        if (!y->is_counting)
            n->off_ns = now_ns;
        if (node == y->victim)
            y->back_ns = now_ns;
    }
    if (!y->is_counting)
        return;
    judge(&y->party, line_off_ns, clock_line_bound_at(&n->sound.line, raw_ns));
    judge_utc(y, node, raw_ns);
    if (n->is_out)
        return;
    histogram_add(&y->clocks, line_off_ns);
    histogram_add(&y->cards, n->error_ns - line_off_ns);
}

static void compare(struct sync *y, int i, int j, const struct sound_heard *a,
                    const struct sound_heard *b)
{
    double off_s = a->rate > 0 ? (a->position - b->position) / a->rate : 0;

    y->compared++;
    if (!a->is_playing || !b->is_playing ||
        !song_id_equal(&a->segment.song, &b->segment.song) ||
        fabs(off_s) * (double)NS_PER_S > (double)APART_NS) {
        y->apart++;
        pairs_break(&y->pairs, i, j);
        return;
    }
    pairs_add(&y->pairs, i, j, y->lab.world.now_ns, (int64_t)(off_s * (double)NS_PER_S));
}

static void sample(struct sync *y)
{
    struct sound_heard heard[SYNC_NODES_MAX];
    int count = (int)y->lab.setup->nodes;

    find_truth(y);
    if (y->reference < 0)
        return;
    for (int i = 0; i < count; i++) {
        if (!is_playing(y, i))
            continue;
        heard[i] = sound_at(&y->nodes[i].sound, y->lab.world.now_ns);
        look_at(y, i, &heard[i]);
    }
    for (int i = 0; i < count && y->is_counting; i++) {
        for (int j = i + 1; j < count; j++) {
            if (is_playing(y, i) && is_playing(y, j) && !y->nodes[i].is_out &&
                !y->nodes[j].is_out)
                compare(y, i, j, &heard[i], &heard[j]);
        }
    }
}

static void seek(struct sync *y)
{
    int host = sync_host(y);

    if (y->lab.world.now_ns < y->jump_ns || host < 0)
        return;
    y->jump_ns += y->lab.setup->jump_ns;
    seek_start(&y->lab, host);
}

/* Everything goes on until an instant. */
static void play(struct sync *y, int64_t until_ns)
{
    struct world *w = &y->lab.world;
    const struct setup *s = y->lab.setup;
    int64_t sample_ns = w->now_ns + s->sample_ns;

    while (w->now_ns < until_ns) {
        lab_run(&y->lab, s->wake_ns);
        for (int i = 0; i < s->nodes; i++) {
            if (is_playing(y, i))
                sound_run(&y->nodes[i].sound, world_clock(w, i), world_player(w, i),
                          w->now_ns);
        }
        abuse_tick(y);
        seek(y);
        if (w->now_ns >= sample_ns) {
            sample(y);
            sample_ns += s->sample_ns;
        }
    }
}

/* ---- results ---- */

static double us(int64_t ns)
{
    return (double)ns / 1e3;
}

static double percent(int64_t part, int64_t of)
{
    return of == 0 ? 0 : 100.0 * (double)part / (double)of;
}

static void add_lock(struct sync *y, struct results *r)
{
    double most = 0;

    for (int i = 0; i < y->lab.setup->nodes; i++) {
        const struct sync_node *n = &y->nodes[i];
        double s = n->off_ns <= n->first_ns ? 0 : (double)(n->off_ns - n->first_ns) / 1e9;

        most = fmax(most, n->first_ns == 0 ? 1e6 : s);
    }
    results_add(r, "lock", "s", most);
}

static void add_players(struct sync *y, struct results *r)
{
    int64_t xruns = 0;
    int64_t resyncs = 0;
    double ratio = 0;

    for (int i = 0; i < y->lab.setup->nodes; i++) {
        xruns += y->nodes[i].sound.xruns;
        resyncs += y->nodes[i].sound.resyncs;
        ratio = fmax(ratio, y->nodes[i].sound.most_ratio);
    }
    results_add(r, "xruns", "", (double)xruns);
    results_add(r, "resyncs", "", (double)resyncs);
    results_add(r, "ratio", "ppm", 1e6 * ratio);
}

static void add_pairs(struct sync *y, struct results *r)
{
    const struct pairs *p = &y->pairs;

    results_add(r, "p50", "us", us(histogram_quantile(&p->all, 500)));
    results_add(r, "p99", "us", us(histogram_quantile(&p->all, 990)));
    results_add(r, "max", "us", us(p->most_ns));
    results_add(r, "slope", "us/h", pairs_slope(p) / 1e3);
    results_add(r, "apart", "%", percent(y->apart, y->compared));
    results_add(r, "card_p99", "us", us(histogram_quantile(&y->cards, 990)));
    results_add(r, "clock_p99", "us", us(histogram_quantile(&y->clocks, 990)));
    results_add(r, "bounds", "samples", (double)(y->party.samples + y->utc.samples));
    results_add(r, "broken_party", "%", percent(y->party.broken, y->party.samples));
    results_add(r, "broken_utc", "%", percent(y->utc.broken, y->utc.samples));
    results_add(r, "broken_by", "us", us(y->party.worst_ns));
}

static void run_sync(const struct setup *s, uint64_t seed, struct results *r)
{
    struct sync *y = memory_new(1, sizeof(*y));
    struct setup own = *s;
    struct world *w = &y->lab.world;

    if (own.nodes > SYNC_NODES_MAX)
        own.nodes = SYNC_NODES_MAX;
    if (own.abuse == ABUSE_LIAR_SERVER || own.abuse == ABUSE_STEP)
        own.servers = SYNC_SERVERS;
    own.node.party.is_auto_accept = true;
    make(y, &own, seed);
    abuse_prepare(y, WARM_NS + FAULT_NS);
    for (int i = 0; i < own.nodes; i++)
        world_start_at(w, i, i * 20 * NS_PER_MS);
    play(y, CALL_NS);
    lab_call(&y->lab, 0, "in time");
    play(y, WARM_NS);
    y->is_counting = true;
    for (int64_t at_ns = WARM_NS; at_ns < WARM_NS + own.length_ns;) {
        at_ns += own.length_ns / 100;
        play(y, at_ns);
        results_row(r, "max", (double)w->now_ns / (double)NS_PER_S, us(y->pairs.most_ns));
    }
    add_pairs(y, r);
    add_lock(y, r);
    add_players(y, r);
    abuse_results(y, r);
    lab_finish(&y->lab);
    free(y);
}

static void sync_defaults(struct setup *s)
{
    char why[SETUP_WHY_MAX];

    s->nodes = 8;
    s->contacts = 1;
    s->crypto = CRYPTO_TAGS;
    (void)setup_set(s, "net.model", "wired", why);
}

static void wifi_defaults(struct setup *s)
{
    char why[SETUP_WHY_MAX];

    sync_defaults(s);
    (void)setup_set(s, "net.model", "wifi-rig", why);
    s->abuse = ABUSE_JAM;
}

static void abuse_defaults(struct setup *s)
{
    sync_defaults(s);
    s->abuse = ABUSE_CRASH;
}

static void soak_defaults(struct setup *s)
{
    sync_defaults(s);
    s->length_ns = 30 * 86400 * NS_PER_S;
    s->sample_ns = 10 * NS_PER_S;
    s->jump_ns = 20 * 3600 * NS_PER_S;
    s->wake_ns = 100 * NS_PER_MS;
    s->daily_ppb = 1000;
    s->wander_ppb = 7;
}

static const struct lab_goal sync_goals[] = {
    { "p50", LAB_MEAN, true, 20 },         { "p99", LAB_MEAN, true, 60 },
    { "max", LAB_MOST, true, 150 },        { "broken_party", LAB_MEAN, true, 0.1 },
    { "broken_utc", LAB_MEAN, true, 0.1 }, { "xruns", LAB_MOST, true, 0 },
    { "apart", LAB_MOST, true, 0 },        { NULL, LAB_MEAN, false, 0 },
};

static const struct lab_goal wifi_goals[] = {
    { "p50", LAB_MEAN, true, 60 },         { "p99", LAB_MEAN, true, 250 },
    { "max", LAB_MOST, true, 600 },        { "broken_party", LAB_MEAN, true, 0.1 },
    { "broken_utc", LAB_MEAN, true, 0.1 }, { "xruns", LAB_MOST, true, 0 },
    { "apart", LAB_MOST, true, 0 },        { NULL, LAB_MEAN, false, 0 },
};

static const struct lab_goal abuse_goals[] = {
    { "moved", LAB_MOST, true, 50 },
    { "believed", LAB_MOST, true, 10 },
    { "broken_party", LAB_MEAN, true, 0.1 },
    { "broken_utc", LAB_MEAN, true, 0.1 },
    { NULL, LAB_MEAN, false, 0 },
};

static const struct lab_goal soak_goals[] = {
    { "slope", LAB_MOST, true, 1 },
    { "xruns", LAB_MOST, true, 0 },
    { "resyncs", LAB_MOST, true, 0 },
    { "p99", LAB_MEAN, true, 60 },
    { "broken_party", LAB_MEAN, true, 0.1 },
    { "broken_utc", LAB_MEAN, true, 0.1 },
    { NULL, LAB_MEAN, false, 0 },
};

const struct lab_kind lab_sync = {
    .name = "sync",
    .about = "a party on modelled sound cards: how far apart do they play?",
    .defaults = sync_defaults,
    .run = run_sync,
    .goals = sync_goals,
    .plot = "seconds|largest difference of two cards so far, us|max",
};

const struct lab_kind lab_wifi = {
    .name = "wifi",
    .about = "the same on a bad network that is jammed for 10 s",
    .defaults = wifi_defaults,
    .run = run_sync,
    .goals = wifi_goals,
    .plot = "seconds|largest difference of two cards so far, us|max",
};

const struct lab_kind lab_abuse = {
    .name = "abuse",
    .about = "clocks step, servers and peers lie, machines sleep: do the others hear it?",
    .defaults = abuse_defaults,
    .run = run_sync,
    .goals = abuse_goals,
    .plot = "seconds|largest difference of two cards so far, us|max",
};

const struct lab_kind lab_soak = {
    .name = "soak",
    .about = "a month of it: do the cards drift apart, do buffers run dry?",
    .defaults = soak_defaults,
    .run = run_sync,
    .goals = soak_goals,
    .plot = "seconds|largest difference of two cards so far, us|max",
};
