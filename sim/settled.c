/* SPDX-License-Identifier: MIT */
#include "sim/settled.h"

#include <assert.h>

#include "base/time.h"
#include "node/adopt.h"
#include "sim/memory.h"
#include "sim/part.h"
#include "sim/random.h"

#define LOAN      (UINT32_C(1) << 24) /* references to a record, before they are counted */
#define SEEN_BITS 1024

/* A cycle through all nodes: who is before and behind each. */
struct cycle {
    uint32_t *next;
    uint32_t *last;
};

/* A node's record in the table of a part, with what views need of it: the records of a
 * million nodes are in no cache. */
struct fellow {
    uint32_t contact;
    uint16_t tag;
    uint16_t granted; /* references that views hold */
};

struct plan_of_links {
    struct world *w;
    struct settled_params p;
    struct cycle cycles[SETTLED_CYCLES_MAX];
    struct fellow *fellows[WORLD_PARTS_MAX]; /* of every node, by part */
};

static uint64_t draw(const struct world *w, uint64_t what, uint64_t which)
{
    return random_word(w->p.seed, RANDOM_OVERLAY, what, which);
}

static void make_cycle(const struct world *w, int c, struct cycle *cycle)
{
    uint32_t count = (uint32_t)w->p.node_count;
    uint32_t *order = memory_new(count, sizeof(*order));

    cycle->next = memory_new(count, sizeof(*cycle->next));
    cycle->last = memory_new(count, sizeof(*cycle->last));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t k = (uint32_t)random_below(draw(w, (uint64_t)c, i), i + 1);

        order[i] = order[k];
        order[k] = i;
    }
    for (uint32_t i = 0; i < count; i++) {
        cycle->next[order[i]] = order[(i + 1) % count];
        cycle->last[order[(i + 1) % count]] = order[i];
    }
    free(order);
}

/* Two nodes that are beside each other in an earlier cycle have their link already. */
static bool is_linked(const struct plan_of_links *plan, int cycles, uint32_t a,
                      uint32_t b)
{
    for (int c = 0; c < cycles; c++) {
        if (plan->cycles[c].next[a] == b || plan->cycles[c].last[a] == b)
            return true;
    }
    return a == b;
}

static void fill_seed(uint8_t seed[static SECURE_SEED_LEN], uint64_t word)
{
    for (uint64_t i = 0; i < SECURE_SEED_LEN / 8; i++)
        store_be64(seed + 8 * i, random_word(word, RANDOM_OVERLAY, i, 0));
}

/* One end of the link from a node to the next in a cycle.  In cycle c it is named 2c + 2
 * by the first, who dialled, and 2c + 1 by the other. */
static bool adopt(const struct plan_of_links *plan, int c, uint32_t self, uint32_t peer,
                  bool is_dialled)
{
    struct world *w = plan->w;
    struct world_part *p = part_of(w, (int)self);
    struct node_adoption a = { .link = (uint32_t)(is_dialled ? 2 * c + 2 : 2 * c + 1),
                               .is_dialled = is_dialled,
                               .remote = world_addr(w, (int)peer),
                               .listen = world_addr(w, (int)peer),
                               .observed = world_addr(w, (int)self) };
    struct link_end end = { a.link, peer, (uint32_t)(4 * c + 3) - a.link };
    uint64_t word = draw(w, 100 + (uint64_t)c, is_dialled ? self : peer);

    world_identity_seed(w, (int)peer, a.peer_seed);
    for (uint64_t i = 0; i < 2; i++)
        fill_seed(a.entropy[i], word + i);
    if (!node_adopt(w->nodes[self].node, &a, p->now_ns, p->out))
        return false;
    links_adopted(p, (int)self, &end);
    return true;
}

static bool link_node(const struct plan_of_links *plan, uint32_t node)
{
    bool is_good = true;

    for (int c = 0; c < plan->p.cycles; c++) {
        const struct cycle *cycle = &plan->cycles[c];
        uint32_t next;
        uint32_t last;

        assert(cycle->next != NULL && cycle->last != NULL);
        next = cycle->next[node];
        last = cycle->last[node];
        if (!is_linked(plan, c, node, next))
            is_good = adopt(plan, c, node, next, true) && is_good;
        if (!is_linked(plan, c, node, last))
            is_good = adopt(plan, c, node, last, false) && is_good;
    }
    return is_good;
}

/* Was this one drawn before?  Nearly always a bit says no. */
static bool is_again(const uint32_t *others, int count, uint64_t *seen, uint32_t other)
{
    uint32_t bit = other * UINT32_C(0x9e3779b1) / (UINT32_MAX / SEEN_BITS + 1);
    bool may_be = (seen[bit / 64] >> bit % 64 & 1) != 0;

    seen[bit / 64] |= UINT64_C(1) << bit % 64;
    for (int i = 0; may_be && i < count; i++) {
        if (others[i] == other)
            return true;
    }
    return false;
}

static void acquaint(const struct plan_of_links *plan, uint32_t node)
{
    struct world *w = plan->w;
    struct fellow *fellows = plan->fellows[part_of(w, (int)node)->index];
    uint64_t seen[SEEN_BITS / 64] = { 0 };
    uint32_t others[SETTLED_PASSIVE_MAX];
    uint32_t contacts[SETTLED_PASSIVE_MAX];
    uint16_t tags[SETTLED_PASSIVE_MAX];
    int count = 0;
    int taken;

    for (int i = 0; i < plan->p.passive; i++) {
        uint64_t word = draw(w, 1000 + (uint64_t)i, node);
        uint32_t other = (uint32_t)random_below(word, w->p.node_count);

        if (is_again(others, count, seen, other) ||
            is_linked(plan, plan->p.cycles, node, other))
            continue;
        __builtin_prefetch(&fellows[other], 1);
        others[count++] = other;
    }
    for (int i = 0; i < count; i++) {
        contacts[i] = fellows[others[i]].contact;
        tags[i] = fellows[others[i]].tag;
    }
    taken = node_acquaint(w->nodes[node].node, contacts, tags, count);
    for (int i = 0; i < taken && i < count; i++) {
        assert(fellows[others[i]].granted < UINT16_MAX);
        fellows[others[i]].granted++;
    }
}

/* The record of every node, in the tables of all parts of this process. */
static void make_fellows(struct plan_of_links *plan)
{
    struct world *w = plan->w;
    uint8_t seed[SECURE_SEED_LEN];
    struct identity self;

    for (int i = 0; i < w->part_count; i++) {
        if (w->parts[i].out != NULL)
            plan->fellows[i] = memory_new((size_t)w->p.node_count,
                                          sizeof(*plan->fellows[i]));
    }
    for (int i = 0; i < w->p.node_count; i++) {
        struct peer_rec rec = { .addr = world_addr(w, i) };

        world_identity_seed(w, i, seed);
        w->p.node.suite->identity(&self, seed);
        rec.id = self.id;
        for (int k = 0; k < w->part_count; k++) {
            struct fellow *f = plan->fellows[k];

            if (f == NULL)
                continue;
            f[i].contact = contacts_add(&w->parts[k].contacts, &rec);
            f[i].tag = contact_tag(&rec.id);
            contacts_keep(&w->parts[k].contacts, f[i].contact, LOAN);
        }
    }
}

/* What the views hold is known now: the rest of the loan goes back. */
static void drop_fellows(struct plan_of_links *plan)
{
    struct world *w = plan->w;

    for (int k = 0; k < w->part_count; k++) {
        struct fellow *f = plan->fellows[k];

        for (int i = 0; f != NULL && i < w->p.node_count; i++)
            contacts_release(&w->parts[k].contacts, f[i].contact,
                             LOAN + 1 - f[i].granted);
        free(f);
    }
}

static bool start_all(const struct plan_of_links *plan)
{
    struct world *w = plan->w;
    bool is_good = true;

    for (int i = 0; i < w->p.node_count; i++) {
        if (!world_is_local(w, i))
            continue;
        world_create(w, i);
        is_good = link_node(plan, (uint32_t)i) && is_good;
        acquaint(plan, (uint32_t)i);
        world_begin(w, i);
    }
    return is_good;
}

bool settled_start(struct world *w, const struct settled_params *p)
{
    struct plan_of_links plan = { .w = w, .p = *p };
    bool is_good;

    assert(p->cycles > 0 && p->cycles <= SETTLED_CYCLES_MAX && w->now_ns == 0 &&
           p->passive <= SETTLED_PASSIVE_MAX);
    for (int c = 0; c < p->cycles; c++)
        make_cycle(w, c, &plan.cycles[c]);
    make_fellows(&plan);
    is_good = start_all(&plan);
    for (int c = 0; c < p->cycles; c++) {
        free(plan.cycles[c].next);
        free(plan.cycles[c].last);
    }
    drop_fellows(&plan);
    return is_good;
}
