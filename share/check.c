/* swarm_check: what must be true of a swarm between two calls.
 * SPDX-License-Identifier: MIT */
#include <assert.h>
#include <string.h>

#include "base/time.h"
#include "share/bitmap.h"
#include "share/swarm.h"

/* --- what must be true ------------------------------------------------------- */

#define WORDS_MAX (32768 / 64) /* of a song's blocks */

/* Which blocks are asked for; returns how many. */
static int gather_asked(const struct swarm *s, int song, uint64_t *asked)
{
    int count = 0;

    memset(asked, 0, (size_t)bitmap_words(s->songs[song].blocks) * sizeof(*asked));
    for (int p = 0; p < s->peer_room; p++) {
        const struct share_peer *peer = &s->peers[p];

        for (int i = 0; i < peer->request_count; i++) {
            const struct share_request *r = &peer->requests[i];

            if (r->song == song && !bitmap_has(asked, r->block)) {
                bitmap_set(asked, r->block);
                count++;
            }
        }
    }
    return count;
}

/* Of an open song each block is wanted, asked for, being stored or held: one of these. */
static void check_states(const struct share_song *g, const uint64_t *asked)
{
    int states = g->wanted_count + g->asked_count + g->storing_count + g->held_count;

    assert(states == (g->is_open ? g->blocks : 0));
    for (int i = 0; i < bitmap_words(g->blocks); i++) {
        int bits = g->blocks - 64 * i;
        uint64_t whole = bits >= 64 ? UINT64_MAX : ~(UINT64_MAX >> bits);

        assert((g->wanted[i] | asked[i] | g->storing[i] | g->held[i]) ==
               (g->is_open ? whole : 0));
    }
}

static void check_copies(const struct swarm *s, const struct share_song *g)
{
    int whole = 0; /* peers that have all blocks, and that have some */
    int partial = 0;

    for (int p = 0; p < s->peer_room; p++) {
        const struct share_have *h = &g->have[p];

        whole += h->map == NULL && h->count == g->blocks;
        partial += h->map != NULL;
        assert(h->map == NULL ? h->count == 0 || h->count == g->blocks
                              : h->count == bitmap_count(h->map, g->blocks) &&
                                    h->count > 0 && h->count < g->blocks);
    }
    for (int i = 0; i < g->blocks; i++) {
        int copies = whole;

        for (int p = 0; partial > 0 && p < s->peer_room; p++)
            copies += g->have[p].map != NULL && bitmap_has(g->have[p].map, i);
        assert(copies == g->copies[i]);
    }
}

static void check_song(const struct swarm *s, int song)
{
    const struct share_song *g = &s->songs[song];
    uint64_t asked[WORDS_MAX];

    assert(bitmap_words(g->blocks) <= WORDS_MAX);
    assert(g->asked_count == gather_asked(s, song, asked));
    assert(g->wanted_count == bitmap_count(g->wanted, g->blocks));
    assert(g->storing_count == bitmap_count(g->storing, g->blocks));
    assert(g->held_count == bitmap_count(g->held, g->blocks));
    assert(g->has_leaves || g->held_count + g->asked_count == 0);
    assert((g->announce_count == 0) == (g->announce_at_ns == TIME_NEVER));
    check_states(g, asked);
    check_copies(s, g);
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
