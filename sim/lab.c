/* SPDX-License-Identifier: MIT */
#include "sim/lab.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"
#include "sim/memory.h"
#include "sim/order.h"
#include "sim/random.h"

#define PPM 1000000

/* So that nodes do not lose UTC in a long experiment. */
#define CLOCK_PERIOD_NS (300 * NS_PER_S)

bool lab_is_hostile(const struct lab *lab, int node)
{
    uint64_t word = random_word(lab->seed, RANDOM_WORKLOAD, (uint64_t)node, 2);

    return node >= lab->setup->contacts && random_below(word, PPM) < lab->hostile_ppm;
}

static void set_up(void *context, int node, struct node_setup *setup,
                   const struct node_params **params)
{
    struct lab *lab = context;

    (void)setup;
    if (lab->hostile != NULL && lab_is_hostile(lab, node))
        *params = lab->hostile;
}

/* Who is joined through is there for everybody: the first machines that no NAT hides. */
static void choose_contacts(const struct setup *s, uint64_t seed, struct world_params *p)
{
    const struct net net = { .p = s->net, .seed = seed, .host_count = (int)s->nodes };

    for (int i = 0; i < s->nodes && p->setup.join_count < s->contacts; i++) {
        if (net_nat_of(&net, i) == NET_NAT_NONE)
            p->setup.joins[p->setup.join_count++] = net_addr_of(&p->net, i);
    }
}

void lab_make(struct lab *lab, const struct setup *s, uint64_t seed)
{
    struct world_params p = {
        .seed = seed,
        .node_count = (int)s->nodes,
        .threads = (int)s->threads,
        .net = s->net,
        .node = s->node,
        .hash = s->has_full_hash ? WORLD_HASH_ALL : WORLD_HASH_TIMES,
        .ntp_count = (int)s->servers,
        .clock_period_ns = CLOCK_PERIOD_NS,
    };
    struct world_hooks hooks = { .context = lab, .set_up = set_up };

    *lab = (struct lab){ .setup = s, .seed = seed };
    p.node.suite = setup_suite(s);
    node_params_spread(&p.node);
    choose_contacts(s, seed, &p);
    world_init(&lab->world, &p, &hooks);
    lab->scratch = memory_new((size_t)s->nodes, sizeof(*lab->scratch));
}

static void start_all(struct lab *lab)
{
    const struct setup *s = lab->setup;

    for (int i = 0; i < s->nodes; i++)
        world_start_at(&lab->world, i, mul_div(s->start_ns, i, s->nodes));
    world_run(&lab->world, s->start_ns + s->settle_ns);
}

void lab_begin(struct lab *lab, const struct setup *s, uint64_t seed)
{
    lab_make(lab, s, seed);
    start_all(lab);
}

void lab_begin_mixed(struct lab *lab, const struct setup *s, uint64_t seed,
                     int64_t hostile_ppm, void (*worsen)(struct node_params *p))
{
    lab_make(lab, s, seed);
    lab->hostile = memory_new(1, sizeof(*lab->hostile));
    *lab->hostile = lab->world.p.node;
    worsen(lab->hostile);
    lab->hostile_ppm = hostile_ppm;
    start_all(lab);
}

void lab_finish(struct lab *lab)
{
    world_finish(&lab->world);
    free(lab->hostile);
    free(lab->scratch);
}

void lab_run(struct lab *lab, int64_t for_ns)
{
    world_run(&lab->world, lab->world.now_ns + for_ns);
}

int64_t lab_draw(struct lab *lab, int64_t n)
{
    return random_below(random_word(lab->seed, RANDOM_WORKLOAD, lab->draws++, 1), n);
}

int lab_pick(struct lab *lab)
{
    int node;

    do {
        node = (int)lab_draw(lab, lab->setup->nodes);
    } while (!world_is_up(&lab->world, node));
    return node;
}

int lab_pick_honest(struct lab *lab)
{
    int node;

    do {
        node = lab_pick(lab);
    } while (lab_is_hostile(lab, node));
    return node;
}

static const struct node *node_of(const struct lab *lab, int i)
{
    return lab->world.nodes[i].node;
}

struct lab_floods lab_flood_counts(const struct lab *lab)
{
    struct lab_floods sum = { 0 };

    for (int i = 0; i < lab->setup->nodes; i++) {
        const struct flood_counts *c;

        if (!world_is_up(&lab->world, i))
            continue;
        c = flood_counts(node_floods(node_of(lab, i)));
        sum.admitted += c->admitted;
        sum.sent += c->sent;
        sum.duplicates += c->duplicates;
        sum.link_limited += c->link_limited;
        sum.origin_limited += c->origin_limited;
        sum.node_limited += c->node_limited;
        sum.expired += c->expired;
        sum.bad_hops += c->bad_hops;
    }
    return sum;
}

struct tree_counts lab_tree_counts(const struct lab *lab)
{
    struct tree_counts sum = { 0 };

    for (int i = 0; i < lab->setup->nodes; i++) {
        const struct tree_counts *c;

        if (!world_is_up(&lab->world, i) || node_tree(node_of(lab, i)) == NULL)
            continue;
        c = &node_tree(node_of(lab, i))->counts;
        sum.sent += c->sent;
        sum.announced += c->announced;
        sum.grafts += c->grafts;
        sum.prunes += c->prunes;
        sum.duplicates += c->duplicates;
        sum.rescued += c->rescued;
    }
    return sum;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Times of the scratch list to what they say. */
static void summarise(const struct lab *lab, struct lab_message *m)
{
    if (m->reached == 0)
        return;
    qsort(lab->scratch, (size_t)m->reached, sizeof(*lab->scratch), compare);
    m->p50_ns = lab->scratch[m->reached / 2];
    m->p99_ns = lab->scratch[(int64_t)m->reached * 99 / 100];
    m->last_ns = lab->scratch[m->reached - 1];
}

/* When each node had it, from what the nodes say: their clocks keep true time here. */
static void follow(struct lab *lab, const struct flood_id *id, int64_t sent_ns,
                   struct lab_message *m)
{
    for (int i = 0; i < lab->setup->nodes; i++) {
        const struct flood_newest *n;

        if (!world_is_up(&lab->world, i))
            continue;
        m->up++;
        n = flood_newest(node_floods(node_of(lab, i)));
        if (!flood_id_equal(&n->id, id))
            continue;
        lab->scratch[m->reached++] = n->at_ns - sent_ns;
        m->hops_max = n->hops > m->hops_max ? n->hops : m->hops_max;
    }
    summarise(lab, m);
}

bool lab_has_heard(const struct lab *lab, int node, const struct flood_id *id,
                   int64_t sent_ns, int64_t *in_ns)
{
    const struct flood_state *state = node_floods(node_of(lab, node))->state;
    int32_t row = state == NULL ? -1 : seen_find(&state->seen, id);

    if (row < 0)
        return false;
    *in_ns = NS_PER_MS * seen_ms_since(state->seen.rows[row].born_ms, seen_ms(sent_ns));
    return true;
}

void lab_look_for(const struct lab *lab, const struct flood_id *id, int64_t sent_ns,
                  struct lab_message *m)
{
    *m = (struct lab_message){ .up = 0 };
    for (int i = 0; i < lab->setup->nodes; i++) {
        if (!world_is_up(&lab->world, i) || lab_is_hostile(lab, i))
            continue;
        m->up++;
        m->reached += lab_has_heard(lab, i, id, sent_ns, &lab->scratch[m->reached]);
    }
    summarise(lab, m);
}

static int64_t sends(const struct lab *lab)
{
    return lab_flood_counts(lab).sent + lab_tree_counts(lab).sent;
}

bool lab_order(struct lab *lab, int from, int ttl, int bytes, struct flood_id *id)
{
    struct flood_id before = flood_newest(node_floods(node_of(lab, from)))->id;
    struct order o;

    order_begin(&o, "flood", 2);
    cbor_write_uint(&o.w, (uint64_t)ttl);
    cbor_write_uint(&o.w, (uint64_t)bytes);
    (void)world_command(&lab->world, from, order_request(&o));
    *id = flood_newest(node_floods(node_of(lab, from)))->id;
    return !flood_id_equal(id, &before);
}

void lab_send(struct lab *lab, int from, int ttl, int bytes, int64_t wait_ns,
              struct lab_message *m)
{
    int64_t before = sends(lab);
    int64_t sent_ns = lab->world.now_ns;
    struct flood_id id;
    bool is_sent = lab_order(lab, from, ttl, bytes, &id);

    lab_run(lab, wait_ns);
    *m = (struct lab_message){ .up = 0 };
    if (!is_sent)
        memset(&id, 0xff, sizeof(id)); /* nobody has it */
    follow(lab, &id, sent_ns, m);
    m->sends = sends(lab) - before;
}

void lab_command(struct lab *lab, int node, const char *verb, const char *argument)
{
    struct order o;

    order_say(&o, verb, argument);
    (void)world_command(&lab->world, node, order_request(&o));
}

void lab_call(struct lab *lab, int node, const char *name)
{
    struct order o;

    order_call(&o, &(struct order_host){ .name = name,
                                         .songs = 1,
                                         .library = 1,
                                         .wanted = (int)lab->setup->nodes - 1,
                                         .call_ms = 5000,
                                         .ready_ms = 2000,
                                         .ttl = 8 });
    (void)world_command(&lab->world, node, order_request(&o));
}

int lab_kill(struct lab *lab, int64_t ppm, bool is_silent)
{
    int count = (int)lab->setup->nodes;
    int left = 0;
    int64_t *order = lab->scratch;
    int dead = (int)mul_div(count, ppm, PPM);

    for (int i = 0; i < count; i++) {
        int k = (int)lab_draw(lab, i + 1);

        order[i] = order[k];
        order[k] = i;
    }
    for (int i = 0; i < dead; i++) {
        if (world_is_up(&lab->world, (int)order[i]))
            world_crash(&lab->world, (int)order[i], is_silent);
    }
    for (int i = 0; i < count; i++)
        left += world_is_up(&lab->world, i);
    return left;
}

int lab_neighbours(const struct lab *lab, int node, int list[OVERLAY_ACTIVE_MAX])
{
    const struct overlay *o = node_overlay(node_of(lab, node));
    int peers[OVERLAY_ACTIVE_MAX];
    int active = overlay_active(o, peers);
    int count = 0;

    for (int i = 0; i < active; i++) {
        const struct peer_rec *rec = overlay_rec(o, peers[i]);
        int host = net_host_of(&lab->world.net, &rec->addr);

        if (host >= 0)
            list[count++] = host;
    }
    return count;
}

static bool is_neighbour(const struct lab *lab, int of, int node)
{
    int list[OVERLAY_ACTIVE_MAX];
    int count = lab_neighbours(lab, of, list);

    for (int i = 0; i < count; i++) {
        if (list[i] == node)
            return true;
    }
    return false;
}

void lab_graph(const struct lab *lab, struct graph *g)
{
    const struct world *w = &lab->world;
    int list[OVERLAY_ACTIVE_MAX];

    graph_init(g, (int)lab->setup->nodes);
    for (int i = 0; i < g->count; i++) {
        if (world_is_up(w, i))
            graph_add_vertex(g, i);
    }
    for (int i = 0; i < g->count; i++) {
        int count = world_is_up(w, i) ? lab_neighbours(lab, i, list) : 0;

        for (int k = 0; k < count; k++) {
            if (list[k] > i && world_is_up(w, list[k]) && is_neighbour(lab, list[k], i))
                (void)graph_add_edge(g, i, list[k]);
        }
    }
}

double lab_degree_share(const struct lab *lab, int degree)
{
    int list[OVERLAY_ACTIVE_MAX];
    int up = 0;
    int good = 0;

    for (int i = 0; i < lab->setup->nodes; i++) {
        if (!world_is_up(&lab->world, i))
            continue;
        up++;
        good += lab_neighbours(lab, i, list) >= degree;
    }
    return up == 0 ? 0 : (double)good / up;
}

/* ---- branches ---- */

struct branch {
    pid_t pid;
    FILE *out;
};

static void start_branch(void (*run)(struct lab *, int, struct results *),
                         struct lab *lab, int number, struct branch *b)
{
    struct results r = { 0 };

    b->out = tmpfile();
    if (b->out == NULL) {
        perror("party-sim");
        exit(1);
    }
    (void)fflush(NULL);
    b->pid = fork();
    if (b->pid != 0)
        return;
    run(lab, number, &r);
    results_write(&r, b->out);
    (void)fflush(b->out);
    _exit(0);
}

static void end_branch(struct branch *b, struct results *r)
{
    int status = -1;

    if (b->pid > 0)
        (void)waitpid(b->pid, &status, 0);
    rewind(b->out);
    if (status != 0 || !results_read(r, b->out)) {
        (void)fprintf(stderr, "party-sim: a branch of the experiment died, status %d\n",
                      status);
        exit(1);
    }
    (void)fclose(b->out);
}

void lab_fork(void (*run)(struct lab *lab, int branch, struct results *r),
              struct lab *lab, int branches, struct results *r)
{
    const char *text = getenv("PARTY_SIM_BRANCHES");
    int width = text == NULL ? 1 : (int)strtol(text, NULL, 10);
    struct branch list[SETUP_LEVELS_MAX * 2];
    int started = 0;

    assert(branches <= COUNT(list));
    for (int done = 0; done < branches; done++) {
        for (; started < branches && started - done < (width < 1 ? 1 : width); started++)
            start_branch(run, lab, started, &list[started]);
        end_branch(&list[done], r);
    }
}
