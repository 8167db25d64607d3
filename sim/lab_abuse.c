/* What may befall those who play in time: a system's clock steps by an hour, a time
 * server or a peer lies, a machine sleeps, a way is jammed, a crystal warms up, the host
 * dies.  What counts is what the others hear of it.  SPDX-License-Identifier: MIT */
#include "sim/lab_sync.h"

#include <stdio.h>

#include "base/time.h"
#include "clock/probe.h"
#include "clock/utc.h"
#include "sim/random.h"

#define PEER_LIE_NS    (50 * NS_PER_MS)
#define SERVER_LIE_NS  (10 * NS_PER_S)
#define STEP_NS        (3600 * NS_PER_S)
#define STEP_APART_NS  (60 * NS_PER_S) /* from the step up to the step down */
#define SLEEP_NS       (30 * NS_PER_S)
#define SLEEP_ERROR_NS (300 * NS_PER_MS) /* of the clock that counted meanwhile */
#define JAM_NS         (10 * NS_PER_S)
#define JAM_LONG_NS    (900 * NS_PER_S)
#define JAM_LEAST_NS   (60 * NS_PER_MS)
#define JAM_MOST_NS    (200 * NS_PER_MS)
#define RAMP_NS        (60 * NS_PER_S)
#define RAMP_PPB       1000

/* ---- a peer that lies: real messages, with other times in them ---- */

/* By how much, from now on.  A suite's functions know nothing but their link, so it is
 * one word for all liars; it changes only while all parts of the world stand still. */
static int64_t lie_ns;
static const struct suite *honest;

static int seal_lie(void *datagram, struct bytes plain, uint8_t *out, size_t size,
                    size_t *len)
{
    uint8_t body[PROBE_LEN];
    struct probe p;

    if (lie_ns == 0 || probe_decode(plain, &p) != 0 || p.kind != PROBE_REPLY)
        return honest->datagram_seal(datagram, plain, out, size, len);
    p.t2_ns += lie_ns;
    p.t3_ns += lie_ns;
    probe_encode(&p, body);
    return honest->datagram_seal(datagram, bytes_of(body, sizeof(body)), out, size, len);
}

static int liar_of(const struct sync *y)
{
    enum sync_abuse abuse = y->lab.setup->abuse;

    if (abuse == ABUSE_LIAR_PEER || abuse == ABUSE_LIAR_HEIR)
        return (int)y->lab.setup->nodes - 1;
    return abuse == ABUSE_LIAR_HOST ? 0 : -1;
}

static void set_up(void *context, int node, struct node_setup *setup,
                   const struct node_params **params)
{
    struct sync *y = context;

    (void)setup;
    if (node == liar_of(y))
        *params = &y->lying;
}

static void prepare_liar(struct sync *y)
{
    static struct suite suite;

    lie_ns = 0;
    honest = y->lab.world.p.node.suite;
    suite = *honest;
    suite.datagram_seal = seal_lie;
    y->lying = y->lab.world.p.node;
    y->lying.suite = &suite;
    y->lab.world.hooks.set_up = set_up;
}

/* ---- before ---- */

void abuse_prepare(struct sync *y, int64_t begin_ns)
{
    static const int64_t lengths[] = {
        [ABUSE_STEP] = STEP_APART_NS,    [ABUSE_SUSPEND] = SLEEP_NS,
        [ABUSE_SUSPEND_HOST] = SLEEP_NS, [ABUSE_JAM] = JAM_NS,
        [ABUSE_JAM_LONG] = JAM_LONG_NS,  [ABUSE_CRASH] = 0,
    };
    enum sync_abuse abuse = y->lab.setup->abuse;

    y->begin_ns = abuse == ABUSE_NONE ? TIME_NEVER : begin_ns;
    y->end_ns = abuse == ABUSE_NONE ? TIME_NEVER : begin_ns + lengths[abuse];
    if (liar_of(y) >= 0)
        prepare_liar(y);
}

/* ---- when it begins, and when it ends ---- */

static void set_asleep(struct sync *y, int node, bool is_asleep)
{
    struct world *w = &y->lab.world;

    y->nodes[node].is_asleep = is_asleep;
    if (is_asleep) {
        world_pause(w, node);
        clock_model_stop(world_clock(w, node), w->now_ns);
        sound_sleep(&y->nodes[node].sound);
        net_cut_host(&w->net, node, w->now_ns, w->now_ns + SLEEP_NS);
    } else {
        world_wake_up(w, node, SLEEP_ERROR_NS);
    }
}

static void jam(struct sync *y, int from)
{
    struct net_jam j = {
        .from_groups = UINT64_C(1) << from,
        .to_groups = ~UINT64_C(0),
        .begin_ns = y->begin_ns,
        .end_ns = y->end_ns,
        .least_ns = JAM_LEAST_NS,
        .most_ns = JAM_MOST_NS,
    };

    (void)net_jam_groups(&y->lab.world.net, &j);
}

static void begin(struct sync *y)
{
    struct world *w = &y->lab.world;
    int host = sync_host(y);
    int last = (int)y->lab.setup->nodes - 1;
    char name[16];

    if (host < 0)
        return;
    pairs_mark(&y->pairs);
    y->marked_ns = w->now_ns;
    switch (y->lab.setup->abuse) {
    case ABUSE_NONE:
        break;
    case ABUSE_STEP:
        world_step_utc(w, host, STEP_NS);
        break;
    case ABUSE_LIAR_SERVER:
        w->p.ntp_error_ns[SYNC_LIAR] = SERVER_LIE_NS;
        break;
    case ABUSE_LIAR_HEIR:
        (void)snprintf(name, sizeof(name), "node%d", last);
        lab_command(&y->lab, host, "handover", name);
        y->victim = last;
        lie_ns = PEER_LIE_NS;
        break;
    case ABUSE_LIAR_PEER:
        y->victim = last;
        lie_ns = PEER_LIE_NS;
        break;
    case ABUSE_LIAR_HOST:
        y->victim = host;
        lie_ns = PEER_LIE_NS;
        break;
    case ABUSE_SUSPEND:
        y->victim = host == last ? last - 1 : last;
        set_asleep(y, y->victim, true);
        break;
    case ABUSE_SUSPEND_HOST:
        y->victim = host;
        set_asleep(y, host, true);
        break;
    case ABUSE_JAM:
    case ABUSE_JAM_LONG:
        jam(y, host);
        break;
    case ABUSE_RAMP:
        y->victim = host == last ? last - 1 : last;
        clock_model_ramp(world_clock(w, y->victim), w->now_ns, w->now_ns + RAMP_NS,
                         RAMP_PPB);
        clock_model_ramp(&y->nodes[y->victim].sound.card, w->now_ns, w->now_ns + RAMP_NS,
                         RAMP_PPB);
        break;
    case ABUSE_CRASH:
        y->victim = host;
        world_crash(w, host, true);
        break;
    }
    if (y->victim >= 0)
        y->nodes[y->victim].is_out = true;
    y->begin_ns = TIME_NEVER;
}

static void end(struct sync *y)
{
    if (y->lab.setup->abuse == ABUSE_STEP)
        world_step_utc(&y->lab.world, sync_host(y), -2 * STEP_NS);
    if (y->victim >= 0 && y->nodes[y->victim].is_asleep)
        set_asleep(y, y->victim, false);
    y->end_ns = TIME_NEVER;
}

/* The lying server is counted with, by somebody whose filter follows the lie. */
static bool is_believed(struct sync *y)
{
    struct world *w = &y->lab.world;

    for (int i = 0; i < y->lab.setup->nodes; i++) {
        const struct utc *u;
        struct clock_line line;
        int64_t raw_ns;
        int64_t off_ns;

        if (!world_is_up(w, i) || y->nodes[i].is_asleep)
            continue;
        u = node_utc(w->nodes[i].node);
        raw_ns = world_raw_ns(w, i);
        if (u->count <= SYNC_LIAR || (u->chosen >> SYNC_LIAR & 1) == 0)
            continue;
        clock_filter_line(&u->sources[SYNC_LIAR].filter, &line);
        if (!line.is_valid)
            continue;
        off_ns = clock_line_to_remote(&line, raw_ns) - (CLOCK_MODEL_UTC_NS + w->now_ns);
        if (off_ns > SERVER_LIE_NS / 2)
            return true;
    }
    return false;
}

void abuse_tick(struct sync *y)
{
    int64_t now_ns = y->lab.world.now_ns;

    if (now_ns >= y->begin_ns)
        begin(y);
    if (now_ns >= y->end_ns)
        end(y);
    if (y->lab.setup->abuse == ABUSE_LIAR_SERVER && is_believed(y))
        y->believed_ns += y->lab.setup->wake_ns;
}

void abuse_results(struct sync *y, struct results *r)
{
    int64_t begin_ns = y->lab.setup->abuse == ABUSE_NONE ? 0 : y->marked_ns;

    results_add(r, "moved", "us", (double)y->pairs.moved_ns / 1e3);
    results_add(r, "step", "us", (double)y->pairs.step_ns / 1e3);
    results_add(r, "believed", "s", (double)y->believed_ns / 1e9);
    results_add(r, "back", "s",
                y->back_ns > begin_ns ? (double)(y->back_ns - begin_ns) / 1e9 : 0);
}
