/* SPDX-License-Identifier: MIT */
#include "sim/check.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "sim/memory.h"

#define LISTENERS_MAX 128
#define ACTORS_MAX    64 /* in larger worlds nobody looks for a second host */
#define FRAME_MAX_NS  (125 * NS_PER_US) /* the longest frame: 8 kHz */

void check_init(struct check *c, struct world *w)
{
    *c = (struct check){ .world = w, .node = -1 };
    c->nodes = memory_new((size_t)w->p.node_count, sizeof(*c->nodes));
    c->every = w->p.node_count <= 32 ? 1 : w->p.node_count;
}

void check_finish(struct check *c)
{
    free(c->nodes);
    free(c->entries);
}

void check_fail(struct check *c, int node, const char *what)
{
    if (c->has_failed)
        return;
    c->has_failed = true;
    c->at_ns = c->world->now_ns;
    c->node = node;
    text_copy(c->what, sizeof(c->what), what, strlen(what));
    c->world->is_stopped = true;
}

/* ---- one log ---- */

static const struct check_entry *find(const struct check *c, const struct check_entry *e)
{
    for (int i = c->entry_count - 1; i >= 0; i--) {
        const struct check_entry *known = &c->entries[i];

        if (known->seq == e->seq && known->epoch == e->epoch &&
            party_id_equal(&known->party, &e->party))
            return known;
    }
    return NULL;
}

static void keep(struct check *c, const struct check_entry *e)
{
    if (c->entry_count == c->entry_room) {
        c->entry_room = c->entry_room == 0 ? 256 : 2 * c->entry_room;
        c->entries = realloc(c->entries, (size_t)c->entry_room * sizeof(*c->entries));
        if (c->entries == NULL)
            abort();
    }
    c->entries[c->entry_count++] = *e;
}

static void note_late(struct check *c, int node, const struct entry *e)
{
    const struct world_player *player = world_player(c->world, node);
    int64_t late_ns;

    if (e->kind != ENTRY_ACTION || !player->has_line)
        return;
    c->actions++;
    late_ns = clock_line_to_remote(&player->line, world_raw_ns(c->world, node)) -
              e->u.action.at.ns;
    c->late += late_ns > 0;
    c->late_max_ns = late_ns > c->late_max_ns ? late_ns : c->late_max_ns;
}

static void check_entry(struct check *c, int node, const struct msg_log_entry *m,
                        bool is_news)
{
    struct check_entry e = { .seq = 0 };
    const struct check_entry *known;
    struct entry entry;

    if (entry_decode(m->inner, &entry) != 0) {
        check_fail(c, node, "an entry of the log does not decode");
        return;
    }
    e.party = entry.party;
    e.epoch = entry.epoch;
    e.seq = entry.seq;
    run_hash_init(&e.hash);
    run_hash_bytes(&e.hash, m->inner);
    if (is_news)
        note_late(c, node, &entry);
    known = find(c, &e);
    if (known == NULL)
        keep(c, &e);
    else if (known->hash.a != e.hash.a || known->hash.b != e.hash.b)
        check_fail(c, node, "two different entries for one party, epoch and number");
}

/* An epoch has one host, whoever says so. */
static void check_epoch(struct check *c, int node, const struct party_log *l)
{
    struct check_entry e = { .party = l->party, .epoch = l->epoch };
    const struct check_entry *known;

    if (l->epoch == 0)
        return;
    run_hash_init(&e.hash);
    run_hash_bytes(&e.hash, bytes_of(l->host, KEY_LEN));
    known = find(c, &e);
    if (known == NULL)
        keep(c, &e);
    else if (known->hash.a != e.hash.a || known->hash.b != e.hash.b)
        check_fail(c, node, "two hosts for one party and epoch");
}

static bool acts(struct check *c, int node)
{
    const struct world_node *n = &c->world->nodes[node];

    return n->node != NULL && !n->is_paused &&
           party_is_acting(node_party(n->node), world_raw_ns(c->world, node));
}

static void check_acting(struct check *c, int node, const struct party *p)
{
    if (c->world->p.node_count > ACTORS_MAX || p->role != PARTY_ROLE_HOST ||
        !acts(c, node))
        return;
    for (int i = 0; i < c->world->p.node_count; i++) {
        if (i != node && acts(c, i) &&
            party_id_equal(&node_party(c->world->nodes[i].node)->log.party,
                           &p->log.party)) {
            c->double_hosts++;
            check_fail(c, node, "two hosts act for one party at one instant");
        }
    }
}

/* A host that begins an epoch has all that those had who granted it. */
static void check_heritage(struct check *c, int node, const struct party *p)
{
    struct succession_place had = { c->nodes[node].at_epoch, c->nodes[node].seq };

    if (p->role != PARTY_ROLE_HOST || p->log.epoch < 2)
        return;
    for (int i = 0; i < c->world->p.node_count; i++) {
        if (i != node && succession_is_loss(&c->nodes[i].grant, p, had))
            check_fail(c, node, "a new host lacks entries of one who granted it");
    }
}

static bool holds_pool(struct check *c, int node, const struct party *p)
{
    const struct store_library *library = &c->world->library;

    for (int slot = 0; slot < POOL_SLOTS; slot++) {
        int song = store_find(library, &p->pool[slot].id);

        if (p->pool[slot].is_set &&
            (song < 0 || !store_is_whole(world_store(c->world, node), library, song)))
            return false;
    }
    return true;
}

/* Has this node gone, or begun anew, and its host does not know it yet? */
static bool is_lost(const struct check *c, int node, const struct party *host)
{
    const struct node *n = c->world->nodes[node].node;
    const struct party *p = n == NULL ? NULL : node_party(n);

    return p == NULL || !party_id_equal(&p->log.party, &host->log.party);
}

/* Before its limit a host begins to play only when all who are here can. */
static void check_begin(struct check *c, int node, const struct party *p)
{
    struct check_node *seen = &c->nodes[node];
    bool has_begun = p->phase == PARTY_PLAYING && seen->phase == PARTY_SHARING;

    seen->phase = p->phase;
    if (!has_begun || p->role != PARTY_ROLE_HOST || p->now_ns >= p->ready_at_ns)
        return;
    for (int i = 0; i < p->member_count; i++) {
        const struct party_member *m = &p->members[i];
        int who = m->is_self ? node : net_host_of(&c->world->net, &m->addr);

        if (!m->is_self && (m->peer < 0 || m->is_away || m->is_leaving))
            continue;
        if (who >= 0 && is_lost(c, who, p))
            continue;
        if (!m->is_ready || (who >= 0 && !holds_pool(c, who, p)))
            check_fail(c, node, "the music began before all were ready");
    }
}

static void check_log(struct check *c, int node, const struct party *p)
{
    struct check_node *seen = &c->nodes[node];
    const struct party_log *l = &p->log;
    struct msg_log_entry m;

    if (seen->life != c->world->nodes[node].life ||
        !party_id_equal(&seen->party, &l->party) || l->seq < seen->seq)
        *seen = (struct check_node){ .party = l->party,
                                     .life = c->world->nodes[node].life,
                                     .bound_ns = seen->bound_ns,
                                     .grant = seen->grant };
    if (l->epoch < seen->epoch)
        check_fail(c, node, "a lower epoch is obeyed after a higher one");
    if (l->epoch != seen->epoch) {
        check_epoch(c, node, l);
        check_heritage(c, node, p);
    }
    seen->epoch = l->epoch;
    seen->at_epoch = l->at_epoch;
    succession_note(&seen->grant, p);
    for (uint64_t seq = seen->seq + 1; seq <= l->seq; seq++) {
        if (party_log_get(l, seq, &m))
            check_entry(c, node, &m, seen->seq > 0);
    }
    seen->seq = l->seq;
}

/* ---- one node ---- */

static void check_songs(struct check *c, int node, const struct party *p)
{
    const struct store_library *library = &c->world->library;

    for (int slot = 0; slot < POOL_SLOTS; slot++) {
        const struct party_song *s = &p->pool[slot];
        int song;

        if (!s->is_set || s->total == 0 || s->held < s->total)
            continue;
        song = store_find(library, &s->id);
        if (song < 0 || !store_is_whole(world_store(c->world, node), library, song))
            check_fail(c, node, "a song is said to be held that is not whole");
    }
}

static void check_state(struct check *c, int node)
{
    const struct node *n = c->world->nodes[node].node;
    const char *wrong = overlay_check(node_overlay(n));

    if (wrong == NULL)
        wrong = floods_check(node_floods(n));
    if (wrong != NULL)
        check_fail(c, node, wrong);
    if (!party_check(node_party(n)))
        check_fail(c, node, "party_check does not hold");
    if (node_swarm(n) != NULL)
        swarm_check(node_swarm(n));
}

void check_step(struct check *c, int node)
{
    const struct effects *out = c->world->out;
    const struct party *p = node_party(c->world->nodes[node].node);

    if (out->dropped != 0)
        check_fail(c, node, "an effect found no room");
    if (out->outbox.dropped != 0)
        check_fail(c, node, "a message found no room in the outbox");
    check_log(c, node, p);
    check_begin(c, node, p);
    check_acting(c, node, p);
    check_songs(c, node, p);
    if (p->phase == PARTY_PLAYING &&
        node_bytes(c->world->nodes[node].node) > c->member_bytes)
        c->member_bytes = node_bytes(c->world->nodes[node].node);
    if (c->steps++ % c->every == 0)
        check_state(c, node);
}

/* ---- what is heard ---- */

struct listener {
    int64_t party_ns; /* what this node takes for party time */
    int64_t heard_ns; /* where it is in the song; 0 in silence */
    int slot;         /* -1: silence */
};

/* The segment that covers an instant, as a player finds it. */
static const struct timeline_segment *segment_at(const struct world_player *p, int64_t ns)
{
    const struct timeline_segment *found = NULL;

    for (int i = 0; i < p->count && p->segments[i].at.ns <= ns; i++)
        found = &p->segments[i];
    return found;
}

/* What a node takes for party time; false while it does not know. */
static bool party_ns_of(const struct check *c, int node, int64_t *ns, int64_t *bound_ns)
{
    const struct world_player *player = world_player(c->world, node);
    int64_t raw_ns = world_raw_ns(c->world, node);

    if (!player->has_line || !node_party_line(c->world->nodes[node].node)->is_valid)
        return false;
    *ns = clock_line_to_remote(&player->line, raw_ns);
    *bound_ns = clock_line_bound_at(&player->line, raw_ns);
    return true;
}

static int64_t place_ns(const struct timeline_segment *s, int64_t ns)
{
    return mul_div(s->frame, NS_PER_S, s->rate) + (ns - s->at.ns);
}

/* Who has the whole log plays what the log says, to the frame. */
static void check_piece(struct check *c, int node, const struct party *host, int64_t ns)
{
    const struct world_player *player = world_player(c->world, node);
    const struct party *p = node_party(c->world->nodes[node].node);
    const struct timeline_segment *s = segment_at(player, ns);
    struct timeline_position truth;
    int64_t off_ns = 0;

    if (p->log.seq != host->log.seq || s == NULL)
        return;
    truth = timeline_at(&host->timeline, (struct party_time){ ns });
    if (s->is_playing && truth.is_playing)
        off_ns = place_ns(s, ns) - place_ns(&truth.segment, ns);
    if (s->is_playing != truth.is_playing || (s->is_playing && s->slot != truth.slot) ||
        off_ns > FRAME_MAX_NS || off_ns < -FRAME_MAX_NS)
        check_fail(c, node, "the player's timeline is not that of the log");
}

/* Who is in no party hears nothing of it. */
static void check_silence(struct check *c, int node)
{
    const struct world_player *player = world_player(c->world, node);
    const struct timeline_segment *s;
    int64_t raw_ns;

    if (!player->has_line)
        return;
    raw_ns = world_raw_ns(c->world, node);
    s = segment_at(player, clock_line_to_remote(&player->line, raw_ns));
    if (s != NULL && s->is_playing)
        check_fail(c, node, "the music goes on without a party");
}

/* A guest cannot know of a map that is still on its way to it, on a link that nobody
 * knows to be dead, after one has come back or through a network that is cut; nor can a
 * host that has not heard of the next one. */
static bool knows_map(const struct check *c, int node, const struct party *host)
{
    const struct party *p = node_party(c->world->nodes[node].node);
    const struct net_host *h = &c->world->net.hosts[node];
    int64_t now_ns = c->world->now_ns;

    if (p->log.epoch != host->log.epoch)
        return false;
    if (p->maps.map.raw_ref_ns == host->maps.map.raw_ref_ns)
        return true;
    if (p->maps.has_next && p->maps.next.raw_ref_ns == host->maps.map.raw_ref_ns)
        return true;
    return p->is_current && p->log.seq >= host->maps.map.map_seq &&
           (now_ns < h->cut_ns || now_ns > h->heal_ns + 20 * NS_PER_S);
}

/* The host's party time is true within truth_bound_ns: it may still go by the clock of
 * the one before it. */
static bool listen(struct check *c, int node, int host_node, int64_t truth_ns,
                   int64_t truth_bound_ns, struct listener *l)
{
    const struct world_node *n = &c->world->nodes[node];
    const struct world_player *player = world_player(c->world, node);
    const struct party *host = node_party(c->world->nodes[host_node].node);
    struct timeline_position truth = timeline_at(&host->timeline,
                                                 (struct party_time){ truth_ns });
    const struct timeline_segment *s;
    int64_t bound_ns;
    int song;

    if (!party_ns_of(c, node, &l->party_ns, &bound_ns) || !knows_map(c, node, host))
        return false;
    if (l->party_ns - truth_ns > bound_ns + truth_bound_ns ||
        truth_ns - l->party_ns > bound_ns + truth_bound_ns) {
        char text[CHECK_TEXT_MAX];

        c->bound_violations++;
        snprintf(text, sizeof(text), "party time is off by %lld ns, claimed were %lld ns",
                 (long long)(l->party_ns - truth_ns), (long long)bound_ns);
        check_fail(c, node, text);
    }
    check_piece(c, node, host, l->party_ns);
    s = segment_at(player, l->party_ns);
    song = s == NULL || !s->is_playing ? -1 : store_find(&c->world->library, &s->song);
    if (song < 0 || n->has_no_sound ||
        !store_is_whole(world_store(c->world, node), &c->world->library, song)) {
        c->silent += truth.is_playing;
        return false;
    }
    c->listening++;
    histogram_add(&c->truth, l->party_ns - truth_ns);
    if (node != host_node)
        histogram_add(&c->bounds, bound_ns);
    l->slot = s->slot;
    l->heard_ns = place_ns(s, l->party_ns);
    if (!truth.is_playing || truth.slot != s->slot || truth.segment.at.ns != s->at.ns) {
        c->behind++; /* at a border, or the action is not here yet */
        return false;
    }
    return true;
}

static void compare_pairs(struct check *c, const struct listener *list, int count)
{
    for (int i = 0; i < count; i++) {
        for (int k = i + 1; k < count; k++)
            histogram_add(&c->pairs, list[i].heard_ns - list[k].heard_ns);
    }
}

void check_bounds(struct check *c)
{
    int64_t ns;
    int64_t bound_ns;

    for (int i = 0; i < c->world->p.node_count; i++) {
        if (world_is_up(c->world, i) &&
            node_party(c->world->nodes[i].node)->role == PARTY_ROLE_GUEST &&
            party_ns_of(c, i, &ns, &bound_ns))
            c->nodes[i].bound_ns = bound_ns;
    }
}

/* Party time goes on evenly, whoever is its host. */
static void check_time(struct check *c, int host, int64_t party_ns, int64_t bound_ns)
{
    const struct party_log *l = &node_party(c->world->nodes[host].node)->log;
    int64_t now_ns = c->world->now_ns;
    struct succession_time now = { l->party, l->epoch, now_ns, party_ns - now_ns,
                                   bound_ns };
    int i = 0;

    while (i < c->time_count && !party_id_equal(&c->times[i].party, &l->party))
        i++;
    if (i == CHECK_TIMES_MAX)
        return;
    /* A new host carries on what it took for party time as a guest. */
    if (i < c->time_count && c->times[i].epoch != l->epoch)
        now.bound_ns += c->nodes[host].bound_ns;
    if (i == c->time_count)
        c->times[c->time_count++] = now;
    if (!succession_time_holds(&c->times[i], &now))
        check_fail(c, host, "party time makes a step");
}

void check_sound(struct check *c, int host)
{
    struct world *w = c->world;
    struct listener list[LISTENERS_MAX];
    const struct party *hp;
    int64_t truth_ns;
    int64_t bound_ns;
    int count = 0;

    if (!world_is_up(w, host) || !party_ns_of(c, host, &truth_ns, &bound_ns))
        return;
    hp = node_party(w->nodes[host].node);
    if (hp->role != PARTY_ROLE_HOST || hp->phase == PARTY_ENDED)
        return;
    check_time(c, host, truth_ns, bound_ns);
    for (int i = 0; i < w->p.node_count && !c->has_failed; i++) {
        const struct party *p;

        if (!world_is_up(w, i))
            continue;
        p = node_party(w->nodes[i].node);
        if (p->phase == PARTY_IDLE || p->phase == PARTY_ENDED)
            check_silence(c, i);
        else if (p->phase != PARTY_JOINING && count < LISTENERS_MAX &&
                 party_id_equal(&p->log.party, &hp->log.party) &&
                 listen(c, i, host, truth_ns, bound_ns, &list[count]))
            count++;
    }
    compare_pairs(c, list, count);
}

/* ---- at the end ---- */

void check_agreement(struct check *c, int host, const bool *is_expected)
{
    struct world *w = c->world;
    const struct party *hp = node_party(w->nodes[host].node);

    if (hp->role != PARTY_ROLE_HOST || hp->phase == PARTY_ENDED)
        check_fail(c, host, "the host has no party any more");
    for (int i = 0; i < w->p.node_count && !c->has_failed; i++) {
        const struct party *p;

        if (!is_expected[i] || i == host || !world_is_up(w, i))
            continue;
        p = node_party(w->nodes[i].node);
        if (p->phase == PARTY_ENDED && (p->is_host_silent || p->log.seq == 0))
            continue; /* cut off for so long that it rightly gave up, or never got in */
        if (p->role != PARTY_ROLE_GUEST || !party_id_equal(&p->log.party, &hp->log.party))
            check_fail(c, i, "it accepted and is no member of the party");
        else if (p->log.epoch != hp->log.epoch || p->log.seq != hp->log.seq ||
                 memcmp(p->log.head, hp->log.head, HASH_LEN) != 0)
            check_fail(c, i, "connected and quiet, but its log is not the host's");
    }
}

void check_floods(struct check *c, int host)
{
    struct world *w = c->world;
    int64_t floods;

    if (!world_is_up(w, host))
        return;
    floods = flood_counts(node_floods(w->nodes[host].node))->admitted;
    for (int i = 0; i < w->p.node_count; i++) {
        const struct flood_counts *f;

        if (!world_is_up(w, i))
            continue;
        f = flood_counts(node_floods(w->nodes[i].node));
        if (f->admitted > floods)
            check_fail(c, i, "it handled more floods than there were");
        if (f->sent > (int64_t)f->admitted * w->p.node.overlay.active_max)
            check_fail(c, i, "it sent more copies of floods than it has neighbours");
    }
}
