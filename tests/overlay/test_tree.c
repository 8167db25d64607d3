/* Trees over a random network in virtual time: nobody misses a message, nearly nobody
 * gets one twice, and what is cut or dies is mended.  SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <stdlib.h>

#include "base/rng.h"
#include "base/time.h"
#include "overlay/tree.h"

#define NODES    500
#define DEGREE   6
#define ROUND_NS (10 * NS_PER_S)
#define REGION   ((size_t)64 * 1024 * 1024)

struct delivery {
    int64_t at_ns;
    uint64_t order;
    int to;
    int slot; /* of the sender at the receiver */
    size_t len;
    uint8_t *data;
};

struct member {
    bool is_dead;
    struct tree tree;
    int count;
    int node[DEGREE + 2];
    int slot[DEGREE + 2]; /* of us at that node */
    int seen[64];         /* by number of the message: hops it came, 0: not yet */
    bool is_liar;         /* announces, and never sends */
};

static struct {
    struct member n[NODES];
    struct pool pool;
    struct heap heap;
    struct tree_params params;
    struct rng rng;
    struct delivery *heap_of;
    int count;
    int room;
    uint64_t order;
    int64_t now_ns;
    int64_t payloads;
    int64_t controls;
    int hops_max;
    bool is_lossy; /* one payload in ten is lost */
} net;

static struct outbox outbox;

static bool before(const struct delivery *a, const struct delivery *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void enqueue(struct delivery d)
{
    int i;

    if (net.count == net.room) {
        net.room = net.room == 0 ? 1024 : 2 * net.room;
        net.heap_of = realloc(net.heap_of, (size_t)net.room * sizeof(d));
    }
    for (i = net.count++; i > 0 && before(&d, &net.heap_of[(i - 1) / 2]); i = (i - 1) / 2)
        net.heap_of[i] = net.heap_of[(i - 1) / 2];
    net.heap_of[i] = d;
}

static struct delivery dequeue(void)
{
    struct delivery first = net.heap_of[0];
    struct delivery last = net.heap_of[--net.count];
    int i = 0;

    for (;;) {
        int child = 2 * i + 1;

        if (child + 1 < net.count && before(&net.heap_of[child + 1], &net.heap_of[child]))
            child++;
        if (child >= net.count || !before(&net.heap_of[child], &last))
            break;
        net.heap_of[i] = net.heap_of[child];
        i = child;
    }
    net.heap_of[i] = last;
    return first;
}

/* One way of a link: the same each time, 10 to 70 ms. */
static int64_t latency(int from, int to)
{
    uint64_t x = (uint64_t)(from * 1000 + to + 1) * UINT64_C(0x9e3779b97f4a7c15);

    return 10 * NS_PER_MS + (int64_t)((x >> 33) % 60000) * NS_PER_US;
}

static void flush(int from)
{
    struct member *x = &net.n[from];

    for (int i = 0; i < outbox.count; i++) {
        const struct outbox_item *o = &outbox.items[i];
        int to = x->node[o->peer];
        struct msg m;

        assert_int_equal(msg_decode(bytes_of(outbox.data + o->start, o->len), &m), 0);
        if (m.type == MSG_GOSSIP)
            net.payloads++;
        else
            net.controls++;
        if (m.type == MSG_GOSSIP &&
            (x->is_liar || (net.is_lossy && rng_below(&net.rng, 10) == 0)))
            continue;
        enqueue((struct delivery){
            net.now_ns + latency(from, to), net.order++, to, x->slot[o->peer], o->len,
            memcpy(malloc(o->len), outbox.data + o->start, o->len) });
    }
    outbox_clear(&outbox);
    assert_null(tree_check(&x->tree));
}

static void id_of(int number, struct flood_id *id)
{
    *id = (struct flood_id){ { 0 } };
    store_be64(id->b, (uint64_t)number);
}

static void receive(const struct delivery *d)
{
    struct member *x = &net.n[d->to];
    uint8_t origin[KEY_LEN] = { 0 };
    struct flood_id id;
    struct msg m;
    int number;

    assert_int_equal(msg_decode(bytes_of(d->data, d->len), &m), 0);
    switch ((int)m.type) {
    case MSG_GOSSIP:
        number = m.u.gossip.inner.data[0];
        store_be32(origin, load_be32(m.u.gossip.inner.data + 1));
        id_of(number, &id);
        if (x->seen[number] > 0) {
            tree_duplicate(&x->tree, origin, d->slot, &outbox);
            break;
        }
        x->seen[number] = m.u.gossip.hops;
        net.hops_max = m.u.gossip.hops > net.hops_max ? m.u.gossip.hops : net.hops_max;
        tree_deliver(&x->tree, &id, origin, &m.u.gossip, d->slot, net.now_ns, &outbox);
        break;
    case MSG_IHAVE:
        for (int i = 0; i < m.u.ihave.count; i++) {
            if (x->seen[load_be64(m.u.ihave.list[i].id.b)] == 0)
                tree_announced(&x->tree, d->slot, &m.u.ihave.list[i].id,
                               m.u.ihave.list[i].hops, 60 * NS_PER_MS, net.now_ns);
        }
        break;
    case MSG_GRAFT:
        tree_on_graft(&x->tree, d->slot, &m.u.graft, &outbox);
        break;
    default:
        tree_on_prune(&x->tree, d->slot, m.u.prune.origin);
        break;
    }
    flush(d->to);
}

static void run(int64_t until_ns)
{
    for (;;) {
        int64_t wake = TIME_NEVER;
        int who = -1;

        for (int i = 0; i < NODES; i++) {
            int64_t w = net.n[i].is_dead ? TIME_NEVER : tree_wake_ns(&net.n[i].tree);

            if (w < wake) {
                wake = w;
                who = i;
            }
        }
        if (net.count > 0 && net.heap_of[0].at_ns <= wake) {
            struct delivery d;

            if (net.heap_of[0].at_ns > until_ns)
                break;
            d = dequeue();
            net.now_ns = d.at_ns;
            if (!net.n[d.to].is_dead)
                receive(&d);
            free(d.data);
        } else {
            if (wake > until_ns)
                break;
            net.now_ns = wake > net.now_ns ? wake : net.now_ns;
            tree_wake(&net.n[who].tree, net.now_ns, &outbox);
            flush(who);
        }
    }
    net.now_ns = until_ns;
}

static void connect(int a, int b)
{
    struct member *x = &net.n[a];
    struct member *y = &net.n[b];

    for (int i = 0; i < x->count; i++) {
        if (x->node[i] == b)
            return;
    }
    if (a == b || x->count == DEGREE + 2 || y->count == DEGREE + 2)
        return;
    x->node[x->count] = b;
    x->slot[x->count] = y->count;
    y->node[y->count] = a;
    y->slot[y->count] = x->count;
    x->count++;
    y->count++;
}

static void tell_active(int node)
{
    int peers[DEGREE + 2];
    int count = 0;

    for (int i = 0; i < net.n[node].count; i++) {
        if (!net.n[net.n[node].node[i]].is_dead)
            peers[count++] = i;
    }
    tree_set_active(&net.n[node].tree, peers, count);
}

static void begin(uint64_t seed)
{
    static void *region;

    if (region == NULL)
        region = aligned_alloc(16, REGION);
    memset(&net, 0, sizeof(net));
    net.params = tree_params_default();
    pool_init(&net.pool, region, REGION);
    heap_init(&net.heap, &net.pool);
    rng_seed(&net.rng, seed);
    for (int i = 0; i < NODES; i++) {
        tree_init(&net.n[i].tree, &net.params, &net.heap);
    }
    for (int r = 0; r < DEGREE / 2; r++) { /* rings in random order */
        int ring[NODES];

        for (int i = 0; i < NODES; i++) {
            int k = (int)rng_below(&net.rng, i + 1);

            ring[i] = ring[k];
            ring[k] = i;
        }
        for (int i = 0; i < NODES; i++)
            connect(ring[i], ring[(i + 1) % NODES]);
    }
    for (int i = 0; i < NODES; i++)
        tell_active(i);
}

static void finish(void)
{
    run(net.now_ns + 3600 * NS_PER_S);
    for (int i = 0; i < NODES; i++) {
        assert_true(net.n[i].is_dead || net.n[i].tree.origin_count == 0);
        assert_true(net.n[i].is_dead || net.n[i].tree.item_count == 0);
        tree_finish(&net.n[i].tree);
    }
    assert_int_equal(net.heap.used, 0);
    free(net.heap_of);
    net.heap_of = NULL;
    net.count = net.room = 0;
}

static void say(int from, int number)
{
    uint8_t origin[KEY_LEN] = { 0 };
    uint8_t inner[1200] = { (uint8_t)number };
    struct msg_flood m = { .hops = 0, .inner = bytes_of(inner, sizeof(inner)) };
    struct flood_id id;

    store_be32(inner + 1, (uint32_t)from);
    store_be32(origin, (uint32_t)from);
    id_of(number, &id);
    net.n[from].seen[number] = 1;
    tree_deliver(&net.n[from].tree, &id, origin, &m, -1, net.now_ns, &outbox);
    flush(from);
}

/* Payloads over the least that are needed, in thousandths; nobody may lack the message.
 */
static int64_t round_of(int from, int number)
{
    int64_t payloads = net.payloads;
    int alive = 0;

    net.hops_max = 0;
    say(from, number);
    run(net.now_ns + ROUND_NS);
    for (int i = 0; i < NODES; i++) {
        alive += !net.n[i].is_dead;
        assert_true(net.n[i].is_dead || net.n[i].seen[number] > 0);
    }
    return (net.payloads - payloads) * 1000 / (alive - 1) - 1000;
}

static void one_sender(bool is_shared)
{
    begin(1);
    net.params.is_shared = is_shared;
    assert_true(round_of(0, 1) > 1500); /* at first all links are eager: a flood */
    assert_true(round_of(0, 2) <= 100);
    for (int i = 3; i < 6; i++)
        assert_true(round_of(0, i) <= 10);
    assert_true(net.hops_max <= 12);
    finish();
}

static void test_one_sender(void **state)
{
    (void)state;
    one_sender(true);
    one_sender(false);
}

/* Without trees it stays a flood. */
static void test_off(void **state)
{
    (void)state;
    begin(1);
    net.params.is_off = true;
    for (int i = 1; i < 4; i++)
        assert_true(round_of(0, i) > 1500);
    finish();
}

static void many_senders(bool is_shared)
{
    begin(2);
    net.params.is_shared = is_shared;
    for (int r = 0; r < 4; r++) {
        for (int s = 0; s < 10; s++) {
            int64_t rmr = round_of(s * 31, 1 + r * 10 + s);

            assert_true(r < 3 || rmr <= 10);
        }
    }
    assert_true(net.hops_max <= 21);
    finish();
}

static void test_many_senders(void **state)
{
    (void)state;
    many_senders(true);
    many_senders(false);
}

/* Each message is another's: none has a tree of its own. */
static void test_each_another(void **state)
{
    int64_t sum = 0;
    int hops = 0;

    (void)state;
    begin(7);
    net.params.is_shared = true;
    for (int i = 1; i <= 60; i++) {
        int64_t rmr = round_of(i * 7, i);

        sum += i > 3 ? rmr : 0;
        hops = net.hops_max > hops ? net.hops_max : hops;
    }
    printf("redundant payloads in a thousand: %d; %d hops\n", (int)(sum / 57), hops);
    assert_in_range(sum / 57, 0, 50);
    assert_true(hops <= 21);
    finish();
}

/* One in ten payloads is lost: announcements and grafts bring the rest. */
static void test_loss(void **state)
{
    int64_t rescued = 0;

    (void)state;
    begin(3);
    for (int i = 1; i < 4; i++)
        (void)round_of(0, i);
    net.is_lossy = true;
    for (int i = 4; i < 10; i++)
        (void)round_of(0, i);
    for (int i = 0; i < NODES; i++)
        rescued += net.n[i].tree.counts.rescued;
    assert_true(rescued > 100);
    finish();
}

/* A fifth of the nodes dies; the neighbours notice, and the tree mends with the next
 * message. */
static void test_deaths(void **state)
{
    (void)state;
    begin(4);
    for (int i = 1; i < 5; i++)
        (void)round_of(0, i);
    for (int i = 1; i < NODES; i++)
        net.n[i].is_dead = rng_below(&net.rng, 5) == 0;
    for (int i = 0; i < NODES; i++)
        tell_active(i);
    (void)round_of(0, 5);
    (void)round_of(0, 6);
    assert_true(round_of(0, 7) <= 20);
    finish();
}

/* Who announces and never sends is told. */
static void test_liar(void **state)
{
    int told = 0;
    int peer;

    (void)state;
    begin(5);
    for (int i = 1; i < 4; i++)
        (void)round_of(0, i);
    for (int i = 0; i < net.n[100].count; i++)
        net.n[net.n[100].node[i]].is_liar = true;
    say(0, 4);
    run(net.now_ns + ROUND_NS);
    assert_int_equal(net.n[100].seen[4], 0);
    while (tree_take_broken(&net.n[100].tree, &peer)) {
        assert_true(net.n[net.n[100].node[peer]].is_liar);
        told++;
    }
    assert_true(told > 0);
    finish();
}

/* Whose message came and was refused has kept its word: it is not asked, and not blamed.
 */
static void test_refused(void **state)
{
    struct tree *t = &net.n[0].tree;
    struct flood_id id;
    int peer;

    (void)state;
    for (int is_refused = 0; is_refused < 2; is_refused++) {
        begin(7);
        id_of(1, &id);
        assert_true(tree_announced(t, 0, &id, 1, -1, 0));
        assert_true(tree_announced(t, 1, &id, 1, -1, 0));
        if (is_refused)
            tree_refused(t, &id);
        for (int64_t at = 0; at < ROUND_NS; at += 100 * NS_PER_MS) {
            outbox_clear(&outbox);
            tree_wake(t, at, &outbox);
        }
        assert_int_equal(t->counts.grafts, is_refused ? 0 : 2);
        assert_int_equal(tree_take_broken(t, &peer), !is_refused);
        finish();
    }
}

static void test_limits(void **state)
{
    struct flood_id id;
    int64_t good = 0;

    (void)state;
    begin(6);
    for (int i = 0; i < 1000; i++) {
        id_of(i, &id);
        good += tree_announced(&net.n[0].tree, 0, &id, 1, -1, 0);
    }
    assert_int_equal(good, TREE_MISSING_MAX);
    for (int i = 1; i < 60; i++)
        say(0, i);
    assert_true(net.n[0].tree.bytes <= net.params.bytes_max);
    run(net.now_ns + ROUND_NS);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_sender),   cmocka_unit_test(test_off),
        cmocka_unit_test(test_many_senders), cmocka_unit_test(test_each_another),
        cmocka_unit_test(test_loss),         cmocka_unit_test(test_deaths),
        cmocka_unit_test(test_liar),         cmocka_unit_test(test_refused),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
