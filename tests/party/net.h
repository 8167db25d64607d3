/* A small world for the tests of party/: sessions joined by links with latency, floods
 * that reach everybody who is on, clocks with another epoch each, songs that take a
 * while.  All in virtual time, decided by one seed; invariants are checked after every
 * step. SPDX-License-Identifier: MIT */
#ifndef TESTS_PARTY_NET_H
#define TESTS_PARTY_NET_H

#include "tests/check.h"

#include "base/rng.h"
#include "party/domains.h"
#include "party/session.h"

#define NET_NODES_MAX  20
#define NET_EVENTS_MAX 8192
#define NET_FLOODS_MAX 512
#define NET_MEMORY     (2 * 1024 * 1024)
#define NET_UTC_NS     (INT64_C(1700000000) * NS_PER_S)
#define NET_ENTRIES    4096

enum net_kind { NET_MSG, NET_FLOOD, NET_REPLY, NET_UP, NET_DOWN, NET_SONG, NET_KEPT };

struct net_event {
    int64_t at_ns;
    uint64_t order;
    enum net_kind kind;
    int from;
    int to;
    int slot;
    struct promise promise;
    uint32_t link; /* the incarnation that a message belongs to */
    struct flood_id flood;
    size_t len;
    uint8_t *data;
};

struct net_node {
    bool is_on;
    bool has_sound;
    struct msg_sound sound; /* as its player believes */
    int64_t offset_ns;      /* raw clock minus virtual time */
    int64_t share_ns;       /* how long all songs take to get here; TIME_NEVER: never */
    int64_t song_frames;
    int owner; /* whose songs it offers */
    struct identity self;
    struct party_params params;
    struct party p;
    struct pool pool;
    struct heap heap;
    struct invites invites;
    struct promises promises; /* outlive a restart */
    bool has_run;
    uint64_t ledger_seq;
    struct party_id ledger_party;
    int64_t wakes;
    _Alignas(max_align_t) uint8_t memory[NET_MEMORY];
};

struct net {
    struct rng rng;
    int count;
    int64_t now_ns;
    int64_t latency_ns; /* least, of a link */
    int64_t jitter_ns;  /* on top, drawn for each message */
    uint64_t order;
    bool is_honest; /* all nodes: entries of one number are the same everywhere */
    bool cut[NET_NODES_MAX][NET_NODES_MAX];
    bool up[NET_NODES_MAX][NET_NODES_MAX];
    uint32_t link[NET_NODES_MAX][NET_NODES_MAX];
    int64_t last_ns[NET_NODES_MAX][NET_NODES_MAX]; /* TCP keeps the order */
    int event_count;
    struct net_event events[NET_EVENTS_MAX];
    int flood_count;
    struct {
        struct flood_id id;
        int ttl;
        int64_t at_ns;
        int origin;
    } floods[NET_FLOODS_MAX];
    int entry_count; /* what was executed by anybody, by (party, epoch, seq) */
    struct {
        struct party_id party;
        uint64_t epoch;
        uint64_t seq;
        uint8_t hash[HASH_LEN];
    } entries[NET_ENTRIES];
    int64_t sent; /* messages on links */
    void (*tap)(struct net *n, int from, int to, struct bytes data); /* may be NULL */
    struct outbox out;
    struct net_node nodes[NET_NODES_MAX];
};

/* Was this one told of a link to that one? */
static inline bool net_knows(const struct net *n, int at, int peer)
{
    const struct party *p = &n->nodes[at].p;

    return peer < p->peer_room && p->peers[peer].is_up;
}

static inline int64_t net_local(const struct net *n, int i)
{
    return n->now_ns + n->nodes[i].offset_ns;
}

static inline struct party *net_party(struct net *n, int i)
{
    return &n->nodes[i].p;
}

static inline int64_t net_delay(struct net *n)
{
    return n->latency_ns + (n->jitter_ns > 0 ? rng_below(&n->rng, n->jitter_ns) : 0);
}

static inline struct net_event *net_add(struct net *n, int64_t at_ns, enum net_kind kind,
                                        int from, int to)
{
    struct net_event *e = &n->events[n->event_count++];

    assert_true(n->event_count < NET_EVENTS_MAX);
    *e = (struct net_event){ .at_ns = at_ns, .kind = kind, .from = from, .to = to };
    e->order = n->order++;
    return e;
}

static inline void net_data(struct net_event *e, struct bytes b)
{
    e->data = malloc(b.len + 1);
    assert_non_null(e->data);
    memcpy(e->data, b.data, b.len);
    e->len = b.len;
}

static inline int net_find(const struct net *n, const struct node_id *id)
{
    for (int i = 0; i < n->count; i++) {
        if (node_id_equal(&n->nodes[i].self.id, id)) {
            return i;
        }
    }
    return -1;
}

static inline struct addr net_addr(int i)
{
    struct addr a = { { 10, 0, 0, (uint8_t)(i + 1) }, 4747, 4 };

    return a;
}

/* ---- one step of a node, and what comes out of it ---- */

/* Nobody ever executes two different entries of one number; and where all are honest, no
 * two nodes do. */
static inline void net_ledger(struct net *n, int i)
{
    struct net_node *x = &n->nodes[i];
    const struct party_log *l = &x->p.log;
    struct msg_log_entry m;

    if (!party_id_equal(&x->ledger_party, &l->party)) {
        x->ledger_party = l->party;
        x->ledger_seq = 0;
    }
    if (l->seq < x->ledger_seq) {
        x->ledger_seq = 0; /* a new host began before what it had */
    }
    for (uint64_t seq = x->ledger_seq + 1; n->is_honest && seq <= l->seq; seq++) {
        uint8_t hash[HASH_LEN];
        struct entry e;
        int k = 0;

        if (!party_log_get(l, seq, &m)) {
            continue;
        }
        assert_int_equal(entry_decode(m.inner, &e), 0);
        hash_blake2b(hash, HASH_LEN, "test", &m.inner, 1);
        while (k < n->entry_count &&
               !(party_id_equal(&n->entries[k].party, &l->party) &&
                 n->entries[k].epoch == e.epoch && n->entries[k].seq == seq)) {
            k++;
        }
        if (k < n->entry_count) {
            assert_memory_equal(n->entries[k].hash, hash, HASH_LEN);
        } else if (k < NET_ENTRIES) {
            n->entries[k].party = l->party;
            n->entries[k].epoch = e.epoch;
            n->entries[k].seq = seq;
            memcpy(n->entries[k].hash, hash, HASH_LEN);
            n->entry_count++;
        }
    }
    x->ledger_seq = l->seq;
}

static inline void net_send(struct net *n, int from, int to, struct bytes data)
{
    int64_t at_ns = n->now_ns + net_delay(n);
    struct net_event *e;

    if (!n->up[from][to]) {
        return;
    }
    if (at_ns <= n->last_ns[from][to]) {
        at_ns = n->last_ns[from][to] + 1;
    }
    n->last_ns[from][to] = at_ns;
    e = net_add(n, at_ns, NET_MSG, from, to);
    e->link = n->link[from][to];
    net_data(e, data);
    n->sent++;
    if (n->tap != NULL) {
        n->tap(n, from, to, data);
    }
}

static inline void net_flood(struct net *n, int from, const struct party_flood *wanted)
{
    uint8_t inner[MSG_INNER_MAX];
    uint8_t raw[MSG_INNER_MAX + 256];
    struct flood f = { .kind = wanted->kind,
                       .ttl = wanted->ttl,
                       .life_s = wanted->life_s };
    struct msg m = { .type = MSG_FLOOD };
    struct flood_id id;
    size_t len;

    memcpy(f.origin, n->nodes[from].self.sign_public, KEY_LEN);
    f.created_ms = (uint64_t)(n->order + 1); /* makes each flood another one */
    f.body = bytes_of(wanted->body, wanted->len);
    len = flood_encode(&f, inner, sizeof(inner));
    assert_true(len > 0);
    m.u.flood.hops = 1;
    m.u.flood.inner = bytes_of(inner, len);
    sign(&n->nodes[from].self, wanted->is_tree ? DOMAIN_GOSSIP : DOMAIN_FLOOD,
         m.u.flood.inner, m.u.flood.sig);
    hash_blake2b(id.b, FLOOD_ID_LEN, DOMAIN_FLOOD, &m.u.flood.inner, 1);
    assert_true(n->flood_count < NET_FLOODS_MAX);
    n->floods[n->flood_count].id = id;
    n->floods[n->flood_count].ttl = wanted->ttl;
    n->floods[n->flood_count].at_ns = n->now_ns;
    n->floods[n->flood_count++].origin = from;
    len = msg_encode(&m, raw, sizeof(raw));
    for (int i = 0; i < n->count; i++) {
        if (i != from && n->nodes[i].is_on && !n->cut[from][i]) {
            /* Some hops on the way. */
            int64_t at_ns = n->now_ns + net_delay(n) + net_delay(n);
            struct net_event *e = net_add(n, at_ns, NET_FLOOD, from, i);

            e->flood = id;
            net_data(e, bytes_of(raw, len));
        }
    }
}

static inline void net_reply(struct net *n, int from, const struct party_reply *r)
{
    for (int i = 0; i < n->flood_count; i++) {
        int to = n->floods[i].origin;

        if (flood_id_equal(&n->floods[i].id, &r->flood) && !n->cut[from][to]) {
            struct net_event *e = net_add(n, n->now_ns + net_delay(n) + net_delay(n),
                                          NET_REPLY, from, to);

            net_data(e, bytes_of(r->inner, r->len));
        }
    }
}

static inline void net_after(struct net *n, int i);

static inline void net_down(struct net *n, int a, int b)
{
    if (n->up[a][b]) {
        n->up[a][b] = false;
        outbox_clear(&n->out);
        party_peer_down(&n->nodes[a].p, b, net_local(n, a), &n->out);
        net_after(n, a);
    }
}

/* The songs of the pool begin to come in. */
static inline void net_pool(struct net *n, int i)
{
    struct net_node *x = &n->nodes[i];
    bool is_host = x->p.role == PARTY_ROLE_HOST;

    if (x->share_ns != TIME_NEVER || is_host) {
        for (int s = 0; s < POOL_SLOTS; s++) {
            if (party_song(&x->p, s)->is_set) {
                net_add(n, n->now_ns + (is_host ? 0 : x->share_ns), NET_SONG, i, i)
                    ->slot = s;
            }
        }
    }
}

static inline void net_clock(struct net *n, int i)
{
    struct net_node *x = &n->nodes[i];
    struct clock_line line = clock_line_identity();
    struct party_reference r;
    int host;

    if (party_wants_map(&x->p)) {
        struct clock_line utc = { .local_ns = net_local(n, i),
                                  .remote_ns = NET_UTC_NS + n->now_ns,
                                  .is_valid = true };
        struct clock_map map = clock_map_first(&utc, net_local(n, i));

        party_set_host_map(&x->p, &map, (uint64_t)(100 + i), net_local(n, i), &n->out);
    }
    if (!party_reference(&x->p, &r) || x->p.to_reference.is_valid) {
        return;
    }
    host = (int)r.clock_id - 100;
    if (host < 0 || host >= n->count) {
        return;
    }
    if (!r.is_self) {
        line = (struct clock_line){ .local_ns = net_local(n, i),
                                    .remote_ns = net_local(n, host),
                                    .sigma_ns = 5 * NS_PER_US,
                                    .bound_ns = NS_PER_MS,
                                    .is_valid = true };
    }
    party_set_clock(&x->p, &line, r.is_self ? 0 : 2 * n->latency_ns + n->jitter_ns,
                    net_local(n, i), &n->out);
}

/* Everything that the node does after a step. */
static inline void net_after(struct net *n, int i)
{
    struct party *p = &n->nodes[i].p;
    struct party_flood flood;
    struct party_reply reply;
    struct party_dial dial;
    struct promise promise;
    int peer;

    net_clock(n, i);
    assert_true(party_check(p));
    net_ledger(n, i);
    for (int k = 0; k < n->out.count; k++) {
        const struct outbox_item *o = &n->out.items[k];

        net_send(n, i, o->peer, bytes_of(n->out.data + o->start, o->len));
    }
    assert_int_equal(n->out.dropped, 0);
    outbox_clear(&n->out);
    while (party_take_flood(p, &flood)) {
        net_flood(n, i, &flood);
    }
    while (party_take_reply(p, &reply)) {
        net_reply(n, i, &reply);
    }
    while (party_take_dial(p, &dial)) {
        int to = net_find(n, &dial.id);

        if (to >= 0 && n->nodes[to].is_on && !n->cut[i][to]) {
            net_add(n, n->now_ns + 3 * net_delay(n), NET_UP, i, to);
        }
    }
    if (party_take_promise(p, &promise)) {
        net_add(n, n->now_ns + 5 * NS_PER_MS, NET_KEPT, i, i)->promise = promise;
    }
    while (party_take_hangup(p, &peer)) {
        int64_t at_ns = n->now_ns + net_delay(n);

        at_ns = at_ns <= n->last_ns[i][peer] ? n->last_ns[i][peer] + 1 : at_ns;
        net_add(n, at_ns, NET_DOWN, peer, i)->link = n->link[peer][i];
        net_down(n, i, peer);
    }
    if (party_take_pool_change(p)) {
        net_pool(n, i);
    }
}

static inline void net_up(struct net *n, int a, int b)
{
    if (a == b || n->cut[a][b] || !n->nodes[a].is_on || !n->nodes[b].is_on) {
        return;
    }
    if (n->up[a][b] && n->up[b][a]) {
        return;
    }
    net_down(n, a, b); /* one side has not noticed that the old link has gone */
    net_down(n, b, a);
    n->link[a][b]++;
    n->link[b][a] = n->link[a][b];
    n->up[a][b] = n->up[b][a] = true;
    for (int k = 0; k < 2; k++) {
        int x = k == 0 ? a : b;
        int y = k == 0 ? b : a;
        struct addr addr = net_addr(y);

        if (!net_knows(n, x, y) && n->up[x][y]) {
            outbox_clear(&n->out);
            party_peer_up(&n->nodes[x].p, y, &n->nodes[y].self.id,
                          n->nodes[y].self.sign_public, &addr, net_local(n, x), &n->out);
            net_after(n, x);
        }
    }
}

static inline void net_deliver(struct net *n, const struct net_event *e)
{
    struct party *p = &n->nodes[e->to].p;
    struct bytes data = bytes_of(e->data, e->len);
    struct msg m;
    struct flood f;
    struct reply r;

    if (e->kind == NET_UP) {
        net_up(n, e->from, e->to);
        return;
    }
    if (e->kind == NET_DOWN) {
        if (e->link == n->link[e->from][e->to]) {
            net_down(n, e->from, e->to);
        }
        return;
    }
    if (!n->nodes[e->to].is_on) {
        return;
    }
    outbox_clear(&n->out);
    if (e->kind == NET_MSG) {
        if (!n->up[e->to][e->from] || e->link != n->link[e->to][e->from] ||
            msg_decode(data, &m) != 0) {
            return;
        }
        party_receive(p, e->from, &m, net_local(n, e->to), &n->out);
    } else if (e->kind == NET_FLOOD) {
        assert_int_equal(msg_decode(data, &m), 0);
        assert_int_equal(flood_decode(m.u.flood.inner, &f), 0);
        party_flood_heard(p, &e->flood, &m.u.flood, &f, net_local(n, e->to), &n->out);
    } else if (e->kind == NET_REPLY) {
        assert_int_equal(reply_decode(data, &r), 0);
        party_reply_heard(p, &r, net_local(n, e->to));
    } else if (e->kind == NET_KEPT) {
        party_promised(p, &e->promise, true, net_local(n, e->to), &n->out);
    } else {
        party_set_song_progress(p, e->slot, 100, 100, net_local(n, e->to), &n->out);
    }
    net_after(n, e->to);
}

/* ---- the world ---- */

static struct net *net_new(uint64_t seed, int count)
{
    static struct net *n;

    for (int i = 0; n != NULL && i < n->event_count; i++) {
        free(n->events[i].data);
    }
    free(n);
    n = calloc(1, sizeof(*n));
    assert_non_null(n);
    assert_true(count <= NET_NODES_MAX);
    assert_int_equal(secure_init(), 0);
    rng_seed(&n->rng, seed);
    n->count = count;
    n->latency_ns = 20 * NS_PER_MS;
    n->jitter_ns = 5 * NS_PER_MS;
    n->is_honest = true;
    for (int i = 0; i < count; i++) {
        struct net_node *x = &n->nodes[i];
        uint8_t secret[32] = { (uint8_t)(i + 1) };

        store_be64(secret + 8, seed);
        suite_real.identity(&x->self, secret);
        x->offset_ns = rng_below(&n->rng, 1000 * NS_PER_S);
        x->share_ns = 2 * NS_PER_S;
        x->song_frames = 20 * 44100;
        x->has_sound = true;
        x->owner = i;
    }
    return n;
}

static inline void net_on_with(struct net *n, int i, const struct party_params *base)
{
    struct net_node *x = &n->nodes[i];
    struct priority priority = { 1, 2, 3, 4 };
    struct addr addr = net_addr(i);
    char name[] = "guest 0";

    name[6] = (char)('0' + i);
    x->params = *base;
    x->params.peers_max = NET_NODES_MAX;
    pool_init(&x->pool, x->memory, sizeof(x->memory));
    heap_init(&x->heap, &x->pool);
    invites_init(&x->invites, x->self.suite, &x->heap, x->params.invites_max);
    party_init(&x->p, &x->params, &x->heap, &x->invites, &x->self, rng_next(&n->rng));
    /* Who starts for the first time has promised nothing. */
    party_set_memory(&x->p, &x->promises, (uint64_t)(100 + i),
                     net_local(n, i) - (x->has_run ? 0 : 10 * NS_PER_S));
    x->has_run = true;
    x->is_on = true;
    x->ledger_seq = 0;
    party_set_self(&x->p, name, &addr, &priority);
    outbox_clear(&n->out);
    party_set_audio(&x->p, x->has_sound, &x->sound, net_local(n, i), &n->out);
}

static inline void net_on(struct net *n, int i, bool is_auto_accept)
{
    struct party_params params = party_params_default();

    params.is_auto_accept = is_auto_accept;
    net_on_with(n, i, &params);
}

/* All nodes but the first accept by themselves. */
static inline void net_all_on(struct net *n)
{
    for (int i = 0; i < n->count; i++) {
        net_on(n, i, i > 0);
    }
}

/* Power cut: no word to anybody.  Links break for the others after a while. */
static inline void net_kill(struct net *n, int i)
{
    n->nodes[i].is_on = false;
    for (int k = 0; k < n->count; k++) {
        if (n->up[i][k]) {
            n->up[i][k] = false;
            net_add(n, n->now_ns + 100 * NS_PER_MS, NET_DOWN, k, i)->link = n->link[k][i];
        }
    }
}

/* The player of a node says how its sound is. */
static inline void net_tell_sound(struct net *n, int i)
{
    struct net_node *x = &n->nodes[i];

    outbox_clear(&n->out);
    party_set_audio(&x->p, x->has_sound, &x->sound, net_local(n, i), &n->out);
    net_after(n, i);
}

/* The link between two breaks and cannot be made again until net_heal. */
static inline void net_cut(struct net *n, int a, int b)
{
    n->cut[a][b] = n->cut[b][a] = true;
    net_down(n, a, b);
    net_down(n, b, a);
}

static inline void net_heal(struct net *n, int a, int b)
{
    n->cut[a][b] = n->cut[b][a] = false;
}

static inline int net_first(const struct net *n)
{
    int first = -1;

    for (int i = 0; i < n->event_count; i++) {
        const struct net_event *e = &n->events[i];

        if (first < 0 || e->at_ns < n->events[first].at_ns ||
            (e->at_ns == n->events[first].at_ns && e->order < n->events[first].order)) {
            first = i;
        }
    }
    return first;
}

static inline int64_t net_wake_ns(const struct net *n, int i)
{
    int64_t at_ns = time_min(party_wake_ns(&n->nodes[i].p),
                             invites_wake_ns(&n->nodes[i].invites));

    return at_ns == TIME_NEVER ? at_ns : at_ns - n->nodes[i].offset_ns;
}

/* Run for so long. */
static inline void net_run(struct net *n, int64_t for_ns)
{
    int64_t end_ns = n->now_ns + for_ns;

    for (;;) {
        int e = net_first(n);
        int64_t next_ns = e < 0 ? TIME_NEVER : n->events[e].at_ns;
        int who = -1;

        for (int i = 0; i < n->count; i++) {
            if (n->nodes[i].is_on && net_wake_ns(n, i) < next_ns) {
                next_ns = net_wake_ns(n, i);
                who = i;
            }
        }
        if (next_ns > end_ns) {
            break;
        }
        n->now_ns = next_ns > n->now_ns ? next_ns : n->now_ns;
        if (who >= 0) {
            n->nodes[who].wakes++;
            outbox_clear(&n->out);
            invites_expire(&n->nodes[who].invites, net_local(n, who));
            party_wake(&n->nodes[who].p, net_local(n, who), &n->out);
            net_after(n, who);
        } else {
            struct net_event event = n->events[e];

            n->events[e] = n->events[--n->event_count];
            net_deliver(n, &event);
            free(event.data);
        }
    }
    n->now_ns = end_ns;
}

/* ---- what users do ---- */

static inline size_t net_manifest(struct net *n, int i, int song, uint8_t *out,
                                  uint8_t *sig)
{
    struct manifest m = {
        .bytes = 5000000,
        .frames = (uint64_t)n->nodes[i].song_frames,
        .rate = 44100,
        .channels = 2,
        .bits = 16,
        .title = bytes_of("So What", 7),
        .artist = bytes_of("Miles", 5),
        .album = bytes_of("Kind of Blue", 12),
    };
    size_t len;

    m.song.b[0] = (uint8_t)(i + 1);
    m.song.b[1] = (uint8_t)(song + 1);
    memcpy(m.owner, n->nodes[i].self.sign_public, KEY_LEN);
    len = manifest_encode(&m, out, MSG_ENTRY_MAX);
    assert_true(len > 0);
    sign(&n->nodes[i].self, DOMAIN_MANIFEST, bytes_of(out, len), sig);
    return len;
}

static inline int net_host(struct net *n, int i, int songs, int wanted)
{
    uint8_t manifests[CALL_SONGS_MAX][MSG_ENTRY_MAX];
    uint8_t sigs[CALL_SONGS_MAX][SIGNATURE_LEN];
    struct party_host_request r = { .name = bytes_of("kitchen", 7),
                                    .song_count = songs,
                                    .wanted = wanted };
    struct party_answer answer;
    int err;

    for (int s = 0; s < songs; s++) {
        size_t len = net_manifest(n, i, s, manifests[s], sigs[s]);

        r.songs[s].manifest = bytes_of(manifests[s], len);
        r.songs[s].sig = sigs[s];
    }
    outbox_clear(&n->out);
    err = party_host(&n->nodes[i].p, &r, net_local(n, i), &n->out, &answer);
    net_after(n, i);
    return err;
}

static inline int net_accept(struct net *n, int i, const char *prefix)
{
    struct party_answer answer;
    int err;

    outbox_clear(&n->out);
    err = party_accept(&n->nodes[i].p, prefix, net_local(n, i), &n->out, &answer);
    net_after(n, i);
    return err;
}

static inline int net_leave(struct net *n, int i)
{
    struct party_answer answer;
    int err;

    outbox_clear(&n->out);
    err = party_leave(&n->nodes[i].p, net_local(n, i), &n->out, &answer);
    net_after(n, i);
    return err;
}

static inline int net_end(struct net *n, int i)
{
    struct party_answer answer;
    int err;

    outbox_clear(&n->out);
    err = party_end(&n->nodes[i].p, net_local(n, i), &n->out, &answer);
    net_after(n, i);
    return err;
}

static inline int net_act(struct net *n, int i, struct party_command c,
                          struct party_answer *answer)
{
    struct party_answer scratch;
    int err;

    outbox_clear(&n->out);
    err = party_act(&n->nodes[i].p, &c, net_local(n, i), &n->out,
                    answer != NULL ? answer : &scratch);
    net_after(n, i);
    return err;
}

static inline struct party_status net_status(struct net *n, int i)
{
    struct party_status s;

    party_status(&n->nodes[i].p, net_local(n, i), &s);
    return s;
}

static inline enum party_phase net_phase(struct net *n, int i)
{
    return net_status(n, i).phase;
}

/* These two hold the same log, and hear the same now and at many instants to come. */
static inline bool net_agree(struct net *n, int a, int b)
{
    struct party *x = &n->nodes[a].p;
    struct party *y = &n->nodes[b].p;
    struct clock_line lx = party_line(x, net_local(n, a));
    struct clock_line ly = party_line(y, net_local(n, b));
    struct party_time tx;
    struct party_time ty;

    if (!lx.is_valid || !ly.is_valid || x->log.seq != y->log.seq ||
        memcmp(x->log.head, y->log.head, HASH_LEN) != 0 ||
        x->member_count != y->member_count) {
        return false;
    }
    tx = party_clock_from_local(&lx, net_local(n, a));
    ty = party_clock_from_local(&ly, net_local(n, b));
    if (tx.ns - ty.ns > 2 || ty.ns - tx.ns > 2) { /* each conversion rounds */
        return false;
    }
    for (int64_t t = 0; t < 200 * NS_PER_S; t += 777 * NS_PER_MS) {
        struct party_time at = { tx.ns + t };
        struct timeline_position p = timeline_at(&x->timeline, at);
        struct timeline_position q = timeline_at(&y->timeline, at);

        if (p.slot != q.slot || p.frame != q.frame || p.is_playing != q.is_playing) {
            return false;
        }
    }
    return true;
}

/* The one node that hosts, when all others that are on are its guests; else -1. */
static inline int net_single_host(struct net *n)
{
    int host = -1;

    for (int i = 0; i < n->count; i++) {
        if (n->nodes[i].is_on && n->nodes[i].p.role == PARTY_ROLE_HOST &&
            n->nodes[i].p.phase != PARTY_ENDED) {
            if (host >= 0) {
                return -1;
            }
            host = i;
        }
    }
    for (int i = 0; host >= 0 && i < n->count; i++) {
        const struct party *p = &n->nodes[i].p;

        if (n->nodes[i].is_on && i != host &&
            (p->role != PARTY_ROLE_GUEST || !p->is_in ||
             !party_id_equal(&p->log.party, &n->nodes[host].p.log.party))) {
            return -1;
        }
    }
    return host;
}

#endif
