/* SPDX-License-Identifier: MIT */
#include "node/floods.h"

#include <assert.h>

#include "node/internal.h"
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
    n->self.suite->hash(id->b, FLOOD_ID_LEN, DOMAIN_FLOOD, &inner, 1);
}

/* Along the tree of its origin, or to all neighbours while it may go further. */
static void forward(struct node *n, const struct msg_flood *m, const struct flood_head *h)
{
    int active[OVERLAY_ACTIVE_MAX];
    int count = overlay_active(&n->overlay, active);

    if (h->is_tree)
        tree_deliver(&n->tree, &h->id, h->origin, m, h->peer, n->now_ns, &n->out->outbox);
    else
        (void)flood_forward(&n->floods, m, h->ttl, h->peer, active, count,
                            &n->out->outbox);
}

/* Who relays a flood must not be able to send it along the trees, nor the other way. */
static const char *domain_of(bool is_tree)
{
    return is_tree ? DOMAIN_GOSSIP : DOMAIN_FLOOD;
}

/* All that is asked before the signature.  FLOOD_NEW: f and h are filled in. */
static enum flood_verdict judge(struct node *n, const struct msg_flood *m,
                                struct flood_head *h, struct flood *f)
{
    struct node_id origin;

    flood_id_of(n, m->inner, &h->id);
    if (!h->is_tree && flood_is_seen(&n->floods, &h->id))
        return FLOOD_DUPLICATE; /* four of five */
    if (flood_decode(m->inner, f) != 0) {
        n->counters.malformed++;
        return FLOOD_EXPIRED;
    }
    n->self.suite->id(f->origin, &origin);
    h->origin = f->origin;
    h->is_from_origin = node_id_equal(&origin, &n->slots[h->peer].rec.id);
    h->ttl = h->is_tree ? (uint8_t)n->params->tree.hops_max : f->ttl;
    h->life_s = f->life_s;
    h->age_ns = age_of(n, f->created_ms);
    return flood_probe(&n->floods, h, n->now_ns);
}

void floods_receive(struct node *n, int peer, const struct msg_flood *m, bool is_tree)
{
    struct flood_head head = { .peer = peer, .hops = m->hops, .is_tree = is_tree };
    enum flood_verdict verdict;
    struct flood f;

    verdict = judge(n, m, &head, &f);
    if (verdict == FLOOD_DUPLICATE && is_tree)
        tree_duplicate(&n->tree, f.origin, peer, &n->out->outbox);
    if (verdict != FLOOD_NEW)
        return;
    if (!n->self.suite->verify(f.origin, domain_of(is_tree), m->inner, m->sig)) {
        n->counters.bad_signatures++;
        return;
    }
    if (flood_commit(&n->floods, &head, n->now_ns) != FLOOD_NEW)
        return;
    forward(n, m, &head);
    if (f.kind != FLOOD_TEST && memcmp(f.origin, n->self.sign_public, KEY_LEN) != 0)
        company_flood_heard(n, &head.id, m, &f);
}

void floods_receive_reply(struct node *n, int peer, const struct msg_reply *m)
{
    enum flood_reply_verdict verdict;
    struct reply r;
    int route;

    if (reply_decode(m->inner, &r) != 0) {
        n->counters.malformed++;
        return;
    }
    verdict = flood_reply_probe(&n->floods, m, peer, n->now_ns, &route);
    if (verdict != FLOOD_REPLY_OWN && verdict != FLOOD_REPLY_PASS)
        return;
    if (!n->self.suite->verify(r.origin, DOMAIN_REPLY, m->inner, m->sig)) {
        n->counters.bad_signatures++;
        return;
    }
    verdict = flood_reply_commit(&n->floods, &m->flood, r.origin, n->now_ns);
    if (verdict == FLOOD_REPLY_OWN && n->company != NULL)
        party_reply_heard(&n->company->party, &r, n->now_ns);
    else if (verdict == FLOOD_REPLY_PASS)
        flood_reply_forward(&n->floods, m, route, &n->out->outbox);
}

static void keep_call(struct node *n, const struct msg_flood *m, const struct flood *f)
{
    struct own_call *call = &n->call;

    if (f->kind != FLOOD_CALL)
        return;
    call->until_ns = n->now_ns + f->life_s * NS_PER_S;
    call->len = m->inner.len;
    memcpy(call->inner, m->inner.data, m->inner.len);
    memcpy(call->sig, m->sig, SIGNATURE_LEN);
}

void floods_greet(struct node *n, int peer)
{
    const struct own_call *call = &n->call;
    struct msg m = { .type = MSG_FLOOD };

    if (n->now_ns >= call->until_ns)
        return;
    m.u.flood.hops = 1;
    m.u.flood.inner = bytes_of(call->inner, call->len);
    memcpy(m.u.flood.sig, call->sig, SIGNATURE_LEN);
    outbox_push(&n->out->outbox, peer, &m);
}

/* Sign and send; keeps what must be told to new neighbours.  False when it is too long,
 * or over a rate. */
static bool originate(struct node *n, struct flood *f, bool is_tree)
{
    uint8_t inner[MSG_GOSSIP_MAX];
    struct flood_head head = {
        .peer = -1, .is_from_origin = true, .is_tree = is_tree, .hops = 1
    };
    struct msg_flood m = { .hops = 1 };

    f->created_ms = utc_ms(n);
    f->serial = (uint32_t)rng_next(&n->rng);
    memcpy(f->origin, n->self.sign_public, KEY_LEN);
    m.inner = bytes_of(inner,
                       flood_encode(f, inner, is_tree ? MSG_GOSSIP_MAX : MSG_INNER_MAX));
    if (m.inner.len == 0)
        return false;
    n->self.suite->sign(&n->self, domain_of(is_tree), m.inner, m.sig);
    flood_id_of(n, m.inner, &head.id);
    head.origin = f->origin;
    head.ttl = f->ttl;
    head.life_s = f->life_s;
    if (flood_commit(&n->floods, &head, n->now_ns) != FLOOD_NEW)
        return false;
    forward(n, &m, &head);
    keep_call(n, &m, f);
    return true;
}

static void send_flood(struct node *n, const struct party_flood *wanted)
{
    struct flood f = { .kind = wanted->kind,
                       .ttl = wanted->ttl,
                       .life_s = wanted->life_s,
                       .body = bytes_of(wanted->body, wanted->len) };

    if (f.kind != FLOOD_CALL)
        n->call.until_ns = 0; /* whatever becomes of this flood */
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
    n->self.suite->sign(&n->self, DOMAIN_REPLY, m.inner, m.sig);
    flood_reply_forward(&n->floods, &m, route, &n->out->outbox);
}

void floods_flush(struct node *n)
{
    struct party_flood flood;
    struct party_reply reply;

    if (n->company == NULL)
        return;
    while (party_take_flood(&n->company->party, &flood))
        send_flood(n, &flood);
    while (party_take_reply(&n->company->party, &reply))
        send_reply(n, &reply);
}
