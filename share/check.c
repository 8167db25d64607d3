/* swarm_check: what must be true of a swarm between two calls.
 * SPDX-License-Identifier: MIT */
#include <assert.h>

#include "base/time.h"
#include "share/bitmap.h"
#include "share/have.h"
#include "share/requests.h"
#include "share/swarm.h"

/* --- what must be true ------------------------------------------------------- */

static void check_block(const struct swarm *s, int song, int block, int *asked)
{
    const struct share_song *g = &s->songs[song];
    int states = bitmap_has(g->wanted, block) + bitmap_has(g->storing, block) +
                 bitmap_has(g->held, block);
    int copies = 0;

    if (requests_is_asked(s, song, block)) {
        states++;
        (*asked)++;
    }
    assert(states == (g->is_open ? 1 : 0));
    for (int p = 0; p < s->peer_room; p++)
        copies += have_has(g, &g->have[p], block);
    assert(copies == g->copies[block]);
}

static void check_song(const struct swarm *s, int song)
{
    const struct share_song *g = &s->songs[song];
    int asked = 0;

    for (int i = 0; i < g->blocks; i++)
        check_block(s, song, i, &asked);
    assert(g->wanted_count == bitmap_count(g->wanted, g->blocks));
    assert(g->storing_count == bitmap_count(g->storing, g->blocks));
    assert(g->held_count == bitmap_count(g->held, g->blocks));
    assert(g->asked_count == asked);
    assert(g->has_leaves || g->held_count + asked == 0);
    assert((g->announce_count == 0) == (g->announce_at_ns == TIME_NEVER));
    for (int p = 0; p < s->peer_room; p++) {
        const struct share_have *h = &g->have[p];

        assert(h->map == NULL ? h->count == 0 || h->count == g->blocks
                              : h->count == bitmap_count(h->map, g->blocks) &&
                                    h->count > 0 && h->count < g->blocks);
    }
}

void swarm_check(const struct swarm *s)
{
    int requests = 0;
    int storing = 0;

    for (int i = 0; i < s->order_count; i++) {
        assert(s->songs[s->order[i]].is_used);
        check_song(s, s->order[i]);
        storing += s->songs[s->order[i]].storing_count;
    }
    for (int i = 0; i < s->peer_room; i++) {
        const struct share_peer *p = &s->peers[i];

        requests += p->request_count;
        assert(p->sent_count == p->request_count);
        assert(p->request_count <= s->params->pipeline_max);
        assert(p->upload_count <= s->params->upload_queue_max);
        assert(p->is_up || p->request_count + p->upload_count == 0);
        assert(!p->is_banned || p->request_count == 0);
    }
    assert(requests == s->request_total && storing == s->storing_total);
    assert(requests <= s->params->requests_max + s->params->peers_max);
    assert(s->load_count <= s->params->loads_max);
}
