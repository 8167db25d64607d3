/* SPDX-License-Identifier: MIT */
#include "clock/probe.h"

#include <assert.h>

#include "base/time.h"
#include "wire/cbor.h"

void probe_encode(const struct probe *p, uint8_t body[static PROBE_LEN])
{
    static const uint8_t zeros[PROBE_LEN];
    struct cbor_writer w;
    bool is_reply = p->kind == PROBE_REPLY;

    cbor_writer_init(&w, body, PROBE_LEN);
    cbor_write_array(&w, is_reply ? 8 : 4);
    cbor_write_uint(&w, (uint64_t)p->kind);
    cbor_write_uint(&w, p->seq);
    cbor_write_uint(&w, p->clock_id);
    if (is_reply) {
        cbor_write_int(&w, p->t2_ns);
        cbor_write_int(&w, p->t3_ns);
        cbor_write_uint(&w, p->late_seq);
        cbor_write_uint(&w, p->late_ns);
    }
    /* At least 28 bytes are left, so the head of the pad is always two bytes long and
     * every length can be reached. */
    assert(w.len + 26 <= PROBE_LEN);
    cbor_write_bytes(&w, zeros, PROBE_LEN - w.len - 2);
    assert(!w.has_overflowed);
    assert(w.len == PROBE_LEN);
}

int probe_decode(struct bytes body, struct probe *out)
{
    struct cbor_reader r;
    struct probe p = { .kind = PROBE_REQUEST };
    uint8_t again[PROBE_LEN];

    if (body.len != PROBE_LEN) {
        return ERR_MALFORMED;
    }
    cbor_reader_init(&r, body);
    (void)cbor_read_array(&r, 8);
    p.kind = (enum probe_kind)cbor_read_uint(&r, PROBE_REPLY);
    p.seq = (uint32_t)cbor_read_uint(&r, UINT32_MAX);
    p.clock_id = cbor_read_uint(&r, UINT64_MAX);
    if (p.kind == PROBE_REPLY) {
        p.t2_ns = cbor_read_int(&r);
        p.t3_ns = cbor_read_int(&r);
        p.late_seq = (uint32_t)cbor_read_uint(&r, UINT32_MAX);
        p.late_ns = (uint32_t)cbor_read_uint(&r, PROBE_LATE_NS_MAX);
    }
    (void)cbor_read_bytes(&r, PROBE_LEN);
    if (!cbor_is_done(&r) || (p.kind != PROBE_REQUEST && p.kind != PROBE_REPLY) ||
        p.t3_ns < p.t2_ns) {
        return ERR_MALFORMED;
    }
    /* One meaning, one encoding: the right number of items, and nothing hidden in the
     * pad. */
    probe_encode(&p, again);
    if (!bytes_equal(body, bytes_of(again, PROBE_LEN))) {
        return ERR_MALFORMED;
    }
    *out = p;
    return 0;
}

int probe_answer(struct bytes request, uint64_t clock_id, int64_t rx_ns, int64_t tx_ns,
                 struct probe_echo *echo, uint8_t reply[static PROBE_LEN])
{
    struct probe p;
    int err = probe_decode(request, &p);

    if (err != 0 || p.kind != PROBE_REQUEST) {
        return ERR_MALFORMED;
    }
    p.kind = PROBE_REPLY;
    p.clock_id = clock_id;
    p.t2_ns = rx_ns;
    p.t3_ns = tx_ns > rx_ns ? tx_ns : rx_ns;
    p.late_seq = echo->late_ns > 0 ? echo->seq : 0;
    p.late_ns = echo->late_ns;
    probe_encode(&p, reply);
    *echo = (struct probe_echo){ .seq = p.seq, .t3_ns = p.t3_ns };
    return 0;
}

void probe_echo_sent(struct probe_echo *echo, uint32_t seq, int64_t tx_ns)
{
    int64_t late_ns;

    if (echo->seq == seq && !__builtin_sub_overflow(tx_ns, echo->t3_ns, &late_ns) &&
        late_ns > 0 && late_ns <= PROBE_LATE_NS_MAX) {
        echo->late_ns = (uint32_t)late_ns;
    }
}

static void start_burst(struct prober *p, int64_t now_ns)
{
    p->burst_left = p->params->probe_burst;
    p->start_ns = now_ns;
    p->wake_ns = now_ns;
}

void prober_init(struct prober *p, const struct clock_params *params, struct heap *heap,
                 int64_t interval_ns, struct rng *rng, int64_t now_ns)
{
    assert(interval_ns > 0);
    memset(p, 0, sizeof(*p));
    p->params = params;
    p->interval_ns = interval_ns;
    p->heard_ns = now_ns;
    rng_seed(&p->rng, rng_next(rng));
    p->seq = (uint32_t)rng_next(&p->rng);
    clock_filter_init(&p->filter, params, heap, NULL);
    clock_filter_set_interval(&p->filter, interval_ns);
    start_burst(p, now_ns);
}

void prober_finish(struct prober *p)
{
    clock_filter_finish(&p->filter);
}

void prober_set_clock_id(struct prober *p, uint64_t clock_id, int64_t now_ns)
{
    if (p->clock_id == clock_id) {
        return;
    }
    /* The first id is no change of the clock. */
    if (p->clock_id != 0) {
        p->open = 0;
        clock_filter_drop(&p->filter);
        start_burst(p, now_ns);
    }
    p->clock_id = clock_id;
}

void prober_set_interval(struct prober *p, int64_t interval_ns, int64_t now_ns)
{
    assert(interval_ns > 0);
    p->interval_ns = interval_ns;
    clock_filter_set_interval(&p->filter, interval_ns);
    p->wake_ns = time_min(p->wake_ns, now_ns + interval_ns);
}

int64_t prober_wake_ns(const struct prober *p)
{
    return p->wake_ns;
}

/* Often at first, then ever more seldom, so that the same number of probes always spans
 * the same share of what has passed since the start: a window that is full of the last
 * seconds cannot tell the rate. */
static int64_t spacing(const struct prober *p, int64_t now_ns)
{
    int64_t least_ns = p->interval_ns / p->params->probe_fast_factor;
    int64_t age_ns = now_ns - p->start_ns;
    int64_t eased_ns;

    if (p->burst_left > 0) {
        return p->params->probe_burst_ns;
    }
    if (age_ns >= p->params->probe_ease_ns) {
        return p->interval_ns;
    }
    eased_ns = p->interval_ns / 1000 * (age_ns * 1000 / p->params->probe_ease_ns);
    return eased_ns > least_ns ? eased_ns : least_ns;
}

static uint32_t bit_of(uint32_t seq)
{
    return UINT32_C(1) << seq % PROBE_OUTSTANDING_MAX;
}

bool prober_take(struct prober *p, int64_t now_ns, uint8_t body[static PROBE_LEN],
                 uint32_t *seq)
{
    struct probe request = { .kind = PROBE_REQUEST, .clock_id = p->clock_id };

    if (now_ns < p->wake_ns) {
        return false;
    }
    if (p->burst_left > 0) {
        p->burst_left--;
    }
    request.seq = p->seq++;
    *seq = request.seq;
    p->open |= bit_of(request.seq);
    p->t1_ns[request.seq % PROBE_OUTSTANDING_MAX] = now_ns;
    p->sent_count++;
    p->wake_ns = now_ns +
                 rng_jitter(&p->rng, spacing(p, now_ns), p->params->probe_jitter_percent);
    probe_encode(&request, body);
    return true;
}

/* The T1 of a probe that waits for its answer; NULL: there is none of this number, which
 * is modulo 2^32. */
static int64_t *find_sent(struct prober *p, uint32_t seq)
{
    uint32_t ago = p->seq - 1 - seq;

    return ago < PROBE_OUTSTANDING_MAX && (p->open & bit_of(seq)) != 0
               ? &p->t1_ns[seq % PROBE_OUTSTANDING_MAX]
               : NULL;
}

void prober_set_sent(struct prober *p, uint32_t seq, int64_t tx_ns)
{
    int64_t *t1_ns = find_sent(p, seq);

    if (t1_ns != NULL && tx_ns >= *t1_ns && tx_ns - *t1_ns <= NS_PER_S) {
        *t1_ns = tx_ns;
    }
}

/* What the reply before was later than its own stamp says. */
static void take_late(struct prober *p, const struct probe *r)
{
    if (r->late_ns > 0 && p->last_at_ns != 0 && r->late_seq == p->last_seq) {
        clock_filter_amend(&p->filter, p->last_at_ns, r->late_ns);
        p->stamped_count++;
    }
    p->last_at_ns = 0;
}

/* A peer whose clock has started anew says so, and need not be found out by misfits. */
static void check_peer(struct prober *p, uint64_t clock_id, int64_t now_ns)
{
    if (p->has_peer && p->peer_clock_id != clock_id) {
        clock_filter_drop(&p->filter);
        start_burst(p, now_ns);
    }
    p->has_peer = true;
    p->peer_clock_id = clock_id;
}

int prober_receive(struct prober *p, struct bytes reply, int64_t rx_ns,
                   enum clock_verdict *verdict)
{
    struct probe r;
    const int64_t *t1_ns;
    struct clock_sample sample;

    if (probe_decode(reply, &r) != 0 || r.kind != PROBE_REPLY) {
        return ERR_MALFORMED;
    }
    t1_ns = find_sent(p, r.seq);
    if (t1_ns == NULL) {
        return ERR_NOT_FOUND;
    }
    p->open &= ~bit_of(r.seq);
    p->received_count++;
    p->heard_ns = rx_ns;
    check_peer(p, r.clock_id, rx_ns);
    take_late(p, &r);
    sample = (struct clock_sample){ *t1_ns, r.t2_ns, r.t3_ns, rx_ns };
    *verdict = clock_filter_add(&p->filter, &sample);
    if (*verdict == CLOCK_ACCEPTED || *verdict == CLOCK_RESET) {
        p->last_seq = r.seq;
        p->last_at_ns = p->filter.at_ns;
    }
    if (*verdict == CLOCK_RESET) {
        start_burst(p, rx_ns);
    } else if (*verdict == CLOCK_GATED || p->filter.streak > 0) {
        /* A step or a stray packet?  A few more probes at once tell. */
        p->wake_ns = time_min(p->wake_ns, rx_ns + p->params->probe_burst_ns);
    }
    return 0;
}

enum clock_state prober_state(const struct prober *p, int64_t now_ns)
{
    struct clock_line line;

    clock_filter_line(&p->filter, &line);
    return clock_line_state(&line, p->params, p->interval_ns, now_ns);
}
