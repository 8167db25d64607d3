/* SPDX-License-Identifier: MIT */
#include "node/probes.h"

#include "node/internal.h"
#include "wire/cbor.h"

#define RATE_KEY "clock-rate"

/* What left, by its token: the kind, the peer or server, the number of the probe. */
enum sent_kind { SENT_PROBE = 1, SENT_REPLY, SENT_REQUEST };

static uint64_t token_of(enum sent_kind kind, int whose, uint32_t number)
{
    return (uint64_t)kind << 48 | (uint64_t)(uint16_t)whose << 32 | number;
}

static void send_datagram(struct node *n, enum datagram_socket socket,
                          const struct addr *to, struct bytes data, uint64_t token)
{
    struct effect *e;

    if (data.len == 0 || to->port == 0 || !effects_has_room(n->out, 0))
        return;
    e = effects_add(n->out, EFFECT_DATAGRAM_SEND);
    if (e == NULL)
        return;
    e->u.datagram.socket = socket;
    e->u.datagram.to = *to;
    e->u.datagram.data = data;
    e->u.datagram.token = token;
}

static void send_probe(struct node *n, struct slot *s, const struct addr *to,
                       const uint8_t body[static PROBE_LEN], enum sent_kind kind,
                       uint32_t seq)
{
    size_t size = PROBE_LEN + DATAGRAM_OVERHEAD;
    uint8_t *room = effects_room(n->out, size);
    void *datagram = links_datagram(n, s);
    size_t len;

    if (room == NULL || datagram == NULL)
        return;
    if (n->params->suite->datagram_seal(datagram, bytes_of(body, PROBE_LEN), room, size,
                                        &len) == 0)
        send_datagram(n, DATAGRAM_PEER, to, bytes_of(room, len),
                      token_of(kind, s->number, seq));
}

static struct slot *slot_of_datagram(struct node *n, struct bytes data)
{
    uint64_t id;

    if (!datagram_id(data, &id))
        return NULL;
    for (int k = 0; k < n->slot_set.count; k++) {
        struct slot *s = n->slots[k];

        if (s->state == SLOT_UP && s->to_us == id)
            return s;
    }
    return NULL;
}

/* The prober that measures this peer, or NULL. */
static struct prober *prober_of(const struct node *n, const struct slot *s)
{
    const struct company *c = n->company;

    if (c == NULL)
        return NULL;
    for (int i = 0; i < PARTY_HEIRS; i++) {
        if (c->heirs[i].prober != NULL &&
            node_id_equal(&slot_rec(n, s)->id, &c->heirs[i].id))
            return c->heirs[i].prober;
    }
    return c->prober != NULL && node_id_equal(&slot_rec(n, s)->id, &c->reference)
               ? c->prober
               : NULL;
}

/* A peer answered; if it is the reference, the line may be better now. */
static void take_reply(struct node *n, const struct slot *s, struct bytes body,
                       int64_t rx_ns)
{
    struct company *c = n->company;
    struct prober *p = prober_of(n, s);
    enum clock_verdict verdict;

    if (p == NULL || prober_receive(p, body, rx_ns, &verdict) != 0 || p != c->prober)
        return;
    if (verdict == CLOCK_RESET) {
        struct text t = log_begin(&n->out->log, LOG_WARN, "clock", "reset");

        log_id(&t, "reference", slot_rec(n, s)->id.b);
    }
    c->is_line_stale = true;
}

static void peer_datagram(struct node *n, const struct addr *from, struct bytes data,
                          int64_t rx_ns)
{
    struct slot *s = slot_of_datagram(n, data);
    void *datagram = s == NULL ? NULL : links_datagram(n, s);
    uint8_t plain[PROBE_LEN];
    uint8_t reply[PROBE_LEN];
    struct probe_echo *echo;
    struct bytes body;
    size_t len;

    if (datagram == NULL || n->params->suite->datagram_open(datagram, data, plain,
                                                            sizeof(plain), &len) != 0) {
        n->counters.datagrams_refused++;
        return;
    }
    body = bytes_of(plain, len);
    echo = links_echo(n, s);
    if (probe_answer(body, n->clock_id, rx_ns, n->now_ns, echo, reply) == 0)
        send_probe(n, s, from, reply, SENT_REPLY, echo->seq);
    else
        take_reply(n, s, body, rx_ns);
}

void probes_recall(struct node *n, const struct memory_item *item)
{
    struct clock_prior p;
    struct cbor_reader r;

    if (!bytes_equal(item->key, bytes_of(RATE_KEY, strlen(RATE_KEY))))
        return;
    cbor_reader_init(&r, item->value);
    if (cbor_read_array(&r, 2) != 2)
        return;
    p.rate_ppt = cbor_read_int(&r);
    p.sd_ppt = cbor_read_int(&r);
    if (cbor_is_done(&r))
        utc_set_prior(&n->utc, &p);
}

/* A crystal is as fast tomorrow as it was today, but for some heat: the next run begins
 * with what this one has learnt of it. */
static void remember_rate(struct node *n)
{
    struct clock_prior p;
    struct cbor_writer w;
    uint8_t value[32];
    struct effect *e;

    if (n->now_ns < n->rate_ns || !utc_prior(&n->utc, &p))
        return;
    e = effects_add(n->out, EFFECT_REMEMBER);
    if (e == NULL)
        return;
    n->rate_ns = n->now_ns + n->params->rate_period_ns;
    cbor_writer_init(&w, value, sizeof(value));
    cbor_write_array(&w, 2);
    cbor_write_int(&w, p.rate_ppt);
    cbor_write_int(&w, p.sd_ppt);
    e->u.remember.key = bytes_of(RATE_KEY, strlen(RATE_KEY));
    e->u.remember.value = effects_copy(n->out, cbor_written(&w));
}

void probes_sent(struct node *n, uint64_t token, int64_t tx_ns)
{
    enum sent_kind kind = (enum sent_kind)(token >> 48);
    int whose = (int)(token >> 32 & UINT16_MAX);
    uint32_t number = (uint32_t)token;
    struct slot *s = NULL;

    if (tx_ns > n->now_ns)
        return;
    if (kind == SENT_REQUEST) {
        utc_set_sent(&n->utc, whose, number, tx_ns);
        return;
    }
    for (int k = 0; k < n->slot_set.count && s == NULL; k++) {
        if (n->slots[k]->number == whose && n->slots[k]->state == SLOT_UP)
            s = n->slots[k];
    }
    if (s == NULL || s->more == NULL)
        return; /* the link went meanwhile */
    if (kind == SENT_REPLY)
        probe_echo_sent(links_echo(n, s), number, tx_ns);
    else if (prober_of(n, s) != NULL)
        prober_set_sent(prober_of(n, s), number, tx_ns);
}

void probes_datagram(struct node *n, enum datagram_socket socket, const struct addr *from,
                     struct bytes data, int64_t rx_ns)
{
    if (rx_ns > n->now_ns)
        rx_ns = n->now_ns;
    if (socket == DATAGRAM_PEER)
        peer_datagram(n, from, data, rx_ns);
    else if (utc_receive(&n->utc, from, data, rx_ns, n->now_ns))
        remember_rate(n);
}

void probes_system_clock(struct node *n, int64_t utc_ns, int64_t bound_ns,
                         bool is_synchronised)
{
    utc_set_os(&n->utc, n->now_ns, utc_ns, bound_ns, is_synchronised);
}

void probes_slept(struct node *n)
{
    struct company *c = n->company;
    struct effect *e;

    utc_resume(&n->utc, n->now_ns);
    if (c == NULL)
        return;
    if (c->prober != NULL)
        prober_set_clock_id(c->prober, n->clock_id, n->now_ns);
    for (int i = 0; i < PARTY_HEIRS; i++) {
        if (c->heirs[i].prober != NULL)
            prober_set_clock_id(c->heirs[i].prober, n->clock_id, n->now_ns);
    }
    c->line.is_valid = false;
    c->is_line_stale = true;
    e = effects_add(n->out, EFFECT_CLOCK);
    if (e != NULL)
        e->u.clock = c->line;
    party_slept(&c->party, n->clock_id, n->now_ns);
}

static struct prober *begin_prober(struct node *n, int64_t interval_ns)
{
    struct prober *p = heap_take(&n->heap, 1, sizeof(*p));

    prober_init(p, &n->params->clock, &n->heap, interval_ns, &n->rng, n->now_ns);
    prober_set_clock_id(p, n->clock_id, n->now_ns);
    return p;
}

void probes_end(struct node *n, struct prober **p)
{
    if (*p != NULL)
        prober_finish(*p);
    heap_give(&n->heap, *p, 1, sizeof(**p));
    *p = NULL;
}

/* What is known of a clock already, as it might be needed one day; NULL: nothing. */
static struct prober *take_heir(struct node *n, struct company *c,
                                const struct node_id *id)
{
    for (int i = 0; i < PARTY_HEIRS; i++) {
        struct prober *p = c->heirs[i].prober;

        if (p == NULL || !node_id_equal(&c->heirs[i].id, id))
            continue;
        c->heirs[i].prober = NULL;
        prober_set_interval(p, n->params->probe_interval_ns, n->now_ns);
        return p;
    }
    return NULL;
}

static bool is_among(const struct party_heir heirs[], int count, const struct node_id *id)
{
    for (int i = 0; i < count; i++) {
        if (node_id_equal(&heirs[i].id, id))
            return true;
    }
    return false;
}

static bool is_measured(const struct company *c, const struct node_id *id)
{
    for (int i = 0; i < PARTY_HEIRS; i++) {
        if (c->heirs[i].prober != NULL && node_id_equal(&c->heirs[i].id, id))
            return true;
    }
    return false;
}

static void follow_heirs(struct node *n, struct company *c)
{
    struct party_heir heirs[PARTY_HEIRS];
    int count = party_heirs(&c->party, heirs);

    for (int i = 0; i < PARTY_HEIRS; i++) {
        if (!is_among(heirs, count, &c->heirs[i].id))
            probes_end(n, &c->heirs[i].prober);
    }
    for (int k = 0; k < count; k++) {
        if (heirs[k].peer < 0 || is_measured(c, &heirs[k].id))
            continue;
        for (int i = 0; i < PARTY_HEIRS; i++) {
            if (c->heirs[i].prober == NULL) {
                c->heirs[i].id = heirs[k].id;
                c->heirs[i].prober = begin_prober(n, n->params->heir_interval_ns);
                break;
            }
        }
    }
}

/* Whose raw clock the party runs on may change: begin to measure the new one. */
static void follow_reference(struct node *n, struct company *c)
{
    struct party_reference r;

    if (!party_reference(&c->party, &r) || r.is_self) {
        probes_end(n, &c->prober);
        return;
    }
    if (c->prober != NULL && node_id_equal(&r.host, &c->reference))
        return;
    c->reference = r.host;
    probes_end(n, &c->prober);
    c->prober = take_heir(n, c, &r.host);
    if (c->prober == NULL)
        c->prober = begin_prober(n, n->params->probe_interval_ns);
    c->is_line_stale = true;
}

static void probe(struct node *n, struct prober *p, const struct node_id *id)
{
    uint8_t body[PROBE_LEN];
    uint32_t seq;
    int peer;

    if (p == NULL || !prober_take(p, n->now_ns, body, &seq))
        return;
    peer = links_find(n, id);
    if (peer >= 0)
        send_probe(n, slot_at(n, peer), &slot_rec(n, slot_at(n, peer))->addr, body,
                   SENT_PROBE, seq);
}

static void poll_servers(struct node *n)
{
    struct utc_request r;

    utc_wake(&n->utc, n->now_ns);
    while (utc_take_request(&n->utc, n->now_ns, &r))
        send_datagram(n, DATAGRAM_NTP, &r.to,
                      effects_copy(n->out, bytes_of(r.packet, sizeof(r.packet))),
                      token_of(SENT_REQUEST, r.source, r.number));
}

/* The host publishes its first map when the party begins, and refines it now and then. */
static void publish_map(struct node *n, struct company *c)
{
    const struct clock_map *map = party_map(&c->party);
    struct utc_estimate utc;
    struct clock_map next;

    if (!party_wants_map(&c->party) && (map == NULL || n->now_ns < c->map_wake_ns))
        return;
    c->map_wake_ns = n->now_ns + n->params->map_period_ns;
    utc_estimate(&n->utc, n->now_ns, &utc);
    if (!utc.line.is_valid)
        return;
    if (map == NULL)
        next = clock_map_first(&utc.line, n->now_ns);
    else if (!utc.is_synchronised ||
             !clock_map_refine(map, &utc.line, &n->params->clock, n->now_ns, &next))
        return;
    if (!utc.is_synchronised)
        next.bound_ns = TIME_NEVER;
    party_set_host_map(&c->party, &next, n->clock_id, n->now_ns, &n->out->outbox);
    c->is_line_stale = true;
}

/* Our line to the reference's raw clock.  While we do not hear it the host may steer
 * party time from one end of what it may to the other, and whoever is cut off cannot
 * know: the bound grows by that, too. */
static struct clock_line reference_line(const struct node *n, const struct company *c)
{
    struct clock_line line = clock_line_identity();

    if (c->prober != NULL) {
        clock_filter_line(&c->prober->filter, &line);
        /* The map is of one clock; one that began anew tells no time by it. */
        line.is_valid = line.is_valid &&
                        c->prober->peer_clock_id == c->party.map_clock_id;
        line.bound_ppt += 2 * n->params->clock.map_slew_ppt;
    }
    return line;
}

/* … and about the same bound: that of a bridge to a new host changes all the time. */
static bool same_line(const struct clock_line *a, const struct clock_line *b)
{
    int64_t little_ns = a->bound_ns / 8;
    int64_t change_ns = b->bound_ns - a->bound_ns; /* neither is negative */

    return a->is_valid == b->is_valid && a->local_ns == b->local_ns &&
           a->remote_ns == b->remote_ns && a->rate_ppt == b->rate_ppt &&
           change_ns >= -little_ns && change_ns <= little_ns;
}

/* Tell the party how we know the reference's clock now. */
static void renew_line(struct node *n, struct company *c)
{
    struct clock_line host = reference_line(n, c);
    int64_t rtt_ns = c->prober == NULL ? 0 : c->prober->filter.trip_median_ns;

    c->is_line_stale = false;
    c->line_wake_ns = n->now_ns + n->params->line_period_ns;
    party_set_clock(&c->party, &host, rtt_ns, n->now_ns, &n->out->outbox);
}

/* The player hears of every other line: after a reply, and when a map takes over. */
static void publish_line(struct node *n, struct company *c)
{
    struct clock_line line = party_line(&c->party, n->now_ns);
    struct effect *e;

    if (!line.is_valid || same_line(&c->line, &line))
        return;
    c->line = line;
    e = effects_add(n->out, EFFECT_CLOCK);
    if (e != NULL)
        e->u.clock = line;
}

static void wake_company(struct node *n, struct company *c)
{
    struct party_reference r;

    follow_reference(n, c);
    follow_heirs(n, c);
    probe(n, c->prober, &c->reference);
    for (int i = 0; i < PARTY_HEIRS; i++)
        probe(n, c->heirs[i].prober, &c->heirs[i].id);
    publish_map(n, c);
    if (!party_reference(&c->party, &r)) {
        /* The next party has another time: nothing is to be reckoned by this one. */
        c->has_reference = false;
        c->line.is_valid = false;
        return;
    }
    if (!c->has_reference || c->is_line_stale || n->now_ns >= c->line_wake_ns)
        renew_line(n, c);
    c->has_reference = true;
    publish_line(n, c);
}

void probes_wake(struct node *n)
{
    if (n->has_servers || n->company != NULL)
        poll_servers(n);
    if (n->company != NULL)
        wake_company(n, n->company);
}

int64_t probes_wake_ns(const struct node *n)
{
    const struct company *c = n->company;
    int64_t wake = n->has_servers || c != NULL ? utc_wake_ns(&n->utc) : TIME_NEVER;
    struct party_reference r;

    if (c == NULL)
        return wake;
    if (c->prober != NULL)
        wake = time_min(wake, prober_wake_ns(c->prober));
    for (int i = 0; i < PARTY_HEIRS; i++) {
        if (c->heirs[i].prober != NULL)
            wake = time_min(wake, prober_wake_ns(c->heirs[i].prober));
    }
    if (party_reference(&c->party, &r))
        wake = time_min(wake, c->line_wake_ns);
    if (party_map(&c->party) != NULL)
        wake = time_min(wake, c->map_wake_ns);
    if (c->party.maps.has_next && c->line.is_valid) { /* it takes over then */
        int64_t at = party_clock_to_local(&c->line, c->party.maps.next.valid_from);

        wake = time_min(wake, at > n->now_ns ? at : n->now_ns + NS_PER_MS);
    }
    return wake;
}
