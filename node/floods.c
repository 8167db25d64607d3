/* SPDX-License-Identifier: MIT */
#include "node/floods.h"

#include <assert.h>

#include "node/fetch.h"
#include "node/internal.h"
#include "node/trees.h"
#include "party/domains.h"

#define TEST_LIFE_S 60
#define NS_PER_MS_U UINT64_C(1000000)

/* UTC in milliseconds, or 0 where it is not known well enough to date a flood by. */
static uint64_t utc_ms(const struct node *n)
{
    struct utc_estimate utc;
    int64_t ns;

    utc_estimate(&n->utc, n->now_ns, &utc);
    if (!utc.is_synchronised)
        return 0;
    ns = clock_line_to_remote(&utc.line, n->now_ns);
    return ns > 0 ? (uint64_t)ns / NS_PER_MS_U : 0;
}

static int64_t age_of(const struct node *n, uint64_t created_ms)
{
    uint64_t now_ms = created_ms == 0 ? 0 : utc_ms(n);

    if (now_ms == 0 || created_ms > INT64_MAX / NS_PER_MS_U)
        return 0;
    return ((int64_t)now_ms - (int64_t)created_ms) * NS_PER_MS;
}

static void flood_id_of(const struct node *n, struct bytes inner, struct flood_id *id)
{
    n->params->suite->hash(id->b, FLOOD_ID_LEN, DOMAIN_FLOOD, &inner, 1);
}

/* Along the tree, or to all neighbours while it may go further. */
static void forward(struct node *n, const struct msg_flood *m, const struct flood_head *h)
{
    struct outbox *box = &n->out->outbox;
    int active[OVERLAY_ACTIVE_MAX];
    int count;

    if (h->is_tree) {
        tree_deliver(trees_take(n), &h->id, h->origin, m, h->peer, n->now_ns, box);
        return;
    }
    count = overlay_active(&n->overlay, active);
    (void)flood_forward(&n->floods, m, h, active, count, n->now_ns, box);
}

/* Who relays a flood must not be able to send it along the trees, nor the other way. */
static const char *domain_of(bool is_tree)
{
    return is_tree ? DOMAIN_GOSSIP : DOMAIN_FLOOD;
}

static void blame(struct node *n, int peer, int points)
{
    flood_blame(&n->floods, peer, points, n->now_ns);
}

static void blame_malformed(struct node *n, int peer)
{
    n->counters.malformed++;
    blame(n, peer, n->params->flood.signature_points);
}

/* A signature that may be checked, and is good. */
static bool is_signed(struct node *n, int peer, const uint8_t *key, const char *domain,
                      struct bytes inner, const uint8_t *sig)
{
    if (!flood_may_check(&n->floods, peer, n->now_ns))
        return false;
    if (n->params->suite->verify(key, domain, inner, sig))
        return true;
    n->counters.bad_signatures++;
    blame(n, peer, n->params->flood.signature_points);
    return false;
}

/* What the overlay must know, of a flood that was decoded. */
static void fill_head(const struct node *n, const struct flood *f, struct flood_head *h)
{
    struct node_id origin;

    h->origin = f->origin;
    if (h->peer >= 0 && h->hops == 1) {
        n->params->suite->id(f->origin, &origin);
        h->is_from_origin = node_id_equal(&origin, &slot_rec(n, slot_at(n, h->peer))->id);
    }
    h->ttl = h->is_tree ? (uint8_t)n->params->tree.hops_max : f->ttl;
    h->life_s = f->life_s;
    h->age_ns = age_of(n, f->created_ms);
}

/* All that is asked before the signature.  FLOOD_NEW: f and h are filled in. */
static enum flood_verdict judge(struct node *n, const struct msg_flood *m,
                                struct flood_head *h, struct flood *f)
{
    flood_id_of(n, m->inner, &h->id);
    if (!h->is_tree &&
        flood_is_seen(&n->floods, &h->id, m->hops, h->peer, &n->out->outbox))
        return FLOOD_DUPLICATE; /* four of five */
    if (flood_decode(m->inner, f) != 0) {
        blame_malformed(n, h->peer);
        return FLOOD_EXPIRED;
    }
    fill_head(n, f, h);
    if (h->is_tree && flood_knows(&n->floods, &h->id)) {
        tree_duplicate(trees_take(n), f->origin, h->peer, &n->out->outbox);
        return FLOOD_DUPLICATE;
    }
    return flood_probe(&n->floods, h, n->now_ns);
}

void floods_receive(struct node *n, int peer, const struct msg_flood *m, bool is_tree)
{
    struct flood_head head = { .peer = peer, .hops = m->hops, .is_tree = is_tree };
    enum flood_verdict verdict;
    struct flood f;

    if (!flood_take_bytes(&n->floods, peer, m->inner.len, n->now_ns))
        return;
    verdict = judge(n, m, &head, &f);
    if (is_tree && n->tree != NULL &&
        (verdict == FLOOD_LIMITED || verdict == FLOOD_EXPIRED))
        tree_refused(n->tree, &head.id);
    if (verdict == FLOOD_LIMITED && !is_tree)
        flood_refuse(&n->floods, &head.id, peer, &n->out->outbox);
    if (verdict == FLOOD_NEW)
        node_fetch_links(n);
    if (verdict != FLOOD_NEW ||
        !is_signed(n, peer, f.origin, domain_of(is_tree), m->inner, m->sig) ||
        flood_commit(&n->floods, &head, n->now_ns) != FLOOD_NEW)
        return;
    forward(n, m, &head);
    if (f.kind != FLOOD_TEST && memcmp(f.origin, n->self.sign_public, KEY_LEN) != 0)
        company_flood_heard(n, &head.id, m, &f);
}

static void receive_reply(struct node *n, int peer, const struct msg_reply *m)
{
    enum flood_reply_verdict verdict;
    struct reply r;
    int route;

    if (reply_decode(m->inner, &r) != 0) {
        blame_malformed(n, peer);
        return;
    }
    verdict = flood_reply_probe(&n->floods, m, peer, n->now_ns, &route);
    if (verdict == FLOOD_REPLY_LIMITED)
        flood_count_more(&n->floods, &m->flood, 1, n->now_ns, &n->out->outbox);
    if (verdict != FLOOD_REPLY_OWN && verdict != FLOOD_REPLY_PASS)
        return;
    if (!is_signed(n, peer, r.origin, DOMAIN_REPLY, m->inner, m->sig))
        return;
    verdict = flood_reply_commit(&n->floods, &m->flood, r.origin, n->now_ns);
    if (verdict == FLOOD_REPLY_OWN && n->company != NULL)
        party_reply_heard(&n->company->party, &r, n->now_ns);
    else if (verdict == FLOOD_REPLY_PASS)
        flood_reply_forward(&n->floods, m, route, &n->out->outbox);
}

/* About what it took on the link. */
static size_t size_of(const struct msg *m)
{
    switch ((int)m->type) {
    case MSG_REPLY:
        return m->u.reply.inner.len;
    case MSG_GOSSIP:
        return m->u.gossip.inner.len;
    case MSG_DIGEST:
        return (size_t)m->u.digest.count * sizeof(m->u.digest.list[0]);
    case MSG_SEEN:
    case MSG_PULL:
        return (size_t)m->u.ids.count * FLOOD_ID_LEN;
    case MSG_IHAVE:
        return (size_t)m->u.ihave.count * sizeof(m->u.ihave.list[0]);
    default:
        return FLOOD_ID_LEN;
    }
}

void floods_receive_other(struct node *n, int peer, const struct msg *m)
{
    struct outbox *box = &n->out->outbox;

    if (!flood_take_bytes(&n->floods, peer, size_of(m), n->now_ns))
        return;
    switch ((int)m->type) {
    case MSG_REPLY:
        receive_reply(n, peer, &m->u.reply);
        break;
    case MSG_SUMMARY:
        if (flood_route(&n->floods, &m->u.summary.flood, n->now_ns) != peer)
            flood_count_more(&n->floods, &m->u.summary.flood, m->u.summary.count,
                             n->now_ns, box);
        break;
    case MSG_DIGEST:
        flood_on_digest(&n->floods, peer, &m->u.digest, n->now_ns, box);
        break;
    case MSG_SEEN:
        flood_on_seen(&n->floods, peer, &m->u.ids, n->now_ns, box);
        break;
    case MSG_PULL:
        flood_on_pull(&n->floods, peer, &m->u.ids, n->now_ns, box);
        break;
    default:
        trees_receive(n, peer, m);
        break;
    }
}

void floods_peer_up(struct node *n, int peer)
{
    const struct peer_rec *rec = slot_rec(n, slot_at(n, peer));
    int64_t debt_ns = offenders_debt_ns(&n->offenders, &rec->id);

    flood_peer_up(&n->floods, peer, debt_ns > n->now_ns ? debt_ns : 0, n->now_ns);
    flood_greet(&n->floods, peer, n->now_ns, &n->out->outbox);
}

void floods_peer_down(struct node *n, const struct slot *s)
{
    int score = flood_score(&n->floods, s->number, n->now_ns);

    if (score >= n->params->offenders.remember_min)
        offenders_remember(&n->offenders, slot_rec(n, s),
                           n->now_ns + score * n->params->flood.score_ns, n->now_ns);
    flood_peer_down(&n->floods, s->number, n->now_ns);
}

void floods_cut_off(struct node *n, int peer)
{
    struct msg m = { .type = MSG_DISCONNECT };
    struct text t = log_begin(&n->out->log, LOG_WARN, "link", "abuse");

    log_id(&t, "peer", slot_rec(n, slot_at(n, peer))->id.b);
    offenders_ban(&n->offenders, slot_rec(n, slot_at(n, peer)), n->now_ns);
    m.u.disconnect.reason = DISCONNECT_ABUSE;
    outbox_push(&n->out->outbox, peer, &m);
    links_drop(n, peer);
}

/* Sign and send.  False when it is too long, or there is no room for it. */
static bool originate(struct node *n, struct flood *f, bool is_tree)
{
    uint8_t inner[MSG_GOSSIP_MAX];
    struct flood_head head = {
        .peer = -1, .is_from_origin = true, .is_tree = is_tree, .hops = 1
    };
    struct msg_flood m = { .hops = is_tree ? 0 : 1 };

    f->created_ms = utc_ms(n);
    f->serial = (uint32_t)rng_next(&n->rng);
    memcpy(f->origin, n->self.sign_public, KEY_LEN);
    m.inner = bytes_of(inner,
                       flood_encode(f, inner, is_tree ? MSG_GOSSIP_MAX : MSG_INNER_MAX));
    if (m.inner.len == 0)
        return false;
    n->params->suite->sign(&n->self, domain_of(is_tree), m.inner, m.sig);
    flood_id_of(n, m.inner, &head.id);
    fill_head(n, f, &head);
    if (flood_commit(&n->floods, &head, n->now_ns) != FLOOD_NEW)
        return false;
    forward(n, &m, &head);
    return true;
}

static void send_flood(struct node *n, const struct party_flood *wanted)
{
    struct flood f = { .kind = wanted->kind,
                       .ttl = wanted->ttl,
                       .life_s = wanted->life_s,
                       .body = bytes_of(wanted->body, wanted->len) };

    (void)originate(n, &f, wanted->is_tree);
}

bool floods_test(struct node *n, int ttl, int bytes)
{
    static const uint8_t nothing[MSG_GOSSIP_MAX];
    struct flood f = { .kind = FLOOD_TEST,
                       .ttl = (uint8_t)(ttl == 0 ? 1 : ttl),
                       .life_s = TEST_LIFE_S };

    assert(bytes > 0 && bytes <= MSG_GOSSIP_MAX && ttl >= 0 && ttl <= FLOOD_TTL_MAX);
    f.body = bytes_of(nothing, (size_t)bytes);
    return originate(n, &f, ttl == 0);
}

static void send_reply(struct node *n, const struct party_reply *wanted)
{
    struct msg_reply m = { .flood = wanted->flood,
                           .inner = bytes_of(wanted->inner, wanted->len) };
    int route = flood_route(&n->floods, &m.flood, n->now_ns);

    if (route < 0)
        return; /* the direct link will tell the host */
    n->params->suite->sign(&n->self, DOMAIN_REPLY, m.inner, m.sig);
    flood_reply_forward(&n->floods, &m, route, &n->out->outbox);
}

/* The neighbours have changed. */
static void greet_neighbours(struct node *n)
{
    const struct overlay_counts *c = &n->overlay.counts;
    uint32_t version = (uint32_t)(c->neighbours_up + c->neighbours_down);
    int active[OVERLAY_ACTIVE_MAX];
    int count;

    if (version == n->floods.active_version)
        return;
    n->floods.active_version = version;
    count = overlay_active(&n->overlay, active);
    flood_set_active(&n->floods, active, count, n->now_ns, &n->out->outbox);
    trees_set_active(n, active, count);
}

void floods_flush(struct node *n)
{
    struct party_flood flood;
    struct party_reply reply;

    if ((n->stirred & STIRRED_OVERLAY) != 0)
        greet_neighbours(n);
    if (n->company == NULL)
        return;
    while (party_take_flood(&n->company->party, &flood)) {
        n->stirred |= STIRRED_FLOODS;
        send_flood(n, &flood);
    }
    while (party_take_reply(&n->company->party, &reply)) {
        n->stirred |= STIRRED_FLOODS;
        send_reply(n, &reply);
    }
}
