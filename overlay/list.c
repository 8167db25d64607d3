/* Looking at the views from outside: the rows of `party peers`, and the invariants.
 * SPDX-License-Identifier: MIT */
#include "overlay/view.h"

static int add_rows(const struct overlay *o, bool is_active, struct overlay_row *rows,
                    int count, int max)
{
    for (int i = 0; i < o->p.peers_max && count < max; i++) {
        const struct overlay_peer *x = &o->peers[i];

        if (x->state == OVERLAY_FREE || (x->state == OVERLAY_ACTIVE) != is_active)
            continue;
        rows[count++] = (struct overlay_row){ .rec = x->rec,
                                              .state = x->state,
                                              .peer = i,
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
        const struct passive_entry *e = &o->passive.list[i];

        if (overlay_find(o, &e->rec.id) < 0)
            rows[count++] = (struct overlay_row){ .rec = e->rec,
                                                  .peer = -1,
                                                  .fails = e->fails };
    }
    return count;
}

static const char *check_passive(const struct overlay *o)
{
    const struct passive *v = &o->passive;

    if (v->count < 0 || v->count > v->max)
        return "passive view too large";
    for (int i = 0; i < v->count; i++) {
        const struct peer_rec *rec = &v->list[i].rec;
        int peer = overlay_find(o, &rec->id);

        if (node_id_equal(&rec->id, &o->self.id))
            return "we are in our own passive view";
        if (!passive_is_dialable(&rec->addr))
            return "a passive record that cannot be dialled";
        if (passive_find(v, &rec->id) != i)
            return "an id twice in the passive view";
        if (peer >= 0 && o->peers[peer].state == OVERLAY_ACTIVE)
            return "a neighbour in the passive view";
    }
    return NULL;
}

static const char *check_peer(const struct overlay *o, int peer)
{
    const struct overlay_peer *x = &o->peers[peer];

    if (x->state == OVERLAY_FREE)
        return NULL;
    if (node_id_equal(&x->rec.id, &o->self.id))
        return "we are our own peer";
    if (x->asks_void > x->asks_open)
        return "more answers void than open";
    if (x->state == OVERLAY_ASKED && x->asks_open == 0)
        return "asked without an open request";
    if (x->state != OVERLAY_LINKED && x->is_drop)
        return "a link in use is to be dropped";
    for (int i = 0; i < peer; i++) {
        if (x->state == OVERLAY_ACTIVE && o->peers[i].state == OVERLAY_ACTIVE &&
            node_id_equal(&o->peers[i].rec.id, &x->rec.id))
            return "an id twice in the active view";
    }
    return NULL;
}

static const char *check_counts(const struct overlay *o)
{
    int active = 0;
    int asked = 0;
    int forced = 0;

    for (int i = 0; i < o->p.peers_max; i++) {
        const struct overlay_peer *x = &o->peers[i];

        active += x->state == OVERLAY_ACTIVE;
        asked += x->state == OVERLAY_ASKED && !x->is_forced;
        forced += x->state == OVERLAY_ACTIVE && x->is_forced;
    }
    if (active != o->active_count || asked != o->asked_count || forced != o->forced_count)
        return "counts of the active view are wrong";
    if (active + asked > o->p.active_max)
        return "active view too large";
    if (forced > o->p.forced_max)
        return "too many forced slots";
    if (o->dials.count > o->dials.max)
        return "too many dials";
    return (o->shuffle_ns == TIME_NEVER) == (active > 0) ? "shuffle timer is wrong"
                                                         : NULL;
}

const char *overlay_check(const struct overlay *o)
{
    const char *wrong = check_counts(o);

    for (int i = 0; i < o->p.peers_max && wrong == NULL; i++)
        wrong = check_peer(o, i);
    return wrong != NULL ? wrong : check_passive(o);
}
