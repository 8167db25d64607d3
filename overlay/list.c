/* Looking at the views from outside: the invariants.
 * SPDX-License-Identifier: MIT */
#include "overlay/view_private.h"

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
    int relayed = 0;

    for (int k = 0; k < o->slots.count; k++) {
        const struct overlay_peer *x = &o->peers[k];

        if (view_peer(o, x->slot) != x)
            return "a peer is not in its row";
        if (x->state == OVERLAY_ACTIVE && o->active[active] != x->slot)
            return "the list of neighbours is wrong";
        drops += x->is_drop;
        relayed += x->how == LINK_RELAYED;
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
    if (relayed != o->relayed_count)
        return "the count of relayed links is wrong";
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
