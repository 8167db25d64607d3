/* Looking at the views from outside: the rows of `party peers`, and the invariants.
 * SPDX-License-Identifier: MIT */
#include "overlay/view_private.h"

static int add_rows(const struct overlay *o, bool is_active, struct overlay_row *rows,
                    int count, int max)
{
    for (int k = 0; k < o->slots.count && count < max; k++) {
        const struct overlay_peer *x = &o->peers[k];

        if ((x->state == OVERLAY_ACTIVE) != is_active)
            continue;
        rows[count++] = (struct overlay_row){ .rec = *view_rec(o, x),
                                              .state = (enum overlay_state)x->state,
                                              .peer = x->slot,
                                              .is_dialled = x->is_dialled,
                                              .is_forced = x->is_forced,
                                              .since_ns = x->since_ns };
    }
    return count;
}

int overlay_list(const struct overlay *o, struct overlay_row *rows, int max)
{
    int count = add_rows(o, true, rows, 0, max);

    count = add_rows(o, false, rows, count, max);
    for (int i = 0; i < o->passive.count && count < max; i++) {
        if (overlay_find(o, &passive_rec(&o->passive, i)->id) < 0)
            rows[count++] = (struct overlay_row){ .rec = *passive_rec(&o->passive, i),
                                                  .peer = -1,
                                                  .fails = passive_fails(&o->passive,
                                                                         i) };
    }
    return count;
}

static const char *check_passive(const struct overlay *o)
{
    const struct passive *v = &o->passive;
    const char *wrong = passive_check(v);

    if (wrong != NULL)
        return wrong;
    for (int i = 0; i < v->count; i++) {
        const struct peer_rec *rec = passive_rec(v, i);
        int peer = overlay_find(o, &rec->id);

        if (node_id_equal(&rec->id, &view_self(o)->id))
            return "we are in our own passive view";
        if (!passive_is_dialable(&rec->addr))
            return "a passive record that cannot be dialled";
        if (passive_find(v, &rec->id) != i)
            return "an id twice in the passive view";
        if (peer >= 0 && view_peer(o, peer)->state == OVERLAY_ACTIVE)
            return "a neighbour in the passive view";
    }
    return NULL;
}

static const char *check_peer(const struct overlay *o, int row)
{
    const struct overlay_peer *x = &o->peers[row];

    if (node_id_equal(&view_rec(o, x)->id, &view_self(o)->id))
        return "we are our own peer";
    if (x->asks_void > x->asks_open)
        return "more answers void than open";
    if (x->state == OVERLAY_ASKED && x->asks_open == 0)
        return "asked without an open request";
    if (x->state != OVERLAY_LINKED && x->is_drop)
        return "a link in use is to be dropped";
    for (int i = 0; i < row; i++) {
        if (x->state == OVERLAY_ACTIVE && o->peers[i].state == OVERLAY_ACTIVE &&
            node_id_equal(&view_rec(o, &o->peers[i])->id, &view_rec(o, x)->id))
            return "an id twice in the active view";
    }
    return NULL;
}

static const char *check_counts(const struct overlay *o)
{
    int active = 0;
    int asked = 0;
    int forced = 0;
    int drops = 0;

    for (int k = 0; k < o->slots.count; k++) {
        const struct overlay_peer *x = &o->peers[k];

        if (view_peer(o, x->slot) != x)
            return "a peer is not in its row";
        if (x->state == OVERLAY_ACTIVE && o->active[active] != x->slot)
            return "the list of neighbours is wrong";
        drops += x->is_drop;
        active += x->state == OVERLAY_ACTIVE;
        asked += x->state == OVERLAY_ASKED && !x->is_forced;
        forced += x->state == OVERLAY_ACTIVE && x->is_forced;
    }
    if (active != o->active_count || asked != o->asked_count || forced != o->forced_count)
        return "counts of the active view are wrong";
    if (active > o->p->active_max || asked > o->p->active_max)
        return "active view too large";
    if (forced > o->p->forced_max)
        return "too many forced slots";
    if (drops != o->drop_count)
        return "the count of links to drop is wrong";
    if (o->dials.count > o->dials.max)
        return "too many dials";
    return (o->shuffle_ns == TIME_NEVER) == (active > 0) ? "shuffle timer is wrong"
                                                         : NULL;
}

const char *overlay_check(const struct overlay *o)
{
    const char *wrong = check_counts(o);

    for (int k = 0; k < o->slots.count && wrong == NULL; k++)
        wrong = check_peer(o, k);
    return wrong != NULL ? wrong : check_passive(o);
}
