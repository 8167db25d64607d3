/* TCP as the nodes see it: dials, refusals, ordered frames, and the end of a link behind
 * all that was sent before.  SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/time.h"
#include "sim/happening.h"
#include "sim/memory.h"

#define SYN_LEN 60

void link_ref(struct net_link *l)
{
    l->refs++;
}

void link_unref(struct net_link *l)
{
    if (--l->refs == 0)
        free(l);
}

static void end_open(struct world *w, struct net_link *l, int end)
{
    struct world_node *n = &w->nodes[l->end[end].host];

    l->end[end].is_open = true;
    n->links[n->link_count++] = (struct world_link_ref){ l, end };
    link_ref(l);
}

static void end_close(struct world *w, struct net_link *l, int end)
{
    struct world_node *n = &w->nodes[l->end[end].host];

    if (!l->end[end].is_open)
        return;
    l->end[end].is_open = false;
    for (int i = 0; i < n->link_count; i++) {
        if (n->links[i].link == l && n->links[i].end == end) {
            n->links[i] = n->links[--n->link_count];
            link_unref(l);
            return;
        }
    }
}

static struct world_link_ref *find(struct world *w, int node, uint32_t id)
{
    struct world_node *n = &w->nodes[node];

    for (int i = 0; i < n->link_count; i++) {
        const struct world_link_ref *r = &n->links[i];

        if (r->link->end[r->end].id == id)
            return &n->links[i];
    }
    return NULL;
}

/* Something for one end of a link, behind all that is on its way there. */
static void post(struct world *w, struct happening *h, struct net_link *l, int end,
                 int from, int64_t at_ns)
{
    h->link = l;
    h->end = end;
    h->life = l->end[end].life;
    link_ref(l);
    if (at_ns <= l->end[end].busy_ns)
        at_ns = l->end[end].busy_ns + 1;
    l->end[end].busy_ns = at_ns;
    happening_post(w, h, from, l->end[end].host, at_ns);
}

static void post_closed(struct world *w, struct net_link *l, int end, int err,
                        int64_t at_ns)
{
    struct happening *h = happening_new(HAPPENING_EVENT, 0);

    h->event.kind = EVENT_LINK_CLOSED;
    h->event.u.closed.link = l->end[end].id;
    h->event.u.closed.err = err;
    post(w, h, l, end, (int)l->end[1 - end].host, at_ns);
}

static void post_opened(struct world *w, struct net_link *l, int end,
                        const struct addr *remote, int64_t at_ns)
{
    struct happening *h = happening_new(HAPPENING_EVENT, 0);

    h->event.kind = EVENT_LINK_OPENED;
    h->event.u.opened.link = l->end[end].id;
    h->event.u.opened.is_dialled = end == 0;
    h->event.u.opened.remote = *remote;
    post(w, h, l, end, (int)l->end[1 - end].host, at_ns);
}

void links_open(struct world *w, int node, uint32_t id, const struct addr *to)
{
    struct world_node *n = &w->nodes[node];
    struct net_link *l = memory_new(1, sizeof(*l));
    struct happening *h;
    int host = net_host_of(&w->net, to);

    w->counts.dials++;
    l->end[0] = (struct net_end){ .host = (uint32_t)node, .life = n->life, .id = id };
    l->end[1].host = (uint32_t)(host < 0 ? node : host);
    end_open(w, l, 0);
    if (host < 0) {
        w->counts.dials_failed++;
        post_closed(w, l, 0, ERR_TIMEOUT, w->now_ns + NET_DIAL_LIMIT_NS);
        return;
    }
    h = happening_new(HAPPENING_CONNECT, 0);
    h->link = l;
    link_ref(l);
    happening_post(w, h, node, (uint32_t)host,
                   net_frame_ns(&w->net, node, host, SYN_LEN, w->now_ns, w->now_ns));
}

/* The machine that was dialled answers, refuses, or is not there. */
void links_connect(struct world *w, struct happening *h)
{
    struct net_link *l = h->link;
    int from = (int)l->end[0].host;
    int host = (int)l->end[1].host;
    struct world_node *n = &w->nodes[host];
    struct addr remote = net_addr(host);
    int64_t back_ns = net_frame_ns(&w->net, host, from, SYN_LEN, w->now_ns, w->now_ns);

    if (!l->end[0].is_open)
        return; /* given up since */
    if (n->is_dark || n->node == NULL || n->link_count >= NET_LINKS_MAX - 64) {
        w->counts.dials_failed++;
        if (n->is_dark)
            post_closed(w, l, 0, ERR_TIMEOUT, w->now_ns + NET_DIAL_LIMIT_NS);
        else
            post_closed(w, l, 0, ERR_UNREACHABLE, back_ns);
        return;
    }
    l->is_accepted = true;
    l->end[1].life = n->life;
    l->end[1].id = n->next_link;
    n->next_link += 2;
    end_open(w, l, 1);
    post_opened(w, l, 0, &remote, back_ns);
    remote = net_addr(from);
    remote.port = (uint16_t)(32768 + l->end[0].id % 28000);
    post_opened(w, l, 1, &remote,
                net_frame_ns(&w->net, from, host, SYN_LEN, back_ns, back_ns));
}

void links_close(struct world *w, int node, uint32_t id)
{
    struct world_link_ref *r = find(w, node, id);
    struct net_link *l;
    int other;
    int to;

    if (r == NULL)
        return;
    l = r->link;
    other = 1 - r->end;
    to = (int)l->end[other].host;
    if (l->is_accepted && l->end[other].is_open)
        post_closed(w, l, other, ERR_CLOSED,
                    net_frame_ns(&w->net, node, to, SYN_LEN, w->now_ns, w->now_ns));
    end_close(w, l, r->end);
}

void links_send(struct world *w, int node, uint32_t id, struct bytes frame)
{
    struct world_link_ref *r = find(w, node, id);
    struct happening *h;
    struct net_link *l;
    int other;
    int to;

    if (r == NULL)
        return;
    l = r->link;
    other = 1 - r->end;
    to = (int)l->end[other].host;
    w->counts.frames++;
    w->counts.frame_bytes += (int64_t)frame.len;
    if (!l->is_accepted || !l->end[other].is_open)
        return;
    h = happening_new(HAPPENING_EVENT, frame.len);
    h->event.kind = EVENT_LINK_RECEIVED;
    h->event.u.received.link = l->end[other].id;
    memcpy(h->data, frame.data, frame.len);
    h->event.u.received.frame = bytes_of(h->data, frame.len);
    post(w, h, l, other, node,
         net_frame_ns(&w->net, node, to, frame.len, w->now_ns, l->end[other].busy_ns));
}

void links_forget(struct world *w, int node, bool is_dark)
{
    struct world_node *n = &w->nodes[node];

    while (n->link_count > 0) {
        struct net_link *l = n->links[n->link_count - 1].link;
        int end = n->links[n->link_count - 1].end;

        if (!is_dark && l->is_accepted && l->end[1 - end].is_open)
            post_closed(w, l, 1 - end, ERR_CLOSED,
                        net_frame_ns(&w->net, node, (int)l->end[1 - end].host, SYN_LEN,
                                     w->now_ns, w->now_ns));
        end_close(w, l, end);
    }
}

bool links_admit(struct world *w, const struct happening *h)
{
    if (h->link == NULL)
        return true;
    if (!h->link->end[h->end].is_open)
        return false;
    if (h->event.kind == EVENT_LINK_CLOSED)
        end_close(w, h->link, h->end);
    return true;
}
