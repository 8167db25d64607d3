/* Attackers on the overlay and on the memory of floods.
 *
 * eclipse: attackers take slots by force and fill the views of others with each other's
 * records.  repeat: they say again what was flooded before, and forge.  Off:
 * --set overlay.forced_max=6 …, flood.has_scores=no.  SPDX-License-Identifier: MIT */
#include "sim/lab_kinds.h"

#include <stdlib.h>

#include "base/time.h"
#include "sim/lab_enemy.h"
#include "sim/memory.h"

#define NEVER_NS   (86400 * NS_PER_S)
#define CYCLE_S    60 /* a shuffle period */
#define TRIES_MAX  50
#define SETTLES_NS (5 * NS_PER_S) /* all that a flood leads to is over */

/* ---- eclipse ---- */

/* Sockets without end, nothing passed on, and no word on others but the poison. */
static void make_eclipser(struct node_params *p)
{
    p->overlay.linger_ns = p->overlay.linger_new_ns = NEVER_NS;
    p->overlay.shuffle_active = 0;
    p->overlay.shuffle_passive = 0;
    p->flood.node_rate = (struct bucket_rate){ NEVER_NS, 1 };
    p->flood.has_push = false;
    p->flood.has_scores = false;
}

static struct peer_rec record_of(const struct lab *lab, int node)
{
    return (struct peer_rec){ .id = *node_self(lab->world.nodes[node].node),
                              .addr = net_addr_of(&lab->world.p.net, node) };
}

/* Sixteen records of accomplices, as a shuffle that walked to its end. */
static void poison(struct lab *lab, int from, int to, const int *enemies, int count)
{
    struct msg m = { .type = MSG_SHUFFLE };

    m.u.shuffle.origin = record_of(lab, from);
    while (m.u.shuffle.recs.count < MSG_RECS_MAX)
        m.u.shuffle.recs.list[m.u.shuffle.recs.count++] = record_of(
            lab, enemies[lab_draw(lab, count)]);
    (void)enemy_say(lab, from, to, &m);
}

/* In each shuffle period every attacker dials one node, asks it for a slot by force, and
 * shuffles with it and with all its neighbours. */
static void attack_for_a_cycle(struct lab *lab, const int *enemies, int count, int *aims)
{
    static const struct msg ask = { .type = MSG_NEIGHBOR,
                                    .u.neighbor.is_high_priority = true };
    int list[OVERLAY_ACTIVE_MAX];

    for (int s = 0; s < CYCLE_S; s++) {
        for (int i = s % CYCLE_S; i < count; i += CYCLE_S) {
            aims[i] = lab_pick_honest(lab);
            enemy_dial(lab, enemies[i], aims[i]);
        }
        lab_run(lab, NS_PER_S);
        for (int i = s % CYCLE_S; i < count; i += CYCLE_S) {
            int neighbours = lab_neighbours(lab, enemies[i], list);

            (void)enemy_say(lab, enemies[i], aims[i], &ask);
            poison(lab, enemies[i], aims[i], enemies, count);
            for (int k = 0; k < neighbours; k++)
                poison(lab, enemies[i], list[k], enemies, count);
        }
    }
}

static void look(const struct lab *lab, double *eclipsed, double *share)
{
    int list[OVERLAY_ACTIVE_MAX];
    int honest = 0;
    int lost = 0;
    int slots = 0;
    int taken = 0;

    for (int i = 0; i < lab->setup->nodes; i++) {
        int count;
        int bad = 0;

        if (lab_is_hostile(lab, i))
            continue;
        count = lab_neighbours(lab, i, list);
        for (int k = 0; k < count; k++)
            bad += lab_is_hostile(lab, list[k]);
        honest++;
        lost += bad == count;
        slots += count;
        taken += bad;
    }
    *eclipsed = 100.0 * lost / honest;
    *share = slots == 0 ? 0 : 100.0 * taken / slots;
}

static double reached_by(struct lab *lab, int messages)
{
    double sum = 0;

    for (int i = 0; i < messages; i++) {
        int64_t sent_ns = lab->world.now_ns;
        struct lab_message m;
        struct flood_id id;

        while (!lab_order(lab, lab_pick_honest(lab), (int)lab->setup->ttl,
                          (int)lab->setup->bytes, &id))
            continue;
        lab_run(lab, lab->setup->gap_ns);
        lab_look_for(lab, &id, sent_ns, &m);
        sum += 100.0 * m.reached / m.up;
    }
    return sum / messages;
}

static void run_eclipse(const struct setup *s, uint64_t seed, struct results *r)
{
    struct lab lab;
    double eclipsed;
    double share;
    int *enemies;
    int *aims;
    int count;

    lab_begin_mixed(&lab, s, seed, s->share_ppm, make_eclipser);
    count = enemy_list(&lab, &enemies);
    (void)enemy_list(&lab, &aims);
    for (int i = 0; i < s->rounds; i++) {
        attack_for_a_cycle(&lab, enemies, count, aims);
        if ((i + 1) % 10 != 0)
            continue;
        look(&lab, &eclipsed, &share);
        results_row(r, "share", i + 1, share);
        results_row(r, "eclipsed", i + 1, eclipsed);
    }
    look(&lab, &eclipsed, &share);
    results_add(r, "eclipsed", "%", eclipsed);
    results_add(r, "slots_taken", "%", share);
    results_add(r, "reached", "%", reached_by(&lab, (int)s->messages));
    free(enemies);
    free(aims);
    lab_finish(&lab);
}

static void eclipse_defaults(struct setup *s)
{
    s->share_ppm = 100000;
    s->rounds = 200;
    s->messages = 50;
    s->gap_ns = 2 * NS_PER_S;
}

static const struct lab_goal eclipse_goals[] = {
    { "eclipsed", LAB_MEAN, true, .05 },
    { "slots_taken", LAB_MEAN, true, 42 },
    { "reached", LAB_MEAN, false, 99.95 },
    { NULL, LAB_MEAN, false, 0 },
};

const struct lab_kind lab_eclipse = {
    .name = "eclipse",
    .about = "attackers take slots by force and fill the views with each other",
    .defaults = eclipse_defaults,
    .run = run_eclipse,
    .goals = eclipse_goals,
    .plot = "shuffle periods|honest nodes' slots, %|share eclipsed",
};

/* ---- repeat ---- */

struct tally {
    int64_t acted;
    int64_t sent;
};

/* What honest nodes have done so far. */
static struct tally tally_of(const struct lab *lab)
{
    struct tally t = { 0 };

    for (int i = 0; i < lab->setup->nodes; i++) {
        const struct flood_counts *c;

        if (lab_is_hostile(lab, i) || !world_is_up(&lab->world, i))
            continue;
        c = flood_counts(node_floods(lab->world.nodes[i].node));
        t.acted += c->admitted;
        t.sent += c->sent + c->pushed;
    }
    return t;
}

/* All attackers say the message to all their neighbours; what comes of it is added. */
static void inject(struct lab *lab, const int *enemies, int count, const struct msg *m,
                   struct tally *sum)
{
    struct tally before = tally_of(lab);
    struct tally after;

    for (int i = 0; i < count; i++)
        (void)enemy_say_all(lab, enemies[i], m);
    lab_run(lab, SETTLES_NS);
    after = tally_of(lab);
    sum->acted += after.acted - before.acted;
    sum->sent += after.sent - before.sent;
}

/* Flood messages, and say each again after a second, a minute … a day. */
static void repeat(struct lab *lab, const int *enemies, int count, struct results *r)
{
    static const int64_t waits_s[] = { 1, 10, 50, 65, 100, 160, 240, 600, 3600, 86400 };
    int messages = (int)lab->setup->messages;
    struct enemy_flood *floods = memory_new((size_t)messages, sizeof(*floods));
    struct tally first = { 0 };
    int64_t begin_ns;

    for (int i = 0; i < messages; i++) {
        enemy_make_flood(lab, (uint64_t)i, (int)lab->setup->ttl, (int)lab->setup->bytes,
                         &floods[i]);
        inject(lab, enemies, count, &floods[i].msg, &first);
    }
    results_add(r, "acted_once", "",
                (double)first.acted / messages / ((double)lab->setup->nodes - count));
    begin_ns = lab->world.now_ns;
    for (int k = 0; k < COUNT(waits_s); k++) {
        struct tally again = { 0 };
        int64_t at_ns = begin_ns + waits_s[k] * NS_PER_S;

        if (at_ns > lab->world.now_ns)
            lab_run(lab, at_ns - lab->world.now_ns);
        for (int i = 0; i < messages; i++)
            inject(lab, enemies, count, &floods[i].msg, &again);
        results_row(r, "acted_twice", (double)waits_s[k], (double)again.acted);
        first.acted = k == 0 ? again.acted : first.acted + again.acted;
        first.sent = k == 0 ? again.sent : first.sent + again.sent;
    }
    results_add(r, "acted_twice", "", (double)first.acted);
    results_add(r, "sent_twice", "", (double)first.sent);
    free(floods);
}

/* What cannot be: hops 0, more hops than the origin allows, the origin's own copy from
 * another one, a changed body, a changed signature. */
static void forge(struct lab *lab, int how, uint64_t origin, struct enemy_flood *f)
{
    struct msg_flood *m = &f->msg.u.flood;

    enemy_make_flood(lab, origin, (int)lab->setup->ttl, (int)lab->setup->bytes, f);
    if (how == 0)
        m->hops = (uint8_t)(lab->setup->ttl + 1);
    else if (how == 1)
        m->hops = 1;
    else if (how == 2)
        f->inner[m->inner.len - 1] ^= 1;
    else
        m->sig[lab_draw(lab, SIGNATURE_LEN)] ^= (uint8_t)(1 << lab_draw(lab, 8));
}

/* One attacker forges towards one neighbour until that one ends the link: how many it
 * took, TRIES_MAX when it never does. */
static int tries_until_cut(struct lab *lab, int enemy, int how)
{
    int list[OVERLAY_ACTIVE_MAX];
    int count = lab_neighbours(lab, enemy, list);
    int victim = count == 0 ? -1 : list[0];

    for (int i = 0; i < count && lab_is_hostile(lab, victim); i++)
        victim = list[i];
    if (victim < 0 || lab_is_hostile(lab, victim))
        return 0;
    for (int i = 0; i < TRIES_MAX; i++) {
        struct enemy_flood f;

        forge(lab, how, (uint64_t)lab->draws++, &f);
        if (!enemy_say(lab, enemy, victim, &f.msg))
            return i;
        lab_run(lab, NS_PER_S);
    }
    return TRIES_MAX;
}

static void run_repeat(const struct setup *s, uint64_t seed, struct results *r)
{
    struct lab lab;
    struct tally before;
    struct tally after;
    int *enemies;
    int count;
    int most = 0;

    lab_begin_mixed(&lab, s, seed, s->share_ppm, make_eclipser);
    count = enemy_list(&lab, &enemies);
    repeat(&lab, enemies, count, r);
    before = tally_of(&lab);
    for (int i = 0; i < count; i++) {
        int tries = tries_until_cut(&lab, enemies[i], i % 4);

        most = tries > most ? tries : most;
        results_row(r, "tries", i + 1, tries);
    }
    after = tally_of(&lab);
    results_add(r, "forged_acted", "", (double)(after.acted - before.acted));
    results_add(r, "forged_sent", "", (double)(after.sent - before.sent));
    results_add(r, "cut_after", "", most);
    free(enemies);
    lab_finish(&lab);
}

static void repeat_defaults(struct setup *s)
{
    s->nodes = 300;
    s->share_ppm = 50000;
    s->messages = 3;
}

static const struct lab_goal repeat_goals[] = {
    { "acted_twice", LAB_MOST, true, 0 },  { "sent_twice", LAB_MOST, true, 0 },
    { "forged_acted", LAB_MOST, true, 0 }, { "forged_sent", LAB_MOST, true, 0 },
    { "cut_after", LAB_MOST, true, 3 },    { NULL, LAB_MEAN, false, 0 },
};

const struct lab_kind lab_repeat = {
    .name = "repeat",
    .about = "attackers say again what was flooded, and forge",
    .defaults = repeat_defaults,
    .run = run_repeat,
    .goals = repeat_goals,
    .plot = "",
};
