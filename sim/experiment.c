/* SPDX-License-Identifier: MIT */
#include "sim/experiment.h"

#include <assert.h>
#include <string.h>

#include "base/time.h"
#include "sim/memory.h"
#include "sim/order.h"
#include "sim/plan.h"
#include "sim/random.h"

#define GRID_NS         (100 * NS_PER_MS)
#define START_SPREAD_NS (3 * NS_PER_S)
#define CONTACTS        3
#define WANTED          3
#define DEADLINE_MS     10000
#define READY_MS        15000
#define TTL             8
#define HOST_LIMIT_NS   (10 * NS_PER_S)
#define ACTION_GAP_NS   (4 * NS_PER_S)
#define SLACK_NS        (10 * NS_PER_S)

/* Tokens of the ticks: what, and in the low half who. */
enum tick {
    TICK_START,
    TICK_HOST,
    TICK_ACCEPT,
    TICK_GRID,
    TICK_ACTION,
    TICK_LEAVE, /* a guest */
    TICK_CRASH,
    TICK_REACH,
    TICK_STARTED, /* by now it plays */
    TICK_AGREE,
    TICK_END
};

static void tick_at(struct experiment *e, int64_t at_ns, enum tick what, int node)
{
    world_tick_at(&e->world, at_ns, (uint64_t)what << 32 | (uint64_t)node);
}

static uint64_t draw(const struct experiment *e, uint64_t a, uint64_t b)
{
    return random_word(e->options.seed, RANDOM_WORKLOAD, a, b);
}

static const struct party *party_of(const struct experiment *e, int node)
{
    return node_party(e->world.nodes[node].node);
}

/* ---- commands ---- */

static void send(struct experiment *e, int node, const struct order *o, int64_t limit_ns)
{
    struct pending *p;
    uint64_t id = world_next_command(&e->world, node);

    assert(e->pending_count < EXPERIMENT_PENDING_MAX);
    p = &e->pending[e->pending_count++];
    *p = (struct pending){ node, id, e->world.now_ns + limit_ns };
    (void)world_command(&e->world, node, order_request(o));
}

static void command(struct experiment *e, int node, const char *verb)
{
    struct order o;

    order_say(&o, verb, NULL);
    send(e, node, &o, 0);
}

static void command_host(struct experiment *e)
{
    struct order o;
    int songs = e->world.library.count;

    order_call(&o, &(struct order_host){ .name = "The simulated party",
                                         .songs = songs,
                                         .library = songs,
                                         .wanted = WANTED,
                                         .call_ms = DEADLINE_MS,
                                         .ready_ms = READY_MS,
                                         .ttl = TTL });
    send(e, e->plan.host, &o, HOST_LIMIT_NS);
}

static void command_accept(struct experiment *e, int node)
{
    struct order o;

    order_say(&o, "accept", "");
    send(e, node, &o, 0);
}

/* Silence behind the last song ends a party; here somebody always wants more. */
static bool is_over(struct experiment *e)
{
    int64_t raw_ns = world_raw_ns(&e->world, e->plan.host);
    const struct clock_line *line = &world_player(&e->world, e->plan.host)->line;
    struct party_time now = { clock_line_to_remote(line, raw_ns) };

    return timeline_at(&party_of(e, e->plan.host)->timeline, now).is_over;
}

static void command_action(struct experiment *e)
{
    static const char *const verbs[] = { "skip", "pause", "resume", "resume" };
    int kind = (int)random_below(draw(e, 1, (uint64_t)e->commands), 6);
    uint64_t word = draw(e, 2, (uint64_t)e->commands);
    struct order o;

    e->commands++;
    if (is_over(e))
        kind = 5;
    if (kind < 4) {
        command(e, e->plan.host, verbs[kind]);
        return;
    }
    if (kind == 4) {
        order_begin(&o, "seek", 2);
        cbor_write_int(&o.w, random_between(word, -15000, 15000));
        cbor_write_bool(&o.w, true);
    } else {
        order_begin(&o, "play", 1);
        cbor_write_uint(&o.w, (uint64_t)random_between(word, 1, e->world.library.count));
    }
    send(e, e->plan.host, &o, 0);
}

static void replied(void *context, int node, uint64_t id, int err, struct bytes body)
{
    struct experiment *e = context;

    (void)body;
    for (int i = 0; i < e->pending_count; i++) {
        if (e->pending[i].node != node || e->pending[i].id != id)
            continue;
        e->pending[i] = e->pending[--e->pending_count];
        e->commands_done += node == e->plan.host && err == 0;
        if (err != 0 && err != ERR_STATE && err != ERR_NOT_FOUND)
            check_fail(&e->check, node, err_text(err));
        if (err != 0 && e->guests[node].is_expected &&
            e->world.now_ns == e->guests[node].accepted_ns) {
            e->guests[node].is_expected = false; /* the invite was gone */
            e->accepts--;
        }
        return;
    }
    check_fail(&e->check, node, "a reply to no command");
}

static void check_pending(struct experiment *e)
{
    for (int i = 0; i < e->pending_count; i++) {
        if (e->world.now_ns > e->pending[i].limit_ns)
            check_fail(&e->check, e->pending[i].node,
                       "a command was not answered in time");
    }
}

/* ---- after every step ---- */

static bool has_open_invite(const struct invites *t)
{
    for (int i = 0; i < t->count; i++) {
        if (t->list[i].state != INVITE_ACCEPTED)
            return true;
    }
    return false;
}

static void consider(struct experiment *e, int node)
{
    struct guest *g = &e->guests[node];
    const struct party *p = party_of(e, node);
    int64_t delay_ns;

    if (!g->is_wanted || g->is_accepting || g->is_expected ||
        e->world.now_ns < g->from_ns || e->world.now_ns >= e->plan.quiet_ns ||
        !has_open_invite(node_invites(e->world.nodes[node].node)) ||
        (p->role != PARTY_ROLE_NONE && p->phase != PARTY_ENDED))
        return;
    g->is_accepting = true;
    delay_ns = random_between(draw(e, 3, (uint64_t)node), 200 * NS_PER_MS, 2 * NS_PER_S);
    tick_at(e, e->world.now_ns + delay_ns, TICK_ACCEPT, node);
}

static void note_start(struct experiment *e)
{
    const struct party *p = party_of(e, e->plan.host);

    if (e->started_ns != TIME_NEVER || timeline_last(&p->timeline) == NULL)
        return;
    e->started_ns = e->world.now_ns;
    tick_at(e, e->world.now_ns + ACTION_GAP_NS, TICK_ACTION, 0);
}

static void stepped(void *context, int node, const struct event *event)
{
    struct experiment *e = context;

    (void)event;
    check_step(&e->check, node);
    consider(e, node);
    if (node == e->plan.host)
        note_start(e);
}

static void failed(void *context, int node, const char *what)
{
    struct experiment *e = context;

    check_fail(&e->check, node, what);
}

/* ---- the course of events ---- */

static void accept(struct experiment *e, int node)
{
    struct guest *g = &e->guests[node];

    g->is_accepting = false;
    if (!world_is_up(&e->world, node) ||
        !has_open_invite(node_invites(e->world.nodes[node].node)))
        return;
    g->is_expected = true;
    g->accepted_ns = e->world.now_ns;
    e->accepts++;
    command_accept(e, node);
}

static void act(struct experiment *e)
{
    int64_t gap_ns;

    if (e->world.now_ns >= e->plan.quiet_ns)
        return;
    command_action(e);
    gap_ns = random_between(draw(e, 4, (uint64_t)e->commands), NS_PER_S / 10,
                            2 * ACTION_GAP_NS);
    tick_at(e, e->world.now_ns + gap_ns, TICK_ACTION, 0);
}

static void guest_leaves(struct experiment *e, int node)
{
    struct guest *g = &e->guests[node];

    if (!g->is_expected)
        return;
    command(e, node, "leave");
    g->is_expected = false;
    g->from_ns = e->world.now_ns + 6 * NS_PER_S;
    tick_at(e, g->from_ns, TICK_ACCEPT, node);
}

static void crash(struct experiment *e)
{
    int node = e->plan.victim;

    world_crash(&e->world, node, (e->plan.faults & FAULT_DARK) != 0);
    e->guests[node].is_expected = false;
    e->guests[node].is_accepting = false;
    e->guests[node].is_wanted = (e->plan.faults & FAULT_RESTART) != 0;
    if (e->guests[node].is_wanted)
        tick_at(e, e->world.now_ns + 5 * NS_PER_S, TICK_START, node);
}

static void grid(struct experiment *e)
{
    const struct party *p;

    check_sound(&e->check, e->plan.host);
    check_pending(e);
    p = party_of(e, e->plan.host);
    if (p->role == PARTY_ROLE_HOST && p->member_count > e->members_max)
        e->members_max = p->member_count;
    tick_at(e, e->world.now_ns + GRID_NS, TICK_GRID, 0);
}

static void count_reach(struct experiment *e)
{
    const struct party *hp = party_of(e, e->plan.host);

    for (int i = 0; i < e->options.nodes; i++) {
        const struct invites *t;

        if (!world_is_up(&e->world, i))
            continue;
        t = node_invites(e->world.nodes[i].node);
        for (int k = 0; k < t->count; k++)
            e->call_reach += party_id_equal(&t->list[k].party, &hp->log.party);
    }
}

/* Who accepted at the last moment may still be on the way. */
static void agree(struct experiment *e)
{
    bool *is_expected = memory_new((size_t)e->options.nodes, sizeof(*is_expected));

    for (int i = 0; i < e->options.nodes; i++)
        is_expected[i] = e->guests[i].is_expected &&
                         e->world.now_ns - e->guests[i].accepted_ns >= SLACK_NS;
    check_agreement(&e->check, e->plan.host, is_expected);
    free(is_expected);
}

static void finish_guests(struct experiment *e)
{
    for (int i = 0; i < e->options.nodes; i++) {
        const struct party *p;

        if (!world_is_up(&e->world, i))
            continue;
        p = party_of(e, i);
        if (p->role != PARTY_ROLE_NONE && p->phase != PARTY_ENDED &&
            e->guests[i].is_expected)
            check_fail(&e->check, i, "the host has ended the party; here it goes on");
    }
}

static void ticked(void *context, uint64_t token)
{
    struct experiment *e = context;
    int node = (int)(token & UINT32_MAX);

    switch ((enum tick)(token >> 32)) {
    case TICK_START:
        world_start(&e->world, node);
        break;
    case TICK_HOST:
        command_host(e);
        break;
    case TICK_ACCEPT:
        accept(e, node);
        break;
    case TICK_GRID:
        grid(e);
        break;
    case TICK_ACTION:
        act(e);
        break;
    case TICK_LEAVE:
        guest_leaves(e, node);
        break;
    case TICK_CRASH:
        crash(e);
        break;
    case TICK_REACH:
        count_reach(e);
        break;
    case TICK_STARTED:
        if (e->started_ns == TIME_NEVER && e->accepts > 0)
            check_fail(&e->check, e->plan.host, "the music did not start in time");
        break;
    case TICK_AGREE:
        agree(e);
        break;
    case TICK_END:
        command(e, e->plan.host, "end");
        break;
    }
}

/* ---- from begin to end ---- */

static void make_songs(struct experiment *e)
{
    const struct experiment_options *o = &e->options;

    for (int i = 0; i < POOL_SLOTS; i++) {
        uint64_t word = random_word(o->seed, RANDOM_SONG, ~(uint64_t)0, (uint64_t)i);
        int64_t kib = o->song_kib > 0 ? o->song_kib : random_between(word, 100, 500);
        uint32_t rate = i % 2 == 0 ? 44100 : 48000;
        int64_t frames = random_between(word * 3, 12 * rate, 40 * rate);

        (void)store_make_song(&e->world.library, o->seed,
                              (uint64_t)kib * 1024 - word % 1000, (uint64_t)frames, rate);
    }
}

/* Those who will accept: evenly drawn, but for the parts of the plan. */
static void choose_guests(struct experiment *e)
{
    const struct plan *p = &e->plan;
    int others = e->options.nodes - 1;

    for (int i = 0; i < e->options.nodes; i++) {
        struct guest *g = &e->guests[i];

        g->is_wanted = i != p->host && random_below(draw(e, 5, (uint64_t)i), others) <
                                           (p->guests * 3 + 3) / 4;
        if (e->options.nodes <= 6)
            g->is_wanted = i != p->host;
        if (i == p->late || i == p->leaver || i == p->victim || i == p->dead_disk ||
            i == p->cut || i == p->rot)
            g->is_wanted = true;
    }
    if (p->late >= 0)
        e->guests[p->late].from_ns = p->host_ns + 32 * NS_PER_S;
}

static void start_nodes(struct experiment *e)
{
    for (int i = 0; i < e->options.nodes; i++) {
        struct clock_model_params clock;
        int64_t at_ns = i * 50 * NS_PER_MS;

        if (i >= CONTACTS)
            at_ns = NS_PER_S / 5 + random_below(draw(e, 6, (uint64_t)i),
                                                START_SPREAD_NS + e->plan.host_ns / 3);
        plan_clock(&e->plan, &e->options, i, &clock);
        world_set_clock(&e->world, i, &clock);
        tick_at(e, at_ns, TICK_START, i);
    }
}

static void schedule(struct experiment *e)
{
    const struct plan *p = &e->plan;
    int64_t limit_ns = p->host_ns + (DEADLINE_MS + READY_MS) * NS_PER_MS + SLACK_NS;

    tick_at(e, p->host_ns, TICK_HOST, p->host);
    tick_at(e, p->host_ns + GRID_NS, TICK_GRID, 0);
    tick_at(e, p->host_ns + 4 * NS_PER_S, TICK_REACH, 0);
    tick_at(e, limit_ns, TICK_STARTED, 0);
    tick_at(e, p->agree_ns, TICK_AGREE, 0);
    tick_at(e, p->leave_ns, TICK_END, 0);
    if (p->leaver >= 0)
        tick_at(e, p->host_ns + 28 * NS_PER_S, TICK_LEAVE, p->leaver);
    if (p->victim >= 0)
        tick_at(e, p->host_ns + random_between(draw(e, 7, 0), 2, 30) * NS_PER_S,
                TICK_CRASH, p->victim);
    if (p->cut >= 0) {
        int64_t cut_ns = p->host_ns + random_between(draw(e, 8, 0), 1, 25) * NS_PER_S;

        net_cut_host(&e->world.net, p->cut, cut_ns,
                     cut_ns + random_between(draw(e, 8, 1), 1, 20) * NS_PER_S);
    }
    if (p->rot >= 0)
        world_set_disk(&e->world, p->rot, &(struct world_disk){ .rot_ppm = 100000 });
    if (p->dead_disk >= 0)
        world_set_disk(&e->world, p->dead_disk, &(struct world_disk){ .is_dead = true });
}

int experiment_run(struct experiment *e, const struct experiment_options *options)
{
    struct world_params params;
    struct world_hooks hooks = { .context = e,
                                 .stepped = stepped,
                                 .replied = replied,
                                 .ticked = ticked,
                                 .failed = failed };
    int joins = options->nodes < CONTACTS ? options->nodes : CONTACTS;

    *e = (struct experiment){ .options = *options, .started_ns = TIME_NEVER };
    plan_make(&e->plan, options);
    plan_world(&e->plan, options, &params);
    for (int i = 0; i < joins; i++)
        params.setup.joins[params.setup.join_count++] = net_addr(i);
    world_init(&e->world, &params, &hooks);
    check_init(&e->check, &e->world);
    e->guests = memory_new((size_t)options->nodes, sizeof(*e->guests));
    make_songs(e);
    choose_guests(e);
    start_nodes(e);
    schedule(e);
    world_run(&e->world, e->plan.end_ns);
    if (!e->check.has_failed) {
        finish_guests(e);
        check_floods(&e->check, e->plan.host);
    }
    return e->check.has_failed;
}

void experiment_finish(struct experiment *e)
{
    check_finish(&e->check);
    world_finish(&e->world);
    free(e->guests);
}
